/**
 * What a visitor knows of the conversation and the call, and how each event changes them. Pure.
 *
 * Built as one file for Node too (`npm run build` in web/shared): a test holds every event against
 * the snapshot that is fetched after it.
 */

import type { VisitorCall } from "@contactcenter/shared/contract";

export type { VisitorCall };

export type Sender = "visitor" | "agent" | "bot" | "system";
export type Stage = "new" | "waiting" | "active" | "ended" | "message_left";

export interface Message {
  message_id: string;
  conversation_id: string;
  sender: Sender;
  kind: "text" | "event";
  agent_name: string | null;
  body: string;
  created_at: string;
  client_id: string | null;
}

export interface Conversation {
  conversation_id: string;
  state: Stage;
  agent: { name: string } | null;
  queue: string | null;
  /** Ascending by message_id, which is time ordered. */
  messages: Message[];
  /** Last message that each side has read. */
  visitor_read: string | null;
  agent_read: string | null;
  /** 1 is next. */
  position: number | null;
  estimated_wait_seconds: number | null;
  can_write: boolean;
}

type Apply = (conversation: Conversation, payload: never) => Conversation;

function withMessage(messages: Message[], message: Message): Message[] {
  const last = messages.at(-1);
  if (!last || last.message_id < message.message_id) return [...messages, message];
  const others = messages.filter((m) => m.message_id !== message.message_id);
  const at = others.findIndex((m) => m.message_id > message.message_id);
  return at < 0 ? [...others, message] : others.toSpliced(at, 0, message);
}

function later(a: string | null, b: string): string {
  return a !== null && a > b ? a : b;
}

const APPLY: Record<string, Apply> = {
  "chat.message": (conversation, message: Message) => ({
    ...conversation,
    messages: withMessage(conversation.messages, message),
  }),
  "chat.read": (conversation, read: { reader: "visitor" | "agent"; message_id: string }) =>
    read.reader === "agent"
      ? { ...conversation, agent_read: later(conversation.agent_read, read.message_id) }
      : { ...conversation, visitor_read: later(conversation.visitor_read, read.message_id) },
  "chat.agent_joined": (conversation, joined: { agent: { name: string } }) => ({
    ...conversation,
    state: "active",
    agent: joined.agent,
    position: null,
    estimated_wait_seconds: null,
  }),
  "chat.agent_left": (conversation) => ({ ...conversation, state: "waiting", agent: null }),
  "chat.closed": (conversation) => ({
    ...conversation,
    state: "ended",
    agent: null,
    position: null,
    estimated_wait_seconds: null,
  }),
  "queue.position": (
    conversation,
    place: { position: number; estimated_wait_seconds: number | null },
  ) => ({
    ...conversation,
    state: conversation.state === "message_left" ? "message_left" : "waiting",
    agent: null,
    position: place.position,
    estimated_wait_seconds: announced(conversation.estimated_wait_seconds, place.estimated_wait_seconds),
  }),
};

/** Events that the reducer knows. */
export const EVENTS = Object.keys(APPLY);

/** A customer is never told a rising wait: the lowest estimate given so far stands. */
function announced(before: number | null, now: number | null): number | null {
  return before === null || now === null ? now : Math.min(before, now);
}

export function apply(conversation: Conversation, event: string, payload: unknown): Conversation {
  return APPLY[event]?.(conversation, payload as never) ?? conversation;
}

interface CallEvent {
  call_id: string;
  call?: VisitorCall;
  position?: number | null;
  estimated_wait_seconds?: number | null;
}

/** Events of the call that goes on beside the chat; each but the place in line brings it whole. */
export const CALL_EVENTS = ["call.ringing", "call.connected", "call.changed", "call.ended", "call.position"];

export function applyCall(before: VisitorCall | null, payload: unknown): VisitorCall | null {
  const { call_id, call, position = null, estimated_wait_seconds = null } = payload as CallEvent;
  const same = before?.call_id === call_id ? before : null;
  if (call) return { ...call, estimated_wait_seconds: announced(same?.estimated_wait_seconds ?? null, call.estimated_wait_seconds) };
  return same ? { ...same, position, estimated_wait_seconds: announced(same.estimated_wait_seconds, estimated_wait_seconds) } : before;
}

/** Messages of the other side that the visitor has not read. */
export function unread(conversation: Conversation): Message[] {
  const { visitor_read: read } = conversation;
  return conversation.messages.filter(
    (m) => m.sender !== "visitor" && m.kind === "text" && (read === null || m.message_id > read),
  );
}

/** What was typed or pasted, without the control characters and direction marks that the centre does not take. */
export function plainText(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/(?![\n\t])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, "").trim();
}
