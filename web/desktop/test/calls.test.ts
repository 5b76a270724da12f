import { describe, expect, test } from "vitest";

import type { CallCard } from "@contactcenter/shared/contract";

import { call as bare, member, state, uuid } from "../../shared/test/fixtures";
import { currentCall, fits, incomingCall, isRecorded, isTalked, others, partner, phoneActions, reachable } from "../src/calls";

const ME = uuid(800);
const party = { muted: false, quality: null, state: "connected" as const };

/** A call of mine with the customer Ana. `here`: the state of my own leg. */
function call(n: number, over: Partial<CallCard> = {}, here: CallCard["parties"][number]["state"] = "connected"): CallCard {
  const parties: CallCard["parties"] = [
    { ...party, leg_id: uuid(810 + n), kind: "customer", agent_id: null, name: "Ana" },
    { ...party, leg_id: ME, kind: "agent", agent_id: uuid(1), name: "Agent 1", state: here },
  ];
  return bare(n, { parties, mine: ME, ...over });
}
const of = (...calls: CallCard[]) => state({ calls: Object.fromEntries(calls.map((one) => [one.call_id, one])) });

describe("the call on my telephone", () => {
  test("is the one that is talked on, then the held one, then the one that I dialled; an ended one is none", () => {
    const held = call(1, { state: "held" });
    const dialled = call(2, { state: "ringing", answered_at: null });
    const active = call(3);
    expect(currentCall(of(dialled, held, active))).toBe(active);
    expect(currentCall(of(dialled, held))).toBe(held);
    expect(currentCall(of(dialled))).toBe(dialled);
    expect(currentCall(of(call(4, { state: "ended" }), call(5, { mine: null })))).toBeNull();
  });

  test("that rings here is no call yet, and needs no voice", () => {
    const ringing = call(1, {}, "ringing");
    expect(currentCall(of(ringing))).toBeNull();
    expect(incomingCall(of(call(2), ringing))).toBe(ringing);
    expect(isTalked(ringing)).toBe(false);
  });

  test("carries my voice from the answer to the end", () => {
    expect([call(1), call(1, { state: "held" }), call(1, {}, "lost")].map(isTalked)).toEqual([true, true, true]);
    expect([null, call(1, {}, "left"), call(1, { state: "ended" })].map(isTalked)).toEqual([false, false, false]);
  });

  test("is called after the customer, or after the colleague of an internal call", () => {
    expect(partner(call(1))?.name).toBe("Ana");
    const internal = call(2, {
      direction: "internal",
      parties: call(1).parties.map((one) => (one.kind === "customer" ? { ...one, kind: "agent" as const, name: "Pablo" } : one)),
    });
    expect(partner(internal)?.name).toBe("Pablo");
  });

  test("others are without me and without those who left", () => {
    const one = call(1);
    expect(others(one).map((party) => party.name)).toEqual(["Ana"]);
    expect(others({ ...one, parties: one.parties.map((party) => ({ ...party, state: "left" as const })) })).toEqual([]);
  });
});

test("colleagues with a telephone can be called, the free ones first", () => {
  const voice = { channels: ["voice", "chat"] as ("voice" | "chat")[] };
  const team = [
    member(1, voice),
    member(2, { ...voice, name: "Zoe" }),
    member(3, { ...voice, name: "Abel", state: "on_contact" }),
    member(4, { name: "Written only" }),
    member(5, { ...voice, present: false }),
  ];
  const found = reachable(state({ team: Object.fromEntries(team.map((one) => [one.agent_id, one])) }));
  expect(found.map((one) => one.name)).toEqual(["Zoe", "Abel"]);
  expect(found[0]?.agent_id).toBe(uuid(2));
});

test("a name is found by letters without accents and by the keypad", () => {
  expect(fits("Lucía Abós", "lucia")).toBe(true);
  expect(fits("Lucía Abós", "ABOS")).toBe(true);
  expect(fits("Lucía Abós", "58242")).toBe(true);
  expect(fits("Lucía Abós", "226")).toBe(true);
  expect(fits("Lucía Abós", "9")).toBe(false);
  expect(fits("Lucía Abós", " ")).toBe(true);
});

describe("the keys of the bar", () => {
  const consult = (by: number): CallCard["consult"] => ({
    leg_id: uuid(850), agent_id: uuid(2), name: "Pablo", queue: null, by_agent_id: uuid(by), state: "talking", talks_to: "colleague",
  });

  const off = { mode: "off", state: "off", may_control: false } as const;

  test("are those of things that the centre would do", () => {
    expect(phoneActions(call(1, { record: off }), uuid(1))).toEqual(["mute", "hold", "keypad", "consult", "transfer"]);
    expect(phoneActions(call(1, { answered_at: null }), uuid(1))).toEqual([]);
    expect(phoneActions(call(1, { direction: "internal", record: off }), uuid(1))).toEqual(["mute", "keypad"]);
  });

  test("all three together, the call is handed over, not transferred", () => {
    expect(phoneActions(call(1, { state: "conference", record: off }), uuid(1))).toEqual(["mute", "hold", "keypad", "complete"]);
  });

  test("who asked in has the consult's; who was asked cannot ask another", () => {
    const asked = call(1, { state: "consulting", consult: consult(1), record: off });
    expect(phoneActions(asked, uuid(1))).toEqual(["mute", "toggle", "keypad", "conference", "complete", "cancel"]);
    expect(phoneActions(asked, uuid(2))).toEqual(["mute", "keypad"]);
  });

  test("a paused recording goes on, or ends; it counts as one", () => {
    const record = (state: CallCard["record"]["state"]): CallCard => call(1, { record: { mode: "inform", state, may_control: true } });
    expect(phoneActions(record("paused"), uuid(1)).slice(-2)).toEqual(["record", "record-stop"]);
    expect(["off", "notice", "recording", "paused", "refused"].map((one) => isRecorded(record(one as "off")))).toEqual([false, true, true, true, false]);
  });
});
