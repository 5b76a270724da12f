/** Reducer, words, links and colours. */

import { expect, test } from "vitest";
import { pieces } from "../src/links";
import { apply, plainText, unread, type Conversation, type Message } from "../src/model";
import { MemoryArea, Store } from "../src/storage";
import { Dates, pickLanguage, TEXTS, waitWords } from "../src/texts";
import { accentRules, contrast, parseColour } from "../src/theme";

const message = (id: string, sender: Message["sender"] = "agent"): Message => ({
  message_id: id,
  conversation_id: "c",
  sender,
  kind: "text",
  agent_name: null,
  body: id,
  created_at: "2026-03-02T09:50:00Z",
  client_id: null,
});
const conversation = (over: Partial<Conversation> = {}): Conversation => ({
  conversation_id: "c",
  state: "waiting",
  agent: null,
  queue: "CO",
  messages: [],
  visitor_read: null,
  agent_read: null,
  position: 2,
  estimated_wait_seconds: 120,
  can_write: true,
  ...over,
});

test("a message is placed by its id, once", () => {
  let state = conversation();
  for (const id of ["m2", "m4", "m3", "m4"]) state = apply(state, "chat.message", message(id));
  expect(state.messages.map((m) => m.message_id)).toEqual(["m2", "m3", "m4"]);
});

test("read marks only move forward, and count what is new", () => {
  let state = conversation({ messages: [message("m1"), message("m2", "visitor"), message("m3")] });
  expect(unread(state).map((m) => m.body)).toEqual(["m1", "m3"]);
  state = apply(state, "chat.read", { reader: "visitor", message_id: "m3" });
  state = apply(state, "chat.read", { reader: "visitor", message_id: "m1" });
  expect(state.visitor_read).toBe("m3");
  expect(unread(state)).toEqual([]);
});

test("joined, left and closed change the stage", () => {
  let state = apply(conversation(), "chat.agent_joined", { agent: { name: "Olga" } });
  expect([state.state, state.agent, state.position]).toEqual(["active", { name: "Olga" }, null]);
  state = apply(state, "chat.agent_left", {});
  expect([state.state, state.agent]).toEqual(["waiting", null]);
  state = apply(state, "chat.closed", { by: "agent" });
  expect(state.state).toBe("ended");
});

test("what cannot be text is left out before sending", () => {
  expect(plainText(" a\0b\r\nc\td\u0085\ud800é😀 ")).toBe("ab\nc\tdé😀");
});

test("an unknown event changes nothing", () => {
  const state = conversation();
  expect(apply(state, "chat.invented", {})).toBe(state);
});

test.each([
  [20, "Falta menos de 1 min"],
  [60, "Faltan unos 1 o 2 min"],
  [150, "Faltan unos 2 o 3 min"],
  [600, "Faltan entre 8 y 12 min"],
  [4_000, "Faltan más de 45 min"],
])("%i s of waiting is said as a range", (seconds, words) => {
  expect(waitWords(TEXTS.es, seconds)).toBe(words);
});

test("both languages have the same words to say", () => {
  expect(Object.keys(TEXTS.en).sort()).toEqual(Object.keys(TEXTS.es).sort());
});

test.each([
  [["fr", "en-GB"], "en"],
  [[null, "", "es-MX"], "es"],
  [["ca"], "es"],
])("%j reads as %s", (tags, language) => {
  expect(pickLanguage(...tags)).toBe(language);
});

test("opening hours are told in the office's own time", () => {
  const dates = new Dates("es", TEXTS.es);
  const monday = Date.parse("2026-03-02T09:50:00Z");
  const zone = "Europe/Madrid";
  expect(dates.closing("2026-03-02T13:00:00Z", monday, zone)).toMatch(/^Abierto hoy hasta las 14:00/);
  expect(dates.opening("2026-03-02T15:00:00Z", monday, zone)).toMatch(/^hoy a las 16:00/);
  expect(dates.opening("2026-03-03T08:00:00Z", monday, zone)).toMatch(/^mañana a las 09:00/);
  expect(dates.opening("2026-03-06T08:00:00Z", monday, zone)).toMatch(/^el viernes a las 09:00/);
  expect(dates.opening(null, monday, zone)).toBeNull();
});

test.each([
  ["mire https://ejemplo.es/a?b=1. Gracias", ["mire ", "*https://ejemplo.es/a?b=1", ". Gracias"]],
  ["(http://ejemplo.es)", ["(", "*http://ejemplo.es", ")"]],
  ["https://es.wikipedia.org/wiki/Uno_(a)", ["*https://es.wikipedia.org/wiki/Uno_(a)"]],
  ["javascript:alert(1)", ["javascript:alert(1)"]],
  ["https://bank.es@evil.example/", ["https://bank.es@evil.example/"]],
  ['<a href="https://x.es">', ['<a href="', "*https://x.es", '">']],
  ["data:text/html,x ftp://x.es", ["data:text/html,x ftp://x.es"]],
])("%s", (text, expected) => {
  const found = pieces(text);
  expect(found.map((p) => (p.href ? "*" : "") + p.text)).toEqual(expected);
  expect(found.map((p) => p.text).join("")).toBe(text);
});

test("any accent is made readable on both themes", () => {
  for (let i = 0; i < 400; i++) {
    const hue = `#${((i * 40_503_533) % 0x1000000).toString(16).padStart(6, "0")}`;
    for (const rule of accentRules(hue).split("\n")) {
      const surface = parseColour(rule.includes("light") ? "#ffffff" : "#141a20")!;
      const value = (name: string) =>
        (new RegExp(`${name}:rgb\\(([\\d ]+)\\)`).exec(rule)?.[1] ?? "").split(" ").map(Number) as [number, number, number];
      expect(contrast(value("--on-solid"), value("--accent-solid"))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(value("--accent"), surface)).toBeGreaterThanOrEqual(4.5);
      expect(contrast(value("--accent"), value("--accent-soft"))).toBeGreaterThanOrEqual(4.5);
      expect(contrast(value("--accent-solid"), surface), `${hue} ${rule}`).toBeGreaterThanOrEqual(3);
    }
  }
});

test("what is not a colour changes nothing", () => {
  expect(accentRules("red;} *{display:none")).toBe("");
  expect(accentRules(null)).toBe("");
});

test("a device that keeps nothing, or keeps rubbish, still works", () => {
  const area = new MemoryArea();
  area.setItem("contactcenter:c:session", "{broken");
  area.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const store = new Store("c", area, new MemoryArea());
  expect(store.session).toBeNull();
  expect(store.put("hola", new Date(0)).body).toBe("hola");
});
