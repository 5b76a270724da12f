"""Budgets that processes share by Redis, and what happens when it is away."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from config.settings import Settings
from contactcenter.core.access import PUBLIC, Authenticators
from contactcenter.core.http import Request, Route, build_app
from contactcenter.core.limits import AWAY_SECONDS, Limit, Limits
from contactcenter.core.work import WorkFactory

SLOW = Limit(per_second=0.01, burst=5)


class Server:
    """A redis-server of the test's own, which keeps nothing."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "redis-server",
            *("--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--appendonly", "no"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while b"PONG" not in await self._ping():
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def _ping(self) -> bytes:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return b""
        writer.write(b"PING\r\n")
        line = await reader.readline()
        writer.close()
        return line


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = Server()
    await server.start()
    yield server
    await server.stop()


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
