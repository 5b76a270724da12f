/** The middle: who it is, what may be done with it, what was said, and the composer. */
import { api } from "@contactcenter/shared/api";
import type {
  ConversationState,
  InteractionCard,
  InteractionDetail,
  MessagePage,
} from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, cls, IconButton } from "@contactcenter/shared/ui";
import { useState } from "react";

import { isLive, rings } from "./calls";
import { callWords } from "./callwords";
import { Composer } from "./Composer";
import { useAgent, useDesk, useLive } from "./context";
import { GateStrip } from "./crm/Gate";
import { queueName } from "./desk";
import { useFetched } from "./fetched";
import { useQueueItem } from "./Lists";
import { canTake } from "./lists";
import { Messages, type Moment } from "./Messages";
import { Calls } from "./Recordings";
import { SnoozeMenu } from "./Snooze";
import { failureKey } from "./Status";
import { type Key, useT } from "./texts";
import { Transfer } from "./Transfer";
import { WrapUp } from "./WrapUp";

interface Doors {
  onWhy: (id: string) => void;
  onCustomer: () => void;
  onBack: () => void;
}

export function Conversation(doors: Doors) {
  const view = useStore(useDesk().view);
  if (view.kind === "none") return <Nothing />;
  if (view.kind === "mine") return <Mine key={view.id} id={view.id} {...doors} />;
  return <Look key={view.id} id={view.id} {...doors} />;
}

function Nothing() {
  const t = useT();
  const waiting = useAgent((state) => Object.keys(state.queue).length);
  const status = useAgent((state) => state.me.status);
  const open = useAgent((state) => Object.keys(state.interactions).length);
  const ready = status === "available" || status === "on_demand";
  return (
    <section className="main hollow" aria-label={t("conversation")}>
      <Icon name={ready ? "inbox" : "pause"} size={24} />
      <p className="t16 b">{t(ready ? (open > 0 ? "nothingChosen" : "nothingOpen") : "nothingAway")}</p>
      <p>{ready ? t("nothingWaiting", { count: waiting }) : t("nothingAwayHint")}</p>
    </section>
  );
}

function Heading(props: {
  name: string;
  channel: InteractionCard["channel"];
  line: string;
  doors: Doors;
  children: React.ReactNode;
}) {
  const t = useT();
  const { name, channel, line, doors, children } = props;
  return (
    <div className="hd">
      <IconButton className="back" icon="left" label={t("back")} onClick={doors.onBack} />
      <div className="grow">
        <h2 className="t16 b cut" title={name}>{name}</h2>
        <p className="x2 t13 row">
          <Icon name={channel} />
          <span className="cut" title={line}>
            {line}
          </span>
        </p>
      </div>
      <div className="hd-actions">{children}</div>
      <IconButton className="to-customer" icon="person" label={t("customer")} onClick={doors.onCustomer} />
    </div>
  );
}

function Mine({ id, ...doors }: Doors & { id: string }) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const live = useLive();
  const card = useAgent((state) => state.interactions[id]);
  const state = useAgent((now) => now);
  const failure = useStore(desk.failures, (all) => all[id]);
  const [transfer, setTransfer] = useState(false);
  const [helped, setHelped] = useState(false);
  const [busy, setBusy] = useState(false);
  if (!card) return <Nothing />;
  const conversation = state.conversations[card.conversation_id];
  const wrapping = card.segment?.state === "wrapping";
  const voice = card.channel === "voice";
  const act = async (name: string, payload: object = {}) => {
    setBusy(true);
    const done = await desk.act(id, name, payload);
    setBusy(false);
    return done;
  };
  const wait = live ? undefined : t("needsLink");
  const queued = card.queued_at ?? card.created_at;
  const moments: Moment[] = [{ at: card.created_at, text: t("ev_queued", { queue: queueName(state, card.queue) }) }];
  if (card.answered_at)
    moments.push({
      at: card.answered_at,
      text: t("ev_answered", { time: duration(Date.parse(card.answered_at) - Date.parse(queued)) }),
    });
  if (card.ended_at) {
    const more = voice ? <Calls interactionId={id} version={card.segment?.segment_id ?? ""} /> : undefined;
    moments.push({ at: card.ended_at, text: t(voice ? "callEnded" : "ev_ended"), more });
  }
  return (
    <section className="main" aria-label={t("conversation")}>
      <Heading
        name={nameOr(card.customer.name, card.customer.contact_id, t("visitor"))}
        channel={card.channel}
        line={[
          t(`channel_${card.channel}`),
          queueName(state, card.queue),
          t("since", { time: times.short(card.answered_at ?? card.created_at) }),
        ].join(" · ")}
        doors={doors}
      >
        <Button size="small" icon="help" className="only-icon" onClick={() => doors.onWhy(id)}>
          {t("whyMe")}
        </Button>
        {!wrapping && !voice && (
          <>
            <Button size="small" icon="swap" className="only-icon" disabled={!live} title={wait} onClick={() => setTransfer(true)}>
              {t("transfer")}
            </Button>
            <SnoozeMenu
              card={card}
              disabled={!live || busy}
              onSnooze={(until) => void act("interaction.snooze", { until })}
              onHold={() => void act("interaction.hold")}
            />
            <Button
              size="small"
              icon="check"
              className="only-icon"
              disabled={!live || busy}
              title={wait}
              onClick={() => void act("interaction.close")}
            >
              {t("finish")}
            </Button>
          </>
        )}
        <IconButton
          icon="bell"
          className="help"
          label={t(helped ? "helpAsked" : "askHelp")}
          disabled={!live}
          onClick={() => void act("agent.help").then((done) => setHelped(done))}
        />
      </Heading>
      <Strip card={card} failure={failure} helped={helped} busy={busy} onResume={() => void act("interaction.resume")} />
      {card.customer.customer_id && <GateStrip interaction={id} customer={card.customer.customer_id} />}
      <Messages
        conversation={conversation}
        customerName={nameOr(card.customer.name, card.customer.contact_id, t("visitor"))}
        typingFor={card.conversation_id}
        readBy={wrapping || voice ? null : "agent"}
        moments={moments}
      />
      {wrapping ? <WrapUp key={card.segment?.segment_id} card={card} /> : <Composer card={card} />}
      {transfer && <Transfer card={card} onClose={() => setTransfer(false)} />}
    </section>
  );
}

/** One line under the heading, always there in height: what stands out about this work. */
function Strip(props: {
  card: InteractionCard;
  failure: { action: string; code: string } | undefined;
  helped: boolean;
  busy: boolean;
  onResume: () => void;
}) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const live = useLive();
  const { card, failure, helped, busy, onResume } = props;
  const now = useNow(1000);
  const state = useAgent((all) => all);
  const call = useAgent((all) => {
    const found = Object.values(all.calls).find((one) => one.interaction_id === card.interaction_id && isLive(one) && !rings(one));
    return found && found.answered_at !== null ? found : null;
  });
  const words = call && callWords(call, state, t, now);
  const segment = card.segment;
  if (failure)
    return (
      <div className="strip bad" role="alert">
        <Icon name="octagon" className="c-bad" />
        <span className="grow">
          <b>{t(actionKey(failure.action))}</b> {t(failureKey(failure.code))}
        </span>
        <Button size="small" kind="quiet" onClick={() => desk.dismissFailure(card.interaction_id)}>
          {t("understood")}
        </Button>
      </div>
    );
  // A call's own hold is the softphone's.
  if (segment?.state === "parked" || (segment?.state === "held" && card.channel !== "voice"))
    return (
      <div className="strip acc">
        <Icon name={segment.state === "held" ? "pause" : "clock"} />
        <span className="grow">
          {segment.state === "held"
            ? t("held")
            : segment.park_reason === "snoozed" && segment.parked_until
              ? t("snoozedUntil", { time: times.short(segment.parked_until) })
              : t(segment.park_reason === "interrupted" ? "interrupted" : "waitsForCustomer")}
        </span>
        <Button size="small" icon="play" disabled={!live || busy} onClick={onResume}>
          {t("resume")}
        </Button>
      </div>
    );
  if (segment?.over_budget)
    return (
      <div className="strip warn">
        <Icon name="triangle" className="c-warn" />
        <span>{t("overBudgetLong")}</span>
      </div>
    );
  if (helped)
    return (
      <div className="strip acc" role="status">
        <Icon name="bell" />
        <span>{t("helpAskedLong")}</span>
      </div>
    );
  if (segment?.state === "wrapping")
    return (
      <div className="strip">
        <Icon name="check" />
        <span className="cut">{t(card.channel === "voice" ? "callEnded" : "ev_ended")}</span>
      </div>
    );
  if (words)
    return (
      <div className={cls("strip", words.warn ? "warn" : "acc")}>
        <Icon name={words.icon} className={words.warn ? "c-warn" : undefined} />
        <span>{words.text}</span>
      </div>
    );
  return (
    <div className="strip">
      <Icon name={card.customer_present ? "person" : "out"} />
      <span>{t(card.customer_present ? (card.channel === "voice" ? "customerOnLine" : "customerHere") : "customerLeft")}</span>
    </div>
  );
}

const ACTIONS: Record<string, Key> = {
  "interaction.close": "fail_close",
  "interaction.hold": "fail_hold",
  "interaction.resume": "fail_resume",
  "interaction.snooze": "fail_snooze",
  "interaction.transfer": "fail_transfer",
  "interaction.wrap_up": "fail_wrap_up",
  "interaction.pull": "fail_pull",
  "agent.help": "fail_help",
};
const actionKey = (action: string): Key => ACTIONS[action] ?? "fail_other";

/** Somebody else's interaction, or one that waits: read, and taken if it waits. */
function Look({ id, ...doors }: Doors & { id: string }) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const live = useLive();
  const state = useAgent((now) => now);
  const item = useQueueItem(id);
  const failure = useStore(desk.failures, (all) => all[id]);
  const [busy, setBusy] = useState(false);
  const detail = useFetched(`${id} ${item?.state ?? ""}`, (signal) =>
    api.get<InteractionDetail>(`/interactions/${id}`, signal),
  );
  const conversationId = detail.kind === "there" ? detail.value.conversation_id : null;
  const page = useFetched(conversationId, (signal) =>
    api.get<MessagePage>(`/conversations/${conversationId}/messages?limit=100`, signal),
  );

  if (detail.kind === "failed")
    return (
      <section className="main hollow" aria-label={t("conversation")}>
        <Icon name="octagon" size={24} />
        <p>{t(detail.status === 404 || detail.status === 403 ? "err_not_found" : "loadFailed")}</p>
        <Button onClick={detail.retry}>{t("tryAgain")}</Button>
      </section>
    );
  if (detail.kind === "loading")
    return (
      <section className="main" aria-label={t("conversation")} aria-busy="true">
        <div className="hd">
          <span className="bone wide" />
        </div>
      </section>
    );
  const shown = detail.value;
  const moments: Moment[] =
    shown.channel === "voice" && shown.ended_at
      ? [{ at: shown.ended_at, text: t("callEnded"), more: <Calls interactionId={id} version={shown.state} /> }]
      : [];
  const conversation: ConversationState | undefined =
    page.kind === "there"
      ? {
          conversation_id: shown.conversation_id,
          messages: page.value.items,
          has_more: page.value.next_cursor !== null,
          visitor_read: null,
          agent_read: null,
        }
      : undefined;
  return (
    <section className="main" aria-label={t("conversation")}>
      <Heading
        name={nameOr(shown.customer_name, shown.contact_id, t("visitor"))}
        channel={shown.channel}
        line={[
          t(`channel_${shown.channel}`),
          queueName(state, shown.queue),
          shown.agent_name ?? "",
          t("since", { time: times.short(shown.created_at) }),
        ]
          .filter(Boolean)
          .join(" · ")}
        doors={doors}
      >
        <Button size="small" icon="help" className="only-icon" onClick={() => doors.onWhy(id)}>
          {t("why")}
        </Button>
        <IconButton icon="close" label={t("close")} onClick={desk.close} />
      </Heading>
      <div className="strip acc">
        <Icon name="eye" />
        <span className="grow cut">
          {item
            ? item.offered_to
              ? t("offeredTo", { name: state.team[item.offered_to]?.name ?? t("someone") })
              : t("waitsFor", { time: duration(item.waitedMs) })
            : t(`istate_${shown.state}`)}
          {failure && <span className="c-bad"> · {t(failure.code === "conflict" ? "pullConflict" : failureKey(failure.code))}</span>}
        </span>
        {item && canTake(item) && (
          <Button
            size="small"
            kind="primary"
            icon="take"
            disabled={!live || busy}
            onClick={() => {
              setBusy(true);
              void desk.pull(id).finally(() => setBusy(false));
            }}
          >
            {t("take")}
          </Button>
        )}
      </div>
      {page.kind === "failed" ? (
        <div className="hollow grow">
          <p>{t("loadFailed")}</p>
          <Button onClick={page.retry}>{t("tryAgain")}</Button>
        </div>
      ) : (
        <Messages conversation={conversation} customerName={nameOr(shown.customer_name, shown.contact_id, t("visitor"))} typingFor={null} readBy={null} moments={moments} />
      )}
      <p className="look-foot t13 x3">{t("lookOnly")}</p>
    </section>
  );
}

