/** /account: one's own details, password, second step, sessions and linked accounts. */
import { api, readSession, session, signOut } from "@contactcenter/shared/api";
import type {
  IdentitiesOut,
  LinkOut,
  ProvidersOut,
  RecoveryOut,
  SessionsOut,
  SetUpOut,
} from "@contactcenter/shared/contract";
import { locale } from "@contactcenter/shared/prefs";
import { useStore } from "@contactcenter/shared/store";
import { Button, Chip, Field } from "@contactcenter/shared/ui";
import { type FormEvent, type ReactNode, useCallback, useEffect, useState } from "react";

import { Bar, Told, useLoaded } from "./parts";
import { useFailure, useT } from "./texts";

export function AccountPage() {
  const t = useT();
  const mine = useStore(session);
  useEffect(() => {
    document.title = t("account");
  }, [t]);
  if (!mine) return null;
  const admin = mine.permissions.includes("users.manage");
  return (
    <div className="page">
      <Bar title={t("account")}>
        {admin && <a href="/admin">{t("admin")}</a>}
        <Button icon="out" kind="quiet" onClick={() => void signOut()}>
          {t("out")}
        </Button>
      </Bar>
      <main className="narrow">
        {!mine.user.email_verified && <Unverified />}
        <Profile />
        <Password />
        <Second on={mine.user.two_factor_enabled} />
        <Sessions />
        <Linked />
      </main>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="panel">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Unverified() {
  const t = useT();
  const failed = useFailure();
  const [told, setTold] = useState<Told | null>(null);
  const send = () => {
    api.post("/auth/verify-email/resend").then(
      () => setTold({ text: t("resent") }),
      (error: unknown) => setTold({ text: failed(error), bad: true }),
    );
  };
  return (
    <section className="panel">
      <p>{t("unverified")}</p>
      <Button onClick={send}>{t("resend")}</Button>
      <Told.Line told={told} />
    </section>
  );
}

function Profile() {
  const t = useT();
  const failed = useFailure();
  const user = useStore(session)?.user;
  const [first, setFirst] = useState(user?.first_name ?? "");
  const [last, setLast] = useState(user?.last_name ?? "");
  const [phone, setPhone] = useState(user?.phone ?? "");
  const [told, setTold] = useState<Told | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const body = { first_name: first, last_name: last, phone: phone.trim() || null, locale: locale.get() };
    api.patch("/auth/me", body).then(
      () => {
        setTold({ text: t("saved") });
        void readSession();
      },
      (error: unknown) => setTold({ text: failed(error), bad: true }),
    );
  };
  return (
    <Section title={t("profile")}>
      <p className="x2">{user?.email}</p>
      <form onSubmit={submit} noValidate>
        <Field
          label={t("firstName")}
          autoComplete="given-name"
          value={first}
          onChange={(event) => setFirst(event.target.value)}
        />
        <Field
          label={t("lastName")}
          autoComplete="family-name"
          value={last}
          onChange={(event) => setLast(event.target.value)}
        />
        <Field
          label={t("phone")}
          type="tel"
          autoComplete="tel"
          value={phone}
          onChange={(event) => setPhone(event.target.value)}
        />
        <Button kind="primary" type="submit">
          {t("save")}
        </Button>
        <Told.Line told={told} />
      </form>
    </Section>
  );
}

function Password() {
  const t = useT();
  const failed = useFailure();
  const [present, setPresent] = useState("");
  const [next, setNext] = useState("");
  const [told, setTold] = useState<Told | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    api.post("/auth/change-password", { current_password: present, new_password: next }).then(
      () => {
        setPresent("");
        setNext("");
        setTold({ text: t("passwordChanged") });
      },
      (error: unknown) => setTold({ text: failed(error), bad: true }),
    );
  };
  return (
    <Section title={t("changePassword")}>
      <p className="x2">{t("passwordRule")}</p>
      <form onSubmit={submit} noValidate>
        <Field
          label={t("currentPassword")}
          type="password"
          autoComplete="current-password"
          value={present}
          onChange={(event) => setPresent(event.target.value)}
        />
        <Field
          label={t("newPassword")}
          type="password"
          autoComplete="new-password"
          value={next}
          onChange={(event) => setNext(event.target.value)}
        />
        <Button type="submit">{t("changePassword")}</Button>
        <Told.Line told={told} />
      </form>
    </Section>
  );
}

function Second({ on }: { on: boolean }) {
  const t = useT();
  const failed = useFailure();
  const [made, setMade] = useState<SetUpOut | null>(null);
  const [codes, setCodes] = useState<string[]>([]);
  const [code, setCode] = useState("");
  const [told, setTold] = useState<Told | null>(null);
  const fail = (error: unknown) => setTold({ text: failed(error), bad: true });
  const begin = () => {
    setTold(null);
    api.post<SetUpOut>("/auth/2fa/enable").then(setMade, fail);
  };
  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    try {
      if (on) await api.post("/auth/2fa/disable", { code: code.trim() });
      else setCodes((await api.post<RecoveryOut>("/auth/2fa/verify", { code: code.trim() })).recovery_codes);
      setMade(null);
      setTold(null);
      setCode("");
      await readSession();
    } catch (error) {
      fail(error);
    }
  };
  return (
    <Section title={t("second")}>
      {on ? (
        <Chip tone="ok" icon="check">
          {t("secondOn")}
        </Chip>
      ) : (
        <p className="x2">{t("secondOff")}</p>
      )}
      {codes.length > 0 && (
        <div className="recovery">
          <h3>{t("recovery")}</h3>
          <p className="x2">{t("recoveryHint")}</p>
          <ul>
            {codes.map((one) => (
              <li key={one}>
                <code>{one}</code>
              </li>
            ))}
          </ul>
        </div>
      )}
      {!on && !made && <Button onClick={begin}>{t("setUp")}</Button>}
      {made && (
        <>
          <p>{t("scan")}</p>
          <img
            className="qr"
            width={208}
            height={208}
            alt={t("qr")}
            src={`data:image/svg+xml,${encodeURIComponent(made.qr_svg)}`}
          />
          <p className="x2">
            {t("secret")}: <code>{made.secret}</code>
          </p>
        </>
      )}
      {(made || on) && (
        <form onSubmit={(event) => void confirm(event)} noValidate>
          <Field
            label={t("code")}
            autoComplete="one-time-code"
            spellCheck={false}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
          <Button type="submit" kind={on ? "plain" : "primary"}>
            {t(on ? "switchOff" : "confirm")}
          </Button>
        </form>
      )}
      <Told.Line told={told} />
    </Section>
  );
}

function Sessions() {
  const t = useT();
  const language = useStore(locale);
  const { data, reload } = useLoaded(useCallback((signal) => api.get<SessionsOut>("/auth/sessions", signal), []));
  const when = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
  const end = (path: string) => void api.delete(path).then(reload, reload);
  return (
    <Section title={t("sessions")}>
      <ul className="rows">
        {(data?.items ?? []).map((one) => (
          <li key={one.id}>
            <div className="grow">
              <div className="cut">{one.user_agent}</div>
              <div className="t13 x2">
                {one.address} · {t("lastUsed")}: {when.format(new Date(one.last_activity_at))}
              </div>
            </div>
            {one.current ? (
              <Chip tone="acc">{t("current")}</Chip>
            ) : (
              <Button size="small" onClick={() => end(`/auth/sessions/${one.id}`)}>
                {t("endSession")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Button onClick={() => end("/auth/sessions")}>{t("endOthers")}</Button>
    </Section>
  );
}

function Linked() {
  const t = useT();
  const failed = useFailure();
  const [told, setTold] = useState<Told | null>(null);
  const known = useLoaded(useCallback((signal) => api.get<ProvidersOut>("/auth/providers", signal), []));
  const mine = useLoaded(useCallback((signal) => api.get<IdentitiesOut>("/auth/identities", signal), []));
  const fail = (error: unknown) => setTold({ text: failed(error), bad: true });
  const link = (name: string) => {
    api.post<LinkOut>(`/auth/identities/${name}`, { next: "/account" }).then(
      ({ authorization_url }) => location.assign(authorization_url),
      fail,
    );
  };
  const unlink = (name: string) => void api.delete(`/auth/identities/${name}`).then(mine.reload, fail);
  const linked = mine.data?.items ?? [];
  const free = (known.data?.items ?? []).filter((one) => !linked.some((own) => own.provider === one.name));
  if (linked.length + free.length === 0) return null;
  return (
    <Section title={t("linked")}>
      <ul className="rows">
        {linked.map((one) => (
          <li key={one.provider}>
            <div className="grow cut">
              {one.provider} <span className="x2">{one.email}</span>
            </div>
            <Button size="small" onClick={() => unlink(one.provider)}>
              {t("unlink")}
            </Button>
          </li>
        ))}
      </ul>
      {free.map((one) => (
        <Button key={one.name} onClick={() => link(one.name)}>
          {t("link", { name: one.label })}
        </Button>
      ))}
      <Told.Line told={told} />
    </Section>
  );
}
