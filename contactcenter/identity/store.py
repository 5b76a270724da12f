"""SQL of signing in: users as they sign in, sessions, refresh and one-time tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contactcenter.core.mail import Letter
from contactcenter.identity.model import Purpose, User
from db import Connection, Record

USER_FIELDS = """u.id, u.email, u.first_name, u.last_name, u.role, u.locale, u.phone, u.status,
       u.email_verified, u.two_factor_enabled, u.version"""

FIND_LOGIN = f"""
SELECT {USER_FIELDS}, u.password_hash
FROM users u WHERE lower(u.email) = $1 AND u.status = 'active'
"""  # noqa: S608 - a constant

FIND_USER = f"SELECT {USER_FIELDS} FROM users u WHERE u.id = $1"  # noqa: S608 - a constant
FIND_BY_EMAIL = f"""
SELECT {USER_FIELDS} FROM users u WHERE lower(u.email) = $1
"""  # noqa: S608 - a constant
FIND_HASH = "SELECT password_hash FROM users WHERE id = $1"


async def find_login(conn: Connection, email: str) -> tuple[User, str | None] | None:
    """The active user with this address (in lower case) and the password's hash."""
    row = await conn.fetchrow(FIND_LOGIN, email)
    return None if row is None else (user_of(row), row["password_hash"])


async def find_user(conn: Connection, user_id: UUID) -> User | None:
    """Whatever the status."""
    row = await conn.fetchrow(FIND_USER, user_id)
    return None if row is None else user_of(row)


async def find_by_email(conn: Connection, email: str) -> User | None:
    """The user with this address (in lower case), whatever the status."""
    row = await conn.fetchrow(FIND_BY_EMAIL, email)
    return None if row is None else user_of(row)


LOCK_ACTIVE = f"""
SELECT {USER_FIELDS} FROM users u
WHERE u.id = $1 AND u.status = 'active' AND ($2::text[] IS NULL OR u.password_hash = ANY ($2))
FOR UPDATE
"""  # noqa: S608 - a constant


async def lock_user(
    conn: Connection, user_id: UUID, hashes: Sequence[str] | None = None
) -> User | None:
    """The user under the row's lock; None for one who is not active, or whose password has none
    of these hashes."""
    row = await conn.fetchrow(LOCK_ACTIVE, user_id, hashes)
    return None if row is None else user_of(row)


async def find_hash(conn: Connection, user_id: UUID) -> str | None:
    hashed: str | None = await conn.fetchval(FIND_HASH, user_id)
    return hashed


RENEW = "UPDATE users SET password_hash = $2 WHERE id = $1"


async def renew_hash(conn: Connection, user_id: UUID, hashed: str) -> None:
    """Keep another hash of the same password."""
    await conn.execute(RENEW, user_id, hashed)


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


END_SESSIONS = """
UPDATE sessions SET ended_at = $2, end_cause = $3
WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
  AND ($4::uuid IS NULL OR id = $4) AND ($5::uuid IS NULL OR id <> $5)
RETURNING id
"""


async def end_sessions(
    conn: Connection,
    user_id: UUID,
    now: datetime,
    cause: str,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[UUID]:
    """End a user's sessions, or one, or all but one; answers those that were not over."""
    rows = await conn.fetch(END_SESSIONS, user_id, now, cause, only, but)
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its user sees it."""

    id: UUID
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime


SESSIONS = """
SELECT id, ip_address, user_agent, created_at, last_activity_at, expires_at
FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
ORDER BY last_activity_at DESC, id DESC
"""


async def sessions(conn: Connection, user_id: UUID, now: datetime) -> list[SessionRow]:
    """Those that are not over, the last used first."""
    return [SessionRow(**row) for row in await conn.fetch(SESSIONS, user_id, now)]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a session that is worth something."""

    session_id: UUID
    user_id: UUID
    permissions: list[str] | None  # of a custom role; None: a built-in one
    queues: list[str] | None  # what the rights are limited to; None: not limited
    teams: list[str] | None
    agent_id: UUID | None
    agent_name: str | None
    expires_at: datetime
    user: User


FIND_HOLDERS = f"""
SELECT {USER_FIELDS}, s.id AS session_id, s.user_id, r.permissions,
       (SELECT array_agg(key) FROM user_scopes WHERE user_id = u.id AND kind = 'queue') AS queues,
       (SELECT array_agg(key) FROM user_scopes WHERE user_id = u.id AND kind = 'team') AS teams,
       a.id AS agent_id, a.name AS agent_name, s.expires_at
FROM sessions s JOIN users u ON u.id = s.user_id JOIN roles r ON r.name = u.role
     LEFT JOIN agents a ON a.user_id = u.id
WHERE s.id = ANY ($1::uuid[]) AND s.ended_at IS NULL AND u.status = 'active'
"""  # noqa: S608 - a constant


async def find_holders(conn: Connection, session_ids: Sequence[UUID]) -> dict[UUID, Holder]:
    """Session → who holds it, of those that are not over."""
    return {
        row["session_id"]: Holder(
            session_id=row["session_id"],
            user_id=row["user_id"],
            permissions=row["permissions"],
            queues=row["queues"],
            teams=row["teams"],
            agent_id=row["agent_id"],
            agent_name=row["agent_name"],
            expires_at=row["expires_at"],
            user=user_of(row),
        )
        for row in await conn.fetch(FIND_HOLDERS, session_ids)
    }


FIND_ACTIVE = f"""
SELECT {USER_FIELDS} FROM users u
WHERE lower(u.email) = ANY ($1::text[]) AND u.status = 'active'
ORDER BY array_position($1::text[], lower(u.email))
"""  # noqa: S608 - a constant


async def find_active(conn: Connection, emails: Sequence[str]) -> list[User]:
    """The active users among these addresses, in their order."""
    return [user_of(row) for row in await conn.fetch(FIND_ACTIVE, emails)]


# One-time tokens -----------------------------------------------------------------------------

CREATE_ONCE = """
INSERT INTO one_time_tokens (token_hash, purpose, user_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""
ONCE_USER = """
SELECT user_id FROM one_time_tokens
WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
"""
USE_ONCE = """
UPDATE one_time_tokens SET used_at = $3
WHERE token_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
RETURNING user_id
"""
VOID_ONCE = """
UPDATE one_time_tokens SET used_at = $3
WHERE user_id = $1 AND purpose = ANY ($2::text[]) AND used_at IS NULL
"""


async def create_token(
    conn: Connection,
    token_hash: bytes,
    purpose: Purpose,
    user_id: UUID,
    now: datetime,
    expires_at: datetime,
) -> None:
    await conn.execute(CREATE_ONCE, token_hash, purpose, user_id, now, expires_at)


async def token_user(
    conn: Connection, token_hash: bytes, purpose: Purpose, now: datetime
) -> UUID | None:
    """Whose it is; None for one that is unknown, used or over."""
    user_id: UUID | None = await conn.fetchval(ONCE_USER, token_hash, purpose, now)
    return user_id


async def use_token(
    conn: Connection, token_hash: bytes, purpose: Purpose, now: datetime
) -> UUID | None:
    """Use it up; answers whose it was. Of many at once exactly one gets an answer."""
    user_id: UUID | None = await conn.fetchval(USE_ONCE, token_hash, purpose, now)
    return user_id


async def void_tokens(
    conn: Connection, user_id: UUID, purposes: Sequence[Purpose], now: datetime
) -> None:
    """Make the user's unused tokens of these purposes worthless."""
    await conn.execute(VOID_ONCE, user_id, list(purposes), now)


# Accounts ------------------------------------------------------------------------------------

CREATE_USER = """
INSERT INTO users (id, email, password_hash, first_name, last_name, phone, role, status,
                   email_verified, locale, created_at, updated_at, password_changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING true
"""


async def create_user(
    conn: Connection, user: User, now: datetime, *, password_hash: str | None
) -> bool:
    """False when somebody has this address already."""
    return bool(
        await conn.fetchval(
            CREATE_USER,
            user.id,
            user.email,
            password_hash,
            user.first_name,
            user.last_name,
            user.phone,
            user.role,
            user.status,
            user.email_verified,
            user.locale,
            now,
            now if password_hash else None,
        )
    )


MARK_VERIFIED = """
UPDATE users SET email_verified = true, updated_at = $2, version = version + 1
WHERE id = $1 AND status = 'active' AND NOT email_verified
RETURNING true
"""
UNPROVED = "SELECT NOT email_verified FROM users WHERE id = $1 FOR UPDATE"
LIVE_SESSION = """
SELECT true FROM sessions
WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3
FOR SHARE
"""
LIVE_SESSIONS = """
SELECT id FROM sessions WHERE id = ANY ($1::uuid[]) AND ended_at IS NULL AND expires_at > $2
ORDER BY id FOR SHARE
"""
UNTOUCHED_SESSIONS = f"{LIVE_SESSIONS.rstrip()} SKIP LOCKED"
DROP_FLOWS = "DELETE FROM oauth_flows WHERE user_id = $1"
DISOWN = (
    "DELETE FROM oauth_identities WHERE user_id = $1",
    "DELETE FROM recovery_codes WHERE user_id = $1",
    "DELETE FROM two_factor WHERE user_id = $1",
    "UPDATE users SET two_factor_enabled = false WHERE id = $1",
    DROP_FLOWS,
)
RENEW_HASH = """
UPDATE users SET password_hash = $2, password_changed_at = $3, email_verified = true,
    status = CASE WHEN status = 'invited' THEN 'active' ELSE status END,
    updated_at = $3, version = version + 1
WHERE id = $1 AND status IN ('active', 'invited')
RETURNING true
"""
CHANGE_HASH = """
UPDATE users SET password_hash = $2, password_changed_at = $3, updated_at = $3,
    version = version + 1
WHERE id = $1 AND status = 'active'
"""
SET_PROFILE = """
UPDATE users SET first_name = coalesce($2, first_name), last_name = coalesce($3, last_name),
    phone = CASE WHEN $4 THEN $5 ELSE phone END, locale = coalesce($6, locale),
    updated_at = $7, version = version + 1
WHERE id = $1
"""


async def mark_verified(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """False when the address was verified before."""
    return bool(await conn.fetchval(MARK_VERIFIED, user_id, now))


async def disown(conn: Connection, user_id: UUID) -> None:
    """The address is about to be proved: what was set up before, by whom nobody knows, goes:
    links to providers and the second factor. Nothing happens to a verified account."""
    if await conn.fetchval(UNPROVED, user_id):
        for statement in DISOWN:
            await conn.execute(statement, user_id)


async def is_live(conn: Connection, session_id: UUID, user_id: UUID, now: datetime) -> bool:
    """Whether the user's session is not over; it does not end before this transaction does."""
    return bool(await conn.fetchval(LIVE_SESSION, session_id, user_id, now))


async def live(
    conn: Connection, session_ids: Collection[UUID], now: datetime, *, wait: bool
) -> set[UUID]:
    """Those of the sessions that are not over, and do not end before this transaction does.
    Without `wait`, one that somebody is just changing is left out."""
    statement = LIVE_SESSIONS if wait else UNTOUCHED_SESSIONS
    return {row["id"] for row in await conn.fetch(statement, list(session_ids), now)}


async def drop_flows(conn: Connection, user_id: UUID) -> None:
    """A link to a provider that is under way comes to nothing."""
    await conn.execute(DROP_FLOWS, user_id)


async def set_password(conn: Connection, user_id: UUID, hashed: str, now: datetime) -> bool:
    """By a link from a letter, which also proves the address. False for a disabled user."""
    return bool(await conn.fetchval(RENEW_HASH, user_id, hashed, now))


async def change_password(conn: Connection, user_id: UUID, hashed: str, now: datetime) -> None:
    await conn.execute(CHANGE_HASH, user_id, hashed, now)


async def set_profile(
    conn: Connection, user_id: UUID, given: Mapping[str, Any], now: datetime
) -> None:
    """Write first_name, last_name, phone (also null) and locale, those of them that are given."""
    await conn.execute(
        SET_PROFILE,
        user_id,
        given.get("first_name"),
        given.get("last_name"),
        "phone" in given,
        given.get("phone"),
        given.get("locale"),
        now,
    )


CENTRE_NAME = "SELECT value->>'name' FROM centre_settings WHERE key = 'centre'"


async def centre_name(conn: Connection) -> str:
    """How the centre calls itself."""
    return await conn.fetchval(CENTRE_NAME) or "Contact centre"


ADD_LETTER = """
INSERT INTO mailbox (id, address, subject, body, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
LETTERS = (
    "SELECT id, address, subject, body, created_at FROM mailbox "
    "ORDER BY created_at DESC, id DESC LIMIT $1"
)


async def add_letter(conn: Connection, letter: Letter, now: datetime) -> None:
    await conn.execute(ADD_LETTER, letter.id, letter.address, letter.subject, letter.text, now)


async def letters(conn: Connection, limit: int) -> list[Record]:
    return await conn.fetch(LETTERS, limit)


def _some(table: str, old: str) -> str:
    return f"""
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE {old} < $1::timestamptz LIMIT $2
))
"""  # noqa: S608 -- of names that are written below


SWEEP_REFRESH = _some("refresh_tokens", "expires_at")
SWEEP_SESSIONS = _some("sessions", "coalesce(ended_at, expires_at)")
SWEEP_ONCE = _some("one_time_tokens", "expires_at")
SWEEP_LETTERS = _some("mailbox", "created_at")
SWEEP_FLOWS = _some("oauth_flows", "expires_at")


async def sweep(conn: Connection, now: datetime, *, keep: timedelta, most: int) -> bool:
    """Forget sessions that ended, and tokens that expired, longer than `keep` ago: of each at
    most so many. True when there may be more."""
    before, more = now - keep, False
    for statement, limit in (
        (SWEEP_REFRESH, before),
        (SWEEP_SESSIONS, before),
        (SWEEP_ONCE, before),
        (SWEEP_LETTERS, before),
        (SWEEP_FLOWS, now),
    ):
        more |= await conn.execute(statement, limit, most) == f"DELETE {most}"
    return more


def user_of(row: Record) -> User:
    """A user from a row with USER_FIELDS."""
    return User(
        id=row["id"],
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        role=row["role"],
        locale=row["locale"],
        phone=row["phone"],
        status=row["status"],
        email_verified=row["email_verified"],
        two_factor=row["two_factor_enabled"],
        version=row["version"],
    )
