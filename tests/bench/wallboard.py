"""The wallboard: from each step of a chat to the change that it makes on a supervisor's socket.

The real server is a process of its own on a PostgreSQL that waits for its disk; this process holds
the visitors, the agents' desks and one wallboard, and measures with one clock. A step's time runs
from the moment it is asked for, so its commit is in it. Deltas come twice a second at most; between
two steps a chat pauses for up to half a second, so that steps fall on any moment between deltas.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp

from contactcenter.identity.tokens import AccessTokens
from tests.bench._report import percentile, report, run
from tests.reliability.centre import QUEUE, Agent, Centre, centre, signed_in
from tests.reliability.wire import Socket

AREA = "wallboard"
CHATS_AT_ONCE = 4
AGENTS = 2 * CHATS_AT_ONCE
CHATS = 2
RUNS = 5
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 30
DISPOSITION = "solved"


def main() -> None:
    run(measure())


async def measure() -> None:
    async with (
        centre(AGENTS, postgres={}) as place,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        token = await supervisor(place)
        place.start()
        await place.ready(session)
        async with contextlib.AsyncExitStack() as stack:
            board = await stack.enter_async_context(Board.open(session, place.url, token))
            desks = Desks()
            for agent in place.agents:
                await stack.enter_async_context(desks.desk(session, place.url, agent))
            chats = Chats(session, place.url, board, desks)
            await chats.run(1)
            runs = [await chats.run(CHATS) for _ in range(RUNS)]
    for percent in (50, 99):
        report(
            f"wallboard.step_p{percent}_ms",
            [percentile(run, percent) for run in runs],
            "ms",
            "lower",
        )


async def supervisor(place: Centre) -> str:
    """Somebody for the chair, and an outcome to wrap up with; gives what opens /wallboard."""
    now = datetime.now(UTC)
    conn = await place.connect()
    try:
        user, session = await signed_in(conn, "chair@example.org", "Chair", "supervisor", now)
        await conn.execute(
            "INSERT INTO dispositions (key, label_es, label_en) VALUES ($1, $1, $1)", DISPOSITION
        )
    finally:
        await conn.close()
    return AccessTokens(place.settings.auth.jwt_secret.get_secret_value()).issue(user, session, now)


class Board:
    """A wallboard that knows of each interaction what the screen shows."""

    def __init__(self) -> None:
        self.state: dict[str, dict[str, Any]] = {}
        self._came = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, session: aiohttp.ClientSession, url: str, token: str) -> AsyncIterator[Any]:
        board = cls()
        socket = await Socket.open(session, url, "/wallboard", token, board._heard)
        try:
            assert (await socket.command("wallboard.subscribe", {}))["ok"]
            await board.until(lambda: bool(board.state))
            yield board
        finally:
            await socket.close()

    def _heard(self, name: str, payload: Any) -> None:
        if name == "snapshot":
            self.state = payload["state"]
        elif name == "wallboard.delta":
            for section, entries in payload["changes"].items():
                rows = self.state.setdefault(section, {})
                for key, entry in entries.items():
                    if entry is None:
                        rows.pop(key, None)
                    else:
                        rows[key] = entry
        task = asyncio.create_task(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self) -> None:
        async with self._came:
            self._came.notify_all()

    async def until(self, shown: Callable[[], bool]) -> None:
        """Wait for a change after which it is shown."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(shown)

    def waits(self, name: str) -> str | None:
        """The interaction of the customer who is shown as waiting under this name."""
        found = (i for i, one in self.state["waiting"].items() if one["customer_name"] == name)
        return next(found, None)

    def offered(self, interaction: str) -> str | None:
        """Whom it is shown as ringing at."""
        item = self.state["waiting"].get(interaction)
        return None if item is None else item["offered_to"]

    def stage(self, interaction: str, agent: str) -> str | None:
        """How it is shown among an agent's items."""
        items = self.state["agents"][agent]["items"]
        return next((i["state"] for i in items if i["interaction_id"] == interaction), None)


class Desks:
    """The agents at their desks, and what rings at each."""

    def __init__(self) -> None:
        self.sockets: dict[str, Socket] = {}
        self._ringing: dict[tuple[str, str], asyncio.Future[str]] = {}

    @contextlib.asynccontextmanager
    async def desk(
        self, session: aiohttp.ClientSession, url: str, agent: Agent
    ) -> AsyncIterator[None]:
        me = str(agent.agent_id)

        def heard(name: str, payload: Any) -> None:
            if name == "reservation.created":
                bell = self._bell(payload["interaction_id"], me)
                if not bell.done():
                    bell.set_result(payload["reservation_id"])

        socket = self.sockets[me] = await Socket.open(session, url, "/agent", agent.token, heard)
        try:
            yield
        finally:
            await socket.close()

    def _bell(self, interaction: str, agent: str) -> asyncio.Future[str]:
        key = (interaction, agent)
        return self._ringing.setdefault(key, asyncio.get_running_loop().create_future())

    async def do(self, agent: str, name: str, payload: dict[str, Any]) -> None:
        ack = await self.sockets[agent].command(name, payload)
        if not ack["ok"]:
            raise RuntimeError(f"{name} was refused: {ack['error']}")

    async def accept(self, interaction: str, agent: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            offer = await self._bell(interaction, agent)
        del self._ringing[interaction, agent]
        await self.do(agent, "reservation.accept", {"reservation_id": offer})


class Chats:
    """Chats that go through every step, some at once."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, board: Board, desks: Desks
    ) -> None:
        self._session, self._url = session, url
        self._board, self._desks = board, desks
        self._names = (f"Customer {number}" for number in itertools.count())
        self._pauses = random.Random(1)
        self._took: list[float] = []

    async def run(self, chats: int) -> Sequence[float]:
        """Milliseconds of every step of so many chats one after another, in each line."""
        self._took = []
        async with asyncio.TaskGroup() as lines:
            for _ in range(CHATS_AT_ONCE):
                lines.create_task(self._line(chats))
        return self._took

    async def _line(self, chats: int) -> None:
        for _ in range(chats):
            await self._chat()

    async def _step(self, doing: Awaitable[Any], shown: Callable[[], bool]) -> None:
        await asyncio.sleep(self._pauses.uniform(0, PAUSE_SECONDS))
        begun = time.perf_counter()
        await doing
        await self._board.until(shown)
        self._took.append((time.perf_counter() - begun) * 1000)

    async def _chat(self) -> None:
        board, desks, name = self._board, self._desks, next(self._names)
        await self._step(self._arrive(name), lambda: self._rings(name) is not None)
        chat = board.waits(name)
        assert chat is not None
        ref = {"interaction_id": chat}
        first = await self._take(chat)

        def at(agent: str, stage: str | None) -> Callable[[], bool]:
            return lambda: board.stage(chat, agent) == stage

        await self._step(desks.do(first, "interaction.hold", ref), at(first, "parked"))
        await self._step(desks.do(first, "interaction.resume", ref), at(first, "active"))
        second = next(one for one in desks.sockets if one != first)
        await self._step(
            desks.do(first, "interaction.transfer", {**ref, "agent_id": second}),
            lambda: chat in board.state["waiting"],
        )
        await board.until(lambda: board.offered(chat) == second)  # another may be ringing there
        await self._step(desks.accept(chat, second), at(second, "active"))
        await self._step(
            desks.do(second, "interaction.transfer", {**ref, "queue": QUEUE}),
            lambda: board.offered(chat) is not None,
        )
        last = await self._take(chat)
        await self._step(
            desks.do(last, "interaction.close", {**ref, "wrap": True}), at(last, "wrapping")
        )
        done = {**ref, "disposition": DISPOSITION}
        await self._step(desks.do(last, "interaction.wrap_up", done), at(last, None))

    def _rings(self, name: str) -> str | None:
        chat = self._board.waits(name)
        return None if chat is None else self._board.offered(chat)

    async def _take(self, chat: str) -> str:
        """Whoever it rings at takes it; who that is."""
        agent = self._board.offered(chat)
        assert agent is not None
        await self._step(
            self._desks.accept(chat, agent), lambda: self._board.stage(chat, agent) == "active"
        )
        return agent

    async def _arrive(self, name: str) -> None:
        begin = {"message": "Good morning.", "name": name, "client_id": str(uuid4())}
        url = f"{self._url}/api/v1/chat/conversations"
        async with self._session.post(url, json=begin) as answer:
            answer.raise_for_status()
