/**
 * Messages written here that the server has not confirmed yet.
 *
 * Each has a `client_id`, so sending one again never doubles it. While the
 * connection is away they wait, in order, also across a reload. One that the
 * server refuses stays where it was written, with the reason, until it is tried
 * again or discarded; later ones of that conversation go on.
 */
import { CommandError } from "@contactcenter/shared/live";
import { remembered, Store } from "@contactcenter/shared/store";

export interface Outgoing {
  client_id: string;
  conversation_id: string;
  kind: "text" | "note";
  body: string;
  created_at: string;
  state: "waiting" | "sending" | "sent" | "failed";
  /** The contract's code, when it failed. */
  error?: string;
}

export type Send = (message: Outgoing) => Promise<unknown>;

export class Outbox {
  readonly items: Store<readonly Outgoing[]>;
  #busy = new Set<string>();

  constructor(
    private readonly send: Send,
    private readonly isLive: () => boolean,
    private readonly key: string,
  ) {
    const kept = remembered.read<Outgoing[]>(key, []);
    this.items = new Store<readonly Outgoing[]>(
      kept.map((one) => (one.state === "failed" ? one : { ...one, state: "waiting" })),
    );
    this.items.subscribe(() => {
      const items = this.items.get();
      remembered.write(this.key, items.length > 0 ? items : null);
    });
  }

  add(message: Omit<Outgoing, "state">): void {
    this.items.update((items) => [...items, { ...message, state: "waiting" }]);
    this.flush();
  }

  retry(clientId: string): void {
    this.#set(clientId, { state: "waiting" });
    this.flush();
  }

  discard(clientId: string): void {
    this.items.update((items) => items.filter((one) => one.client_id !== clientId));
  }

  /** The server's own copy has arrived: ours is not needed any more. */
  confirmed(clientIds: ReadonlySet<string>): void {
    if (this.items.get().some((one) => clientIds.has(one.client_id)))
      this.items.update((items) => items.filter((one) => !clientIds.has(one.client_id)));
  }

  /** Send what waits: one at a time in each conversation, so that order is kept. */
  flush(): void {
    if (!this.isLive()) return;
    for (const conversation of new Set(this.items.get().map((one) => one.conversation_id))) void this.#drain(conversation);
  }

  async #drain(conversation: string): Promise<void> {
    if (this.#busy.has(conversation)) return;
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
          this.#set(next.client_id, { state: "sent" });
        } catch (error) {
          const code = error instanceof CommandError ? error.code : "unavailable";
          if (code === "unavailable" && !this.isLive()) {
            this.#set(next.client_id, { state: "waiting" });
            return;
          }
          this.#set(next.client_id, { state: "failed", error: code });
        }
      }
    } finally {
      this.#busy.delete(conversation);
    }
  }

  #set(clientId: string, change: Partial<Outgoing>): void {
    this.items.update((items) =>
      items.map((one) => {
        if (one.client_id !== clientId) return one;
        const { error: _old, ...rest } = one;
        return { ...rest, ...change };
      }),
    );
  }
}
