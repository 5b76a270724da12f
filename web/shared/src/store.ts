/** A value that React and plain code can both watch. */
import { useSyncExternalStore } from "react";

export interface Readable<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export class Store<T> implements Readable<T> {
  #value: T;
  #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get = (): T => this.#value;

  set = (value: T): void => {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  };

  update = (change: (value: T) => T): void => this.set(change(this.#value));

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** The store's value, or the part `select` takes of it; renders again only when that part changes. */
export function useStore<T>(store: Readable<T>): T;
export function useStore<T, P>(store: Readable<T>, select: (value: T) => P): P;
export function useStore<T, P>(store: Readable<T>, select?: (value: T) => P): T | P {
  return useSyncExternalStore(store.subscribe, () => (select ? select(store.get()) : store.get()));
}

/** Reads and writes JSON in the browser's storage; a full or forbidden storage is the same as an empty one. */
export const remembered = {
  read<T>(key: string, fallback: T): T {
    try {
      const text = localStorage.getItem(key);
      return text === null ? fallback : (JSON.parse(text) as T);
    } catch {
      return fallback;
    }
  },
  /** The values of all keys that begin so, in no order. */
  under<T>(prefix: string): T[] {
    try {
      const keys = Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at) ?? "");
      return keys
        .filter((key) => key.startsWith(prefix))
        .map((key) => remembered.read<T | null>(key, null))
        .filter((one): one is NonNullable<typeof one> => one !== null);
    } catch {
      return [];
    }
  },
  write(key: string, value: unknown): void {
    try {
      if (value === undefined || value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Kept in memory only.
    }
  },
};
