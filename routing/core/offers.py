"""Rules of an offer: how it is made and what it sets aside, how it ends, what a miss costs."""

from __future__ import annotations

from dataclasses import replace

from routing.core import segments, staff, visits
from routing.core.agent_state import Agent, Status
from routing.core.capacity import Kind, no_room, set_aside
from routing.core.decisions import (
    ItemAssigned,
    OfferEnded,
    OfferMade,
    SegmentCostChanged,
    SegmentPaused,
    TransferReturned,
    VisitRequeued,
    WrapEnded,
)
from routing.core.explaining import assignment
from routing.core.explanation import Explanation
from routing.core.model import (
    ParkReason,
    Reservation,
    ReservationState,
    Segment,
    SegmentState,
    Visit,
    VisitState,
    Will,
    WorkItem,
)
from routing.core.world import Timer, World


def make(world: World, visit: Visit, agent: Agent, explanation: Explanation) -> None:
    item = visit.item
    make_room(world, agent, world.kind(item), item.takes_over)
    expires_at = world.now + world.policy(item).offer_ms
    if item.return_at is not None:
        expires_at = min(expires_at, item.return_at)
    offer = Reservation(
        id=world.new_id(),
        work_item=item.id,
        agent=agent.id,
        round=visit.round,
        channel=item.channel,
        cost=item.cost,
        offered_at=world.now,
        expires_at=expires_at,
    )
    hold(world, offer)
    visit.state = VisitState.OFFERED
    world.out.append(
        OfferMade(
            reservation=offer.id,
            work_item=item.id,
            interaction=item.interaction,
            queue=item.queue,
            channel=item.channel,
            agent=agent.id,
            round=visit.round,
            cost=item.cost,
            offered_at=world.now,
            expires_at=expires_at,
            explanation=explanation,
        )
    )


def hold(world: World, offer: Reservation) -> None:
    """Keep a pending offer in memory."""
    agent = world.agents[offer.agent]
    agent.offers[offer.id] = offer
    world.offers[offer.id] = offer
    world.ringing.setdefault(offer.work_item, {})[offer.id] = offer
    world.arm(Timer.OFFER, offer.id)
    world.touch(agent)


def drop(world: World, offer: Reservation) -> None:
    """Forget an offer that has ended."""
    agent = world.agents[offer.agent]
    del agent.offers[offer.id], world.offers[offer.id]
    ringing = world.ringing[offer.work_item]
    del ringing[offer.id]
    if not ringing:
        del world.ringing[offer.work_item]
    world.touch(agent)


def make_room(world: World, agent: Agent, kind: Kind, takes_over: str | None) -> None:
    """Take back what rings, pause what yields, and let the chat of a call cost nothing."""
    for offer in list(agent.offers.values()):
        end(world, offer, ReservationState.RESCINDED, "superseded")
    chat = agent.segments.get(takes_over or "")
    if chat is not None and chat.cost:
        segments.set_cost(world, chat, 0)
    for segment in set_aside(agent, kind, takes_over):
        segment.cost = 0
        if segment.state is SegmentState.PARKED:
            world.out.append(SegmentCostChanged(segment.id, agent.id, 0))
        else:
            segments.enter_state(world, segment, SegmentState.PARKED, world.now)
            segment.park_reason = ParkReason.INTERRUPTED
            world.out.append(SegmentPaused(segment.id, agent.id, ParkReason.INTERRUPTED, 0))
    world.touch(agent)


def end(world: World, offer: Reservation, state: ReservationState, reason: str) -> None:
    """The router ends an offer. The visit waits again if nobody else is being offered it."""
    visit = world.visits.get(offer.work_item)
    drop(world, offer)
    requeued = visit is not None and offer.work_item not in world.ringing
    world.out.append(OfferEnded(offer.id, offer.work_item, offer.agent, state, reason, requeued))
    if state is ReservationState.TIMED_OUT:
        refused(world, visit, world.agents[offer.agent], world.now, missed=True)
    if visit is not None and requeued:
        back_in_line(world, visit)


def refused(world: World, visit: Visit | None, agent: Agent, at: int, *, missed: bool) -> None:
    """A miss or a no: not this agent again in this round, and a pause for the agent."""
    if visit is not None:
        visit.excluded |= {agent.id}
        visit.refused_at = at
        if missed and world.policy(visit.item).missed_sets_away:
            if agent.row.will in (Will.AVAILABLE, Will.ON_DEMAND):
                staff.set_will(world, agent, Will.AWAY, "missed", cause="missed")
            return
    agent.row.cooldown_until = at + world.constants.cooldown_ms


def refused_by_all(world: World, visit: Visit) -> None:
    """The last agent who was being offered it said no: the visit waits again."""
    world.out.append(VisitRequeued(visit.item.id))
    back_in_line(world, visit)


def back_in_line(world: World, visit: Visit) -> None:
    """The visit waits again; a transfer that its one target refused comes back at once."""
    visits.requeue(world, visit)
    if visit.item.direct_to is not None and visit.item.direct_to in visit.excluded:
        come_back(world, visit.item.id)


def expired(world: World, reservation: str) -> None:
    end(world, world.offers[reservation], ReservationState.TIMED_OUT, "timed_out")


def end_all(world: World, work_item: str, state: ReservationState, reason: str) -> None:
    """End every pending offer of a visit that is over."""
    for offer in list(world.ringing.get(work_item, {}).values()):
        end(world, offer, state, reason)


def begin_segment(world: World, visit: Visit, agent: Agent, id: str, at: int) -> Segment:  # noqa: A002
    """The visit is answered: the agent's segment, in memory."""
    item = visit.item
    visits.leave(world, visit)
    visit.state = VisitState.ASSIGNED
    segment = Segment(
        id=id,
        interaction=item.interaction,
        agent=agent.id,
        channel=item.channel,
        queue=item.queue,
        full_cost=item.cost,
        cost=item.cost,
        started_at=at,
        state_since=at,
        item=item,
        takes_over=item.takes_over,
    )
    segments.hold(world, segment)
    return segment


def assign(
    world: World,
    visit: Visit,
    agent: Agent,
    how: str,
    *,
    request_id: str | None = None,
    forced: bool = False,
) -> None:
    """Give a visit to an agent without an offer."""
    explanation = assignment(world, visit, agent, how)
    pending = list(world.ringing.get(visit.item.id, {}).values())
    make_room(world, agent, world.kind(visit.item), visit.item.takes_over)
    segment = begin_segment(world, visit, agent, world.new_id(), world.now)
    for offer in pending:
        if offer.id in world.offers:
            end(world, offer, ReservationState.RESCINDED, how)
    agent.refresh(world.now)
    segment.over_budget = agent.load > agent.config.budget
    world.out.append(
        ItemAssigned(
            reservation=world.new_id(),
            work_item=visit.item.id,
            round=visit.round,
            segment=replace(segment),
            how=how,
            explanation=explanation,
            request_id=request_id,
            forced=forced,
        )
    )


def come_back(world: World, work_item: str) -> None:
    """Nobody answered the blind transfer: back to the transferor if free, else to the front."""
    visit = world.visits[work_item]
    item = visit.item
    agent = world.agents.get(item.return_to or "")
    visit.item = replace(item, direct_to=None, return_to=None, return_at=None, front=True)
    end_all(world, work_item, ReservationState.RESCINDED, "returned")
    wraps = [] if agent is None else _own_wraps(agent, item)
    if agent is not None and not _free_for(world, agent, item, wraps):
        agent = None
    world.out.append(TransferReturned(work_item, agent.id if agent else None))
    if agent is None:
        visits.begin_step(world, visit, 0, world.now)
        visits.wait(world, visit)
        visits.arm(world, visit)
        return
    for segment in wraps:
        world.out.append(WrapEnded(segment.id, agent.id, "returned"))
        segments.finish(world, segment, world.now)
    assign(world, visit, agent, "return")


def _own_wraps(agent: Agent, item: WorkItem) -> list[Segment]:
    """The transferor's wrap-ups of this very interaction, which its return ends."""
    return [
        segment
        for segment in agent.segments.values()
        if segment.interaction == item.interaction and segment.state is SegmentState.WRAPPING
    ]


def _free_for(world: World, agent: Agent, item: WorkItem, wraps: list[Segment]) -> bool:
    """Whether the agent could take the item if these wrap-ups were over."""
    without = Agent(agent.config, agent.row)
    without.offers = agent.offers
    without.segments = {
        name: segment for name, segment in agent.segments.items() if segment not in wraps
    }
    without.refresh(world.now)
    return without.status is Status.FREE and no_room(without, world.kind(item)) is None
