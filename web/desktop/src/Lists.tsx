/** The left column: mine, queue, team, snoozed. */
import type { CallCard, InteractionCard, QueueItem } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { remembered, useStore } from "@contactcenter/shared/store";
import { duration, roughly, serverNow, useNow, useTimes } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";
import { type ReactNode, useMemo, useRef, useState } from "react";

import { isLive, rings } from "./calls";
import { useAgent, useDesk, useLive } from "./context";
import { Places } from "./crm/Places";
import { queueName } from "./desk";
import { canTake, type Channel, keepOrder, mine, snoozed, team, waiting, waitLevel } from "./lists";
import { ForcedNotice, statusWord, TakenAwayNotice } from "./Status";
import { useT } from "./texts";

export function Lists({ onOpen }: { onOpen: () => void }) {
  const t = useT();
  const desk = useDesk();
  const live = useLive();
  const link = useStore(desk.live.link);
  const state = useAgent((now) => now);
  const now = useNow(1000);
  const lists = useMemo(
    () => ({ mine: mine(state), waiting: waiting(state), team: team(state), snoozed: snoozed(state) }),
    [state],
  );
  const pointer = useHeld();
  const mineRows = pointer.hold("mine", lists.mine, (card) => card.interaction_id);
  const queueRows = pointer.hold("queue", lists.waiting, (item) => item.interaction_id);
  const open = (id: string) => {
    desk.open(id);
    onOpen();
  };
  const age = link.kind === "lost" ? t("staleFor", { age: duration(Date.now() - link.since) }) : null;

  return (
    <nav className="list" aria-label={t("lists")} {...pointer.handlers}>
      <ForcedNotice />
      <TakenAwayNotice />
      {state.me.auto_answer && (
        <p className="row t12 x2 auto-answer">
          <Icon name="check" size={12} />
          {t("autoAnswer")}
        </p>
      )}
      <section aria-labelledby="mine-h">
        <h2 id="mine-h">
          {t("mine")}
          <span className="n">{lists.mine.length}</span>
        </h2>
        {mineRows.length === 0 ? (
          <p className="empty">{t("mineEmpty")}</p>
        ) : (
          <ul>
            {mineRows.map((card) => (
              <MineRow key={card.interaction_id} card={card} now={now} onOpen={open} />
            ))}
          </ul>
        )}
      </section>
      <Section id="queue" title={t("queue")} count={lists.waiting.length} aside={age} start>
        {queueRows.length === 0 ? (
          <p className="empty">{t("queueEmpty")}</p>
        ) : (
          <ul>
            {queueRows.map((item) => (
              <QueueRow key={item.interaction_id} item={item} now={now} live={live} onOpen={open} />
            ))}
          </ul>
        )}
      </Section>
      <Section id="team" title={t("team")} count={lists.team.length} aside={age}>
        <ul>
          {lists.team.map((one) => (
            <li key={one.agent_id} className="mate">
              <StateShape state={one.state} />
              <span className="cut">{one.name}</span>
              <span className="x3 t12 end">
                {one.state === "away" ? statusWord(t, "away", one.status_reason) : t(`state_${one.state}`)}
                {one.state !== "offline" && ` ${duration(now - Date.parse(one.state_since))}`}
              </span>
            </li>
          ))}
        </ul>
      </Section>
      <Section id="snoozed" title={t("snoozed")} count={lists.snoozed.length}>
        {lists.snoozed.length === 0 ? (
          <p className="empty">{t("snoozedEmpty")}</p>
        ) : (
          <ul>
            {lists.snoozed.map((card) => (
              <MineRow key={card.interaction_id} card={card} now={now} onOpen={open} />
            ))}
          </ul>
        )}
      </Section>
      <Places />
    </nav>
  );
}

function Section(props: { id: string; title: string; count: number; aside?: string | null; start?: boolean; children: ReactNode }) {
  const { id, title, count, aside, start, children } = props;
  const [open, setOpen] = useState(() => remembered.read(`cc.list.${id}`, start ?? false));
  const toggle = () => {
    setOpen(!open);
    remembered.write(`cc.list.${id}`, !open);
  };
  return (
    <section className="fold">
      <h2>
        <button type="button" aria-expanded={open} onClick={toggle}>
          <Icon name={open ? "down" : "right"} />
          {title}
          <span className="n">
            {aside && `${aside} · `}
            {count}
          </span>
        </button>
      </h2>
      {open && children}
    </section>
  );
}

/** While the pointer rests on the lists, rows keep their places; what is new joins at the end. */
function useHeld() {
  const inside = useRef(false);
  const shown = useRef<Record<string, string[]>>({});
  const [, redraw] = useState(0);
  return {
    handlers: {
      onPointerEnter: () => {
        inside.current = true;
      },
      onPointerLeave: () => {
        inside.current = false;
        redraw((n) => n + 1);
      },
    },
    hold<T>(list: string, fresh: T[], key: (one: T) => string): T[] {
      const rows = inside.current ? keepOrder(shown.current[list] ?? [], fresh, key) : fresh;
      shown.current[list] = rows.map(key);
      return rows;
    },
  };
}

function MineRow({ card, now, onOpen }: { card: InteractionCard; now: number; onOpen: (id: string) => void }) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const view = useStore(desk.view);
  const typing = useStore(desk.typing, (all) => all[card.conversation_id] !== undefined);
  const on = view.kind !== "none" && view.id === card.interaction_id;
  const segment = card.segment;
  const last = card.last_message;
  const wrapping = segment?.state === "wrapping";
  const call = useCallOf(card);
  const awaiting = last?.sender === "visitor" && !wrapping ? now - Date.parse(last.created_at) : null;
  const level = awaiting === null ? "fine" : waitLevel(card.channel, awaiting);
  const right = wrapping
    ? segment.wrap_deadline
      ? duration(Date.parse(segment.wrap_deadline) - now)
      : ""
    : call
      ? rings(call)
        ? ""
        : duration(now - Date.parse(call.answered_at ?? call.started_at))
      : awaiting !== null
      ? roughly(awaiting)
      : last
        ? times.short(last.created_at)
        : "";
  return (
    <li>
      <button
        type="button"
        className={cls("it", on && "on")}
        aria-current={on ? "true" : undefined}
        onClick={() => onOpen(card.interaction_id)}
      >
        <Icon name={card.channel} />
        <span className={cls("cut", "b")}>{nameOr(card.customer.name, card.customer.contact_id, t("visitor"))}</span>
        <span className={cls("right", call && "b", level === "late" && "c-bad b", level === "near" && "c-warn")}>
          {level === "late" && <Icon name="octagon" size={12} />}
          {level === "near" && <Icon name="triangle" size={12} />}
          {right}
        </span>
        <span className="l2">
          <MineLine card={card} typing={typing} />
          {card.unread > 0 && (
            <span className="badge end">
              {card.unread}
              <span className="sr"> {t("unread")}</span>
            </span>
          )}
        </span>
      </button>
    </li>
  );
}

/** The living call of a piece of work, when it is one. */
function useCallOf(card: InteractionCard): CallCard | undefined {
  return useAgent((state) =>
    card.channel === "voice"
      ? Object.values(state.calls).find((one) => one.interaction_id === card.interaction_id && isLive(one))
      : undefined,
  );
}

function MineLine({ card, typing }: { card: InteractionCard; typing: boolean }) {
  const t = useT();
  const times = useTimes();
  const state = useAgent((now) => now);
  const call = useCallOf(card);
  const segment = card.segment;
  const last = card.last_message;
  if (segment?.state === "wrapping")
    return (
      <>
        <StateShape state="wrap_up" />
        <span className="cut">{`${t("wrapUp")} · ${queueName(state, card.queue)}`}</span>
      </>
    );
  if (call && rings(call))
    return (
      <>
        <StateShape state="ringing" />
        <span className="cut">{t("ringsHere")}</span>
      </>
    );
  if (call)
    return (
      <>
        {call.state === "held" ? <Icon name="pause" size={12} /> : <StateShape state="on_contact" />}
        <span className="cut">{`${t(call.state === "held" ? "heldCall" : "inCall")} · ${card.queue ? queueName(state, card.queue) : t("internal")}`}</span>
      </>
    );
  if (typing) return <span className="cut c-acc">{t("typing")}</span>;
  if (segment?.over_budget)
    return (
      <>
        <Icon name="triangle" className="c-warn" size={12} />
        <span className="cut c-warn">{t("overBudget")}</span>
      </>
    );
  if (segment?.state === "parked")
    return (
      <>
        <Icon name="clock" size={12} />
        <span className="cut">
          {segment.park_reason === "snoozed" && segment.parked_until
            ? t("snoozedUntil", { time: times.short(segment.parked_until) })
            : t(segment.park_reason === "interrupted" ? "interrupted" : "waitsForCustomer")}
        </span>
      </>
    );
  if (segment?.state === "held")
    return (
      <>
        <Icon name="pause" size={12} />
        <span className="cut">{t("held")}</span>
      </>
    );
  if (!last || last.kind === "event") return <span className="cut">{queueName(state, card.queue)}</span>;
  const who = last.kind === "note" ? `${t("note")}: ` : last.sender === "agent" ? `${t("you")}: ` : "";
  return <span className="cut">{who + last.body}</span>;
}

function QueueRow(props: { item: QueueItem; now: number; live: boolean; onOpen: (id: string) => void }) {
  const { item, now, live, onOpen } = props;
  const t = useT();
  const desk = useDesk();
  const state = useAgent((all) => all);
  const view = useStore(desk.view);
  const failure = useStore(desk.failures, (all) => all[item.interaction_id]);
  const [busy, setBusy] = useState(false);
  const waited = now - Date.parse(item.entered_at);
  const level = waitLevel(item.channel, waited);
  const offered = item.offered_to ? state.team[item.offered_to]?.name ?? t("someone") : null;
  const on = view.kind === "look" && view.id === item.interaction_id;
  const pull = async () => {
    setBusy(true);
    await desk.pull(item.interaction_id);
    setBusy(false);
  };
  return (
    <li className="pull">
      <button
        type="button"
        className={cls("it", "q", on && "on")}
        aria-current={on ? "true" : undefined}
        onClick={() => onOpen(item.interaction_id)}
      >
        <Icon name={item.channel} />
        <span className="cut">{nameOr(item.customer_name, item.contact_id, t("visitor"))}</span>
        <span className={cls("right", level === "late" && "c-bad b", level === "near" && "c-warn")}>
          {level === "late" && <Icon name="octagon" size={12} />}
          {level === "near" && <Icon name="triangle" size={12} />}
          {roughly(waited)}
        </span>
        <span className="l2">
          <span className={cls("cut", failure && "c-bad")}>
            {failure
              ? t(failure.code === "conflict" && offered ? "pullConflict" : "pullFailed")
              : offered
                ? t("offeredTo", { name: offered })
                : queueName(state, item.queue)}
          </span>
        </span>
      </button>
      {canTake(item) && (
        <button
          type="button"
          className="ib take"
          aria-label={`${t("take")}: ${nameOr(item.customer_name, item.contact_id, t("visitor"))}`}
          title={live ? t("take") : t("needsLink")}
          disabled={!live || busy}
          onClick={() => void pull()}
        >
          <Icon name="take" />
        </button>
      )}
    </li>
  );
}

/** For the preview: how long it has waited, if it waits in one of my queues. */
export function useQueueItem(id: string): (QueueItem & { waitedMs: number; level: ReturnType<typeof waitLevel> }) | null {
  const item = useAgent((state) => state.queue[id]);
  const now = useNow(1000);
  if (!item) return null;
  const waitedMs = Math.max(0, (now || serverNow()) - Date.parse(item.entered_at));
  return { ...item, waitedMs, level: waitLevel(item.channel as Channel, waitedMs) };
}
