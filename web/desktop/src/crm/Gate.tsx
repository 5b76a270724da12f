/**
 * The identity gate, under the head of the conversation: two of three answers open the file. What
 * somebody says is compared, never shown.
 */
import { request } from "@contactcenter/shared/api";
import type { GateIn, GateOut } from "@contactcenter/shared/contract";
import { DateInput } from "@contactcenter/shared/dateinput";
import { isKept } from "@contactcenter/shared/dates";
import { Icon } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { Button, cls, ErrorLine } from "@contactcenter/shared/ui";
import { type FormEvent, useEffect, useRef, useState } from "react";

import { useDesk, useLive } from "../context";
import type { Fetched } from "../fetched";
import { useRead } from "./data";
import { refusal } from "./refused";
import { useW } from "./texts";

export const CHECKS = ["document", "birth_date", "policy"] as const;
type Check = (typeof CHECKS)[number];

export const useGate = (interaction: string | null, customer: string | null): Fetched<GateOut> =>
  useRead<GateOut>(interaction && `/interactions/${interaction}/identity`, customer, interaction);

/** What has been checked of three things; each that is left opens its field. Its line is kept while it is read. */
export function GateStrip({ interaction, customer }: { interaction: string; customer: string }) {
  const say = useW();
  const desk = useDesk();
  const gate = useGate(interaction, customer);
  const asked = useStore(desk.verifying);
  const open = asked?.interaction === interaction;
  const [first, setFirst] = useState<Check | null>(null);
  const close = () => desk.verifying.set(null);
  const level = gate.kind === "there" ? gate.value : null;
  const verified = level?.level === "verified";
  return (
    <>
      <div className="strip gate-strip" aria-busy={level === null || undefined}>
        {level && (
          <>
            <Icon name={verified ? "shield" : "lock"} className={verified ? "c-ok" : undefined} />
            <b className={cls("nowrap", verified && "c-ok")} role="status">{say("gateOf", { n: level.passed.length })}</b>
            <ul className="gate-chips end">
              {CHECKS.map((one) => {
                const passed = level.passed.includes(one);
                return (
                  <li key={one}>
                    {passed || verified ? (
                      <span className={cls("gate-chip", passed && "ok")}>{passed && <Icon name="check" size={12} />}{say(`chip_${one}`)}</span>
                    ) : (
                      <button
                        type="button"
                        className="gate-chip"
                        aria-expanded={open}
                        title={say("verify")}
                        onClick={() => {
                          setFirst(one);
                          desk.verifying.set(open && first === one ? null : { interaction });
                        }}
                      >
                        {say(`chip_${one}`)}
                      </button>
                    )}
                  </li>
                );
              })}
            </ul>
          </>
        )}
      </div>
      {open && level && !verified && <Gate key={first} interaction={interaction} gate={level} first={first} asked={asked} onClose={close} onDone={() => desk.touched(interaction)} />}
    </>
  );
}

interface GateProps {
  interaction: string;
  gate: GateOut;
  /** The field to begin with. */
  first: Check | null;
  /** What opened it: its fields take the focus for each. */
  asked: object;
  onDone: (gate: GateOut) => void;
  onClose: () => void;
}

function Gate({ interaction, gate, first, asked, onDone, onClose }: GateProps) {
  const say = useW();
  const live = useLive();
  const [given, setGiven] = useState<Record<string, string>>({});
  const [wrong, setWrong] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const box = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const wanted = first && box.current?.querySelector<HTMLElement>(`#gate-${first}`);
    (wanted || box.current?.querySelector("input"))?.focus();
  }, [first, asked]);
  const left = CHECKS.filter((one) => !gate.passed.includes(one));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const body = Object.fromEntries(left.map((one) => [one, (given[one] ?? "").trim()]).filter((pair) => pair[1])) as GateIn;
    const asked = Object.keys(body);
    if (asked.length === 0) return setError(say("gateNothing"));
    if (!isKept(body.birth_date ?? "")) return setError(say("f_bad_date"));
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
              ) : one === "birth_date" ? (
                <DateInput
                  id="gate-birth_date"
                  small
                  value={given[one] ?? ""}
                  invalid={wrong.includes(one)}
                  onChange={(kept) => {
                    setGiven((now) => ({ ...now, [one]: kept }));
                    setWrong((now) => now.filter((name) => name !== one));
                  }}
                />
              ) : (
                <input
                  id={`gate-${one}`}
                  className="input small"
                  type="text"
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
