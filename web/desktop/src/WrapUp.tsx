/**
 * Wrap-up: an outcome by digit (Alt and digit from inside a field), a note that
 * saves itself, the time left, F7 for 60 s more once, Enter to finish.
 */
import type { InteractionCard, SetStatus } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { codeOf, CommandError } from "@contactcenter/shared/live";
import { nameOr } from "@contactcenter/shared/people";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { duration, serverNow, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, cls, Menu, Ring } from "@contactcenter/shared/ui";
import { useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";

import { useAgent, useDesk, useLive } from "./context";
import { queueName } from "./desk";
import { dialogOpen, inField } from "./keys";
import { outcomesOf } from "./lists";
import { failureKey, statusWord, useStatus } from "./Status";
import { type Key, useT } from "./texts";

const SAVE_AFTER_MS = 700;
const DIGITS = "1234567890";

export function WrapUp({ card }: { card: InteractionCard }) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const live = useLive();
  const state = useAgent((all) => all);
  const language = useStore(locale);
  const segment = card.segment;
  const [picked, setChosen] = useState(segment?.disposition ?? null);
  const [note, setNote] = useState(segment?.note ?? "");
  const [saved, setSaved] = useState<"no" | "unsaved" | number>("no");
  const [problem, setProblem] = useState<Key | null>(null);
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLElement>(null);
  const noteBox = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const interaction = card.interaction_id;
  const outcomes = outcomesOf(state, card.queue);
  const chosen = outcomes.some((one) => one.key === picked) ? picked : null; // it may have been retired meanwhile

  // The composer is gone: whoever was typing there types on in the note, never into the digits.
  useEffect(() => {
    const active = document.activeElement;
    if (document.body.contains(active) && active !== document.body && inFieldElement(active)) return;
    if (dialogOpen()) return;
    if (desk.leftTyping) noteBox.current?.focus();
    else box.current?.querySelector<HTMLElement>('[role="radio"]')?.focus();
  }, [desk]);

  const latest = useRef({ chosen, note });
  latest.current = { chosen, note };
  const sentDraft = useRef({ chosen: segment?.disposition ?? null, note: segment?.note ?? "" });
  const save = useCallback(async () => {
    const now = latest.current;
    if (now.chosen === sentDraft.current.chosen && now.note === sentDraft.current.note) return;
    setSaved("unsaved");
    try {
      await desk.live.command("interaction.wrap_up", {
        interaction_id: interaction,
        note: now.note,
        ...(now.chosen ? { disposition: now.chosen } : {}),
        draft: true,
      });
      sentDraft.current = now;
      setSaved(serverNow());
    } catch (error) {
      if (error instanceof CommandError && error.code !== "unavailable") setSaved("no");
    }
  }, [desk, interaction]);
  useEffect(() => {
    const timer = setTimeout(() => void save(), SAVE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [chosen, note, live, save]);

  const finish = async () => {
    if (!chosen) {
      setProblem("needOutcome");
      box.current?.querySelector<HTMLElement>('[role="radio"]')?.focus();
      return;
    }
    if (!live || busy) return;
    setBusy(true);
    setProblem(null);
    if (!(await desk.act(interaction, "interaction.wrap_up", { disposition: chosen, note }))) setBusy(false);
  };
  const extend = async () => {
    try {
      await desk.live.command("interaction.wrap_up", { interaction_id: interaction, extend: true });
    } catch (error) {
      setProblem(failureKey(codeOf(error)));
    }
  };
  const canExtend = segment?.wrap_deadline != null && !segment.wrap_extended;

  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (dialogOpen() || event.defaultPrevented) return;
      const field = inField(event);
      const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
      if (digit && !event.ctrlKey && !event.metaKey && (event.altKey || !field)) {
        const one = outcomes[DIGITS.indexOf(digit)];
        if (one) {
          event.preventDefault();
          setChosen(one.key);
          setProblem(null);
          if (!field) document.getElementById(`${id}-${one.key}`)?.focus();
        }
      } else if (event.key === "F7") {
        event.preventDefault();
        if (canExtend && live && !event.repeat) void extend();
      } else if (event.key === "Enter" && !event.repeat) {
        const target = event.target as HTMLElement;
        const inside = target === document.body || box.current?.contains(target);
        const plain = !field && (target === document.body || target.getAttribute("role") === "radio");
        if (inside && (plain || event.ctrlKey)) {
          event.preventDefault();
          void finish();
        }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  const move = (from: number, by: number) => {
    const next = outcomes[(from + by + outcomes.length) % outcomes.length];
    if (!next) return;
    setChosen(next.key);
    document.getElementById(`${id}-${next.key}`)?.focus();
  };
  return (
    <>
      <div className="wrap-space" />
      <section ref={box} className="wrap" aria-label={t("wrapUp")}>
        <div className="wrap-body">
          <div className="wrap-outcomes">
            <p className="lab" id={`${id}-l`}>
              {t("outcome")}
              <span className="x3 outcome-keys">
                {t("outcomeKeys")} <kbd>Alt</kbd> {t("outcomeAlt")}
              </span>
              <span className="problem c-bad" role="alert">
                {problem && (
                  <>
                    <Icon name="octagon" size={12} /> {t(problem)}
                  </>
                )}
              </span>
            </p>
            <div className="disp" role="radiogroup" aria-labelledby={`${id}-l`}>
              {outcomes.map((one, index) => (
                <button
                  key={one.key}
                  id={`${id}-${one.key}`}
                  type="button"
                  role="radio"
                  title={language === "es" ? one.label_es : one.label_en}
                  aria-checked={chosen === one.key}
                  tabIndex={chosen === one.key || (chosen === null && index === 0) ? 0 : -1}
                  className={cls(chosen === one.key && "on")}
                  onClick={() => {
                    setChosen(one.key);
                    setProblem(null);
                  }}
                  onKeyDown={(event) => {
                    const by = { ArrowRight: 1, ArrowDown: 2, ArrowLeft: -1, ArrowUp: -2 }[event.key];
                    if (by === undefined) return;
                    event.preventDefault();
                    move(index, by);
                  }}
                >
                  {index < DIGITS.length && <kbd aria-hidden="true">{DIGITS[index]}</kbd>}
                  <span className="grow cut">{language === "es" ? one.label_es : one.label_en}</span>
                  {chosen === one.key && <Icon name="check" className="c-acc" />}
                </button>
              ))}
            </div>
          </div>
          <div className="wrap-note">
            <label className="lab" htmlFor={`${id}-n`}>
              {t("wrapNote")}
              <span className="x3" role="status">
                {typeof saved === "number" ? t("draftSaved", { time: times.hour(saved) }) : saved === "unsaved" ? t("draftUnsaved") : ""}
              </span>
            </label>
            <textarea
              ref={noteBox}
              id={`${id}-n`}
              className="input"
              maxLength={4000}
              value={note}
              onChange={(event) => setNote(event.target.value)}
              onBlur={() => void save()}
            />
            <p className="t13 x2">{t(segment?.wrap_deadline ? "wrapTimeout" : "wrapNoLimit")}</p>
          </div>
        </div>
        <footer className="wrap-bar">
          <div className="row wrap-who">
            <StateShape state="wrap_up" />
            <div className="grow">
              <p className="b cut">{t(`wrapOf_${card.channel}`)}</p>
              <p className="t12 x2 cut">{`${nameOr(card.customer.name, card.customer.contact_id, t("visitor"))} · ${queueName(state, card.queue)}`}</p>
            </div>
          </div>
          <div className="row wrap-time">
            {segment?.wrap_deadline && <TimeLeft deadline={segment.wrap_deadline} since={segment.state_since} />}
            {segment?.wrap_deadline && (
              <Button size="small" keys="F7" disabled={!canExtend || !live} onClick={() => void extend()}>
                + 60 s <span className="x3 nb">{t(segment.wrap_extended ? "used" : "once")}</span>
              </Button>
            )}
          </div>
          <div className="row wrap-end">
            <AfterThis />
            <Button kind="primary" size="large" disabled={!live || busy} title={live ? undefined : t("needsLink")} onClick={() => void finish()}>
              {t("wrapFinish")}
              <kbd aria-hidden="true">
                <Icon name="enter" size={12} />
              </kbd>
            </Button>
          </div>
        </footer>
      </section>
    </>
  );
}

const inFieldElement = (element: Element | null): boolean => /^(?:INPUT|TEXTAREA|SELECT)$/.test(element?.tagName ?? "");

function TimeLeft({ deadline, since }: { deadline: string; since: string }) {
  const t = useT();
  const now = useNow(250);
  const left = Math.max(0, Date.parse(deadline) - now);
  const total = Date.parse(deadline) - Date.parse(since);
  return (
    <>
      <Ring left={left} total={total} tone="warn" label={t("secondsLeft", { count: Math.ceil(left / 1000) })} />
      <div className="wrap-left">
        <p>
          <b>{t("secondsLeft", { count: Math.ceil(left / 1000) })}</b> <span className="x3">{t("of", { time: duration(total) })}</span>
        </p>
      </div>
    </>
  );
}

/** The status that follows when the work is done: it takes effect with no offer in between. */
function AfterThis() {
  const t = useT();
  const live = useLive();
  const me = useAgent((state) => state.me);
  const { set, dialog } = useStatus();
  const status = me.after_this ?? me.status;
  const reason = me.after_this ? me.after_this_reason : me.status_reason;
  const shape = (one: SetStatus["status"]) => <StateShape state={one === "on_demand" ? "available" : one} />;
  const entry = (one: SetStatus["status"], why: string | null) => ({
    id: `${one}-${why ?? ""}`,
    label: statusWord(t, one, why),
    icon: shape(one),
    checked: status === one && (one !== "away" || reason === why),
    onPick: () => void set({ status: one, ...(why ? { reason: why } : {}), after_this: true }),
  });
  return (
    <span className="row">
      <span className="x2">{t("then")}</span>
      <Menu
        up
        align="right"
        disabled={!live}
        trigger={
          <>
            {shape(status)}
            {statusWord(t, status, reason)}
            <Icon name="down" />
          </>
        }
        entries={[entry("available", null), entry("away", "break"), entry("away", "lunch"), entry("offline", null)]}
      />
      {dialog}
    </span>
  );
}
