from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue, JobRunner
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.identity import module
from contactcenter.identity.module import Identity
from tests.integration.identity.door import Client, Letters, MovableClock, add_user


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def user(conn: db.Connection) -> UUID:
    return await add_user(conn, "Ada@Example.com")


@pytest.fixture
async def bus(settings: Settings, pool: db.Pool, clock: MovableClock) -> AsyncIterator[Bus]:
    bus = Bus(settings, pool, CATALOGUE, WorkFactory(pool, clock))
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
def deps(settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus) -> Deps:
    return Deps(settings, clock, pool, WorkFactory(pool, clock), bus, JobQueue(clock))


@pytest.fixture
def identity(deps: Deps) -> Identity:
    return module.build(deps)


@pytest.fixture
async def client(settings: Settings, deps: Deps, identity: Identity) -> AsyncIterator[Client]:
    app = build_app(
        identity.module.routes,
        settings=settings,
        work=deps.work,
        authenticator=identity.sessions,
        checks={},
    )
    async with identity.module.lifespans[0].run(), TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def letters(client: Client, settings: Settings, identity: Identity) -> AsyncIterator[Letters]:
    """The mailbox, with somebody who writes the letters."""
    runner = JobRunner(settings, identity.module.jobs, ())
    task = asyncio.create_task(runner.run())
    yield Letters(client)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def chained(client: Client, bus: Bus, identity: Identity) -> None:
    """The audit chain is laid."""
    for listener in identity.module.listeners:
        bus.durable(listener)
