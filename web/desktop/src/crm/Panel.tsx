/** The right column: whose file it is, what is open in it, and everything that happened. */
import { api } from "@contactcenter/shared/api";
import type { CustomerRow, DeskFile, Hits } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { Button, cls, ErrorLine, Menu } from "@contactcenter/shared/ui";
import { useEffect, useId, useRef, useState } from "react";

import { useDesk } from "../context";
import { useAltKeys } from "../keys";
import { useFetched } from "../fetched";
import { ClaimChip, Failed, FiledChip, lineIcon, QuoteChip, Row, Section, SegmentChip, To } from "./bits";
import { useChanges, useRead } from "./data";
import { useFormats } from "./format";
import { useGate } from "./Gate";
import { place } from "./place";
import { refusal } from "./refused";
import { named, useW, type Word } from "./texts";
import { Timeline } from "./Timeline";

interface PanelProps {
  /** The conversation it is about; null while a page is read on its own. */
  interaction: string | null;
  mine: boolean;
  /** Leads to the identity gate of this interaction; none without one. */
  onVerify?: (interaction: string) => void;
}

interface Whose {
  interaction: string | null;
  contact: string | null;
  customer: string | null;
  /** What the screen knows of a change by itself. */
  version: string;
}

/** The file of whom a conversation is about, or of a customer; read again when it changes. */
export function useFile({ interaction, contact, customer, version }: Whose) {
  const [whose, setWhose] = useState(customer);
  const changes = useChanges(contact, whose, interaction);
  const path = interaction ? `/interactions/${interaction}/file` : `/customers/${customer}/file`;
  const file = useFetched<DeskFile>(`${path} ${version} ${changes}`, (signal) => api.get<DeskFile>(path, signal));
  const found = file.kind === "there" ? (file.value.customer?.customer_id ?? null) : null;
  useEffect(() => {
    if (found !== null) setWhose(found);
  }, [found]);
  return file;
}

export function FileView({ file, ...props }: PanelProps & { file: DeskFile; onLinked: () => void }) {
  const say = useW();
  const desk = useDesk();
  const [other, setOther] = useState(false);
  const { customer } = file;
  const { onLinked, ...shown } = props;
  const { interaction, mine } = shown;
  const about = { customer: customer?.customer_id, interaction: mine ? interaction : null };
  useAltKeys({
    s: customer?.writable ? () => desk.go(place("new", "claim", about)) : undefined,
    p: customer?.writable ? () => desk.go(place("new", "quote", about)) : undefined,
    t: customer?.writable ? () => desk.go(place("new", "task", about)) : undefined,
    o: customer ? () => desk.go(place("customer", customer.customer_id)) : undefined,
  });
  if (customer === null) return null;
  return (
    <>
      <div className="panel-scroll" tabIndex={0} role="group" aria-label={customer.name}>
      <Who {...shown} file={file} onOther={() => setOther(!other)} />
      {other && interaction && (
        <Section title={say("findCustomer")}>
          <Finder interaction={interaction} onDone={() => { setOther(false); onLinked(); }} />
        </Section>
      )}
      <Banner file={file} />
      <Things file={file} />
      <Section title={say("timeline")} count={say("allChannels")} className="timeline">
        <Timeline key={customer.customer_id} customer={customer.customer_id} current={interaction} />
      </Section>
      </div>
      {customer.writable && (
        <div className="panel-foot">
          <Button size="small" icon="plus" aria-keyshortcuts="Alt+S" title="Alt S" onClick={() => desk.go(place("new", "claim", about))}>{say("newClaim")}</Button>
          <Button size="small" icon="plus" aria-keyshortcuts="Alt+P" title="Alt P" onClick={() => desk.go(place("new", "quote", about))}>{say("newQuote")}</Button>
          <Button size="small" icon="plus" aria-keyshortcuts="Alt+T" title="Alt T" onClick={() => desk.go(place("new", "task", about))}>{say("newTask")}</Button>
        </div>
      )}
    </>
  );
}

function Who({ file, mine, interaction, onVerify, onOther }: PanelProps & { file: DeskFile; onOther: () => void }) {
  const say = useW();
  const desk = useDesk();
  const { customer } = file;
  const gate = useGate(interaction, customer?.customer_id ?? null);
  if (customer === null) return null;
  const level = gate.kind === "there" ? gate.value : null;
  const verified = level?.level === "verified";
  const document = customer.dni ?? customer.tax_id;
  return (
    <div className="who-hd">
      <div className="who-name">
        <h2 className="t16 b cut grow">
          <To place={place("customer", customer.customer_id)} title={say("openFile")}>{customer.name}</To>
        </h2>
        <SegmentChip segment={customer.segment} />
        <Menu
          className="ib"
          align="right"
          label={say("more")}
          trigger={<Icon name="dots" />}
          entries={[
            { id: "open", label: say("openFile"), icon: <Icon name="folder" />, onPick: () => desk.go(place("customer", customer.customer_id)) },
            ...(customer.writable
              ? [{ id: "edit", label: say("edit"), icon: <Icon name="edit" />, onPick: () => desk.go(place("customer", customer.customer_id, { edit: "1" })) }]
              : []),
            ...(mine && interaction ? [{ id: "other", label: say("notThem"), icon: <Icon name="swap" />, onPick: onOther }] : []),
          ]}
        />
      </div>
      <dl className="kv">
        <dt>{say(customer.kind === "company" ? "taxId" : "document")}</dt>
        <dd className="row">
          <span className="cut">{document ?? "—"}</span>
          {level &&
            (verified ? (
              <span className="row c-ok nowrap"><Icon name="shield" />{say("verified")}</span>
            ) : (
              <>
                <span className="row x2 nowrap"><Icon name="lock" />{level.passed.length > 0 ? say("gateOf", { n: level.passed.length }) : say("unverified")}</span>
                {mine && interaction && <button type="button" className="link end" onClick={() => onVerify?.(interaction)}>{say("verify")}</button>}
              </>
            ))}
        </dd>
        {[["phone", customer.mobile ?? customer.phone], ["email", customer.email]].map(([kind, value]) =>
          value ? (
            <div key={kind} className="pair">
              <dt>{say(kind as Word)}</dt>
              <dd className="cut" title={value}>{kind === "phone" ? spaced(value) : value}</dd>
            </div>
          ) : null,
        )}
      </dl>
    </div>
  );
}

/** A Spanish number in groups of three, without the prefix that everybody knows. */
export const spaced = (number: string): string => /^\+34(\d{3})(\d{3})(\d{3})$/.exec(number)?.slice(1).join(" ") ?? number;

const WARNED = new Set([
  "insurer_may_be_free", "covered_until", "suspended", "suspended_promise_nothing", "extinct_ask_insurer", "period_passed_ask_insurer",
  "complaint", "injured", "passed_on", "hail", "consorcio", "authorisation", "professional_no_client_data",
]);
const SILENT = new Set(["", "unknown", "catalan", "catalan_known", "vip"]);

/** What stands out about them, by the rules that also route. */
export function Banner({ file }: { file: DeskFile }) {
  const line = useBanner()(file);
  if (line === null) return null;
  return (
    <p className={cls("banner", line.warn ? "warn" : "acc")} role="status">
      <Icon name={line.icon} />
      {line.text}
    </p>
  );
}

/** A file's banner in words; null: nothing stands out. */
export function useBanner() {
  const say = useW();
  const { day } = useFormats();
  return ({ banner, contacts_7_days: n, covered_until, last_safe_day, unpaid_since }: DeskFile): { icon: IconName; text: string; warn: boolean } | null => {
    if (SILENT.has(banner)) return null;
    const date = banner === "covered_until" ? covered_until : banner === "last_safe_day" ? last_safe_day : unpaid_since;
    const warn = WARNED.has(banner);
    return { icon: warn ? "triangle" : banner === "repeat" ? "repeat" : "info", text: named(say, "b", banner, { n, date: day(date) }), warn };
  };
}

function Things({ file }: { file: DeskFile }) {
  const say = useW();
  const { day, money, moment } = useFormats();
  const { policies, claims, quotes, tasks, customer } = file;
  return (
    <>
      {claims.length > 0 && (
        <Section title={say("openClaims")} count={claims.length}>
          <ul className="things">
            {claims.map((one) => (
              <Row
                key={one.claim_id}
                icon={lineIcon(one.policy_type)}
                place={place("claim", one.claim_id)}
                title={`${one.claim_number} · ${named(say, "ca", one.cause)}`}
                chip={<ClaimChip claim={one} />}
                detail={[day(one.incident_date), one.adjuster_name ? say("handledBy", { name: one.adjuster_name }) : say("unhandled")].join(" · ")}
              />
            ))}
          </ul>
        </Section>
      )}
      <Section title={say("policies")} count={policies.length}>
        {policies.length === 0 && <p className="x3 t13">{say("noPolicies")}</p>}
        <ul className="things">
          {policies.map((filed) => {
            const { policy, receipt } = filed;
            const late = receipt?.state === "returned";
            return (
              <Row
                key={policy.policy_id}
                icon={lineIcon(policy.policy_type)}
                place={place("policy", policy.policy_id)}
                title={`${named(say, "line", policy.policy_type)} · ${filed.carrier_name}`}
                chip={<FiledChip filed={filed} />}
                detail={[
                  policy.policy_number ?? policy.reference,
                  policy.vehicle_plate,
                  receipt
                    ? late
                      ? say("receiptReturned", { amount: money(receipt.total), code: receipt.return_code ?? "" })
                      : say("receiptDue", { amount: money(receipt.total), date: day(receipt.due_on) })
                    : say("until", { date: day(policy.coverage_end_date) }),
                ].filter(Boolean).join(" · ")}
              />
            );
          })}
        </ul>
        {file.more_policies > 0 && customer && (
          <To place={place("customer", customer.customer_id)} className="t13">{say("morePolicies", { count: file.more_policies })}</To>
        )}
      </Section>
      {quotes.length > 0 && (
        <Section title={say("quotes")} count={quotes.length}>
          <ul className="things">
            {quotes.map((one) => (
              <Row
                key={one.quote_id}
                icon={lineIcon(one.quote_type)}
                place={place("quote", one.quote_id)}
                title={`${one.quote_number} · ${money(one.total_premium)}`}
                chip={<QuoteChip quote={one} />}
                detail={say("until", { date: day(one.valid_until) })}
              />
            ))}
          </ul>
        </Section>
      )}
      {tasks.length > 0 && (
        <Section title={say("tasks")} count={tasks.length}>
          <ul className="things">
            {tasks.map((one) => (
              <Row
                key={one.task_id}
                icon="calendar"
                place={place("task", one.task_id)}
                title={one.title}
                end={<span className={cls("t12", one.overdue ? "c-bad" : "x3")}>{one.overdue && <Icon name="octagon" size={12} />} {one.due_date ? moment(one.due_date) : say("noDue")}</span>}
              />
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

/** Somebody whose address is nobody's, or several people's: search, choose, or open a file. */
export function Unknown({ file, interaction, mine, onLinked }: { file: DeskFile; interaction: string; mine: boolean; onLinked: () => void }) {
  const say = useW();
  const desk = useDesk();
  const several = file.state === "candidates";
  // A claim or a quote needs a file first; the key leads to where it is found, and says so.
  const [first, setFirst] = useState(0);
  const needsFile = mine ? () => setFirst((n) => n + 1) : undefined;
  useAltKeys({
    s: needsFile,
    p: needsFile,
    t: () => desk.go(place("new", "task", mine ? { interaction } : {})),
  });
  return (
    <Section title={say(several ? "candidates" : "unknown")} count={several ? file.candidates.length : undefined}>
      {first > 0 ? (
        <p className="box-msg warn" role="alert"><Icon name="triangle" />{say("fileFirst")}</p>
      ) : (
        <p className="t13 x2">{say(several ? "candidatesHint" : "unknownHint")}</p>
      )}
      {mine && <Finder interaction={interaction} first={file.candidates} focus={first} onDone={onLinked} />}
    </Section>
  );
}

const WAIT_MS = 200;

/** Find a customer and say that this conversation is about them. */
function Finder({ interaction, first = [], focus = 0, onDone }: { interaction: string; first?: readonly CustomerRow[]; focus?: number; onDone: () => void }) {
  const say = useW();
  const desk = useDesk();
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<string>();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (focus > 0) input.current?.focus();
  }, [focus]);
  const query = text.trim();
  useEffect(() => {
    const timer = setTimeout(() => setAsked(query.length >= 2 ? query : ""), WAIT_MS);
    return () => clearTimeout(timer);
  }, [query]);
  const found = useRead<Hits>(asked ? `/customers/search?limit=8&q=${encodeURIComponent(asked)}` : null);
  const rows: readonly CustomerRow[] = asked && found.kind === "there" ? found.value.items : asked ? [] : first;
  const link = async (customer: string) => {
    setBusy(customer);
    setError(undefined);
    try {
      await api.put(`/interactions/${interaction}/customer`, { customer_id: customer });
      onDone();
    } catch (problem) {
      setError(refusal(problem, say));
      setBusy(null);
    }
  };
  return (
    <div className="finder">
      <label className="sr" htmlFor={id}>{say("findCustomer")}</label>
      <input
        ref={input}
        id={id}
        className="input small"
        type="search"
        autoComplete="off"
        placeholder={say("findHint")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          const only = rows[0];
          if (event.key === "Enter" && rows.length === 1 && only) void link(only.customer_id);
        }}
      />
      <ul className="things" aria-live="polite">
        {rows.map((one) => (
          <li key={one.customer_id} className="thing">
            <Icon name={one.kind === "company" ? "briefcase" : "person"} />
            <To place={place("customer", one.customer_id)} className="cut">{one.name}</To>
            <Button size="small" disabled={busy !== null} onClick={() => void link(one.customer_id)}>
              {busy === one.customer_id ? say("linking") : say("thisOne")}
              <span className="sr"> {one.name}</span>
            </Button>
            <span className="s cut">{[one.city, named(say, "seg", one.segment)].filter(Boolean).join(" · ")}</span>
          </li>
        ))}
      </ul>
      {asked && found.kind === "there" && rows.length === 0 && <p className="t13 x3" role="status">{say("nobodyFound")}</p>}
      {asked && found.kind === "there" && found.value.more && <p className="t13 x3">{say("refine")}</p>}
      {asked && found.kind === "failed" && <Failed onRetry={found.retry} />}
      <ErrorLine error={error} />
      <Button size="small" icon="plus" onClick={() => desk.go(place("new", "customer", { interaction }))}>{say("newCustomer")}</Button>
    </div>
  );
}

/** The panel of a page that is read while no conversation is open. */
export function AboutPanel() {
  const say = useW();
  const about = useStore(useDesk().about);
  if (about === null)
    return (
      <div className="hollow">
        <Icon name="person" size={24} />
        <p>{say("nothingYet")}</p>
      </div>
    );
  return <About key={about} customer={about} />;
}

function About({ customer }: { customer: string }) {
  const file = useFile({ interaction: null, contact: null, customer, version: "" });
  if (file.kind === "failed") return <Failed onRetry={file.retry} gone={file.status === 404} />;
  if (file.kind === "loading") return <div className="who-hd" aria-busy="true"><span className="bone wide" /></div>;
  return (
    <FileView file={file.value} interaction={null} mine={false} onLinked={file.retry} />
  );
}

