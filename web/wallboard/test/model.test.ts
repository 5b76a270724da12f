import { describe, expect, it } from "vitest";

import { abandonLevel, serviceLevel, settled, waitLevel } from "../src/levels";
import {
  add,
  type Figures,
  deferred,
  halves,
  isDip,
  labelAt,
  merge,
  offWithin,
  quotient,
  stateCounts,
  today,
  type View,
  waiting,
  type WallboardState,
  worst,
} from "../src/model";
import { offWords } from "../src/top";

const figures = (offered: number, centre: [number, number]): Figures => ({
  waiting: 0,
  offered,
  answered: offered,
  abandoned: 0,
  short: 0,
  moved_in: 0,
  moved: 0,
  service_level: { centre, connect: centre, asterisk: centre, asterisk_sl2: centre },
  abandonment: [0, offered],
  asa: [0, offered],
  abandon_time: [0, 0],
  aht: [0, 0],
  wrap_lapsed: [0, 0],
  non_response: [0, 0],
  estimate_error: [0, 0],
  statutory: [0, 0],
  estimate_offs: [],
});

const NINE = Date.parse("2026-11-23T08:00:00.000Z");
const at = (seconds: number) => new Date(NINE + seconds * 1000).toISOString();
const item = (id: string, queue: string, channel: "voice" | "chat" | "email", seconds: number) => ({
  interaction_id: id,
  queue,
  channel,
  contact_id: null,
  customer_name: id,
  entered_at: at(seconds),
  state: "queued" as const,
  offered_to: null,
});
const queue = (key: string) => ({
  key,
  name_es: key,
  name_en: key,
  skill: key,
  target_ms: { voice: 20_000, chat: 60_000, email: 28_800_000 },
  short_ms: 5_000,
  goal_percent: 80,
  abandon_percent: 8,
  unreadable: false,
});

const state: WallboardState = {
  centre: {
    name: "Centro",
    timezone: "Europe/Madrid",
    day_start: "2026-11-22T23:00:00.000Z",
    expected: [
      { start: at(0), queue: "SA", channel: "voice", contacts: 4.8 },
      { start: at(1800), queue: "SA", channel: "voice", contacts: 7.2 },
      { start: at(0), queue: "CO", channel: "chat", contacts: 4 },
    ],
  },
  queues: { SA: queue("SA"), CO: queue("CO") },
  today: {
    "SA|voice": figures(10, [8, 10]),
    "CO|voice": figures(5, [5, 5]),
    "CO|chat": figures(2, [1, 2]),
    "CO|email": figures(30, [30, 30]),
  },
  halves: { [`${at(0)}|SA|voice`]: figures(10, [8, 10]), [`${at(0)}|CO|chat`]: figures(2, [1, 2]) },
  waiting: {
    a: item("a", "SA", "voice", 50),
    b: item("b", "CO", "chat", 20),
    c: item("c", "CO", "email", -3600),
  },
  sparks: {},
  agents: {},
  time: {},
  trouble: {},
};
const view = (change: Partial<View> = {}): View => ({ queue: null, medium: "live", formula: "centre", ...change });

describe("merge", () => {
  it("changes entries, removes null ones, and leaves the rest the same object", () => {
    const after = merge(state, { waiting: { a: null, d: item("d", "SA", "voice", 60) } });
    expect(Object.keys(after.waiting)).toEqual(["b", "c", "d"]);
    expect(after.today).toBe(state.today);
    expect(Object.keys(state.waiting)).toEqual(["a", "b", "c"]);
  });
  it("makes a section that was not there", () => {
    expect(merge(state, { trouble: { hail: true } }).trouble).toEqual({ hail: true });
  });
});

describe("figures", () => {
  it("add up queues and channels before they are divided", () => {
    const live = today(state, view());
    expect(live.offered).toBe(17);
    expect(quotient(live.service_level.centre)).toBeCloseTo(14 / 17);
    expect(today(state, view({ medium: "voice" })).offered).toBe(15);
    expect(today(state, view({ medium: "written" })).offered).toBe(32);
    expect(today(state, view({ medium: "all", queue: "CO" })).offered).toBe(37);
  });
  it("are nothing without a denominator", () => {
    expect(quotient([0, 0])).toBeNull();
  });
});

describe("waiting", () => {
  it("lists the longest first, of the channels in view", () => {
    expect(waiting(state, view()).map((one) => one.interaction_id)).toEqual(["b", "a"]);
    expect(waiting(state, view({ medium: "all" })).map((one) => one.interaction_id)).toEqual(["c", "b", "a"]);
  });
  it("finds the wait that is worst for its target", () => {
    const now = NINE + 80_000;
    expect(worst(state, waiting(state, view({ medium: "all" })), now)?.interaction_id).toBe("a");
  });
  it("counts deferred work apart, with what is overdue", () => {
    expect(deferred(state, view(), NINE)).toEqual({ pending: 1, overdue: 0 });
    expect(deferred(state, view(), NINE + 8 * 3_600_000)).toEqual({ pending: 1, overdue: 1 });
  });
});

describe("halves", () => {
  it("hold what was expected beside what came", () => {
    const rows = halves(state, view(), NINE + 60_000);
    expect(rows.map((row) => [row.start - NINE, row.offered, row.expected, row.begun])).toEqual([
      [0, 12, 8.8, true],
      [1_800_000, 0, 7.2, false],
    ]);
    expect(rows[0]?.level).toEqual([9, 12]);
  });
  it("fill a gap in the day", () => {
    const late = { ...state, halves: { ...state.halves, [`${at(7200)}|SA|voice`]: figures(1, [1, 1]) } };
    expect(halves(late, view(), NINE).length).toBe(5);
  });
});

describe("estimates", () => {
  const off = (...counts: number[]): Figures => ({ ...figures(1, [1, 1]), estimate_offs: counts });
  it("of several queues add up before the median is read", () => {
    const sum = add(off(1, 0, 0, 1), off(0, 0, 0, 3, 0, 5));
    expect(sum.estimate_offs).toEqual([1, 0, 0, 4, 0, 5]);
    expect([offWithin(sum.estimate_offs, 0.5), offWithin(sum.estimate_offs, 0.9)]).toEqual([45, 90]);
    expect(offWords(sum)).toEqual(["<0:45", "<1:30"]);
  });
  it("are told as more than the last bound, and not at all without any", () => {
    expect(offWords(off(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2))).toEqual([">15:00", ">15:00"]);
    expect(offWords(off())).toBeNull();
  });
});

describe("levels", () => {
  it("turn at the target and at three times the target", () => {
    expect([20_000, 20_001, 60_000, 60_001].map((ms) => waitLevel(ms, 20_000))).toEqual(["none", "warn", "warn", "bad"]);
  });
  it("turn under the goal, and over the limit", () => {
    expect([0.8, 0.79, 0.64].map((share) => serviceLevel(share, 80))).toEqual(["none", "warn", "bad"]);
    expect([0.08, 0.09, 0.17].map((share) => abandonLevel(share, 8))).toEqual(["none", "warn", "bad"]);
    expect(serviceLevel(null, 80)).toBe("none");
    expect([settled([0, 9]), settled([0, 10]), settled([9, 12])]).toEqual([null, 0, 0.75]);
  });
});

describe("agents", () => {
  it("are counted by state, those signed off left out", () => {
    const agent = (state: "available" | "offline" | "on_contact") => ({
      agent_id: state,
      name: state,
      skills: {},
      status: "available",
      reason: null,
      after_this: null,
      present: true,
      state,
      state_since: null,
      load: 0,
      budget: 100,
      items: [],
      help: null,
    });
    expect(stateCounts([agent("available"), agent("offline"), agent("on_contact")])).toEqual({
      available: 1,
      ringing: 0,
      on_contact: 1,
      wrap_up: 0,
      away: 0,
    });
  });
});

it("a point's number is under it in a dip, and over it where the hours would begin", () => {
  expect([0, 1, 2, 3].map((index) => isDip([1, 0.5, 0.7, null], index))).toEqual([false, true, false, false]);
  expect(labelAt(40, 100, false)).toBe(32);
  expect(labelAt(40, 100, true)).toBe(58);
  expect(labelAt(100, 100, true)).toBe(92);
  expect(labelAt(84, 100, true)).toBe(76);
});
