/** Sound, system notifications and the page's title when something comes in. */
import { nameOr } from "@contactcenter/shared/people";
import { useStore } from "@contactcenter/shared/store";
import { useEffect, useRef } from "react";

import { incomingCall } from "./calls";
import { useAgent, useDesk } from "./context";
import { queueName } from "./desk";
import { beepSound, messageSound, notify, offerSound, ringSound } from "./sound";
import { useT } from "./texts";

const REPEAT_MS = 4_000;
const RING_MS = 3_000;

export function useAlerts(): void {
  const t = useT();
  const desk = useDesk();
  const reservations = useAgent((state) => state.reservations);
  const interactions = useAgent((state) => state.interactions);
  const link = useStore(desk.live.link);
  const incoming = useAgent((state) => incomingCall(state)?.call_id ?? null);
  const offers = Object.keys(reservations).sort().join(" ");
  const unread = Object.values(interactions).reduce((sum, card) => sum + card.unread, 0);

  useEffect(() => {
    const state = desk.state.get();
    if ((offers === "" && incoming === null) || !state) return;
    const call = incoming !== null || offers.split(" ").some((id) => state.reservations[id]?.channel === "voice");
    const sound = incoming === null && state.me.auto_answer ? beepSound : call ? ringSound : offerSound;
    sound();
    const again = setInterval(sound, call ? RING_MS : REPEAT_MS);
    const shown = (offers === "" ? [] : offers.split(" ")).map((id) => {
      const offer = state.reservations[id];
      const name = nameOr(offer?.customer.name || offer?.customer.masked || "", offer?.customer.contact_id, t("visitor"));
      return notify(`${t("offer")} · ${queueName(state, offer?.queue ?? null)}`, name, id);
    });
    if (incoming !== null) shown.push(notify(t("softphone"), t("line_ringing"), incoming));
    return () => {
      clearInterval(again);
      for (const one of shown) one?.close();
    };
  }, [desk, offers, incoming, t]);

  const before = useRef(unread);
  useEffect(() => {
    if (unread > before.current && !document.hasFocus()) {
      messageSound();
      notify(t("newMessage"), t("unreadTotal", { count: unread }), "unread");
    }
    before.current = unread;
  }, [unread, t]);

  useEffect(() => {
    const mark = incoming !== null ? `● ${t("line_ringing")} · ` : offers !== "" ? `● ${t("offer")} · ` : unread > 0 ? `(${unread}) ` : "";
    document.title = `${link.kind === "lost" ? "⚠ " : ""}${mark}${t("deskTitle")}`;
  }, [offers, incoming, unread, link, t]);
}
