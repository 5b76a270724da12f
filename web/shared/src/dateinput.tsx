/**
 * A day, or a day and an hour, in the language of the page: typed as it is read, or picked from a
 * month. The browser's own field would speak the browser's language. Up and down move by a day.
 */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";

import { isKept, monthOf, moved, shown, typed, weeksOf } from "./dates";
import { pairs } from "./i18n";
import { locale } from "./prefs";
import { useStore } from "./store";
import { now, today } from "./time";
import { cls, ErrorLine, IconButton } from "./ui";

const { useT } = pairs({
  dayHint: ["dd/mm/aaaa", "dd/mm/yyyy"],
  momentHint: ["dd/mm/aaaa hh:mm", "dd/mm/yyyy hh:mm"],
  notRead: ["Escríbela así: 30/11/2026.", "Write it like 30/11/2026."],
  pickDay: ["Elegir el día", "Pick the day"],
  monthBefore: ["Mes anterior", "Month before"],
  monthAfter: ["Mes siguiente", "Month after"],
});

interface Props {
  id: string;
  name?: string;
  /** 2026-11-30 or 2026-11-30T10:50; what could not be read, as it was typed. */
  value: string;
  timed?: boolean;
  small?: boolean;
  invalid?: boolean;
  describedBy?: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
}

type Side = "left" | "right";

/** As wide as the month of base.css at most, in pixels. */
const MONTH_WIDTH = 264;

/** The edge of the field from which the month stays within the window. */
const roomy = (box: HTMLElement | null): Side => (box && box.getBoundingClientRect().left + MONTH_WIDTH > innerWidth ? "right" : "left");

export function DateInput({ id, name, value, timed = false, small, invalid, describedBy, onChange, onBlur }: Props) {
  const t = useT();
  const [text, setText] = useState(shown(value));
  const [open, setOpen] = useState<Side | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLSpanElement>(null);
  const read = (given: string): string => (given.trim() === "" ? "" : (typed(given, timed) ?? given));
  // Set from outside: a draft that came back, or another field.
  if (read(text) !== value && value !== text) setText(shown(value));
  useEffect(() => {
    if (!open) return;
    const away = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(null);
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const put = (kept: string) => {
    setText(shown(kept));
    onChange(kept);
  };
  const step = (by: number) => put(value !== "" && isKept(value) ? moved(value, by) : timed ? now() : today());
  const pick = (day: string) => {
    put(timed ? `${day}T${isKept(value) && value.length > 10 ? value.slice(11) : now().slice(11)}` : day);
    setOpen(null);
    field.current?.focus();
  };
  return (
    <span
      ref={box}
      className="date-in"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        event.stopPropagation();
        setOpen(null);
        field.current?.focus();
      }}
    >
      <input
        ref={field}
        id={id}
        name={name}
        className={cls("input", small && "small")}
        type="text"
        inputMode="numeric"
        autoComplete="off"
        maxLength={20}
        placeholder={t(timed ? "momentHint" : "dayHint")}
        value={text}
        aria-invalid={invalid || undefined}
        aria-describedby={describedBy}
        onChange={(event) => {
          setText(event.target.value);
          onChange(read(event.target.value));
        }}
        onBlur={() => {
          setText(shown(value));
          onBlur?.();
        }}
        onKeyDown={(event) => {
          if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
          event.preventDefault();
          step(event.key === "ArrowUp" ? 1 : -1);
        }}
      />
      <IconButton icon="calendar" label={t("pickDay")} aria-expanded={open !== null} onClick={() => setOpen(open ? null : roomy(box.current))} />
      {open && <Month side={open} chosen={isKept(value) ? value.slice(0, 10) : ""} onPick={pick} />}
    </span>
  );
}

/** A day with its label; what could not be read as one is told below it. */
export function DayField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const t = useT();
  const id = useId();
  const [left, setLeft] = useState(false);
  const wrong = left && !isKept(value);
  return (
    <div className="field">
      <div className="lab">
        <label htmlFor={id}>{label}</label>
      </div>
      <DateInput
        id={id}
        value={value}
        invalid={wrong}
        describedBy={`${id}-e`}
        onChange={(kept) => {
          setLeft(false);
          onChange(kept);
        }}
        onBlur={() => setLeft(true)}
      />
      <ErrorLine id={`${id}-e`} error={wrong ? t("notRead") : undefined} />
    </div>
  );
}

const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

function Month({ side, chosen, onPick }: { side: Side; chosen: string; onPick: (day: string) => void }) {
  const t = useT();
  const loc = useStore(locale) === "es" ? "es-ES" : "en-GB";
  const [at, setAt] = useState(chosen || today());
  const grid = useRef<HTMLDivElement>(null);
  useEffect(() => grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus(), [at]);
  const named = (day: string, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(loc, { ...options, timeZone: "UTC" }).format(Date.parse(`${day}T00:00:00Z`));
  const weeks = weeksOf(at);
  const onKey = (event: KeyboardEvent) => {
    const by = KEYS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setAt(moved(at, by));
  };
  return (
    <div className="pop month" style={{ [side]: 0 }} role="dialog" aria-label={t("pickDay")}>
      <div className="row">
        <IconButton icon="left" label={t("monthBefore")} onClick={() => setAt(monthOf(at, -1))} />
        <b className="grow month-name" aria-live="polite">{named(at, { month: "long", year: "numeric" })}</b>
        <IconButton icon="right" label={t("monthAfter")} onClick={() => setAt(monthOf(at, 1))} />
      </div>
      <div ref={grid} className="month-days" onKeyDown={onKey}>
        {weeks[0]?.map((day) => <span key={day} className="t12 x3" aria-hidden="true">{named(day, { weekday: "narrow" })}</span>)}
        {weeks.flat().map((day) => (
          <button
            key={day}
            type="button"
            tabIndex={day === at ? 0 : -1}
            aria-label={named(day, { dateStyle: "full" })}
            aria-pressed={day === chosen}
            aria-current={day === today() ? "date" : undefined}
            className={cls(day.slice(0, 7) !== at.slice(0, 7) && "x3", day === chosen && "on")}
            onClick={() => onPick(day)}
          >
            {Number(day.slice(8))}
          </button>
        ))}
      </div>
    </div>
  );
}
