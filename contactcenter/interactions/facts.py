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
