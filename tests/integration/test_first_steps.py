"""What must hold before anything else is built, in one go and on a server of its own: the tables,
the test users, a server that starts without an error, signing in by password, by a provider and by
a second step, and a log. That all tests pass and that no type is wrong is what `make test` is."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pyotp
import pytest

from config.settings import load_settings
from db.embedded import EmbeddedPostgres
from tests.conftest import TEST_ENVIRON, quick_folder
from tests.integration.app.people import PASSWORD
from tests.integration.test_smoke import command
from tests.oidc import provider as oidc
from tests.reliability.centre import POSTGRES, Centre, free_port

PEOPLE = {"admin": 1, "agent": 3, "supervisor": 2, "customer": 1}


async def test_the_first_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    folder, port = quick_folder("cc-first-"), free_port()
    callback = f"http://127.0.0.1:{port}/api/v1/auth/oidc/callback"
    try:
        with EmbeddedPostgres(folder, POSTGRES) as server, oidc.running([callback]) as issuer:
            environ = {
                **TEST_ENVIRON, "DATABASE_URL": server.url, "DATA_DIR": str(folder),
                "PORT": str(port), "DB_POOL_MIN": "2", "LOG_LEVEL": "INFO", "LOG_FORMAT": "json",
                "OIDC_NAME": "Example", "OIDC_ISSUER": issuer, "OIDC_CLIENT_ID": "centre",
                "OIDC_CLIENT_SECRET": oidc.CLIENT_SECRET,
            }  # fmt: skip
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            centre = Centre(folder, load_settings(environ), environ)
            try:
                await first_steps(centre, callback)
            finally:
                centre.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def first_steps(centre: Centre, callback: str) -> None:
    await command("up")
    await command("seed")
    conn = await centre.connect()
    roles = await conn.fetch("SELECT role, count(*) FROM users WHERE email LIKE '%@aintech.com' "
                             "GROUP BY role")  # fmt: skip
    assert dict(map(tuple, roles)) == PEOPLE
    await conn.close()
    centre.start()
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        await centre.ready(session)

        async def ask(method: str, path: str, token: str = "", **body: Any) -> tuple[int, Any]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = f"{centre.url}/api/v1/auth{path}"
            async with session.request(method, url, json=body or None, headers=headers) as answer:
                return answer.status, await answer.json() if answer.status != 204 else None

        login = {"email": "agent1@aintech.com", "password": PASSWORD}
        status, tokens = await ask("POST", "/login", **login)
        assert (status, tokens["requires_2fa"]) == (200, False)
        token = tokens["access_token"]
        status, mine = await ask("GET", "/me", token)
        assert (status, mine["user"]["email"]) == (200, login["email"])
        assert (await ask("GET", "/me"))[0] == 401

        _, made = await ask("POST", "/2fa/enable", token)
        totp = pyotp.TOTP(made["secret"])
        status, kept = await ask("POST", "/2fa/verify", token, code=totp.now())
        assert status == 200
        _, step = await ask("POST", "/login", **login)
        assert step["requires_2fa"]
        given = {"temp_token": step["temp_token"], "code": kept["recovery_codes"][0]}
        assert (await ask("POST", "/2fa/login", **given))[0] == 200

        async with session.get(
            f"{centre.url}/api/v1/auth/oidc?next=/desk", allow_redirects=False
        ) as answer:
            there = answer.headers["Location"]
        back = urlsplit(await oidc.visit(there, "verified:grace@example.com", callback))
        async with session.get(
            f"{centre.url}{back.path}?{back.query}", allow_redirects=False
        ) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/desk")
        _, tokens = await ask("POST", "/refresh", token_transport="cookie")
        _, mine = await ask("GET", "/me", tokens["access_token"])
        assert (mine["user"]["email"], mine["user"]["role"]) == ("grace@example.com", "customer")

    assert centre.server is not None
    await asyncio.to_thread(centre.server.end, (signal.SIGTERM, 20.0))
    assert centre.server.exit_code() == 0
    assert centre.complaints() == []
    lines = [json.loads(line) for line in centre.log.read_text().splitlines()]
    assert {"serving", "http_request"} <= {line["event"] for line in lines}
    assert all({"level", "timestamp"} <= line.keys() for line in lines)
