/** The desk's words, by area, with both languages on one line. */
import { pairs } from "@contactcenter/shared/i18n";

import { PHONE } from "./texts-phone";
import { WORK } from "./texts-work";

const all = { ...WORK, ...PHONE };

export const { t, useT } = pairs(all);
export type Key = Parameters<typeof t>[0];

/** A word that the server chose, said if it is known, else as it came. */
export function said(say: typeof t, group: string, word: string): string {
  const key = `${group}_${word}`;
  return Object.hasOwn(all, key) ? say(key as Key) : word.replaceAll("_", " ");
}
