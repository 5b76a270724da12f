/** Small primitives on the tokens: button, chip, field, menu, dialog, ring, segmented choice. */
import {
  type ButtonHTMLAttributes,
  type InputHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";

import { Icon, type IconName } from "./icons";

export const cls = (...names: (string | false | null | undefined)[]): string => names.filter(Boolean).join(" ");

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "primary" | "danger" | "quiet" | "plain";
  size?: "small" | "large" | "medium";
  icon?: IconName;
  keys?: string | undefined;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = "plain", size = "medium", icon, keys, children, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={cls("btn", kind !== "plain" && kind, size !== "medium" && size, className)}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
      {keys && <kbd aria-hidden="true">{keys}</kbd>}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: IconName;
  label: string;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button type="button" className={cls("ib", className)} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

export type Tone = "ok" | "warn" | "bad" | "acc" | "idle";

export function Chip({ tone = "idle", icon, children }: { tone?: Tone; icon?: IconName; children: ReactNode }) {
  return (
    <span className={cls("chip", tone !== "idle" && tone, !icon && "plain")}>
      {icon && <Icon name={icon} size={12} />}
      {children}
    </span>
  );
}

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "size"> {
  label: string;
  error?: string | undefined;
  /** Beside the label, on the right. */
  aside?: ReactNode;
  large?: boolean;
  ref?: Ref<HTMLInputElement>;
}

/** A labelled input; the line for its error is always there, so that nothing moves. */
export function Field({ label, error, aside, large, className, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <div className="lab">
        <label htmlFor={id}>{label}</label>
        {aside && <span className="end">{aside}</span>}
      </div>
      <input
        id={id}
        className={cls("input", large && "large", className)}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-e`}
        {...rest}
      />
      <ErrorLine id={`${id}-e`} error={error} />
    </div>
  );
}

export function ErrorLine({ id, error }: { id?: string; error?: string | undefined }) {
  return (
    <div className="error-line" id={id} role="alert">
      {error && (
        <>
          <Icon name="octagon" size={12} />
          {error}
        </>
      )}
    </div>
  );
}

/** A modal on the browser's own dialog: focus stays inside, Escape closes, focus goes back. */
export function Dialog({
  title,
  onClose,
  footer,
  wide,
  closeLabel,
  children,
}: {
  title: string;
  onClose: () => void;
  footer?: ReactNode;
  wide?: boolean;
  closeLabel: string;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    (dialog?.querySelector<HTMLElement>(".body :is(input, select, textarea)") ??
      dialog?.querySelector<HTMLElement>(".dialog-foot button"))?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={cls("dialog", wide && "wide")}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className="dialog-head">
        <h2 id={id}>{title}</h2>
        <IconButton icon="close" label={closeLabel} onClick={onClose} />
      </div>
      <div className="body">{children}</div>
      {footer && <div className="dialog-foot">{footer}</div>}
    </dialog>
  );
}

export type MenuEntry =
  | { kind?: "item"; id: string; label: ReactNode; icon?: ReactNode; checked?: boolean; disabled?: boolean; onPick: () => void }
  | { kind: "line"; id: string }
  | { kind: "caption"; id: string; label: string };

interface MenuProps {
  /** The button's contents. */
  trigger: ReactNode;
  label?: string | undefined;
  className?: string;
  entries: MenuEntry[];
  align?: "left" | "right";
  up?: boolean;
  /** Something else above the items, such as a slider. */
  head?: ReactNode;
  disabled?: boolean;
}

/** A button that opens a menu: arrows move, Escape closes, the first letter jumps. */
export function Menu({ trigger, label, className = "btn", entries, align = "left", up, head, disabled }: MenuProps) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (!open) return;
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node) && !button.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    const first = box.current?.querySelector<HTMLElement>('[aria-checked="true"], [role^="menuitem"], input');
    first?.focus();
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...(box.current?.querySelectorAll<HTMLElement>('[role^="menuitem"]') ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const go = (index: number) => {
      event.preventDefault();
      items[(index + items.length) % items.length]?.focus();
    };
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "Tab") setOpen(false);
    else if (event.key === "ArrowDown") go(at + 1);
    else if (event.key === "ArrowUp") go(at < 0 ? items.length - 1 : at - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(items.length - 1);
    else if (event.key.length === 1 && at >= 0) {
      const letter = event.key.toLowerCase();
      const next = [...items.slice(at + 1), ...items].find((i) => i.textContent?.trim().toLowerCase().startsWith(letter));
      next?.focus();
    }
  };

  return (
    <span className="anchor">
      <button
        ref={button}
        type="button"
        className={className}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        title={label}
        disabled={disabled}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" && !open) {
            event.preventDefault();
            setOpen(true);
          }
        }}
      >
        {trigger}
      </button>
      {open && (
        <div
          ref={box}
          className="pop"
          style={{ [align]: 0, ...(up ? { bottom: "calc(100% + 4px)" } : { top: "calc(100% + 4px)" }) }}
          onKeyDown={onKeyDown}
        >
          {head}
          <div role="menu" aria-label={label}>
            {entries.map((entry) => {
              if (entry.kind === "line") return <hr key={entry.id} />;
              if (entry.kind === "caption")
                return (
                  <div key={entry.id} className="cap" role="presentation">
                    {entry.label}
                  </div>
                );
              const radio = entry.checked !== undefined;
              return (
                <button
                  key={entry.id}
                  type="button"
                  tabIndex={-1}
                  role={radio ? "menuitemradio" : "menuitem"}
                  aria-checked={radio ? entry.checked : undefined}
                  aria-disabled={entry.disabled || undefined}
                  onClick={() => {
                    if (entry.disabled) return;
                    close();
                    entry.onPick();
                  }}
                >
                  {entry.icon}
                  <span className="grow">{entry.label}</span>
                  {entry.checked && <Icon name="check" />}
                </button>
              );
            })}
          </div>
        </div>
      )}
    </span>
  );
}

/** A ring that empties with the time left, the seconds inside. */
export function Ring({
  left,
  total,
  size = 44,
  tone,
  label,
}: {
  left: number;
  total: number;
  size?: number;
  tone?: "warn";
  label: string;
}) {
  const radius = size / 2 - 3;
  const around = 2 * Math.PI * radius;
  const share = total > 0 ? Math.min(1, Math.max(0, left / total)) : 0;
  return (
    <span className={cls("ring", tone)} style={{ width: size, height: size }} role="img" aria-label={label}>
      <svg viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
        <circle cx={size / 2} cy={size / 2} r={radius} strokeWidth={4} />
        <circle
          className="left"
          cx={size / 2}
          cy={size / 2}
          r={radius}
          strokeWidth={4}
          strokeDasharray={around}
          strokeDashoffset={around * (1 - share)}
        />
      </svg>
      <b aria-hidden="true">{Math.max(0, Math.ceil(left / 1000))}</b>
    </span>
  );
}
