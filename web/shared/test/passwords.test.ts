import { expect, it } from "vitest";

import { looksLikeAddress, passwordLacks } from "../src/passwords";

it.each([
  ["Abcdef1!", []],
  ["", ["length", "lower", "upper", "digit", "symbol"]],
  ["abcdefgh", ["upper", "digit", "symbol"]],
  ["ABCDEF1!", ["lower"]],
  ["Ñandú 12 ", ["symbol"]],
  ["Ñandú_12", []],
  [`Aa1!${"x".repeat(69)}`, ["too_long"]],
  [`Aa1!${"ñ".repeat(34)}`, []],
  [`Aa1!${"ñ".repeat(35)}`, ["too_long"]],
])("%s lacks %j", (password, lacks) => {
  expect(passwordLacks(password)).toEqual(lacks);
});

it.each([
  ["ana@example.com", true],
  [" ana@example.com ", true],
  ["ana@example", false],
  ["ana example@example.com", false],
  ["", false],
])("%s is an address: %s", (text, is) => {
  expect(looksLikeAddress(text)).toBe(is);
});
