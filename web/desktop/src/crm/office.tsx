/** What each section of the office's rules shows, asks and sends. */
import { request, session } from "@contactcenter/shared/api";
import type {
  Authority, CatastropheOut, ContactRule, Deputy, Holiday, InsurerOut, LimitIn, Money, PeriodIn, ProfessionalOut, QuoteRule, RateIn, RoleList,
} from "@contactcenter/shared/contract";
import { type Locale, locale } from "@contactcenter/shared/prefs";
import { useRoleName } from "@contactcenter/shared/roles";
import { useStore } from "@contactcenter/shared/store";
import { today } from "@contactcenter/shared/time";
import { Chip } from "@contactcenter/shared/ui";
import { type ReactNode, useState } from "react";

import { LINES } from "./bits";
import { amount, day as dayFault, type Fault } from "./checks";
import { useCatastrophes, useInsurerRows, useOffers, useProfessionals } from "./centre";
import { usePeople } from "./ClaimMove";
import { useContactRules } from "./contactrules";
import { useInsurers, useRead } from "./data";
import { type Checks, type Choice, In, Pick, Sum, type Values } from "./form";
import { useFormats } from "./format";
import { dropBy, type Kind, needed, query } from "./kind";
import { money, sumText } from "./money";
import { useInsurerChoices } from "./PolicyForms";
import { Choose } from "./TasksPage";
import { named, useW, type w } from "./texts";

export const SECTIONS = [
  "holidays", "rates", "periods", "limits", "authorities", "deputies", "insurers", "offers", "catastrophes", "professionals", "contacts",
] as const;
export type Section = (typeof SECTIONS)[number];
export type RuleRow = Holiday | RateIn | PeriodIn | LimitIn | Authority | Deputy | InsurerOut | QuoteRule | CatastropheOut | ProfessionalOut | ContactRule;

const RATES = [
  "ips", "ips_rider", "extraordinary", "compulsory_motor", "winding_up", "instalment_semiannual", "instalment_quarterly",
  "instalment_monthly", "commission", "retention",
] as const;
/** crm.law.Kind. */
const PERIODS = [
  "insurer_notice_months", "tacit_term_months", "grace_months", "premium_claim_months", "withdrawal_days", "claim_report_days",
  "minimum_payment_days", "default_interest_months", "complaint_sector_months", "complaint_service_days",
] as const;
/** Where the centre's roles cannot be read. */
const BUILT_IN: readonly string[] = ["adjuster", "supervisor", "admin"];

export const lineName = (say: typeof w, line: string | undefined): string => (!line || line === "*" ? say("allLines") : named(say, "line", line));
const sumFault = (text: string | undefined): Fault | null => (text ? amount(text, false) : "missing");

/** Working days, days or months: the end of its name. */
const unitOf = (kind: string): "months" | "days" | "workdays" =>
  kind === "complaint_service_days" ? "workdays" : kind.endsWith("_months") ? "months" : "days";

const percent = (text: string): number => Number(text.replace(",", "."));
const percentFault = (text: string): Fault | null => (/^\d{1,3}([.,]\d{1,6})?$/.test(text) && percent(text) <= 100 ? null : "bad_rate");

/** 0.00007 → 0,007: what a field of a percentage begins with. */
export const percentText = (rate: string | null | undefined, loc: Locale): string => {
  if (rate === null || rate === undefined) return "";
  const text = String(Number((Number(rate) * 100).toFixed(6)));
  return loc === "es" ? text.replace(".", ",") : text;
};

interface Dated {
  valid_from: string;
}

/** Of rows of one thing, which holds today: the youngest whose day has come. */
export function standing<T extends Dated>(row: T, all: readonly T[], same: (one: T) => string, on: string): "now" | "later" | "before" {
  if (row.valid_from > on) return "later";
  const younger = all.some((one) => same(one) === same(row) && one.valid_from > row.valid_from && one.valid_from <= on);
  return younger ? "before" : "now";
}

function Since<T extends Dated>({ row, all, same }: { row: T; all: readonly T[]; same: (one: T) => string }) {
  const say = useW();
  const { day } = useFormats();
  const state = standing(row, all, same, today());
  return (
    <span className="row">
      {day(row.valid_from)}
      {state === "now" && <Chip tone="ok" icon="check">{say("holdsNow")}</Chip>}
      {state === "later" && <Chip tone="acc" icon="clock">{say("holdsLater")}</Chip>}
      {state === "before" && <Chip>{say("heldBefore")}</Chip>}
    </span>
  );
}

/** Every way to change a section takes one of these. */
export function useSection(name: Section): Kind<RuleRow> {
  const all = {
    holidays: useHolidays(),
    rates: useRates(),
    periods: usePeriods(),
    limits: useLimits(),
    authorities: useAuthorities(),
    deputies: useDeputies(),
    insurers: useInsurerRows(),
    offers: useOffers(),
    catastrophes: useCatastrophes(),
    professionals: useProfessionals(),
    contacts: useContactRules(),
  };
  return all[name] as unknown as Kind<RuleRow>;
}

function useHolidays(): Kind<Holiday> {
  const say = useW();
  const { day } = useFormats();
  const first = Number(today().slice(0, 4));
  const [year, setYear] = useState(String(first));
  const path = "/holidays";
  const id = (row: Holiday) => query({ day: row.day });
  const nameOf = (row: Holiday) => (row.by_law ? named(say, "hn", row.by_law) : row.name);
  const scopes = (["local", "regional", "national"] as const).map((one) => [one, named(say, "sc", one)] as const);
  return {
    path,
    query: `?year=${year}`,
    right: "portfolios.all",
    above: <Choose label={say("year")} options={[0, 1, 2].map((n) => String(first + n))} now={year} name={(one) => one} onPick={setYear} />,
    columns: [
      { label: say("holidayDay"), cell: (row) => day(row.day) },
      { label: say("holidayName"), cell: nameOf },
      { label: say("scope"), cell: (row) => named(say, "sc", row.scope) },
    ],
    id,
    title: (row) => `${day(row.day)}, ${nameOf(row)}`,
    fixed: (row) => Boolean(row.by_law),
    initial: { day: "", name: "", scope: "local" },
    values: (row) => ({ day: row.day, name: row.name, scope: row.scope }),
    check: (v) => ({ day: v.day ? dayFault(v.day) : "missing", name: needed(v.name) }),
    keys: <In name="day" label={say("holidayDay")} type="date" />,
    fields: () => (
      <>
        <In name="name" label={say("holidayName")} maxLength={100} />
        <Pick name="scope" label={say("scope")} choices={scopes} />
      </>
    ),
    body: (v) => ({ day: v.day, name: v.name?.trim(), scope: v.scope }),
    drop: (row, etag) => dropBy(path, id(row), etag),
  };
}

/** What rates and times of the law have in common: a kind, a line and a first day. */
function useDated<Row extends RateIn | PeriodIn>(path: string, kinds: readonly string[], group: string, howMuch: (row: Row) => ReactNode) {
  const say = useW();
  const { day } = useFormats();
  const lines: readonly Choice[] = [["*", say("allLines")], ...LINES.map((one) => [one, named(say, "line", one)] as const)];
  const id = (row: Row) => query({ kind: row.kind, line: row.line, valid_from: row.valid_from });
  const same = (row: Row) => `${row.kind} ${row.line ?? "*"}`;
  const columns: Kind<Row>["columns"] = [
    { label: say("what"), cell: (row) => named(say, group, row.kind) },
    { label: say("type"), cell: (row) => lineName(say, row.line) },
    { label: say("howMuch"), num: true, cell: howMuch },
    { label: say("validFrom"), cell: (row, all) => <Since row={row} all={all} same={same} /> },
    { label: say("source"), cell: (row) => row.source },
  ];
  return {
    path,
    query: "",
    right: "portfolios.all" as const,
    columns,
    id,
    fixed: () => false,
    drop: (row: Row, etag: string) => dropBy(path, id(row), etag),
    title: (row: Row) => `${named(say, group, row.kind)}, ${lineName(say, row.line).toLowerCase()}, ${day(row.valid_from)}`,
    keys: (
      <>
        <Pick name="kind" label={say("what")} choices={kinds.map((one) => [one, named(say, group, one)] as const)} />
        <Pick name="line" label={say("type")} choices={lines} />
        <In name="valid_from" label={say("validFrom")} type="date" />
      </>
    ),
    check: (v: Values): Checks => ({ valid_from: v.valid_from ? dayFault(v.valid_from) : "missing", source: needed(v.source) }),
    initial: { kind: kinds[0] ?? "", line: "*", valid_from: "", source: "" },
    values: (row: Row) => ({ kind: row.kind, line: row.line ?? "*", valid_from: row.valid_from, source: row.source }),
  };
}

function useRates(): Kind<RateIn> {
  const say = useW();
  const { money: euros } = useFormats();
  const loc = useStore(locale);
  const dated = useDated<RateIn>("/premium-rates", RATES, "rt", (row) => (row.flat != null ? euros({ amount: row.flat, currency: "EUR" } as Money) : `${percentText(row.rate, loc)} %`));
  return {
    ...dated,
    initial: { ...dated.initial, rate: "", flat: "" },
    values: (row) => ({ ...dated.values(row), rate: percentText(row.rate, loc), flat: row.flat == null ? "" : sumText({ amount: row.flat, currency: "EUR" } as Money) }),
    check: (v) => ({
      ...dated.check(v),
      rate: v.rate ? (v.flat ? "bad_rate" : percentFault(v.rate)) : v.flat ? null : "missing",
      flat: v.flat ? amount(v.flat, false) : null,
    }),
    fields: () => (
      <>
        <In name="rate" label={say("percent")} hint={say("eitherOne")} inputMode="decimal" maxLength={10} />
        <Sum name="flat" label={say("flat")} />
        <In name="source" label={say("source")} maxLength={200} wide />
      </>
    ),
    body: (v) => ({
      kind: v.kind, line: v.line, valid_from: v.valid_from, source: v.source?.trim(),
      ...(v.rate ? { rate: (percent(v.rate) / 100).toFixed(8) } : { flat: money(v.flat)?.amount }),
    }),
  };
}

function usePeriods(): Kind<PeriodIn> {
  const say = useW();
  const dated = useDated<PeriodIn>("/legal-periods", PERIODS, "pk", (row) => say(`un_${unitOf(row.kind)}`, { n: row.amount }));
  return {
    ...dated,
    initial: { ...dated.initial, amount: "" },
    values: (row) => ({ ...dated.values(row), amount: String(row.amount) }),
    check: (v) => ({ ...dated.check(v), amount: v.amount ? (/^[1-9]\d{0,3}$/.test(v.amount) && Number(v.amount) <= 3650 ? null : "out_of_range") : "missing" }),
    fields: (v) => (
      <>
        <In name="amount" label={say(`number_${unitOf(v.kind ?? "")}`)} inputMode="numeric" maxLength={4} />
        <In name="source" label={say("source")} maxLength={200} wide />
      </>
    ),
    body: (v) => ({ kind: v.kind, line: v.line, valid_from: v.valid_from, source: v.source?.trim(), amount: Number(v.amount) }),
  };
}

function useLimits(): Kind<LimitIn> {
  const say = useW();
  const { money: euros, day } = useFormats();
  const roleName = useRoleName();
  // Whoever may give a role its limit sees which there are; the built-in ones are there for everybody.
  const sees = useStore(session)?.permissions.includes("users.manage") ?? false;
  const list = useRead<RoleList>(sees ? "/roles" : null);
  const roles = (list.kind === "there" ? list.value.items.map((one) => one.name) : BUILT_IN).filter((one) => one !== "customer");
  const path = "/approval-limits";
  const id = (row: LimitIn) => query({ role: row.role, valid_from: row.valid_from });
  return {
    path,
    query: "",
    right: "roles.manage",
    columns: [
      { label: say("role"), cell: (row) => roleName(row.role) },
      { label: say("aloneUpTo"), num: true, cell: (row) => euros(row.limit) },
      { label: say("validFrom"), cell: (row, all) => <Since row={row} all={all} same={(one) => one.role} /> },
    ],
    id,
    title: (row) => `${roleName(row.role)}, ${day(row.valid_from)}`,
    fixed: () => false,
    initial: { role: "adjuster", valid_from: "", limit: "" },
    values: (row) => ({ role: row.role, valid_from: row.valid_from, limit: sumText(row.limit) }),
    check: (v) => ({ valid_from: v.valid_from ? dayFault(v.valid_from) : "missing", limit: sumFault(v.limit) }),
    keys: (
      <>
        <Pick name="role" label={say("role")} choices={roles.map((one) => [one, roleName(one)] as const)} />
        <In name="valid_from" label={say("validFrom")} type="date" />
      </>
    ),
    fields: () => <Sum name="limit" label={say("aloneUpTo")} />,
    body: (v) => ({ role: v.role, valid_from: v.valid_from, limit: money(v.limit) }),
    drop: (row, etag) => dropBy(path, id(row), etag),
  };
}

function useAuthorities(): Kind<Authority> {
  const say = useW();
  const { money: euros, day } = useFormats();
  const insurers = useInsurers();
  const choices = useInsurerChoices("—");
  const path = "/delegated-authorities";
  const id = (row: Authority) => query({ carrier: row.carrier, policy_type: row.policy_type, valid_from: row.valid_from });
  const carrier = (key: string) => (insurers.kind === "there" ? insurers.value.items.find((one) => one.key === key)?.name : undefined) ?? key;
  return {
    path,
    query: "",
    right: "portfolios.all",
    columns: [
      { label: say("insurer"), cell: (row) => carrier(row.carrier) },
      { label: say("type"), cell: (row) => named(say, "line", row.policy_type) },
      { label: say("decidesUpTo"), num: true, cell: (row) => euros(row.max_amount) },
      { label: say("twoAbove"), num: true, cell: (row) => euros(row.four_eyes_above) },
      { label: say("validFrom"), cell: (row, all) => <Since row={row} all={all} same={(one) => `${one.carrier} ${one.policy_type}`} /> },
    ],
    id,
    title: (row) => `${carrier(row.carrier)}, ${named(say, "line", row.policy_type).toLowerCase()}, ${day(row.valid_from)}`,
    fixed: () => false,
    initial: { carrier: "", policy_type: "auto", valid_from: "", max_amount: "", four_eyes_above: "" },
    values: (row) => ({
      carrier: row.carrier, policy_type: row.policy_type, valid_from: row.valid_from,
      max_amount: sumText(row.max_amount), four_eyes_above: sumText(row.four_eyes_above),
    }),
    check: (v) => ({
      carrier: needed(v.carrier), valid_from: v.valid_from ? dayFault(v.valid_from) : "missing",
      max_amount: sumFault(v.max_amount), four_eyes_above: sumFault(v.four_eyes_above),
    }),
    keys: (
      <>
        <Pick name="carrier" label={say("insurer")} choices={choices} />
        <Pick name="policy_type" label={say("type")} choices={LINES.map((one) => [one, named(say, "line", one)] as const)} />
        <In name="valid_from" label={say("validFrom")} type="date" />
      </>
    ),
    fields: () => (
      <>
        <Sum name="max_amount" label={say("decidesUpTo")} />
        <Sum name="four_eyes_above" label={say("twoAbove")} />
      </>
    ),
    body: (v) => ({
      carrier: v.carrier, policy_type: v.policy_type, valid_from: v.valid_from,
      max_amount: money(v.max_amount), four_eyes_above: money(v.four_eyes_above),
    }),
    drop: (row, etag) => dropBy(path, id(row), etag),
  };
}

function useDeputies(): Kind<Deputy> {
  const say = useW();
  const { day } = useFormats();
  const people = usePeople("—");
  const path = "/handler-deputies";
  return {
    path,
    query: "",
    right: "agents.manage",
    columns: [
      { label: say("away"), cell: (row) => row.agent_name },
      { label: say("deputy"), cell: (row) => row.deputy_name },
      { label: say("validFrom"), cell: (row) => day(row.valid_from) },
      { label: say("validTo"), cell: (row) => (row.valid_to ? day(row.valid_to) : "—") },
      { label: say("standsIn"), cell: (row) => row.now && <Chip tone="ok" icon="check">{say("standsIn")}</Chip> },
    ],
    id: (row) => query({ agent: row.agent_id, valid_from: row.valid_from }),
    title: (row) => `${row.agent_name}, ${day(row.valid_from)}`,
    fixed: () => false,
    initial: { agent_id: "", deputy_id: "", valid_from: "", valid_to: "" },
    values: (row) => ({ agent_id: row.agent_id, deputy_id: row.deputy_id, valid_from: row.valid_from, valid_to: row.valid_to ?? "" }),
    check: (v) => ({
      agent_id: needed(v.agent_id),
      deputy_id: needed(v.deputy_id),
      valid_from: v.valid_from ? dayFault(v.valid_from) : null,
      valid_to: v.valid_to ? (dayFault(v.valid_to) ?? (v.valid_to < (v.valid_from || today()) ? "bad_period" : null)) : null,
    }),
    keys: (
      <>
        <Pick name="agent_id" label={say("away")} choices={people} />
        <In name="valid_from" label={say("validFrom")} hint={say("fromToday")} type="date" />
      </>
    ),
    fields: () => (
      <>
        <Pick name="deputy_id" label={say("deputy")} choices={people} />
        <In name="valid_to" label={say("validTo")} hint={say("openEnd")} type="date" />
      </>
    ),
    body: (v) => ({ agent_id: v.agent_id, deputy_id: v.deputy_id, valid_from: v.valid_from || null, valid_to: v.valid_to || null }),
    drop: (row, etag) => request("PUT", path, { body: { agent_id: row.agent_id, deputy_id: null, valid_from: row.valid_from }, etag }),
  };
}
