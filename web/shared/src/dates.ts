/** PURE. Days and moments as people type and read them: 30/11/2026 10:50, kept as 2026-11-30T10:50. */

const two = (n: number): string => String(n).padStart(2, "0");

/** Two digits of a year: up to 49 of this century, else of the last. */
const fullYear = (year: number): number => (year >= 100 ? year : year < 50 ? 2000 + year : 1900 + year);

function dayOf(text: string): string | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const typed = /^(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{2}|\d{4})$/.exec(text) ?? /^(\d{2})(\d{2})(\d{4}|\d{2})$/.exec(text);
  const [year, month, day] = iso ? [iso[1], iso[2], iso[3]].map(Number) : typed ? [fullYear(Number(typed[3])), Number(typed[2]), Number(typed[1])] : [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const found = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
  const made = new Date(`${found}T00:00:00Z`);
  return !Number.isNaN(made.getTime()) && made.toISOString().slice(0, 10) === found ? found : null;
}

/** What was typed, as it is kept; null: it is no day, or (`timed`) no moment. */
export function typed(text: string, timed: boolean): string | null {
  const clean = text.trim();
  if (!timed) return dayOf(clean);
  const [, day = "", hour = "", minute = ""] = /^(.+?)(?:,\s*|\s+|T)(\d{1,2})[:.h](\d{2})$/.exec(clean) ?? [];
  const found = dayOf(day);
  return found !== null && Number(hour) < 24 && Number(minute) < 60 ? `${found}T${two(Number(hour))}:${minute}` : null;
}

/** An hour as it is kept, 09:05; null: what was typed is none. */
export function typedHour(text: string): string | null {
  const [, hour = "", minute = ""] = /^(\d{1,2})[:.h](\d{2})$/.exec(text.trim()) ?? /^(\d{2})(\d{2})$/.exec(text.trim()) ?? [];
  return hour !== "" && Number(hour) < 24 && Number(minute) < 60 ? `${two(Number(hour))}:${minute}` : null;
}

/** As it is read; what is no day stays as it is. */
export function shown(kept: string): string {
  const [, year, month, day, hour] = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}))?$/.exec(kept) ?? [];
  return year ? `${day}/${month}/${year}${hour ? ` ${hour}` : ""}` : kept;
}

/** Empty, a day or a moment: anything else is text that could not be read. */
export const isKept = (value: string): boolean => value === "" || /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2})?$/.test(value);

/** Empty, or an hour. */
export const isHour = (value: string): boolean => value === "" || /^\d{2}:\d{2}$/.test(value);

/** So many days later, earlier when negative. */
export function moved(day: string, by: number): string {
  const at = new Date(`${day.slice(0, 10)}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + by);
  return at.toISOString().slice(0, 10) + day.slice(10);
}

/** The month before or after, on its first day. */
export function monthOf(day: string, by = 0): string {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 + by, 1)).toISOString().slice(0, 10);
}

/** The weeks of a month, from Monday; days of other months fill them up. */
export function weeksOf(month: string): string[][] {
  const first = monthOf(month);
  const back = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7;
  const weeks: string[][] = [];
  for (let at = moved(first, -back); weeks.length === 0 || at.slice(0, 7) === first.slice(0, 7); at = moved(at, 7))
    weeks.push(Array.from({ length: 7 }, (_, n) => moved(at, n)));
  return weeks;
}
