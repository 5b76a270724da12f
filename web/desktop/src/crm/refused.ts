/** What the server refused, as sentences: one for the whole form, one for each field to blame. */
import { ApiError } from "@contactcenter/shared/api";

import { FAULTS } from "./texts-faults";
import type { w, Word } from "./texts";

const known = (word: string): Word | undefined => (Object.hasOwn(FAULTS, word) ? (word as Word) : undefined);

const KINDS: Record<string, Word> = {
  missing: "f_missing",
  string_too_short: "f_missing",
  string_too_long: "f_tooLong",
  too_large: "f_too_large",
  negative_amount: "f_amount_not_positive",
  date_out_of_range: "f_bad_date",
  date_from_datetime_parsing: "f_bad_date",
  decimal_max_digits: "f_too_large",
  literal_error: "f_bad_word",
  greater_than: "f_out_of_range",
  greater_than_equal: "f_out_of_range",
  less_than: "f_out_of_range",
  less_than_equal: "f_out_of_range",
};

export function refusal(error: unknown, say: typeof w): string {
  if (!(error instanceof ApiError)) return say("r_broken");
  const { ctx } = error;
  for (const name of ["reason", "verdict", "type"]) {
    const word = known(`r_${String(ctx[name])}`) ?? known(`f_${String(ctx[name])}`);
    if (word) return say(word);
  }
  for (const name of ["merged_into", "open", "missing"]) if (name in ctx) return say(known(`r_${name}`) ?? "r_conflict");
  switch (error.status) {
    case 0:
      return say("r_unreachable");
    case 403:
      return say("r_forbidden");
    case 404:
      return say("r_gone");
    case 409:
      return say("r_conflict");
    case 412:
    case 428:
      return say("changedSince");
    case 429:
      return say("r_limited");
    case 400:
    case 422:
      return say("mendFirst");
    default:
      return say("r_broken");
  }
}

/** Why a workflow's step failed, by the code that it ended with; one of before has none. */
export function whyFailed(result: Readonly<Record<string, unknown>> | null | undefined, say: typeof w): string {
  const code = String(result?.code ?? "");
  return say(known(`we_${code}`) ?? known(`f_${code}`) ?? known(`r_${code}`) ?? KINDS[code] ?? "we_step_impossible");
}

/** Field → sentence. `names`: the form's own fields; the last of them that an error names is to blame. */
export function faultsOf(error: unknown, names: Iterable<string>, say: typeof w): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const mine = new Set(names);
  const found: Record<string, string> = {};
  for (const { loc, type } of error.errors) {
    const name = loc.findLast((part) => mine.has(String(part)));
    if (name !== undefined) found[String(name)] ??= say(KINDS[type] ?? known(`f_${type}`) ?? "f_field");
  }
  const field = error.ctx.field;
  if (typeof field === "string" && mine.has(field)) found[field] ??= say(known(`f_${String(error.ctx.type)}`) ?? "f_field");
  if (error.errors.some((one) => one.type === "name_missing"))
    for (const name of ["last_name", "company_name"]) if (mine.has(name)) found[name] ??= say("f_name_missing");
  return found;
}
