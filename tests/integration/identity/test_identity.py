from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import bcrypt
import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import db
from config.settings import Settings
from contactcenter.app import add_pages
from contactcenter.core import ids
from contactcenter.core.bus import Bus
from contactcenter.core.errors import Unavailable
from contactcenter.core.http import build_app
from contactcenter.core.jobs import JobQueue
from contactcenter.core.module import Deps
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.identity import module, passwords, post
from tests.integration.identity.door import (
    EMAIL,
    PASSWORD,
    Client,
    MovableClock,
    add_user,
    call,
    login,
    me,
    refresh,
)


async def test_login_me_logout(client: Client, user: UUID, conn: db.Connection) -> None:
    status, body = await login(client, "  ADA@example.COM ")
    assert status == 200
    assert body["user"] == {
        "id": str(user),
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "last_name": "",
        "role": "agent",
        "locale": "es",
        "phone": None,
        "email_verified": True,
        "two_factor_enabled": False,
        "version": 1,
    }
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == str(user)
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 900

    headers = {"Authorization": f"Bearer {body['access_token']}"}
    agent = ids.new_id()
    await conn.execute(
        "INSERT INTO agents (id, user_id, name, sort_key, status_since, created_at) "
        "VALUES ($1, $2, 'Ada L.', 'ada l.', now(), now())",
        agent,
        user,
    )
    answer = await (await client.get("/api/v1/auth/me", headers=headers)).json()
    assert answer["agent"] == {"id": str(agent), "name": "Ada L."}
    assert "desk.use" in answer["permissions"]
    assert "queues.manage" not in answer["permissions"]

    out = await client.post("/api/v1/auth/logout", headers=headers)
    assert out.status == 204
    assert await me(client, body["access_token"]) == 401
    assert (await refresh(client, body["refresh_token"]))[0] == 401
    kinds = await conn.fetch(
        "SELECT type, data->>'cause' AS cause FROM event_log "
        "WHERE type LIKE 'session.%' ORDER BY id"
    )
    assert [tuple(row) for row in kinds] == [("session.started", None), ("session.ended", "logout")]
    assert await conn.fetchval("SELECT last_login_at IS NOT NULL FROM users")


async def test_nothing_in_the_tables_opens_a_door(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    _, body = await login(client)
    rows = await conn.fetch("SELECT token_hash FROM refresh_tokens")
    assert len(rows) == 1
    assert body["refresh_token"].encode() not in rows[0]["token_hash"]
    for held in (rows[0]["token_hash"].hex(), str(user)):
        assert (await refresh(client, held))[0] == 401


async def test_wrong_user_and_wrong_password_look_and_cost_the_same(
    client: Client, user: UUID, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_user(conn, "disabled@example.com")
    await conn.execute("UPDATE users SET status = 'disabled' WHERE email LIKE 'disabled%'")
    await add_user(conn, "passwordless@example.com", password=None)
    checked: list[bytes] = []

    def counting(secret: bytes, hashed: bytes) -> bool:
        checked.append(hashed[:7])
        return bcrypt.checkpw(secret, hashed)

    monkeypatch.setattr(passwords, "_check", counting)
    answers = []
    for email, password in (
        (EMAIL, "wrong"),
        (EMAIL, PASSWORD.strip()),
        (EMAIL, PASSWORD + "x" * 80),
        ("nobody@example.com", PASSWORD),
        ("disabled@example.com", PASSWORD),
        ("passwordless@example.com", PASSWORD),
    ):
        before = len(checked)
        status, body = await login(client, email, password)
        assert len(checked) == before + 1, "exactly one bcrypt, whatever is wrong"
        answers.append((status, {k: v for k, v in body.items() if k != "request_id"}))
    assert answers == [answers[0]] * len(answers)
    assert answers[0][0] == 401
    assert set(checked) == {b"$2b$04$"}
    assert await conn.fetchval("SELECT count(*) FROM sessions") == 0


async def test_a_sign_in_brings_the_hash_to_the_setting_s_cost(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    """Else an old account answers at another speed than one that does not exist."""

    async def cost() -> str:
        return str(await conn.fetchval("SELECT left(password_hash, 7) FROM users"))

    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    await conn.execute("UPDATE users SET password_hash = $1", old)
    assert (await login(client, EMAIL, "wrong"))[0] == 401
    assert await cost() == "$2b$05$", "who does not know the password changes nothing"
    answers = await asyncio.gather(*(login(client) for _ in range(4)))
    assert [status for status, _ in answers] == [200] * 4
    assert await cost() == "$2b$04$"
    before = await conn.fetchval("SELECT password_hash FROM users")
    assert (await login(client))[0] == 200
    assert await conn.fetchval("SELECT password_hash FROM users") == before


async def test_guessing_is_slowed_down_for_real_and_invented_accounts(
    client: Client, user: UUID
) -> None:
    for email in (EMAIL, "nobody@example.com"):
        statuses = [(await login(client, email, "wrong"))[0] for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
    status, body = await login(client)
    assert status == 429, "the right password is not tried while the pause lasts"
    assert body["ctx"]["retry_after"] > 0


async def test_many_guesses_at_once_are_no_more_than_in_turn(client: Client, user: UUID) -> None:
    answers = await asyncio.gather(*(login(client, EMAIL, "wrong") for _ in range(20)))
    assert sorted(status for status, _ in answers) == [401] * 5 + [429] * 15


@pytest.mark.parametrize(
    "body", [{}, {"email": EMAIL}, {"email": "no address", "password": "x"}, {"email": 1}]
)
async def test_a_login_without_sense_is_422(client: Client, body: dict[str, Any]) -> None:
    answer = await client.post("/api/v1/auth/login", json=body)
    assert answer.status == 422


async def test_a_registration_without_anything_names_what_is_missing(client: Client) -> None:
    answer = await client.post("/api/v1/auth/register", json={})
    missing = {error["loc"][-1] for error in (await answer.json())["errors"]}
    assert (answer.status, missing) == (422, {"email", "password", "first_name", "last_name"})


async def test_refresh_rotates(client: Client, user: UUID, clock: MovableClock) -> None:
    _, first = await login(client)
    clock.pass_(minutes=14)
    status, second = await refresh(client, first["refresh_token"])
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    clock.pass_(minutes=14)
    assert await me(client, first["access_token"]) == 401
    assert await me(client, second["access_token"]) == 200
    assert (await refresh(client, second["refresh_token"]))[0] == 200


async def test_two_tabs_get_the_same_successor(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    _, first = await login(client)
    answers = await asyncio.gather(*(refresh(client, first["refresh_token"]) for _ in range(10)))
    assert {status for status, _ in answers} == {200}
    assert len({body["refresh_token"] for _, body in answers}) == 1
    clock.pass_(seconds=10)
    status, late = await refresh(client, first["refresh_token"])
    assert (status, late["refresh_token"]) == (200, answers[0][1]["refresh_token"])
    assert await conn.fetchval("SELECT count(*) FROM refresh_tokens") == 2
    assert (await refresh(client, late["refresh_token"]))[0] == 200


async def test_reuse_ends_the_family(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    _, first = await login(client)
    _, other = await login(client)
    _, second = await refresh(client, first["refresh_token"])
    assert await me(client, second["access_token"]) == 200
    clock.pass_(seconds=11)
    assert (await refresh(client, first["refresh_token"]))[0] == 401
    assert (await refresh(client, second["refresh_token"]))[0] == 401
    assert await me(client, second["access_token"]) == 401
    assert await me(client, other["access_token"]) == 200, "another session is not concerned"
    ended = await conn.fetch("SELECT data->>'cause' FROM event_log WHERE type = 'session.ended'")
    assert [row[0] for row in ended] == ["reuse"]


async def test_tokens_and_sessions_end(client: Client, user: UUID, clock: MovableClock) -> None:
    _, body = await login(client)
    token = body["refresh_token"]
    for _ in range(5):
        clock.pass_(days=6)
        status, body = await refresh(client, token)
        if status != 200:
            break
        token = body["refresh_token"]
    assert status == 401, "no session lives longer than thirty days"
    _, body = await login(client)
    clock.pass_(days=8)
    assert (await refresh(client, body["refresh_token"]))[0] == 401


async def test_the_cookie_is_out_of_reach_of_scripts(client: Client, user: UUID) -> None:
    answer = await client.post(
        "/api/v1/auth/login",
        json={"email": EMAIL, "password": PASSWORD, "token_transport": "cookie"},
    )
    assert (await answer.json())["refresh_token"] is None
    cookie, device = answer.headers.getall("Set-Cookie")
    assert "device=" in device
    for part in ("HttpOnly", "SameSite=Strict", "Path=/api/v1/auth"):
        assert part in device
    for part in ("HttpOnly", "SameSite=Strict", "Path=/api/v1/auth", "Max-Age=604800"):
        assert part in cookie
    by_cookie = await client.post("/api/v1/auth/refresh", json={"token_transport": "cookie"})
    body = await by_cookie.json()
    assert (by_cookie.status, body["refresh_token"]) == (200, None)
    lured = await client.post("/api/v1/auth/refresh", json={"token_transport": "body"})
    body = await lured.json()
    assert (lured.status, body["refresh_token"]) == (200, None), "no script gets it by asking"
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    out = await client.post("/api/v1/auth/logout", headers=headers)
    assert 'refresh_token="";' in out.headers["Set-Cookie"]
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    assert (await client.post("/api/v1/auth/refresh", json={})).status == 401
    client.session.cookie_jar.clear()
    fresh = await client.post("/api/v1/auth/refresh", json={"token_transport": "cookie"})
    assert fresh.status == 204, "a browser that was never signed in is told so, without an error"


@pytest.mark.parametrize("token", ["old", "missing", "rubbish", "another kind"])
async def test_signing_out_works_by_the_cookie_when_the_access_token_is_old(
    client: Client, user: UUID, conn: db.Connection, clock: MovableClock, token: str
) -> None:
    given = {"email": EMAIL, "password": PASSWORD, "token_transport": "cookie"}
    body = await (await client.post("/api/v1/auth/login", json=given)).json()
    clock.pass_(minutes=16)
    assert await me(client, body["access_token"]) == 401
    held = {"old": body["access_token"], "rubbish": "a.b.c", "another kind": "cck_nothing"}
    headers = {} if token == "missing" else {"Authorization": f"Bearer {held[token]}"}
    url, by_cookie = "/api/v1/auth/logout", {"token_transport": "cookie"}
    evil = await client.post(url, headers=headers | {"Origin": "https://evil.example"})
    assert evil.status == 403
    out = await client.post(url, headers=headers, json=by_cookie)
    assert out.status == 204
    assert "Max-Age=0" in out.headers["Set-Cookie"]
    causes = await conn.fetch("SELECT end_cause FROM sessions WHERE user_id = $1", user)
    assert [row["end_cause"] for row in causes] == ["logout"]
    note = await conn.fetchrow(
        "SELECT action, user_id, person FROM audit_logs ORDER BY id DESC LIMIT 1"
    )
    assert note is not None
    assert tuple(note) == ("identity.logout", user, user)
    again = await client.post("/api/v1/auth/refresh", json=by_cookie)
    assert again.status == 204, "the browser has no cookie, and a reload signs nobody in"
    assert (await client.post(url, json=by_cookie)).status == 401


async def test_a_changed_user_bites_at_once(
    client: Client, user: UUID, conn: db.Connection, pool: db.Pool, clock: MovableClock
) -> None:
    _, body = await login(client)
    assert await me(client, body["access_token"]) == 200
    await conn.execute("UPDATE users SET status = 'disabled'")
    from contactcenter.events.identity import UserChanged

    async with WorkFactory(pool, clock).begin("test.change", "user:admin") as work:
        work.emit(UserChanged(user_id=user))
    async with asyncio.timeout(5):
        while await me(client, body["access_token"]) != 401:
            await asyncio.sleep(0.01)
    assert (await refresh(client, body["refresh_token"]))[0] == 401


async def test_without_a_provider_s_keys_there_is_the_password_alone(
    client: Client, user: UUID
) -> None:
    for name in ("google", "microsoft"):
        assert (await client.get(f"/api/v1/auth/{name}", allow_redirects=False)).status == 404
    assert (await (await client.get("/api/v1/auth/providers")).json())["items"] == []
    assert (await login(client))[0] == 200


async def test_demo_users_are_listed_outside_production(
    client: Client, conn: db.Connection
) -> None:
    await add_user(conn, "agent1@aintech.com", "agent", "password123")
    answer = await (await client.get("/api/v1/auth/demo-users")).json()
    assert answer["items"] == [
        {
            "email": "agent1@aintech.com",
            "password": "password123",
            "name": "Ada",
            "role": "agent",
        }
    ]


async def test_production_knows_no_demo_users(
    settings: Settings, pool: db.Pool, conn: db.Connection, clock: MovableClock
) -> None:
    await add_user(conn, "agent1@aintech.com", "agent", "password123")
    production = settings.model_copy(
        update={"app": settings.app.model_copy(update={"environment": "production"})}
    )
    work = WorkFactory(pool, clock)
    identity = module.build(
        Deps(production, clock, pool, work, Bus(production, pool, CATALOGUE, work), JobQueue(clock))
    )
    app = build_app(
        identity.module.routes,
        settings=production,
        work=work,
        authenticator=identity.sessions,
        checks={},
    )
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/api/v1/auth/demo-users")).status == 404
        assert (await client.get("/api/v1/demo/mailbox")).status == 404
        assert (await login(client, "agent1@aintech.com", "password123"))[0] == 401
        asked = {"email": "agent1@aintech.com"}
        assert (await client.post("/api/v1/auth/forgot-password", json=asked)).status == 200
        waiting = await conn.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = $1", post.JOB)
        (letter,) = (job for job in identity.module.jobs if job.name == post.JOB)
        assert len(waiting) == 1
        with pytest.raises(Unavailable, match="MAIL_URL"):
            await letter.handle(orjson.loads(waiting[0]["payload"]))
    assert await conn.fetchval("SELECT count(*) FROM one_time_tokens") == 1, "it was written"
    assert await conn.fetchval("SELECT count(*) FROM mailbox") == 0, "and kept by nobody"


@pytest.mark.parametrize("environment", ["production", "development"])
async def test_production_has_no_demo_page(settings: Settings, environment: str) -> None:
    app_settings = settings.app.model_copy(update={"environment": environment})
    pages = web.Application()
    add_pages(pages, settings.model_copy(update={"app": app_settings}))
    known = {resource.canonical for resource in pages.router.resources()}
    assert {"/desk", "/admin"} <= known
    async with TestClient(TestServer(pages)) as client:
        first = await client.get("/", allow_redirects=False)
        if environment == "production":
            assert (first.status, first.headers["Location"]) == (302, "/desk")
            assert (await client.get("/demo")).status == 404
            assert "/demo" not in known
        else:
            assert (first.status, first.headers["Location"]) == (302, "/demo")
            assert "/demo" in known


async def test_a_provider_without_keys_is_not_there_and_the_rest_is(
    client: Client, user: UUID
) -> None:
    status, told = await call(client, "GET", "/auth/providers")
    assert (status, told["items"]) == (200, [])
    for provider in ("google", "microsoft", "oidc"):
        assert (await call(client, "GET", f"/auth/{provider}"))[0] == 404
        assert (await call(client, "GET", f"/auth/{provider}/callback"))[0] == 404
    assert (await login(client))[0] == 200


async def test_sweeping_forgets_what_ended_long_ago(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection, pool: db.Pool
) -> None:
    await login(client)
    clock.pass_(days=200)
    await login(client)
    from contactcenter.identity import store

    await store.sweep(conn, clock.now(), keep=timedelta(days=90), most=500)
    assert await conn.fetchval("SELECT count(*) FROM sessions") == 1
    assert await conn.fetchval("SELECT count(*) FROM refresh_tokens") == 1


async def test_the_plans_indexes_are_there(conn: db.Connection) -> None:
    rows = await conn.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert {
        "idx_users_email",
        "idx_oauth_provider",
        "idx_sessions_user",
        "idx_refresh_tokens_user",
        "idx_audit_logs_user",
        "idx_audit_logs_created",
    } <= {row["indexname"] for row in rows}
