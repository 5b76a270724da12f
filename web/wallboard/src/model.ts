/**
 * The wallboard's state, how a delta changes it, and how figures are added up.
 *
 * Figures come as whole numbers per queue, channel and half hour; a ratio is
 * [numerator, denominator]. A view (some queues, some channels) adds both and
 * divides once, so no formula is written a second time here.
 */
import type {
  Figures,
  WaitingItem,
  WallboardAgent,
  WallboardQueue,
  WallboardState,
} from "@contactcenter/shared/contract";
import type { Channel, IconName } from "@contactcenter/shared/icons";

export type { Figures, WaitingItem, WallboardAgent, WallboardQueue, WallboardState };
export type Ratio = [number, number];
export type Formula = "centre" | "connect" | "asterisk" | "asterisk_sl2";
export const FORMULAS: readonly Formula[] = ["centre", "connect", "asterisk", "asterisk_sl2"];

/** Which channels a view counts. Live: somebody waits at the other end. */
export type Medium = "live" | "voice" | "written" | "all";
export const MEDIA: readonly Medium[] = ["live", "voice", "written", "all"];
/** A channel, or the messages left in the chat while nobody could come. */
export type Line = WaitingItem["channel"];
const CHANNELS: Record<Medium, readonly Line[]> = {
  live: ["voice", "chat"],
  voice: ["voice"],
  written: ["chat", "message", "whatsapp", "sms", "email"],
  all: ["voice", "chat", "message", "whatsapp", "sms", "email"],
};
const DEFERRED: readonly Line[] = ["message", "whatsapp", "sms", "email"];
const DEFAULT_TARGET_MS: Record<Channel, number> = {
  voice: 20_000,
  chat: 60_000,
  whatsapp: 900_000,
  sms: 900_000,
  email: 28_800_000,
};

export interface View {
  /** Null: all queues. */
  queue: string | null;
  medium: Medium;
  formula: Formula;
}

export const channelsOf = (medium: Medium): readonly Line[] => CHANNELS[medium];
export const counts = (medium: Medium, channel: string): boolean => CHANNELS[medium].includes(channel as Line);
export const iconOf = (line: Line): IconName => (line === "message" ? "note" : line);

export type Changes = { [section: string]: Record<string, unknown> };

/** The state after a delta; sections and entries that did not change stay the same objects. */
export function merge(state: WallboardState, changes: Changes): WallboardState {
  const next = { ...state } as unknown as Record<string, Record<string, unknown>>;
  for (const [section, entries] of Object.entries(changes)) {
    const rows = { ...next[section] };
    for (const [key, value] of Object.entries(entries)) {
      if (value === null) delete rows[key];
      else rows[key] = value;
    }
    next[section] = rows;
  }
  return next as unknown as WallboardState;
}

export const plus = (a: Ratio, b: Ratio): Ratio => [a[0] + b[0], a[1] + b[1]];

/** n ÷ d, or null when there is nothing to divide by. */
export const quotient = ([n, d]: Ratio): number | null => (d === 0 ? null : n / d);

const NOTHING: Figures = {
  waiting: 0,
  offered: 0,
  answered: 0,
  abandoned: 0,
  short: 0,
  moved_in: 0,
  moved: 0,
  service_level: { centre: [0, 0], connect: [0, 0], asterisk: [0, 0], asterisk_sl2: [0, 0] },
  abandonment: [0, 0],
  asa: [0, 0],
  abandon_time: [0, 0],
  aht: [0, 0],
  wrap_lapsed: [0, 0],
  non_response: [0, 0],
  estimate_error: [0, 0],
  estimate_offs: [],
  statutory: [0, 0],
};

export function add(a: Figures, b: Figures): Figures {
  return {
    waiting: a.waiting + b.waiting,
    offered: a.offered + b.offered,
    answered: a.answered + b.answered,
    abandoned: a.abandoned + b.abandoned,
    short: a.short + b.short,
    moved_in: a.moved_in + b.moved_in,
    moved: a.moved + b.moved,
    service_level: {
      centre: plus(a.service_level.centre, b.service_level.centre),
      connect: plus(a.service_level.connect, b.service_level.connect),
      asterisk: plus(a.service_level.asterisk, b.service_level.asterisk),
      asterisk_sl2: plus(a.service_level.asterisk_sl2, b.service_level.asterisk_sl2),
    },
    abandonment: plus(a.abandonment, b.abandonment),
    asa: plus(a.asa, b.asa),
    abandon_time: plus(a.abandon_time, b.abandon_time),
    aht: plus(a.aht, b.aht),
    wrap_lapsed: plus(a.wrap_lapsed, b.wrap_lapsed),
    non_response: plus(a.non_response, b.non_response),
    estimate_error: plus(a.estimate_error, b.estimate_error),
    estimate_offs: b.estimate_offs.map((count, place) => count + (a.estimate_offs[place] ?? 0)),
    statutory: plus(a.statutory, b.statutory),
  };
}

/** Estimates of the wait by how far they were off, in seconds: less than each; the last group is the rest. */
const OFF_BOUNDS = [10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900];
export const LAST_OFF = 900;

/** What a share of the estimates stay under, in seconds, to the bound of their group; null without any; Infinity past the last. */
export function offWithin(counts: number[], share: number): number | null {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let sum = 0;
  const place = counts.findIndex((count) => (sum += count) >= share * all);
  return OFF_BOUNDS[place] ?? Infinity;
}

/** Today's figures of a view; with `queue`, of that queue only. */
export function today(state: WallboardState, view: View, queue: string | null = view.queue): Figures {
  let sum = NOTHING;
  for (const [key, figures] of Object.entries(state.today)) {
    const [inQueue, channel] = key.split("|") as [string, string];
    if ((queue === null || inQueue === queue) && counts(view.medium, channel)) sum = add(sum, figures);
  }
  return sum;
}

/** Queues of a view, in the centre's order. */
export function queuesOf(state: WallboardState, view: View): WallboardQueue[] {
  const all = Object.values(state.queues);
  return view.queue === null ? all : all.filter((queue) => queue.key === view.queue);
}

/** Who waits in a view, the longest first. */
export function waiting(state: WallboardState, view: View, queue: string | null = view.queue): WaitingItem[] {
  return Object.values(state.waiting)
    .filter((item) => (queue === null || item.queue === queue) && counts(view.medium, item.channel))
    .sort((a, b) => a.entered_at.localeCompare(b.entered_at) || a.interaction_id.localeCompare(b.interaction_id));
}

export function targetOf(state: WallboardState, queue: string, line: Line): number {
  const channel = line === "message" ? "email" : line;
  return state.queues[queue]?.target_ms[channel] ?? DEFAULT_TARGET_MS[channel];
}

/** How many targets long an item has waited: what makes waits of several channels comparable. */
export function urgency(state: WallboardState, item: WaitingItem, now: number): number {
  return (now - Date.parse(item.entered_at)) / targetOf(state, item.queue, item.channel);
}

/** The wait that is worst for its target: a minute on the phone comes before an hour of mail. */
export function worst(state: WallboardState, items: readonly WaitingItem[], now: number): WaitingItem | null {
  let found: WaitingItem | null = null;
  let most = -1;
  for (const item of items) {
    const targets = urgency(state, item, now);
    if (targets > most) [found, most] = [item, targets];
  }
  return found;
}

/** What waits in writing with nobody on the line, the longest first. */
export function writtenWork(state: WallboardState, queue: string | null): WaitingItem[] {
  return Object.values(state.waiting)
    .filter((item) => (queue === null || item.queue === queue) && DEFERRED.includes(item.channel))
    .sort((a, b) => a.entered_at.localeCompare(b.entered_at));
}

/** Written work that nobody holds the line for: how much waits, and how much of it too long. */
export function deferred(state: WallboardState, view: View, now: number): { pending: number; overdue: number } {
  const items = writtenWork(state, view.queue);
  return { pending: items.length, overdue: items.filter((item) => urgency(state, item, now) > 1).length };
}

/** Values of several sparklines, slot by slot. */
export function spark(state: WallboardState, view: View, queue: string | null = view.queue): number[] {
  const sum = new Array<number>(20).fill(0);
  for (const [key, values] of Object.entries(state.sparks)) {
    const [inQueue, channel] = key.split("|") as [string, string];
    if ((queue === null || inQueue === queue) && counts(view.medium, channel))
      values.forEach((value, slot) => (sum[slot] = (sum[slot] ?? 0) + value));
  }
  return sum;
}

const HALF_HOUR = 1_800_000;
const MOST_HALVES = 24;

export interface Half {
  start: number;
  offered: number;
  expected: number | null;
  level: Ratio;
  /** It has begun, so its numbers are real. */
  begun: boolean;
  /** It is the present one. */
  running: boolean;
}

/** The day by half hours: from the first with anything to the last expected, around now. */
export function halves(state: WallboardState, view: View, now: number): Half[] {
  const rows = new Map<number, Half>();
  const at = (start: number): Half => {
    let row = rows.get(start);
    if (!row) {
      row = { start, offered: 0, expected: null, level: [0, 0], begun: start <= now, running: start <= now && now < start + HALF_HOUR };
      rows.set(start, row);
    }
    return row;
  };
  for (const one of state.centre.expected) {
    if ((view.queue === null || one.queue === view.queue) && counts(view.medium, one.channel)) {
      const row = at(Date.parse(one.start));
      row.expected = (row.expected ?? 0) + one.contacts;
    }
  }
  for (const [key, figures] of Object.entries(state.halves)) {
    const [start, queue, channel] = key.split("|") as [string, string, string];
    if ((view.queue === null || queue === view.queue) && counts(view.medium, channel)) {
      const row = at(Date.parse(start));
      row.offered += figures.offered;
      row.level = plus(row.level, figures.service_level[view.formula]);
    }
  }
  if (rows.size === 0) return [];
  const starts = [...rows.keys()];
  const last = Math.max(...starts);
  let first = Math.min(...starts);
  if ((last - first) / HALF_HOUR >= MOST_HALVES) first = Math.max(first, Math.min(now - now % HALF_HOUR - 19 * HALF_HOUR, last - (MOST_HALVES - 1) * HALF_HOUR));
  const day: Half[] = [];
  for (let start = first; start <= last && day.length < MOST_HALVES; start += HALF_HOUR) day.push(at(start));
  return day;
}

export const SHOWN_STATES = ["available", "ringing", "on_contact", "wrap_up", "away"] as const;
export type ShownState = (typeof SHOWN_STATES)[number];

const ORDER: Record<string, number> = { on_contact: 0, ringing: 1, wrap_up: 2, available: 3, away: 4, offline: 5 };

export const isMember = (agent: WallboardAgent, queue: WallboardQueue): boolean => (agent.skills[queue.skill] ?? 0) >= 1;

/** What a tile calls an agent: the first name where nobody else has it. */
export function shortName(state: WallboardState, agent: WallboardAgent): string {
  const first = agent.name.split(" ")[0] ?? agent.name;
  const same = Object.values(state.agents).filter((one) => one.name.split(" ")[0] === first);
  return same.length > 1 ? agent.name : first;
}

/** Agents of a view: members of its queue, always in the same order. */
export function agentsOf(state: WallboardState, view: View): WallboardAgent[] {
  const queue = view.queue === null ? null : state.queues[view.queue];
  return Object.values(state.agents).filter((agent) => !queue || isMember(agent, queue));
}

/** For a row of tiles that may be cut short: by what they do. */
export function byState(agents: readonly WallboardAgent[]): WallboardAgent[] {
  return [...agents].sort((a, b) => (ORDER[a.state] ?? 9) - (ORDER[b.state] ?? 9));
}

export function stateCounts(agents: readonly WallboardAgent[]): Record<ShownState, number> {
  const found: Record<ShownState, number> = { available: 0, ringing: 0, on_contact: 0, wrap_up: 0, away: 0 };
  for (const agent of agents) if (agent.state !== "offline") found[agent.state] += 1;
  return found;
}

/** How the agents' day went: both operands of occupancy and utilisation. */
export function worked(state: WallboardState, agents: readonly WallboardAgent[]): { occupancy: Ratio; utilisation: Ratio } {
  let occupancy: Ratio = [0, 0];
  let utilisation: Ratio = [0, 0];
  for (const agent of agents) {
    const time = state.time[agent.agent_id];
    if (!time) continue;
    occupancy = plus(occupancy, time.occupancy);
    utilisation = plus(utilisation, time.utilisation);
  }
  return { occupancy, utilisation };
}

/** Whether the line comes down to this point and goes up from it: its number has room under it. */
export const isDip = (shares: readonly (number | null)[], index: number): boolean => {
  const here = shares[index];
  if (here === null || here === undefined) return false;
  const beside = [shares[index - 1], shares[index + 1]].filter((share) => share !== null && share !== undefined);
  return beside.length > 0 && beside.every((share) => share > here);
};

/** Where a point's number stands, under it when it is a dip; never among the hours below `base`. */
export const labelAt = (y: number, base: number, dip: boolean): number => (dip && y + 18 <= base - 2 ? y + 18 : y - 8);
