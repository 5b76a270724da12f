/** The sign-in page, and the gate that shows it until somebody is signed in. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";

import { api, ApiError, refresh, secondStep, session, signIn, signOut } from "./api";
import type { ChatConfig, DemoUser, DemoUsersOut, ProviderOut, ProvidersOut } from "./contract";
import { texts } from "./i18n";
import { Icon } from "./icons";
import { LanguageMenu, ThemeButton } from "./prefs-ui";
import { useStore } from "./store";
import { Button, Field } from "./ui";

const { useT } = texts(
  {
    title: "Entrar",
    sub: "Con tu cuenta del centro",
    hint: "Usa el correo y la contraseña de tu cuenta.",
    forgot: "He olvidado la contraseña",
    by: "Entrar con {{name}}",
    codeTitle: "Segundo paso",
    codeSub: "Escribe el código de tu aplicación, o uno de recuperación.",
    code: "Código",
    confirm: "Confirmar",
    back: "Volver",
    wrongCode: "El código no es correcto o ya se ha usado.",
    needCode: "Escribe el código.",
    email: "Correo",
    password: "Contraseña",
    show: "Mostrar la contraseña",
    hide: "Ocultar la contraseña",
    enter: "Entrar",
    entering: "Entrando…",
    failed: "No has entrado.",
    mismatch: "El correo o la contraseña no coinciden.",
    again: "Vuelve a escribirla. Las mayúsculas cuentan.",
    needEmail: "Escribe tu correo.",
    needPassword: "Escribe tu contraseña.",
    limited_one: "Demasiados intentos. Espera {{count}} segundo y prueba otra vez.",
    limited_other: "Demasiados intentos. Espera {{count}} segundos y prueba otra vez.",
    unreachable: "El servidor no contesta. Comprueba la conexión y prueba otra vez.",
    broken: "El servidor no pudo responder. Prueba otra vez en un momento.",
    demo: "Accesos de demostración",
    demoHint: "Solo en desarrollo. Un clic entra.",
    centre: "Centro de atención",
    running: "servicio en marcha",
    down: "servicio sin respuesta",
    checking: "comprobando el servicio",
    noAccess: "Tu cuenta no tiene acceso a esta pantalla.",
    loading: "Cargando",
    out: "Salir",
  },
  {
    title: "Sign in",
    sub: "With your account of the centre",
    hint: "Use the email and the password of your account.",
    forgot: "I have forgotten my password",
    by: "Sign in with {{name}}",
    codeTitle: "Second step",
    codeSub: "Type the code of your app, or a recovery code.",
    code: "Code",
    confirm: "Confirm",
    back: "Back",
    wrongCode: "The code is wrong or was used before.",
    needCode: "Type the code.",
    email: "Email",
    password: "Password",
    show: "Show the password",
    hide: "Hide the password",
    enter: "Sign in",
    entering: "Signing in…",
    failed: "You are not signed in.",
    mismatch: "The email or the password does not match.",
    again: "Type it again. Capital letters count.",
    needEmail: "Type your email.",
    needPassword: "Type your password.",
    limited_one: "Too many tries. Wait {{count}} second and try again.",
    limited_other: "Too many tries. Wait {{count}} seconds and try again.",
    unreachable: "The server does not answer. Check the connection and try again.",
    broken: "The server could not answer. Try again in a moment.",
    demo: "Demo sign-ins",
    demoHint: "In development only. One click signs in.",
    centre: "Contact centre",
    running: "service running",
    down: "service not answering",
    checking: "checking the service",
    noAccess: "Your account has no access to this screen.",
    loading: "Loading",
    out: "Sign out",
  },
);

type Failure = { kind: "mismatch" } | { kind: "limited"; seconds: number } | { kind: "unreachable" } | { kind: "broken" };

export function SignIn() {
  const t = useT();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [seen, setSeen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [missing, setMissing] = useState<"email" | "password" | null>(null);
  const [demoUsers, setDemoUsers] = useState<DemoUser[]>([]);
  const [health, setHealth] = useState<"checking" | "running" | "down">("checking");
  const [brand, setBrand] = useState("");
  const [providers, setProviders] = useState<ProviderOut[]>([]);
  const [step, setStep] = useState<string | null>(null);
  const passwordInput = useRef<HTMLInputElement>(null);
  const emailInput = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const stop = new AbortController();
    api.get<DemoUsersOut>("/auth/demo-users", stop.signal).then(
      ({ items }) => setDemoUsers(items),
      () => undefined,
    );
    api.get<ChatConfig>("/chat/config", stop.signal).then(
      ({ name }) => setBrand(name),
      () => undefined,
    );
    api.get<ProvidersOut>("/auth/providers", stop.signal).then(
      ({ items }) => setProviders(items),
      () => undefined,
    );
    fetch("/readyz", { signal: stop.signal }).then(
      (answer) => setHealth(answer.ok ? "running" : "down"),
      () => setHealth("down"),
    );
    emailInput.current?.focus();
    return () => stop.abort();
  }, []);

  const enter = async (asEmail: string, withPassword: string) => {
    setBusy(true);
    setFailure(null);
    try {
      setStep(await signIn(asEmail, withPassword));
      setBusy(false);
    } catch (error) {
      setFailure(failureOf(error));
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

  if (step !== null) return <SecondStep token={step} brand={brand} onBack={() => setStep(null)} />;
  return (
    <div className="signin">
      <header>
        <span className="brand">{brand}</span>
        <LanguageMenu long />
        <ThemeButton />
      </header>
      <main>
        <form onSubmit={submit} noValidate aria-busy={busy}>
          <h1>{t("title")}</h1>
          <p className="sub">{t("sub")}</p>
          <div className={failure ? "box-msg bad summary" : "box-msg calm summary"} role="alert">
            <Icon name={failure ? "octagon" : "info"} />
            {failure ? (
              <span>
                <b>{t("failed")}</b>{" "}
                {failure.kind === "limited" ? t("limited", { count: failure.seconds }) : t(failure.kind)}
              </span>
            ) : (
              <span>{t("hint")}</span>
            )}
          </div>
          <Field
            ref={emailInput}
            label={t("email")}
            type="email"
            large
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
            error={missing === "email" ? t("needEmail") : undefined}
          />
          <div className="password">
            <Field
              ref={passwordInput}
              label={t("password")}
              type={seen ? "text" : "password"}
              large
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
              error={
                missing === "password" ? t("needPassword") : failure?.kind === "mismatch" ? t("again") : undefined
              }
            />
            <button
              type="button"
              className="ib reveal"
              aria-label={t(seen ? "hide" : "show")}
              title={t(seen ? "hide" : "show")}
              aria-pressed={seen}
              onClick={() => setSeen(!seen)}
            >
              <Icon name="eye" />
            </button>
          </div>
          <Button kind="primary" size="large" className="wide" type="submit" aria-disabled={busy || undefined}>
            {t(busy ? "entering" : "enter")}
            {!busy && (
              <kbd aria-hidden="true">
                <Icon name="enter" size={12} />
              </kbd>
            )}
          </Button>
          {providers.map((provider) => (
            <a
              key={provider.name}
              className="btn large wide"
              href={`/api/v1/auth/${provider.name}?next=${encodeURIComponent(location.pathname)}`}
            >
              {t("by", { name: provider.label })}
            </a>
          ))}
          <p className="t13 after">
            <a href="/account/forgot">{t("forgot")}</a>
          </p>
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
      </main>
      <footer>
        <span className="row" role="status">
          {t("centre")} · {t(health)}
          {health === "running" && <Icon name="check" size={12} className="c-ok" />}
          {health === "down" && <Icon name="octagon" size={12} className="c-bad" />}
        </span>
      </footer>
    </div>
  );
}

/** The code after the password. `onBack` begins again. */
export function SecondStep({ token, brand, onBack }: { token: string; brand?: string; onBack?: () => void }) {
  const t = useT();
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    if (code.trim() === "") {
      setError(t("needCode"));
      return;
    }
    setBusy(true);
    setError("");
    try {
      await secondStep(token, code.trim());
    } catch (caught) {
      const failure = failureOf(caught);
      setError(
        failure.kind === "limited"
          ? t("limited", { count: failure.seconds })
          : failure.kind === "mismatch"
            ? t("wrongCode")
            : t(failure.kind),
      );
      setBusy(false);
      input.current?.select();
    }
  };
  return (
    <div className="signin">
      <header>
        <span className="brand">{brand}</span>
        <LanguageMenu long />
        <ThemeButton />
      </header>
      <main>
        <form onSubmit={(event) => void submit(event)} noValidate aria-busy={busy}>
          <h1>{t("codeTitle")}</h1>
          <p className="sub">{t("codeSub")}</p>
          <Field
            ref={input}
            label={t("code")}
            large
            inputMode="text"
            autoComplete="one-time-code"
            spellCheck={false}
            value={code}
            onChange={(event) => setCode(event.target.value)}
            error={error || undefined}
          />
          <Button kind="primary" size="large" className="wide" type="submit" aria-disabled={busy || undefined}>
            {t("confirm")}
          </Button>
          {onBack && (
            <Button kind="quiet" size="large" className="wide" onClick={onBack}>
              {t("back")}
            </Button>
          )}
        </form>
      </main>
      <footer />
    </div>
  );
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { kind: "broken" };
  if (error.status === 0) return { kind: "unreachable" };
  if (error.status === 429) return { kind: "limited", seconds: error.retryAfter ?? 60 };
  if (error.status === 400 || error.status === 401 || error.status === 422) return { kind: "mismatch" };
  return { kind: "broken" };
}

/** Shows `children` to somebody with the permission, the sign-in page to nobody, a way out to others. */
export function SignedIn({ permission, children }: { permission: string; children: ReactNode }) {
  const t = useT();
  const current = useStore(session);
  const [tries, setTries] = useState(0);
  const [unreachable, setUnreachable] = useState(false);
  useEffect(() => {
    if (session.get() !== undefined) return;
    let timer = 0;
    refresh().catch(() => {
      setUnreachable(true);
      timer = window.setTimeout(() => setTries((n) => n + 1), 2_000);
    });
    return () => clearTimeout(timer);
  }, [tries]);
  if (current === undefined)
    return (
      <main className="hollow" style={{ height: "100%" }} aria-busy="true">
        {unreachable ? (
          <p role="alert">{t("unreachable")}</p>
        ) : (
          <span className="bone" style={{ width: 160 }} role="status" aria-label={t("loading")} />
        )}
      </main>
    );
  if (current === null) return <SignIn />;
  if (!current.permissions.includes(permission)) return <NoAccess />;
  return children;
}

function NoAccess() {
  const t = useT();
  return (
    <div className="signin">
      <header>
        <span className="brand" />
        <LanguageMenu long />
        <ThemeButton />
      </header>
      <main>
        <div className="card">
          <div className="box-msg warn" role="alert">
            <Icon name="triangle" />
            <span>{t("noAccess")}</span>
          </div>
          <p style={{ marginTop: 16 }}>
            <Button icon="out" onClick={() => void signOut()}>
              {t("out")}
            </Button>
          </p>
        </div>
      </main>
      <footer />
    </div>
  );
}
