/** Sums, days and moments as the reader's language writes them, in the centre's time zone. */
import type { Money } from "@contactcenter/shared/contract";
import { type Locale, locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { serverNow, times, wall } from "@contactcenter/shared/time";

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
  /** A part of one, as a percentage: 0.075 → 7,5 %. */
  share: (part: number) => string;
  /** A calendar day, 2027-03-14 → 14 mar 2027; this year's without the year. */
  day: (day: string | null | undefined) => string;
  /** An instant: day and hour. */
  moment: (at: string | null | undefined) => string;
}

function formatsOf(loc: Locale): Formats {
  return {
    share: (part) => new Intl.NumberFormat(tag(loc), { style: "percent", maximumFractionDigits: 2 }).format(part),
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
