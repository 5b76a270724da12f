"""Two nodes that share a Redis count as one who guesses and who fills mailboxes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.identity import module
from contactcenter.identity.accounts import LETTERS
from contactcenter.identity.model import ACCOUNT_PACE
from contactcenter.identity.routes import SIGN_IN_LIMIT
from tests.integration.identity.door import EMAIL, Client, MovableClock, call, login
from tests.integration.redis_server import redis_server


@contextlib.asynccontextmanager
async def front_doors(
    count: int, settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus
) -> AsyncIterator[list[Client]]:
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for _ in range(count):
            deps = Deps(settings, clock, pool, WorkFactory(pool, clock), bus, JobQueue(clock))
            identity = module.build(deps)
            app = build_app(
                identity.module.routes,
                settings=settings,
                work=deps.work,
                authenticator=identity.sessions,
                checks={},
                limits=deps.limits,
            )
            clients.append(await stack.enter_async_context(TestClient(TestServer(app))))
        yield clients


@pytest.fixture
async def nodes(
    settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus
) -> AsyncIterator[list[Client]]:
    """Two front doors on one database and one Redis."""
    async with redis_server() as server:
        redis = settings.redis.model_copy(update={"url": server.url})
        here = settings.model_copy(update={"redis": redis})
        async with front_doors(2, here, pool, clock, bus) as clients:
            yield clients


async def test_guesses_are_counted_together(nodes: list[Client], user: UUID) -> None:
    told = [
        (await login(nodes[number % 2], EMAIL, "wrong"))[0]
        for number in range(ACCOUNT_PACE.free + 2)
    ]
    assert told == [401] * ACCOUNT_PACE.free + [429] * 2
    assert (await login(nodes[1], EMAIL, "wrong"))[0] == 429


async def test_letters_are_counted_together(
    nodes: list[Client], user: UUID, conn: db.Connection
) -> None:
    for number in range(LETTERS.burst + 3):
        assert (await call(nodes[number % 2], "POST", "/auth/forgot-password", email=EMAIL))[
            0
        ] == 200
    queued = await conn.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint LIKE '%letter%'")
    assert queued == LETTERS.burst


async def test_a_network_of_ipv6_is_one_caller(
    settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus
) -> None:
    """Whoever has a /64 has 2**64 addresses to guess from."""
    web = settings.web.model_copy(update={"trusted_proxies": ["127.0.0.1"]})
    here = settings.model_copy(update={"web": web})
    async with front_doors(1, here, pool, clock, bus) as (node,):

        async def asked(address: str) -> int:
            answer = await node.post(
                "/api/v1/auth/verify-email",
                json={"token": "x" * 43},
                headers={"X-Forwarded-For": address},
            )
            return answer.status

        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 10 * SIGN_IN_LIMIT.burst:
            statuses.append(await asked(f"2001:db8:0:1::{len(statuses):x}"))
        assert statuses.count(422) >= SIGN_IN_LIMIT.burst
        assert statuses[-1] == 429
        assert await asked("2001:db8:0:2::1") == 422, "the neighbour is not held up"
