"""SQL of visits, offers, segments and desks, as commands on any node use it.

Every change is conditional on the state it starts from. Whoever changes something of an
interaction has locked the interaction's row first (`interactions.service.interaction`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contactcenter.core import eventlog
from contactcenter.core.event import Event
from contactcenter.core.work import Work
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Interaction, sources
from db import Connection
from routing.rows import VisitRow


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A row of `reservations` without its explanation."""

    id: UUID
    work_item_id: UUID
    interaction_id: UUID
    agent_id: UUID
    round: int
    how: str
    state: str
    cost: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A row of `segments`."""

    id: UUID
    interaction_id: UUID
    work_item_id: UUID | None
    reservation_id: UUID | None
    agent_id: UUID
    queue: str | None
    channel: str
    state: str
    park_reason: str | None
    cost: int
    full_cost: int
    over_budget: bool
    started_at: datetime
    state_since: datetime
    parked_until: datetime | None
    held_ms: int
    talk_ended_at: datetime | None
    wrap_deadline: datetime | None
    wrap_extended: bool
    wrap_blocks: bool
    disposition: str | None
    note: str
    last_customer_at: datetime | None
    last_agent_at: datetime | None
    ended_at: datetime | None
    version: int


VISIT_COLUMNS = """
    id, interaction_id, contact_id, queue, channel, entry, state, outcome, band, base, boost,
    target_ms, cost, virtual_start, entered_at, answered_at, ended_at, round, step, step_until,
    message_offered, routing
"""

# With the append of the visit's fact: one round trip.
BEGIN_VISIT = f"""
WITH moved AS ({eventlog.shifted(hall.ENTER_QUEUE, 8)}), begun AS (
    INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, band,
                            base, boost, target_ms, cost, virtual_start, entered_at, routing)
    SELECT $15, id, $16, $11, $17, $18, 'queued', $19, $20, $21, $22, $23, $12, $24, $25 FROM moved
    RETURNING id
), {eventlog.appending("EXISTS (SELECT FROM begun)")}
SELECT xid FROM appended LIMIT 1
"""  # noqa: S608 - a constant


async def begin_visit(work: Work, visit: VisitRow, fact: Event, version: int | None) -> bool:
    """The interaction enters the visit's queue, and `fact` says so. False: it cannot from where
    it is, or it has another version than that."""
    return await work.emit_with(
        fact,
        BEGIN_VISIT,
        (
            visit.interaction_id,
            work.now,
            visit.queue,
            visit.virtual_start,
            sources("queued"),
            version,
            visit.id,
            visit.contact_id,
            visit.channel,
            visit.entry,
            visit.band,
            visit.base,
            visit.boost,
            visit.target_ms,
            visit.cost,
            visit.entered_at,
            visit.routing,
        ),
    )


WAITING_VISIT = f"""
SELECT {VISIT_COLUMNS} FROM work_items
WHERE interaction_id = $1 AND answered_at IS NULL AND ended_at IS NULL
"""  # noqa: S608 - a constant


async def waiting_visit(conn: Connection, interaction_id: UUID) -> VisitRow | None:
    """The visit in which the interaction waits or rings now."""
    row = await conn.fetchrow(WAITING_VISIT, interaction_id)
    return VisitRow(**row) if row else None


VISIT = f"SELECT {VISIT_COLUMNS} FROM work_items WHERE id = $1"  # noqa: S608 - a constant


async def visit(conn: Connection, work_item_id: UUID) -> VisitRow | None:
    row = await conn.fetchrow(VISIT, work_item_id)
    return VisitRow(**row) if row else None


LAST_VISIT = f"""
SELECT {VISIT_COLUMNS} FROM work_items
WHERE interaction_id = $1 ORDER BY entered_at DESC, id DESC LIMIT 1
"""  # noqa: S608 - a constant


async def last_visit(conn: Connection, interaction_id: UUID) -> VisitRow | None:
    """The interaction's newest stay in a queue."""
    row = await conn.fetchrow(LAST_VISIT, interaction_id)
    return VisitRow(**row) if row else None


WAITED = """
SELECT min(entered_at) - (array_agg(virtual_start ORDER BY entered_at, id))[1]
       + sum(coalesce(answered_at, ended_at, $2) - entered_at)
FROM work_items WHERE interaction_id = $1
"""


async def waited_ms(conn: Connection, interaction_id: UUID, now: datetime) -> int:
    """What the customer has suffered in queues so far, with the wait that the first visit
    inherited; time with agents in between is left out."""
    total: timedelta | None = await conn.fetchval(WAITED, interaction_id, now)
    return max(total or timedelta(0), timedelta(0)) // timedelta(milliseconds=1)


END_VISIT = """
UPDATE work_items SET state = 'ended', outcome = $2, ended_at = $3
WHERE id = $1 AND answered_at IS NULL AND ended_at IS NULL
RETURNING id
"""


async def end_visit(conn: Connection, work_item_id: UUID, outcome: str, at: datetime) -> bool:
    return await conn.fetchval(END_VISIT, work_item_id, outcome, at) is not None


ANSWER_VISIT = """
UPDATE work_items
SET state = 'assigned', outcome = 'answered', answered_at = $2, ended_at = $2
WHERE id = $1 AND state = 'offered'
RETURNING id
"""


async def answer_visit(conn: Connection, work_item_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(ANSWER_VISIT, work_item_id, at) is not None


REQUEUE_VISIT = """
UPDATE work_items w SET state = 'queued'
WHERE w.id = $1 AND w.state = 'offered'
  AND NOT EXISTS (SELECT FROM reservations r WHERE r.work_item_id = w.id AND r.state = 'pending')
RETURNING w.id
"""


async def requeue_visit(conn: Connection, work_item_id: UUID) -> bool:
    """Let the visit wait again, if nobody is being offered it; whether it does."""
    return await conn.fetchval(REQUEUE_VISIT, work_item_id) is not None


# The contact itself, and those that are verified as the same customer.
_KIN = """(
    SELECT {contact}
    UNION
    SELECT other.id FROM contacts me
    JOIN contacts other ON other.customer_id = me.customer_id AND other.verified
    WHERE me.id = {contact} AND me.verified
)"""
# A place is taken once, whichever of them took it.
_LEFT = f"""
w.contact_id IN {_KIN}
  AND w.outcome = 'abandoned' AND w.queue = {{queue}} AND w.ended_at >= {{since}}
  AND NOT EXISTS (SELECT FROM work_items r
                  WHERE r.contact_id IN {_KIN} AND r.entry = 'return'
                    AND r.queue = w.queue AND r.entered_at >= w.ended_at)
ORDER BY w.ended_at DESC LIMIT 1
"""
LEFT_VISIT = f"""
SELECT {VISIT_COLUMNS} FROM work_items w
WHERE {_LEFT.format(contact="$1::uuid", queue="$2", since="$3")}
"""  # noqa: S608 - a constant


async def left_visit(
    conn: Connection, contact_id: UUID, queue: str, since: datetime
) -> VisitRow | None:
    """The customer's newest abandoned visit to the queue since then, whose place is not taken
    back yet: of this contact, or of another that is verified as the same customer."""
    row = await conn.fetchrow(LEFT_VISIT, contact_id, queue, since)
    return VisitRow(**row) if row else None


# What stands at a queue's door: the interaction, how the queue is configured, whether there is a
# place to come back to.
ARRIVAL = f"""
SELECT i.*, q.version AS queue_version, c.version AS calendar_version,
       EXISTS (SELECT FROM work_items w
               WHERE {_LEFT.format(contact="i.contact_id", queue="$2", since="$3")}) AS may_return
FROM ({hall.SELECT_INTERACTION}) i
LEFT JOIN queues q ON q.key = $2
LEFT JOIN calendars c ON c.key = q.calendar
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True)
class Arrival:
    """`version`: of the queue and its calendar, None when there is no such queue. `may_return`:
    there is a `left_visit`."""

    interaction: Interaction
    version: tuple[int, int] | None
    may_return: bool


async def arrival(
    conn: Connection, interaction_id: UUID, queue: str, since: datetime
) -> Arrival | None:
    """None: there is no such interaction."""
    row = await conn.fetchrow(ARRIVAL, interaction_id, queue, since)
    if row is None:
        return None
    values = dict(row)
    version = values.pop("queue_version"), values.pop("calendar_version")
    may_return = values.pop("may_return")
    return Arrival(hall.interaction_of(values), None if None in version else version, may_return)


RESERVATION = """
SELECT id, work_item_id, interaction_id, agent_id, round, how, state, cost, created_at, expires_at
FROM reservations WHERE id = $1
"""


async def reservation(conn: Connection, reservation_id: UUID) -> ReservationRow | None:
    row = await conn.fetchrow(RESERVATION, reservation_id)
    return ReservationRow(**row) if row else None


END_RESERVATION = """
UPDATE reservations SET state = $2, reason = $3, ended_at = $4
WHERE id = $1 AND state = 'pending'
RETURNING id
"""


async def end_reservation(
    conn: Connection, reservation_id: UUID, state: str, at: datetime, reason: str | None = None
) -> bool:
    return await conn.fetchval(END_RESERVATION, reservation_id, state, reason, at) is not None


SEGMENT_COLUMNS = """
    s.id, s.interaction_id, s.work_item_id, s.reservation_id, s.agent_id, s.queue, s.channel,
    s.state, s.park_reason, s.cost, s.full_cost, s.over_budget, s.started_at, s.state_since,
    s.parked_until, s.held_ms, s.talk_ended_at, s.wrap_deadline, s.wrap_extended, s.wrap_blocks,
    s.disposition, s.note, s.last_customer_at, s.last_agent_at, s.ended_at, s.version
"""

BEGIN_SEGMENT = """
INSERT INTO segments (id, interaction_id, work_item_id, reservation_id, agent_id, queue, channel,
                      state, cost, full_cost, started_at, state_since, last_customer_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $8, $9, $9, $9)
"""


async def begin_segment(
    conn: Connection, segment_id: UUID, offer: ReservationRow, visit: VisitRow, at: datetime
) -> None:
    await conn.execute(
        BEGIN_SEGMENT,
        segment_id,
        offer.interaction_id,
        visit.id,
        offer.id,
        offer.agent_id,
        visit.queue,
        visit.channel,
        offer.cost,
        at,
    )


JOIN_SEGMENT = """
INSERT INTO segments (id, interaction_id, agent_id, queue, channel, state, cost, full_cost,
                      started_at, state_since, last_customer_at)
VALUES ($1, $2, $3, $4, $5, 'active', $6, $6, $7, $7, $7)
"""


async def join_segment(
    conn: Connection, segment_id: UUID, interaction_id: UUID, like: SegmentRow, at: datetime
) -> None:
    """The agent of `like` takes part in another interaction too, with the same units."""
    await conn.execute(
        JOIN_SEGMENT,
        segment_id,
        interaction_id,
        like.agent_id,
        like.queue,
        like.channel,
        like.full_cost,
        at,
    )


OPEN_SEGMENTS = f"""
SELECT {SEGMENT_COLUMNS} FROM segments s
WHERE s.interaction_id = $1 AND s.state <> 'ended'
ORDER BY s.started_at, s.id
"""  # noqa: S608 - a constant


async def open_segments(conn: Connection, interaction_id: UUID) -> list[SegmentRow]:
    return [SegmentRow(**row) for row in await conn.fetch(OPEN_SEGMENTS, interaction_id)]


LAST_SEGMENT = f"""
SELECT {SEGMENT_COLUMNS} FROM segments s
WHERE s.interaction_id = $1 AND s.agent_id = $2
ORDER BY s.started_at DESC, s.id DESC LIMIT 1
"""  # noqa: S608 - a constant


async def last_segment(conn: Connection, interaction_id: UUID, agent_id: UUID) -> SegmentRow | None:
    """The agent's newest part in the interaction, open or ended."""
    row = await conn.fetchrow(LAST_SEGMENT, interaction_id, agent_id)
    return SegmentRow(**row) if row else None


# held_ms grows by the time spent in `held` whenever that state is left.
CHANGE_SEGMENT = """
UPDATE segments s
SET state = $2,
    version = version + 1,
    state_since = $3,
    held_ms = held_ms + CASE WHEN state = 'held'
                        THEN floor(extract(epoch FROM $3::timestamptz) * 1000)
                             - floor(extract(epoch FROM state_since) * 1000)
                        ELSE 0 END,
    cost = $4,
    over_budget = $12,
    park_reason = $5,
    parked_until = $6,
    wrap_deadline = $7,
    wrap_blocks = $8,
    talk_ended_at = CASE WHEN $2 IN ('wrapping', 'ended') THEN coalesce(talk_ended_at, $3) END,
    disposition = coalesce($9, disposition),
    note = coalesce($10, note),
    ended_at = CASE WHEN $2 = 'ended' THEN $3 END
WHERE id = $1 AND version = $11
RETURNING held_ms
"""


async def change_segment(
    conn: Connection,
    segment: SegmentRow,
    state: str,
    at: datetime,
    *,
    cost: int,
    park_reason: str | None = None,
    parked_until: datetime | None = None,
    wrap_deadline: datetime | None = None,
    wrap_blocks: bool = False,
    disposition: str | None = None,
    note: str | None = None,
    over_budget: bool = False,
) -> int | None:
    """Take the segment from where it was read to `state`; its hold time so far, in ms.

    None: somebody else has changed it meanwhile.
    """
    held: int | None = await conn.fetchval(
        CHANGE_SEGMENT,
        segment.id,
        state,
        at,
        cost,
        park_reason,
        parked_until,
        wrap_deadline,
        wrap_blocks,
        disposition,
        note,
        segment.version,
        over_budget,
    )
    return held


EXTEND_WRAP = """
UPDATE segments
SET wrap_deadline = wrap_deadline + $2::interval, wrap_extended = true, version = version + 1
WHERE id = $1 AND state = 'wrapping' AND wrap_deadline IS NOT NULL AND NOT wrap_extended
RETURNING wrap_deadline
"""


async def extend_wrap(conn: Connection, segment_id: UUID, by: timedelta) -> datetime | None:
    """The new deadline; None: not wrapping, without a limit, or extended before."""
    deadline: datetime | None = await conn.fetchval(EXTEND_WRAP, segment_id, by)
    return deadline


SAVE_DRAFT = """
UPDATE segments SET note = coalesce($2, note), disposition = coalesce($3, disposition)
WHERE id = $1 AND state <> 'ended'
RETURNING id
"""


async def save_draft(
    conn: Connection, segment_id: UUID, note: str | None, disposition: str | None
) -> bool:
    return await conn.fetchval(SAVE_DRAFT, segment_id, note, disposition) is not None


NOTE_CUSTOMER_WROTE = """
UPDATE segments SET last_customer_at = $2
WHERE interaction_id = $1 AND state <> 'ended'
RETURNING id
"""

NOTE_AGENT_WROTE = """
UPDATE segments SET last_agent_at = $3
WHERE interaction_id = $1 AND agent_id = $2 AND state IN ('active', 'held', 'parked')
RETURNING id
"""


async def customer_wrote(conn: Connection, interaction_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(NOTE_CUSTOMER_WROTE, interaction_id, at) is not None


async def agent_wrote(conn: Connection, interaction_id: UUID, agent_id: UUID, at: datetime) -> bool:
    return await conn.fetchval(NOTE_AGENT_WROTE, interaction_id, agent_id, at) is not None


OVER_BUDGET = """
SELECT a.budget < $3
       + coalesce((SELECT sum(s.cost) FROM segments s
                   WHERE s.agent_id = a.id AND s.state <> 'ended' AND s.id <> $2), 0)
       + coalesce((SELECT sum(r.cost) FROM reservations r
                   WHERE r.agent_id = a.id AND r.state = 'pending'), 0)
FROM agents a WHERE a.id = $1
"""


async def over_budget(conn: Connection, agent_id: UUID, segment_id: UUID, cost: int) -> bool:
    """Whether the segment at this cost takes its agent above the budget."""
    return bool(await conn.fetchval(OVER_BUDGET, agent_id, segment_id, cost))


NOTE_ENDED = """
INSERT INTO agent_states (agent_id, last_ended_at, idle_since) VALUES ($1, $2, $2)
ON CONFLICT (agent_id) DO UPDATE
SET last_ended_at = greatest(agent_states.last_ended_at, excluded.last_ended_at),
    idle_since = greatest(agent_states.idle_since, excluded.idle_since)
"""


async def note_ended(conn: Connection, agent_id: UUID, at: datetime) -> None:
    """The agent's newest segment ended then: from now on the idle clock counts."""
    await conn.execute(NOTE_ENDED, agent_id, at)


REST = """
INSERT INTO agent_states (agent_id, cooldown_until) VALUES ($1, $2)
ON CONFLICT (agent_id) DO UPDATE SET cooldown_until = excluded.cooldown_until
"""


async def rest(conn: Connection, agent_id: UUID, until: datetime) -> None:
    """No offer to this agent until then."""
    await conn.execute(REST, agent_id, until)


DISPOSITION = """
SELECT key FROM dispositions
WHERE key = $1 AND NOT retired AND (queue IS NULL OR queue = $2)
"""


async def disposition_exists(conn: Connection, key: str, queue: str | None) -> bool:
    return await conn.fetchval(DISPOSITION, key, queue) is not None


ERASE_NOTES = """
UPDATE segments s SET note = '' FROM interactions i
WHERE i.id = s.interaction_id AND i.customer_id = $1 AND s.note <> ''
"""


async def erase_notes(conn: Connection, customer_id: UUID) -> None:
    """What agents wrote of a customer's interactions."""
    await conn.execute(ERASE_NOTES, customer_id)
