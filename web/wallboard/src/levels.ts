/** When a number needs somebody: near its limit (a triangle), over it (an octagon). */
export type Level = "none" | "warn" | "bad";

/** Past the target, and past three times the target. */
export const waitLevel = (waitedMs: number, targetMs: number): Level =>
  waitedMs > 3 * targetMs ? "bad" : waitedMs > targetMs ? "warn" : "none";

/** Under the goal, and fifteen points under it. Shares are 0 to 1. */
export const serviceLevel = (share: number | null, goalPercent: number): Level =>
  share === null || share * 100 >= goalPercent ? "none" : share * 100 < goalPercent - 15 ? "bad" : "warn";

/** Over the limit, and over twice the limit. */
export const abandonLevel = (share: number | null, limitPercent: number): Level =>
  share === null || share * 100 <= limitPercent ? "none" : share * 100 > 2 * limitPercent ? "bad" : "warn";

/** A call of more than nine minutes deserves a look. */
export const LONG_CALL_MS = 9 * 60_000;

export const worse = (a: Level, b: Level): Level => (a === "bad" || b === "bad" ? "bad" : a === "warn" || b === "warn" ? "warn" : "none");
