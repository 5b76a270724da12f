/** Where the visitor writes: grows with the text, counts near the limit, sends with Enter. */

import { LONGEST_MESSAGE } from "./client";
import { h, icon, say } from "./dom";
import { plainText } from "./model";
import type { Texts } from "./texts";

const COUNTER_FROM = LONGEST_MESSAGE - 200;
const TALLEST = 144;

export interface ComposerActions {
  typed(draft: string): void;
  /** False keeps the text where it is. */
  submit(body: string): boolean;
  announce(words: string): void;
}

export class Composer {
  readonly note = h("div", { class: "note", id: "note", hidden: true });
  readonly element: HTMLFormElement;
  private readonly input: HTMLTextAreaElement;
  private readonly button: HTMLButtonElement;
  private paused = false;

  constructor(
    private readonly texts: Texts,
    private readonly actions: ComposerActions,
    draft: string,
  ) {
    this.input = h("textarea", {
      rows: "1",
      "aria-describedby": "note",
      enterkeyhint: "send",
      dir: "auto",
      input: () => this.typed(),
      keydown: (event: KeyboardEvent) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.submit();
        }
      },
    });
    this.input.value = draft;
    this.button = h("button", { type: "submit", class: "ib send", "aria-label": texts.send }, icon("send", 20));
    this.element = h(
      "form",
      {
        class: "composer",
        novalidate: true,
        submit: (event: Event) => {
          event.preventDefault();
          this.submit();
        },
      },
      this.input,
      this.button,
    );
  }

  get draft(): string {
    return this.input.value;
  }

  set draft(text: string) {
    this.input.value = text;
    this.typed();
  }

  focus(): void {
    this.input.focus({ preventScroll: true });
  }

  /** `paused`: the centre asked for patience. */
  render(shown: boolean, label: string, paused: boolean): void {
    this.element.hidden = !shown;
    this.input.placeholder = label;
    this.input.setAttribute("aria-label", label);
    this.paused = paused;
    this.renderNote();
  }

  measure(): void {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(TALLEST, Math.max(44, this.input.scrollHeight + 2))}px`;
  }

  private typed(): void {
    this.actions.typed(this.input.value);
    this.measure();
    this.renderNote();
  }

  private submit(): void {
    const body = plainText(this.input.value);
    if (!body || [...body].length > LONGEST_MESSAGE) this.focus();
    else if (this.actions.submit(body)) {
      this.draft = "";
      this.focus();
    }
  }

  /** The line above: too long, or too fast. */
  private renderNote(): void {
    const { note, texts, input } = this;
    const length = input.value.length < COUNTER_FROM ? 0 : [...plainText(input.value)].length;
    const over = length - LONGEST_MESSAGE;
    const bad = over > 0;
    const words = bad
      ? texts.over(over)
      : length >= COUNTER_FROM
        ? texts.left(-over)
        : this.paused
          ? texts.slowDown
          : "";
    // Read out when it appears, not at every letter.
    if (words && (note.hidden || bad !== note.classList.contains("bad"))) this.actions.announce(words);
    note.hidden = words === "";
    note.classList.toggle("bad", bad);
    say(note, words);
    input.setAttribute("aria-invalid", String(bad));
    this.button.setAttribute("aria-disabled", String(bad));
  }
}
