/** The right column: who the customer is, how to reach them, and everything so far. */
import { api, ApiError } from "@contactcenter/shared/api";
import type { ContactCard, InteractionDetail, TimelineEntry, TimelinePage } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { duration, serverNow, useTimes } from "@contactcenter/shared/time";
import { Button, Chip, ErrorLine, IconButton } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useState } from "react";

import { useAgent, useDesk, useLive } from "./context";
import { etagOf, useChanges } from "./crm/data";
import { AboutPanel, Banner, FileView, Unknown, useFile } from "./crm/Panel";
import { queueName } from "./desk";
import { useFetched } from "./fetched";
import { Calls } from "./Recordings";
import { useT } from "./texts";

const WEEK_MS = 7 * 86_400_000;

export function Customer({ onVerify }: { onVerify: (interaction: string) => void }) {
  const t = useT();
  const desk = useDesk();
  const view = useStore(desk.view);
  const about = useStore(desk.about);
  const page = useStore(desk.place)?.page;
  const mine = useAgent((state) => (view.kind === "none" ? undefined : state.interactions[view.id]));
  const look = view.kind === "look" ? view.id : null;
  const detail = useFetched(look, (signal) => api.get<InteractionDetail>(`/interactions/${look}`, signal));
  const contactId = mine?.contact_id ?? (detail.kind === "there" ? detail.value.contact_id : null);
  // What changes the history: read again when it does.
  const version = mine ? `${mine.segment?.state ?? ""}${mine.customer.name}${mine.customer.verified}${mine.customer.customer_id}` : "";

  if (view.kind === "none" && page && page !== "customer" && about !== null) return <AboutPanel />;
  if (view.kind === "none" || contactId === null)
    return (
      <div className="hollow">
        <Icon name="person" size={24} />
        <p>{t("noCustomer")}</p>
      </div>
    );
  return <Contact key={view.id} id={contactId} version={version} current={view.id} mine={mine !== undefined} page={page ? about : null} onVerify={onVerify} />;
}

/** `page`: whose file the page beside it is about. */
function Contact(props: { id: string; version: string; current: string; mine: boolean; page: string | null; onVerify: (interaction: string) => void }) {
  const { id, version, current, mine, page, onVerify } = props;
  const t = useT();
  const changes = useChanges(id);
  const contact = useFetched(`${id} ${version} ${changes}`, (signal) => api.get<ContactCard>(`/contacts/${id}`, signal));
  const file = useFile({ interaction: current, contact: id, customer: null, version });
  const unknown = file.kind === "there" && file.value.state !== "identified";
  const first = useFetched(unknown ? `${id} ${version}` : null, (signal) => api.get<TimelinePage>(`/contacts/${id}/timeline?limit=10`, signal));
  const card = contact.kind === "there" ? contact.value : null;
  const another = page !== null && file.kind === "there" && file.value.customer?.customer_id !== page && (
    <p className="box-msg warn another" role="status">
      <Icon name="swap" />
      {t("panelOfAnother")}
    </p>
  );
  if (file.kind === "there" && file.value.state === "identified")
    return (
      <>
        {another}
        <FileView file={file.value} interaction={current} mine={mine} onLinked={file.retry} onVerify={onVerify} />
      </>
    );
  return (
    <>
      {another}
      {contact.kind === "failed" ? (
        <Failed onRetry={contact.retry} />
      ) : (
        <Header contact={card} mine={mine} onChanged={contact.retry} />
      )}
      {file.kind === "failed" && <Failed onRetry={file.retry} />}
      {file.kind === "there" && (
        <>
          <Banner file={file.value} />
          <Unknown file={file.value} interaction={current} mine={mine} onLinked={file.retry} />
        </>
      )}
      <section className="sec timeline" aria-labelledby="tl-h">
        <h3 id="tl-h">
          {t("timeline")} <span className="n">{t("allChannels")}</span>
        </h3>
        {first.kind === "failed" ? (
          <Failed onRetry={first.retry} />
        ) : first.kind === "there" ? (
          <Timeline key={version} contactId={id} page={first.value} current={current} />
        ) : (
          <ol className="tl" aria-busy="true">
            {[0, 1, 2].map((n) => (
              <li key={n}>
                <span />
                <span className="bone" />
                <span />
                <span className="s bone" />
              </li>
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

function Failed({ onRetry }: { onRetry: () => void }) {
  const t = useT();
  return (
    <div className="hollow small">
      <p>{t("loadFailed")}</p>
      <Button size="small" onClick={onRetry}>
        {t("tryAgain")}
      </Button>
    </div>
  );
}

function Header({ contact, mine, onChanged }: { contact: ContactCard | null; mine: boolean; onChanged: () => void }) {
  const t = useT();
  const live = useLive();
  const [editing, setEditing] = useState(false);
  const [name, setName] = useState("");
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const change = async (edit: { name?: string; verified?: boolean }) => {
    if (!contact) return;
    setBusy(true);
    setError(undefined);
    try {
      await api.patch<ContactCard>(`/contacts/${contact.contact_id}`, edit, etagOf(contact.version));
      setEditing(false);
      onChanged();
    } catch (problem) {
      const stale = problem instanceof ApiError && problem.status === 412;
      if (stale) onChanged(); // as it is now, to be looked at
      setError(t(stale ? "err_conflict" : problem instanceof ApiError && problem.status === 403 ? "err_forbidden" : problem instanceof ApiError && problem.status === 422 ? "err_invalid" : "err_unavailable"));
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") setError(t("needName"));
    else void change({ name: name.trim() });
  };
  useEffect(() => {
    if (!mine) setEditing(false);
  }, [mine]);
  return (
    <div className="who-hd" aria-busy={!contact}>
      <div className="who-name">
        {editing ? (
          <form className="row grow" onSubmit={submit}>
            <input
              className="input small"
              aria-label={t("name")}
              value={name}
              maxLength={200}
              autoFocus
              onChange={(event) => setName(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === "Escape") {
                  event.stopPropagation();
                  setEditing(false);
                }
              }}
            />
            <IconButton icon="check" label={t("save")} type="submit" disabled={busy} />
            <IconButton icon="close" label={t("cancel")} onClick={() => setEditing(false)} />
          </form>
        ) : (
          <>
            <h2 className="t16 b cut grow">{contact ? nameOr(contact.name, contact.contact_id, t("visitor")) : <span className="bone wide" />}</h2>
            {contact?.verified && (
              <Chip tone="ok" icon="shield">
                {t("verified")}
              </Chip>
            )}
            {contact && mine && (
              <IconButton
                icon="edit"
                label={t("editName")}
                disabled={!live}
                onClick={() => {
                  setName(contact.name);
                  setError(undefined);
                  setEditing(true);
                }}
              />
            )}
          </>
        )}
      </div>
      <dl className="kv">
        {contact && !contact.verified && (
          <>
            <dt>{t("identity")}</dt>
            <dd className="row">
              <Icon name="lock" className="x2" />
              <span className="x2">{t("unverified")}</span>
              {mine && (
                <button type="button" className="link end" disabled={busy || !live} onClick={() => void change({ verified: true })}>
                  {t("verify")}
                </button>
              )}
            </dd>
          </>
        )}
        {contact?.addresses.map((one) => (
          <Address key={one.kind + one.address} kind={one.kind} address={one.address} open={mine || contact.verified} />
        ))}
        {contact && contact.addresses.length === 0 && (
          <>
            <dt>{t("addresses")}</dt>
            <dd className="x3">{t("noAddresses")}</dd>
          </>
        )}
      </dl>
      <ErrorLine error={error} />
    </div>
  );
}

function Address({ kind, address, open }: { kind: ContactCard["addresses"][number]["kind"]; address: string; open: boolean }) {
  const t = useT();
  return (
    <>
      <dt>{t(`address_${kind}`)}</dt>
      <dd className="cut" title={open ? address : undefined}>
        {open ? readable(kind, address) : masked(kind, address)}
      </dd>
    </>
  );
}

/** A Spanish number in groups of three, without the prefix that everybody knows. */
function readable(kind: string, address: string): string {
  const spanish = kind === "phone" || kind === "whatsapp" ? /^\+34(\d{3})(\d{3})(\d{3})$/.exec(address) : null;
  return spanish ? spanish.slice(1).join(" ") : address;
}

/** Enough to recognise, not to use: for whoever only looks on. */
export function masked(kind: string, address: string): string {
  if (kind === "email") {
    const at = address.lastIndexOf("@");
    return `${address.slice(0, 1)}•••${address.slice(at)}`;
  }
  return `••• ${address.slice(-3)}`;
}

function Timeline({ contactId, page, current }: { contactId: string; page: TimelinePage; current: string }) {
  const t = useT();
  const desk = useDesk();
  const state = useAgent((now) => now);
  const [more, setMore] = useState<{ items: TimelineEntry[]; cursor: string | null }>({ items: [], cursor: page.next_cursor });
  const [loading, setLoading] = useState<"no" | "yes" | "failed">("no");
  const items = [...page.items, ...more.items];
  const recent = items.filter((one) => serverNow() - Date.parse(one.created_at) < WEEK_MS).length;
  const load = async () => {
    setLoading("yes");
    try {
      const next = await api.get<TimelinePage>(
        `/contacts/${contactId}/timeline?limit=20&cursor=${encodeURIComponent(more.cursor ?? "")}`,
      );
      setMore((now) => ({ items: [...now.items, ...next.items], cursor: next.next_cursor }));
      setLoading("no");
    } catch {
      setLoading("failed");
    }
  };
  return (
    <>
      {recent > 1 && (
        <p className="t12 x2 row repeat">
          <Icon name="repeat" size={12} />
          {t("repeat", { n: recent })}
        </p>
      )}
      <ol className="tl">
        {items.map((one) => (
          <Entry
            key={one.interaction_id}
            one={one}
            current={one.interaction_id === current}
            queue={queueName(state, one.queue)}
            onOpen={() => desk.open(one.interaction_id)}
          />
        ))}
      </ol>
      {more.cursor !== null && (
        <Button size="small" kind="quiet" disabled={loading === "yes"} onClick={() => void load()}>
          {t(loading === "failed" ? "olderFailed" : "seeMore")}
        </Button>
      )}
    </>
  );
}

function Entry(props: { one: TimelineEntry; current: boolean; queue: string; onOpen: () => void }) {
  const { one, current, queue, onOpen } = props;
  const t = useT();
  const times = useTimes();
  const state = useAgent((now) => now);
  const language = useStore(locale);
  const [listening, setListening] = useState(false);
  const talked = one.call?.answered_at && one.call.ended_at ? Date.parse(one.call.ended_at) - Date.parse(one.call.answered_at) : null;
  const disposition = state.dispositions.find((d) => d.key === one.outcome);
  const outcome = disposition ? (language === "es" ? disposition.label_es : disposition.label_en) : null;
  const line = [
    talked === null ? null : duration(talked),
    outcome ?? (one.close_reason && one.close_reason !== "completed" ? t(`closed_${one.close_reason}`) : null),
    one.messages > 0 ? t("messagesCount", { count: one.messages }) : null,
    one.excerpt || null,
  ]
    .filter(Boolean)
    .join(" · ");
  return (
    <li>
      <Icon name={one.channel} />
      {current ? (
        <b className="cut">{`${t(`channel_${one.channel}`)} · ${t("thisOne")}`}</b>
      ) : (
        <button type="button" className="entry cut" onClick={onOpen}>
          {[t(`channel_${one.channel}`), one.agent_name ?? queue].filter(Boolean).join(" · ")}
        </button>
      )}
      <time className="t12 x3" dateTime={one.created_at} title={times.exact(one.created_at)}>
        {one.state === "closed" ? times.short(one.created_at) : t("now")}
      </time>
      <span className="s row">
        {talked !== null && (
          <button type="button" className="link t12" aria-expanded={listening} onClick={() => setListening(!listening)}>
            {t(listening ? "listenHide" : "listen")}
          </button>
        )}
        <span className="cut" title={line}>
          {line}
        </span>
      </span>
      {listening && <Calls interactionId={one.interaction_id} />}
    </li>
  );
}
