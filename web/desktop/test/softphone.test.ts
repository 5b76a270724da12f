/** The desk's telephone against a scripted leg: when it opens, who has it, when the microphone is on it. */
import { beforeEach, expect, test, vi } from "vitest";

import type { AgentState } from "@contactcenter/shared/apply";
import type { CallCard } from "@contactcenter/shared/contract";
import { CommandError } from "@contactcenter/shared/live";
import type { Phone, PhoneStatus, Signalling } from "@contactcenter/shared/phone";

import { call as bare, me, state, uuid } from "../../shared/test/fixtures";
import { Softphone } from "../src/softphone";

const MINE = uuid(800);
const LEG = uuid(900);

class Leg {
  status: PhoneStatus = { state: "off" };
  did: string[] = [];
  iceServers: RTCIceServer[] = [];
  constructor(
    readonly signalling: Signalling,
    readonly changed: (status: PhoneStatus) => void,
  ) {}
  get isOpen() {
    return this.status.state !== "off" && this.status.state !== "trouble";
  }
  becomes(status: PhoneStatus) {
    this.status = status;
    this.changed(status);
  }
  open = async () => {
    this.did.push("open");
    this.becomes({ state: "connecting" });
  };
  close = () => {
    this.did.push("close");
    this.becomes({ state: "off" });
  };
  again = () => this.did.push("again");
  talk = (on: boolean) => this.did.push(`talk ${on}`);
  mute = (on: boolean) => this.did.push(`mute ${on}`);
}

let sent: [string, object][];
let answers: Record<string, unknown>;
let leg: Leg;
let softphone: Softphone;

const card = (over: Partial<CallCard> = {}): CallCard =>
  bare(1, {
    mine: MINE,
    parties: [{ leg_id: MINE, kind: "agent", agent_id: uuid(1), name: "Me", state: "connected", muted: false, quality: null }],
    ...over,
  });
const away = (over: Partial<AgentState> = {}): AgentState => state({ me: me({ status: "away" }), ...over });
const withCall = (one: CallCard): AgentState => away({ calls: { [one.call_id]: one } });
const voice = (peer: string | null, how: AgentState["voice"]["state"] = "connected") => ({ leg_id: LEG, peer, state: how });

beforeEach(() => {
  sent = [];
  answers = { "call.offer": { sdp: "answer", leg_id: LEG, peer: "p1" } };
  softphone = new Softphone(
    async <T>(name: string, payload: object) => {
      sent.push([name, payload]);
      const answer = answers[name];
      if (answer instanceof Error) throw answer;
      return answer as T;
    },
    (signalling, changed) => (leg = new Leg(signalling, changed)) as unknown as Phone,
  );
});

test("asks for the microphone at the first available, and once", () => {
  softphone.shows(away());
  expect(leg.did).not.toContain("open");
  softphone.shows(state());
  softphone.shows(state());
  expect(leg.did.filter((one) => one === "open")).toHaveLength(1);
});

test("a reload in a call takes the line again whatever the status", () => {
  softphone.shows(withCall(card()));
  expect(leg.did).toContain("open");
  expect(leg.did.at(-1)).toBe("talk true");
});

test("the microphone is on the line from the answer to the end, and in the echo test", async () => {
  softphone.shows(withCall(card({ answered_at: null, state: "ringing", parties: [] })));
  expect(leg.did.at(-1)).toBe("talk false");
  softphone.shows(withCall(card({ state: "held" })));
  expect(leg.did.at(-1)).toBe("talk true");
  softphone.shows(away());
  expect(leg.did.at(-1)).toBe("talk false");
  await softphone.echoTest(true);
  expect(leg.did.at(-1)).toBe("talk true");
  answers["call.echo_test"] = new CommandError("unavailable", "");
  await softphone.echoTest(false);
  expect(softphone.echo.get()).toBe(true);
});

test("a newer tab has it: said, given up, and taken back on demand", async () => {
  softphone.shows(state());
  await leg.signalling.offer("offer");
  leg.becomes({ state: "ready" });
  softphone.shows(state({ voice: voice("p1") }));
  expect(softphone.line.get()).toEqual({ state: "ready" });
  softphone.shows(state({ voice: voice("p2") }));
  expect(leg.did).toContain("close");
  expect(softphone.line.get()).toEqual({ state: "elsewhere" });
  softphone.shows(state({ voice: voice("p2") }));
  expect(leg.did.filter((one) => one === "open")).toHaveLength(1);
  await softphone.open();
  expect(softphone.line.get()).toEqual({ state: "connecting" });
});

test("what another tab did before my offer was answered is no news", async () => {
  softphone.shows(state());
  const offering = leg.signalling.offer("offer");
  softphone.shows(state({ voice: voice("p0") }));
  await offering;
  expect(leg.did).not.toContain("close");
});

test("a leg that the centre lost is offered again", async () => {
  softphone.shows(state());
  await leg.signalling.offer("offer");
  softphone.shows(state({ voice: voice("p1", "lost") }));
  expect(leg.did).toContain("again");
});

test("mute is silent at once, and undone when it is refused", async () => {
  const one = card();
  softphone.shows(withCall(one));
  leg.did = [];
  const muting = softphone.mute(one);
  expect(leg.did).toEqual(["mute true"]);
  await muting;
  expect(sent).toContainEqual(["call.mute", { call_id: one.call_id, on: true }]);
  answers["call.mute"] = new CommandError("conflict", "");
  await softphone.mute(one);
  expect(leg.did.at(-1)).toBe("mute false");
  expect(softphone.failure.get()).toEqual({ action: "call.mute", code: "conflict" });
});

test("tones leave in the order of the keys", async () => {
  const one = card();
  await Promise.all(["1", "2", "#"].map((key) => softphone.digits(one, key)));
  expect(sent.map(([, payload]) => (payload as { digits: string }).digits)).toEqual(["1", "2", "#"]);
});

test("quality is the worse of both directions, and gone with the call", async () => {
  vi.useFakeTimers();
  try {
    const heard = { loss: 0, jitter_ms: 1, rtt_ms: 10, mos: 4.3, word: "good" as const };
    (leg as unknown as Pick<Phone, "quality">).quality = async () => heard;
    const one = card();
    softphone.shows({ ...withCall(one), voice: voice("p1") });
    softphone.measured({ call_id: one.call_id, leg_id: LEG, quality: { ...heard, mos: 3.2, word: "fair" }, level: 0.5 });
    softphone.measured({ call_id: one.call_id, leg_id: uuid(999), quality: { ...heard, mos: 1, word: "poor" }, level: 0.5 });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(softphone.quality.get()?.word).toBe("fair");
    expect(softphone.history.get()).toEqual([3.2]);
    softphone.shows(away());
    expect([softphone.quality.get(), softphone.history.get()]).toEqual([null, []]);
  } finally {
    vi.useRealTimers();
  }
});
