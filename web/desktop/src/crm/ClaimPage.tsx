/** A claim as a broker sees it: where it stands, who decides, by when, and everything said of it. */
import type { ClaimEvent, ClaimHistory, ClaimOut } from "@contactcenter/shared/contract";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { Button, Chip, cls } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useAgent, useDesk } from "../context";
import { ClaimChip, Cover, Facts, Masked, NotWritable, Read, Section, To } from "./bits";
import { ClaimEditForm } from "./ClaimEdit";
import { ClaimMove, MOVES, type Move } from "./ClaimMove";
import { useRead } from "./data";
import { useFormats } from "./format";
import { spaced } from "./Panel";
import { place } from "./place";
import { Shell } from "./Shell";
import { named, useW, type Word } from "./texts";

export function ClaimPage({ id, form }: { id: string; form: string }) {
  const say = useW();
  const [customer, setCustomer] = useState<string | null>(null);
  const card = useRead<ClaimOut>(`/claims/${id}`, customer);
  if (card.kind !== "there")
    return <Shell title={say("claim")} busy={card.kind === "loading"}><Read of={card}>{() => null}</Read></Shell>;
  const claim = card.value;
  if (claim.customer_id !== customer) setCustomer(claim.customer_id);
  if (form === "edit" && claim.writable) return <ClaimEditForm key={id} claim={claim} onReload={card.retry} />;
  return <Shown claim={claim} move={MOVES.find((one) => one === form) ?? null} onChanged={card.retry} />;
}

/** What is no move from state to state. */
const ALWAYS: ReadonlySet<Move> = new Set(["assign", "note", "document"]);

/** The moves that a claim's next states allow, in the order of their likelihood. */
function movesOf(claim: ClaimOut): Move[] {
  const next = new Set(claim.next);
  return [
    ...(next.has("approved") ? (["approve"] as const) : []),
    ...(next.has("denied") ? (["deny"] as const) : []),
    ...(next.has("paid") ? (["pay"] as const) : []),
    ...(next.has("investigating") ? ([claim.status === "reopened" ? "resume" : "send"] as const) : []),
    ...(next.has("reopened") ? (["reopen"] as const) : []),
  ];
}

function Shown({ claim, move, onChanged }: { claim: ClaimOut; move: Move | null; onChanged: () => void }) {
  const say = useW();
  const desk = useDesk();
  const { day, moment, money } = useFormats();
  const id = claim.claim_id;
  const go = (form: string) => desk.go(place("claim", id, { form }));
  const moves = movesOf(claim);
  const open = !["denied", "paid"].includes(claim.status);
  const shown = claim.writable && move && (moves.includes(move) || ALWAYS.has(move)) ? move : null;
  // Somebody was quicker, and what was meant to be done cannot be done any more.
  const [stale, setStale] = useState(false);
  return (
    <Shell
      about={claim.customer_id}
      title={`${claim.claim_number} · ${named(say, "ca", claim.cause)}`}
      chips={<ClaimChip claim={claim} />}
      line={
        <>
          <To place={place("customer", claim.customer_id)}>{claim.customer_name}</To> · <To place={place("policy", claim.policy_id)}>{named(say, "line", claim.policy_type)}</To> ·{" "}
          {claim.adjuster_name ? say("handledBy", { name: claim.adjuster_name }) : say("unhandled")}
        </>
      }
      actions={claim.writable && (
        <>
          {moves.map((one, at) => (
            <Button key={one} size="small" kind={at === 0 ? "primary" : "plain"} onClick={() => go(one)}>{say(`do_${one}` as Word)}</Button>
          ))}
          {open && <Button size="small" icon="person" onClick={() => go("assign")}>{say("handler")}</Button>}
          <Button size="small" icon="edit" onClick={() => go("edit")}>{say("edit")}</Button>
        </>
      )}
    >
      {!claim.writable && <NotWritable />}
      <Steps claim={claim} />
      {claim.masked && <Masked />}
      {shown && <ClaimMove key={shown} claim={claim} move={shown} onDone={onChanged} onStale={() => { setStale(true); onChanged(); }} />}
      {stale && !shown && <p className="box-msg warn" role="alert"><Icon name="triangle" />{say("changedMeanwhile")}</p>}
      {claim.approvals.map((one) => (
        <p key={one.user_id} className="box-msg warn"><Icon name="people" />{say("secondNeeded", { amount: money(one.amount) })}</p>
      ))}
      <div className="cols">
        <Section title={say("data")}>
          <p className="said desc">{claim.description}</p>
          <Facts
            rows={[
              [say("incident"), moment(claim.incident_date)],
              [say("knownSince"), day(claim.known_on)],
              [say("place"), [claim.location, claim.postal_code].filter(Boolean).join(", ")],
              claim.injuries && [say("injuries"), <Chip key="i" tone="bad" icon="octagon">{say("yes")}</Chip>],
              [say("payer"), named(say, "payer", claim.payer)],
              [say("insurerReference"), claim.insurer_reference],
              [say("claimed"), claim.claimed_amount && money(claim.claimed_amount)],
              [say("reserve"), claim.reserve && money(claim.reserve)],
              [say("approved"), claim.approved_amount && money(claim.approved_amount)],
              [say("paid"), claim.paid_amount && [money(claim.paid_amount), claim.paid_on && day(claim.paid_on)].filter(Boolean).join(", ")],
              [say("paymentDocument"), claim.payment_document && <Paper key="p" at={claim.payment_document} name={say("openDocument")} />],
              [say("paymentReference"), claim.payment_reference],
              [say("denialReason"), claim.denial_reason],
              [say("decidedBy"), claim.decided_by && `${named(say, "db", claim.decided_by)}, ${day(claim.decided_on)}`],
              [say("decisionDocument"), claim.decision_document && <Paper key="d" at={claim.decision_document} name={say("openDocument")} />],
              [say("decisionReference"), claim.decision_reference],
              [say("perito"), [claim.perito_name, claim.perito_phone && spaced(claim.perito_phone)].filter(Boolean).join(" · ")],
              [say("peritoWhen"), claim.perito_visit_at && moment(claim.perito_visit_at)],
              claim.perito_reported && [say("peritoReported"), say("yes")],
              [say("notes"), claim.notes && <span className="said">{claim.notes}</span>],
            ]}
          />
        </Section>
        <div>
          <Section title={say("coverThen")}><Cover cover={claim.coverage} /></Section>
          <Section title={say("clocks")}>
            <ul className="things">
              {claim.clocks.map((one) => (
                <li key={one.name} className="thing">
                  <Icon name="clock" />
                  <span>{named(say, "ck", one.name)}</span>
                  <span className="row thing-end">
                    <Chip tone={one.state === "late" ? "bad" : one.state === "met" ? "ok" : "idle"} icon={one.state === "late" ? "octagon" : one.state === "met" ? "check" : "clock"}>
                      {named(say, "cks", one.state)}
                    </Chip>
                  </span>
                  <span className="s">{day(one.due_on)}</span>
                </li>
              ))}
            </ul>
          </Section>
          {claim.motor && (
            <Section title={say("collision")}>
              <Facts
                rows={[
                  [say("agreement"), claim.motor.agreement && named(say, "agr", claim.motor.agreement)],
                  [say("signedStatement"), say(claim.motor.statement_signed ? "yes" : "no")],
                  [say("ownPlate"), claim.motor.own_plate],
                  [say("otherPlate"), claim.motor.other_plate],
                  [say("otherInsurer"), claim.motor.other_insurer],
                  [say("otherAtFault"), say(claim.motor.other_at_fault ? "yes" : "no")],
                ]}
              />
            </Section>
          )}
        </div>
      </div>
      <Documents claim={claim} onAdd={() => go("document")} />
      <Told claim={claim} onAdd={() => go("note")} />
    </Shell>
  );
}

const WAY = ["reported", "investigating", "approved", "paid"] as const;

/** Where it stands on its way; a no ends it beside the way. */
function Steps({ claim }: { claim: ClaimOut }) {
  const say = useW();
  const denied = claim.status === "denied";
  const way: readonly string[] = denied ? ["reported", "investigating", "denied"] : WAY;
  const at = claim.status === "reopened" ? 1 : way.indexOf(claim.status);
  return (
    <ol className="way">
      {way.map((one, n) => (
        <li key={one} className={cls(n < at && "done", n === at && "at", denied && one === "denied" && "no")} aria-current={n === at ? "step" : undefined}>
          <span className="dot">{n < at && <Icon name="check" size={12} />}</span>
          {named(say, "cl", n === at && claim.status === "reopened" ? "reopened" : one)}
        </li>
      ))}
    </ol>
  );
}

/** A document by its name; one with an address opens beside the desk. */
function Paper({ at, name }: { at: string; name: string }) {
  return at.startsWith("http") ? <a className="cut" href={at} target="_blank" rel="noreferrer">{name}</a> : <span className="cut">{name}</span>;
}

function Documents({ claim, onAdd }: { claim: ClaimOut; onAdd: () => void }) {
  const say = useW();
  const { moment } = useFormats();
  const documents = claim.documents as { name: string; url: string; type: string; uploaded_at: string }[];
  return (
    <Section
      title={say("documents")}
      count={documents.length}
      aside={claim.writable && <Button size="small" kind="quiet" icon="plus" onClick={onAdd}>{say("addDocument")}</Button>}
    >
      {documents.length === 0 && <p className="t13 x3">{say("noDocuments")}</p>}
      <ul className="things">
        {documents.map((one, n) => (
          <li key={n} className="thing">
            <Icon name="doc" />
            <Paper at={one.url} name={one.name} />
            <span className="t12 x3">{moment(one.uploaded_at)}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const ICONS: Record<string, IconName> = { moved: "right", assigned: "person", note: "note", document: "doc", reserve: "euro", approval: "check" };

function Told({ claim, onAdd }: { claim: ClaimOut; onAdd: () => void }) {
  const say = useW();
  const { moment, money } = useFormats();
  const team = useAgent((state) => state.team);
  const me = useAgent((state) => state.me);
  const history = useRead<ClaimHistory>(`/claims/${claim.claim_id}/events`, claim.customer_id);
  const text = (one: ClaimEvent): string => {
    const after = one.kind === "moved" ? named(say, "cl", one.after) : one.kind === "assigned" ? (one.after === me.agent_id ? me.name : (team[one.after ?? ""]?.name ?? "")) : "";
    return [named(say, "ev", one.kind), after, one.amount ? money(one.amount) : ""].filter(Boolean).join(" ");
  };
  return (
    <Section title={say("history")} aside={claim.writable && <Button size="small" kind="quiet" icon="plus" onClick={onAdd}>{say("addNote")}</Button>}>
      <Read of={history}>
        {({ items }) => (
          <ol className="tl">
            {items.toReversed().map((one, n) => (
              <li key={n}>
                <Icon name={ICONS[one.kind] ?? "info"} />
                <b className="cut">{text(one)}</b>
                <time className="t12 x3" dateTime={one.at}>{moment(one.at)}</time>
                {one.note && <span className="s said">{one.note}</span>}
              </li>
            ))}
          </ol>
        )}
      </Read>
    </Section>
  );
}

