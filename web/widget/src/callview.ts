/** The call on the panel: what is asked before it, what is going on, and the keys. */

import type { VisitorCall } from "@contactcenter/shared/contract";

import type { Caller, Trouble } from "./caller";
import { h, icon, say, type IconName } from "./dom";
import { waitWords, type Texts } from "./texts";

export type RecordingSaid = "asks" | "recorded" | "paused" | "stopped" | "refused";

export interface CallActions {
  place(): void;
  leaveMessage(): void;
  write(): void;
}

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

const two = (n: number): string => String(n).padStart(2, "0");
const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
};

export const troubleWords = (texts: Texts, trouble: Trouble): string =>
  texts.callTrouble[trouble === "no_pcmu" ? "unsupported" : trouble];

/** What the customer is told of the recording: by the state, not by the rule alone, since the agent
 * may stop it and the media may not have begun. null: nothing. */
export function recordingSaid({ state, record }: Pick<VisitorCall, "state" | "record">): RecordingSaid | null {
  if (record.state === "paused" || record.state === "refused") return record.state;
  if (record.state !== "off") return "recorded";
  if (record.mode === "off") return null;
  if (record.mode === "opt_in" && record.consent === null) return "asks";
  return state === "active" || state === "held" ? "stopped" : "recorded";
}

export class CallView {
  readonly element = h("section", { class: "call", hidden: true });
  readonly keys: HTMLElement;
  private readonly muteKey: HTMLButtonElement;
  private readonly padKey: HTMLButtonElement;
  private readonly writeKey: HTMLButtonElement;
  private readonly time = h("div", { class: "time" });
  private readonly word = h("div", { class: "word" });
  private readonly pad: HTMLElement;
  private padOpen = false;
  private shown = "";

  constructor(
    private readonly texts: Texts,
    private readonly caller: Caller,
    private readonly actions: CallActions,
  ) {
    this.muteKey = this.key("mic", texts.keyMute, () => caller.mute());
    this.padKey = this.key("keypad", texts.keyPad, () => {
      this.padOpen = !this.padOpen;
      caller.onChange();
    });
    this.writeKey = this.key("chat", texts.keyWrite, () => actions.write());
    const hang = this.key("hang", texts.keyHang, () => void caller.hangUp());
    hang.classList.add("bad");
    this.keys = h("div", { class: "keys", role: "group", "aria-label": texts.calling, hidden: true }, this.muteKey, this.padKey, this.writeKey, hang);
    this.pad = h(
      "div",
      { class: "pad", role: "group", "aria-label": texts.keys },
      ...DIGITS.map((digit) => h("button", { type: "button", class: "btn", click: () => void caller.digits(digit) }, digit)),
    );
  }

  /** `now`: the centre's clock. `writing`: the composer is on show. */
  render(now: number, writing: boolean): void {
    const { caller, texts } = this;
    const { step, trouble, elsewhere, call } = caller;
    const talking = step === "on" && !elsewhere;
    this.element.hidden = step === "idle";
    this.element.setAttribute("aria-label", step === "asked" ? texts.callTitle : texts.calling);
    this.keys.hidden = !(talking || step === "placing");
    if (step === "idle") return;
    if (!talking) this.padOpen = false;
    this.muteKey.setAttribute("aria-pressed", String(caller.muted));
    this.muteKey.replaceChildren(icon(caller.muted ? "micOff" : "mic", 20), h("span", {}, caller.muted ? texts.keyUnmute : texts.keyMute));
    this.padKey.setAttribute("aria-expanded", String(this.padOpen));
    this.writeKey.setAttribute("aria-expanded", String(writing));
    this.renderTime(now);
    this.renderWord();
    const what = JSON.stringify([step, trouble, elsewhere, caller.line === "lost", this.padOpen, caller.refused, call && [call.state, call.position, call.estimated_wait_seconds, call.agent, call.record, call.connection]]);
    if (what === this.shown) return;
    this.shown = what;
    this.element.replaceChildren(...this.contents());
  }

  private contents(): HTMLElement[] {
    const { caller, texts, actions } = this;
    if (caller.step === "asked") return [this.asked()];
    if (caller.step === "placing") return [this.name(texts.placing)];
    if (caller.step === "over") {
      return [
        this.name(texts.callOver),
        this.time,
        this.acts([texts.done, () => caller.dismiss()], [texts.callAgain, () => caller.ask()]),
      ];
    }
    if (caller.elsewhere) return [this.line(texts.callElsewhere), ...(caller.trouble ? [this.problem(troubleWords(texts, caller.trouble))] : []), this.acts([texts.callHere, () => void caller.join()])];
    const { call, trouble } = caller;
    if (!call) return [];
    const parts: HTMLElement[] = [];
    if (call.state === "waiting") parts.push(this.waiting());
    else if (call.state === "ringing") parts.push(this.name(texts.ringing));
    else {
      parts.push(this.name(call.agent?.name ?? texts.team));
      const lost = caller.line === "lost" || call.connection === "lost";
      parts.push(this.line(lost ? texts.lineLost : call.state === "held" ? texts.held : ""));
      parts.push(this.time, this.word);
    }
    if (trouble) parts.push(this.problem(troubleWords(texts, trouble)), this.acts([texts.retry, () => void caller.join()], [texts.leaveMessage, actions.leaveMessage]));
    if (caller.refused) parts.push(this.problem(texts.callRefused[caller.refused]));
    const recording = this.recording();
    if (recording) parts.push(recording);
    if (this.padOpen) parts.push(this.pad);
    return parts;
  }

  private asked(): HTMLElement {
    const { texts, actions, caller } = this;
    const { trouble } = caller;
    const leave = trouble === "all_lines_busy" || trouble === "closed";
    return h(
      "div",
      { class: "card" },
      h("h3", {}, texts.callTitle),
      trouble ? this.problem(troubleWords(texts, trouble)) : h("p", {}, texts.callHelp),
      !trouble && h("p", {}, texts.callPermission),
      this.acts(
        leave ? [texts.leaveMessage, actions.leaveMessage] : [texts.cancel, () => caller.dismiss()],
        [trouble ? texts.callAgain : texts.callNow, actions.place],
      ),
    );
  }

  private waiting(): HTMLElement {
    const { texts } = this;
    const { position = null, estimated_wait_seconds = null } = this.caller.call ?? {};
    return h(
      "div",
      { class: "place" },
      position !== null && h("div", { class: "figure" }, h("b", {}, String(position)), h("span", {}, texts.inQueue)),
      h("div", {}, h("h3", {}, waitWords(texts, estimated_wait_seconds)), h("p", {}, texts.music)),
    );
  }

  /** The notice in words; the sound of it is the centre's. */
  private recording(): HTMLElement | null {
    const { texts, caller } = this;
    const call = caller.call!;
    const { mode, state } = call.record;
    const said = recordingSaid(call);
    if (said === null) return null;
    const on = state === "recording" || state === "notice";
    const asks = said === "asks";
    const button = (text: string, recording: boolean) =>
      h("button", { type: "button", class: "btn", click: () => void caller.consent(recording) }, text);
    return h(
      "div",
      { class: on ? "recn on" : "recn" },
      icon("record"),
      h("span", {}, texts.recording[said]),
      asks && button(texts.record, true),
      (asks || (mode !== "inform" && state !== "refused")) && button(texts.dontRecord, false),
    );
  }

  private renderTime(now: number): void {
    const { call } = this.caller;
    const since = call?.answered_at;
    say(this.time, since ? clock((call.ended_at ? Date.parse(call.ended_at) : now) - Date.parse(since)) : "");
  }

  private renderWord(): void {
    const word = this.caller.quality?.word;
    const text = word ? this.texts.connectionWord[word] : "";
    if (this.word.textContent === text) return;
    this.word.className = `word ${word ?? ""}`;
    this.word.replaceChildren(...(text ? [icon("wifi"), h("span", {}, text)] : []));
  }

  private name(text: string): HTMLElement {
    return h("h3", { class: "name" }, text);
  }

  private line(text: string): HTMLElement {
    return h("p", { class: "line" }, text);
  }

  private problem(text: string): HTMLElement {
    return h("p", { class: "trouble", role: "alert" }, icon("octagon"), h("span", {}, text));
  }

  private acts(...buttons: [text: string, act: () => void][]): HTMLElement {
    return h(
      "div",
      { class: "acts" },
      ...buttons.map(([text, act], i) => h("button", { type: "button", class: i === buttons.length - 1 ? "btn p" : "btn", click: act }, text)),
    );
  }

  private key(name: IconName, text: string, act: () => void): HTMLButtonElement {
    return h("button", { type: "button", class: "key", click: act }, icon(name, 20), h("span", {}, text));
  }
}
