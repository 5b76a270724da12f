"""SQL of queues as they are configured and as they stand, and of why things went where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from db import Connection, Record

QUEUES = """
SELECT q.key, q.skill, q.strategy, q.config, q.retired, q.version, c.weekly, c.exceptions,
       c.timezone, c.version AS calendar_version
FROM queues q JOIN calendars c ON c.key = q.calendar
WHERE $1::text IS NULL OR q.key = $1
ORDER BY q.ordinal, q.key
"""


async def queue(conn: Connection, key: str) -> Record | None:
    """A queue with its calendar."""
    return await conn.fetchrow(QUEUES, key)


async def queues(conn: Connection) -> list[Record]:
    return await conn.fetch(QUEUES, None)


WAITING = """
SELECT w.id, w.interaction_id, i.conversation_id, w.queue, w.channel, w.band, w.base, w.boost,
       w.target_ms, w.virtual_start, w.entered_at, w.cost, w.state = 'offered' AS ringing,
       w.estimated_ms, coalesce((w.routing ->> 'front')::boolean, false) AS front
FROM work_items w JOIN interactions i ON i.id = w.interaction_id
WHERE w.answered_at IS NULL AND w.ended_at IS NULL
"""


async def waiting(conn: Connection) -> list[Record]:
    """Whoever waits, in every queue: one agent serves several."""
    return await conn.fetch(WAITING)


# Agents who are available and present: the units that are taken, and the queues that they serve.
STAFF = """
SELECT a.budget, a.maxima, p.channels, coalesce(s.cost, 0)::int + coalesce(r.cost, 0)::int AS load,
       k.queues
FROM agents a
JOIN agent_states p ON p.agent_id = a.id AND p.present
JOIN (SELECT k.agent_id, array_agg(q.key) AS queues
      FROM agent_skills k JOIN queues q ON q.skill = k.skill GROUP BY k.agent_id) k
    ON k.agent_id = a.id
LEFT JOIN (SELECT agent_id, sum(cost) AS cost FROM segments WHERE state <> 'ended'
           GROUP BY agent_id) s ON s.agent_id = a.id
LEFT JOIN (SELECT agent_id, sum(cost) AS cost FROM reservations WHERE state = 'pending'
           GROUP BY agent_id) r ON r.agent_id = a.id
WHERE a.status IN ('available', 'on_demand') AND a.after_this IS NULL
"""


async def staff(conn: Connection) -> list[Record]:
    """Available agents, with what their desks can handle and have."""
    return await conn.fetch(STAFF)


HANDLING = """
SELECT queue, channel, avg(extract(epoch FROM ended_at - started_at) * 1000)::float8 AS handle_ms,
       count(*)::int AS samples
FROM segments WHERE ended_at >= $1 AND queue IS NOT NULL
GROUP BY queue, channel
"""


async def handling(conn: Connection, since: datetime) -> dict[tuple[str, str], tuple[float, int]]:
    """(queue, channel) → (mean handle time in ms, how many) of the segments that ended since."""
    return {
        (row["queue"], row["channel"]): (row["handle_ms"], row["samples"])
        for row in await conn.fetch(HANDLING, since)
    }


UNESTIMATED = """
SELECT EXISTS (
    SELECT FROM work_items
    WHERE answered_at IS NULL AND ended_at IS NULL AND estimated_ms IS NULL
      AND state <> 'offered' AND channel = ANY ($1) AND entered_at >= $2
)
"""

# Rows that the router is at are left for the next time: nobody waits for this one.
KEEP_ESTIMATES = """
UPDATE work_items w SET estimated_ms = e.estimated_ms
FROM unnest($1::uuid[], $2::int[]) AS e (id, estimated_ms)
WHERE w.id IN (
    SELECT id FROM work_items
    WHERE id = ANY ($1) AND estimated_ms IS NULL AND answered_at IS NULL AND ended_at IS NULL
    FOR NO KEY UPDATE SKIP LOCKED
) AND w.id = e.id
RETURNING w.id
"""


async def unestimated(conn: Connection, channels: Sequence[str], since: datetime) -> bool:
    """Whether somebody on these channels entered since then, has no estimate yet, and no agent
    is being asked."""
    return bool(await conn.fetchval(UNESTIMATED, list(channels), since))


async def keep_estimates(conn: Connection, estimates: Mapping[UUID, int]) -> set[UUID]:
    """Keep the first estimate, in ms, of visits that wait; which of them were kept."""
    rows = await conn.fetch(KEEP_ESTIMATES, list(estimates), list(estimates.values()))
    return {row["id"] for row in rows}


QUEUE_NAMES = """
SELECT key, name_es, name_en FROM queues
WHERE ($1::text IS NULL AND NOT retired) OR key = $1
ORDER BY ordinal, key
"""


async def queue_names(conn: Connection, key: str | None) -> list[Record]:
    """One queue, or all that are not retired."""
    return await conn.fetch(QUEUE_NAMES, key)


DISPOSITIONS = """
SELECT key, label_es, label_en, queue, retired FROM dispositions ORDER BY ordinal, key
"""


async def dispositions(conn: Connection) -> list[Record]:
    return await conn.fetch(DISPOSITIONS)


EXPLAINED = """
SELECT r.id AS reservation_id, r.work_item_id, r.agent_id, a.name AS agent_name, r.round, r.how,
       r.state, r.reason, r.created_at, r.expires_at, r.ended_at, r.why AS record
FROM work_items w
JOIN reservations r ON r.work_item_id = w.id
JOIN agents a ON a.id = r.agent_id
WHERE w.interaction_id = $1
ORDER BY r.created_at, r.id
"""

VISITS_OF = """
SELECT id AS work_item_id, queue, channel, entry, state, outcome, band, base, virtual_start,
       entered_at, answered_at, ended_at, round, coalesce(step, 0) AS step
FROM work_items WHERE interaction_id = $1
ORDER BY entered_at, id
"""

FACTS_OF = """
SELECT occurred_at AS at, type AS name, actor, data FROM event_log
WHERE subject = $1 ORDER BY id LIMIT 500
"""

AGENT_NAMES = "SELECT id::text, name FROM agents WHERE id = ANY ($1::uuid[])"


async def explained(conn: Connection, interaction_id: UUID) -> list[dict[str, Any]]:
    """Every reservation of the interaction with its explanation record."""
    return [dict(row) for row in await conn.fetch(EXPLAINED, interaction_id)]


async def visits_of(conn: Connection, interaction_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await conn.fetch(VISITS_OF, interaction_id)]


async def facts_of(conn: Connection, interaction_id: UUID) -> list[dict[str, Any]]:
    """The facts whose subject the interaction is, in order."""
    return [dict(row) for row in await conn.fetch(FACTS_OF, str(interaction_id))]


async def agent_names(conn: Connection, agent_ids: set[UUID]) -> dict[str, str]:
    rows = await conn.fetch(AGENT_NAMES, list(agent_ids))
    return {row["id"]: row["name"] for row in rows}


WITH_SKILLS = """
SELECT a.id FROM agents a
WHERE EXISTS (
    SELECT FROM jsonb_array_elements($1::jsonb) AS wanted
    WHERE NOT EXISTS (
        SELECT FROM jsonb_each(wanted) AS need
        WHERE NOT EXISTS (SELECT FROM agent_skills k
                          WHERE k.agent_id = a.id AND k.skill = need.key
                            AND k.level >= need.value::int)))
ORDER BY a.id
"""


async def with_skills(conn: Connection, any_of: Sequence[Mapping[str, int]]) -> list[UUID]:
    """Agents who have all skills, each at its level, of one of these."""
    rows = await conn.fetch(WITH_SKILLS, [dict(each) for each in any_of])
    return [row["id"] for row in rows]
