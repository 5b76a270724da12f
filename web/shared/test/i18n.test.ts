import { expect, test } from "vitest";

import { texts } from "../src/i18n";
import { locale } from "../src/prefs";
import { clockDuration, duration, roughly } from "../src/time";

test("words follow the language, plurals the number", () => {
  const { t } = texts(
    { hi: "Hola, {{name}}", n_one: "{{count}} mensaje", n_other: "{{count}} mensajes", the_other: "El otro" },
    { hi: "Hello, {{name}}", n_one: "{{count}} message", n_other: "{{count}} messages", the_other: "The other" },
  );
  locale.set("es");
  expect([t("hi", { name: "<Ana>" }), t("n", { count: 1 }), t("n", { count: 2 }), t("the_other")]).toEqual([
    "Hola, <Ana>",
    "1 mensaje",
    "2 mensajes",
    "El otro",
  ]);
  locale.set("en");
  expect(t("n", { count: 0 })).toBe("0 messages");
});

test("durations", () => {
  expect([0, 52_000, 761_000, 3_725_000].map(duration)).toEqual(["0:00", "0:52", "12:41", "1:02:05"]);
  expect(roughly(7_800_000)).toBe("2 h 10");
  expect(clockDuration(761_000)).toBe("00:12:41");
  expect(duration(-5)).toBe("0:00");
});
