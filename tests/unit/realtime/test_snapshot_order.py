"""Two snapshots for one client, wanted at once: the one that is sent last is the one read last."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

from config.settings import load_settings
from contactcenter.core.clock import SystemClock
from contactcenter.realtime.hub import Connection, Hub
from contactcenter.realtime.server import Gateway
from contactcenter.realtime.snapshot import State
from tests.conftest import TEST_ENVIRON


class Table:
    """What is stored; the first to read it is held up on the way back."""

    def __init__(self) -> None:
        self.messages = 0
        self.reads = 0
        self.let = asyncio.Event()

    async def visitor(self, _: UUID) -> State:
        self.reads += 1
        first, state = self.reads == 1, State({"messages": self.messages}, f"{self.messages:04}")
        if first:
            await self.let.wait()
        return state


class Wire:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def serve(self, _: Any) -> None:
        pass

    def deliver(self, _: Any, body: bytes) -> None:
        self.sent.append(body)


class Visitor:
    def __init__(self) -> None:
        self.id = uuid4()

    def conversation(self) -> UUID:
        return self.id


async def test_an_older_snapshot_does_not_come_after_a_newer_one() -> None:
    table: Any = Table()
    wire: Any = Wire()
    visitor: Any = Visitor()
    nothing: Any = None
    hub = Hub()
    settings = load_settings(TEST_ENVIRON)
    gateway = Gateway(settings, SystemClock(), hub, wire, table, nothing, nothing, nothing)
    connection = Connection("s", "/chat", visitor, nothing, wire)
    hub.add(connection)

    welcome = asyncio.create_task(gateway.tell_snapshot(connection))
    while not table.reads:
        await asyncio.sleep(0)
    table.messages = 1
    asked_for = asyncio.create_task(gateway.begin_anew(connection))
    for _ in range(10):
        await asyncio.sleep(0)  # it would be through by now, if it did not wait
    table.let.set()
    await asyncio.gather(welcome, asked_for)

    assert [b'"messages":1' in body for body in wire.sent] == [False, True]
