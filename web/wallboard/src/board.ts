/** The page's live data: the state, when it was last heard of, what is chosen. */
import { api } from "@contactcenter/shared/api";
import { Live } from "@contactcenter/shared/live";
import { remembered, Store } from "@contactcenter/shared/store";
import { setServerClock } from "@contactcenter/shared/time";

import { alarmSound } from "./alarm";
import { type Changes, FORMULAS, MEDIA, merge, type View, type WallboardState } from "./model";

/** What the drill-down column shows. */
export type Choice =
  | { kind: "figure"; figure: string; queue: string | null; half?: number }
  | { kind: "agents"; queue: string | null }
  | { kind: "pending"; queue: string | null }
  | { kind: "agent"; agentId: string };

/** What a number opens when it is pressed; `free` is about people, `pending` is a list, the others have a sum. */
export const opened = (figure: string, queue: string | null): Choice =>
  figure === "free" ? { kind: "agents", queue } : figure === "pending" ? { kind: "pending", queue } : { kind: "figure", figure, queue };

export const isOpen = (choice: Choice | null, figure: string, queue: string | null): boolean =>
  figure === "free"
    ? choice?.kind === "agents" && choice.queue === queue
    : figure === "pending"
      ? choice?.kind === "pending" && choice.queue === queue
      : choice?.kind === "figure" && choice.figure === figure && choice.queue === queue && choice.half === undefined;

export interface Demo {
  traffic: number;
  hail: boolean;
}

const DEFAULT_VIEW: View = { queue: null, medium: "live", formula: "centre" };

function rememberedView(): View {
  const kept = { ...DEFAULT_VIEW, ...remembered.read<Partial<View>>("cc.wallboard.view", {}) };
  return {
    queue: typeof kept.queue === "string" ? kept.queue : null,
    medium: MEDIA.includes(kept.medium) ? kept.medium : "live",
    formula: FORMULAS.includes(kept.formula) ? kept.formula : "centre",
  };
}

export class Board {
  readonly state = new Store<WallboardState | null>(null);
  /** Date.now() of the last word from the server. */
  readonly heard = new Store<number>(Date.now());
  readonly view = new Store<View>(rememberedView());
  /** Whether a queue that goes over its limit is heard. */
  readonly sound = new Store<boolean>(remembered.read<boolean>("cc.wallboard.sound", false));
  readonly choice = new Store<Choice | null>(null);
  readonly tv = new Store<boolean>(new URLSearchParams(location.search).get("tv") === "1");
  /** Null where there is no demo. */
  readonly demo = new Store<Demo | null>(null);
  readonly live = new Live<WallboardState>("/wallboard", {
    connected: () => {
      this.live.command("wallboard.subscribe", {}).catch(() => this.live.again());
    },
    snapshot: ({ state, server_now }) => {
      setServerClock(server_now, state.centre.timezone);
      this.heard.set(Date.now());
      const queue = this.view.get().queue;
      if (queue !== null && !(queue in state.queues)) this.show({ queue: null });
      this.state.set(state);
    },
    event: (name, payload) => {
      this.heard.set(Date.now());
      if (name === "wallboard.delta") {
        const before = this.state.get();
        if (before) this.state.set(merge(before, payload.changes as Changes));
      }
    },
  });

  start(): void {
    this.live.start();
    void this.readDemo();
  }

  stop(): void {
    this.live.stop();
  }

  show(change: Partial<View>): void {
    const view = { ...this.view.get(), ...change };
    this.view.set(view);
    remembered.write("cc.wallboard.view", view);
  }

  setSound(on: boolean): void {
    this.sound.set(on);
    remembered.write("cc.wallboard.sound", on);
    if (on) alarmSound();
  }

  setTv(on: boolean): void {
    const url = new URL(location.href);
    if (on) url.searchParams.set("tv", "1");
    else url.searchParams.delete("tv");
    history.replaceState(null, "", url);
    this.tv.set(on);
    if (on) void document.documentElement.requestFullscreen?.().catch(() => undefined);
    else if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
  }

  async readDemo(): Promise<void> {
    try {
      this.demo.set(await api.get<Demo>("/demo"));
    } catch {
      this.demo.set(null);
    }
  }

  async hail(on: boolean): Promise<void> {
    this.demo.set(await api.post<Demo>("/demo/hail", { on }));
  }

  async traffic(level: number): Promise<void> {
    this.demo.set(await api.put<Demo>("/demo/traffic", { level }));
  }
}
