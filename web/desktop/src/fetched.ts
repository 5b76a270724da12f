/** What a component reads over HTTP: loading, failed with a retry, or there. */
import { ApiError } from "@contactcenter/shared/api";
import { useCallback, useEffect, useState } from "react";

export type Fetched<T> =
  | { kind: "loading"; retry: () => void }
  | { kind: "failed"; status: number; retry: () => void }
  | { kind: "there"; value: T; retry: () => void };

/**
 * Loads when `key` changes or `retry` is called; null loads nothing. What was
 * there stays while it loads again for the same `thing` (the part of the key
 * before the first space).
 */
export function useFetched<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Fetched<T> {
  const [tries, setTries] = useState(0);
  const [answer, setAnswer] = useState<{ thing: string; value?: T; status?: number } | null>(null);
  const retry = useCallback(() => setTries((n) => n + 1), []);
  useEffect(() => {
    if (key === null) return;
    const thing = key.split(" ")[0] ?? key;
    const stop = new AbortController();
    load(stop.signal).then(
      (value) => setAnswer({ thing, value }),
      (error: unknown) => {
        if (!stop.signal.aborted) setAnswer({ thing, status: error instanceof ApiError ? error.status : 0 });
      },
    );
    return () => stop.abort();
    // `load` is a new function at each render; the key says when it means something new.
  }, [key, tries]);
  const thing = key?.split(" ")[0];
  if (answer === null || answer.thing !== thing) return { kind: "loading", retry };
  if (answer.value === undefined) return { kind: "failed", status: answer.status ?? 0, retry };
  return { kind: "there", value: answer.value, retry };
}
