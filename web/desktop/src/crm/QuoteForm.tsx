/** A quote's details, new or changed while it is a draft. */
import { api, request } from "@contactcenter/shared/api";
import type { CustomerOut, QuoteOut } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { instant, now, wall } from "@contactcenter/shared/time";
import { Button, IconButton } from "@contactcenter/shared/ui";

import { useDesk } from "../context";
import { LINES, Section } from "./bits";
import { amount, type Fault } from "./checks";
import { etagOf, useRead } from "./data";
import { Area, type Checks, Form, type FormState, freeRow, In, Pick, rowsOf, Sum, useForm, type Values } from "./form";
import { money, sumText } from "./money";
import { percentText } from "./office";
import { place } from "./place";
import { FREQUENCIES, useFrequencies, useInsurerChoices } from "./PolicyForms";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

/** Rows of a list are fields with a number: offer.0.carrier, offer.1.carrier … up to the first empty place. */
const AT_MOST = { offer: 12, discount: 8, surcharge: 8 } as const;
type List = keyof typeof AT_MOST;
const DOCUMENTS = ["needs", "ipid", "broker_information", "criteria"] as const;

/** What the Consorcio's surcharges and the tax of riders are counted from, by line; the first two are asked for. */
const PARTS = ["capital", "compulsory", "rider"] as const;
const partsOf = (line: string): readonly (typeof PARTS)[number][] =>
  line === "home" || line === "business" ? ["capital"] : line === "auto" ? ["compulsory"] : line === "life" ? ["rider"] : [];
const asked = (line: string, part: string): boolean => (line === "home" && part === "capital") || part === "compulsory";

const text = (v: Values, name: string): string => (v[name] ?? "").trim();
const rows = (v: Values, list: List): number[] => rowsOf(v, list);

function valuesOf(quote: QuoteOut | null, line: string): Values {
  const start: Record<string, string> = {
    quote_type: quote?.quote_type ?? line,
    base_premium: sumText(quote?.base_premium),
    frequency: quote?.frequency ?? "annual",
    carrier: quote?.carrier ?? "",
    wanted: String(quote?.coverage_details.description ?? ""),
    plate: String(quote?.coverage_details.vehicle_plate ?? ""),
    risk: String(quote?.coverage_details.property_address ?? ""),
    valid_until: quote ? wall(quote.valid_until) : "",
    notes: quote?.notes ?? "",
  };
  for (const name of PARTS) start[name] = sumText(quote?.[name]);
  for (const name of DOCUMENTS) start[name] = quote?.mediation[name] ?? "";
  quote?.carrier_quotes.forEach((one, n) => Object.assign(start, { [`offer.${n}.carrier`]: one.carrier, [`offer.${n}.premium`]: sumText(one.premium), [`offer.${n}.coverage`]: one.coverage ?? "" }));
  for (const list of ["discount", "surcharge"] as const)
    (quote?.[`${list}s`] ?? []).forEach((one, n) =>
      Object.assign(start, {
        [`${list}.${n}.what`]: one.description || one.type,
        [`${list}.${n}.rate`]: one.rate === null ? "" : percentText(one.rate, locale.get()),
        [`${list}.${n}.amount`]: one.rate === null ? sumText(one.amount) : "",
      }),
    );
  return start;
}

const rateFault = (given: string): Fault | null => {
  const rate = Number(given.replace(",", "."));
  return rate > 0 && rate <= 100 && /^\d{1,3}([.,]\d{1,2})?$/.test(given) ? null : "bad_rate";
};

function check(v: Values): Checks {
  const found: Record<string, Fault | null> = {
    base_premium: text(v, "base_premium") ? amount(text(v, "base_premium")) : "missing",
    valid_until: text(v, "valid_until") && text(v, "valid_until") <= now() ? "in_past" : null,
  };
  for (const name of partsOf(v.quote_type ?? ""))
    found[name] = text(v, name) ? amount(text(v, name)) : asked(v.quote_type ?? "", name) ? "missing" : null;
  for (const n of rows(v, "offer")) {
    found[`offer.${n}.carrier`] = text(v, `offer.${n}.carrier`) ? null : "missing";
    found[`offer.${n}.premium`] = text(v, `offer.${n}.premium`) ? amount(text(v, `offer.${n}.premium`)) : "missing";
  }
  for (const list of ["discount", "surcharge"] as const)
    for (const n of rows(v, list)) {
      const rate = text(v, `${list}.${n}.rate`);
      const sum = text(v, `${list}.${n}.amount`);
      found[`${list}.${n}.what`] = text(v, `${list}.${n}.what`) ? null : "missing";
      found[`${list}.${n}.rate`] = rate ? rateFault(rate) : null;
      found[`${list}.${n}.amount`] = sum ? amount(sum) : rate ? null : "missing";
    }
  return found;
}

/** A key for an item: letters, digits and underscores of what was typed. */
const keyOf = (typed: string): string => {
  const plain = typed.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "");
  return plain.slice(0, 40) || "other";
};

function bodyOf(v: Values, changed: ReadonlySet<string> | null): Record<string, unknown> {
  const wanted = (...names: string[]) => changed === null || names.some((name) => [...changed].some((one) => one === name || one.startsWith(`${name}.`)));
  const body: Record<string, unknown> = {};
  if (wanted("base_premium")) body.base_premium = money(v.base_premium);
  for (const name of partsOf(v.quote_type ?? "")) if (wanted(name)) body[name] = text(v, name) ? money(v[name]) : null;
  if (wanted("frequency")) body.frequency = v.frequency;
  if (wanted("carrier")) body.carrier = v.carrier || null;
  if (wanted("notes")) body.notes = text(v, "notes") || null;
  if (wanted("valid_until") && text(v, "valid_until")) body.valid_until = instant(v.valid_until ?? "");
  if (wanted("wanted", "plate", "risk"))
    body.coverage_details = Object.fromEntries(
      [["description", text(v, "wanted")], ["vehicle_plate", text(v, "plate")], ["property_address", text(v, "risk")]].filter((pair) => pair[1]),
    );
  if (wanted(...DOCUMENTS)) body.mediation = Object.fromEntries(DOCUMENTS.map((name) => [name, text(v, name)]));
  if (wanted("offer"))
    body.carrier_quotes = rows(v, "offer").map((n) => ({ carrier: v[`offer.${n}.carrier`], premium: money(v[`offer.${n}.premium`]), coverage: text(v, `offer.${n}.coverage`) }));
  for (const list of ["discount", "surcharge"] as const)
    if (wanted(list))
      body[`${list}s`] = rows(v, list).map((n) => {
        const rate = text(v, `${list}.${n}.rate`).replace(",", ".");
        const what = text(v, `${list}.${n}.what`);
        return { type: keyOf(what), description: what, ...(rate ? { rate: (Number(rate) / 100).toFixed(4) } : { amount: money(v[`${list}.${n}.amount`]) }) };
      });
  return body;
}

export function NewQuote({ with: about }: { with: Values }) {
  const customer = useRead<CustomerOut>(about.customer ? `/customers/${about.customer}` : null);
  return <QuoteForm quote={null} about={about} name={customer.kind === "there" ? customer.value.name : ""} />;
}

export function QuoteForm({ quote, about = {}, name = "", onReload }: { quote: QuoteOut | null; about?: Values; name?: string; onReload?: () => void }) {
  const say = useW();
  const desk = useDesk();
  const insurers = useInsurerChoices("—");
  const frequencies = useFrequencies();
  const form = useForm({
    id: `quote ${quote?.quote_id ?? `new ${about.interaction ?? about.customer ?? ""}`}`,
    initial: valuesOf(quote, about.line ?? "auto"),
    version: quote?.version ?? 0,
    check,
    send: async (v, changed, began) => {
      if (quote) {
        const path = `/quotes/${quote.quote_id}`;
        const version = began ?? (await api.get<QuoteOut>(path)).version;
        if (changed.size > 0) await api.patch(path, bodyOf(v, changed), etagOf(version));
        return desk.goBack();
      }
      const made = await request<QuoteOut>("POST", "/quotes", {
        key: crypto.randomUUID(),
        body: {
          ...bodyOf(v, null),
          customer_id: about.customer,
          quote_type: v.quote_type,
          ...(about.interaction ? { interaction_id: about.interaction } : {}),
        },
      });
      desk.turn(place("quote", made.quote_id));
    },
  });
  const line = form.values.quote_type ?? "";
  const title = quote ? say("editQuote", { name: quote.quote_number }) : name ? say("newQuoteOf", { name }) : say("newQuoteTitle");
  return (
    <Shell title={title} about={quote?.customer_id ?? about.customer ?? null} line={about.interaction ? say("comesFrom") : undefined}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
        <div className="grid">
          {!quote && <Pick name="quote_type" label={say("type")} choices={LINES.map((one) => [one, named(say, "line", one)] as const)} />}
          <Sum name="base_premium" label={say("basePremium")} />
          {partsOf(line).map((one) => <Sum key={one} name={one} label={named(say, "part", one)} hint={asked(line, one) ? undefined : say("optional")} />)}
          <Pick name="frequency" label={say("frequency")} choices={frequencies.filter(([one]) => FREQUENCIES.some((known) => known === one))} />
          <Pick name="carrier" label={say("insurer")} choices={insurers} />
          {line === "auto" && <In name="plate" label={say("plate")} maxLength={20} />}
          {line === "home" && <In name="risk" label={say("riskAddress")} maxLength={200} />}
          <In name="valid_until" label={say("validUntil")} type="datetime-local" hint={say("optional")} />
          <In name="wanted" label={say("wanted")} maxLength={500} wide />
        </div>
        <Rows form={form} list="discount" title={say("discounts")} />
        <Rows form={form} list="surcharge" title={say("surcharges")} />
        <Rows form={form} list="offer" title={say("offers")} />
        <Section title={say("mediation")}>
          {DOCUMENTS.filter((one) => !(one === "ipid" && line === "life")).map((one) => <Area key={one} name={one} label={named(say, "md", one)} rows={2} />)}
          <Area name="notes" label={say("notes")} rows={2} />
        </Section>
      </Form>
    </Shell>
  );
}

function Rows({ form, list, title }: { form: FormState; list: List; title: string }) {
  const say = useW();
  const insurers = useInsurerChoices("—");
  const shown = rows(form.values, list);
  const add = () => {
    const n = freeRow(form.values, list);
    form.setAll(
      list === "offer"
        ? { [`offer.${n}.carrier`]: "", [`offer.${n}.premium`]: "", [`offer.${n}.coverage`]: "" }
        : { [`${list}.${n}.what`]: "", [`${list}.${n}.rate`]: "", [`${list}.${n}.amount`]: "" },
    );
  };
  return (
    <Section
      title={title}
      count={shown.length}
      aside={shown.length < AT_MOST[list] && <Button size="small" kind="quiet" icon="plus" onClick={add}>{say("add")}<span className="sr"> {title}</span></Button>}
    >
      {shown.length === 0 && <p className="t13 x3">{say(list === "offer" ? "noOffers" : "noItems")}</p>}
      {shown.map((n) => (
        <div key={n} className="grid line">
          {list === "offer" ? (
            <>
              <Pick name={`offer.${n}.carrier`} label={say("insurer")} choices={insurers} />
              <Sum name={`offer.${n}.premium`} label={say("premium")} />
              <In name={`offer.${n}.coverage`} label={say("covers")} maxLength={200} />
            </>
          ) : (
            <>
              <In name={`${list}.${n}.what`} label={say("item")} maxLength={200} />
              <In name={`${list}.${n}.rate`} label={say("rate")} inputMode="decimal" maxLength={6} />
              <Sum name={`${list}.${n}.amount`} label={say("amount")} />
            </>
          )}
          <IconButton icon="close" label={`${say("remove")} ${n + 1}`} onClick={() => form.set(`${list}.${n}.gone`, "yes")} />
        </div>
      ))}
    </Section>
  );
}
