/**
 * A form of the CRM: values are kept while one looks elsewhere, checked as one types, and a version
 * that somebody else has changed meanwhile is told with a way out. Ctrl Enter saves, Escape leaves.
 */
import { ApiError } from "@contactcenter/shared/api";
import { DateInput } from "@contactcenter/shared/dateinput";
import { isHour, isKept, typedHour } from "@contactcenter/shared/dates";
import { Icon } from "@contactcenter/shared/icons";
import { Button, cls, ErrorLine } from "@contactcenter/shared/ui";
import {
  createContext, type HTMLInputTypeAttribute, type ReactNode, useCallback, useContext, useEffect, useId, useRef, useState,
} from "react";

import type { Fault } from "./checks";
import { faultsOf, refusal } from "./refused";
import { useW, type Word } from "./texts";

export type Values = Readonly<Record<string, string>>;
export type Checks = Readonly<Record<string, Fault | null | undefined>>;

/** What was begun and not saved: by form, until the page is loaded anew. */
const drafts = new Map<string, { values: Values; base: Values; version: number | null }>();
const SETTLED_MS = 700;

/** Once it is on the screen. */
const toTheFirstFault = () => requestAnimationFrame(() => document.querySelector<HTMLElement>('.crm .form [aria-invalid="true"]')?.focus());

type IsRead = (value: string) => boolean;

interface Options {
  /** Where the draft is kept: the kind and the id. */
  id: string;
  initial: Values;
  check: (values: Values) => Checks;
  /** Of what is changed, as it is now on the screen. */
  version?: number;
  /** Throws what the server refuses. `changed`: names whose value differs from the initial one. `version`: what
   * the form began with; null: whatever there is now is written over. */
  send: (values: Values, changed: ReadonlySet<string>, version: number | null) => Promise<void>;
}

export interface FormState {
  values: Values;
  set: (name: string, value: string) => void;
  setAll: (values: Values) => void;
  blur: (name: string) => void;
  fault: (name: string) => string | undefined;
  whole: string | undefined;
  /** The last refusal, for what it carries. */
  error: unknown;
  stale: boolean;
  busy: boolean;
  dirty: boolean;
  restored: boolean;
  submit: (over?: boolean) => Promise<void>;
  drop: () => void;
  /** The field holds a day, a moment or an hour: what could not be read as one is a fault. */
  asDate: (name: string, isRead: IsRead) => () => void;
}

export function useForm({ id, initial, check, send, version = 0 }: Options): FormState {
  const say = useW();
  const kept = drafts.get(id);
  const [values, setValues] = useState<Values>(kept?.values ?? initial);
  const [base, setBase] = useState<Values>(kept?.base ?? initial);
  const [began, setBegan] = useState(kept?.version ?? version);
  const [restored] = useState(kept !== undefined);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>(null);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const timers = useRef(new Map<string, number>());
  const names = Object.keys(values);
  const changed = new Set(names.filter((name) => values[name] !== base[name]));
  const [dates, setDates] = useState<ReadonlyMap<string, IsRead>>(new Map());
  const unread = [...dates].filter(([name, isRead]) => !isRead(values[name] ?? "")).map(([name, isRead]) => [name, UNREAD.get(isRead) ?? "bad_date"] as const);
  const checks: Checks = { ...check(values), ...Object.fromEntries(unread) };
  const asDate = useCallback((name: string, isRead: IsRead) => {
    setDates((all) => new Map([...all, [name, isRead]]));
    return () => setDates((all) => new Map([...all].filter(([one]) => one !== name)));
  }, []);
  useEffect(() => {
    if (changed.size > 0) drafts.set(id, { values, base, version: began });
    else drafts.delete(id);
  });
  useEffect(() => () => timers.current.forEach((timer) => clearTimeout(timer)), []);

  const touch = (name: string) => setTouched((now) => (now.has(name) ? now : new Set(now).add(name)));
  const set = (name: string, value: string) => {
    setValues((now) => ({ ...now, [name]: value }));
    setRefused(({ [name]: _mended, ...rest }) => rest);
    clearTimeout(timers.current.get(name));
    if (value !== "") timers.current.set(name, window.setTimeout(() => touch(name), SETTLED_MS));
  };
  const drop = () => {
    drafts.delete(id);
    setValues(initial);
    setBase(initial);
    setBegan(version);
    setTouched(new Set());
    setRefused({});
    setError(null);
    setTried(false);
  };
  const submit = async (over = false) => {
    if (busy) return;
    setTried(true);
    setError(null);
    if (Object.values(checks).some(Boolean)) {
      toTheFirstFault();
      return;
    }
    setBusy(true);
    try {
      await send(values, changed, over ? null : began);
      drafts.delete(id);
      setBase(values);
      setRefused({});
    } catch (problem) {
      setError(problem);
      const found = faultsOf(problem, names, say);
      setRefused(found);
      if (Object.keys(found).length > 0) toTheFirstFault();
    } finally {
      setBusy(false);
    }
  };
  const faulty = tried && Object.values(checks).some(Boolean);
  return {
    values,
    set,
    setAll: (more) => setValues((now) => ({ ...now, ...more })),
    blur: (name) => {
      if (values[name] !== base[name]) touch(name);
    },
    fault: (name) => {
      const fault = checks[name];
      if (fault && (tried || (touched.has(name) && fault !== "missing"))) return say(`f_${fault}` as Word);
      return refused[name];
    },
    whole: faulty ? say("mendFirst") : error === null ? undefined : refusal(error, say),
    error,
    stale: (error instanceof ApiError && error.status === 412) || (changed.size > 0 && version !== began),
    busy,
    dirty: changed.size > 0,
    restored,
    submit,
    drop,
    asDate,
  };
}

const Context = createContext<FormState | null>(null);

/** The form that a part of it stands in. */
export function useFormState(): FormState {
  const form = useContext(Context);
  if (!form) throw new Error("a part stands in a form");
  return form;
}

interface FieldState {
  form: FormState;
  id: string;
  value: string;
  fault: string | undefined;
}

function useField(name: string): FieldState {
  const form = useContext(Context);
  const id = useId();
  if (!form) throw new Error("a field stands in a form");
  return { form, id, value: form.values[name] ?? "", fault: form.fault(name) };
}

/** A field of a day, a moment or an hour. */
function useDated(name: string, isRead: IsRead): FieldState {
  const field = useField(name);
  const { asDate } = field.form;
  useEffect(() => asDate(name, isRead), [asDate, name, isRead]);
  return field;
}

interface FormProps {
  form: FormState;
  label: string;
  submit: string;
  onLeave: () => void;
  /** After a conflict: shows what is there now. */
  onReload?: (() => void) | undefined;
  danger?: boolean;
  children: ReactNode;
  /** Beside the buttons. */
  extra?: ReactNode;
}

export function Form({ form, label, submit, onLeave, onReload, danger, children, extra }: FormProps) {
  const say = useW();
  const box = useRef<HTMLFormElement>(null);
  useEffect(() => {
    box.current?.querySelector<HTMLElement>("[data-first], input:not([type=hidden]), select, textarea")?.focus();
  }, []);
  return (
    <Context value={form}>
      <form
        ref={box}
        className="form"
        aria-label={label}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void form.submit();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void form.submit();
          } else if (event.key === "Escape" && !event.defaultPrevented) {
            event.preventDefault();
            onLeave();
          }
        }}
      >
        {form.restored && form.dirty && <p className="t13 x2 row form-note"><Icon name="edit" size={12} />{say("draftBack")}</p>}
        {children}
        <div className="form-foot">
          <div className="form-whole" role="alert">
            {form.stale ? (
              <div className="box-msg warn">
                <Icon name="triangle" />
                <div className="grow">
                  <p>{say("changedSince")}</p>
                  <div className="row wrap-row">
                    <Button size="small" onClick={() => void form.submit(true)}>{say("saveMine")}</Button>
                    <Button size="small" kind="quiet" onClick={() => { form.drop(); onReload?.(); }}>{say("seeTheirs")}</Button>
                  </div>
                </div>
              </div>
            ) : (
              form.whole && (
                <p className="c-bad row"><Icon name="octagon" size={12} />{form.whole}</p>
              )
            )}
          </div>
          <span className="x3 t12 form-keys">{say("keysForm")}</span>
          {extra}
          <Button onClick={() => { form.drop(); onLeave(); }}>{say("cancel")}</Button>
          <Button kind={danger ? "danger" : "primary"} type="submit" disabled={form.busy}>
            {form.busy ? say("saving") : submit}
          </Button>
        </div>
      </form>
    </Context>
  );
}

interface FieldProps {
  name: string;
  label: string;
  hint?: string;
  wide?: boolean | undefined;
}

function Shell({ id, label, hint, wide, fault, children }: Omit<FieldProps, "name"> & { id: string; fault: string | undefined; children: ReactNode }) {
  return (
    <div className={cls("field", wide && "wide")}>
      <div className="lab">
        <label htmlFor={id}>{label}</label>
        {hint && <span className="end x3 nb" id={`${id}-h`}>{hint}</span>}
      </div>
      {children}
      <ErrorLine id={`${id}-e`} error={fault} />
    </div>
  );
}

interface InProps extends FieldProps {
  type?: HTMLInputTypeAttribute;
  inputMode?: "decimal" | "tel" | "email" | "numeric";
  maxLength?: number;
  placeholder?: string;
  list?: readonly string[];
}

export function In({ type = "text", ...props }: InProps) {
  if (type === "date" || type === "datetime-local") return <DateIn {...props} timed={type === "datetime-local"} />;
  if (type === "time") return <HourIn {...props} />;
  return <TextIn {...props} type={type} />;
}

const isDay: IsRead = (value) => isKept(value);
/** What is said of what cannot be read; of a day with its hour, both. */
const UNREAD: ReadonlyMap<IsRead, Fault> = new Map([[isDay, "not_a_day"], [isHour, "not_an_hour"]]);

function DateIn({ name, timed, ...shell }: FieldProps & { timed: boolean }) {
  const { form, id, value, fault } = useDated(name, timed ? isKept : isDay);
  return (
    <Shell id={id} fault={fault} {...shell}>
      <DateInput
        id={id}
        name={name}
        value={value}
        timed={timed}
        invalid={Boolean(fault)}
        describedBy={`${id}-e`}
        onChange={(kept) => form.set(name, kept)}
        onBlur={() => form.blur(name)}
      />
    </Shell>
  );
}

/** An hour of the day: 9:05 or 0905, kept as 09:05. */
function HourIn({ name, ...shell }: FieldProps) {
  const say = useW();
  const { form, id, value, fault } = useDated(name, isHour);
  const [text, setText] = useState(value);
  return (
    <Shell id={id} fault={fault} {...shell}>
      <input
        id={id}
        name={name}
        className="input"
        type="text"
        inputMode="numeric"
        maxLength={5}
        placeholder={say("hourHint")}
        autoComplete="off"
        value={text}
        aria-invalid={fault ? true : undefined}
        aria-describedby={`${id}-e`}
        onChange={(event) => {
          setText(event.target.value);
          form.set(name, typedHour(event.target.value) ?? event.target.value);
        }}
        onBlur={() => {
          setText(value);
          form.blur(name);
        }}
      />
    </Shell>
  );
}

function TextIn({ name, type = "text", inputMode, maxLength, placeholder, list, ...shell }: InProps) {
  const { form, id, value, fault } = useField(name);
  return (
    <Shell id={id} fault={fault} {...shell}>
      <input
        id={id}
        name={name}
        className="input"
        type={type}
        inputMode={inputMode}
        maxLength={maxLength}
        placeholder={placeholder}
        autoComplete="off"
        list={list ? `${id}-l` : undefined}
        value={value}
        aria-invalid={fault ? true : undefined}
        aria-describedby={`${id}-e`}
        onChange={(event) => form.set(name, event.target.value)}
        onBlur={() => form.blur(name)}
      />
      {list && <datalist id={`${id}-l`}>{list.map((one) => <option key={one} value={one} />)}</datalist>}
    </Shell>
  );
}

/** A sum in euros. */
export const Sum = (props: FieldProps) => <In inputMode="decimal" maxLength={20} {...props} label={`${props.label} (€)`} />;

export function Area({ name, rows = 3, maxLength = 8000, first, ...shell }: FieldProps & { rows?: number; maxLength?: number; first?: boolean }) {
  const { form, id, value, fault } = useField(name);
  return (
    <Shell id={id} fault={fault} wide {...shell}>
      <textarea
        id={id}
        name={name}
        className="input"
        rows={rows}
        maxLength={maxLength}
        value={value}
        data-first={first || undefined}
        aria-invalid={fault ? true : undefined}
        aria-describedby={`${id}-e`}
        onChange={(event) => form.set(name, event.target.value)}
        onBlur={() => form.blur(name)}
      />
    </Shell>
  );
}

export type Choice = readonly [value: string, label: string];

export function Pick({ name, choices, ...shell }: FieldProps & { choices: readonly Choice[] }) {
  const { form, id, value, fault } = useField(name);
  return (
    <Shell id={id} fault={fault} {...shell}>
      <select
        id={id}
        name={name}
        className="input"
        value={value}
        aria-invalid={fault ? true : undefined}
        aria-describedby={`${id}-e`}
        onChange={(event) => form.set(name, event.target.value)}
      >
        {choices.map(([one, label]) => <option key={one} value={one}>{label}</option>)}
      </select>
    </Shell>
  );
}

export function Tick({ name, label, wide }: FieldProps) {
  const { form, value } = useField(name);
  return (
    <label className={cls("tick", wide && "wide")}>
      <input type="checkbox" name={name} checked={value === "yes"} onChange={(event) => form.set(name, event.target.checked ? "yes" : "")} />
      {label}
    </label>
  );
}

/** Rows of a list are fields with a number: party.0.name, party.1.name … The numbers of those that were not taken away. */
export function rowsOf(values: Values, list: string): number[] {
  const found = Object.keys(values).filter((name) => name.startsWith(`${list}.`)).map((name) => Number(name.split(".")[1]));
  return [...new Set(found)].sort((a, b) => a - b).filter((n) => values[`${list}.${n}.gone`] !== "yes");
}

/** The number of a further row; one that was taken away is not used again. */
export const freeRow = (values: Values, list: string): number =>
  Math.max(-1, ...Object.keys(values).filter((name) => name.startsWith(`${list}.`)).map((name) => Number(name.split(".")[1]))) + 1;
