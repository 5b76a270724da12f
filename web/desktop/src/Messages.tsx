/** What was said: bubbles, notes, events, ticks; what waits to be sent; who is typing. */
import { api } from "@contactcenter/shared/api";
import type { ConversationState, MessageCard, MessagePage } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { useTimes } from "@contactcenter/shared/time";
import { Button, cls } from "@contactcenter/shared/ui";
import { Fragment, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

import { useDesk, useLive } from "./context";
import type { Outgoing } from "./outbox";
import { failureKey } from "./Status";
import { useT } from "./texts";

const NEAR_END_PX = 80;

interface MessagesProps {
  conversation: ConversationState | undefined;
  customerName: string;
  /** The conversation whose typing is shown. */
  typingFor: string | null;
  /** "agent": what is seen here counts as read. */
  readBy: "agent" | null;
  /** What happened to the interaction, told between the messages. */
  moments?: Moment[];
}

export interface Moment {
  at: string;
  text: string;
  /** Shown below the text. */
  more?: ReactNode;
}

type Line = { kind: "message"; at: string; message: MessageCard } | ({ kind: "moment" } & Moment);

function lines(messages: MessageCard[], moments: Moment[]): Line[] {
  const all: Line[] = [
    ...moments.map((one) => ({ kind: "moment" as const, ...one })),
    ...messages.map((message) => ({ kind: "message" as const, at: message.created_at, message })),
  ];
  return all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export function Messages({ conversation, customerName, typingFor, readBy, moments = [] }: MessagesProps) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const live = useLive();
  const id = conversation?.conversation_id ?? "";
  const older = useStore(desk.older, (all) => all[id]);
  const outgoing = useStore(desk.outbox.items);
  const typing = useStore(desk.typing, (all) => typingFor !== null && all[typingFor] !== undefined);
  const box = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [fetching, setFetching] = useState<"no" | "yes" | "failed">("no");

  const newest = conversation?.messages ?? [];
  const known = new Set(newest.map((one) => one.message_id));
  const messages = [...(older?.messages ?? []).filter((one) => !known.has(one.message_id)), ...newest];
  const sent = new Set(newest.map((one) => one.client_id));
  const pending = outgoing.filter((one) => one.conversation_id === id && !sent.has(one.client_id));
  const last = messages[messages.length - 1];
  const more = conversation ? (older ? older.cursor !== null : conversation.has_more) : false;

  // Stay at the end when it was there; else keep what is being read in its place.
  const height = useRef(0);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    if (atEnd) el.scrollTop = el.scrollHeight;
    else if (older && el.scrollTop < NEAR_END_PX) el.scrollTop += el.scrollHeight - height.current;
    height.current = el.scrollHeight;
  });
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const watch = new ResizeObserver(() => {
      if (el.dataset.end === "true") el.scrollTop = el.scrollHeight;
    });
    watch.observe(el);
    return () => watch.disconnect();
  }, []);

  const lastTheirs = [...newest].reverse().find((one) => one.sender === "visitor");
  useEffect(() => {
    if (readBy !== "agent" || !lastTheirs || !live || !atEnd) return;
    const seen = () => {
      if (document.visibilityState === "visible" && document.hasFocus()) {
        if ((conversation?.agent_read ?? "") < lastTheirs.message_id) desk.read(id, lastTheirs.message_id);
      }
    };
    seen();
    addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      removeEventListener("focus", seen);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [desk, id, readBy, lastTheirs, live, atEnd, conversation?.agent_read]);

  const loadOlder = async () => {
    setFetching("yes");
    try {
      const first = older ?? { messages: [], cursor: null };
      const from = older?.cursor ? `&cursor=${encodeURIComponent(older.cursor)}` : "";
      const page = await api.get<MessagePage>(`/conversations/${id}/messages?limit=100${from}`);
      setAtEnd(false);
      desk.older.update((all) => ({
        ...all,
        [id]: { messages: merge(page.items, [...first.messages, ...newest]), cursor: page.next_cursor },
      }));
      setFetching("no");
    } catch {
      setFetching("failed");
    }
  };

  let day: string | null = null;
  return (
    <div className="conv-box">
      <div
        ref={box}
        className="conv"
        tabIndex={0}
        role="log"
        aria-label={t("messages")}
        aria-busy={!conversation}
        data-end={atEnd}
        onScroll={(event) => {
          const el = event.currentTarget;
          setAtEnd(el.scrollHeight - el.scrollTop - el.clientHeight < NEAR_END_PX);
        }}
      >
        <div className="conv-in">
          {more && (
            <div className="ev">
              <Button size="small" kind="quiet" disabled={fetching === "yes"} onClick={() => void loadOlder()}>
                {t(fetching === "failed" ? "olderFailed" : "older")}
              </Button>
            </div>
          )}
          {lines(messages, conversation ? moments : []).map((line) => {
            const newDay = day === null || !times.sameDay(day, line.at);
            day = line.at;
            return (
              <Fragment key={line.kind === "message" ? line.message.message_id : line.text + line.at}>
                {newDay && <p className="ev day">{times.day(line.at)}</p>}
                {line.kind === "moment" ? (
                  <>
                    <p className="ev">
                      <time dateTime={line.at} title={times.exact(line.at)}>
                        {times.hour(line.at)}
                      </time>
                      {` · ${line.text}`}
                    </p>
                    {line.more}
                  </>
                ) : (
                  <Message
                    message={line.message}
                    visitorRead={conversation?.visitor_read ?? null}
                    customerName={customerName}
                  />
                )}
              </Fragment>
            );
          })}
          {pending.map((one) => (
            <Pending key={one.client_id} one={one} live={live} />
          ))}
        </div>
      </div>
      {!atEnd && last && (
        <Button
          className="to-end"
          size="small"
          icon="down"
          onClick={() => {
            setAtEnd(true);
            const el = box.current;
            if (el) el.scrollTop = el.scrollHeight;
          }}
        >
          {t("toEnd")}
        </Button>
      )}
      <p className="typing t12 x2" role="status">
        {typing && t("typingName", { name: customerName })}
      </p>
    </div>
  );
}

function merge(page: MessageCard[], known: MessageCard[]): MessageCard[] {
  const have = new Set(page.map((one) => one.message_id));
  return [...page, ...known.filter((one) => !have.has(one.message_id))].sort((a, b) =>
    a.message_id < b.message_id ? -1 : 1,
  );
}

function Message({ message, visitorRead, customerName }: { message: MessageCard; visitorRead: string | null; customerName: string }) {
  const t = useT();
  const times = useTimes();
  const time = (
    <time dateTime={message.created_at} title={times.exact(message.created_at)}>
      {times.hour(message.created_at)}
    </time>
  );
  if (message.kind === "event" || message.sender === "system")
    return (
      <p className="ev">
        {time} · {message.body}
      </p>
    );
  if (message.kind === "note")
    return (
      <div className="note">
        <p className="meta">
          <Icon name="note" size={12} />
          {t("noteBy", { name: firstName(message.agent_name) })} · {time} · {t("noteHidden")}
        </p>
        <p className="said">{message.body}</p>
      </div>
    );
  const ours = message.sender !== "visitor";
  const read = visitorRead !== null && message.message_id <= visitorRead;
  return (
    <div className={cls("bub", ours ? "me" : "in")}>
      <p className="said">{message.body}</p>
      <p className="meta">
        <span className="cut">{ours ? firstName(message.agent_name) || t("bot") : customerName}</span> · {time}
        {ours && (
          <>
            {" · "}
            <Icon name={read ? "checks" : "check"} size={12} className={read ? "c-acc" : undefined} />
            {t(read ? "read" : "delivered")}
          </>
        )}
      </p>
    </div>
  );
}

function Pending({ one, live }: { one: Outgoing; live: boolean }) {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const state =
    one.state === "failed" || (one.error && live) ? null : one.state === "waiting" && !live ? (
      <b className="c-warn row g4">
        <Icon name="clock" size={12} />
        {t("waitsForLink")}
      </b>
    ) : (
      <span className="row g4">
        <Icon name="clock" size={12} />
        {t("sending")}
      </span>
    );
  const meta = (
    <p className="meta">
      {times.hour(one.created_at)}
      {state && <> · {state}</>}
    </p>
  );
  const final = one.state === "failed";
  const failed = (final || (one.error && live)) && (
    <p className="meta failed" role={final ? "alert" : "status"}>
      <Icon name={final ? "octagon" : "clock"} size={12} className={final ? "c-bad" : "c-warn"} />
      <span className={final ? "c-bad" : "c-warn"}>
        {final ? `${t("notSent")} ${t(failureKey(one.error ?? "unavailable"))}` : t("triesAgain")}
      </span>
      <button type="button" className="link" onClick={() => desk.outbox.retry(one.client_id)}>
        {t("tryAgain")}
      </button>
      <button type="button" className="link" onClick={() => desk.outbox.discard(one.client_id)}>
        {t("discard")}
      </button>
    </p>
  );
  return (
    <div className={one.kind === "note" ? "note" : "bub me"}>
      <p className="said">{one.body}</p>
      {meta}
      {failed}
    </div>
  );
}

export const firstName = (name: string | null): string => name?.split(" ")[0] ?? "";
