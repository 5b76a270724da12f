"""SQL of queues, skills, calendars and dispositions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from db import Connection

SKILLS = """
SELECT key, name_es, name_en FROM skills WHERE $1::text IS NULL OR key = $1 ORDER BY key
"""

INSERT_SKILL = """
INSERT INTO skills (key, name_es, name_en) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING key
"""

LOCK_SKILL = "SELECT true FROM skills WHERE key = $1 FOR NO KEY UPDATE"

UPDATE_SKILL = "UPDATE skills SET name_es = $2, name_en = $3 WHERE key = $1"

DELETE_SKILL = """
DELETE FROM skills WHERE key = $1
AND NOT EXISTS (SELECT FROM agent_skills WHERE skill = $1)
AND NOT EXISTS (SELECT FROM queues WHERE skill = $1)
RETURNING key
"""


async def skills(conn: Connection, key: str | None = None) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(SKILLS, key)]


async def insert_skill(conn: Connection, key: str, name_es: str, name_en: str) -> bool:
    """False: there is one of this key."""
    return await conn.fetchval(INSERT_SKILL, key, name_es, name_en) is not None


async def lock_skill(conn: Connection, key: str) -> bool:
    """False: there is none."""
    return bool(await conn.fetchval(LOCK_SKILL, key))


async def update_skill(conn: Connection, key: str, name_es: str, name_en: str) -> None:
    await conn.execute(UPDATE_SKILL, key, name_es, name_en)


async def delete_skill(conn: Connection, key: str) -> bool:
    """False: a queue or an agent has it, or there is none."""
    return await conn.fetchval(DELETE_SKILL, key) is not None


CALENDARS = """
SELECT key, timezone, weekly, exceptions, version FROM calendars
WHERE $1::text IS NULL OR key = $1 ORDER BY key
"""

INSERT_CALENDAR = """
INSERT INTO calendars (key, timezone, weekly, exceptions) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING key
"""

UPDATE_CALENDAR = """
UPDATE calendars SET timezone = $2, weekly = $3, exceptions = $4, version = version + 1
WHERE key = $1 RETURNING key
"""

LOCK_CALENDAR = "SELECT version FROM calendars WHERE key = $1 FOR NO KEY UPDATE"

QUEUES_OF_CALENDAR = "SELECT key FROM queues WHERE calendar = $1"


async def calendars(conn: Connection, key: str | None = None) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(CALENDARS, key)]


async def insert_calendar(
    conn: Connection,
    key: str,
    timezone: str | None,
    weekly: dict[str, Any],
    exceptions: list[dict[str, Any]],
) -> bool:
    return (await conn.fetchval(INSERT_CALENDAR, key, timezone, weekly, exceptions)) is not None


async def update_calendar(
    conn: Connection,
    key: str,
    timezone: str | None,
    weekly: dict[str, Any],
    exceptions: list[dict[str, Any]],
) -> None:
    await conn.execute(UPDATE_CALENDAR, key, timezone, weekly, exceptions)


async def lock_calendar(conn: Connection, key: str) -> int | None:
    version: int | None = await conn.fetchval(LOCK_CALENDAR, key)
    return version


async def queues_of_calendar(conn: Connection, key: str) -> list[str]:
    return [row["key"] for row in await conn.fetch(QUEUES_OF_CALENDAR, key)]


QUEUES = """
SELECT q.key, q.name_es, q.name_en, q.skill, q.calendar, q.strategy, q.config, q.ordinal,
       q.retired, q.version,
       coalesce((SELECT array_agg(k.agent_id ORDER BY k.agent_id) FROM agent_skills k
                 WHERE k.skill = q.skill), '{}') AS members
FROM queues q WHERE $1::text IS NULL OR q.key = $1
ORDER BY q.ordinal, q.key
"""

INSERT_QUEUE = """
INSERT INTO queues (key, name_es, name_en, skill, calendar, strategy, config, ordinal, retired,
                    updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT DO NOTHING RETURNING key
"""

UPDATE_QUEUE = """
UPDATE queues
SET name_es = $2, name_en = $3, skill = $4, calendar = $5, strategy = $6, config = $7,
    ordinal = $8, retired = $9, updated_at = $10, version = version + 1
WHERE key = $1 RETURNING key
"""

LOCK_QUEUE = "SELECT version FROM queues WHERE key = $1 FOR NO KEY UPDATE"

WAITING = """
SELECT count(*) FROM work_items
WHERE queue = $1 AND answered_at IS NULL AND ended_at IS NULL
"""


async def queues(conn: Connection, key: str | None = None) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(QUEUES, key)]


async def insert_queue(conn: Connection, key: str, values: tuple[Any, ...], at: datetime) -> bool:
    return await conn.fetchval(INSERT_QUEUE, key, *values, at) is not None


async def update_queue(conn: Connection, key: str, values: tuple[Any, ...], at: datetime) -> None:
    await conn.execute(UPDATE_QUEUE, key, *values, at)


async def lock_queue(conn: Connection, key: str) -> int | None:
    version: int | None = await conn.fetchval(LOCK_QUEUE, key)
    return version


async def waiting(conn: Connection, key: str) -> int:
    return int(await conn.fetchval(WAITING, key))


DISPOSITIONS = """
SELECT key, label_es, label_en, queue, ordinal, retired, version FROM dispositions
WHERE $1::text IS NULL OR key = $1 ORDER BY ordinal, key
"""

INSERT_DISPOSITION = """
INSERT INTO dispositions (key, label_es, label_en, queue, ordinal, retired)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING key
"""

LOCK_DISPOSITION = "SELECT version FROM dispositions WHERE key = $1 FOR NO KEY UPDATE"

UPDATE_DISPOSITION = """
UPDATE dispositions
SET label_es = $2, label_en = $3, queue = $4, ordinal = $5, retired = $6, version = version + 1
WHERE key = $1
"""


async def dispositions(conn: Connection, key: str | None = None) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(DISPOSITIONS, key)]


async def insert_disposition(conn: Connection, key: str, values: tuple[Any, ...]) -> bool:
    """False: there is one of this key."""
    return await conn.fetchval(INSERT_DISPOSITION, key, *values) is not None


async def lock_disposition(conn: Connection, key: str) -> int | None:
    version: int | None = await conn.fetchval(LOCK_DISPOSITION, key)
    return version


async def update_disposition(conn: Connection, key: str, values: tuple[Any, ...]) -> None:
    await conn.execute(UPDATE_DISPOSITION, key, *values)
