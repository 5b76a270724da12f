import { expect, test } from "vitest";
import { EventStream, type Snapshot } from "../src/stream";

const event = (seq: number, over: object = {}) => ({ stream: "s", seq, node: "n", cursor: `c${seq}`, ...over });
const snapshot = (seq: number, over: object = {}): Snapshot<string> => ({
  state: `state ${seq}`,
  cursor: `c${seq}`,
  streams: { s: seq },
  node: "n",
  server_now: "2026-01-01T00:00:00Z",
  ...over,
});

function recorded() {
  const log: string[] = [];
  const stream = new EventStream<string>({
    reset: (state) => log.push(state),
    apply: (name, payload) => log.push(`${name} ${(payload as { seq?: number }).seq ?? "-"}`),
    resync: (cursor) => log.push(`sync ${cursor}`),
  });
  return { log, stream };
}

test("events wait for the snapshot, and those it holds are dropped", () => {
  const { log, stream } = recorded();
  for (const seq of [1, 2, 3]) stream.receive("e", event(seq));
  stream.take(snapshot(1));
  stream.receive("e", event(4));
  expect(log).toEqual(["state 1", "e 2", "e 3", "e 4"]);
});

test("an event that the snapshot's transaction already showed is not applied again", () => {
  const { log, stream } = recorded();
  stream.take(snapshot(5, { cursor: "c6" })); // read after event 6 was committed, before it was sent
  stream.receive("e", event(6));
  stream.receive("e", event(7));
  expect(log).toEqual(["state 5", "e 7"]);
});

test("a repeated number is dropped", () => {
  const { log, stream } = recorded();
  stream.take(snapshot(1));
  stream.receive("e", event(2));
  stream.receive("e", event(2));
  expect(log).toEqual(["state 1", "e 2"]);
});

test("a gap asks once for a snapshot; what came meanwhile is applied after it", () => {
  const { log, stream } = recorded();
  stream.take(snapshot(1));
  stream.receive("e", event(3));
  stream.receive("e", event(4));
  expect(log).toEqual(["state 1", "sync c1"]);
  stream.take(snapshot(3));
  expect(log.slice(2)).toEqual(["state 3", "e 4"]);
});

test("another node asks for a snapshot", () => {
  const { log, stream } = recorded();
  stream.take(snapshot(4));
  stream.receive("e", event(1, { node: "m", cursor: "c5" }));
  stream.take(snapshot(1, { node: "m", cursor: "c5" }));
  stream.receive("e", event(2, { node: "m", cursor: "c6" }));
  expect(log).toEqual(["state 4", "sync c4", "state 1", "e 2"]);
});

test("a snapshot out of turn does not count backwards", () => {
  const { log, stream } = recorded();
  stream.take(snapshot(1));
  stream.receive("e", event(2));
  stream.take(snapshot(1, { cursor: "c2" }));
  stream.receive("e", event(3));
  expect(log).toEqual(["state 1", "e 2", "state 1", "e 3"]);
});

test("what carries no number passes, and is worth nothing before the snapshot", () => {
  const { log, stream } = recorded();
  stream.receive("typing", {});
  stream.take(snapshot(1));
  stream.receive("typing", {});
  expect(log).toEqual(["state 1", "typing -"]);
});
