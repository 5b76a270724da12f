"""What is known of a contact when it is queued: the router and the desk read it, nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from db import Connection

KEEP = "UPDATE interactions SET routing_facts = routing_facts || $2::jsonb WHERE id = $1"


async def keep(conn: Connection, interaction_id: UUID, facts: Mapping[str, Any]) -> None:
    """Add to what is known; a fact of the same name is replaced."""
    await conn.execute(KEEP, interaction_id, dict(facts))


LEAVE_MESSAGE = """
UPDATE interactions SET metadata = metadata || '{"left_message": true}', version = version + 1
WHERE id = $1 AND NOT metadata ? 'left_message'
RETURNING id
"""


async def leave_message(conn: Connection, interaction_id: UUID) -> bool:
    """What the customer wrote is a message to be answered later, and may be left alone; False:
    it was one already."""
    return await conn.fetchval(LEAVE_MESSAGE, interaction_id) is not None
