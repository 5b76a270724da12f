"""SQL of visits that wait while it becomes known who waits in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from db import Connection

WAITING_OF = """
SELECT i.id FROM interactions i JOIN work_items w ON w.interaction_id = i.id
WHERE i.contact_id = $1 AND i.closed_at IS NULL
  AND w.state = 'queued' AND w.answered_at IS NULL AND w.ended_at IS NULL
ORDER BY i.id
"""


async def waiting_of(conn: Connection, contact_id: UUID) -> list[UUID]:
    """The contact's interactions that wait and do not ring."""
    return [row["id"] for row in await conn.fetch(WAITING_OF, contact_id)]


# A visit of which the router has noted no step begins at the first in any case.
READVISE = """
UPDATE work_items
SET band = least(band, $2), base = $3, routing = $4,
    step = CASE WHEN $5 AND step IS NOT NULL THEN 0 ELSE step END,
    step_until = CASE WHEN NOT $5 THEN step_until WHEN step IS NOT NULL THEN $6::timestamptz END
WHERE id = $1 AND state = 'queued' AND answered_at IS NULL AND ended_at IS NULL
RETURNING id
"""


async def readvise(
    conn: Connection,
    work_item_id: UUID,
    band: int,
    base: int,
    routing: dict[str, Any],
    begins: tuple[datetime | None] | None,
) -> bool:
    """The visit waits on with these; `begins`: its steps do so again, the first until then. False:
    it rings by now, or is over."""
    anew, until = begins is not None, None if begins is None else begins[0]
    found = await conn.fetchval(READVISE, work_item_id, band, base, routing, anew, until)
    return found is not None
