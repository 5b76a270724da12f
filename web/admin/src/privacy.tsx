/** Requests to export or erase a person's data, each with its certificate. */
import { api, session } from "@contactcenter/shared/api";
import type { CertificateLine, Hits, PrivacyAsk, PrivacyRequest, UserList } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Outcome } from "@contactcenter/shared/outcome";
import { locale } from "@contactcenter/shared/prefs";
import { useSaid } from "@contactcenter/shared/problems";
import { useStore } from "@contactcenter/shared/store";
import { Button, Chip, Dialog, Field } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useId, useState } from "react";

import { Box, Moment, useAsked, usePages, useSettled } from "./asked";
import { type Key, useT } from "./texts";
import { Choice } from "./users";

const KINDS = ["export", "erase"] as const;
const PERSONS = ["user", "contact", "customer"] as const;
const POLL_MS = 1000;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const KIND = { export: "exporting", erase: "erasing" } as const;
const OUTCOME = { erase: "wasErased", keep: "wasKept" } as const;
const PERSON = { user: "aUser", contact: "aContact", customer: "aCustomer" } as const;

export function Privacy() {
  const t = useT();
  const { items, next, failure, more, again } = usePages<PrivacyRequest>("/privacy/requests", {});
  const [asking, setAsking] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const waiting = items?.some((one) => one.state === "under_way") ?? false;
  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(again, POLL_MS);
    return () => clearTimeout(timer);
  }, [waiting, items, again]);
  const shown = items?.find((one) => one.id === open);
  return (
    <>
      <div className="tools">
        <Outcome failure={null} done={told} />
        <Button kind="primary" icon="plus" onClick={() => setAsking(true)}>
          {t("newRequest")}
        </Button>
      </div>
      <Box items={items} failure={failure} again={again} empty={t("noRequests")}>
        <table className="list">
          <thead>
            <tr>
              {(["request", "person", "reason", "when", "status"] satisfies Key[]).map((name) => (
                <th key={name} scope="col">
                  {t(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items?.map((one) => (
              <tr key={one.id}>
                <th scope="row">
                  <button type="button" className="link b" onClick={() => setOpen(one.id)}>
                    {t(KIND[one.kind])}
                  </button>
                </th>
                <td>
                  {t(PERSON[one.person_kind])} <code className="x3 t12 line">{one.person}</code>
                </td>
                <td className="t13 wrap">{one.reason}</td>
                <td>
                  <Moment at={one.requested_at} />
                </td>
                <td>
                  {one.done_at ? (
                    <Chip tone="ok" icon="check">
                      {t("done")}
                    </Chip>
                  ) : one.state === "failed" ? (
                    <Chip tone="bad" icon="triangle">
                      {t("givenUp")}
                    </Chip>
                  ) : (
                    <Chip tone="acc" icon="clock">
                      {t("underWay")}
                    </Chip>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {next && <Button onClick={() => void more()}>{t("more")}</Button>}
      {asking && (
        <Ask
          onClose={() => setAsking(false)}
          onDone={(made) => {
            setAsking(false);
            setTold(t("asked"));
            setOpen(made.id);
            again();
          }}
        />
      )}
      {shown && <Certificate request={shown} onClose={() => setOpen(null)} />}
    </>
  );
}

function Certificate({ request, onClose }: { request: PrivacyRequest; onClose: () => void }) {
  const t = useT();
  const [failure, setFailure] = useState<unknown>(null);
  const lines = request.certificate ?? [];
  const save = async () => {
    setFailure(null);
    try {
      const url = URL.createObjectURL(await api.blob(`/privacy/requests/${request.id}/export`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `export-${request.person}.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url));
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Dialog
      wide
      title={t(request.kind === "erase" ? "certificateErase" : "certificateExport")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("close")}</Button>
          {request.kind === "export" && request.done_at && (
            <Button kind="primary" icon="down" onClick={() => void save()}>
              {t("download")}
            </Button>
          )}
        </>
      }
    >
      <p className="x2 t13">
        {t(PERSON[request.person_kind])} <code>{request.person}</code> · {t("asked1")} <Moment at={request.requested_at} />
        {request.done_at && (
          <>
            {" "}
            · {t("done1")} <Moment at={request.done_at} />
          </>
        )}
      </p>
      <p className="t13">
        <span className="x2">{t("reason")}:</span> {request.reason}
      </p>
      {request.state === "failed" ? (
        <p className="box-msg bad" role="status">
          <Icon name="triangle" />
          {t("givenUpHint")}
        </p>
      ) : !request.done_at ? (
        <p className="hollow" role="status">
          {t("underWayHint")}
        </p>
      ) : lines.length === 0 ? (
        <p className="hollow">{t("nothingFound")}</p>
      ) : (
        <div className="certificate" role="region" aria-label={t("certificate")} tabIndex={0}>
          <table className="changes">
            <thead>
              <tr>
                {(["table", "rows", "outcome", "why"] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <tr key={line.table}>
                  <th scope="row">{line.table}</th>
                  <td>{line.rows}</td>
                  <td>
                    {t(line.action ? OUTCOME[line.action] : "wasExported")}
                    {line.holds ? <div className="t13">{t("onHold", { count: line.holds })}</div> : null}
                  </td>
                  <Why line={line} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {request.kind === "export" && request.done_at && <p className="x3 t13">{t("weekHint")}</p>}
    </Dialog>
  );
}

interface Found {
  id: string;
  name: string;
  detail: string;
}

/** Whoever fits what was typed: users or customers by name, anybody by the whole identifier. */
function useFound(kind: PrivacyRequest["person_kind"], typed: string): Found[] {
  const permissions = useStore(session)?.permissions ?? [];
  const q = useSettled(typed.trim());
  const asked = q.length < 2 || ID.test(q) ? null : encodeURIComponent(q);
  const users = useAsked<UserList>(asked && kind === "user" && permissions.includes("users.manage") ? `/users?limit=8&q=${asked}` : null).value;
  const customers = useAsked<Hits>(asked && kind === "customer" && permissions.includes("customers.all") ? `/customers/search?q=${asked}` : null).value;
  if (ID.test(q)) return [{ id: q.toLowerCase(), name: q.toLowerCase(), detail: "" }];
  if (!asked) return [];
  if (kind === "user")
    return (users?.items ?? [])
      .filter((one) => one.status !== "erased")
      .map((one) => ({ id: one.id, name: `${one.first_name} ${one.last_name}`.trim(), detail: one.email }));
  if (kind === "customer") return (customers?.items ?? []).slice(0, 8).map((one) => ({ id: one.customer_id, name: one.name, detail: one.email ?? one.city ?? "" }));
  return [];
}

function Ask({ onDone, onClose }: { onDone: (made: PrivacyRequest) => void; onClose: () => void }) {
  const t = useT();
  const said = useSaid();
  const form = useId();
  const [kind, setKind] = useState<PrivacyAsk["kind"]>("export");
  const [of, setOf] = useState<PrivacyAsk["person_kind"]>("user");
  const [typed, setTyped] = useState("");
  const [person, setPerson] = useState<Found | null>(null);
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const found = useFound(of, typed);
  const barred = kind === "erase" && of === "customer";
  const complete = person !== null && reason.trim() !== "" && !barred;
  const send = async () => {
    if (busy || !person) return;
    setBusy(true);
    setFailure(null);
    try {
      const body: PrivacyAsk = { kind, person_kind: of, person: person.id, reason: reason.trim() };
      onDone(await api.post<PrivacyRequest>("/privacy/requests", body));
    } catch (error) {
      setFailure(error);
      setBusy(false);
      setSure(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!complete) return;
    if (kind === "erase" && !sure) setSure(true);
    else void send();
  };
  return (
    <Dialog
      wide
      title={t("newRequestTitle")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Outcome failure={failure} />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind={kind === "erase" ? "danger" : "primary"} type="submit" form={form} aria-disabled={busy || undefined}>
            {t(kind === "erase" ? (sure ? "eraseForGood" : "erase") : "export")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate aria-busy={busy}>
        <div className="pair">
          <Choice
            label={t("request")}
            value={kind}
            options={KINDS.map((one) => [one, t(KIND[one])] as const)}
            onChange={(value) => {
              setKind(value as PrivacyAsk["kind"]);
              setSure(false);
            }}
          />
          <Choice
            label={t("personKind")}
            value={of}
            options={PERSONS.map((one) => [one, t(PERSON[one])] as const)}
            onChange={(value) => {
              setOf(value as PrivacyAsk["person_kind"]);
              setPerson(null);
              setTyped("");
            }}
          />
        </div>
        {person ? (
          <div className="picked">
            <span className="grow">
              <b>{person.name}</b> <span className="x2 t13">{person.detail}</span>
            </span>
            <Button size="small" icon="close" onClick={() => setPerson(null)}>
              {t("other")}
            </Button>
          </div>
        ) : (
          <>
            <Field
              label={t(of === "contact" ? "contactId" : "findPerson")}
              type="search"
              value={typed}
              maxLength={100}
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
              error={tried ? (said.field(failure, "person") ?? t("choosePerson")) : undefined}
            />
            {found.length > 0 && (
              <ul className="found" aria-label={t("person")}>
                {found.map((one) => (
                  <li key={one.id}>
                    <button type="button" onClick={() => setPerson(one)}>
                      <span>{one.name}</span> <span className="x2 t13">{one.detail}</span>
                    </button>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
        <Field label={t("reason")} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} error={tried && !reason.trim() ? said.empty : said.field(failure, "reason")} />
        <p className="x3 t13">{t("reasonHint")}</p>
        {barred ? (
          <p className="box-msg warn gap" role="status">
            {t("customerHint")}
          </p>
        ) : (
          kind === "erase" && (
            <p className="box-msg warn gap" role="status">
              {t(sure ? "eraseSure" : "eraseHint")}
            </p>
          )
        )}
      </form>
    </Dialog>
  );
}

/** Why it goes or stays, in the reader's language; a certificate of before has English only. */
function Why({ line }: { line: CertificateLine }) {
  const spanish = useStore(locale) === "es" && line.reason_es;
  return (
    <td className="x2" lang={spanish ? "es" : "en"}>
      {spanish || (line.reason ?? "")}
    </td>
  );
}
