/** Ctrl K: interactions by the customer's name or address. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { InteractionPage, InteractionRow } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useTimes } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";
import { useEffect, useId, useRef, useState } from "react";

import { useAgent, useDesk } from "./context";
import { queueName } from "./desk";
import { useT } from "./texts";

const WAIT_MS = 200;

type Found = { kind: "idle" } | { kind: "busy" } | { kind: "there"; items: InteractionRow[] } | { kind: "failed" };

export function Search() {
  const t = useT();
  const times = useTimes();
  const desk = useDesk();
  const state = useAgent((now) => now);
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found>({ kind: "idle" });
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [again, setAgain] = useState(0);
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const query = text.trim();

  useEffect(() => {
    if (query.length < 2) {
      setFound({ kind: "idle" });
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(() => {
      setFound((now) => (now.kind === "there" ? now : { kind: "busy" }));
      api.get<InteractionPage>(`/interactions?limit=12&q=${encodeURIComponent(query)}`, stop.signal).then(
        ({ items }) => {
          setFound({ kind: "there", items });
          setAt(0);
        },
        (error: unknown) => {
          if (stop.signal.aborted) return;
          setFound(error instanceof ApiError && error.status === 422 ? { kind: "there", items: [] } : { kind: "failed" });
        },
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query, again]);

  const items = found.kind === "there" ? found.items : [];
  const shown = open && query.length >= 2;
  const pick = (row: InteractionRow | undefined) => {
    if (!row) return;
    desk.open(row.interaction_id);
    setOpen(false);
    setText("");
    input.current?.blur();
  };
  return (
    <div className="search" role="search">
      <Icon name="search" />
      <input
        ref={input}
        id="search"
        type="search"
        role="combobox"
        autoComplete="off"
        aria-label={t("search")}
        aria-keyshortcuts="Control+K"
        aria-expanded={shown}
        aria-controls={`${id}-l`}
        aria-activedescendant={shown && items[at] ? `${id}-${at}` : undefined}
        placeholder={t("search")}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setAt(Math.min(Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)), Math.max(0, items.length - 1)));
          } else if (event.key === "Enter") {
            event.preventDefault();
            pick(items[at]);
          } else if (event.key === "Escape") {
            event.preventDefault();
            if (text !== "") setText("");
            else input.current?.blur();
          }
        }}
      />
      <kbd aria-hidden="true">Ctrl K</kbd>
      {shown && (
        <div className="pop results" onPointerDown={(event) => event.preventDefault()}>
          <ul id={`${id}-l`} role="listbox" aria-label={t("searchResults")}>
            {items.map((row, index) => (
              <li
                key={row.interaction_id}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === at}
                className={cls(index === at && "on")}
                onPointerMove={() => setAt(index)}
                onClick={() => pick(row)}
              >
                <Icon name={row.channel} />
                <span className="b cut">{nameOr(row.customer_name, row.contact_id, t("visitor"))}</span>
                <span className="x2 t13 cut">
                  {[queueName(state, row.queue), row.agent_name, t(`istate_${row.state}`)].filter(Boolean).join(" · ")}
                </span>
                <span className="x3 t12 end">{times.short(row.created_at)}</span>
              </li>
            ))}
          </ul>
          {items.length === 0 && (
            <p className="empty" role="status">
              {found.kind === "failed" ? (
                <button type="button" className="link" onClick={() => setAgain((n) => n + 1)}>
                  {t("searchFailed")}
                </button>
              ) : (
                t(found.kind === "there" ? "searchNothing" : "searching")
              )}
            </p>
          )}
        </div>
      )}
    </div>
  );
}
