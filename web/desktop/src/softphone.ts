/**
 * The desk's telephone: its leg, the calls on it, and what they are told to do.
 *
 * The leg is made at the first "available" (that is when the browser asks for the microphone), or
 * at once when there is a call of mine to go on with after a reload. The newest tab has it: an
 * older one is told so, and can take it back.
 */
import type { AgentState } from "@contactcenter/shared/apply";
import type { CallCard, CallQuality, IceServer, OfferAnswer, VoiceDesk } from "@contactcenter/shared/contract";
import { codeOf } from "@contactcenter/shared/live";
import { type Phone, type PhoneStatus, type Quality } from "@contactcenter/shared/phone";
import { remembered, Store } from "@contactcenter/shared/store";

import { currentCall, isTalked } from "./calls";

/** `elsewhere`: another tab of mine has the telephone. */
export type Line = PhoneStatus | { state: "elsewhere" };

export type RecordOrder = "start" | "pause" | "resume" | "stop";

type Command = <T>(name: string, payload: object) => Promise<T>;
type MakePhone = (...on: ConstructorParameters<typeof Phone>) => Phone;

const QUALITY_MS = 2_000;
const REMEMBERED = 30;

export class Softphone {
  readonly line = new Store<Line>({ state: "off" });
  /** What the microphone hears; null while there is none. */
  readonly heard = new Store<MediaStream | null>(null);
  readonly echo = new Store(false);
  /** The worse of what I hear and what the centre hears of me; null between calls. */
  readonly quality = new Store<Quality | null>(null);
  /** MOS of the last minute, oldest first. */
  readonly history = new Store<readonly number[]>([]);
  /** The last refused command of the call, until the next one. */
  readonly failure = new Store<{ action: string; code: string } | null>(null);
  /** Commands on their way, so that a key is not pressed twice. */
  readonly busy = new Store<ReadonlySet<string>>(new Set());
  readonly phone: Phone;

  #command: Command;
  #state: AgentState | null = null;
  #peer: string | null = null;
  #offering = 0;
  #wanted = false;
  #keyed: Promise<boolean> = Promise.resolve(true);
  #heard: { at: number; quality: Quality } | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(command: Command, make: MakePhone) {
    this.#command = command;
    this.phone = make(
      { offer: (sdp) => this.#offer(sdp), candidate: (candidate) => void this.#quiet("call.candidate", { candidate }) },
      (status) => this.#changed(status),
    );
    this.phone.microphone = remembered.read("cc.microphone", null);
    this.phone.speaker = remembered.read("cc.speaker", null);
  }

  // --- the line ---

  /** This page has no telephone, and knows of no other that has it. */
  get isSilent(): boolean {
    return !this.phone.isOpen && this.line.get().state !== "elsewhere";
  }

  /** Ask for the microphone and take the line, from another tab too. Must come from a click the first time. */
  open = async (): Promise<void> => {
    this.#wanted = true;
    await this.phone.open();
  };

  close = (): void => {
    this.#wanted = false;
    this.phone.close();
    clearInterval(this.#timer);
  };

  useMicrophone = async (id: string | null): Promise<void> => {
    await this.phone.useMicrophone(id);
    this.heard.set(this.phone.heard);
    remembered.write("cc.microphone", id);
  };

  useSpeaker = async (id: string | null): Promise<void> => {
    await this.phone.useSpeaker(id);
    remembered.write("cc.speaker", id);
  };

  /** Hear oneself, to test the headset before the shift. */
  echoTest = async (on: boolean): Promise<void> => {
    if (await this.#act("call.echo_test", { on })) this.echo.set(on);
    this.#feed();
  };

  // --- the call ---

  answer = (call: CallCard): Promise<boolean> => this.#act("call.answer", { call_id: call.call_id });
  reject = (call: CallCard): Promise<boolean> => this.#act("call.reject", { call_id: call.call_id });
  dial = (agentId: string): Promise<boolean> => this.#act("call.dial", { agent_id: agentId });
  hold = (call: CallCard): Promise<boolean> => this.#act("call.hold", { call_id: call.call_id, on: call.held_since === null });
  /** One after the other, however fast they are pressed. */
  digits = (call: CallCard, digits: string): Promise<boolean> => {
    this.#keyed = this.#keyed.then(() => this.#act("call.dtmf", { call_id: call.call_id, digits }));
    return this.#keyed;
  };
  consult = (call: CallCard, target: ({ agent_id: string } | { queue: string }) & { note?: string }): Promise<boolean> =>
    this.#act("call.consult", { call_id: call.call_id, ...target });
  toggle = (call: CallCard): Promise<boolean> => this.#act("call.consult_toggle", { call_id: call.call_id });
  complete = (call: CallCard): Promise<boolean> => this.#act("call.consult_complete", { call_id: call.call_id });
  cancel = (call: CallCard): Promise<boolean> => this.#act("call.consult_cancel", { call_id: call.call_id });
  conference = (call: CallCard): Promise<boolean> => this.#act("call.conference", { call_id: call.call_id });
  record = (call: CallCard, state: RecordOrder): Promise<boolean> => this.#act("call.record", { call_id: call.call_id, state });
  hangUp = (call: CallCard): Promise<boolean> => this.#act("call.hangup", { call_id: call.call_id });

  /** The microphone is silent at once, whatever the network does. */
  mute = async (call: CallCard): Promise<boolean> => {
    const on = !call.muted;
    this.phone.mute(on);
    const done = await this.#act("call.mute", { call_id: call.call_id, on });
    if (!done) this.phone.mute(call.muted);
    return done;
  };

  // --- from the desk ---

  /** With each snapshot: where the way to the media is found, and by which credentials. */
  serves(servers: IceServer[]): void {
    this.phone.iceServers = servers.map(({ urls, username, credential }) =>
      username && credential ? { urls, username, credential } : { urls },
    );
  }

  /** The state after each snapshot and event. */
  shows(state: AgentState): void {
    const before = this.#state;
    this.#state = state;
    const call = currentCall(state);
    const ready = state.me.status === "available" || state.me.status === "on_demand";
    if (!this.#wanted && (ready || call !== null)) void this.open();
    if (before?.voice !== state.voice) this.#judge(state.voice);
    if (call) this.phone.mute(call.muted);
    this.#feed();
  }

  /** `call.quality`: what the centre hears of a leg. */
  measured({ leg_id, quality }: CallQuality): void {
    if (leg_id === this.#state?.voice.leg_id) this.#heard = { at: Date.now(), quality };
  }

  /** Another peer than mine: a newer tab has the telephone. Lost: it wants a new offer. */
  #judge(voice: VoiceDesk): void {
    if (this.#offering > 0 || !this.phone.isOpen || this.#peer === null) return;
    if (voice.peer !== null && voice.peer !== this.#peer) {
      this.phone.close();
      this.echo.set(false);
      this.line.set({ state: "elsewhere" });
    } else if (voice.state === "lost" || voice.state === "none") this.phone.again();
  }

  async #offer(sdp: string): Promise<string> {
    this.#offering += 1;
    try {
      const answer = await this.#command<OfferAnswer>("call.offer", { sdp });
      this.#peer = answer.peer;
      return answer.sdp;
    } finally {
      this.#offering -= 1;
    }
  }

  #changed(status: PhoneStatus): void {
    this.heard.set(this.phone.heard);
    if (status.state === "off" && this.line.get().state === "elsewhere") return;
    this.line.set(status);
    if (status.state === "ready") this.#feed();
  }

  /** The microphone is on the line while somebody is there to hear it. */
  #feed(): void {
    const talked = this.#state !== null && isTalked(currentCall(this.#state));
    this.phone.talk(talked || this.echo.get());
    if (talked && this.#timer === undefined) {
      this.#timer = setInterval(() => void this.#measure(), QUALITY_MS);
    } else if (!talked && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#heard = null;
      this.quality.set(null);
      this.history.set([]);
    }
  }

  async #measure(): Promise<void> {
    const here = await this.phone.quality();
    const there = this.#heard && Date.now() - this.#heard.at < 3 * QUALITY_MS ? this.#heard.quality : null;
    const worse = here && there ? (here.mos < there.mos ? here : there) : (here ?? there);
    if (this.#timer === undefined || !worse) return;
    this.quality.set(worse);
    this.history.update((all) => [...all, worse.mos].slice(-REMEMBERED));
  }

  async #act(action: string, payload: object): Promise<boolean> {
    if (this.busy.get().has(action)) return false;
    this.busy.update((all) => new Set([...all, action]));
    this.failure.set(null);
    try {
      await this.#command(action, payload);
      return true;
    } catch (error) {
      this.failure.set({ action, code: codeOf(error) });
      return false;
    } finally {
      this.busy.update((all) => new Set([...all].filter((one) => one !== action)));
    }
  }

  async #quiet(name: string, payload: object): Promise<void> {
    await this.#command(name, payload).catch(() => undefined); // a lost candidate costs one path of several
  }
}
