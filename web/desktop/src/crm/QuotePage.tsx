/** A quote: its price item by item, the offers compared, what the law asks for, and its way to a policy. */
import { api } from "@contactcenter/shared/api";
import type { Converted, QuoteOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { today } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useDesk } from "../context";
import { Facts, Masked, NotWritable, QuoteChip, Read, Section, To } from "./bits";
import { day as checkDay } from "./checks";
import { etagOf, orAnew, useInsurers, useRead } from "./data";
import { Form, In, Pick, Tick, useForm } from "./form";
import { useFormats } from "./format";
import { place } from "./place";
import { AGREED, Agreed, agreedBody, agreedChecks, useInsurerChoices } from "./PolicyForms";
import { QuoteForm } from "./QuoteForm";
import { Shell, Told, useAct } from "./Shell";
import { named, useW } from "./texts";

export function QuotePage({ id, form }: { id: string; form: string }) {
  const say = useW();
  const [customer, setCustomer] = useState<string | null>(null);
  const card = useRead<QuoteOut>(`/quotes/${id}`, customer);
  if (card.kind !== "there")
    return <Shell title={say("quote")} busy={card.kind === "loading"}><Read of={card}>{() => null}</Read></Shell>;
  const quote = card.value;
  if (quote.customer_id !== customer) setCustomer(quote.customer_id);
  if (form === "edit" && quote.status === "draft" && quote.writable) return <QuoteForm key={id} quote={quote} onReload={card.retry} />;
  return <Shown quote={quote} form={form} onChanged={card.retry} />;
}

function Shown({ quote, form, onChanged }: { quote: QuoteOut; form: string; onChanged: () => void }) {
  const say = useW();
  const desk = useDesk();
  const { money, moment } = useFormats();
  const { busy, error, done, act } = useAct();
  const id = quote.quote_id;
  const go = (next: string) => desk.go(place("quote", id, { form: next }));
  const move = (verb: string) => void act(() => api.post(`/quotes/${id}/${verb}`, undefined, { key: crypto.randomUUID(), etag: etagOf(quote.version) })).then(onChanged);
  const lacking = quote.missing;
  const rejects = quote.writable && form === "reject" && quote.status === "sent";
  const converts = quote.writable && form === "convert" && quote.status === "accepted" && !quote.converted;
  // Somebody was quicker, and what was meant to be done cannot be done any more.
  const [stale, setStale] = useState(false);
  const onStale = () => {
    setStale(true);
    onChanged();
  };
  return (
    <Shell
      about={quote.customer_id}
      title={`${quote.quote_number} · ${named(say, "line", quote.quote_type)}`}
      chips={<QuoteChip quote={quote} />}
      line={<><To place={place("customer", quote.customer_id)}>{quote.customer_name}</To> · {say("validUntil")} {moment(quote.valid_until)}</>}
      actions={quote.writable && (
        <>
          {quote.status === "draft" && (
            <>
              <Button size="small" kind="primary" icon="send" disabled={busy || lacking.length > 0} onClick={() => move("send")}>{say("do_sendQuote")}</Button>
              <Button size="small" icon="edit" onClick={() => go("edit")}>{say("edit")}</Button>
            </>
          )}
          {quote.status === "sent" && (
            <>
              <Button size="small" kind="primary" icon="check" disabled={busy} onClick={() => move("accept")}>{say("do_accept")}</Button>
              <Button size="small" icon="close" onClick={() => go("reject")}>{say("do_reject")}</Button>
            </>
          )}
          {quote.status === "accepted" && !quote.converted && (
            <Button size="small" kind="primary" icon="doc" onClick={() => go("convert")}>{say("do_convert")}</Button>
          )}
        </>
      )}
    >
      {!quote.writable && <NotWritable />}
      <Told error={error} done={done} />
      {quote.masked && <Masked />}
      {rejects && <Reject quote={quote} onDone={onChanged} onStale={onStale} />}
      {converts && <Convert quote={quote} onStale={onStale} />}
      {stale && !rejects && !converts && <p className="box-msg warn" role="alert"><Icon name="triangle" />{say("changedMeanwhile")}</p>}
      {quote.policy_id && (
        <p className="box-msg ok"><Icon name="doc" /><To place={place("policy", quote.policy_id)}>{say("itBecame", { name: named(say, "line", quote.quote_type) })}</To></p>
      )}
      {quote.status === "draft" && <Lacks missing={lacking} />}
      {quote.rejection_reason && <p className="box-msg calm"><Icon name="close" />{quote.rejection_reason}</p>}
      <div className="cols">
        <Price quote={quote} />
        <div>
          <Offers quote={quote} />
          <Section title={say("data")}>
            <Facts
              rows={[
                ...Object.entries(quote.coverage_details)
                  .filter(([, value]) => typeof value === "string" || typeof value === "number")
                  .map(([key, value]) => [named(say, "cd", key), String(value)] as const),
                [say("frequency"), named(say, "fr", quote.frequency)],
                [say("notes"), quote.notes && <span className="said">{quote.notes}</span>],
              ]}
            />
          </Section>
        </div>
      </div>
      <Section title={say("mediation")}>
        <Facts
          rows={(["needs", "ipid", "broker_information", "criteria"] as const).map((name) => [
            named(say, "md", name),
            quote.mediation[name] ? <span className="said">{quote.mediation[name]}</span> : <span className="c-warn row"><Icon name="triangle" size={12} />{say("f_missing")}</span>,
          ])}
        />
      </Section>
      <p className="t13 x3 total-line">{say("total")}: {money(quote.total_premium)}</p>
    </Shell>
  );
}

function Lacks({ missing }: { missing: readonly string[] }) {
  const say = useW();
  if (missing.length === 0) return <p className="box-msg ok"><Icon name="check" />{say("readyToSend")}</p>;
  return (
    <div className="box-msg warn">
      <Icon name="triangle" />
      <p>{say("missingBefore")} {missing.map((one) => named(say, "md", one)).join(" · ")}</p>
    </div>
  );
}

function Price({ quote }: { quote: QuoteOut }) {
  const say = useW();
  const { money, share } = useFormats();
  const percent = (rate: unknown) => (rate === null ? "" : ` ${share(Number(rate))}`);
  return (
    <Section title={say("premium")}>
      <table className="grid-table price">
        <tbody>
          <tr><th scope="row">{say("basePremium")}</th><td className="num">{money(quote.base_premium)}</td></tr>
          {quote.discounts.map((one, n) => (
            <tr key={`d${n}`}>
              <td>{one.description || one.type.replaceAll("_", " ")}{percent(one.rate)} {one.capped && <span className="x3">({say("capped")})</span>}</td>
              <td className="num c-ok">− {money(one.amount)}</td>
            </tr>
          ))}
          {quote.surcharges.map((one, n) => (
            <tr key={`s${n}`}><td>{one.description || one.type.replaceAll("_", " ")}{percent(one.rate)}</td><td className="num">+ {money(one.amount)}</td></tr>
          ))}
          {quote.lines.map((one) => (
            <tr key={one.kind}><td className="x2">{named(say, "ln", one.kind)}</td><td className="num x2">{money(one.amount)}</td></tr>
          ))}
          <tr className="sum"><th scope="row">{say("total")}</th><td className="num b">{money(quote.total_premium)}</td></tr>
        </tbody>
      </table>
    </Section>
  );
}

function Offers({ quote }: { quote: QuoteOut }) {
  const say = useW();
  const { money } = useFormats();
  const insurers = useInsurers();
  const name = (key: string) => (insurers.kind === "there" ? insurers.value.items.find((one) => one.key === key)?.name : undefined) ?? key;
  return (
    <Section title={say("offers")} count={quote.carrier_quotes.length}>
      {quote.carrier_quotes.length === 0 && <p className="t13 x3">{say("noOffers")}</p>}
      <ul className="things">
        {quote.carrier_quotes.map((one, n) => (
          <li key={n} className="thing">
            <Icon name={one.carrier === quote.carrier ? "check" : "dash"} />
            <span className="cut">{name(one.carrier)}</span>
            <span className="t13">{money(one.premium)}</span>
            {one.coverage && <span className="s cut">{one.coverage}</span>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Reject({ quote, onDone, onStale }: { quote: QuoteOut; onDone: () => void; onStale: () => void }) {
  const say = useW();
  const desk = useDesk();
  const form = useForm({
    id: `quote reject ${quote.quote_id}`,
    initial: { reason: "" },
    check: (v) => ({ reason: v.reason?.trim() ? null : "missing" }),
    send: async (v) => {
      await orAnew(api.post(`/quotes/${quote.quote_id}/reject`, { reason: v.reason?.trim() }, { etag: etagOf(quote.version) }), onStale);
      onDone();
      desk.goBack();
    },
  });
  return (
    <div className="card move">
      <Form form={form} label={say("do_reject")} submit={say("do_reject")} onLeave={desk.goBack} onReload={onStale}>
        <div className="grid"><In name="reason" label={say("rejectionReason")} maxLength={100} wide /></div>
      </Form>
    </div>
  );
}

/** Whether cover ends after it begins, to the hour. */
function ends(v: Readonly<Record<string, string>>): boolean {
  return `${v.coverage_end_date}T${v.coverage_end_time || "00:00"}` > `${v.coverage_start_date}T${v.coverage_start_time || "00:00"}`;
}

function Convert({ quote, onStale }: { quote: QuoteOut; onStale: () => void }) {
  const say = useW();
  const desk = useDesk();
  const insurers = useInsurerChoices("—");
  const title = say("convertTitle", { name: quote.quote_number });
  const form = useForm({
    id: `quote convert ${quote.quote_id}`,
    initial: { carrier: quote.carrier ?? "", policy_number: "", coverage_start_date: today(), coverage_start_time: "00:00", coverage_end_date: "", coverage_end_time: "00:00", ...AGREED, distance_sale: "", concluded_on: today(), cover_on_request: "" },
    check: (v) => ({
      ...agreedChecks(v, quote.quote_type),
      coverage_end_date: !v.coverage_end_date ? null : (checkDay(v.coverage_end_date) ?? (ends(v) ? null : "bad_period")),
      carrier: v.carrier ? null : "missing",
      coverage_start_date: checkDay(v.coverage_start_date ?? ""),
      concluded_on: v.distance_sale === "yes" ? checkDay(v.concluded_on ?? "") : null,
    }),
    send: async (v) => {
      const body = {
        carrier: v.carrier,
        policy_number: v.policy_number?.trim() || null,
        coverage_start_date: v.coverage_start_date,
        coverage_start_time: v.coverage_start_time || "00:00",
        ...(v.coverage_end_date ? { coverage_end_date: v.coverage_end_date } : {}),
        coverage_end_time: v.coverage_end_time || "00:00",
        ...agreedBody(v, quote.quote_type, null),
        distance_sale: v.distance_sale === "yes",
        ...(v.distance_sale === "yes" ? { concluded_on: v.concluded_on, cover_on_request: v.cover_on_request === "yes" } : {}),
      };
      const done = await orAnew(api.post<Converted>(`/quotes/${quote.quote_id}/convert`, body, { key: crypto.randomUUID(), etag: etagOf(quote.version) }), onStale);
      desk.turn(place("policy", done.policy.policy_id));
    },
  });
  return (
    <div className="card move">
      <h3 className="t14 b">{title}</h3>
      <Form form={form} label={title} submit={say("do_convert")} onLeave={desk.goBack} onReload={onStale}>
        <div className="grid">
          <Pick name="carrier" label={say("insurer")} choices={insurers} />
          <In name="policy_number" label={say("policyNumber")} hint={say("optional")} maxLength={100} />
          <In name="coverage_start_date" label={say("effect")} type="date" />
          <In name="coverage_start_time" label={say("hour")} type="time" />
          <In name="coverage_end_date" label={say("ends")} hint={say("inAYear")} type="date" />
          <In name="coverage_end_time" label={say("endHour")} type="time" />
          <Agreed line={quote.quote_type} />
          <Tick name="distance_sale" label={say("soldAtDistance")} />
          {form.values.distance_sale === "yes" && (
            <>
              <In name="concluded_on" label={say("concludedOn")} type="date" />
              <Tick name="cover_on_request" label={say("coverOnRequest")} />
            </>
          )}
        </div>
      </Form>
    </div>
  );
}
