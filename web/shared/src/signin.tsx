/** The sign-in page with its second step, and the gate that shows it until somebody is signed in. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { api, ApiError, leave, refresh, type Session, secondStep, session, signIn, stillSignedIn } from "./api";
import { CODE_DIGITS, CodeField } from "./code";
import type { DemoUser, DemoUsersOut, ProviderOut, ProvidersOut } from "./contract";
import { Doorway, PasswordField, Summary } from "./doorway";
import { texts } from "./i18n";
import { Icon } from "./icons";
import { looksLikeAddress } from "./passwords";
import { useSaid } from "./problems";
import { useStore } from "./store";
import { Button, Field, IconButton } from "./ui";

const { useT } = texts(
  {
    title: "Entrar",
    sub: "Con tu cuenta del centro",
    hint: "El personal entra por invitación. Si eres cliente y no tienes cuenta,",
    register: "créala aquí",
    email: "Correo",
    password: "Contraseña",
    forgot: "La he olvidado",
    enter: "Entrar",
    entering: "Entrando…",
    failed: "No has entrado.",
    mismatch: "El correo o la contraseña no coinciden. Tras varios intentos hay que esperar.",
    again: "Vuelve a escribirla. Las mayúsculas cuentan.",
    needEmail: "Escribe tu correo.",
    needPassword: "Escribe tu contraseña.",
    or: "o",
    by: "Entrar con {{name}}",
    denied: "Se canceló en la página del proveedor.",
    unverified: "El proveedor no ha confirmado tu dirección.",
    known_address: "Ya hay una cuenta con esta dirección. Entra con tu contraseña y enlaza el proveedor en tu perfil.",
    taken: "Esa cuenta del proveedor ya está enlazada a otra persona.",
    disabled: "Esta cuenta está desactivada.",
    no_address: "El proveedor no ha dado ninguna dirección de correo.",
    providerFailed: "El proveedor no ha dado una respuesta válida. Prueba otra vez.",
    unavailable: "El proveedor no contesta ahora. Prueba más tarde o entra con tu contraseña.",
    demo: "Accesos de demostración",
    demoHint: "Solo en desarrollo. Un clic entra.",
    codeTitle: "Escribe el código",
    codeSub: "Seis cifras de tu aplicación de códigos, para {{email}}",
    codeSubAnybody: "Seis cifras de tu aplicación de códigos",
    recoveryTitle: "Código de recuperación",
    recoverySub: "Uno de los diez que guardaste. Cada uno sirve una vez.",
    recovery: "Código de recuperación",
    recoveryBad: "Son tres grupos de cinco letras y cifras.",
    useRecovery: "Usar un código de recuperación",
    useDigits: "Usar la aplicación de códigos",
    other: "Otra cuenta",
    go: "Continuar",
    going: "Comprobando…",
    needCode: "Faltan cifras: son seis.",
    noAccess: "Tu cuenta no tiene acceso a esta pantalla.",
    unverifiedAccount: "Falta confirmar tu correo: abre el enlace del mensaje que te enviamos.",
    goTo: "Ir a",
    desk: "Puesto del agente",
    wallboard: "Panel",
    admin: "Administración",
    account: "Tu cuenta",
    loading: "Cargando",
    out: "Salir",
    stillIn: "No se ha cerrado la sesión: sigues dentro.",
    close: "Cerrar",
  },
  {
    title: "Sign in",
    sub: "With your account of the centre",
    hint: "Staff come in by invitation. If you are a customer without an account,",
    register: "make one here",
    email: "Email",
    password: "Password",
    forgot: "I forgot it",
    enter: "Sign in",
    entering: "Signing in…",
    failed: "You are not signed in.",
    mismatch: "The email or the password does not match. After several tries there is a wait.",
    again: "Type it again. Capital letters count.",
    needEmail: "Type your email.",
    needPassword: "Type your password.",
    or: "or",
    by: "Sign in with {{name}}",
    denied: "It was cancelled on the provider's page.",
    unverified: "The provider has not verified your address.",
    known_address: "There is an account with this address. Sign in with your password and link the provider in your profile.",
    taken: "That account of the provider is linked to somebody else.",
    disabled: "This account is disabled.",
    no_address: "The provider gave no e-mail address.",
    providerFailed: "The provider's answer was not valid. Try again.",
    unavailable: "The provider does not answer now. Try later, or sign in with your password.",
    demo: "Demo sign-ins",
    demoHint: "In development only. One click signs in.",
    codeTitle: "Type the code",
    codeSub: "Six digits of your authenticator app, for {{email}}",
    codeSubAnybody: "Six digits of your authenticator app",
    recoveryTitle: "Recovery code",
    recoverySub: "One of the ten that you kept. Each works once.",
    recovery: "Recovery code",
    recoveryBad: "Three groups of five letters and digits.",
    useRecovery: "Use a recovery code",
    useDigits: "Use the authenticator app",
    other: "Another account",
    go: "Continue",
    going: "Checking…",
    needCode: "Digits are missing: there are six.",
    noAccess: "Your account has no access to this screen.",
    unverifiedAccount: "Your address is not confirmed yet: open the link in the email we sent you.",
    goTo: "Go to",
    desk: "Agent's desk",
    wallboard: "Wallboard",
    admin: "Administration",
    account: "Your account",
    loading: "Loading",
    out: "Sign out",
    stillIn: "You are not signed out: your session goes on.",
    close: "Close",
  },
);

const REFUSALS = ["denied", "unverified", "known_address", "taken", "disabled", "no_address", "unavailable"] as const;
export type Refusal = (typeof REFUSALS)[number] | "providerFailed";

/** The word of a provider's refusal, as the server puts it behind `#error=`. */
export function refusalOf(word: string | null): Refusal | undefined {
  if (word === null) return undefined;
  return REFUSALS.find((one) => one === word) ?? "providerFailed";
}

export interface SignInProps {
  /** Path to go on to after a provider's page. */
  next?: string;
  refusal?: Refusal | undefined;
  /** A first step that is done already: its token. */
  step?: string | undefined;
}

export function SignIn({ next, refusal, step }: SignInProps) {
  const [token, setToken] = useState(step ?? null);
  const [email, setEmail] = useState("");
  const [over, setOver] = useState<unknown>(null);
  return (
    <Doorway>
      {token === null ? (
        <FirstStep
          next={next ?? location.pathname}
          refusal={refusal}
          over={over}
          onStep={(made, by) => {
            setEmail(by);
            setToken(made);
          }}
        />
      ) : (
        <SecondStep
          token={token}
          email={email}
          onOver={(error) => {
            setOver(error);
            setToken(null);
          }}
        />
      )}
    </Doorway>
  );
}

interface FirstStepProps {
  next: string;
  refusal: Refusal | undefined;
  over: unknown;
  onStep: (token: string, email: string) => void;
}

function FirstStep({ next, refusal, over, onStep }: FirstStepProps) {
  const t = useT();
  const said = useSaid();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(over);
  const [told, setTold] = useState(refusal);
  const [missing, setMissing] = useState<"email" | "password" | null>(null);
  const [demoUsers, setDemoUsers] = useState<DemoUser[]>([]);
  const [providers, setProviders] = useState<ProviderOut[]>([]);
  const passwordInput = useRef<HTMLInputElement>(null);
  const emailInput = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    api.get<DemoUsersOut>("/auth/demo-users", stop.signal).then(
      ({ items }) => setDemoUsers(items),
      () => undefined,
    );
    api.get<ProvidersOut>("/auth/providers", stop.signal).then(
      ({ items }) => setProviders(items),
      () => undefined,
    );
    emailInput.current?.focus();
    return () => stop.abort();
  }, []);

  const mismatch = isMismatch(failure);
  const enter = async (asEmail: string, withPassword: string) => {
    setBusy(true);
    setFailure(null);
    setTold(undefined);
    try {
      const token = await signIn(asEmail, withPassword);
      if (token !== null) onStep(token, asEmail);
    } catch (error) {
      setFailure(error);
      setBusy(false);
      passwordInput.current?.focus();
      passwordInput.current?.select();
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const lacks = email.trim() === "" ? "email" : password === "" ? "password" : null;
    setMissing(lacks);
    if (lacks === "email") emailInput.current?.focus();
    else if (lacks === "password") passwordInput.current?.focus();
    else void enter(email.trim(), password);
  };

  return (
    <>
      <form onSubmit={submit} noValidate aria-busy={busy}>
        <h1>{t("title")}</h1>
        <p className="sub">{t("sub")}</p>
        {failure || told ? (
          <Summary tone="bad">
            <b>{t("failed")}</b> {told ? t(told) : mismatch ? t("mismatch") : said.whole(failure)}
          </Summary>
        ) : (
          <Summary tone="calm">
            {t("hint")} <a href="/account/register">{t("register")}</a>.
          </Summary>
        )}
        <Field
          ref={emailInput}
          label={t("email")}
          type="email"
          large
          autoComplete="username"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          error={missing === "email" ? t("needEmail") : mismatch && !looksLikeAddress(email) ? said.email : undefined}
        />
        <PasswordField
          ref={passwordInput}
          label={t("password")}
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          error={missing === "password" ? t("needPassword") : mismatch ? t("again") : undefined}
          aside={<a href="/account/forgot">{t("forgot")}</a>}
        />
        <SendButton busy={busy} label={t("enter")} busyLabel={t("entering")} />
        {providers.length > 0 && (
          <>
            <p className="or">{t("or")}</p>
            <ul className="providers">
              {providers.map((provider) => (
                <li key={provider.name}>
                  <a className="btn large wide" href={`/api/v1/auth/${provider.name}?next=${encodeURIComponent(next)}`}>
                    <Icon name="key" />
                    {t("by", { name: provider.label })}
                  </a>
                </li>
              ))}
            </ul>
          </>
        )}
      </form>
      {demoUsers.length > 0 && (
        <section className="demo" aria-labelledby="demo-title">
          <h2 id="demo-title">{t("demo")}</h2>
          <p>{t("demoHint")}</p>
          <ul>
            {demoUsers.map((user) => (
              <li key={user.email}>
                <Button size="small" kind="quiet" onClick={() => void enter(user.email, user.password)}>
                  <b>{user.name}</b>
                  <span className="x3">{user.role}</span>
                  <span className="end x2 cut">{user.email}</span>
                </Button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

const isMismatch = (error: unknown): boolean =>
  error instanceof ApiError && [400, 401, 422].includes(error.status) && error.ctx.reason === undefined;

/** The form's own button: Enter does the same. */
export function SendButton({ busy, label, busyLabel }: { busy: boolean; label: string; busyLabel: string }) {
  return (
    <Button kind="primary" size="large" className="wide" type="submit" aria-disabled={busy || undefined}>
      {busy ? busyLabel : label}
      {!busy && (
        <kbd aria-hidden="true">
          <Icon name="enter" size={12} />
        </kbd>
      )}
    </Button>
  );
}

const RECOVERY = /^[A-Z2-7]{5}(-?[A-Z2-7]{5}){2}$/i;

function SecondStep({ token, email, onOver }: { token: string; email: string; onOver: (error: unknown) => void }) {
  const t = useT();
  const said = useSaid();
  const [recovery, setRecovery] = useState(false);
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [lacks, setLacks] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), [recovery]);

  const send = async (typed: string) => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    setLacks(false);
    try {
      await secondStep(token, typed);
    } catch (error) {
      if (error instanceof ApiError && error.ctx.reason === "step_over") return onOver(error);
      setFailure(error);
      setBusy(false);
      if (!recovery) setCode("");
      input.current?.focus();
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const whole = recovery ? RECOVERY.test(code.trim()) : code.length === CODE_DIGITS;
    setLacks(!whole);
    if (whole) void send(code.trim());
    else input.current?.focus();
  };
  const error = failure ? said.whole(failure) : undefined;
  return (
    <form onSubmit={submit} noValidate aria-busy={busy}>
      <h1>{t(recovery ? "recoveryTitle" : "codeTitle")}</h1>
      <p className="sub two-lines">
        {recovery ? t("recoverySub") : email ? t("codeSub", { email }) : t("codeSubAnybody")}
      </p>
      {recovery ? (
        <div className="tall-field">
          <Field
            ref={input}
            key="recovery"
            label={t("recovery")}
            large
            className="mono"
            autoComplete="off"
            autoCapitalize="characters"
            spellCheck={false}
            maxLength={20}
            value={code}
            onChange={(event) => setCode(event.target.value)}
            error={lacks ? t("recoveryBad") : error}
          />
        </div>
      ) : (
        <CodeField
          ref={input}
          key="digits"
          value={code}
          onChange={(digits) => {
            setCode(digits);
            if (digits) setFailure(null);
            setLacks(false);
          }}
          onFull={(digits) => void send(digits)}
          error={lacks ? t("needCode") : error}
        />
      )}
      <SendButton busy={busy} label={t("go")} busyLabel={t("going")} />
      <p className="under">
        <button
          type="button"
          className="link"
          onClick={() => {
            setRecovery(!recovery);
            setCode("");
            setFailure(null);
            setLacks(false);
          }}
        >
          {t(recovery ? "useDigits" : "useRecovery")}
        </button>
        <button type="button" className="link" onClick={() => onOver(null)}>
          {t("other")}
        </button>
      </p>
    </form>
  );
}

/** Shows `children` to somebody with the permission (or one of several), the sign-in page to nobody, a way out to others. */
export function SignedIn({
  permission,
  children,
  ...signingIn
}: { permission: string | readonly string[]; children: ReactNode } & SignInProps) {
  const t = useT();
  const said = useSaid();
  const current = useStore(session);
  const [tries, setTries] = useState(0);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    if (session.get() !== undefined) return;
    let timer = 0;
    refresh().catch((error: unknown) => {
      setFailure(error);
      timer = window.setTimeout(() => setTries((n) => n + 1), 2_000);
    });
    return () => clearTimeout(timer);
  }, [tries]);
  if (current === undefined)
    return (
      <main className="hollow" style={{ height: "100%" }} aria-busy="true">
        {failure ? (
          <p role="alert">{said.whole(failure)}</p>
        ) : (
          <span className="bone" style={{ width: 160 }} role="status" aria-label={t("loading")} />
        )}
      </main>
    );
  if (current === null) return <SignIn {...signingIn} />;
  const permitted = [permission].flat().some((one) => current.permissions.includes(one));
  return (
    <>
      {permitted ? children : <NoAccess current={current} />}
      <StillSignedIn />
    </>
  );
}

/** Told over the page when signing out has failed, until it is closed or works. */
function StillSignedIn() {
  const t = useT();
  const said = useSaid();
  const error = useStore(stillSignedIn);
  if (error === null) return null;
  return (
    <div className="box-msg bad still-in" role="alert">
      <Icon name="triangle" />
      <span>
        <b>{t("stillIn")}</b> {said.whole(error)}
      </span>
      <IconButton icon="close" label={t("close")} onClick={() => stillSignedIn.set(null)} />
    </div>
  );
}

type Place = "desk" | "wallboard" | "admin" | "account";

/** The screens that somebody may see, the one of their work first. */
export function placesOf({ permissions, agent }: Session): Place[] {
  const places: Place[] = [];
  if (agent && permissions.includes("desk.use")) places.push("desk");
  if (permissions.includes("wallboard.read")) places.push("wallboard");
  if (["users.manage", "queues.manage", "audit.read", "privacy.manage"].some((one) => permissions.includes(one))) places.push("admin");
  return [...places, "account"];
}

function NoAccess({ current }: { current: Session }) {
  const t = useT();
  return (
    <Doorway>
      <div className="card">
        <div className="box-msg warn" role="alert">
          <Icon name="triangle" />
          <span>{t(current.user.email_verified ? "noAccess" : "unverifiedAccount")}</span>
        </div>
        <nav className="places" aria-label={t("goTo")}>
          {placesOf(current).map((place) => (
            <a key={place} className="btn" href={`/${place}`}>
              {t(place)}
            </a>
          ))}
          <Button icon="out" onClick={leave}>
            {t("out")}
          </Button>
        </nav>
      </div>
    </Doorway>
  );
}
