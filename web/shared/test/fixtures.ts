import type { AgentState } from "../src/apply";
import type { AgentMe, CallCard, InteractionCard, MessageCard, QueueItem, ReservationCard, TeamMember } from "../src/contract";

/** A UUID whose order is its number's. */
export const uuid = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const at = (minute: number): string => `2026-11-23T09:${String(minute).padStart(2, "0")}:00Z`;

export function member(n: number, over: Partial<TeamMember> = {}): TeamMember {
  return {
    agent_id: uuid(n),
    name: `Agent ${n}`,
    status: "available",
    status_reason: null,
    status_since: at(0),
    present: true,
    channels: ["chat"],
    state: "available",
    state_since: at(0),
    queues: ["CO"],
    ...over,
  };
}

export function me(over: Partial<AgentMe> = {}): AgentMe {
  return {
    ...member(1),
    user_id: uuid(50),
    auto_answer: false,
    budget: 100,
    load: 0,
    skills: { CO: 5 },
    after_this: null,
    after_this_reason: null,
    ...over,
  };
}

export function message(n: number, conversation = 200, over: Partial<MessageCard> = {}): MessageCard {
  return {
    message_id: uuid(1000 + n),
    conversation_id: uuid(conversation),
    interaction_id: uuid(conversation - 100),
    sender: "visitor",
    kind: "text",
    agent_id: null,
    agent_name: null,
    body: `message ${n}`,
    client_id: null,
    created_at: at(n % 60),
    ...over,
  };
}

export function interaction(n: number, over: Partial<InteractionCard> = {}): InteractionCard {
  return {
    interaction_id: uuid(100 + n),
    conversation_id: uuid(200 + n),
    contact_id: uuid(300 + n),
    channel: "chat",
    queue: "CO",
    state: "active",
    customer: { contact_id: uuid(300 + n), customer_id: null, name: "Ana", email: null, phone: null, verified: false },
    created_at: at(1),
    queued_at: at(1),
    answered_at: at(2),
    ended_at: null,
    customer_present: true,
    segment: {
      segment_id: uuid(400 + n),
      state: "active",
      park_reason: null,
      parked_until: null,
      started_at: at(2),
      state_since: at(2),
      wrap_deadline: null,
      wrap_extended: false,
      cost: 25,
      over_budget: false,
      disposition: null,
      note: "",
    },
    last_message: null,
    unread: 0,
    ...over,
  };
}

export function reservation(n: number): ReservationCard {
  return {
    reservation_id: uuid(600 + n),
    interaction_id: uuid(100 + n),
    conversation_id: uuid(200 + n),
    channel: "chat",
    queue: "CO",
    customer: { contact_id: uuid(300 + n), name: "Ana", masked: "••• 123", repeat_count: 0 },
    created_at: at(1),
    expires_at: at(2),
    consult: false,
    waiting_since: at(0),
    handed: null,
    why: { step: 0, skills: [], preferred: false, candidates: 1 },
  };
}

export function queueItem(n: number, over: Partial<QueueItem> = {}): QueueItem {
  return {
    interaction_id: uuid(100 + n),
    channel: "chat",
    queue: "CO",
    contact_id: uuid(200 + n),
    customer_name: "Ana",
    entered_at: at(n),
    virtual_start: at(n),
    band: 2,
    state: "queued",
    offered_to: null,
    ...over,
  };
}

export function call(n: number, over: Partial<CallCard> = {}): CallCard {
  return {
    call_id: uuid(700 + n),
    interaction_id: uuid(100 + n),
    conversation_id: uuid(200 + n),
    direction: "inbound",
    state: "active",
    queue: "CO",
    started_at: at(n),
    answered_at: at(n),
    ended_at: null,
    held_since: null,
    muted: false,
    record: { mode: "inform", state: "recording", may_control: true },
    parties: [],
    mine: uuid(800),
    consult: null,
    vanish_deadline: null,
    ...over,
  };
}

export function state(over: Partial<AgentState> = {}): AgentState {
  return {
    me: me(),
    reservations: {},
    interactions: {},
    conversations: {},
    calls: {},
    voice: { leg_id: null, peer: null, state: "none" },
    queue: {},
    team: { [uuid(1)]: member(1) },
    queues: { CO: { key: "CO", name_es: "Comercial", name_en: "Sales" } },
    dispositions: [],
    centre: { name: "Centre", timezone: "Europe/Madrid" },
    ...over,
  };
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
