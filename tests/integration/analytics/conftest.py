"""A centre whose morning has been played: rows, events, and a wallboard that watched it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio

import db
from config.settings import Settings
from contactcenter.analytics.live import Wallboard
from contactcenter.analytics.service import Analytics
from contactcenter.core import eventlog
from contactcenter.core.bus import Bus
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.demo.morning import Morning, VirtualClock
from contactcenter.events import CATALOGUE
from contactcenter.interactions.model import Channel
from db.embedded import EmbeddedPostgres
from routing.book import QueueBook
from routing.core.model import Constants
from routing.service import QueueService
from tests.integration.conftest import database_named, settings_for
from tests.integration.demo.conftest import PHONES, TEN_FIFTY, clock, database_template, deps
from tests.integration.demo.crowds import TestCrowd

__all__ = ["clock", "database_template", "deps"]

_numbers = itertools.count(1)


@dataclass
class Screens:
    """The sockets of one node, kept in lists."""

    node: str = "node"
    rooms: dict[str, str] = field(default_factory=dict)  # sid → room
    sent: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)

    def emit(self, room: str, name: str, payload: Mapping[str, Any], cursor: str) -> None:
        self.numbers[room] = self.numbers.get(room, 0) + 1
        self.sent.append((room, name, payload))

    def occupied(self, room: str) -> bool:
        return room in self.rooms.values()

    def sequence(self, room: str) -> int:
        return self.numbers.get(room, 0)

    def move(self, sid: str, room: str) -> None:
        self.rooms[sid] = room

    def room_of(self, sid: str) -> str | None:
        return self.rooms.get(sid)

    def send(self, sid: str, name: str, payload: Mapping[str, Any]) -> None:
        self.sent.append((sid, name, payload))


class NoForecast:
    def expected(self, day_start: object, day_end: object) -> list[Any]:
        return []


class Slow(TestCrowd):
    """Agents who now and then let the time of a wrap-up run out, extension and all."""

    def wrap_ms(self, channel: Channel, dice: Random) -> int:
        usual = super().wrap_ms(channel, dice)
        return 200_000 if usual > 53_000 else usual


@dataclass
class Watched:
    """The pieces of a running wallboard."""

    deps: Deps
    clock: VirtualClock
    wallboard: Wallboard
    analytics: Analytics
    screens: Screens

    async def play(self) -> None:
        """Let the morning happen, and the wallboard hear of all of it."""
        await Morning(self.deps, Slow(0.5), PHONES).play()
        await self.caught_up()

    async def caught_up(self) -> None:
        async with self.deps.work.reading("test") as conn:
            tip = (await eventlog.tip(conn)).cursor()
        async with asyncio.timeout(20):
            while self.wallboard.cursor < tip:
                await asyncio.sleep(0.02)


@pytest.fixture
def screens() -> Screens:
    return Screens()


@asynccontextmanager
async def watching(deps: Deps, clock: VirtualClock, screens: Screens) -> AsyncIterator[Watched]:
    queues = QueueService(QueueBook(deps.settings.app.zone), Constants())
    wallboard = Wallboard(
        work=deps.work,
        bus=deps.bus,
        clock=clock,
        zone=deps.settings.app.zone,
        centre="Brezo y Salinas",
        queues=queues,
        forecast=NoForecast(),
        broadcast=screens,
    )
    analytics = Analytics(work=deps.work, clock=clock, queues=queues, wallboard=wallboard)
    await deps.bus.start()
    try:
        async with wallboard.run():
            await wallboard.ready()
            yield Watched(deps, clock, wallboard, analytics, screens)
    finally:
        await deps.bus.stop()


@pytest.fixture
async def watched(deps: Deps, clock: VirtualClock, screens: Screens) -> AsyncIterator[Watched]:
    """A wallboard on a centre where nothing has happened yet."""
    async with watching(deps, clock, screens) as running:
        yield running


def ground(settings: Settings, pool: db.Pool, clock: VirtualClock) -> Deps:
    work = WorkFactory(pool, clock)
    bus = Bus(settings, pool, CATALOGUE, work)
    return Deps(settings, clock, pool, work, bus, JobQueue(clock))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def morning_template(
    postgres: EmbeddedPostgres, seeded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database in which the morning has been played, once for all tests."""
    name = "template_morning"
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {seeded_template} STRATEGY file_copy")
    settings = settings_for(database_named(postgres.url, name), tmp_path_factory.mktemp("morning"))
    pool = await db.create_pool(settings, "test")
    await Morning(ground(settings, pool, VirtualClock(TEN_FIFTY)), Slow(), PHONES).play()
    await pool.close()
    await admin.execute("CHECKPOINT")
    await admin.close()
    return name


@pytest.fixture
async def played(
    postgres: EmbeddedPostgres,
    morning_template: str,
    tmp_path: Path,
    clock: VirtualClock,
    screens: Screens,
) -> AsyncIterator[Watched]:
    """A wallboard at 10:50, on a database of the test's own."""
    name = f"played_{next(_numbers)}"
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {morning_template} STRATEGY file_copy")
    await admin.close()
    settings = settings_for(database_named(postgres.url, name), tmp_path)
    pool = await db.create_pool(settings, "test")
    async with watching(ground(settings, pool, clock), clock, screens) as running:
        yield running
    await pool.close()
