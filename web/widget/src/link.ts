/** The connection of one conversation: it comes back by itself, and says what it could not do. */

import { io, type Socket } from "socket.io-client";
import { CALL_EVENTS, EVENTS, type Conversation, type VisitorCall } from "./model";
import { EventStream, type Snapshot } from "./stream";

export interface Refusal {
  code: string;
  detail?: string;
  ctx?: { retry_after?: number | undefined; reason?: string };
}

/** What the centre shows a visitor. */
export interface Shown {
  conversation: Conversation;
  call?: VisitorCall | null;
}

export type Answer = { ok: true; data?: unknown } | { ok: false; error: Refusal };

export interface Receiver {
  /** The whole conversation, after each connect and after a gap. */
  snapshot(shown: Shown, serverNow: string): void;
  event(name: string, payload: unknown): void;
  lost(): void;
  /** The centre does not let this page or this token in. */
  refused(code: string): void;
}

const OFFLINE: Answer = { ok: false, error: { code: "offline" } };
const SHORTEST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

export class Link {
  private readonly socket: Socket;
  private readonly stream: EventStream<Shown>;
  private pause = 0;
  private syncedAt = 0;
  private ended = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    origin: string,
    token: string,
    /** Longest wait for an answer, in ms. */
    private readonly patience: number,
    receiver: Receiver,
  ) {
    this.stream = new EventStream({
      reset: (shown, snapshot) => receiver.snapshot(shown, snapshot.server_now),
      apply: (event, payload) => receiver.event(event, payload),
      resync: (cursor) => this.sync(cursor),
    });
    const socket = io(`${origin}/chat`, {
      auth: { token },
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      timeout: patience,
      forceNew: true,
    });
    this.socket = socket;
    socket.on("connect", () => this.stream.restart());
    socket.on("snapshot", (snapshot: Snapshot<Shown>) => this.take(snapshot));
    for (const event of [...EVENTS, ...CALL_EVENTS, "chat.typing"]) {
      socket.on(event, (payload: unknown) => this.stream.receive(event, payload));
    }
    socket.on("disconnect", (reason) => {
      this.stream.restart();
      receiver.lost();
      if (reason === "io server disconnect") this.comeBack();
    });
    socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      const code = error.data?.code;
      if (code) receiver.refused(code);
      else receiver.lost();
      if (!socket.active) this.comeBack();
    });
  }

  /** Whether the snapshot is there, and events are applied as they come. */
  get live(): boolean {
    return this.socket.connected && this.stream.live;
  }

  /** One acknowledged command; no connection and no answer count as `offline`. */
  async command(name: string, payload: object): Promise<Answer> {
    if (!this.socket.connected) return OFFLINE;
    try {
      return (await this.socket.timeout(this.patience).emitWithAck(name, payload)) as Answer;
    } catch {
      return OFFLINE;
    }
  }

  /** What may be lost. */
  hint(name: string, payload: object): void {
    if (this.live) this.socket.volatile.emit(name, payload);
  }

  /** Tries now instead of at the planned time. */
  wake(): void {
    if (!this.socket.connected) this.socket.connect();
  }

  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.socket.removeAllListeners();
    this.socket.disconnect();
  }

  private take(snapshot: Snapshot<Shown>): void {
    this.pause = 0;
    this.stream.take(snapshot);
  }

  /** The centre let us go, which socket.io takes as final: come back, less often each time. */
  private comeBack(): void {
    if (this.ended) return;
    this.pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, this.pause * 2));
    this.later(() => this.socket.connect(), this.pause * (0.75 + Math.random() / 2));
  }

  /** Something was missed: a new snapshot, at most once a second. */
  private sync(cursor: string): void {
    this.later(
      async () => {
        this.syncedAt = Date.now();
        const answer = await this.command("sync", { cursor });
        if (this.stream.live) return; // a reconnection was faster
        if (answer.ok) this.take((answer.data as { snapshot: Snapshot<Shown> }).snapshot);
        else if (this.socket.connected) this.socket.disconnect().connect();
      },
      Math.max(0, this.syncedAt + 1_000 - Date.now()),
    );
  }

  private later(run: () => void, ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(run, ms);
  }
}
