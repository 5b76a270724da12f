/** Parts that the account's and the administration's pages share. */
import { LanguageMenu, ThemeButton } from "@contactcenter/shared/prefs-ui";
import { type ReactNode, useCallback, useEffect, useState } from "react";

export function Bar({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <header className="bar">
      <h1>{title}</h1>
      <span className="end" />
      {children}
      <LanguageMenu />
      <ThemeButton />
    </header>
  );
}

/** What came of something: a sentence that a screen reader says too. */
export interface Told {
  text: string;
  bad?: boolean;
}

export const Told = {
  Line: ({ told }: { told: Told | null }) => (
    <p className={told?.bad ? "told c-bad" : "told c-ok"} role={told?.bad ? "alert" : "status"}>
      {told?.text}
    </p>
  ),
};

/** What `load` gives, read when the component appears and again by `reload`. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): { data: T | null; reload: () => void } {
  const [data, setData] = useState<T | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(setData, () => undefined);
    return () => stop.abort();
  }, [load, turn]);
  return { data, reload: useCallback(() => setTurn((n) => n + 1), []) };
}
