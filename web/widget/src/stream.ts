/**
 * No gap, no double: a snapshot, then the events after it, each exactly once.
 *
 * Every event that must not be missed carries {stream, seq, node, cursor}. Until a snapshot is
 * there, events wait; afterwards those that the snapshot already holds are dropped, and a missing
 * number or another node asks for a new snapshot. Pure.
 */

export interface Envelope {
  stream: string;
  seq: number;
  node: string;
  /** Null when the event stands for no place in the log. */
  cursor: string | null;
}

export interface Snapshot<State> {
  state: State;
  cursor: string;
  streams: Record<string, number>;
  node: string;
  server_now: string;
}

export interface Sink<State> {
  reset(state: State, snapshot: Snapshot<State>): void;
  apply(event: string, payload: unknown): void;
  /** Something was missed after `cursor`: fetch a snapshot and hand it to `take`. */
  resync(cursor: string): void;
}

export class EventStream<State> {
  private cursor = "";
  private node = "";
  private seqs = new Map<string, number>();
  private waiting: [string, Envelope][] | null = [];

  constructor(private readonly sink: Sink<State>) {}

  /** Whether events are applied as they come. */
  get live(): boolean {
    return this.waiting === null;
  }

  /** The connection is new: hold events until its snapshot. */
  restart(): void {
    this.waiting = [];
  }

  take(snapshot: Snapshot<State>): void {
    // A snapshot on a living connection may name a number that events have already passed.
    const known = snapshot.node === this.node ? this.seqs : null;
    this.seqs = new Map(
      Object.entries(snapshot.streams).map(([stream, seq]) => [stream, Math.max(seq, known?.get(stream) ?? 0)]),
    );
    this.cursor = snapshot.cursor;
    this.node = snapshot.node;
    const held = this.waiting ?? [];
    this.waiting = null;
    this.sink.reset(snapshot.state, snapshot);
    for (const [event, payload] of held) this.receive(event, payload);
  }

  receive(event: string, payload: unknown): void {
    if (!isEnvelope(payload)) {
      if (this.live) this.sink.apply(event, payload); // typing: worth nothing later
      return;
    }
    if (this.waiting) {
      this.waiting.push([event, payload]);
      return;
    }
    const last = this.seqs.get(payload.stream);
    if (payload.node === this.node && last !== undefined && payload.seq <= last) return;
    if (payload.node !== this.node || payload.seq !== (last ?? 0) + 1) {
      this.waiting = [[event, payload]];
      this.sink.resync(this.cursor);
      return;
    }
    this.seqs.set(payload.stream, payload.seq);
    if (payload.cursor === null || payload.cursor > this.cursor) this.sink.apply(event, payload);
  }
}

function isEnvelope(payload: unknown): payload is Envelope {
  return typeof payload === "object" && payload !== null && "seq" in payload && "stream" in payload;
}
