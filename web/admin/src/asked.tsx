/** What the pages read from the server, and the small parts they share. */
import { api } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { useSaid } from "@contactcenter/shared/problems";
import { useTimes } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";

import { useT } from "./texts";

/** One answer, read again by `again`; the old one stays until the new one is there. */
export function useAsked<T>(path: string | null) {
  const [value, setValue] = useState<T | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return;
    const stop = new AbortController();
    api.get<T>(path, stop.signal).then(
      (answer) => {
        setValue(answer);
        setFailure(null);
      },
      (error: unknown) => !stop.signal.aborted && setFailure(error),
    );
    return () => stop.abort();
  }, [path, turn]);
  return { value, failure, again: useCallback(() => setTurn((n) => n + 1), []), setValue };
}

interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** A list in pages: `more` appends the next one. A new query starts at the first. */
export function usePages<T>(path: string, query: Record<string, string>) {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ""));
  asked.set("limit", "50");
  const whole = `${path}?${asked}`;
  const [items, setItems] = useState<T[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  const present = useRef(whole);
  present.current = whole;
  useEffect(() => {
    const stop = new AbortController();
    api.get<Page<T>>(whole, stop.signal).then(
      (page) => {
        setItems(page.items);
        setNext(page.next_cursor ?? null);
        setFailure(null);
      },
      (error: unknown) => !stop.signal.aborted && setFailure(error),
    );
    return () => stop.abort();
  }, [whole, turn]);
  const more = async () => {
    try {
      const page = await api.get<Page<T>>(`${whole}&cursor=${next}`);
      if (present.current !== whole) return;
      setItems((before) => [...(before ?? []), ...page.items]);
      setNext(page.next_cursor ?? null);
    } catch (error) {
      setFailure(error);
    }
  };
  return { items, next, failure, more, again: useCallback(() => setTurn((n) => n + 1), []) };
}

/** The text a moment after it was typed. */
export function useSettled(text: string, afterMs = 250): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), afterMs);
    return () => clearTimeout(timer);
  }, [text, afterMs]);
  return settled;
}

/** A list's box: bones while it is asked for, what went wrong, a word when it is empty. */
export function Box({ items, failure, again, empty, children }: { items: unknown[] | null; failure: unknown; again: () => void; empty: string; children: ReactNode }) {
  const t = useT();
  const said = useSaid();
  return (
    <>
      {failure ? (
        <div className="box-msg bad" role="alert">
          <Icon name="octagon" />
          <span className="grow">{said.whole(failure)}</span>
          <Button size="small" onClick={again}>
            {t("retry")}
          </Button>
        </div>
      ) : null}
      {items === null ? (
        !failure && (
          <div className="hollow" aria-busy="true">
            <span className="bone" style={{ width: 160 }} role="status" aria-label={t("loading")} />
          </div>
        )
      ) : items.length === 0 ? (
        <p className="hollow" role="status">
          {empty}
        </p>
      ) : (
        children
      )}
    </>
  );
}

/** Day and hour; the exact instant on hover. */
export function Moment({ at, seconds }: { at: string; seconds?: boolean }) {
  const times = useTimes();
  const hour = seconds ? times.second(at) : times.hour(at);
  const day = times.short(at);
  return (
    <time dateTime={at} title={times.exact(at)} className="nw">
      {day === times.hour(at) ? hour : `${day} ${hour}`}
    </time>
  );
}
