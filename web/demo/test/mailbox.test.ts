import { expect, it } from "vitest";

import { partsOf } from "../src/mailbox";

it("finds the links of a letter and leaves the rest as it is", () => {
  expect(partsOf("Hola:\n\nhttp://127.0.0.1:8080/account/reset#a-b_c\n\nAdiós.\n")).toEqual([
    { text: "Hola:\n\n", link: false },
    { text: "http://127.0.0.1:8080/account/reset#a-b_c", link: true },
    { text: "\n\nAdiós.\n", link: false },
  ]);
  expect(partsOf("javascript:alert(1) <b>")).toEqual([{ text: "javascript:alert(1) <b>", link: false }]);
  expect(partsOf("")).toEqual([]);
});
