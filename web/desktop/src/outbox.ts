/**
 * Messages written here that the server has not confirmed yet.
 *
 * Each has a `client_id`, so sending one again never doubles it. While the
 * connection is away they wait, in order, also across a reload. One that the
 * server cannot take just now is tried again by itself, less often each time,
 * and later ones of that conversation wait behind it. One that it refuses for
 * good stays where it was written, with the reason, until it is tried again or
 * discarded; later ones go on.
 *
 * Each is kept under a key of its own, so that two tabs never overwrite each
 * other's. What another tab has left is taken along before anything is written
 * or sent: a conversation keeps its order, whichever tab sends.
 */
import { CommandError, codeOf } from "@contactcenter/shared/live";
import { remembered, Store } from "@contactcenter/shared/store";

export interface Outgoing {
  client_id: string;
  conversation_id: string;
  kind: "text" | "note";
  body: string;
  created_at: string;
  /** Sorts the outbox in the order of writing, across tabs: epoch ms, or one more than the last. */
  order: number;
  state: "waiting" | "sending" | "sent" | "failed";
  /** The contract's code, when it failed or has to be tried again. */
  error?: string;
}

/** Refusals of the moment: the same message may go through a little later. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "rate_limited"]);
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 15_000;

export type Send = (message: Outgoing) => Promise<unknown>;

export class Outbox {
  readonly items = new Store<readonly Outgoing[]>([]);
  /** As they stand in the browser's storage, as far as this tab knows. */
  #stored = new Map<string, Outgoing>();
  #busy = new Set<string>();
  /** Conversation → how often in a row its first message was put off, and when it is tried again. */
  #pauses = new Map<string, { tries: number; timer: ReturnType<typeof setTimeout> | null }>();

  constructor(
    private readonly send: Send,
    private readonly isLive: () => boolean,
    private readonly key: string,
  ) {
    this.#adopt();
    this.items.subscribe(() => this.#keep());
  }

  add(message: Omit<Outgoing, "state" | "order">): void {
    this.#adopt();
    const last = this.items.get().at(-1)?.order ?? 0;
    this.items.update((items) => [...items, { ...message, order: Math.max(Date.now(), last + 1), state: "waiting" }]);
    void this.#drain(message.conversation_id);
  }

  /** Another tab has seen to one, or discarded it. */
  storageChanged(key: string | null, value: string | null): void {
    if (value !== null || !key?.startsWith(this.#prefix)) return;
    const id = key.slice(this.#prefix.length);
    this.#stored.delete(id);
    if (this.#find(id)?.state !== "sending") this.items.update((items) => items.filter((one) => one.client_id !== id));
  }

  /** Now, and not at the planned time. */
  retry(clientId: string): void {
    const one = this.#find(clientId);
    if (!one) return;
    if (one.state === "failed") this.#set(clientId, { state: "waiting" });
    this.#anew(one.conversation_id);
  }

  discard(clientId: string): void {
    const one = this.#find(clientId);
    this.items.update((items) => items.filter((other) => other.client_id !== clientId));
    if (one) this.#anew(one.conversation_id);
  }

  /** The server's own copy has arrived: ours is not needed any more. */
  confirmed(clientIds: ReadonlySet<string>): void {
    if (this.items.get().some((one) => clientIds.has(one.client_id)))
      this.items.update((items) => items.filter((one) => !clientIds.has(one.client_id)));
  }

  /** Send what waits: one at a time in each conversation, so that order is kept. */
  flush(): void {
    if (!this.isLive()) return;
    this.#adopt();
    for (const conversation of new Set(this.items.get().map((one) => one.conversation_id))) this.#anew(conversation);
  }

  get #prefix(): string {
    return `${this.key}.`;
  }

  /** Take along what is in the storage and not yet here: of an earlier page, or of another tab. */
  #adopt(): void {
    const others = remembered.under<Outgoing>(this.#prefix).filter((one) => !this.#find(one.client_id));
    if (others.length === 0) return;
    for (const one of others) this.#stored.set(one.client_id, one);
    const waiting = others.map((one): Outgoing => (one.state === "failed" ? one : { ...one, state: "waiting" }));
    this.items.update((items) => [...items, ...waiting].sort((a, b) => a.order - b.order));
  }

  #keep(): void {
    const items = new Map(this.items.get().map((one) => [one.client_id, one]));
    for (const id of this.#stored.keys()) if (!items.has(id)) remembered.write(this.#prefix + id, null);
    for (const [id, one] of items) if (this.#stored.get(id) !== one) remembered.write(this.#prefix + id, one);
    this.#stored = items;
  }

  #anew(conversation: string): void {
    const pause = this.#pauses.get(conversation);
    if (pause?.timer) clearTimeout(pause.timer);
    this.#pauses.delete(conversation);
    void this.#drain(conversation);
  }

  async #drain(conversation: string): Promise<void> {
    if (this.#busy.has(conversation) || this.#pauses.get(conversation)?.timer) return;
    this.#busy.add(conversation);
    try {
      for (;;) {
        const next = this.items
          .get()
          .find((one) => one.conversation_id === conversation && (one.state === "waiting" || one.state === "sending"));
        if (!next || !this.isLive()) return;
        this.#set(next.client_id, { state: "sending" });
        try {
          await this.send(next);
          this.#pauses.delete(conversation);
          this.#set(next.client_id, { state: "sent" });
        } catch (error) {
          const code = codeOf(error);
          if (!PASSING.has(code)) {
            this.#set(next.client_id, { state: "failed", error: code });
            continue;
          }
          this.#set(next.client_id, this.isLive() ? { state: "waiting", error: code } : { state: "waiting" });
          if (this.isLive()) this.#pause(conversation, error);
          return;
        }
      }
    } finally {
      this.#busy.delete(conversation);
    }
  }

  #pause(conversation: string, error: unknown): void {
    const tries = this.#pauses.get(conversation)?.tries ?? 0;
    const asked = error instanceof CommandError ? Number(error.ctx.retry_after ?? 0) * 1_000 : 0;
    const wait = Math.max(asked, Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries) * (0.75 + Math.random() / 4));
    const timer = setTimeout(() => {
      this.#pauses.set(conversation, { tries: tries + 1, timer: null });
      void this.#drain(conversation);
    }, wait);
    this.#pauses.set(conversation, { tries: tries + 1, timer });
  }

  #find(clientId: string): Outgoing | undefined {
    return this.items.get().find((one) => one.client_id === clientId);
  }

  /** Why it was put off is known until it is sent or fails. */
  #set(clientId: string, change: Partial<Outgoing>): void {
    this.items.update((items) =>
      items.map((one) => {
        if (one.client_id !== clientId) return one;
        const { error: _old, ...rest } = one;
        return change.state === "sending" ? { ...one, ...change } : { ...rest, ...change };
      }),
    );
  }
}
