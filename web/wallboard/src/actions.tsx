/** What a supervisor does from the chair: an agent's status and skills, moving what waits. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { AgentProfile, ExplainedItem, SetStatus } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { duration, serverNow, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, ErrorLine, IconButton } from "@contactcenter/shared/ui";
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

/** A contact that can be sent elsewhere. */
export type Movable = Pick<ExplainedItem, "interaction_id" | "queue" | "contact_id" | "customer_name">;

interface Refused {
  key: Key;
  /** It is possible all the same: the agent gets it above what is allowed, and it is on record. */
  force?: boolean;
}

/** Why somebody was not given a contact: no telephone on the desk cannot be overridden, no room can. */
function refusalOf(error: unknown): Refused {
  const ctx = error instanceof ApiError && error.status === 409 ? error.ctx : {};
  if (ctx.reason === "channel" || "agent" in ctx) return { key: "noChannel" };
  if ("status" in ctx || "reason" in ctx) return { key: "noRoom", force: true };
  return { key: failureOf(error) };
}

/** Sends a contact to another queue, or straight to somebody: one that waits, or that `holder` has. */
export function MoveForm({
  item,
  holder = null,
  onDone,
  onCancel,
}: {
  item: Movable;
  holder?: string | null;
  onDone: () => void;
  onCancel: () => void;
}) {
  const t = useT();
  const { state } = useShown();
  const loc = useLocale();
  const [to, setTo] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Refused | null>(null);
  const queue = state.queues[item.queue];
  const agents = Object.values(state.agents).filter((agent) => agent.state !== "offline" && agent.agent_id !== holder);
  const skilled = agents.filter((agent) => queue && isMember(agent, queue));
  const others = agents.filter((agent) => !skilled.includes(agent));

  const send = async (force: boolean) => {
    const [kind, id] = to.split(":");
    if (!kind || !id || busy) return;
    setBusy(true);
    setFailed(null);
    try {
      const path = `/interactions/${item.interaction_id}/transfer`;
      if (kind === "queue") await api.post(path, { queue: id });
      else if (holder !== null) await api.post(path, { agent: id });
      else await api.post("/queue/assign", { interaction_id: item.interaction_id, agent_id: id, ...(force ? { force } : {}) });
      onDone();
    } catch (error) {
      setFailed(refusalOf(error));
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void send(false);
  };
  const option = (agent: WallboardAgent) => (
    <option key={agent.agent_id} value={`agent:${agent.agent_id}`}>
      {`${agent.name} · ${t(`state_${agent.state}`)}`}
    </option>
  );
  return (
    <form className="move" onSubmit={submit} aria-label={t("moveTitle", { name: nameOr(item.customer_name, item.contact_id, t("unknownCaller")) })}>
      <label>
        <span className="t13 b">{t("moveTitle", { name: nameOr(item.customer_name, item.contact_id, t("unknownCaller")) })}</span>
        <select className="input" value={to} autoFocus onChange={(event) => {
            setTo(event.target.value);
            setFailed(null);
          }} name="to">
          <option value="">{t("chooseQueue")}</option>
          <optgroup label={t("moveToQueue")}>
            {Object.values(state.queues)
              .filter((one) => holder !== null || one.key !== item.queue)
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
      <ErrorLine error={failed ? t(failed.key as Parameters<T>[0]) : undefined} />
      {failed?.force && (
        <Button size="small" disabled={busy} onClick={() => void send(true)}>
          {t("giveAnyway")}
        </Button>
      )}
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
  const [moving, setMoving] = useState<string | null>(null);
  const agent = state.agents[agentId];
  if (!agent) return <DrillHead title={t("err_not_found")} sub="" onClose={onClose} />;
  const piece = agent.items.find((item) => item.interaction_id === moving && item.state !== "wrapping");
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
                <span className="grow cut">
                  {[itemWord(t, item), item.queue, stageWord(t, item)].filter(Boolean).join(" · ")}
                  <br />
                  <span className="t12 x2">{nameOr(item.customer_name, item.contact_id, t("unknownCaller"))}</span>
                </span>
                <span className="x2">{duration(now - Date.parse(item.since))}</span>
                {item.queue !== "" && item.state !== "wrapping" && (
                  <IconButton
                    icon="swap"
                    label={t("moveTitle", { name: nameOr(item.customer_name, item.contact_id, t("unknownCaller")) })}
                    aria-pressed={item.interaction_id === moving}
                    onClick={() => setMoving(item.interaction_id === moving ? null : item.interaction_id)}
                  />
                )}
              </li>
            ))}
            {agent.items.length === 0 && <li className="t13 x2">{t("noOpenWork")}</li>}
          </ul>
        </section>
        <StatusBlock agent={agent} />
        <ProfileBlocks key={agentId} agentId={agentId} name={agent.name} />
      </div>
      {piece && (
        <footer className="drill-foot">
          <MoveForm
            key={piece.interaction_id}
            item={piece}
            holder={piece.state === "ringing" ? null : agentId}
            onDone={() => setMoving(null)}
            onCancel={() => setMoving(null)}
          />
        </footer>
      )}
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

/** What stands in the way: the last one for people who wait, open work that needs a word, or work that can only be finished. */
type Blocked = { kind: "last" | "open" | "finish"; wanted: SetStatus };

function blockOf(wanted: SetStatus, error: unknown): Blocked | null {
  const ctx = error instanceof ApiError && error.status === 409 ? error.ctx : {};
  if ("waiting" in ctx) return { kind: "last", wanted };
  return "open" in ctx ? { kind: ctx.finish === true ? "finish" : "open", wanted } : null;
}

function StatusBlock({ agent }: { agent: WallboardAgent }) {
  const t = useT();
  const [failed, setFailed] = useState<Key | null>(null);
  const [blocked, setBlocked] = useState<Blocked | null>(null);
  const [busy, setBusy] = useState(false);
  const set = async (wanted: SetStatus) => {
    setBusy(true);
    setFailed(null);
    try {
      await api.post(`/agents/${agent.agent_id}/status`, wanted);
      setBlocked(null);
    } catch (error) {
      const found = blockOf(wanted, error);
      setBlocked(found);
      setFailed(found ? null : failureOf(error));
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
              onClick={() => void set({ status, ...(reason ? { reason } : {}) })}
            >
              <StateShape state={status === "on_demand" ? "available" : status} />
              {word}
              {on && <Icon name="check" className="end" />}
            </button>
          );
        })}
      </div>
      {agent.after_this && <p className="t12 x2">{t("afterThis", { status: t(`state_${agent.after_this as Status}`) })}</p>}
      <ErrorLine
        error={
          blocked && blocked.kind !== "open"
            ? t(blocked.kind === "last" ? "lastAgentWarn" : "finishFirst")
            : failed
              ? t(failed as Parameters<T>[0])
              : undefined
        }
      />
      {blocked?.kind === "last" && (
        <Button size="small" disabled={busy} onClick={() => void set({ ...blocked.wanted, confirm: true })}>
          {t("changeAnyway")}
        </Button>
      )}
      {blocked?.kind === "finish" && (
        <Button size="small" disabled={busy} onClick={() => void set({ ...blocked.wanted, after_this: true })}>
          {t("offlineWhenDone")}
        </Button>
      )}
      {blocked?.kind === "open" && (
        <OpenWorkForm agent={agent} busy={busy} onChosen={(choice) => void set({ ...blocked.wanted, ...choice })} onCancel={() => setBlocked(null)} />
      )}
    </section>
  );
}

type Choice = Pick<SetStatus, "open" | "hand_over_to" | "snooze_until">;
const SNOOZE_MS = 3_600_000;

/** What becomes of the open work of somebody who is signed off; a piece that goes elsewhere is moved first, by itself. */
function OpenWorkForm({ agent, busy, onChosen, onCancel }: { agent: WallboardAgent; busy: boolean; onChosen: (choice: Choice) => void; onCancel: () => void }) {
  const t = useT();
  const { state } = useShown();
  const times = useTimes();
  const [open, setOpen] = useState<NonNullable<Choice["open"]>>("queue");
  const [heir, setHeir] = useState("");
  const [until] = useState(() => Math.ceil((serverNow() + SNOOZE_MS) / 60_000) * 60_000);
  const others = Object.values(state.agents).filter((one) => one.agent_id !== agent.agent_id && one.state !== "offline");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onChosen({
      open,
      ...(open === "hand_over" ? { hand_over_to: heir } : {}),
      ...(open === "snooze" ? { snooze_until: new Date(until).toISOString() } : {}),
    });
  };
  return (
    <form className="move left-work" onSubmit={submit} aria-label={t("leftWork")}>
      <p className="t13 b">{t("leftWork")}</p>
      <p className="t12 x2">{t("leftWorkNote")}</p>
      <fieldset>
        <legend className="sr">{t("leftWork")}</legend>
        {(["queue", "hand_over", "snooze"] as const).map((one) => (
          <label key={one} className="row t13">
            <input type="radio" name="left" value={one} checked={open === one} onChange={() => setOpen(one)} />
            {t(`left_${one}`, { time: times.hour(until) })}
          </label>
        ))}
      </fieldset>
      {open === "hand_over" && (
        <select className="input" name="heir" aria-label={t("moveToAgent")} value={heir} onChange={(event) => setHeir(event.target.value)}>
          <option value="">{t("chooseAgent")}</option>
          {others.map((one) => (
            <option key={one.agent_id} value={one.agent_id}>
              {`${one.name} · ${t(`state_${one.state}`)}`}
            </option>
          ))}
        </select>
      )}
      <div className="row">
        <Button className="grow" onClick={onCancel}>
          {t("cancel")}
        </Button>
        <Button className="grow" kind="primary" type="submit" disabled={busy || (open === "hand_over" && !heir)}>
          {t("signOffDo")}
        </Button>
      </div>
    </form>
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
