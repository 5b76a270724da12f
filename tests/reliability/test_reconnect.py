"""R6: whatever is cut, a browser ends up with the same state as one that was never cut.

Every client goes through a proxy of its own that falls silent, breaks off in the middle of a
frame and lets nobody in for a while; once the server itself is killed. At the end each client's
state (its snapshot with the events after it) is compared with a snapshot that is new.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import aiohttp
import pytest

import db
from tests.bench._report import percentile
from tests.conftest import NIGHTLY
from tests.reliability.centre import Centre, centre, many_sockets
from tests.reliability.follow import Careless, Follower, State, Stream, desk, visitor
from tests.reliability.load import Desk, Ledger, running
from tests.reliability.proxy import Port, Proxy
from tests.reliability.wire import CutError, Socket

T = TypeVar("T")

CLIENTS: Final = 1000 if NIGHTLY else 100
SECONDS: Final = 300 if NIGHTLY else 8
LONGEST_CUT: Final = 120.0 if NIGHTLY else 5.0
SHORTEST_CUT: Final = 0.1
AWAY_SECONDS: Final = 20.0  # silent for longer, an agent loses offers and then chats
AGENTS: Final = CLIENTS // 10
"""Each with a desk that works and a second tab that looks on; the other clients are visitors."""
CARELESS: Final = 10
"""Visitors besides, whose browsers do not ask what they missed: the negative control."""
WRITES_EVERY: Final = 0.02 * CLIENTS  # seconds, each visitor: about forty messages a second
TALK_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 1.5
STORM_SECONDS: Final = 30.0 if NIGHTLY else 3.0  # after the restart; told apart from the rest


@dataclass
class Client:
    """A browser behind its own way through the proxy."""

    follower: Follower
    port: Port
    namespace: str
    token: str
    conversation_id: UUID | None = None
    said: list[str] = field(default_factory=list)


class Crowd:
    """Everybody who is connected, and what cuts them."""

    def __init__(self, place: Centre, session: aiohttp.ClientSession, proxy: Proxy) -> None:
        self.ledger = Ledger()
        self._place = place
        self._session = session
        self._proxy = proxy
        self._dice = random.Random(7)

    async def visitor(self, number: int, stream: type[Stream] = Stream) -> Client:
        """A customer who has written a first message."""
        body = f"first of {number}"
        request = {"message": body, "client_id": str(uuid4())}
        begun = await self._begin(request, {"Idempotency-Key": str(uuid4())})
        url, port = await self._proxy.listen()
        follower = Follower(
            self._session,
            lambda: url,
            "/chat",
            lambda: begun["token"],
            visitor,
            stream=stream,
            seed=number,
        )
        conversation_id = UUID(begun["conversation"]["conversation_id"])
        return Client(follower, port, "/chat", begun["token"], conversation_id, [body])

    async def miss_one(self, client: Client) -> None:
        """A visitor is cut off while a message of theirs comes in on another way."""
        client.port.fall_silent()
        body = f"meanwhile {uuid4()}"
        request = {"body": body, "client_id": str(uuid4())}
        token = {"Authorization": f"Bearer {client.token}"}
        await self._post(f"/{client.conversation_id}/messages", request, token)
        client.said.append(body)
        client.port.break_off()
        client.port.open()

    async def _begin(self, request: object, key: dict[str, str]) -> Any:
        return await self._post("", request, key)

    async def _post(self, what: str, request: object, headers: dict[str, str]) -> Any:
        path = f"{self._place.url}/api/v1/chat/conversations{what}"
        while True:
            async with self._session.post(path, json=request, headers=headers) as answer:
                if answer.status == 201:
                    return await answer.json()
                assert answer.status == 503, await answer.text()
            await asyncio.sleep(0.5)

    async def desks(self, number: int) -> tuple[Desk, list[Client]]:
        """An agent with two tabs, of which one does the work."""
        agent = self._place.agents[number]
        clients = []
        url, port = await self._proxy.listen()
        working = Desk(
            self._place,
            self._session,
            agent,
            self.ledger,
            talk_seconds=TALK_SECONDS,
            url=url,
            parks=True,
        )
        clients.append(Client(working.client, port, "/agent", agent.token))
        second, port = await self._proxy.listen()
        watching = Follower(
            self._session, lambda: second, "/agent", lambda: agent.token, desk, seed=1000 + number
        )
        clients.append(Client(watching, port, "/agent", agent.token))
        return working, clients

    async def write(self, client: Client, until: asyncio.Event) -> None:
        """A visitor writes now and then, each message until it is acknowledged."""
        while not until.is_set():
            await asyncio.sleep(WRITES_EVERY * 2 * self._dice.random())
            body = f"said {uuid4()}"
            ack = await client.follower.persist(
                "chat.message",
                {
                    "conversation_id": str(client.conversation_id),
                    "body": body,
                    "client_id": str(uuid4()),
                },
            )
            assert ack["ok"], ack
            client.said.append(body)
            mark = {
                "conversation_id": str(client.conversation_id),
                "message_id": ack["data"]["message_id"],
            }
            await client.follower.persist("chat.read", mark)

    async def cut(self, client: Client, until: asyncio.Event) -> None:
        """Cut a client again and again, for a time between the shortest and the longest."""
        while not until.is_set():
            await asyncio.sleep(4 * self._dice.random())
            client.port.fall_silent()
            length = SHORTEST_CUT * (LONGEST_CUT / SHORTEST_CUT) ** self._dice.random()
            if self._dice.random() < 0.5:  # else nobody knows of it until it is over
                client.port.break_off()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(length):
                    await until.wait()
            client.port.break_off()
            client.port.open()


@contextlib.asynccontextmanager
async def crowd() -> AsyncIterator[tuple[Crowd, Centre, aiohttp.ClientSession]]:
    # A customer's chat costs 5 of an agent's 100 units, so that each has many at once.
    config = {"channels": {"chat": {"cost": 5}}}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        centre(AGENTS, config=config) as place,
        aiohttp.ClientSession(connector=connector) as session,
        Proxy(("127.0.0.1", place.port)) as proxy,
    ):
        place.start()
        await place.ready(session)
        yield Crowd(place, session, proxy), place, session


async def quiet(conn: db.Connection, clients: list[Client]) -> None:
    """Wait until everybody is connected and the log has stood still for a while."""
    tip, since = -1, asyncio.get_running_loop().time()
    while True:
        now = asyncio.get_running_loop().time()
        newest = await conn.fetchval("SELECT coalesce(max(id), 0) FROM event_log")
        if newest != tip or not all(client.follower.up.is_set() for client in clients):
            tip, since = newest, now
        elif now - since > QUIET_SECONDS:
            return
        await asyncio.sleep(0.1)


async def fresh(session: aiohttp.ClientSession, place: Centre, client: Client) -> State:
    """The state that a browser opened now would show; a busy machine is asked again."""
    for _ in range(5):
        with contextlib.suppress(CutError, TimeoutError):
            return await opened_now(session, place, client)
    raise AssertionError("nobody gets in any more")


async def opened_now(session: aiohttp.ClientSession, place: Centre, client: Client) -> State:
    told: asyncio.Future[State] = asyncio.get_running_loop().create_future()

    def heard(name: str, payload: Any) -> None:
        if name == "snapshot" and not told.done():
            told.set_result(payload["state"])

    socket = await Socket.open(session, place.url, client.namespace, client.token, heard)
    try:
        async with asyncio.timeout(30):
            return await told
    finally:
        await socket.close()


async def wrongs(session: aiohttp.ClientSession, place: Centre, client: Client) -> list[str]:
    """The first differences between what a client shows and what a new one would."""
    found = differences(client.follower.stream.state, await fresh(session, place, client))
    return [f"{client.namespace} {text}" for text in itertools.islice(found, 5)]


async def in_turns(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, eight at a time."""
    turns = asyncio.Semaphore(8)

    async def one(part: Coroutine[Any, Any, T]) -> T:
        async with turns:
            return await part

    async with asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(one(part)) for part in work]
    return [task.result() for task in begun]


def differences(mine: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Where two states differ."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in sorted(mine.keys() | theirs.keys()):
            # A rising estimate is not announced, so the one that was told may be lower.
            if key != "estimated_wait_seconds":
                yield from differences(mine.get(key), theirs.get(key), f"{path}.{key}")
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for number, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif mine != theirs:
        yield f"{path}: {str(mine)[:200]} instead of {str(theirs)[:200]}"


async def test_a_cut_browser_misses_nothing(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    many_sockets()
    async with crowd() as (everybody, place, session), contextlib.AsyncExitStack() as stack:
        conn = await place.connect()
        stack.push_async_callback(conn.close)
        tabs: list[Client] = []
        for number in range(AGENTS):
            working, clients = await everybody.desks(number)
            tabs += clients
            await stack.enter_async_context(working.open())
            await stack.enter_async_context(running(clients[1].follower))
        visitors = await in_turns(everybody.visitor(n) for n in range(CLIENTS - len(tabs)))
        careless = await in_turns(everybody.visitor(n, Careless) for n in range(CARELESS))
        clients = [*tabs, *visitors]
        for client in [*visitors, *careless]:
            await stack.enter_async_context(running(client.follower))
        for client in [*clients, *careless]:  # the trouble begins when everybody is there
            await client.follower.up.wait()

        end, trouble = asyncio.Event(), time.perf_counter()
        async with asyncio.TaskGroup() as work:
            for client in [*clients, *careless]:
                work.create_task(everybody.cut(client, end))
            for client in [*visitors, *careless]:
                work.create_task(everybody.write(client, end))
            await asyncio.sleep(SECONDS / 2)
            place.kill()
            await asyncio.sleep(0.2)
            place.start()
            await place.ready(session)
            ready = time.perf_counter()
            await asyncio.sleep(SECONDS / 2)
            end.set()
            over = time.perf_counter()
        await quiet(conn, [*clients, *careless])
        await in_turns(everybody.miss_one(client) for client in [*visitors[:CARELESS], *careless])
        await quiet(conn, [*clients, *careless])

        assert await in_turns(wrongs(session, place, client) for client in clients) == [
            [] for _ in clients
        ]
        for client in visitors:
            state = client.follower.stream.state
            assert state is not None
            shown = [m["body"] for m in state["conversation"]["messages"]]
            mine = [body for body in shown if body in client.said]
            assert mine == client.said[-len(mine) :]
            assert len(mine) == len(client.said) or len(shown) == 100
        assert sum(client.follower.seen.gaps for client in clients) == 0
        assert sum(client.follower.seen.doubles for client in clients) == 0
        assert min(client.follower.seen.connects for client in clients) > 1
        if LONGEST_CUT < AWAY_SECONDS:
            assert not everybody.ledger.refused
        assert not (found := place.complaints()), "\n".join(found[:20])

        caught = await in_turns(wrongs(session, place, client) for client in careless)
        assert all(caught)

        assert all(client.follower.up.is_set() for client in clients), "everybody is back"
        resyncs = [one for client in clients for one in client.follower.seen.resyncs]
        cut = [s for at, s in resyncs if trouble < at < over and not 0 < at - ready < STORM_SECONDS]
        storm = [at - ready for at, s in resyncs if 0 < at - ready < STORM_SECONDS and s > 1]
        p50, p99 = percentile(cut, 50), percentile(cut, 99)
        record_property("resync_p99_seconds", p99)
        record_property("storm_seconds", max(storm, default=0.0))
        with capsys.disabled():
            print(
                f"\nFrom being let in to the snapshot applied, {len(cut)} times after a cut: "
                f"p50 {p50:.3f} s, p99 {p99:.3f} s; after the restart nobody waits for more than "
                f"a second from {max(storm, default=0.0):.1f} s on."
            )
