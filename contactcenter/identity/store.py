"""SQL of users, sessions and refresh tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contactcenter.identity.model import User
from db import Connection, Record

FIND_LOGIN = """
SELECT id, email, first_name, last_name, role, locale, password_hash
FROM users WHERE lower(email) = $1 AND status = 'active'
"""


async def find_login(conn: Connection, email: str) -> tuple[User, str | None] | None:
    """The active user with this address (in lower case) and the password's hash."""
    row = await conn.fetchrow(FIND_LOGIN, email)
    return None if row is None else (_user(row), row["password_hash"])


NOTE_LOGIN = """
UPDATE users SET last_login_at = $2 WHERE id = $1 AND status = 'active' RETURNING true
"""


async def note_login(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """False when the user is not active any more."""
    return bool(await conn.fetchval(NOTE_LOGIN, user_id, now))


CREATE_SESSION = """
INSERT INTO sessions
    (id, user_id, ip_address, user_agent, created_at, expires_at, last_activity_at)
VALUES ($1, $2, $3, $4, $5, $6, $5)
"""


async def create_session(
    conn: Connection,
    session_id: UUID,
    user_id: UUID,
    *,
    address: str,
    user_agent: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    await conn.execute(CREATE_SESSION, session_id, user_id, address, user_agent, now, expires_at)


CREATE_REFRESH = """
INSERT INTO refresh_tokens (id, session_id, token_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""


async def create_refresh(
    conn: Connection,
    token_id: UUID,
    session_id: UUID,
    token_hash: bytes,
    now: datetime,
    expires_at: datetime,
) -> None:
    await conn.execute(CREATE_REFRESH, token_id, session_id, token_hash, now, expires_at)


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token with the session it belongs to."""

    id: UUID
    session_id: UUID
    user_id: UUID
    expires_at: datetime
    rotated_at: datetime | None
    session_expires_at: datetime
    session_ended_at: datetime | None
    active: bool  # the user's status


LOCK_REFRESH = """
SELECT r.id, r.session_id, s.user_id, r.expires_at, r.rotated_at,
       s.expires_at AS session_expires_at, s.ended_at AS session_ended_at,
       u.status = 'active' AS active
FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id JOIN users u ON u.id = s.user_id
WHERE r.token_hash = $1
FOR UPDATE OF r, s
"""


async def lock_refresh(conn: Connection, token_hash: bytes) -> Refresh | None:
    row = await conn.fetchrow(LOCK_REFRESH, token_hash)
    return None if row is None else Refresh(**row)


ROTATE = "UPDATE refresh_tokens SET rotated_at = $2 WHERE id = $1"
NOTE_ACTIVITY = "UPDATE sessions SET last_activity_at = $2 WHERE id = $1"


async def rotate(conn: Connection, refresh: Refresh, now: datetime) -> None:
    await conn.execute(ROTATE, refresh.id, now)
    await conn.execute(NOTE_ACTIVITY, refresh.session_id, now)


END_SESSION = """
UPDATE sessions SET ended_at = $2, end_cause = $3 WHERE id = $1 AND ended_at IS NULL
RETURNING true
"""


async def end_session(conn: Connection, session_id: UUID, now: datetime, cause: str) -> bool:
    """False when it had ended before."""
    return bool(await conn.fetchval(END_SESSION, session_id, now, cause))


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a session that is worth something."""

    session_id: UUID
    user_id: UUID
    role: str
    agent_id: UUID | None
    expires_at: datetime


FIND_HOLDER = """
SELECT s.id AS session_id, s.user_id, u.role, a.id AS agent_id, s.expires_at
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN agents a ON a.user_id = u.id
WHERE s.id = $1 AND s.ended_at IS NULL AND u.status = 'active'
"""


async def find_holder(conn: Connection, session_id: UUID) -> Holder | None:
    row = await conn.fetchrow(FIND_HOLDER, session_id)
    return None if row is None else Holder(**row)


FIND_ME = """
SELECT u.id, u.email, u.first_name, u.last_name, u.role, u.locale, a.id AS agent_id,
       a.name AS agent_name
FROM users u LEFT JOIN agents a ON a.user_id = u.id
WHERE u.id = $1
"""


async def find_me(conn: Connection, user_id: UUID) -> tuple[User, tuple[UUID, str] | None] | None:
    """A user and the id and name of the user's agent row."""
    row = await conn.fetchrow(FIND_ME, user_id)
    if row is None:
        return None
    agent = None if row["agent_id"] is None else (row["agent_id"], row["agent_name"])
    return _user(row), agent


FIND_ACTIVE = """
SELECT id, email, first_name, last_name, role, locale FROM users
WHERE lower(email) = ANY ($1::text[]) AND status = 'active'
ORDER BY array_position($1::text[], lower(email))
"""


async def find_active(conn: Connection, emails: Sequence[str]) -> list[User]:
    """The active users among these addresses, in their order."""
    return [_user(row) for row in await conn.fetch(FIND_ACTIVE, emails)]


SWEEP_SESSIONS = """
DELETE FROM sessions WHERE coalesce(ended_at, expires_at) < $1::timestamptz
"""
SWEEP_REFRESH = "DELETE FROM refresh_tokens WHERE expires_at < $1::timestamptz"


async def sweep(conn: Connection, now: datetime, *, keep: timedelta) -> None:
    """Forget sessions that ended, and tokens that expired, longer than `keep` ago."""
    await conn.execute(SWEEP_SESSIONS, now - keep)
    await conn.execute(SWEEP_REFRESH, now - keep)


def _user(row: Record) -> User:
    return User(
        id=row["id"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        role=row["role"],
        locale=row["locale"],
    )
