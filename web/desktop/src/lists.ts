/** PURE. What the left column shows, in which order, and when a wait is too long. */
import type { AgentState } from "@contactcenter/shared/apply";
import type { InteractionCard, QueueItem, TeamMember } from "@contactcenter/shared/contract";

export type Channel = InteractionCard["channel"];

/** Seconds within which a channel should be answered: domain rule 1.3. */
const TARGET_S: Record<Channel, number> = { voice: 20, chat: 60, whatsapp: 900, sms: 900, email: 28_800 };

export type Wait = "fine" | "near" | "late";

/** Past its target a wait is near the limit, past twice the target it is over. */
export function waitLevel(channel: Channel, waitedMs: number): Wait {
  const share = waitedMs / 1000 / TARGET_S[channel];
  return share < 1 ? "fine" : share < 2 ? "near" : "late";
}

export const isSnoozed = (card: InteractionCard): boolean =>
  card.segment?.state === "parked" && card.segment.park_reason === "snoozed";

const since = (card: InteractionCard): string => card.segment?.started_at ?? card.created_at;

/** My open work, oldest first, so that a row keeps its place. */
export function mine(state: AgentState): InteractionCard[] {
  return Object.values(state.interactions)
    .filter((card) => !isSnoozed(card))
    .sort((a, b) => since(a).localeCompare(since(b)) || a.interaction_id.localeCompare(b.interaction_id));
}

/** What I snoozed, the next to come back first. */
export function snoozed(state: AgentState): InteractionCard[] {
  return Object.values(state.interactions)
    .filter(isSnoozed)
    .sort((a, b) => (a.segment?.parked_until ?? "~").localeCompare(b.segment?.parked_until ?? "~"));
}

/** The queue as the router would serve it, near enough: band, then virtual start. */
export function waiting(state: AgentState): QueueItem[] {
  return Object.values(state.queue).sort(
    (a, b) =>
      a.band - b.band ||
      a.virtual_start.localeCompare(b.virtual_start) ||
      a.interaction_id.localeCompare(b.interaction_id),
  );
}

const STATES: TeamMember["state"][] = ["available", "ringing", "on_contact", "wrap_up", "away", "offline"];

/** Colleagues: those who can help first, then by name. */
export function team(state: AgentState): TeamMember[] {
  return Object.values(state.team)
    .filter((one) => one.agent_id !== state.me.agent_id)
    .sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.name.localeCompare(b.name));
}

/** `fresh`, in the order of `shown` as far as it goes; new ones at the end. */
export function keepOrder<T>(shown: readonly string[], fresh: readonly T[], key: (one: T) => string): T[] {
  const place = new Map(shown.map((id, index) => [id, index]));
  return [...fresh]
    .map((one, index) => ({ one, at: place.get(key(one)) ?? shown.length + index }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** Whether this desk may take the item out of its queue: what rings elsewhere is taken, and a desk
 * in a browser is connected to web chat only. */
export function canTake(item: Pick<QueueItem, "state" | "channel">): boolean {
  return item.state === "queued" && item.channel === "chat";
}

/** Every outcome that work of this queue may end with; the first ten have a digit. */
export function outcomesOf(state: AgentState, queue: string | null): AgentState["dispositions"] {
  return state.dispositions.filter((one) => !one.retired && (one.queue === null || one.queue === queue));
}
