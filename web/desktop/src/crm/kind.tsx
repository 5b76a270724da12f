/** What one kind of the office's rules shows, asks and sends. */
import { api, request } from "@contactcenter/shared/api";
import type { ReactNode } from "react";

import type { Fault } from "./checks";
import type { Checks, Values } from "./form";
import type { Word } from "./texts";

export interface Column<T> {
  label: string;
  num?: boolean;
  cell: (row: T, all: readonly T[]) => ReactNode;
}

export interface Kind<T> {
  path: string;
  query: string;
  /** The permission to change it. */
  right: string;
  /** Beside its first line. */
  above?: ReactNode;
  columns: readonly Column<T>[];
  /** What a row is known by, as a query. */
  id: (row: T) => string;
  title: (row: T) => string;
  /** Not ours to change, or not any more. */
  fixed: (row: T) => boolean;
  /** False: there is one row of each, and no further. */
  adds?: boolean;
  /** False: a row is ended and another is made. */
  edits?: boolean;
  initial: Values;
  values: (row: T, all: readonly T[]) => Values;
  /** `row`: null of a new one. */
  check: (values: Values, row: T | null, all: readonly T[]) => Checks;
  keys: ReactNode;
  fields: (values: Values, row: T | null, all: readonly T[]) => ReactNode;
  body: (values: Values) => Record<string, unknown>;
  /** Otherwise than by writing the row in its place. */
  save?: (values: Values, row: T | null, all: readonly T[], etag: string) => Promise<unknown>;
  /** None: a row stays. */
  drop?: (row: T, etag: string, all: readonly T[]) => Promise<unknown>;
  /** What dropping is called, before and after. */
  dropWords?: readonly [Word, Word];
  /** Otherwise than by writing it again. `was`: the rows when it was dropped. */
  restore?: (row: T, etag: string, all: readonly T[], was: readonly T[]) => Promise<unknown>;
}

export const query = (of: Record<string, string | undefined>): string => new URLSearchParams(Object.entries(of).map(([name, value]) => [name, value ?? ""])).toString();
export const needed = (text: string | undefined): Fault | null => (text?.trim() ? null : "missing");
export const dropBy = (path: string, id: string, etag: string) => request("DELETE", `${path}?${id}`, { etag });

/** Ways to write a row, where a kind has none of its own. */
export const saved = <T,>(kind: Kind<T>, values: Values, row: T | null, all: readonly T[], etag: string): Promise<unknown> =>
  kind.save ? kind.save(values, row, all, etag) : api.put(kind.path, kind.body(values), etag);
export const restored = <T,>(kind: Kind<T>, row: T, etag: string, all: readonly T[], was: readonly T[]): Promise<unknown> =>
  kind.restore ? kind.restore(row, etag, all, was) : saved(kind, kind.values(row, all), row, all, etag);
