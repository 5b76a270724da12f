/** /admin: its sections, each with an address of its own. What one may not do is not there. */
import { leave, session } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { LanguageMenu, ThemeButton } from "@contactcenter/shared/prefs-ui";
import { placesOf } from "@contactcenter/shared/signin";
import { useStore } from "@contactcenter/shared/store";
import { Menu } from "@contactcenter/shared/ui";
import { type MouseEvent, useEffect, useRef, useState } from "react";

import { Audit } from "./audit";
import { Outcomes } from "./outcomes";
import { Privacy } from "./privacy";
import { Recording } from "./recording";
import { Replies } from "./replies";
import { Roles } from "./roles";
import { Teams } from "./teams";
import { useT } from "./texts";
import { Users } from "./users";

const SECTIONS = [
  { key: "users", needs: "users.manage", Page: Users },
  { key: "roles", needs: "users.manage", Page: Roles },
  { key: "teams", needs: "users.manage", Page: Teams },
  { key: "replies", needs: "queues.manage", Page: Replies },
  { key: "outcomes", needs: "queues.manage", Page: Outcomes },
  { key: "recording", needs: "queues.manage", Page: Recording },
  { key: "audit", needs: "audit.read", Page: Audit },
  { key: "privacy", needs: "privacy.manage", Page: Privacy },
] as const;

const here = (): string => location.pathname.split("/")[2] ?? "";

export function AdminPage() {
  const t = useT();
  const me = useStore(session);
  const [at, setAt] = useState(here);
  useEffect(() => {
    const moved = () => setAt(here());
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const shown = SECTIONS.filter((one) => me?.permissions.includes(one.needs));
  const present = shown.find((one) => one.key === at) ?? shown[0];
  const name = present?.key;
  const sections = useRef<HTMLElement>(null);
  useEffect(() => {
    if (name) document.title = `${t(name)} · ${t("admin")}`;
    // On a telephone the sections are wider than the screen.
    sections.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [t, name]);
  if (!me || !present) return null;
  const go = (event: MouseEvent<HTMLAnchorElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", event.currentTarget.href);
    setAt(here());
  };
  return (
    <div className="adm">
      <header className="top">
        <span className="t16 b">{t("admin")}</span>
        <nav ref={sections} aria-label={t("sections")}>
          {shown.map((one) => (
            <a
              key={one.key}
              href={`/admin/${one.key}`}
              aria-current={one === present ? "page" : undefined}
              onClick={go}
            >
              {t(one.key)}
            </a>
          ))}
        </nav>
        <span className="top-end">
          <LanguageMenu />
          <ThemeButton />
          <Menu
            className="btn quiet me"
            align="right"
            trigger={
              <>
                <span className="cut">{`${me.user.first_name} ${me.user.last_name}`.trim()}</span>
                <Icon name="down" />
              </>
            }
            entries={[
              { kind: "caption", id: "mail", label: me.user.email },
              ...placesOf(me)
                .filter((place) => place !== "admin")
                .map((place) => ({
                  id: place,
                  label: t(place as "desk" | "wallboard" | "account"),
                  onPick: () => location.assign(`/${place}`),
                })),
              { kind: "line", id: "line" },
              { id: "out", label: t("out"), icon: <Icon name="out" />, onPick: leave },
            ]}
          />
        </span>
      </header>
      <main>
        <h1 className="t20 b">{t(present.key)}</h1>
        <present.Page />
      </main>
    </div>
  );
}
