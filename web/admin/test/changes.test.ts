import { expect, it } from "vitest";

import { changesOf, dayEnd, dayStart, strange } from "../src/changes";

it("shows each field once, with nothing where there was nothing", () => {
  expect(changesOf({ role: "agent", phone: null }, { role: "supervisor", queues: ["CO", "AU"] })).toEqual([
    { field: "role", before: "agent", after: "supervisor" },
    { field: "phone", before: null, after: null },
    { field: "queues", before: null, after: "CO, AU" },
  ]);
});

it("shows empty lists, flags and objects", () => {
  expect(changesOf(null, { queues: [], on: false, hours: { open: "9:00" } }).map((one) => one.after)).toEqual([
    "[]",
    "false",
    '{"open":"9:00"}',
  ]);
  expect(changesOf(null, null)).toEqual([]);
});

it("takes a day from its first instant to the next day's", () => {
  const length = (day: string) => (Date.parse(dayEnd(day)) - Date.parse(dayStart(day))) / 3_600_000;
  expect(length("2026-11-23")).toBe(24);
  expect(new Date(dayStart("2026-11-23")).getHours()).toBe(0);
  for (const text of ["", "x", "2026", "31/12/2026"]) expect([dayStart(text), dayEnd(text)]).toEqual(["", ""]);
});

it("finds the first name in a reply that the desk could not put in", () => {
  expect(strange("Hola, {nombre}. Soy {agent} de {centre}.")).toBeNull();
  expect(strange("Hola, {apellido} y {otro}.")).toBe("apellido");
  expect(strange("Hola, { nombre }.")).toBe(" nombre ");
  expect(strange("Una llave { suelta")).toBeNull();
});
