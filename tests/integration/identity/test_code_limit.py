"""How often somebody may try a code, at the pace that a running centre has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp
import pytest

from contactcenter.core.pace import Pace
from tests.integration.identity.door import Client, MovableClock, call, login, signed_in


@pytest.fixture(autouse=True, params=["real", "endless"])
def paused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether there are pauses; without them no try is refused, which shows what refuses it."""
    if request.param == "endless":
        endless = Pace(free=10**6, first_pause=1, longest_pause=1, forget_after=1)
        monkeypatch.setattr("contactcenter.identity.two_factor.CODE_PACE", endless)
        monkeypatch.setattr("contactcenter.identity.service.CODE_PACE", endless)
    return bool(request.param == "real")


def right(secret: str, clock: MovableClock) -> str:
    return pyotp.TOTP(secret).at(clock.now())


def wrong(secret: str, clock: MovableClock) -> str:
    """A code of none of the steps that are looked at."""
    near = {pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30 * n)) for n in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555")
                if code not in near)  # fmt: skip


async def tried(client: Client, path: str, token: str | None = None, **body: Any) -> int:
    """The status of a try; one that is put off tells how long."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = await client.post(f"/api/v1/auth/2fa/{path}", headers=headers, json=body)
    assert (int(answer.headers.get("Retry-After", "0")) > 0) is (answer.status == 429)
    return answer.status


async def test_codes_cannot_be_guessed_at_the_set_up(
    client: Client, user: UUID, clock: MovableClock, paused: bool
) -> None:
    token = await signed_in(client)
    _, made = await call(client, "POST", "/auth/2fa/enable", token)
    code = wrong(made["secret"], clock)
    found = [await tried(client, "verify", token, code=code) for _ in range(7)]
    assert found == ([422] * 5 + [429] * 2 if paused else [422] * 7)
    last = await tried(client, "verify", token, code=right(made["secret"], clock))
    assert last == (429 if paused else 200), "the right one is not tried while the pause lasts"


async def test_codes_cannot_be_guessed_at_the_door(
    client: Client, user: UUID, clock: MovableClock, paused: bool
) -> None:
    token = await signed_in(client)
    _, made = await call(client, "POST", "/auth/2fa/enable", token)
    assert await tried(client, "verify", token, code=right(made["secret"], clock)) == 200
    code = wrong(made["secret"], clock)
    _, first = await login(client)
    step = first["temp_token"]
    found = [await tried(client, "login", temp_token=step, code=code) for _ in range(7)]
    assert found == ([401] * 5 + [429] * 2 if paused else [401] * 7)
    _, second = await login(client)
    again = await tried(client, "login", temp_token=second["temp_token"], code=code)
    assert again == (429 if paused else 401), "a fresh token brings no fresh tries"
