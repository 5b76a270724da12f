/** The bubble and its panel: built once per language, then only kept true to the state. */

import type { Caller, Trouble } from "./caller";
import { CallView, troubleWords } from "./callview";
import { Cards, type Asked } from "./cards";
import type { Client, State } from "./client";
import { Composer } from "./composer";
import { availableMark, h, icon, say } from "./dom";
import { Log, TypingLine } from "./log";
import { unread, type Message } from "./model";
import type { Options } from "./options";
import type { Chime } from "./sound";
import type { Details, Store } from "./storage";
import { Dates, TEXTS, type Language, type Texts } from "./texts";

const NEAR_END = 48;

export interface Report {
  (event: "open" | "close" | "message" | "state", detail: Record<string, unknown>): void;
}

export class View {
  private opened = false;
  private asked: Asked = null;
  private problem: string | null = null;
  private again = false;
  private texts!: Texts;
  private dates!: Dates;
  private log!: Log;
  private typingLine!: TypingLine;
  private cards!: Cards;
  private composer!: Composer;
  private callView!: CallView;
  /** In a call the composer opens on demand. */
  private writing = false;
  private callShown = "";
  /** The oldest message on show. */
  private first = "";
  private parts!: ReturnType<View["build"]>;
  private readonly announcer = h("div", { class: "vh", role: "status", "aria-live": "polite" });
  private readonly root = h("section", { class: "cc right" });
  private tick: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly shadow: ShadowRoot,
    private readonly client: Client,
    private readonly caller: Caller,
    private readonly store: Store,
    private readonly chime: Chime,
    private readonly options: () => Options,
    private readonly chooseLanguage: (language: Language) => void,
    private readonly report: Report,
  ) {
    this.shadow.append(this.root);
    this.refresh();
    client.onChange = () => {
      caller.update();
      this.render();
    };
    caller.onChange = () => this.render();
    client.onMessage = (message) => this.arrived(message);
    client.onStage = (stage, agent) => this.staged(stage, agent);
    document.addEventListener("visibilitychange", () => this.seen());
    addEventListener("focus", () => this.seen());
    if (store.open) this.open(false);
  }

  /** Language, theme, side or title changed: build the screen anew with what is typed kept. */
  refresh(): void {
    const { language, theme, position } = this.options();
    this.root.dataset.theme = theme;
    this.root.className = `cc ${position}`;
    if (this.texts === TEXTS[language]) {
      this.render();
      return;
    }
    const details: Details = this.cards?.form.details ?? this.store.start?.details ?? { name: "", email: "", phone: "" };
    this.texts = TEXTS[language];
    this.dates = new Dates(language, this.texts);
    this.root.lang = language;
    this.root.setAttribute("aria-label", this.texts.region);
    this.log = new Log(this.texts, this.dates, {
      retry: () => this.client.retry(),
      edit: (client_id) => this.edit(client_id),
    });
    this.typingLine = new TypingLine();
    this.cards = new Cards(
      this.texts,
      this.dates,
      {
        startAgain: () => this.writeAgain(),
        transcript: () => void this.download(),
        retry: () => this.retry(),
        confirm: (what) => void this.confirmed(what),
        cancel: () => this.ask(null),
      },
      details,
    );
    this.composer = new Composer(
      this.texts,
      {
        typed: (draft) => {
          this.store.draft = draft;
          if (draft.trim()) this.client.typing();
        },
        submit: (body) => this.submit(body),
        announce: (words) => this.announce(words),
      },
      this.composer?.draft ?? this.store.draft,
    );
    this.callView = new CallView(this.texts, this.caller, {
      place: () => this.placeCall(),
      leaveMessage: () => this.leaveMessage(),
      write: () => this.write(!this.writing),
    });
    this.parts = this.build();
    this.root.replaceChildren(this.parts.bubble, this.parts.panel, this.announcer);
    this.render();
    this.composer.measure();
    this.toEnd();
  }

  open(focus = true): void {
    if (!this.opened) {
      this.opened = true;
      this.store.open = true;
      this.client.opened();
      this.parts.panel.classList.toggle("arriving", focus);
      this.render();
      this.composer.measure();
      this.toEnd();
      this.report("open", {});
    }
    if (focus) this.composer.focus();
    this.seen();
  }

  close(): void {
    if (!this.opened) return;
    const held = this.shadow.activeElement !== null;
    this.opened = false;
    this.store.open = false;
    this.asked = null;
    this.toggleMenu(false);
    this.render();
    if (held) this.parts.bubble.focus({ preventScroll: true });
    this.report("close", {});
  }

  /** The panel with the question before a call. */
  call(): void {
    this.open();
    this.askCall();
  }

  private build() {
    const { texts } = this;
    const badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
    const badgeWords = h("span", { class: "vh" });
    const bubble = h(
      "button",
      { type: "button", class: "bubble", click: () => this.touched(() => this.open()) },
      icon("chat", 20),
      h("span", {}, texts.bubble),
      badge,
      badgeWords,
    );
    const title = h("h2", { id: "title" });
    const status = h("div", { class: "status" });
    const menuButton = h(
      "button",
      {
        type: "button",
        class: "ib",
        "aria-label": texts.menu,
        "aria-expanded": "false",
        "aria-controls": "menu",
        click: () => this.toggleMenu(),
      },
      icon("dots", 20),
    );
    const callButton = h(
      "button",
      { type: "button", class: "ib", "aria-label": texts.call, title: texts.call, click: () => this.touched(() => this.askCall()) },
      icon("phone", 20),
    );
    const menu = h("div", { class: "menu", id: "menu", hidden: true });
    const down = h(
      "button",
      { type: "button", class: "ib", "aria-label": texts.minimise, click: () => this.close() },
      icon("down", 20),
    );
    const earlier = h("button", { type: "button", class: "earlier", hidden: true, click: () => void this.client.loadEarlier() });
    const below = h("button", { type: "button", class: "below", hidden: true, click: () => this.toEnd() }, texts.newBelow);
    const body = h(
      "div",
      { class: "body", tabindex: "0", role: "group", "aria-label": texts.conversation, scroll: () => this.scrolled() },
      earlier,
      this.log.element,
      this.cards.element,
      this.typingLine.element,
      below,
    );
    const panel = h(
      "div",
      {
        class: "panel",
        role: "dialog",
        "aria-labelledby": "title",
        hidden: true,
        keydown: (event: KeyboardEvent) => this.keyed(event),
        pointerdown: () => this.touched(),
      },
      h("header", { class: "head" }, h("div", { class: "who" }, title, status), callButton, menuButton, menu, down),
      this.callView.element,
      body,
      this.callView.keys,
      this.composer.note,
      this.composer.element,
    );
    return { bubble, badge, badgeWords, panel, title, status, callButton, menuButton, menu, body, earlier, below };
  }

  private render(): void {
    const { parts, texts } = this;
    const { state } = this.client;
    const { conversation, centre } = state;
    const stay = this.atEnd();
    const fresh = conversation ? unread(conversation).length : 0;
    parts.bubble.hidden = this.opened;
    parts.panel.hidden = !this.opened;
    parts.badge.hidden = fresh === 0;
    say(parts.badge, fresh > 99 ? "99+" : String(fresh));
    say(parts.badgeWords, fresh ? `, ${texts.unread(fresh)}` : "");
    const { step, elsewhere } = this.caller;
    const calling = step === "placing" || step === "on";
    this.told();
    this.heartbeat(state.pausedUntil !== null || step === "on");
    if (!this.opened) return;
    const { title } = this.options();
    say(parts.title, title ?? centre?.name ?? texts.region);
    this.renderStatus(state);
    const { scrollHeight } = parts.body;
    const first = conversation?.messages[0]?.message_id ?? "";
    const longer = first < this.first;
    this.first = first;
    this.log.render(state, this.client.now());
    parts.earlier.hidden = state.earlier === "none";
    parts.earlier.disabled = state.earlier === "loading";
    say(parts.earlier, state.earlier === "failed" ? `${texts.earlier}: ${texts.retry}` : texts.earlier);
    const { asked, problem, again } = this;
    this.cards.render(state, { asked, problem, again, muted: this.store.muted, calling: step !== "idle" }, this.client.now());
    this.typingLine.render(state.typing, texts.typing(conversation?.agent?.name ?? null));
    const closed = !conversation && centre !== null && !centre.open;
    parts.callButton.hidden = calling || (centre !== null && !centre.open);
    const keyed = calling && !elsewhere;
    this.callView.render(this.client.now(), this.writing);
    this.composer.render(
      (conversation?.state !== "ended" || again) && (!keyed || this.writing),
      closed ? texts.writeClosed : texts.write,
      state.pausedUntil !== null,
    );
    if (stay) this.toEnd();
    else if (longer) parts.body.scrollTop += parts.body.scrollHeight - scrollHeight; // what is being read keeps its place
    this.seen();
  }

  private renderStatus(state: State): void {
    const { texts, dates, parts } = this;
    const { conversation, centre } = state;
    const now = this.client.now();
    const show = (kind: string, mark: SVGElement | null, text: string) => {
      if (parts.status.className === `status ${kind}`.trim() && parts.status.textContent === text) return;
      parts.status.className = `status ${kind}`.trim();
      parts.status.replaceChildren(...(mark ? [mark] : []), h("span", {}, text));
    };
    if (state.link === "offline") show("lost", icon("cloud", 12), texts.offline);
    else if (this.caller.step === "placing" || this.caller.step === "on") show("ok", icon("phone", 12), this.callWords());
    else if (state.restoring) show("", null, texts.connecting);
    else if (conversation?.agent) show("", availableMark(), texts.answersNow(conversation.agent.name));
    else if (centre?.open) show("ok", icon("check", 12), dates.closing(centre.closes_at, now, centre.timezone));
    else if (centre) {
      const opens = dates.opening(centre.opens_at, now, centre.timezone);
      show("", icon("clock", 12), opens ? texts.opensAt(opens) : texts.closed);
    } else show("", null, "");
  }

  /** Whether somebody is on the other end yet. */
  private callWords(): string {
    const { texts, caller } = this;
    if (caller.step === "placing" || !caller.call) return texts.placing;
    const { state } = caller.call;
    return state === "waiting" ? texts.callWaits : state === "ringing" ? texts.ringing : texts.calling;
  }

  private submit(body: string): boolean {
    this.touched();
    const { conversation, restoring, startFailure } = this.client.state;
    const begins = !conversation && !restoring;
    if (begins && !this.cards.form.check()) return false;
    this.problem = null;
    this.client.send(body, begins ? this.cards.form.details : undefined);
    if (startFailure) this.retry();
    this.toEnd();
    return true;
  }

  // The call

  private askCall(): void {
    this.caller.ask();
    this.callView.element.querySelector<HTMLElement>(".btn.p")?.focus();
  }

  private placeCall(): void {
    this.touched();
    this.writing = false;
    const begins = !this.client.state.conversation;
    if (begins && !this.cards.form.check()) return this.caller.dismiss();
    void this.caller.place(this.cards.form.details);
  }

  private leaveMessage(): void {
    this.caller.dismiss();
    this.write(true);
  }

  private write(on: boolean): void {
    this.writing = on;
    // A chat that was over before the call goes on with what is written now.
    if (on) this.again = true;
    this.render();
    if (on) this.composer.focus();
  }

  /** What became of the call, once each, for whoever does not see it. */
  private told(): void {
    const { texts, caller } = this;
    const { step, trouble, call } = caller;
    const now = `${step} ${trouble ?? ""} ${caller.refused ?? ""} ${step === "on" ? (call?.state ?? "") : ""}`;
    if (now === this.callShown) return;
    this.callShown = now;
    if (caller.refused) return this.announce(texts.callRefused[caller.refused]);
    if (trouble) return this.troubled(trouble);
    if (step === "over") this.announce(texts.callOver);
    else if (step === "on" && call?.state === "waiting") this.announce(call.position ? texts.position(call.position) : texts.searching);
    else if (step === "on" && call?.state === "active") {
      this.announce(texts.joined(call.agent?.name ?? texts.team));
    } else if (step === "on" && call?.state === "held") this.announce(texts.held);
  }

  private troubled(trouble: Trouble): void {
    this.announce(troubleWords(this.texts, trouble));
    if (trouble === "all_lines_busy") this.chime.play("busy");
  }

  private retry(): void {
    const begins = !this.client.state.conversation;
    if (begins && !this.cards.form.check()) return;
    this.problem = null;
    if (!this.client.state.centre) void this.client.loadCentre();
    this.client.retry(begins ? this.cards.form.details : undefined);
  }

  private edit(client_id: string): void {
    const body = this.client.takeBack(client_id);
    const { draft } = this.composer;
    this.composer.draft = draft.trim() ? `${body}\n${draft}` : body;
    this.composer.focus();
  }

  /** Goes on in the same conversation: the office sees what was said before. */
  private writeAgain(): void {
    this.again = true;
    this.problem = null;
    this.render();
    this.toEnd();
    this.composer.focus();
  }

  private ask(what: Asked): void {
    this.asked = what;
    this.problem = null;
    this.render();
    this.toEnd();
    if (what) this.cards.element.querySelector<HTMLElement>(".card:last-child .btn")?.focus();
    else this.composer.focus();
  }

  private async confirmed(what: Exclude<Asked, null>): Promise<void> {
    this.ask(null);
    if (what === "forget") {
      this.client.forget();
      void this.client.loadCentre();
      this.composer.focus();
    } else if ((await this.client.close()) !== null) this.fail(this.texts.notEnded);
    else this.parts.body.focus();
  }

  private async download(): Promise<void> {
    try {
      const url = URL.createObjectURL(new Blob([await this.client.transcript()], { type: "text/plain;charset=utf-8" }));
      const day = new Date(this.client.now()).toISOString().slice(0, 10);
      const link = h("a", { href: url, download: `${this.texts.transcriptName}-${day}.txt` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch {
      this.fail(this.texts.transcriptFailed);
    }
  }

  private fail(sentence: string): void {
    this.problem = sentence;
    this.render();
    this.toEnd();
    this.announce(sentence);
  }

  // Menu and keys

  private toggleMenu(open = this.parts.menu.hidden): void {
    const { menu, menuButton } = this.parts;
    const { texts } = this;
    const stage = this.client.state.conversation?.state;
    menu.hidden = !open;
    menuButton.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const item = (text: string, act: () => void, lang?: string) =>
      h(
        "button",
        {
          type: "button",
          lang,
          click: () => {
            this.toggleMenu(false);
            this.parts.menuButton.focus();
            act();
          },
        },
        text,
      );
    const other: Language = this.options().language === "es" ? "en" : "es";
    const items = [
      item(this.store.muted ? texts.unmute : texts.mute, () => {
        this.store.muted = !this.store.muted;
        this.render();
      }),
      item(texts.otherLanguage, () => this.switchLanguage(other), other),
    ];
    if (this.client.state.conversation?.messages.length) {
      items.push(item(texts.transcript, () => void this.download()));
    }
    if (stage === "waiting" || stage === "active") items.push(item(texts.end, () => this.ask("end")));
    if (stage === "ended" || stage === "message_left") items.push(item(texts.forget, () => this.ask("forget")));
    menu.replaceChildren(...items);
    items[0]?.focus();
  }

  private switchLanguage(language: Language): void {
    this.chooseLanguage(language);
    this.parts.menuButton.focus();
  }

  private keyed(event: KeyboardEvent): void {
    const { parts } = this;
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      if (!parts.menu.hidden) {
        this.toggleMenu(false);
        parts.menuButton.focus();
      } else if (this.asked) this.ask(null);
      else this.close();
    } else if (event.key === "Tab" && this.coversThePage()) this.keepFocus(event);
    else if (!parts.menu.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const items = [...parts.menu.querySelectorAll("button")];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = items.indexOf(this.shadow.activeElement as HTMLButtonElement);
      event.preventDefault();
      items[(at + step + items.length) % items.length]?.focus();
    }
  }

  /** On a small screen the page behind cannot be seen, so the focus does not go there. */
  private keepFocus(event: KeyboardEvent): void {
    const all = [...this.parts.panel.querySelectorAll<HTMLElement>("button, input, textarea, a, [tabindex]")];
    const reachable = all.filter((e) => e.offsetParent !== null);
    const [first, last] = [reachable[0], reachable.at(-1)];
    const at = this.shadow.activeElement;
    if (event.shiftKey ? at === first : at === last) {
      event.preventDefault();
      (event.shiftKey ? last : first)?.focus();
    }
  }

  private coversThePage(): boolean {
    return this.parts.panel.offsetWidth >= innerWidth;
  }

  // News

  private arrived(message: Message): void {
    const { texts } = this;
    if (message.kind === "event") return;
    const who = message.sender === "bot" ? texts.assistant : (message.agent_name ?? texts.team);
    this.announce(texts.from(who, message.body));
    this.ring("message");
    if (this.opened && !this.atEnd()) this.parts.below.hidden = false;
    this.report("message", { sender: message.sender, body: message.body });
  }

  private staged(stage: string, agent: string | null): void {
    const { texts } = this;
    this.again = false;
    if (stage === "active" && agent) {
      this.announce(texts.joined(agent));
      this.ring("joined");
    } else if (stage === "waiting") {
      const { position } = this.client.state.conversation ?? {};
      this.announce(position ? texts.position(position) : texts.searching);
    } else if (stage === "ended") this.announce(texts.ended);
    else if (stage === "message_left") this.announce(texts.leftTitle);
    this.report("state", { state: stage, agent });
  }

  /** Read out by a screen reader; old words leave, so that they are not found when browsing. */
  private announce(text: string): void {
    const line = h("p", {}, text);
    this.announcer.append(line);
    setTimeout(() => line.remove(), 10_000);
  }

  private ring(kind: "joined" | "message"): void {
    if (!this.store.muted) this.chime.play(kind);
  }

  /** A click or a key: from here on the browser lets us make a sound. */
  private touched(then?: () => void): void {
    this.chime.unlock();
    then?.();
  }

  private seen(): void {
    const visible = this.opened && document.visibilityState === "visible" && document.hasFocus();
    if (visible && this.atEnd()) void this.client.markRead();
  }

  // Scrolling and size

  private atEnd(): boolean {
    const { body } = this.parts;
    return body.scrollHeight - body.scrollTop - body.clientHeight < NEAR_END;
  }

  private toEnd(): void {
    this.parts.body.scrollTop = this.parts.body.scrollHeight;
    this.parts.below.hidden = true;
  }

  private scrolled(): void {
    if (this.parts.body.scrollTop < NEAR_END && this.client.state.earlier === "some") void this.client.loadEarlier();
    if (!this.atEnd()) return;
    this.parts.below.hidden = true;
    this.seen();
  }

  private heartbeat(on: boolean): void {
    if (on && this.tick === undefined) this.tick = setInterval(() => this.render(), 1_000);
    else if (!on && this.tick !== undefined) {
      clearInterval(this.tick);
      this.tick = undefined;
    }
  }
}
