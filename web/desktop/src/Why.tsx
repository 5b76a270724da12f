/** The explanation record of each offer: what happened, who could, and why this one came first. */
import { api } from "@contactcenter/shared/api";
import type { InteractionCard, Why as Answer, WhyReservation, WhyVisit } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { duration, useTimes } from "@contactcenter/shared/time";
import { Button, Chip, cls, IconButton } from "@contactcenter/shared/ui";
import { useEffect, useRef, useState } from "react";

import { useAgent } from "./context";
import { queueName } from "./desk";
import { useFetched } from "./fetched";
import { dialogOpen } from "./keys";
import { said, useT } from "./texts";
import type { Explanation } from "./why-types";

/** One offer in its queue visit. */
interface Offer extends WhyReservation {
  visit: WhyVisit;
}

const offers = (why: Answer): Offer[] =>
  why.visits
    .flatMap((visit) => visit.reservations.map((one) => ({ ...one, visit })))
    .sort((a, b) => a.created_at.localeCompare(b.created_at));

/** The record of an offer; null when an assignment left none. */
const explanationOf = (offer: Offer): Explanation | null =>
  Array.isArray(offer.record.candidates) ? (offer.record as unknown as Explanation) : null;

export function Why({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useT();
  const me = useAgent((state) => state.me.agent_id);
  const box = useRef<HTMLElement>(null);
  const answer = useFetched(id, (signal) => api.get<Answer>(`/interactions/${id}/why`, signal));
  const [at, setAt] = useState<number | null>(null);
  const records = answer.kind === "there" ? offers(answer.value) : [];
  const shown = records[at ?? records.length - 1];

  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && !dialogOpen()) onClose();
    };
    addEventListener("keydown", onKey);
    return () => {
      removeEventListener("keydown", onKey);
      before?.focus();
    };
  }, [onClose]);

  return (
    <section ref={box} className="why" tabIndex={-1} role="dialog" aria-labelledby="why-h">
      <div className="why-head">
        <div className="grow">
          <h2 id="why-h" className="t16 b">
            {t(shown?.agent_id === me ? "whyTitleMe" : "whyTitle")}
          </h2>
          <Subject record={shown} />
        </div>
        <IconButton icon="close" label={t("close")} onClick={onClose} />
      </div>
      {records.length > 1 && (
        <div className="tabs">
          <div role="tablist" aria-label={t("whyHappened")}>
            {records.map((one, index) => (
              <button
                key={one.reservation_id}
                type="button"
                role="tab"
                aria-selected={one === shown}
                onClick={() => setAt(index)}
              >
                {t("whyOffer", { n: index + 1 })}
              </button>
            ))}
          </div>
        </div>
      )}
      <div className="why-body" tabIndex={0}>
        {answer.kind === "failed" ? (
          <div className="hollow">
            <p>{t("loadFailed")}</p>
            <Button onClick={answer.retry}>{t("tryAgain")}</Button>
          </div>
        ) : answer.kind === "loading" ? (
          <div className="hollow" aria-busy="true">
            <span className="bone wide" />
          </div>
        ) : shown ? (
          <Record key={shown.reservation_id} record={shown} answer={answer.value} />
        ) : (
          <p className="hollow">{t("whyNone")}</p>
        )}
      </div>
      {shown && answer.kind === "there" && <Foot record={shown} />}
    </section>
  );
}

function Subject({ record }: { record: Offer | undefined }) {
  const t = useT();
  const times = useTimes();
  const state = useAgent((now) => now);
  return (
    <p className="x2 t13 row">
      {record && (
        <>
          <Icon name={record.visit.channel as InteractionCard["channel"]} />
          <span className="cut">
            {[said(t, "channel", record.visit.channel), queueName(state, record.visit.queue), times.short(record.created_at)].join(" · ")}
          </span>
        </>
      )}
    </p>
  );
}

function Record({ record, answer }: { record: Offer; answer: Answer }) {
  const t = useT();
  const times = useTimes();
  const state = useAgent((now) => now);
  const ex = explanationOf(record);
  const name = (id: string) => answer.agents[id] ?? state.team[id]?.name ?? id.slice(0, 8);
  const entered = Date.parse(record.visit.entered_at);
  const made = Date.parse(record.created_at);
  const queue = queueName(state, record.visit.queue);
  const offered = record.how === "offer";
  const ended = record.ended_at ? Date.parse(record.ended_at) : null;
  const summary = offered
    ? t("whySum", { name: record.agent_name, count: ex?.candidate_count ?? 1 })
    : t("whySumOther", { name: record.agent_name, how: said(t, "how", record.how) });
  const steps: { at: number | null; what: string; more: string; done?: boolean }[] = [
    { at: entered, what: t("whyEntered"), more: queue },
    ...(ex?.readvised ? [{ at: null, what: t("whyKnown"), more: ex.readvised[1] ? t("whyRule", { rule: ex.readvised[1] }) : "" }] : []),
    ...(ex && offered
      ? [
          {
            at: made,
            what: t("whyStep", { step: ex.step + 1, steps: ex.steps }),
            more: t("whyPool", { count: ex.pools.reduce((sum, pool) => sum + pool.size, 0) }),
          },
          {
            at: made,
            what: t("whyOffered", { name: record.agent_name }),
            more: t("whyRings", { count: Math.round((Date.parse(record.expires_at) - made) / 1000) }),
          },
        ]
      : []),
    {
      at: ended,
      what: said(t, "rstate", record.state),
      more: ended === null ? "" : t("waitedFor", { time: duration(ended - entered) }),
      done: record.state === "accepted",
    },
  ];
  return (
    <>
      <p className="why-sum">
        <b>{summary}</b>{" "}
        {ex &&
          offered &&
          t("whySumStep", { strategy: said(t, "strategy", ex.strategy), step: ex.step + 1, time: duration(made - entered) })}
      </p>
      <h3>{t("whyHappened")}</h3>
      <ol className="why-steps">
        {steps.map((step) => (
          <li key={step.what} className={cls(step.done && "done")}>
            <p className="b">{step.at === null ? "…" : times.second(step.at)}</p>
            <p>{step.what}</p>
            <p className="t12 x3">{step.more}</p>
          </li>
        ))}
      </ol>
      {ex && (
        <>
          <h3>
            {t("whyWho")} <span className="x3">{t("whyAt", { time: times.second(made) })}</span>
          </h3>
          <Candidates ex={ex} name={name} />
          <h3>
            {t("whyItem")} <span className="x3">{t("whyBandRule")}</span>
          </h3>
          <Places ex={ex} />
        </>
      )}
    </>
  );
}

function Candidates({ ex, name }: { ex: Explanation; name: (id: string) => string }) {
  const t = useT();
  const times = useTimes();
  const parts = Object.keys(ex.candidates[0]?.key ?? {}).filter((part) => part !== "agent");
  return (
    <div className="tables" tabIndex={0} role="group" aria-label={t("whyWho")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("whyAgent")}</th>
            {parts.map((part) => (
              <th key={part} scope="col">
                {said(t, "part", part)}
              </th>
            ))}
            <th scope="col">{t("whyDecision")}</th>
          </tr>
        </thead>
        <tbody>
          {ex.candidates.map((one, index) => {
            const won = ex.chosen.includes(one.agent);
            return (
              <tr key={one.agent} className={cls(won && "on")}>
                <td>
                  <b>{name(one.agent)}</b>
                </td>
                {parts.map((part) => (
                  <td key={part}>{partText(t, part, one.key[part], times)}</td>
                ))}
                <td>
                  {won ? (
                    <Chip tone="ok" icon="check">
                      {t("whyChosen")}
                    </Chip>
                  ) : (
                    <Chip>{t("whyTurn", { n: index + 1 })}</Chip>
                  )}
                </td>
              </tr>
            );
          })}
          {ex.removed.map((one) => (
            <tr key={one.reason}>
              <td colSpan={parts.length + 1} className="x2">
                {one.agents.map(name).join(", ")}
                {one.count > one.agents.length && ` ${t("whyMore", { count: one.count - one.agents.length })}`}
              </td>
              <td>
                <Chip icon="close">{said(t, "removed", one.reason)}</Chip>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {ex.candidate_count > ex.candidates.length && (
        <p className="more t13 x2">{t("whyMore", { count: ex.candidate_count - ex.candidates.length })}</p>
      )}
    </div>
  );
}

function Places({ ex }: { ex: Explanation }) {
  const t = useT();
  const language = useStore(locale);
  const points = (perMille: number) =>
    (perMille / 1000).toLocaleString(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return (
    <div className="tables" tabIndex={0} role="group" aria-label={t("whyItem")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("whyWaiting")}</th>
            <th scope="col">{t("whyBand")}</th>
            <th scope="col" className="num">
              {t("whyBase")}
            </th>
            <th scope="col" className="num">
              {t("whyBoost")}
            </th>
            <th scope="col" className="num">
              {t("whyScore")}
            </th>
            <th scope="col" className="num">
              {t("whyWaited")}
            </th>
          </tr>
        </thead>
        <tbody>
          {[ex.place, ...ex.rivals].map((one, index) => (
            <tr key={one.work_item} className={cls(index === 0 && "on")}>
              <td>{index === 0 ? <b>{t("whyThis")}</b> : t("whyOther", { n: index })}</td>
              <td>{said(t, "band", String(one.band))}</td>
              <td className="num">{one.base}</td>
              <td className="num">{points(one.boost)}</td>
              <td className="num">{points(one.score)}</td>
              <td className="num">{duration(one.waited_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {ex.rivals.length === 0 && <p className="more t13 x2">{t("whyRivalsNone")}</p>}
    </div>
  );
}

/** A score's part as a person reads it: levels and loads are numbers, idle keys are instants. */
function partText(
  t: ReturnType<typeof useT>,
  part: string,
  value: string | number | undefined,
  times: ReturnType<typeof useTimes>,
): string {
  if (typeof value !== "number") return value ?? "–";
  if (part === "not_preferred") return t(value === 0 ? "yes" : "no");
  if (part === "idle_since") return value > 0 ? times.second(value) : "–";
  return String(part === "skill" ? -value : value);
}

function Foot({ record }: { record: Offer }) {
  const t = useT();
  const [copied, setCopied] = useState<"no" | "yes" | "failed">("no");
  const ex = explanationOf(record);
  const copy = () =>
    navigator.clipboard.writeText(JSON.stringify(record, null, 2)).then(
      () => setCopied("yes"),
      () => setCopied("failed"),
    );
  return (
    <div className="why-foot">
      <span className="t12 x3 grow">
        {ex &&
          t("whyRules", { strategy: said(t, "strategy", ex.strategy), step: ex.step + 1, steps: ex.steps, round: ex.round })}
      </span>
      <Button size="small" onClick={() => void copy()}>
        {t(copied === "yes" ? "whyCopied" : copied === "failed" ? "whyCopyFailed" : "whyCopy")}
      </Button>
    </div>
  );
}
