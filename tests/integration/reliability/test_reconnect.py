"""Browsers behind a bad network: whatever is cut, their screens end up equal to the server's.

Visitors and desks follow the protocol of web/shared/src/live.ts through a proxy that cuts them
again and again, while people write, agents serve, and the server is killed once. When all is
quiet, each one's state, kept by snapshots and events alone, is what a new snapshot says.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import aiohttp
import pytest
import socketio

import db
from config.settings import Settings
from tests.conftest import NIGHTLY
from tests.integration.app.people import Heard, Payload, sign_in
from tests.integration.app.test_apply import REDUCER, Reducer, differences, reducer
from tests.integration.reliability.proxy import Proxy
from tests.integration.reliability.served import Served, serving
from tests.integration.reliability.test_kill import Load, agent

__all__ = ["reducer"]

CLIENTS = 1000 if NIGHTLY else 100
DESKS = 10
LONGEST_CUT = 120.0 if NIGHTLY else 5.0
SECONDS = 180.0 if NIGHTLY else 15.0
USERS = ("agent1", "agent2", "agent3", "supervisor1", "supervisor2")

LOST = (
    aiohttp.ClientError, OSError, TimeoutError, socketio.exceptions.SocketIOError,
)  # fmt: skip


def visited(conversation: Payload, name: str, payload: Payload) -> Payload:
    """The widget's reducer (web/widget/src/model.ts), as far as this play goes."""
    if name == "chat.message":
        message = {key: payload[key] for key in MESSAGE}
        others = [m for m in conversation["messages"] if m["message_id"] != message["message_id"]]
        ordered = sorted([*others, message], key=lambda m: str(m["message_id"]))
        return {**conversation, "messages": ordered[-100:]}
    if name == "chat.read":
        side = f"{payload['reader']}_read"
        return {**conversation, side: max(conversation[side] or "", payload["message_id"])}
    if name == "chat.agent_joined":
        return {**conversation, "state": "active", "agent": payload["agent"], **NO_PLACE}
    if name == "chat.agent_left":
        return {**conversation, "state": "waiting", "agent": None}
    if name == "chat.closed":
        return {**conversation, "state": "ended", "agent": None, **NO_PLACE}
    return conversation


MESSAGE = (
    "message_id", "conversation_id", "sender", "kind", "agent_name", "body", "created_at",
    "client_id",
)  # fmt: skip
NO_PLACE: Payload = {"position": None, "estimated_wait_seconds": None}


class Browser:
    """Follows one namespace through its own port of the proxy, and comes back when it is cut."""

    def __init__(self, namespace: str, token: str, port: int, reducer: Reducer) -> None:
        self.namespace = namespace
        self.token = token
        self.port = port
        self.state: Payload = {}
        self.snapshots = 0
        self.gaps = 0
        self._reducer = reducer
        self._cursor = ""
        self._node = ""
        self._streams: dict[str, int] = {}
        self._held: list[Heard] | None = []
        self._arrived: asyncio.Queue[Heard] = asyncio.Queue()
        self._live = False  # whether this connection has had its snapshot
        self._sio: socketio.AsyncClient | None = None

    async def run(self) -> None:
        """Connect, follow, come back: for ever."""
        dice = random.Random(self.port)
        while True:
            self._held, self._arrived, self._live = [], asyncio.Queue(), False
            self._sio = socketio.AsyncClient(reconnection=False)
            self._sio.on("*", self._hear, namespace=self.namespace)
            with contextlib.suppress(*LOST):
                await self._sio.connect(
                    f"http://127.0.0.1:{self.port}",
                    auth={"token": self.token},
                    namespaces=[self.namespace],
                    transports=["websocket"],
                    wait_timeout=3,
                )
                await self._follow(self._sio)
            with contextlib.suppress(Exception):
                await self._sio.disconnect()
            await asyncio.sleep(0.1 + dice.random() * 0.4)

    async def _hear(self, name: str, payload: Payload) -> None:
        self._arrived.put_nowait((name, payload))

    async def _follow(self, sio: socketio.AsyncClient) -> None:
        while sio.connected or not self._arrived.empty():
            with contextlib.suppress(TimeoutError):
                arrived = [await asyncio.wait_for(self._arrived.get(), 0.2)]
                while not self._arrived.empty():
                    arrived.append(self._arrived.get_nowait())
                await self._take(arrived)

    async def _take(self, arrived: list[Heard]) -> None:
        fresh: list[Heard] = []
        for name, payload in arrived:
            if name == "snapshot":
                held, self._held = self._held or [], None
                self._begin(payload)
                fresh = [event for event in held if self._follows(event[1])]
            elif "seq" not in payload:
                continue
            elif self._held is not None:
                self._held.append((name, payload))
            elif self._follows(payload):
                fresh.append((name, payload))
        await self._apply(fresh)

    def _begin(self, snapshot: Payload) -> None:
        same = snapshot["node"] == self._node and self._live
        known = self._streams if same else {}
        self._streams = {
            stream: max(seq, known.get(stream, 0)) for stream, seq in snapshot["streams"].items()
        }
        self._node, self._cursor, self._live = snapshot["node"], snapshot["cursor"], True
        self.state = snapshot["state"]
        self.snapshots += 1

    def _follows(self, payload: Payload) -> bool:
        """Whether the event is the next of its stream and not in the snapshot."""
        last = self._streams.get(payload["stream"])
        if last is None or payload["node"] != self._node or payload["seq"] > last + 1:
            self.gaps += 1
            return False
        if payload["seq"] <= last:
            return False
        self._streams[payload["stream"]] = payload["seq"]
        return bool(payload["cursor"] > self._cursor)

    async def _apply(self, events: list[Heard]) -> None:
        if self.namespace == "/agent":
            self.state = await self._reducer.apply(self.state, events)
            return
        for event in events:
            self.state = {"conversation": visited(self.state["conversation"], *event)}

    async def stored(self) -> Payload:
        """What a new snapshot says now."""
        assert self._sio is not None
        ack = await self._sio.call("sync", {"cursor": ""}, namespace=self.namespace, timeout=30)
        assert ack["ok"], ack
        state: Payload = ack["data"]["snapshot"]["state"]
        return state

    def differs(self, stored: Payload) -> str:
        messages = self.state.get("conversation", {}).get("messages", [])
        ids = [message["message_id"] for message in messages]
        doubled = "" if len(ids) == len(set(ids)) else "a message twice"
        return doubled or differences(self.state, stored)


async def trouble(proxy: Proxy, port: int, dice: random.Random, until: float) -> None:
    """Cut one client again and again; each cut lasts a while."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(dice.random() * 3)
    while loop.time() < until:
        proxy.down(port, is_down=True)
        proxy.cut(port)
        longest = min(LONGEST_CUT, max(0.1, until - loop.time()))
        await asyncio.sleep(0.1 + dice.random() ** 2 * (longest - 0.1))  # mostly short
        proxy.down(port, is_down=False)
        await asyncio.sleep(dice.random() * 3)
    proxy.down(port, is_down=False)


@pytest.mark.skipif(not REDUCER.exists(), reason="the reducer is not built: run `make web`")
async def test_every_screen_ends_up_equal(
    settings: Settings, conn: db.Connection, reducer: Reducer
) -> None:
    lock = asyncio.Lock()
    one_at_a_time = reducer.apply

    async def apply(state: Payload, events: list[Heard]) -> Payload:
        async with lock:
            return await one_at_a_time(state, events)

    reducer.apply = apply  # type: ignore[method-assign]
    async with serving(settings) as served, Proxy(served.port) as proxy:
        await play(served, proxy, conn, reducer)


async def play(served: Served, proxy: Proxy, conn: db.Connection, reducer: Reducer) -> None:
    loop = asyncio.get_running_loop()
    timeout = aiohttp.ClientTimeout(total=5)
    stopped = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        load = Load(served.url, session, visitors=CLIENTS - DESKS)
        tokens = await load.begin()
        browsers = [Browser("/chat", t, await proxy.open(), reducer) for _, t in tokens]
        for number in range(DESKS):
            user = USERS[number % len(USERS)]
            token = await sign_in(served.url, f"{user}@aintech.com")
            browsers.append(Browser("/agent", token, await proxy.open(), reducer))

        def begin(work: Any) -> asyncio.Task[Any]:
            task = asyncio.create_task(work)
            stack.callback(task.cancel)
            return task

        following = [begin(browser.run()) for browser in browsers]
        writing = [begin(load.visitor(*visitor)) for visitor in tokens]
        serving_agents = [
            begin(agent(served.url, f"{user}@aintech.com", stopped)) for user in USERS[:3]
        ]

        async def cut_for(seconds: float) -> None:
            end = loop.time() + seconds
            await asyncio.gather(
                *(trouble(proxy, b.port, random.Random(b.port + end), end) for b in browsers)
            )

        async with asyncio.timeout(60):
            while not all(browser.snapshots for browser in browsers):
                await asyncio.sleep(0.1)
        await cut_for(SECONDS / 2)
        await served.kill_in_a_stall(conn)
        await served.start()
        await cut_for(SECONDS / 2)
        load.stopped = True
        async with asyncio.timeout(120):
            await asyncio.gather(*writing)
            await load.settled()
            await _quiet(conn)
        stopped.set()
        await asyncio.gather(*serving_agents)
        wrong = await _compared(browsers)
        assert not wrong, f"{len(wrong)} of {len(browsers)}: {wrong[0]}"
        assert sum(b.gaps for b in browsers) == 0
        assert sum(b.snapshots > 1 for b in browsers) > len(browsers) / 2, "few were cut"
        assert not any(task.done() for task in following)


async def _quiet(conn: db.Connection) -> None:
    """Nobody waits and nobody is served any more."""
    while await conn.fetchval("SELECT count(*) FROM interactions WHERE closed_at IS NULL"):
        await asyncio.sleep(0.2)


async def _compared(browsers: list[Browser]) -> list[str]:
    """How each screen differs from the server, once it has had time to hear the last event."""
    waiting = dict.fromkeys(range(len(browsers)), "not looked at")
    for _ in range(30):
        for number in list(waiting):
            with contextlib.suppress(*LOST):
                waiting[number] = browsers[number].differs(await browsers[number].stored())
                if not waiting[number]:
                    del waiting[number]
        if not waiting:
            break
        await asyncio.sleep(0.3)
    return [f"{browsers[n].namespace}: {text}" for n, text in waiting.items()]
