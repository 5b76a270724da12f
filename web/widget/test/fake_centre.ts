/** A centre for tests: the real socket.io protocol and the contract's answers, kept in memory. */

import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "socket.io";
import type { Conversation, Message, VisitorCall } from "../src/model";

interface Held {
  conversation: Conversation;
  call: VisitorCall | null;
  token: string;
  seq: number;
}

type Ack = (answer: unknown) => void;

export class FakeCentre {
  readonly conversations: Held[] = [];
  /** Every chat.message that reached the centre, repetitions included. */
  readonly arrivals: string[] = [];
  open = true;
  /** Answers the next commands with these errors instead of doing them. */
  refuse: { code: string; ctx?: object }[] = [];
  /** The next posts fail with this status. */
  failPosts: { status: number; headers?: Record<string, string>; body?: object }[] = [];
  /** Does the next n messages but loses their acknowledgements with the connection. */
  loseAcks = 0;
  snapshots = 0;
  /** Pages of messages that were asked for; the next `failPages` of them fail. */
  pages = 0;
  failPages = 0;
  calls = 0;
  /** Every tone that a caller sent. */
  readonly digits: string[] = [];
  node = "n1";
  private http!: HttpServer;
  private io!: Server;
  private log = 0;
  private posts = new Map<string, Held>();
  private port = 0;
  private files: (path: string) => { type: string; body: string | Buffer } | null;

  constructor(files: FakeCentre["files"] = () => null) {
    this.files = files;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(port = this.port): Promise<void> {
    this.http = createServer((request, response) => void this.answer(request, response));
    this.io = new Server(this.http, { cors: { origin: "*" }, serveClient: false });
    this.io.of("/chat").use((socket, next) => {
      const held = this.conversations.find((c) => c.token === socket.handshake.auth.token);
      if (held) next();
      else next(Object.assign(new Error("refused"), { data: { code: "unauthenticated" } }));
    });
    this.io.of("/chat").on("connection", (socket) => this.connected(socket));
    await new Promise<void>((done) => this.http.listen(port, "127.0.0.1", done));
    this.port = (this.http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await this.io.close();
  }

  /** Cuts every connection as a fallen network would. */
  cut(): void {
    for (const socket of this.io.of("/chat").sockets.values()) socket.conn.close();
  }

  get only(): Held {
    if (this.conversations.length !== 1) throw new Error(`${this.conversations.length} conversations`);
    return this.conversations[0]!;
  }

  bodies(held = this.only): string[] {
    return held.conversation.messages.map((m) => m.body);
  }

  // What the office does

  join(name: string, held = this.only): void {
    Object.assign(held.conversation, { state: "active", agent: { name }, position: null, estimated_wait_seconds: null });
    this.emit(held, "chat.agent_joined", { agent: { name } });
  }

  say(body: string, held = this.only): Message {
    return this.add(held, "agent", body, null);
  }

  typing(held = this.only): void {
    this.io.of("/chat").to(held.conversation.conversation_id).emit("chat.typing", { sender: "agent" });
  }

  read(held = this.only): void {
    const message_id = held.conversation.messages.at(-1)!.message_id;
    held.conversation.agent_read = message_id;
    this.emit(held, "chat.read", { reader: "agent", message_id, conversation_id: held.conversation.conversation_id });
  }

  position(position: number, estimated_wait_seconds: number | null, held = this.only): void {
    Object.assign(held.conversation, { position, estimated_wait_seconds });
    this.emit(held, "queue.position", { position, estimated_wait_seconds });
  }

  /** The call changes: `event` says how. */
  call(event: string, change: Partial<VisitorCall>, held = this.only): void {
    held.call = { ...held.call!, ...change };
    this.emit(held, event, { call_id: held.call.call_id, call: held.call });
  }

  close(by: string, held = this.only): void {
    Object.assign(held.conversation, { state: "ended", agent: null, position: null });
    this.emit(held, "chat.closed", { by });
  }

  /** An event that gets lost on the way: its number is used up, nobody hears of it. */
  sayUnheard(body: string, held = this.only): void {
    this.store(held, "agent", body, null);
    held.seq += 1;
  }

  /** As many messages, said while nobody's connection hears them. */
  fill(count: number, held = this.only): void {
    for (let n = 0; n < count; n++) this.store(held, "agent", `n${this.log}`, null);
  }

  private connected(socket: Socket): void {
    const held = this.conversations.find((c) => c.token === socket.handshake.auth.token)!;
    const { conversation } = held;
    void socket.join(conversation.conversation_id);
    const commands: Record<string, (payload: never) => unknown> = {
      "chat.message": ({ body, client_id }: { body: string; client_id: string }) => {
        this.arrivals.push(client_id);
        if ([...body].length > 4000) throw { code: "too_large" };
        const seen = conversation.messages.find((m) => m.client_id === client_id);
        const before = conversation.state;
        const message = seen ?? this.add(held, "visitor", body, client_id);
        if (before !== conversation.state && conversation.state === "waiting") this.position(1, null, held);
        return message;
      },
      "chat.read": ({ message_id }: { message_id: string }) => {
        conversation.visitor_read = message_id;
        this.emit(held, "chat.read", { reader: "visitor", message_id });
      },
      "chat.typing": () => undefined,
      "chat.close": () => this.close("visitor", held),
      "call.start": () => {
        this.calls += 1;
        held.call = waitingCall(`call-${this.calls}`);
        return { call_id: held.call.call_id, ice_servers: [], recording: "inform", call: held.call };
      },
      "call.ice_servers": () => ({ ice_servers: [{ urls: ["stun:127.0.0.1:3478"], username: null, credential: null }] }),
      "call.offer": ({ sdp }: { sdp: string }) => ({ sdp: `answer to ${sdp}` }),
      "call.candidate": () => ({}),
      "call.dtmf": ({ digits }: { digits: string }) => void this.digits.push(digits),
      "call.consent": ({ recording }: { recording: boolean }) =>
        this.call("call.changed", { record: { ...held.call!.record, state: recording ? "recording" : "refused", consent: recording } }, held),
      "call.hangup": () => this.call("call.ended", { state: "ended", ended_at: new Date().toISOString() }, held),
      sync: () => ({ snapshot: this.snapshot(held) }),
    };
    for (const [name, run] of Object.entries(commands)) {
      socket.on(name, (payload: unknown, ack?: Ack) => {
        const refused = this.refuse.shift();
        if (refused) {
          ack?.({ ok: false, error: { detail: "", ctx: {}, ...refused } });
          return;
        }
        try {
          const data = run(payload as never);
          if (name === "chat.message" && this.loseAcks > 0) {
            this.loseAcks -= 1;
            socket.conn.close();
          } else ack?.({ ok: true, data });
        } catch (error) {
          ack?.({ ok: false, error: { detail: "", ctx: {}, ...(error as object) } });
        }
      });
    }
    socket.emit("snapshot", this.snapshot(held));
  }

  private snapshot(held: Held): unknown {
    this.snapshots += 1;
    return {
      state: {
        conversation: { ...structuredClone(held.conversation), messages: held.conversation.messages.slice(-100) },
        call: held.call,
      },
      cursor: this.cursor(),
      streams: { [`conversation:${held.conversation.conversation_id}`]: held.seq },
      node: this.node,
      server_now: new Date().toISOString(),
    };
  }

  private add(held: Held, sender: Message["sender"], body: string, client_id: string | null): Message {
    const message = this.store(held, sender, body, client_id);
    this.emit(held, "chat.message", message);
    return message;
  }

  private store(held: Held, sender: Message["sender"], body: string, client_id: string | null): Message {
    const { conversation } = held;
    this.log += 1;
    const message: Message = {
      message_id: `m-${String(this.log).padStart(8, "0")}`,
      conversation_id: conversation.conversation_id,
      sender,
      kind: "text",
      agent_name: sender === "agent" ? (conversation.agent?.name ?? "Olga") : null,
      body,
      created_at: new Date().toISOString(),
      client_id,
    };
    conversation.messages.push(message);
    if (sender === "visitor" && (conversation.state === "new" || conversation.state === "ended")) {
      Object.assign(conversation, { state: this.open ? "waiting" : "message_left" });
    }
    return message;
  }

  private emit(held: Held, event: string, payload: object): void {
    this.log += 1;
    held.seq += 1;
    const stream = `conversation:${held.conversation.conversation_id}`;
    this.io
      .of("/chat")
      .to(held.conversation.conversation_id)
      .emit(event, { ...payload, stream, seq: held.seq, node: this.node, cursor: this.cursor() });
  }

  private cursor(): string {
    return String(this.log).padStart(16, "0");
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    const cors = {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Headers": "*",
      "Access-Control-Expose-Headers": "Retry-After",
    };
    const json = (status: number, body: object, headers = {}) => {
      response.writeHead(status, { "Content-Type": "application/json", ...cors, ...headers });
      response.end(JSON.stringify(body));
    };
    if (url.pathname.startsWith("/socket.io")) return;
    if (request.method === "OPTIONS") return json(204, {});
    if (url.pathname === "/api/v1/chat/config") return json(200, this.config());
    if (url.pathname === "/api/v1/chat/conversations" && request.method === "POST") {
      const failure = this.failPosts.shift();
      if (failure) return json(failure.status, failure.body ?? {}, failure.headers);
      const key = String(request.headers["idempotency-key"]);
      const held = this.posts.get(key) ?? this.make();
      this.posts.set(key, held);
      return json(201, { conversation: held.conversation, token: held.token });
    }
    if (url.pathname.endsWith("/messages")) {
      this.pages += 1;
      if (this.failPages > 0) {
        this.failPages -= 1;
        return json(503, {});
      }
      const held = this.conversations.find((c) => request.headers.authorization === `Bearer ${c.token}`);
      if (!held) return json(401, {});
      const cursor = url.searchParams.get("cursor");
      const older = held.conversation.messages.filter((m) => cursor === null || m.message_id < cursor);
      const items = older.slice(-Number(url.searchParams.get("limit") ?? 50));
      return json(200, { items, next_cursor: items.length < older.length ? items[0]!.message_id : null });
    }
    if (url.pathname.endsWith("/transcript")) {
      response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", ...cors });
      response.end(this.bodies(this.conversations[0]).join("\n"));
      return;
    }
    const file = this.files(url.pathname);
    response.writeHead(file ? 200 : 404, { "Content-Type": file?.type ?? "text/plain" });
    response.end(file?.body ?? "");
  }

  private config(): object {
    const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    return {
      name: "Brezo y Salinas",
      timezone: "Europe/Madrid",
      open: this.open,
      closes_at: this.open ? at(3) : null,
      opens_at: this.open ? null : at(20),
      server_now: at(0),
    };
  }

  private make(): Held {
    const conversation_id = `c-${this.conversations.length + 1}`;
    const held: Held = {
      call: null,
      token: `t-${conversation_id}-${Math.random()}`,
      seq: 0,
      conversation: {
        conversation_id,
        state: "new",
        agent: null,
        queue: "CO",
        messages: [],
        visitor_read: null,
        agent_read: null,
        position: null,
        estimated_wait_seconds: null,
        can_write: true,
      },
    };
    this.conversations.push(held);
    return held;
  }
}

const waitingCall = (call_id: string): VisitorCall => ({
  call_id,
  state: "waiting",
  connection: "new",
  position: 2,
  estimated_wait_seconds: 60,
  agent: null,
  record: { mode: "opt_out", state: "off", consent: null },
  started_at: new Date().toISOString(),
  answered_at: null,
  ended_at: null,
});
