"""What goes into the router: facts, which have happened, and requests, which may be refused.

A fact is already in the tables when the router hears of it, so a rebuild from the tables and
the fact arriving after all agree: a fact about something that is no longer open changes
nothing. `at` is when it happened (milliseconds; None: now).

A request carries `request_id` and is answered by exactly one decision with that id: the
one named beside the request, or `RequestRefused`.
"""

from __future__ import annotations

from dataclasses import dataclass

from routing.core.model import (
    AgentConfig,
    Band,
    Channel,
    OpenWork,
    Outcome,
    ParkReason,
    QueueConfig,
    RoutingStep,
    Segment,
    SegmentState,
    Will,
    WorkItem,
)

# ── Facts about visits and offers ───────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ItemQueued:
    """A queue visit began. `items.new_item`, `inherit_place` and `transferred` build one."""

    item: WorkItem


@dataclass(frozen=True, slots=True)
class ItemLeft:
    """A visit ended by somebody else than the router: abandoned, cancelled, moved by hand."""

    work_item: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ItemReadvised:
    """It is known by now who waits: their place and their people are others, their wait is not.

    An item that has become urgent meanwhile stays so."""

    work_item: str
    band: Band
    base: int
    steps: tuple[RoutingStep, ...] | None
    preferred: tuple[str, ...]
    preferred_ms: int
    readvised: tuple[str, str]


@dataclass(frozen=True, slots=True)
class ReservationAccepted:
    """The agent took the offer; `segment` is the id of the segment that began with it."""

    reservation: str
    segment: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class ReservationRejected:
    reservation: str
    reason: str
    at: int | None = None


# ── Facts about agents and configuration ────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AgentStatusChanged:
    """An agent's will changed, or (`after_this`) will change when the open work has ended."""

    agent: str
    will: Will
    reason: str | None = None
    after_this: Will | None = None
    after_this_reason: str | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class AgentPresenceChanged:
    """A desk connected with these channels, or the last one has been silent for 20 s."""

    agent: str
    present: bool
    channels: frozenset[Channel] = frozenset(Channel)
    at: int | None = None


@dataclass(frozen=True, slots=True)
class AgentConfigChanged:
    """A new agent, or new skills, budget or maxima. The whole new configuration is given."""

    agent: AgentConfig


@dataclass(frozen=True, slots=True)
class QueueConfigChanged:
    queue: QueueConfig


@dataclass(frozen=True, slots=True)
class DayStarted:
    """The centre's midnight: calls and talk seconds of "today" begin at zero."""


# ── Facts about segments ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SegmentOpened:
    """A segment began without the router's doing, e.g. a supervisor joined."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class SegmentStateChanged:
    """Held, consulting, or active again by the agent's hand."""

    segment: str
    state: SegmentState
    at: int | None = None


@dataclass(frozen=True, slots=True)
class SegmentParked:
    """The agent set written work aside: for the customer's answer, or until a time."""

    segment: str
    reason: ParkReason
    until: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """Parked or wrapping work comes back to its agent, even above the budget."""

    segment: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class AgentWrote:
    """From now on the segment waits for the customer."""

    segment: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class AgentDropped:
    """The agent's leg of a live conversation is gone for good; the customer is still there."""

    segment: str


@dataclass(frozen=True, slots=True)
class WrapStarted:
    """The customer's part is over. `items.wrap_after` gives `until` and `blocks`."""

    segment: str
    until: int | None
    blocks: bool
    at: int | None = None


@dataclass(frozen=True, slots=True)
class WrapExtended:
    """The one extension was taken."""

    segment: str
    until: int


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """The agent's part is over, paperwork included."""

    segment: str
    at: int | None = None


# ── Requests ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PullRequested:
    """An agent takes a waiting item by hand. Yes: `ItemAssigned`."""

    request_id: str
    agent: str
    work_item: str


@dataclass(frozen=True, slots=True)
class PushRequested:
    """A supervisor gives a waiting or ringing item to an agent. Yes: `ItemAssigned`.

    Without `force` the agent must be routable with room for it; skills are not asked. With
    `force` the budget, wrap-up, cooldown and an away status are overridden; a desk that is
    not connected is not.
    """

    request_id: str
    agent: str
    work_item: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class StatusRequested:
    """An agent wants another status. Yes: `AgentStatusSet`.

    Refused as a conflict: the last routable agent of a queue with waiters leaves without
    `confirm` (ctx.waiting), or signs off with open work and no choice what becomes of it
    (ctx.open_work). `snooze_until` goes with `OpenWork.SNOOZE`, `hand_over_to` with
    `OpenWork.HAND_OVER`. Calls and wrap-ups can only be finished (ctx.finish). With
    `after_this` the choice is asked for what is left behind (signoff.left_behind), and holds for
    what is set aside then, too.
    """

    request_id: str
    agent: str
    will: Will
    reason: str | None = None
    after_this: bool = False
    confirm: bool = False
    open_work: OpenWork | None = None
    snooze_until: int | None = None
    hand_over_to: str | None = None


@dataclass(frozen=True, slots=True)
class UnitsRequested:
    """An agent dials out or calls a colleague. Yes: `UnitsGranted`, then dial."""

    request_id: str
    agent: str
    interaction: str
    channel: Channel
    cost: int
    queue: str | None = None


Input = (
    ItemQueued
    | ItemLeft
    | ItemReadvised
    | ReservationAccepted
    | ReservationRejected
    | AgentStatusChanged
    | AgentPresenceChanged
    | AgentConfigChanged
    | QueueConfigChanged
    | DayStarted
    | SegmentOpened
    | SegmentStateChanged
    | SegmentParked
    | CustomerWrote
    | AgentWrote
    | AgentDropped
    | WrapStarted
    | WrapExtended
    | SegmentEnded
    | PullRequested
    | PushRequested
    | StatusRequested
    | UnitsRequested
)
Request = PullRequested | PushRequested | StatusRequested | UnitsRequested
