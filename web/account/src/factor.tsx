/** The second factor: set-up with a QR code, recovery codes shown once, and its end. */
import { api, readSession } from "@contactcenter/shared/api";
import { CODE_DIGITS, CodeField } from "@contactcenter/shared/code";
import type { RecoveryOut, SetUpOut } from "@contactcenter/shared/contract";
import { Outcome } from "@contactcenter/shared/outcome";
import { useSaid } from "@contactcenter/shared/problems";
import { Button, Chip, Field } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { useSending, useWrongFirst } from "./letters";
import { Section } from "./profile";
import { useT } from "./texts";

type Step =
  | { kind: "rest"; back?: true }
  | { kind: "set-up"; made: SetUpOut }
  | { kind: "codes"; codes: string[] }
  | { kind: "ask"; what: "codes" | "off" };

export function SecondFactor({ on }: { on: boolean }) {
  const t = useT();
  const [step, setStep] = useState<Step>({ kind: "rest" });
  const section = useRef<HTMLElement>(null);
  const rest = () => setStep({ kind: "rest", back: true });
  useEffect(() => {
    if (step.kind === "rest" && step.back) section.current?.querySelector("button")?.focus();
  }, [step, on]);
  const begin = useSending(
    () => api.post<SetUpOut>("/auth/2fa/enable"),
    (made) => setStep({ kind: "set-up", made }),
  );
  return (
    <Section
      ref={section}
      title={t("factorTitle")}
      hint={t(on ? "factorOnHint" : "factorOffHint")}
      aside={
        <Chip tone={on ? "ok" : "idle"} icon={on ? "shield" : "dash"}>
          {t(on ? "factorOn" : "factorOff")}
        </Chip>
      }
    >
      {step.kind === "rest" && !on && (
        <div className="send">
          <Button kind="primary" icon="shield" onClick={() => void begin.send()} aria-disabled={begin.busy || undefined}>
            {t("setUp")}
          </Button>
          <Outcome failure={begin.failure} />
        </div>
      )}
      {step.kind === "rest" && on && (
        <div className="send">
          <Button onClick={() => setStep({ kind: "ask", what: "codes" })}>{t("newCodes")}</Button>
          <Button onClick={() => setStep({ kind: "ask", what: "off" })}>{t("switchOff")}</Button>
        </div>
      )}
      {step.kind === "set-up" && (
        <Confirm made={step.made} onCancel={rest} onCodes={(codes) => setStep({ kind: "codes", codes })} />
      )}
      {step.kind === "codes" && (
        <Codes
          codes={step.codes}
          onKept={() => void readSession().finally(rest)}
        />
      )}
      {step.kind === "ask" && (
        <Ask
          what={step.what}
          onCancel={rest}
          onDone={(codes) => (codes ? setStep({ kind: "codes", codes }) : rest())}
        />
      )}
    </Section>
  );
}

/** The server's SVG as an image: an image runs nothing, whatever is in it. */
function pictureOf(svg: string): string {
  const named = svg.includes("xmlns=") ? svg : svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
  return `data:image/svg+xml,${encodeURIComponent(named)}`;
}

function Confirm({ made, onCancel, onCodes }: { made: SetUpOut; onCancel: () => void; onCodes: (codes: string[]) => void }) {
  const t = useT();
  const said = useSaid();
  const [code, setCode] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const sending = useRef("");
  const { busy, failure, send, setFailure } = useSending(
    () => api.post<RecoveryOut>("/auth/2fa/verify", { code: sending.current }),
    ({ recovery_codes }) => onCodes(recovery_codes),
  );
  useEffect(() => {
    if (!failure) return;
    setCode("");
    input.current?.focus();
  }, [failure]);
  const confirm = (digits: string) => {
    sending.current = digits;
    void send();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (code.length === CODE_DIGITS) confirm(code);
    else input.current?.focus();
  };
  const spaced = made.secret.replace(/(.{4})(?=.)/g, "$1 ");
  return (
    <form className="set-up" onSubmit={submit} noValidate aria-busy={busy}>
      <div className="scan">
        <img src={pictureOf(made.qr_svg)} alt={t("qr")} width={184} height={184} />
        <div>
          <p>{t("setUpStep1")}</p>
          <p className="x2 t13">{t("secretKey")}</p>
          <code className="secret">{spaced}</code>
        </div>
      </div>
      <p>{t("setUpStep2")}</p>
      <div className="narrow">
        <CodeField
          ref={input}
          value={code}
          onChange={(digits) => {
            setCode(digits);
            if (digits) setFailure(null);
          }}
          onFull={confirm}
          error={failure ? (said.field(failure, "code") ?? said.whole(failure)) : undefined}
        />
      </div>
      <div className="send">
        <Button kind="primary" type="submit" aria-disabled={busy || undefined}>
          {t(busy ? "confirming" : "confirm")}
        </Button>
        <Button onClick={onCancel}>{t("cancel")}</Button>
      </div>
    </form>
  );
}

function Codes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const text = `${codes.join("\n")}\n`;
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = "recovery-codes.txt";
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  return (
    <div className="codes">
      <h3 ref={heading} tabIndex={-1} className="b">
        {t("recoveryTitle")}
      </h3>
      <p className="x2 t13">{t("recoveryHint")}</p>
      <ol>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div className="send">
        <Button kind="primary" icon="check" onClick={onKept}>
          {t("kept10")}
        </Button>
        <Button icon="take" onClick={download}>
          {t("download")}
        </Button>
        <Button
          onClick={() =>
            void navigator.clipboard.writeText(text).then(
              () => setCopied(true),
              () => setCopied(false),
            )
          }
        >
          {t(copied ? "copied" : "copy")}
        </Button>
      </div>
    </div>
  );
}

function Ask({ what, onCancel, onDone }: { what: "codes" | "off"; onCancel: () => void; onDone: (codes: string[] | null) => void }) {
  const t = useT();
  const said = useSaid();
  const [code, setCode] = useState("");
  const [tried, setTried] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const { busy, failure, send } = useSending(
    async () => {
      if (what === "codes")
        return (await api.post<RecoveryOut>("/auth/2fa/recovery-codes", { code: code.trim() })).recovery_codes;
      await api.post("/auth/2fa/disable", { code: code.trim() });
      await readSession();
      return null;
    },
    onDone,
  );
  const form = useWrongFirst(failure);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (code.trim()) void send();
    else input.current?.focus();
  };
  return (
    <form ref={form} onSubmit={submit} noValidate aria-busy={busy}>
      <p className="x2 t13 gap">{t(what === "codes" ? "newCodesHint" : "switchOffHint")}</p>
      <div className="narrow">
        <Field
          ref={input}
          label={t("codeOrRecovery")}
          className="mono"
          autoComplete="one-time-code"
          spellCheck={false}
          maxLength={20}
          value={code}
          onChange={(event) => setCode(event.target.value)}
          error={
            tried && !code.trim() ? said.code : failure ? (said.field(failure, "code") ?? said.whole(failure)) : undefined
          }
        />
      </div>
      <div className="send">
        <Button kind={what === "off" ? "danger" : "primary"} type="submit" aria-disabled={busy || undefined}>
          {t(what === "codes" ? "makeCodes" : "switchOff")}
        </Button>
        <Button onClick={onCancel}>{t("cancel")}</Button>
      </div>
    </form>
  );
}
