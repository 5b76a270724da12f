/** The television: read from five metres, nothing to press, 1920 × 1080 scaled to the screen. */
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { duration, useNow, useTimes } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";
import { useEffect, useState } from "react";

import { doing, isLong, timeInState } from "./agents";
import { Sparkline } from "./charts";
import { nameOf, useBoard, useLocale, useNumbers, useShown } from "./context";
import { abandonLevel, serviceLevel, settled, worse } from "./levels";
import { agentsOf, byState, channelsOf, deferred, iconOf, queuesOf, quotient, shortName, SHOWN_STATES } from "./model";
import { useRow } from "./queues";
import { useT } from "./texts";
import { LevelMark, LinkWord, mix, pendingWord, useTop } from "./top";

const WIDTH = 1920;
const HEIGHT = 1080;
const MOST_AGENTS = 12;
const LINES = 6;

function useScale(): number {
  const scale = () => Math.min(innerWidth / WIDTH, innerHeight / HEIGHT);
  const [now, setNow] = useState(scale);
  useEffect(() => {
    const fit = () => setNow(scale());
    addEventListener("resize", fit);
    return () => removeEventListener("resize", fit);
  }, []);
  return now;
}

export function Television() {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const scale = useScale();
  return (
    <main className="tv-frame" aria-label={t("board")} onDoubleClick={() => board.setTv(false)}>
      <h1 className="sr">{t("board")}</h1>
      <div className="tv" style={{ transform: `scale(${scale})` }}>
        <TopRow />
        <div className="tv-body">
          <TvQueues />
          <TvAgents />
        </div>
        <TvFoot />
      </div>
      <span className="sr">{`${state.centre.name} ${view.queue ?? ""}`}</span>
    </main>
  );
}

function TopRow() {
  const t = useT();
  const { state, view } = useShown();
  const loc = useLocale();
  const numbers = useNumbers();
  const top = useTop();
  const service = serviceLevel(settled(top.level), top.goal);
  const abandon = abandonLevel(settled(top.figures.abandonment), top.limit);
  return (
    <div className="k5">
      <section className="k">
        <h2 className="l">{t("waiting")}</h2>
        <p className="h">{top.items.length}</p>
        <p className="s cut">{mix(t, top.items, channelsOf(view.medium))}</p>
      </section>
      <section className={cls("k", top.waitLevel !== "none" && top.waitLevel)}>
        <h2 className="l">
          <LevelMark level={top.waitLevel} size={24} />
          {t("longest")}
        </h2>
        <p className="h">{top.oldest ? duration(top.waited) : "–"}</p>
        <p className="s cut">{top.oldest ? nameOf(state.queues[top.oldest.queue], top.oldest.queue, loc) : t("nobodyWaits")}</p>
      </section>
      <section className={cls("k", service !== "none" && service)}>
        <h2 className="l">
          <LevelMark level={service} size={24} />
          {t("serviceToday")}
        </h2>
        <p className="h">
          {numbers.bare(top.level)}
          {top.level[1] > 0 && <small>%</small>}
        </p>
        <p className="s cut">{`${t("goal", { percent: top.goal })} · ${t("ofIn", { n: top.level[0], d: top.level[1] })}`}</p>
      </section>
      <section className={cls("k", abandon !== "none" && abandon)}>
        <h2 className="l">
          <LevelMark level={abandon} size={24} />
          {t("abandonedToday")}
        </h2>
        <p className="h">
          {numbers.bare(top.figures.abandonment, (quotient(top.figures.abandonment) ?? 0) < 0.1 ? 1 : 0)}
          {top.figures.abandonment[1] > 0 && <small>%</small>}
        </p>
        <p className="s cut">{`${t("goal", { percent: top.limit })} · ${top.figures.abandonment.join(" / ")}`}</p>
      </section>
      <section className="k ags">
        <h2 className="l">
          {t("agents")} <b>{top.signedIn}</b>
        </h2>
        <ul>
          {SHOWN_STATES.map((one) => (
            <li key={one}>
              <StateShape state={one} />
              <b>{top.states[one]}</b>
              {t(`word_${one}`)}
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function TvQueues() {
  const t = useT();
  const { state, view } = useShown();
  const loc = useLocale();
  const numbers = useNumbers();
  const row = useRow();
  const queues = queuesOf(state, view);
  const height = Math.min(96, Math.floor((96 * LINES) / Math.max(queues.length, 1)));
  return (
    <section className="qs" aria-label={t("tvQueue")}>
      <div className="q hd">
        <span>{t("tvQueue")}</span>
        <span>{t("colWaiting")}</span>
        <span>{t("colLongest")}</span>
        <span>{t("colService")}</span>
        <span>{t("colHour")}</span>
      </div>
      {queues.map((queue) => {
        const now = row(queue);
        const channels = [...new Set(now.items.map((item) => item.channel))];
        const whole = worse(now.wait, now.service === "bad" ? "bad" : "none");
        return (
          <div key={queue.key} className={cls("q", whole === "bad" && "bad")} style={{ height }}>
            <span className="qn cut">{nameOf(queue, queue.key, loc)}</span>
            <span className="n">
              {channels.slice(0, 2).map((channel) => (
                <Icon key={channel} name={iconOf(channel)} size={24} />
              ))}
              <span className={now.items.length === 0 ? "x3" : undefined}>{now.items.length}</span>
            </span>
            <span className={cls("n", now.wait !== "none" && `c-${now.wait}`)}>
              <LevelMark level={now.wait} size={24} />
              <span className={now.items.length === 0 ? "x3" : undefined}>{now.longest}</span>
            </span>
            <span className={cls("n", now.service !== "none" && `c-${now.service}`)}>
              <LevelMark level={now.service} size={24} />
              {numbers.bare(now.figures.service_level[view.formula])}
              {now.figures.service_level[view.formula][1] > 0 && <small>%</small>}
            </span>
            <span className="sp">
              <Sparkline values={now.spark} width={216} height={48} thick={2.5} level={whole === "bad" ? "bad" : "none"} />
            </span>
          </div>
        );
      })}
    </section>
  );
}

function TvAgents() {
  const t = useT();
  const { state, view } = useShown();
  const now = useNow(1000);
  const here = agentsOf(state, view).filter((agent) => agent.state !== "offline");
  const kept = here.length > MOST_AGENTS ? new Set(byState(here).slice(0, MOST_AGENTS - 1)) : null;
  const shown = kept ? here.filter((agent) => kept.has(agent)) : here;
  return (
    <section className="as" aria-label={t("agents")}>
      <div className="q hd">
        <span>{t("tvAgents")}</span>
      </div>
      <ul className="ag2">
        {shown.map((agent) => {
          const long = isLong(agent, now);
          return (
            <li key={agent.agent_id} className={cls("a", long && "warn")}>
              <StateShape state={agent.state} />
              <div className="grow">
                <div className="an cut">{shortName(state, agent)}</div>
                <div className="aw cut">{doing(t, agent, false)}</div>
              </div>
              <b className={cls("at", long && "c-warn")}>
                <LevelMark level={long ? "warn" : "none"} size={24} />
                {timeInState(agent, now)}
              </b>
            </li>
          );
        })}
        {kept && <li className="a x2">{t("more", { count: here.length - shown.length })}</li>}
      </ul>
    </section>
  );
}

function TvFoot() {
  const t = useT();
  const { state, view } = useShown();
  const times = useTimes();
  const now = useNow(1000);
  return (
    <footer className="ft">
      <span>{state.centre.name}</span>
      <LinkWord big />
      <span>{pendingWord(t, deferred(state, view, now))}</span>
      <span className="end">{times.day(now)}</span>
      <b>{times.hour(now).replace(/^0/, "")}</b>
    </footer>
  );
}
