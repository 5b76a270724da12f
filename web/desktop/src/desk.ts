/**
 * The desk behind the screen: the live state, what is being written, what is
 * looked at, and the commands. Components read its stores and call its methods.
 */
import { apply, type AgentState } from "@contactcenter/shared/apply";
import type { CallQuality, MessageCard, ReservationCard, SetStatus, TeamMember } from "@contactcenter/shared/contract";
import { codeOf, type Delivered, Live } from "@contactcenter/shared/live";
import { locale } from "@contactcenter/shared/prefs";
import { Phone } from "@contactcenter/shared/phone";
import { remembered, Store } from "@contactcenter/shared/store";
import { serverNow, setServerClock } from "@contactcenter/shared/time";

import { currentCall } from "./calls";
import { hashOf, type Place, placeOf } from "./crm/place";
import { type Outgoing, Outbox } from "./outbox";
import { Softphone } from "./softphone";

/** What the middle shows: my own work, or somebody's to look at, without a segment of mine. */
export type View = { kind: "none" } | { kind: "mine"; id: string } | { kind: "look"; id: string };

/** Why an offer went away, said for a moment where it was. */
export interface OfferGone {
  reservation: ReservationCard;
  how: "timed_out" | "rescinded" | "cancelled";
}

/** A status that somebody else gave me. */
export interface ForcedStatus {
  status: TeamMember["status"];
  reason: string | null;
  cause: "supervisor" | "missed" | "system";
}

/** Work that left me without my doing. */
export interface TakenAway {
  id: string;
  name: string;
  how: "moved" | "ended" | "lapsed";
}

/** A command that was refused, told beside what it was about. */
export interface Failure {
  action: string;
  code: string;
}

/** Offers are dead for this long after they appear: domain rule 1.6. */
export const OFFER_DEAD_MS = 400;

const TYPING_SHOWN_MS = 6_000;
const TYPING_SENT_MS = 3_000;
const GONE_SHOWN_MS = 6_000;
const MINE_DOING_MS = 5_000;

export class Desk {
  readonly live: Live<AgentState>;
  readonly state = new Store<AgentState | null>(null);
  readonly view = new Store<View>({ kind: "none" });
  /** A page of the CRM that the middle shows instead; the conversation stays open behind it. */
  readonly place = new Store<Place | null>(null);
  /** Whose file the page is about: the panel shows it while no conversation is open. */
  readonly about = new Store<string | null>(null);
  /** Customer, contact or area → how often it was told to have changed; `link`: how often all may have. */
  readonly changes = new Store<Readonly<Record<string, number>>>({});
  /** Whose identity gate is open for answers; another object each time that it was asked for. */
  readonly verifying = new Store<{ readonly interaction: string } | null>(null);
  readonly outbox: Outbox;
  readonly softphone: Softphone;
  /** conversation → Date.now() until which the visitor counts as typing. */
  readonly typing = new Store<Readonly<Record<string, number>>>({});
  /** Every message seen of a conversation, beyond the newest that the state keeps. */
  readonly older = new Store<Readonly<Record<string, { messages: MessageCard[]; cursor: string | null }>>>({});
  readonly offerGone = new Store<OfferGone | null>(null);
  readonly forced = new Store<ForcedStatus | null>(null);
  readonly takenAway = new Store<readonly TakenAway[]>([]);
  /** interaction id (or `status`) → the last refused command. */
  readonly failures = new Store<Readonly<Record<string, Failure>>>({});
  /** Offers being answered: reservation id → what was said. */
  readonly answering = new Store<Readonly<Record<string, "accept" | "reject">>>({});

  /** The composer had the focus when it went away. */
  leftTyping = false;

  #typingSent = new Map<string, number>();
  #readSent = new Map<string, string>();
  #settingStatus = false;
  /** Interactions on which I have just acted, so that their going is no news. */
  #mineDoing = new Set<string>();
  #goneTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(userId: string) {
    this.live = new Live<AgentState>("/agent", {
      introduces: () => (this.softphone.isSilent ? { telephone: false } : {}),
      snapshot: ({ state, server_now, ice_servers }) => {
        setServerClock(server_now, state.centre.timezone);
        if (this.state.get() !== null) this.#changed("link");
        this.softphone.serves(ice_servers ?? []);
        this.#show(state);
        this.outbox.flush();
      },
      event: (name, payload) => this.#event(name, payload),
    });
    this.outbox = new Outbox(
      (message) => this.#send(message),
      () => this.live.isLive,
      `cc.outbox.${userId}`,
    );
    addEventListener("storage", ({ key, newValue }) => this.outbox.storageChanged(key, newValue));
    this.softphone = new Softphone(
      (name, payload) => this.live.command(name, payload),
      (...on) => new Phone(...on),
    );
    this.live.link.subscribe(() => {
      if (this.live.isLive) this.outbox.flush();
      else this.#readSent.clear();
    });
    const id = interactionOf(location.hash);
    if (id) this.view.set({ kind: "look", id });
    this.place.set(placeOf(location.hash));
    this.view.subscribe(() => {
      if (this.place.get() === null) history.replaceState(history.state, "", this.#viewHash());
    });
  }

  start = (): void => {
    addEventListener("popstate", this.#wentBack);
    this.live.start();
  };
  stop = (): void => {
    removeEventListener("popstate", this.#wentBack);
    this.softphone.close();
    this.live.stop();
  };

  // --- looking ---

  /** Open an interaction: as mine when it is, otherwise to look at. */
  open = (id: string): void => {
    if (this.place.get() !== null) {
      this.place.set(null);
      history.pushState(null, "", `#i/${id}`);
    }
    this.#see(id);
  };

  #see(id: string): void {
    const mine = this.state.get()?.interactions[id] !== undefined;
    this.view.set({ kind: mine ? "mine" : "look", id });
  }

  close = (): void => this.view.set({ kind: "none" });

  /** Show a page; Back leads here again. */
  go = (place: Place): void => {
    if (location.hash !== hashOf(place)) history.pushState({ inside: true }, "", hashOf(place));
    this.place.set(place);
  };

  /** Show a page in the present one's place: Back does not lead to a form that is done with. */
  turn = (place: Place): void => {
    history.replaceState(history.state, "", hashOf(place));
    this.place.set(place);
  };

  /** Where one came from; the conversation when one came by an address. */
  goBack = (): void => {
    if ((history.state as { inside?: boolean } | null)?.inside) history.back();
    else {
      this.place.set(null);
      history.replaceState(null, "", this.#viewHash());
    }
  };

  #viewHash(): string {
    const view = this.view.get();
    return view.kind === "none" ? "#" : `#i/${view.id}`;
  }

  #wentBack = (): void => {
    const place = placeOf(location.hash);
    this.place.set(place);
    const id = interactionOf(location.hash);
    const view = this.view.get();
    if (place === null && id && (view.kind === "none" || view.id !== id)) this.#see(id);
  };

  // --- writing ---

  write(conversationId: string, kind: "text" | "note", body: string): void {
    this.outbox.add({
      client_id: crypto.randomUUID(),
      conversation_id: conversationId,
      kind,
      // Pasted text may hold what the centre does not take: controls, marks that turn the direction.
      body: body.replace(/(?![\n\t])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, ""),
      created_at: new Date(serverNow()).toISOString(),
    });
    this.#typingSent.delete(conversationId);
  }

  /** Say that I am typing; at most once in three seconds. */
  keyPressed(conversationId: string): void {
    const last = this.#typingSent.get(conversationId) ?? 0;
    if (Date.now() - last < TYPING_SENT_MS) return;
    this.#typingSent.set(conversationId, Date.now());
    this.live.hint("chat.typing", { conversation_id: conversationId });
  }

  /** Say that I have read up to this message; once each. */
  read(conversationId: string, messageId: string): void {
    if (!this.live.isLive || (this.#readSent.get(conversationId) ?? "") >= messageId) return;
    this.#readSent.set(conversationId, messageId);
    this.live.command("chat.read", { conversation_id: conversationId, message_id: messageId }).catch(() => {
      this.#readSent.delete(conversationId);
    });
  }

  draft(conversationId: string): string {
    return remembered.read(`cc.draft.${conversationId}`, "");
  }

  keepDraft(conversationId: string, text: string): void {
    remembered.write(`cc.draft.${conversationId}`, text === "" ? null : text);
  }

  // --- offers ---

  async accept(reservation: ReservationCard): Promise<void> {
    await this.#answer(reservation, "accept", () =>
      this.live.command("reservation.accept", { reservation_id: reservation.reservation_id }),
    );
  }

  async reject(reservation: ReservationCard, reason: "busy" | "not_mine" | "break"): Promise<void> {
    await this.#answer(reservation, "reject", () =>
      this.live.command("reservation.reject", { reservation_id: reservation.reservation_id, reason }),
    );
  }

  async #answer(reservation: ReservationCard, how: "accept" | "reject", send: () => Promise<unknown>): Promise<void> {
    const id = reservation.reservation_id;
    if (this.answering.get()[id]) return;
    this.answering.update((now) => ({ ...now, [id]: how }));
    this.#fail(id, null);
    try {
      await send();
      if (how === "accept") this.open(reservation.interaction_id);
    } catch (error) {
      this.#fail(id, { action: how, code: codeOf(error) });
    } finally {
      this.answering.update((now) => {
        const { [id]: _done, ...rest } = now;
        return rest;
      });
    }
  }

  // --- commands on one interaction ---

  /** Runs a command; a refusal is kept beside the interaction and told as false. */
  async act(interactionId: string, name: string, payload: object = {}): Promise<boolean> {
    this.#fail(interactionId, null);
    this.#mineDoing.add(interactionId);
    try {
      await this.live.command(name, { interaction_id: interactionId, ...payload });
      return true;
    } catch (error) {
      this.#fail(interactionId, { action: name, code: codeOf(error) });
      return false;
    } finally {
      setTimeout(() => this.#mineDoing.delete(interactionId), MINE_DOING_MS);
    }
  }

  async pull(interactionId: string): Promise<void> {
    if (await this.act(interactionId, "interaction.pull")) this.open(interactionId);
  }

  /** The identity gate's fields, under the head of the conversation. */
  verify = (interactionId: string): void => {
    this.open(interactionId);
    this.verifying.set({ interaction: interactionId });
  };

  /** Something of this interaction has changed here: who shows it reads it again. */
  touched = (interactionId: string): void => this.#changed(interactionId);

  dismissFailure = (key: string): void => this.#fail(key, null);

  // --- status ---

  /** Throws CommandError, whose ctx says what stands in the way. */
  async setStatus(status: SetStatus): Promise<void> {
    this.forced.set(null);
    this.#settingStatus = true;
    try {
      await this.live.command("agent.set_status", status);
    } finally {
      this.#settingStatus = false;
    }
  }

  // --- from the server ---

  #event(name: string, payload: Delivered): void {
    if (name === "chat.typing") {
      if (payload.sender === "visitor") this.#visitorTypes(String(payload.conversation_id));
      return;
    }
    if (name === "file.changed") return this.#changed(payload.customer_id, payload.contact_id, payload.about);
    if (name === "call.quality") return this.softphone.measured(payload as unknown as CallQuality);
    const before = this.state.get();
    if (!before) return;
    if (name === "reservation.timed_out" || name === "reservation.rescinded" || name === "reservation.cancelled") {
      const reservation = before.reservations[String(payload.reservation_id)];
      if (reservation) this.#offerWent({ reservation, how: name.slice(12) as OfferGone["how"] });
    }
    if (name.startsWith("interaction.") && payload.interaction === null) this.#workWent(before, name, payload);
    if (name === "agent.status_changed") this.#statusChanged(before, payload);
    if (name === "chat.message" && payload.sender === "visitor") this.#stopsTyping(String(payload.conversation_id));
    this.#show(apply(before, name, payload));
  }

  #show(state: AgentState): void {
    const before = this.state.get();
    this.state.set(state);
    this.softphone.shows(state);
    if (before?.conversations !== state.conversations) this.#confirm(state);
    const view = this.view.get();
    if (view.kind === "look" && state.interactions[view.id]) this.view.set({ kind: "mine", id: view.id });
    if (view.kind === "mine" && !state.interactions[view.id]) this.view.set({ kind: "none" });
    // A call that I was asked into, or that was handed to me, with nothing else on show.
    const talked = talkedOn(state);
    if (view.kind === "none" && talked !== null && (before === null || talkedOn(before) !== talked)) this.#see(talked);
  }

  #changed(...what: unknown[]): void {
    this.changes.update((now) => {
      const named = what.filter((one): one is string => typeof one === "string");
      return { ...now, ...Object.fromEntries(named.map((one) => [one, (now[one] ?? 0) + 1])) };
    });
  }

  #confirm(state: AgentState): void {
    const waiting = this.outbox.items.get();
    if (waiting.length === 0) return;
    const arrived = new Set<string>();
    for (const one of waiting) {
      const conversation = state.conversations[one.conversation_id];
      const done = conversation
        ? conversation.messages.some((message) => message.client_id === one.client_id)
        : one.state === "sent";
      if (done) arrived.add(one.client_id);
    }
    this.outbox.confirmed(arrived);
  }

  #statusChanged(before: AgentState, payload: Delivered): void {
    const agent = payload.agent as TeamMember | undefined;
    if (!agent || agent.agent_id !== before.me.agent_id || this.#settingStatus) return;
    const cause = payload.cause;
    if (cause !== "supervisor" && cause !== "missed" && cause !== "system") return;
    this.forced.set({ status: agent.status, reason: agent.status_reason, cause });
  }

  #workWent(before: AgentState, name: string, payload: Delivered): void {
    const card = before.interactions[String(payload.interaction_id)];
    if (!card || this.#mineDoing.has(card.interaction_id) || this.#settingStatus) return;
    const deadline = card.segment?.wrap_deadline;
    const lapsed = deadline != null && Date.parse(deadline) <= serverNow() + 1_000;
    // Finished in another tab: that is no news.
    if (name === "interaction.wrapped_up" && !lapsed) return;
    const how = name === "interaction.wrapped_up" ? "lapsed" : name === "interaction.transferred" ? "moved" : "ended";
    this.takenAway.update((all) => [...all, { id: card.interaction_id, name: card.customer.name, how }]);
  }

  #offerWent(gone: OfferGone): void {
    this.offerGone.set(gone);
    if (this.#goneTimer !== null) clearTimeout(this.#goneTimer);
    this.#goneTimer = setTimeout(() => this.offerGone.set(null), GONE_SHOWN_MS);
  }

  #visitorTypes(conversationId: string): void {
    this.typing.update((now) => ({ ...now, [conversationId]: Date.now() + TYPING_SHOWN_MS }));
    setTimeout(() => {
      if ((this.typing.get()[conversationId] ?? 0) <= Date.now()) this.#stopsTyping(conversationId);
    }, TYPING_SHOWN_MS + 50);
  }

  #stopsTyping(conversationId: string): void {
    this.typing.update((now) => {
      if (!(conversationId in now)) return now;
      const { [conversationId]: _still, ...rest } = now;
      return rest;
    });
  }

  async #send(message: Outgoing): Promise<void> {
    await this.live.command("chat.message", {
      conversation_id: message.conversation_id,
      body: message.body,
      client_id: message.client_id,
      kind: message.kind,
    });
    const state = this.state.get();
    if (state) queueMicrotask(() => this.#confirm(this.state.get() ?? state));
  }

  #fail(key: string, failure: Failure | null): void {
    this.failures.update((now) => {
      if (failure) return { ...now, [key]: failure };
      if (!(key in now)) return now;
      const { [key]: _old, ...rest } = now;
      return rest;
    });
  }
}

const interactionOf = (hash: string): string | undefined => /^#i\/([0-9a-f-]{36})$/.exec(hash)?.[1];

/** The interaction of the call that I am on, when it is mine. */
function talkedOn(state: AgentState): string | null {
  const id = currentCall(state)?.interaction_id;
  return id !== undefined && state.interactions[id] ? id : null;
}

/** A queue's name in the language of the screen; its key when it is not known. */
export function queueName(state: AgentState, key: string | null): string {
  const queue = key === null ? undefined : state.queues[key];
  return queue ? (locale.get() === "es" ? queue.name_es : queue.name_en) : (key ?? "");
}
