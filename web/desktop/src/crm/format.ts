/** Sums, days and moments as the reader's language writes them, in the centre's time zone. */
import type { Money } from "@contactcenter/shared/contract";
import { type Locale, locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { centreZone, serverNow, times } from "@contactcenter/shared/time";

const tag = (loc: Locale): string => (loc === "es" ? "es-ES" : "en-GB");
const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function numbers(loc: Locale): Intl.NumberFormat {
  const key = `money ${loc}`;
  const found = made.get(key) ?? new Intl.NumberFormat(tag(loc), { style: "currency", currency: "EUR", useGrouping: true });
  made.set(key, found);
  return found as Intl.NumberFormat;
}

function days(loc: Locale, year: boolean): Intl.DateTimeFormat {
  const key = `day ${loc} ${year}`;
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", timeZone: "UTC", ...(year ? { year: "numeric" } : {}) };
  const found = made.get(key) ?? new Intl.DateTimeFormat(tag(loc), options);
  made.set(key, found);
  return found as Intl.DateTimeFormat;
}

export interface Formats {
  money: (sum: Money | null | undefined) => string;
  /** A calendar day, 2027-03-14 → 14 mar 2027; this year's without the year. */
  day: (day: string | null | undefined) => string;
  /** An instant: day and hour. */
  moment: (at: string | null | undefined) => string;
}

function formatsOf(loc: Locale): Formats {
  return {
    money: (sum) => (sum ? numbers(loc).format(Number(sum.amount)) : "—"),
    day: (day) => {
      if (!day) return "—";
      const at = Date.parse(`${day.slice(0, 10)}T00:00:00Z`);
      const thisYear = new Date(serverNow()).getUTCFullYear() === new Date(at).getUTCFullYear();
      return days(loc, !thisYear).format(at);
    },
    moment: (at) => (at ? `${formatsOf(loc).day(wall(at))}, ${times().hour(at)}` : "—"),
  };
}

const both: Record<Locale, Formats> = { es: formatsOf("es"), en: formatsOf("en") };
export const useFormats = (): Formats => both[useStore(locale)];

/** An instant as the centre's wall shows it, as the browser's field takes it: 2026-11-23T10:50. */
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

export const today = (): string => wall(serverNow()).slice(0, 10);
export const now = (): string => wall(serverNow());
