import { describe, expect, test } from "vitest";

import { type AgentEventName, type AgentState, apply, EVENT_NAMES, NEWEST } from "../src/apply";
import { call, deepFreeze, interaction, me, member, message, queueItem, reservation, state, uuid } from "./fixtures";

const talk = (messages = [message(1)]) => ({
  conversation_id: uuid(200),
  messages,
  has_more: false,
  visitor_read: null,
  agent_read: null,
});
const held = interaction(0, { state: "held" });
const mine = { interactions: { [uuid(100)]: interaction(0) }, conversations: { [uuid(200)]: talk() } };
const offered = { reservations: { [uuid(600)]: reservation(0) } };
const put = { interaction_id: uuid(100), interaction: held };
const ended = { reservation_id: uuid(600), interaction_id: uuid(100), reason: null };

interface Case {
  before: Partial<AgentState>;
  payload: unknown;
  after: Partial<AgentState>;
}

const upsert: Case = { before: mine, payload: put, after: { ...mine, interactions: { [uuid(100)]: held } } };
const dropped: Case = { before: offered, payload: ended, after: { reservations: {} } };
const tile = member(2, { state: "away" });
const onTeam: Case = {
  before: {},
  payload: { agent_id: tile.agent_id, agent: tile },
  after: { team: { [uuid(1)]: member(1), [uuid(2)]: tile } },
};

const talking = { calls: { [uuid(700)]: call(0) } };
const onLine: Case = {
  before: talking,
  payload: { call_id: uuid(700), call: call(0, { muted: true }) },
  after: { calls: { [uuid(700)]: call(0, { muted: true }) } },
};
const hungUp: Case = {
  before: talking,
  payload: { call_id: uuid(700), call: null, reason: "customer_hung_up" },
  after: { calls: {} },
};
const voice = { leg_id: uuid(800), peer: uuid(801), state: "connected" as const };
const softphone: Case = { before: {}, payload: { voice }, after: { voice } };

/** For every event: a state, what arrives, and the state that a snapshot would then show. */
const CASES: Record<AgentEventName, Case[]> = {
  "call.ringing": [onLine],
  "call.connected": [onLine],
  "call.changed": [onLine, { ...hungUp, payload: { call_id: uuid(700), call: null } }],
  "call.ended": [hungUp, { ...hungUp, before: {} }],
  "call.leg_changed": [softphone],
  "call.taken_over": [softphone],
  "reservation.created": [
    { before: {}, payload: { ...reservation(0), reservation: reservation(0) }, after: offered },
  ],
  "reservation.accepted": [
    {
      before: offered,
      payload: { ...ended, interaction: interaction(0), conversation: talk() },
      after: { ...mine, reservations: {} },
    },
    { before: offered, payload: { ...ended, interaction: null, conversation: null }, after: { reservations: {} } },
  ],
  "reservation.rejected": [dropped, { ...dropped, before: {} }],
  "reservation.timed_out": [dropped],
  "reservation.rescinded": [dropped],
  "reservation.cancelled": [dropped],
  "interaction.joined": [
    {
      before: {},
      payload: { interaction_id: uuid(100), interaction: interaction(0), conversation: talk() },
      after: mine,
    },
  ],
  "interaction.held": [upsert],
  "interaction.consulted": [upsert],
  "interaction.parked": [upsert],
  "interaction.resumed": [upsert],
  "interaction.cost_changed": [upsert],
  "interaction.transferred": [
    { before: mine, payload: { ...put, interaction: null }, after: { interactions: {}, conversations: {} } },
    { before: {}, payload: { ...put, interaction: null }, after: {} },
  ],
  "interaction.wrap_started": [upsert],
  "interaction.wrap_extended": [upsert],
  "interaction.wrapped_up": [
    { before: mine, payload: { ...put, interaction: null }, after: { interactions: {}, conversations: {} } },
  ],
  "interaction.closed": [
    {
      before: { ...mine, interactions: { ...mine.interactions, [uuid(101)]: interaction(1, { conversation_id: uuid(200) }) } },
      payload: { ...put, interaction: null },
      after: {
        interactions: { [uuid(101)]: interaction(1, { conversation_id: uuid(200) }) },
        conversations: mine.conversations,
      },
    },
  ],
  "interaction.changed": [upsert],
  "file.changed": [
    { before: mine, payload: { customer_id: uuid(900), contact_id: null, about: "policy" }, after: mine },
  ],
  "chat.message": [
    {
      before: mine,
      payload: { ...message(2), interaction: interaction(0, { unread: 1 }), stream: "agent:1", seq: 4 },
      after: {
        interactions: { [uuid(100)]: interaction(0, { unread: 1 }) },
        conversations: { [uuid(200)]: talk([message(1), message(2)]) },
      },
    },
    {
      before: { ...mine, conversations: { [uuid(200)]: talk([message(1), message(3)]) } },
      payload: { ...message(2), interaction: null },
      after: { ...mine, conversations: { [uuid(200)]: talk([message(1), message(2), message(3)]) } },
    },
    { before: {}, payload: { ...message(2), interaction: null }, after: {} },
  ],
  "chat.read": [
    {
      before: { ...mine, interactions: { [uuid(100)]: interaction(0, { unread: 3 }) } },
      payload: { conversation_id: uuid(200), message_id: uuid(1001), reader: "agent", unread: 0 },
      after: { ...mine, conversations: { [uuid(200)]: { ...talk(), agent_read: uuid(1001) } } },
    },
    {
      before: mine,
      payload: { conversation_id: uuid(200), message_id: uuid(1001), reader: "visitor", unread: 0 },
      after: { ...mine, conversations: { [uuid(200)]: { ...talk(), visitor_read: uuid(1001) } } },
    },
    { before: {}, payload: { conversation_id: uuid(9), message_id: uuid(1), reader: "agent", unread: 0 }, after: {} },
  ],
  "chat.closed": [{ ...upsert, payload: { ...put, conversation_id: uuid(200), by: "visitor" } }],
  "queue.item_changed": [
    { before: {}, payload: { interaction_id: uuid(101), item: queueItem(1) }, after: { queue: { [uuid(101)]: queueItem(1) } } },
    { before: { queue: { [uuid(101)]: queueItem(1) } }, payload: { interaction_id: uuid(101), item: null }, after: { queue: {} } },
  ],
  "agent.status_changed": [onTeam],
  "agent.state_changed": [onTeam],
  "agent.presence_changed": [onTeam],
  "agent.me_changed": [{ before: {}, payload: { me: me({ load: 50 }) }, after: { me: me({ load: 50 }) } }],
};

test("every event has its case", () => {
  expect(Object.keys(CASES).sort()).toEqual([...EVENT_NAMES].sort());
});

describe.each(EVENT_NAMES)("%s", (name) => {
  test.each(CASES[name])("gives what the next snapshot shows (%#)", ({ before, payload, after }) => {
    const start = deepFreeze(state(before));
    const event = deepFreeze(payload);
    const once = apply(start, name, event);
    expect(once).toEqual({ ...state(before), ...after });
    expect(apply(deepFreeze(once), name, event)).toEqual(once);
  });
});

test("an event of no concern changes nothing", () => {
  const start = state();
  expect(apply(start, "wallboard.delta", {})).toBe(start);
  expect(apply(start, "toString", {})).toBe(start);
});

test("a conversation keeps the newest messages and knows of the others", () => {
  const many = Array.from({ length: NEWEST }, (_, n) => message(n));
  const start = state({ conversations: { [uuid(200)]: talk(many) } });
  const after = apply(start, "chat.message", { ...message(NEWEST), interaction: null });
  const shown = after.conversations[uuid(200)];
  expect(shown?.messages).toHaveLength(NEWEST);
  expect(shown?.messages[0]?.message_id).toBe(uuid(1001));
  expect(shown?.has_more).toBe(true);
});
