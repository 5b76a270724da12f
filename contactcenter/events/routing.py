"""Facts about reservations (offers to one agent) and about the queues themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event

_OFFER: frozenset[Audience] = frozenset({"agent", "team", "queue", "visitor", "wallboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationCreated(Event):
    """The router offered a waiting interaction to an agent."""

    name: ClassVar[str] = "reservation.created"
    audience: ClassVar[frozenset[Audience]] = _OFFER
    subject_field: ClassVar[str] = "interaction_id"

    reservation_id: UUID
    work_item_id: UUID
    interaction_id: UUID
    agent_id: UUID
    queue: str
    channel: str
    round: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationAccepted(Event):
    """The agent took it; a segment began. Pull, push and returns create one too."""

    name: ClassVar[str] = "reservation.accepted"
    audience: ClassVar[frozenset[Audience]] = frozenset(
        {"agent", "team", "queue", "visitor", "wallboard"}
    )
    subject_field: ClassVar[str] = "interaction_id"

    reservation_id: UUID
    work_item_id: UUID
    interaction_id: UUID
    segment_id: UUID
    agent_id: UUID
    queue: str
    channel: str
    cost: int
    waited_ms: int  # queue entry to connected, ringing included
    how: str  # offer, pull, push, return, transfer
    request_id: UUID | None = None  # of the pull or push that this grants


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReservationEnded(Event):
    audience: ClassVar[frozenset[Audience]] = _OFFER
    subject_field: ClassVar[str] = "interaction_id"

    reservation_id: UUID
    work_item_id: UUID
    interaction_id: UUID
    agent_id: UUID
    queue: str
    channel: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationRejected(_ReservationEnded):
    """The agent said no, with a reason."""

    name: ClassVar[str] = "reservation.rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationTimedOut(_ReservationEnded):
    """The offer ran out unanswered: a miss."""

    name: ClassVar[str] = "reservation.timed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationRescinded(_ReservationEnded):
    """The router took it back: another agent won, or the agent's desk went silent."""

    name: ClassVar[str] = "reservation.rescinded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationCancelled(_ReservationEnded):
    """The customer left while it rang; no miss is counted."""

    name: ClassVar[str] = "reservation.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRequested(Event):
    """Something that only the router may grant: it takes capacity, or leaves a queue alone."""

    name: ClassVar[str] = "routing.requested"
    subject_field: ClassVar[str] = "request_id"

    request_id: UUID
    kind: str  # pull, push, status, units
    agent_id: UUID
    interaction_id: UUID | None = None  # of all but a status
    force: bool = False
    wish: dict[str, Any] = field(
        default_factory=dict
    )  # of a status: what the agent asked for; of units: contact, queue, cost


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRefused(Event):
    """The router's no to a request; its yes is the fact with the same `request_id`."""

    name: ClassVar[str] = "routing.refused"
    subject_field: ClassVar[str] = "request_id"

    request_id: UUID
    code: str  # a code of the socket contract
    detail: str
    ctx: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingClockSet(Event):
    """The centre's clock was set by `by_ms`; waits, offers and work in hand were moved with it.

    Moments within (known_after, known_until] were written on the new clock and were not moved.
    """

    name: ClassVar[str] = "routing.clock_set"
    subject_field: ClassVar[str] = "node"

    node: str
    by_ms: int
    known_after: datetime
    known_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChanged(Event):
    """A queue's configuration was edited, created or retired."""

    name: ClassVar[str] = "queue.changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team", "wallboard"})
    subject_field: ClassVar[str] = "queue"

    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispositionChanged(Event):
    """One of the outcomes that work is closed with was created, edited or retired."""

    name: ClassVar[str] = "disposition.changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "disposition"

    disposition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTroubleChanged(Event):
    """The demo's hail (more claims than the centre can take) began or ended."""

    name: ClassVar[str] = "demo.trouble_changed"
    audience: ClassVar[frozenset[Audience]] = frozenset({"wallboard"})
    subject_field: ClassVar[str] = "kind"

    kind: str
    on: bool
