/** A row per queue. Arrows move between its numbers; each number opens its sum. */
import { Icon } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { alarmSound, isNews } from "./alarm";
import { isOpen, opened } from "./board";
import { Sparkline } from "./charts";
import { nameOf, useBoard, useLocale, useNumbers, useShown } from "./context";
import { abandonLevel, type Level, serviceLevel, settled, waitLevel, worse } from "./levels";
import { isMember, queuesOf, spark, targetOf, today, waiting, type WallboardQueue, worst } from "./model";
import { useT } from "./texts";
import { LevelMark } from "./top";

interface Cell {
  figure: string;
  value: ReactNode;
  level: Level;
}

/** A queue's numbers now, for the table and for the television. */
export function useRow(): (queue: WallboardQueue) => {
  items: ReturnType<typeof waiting>;
  longest: string;
  wait: Level;
  figures: ReturnType<typeof today>;
  service: Level;
  abandon: Level;
  free: number;
  ringing: number;
  spark: number[];
} {
  const { state, view } = useShown();
  const now = useNow(1000);
  return (queue) => {
    const items = waiting(state, view, queue.key);
    const oldest = worst(state, items, now);
    const waited = oldest ? now - Date.parse(oldest.entered_at) : 0;
    const figures = today(state, view, queue.key);
    const members = Object.values(state.agents).filter((agent) => isMember(agent, queue));
    return {
      items,
      longest: oldest ? duration(waited) : "–",
      wait: oldest ? waitLevel(waited, targetOf(state, queue.key, oldest.channel)) : "none",
      figures,
      service: serviceLevel(settled(figures.service_level[view.formula]), queue.goal_percent),
      abandon: abandonLevel(settled(figures.abandonment), queue.abandon_percent),
      free: members.filter((agent) => agent.state === "available").length,
      ringing: members.filter((agent) => agent.items.some((item) => item.state === "ringing" && item.queue === queue.key)).length,
      spark: spark(state, view, queue.key),
    };
  };
}

/** Sounds, if that is wanted, when a queue of the view goes over its longest wait or service level. */
export function Alarm() {
  const board = useBoard();
  const { state, view } = useShown();
  const row = useRow();
  const wanted = useStore(board.sound);
  const over = queuesOf(state, view).flatMap((queue) => {
    const now = row(queue);
    return [now.wait === "bad" && `${queue.key}:wait`, now.service === "bad" && `${queue.key}:service`].filter((one) => one !== false);
  });
  const before = useRef<ReadonlySet<string> | null>(null);
  const stamp = `${view.queue}/${view.medium}/${view.formula}`;
  const seen = useRef(stamp);
  useEffect(() => {
    const now = new Set(over);
    // Another view begins anew: what is over its limit in it is seen, not heard.
    if (wanted && before.current && seen.current === stamp && isNews(before.current, now)) alarmSound();
    before.current = now;
    seen.current = stamp;
  }, [over.join(), stamp, wanted]); // eslint-disable-line react-hooks/exhaustive-deps
  return null;
}

export function QueueTable() {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const loc = useLocale();
  const numbers = useNumbers();
  const choice = useStore(board.choice);
  const row = useRow();
  const body = useRef<HTMLTableSectionElement>(null);
  const [active, setActive] = useState<[number, number]>([0, 0]);
  const queues = queuesOf(state, view);

  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    const [line, column] = [active[0] + (by[0] ?? 0), active[1] + (by[1] ?? 0)];
    const next = body.current?.rows[line]?.querySelectorAll("button")[column];
    if (next) {
      setActive([line, column]);
      next.focus();
    }
  };

  return (
    <section className="card queues">
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{`${t("queue")}, ${t(`medium_${view.medium}`).toLocaleLowerCase(loc)}`}</th>
              <th scope="col">{t("colWaiting")}</th>
              <th scope="col">{t("colLongest")}</th>
              <th scope="col">{t("colService")}</th>
              <th scope="col">{t("colOffered")}</th>
              <th scope="col">{t("colAnswered")}</th>
              <th scope="col">{t("colAbandoned")}</th>
              <th scope="col">{t("colFree")}</th>
              <th scope="col">{t("colHour")}</th>
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={onKeyDown}>
            {queues.map((queue, line) => {
              const now = row(queue);
              const cells: Cell[] = [
                { figure: "waiting", value: now.items.length, level: "none" },
                { figure: "longest_wait", value: now.longest, level: now.wait },
                { figure: "service_level", value: numbers.percent(now.figures.service_level[view.formula]), level: now.service },
                { figure: "offered", value: now.figures.offered, level: "none" },
                { figure: "answered", value: now.figures.answered, level: "none" },
                { figure: "abandonment", value: now.figures.abandoned, level: now.abandon },
                {
                  figure: "free",
                  value: now.free > 0 || now.ringing === 0 ? now.free : t("ringing", { count: now.ringing }),
                  level: "none",
                },
              ];
              return (
                <tr key={queue.key} data-queue={queue.key}>
                  <th scope="row">
                    {nameOf(queue, queue.key, loc)}
                    {queue.unreadable && (
                      <span className="row t12 c-bad unreadable">
                        <Icon name="octagon" size={12} />
                        {t("unreadable")}
                      </span>
                    )}
                  </th>
                  {cells.map((cell, column) => {
                    const on = isOpen(choice, cell.figure, queue.key);
                    return (
                      <td key={cell.figure} className={cls(cell.level !== "none" && cell.level, on && "sel")}>
                        <button
                          type="button"
                          className="cell"
                          data-figure={cell.figure}
                          aria-pressed={on}
                          tabIndex={active[0] === line && active[1] === column ? 0 : -1}
                          onFocus={() => setActive([line, column])}
                          onClick={() => board.choice.set(on ? null : opened(cell.figure, queue.key))}
                        >
                          <LevelMark level={cell.level} />
                          <span>{cell.value}</span>
                        </button>
                      </td>
                    );
                  })}
                  <td className="hour">
                    <Sparkline values={now.spark} width={88} height={20} level={worse(now.wait, "none") === "bad" ? "bad" : "none"} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
