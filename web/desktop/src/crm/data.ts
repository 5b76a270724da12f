/** What the pages read: by path, again when an event says that the file has changed. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { Insurers } from "@contactcenter/shared/contract";
import { useStore } from "@contactcenter/shared/store";
import { useState } from "react";

import { useDesk } from "../context";
import { type Fetched, useFetched } from "../fetched";

/** A number that grows with every change told of these: a customer's id, a contact's, or an area's name. */
export function useChanges(...of: (string | null | undefined)[]): number {
  return useStore(useDesk().changes, (all) => of.reduce((sum, one) => sum + (one ? (all[one] ?? 0) : 0), all.link ?? 0));
}

/** Reads `path`, and again when one of `of` changes; what was there stays until then. */
export function useRead<T>(path: string | null, ...of: (string | null | undefined)[]): Fetched<T> {
  const changes = useChanges(...of);
  return useFetched<T>(path && `${path} ${changes}`, (signal) => api.get<T>(path ?? "", signal));
}

let known: Promise<Insurers> | null = null;

interface Listed<T> {
  items: T[];
  next_cursor: string | null;
}

/** A list page by page: `more` reads the next; whatever has been seen is read again when one of `of` changes. */
export function usePages<T>(list: string | null, ...of: (string | null | undefined)[]): Fetched<Listed<T>> & { more: () => void } {
  const changes = useChanges(...of);
  const [seen, setSeen] = useState({ list, pages: 1 });
  const pages = seen.list === list ? seen.pages : 1;
  const read = useFetched<Listed<T>>(list && `${list} ${pages} ${changes}`, async (signal) => {
    const items: T[] = [];
    let cursor: string | null = "";
    for (let n = 0; n < pages && cursor !== null; n++) {
      const page: Listed<T> = await api.get<Listed<T>>(`${list}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, signal);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return { items, next_cursor: cursor };
  });
  return { ...read, more: () => setSeen({ list, pages: pages + 1 }) };
}

/** Insurers are few and hardly change: read once. */
export function useInsurers(): Fetched<Insurers> {
  return useFetched<Insurers>("insurers", () => {
    known ??= api.get<Insurers>("/insurers").catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  });
}

/** A command on what is shown: when somebody was quicker, it is read again, and the refusal goes on. */
export async function orAnew<T>(work: Promise<T>, reload: () => void): Promise<T> {
  try {
    return await work;
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 412) reload();
    throw problem;
  }
}

/** One was written: whoever asks next reads them anew. */
export function insurersChanged(): void {
  known = null;
}

export const etagOf = (version: number): string => `"${version}"`;
