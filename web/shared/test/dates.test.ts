import { describe, expect, test } from "vitest";

import { isHour, isKept, monthOf, moved, shown, typed, typedHour, weeksOf } from "../src/dates";

describe("a day", () => {
  test.each([
    ["30/11/2026", "2026-11-30"],
    ["3-1-26", "2026-01-03"],
    ["03.01.1961", "1961-01-03"],
    ["3 1 61", "1961-01-03"],
    ["30112026", "2026-11-30"],
    ["2026-11-30", "2026-11-30"],
    [" 29/02/2028 ", "2028-02-29"],
  ])("%s is kept as %s", (text, kept) => expect(typed(text, false)).toBe(kept));

  test.each(["", "hoy", "31/04/2026", "29/02/2026", "13/13/2026", "11/30/2026", "30/11", "1/1/126", "30/11/2026 10:50"])("%s is none", (text) =>
    expect(typed(text, false)).toBeNull(),
  );

  test("is read as it is written in both languages, and what is none stays", () => {
    expect(shown("2026-11-30")).toBe("30/11/2026");
    expect(shown("2026-11-30T09:05")).toBe("30/11/2026 09:05");
    expect(shown("pronto")).toBe("pronto");
    expect([isKept(""), isKept("2026-11-30"), isKept("2026-11-30T09:05"), isKept("30/11/2026")]).toEqual([true, true, true, false]);
  });
});

test.each([
  ["30/11/2026 9:05", "2026-11-30T09:05"],
  ["30/11/26, 23.59", "2026-11-30T23:59"],
  ["2026-11-30T10:50", "2026-11-30T10:50"],
  ["30/11/2026", null],
  ["30/11/2026 24:00", null],
  ["30/11/2026 10:60", null],
])("the moment %s is %s", (text, kept) => expect(typed(text, true)).toBe(kept));

test("days move over months and keep their hour", () => {
  expect(moved("2026-12-31", 1)).toBe("2027-01-01");
  expect(moved("2026-03-01T10:50", -1)).toBe("2026-02-28T10:50");
  expect([monthOf("2026-01-15", -1), monthOf("2026-12-31", 1)]).toEqual(["2025-12-01", "2027-01-01"]);
});

test("a month's weeks begin on Monday and hold all of its days", () => {
  const weeks = weeksOf("2026-11-17");
  expect(weeks[0]?.[0]).toBe("2026-10-26");
  expect(weeks.at(-1)?.at(-1)).toBe("2026-12-06");
  expect(weeksOf("2027-02-01")).toHaveLength(4);
});

test("an hour is typed with or without its colon", () => {
  expect(["9:05", "09.05", "0905", "23h59", "24:00", "9:60", "9", ""].map(typedHour)).toEqual(["09:05", "09:05", "09:05", "23:59", null, null, null, null]);
  expect([isKept("09:05"), isHour("09:05"), isHour("9:05")]).toEqual([false, true, false]);
});
