/** A claim's details: what is new of it, and what changes later. */
import { api, request } from "@contactcenter/shared/api";
import type { ClaimOut, CoverageOut, DeskFile, PolicyOut } from "@contactcenter/shared/contract";
import { instant, now, wall } from "@contactcenter/shared/time";
import { useEffect, useState } from "react";

import { useDesk } from "../context";
import { useFetched } from "../fetched";
import { Cover, policyName } from "./bits";
import { amount, type Fault, phone, plate } from "./checks";
import { usePeople } from "./ClaimMove";
import { etagOf, useRead } from "./data";
import { Area, type Checks, type Choice, Form, In, Pick, Sum, Tick, useForm, type Values } from "./form";
import { money, sumText } from "./money";
import { place } from "./place";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

const CAUSES = [
  "collision", "glass", "theft", "fire", "water", "hail", "liability", "accident", "illness", "death", "flood",
  "extraordinary_wind", "earthquake", "volcano", "terrorism", "other",
] as const;
const PAYERS = ["insurer", "third_party_insurer", "consorcio"] as const;
/** What a claim on a line most often is. */
const USUAL: Record<string, string> = { auto: "collision", home: "water", life: "death", health: "illness", business: "liability" };

const text = (v: Values, name: string): string => (v[name] ?? "").trim();
const some = (v: Values, name: string, rule: (given: string) => Fault | null): Fault | null => (text(v, name) ? rule(text(v, name)) : null);

function details(v: Values): Checks {
  return {
    description: text(v, "description") === "" ? "missing" : null,
    claimed_amount: some(v, "claimed_amount", (given) => amount(given, false)),
    reserve: some(v, "reserve", (given) => amount(given, false)),
    perito_phone: some(v, "perito_phone", phone),
    own_plate: some(v, "own_plate", plate),
    other_plate: some(v, "other_plate", plate),
    vehicles: some(v, "vehicles", (given) => (/^\d{1,2}$/.test(given) && Number(given) >= 1 && Number(given) <= 50 ? null : "bad_number")),
    postal_code: text(v, "postal_code").length > 10 ? "tooLong" : null,
  };
}

const motorOf = (v: Values) => ({
  statement_signed: v.statement_signed === "yes",
  own_plate: text(v, "own_plate") || null,
  other_plate: text(v, "other_plate") || null,
  other_insurer: text(v, "other_insurer") || null,
  vehicles: Number(text(v, "vehicles") || 2),
  other_at_fault: v.other_at_fault === "yes",
});
const MOTOR = ["statement_signed", "own_plate", "other_plate", "other_insurer", "vehicles", "other_at_fault"];

function Motor() {
  const say = useW();
  return (
    <>
      <In name="own_plate" label={say("ownPlate")} maxLength={20} />
      <In name="other_plate" label={say("otherPlate")} maxLength={20} />
      <In name="other_insurer" label={say("otherInsurer")} maxLength={200} />
      <In name="vehicles" label={say("vehicles")} inputMode="numeric" maxLength={2} />
      <Tick name="statement_signed" label={say("signedStatement")} />
      <Tick name="other_at_fault" label={say("otherAtFault")} />
    </>
  );
}

/** Two steps in a call: it comes with the policy, the cause and now; say what happened, Ctrl Enter. */
export function NewClaim({ with: about }: { with: Values }) {
  const say = useW();
  const file = useRead<DeskFile>(about.customer ? `/customers/${about.customer}/file` : null);
  const policy = useRead<PolicyOut>(about.policy ? `/policies/${about.policy}` : null);
  const waits = (about.customer && file.kind === "loading") || (about.policy && policy.kind === "loading");
  if (waits) return <Shell title={say("newClaimTitle")} busy><span className="bone wide" /></Shell>;
  const filed = file.kind === "there" ? file.value.policies.map((one) => one.policy) : [];
  const chosen = policy.kind === "there" ? policy.value : (filed.find((one) => one.status === "active") ?? filed[0]);
  const choices = (chosen && !filed.some((one) => one.policy_id === chosen.policy_id) ? [chosen, ...filed] : filed).map(
    (one) => [one.policy_id, `${policyName(say, one)}${one.vehicle_plate ? ` · ${one.vehicle_plate}` : ""}`] as const,
  );
  const lines = Object.fromEntries((chosen ? [chosen, ...filed] : filed).map((one) => [one.policy_id, one.policy_type]));
  const customer = file.kind === "there" ? file.value.customer : null;
  return (
    <Opened
      about={about}
      name={customer?.name ?? (policy.kind === "there" ? policy.value.customer_name : "")}
      customer={about.customer ?? chosen?.customer_id ?? null}
      policy={chosen?.policy_id ?? ""}
      plate={chosen?.vehicle_plate ?? ""}
      choices={choices}
      lines={lines}
    />
  );
}

interface OpenedProps {
  about: Values;
  name: string;
  customer: string | null;
  policy: string;
  plate: string;
  choices: readonly Choice[];
  lines: Readonly<Record<string, string>>;
}

function Opened({ about, name, customer, policy, plate: ownPlate, choices, lines }: OpenedProps) {
  const say = useW();
  const desk = useDesk();
  const people = usePeople(say("handlerAuto"));
  const [more, setMore] = useState(false);
  const form = useForm({
    id: `claim new ${about.interaction ?? customer ?? ""}`,
    initial: {
      policy_id: policy, cause: USUAL[lines[policy] ?? ""] ?? "other", incident_date: now(), description: "", location: "", postal_code: "",
      injuries: "", claimed_amount: "", adjuster_id: "", statement_signed: "", own_plate: ownPlate, other_plate: "", other_insurer: "", vehicles: "2",
      other_at_fault: "",
    },
    check: (v) => ({
      ...details(v),
      policy_id: v.policy_id ? null : "missing",
      incident_date: instant(v.incident_date ?? "") === null ? "bad_date" : (v.incident_date ?? "") > now() ? "in_future" : null,
    }),
    send: async (v) => {
      const made = await request<ClaimOut>("POST", "/claims", {
        key: crypto.randomUUID(),
        body: {
          policy_id: v.policy_id,
          claim_type: v.cause,
          cause: v.cause,
          incident_date: instant(v.incident_date ?? ""),
          description: text(v, "description"),
          location: text(v, "location") || null,
          postal_code: text(v, "postal_code") || null,
          injuries: v.injuries === "yes",
          ...(text(v, "claimed_amount") ? { claimed_amount: money(v.claimed_amount) } : {}),
          ...(v.adjuster_id ? { adjuster_id: v.adjuster_id } : {}),
          ...(v.cause === "collision" ? { motor: motorOf(v) } : {}),
          ...(about.interaction ? { interaction_id: about.interaction } : {}),
        },
      });
      desk.turn(place("claim", made.claim_id));
    },
  });
  const { values, set } = form;
  const line = lines[values.policy_id ?? ""];
  useEffect(() => {
    const usual = Object.values(USUAL);
    if (line && usual.includes(values.cause ?? "") && !form.dirty) set("cause", USUAL[line] ?? "other");
    // Only when another policy is chosen before anything was typed.
  }, [line]);
  const at = instant(values.incident_date ?? "");
  const cover = useFetched<CoverageOut>(values.policy_id && at ? `${values.policy_id}/cover ${at}` : null, (signal) =>
    api.get<CoverageOut>(`/policies/${values.policy_id}/coverage?at=${encodeURIComponent(at ?? "")}`, signal),
  );
  const title = name ? say("newClaimOf", { name }) : say("newClaimTitle");
  return (
    <Shell title={title} about={customer} line={about.interaction ? say("comesFrom") : undefined}>
      <Form
        form={form}
        label={title}
        submit={say("save")}
        onLeave={desk.goBack}
      >
        <Area name="description" label={say("description")} rows={3} first />
        <div className="grid">
          <Pick name="policy_id" label={say("policy")} wide choices={choices.length > 0 ? choices : [["", say("noPolicies")]]} />
          <Pick name="cause" label={say("cause")} choices={CAUSES.map((one) => [one, named(say, "ca", one)] as const)} />
          <In name="incident_date" label={say("incident")} type="datetime-local" />
        </div>
        <div className="cover-line">{cover.kind === "there" && <Cover cover={cover.value} />}</div>
        <details className="more-fields" open={more} onToggle={(event) => setMore(event.currentTarget.open)}>
          <summary>{say("moreFields")}</summary>
          <div className="grid">
            <In name="location" label={say("place")} maxLength={200} />
            <In name="postal_code" label={say("postalCode")} maxLength={10} />
            <Sum name="claimed_amount" label={say("claimed")} />
            <Pick name="adjuster_id" label={say("handler")} choices={people} />
            <Tick name="injuries" label={say("injuries")} />
            {values.cause === "collision" && <Motor />}
          </div>
        </details>
      </Form>
    </Shell>
  );
}

export function ClaimEditForm({ claim, onReload }: { claim: ClaimOut; onReload: () => void }) {
  const say = useW();
  const desk = useDesk();
  const path = `/claims/${claim.claim_id}`;
  const { motor } = claim;
  const yes = (value: boolean | null | undefined) => (value ? "yes" : "");
  const form = useForm({
    id: `claim edit ${claim.claim_id}`,
    version: claim.version,
    initial: {
      description: claim.description, location: claim.location ?? "", postal_code: claim.postal_code ?? "", injuries: yes(claim.injuries),
      payer: claim.payer, insurer_reference: claim.insurer_reference ?? "", claimed_amount: sumText(claim.claimed_amount), reserve: sumText(claim.reserve),
      perito_name: claim.perito_name ?? "", perito_phone: claim.perito_phone ?? "", perito_visit_at: claim.perito_visit_at ? wall(claim.perito_visit_at) : "",
      perito_reported: yes(claim.perito_reported), notes: claim.notes ?? "", statement_signed: yes(motor?.statement_signed), own_plate: motor?.own_plate ?? "",
      other_plate: motor?.other_plate ?? "", other_insurer: motor?.other_insurer ?? "", vehicles: String(motor?.vehicles ?? 2),
      other_at_fault: yes(motor?.other_at_fault),
    },
    check: details,
    send: async (v, changed, began) => {
      const version = began ?? (await api.get<ClaimOut>(path)).version;
      const body: Record<string, unknown> = {};
      for (const name of changed) {
        if (MOTOR.includes(name)) body.motor = motorOf(v);
        else if (name === "injuries" || name === "perito_reported") body[name] = v[name] === "yes";
        else if (name === "claimed_amount" || name === "reserve") body[name] = text(v, name) ? money(v[name]) : null;
        else if (name === "perito_visit_at") body[name] = v[name] ? instant(v[name]) : null;
        else body[name] = text(v, name) || null;
      }
      if (changed.size > 0) await api.patch(path, body, etagOf(version));
      desk.goBack();
    },
  });
  const title = `${say("edit")} ${claim.claim_number}`;
  return (
    <Shell title={title} about={claim.customer_id}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack} onReload={onReload}>
        <Area name="description" label={say("description")} first />
        <div className="grid">
          <In name="location" label={say("place")} maxLength={200} />
          <In name="postal_code" label={say("postalCode")} maxLength={10} />
          <Pick name="payer" label={say("payer")} choices={PAYERS.map((one) => [one, named(say, "payer", one)] as const)} />
          <In name="insurer_reference" label={say("insurerReference")} maxLength={100} />
          <Sum name="claimed_amount" label={say("claimed")} />
          <Sum name="reserve" label={say("reserve")} />
          <In name="perito_name" label={say("perito")} maxLength={100} />
          <In name="perito_phone" label={say("peritoPhone")} inputMode="tel" maxLength={30} />
          <In name="perito_visit_at" label={say("peritoWhen")} type="datetime-local" />
          <Tick name="perito_reported" label={say("peritoReported")} />
          <Tick name="injuries" label={say("injuries")} />
          {claim.cause === "collision" && <Motor />}
          <Area name="notes" label={say("notes")} rows={2} />
        </div>
      </Form>
    </Shell>
  );
}
