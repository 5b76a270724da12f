/** A line of the audit log as rows of a table, and the days it is searched by. */

import { REPLY_VARIABLES } from "@contactcenter/shared/contract";

export interface Change {
  field: string;
  before: string | null;
  after: string | null;
}

type Values = Record<string, unknown> | null;

/** Field by field what was and what is; null where there was nothing. */
export function changesOf(before: Values, after: Values): Change[] {
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return fields.map((field) => ({ field, before: shown(before?.[field]), after: shown(after?.[field]) }));
}

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? "[]" : value.map((one) => shown(one) ?? "").join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The first instant of a day given as 2026-11-23, in this machine's time zone; empty for anything else. */
export function dayStart(day: string): string {
  const at = midnight(day);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

/** The first instant after that day. */
export function dayEnd(day: string): string {
  const at = midnight(day);
  if (Number.isNaN(at.getTime())) return "";
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}

/** No date at all for what is not a day. */
const midnight = (day: string): Date => new Date(/^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T00:00:00` : NaN);

/** The first word in braces for which a saved reply has no name to put in; null when all are known. */
export function strange(text: string): string | null {
  for (const [, word = ""] of text.matchAll(/\{([^{}]*)\}/g)) if (!REPLY_VARIABLES.has(word)) return word;
  return null;
}
