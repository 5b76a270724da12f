/** The frame of a page that is a list: what is in it, one's editor, what is made and what is taken away. */
import { Outcome } from "@contactcenter/shared/outcome";
import { Button, Dialog, IconButton } from "@contactcenter/shared/ui";
import { type FormEvent, type ReactNode, useId, useState } from "react";

import { Box, type useAsked } from "./asked";
import { useT } from "./texts";

export interface EditorProps<T> {
  /** null: a new one. */
  one: T | null;
  onDone: () => void;
  onClose: () => void;
}

interface ListedProps<T> {
  /** What the list was read with. */
  asked: Pick<ReturnType<typeof useAsked>, "failure" | "again">;
  items: T[] | null;
  keyOf: (one: T) => string;
  hint?: string;
  empty: string;
  heads: readonly string[];
  /** The cells of a row. `opened` makes a button of a text, for those who may edit. */
  row: (one: T, opened: (text: ReactNode, label?: string) => ReactNode) => ReactNode;
  may: boolean;
  /** The word on the button; nothing is made here without one. */
  make?: string;
  edit: (props: EditorProps<T>) => ReactNode;
  drop?: {
    label: (one: T) => string;
    sure: (one: T) => string;
    hint: (one: T) => ReactNode;
    done: (one: T) => string;
    send: (one: T) => Promise<unknown>;
  };
}

export function Listed<T extends object>({ asked, items, keyOf, hint, empty, heads, row, may, make, edit, drop }: ListedProps<T>) {
  const t = useT();
  const [open, setOpen] = useState<T | "new" | null>(null);
  const [dropping, setDropping] = useState<T | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState<string | null>(null);
  const opened = (one: T) => (text: ReactNode, label?: string) =>
    may ? (
      <button type="button" className="link" aria-label={label} onClick={() => setOpen(one)}>
        {text}
      </button>
    ) : (
      text
    );
  const remove = async (one: T, { send, done: said }: NonNullable<typeof drop>) => {
    setDropping(null);
    setFailure(null);
    setDone(null);
    try {
      await send(one);
      setDone(said(one));
      asked.again();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <>
      {hint && <p className="x2 t13">{hint}</p>}
      <div className="tools">
        <Outcome failure={failure} done={done} />
        {may && make && (
          <Button kind="primary" icon="plus" disabled={items === null} onClick={() => setOpen("new")}>
            {make}
          </Button>
        )}
      </div>
      <Box items={items} failure={asked.failure} again={asked.again} empty={empty}>
        <table className="list">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
              {drop && (
                <th scope="col">
                  <span className="sr">{t("drop")}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {items?.map((one) => (
              <tr key={keyOf(one)}>
                {row(one, opened(one))}
                {drop && <td className="end-deed">{may && <IconButton icon="close" label={drop.label(one)} onClick={() => setDropping(one)} />}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {open &&
        edit({
          one: open === "new" ? null : open,
          onClose: () => setOpen(null),
          onDone: () => {
            setOpen(null);
            setFailure(null);
            setDone(t("saved"));
            asked.again();
          },
        })}
      {dropping && drop && (
        <Dialog
          title={drop.sure(dropping)}
          closeLabel={t("close")}
          onClose={() => setDropping(null)}
          footer={
            <>
              <Button onClick={() => setDropping(null)}>{t("cancel")}</Button>
              <Button kind="danger" onClick={() => void remove(dropping, drop)}>
                {t("drop")}
              </Button>
            </>
          }
        >
          {drop.hint(dropping)}
        </Dialog>
      )}
    </>
  );
}

interface FormProps {
  title: string;
  /** The word on the button; to save, without one. */
  make?: string | undefined;
  /** Whether it can be sent as it is; what stands in the way is said at its field. */
  ready: boolean;
  send: () => Promise<unknown>;
  onDone: () => void;
  onClose: () => void;
  /** `tried`: it was to be sent, so that what is missing is said. `failure`: what the server refused. */
  children: (told: { tried: boolean; failure: unknown }) => ReactNode;
}

/** One thing's form, in a dialog. */
export function EditForm({ title, make, ready, send, onDone, onClose, children }: FormProps) {
  const t = useT();
  const form = useId();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || !ready) return;
    setBusy(true);
    setFailure(null);
    try {
      await send();
      onDone();
    } catch (error) {
      setFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide
      title={title}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit" form={form} aria-disabled={busy || undefined}>
            {busy ? t("saving") : (make ?? t("save"))}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
        {children({ tried, failure })}
      </form>
    </Dialog>
  );
}
