"""A user's row from the first to the last, by the functions that write it and nothing else."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import db
from contactcenter.core.ids import new_id
from contactcenter.identity import factor_store, people_store, store
from contactcenter.identity.model import User
from tests.integration.identity.door import MovableClock

COLUMNS = {
    "id", "email", "password_hash", "first_name", "last_name", "phone", "role", "status",
    "email_verified", "two_factor_enabled", "created_at", "updated_at", "last_login_at", "locale",
    "version",
}  # fmt: skip
"""The second factor's secret stands in a table of its own, sealed."""
DEFAULTS = """
INSERT INTO users (id, email, created_at, updated_at) VALUES ($1, $2, now(), now())
RETURNING role, status, email_verified, two_factor_enabled, locale, password_hash
"""


async def test_a_user_is_made_found_changed_and_ended(
    conn: db.Connection, clock: MovableClock
) -> None:
    columns = await conn.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'users'"
    )
    assert {row["column_name"] for row in columns} >= COLUMNS
    bare = await conn.fetchrow(DEFAULTS, new_id(), "bare@example.com")
    assert bare is not None
    assert tuple(bare.values()) == ("customer", "active", False, False, "es", None)

    ada = User(new_id(), "Ada@Example.com", "Ada", "Lovelace", "agent", "en", "+34600550044")
    assert await store.create_user(conn, ada, clock.now(), password_hash="$2b$12$x")
    again = dataclasses.replace(ada, id=new_id(), email="ADA@example.com")
    assert not await store.create_user(conn, again, clock.now(), password_hash=None)

    assert await store.find_user(conn, ada.id) == ada
    assert await store.find_by_email(conn, "ada@example.com") == ada
    assert await store.find_user(conn, new_id()) is None
    assert await store.find_by_email(conn, "nobody@example.com") is None
    assert await store.find_login(conn, "ada@example.com") == (ada, "$2b$12$x")

    later = clock.now() + timedelta(hours=1)
    await store.set_profile(conn, ada.id, {"last_name": "Byron", "phone": None}, later)
    changed = dataclasses.replace(ada, last_name="Byron", phone=None, version=2)
    assert await store.find_user(conn, ada.id) == changed
    assert await store.note_login(conn, ada.id, later)
    row = await conn.fetchrow("SELECT * FROM users WHERE id = $1", ada.id)
    assert row is not None
    assert (row["created_at"], row["updated_at"]) == (clock.now(), later)
    assert (row["last_login_at"], row["version"]) == (later, 2)

    assert await factor_store.put_pending(conn, ada.id, b"sealed") == ada.email
    await factor_store.confirm(conn, ada.id, 1, later)
    with_factor = dataclasses.replace(changed, two_factor=True, version=3)
    assert await store.find_user(conn, ada.id) == with_factor
    assert await factor_store.put_pending(conn, ada.id, b"other") is None, "one is on"
    assert await factor_store.remove(conn, ada.id, later) == ada.email
    assert await store.find_user(conn, ada.id) == dataclasses.replace(changed, version=4)
    assert await factor_store.lock(conn, ada.id) is None

    fields = {name: row[name] for name in ("first_name", "last_name", "phone", "locale", "role")}
    await people_store.update_user(conn, ada.id, {**fields, "status": "disabled"}, later)
    ended = await store.find_user(conn, ada.id)
    assert ended == dataclasses.replace(changed, status="disabled", version=5)
    assert not await store.note_login(conn, ada.id, later)
