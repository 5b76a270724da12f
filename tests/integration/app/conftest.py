"""The whole centre in this process, on a database of the test's own, with the demo's people."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from prometheus_client import REGISTRY

from config.settings import Settings, load_settings
from contactcenter import app
from contactcenter.core.clock import Clock, SystemClock
from tests.conftest import TEST_ENVIRON
from tests.integration.app.people import SECONDS, Desk, Person, Visitor, sign_in

OPEN_HOURS = datetime(2027, 3, 16, 9, 30, tzinfo=UTC)  # a Tuesday, 10:30 at the demo centre


@pytest.fixture(autouse=True)
def quick_logs() -> Iterator[None]:
    """Warnings and worse, without the pages of locals that take seconds of the one loop."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    yield
    structlog.reset_defaults()


ANEW = {"If-Match": None}
"""Headers of a first write: there is no version to be named."""


class ShiftedClock:
    """Runs like the machine's, from a moment of the test's choice; it can be set."""

    def __init__(self, start: datetime = OPEN_HOURS) -> None:
        self._clock = SystemClock()
        self._shift = start - self._clock.now()
        self._passed = 0.0

    def now(self) -> datetime:
        return self._clock.now() + self._shift

    def jump(self, by: timedelta) -> None:
        """Set it forward or back, as an operator or a time server would."""
        self._shift += by

    def advance(self, by: timedelta) -> None:
        """Let that much time pass."""
        self._shift += by
        self._passed += by.total_seconds()

    def monotonic(self) -> float:
        return time.monotonic() + self._passed


@dataclass
class Centre:
    """A running centre, and the way in."""

    url: str
    settings: Settings
    clock: ShiftedClock
    house: app.House
    _people: list[Person] = field(default_factory=list)

    async def visitor(self, **fields: Any) -> Visitor:
        visitor = Visitor(self.url)
        self._people.append(visitor)
        return await visitor.arrive(**fields)

    async def desk(self, email: str = "agent1@aintech.com") -> Desk:
        """An agent who is connected, with the status they had."""
        desk = Desk(self.url)
        self._people.append(desk)
        return await desk.sign_in(email)

    async def http(
        self, method: str, path: str, *, token: str | None = None, **kwargs: Any
    ) -> tuple[int, Any]:
        """(status, JSON) of a request under /api/v1; a change is of whatever version is there,
        unless `If-Match` is given, or None where nothing is (ANEW)."""
        of = {"If-Match": "*"} if method in {"POST", "PUT", "PATCH"} else {}
        given = {**of, **kwargs.pop("headers", {})}
        headers = {name: value for name, value in given.items() if value is not None}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"{self.url}/api/v1{path}", headers=headers, **kwargs
            ) as answer,
        ):
            is_json = "json" in answer.content_type
            return answer.status, await (answer.json() if is_json else answer.text())

    async def supervisor_token(self) -> str:
        return await sign_in(self.url, "supervisor1@aintech.com")

    async def router_looks(self) -> None:
        """A turn of the router, and so a look at the clock, that begins now or later has ended."""
        for _ in range(2):  # the first to end may have begun before
            before = turns_of_router()
            await self.visitor(queue="RE", message="Otra cosa")  # it wakes for whoever comes
            async with asyncio.timeout(SECONDS):
                while turns_of_router() == before:
                    await asyncio.sleep(0.02)

    async def everybody_leaves(self) -> None:
        for person in self._people:
            await person.leave()


def turns_of_router() -> float:
    return REGISTRY.get_sample_value("router_turn_seconds_count") or 0.0


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


def served(settings: Settings, **environ: str) -> Settings:
    """The same database, to be served on a free port."""
    assert settings.database.url is not None
    return load_settings(
        {
            **TEST_ENVIRON,
            "DATABASE_URL": settings.database.url,
            "DATA_DIR": str(settings.app.data_dir),
            "PORT": str(free_port()),
            "CHAT_STARTS_PER_MINUTE": "100000",
            "DB_TRANSACTION_TIMEOUT_MS": "2000",
            **environ,
        }
    )


@pytest.fixture(scope="session")
def database_template(seeded_template: str) -> str:
    return seeded_template


StartCentre = Callable[..., Awaitable[Centre]]


@pytest.fixture
async def start(settings: Settings, tmp_path: Path) -> AsyncIterator[StartCentre]:
    """Start a centre (or a second node of it) with these roles and settings."""
    stack = contextlib.AsyncExitStack()

    async def begin(*roles: Any, clock: Clock | None = None, **environ: str) -> Centre:
        mine = served(settings, **environ)
        shifted = clock if isinstance(clock, ShiftedClock) else ShiftedClock()
        house = await stack.enter_async_context(
            app.running(
                mine,
                roles or ("web", "router", "listeners", "jobs"),
                clock or shifted,
                shifted.monotonic,
            )
        )
        centre = Centre(mine.app.public_url, mine, shifted, house)
        stack.push_async_callback(centre.everybody_leaves)
        return centre

    async with stack:
        yield begin


@pytest.fixture
async def centre(start: StartCentre) -> Centre:
    return await start()
