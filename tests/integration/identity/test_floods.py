"""Crowds of guesses and of refreshing tabs: few by default, all of them at night. Each check has
a control that it must catch."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core.bus import Bus
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.pace import Pace
from contactcenter.core.work import WorkFactory
from contactcenter.identity import module, service
from contactcenter.identity.tokens import DeviceCookies, RefreshTokens, opaque
from tests.conftest import NIGHTLY
from tests.integration.identity.door import EMAIL, PASSWORD, Client, MovableClock

GUESSES: Final = 100_000 if NIGHTLY else 400
CAUGHT_BY: Final = 400  # guesses that find a broken door out
AT_ONCE: Final = 20
QUARTER: Final = 900.0  # seconds
PER_QUARTER: Final = 10
"""Guesses at one account that may be heard within a quarter of an hour."""
SIGN_INS: Final = 10
"""Times that the owner comes in meanwhile."""
TURNS: Final = 1_000 if NIGHTLY else 40
ENDLESS: Final = Pace(free=10**9, first_pause=1, longest_pause=1, forget_after=1)


class Watch:
    """Time as it passes for limits."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Door:
    client: Client
    watch: Watch

    async def ask(
        self, path: str, address: str, body: dict[str, str], device: str | None = None
    ) -> aiohttp.ClientResponse:
        headers = {"X-Forwarded-For": address}
        if device is not None:
            headers["Cookie"] = f"device={device}"
        answer = await self.client.post(f"/api/v1/auth/{path}", json=body, headers=headers)
        await answer.read()
        return answer

    async def login(
        self, address: str, password: str, device: str | None = None
    ) -> aiohttp.ClientResponse:
        return await self.ask("login", address, {"email": EMAIL, "password": password}, device)


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus
) -> AsyncIterator[Door]:
    """A door that believes where a proxy says that somebody comes from."""
    web = settings.web.model_copy(update={"trusted_proxies": ["127.0.0.1"]})
    here = settings.model_copy(update={"web": web})
    watch = Watch()
    deps = Deps(here, clock, pool, WorkFactory(pool, clock), bus, JobQueue(clock), watch)
    identity = module.build(deps)
    app = build_app(
        identity.module.routes,
        settings=here,
        work=deps.work,
        authenticator=identity.sessions,
        checks={},
        limits=deps.limits,
    )
    async with TestClient(TestServer(app), cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield Door(client, watch)


async def besiege(door: Door, addresses: int, guesses: int) -> tuple[int, int]:
    """Guess at an account for a quarter of an hour, while its owner comes and goes: how many
    guesses were heard, and how often the owner was not."""
    first = await door.login("192.0.2.1", PASSWORD)
    assert first.status == 200
    device = first.cookies["device"].value
    told: Counter[int] = Counter()
    refused = 0

    async def guess(number: int) -> None:
        place = number % addresses
        answer = await door.login(f"10.0.{place >> 8}.{place & 255}", f"guess {number}")
        told[answer.status] += 1

    for begun in range(0, guesses, AT_ONCE):
        door.watch.time = QUARTER * begun / guesses
        await asyncio.gather(*(guess(begun + more) for more in range(AT_ONCE)))
        if begun // AT_ONCE % (guesses // AT_ONCE // SIGN_INS) == 0:
            refused += (await door.login("192.0.2.1", PASSWORD, device)).status != 200
    assert told.keys() <= {401, 429}
    assert told.total() == guesses
    return told[401], refused


@pytest.mark.parametrize("addresses", [1, 1_000])
async def test_an_account_hears_ten_guesses_in_a_quarter_of_an_hour_and_its_owner_comes_in(
    addresses: int, settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus, user: UUID
) -> None:
    async with opened(settings, pool, clock, bus) as door:
        heard, refused = await besiege(door, addresses, GUESSES)
    assert 5 <= heard <= PER_QUARTER
    assert refused == 0


async def test_a_door_that_counts_addresses_alone_would_be_found_out(
    settings: Settings,
    pool: db.Pool,
    clock: MovableClock,
    bus: Bus,
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "ACCOUNT_PACE", ENDLESS)
    async with opened(settings, pool, clock, bus) as door:
        heard, _ = await besiege(door, 1_000, CAUGHT_BY)
    assert heard > PER_QUARTER


async def test_a_door_that_knows_no_devices_would_be_found_out(
    settings: Settings,
    pool: db.Pool,
    clock: MovableClock,
    bus: Bus,
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(DeviceCookies, "name_of", lambda *_: None)
    async with opened(settings, pool, clock, bus) as door:
        _, refused = await besiege(door, 1_000, CAUGHT_BY)
    assert refused > 0


async def two_tabs(door: Door, clock: MovableClock) -> tuple[int, str, str]:
    """Two tabs refresh the same token again and again, at once or some seconds apart: in how many
    turns both got the same successor before one did not, the last token and the one before."""
    answer = await door.login("192.0.2.1", PASSWORD)
    old = token = (await answer.json())["refresh_token"]

    async def tab(number: int) -> str | None:
        answer = await door.ask(
            "refresh", f"10.1.{number >> 8 & 255}.{number & 255}", {"refresh_token": token}
        )
        return (await answer.json())["refresh_token"] if answer.status == 200 else None

    for turn in range(TURNS):
        if turn % 2:
            one, other = await asyncio.gather(tab(turn), tab(turn))
        else:
            one = await tab(turn)
            clock.pass_(seconds=turn % 10)
            other = await tab(turn)
        if one is None or one != other:
            return turn, token, old
        old, token = token, one
        clock.pass_(seconds=1)
    return TURNS, token, old


async def test_two_tabs_log_nobody_out_and_later_reuse_ends_the_family(
    settings: Settings, pool: db.Pool, clock: MovableClock, bus: Bus, user: UUID
) -> None:
    async with opened(settings, pool, clock, bus) as door:
        turns, token, old = await two_tabs(door, clock)
        assert turns == TURNS
        clock.pass_(seconds=11)
        for worthless in (old, token):
            answer = await door.ask("refresh", "192.0.2.1", {"refresh_token": worthless})
            assert answer.status == 401


@pytest.mark.parametrize("broken", ["no grace", "another successor"])
async def test_tabs_that_part_would_be_found_out(
    broken: str,
    settings: Settings,
    pool: db.Pool,
    clock: MovableClock,
    bus: Bus,
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if broken == "no grace":
        monkeypatch.setattr(service, "ROTATION_GRACE", timedelta(0))
    else:
        monkeypatch.setattr(RefreshTokens, "successor", lambda *_: opaque())
    async with opened(settings, pool, clock, bus) as door:
        turns, *_ = await two_tabs(door, clock)
    assert turns < TURNS
