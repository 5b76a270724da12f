"""Bytes that no well-meaning client sends: each gets an answer of the contract, none a fault."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp.test_utils import BaseTestServer, TestServer

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.limits import Limit
from contactcenter.core.module import Deps
from contactcenter.core.pace import Pace
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.identity import module
from contactcenter.interactions import module as interactions
from crm.access import Veil

BASE = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LOGIN = b'{"email": "a@example.com", "password": "x"}'


@pytest.fixture
async def server(
    settings: Settings, pool: db.Pool, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BaseTestServer]:
    monkeypatch.setattr("contactcenter.identity.routes.SIGN_IN_LIMIT", Limit(1e6, 10**6))
    monkeypatch.setattr("contactcenter.identity.service.ADDRESS_PACE", Pace(10**6, 1, 1, 1))
    clock = SystemClock(timedelta(0))
    work = WorkFactory(pool, clock)
    deps = Deps(settings, clock, pool, work, Bus(settings, pool, CATALOGUE, work), JobQueue(clock))
    identity = module.build(deps)
    app = build_app(
        [*identity.module.routes, *interactions.build(deps, Veil()).routes],
        settings=settings,
        work=work,
        authenticator=identity.sessions,
        checks={},
    )
    async with TestServer(app) as server:
        yield server


async def status(server: BaseTestServer, request: bytes) -> int:
    """Of the answer to these bytes; 0 when the connection is closed without one."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            line = await reader.readline()
        return int(line.split()[1]) if line else 0
    finally:
        writer.close()


def with_length(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


HEADERS = (
    (b"User-Agent: \xff\xfe\r\n", 401),
    (b"X-Request-Id: \xff\r\n", 401),
    (b"Origin: \xff\r\n", 403),
    (b"Accept-Encoding: \xff\r\n", 401),
    (b"Cookie: refresh_token=\xff\r\n", 401),
    (b"Idempotency-Key: \xff\r\n", 401),
    (b"If-Match: \xff\r\n", 401),
    (b"Authorization: Bearer \xff.\xff.\xff\r\n", 401),
    (b"X-Forwarded-For: \xff\r\n", 401),
)


async def test_headers_that_are_no_text(server: BaseTestServer) -> None:
    for number, (header, wanted) in enumerate(HEADERS):
        body = LOGIN.replace(b"a@", b"%d@" % number)  # one account is guessed at only so often
        assert await status(server, with_length(BASE + header, body)) == wanted, header


REQUESTS = (
    b"GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff.\xff.\xff\r\n\r\n",
    b"GET /api/v1/auth/me?\xff=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/interactions/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/interactions/%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/v1/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"BREW /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n\r\n",
    with_length(
        b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nCookie: refresh_token=\xff\xfe\r\n", b""
    ),
    with_length(BASE, b'{"email": "a@example.com", "password": "\\ud800"}'),
    with_length(BASE, b'{"email": "a@example.com", "password": "\\u0000"}'),
    with_length(BASE, b'{"email": "\xed\xa0\x80@example.com", "password": "x"}'),
    BASE + b"Content-Length: -1\r\n\r\n",
    BASE + b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
    BASE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    BASE + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/9.9\r\n\r\n",
)


async def test_requests_that_are_no_requests(server: BaseTestServer) -> None:
    for request in REQUESTS:
        answered = await status(server, request + b"\r\n\r\n")
        assert answered == 0 or 400 <= answered < 500, (answered, request)


async def test_mutated_requests_are_never_our_fault(
    server: BaseTestServer,
) -> None:
    dice = random.Random(7)
    for _ in range(300):
        mutated = bytearray(with_length(BASE, LOGIN))
        for _ in range(dice.randint(1, 6)):
            place = dice.randrange(len(mutated))
            match dice.randrange(3):
                case 0:
                    mutated[place] = dice.randrange(256)
                case 1:
                    del mutated[place]
                case 2:
                    mutated[place:place] = dice.randbytes(dice.randint(1, 8))
        answered = await status(server, bytes(mutated) + b"\r\n\r\n" + b" " * 64)
        assert answered < 500, bytes(mutated)
