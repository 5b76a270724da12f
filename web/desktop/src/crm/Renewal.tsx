/** A term's end: by when a no must be there, whose no is on file, and how far it has come. */
import { api } from "@contactcenter/shared/api";
import type { NonRenewalOut, PolicyOut } from "@contactcenter/shared/contract";
import { today } from "@contactcenter/shared/time";
import { Button } from "@contactcenter/shared/ui";
import { useState } from "react";

import { Facts, Section } from "./bits";
import { day as dayFault, type Fault } from "./checks";
import { etagOf, orAnew } from "./data";
import { Form, In, Pick, useForm } from "./form";
import { useFormats } from "./format";
import { Asker } from "./Parties";
import { named, useW } from "./texts";

/** crm.policies.model.IN_FORCE: only these say no to a next term. */
const IN_FORCE = new Set(["active", "suspended"]);

type Step = NonRenewalOut["state"];
const PATHS: Record<Step, string> = { received: "", sent: "/sent", acknowledged: "/acknowledged" };

/** What a no on file waits for; none is waited for once it is acknowledged. */
const next = (no: NonRenewalOut | null): Step | null =>
  no === null ? "received" : no.state === "received" ? "sent" : no.state === "sent" ? "acknowledged" : null;

export function Renewal({ policy, onChanged }: { policy: PolicyOut; onChanged: () => void }) {
  const say = useW();
  const { day } = useFormats();
  const [open, setOpen] = useState(false);
  const no = policy.non_renewal;
  const step = next(no);
  const label = step === "received" ? say("nrReceive") : step === "sent" ? say(no?.by === "insurer" ? "nrTell" : "nrSend") : say("nrAcknowledge");
  return (
    <Section title={say("renewal")}>
      <Facts
        rows={[
          [say("autoRenew"), say(policy.auto_renew ? "yes" : "no")],
          policy.policy_type === "life" && [say("notice"), policy.notice_months ?? say("noticeOwn")],
          policy.renewal && [say("ourLastDay"), <b key="our">{day(policy.renewal.our_last_day)}</b>],
          policy.renewal && [say("lawLastDay"), day(policy.renewal.last_day)],
          policy.renewal && [say("insurerLastDay"), day(policy.renewal.insurer_last_day)],
          no && [
            say("nonRenewal"),
            <span key="no">
              {[
                named(say, "nrBy", no.by),
                `${say("nr_received")} ${day(no.received_on)}`,
                no.sent_on && `${say("nr_sent")} ${day(no.sent_on)}`,
                no.acknowledged_on && `${say("nr_acknowledged")} ${day(no.acknowledged_on)}`,
              ].filter(Boolean).join(" · ")}
              {no.late && <span className="c-bad"> · {say("nrLate")}</span>}
            </span>,
          ],
        ]}
      />
      {policy.writable && step && IN_FORCE.has(policy.status) && !policy.cancelled_at && (
        open ? (
          <NoForm key={step} policy={policy} step={step} label={label} onDone={onChanged} onLeave={() => setOpen(false)} />
        ) : (
          <div className="row wrap-row">
            <Button size="small" onClick={() => setOpen(true)}>{label}</Button>
          </div>
        )
      )}
    </Section>
  );
}

interface NoProps {
  policy: PolicyOut;
  step: Step;
  label: string;
  onDone: () => void;
  onLeave: () => void;
}

/** The next step of a no: whose it is at first, and on which day it came, went out or was confirmed. */
function NoForm({ policy, step, label, onDone, onLeave }: NoProps) {
  const say = useW();
  const formats = useFormats();
  const no = policy.non_renewal;
  const renewed = policy.term_start_date > policy.coverage_start_date;
  const name = step === "received" ? "received_on" : "on";
  const earliest = step === "acknowledged" ? no?.sent_on : step === "sent" ? no?.received_on : null;
  const fault = (text: string): Fault | null =>
    text === "" ? "missing" : (dayFault(text) ?? (text > today() ? "in_future" : earliest && text < earliest ? "before_last" : null));
  const form = useForm({
    id: `no ${step} ${policy.policy_id}`,
    initial: { [name]: today(), ...(step === "received" ? { by: "policyholder", requested_by_customer_id: policy.customer_id, term_end: policy.coverage_end_date } : {}) },
    check: (v) => ({ [name]: fault((v[name] ?? "").trim()) }),
    send: async (v) => {
      const { requested_by_customer_id: asker, ...rest } = v;
      const body = step === "received" ? { ...rest, ...(v.by === "policyholder" ? { requested_by_customer_id: asker } : {}) } : { ...rest, term_end: no?.term_end };
      await orAnew(api.post(`/policies/${policy.policy_id}/non-renewal${PATHS[step]}`, body, { etag: etagOf(policy.version) }), onDone);
      onLeave();
      onDone();
    },
  });
  return (
    <div className="card move">
      <Form form={form} label={label} submit={say("save")} onLeave={onLeave} onReload={onDone}>
        <div className="grid">
          {step === "received" && (
            <>
              <Pick name="by" label={say("nrWho")} choices={(["policyholder", "insurer"] as const).map((one) => [one, named(say, "by", one)] as const)} />
              {form.values.by === "policyholder" && <Asker policy={policy} />}
              {renewed && <Pick name="term_end" label={say("nrTerm")} choices={[policy.coverage_end_date, policy.term_start_date].map((end) => [end, formats.day(end)] as const)} />}
            </>
          )}
          <In name={name} label={say("onDay")} type="date" />
        </div>
      </Form>
    </div>
  );
}
