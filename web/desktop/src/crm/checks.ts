/**
 * What a form checks as one types: the server's own rules, so that nothing comes back refused that
 * could have been said before. Each answers the kind of fault, or null.
 */
export type Fault =
  | "missing" | "no_evidence" | "no_document" | "tooLong" | "bad_dni" | "bad_tax_id" | "bad_iban" | "bad_phone" | "bad_email" | "bad_amount"
  | "amount_not_positive" | "bad_date" | "bad_period" | "in_future" | "in_past" | "bad_plate" | "bad_postal_code"
  | "bad_rate" | "bad_url" | "bad_number" | "bad_sign" | "outside_term" | "over_approved" | "out_of_range" | "bad_steps" | "before_last" | "break_moment" | "not_a_day" | "not_an_hour"
  | "bad_key" | "key_taken" | "bad_dgs_code" | "dgs_code_taken" | "bad_codes" | "too_large" | "bad_months" | "bad_rule_name" | "twice" | "bad_overflow" | "bad_id";

const LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";
const compact = (text: string): string => text.toUpperCase().replace(/[\s.\-/]/g, "");

/** DNI: the number modulo 23 names its letter. NIE: X, Y, Z stand for 0, 1, 2. */
export function personalDocument(text: string): Fault | null {
  const given = compact(text);
  if (!/^(?:\d{8}|[XYZ]\d{7})[A-Z]$/.test(given)) return "bad_dni";
  const number = Number(given.slice(0, -1).replace(/^[XYZ]/, (letter) => String("XYZ".indexOf(letter))));
  return LETTERS[number % 23] === given.at(-1) ? null : "bad_dni";
}

/** A company's NIF: digits at odd places are doubled and their digits added; the control is a digit or a letter. */
export function companyDocument(text: string): Fault | null {
  const given = compact(text);
  if (!/^[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]$/.test(given)) return "bad_tax_id";
  const sum = [...given.slice(1, 8)].reduce((so, digit, at) => {
    const value = at % 2 === 0 ? Number(digit) * 2 : Number(digit);
    return so + Math.floor(value / 10) + (value % 10);
  }, 0);
  const control = (10 - (sum % 10)) % 10;
  const last = given.at(-1) ?? "";
  const asLetter = "JABCDEFGHI"[control] === last;
  const asDigit = String(control) === last;
  if ("NPQRSW".includes(given.charAt(0))) return asLetter ? null : "bad_tax_id";
  if ("ABEH".includes(given.charAt(0))) return asDigit ? null : "bad_tax_id";
  return asDigit || asLetter ? null : "bad_tax_id";
}

/** ISO 13616: the first four moved to the end, letters as numbers, the rest modulo 97 is 1. */
export function iban(text: string): Fault | null {
  const given = compact(text);
  if (!/^[A-Z]{2}\d{2}[0-9A-Z]{11,30}$/.test(given)) return "bad_iban";
  if (given.startsWith("ES") && !/^ES\d{22}$/.test(given)) return "bad_iban";
  const digits = (given.slice(4) + given.slice(0, 4)).replace(/[A-Z]/g, (c) => String(c.charCodeAt(0) - 55));
  let rest = 0;
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97;
  if (rest !== 1) return "bad_iban";
  return given.startsWith("ES") && !spanishAccount(given.slice(4)) ? "bad_iban" : null;
}

const WEIGHTS = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];

/** A Spanish account's own two control digits, one of bank and office, one of the account. */
function spanishAccount(account: string): boolean {
  const control = (ten: string): number => {
    const rest = 11 - ([...ten].reduce((sum, digit, at) => sum + Number(digit) * (WEIGHTS[at] ?? 0), 0) % 11);
    return rest === 11 ? 0 : rest === 10 ? 1 : rest;
  };
  return account.slice(8, 10) === `${control(`00${account.slice(0, 8)}`)}${control(account.slice(10))}`;
}

export function phone(text: string): Fault | null {
  let digits = text.replace(/\D/g, "");
  if (text.startsWith("00")) digits = digits.slice(2);
  else if (!text.startsWith("+") && /^[6-9]\d{8}$/.test(digits)) digits = `34${digits}`;
  return digits.length >= 7 && digits.length <= 15 ? null : "bad_phone";
}

export const email = (text: string): Fault | null =>
  /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$/.test(text) && text.length <= 254 ? null : "bad_email";

/** A sum as people write it (1.234,50 · 1,234.50 · 1234,5) as the API takes it; null: it is none. */
export function amountOf(text: string): string | null {
  const given = text.replace(/[\s€]/g, "").replace(/EUR$/i, "");
  const found = /^(-?)(\d{1,3}(?:([.,])\d{3})*|\d+)(?:([.,])(\d{1,2}))?$/.exec(given);
  if (!found) return null;
  const [, sign = "", whole = "", grouped, point, cents = ""] = found;
  if (grouped !== undefined && grouped === point) return null;
  const digits = whole.replace(/[.,]/g, "").replace(/^0+(?=\d)/, "");
  return digits.length <= 10 ? `${sign}${digits}.${cents.padEnd(2, "0")}` : null;
}

/** `positive`: more than zero, else zero or more. */
export function amount(text: string, positive = true): Fault | null {
  const found = amountOf(text);
  if (found === null) return "bad_amount";
  const value = Number(found);
  return value < 0 || (positive && value === 0) ? "amount_not_positive" : null;
}

/** A day as the browser's own field gives it: 2026-11-30. */
export function day(text: string): Fault | null {
  const [, year = "", month = "", date = ""] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  const made = new Date(`${year}-${month}-${date}T00:00:00Z`);
  const real = !Number.isNaN(made.getTime()) && made.toISOString().slice(0, 10) === text;
  return real && Number(year) >= 1900 && Number(year) <= 2200 ? null : "bad_date";
}

/** A policyholder's notice: whole months, at most a year. */
export const months = (text: string): Fault | null => (/^\d{1,2}$/.test(text) && Number(text) <= 12 ? null : "bad_months");

export const plate = (text: string): Fault | null =>
  /[0-9A-Za-z]/.test(text) && text.length <= 20 ? null : "bad_plate";

export const url = (text: string): Fault | null =>
  /^https?:\/\/\S+$/.test(text) && text.length <= 500 ? null : "bad_url";

/** Where a document is: an address, or one of the centre's own. */
export const document = (text: string): Fault | null => (/^document:[0-9a-f-]{36}$/.test(text) ? null : url(text));

/** What somebody has said of themselves, as a new file begins with it: the last names are what follows the first. */
export function detailsOf(card: { name: string; phone: string | null; email: string | null } | undefined): Record<string, string> {
  const [first_name = "", ...rest] = (card?.name ?? "").trim().split(/\s+/);
  const mobile = card?.phone && phone(card.phone) === null ? card.phone : "";
  const all = { first_name, last_name: rest.join(" "), mobile, email: card?.email ?? "" };
  return Object.fromEntries(Object.entries(all).filter((pair) => pair[1] !== ""));
}
