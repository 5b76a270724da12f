"""SQL of web chat."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from contactcenter.interactions.model import LEFT_MESSAGE
from db import Connection, Record

NEWEST_INTERACTIONS = """
SELECT v.id AS conversation_id, v.queue, v.locale, v.visitor_read, v.agent_read,
       v.state AS conversation_state,
       i.id AS interaction_id, i.state AS interaction_state, i.customer_present,
       i.queue AS interaction_queue, i.metadata, a.name AS agent_name
FROM conversations v
LEFT JOIN LATERAL (
    SELECT * FROM interactions i WHERE i.conversation_id = v.id
    ORDER BY i.created_at DESC, i.id DESC LIMIT 1) i ON true
LEFT JOIN agents a ON a.id = i.agent_id
WHERE v.id = ANY ($1::uuid[])
"""


async def newest_interactions(
    conn: Connection, conversation_ids: Collection[UUID]
) -> dict[UUID, Record]:
    """Each conversation with the newest of its interactions, if it has one."""
    rows = await conn.fetch(NEWEST_INTERACTIONS, list(conversation_ids))
    return {row["conversation_id"]: row for row in rows}


SEEN = """
INSERT INTO chat_visitors (conversation_id, seen_at)
SELECT s.id, s.at FROM unnest($1::uuid[], $2::timestamptz[]) AS s (id, at)
JOIN conversations v ON v.id = s.id
ORDER BY s.id
ON CONFLICT (conversation_id) DO UPDATE SET seen_at = excluded.seen_at
"""


async def seen(conn: Connection, last_seen: Mapping[UUID, datetime]) -> None:
    await conn.execute(SEEN, list(last_seen), list(last_seen.values()))


CLAMP_SEEN = "UPDATE chat_visitors SET seen_at = $1 WHERE seen_at > $1"


async def clamp_seen(conn: Connection, now: datetime) -> None:
    """After the clock was set back: nobody was seen in the future."""
    await conn.execute(CLAMP_SEEN, now)


GONE = f"""
SELECT i.id FROM interactions i
JOIN chat_visitors s ON s.conversation_id = i.conversation_id
WHERE i.closed_at IS NULL AND i.channel = 'chat' AND i.state IN ('new', 'queued', 'offered')
  AND s.seen_at < $1 AND NOT i.metadata ? '{LEFT_MESSAGE}'
ORDER BY s.seen_at
LIMIT 200
"""  # noqa: S608 - a constant


async def gone(conn: Connection, before: datetime) -> list[UUID]:
    """Interactions that wait although their visitor has not been seen since."""
    return [row["id"] for row in await conn.fetch(GONE, before)]


IDLE = """
SELECT v.id FROM conversations v
WHERE v.channel = 'chat' AND v.state = 'open'
  AND coalesce(v.last_message_at, v.created_at) < $1
  AND NOT EXISTS (SELECT FROM interactions i
                  WHERE i.conversation_id = v.id AND i.closed_at IS NULL)
LIMIT 500
"""


async def idle(conn: Connection, before: datetime) -> list[UUID]:
    """Open conversations in which nothing is open and nothing was written since."""
    return [row["id"] for row in await conn.fetch(IDLE, before)]
