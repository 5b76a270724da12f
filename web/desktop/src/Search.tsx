/** Ctrl K: conversations, customers, policies and claims, by name, number, plate or address. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { ClaimPage, Hits, InteractionPage, PolicyPage } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useTimes } from "@contactcenter/shared/time";
import { cls } from "@contactcenter/shared/ui";
import { Fragment, useEffect, useId, useRef, useState } from "react";

import { useAgent, useDesk } from "./context";
import { lineIcon, policyName } from "./crm/bits";
import { type Place, place } from "./crm/place";
import { named, useW, type Word } from "./crm/texts";
import { queueName } from "./desk";
import { useT } from "./texts";

const WAIT_MS = 200;

interface Answers {
  conversations: InteractionPage["items"];
  customers: Hits["items"];
  policies: PolicyPage["items"];
  claims: ClaimPage["items"];
}
type Found = { kind: "idle" } | { kind: "busy" } | { kind: "there"; answers: Answers } | { kind: "failed" };

interface Option {
  key: string;
  group: keyof Answers;
  icon: IconName;
  title: string;
  detail: string;
  end: string;
  /** An interaction's id, or a page. */
  to: string | Place;
}

/** What the server finds nothing sensible in is nothing found. */
const orNone = async <T extends { items: unknown[] }>(asked: Promise<T>): Promise<T["items"]> => {
  try {
    return (await asked).items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return [];
    throw error;
  }
};

async function ask(query: string, signal: AbortSignal): Promise<Answers> {
  const q = encodeURIComponent(query);
  const [conversations, customers, policies, claims] = await Promise.all([
    orNone(api.get<InteractionPage>(`/interactions?limit=6&q=${q}`, signal)),
    orNone(api.get<Hits>(`/customers/search?limit=6&q=${q}`, signal)),
    orNone(api.get<PolicyPage>(`/policies/search?limit=5&q=${q}`, signal)),
    orNone(api.get<ClaimPage>(`/claims?limit=5&q=${q}`, signal)),
  ]);
  return { conversations, customers, policies, claims } as Answers;
}

export function Search() {
  const t = useT();
  const desk = useDesk();
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
      ask(query, stop.signal).then(
        (answers) => {
          setFound({ kind: "there", answers });
          setAt(0);
        },
        () => {
          if (!stop.signal.aborted) setFound({ kind: "failed" });
        },
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query, again]);

  const options = useOptions(found.kind === "there" ? found.answers : null, /\d/.test(query));
  const shown = open && query.length >= 2;
  const pick = (option: Option | undefined) => {
    if (!option) return;
    if (typeof option.to === "string") desk.open(option.to);
    else desk.go(option.to);
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
        aria-activedescendant={shown && options[at] ? `${id}-${at}` : undefined}
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
            setAt(Math.min(Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)), Math.max(0, options.length - 1)));
          } else if (event.key === "Enter") {
            event.preventDefault();
            pick(options[at]);
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
          <Results id={id} options={options} at={at} onAt={setAt} onPick={pick} />
          {options.length === 0 && (
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

/** `numbered`: a number or plate was typed, so what has numbers of its own comes first. */
function useOptions(answers: Answers | null, numbered: boolean): Option[] {
  const t = useT();
  const say = useW();
  const times = useTimes();
  const state = useAgent((now) => now);
  if (!answers) return [];
  const people = [
    ...answers.conversations.map((row): Option => ({
      key: row.interaction_id,
      group: "conversations",
      icon: row.channel,
      title: nameOr(row.customer_name, row.contact_id, t("visitor")),
      detail: [queueName(state, row.queue), row.agent_name, t(`istate_${row.state}`)].filter(Boolean).join(" · "),
      end: times.short(row.created_at),
      to: row.interaction_id,
    })),
    ...answers.customers.map((row): Option => ({
      key: row.customer_id,
      group: "customers",
      icon: row.kind === "company" ? "briefcase" : "person",
      title: row.name,
      detail: [row.found_by === "policy" ? say("foundByPolicy") : "", row.city].filter(Boolean).join(" · "),
      end: named(say, "seg", row.segment),
      to: place("customer", row.customer_id),
    })),
  ];
  const contracts = [
    ...answers.policies.map((row): Option => ({
      key: row.policy_id,
      group: "policies",
      icon: lineIcon(row.policy_type),
      title: policyName(say, row),
      detail: [row.customer_name, row.vehicle_plate].filter(Boolean).join(" · "),
      end: named(say, "ps", row.status),
      to: place("policy", row.policy_id),
    })),
    ...answers.claims.map((row): Option => ({
      key: row.claim_id,
      group: "claims",
      icon: "octagon",
      title: row.claim_number,
      detail: [row.customer_name, named(say, "ca", row.cause)].join(" · "),
      end: named(say, "cl", row.status),
      to: place("claim", row.claim_id),
    })),
  ];
  return numbered ? [...contracts, ...people] : [...people, ...contracts];
}

interface ResultsProps {
  id: string;
  options: readonly Option[];
  at: number;
  onAt: (index: number) => void;
  onPick: (option: Option) => void;
}

function Results({ id, options, at, onAt, onPick }: ResultsProps) {
  const t = useT();
  const say = useW();
  return (
    <ul id={`${id}-l`} role="listbox" aria-label={t("searchResults")}>
      {options.map((option, index) => (
        <Fragment key={option.key}>
          {option.group !== options[index - 1]?.group && (
            <li role="presentation" className="cap">{say(`s_${option.group}` as Word)}</li>
          )}
          <li
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className={cls(index === at && "on")}
            onPointerMove={() => onAt(index)}
            onClick={() => onPick(option)}
          >
            <Icon name={option.icon} />
            <span className="b cut">{option.title}</span>
            <span className="x2 t13 cut">{option.detail}</span>
            <span className="x3 t12 end">{option.end}</span>
          </li>
        </Fragment>
      ))}
    </ul>
  );
}
