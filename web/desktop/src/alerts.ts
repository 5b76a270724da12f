/** Sound, system notifications and the page's title when something comes in. */
import { useStore } from "@contactcenter/shared/store";
import { useEffect, useRef } from "react";

import { useAgent, useDesk } from "./context";
import { queueName } from "./desk";
import { messageSound, notify, offerSound } from "./sound";
import { useT } from "./texts";

const REPEAT_MS = 4_000;

export function useAlerts(): void {
  const t = useT();
  const desk = useDesk();
  const reservations = useAgent((state) => state.reservations);
  const interactions = useAgent((state) => state.interactions);
  const link = useStore(desk.live.link);
  const offers = Object.keys(reservations).sort().join(" ");
  const unread = Object.values(interactions).reduce((sum, card) => sum + card.unread, 0);

  useEffect(() => {
    const state = desk.state.get();
    if (offers === "" || !state) return;
    offerSound();
    const again = setInterval(offerSound, REPEAT_MS);
    const shown = offers.split(" ").map((id) => {
      const offer = state.reservations[id];
      const name = offer?.customer.name || offer?.customer.masked || t("visitor");
      return notify(`${t("offer")} · ${queueName(state, offer?.queue ?? null)}`, name, id);
    });
    return () => {
      clearInterval(again);
      for (const one of shown) one?.close();
    };
  }, [desk, offers, t]);

  const before = useRef(unread);
  useEffect(() => {
    if (unread > before.current && !document.hasFocus()) {
      messageSound();
      notify(t("newMessage"), t("unreadTotal", { count: unread }), "unread");
    }
    before.current = unread;
  }, [unread, t]);

  useEffect(() => {
    const mark = offers !== "" ? `● ${t("offer")} · ` : unread > 0 ? `(${unread}) ` : "";
    document.title = `${link.kind === "lost" ? "⚠ " : ""}${mark}${t("deskTitle")}`;
  }, [offers, unread, link, t]);
}
