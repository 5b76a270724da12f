"""SQL of lists of calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from db import Connection, Record

LISTED = """
SELECT c.id, c.created_at FROM calls c JOIN interactions i ON i.id = c.interaction_id
WHERE ($1::text IS NULL OR c.state = $1)
  AND ($2::text IS NULL OR i.queue = $2)
  AND ($3::text IS NULL OR c.direction = $3)
  AND ($4::uuid IS NULL OR EXISTS (SELECT FROM call_legs l
                                   WHERE l.call_id = c.id AND l.agent_id = $4))
  AND ($5::uuid IS NULL OR EXISTS (SELECT FROM call_legs l
                                   WHERE l.call_id = c.id AND l.agent_id = $5))
  AND ($6::uuid IS NULL OR c.interaction_id = $6)
  AND ($7::timestamptz IS NULL OR (c.created_at, c.id) < ($7, $8::uuid))
  AND ($10::text[] IS NULL OR i.queue IS NULL OR i.queue = ANY ($10))
ORDER BY c.created_at DESC, c.id DESC
LIMIT $9
"""


async def listed(
    conn: Connection,
    *,
    state: str | None,
    queue: str | None,
    agent_id: UUID | None,
    direction: str | None,
    only_of: UUID | None,
    within: Iterable[str] | None,
    interaction_id: UUID | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Record]:
    """(id, created_at), newest first. `only_of`: calls that this agent was on; `within`: only
    those that are in these queues now, or in none."""
    at, row_id = before or (None, None)
    return await conn.fetch(
        LISTED,
        state,
        queue,
        direction,
        agent_id,
        only_of,
        interaction_id,
        at,
        row_id,
        limit,
        None if within is None else list(within),
    )


EVENTS = "SELECT at, name, actor, data FROM call_events WHERE call_id = $1 ORDER BY id"


async def events(conn: Connection, call_id: UUID) -> list[Record]:
    """A call's history, in order."""
    return await conn.fetch(EVENTS, call_id)
