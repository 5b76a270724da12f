import { expect, it } from "vitest";

import { doing, isLong, parkedWord, stageWord } from "../src/agents";
import type { WallboardAgent } from "../src/model";
import { t } from "../src/texts";

const NINE = Date.parse("2026-11-23T08:00:00.000Z");
const since = new Date(NINE).toISOString();

function on(...items: [channel: "voice" | "chat", state: string][]): WallboardAgent {
  return {
    agent_id: "a",
    name: "Carmen",
    status: "available",
    state: "on_contact",
    state_since: since,
    reason: null,
    help: null,
    items: items.map(([channel, state], n) => ({ interaction_id: String(n), queue: "CO", channel, state, since })),
  } as unknown as WallboardAgent;
}

it("says what a call is doing", () => {
  expect(doing(t, on(["voice", "active"]))).toBe("Llamada · CO");
  expect(doing(t, on(["voice", "held"]))).toBe("Llamada en espera · CO");
  expect(doing(t, on(["voice", "consulting"]))).toBe("Consulta en llamada · CO");
  expect(doing(t, on(["chat", "held"]))).toBe("Chat · CO");
  expect(doing(t, on(["voice", "active"], ["chat", "active"]))).toBe("2 contactos · CO");
});

it("a consult counts toward a long call, its wrap-up does not", () => {
  const later = NINE + 24 * 3_600_000;
  expect(isLong(on(["voice", "consulting"]), later)).toBe(true);
  expect(isLong(on(["voice", "wrapping"]), later)).toBe(false);
});

it("says what is set aside beside what is done", () => {
  const agent = on(["chat", "active"], ["chat", "parked"], ["voice", "wrapping"]);
  expect(doing(t, agent)).toBe("Chat · CO");
  expect(parkedWord(t, agent)).toBe("1 aparcado");
  expect(agent.items.map((item) => stageWord(t, item))).toEqual(["", "aparcado", "en cierre"]);
  expect(parkedWord(t, on(["voice", "active"]))).toBe("");
});
