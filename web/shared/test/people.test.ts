import { expect, test } from "vitest";
import { markOf, nameOr } from "../src/people";

const ONE = "019a0000-0000-7000-8000-000000004f2a";
const OTHER = "019a0000-0000-7000-8000-000000009b01";

test("two people without a name are told apart", () => {
  expect(nameOr("", ONE, "Visitante")).toBe("Visitante 4F2A");
  expect(nameOr("", OTHER, "Visitor")).toBe("Visitor 9B01");
});

test("a name needs no mark, and nobody's id gives none", () => {
  expect(nameOr("Ana Prueba", ONE, "Visitante")).toBe("Ana Prueba");
  expect(nameOr("", null, "Visitor")).toBe("Visitor");
  expect(markOf(undefined)).toBe("");
});
