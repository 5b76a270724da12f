/**
 * The offer: bottom right, over the customer's column. It never takes the focus;
 * F9 or a click accepts, F8 and a digit reject; keys and buttons look and are
 * dead for its first 400 ms. Of several, the one that runs out first is shown.
 */
import type { CallCard, ReservationCard } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { duration, serverNow, useNow } from "@contactcenter/shared/time";
import { Button, Chip, cls, Ring } from "@contactcenter/shared/ui";
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from "react";

import { incomingCall, partner } from "./calls";
import { useAgent, useDesk, useLive } from "./context";
import { type Desk, OFFER_DEAD_MS, queueName } from "./desk";
import { Pop } from "./crm/Pop";
import { failureKey } from "./Status";
import { useT } from "./texts";

export const REJECT_REASONS = ["busy", "not_mine", "break"] as const;
type Reason = (typeof REJECT_REASONS)[number];
const REASON_MS = 4_000;

export function Offers() {
  const reservations = useAgent((state) => state.reservations);
  const gone = useStore(useDesk().offerGone);
  const open = useMemo(
    () => Object.values(reservations).sort((a, b) => a.expires_at.localeCompare(b.expires_at)),
    [reservations],
  );
  const first = open[0];
  const call = useAgent(incomingCall);
  return (
    <div className="offers">
      <div className="sr" role="status" aria-live="assertive">
        {call ? <SpokenCall call={call} /> : first ? <Spoken reservation={first} /> : null}
      </div>
      {call ? (
        <Incoming key={call.call_id} call={call} />
      ) : first ? (
        <Offer key={first.reservation_id} reservation={first} more={open.length - 1} />
      ) : (
        gone && <Gone gone={gone} />
      )}
    </div>
  );
}

const kindOf = ({ consult, handed }: ReservationCard) => (consult ? "consultIncoming" : handed ? "handedOffer" : "offer");

function Spoken({ reservation }: { reservation: ReservationCard }) {
  const t = useT();
  const state = useAgent((now) => now);
  const name = nameOr(reservation.customer.name || reservation.customer.masked || "", reservation.customer.contact_id, t("visitor"));
  const from = reservation.handed ? ` ${t("handedBy", { name: reservation.handed.from_name })}.` : "";
  return `${t(kindOf(reservation))}: ${t(`channel_${reservation.channel}`)}, ${queueName(state, reservation.queue)}, ${name}.${from} ${t("offerKeys")}`;
}

/** A colleague rings: the same place, keys and first moment as an offer; there is no reason to give. */
function Incoming({ call }: { call: CallCard }) {
  const t = useT();
  const { softphone } = useDesk();
  const live = useLive();
  const failure = useStore(softphone.failure);
  const ready = useStore(softphone.line).state === "ready";
  const [dead, setDead] = useState(true);
  const [early, setEarly] = useState(false);
  const usable = !dead && live;
  useEffect(() => {
    const timer = setTimeout(() => setDead(false), OFFER_DEAD_MS);
    return () => clearTimeout(timer);
  }, []);
  const accept = useCallback(() => void softphone.answer(call), [softphone, call]);
  const reject = useCallback(() => void softphone.reject(call), [softphone, call]);
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "F9" && event.key !== "F8") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat) return;
      setEarly(dead);
      if (!usable) return;
      if (event.key === "F9") accept();
      else reject();
    };
    addEventListener("keydown", onKey, { capture: true });
    return () => removeEventListener("keydown", onKey, { capture: true });
  }, [dead, usable, accept, reject]);
  return (
    <section className={cls("offer", !usable && "dead")} aria-label={t("line_ringing")} data-call={call.call_id}>
      <div className="offer-head">
        <Icon name="voice" size={20} className="c-acc" />
        <div className="grow">
          <p className="t12 x2 cut">{t(callKind(call))}</p>
          <p className="t16 b cut">{callerName(call) || t("someone")}</p>
        </div>
      </div>
      <p className="offer-sub x2 t13">{call.consult ? t("consultAbout", { name: partner(call)?.name || t("visitor") }) : ""}</p>
      <div className="offer-go">
        <Button kind="primary" size="large" keys="F9" disabled={!usable || !ready} onClick={accept}>
          {t("accept")}
        </Button>
        <Button className="offer-reject" size="large" keys="F8" disabled={!usable} onClick={reject}>
          {t("reject")}
        </Button>
      </div>
      <p className="offer-foot t12" role="alert">
        {failure ? (
          <span className="c-bad">{t(failureKey(failure.code))}</span>
        ) : !live ? (
          <span className="c-bad">{t("needsLink")}</span>
        ) : early ? (
          <span className="c-warn">{t("tooSoon")}</span>
        ) : null}
      </p>
    </section>
  );
}

const callKind = (call: CallCard) => (call.consult ? "consultIncoming" : "internal");

/** Who rings: whoever asks me in, else whoever called. */
function callerName(call: CallCard): string {
  const by = call.consult ? call.parties.find((one) => one.agent_id === call.consult?.by_agent_id) : partner(call);
  return by?.name ?? "";
}

function SpokenCall({ call }: { call: CallCard }) {
  const t = useT();
  return `${t("line_ringing")}: ${t(callKind(call))}, ${callerName(call) || t("someone")}. ${t("callKeys")}`;
}

function Gone({ gone }: { gone: NonNullable<ReturnType<Desk["offerGone"]["get"]>> }) {
  const t = useT();
  const { customer } = gone.reservation;
  return (
    <div className="offer gone" role="status">
      <p className="row">
        <Icon name="info" />
        <span>
          <b>{nameOr(customer.name || customer.masked || "", customer.contact_id, t("visitor"))}</b> · {t(`gone_${gone.how}`)}
        </span>
      </p>
    </div>
  );
}

function Offer({ reservation, more }: { reservation: ReservationCard; more: number }) {
  const t = useT();
  const desk = useDesk();
  const live = useLive();
  const state = useAgent((now) => now);
  const now = useNow(250);
  const answering = useStore(desk.answering, (all) => all[reservation.reservation_id]);
  const failure = useStore(desk.failures, (all) => all[reservation.reservation_id]);
  const [dead, setDead] = useState(true);
  const [early, setEarly] = useState(false);
  const [rejecting, setRejecting] = useState(false);
  const usable = !dead && live && !answering;

  useEffect(() => {
    const timer = setTimeout(() => setDead(false), OFFER_DEAD_MS);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    if (!rejecting) return;
    const timer = setTimeout(() => setRejecting(false), REASON_MS);
    return () => clearTimeout(timer);
  }, [rejecting]);

  const accept = useCallback(() => void desk.accept(reservation), [desk, reservation]);
  const reject = useCallback(
    (reason: Reason) => {
      setRejecting(false);
      void desk.reject(reservation, reason);
    },
    [desk, reservation],
  );
  const answersItself = state.me.auto_answer;
  useEffect(() => {
    if (answersItself && usable && !failure) accept();
  }, [answersItself, usable, failure, accept]);
  // In the same moment as what is painted: a card that looks alive takes the key.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "F9" && event.key !== "F8" && !rejecting) return;
      const digit = /^(?:Digit|Numpad)([1-3])$/.exec(event.code)?.[1];
      if (event.key === "F9" || event.key === "F8" || digit || event.key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
      }
      if (event.repeat) return;
      setEarly(dead);
      if (!usable) return;
      if (event.key === "F9") accept();
      else if (event.key === "F8") setRejecting(true);
      else if (event.key === "Escape") setRejecting(false);
      else if (digit) {
        const reason = REJECT_REASONS[Number(digit) - 1];
        if (reason) reject(reason);
      }
    };
    addEventListener("keydown", onKey, { capture: true });
    return () => removeEventListener("keydown", onKey, { capture: true });
  }, [dead, usable, rejecting, accept, reject]);

  const { customer, handed } = reservation;
  const left = Date.parse(reservation.expires_at) - now;
  const total = Date.parse(reservation.expires_at) - Date.parse(reservation.created_at);
  return (
    <section className={cls("offer", !usable && "dead")} aria-label={t("offer")} data-offer={reservation.reservation_id}>
      <div className="offer-head">
        <Icon name={reservation.channel} size={20} className="c-acc" />
        <div className="grow">
          <p className="t12 x2 cut">
            {`${t(kindOf(reservation))} · ${t(`channel_${reservation.channel}`)} · ${queueName(state, reservation.queue)}`}
          </p>
          <p className="t16 b cut">{nameOr(customer.name || customer.masked || "", customer.contact_id, t("visitor"))}</p>
        </div>
        <Ring left={left} total={total} label={t("secondsLeft", { count: Math.max(0, Math.ceil(left / 1000)) })} />
      </div>
      <div className="offer-sub">
        {customer.repeat_count > 0 ? (
          <Chip tone="warn" icon="repeat">
            {t("repeat", { n: customer.repeat_count + 1 })}
          </Chip>
        ) : (
          <span className="x3 t13 cut">{customer.name ? customer.masked : ""}</span>
        )}
        <span className="x2 t13 end">{t("waitedFor", { time: duration(now - Date.parse(reservation.waiting_since)) })}</span>
      </div>
      {handed && (
        <p className="offer-handed t13" title={handed.note ?? undefined}>
          <Icon name="swap" />
          <span>{handed.note ? t("handedNote", { name: handed.from_name, note: handed.note }) : t("handedBy", { name: handed.from_name })}</span>
        </p>
      )}
      <Pop interaction={reservation.interaction_id} />
      <ul className="offer-why">
        {whyLines(reservation, state, t).map((line) => (
          <li key={line}>
            <Icon name="check" className="c-ok" />
            <span className="cut">{line}</span>
          </li>
        ))}
      </ul>
      <div className="offer-go">
        <Button kind="primary" size="large" keys="F9" disabled={!usable} tabIndex={0} onClick={accept}>
          {t(answering === "accept" ? "accepting" : "accept")}
        </Button>
        <Button
          className="offer-reject"
          size="large"
          keys="F8"
          disabled={!usable}
          aria-expanded={rejecting}
          onClick={() => setRejecting(!rejecting)}
        >
          {t("reject")}
        </Button>
      </div>
      <div className={cls("offer-reasons", rejecting && "on")}>
        <span className="x2 hint-keys">{t("f8and")}</span>
        {REJECT_REASONS.map((reason, index) => (
          <button key={reason} type="button" disabled={!usable} onClick={() => reject(reason)}>
            <kbd aria-hidden="true">{index + 1}</kbd>
            {t(`reject_${reason}`)}
          </button>
        ))}
      </div>
      <p className="offer-foot t12" role="alert">
        {failure ? (
          <span className="c-bad">{t(failureKey(failure.code))}</span>
        ) : !live ? (
          <span className="c-bad">{t("needsLink")}</span>
        ) : early ? (
          <span className="c-warn">{t("tooSoon")}</span>
        ) : more > 0 ? (
          <span className="x2">{t("moreOffers", { count: more })}</span>
        ) : null}
      </p>
    </section>
  );
}

function whyLines(
  { why, waiting_since }: ReservationCard,
  state: ReturnType<Desk["state"]["get"]> & object,
  t: ReturnType<typeof useT>,
): string[] {
  const lines: string[] = [];
  if (why.preferred) lines.push(t("why_preferred"));
  for (const { skill, level, required } of why.skills) {
    const name = skillName(state, skill);
    lines.push(required > 0 ? t("why_skill", { skill: name, level, required }) : t("why_skill_any", { skill: name, level }));
  }
  lines.push(why.candidates > 1 ? t("why_candidates", { count: why.candidates }) : t("why_only"));
  if (lines.length < 3 && serverNow() - Date.parse(waiting_since) > 60_000) lines.push(t("why_waited"));
  return lines.slice(0, 3);
}

/** A skill is called like the queue that asks for it, when there is one of its name. */
function skillName(state: NonNullable<ReturnType<Desk["state"]["get"]>>, skill: string): string {
  return queueName(state, skill);
}
