import { CommandError } from "@contactcenter/shared/live";
import { beforeEach, expect, test, vi } from "vitest";

import { type Outgoing, Outbox } from "../src/outbox";

const kept = new Map<string, string>();
vi.stubGlobal("localStorage", {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => kept.set(key, value),
  removeItem: (key: string) => kept.delete(key),
});
beforeEach(() => kept.clear());

const written = (id: string, conversation = "c1"): Omit<Outgoing, "state"> => ({
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
