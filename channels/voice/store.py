"""SQL of calls, their legs and history, and of softphones.

A call is changed by `save`, which asks for the version it was read at: whoever comes second
changes nothing and begins again. Whoever changes a call has locked its interaction's row first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from channels.voice.call import Call, Consult, Leg, Recording
from db import Connection, Record


@dataclass(frozen=True, slots=True)
class CallRow:
    """A row of `calls` beside the call itself."""

    call: Call
    version: int
    interaction_id: UUID
    visitor_id: UUID | None
    queue: str | None
    retention: str
    health: bool
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    held_since: datetime | None


@dataclass(frozen=True, slots=True)
class Softphone:
    """A row of `softphones`."""

    agent_id: UUID
    leg_id: UUID
    peer: UUID
    state: str


CALL_COLUMNS = """
    c.id, c.interaction_id, c.visitor_id, c.direction, c.queue, c.state, c.held_since,
    c.conference, c.consult_leg, c.consult_by, c.consult_side, c.consult_request,
    c.record_mode, c.record_aside, c.record_state, c.consent, c.recording_id, c.retention,
    c.health, c.created_at, c.answered_at, c.ended_at, c.end_reason, c.version
"""

SELECT_CALLS = f"SELECT {CALL_COLUMNS} FROM calls c WHERE c.id = ANY ($1::uuid[])"  # noqa: S608

LEGS = """
SELECT call_id, id, leg_id, kind, agent_id, segment_id, state, muted, deadline, asked_by
FROM call_legs WHERE call_id = ANY ($1::uuid[])
ORDER BY call_id, id
"""


async def calls(conn: Connection, call_ids: Sequence[UUID]) -> dict[UUID, CallRow]:
    """Those of these calls that there are."""
    rows = await conn.fetch(SELECT_CALLS, list(call_ids))
    legs: dict[UUID, list[Leg]] = {row["id"]: [] for row in rows}
    for leg in await conn.fetch(LEGS, list(legs)):
        legs[leg["call_id"]].append(_leg(leg))
    return {row["id"]: _row(row, tuple(legs[row["id"]])) for row in rows}


async def call(conn: Connection, call_id: UUID) -> CallRow | None:
    return (await calls(conn, [call_id])).get(call_id)


def _leg(row: Record) -> Leg:
    return Leg(
        id=row["leg_id"],
        stay=row["id"],
        kind=row["kind"],
        state=row["state"],
        agent_id=row["agent_id"],
        segment_id=row["segment_id"],
        muted=row["muted"],
        deadline=row["deadline"],
        asked_by=row["asked_by"],
    )


def _row(row: Record, legs: tuple[Leg, ...]) -> CallRow:
    consult = None
    if row["consult_by"] is not None:
        consult = Consult(
            row["consult_leg"], row["consult_by"], row["consult_side"], row["consult_request"]
        )
    return CallRow(
        call=Call(
            id=row["id"],
            direction=row["direction"],
            legs=legs,
            held=row["held_since"] is not None,
            conference=row["conference"],
            consult=consult,
            recording=Recording(
                row["record_mode"],
                row["record_state"],
                row["consent"],
                row["recording_id"],
                row["record_aside"],
            ),
            ended=row["ended_at"] is not None,
        ),
        version=row["version"],
        interaction_id=row["interaction_id"],
        visitor_id=row["visitor_id"],
        queue=row["queue"],
        retention=row["retention"],
        health=row["health"],
        created_at=row["created_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
        held_since=row["held_since"],
    )


INSERT_CALL = """
INSERT INTO calls (id, interaction_id, visitor_id, direction, queue, state, record_mode,
                   record_aside, retention, health, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def insert(conn: Connection, row: CallRow) -> None:
    """A new call with its first legs."""
    await conn.execute(
        INSERT_CALL,
        row.call.id,
        row.interaction_id,
        row.visitor_id,
        row.call.direction,
        row.queue,
        row.call.state,
        row.call.recording.mode,
        row.call.recording.aside,
        row.retention,
        row.health,
        row.created_at,
    )
    await save_legs(conn, row.call.id, row.call.legs, row.created_at)


MOVE = """
UPDATE calls SET queue = $2, record_mode = $3, record_aside = $4, retention = $5, health = $6
WHERE id = $1
"""


async def move(conn: Connection, row: CallRow) -> None:
    """Write the queue of the call, and that queue's rule."""
    recording = row.call.recording
    await conn.execute(
        MOVE,
        row.call.id,
        row.queue,
        recording.mode,
        recording.aside,
        row.retention,
        row.health,
    )


SAVE = """
UPDATE calls
SET state = $3, conference = $5, consult_leg = $6, consult_by = $7, consult_side = $8,
    record_state = $9, consent = $10, recording_id = $11,
    held_since = CASE WHEN $4 THEN coalesce(held_since, $12) END,
    answered_at = CASE WHEN $13 THEN coalesce(answered_at, $12) ELSE answered_at END,
    ended_at = CASE WHEN $14::text IS NOT NULL THEN coalesce(ended_at, $12) END,
    end_reason = coalesce(end_reason, $14),
    address_mac = CASE WHEN $14::text IS NULL AND ended_at IS NULL THEN address_mac END,
    consult_request = $15,
    version = version + 1
WHERE id = $1 AND version = $2
RETURNING version
"""


async def save(
    conn: Connection, before: CallRow, after: Call, at: datetime, *, reason: str | None
) -> int | None:
    """Write the call as it is now; its new version, or None when somebody was quicker.

    `reason` is why it ended, given when it has.
    """
    consult = after.consult
    version: int | None = await conn.fetchval(
        SAVE,
        after.id,
        before.version,
        after.state,
        after.held,
        after.conference,
        consult.leg if consult else None,
        consult.by if consult else None,
        consult.side if consult else None,
        after.recording.state,
        after.recording.consent,
        after.recording.id,
        at,
        after.state in {"active", "held", "consulting", "conference"},
        reason,
        consult.request if consult else None,
    )
    if version is not None:
        known = {leg.stay: leg for leg in before.call.legs}
        changed = [leg for leg in after.legs if known.get(leg.stay) != leg]
        await save_legs(conn, after.id, changed, at)
    return version


SAVE_LEGS = """
INSERT INTO call_legs (id, call_id, leg_id, kind, agent_id, segment_id, state, muted, deadline,
                       deadline_from, asked_by, invited_at, joined_at, left_at)
SELECT g.id, $1, g.leg_id, g.kind, g.agent_id, g.segment_id, g.state, g.muted, g.deadline,
       CASE WHEN g.deadline IS NOT NULL THEN $2::timestamptz END,
       g.asked_by, $2, CASE WHEN g.state IN ('connected', 'lost') THEN $2::timestamptz END,
       CASE WHEN g.state = 'left' THEN $2::timestamptz END
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[],
            $9::boolean[], $10::timestamptz[], $11::uuid[])
     AS g (id, leg_id, kind, agent_id, segment_id, state, muted, deadline, asked_by)
ON CONFLICT (id) DO UPDATE
SET state = excluded.state, muted = excluded.muted, deadline = excluded.deadline,
    deadline_from = CASE WHEN call_legs.deadline = excluded.deadline THEN call_legs.deadline_from
                         ELSE excluded.deadline_from END,
    segment_id = excluded.segment_id,
    joined_at = coalesce(call_legs.joined_at, excluded.joined_at),
    left_at = coalesce(call_legs.left_at, excluded.left_at)
"""


async def save_legs(conn: Connection, call_id: UUID, legs: Sequence[Leg], at: datetime) -> None:
    if not legs:
        return
    columns = zip(
        *(
            (
                leg.stay,
                leg.id,
                leg.kind,
                leg.agent_id,
                leg.segment_id,
                leg.state,
                leg.muted,
                leg.deadline,
                leg.asked_by,
            )
            for leg in legs
        ),
        strict=True,
    )
    await conn.execute(SAVE_LEGS, call_id, at, *map(list, columns))


ADD_EVENTS = """
INSERT INTO call_events (call_id, at, name, actor, data)
SELECT $1, $2, e.name, $3, e.data FROM unnest($4::text[], $5::jsonb[]) AS e (name, data)
"""


async def add_events(
    conn: Connection,
    call_id: UUID,
    at: datetime,
    actor: str,
    events: Sequence[tuple[str, dict[str, Any]]],
) -> None:
    """Write the call's history: (name, what belongs to it)."""
    names, data = [name for name, _ in events], [data for _, data in events]
    await conn.execute(ADD_EVENTS, call_id, at, actor, names, data)


# Finding calls -----------------------------------------------------------------------------------

OF_INTERACTION = "SELECT id FROM calls WHERE interaction_id = $1 AND ended_at IS NULL"


async def of_interaction(conn: Connection, interaction_id: UUID) -> UUID | None:
    """The interaction's call, while it lasts."""
    found: UUID | None = await conn.fetchval(OF_INTERACTION, interaction_id)
    return found


OF_REQUEST = "SELECT id FROM calls WHERE consult_request = $1 AND ended_at IS NULL"


async def of_request(conn: Connection, interaction_id: UUID) -> UUID | None:
    """The call for which somebody of a queue is asked by this interaction."""
    found: UUID | None = await conn.fetchval(OF_REQUEST, interaction_id)
    return found


OF_VISITORS = """
SELECT DISTINCT ON (visitor_id) visitor_id, id FROM calls
WHERE visitor_id = ANY ($1::uuid[])
ORDER BY visitor_id, created_at DESC, id DESC
"""


async def of_visitors(conn: Connection, conversation_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Conversation → its visitor's newest call."""
    rows = await conn.fetch(OF_VISITORS, list(conversation_ids))
    return {row["visitor_id"]: row["id"] for row in rows}


OF_AGENTS = """
SELECT agent_id, call_id FROM call_legs WHERE agent_id = ANY ($1::uuid[]) AND state <> 'left'
ORDER BY call_id
"""


async def of_agents(conn: Connection, agent_ids: Sequence[UUID]) -> list[tuple[UUID, UUID]]:
    """(agent, call) for the calls that these agents are on, or that ring at theirs."""
    rows = await conn.fetch(OF_AGENTS, list(agent_ids))
    return [(row["agent_id"], row["call_id"]) for row in rows]


OF_LEG = """
SELECT l.call_id FROM call_legs l WHERE l.leg_id = $1 AND l.state <> 'left' ORDER BY l.call_id
"""


async def of_leg(conn: Connection, leg_id: UUID) -> list[UUID]:
    """The calls that the media's leg is on."""
    return [row["call_id"] for row in await conn.fetch(OF_LEG, leg_id)]


WAITING = """
SELECT i.conversation_id, c.visitor_id, c.id FROM calls c
JOIN interactions i ON i.id = c.interaction_id
WHERE i.conversation_id = ANY ($1::uuid[]) AND c.ended_at IS NULL AND c.visitor_id IS NOT NULL
"""


async def waiting(conn: Connection, conversation_ids: Sequence[UUID]) -> list[Record]:
    """(conversation_id, visitor_id, id) of the live calls in these conversations."""
    return await conn.fetch(WAITING, list(conversation_ids))


LIVE = "SELECT id FROM calls WHERE ended_at IS NULL ORDER BY created_at"


async def live(conn: Connection) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(LIVE)]


DUE = """
SELECT DISTINCT call_id FROM call_legs
WHERE deadline <= $1 AND state <> 'left'
ORDER BY call_id LIMIT 200
"""


async def due(conn: Connection, now: datetime) -> list[UUID]:
    """Calls with a leg whose time is up."""
    return [row["call_id"] for row in await conn.fetch(DUE, now)]


MOVE_DEADLINES = """
UPDATE call_legs SET deadline = deadline + $1, deadline_from = deadline_from + $1
WHERE deadline IS NOT NULL AND state <> 'left'
  AND NOT (deadline_from > $2 AND deadline_from <= $3)
"""
MOVE_CALLS = """
UPDATE calls SET
    created_at = CASE WHEN created_at > $2 AND created_at <= $3 THEN created_at
                      ELSE created_at + $1 END,
    answered_at = CASE WHEN answered_at > $2 AND answered_at <= $3 THEN answered_at
                       ELSE answered_at + $1 END,
    held_since = CASE WHEN held_since > $2 AND held_since <= $3 THEN held_since
                      ELSE held_since + $1 END
WHERE ended_at IS NULL
"""


async def clock_set(conn: Connection, by: timedelta, after: datetime, until: datetime) -> None:
    """The clock was set: live calls keep the time they had. What was written within
    (after, until] knew it."""
    await conn.execute(MOVE_DEADLINES, by, after, until)
    await conn.execute(MOVE_CALLS, by, after, until)


BEGINNINGS = "SELECT pg_advisory_xact_lock(hashtextextended('voice.call_start', 17))"
BEGUN = """
SELECT count(*) FILTER (WHERE first.awaited) AS in_all,
       count(*) FILTER (WHERE first.awaited AND c.address_mac = $1) AS of_address,
       count(*) FILTER (WHERE c.address_mac = $1) AS live
FROM calls c CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.state = 'inviting'
                   AND l.deadline IS NOT NULL) AS awaited
) first
WHERE c.ended_at IS NULL
"""


async def begun(conn: Connection, address_mac: bytes) -> Record:
    """(in_all, of_address, live): how many calls wait for their first sound, of any address and of
    this one, and how many calls this one has. No other call begins until the transaction ends."""
    await conn.execute(BEGINNINGS)
    row = await conn.fetchrow(BEGUN, address_mac)
    assert row is not None
    return row


CAME_FROM = "UPDATE calls SET address_mac = $2 WHERE id = $1"


async def came_from(conn: Connection, call_id: UUID, address_mac: bytes) -> None:
    """Note the address that a new call came from; the call's end clears it."""
    await conn.execute(CAME_FROM, call_id, address_mac)


ORPHANS = """
SELECT s.interaction_id, s.agent_id, i.direction
FROM segments s JOIN interactions i ON i.id = s.interaction_id
WHERE s.channel = 'voice' AND s.state IN ('active', 'held', 'consulting')
  AND s.reservation_id IS NULL AND s.started_at < $1
  AND NOT EXISTS (SELECT FROM call_legs l WHERE l.segment_id = s.id AND l.state <> 'left')
ORDER BY s.interaction_id LIMIT 50
"""


async def orphans(conn: Connection, before: datetime) -> list[Record]:
    """(interaction_id, agent_id, direction) of parts in calls whose units were taken before then
    and that no leg came of: whoever asked for them was killed in between."""
    return await conn.fetch(ORPHANS, before)


LEG_STATS = """
UPDATE call_legs SET stats = $3
WHERE id = (SELECT id FROM call_legs WHERE call_id = $1 AND leg_id = $2
            ORDER BY id DESC LIMIT 1)
"""


async def leg_stats(conn: Connection, call_id: UUID, leg_id: UUID, stats: dict[str, Any]) -> None:
    """What the media measured over a leg's last stay in a call."""
    await conn.execute(LEG_STATS, call_id, leg_id, stats)


# What cards show beside the call -----------------------------------------------------------------

SHOWN = """
SELECT c.id, i.conversation_id, i.state AS interaction_state, i.queue, k.name AS customer,
       r.queue AS consult_queue
FROM calls c
JOIN interactions i ON i.id = c.interaction_id
JOIN contacts k ON k.id = i.contact_id
LEFT JOIN interactions r ON r.id = c.consult_request
WHERE c.id = ANY ($1::uuid[])
"""

NAMES = """
SELECT l.call_id, l.id AS stay, a.name, l.stats FROM call_legs l
LEFT JOIN agents a ON a.id = l.agent_id
WHERE l.call_id = ANY ($1::uuid[])
"""


async def shown(conn: Connection, call_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Call → (conversation_id, interaction_state, queue, customer, consult_queue)."""
    return {row["id"]: row for row in await conn.fetch(SHOWN, list(call_ids))}


async def names(conn: Connection, call_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Stay → (the agent's name or None, stats), for every leg of these calls."""
    return {row["stay"]: row for row in await conn.fetch(NAMES, list(call_ids))}


# Softphones --------------------------------------------------------------------------------------

SOFTPHONES = """
SELECT agent_id, leg_id, peer, state FROM softphones
WHERE agent_id = ANY ($1::uuid[]) OR leg_id = ANY ($2::uuid[])
"""


async def softphones(
    conn: Connection, agent_ids: Sequence[UUID] = (), leg_ids: Sequence[UUID] = ()
) -> dict[UUID, Softphone]:
    """Agent → softphone, found by agent or by leg."""
    rows = await conn.fetch(SOFTPHONES, list(agent_ids), list(leg_ids))
    return {row["agent_id"]: Softphone(**row) for row in rows}


NEGOTIATE = """
INSERT INTO softphones (agent_id, leg_id, peer, state, changed_at)
VALUES ($1, $2, $3, 'connecting', $4)
ON CONFLICT (agent_id) DO UPDATE
SET peer = excluded.peer, state = 'connecting', changed_at = excluded.changed_at
RETURNING leg_id
"""


async def negotiate(
    conn: Connection, agent_id: UUID, new_leg: UUID, peer: UUID, at: datetime
) -> UUID:
    """A browser offers: the agent's leg, new or old."""
    leg_id: UUID = await conn.fetchval(NEGOTIATE, agent_id, new_leg, peer, at)
    return leg_id


SOFTPHONE_STATE = """
UPDATE softphones SET state = $2, changed_at = $3
WHERE leg_id = $1 AND state <> $2 RETURNING agent_id
"""


async def softphone_state(conn: Connection, leg_id: UUID, state: str, at: datetime) -> UUID | None:
    """Whose it is; None: no softphone's leg, or not news."""
    agent_id: UUID | None = await conn.fetchval(SOFTPHONE_STATE, leg_id, state, at)
    return agent_id


LOCK_LEG = """
SELECT i.id FROM interactions i
JOIN calls c ON c.interaction_id = i.id JOIN call_legs l ON l.call_id = c.id
WHERE l.leg_id = $1 AND l.state <> 'left' ORDER BY i.id FOR NO KEY UPDATE OF i
"""
LOCK_SOFTPHONE = "SELECT state FROM softphones WHERE leg_id = $1 FOR UPDATE"


async def lock_leg(conn: Connection, leg_id: UUID) -> None:
    """Lock whatever says how the leg is: the interactions of its calls, and its softphone."""
    await conn.execute(LOCK_LEG, leg_id)
    await conn.execute(LOCK_SOFTPHONE, leg_id)


SOFTPHONES_UP = """
SELECT leg_id FROM softphones WHERE state IN ('connecting', 'connected')
"""


async def softphones_up(conn: Connection) -> list[UUID]:
    return [row["leg_id"] for row in await conn.fetch(SOFTPHONES_UP)]
