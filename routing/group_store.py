"""SQL with which the router's leader writes a group of decisions, many rows a statement.

Every update names the states it starts from; rows that stand elsewhere are missing from the
answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contactcenter.core.eventlog import appending, shifted
from contactcenter.interactions.service import MOVE_TOGETHER
from db import Connection, Record
from routing.rows import VisitRow

RENEW = """
UPDATE leases SET expires_at = clock_timestamp() + $4::interval
WHERE name = $1 AND holder = $2 AND epoch = $3
RETURNING epoch
"""

_HELD = """held AS (
    UPDATE leases SET expires_at = clock_timestamp() + $12::interval
    WHERE name = $9 AND holder = $10 AND epoch = $11
    RETURNING epoch
)"""
_FENCED = f"WITH {_HELD}, {appending('EXISTS (SELECT FROM held)')}"

# As RENEW, with the append of what is decided under the lease: nothing is, when it is gone.
APPEND_FENCED = f"{_FENCED} SELECT xid FROM appended LIMIT 1"  # noqa: S608 - a constant

# A free lease, an expired one, or one whose holder is known to be gone ($4).
TAKE = """
INSERT INTO leases (name, holder, epoch, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, epoch = leases.epoch + 1, expires_at = excluded.expires_at
WHERE $4 OR leases.expires_at < clock_timestamp()
RETURNING epoch
"""

RELEASE = """
UPDATE leases SET expires_at = clock_timestamp() - interval '1 second'
WHERE name = $1 AND holder = $2 AND epoch = $3
"""

TRY_LOCK = "SELECT pg_try_advisory_lock($1)"


@dataclass(slots=True)
class VisitPatch:
    """`lift`: a transfer's target is taken off and the visit goes to the front of its queue."""

    id: str
    expect: tuple[str, ...]
    state: str | None = None
    outcome: str | None = None
    round: int | None = None
    step: int | None = None
    step_until: datetime | None = None
    band: int | None = None
    message_offered: bool = False
    lift: bool = False

    @property
    def rings_only(self) -> bool:
        """Nothing but that it is being offered."""
        return (
            self.state == "offered"
            and self.round is None
            and self.step is None
            and self.band is None
            and not self.message_offered
            and not self.lift
        )


# A step comes with its end: a null `step_until` beside a step means that it stays.
PATCH_VISITS = """
UPDATE work_items w
SET state = coalesce(c.state, w.state),
    outcome = coalesce(c.outcome, w.outcome),
    answered_at = CASE WHEN c.outcome = 'answered' THEN $1 ELSE w.answered_at END,
    ended_at = CASE WHEN c.outcome IS NOT NULL THEN $1 ELSE w.ended_at END,
    round = coalesce(c.round, w.round),
    step = coalesce(c.step, w.step),
    step_until = CASE WHEN c.step IS NOT NULL THEN c.step_until ELSE w.step_until END,
    band = coalesce(c.band, w.band),
    message_offered = w.message_offered OR c.message_offered,
    routing = CASE WHEN c.lift
              THEN (w.routing - 'direct_to' - 'return_to' - 'return_at') || '{"front": true}'
              ELSE w.routing END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[],
            $8::timestamptz[], $9::smallint[], $10::boolean[], $11::boolean[])
     AS c (id, expect, state, outcome, round, step, step_until, band, message_offered, lift)
WHERE w.id = c.id AND w.state = ANY (string_to_array(c.expect, ' '))
RETURNING w.id
"""


async def patch_visits(conn: Connection, patches: Collection[VisitPatch], at: datetime) -> int:
    rows = await conn.fetch(
        PATCH_VISITS,
        at,
        [p.id for p in patches],
        [" ".join(p.expect) for p in patches],
        [p.state for p in patches],
        [p.outcome for p in patches],
        [p.round for p in patches],
        [p.step for p in patches],
        [p.step_until for p in patches],
        [p.band for p in patches],
        [p.message_offered for p in patches],
        [p.lift for p in patches],
    )
    return len(rows)


INSERT_VISITS = """
INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, band, base,
                        boost, target_ms, cost, virtual_start, entered_at, routing)
SELECT v.id, v.interaction_id, v.contact_id, v.queue, v.channel, v.entry, 'queued', v.band, v.base,
       v.boost, v.target_ms, v.cost, v.virtual_start, v.entered_at, v.routing
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::smallint[],
            $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::timestamptz[],
            $13::timestamptz[], $14::jsonb[])
     AS v (id, interaction_id, contact_id, queue, channel, entry, band, base, boost, target_ms,
           cost, virtual_start, entered_at, routing)
"""


async def insert_visits(conn: Connection, visits: Sequence[VisitRow]) -> None:
    await conn.execute(
        INSERT_VISITS,
        [v.id for v in visits],
        [v.interaction_id for v in visits],
        [v.contact_id for v in visits],
        [v.queue for v in visits],
        [v.channel for v in visits],
        [v.entry for v in visits],
        [v.band for v in visits],
        [v.base for v in visits],
        [v.boost for v in visits],
        [v.target_ms for v in visits],
        [v.cost for v in visits],
        [v.virtual_start for v in visits],
        [v.entered_at for v in visits],
        [v.routing for v in visits],
    )


@dataclass(slots=True)
class OfferRow:
    """A reservation that begins in this group; it may end in it too."""

    id: UUID
    visit: str
    """Its visit's id, as the core writes it; `work_item` is the same."""
    work_item: UUID
    interaction: UUID
    agent: UUID
    round: int
    how: str
    state: str
    cost: int
    why: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    reason: str | None = None
    ended_at: datetime | None = None


INSERT_OFFERS = """
INSERT INTO reservations (id, work_item_id, interaction_id, agent_id, round, how, state, cost, why,
                          epoch, created_at, expires_at, reason, ended_at)
SELECT o.id, o.work_item_id, o.interaction_id, o.agent_id, o.round, o.how, o.state, o.cost, o.why,
       $1, o.created_at, o.expires_at, o.reason, o.ended_at
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::text[],
            $9::integer[], $10::jsonb[], $11::timestamptz[], $12::timestamptz[], $13::text[],
            $14::timestamptz[])
     AS o (id, work_item_id, interaction_id, agent_id, round, how, state, cost, why, created_at,
           expires_at, reason, ended_at)
"""


async def insert_offers(conn: Connection, epoch: int, offers: Collection[OfferRow]) -> None:
    await conn.execute(
        INSERT_OFFERS,
        epoch,
        [o.id for o in offers],
        [o.work_item for o in offers],
        [o.interaction for o in offers],
        [o.agent for o in offers],
        [o.round for o in offers],
        [o.how for o in offers],
        [o.state for o in offers],
        [o.cost for o in offers],
        [o.why for o in offers],
        [o.created_at for o in offers],
        [o.expires_at for o in offers],
        [o.reason for o in offers],
        [o.ended_at for o in offers],
    )


_OFFERS = """o AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::integer[],
                         $6::integer[], $7::jsonb[], $8::timestamptz[])
         AS o (id, work_item_id, interaction_id, agent_id, round, cost, why, expires_at)
)"""
_MADE = """
INSERT INTO reservations (id, work_item_id, interaction_id, agent_id, round, how, state, cost, why,
                          epoch, created_at, expires_at)
SELECT o.id, o.work_item_id, o.interaction_id, o.agent_id, o.round, 'offer', 'pending', o.cost,
       o.why, $9, $10, o.expires_at
FROM o JOIN rung ON rung.id = o.work_item_id
"""


def _rung(offers: str) -> str:
    return f"""rung AS (
    UPDATE work_items w SET state = 'offered' FROM {offers}
    WHERE w.id = o.work_item_id AND w.state IN ('queued', 'offered')
    RETURNING w.id
)"""  # noqa: S608 - a constant


RING = f"WITH {_OFFERS}, {_rung('o')} {_MADE}"


async def ring(conn: Connection, epoch: int, offers: Sequence[OfferRow], at: datetime) -> int:
    """Offer waiting visits to agents; how many were still waiting (or ringing)."""
    done = await conn.execute(RING, *_ringing(epoch, offers, at))
    return int(done.rpartition(" ")[2])


def _ringing(epoch: int, offers: Sequence[OfferRow], at: datetime) -> tuple[Any, ...]:
    return (
        [o.id for o in offers],
        [o.work_item for o in offers],
        [o.interaction for o in offers],
        [o.agent for o in offers],
        [o.round for o in offers],
        [o.cost for o in offers],
        [o.why for o in offers],
        [o.expires_at for o in offers],
        epoch,
        at,
    )


# The common case, and the one that must be cheap: a turn does nothing but offer. One statement,
# and so one transaction: the interactions, RING, the lease held to and renewed, the facts. Offers
# are asked for first: the lease's row must not stay locked while an interaction's is waited for.
OFFER_AT_ONCE = f"""
{_FENCED}, moved AS ({shifted(MOVE_TOGETHER, 22)}), {shifted(_OFFERS, 12)},
{_rung("o JOIN moved ON moved.id = o.interaction_id")},
offered AS ({shifted(_MADE, 12)} RETURNING id)
SELECT CASE WHEN (SELECT count(*) FROM offered) <> cardinality($13::uuid[]) THEN refuse('stale')
            WHEN NOT EXISTS (SELECT FROM held) THEN refuse('fenced')
            ELSE (SELECT xid FROM appended LIMIT 1) END
"""  # noqa: S608 - a constant


def offers_at_once(
    lease: tuple[str, str, int, timedelta],
    offers: Sequence[OfferRow],
    at: datetime,
    expect: Sequence[str],
) -> tuple[Any, ...]:
    """OFFER_AT_ONCE's parameters from $9 on: `lease` as RENEW takes it, and the states in which
    the interactions may stand."""
    interactions = [o.interaction for o in offers]
    return (*lease, *_ringing(lease[2], offers, at), interactions, "offered", at, expect)


END_OFFERS = """
UPDATE reservations r SET state = c.state, reason = c.reason, ended_at = $1
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS c (id, state, reason)
WHERE r.id = c.id AND r.state = 'pending'
RETURNING r.id
"""


async def end_offers(
    conn: Connection, ended: Sequence[tuple[str, str, str | None]], at: datetime
) -> int:
    """(reservation, state, reason) each; how many were pending."""
    return len(
        await conn.fetch(
            END_OFFERS, at, [e[0] for e in ended], [e[1] for e in ended], [e[2] for e in ended]
        )
    )


@dataclass(slots=True)
class SegmentPatch:
    """None leaves a column as it is; `wrapped` is a wrap-up that ran out."""

    id: str
    expect: tuple[str, ...]
    state: str | None = None
    cost: int | None = None
    park_reason: str | None = None
    parked_until: datetime | None = None
    over_budget: bool | None = None
    wrapped: bool = False


# A customer who wrote after the talk had ended is not left behind by a wrap-up that runs out.
PATCH_SEGMENTS = """
UPDATE segments s
SET state = coalesce(c.state, s.state),
    version = s.version + 1,
    state_since = CASE WHEN c.state IS NULL OR c.state = s.state THEN s.state_since ELSE $1 END,
    held_ms = s.held_ms + CASE WHEN s.state = 'held' AND c.state <> 'held'
                          THEN floor(extract(epoch FROM $1::timestamptz) * 1000)
                               - floor(extract(epoch FROM s.state_since) * 1000)
                          ELSE 0 END,
    cost = coalesce(c.cost, s.cost),
    over_budget = coalesce(c.over_budget, s.over_budget),
    park_reason = CASE WHEN c.state IS NULL THEN s.park_reason ELSE c.park_reason END,
    parked_until = CASE WHEN c.state IS NULL THEN s.parked_until ELSE c.parked_until END,
    talk_ended_at = CASE c.state WHEN 'ended' THEN coalesce(s.talk_ended_at, $1)
                                 WHEN 'active' THEN NULL
                                 ELSE s.talk_ended_at END,
    wrap_deadline = CASE WHEN c.state = 'active' THEN NULL ELSE s.wrap_deadline END,
    wrap_blocks = s.wrap_blocks AND c.state IS DISTINCT FROM 'active',
    disposition = CASE WHEN c.wrapped THEN 'none' ELSE s.disposition END,
    ended_at = CASE WHEN c.state = 'ended' THEN $1 ELSE s.ended_at END
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::timestamptz[],
            $8::boolean[], $9::boolean[])
     AS c (id, expect, state, cost, park_reason, parked_until, over_budget, wrapped)
WHERE s.id = c.id AND s.state = ANY (string_to_array(c.expect, ' '))
  AND NOT (c.wrapped AND coalesce(s.last_customer_at > s.talk_ended_at, false))
RETURNING s.id::text, s.started_at, s.held_ms, s.talk_ended_at
"""


async def patch_segments(
    conn: Connection, patches: Collection[SegmentPatch], at: datetime
) -> list[Record]:
    return await conn.fetch(
        PATCH_SEGMENTS,
        at,
        [p.id for p in patches],
        [" ".join(p.expect) for p in patches],
        [p.state for p in patches],
        [p.cost for p in patches],
        [p.park_reason for p in patches],
        [p.parked_until for p in patches],
        [p.over_budget for p in patches],
        [p.wrapped for p in patches],
    )


@dataclass(slots=True)
class SegmentStart:
    """A segment that begins by an assignment, or by units that were granted."""

    id: str
    interaction: UUID
    work_item: str | None
    reservation: str | None
    agent: str
    queue: str | None
    channel: str
    cost: int
    full_cost: int
    over_budget: bool
    started_at: datetime


INSERT_SEGMENTS = """
INSERT INTO segments (id, interaction_id, work_item_id, reservation_id, agent_id, queue, channel,
                      state, cost, full_cost, over_budget, started_at, state_since,
                      last_customer_at)
SELECT s.id, s.interaction_id, s.work_item_id, s.reservation_id, s.agent_id, s.queue, s.channel,
       'active', s.cost, s.full_cost, s.over_budget, s.started_at, s.started_at, s.started_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
            $8::integer[], $9::integer[], $10::boolean[], $11::timestamptz[])
     AS s (id, interaction_id, work_item_id, reservation_id, agent_id, queue, channel, cost,
           full_cost, over_budget, started_at)
"""


async def insert_segments(conn: Connection, starts: Sequence[SegmentStart]) -> None:
    await conn.execute(
        INSERT_SEGMENTS,
        [s.id for s in starts],
        [s.interaction for s in starts],
        [s.work_item for s in starts],
        [s.reservation for s in starts],
        [s.agent for s in starts],
        [s.queue for s in starts],
        [s.channel for s in starts],
        [s.cost for s in starts],
        [s.full_cost for s in starts],
        [s.over_budget for s in starts],
        [s.started_at for s in starts],
    )


LOCK_INTERACTIONS = """
SELECT id FROM interactions WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""

# Of these interactions, those with nothing left: no customer, no segment, no visit.
OVER = """
SELECT i.id, i.conversation_id, i.channel FROM interactions i
WHERE i.id = ANY ($1::uuid[]) AND i.closed_at IS NULL AND NOT i.customer_present
  AND NOT EXISTS (SELECT FROM segments s WHERE s.interaction_id = i.id AND s.state <> 'ended')
  AND NOT EXISTS (SELECT FROM work_items w WHERE w.interaction_id = i.id
                    AND w.answered_at IS NULL AND w.ended_at IS NULL)
"""


async def lock_interactions(conn: Connection, interaction_ids: Collection[UUID]) -> None:
    await conn.execute(LOCK_INTERACTIONS, list(interaction_ids))


async def over(conn: Connection, interaction_ids: Collection[UUID]) -> list[Record]:
    return await conn.fetch(OVER, list(interaction_ids))


PUT_DESKS = """
INSERT INTO agent_states AS a (agent_id, cooldown_until, idle_since, last_ended_at)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
     AS c (agent_id, cooldown_until, idle_since, last_ended_at)
ORDER BY c.agent_id
ON CONFLICT (agent_id) DO UPDATE
SET cooldown_until = coalesce(excluded.cooldown_until, a.cooldown_until),
    idle_since = coalesce(excluded.idle_since, a.idle_since),
    last_ended_at = greatest(a.last_ended_at, excluded.last_ended_at)
"""


async def put_desks(
    conn: Connection,
    desks: Sequence[tuple[str, datetime | None, datetime | None, datetime | None]],
) -> None:
    """(agent, cooldown_until, idle_since, last_ended_at); None leaves a column."""
    await conn.execute(PUT_DESKS, *zip(*desks, strict=True))


PUT_TURNS = """
INSERT INTO queue_turns (queue, agent_id)
SELECT * FROM unnest($1::text[], $2::uuid[])
ON CONFLICT (queue) DO UPDATE SET agent_id = excluded.agent_id
"""


async def put_turns(conn: Connection, turns: dict[str, str]) -> None:
    """Queue → who was offered its item last."""
    await conn.execute(PUT_TURNS, list(turns), list(turns.values()))


async def renew(conn: Connection, name: str, holder: str, epoch: int, lasting: timedelta) -> bool:
    """Whether the lease is still held under this epoch; then it is held for another while."""
    return await conn.fetchval(RENEW, name, holder, epoch, lasting) is not None


async def take(
    conn: Connection, name: str, holder: str, lasting: timedelta, *, gone: bool
) -> int | None:
    """The new epoch; None: somebody else holds the lease."""
    epoch: int | None = await conn.fetchval(TAKE, name, holder, lasting, gone)
    return epoch


async def release(conn: Connection, name: str, holder: str, epoch: int) -> None:
    await conn.execute(RELEASE, name, holder, epoch)


async def try_lock(conn: Connection, key: int) -> bool:
    """The session's hold on being the leader; it ends with the session."""
    return bool(await conn.fetchval(TRY_LOCK, key))
