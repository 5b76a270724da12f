/** The end of a file: closing it, the certificate of its erasure, and as whom its customer signs in. */
import { api, request, session } from "@contactcenter/shared/api";
import type { CertificateLine, CustomerOut, PrivacyRequest, PrivacyRequests } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { instant } from "@contactcenter/shared/time";
import { Button, Chip } from "@contactcenter/shared/ui";
import { useState } from "react";

import { Failed, Read, Section, To } from "./bits";
import { email } from "./checks";
import { etagOf, orAnew, usePages, useRead } from "./data";
import { Form, In, useForm } from "./form";
import { useFormats } from "./format";
import { place } from "./place";
import { Shell, Told, useAct } from "./Shell";
import { useW } from "./texts";

export const useKeepsFiles = (): boolean => useStore(session)?.permissions.includes("portfolios.all") ?? false;

/** Of all teams and queues: what is of the whole office is refused to whoever has rights over a part of it. */
export function useKeepsOffice(): boolean {
  const me = useStore(session);
  return useKeepsFiles() && me?.teams === null && me.queues === null;
}

/** Closing a file, for whoever keeps all of them. Open things keep it; it says which. */
export function CloseFile({ customer, onDone }: { customer: CustomerOut; onDone: () => void }) {
  const say = useW();
  const [sure, setSure] = useState(false);
  const { busy, error, act } = useAct();
  const close = () => void act(() => request("DELETE", `/customers/${customer.customer_id}`, { etag: etagOf(customer.version) })).then((done) => done && onDone());
  return (
    <Section title={say("closeFile")}>
      <p className="t13 x2">{say("closeFileHint")}</p>
      <Told error={error} />
      <div className="row wrap-row">
        {sure ? (
          <>
            <Button size="small" kind="danger" disabled={busy} onClick={close}>{say("closeForGood")}</Button>
            <Button size="small" onClick={() => setSure(false)}>{say("cancel")}</Button>
          </>
        ) : (
          <Button size="small" onClick={() => setSure(true)}>{say("closeFile")}</Button>
        )}
      </div>
    </Section>
  );
}

/** Of a file that is closed: what became of its data, or that the law keeps it still. */
export function Erased({ customer }: { customer: string }) {
  const say = useW();
  const [open, setOpen] = useState(false);
  const read = useRead<PrivacyRequest>(`/privacy/customers/${customer}/certificate`, customer);
  if (read.kind === "failed" && read.status !== 404) return <Failed onRetry={read.retry} />;
  return (
    <Section
      title={say("erasure")}
      aside={read.kind === "there" && <Button size="small" icon="doc" aria-expanded={open} onClick={() => setOpen(!open)}>{say("erasureCertificate")}</Button>}
    >
      {read.kind === "failed" ? (
        <p className="t13 x2 row wrap-row" role="status">
          {say("notErased")}
          <Button size="small" kind="quiet" onClick={read.retry}>{say("lookAgain")}</Button>
        </p>
      ) : (
        <Read of={read} lines={1}>{(one) => <Certificate of={one} open={open} />}</Read>
      )}
    </Section>
  );
}

function Certificate({ of, open }: { of: PrivacyRequest; open: boolean }) {
  const say = useW();
  const { moment } = useFormats();
  const spanish = useStore(locale) === "es";
  const why = (line: CertificateLine) => (spanish && line.reason_es) || line.reason;
  return (
    <>
      <p className="t13">{say("erasedOn", { date: moment(of.done_at ?? of.requested_at) })}</p>
      {open && (
        <div className="tables" tabIndex={0} role="group" aria-label={say("erasureCertificate")}>
          <table className="grid-table">
            <thead>
              <tr>
                <th scope="col">{say("ctTable")}</th>
                <th scope="col" className="num">{say("ctRows")}</th>
                <th scope="col">{say("ctOutcome")}</th>
                <th scope="col">{say("ctWhy")}</th>
              </tr>
            </thead>
            <tbody>
              {(of.certificate ?? []).map((line) => (
                <tr key={line.table}>
                  <th scope="row">{line.table}</th>
                  <td className="num">{line.rows}</td>
                  <td>{say(line.action === "keep" ? "ctKept" : "ctErased")}</td>
                  <td lang={spanish && line.reason_es ? "es" : "en"}>{why(line)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const dayAfter = (day: string): string => new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

/** The certificates of all erased files, the newest first; by a day, or by a file's identifier. */
export function ErasedPage() {
  const say = useW();
  const form = useForm({ id: "erased", initial: { day: "", id: "" }, check: (v) => ({ id: v.id?.trim() && !ID.test(v.id.trim().toLowerCase()) ? "bad_id" : null }), send: async (v) => setAsked(v) });
  const [asked, setAsked] = useState<Readonly<Record<string, string>>>({});
  const [open, setOpen] = useState<string | null>(null);
  const one = (asked.id ?? "").trim().toLowerCase();
  const until = asked.day ? `&until=${encodeURIComponent(instant(`${dayAfter(asked.day)}T00:00`) ?? "")}` : "";
  const list = usePages<PrivacyRequest>(one ? null : `/privacy/customers?limit=50${until}`, "customer");
  const found = useRead<PrivacyRequest>(one ? `/privacy/customers/${one}/certificate` : null);
  const rows = (items: readonly PrivacyRequest[]) => (
    <ul className="things wide-rows">
      {items.map((each) => (
        <li key={each.id} className="thing erased-one">
          <Icon name="doc" />
          <To place={place("customer", each.person)} className="cut">{each.person}</To>
          <Button size="small" aria-expanded={open === each.id} onClick={() => setOpen(open === each.id ? null : each.id)}>
            {say("erasureCertificate")}<span className="sr"> {each.person}</span>
          </Button>
          <div className="s"><Certificate of={each} open={open === each.id} /></div>
        </li>
      ))}
    </ul>
  );
  const nobody = <p className="t13 x3" role="status">{say("nobodyErased")}</p>;
  return (
    <Shell title={say("erasedFiles")}>
      <p className="t13 x2">{say("erasedHint")}</p>
      <Form form={form} label={say("erasedFiles")} submit={say("look")} onLeave={() => setAsked({})}>
        <div className="grid">
          <In name="day" label={say("erasedUntil")} type="date" />
          <In name="id" label={say("fileId")} maxLength={36} />
        </div>
      </Form>
      {one ? (
        found.kind === "failed" && found.status === 404 ? nobody : <Read of={found} lines={2}>{(each) => rows([each])}</Read>
      ) : (
        <Read of={list} lines={6}>
          {({ items, next_cursor }: Pick<PrivacyRequests, "items" | "next_cursor">) => (
            <>
              {items.length === 0 && nobody}
              {rows(items)}
              {next_cursor && <Button size="small" kind="quiet" onClick={list.more}>{say("seeMore")}</Button>}
            </>
          )}
        </Read>
      )}
    </Shell>
  );
}

/** As whom a customer signs in and sees their own file. */
export function SignsIn({ customer, onDone }: { customer: CustomerOut; onDone: () => void }) {
  const say = useW();
  const [open, setOpen] = useState(false);
  const { busy, error, act } = useAct();
  const path = `/customers/${customer.customer_id}/user`;
  return (
    <Section
      title={say("signsIn")}
      aside={
        customer.signs_in ? (
          <Button size="small" kind="quiet" disabled={busy} onClick={() => void act(() => api.put(path, { email: null }, etagOf(customer.version))).then(onDone)}>{say("takeAway")}</Button>
        ) : (
          !open && <Button size="small" kind="quiet" icon="plus" onClick={() => setOpen(true)}>{say("linkUser")}</Button>
        )
      }
    >
      <Told error={error} />
      {customer.signs_in ? (
        <Chip tone="ok" icon="check">{say("signsInYes")}</Chip>
      ) : open ? (
        <LinkForm path={path} customer={customer} onDone={() => { setOpen(false); onDone(); }} onReload={onDone} onLeave={() => setOpen(false)} />
      ) : (
        <p className="t13 x3">{say("signsInNo")}</p>
      )}
    </Section>
  );
}

interface LinkProps {
  path: string;
  customer: CustomerOut;
  onDone: () => void;
  onReload: () => void;
  onLeave: () => void;
}

function LinkForm({ path, customer, onDone, onReload, onLeave }: LinkProps) {
  const say = useW();
  const form = useForm({
    id: `user ${customer.customer_id}`,
    initial: { email: customer.email ?? "" },
    check: (v) => ({ email: v.email?.trim() ? email(v.email.trim()) : "missing" }),
    send: async (v) => {
      await orAnew(api.put(path, { email: v.email?.trim() }, etagOf(customer.version)), onReload);
      onDone();
    },
  });
  return (
    <Form form={form} label={say("linkUser")} submit={say("save")} onLeave={onLeave} onReload={onReload}>
      <div className="grid">
        <In name="email" label={say("userEmail")} hint={say("userEmailHint")} inputMode="email" maxLength={254} />
      </div>
    </Form>
  );
}
