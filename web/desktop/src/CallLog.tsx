/** What happened on a call, moment by moment. */
import type { CallDetail, CallEvent } from "@contactcenter/shared/contract";
import { duration, useTimes } from "@contactcenter/shared/time";

import { useAgent } from "./context";
import { queueName } from "./desk";
import { said, useT } from "./texts";

/** Of the browser's line, not of the call. */
const UNSAID = new Set(["call.leg_changed", "call.taken_over"]);

export function CallLog({ detail }: { detail: CallDetail }) {
  const t = useT();
  const times = useTimes();
  const lineOf = useLine(detail);
  const events = detail.events.filter((one) => !UNSAID.has(one.name));
  if (events.length === 0) return null;
  return (
    <details className="call-log">
      <summary className="t12">{t("callLog")}</summary>
      <ol>
        {events.map((one, at) => (
          <li key={at} className="t12">
            <time className="x3" dateTime={one.at} title={times.exact(one.at)}>
              {times.second(one.at)}
            </time>
            <span>{lineOf(one)}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

/** An event as a sentence. */
function useLine({ names, legs, end_reason }: CallDetail): (event: CallEvent) => string {
  const t = useT();
  const state = useAgent((all) => all);
  const somebody = t("cl_somebody");
  const agent = (id: unknown): string => names[String(id)] ?? somebody;
  const leg = (id: unknown): string => {
    const found = legs.find((one) => one.leg_id === id);
    return found?.kind === "customer" ? t("cl_customer") : (found?.name ?? somebody);
  };
  const queue = (key: unknown): string => queueName(state, String(key));
  const sentence = ({ name, data }: CallEvent): string => {
    const who = agent(data.agent_id);
    switch (name) {
      case "call.initiated":
        return data.direction === "internal" ? t("cl_dialled", { who }) : t("cl_called");
      case "call.muted":
        return t(data.on ? "cl_muted" : "cl_unmuted", { who });
      case "call.transferred":
        return data.to_queue ? t("cl_sentOn", { queue: queue(data.to_queue) }) : t("cl_handedOver", { who, to: agent(data.to_agent_id) });
      case "call.consult_started":
        return t("cl_consults", { who, with: data.with_agent_id ? agent(data.with_agent_id) : queue(data.queue) });
      case "call.consult_toggled":
        return t(data.talks_to === "customer" ? "cl_turnsToCustomer" : "cl_turnsToColleague", { who });
      case "call.consult_ended":
        return t("cl_consultEnded", { reason: said(t, "cl_why", String(data.reason)) });
      case "call.leg_joined":
      case "call.leg_lost":
      case "call.leg_back":
        return t(name === "call.leg_joined" ? "cl_joined" : name === "call.leg_lost" ? "cl_lost" : "cl_back", { who: leg(data.leg_id) });
      case "call.leg_left":
        return t("cl_left", { who: data.agent_id ? who : leg(data.leg_id) });
      case "call.recording_changed":
        return said(t, "cl_rec", String(data.state));
      case "call.recorded":
        return t("cl_stored", { time: duration(Number(data.seconds) * 1000) });
      case "call.ended":
        return [t("callEnded"), end_reason && said(t, "cl_why", end_reason)].filter(Boolean).join(": ");
      case "dtmf":
        return t("cl_keys", { who, count: Number(data.digits) });
      case "call.ringing":
      case "call.answered":
      case "call.held":
      case "call.resumed":
      case "call.conferenced":
      case "call.agent_dropped":
        return t(`cl_${name.slice(5)}` as "cl_held", { who });
      default:
        return name.replaceAll(/[._]/g, " ");
    }
  };
  return (event) => sentence(event).replace(/^\p{L}/u, (first) => first.toUpperCase());
}
