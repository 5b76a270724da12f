import { describe, expect, test } from "vitest";

import type { CustomerOut } from "@contactcenter/shared/contract";

import { amount, amountOf, companyDocument, day, detailsOf, email, iban, months, personalDocument, phone } from "../src/crm/checks";
import { compared } from "../src/crm/compare";
import { drawn, met, span, stepFaults, stepsOf, TEMPLATES, withStep } from "../src/crm/flow";
import { instant, wall } from "@contactcenter/shared/time";
import { percentText, standing } from "../src/crm/office";
import { hashOf, place, placeOf } from "../src/crm/place";
import { named, w } from "../src/crm/texts";

describe("documents and accounts", () => {
  test.each(["12345678Z", "12.345.678-z", "X1234567L", "Y0000000Z"])("%s is a DNI or NIE", (given) => {
    expect(personalDocument(given)).toBeNull();
  });
  test.each(["12345678A", "1234567Z", "X1234567A", "A12345674", ""])("%s is none", (given) => {
    expect(personalDocument(given)).toBe("bad_dni");
  });
  test.each(["A58818501", "B-58378431", "Q2818002D", "J99216582"])("%s is a company's", (given) => {
    expect(companyDocument(given)).toBeNull();
  });
  test.each(["A58818502", "Q28180024", "12345678Z", "A5881850"])("%s is no company's", (given) => {
    expect(companyDocument(given)).toBe("bad_tax_id");
  });
  test.each(["ES91 2100 0418 4502 0005 1332", "GB82WEST12345698765432", "es9121000418450200051332"])("%s is an IBAN", (given) => {
    expect(iban(given)).toBeNull();
  });
  test.each(["ES9121000418450200051333", "ES912100041845020005133", "ES91210004184502000513324", "hello"])("%s is no IBAN", (given) => {
    expect(iban(given)).toBe("bad_iban");
  });
});

test.each([
  ["1.234,50", "1234.50"],
  ["1,234.50", "1234.50"],
  ["1234,5 €", "1234.50"],
  ["12", "12.00"],
  ["1.234", "1234.00"],
  ["0,07", "0.07"],
])("the sum %s is %s", (given, read) => {
  expect(amountOf(given)).toBe(read);
});

test.each(["", "1,2,3", "1.23.4", "12 y medio", "1,234,50", "12345678901"])("%s is no sum", (given) => {
  expect(amountOf(given)).toBeNull();
});

test("sums, numbers, addresses and days are held to the server's limits", () => {
  expect([amount("0"), amount("0", false), amount("-3", false)]).toEqual(["amount_not_positive", null, "amount_not_positive"]);
  expect([phone("600 555 018"), phone("0034 600555018"), phone("12"), phone("+1 (212) 555-0100")]).toEqual([null, null, "bad_phone", null]);
  expect([email("ana@correo.example"), email("ana@correo")]).toEqual([null, "bad_email"]);
  expect([day("2028-02-29"), day("2026-02-29"), day("1899-12-31"), day("")]).toEqual([null, "bad_date", "bad_date", "bad_date"]);
});

test("an address names a page, and the page its address", () => {
  const id = "0190f3a0-0000-7000-8000-000000000001";
  for (const one of [place("customer", id), place("tasks", "", { due: "today" }), place("new", "claim", { policy: id, empty: "" })])
    expect(placeOf(hashOf(one))).toEqual(one);
  for (const hash of ["", "#", `#i/${id}`, "#customer", "#customer/1", "#new/thing", "#nothing"]) expect(placeOf(hash)).toBeNull();
});

test("the centre's wall and the instant agree, also where the clocks change", () => {
  const zone = "Europe/Madrid";
  expect(wall("2026-11-23T09:50:00Z", zone)).toBe("2026-11-23T10:50");
  expect(instant("2026-11-23T10:50", zone)).toBe("2026-11-23T09:50:00.000Z");
  expect(instant("2026-07-01T10:50", zone)).toBe("2026-07-01T08:50:00.000Z");
  expect(instant("2026-10-25T02:30", zone)).toBe("2026-10-25T00:30:00.000Z"); // comes twice: the first
  expect(instant("", zone)).toBeNull();
});

test("a workflow is drawn with where each fork leads", () => {
  const rows = drawn([
    { type: "condition_check", config: { if: "a", then: "call", else: "end" } },
    { type: "send_email", config: {} },
    { type: "create_task", name: "call", config: {} },
  ]);
  expect(rows.map((row) => row.ways)).toEqual([{ then: 2, otherwise: "end" }, null, null]);
  expect(rows.map((row) => row.target)).toEqual([false, false, true]);
  expect([span(172_800), span(5_400), span(600), span(45)]).toEqual(["2 d", "90 min", "10 min", "45 s"]);
});

test("a run is drawn with the way it took, and why the rest was not done", () => {
  const notes = [
    { step: 0, status: "done", result: { went: "else" } },
    { step: 2, status: "passed", result: null },
    { step: 0, status: "done", result: { went: "then" } },
    { step: 3, status: "failed", result: null },
  ];
  expect(met(0, notes, "failed")).toEqual({ last: notes[2], times: 2, state: "done", went: "then" });
  expect([1, 2, 3, 4].map((at) => met(at, notes, "failed").state)).toEqual(["skipped", "passed", "failed", "unreached"]);
  expect(["running", "waiting", "cancelled", "completed"].map((status) => met(4, notes, status).state)).toEqual(["ahead", "ahead", "unreached", "skipped"]);
  expect(met(2, notes, "failed").went).toBeNull();
});

test("a notice is a whole number of months, at most a year", () => {
  expect(["0", "1", "2", "12"].map(months)).toEqual([null, null, null, null]);
  for (const text of ["13", "-1", "1,5", "1.5", "x", "", "012"]) expect(months(text), text).toBe("bad_months");
});

test("steps are read from a text, added to it, and blamed by their number", () => {
  for (const text of ["", "[]", "{}", "[1]", "[[]]", '[{"type": "wait_duration"']) expect(stepsOf(text)).toBeNull();
  const one = withStep("[]", TEMPLATES.wait_duration);
  expect(stepsOf(withStep(one, TEMPLATES.send_email))).toEqual([TEMPLATES.wait_duration, TEMPLATES.send_email]);
  expect(withStep("[{", TEMPLATES.send_email)).toBe("[{");
  expect(TEMPLATES.send_email.config.body, "a company has no first name").toContain("{{customer.greeting_name}}");
  expect(
    stepFaults([
      { loc: ["steps", 2], type: "bad_step", ctx: { reason: "needs", about: "title" } },
      { loc: ["body", "steps", 0, "type"], type: "literal_error" },
    ]),
  ).toEqual([
    { step: 2, reason: "needs", about: "title" },
    { step: 0, reason: "form", about: "type" },
  ]);
  expect(stepFaults(undefined)).toEqual([]);
});

test("every text has both languages, and a word of the server falls back on itself", () => {
  expect(named(w, "ca", "flood")).toBe("Inundación");
  expect(named(w, "ca", "meteor_shower")).toBe("meteor shower");
  expect(named(w, "b", "repeat", { n: 3 })).toContain("3");
});

describe("two files side by side", () => {
  const file = (over: Partial<CustomerOut>): CustomerOut =>
    ({ name: "", dni: null, tax_id: null, birth_date: null, mobile: null, phone: null, email: null, iban: null, notes: null,
       address_line1: null, address_line2: null, postal_code: null, city: null, province: null, ...over }) as CustomerOut;

  test("differ where both say something else, whatever the accents and gaps", () => {
    const lines = compared(
      file({ name: "Ana Beltrán Sanz", mobile: "+34600555073", dni: "12345678Z", city: "Zaragoza" }),
      file({ name: "ANA BELTRAN SANZ", mobile: "+34 600 555 074", email: "ana@correo.example", city: "Zaragoza" }),
    );
    expect(lines.map((one) => [one.label, one.differs])).toEqual([
      ["custName", false], ["document", false], ["mobile", true], ["email", false], ["address", false],
    ]);
  });
});

test("a new file begins with what the visitor has said", () => {
  expect(detailsOf({ name: " Rosa  Gil Sanz ", phone: "+34600555073", email: "rosa@correo.example" })).toEqual({
    first_name: "Rosa", last_name: "Gil Sanz", mobile: "+34600555073", email: "rosa@correo.example",
  });
  expect(detailsOf({ name: "Rosa", phone: "12", email: null })).toEqual({ first_name: "Rosa" });
  expect(detailsOf(undefined)).toEqual({});
});

describe("the office's rules", () => {
  const rows = [
    { kind: "ips", valid_from: "2028-01-01" },
    { kind: "ips", valid_from: "2021-01-01" },
    { kind: "ips", valid_from: "1997-01-01" },
    { kind: "flat", valid_from: "2000-01-01" },
  ];
  test("say which of them holds today: the youngest whose day has come", () => {
    const told = (on: string) => rows.map((row) => standing(row, rows, (one) => one.kind, on));
    expect(told("2027-12-31")).toEqual(["later", "now", "before", "now"]);
    expect(told("2028-01-01")).toEqual(["now", "before", "before", "now"]);
  });
  test("show a share as a percentage, without what a computer adds", () => {
    expect(percentText("0.00007000", "es")).toBe("0,007");
    expect(percentText("0.08", "en")).toBe("8");
    expect(percentText(null, "en")).toBe("");
  });
});

test("every rate of whole per cents, and of halves, is shown as it was typed", () => {
  for (let given = 0.5; given <= 100; given += 0.5) expect(percentText((given / 100).toFixed(4), "en")).toBe(String(given));
});
