/**
 * A call from the page: asked for, placed, kept over a reload, and ended.
 *
 * The centre's state says what becomes of the call; here is what this tab does about it. The call
 * belongs to the tab that placed it, so a second one of the same site leaves its sound alone.
 */

import { Phone, type PhoneStatus, type PhoneTrouble, type Quality } from "@contactcenter/shared/phone";
import type { IceServer, IceServers, StartedCall } from "@contactcenter/shared/contract";
import type { Client } from "./client";
import type { Answer } from "./link";
import type { VisitorCall } from "./model";
import type { Details, Store } from "./storage";

export type Trouble = PhoneTrouble | "all_lines_busy" | "closed" | "offline" | "failed";

/** idle · asked: the permission is explained · placing · on: there is a call · over: it has ended. */
export type Step = "idle" | "asked" | "placing" | "on" | "over";

type MakePhone = (...on: ConstructorParameters<typeof Phone>) => Phone;

const QUALITY_MS = 2_000;

export class Caller {
  step: Step = "idle";
  trouble: Trouble | null = null;
  muted = false;
  quality: Quality | null = null;
  /** What the centre has just not taken, until the next try. */
  refused: "keys" | "consent" | null = null;
  /** The call on show: the living one, or the one that has just ended. */
  call: VisitorCall | null = null;
  onChange: () => void = () => {};

  private readonly phone: Phone;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly client: Client,
    private readonly store: Store,
    make: MakePhone = (...on) => new Phone(...on),
  ) {
    this.phone = make(
      {
        offer: async (sdp) => (data(await client.calls("call.offer", { sdp })) as { sdp: string }).sdp,
        candidate: (candidate) => void client.calls("call.candidate", { candidate }),
      },
      (status) => this.lined(status),
    );
  }

  get line(): PhoneStatus["state"] {
    return this.phone.status.state;
  }

  /** Another tab of this site has the call. */
  get elsewhere(): boolean {
    return this.step === "on" && this.call !== null && this.store.calling?.call_id !== this.call.call_id;
  }

  /** Say first what the browser is going to ask. */
  ask(): void {
    if (this.step === "idle" || this.step === "over") this.become("asked");
  }

  dismiss(): void {
    if (this.step === "asked" || this.step === "over") this.become("idle");
  }

  async place(details: Details): Promise<void> {
    if (this.step !== "asked") return;
    this.become("placing");
    try {
      await this.phone.open(async () => {
        const { call_id, ice_servers } = data(await this.client.calls("call.start", {}, details)) as StartedCall;
        const servers = reachable(ice_servers);
        this.store.calling = { call_id, servers };
        // Hung up while it was being placed: now there is something to hang up.
        if (this.step !== "placing") await this.hangUp();
        this.update();
        this.onChange();
        return servers;
      });
    } catch (error) {
      const { code, ctx } = error as Refused;
      const reason = ctx?.reason;
      this.become("asked", reason === "all_lines_busy" || reason === "closed" ? reason : code === "offline" ? "offline" : "failed");
      return;
    }
    if (this.phone.isOpen) this.phone.talk(true);
    else if (this.phone.status.state === "trouble") this.become("asked", this.phone.status.trouble);
  }

  /** Take the call from the other tab, or try again after a trouble with the microphone. */
  async join(): Promise<void> {
    if (!this.call) return;
    if (this.elsewhere) {
      const { call_id } = this.call;
      const answer = await this.client.calls("call.ice_servers", {});
      if (!answer.ok) return this.become("on", "failed");
      this.store.calling = { call_id, servers: reachable((answer.data as IceServers).ice_servers) };
    }
    this.trouble = null;
    await this.resume();
    this.onChange();
  }

  async hangUp(): Promise<void> {
    if (this.step === "placing") {
      this.phone.close();
      this.become("idle");
    }
    // Silent at once; the centre's word ends the call.
    this.phone.talk(false);
    const answer = await this.client.calls("call.hangup", {});
    if (!answer.ok && this.step === "on") {
      this.phone.talk(true);
      this.become("on", "failed");
    }
  }

  mute(): void {
    this.muted = !this.muted;
    this.phone.mute(this.muted);
    this.onChange();
  }

  async digits(digits: string): Promise<void> {
    await this.try("keys", "call.dtmf", { digits });
  }

  async consent(recording: boolean): Promise<void> {
    await this.try("consent", "call.consent", { recording });
  }

  private async try(what: "keys" | "consent", name: string, payload: object): Promise<void> {
    const { ok } = await this.client.calls(name, payload);
    if (!ok) this.refused = what;
    else if (this.refused === what) this.refused = null;
    this.onChange();
  }

  /** After every change of the client's state. */
  update(): void {
    const before = this.call;
    const { call } = this.client.state;
    if (!call || call.state === "ended") {
      if (this.step !== "on") return;
      this.call = call && call.call_id === before?.call_id ? call : before;
      if (this.store.calling?.call_id === this.call?.call_id) this.store.calling = null;
      this.step = "over";
      this.trouble = null;
      this.hush();
      return;
    }
    this.call = call;
    if (this.step === "placing" && this.store.calling?.call_id !== call.call_id) return;
    this.step = "on";
    if (this.elsewhere) {
      if (this.phone.isOpen) this.hush();
      return;
    }
    if (this.line === "off") void this.resume();
    else if (call.connection === "lost" && before?.connection !== "lost") this.phone.again();
    this.timer ??= setInterval(() => void this.measure(), QUALITY_MS);
  }

  /** The page was loaded anew in the middle of the call. */
  private async resume(): Promise<void> {
    this.phone.iceServers = this.store.calling?.servers ?? [];
    this.phone.talk(true);
    await this.phone.open();
  }

  private lined(status: PhoneStatus): void {
    if (this.step === "on" && status.state === "trouble") this.trouble = status.trouble;
    this.onChange();
  }

  private async measure(): Promise<void> {
    this.quality = await this.phone.quality();
    this.onChange();
  }

  private hush(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.quality = null;
    this.refused = null;
    this.muted = false;
    this.phone.mute(false);
    this.phone.close();
  }

  private become(step: Step, trouble: Trouble | null = null): void {
    this.step = step;
    this.trouble = trouble;
    this.onChange();
  }
}

interface Refused {
  code: string;
  ctx?: { reason?: string };
}

function data(answer: Answer): unknown {
  if (answer.ok) return answer.data;
  throw answer.error;
}

const reachable = (servers: IceServer[]): RTCIceServer[] =>
  servers.map(({ urls, username, credential }) => (username && credential ? { urls, username, credential } : { urls }));
