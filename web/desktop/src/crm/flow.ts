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

/** What a run has noted of a step. */
export interface Noted {
  step: number;
  status: string;
  result: Record<string, unknown> | null;
}

export interface Met<T extends Noted> {
  /** The last time that the run came by; undefined when it has not. */
  last: T | undefined;
  times: number;
  state: string;
  /** Which way a condition went that time. */
  went: "then" | "else" | null;
}

/** How a run fared at a step: as it was noted; "skipped" when it went another way, "unreached" when
 *  it ended before, "ahead" while it may still come. */
export function met<T extends Noted>(at: number, notes: readonly T[], status: string): Met<T> {
  const here = notes.filter((one) => one.step === at);
  const last = here.at(-1);
  const beyond = notes.some((one) => one.step > at);
  const missed = beyond || status === "completed" ? "skipped" : ["failed", "cancelled"].includes(status) ? "unreached" : "ahead";
  const went = last?.result?.went;
  return { last, times: here.length, state: last?.status ?? missed, went: went === "then" || went === "else" ? went : null };
}

/** Seconds as people say them: 2 d, 3 h, 10 min, 45 s. */
export function span(seconds: number): string {
  for (const [size, unit] of [[86_400, "d"], [3_600, "h"], [60, "min"]] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return seconds >= 3_600 ? `${Math.round(seconds / 360) / 10} h` : `${seconds} s`;
}

/** A step of each type, to begin with. */
export const TEMPLATES = {
  create_task: { type: "create_task", config: { title: "…", due_in_seconds: 86_400 } },
  send_email: { type: "send_email", config: { subject: "…", body: "Hola, {{customer.greeting_name}}:" } },
  wait_duration: { type: "wait_duration", config: { seconds: 86_400 } },
  condition_check: { type: "condition_check", config: { if: 'customer.segment == "vip"', then: "next", else: "end" } },
  update_record: { type: "update_record", config: { record: "customer", field: "add_tag", value: "…" } },
  call_webhook: { type: "call_webhook", config: { url: "https://" } },
} satisfies Record<string, Step>;

/** The steps that a text holds; null: it is not a list of objects in JSON. */
export function stepsOf(text: string): Step[] | null {
  try {
    const found: unknown = JSON.parse(text);
    const list = Array.isArray(found) && found.length > 0 && found.every((one) => typeof one === "object" && one !== null && !Array.isArray(one));
    return list ? (found as Step[]) : null;
  } catch {
    return null;
  }
}

/** The text with one more step at its end; as it was, when it cannot be read. */
export function withStep(text: string, step: Step): string {
  const steps = text.trim() === "" || text.trim() === "[]" ? [] : stepsOf(text);
  return steps ? JSON.stringify([...steps, step], null, 2) : text;
}

interface Refused {
  loc: (string | number)[];
  type: string;
  ctx?: Record<string, unknown>;
}

/** Which step was refused for what; `about` names what in it. */
export function stepFaults(errors: readonly Refused[] | undefined): { step: number; reason: string; about: string }[] {
  return (errors ?? []).map(({ loc, type, ctx }) => {
    const [step = 0, ...path] = loc.slice(loc.indexOf("steps") + 1);
    return type === "bad_step"
      ? { step: Number(step), reason: String(ctx?.reason ?? ""), about: String(ctx?.about ?? "") }
      : { step: Number(step), reason: "form", about: path.join(".") };
  });
}
