"""A feed hands out every event once and in order, however its two sources interleave."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from contactcenter.core import eventlog
from contactcenter.core import feed as feeds
from contactcenter.core.event import Position
from contactcenter.core.eventlog import START, Recorded
from contactcenter.core.feed import Feed
from contactcenter.core.ids import new_id
from contactcenter.events import CATALOGUE
from contactcenter.events.identity import UserChanged

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class World:
    """A log, the bus' reader somewhere in it, and dice that let things happen meanwhile."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.log: list[Recorded] = []
        self.read_so_far = 0
        self.feed = Feed("test", CATALOGUE, cast("Any", self), None)

    def commit(self) -> None:
        position = Position(len(self.log) // 2 + 1, len(self.log) + 1)
        event = UserChanged(user_id=new_id())
        self.log.append(Recorded(position, event, "system", NOW, NOW))

    def reader_step(self) -> None:
        """The bus reads what is new, or only a part of it."""
        upto = self.dice.randint(self.read_so_far, len(self.log))
        for record in self.log[self.read_so_far : upto]:
            self.feed.offer(record)
        self.read_so_far = upto

    def meanwhile(self) -> None:
        for _ in range(self.dice.randint(0, 4)):
            self.dice.choice([self.commit, self.commit, self.reader_step])()

    def read_all(self) -> None:
        for record in self.log[self.read_so_far :]:
            self.feed.offer(record)
        self.read_so_far = len(self.log)

    @contextlib.asynccontextmanager
    async def reading(self, _: str) -> AsyncIterator[None]:
        self.meanwhile()
        yield

    async def read(
        self, _conn: None, _catalogue: object, after: Position, *, limit: int, types: None
    ) -> list[Recorded]:
        assert types is None
        found = [record for record in self.log if record.position > after][:limit]
        self.meanwhile()  # after the snapshot, before its rows are here
        return found


@pytest.mark.parametrize("seed", range(60))
async def test_everything_once_and_in_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(seed)
    monkeypatch.setattr(eventlog, "read", world.read)
    monkeypatch.setattr(feeds, "BUFFER", world.dice.choice([2, 5, 1000]))
    for _ in range(world.dice.randint(0, 6)):
        world.commit()
    position, got = START, list[Recorded]()
    for _ in range(60):
        world.meanwhile()
        limit = world.dice.choice([1, 3, 500])
        batch = await world.feed.next(position, limit, timeout=0)
        if world.dice.random() < 0.3:
            continue  # the consumer failed: it asks for the same again
        if batch:
            got += batch
            position = batch[-1].position
    for _ in range(20):
        world.read_all()
        batch = await world.feed.next(position, timeout=0)
        if batch:
            got += batch
            position = batch[-1].position
    assert [record.position for record in got] == [record.position for record in world.log]
    assert world.feed.current, "it has come back from reading the log by itself"


async def test_a_follower_starts_where_the_reader_is(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    monkeypatch.setattr(eventlog, "read", world.read)
    world.commit()
    world.read_all()
    world.feed.follow()
    world.commit()
    world.read_all()
    assert await world.feed.next(world.log[0].position) == [world.log[1]]


async def test_it_waits_until_it_is_stirred(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    monkeypatch.setattr(eventlog, "read", world.read)
    world.feed.follow()
    waiting = asyncio.create_task(world.feed.next(START))
    await asyncio.sleep(0)
    assert not waiting.done()
    world.feed.stir()
    assert await waiting == []
