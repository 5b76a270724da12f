from __future__ import annotations

import asyncio
import base64
import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pyotp
import pytest

import db
from contactcenter.core.limits import Limit
from contactcenter.core.module import Deps
from contactcenter.core.pace import Pace
from contactcenter.core.reseal import reseal
from contactcenter.core.vault import Unopenable, Vault
from contactcenter.identity.module import SEALED
from contactcenter.identity.post import Mailbox, Post
from contactcenter.identity.two_factor import TwoFactor
from tests.integration.identity.door import (
    EMAIL,
    STRONG,
    Client,
    Letters,
    MovableClock,
    add_user,
    call,
    login,
    me,
    signed_in,
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = Pace(free=10**6, first_pause=1, longest_pause=1, forget_after=1)
    monkeypatch.setattr("contactcenter.identity.two_factor.CODE_PACE", endless)
    monkeypatch.setattr("contactcenter.identity.service.CODE_PACE", endless)
    monkeypatch.setattr("contactcenter.identity.service.ACCOUNT_PACE", endless)
    monkeypatch.setattr("contactcenter.identity.routes.SIGN_IN_LIMIT", Limit(1e6, 10**6))
    monkeypatch.setattr("contactcenter.identity.routes.LETTER_LIMIT", Limit(1e6, 10**6))


def code(secret: str, clock: MovableClock, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30 * steps))


async def switched_on(client: Client, clock: MovableClock, token: str) -> tuple[str, list[str]]:
    """(the secret, the recovery codes); the present step's code is used up."""
    _, made = await call(client, "POST", "/auth/2fa/enable", token)
    secret: str = made["secret"]
    status, body = await call(client, "POST", "/auth/2fa/verify", token, code=code(secret, clock))
    assert status == 200, body
    return secret, body["recovery_codes"]


async def second(client: Client, temp_token: str, given: str) -> tuple[int, Any]:
    return await call(client, "POST", "/auth/2fa/login", temp_token=temp_token, code=given)


async def test_setting_it_up_and_signing_in_with_it(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    token = await signed_in(client)
    status, made = await call(client, "POST", "/auth/2fa/enable", token)
    assert status == 200
    uri = urlsplit(made["otpauth_url"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == "/Contact centre:Ada@Example.com"
    assert parse_qs(uri.query)["secret"] == [made["secret"]]
    assert len(base64.b32decode(made["secret"])) == 20
    drawn = ET.fromstring(made["qr_svg"])
    assert drawn.tag.endswith("svg")
    assert drawn.get("viewBox")
    assert "script" not in made["qr_svg"]
    assert (await login(client))[1]["requires_2fa"] is False, "not before it is confirmed"
    wrong = "000000" if code(made["secret"], clock) != "000000" else "111111"
    status, body = await call(client, "POST", "/auth/2fa/verify", token, code=wrong)
    assert (status, body["errors"][0]["type"]) == (422, "wrong_code")

    right = code(made["secret"], clock)
    async with conn.transaction():
        await conn.execute("CREATE TEMP TABLE held ()")  # nobody reads the log on meanwhile
        assert (await call(client, "GET", "/auth/me", token))[0] == 200
        status, body = await call(client, "POST", "/auth/2fa/verify", token, code=right)
        assert (status, len(set(body["recovery_codes"]))) == (200, 10)
        own = (await call(client, "GET", "/auth/me", token))[1]
        assert own["user"]["two_factor_enabled"] is True
    assert (await call(client, "POST", "/auth/2fa/enable", token))[0] == 409

    status, first = await login(client)
    assert (status, first["requires_2fa"], first["access_token"]) == (200, True, None)
    assert await me(client, first["temp_token"]) == 401, "it opens nothing but the second step"
    assert (await second(client, first["temp_token"], right))[0] == 401, "used at the set-up"
    clock.pass_(seconds=30)
    status, body = await second(client, first["temp_token"], code(made["secret"], clock))
    assert (status, body["user"]["two_factor_enabled"]) == (200, True)
    assert await me(client, body["access_token"]) == 200
    clock.pass_(seconds=30)
    assert (await second(client, first["temp_token"], code(made["secret"], clock)))[0] == 401
    actions = await conn.fetch("SELECT action FROM audit_logs ORDER BY id")
    assert "auth.second_step_on" in {row["action"] for row in actions}
    assert "auth.code_refused" in {row["action"] for row in actions}


@pytest.mark.parametrize("given", ["12345", "abcdef", "1234567", "123 45", "", "AAAAA-BBBBB"])
async def test_what_is_no_code_is_422(client: Client, user: UUID, given: str) -> None:
    token = await signed_in(client)
    assert (await call(client, "POST", "/auth/2fa/verify", token, code=given))[0] == 422
    assert (await second(client, "x", given))[0] == 422


async def test_the_second_step_is_over_after_five_minutes(
    client: Client, user: UUID, clock: MovableClock
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    _, first = await login(client)
    clock.pass_(minutes=5)
    assert (await second(client, first["temp_token"], code(secret, clock)))[0] == 401


async def test_one_code_a_hundred_times_is_one_sign_in(
    client: Client, user: UUID, clock: MovableClock
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    clock.pass_(minutes=2)
    firsts = [(await login(client))[1]["temp_token"] for _ in range(100)]
    answers = await asyncio.gather(*(second(client, t, code(secret, clock)) for t in firsts))
    statuses = [status for status, _ in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 503}, "503: too many waited for the row at once"


async def test_adjacent_steps_and_a_clock_that_jumps(
    client: Client, user: UUID, clock: MovableClock
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    clock.pass_(minutes=2)

    async def tried(steps: int) -> int:
        _, first = await login(client)
        return (await second(client, first["temp_token"], code(secret, clock, steps)))[0]

    assert await tried(-2) == 401
    assert await tried(2) == 401
    assert await tried(-1) == 200
    assert await tried(-1) == 401
    assert await tried(1) == 200
    assert await tried(0) == 401, "an older step than the last one taken"
    clock.pass_(minutes=-10)
    assert await tried(0) == 401, "a clock set back gives nothing back"
    clock.pass_(minutes=20)
    assert await tried(0) == 200


async def test_recovery_codes_work_once_each(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    token = await signed_in(client)
    secret, codes = await switched_on(client, clock, token)
    firsts = [(await login(client))[1]["temp_token"] for _ in range(20)]
    answers = await asyncio.gather(*(second(client, t, codes[0]) for t in firsts))
    assert sorted(status for status, _ in answers) == [200] + [401] * 19
    _, first = await login(client)
    assert (await second(client, first["temp_token"], codes[1].lower().replace("-", "")))[0] == 200
    stored = b"".join(r[0] for r in await conn.fetch("SELECT code_hash FROM recovery_codes"))
    assert not any(c.encode() in stored for c in codes)

    clock.pass_(seconds=60)
    status, body = await call(
        client, "POST", "/auth/2fa/recovery-codes", token, code=code(secret, clock)
    )
    assert status == 200
    _, first = await login(client)
    assert (await second(client, first["temp_token"], codes[2]))[0] == 401, "replaced"
    assert (await second(client, first["temp_token"], body["recovery_codes"][0]))[0] == 200


async def test_switching_it_off_takes_a_code(
    client: Client, user: UUID, clock: MovableClock, letters: Letters
) -> None:
    token = await signed_in(client)
    _, codes = await switched_on(client, clock, token)
    assert (await call(client, "POST", "/auth/2fa/disable", token, code="000000"))[0] == 422
    assert (await call(client, "POST", "/auth/2fa/disable", token, code=codes[0]))[0] == 204
    assert (await login(client))[1]["requires_2fa"] is False
    assert "dos pasos" in (await letters.wait(1))[0]["subject"]


async def test_a_new_password_does_not_skip_it(
    client: Client, user: UUID, clock: MovableClock, letters: Letters
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    _, first = await login(client)
    await call(client, "POST", "/auth/forgot-password", email=EMAIL)
    link = await letters.link("reset", 1)
    status, _ = await call(client, "POST", "/auth/reset-password", token=link, new_password=STRONG)
    assert status == 204
    clock.pass_(seconds=60)
    assert (await second(client, first["temp_token"], code(secret, clock)))[0] == 401
    status, body = await login(client, EMAIL, STRONG)
    assert (status, body["requires_2fa"], body["access_token"]) == (200, True, None)


async def test_seeds_are_sealed_to_their_row(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    await add_user(conn, "eve@example.com")
    eve_secret, _ = await switched_on(client, clock, await signed_in(client, "eve@example.com"))
    stored = b"".join(r[0] for r in await conn.fetch("SELECT secret FROM two_factor"))
    assert secret.encode() not in stored
    assert base64.b32decode(secret) not in stored

    await conn.execute(
        "UPDATE two_factor SET secret = (SELECT secret FROM two_factor WHERE user_id <> $1) "
        "WHERE user_id = $1",
        user,
    )
    clock.pass_(seconds=60)
    _, first = await login(client)
    status, _ = await second(client, first["temp_token"], code(eve_secret, clock))
    assert status == 401, "a ciphertext from another row does not open"


async def test_keys_change_while_people_sign_in(
    client: Client, user: UUID, clock: MovableClock, deps: Deps, conn: db.Connection
) -> None:
    secret, _ = await switched_on(client, clock, await signed_in(client))
    old = deps.settings.auth.keyring
    both = Vault({"next": b"n" * 32, **old})
    post = Post(deps.settings, deps.work, deps.jobs, both, Mailbox(deps.work))
    rotated = TwoFactor(deps.work, clock, both, post, deps.limits, lambda _: None)
    raw = base64.b32decode(secret)
    binding = f"two_factor.secret/{user}"
    failed = 0
    for number in range(10):
        clock.pass_(seconds=30)
        if number == 5:
            await reseal(deps.work, both, SEALED)
        async with deps.work.begin("test.accept", "user:test") as work:
            failed += not await rotated.accept(work, user, code(secret, clock))
    assert failed == 0
    sealed = await conn.fetchval("SELECT secret FROM two_factor")
    assert Vault({"next": b"n" * 32}).open(sealed, binding) == raw, "the old key can go"
    with pytest.raises(Unopenable):
        Vault(old).open(sealed, binding)
