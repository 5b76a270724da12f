/** The identity gate: two of three answers open the file. What somebody says is compared, never shown. */
import { request } from "@contactcenter/shared/api";
import type { GateIn, GateOut } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { Button, cls, ErrorLine } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { useLive } from "../context";
import type { Fetched } from "../fetched";
import { useRead } from "./data";
import { refusal } from "./refused";
import { useW } from "./texts";

export const CHECKS = ["document", "birth_date", "policy"] as const;

export const useGate = (interaction: string | null, customer: string | null): Fetched<GateOut> =>
  useRead<GateOut>(interaction && `/interactions/${interaction}/identity`, customer);

interface GateProps {
  interaction: string;
  gate: GateOut;
  onDone: (gate: GateOut) => void;
  onClose: () => void;
}

export function Gate({ interaction, gate, onDone, onClose }: GateProps) {
  const say = useW();
  const live = useLive();
  const [given, setGiven] = useState<Record<string, string>>({});
  const [wrong, setWrong] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const box = useRef<HTMLFormElement>(null);
  useEffect(() => box.current?.querySelector("input")?.focus(), []);
  const left = CHECKS.filter((one) => !gate.passed.includes(one));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = Object.fromEntries(left.map((one) => [one, (given[one] ?? "").trim()]).filter((pair) => pair[1])) as GateIn;
    const asked = Object.keys(body);
    if (asked.length === 0) return setError(say("gateNothing"));
    setBusy(true);
    setError(undefined);
    try {
      const after = await request<GateOut>("POST", `/interactions/${interaction}/identity`, { body, key: crypto.randomUUID() });
      setWrong(asked.filter((one) => !after.passed.some((passed) => passed === one)));
      setGiven({});
      onDone(after);
      if (after.level === "verified") onClose();
    } catch (problem) {
      setError(refusal(problem, say));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      ref={box}
      className="gate"
      aria-label={say("gateTitle")}
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <p className="t13 x2">{say("gateHint")}</p>
      <ul className="checks">
        {CHECKS.map((one) => {
          const passed = gate.passed.includes(one);
          return (
            <li key={one} className={cls(passed && "passed", wrong.includes(one) && "wrong")}>
              <label htmlFor={`gate-${one}`} className="t12">{say(`gate_${one}`)}</label>
              {passed ? (
                <span className="row c-ok t13"><Icon name="check" />{say("gateRight")}</span>
              ) : (
                <input
                  id={`gate-${one}`}
                  className="input small"
                  type={one === "birth_date" ? "date" : "text"}
                  maxLength={one === "document" ? 4 : 100}
                  autoComplete="off"
                  value={given[one] ?? ""}
                  aria-invalid={wrong.includes(one) || undefined}
                  onChange={(event) => {
                    setGiven((now) => ({ ...now, [one]: event.target.value }));
                    setWrong((now) => now.filter((name) => name !== one));
                  }}
                />
              )}
            </li>
          );
        })}
      </ul>
      <ErrorLine error={gate.locked ? say("r_locked") : wrong.length > 0 ? say("gateWrong") : error} />
      <div className="row">
        <Button size="small" kind="primary" type="submit" disabled={busy || !live || gate.locked}>{say("gateCheck")}</Button>
        <Button size="small" kind="quiet" onClick={onClose}>{say("close")}</Button>
      </div>
    </form>
  );
}
