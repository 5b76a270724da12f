/** The frame of every page: the way back, what it is, what may be done, and the conversation behind it. */
import type { InteractionCard } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { cls, ErrorLine, IconButton } from "@contactcenter/shared/ui";
import { type ReactNode, useEffect, useRef, useState } from "react";

import { useAgent, useDesk } from "../context";
import { useT } from "../texts";
import { InPage } from "./bits";
import { refusal } from "./refused";
import { useW } from "./texts";

interface ShellProps {
  title: string;
  /** Beside the title. */
  chips?: ReactNode;
  line?: ReactNode;
  actions?: ReactNode;
  /** Whose file it is about, for the panel. */
  about?: string | null;
  busy?: boolean;
  children: ReactNode;
}

export function Shell({ title, chips, line, actions, about, busy, children }: ShellProps) {
  const say = useW();
  const desk = useDesk();
  useEffect(() => {
    if (about !== undefined) desk.about.set(about);
  }, [desk, about]);
  // What had the focus went with the page before: the keyboard goes on in this one, unless a field of it took it.
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const at = document.activeElement;
    if (at === null || at === document.body) heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <section className="main crm" aria-label={title} aria-busy={busy || undefined}>
      <div className="hd">
        <IconButton icon="left" label={say("back")} aria-keyshortcuts="Alt+V" onClick={desk.goBack} />
        <div className="grow">
          <div className="row title-row">
            <h2 ref={heading} className="t16 b cut" tabIndex={-1}>{title}</h2>
            {chips}
          </div>
          {line && <p className="x2 t13 cut">{line}</p>}
        </div>
        {actions && <div className="crm-actions">{actions}</div>}
      </div>
      <Behind />
      <div className="page" tabIndex={0} role="group" aria-label={title}>
        <InPage value={true}>{children}</InPage>
      </div>
    </section>
  );
}

/** The conversation that goes on behind the page; nothing when there is none of mine. */
function Behind() {
  const say = useW();
  const t = useT();
  const desk = useDesk();
  const view = useStore(desk.view);
  const card = useAgent((state) => (view.kind === "none" ? undefined : state.interactions[view.id]));
  const wrapping = card?.segment?.state === "wrapping";
  useCallsEnd(card, wrapping);
  if (!card) return <div className="rule" />;
  const name = nameOr(card.customer.name, card.customer.contact_id, t("visitor"));
  return (
    <div className={cls("strip", wrapping ? "warn" : "acc")}>
      <Icon name={wrapping ? "clock" : card.channel} />
      <span className="grow cut">{say(wrapping ? "wrapsUp" : "goesOn", { name })}</span>
      {card.unread > 0 && <span className="badge">{card.unread}<span className="sr"> {t("unread")}</span></span>}
      <button type="button" className="btn small" onClick={() => desk.open(card.interaction_id)}>
        {say("backTo", { name })} <kbd aria-hidden="true">Alt V</kbd>
      </button>
    </div>
  );
}

/** When a call ends behind a page, its outcome comes next: it is on screen at once, unless a form
 * is open on the page. */
function useCallsEnd(card: InteractionCard | undefined, wrapping: boolean): void {
  const desk = useDesk();
  const talked = useRef<string | null>(null);
  const id = card?.interaction_id ?? null;
  const voice = card?.channel === "voice";
  useEffect(() => {
    const ended = wrapping && voice && id !== null && talked.current === id;
    talked.current = wrapping ? null : id;
    if (ended && document.querySelector(".crm .form") === null) desk.open(id);
  }, [desk, id, voice, wrapping]);
}

/** One command with a button: busy while it runs, its refusal said beside it. */
export function useAct(): { busy: boolean; error: string | undefined; done: string | undefined; act: (work: () => Promise<unknown>, said?: string) => Promise<boolean> } {
  const say = useW();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [done, setDone] = useState<string>();
  const act = async (work: () => Promise<unknown>, said?: string) => {
    setBusy(true);
    setError(undefined);
    setDone(undefined);
    try {
      await work();
      setDone(said);
      return true;
    } catch (problem) {
      setError(refusal(problem, say));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, done, act };
}

export function Told({ error, done }: { error: string | undefined; done?: string | undefined }) {
  if (done && !error) return <p className="told c-ok row" role="status"><Icon name="check" size={12} />{done}</p>;
  return <div className="told"><ErrorLine error={error} /></div>;
}
