"""SQL that all channels share."""

from __future__ import annotations

from uuid import UUID

from db import Connection

# A lock of its own, and not the conversation's row: whoever changes an interaction locks that
# first and its conversation's row afterwards, and so does whoever holds this.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 17))"


async def one_at_a_time(conn: Connection, conversation_id: UUID) -> None:
    """Wait until no other transaction takes in a message of this conversation."""
    await conn.execute(ONE_AT_A_TIME, str(conversation_id))
