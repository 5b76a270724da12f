/** The leg against a scripted browser: what it asks, what it offers, how it comes back, what it says. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { type Browser, mosOf, Phone, type PhoneStatus, type Signalling, wordOf } from "../src/phone";
import figures from "./quality.json";

const PCMU = { mimeType: "audio/PCMU", clockRate: 8000 };
const OPUS = { mimeType: "audio/opus", clockRate: 48000 };

class Peer {
  static made: Peer[] = [];
  connectionState: RTCPeerConnectionState = "new";
  localDescription: { sdp: string } | null = null;
  remote: string | null = null;
  closed = false;
  preferred: unknown[] = [];
  sent: (MediaStreamTrack | null)[] = [];
  stats: Record<string, unknown>[] = [];
  onicecandidate: ((event: { candidate: { toJSON(): object } | null }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  ontrack: ((event: { track: unknown }) => void) | null = null;

  constructor(readonly configuration: RTCConfiguration) {
    Peer.made.push(this);
  }
  addTransceiver() {
    return {
      setCodecPreferences: (codecs: unknown[]) => (this.preferred = codecs),
      sender: {
        replaceTrack: async (track: MediaStreamTrack | null) => {
          this.sent.push(track);
        },
      },
    };
  }
  async setLocalDescription() {
    this.localDescription = { sdp: `offer ${Peer.made.indexOf(this) + 1}` };
    this.onicecandidate?.({ candidate: { toJSON: () => ({ candidate: "candidate:1" }) } });
  }
  async setRemoteDescription({ sdp }: { sdp: string }) {
    this.remote = sdp;
  }
  async getStats() {
    return new Map(this.stats.map((one, index) => [String(index), one]));
  }
  close() {
    this.closed = true;
  }
  becomes(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

class Mic {
  track = { enabled: true, stopped: false, onended: null as (() => void) | null, stop: () => (this.track.stopped = true) };
  getAudioTracks = () => [this.track];
  getTracks = () => [this.track];
}

let asked: MediaStreamConstraints[];
let mics: Mic[];
let refusal: unknown;
let said: PhoneStatus[];
let offers: string[];
let candidates: unknown[];
let answer: () => Promise<string>;

function phone(over: Partial<Browser> = {}): Phone {
  const browser: Browser = {
    secure: true,
    media: {
      getUserMedia: async (constraints = {}) => {
        asked.push(constraints);
        if (refusal) throw refusal;
        const mic = new Mic();
        mics.push(mic);
        return mic as unknown as MediaStream;
      },
    },
    peer: (configuration) => new Peer(configuration) as unknown as RTCPeerConnection,
    codecs: () => [OPUS, PCMU] as RTCRtpCodec[],
    player: () => ({ play: async () => undefined }) as unknown as HTMLAudioElement,
    ...over,
  };
  const signalling: Signalling = {
    offer: (sdp) => {
      offers.push(sdp);
      return answer();
    },
    candidate: (candidate) => candidates.push(candidate),
  };
  return new Phone(signalling, (status) => said.push(status), browser);
}

const states = () => said.map((one) => (one.state === "trouble" ? one.trouble : one.state));
const last = (): Peer => Peer.made.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  [Peer.made, asked, mics, refusal, said, offers, candidates] = [[], [], [], null, [], [], []];
  answer = async () => "answer";
});
afterEach(() => vi.useRealTimers());

describe("making the line", () => {
  test("asks for the microphone, offers PCMU alone, and is ready when connected", async () => {
    const leg = phone();
    leg.iceServers = [{ urls: "turn:turn.example.org" }];
    await leg.open();
    expect(states()).toEqual(["asking", "connecting"]);
    expect(last().preferred).toEqual([PCMU]);
    expect(last().configuration.iceServers).toEqual([{ urls: "turn:turn.example.org" }]);
    expect(offers).toEqual(["offer 1"]);
    expect(last().remote).toBe("answer");
    last().becomes("connected");
    expect(states().at(-1)).toBe("ready");
    await leg.open();
    expect(offers).toHaveLength(1);
  });

  test("candidates found before the answer follow it", async () => {
    let give = (_: string) => {};
    answer = () => new Promise((resolve) => (give = resolve));
    const leg = phone();
    const opening = leg.open();
    await vi.waitFor(() => expect(offers).toHaveLength(1));
    expect(candidates).toEqual([]);
    give("answer");
    await opening;
    last().onicecandidate?.({ candidate: null });
    expect(candidates).toEqual([{ candidate: "candidate:1" }, null]);
  });

  test.each([
    ["insecure", { secure: false }],
    ["unsupported", { media: undefined }],
    ["unsupported", { peer: undefined }],
    ["no_pcmu", { codecs: () => [OPUS] as RTCRtpCodec[] }],
  ] as const)("says %s and asks for nothing", async (trouble, over) => {
    await phone(over as Partial<Browser>).open();
    expect(states()).toEqual([trouble]);
    expect(asked).toEqual([]);
  });

  test.each([
    ["NotAllowedError", "refused"],
    ["NotFoundError", "no_device"],
    ["NotReadableError", "busy"],
  ])("%s of the browser is %s", async (name, trouble) => {
    refusal = { name };
    const leg = phone();
    await leg.open();
    expect(states()).toEqual(["asking", trouble]);
    refusal = null;
    await leg.open();
    expect(states().at(-1)).toBe("connecting");
  });

  test("a leg that the centre refuses is a trouble; one that it cannot take now is tried again", async () => {
    answer = () => Promise.reject({ code: "unavailable" });
    const leg = phone();
    await leg.open();
    expect(states()).toEqual(["asking", "connecting"]);
    answer = () => Promise.reject({ code: "unsupported" });
    await vi.advanceTimersByTimeAsync(500);
    expect(states().at(-1)).toBe("no_pcmu");
    expect(mics[0]!.track.stopped).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(offers).toHaveLength(2);
  });

  test("the call is placed when the microphone is there; a refusal gives it back", async () => {
    const leg = phone();
    await leg.open(async () => {
      expect(mics).toHaveLength(1);
      return [{ urls: "stun:stun.example.org" }];
    });
    expect(last().configuration.iceServers).toEqual([{ urls: "stun:stun.example.org" }]);
    leg.close();
    await expect(leg.open(() => Promise.reject(new Error("busy")))).rejects.toThrow("busy");
    expect(mics[1]!.track.stopped).toBe(true);
    expect(states().at(-1)).toBe("off");
    expect(offers).toHaveLength(1);
  });

  test("closed while the browser still asks: the microphone is given back", async () => {
    const leg = phone();
    const opening = leg.open();
    leg.close();
    await opening;
    expect(mics[0]!.track.stopped).toBe(true);
    expect(offers).toEqual([]);
    expect(states().at(-1)).toBe("off");
  });
});

describe("keeping it", () => {
  async function ready(): Promise<Phone> {
    const leg = phone();
    await leg.open();
    last().becomes("connected");
    return leg;
  }

  test("a failed connection is offered anew by another peer, and the old one is closed", async () => {
    await ready();
    const old = last();
    old.becomes("failed");
    expect(states().at(-1)).toBe("lost");
    await vi.advanceTimersByTimeAsync(500);
    expect(offers).toEqual(["offer 1", "offer 2"]);
    expect(old.closed).toBe(true);
    old.becomes("connected"); // what a closed peer says is nobody's business
    expect(states().at(-1)).toBe("lost");
    last().becomes("connected");
    expect(states().at(-1)).toBe("ready");
  });

  test("a short disturbance changes nothing", async () => {
    await ready();
    last().becomes("disconnected");
    await vi.advanceTimersByTimeAsync(1_900);
    last().becomes("connected");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(offers).toHaveLength(1);
  });

  test("the microphone is on the line only while there is somebody to talk to", async () => {
    const leg = await ready();
    expect(last().sent).toEqual([null]);
    leg.talk(true);
    expect(last().sent.at(-1)).toBe(mics[0]!.track);
    leg.again();
    await vi.waitFor(() => expect(offers).toHaveLength(2));
    await vi.waitFor(() => expect(last().sent).toEqual([mics[0]!.track]));
    leg.talk(false);
    expect(last().sent.at(-1)).toBeNull();
  });

  test("mute holds for the next microphone too", async () => {
    const leg = await ready();
    leg.mute(true);
    await leg.useMicrophone("m2");
    expect(asked.at(-1)).toMatchObject({ audio: { deviceId: { exact: "m2" } } });
    expect(mics.map((mic) => [mic.track.enabled, mic.track.stopped])).toEqual([
      [false, true],
      [false, false],
    ]);
  });

  test("a microphone that cannot be had leaves the one before", async () => {
    const leg = await ready();
    refusal = { name: "NotReadableError" };
    await expect(leg.useMicrophone("m2")).rejects.toBe("busy");
    expect(leg.microphone).toBeNull();
    expect(mics[0]!.track.stopped).toBe(false);
  });

  test("an unplugged microphone is replaced, or the line is given up", async () => {
    const leg = await ready();
    leg.talk(true);
    mics[0]!.track.onended?.();
    await vi.waitFor(() => expect(last().sent.at(-1)).toBe(mics[1]!.track));
    refusal = { name: "NotFoundError" };
    mics[1]!.track.onended?.();
    await vi.waitFor(() => expect(states().at(-1)).toBe("no_device"));
    expect(last().closed).toBe(true);
  });

  test("quality counts what came since the last time", async () => {
    const leg = await ready();
    const peer = last();
    const inbound = (packetsReceived: number, packetsLost: number) => ({ type: "inbound-rtp", packetsReceived, packetsLost, jitter: 0.002 });
    const pair = { type: "candidate-pair", nominated: true, currentRoundTripTime: 0.04 };
    peer.stats = [inbound(100, 0), pair];
    expect(await leg.quality()).toMatchObject({ loss: 0, jitter_ms: 2, rtt_ms: 40, word: "good" });
    peer.stats = [inbound(190, 10), pair];
    expect(await leg.quality()).toMatchObject({ loss: 0.1, word: "poor" });
    expect(await leg.quality()).toBeNull();
  });
});

test("the score and its word are those of the centre", () => {
  for (const [loss, jitter, rtt, mos, word] of figures as [number, number, number, number, string][]) {
    expect(mosOf(loss, jitter, rtt)).toBeCloseTo(mos, 3);
    expect(wordOf(mos)).toBe(word);
  }
});
