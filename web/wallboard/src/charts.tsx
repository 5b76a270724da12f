/** Small charts of our own in SVG: a sparkline, bars against what was expected, a line against a goal. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTimes } from "@contactcenter/shared/time";

import { useNumbers } from "./context";
import type { Level } from "./levels";
import { type Half, isDip, labelAt, quotient } from "./model";
import { useT } from "./texts";

export function Sparkline({ values, width, height, level = "none", thick = 1.5 }: { values: number[]; width: number; height: number; level?: Level; thick?: number }) {
  const t = useT();
  const most = Math.max(...values, 3);
  const pad = thick * 1.4;
  const x = (slot: number) => (slot * width) / (values.length - 1);
  const y = (value: number) => height - pad - (value / most) * (height - 2 * pad);
  const line = values.map((value, slot) => `${slot === 0 ? "M" : "L"}${x(slot).toFixed(1)} ${y(value).toFixed(1)}`).join(" ");
  const colour = level === "bad" ? "var(--bad-mark)" : "var(--series)";
  const last = values[values.length - 1] ?? 0;
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t("sparkLabel", { count: Math.max(...values, 0) })}>
      <path d={`${line} L${width} ${height} L0 ${height} Z`} fill={colour} opacity={0.14} />
      <path d={line} fill="none" stroke={colour} strokeWidth={thick} strokeLinejoin="round" />
      <circle cx={width} cy={y(last)} r={thick * 1.8} fill={colour} />
    </svg>
  );
}

/** The room a chart has, so that its text is never scaled. */
function useRoom(): [React.RefObject<HTMLDivElement | null>, { width: number; height: number }] {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState({ width: 404, height: 124 });
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setRoom({ width: Math.max(200, Math.floor(entry.contentRect.width)), height: Math.max(100, Math.floor(entry.contentRect.height)) });
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [ref, room];
}

const TOP = 22;
const FOOT = 24;

interface Frame {
  rows: Half[];
  onPick: (half: number) => void;
}

function Axis({ ticks, y, left, width }: { ticks: number[]; y: (value: number) => number; left: number; width: number }) {
  return (
    <g aria-hidden="true">
      {ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${left} ${y(tick)}H${width}`} stroke="var(--grid)" />
          <text x={left - 8} y={y(tick) + 4} textAnchor="end" fill="var(--text-3)">
            {tick}
          </text>
        </g>
      ))}
    </g>
  );
}

function Hours({ rows, x, step, y }: { rows: Half[]; x: (index: number) => number; step: number; y: number }) {
  const times = useTimes();
  const every = step < 24 ? 4 : 2;
  return (
    <g aria-hidden="true">
      {rows.map((row, index) =>
        (row.start / 1_800_000) % every === 0 ? (
          <text key={row.start} x={x(index)} y={y} textAnchor="middle" fill="var(--text-3)">
            {times.hour(row.start).replace(/^0/, "")}
          </text>
        ) : null,
      )}
    </g>
  );
}

/** A step of 1, 2 or 5 times a power of ten that makes two or three ticks. */
function tickStep(most: number): number {
  for (let unit = 1; ; unit *= 10) for (const times of [1, 2, 5]) if (most / (unit * times) <= 2.5) return unit * times;
}

function Hit({ x, width, base, label, onPick, children }: { x: number; width: number; base: number; label: string; onPick: () => void; children: ReactNode }) {
  return (
    <g
      className="hit"
      role="button"
      tabIndex={0}
      aria-label={label}
      onClick={onPick}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          onPick();
        }
      }}
    >
      <title>{label}</title>
      <rect className="zone" x={x} y={TOP - 12} width={width} height={base - TOP + 14} rx={4} />
      {children}
    </g>
  );
}

export function ContactsChart({ rows, onPick }: Frame) {
  const t = useT();
  const times = useTimes();
  const numbers = useNumbers();
  const [ref, { width, height }] = useRoom();
  const base = height - FOOT;
  const left = 28;
  const most = Math.max(...rows.map((row) => Math.max(row.offered, row.expected ?? 0)), 4);
  const tick = tickStep(most);
  const top = Math.ceil(most / tick) * tick;
  const ticks = Array.from({ length: top / tick + 1 }, (_, index) => index * tick);
  const step = (width - left) / Math.max(rows.length, 1);
  const bar = Math.min(22, step * 0.6);
  const y = (value: number) => base - (value / top) * (base - TOP);
  const x = (index: number) => left + step * (index + 0.5);
  return (
    <div ref={ref} className="room">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={t("chartContacts")}>
        <Axis ticks={ticks} y={y} left={left} width={width} />
        {rows.map((row, index) => {
          const time = times.hour(row.start);
          const label =
            row.expected === null
              ? t("chartActual", { time, count: row.offered })
              : t("chartActualExpected", { time, count: row.offered, expected: numbers.decimal(row.expected, 0) });
          const marks = (
            <>
              {row.offered > 0 && (
                <rect x={x(index) - bar / 2} y={y(row.offered)} width={bar} height={base - y(row.offered)} rx={2} fill="var(--series)" opacity={row.running ? 0.55 : 1} />
              )}
              {row.expected !== null && (
                <path d={`M${x(index) - bar / 2 - 4} ${y(row.expected)}h${bar + 8}`} stroke="var(--text-2)" strokeWidth={2} strokeDasharray={row.begun ? undefined : "4 3"} />
              )}
            </>
          );
          return row.begun ? (
            <Hit key={row.start} x={x(index) - step / 2} width={step} base={base} label={label} onPick={() => onPick(row.start)}>
              {marks}
            </Hit>
          ) : (
            <g key={row.start}>
              <title>{label}</title>
              {marks}
            </g>
          );
        })}
        <Hours rows={rows} x={x} step={step} y={height - 6} />
      </svg>
    </div>
  );
}

export function ServiceChart({ rows, onPick, goal }: Frame & { goal: number }) {
  const t = useT();
  const times = useTimes();
  const numbers = useNumbers();
  const [ref, { width, height }] = useRoom();
  const base = height - FOOT;
  const left = 36;
  const shares = rows.map((row) => quotient(row.level));
  const known = shares.filter((share) => share !== null);
  const floor = Math.min(50, Math.floor(Math.min(...known, 1) * 4) * 25);
  const ticks = [floor, (floor + 100) / 2, 100];
  const step = (width - left) / Math.max(rows.length, 1);
  const y = (percent: number) => base - ((percent - floor) / (100 - floor)) * (base - TOP);
  const x = (index: number) => left + step * (index + 0.5);
  let line = "";
  let drawing = false;
  shares.forEach((share, index) => {
    if (share === null) drawing = false;
    else {
      line += `${drawing ? "L" : "M"}${x(index).toFixed(1)} ${y(share * 100).toFixed(1)} `;
      drawing = true;
    }
  });
  return (
    <div ref={ref} className="room">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="group" aria-label={t("chartService")}>
        <Axis ticks={ticks} y={y} left={left} width={width} />
        <path d={`M${left} ${y(goal)}H${width}`} stroke="var(--warn-mark)" strokeDasharray="4 4" />
        <text x={width} y={y(goal) + (goal > 85 ? 14 : -5)} textAnchor="end" fill="var(--warn)">
          {t("chartGoal", { percent: goal })}
        </text>
        <path d={line} fill="none" stroke="var(--series)" strokeWidth={2} />
        {rows.map((row, index) => {
          const share = shares[index];
          if (share === null || share === undefined) return null;
          const percent = numbers.bare(row.level);
          const label = t("chartLevel", { time: times.hour(row.start), percent, n: row.level[0], d: row.level[1] });
          return (
            <Hit key={row.start} x={x(index) - step / 2} width={step} base={base} label={label} onPick={() => onPick(row.start)}>
              <circle cx={x(index)} cy={y(share * 100)} r={3} fill="var(--series)" />
              <text x={x(index)} y={labelAt(y(share * 100), base, isDip(shares, index))} textAnchor="middle" fill="var(--text)" fontWeight={600} className={step < 18 ? "tiny" : undefined}>
                {percent}
              </text>
            </Hit>
          );
        })}
        <Hours rows={rows} x={x} step={step} y={height - 6} />
      </svg>
    </div>
  );
}
