/** A customer's file in full. */
import type {
  ClaimRow, CustomerOut, CustomerStats, PolicyRow, QuoteRow, TaskOut,
} from "@contactcenter/shared/contract";
import { Button, Chip } from "@contactcenter/shared/ui";

import { useAgent, useDesk } from "../context";
import { ClaimChip, Facts, lineIcon, NotWritable, PolicyChip, policyName, QuoteChip, Read, Row, Section, SegmentChip } from "./bits";
import { CloseFile, Erased, SignsIn, useKeepsFiles, useKeepsOffice } from "./Closing";
import { ContactForm } from "./ContactForm";
import { CustomerForm } from "./CustomerForm";
import { usePages, useRead } from "./data";
import { useFormats } from "./format";
import { Household } from "./Household";
import { Letters } from "./Letters";
import { spaced } from "./Panel";
import { place } from "./place";
import { Merged, SamePerson } from "./SamePerson";
import { Shell } from "./Shell";
import { TaskRows } from "./TasksPage";
import { named, useW, type Word } from "./texts";
import { Timeline } from "./Timeline";
import { postalLine } from "./Ways";

export function CustomerPage({ id, edit, form }: { id: string; edit: boolean; form: string }) {
  const say = useW();
  const card = useRead<CustomerOut>(`/customers/${id}`, id);
  if (card.kind !== "there")
    return <Shell title={say("customer")} busy={card.kind === "loading"}><Read of={card}>{() => null}</Read></Shell>;
  if (form === "contact" && card.value.writable) return <ContactForm key={id} customer={card.value} />;
  return edit && card.value.writable ? (
    <CustomerForm key={id} customer={card.value} onReload={card.retry} />
  ) : (
    <Shown customer={card.value} onChanged={card.retry} />
  );
}

function Shown({ customer, onChanged }: { customer: CustomerOut; onChanged: () => void }) {
  const say = useW();
  const keeps = useKeepsFiles();
  const keepsOffice = useKeepsOffice();
  const ended = customer.status === "deleted" || customer.status === "merged";
  const desk = useDesk();
  const id = customer.customer_id;
  const about = { customer: id };
  const team = useAgent((state) => state.team);
  const me = useAgent((state) => state.me);
  const { day } = useFormats();
  const manager = customer.portfolio_manager_id;
  const managerName = manager === me.agent_id ? me.name : manager ? team[manager]?.name : null;
  return (
    <Shell
      about={id}
      title={customer.name || say("namelessFile")}
      chips={
        <>
          <SegmentChip segment={customer.segment} />
          {customer.status !== "active" && <Chip icon="info">{named(say, "cs", customer.status)}</Chip>}
        </>
      }
      line={[say(`kind_${customer.kind}` as Word), customer.city, managerName && say("handledBy", { name: managerName })].filter(Boolean).join(" · ")}
      actions={
        customer.writable && (
          <>
            <Button size="small" icon="edit" onClick={() => desk.go(place("customer", id, { edit: "1" }))}>{say("edit")}</Button>
            <Button size="small" icon="plus" onClick={() => desk.go(place("new", "policy", about))}>{say("newPolicy")}</Button>
            <Button size="small" icon="plus" onClick={() => desk.go(place("new", "claim", about))}>{say("newClaim")}</Button>
            <Button size="small" icon="plus" onClick={() => desk.go(place("new", "quote", about))}>{say("newQuote")}</Button>
          </>
        )
      }
    >
      {!customer.writable && customer.status !== "merged" && (
        <NotWritable />
      )}
      <Merged customer={customer} onParted={onChanged} />
      {keepsOffice && ended && <Erased customer={id} />}
      <div className="cols">
        <Section title={say("data")}>
          <Facts
            rows={[
              [say(customer.kind === "company" ? "taxId" : "document"), (customer.dni ?? customer.tax_id) && <>{customer.dni ?? customer.tax_id} {customer.masked && <span className="x3">{say("masked")}</span>}</>],
              [say("birthDate"), customer.birth_date && day(customer.birth_date)],
              [say("mobile"), customer.mobile && spaced(customer.mobile)],
              [say("phone"), customer.phone && spaced(customer.phone)],
              [say("email"), customer.email],
              ...customer.ways.map((way) => [way.label || say(way.kind as Word), way.kind === "phone" ? spaced(way.address) : way.address] as const),
              [say("iban"), customer.iban],
              [say("address"), [customer.address_line1, customer.address_line2, [customer.postal_code, customer.city].filter(Boolean).join(" "), customer.province].filter(Boolean).join(", ")],
              ...customer.addresses.map((one) => [one.label, postalLine(one)] as const),
              [say("language"), say(`lang_${customer.locale}` as Word)],
              [say("leadSource"), customer.lead_source],
              [say("tags"), customer.tags.join(", ")],
              [say("notes"), customer.notes && <span className="said">{customer.notes}</span>],
            ]}
          />
        </Section>
        <Figures id={id} />
      </div>
      <Contracts id={id} />
      <Section title={say("tasks")} aside={customer.writable && <Button size="small" kind="quiet" icon="plus" onClick={() => desk.go(place("new", "task", about))}>{say("newTask")}</Button>}>
        <CustomersTasks id={id} />
      </Section>
      <Letters customer={customer} />
      {customer.writable && <SamePerson customer={customer} onStale={onChanged} />}
      <Household customer={customer} onChanged={onChanged} />
      <Section
        title={say("timeline")}
        count={say("allChannels")}
        className="timeline"
        aside={customer.writable && <Button size="small" kind="quiet" icon="plus" onClick={() => desk.go(place("customer", id, { form: "contact" }))}>{say("noteContact")}</Button>}
      >
        <Timeline key={id} customer={id} current={null} limit={20} />
      </Section>
      {keeps && customer.writable && !ended && (
        <div className="cols">
          <SignsIn customer={customer} onDone={onChanged} />
          <CloseFile customer={customer} onDone={onChanged} />
        </div>
      )}
    </Shell>
  );
}

function Figures({ id }: { id: string }) {
  const say = useW();
  const { money, day } = useFormats();
  const stats = useRead<CustomerStats>(`/customers/${id}/stats`, id);
  return (
    <Section title={say("figures")}>
      <Read of={stats}>
        {(one) => (
          <Facts
            rows={[
              [say("annualPremium"), money(one.annual_premium)],
              [say("policies"), `${one.policies}${one.past_policies ? ` + ${one.past_policies}` : ""}`],
              [say("claimsAll"), `${one.open_claims} / ${one.claims}`],
              [say("claimsPaid"), money(one.claims_paid)],
              [say("unpaid"), one.unpaid_receipts > 0 && <span className="c-bad">{`${money(one.unpaid_amount)} (${one.unpaid_receipts})`}</span>],
              [say("contacts90"), String(one.interactions_90_days)],
              [say("since"), one.customer_since && day(one.customer_since)],
              [say("lifetimeValue"), <span key="v" title={say("lifetimeHow")}>{one.lifetime_value && money(one.lifetime_value)}</span>],
            ]}
          />
        )}
      </Read>
    </Section>
  );
}

type Pages<T> = ReturnType<typeof usePages<T>>;

function Contracts({ id }: { id: string }) {
  const say = useW();
  const { day, money } = useFormats();
  const policies = usePages<PolicyRow>(`/policies?customer_id=${id}&limit=50`, id);
  const claims = usePages<ClaimRow>(`/claims?customer_id=${id}&limit=50`, id);
  const quotes = usePages<QuoteRow>(`/quotes?customer_id=${id}&limit=50`, id);
  return (
    <>
      <Section title={say("policies")} count={countOf(policies)}>
        <Read of={policies}>
          {({ items, next_cursor }) => (
            <ul className="things">
              {items.length === 0 && <li className="x3 t13">{say("noPoliciesYet")}</li>}
              {items.map((one) => (
                <Row
                  key={one.policy_id}
                  icon={lineIcon(one.policy_type)}
                  place={place("policy", one.policy_id)}
                  title={policyName(say, one)}
                  chip={<PolicyChip status={one.status} />}
                  end={<span className="t13 x2">{money(one.premium_amount)}</span>}
                  detail={[one.vehicle_plate ?? one.property_address, say("termOf", { from: day(one.coverage_start_date), to: day(one.coverage_end_date) })].filter(Boolean).join(" · ")}
                />
              ))}
              {next_cursor !== null && <li><More of={policies} /></li>}
            </ul>
          )}
        </Read>
      </Section>
      <Section title={say("claimsAll")} count={countOf(claims)}>
        <Read of={claims} lines={1}>
          {({ items, next_cursor }) => (
            <ul className="things">
              {items.length === 0 && <li className="x3 t13">{say("noClaims")}</li>}
              {items.map((one) => (
                <Row
                  key={one.claim_id}
                  icon={lineIcon(one.policy_type)}
                  place={place("claim", one.claim_id)}
                  title={`${one.claim_number} · ${named(say, "ca", one.cause)}`}
                  chip={<ClaimChip claim={one} />}
                  detail={[day(one.incident_date), one.adjuster_name].filter(Boolean).join(" · ")}
                />
              ))}
              {next_cursor !== null && <li><More of={claims} /></li>}
            </ul>
          )}
        </Read>
      </Section>
      <Section title={say("quotes")} count={countOf(quotes)}>
        <Read of={quotes} lines={1}>
          {({ items, next_cursor }) => (
            <ul className="things">
              {items.length === 0 && <li className="x3 t13">{say("noQuotes")}</li>}
              {items.map((one) => (
                <Row
                  key={one.quote_id}
                  icon={lineIcon(one.quote_type)}
                  place={place("quote", one.quote_id)}
                  title={one.quote_number}
                  chip={<QuoteChip quote={one} />}
                  end={<span className="t13 x2">{money(one.total_premium)}</span>}
                  detail={`${say("validUntil")} ${day(one.valid_until)}`}
                />
              ))}
              {next_cursor !== null && <li><More of={quotes} /></li>}
            </ul>
          )}
        </Read>
      </Section>
    </>
  );
}

/** How many there are; with more to come, how many at least. */
const countOf = <T,>(list: Pages<T>): string | undefined =>
  list.kind === "there" ? `${list.value.items.length}${list.value.next_cursor === null ? "" : "+"}` : undefined;

function More<T>({ of }: { of: Pages<T> }) {
  const say = useW();
  return <Button size="small" kind="quiet" onClick={of.more}>{say("seeMore")}</Button>;
}

function CustomersTasks({ id }: { id: string }) {
  const tasks = usePages<TaskOut>(`/tasks?customer_id=${id}&limit=50`, id, "task");
  return (
    <Read of={tasks} lines={1}>
      {({ items, next_cursor }) => (
        <>
          <TaskRows items={items} onChanged={tasks.retry} plain />
          {next_cursor !== null && <More of={tasks} />}
        </>
      )}
    </Read>
  );
}
