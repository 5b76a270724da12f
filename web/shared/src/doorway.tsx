/** The page around whoever is not at work yet: brand, language, theme, one card, the service's state. */
import { type ReactNode, type Ref, useEffect, useState } from "react";

import { api } from "./api";
import type { ChatConfig } from "./contract";
import { texts } from "./i18n";
import { Icon } from "./icons";
import { LanguageMenu, ThemeButton } from "./prefs-ui";
import { cls, Field } from "./ui";

const { useT } = texts(
  {
    centre: "Centro de atención",
    running: "servicio en marcha",
    down: "servicio sin respuesta",
    checking: "comprobando el servicio",
    show: "Mostrar la contraseña",
    hide: "Ocultar la contraseña",
  },
  {
    centre: "Contact centre",
    running: "service running",
    down: "service not answering",
    checking: "checking the service",
    show: "Show the password",
    hide: "Hide the password",
  },
);

let known = "";

/** The centre's name; empty until the server has told it. */
export function useCentreName(): string {
  const [name, setName] = useState(known);
  useEffect(() => {
    const stop = new AbortController();
    api.get<ChatConfig>("/chat/config", stop.signal).then(
      (config) => setName((known = config.name)),
      () => undefined,
    );
    return () => stop.abort();
  }, []);
  return name;
}

export function Doorway({ children }: { children: ReactNode }) {
  const t = useT();
  const brand = useCentreName();
  const [health, setHealth] = useState<"checking" | "running" | "down">("checking");
  useEffect(() => {
    const stop = new AbortController();
    fetch("/readyz", { signal: stop.signal }).then(
      (answer) => setHealth(answer.ok ? "running" : "down"),
      (error: unknown) => {
        if (!(error instanceof DOMException && error.name === "AbortError")) setHealth("down");
      },
    );
    return () => stop.abort();
  }, []);
  return (
    <div className="signin">
      <header>
        <span className="brand cut">{brand}</span>
        <LanguageMenu long />
        <ThemeButton />
      </header>
      <main>{children}</main>
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

/** What happened, above a form; always there, so that nothing moves. */
export function Summary({ tone, children }: { tone: "calm" | "bad" | "ok" | "warn"; children: ReactNode }) {
  const icon = tone === "bad" ? "octagon" : tone === "ok" ? "check" : tone === "warn" ? "triangle" : "info";
  return (
    <div className={cls("box-msg summary", tone)} role={tone === "calm" ? undefined : "alert"}>
      <Icon name={icon} />
      <span>{children}</span>
    </div>
  );
}

interface PasswordProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: "current-password" | "new-password";
  error?: string | undefined;
  aside?: ReactNode;
  large?: boolean;
  describedBy?: string;
  ref?: Ref<HTMLInputElement>;
}

/** A password, hidden until one asks to see it. */
export function PasswordField({ onChange, large = true, ...rest }: PasswordProps) {
  const t = useT();
  const [seen, setSeen] = useState(false);
  return (
    <div className="password">
      <Field
        {...rest}
        large={large}
        type={seen ? "text" : "password"}
        onChange={(event) => onChange(event.target.value)}
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
  );
}
