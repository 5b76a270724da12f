/** What stands below the messages: the start, the place in the queue, the end, and what went wrong. */

import type { Topic } from "@contactcenter/shared/contract";

import type { State } from "./client";
import { h, icon } from "./dom";
import type { Details } from "./storage";
import { waitWords, type Dates, type Texts } from "./texts";

export type Asked = "end" | "forget" | null;

/** What the visitor has done on the screen since. */
export interface Screen {
  asked: Asked;
  problem: string | null;
  muted: boolean;
  /** The conversation has ended, and the visitor is writing again. */
  again: boolean;
  /** There is a call: it needs no greeting. */
  calling: boolean;
}

export interface CardActions {
  startAgain(): void;
  transcript(): void;
  retry(): void;
  confirm(what: Exclude<Asked, null>): void;
  cancel(): void;
}

/** One card by name; made again only when what it shows differs. */
export class Cards {
  readonly element = h("div", { class: "cards" });
  private shown = new Map<string, { element: HTMLElement; signature: string }>();
  private lastFailure: State["startFailure"] = null;
  readonly form: DetailsForm;

  constructor(
    private readonly texts: Texts,
    private readonly dates: Dates,
    private readonly actions: CardActions,
    details: Details,
  ) {
    this.form = new DetailsForm(texts, details);
  }

  render(state: State, screen: Screen, now: number): void {
    const { asked, problem, muted, again, calling } = screen;
    const cards: [string, unknown, () => HTMLElement][] = [];
    const { conversation, centre, startFailure } = state;
    const opens = centre ? this.dates.opening(centre.opens_at, now, centre.timezone) : null;
    const stage = conversation?.state ?? (state.restoring ? null : "new");
    const quiet = state.outbox.length === 0;
    if (state.expired) cards.push(["expired", 0, () => h("div", { class: "card" }, h("p", {}, this.texts.expired))]);
    if (stage === "new" && !calling && (quiet || startFailure)) {
      const closed = centre !== null && !centre.open;
      if (quiet && !conversation?.messages.length) {
        cards.push(["intro", [closed, opens], () => this.intro(closed, opens)]);
      }
      if (!conversation) cards.push(["form", 0, () => this.form.element]);
    }
    if (stage === "waiting") {
      const { position, estimated_wait_seconds: wait, messages } = conversation!;
      const served = messages.some((message) => message.sender === "agent");
      cards.push(["queue", [position, wait, muted, served], () => this.queue(position, wait, muted, served)]);
    }
    if (stage === "message_left") cards.push(["left", opens, () => this.left(opens)]);
    if (stage === "ended" && !again && !calling) cards.push(["ended", 0, () => this.ended()]);
    if (startFailure) cards.push(["start", startFailure.code, () => this.startProblem(startFailure.code)]);
    else if (state.centreFailed && !conversation && state.link !== "online") {
      cards.push(["unreachable", 0, () => this.problem(this.texts.unreachable)]);
    }
    if (problem) cards.push(["problem", problem, () => this.problem(problem, false)]);
    if (asked) cards.push(["ask", [asked, stage], () => this.ask(asked, stage === "waiting")]);
    this.place(cards);
    if (startFailure !== this.lastFailure) this.form.refuse(startFailure?.fields ?? []);
    this.lastFailure = startFailure;
  }

  private place(cards: [string, unknown, () => HTMLElement][]): void {
    const next = new Map<string, { element: HTMLElement; signature: string }>();
    for (const [name, content, make] of cards) {
      const signature = JSON.stringify(content);
      const old = this.shown.get(name);
      next.set(name, old?.signature === signature ? old : { element: make(), signature });
    }
    const wanted = [...next.values()].map((card) => card.element);
    const same =
      wanted.length === this.element.childElementCount && wanted.every((e, i) => e === this.element.children[i]);
    if (!same) this.element.replaceChildren(...wanted);
    this.shown = next;
  }

  private intro(closed: boolean, opens: string | null): HTMLElement {
    const { texts } = this;
    return h(
      "div",
      { class: "intro" },
      h("h3", {}, closed ? texts.closedTitle(opens) : texts.greeting),
      h("p", {}, closed ? texts.greetingClosed : texts.greetingOpen),
    );
  }

  private queue(position: number | null, wait: number | null, muted: boolean, served: boolean): HTMLElement {
    const { texts } = this;
    const searching = served ? texts.waitingAgain : texts.searching;
    const help = [position === null ? null : texts.ahead(position - 1), muted ? null : texts.chime];
    return h(
      "div",
      { class: "card" },
      h(
        "div",
        { class: "place" },
        position !== null &&
          h("div", { class: "figure" }, h("b", {}, String(position)), h("span", {}, texts.inQueue)),
        h(
          "div",
          {},
          h("h3", {}, position === null ? searching : waitWords(texts, wait)),
          h("p", {}, help.filter(Boolean).join(" ")),
        ),
      ),
      h("p", { class: "foot" }, texts.keepsPlace),
    );
  }

  private left(opens: string | null): HTMLElement {
    return h("div", { class: "card" }, h("h3", {}, this.texts.leftTitle), h("p", {}, this.texts.leftHelp(opens)));
  }

  private ended(): HTMLElement {
    const { texts, actions } = this;
    return h(
      "div",
      { class: "card" },
      h("h3", {}, texts.ended),
      h("p", {}, texts.endedHelp),
      h(
        "div",
        { class: "acts" },
        h("button", { type: "button", class: "btn p", click: () => actions.startAgain() }, texts.again),
        h("button", { type: "button", class: "btn", click: () => actions.transcript() }, texts.transcript),
      ),
    );
  }

  private startProblem(code: string): HTMLElement {
    const { texts } = this;
    if (code === "forbidden") return this.problem(texts.notFromHere, false);
    return this.problem(code === "invalid" ? texts.checkDetails : texts.notStarted);
  }

  private problem(sentence: string, retry = true): HTMLElement {
    const button = h("button", { type: "button", class: "btn", click: () => this.actions.retry() }, this.texts.retry);
    return h(
      "div",
      { class: "card bad" },
      h("h3", {}, icon("octagon"), h("span", {}, sentence)),
      retry && h("div", { class: "acts" }, button),
    );
  }

  private ask(what: Exclude<Asked, null>, waiting: boolean): HTMLElement {
    const { texts, actions } = this;
    return h(
      "div",
      { class: "card" },
      h("h3", {}, what === "end" ? texts.confirmEnd : texts.confirmForget),
      h("p", {}, what === "end" ? texts.confirmEndHelp[waiting ? "waiting" : "active"] : texts.confirmForgetHelp),
      h(
        "div",
        { class: "acts" },
        h("button", { type: "button", class: "btn", click: () => actions.cancel() }, texts.cancel),
        h("button", { type: "button", class: "btn p", click: () => actions.confirm(what) }, texts.confirm[what]),
      ),
    );
  }
}

const FIELDS = [
  { name: "name", type: "text", autocomplete: "name", wide: true },
  { name: "email", type: "email", autocomplete: "email", wide: false },
  { name: "phone", type: "tel", autocomplete: "tel", wide: false },
] as const;

/** Those that a visitor chooses from, in the order of haste. */
export const TOPICS = ["injured", "leak", "claim", "receipts", "new"] satisfies Topic[];

/** What it is about, name, mail and telephone: all may stay empty. What is wrong is said beside it. */
class DetailsForm {
  readonly element: HTMLFieldSetElement;
  private readonly inputs = new Map<string, { input: HTMLInputElement; error: HTMLElement; bad: string }>();

  private readonly topic: HTMLSelectElement;

  constructor(texts: Texts, details: Details) {
    const bad = { name: texts.badName, email: texts.badEmail, phone: texts.badPhone };
    const rows = FIELDS.map(({ name, type, autocomplete, wide }) => {
      const error = h("div", { class: "error", id: `${name}-error` });
      const input = h("input", {
        id: name,
        name,
        type,
        autocomplete,
        maxlength: "200",
        "aria-describedby": `${name}-error`,
        input: () => this.mark(name, false),
      });
      input.value = details[name];
      this.inputs.set(name, { input, error, bad: bad[name] });
      return h("div", { class: wide ? "field wide" : "field" }, h("label", { for: name }, texts[name]), input, error);
    });
    this.topic = h(
      "select",
      { id: "topic", change: () => warn() },
      ...["", ...TOPICS].map((value, n) => h("option", { value }, n ? texts.topics[n - 1]! : "—")),
    );
    this.topic.value = details.topic ?? "";
    const warning = h("p", { class: "help", role: "status" });
    const warn = () => (warning.textContent = this.topic.value === TOPICS[0] ? texts.call112 : "");
    warn();
    this.element = h(
      "fieldset",
      { class: "fields" },
      h("legend", {}, texts.details),
      h("p", { class: "help" }, texts.detailsHelp),
      h("div", { class: "field wide" }, h("label", { for: "topic" }, texts.topic), this.topic, warning),
      ...rows,
    );
  }

  get details(): Details {
    const value = (name: string) => this.inputs.get(name)?.input.value.trim() ?? "";
    return { name: value("name"), email: value("email"), phone: value("phone"), topic: this.topic.value };
  }

  /** True when all that is filled in can be used; else the first bad field is marked and focused. */
  check(): boolean {
    const { email, phone } = this.details;
    const bad: string[] = [];
    if (email && !/^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(email)) bad.push("email");
    if (phone && !/^\+?[\d\s().-]{6,24}$/.test(phone)) bad.push("phone");
    for (const name of bad) this.mark(name, true);
    if (bad[0]) this.inputs.get(bad[0])?.input.focus();
    return bad.length === 0;
  }

  /** Marks what the centre refused. */
  refuse(fields: string[]): void {
    for (const name of fields) this.mark(name, true);
  }

  private mark(name: string, bad: boolean): void {
    const field = this.inputs.get(name);
    if (!field) return;
    field.input.setAttribute("aria-invalid", String(bad));
    field.error.textContent = bad ? field.bad : "";
  }
}

