/** A receipt as the insurer issued it: stored, never computed anew. */
import { request } from "@contactcenter/shared/api";
import type { PolicyOut } from "@contactcenter/shared/contract";
import { today } from "@contactcenter/shared/time";

import { useDesk } from "../context";
import { policyName } from "./bits";
import { amountOf, day, type Fault } from "./checks";
import { Form, In, Pick, Sum, Tick, useForm } from "./form";
import { money } from "./money";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

const sum = (text: string | undefined, negative: boolean): Fault | null => {
  const found = amountOf(text ?? "");
  if (found === null) return text ? "bad_amount" : "missing";
  return Number(found) < 0 === negative ? null : "bad_sign";
};

export function ReceiptForm({ policy }: { policy: PolicyOut }) {
  const say = useW();
  const desk = useDesk();
  const title = `${say("addReceipt")} · ${policyName(say, policy)}`;
  const form = useForm({
    id: `receipt ${policy.policy_id}`,
    initial: {
      number: "", kind: "renewal", period_start: policy.term_start_date, period_end: policy.coverage_end_date, due_on: today(), net: "", total: "",
      first: "", collected_by: "insurer",
    },
    check: (v) => ({
      number: v.number?.trim() ? null : "missing",
      period_start: day(v.period_start ?? ""),
      period_end: day(v.period_end ?? "") ?? ((v.period_end ?? "") <= (v.period_start ?? "") ? "bad_period" : null),
      due_on: day(v.due_on ?? ""),
      net: v.net ? (amountOf(v.net) === null ? "bad_amount" : null) : "missing",
      total: sum(v.total, v.kind === "extorno"),
    }),
    send: async (v) => {
      await request("POST", `/policies/${policy.policy_id}/receipts`, {
        key: crypto.randomUUID(),
        body: { ...v, number: v.number?.trim(), first: v.first === "yes", net: money(v.net), total: money(v.total) },
      });
      desk.goBack();
    },
  });
  return (
    <Shell title={title} about={policy.customer_id}>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack}>
        <div className="grid">
          <In name="number" label={say("number")} maxLength={100} />
          <Pick name="kind" label={say("type")} choices={(["renewal", "new", "endorsement", "extorno"] as const).map((one) => [one, named(say, "rk", one)] as const)} />
          <In name="due_on" label={say("due")} type="date" />
          <In name="period_start" label={say("from")} type="date" />
          <In name="period_end" label={say("to")} type="date" />
          <Sum name="net" label={say("net")} />
          <Sum name="total" label={say("total")} />
          <Pick name="collected_by" label={say("collectedBy")} choices={(["insurer", "broker"] as const).map((one) => [one, named(say, "cb", one)] as const)} />
          <Tick name="first" label={say("firstReceipt")} />
        </div>
      </Form>
    </Shell>
  );
}
