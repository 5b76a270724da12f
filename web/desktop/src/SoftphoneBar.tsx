/** The softphone: the bar at the bottom, 64 px high in every state. Who, keys, network, the end. */
import type { CallCard } from "@contactcenter/shared/contract";
import { Icon, type IconName, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import type { PhoneTrouble } from "@contactcenter/shared/phone";
import { useStore } from "@contactcenter/shared/store";
import { duration, useNow } from "@contactcenter/shared/time";
import { Button, cls, Menu } from "@contactcenter/shared/ui";
import { type ReactNode, useCallback, useEffect, useState } from "react";

import { currentCall, incomingCall, isRecorded, partner, type PhoneAction, phoneActions } from "./calls";
import { callWords, named } from "./callwords";
import { useAgent, useDesk, useLive } from "./context";
import { queueName } from "./desk";
import { dialogOpen } from "./keys";
import { ConsultPanel, DevicePanel, DialPanel, KeypadPanel, Level } from "./SoftphonePanels";
import { failureKey } from "./Status";
import { type Key, useT } from "./texts";
import { Transfer } from "./Transfer";

type Panel = "dial" | "consult" | "keypad" | "devices" | "transfer";

/** One key of the bar; on a telephone all but the first two are entries of a menu. */
interface PhoneKey {
  id: string;
  icon: IconName;
  label: string;
  /** Pressed in: what it switches is on. */
  on?: boolean;
  disabled?: boolean;
  /** Alt and this letter. */
  letter?: string;
  opens?: Panel;
  press: () => void;
}

export function SoftphoneBar() {
  const t = useT();
  const call = useAgent(currentCall);
  const [panel, setPanel] = useState<Panel | null>(null);
  const close = useCallback(() => setPanel(null), []);
  const callId = call?.call_id;
  const [note, setNote] = useState("");
  useEffect(() => {
    setPanel(null);
    setNote("");
  }, [callId]);
  const bar = { panel, setPanel };
  return (
    <footer className={cls("phone", call && "in-call")} aria-label={t("softphone")}>
      {call ? <CallBar call={call} {...bar} /> : <IdleBar {...bar} />}
      {panel === "dial" && <DialPanel onClose={close} />}
      {panel === "devices" && <DevicePanel onClose={close} />}
      {call && panel === "keypad" && <KeypadPanel call={call} onClose={close} />}
      {call && panel === "consult" && <ConsultPanel call={call} note={note} onNote={setNote} onClose={close} />}
      {call && panel === "transfer" && <TransferCall call={call} onClose={close} />}
    </footer>
  );
}

interface BarProps {
  panel: Panel | null;
  setPanel: (panel: Panel | null) => void;
}

const TROUBLES: Record<PhoneTrouble, { what: Key; how: Key }> = {
  insecure: { what: "line_insecure", how: "do_insecure" },
  unsupported: { what: "line_unsupported", how: "do_unsupported" },
  refused: { what: "line_refused", how: "do_refused" },
  no_device: { what: "line_no_device", how: "do_no_device" },
  busy: { what: "line_busy", how: "do_busy" },
  no_pcmu: { what: "line_no_pcmu", how: "do_unsupported" },
  centre: { what: "line_centre", how: "do_centre" },
};

/** No call: whether one could come. */
function IdleBar({ panel, setPanel }: BarProps) {
  const t = useT();
  const { softphone } = useDesk();
  const ready = useStore(softphone.line).state === "ready";
  return (
    <>
      <LineState />
      <div className="phone-keys">
        <Keys
          keys={[
            { id: "dial", icon: "keypad", label: t("dial"), disabled: !ready, opens: "dial", press: () => setPanel(panel === "dial" ? null : "dial") },
            { id: "devices", icon: "headset", label: t("devices"), opens: "devices", press: () => setPanel(panel === "devices" ? null : "devices") },
          ]}
          panel={panel}
        />
      </div>
      <div className="phone-end">
        <LineButton />
      </div>
    </>
  );
}

/** The line in words, and when there is none, what to do: only calls are off then. */
export function LineState() {
  const t = useT();
  const { softphone } = useDesk();
  const line = useStore(softphone.line);
  const failure = useStore(softphone.failure);
  const echo = useStore(softphone.echo);
  const offered = useAgent((state) => Object.values(state.reservations).find((one) => one.channel === "voice"));
  const incoming = useAgent(incomingCall);
  const asks = offered && nameOr(offered.customer.name, offered.customer.contact_id, t("visitor"));
  const ringing = asks ?? (incoming && partner(incoming)?.name);
  const trouble = line.state === "trouble" ? TROUBLES[line.trouble] : null;
  const what: Key = trouble ? trouble.what : ringing != null ? "line_ringing" : `line_${line.state as Exclude<typeof line.state, "trouble">}`;
  const how = trouble ? t(trouble.how) : ringing != null ? ringing || t("visitor") : line.state === "ready" ? null : t(`do_${line.state as "off"}` as Key);
  return (
    <div className="phone-who">
      {trouble ? (
        <Icon name="triangle" className="c-warn" />
      ) : ringing != null ? (
        <StateShape state="ringing" />
      ) : (
        <Icon name="headset" className={line.state === "ready" ? "c-ok" : "x3"} />
      )}
      <div className="grow" role="status">
        <p className={cls("b", "cut", trouble && "c-warn")}>{t(what)}</p>
        <p className="t12 x2 phone-line" title={how ?? undefined}>
          {failure ? <span className="c-bad">{`${t(actionKey(failure.action))} ${t(failureKey(failure.code))}`}</span> : echo ? t("echoOn") : how}
        </p>
      </div>
    </div>
  );
}

export function LineButton() {
  const t = useT();
  const { softphone } = useDesk();
  const { state } = useStore(softphone.line);
  if (state !== "trouble" && state !== "off" && state !== "elsewhere") return null;
  return (
    <Button icon="headset" onClick={() => void softphone.open()}>
      {t(state === "trouble" ? "tryAgain" : state === "elsewhere" ? "useHere" : "turnOn")}
    </Button>
  );
}

function CallBar({ call, panel, setPanel }: BarProps & { call: CallCard }) {
  const t = useT();
  const now = useNow(1000);
  const live = useLive();
  const { softphone } = useDesk();
  const busy = useStore(softphone.busy);
  const me = useAgent((state) => state.me.agent_id);
  const talked = call.answered_at !== null;
  const can = (action: string) => ({ disabled: !live || busy.has(action) });
  const opens = (one: Panel) => ({ opens: one, press: () => setPanel(panel === one ? null : one) });
  const { record, state } = call;
  const held = state === "held";
  const talking = call.consult?.state === "talking";
  const mayToggle = talking || call.consult?.state === "waiting";
  const runs = record.state === "recording" || record.state === "notice";
  const paused = record.state === "paused";
  const known: Record<PhoneAction, Omit<PhoneKey, "id">> = {
    mute: { icon: call.muted ? "micOff" : "mic", label: t(call.muted ? "unmute" : "mute"), on: call.muted, letter: "M", ...can("call.mute"), press: () => void softphone.mute(call) },
    hold: { icon: held ? "play" : "pause", label: t(held ? "unhold" : "holdCall"), on: held, letter: "H", ...can("call.hold"), press: () => void softphone.hold(call) },
    keypad: { icon: "keypad", label: t("keypad"), letter: "K", ...opens("keypad") },
    toggle: { icon: "swap", label: t("toggle"), letter: "H", ...can("call.consult_toggle"), ...(mayToggle ? {} : { disabled: true }), press: () => void softphone.toggle(call) },
    consult: { icon: "consult", label: t("consult"), letter: "C", ...can("call.consult"), ...opens("consult") },
    conference: { icon: "addPerson", label: t("conference"), letter: "U", ...can("call.conference"), ...(talking ? {} : { disabled: true }), press: () => void softphone.conference(call) },
    complete: {
      icon: "check", label: t("complete"), letter: "L", ...can("call.consult_complete"), ...(talking || state === "conference" ? {} : { disabled: true }),
      press: () => void softphone.complete(call),
    },
    cancel: { icon: "close", label: t("consultCancel"), ...can("call.consult_cancel"), press: () => void softphone.cancel(call) },
    transfer: { icon: "swap", label: t("transfer"), ...opens("transfer") },
    record: {
      icon: runs ? "recordPause" : "record", label: t(runs ? "recordPause" : paused ? "recordResume" : "recordStart"), letter: "G", ...can("call.record"),
      press: () => void softphone.record(call, runs ? "pause" : paused ? "resume" : "start"),
    },
    "record-stop": { icon: "close", label: t("recordStop"), ...can("call.record"), press: () => void softphone.record(call, "stop") },
  };
  const keys: PhoneKey[] = phoneActions(call, me).map((id) => ({ id, ...known[id] }));
  const hangUp = useCallback(() => void softphone.hangUp(call), [softphone, call]);
  usePhoneKeys(keys, hangUp);

  const name = useAgent((state) => named(state, call, partner(call), t));
  return (
    <>
      <div className="phone-who">
        <StateShape state={talked ? "on_contact" : "ringing"} />
        <div className="grow">
          <p className="row phone-name">
            <b className="cut">{name}</b>
            <b className="phone-time">{duration(now - Date.parse(call.answered_at ?? call.started_at))}</b>
          </p>
          <p className="t12 x2 row phone-line">
            <CallLine call={call} now={now} />
          </p>
        </div>
      </div>
      <div className="phone-keys">
        <Keys keys={keys} panel={panel} more={[{ id: "devices", icon: "headset", label: t("devices"), press: () => setPanel("devices") }]} />
      </div>
      <div className="phone-end">
        <Network />
        <button
          type="button"
          className="ib phone-devices"
          aria-label={t("devices")}
          title={t("devices")}
          aria-expanded={panel === "devices"}
          onClick={() => setPanel(panel === "devices" ? null : "devices")}
        >
          <Icon name="headset" />
        </button>
        <Button kind="danger" size="large" className="hang-up" disabled={!live || busy.has("call.hangup")} title={live ? t("hangUpKeys") : t("needsLink")} onClick={hangUp}>
          <Icon name="hangUp" size={20} />
          <span>{t("hangUp")}</span>
        </Button>
      </div>
    </>
  );
}

/** What stands out about the call, the most urgent first. */
function CallLine({ call, now }: { call: CallCard; now: number }) {
  const t = useT();
  const { softphone } = useDesk();
  const state = useAgent((all) => all);
  const line = useStore(softphone.line);
  const failure = useStore(softphone.failure);
  const wrong = (icon: IconName, text: string, tone: "c-bad" | "c-warn") => (
    <span className={cls("row", "g4", "cut", tone)} role="alert">
      <Icon name={icon} size={12} />
      <span className="cut" title={text}>
        {text}
      </span>
    </span>
  );
  const tape = isRecorded(call) ? `record_${call.record.state}` as const : null;
  const calm = (mark: ReactNode, text: string) => (
    <span className="row g4 cut" role="status">
      {tape && (
        <span className="row rec-mark" title={t(tape)}>
          <Icon name={call.record.state === "paused" ? "recordPause" : "record"} size={12} className={call.record.state === "paused" ? undefined : "c-bad"} />
          <span className="sr">{`${t(tape)} · `}</span>
        </span>
      )}
      {mark}
      <span className="cut" title={text}>
        {text}
      </span>
    </span>
  );
  if (failure) return wrong("octagon", `${t(actionKey(failure.action))} ${t(failureKey(failure.code))}`, "c-bad");
  if (line.state === "elsewhere") return wrong("triangle", t("line_elsewhere"), "c-warn");
  if (line.state === "trouble") return wrong("octagon", t(TROUBLES[line.trouble].what), "c-bad");
  if (line.state === "lost") return wrong("triangle", t("line_lost"), "c-warn");
  const words = callWords(call, state, t, now);
  if (words?.warn) return wrong(words.icon, words.text, "c-warn");
  if (call.answered_at === null) return calm(null, t(call.state === "ringing" ? "ringsThere" : "dialling"));
  if (words) return calm(<Icon name={words.icon} size={12} />, words.text);
  if (call.record.mode === "off" && call.record.state === "off")
    return (
      <>
        <span className="cut">{call.queue ? queueName(state, call.queue) : t("internal")}</span>
        <Level />
      </>
    );
  return (
    <>
      {calm(tape ? null : <Icon name="record" size={12} />, t(`record_${call.record.state}`))}
      <Level />
    </>
  );
}

/** `more`: only in the menu. */
function Keys({ keys, panel, more = [] }: { keys: PhoneKey[]; panel: Panel | null; more?: PhoneKey[] }) {
  const t = useT();
  return (
    <>
      {keys.map((one) => (
        <button
          key={one.id}
          type="button"
          className={cls("pk", one.on && "on")}
          data-key={one.id}
          disabled={one.disabled}
          aria-pressed={one.on}
          aria-expanded={one.opens ? panel === one.opens : undefined}
          aria-keyshortcuts={one.letter ? `Alt+${one.letter}` : undefined}
          title={one.letter ? `${one.label} (Alt ${one.letter})` : one.label}
          onClick={one.press}
        >
          <Icon name={one.icon} size={20} />
          <span>{one.label}</span>
        </button>
      ))}
      {more.length > 0 && (
        <span className="pk-more">
          <Menu
            up
            align="right"
            className="ib"
            label={t("moreKeys")}
            trigger={<Icon name="dots" size={20} />}
            entries={[...keys.slice(2), ...more].map((one) => ({
              id: one.id,
              label: one.label,
              icon: <Icon name={one.icon} />,
              disabled: one.disabled === true,
              onPick: one.press,
            }))}
          />
        </span>
      )}
    </>
  );
}

/** Alt and a letter press a key of the bar, from a field too; the focus stays where it is. */
function usePhoneKeys(keys: PhoneKey[], hangUp: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat || dialogOpen()) return;
      const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
      if (letter === undefined) return;
      if (event.shiftKey) {
        if (letter !== "X") return;
        event.preventDefault();
        return hangUp();
      }
      const key = keys.find((one) => one.letter === letter);
      if (!key) return;
      event.preventDefault();
      if (!key.disabled) key.press();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
}

const WIDTH = 48;
const HEIGHT = 10;

/** The line in one word, and its last minute as a curve. */
function Network() {
  const t = useT();
  const { softphone } = useDesk();
  const quality = useStore(softphone.quality);
  const history = useStore(softphone.history);
  const word = quality?.word ?? null;
  const points = history.map((mos, index) => `${(index / Math.max(1, history.length - 1)) * WIDTH},${HEIGHT - ((mos - 1) / 3.5) * HEIGHT}`);
  const exact = quality
    ? t("networkExact", {
        loss: (quality.loss * 100).toFixed(1),
        jitter: Math.round(quality.jitter_ms),
        rtt: quality.rtt_ms === null ? "–" : Math.round(quality.rtt_ms),
        mos: quality.mos.toFixed(1),
      })
    : undefined;
  return (
    <div className="net t12" title={exact}>
      <p className="x2">
        {t("network")}{" "}
        <b className={cls(word === "good" && "c-ok", word === "fair" && "c-warn", word === "poor" && "c-bad")}>
          {word ? t(`network_${word}`) : "–"}
        </b>
      </p>
      <svg className={cls("spark", word)} width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        {points.length > 1 && <polyline points={points.join(" ")} />}
      </svg>
    </div>
  );
}

/** Blind: the customer goes back into a queue, or to a colleague, and I am done. */
function TransferCall({ call, onClose }: { call: CallCard; onClose: () => void }) {
  const card = useAgent((state) => state.interactions[call.interaction_id]);
  return card ? <Transfer card={card} onClose={onClose} /> : null;
}

const FAILS: Record<string, Key> = {
  "call.dial": "fail_call_dial",
  "call.mute": "fail_call_mute",
  "call.hold": "fail_call_hold",
  "call.dtmf": "fail_call_dtmf",
  "call.consult": "fail_call_consult",
  "call.consult_toggle": "fail_call_toggle",
  "call.consult_complete": "fail_call_complete",
  "call.consult_cancel": "fail_call_cancel",
  "call.conference": "fail_call_conference",
  "call.record": "fail_call_record",
  "call.hangup": "fail_call_hangup",
  "call.echo_test": "fail_call_echo",
};
const actionKey = (action: string): Key => FAILS[action] ?? "fail_other";
