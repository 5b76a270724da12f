/**
 * The pages that letters and providers lead to: /account/verify, reset, invite, forgot, sign-in and
 * code. A token comes in the fragment, which no server and no other site gets to see.
 */
import { api, session } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { LanguageMenu, ThemeButton } from "@contactcenter/shared/prefs-ui";
import { SecondStep, SignIn } from "@contactcenter/shared/signin";
import { useStore } from "@contactcenter/shared/store";
import { Button, Field } from "@contactcenter/shared/ui";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";

import { useFailure, useT } from "./texts";

export type Letter = "verify" | "reset" | "invite" | "forgot" | "sign-in" | "code";

const fragment = location.hash.slice(1);

export function LetterPage({ letter }: { letter: Letter }) {
  const current = useStore(session);
  const entered = (letter === "code" || letter === "sign-in") && current;
  useEffect(() => {
    if (entered) location.replace("/account");
  }, [entered]);
  if (entered) return null;
  switch (letter) {
    case "verify":
      return <Verify />;
    case "forgot":
      return <Forgot />;
    case "code":
      return <SecondStep token={fragment} />;
    case "sign-in":
      return <SignInAgain />;
    default:
      return <NewPassword invited={letter === "invite"} />;
  }
}

function Frame({ title, sub, children }: { title: string; sub?: string; children: ReactNode }) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="signin">
      <header>
        <span className="brand" />
        <LanguageMenu long />
        <ThemeButton />
      </header>
      <main>
        <div className="card">
          <h1>{title}</h1>
          {sub && <p className="sub">{sub}</p>}
          {children}
        </div>
      </main>
      <footer />
    </div>
  );
}

function Message({ bad, children }: { bad?: boolean; children: ReactNode }) {
  return (
    <div className={bad ? "box-msg bad summary" : "box-msg calm summary"} role={bad ? "alert" : "status"}>
      <Icon name={bad ? "octagon" : "check"} />
      <span>{children}</span>
    </div>
  );
}

function Verify() {
  const t = useT();
  const failed = useFailure();
  const [told, setTold] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const confirm = () => {
    api.post("/auth/verify-email", { token: fragment }).then(
      () => setDone(true),
      (error: unknown) => setTold(failed(error)),
    );
  };
  return (
    <Frame title={t("verifyTitle")} sub={t("verifySub")}>
      {told && <Message bad>{told}</Message>}
      {done ? (
        <>
          <Message>{t("verified")}</Message>
          <a href="/account">{t("toAccount")}</a>
        </>
      ) : (
        <Button kind="primary" size="large" className="wide" onClick={confirm}>
          {t("verifyGo")}
        </Button>
      )}
    </Frame>
  );
}

function Forgot() {
  const t = useT();
  const failed = useFailure();
  const [email, setEmail] = useState("");
  const [told, setTold] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    api.post("/auth/forgot-password", { email: email.trim() }).then(
      () => setDone(true),
      (error: unknown) => setTold(failed(error)),
    );
  };
  return (
    <Frame title={t("forgotTitle")} sub={t("forgotSub")}>
      {done ? (
        <Message>{t("forgotDone")}</Message>
      ) : (
        <form className="plain" onSubmit={submit} noValidate>
          <Field
            label={t("email")}
            type="email"
            large
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.target.value)}
            error={told ?? undefined}
          />
          <Button kind="primary" size="large" className="wide" type="submit">
            {t("forgotGo")}
          </Button>
        </form>
      )}
    </Frame>
  );
}

function NewPassword({ invited }: { invited: boolean }) {
  const t = useT();
  const failed = useFailure();
  const [password, setPassword] = useState("");
  const [told, setTold] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const asked = invited
      ? api.post("/auth/invitations/accept", { token: fragment, password })
      : api.post("/auth/reset-password", { token: fragment, new_password: password });
    asked.then(
      () => setDone(true),
      (error: unknown) => setTold(failed(error)),
    );
  };
  return (
    <Frame title={t(invited ? "inviteTitle" : "resetTitle")} sub={t("passwordRule")}>
      {done ? (
        <>
          <Message>{t("passwordDone")}</Message>
          <a href="/account">{t("toAccount")}</a>
        </>
      ) : (
        <form className="plain" onSubmit={submit} noValidate>
          <Field
            label={t("newPassword")}
            type="password"
            large
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            error={told ?? undefined}
          />
          <Button kind="primary" size="large" className="wide" type="submit">
            {t("save")}
          </Button>
        </form>
      )}
    </Frame>
  );
}

const WHYS = ["denied", "known_address", "taken", "disabled", "no_address", "failed", "unavailable"] as const;

/** Somebody came back from a provider without being signed in: why, and the way in by password. */
function SignInAgain() {
  const t = useT();
  const [understood, setUnderstood] = useState(false);
  const given = new URLSearchParams(fragment).get("error");
  const why = WHYS.find((one) => one === given);
  if (!why || understood) return <SignIn />;
  return (
    <Frame title={t("notSignedIn")}>
      <Message bad>{t(`why_${why}`)}</Message>
      <Button kind="primary" size="large" className="wide" onClick={() => setUnderstood(true)}>
        {t("toSignIn")}
      </Button>
    </Frame>
  );
}

