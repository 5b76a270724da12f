/** PURE. What stands out about a call, in words: said in the bar, and in full under the conversation's head. */
import type { AgentState } from "@contactcenter/shared/apply";
import type { CallCard } from "@contactcenter/shared/contract";
import type { IconName } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { duration } from "@contactcenter/shared/time";

import { others, type Party } from "./calls";
import { queueName } from "./desk";
import type { useT } from "./texts";

type Say = ReturnType<typeof useT>;

export interface CallWords {
  icon: IconName;
  text: string;
  /** Somebody has to do something, or wait. */
  warn: boolean;
}

/** As the lists call them; a customer without a name is told apart by the contact. */
export function named(state: AgentState, call: CallCard, one: Party | null, t: Say): string {
  const contact = one?.kind === "agent" ? undefined : state.interactions[call.interaction_id]?.customer.contact_id;
  return nameOr(one?.name ?? "", contact, t("visitor"));
}

/** Null: two who talk, and nothing more to say of it. */
export function callWords(call: CallCard, state: AgentState, t: Say, now: number): CallWords | null {
  const lost = call.parties.find((one) => one.state === "lost" && one.leg_id !== call.mine);
  if (lost && call.vanish_deadline) {
    const count = Math.max(0, Math.ceil((Date.parse(call.vanish_deadline) - now) / 1000));
    return { icon: "triangle", text: t("vanished", { name: named(state, call, lost, t), count }), warn: true };
  }
  if (call.consult) return { icon: "consult", text: consultLine(call, state, t), warn: false };
  if (call.state === "conference")
    return { icon: "people", text: t("together", { names: others(call).map((one) => named(state, call, one, t)).join(", ") }), warn: false };
  if (call.state === "held" && call.held_since)
    return { icon: "pause", text: `${t("heldCall")} ${duration(now - Date.parse(call.held_since))}`, warn: false };
  return null;
}

function consultLine(call: CallCard, state: AgentState, t: Say): string {
  const { consult } = call;
  const customer = named(state, call, call.parties.find((one) => one.kind === "customer") ?? null, t);
  if (!consult) return "";
  if (consult.by_agent_id !== state.me.agent_id) return t("consultedBy", { name: call.parties.find((one) => one.agent_id === consult.by_agent_id)?.name ?? "" });
  if (consult.state === "ringing") return t("consultRings", { name: consult.name });
  if (consult.state === "waiting") {
    const queue = consult.queue ? queueName(state, consult.queue) : "";
    return t(consult.talks_to === "customer" ? "consultWaitsTalking" : "consultWaits", { queue, name: customer });
  }
  return consult.talks_to === "colleague"
    ? t("consultWith", { name: consult.name, waits: customer })
    : t("consultWith", { name: customer, waits: consult.name });
}
