import { beforeEach, describe, expect, test, vi } from "vitest";

type Listener = (...args: unknown[]) => void;

const socket = vi.hoisted(() => {
  const listeners = new Map<string, Listener>();
  return {
    connected: false,
    sent: [] as [string, unknown][],
    answer: (async () => ({ ok: true, data: {} })) as (name: string, payload: unknown) => Promise<unknown>,
    any: (() => undefined) as Listener,
    on(name: string, listener: Listener) {
      listeners.set(name, listener);
    },
    onAny(listener: Listener) {
      socket.any = listener;
    },
    connect() {
      socket.connected = true;
      listeners.get("connect")?.();
    },
    disconnect() {
      socket.connected = false;
    },
    drop() {
      socket.connected = false;
      listeners.get("disconnect")?.("transport close");
    },
    refuse(code: string) {
      socket.connected = false;
      listeners.get("connect_error")?.(Object.assign(new Error(code), { data: { code } }));
    },
    timeout() {
      return {
        emitWithAck: (name: string, payload: unknown) => {
          socket.sent.push([name, payload]);
          return socket.answer(name, payload);
        },
      };
    },
  };
});

vi.mock("socket.io-client", () => ({ io: () => socket }));
vi.stubGlobal("navigator", { onLine: true, language: "es" });
vi.stubGlobal("addEventListener", () => undefined);
vi.stubGlobal("removeEventListener", () => undefined);

const { CommandError, Live } = await import("../src/live");

const snapshot = (cursor: string, streams: Record<string, number>, node = "a") => ({
  state: cursor,
  cursor,
  streams,
  node,
  server_now: "2026-11-23T09:00:00Z",
});
const event = (seq: number, cursor: string, stream = "team", node = "a") => ({ stream, seq, node, cursor });

let seen: string[] = [];
const begin = () => {
  seen = [];
  socket.sent = [];
  socket.answer = async () => ({ ok: true, data: {} });
  const live = new Live<string>("/agent", {
    snapshot: ({ state }) => seen.push(`snapshot ${state}`),
    event: (name, payload) => seen.push(`${name} ${payload.seq ?? "-"}`),
  });
  live.start();
  return live;
};

describe("following the server", () => {
  beforeEach(() => vi.useFakeTimers());

  test("one window too many says so and goes on trying", () => {
    const live = begin();
    socket.refuse("rate_limited");
    expect(live.link.get()).toMatchObject({ kind: "lost", crowded: true });
    vi.advanceTimersByTime(700);
    expect(socket.connected).toBe(true);
    socket.any("snapshot", snapshot("c1", {}));
    expect(live.isLive).toBe(true);
    socket.drop();
    expect(live.link.get()).toMatchObject({ kind: "lost", crowded: false });
  });

  test("events before the snapshot wait for it; those it has are dropped", () => {
    begin();
    socket.any("a", event(5, "c5"));
    socket.any("b", event(6, "c6"));
    socket.any("typing", {});
    expect(seen).toEqual([]);
    socket.any("snapshot", snapshot("c5", { team: 4 }));
    expect(seen).toEqual(["snapshot c5", "b 6"]);
    socket.any("typing", {});
    expect(seen.at(-1)).toBe("typing -");
  });

  test("one seen twice is applied once", () => {
    begin();
    socket.any("snapshot", snapshot("c1", { team: 1 }));
    socket.any("a", event(2, "c2"));
    socket.any("a", event(2, "c2"));
    expect(seen).toEqual(["snapshot c1", "a 2"]);
  });

  test.each([
    ["a gap", event(4, "c4")],
    ["another node", event(2, "c4", "team", "b")],
    ["an unknown stream", event(1, "c4", "queue:CO")],
  ])("%s asks for a snapshot once and applies the rest on it", async (_, odd) => {
    const live = begin();
    socket.any("snapshot", snapshot("c1", { team: 1 }));
    let give: (value: unknown) => void = () => undefined;
    socket.answer = () => new Promise((resolve) => (give = resolve));
    socket.any("odd", odd);
    socket.any("next", { ...odd, seq: odd.seq + 1, cursor: "c5" });
    expect(socket.sent).toEqual([["sync", { cursor: "c1" }]]);
    const streams = { team: 1, [odd.stream]: odd.seq };
    give({ ok: true, data: { snapshot: snapshot("c4", streams, odd.node) } });
    await vi.advanceTimersByTimeAsync(0);
    expect(seen).toEqual(["snapshot c1", "snapshot c4", `next ${odd.seq + 1}`]);
    expect(live.isLive).toBe(true);
  });

  test("a snapshot sent anew does not turn back what was counted", () => {
    begin();
    socket.any("snapshot", snapshot("c1", { team: 1 }));
    socket.any("a", event(2, "c2"));
    socket.any("snapshot", snapshot("c2", { team: 1, "queue:CO": 0 }));
    socket.any("b", event(3, "c3"));
    expect(seen).toEqual(["snapshot c1", "a 2", "snapshot c2", "b 3"]);
    expect(socket.sent).toEqual([]);
  });

  test("a lost connection says when it tries again, and comes back with a snapshot", () => {
    const live = begin();
    socket.any("snapshot", snapshot("c1", { team: 1 }));
    socket.drop();
    const link = live.link.get();
    expect(link.kind).toBe("lost");
    expect(link.kind === "lost" && link.retryAt).toBeGreaterThan(Date.now());
    vi.advanceTimersByTime(10_000);
    expect(socket.connected).toBe(true);
    socket.any("snapshot", snapshot("c9", { team: 0 }, "b"));
    socket.any("a", event(1, "d1", "team", "b"));
    expect(seen).toEqual(["snapshot c1", "snapshot c9", "a 1"]);
    expect(live.isLive).toBe(true);
  });

  test("in the first minute it is tried again every two seconds at the latest, then less often", () => {
    const live = begin();
    socket.any("snapshot", snapshot("c1", { team: 1 }));
    const pauses: number[] = [];
    const began = Date.now();
    while (Date.now() - began < 90_000) {
      socket.drop();
      const link = live.link.get();
      if (link.kind !== "lost" || link.retryAt === null) throw new Error("not lost");
      const pause = link.retryAt - Date.now();
      if (Date.now() - began < 60_000) expect(pause).toBeLessThanOrEqual(2_500);
      pauses.push(pause);
      vi.advanceTimersByTime(pause + 1);
    }
    expect(pauses.at(-1)).toBeGreaterThan(5_000);
  });

  test("a command fails with the server's code, and as unavailable when cut off", async () => {
    const live = begin();
    socket.answer = async () => ({ ok: false, error: { code: "conflict", detail: "taken", ctx: { by: 1 } } });
    await expect(live.command("x", {})).rejects.toMatchObject({ code: "conflict", ctx: { by: 1 } });
    socket.answer = async () => Promise.reject(new Error("timeout"));
    await expect(live.command("x", {})).rejects.toMatchObject({ code: "unavailable" });
    socket.drop();
    await expect(live.command("x", {})).rejects.toBeInstanceOf(CommandError);
  });
});
