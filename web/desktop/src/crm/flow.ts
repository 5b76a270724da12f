/** A workflow as rows to draw: each step with where it goes, by the engine's own rules. */
export interface Step {
  type: string;
  name?: string | null;
  if?: string | null;
  config: Record<string, unknown>;
}

export interface Drawn {
  at: number;
  step: Step;
  name: string;
  /** Where a condition leads; null for any other step, which goes on. */
  ways: { then: Target; otherwise: Target } | null;
  /** Whether a jump from elsewhere leads here. */
  target: boolean;
}

/** A step's number, or the end of the run. */
export type Target = number | "end";

export const nameOf = (step: Step, at: number): string => step.name ?? `step${at + 1}`;

export function drawn(steps: readonly Step[]): Drawn[] {
  const names = steps.map(nameOf);
  const target = (at: number, way: unknown): Target => {
    if (way === "end") return "end";
    const found = way === undefined || way === "next" ? at + 1 : names.indexOf(String(way));
    return found < 0 || found >= steps.length ? "end" : found;
  };
  const rows = steps.map((step, at) => ({
    at,
    step,
    name: names[at] ?? "",
    ways: step.type === "condition_check" ? { then: target(at, step.config.then), otherwise: target(at, step.config.else) } : null,
    target: false,
  }));
  for (const { at, ways } of rows)
    for (const to of ways ? [ways.then, ways.otherwise] : []) {
      const row = to === "end" ? undefined : rows[to];
      if (row && to !== at + 1) row.target = true;
    }
  return rows;
}

/** Seconds as people say them: 2 d, 3 h, 10 min, 45 s. */
export function span(seconds: number): string {
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"]] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return seconds >= 3_600 ? `${Math.round(seconds / 360) / 10} h` : `${seconds} s`;
}
