"""A production centre from an empty database: `init`, the first administrator, the first chat."""

from __future__ import annotations

from typing import get_args

import aiohttp
import pytest

import db
from config.settings import Settings, load_settings
from contactcenter import check, prepare
from contactcenter.app import running
from crm.law import Kind as PeriodKind
from db import migrate
from tests.conftest import TEST_ENVIRON
from tests.integration.app.conftest import free_port

ADDRESS = "direccion@example.com"
PASSWORD = "Tr4mvía-azul-7"
PRODUCTION = {
    "APP_ENV": "production",
    "JWT_SECRET": "a" * 40,
    "JWT_REFRESH_SECRET": "b" * 40,
    "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
}


def served(settings: Settings) -> Settings:
    assert settings.database.url is not None
    place = {"DATABASE_URL": settings.database.url, "DATA_DIR": str(settings.app.data_dir)}
    return load_settings({**TEST_ENVIRON, **PRODUCTION, **place, "PORT": str(free_port())})


async def test_from_an_empty_database_to_a_chat_in_a_queue(
    settings: Settings, conn: db.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = served(settings)
    assert await check.asked(mine) == 1
    told = capsys.readouterr().out
    for wanted in ("nobody administers it", "set PUBLIC_URL", "set MAIL_URL"):
        assert wanted in told
    assert await prepare.main(mine, name="Correduría Ejemplo", admin="nobody") == 1
    assert await prepare.main(mine, name="Correduría Ejemplo", admin=ADDRESS.upper()) == 0
    first = capsys.readouterr().out
    assert "queues       written" in first
    assert await prepare.main(mine, name=None, admin=ADDRESS) == 0
    again = capsys.readouterr().out
    assert "left as they are" in again
    assert await conn.fetchval("SELECT count(*) FROM workflows") == 4
    assert await conn.fetchval("SELECT count(*) FROM customers") == 0
    # What the law fixes is there before anybody writes a rule.
    held = await conn.fetch("SELECT DISTINCT kind FROM legal_periods")
    assert {row[0] for row in held} == set(get_args(PeriodKind))
    assert await conn.fetchval("SELECT count(*) FROM premium_rates WHERE kind = 'ips'") == 3

    async with running(mine, {"web"}), aiohttp.ClientSession() as web:
        base = f"{mine.app.public_url}/api/v1"
        for text, status in ((first, 422), (again, 204)):
            link = text.rsplit("#", 1)[1].strip()
            accepted = {"token": link, "password": PASSWORD, "first_name": "A", "last_name": "B"}
            async with web.post(f"{base}/auth/invitations/accept", json=accepted) as answer:
                assert answer.status == status, await answer.text()
        body = {"email": ADDRESS, "password": PASSWORD}
        async with web.post(f"{base}/auth/login", json=body) as answer:
            access = (await answer.json())["access_token"]
        mine_now = {"Authorization": f"Bearer {access}"}
        async with web.get(f"{base}/queues", headers=mine_now) as answer:
            assert "CO" in await answer.text()
        async with web.get(f"{base}/chat/config") as answer:
            assert (await answer.json())["name"] == "Correduría Ejemplo"
        body = {"name": "Ana", "message": "Hola"}
        async with web.post(f"{base}/chat/conversations", json=body) as answer:
            assert answer.status == 201, await answer.text()
    await check.asked(mine)
    assert "centre       ok" in capsys.readouterr().out
    assert await prepare.main(mine, name=None, admin="otra@example.com") == 1
    assert "There is an administrator already" in capsys.readouterr().err
    rows = "SELECT count(*) FROM audit_logs WHERE action = 'user.invited'"
    assert await conn.fetchval(rows) == 2


async def test_a_database_of_before_is_told_and_no_more_asked_of_it(
    settings: Settings, conn: db.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    undone = await migrate.down(conn, migrate.read(), 30)
    assert await check.asked(served(settings)) == 1
    assert f"{len(undone)} not applied: run" in capsys.readouterr().out
