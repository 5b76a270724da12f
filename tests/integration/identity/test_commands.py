"""`python -m contactcenter audit verify` and `check`, on a real database."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

import db
from config.settings import Settings
from contactcenter import __main__ as commands
from tests.conftest import TEST_ENVIRON
from tests.integration.identity.door import Client
from tests.integration.identity.test_audit import TAMPERING, admin, linked, some_history, tamper

__all__ = ["admin"]


@pytest.fixture(autouse=True)
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.database.url is not None
    here = {"DATABASE_URL": settings.database.url, "DATA_DIR": str(settings.app.data_dir)}
    for name, value in {**TEST_ENVIRON, **here}.items():
        monkeypatch.setenv(name, value)


async def test_audit_verify_tells_whether_the_log_is_whole(
    client: Client,
    admin: str,
    user: UUID,
    chained: None,
    conn: db.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await some_history(client, admin, user)
    rows = await linked(conn)
    assert await asyncio.to_thread(commands.main, ["audit", "verify"]) == 0
    out, err = capsys.readouterr()
    verdict = json.loads(out.splitlines()[-1])
    assert (verdict["rows"], verdict["intact"], err) == (rows, True, "")
    head = ["audit", "verify", "--head", verdict["head"]]
    assert await asyncio.to_thread(commands.main, head) == 0
    capsys.readouterr()

    await tamper(conn, TAMPERING["action"])
    assert await asyncio.to_thread(commands.main, ["audit", "verify"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["intact"] is False
    assert err.strip(), "what is wrong"


async def test_check_says_what_it_found(
    conn: db.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await asyncio.to_thread(commands.main, ["check"])  # the front end need not be built here
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert said["settings"] == "ok (test)"
    assert (said["database"], said["migrations"], said["proxy"]) == ("ok", "ok", "ok")
    assert "voice" in said

    await conn.execute(
        "DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)"
    )
    assert await asyncio.to_thread(commands.main, ["check"]) == 1
    assert "1 not applied: run `python -m db up`." in capsys.readouterr().out
