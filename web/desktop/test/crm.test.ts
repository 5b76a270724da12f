import { describe, expect, test } from "vitest";

import { amount, amountOf, companyDocument, day, email, iban, personalDocument, phone } from "../src/crm/checks";
import { hashOf, place, placeOf } from "../src/crm/place";

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
