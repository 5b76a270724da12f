import { expect, test } from "vitest";

import { interaction, member, queueItem, state, uuid } from "../../shared/test/fixtures";
import { canTake, keepOrder, mine, outcomesOf, snoozed, team, waiting, waitLevel } from "../src/lists";
import { bodyOf, filled, matching } from "../src/Replies";
import { instantOf } from "../src/Snooze";

const segment = interaction(0).segment;
if (!segment) throw new Error("the fixture has a segment");
const parked = (n: number, why: "snoozed" | "waiting_customer", until: string | null) =>
  interaction(n, { segment: { ...segment, state: "parked", park_reason: why, parked_until: until, started_at: `2026-11-23T09:0${n}:00Z` } });

test("snoozed work is apart, waiting for the customer is not", () => {
  const all = [interaction(0), parked(1, "waiting_customer", null), parked(3, "snoozed", "2026-11-23T12:00:00Z"), parked(2, "snoozed", "2026-11-23T11:00:00Z")];
  const now = state({ interactions: Object.fromEntries(all.map((card) => [card.interaction_id, card])) });
  expect(mine(now).map((card) => card.interaction_id)).toEqual([uuid(101), uuid(100)]);
  expect(snoozed(now).map((card) => card.interaction_id)).toEqual([uuid(102), uuid(103)]);
});

test("the queue is in the router's order: band, then virtual start", () => {
  const items = [queueItem(3), queueItem(1, { band: 3 }), queueItem(2)];
  const now = state({ queue: Object.fromEntries(items.map((one) => [one.interaction_id, one])) });
  expect(waiting(now).map((one) => one.interaction_id)).toEqual([uuid(102), uuid(103), uuid(101)]);
});

test("colleagues who can help come first, and I am not one of them", () => {
  const all = [member(1), member(2, { state: "offline" }), member(3, { state: "on_contact" }), member(4)];
  const now = state({ team: Object.fromEntries(all.map((one) => [one.agent_id, one])) });
  expect(team(now).map((one) => one.agent_id)).toEqual([uuid(4), uuid(3), uuid(2)]);
});

test("rows keep their places under the pointer; new ones join at the end", () => {
  const key = (one: string) => one;
  expect(keepOrder(["b", "a", "gone"], ["a", "b", "new"], key)).toEqual(["b", "a", "new"]);
  expect(keepOrder([], ["a", "b"], key)).toEqual(["a", "b"]);
});

test("a wait is near its limit past the target and late past twice", () => {
  expect(["chat", "chat", "chat"].map((_, n) => waitLevel("chat", [59_999, 60_000, 120_000][n] ?? 0))).toEqual(["fine", "near", "late"]);
  expect(waitLevel("email", 3_600_000)).toBe("fine");
});

test("an hour is today's, or tomorrow's when it has passed", () => {
  const from = Date.parse("2026-11-23T09:50:30Z");
  expect(instantOf("11:00", "10:50", from)).toBe(Date.parse("2026-11-23T10:00:00Z"));
  expect(instantOf("10:00", "10:50", from)).toBe(Date.parse("2026-11-24T09:00:00Z"));
  expect(instantOf("", "10:50", from)).toBeNull();
});

test("a slash lists the saved replies that have every word", () => {
  const all = ["Gracias por su paciencia", "Le paso con un compañero", "Gracias, buen día"];
  const found = (typed: string) => matching(all, typed, (one) => one);
  expect(found("hola")).toBeNull();
  expect(found("/")).toEqual(all);
  expect(found("/GRA día")).toEqual(["Gracias, buen día"]);
  expect(found("/nada")).toEqual([]);
});

test("a saved reply speaks the desk's language and fills in the names", () => {
  const reply = { reply_id: "1", shared: true, body_es: "Buenos días, {nombre}. Soy {agente}, de {centro}.", body_en: "", version: 1, updated_at: "" };
  const names = { customer: "Ana", agent: "Lucía", centre: "Brezo" };
  expect(filled(bodyOf(reply, "en"), names)).toBe("Buenos días, Ana. Soy Lucía, de Brezo.");
  expect(filled("Hi, {name}. I am {agent}.", { ...names, customer: "" })).toBe("Hi. I am Lucía.");
  expect(filled("{nombre} {agente}", { ...names, customer: "$&{agente}" })).toBe("$&{agente} Lucía");
});

test("what may be taken is a chat that rings nowhere", () => {
  expect(canTake(queueItem(1, { channel: "chat", state: "queued" }))).toBe(true);
  expect(canTake(queueItem(1, { channel: "chat", state: "offered" }))).toBe(false);
  expect(canTake(queueItem(1, { channel: "voice", state: "queued" }))).toBe(false);
});

test("every outcome of the queue that is in use is offered, the eleventh too", () => {
  const one = (n: number, queue: string | null) => ({ key: `o${n}`, label_es: `o${n}`, label_en: `o${n}`, queue, retired: n === 13 });
  const dispositions = [...Array.from({ length: 12 }, (_, n) => one(n, n % 2 ? "SA" : null)), one(12, "PR"), one(13, "SA")];
  expect(outcomesOf(state({ dispositions }), "SA").map(({ key }) => key)).toEqual(Array.from({ length: 12 }, (_, n) => `o${n}`));
});
