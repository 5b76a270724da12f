/** A customer's details, new or changed: checked as one types, with the server's own limits. */
import { api, ApiError, request } from "@contactcenter/shared/api";
import type { CustomerOut, CustomerRow } from "@contactcenter/shared/contract";
import { today } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { useEffect, useState } from "react";

import { useAgent, useDesk } from "../context";
import { Row, Section } from "./bits";
import { usePeople } from "./ClaimMove";
import { companyDocument, day, detailsOf, email, iban, personalDocument, phone } from "./checks";
import { useKeepsFiles } from "./Closing";
import { etagOf } from "./data";
import { Area, type Checks, Form, In, Pick, useForm, type Values } from "./form";
import { place } from "./place";
import { Shell } from "./Shell";
import { useW } from "./texts";
import { wayChecks, WayRows, wayValues, waysBody } from "./Ways";

const FIELDS = [
  "first_name", "last_name", "company_name", "dni", "tax_id", "birth_date", "mobile", "phone", "email", "iban",
  "address_line1", "address_line2", "postal_code", "city", "province", "locale", "status", "lead_source", "tags", "notes",
] as const;
type Name = (typeof FIELDS)[number];

/** Hidden ones cannot be shown, so they begin empty and are only sent when somebody types anew. */
const HIDDEN: ReadonlySet<string> = new Set(["dni", "tax_id", "iban", "birth_date"]);

function valuesOf(customer: CustomerOut | null, given: Values): Values {
  const start: Record<string, string> = { kind: customer?.kind ?? "person" };
  for (const name of FIELDS) {
    const value = name === "tags" ? customer?.tags.join(", ") : customer?.[name];
    start[name] = customer?.masked && HIDDEN.has(name) ? "" : String(value ?? given[name] ?? "");
  }
  Object.assign(start, wayValues(customer), { portfolio_manager_id: customer?.portfolio_manager_id ?? "" });
  if (!customer) {
    start.locale ||= "es";
    start.status ||= "active";
  }
  return start;
}

const tooLong = (text: string, most: number) => (text.length > most ? ("tooLong" as const) : null);

export function check(v: Values): Checks {
  const person = v.kind !== "company";
  const of = (name: Name): string => (v[name] ?? "").trim();
  const checked = (name: Name, rule: (text: string) => ReturnType<typeof phone>) => (of(name) ? rule(of(name)) : null);
  return {
    first_name: person && !of("first_name") ? "missing" : tooLong(of("first_name"), 100),
    last_name: person && !of("last_name") ? "missing" : tooLong(of("last_name"), 100),
    company_name: !person && !of("company_name") ? "missing" : tooLong(of("company_name"), 200),
    dni: person ? checked("dni", personalDocument) : null,
    tax_id: person ? null : checked("tax_id", companyDocument),
    birth_date: checked("birth_date", (text) => day(text) ?? (text > today() ? "in_future" : null)),
    mobile: checked("mobile", phone),
    phone: checked("phone", phone),
    email: checked("email", email),
    iban: checked("iban", iban),
    postal_code: tooLong(of("postal_code"), 10),
    address_line1: tooLong(of("address_line1"), 200),
    address_line2: tooLong(of("address_line2"), 200),
    city: tooLong(of("city"), 200),
    province: tooLong(of("province"), 200),
    lead_source: tooLong(of("lead_source"), 100),
    tags: of("tags").split(",").some((tag) => tag.trim().length > 40) ? "tooLong" : null,
    ...wayChecks(v),
  };
}

function bodyOf(v: Values, names: Iterable<string>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const name of names) {
    const text = (v[name] ?? "").trim();
    if (name === "tags") body.tags = text.split(",").map((tag) => tag.trim()).filter(Boolean);
    else if (name === "first_name" || name === "last_name") body[name] = text;
    else body[name] = text === "" ? null : text;
  }
  return body;
}

interface Props {
  customer: CustomerOut | null;
  given?: Values;
  /** A new file's conversation: it becomes theirs. */
  interaction?: string | null;
  onReload?: () => void;
}

export function CustomerForm({ customer, given = {}, interaction = null, onReload }: Props) {
  const say = useW();
  const desk = useDesk();
  const [alike, setAlike] = useState<CustomerRow[]>([]);
  const [confirm, setConfirm] = useState(false);
  const id = customer?.customer_id ?? null;
  const linked = async (found: string) => {
    if (interaction) {
      await api.put(`/interactions/${interaction}/customer`, { customer_id: found });
      desk.open(interaction);
    } else desk.turn(place("customer", found));
  };
  const send = async (values: Values, changed: ReadonlySet<string>, began: number | null) => {
    if (customer && id) {
      const names = [...changed].filter((name) => name !== "kind" && !name.includes("."));
      const lists = waysBody(values, changed);
      const version = began ?? (await api.get<CustomerOut>(`/customers/${id}`)).version;
      if (changed.size > 0) await api.patch(`/customers/${id}`, { ...bodyOf(values, names), ...lists }, etagOf(version));
      desk.goBack();
      return;
    }
    const names = FIELDS.filter((name) => (values[name] ?? "").trim() !== "");
    setAlike([]);
    try {
      const made = await request<CustomerOut>("POST", "/customers", {
        body: { ...bodyOf(values, names), ...waysBody(values, changed), kind: values.kind, confirm },
        key: crypto.randomUUID(),
      });
      await linked(made.customer_id);
    } catch (problem) {
      if (problem instanceof ApiError && Array.isArray(problem.ctx.duplicates)) {
        const ids = (problem.ctx.duplicates as { customer_id: string }[]).map((one) => one.customer_id);
        setAlike(await Promise.all(ids.slice(0, 5).map((one) => api.get<CustomerOut>(`/customers/${one}`))));
      }
      throw problem;
    }
  };
  // A new file begins with what the visitor has said of themselves.
  const visitor = useAgent((state) => (interaction ? state.interactions[interaction]?.customer : undefined));
  const form = useForm({ id: `customer ${id ?? interaction ?? "new"}`, initial: valuesOf(customer, { ...detailsOf(visitor), ...given }), check, send, version: customer?.version ?? 0 });
  useEffect(() => {
    if (confirm) void form.submit().then(() => setConfirm(false));
    // Once, when somebody has said that it is none of them: of what is typed then, it was not said.
  }, [confirm]);
  const keeps = useKeepsFiles();
  const people = usePeople("—");
  const person = form.values.kind !== "company";
  const title = customer ? say("editCustomer", { name: customer.name }) : say("newCustomerTitle");
  return (
    <Shell title={title} about={id}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
        {alike.length > 0 && !confirm && (
          <Section title={say("maybeKnown")} className="alike">
            <ul className="things">
              {alike.map((one) => (
                <Row
                  key={one.customer_id}
                  icon={one.kind === "company" ? "briefcase" : "person"}
                  place={place("customer", one.customer_id)}
                  title={one.name}
                  detail={one.city}
                  end={<Button size="small" onClick={() => void linked(one.customer_id)}>{say("useThis")}</Button>}
                />
              ))}
            </ul>
            <Button size="small" onClick={() => setConfirm(true)}>{say("createAnyway")}</Button>
          </Section>
        )}
        <div className="grid">
          {!customer && <Pick name="kind" label={say("kind")} choices={[["person", say("kind_person")], ["company", say("kind_company")]]} />}
          {person ? (
            <>
              <In name="first_name" label={say("firstName")} maxLength={100} />
              <In name="last_name" label={say("lastName")} maxLength={100} />
              <In name="dni" label={say("document")} maxLength={20} placeholder={customer?.masked ? (customer.dni ?? "") : ""} />
              <In name="birth_date" label={say("birthDate")} type="date" />
            </>
          ) : (
            <>
              <In name="company_name" label={say("companyName")} maxLength={200} />
              <In name="tax_id" label={say("taxId")} maxLength={20} />
            </>
          )}
          <In name="mobile" label={say("mobile")} inputMode="tel" maxLength={30} />
          <In name="phone" label={say("phone")} inputMode="tel" maxLength={30} />
          <In name="email" label={say("email")} inputMode="email" maxLength={254} />
          <In name="iban" label={say("iban")} maxLength={42} placeholder={customer?.masked ? (customer.iban ?? "") : ""} />
          <In name="address_line1" label={say("address")} maxLength={200} />
          <In name="address_line2" label={say("address2")} maxLength={200} />
          <In name="postal_code" label={say("postalCode")} inputMode="numeric" maxLength={10} />
          <In name="city" label={say("city")} maxLength={200} />
          <In name="province" label={say("province")} maxLength={200} />
          <Pick name="locale" label={say("language")} choices={[["es", say("lang_es")], ["ca", say("lang_ca")], ["en", say("lang_en")]]} />
          <Pick name="status" label={say("custStatus")} choices={[["lead", say("cs_lead")], ["active", say("cs_active")], ["inactive", say("cs_inactive")]]} />
          <In name="lead_source" label={say("leadSource")} maxLength={100} />
          <In name="tags" label={say("tags")} hint={say("tagsHint")} maxLength={600} />
          {customer && keeps && <Pick name="portfolio_manager_id" label={say("portfolio")} choices={people} />}
          <Area name="notes" label={say("notes")} />
        </div>
        <WayRows form={form} />
      </Form>
    </Shell>
  );
}
