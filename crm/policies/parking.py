"""SQL of what the clock could not do to a policy: set aside, and tried again later."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from db import Connection

Step = Literal["terms", "begin", "end"]
FIRST_AFTER: Final = timedelta(minutes=15)
LAST_AFTER: Final = timedelta(hours=6)
"""How long it waits after its first failure, twice as long after each further one, at most this."""

DUE_AGAIN = "SELECT policy_id, step FROM policy_turn_failures WHERE retry_at <= $1"
SET_ASIDE = """
INSERT INTO policy_turn_failures AS f (policy_id, step, error, failed_at, retry_at)
VALUES ($1, $2, $3, $4, $4::timestamptz + $5::interval)
ON CONFLICT (policy_id, step) DO UPDATE
SET failures = f.failures + 1, error = excluded.error, failed_at = excluded.failed_at,
    retry_at = $4::timestamptz + least($5::interval * 2 ^ least(f.failures, 20), $6::interval)
"""
TAKE_BACK = """
DELETE FROM policy_turn_failures f USING unnest($1::uuid[], $2::text[]) AS d (policy_id, step)
WHERE f.policy_id = d.policy_id AND f.step = d.step
"""
COUNT = "SELECT count(*) FROM policy_turn_failures"


async def due_again(conn: Connection, now: datetime) -> set[tuple[UUID, Step]]:
    """What was set aside and is to be tried, if it is still due."""
    return {(row["policy_id"], row["step"]) for row in await conn.fetch(DUE_AGAIN, now)}


async def set_aside(conn: Connection, policy_id: UUID, step: Step, kind: str, at: datetime) -> None:
    await conn.execute(SET_ASIDE, policy_id, step, kind, at, FIRST_AFTER, LAST_AFTER)


async def take_back(conn: Connection, done: Collection[tuple[UUID, Step]]) -> None:
    """They were done, or are not due any more."""
    await conn.execute(TAKE_BACK, [each for each, _ in done], [step for _, step in done])


async def count(conn: Connection) -> int:
    number: int = await conn.fetchval(COUNT)
    return number
