/** A contact that no channel of ours carried: it takes its place in the timeline. */
import { request } from "@contactcenter/shared/api";
import type { CustomerOut } from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { instant, now } from "@contactcenter/shared/time";

import { useAgent, useDesk } from "../context";
import { Area, Form, In, Pick, useForm } from "./form";
import { Shell } from "./Shell";
import { named, useW } from "./texts";

const MEDIA = ["phone", "visit", "letter", "other"] as const;

export function ContactForm({ customer }: { customer: CustomerOut }) {
  const say = useW();
  const desk = useDesk();
  const language = useStore(locale);
  const dispositions = useAgent((state) => state.dispositions);
  const title = `${say("noteContact")} · ${customer.name}`;
  const form = useForm({
    id: `contact ${customer.customer_id}`,
    initial: { note: "", medium: "phone", direction: "inbound", when: now(), minutes: "", subject: "", disposition: "" },
    check: (v) => ({
      note: v.note?.trim() ? null : "missing",
      when: instant(v.when ?? "") === null ? "bad_date" : (v.when ?? "") > now() ? "in_future" : null,
      minutes: v.minutes && !(/^\d{1,4}$/.test(v.minutes) && Number(v.minutes) <= 1440) ? "bad_number" : null,
    }),
    send: async (v) => {
      await request("POST", "/interactions", {
        key: crypto.randomUUID(),
        body: {
          customer_id: customer.customer_id,
          channel: v.medium === "letter" ? "email" : "voice",
          medium: v.medium,
          direction: v.direction,
          occurred_at: instant(v.when ?? ""),
          seconds: Number(v.minutes || 0) * 60,
          subject: v.subject?.trim() || null,
          disposition: v.disposition || null,
          note: v.note?.trim(),
        },
      });
      desk.goBack();
    },
  });
  return (
    <Shell title={title} about={customer.customer_id}>
      <p className="t13 x2">{say("noteContactHint")}</p>
      <Form form={form} label={title} submit={say("save")} onLeave={desk.goBack}>
        <Area name="note" label={say("whatWasSaid")} rows={4} first />
        <div className="grid">
          <Pick name="medium" label={say("medium")} choices={MEDIA.map((one) => [one, named(say, "me", one)] as const)} />
          <Pick name="direction" label={say("direction")} choices={(["inbound", "outbound"] as const).map((one) => [one, named(say, "di", one)] as const)} />
          <In name="when" label={say("when")} type="datetime-local" />
          <In name="minutes" label={say("minutes")} inputMode="numeric" maxLength={4} />
          <In name="subject" label={say("subject")} maxLength={200} />
          <Pick
            name="disposition"
            label={say("outcome")}
            choices={[["", "—"], ...dispositions.filter((one) => !one.retired && one.queue === null).map((one) => [one.key, language === "es" ? one.label_es : one.label_en] as const)]}
          />
        </div>
      </Form>
    </Shell>
  );
}
