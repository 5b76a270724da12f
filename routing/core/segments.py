"""Rules of a segment, one agent's part in an interaction: what it costs, parking, wrap-up,
and being taken back from an agent who is gone.
"""

from __future__ import annotations

from dataclasses import replace

from routing.core import staff, visits
from routing.core.agent_state import Agent
from routing.core.decisions import (
    SegmentCostChanged,
    SegmentPaused,
    SegmentReactivated,
    SegmentReleased,
    VisitOpened,
    WrapEnded,
)
from routing.core.items import new_item
from routing.core.model import DEFAULT_POLICIES, ParkReason, Segment, SegmentState, Will, WorkItem
from routing.core.world import Timer, World

LIVE = (SegmentState.ACTIVE, SegmentState.HELD, SegmentState.CONSULTING)


def hold(world: World, segment: Segment) -> None:
    """Keep an open segment in memory."""
    agent = world.agents[segment.agent]
    agent.segments[segment.id] = segment
    world.segments[segment.id] = segment
    for timer in (Timer.WRAP, Timer.ABSENT, Timer.PARK_FREE, Timer.SNOOZE):
        world.arm(timer, segment.id)
    world.touch(agent)


def drop(world: World, segment: Segment) -> None:
    agent = world.agents[segment.agent]
    del agent.segments[segment.id], world.segments[segment.id]
    world.touch(agent)


def set_cost(world: World, segment: Segment, cost: int) -> None:
    if segment.cost != cost:
        segment.cost = cost
        world.out.append(SegmentCostChanged(segment.id, segment.agent, cost))
        world.touch(world.agents[segment.agent])


def enter_state(world: World, segment: Segment, state: SegmentState, at: int) -> None:
    """A fact changed the state: what belonged to the state before is void."""
    if segment.state is SegmentState.HELD:
        segment.held_ms += at - segment.state_since
    segment.state = state
    segment.state_since = at
    segment.park_reason = segment.parked_until = None
    segment.wrap_deadline = None
    segment.wrap_blocks = False
    world.touch(world.agents[segment.agent])


def state_changed(world: World, segment: Segment, state: SegmentState, at: int) -> None:
    """Held, consulting, or active again by the agent's hand; live work costs in full."""
    enter_state(world, segment, state, at)
    agent = world.agents[segment.agent]
    if state is SegmentState.ACTIVE:
        segment.talk_ended_at = None
        segment.waiting_since = None
    set_cost(world, segment, segment.full_cost)
    agent.refresh(world.now)
    segment.over_budget = agent.load > agent.config.budget
    world.arm(Timer.ABSENT, segment.id)


def parked(world: World, segment: Segment, reason: ParkReason, until: int | None, at: int) -> None:
    """The agent set it aside. Snoozed work costs nothing; waiting work as its channel says."""
    enter_state(world, segment, SegmentState.PARKED, at)
    segment.park_reason = reason
    segment.parked_until = until
    if reason is ParkReason.SNOOZED:
        set_cost(world, segment, 0)
        world.arm(Timer.SNOOZE, segment.id)
    else:
        segment.waiting_since = at if segment.waiting_since is None else segment.waiting_since
        _wait_for_customer(world, segment)


def agent_wrote(world: World, segment: Segment, at: int) -> None:
    segment.waiting_since = at
    if segment.state in (SegmentState.ACTIVE, SegmentState.PARKED):
        _wait_for_customer(world, segment)


def _wait_for_customer(world: World, segment: Segment) -> None:
    """Messaging waits for free at once, a chat after a while."""
    due = world.due(Timer.PARK_FREE, segment.id)
    if due is not None and due <= world.now:
        waits_for_free(world, segment.id)
    elif due is not None:
        world.arm(Timer.PARK_FREE, segment.id)


def waits_for_free(world: World, name: str) -> None:
    segment = world.segments[name]
    if segment.state is SegmentState.PARKED:
        set_cost(world, segment, 0)
        return
    pause(world, segment, ParkReason.WAITING_CUSTOMER, None)


def pause(world: World, segment: Segment, reason: ParkReason, until: int | None) -> None:
    """The router parks it, at no cost."""
    enter_state(world, segment, SegmentState.PARKED, world.now)
    segment.park_reason = reason
    segment.parked_until = until
    segment.cost = 0
    world.out.append(SegmentPaused(segment.id, segment.agent, reason, 0, until))
    world.arm(Timer.SNOOZE, segment.id)


def reactivate(world: World, segment: Segment, cause: str) -> None:
    """It is active again at its agent's, even above the budget; then it is flagged."""
    agent = world.agents[segment.agent]
    enter_state(world, segment, SegmentState.ACTIVE, world.now)
    segment.cost = segment.full_cost
    segment.talk_ended_at = None
    agent.refresh(world.now)
    segment.over_budget = agent.load > agent.config.budget
    world.out.append(
        SegmentReactivated(segment.id, agent.id, cause, segment.cost, segment.over_budget)
    )
    world.arm(Timer.ABSENT, segment.id)
    _wait_for_customer(world, segment)


def customer_wrote(world: World, segment: Segment) -> None:
    """What waits for the customer, sleeps or is being wrapped up comes back."""
    segment.waiting_since = None
    if segment.state is SegmentState.WRAPPING or (
        segment.state is SegmentState.PARKED and segment.park_reason is not ParkReason.INTERRUPTED
    ):
        _come_back(world, segment, "customer")


def snooze_over(world: World, name: str) -> None:
    _come_back(world, world.segments[name], "timer")


def _come_back(world: World, segment: Segment, cause: str) -> None:
    """To its agent, or to the queue if that agent has gone for good."""
    agent = world.agents[segment.agent]
    policy = world.segment_policy(segment)
    patience = policy.requeue_absent_ms if policy else None
    row, silent = agent.row, agent.row.absent_since
    signed_off = row.will is Will.OFFLINE or (row.after_this is Will.OFFLINE and not row.present)
    gone = signed_off or (
        patience is not None and silent is not None and silent + patience <= world.now
    )
    if gone:
        preferred = (agent.id,) if segment.queue else ()
        take_back(world, segment, "agent_gone", preferred=preferred)
    else:
        reactivate(world, segment, cause)


def wrap_started(
    world: World, segment: Segment, until: int | None, at: int, *, blocks: bool
) -> None:
    enter_state(world, segment, SegmentState.WRAPPING, at)
    segment.wrap_deadline = until
    segment.wrap_blocks = blocks
    segment.talk_ended_at = at
    segment.waiting_since = None
    set_cost(world, segment, segment.full_cost)
    world.arm(Timer.WRAP, segment.id)


def wrap_extended(world: World, segment: Segment, until: int) -> None:
    segment.wrap_deadline = until
    segment.wrap_extended = True
    world.arm(Timer.WRAP, segment.id)


def wrap_timed_out(world: World, name: str) -> None:
    segment = world.segments[name]
    world.out.append(WrapEnded(name, segment.agent, "timed_out"))
    finish(world, segment, world.now)


def finish(world: World, segment: Segment, at: int) -> None:
    """The agent's part is over, paperwork included."""
    agent = world.agents[segment.agent]
    drop(world, segment)
    _count(agent, segment, at)
    agent.row.idle_since = max(agent.row.idle_since, at)
    if agent.row.will is Will.ON_DEMAND and agent.row.after_this is None and not agent.working():
        staff.set_will(world, agent, Will.AWAY, "on_demand", cause="on_demand")


def _count(agent: Agent, segment: Segment, at: int) -> None:
    """One more of the agent's day, however it ended, with the talk in it: hold left out."""
    held = segment.held_ms
    if segment.state is SegmentState.HELD:
        held += at - segment.state_since
    until = at if segment.talk_ended_at is None else segment.talk_ended_at
    agent.row.calls += 1
    agent.row.talk_ms += max(0, until - segment.started_at - held)


def absent_too_long(world: World, name: str) -> None:
    take_back(world, world.segments[name], "agent_absent")


def dropped(world: World, segment: Segment) -> None:
    """The agent's leg is gone for good: the customer joins the colleague who is on the line
    too, or takes the old place in the queue."""
    for other in sorted(world.segments.values(), key=lambda each: each.id):
        same = other.interaction == segment.interaction and other is not segment
        if same and other.state in LIVE:
            release(world, segment, "dropped")
            reactivate(world, other, "consult")
            return
    take_back(world, segment, "dropped")


def take_back(
    world: World,
    segment: Segment,
    reason: str,
    *,
    preferred: tuple[str, ...] = (),
    direct_to: str | None = None,
) -> None:
    """Release it and put the interaction into its queue again, in the old place."""
    release(world, segment, reason)
    item = segment.item
    if item is None:
        queue = world.queues.get(segment.queue or "")
        if queue is None:
            return  # a call that the agent dialled: there is no line to stand in
        item = new_item(
            queue,
            segment.channel,
            id="",
            interaction=segment.interaction,
            now=world.now,
            cost=segment.full_cost,
        )
    policy = world.policy(item)
    fresh = visits.again(world, item)
    if direct_to is not None:
        within = max(policy.offer_ms, world.constants.transfer_return_ms)
        fresh = replace(fresh, direct_to=direct_to, return_at=world.now + within)
    elif preferred:
        fresh = replace(fresh, preferred=preferred, preferred_ms=policy.offer_ms)
    world.out.append(VisitOpened(fresh, from_segment=segment.id))
    visits.enter(world, fresh)


def release(world: World, segment: Segment, reason: str) -> None:
    was = segment.state
    drop(world, segment)
    agent = world.agents[segment.agent]
    _count(agent, segment, world.now)
    agent.row.idle_since = max(agent.row.idle_since, world.now)
    world.out.append(SegmentReleased(segment.id, agent.id, was, reason))


def resume_interrupted(world: World, agent: Agent) -> None:
    """What was interrupted goes on as soon as nothing of the interrupting kind is left, and a
    chat costs again when the call that took it over is over."""
    waiting: list[WorkItem] = [
        world.visits[offer.work_item].item
        for offer in agent.offers.values()
        if offer.work_item in world.visits
    ]
    taken = {item.takes_over for item in waiting}
    taken |= {segment.takes_over for segment in agent.segments.values()}
    busy: list[WorkItem | Segment] = [*waiting]
    busy += [s for s in agent.segments.values() if s.state is not SegmentState.PARKED]
    for name in sorted(agent.segments):
        segment = agent.segments[name]
        if segment.park_reason is ParkReason.INTERRUPTED:
            if not any(_interrupts(world, other, segment) for other in busy):
                reactivate(world, segment, "router")
        elif segment.state in LIVE and not segment.cost and name not in taken:
            set_cost(world, segment, segment.full_cost)
            _wait_for_customer(world, segment)


def _interrupts(world: World, other: WorkItem | Segment, segment: Segment) -> bool:
    queue = world.queues.get(other.queue or "")
    policies = queue.policies if queue else DEFAULT_POLICIES
    policy = policies.get(other.channel)
    return policy is not None and segment.channel in policy.interrupts
