"""Sign-in by a real OpenID Connect provider, and what must not pass."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

import aiohttp
import aiohttp.web
import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.limits import Limit
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.identity import module
from contactcenter.identity.oidc import OidcClient
from contactcenter.identity.tokens import hashed
from tests.integration.identity.door import Client, Letters, add_user, call
from tests.oidc import provider as oidc

CALLBACK = "http://127.0.0.1:8080/api/v1/auth/oidc/callback"
ADA = "ada@example.com"
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    with oidc.running([CALLBACK]) as issuer:
        yield issuer


@pytest.fixture
async def client(
    settings: Settings, pool: db.Pool, deps: Deps, issuer: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    monkeypatch.setattr("contactcenter.identity.oauth_routes.SIGN_IN_LIMIT", Limit(1e6, 10**6))
    monkeypatch.setattr("contactcenter.identity.routes.SIGN_IN_LIMIT", Limit(1e6, 10**6))
    clock = SystemClock()  # the provider's tokens are of today
    sign_in = settings.sign_in.model_copy(
        update={
            "oidc_name": "Example",
            "oidc_issuer": issuer,
            "oidc_client_id": "centre",
            "oidc_client_secret": type(settings.auth.jwt_secret)(oidc.CLIENT_SECRET),
        }
    )
    mine = settings.model_copy(update={"sign_in": sign_in})
    here = Deps(mine, clock, pool, WorkFactory(pool, clock), deps.bus, JobQueue(clock))
    identity = module.build(here)
    app = build_app(
        identity.module.routes,
        settings=mine,
        work=here.work,
        authenticator=identity.sessions,
        checks={},
    )
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        identity.module.lifespans[0].run(),
        TestClient(TestServer(app), cookie_jar=jar) as client,
    ):
        yield client


async def begin(client: Client, following: str = "/desk") -> str:
    """Where the browser is sent."""
    answer = await client.get(f"/api/v1/auth/oidc?next={following}", allow_redirects=False)
    assert answer.status == 302
    cookie = answer.headers["Set-Cookie"]
    assert "oauth_state=" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    return answer.headers["Location"]


async def back(client: Client, url: str) -> tuple[int, str]:
    """The browser comes back: status, and where it is sent."""
    parts = urlsplit(url)
    answer = await client.get(f"{parts.path}?{parts.query}", allow_redirects=False)
    return answer.status, answer.headers.get("Location", "")


async def came(client: Client, name: str, following: str = "/desk") -> tuple[int, str]:
    return await back(client, await oidc.visit(await begin(client, following), name, CALLBACK))


async def who(client: Client) -> dict[str, Any]:
    """Whoever the browser's cookie stands for."""
    _, tokens = await call(client, "POST", "/auth/refresh", token_transport="cookie")
    _, mine = await call(client, "GET", "/auth/me", tokens["access_token"])
    found: dict[str, Any] = mine
    return found


async def identities(conn: db.Connection) -> list[tuple[Any, ...]]:
    rows = await conn.fetch(
        "SELECT u.email, i.provider_user_id FROM oauth_identities i JOIN users u "
        "ON u.id = i.user_id ORDER BY 1"
    )
    return [tuple(row) for row in rows]


async def test_somebody_new_and_the_same_again(client: Client, conn: db.Connection) -> None:
    location = await begin(client)
    query = parse_qs(urlsplit(location).query)
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    url = await oidc.visit(location, "verified:grace@example.com", CALLBACK)
    assert await back(client, url) == (302, "/desk")
    mine = await who(client)
    assert (mine["user"]["email"], mine["user"]["role"]) == ("grace@example.com", "customer")
    assert (mine["user"]["first_name"], mine["user"]["email_verified"]) == ("Grace", True)
    assert await came(client, "verified:grace@example.com") == (302, "/desk")
    assert (await who(client))["user"]["id"] == mine["user"]["id"]
    assert await conn.fetchval("SELECT count(*) FROM users") == 1
    held = await conn.fetch("SELECT i::text FROM oauth_identities i")
    assert "token" not in str(held), "no token of the provider's is kept"


async def test_a_verified_address_links(client: Client, user: UUID, conn: db.Connection) -> None:
    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    assert (await who(client))["user"]["id"] == str(user)
    assert await identities(conn) == [("Ada@Example.com", f"verified:{ADA}")]
    assert await conn.fetchval("SELECT password_hash FROM users") is not None


async def test_an_unverified_address_never_links(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    status, location = await came(client, f"unverified:{ADA}")
    assert (status, location) == (302, "/account/sign-in#error=known_address")
    assert await identities(conn) == []
    status, _ = await call(client, "POST", "/auth/refresh", token_transport="cookie")
    assert status == 204, "nobody is signed in"


async def test_an_unverified_new_address_has_to_be_verified(client: Client) -> None:
    assert await came(client, "unverified:new@example.com") == (302, "/desk")
    mine = await who(client)
    assert (mine["user"]["email_verified"], mine["permissions"]) == (False, ["session.use"])


async def test_no_address_no_account(client: Client, conn: db.Connection) -> None:
    status, location = await came(client, "nobody:x")
    assert (status, location) == (302, "/account/sign-in#error=no_address")
    assert await conn.fetchval("SELECT count(*) FROM users") == 0


async def test_what_a_stranger_set_up_under_an_address_is_worth_nothing(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    await conn.execute("UPDATE users SET email_verified = false, role = 'customer'")
    _, stranger = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    assert (await who(client))["user"]["id"] == str(user)
    assert await conn.fetchval("SELECT password_hash FROM users") is None
    assert (await call(client, "GET", "/auth/me", stranger["access_token"]))[0] == 401


async def test_a_link_that_a_stranger_made_under_an_address_opens_nothing(
    client: Client, conn: db.Connection
) -> None:
    """Somebody takes an address by a provider that has not verified it, and sets a second factor
    up; its owner proves it by a letter."""
    assert await came(client, f"unverified:{ADA}") == (302, "/desk")
    stranger = (await who(client))["user"]["id"]
    await conn.execute("UPDATE users SET two_factor_enabled = true")
    await conn.execute(
        "INSERT INTO two_factor (user_id, secret, confirmed_at) SELECT id, 'x', now() FROM users"
    )
    await conn.execute(
        "INSERT INTO one_time_tokens (token_hash, purpose, user_id, created_at, expires_at) "
        "SELECT $1, 'reset', id, now(), now() + interval '1 hour' FROM users",
        hashed("letter"),
    )
    status, _ = await call(
        client, "POST", "/auth/reset-password", token="letter", new_password="Tr4mvía-azul"
    )
    assert status == 204
    assert await identities(conn) == []
    status, tokens = await call(client, "POST", "/auth/login", email=ADA, password="Tr4mvía-azul")
    assert (status, tokens["user"]["id"]) == (200, stranger)
    assert (await came(client, f"unverified:{ADA}"))[1] == "/account/sign-in#error=known_address"


async def test_a_new_password_ends_a_link_that_is_under_way(client: Client, user: UUID) -> None:
    _, tokens = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    token = tokens["access_token"]
    _, begun = await call(client, "POST", "/auth/identities/oidc", token, next="/account")
    url = await oidc.visit(begun["authorization_url"], "verified:eve@example.com", CALLBACK)
    change = {"current_password": " correct horse ", "new_password": "Tr4mvía-azul"}
    assert (await call(client, "POST", "/auth/change-password", token, **change))[0] == 204
    assert (await back(client, url))[0] == 400
    assert (await call(client, "GET", "/auth/identities", token))[1]["items"] == []


async def reset(client: Client, conn: db.Connection, user: UUID, token: str = "letter") -> int:
    """A new password by a letter's link."""
    await conn.execute(
        "INSERT INTO one_time_tokens (token_hash, purpose, user_id, created_at, expires_at) "
        "VALUES ($1, 'reset', $2, now(), now() + interval '1 hour')",
        hashed(token),
        user,
    )
    given = {"token": token, "new_password": "Tr4mvía-azul"}
    return (await call(client, "POST", "/auth/reset-password", **given))[0]


async def test_a_link_whose_code_is_being_redeemed_does_not_outlive_a_new_password(
    client: Client, user: UUID, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tokens = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    _, begun = await call(
        client, "POST", "/auth/identities/oidc", tokens["access_token"], next="/account"
    )
    url = await oidc.visit(begun["authorization_url"], "verified:eve@example.com", CALLBACK)
    redeem = OidcClient.redeem

    async def slowly(self: OidcClient, *given: Any) -> Any:
        person = await redeem(self, *given)
        assert await reset(client, conn, user) == 204
        return person

    monkeypatch.setattr(OidcClient, "redeem", slowly)
    assert await back(client, url) == (302, "/account/sign-in#error=denied")
    assert await identities(conn) == []


async def test_a_sign_in_under_way_ends_with_the_link_that_it_came_by(
    client: Client, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's provider, linked under an unverified address, is at its last sign-in while the
    address's owner sets a password."""
    assert await came(client, f"unverified:{ADA}") == (302, "/desk")
    user = await conn.fetchval("SELECT id FROM users")
    redeem = OidcClient.redeem

    async def slowly(self: OidcClient, *given: Any) -> Any:
        person = await redeem(self, *given)
        assert await reset(client, conn, user) == 204
        return person

    monkeypatch.setattr(OidcClient, "redeem", slowly)
    location = (await came(client, f"unverified:{ADA}"))[1]
    assert location == "/account/sign-in#error=known_address"
    assert await conn.fetchval("SELECT count(*) FROM sessions WHERE ended_at IS NULL") == 0


async def test_a_subject_counts_at_its_issuer_alone(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    """The settings named another provider before, which had a person of the same number."""
    await conn.execute(
        "INSERT INTO oauth_identities (id, user_id, provider, issuer, provider_user_id, "
        "created_at, last_used_at) VALUES ($1, $1, 'oidc', 'https://former.example', $2, now(), "
        "now())",
        user,
        "verified:eve@example.com",
    )
    assert await came(client, "verified:eve@example.com") == (302, "/desk")
    assert (await who(client))["user"]["email"] == "eve@example.com"
    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    assert await identities(conn) == [
        ("Ada@Example.com", f"verified:{ADA}"),
        ("eve@example.com", "verified:eve@example.com"),
    ], "the former link made room for the present one"


async def test_two_who_unlink_at_once_leave_a_way_in(
    client: Client, user: UUID, conn: db.Connection, settings: Settings
) -> None:
    _, tokens = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    await conn.execute("UPDATE users SET password_hash = NULL")
    for provider in ("google", "microsoft"):
        await conn.execute(
            "INSERT INTO oauth_identities (id, user_id, provider, issuer, provider_user_id, "
            "created_at, last_used_at) VALUES (gen_random_uuid(), $1, $2, $2, 'x', now(), now())",
            user,
            provider,
        )
    holder = await db.connect(settings)
    async with holder.transaction():
        await holder.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", user)
        both = [
            asyncio.create_task(
                call(client, "DELETE", f"/auth/identities/{provider}", tokens["access_token"])
            )
            for provider in ("google", "microsoft")
        ]
        async with asyncio.timeout(10):
            while await conn.fetchval(WAITING) < 2:
                await asyncio.sleep(0.01)
    statuses = sorted([(await task)[0] for task in both])
    await holder.close()
    assert statuses == [204, 409]
    assert await conn.fetchval("SELECT count(*) FROM oauth_identities") == 1


async def test_the_owner_hears_of_what_opens_the_account(
    client: Client, letters: Letters, user: UUID
) -> None:
    _, tokens = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    token = tokens["access_token"]
    _, begun = await call(client, "POST", "/auth/identities/oidc", token, next="/account")
    url = await oidc.visit(begun["authorization_url"], "unverified:work@example.com", CALLBACK)
    assert (await back(client, url))[1] == "/account#linked=oidc"
    (letter,) = await letters.wait(1)
    assert (letter["subject"], letter["address"]) == (
        "Ya puedes entrar con Example",
        "Ada@Example.com",
    )
    assert (await call(client, "DELETE", "/auth/identities/oidc", token))[0] == 204
    assert (await letters.wait(2))[0]["subject"] == "Ya no puedes entrar con Example"
    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    assert (await letters.wait(3))[0]["subject"] == "Ya puedes entrar con Example"


async def test_a_disabled_user_stays_out(client: Client, user: UUID, conn: db.Connection) -> None:
    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    await conn.execute("UPDATE users SET status = 'disabled'")
    assert (await came(client, f"verified:{ADA}"))[1] == "/account/sign-in#error=disabled"


async def test_the_second_step_is_not_skipped(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    await conn.execute("UPDATE users SET two_factor_enabled = true")
    status, location = await came(client, f"verified:{ADA}")
    assert status == 302
    assert location.startswith("/account/code#")
    assert (await call(client, "POST", "/auth/refresh", token_transport="cookie"))[0] == 204


async def test_link_and_unlink_but_never_the_last_way_in(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    _, tokens = await call(client, "POST", "/auth/login", email=ADA, password=" correct horse ")
    token = tokens["access_token"]
    _, begun = await call(client, "POST", "/auth/identities/oidc", token, next="/account")
    url = await oidc.visit(begun["authorization_url"], "unverified:work@example.com", CALLBACK)
    assert await back(client, url) == (302, "/account#linked=oidc")
    _, listed = await call(client, "GET", "/auth/identities", token)
    assert [(i["provider"], i["email"]) for i in listed["items"]] == [("oidc", "work@example.com")]
    assert (await call(client, "DELETE", "/auth/identities/oidc", token))[0] == 204
    assert (await call(client, "DELETE", "/auth/identities/oidc", token))[0] == 404

    assert await came(client, f"verified:{ADA}") == (302, "/desk")
    await conn.execute("UPDATE users SET password_hash = NULL")
    assert (await call(client, "DELETE", "/auth/identities/oidc", token))[0] == 409
    await add_user(conn, "eve@example.com")
    _, eve = await call(
        client, "POST", "/auth/login", email="eve@example.com", password=" correct horse "
    )
    _, begun = await call(client, "POST", "/auth/identities/oidc", eve["access_token"], next="/")
    url = await oidc.visit(begun["authorization_url"], f"verified:{ADA}", CALLBACK)
    assert (await back(client, url))[1] == "/account/sign-in#error=taken"


async def test_a_state_that_did_not_begin_here(client: Client, conn: db.Connection) -> None:
    url = await oidc.visit(await begin(client), "verified:grace@example.com", CALLBACK)
    query = dict(parse_qs(urlsplit(url).query))
    good = {name: values[0] for name, values in query.items()}

    async def tried(**changes: str | None) -> int:
        given = {k: v for k, v in {**good, **changes}.items() if v is not None}
        return (await back(client, f"{CALLBACK}?{urlencode(given)}"))[0]

    assert await tried(state=None) == 400
    assert await tried(state="") == 400
    assert await tried(state="x" * 43) == 400
    other = await begin(client)  # the browser began another one since
    assert await tried() == 400, "the state is not the one in the cookie"
    swapped = parse_qs(urlsplit(other).query)["state"][0]
    assert (await back(client, f"{CALLBACK}?{urlencode({**good, 'state': swapped})}"))[
        1
    ] == "/account/sign-in#error=failed", "the code belongs to another state's PKCE and nonce"
    assert await conn.fetchval("SELECT count(*) FROM users") == 0


async def test_another_browser_cannot_finish_it(client: Client, conn: db.Connection) -> None:
    url = await oidc.visit(await begin(client), "verified:grace@example.com", CALLBACK)
    client.session.cookie_jar.clear()
    assert (await back(client, url))[0] == 400
    assert await conn.fetchval("SELECT count(*) FROM users") == 0


async def test_an_answer_counts_once(client: Client) -> None:
    url = await oidc.visit(await begin(client), "verified:grace@example.com", CALLBACK)
    answers = await asyncio.gather(*(back(client, url) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [302] + [400] * 9


async def test_an_answer_of_another_issuer(client: Client) -> None:
    url = await oidc.visit(await begin(client), "verified:grace@example.com", CALLBACK)
    assert "iss=" in url
    mixed = url.replace("iss=http", "iss=https")
    assert (await back(client, mixed))[0] == 400


async def test_refusing_at_the_provider(client: Client) -> None:
    state = parse_qs(urlsplit(await begin(client)).query)["state"][0]
    status, location = await back(client, f"{CALLBACK}?state={state}&error=access_denied")
    assert (status, location) == (302, "/account/sign-in#error=denied")


@pytest.mark.parametrize(
    "following",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f%2fevil", "javascript:x",
     "/desk?x=//evil", "/desk#x", "\t//evil.example"],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere(client: Client, following: str) -> None:
    quoted = urlencode({"next": following})
    answer = await client.get(f"/api/v1/auth/oidc?{quoted}", allow_redirects=False)
    url = await oidc.visit(answer.headers["Location"], "verified:grace@example.com", CALLBACK)
    assert await back(client, url) == (302, "/")


async def test_a_flow_is_sealed(client: Client, conn: db.Connection) -> None:
    location = await begin(client)
    held = await conn.fetchval("SELECT f::text FROM oauth_flows f")
    query = parse_qs(urlsplit(location).query)
    assert query["state"][0] not in held
    assert query["nonce"][0] not in held


OWNER = """
from tests.oidc import provider
with provider.running([]) as issuer:
    print(issuer, flush=True)
    input()
"""


async def test_the_provider_ends_with_a_killed_owner() -> None:
    """No test run leaves one behind."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    port = urlsplit((await owner.stdout.readline()).decode()).port
    owner.kill()
    await owner.wait()
    async with asyncio.timeout(10):
        while await is_served(port):
            await asyncio.sleep(0.01)


async def is_served(port: int | None) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True
