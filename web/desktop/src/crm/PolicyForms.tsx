/** Forms of a policy: new, endorsed, renewed, cancelled. */
import { api, request } from "@contactcenter/shared/api";
import type { Cancelled, CustomerOut, PolicyOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { instant, now, today } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useDesk } from "../context";
import { LINES, policyName, Section } from "./bits";
import { amount, day, type Fault, months, plate } from "./checks";
import { etagOf, orAnew, useInsurers, useRead } from "./data";
import { Area, type Checks, type Choice, Form, In, Pick, Sum, Tick, useForm, type Values } from "./form";
import { useFormats } from "./format";
import { money, sumText } from "./money";
import { Asker, PartyRows, partiesChanged, partiesOf, partyChecks, partyValues } from "./Parties";
import { place } from "./place";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

export const FREQUENCIES = ["annual", "semiannual", "quarterly", "monthly", "single"] as const;
const SUMS = ["premium_amount", "premium_net", "coverage_amount"] as const;
const TEXTS = ["vehicle_make", "vehicle_model", "vehicle_plate", "property_address", "property_postal_code", "notes"] as const;

export function useInsurerChoices(empty: string): readonly Choice[] {
  const insurers = useInsurers();
  const rows = insurers.kind === "there" ? insurers.value.items.filter((one) => !one.retired) : [];
  return [["", empty], ...rows.map((one) => [one.key, one.name] as const)];
}

export const useFrequencies = (): readonly Choice[] => {
  const say = useW();
  return FREQUENCIES.map((one) => [one, named(say, "fr", one)] as const);
};

const given = (v: Values, name: string): string => (v[name] ?? "").trim();
const some = (v: Values, name: string, rule: (text: string) => Fault | null): Fault | null => (given(v, name) ? rule(given(v, name)) : null);

function termChecks(v: Values): Checks {
  return {
    premium_amount: given(v, "premium_amount") ? amount(given(v, "premium_amount")) : "missing",
    premium_net: some(v, "premium_net", (text) => amount(text, false)),
    coverage_amount: some(v, "coverage_amount", (text) => amount(text, false)),
    vehicle_plate: some(v, "vehicle_plate", plate),
    vehicle_year: some(v, "vehicle_year", (text) => (/^\d{4}$/.test(text) && Number(text) >= 1885 && Number(text) <= 2200 ? null : "bad_number")),
    property_postal_code: some(v, "property_postal_code", (text) => (text.length > 10 ? "tooLong" : null)),
    covers: given(v, "covers").split(",").some((one) => one.trim().length > 60) ? "tooLong" : null,
  };
}

function termBody(v: Values, names: ReadonlySet<string> | null): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const wanted = (name: string) => (names === null ? given(v, name) !== "" : names.has(name));
  for (const name of SUMS) if (wanted(name)) body[name] = money(v[name]);
  for (const name of TEXTS) if (wanted(name)) body[name] = given(v, name) || null;
  if (wanted("vehicle_year")) body.vehicle_year = given(v, "vehicle_year") ? Number(given(v, "vehicle_year")) : null;
  if (wanted("premium_frequency")) body.premium_frequency = v.premium_frequency;
  if (wanted("covers")) body.covers = given(v, "covers").split(",").map((one) => one.trim()).filter(Boolean);
  return body;
}

function Terms({ line }: { line: string }) {
  const say = useW();
  const frequencies = useFrequencies();
  return (
    <>
      <Sum name="premium_amount" label={say("premiumYear")} />
      <Sum name="premium_net" label={say("premiumNet")} />
      <Pick name="premium_frequency" label={say("frequency")} choices={frequencies} />
      <Sum name="coverage_amount" label={say("capital")} />
      {line === "auto" && (
        <>
          <In name="vehicle_plate" label={say("plate")} maxLength={20} />
          <In name="vehicle_make" label={say("make")} maxLength={200} />
          <In name="vehicle_model" label={say("model")} maxLength={200} />
          <In name="vehicle_year" label={say("year")} inputMode="numeric" maxLength={4} />
        </>
      )}
      {(line === "home" || line === "business") && (
        <>
          <In name="property_address" label={say("riskAddress")} maxLength={200} />
          <In name="property_postal_code" label={say("postalCode")} maxLength={10} />
        </>
      )}
      <In name="covers" label={say("covers")} hint={say("coversHint")} maxLength={2000} wide />
      <Area name="notes" label={say("notes")} rows={2} />
    </>
  );
}

function termValues(policy: PolicyOut): Record<string, string> {
  return {
    premium_amount: sumText(policy.premium_amount),
    premium_net: sumText(policy.premium_net),
    coverage_amount: sumText(policy.coverage_amount),
    premium_frequency: policy.premium_frequency,
    covers: policy.covers.join(", "),
    vehicle_year: policy.vehicle_year === null ? "" : String(policy.vehicle_year),
    ...Object.fromEntries(TEXTS.map((name) => [name, policy[name] ?? ""])),
  };
}

/** What is agreed beside the terms, and is no matter of an endorsement. A life contract has its own
 * notice; of all others it is the law's month. */
export function Agreed({ line }: { line: string }) {
  const say = useW();
  return (
    <>
      {line === "life" && <In name="notice_months" label={say("notice")} hint={say("optional")} placeholder={say("noticeOwn")} inputMode="numeric" maxLength={2} />}
      <Tick name="auto_renew" label={say("autoRenew")} />
      <Tick name="first_premium_agreed" label={say("firstPremiumAgreed")} />
    </>
  );
}

export const agreedChecks = (v: Values, line: string | undefined): Checks => ({ notice_months: line === "life" ? some(v, "notice_months", months) : null });

export function agreedBody(v: Values, line: string | undefined, changed: ReadonlySet<string> | null): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const wanted = (name: string) => changed === null || changed.has(name);
  if (wanted("auto_renew")) body.auto_renew = v.auto_renew === "yes";
  if (wanted("first_premium_agreed")) body.first_premium_agreed = v.first_premium_agreed === "yes";
  if (line === "life" && wanted("notice_months")) body.notice_months = given(v, "notice_months") ? Number(given(v, "notice_months")) : null;
  return body;
}

export const AGREED: Values = { auto_renew: "yes", first_premium_agreed: "", notice_months: "" };

const agreedValues = (policy: PolicyOut): Record<string, string> => ({
  auto_renew: policy.auto_renew ? "yes" : "",
  first_premium_agreed: policy.first_premium_agreed ? "yes" : "",
  notice_months: policy.notice_months === null ? "" : String(policy.notice_months),
});

const inAYear = (from: string): string => {
  const [year = "", ...rest] = from.split("-");
  return [String(Number(year) + 1), ...rest].join("-").replace(/-02-29$/, "-02-28");
};

export function NewPolicy({ with: about }: { with: Values }) {
  const say = useW();
  const desk = useDesk();
  const insurers = useInsurerChoices("—");
  const customer = useRead<CustomerOut>(about.customer ? `/customers/${about.customer}` : null);
  const start = today();
  const form = useForm({
    id: `policy new ${about.customer ?? ""}`,
    initial: {
      policy_type: about.line ?? "auto", carrier: "", policy_number: "", coverage_start_date: start, coverage_start_time: "00:00",
      coverage_end_date: inAYear(start), premium_amount: "", premium_net: "", coverage_amount: "", premium_frequency: "annual",
      covers: "", vehicle_plate: "", vehicle_make: "", vehicle_model: "", vehicle_year: "", property_address: "",
      property_postal_code: "", notes: "", ...AGREED,
      distance_sale: "", concluded_on: start, cover_on_request: "",
    },
    check: (v) => ({
      ...termChecks(v),
      ...partyChecks(v),
      ...agreedChecks(v, v.policy_type),
      concluded_on: v.distance_sale === "yes" ? day(given(v, "concluded_on")) : null,
      carrier: v.carrier ? null : "missing",
      coverage_start_date: day(given(v, "coverage_start_date")),
      coverage_end_date: day(given(v, "coverage_end_date")) ?? (given(v, "coverage_end_date") <= given(v, "coverage_start_date") ? "bad_period" : null),
    }),
    send: async (v) => {
      const made = await request<PolicyOut>("POST", "/policies", {
        key: crypto.randomUUID(),
        body: {
          ...termBody(v, null),
          ...agreedBody(v, v.policy_type, null),
          customer_id: about.customer,
          policy_type: v.policy_type,
          carrier: v.carrier,
          policy_number: given(v, "policy_number") || null,
          coverage_start_date: v.coverage_start_date,
          coverage_start_time: v.coverage_start_time || "00:00",
          coverage_end_date: v.coverage_end_date,
          distance_sale: v.distance_sale === "yes",
          ...(v.distance_sale === "yes" ? { concluded_on: v.concluded_on, cover_on_request: v.cover_on_request === "yes" } : {}),
          parties: partiesOf(v),
        },
      });
      desk.turn(place("policy", made.policy_id));
    },
  });
  const title = customer.kind === "there" ? say("newPolicyOf", { name: customer.value.name }) : say("newPolicyTitle");
  return (
    <Shell title={title} about={about.customer ?? null}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack}>
        <div className="grid">
          <Pick name="policy_type" label={say("type")} choices={LINES.map((one) => [one, named(say, "line", one)] as const)} />
          <Pick name="carrier" label={say("insurer")} choices={insurers} />
          <In name="policy_number" label={say("policyNumber")} hint={say("optional")} maxLength={100} />
          <In name="coverage_start_date" label={say("effect")} type="date" />
          <In name="coverage_start_time" label={say("hour")} type="time" />
          <In name="coverage_end_date" label={say("ends")} type="date" />
          <Terms line={form.values.policy_type ?? ""} />
          <Agreed line={form.values.policy_type ?? ""} />
          <Tick name="distance_sale" label={say("soldAtDistance")} />
          {form.values.distance_sale === "yes" && (
            <>
              <In name="concluded_on" label={say("concludedOn")} type="date" />
              <Tick name="cover_on_request" label={say("coverOnRequest")} />
            </>
          )}
        </div>
        <PartyRows form={form} />
      </Form>
    </Shell>
  );
}

export function EndorseForm({ policy, onReload }: { policy: PolicyOut; onReload: () => void }) {
  const say = useW();
  const desk = useDesk();
  const title = say("endorseTitle", { name: policyName(say, policy) });
  const path = `/policies/${policy.policy_id}`;
  const form = useForm({
    id: `policy endorse ${policy.policy_id}`,
    version: policy.version,
    initial: { ...termValues(policy), ...partyValues(policy.parties), ...agreedValues(policy), effective_date: "", effective_time: "00:00", reason: "", policy_number: policy.policy_number ?? "" },
    check: (v) => ({ ...termChecks(v), ...partyChecks(v), ...agreedChecks(v, policy.policy_type), effective_date: some(v, "effective_date", day) }),
    send: async (v, changed, began) => {
      const version = began ?? (await api.get<PolicyOut>(path)).version;
      const body: Record<string, unknown> = { ...termBody(v, changed), ...agreedBody(v, policy.policy_type, changed), reason: given(v, "reason") };
      if (given(v, "effective_date")) Object.assign(body, { effective_date: v.effective_date, effective_time: v.effective_time || "00:00" });
      if (partiesChanged(changed)) body.parties = partiesOf(v);
      if (changed.has("policy_number")) body.policy_number = given(v, "policy_number") || null;
      await api.patch(path, body, etagOf(version));
      desk.goBack();
    },
  });
  return (
    <Shell title={title} about={policy.customer_id}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
        <div className="grid">
          <In name="effective_date" label={say("effectFrom")} type="date" hint={say("optional")} />
          {given(form.values, "effective_date") !== "" && <In name="effective_time" label={say("hour")} type="time" />}
          <In name="reason" label={say("reason")} maxLength={200} />
          {policy.status === "proposal" && <In name="policy_number" label={say("policyNumber")} maxLength={100} />}
          <Terms line={policy.policy_type} />
        </div>
        <Section title={say("changesAtOnce")}>
          <div className="grid"><Agreed line={policy.policy_type} /></div>
        </Section>
        {!policy.masked && <PartyRows form={form} />}
      </Form>
    </Shell>
  );
}

export function RenewForm({ policy, onReload }: { policy: PolicyOut; onReload: () => void }) {
  const say = useW();
  const desk = useDesk();
  const title = say("renewTitle", { name: policyName(say, policy) });
  const form = useForm({
    id: `policy renew ${policy.policy_id}`,
    initial: { end_date: "", premium_amount: "", insurer_notified_on: "", insurer_consents: "", note: "" },
    check: (v) => ({
      end_date: some(v, "end_date", (text) => day(text) ?? (text <= policy.coverage_end_date ? "bad_period" : null)),
      premium_amount: some(v, "premium_amount", amount),
      insurer_notified_on: some(v, "insurer_notified_on", day),
    }),
    send: async (v) => {
      const body: Record<string, unknown> = { insurer_consents: v.insurer_consents === "yes", note: given(v, "note") };
      if (given(v, "end_date")) body.end_date = v.end_date;
      if (given(v, "premium_amount")) body.premium_amount = money(v.premium_amount);
      if (given(v, "insurer_notified_on")) body.insurer_notified_on = v.insurer_notified_on;
      await orAnew(api.post(`/policies/${policy.policy_id}/renew`, body, { etag: etagOf(policy.version) }), onReload);
      desk.goBack();
    },
  });
  return (
    <Shell title={title} about={policy.customer_id}>
      <Form form={form} label={title} submit={say("renew")} onLeave={desk.goBack} onReload={onReload}>
        <div className="grid">
          <In name="end_date" label={say("newEnd")} type="date" hint={say("optional")} />
          <Sum name="premium_amount" label={say("newPremium")} hint={say("optional")} />
          <In name="insurer_notified_on" label={say("insurerNotified")} type="date" hint={say("optional")} />
          <In name="note" label={say("notes")} maxLength={200} />
          <Tick name="insurer_consents" label={say("insurerConsents")} />
        </div>
      </Form>
    </Shell>
  );
}

/** Cover stops, or comes back, from a moment on. */
export function StatusForm({ policy, to, onDone }: { policy: PolicyOut; to: "suspended" | "active"; onDone: () => void }) {
  const say = useW();
  const desk = useDesk();
  const label = say(to === "suspended" ? "suspend" : "resume");
  const started = instant(`${policy.coverage_start_date}T${policy.coverage_start_time.slice(0, 5)}`);
  const form = useForm({
    id: `policy ${to} ${policy.policy_id}`,
    initial: { effective_at: now(), note: "" },
    check: (v) => {
      const at = instant(given(v, "effective_at"));
      return {
        effective_at:
          given(v, "effective_at") === "" ? "missing" : at === null ? "bad_date" : given(v, "effective_at") > now() ? "in_future" : started && at < started ? "break_moment" : null,
      };
    },
    send: async (v, changed) => {
      // Left as it was: the moment in which it is sent, to the second.
      const at = changed.has("effective_at") ? { effective_at: instant(given(v, "effective_at")) } : {};
      const body = { status: to, note: given(v, "note"), ...at };
      await orAnew(api.post(`/policies/${policy.policy_id}/status`, body, { key: crypto.randomUUID(), etag: etagOf(policy.version) }), onDone);
      desk.goBack();
      onDone();
    },
  });
  return (
    <div className="card move">
      <Form form={form} label={label} submit={label} onLeave={desk.goBack} onReload={onDone}>
        <div className="grid">
          <In name="effective_at" label={say("effectFrom")} type="datetime-local" />
          <In name="note" label={say("reason")} hint={say("optional")} maxLength={200} />
        </div>
      </Form>
    </div>
  );
}

const REASONS = [
  "policyholder_wish", "total_loss", "sale_of_risk", "death", "distance_withdrawal", "insurer_terminates",
  "non_payment", "duplicate_insurance", "error",
] as const;
/** crm.policies.model.REFUND_RULES: what each reason's rule is, said before anybody presses. */
const RULES: Record<(typeof REASONS)[number], string> = {
  policyholder_wish: "none", total_loss: "none", sale_of_risk: "insurer_decides", death: "insurer_decides",
  distance_withdrawal: "full", insurer_terminates: "unearned_days", non_payment: "insurer_decides",
  duplicate_insurance: "insurer_decides", error: "insurer_decides",
};

export function CancelForm({ policy, onReload }: { policy: PolicyOut; onReload: () => void }) {
  const say = useW();
  const desk = useDesk();
  const formats = useFormats();
  const [done, setDone] = useState<Cancelled | null>(null);
  const title = say("cancelTitle", { name: policyName(say, policy) });
  const form = useForm({
    id: `policy cancel ${policy.policy_id}`,
    initial: { reason: "policyholder_wish", effective_date: today(), effective_time: "00:00", requested_by: "policyholder", requested_by_customer_id: policy.customer_id, note: "" },
    check: (v) => ({
      effective_date:
        day(given(v, "effective_date")) ??
        (given(v, "effective_date") < policy.term_start_date || given(v, "effective_date") > policy.coverage_end_date ? "outside_term" as const : null),
    }),
    send: async (v) => {
      const { requested_by_customer_id: asker, ...rest } = v;
      const by = v.reason === "insurer_terminates" ? "insurer" : v.requested_by;
      const body = { ...rest, note: given(v, "note"), requested_by: by, ...(by === "insurer" ? {} : { requested_by_customer_id: asker }) };
      setDone(await orAnew(api.post<Cancelled>(`/policies/${policy.policy_id}/cancel`, body, { etag: etagOf(policy.version) }), onReload));
    },
  });
  const rule = RULES[form.values.reason as keyof typeof RULES];
  return (
    <Shell title={title} about={policy.customer_id}>
      {done ? (
        <div className="box-msg ok" role="status">
          <Icon name="check" />
          <div className="grow">
            <p>{named(say, "rr", done.refund.rule)} {done.refund.estimate && say("estimate", { amount: formats.money(done.refund.estimate) })}</p>
            <Button size="small" onClick={desk.goBack}>{say("back")}</Button>
          </div>
        </div>
      ) : (
        <Form form={form} label={title} submit={say("cancelPolicy")} onLeave={desk.goBack} onReload={onReload} danger>
          <div className="grid">
            <Pick name="reason" label={say("reason")} choices={REASONS.map((one) => [one, named(say, "cr", one)] as const)} />
            <Pick name="requested_by" label={say("askedBy")} choices={(["policyholder", "insurer", "both"] as const).map((one) => [one, named(say, "by", one)] as const)} />
            {form.values.requested_by !== "insurer" && form.values.reason !== "insurer_terminates" && <Asker policy={policy} />}
            <In name="effective_date" label={say("effectFrom")} type="date" />
            <In name="effective_time" label={say("hour")} type="time" />
            <In name="note" label={say("notes")} maxLength={200} wide />
          </div>
          <p className="box-msg calm"><Icon name="info" />{named(say, "rr", rule)}</p>
        </Form>
      )}
    </Shell>
  );
}
