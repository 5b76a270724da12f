/**
 * One voice leg in a browser: microphone and loudspeaker joined to the centre by WebRTC.
 *
 * No framework and no import, so that the desk and the widget share it. The leg is PCMU only
 * (RFC 3551, 64 kbit/s): the centre forwards and records what it is sent, undecoded. A new offer
 * always comes from a new RTCPeerConnection, and the centre closes the one before: a cut network,
 * a reload and a change of tab are all the same step. Between calls the microphone is taken off
 * the line (`replaceTrack(null)`), so nothing leaves the room while nobody listens.
 */

/** Why there is no line. `centre`: the centre does not take this leg. */
export type PhoneTrouble = "insecure" | "unsupported" | "refused" | "no_device" | "busy" | "no_pcmu" | "centre";

export type PhoneStatus =
  | { state: "off" | "asking" | "connecting" | "ready" | "lost" }
  | { state: "trouble"; trouble: PhoneTrouble };

export interface Signalling {
  /** Sends an offer; resolves with the answer's SDP, rejects with something that has a `code`. */
  offer(sdp: string): Promise<string>;
  /** Null: there are no more. */
  candidate(candidate: RTCIceCandidateInit | null): void;
}

export interface Quality {
  /** Share of packets lost, 0 to 1. */
  loss: number;
  jitter_ms: number;
  rtt_ms: number | null;
  /** Mean opinion score, 1 to 4.5. */
  mos: number;
  word: "good" | "fair" | "poor";
}

/** What the leg needs of the browser; a test gives its own. */
export interface Browser {
  secure: boolean;
  media: Pick<MediaDevices, "getUserMedia"> | undefined;
  peer: ((configuration: RTCConfiguration) => RTCPeerConnection) | undefined;
  /** The codecs for audio that it can receive. */
  codecs(): RTCRtpCodec[];
  player(): HTMLAudioElement;
}

const DISCONNECTED_MS = 2_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 4_000;

export class Phone {
  status: PhoneStatus = { state: "off" };
  iceServers: RTCIceServer[] = [];
  microphone: string | null = null;
  speaker: string | null = null;

  #signalling: Signalling;
  #changed: (status: PhoneStatus) => void;
  #browser: Browser;
  #mic: MediaStream | null = null;
  #peer: RTCPeerConnection | null = null;
  #sender: RTCRtpSender | null = null;
  #player: HTMLAudioElement | null = null;
  /** Counts openings and closings: what an older one still does is dropped. */
  #turn = 0;
  #attempt = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #talking = false;
  #muted = false;
  #counted: { received: number; lost: number } | null = null;

  constructor(signalling: Signalling, changed: (status: PhoneStatus) => void, browser: Browser = thisBrowser()) {
    this.#signalling = signalling;
    this.#changed = changed;
    this.#browser = browser;
  }

  /** What the microphone hears, on the line or not; null while there is none. */
  get heard(): MediaStream | null {
    return this.#mic;
  }

  get isOpen(): boolean {
    return this.status.state !== "off" && this.status.state !== "trouble";
  }

  /**
   * Ask for the microphone and make the line. Does nothing when it is open. `servers` is asked
   * once the microphone is there: for whoever places the call first; what it throws goes on.
   */
  async open(servers?: () => Promise<RTCIceServer[]>): Promise<void> {
    if (this.isOpen) return;
    const turn = ++this.#turn;
    const missing = this.#missing();
    if (missing) return this.#trouble(missing);
    this.#say({ state: "asking" });
    try {
      const mic = await this.#listen();
      if (turn !== this.#turn) return stop(mic);
      this.#take(mic);
    } catch (error) {
      if (turn === this.#turn) this.#trouble(troubleOf(error));
      return;
    }
    this.#say({ state: "connecting" });
    if (servers) {
      try {
        this.iceServers = await servers();
      } catch (error) {
        if (turn === this.#turn) this.close();
        throw error;
      }
      if (turn !== this.#turn) return;
    }
    await this.#negotiate();
  }

  /** Give the line and the microphone up. */
  close(): void {
    this.#end({ state: "off" });
  }

  /** Make the line anew, as after a cut: for whoever knows that the centre has forgotten it. */
  again(): void {
    if (!this.isOpen || !this.#mic) return;
    this.#failures = 0;
    void this.#negotiate();
  }

  /** Put the microphone on the line, or take it off. */
  talk(on: boolean): void {
    this.#talking = on;
    void this.#feed();
  }

  /** A muted microphone sends silence: nobody hears it, and the line stays alive. */
  mute(on: boolean): void {
    this.#muted = on;
    for (const track of this.#mic?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /** The line since the last time it was asked; null while it carries nothing. */
  async quality(): Promise<Quality | null> {
    const peer = this.#peer;
    if (!peer || peer.connectionState !== "connected") return null;
    const now = { received: 0, lost: 0 };
    let jitter = 0;
    let away = 0;
    let rtt: number | null = null;
    for (const one of (await peer.getStats()).values() as Iterable<Record<string, unknown>>) {
      const number = (name: string): number => (typeof one[name] === "number" ? (one[name] as number) : 0);
      if (one.type === "inbound-rtp") {
        now.received += number("packetsReceived");
        now.lost += number("packetsLost");
        jitter = number("jitter") * 1000;
      } else if (one.type === "remote-inbound-rtp") away = number("fractionLost");
      else if (one.type === "candidate-pair" && one.nominated === true && typeof one.currentRoundTripTime === "number")
        rtt = one.currentRoundTripTime * 1000;
    }
    const before = this.#counted ?? { received: 0, lost: 0 };
    this.#counted = now;
    const received = now.received - before.received;
    const lost = Math.max(0, now.lost - before.lost);
    if (received + lost <= 0) return null;
    const loss = Math.max(away, lost / (received + lost));
    const mos = mosOf(loss, jitter, rtt ?? 0);
    return { loss, jitter_ms: jitter, rtt_ms: rtt, mos, word: wordOf(mos) };
  }

  /** Throws a trouble's name when the device cannot be had; the one before stays. */
  async useMicrophone(id: string | null): Promise<void> {
    const before = this.microphone;
    this.microphone = id;
    if (!this.#mic) return;
    try {
      this.#take(await this.#listen());
    } catch (error) {
      this.microphone = before;
      throw troubleOf(error);
    }
    await this.#feed();
  }

  async useSpeaker(id: string | null): Promise<void> {
    await this.#player?.setSinkId?.(id ?? "");
    this.speaker = id;
  }

  #missing(): PhoneTrouble | null {
    const { secure, media, peer, codecs } = this.#browser;
    if (!secure) return "insecure";
    if (!media || !peer) return "unsupported";
    return codecs().some(isPcmu) ? null : "no_pcmu";
  }

  async #listen(): Promise<MediaStream> {
    const ask = (device: MediaTrackConstraints): Promise<MediaStream> =>
      this.#browser.media!.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...device },
      });
    if (this.microphone === null) return ask({});
    try {
      return await ask({ deviceId: { exact: this.microphone } });
    } catch (error) {
      if (troubleOf(error) !== "no_device") throw error;
      return ask({}); // unplugged since it was chosen: the next best one
    }
  }

  #take(mic: MediaStream): void {
    if (this.#mic) stop(this.#mic);
    this.#mic = mic;
    this.mute(this.#muted);
    for (const track of mic.getAudioTracks()) {
      track.onended = () => {
        if (mic === this.#mic) void this.#replaceMic();
      };
    }
  }

  /** The microphone was unplugged: another one, or the line is given up. */
  async #replaceMic(): Promise<void> {
    const turn = this.#turn;
    try {
      const mic = await this.#listen();
      if (turn !== this.#turn) return stop(mic);
      this.#take(mic);
      await this.#feed();
      this.#changed(this.status);
    } catch (error) {
      if (turn === this.#turn) this.#trouble(troubleOf(error));
    }
  }

  async #feed(): Promise<void> {
    const track = this.#talking ? (this.#mic?.getAudioTracks()[0] ?? null) : null;
    await this.#sender?.replaceTrack(track).catch(() => undefined); // a closed peer needs no track
  }

  async #negotiate(): Promise<void> {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    const current = (): boolean => attempt === this.#attempt;
    const peer = this.#browser.peer!({ iceServers: this.iceServers, bundlePolicy: "max-bundle" });
    const held: (RTCIceCandidateInit | null)[] = [];
    let answered = false;
    peer.onicecandidate = ({ candidate }) => {
      const found = candidate ? candidate.toJSON() : null;
      if (!answered) held.push(found);
      else if (current()) this.#signalling.candidate(found);
    };
    peer.ontrack = ({ track }) => this.#play(track);
    peer.onconnectionstatechange = () => {
      if (current()) this.#moved(peer.connectionState);
    };
    const transceiver = peer.addTransceiver("audio", { direction: "sendrecv" });
    transceiver.setCodecPreferences(this.#browser.codecs().filter(isPcmu));
    try {
      await peer.setLocalDescription();
      const sdp = await this.#signalling.offer(peer.localDescription?.sdp ?? "");
      if (!current()) return peer.close();
      this.#peer?.close();
      this.#peer = peer;
      this.#sender = transceiver.sender;
      this.#counted = null;
      await this.#feed();
      await peer.setRemoteDescription({ type: "answer", sdp });
      answered = true;
      for (const candidate of held) this.#signalling.candidate(candidate);
    } catch (error) {
      if (this.#peer !== peer) peer.close();
      if (!current()) return;
      const code = codeOf(error);
      if (code === "unsupported") this.#trouble("no_pcmu");
      else if (PASSING.has(code)) this.#later();
      else this.#trouble("centre");
    }
  }

  #moved(state: RTCPeerConnectionState): void {
    clearTimeout(this.#timer);
    if (state === "connected") {
      this.#failures = 0;
      this.#say({ state: "ready" });
    } else if (state === "disconnected") {
      this.#timer = setTimeout(() => this.#later(), DISCONNECTED_MS);
    } else if (state === "failed") this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#say({ state: this.status.state === "connecting" ? "connecting" : "lost" });
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#timer = setTimeout(() => void this.#negotiate(), wait);
  }

  #play(track: MediaStreamTrack): void {
    const player = (this.#player ??= this.#browser.player());
    player.srcObject = new MediaStream([track]);
    if (this.speaker) void player.setSinkId?.(this.speaker).catch(() => undefined);
    player.play().catch((error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      // The browser wants a gesture first: the next one will do.
      addEventListener("pointerup", () => void player.play(), { once: true, capture: true });
    });
  }

  #trouble(trouble: PhoneTrouble): void {
    this.#end({ state: "trouble", trouble });
  }

  #end(status: PhoneStatus): void {
    this.#turn += 1;
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#peer?.close();
    this.#peer = null;
    this.#sender = null;
    this.#failures = 0;
    if (this.#mic) stop(this.#mic);
    this.#mic = null;
    if (this.#player) this.#player.srcObject = null;
    this.#say(status);
  }

  #say(status: PhoneStatus): void {
    const same = status.state === this.status.state && status.state !== "trouble";
    this.status = status;
    if (!same) this.#changed(status);
  }
}

/** Refusals that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "offline", "conflict", "rate_limited"]);

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? "");

const isPcmu = (codec: RTCRtpCodec): boolean => codec.mimeType.toLowerCase() === "audio/pcmu";

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}

/** What getUserMedia's error means to a person (W3C Media Capture and Streams). */
function troubleOf(error: unknown): PhoneTrouble {
  switch ((error as { name?: string } | null)?.name) {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "no_device";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "unsupported";
  }
}

/**
 * MOS of G.711 with concealment, by the E-model as the centre counts it (ITU-T G.107, emodel.py there): delay
 * is half the round trip, a packet, and a buffer of two jitters; it costs nothing up to 100 ms.
 */
export function mosOf(loss: number, jitterMs: number, rttMs: number): number {
  const delay = rttMs / 2 + 20 + Math.max(20, 2 * jitterMs);
  const x = Math.log2(delay / 100);
  const slow = delay <= 100 ? 0 : 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
  const percent = 100 * Math.min(Math.max(loss, 0), 1);
  const r = Math.max(0, 93.2 - slow - (95 * percent) / (percent + 25.1));
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/** The word as the centre gives it (cards.py there). */
export const wordOf = (mos: number): Quality["word"] => (mos >= 4.0 ? "good" : mos >= 3.6 ? "fair" : "poor");

function thisBrowser(): Browser {
  return {
    secure: typeof isSecureContext === "undefined" || isSecureContext,
    media: typeof navigator === "undefined" ? undefined : navigator.mediaDevices,
    peer: typeof RTCPeerConnection === "undefined" ? undefined : (configuration) => new RTCPeerConnection(configuration),
    codecs: () => RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [],
    player: () => Object.assign(new Audio(), { autoplay: true }),
  };
}
