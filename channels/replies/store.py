"""SQL of saved replies."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from db import Connection, Record

COLUMNS = "id AS reply_id, agent_id IS NULL AS shared, body_es, body_en, version, updated_at"

SEEN_BY = f"""
SELECT {COLUMNS} FROM saved_replies WHERE agent_id IS NULL OR agent_id = $1
ORDER BY agent_id IS NULL, updated_at DESC, id
"""  # noqa: S608 - a constant


async def seen_by(conn: Connection, agent_id: UUID | None) -> list[Record]:
    """The centre's, and this agent's own before them."""
    return await conn.fetch(SEEN_BY, agent_id)


LOCK = f"""
SELECT {COLUMNS}, agent_id FROM saved_replies WHERE id = $1 FOR UPDATE
"""  # noqa: S608 - a constant


async def lock(conn: Connection, reply_id: UUID) -> Record | None:
    return await conn.fetchrow(LOCK, reply_id)


COUNT = "SELECT count(*) FROM saved_replies WHERE agent_id IS NOT DISTINCT FROM $1"


async def count(conn: Connection, agent_id: UUID | None) -> int:
    """An agent's replies; None: the centre's."""
    return int(await conn.fetchval(COUNT, agent_id))


INSERT = f"""
INSERT INTO saved_replies (id, agent_id, body_es, body_en, updated_at)
VALUES ($1, $2, $3, $4, $5) RETURNING {COLUMNS}
"""  # noqa: S608 - a constant


async def insert(
    conn: Connection, reply_id: UUID, agent_id: UUID | None, es: str, en: str, at: datetime
) -> Record:
    row = await conn.fetchrow(INSERT, reply_id, agent_id, es, en, at)
    assert row is not None
    return row


UPDATE = f"""
UPDATE saved_replies SET body_es = $2, body_en = $3, updated_at = $4, version = version + 1
WHERE id = $1 RETURNING {COLUMNS}
"""  # noqa: S608 - a constant


async def update(conn: Connection, reply_id: UUID, es: str, en: str, at: datetime) -> Record:
    row = await conn.fetchrow(UPDATE, reply_id, es, en, at)
    assert row is not None
    return row


DELETE = "DELETE FROM saved_replies WHERE id = $1"


async def delete(conn: Connection, reply_id: UUID) -> None:
    await conn.execute(DELETE, reply_id)
