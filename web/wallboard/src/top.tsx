/** The top bar, the five figures, and the strip of further ones. */
import { leave, session } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { LanguageMenu, ThemeButton } from "@contactcenter/shared/prefs-ui";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow, useTimes } from "@contactcenter/shared/time";
import { Button, cls, IconButton, Menu } from "@contactcenter/shared/ui";
import { type ReactNode, useEffect, useState } from "react";

import { isOpen, opened } from "./board";
import { Sparkline } from "./charts";
import { nameOf, useBoard, useLocale, useNumbers, useShown } from "./context";
import { abandonLevel, type Level, serviceLevel, settled, waitLevel } from "./levels";
import {
  agentsOf,
  channelsOf,
  type Line,
  deferred,
  type Figures,
  LAST_OFF,
  MEDIA,
  offWithin,
  type Ratio,
  spark,
  stateCounts,
  today,
  waiting,
  type WaitingItem,
  worked,
  worst,
  targetOf,
} from "./model";
import { type Key, type T, useT } from "./texts";

export function TopBar({ onHelp }: { onHelp: () => void }) {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const loc = useLocale();
  const times = useTimes();
  const now = useNow(1000);
  const me = useStore(session);
  const sound = useStore(board.sound);
  const chosen = view.queue === null ? null : state.queues[view.queue];
  return (
    <header className="top">
      <div className="top-left">
        <h1 className="t16 b">{t("board")}</h1>
        <Menu
          className="btn small"
          label={`${t("queueFilter")}: ${chosen ? nameOf(chosen, chosen.key, loc) : t("allQueues")}`}
          trigger={
            <>
              <span className="cut">{chosen ? nameOf(chosen, chosen.key, loc) : t("allQueues")}</span>
              <Icon name="down" />
            </>
          }
          entries={[
            { id: "*", label: t("allQueues"), checked: view.queue === null, onPick: () => board.show({ queue: null }) },
            ...Object.values(state.queues).map((queue) => ({
              id: queue.key,
              label: nameOf(queue, queue.key, loc),
              checked: view.queue === queue.key,
              onPick: () => board.show({ queue: queue.key }),
            })),
          ]}
        />
        <Menu
          className="btn small"
          label={`${t("mediumFilter")}: ${t(`medium_${view.medium}`)}`}
          trigger={
            <>
              <span className="cut">{t(`medium_${view.medium}`)}</span>
              <Icon name="down" />
            </>
          }
          entries={MEDIA.map((medium) => ({
            id: medium,
            label: t(`medium_${medium}`),
            checked: view.medium === medium,
            onPick: () => board.show({ medium }),
          }))}
        />
        <DemoMenu />
        <span className="end">
          <LinkWord />
        </span>
      </div>
      <div className="top-right">
        <time className="b clock">{times.hour(now).replace(/^0/, "")}</time>
        <IconButton
          icon={sound ? "sound" : "mute"}
          label={t("alarm")}
          aria-pressed={sound}
          onClick={() => board.setSound(!sound)}
        />
        <IconButton icon="screen" label={t("fullScreen")} aria-keyshortcuts="f" onClick={() => board.setTv(true)} />
        <LanguageMenu />
        <ThemeButton />
        <IconButton icon="help" label={t("shortcuts")} aria-keyshortcuts="?" onClick={onHelp} />
        <Menu
          className="btn quiet me"
          align="right"
          trigger={
            <>
              <span className="cut">{`${me?.user.first_name ?? ""} ${me?.user.last_name ?? ""}`.trim()}</span>
              <Icon name="down" />
            </>
          }
          entries={[
            { kind: "caption", id: "mail", label: me?.user.email ?? "" },
            { id: "out", label: t("signOut"), icon: <Icon name="out" />, onPick: leave },
          ]}
        />
      </div>
    </header>
  );
}

/** Whether the figures live, and how old they are: always in the same place. */
export function LinkWord({ big }: { big?: boolean }) {
  const t = useT();
  const board = useBoard();
  const times = useTimes();
  const link = useStore(board.live.link);
  const heard = useStore(board.heard);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (link.kind === "lost" || link.kind === "refused") {
    const seconds = link.kind === "lost" && link.retryAt !== null ? Math.max(0, Math.ceil((link.retryAt - now) / 1000)) : null;
    return (
      <button type="button" className={cls("link-word chip bad", big && "big")} onClick={board.live.retryNow} title={t("retryNow")}>
        <Icon name="octagon" size={big ? 24 : 12} />
        <span role="status">{t(link.kind === "lost" && link.crowded ? "linkCrowded" : "linkLost")}</span>
        <span aria-hidden="true">
          {` · ${t("stale", { time: times.hour(heard) })}`}
          {!big && ` · ${seconds === null ? t("linkNoNetwork") : seconds > 0 ? t("linkRetry", { count: seconds }) : t("linkTrying")}`}
        </span>
      </button>
    );
  }
  const age = Math.max(0, Math.round((now - heard) / 1000));
  return (
    <span className={cls("link-word row nw", link.kind === "live" ? "c-ok" : "x2", big && "big")}>
      <Icon name="wifi" size={big ? 24 : 16} />
      {link.kind === "live" ? t("linkLive", { count: age }) : t("linkConnecting")}
    </span>
  );
}

/** Only where the demo runs: how much traffic, and the hail. */
function DemoMenu() {
  const t = useT();
  const board = useBoard();
  const numbers = useNumbers();
  const demo = useStore(board.demo);
  const { state } = useShown();
  const [failed, setFailed] = useState(false);
  if (!demo) return null;
  const hail = state.trouble.hail ?? demo.hail;
  const act = (work: Promise<void>) => work.then(() => setFailed(false), () => setFailed(true));
  return (
    <>
      <Menu
        className="btn small"
        label={t("demo")}
        trigger={
          <>
            <span className="cut">{t("demo")}</span>
            <Icon name="down" />
          </>
        }
        entries={[
          { kind: "caption", id: "traffic", label: t("traffic") },
          ...[0, 0.5, 1, 2, 4].map((level) => ({
            id: `x${level}`,
            label: level === 0 ? t("trafficOff") : t("trafficTimes", { level: numbers.decimal(level, level % 1 ? 1 : 0) }),
            checked: demo.traffic === level,
            onPick: () => void act(board.traffic(level)),
          })),
        ]}
      />
      <Button size="small" icon="triangle" className={hail ? "hailing" : undefined} aria-pressed={hail} title={hail ? t("hailing") : undefined} onClick={() => void act(board.hail(!hail))}>
        {t(hail ? "hailOff" : "hailOn")}
      </Button>
      {failed && (
        <span className="c-bad t12" role="alert">
          {t("err_unavailable")}
        </span>
      )}
    </>
  );
}

const LEVEL_ICON = { warn: "triangle", bad: "octagon" } as const;

export function LevelMark({ level, size = 12 }: { level: Level; size?: 12 | 16 | 24 }) {
  const t = useT();
  if (level === "none") return null;
  return (
    <>
      <Icon name={LEVEL_ICON[level]} size={size} />
      <span className="sr">{t(level === "warn" ? "near" : "over")}</span>
    </>
  );
}

interface TileProps {
  figure: string;
  label: string;
  value: ReactNode;
  sub: string;
  level?: Level;
  aside?: ReactNode;
  onPick?: () => void;
}

function Tile({ figure, label, value, sub, level = "none", aside }: TileProps) {
  const board = useBoard();
  const { view } = useShown();
  const choice = useStore(board.choice);
  const on = isOpen(choice, figure, view.queue);
  return (
    <button
      type="button"
      className={cls("kpi", level !== "none" && level, on && "on")}
      aria-pressed={on}
      data-figure={figure}
      onClick={() => board.choice.set(on ? null : opened(figure, view.queue))}
    >
      <span className="lb">
        <LevelMark level={level} size={16} />
        <span className="cut">{label}</span>
      </span>
      <span className="mid">
        <span className="num">{value}</span>
        {aside && <span className="end">{aside}</span>}
      </span>
      <span className="sub cut">{sub}</span>
    </button>
  );
}

const CHANNEL_WORD: Record<Line, Key> = {
  voice: "calls" as Key,
  chat: "chats" as Key,
  message: "messages" as Key,
  whatsapp: "whatsapps" as Key,
  sms: "smss" as Key,
  email: "emails" as Key,
};

/** 3 calls · 2 chats */
export function mix(t: T, items: readonly WaitingItem[], channels: readonly Line[]): string {
  const parts = channels
    .map((channel) => ({ channel, count: items.filter((item) => item.channel === channel).length }))
    .filter(({ count }) => count > 0)
    .map(({ channel, count }) => t(CHANNEL_WORD[channel] as Parameters<T>[0], { count }));
  return parts.length > 0 ? parts.join(" · ") : t("nobodyWaits");
}

/** Everything that the top row says, for the chair and for the television. */
export function useTop() {
  const { state, view } = useShown();
  const now = useNow(1000);
  const items = waiting(state, view);
  const oldest = worst(state, items, now);
  const figures = today(state, view);
  const level = figures.service_level[view.formula];
  const goals = Object.values(state.queues).filter((queue) => view.queue === null || queue.key === view.queue);
  const goal = goals.length > 0 ? Math.min(...goals.map((queue) => queue.goal_percent)) : 80;
  const limit = goals.length > 0 ? Math.max(...goals.map((queue) => queue.abandon_percent)) : 8;
  const agents = agentsOf(state, view);
  const states = stateCounts(agents);
  const waited = oldest ? now - Date.parse(oldest.entered_at) : 0;
  return {
    now,
    items,
    oldest,
    waited,
    waitLevel: oldest ? waitLevel(waited, targetOf(state, oldest.queue, oldest.channel)) : ("none" as Level),
    figures,
    level,
    goal,
    limit,
    agents,
    states,
    signedIn: Object.values(states).reduce((sum, count) => sum + count, 0),
  };
}

export function Figures() {
  const t = useT();
  const { state, view } = useShown();
  const loc = useLocale();
  const numbers = useNumbers();
  const top = useTop();
  const { level, figures } = top;
  const queue = top.oldest ? state.queues[top.oldest.queue] : undefined;
  const service = serviceLevel(settled(level), top.goal);
  return (
    <div className="kp">
      <Tile
        figure="waiting"
        label={t("waiting")}
        value={top.items.length}
        sub={mix(t, top.items, channelsOf(view.medium))}
        aside={<Sparkline values={spark(state, view)} width={56} height={24} />}
      />
      <Tile
        figure="longest_wait"
        label={t("longest")}
        value={top.oldest ? duration(top.waited) : "–"}
        sub={top.oldest ? nameOf(queue, top.oldest.queue, loc) : t("nobodyWaits")}
        level={top.waitLevel}
      />
      <Tile
        figure="service_level"
        label={t("service")}
        value={numbers.percent(level)}
        sub={level[1] > 0 ? t("ofIn", { n: level[0], d: level[1] }) : t("noneYet")}
        level={service}
      />
      <Tile
        figure="abandonment"
        label={t("abandoned")}
        value={numbers.percent(figures.abandonment, 1)}
        sub={figures.offered > 0 ? t("ofShort", { n: figures.abandonment[0], d: figures.abandonment[1] }) : t("noneYet")}
        level={abandonLevel(settled(figures.abandonment), top.limit)}
      />
      <Tile
        figure="free"
        label={t("availableAgents")}
        value={
          <>
            {top.states.available} <span className="of">{t("ofAll", { count: top.signedIn })}</span>
          </>
        }
        sub={(["on_contact", "ringing", "wrap_up", "away"] as const)
          .filter((one) => top.states[one] > 0)
          .map((one) => t(`count_${one}` as Parameters<T>[0], { count: top.states[one] }))
          .join(" · ")}
      />
    </div>
  );
}

const STRIP = ["asa", "aht", "abandon_time", "occupancy", "utilisation", "non_response", "estimate_error", "statutory"] as const;

/** Further figures of the day in one line; each opens its sum as well. */
export function Strip() {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const numbers = useNumbers();
  const choice = useStore(board.choice);
  const now = useNow(5000);
  const figures = today(state, view);
  const time = worked(state, agentsOf(state, view));
  const late = deferred(state, view, now);
  const pending = isOpen(choice, "pending", view.queue);
  const values: Record<(typeof STRIP)[number], string> = {
    asa: mean(figures.asa),
    aht: mean(figures.aht),
    abandon_time: mean(figures.abandon_time),
    occupancy: numbers.percent(time.occupancy),
    utilisation: numbers.percent(time.utilisation),
    non_response: numbers.percent(figures.non_response),
    estimate_error: offWords(figures)?.[0] ?? "–",
    statutory: numbers.percent(figures.statutory, 1),
  };
  return (
    <section className="strip" aria-label={t("strip")}>
      {STRIP.map((figure) => {
        const on = isOpen(choice, figure, view.queue);
        return (
          <button
            key={figure}
            type="button"
            className={cls("small-figure", on && "on")}
            aria-pressed={on}
            data-figure={figure}
            title={t(figure)}
            onClick={() => board.choice.set(on ? null : opened(figure, view.queue))}
          >
            <span className="x2">{t(`short_${figure}`)}</span> <b>{values[figure]}</b>
          </button>
        );
      })}
      <button
        type="button"
        className={cls("small-figure end", pending && "on", late.overdue > 0 ? "c-warn" : "x2")}
        aria-pressed={pending}
        data-figure="pending"
        onClick={() => board.choice.set(pending ? null : opened("pending", view.queue))}
      >
        {late.overdue > 0 && <Icon name="triangle" size={12} />}
        {pendingWord(t, late)}
      </button>
    </section>
  );
}

/** What half of the estimated waits are off by at most, and nine in ten; null while none has been put to the test. */
export function offWords(figures: Figures): [string, string] | null {
  const [half, most] = [offWithin(figures.estimate_offs, 0.5), offWithin(figures.estimate_offs, 0.9)];
  const word = (seconds: number) => (seconds === Infinity ? `>${duration(LAST_OFF * 1000)}` : `<${duration(seconds * 1000)}`);
  return half === null || most === null ? null : [word(half), word(most)];
}

export function pendingWord(t: T, late: { pending: number; overdue: number }): string {
  if (late.pending === 0) return t("deferredNone");
  return late.overdue > 0
    ? t("deferredLate", { count: late.pending, late: late.overdue })
    : t("deferredOk", { count: late.pending });
}

/** The mean of [sum in ms, count] as m:ss. */
export const mean = ([sum, count]: Ratio): string => (count === 0 ? "–" : duration(sum / count));
