/** The desk's frame: bar, lists, conversation, customer, and what floats above them. */
import { session } from "@contactcenter/shared/api";
import { useStore } from "@contactcenter/shared/store";
import { cls, IconButton } from "@contactcenter/shared/ui";
import { Icon, type IconName } from "@contactcenter/shared/icons";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";

import { Boundary } from "./Boundary";
import { DeskContext, useAgent, useDesk } from "./context";
import { Conversation } from "./Conversation";
import { Customer } from "./Customer";
import { Desk } from "./desk";
import { Lists } from "./Lists";
import { Offers } from "./Offers";
import { useAlerts } from "./alerts";
import { Settings, Shortcuts } from "./Settings";
import { useT } from "./texts";
import { LineButton, LineState, SoftphoneBar } from "./SoftphoneBar";
import { PhonePage } from "./SoftphonePanels";
import { TopBar } from "./TopBar";
import { place as placeAt } from "./crm/place";
import { useAltKeys, useShortcuts } from "./keys";
import { Why } from "./Why";
import { SignOff } from "./Status";

/** The pages are loaded when the first of them is opened. */
const CrmPage = lazy(() => import("./crm/Page"));

type Pane = "inbox" | "conversation" | "customer" | "phone" | "settings";

export function DeskPage() {
  const t = useT();
  const current = useStore(session);
  const userId = current?.user.id ?? "";
  const desk = useMemo(() => new Desk(userId), [userId]);
  const state = useStore(desk.state);
  const link = useStore(desk.live.link);
  useEffect(() => {
    desk.start();
    return desk.stop;
  }, [desk]);
  useEffect(() => {
    if (link.kind === "refused" && link.code === "unauthenticated") session.set(null);
  }, [link]);

  if (link.kind === "refused")
    return (
      <main className="hollow full">
        <Icon name="lock" size={24} />
        <h1 className="t16 b">{t("noDesk")}</h1>
        <p>{t("noDeskHint")}</p>
      </main>
    );
  if (!state)
    return (
      <main className="hollow full" aria-busy="true">
        <h1 className="sr">{t("deskTitle")}</h1>
        <p role="status">{link.kind === "lost" ? t(link.crowded ? "linkCrowded" : "linkFirst") : t("loading")}</p>
      </main>
    );
  return (
    <DeskContext value={desk}>
      <Frame />
    </DeskContext>
  );
}

function Frame() {
  const t = useT();
  const desk = useDesk();
  const view = useStore(desk.view);
  const [pane, setPane] = useState<Pane>("inbox");
  const [panel, setPanel] = useState(false);
  const [why, setWhy] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const line = useStore(desk.softphone.line);
  const viewId = view.kind === "none" ? null : view.id;
  const place = useStore(desk.place);
  const placed = place !== null;

  useEffect(() => setWhy(null), [viewId]);
  useEffect(() => {
    setPane(viewId || placed ? "conversation" : "inbox");
  }, [viewId, placed]);
  /** The gate is in the conversation, which on a narrow screen the customer covers. */
  const verify = (interaction: string) => {
    desk.verify(interaction);
    setPanel(false);
    setPane("conversation");
  };
  useAlerts();
  useShortcuts({ onHelp: () => setHelp(true) });
  useAltKeys({
    a: () => desk.go(placeAt("tasks")),
    v: placed && viewId ? () => desk.open(viewId) : undefined,
  });
  const waiting = useAgent((state) => state.interactions);
  const unread = Object.values(waiting).reduce((sum, card) => sum + card.unread, 0);

  return (
    <div className="desk" data-pane={pane}>
      <TopBar onHelp={() => setHelp(true)} onSignOut={() => setLeaving(true)} />
      <main className="stage">
      <Boundary of="lists">
        <Lists onOpen={() => setPane("conversation")} />
      </Boundary>
      {place ? (
        <Suspense fallback={<section className="main" aria-busy="true" />}>
          <CrmPage at={place} />
        </Suspense>
      ) : (
      <Boundary of={viewId ?? ""}>
        <Conversation onWhy={setWhy} onCustomer={() => setPanel(true)} onBack={() => setPane("inbox")} />
      </Boundary>
      )}
      <section className={cls("panel", panel && "open")} aria-label={t("customer")}>
        <IconButton className="panel-close" icon="close" label={t("close")} onClick={() => setPanel(false)} />
        <Boundary of={viewId ?? ""}>
          <Customer onVerify={verify} />
        </Boundary>
      </section>
      {panel && <button type="button" className="scrim" aria-label={t("close")} onClick={() => setPanel(false)} />}
      {pane === "phone" && (
        <PhonePage>
          <div className="row">
            <LineState />
            <LineButton />
          </div>
        </PhonePage>
      )}
      <Settings onHelp={() => setHelp(true)} onSignOut={() => setLeaving(true)} />
      </main>
      <Boundary of="phone">
        <SoftphoneBar />
      </Boundary>
      <nav className="tabbar" aria-label={t("sections")}>
        <Tab pane="inbox" now={pane} icon="inbox" label={t("inbox")} badge={unread} onPick={setPane} />
        <Tab pane="conversation" now={pane} icon="chat" label={t("conversation")} onPick={setPane} />
        <Tab pane="customer" now={pane} icon="person" label={t("customer")} onPick={setPane} />
        <Tab pane="phone" now={pane} icon="keypad" label={t("softphone")} alert={line.state === "trouble" ? t("line_trouble") : undefined} onPick={setPane} />
        <Tab pane="settings" now={pane} icon="dots" label={t("more")} onPick={setPane} />
      </nav>
      <Boundary of="offers">
        <Offers />
      </Boundary>
      {why && (
        <Boundary of={why}>
          <Why id={why} onClose={() => setWhy(null)} />
        </Boundary>
      )}
      {help && <Shortcuts onClose={() => setHelp(false)} />}
      {leaving && <SignOff onClose={() => setLeaving(false)} />}
    </div>
  );
}

function Tab(props: {
  pane: Pane;
  now: Pane;
  icon: IconName;
  label: string;
  badge?: number;
  /** Something is wrong there. */
  alert?: string | undefined;
  onPick: (pane: Pane) => void;
}) {
  const t = useT();
  const { pane, now, icon, label, badge, alert, onPick } = props;
  return (
    <button type="button" aria-current={pane === now ? "page" : undefined} onClick={() => onPick(pane)}>
      <Icon name={icon} size={20} />
      {label}
      {badge ? (
        <span className="badge">
          {badge}
          <span className="sr"> {t("unread")}</span>
        </span>
      ) : null}
      {alert && (
        <span className="badge alert">
          <Icon name="triangle" size={12} />
          <span className="sr"> {alert}</span>
        </span>
      )}
    </button>
  );
}
