/** PURE. What the softphone shows of the calls in the agent's state. */
import type { AgentState } from "@contactcenter/shared/apply";
import type { CallCard, TeamMember } from "@contactcenter/shared/contract";

export type Party = CallCard["parties"][number];

export const isLive = (call: CallCard): boolean => call.state !== "ended" && call.mine !== null;

const myself = (call: CallCard): Party | undefined => call.parties.find((one) => one.leg_id === call.mine);

/** Whether it rings here: a colleague calls, or asks me in. */
export const rings = (call: CallCard): boolean => {
  const state = myself(call)?.state;
  return state === "ringing" || state === "inviting";
};

export const incomingCall = (state: AgentState): CallCard | null =>
  Object.values(state.calls).find((call) => isLive(call) && rings(call)) ?? null;

/** The call that I am on; of several the one that is talked on, then the oldest. */
export function currentCall(state: AgentState): CallCard | null {
  const mine = Object.values(state.calls).filter((call) => isLive(call) && !rings(call));
  const rank = (call: CallCard): number => (call.answered_at === null ? 2 : call.state === "held" ? 1 : 0);
  mine.sort((a, b) => rank(a) - rank(b) || a.started_at.localeCompare(b.started_at));
  return mine[0] ?? null;
}

/** Whether my voice belongs on the line: from the answer to the end, so that the leg is never missed. */
export const isTalked = (call: CallCard | null): boolean => {
  const state = call && isLive(call) ? myself(call)?.state : undefined;
  return state === "connected" || state === "held" || state === "lost";
};

export type PhoneAction =
  | "mute" | "hold" | "keypad" | "toggle" | "consult" | "conference" | "complete" | "cancel" | "transfer" | "record" | "record-stop";

/** What the bar offers in a call: only what the centre would do for me now. */
export function phoneActions(call: CallCard, me: string): PhoneAction[] {
  if (call.answered_at === null) return [];
  if (call.consult?.by_agent_id === me) return ["mute", "toggle", "keypad", "conference", "complete", "cancel"];
  const all: PhoneAction[] = ["mute"];
  const asked = call.consult !== null;
  if (call.direction === "internal" || asked) all.push("keypad");
  else if (call.state === "conference") all.push("hold", "keypad", "complete");
  else all.push("hold", "keypad", "consult", "transfer");
  if (call.record.may_control) all.push("record");
  if (call.record.may_control && call.record.state === "paused") all.push("record-stop");
  return all;
}

/** Whether the recording goes on, its notice and its pauses included. */
export const isRecorded = ({ record }: CallCard): boolean =>
  record.state === "notice" || record.state === "recording" || record.state === "paused";

/** Those at the other end, who is first in the call first; without me and those who left. */
export const others = (call: CallCard): Party[] => call.parties.filter((one) => one.leg_id !== call.mine && one.state !== "left");

/** Whom the call is called after: the customer, or the colleague of an internal call. */
export function partner(call: CallCard): Party | null {
  const all = call.parties.filter((one) => one.leg_id !== call.mine);
  return all.find((one) => one.kind === "customer") ?? all[0] ?? null;
}

/** Colleagues whose telephone can ring, those who are free first. */
export function reachable(state: AgentState): TeamMember[] {
  const free = (one: TeamMember): number => (one.state === "available" ? 0 : 1);
  return Object.values(state.team)
    .filter((one) => one.agent_id !== state.me.agent_id && one.present && one.channels.includes("voice"))
    .sort((a, b) => free(a) - free(b) || a.name.localeCompare(b.name));
}

const PLAIN = /\p{Diacritic}/gu;
const plain = (text: string): string => text.normalize("NFD").replace(PLAIN, "").toLowerCase();

/** The letters on a telephone's keys (ITU-T E.161). */
const KEYS: Record<string, string> = { 2: "abc", 3: "def", 4: "ghi", 5: "jkl", 6: "mno", 7: "pqrs", 8: "tuv", 9: "wxyz" };
const keyOf = (letter: string): string => Object.keys(KEYS).find((key) => KEYS[key]!.includes(letter)) ?? letter;
const keyed = (word: string): string => [...word].map(keyOf).join("");

/** Whether a name fits what was typed: its letters anywhere, or by the keypad, 582 for Lucía. */
export function fits(name: string, typed: string): boolean {
  const wanted = plain(typed).trim();
  if (wanted === "") return true;
  const found = plain(name);
  if (found.includes(wanted)) return true;
  return /^\d+$/.test(wanted) && found.split(/\s+/).some((word) => keyed(word).startsWith(wanted));
}
