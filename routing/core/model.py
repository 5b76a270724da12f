"""The router's words: channels, queues, agents, visits, offers, segments, and their machines.

Times are integer milliseconds since the epoch, durations integer milliseconds, capacity
integer units, ids strings. Nothing is compared in floating point, so that a replay is
identical to the bit.

Configuration and facts are frozen. `Visit`, `Segment` and `AgentRow` are the rows that the
engine changes in memory and that the tables keep; `RouterSnapshot` is all of them together,
enough to rebuild the engine at any input.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contactcenter.interactions.model import Band as Band  # the router's word too

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Channel(StrEnum):
    VOICE = "voice"
    CHAT = "chat"
    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"


class Will(StrEnum):
    """What an agent wants; what the system makes of it is `agent_state.Status`."""

    AVAILABLE = "available"
    ON_DEMAND = "on_demand"
    AWAY = "away"
    OFFLINE = "offline"


class Entry(StrEnum):
    """How a queue visit began."""

    NEW = "new"
    TRANSFER = "transfer"
    REQUEUE = "requeue"
    OVERFLOW = "overflow"
    RETURN = "return"
    MOVED = "moved"


class VisitState(StrEnum):
    QUEUED = "queued"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a queue visit ended: exactly one of these."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    MOVED = "moved"
    CALLBACK = "callback"
    CANCELLED = "cancelled"


class ReservationState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"
    RESCINDED = "rescinded"
    CANCELLED = "cancelled"


class SegmentState(StrEnum):
    ACTIVE = "active"
    HELD = "held"
    CONSULTING = "consulting"
    PARKED = "parked"
    WRAPPING = "wrapping"
    ENDED = "ended"


class ParkReason(StrEnum):
    WAITING_CUSTOMER = "waiting_customer"
    SNOOZED = "snoozed"
    INTERRUPTED = "interrupted"


class StrategyName(StrEnum):
    LONGEST_IDLE = "longest_idle"
    ROUND_ROBIN = "round_robin"
    LEAST_OCCUPIED = "least_occupied"
    FEWEST_CALLS = "fewest_calls"
    LEAST_TALK = "least_talk"
    LINEAR = "linear"
    RANDOM = "random"
    RING_ALL = "ring_all"
    BEST_SKILL = "best_skill"
    PREFERRED_FIRST = "preferred_first"


class SkipIf(StrEnum):
    """When a routing step lasts 0 s. Looked at once, when the step would begin."""

    NEVER = "never"
    NONE_SIGNED_IN = "none_signed_in"
    NONE_AVAILABLE = "none_available"
    """Nobody of its pool is available and present (a busy one counts as available)."""
    NONE_FREE = "none_free"
    """Nobody of its pool could take the item at once."""


class WrapMode(StrEnum):
    NONE = "none"
    OPTIONAL = "optional"
    """Only when the agent asks for it; holds the segment's own units."""
    TIMED = "timed"


class OpenWork(StrEnum):
    """What becomes of an agent's open work at sign-off."""

    QUEUE = "queue"
    SNOOZE = "snooze"
    HAND_OVER = "hand_over"


@dataclass(frozen=True, slots=True)
class Disposal:
    """What becomes of open work, with what the choice needs."""

    open_work: OpenWork = OpenWork.QUEUE
    snooze_until: int | None = None
    hand_over_to: str | None = None


class Refusal(StrEnum):
    """Codes of the socket contract that a request may be refused with, and `capacity`."""

    CONFLICT = "conflict"
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    EXPIRED = "expired"
    INVALID = "invalid"
    CAPACITY = "capacity"


# ── Machines ────────────────────────────────────────────────────────────────────────────
# state → states it may go to. What is not listed is refused. The interaction's own machine is the
# hall's (contactcenter/interactions/model.py): the router only moves its visits and segments.

VISIT_EDGES: Mapping[VisitState, frozenset[VisitState]] = {
    VisitState.QUEUED: frozenset({VisitState.OFFERED, VisitState.ASSIGNED, VisitState.ENDED}),
    VisitState.OFFERED: frozenset({VisitState.QUEUED, VisitState.ASSIGNED, VisitState.ENDED}),
    VisitState.ASSIGNED: frozenset(),
    VisitState.ENDED: frozenset(),
}

RESERVATION_EDGES: Mapping[ReservationState, frozenset[ReservationState]] = {
    ReservationState.PENDING: frozenset(ReservationState) - {ReservationState.PENDING},
    ReservationState.ACCEPTED: frozenset(),
    ReservationState.REJECTED: frozenset(),
    ReservationState.TIMED_OUT: frozenset(),
    ReservationState.RESCINDED: frozenset(),
    ReservationState.CANCELLED: frozenset(),
}

SEGMENT_EDGES: Mapping[SegmentState, frozenset[SegmentState]] = {
    SegmentState.ACTIVE: frozenset(
        {
            SegmentState.HELD,
            SegmentState.CONSULTING,
            SegmentState.PARKED,
            SegmentState.WRAPPING,
            SegmentState.ENDED,
        }
    ),
    SegmentState.HELD: frozenset(
        {
            SegmentState.ACTIVE,
            SegmentState.CONSULTING,
            SegmentState.WRAPPING,
            SegmentState.ENDED,
        }
    ),
    SegmentState.CONSULTING: frozenset(
        {SegmentState.ACTIVE, SegmentState.HELD, SegmentState.WRAPPING, SegmentState.ENDED}
    ),
    SegmentState.PARKED: frozenset(
        {SegmentState.ACTIVE, SegmentState.PARKED, SegmentState.WRAPPING, SegmentState.ENDED}
    ),
    SegmentState.WRAPPING: frozenset({SegmentState.ACTIVE, SegmentState.ENDED}),
    SegmentState.ENDED: frozenset(),
}

WILL_EDGES: Mapping[Will, frozenset[Will]] = {
    Will.AVAILABLE: frozenset({Will.ON_DEMAND, Will.AWAY, Will.OFFLINE}),
    Will.ON_DEMAND: frozenset({Will.AVAILABLE, Will.AWAY, Will.OFFLINE}),
    Will.AWAY: frozenset({Will.AVAILABLE, Will.ON_DEMAND, Will.AWAY, Will.OFFLINE}),
    Will.OFFLINE: frozenset({Will.AVAILABLE, Will.ON_DEMAND, Will.AWAY}),
}


# ── Configuration ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Requirement:
    """At least `min` of a skill. `weight` counts in the best-skill strategy only."""

    skill: str
    min: int = 1
    weight: int = 1


@dataclass(frozen=True, slots=True)
class RoutingStep:
    """Who may be offered the item while this step, or a later one, is active.

    Pools are cumulative: step n offers to the pools of steps 0..n, inner pools first. With
    `agents` the pool is those people (who also meet `require`), members of the queue or not;
    without, it is the queue's members who meet `require`. `prefer` only orders the pool.
    After `for_ms` the next step begins; None: this one stays. After the last step's
    `for_ms` the pool is the whole queue.
    """

    require: tuple[Requirement, ...] = ()
    prefer: tuple[Requirement, ...] = ()
    agents: tuple[str, ...] | None = None
    for_ms: int | None = None
    skip_if: SkipIf = SkipIf.NEVER


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """How one channel behaves in one queue."""

    band: Band
    cost: int
    target_ms: int
    offer_ms: int
    base: int = 50
    boost: int = 40
    wrap: WrapMode = WrapMode.OPTIONAL
    wrap_ms: int = MINUTE
    wrap_blocks: bool = False
    """Whether wrap-up bars every offer, or only holds its own units."""
    park_free_ms: int | None = 0
    """After so long without the customer's reply the work costs 0; None: never."""
    requeue_absent_ms: int | None = None
    """Live work goes back to the queue when its agent's desk was silent for so long."""
    missed_sets_away: bool = False
    interrupts: frozenset[Channel] = frozenset()
    """Active work of these channels, and any parked work, is paused for this one."""
    barred_by: frozenset[Channel] = frozenset()
    """Live work of these channels keeps this one away, whatever the budget says."""
    max_waiting: int | None = None
    max_wait_ms: int | None = None
    overflow: str | None = None
    """Queue to move to at a limit; None: the customer is offered to leave a message."""


VOICE = ChannelPolicy(
    band=Band.LIVE,
    cost=100,
    target_ms=20 * SECOND,
    offer_ms=15 * SECOND,
    wrap=WrapMode.TIMED,
    wrap_blocks=True,
    park_free_ms=None,
    missed_sets_away=True,
    interrupts=frozenset({Channel.EMAIL}),
    barred_by=frozenset({Channel.CHAT}),
)
CHAT = ChannelPolicy(
    band=Band.LIVE,
    cost=25,
    target_ms=MINUTE,
    offer_ms=30 * SECOND,
    park_free_ms=5 * MINUTE,
    requeue_absent_ms=MINUTE,
)
MESSAGING = ChannelPolicy(band=Band.DEFERRED, cost=20, target_ms=15 * MINUTE, offer_ms=60 * SECOND)
MAIL = ChannelPolicy(band=Band.DEFERRED, cost=10, target_ms=8 * HOUR, offer_ms=120 * SECOND)

DEFAULT_POLICIES: Mapping[Channel, ChannelPolicy] = {
    Channel.VOICE: VOICE,
    Channel.CHAT: CHAT,
    Channel.WHATSAPP: MESSAGING,
    Channel.SMS: MESSAGING,
    Channel.EMAIL: MAIL,
}


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """A queue. Its members are the agents who meet `require`."""

    id: str
    require: tuple[Requirement, ...] = ()
    strategy: StrategyName = StrategyName.LONGEST_IDLE
    steps: tuple[RoutingStep, ...] = (RoutingStep(),)
    policies: Mapping[Channel, ChannelPolicy] = field(
        default_factory=lambda: dict(DEFAULT_POLICIES)
    )


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """`maxima`: most items of a channel at once; `position`: the linear strategy's order."""

    id: str
    skills: Mapping[str, int] = field(default_factory=dict)
    budget: int = 100
    maxima: Mapping[Channel, int] = field(default_factory=dict)
    position: int = 0


@dataclass(frozen=True, slots=True)
class Constants:
    """What holds for the whole centre."""

    cooldown_ms: int = 10 * SECOND
    new_round_ms: int = 10 * SECOND
    transfer_return_ms: int = 20 * SECOND
    return_window_ms: int = 10 * MINUTE
    due_soon_ms: int = 30 * MINUTE
    wrap_extension_ms: int = MINUTE
    named: int = 20
    """Most agents named per list of an explanation; the rest are counted."""
    rivals: int = 3
    """Most other waiting items shown in an explanation."""


@dataclass(frozen=True, slots=True)
class CentreConfig:
    queues: Mapping[str, QueueConfig] = field(default_factory=dict)
    agents: Mapping[str, AgentConfig] = field(default_factory=dict)
    constants: Constants = Constants()


def config_faults(queue: QueueConfig) -> list[str]:
    """What is wrong with a queue's configuration, one sentence each; empty: nothing."""
    faults = []
    for channel, policy in queue.policies.items():
        if min(policy.target_ms, policy.offer_ms) <= 0 or policy.wrap_ms < 0:
            faults.append(f"{channel}: target and offer times must be above zero.")
        if policy.cost < 0 or policy.base < 0 or policy.boost < 0:
            faults.append(f"{channel}: cost, base and boost cannot be negative.")
        if policy.overflow == queue.id:
            faults.append(f"{channel}: a queue cannot overflow into itself.")
    for number, step in enumerate(queue.steps[:-1], 1):
        if step.for_ms is None:
            faults.append(f"Step {number} never ends, so the steps after it are never reached.")
    faults += [
        f"Step {number}: its time must be above zero."
        for number, step in enumerate(queue.steps, 1)
        if step.for_ms is not None and step.for_ms <= 0
    ]
    return faults


def bases_apart(queues: Iterable[QueueConfig]) -> dict[Band, int]:
    """How far the bases in each band are apart, over all queues and channels. Items of all of them
    are in one order, so what waits long with the lowest base comes before what is new with the
    highest only if its boost is no less than this."""
    bases: dict[Band, list[int]] = {}
    for queue in queues:
        for policy in queue.policies.values():
            bases.setdefault(policy.band, []).append(policy.base)
    return {band: max(found) - min(found) for band, found in bases.items()}


def boosts_too_low(queue: QueueConfig, apart: Mapping[Band, int]) -> list[Channel]:
    """The channels whose boost is less than the bases in their band are apart."""
    return [
        channel for channel, policy in queue.policies.items() if policy.boost < apart[policy.band]
    ]


# ── Rows ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One stay in one queue, with every number that decides its place.

    A desk that can handle one of the channels that it `shuns` is never asked.
    `preferred` puts a step of `preferred_ms` before the others, for those agents only.
    `direct_to` (a blind transfer to an agent, a hand-over) leaves that agent as the only
    pool until `return_at`; then the item goes back to `return_to` if that agent is free,
    else to the `front` of its queue. `takes_over` is the chat segment that a call began in.
    """

    id: str
    interaction: str
    queue: str
    channel: Channel
    band: Band
    base: int
    boost: int
    target_ms: int
    cost: int
    virtual_start: int
    entered_at: int
    entry: Entry = Entry.NEW
    steps: tuple[RoutingStep, ...] | None = None
    preferred: tuple[str, ...] = ()
    preferred_ms: int = 0
    direct_to: str | None = None
    return_to: str | None = None
    return_at: int | None = None
    front: bool = False
    takes_over: str | None = None
    shuns: tuple[str, ...] = ()
    due_at: int | None = None
    """When it must be answered. Mail is a live item from `Constants.due_soon_ms` before: the one
    rule by which an item changes its band."""
    overflowed: tuple[str, ...] = ()
    """Queues it has overflowed from, so that it never goes round in circles."""
    readvised: tuple[str, str] | None = None
    """Why it is other than it came: the fact that told who it is, and the rule that holds since
    ("": none)."""

    def score(self, now: int) -> int:
        """base + boost · min(1, wait / target), in per mille. Higher is served first."""
        waited = min(max(now - self.virtual_start, 0), self.target_ms)
        return self.base * 1000 + self.boost * 1000 * waited // self.target_ms

    def order_key(self, now: int) -> tuple[int, bool, int, int, str]:
        """Lower is served first: band, front of line, score, virtual start, id."""
        return (self.band, not self.front, -self.score(now), self.virtual_start, self.id)


@dataclass(slots=True)
class Visit:
    """A waiting work item and what the router has done about it so far."""

    item: WorkItem
    state: VisitState = VisitState.QUEUED
    round: int = 1
    step: int = 0
    step_until: int | None = None
    excluded: frozenset[str] = frozenset()
    refused_at: int | None = None
    """Last miss or reject of this round."""
    message_offered: bool = False
    place: object | None = field(default=None, init=False, compare=False, repr=False)
    """Where it stands in the matcher while it waits; not a part of the row."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A pending offer."""

    id: str
    work_item: str
    agent: str
    round: int
    channel: Channel
    cost: int
    offered_at: int
    expires_at: int


@dataclass(slots=True)
class Segment:
    """One agent's part in an interaction. `item` is the visit it came from, if any."""

    id: str
    interaction: str
    agent: str
    channel: Channel
    queue: str | None
    full_cost: int
    started_at: int
    state_since: int
    cost: int
    """Units it takes now: `full_cost`, or 0 while parked, interrupted or taken over."""
    item: WorkItem | None = None
    state: SegmentState = SegmentState.ACTIVE
    park_reason: ParkReason | None = None
    parked_until: int | None = None
    waiting_since: int | None = None
    """Our last message, if the customer has not answered it."""
    held_ms: int = 0
    """Hold so far, without that of the present state."""
    talk_ended_at: int | None = None
    wrap_deadline: int | None = None
    wrap_extended: bool = False
    wrap_blocks: bool = False
    over_budget: bool = False
    takes_over: str | None = None


@dataclass(slots=True)
class AgentRow:
    """What the tables know of an agent beside skills and budget."""

    id: str
    will: Will = Will.OFFLINE
    will_reason: str | None = None
    after_this: Will | None = None
    after_this_reason: str | None = None
    after_this_open: Disposal | None = None
    """With `after_this` offline: what becomes of work that is set aside by then. None: back to
    its queue."""
    present: bool = False
    absent_since: int | None = None
    channels: frozenset[Channel] = frozenset(Channel)
    """What the connected desk can handle now."""
    cooldown_until: int = 0
    idle_since: int = 0
    """max(end of the last segment, last became available)."""
    calls: int = 0
    """Segments ended today, those taken from the agent too."""
    talk_ms: int = 0
    """Talk in them, hold left out."""


@dataclass(frozen=True, slots=True)
class RouterSnapshot:
    """Everything the engine holds: visits waiting or offered, pending offers, open segments."""

    visits: tuple[Visit, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    segments: tuple[Segment, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    last_offered: Mapping[str, str] = field(default_factory=dict)
    """Queue → agent offered last: the round robin's memory."""
