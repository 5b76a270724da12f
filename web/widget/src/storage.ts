/** What the widget keeps on the visitor's own device. */

export interface Session {
  conversation_id: string;
  token: string;
  /** Nothing more is expected, so a page view needs no connection. */
  ended: boolean;
}

/** A message that the centre has not acknowledged yet. */
export interface Outgoing {
  client_id: string;
  body: string;
  /** ISO time of writing. */
  at: string;
  /** Sorts the outbox in the order of writing, across tabs. */
  order: string;
}

export interface Details {
  name: string;
  email: string;
  phone: string;
  /** What it is about, as the office's rules know it; empty: not said. */
  topic?: string;
}

/** The request that opens the conversation, kept as it was sent, so that a repetition is one. */
export interface Start {
  key: string;
  details: Details;
  queue: string | null;
  locale: string;
}

/** The call that this tab is on the line of, and how it finds the way there after a reload. */
export interface Calling {
  call_id: string;
  servers: RTCIceServer[];
}

type Area = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** A Storage that forgets when the page goes: for browsers that allow none. */
export class MemoryArea implements Area {
  private readonly values = new Map<string, string>();
  get length(): number {
    return this.values.size;
  }
  key(index: number): string | null {
    return [...this.values.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
  removeItem(key: string): void {
    this.values.delete(key);
  }
}

function usable(name: "localStorage" | "sessionStorage"): Area {
  try {
    const area = window[name];
    area.setItem("contactcenter:probe", "");
    area.removeItem("contactcenter:probe");
    return area;
  } catch {
    return new MemoryArea();
  }
}

export class Store {
  private count = 0;

  /** `centre` keeps two centres on one host page apart. */
  constructor(
    centre: string,
    private readonly local: Area,
    private readonly tab: Area,
    private readonly prefix = `contactcenter:${centre}:`,
  ) {}

  static ofBrowser(centre: string): Store {
    return new Store(centre, usable("localStorage"), usable("sessionStorage"));
  }

  /** Whether a key of a `storage` event belongs here; null means that all was cleared. */
  owns(key: string | null): boolean {
    return key === null || key.startsWith(this.prefix);
  }

  get session(): Session | null {
    return this.read<Session>(this.local, "session");
  }
  set session(value: Session | null) {
    this.write(this.local, "session", value);
  }

  get start(): Start | null {
    return this.read<Start>(this.local, "start");
  }
  set start(value: Start | null) {
    this.write(this.local, "start", value);
  }

  get muted(): boolean {
    return this.read<boolean>(this.local, "muted") ?? false;
  }
  set muted(value: boolean) {
    this.write(this.local, "muted", value || null);
  }

  get language(): string | null {
    return this.read<string>(this.local, "language");
  }
  set language(value: string | null) {
    this.write(this.local, "language", value);
  }

  /** Of this tab alone: the panel stays open, and half a sentence stays, from page to page. */
  get open(): boolean {
    return this.read<boolean>(this.tab, "open") ?? false;
  }
  set open(value: boolean) {
    this.write(this.tab, "open", value || null);
  }
  get calling(): Calling | null {
    return this.read<Calling>(this.tab, "calling");
  }
  set calling(value: Calling | null) {
    this.write(this.tab, "calling", value);
  }
  get draft(): string {
    return this.read<string>(this.tab, "draft") ?? "";
  }
  set draft(value: string) {
    this.write(this.tab, "draft", value || null);
  }

  /** One key per message, so that two tabs never overwrite each other's. */
  outbox(): Outgoing[] {
    const found: Outgoing[] = [];
    const prefix = `${this.prefix}out:`;
    for (let i = 0; i < this.local.length; i++) {
      const key = this.local.key(i);
      const entry = key?.startsWith(prefix) ? parse<Outgoing>(this.local.getItem(key)) : null;
      if (entry) found.push(entry);
    }
    return found.sort((a, b) => (a.order < b.order ? -1 : 1));
  }

  put(body: string, at: Date): Outgoing {
    const order = `${at.getTime().toString().padStart(15, "0")}.${String(this.count++).padStart(6, "0")}`;
    const entry = { client_id: randomId(), body, at: at.toISOString(), order };
    this.write(this.local, `out:${entry.client_id}`, entry);
    return entry;
  }

  drop(client_id: string): void {
    this.write(this.local, `out:${client_id}`, null);
  }

  private read<T>(area: Area, key: string): T | null {
    return parse<T>(area.getItem(this.prefix + key));
  }

  private write(area: Area, key: string, value: unknown): void {
    try {
      if (value === null) area.removeItem(this.prefix + key);
      else area.setItem(this.prefix + key, JSON.stringify(value));
    } catch {
      // Full: the page goes on with what it holds in memory.
    }
  }
}

function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

/** A version 4 UUID; crypto.randomUUID is missing on pages without TLS. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
