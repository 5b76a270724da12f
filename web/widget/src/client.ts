/**
 * The visitor's side of the conversation: the connection, the outbox and the state on show.
 *
 * A message is stored on the device before anything is sent and removed when the centre has
 * acknowledged it; its client_id makes every repetition harmless. So neither a reload nor a lost
 * network loses or doubles it, and messages leave one after the other, in the order of writing.
 *
 * A snapshot holds the newest messages alone. What was known before stays in front of them where
 * the two join; where they do not, what lies between is fetched before the older ones are shown
 * again: what is on show never has a gap.
 */

import { call, HttpError } from "./http";
import { Link, type Answer, type Refusal, type Shown } from "./link";
import { apply, applyCall, CALL_EVENTS, unread, type Conversation, type Message, type VisitorCall } from "./model";
import { randomId, type Details, type Outgoing, type Session, type Start, type Store } from "./storage";

/** What GET /api/v1/chat/config says of the centre. */
export interface Centre {
  name: string;
  timezone: string;
  open: boolean;
  closes_at: string | null;
  opens_at: string | null;
  /** The centre's clock; a demonstration runs on its own Monday. */
  server_now: string;
}

export interface Failure {
  code: string;
  /** Names of refused fields, when it is about some. */
  fields?: string[];
}

export interface Pending extends Outgoing {
  /** Set when the centre refused it: the visitor decides what becomes of it. */
  failure: Failure | null;
  /** Another tab has seen to it. */
  gone?: boolean;
}

/** Whether there are messages before those on show, and what becomes of asking for them. */
export type Earlier = "none" | "some" | "loading" | "failed";

export type LinkState = "idle" | "connecting" | "online" | "offline";

export interface State {
  centre: Centre | null;
  centreFailed: boolean;
  conversation: Conversation | null;
  earlier: Earlier;
  /** The newest call of this conversation's visitor. */
  call: VisitorCall | null;
  /** True from the start of a page with a stored conversation until it is shown. */
  restoring: boolean;
  link: LinkState;
  outbox: readonly Pending[];
  typing: boolean;
  /** Epoch ms at which sending goes on, after the centre asked for patience. */
  pausedUntil: number | null;
  /** Why the conversation could not begin; the written message waits. */
  startFailure: Failure | null;
  /** The conversation of an earlier visit is gone. */
  expired: boolean;
  /** The centre's clock minus ours, in ms. */
  skew: number;
}

export interface Options {
  origin: string;
  store: Store;
  queue: () => string | null;
  language: () => string;
  fetch?: typeof fetch;
  /** Longest wait for an acknowledgement, in ms. */
  patience?: number;
}

const TYPING_SENT_EVERY = 3_000;
const TYPING_SHOWN_FOR = 6_000;
const LONGEST_BACKOFF = 30_000;
const SETTLED_MS = 2_000;

/** Characters of one message, as the centre counts them. */
export const LONGEST_MESSAGE = 4_000;
/** Messages of a snapshot; one with fewer holds all there are. */
const SNAPSHOT_MESSAGES = 100;
const PAGE_MESSAGES = 100;

export class Client {
  state: State;
  /** Called after every change, and for what deserves a word or a sound. */
  onChange: (state: State) => void = () => {};
  onMessage: (message: Message) => void = () => {};
  onStage: (state: Conversation["state"], agent: string | null) => void = () => {};

  private readonly store: Store;
  private link: Link | null = null;
  private sending = false;
  private settled = new Set<string>();
  private backoff = 0;
  private timers = new Map<string, ReturnType<typeof setTimeout>>();
  private typingSentAt = 0;
  private readUpTo: string | null = null;
  /** Known messages, and whether there are older ones, that something unknown parts from those on show. */
  private behind: { messages: Message[]; more: boolean } | null = null;

  constructor(private readonly options: Options) {
    this.store = options.store;
    const session = this.store.session;
    this.state = {
      centre: null,
      centreFailed: false,
      conversation: null,
      earlier: "none",
      call: null,
      restoring: session !== null,
      link: "idle",
      outbox: this.store.outbox().map((entry) => ({ ...entry, failure: null })),
      typing: false,
      pausedUntil: null,
      startFailure: null,
      expired: false,
      skew: 0,
    };
  }

  /** Goes on where an earlier page left off; without anything to go on with, stays silent. */
  resume(): void {
    const session = this.store.session;
    if (session && (!session.ended || this.state.outbox.length > 0)) this.connect(session);
    else if (this.state.outbox.length > 0) void this.pump();
  }

  /** The panel was opened: say whether the centre is open, and show what was written before. */
  opened(): void {
    if (!this.state.centre) void this.loadCentre();
    const session = this.store.session;
    if (session && !this.link) this.connect(session);
  }

  async loadCentre(): Promise<void> {
    this.set({ centreFailed: false });
    try {
      const queue = this.options.queue();
      const asked = queue ? `?queue=${encodeURIComponent(queue)}` : "";
      const centre = (await this.http("GET", `/api/v1/chat/config${asked}`)) as Centre;
      this.set({ centre, skew: Date.parse(centre.server_now) - Date.now() });
    } catch {
      this.set({ centreFailed: true });
    }
  }

  /** Takes the message into the outbox and lets it go when it can. */
  send(body: string, details?: Details): void {
    const entry = this.store.put(body, new Date(this.now()));
    this.keepDetails(details);
    this.set({ outbox: [...this.state.outbox, { ...entry, failure: null }], expired: false });
    void this.pump();
  }

  /** Tries again what the centre refused or could not take. */
  retry(details?: Details): void {
    this.keepDetails(details);
    this.backoff = 0;
    this.set({
      startFailure: null,
      pausedUntil: null,
      outbox: this.state.outbox.map((entry) => ({ ...entry, failure: null })),
    });
    this.link?.wake();
    void this.pump();
  }

  /** Gives a message that was not sent back to the visitor. */
  takeBack(client_id: string): string {
    const entry = this.state.outbox.find((e) => e.client_id === client_id);
    this.settle(client_id);
    return entry?.body ?? "";
  }

  typing(): void {
    const { conversation } = this.state;
    const now = Date.now();
    if (!conversation || conversation.state !== "active" || now - this.typingSentAt < TYPING_SENT_EVERY) return;
    this.typingSentAt = now;
    this.link?.hint("chat.typing", { conversation_id: conversation.conversation_id });
  }

  /** The visitor has seen all there is. */
  async markRead(): Promise<void> {
    const { conversation } = this.state;
    const last = conversation && unread(conversation).at(-1);
    if (!last || !this.link?.live || (this.readUpTo !== null && last.message_id <= this.readUpTo)) return;
    const before = this.readUpTo;
    this.readUpTo = last.message_id;
    const read = { conversation_id: last.conversation_id, message_id: last.message_id };
    const answer = await this.command("chat.read", read);
    if (answer.ok) this.receive("chat.read", { ...read, reader: "visitor" });
    else if (this.readUpTo === last.message_id) this.readUpTo = before;
  }

  /** Ends the chat. The error code, or null when it has ended. */
  async close(): Promise<string | null> {
    const { conversation } = this.state;
    if (!conversation) return null;
    const answer = await this.command("chat.close", { conversation_id: conversation.conversation_id });
    if (answer.ok) this.receive("chat.closed", { by: "visitor" });
    return answer.ok ? null : answer.error.code;
  }

  /** The conversation as text. Rejects when it cannot be had now. */
  async transcript(): Promise<string> {
    const session = this.store.session;
    if (!session) return "";
    const path = `/api/v1/chat/conversations/${session.conversation_id}/transcript`;
    return (await this.http("GET", `${path}?locale=${this.options.language()}`)) as string;
  }

  /** Fetches a page of the messages before those on show; with some behind, pages until they join. */
  async loadEarlier(): Promise<void> {
    const { conversation: asked, earlier } = this.state;
    const first = asked?.messages[0]?.message_id;
    if (!first || earlier === "none" || earlier === "loading") return;
    this.set({ earlier: "loading" });
    try {
      const path = `/api/v1/chat/conversations/${asked.conversation_id}/messages?limit=${PAGE_MESSAGES}&cursor=${first}`;
      this.prepend((await this.http("GET", path)) as Page, first);
      if (this.behind) await this.loadEarlier();
    } catch {
      if (this.state.conversation?.messages[0]?.message_id === first) this.set({ earlier: "failed" });
    }
  }

  /** A page of what comes before the message `first`: of no use once something else is on show. */
  private prepend({ items, next_cursor }: Page, first: string): void {
    const { conversation } = this.state;
    if (conversation?.messages[0]?.message_id !== first) return;
    const joined = this.behind && joinedTo(this.behind.messages, items);
    const more = joined ? this.behind!.more : next_cursor !== null;
    if (joined || !more) this.behind = null;
    const messages = [...(joined ?? items), ...conversation.messages];
    this.set({ conversation: { ...conversation, messages }, earlier: more ? "some" : "none" });
  }

  /** Forgets the conversation on this device; it stays with the centre. */
  forget(): void {
    this.disconnect();
    this.store.session = null;
    this.store.start = null;
    for (const entry of this.state.outbox) this.store.drop(entry.client_id);
    this.set({ ...NOTHING, outbox: [], link: "idle", typing: false, startFailure: null, restoring: false });
  }

  /** Another tab of the same site changed what is stored. */
  storageChanged(key: string | null, value: string | null): void {
    if (!this.store.owns(key)) return;
    const session = this.store.session;
    const current = this.state.conversation?.conversation_id ?? null;
    const known = new Set(this.state.outbox.map((e) => e.client_id));
    const gone = value === null && key ? key.slice(key.lastIndexOf(":") + 1) : null;
    const added = this.store.outbox().filter((e) => !known.has(e.client_id) && !this.settled.has(e.client_id));
    this.set({
      outbox: [
        ...this.state.outbox.map((e) => (e.client_id === gone ? { ...e, gone: true } : e)),
        ...added.map((e) => ({ ...e, failure: null })),
      ],
    });
    // Sent by the other tab: it stays on show until the centre has told this one so.
    if (gone) setTimeout(() => this.set({ outbox: this.state.outbox.filter((e) => e.client_id !== gone) }), SETTLED_MS);
    if (!session && (current || this.link)) {
      this.disconnect();
      this.set({ ...NOTHING, link: "idle", typing: false });
    } else if (session && current !== session.conversation_id && !this.link) {
      this.connect(session);
    }
  }

  now(): number {
    return Date.now() + this.state.skew;
  }

  /**
   * One command about the call. A conversation is opened when there is none: with `details` given,
   * the visitor begins here. Never rejects.
   */
  async calls(name: string, payload: object, details?: Details): Promise<Answer> {
    if (details) {
      this.keepDetails(details);
      this.set({ startFailure: null });
      if (!this.store.session) await this.begin();
      const session = this.store.session;
      if (!session) return { ok: false, error: { code: this.state.startFailure?.code ?? "offline" } };
      if (!this.link) this.connect(session);
      await this.whenLive();
    }
    const answer = await this.command(name, payload);
    const call = answer.ok ? (answer.data as { call?: VisitorCall } | null)?.call : undefined;
    if (call) this.set({ call });
    return answer;
  }

  disconnect(): void {
    this.link?.end();
    this.link = null;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.backoff = 0;
    this.readUpTo = null;
  }

  // Connection

  private connect(session: Session): void {
    this.disconnect();
    this.set({ link: "connecting", restoring: this.state.conversation === null });
    this.link = new Link(this.options.origin, session.token, this.patience, {
      snapshot: (shown, serverNow) => this.reset(shown, serverNow),
      event: (name, payload) => this.receive(name, payload),
      lost: () => this.set({ link: "offline", typing: false }),
      refused: (code) => this.turnedAway(code),
    });
  }

  private turnedAway(code: string): void {
    if (code === "unauthenticated" || code === "not_found" || code === "expired") this.expire();
    else this.set({ link: "offline", ...(code === "forbidden" ? { startFailure: { code } } : {}) });
  }

  private reset({ conversation, call = null }: Shown, serverNow: string): void {
    const before = this.state.conversation;
    this.backoff = 0;
    for (const message of conversation.messages) {
      if (message.client_id) this.settle(message.client_id);
    }
    this.set({
      link: "online",
      restoring: false,
      skew: Date.parse(serverNow) - Date.now(),
      ...this.withKnown(conversation),
      call,
    });
    if (this.behind) void this.loadEarlier();
    if (before) {
      const seen = before.messages.at(-1)?.message_id ?? "";
      for (const message of conversation.messages) {
        if (message.message_id > seen && message.sender !== "visitor") this.onMessage(message);
      }
      this.staged(before, conversation);
    }
    this.remember(conversation);
    void this.pump();
  }

  /** The snapshot's conversation, with what is known of it from before. */
  private withKnown(conversation: Conversation): Pick<State, "conversation" | "earlier"> {
    const { conversation: before, earlier } = this.state;
    const known = before?.conversation_id === conversation.conversation_id ? before.messages : [];
    const whole = conversation.messages.length < SNAPSHOT_MESSAGES;
    if (whole || known.length === 0) {
      this.behind = null;
      return { conversation, earlier: whole ? "none" : "some" };
    }
    const messages = joinedTo(known, conversation.messages);
    if (!messages) {
      this.behind ??= { messages: known, more: earlier !== "none" };
      return { conversation, earlier: "some" };
    }
    return { conversation: { ...conversation, messages }, earlier: earlier === "none" ? "none" : "some" };
  }

  private receive(event: string, payload: unknown): void {
    const before = this.state.conversation;
    if (!before) return;
    if (event === "chat.typing") {
      if ((payload as { sender?: string }).sender === "visitor") return;
      this.set({ typing: true });
      this.later("typing", () => this.set({ typing: false }), TYPING_SHOWN_FOR);
      return;
    }
    if (CALL_EVENTS.includes(event)) {
      this.set({ call: applyCall(this.state.call, payload) });
      return;
    }
    const conversation = apply(before, event, payload);
    const known = new Set(before.messages.map((m) => m.message_id));
    const fresh = conversation.messages.filter((m) => !known.has(m.message_id));
    for (const message of fresh) if (message.client_id) this.settle(message.client_id);
    const spoke = fresh.some((m) => m.sender !== "visitor");
    this.set({ conversation, ...(spoke || conversation.state !== "active" ? { typing: false } : {}) });
    for (const message of fresh) if (message.sender !== "visitor") this.onMessage(message);
    this.staged(before, conversation);
    this.remember(conversation);
  }

  private staged(before: Conversation, now: Conversation): void {
    if (before.state !== now.state || before.agent?.name !== now.agent?.name) {
      this.onStage(now.state, now.agent?.name ?? null);
    }
  }

  private remember(conversation: Conversation): void {
    const session = this.store.session;
    const ended = conversation.state === "ended";
    if (session && session.ended !== ended) this.store.session = { ...session, ended };
  }

  /** The centre does not know this conversation any more. */
  private expire(): void {
    this.disconnect();
    this.store.session = null;
    this.set({ ...NOTHING, link: "idle", restoring: false, expired: true });
    void this.pump();
  }

  private async whenLive(): Promise<void> {
    const end = Date.now() + this.patience;
    while (!this.link?.live && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  // Sending

  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      while (await this.sendNext());
    } finally {
      this.sending = false;
    }
  }

  /** Sends the oldest waiting message. False when there is none, or it has to wait. */
  private async sendNext(): Promise<boolean> {
    const next = this.state.outbox.find((entry) => entry.failure === null && !entry.gone);
    if (!next || this.state.startFailure || this.state.pausedUntil !== null) return false;
    const session = this.store.session;
    if (!session) return this.begin();
    if (!this.link) this.connect(session);
    if (!this.link?.live) return false; // the snapshot comes first, and then this again
    const { client_id, body } = next;
    const answer = await this.command("chat.message", {
      conversation_id: session.conversation_id,
      body,
      client_id,
    });
    if (answer.ok) {
      this.backoff = 0;
      const message = answer.data as Message | undefined;
      if (message?.message_id) this.receive("chat.message", message);
      this.settle(client_id);
      return true;
    }
    return this.refused(answer.error, (failure) => {
      this.set({
        outbox: this.state.outbox.map((e) => (e.client_id === client_id ? { ...e, failure } : e)),
      });
      return true;
    });
  }

  /** The same details keep their key: a start that was answered into the void is not made twice. */
  private keepDetails(details: Details | undefined): void {
    if (!details || this.store.session) return;
    if (JSON.stringify(this.store.start?.details) !== JSON.stringify(details)) this.prepare(details);
  }

  private prepare(details: Details): Start {
    const { language, queue } = this.options;
    const start = { key: randomId(), details, queue: queue(), locale: language() };
    this.store.start = start;
    return start;
  }

  /** Opens the conversation that the waiting messages go to. */
  private async begin(): Promise<boolean> {
    const start = this.store.start ?? this.prepare({ name: "", email: "", phone: "" });
    const given = { ...start.details, queue: start.queue, locale: start.locale };
    try {
      const made = (await this.http(
        "POST",
        "/api/v1/chat/conversations",
        Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
        { "Idempotency-Key": start.key },
      )) as { conversation: Conversation; token: string };
      const session = { conversation_id: made.conversation.conversation_id, token: made.token, ended: false };
      this.store.session = session;
      this.store.start = null;
      this.connect(session);
      return false;
    } catch (error) {
      const failed = error instanceof HttpError ? error : new HttpError("offline", null, []);
      if (failed.code === "offline") this.set({ link: "offline" });
      if (failed.code === "conflict") this.prepare(start.details); // done, but its answer is gone
      const code = failed.code === "conflict" ? "unavailable" : failed.code;
      return this.refused({ code, ctx: { retry_after: failed.retryAfter ?? undefined } }, (failure) => {
        this.set({ startFailure: { ...failure, fields: failed.fields } });
        return false;
      });
    }
  }

  /** What can pass later is tried later; what cannot is said to the visitor. */
  private refused(
    error: Refusal,
    tell: (failure: Failure) => boolean,
  ): boolean {
    if (error.code === "unauthenticated" || error.code === "conflict") {
      this.expire(); // closed for good: what waits opens a new one
      return true;
    }
    if (error.code === "rate_limited") {
      this.pause((error.ctx?.retry_after ?? 5) * 1_000);
      return false;
    }
    if (error.code === "unavailable" || error.code === "offline") {
      this.backoff = Math.min(LONGEST_BACKOFF, Math.max(1_000, this.backoff * 2));
      this.later("pump", () => void this.pump(), this.backoff);
      return false;
    }
    return tell({ code: error.code });
  }

  private pause(ms: number): void {
    this.set({ pausedUntil: Date.now() + ms });
    this.later(
      "pause",
      () => {
        this.set({ pausedUntil: null });
        void this.pump();
      },
      ms,
    );
  }

  private settle(client_id: string): void {
    this.settled.add(client_id);
    if (!this.state.outbox.some((entry) => entry.client_id === client_id)) return;
    this.store.drop(client_id);
    this.set({ outbox: this.state.outbox.filter((entry) => entry.client_id !== client_id) });
  }

  // Wires

  private get patience(): number {
    return this.options.patience ?? 10_000;
  }

  private async command(name: string, payload: object): Promise<Answer> {
    return this.link ? this.link.command(name, payload) : { ok: false, error: { code: "offline" } };
  }

  private http(method: "GET" | "POST", path: string, body?: object, headers?: Record<string, string>): Promise<unknown> {
    return call(this.options.fetch ?? fetch, {
      method,
      url: this.options.origin + path,
      token: this.store.session?.token,
      patience: this.patience,
      ...(body ? { body } : {}),
      ...(headers ? { headers } : {}),
    });
  }

  private later(name: string, run: () => void, ms: number): void {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(run, ms));
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.onChange(this.state);
  }
}

interface Page {
  items: Message[];
  next_cursor: string | null;
}

const NOTHING = { conversation: null, earlier: "none", call: null } as const;

/** Older messages, and the newer ones that they reach up to; null when something lies between. */
function joinedTo(older: Message[], newer: Message[]): Message[] | null {
  const [last, first] = [older.at(-1), newer[0]];
  if (!last || !first || last.message_id < first.message_id) return null;
  return [...older.filter((message) => message.message_id < first.message_id), ...newer];
}
