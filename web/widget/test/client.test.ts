/** The visitor's side against a real socket.io server that is cut, slow, gone or unwilling. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client } from "../src/client";
import { MemoryArea, Store } from "../src/storage";
import { FakeCentre } from "./fake_centre";

let centre: FakeCentre;
let local: MemoryArea;
const clients: Client[] = [];

/** A page: a new one with the same storage is a reload. */
function page(): Client {
  const store = new Store(centre.origin, local, new MemoryArea());
  const client = new Client({ origin: centre.origin, store, queue: () => null, language: () => "es", patience: 800 });
  clients.push(client);
  client.resume();
  return client;
}

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 8_000, interval: 10 });
const shown = (client: Client) => client.state.conversation?.messages.map((m) => m.body) ?? [];

beforeEach(async () => {
  centre = new FakeCentre();
  local = new MemoryArea();
  await centre.start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await centre.stop();
});

async function talking(): Promise<Client> {
  const client = page();
  client.send("hola");
  await until(() => client.state.conversation?.state === "waiting" && client.state.outbox.length === 0);
  centre.join("Olga");
  await until(() => client.state.conversation?.state === "active");
  return client;
}

test("the first message opens a conversation, and what follows keeps its order", async () => {
  const client = page();
  client.send("uno");
  client.send("dos");
  client.send("tres");
  await until(() => client.state.outbox.length === 0 && shown(client).length === 3);
  expect(shown(client)).toEqual(["uno", "dos", "tres"]);
  expect(centre.bodies()).toEqual(["uno", "dos", "tres"]);
  expect(local.length).toBe(1); // the session alone is left on the device
});

test("a page without anything to go on with opens no connection", async () => {
  const client = page();
  expect(client.state.link).toBe("idle");
  expect(centre.conversations).toEqual([]);
});

test("position, agent, typing and read marks reach the state", async () => {
  const client = page();
  client.send("hola");
  await until(() => client.state.conversation?.state === "waiting");
  centre.position(2, 150);
  await until(() => client.state.conversation?.position === 2);
  centre.position(3, 300);
  await until(() => client.state.conversation?.position === 3);
  expect(client.state.conversation?.estimated_wait_seconds).toBe(150);
  centre.join("Olga");
  centre.typing();
  await until(() => client.state.typing);
  expect(client.state.conversation?.agent).toEqual({ name: "Olga" });
  const heard: string[] = [];
  client.onMessage = (message) => heard.push(message.body);
  centre.say("Buenos días");
  await until(() => heard.length === 1);
  expect(client.state.typing).toBe(false);
  await client.markRead();
  expect(centre.only.conversation.visitor_read).toBe(centre.only.conversation.messages.at(-1)?.message_id);
  centre.read();
  await until(() => client.state.conversation?.agent_read === client.state.conversation?.messages.at(-1)?.message_id);
});

test("messages written without a server go out once and in order when it is back", async () => {
  const client = await talking();
  await centre.stop();
  await until(() => client.state.link === "offline");
  client.send("a");
  client.send("b");
  client.send("c");
  expect(client.state.outbox.map((e) => e.body)).toEqual(["a", "b", "c"]);
  await centre.start();
  await until(() => client.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["hola", "a", "b", "c"]);
  expect(shown(client)).toEqual(["hola", "a", "b", "c"]);
});

test("what was written offline survives a reload", async () => {
  const client = await talking();
  await centre.stop();
  await until(() => client.state.link === "offline");
  client.send("antes");
  client.disconnect();
  await centre.start();
  const reloaded = page();
  expect(reloaded.state.outbox.map((e) => e.body)).toEqual(["antes"]);
  reloaded.send("después");
  await until(() => reloaded.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["hola", "antes", "después"]);
});

test("a lost acknowledgement doubles nothing", async () => {
  const client = await talking();
  centre.loseAcks = 2;
  client.send("uno");
  client.send("dos");
  await until(() => client.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["hola", "uno", "dos"]);
  expect(shown(client)).toEqual(["hola", "uno", "dos"]);
});

test("a cut at any moment leaves neither gap nor double", async () => {
  const client = await talking();
  const sent: string[] = [];
  for (let i = 0; i < 20; i++) {
    if (i % 3 === 0) centre.cut();
    if (i % 2 === 0) client.send(`v${i}`);
    sent.push(i % 2 === 0 ? `v${i}` : centre.say(`a${i}`).body);
    await new Promise((done) => setTimeout(done, i * 3));
  }
  await until(() => client.state.outbox.length === 0 && shown(client).length === 21);
  expect(shown(client)).toEqual(centre.bodies());
  expect([...shown(client)].sort()).toEqual(["hola", ...sent].sort());
  const mine = (bodies: string[]) => bodies.filter((b) => b.startsWith("v"));
  expect(mine(shown(client))).toEqual(mine(sent));
});

test("a missed event is fetched by sync", async () => {
  const client = await talking();
  const before = centre.snapshots;
  centre.sayUnheard("perdido");
  centre.say("oído");
  await until(() => shown(client).length === 3);
  expect(shown(client)).toEqual(["hola", "perdido", "oído"]);
  expect(centre.snapshots).toBe(before + 1);
});

test("another node asks for a snapshot", async () => {
  const client = await talking();
  centre.node = "n2";
  centre.sayUnheard("en el otro nodo");
  centre.say("y aquí");
  await until(() => shown(client).length === 3);
});

test("rate limited: waits as long as it is told, then goes on by itself", async () => {
  const client = await talking();
  centre.refuse = [{ code: "rate_limited", ctx: { retry_after: 0.3 } }];
  client.send("deprisa");
  await until(() => client.state.pausedUntil !== null);
  expect(client.state.outbox.map((e) => e.body)).toEqual(["deprisa"]);
  await until(() => client.state.outbox.length === 0);
  expect(client.state.pausedUntil).toBeNull();
  expect(centre.bodies()).toEqual(["hola", "deprisa"]);
});

test("what the centre refuses is given back, and the next one passes", async () => {
  const client = await talking();
  client.send("x".repeat(4_001));
  client.send("corto");
  await until(() => shown(client).includes("corto") && client.state.outbox.length === 1);
  const [refused] = client.state.outbox;
  expect(refused?.failure).toEqual({ code: "too_large" });
  expect(client.takeBack(refused!.client_id)).toHaveLength(4_001);
  expect(client.state.outbox).toEqual([]);
});

test("a conversation that cannot begin says why and keeps the message", async () => {
  centre.failPosts = [{ status: 422, body: { errors: [{ loc: ["body", "email"], type: "x", msg: "" }] } }];
  const client = page();
  client.send("hola", { name: "Ana", email: "ana@x", phone: "" });
  await until(() => client.state.startFailure !== null);
  expect(client.state.startFailure).toEqual({ code: "invalid", fields: ["email"] });
  client.retry({ name: "Ana", email: "", phone: "" });
  await until(() => client.state.outbox.length === 0 && shown(client).length === 1);
  expect(centre.bodies()).toEqual(["hola"]);
});

test("a start whose answer got lost opens one conversation", async () => {
  let lost = 1;
  const store = new Store(centre.origin, local, new MemoryArea());
  const losing: typeof fetch = async (...args) => {
    const answer = await fetch(...args);
    if (lost-- > 0) throw new TypeError("network");
    return answer;
  };
  const client = new Client({ origin: centre.origin, store, queue: () => null, language: () => "es", fetch: losing });
  clients.push(client);
  const details = { name: "Ana", email: "", phone: "" };
  client.send("uno", details);
  await until(() => lost === 0);
  client.send("dos", details);
  await until(() => client.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["uno", "dos"]);
});

test("a start that was done but cannot be answered again is made anew", async () => {
  centre.failPosts = [{ status: 409 }];
  const client = page();
  client.send("hola");
  await until(() => client.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["hola"]);
});

test("too many conversations: waits for Retry-After and begins", async () => {
  centre.failPosts = [{ status: 429, headers: { "Retry-After": "1" } }];
  const client = page();
  client.send("hola");
  await until(() => client.state.pausedUntil !== null);
  await until(() => client.state.outbox.length === 0 && centre.conversations.length === 1);
});

test("a token that the centre does not know: a new conversation takes the waiting message", async () => {
  const client = await talking();
  client.disconnect();
  centre.conversations.length = 0;
  const reloaded = page();
  await until(() => reloaded.state.expired);
  reloaded.send("¿siguen ahí?");
  await until(() => reloaded.state.outbox.length === 0);
  expect(centre.bodies()).toEqual(["¿siguen ahí?"]);
});

test("a conversation closed for good: what is written opens a new one", async () => {
  const client = await talking();
  centre.refuse = [{ code: "conflict" }];
  client.send("¿y ahora?");
  await until(() => centre.conversations.length === 2 && client.state.outbox.length === 0);
  expect(centre.bodies(centre.conversations[1])).toEqual(["¿y ahora?"]);
});

test("an ended conversation can be kept as text, gone on with, and forgotten", async () => {
  const client = await talking();
  expect(await client.close()).toBeNull();
  expect(client.state.conversation?.state).toBe("ended");
  expect(await client.transcript()).toBe("hola");
  client.disconnect();
  const reloaded = page();
  expect(reloaded.state.link).toBe("idle"); // nothing more is expected of it
  reloaded.opened();
  await until(() => reloaded.state.conversation?.state === "ended");
  reloaded.send("otra cosa");
  await until(() => reloaded.state.conversation?.state === "waiting");
  expect(centre.bodies()).toEqual(["hola", "otra cosa"]);
  reloaded.forget();
  expect(local.length).toBe(0);
  reloaded.send("desde cero");
  await until(() => centre.conversations.length === 2 && reloaded.state.conversation?.messages.length === 1);
});

test("two tabs share one conversation", async () => {
  const first = await talking();
  const second = page();
  await until(() => second.state.link === "online");
  first.send("desde la primera");
  await until(() => shown(second).length === 2);
  second.send("desde la segunda");
  await until(() => shown(first).length === 3);
  expect(shown(first)).toEqual(shown(second));
});

test("a tab that is only looking follows when another begins", async () => {
  const looking = page();
  const writing = page();
  writing.send("hola");
  await until(() => writing.state.conversation !== null);
  looking.storageChanged(`contactcenter:${centre.origin}:session`, "…");
  await until(() => shown(looking).length === 1);
  expect(centre.conversations).toHaveLength(1);
});

test("what was known stays in front of a snapshot that joins it, whatever was cut", async () => {
  const client = await talking();
  for (let n = 0; n < 120; n++) centre.say(`m${n}`);
  await until(() => shown(client).length === 121);
  centre.cut();
  await until(() => client.state.link === "offline");
  centre.fill(50);
  await until(() => client.state.link === "online" && shown(client).length === 171);
  expect(shown(client)).toEqual(centre.bodies());
  expect(client.state.earlier).toBe("none");
  expect(centre.pages).toBe(0);
});

test("what was missed between the known and the snapshot is fetched, page by page, and nothing has a gap", async () => {
  const client = await talking();
  for (let n = 0; n < 20; n++) centre.say(`m${n}`);
  await until(() => shown(client).length === 21);
  const gaps: string[][] = [];
  const tail = () => centre.bodies().slice(-shown(client).length);
  client.onChange = () => {
    if (JSON.stringify(shown(client)) !== JSON.stringify(tail()) && client.state.link === "online") gaps.push(shown(client));
  };
  await centre.stop();
  await until(() => client.state.link === "offline");
  centre.fill(330);
  await centre.start();
  await until(() => shown(client).length === 351);
  expect(shown(client)).toEqual(centre.bodies());
  expect(client.state.earlier).toBe("none");
  expect(gaps).toEqual([]);
  expect(centre.pages).toBe(3);
});

test("after a reload older messages are fetched when they are asked for; a failure is said and asked again", async () => {
  await talking();
  centre.fill(229);
  const client = page();
  await until(() => shown(client).length === 100);
  expect(client.state.earlier).toBe("some");
  centre.failPages = 1;
  await client.loadEarlier();
  expect(client.state.earlier).toBe("failed");
  await client.loadEarlier();
  expect([shown(client).length, client.state.earlier]).toEqual([200, "some"]);
  centre.cut();
  await until(() => client.state.link === "offline");
  await until(() => client.state.link === "online");
  expect(shown(client)).toEqual(centre.bodies().slice(-200));
  await Promise.all([client.loadEarlier(), client.loadEarlier()]);
  expect(client.state.earlier).toBe("none");
  expect(shown(client)).toEqual(centre.bodies());
  const pages = centre.pages;
  await client.loadEarlier();
  expect(centre.pages).toBe(pages);
});
