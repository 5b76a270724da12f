"""Killed at any moment: nothing that was acknowledged is lost, doubled, mixed up or given twice.

Visitors write over HTTP and repeat each message until it is acknowledged, as a provider of
webhooks does; some acknowledged messages are sent again later. Agents take offers, write and
close. The server is killed inside a stall of the database and started again, many times over.
The same play with a server that acknowledges first and stores afterwards must be found out.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import socketio

import db
from config.settings import Settings
from tests.conftest import NIGHTLY
from tests.integration.app.people import Desk
from tests.integration.reliability.served import BROKEN, SERVE, Served, serving

KILLS = 200 if NIGHTLY else 10
VISITORS = 40
MESSAGES_PER_SECOND = 50
REDELIVERED = 0.10
STALLED = ("messages", "messages", "interactions", "work_items", "reservations", "event_log")
SEED = 20270316

Key = tuple[str, str]  # (conversation, client_id)


@dataclass
class Load:
    """Forty visitors at fifty messages a second, and what they have been promised."""

    url: str
    session: aiohttp.ClientSession
    visitors: int = VISITORS
    acked: dict[Key, int] = field(default_factory=dict)
    retries: int = 0
    stopped: bool = False
    _dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    _again: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self) -> list[tuple[str, str]]:
        """(conversation, token) for each visitor."""
        found = []
        for number in range(self.visitors):
            async with self.session.post(
                f"{self.url}/api/v1/chat/conversations",
                json={"queue": "SA" if number % 2 else "CO", "name": f"Visitante {number}"},
            ) as answer:
                started = await answer.json()
                found.append((started["conversation"]["conversation_id"], started["token"]))
        return found

    async def visitor(self, conversation: str, token: str) -> None:
        """Write one message after the other until the play ends."""
        number = 0
        while not self.stopped:
            await self.deliver(conversation, token, number)
            if self._dice.random() < REDELIVERED:
                again = asyncio.create_task(self._redeliver(conversation, token, number))
                self._again.add(again)
                again.add_done_callback(self._again.discard)
            number += 1
            await asyncio.sleep(self.visitors / MESSAGES_PER_SECOND * (0.5 + self._dice.random()))

    async def _redeliver(self, conversation: str, token: str, number: int) -> None:
        await asyncio.sleep(0.1 + self._dice.random())
        await asyncio.gather(*(self.deliver(conversation, token, number) for _ in range(2)))

    async def deliver(self, conversation: str, token: str, number: int) -> None:
        """Send until it is acknowledged."""
        body = {"body": f"{number}", "client_id": f"n{number}"}
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with self.session.post(
                    f"{self.url}/api/v1/chat/conversations/{conversation}/messages",
                    json=body,
                    headers={"Authorization": f"Bearer {token}"},
                ) as answer:
                    if answer.status == 201:
                        self.acked[conversation, body["client_id"]] = number
                        return
                    assert answer.status in {429, 503}, await answer.text()
            self.retries += 1
            await asyncio.sleep(0.05 + 0.2 * self._dice.random())

    async def settled(self) -> None:
        """Everything that is being sent again has arrived."""
        while self._again:
            await asyncio.gather(*self._again)


async def agent(url: str, email: str, stopped: asyncio.Event) -> None:
    """Take every offer, say a word, close; after a kill, come back."""
    while not stopped.is_set():
        desk = Desk(url)
        with contextlib.suppress(
            AssertionError, aiohttp.ClientError, OSError, TimeoutError,
            socketio.exceptions.SocketIOError,
        ):  # fmt: skip
            await desk.sign_in(email)
            await desk.available()
            while desk.sio.connected and not stopped.is_set():
                await serve_next(desk)
        with contextlib.suppress(Exception):
            await desk.leave()
        await asyncio.sleep(0.1)


async def serve_next(desk: Desk) -> None:
    """Accept what is offered, and end what has been taken."""
    for name, payload in desk.heard[:]:
        desk.heard.remove((name, payload))
        if name == "reservation.created":
            await desk.ask("reservation.accept", {"reservation_id": payload["reservation_id"]})
    fresh = (await desk.do("sync", {"cursor": ""}))["snapshot"]["state"]
    for interaction_id, card in fresh["interactions"].items():
        await desk.ask(
            "chat.message",
            {
                "conversation_id": card["conversation_id"],
                "body": "Dígame",
                "client_id": f"a-{interaction_id}",
            },
        )
        await desk.ask(
            "interaction.close", {"interaction_id": interaction_id, "disposition": "other"}
        )
    for offer in fresh["reservations"].values():
        await desk.ask("reservation.accept", {"reservation_id": offer["reservation_id"]})
    await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Verdict:
    """What the tables say against what was acknowledged. All of it must be 0."""

    lost: int
    stored_twice: int
    out_of_order: int
    given_twice: int
    waiting_forever: int

    @property
    def clean(self) -> bool:
        return self == Verdict(0, 0, 0, 0, 0)


async def judge(conn: db.Connection, acked: dict[Key, int]) -> Verdict:
    rows = await conn.fetch(
        "SELECT conversation_id::text AS conversation, client_id, body FROM messages"
        " WHERE sender = 'visitor' ORDER BY conversation_id, id"
    )
    stored = Counter((row["conversation"], row["client_id"]) for row in rows)
    numbers: dict[str, list[int]] = {}
    for row in rows:
        numbers.setdefault(row["conversation"], []).append(int(row["body"]))
    return Verdict(
        lost=len(acked.keys() - stored.keys()),
        stored_twice=sum(count - 1 for count in stored.values()),
        out_of_order=sum(
            later <= earlier
            for written in numbers.values()
            for earlier, later in itertools.pairwise(written)
        ),
        given_twice=await conn.fetchval(
            """
            SELECT (SELECT count(*) FROM (
                        SELECT FROM reservations WHERE state = 'accepted'
                        GROUP BY work_item_id, round HAVING count(*) > 1) twice)
                 + (SELECT count(*) FROM (
                        SELECT FROM segments WHERE state <> 'ended'
                        GROUP BY interaction_id HAVING count(*) > 1) pair)
                 + (SELECT count(*) FROM (
                        SELECT FROM segments WHERE reservation_id IS NOT NULL
                        GROUP BY reservation_id HAVING count(*) > 1) again)
            """
        ),
        waiting_forever=await conn.fetchval(
            "SELECT count(*) FROM work_items WHERE answered_at IS NULL AND ended_at IS NULL"
        ),
    )


@contextlib.asynccontextmanager
async def play(served: Served) -> AsyncIterator[Load]:
    """Visitors and agents at work; at the end everything is delivered and served."""
    stopped = asyncio.Event()
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        load = Load(served.url, session)
        visitors = [asyncio.create_task(load.visitor(*v)) for v in await load.begin()]
        agents = [
            asyncio.create_task(agent(served.url, f"agent{n}@aintech.com", stopped))
            for n in (1, 2, 3)
        ]
        try:
            yield load
            load.stopped = True
            async with asyncio.timeout(120):
                await asyncio.gather(*visitors)
                await load.settled()
            await _served_out(served)
        finally:
            load.stopped = True
            stopped.set()
            for task in (*visitors, *agents):
                task.cancel()
            await asyncio.gather(*visitors, *agents, return_exceptions=True)


async def _served_out(served: Served) -> None:
    conn = await db.connect(served.settings)
    try:
        for _ in range(300):
            if not await conn.fetchval(
                "SELECT count(*) FROM work_items WHERE answered_at IS NULL AND ended_at IS NULL"
            ):
                return
            await asyncio.sleep(0.1)
    finally:
        await conn.close()


async def killed_often(
    settings: Settings, conn: db.Connection, command: tuple[str, ...], kills: int
) -> tuple[Verdict, Load]:
    """Play, kill, start again; the verdict on the tables afterwards."""
    dice = random.Random(SEED)
    async with serving(settings, command) as served:
        async with play(served) as load:
            for _ in range(kills):
                await asyncio.sleep(0.4 + 0.8 * dice.random())
                await served.kill_in_a_stall(conn, dice.choice(STALLED))
                await served.start()
            await asyncio.sleep(0.5)
        assert await served.stop() == 0
    return await judge(conn, load.acked), load


async def test_nothing_acknowledged_is_lost_or_doubled(
    settings: Settings, conn: db.Connection
) -> None:
    verdict, load = await killed_often(settings, conn, SERVE, KILLS)
    assert load.retries > 0, "the kills have disturbed nobody"
    assert len(load.acked) > KILLS * 10
    assert verdict.clean, verdict


async def test_the_same_play_finds_out_a_server_that_acknowledges_first(
    settings: Settings, conn: db.Connection
) -> None:
    verdict, _ = await killed_often(settings, conn, BROKEN, 3)
    assert verdict.lost > 0
