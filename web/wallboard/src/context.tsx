/** The board for every component below it, and how its numbers are written. */
import { type Locale, locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { createContext, useContext } from "react";

import type { Board } from "./board";
import type { Ratio, View, WallboardQueue, WallboardState } from "./model";
import { quotient } from "./model";

export const BoardContext = createContext<Board | null>(null);

export function useBoard(): Board {
  const board = useContext(BoardContext);
  if (!board) throw new Error("no board above this component");
  return board;
}

/** The live state. Only below a board that has its first snapshot. */
export function useShown(): { state: WallboardState; view: View } {
  const board = useBoard();
  const state = useStore(board.state);
  const view = useStore(board.view);
  if (!state) throw new Error("the board has no state yet");
  return { state, view };
}

export const nameOf = (queue: WallboardQueue | undefined, key: string, loc: Locale): string =>
  queue ? (loc === "es" ? queue.name_es : queue.name_en) : key;

const written: Record<Locale, (share: number, digits: number) => string> = {
  es: (share, digits) => `${decimal("es-ES", share * 100, digits)}\u00a0%`,
  en: (share, digits) => `${decimal("en-GB", share * 100, digits)}%`,
};

const decimal = (tag: string, value: number, digits: number): string =>
  new Intl.NumberFormat(tag, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export interface Numbers {
  /** 77 %, or – when there is nothing to divide. Rounded down: 79.9 is not 80. */
  percent(ratio: Ratio, digits?: number): string;
  /** The number of a percentage without its sign. */
  bare(ratio: Ratio, digits?: number): string;
  decimal(value: number, digits: number): string;
}

const floor = (value: number, digits: number): number => Math.floor(value * 10 ** digits + 1e-9) / 10 ** digits;

function numbersOf(loc: Locale): Numbers {
  const tag = loc === "es" ? "es-ES" : "en-GB";
  const bare = (ratio: Ratio, digits = 0): string => {
    const share = quotient(ratio);
    return share === null ? "–" : decimal(tag, floor(share * 100, digits), digits);
  };
  return {
    percent: (ratio, digits = 0) => {
      const share = quotient(ratio);
      return share === null ? "–" : written[loc](floor(share * 100, digits) / 100, digits);
    },
    bare,
    decimal: (value, digits) => decimal(tag, value, digits),
  };
}

const both: Record<Locale, Numbers> = { es: numbersOf("es"), en: numbersOf("en") };
export const useNumbers = (): Numbers => both[useStore(locale)];
export const useLocale = (): Locale => useStore(locale);
