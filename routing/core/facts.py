"""What each input does. A fact about something that is not open here changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from routing.core import inputs as i
from routing.core import offers, requests, segments, staff, visits
from routing.core.decisions import FactIgnored
from routing.core.model import (
    SEGMENT_EDGES,
    ReservationState,
    Segment,
    SegmentState,
    VisitState,
)
from routing.core.world import World


def ignored(world: World, fact: object, subject: str, detail: str) -> None:
    world.out.append(FactIgnored(type(fact).__name__, subject, detail))


def _at(world: World, at: int | None) -> int:
    return world.now if at is None else at


# Visits and offers


def item_queued(world: World, fact: i.ItemQueued) -> None:
    item = fact.item
    if item.queue not in world.queues:
        ignored(world, fact, item.id, "no such queue")
    elif item.id in world.visits:
        ignored(world, fact, item.id, "known already")
    else:
        visits.enter(world, item)


def item_left(world: World, fact: i.ItemLeft) -> None:
    visit = world.visits.get(fact.work_item)
    if visit is None:
        ignored(world, fact, fact.work_item, "not open")
        return
    visit.state = VisitState.ENDED
    visits.leave(world, visit)
    offers.end_all(world, fact.work_item, ReservationState.CANCELLED, fact.outcome.value)


def item_readvised(world: World, fact: i.ItemReadvised) -> None:
    visit = world.visits.get(fact.work_item)
    if visit is None:
        ignored(world, fact, fact.work_item, "not open")
        return
    item = replace(
        visit.item,
        band=min(visit.item.band, fact.band),
        base=fact.base,
        steps=fact.steps,
        preferred=fact.preferred,
        preferred_ms=fact.preferred_ms,
        readvised=fact.readvised,
    )
    if item == visit.item:
        ignored(world, fact, fact.work_item, "known already")
    else:
        visits.readvised(world, visit, item)


def accepted(world: World, fact: i.ReservationAccepted) -> None:
    offer = world.offers.get(fact.reservation)
    visit = world.visits.get(offer.work_item) if offer else None
    if offer is None or visit is None:
        ignored(world, fact, fact.reservation, "not pending")
        return
    offers.drop(world, offer)
    agent = world.agents[offer.agent]
    offers.begin_segment(world, visit, agent, fact.segment, _at(world, fact.at))
    offers.end_all(world, offer.work_item, ReservationState.RESCINDED, "answered_elsewhere")


def rejected(world: World, fact: i.ReservationRejected) -> None:
    offer = world.offers.get(fact.reservation)
    visit = world.visits.get(offer.work_item) if offer else None
    if offer is None or visit is None:
        ignored(world, fact, fact.reservation, "not pending")
        return
    offers.drop(world, offer)
    agent = world.agents[offer.agent]
    offers.refused(world, visit, agent, _at(world, fact.at), missed=False)
    if offer.work_item not in world.ringing:
        offers.refused_by_all(world, visit)


# Agents and configuration


def status_changed(world: World, fact: i.AgentStatusChanged) -> None:
    agent = world.agents.get(fact.agent)
    if agent is None:
        ignored(world, fact, fact.agent, "no such agent")
        return
    staff.will_changed(world, agent, fact.will, fact.reason, _at(world, fact.at))
    staff.note_after_this(world, agent, fact.after_this, fact.after_this_reason)


def presence_changed(world: World, fact: i.AgentPresenceChanged) -> None:
    agent = world.agents.get(fact.agent)
    if agent is None:
        ignored(world, fact, fact.agent, "no such agent")
        return
    staff.presence_changed(
        world,
        agent,
        present=fact.present,
        channels=fact.channels,
        at=_at(world, fact.at),
    )


def agent_configured(world: World, fact: i.AgentConfigChanged) -> None:
    staff.configure(world, fact.agent)


def queue_configured(world: World, fact: i.QueueConfigChanged) -> None:
    """Members, steps and numbers may differ: everybody who waits there stands anew."""
    world.set_queue(fact.queue)
    for agent in world.agents.values():
        world.set_memberships(agent)
        world.touch(agent)
    for _, visit in sorted(world.visits.items()):
        if visit.item.queue == fact.queue.id:
            visits.reconsider(world, visit)


def day_started(world: World, _fact: i.DayStarted) -> None:
    for agent in world.agents.values():
        agent.row.calls = agent.row.talk_ms = 0
        world.touch(agent)


# Segments


def _open(world: World, fact: Any, to: SegmentState | None = None) -> Segment | None:
    """The fact's segment if it is open and its machine has the edge."""
    segment = world.segments.get(fact.segment)
    if segment is None:
        ignored(world, fact, fact.segment, "not open")
        return None
    if to is not None and to not in SEGMENT_EDGES[segment.state]:
        ignored(world, fact, fact.segment, f"is {segment.state}")
        return None
    return segment


def segment_opened(world: World, fact: i.SegmentOpened) -> None:
    segment = fact.segment
    if segment.agent not in world.agents:
        ignored(world, fact, segment.id, "no such agent")
    elif segment.id in world.segments:
        ignored(world, fact, segment.id, "known already")
    else:
        segments.hold(world, replace(segment))


def segment_changed(world: World, fact: i.SegmentStateChanged) -> None:
    segment = _open(world, fact, fact.state)
    if segment is not None:
        segments.state_changed(world, segment, fact.state, _at(world, fact.at))


def segment_parked(world: World, fact: i.SegmentParked) -> None:
    segment = _open(world, fact, SegmentState.PARKED)
    if segment is not None:
        segments.parked(world, segment, fact.reason, fact.until, _at(world, fact.at))


def customer_wrote(world: World, fact: i.CustomerWrote) -> None:
    segment = _open(world, fact)
    if segment is not None:
        segments.customer_wrote(world, segment)


def agent_wrote(world: World, fact: i.AgentWrote) -> None:
    segment = _open(world, fact)
    if segment is not None:
        segments.agent_wrote(world, segment, _at(world, fact.at))


def agent_dropped(world: World, fact: i.AgentDropped) -> None:
    segment = _open(world, fact)
    if segment is not None and segment.state in segments.LIVE:
        segments.dropped(world, segment)
    elif segment is not None:
        ignored(world, fact, fact.segment, f"is {segment.state}")


def wrap_started(world: World, fact: i.WrapStarted) -> None:
    segment = _open(world, fact, SegmentState.WRAPPING)
    if segment is not None:
        at = _at(world, fact.at)
        segments.wrap_started(world, segment, fact.until, at, blocks=fact.blocks)


def wrap_extended(world: World, fact: i.WrapExtended) -> None:
    segment = _open(world, fact)
    if segment is None:
        return
    if segment.state is SegmentState.WRAPPING and not segment.wrap_extended:
        segments.wrap_extended(world, segment, fact.until)
    else:
        ignored(world, fact, fact.segment, "cannot be extended")


def segment_ended(world: World, fact: i.SegmentEnded) -> None:
    segment = _open(world, fact)
    if segment is not None:
        segments.finish(world, segment, _at(world, fact.at))


TAKE: Mapping[type[i.Input], Callable[[World, Any], None]] = {
    i.ItemQueued: item_queued,
    i.ItemLeft: item_left,
    i.ItemReadvised: item_readvised,
    i.ReservationAccepted: accepted,
    i.ReservationRejected: rejected,
    i.AgentStatusChanged: status_changed,
    i.AgentPresenceChanged: presence_changed,
    i.AgentConfigChanged: agent_configured,
    i.QueueConfigChanged: queue_configured,
    i.DayStarted: day_started,
    i.SegmentOpened: segment_opened,
    i.SegmentStateChanged: segment_changed,
    i.SegmentParked: segment_parked,
    i.CustomerWrote: customer_wrote,
    i.AgentWrote: agent_wrote,
    i.AgentDropped: agent_dropped,
    i.WrapStarted: wrap_started,
    i.WrapExtended: wrap_extended,
    i.SegmentEnded: segment_ended,
    i.PullRequested: requests.pull,
    i.PushRequested: requests.push,
    i.StatusRequested: requests.status,
    i.UnitsRequested: requests.units,
}
