from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.limits import Limit
from contactcenter.identity import passwords
from contactcenter.identity.passwords import Passwords
from tests.integration.identity.door import (
    EMAIL,
    PASSWORD,
    STRONG,
    Client,
    Letters,
    MovableClock,
    add_user,
    call,
    login,
    me,
    refresh,
    signed_in,
)

NEW = {
    "email": "Grace@example.com ",
    "password": STRONG,
    "first_name": "Grace",
    "last_name": "Hopper",
    "phone": "612 34 56 78",
}


@pytest.fixture(autouse=True)
def many_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contactcenter.identity.routes.LETTER_LIMIT", Limit(1e6, 10**6))
    monkeypatch.setattr("contactcenter.identity.routes.SIGN_IN_LIMIT", Limit(1e6, 10**6))


async def test_a_customer_registers_and_verifies(
    client: Client, letters: Letters, conn: db.Connection
) -> None:
    assert (await call(client, "POST", "/auth/register", **NEW))[0] == 202
    row = await conn.fetchrow("SELECT * FROM users WHERE email = 'grace@example.com'")
    assert row is not None
    assert (row["role"], row["phone"], row["email_verified"]) == ("customer", "+34612345678", False)
    token = await signed_in(client, "grace@example.com", STRONG)
    _, mine = await call(client, "GET", "/auth/me", token)
    assert mine["permissions"] == ["session.use"]
    assert mine["user"]["email_verified"] is False

    link = await letters.link("verify", 1)
    other = await signed_in(client, "grace@example.com", STRONG)
    assert (await call(client, "POST", "/auth/verify-email", token, token=link))[0] == 204
    status, body = await call(client, "POST", "/auth/verify-email", token, token=link)
    assert (status, body["errors"][0]["type"]) == (422, "bad_link")
    _, mine = await call(client, "GET", "/auth/me", token)
    assert mine["user"]["email_verified"] is True
    assert (await call(client, "GET", "/auth/me", other))[0] == 401, "it did not confirm"


async def test_a_link_does_not_verify_a_stranger_s_account(
    client: Client, letters: Letters, user: UUID, conn: db.Connection
) -> None:
    """Somebody registers another's address and keeps the password; the other opens the letter."""
    assert (await call(client, "POST", "/auth/register", **NEW))[0] == 202
    stranger = await signed_in(client, "grace@example.com", STRONG)
    link = await letters.link("verify", 1)
    victim = await signed_in(client)  # of an account of their own
    verified = "SELECT email_verified FROM users WHERE email = 'grace@example.com'"
    for token in (None, victim):
        status, body = await call(client, "POST", "/auth/verify-email", token, token=link)
        assert (status, body["errors"][0]["loc"]) == (422, ["password"])
        given = {"token": link, "password": "Equiv0cada!"}
        status, body = await call(client, "POST", "/auth/verify-email", token, **given)
        assert (status, body["errors"][0]["type"]) == (422, "wrong_password")
        assert await conn.fetchval(verified) is False
    given = {"token": link, "password": STRONG}
    assert (await call(client, "POST", "/auth/verify-email", **given))[0] == 204
    assert await conn.fetchval(verified) is True
    assert (await call(client, "GET", "/auth/me", stranger))[0] == 401


async def test_staff_who_are_not_verified_may_nothing(
    client: Client, user: UUID, conn: db.Connection
) -> None:
    await conn.execute("UPDATE users SET email_verified = false, role = 'admin'")
    token = await signed_in(client)
    assert (await call(client, "GET", "/auth/me", token))[1]["permissions"] == ["session.use"]
    assert (await call(client, "GET", "/users", token))[0] == 403


async def test_a_known_address_is_told_by_a_letter_only(
    client: Client,
    letters: Letters,
    user: UUID,
    conn: db.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashed: list[int] = []

    def counting(secret: bytes, rounds: int) -> str:
        hashed.append(rounds)
        return "$2b$04$" + "." * 53

    monkeypatch.setattr(passwords, "_hash", counting)
    answers = []
    for email in (EMAIL, "new@example.com"):
        status, body = await call(client, "POST", "/auth/register", **{**NEW, "email": email})
        answers.append((status, body))
        assert len(hashed) == len(answers), "exactly one bcrypt, whoever it is"
    assert answers[0] == answers[1]
    assert {letter["address"]: letter["subject"] for letter in await letters.wait(2)} == {
        "Ada@Example.com": "Ya tienes una cuenta",
        "new@example.com": "Confirma tu dirección de correo",
    }
    assert await conn.fetchval("SELECT password_hash FROM users WHERE id = $1", user) is not None
    assert (await login(client))[0] == 200, "the owner's password is what it was"


async def test_nobody_registers_as_staff(client: Client) -> None:
    status, _ = await call(client, "POST", "/auth/register", **NEW, role="admin")
    assert status == 422


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("email", "nobody", "string_pattern_mismatch"),
        ("password", "short1!", "weak_password"),
        ("first_name", "", "string_too_short"),
        ("last_name", "x" * 81, "string_too_long"),
        ("phone", "12", "string_too_short"),
        ("phone", "999 99", "bad_phone"),
        ("locale", "fr", "literal_error"),
    ],
)
async def test_each_wrong_field_is_named(client: Client, field: str, value: Any, kind: str) -> None:
    status, body = await call(client, "POST", "/auth/register", **{**NEW, field: value})
    assert status == 422
    assert [(error["loc"], error["type"]) for error in body["errors"]] == [([field], kind)]
    assert STRONG not in str(body)


async def test_forgot_and_reset(
    client: Client,
    letters: Letters,
    user: UUID,
    conn: db.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "QUEUE_LIMIT", 100)
    _, before = await login(client)
    answers = [
        await call(client, "POST", "/auth/forgot-password", email=email)
        for email in (EMAIL, "nobody@example.com")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    link = await letters.link("reset", 1)
    everything = await _dump(conn)
    assert link not in everything.replace((await letters.all())[0]["body"], "")

    weak, _ = await call(client, "POST", "/auth/reset-password", token=link, new_password="weak")
    assert weak == 422
    tried = await asyncio.gather(
        *(
            call(client, "POST", "/auth/reset-password", token=link, new_password=f"{STRONG}{n}")
            for n in range(100)
        )
    )
    statuses = [status for status, _ in tried]
    assert statuses.count(204) == 1, "single use in a race of a hundred"
    assert set(statuses) <= {204, 422, 503}, "503: too many waited at once"
    assert await me(client, before["access_token"]) == 401
    assert (await refresh(client, before["refresh_token"]))[0] == 401
    assert (await login(client))[0] == 401, "the old password is dead"
    assert (await login(client, EMAIL, f"{STRONG}{statuses.index(204)}"))[0] == 200
    assert (await letters.wait(2))[0]["subject"] == "Tu contraseña ha cambiado"


async def _dump(conn: db.Connection) -> str:
    """Everything in the database, as text."""
    tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    parts = []
    for table in tables:
        rows = await conn.fetch(f'SELECT t::text FROM "{table[0]}" t')
        parts += [row[0] for row in rows]
        if table[0] == "pgqueuer":
            payloads = await conn.fetch("SELECT payload FROM pgqueuer")
            parts += [bytes(row[0] or b"").decode(errors="replace") for row in payloads]
    return "\n".join(parts)


async def test_a_link_for_a_new_password_lasts_an_hour(
    client: Client, letters: Letters, user: UUID, clock: MovableClock
) -> None:
    await call(client, "POST", "/auth/forgot-password", email=EMAIL)
    link = await letters.link("reset", 1)
    clock.pass_(minutes=60)
    status, _ = await call(client, "POST", "/auth/reset-password", token=link, new_password=STRONG)
    assert status == 422


async def test_a_stranger_cannot_fill_a_mailbox(
    client: Client, letters: Letters, user: UUID, conn: db.Connection
) -> None:
    statuses = [
        (await call(client, "POST", "/auth/forgot-password", email=EMAIL))[0] for _ in range(10)
    ]
    assert statuses == [200] * 10
    await letters.wait(3)
    async with asyncio.timeout(15):
        while await conn.fetchval("SELECT count(*) FROM pgqueuer"):  # none is on its way
            await asyncio.sleep(0.05)
    await letters.wait(3)


async def test_staff_are_invited(client: Client, letters: Letters, conn: db.Connection) -> None:
    await add_user(conn, "boss@example.com", "admin")
    admin = await signed_in(client, "boss@example.com")
    invited = {
        "email": "Linus@example.com",
        "first_name": "Linus",
        "last_name": "T.",
        "role": "agent",
        "locale": "en",
    }
    headers = {"Authorization": f"Bearer {admin}", "Idempotency-Key": "k-1"}
    twice = [
        await client.post("/api/v1/users/invitations", json=invited, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status for answer in twice] == [201, 201]
    row = await twice[0].json()
    assert row == await twice[1].json()
    assert (row["status"], row["role"]) == ("invited", "agent")
    assert (await call(client, "POST", "/users/invitations", admin, **invited))[0] == 409
    assert (await login(client, "linus@example.com", STRONG))[0] == 401
    first = await letters.link("invite", 1)
    assert "invited" in (await letters.all())[0]["subject"]

    assert (await call(client, "POST", f"/users/{row['id']}/invitation", admin))[0] == 204
    second = await letters.link("invite", 2)
    accept = {"password": STRONG, "last_name": "Torvalds"}
    assert (await call(client, "POST", "/auth/invitations/accept", token=first, **accept))[0] == 422
    status, _ = await call(client, "POST", "/auth/invitations/accept", token=second, **accept)
    assert status == 204
    token = await signed_in(client, "linus@example.com", STRONG)
    _, mine = await call(client, "GET", "/auth/me", token)
    assert (mine["user"]["last_name"], mine["user"]["email_verified"]) == ("Torvalds", True)
    assert "desk.use" in mine["permissions"]
    assert (await call(client, "POST", f"/users/{row['id']}/invitation", admin))[0] == 409


async def test_changing_the_password_ends_the_other_sessions(client: Client, user: UUID) -> None:
    here, there = await signed_in(client), await signed_in(client)
    wrong = {"current_password": "wrong", "new_password": STRONG}
    status, body = await call(client, "POST", "/auth/change-password", here, **wrong)
    assert (status, body["errors"][0]["type"]) == (422, "wrong_password")
    right = {"current_password": PASSWORD, "new_password": STRONG}
    assert (await call(client, "POST", "/auth/change-password", here, **right))[0] == 204
    assert (await me(client, here), await me(client, there)) == (200, 401)
    assert (await login(client, EMAIL, STRONG))[0] == 200


async def test_the_profile_is_one_s_own(client: Client, user: UUID) -> None:
    token = await signed_in(client)
    status, body = await call(
        client, "PATCH", "/auth/me", token, phone="+44 20 7946 0018", locale="en"
    )
    assert (status, body["phone"], body["locale"]) == (200, "+442079460018", "en")
    assert (await call(client, "PATCH", "/auth/me", token, role="admin"))[0] == 422
    status, body = await call(client, "PATCH", "/auth/me", token, phone=None)
    assert (body["phone"], body["first_name"]) == (None, "Ada")


async def test_sessions_are_listed_and_ended(
    client: Client, user: UUID, clock: MovableClock, conn: db.Connection
) -> None:
    first = await signed_in(client)
    clock.pass_(minutes=1)
    second, third = await signed_in(client), await signed_in(client)
    _, body = await call(client, "GET", "/auth/sessions", second)
    assert [item["current"] for item in body["items"]].count(True) == 1
    assert len(body["items"]) == 3
    assert body["items"][0]["address"] == "127.0.0.1"
    oldest = body["items"][-1]["id"]
    assert (await call(client, "DELETE", f"/auth/sessions/{oldest}", second))[0] == 204
    assert (await call(client, "DELETE", f"/auth/sessions/{oldest}", second))[0] == 404
    assert (await me(client, first), await me(client, third)) == (401, 200)
    assert (await call(client, "DELETE", "/auth/sessions", second))[0] == 204
    assert (await me(client, second), await me(client, third)) == (200, 401)

    await add_user(conn, "eve@example.com")
    eve = await signed_in(client, "eve@example.com")
    mine = (await call(client, "GET", "/auth/sessions", second))[1]["items"][0]["id"]
    assert (await call(client, "DELETE", f"/auth/sessions/{mine}", eve))[0] == 404


async def test_guessing_from_elsewhere_does_not_lock_the_owner_out(
    client: Client, user: UUID
) -> None:
    owner = await client.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
    device = owner.cookies["device"].value
    client.session.cookie_jar.clear()
    guesses = [(await login(client, EMAIL, "wrong"))[0] for _ in range(40)]
    assert guesses == [401] * 5 + [429] * 35

    async def by_device(password: str) -> int:
        client.session.cookie_jar.clear()
        answer = await client.post(
            "/api/v1/auth/login",
            json={"email": EMAIL, "password": password},
            headers={"Cookie": f"device={device}"},
        )
        return answer.status

    assert await by_device(PASSWORD) == 200
    assert [await by_device("wrong") for _ in range(7)] == [401] * 5 + [429] * 2
    client.session.cookie_jar.clear()
    assert (await login(client))[0] == 429, "without the cookie the pause holds"


async def test_a_password_that_is_being_checked_is_worth_nothing_once_it_is_changed(
    client: Client, user: UUID, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Passwords.check
    right_hash = await conn.fetchval("SELECT password_hash FROM users")

    async def slowly(self: Passwords, *given: Any) -> bool:
        right = await check(self, *given)
        await conn.execute("UPDATE users SET password_hash = 'another'")
        return right

    monkeypatch.setattr(Passwords, "check", slowly)
    assert (await login(client))[0] == 401
    await conn.execute("UPDATE users SET two_factor_enabled = true, password_hash = $1", right_hash)
    assert (await login(client))[0] == 401
    assert await conn.fetchval("SELECT count(*) FROM sessions") == 0
    assert await conn.fetchval("SELECT count(*) FROM one_time_tokens") == 0
