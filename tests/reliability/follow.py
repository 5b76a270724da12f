"""A browser's half of the contract: snapshot, then each later event once; a gap asks for `sync`.

`Follower` keeps one connection alive through whatever happens to it, as web/shared/src/live.ts
and web/widget/src/stream.ts do; `desk` and `visitor` are the reducers of their two screens.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.reliability.wire import Ack, CutError, RefusedError, Socket

State = dict[str, Any]
Reduce = Callable[[State, str, Any], State]

NEWEST = 100
"""Messages of a conversation in a snapshot, and so in a client."""


@dataclass
class Seen:
    """What a client went through."""

    connects: int = 0
    refusals: int = 0
    gaps: int = 0  # events that the server must have sent and that did not come
    syncs: int = 0
    messages: Counter[str] = field(default_factory=Counter)  # applied as events, since a snapshot
    doubles: int = 0
    resyncs: list[tuple[float, float]] = field(default_factory=list)
    """When a snapshot was applied (`time.perf_counter`), and how long before one was let in."""


class Stream:
    """The rules of order: what to apply, what is known already, and when something is missing."""

    def __init__(self, reduce: Reduce, seen: Seen, changed: Callable[[str, Any], None]) -> None:
        self.state: State | None = None
        self.cursor = ""
        self._reduce = reduce
        self._seen = seen
        self._changed = changed
        self._node = ""
        self._seqs: dict[str, int] = {}
        self._held: list[tuple[str, Any]] | None = []

    @property
    def live(self) -> bool:
        return self._held is None

    def restart(self) -> None:
        """A new connection: events wait for its snapshot."""
        self._held = []

    def take(self, snapshot: Mapping[str, Any]) -> bool:
        """Begin from a snapshot; answers whether a new one is needed at once."""
        known = self._seqs if snapshot["node"] == self._node else {}
        self._seqs = {
            stream: max(seq, known.get(stream, 0)) for stream, seq in snapshot["streams"].items()
        }
        self._node, self.cursor = snapshot["node"], snapshot["cursor"]
        self._begin(snapshot["state"])
        held, self._held = self._held or [], None
        whole = True
        for name, payload in held:
            whole = self.receive(name, payload) and whole
        return whole

    def _begin(self, state: State) -> None:
        self.state = state
        self._seen.messages.clear()
        self._changed("snapshot", state)

    def receive(self, name: str, payload: Any) -> bool:
        """Apply an event, or keep it; False when something before it was missed."""
        if not isinstance(payload, dict) or "seq" not in payload:
            if self.live:
                self._changed(name, payload)
            return True
        if self._held is not None:
            self._held.append((name, payload))
            return True
        last = self._seqs.get(payload["stream"])
        if payload["node"] == self._node and last is not None and payload["seq"] <= last:
            return True
        if payload["node"] != self._node or last is None or payload["seq"] != last + 1:
            self._seen.gaps += 1
            self._held = [(name, payload)]
            return False
        self._seqs[payload["stream"]] = payload["seq"]
        if payload["cursor"] is None or payload["cursor"] > self.cursor:
            self._apply(name, payload)
        return True

    def _apply(self, name: str, payload: Any) -> None:
        assert self.state is not None
        if name == "chat.message":
            self._seen.messages[payload["message_id"]] += 1
            self._seen.doubles += self._seen.messages[payload["message_id"]] > 1
        self.state = self._reduce(self.state, name, payload)
        self._changed(name, payload)


class Careless(Stream):
    """The negative control: after a cut it goes on from what it has and hears what comes next."""

    def _begin(self, state: State) -> None:
        if self.state is None:
            super()._begin(state)


class Follower:
    """One client of one namespace that comes back after every cut.

    `token` is asked at each connection, since tokens expire. `event` hears every applied event,
    and the snapshot's state under the name `snapshot`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: Callable[[], str],
        namespace: str,
        token: Callable[[], str],
        reduce: Reduce,
        *,
        event: Callable[[str, Any], None] | None = None,
        stream: type[Stream] = Stream,
        seed: int = 0,
    ) -> None:
        self.seen = Seen()
        self.stream = stream(reduce, self.seen, event or (lambda _name, _payload: None))
        self.up = asyncio.Event()
        self._session = session
        self._url = url
        self._namespace = namespace
        self._token = token
        self._socket: Socket | None = None
        self._dice = random.Random(seed)
        self._syncing: asyncio.Task[None] | None = None
        self._begun = 0.0

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                await self._once()
                self.up.clear()
                await asyncio.sleep(0.05 + 0.2 * self._dice.random())
        finally:
            if self._syncing is not None:
                self._syncing.cancel()
            if self._socket is not None:
                await self._socket.close()

    async def command(self, name: str, payload: Any, seconds: float = 10) -> Ack:
        """Send a command on the present connection. Raises CutError."""
        if self._socket is None:
            raise CutError("not connected")
        return await self._socket.command(name, payload, seconds)

    async def persist(self, name: str, payload: Any) -> Ack:
        """Repeat a command until it is answered by anything but `unavailable`."""
        while True:
            try:
                await self.up.wait()
                ack = await self.command(name, payload)
                if ack["ok"] or ack["error"]["code"] not in {"unavailable", "rate_limited"}:
                    return ack
            except CutError:
                pass
            await asyncio.sleep(0.05 + 0.2 * self._dice.random())

    async def _once(self) -> None:
        self.stream.restart()
        self._begun = time.perf_counter()
        try:
            self._socket = await Socket.open(
                self._session, self._url(), self._namespace, self._token(), self._arrived
            )
        except RefusedError:
            self.seen.refusals += 1
            return
        except CutError:
            return
        self.seen.connects += 1
        await self._socket.closed.wait()
        await self._socket.close()
        self._socket = None

    def _arrived(self, name: str, payload: Any) -> None:
        if name == "snapshot":
            if not self.up.is_set():
                now = time.perf_counter()
                self.seen.resyncs.append((now, now - self._begun))
            whole = self.stream.take(payload)
            self.up.set()
        else:
            whole = self.stream.receive(name, payload)
        if not whole and (self._syncing is None or self._syncing.done()):
            self._syncing = asyncio.create_task(self._sync())

    async def _sync(self) -> None:
        self.seen.syncs += 1
        socket = self._socket
        if socket is None:
            return
        try:
            ack = await socket.command("sync", {"cursor": self.stream.cursor})
            while ack["ok"] and not self.stream.take(ack["data"]["snapshot"]):
                ack = await socket.command("sync", {"cursor": self.stream.cursor})
        except CutError:
            return
        if not ack["ok"]:
            await socket.close()


# The reducers -------------------------------------------------------------------------------------


def desk(state: State, name: str, payload: Any) -> State:
    """An agent's screen (web/shared/src/apply.ts)."""
    if name == "chat.message":
        state = _say(state, payload)
        return _put(state, payload) if payload.get("interaction") else state
    if name == "chat.read":
        return _read(state, payload)
    if name == "reservation.created":
        card = payload["reservation"]
        return _with(state, "reservations", card["reservation_id"], card)
    if name.startswith("reservation."):
        state = _with(state, "reservations", payload["reservation_id"], None)
    if "interaction" in payload:
        return _put(state, payload)
    if name == "queue.item_changed":
        return _with(state, "queue", payload["interaction_id"], payload["item"])
    if name == "agent.me_changed":
        return {**state, "me": payload["me"]}
    if name.startswith("agent."):
        return _with(state, "team", payload["agent"]["agent_id"], payload["agent"])
    return state


def _with(state: State, part: str, key: str, value: Any) -> State:
    rest = {k: v for k, v in state[part].items() if k != key}
    return {**state, part: rest if value is None else {**rest, key: value}}


def _put(state: State, event: Any) -> State:
    key, card = event["interaction_id"], event["interaction"]
    before = state["interactions"].get(key)
    state = _with(state, "interactions", key, card)
    if card is None:
        return state if before is None else _with(state, "conversations", _of(before), None)
    talk = event.get("conversation")
    return state if talk is None else _with(state, "conversations", _of(talk), talk)


def _of(card: Any) -> str:
    return str(card["conversation_id"])


_MESSAGE = (
    "message_id",
    "conversation_id",
    "interaction_id",
    "sender",
    "kind",
    "agent_id",
    "agent_name",
    "body",
    "client_id",
    "created_at",
)


def _say(state: State, event: Any) -> State:
    talk = state["conversations"].get(event["conversation_id"])
    if talk is None:
        return state
    messages = _messages(talk, {key: event[key] for key in _MESSAGE})
    more = talk["has_more"] or len(messages) > NEWEST
    talk = {**talk, "messages": messages[-NEWEST:], "has_more": more}
    return _with(state, "conversations", event["conversation_id"], talk)


def _messages(talk: Any, message: Any) -> list[Any]:
    """The talk's messages with one more, in the order of their ids."""
    others = [m for m in talk["messages"] if m["message_id"] != message["message_id"]]
    return sorted([*others, message], key=lambda m: str(m["message_id"]))


def _read(state: State, event: Any) -> State:
    key = event["conversation_id"]
    talk = state["conversations"].get(key)
    if talk is not None:
        side = f"{event['reader']}_read"
        state = _with(state, "conversations", key, {**talk, side: event["message_id"]})
    for mine, card in state["interactions"].items():
        if card["conversation_id"] == key:
            return _with(state, "interactions", mine, {**card, "unread": event["unread"]})
    return state


def visitor(state: State, name: str, payload: Any) -> State:
    """A customer's screen (web/widget/src/model.ts)."""
    talk = state["conversation"]
    nowhere = {"position": None, "estimated_wait_seconds": None}
    changed: dict[str, Any] = {}
    if name == "chat.message":
        bare = {k: v for k, v in payload.items() if k not in {"stream", "seq", "node", "cursor"}}
        changed = {"messages": _messages(talk, bare)[-NEWEST:]}
    elif name == "chat.read":
        changed = {f"{payload['reader']}_read": payload["message_id"]}
    elif name == "chat.agent_joined":
        changed = {"state": "active", "agent": payload["agent"], **nowhere}
    elif name == "chat.agent_left":
        changed = {"state": "waiting", "agent": None}
    elif name == "chat.closed":
        changed = {"state": "ended", "agent": None, **nowhere}
    elif name == "queue.position":
        changed = {k: payload[k] for k in nowhere} | {"agent": None, "state": "waiting"}
    return {**state, "conversation": {**talk, **changed}}
