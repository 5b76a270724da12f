/** What opens above the softphone: people to call, people to consult, keypad, devices. */
import type { CallCard } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import type { PhoneTrouble } from "@contactcenter/shared/phone";
import { useStore } from "@contactcenter/shared/store";
import { Button, cls, ErrorLine, IconButton } from "@contactcenter/shared/ui";
import { type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";

import { fits, reachable } from "./calls";
import { useAgent, useDesk, useLive } from "./context";
import { queueName } from "./desk";
import { type Device, type Devices as Found, devices, Meter } from "./devices";
import { inField } from "./keys";
import { useT } from "./texts";

function Panel({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    const away = (event: PointerEvent) => {
      const target = event.target as Element;
      if (!box.current?.contains(target) && !target.closest(".phone")) onClose();
    };
    document.addEventListener("pointerdown", away);
    return () => {
      document.removeEventListener("pointerdown", away);
      // Back to where it came from, unless it has gone on to something else.
      if (document.activeElement === document.body) before?.focus();
    };
  }, [onClose]);
  return (
    <div
      ref={box}
      className="pop phone-panel"
      role="dialog"
      aria-labelledby={id}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <div className="row">
        <h2 id={id} className="b grow">
          {title}
        </h2>
        <IconButton icon="close" label={t("close")} onClick={onClose} />
      </div>
      {children}
    </div>
  );
}

const PAD = [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", ""], ["#", ""],
] as const;

function Pad({ onPress, first }: { onPress: (key: string) => void; first?: boolean }) {
  return (
    <div className="pad">
      {PAD.map(([key, letters]) => (
        <button key={key} type="button" data-first={(first && key === "1") || undefined} onClick={() => onPress(key)}>
          <b>{key}</b>
          <span aria-hidden="true">{letters}</span>
        </button>
      ))}
    </div>
  );
}

export function DialPanel({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Panel title={t("dialTitle")} onClose={onClose}>
      <Dial onDone={onClose} />
    </Panel>
  );
}

/** Call a colleague: by name, or by the letters on the keypad. */
function Dial({ onDone }: { onDone: () => void }) {
  const t = useT();
  const { softphone } = useDesk();
  return (
    <People
      label={t("dialSearch")}
      pad
      onPick={(agentId) => {
        onDone();
        void softphone.dial(agentId);
      }}
    />
  );
}

/** On a telephone the softphone is a page of its own. */
export function PhonePage({ children }: { children: ReactNode }) {
  const t = useT();
  const { softphone } = useDesk();
  const ready = useStore(softphone.line).state === "ready";
  return (
    <section className="phone-page" aria-label={t("softphone")}>
      {children}
      {ready && <Dial onDone={() => undefined} />}
      <h2 className="b">{t("devices")}</h2>
      <Devices />
    </section>
  );
}

interface ConsultProps {
  call: CallCard;
  /** For whoever is asked; it stays until they have it. */
  note: string;
  onNote: (note: string) => void;
  onClose: () => void;
}

/** Ask somebody while the customer hears music: a colleague, or whoever of a queue comes. */
export function ConsultPanel({ call, note, onNote, onClose }: ConsultProps) {
  const t = useT();
  const { softphone } = useDesk();
  const ask = (target: { agent_id: string } | { queue: string }) => {
    onClose();
    const said = note.trim();
    void softphone.consult(call, said ? { ...target, note: said } : target).then((asked) => asked && onNote(""));
  };
  return (
    <Panel title={t("consultTitle")} onClose={onClose}>
      <People label={t("transferSearch")} onPick={(agent_id) => ask({ agent_id })} onQueue={(queue) => ask({ queue })}>
        <textarea
          className="input note-in"
          rows={2}
          maxLength={2000}
          aria-label={t("consultNote")}
          placeholder={t("consultNote")}
          value={note}
          onChange={(event) => onNote(event.target.value)}
        />
      </People>
    </Panel>
  );
}

interface PeopleProps {
  label: string;
  pad?: boolean;
  onPick: (agentId: string) => void;
  onQueue?: (key: string) => void;
  /** Between the search and whom it finds. */
  children?: ReactNode;
}

function People({ label, pad, onPick, onQueue, children }: PeopleProps) {
  const t = useT();
  const live = useLive();
  const state = useAgent((now) => now);
  const [typed, setTyped] = useState("");
  const mates = useMemo(() => reachable(state), [state]).filter((one) => fits(one.name, typed));
  const queues = onQueue ? Object.values(state.queues).filter((one) => fits(queueName(state, one.key), typed)) : [];
  const number = /^[\d\s+*#]{6,}$/.test(typed);
  return (
    <>
      <input
        className="input"
        type="search"
        data-first
        aria-label={label}
        placeholder={label}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          const only = mates.length === 1 && queues.length === 0 ? mates[0] : undefined;
          if (event.key === "Enter" && only && live) onPick(only.agent_id);
        }}
      />
      {children}
      {mates.length + queues.length === 0 ? (
        <p className="people empty" role="status">
          {t(number ? "noOutside" : typed ? "nobodyFits" : "nobody")}
        </p>
      ) : (
        <ul className="people" aria-label={t("colleagues")} tabIndex={0}>
          {mates.map((one) => (
            <li key={one.agent_id}>
              <button type="button" disabled={!live} onClick={() => onPick(one.agent_id)}>
                <StateShape state={one.state} />
                <span className="grow cut">{one.name}</span>
                <span className="t12 x3">{t(`state_${one.state}`)}</span>
              </button>
            </li>
          ))}
          {queues.map((one) => (
            <li key={one.key}>
              <button type="button" disabled={!live} onClick={() => onQueue?.(one.key)}>
                <Icon name="people" />
                <span className="grow cut">{queueName(state, one.key)}</span>
                <span className="t12 x3">{t("queueOf")}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {pad && <Pad onPress={(key) => setTyped(typed + key)} />}
    </>
  );
}

/** Tones to the other end: by click, or by the number keys while nothing is being written. */
export function KeypadPanel({ call, onClose }: { call: CallCard; onClose: () => void }) {
  const t = useT();
  const { softphone } = useDesk();
  const [sent, setSent] = useState("");
  const press = (key: string) => {
    setSent((now) => (now + key).slice(-16));
    void softphone.digits(call, key);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.altKey || event.ctrlKey || event.metaKey || inField(event) || !/^[0-9*#]$/.test(event.key)) return;
      event.preventDefault();
      press(event.key);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  return (
    <Panel title={t("keypad")} onClose={onClose}>
      <p className="sent" role="status" aria-label={t("keysSent")}>
        {sent}
      </p>
      <Pad onPress={press} first />
    </Panel>
  );
}

export function DevicePanel({ onClose }: { onClose: () => void }) {
  const t = useT();
  return (
    <Panel title={t("devices")} onClose={onClose}>
      <Devices />
    </Panel>
  );
}

/** Microphone and loudspeaker, how loud one is, and the echo test. */
function Devices() {
  const t = useT();
  const live = useLive();
  const { softphone } = useDesk();
  const line = useStore(softphone.line);
  const echo = useStore(softphone.echo);
  const inCall = useAgent((state) => Object.values(state.calls).some((one) => one.state !== "ended"));
  const [found, setFound] = useState<Found>({ microphones: [], speakers: [] });
  const [problem, setProblem] = useState<PhoneTrouble | null>(null);
  const [chosen, setChosen] = useState({ microphone: softphone.phone.microphone ?? "", speaker: softphone.phone.speaker ?? "" });
  const open = line.state === "ready" || line.state === "lost" || line.state === "connecting";

  useEffect(() => {
    const look = () => void devices().then(setFound, () => undefined);
    look();
    navigator.mediaDevices?.addEventListener("devicechange", look);
    return () => navigator.mediaDevices?.removeEventListener("devicechange", look);
  }, [softphone, open]);
  // The test ends with the panel.
  useEffect(() => () => void (softphone.echo.get() && softphone.echoTest(false)), [softphone]);

  const choose = async (kind: "microphone" | "speaker", id: string) => {
    setProblem(null);
    try {
      if (kind === "microphone") await softphone.useMicrophone(id === "" ? null : id);
      else await softphone.useSpeaker(id === "" ? null : id);
      setChosen((now) => ({ ...now, [kind]: id }));
    } catch (trouble) {
      setProblem(trouble === "refused" || trouble === "busy" ? trouble : "no_device");
    }
  };
  const select = (kind: "microphone" | "speaker", choices: Device[]) => (
    <label className="field">
      <span className="lab">{t(kind)}</span>
      <select
        className="input"
        data-first={kind === "microphone" || undefined}
        disabled={!open}
        value={chosen[kind]}
        onChange={(event) => void choose(kind, event.target.value)}
      >
        <option value="">{t("deviceDefault")}</option>
        {choices.map((one, index) => (
          <option key={one.id} value={one.id}>
            {one.label || t("deviceNumber", { n: index + 1 })}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      {select("microphone", found.microphones)}
      <div className="row meter-row">
        <span className="t13 x2 grow">{t("levelHint")}</span>
        <Level wide />
      </div>
      {found.speakers.length > 0 && select("speaker", found.speakers)}
      <ErrorLine error={problem ? t(`line_${problem}`) : undefined} />
      <div className="row">
        <span className="t12 x2 grow">{t(echo ? "echoOn" : inCall ? "echoNot" : "echoHint")}</span>
        <Button size="small" icon={echo ? "close" : "repeat"} aria-pressed={echo} disabled={!live || line.state !== "ready" || inCall} onClick={() => void softphone.echoTest(!echo)}>
          {t(echo ? "echoStop" : "echoTest")}
        </Button>
      </div>
    </>
  );
}

const BARS = 8;
const METER_MS = 100;

/** How loud the microphone is; a picture only, so that nothing is read out ten times a second. */
export function Level({ wide }: { wide?: boolean }) {
  const { softphone } = useDesk();
  const heard = useStore(softphone.heard);
  const [bars, setBars] = useState(0);
  useEffect(() => {
    if (!heard) return setBars(0);
    const meter = new Meter(heard);
    const timer = setInterval(() => setBars(Math.round(meter.level() * BARS)), METER_MS);
    return () => {
      clearInterval(timer);
      meter.close();
    };
  }, [heard]);
  return (
    <span className={cls("level", wide && "wide")} aria-hidden="true">
      {Array.from({ length: BARS }, (_, index) => (
        <i key={index} className={cls(index >= bars && "o")} style={{ height: 4 + index }} />
      ))}
    </span>
  );
}
