"""What the engine knows, and the timers on it. The rules are in the modules beside this one;
each takes the world as its first argument and changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from heapq import heappop, heappush

from contactcenter.interactions import model as hall
from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, kind_of
from routing.core.decisions import AgentUpdated, Decision
from routing.core.items import steps_of
from routing.core.matching import Matcher
from routing.core.model import (
    Band,
    CentreConfig,
    Channel,
    ChannelPolicy,
    ParkReason,
    QueueConfig,
    Requirement,
    Reservation,
    RoutingStep,
    Segment,
    SegmentState,
    Visit,
    VisitState,
    WorkItem,
)
from routing.core.need import Ring

_MOST_RINGS = 20_000


class Timer(IntEnum):
    """Kinds of deadlines. At the same instant they fire in this order, then by id."""

    WRAP = 0
    OFFER = 1
    ABSENT = 2
    PARK_FREE = 3
    SNOOZE = 4
    COOLDOWN = 5
    STEP = 6
    RETURN = 7
    DUE = 8
    # These wait until everything else of the instant is matched.
    LIMIT = 9
    ROUND = 10


Place = tuple[str, Channel, bool]


def place_of(item: WorkItem) -> Place:
    """Among whom it is counted: those of its queue and channel; messages left, apart."""
    return item.queue, item.channel, is_message(item)


def is_message(item: WorkItem) -> bool:
    """Left in the chat, to be answered later: nobody waits for it, so no limit holds for it."""
    return hall.is_message(item.channel, item.band)


def is_deferred_mail(item: WorkItem) -> bool:
    """Mail that is not due soon: the only item that ever changes its band."""
    return item.channel is Channel.EMAIL and item.band is Band.DEFERRED


class World:
    """The rows in memory, what is derived from them, and the decisions of the present step."""

    def __init__(self, config: CentreConfig, seed: int, new_id: Callable[[], str]) -> None:
        self.queues: dict[str, QueueConfig] = dict(config.queues)
        self.constants = config.constants
        self.seed = seed
        self.new_id = new_id
        self.now = 0
        self.out: list[Decision] = []
        self.agents: dict[str, Agent] = {}
        self.visits: dict[str, Visit] = {}
        self.ringing: dict[str, dict[str, Reservation]] = {}
        """Visit → its pending offers."""
        self.offers: dict[str, Reservation] = {}
        self.segments: dict[str, Segment] = {}
        self.matcher = Matcher(seed)
        self.touched: dict[str, Agent] = {}
        self.length: dict[Place, int] = {}
        """Open visits by queue and channel."""
        self._reported: dict[str, AgentUpdated] = {}
        self._changed: dict[str, Agent] = {}
        self._kinds: dict[tuple[str, Channel, int, tuple[str, ...]], Kind] = {}
        self._cooling: dict[str, int] = {}
        self._timers: list[tuple[int, Timer, str]] = []
        self._rings: dict[tuple[str, RoutingStep], Ring] = {}

    def begin(self, now: int) -> None:
        """A new step. Who has rested enough by now counts as rested from its beginning."""
        self.now = now
        self.out = []
        for name in [n for n, until in self._cooling.items() if until <= now]:
            del self._cooling[name]
            self.touch(self.agents[name])

    # Configuration

    def queue(self, visit: Visit) -> QueueConfig:
        return self.queues[visit.item.queue]

    def policy(self, item: WorkItem) -> ChannelPolicy:
        return self.queues[item.queue].policies[item.channel]

    def kind(self, item: WorkItem) -> Kind:
        key = item.queue, item.channel, item.cost, item.shuns
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = kind_of(item, self.policy(item))
        return kind

    def segment_policy(self, segment: Segment) -> ChannelPolicy | None:
        """None for a segment without a queue, e.g. a call that the agent dialled."""
        queue = self.queues.get(segment.queue or "")
        return queue.policies.get(segment.channel) if queue else None

    def steps(self, item: WorkItem) -> tuple[RoutingStep, ...]:
        """The item's steps from first to last; the last one has no end."""
        return steps_of(item, self.queues[item.queue])

    def rings(self, item: WorkItem, steps: Sequence[RoutingStep]) -> tuple[Ring, ...]:
        """The pools of these steps; equal pools of a queue are one object."""
        return tuple(self._ring(item.queue, step) for step in steps)

    def _ring(self, queue: str, step: RoutingStep) -> Ring:
        ring = self._rings.get((queue, step))
        if ring is None:
            if len(self._rings) >= _MOST_RINGS:
                self._rings.clear()
            members = self.queues[queue].require
            require = (
                step.require if step.agents is not None else _strictest((*members, *step.require))
            )
            scored = _strictest((*members, *step.require, *step.prefer))
            ring = Ring(require, step.prefer, step.agents, scored)
            self._rings[queue, step] = ring
        return ring

    def set_queue(self, queue: QueueConfig) -> None:
        self.queues[queue.id] = queue
        self._kinds.clear()
        self._rings = {key: ring for key, ring in self._rings.items() if key[0] != queue.id}

    def member_of(self, agent: Agent, queue: QueueConfig) -> bool:
        skills = agent.config.skills
        return all(skills.get(need.skill, 0) >= need.min for need in queue.require)

    def set_memberships(self, agent: Agent) -> None:
        agent.queues = tuple(
            name for name, queue in sorted(self.queues.items()) if self.member_of(agent, queue)
        )

    def add_visit(self, visit: Visit) -> None:
        self.visits[visit.item.id] = visit
        self.count(visit.item, 1)

    def count(self, item: WorkItem, more: int) -> None:
        """So many more (or fewer) wait where the item does."""
        place = place_of(item)
        self.length[place] = self.length.get(place, 0) + more

    # Agents

    def touch(self, agent: Agent) -> None:
        """The agent's row, offers or segments changed."""
        self.touched[agent.id] = agent

    def refresh_touched(self) -> None:
        """See the touched agents as they are now; `engine` settles what follows from it."""
        for agent in self.touched.values():
            self.refresh(agent)

    def refresh(self, agent: Agent) -> None:
        """Derive the agent's status and load again, and let the matcher know."""
        agent.refresh(self.now)
        if agent.status is Status.COOLDOWN:
            self._cooling[agent.id] = agent.row.cooldown_until
            self.arm(Timer.COOLDOWN, agent.id)
        self._changed[agent.id] = agent
        self.matcher.touch(agent)

    def summary(self, agent: Agent) -> AgentUpdated:
        return AgentUpdated(
            agent=agent.id,
            status=agent.status.label,
            load=agent.load,
            open_items=agent.open_items,
            over_budget=agent.load > agent.config.budget,
            cooldown_until=agent.row.cooldown_until,
            idle_since=agent.row.idle_since,
        )

    def report(self) -> None:
        """Say what has become of the agents of this step, by id."""
        for _, agent in sorted(self._changed.items()):
            summary = self.summary(agent)
            if self._reported.get(agent.id) != summary:
                self._reported[agent.id] = summary
                self.out.append(summary)
        self._changed.clear()

    def take_as_reported(self) -> None:
        """What the tables already say needs no decision."""
        for agent in self._changed.values():
            self._reported[agent.id] = self.summary(agent)
        self._changed.clear()

    # Timers

    def arm(self, timer: Timer, subject: str) -> None:
        """Fire when it is due; does nothing when it is not to be."""
        due = self.due(timer, subject)
        if due is not None:
            heappush(self._timers, (due, timer, subject))

    def due(self, timer: Timer, subject: str) -> int | None:
        """When the timer fires as things stand; None: never. An old entry that says
        otherwise is void."""
        return _DUE[timer](self, subject)

    def next_deadline(self) -> int | None:
        timers = self._timers
        while timers and self.due(timers[0][1], timers[0][2]) != timers[0][0]:
            heappop(timers)
        return timers[0][0] if timers else None

    def pop_due(self, *, late: bool) -> tuple[Timer, str] | None:
        """The next timer that has run out; the late kinds only if asked for."""
        timers, kept = self._timers, []
        found = None
        while timers and timers[0][0] <= self.now and found is None:
            entry = heappop(timers)
            at, timer, subject = entry
            if self.due(timer, subject) == at:
                if late or timer < Timer.LIMIT:
                    found = timer, subject
                else:
                    kept.append(entry)
        for entry in kept:
            heappush(timers, entry)
        return found


def _strictest(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """One requirement per skill, the highest minimum; the later weight."""
    found: dict[str, Requirement] = {}
    for need in requirements:
        before = found.get(need.skill)
        found[need.skill] = need if before is None else replace(need, min=max(need.min, before.min))
    return tuple(found.values())


def _wrap_due(world: World, subject: str) -> int | None:
    segment = world.segments.get(subject)
    return segment.wrap_deadline if segment and segment.state is SegmentState.WRAPPING else None


def _offer_due(world: World, subject: str) -> int | None:
    offer = world.offers.get(subject)
    return offer.expires_at if offer else None


def _absent_due(world: World, subject: str) -> int | None:
    segment = world.segments.get(subject)
    if segment is None or segment.state not in (SegmentState.ACTIVE, SegmentState.HELD):
        return None
    policy = world.segment_policy(segment)
    row = world.agents[segment.agent].row
    if policy is None or policy.requeue_absent_ms is None or row.absent_since is None:
        return None
    return row.absent_since + policy.requeue_absent_ms


def _park_free_due(world: World, subject: str) -> int | None:
    segment = world.segments.get(subject)
    if segment is None or segment.waiting_since is None or not segment.cost:
        return None
    policy = world.segment_policy(segment)
    waits = segment.state is SegmentState.ACTIVE or (
        segment.state is SegmentState.PARKED and segment.park_reason is ParkReason.WAITING_CUSTOMER
    )
    if policy is None or policy.park_free_ms is None or not waits:
        return None
    return segment.waiting_since + policy.park_free_ms


def _snooze_due(world: World, subject: str) -> int | None:
    segment = world.segments.get(subject)
    snoozed = segment is not None and segment.park_reason is ParkReason.SNOOZED
    return segment.parked_until if segment and snoozed else None


def _cooldown_due(world: World, subject: str) -> int | None:
    agent = world.agents.get(subject)
    cooling = agent is not None and agent.status is Status.COOLDOWN
    return agent.row.cooldown_until if agent and cooling else None


def _step_due(world: World, subject: str) -> int | None:
    visit = world.visits.get(subject)
    return visit.step_until if visit else None


def _return_due(world: World, subject: str) -> int | None:
    visit = world.visits.get(subject)
    return visit.item.return_at if visit else None


def _due_due(world: World, subject: str) -> int | None:
    visit = world.visits.get(subject)
    if visit is None or visit.item.due_at is None or not is_deferred_mail(visit.item):
        return None
    return visit.item.due_at - world.constants.due_soon_ms


def _limit_due(world: World, subject: str) -> int | None:
    visit = world.visits.get(subject)
    if visit is None or visit.state is not VisitState.QUEUED or visit.message_offered:
        return None
    if is_message(visit.item):
        return None
    wait = world.policy(visit.item).max_wait_ms
    return None if wait is None else visit.item.entered_at + wait


def _round_due(world: World, subject: str) -> int | None:
    visit = world.visits.get(subject)
    if visit is None or visit.state is not VisitState.QUEUED or visit.refused_at is None:
        return None
    return visit.refused_at + world.constants.new_round_ms


_DUE: Mapping[Timer, Callable[[World, str], int | None]] = {
    Timer.WRAP: _wrap_due,
    Timer.OFFER: _offer_due,
    Timer.ABSENT: _absent_due,
    Timer.PARK_FREE: _park_free_due,
    Timer.SNOOZE: _snooze_due,
    Timer.COOLDOWN: _cooldown_due,
    Timer.STEP: _step_due,
    Timer.RETURN: _return_due,
    Timer.DUE: _due_due,
    Timer.LIMIT: _limit_due,
    Timer.ROUND: _round_due,
}
