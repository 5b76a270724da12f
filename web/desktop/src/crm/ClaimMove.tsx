/** The short forms that move a claim: who decides, how much, why. */
import { api, session } from "@contactcenter/shared/api";
import type { ClaimOut } from "@contactcenter/shared/contract";
import { useStore } from "@contactcenter/shared/store";
import { instant, now, today } from "@contactcenter/shared/time";

import { useAgent, useDesk } from "../context";
import { amount, day, document, type Fault, url } from "./checks";
import { etagOf, orAnew } from "./data";
import { Area, type Checks, type Choice, Form, In, Pick, Sum, Tick, useForm, type Values } from "./form";
import { money, sumText } from "./money";
import { named, useW, type Word } from "./texts";

export const MOVES = ["send", "approve", "deny", "pay", "reopen", "resume", "assign", "note", "document"] as const;
export type Move = (typeof MOVES)[number];

/** What is only ever added to a claim, whoever else has changed it. */
const ADDED: ReadonlySet<Move> = new Set(["note", "document"]);

const text = (v: Values, name: string): string => (v[name] ?? "").trim();
const needed = (v: Values, name: string, most = 8000): Fault | null => (text(v, name) === "" ? "missing" : text(v, name).length > most ? "tooLong" : null);
const sum = (v: Values, name: string): Fault | null => (text(v, name) === "" ? "missing" : amount(text(v, name)));
/** The insurer's own decision is recorded with its document or its reference; ours needs none. */
const evidence = (v: Values): Fault | null => {
  if (text(v, "decision_document")) return document(text(v, "decision_document"));
  return v.decided_by === "insurer" && !text(v, "decision_reference") ? "no_evidence" : null;
};
/** So is its payment, with the document. */
const proof = (claim: ClaimOut, v: Values): Fault | null => {
  if (text(v, "document")) return document(text(v, "document"));
  return claim.decided_by === "insurer" ? "no_document" : null;
};
const optionalDay = (v: Values, name: string): Fault | null => {
  if (text(v, name) === "") return null;
  return day(text(v, name)) ?? (text(v, name) > today() ? "in_future" : null);
};

const decided = (): Values => ({
  decided_by: "insurer", decided_on: today(), decision_document: "", decision_reference: "", note: "",
});

function start(claim: ClaimOut, move: Move): Values {
  switch (move) {
    case "approve":
      return { amount: sumText(claim.claimed_amount ?? claim.reserve), ...decided(), reviewed: "" };
    case "deny":
      return { reason: "", ...decided() };
    case "pay":
      return { amount: sumText(claim.approved_amount), paid_on: today(), document: "", reference: "", note: "" };
    case "send":
      return { insurer_reference: claim.insurer_reference ?? "", at: now(), note: "" };
    case "assign":
      return { adjuster_id: claim.adjuster_id ?? "" };
    case "document":
      return { name: "", url: "", type: "other" };
    default:
      return { note: "" };
  }
}

function check(claim: ClaimOut, move: Move, v: Values): Checks {
  switch (move) {
    case "approve":
      return { amount: sum(v, "amount"), decided_on: optionalDay(v, "decided_on"), decision_document: evidence(v) };
    case "deny":
      return { reason: needed(v, "reason", 100), decided_on: optionalDay(v, "decided_on"), decision_document: evidence(v) };
    case "pay": {
      const most = Number(claim.approved_amount?.amount ?? Infinity);
      const given = money(v.amount);
      return { amount: sum(v, "amount") ?? (given && Number(given.amount) > most ? "over_approved" : null), paid_on: optionalDay(v, "paid_on"), document: proof(claim, v) };
    }
    case "reopen":
    case "resume":
      return { note: needed(v, "note", 100) };
    case "send":
      return { at: text(v, "at") > now() ? "in_future" : null };
    case "note":
      return { note: needed(v, "note") };
    case "assign":
      return { adjuster_id: needed(v, "adjuster_id") };
    case "document":
      return { name: needed(v, "name", 100), url: text(v, "url") ? url(text(v, "url")) : "missing" };
    default:
      return {};
  }
}

async function send(claim: ClaimOut, move: Move, v: Values, changed: ReadonlySet<string>): Promise<void> {
  const to = (path: string, body: object) => api.post(`/claims/${claim.claim_id}/${path}`, body, { key: crypto.randomUUID(), ...(ADDED.has(move) ? {} : { etag: etagOf(claim.version) }) });
  const shown = text(v, "document");
  const decision = {
    decided_by: v.decided_by,
    ...(text(v, "decided_on") ? { decided_on: v.decided_on } : {}),
    ...(text(v, "decision_document") ? { decision_document: text(v, "decision_document") } : {}),
    ...(text(v, "decision_reference") ? { decision_reference: text(v, "decision_reference") } : {}),
    note: text(v, "note"),
  };
  switch (move) {
    case "approve":
      await to("approve", { ...decision, amount: money(v.amount), reviewed: v.reviewed === "yes" });
      break;
    case "deny":
      await to("deny", { ...decision, reason: text(v, "reason") });
      break;
    case "pay":
      await to("pay", { amount: money(v.amount), ...(text(v, "paid_on") ? { paid_on: v.paid_on } : {}), ...(shown ? { document: shown } : {}), ...(text(v, "reference") ? { reference: text(v, "reference") } : {}), note: text(v, "note") });
      break;
    case "send":
      await to("send", { note: text(v, "note"), ...(changed.has("at") ? { at: instant(text(v, "at")) } : {}), ...(text(v, "insurer_reference") ? { insurer_reference: text(v, "insurer_reference") } : {}) });
      break;
    case "reopen":
      await to("status", { status: "reopened", note: text(v, "note") });
      break;
    case "resume":
      await to("status", { status: "investigating", note: text(v, "note") });
      break;
    case "assign":
      await to("assign", { adjuster_id: v.adjuster_id });
      break;
    case "note":
      await to("notes", { note: text(v, "note") });
      break;
    case "document":
      await to("documents", { name: text(v, "name"), url: text(v, "url"), type: v.type });
      break;
  }
}

export function usePeople(empty?: string): readonly Choice[] {
  const say = useW();
  const team = useAgent((state) => state.team);
  const me = useAgent((state) => state.me);
  const others = Object.values(team)
    .filter((one) => one.agent_id !== me.agent_id)
    .sort((a, b) => a.name.localeCompare(b.name));
  return [
    ...(empty === undefined ? [] : [["", empty] as const]),
    [me.agent_id, `${me.name} (${say("me")})`],
    ...others.map((one) => [one.agent_id, one.name] as const),
  ];
}

export function ClaimMove({ claim, move, onDone, onStale }: { claim: ClaimOut; move: Move; onDone: () => void; onStale: () => void }) {
  const say = useW();
  const desk = useDesk();
  const all = usePeople("—");
  const me = useAgent((state) => state.me);
  // Whoever handles a claim reads it: nobody gives themselves one that is hidden from them.
  const people = all.filter(([one]) => !claim.masked || one !== me.agent_id);
  const mayDecide = useStore(session)?.permissions.includes("claims.decide") ?? false;
  const deciders = mayDecide ? (["insurer", "delegated"] as const) : (["insurer"] as const);
  const label = say(move === "note" ? "addNote" : move === "document" ? "addDocument" : (`do_${move}` as Word));
  const form = useForm({
    id: `claim ${move} ${claim.claim_id}`,
    initial: start(claim, move),
    check: (v) => check(claim, move, v),
    send: async (v, changed) => {
      await orAnew(send(claim, move, v, changed), onStale);
      onDone();
      desk.goBack();
    },
  });
  const papers = claim.documents.map((one) => String(one.url));
  const decides = move === "approve" || move === "deny";
  return (
    <div className="card move">
      <h3 className="t14 b">{label}</h3>
      <Form form={form} label={label} submit={label} onLeave={desk.goBack} onReload={onStale} danger={move === "deny"}>
        <div className="grid">
          {(move === "approve" || move === "pay") && <Sum name="amount" label={say("amount")} />}
          {move === "deny" && <In name="reason" label={say("denialReason")} maxLength={100} wide />}
          {decides && (
            <>
              <Pick name="decided_by" label={say("decidedBy")} choices={deciders.map((one) => [one, named(say, "db", one)] as const)} />
              <In name="decided_on" label={say("decidedOn")} type="date" />
              <In
                name="decision_document"
                label={say("decisionDocument")}
                {...(form.values.decided_by === "insurer" && !text(form.values, "decision_reference") ? {} : { hint: say("optional") })}
                maxLength={500}
                list={papers}
              />
              <In
                name="decision_reference"
                label={say("decisionReference")}
                {...(form.values.decided_by === "insurer" && !text(form.values, "decision_document") ? {} : { hint: say("optional") })}
                maxLength={100}
              />
            </>
          )}
          {move === "pay" && (
            <>
              <In name="paid_on" label={say("paidOn")} type="date" />
              <In name="document" label={say("paymentDocument")} {...(claim.decided_by === "insurer" ? {} : { hint: say("optional") })} maxLength={500} list={papers} />
              <In name="reference" label={say("paymentReference")} hint={say("optional")} maxLength={100} />
            </>
          )}
          {move === "send" && (
            <>
              <In name="insurer_reference" label={say("insurerReference")} hint={say("optional")} maxLength={100} />
              <In name="at" label={say("sentOn")} type="datetime-local" />
            </>
          )}
          {move === "assign" && <Pick name="adjuster_id" label={say("handler")} choices={people} />}
          {move === "document" && (
            <>
              <In name="name" label={say("docName")} maxLength={100} />
              <In name="url" label={say("docUrl")} maxLength={500} />
            </>
          )}
          {["approve", "deny", "pay", "send"].includes(move) && <In name="note" label={say("notes")} maxLength={200} wide />}
          {(move === "reopen" || move === "resume") && <In name="note" label={say("reason")} maxLength={100} wide />}
          {move === "note" && <Area name="note" label={say("notes")} />}
          {move === "approve" && claim.fraud_score !== null && claim.fraud_score >= 0.7 && <Tick name="reviewed" label={say("reviewed")} wide />}
        </div>
      </Form>
    </div>
  );
}
