"""ENCRYPTION_KEYS change: what the old key sealed is sealed anew, and the old key goes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
import pytest

import db
from config.settings import Settings
from contactcenter import app, check
from contactcenter.core.vault import Vault
from contactcenter.identity.audit import verify
from contactcenter.identity.module import SEALED as IDENTITY_SEALED
from crm.module import SEALED as CRM_SEALED
from crm.workflows.runner import bound
from tests.integration.app.conftest import ANEW, Centre, ShiftedClock, served
from tests.integration.app.people import PASSWORD, SECONDS, sign_in

OLD, NEW = b"o" * 32, b"n" * 32
ADMIN, LUCIA = "admin@aintech.com", "agent1@aintech.com"
MIGRATIONS = Path(__file__).parents[3] / "db" / "migrations"


def test_every_sealed_column_is_sealed_anew() -> None:
    table, sealed = "", set()
    for path in sorted(MIGRATIONS.glob("*.sql")):
        for line in path.read_text().splitlines():
            if made := re.match(r"(?:CREATE|ALTER) TABLE (\w+)", line):
                table = made[1]
            if column := re.match(r"\s+(\w+)\s+bytea\b.*-- sealed \(core\.vault\)", line):
                sealed.add((table, column[1]))
    told = {(one.table, one.column) for one in (*IDENTITY_SEALED, *CRM_SEALED)}
    assert sealed == told
    assert len(told) == 4


def ring(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


@contextlib.asynccontextmanager
async def running(settings: Settings, clock: ShiftedClock, **keys: bytes) -> AsyncIterator[Centre]:
    mine = served(settings, ENCRYPTION_KEYS=ring(**keys))
    async with app.running(mine, ("web", "listeners"), clock, clock.monotonic) as house:
        yield Centre(mine.app.public_url, mine, clock, house)


async def code_login(centre: Centre, secret: str) -> Mapping[str, Any]:
    """What a sign-in by password and code answers."""
    body = {"email": LUCIA, "password": PASSWORD}
    _, first = await centre.http("POST", "/auth/login", json=body)
    given = {"temp_token": first["temp_token"], "code": pyotp.TOTP(secret).at(centre.clock.now())}
    status, signed_in = await centre.http("POST", "/auth/2fa/login", json=given)
    assert status == 200, signed_in
    answer: Mapping[str, Any] = signed_in
    return answer


async def audited(centre: Centre, name: str) -> int:
    """The status of a request that the audit log tells."""
    token = await sign_in(centre.url, ADMIN)
    body = {"name": name, "agents": []}
    return (await centre.http("PUT", f"/teams/{name}", token=token, json=body, headers=ANEW))[0]


async def test_the_old_key_goes_and_everybody_still_gets_in(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ShiftedClock()
    conn = await db.connect(settings)
    async with running(settings, clock, old=OLD) as centre:
        lucia = await sign_in(centre.url, LUCIA)
        _, made = await centre.http("POST", "/auth/2fa/enable", token=lucia)
        secret = made["secret"]
        code = {"code": pyotp.TOTP(secret).at(clock.now())}
        assert (await centre.http("POST", "/auth/2fa/verify", token=lucia, json=code))[0] == 200
        admin = await sign_in(centre.url, ADMIN)
        step = {"type": "call_webhook", "config": {"url": "https://example.com/x"}}
        flow = {"name": "w", "trigger_type": "manual", "steps": [step]}
        _, made = await centre.http("POST", "/workflows", token=admin, json=flow)
        workflow = UUID(made["workflow_id"])
        path = f"/workflows/{workflow}/webhook-secret"
        _, webhook = await centre.http("POST", path, token=admin)
        assert await audited(centre, "one") == 200

    async with running(settings, clock, new=NEW, old=OLD) as centre:
        assert await audited(centre, "two") == 200
        assert await check._keys(centre.settings)
        assert re.search(r"keys +old opens [1-9].*: keep it", capsys.readouterr().out)
        (schedule,) = (s for m in centre.house.modules for s in m.schedules if "reseal" in s.name)
        await schedule.handle()
        assert await check._keys(centre.settings)
        assert re.search(r"keys +old opens 0 .*: it can go", capsys.readouterr().out)

    clock.jump(timedelta(minutes=2))
    async with running(settings, clock, new=NEW) as centre:
        assert (await code_login(centre, secret))["access_token"]
        assert await audited(centre, "three") == 200
        sealed = await conn.fetchval("SELECT webhook_secret FROM workflows WHERE id = $1", workflow)
        opened = centre.house.deps.vault.open(sealed, bound(workflow)).decode()
        assert opened == webhook["secret"]
        assert await check._keys(centre.settings)
        assert "old opens 0" in capsys.readouterr().out
        both = Vault({"new": NEW, "old": OLD})

        rows = await conn.fetchval("SELECT count(*) FROM audit_logs")
        async with asyncio.timeout(SECONDS):  # the rows are linked soon
            while (whole := await verify(conn, both)).links < rows:
                await asyncio.sleep(0.02)
        assert whole.faults == []
        alone = await verify(conn, Vault({"new": NEW}))
        assert alone.faults
        assert all("key" in fault and "not there" in fault for fault in alone.faults)
    await conn.close()


async def test_a_key_that_is_missing_is_told(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = ShiftedClock()
    async with running(settings, clock, old=OLD) as centre:
        assert await audited(centre, "one") == 200
    async with running(settings, clock, new=NEW) as centre:
        body = {"email": ADMIN, "password": PASSWORD}
        status, answer = await centre.http("POST", "/auth/login", json=body)
        assert (status, answer["code"]) == (503, "unavailable")
        assert "key" in answer["detail"]
        assert not await check._keys(centre.settings)
        assert re.search(r"old opens [1-9].*: put it back", capsys.readouterr().out)
