/** Set aside: until the customer answers, for a while, or until an hour. */
import type { InteractionCard } from "@contactcenter/shared/contract";
import { Icon } from "@contactcenter/shared/icons";
import { serverNow, useTimes } from "@contactcenter/shared/time";
import { Button, Dialog, Field, Menu } from "@contactcenter/shared/ui";
import { useState } from "react";

import { useT } from "./texts";

const MINUTE = 60_000;

export function SnoozeMenu(props: {
  card: InteractionCard;
  disabled: boolean;
  onSnooze: (until: string | null) => void;
  onHold: () => void;
}) {
  const t = useT();
  const times = useTimes();
  const [asking, setAsking] = useState(false);
  const { card, disabled, onSnooze, onHold } = props;
  const at = (minutes: number) => {
    const when = new Date(Math.ceil((serverNow() + minutes * MINUTE) / MINUTE) * MINUTE);
    return {
      id: `in-${minutes}`,
      label: minutes < 60 ? t("inMinutes", { count: minutes }) : t("inHours", { count: minutes / 60 }),
      icon: <span className="t12 x3 when">{times.hour(when.getTime())}</span>,
      onPick: () => onSnooze(when.toISOString()),
    };
  };
  return (
    <>
      <Menu
        className="btn small only-icon"
        label={t("snooze")}
        disabled={disabled}
        align="right"
        trigger={
          <>
            <Icon name="clock" />
            <span>{t("snooze")}</span>
          </>
        }
        entries={[
          {
            id: "customer",
            label: t("untilCustomer"),
            icon: <Icon name="person" />,
            disabled: card.segment?.state === "parked",
            onPick: () => onSnooze(null),
          },
          {
            id: "hold",
            label: t("hold"),
            icon: <Icon name="pause" />,
            disabled: card.segment?.state !== "active",
            onPick: onHold,
          },
          { kind: "line", id: "line" },
          at(15),
          at(30),
          at(60),
          at(180),
          { id: "pick", label: t("pickTime"), icon: <Icon name="clock" />, onPick: () => setAsking(true) },
        ]}
      />
      {asking && (
        <PickTime
          onClose={() => setAsking(false)}
          onPick={(until) => {
            setAsking(false);
            onSnooze(until);
          }}
        />
      )}
    </>
  );
}

/** A time of the centre's own day: today, or tomorrow when it has passed. */
function PickTime({ onClose, onPick }: { onClose: () => void; onPick: (until: string) => void }) {
  const t = useT();
  const times = useTimes();
  const [hour, setHour] = useState("");
  const [missing, setMissing] = useState(false);
  const until = instantOf(hour, times.hour(serverNow()));
  const pick = () => {
    if (until === null) setMissing(true);
    else onPick(new Date(until).toISOString());
  };
  return (
    <Dialog
      title={t("snooze")}
      closeLabel={t("close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" onClick={pick}>
            {t("snooze")}
          </Button>
        </>
      }
    >
      <Field label={t("snoozeAt")} type="time" value={hour} error={missing && until === null ? t("needTime") : undefined} onChange={(event) => setHour(event.target.value)} />
      <p className="t13 x2 one-line">{until === null ? "" : `${times.day(until)}, ${times.hour(until)}`}</p>
    </Dialog>
  );
}

/** The next instant at which the centre's clock shows `hour`, given that it shows `now`. */
export function instantOf(hour: string, now: string, from = serverNow()): number | null {
  const minutes = (text: string): number | null => {
    const found = /^(\d{2}):(\d{2})/.exec(text);
    return found ? Number(found[1]) * 60 + Number(found[2]) : null;
  };
  const wanted = minutes(hour);
  const present = minutes(now);
  if (wanted === null || present === null) return null;
  const ahead = (wanted - present + 1440) % 1440 || 1440;
  return Math.floor(from / MINUTE) * MINUTE + ahead * MINUTE;
}
