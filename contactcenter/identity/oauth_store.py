"""SQL of sign-ins by a provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import Connection

ADD_FLOW = """
INSERT INTO oauth_flows (state_hash, provider, sealed, user_id, expires_at)
VALUES ($1, $2, $3, $4, $5)
"""
TAKE_FLOW = """
DELETE FROM oauth_flows WHERE state_hash = $1 AND provider = $2 AND expires_at > $3
RETURNING sealed, user_id
"""


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in (or, with a user, a link) that was at the provider."""

    sealed: bytes
    user_id: UUID | None


async def add_flow(
    conn: Connection,
    state_hash: bytes,
    provider: str,
    sealed: bytes,
    user_id: UUID | None,
    expires_at: datetime,
) -> None:
    await conn.execute(ADD_FLOW, state_hash, provider, sealed, user_id, expires_at)


async def take_flow(
    conn: Connection, state_hash: bytes, provider: str, now: datetime
) -> Flow | None:
    """Each one once, and by the provider it went to."""
    row = await conn.fetchrow(TAKE_FLOW, state_hash, provider, now)
    return None if row is None else Flow(**row)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a user is at a provider."""

    id: UUID
    user_id: UUID
    provider: str
    email: str | None
    created_at: datetime
    last_used_at: datetime


# A subject is unique at its issuer alone (OpenID Connect Core 1.0, 2).
FIND_OWNER = "SELECT user_id FROM oauth_identities WHERE issuer = $1 AND provider_user_id = $2"
NOTE_USE = """
UPDATE oauth_identities SET last_used_at = $4, email = coalesce($5, email)
WHERE user_id = $1 AND issuer = $2 AND provider_user_id = $3
RETURNING true
"""
# What a provider's settings left behind when they came to name another issuer opens nothing any
# more, and makes room. A person of the same issuer does not.
MAKE_ROOM = """
DELETE FROM oauth_identities WHERE user_id = $1 AND provider = $2 AND issuer <> $3
"""
ADD = """
INSERT INTO oauth_identities
    (id, user_id, provider, issuer, provider_user_id, email, created_at, last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
ON CONFLICT DO NOTHING
RETURNING true
"""
OF_USER = """
SELECT id, user_id, provider, email, created_at, last_used_at FROM oauth_identities
WHERE user_id = $1 ORDER BY provider
"""
WAYS_IN = """
SELECT (password_hash IS NOT NULL)::int
    + (SELECT count(*)::int FROM oauth_identities WHERE user_id = u.id)
FROM users u WHERE id = $1
"""
REMOVE = "DELETE FROM oauth_identities WHERE user_id = $1 AND provider = $2 RETURNING true"
# The address is the provider's word; what somebody else set up under it before it was verified
# does not count.
TAKE_OVER = """
UPDATE users SET email_verified = true, updated_at = $2, version = version + 1,
    status = 'active', password_hash = CASE WHEN email_verified THEN password_hash END
WHERE id = $1 AND (NOT email_verified OR status = 'invited')
RETURNING true
"""


async def find_owner(conn: Connection, issuer: str, subject: str) -> UUID | None:
    """Whose identity it is."""
    user_id: UUID | None = await conn.fetchval(FIND_OWNER, issuer, subject)
    return user_id


async def note_use(
    conn: Connection, user_id: UUID, issuer: str, subject: str, now: datetime, email: str | None
) -> bool:
    """False when it is not the user's any more."""
    return bool(await conn.fetchval(NOTE_USE, user_id, issuer, subject, now, email))


async def add(
    conn: Connection,
    identity_id: UUID,
    user_id: UUID,
    *,
    provider: str,
    issuer: str,
    subject: str,
    email: str | None,
    now: datetime,
) -> bool:
    """False when it is somebody's already, or the user has another one at this provider."""
    await conn.execute(MAKE_ROOM, user_id, provider, issuer)
    return bool(
        await conn.fetchval(ADD, identity_id, user_id, provider, issuer, subject, email, now)
    )


async def of_user(conn: Connection, user_id: UUID) -> list[Identity]:
    return [Identity(**row) for row in await conn.fetch(OF_USER, user_id)]


async def ways_in(conn: Connection, user_id: UUID) -> int:
    """In how many ways the user can sign in. Whoever goes by it holds the user's lock."""
    ways: int = await conn.fetchval(WAYS_IN, user_id)
    return ways


async def remove(conn: Connection, user_id: UUID, provider: str) -> bool:
    """False when there is none."""
    return bool(await conn.fetchval(REMOVE, user_id, provider))


async def take_over(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """Verify an unverified or invited account and drop its unproven password. False when it was
    verified and active."""
    return bool(await conn.fetchval(TAKE_OVER, user_id, now))
