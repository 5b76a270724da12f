"""SQL of agents and their skills, and the read model of the team."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contactcenter.agents.model import Agent, Change
from db import Connection, Record

AGENT_COLUMNS = """
    a.id, a.user_id, a.name, a.status, a.status_reason, a.status_since, a.after_this,
    a.after_this_reason, a.budget, a.maxima, a.auto_answer, a.ordinal, a.version
"""

SELECT_AGENT = f"""
SELECT {AGENT_COLUMNS} FROM agents a
WHERE a.id = $1
"""  # noqa: S608 - a constant


async def agent(conn: Connection, agent_id: UUID) -> Agent | None:
    row = await conn.fetchrow(SELECT_AGENT, agent_id)
    return Agent(**row) if row else None


OF_USER = f"""
SELECT {AGENT_COLUMNS} FROM agents a
WHERE a.user_id = $1
"""  # noqa: S608 - a constant


async def of_user(conn: Connection, user_id: UUID) -> Agent | None:
    row = await conn.fetchrow(OF_USER, user_id)
    return Agent(**row) if row else None


TEAM = f"""
SELECT {AGENT_COLUMNS}, coalesce(p.present, false) AS present, p.absent_since, p.last_ended_at,
       CASE WHEN p.present THEN p.channels ELSE '{{}}' END AS channels,
       coalesce((SELECT jsonb_object_agg(k.skill, k.level) FROM agent_skills k
                 WHERE k.agent_id = a.id), '{{}}') AS skills,
       coalesce((SELECT array_agg(q.key ORDER BY q.ordinal, q.key)
                 FROM queues q JOIN agent_skills k ON k.agent_id = a.id AND k.skill = q.skill
                 WHERE NOT q.retired), '{{}}') AS queues,
       work.contact_since, work.wrap_since,
       ringing.ringing_since, coalesce(work.load, 0) + coalesce(ringing.load, 0) AS load
FROM agents a
LEFT JOIN agent_states p ON p.agent_id = a.id
LEFT JOIN LATERAL (
    SELECT min(s.started_at) FILTER (WHERE s.state IN ('active', 'held', 'consulting'))
               AS contact_since,
           min(s.state_since) FILTER (WHERE s.state = 'wrapping') AS wrap_since,
           sum(s.cost) AS load
    FROM segments s WHERE s.agent_id = a.id AND s.state <> 'ended'
) work ON true
LEFT JOIN LATERAL (
    SELECT min(r.created_at) AS ringing_since, sum(r.cost) AS load
    FROM reservations r WHERE r.agent_id = a.id AND r.state = 'pending'
) ringing ON true
WHERE $1::uuid[] IS NULL OR a.id = ANY ($1)
ORDER BY a.sort_key, a.id
"""  # noqa: S608 - a constant


async def team(conn: Connection, agent_ids: Sequence[UUID] | None) -> list[Record]:
    return await conn.fetch(TEAM, None if agent_ids is None else list(agent_ids))


TEAM_OF = "SELECT team FROM agents WHERE id = $1"
IN_TEAMS = "SELECT id, team FROM agents WHERE team = ANY ($1::text[])"


async def team_of(conn: Connection, agent_id: UUID) -> str | None:
    key: str | None = await conn.fetchval(TEAM_OF, agent_id)
    return key


async def in_teams(conn: Connection, teams: Iterable[str]) -> dict[UUID, str]:
    """Agent → team, of those in these teams."""
    return {row["id"]: row["team"] for row in await conn.fetch(IN_TEAMS, list(teams))}


QUEUES_OF = """
SELECT k.agent_id, array_agg(q.key ORDER BY q.ordinal, q.key) AS queues
FROM agent_skills k JOIN queues q ON q.skill = k.skill
WHERE k.agent_id = ANY ($1::uuid[]) AND NOT q.retired
GROUP BY k.agent_id
"""


async def queues_of(conn: Connection, agent_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Agent → the live queues that ask for a skill of theirs."""
    rows = await conn.fetch(QUEUES_OF, list(agent_ids))
    return {row["agent_id"]: row["queues"] for row in rows}


AVAILABLE = """
SELECT a.id FROM agents a
JOIN agent_states p ON p.agent_id = a.id AND p.present
WHERE a.status IN ('available', 'on_demand') AND a.after_this IS NULL
  AND ($1::text IS NULL OR EXISTS (
      SELECT FROM queues q JOIN agent_skills k ON k.agent_id = a.id AND k.skill = q.skill
      WHERE q.key = $1))
  AND ($2::text IS NULL OR EXISTS (
      SELECT FROM agent_skills k WHERE k.agent_id = a.id AND k.skill = $2))
"""


async def available(conn: Connection, queue: str | None, skill: str | None) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(AVAILABLE, queue, skill)]


WillRow = tuple[UUID, str, str | None, str | None, str | None, dict[str, object] | None, datetime]
"""(agent, status, reason, after_this, its reason, what becomes of open work then, at)"""

SET_WILL = """
UPDATE agents a
SET status_since = CASE WHEN (a.status, a.status_reason)
                             IS DISTINCT FROM (w.status, w.reason) THEN w.at
                        ELSE a.status_since END,
    status = w.status, status_reason = w.reason, after_this = w.after_this,
    after_this_reason = w.after_this_reason, after_this_open = w.after_this_open
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[],
            $7::timestamptz[])
     AS w (id, status, reason, after_this, after_this_reason, after_this_open, at)
WHERE a.id = w.id
RETURNING a.id
"""


async def set_will(conn: Connection, wills: Sequence[WillRow]) -> set[UUID]:
    """Each agent at most once."""
    rows = await conn.fetch(SET_WILL, *zip(*wills, strict=True)) if wills else []
    return {row["id"] for row in rows}


LOCK = "SELECT version FROM agents WHERE id = $1 FOR NO KEY UPDATE"


async def lock(conn: Connection, agent_id: UUID) -> int | None:
    """The version; None: there is no such agent."""
    version: int | None = await conn.fetchval(LOCK, agent_id)
    return version


SET_PROFILE = """
UPDATE agents SET version = version + 1, budget = coalesce($2, budget),
       maxima = coalesce($3, maxima)
WHERE id = $1
RETURNING budget, maxima
"""

DROP_SKILLS = "DELETE FROM agent_skills WHERE agent_id = $1 AND skill <> ALL ($2::text[])"

PUT_SKILLS = """
INSERT INTO agent_skills (agent_id, skill, level)
SELECT $1, skill, level FROM unnest($2::text[], $3::smallint[]) AS given (skill, level)
ON CONFLICT (agent_id, skill) DO UPDATE SET level = excluded.level
"""


async def set_skills(
    conn: Connection,
    agent_id: UUID,
    *,
    skills: Mapping[str, int],
    budget: int | None,
    maxima: Mapping[str, int] | None,
) -> tuple[int, dict[str, int]]:
    """(budget, maxima) afterwards, of an agent there is."""
    row = await conn.fetchrow(SET_PROFILE, agent_id, budget, maxima)
    assert row is not None
    await conn.execute(DROP_SKILLS, agent_id, list(skills))
    await conn.execute(PUT_SKILLS, agent_id, list(skills), list(skills.values()))
    return row["budget"], row["maxima"]


SET_AUTO_ANSWER = "UPDATE agents SET auto_answer = $2, version = version + 1 WHERE id = $1"


async def set_auto_answer(conn: Connection, agent_id: UUID, *, on: bool) -> None:
    await conn.execute(SET_AUTO_ANSWER, agent_id, on)


INSERT_AGENT = """
INSERT INTO agents (id, user_id, name, sort_key, team, status_since, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (user_id) DO NOTHING
RETURNING budget, maxima
"""
SKILLS_OF_QUEUES = "SELECT key, skill FROM queues WHERE key = ANY ($1::text[]) AND NOT retired"
RENAME = "UPDATE agents SET name = $2, sort_key = $3 WHERE user_id = $1"


async def insert_agent(
    conn: Connection,
    agent_id: UUID,
    user_id: UUID,
    *,
    name: str,
    sort_key: str,
    team: str | None,
    now: datetime,
) -> tuple[int, dict[str, int]] | None:
    """(budget, maxima) of the new agent; None: the user has one."""
    row = await conn.fetchrow(INSERT_AGENT, agent_id, user_id, name, sort_key, team, now)
    return None if row is None else (row["budget"], row["maxima"])


async def put_skills(conn: Connection, agent_id: UUID, skills: Mapping[str, int]) -> None:
    await conn.execute(PUT_SKILLS, agent_id, list(skills), list(skills.values()))


async def skills_of_queues(conn: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Queue → the skill it asks for, of those that are in use."""
    return {row["key"]: row["skill"] for row in await conn.fetch(SKILLS_OF_QUEUES, list(keys))}


async def rename(conn: Connection, user_id: UUID, name: str, sort_key: str) -> None:
    await conn.execute(RENAME, user_id, name, sort_key)


KNOWN_SKILLS = "SELECT key FROM skills WHERE key = ANY ($1::text[])"


async def known_skills(conn: Connection, keys: Sequence[str]) -> set[str]:
    return {row["key"] for row in await conn.fetch(KNOWN_SKILLS, list(keys))}


SEGMENT_STATS = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE s.disposition = 'none' AND s.ended_at >= s.wrap_deadline)
           AS wrap_lapsed,
       avg(extract(epoch FROM s.ended_at - s.started_at))::float8 AS duration
FROM segments s WHERE s.agent_id = $1 AND s.ended_at >= $2 AND s.ended_at < $3
"""

OFFER_STATS = """
SELECT count(*) AS offers,
       count(*) FILTER (WHERE r.state = 'timed_out') AS missed,
       count(*) FILTER (WHERE r.state = 'rejected') AS rejected
FROM reservations r
WHERE r.agent_id = $1 AND r.how = 'offer' AND r.created_at >= $2 AND r.created_at < $3
"""


async def counts(
    conn: Connection, agent_id: UUID, since: datetime, until: datetime
) -> dict[str, Any]:
    segments = await conn.fetchrow(SEGMENT_STATS, agent_id, since, until)
    offers = await conn.fetchrow(OFFER_STATS, agent_id, since, until)
    assert segments is not None
    assert offers is not None
    return {**segments, **offers}


HISTORY = """
SELECT occurred_at AS at, data ->> 'status' AS status, (data ->> 'present')::boolean AS present
FROM (
    (SELECT id, occurred_at, data FROM event_log
     WHERE subject = $1 AND type = 'agent.status_changed' AND occurred_at < $2
     ORDER BY id DESC LIMIT 1)
    UNION ALL
    (SELECT id, occurred_at, data FROM event_log
     WHERE subject = $1 AND type = 'agent.presence_changed' AND occurred_at < $2
     ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT id, occurred_at, data FROM event_log
    WHERE subject = $1 AND type IN ('agent.status_changed', 'agent.presence_changed')
      AND occurred_at >= $2 AND occurred_at < $3
) changes
ORDER BY id
"""


async def history(
    conn: Connection, agent_id: UUID, since: datetime, until: datetime
) -> list[Change]:
    """The status and the presence before `since`, if they are known, and every change until
    `until`."""
    rows = await conn.fetch(HISTORY, str(agent_id), since, until)
    return [Change(row["at"], row["status"], row["present"]) for row in rows]
