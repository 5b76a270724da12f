/**
 * Time as the centre tells it. Its clock may differ from this machine's (a demo
 * runs on its own Monday), so ages and times are counted from the server's now,
 * learned with each snapshot, and written in the centre's time zone.
 */
import { useEffect, useState } from "react";

import { type Locale, locale } from "./prefs";
import { useStore } from "./store";

let offsetMs = 0;
let zone: string | undefined;

/** The centre's time zone, once known. */
export const centreZone = (): string | undefined => zone;

/** Learn the server's now (RFC 3339) and, once known, the centre's time zone. */
export function setServerClock(serverNow: string, timezone?: string): void {
  offsetMs = Date.parse(serverNow) - Date.now();
  if (timezone !== undefined) zone = timezone;
}

/** The centre's now in milliseconds since 1970. */
export const serverNow = (): number => Date.now() + offsetMs;

const ticks = new Map<number, { listeners: Set<() => void>; timer: number }>();

/** The centre's now, rendered again every `everyMs`; one timer per pace for the whole page. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const listener = () => setNow(serverNow());
    let tick = ticks.get(everyMs);
    if (!tick) {
      const listeners = new Set<() => void>();
      tick = { listeners, timer: window.setInterval(() => listeners.forEach((l) => l()), everyMs) };
      ticks.set(everyMs, tick);
    }
    const mine = tick;
    mine.listeners.add(listener);
    listener();
    return () => {
      mine.listeners.delete(listener);
      if (mine.listeners.size === 0) {
        clearInterval(mine.timer);
        ticks.delete(everyMs);
      }
    };
  }, [everyMs]);
  return now;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** 0:52, 12:41, 1:02:05. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** 0:52 and 12:41, but 2 h 10: seconds say nothing after an hour. */
export function roughly(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? duration(ms) : `${Math.floor(minutes / 60)} h ${two(minutes % 60)}`;
}

/** 00:12:41, always the same width. */
export function clockDuration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${two(Math.floor(s / 3600))}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
}

/** An instant as the centre's wall shows it, as a field keeps it: 2026-11-23T10:50. */
export function wall(at: string | number, zone = centreZone()): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    ...(zone ? { timeZone: zone } : {}),
  }).formatToParts(typeof at === "number" ? at : Date.parse(at));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}`;
}

/** The instant at which the centre's wall shows this; in the hour that comes twice, the first. */
export function instant(shown: string, zone = centreZone()): string | null {
  const guess = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(shown) ? Date.parse(`${shown}:00Z`) : NaN;
  if (Number.isNaN(guess)) return null;
  const ahead = (at: number): number => Date.parse(`${wall(at, zone)}:00Z`) - at;
  // Twelve hours on each side of a change of the clocks the offset is the one before, or after it.
  const found = [guess - ahead(guess - 43_200_000), guess - ahead(guess + 43_200_000)].filter((at) => wall(at, zone) === shown);
  return new Date(Math.min(...(found.length > 0 ? found : [guess - ahead(guess)]))).toISOString();
}

/** The day that it is in the centre. */
export const today = (): string => wall(serverNow()).slice(0, 10);
/** The centre's now, to the minute. */
export const now = (): string => wall(serverNow());

const formats = new Map<string, Intl.DateTimeFormat>();
function format(loc: Locale, key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const id = `${loc}/${key}/${zone ?? ""}`;
  let made = formats.get(id);
  if (!made) {
    made = new Intl.DateTimeFormat(loc === "es" ? "es-ES" : "en-GB", zone ? { ...options, timeZone: zone } : options);
    formats.set(id, made);
  }
  return made;
}

const dayKey = (at: number, loc: Locale): string =>
  format(loc, "key", { year: "numeric", month: "2-digit", day: "2-digit" }).format(at);

export interface Times {
  /** 10:47 */
  hour(at: string | number): string;
  /** 10:47:22 */
  second(at: string | number): string;
  /** Monday 23 November */
  day(at: string | number): string;
  /** Hour if today, weekday and day within a week, else day and month. */
  short(at: string | number): string;
  /** The exact instant, for titles. */
  exact(at: string | number): string;
  sameDay(a: string | number, b: string | number): boolean;
}

function timesOf(loc: Locale): Times {
  const ms = (at: string | number): number => (typeof at === "number" ? at : Date.parse(at));
  const hour = (at: string | number): string =>
    format(loc, "hour", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms(at));
  const sameDay = (a: string | number, b: string | number): boolean => dayKey(ms(a), loc) === dayKey(ms(b), loc);
  return {
    hour,
    second: (at) =>
      format(loc, "second", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(ms(at)),
    day: (at) => format(loc, "day", { weekday: "long", day: "numeric", month: "long" }).format(ms(at)).replace(",", ""),
    short: (at) => {
      const now = serverNow();
      if (sameDay(at, now)) return hour(at);
      if (Math.abs(now - ms(at)) < 6 * 86_400_000)
        return format(loc, "week", { weekday: "short", day: "numeric" }).format(ms(at)).replace(",", "");
      return format(loc, "month", { day: "numeric", month: "short" }).format(ms(at));
    },
    exact: (at) =>
      format(loc, "exact", { dateStyle: "full", timeStyle: "medium" }).format(ms(at)),
    sameDay,
  };
}

const both: Record<Locale, Times> = { es: timesOf("es"), en: timesOf("en") };

export const useTimes = (): Times => both[useStore(locale)];
export const times = (): Times => both[locale.get()];
