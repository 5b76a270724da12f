import { expect, it } from "vitest";

import { isNews } from "../src/alarm";

it("sounds for what was not over its limit before", () => {
  const [none, one, two] = [new Set<string>(), new Set(["SA:wait"]), new Set(["SA:wait", "CO:service"])];
  expect(isNews(none, one)).toBe(true);
  expect(isNews(one, two)).toBe(true);
  expect(isNews(one, one)).toBe(false);
  expect(isNews(two, one)).toBe(false);
});
