"""SQL of desks: which agents are there, by the database's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from db import Connection

CONNECTED = """
WITH before AS (SELECT present FROM agent_states WHERE agent_id = $1)
INSERT INTO agent_states (agent_id, present, present_until, channels)
VALUES ($1, true, clock_timestamp() + $2::interval, $3)
ON CONFLICT (agent_id) DO UPDATE
SET present = true, present_until = excluded.present_until, channels = excluded.channels,
    absent_since = NULL
RETURNING coalesce((SELECT present FROM before), false) AS was_present
"""


async def connected(
    conn: Connection, agent_id: UUID, channels: Sequence[str], lasting: timedelta
) -> bool:
    """Whether the agent was present before."""
    return bool(await conn.fetchval(CONNECTED, agent_id, lasting, list(channels)))


CHANNELS = "SELECT present, channels FROM agent_states WHERE agent_id = $1 FOR NO KEY UPDATE"


async def desk(conn: Connection, agent_id: UUID) -> tuple[bool, list[str]]:
    """(present, channels) of the agent's desk, locked."""
    row = await conn.fetchrow(CHANNELS, agent_id)
    return (row["present"], row["channels"]) if row else (False, [])


CAN_HANDLE = """
UPDATE agent_states SET channels = $2
WHERE agent_id = $1 AND present AND NOT (channels @> $2 AND channels <@ $2)
RETURNING agent_id
"""


async def can_handle(conn: Connection, agent_id: UUID, channels: Sequence[str]) -> bool:
    """Whether a desk that is there can handle others from now on than before."""
    return await conn.fetchval(CAN_HANDLE, agent_id, list(channels)) is not None


# Rows of many agents are locked in the order of their ids, here and by the leader.
HEARTBEAT = """
UPDATE agent_states SET present_until = clock_timestamp() + $2::interval
WHERE agent_id IN (SELECT agent_id FROM agent_states
                   WHERE agent_id = ANY ($1::uuid[]) AND present
                   ORDER BY agent_id FOR NO KEY UPDATE)
RETURNING agent_id
"""

BACK = """
UPDATE agent_states
SET present = true, absent_since = NULL, present_until = clock_timestamp() + $2::interval
WHERE agent_id IN (SELECT agent_id FROM agent_states
                   WHERE agent_id = ANY ($1::uuid[]) AND NOT present
                   ORDER BY agent_id FOR NO KEY UPDATE)
RETURNING agent_id, channels
"""


async def heartbeat(conn: Connection, agent_ids: Sequence[UUID], lasting: timedelta) -> set[UUID]:
    """Those that were present and are known to be for another while."""
    return {row["agent_id"] for row in await conn.fetch(HEARTBEAT, list(agent_ids), lasting)}


async def back(
    conn: Connection, agent_ids: Sequence[UUID], lasting: timedelta
) -> list[tuple[UUID, list[str]]]:
    """(agent, channels) of those that had been given up and are here after all."""
    rows = await conn.fetch(BACK, list(agent_ids), lasting)
    return [(row["agent_id"], row["channels"]) for row in rows]


SIGNED_OUT = """
UPDATE agent_states SET present = false, absent_since = $2
WHERE agent_id = $1 AND present RETURNING agent_id
"""

# The database's clock may be set too. Set forward, desks keep the time that they had; set back,
# no desk counts as there for longer than a heartbeat makes it.
DATABASE_NOW = "SELECT clock_timestamp()"
MOVE_DESKS = """
UPDATE agent_states
SET present_until = least(present_until + $1::interval, clock_timestamp() + $2::interval)
WHERE agent_id IN (SELECT agent_id FROM agent_states WHERE present
                   ORDER BY agent_id FOR NO KEY UPDATE)
"""
CUT_DESKS = """
UPDATE agent_states SET present_until = clock_timestamp() + $1::interval
WHERE agent_id IN (SELECT agent_id FROM agent_states
                   WHERE present AND present_until > clock_timestamp() + $1::interval + $2::interval
                   ORDER BY agent_id FOR NO KEY UPDATE SKIP LOCKED)
"""


async def database_now(conn: Connection) -> datetime:
    now: datetime = await conn.fetchval(DATABASE_NOW)
    return now


async def move_desks(conn: Connection, by: timedelta, lasting: timedelta) -> None:
    await conn.execute(MOVE_DESKS, by, lasting)


async def cut_desks(conn: Connection, lasting: timedelta, slack: timedelta) -> None:
    await conn.execute(CUT_DESKS, lasting, slack)


LAPSED = """
UPDATE agent_states SET present = false, absent_since = $1
WHERE agent_id IN (SELECT agent_id FROM agent_states
                   WHERE present AND present_until < clock_timestamp()
                   ORDER BY agent_id FOR NO KEY UPDATE SKIP LOCKED)
RETURNING agent_id
"""


async def signed_out(conn: Connection, agent_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(SIGNED_OUT, agent_id, at) is not None


async def lapsed(conn: Connection, at: datetime) -> list[UUID]:
    """Give up the desks that have been silent too long; whose they are."""
    return [row["agent_id"] for row in await conn.fetch(LAPSED, at)]
