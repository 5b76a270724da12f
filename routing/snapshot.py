"""Everything the router holds, read from the tables as they are at one moment.

The queries are few and lean, because a restart waits for them. What comes back is the core's
own snapshot, the facts that the tables show but that no decision has answered yet, and a way
to tell which events of the log the tables already contain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.moments import to_ms
from db import Connection, Record
from routing.book import QueueBook
from routing.core.inputs import CustomerWrote, Input, ItemQueued
from routing.core.model import (
    AgentConfig,
    AgentRow,
    Band,
    CentreConfig,
    Channel,
    Constants,
    Entry,
    ParkReason,
    QueueConfig,
    Reservation,
    RouterSnapshot,
    Segment,
    SegmentState,
    Visit,
    VisitState,
    Will,
    WorkItem,
)
from routing.rows import disposal, from_extras

_CHANNELS: Final = {channel.value: channel for channel in Channel}
_ENTRIES: Final = {entry.value: entry for entry in Entry}
_BANDS: Final = {band.value: band for band in Band}
_VISIT_STATES: Final = {state.value: state for state in VisitState}
_SEGMENT_STATES: Final = {state.value: state for state in SegmentState}

SNAPSHOT = "SELECT pg_current_snapshot()::text"


@dataclass(frozen=True, slots=True)
class Seen:
    """Which transactions a database snapshot contains: PostgreSQL's xmin, xmax and the list of
    those that were running in between."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Seen:
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(",") if xid))

    def __contains__(self, xid: int) -> bool:
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)


@dataclass(frozen=True, slots=True)
class Place:
    """What the shell keeps of a visit, beside the engine, to write decisions about it."""

    interaction: UUID
    contact: UUID
    queue: str
    channel: str
    entered_at: int
    preferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What the shell keeps of a segment."""

    interaction: UUID
    contact: UUID
    agent: UUID
    channel: str
    queue: str | None


class Memory:
    """What the shell keeps beside the engine; thrown away with it."""

    def __init__(
        self,
        queues: dict[str, QueueConfig],
        agents: dict[str, AgentConfig],
        idle: dict[str, tuple[int, int]],
    ) -> None:
        self.queues = queues
        self.agents = agents
        self.idle = idle
        """Agent → (cooldown_until, idle_since) as stored."""
        self.places: dict[str, Place] = {}
        """Visit → what is written about it."""
        self.waiting: dict[UUID, str] = {}
        """Interaction → the visit in which it waits."""
        self.parts: dict[str, Part] = {}
        """Segment → what is written about it."""
        self.open: dict[UUID, set[str]] = {}
        """Interaction → its open segments."""
        self.asked: dict[str, str] = {}
        """Status request → its cause, until it is answered."""
        self.contacts: dict[UUID, UUID] = {}
        """Interaction → its contact, of those whose units are asked for."""
        self._over: list[str] = []

    def add_place(self, work_item: str, place: Place) -> None:
        self.places[work_item] = place
        self.waiting[place.interaction] = work_item

    def add_part(self, segment: str, part: Part) -> None:
        self.parts[segment] = part
        self.open.setdefault(part.interaction, set()).add(segment)

    def is_over(self, key: str) -> None:
        """A visit or segment has ended; it is forgotten once the decisions about its end are
        written."""
        self._over.append(key)
        place, part = self.places.get(key), self.parts.get(key)
        if place is not None and self.waiting.get(place.interaction) == key:
            del self.waiting[place.interaction]
        if part is not None and part.interaction in self.open:
            self.open[part.interaction].discard(key)
            if not self.open[part.interaction]:
                del self.open[part.interaction]

    def forget(self) -> None:
        """Let go of what is over."""
        for key in self._over:
            self.places.pop(key, None)
            self.parts.pop(key, None)
        self._over.clear()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The tables at one moment. `unanswered` is fed to the engine after the restore."""

    seen: Seen
    config: CentreConfig
    state: RouterSnapshot
    unanswered: list[Input]
    memory: Memory
    unreadable: frozenset[str]
    """Queues that are left out: their configuration cannot be read."""


VISIT = """
SELECT w.id::text, w.interaction_id, w.contact_id, w.queue, w.channel, w.entry, w.state,
       w.outcome, w.band, w.base, w.boost, w.target_ms, w.cost, w.round, w.step, w.step_until,
       w.message_offered, w.routing, w.virtual_start, w.entered_at
FROM work_items w
"""

# Those that wait, and those that are over while an offer of them is still pending. A visit whose
# interaction is elsewhere could never be offered, and would hold up all others: the sweep mends it.
VISITS = f"""
{VISIT} JOIN interactions i ON i.id = w.interaction_id
WHERE w.answered_at IS NULL AND w.ended_at IS NULL AND i.state IN ('queued', 'offered')
UNION ALL
{VISIT} WHERE w.ended_at IS NOT NULL
          AND w.id IN (SELECT r.work_item_id FROM reservations r WHERE r.state = 'pending')
"""  # noqa: S608 - a constant

PENDING = """
SELECT r.id::text, r.work_item_id::text, r.agent_id::text, r.round, r.cost,
       r.created_at AS offered_at, r.expires_at
FROM reservations r WHERE r.state = 'pending'
"""

REFUSED = """
SELECT w.id::text, r.agent_id::text, r.ended_at AS refused_at
FROM work_items w
JOIN reservations r ON r.work_item_id = w.id AND r.round = w.round
     AND r.state IN ('rejected', 'timed_out')
WHERE w.answered_at IS NULL AND w.ended_at IS NULL
"""

SEGMENTS = """
SELECT s.id::text, s.interaction_id, i.contact_id, s.agent_id, s.channel, s.queue, s.state,
       s.park_reason, s.cost, s.full_cost, s.over_budget, s.wrap_extended, s.wrap_blocks,
       s.started_at, s.state_since, s.held_ms, s.parked_until, s.talk_ended_at, s.wrap_deadline,
       s.last_agent_at AS agent_at, s.last_customer_at AS customer_at,
       w.id::text AS visit, w.queue AS visit_queue, w.entry, w.band, w.base, w.boost,
       w.target_ms, w.cost AS visit_cost, w.routing, w.virtual_start, w.entered_at
FROM segments s
JOIN interactions i ON i.id = s.interaction_id
LEFT JOIN work_items w ON w.id = s.work_item_id
WHERE s.state <> 'ended'
"""

AGENTS = """
SELECT a.id::text, a.status, a.status_reason, a.after_this, a.after_this_reason,
       a.after_this_open, a.budget, a.maxima, a.ordinal, coalesce(p.present, false) AS present,
       p.channels, p.absent_since, p.cooldown_until,
       coalesce(p.idle_since, a.status_since) AS idle_since
FROM agents a LEFT JOIN agent_states p ON p.agent_id = a.id
"""

SKILLS = "SELECT agent_id::text, skill, level FROM agent_skills"

TODAY = """
SELECT s.agent_id::text, count(*) AS calls,
       sum(greatest(0, floor(extract(epoch FROM s.talk_ended_at) * 1000)
                       - floor(extract(epoch FROM s.started_at) * 1000) - s.held_ms))::bigint
           AS talk_ms
FROM segments s WHERE s.ended_at >= $1
GROUP BY s.agent_id
"""

TURNS = "SELECT queue, agent_id::text FROM queue_turns"


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_ms(moment)


async def load(
    conn: Connection,
    book: QueueBook,
    constants: Constants,
    *,
    now: datetime,
    day_start: datetime,
) -> Loaded:
    """Read it all; `conn` is in a REPEATABLE READ transaction."""
    seen = Seen.parse(await conn.fetchval(SNAPSHOT))
    queues = await book.all(conn)
    skills: dict[str, dict[str, int]] = {}
    for agent_id, skill, level in await conn.fetch(SKILLS):
        skills.setdefault(agent_id, {})[skill] = level
    today = {row["agent_id"]: row for row in await conn.fetch(TODAY, day_start)}
    agents = await conn.fetch(AGENTS)
    refused: dict[str, dict[str, int]] = {}
    for visit_id, agent_id, at in await conn.fetch(REFUSED):
        refused.setdefault(visit_id, {})[agent_id] = to_ms(at)
    visits = await conn.fetch(VISITS)
    pending = await conn.fetch(PENDING)
    segments = await conn.fetch(SEGMENTS)
    turns = await conn.fetch(TURNS)

    core = {key: queue.core for key, queue in queues.items()}
    configs = {row["id"]: _config(row, skills.get(row["id"], {})) for row in agents}
    channel_of = {row["id"]: row["channel"] for row in visits}
    memory = Memory(
        core,
        configs,
        {row["id"]: (_ms(row["cooldown_until"]) or 0, to_ms(row["idle_since"])) for row in agents},
    )
    waiting, unseen = [], []
    for row in visits:
        memory.add_place(row["id"], _place(row))
        if row["outcome"] is not None:
            memory.is_over(row["id"])
        elif row["id"] not in refused and _is_unseen(row):
            unseen.append(row)
        else:
            waiting.append(_visit(row, refused.get(row["id"])))
    for row in segments:
        memory.add_part(row["id"], _part(row))
    return Loaded(
        seen=seen,
        config=CentreConfig(queues=core, agents=configs, constants=constants),
        state=RouterSnapshot(
            visits=tuple(waiting),
            reservations=tuple(
                _pending(row, channel_of[row["work_item_id"]])
                for row in pending
                if row["work_item_id"] in channel_of
            ),
            segments=tuple(_segment(row) for row in segments),
            agents=tuple(_agent(row, today.get(row["id"])) for row in agents),
            last_offered={row["queue"]: row["agent_id"] for row in turns},
        ),
        unanswered=_unanswered(unseen, segments, to_ms(now)),
        memory=memory,
        unreadable=frozenset(key for key, queue in queues.items() if queue.fault is not None),
    )


def _place(row: Record) -> Place:
    return Place(
        row["interaction_id"],
        row["contact_id"],
        row["queue"],
        row["channel"],
        to_ms(row["entered_at"]),
        tuple(row["routing"].get("preferred", ())),
    )


def _part(row: Record) -> Part:
    return Part(
        row["interaction_id"], row["contact_id"], row["agent_id"], row["channel"], row["queue"]
    )


def agent_config(
    agent_id: str,
    skills: dict[str, int],
    budget: int,
    maxima: dict[str, int],
    position: int,
) -> AgentConfig:
    return AgentConfig(
        id=agent_id,
        skills=skills,
        budget=budget,
        maxima={_CHANNELS[channel]: most for channel, most in maxima.items()},
        position=position,
    )


def _config(row: Record, skills: dict[str, int]) -> AgentConfig:
    return agent_config(row["id"], skills, row["budget"], row["maxima"], row["ordinal"])


def _agent(row: Record, today: Record | None) -> AgentRow:
    after_this = row["after_this"]
    return AgentRow(
        id=row["id"],
        will=Will(row["status"]),
        will_reason=row["status_reason"],
        after_this=Will(after_this) if after_this else None,
        after_this_reason=row["after_this_reason"],
        after_this_open=disposal(row["after_this_open"]),
        present=row["present"],
        absent_since=_ms(row["absent_since"]),
        channels=frozenset(_CHANNELS[channel] for channel in row["channels"] or ()),
        cooldown_until=_ms(row["cooldown_until"]) or 0,
        idle_since=to_ms(row["idle_since"]),
        calls=today["calls"] if today else 0,
        talk_ms=(today["talk_ms"] or 0) if today else 0,
    )


def _item(row: Record, visit_id: str, queue: str, cost: int) -> WorkItem:
    routing: dict[str, Any] = row["routing"]
    return WorkItem(
        id=visit_id,
        interaction=str(row["interaction_id"]),
        queue=queue,
        channel=_CHANNELS[row["channel"]],
        band=_BANDS[row["band"]],
        base=row["base"],
        boost=row["boost"],
        target_ms=row["target_ms"],
        cost=cost,
        virtual_start=to_ms(row["virtual_start"]),
        entered_at=to_ms(row["entered_at"]),
        entry=_ENTRIES[row["entry"]],
        **(from_extras(routing) if routing else {}),
    )


def _visit(row: Record, refused: dict[str, int] | None) -> Visit:
    return Visit(
        item=_item(row, row["id"], row["queue"], row["cost"]),
        state=_VISIT_STATES[row["state"]],
        round=row["round"],
        step=row["step"] or 0,
        step_until=_ms(row["step_until"]),
        excluded=frozenset(refused or ()),
        refused_at=max(refused.values()) if refused else None,
        message_offered=row["message_offered"],
    )


def _pending(row: Record, channel: str) -> Reservation:
    return Reservation(
        id=row["id"],
        work_item=row["work_item_id"],
        agent=row["agent_id"],
        round=row["round"],
        channel=_CHANNELS[channel],
        cost=row["cost"],
        offered_at=to_ms(row["offered_at"]),
        expires_at=to_ms(row["expires_at"]),
    )


def _segment(row: Record) -> Segment:
    item = None
    if row["visit"] is not None:
        item = _item(row, row["visit"], row["visit_queue"], row["visit_cost"])
    agent_at, customer_at = row["agent_at"], row["customer_at"]
    waiting_since: datetime | None = None
    if agent_at is not None and (customer_at is None or agent_at > customer_at):
        waiting_since = agent_at
    elif row["park_reason"] == "waiting_customer":
        waiting_since = row["state_since"]
    return Segment(
        id=row["id"],
        interaction=str(row["interaction_id"]),
        agent=str(row["agent_id"]),
        channel=_CHANNELS[row["channel"]],
        queue=row["queue"],
        full_cost=row["full_cost"],
        started_at=to_ms(row["started_at"]),
        state_since=to_ms(row["state_since"]),
        cost=row["cost"],
        item=item,
        state=_SEGMENT_STATES[row["state"]],
        park_reason=ParkReason(row["park_reason"]) if row["park_reason"] else None,
        parked_until=_ms(row["parked_until"]),
        waiting_since=_ms(waiting_since),
        held_ms=row["held_ms"],
        talk_ended_at=_ms(row["talk_ended_at"]),
        wrap_deadline=_ms(row["wrap_deadline"]),
        wrap_extended=row["wrap_extended"],
        wrap_blocks=row["wrap_blocks"],
        over_budget=row["over_budget"],
        takes_over=item.takes_over if item else None,
    )


def _is_unseen(row: Record) -> bool:
    """Whether the router has noted nothing about the visit: it may not have heard of it, or
    there was nothing to note. Taking it up (again) comes to the same."""
    return (
        row["state"] == "queued"
        and row["step"] is None
        and row["round"] == 1
        and not row["message_offered"]
    )


def _unanswered(visits: list[Record], segments: list[Record], now: int) -> list[Input]:
    """Facts in the tables whose consequences the router has not written down: visits that
    have begun, in the order they are served, and customers who wrote while their work was set
    aside."""
    facts: list[Input] = [
        CustomerWrote(row["id"], at=to_ms(row["customer_at"]))
        for row in segments
        if row["state"] in ("parked", "wrapping")
        and row["park_reason"] != "interrupted"
        and row["customer_at"] is not None
        and row["customer_at"] > row["state_since"]
    ]
    items = [_item(row, row["id"], row["queue"], row["cost"]) for row in visits]
    facts += [ItemQueued(item) for item in sorted(items, key=lambda item: item.order_key(now))]
    return facts
