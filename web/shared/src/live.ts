/**
 * One live connection to a namespace of the server.
 *
 * After each connect the server sends `snapshot {state, cursor, streams, node,
 * server_now}`; until then events wait. From then on every event carries
 * `{stream, seq, node, cursor}`: `seq` counts up by one in its stream, and an
 * event whose cursor is not after the snapshot's is already in it. A gap or
 * another node means something was missed: `sync {cursor}` brings a new snapshot,
 * and what arrived meanwhile is applied on top. An event without `seq` (typing) may be
 * lost and goes straight through.
 *
 * Reconnecting is timed here and not by socket.io, so that the screen can say
 * when the next try comes. Nothing is sent twice by itself: a command that was
 * cut off fails with `unavailable`, and its sender decides.
 */
import { io, type Socket } from "socket.io-client";

import { dropToken, token } from "./api";
import type { IceServer } from "./contract";
import { Store } from "./store";
import { setServerClock } from "./time";

export type LinkState =
  | { kind: "connecting" }
  | { kind: "live" }
  /** `retryAt` is Date.now() time; null while the browser itself is offline. `crowded`: the user has windows enough. */
  | { kind: "lost"; since: number; retryAt: number | null; crowded?: boolean }
  /** The server does not want this session here: sign in again, or lack of permission. */
  | { kind: "refused"; code: string };

export interface Snapshot<S> {
  state: S;
  cursor: string;
  streams: Record<string, number>;
  node: string;
  server_now: string;
  /** /agent: where a telephone finds its way to the media. */
  ice_servers?: IceServer[];
}

export interface Delivered {
  stream?: string;
  seq?: number;
  node?: string;
  cursor?: string | null;
  [field: string]: unknown;
}

/** A command's refusal, with the contract's code; `unavailable` also when no answer came. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly ctx: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

/** The refusal's code; what is no refusal got no answer. */
export const codeOf = (error: unknown): string => (error instanceof CommandError ? error.code : "unavailable");

type Ack<T> = { ok: true; data: T } | { ok: false; error: { code: string; detail: string; ctx?: Record<string, unknown> } };

export interface LiveHandlers<S> {
  /** What else the connection says of itself. */
  introduces?(): object;
  /** Connected, nothing received yet: the place for a command that asks for the snapshot. */
  connected?(): void;
  snapshot(snapshot: Snapshot<S>): void;
  event(name: string, payload: Delivered): void;
}

const FIRST_RETRY_MS = 500;
/** A server that was restarted is back within seconds: until `SOON_MS` it is asked often. */
const SOON_RETRY_MS = 2_000;
const SOON_MS = 60_000;
const LAST_RETRY_MS = 8_000;
const COMMAND_MS = 10_000;

export class Live<S> {
  readonly link = new Store<LinkState>({ kind: "connecting" });
  #socket: Socket;
  #handlers: LiveHandlers<S>;
  #streams = new Map<string, number>();
  #node: string | null = null;
  #cursor = "";
  #held: [string, Delivered][] | null = [];
  #syncing = false;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #lostSince = 0;
  #stopped = false;
  #triedFreshToken = false;

  constructor(namespace: "/agent" | "/wallboard", handlers: LiveHandlers<S>) {
    this.#handlers = handlers;
    this.#socket = io(namespace, {
      autoConnect: false,
      forceNew: true,
      reconnection: false,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      auth: (give) => {
        token().then(
          (access) => give({ ...handlers.introduces?.(), token: access }),
          () => give({ token: null }),
        );
      },
    });
    this.#socket.on("connect", () => {
      this.#held = [];
      this.#node = null;
      this.#syncing = false;
      this.#handlers.connected?.();
    });
    this.#socket.on("disconnect", () => this.#lost());
    this.#socket.on("connect_error", (error: Error & { data?: { code?: string } }) => void this.#refused(error));
    this.#socket.onAny((name: string, payload: Delivered) => this.#arrived(name, payload));
  }

  start(): void {
    addEventListener("online", this.#online);
    addEventListener("offline", this.#offline);
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    removeEventListener("online", this.#online);
    removeEventListener("offline", this.#offline);
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#socket.disconnect();
  }

  /** Try to connect now instead of at the planned time. */
  retryNow = (): void => {
    if (this.link.get().kind === "lost") this.#connect();
  };

  /** Give this connection up and make another. */
  again(): void {
    this.#socket.disconnect();
    this.#lost();
  }

  get isLive(): boolean {
    return this.link.get().kind === "live";
  }

  /** Send a command and wait for its answer. Throws CommandError. */
  async command<T = unknown>(name: string, payload: object): Promise<T> {
    if (!this.#socket.connected) throw new CommandError("unavailable", "offline");
    let ack: Ack<T>;
    try {
      ack = (await this.#socket.timeout(COMMAND_MS).emitWithAck(name, payload)) as Ack<T>;
    } catch {
      throw new CommandError("unavailable", "no answer");
    }
    if (ack.ok) return ack.data;
    throw new CommandError(ack.error.code, ack.error.detail, ack.error.ctx ?? {});
  }

  /** Send what may be lost (typing): dropped when not connected, no answer awaited. */
  hint(name: string, payload: object): void {
    if (this.isLive) this.#socket.emit(name, payload, () => undefined);
  }

  #connect(): void {
    if (this.#stopped) return;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#socket.connect();
  }

  #online = (): void => {
    this.#failures = 0;
    this.retryNow();
  };

  #offline = (): void => {
    this.#socket.disconnect();
    this.#lost();
  };

  #lost(crowded = false): void {
    if (this.#stopped) return;
    if (this.link.get().kind !== "lost") this.#lostSince = Date.now();
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    if (!navigator.onLine) {
      this.link.set({ kind: "lost", since: this.#lostSince, retryAt: null });
      return;
    }
    const longest = Date.now() - this.#lostSince < SOON_MS ? SOON_RETRY_MS : LAST_RETRY_MS;
    const wait = Math.min(longest, FIRST_RETRY_MS * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#connect(), wait);
    this.link.set({ kind: "lost", since: this.#lostSince, retryAt: Date.now() + wait, crowded });
  }

  async #refused(error: Error & { data?: { code?: string } }): Promise<void> {
    const code = error.data?.code;
    if (code === "unauthenticated" && !this.#triedFreshToken) {
      this.#triedFreshToken = true;
      dropToken();
      const fresh = await token().catch(() => undefined);
      if (fresh === undefined) this.#lost();
      else if (fresh !== null) this.#connect();
      else this.link.set({ kind: "refused", code });
      return;
    }
    if (code === "unauthenticated" || code === "forbidden") this.link.set({ kind: "refused", code });
    else this.#lost(code === "rate_limited");
  }

  #arrived(name: string, payload: Delivered): void {
    if (name === "snapshot") {
      this.#take(payload as unknown as Snapshot<S>);
    } else if (typeof payload?.seq !== "number") {
      if (this.#held === null) this.#handlers.event(name, payload ?? {});
    } else if (this.#held !== null) {
      this.#held.push([name, payload]);
    } else {
      this.#apply(name, payload);
    }
  }

  #take(snapshot: Snapshot<S>): void {
    setServerClock(snapshot.server_now);
    const held = this.#held ?? [];
    // A snapshot sent anew on a living connection may name a count that events already passed.
    const known = this.#node === snapshot.node ? this.#streams : new Map<string, number>();
    this.#streams = new Map(
      Object.entries(snapshot.streams).map(([stream, seq]) => [stream, Math.max(seq, known.get(stream) ?? 0)]),
    );
    this.#node = snapshot.node;
    this.#cursor = snapshot.cursor;
    this.#held = null;
    this.#failures = 0;
    this.#triedFreshToken = false;
    this.#handlers.snapshot(snapshot);
    this.link.set({ kind: "live" });
    for (const [name, payload] of held) {
      if (this.#held === null) this.#apply(name, payload);
      else (this.#held as [string, Delivered][]).push([name, payload]);
    }
  }

  #apply(name: string, payload: Delivered): void {
    const stream = payload.stream ?? "";
    const seq = payload.seq ?? 0;
    const last = this.#streams.get(stream);
    if (payload.node !== this.#node || last === undefined || seq > last + 1) {
      this.#held = [[name, payload]];
      void this.#sync();
      return;
    }
    if (seq <= last) return;
    this.#streams.set(stream, seq);
    // Not after the snapshot's cursor: the snapshot has it already.
    if (typeof payload.cursor === "string" && payload.cursor <= this.#cursor) return;
    this.#handlers.event(name, payload);
  }

  async #sync(): Promise<void> {
    if (this.#syncing) return;
    this.#syncing = true;
    try {
      const { snapshot } = await this.command<{ snapshot: Snapshot<S> }>("sync", { cursor: this.#cursor });
      this.#syncing = false;
      this.#node = null;
      this.#take(snapshot);
    } catch {
      this.#syncing = false;
      this.again(); // no snapshot to be had this way: a new connection brings one
    }
  }
}
