/** The column on the right: where a number comes from, or one agent; and what a supervisor can do there. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { ExplainedFigure, ExplainedItem, ExplainedPart } from "@contactcenter/shared/contract";
import { Icon, type IconName, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, Chip, cls, IconButton, type Tone } from "@contactcenter/shared/ui";
import { useCallback, useEffect, useRef, useState } from "react";

import { AgentDrill, type Movable, MoveForm } from "./actions";
import { doing, parkedWord, timeInState } from "./agents";
import type { Choice } from "./board";
import { nameOf, useBoard, useLocale, useNumbers, useShown } from "./context";
import { agentsOf, byState, channelsOf, FORMULAS, iconOf, stateCounts, today, urgency, type View, type WallboardState, writtenWork } from "./model";
import { type Key, type T, useT } from "./texts";
import { offWords } from "./top";

const HALF_HOUR = 1_800_000;
type FigureChoice = Extract<Choice, { kind: "figure" }>;

export function Drill() {
  const t = useT();
  const board = useBoard();
  const choice = useStore(board.choice);
  return (
    <aside className={cls("drill", choice && "open")} aria-label={t("theSum")}>
      {choice === null ? (
        <div className="hollow empty">
          <Icon name="info" size={24} />
          <b>{t("drillEmpty")}</b>
          <p>{t("drillHint")}</p>
        </div>
      ) : choice.kind === "agents" ? (
        <AgentsDrill queueKey={choice.queue} onClose={() => board.choice.set(null)} />
      ) : choice.kind === "pending" ? (
        <PendingDrill key={choice.queue} queueKey={choice.queue} onClose={() => board.choice.set(null)} />
      ) : choice.kind === "agent" ? (
        <AgentDrill key={choice.agentId} agentId={choice.agentId} onClose={() => board.choice.set(null)} />
      ) : (
        <FigureDrill key={`${choice.figure}/${choice.queue}/${choice.half}`} choice={choice} onClose={() => board.choice.set(null)} />
      )}
    </aside>
  );
}

export function DrillHead({ title, sub, onClose }: { title: string; sub: string; onClose: () => void }) {
  const t = useT();
  const ref = useRef<HTMLHeadingElement>(null);
  return (
    <header className="drill-head">
      <div className="row">
        <h2 className="t16 b grow" ref={ref}>
          {title}
        </h2>
        <IconButton icon="close" label={t("close")} aria-keyshortcuts="Escape" onClick={onClose} />
      </div>
      <p className="t13 x2">{sub}</p>
    </header>
  );
}

/** What must change before the sum is read again: the operands, or who waits. */
function stamp(state: WallboardState, view: View, choice: FigureChoice): string {
  const figures = today(state, view, choice.queue);
  const waits = Object.values(state.waiting)
    .filter((item) => choice.queue === null || item.queue === choice.queue)
    .map((item) => `${item.interaction_id}${item.offered_to ?? ""}`);
  const time = choice.figure === "occupancy" || choice.figure === "utilisation" ? state.time : null;
  return JSON.stringify([figures, waits, time, view, choice]);
}

function useExplained(choice: FigureChoice): { told: ExplainedFigure | null; failed: string | null; again: () => void } {
  const { state, view } = useShown();
  const [told, setTold] = useState<ExplainedFigure | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  const wanted = stamp(state, view, choice);
  const first = useRef(true);
  useEffect(() => {
    const stop = new AbortController();
    const query = new URLSearchParams({ figure: choice.figure });
    if (choice.queue !== null) query.set("queue", choice.queue);
    if (view.medium !== "all") query.set("channel", view.medium);
    if (choice.figure === "service_level") query.set("formula", view.formula);
    if (choice.half !== undefined) query.set("half", new Date(choice.half).toISOString());
    const timer = setTimeout(
      () => {
        first.current = false;
        api.get<ExplainedFigure>(`/analytics/explain?${query}`, stop.signal).then(
          (answer) => {
            setTold(answer);
            setFailed(null);
          },
          (error: unknown) => {
            if (!stop.signal.aborted) setFailed(error instanceof ApiError ? String(error.status) : "0");
          },
        );
      },
      first.current ? 0 : 700,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [wanted, tries]); // eslint-disable-line react-hooks/exhaustive-deps
  return { told, failed, again: useCallback(() => setTries((n) => n + 1), []) };
}

function FigureDrill({ choice, onClose }: { choice: FigureChoice; onClose: () => void }) {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const loc = useLocale();
  const times = useTimes();
  const numbers = useNumbers();
  const { told, failed, again } = useExplained(choice);
  const [all, setAll] = useState(false);
  const [picked, setPicked] = useState<string | null>(null);

  const word = t(choice.figure as Parameters<T>[0]);
  const queue = choice.queue === null ? null : state.queues[choice.queue];
  const what = queue ? t("of", { figure: word, queue: nameOf(queue, queue.key, loc) }) : word;
  const value =
    told === null
      ? ""
      : told.kind === "percent"
        ? numbers.percent([told.numerator.value, told.denominator?.value ?? 0], choice.figure === "abandonment" || choice.figure === "statutory" ? 1 : 0)
        : told.kind === "seconds"
          ? told.denominator
            ? told.denominator.value === 0
              ? "–"
              : duration(told.numerator.value / told.denominator.value)
            : duration(told.numerator.value)
          : String(told.numerator.value);
  const medium = t(`medium_${view.medium}`).toLocaleLowerCase(loc);
  const goal = queue && choice.figure === "service_level" ? ` · ${t("goal", { percent: queue.goal_percent })}` : "";
  const sub =
    choice.half === undefined
      ? t("todayUntil", { medium, time: times.hour(told?.read_at ?? Date.now()) }) + goal
      : t("halfOf", { medium, from: times.hour(choice.half), to: times.hour(choice.half + HALF_HOUR) });

  const figures = today(state, view, choice.queue);
  const short = figures.short;
  const off = choice.half === undefined ? offWords(figures) : null;
  const lowering = told?.figure === "service_level" || told?.figure === "statutory";
  const sifted = lowering || told?.figure === "abandonment" || told?.figure === "non_response" || told?.figure === "wrap_lapsed";
  const few = told ? (lowering ? told.items.filter((item) => item.denominator > item.numerator) : told.items.filter((item) => item.numerator !== 0)) : [];
  const shown = told ? (all || !sifted ? told.items : few) : [];
  const item = told?.items.find((one) => one.interaction_id === picked && one.interaction_id in state.waiting);

  return (
    <>
      <DrillHead title={value ? `${what}: ${value}` : what} sub={sub} onClose={onClose} />
      <div className="drill-body">
        {told === null ? (
          failed ? (
            <Failed onAgain={again} />
          ) : (
            <div className="sum" aria-busy="true">
              <span className="bone" style={{ width: 120 }} />
              <span className="bone" style={{ width: 220 }} />
            </div>
          )
        ) : (
          <>
            <Sum told={told} />
            {failed && <Failed onAgain={again} />}
            {told.figure === "service_level" && (
              <label className="formula">
                <span className="t12 x2">{t("formula")}</span>
                <select className="input" value={view.formula} onChange={(event) => board.show({ formula: event.target.value as View["formula"] })}>
                  {FORMULAS.map((name) => (
                    <option key={name} value={name}>
                      {t(`name_${name}`)}
                    </option>
                  ))}
                </select>
                <span className="t12 x2">{t(`formula_${view.formula}`)}</span>
              </label>
            )}
            {(told.formula === "centre" || told.figure === "abandonment") && (
              <p className="t12 x2 note-line">{t("shortNote", { seconds: (queue?.short_ms ?? 5000) / 1000, count: short })}</p>
            )}
            {told.figure === "statutory" && <p className="t12 x2 note-line">{t("statutoryNote")}</p>}
            {told.figure === "aht" && choice.half === undefined && (
              <p className="t12 x2 note-line">{t("lapsedNote", { count: figures.wrap_lapsed[0], of: figures.wrap_lapsed[1] })}</p>
            )}
            {told.figure === "estimate_error" && off && <p className="t12 x2 note-line">{t("estimateNote", { half: off[0], most: off[1] })}</p>}
            <div className="list-head">
              <h3 className="t13 b">
                {told.agents.length > 0
                  ? t("agentsBehind", { count: told.total })
                  : sifted && !all
                    ? t(lowering ? "thoseThatLower" : "thoseThatRaise", { count: few.length })
                    : t("itemsBehind", { count: told.total })}
              </h3>
              {shown.length < told.items.length ? (
                <button type="button" className="link end" onClick={() => setAll(true)}>
                  {t("seeAll", { count: told.total })}
                </button>
              ) : (
                all &&
                few.length < told.items.length && (
                  <button type="button" className="link end" onClick={() => setAll(false)}>
                    {t("seeFew")}
                  </button>
                )
              )}
            </div>
            <ul className="behind">
              {shown.map((one) => (
                <Behind key={`${one.interaction_id}${one.entered_at}`} item={one} picked={one.interaction_id === picked} onPick={setPicked} />
              ))}
              {told.agents.map((agent) => (
                <li key={agent.agent_id}>
                  <button type="button" className="behind-item" onClick={() => board.choice.set({ kind: "agent", agentId: agent.agent_id })}>
                    <span className="row">
                      <b className="cut">{agent.name}</b>
                      <b className="end">{numbers.percent([agent.numerator, agent.denominator])}</b>
                    </span>
                  </button>
                </li>
              ))}
            </ul>
            {shown.length === 0 && told.agents.length === 0 && <p className="hollow">{t("noItems")}</p>}
            {told.total > told.items.length && told.items.length > 0 && (
              <p className="t12 x3 note-line">{t("listedOf", { shown: told.items.length, total: told.total })}</p>
            )}
          </>
        )}
      </div>
      <MoveFoot item={item} onMoved={() => setPicked(null)} />
    </>
  );
}

/** Sends what is picked elsewhere. */
function MoveFoot({ item, onMoved }: { item: Movable | undefined; onMoved: () => void }) {
  const t = useT();
  const [moving, setMoving] = useState(false);
  const done = () => {
    setMoving(false);
    onMoved();
  };
  return (
    <footer className="drill-foot">
      {moving && item ? (
        <MoveForm key={item.interaction_id} item={item} onDone={done} onCancel={() => setMoving(false)} />
      ) : (
        <Button icon="swap" className="wide" disabled={!item} title={item ? undefined : t("pickItem")} onClick={() => setMoving(true)}>
          {t("move")}
        </Button>
      )}
    </footer>
  );
}

/** The written work that waits, the longest first, and what of it is past its time. */
function PendingDrill({ queueKey, onClose }: { queueKey: string | null; onClose: () => void }) {
  const t = useT();
  const { state } = useShown();
  const loc = useLocale();
  const times = useTimes();
  const now = useNow(5000);
  const [picked, setPicked] = useState<string | null>(null);
  const items = writtenWork(state, queueKey);
  const late = items.filter((item) => urgency(state, item, now) > 1);
  const queue = queueKey === null ? undefined : state.queues[queueKey];
  return (
    <>
      <DrillHead
        title={t("pendingTitle", { count: items.length })}
        sub={[queue && nameOf(queue, queue.key, loc), t("pendingNow", { late: late.length })].filter(Boolean).join(" · ")}
        onClose={onClose}
      />
      <div className="drill-body">
        <ul className="behind">
          {items.map((item) => {
            const on = item.interaction_id === picked;
            const look = LOOK[late.includes(item) ? "waiting_late" : "waiting"];
            return (
              <li key={item.interaction_id}>
                <button type="button" className={cls("behind-item", on && "on")} aria-pressed={on} onClick={() => setPicked(on ? null : item.interaction_id)}>
                  <span className="row">
                    <Icon name={iconOf(item.channel)} className="x2" />
                    <b className="cut">{nameOr(item.customer_name, item.contact_id, t("unknownCaller"))}</b>
                    <b className="end">{duration(now - Date.parse(item.entered_at))}</b>
                  </span>
                  <span className="row t12">
                    <Chip tone={look.tone} icon={look.icon}>
                      {t(late.includes(item) ? "over" : "outcome_waiting")}
                    </Chip>
                    <span className="x2 cut">{nameOf(state.queues[item.queue], item.queue, loc)}</span>
                    <span className="end x3">{times.hour(item.entered_at)}</span>
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
        {items.length === 0 && <p className="hollow">{t("noItems")}</p>}
      </div>
      <MoveFoot item={items.find((item) => item.interaction_id === picked)} onMoved={() => setPicked(null)} />
    </>
  );
}

/** Who is behind "2 of 12": everybody of the queue, by what they do. */
function AgentsDrill({ queueKey, onClose }: { queueKey: string | null; onClose: () => void }) {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const loc = useLocale();
  const now = useNow(1000);
  const queue = queueKey === null ? undefined : state.queues[queueKey];
  const agents = agentsOf(state, { ...view, queue: queueKey });
  const found = stateCounts(agents);
  const signedIn = agents.filter((agent) => agent.state !== "offline").length;
  return (
    <>
      <DrillHead
        title={`${t("availableAgents")}: ${found.available} ${t("ofAll", { count: signedIn })}`}
        sub={queue ? t("agentsNowOf", { queue: nameOf(queue, queue.key, loc) }) : t("agentsNow")}
        onClose={onClose}
      />
      <div className="drill-body">
        <ul className="behind">
          {byState(agents).map((agent) => (
            <li key={agent.agent_id}>
              <button type="button" className="behind-item" onClick={() => board.choice.set({ kind: "agent", agentId: agent.agent_id })}>
                <span className="row">
                  <StateShape state={agent.state} />
                  <b className="cut">{agent.name}</b>
                  <span className="end x2">{timeInState(agent, now)}</span>
                </span>
                <span className="t12 x2">{[doing(t, agent), parkedWord(t, agent)].filter(Boolean).join(" · ")}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
    </>
  );
}

function Failed({ onAgain }: { onAgain: () => void }) {
  const t = useT();
  return (
    <div className="box-msg bad failed" role="alert">
      <Icon name="octagon" />
      <span className="grow">{t("failedLoad")}</span>
      <button type="button" className="link" onClick={onAgain}>
        {t("tryAgain")}
      </button>
    </div>
  );
}

const TIMES = new Set(["answered_wait_ms", "abandoned_wait_ms", "handle_ms", "estimate_off_ms", "longest_wait_ms", "on_contact", "wrap_up", "available"]);

function partWord(t: T, part: ExplainedPart): string {
  const key = `part_${part.name}` as Key;
  const word = TIMES.has(part.name)
    ? t(key as Parameters<T>[0], { time: duration(part.value) })
    : t(key as Parameters<T>[0], { count: part.value });
  return part.sign < 0 ? t("minus", { part: word }) : word;
}

function Sum({ told }: { told: ExplainedFigure }) {
  const t = useT();
  const { view } = useShown();
  const inTime = told.kind === "seconds" || told.figure === "occupancy";
  const units = told.figure === "utilisation";
  const write = (value: number) => (inTime ? duration(value) : units ? Math.round(value / 6_000_000).toLocaleString() : String(value));
  return (
    <section className="sum" aria-label={t("theSum")} data-medium={channelsOf(view.medium).join(" ")}>
      <h3 className="t13 b">{t("theSum")}</h3>
      <div className="fm">
        <div>
          <b data-operand="numerator">{write(told.numerator.value)}</b>
          {told.numerator.parts.map((part) => (
            <span key={part.name}>{partWord(t, part)}</span>
          ))}
        </div>
        {told.denominator && (
          <>
            <i aria-hidden="true">÷</i>
            <div>
              <b data-operand="denominator">{told.kind === "seconds" ? told.denominator.value : write(told.denominator.value)}</b>
              {told.denominator.parts.map((part) => (
                <span key={part.name}>{partWord(t, part)}</span>
              ))}
            </div>
          </>
        )}
      </div>
    </section>
  );
}

const LOOK: Record<ExplainedItem["outcome"], { tone: Tone; icon: IconName }> = {
  waiting: { tone: "acc", icon: "clock" },
  waiting_late: { tone: "bad", icon: "octagon" },
  answered: { tone: "ok", icon: "check" },
  answered_late: { tone: "warn", icon: "clock" },
  abandoned: { tone: "bad", icon: "close" },
  short_abandon: { tone: "idle", icon: "close" },
  moved: { tone: "idle", icon: "swap" },
  callback: { tone: "idle", icon: "repeat" },
  cancelled: { tone: "idle", icon: "close" },
};

function Behind({ item, picked, onPick }: { item: ExplainedItem; picked: boolean; onPick: (id: string | null) => void }) {
  const t = useT();
  const { state } = useShown();
  const times = useTimes();
  const now = useNow(1000);
  const waits = item.outcome === "waiting" || item.outcome === "waiting_late";
  const live = item.interaction_id in state.waiting;
  const look = LOOK[item.outcome];
  const content = (
    <>
      <span className="row">
        <Icon name={iconOf(item.channel)} className="x2" />
        <b className="cut">{nameOr(item.customer_name, item.contact_id, t("unknownCaller"))}</b>
        <b className="end">{duration(waits ? now - Date.parse(item.entered_at) : item.waited_ms)}</b>
      </span>
      <span className="row t12">
        <Chip tone={look.tone} icon={look.icon}>
          {t(`outcome_${item.outcome}`)}
        </Chip>
        <span className="x2 cut">
          {item.offered_to
            ? t("ringingAt", { name: item.offered_to })
            : item.agent_name
              ? item.handle_ms > 0
                ? t("byAgent", { name: item.agent_name, time: duration(item.handle_ms) })
                : item.agent_name
              : item.queue}
        </span>
        <span className="end x3">{waits ? t("now") : times.hour(item.entered_at)}</span>
      </span>
    </>
  );
  return (
    <li>
      {live && waits ? (
        <button type="button" className={cls("behind-item", picked && "on")} aria-pressed={picked} data-item={item.interaction_id} onClick={() => onPick(picked ? null : item.interaction_id)}>
          {content}
        </button>
      ) : (
        <div className="behind-item">{content}</div>
      )}
    </li>
  );
}
