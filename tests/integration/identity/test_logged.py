"""What the logs hold after everything that a person does at the door, at the level that tells
most: nothing that opens it, and nobody's address."""

from __future__ import annotations

import io
import logging

import pyotp
import structlog

import db
from tests.integration.identity.door import (
    STRONG,
    Client,
    Letters,
    MovableClock,
    call,
    login,
    refresh,
)
from tests.integration.logs import logged, told

__all__ = ["logged"]

GRACE = "grace.quisquilla@example.com"
PHONE = "+34611222333"
OTHER = "Otr4-clave-nueva"


async def test_nothing_that_opens_the_door_is_logged(
    logged: io.StringIO,  # first: what is built after it logs there
    client: Client,
    letters: Letters,
    clock: MovableClock,
    conn: db.Connection,
) -> None:
    secrets = {"e-mail": GRACE, "name": "Quisquilla", "phone": PHONE, "password": STRONG,
               "wrong password": "Equiv0cada!", "new password": OTHER}  # fmt: skip
    new = {"email": GRACE, "password": STRONG, "first_name": "Grace", "last_name": "Quisquilla"}
    assert (await call(client, "POST", "/auth/register", **new))[0] == 202
    secrets["verify token"] = await letters.link("verify", 1)
    bad = {**new, "email": f"{GRACE} {PHONE}", "phone": PHONE}
    assert (await call(client, "POST", "/auth/register", **bad))[0] == 422
    token = secrets["verify token"]
    given = {"token": token, "password": STRONG}
    assert (await call(client, "POST", "/auth/verify-email", **given))[0] == 204
    assert (await login(client, GRACE, secrets["wrong password"]))[0] == 401
    _, first = await login(client, GRACE, STRONG)
    status, second = await refresh(client, first["refresh_token"])
    assert status == 200
    for name, tokens in (("first", first), ("second", second)):
        secrets |= {f"{name} {k}": tokens[k] for k in ("access_token", "refresh_token")}
    access = second["access_token"]
    assert (await call(client, "PATCH", "/auth/me", access, phone=PHONE))[0] == 200

    _, made = await call(client, "POST", "/auth/2fa/enable", access)
    totp = pyotp.TOTP(made["secret"])
    secrets |= {"secret": made["secret"], "code": totp.at(clock.now())}
    status, body = await call(client, "POST", "/auth/2fa/verify", access, code=secrets["code"])
    assert status == 200
    recovery = body["recovery_codes"]
    secrets |= {f"recovery code {n}": code for n, code in enumerate(recovery)}
    clock.pass_(seconds=60)
    _, step = await login(client, GRACE, STRONG)
    secrets |= {"temp token": step["temp_token"], "second code": totp.at(clock.now())}
    given = {"temp_token": step["temp_token"], "code": secrets["second code"]}
    assert (await call(client, "POST", "/auth/2fa/login", **given))[0] == 200

    await call(client, "POST", "/auth/forgot-password", email=GRACE)
    secrets["reset token"] = await letters.link("reset", 2)
    given = {"token": secrets["reset token"], "new_password": OTHER}
    assert (await call(client, "POST", "/auth/reset-password", **given))[0] == 204

    await conn.execute("UPDATE two_factor SET secret = 'x'")
    clock.pass_(seconds=60)
    _, step = await login(client, GRACE, OTHER)
    secrets |= {"last temp token": step["temp_token"], "last code": totp.at(clock.now())}
    given = {"temp_token": step["temp_token"], "code": secrets["last code"]}
    assert (await call(client, "POST", "/auth/2fa/login", **given))[0] == 401

    found = told(logged)
    for status in (200, 202, 401, 422):
        assert f'"status": {status}' in found, "the requests are logged"
    assert "Traceback" in found or "raise" in found, "and so is what went wrong"
    assert [what for what, secret in secrets.items() if secret.lower() in found.lower()] == []

    logging.getLogger("anybody").debug("they typed %s", STRONG)
    structlog.get_logger("anybody").debug("typed", typed=OTHER)
    assert STRONG in told(logged), "one line with it would be found"
    assert OTHER in told(logged)
