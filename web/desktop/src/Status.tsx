/** My status: the menu, "after this", what stands in the way of leaving, and signing off. */
import { signOut } from "@contactcenter/shared/api";
import type { InteractionCard, SetStatus } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { codeOf, CommandError } from "@contactcenter/shared/live";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { clockDuration, serverNow, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, Dialog, ErrorLine, Menu, type MenuEntry } from "@contactcenter/shared/ui";
import { type ReactNode, useState } from "react";

import { useAgent, useDesk, useLive } from "./context";
import { queueName } from "./desk";
import { askNotifications } from "./sound";
import { type Key, useT } from "./texts";

export const AWAY_REASONS = ["break", "lunch", "training", "meeting", "admin"] as const;
const KNOWN_REASONS: ReadonlySet<string> = new Set([...AWAY_REASONS, "missed", "supervisor"]);

type T = ReturnType<typeof useT>;
type Status = SetStatus["status"];

export function statusWord(t: T, status: Status, reason: string | null): string {
  const word = t(`status_${status}`);
  if (status !== "away" || !reason) return word;
  return `${word} · ${KNOWN_REASONS.has(reason) ? t(`reason_${reason}` as Key) : reason}`;
}

interface Blocked {
  wanted: SetStatus;
  code: string;
  /** Queues that would be left with nobody. */
  waiting: string[];
  /** Interactions that are open still. */
  open: string[];
  /** They can only be finished: nothing else may become of them. */
  finish: boolean;
}

/** Changes my status; what stands in the way is asked in a dialog. */
export function useStatus(): { set: (wanted: SetStatus) => Promise<void>; dialog: ReactNode } {
  const desk = useDesk();
  const cards = useAgent((state) => state.interactions);
  const [blocked, setBlocked] = useState<Blocked | null>(null);
  const change = async (wanted: SetStatus) => {
    try {
      await desk.setStatus(wanted);
      setBlocked(null);
    } catch (error) {
      setBlocked(blockOf(wanted, error));
    }
  };
  const set = async (wanted: SetStatus) => {
    askNotifications();
    // Written work at hand may be set aside before I go: what becomes of it then is said now.
    const written = wanted.status === "offline" && wanted.after_this ? Object.values(cards).filter(mayBeSetAside) : [];
    if (written.length === 0) return change(wanted);
    setBlocked({ wanted, code: "", waiting: [], open: written.map((card) => card.interaction_id), finish: false });
  };
  const dialog = blocked && <BlockedDialog blocked={blocked} onRetry={change} onClose={() => setBlocked(null)} />;
  return { set, dialog };
}

const mayBeSetAside = (card: InteractionCard): boolean =>
  card.channel !== "voice" && card.segment !== null && card.segment.state !== "wrapping" && card.segment.park_reason !== "snoozed";

export function StatusMenu() {
  const t = useT();
  const live = useLive();
  const me = useAgent((state) => state.me);
  const now = useNow(1000);
  const { set, dialog } = useStatus();
  const choices = (after: boolean): MenuEntry[] => {
    const one = (status: Status, reason: string | null): MenuEntry => {
      const chosen = after
        ? me.after_this === status && (me.after_this_reason ?? null) === reason
        : me.status === status && (status !== "away" || me.status_reason === reason);
      return {
        id: `${after ? "after" : "now"}-${status}-${reason ?? ""}`,
        label: statusWord(t, status, reason),
        icon: <StateShape state={status === "on_demand" ? "available" : status} />,
        checked: chosen,
        disabled: !live,
        onPick: () => void set({ status, ...(reason ? { reason } : {}), ...(after ? { after_this: true } : {}) }),
      };
    };
    if (after) return [one("available", null), one("away", "break"), one("away", "lunch"), one("offline", null)];
    return [
      one("available", null),
      one("on_demand", null),
      ...AWAY_REASONS.map((reason) => one("away", reason)),
      one("offline", null),
    ];
  };

  const word = me.state === "away" ? statusWord(t, "away", me.status_reason) : t(`state_${me.state}`);
  return (
    <>
      <Menu
        className="status"
        trigger={
          <>
            <StateShape state={live ? me.state : "offline"} />
            <span className="cut">{live ? word : t("linkOffline")}</span>
            {me.state !== "offline" && (
              <span className="t" aria-hidden="true">
                {clockDuration(now - Date.parse(me.state_since))}
              </span>
            )}
            {me.after_this && (
              <span className="after" title={t("afterThis")}>
                <Icon name="right" size={12} />
                <StateShape state={me.after_this === "on_demand" ? "available" : me.after_this} />
                <span className="sr">{`${t("afterThis")}: ${statusWord(t, me.after_this, me.after_this_reason)}`}</span>
              </span>
            )}
            <Icon name="down" />
          </>
        }
        entries={[
          { kind: "caption", id: "now", label: t("statusNow") },
          ...choices(false),
          { kind: "line", id: "line" },
          { kind: "caption", id: "after", label: t("afterThis") },
          ...choices(true),
        ]}
      />
      {dialog}
    </>
  );
}

function blockOf(wanted: SetStatus, error: unknown): Blocked {
  const ctx = error instanceof CommandError ? error.ctx : {};
  const waiting = Array.isArray(ctx.waiting)
    ? ctx.waiting.map(String)
    : ctx.waiting && typeof ctx.waiting === "object"
      ? Object.keys(ctx.waiting)
      : [];
  const open = Array.isArray(ctx.open) ? ctx.open.map(String) : [];
  return { wanted, code: codeOf(error), waiting, open, finish: ctx.finish === true };
}

function BlockedDialog({
  blocked,
  onRetry,
  onClose,
  leaving = false,
}: {
  blocked: Blocked;
  onRetry: (wanted: SetStatus) => Promise<void>;
  onClose: () => void;
  /** The session ends with it, so nothing can wait until the work is done. */
  leaving?: boolean;
}) {
  const t = useT();
  const state = useAgent((now) => now);
  if (blocked.open.length > 0 && blocked.finish)
    return (
      <Dialog
        title={t("openWork")}
        closeLabel={t("close")}
        onClose={onClose}
        footer={
          <>
            <Button onClick={onClose}>{t("stay")}</Button>
            {!leaving && (
              <Button kind="primary" onClick={() => void onRetry({ ...blocked.wanted, after_this: true })}>
                {t("leaveWhenDone")}
              </Button>
            )}
          </>
        }
      >
        <p>{t("openFinish")}</p>
        <OpenCards ids={blocked.open} onClose={onClose} />
      </Dialog>
    );
  if (blocked.open.length > 0)
    return <OpenWork ids={blocked.open} wanted={blocked.wanted} onChosen={onRetry} onClose={onClose} />;
  if (blocked.waiting.length > 0)
    return (
      <Dialog
        title={t("lastAgent")}
        closeLabel={t("close")}
        onClose={onClose}
        footer={
          <>
            <Button onClick={onClose}>{t("stay")}</Button>
            <Button kind="primary" onClick={() => void onRetry({ ...blocked.wanted, confirm: true })}>
              {t("leaveAnyway")}
            </Button>
          </>
        }
      >
        <p>{t("lastAgentText")}</p>
        <ul className="plain-list">
          {blocked.waiting.map((key) => (
            <li key={key} className="row">
              <Icon name="people" />
              {queueName(state, key)}
            </li>
          ))}
        </ul>
      </Dialog>
    );
  return (
    <Dialog title={t("statusFailed")} closeLabel={t("close")} onClose={onClose}>
      <p className="row">
        <Icon name="octagon" className="c-bad" />
        {t(failureKey(blocked.code))}
      </p>
      <Button onClick={() => void onRetry(blocked.wanted)}>{t("tryAgain")}</Button>
    </Dialog>
  );
}

const SNOOZE_MS = 3_600_000;

/** What becomes of the open work of somebody who leaves. */
function OpenWork({
  ids,
  wanted,
  onChosen,
  onClose,
}: {
  ids: string[];
  wanted: SetStatus;
  onChosen: (wanted: SetStatus) => Promise<void>;
  onClose: () => void;
}) {
  const t = useT();
  const times = useTimes();
  const team = useAgent((state) => state.team);
  const me = useAgent((state) => state.me);
  const [until] = useState(() => Math.ceil((serverNow() + SNOOZE_MS) / 60_000) * 60_000);
  const [choice, setChoice] = useState<"queue" | "hand_over" | "snooze">("queue");
  const [to, setTo] = useState("");
  const [nobody, setNobody] = useState(false);
  const later = wanted.after_this === true;
  const colleagues = Object.values(team)
    .filter((one) => one.agent_id !== me.agent_id && one.present && one.status !== "offline")
    .sort((a, b) => a.name.localeCompare(b.name));
  const go = async () => {
    if (choice === "hand_over" && !to) return setNobody(true);
    await onChosen({
      ...wanted,
      open: choice,
      ...(choice === "hand_over" ? { hand_over_to: to } : {}),
      ...(choice === "snooze" ? { snooze_until: new Date(until).toISOString() } : {}),
    });
  };
  return (
    <Dialog
      title={t(later ? "leaveWhenDone" : "openWork")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("stay")}</Button>
          <Button kind="primary" onClick={() => void go()}>
            {t(later ? "leaveWhenDone" : "leave")}
          </Button>
        </>
      }
    >
      <p>{t(later ? "openLaterText" : "openWorkText")}</p>
      <OpenCards ids={ids} onClose={onClose} />
      <fieldset className="choices">
        <legend className="sr">{t("openWork")}</legend>
        {(["queue", "hand_over", "snooze"] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="open" checked={choice === one} onChange={() => setChoice(one)} />
            {t(`open_${one}`, { time: times.hour(until) })}
          </label>
        ))}
      </fieldset>
      {choice === "hand_over" && (
        <select className="input" aria-label={t("colleague")} value={to} onChange={(event) => setTo(event.target.value)}>
          <option value="">{t("chooseColleague")}</option>
          {colleagues.map((one) => (
            <option key={one.agent_id} value={one.agent_id}>
              {`${one.name} · ${t(`state_${one.state}`)}`}
            </option>
          ))}
        </select>
      )}
      <ErrorLine error={choice === "hand_over" && !to && nobody ? t("chooseColleague") : undefined} />
    </Dialog>
  );
}

/** The conversations that stand in the way, each a click away. */
function OpenCards({ ids, onClose }: { ids: string[]; onClose: () => void }) {
  const t = useT();
  const desk = useDesk();
  const state = useAgent((now) => now);
  return (
    <ul className="plain-list">
      {ids
        .flatMap((id) => state.interactions[id] ?? [])
        .map((card) => (
          <li key={card.interaction_id} className="row">
            <Icon name={card.channel} />
            <button
              type="button"
              className="link"
              onClick={() => {
                desk.open(card.interaction_id);
                onClose();
              }}
            >
              {nameOr(card.customer.name, card.customer.contact_id, t("visitor"))}
            </button>
            <span className="x3">{queueName(state, card.queue)}</span>
          </li>
        ))}
    </ul>
  );
}

/** Going offline and out: what blocks it is asked first, then the session ends. */
export function SignOff({ onClose }: { onClose: () => void }) {
  const t = useT();
  const desk = useDesk();
  const live = useLive();
  const waiting = useStore(desk.outbox.items).filter((one) => one.state !== "sent").length;
  const [blocked, setBlocked] = useState<Blocked | null>(null);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(false);

  const leave = async (wanted: SetStatus) => {
    setBusy(true);
    setFailed(false);
    try {
      await desk.setStatus(wanted);
      await signOut();
    } catch (error) {
      setBusy(false);
      if (error instanceof CommandError && error.code === "conflict") setBlocked(blockOf(wanted, error));
      else setFailed(true);
    }
  };
  if (blocked) return <BlockedDialog blocked={blocked} onRetry={leave} onClose={onClose} leaving />;
  return (
    <Dialog
      title={t("signOutTitle")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("stay")}</Button>
          <Button kind="primary" disabled={busy || !live} onClick={() => void leave({ status: "offline" })}>
            {t("signOut")}
          </Button>
        </>
      }
    >
      <p>{t("signOutText")}</p>
      {waiting > 0 && (
        <p className="box-msg warn">
          <Icon name="triangle" />
          {t("signOutUnsent", { count: waiting })}
        </p>
      )}
      <ErrorLine error={failed ? t("err_unavailable") : !live ? t("needsLink") : undefined} />
    </Dialog>
  );
}

/** Work that went without my doing, told until it is read. */
export function TakenAwayNotice() {
  const t = useT();
  const desk = useDesk();
  const gone = useStore(desk.takenAway);
  return gone.map((one) => (
    <div key={one.id + one.how} className="forced" role="alert">
      <Icon name="info" />
      <span className="grow">
        <b>{one.name || t("visitor")}</b>
        <br />
        {t(`taken_${one.how}`)}
      </span>
      <Button
        size="small"
        kind="quiet"
        onClick={() => desk.takenAway.update((all) => all.filter((other) => other !== one))}
      >
        {t("understood")}
      </Button>
    </div>
  ));
}

/** A status that somebody else set, told until it is answered. */
export function ForcedNotice() {
  const t = useT();
  const desk = useDesk();
  const live = useLive();
  const forced = useStore(desk.forced);
  if (!forced) return null;
  return (
    <div className="forced" role="alert">
      <Icon name="triangle" className="c-warn" />
      <span className="grow">
        <b>{statusWord(t, forced.status, null)}</b>
        <br />
        {t(`forced_${forced.cause}`)}
      </span>
      {forced.status !== "available" && (
        <Button
          size="small"
          disabled={!live}
          onClick={() => void desk.setStatus({ status: "available" }).catch(() => desk.forced.set(forced))}
        >
          {t("backAvailable")}
        </Button>
      )}
      <Button size="small" kind="quiet" onClick={() => desk.forced.set(null)}>
        {t("understood")}
      </Button>
    </div>
  );
}

const CODES: ReadonlySet<string> = new Set([
  "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "expired", "too_large", "rate_limited",
  "unsupported", "unavailable",
]);

/** The text for a refusal's code. */
export const failureKey = (code: string): Key => `err_${CODES.has(code) ? code : "unavailable"}` as Key;
