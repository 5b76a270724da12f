"""What is known of a contact when it is queued: the router and the desk read it, nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contactcenter.interactions.model import LEFT_MESSAGE
from db import Connection

KEEP = "UPDATE interactions SET routing_facts = routing_facts || $2::jsonb WHERE id = $1"


async def keep(conn: Connection, interaction_id: UUID, facts: Mapping[str, Any]) -> None:
    """Add to what is known; a fact of the same name is replaced."""
    await conn.execute(KEEP, interaction_id, dict(facts))


LEAVE_MESSAGE = f"""
UPDATE interactions
SET metadata = metadata || jsonb_build_object('{LEFT_MESSAGE}', true), version = version + 1
WHERE id = $1 AND NOT metadata ? '{LEFT_MESSAGE}'
RETURNING id
"""  # noqa: S608 - a constant


async def leave_message(conn: Connection, interaction_id: UUID) -> bool:
    """What the customer wrote is a message to be answered later, and may be left alone; False:
    it was one already."""
    return await conn.fetchval(LEAVE_MESSAGE, interaction_id) is not None


CHOOSE_TOPIC = "UPDATE conversations SET topic = $2 WHERE id = $1"
TAKE_TOPIC = """
WITH chosen AS (
    SELECT id, topic FROM conversations WHERE id = $1 AND topic IS NOT NULL FOR NO KEY UPDATE
)
UPDATE conversations c SET topic = NULL FROM chosen WHERE c.id = chosen.id
RETURNING chosen.topic
"""


async def choose_topic(conn: Connection, conversation_id: UUID, topic: str) -> None:
    """What the customer has chosen, for the interaction that begins next."""
    await conn.execute(CHOOSE_TOPIC, conversation_id, topic)


async def take_topic(conn: Connection, conversation_id: UUID) -> str | None:
    """What was chosen; it holds for one interaction."""
    topic: str | None = await conn.fetchval(TAKE_TOPIC, conversation_id)
    return topic
