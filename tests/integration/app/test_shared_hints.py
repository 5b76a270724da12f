"""Two nodes that share a Redis: typing reaches the other one, and what a visitor writes is counted
together. On each node one conversation has so many sockets and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as Refused
from structlog.testing import capture_logs

from channels.webchat import service
from contactcenter.core.limits import Limit
from contactcenter.realtime import relay, server
from contactcenter.realtime.hub import Hub
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.app.people import Person
from tests.integration.app.test_journey import LUCIA
from tests.integration.redis_server import Server, redis_server


@pytest.fixture
async def redis() -> AsyncIterator[Server]:
    async with redis_server() as running:
        yield running


async def there(node: Centre, visitor: Any) -> Person:
    """The same visitor's page on another node."""
    page = Person(node.url, "/chat")
    await page.connect(visitor.token)
    await page.until(lambda: page.snapshots, "the snapshot")
    return page


async def test_typing_reaches_the_other_node(
    redis: Server, start: StartCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "AWAY_SECONDS", 0.05)
    here = await start(REDIS_URL=redis.url)
    other = await start("web", clock=here.clock, REDIS_URL=redis.url)
    desk = await here.desk(LUCIA)
    await desk.available()
    visitor = await here.visitor(queue="SA", message="Hola")
    await desk.accepts()
    page = await there(other, visitor)

    async def types() -> bool:
        await desk.do("chat.typing", {"conversation_id": visitor.id})
        await page.do("chat.typing", {})
        return all(
            any(name == "chat.typing" for name, _ in person.heard) for person in (desk, page)
        )

    async with asyncio.timeout(15):  # a subscription may come after the first of them
        while not await types():
            await asyncio.sleep(0.05)
    payload = next(payload for name, payload in page.heard if name == "chat.typing")
    assert payload == {"conversation_id": visitor.id, "sender": "agent"}

    await redis.stop()
    await page.do("chat.typing", {})  # lost, and nobody waits for it
    await redis.start()
    count = len(desk.heard)
    async with asyncio.timeout(15):
        while not any(name == "chat.typing" for name, _ in desk.heard[count:]):
            await page.do("chat.typing", {})
            await asyncio.sleep(0.1)
    await page.leave()


async def test_a_redis_that_falls_silent_is_noticed(
    redis: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "QUIET_SECONDS", 0.5)
    monkeypatch.setattr(relay, "AWAY_SECONDS", 0.05)
    one, other = Hub(), Hub()
    heard: list[str] = []
    monkeypatch.setattr(other, "hint_here", lambda *told: heard.append(told[2]))

    async def hears(name: str) -> None:
        async with asyncio.timeout(15):
            while name not in heard:
                one.relay("/chat", "conversation:1", name, {})
                await asyncio.sleep(0.02)

    async with relay.Relay(redis.url, one).running(), relay.Relay(redis.url, other).running():
        await hears("before")
        with capture_logs() as logs, redis.silent():
            async with asyncio.timeout(15):
                while not any(line["event"] == "hints_not_shared" for line in logs):
                    await asyncio.sleep(0.02)
        await hears("after")


async def test_messages_are_counted_together(
    redis: Server, start: StartCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MESSAGES", Limit(per_second=1e-3, burst=4))
    here = await start(REDIS_URL=redis.url)
    other = await start("web", clock=here.clock, REDIS_URL=redis.url)
    visitor = await here.visitor(queue="SA", message="Hola")
    page = await there(other, visitor)
    told = []
    for number in range(6):
        said = {"conversation_id": visitor.id, "client_id": f"c{number}", "body": "x"}
        ack = await (visitor, page)[number % 2].ask("chat.message", said)
        told.append(ack.get("error", {}).get("code"))
    assert told == [None] * 4 + ["rate_limited"] * 2
    await page.leave()


async def test_a_conversation_has_so_many_sockets(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "VISITOR_SOCKETS", 2)
    visitor = await centre.visitor(queue="SA", message="Hola")
    page = await there(centre, visitor)
    third = Person(centre.url, "/chat")
    refusals: list[Any] = []
    third.sio.on("connect_error", refusals.append, namespace="/chat")
    with pytest.raises(Refused):
        await third.connect(visitor.token)
    assert refusals[0]["message"] == "This conversation is open on too many pages."
    assert refusals[0]["data"]["code"] == "rate_limited"
    await page.leave()
    async with asyncio.timeout(10):  # the server hears of it a little later
        while centre.house.realtime.gateway._open.total() > 1:
            await asyncio.sleep(0.02)
    again = await there(centre, visitor)
    await again.leave()
