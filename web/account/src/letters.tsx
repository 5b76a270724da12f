/** Pages that letters link to, the one that asks for such a letter, and a customer's registration. */
import { api, ApiError, refresh, session } from "@contactcenter/shared/api";
import { Doorway, PasswordField, Summary, useCentreName } from "@contactcenter/shared/doorway";
import { locale } from "@contactcenter/shared/prefs";
import { looksLikeAddress, passwordLacks } from "@contactcenter/shared/passwords";
import { useSaid } from "@contactcenter/shared/problems";
import { SendButton } from "@contactcenter/shared/signin";
import { useStore } from "@contactcenter/shared/store";
import { Icon } from "@contactcenter/shared/icons";
import { cls, Field } from "@contactcenter/shared/ui";
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";

import { useT } from "./texts";

/** A sent form's state: busy, what went wrong, and whether it is done. */
export function useSending<T = void>(act: () => Promise<T>, onDone?: (result: T) => void) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [done, setDone] = useState(false);
  const send = async () => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    setDone(false);
    try {
      const result = await act();
      setDone(true);
      onDone?.(result);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, done, send, setDone, setFailure };
}

const RULES = ["length", "lower", "upper", "digit", "symbol"] as const;

/** A new password with its rules ticked off while it is typed. */
export function NewPassword({
  label,
  value,
  onChange,
  error,
  large = true,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  large?: boolean;
}) {
  const t = useT();
  const lacks = passwordLacks(value);
  const id = useId();
  return (
    <>
      <PasswordField label={label} value={value} onChange={onChange} error={error} autoComplete="new-password" large={large} />
      <ul className="rules" id={id} aria-label={t("rules")}>
        {RULES.map((rule) => {
          const kept = !lacks.includes(rule);
          return (
            <li key={rule} className={cls(kept && "kept")}>
              <Icon name={kept ? "check" : "dash"} size={12} />
              {t(`rule_${rule}`)}
              <span className="sr">{t(kept ? "kept" : "notKept")}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

export function focusFirstWrong(form: HTMLFormElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}

/** For a form whose first wrong field gets the focus after each failure. */
export function useWrongFirst(failure: unknown) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (failure && form.current) focusFirstWrong(form.current);
  }, [failure]);
  return form;
}

/** The card of a page that says one thing and shows where to go. */
function Told({ title, tone, children, actions }: { title: string; tone: "ok" | "bad" | "calm"; children: ReactNode; actions?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <Doorway>
      <div className="card">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <p className="sub" />
        <Summary tone={tone}>{children}</Summary>
        <div className="actions">{actions}</div>
      </div>
    </Doorway>
  );
}

/** What went wrong, or what there is to know. */
function State({ failure, hint, done }: { failure: unknown; hint: string; done?: string | false }) {
  const said = useSaid();
  if (failure) return <Summary tone="bad">{said.whole(failure)}</Summary>;
  return done ? <Summary tone="ok">{done}</Summary> : <Summary tone="calm">{hint}</Summary>;
}

const ToSignIn = ({ primary = true }: { primary?: boolean }) => {
  const t = useT();
  return (
    <a className={cls("btn large wide", primary && "primary")} href="/account/sign-in">
      {t("toSignIn")}
    </a>
  );
};

export function Forgot() {
  const t = useT();
  const said = useSaid();
  const [email, setEmail] = useState("");
  const [tried, setTried] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const { busy, failure, done, send } = useSending(() => api.post("/auth/forgot-password", { email: email.trim() }));
  useEffect(() => input.current?.focus(), []);
  const wrong = tried && !looksLikeAddress(email);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (looksLikeAddress(email)) void send();
    else input.current?.focus();
  };
  return (
    <Doorway>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <h1>{t("forgotTitle")}</h1>
        <p className="sub">{t("forgotSub")}</p>
        <State failure={failure} hint={t("forgotHint")} done={done && t("forgotSent")} />
        <Field
          ref={input}
          label={t("email")}
          type="email"
          large
          autoComplete="username"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          error={wrong ? said.email : said.field(failure, "email")}
        />
        <SendButton busy={busy} label={t(done ? "sendAgain" : "sendLink")} busyLabel={t("sending")} />
        <p className="under">
          <a href="/account/sign-in">{t("back")}</a>
        </p>
      </form>
    </Doorway>
  );
}

/** A page that exchanges a letter's link for a password. */
function PasswordByLink({
  token,
  path,
  field,
  words,
  again,
}: {
  token: string;
  path: string;
  /** What the body calls the password. */
  field: "password" | "new_password";
  words: { title: string; sub: string; hint: string; label: string; send: string; done: string };
  /** Whether such a link can be asked for here. */
  again?: boolean;
}) {
  const t = useT();
  const said = useSaid();
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const { busy, failure, done, send } = useSending(() => api.post(path, { token, [field]: password }), forget);
  if (!token) return <BadLink again={again ?? false} />;
  if (done)
    return (
      <Told title={words.title} tone="ok" actions={<ToSignIn />}>
        {words.done}
      </Told>
    );
  const weak = said.password(password);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (weak) focusFirstWrong(event.currentTarget);
    else void send();
  };
  return (
    <Doorway>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <h1>{words.title}</h1>
        <p className="sub">{words.sub}</p>
        <State failure={failure} hint={words.hint} />
        <NewPassword label={words.label} value={password} onChange={setPassword} error={tried ? (weak ?? said.field(failure, field)) : undefined} />
        <SendButton busy={busy} label={words.send} busyLabel={t("saving")} />
        {again && (
          <p className="under">
            <a href="/account/forgot">{t("askAgain")}</a>
          </p>
        )}
      </form>
    </Doorway>
  );
}

export function Reset({ token }: { token: string }) {
  const t = useT();
  const words = { title: t("resetTitle"), sub: t("resetSub"), hint: t("resetHint"), label: t("newPassword"), send: t("setPassword"), done: t("resetDone") };
  return <PasswordByLink token={token} path="/auth/reset-password" field="new_password" words={words} again />;
}

export function Invited({ token }: { token: string }) {
  const t = useT();
  const centre = useCentreName();
  const sub = centre ? t("inviteSub", { centre }) : "\u00a0";
  const words = { title: t("inviteTitle"), sub, hint: t("inviteHint"), label: t("password"), send: t("accept"), done: t("inviteDone") };
  return <PasswordByLink token={token} path="/auth/invitations/accept" field="password" words={words} />;
}

/**
 * Confirms an address: by the account's password, or from a session of it in this browser. Nothing is
 * sent until somebody presses the button: scanners of mail open links and run their scripts.
 */
export function Verify({ token }: { token: string }) {
  const t = useT();
  const said = useSaid();
  const current = useStore(session);
  const [password, setPassword] = useState("");
  const [asked, setAsked] = useState(false);
  const [tried, setTried] = useState(false);
  useEffect(() => {
    if (token && session.get() === undefined) refresh().catch(() => session.set(null));
  }, [token]);
  const { busy, failure, done, send } = useSending(async () => {
    try {
      await api.post("/auth/verify-email", { token, password: password || null });
    } catch (error) {
      // The session is another account's.
      if (error instanceof ApiError && error.errors.some((one) => one.loc[0] === "password")) setAsked(true);
      throw error;
    }
  }, forget);
  if (!token) return <BadLink />;
  // Whether somebody is signed in here is being asked: a form now would change under the hand.
  if (current === undefined) return <Doorway><div aria-busy="true"><h1>{t("verifyTitle")}</h1></div></Doorway>;
  if (done)
    return (
      <Told title={t("verifyTitle")} tone="ok" actions={<ToSignIn />}>
        {t("verified")}
      </Told>
    );
  const asks = asked || !current;
  const missing = asks && !password;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (missing) focusFirstWrong(event.currentTarget);
    else void send();
  };
  const field = said.field(failure, "password");
  return (
    <Doorway>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <h1>{t("verifyTitle")}</h1>
        <p className="sub">{asks ? t("verifySub") : current.user.email}</p>
        {failure && !field ? (
          <Summary tone="bad">{`${said.whole(failure)} ${t("verifyAgain")}`}</Summary>
        ) : (
          <Summary tone="calm">{t(asks ? "verifyHint" : "verifyHere")}</Summary>
        )}
        {asks && (
          <PasswordField
            label={t("password")}
            value={password}
            onChange={setPassword}
            error={tried && missing ? said.empty : field}
            autoComplete="current-password"
            large
          />
        )}
        <SendButton busy={busy} label={t("verify")} busyLabel={t("sending")} />
        <p className="under">
          <a href="/account/forgot">{t("notMine")}</a>
        </p>
      </form>
    </Doorway>
  );
}

/** The link's token has been used: it goes out of the address. */
function forget(): void {
  history.replaceState(null, "", location.pathname);
}

function BadLink({ again }: { again?: boolean }) {
  const t = useT();
  return (
    <Told
      title={t("badLinkTitle")}
      tone="bad"
      actions={
        <>
          {again && (
            <a className="btn large wide primary" href="/account/forgot">
              {t("askAgain")}
            </a>
          )}
          <ToSignIn primary={!again} />
        </>
      }
    >
      {t("badLink")}
    </Told>
  );
}

export function Register() {
  const t = useT();
  const said = useSaid();
  const [values, setValues] = useState({ email: "", first_name: "", last_name: "", phone: "" });
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const { busy, failure, done, send } = useSending(() =>
    api.post("/auth/register", {
      email: values.email.trim(),
      first_name: values.first_name.trim(),
      last_name: values.last_name.trim(),
      phone: values.phone.trim() || null,
      password,
      locale: locale.get(),
    }),
  );
  if (done)
    return (
      <Told title={t("registerTitle")} tone="ok" actions={<ToSignIn />}>
        {t("registered", { email: values.email.trim() })}
      </Told>
    );
  const weak = said.password(password);
  const missing = {
    first_name: !values.first_name.trim(),
    last_name: !values.last_name.trim(),
    email: !looksLikeAddress(values.email),
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    if (weak || Object.values(missing).some(Boolean)) focusFirstWrong(event.currentTarget);
    else void send();
  };
  const field = (name: keyof typeof values, error?: string) => ({
    value: values[name],
    large: true,
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
    error: error ?? said.field(failure, name),
  });
  const needs = (name: keyof typeof missing, sentence: string) => (tried && missing[name] ? sentence : undefined);
  return (
    <Doorway>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <h1>{t("registerTitle")}</h1>
        <p className="sub">{t("registerSub")}</p>
        <State failure={failure} hint={t("registerHint")} />
        <div className="pair">
          <Field
            ref={first}
            label={t("firstName")}
            autoComplete="given-name"
            {...field("first_name", needs("first_name", said.empty))}
          />
          <Field label={t("lastName")} autoComplete="family-name" {...field("last_name", needs("last_name", said.empty))} />
        </div>
        <Field label={t("email")} type="email" autoComplete="email" {...field("email", needs("email", said.email))} />
        <Field label={t("phoneOptional")} type="tel" autoComplete="tel" {...field("phone")} />
        <NewPassword
          label={t("password")}
          value={password}
          onChange={setPassword}
          error={tried ? (weak ?? said.field(failure, "password")) : undefined}
        />
        <SendButton busy={busy} label={t("makeAccount")} busyLabel={t("sending")} />
        <p className="under">
          <a href="/account/sign-in">{t("haveAccount")}</a>
        </p>
      </form>
    </Doorway>
  );
}
