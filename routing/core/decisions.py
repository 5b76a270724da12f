"""What comes out of the router: each decision is one change of the tables, and one event.

All of a step's decisions belong to one transaction, in their order. A decision holds what
its row needs for a rebuild; nothing else is remembered by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.core.explanation import Explanation
from routing.core.model import (
    Band,
    Channel,
    Disposal,
    Outcome,
    ParkReason,
    Refusal,
    ReservationState,
    Segment,
    SegmentState,
    Will,
    WorkItem,
)

# ── Visits ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class VisitOpened:
    """The router began a visit: an overflow, or work taken back from an agent.

    `from_segment` is the segment it was taken back from (see `SegmentReleased`).
    """

    item: WorkItem
    from_segment: str | None = None


@dataclass(frozen=True, slots=True)
class VisitClosed:
    """The router ended a visit otherwise than by an answer: `moved` by a queue limit."""

    work_item: str
    outcome: Outcome
    reason: str
    next_work_item: str | None = None


@dataclass(frozen=True, slots=True)
class StepStarted:
    """Routing step `step` of the visit is active until `until` (None: it stays)."""

    work_item: str
    step: int
    until: int | None


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """Everybody who could take it has refused; the exclusions are lifted."""

    work_item: str
    round: int


@dataclass(frozen=True, slots=True)
class BandRaised:
    """The visit is due soon: it is served in `band` from now on."""

    work_item: str
    band: Band


@dataclass(frozen=True, slots=True)
class TransferReturned:
    """Nobody answered the blind transfer: `direct_to` is lifted, `front` is set.

    An `ItemAssigned` to the transferor follows if that agent is free.
    """

    work_item: str
    to_agent: str | None


@dataclass(frozen=True, slots=True)
class MessageOffered:
    """A queue limit without an overflow queue: offer to leave a message. It keeps its place."""

    work_item: str
    reason: str
    """`length` or `wait`."""


# ── Offers ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OfferMade:
    reservation: str
    work_item: str
    interaction: str
    queue: str
    channel: Channel
    agent: str
    round: int
    cost: int
    offered_at: int
    expires_at: int
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """The router ended a pending offer: timed_out, rescinded or cancelled.

    `requeued`: the visit waits again (no other agent is being offered it). Only `timed_out`
    counts as missed.
    """

    reservation: str
    work_item: str
    agent: str
    state: ReservationState
    reason: str
    requeued: bool


@dataclass(frozen=True, slots=True)
class VisitRequeued:
    """The last pending offer was rejected (a fact): the visit waits again."""

    work_item: str


@dataclass(frozen=True, slots=True)
class ItemAssigned:
    """Given to an agent without an offer: `how` is pull, push or return.

    `reservation` is the id for the accepted reservation row that stands for it.
    """

    reservation: str
    work_item: str
    round: int
    segment: Segment
    how: str
    explanation: Explanation
    request_id: str | None = None
    forced: bool = False


# ── Segments ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SegmentPaused:
    """Parked by the router: it waits for the customer, or a call interrupted it."""

    segment: str
    agent: str
    reason: ParkReason
    cost: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentReactivated:
    """Active again. `cause`: customer, timer (a snooze ended), router (no longer interrupted),
    consult (the transferor dropped, the customer joins this agent)."""

    segment: str
    agent: str
    cause: str
    cost: int
    over_budget: bool


@dataclass(frozen=True, slots=True)
class SegmentCostChanged:
    """What it takes of the budget changed, its state did not."""

    segment: str
    agent: str
    cost: int


@dataclass(frozen=True, slots=True)
class SegmentReleased:
    """Taken from its agent (desk silent, sign-off, dropped); a `VisitOpened` follows."""

    segment: str
    agent: str
    was: SegmentState
    reason: str


@dataclass(frozen=True, slots=True)
class WrapEnded:
    """The wrap-up ran out (`timed_out`: save the draft with disposition "none") or was
    overtaken because the transfer came back to its agent (`returned`)."""

    segment: str
    agent: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnitsGranted:
    """The agent may dial; the segment holds the units from now on."""

    request_id: str
    segment: Segment


# ── Agents ──────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AgentStatusSet:
    """The router set an agent's will, or (`after_this`) noted what it will be.

    `cause`: agent (a request was granted), missed, after_this, on_demand.
    """

    agent: str
    will: Will
    reason: str | None
    cause: str
    after_this: Will | None = None
    after_this_reason: str | None = None
    after_this_open: Disposal | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AgentUpdated:
    """What the router knows of an agent changed; at most one per agent and step, at its end.

    `status` is `agent_state.Status` by name, `load` the units taken, `open_items` the offers
    and segments that take units.
    """

    agent: str
    status: str
    load: int
    open_items: int
    over_budget: bool
    cooldown_until: int
    idle_since: int


# ── Requests and facts ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RequestRefused:
    request_id: str
    code: Refusal
    detail: str
    ctx: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactIgnored:
    """A fact about something that is not open here, or an edge no machine has. For metrics."""

    fact: str
    subject: str
    detail: str


Decision = (
    VisitOpened
    | VisitClosed
    | StepStarted
    | BandRaised
    | RoundStarted
    | TransferReturned
    | MessageOffered
    | OfferMade
    | OfferEnded
    | VisitRequeued
    | ItemAssigned
    | SegmentPaused
    | SegmentReactivated
    | SegmentCostChanged
    | SegmentReleased
    | WrapEnded
    | UnitsGranted
    | AgentStatusSet
    | AgentUpdated
    | RequestRefused
    | FactIgnored
)
