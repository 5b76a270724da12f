import { CommandError } from "@contactcenter/shared/live";
import { beforeEach, expect, test, vi } from "vitest";

import { type Outgoing, Outbox } from "../src/outbox";

const kept = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => kept.set(key, value),
  removeItem: (key: string) => kept.delete(key),
  key: (at: number) => [...kept.keys()][at] ?? null,
  get length() {
    return kept.size;
  },
});
beforeEach(() => kept.clear());

const written = (id: string, conversation = "c1"): Omit<Outgoing, "state" | "order"> => ({
  client_id: id,
  conversation_id: conversation,
  kind: "text",
  body: id,
  created_at: "2026-11-23T09:00:00Z",
});
const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const states = (outbox: Outbox) => outbox.items.get().map((one) => `${one.client_id} ${one.state}`);

test("what is written offline goes out in order when the connection is back, also after a reload", async () => {
  let live = false;
  const sent: string[] = [];
  const make = () => new Outbox(async (one) => void sent.push(one.client_id), () => live, "box");
  const first = make();
  first.add(written("m1"));
  first.add(written("m2"));
  expect(states(first)).toEqual(["m1 waiting", "m2 waiting"]);
  const reloaded = make();
  live = true;
  reloaded.flush();
  await settle();
  expect(sent).toEqual(["m1", "m2"]);
  reloaded.confirmed(new Set(["m1", "m2"]));
  expect(make().items.get()).toEqual([]);
});

test("one that was cut off waits; it is sent again under the same id", async () => {
  let live = true;
  let cut = true;
  const sent: string[] = [];
  const outbox = new Outbox(
    async (one) => {
      sent.push(one.client_id);
      if (cut) {
        live = false;
        throw new CommandError("unavailable", "cut");
      }
    },
    () => live,
    "box",
  );
  outbox.add(written("m1"));
  outbox.add(written("m2"));
  await settle();
  expect(states(outbox)).toEqual(["m1 waiting", "m2 waiting"]);
  cut = false;
  live = true;
  outbox.flush();
  await settle();
  expect(sent).toEqual(["m1", "m1", "m2"]);
});

test("a refused one stays with its reason; later ones and other conversations go on", async () => {
  const outbox = new Outbox(
    async (one) => {
      if (one.client_id === "bad") throw new CommandError("too_large", "too long");
    },
    () => true,
    "box",
  );
  outbox.add(written("bad"));
  outbox.add(written("m2"));
  outbox.add(written("m3", "c2"));
  await settle();
  expect(states(outbox)).toEqual(["bad failed", "m2 sent", "m3 sent"]);
  expect(outbox.items.get()[0]?.error).toBe("too_large");
  outbox.discard("bad");
  expect(states(outbox)).toEqual(["m2 sent", "m3 sent"]);
});

test("what the server cannot take just now keeps its place and is tried again, less often each time", async () => {
  vi.useFakeTimers();
  try {
    let refuse: Error | null = new CommandError("unavailable", "stalled");
    const sent: string[] = [];
    const tried: number[] = [];
    const outbox = new Outbox(
      async (one) => {
        if (one.conversation_id === "c1") tried.push(Date.now());
        if (refuse && one.client_id === "m1") throw refuse;
        sent.push(one.client_id);
      },
      () => true,
      "box",
    );
    outbox.add(written("m1"));
    outbox.add(written("m2"));
    outbox.add(written("m3", "c2"));
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sent).toEqual(["m3"]);
    expect(states(outbox)).toEqual(["m1 waiting", "m2 waiting", "m3 sent"]);
    expect(outbox.items.get()[0]?.error).toBe("unavailable");
    const pauses = tried.slice(1).map((at, n) => at - (tried[n] ?? 0));
    expect(pauses.length).toBeGreaterThan(3);
    pauses.slice(0, 4).forEach((pause, n) => {
      expect(pause).toBeGreaterThanOrEqual(750 * 2 ** n);
      expect(pause).toBeLessThanOrEqual(1_000 * 2 ** n + 1);
    });
    // Written meanwhile: it waits behind, and asks nothing of the server.
    const before = tried.length;
    outbox.add(written("m4"));
    await vi.advanceTimersByTimeAsync(0);
    expect(tried.length).toBe(before);
    // The server says for how long, and is believed.
    refuse = new CommandError("rate_limited", "slowly", { retry_after: 40 });
    outbox.retry("m1");
    await vi.advanceTimersByTimeAsync(39_000);
    expect(tried.length).toBe(before + 1);
    expect(outbox.items.get()[0]?.error).toBe("rate_limited");
    refuse = null;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual(["m3", "m1", "m2", "m4"]);
    expect(outbox.items.get().every((one) => one.state === "sent" && !one.error)).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test("a new connection tries at once, and discarding the one that is put off lets the others through", async () => {
  let live = true;
  let sick: string | null = "m1";
  const sent: string[] = [];
  const outbox = new Outbox(
    async (one) => {
      if (one.client_id === sick) throw new CommandError("unavailable", "no");
      sent.push(one.client_id);
    },
    () => live,
    "box",
  );
  outbox.add(written("m1"));
  outbox.add(written("m2"));
  await settle();
  expect(sent).toEqual([]);
  live = false;
  sick = null;
  live = true;
  outbox.flush();
  await settle();
  expect(sent).toEqual(["m1", "m2"]);
  sick = "m3";
  outbox.add(written("m3"));
  outbox.add(written("m4"));
  await settle();
  outbox.discard("m3");
  await settle();
  expect(sent).toEqual(["m1", "m2", "m4"]);
});

test("a final refusal fails one message, which can be tried again", async () => {
  let refuse = true;
  const sent: string[] = [];
  const outbox = new Outbox(
    async (one) => {
      if (refuse && one.client_id === "m1") throw new CommandError("conflict", "closed");
      sent.push(one.client_id);
    },
    () => true,
    "box",
  );
  outbox.add(written("m1"));
  outbox.add(written("m2"));
  await settle();
  expect(states(outbox)).toEqual(["m1 failed", "m2 sent"]);
  refuse = false;
  outbox.retry("m1");
  await settle();
  expect(sent).toEqual(["m2", "m1"]);
  expect(states(outbox)).toEqual(["m1 sent", "m2 sent"]);
});

test("two tabs keep what either has written, and whoever sends keeps each conversation's order", async () => {
  let live = false;
  const sent: string[] = [];
  const tab = () => new Outbox(async (one) => void sent.push(one.client_id), () => live, "box");
  const [left, right] = [tab(), tab()];
  left.add(written("m1"));
  right.add(written("m2"));
  left.add(written("m3"));
  right.add(written("m4", "c2"));
  expect(states(tab())).toEqual(["m1 waiting", "m2 waiting", "m3 waiting", "m4 waiting"]);
  // The left tab is gone before it could send anything.
  live = true;
  right.flush();
  await settle();
  expect(sent.filter((id) => id !== "m4")).toEqual(["m1", "m2", "m3"]);
  right.confirmed(new Set(["m1", "m2", "m3", "m4"]));
  expect(kept.size).toBe(0);
});

test("what another tab has sent or discarded is gone here too, and nothing of other keys is touched", async () => {
  kept.set("boxes.m9", "{}");
  const tab = () => new Outbox(async () => undefined, () => false, "box");
  const [left, right] = [tab(), tab()];
  left.add(written("m1"));
  right.add(written("m2"));
  expect(states(right)).toEqual(["m1 waiting", "m2 waiting"]);
  left.discard("m1");
  right.storageChanged("boxes.m9", null);
  right.storageChanged("box.m1", null);
  expect(states(right)).toEqual(["m2 waiting"]);
  expect(states(tab())).toEqual(["m2 waiting"]);
  expect(kept.has("boxes.m9")).toBe(true);
});

test("a clock that was set back changes no order", () => {
  vi.useFakeTimers();
  try {
    const tab = () => new Outbox(async () => undefined, () => false, "box");
    vi.setSystemTime(Date.UTC(2026, 10, 23, 9, 0, 0));
    tab().add(written("m1"));
    vi.setSystemTime(Date.UTC(2026, 10, 23, 8, 0, 0));
    tab().add(written("m2"));
    expect(states(tab())).toEqual(["m1 waiting", "m2 waiting"]);
  } finally {
    vi.useRealTimers();
  }
});
