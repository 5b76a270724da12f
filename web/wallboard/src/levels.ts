/** When a number needs somebody: near its limit (a triangle), over it (an octagon). */
export type Level = "none" | "warn" | "bad";

/** Past the target, and past three times the target. */
export const waitLevel = (waitedMs: number, targetMs: number): Level =>
  waitedMs > 3 * targetMs ? "bad" : waitedMs > targetMs ? "warn" : "none";

/** Under the goal, and fifteen points under it. Shares are 0 to 1. */
export const serviceLevel = (share: number | null, goalPercent: number): Level =>
  share === null || share * 100 >= goalPercent ? "none" : share * 100 < goalPercent - 15 ? "bad" : "warn";

/** So many contacts must be behind a share before it says anything: one miss of two is no alarm. */
export const LEAST = 10;

/** The share of two operands, once there is enough behind it to colour a screen. */
export const settled = ([part, whole]: readonly [number, number]): number | null => (whole < LEAST ? null : part / whole);

/** Over the limit, and over twice the limit. */
export const abandonLevel = (share: number | null, limitPercent: number): Level =>
  share === null || share * 100 <= limitPercent ? "none" : share * 100 > 2 * limitPercent ? "bad" : "warn";

/** A call of more than nine minutes deserves a look. */
export const LONG_CALL_MS = 9 * 60_000;

export const worse = (a: Level, b: Level): Level => (a === "bad" || b === "bad" ? "bad" : a === "warn" || b === "warn" ? "warn" : "none");
