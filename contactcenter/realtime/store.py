"""SQL of who is to be told."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from db import Connection, Record

PARTIES = """
SELECT i.id, i.conversation_id, c.visitor_id,
       array(SELECT DISTINCT s.agent_id FROM segments s
             WHERE s.interaction_id = i.id AND s.state <> 'ended') AS agents
FROM interactions i
LEFT JOIN calls c ON c.interaction_id = i.id
WHERE i.id = ANY ($1::uuid[])
UNION ALL
SELECT i.conversation_id, i.conversation_id, NULL,
       array(SELECT DISTINCT s.agent_id FROM segments s
             WHERE s.interaction_id = i.id AND s.state <> 'ended')
FROM interactions i
WHERE i.conversation_id = ANY ($2::uuid[]) AND i.closed_at IS NULL
"""


async def parties(
    conn: Connection, interaction_ids: Collection[UUID], conversation_ids: Collection[UUID]
) -> list[Record]:
    """(id, conversation_id, visitor_id, agents with an open segment) for each interaction or
    conversation. `visitor_id`: the conversation whose visitor is on the call, if it is one."""
    return await conn.fetch(PARTIES, list(interaction_ids), list(conversation_ids))
