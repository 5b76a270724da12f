/** The messages on show: one element each, made once and changed only where it differs. */

import type { Pending, State } from "./client";
import { h, icon, say, words } from "./dom";
import type { Message } from "./model";
import type { Dates, Texts } from "./texts";

interface Shown {
  element: HTMLElement;
  signature: string;
}

export interface LogActions {
  retry(): void;
  edit(client_id: string): void;
}

interface Delivery {
  kind: "sent" | "read" | "sending" | "offline" | "paused" | "failed";
  seconds?: number;
  code?: string;
}

export class Log {
  readonly element = h("ol", { class: "log" });
  private shown = new Map<string, Shown>();
  private order = "";

  constructor(
    private readonly texts: Texts,
    private readonly dates: Dates,
    private readonly actions: LogActions,
  ) {
    this.element.setAttribute("aria-label", texts.conversation);
  }

  render(state: State, now: number): void {
    const rows: [string, string, () => HTMLElement][] = [];
    let before: string | null = null;
    let spoken: string | null = null;
    const conversation = state.conversation;
    for (const message of conversation?.messages ?? []) {
      if (before === null || !this.dates.sameDay(before, message.created_at)) {
        const words = this.dates.day(message.created_at, now);
        rows.push([`day:${message.message_id}`, words, () => h("li", { class: "ev" }, words)]);
      }
      before = message.created_at;
      if (message.sender === "agent" && message.kind === "text" && message.agent_name && message.agent_name !== spoken) {
        const name = (spoken = message.agent_name);
        rows.push([`who:${message.message_id}`, name, () => this.joined(name, message.created_at)]);
      }
      if (message.sender !== "visitor") {
        rows.push([message.message_id, "", () => this.received(message)]);
      } else {
        const read = (conversation?.agent_read ?? "") >= message.message_id;
        const delivery: Delivery = { kind: read ? "read" : "sent" };
        const key = message.client_id ?? message.message_id;
        rows.push([key, delivery.kind, () => this.mine(message.body, message.created_at, delivery)]);
      }
    }
    for (const entry of state.outbox) {
      const delivery = this.deliveryOf(entry, state);
      rows.push([entry.client_id, JSON.stringify(delivery), () => this.mine(entry.body, entry.at, delivery, entry)]);
    }
    this.place(rows);
  }

  private place(rows: [string, string, () => HTMLElement][]): void {
    const next = new Map<string, Shown>();
    for (const [key, signature, make] of rows) {
      const old = this.shown.get(key);
      if (old?.signature === signature) next.set(key, old);
      else {
        const element = make();
        old?.element.replaceWith(element);
        next.set(key, { element, signature });
      }
    }
    for (const [key, { element }] of this.shown) if (!next.has(key)) element.remove();
    this.shown = next;
    const order = rows.map(([key]) => key).join();
    if (order === this.order) return;
    this.order = order;
    let at: Element | null = this.element.firstElementChild;
    for (const { element } of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.element.insertBefore(element, at);
    }
  }

  private deliveryOf(entry: Pending, state: State): Delivery {
    if (entry.failure) return { kind: "failed", code: entry.failure.code };
    if (state.pausedUntil !== null) {
      return { kind: "paused", seconds: Math.max(1, Math.ceil((state.pausedUntil - Date.now()) / 1_000)) };
    }
    return { kind: state.link === "offline" ? "offline" : "sending" };
  }

  private joined(name: string, at: string): HTMLElement {
    return h("li", { class: "ev" }, icon("person", 12), `${this.texts.joined(name)} · ${this.dates.time(at)}`);
  }

  private received(message: Message): HTMLElement {
    const { texts, dates } = this;
    if (message.kind === "event") return h("li", { class: "ev" }, message.body);
    const who = message.sender === "bot" ? texts.assistant : (message.agent_name ?? texts.team);
    return h(
      "li",
      { class: "bub in" },
      words(message.body),
      h("div", { class: "meta" }, message.sender === "bot" && icon("bolt", 12), `${who} · ${dates.time(message.created_at)}`),
    );
  }

  private mine(body: string, at: string, delivery: Delivery, entry?: Pending): HTMLElement {
    const { texts } = this;
    const meta = h("div", { class: delivery.kind === "failed" ? "meta bad" : "meta" });
    const put = (mark: SVGElement, word: string) => meta.append(mark, h("span", {}, word));
    meta.append(h("span", { class: "vh" }, `${texts.you}, `), `${this.dates.time(at)} · `);
    if (delivery.kind === "read") {
      const mark = icon("checks", 16);
      mark.classList.add("read");
      put(mark, texts.read);
    } else if (delivery.kind === "sent") put(icon("check", 12), texts.sent);
    else if (delivery.kind === "offline") put(icon("clock", 12), texts.waitsForLink);
    else if (delivery.kind === "paused") put(icon("clock", 12), texts.waitsFor(delivery.seconds ?? 0));
    else if (delivery.kind === "sending") put(icon("clock", 12), texts.sending);
    else {
      put(icon("octagon", 12), delivery.code === "too_large" ? texts.tooLong : texts.refused);
      const { client_id } = entry!;
      meta.append(
        h("button", { type: "button", click: () => this.actions.retry() }, texts.retry),
        h("button", { type: "button", click: () => this.actions.edit(client_id) }, texts.edit),
      );
    }
    return h("li", { class: "bub me" }, words(body), meta);
  }
}

/** Words that come and go below the messages. */
export class TypingLine {
  private readonly label = h("span");
  readonly element = h(
    "div",
    { class: "typing", hidden: true },
    h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")),
    this.label,
  );

  render(shown: boolean, text: string): void {
    this.element.hidden = !shown;
    if (shown) say(this.label, text);
  }
}
