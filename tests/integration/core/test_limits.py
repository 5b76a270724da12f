"""Budgets that processes share by Redis, and what happens when it is away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from config.settings import Settings
from contactcenter.core import limits as core_limits
from contactcenter.core.access import PUBLIC, Authenticators
from contactcenter.core.http import Request, Route, build_app
from contactcenter.core.limits import AWAY_SECONDS, Limit, Limits
from contactcenter.core.pace import Pace, Throttle
from contactcenter.core.work import WorkFactory
from tests.integration.redis_server import Server, redis_server

SLOW = Limit(per_second=0.01, burst=5)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(core_limits, "REDIS_SECONDS", 10.0)  # however busy the machine is
    async with redis_server() as server:
        yield server


class Watch:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


async def test_two_processes_have_one_budget_by_the_same_rule(server: Server) -> None:
    one, other = Limits(server.url), Limits(server.url)
    budgets = [limits.budget("a", SLOW) for limits in (one, other)]
    waits = [await budgets[number % 2].take("somebody") for number in range(7)]
    assert waits[:5] == [0] * 5
    assert all(99 < wait <= 100 for wait in waits[5:]), "being refused costs nothing"
    assert await budgets[1].take("somebody else") == 0
    assert await other.budget("b", SLOW).take("somebody") == 0
    fast = one.budget("fast", Limit(per_second=20, burst=1))
    assert await fast.take("x") == 0
    wait = await fast.take("x")
    assert 0 < wait <= 0.05
    await asyncio.sleep(wait + 0.01)
    assert await fast.take("x") == 0
    await one.close()
    await other.close()


async def test_many_at_once_never_get_more(server: Server) -> None:
    limits = Limits(server.url)
    budget = limits.budget("a", SLOW)
    with capture_logs() as logs:
        waits = await asyncio.gather(*(budget.take("somebody") for _ in range(60)))
    assert logs == []
    assert waits.count(0) == 5
    await limits.close()


async def test_redis_holds_no_address_and_nothing_for_long(server: Server) -> None:
    from redis.asyncio import Redis

    limits = Limits(server.url)
    await limits.budget("a", SLOW).take("203.0.113.9")
    async with Redis.from_url(server.url) as client:
        (key,) = await client.keys("*")
        assert b"203.0.113.9" not in key
        assert 500_000 < await client.pttl(key) <= 501_000
    await limits.close()


async def test_redis_goes_and_comes_back(server: Server) -> None:
    watch = Watch()
    limits = Limits(server.url, monotonic=watch)
    budget = limits.budget("a", SLOW)
    assert [await budget.take("x") for _ in range(6)][4:] == [0, pytest.approx(100, abs=1)]
    await server.stop()
    with capture_logs() as logs:
        waits = [await budget.take("x") for _ in range(6)]
    assert waits[:5] == [0] * 5, "a budget of its own"
    assert waits[5] > 0
    assert [entry["event"] for entry in logs] == ["limits_not_shared"]
    await server.start()
    assert await budget.take("x") > 0, "still its own"
    watch.time += AWAY_SECONDS + 1
    with capture_logs() as logs:
        assert [await budget.take("x") for _ in range(6)][:5] == [0] * 5
    assert [entry["event"] for entry in logs] == ["limits_shared_again"]
    await limits.close()


async def test_a_redis_that_says_nothing_holds_nobody_up() -> None:
    """Connections are taken and never answered."""
    held: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    limits = Limits(f"redis://127.0.0.1:{port}/0")
    budget = limits.budget("a", SLOW)
    with capture_logs() as logs:
        async with asyncio.timeout(2):
            waits = [await budget.take("x") for _ in range(6)]
    assert waits[:5] == [0] * 5
    assert waits[5] > 0
    assert [entry["event"] for entry in logs] == ["limits_not_shared"]
    await limits.close()
    for writer in held:
        writer.close()
    silent.close()


# Pauses ----------------------------------------------------------------------------------------

PACE = Pace(free=3, first_pause=100, longest_pause=300, forget_after=1000)


async def test_pauses_are_shared_and_by_the_rule_of_one_process(server: Server) -> None:
    one, other = Limits(server.url), Limits(server.url)
    pauses = [limits.pauses("login", PACE) for limits in (one, other)]
    own = Throttle(PACE)
    for number in range(6):
        told = await pauses[number % 2].begin("somebody")
        assert told == pytest.approx(own.begin("somebody", 0), abs=2)
        assert await pauses[1].wait("somebody") == pytest.approx(own.wait("somebody", 0), abs=2)
    assert await pauses[0].begin("somebody else") == 0
    assert await one.pauses("code", PACE).begin("somebody") == 0
    await pauses[1].take_back("somebody")
    assert await pauses[0].begin("somebody") == 0, "two are left of three"
    assert await pauses[1].begin("somebody") > 0
    await pauses[1].forgive("somebody")
    assert [await pauses[0].begin("somebody") for _ in range(4)][:3] == [0] * 3
    await one.close()
    await other.close()


async def test_many_tries_at_once_are_no_more_than_in_turn(server: Server) -> None:
    limits = Limits(server.url)
    pauses = limits.pauses("login", PACE)
    waits = await asyncio.gather(*(pauses.begin("somebody") for _ in range(40)))
    assert waits.count(0) == 3
    await limits.close()


async def test_failures_are_forgotten_by_redis_itself(server: Server) -> None:
    from redis.asyncio import Redis

    limits = Limits(server.url)
    pauses = limits.pauses("login", PACE)
    for _ in range(2):
        await pauses.begin("ada@example.com")
    async with Redis.from_url(server.url) as client:
        (key,) = await client.keys("*")
        assert b"ada" not in key
        assert 990_000 < await client.pttl(key) <= 1_000_000
        await pauses.take_back("ada@example.com")
        assert 990_000 < await client.pttl(key) <= 1_000_000
    await limits.close()


async def test_pauses_go_on_while_redis_is_away(server: Server) -> None:
    watch = Watch()
    limits = Limits(server.url, monotonic=watch)
    pauses = limits.pauses("login", PACE)
    await server.stop()
    assert [await pauses.begin("x") for _ in range(4)] == [0, 0, 0, 100]
    await pauses.take_back("x")
    assert await pauses.begin("x") == 0
    await pauses.forgive("x")
    assert await pauses.begin("x") == 0
    await limits.close()


async def nothing(_: Request) -> None:
    return None


def site(settings: Settings, work: WorkFactory, url: str) -> web.Application:
    route = Route("GET", "/api/v1/rare", nothing, PUBLIC, "Rare", limit=SLOW)
    shared = settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": url})})
    return build_app([route], settings=shared, work=work, authenticator=Authenticators(), checks={})


async def test_two_sites_refuse_by_one_count(
    settings: Settings, work: WorkFactory, server: Server
) -> None:
    async with (
        TestClient(TestServer(site(settings, work, server.url))) as one,
        TestClient(TestServer(site(settings, work, server.url))) as other,
    ):
        given = [await (one, other)[n % 2].get("/api/v1/rare") for n in range(7)]
    assert [answer.status for answer in given] == [204] * 5 + [429] * 2
    assert int(given[6].headers["Retry-After"]) >= 99


async def test_a_site_goes_on_without_redis(settings: Settings, work: WorkFactory) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        async with TestClient(TestServer(site(settings, work, url))) as client:
            given = [(await client.get("/api/v1/rare")).status for _ in range(6)]
    assert given == [204] * 5 + [429]
