/** A policy in full: what is agreed, whether it covers, its receipts, its renewal and its end. */
import { api } from "@contactcenter/shared/api";
import type { CoverageOut, History, PolicyOut } from "@contactcenter/shared/contract";
import { DateInput } from "@contactcenter/shared/dateinput";
import { Icon } from "@contactcenter/shared/icons";
import { instant, now, serverNow } from "@contactcenter/shared/time";
import { Button, Chip, ErrorLine, Menu } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useDesk } from "../context";
import { useFetched } from "../fetched";
import { Cover, Facts, Masked, NotWritable, PolicyChip, policyName, Read, Section, To } from "./bits";
import { useInsurers, useRead } from "./data";
import { useFormats } from "./format";
import { place } from "./place";
import { CancelForm, EndorseForm, RenewForm, StatusForm } from "./PolicyForms";
import { ReceiptForm } from "./ReceiptForm";
import { ReceiptList } from "./Receipts";
import { Renewal } from "./Renewal";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

export function PolicyPage({ id, form }: { id: string; form: string }) {
  const say = useW();
  const [customer, setCustomer] = useState<string | null>(null);
  const card = useRead<PolicyOut>(`/policies/${id}`, customer);
  if (card.kind !== "there")
    return <Shell title={say("policy")} busy={card.kind === "loading"}><Read of={card}>{() => null}</Read></Shell>;
  const policy = card.value;
  if (policy.customer_id !== customer) setCustomer(policy.customer_id);
  if (!policy.writable) return <Shown policy={policy} form="" onChanged={card.retry} />;
  if (form === "endorse") return <EndorseForm key={id} policy={policy} onReload={card.retry} />;
  if (form === "renew") return <RenewForm key={id} policy={policy} onReload={card.retry} />;
  if (form === "cancel") return <CancelForm key={id} policy={policy} onReload={card.retry} />;
  if (form === "receipt") return <ReceiptForm key={id} policy={policy} />;
  return <Shown policy={policy} form={form} onChanged={card.retry} />;
}

const ENDED = new Set(["cancelled", "replaced", "expired"]);

function Shown({ policy, form, onChanged }: { policy: PolicyOut; form: string; onChanged: () => void }) {
  const say = useW();
  const desk = useDesk();
  const { day, moment, money } = useFormats();
  const id = policy.policy_id;
  const insurers = useInsurers();
  const insurer = insurers.kind === "there" ? insurers.value.items.find((one) => one.key === policy.carrier) : undefined;
  const go = (form: string) => desk.go(place("policy", id, { form }));
  const ended = ENDED.has(policy.status);
  return (
    <Shell
      about={policy.customer_id}
      title={policyName(say, policy)}
      chips={<PolicyChip status={policy.status} />}
      line={<><To place={place("customer", policy.customer_id)}>{policy.customer_name}</To> · {insurer?.name ?? policy.carrier}</>}
      actions={policy.writable && (
        <>
          <Button size="small" icon="plus" onClick={() => desk.go(place("new", "claim", { customer: policy.customer_id, policy: id }))}>{say("newClaim")}</Button>
          {policy.status !== "replaced" && <Button size="small" icon="edit" onClick={() => go("endorse")}>{say("endorse")}</Button>}
          {!ended && <Button size="small" icon="repeat" onClick={() => go("renew")}>{say("renew")}</Button>}
          <Menu
            className="ib"
            align="right"
            label={say("more")}
            trigger={<Icon name="dots" />}
            entries={[
              ...(ended ? [] : [{ id: "cancel", label: say("cancelPolicy"), icon: <Icon name="close" />, onPick: () => go("cancel") }]),
              ...(policy.status === "expired" ? [{ id: "renew", label: say("renew"), icon: <Icon name="repeat" />, onPick: () => go("renew") }] : []),
              ...(policy.status === "active" ? [{ id: "suspend", label: say("suspend"), icon: <Icon name="pause" />, onPick: () => go("suspend") }] : []),
              ...(["suspended", "cancelled"].includes(policy.status) ? [{ id: "resume", label: say("resume"), icon: <Icon name="play" />, onPick: () => go("resume") }] : []),
              { id: "receipt", label: say("addReceipt"), icon: <Icon name="euro" />, onPick: () => go("receipt") },
              { id: "task", label: say("newTask"), icon: <Icon name="calendar" />, onPick: () => desk.go(place("new", "task", { customer: policy.customer_id, policy: id })) },
            ]}
          />
        </>
      )}
    >
      {!policy.writable && <NotWritable />}
      {policy.masked && <Masked />}
      {(form === "suspend" || form === "resume") && <StatusForm key={form} policy={policy} to={form === "suspend" ? "suspended" : "active"} onDone={onChanged} />}
      {policy.warnings.map((one) => (
        <p key={one.type} className="box-msg warn"><Icon name="triangle" />{named(say, "warn", one.type)}</p>
      ))}
      {policy.turns_at && <p className="box-msg calm"><Icon name="clock" />{say("turnsAt", { at: moment(policy.turns_at) })}</p>}
      <AskCover policy={policy} />
      <div className="cols">
        <Section title={say("data")}>
          <Facts
            rows={[
              [say("policyNumber"), policy.policy_number ?? say("noNumber")],
              [say("ourReference"), policy.reference],
              [say("term"), say("termOf", { from: day(policy.term_start_date), to: day(policy.coverage_end_date) })],
              [say("effect"), `${day(policy.coverage_start_date)} ${say("atHour")} ${policy.coverage_start_time.slice(0, 5)}`],
              [say("premium"), `${money(policy.premium_amount)} · ${named(say, "fr", policy.premium_frequency)}`],
              [say("premiumNet"), policy.premium_net && money(policy.premium_net)],
              [say("capital"), policy.coverage_amount && money(policy.coverage_amount)],
              [say("vehicle"), [policy.vehicle_make, policy.vehicle_model, policy.vehicle_year].filter(Boolean).join(" ")],
              [say("plate"), policy.vehicle_plate],
              [say("riskAddress"), [policy.property_address, policy.property_postal_code].filter(Boolean).join(", ")],
              [say("covers"), policy.covers.join(", ")],
              policy.first_premium_agreed && [say("firstPremium"), say("coversUnpaid")],
              policy.distance_sale && [say("soldAtDistance"), [say("yes"), policy.concluded_on && day(policy.concluded_on), policy.cover_on_request && say("coverOnRequest")].filter(Boolean).join(" · ")],
              [say("notes"), policy.notes && <span className="said">{policy.notes}</span>],
              [say("reason"), policy.cancellation_reason && named(say, "cr", policy.cancellation_reason)],
              [say("refundRule"), policy.refund_estimate && say("estimate", { amount: money(policy.refund_estimate) })],
            ]}
          />
        </Section>
        <div>
          <Renewal policy={policy} onChanged={onChanged} />
          <Section title={say("parties")}>
            <ul className="things">
              {policy.parties.map((one, n) => (
                <li key={n} className="thing">
                  <Icon name="person" />
                  {one.customer_id ? <To place={place("customer", one.customer_id)} className="cut">{one.name}</To> : <span className="cut">{one.name}</span>}
                  <span className="t12 x3">{[named(say, "role", one.role), one.share && `${Number(one.share)} %`].filter(Boolean).join(" · ")}</span>
                </li>
              ))}
            </ul>
          </Section>
        </div>
      </div>
      <ReceiptList policy={policy} />
      <Versions policy={policy} />
    </Shell>
  );
}

/** Whether it covers an instant: now at first, any other when asked. */
function AskCover({ policy }: { policy: PolicyOut }) {
  const say = useW();
  const [at, setAt] = useState(now);
  const [asked, setAsked] = useState(at);
  const [unread, setUnread] = useState(false);
  const moment = instant(asked);
  const cover = useFetched<CoverageOut>(moment && `${policy.policy_id}/cover ${asked} ${policy.version}`, (signal) =>
    api.get<CoverageOut>(`/policies/${policy.policy_id}/coverage?at=${encodeURIComponent(moment ?? "")}`, signal),
  );
  return (
    <div className="ask">
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          setUnread(instant(at) === null);
          if (instant(at) !== null) setAsked(at);
        }}
      >
        <label className="t13 b" htmlFor="ask-at">{say("askCover")}</label>
        <DateInput id="ask-at" small timed value={at} invalid={unread} describedBy="ask-at-e" onChange={setAt} />
        <Button size="small" type="submit">{say("ask")}</Button>
      </form>
      {unread && <ErrorLine id="ask-at-e" error={say("f_bad_date")} />}
      <Read of={cover} lines={1}>{(one) => <Cover cover={one} />}</Read>
    </div>
  );
}

function Versions({ policy }: { policy: PolicyOut }) {
  const say = useW();
  const { moment } = useFormats();
  const history = useRead<History>(`/policies/${policy.policy_id}/versions`, policy.customer_id);
  return (
    <Section title={say("versions")}>
      <Read of={history}>
        {({ versions }) => (
          <ol className="tl">
            {versions.toReversed().map((one) => (
              <li key={one.number}>
                <Icon name="doc" />
                <b className="cut">{named(say, "v", one.kind)}{one.reason && ` · ${one.reason}`}</b>
                <time className="t12 x3" dateTime={one.effective_at}>{moment(one.effective_at)}</time>
                <span className="s">{Date.parse(one.effective_at) > serverNow() && <Chip tone="warn" icon="clock">{say("notYet")}</Chip>} {say("knownOn", { date: moment(one.known_at) })}</span>
              </li>
            ))}
          </ol>
        )}
      </Read>
    </Section>
  );
}
