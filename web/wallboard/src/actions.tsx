/** What a supervisor does from the chair: an agent's status and skills, moving what waits. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { AgentProfile, ExplainedItem } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { duration, useNow } from "@contactcenter/shared/time";
import { Button, ErrorLine } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useState } from "react";

import { doing, itemWord, reasonWord, stageWord, timeInState } from "./agents";
import { nameOf, useLocale, useShown } from "./context";
import { DrillHead } from "./drill";
import { iconOf, isMember, type WallboardAgent } from "./model";
import { type Key, type T, useT } from "./texts";

export function failureOf(error: unknown): Key {
  if (!(error instanceof ApiError)) return "err_unavailable";
  if (error.status === 409 || error.status === 412 || error.status === 428) return "err_conflict";
  if (error.status === 404) return "err_not_found";
  if (error.status === 403) return "err_forbidden";
  return error.status === 400 || error.status === 422 ? "err_invalid" : "err_unavailable";
}

/** Sends a waiting contact to another queue, or straight to somebody. */
export function MoveForm({ item, onDone, onCancel }: { item: ExplainedItem; onDone: () => void; onCancel: () => void }) {
  const t = useT();
  const { state } = useShown();
  const loc = useLocale();
  const [to, setTo] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Key | null>(null);
  const queue = state.queues[item.queue];
  const agents = Object.values(state.agents).filter((agent) => agent.state !== "offline");
  const skilled = agents.filter((agent) => queue && isMember(agent, queue));
  const others = agents.filter((agent) => !skilled.includes(agent));

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const [kind, id] = to.split(":");
    if (!kind || !id || busy) return;
    setBusy(true);
    setFailed(null);
    try {
      if (kind === "queue") await api.post(`/interactions/${item.interaction_id}/transfer`, { queue: id });
      else await api.post("/queue/assign", { interaction_id: item.interaction_id, agent_id: id });
      onDone();
    } catch (error) {
      setFailed(failureOf(error));
      setBusy(false);
    }
  };
  const option = (agent: WallboardAgent) => (
    <option key={agent.agent_id} value={`agent:${agent.agent_id}`}>
      {`${agent.name} · ${t(`state_${agent.state}`)}`}
    </option>
  );
  return (
    <form className="move" onSubmit={(event) => void submit(event)} aria-label={t("moveTitle", { name: nameOr(item.customer_name, item.contact_id, t("unknownCaller")) })}>
      <label>
        <span className="t13 b">{t("moveTitle", { name: nameOr(item.customer_name, item.contact_id, t("unknownCaller")) })}</span>
        <select className="input" value={to} autoFocus onChange={(event) => setTo(event.target.value)} name="to">
          <option value="">{t("chooseQueue")}</option>
          <optgroup label={t("moveToQueue")}>
            {Object.values(state.queues)
              .filter((one) => one.key !== item.queue)
              .map((one) => (
                <option key={one.key} value={`queue:${one.key}`}>
                  {nameOf(one, one.key, loc)}
                </option>
              ))}
          </optgroup>
          {skilled.length > 0 && <optgroup label={`${t("moveToAgent")} · ${nameOf(queue, item.queue, loc)}`}>{skilled.map(option)}</optgroup>}
          {others.length > 0 && <optgroup label={t("moveToAgent")}>{others.map(option)}</optgroup>}
        </select>
      </label>
      <ErrorLine error={failed ? t(failed as Parameters<T>[0]) : undefined} />
      <div className="row">
        <Button className="grow" onClick={onCancel}>
          {t("cancel")}
        </Button>
        <Button className="grow" kind="primary" type="submit" disabled={!to || busy}>
          {t("moveDo")}
        </Button>
      </div>
    </form>
  );
}

export function AgentDrill({ agentId, onClose }: { agentId: string; onClose: () => void }) {
  const t = useT();
  const { state } = useShown();
  const now = useNow(1000);
  const agent = state.agents[agentId];
  if (!agent) return <DrillHead title={t("err_not_found")} sub="" onClose={onClose} />;
  return (
    <>
      <DrillHead title={agent.name} sub={`${doing(t, agent)} · ${timeInState(agent, now)}`} onClose={onClose} />
      <div className="drill-body">
        <section className="block">
          <h3 className="t13 b">{t("openWork")}</h3>
          <p className="t12 x3">{t("load", { load: agent.load, budget: agent.budget })}</p>
          <ul>
            {agent.items.map((item) => (
              <li key={item.interaction_id + item.state} className="row t13 open-item">
                <Icon name={iconOf(item.channel)} className="x2" />
                <span className="cut">{[itemWord(t, item), item.queue, stageWord(t, item)].filter(Boolean).join(" · ")}</span>
                <span className="end x2">{duration(now - Date.parse(item.since))}</span>
              </li>
            ))}
            {agent.items.length === 0 && <li className="t13 x2">{t("noOpenWork")}</li>}
          </ul>
        </section>
        <StatusBlock agent={agent} />
        <ProfileBlocks key={agentId} agentId={agentId} name={agent.name} />
      </div>
    </>
  );
}

type Status = "available" | "on_demand" | "away" | "offline";
const STATUSES: { status: Status; reason: string | null }[] = [
  { status: "available", reason: null },
  { status: "on_demand", reason: null },
  { status: "away", reason: "break" },
  { status: "away", reason: "meeting" },
  { status: "offline", reason: null },
];

function StatusBlock({ agent }: { agent: WallboardAgent }) {
  const t = useT();
  const [failed, setFailed] = useState<{ key: Key; retry: { status: Status; reason: string | null } | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const set = async (status: Status, reason: string | null, confirm = false) => {
    setBusy(true);
    setFailed(null);
    try {
      await api.post(`/agents/${agent.agent_id}/status`, { status, ...(reason ? { reason } : {}), ...(confirm ? { confirm } : {}) });
    } catch (error) {
      const last = error instanceof ApiError && error.status === 409 && "waiting" in error.ctx;
      setFailed(last ? { key: "lastAgentWarn", retry: { status, reason } } : { key: failureOf(error), retry: null });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="block">
      <h3 className="t13 b">{t("statusTitle")}</h3>
      <div className="statuses" role="group" aria-label={t("statusTitle")}>
        {STATUSES.map(({ status, reason }) => {
          const on = agent.status === status && (status !== "away" || agent.reason === reason);
          const word = t(`state_${status}`) + (reason ? ` · ${reasonWord(t, reason)}` : "");
          return (
            <button
              key={`${status}${reason}`}
              type="button"
              className="status-choice"
              aria-pressed={on}
              data-status={status}
              disabled={busy}
              onClick={() => void set(status, reason)}
            >
              <StateShape state={status === "on_demand" ? "available" : status} />
              {word}
              {on && <Icon name="check" className="end" />}
            </button>
          );
        })}
      </div>
      {agent.after_this && <p className="t12 x2">{t("afterThis", { status: t(`state_${agent.after_this as Status}`) })}</p>}
      <ErrorLine error={failed ? t(failed.key as Parameters<T>[0]) : undefined} />
      {failed?.retry && (
        <Button size="small" onClick={() => failed.retry && void set(failed.retry.status, failed.retry.reason, true)}>
          {t("changeAnyway")}
        </Button>
      )}
    </section>
  );
}

type Levels = Record<string, number>;

/** What is kept of an agent, as it was read: while levels are being chosen nothing newer takes its place unseen. */
function ProfileBlocks({ agentId, name }: { agentId: string; name: string }) {
  const { state } = useShown();
  const told = state.agents[agentId]?.skills;
  const [profile, setProfile] = useState<AgentProfile | null>(null);
  const [draft, setDraft] = useState<Levels | null>(null);
  const drafting = draft !== null;
  useEffect(() => {
    if (drafting) return;
    const stop = new AbortController();
    api.get<AgentProfile>(`/agents/${agentId}`, stop.signal).then(setProfile, () => undefined);
    return () => stop.abort();
  }, [agentId, told, drafting]);
  const change = async (path: string, body: unknown) => {
    try {
      setProfile(await api.patch<AgentProfile>(`/agents/${agentId}${path}`, body, profile ? `"${profile.version}"` : undefined));
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) setProfile(await api.get<AgentProfile>(`/agents/${agentId}`));
      throw error;
    }
  };
  return (
    <>
      <AutoAnswerBlock on={profile?.auto_answer ?? null} change={change} />
      <SkillsBlock name={name} told={told ?? {}} draft={draft} setDraft={setDraft} change={change} />
    </>
  );
}

type Changing = (path: string, body: unknown) => Promise<void>;

/** Whether the agent's desk accepts offers by itself. */
function AutoAnswerBlock({ on, change }: { on: boolean | null; change: Changing }) {
  const t = useT();
  const [failed, setFailed] = useState<Key | null>(null);
  const set = async (wanted: boolean) => {
    setFailed(null);
    try {
      await change("", { auto_answer: wanted });
    } catch (error) {
      setFailed(failureOf(error));
    }
  };
  return (
    <section className="block">
      <label className="row t13">
        <input
          type="checkbox"
          name="auto_answer"
          checked={on ?? false}
          disabled={on === null}
          onChange={(event) => void set(event.target.checked)}
        />
        {t("autoAnswer")}
      </label>
      <ErrorLine error={failed ? t(failed as Parameters<typeof t>[0]) : undefined} />
    </section>
  );
}

/** All skills that any queue asks for or the agent has, each from 0 (none) to 5. */
function SkillsBlock({
  name,
  told,
  draft,
  setDraft,
  change,
}: {
  name: string;
  told: Levels;
  draft: Levels | null;
  setDraft: (levels: Levels | null) => void;
  change: Changing;
}) {
  const t = useT();
  const { state } = useShown();
  const loc = useLocale();
  const [said, setSaid] = useState<{ key: Key; bad: boolean } | null>(null);
  const [busy, setBusy] = useState(false);

  const byQueue = Object.fromEntries(Object.values(state.queues).map((queue) => [queue.skill, nameOf(queue, queue.key, loc)]));
  const keys = [...new Set([...Object.keys(byQueue), ...Object.keys(told)])];
  const skills = draft ?? told;
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (!draft) return;
    setBusy(true);
    setSaid(null);
    const wanted = Object.fromEntries(Object.entries(draft).filter(([, level]) => level > 0));
    try {
      await change("/skills", { skills: wanted });
      setDraft(null);
      setSaid({ key: "saved", bad: false });
    } catch (error) {
      setSaid({ key: failureOf(error), bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="block">
      <form onSubmit={(event) => void save(event)} aria-label={`${t("skillsTitle")}: ${name}`}>
        <h3 className="t13 b">{t("skillsTitle")}</h3>
        <ul className="skills">
          {keys.map((key) => (
            <li key={key}>
              <label className="row t13">
                <span className="cut">{byQueue[key] ?? key}</span>
                <select
                  className="input level"
                  name={key}
                  aria-label={t("level", { skill: byQueue[key] ?? key })}
                  value={skills[key] ?? 0}
                  onChange={(event) => {
                    setSaid(null);
                    setDraft({ ...skills, [key]: Number(event.target.value) });
                  }}
                >
                  <option value={0}>{t("levelNone")}</option>
                  {[1, 2, 3, 4, 5].map((level) => (
                    <option key={level} value={level}>
                      {level}
                    </option>
                  ))}
                </select>
              </label>
            </li>
          ))}
        </ul>
        <div className="row">
          <span className={said?.bad ? "c-bad t13 grow" : "c-ok t13 grow"} role="status">
            {said ? t(said.key as Parameters<T>[0]) : ""}
          </span>
          <Button kind="primary" type="submit" disabled={!draft || busy}>
            {t(busy ? "saving" : "save")}
          </Button>
        </div>
      </form>
    </section>
  );
}
