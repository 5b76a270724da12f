/** Hand it on: to a queue or a colleague, with a note that the customer does not see. */
import type { InteractionCard } from "@contactcenter/shared/contract";
import { Icon, StateShape } from "@contactcenter/shared/icons";
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { Button, cls, Dialog, ErrorLine } from "@contactcenter/shared/ui";
import { useMemo, useState } from "react";

import { useAgent, useDesk, useLive } from "./context";
import { queueName } from "./desk";
import { team } from "./lists";
import { failureKey } from "./Status";
import { useT } from "./texts";

type Target = { queue: string } | { agent_id: string };

export function Transfer({ card, onClose: close }: { card: InteractionCard; onClose: () => void }) {
  const t = useT();
  const desk = useDesk();
  // What was refused here is said here: it does not stay after the dialog.
  const onClose = () => {
    desk.dismissFailure(card.interaction_id);
    close();
  };
  const live = useLive();
  const state = useAgent((now) => now);
  const failure = useStore(desk.failures, (all) => all[card.interaction_id]);
  const [search, setSearch] = useState("");
  const [target, setTarget] = useState<Target | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const [missing, setMissing] = useState(false);

  const found = (name: string) => name.toLowerCase().includes(search.trim().toLowerCase());
  const queues = Object.values(state.queues).filter((one) => found(queueName(state, one.key)));
  const mates = useMemo(() => team(state).filter((one) => one.channels.includes(card.channel)), [state, card.channel]).filter((one) => found(one.name));
  const waiting = useMemo(() => {
    const counts = new Map<string, number>();
    for (const item of Object.values(state.queue)) counts.set(item.queue, (counts.get(item.queue) ?? 0) + 1);
    return counts;
  }, [state.queue]);

  const go = async () => {
    if (!target) return setMissing(true);
    setBusy(true);
    const done = await desk.act(card.interaction_id, "interaction.transfer", {
      ...target,
      ...(note.trim() ? { note: note.trim() } : {}),
    });
    setBusy(false);
    if (done) onClose();
  };
  const same = (one: Target): boolean => JSON.stringify(one) === JSON.stringify(target);
  const option = (one: Target, key: string, children: React.ReactNode) => (
    <li key={key}>
      <label className={cls("option", same(one) && "on")}>
        <input
          type="radio"
          name="target"
          checked={same(one)}
          onChange={() => {
            setTarget(one);
            setMissing(false);
          }}
        />
        {children}
      </label>
    </li>
  );
  return (
    <Dialog
      title={t("transferTitle", { name: nameOr(card.customer.name, card.customer.contact_id, t("visitor")) })}
      closeLabel={t("close")}
      onClose={onClose}
      wide
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" icon="swap" disabled={busy || !live} onClick={() => void go()}>
            {t(busy ? "transferring" : "transfer")}
          </Button>
        </>
      }
    >
      <input
        className="input"
        type="search"
        autoFocus
        aria-label={t("transferSearch")}
        placeholder={t("transferSearch")}
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <div className="targets">
        <fieldset>
          <legend className="t13 b">{t("queues")}</legend>
          <ul>
            {queues.map((one) =>
              option({ queue: one.key }, one.key, (
                <>
                  <Icon name="people" />
                  <span className="grow cut">{queueName(state, one.key)}</span>
                  {state.me.queues.includes(one.key) && <span className="t12 x3">{t("waitingCount", { count: waiting.get(one.key) ?? 0 })}</span>}
                </>
              )),
            )}
          </ul>
        </fieldset>
        <fieldset>
          <legend className="t13 b">{t("colleagues")}</legend>
          <ul>
            {mates.map((one) =>
              option({ agent_id: one.agent_id }, one.agent_id, (
                <>
                  <StateShape state={one.state} />
                  <span className="grow cut">{one.name}</span>
                  <span className="t12 x3">{t(`state_${one.state}`)}</span>
                </>
              )),
            )}
            {mates.length === 0 && <li className="empty">{t("nobody")}</li>}
          </ul>
        </fieldset>
      </div>
      <label className="field">
        <span className="lab">
          {t("transferNote")} <span className="x3 t12">{t("noteHidden")}</span>
        </span>
        <textarea className="input note-in" rows={2} maxLength={2000} value={note} onChange={(event) => setNote(event.target.value)} />
      </label>
      <ErrorLine
        error={
          failure?.action === "interaction.transfer"
            ? t(failureKey(failure.code))
            : missing
              ? t("chooseTarget")
              : !live
                ? t("needsLink")
                : undefined
        }
      />
    </Dialog>
  );
}
