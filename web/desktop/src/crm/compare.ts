/** PURE. Two files of perhaps one person, line by line. */
import type { CustomerOut } from "@contactcenter/shared/contract";

import type { Word } from "./texts";

export interface Line {
  label: Word;
  here: string;
  there: string;
  /** Both say something, and it is not the same. */
  differs: boolean;
}

const plain = (text: string): string => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").replace(/[\s.,\-]+/g, "").toLowerCase();

const address = (one: CustomerOut): string => [one.address_line1, one.address_line2, one.postal_code, one.city, one.province].filter(Boolean).join(", ");

const LINES: readonly (readonly [Word, (one: CustomerOut) => string | null])[] = [
  ["custName", (one) => one.name],
  ["document", (one) => one.dni ?? one.tax_id],
  ["birthDate", (one) => one.birth_date],
  ["mobile", (one) => one.mobile],
  ["phone", (one) => one.phone],
  ["email", (one) => one.email],
  ["address", address],
  ["iban", (one) => one.iban],
  ["notes", (one) => one.notes],
];

/** What at least one of them says. */
export function compared(here: CustomerOut, there: CustomerOut): Line[] {
  return LINES.map(([label, of]) => {
    const [left, right] = [of(here) ?? "", of(there) ?? ""];
    return { label, here: left, there: right, differs: left !== "" && right !== "" && plain(left) !== plain(right) };
  }).filter((line) => line.here !== "" || line.there !== "");
}
