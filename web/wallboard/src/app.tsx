/** The wallboard's page: from a chair, or as a television. */
import { session } from "@contactcenter/shared/api";
import { Icon } from "@contactcenter/shared/icons";
import { useStore } from "@contactcenter/shared/store";
import { useNow } from "@contactcenter/shared/time";
import { Button, Dialog } from "@contactcenter/shared/ui";
import { useEffect, useState } from "react";

import { Agents } from "./agents";
import { Board } from "./board";
import { ContactsChart, ServiceChart } from "./charts";
import { BoardContext, useBoard, useShown } from "./context";
import { Drill } from "./drill";
import { halves } from "./model";
import { Alarm, QueueTable } from "./queues";
import { useT } from "./texts";
import { Television } from "./tv";
import { Figures, Strip, TopBar, useTop } from "./top";

export function WallboardPage() {
  const [board] = useState(() => new Board());
  const state = useStore(board.state);
  const link = useStore(board.live.link);
  const tv = useStore(board.tv);
  const t = useT();
  useEffect(() => {
    board.start();
    return () => board.stop();
  }, [board]);
  useEffect(() => {
    document.title = t("board");
  }, [t]);
  useEffect(() => {
    const left = () => {
      if (!document.fullscreenElement && board.tv.get()) board.setTv(false);
    };
    document.addEventListener("fullscreenchange", left);
    return () => document.removeEventListener("fullscreenchange", left);
  }, [board]);

  if (link.kind === "refused")
    return (
      <main className="hollow whole">
        <p role="alert">{t("refused")}</p>
        <Button onClick={() => session.set(null)}>{t("signInAgain")}</Button>
      </main>
    );
  if (!state)
    return (
      <main className="hollow whole" aria-busy="true">
        <span className="bone" style={{ width: 160 }} role="status" aria-label={t("loading")} />
      </main>
    );
  return (
    <BoardContext.Provider value={board}>
      <Alarm />
      {tv ? <Tv /> : <Chair />}
    </BoardContext.Provider>
  );
}

/** A key that belongs to a field is not a shortcut. */
function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return target.matches("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey;
}

function Tv() {
  const board = useBoard();
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (!typing(event) && (event.key.toLowerCase() === "f" || event.key === "Escape")) board.setTv(false);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [board]);
  return <Television />;
}

function Chair() {
  const board = useBoard();
  const t = useT();
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (typing(event) || document.querySelector("dialog[open], [role=menu]")) return;
      if (event.key.toLowerCase() === "f") board.setTv(true);
      else if (event.key === "?") setHelp(true);
      else if (event.key === "Escape") board.choice.set(null);
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [board]);
  return (
    <div className="wb">
      <TopBar onHelp={() => setHelp(true)} />
      <main>
        <Figures />
        <Strip />
        <QueueTable />
        <Charts />
        <Agents />
      </main>
      <Drill />
      {help && (
        <Dialog title={t("helpTitle")} closeLabel={t("close")} onClose={() => setHelp(false)}>
          <dl className="keys">
            {(
              [
                ["F", "helpTv"],
                ["← ↑ → ↓", "helpArrows"],
                ["Enter", "helpEnter"],
                ["Esc", "helpEsc"],
                ["?", "helpHelp"],
              ] as const
            ).map(([keys, what]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{t(what)}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </div>
  );
}

function Charts() {
  const t = useT();
  const board = useBoard();
  const { state, view } = useShown();
  const now = useNow(30_000);
  const { goal } = useTop();
  const rows = halves(state, view, now);
  const pick = (figure: string) => (half: number) => board.choice.set({ kind: "figure", figure, queue: view.queue, half });
  return (
    <div className="charts">
      <section className="card" aria-labelledby="chart-contacts">
        <header>
          <h2 id="chart-contacts">{t("chartContacts")}</h2>
          <span className="x3 t12 end">{t("chartContactsKey")}</span>
        </header>
        <div className="plot">{rows.length > 0 ? <ContactsChart rows={rows} onPick={pick("offered")} /> : <Empty />}</div>
      </section>
      <section className="card" aria-labelledby="chart-service">
        <header>
          <h2 id="chart-service">{t("chartService")}</h2>
          <span className="x3 t12 end">{t("chartServiceKey")}</span>
        </header>
        <div className="plot">{rows.length > 0 ? <ServiceChart rows={rows} onPick={pick("service_level")} goal={goal} /> : <Empty />}</div>
      </section>
    </div>
  );
}

function Empty() {
  const t = useT();
  return (
    <p className="hollow">
      <Icon name="clock" />
      {t("chartEmpty")}
    </p>
  );
}
