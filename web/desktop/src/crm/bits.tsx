/** Small parts that the CRM's panel and pages share: chips of state, rows, sections, links to pages. */
import type { ClaimRow, CoverageOut, FiledPolicy, QuoteRow } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { Button, Chip, cls, type Tone } from "@contactcenter/shared/ui";
import { createContext, type MouseEvent, type ReactNode, useContext, useId } from "react";

import { useDesk } from "../context";
import type { Fetched } from "../fetched";
import { useFormats } from "./format";
import { hashOf, type Place } from "./place";
import { named, useW, type w, type Word } from "./texts";

export const LINES = ["auto", "home", "life", "health", "business"] as const;
export const lineIcon = (line: string): IconName =>
  (({ auto: "car", home: "home", life: "heart", health: "cross", business: "briefcase" }) as Record<string, IconName>)[line] ?? "doc";

type Say = typeof w;
interface Look {
  tone: Tone;
  icon: IconName;
}

const look = (tone: Tone, icon: IconName): Look => ({ tone, icon });
const CLAIM: Record<string, Look> = {
  reported: look("idle", "doc"),
  investigating: look("acc", "search"),
  approved: look("ok", "check"),
  denied: look("bad", "octagon"),
  paid: look("ok", "euro"),
  reopened: look("warn", "repeat"),
};
const QUOTE: Record<string, Look> = {
  draft: look("idle", "edit"),
  sent: look("acc", "send"),
  accepted: look("ok", "check"),
  rejected: look("idle", "close"),
  expired: look("warn", "clock"),
};
const POLICY: Record<string, Look> = {
  proposal: look("idle", "edit"),
  pending: look("acc", "clock"),
  active: look("ok", "check"),
  suspended: look("bad", "octagon"),
  expired: look("idle", "clock"),
  cancelled: look("idle", "close"),
  replaced: look("idle", "swap"),
};
const COVER: Record<string, Look> = {
  covered: look("ok", "check"),
  grace_until: look("warn", "triangle"),
  suspended: look("bad", "octagon"),
  ask_insurer: look("warn", "help"),
  not_in_force: look("idle", "dash"),
};
const RECEIPT: Record<string, Look> = {
  issued: look("idle", "doc"),
  presented: look("acc", "send"),
  collected: look("ok", "check"),
  returned: look("bad", "octagon"),
  re_presented: look("acc", "repeat"),
  paid_at_broker: look("ok", "euro"),
  cancelled: look("idle", "close"),
};
const LETTER: Record<string, Look> = {
  draft: look("idle", "edit"),
  queued: look("acc", "clock"),
  sent: look("ok", "check"),
  unaddressed: look("warn", "triangle"),
};
const RUN: Record<string, Look> = {
  running: look("acc", "play"),
  waiting: look("idle", "clock"),
  completed: look("ok", "check"),
  failed: look("bad", "octagon"),
  cancelled: look("idle", "close"),
  done: look("ok", "check"),
  passed: look("idle", "dash"),
  skipped: look("idle", "dash"),
  unreached: look("idle", "dash"),
  ahead: look("idle", "clock"),
};

function Stated({ table, group, state }: { table: Record<string, Look>; group: string; state: string }) {
  const say = useW();
  const { tone, icon } = table[state] ?? look("idle", "info");
  return <Chip tone={tone} icon={icon}>{named(say, group, state)}</Chip>;
}

export const ClaimChip = ({ claim }: { claim: Pick<ClaimRow, "status"> }) => <Stated table={CLAIM} group="cl" state={claim.status} />;
export const PolicyChip = ({ status }: { status: string }) => <Stated table={POLICY} group="ps" state={status} />;
export const ReceiptChip = ({ state }: { state: string }) => <Stated table={RECEIPT} group="rs" state={state} />;
export const RunChip = ({ status, group = "ru" }: { status: string; group?: "ru" | "sr" }) => <Stated table={RUN} group={group} state={status} />;
export const LetterChip = ({ state }: { state: string }) => <Stated table={LETTER} group="lt" state={state} />;
export const CoverChip = ({ cover }: { cover: Pick<CoverageOut, "answer"> }) => <Stated table={COVER} group="cover" state={cover.answer} />;

export function QuoteChip({ quote }: { quote: Pick<QuoteRow, "status" | "converted"> }) {
  const say = useW();
  if (quote.converted) return <Chip tone="ok" icon="doc">{say("q_converted")}</Chip>;
  return <Stated table={QUOTE} group="q" state={quote.status} />;
}

const SEGMENT: Record<string, Look> = {
  vip: look("acc", "star"),
  fleet: look("acc", "car"),
  business: look("idle", "briefcase"),
  family: look("idle", "people"),
  at_risk: look("warn", "triangle"),
  lapsed: look("idle", "clock"),
};

/** To which group of customers somebody belongs; the standard one needs no word. */
export function SegmentChip({ segment }: { segment: string | null }) {
  const say = useW();
  if (!segment || segment === "standard") return null;
  const { tone, icon } = SEGMENT[segment] ?? look("idle", "person");
  return <Chip tone={tone} icon={icon}>{named(say, "seg", segment)}</Chip>;
}

/** Of a policy in a list: what is wrong before what is fine. */
export function FiledChip({ filed: { policy, cover, receipt } }: { filed: FiledPolicy }) {
  const say = useW();
  if (receipt?.state === "returned" && cover.answer !== "suspended")
    return <Chip tone="warn" icon="triangle">{say("rs_returned")}</Chip>;
  if (policy.status === "proposal" || policy.status === "pending") return <PolicyChip status={policy.status} />;
  return <CoverChip cover={cover} />;
}

/** What a coverage answer means, as a sentence; never a bare yes or no. */
export function coverSentence(say: Say, day: (at: string | null) => string, cover: { answer: string; why?: string | null; until?: string | null }): string {
  const told = say(`covered_${cover.answer}` as Word, { date: day(cover.until ?? null) });
  return cover.why ? told.replace(/\.( |$)/, ` (${named(say, "why", cover.why)}).$1`) : told;
}

export function Cover({ cover }: { cover: { answer: string; why?: string | null; until?: string | null; notes?: readonly string[] } }) {
  const say = useW();
  const { moment } = useFormats();
  const { tone, icon } = COVER[cover.answer] ?? look("idle", "info");
  return (
    <div className={cls("box-msg", tone === "idle" ? "calm" : tone)} role="status">
      <Icon name={icon} />
      <p>
        {coverSentence(say, moment, cover)} {(cover.notes ?? []).map((note) => named(say, "why", note)).join(" · ")}
        {cover.answer !== "covered" && <span className="x2"> {say("neverBlocks")}</span>}
      </p>
    </div>
  );
}

/** A link to a page: a plain click stays inside, any other is the browser's. */
export function To({ place, className, children, title }: { place: Place; className?: string; children: ReactNode; title?: string }) {
  const desk = useDesk();
  const click = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    desk.go(place);
  };
  return <a href={hashOf(place)} className={cls("to", className)} onClick={click} title={title}>{children}</a>;
}

/** Set on pages: their sections are groups of one region, the panel's are regions of their own. */
export const InPage = createContext(false);

interface SectionProps {
  title: string;
  count?: number | string | undefined;
  aside?: ReactNode;
  children: ReactNode;
  className?: string | undefined;
}

export function Section({ title, count, aside, children, className }: SectionProps) {
  const id = useId();
  const page = useContext(InPage);
  return (
    <section className={cls("sec", className)} aria-labelledby={id} role={page ? "group" : undefined}>
      <h3 id={id}>
        {title} {count !== undefined && <span className="n">{count}</span>}
        {aside && <span className="end row">{aside}</span>}
      </h3>
      {children}
    </section>
  );
}

/** An icon, one line with its chip, a line of detail. */
export function Row({ icon, place, title, chip, detail, end }: { icon: IconName; place?: Place; title: string; chip?: ReactNode; detail?: ReactNode; end?: ReactNode }) {
  return (
    <li className="thing">
      <Icon name={icon} />
      {place ? <To place={place} className="cut" title={title}>{title}</To> : <span className="cut" title={title}>{title}</span>}
      <span className="row thing-end">{end}{chip}</span>
      {detail && <span className="s cut">{detail}</span>}
    </li>
  );
}

export function Failed({ onRetry, gone }: { onRetry: () => void; gone?: boolean }) {
  const say = useW();
  return (
    <div className="hollow small" role="alert">
      <p>{say(gone ? "gone" : "loadFailed")}</p>
      <Button size="small" onClick={onRetry}>{say("tryAgain")}</Button>
    </div>
  );
}

/** Bones until it is there, a retry when it failed. */
export function Read<T>({ of, children, lines = 3 }: { of: Fetched<T>; children: (value: T) => ReactNode; lines?: number }) {
  if (of.kind === "failed") return <Failed onRetry={of.retry} gone={of.status === 404 || of.status === 403} />;
  if (of.kind === "loading")
    return <div className="bones" aria-busy="true">{Array.from({ length: lines }, (_, n) => <span key={n} className="bone" />)}</div>;
  return children(of.value);
}

/** Pairs of a word and what it is; empty ones are left out. */
export function Facts({ rows }: { rows: readonly (readonly [label: string, value: ReactNode] | false | null | undefined | "")[] }) {
  const there = rows.filter((row): row is readonly [string, ReactNode] => Array.isArray(row) && row[1] !== null && row[1] !== undefined && row[1] !== "" && row[1] !== false);
  return (
    <dl className="facts">
      {there.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Said above what is read, and not changed: its file is another team's, or it is over. */
export function NotWritable() {
  const say = useW();
  return <p className="box-msg calm"><Icon name="lock" />{say("notWritable")}</p>;
}

/** Said above a file of which something is hidden from whoever reads it. */
export function Masked() {
  const say = useW();
  return <p className="box-msg calm"><Icon name="lock" />{say("healthMasked")}</p>;
}

export const policyName = (say: Say, policy: { policy_type: string; policy_number: string | null; reference: string }): string =>
  `${named(say, "line", policy.policy_type)} ${policy.policy_number ?? policy.reference}`;
