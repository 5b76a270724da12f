/** One's own account: data, password, second factor, sessions, linked providers. */
import { api, ApiError, leave, readSession, session } from "@contactcenter/shared/api";
import type { IdentitiesOut, LinkOut, ProvidersOut, SessionOut, SessionsOut, UserOut } from "@contactcenter/shared/contract";
import { PasswordField, Summary, useCentreName } from "@contactcenter/shared/doorway";
import { Icon } from "@contactcenter/shared/icons";
import { Outcome } from "@contactcenter/shared/outcome";
import { locale, type Locale } from "@contactcenter/shared/prefs";
import { LanguageMenu, ThemeButton } from "@contactcenter/shared/prefs-ui";
import { useSaid } from "@contactcenter/shared/problems";
import { useRoleName } from "@contactcenter/shared/roles";
import { placesOf, type Refusal } from "@contactcenter/shared/signin";
import { useStore } from "@contactcenter/shared/store";
import { useTimes } from "@contactcenter/shared/time";
import { Button, Chip, Field } from "@contactcenter/shared/ui";
import { type FormEvent, type ReactNode, type Ref, useCallback, useEffect, useId, useState } from "react";

import { deviceOf } from "./device";
import { SecondFactor } from "./factor";
import { focusFirstWrong, NewPassword, useSending, useWrongFirst } from "./letters";
import { useT } from "./texts";

export function Profile({ linked, refusal }: { linked?: string | null; refusal?: Refusal | undefined }) {
  const t = useT();
  const brand = useCentreName();
  const me = useStore(session);
  if (!me) return null;
  return (
    <div className="account">
      <header className="bar">
        <span className="brand cut">{brand}</span>
        <nav aria-label={t("goTo")}>
          {placesOf(me)
            .filter((place) => place !== "account")
            .map((place) => (
              <a key={place} className="btn quiet" href={`/${place}`}>
                {t(place as "desk" | "wallboard" | "admin")}
              </a>
            ))}
        </nav>
        <span className="prefs">
          <LanguageMenu />
          <ThemeButton />
          <Button kind="quiet" icon="out" onClick={leave}>
            {t("signOut")}
          </Button>
        </span>
      </header>
      <main>
        <h1 className="t20 b">{t("accountTitle")}</h1>
        {!me.user.email_verified && <Unverified />}
        {refusal && (
          <Summary tone="bad">
            <b>{t("notLinkedBecause")}</b> {t(refusal === "unverified" ? "unverifiedThere" : refusal)}
          </Summary>
        )}
        <Personal user={me.user} />
        <Password />
        <SecondFactor on={me.user.two_factor_enabled} />
        <Sessions />
        <Providers linked={linked ?? null} />
      </main>
    </div>
  );
}

export function Section({
  ref,
  title,
  hint,
  aside,
  children,
}: {
  ref?: Ref<HTMLElement>;
  title: string;
  hint?: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section ref={ref} className="card" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
        {hint && <p className="x2 t13">{hint}</p>}
      </header>
      {children}
    </section>
  );
}

function Unverified() {
  const t = useT();
  const { busy, failure, done, send } = useSending(() => api.post("/auth/verify-email/resend"));
  return (
    <section className="card">
      <Summary tone="warn">{t("unverified")}</Summary>
      <div className="send">
        <Button onClick={() => void send()} aria-disabled={busy || undefined}>
          {t("resend")}
        </Button>
        <Outcome failure={failure} done={done && t("resent")} />
      </div>
    </section>
  );
}

function Personal({ user }: { user: UserOut }) {
  const t = useT();
  const said = useSaid();
  const roleName = useRoleName();
  const id = useId();
  const [values, setValues] = useState({
    first_name: user.first_name,
    last_name: user.last_name,
    phone: user.phone ?? "",
    locale: user.locale as Locale,
  });
  const { busy, failure, done, send, setDone } = useSending(async () => {
    const body = {
      ...values,
      first_name: values.first_name.trim(),
      last_name: values.last_name.trim(),
      phone: values.phone.trim() || null,
    };
    const saved = await api.patch<UserOut>("/auth/me", body, `"${user.version}"`).catch(async (error: unknown) => {
      if (error instanceof ApiError && error.status === 412) await readSession(); // what is typed stays
      throw error;
    });
    setValues({ ...values, phone: saved.phone ?? "" });
    locale.set(values.locale);
    await readSession();
  });
  const [tried, setTried] = useState(false);
  const set = (name: keyof typeof values, value: string) => {
    setDone(false);
    setValues({ ...values, [name]: value });
  };
  const empty = (name: "first_name" | "last_name") => (tried && !values[name].trim() ? said.empty : undefined);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (values.first_name.trim() && values.last_name.trim()) void send();
    else focusFirstWrong(event.currentTarget);
  };
  const form = useWrongFirst(failure);
  return (
    <Section title={t("personal")}>
      <form ref={form} onSubmit={submit} noValidate aria-busy={busy}>
        <dl className="facts">
          <dt>{t("email")}</dt>
          <dd>{user.email}</dd>
          <dt>{t("role")}</dt>
          <dd>{roleName(user.role)}</dd>
        </dl>
        <div className="pair">
          <Field
            label={t("firstName")}
            autoComplete="given-name"
            value={values.first_name}
            onChange={(event) => set("first_name", event.target.value)}
            error={empty("first_name") ?? said.field(failure, "first_name")}
          />
          <Field
            label={t("lastName")}
            autoComplete="family-name"
            value={values.last_name}
            onChange={(event) => set("last_name", event.target.value)}
            error={empty("last_name") ?? said.field(failure, "last_name")}
          />
          <Field
            label={t("phone")}
            type="tel"
            autoComplete="tel"
            value={values.phone}
            onChange={(event) => set("phone", event.target.value)}
            error={said.field(failure, "phone")}
          />
          <div className="field">
            <label className="lab" htmlFor={id}>
              {t("language")}
            </label>
            <select
              id={id}
              className="input"
              value={values.locale}
              aria-describedby={`${id}-h`}
              onChange={(event) => set("locale", event.target.value)}
            >
              <option value="es" lang="es">
                Español
              </option>
              <option value="en" lang="en">
                English
              </option>
            </select>
            <p className="error-line hint" id={`${id}-h`}>
              {t("languageHint")}
            </p>
          </div>
        </div>
        <div className="send">
          <Button kind="primary" type="submit" aria-disabled={busy || undefined}>
            {t("save")}
          </Button>
          <Outcome failure={failure} done={done && t("saved")} />
        </div>
      </form>
    </Section>
  );
}

function Password() {
  const t = useT();
  const said = useSaid();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [tried, setTried] = useState(false);
  const { busy, failure, done, send } = useSending(
    () => api.post("/auth/change-password", { current_password: current, new_password: next }),
    () => {
      setCurrent("");
      setNext("");
      setTried(false);
    },
  );
  const weak = said.password(next);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (current && !weak) void send();
    else focusFirstWrong(event.currentTarget);
  };
  const form = useWrongFirst(failure);
  return (
    <Section title={t("passwordTitle")} hint={t("passwordHint")}>
      <form ref={form} onSubmit={submit} noValidate aria-busy={busy}>
        <div className="pair">
          <PasswordField
            label={t("currentPassword")}
            large={false}
            autoComplete="current-password"
            value={current}
            onChange={setCurrent}
            error={tried && !current ? t("needCurrent") : said.field(failure, "current_password")}
            aside={<a href="/account/forgot">{t("forgotten")}</a>}
          />
          <div>
            <NewPassword
              label={t("newPassword")}
              large={false}
              value={next}
              onChange={setNext}
              error={tried ? (weak ?? said.field(failure, "new_password")) : undefined}
            />
          </div>
        </div>
        <div className="send">
          <Button kind="primary" type="submit" aria-disabled={busy || undefined}>
            {t("changePassword")}
          </Button>
          <Outcome failure={failure} done={done && t("passwordChanged")} />
        </div>
      </form>
    </Section>
  );
}

/** What a list shows while it is asked for, and when it could not be had. */
export function Asked<T>({ value, failure, again, children }: { value: T | null; failure: unknown; again: () => void; children: (value: T) => ReactNode }) {
  const t = useT();
  const said = useSaid();
  if (value !== null) return children(value);
  if (failure)
    return (
      <div className="hollow" role="alert">
        {said.whole(failure)}
        <Button size="small" onClick={again}>
          {t("retry")}
        </Button>
      </div>
    );
  return (
    <div className="hollow" aria-busy="true">
      <span className="bone" style={{ width: 160 }} role="status" aria-label={t("loading")} />
    </div>
  );
}

/** Something to be read from the server, and to be read again. */
export function useAsked<T>(path: string): { value: T | null; failure: unknown; again: () => Promise<void>; set: (value: T) => void } {
  const [value, set] = useState<T | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const again = useCallback(async () => {
    setFailure(null);
    try {
      set(await api.get<T>(path));
    } catch (error) {
      setFailure(error);
    }
  }, [path]);
  useEffect(() => void again(), [again]);
  return { value, failure, again, set };
}

function Sessions() {
  const t = useT();
  const asked = useAsked<SessionsOut>("/auth/sessions");
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const end = async (path: string) => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await api.delete(path);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) setFailure(error);
    }
    await asked.again();
    setBusy(false);
  };
  const others = asked.value?.items.some((one) => !one.current);
  return (
    <Section title={t("sessions")} hint={t("sessionsHint")}>
      <Asked value={asked.value} failure={asked.failure} again={() => void asked.again()}>
        {({ items }) => (
          <ul className="lines">
            {items.map((one) => (
              <SessionLine key={one.id} one={one} onEnd={() => void end(`/auth/sessions/${one.id}`)} />
            ))}
          </ul>
        )}
      </Asked>
      <div className="send">
        {others ? (
          <Button onClick={() => void end("/auth/sessions")} aria-disabled={busy || undefined}>
            {t("endOthers")}
          </Button>
        ) : (
          asked.value && <span className="x3 t13">{t("noOthers")}</span>
        )}
        <Outcome failure={failure} />
      </div>
    </Section>
  );
}

function SessionLine({ one, onEnd }: { one: SessionOut; onEnd: () => void }) {
  const t = useT();
  const times = useTimes();
  const when = (at: string) => (times.short(at) === times.hour(at) ? times.hour(at) : `${times.short(at)} ${times.hour(at)}`);
  const device = deviceOf(one.user_agent) || t("unknownDevice");
  return (
    <li>
      <Icon name="screen" />
      <div className="grow">
        <p className="row">
          <b className="cut" title={one.user_agent ?? undefined}>
            {device}
          </b>
          {one.current && (
            <Chip tone="ok" icon="check">
              {t("thisSession")}
            </Chip>
          )}
        </p>
        <p className="x2 t13">
          {one.address && `${one.address} · `}
          {t("lastUsed")} <time title={times.exact(one.last_activity_at)}>{when(one.last_activity_at)}</time> ·{" "}
          {t("opened")} <time title={times.exact(one.created_at)}>{when(one.created_at)}</time>
        </p>
      </div>
      {!one.current && (
        <Button size="small" aria-label={t("endSessionOf", { device })} onClick={onEnd}>
          {t("endSession")}
        </Button>
      )}
    </li>
  );
}

function Providers({ linked }: { linked: string | null }) {
  const t = useT();
  const providers = useAsked<ProvidersOut>("/auth/providers");
  const identities = useAsked<IdentitiesOut>("/auth/identities");
  const [failure, setFailure] = useState<unknown>(null);
  const known = providers.value?.items ?? [];
  const mine = identities.value?.items ?? [];
  const names = [...new Set([...known.map((one) => one.name), ...mine.map((one) => one.provider)])];
  const label = (name: string) => known.find((one) => one.name === name)?.label ?? name;
  if (providers.value && identities.value && names.length === 0) return null;
  const act = async (work: () => Promise<void>) => {
    setFailure(null);
    try {
      await work();
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Section title={t("providers")} hint={t("providersHint")}>
      <Asked
        value={providers.value && identities.value}
        failure={providers.failure ?? identities.failure}
        again={() => {
          void providers.again();
          void identities.again();
        }}
      >
        {() => (
          <ul className="lines">
            {names.map((name) => {
              const link = mine.find((one) => one.provider === name);
              return (
                <li key={name}>
                  <Icon name="key" />
                  <div className="grow">
                    <b>{label(name)}</b>
                    <p className="x2 t13 cut">{link ? t("linkedWith", { email: link.email ?? "" }) : t("notLinked")}</p>
                  </div>
                  {link ? (
                    <Button
                      size="small"
                      aria-label={t("unlinkFrom", { name: label(name) })}
                      onClick={() =>
                        void act(async () => {
                          await api.delete(`/auth/identities/${name}`);
                          await identities.again();
                        })
                      }
                    >
                      {t("unlink")}
                    </Button>
                  ) : (
                    <Button
                      size="small"
                      aria-label={t("linkTo", { name: label(name) })}
                      onClick={() =>
                        void act(async () => {
                          const { authorization_url } = await api.post<LinkOut>(`/auth/identities/${name}`, { next: "/account" });
                          location.assign(authorization_url);
                        })
                      }
                    >
                      {t("link")}
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </Asked>
      <div className="send">
        <Outcome failure={failure} done={linked && mine.some((one) => one.provider === linked) && t("linked", { name: label(linked) })} />
      </div>
    </Section>
  );
}
