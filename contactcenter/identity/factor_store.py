"""SQL of the second factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import Connection

PUT_PENDING = """
INSERT INTO two_factor (user_id, secret) VALUES ($1, $2)
ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, last_step = 0
    WHERE two_factor.confirmed_at IS NULL
RETURNING (SELECT email FROM users WHERE id = $1)
"""
LOCK = "SELECT secret, confirmed_at, last_step FROM two_factor WHERE user_id = $1 FOR UPDATE"
CONFIRM = """
WITH factor AS (
    UPDATE two_factor SET confirmed_at = $3, last_step = $2 WHERE user_id = $1
)
UPDATE users SET two_factor_enabled = true, updated_at = $3, version = version + 1 WHERE id = $1
"""
NOTE_STEP = """
UPDATE two_factor SET last_step = $2, secret = coalesce($3, secret) WHERE user_id = $1
"""
REMOVE_FACTOR = "DELETE FROM two_factor WHERE user_id = $1"
DROP_RECOVERY = "DELETE FROM recovery_codes WHERE user_id = $1"
SWITCHED_OFF = """
UPDATE users SET two_factor_enabled = false, updated_at = $2, version = version + 1
WHERE id = $1 AND two_factor_enabled
RETURNING email
"""
ADD_RECOVERY = """
INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])
"""
USE_RECOVERY = """
UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
RETURNING true
"""


@dataclass(frozen=True, slots=True)
class Factor:
    """A user's second factor, under its row's lock."""

    secret: bytes
    confirmed_at: datetime | None
    last_step: int


async def put_pending(conn: Connection, user_id: UUID, sealed: bytes) -> str | None:
    """A secret to be confirmed; answers the user's address, None when one is confirmed."""
    email: str | None = await conn.fetchval(PUT_PENDING, user_id, sealed)
    return email


async def lock(conn: Connection, user_id: UUID) -> Factor | None:
    row = await conn.fetchrow(LOCK, user_id)
    return None if row is None else Factor(**row)


async def confirm(conn: Connection, user_id: UUID, step: int, now: datetime) -> None:
    await conn.execute(CONFIRM, user_id, step, now)


async def note_step(conn: Connection, user_id: UUID, step: int, sealed: bytes | None) -> None:
    """The step of the code that was taken, and the secret where it was sealed anew."""
    await conn.execute(NOTE_STEP, user_id, step, sealed)


async def remove(conn: Connection, user_id: UUID, now: datetime) -> str | None:
    """Answers the user's address if it was on."""
    await conn.execute(DROP_RECOVERY, user_id)
    await conn.execute(REMOVE_FACTOR, user_id)
    email: str | None = await conn.fetchval(SWITCHED_OFF, user_id, now)
    return email


async def replace_recovery(conn: Connection, user_id: UUID, hashes: Sequence[bytes]) -> None:
    await conn.execute(DROP_RECOVERY, user_id)
    await conn.execute(ADD_RECOVERY, user_id, list(hashes))


async def use_recovery(conn: Connection, user_id: UUID, code_hash: bytes, now: datetime) -> bool:
    """False when there is no such code that is unused."""
    return bool(await conn.fetchval(USE_RECOVERY, user_id, code_hash, now))
