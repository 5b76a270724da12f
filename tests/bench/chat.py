"""Chat: from a visitor's command to the event on the agent's socket, stored in between.

The real server is a process of its own on a PostgreSQL that waits for its disk; this process holds
100 visitors and 25 agents, sends 100 messages a second at fixed times, and measures with one clock.
Beside it a connection commits one row now and then: what a commit costs in the same run.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import uuid4

import aiohttp

from contactcenter.core.ids import new_id
from tests.bench._report import Baseline, percentile, report, run
from tests.reliability.centre import Centre, centre
from tests.reliability.wire import Socket

AREA = "chat"
VISITORS = 100
AGENTS = 25
PER_SECOND = 100
SECONDS = 8
RUNS = 5
COMMIT_EVERY_SECONDS = 0.05
COMMIT = "INSERT INTO bench_commits (id) VALUES ($1)"


def main() -> None:
    run(measure())


async def measure() -> None:
    async with (
        centre(AGENTS, postgres={}) as place,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        place.start()
        await place.ready(session)
        room = Room()
        async with contextlib.AsyncExitStack() as stack:
            for agent in place.agents:
                await stack.enter_async_context(room.desk(session, place.url, agent.token))
            for _ in range(VISITORS):
                await stack.enter_async_context(room.visitor(session, place.url))
            await room.served()
            await room.talk(1)
            latencies, commits = [], []
            for _ in range(RUNS):
                talked, committed = await asyncio.gather(room.talk(SECONDS), commit_times(place))
                latencies.append(talked)
                commits.append(committed)
    for percent in (50, 99):
        report(
            f"chat.latency_p{percent}_ms",
            [percentile(run, percent) for run in latencies],
            "ms",
            "lower",
            Baseline(f"commit_p{percent}_ms", [percentile(run, percent) for run in commits]),
        )


class Room:
    """Visitors who are served, and the agents who serve them."""

    def __init__(self) -> None:
        self._visitors: list[tuple[Socket, str]] = []
        self._talking: set[str] = set()
        self._sent: dict[str, float] = {}
        self._took: list[float] = []

    @contextlib.asynccontextmanager
    async def desk(
        self, session: aiohttp.ClientSession, url: str, token: str
    ) -> AsyncIterator[None]:
        """An agent who takes every offer."""
        accepts: set[asyncio.Task[Any]] = set()

        def heard(name: str, payload: Any) -> None:
            if name == "chat.message":
                sent = self._sent.pop(payload["client_id"], None)
                if sent is not None:
                    self._took.append((time.perf_counter() - sent) * 1000)
            elif name == "reservation.created":
                ref = {"reservation_id": payload["reservation_id"]}
                accepts.add(asyncio.create_task(socket.command("reservation.accept", ref)))
            elif name == "reservation.accepted":
                self._talking.add(payload["interaction"]["conversation_id"])

        socket = await Socket.open(session, url, "/agent", token, heard)
        try:
            yield
        finally:
            await socket.close()
            await asyncio.gather(*accepts, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def visitor(self, session: aiohttp.ClientSession, url: str) -> AsyncIterator[None]:
        begin = {"message": "Good morning.", "client_id": str(uuid4())}
        async with session.post(f"{url}/api/v1/chat/conversations", json=begin) as answer:
            answer.raise_for_status()
            begun = await answer.json()
        socket = await Socket.open(session, url, "/chat", begun["token"], lambda *_: None)
        self._visitors.append((socket, begun["conversation"]["conversation_id"]))
        try:
            yield
        finally:
            await socket.close()

    async def served(self) -> None:
        async with asyncio.timeout(60):
            while len(self._talking) < len(self._visitors):
                await asyncio.sleep(0.1)

    async def talk(self, seconds: int) -> Sequence[float]:
        """Milliseconds to the agent for each message of so many seconds."""
        self._took = []
        loop = asyncio.get_running_loop()
        begun = loop.time()
        acks = []
        visitors = itertools.cycle(self._visitors)
        for number in range(seconds * PER_SECOND):
            await asyncio.sleep(begun + number / PER_SECOND - loop.time())
            acks.append(asyncio.create_task(self._say(*next(visitors))))
        await asyncio.gather(*acks)
        async with asyncio.timeout(30):
            while self._sent:
                await asyncio.sleep(0.05)
        return self._took

    async def _say(self, socket: Socket, conversation_id: str) -> None:
        """Send until it is stored, as a widget does; the time runs from the first attempt."""
        client_id = str(uuid4())
        self._sent[client_id] = time.perf_counter()
        message = {
            "conversation_id": conversation_id,
            "body": "The water came in under the door, and the floor is wet.",
            "client_id": client_id,
        }
        while not (ack := await socket.command("chat.message", message))["ok"]:
            if ack["error"]["code"] != "unavailable":
                raise RuntimeError(f"a message was refused: {ack}")
            await asyncio.sleep(0.1)


async def commit_times(place: Centre) -> Sequence[float]:
    """Milliseconds that one row and its commit take while the talk goes on."""
    conn = await place.connect()
    try:
        await conn.execute("CREATE TABLE IF NOT EXISTS bench_commits (id uuid)")
        took = []
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await conn.execute(COMMIT, new_id())
            took.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(COMMIT_EVERY_SECONDS)
        return took
    finally:
        await conn.close()
