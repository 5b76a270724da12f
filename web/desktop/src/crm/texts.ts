/** The words of the CRM's pages, by area, with both languages on one line. */
import { pairs, type Params } from "@contactcenter/shared/i18n";

import { CONTRACTS } from "./texts-contracts";
import { FAULTS } from "./texts-faults";
import { OFFICE } from "./texts-office";
import { PEOPLE } from "./texts-people";
import { WORK } from "./texts-work";

const all = { ...PEOPLE, ...CONTRACTS, ...WORK, ...OFFICE, ...FAULTS };

export const { t: w, useT: useW } = pairs(all);
export type Word = Parameters<typeof w>[0];

/** Something the server names by a key, in words; the key itself when there are none. */
export function named(say: typeof w, group: string, key: string | null | undefined, params?: Params): string {
  if (!key) return "";
  const word = `${group}_${key}`;
  return Object.hasOwn(all, word) ? say(word as Word, params) : key.replaceAll("_", " ");
}
