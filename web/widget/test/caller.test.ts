/** A call from the page against a real socket.io server and a scripted leg. */

import type { Phone, PhoneStatus, PhoneTrouble, Signalling } from "@contactcenter/shared/phone";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Caller } from "../src/caller";
import { recordingSaid } from "../src/callview";
import { Client } from "../src/client";
import { MemoryArea, Store } from "../src/storage";
import { FakeCentre } from "./fake_centre";

/** What the browser's side of the leg does, without a browser. */
class Leg {
  status: PhoneStatus = { state: "off" };
  iceServers: RTCIceServer[] = [];
  did: string[] = [];
  answer = "";
  constructor(
    readonly signalling: Signalling,
    readonly changed: (status: PhoneStatus) => void,
    readonly refusal: PhoneTrouble | null,
  ) {}
  get isOpen() {
    return this.status.state !== "off" && this.status.state !== "trouble";
  }
  say(status: PhoneStatus) {
    this.status = status;
    this.changed(status);
  }
  async open(servers?: () => Promise<RTCIceServer[]>) {
    if (this.isOpen) return;
    this.did.push("open");
    if (this.refusal) return this.say({ state: "trouble", trouble: this.refusal });
    this.say({ state: "connecting" });
    try {
      if (servers) this.iceServers = await servers();
    } catch (error) {
      this.close();
      throw error;
    }
    this.answer = await this.signalling.offer("offer");
    this.say({ state: "ready" });
  }
  close() {
    this.did.push("close");
    this.say({ state: "off" });
  }
  again = () => this.did.push("again");
  talk = (on: boolean) => this.did.push(`talk ${on}`);
  mute = (on: boolean) => this.did.push(`mute ${on}`);
  quality = async () => null;
}

interface Page {
  client: Client;
  caller: Caller;
  leg: Leg;
}

const NOBODY = { name: "", email: "", phone: "" };
let centre: FakeCentre;
let local: MemoryArea;
let tab: MemoryArea;
const pages: Page[] = [];

/** A page; the same `tab` is a reload, another one a second tab of the site. */
function page(inTab = tab, refusal: PhoneTrouble | null = null): Page {
  const store = new Store(centre.origin, local, inTab);
  const client = new Client({ origin: centre.origin, store, queue: () => null, language: () => "es", patience: 800 });
  let leg!: Leg;
  const caller = new Caller(client, store, (signalling, changed) => (leg = new Leg(signalling, changed, refusal)) as unknown as Phone);
  client.onChange = () => caller.update();
  client.resume();
  const made = { client, caller, leg };
  pages.push(made);
  return made;
}

async function calling(): Promise<Page> {
  const made = page();
  made.caller.ask();
  await made.caller.place(NOBODY);
  return made;
}

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 8_000, interval: 10 });

beforeEach(async () => {
  centre = new FakeCentre();
  local = new MemoryArea();
  tab = new MemoryArea();
  await centre.start();
});

afterEach(async () => {
  for (const { client, leg } of pages.splice(0)) {
    leg.close();
    client.disconnect();
  }
  await centre.stop();
});

test("the permission is explained before anything happens", () => {
  const { caller, leg } = page();
  caller.ask();
  expect(caller.step).toBe("asked");
  expect(leg.did).toEqual([]);
  caller.dismiss();
  expect(caller.step).toBe("idle");
});

test("a call opens a conversation, waits in line, and the microphone is on it", async () => {
  const { caller, leg } = await calling();
  expect([caller.step, caller.call?.state, caller.call?.position]).toEqual(["on", "waiting", 2]);
  expect(centre.conversations).toHaveLength(1);
  expect(leg.answer).toBe("answer to offer");
  expect(leg.did.at(-1)).toBe("talk true");
  centre.call("call.connected", { state: "active", agent: { name: "Pablo" } });
  await until(() => caller.call?.agent?.name === "Pablo");
});

test("a refused microphone places no call", async () => {
  const { caller } = page(tab, "refused");
  caller.ask();
  await caller.place(NOBODY);
  expect([caller.step, caller.trouble]).toEqual(["asked", "refused"]);
  expect(centre.calls).toBe(0);
});

test.each([
  [{ code: "unavailable", ctx: { reason: "all_lines_busy" } }, "all_lines_busy"],
  [{ code: "conflict", ctx: { reason: "closed", opens_at: null } }, "closed"],
  [{ code: "conflict", ctx: {} }, "failed"],
])("a call that the centre refuses is said, and the microphone given back", async (refusal, trouble) => {
  const { caller, leg } = page();
  caller.ask();
  centre.refuse.push(refusal);
  await caller.place(NOBODY);
  expect([caller.step, caller.trouble, leg.status.state]).toEqual(["asked", trouble, "off"]);
});

test("a rising wait is not announced", async () => {
  const { caller } = await calling();
  centre.call("call.changed", { position: 1, estimated_wait_seconds: 300 });
  await until(() => caller.call?.position === 1);
  expect(caller.call?.estimated_wait_seconds).toBe(60);
});

test("a reload goes on with the call; another tab leaves its sound alone until it is asked", async () => {
  const first = await calling();
  first.client.disconnect();
  const reloaded = page();
  await until(() => reloaded.leg.status.state === "ready");
  expect([reloaded.caller.step, reloaded.caller.elsewhere]).toEqual(["on", false]);
  const second = page(new MemoryArea());
  await until(() => second.caller.step === "on");
  expect(second.caller.elsewhere).toBe(true);
  expect(second.leg.did).toEqual([]);
  centre.refuse.push({ code: "unavailable" });
  await second.caller.join();
  expect([second.caller.elsewhere, second.caller.trouble, second.leg.did]).toEqual([true, "failed", []]);
  await second.caller.join();
  expect(second.leg.iceServers).toEqual([{ urls: ["stun:127.0.0.1:3478"] }]);
  expect([second.caller.elsewhere, second.leg.status.state]).toEqual([false, "ready"]);
});

test("a leg that the centre lost is offered again", async () => {
  const { leg } = await calling();
  centre.call("call.changed", { connection: "lost" });
  await until(() => leg.did.includes("again"));
});

test("mute, tones and consent", async () => {
  const { caller, leg } = await calling();
  caller.mute();
  expect(leg.did.at(-1)).toBe("mute true");
  for (const digit of ["4", "2", "#"]) void caller.digits(digit);
  await until(() => centre.digits.join("") === "42#");
  await caller.consent(false);
  await until(() => caller.call?.record.state === "refused");
});

test("once they talk, a recording that is off is not said to go on", async () => {
  const { caller } = await calling();
  const said = () => recordingSaid(caller.call!);
  const record = caller.call!.record;
  expect(said()).toBe("recorded"); // it will be, says the rule
  centre.call("call.connected", { state: "active", record: { ...record, state: "notice" } });
  await until(() => caller.call?.record.state === "notice");
  expect(said()).toBe("recorded");
  for (const [state, words] of [["paused", "paused"], ["recording", "recorded"], ["off", "stopped"]] as const) {
    centre.call("call.changed", { record: { ...record, state } });
    await until(() => caller.call?.record.state === state);
    expect(said()).toBe(words);
  }
  centre.call("call.changed", { state: "held" });
  await until(() => caller.call?.state === "held");
  expect(said()).toBe("stopped");
});

test.each([
  [null, "asks"],
  [true, "stopped"],
] as const)("where the rule asks first, one who said %s is told: %s", (consent, words) => {
  expect(recordingSaid({ state: "active", record: { mode: "opt_in", state: "off", consent } })).toBe(words);
  expect(recordingSaid({ state: "active", record: { mode: "off", state: "off", consent } })).toBeNull();
});

test("a tone and an answer that the centre did not take are said until the next one", async () => {
  const { caller } = await calling();
  centre.refuse.push({ code: "conflict" });
  await caller.digits("4");
  expect(caller.refused).toBe("keys");
  await caller.digits("4");
  expect(caller.refused).toBeNull();
  centre.refuse.push({ code: "unavailable" });
  await caller.consent(true);
  expect(caller.refused).toBe("consent");
  await caller.digits("2");
  expect(caller.refused).toBe("consent");
  await caller.consent(true);
  expect(caller.refused).toBeNull();
});

test("hanging up ends it here and there, and the page says so until it is dismissed", async () => {
  const { caller, leg } = await calling();
  await caller.hangUp();
  await until(() => caller.step === "over");
  expect(leg.status.state).toBe("off");
  const reloaded = page();
  await until(() => reloaded.client.state.call !== null);
  expect(reloaded.caller.step).toBe("idle");
  caller.dismiss();
  expect(caller.step).toBe("idle");
});
