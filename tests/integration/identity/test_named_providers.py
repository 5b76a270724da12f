"""Google and Microsoft are one and the same way in as any other provider, under their own names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit
from uuid import UUID

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.identity import module
from contactcenter.identity.oidc import Provider
from tests.integration.identity.door import Client
from tests.integration.identity.test_lying_provider import Liar, signed
from tests.integration.identity.test_oauth import back, identities
from tests.oidc import provider as oidc

HOME = "http://127.0.0.1:8080/api/v1/auth"
NAMES = ("google", "microsoft")
CALLBACKS = {name: f"{HOME}/{name}/callback" for name in NAMES}
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc.running([*CALLBACKS.values()]) as issuer:
        yield issuer


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    liar = Liar()
    server = await liar.start()
    yield liar
    await server.close()


@pytest.fixture
async def client(
    settings: Settings,
    pool: db.Pool,
    deps: Deps,
    issuer: str,
    liar: Liar,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Client]:
    """`google` is the test's provider, `microsoft` the one that says what a test likes."""
    monkeypatch.setattr(
        "contactcenter.identity.module.providers_of",
        lambda _: [
            Provider("google", "Google", issuer, "centre", oidc.CLIENT_SECRET),
            Provider("microsoft", "Microsoft", liar.issuer, "centre", oidc.CLIENT_SECRET),
        ],
    )
    clock = SystemClock()  # the provider's tokens are of today
    here = Deps(settings, clock, pool, WorkFactory(pool, clock), deps.bus, JobQueue(clock))
    identity = module.build(here)
    app = build_app(
        identity.module.routes,
        settings=settings,
        work=here.work,
        authenticator=identity.sessions,
        checks={},
    )
    async with (
        identity.module.lifespans[0].run(),
        TestClient(TestServer(app), cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
    ):
        yield client


async def begun(client: Client, name: str) -> tuple[str, dict[str, str]]:
    """Where the browser is sent, and what it takes along."""
    answer = await client.get(f"/api/v1/auth/{name}?next=/desk", allow_redirects=False)
    assert answer.status == 302
    location = answer.headers["Location"]
    given = {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}
    return location, given


@pytest.mark.parametrize("name", NAMES)
async def test_each_has_a_state_and_a_challenge(client: Client, name: str) -> None:
    _, given = await begun(client, name)
    assert given["code_challenge_method"] == "S256"
    assert len(given["state"]) >= 43
    assert len(given["code_challenge"]) == 43
    assert given["redirect_uri"] == CALLBACKS[name]
    wrong = urlencode({"code": "c", "state": "x" * 43})
    assert (await back(client, f"{CALLBACKS[name]}?{wrong}"))[0] == 400
    denied = urlencode({"error": "access_denied", "state": given["state"]})
    other = CALLBACKS["microsoft" if name == "google" else "google"]
    assert (await back(client, f"{other}?{denied}"))[0] == 400, "begun at the other one"


async def test_google_signs_in(client: Client, user: UUID, conn: db.Connection) -> None:
    location, _ = await begun(client, "google")
    url = await oidc.visit(location, f"verified:{ADA}", CALLBACKS["google"])
    assert await back(client, url) == (302, "/desk")
    assert await identities(conn) == [("Ada@Example.com", f"verified:{ADA}")]
    assert await conn.fetchval("SELECT provider FROM oauth_identities") == "google"


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"email": "new@example.com", "email_verified": True}, "/desk"),
        ({"email": ADA}, "/account/sign-in#error=known_address"),
        ({"email": ADA, "email_verified": "true"}, "/account/sign-in#error=known_address"),
        (
            {"email": "new@example.com", "iss": "https://login.microsoftonline.com/other/v2.0"},
            "/account/sign-in#error=failed",
        ),
    ],
    ids=["good", "nothing of the address", "a word for it", "another tenant's"],
)
async def test_what_microsoft_may_say(
    client: Client,
    user: UUID,
    conn: db.Connection,
    liar: Liar,
    changes: dict[str, Any],
    ends: str,
) -> None:
    _, given = await begun(client, "microsoft")
    liar.token = signed(liar.issuer, **{"nonce": given["nonce"], **changes})
    came = urlencode({"code": "c", "state": given["state"]})
    assert await back(client, f"{CALLBACKS['microsoft']}?{came}") == (302, ends)
    assert len(await identities(conn)) == (ends == "/desk")
    assert await conn.fetchval("SELECT count(*) FROM users") == 1 + (ends == "/desk")


async def test_a_challenge_that_was_taken_out_on_the_way(
    client: Client, conn: db.Connection
) -> None:
    location, given = await begun(client, "google")
    for name in ("code_challenge", "code_challenge_method"):
        del given[name]
    stripped = urlunsplit(urlsplit(location)._replace(query=urlencode(given)))
    url = await oidc.visit(stripped, f"verified:{ADA}", CALLBACKS["google"])
    assert await back(client, url) == (302, "/account/sign-in#error=denied")
    assert await conn.fetchval("SELECT count(*) FROM users") == 0
