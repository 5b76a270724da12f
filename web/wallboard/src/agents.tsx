/** Agents as tiles: state by shape, word and colour, the time in it, what they have. */
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";

import { useBoard, useShown } from "./context";
import { LONG_CALL_MS } from "./levels";
import { agentsOf, SHOWN_STATES, shortName, stateCounts, type WallboardAgent } from "./model";
import { type Key, type T, useT } from "./texts";
import { LevelMark } from "./top";

const REASONS = new Set(["break", "lunch", "training", "meeting", "admin", "missed", "supervisor"]);

export const reasonWord = (t: T, reason: string | null): string =>
  reason === null ? "" : REASONS.has(reason) ? t(`reason_${reason}` as Key as Parameters<T>[0]) : reason;

/** A call on hold or in a consult is said so: the customer hears music then. */
export function itemWord(t: T, { channel, state }: WallboardAgent["items"][number]): string {
  if (channel === "voice" && state === "held") return t("call_held");
  if (channel === "voice" && (state as string) === "consulting") return t("call_consulting");
  return t(`one_${channel}`);
}

const STAGES = new Set(["parked", "wrapping", "ringing"]);

/** Where a piece of work stands when nobody talks in it; else nothing. */
export const stageWord = (t: T, { state }: WallboardAgent["items"][number]): string =>
  STAGES.has(state) ? t(`item_${state}` as Key as Parameters<T>[0]) : "";

/** How many items an agent has set aside: for the customer's answer, until a time, or for a call. */
const parkedCount = (agent: WallboardAgent): number => agent.items.filter((item) => item.state === "parked").length;

export function parkedWord(t: T, agent: WallboardAgent): string {
  const count = parkedCount(agent);
  return count === 0 ? "" : t("parked", { count });
}

/** Work that is set aside has no part in the agent's state, so it is said beside it. */
function ParkedMark({ agent }: { agent: WallboardAgent }) {
  const t = useT();
  const count = parkedCount(agent);
  const word = parkedWord(t, agent);
  if (count === 0) return null;
  return (
    <span className="parked" title={word}>
      <Icon name="pause" size={12} />
      <span aria-hidden="true">{count}</span>
      <span className="sr">{word}</span>
    </span>
  );
}

/** What an agent does, in few words: Call · SA, 3 chats · CO, Away · break. */
export function doing(t: T, agent: WallboardAgent, withQueue = true): string {
  const wanted = { on_contact: ["active", "held", "consulting"], wrap_up: ["wrapping"], ringing: ["ringing"] } as const;
  const at = agent.state === "on_contact" || agent.state === "wrap_up" || agent.state === "ringing" ? wanted[agent.state] : [];
  const items = agent.items.filter((item) => (at as readonly string[]).includes(item.state));
  const queues = [...new Set(items.map((item) => item.queue))];
  const tail = withQueue && queues.length > 0 ? ` · ${queues.join(", ")}` : "";
  if (agent.state === "on_contact") {
    const channels = new Set(items.map((item) => item.channel));
    const one = items[0]?.channel;
    if (items.length === 1 && items[0]) return itemWord(t, items[0]) + tail;
    if (channels.size === 1 && one === "chat") return t("chats", { count: items.length }) + tail;
    return t("items", { count: items.length }) + tail;
  }
  const word = t(`state_${agent.state === "available" && agent.status === "on_demand" ? "on_demand" : agent.state}`);
  if (agent.state === "away" && agent.reason) return `${word} · ${reasonWord(t, agent.reason)}`;
  return word + tail;
}

/** Whether a call has taken long enough to deserve a look. */
export function isLong(agent: WallboardAgent, now: number): boolean {
  return agent.items.some(
    (item) => item.channel === "voice" && item.state !== "wrapping" && item.state !== "ringing" && now - Date.parse(item.since) > LONG_CALL_MS,
  );
}

export const timeInState = (agent: WallboardAgent, now: number): string =>
  agent.state_since === null ? "–" : duration(now - Date.parse(agent.state_since));

export function Agents() {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const now = useNow(1000);
  const choice = useStore(board.choice);
  const agents = agentsOf(state, view);
  const found = stateCounts(agents);
  return (
    <section className="card agents" aria-labelledby="agents-title">
      <header>
        <h2 id="agents-title">{t("agents")}</h2>
        <span className="x3 t12">{t("agentsNote")}</span>
        <ul className="counts">
          {SHOWN_STATES.map((one) => (
            <li key={one}>
              <StateShape state={one} />
              {t(`count_${one}` as Parameters<T>[0], { count: found[one] })}
            </li>
          ))}
        </ul>
      </header>
      {agents.length === 0 ? (
        <p className="hollow">{t("noAgents")}</p>
      ) : (
        <ul className="tiles">
          {agents.map((agent) => {
            const long = isLong(agent, now);
            const on = choice?.kind === "agent" && choice.agentId === agent.agent_id;
            return (
              <li key={agent.agent_id}>
                <button
                  type="button"
                  className={cls("ag", (long || agent.help !== null) && "warn", on && "on", agent.state === "offline" && "off")}
                  aria-pressed={on}
                  data-agent={agent.name}
                  data-state={agent.state}
                  onClick={() => board.choice.set(on ? null : { kind: "agent", agentId: agent.agent_id })}
                >
                  <StateShape state={agent.state} />
                  <b className="cut" title={agent.name}>
                    {shortName(state, agent)}
                  </b>
                  <b className={cls("at", long && "c-warn")}>{timeInState(agent, now)}</b>
                  <span className="what cut">
                    {agent.help !== null ? (
                      <>
                        <LevelMark level="warn" /> <b className="c-warn">{t("help")}</b>
                        {` ${duration(now - Date.parse(agent.help.since))}`}
                      </>
                    ) : long ? (
                      <>
                        <LevelMark level="warn" /> <b className="c-warn">{t("long")}</b>
                        {` · ${agent.items.find((item) => item.channel === "voice")?.queue ?? ""}`}
                      </>
                    ) : (
                      doing(t, agent)
                    )}
                  </span>
                  <ParkedMark agent={agent} />
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
