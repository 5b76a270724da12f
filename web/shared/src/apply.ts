/**
 * The desk's one reducer: event name → how it changes the agent's state.
 *
 * `apply` is pure and never mutates; a snapshot with the later events applied is
 * the same as a later snapshot. Events carry whole cards, so each applier is an
 * upsert or a removal, and applying one twice changes nothing.
 *
 * Outside the browser: `npm run build -w shared` bundles this file as
 * web/shared/dist/apply.js, an ES module without imports that Node runs as it is;
 * a test holds it against the server's own snapshots.
 */
import type {
  AgentMe,
  CallCard,
  ConversationState,
  DeskEventName,
  InteractionCard,
  MessageCard,
  QueueItem,
  ReservationCard,
  TeamMember,
  VoiceDesk,
} from "./contract";

export interface AgentState {
  me: AgentMe;
  /** Pending offers to me. */
  reservations: Record<string, ReservationCard>;
  /** Those with an open segment of mine. */
  interactions: Record<string, InteractionCard>;
  /** The conversations of `interactions`. */
  conversations: Record<string, ConversationState>;
  /** Those I am on the line of. */
  calls: Record<string, CallCard>;
  /** My softphone's own leg. */
  voice: VoiceDesk;
  /** What waits in my queues. */
  queue: Record<string, QueueItem>;
  team: Record<string, TeamMember>;
  queues: Record<string, { key: string; name_es: string; name_en: string }>;
  /** What work is closed with; those that are retired only name what was. */
  dispositions: { key: string; label_es: string; label_en: string; queue: string | null; retired: boolean }[];
  centre: { name: string; timezone: string };
}

interface InteractionPayload {
  interaction_id: string;
  /** Null: no longer mine. */
  interaction: InteractionCard | null;
  conversation?: ConversationState | null;
}

interface ReservationPayload {
  reservation_id: string;
}

interface CallPayload {
  call_id: string;
  /** Null: I am not on the line any more. */
  call: CallCard | null;
}

/** Every event that changes the state, with the part of its payload that does. */
export interface AgentEvents {
  "reservation.created": { reservation: ReservationCard };
  "reservation.accepted": ReservationPayload & InteractionPayload;
  "reservation.rejected": ReservationPayload;
  "reservation.timed_out": ReservationPayload;
  "reservation.rescinded": ReservationPayload;
  "reservation.cancelled": ReservationPayload;
  "interaction.joined": InteractionPayload;
  "interaction.held": InteractionPayload;
  "interaction.consulted": InteractionPayload;
  "interaction.parked": InteractionPayload;
  "interaction.resumed": InteractionPayload;
  "interaction.cost_changed": InteractionPayload;
  "interaction.transferred": InteractionPayload;
  "interaction.wrap_started": InteractionPayload;
  "interaction.wrap_extended": InteractionPayload;
  "interaction.wrapped_up": InteractionPayload;
  "interaction.closed": InteractionPayload;
  "interaction.changed": InteractionPayload;
  "chat.message": MessageCard & { interaction?: InteractionCard | null };
  "chat.read": { conversation_id: string; message_id: string; reader: "visitor" | "agent"; unread: number };
  "chat.closed": InteractionPayload;
  "call.ringing": CallPayload;
  "call.connected": CallPayload;
  "call.changed": CallPayload;
  "call.ended": CallPayload & { reason: string };
  "call.leg_changed": { voice: VoiceDesk };
  "call.taken_over": { voice: VoiceDesk };
  "queue.item_changed": { interaction_id: string; item: QueueItem | null };
  "agent.status_changed": { agent: TeamMember };
  "agent.state_changed": { agent: TeamMember };
  "agent.presence_changed": { agent: TeamMember };
  "agent.me_changed": { me: AgentMe };
  /** A customer's file changed, or a contact's became known: whoever shows it reads it again. */
  "file.changed": { customer_id: string | null; contact_id: string | null; about: string };
}

export type AgentEventName = keyof AgentEvents;

/** A snapshot holds this many messages of a conversation; older ones are asked for by page. */
export const NEWEST = 100;

type Appliers = { [N in AgentEventName]: (state: AgentState, event: AgentEvents[N]) => AgentState };

const APPLIERS: Appliers & Record<DeskEventName, unknown> = {
  "reservation.created": (state, { reservation }) => ({
    ...state,
    reservations: { ...state.reservations, [reservation.reservation_id]: reservation },
  }),
  "reservation.accepted": (state, event) => putInteraction(dropReservation(state, event), event),
  "reservation.rejected": dropReservation,
  "reservation.timed_out": dropReservation,
  "reservation.rescinded": dropReservation,
  "reservation.cancelled": dropReservation,
  "interaction.joined": putInteraction,
  "interaction.held": putInteraction,
  "interaction.consulted": putInteraction,
  "interaction.parked": putInteraction,
  "interaction.resumed": putInteraction,
  "interaction.cost_changed": putInteraction,
  "interaction.transferred": putInteraction,
  "interaction.wrap_started": putInteraction,
  "interaction.wrap_extended": putInteraction,
  "interaction.wrapped_up": putInteraction,
  "interaction.closed": putInteraction,
  "interaction.changed": putInteraction,
  "chat.message": (state, { interaction, ...event }) => {
    const after = putMessage(state, event);
    return interaction ? putInteraction(after, { interaction_id: interaction.interaction_id, interaction }) : after;
  },
  "chat.read": putRead,
  "chat.closed": putInteraction,
  "call.ringing": putCall,
  "call.connected": putCall,
  "call.changed": putCall,
  "call.ended": putCall,
  "call.leg_changed": (state, { voice }) => ({ ...state, voice }),
  "call.taken_over": (state, { voice }) => ({ ...state, voice }),
  "queue.item_changed": (state, { interaction_id, item }) => ({
    ...state,
    queue: item ? { ...state.queue, [interaction_id]: item } : without(state.queue, interaction_id),
  }),
  "agent.status_changed": putMember,
  "agent.state_changed": putMember,
  "agent.presence_changed": putMember,
  "agent.me_changed": (state, { me }) => ({ ...state, me }),
  "file.changed": (state) => state,
};

export const EVENT_NAMES = Object.keys(APPLIERS) as AgentEventName[];

/** The state after an event; the same state when the event is none of the desk's. */
export function apply(state: AgentState, name: string, payload: unknown): AgentState {
  if (!Object.hasOwn(APPLIERS, name)) return state;
  const applier = APPLIERS[name as AgentEventName] as (state: AgentState, payload: unknown) => AgentState;
  return applier(state, payload);
}

function without<T>(record: Record<string, T>, key: string): Record<string, T> {
  if (!(key in record)) return record;
  const { [key]: _gone, ...rest } = record;
  return rest;
}

function dropReservation(state: AgentState, { reservation_id }: ReservationPayload): AgentState {
  return { ...state, reservations: without(state.reservations, reservation_id) };
}

function putInteraction(state: AgentState, { interaction_id, interaction, conversation }: InteractionPayload): AgentState {
  if (interaction === null) {
    const mine = state.interactions[interaction_id];
    if (!mine) return state;
    const interactions = without(state.interactions, interaction_id);
    const shared = Object.values(interactions).some((one) => one.conversation_id === mine.conversation_id);
    const conversations = shared ? state.conversations : without(state.conversations, mine.conversation_id);
    return { ...state, interactions, conversations };
  }
  return {
    ...state,
    interactions: { ...state.interactions, [interaction_id]: interaction },
    conversations: conversation
      ? { ...state.conversations, [conversation.conversation_id]: conversation }
      : state.conversations,
  };
}

function putMessage(state: AgentState, event: MessageCard): AgentState {
  const conversation = state.conversations[event.conversation_id];
  if (!conversation) return state;
  const message: MessageCard = {
    message_id: event.message_id,
    conversation_id: event.conversation_id,
    interaction_id: event.interaction_id,
    sender: event.sender,
    kind: event.kind,
    agent_id: event.agent_id,
    agent_name: event.agent_name,
    body: event.body,
    client_id: event.client_id,
    created_at: event.created_at,
  };
  const others = conversation.messages.filter((one) => one.message_id !== message.message_id);
  // Ids are made in time's order, so their order is the conversation's.
  const at = others.findLastIndex((one) => one.message_id < message.message_id) + 1;
  const messages = others.toSpliced(at, 0, message);
  const changed: ConversationState = {
    ...conversation,
    messages: messages.slice(-NEWEST),
    has_more: conversation.has_more || messages.length > NEWEST,
  };
  return { ...state, conversations: { ...state.conversations, [event.conversation_id]: changed } };
}

function putRead(state: AgentState, event: AgentEvents["chat.read"]): AgentState {
  const conversation = state.conversations[event.conversation_id];
  const mine = Object.values(state.interactions).find((one) => one.conversation_id === event.conversation_id);
  if (!conversation && !mine) return state;
  const side = event.reader === "agent" ? { agent_read: event.message_id } : { visitor_read: event.message_id };
  return {
    ...state,
    conversations: conversation
      ? { ...state.conversations, [event.conversation_id]: { ...conversation, ...side } }
      : state.conversations,
    interactions: mine
      ? { ...state.interactions, [mine.interaction_id]: { ...mine, unread: event.unread } }
      : state.interactions,
  };
}

function putCall(state: AgentState, { call_id, call }: CallPayload): AgentState {
  const calls = call ? { ...state.calls, [call_id]: call } : without(state.calls, call_id);
  return { ...state, calls };
}

function putMember(state: AgentState, { agent }: { agent: TeamMember }): AgentState {
  return { ...state, team: { ...state.team, [agent.agent_id]: agent } };
}
