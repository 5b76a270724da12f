/** Status, search, the connection, sound, language, theme, help, me. */
import { session } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { LanguageMenu, ThemeButton, VolumeMenu } from "@contactcenter/shared/prefs-ui";
import { useStore } from "@contactcenter/shared/store";
import { cls, IconButton, Menu } from "@contactcenter/shared/ui";
import { useEffect, useState } from "react";

import { useDesk } from "./context";
import { Search } from "./Search";
import { askNotifications, messageSound } from "./sound";
import { StatusMenu } from "./Status";
import { useT } from "./texts";

export function TopBar({ onHelp, onSignOut }: { onHelp: () => void; onSignOut: () => void }) {
  const t = useT();
  const me = useStore(session);
  const name = me?.agent?.name ?? `${me?.user.first_name ?? ""} ${me?.user.last_name ?? ""}`.trim();
  return (
    <header className="top">
      <h1 className="sr">{t("deskTitle")}</h1>
      <div className="top-status">
        <StatusMenu />
      </div>
      <div className="top-middle">
        <Search />
        <LinkChip />
      </div>
      <div className="top-end">
        <VolumeMenu
          onTry={() => {
            askNotifications();
            messageSound();
          }}
        />
        <LanguageMenu />
        <ThemeButton />
        <IconButton icon="help" label={t("shortcuts")} aria-keyshortcuts="?" onClick={onHelp} />
        <Menu
          className="btn quiet me"
          align="right"
          label={name}
          trigger={
            <>
              <span className="cut">{name}</span>
              <Icon name="down" />
            </>
          }
          entries={[
            { kind: "caption", id: "mail", label: me?.user.email ?? "" },
            { id: "keys", label: t("shortcuts"), icon: <Icon name="keyboard" />, onPick: onHelp },
            { kind: "line", id: "line" },
            { id: "out", label: t("signOut"), icon: <Icon name="out" />, onPick: onSignOut },
          ]}
        />
      </div>
    </header>
  );
}

/** The state of the connection, always in the same place. */
export function LinkChip() {
  const t = useT();
  const { live } = useDesk();
  const link = useStore(live.link);
  const lost = link.kind === "lost";
  const [, tick] = useState(0);
  useEffect(() => {
    if (!lost) return;
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [lost]);
  if (link.kind === "lost") {
    const seconds = link.retryAt === null ? null : Math.ceil((link.retryAt - Date.now()) / 1000);
    return (
      <button type="button" className="link-chip lost chip bad" onClick={live.retryNow} title={t("retryNow")}>
        <Icon name="octagon" size={12} />
        <span className="cut" role="status">
          {t(link.crowded ? "linkCrowded" : "linkLost")}
          <span aria-hidden="true">
            {" · "}
            {seconds === null ? t("linkNoNetwork") : seconds > 0 ? t("linkRetry", { count: seconds }) : t("linkTrying")}
          </span>
        </span>
      </button>
    );
  }
  return (
    <span className={cls("link-chip", link.kind === "live" ? "c-ok" : "x2")} role="status">
      <Icon name="wifi" />
      {t(link.kind === "live" ? "linkLive" : "linkConnecting")}
    </span>
  );
}
