"""What analytics reads: stretches of the log, and how people are called on screen."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from contactcenter.analytics.board import AgentInfo, Customer
from contactcenter.core import eventlog
from contactcenter.core.event import Catalogue, Event, Position
from contactcenter.core.moments import to_ms
from contactcenter.interactions.model import Address, masked
from db import Connection

CHUNK = 500

STANDING = (
    "agent.status_changed",
    "agent.presence_changed",
    "agent.skills_changed",
    "demo.trouble_changed",
)
"""Facts that hold until the next of the same kind: the last one before a stretch counts."""

OF_AGENTS = (*STANDING, "agent.help_requested")
"""Facts that belong to no interaction."""

# Every fact of the interactions that were open at some moment of [$1, $2), whenever it happened,
# and what happened to agents in it. `subject` of a message is its conversation.
READ_STRETCH = """
WITH touched AS MATERIALIZED (
    SELECT id, conversation_id FROM interactions
    WHERE created_at < $2 AND (closed_at IS NULL OR closed_at >= $1)
), subjects AS MATERIALIZED (
    SELECT id::text AS subject FROM touched
    UNION
    SELECT conversation_id::text FROM touched
), before AS MATERIALIZED (
    SELECT DISTINCT ON (type, subject) xid, id FROM event_log
    WHERE type = ANY ($4) AND occurred_at < $1
    ORDER BY type, subject, xid DESC, id DESC
)
SELECT e.xid, e.id, e.type, e.data, e.occurred_at
FROM event_log e
WHERE (e.xid, e.id) > ($5::xid8, $6::bigint)
  AND (e.xid, e.id) <= ($7::xid8, $8::bigint)
  AND e.type = ANY ($3)
  AND (e.subject IN (SELECT subject FROM subjects)
       OR (e.type = ANY ($10) AND e.occurred_at >= $1 AND e.occurred_at < $2)
       OR (e.xid, e.id) IN (SELECT xid, id FROM before))
ORDER BY e.xid, e.id
LIMIT $9
"""


async def stretch(
    conn: Connection,
    catalogue: Catalogue,
    start: datetime,
    end: datetime,
    types: Iterable[str],
    until: Position,
) -> AsyncIterator[list[tuple[Event, int]]]:
    """All facts that figures of [start, end) need, with their times in ms, in the log's order.

    They come in chunks, each by a statement of its own: nothing before `until` can change
    between them. A row that this process cannot read (written by a newer one) is left out.
    """
    wanted = sorted({*types, *STANDING})
    after = eventlog.START
    while True:
        rows = await conn.fetch(
            READ_STRETCH,
            start,
            end,
            wanted,
            list(STANDING),
            after.xid,
            after.id,
            until.xid,
            until.id,
            CHUNK,
            list(OF_AGENTS),
        )
        chunk: list[tuple[Event, int]] = []
        for row in rows:
            with contextlib.suppress(KeyError, TypeError, ValueError):
                event = eventlog.decoder(catalogue[row["type"]])(row["data"])
                chunk.append((event, to_ms(row["occurred_at"])))
        yield chunk
        if len(rows) < CHUNK:
            return
        after = Position(rows[-1]["xid"], rows[-1]["id"])


AGENTS = """
SELECT a.id, a.name, a.team,
       coalesce(jsonb_object_agg(s.skill, s.level) FILTER (WHERE s.skill IS NOT NULL), '{}')
           AS skills
FROM agents a
LEFT JOIN agent_skills s ON s.agent_id = a.id
GROUP BY a.id
ORDER BY a.ordinal, a.sort_key
"""


async def agents(conn: Connection) -> list[AgentInfo]:
    """Everybody who may be offered work, in the order of the screens."""
    rows = await conn.fetch(AGENTS)
    return [AgentInfo(row["id"], row["name"], row["skills"], row["team"]) for row in rows]


NAMES = """
SELECT i.id, i.contact_id, c.name, a.kind, a.address
FROM interactions i
JOIN contacts c ON c.id = i.contact_id
LEFT JOIN LATERAL (
    SELECT kind, address FROM contact_addresses
    WHERE contact_id = c.id AND kind <> 'web'
    ORDER BY kind DESC, address LIMIT 1
) a ON true
WHERE i.id = ANY ($1)
"""


async def customers(conn: Connection, interaction_ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Whose each interaction is."""
    return {
        row["id"]: Customer(
            row["name"] or (masked(Address(row["kind"], row["address"])) if row["address"] else ""),
            row["contact_id"],
        )
        for row in await conn.fetch(NAMES, list(interaction_ids))
    }
