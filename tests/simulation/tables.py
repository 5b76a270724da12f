"""The tables as a shell would keep them: rows changed by facts and decisions, nothing else.

It stands for the database in tests: what the router decided goes in, and `snapshot` is all a
new engine gets to know after a crash. So a rule that the engine remembers, but tells nobody,
shows as a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    AgentConfig,
    AgentRow,
    CentreConfig,
    ParkReason,
    QueueConfig,
    Reservation,
    ReservationState,
    RouterSnapshot,
    Segment,
    SegmentState,
    Visit,
    VisitState,
)


class Tables:
    def __init__(self, config: CentreConfig) -> None:
        self.config = config
        self.now = 0
        self.queues: dict[str, QueueConfig] = dict(config.queues)
        self.configs: dict[str, AgentConfig] = dict(config.agents)
        self.agents: dict[str, AgentRow] = {name: AgentRow(name) for name in config.agents}
        self.visits: dict[str, Visit] = {}
        self.offers: dict[str, Reservation] = {}
        self.segments: dict[str, Segment] = {}
        self.last_offered: dict[str, str] = {}

    def snapshot(self) -> RouterSnapshot:
        return RouterSnapshot(
            visits=tuple(replace(visit) for visit in self.visits.values()),
            reservations=tuple(self.offers.values()),
            segments=tuple(replace(segment) for segment in self.segments.values()),
            agents=tuple(replace(row) for row in self.agents.values()),
            last_offered=dict(self.last_offered),
        )

    def centre(self) -> CentreConfig:
        return replace(self.config, queues=dict(self.queues), agents=dict(self.configs))

    def fact(self, fact: i.Input, now: int) -> None:
        self.now = now
        change = _FACTS.get(type(fact))
        if change is not None:
            change(self, fact)

    def decision(self, decision: d.Decision, now: int) -> None:
        self.now = now
        change = _DECISIONS.get(type(decision))
        if change is not None:
            change(self, decision)

    # What facts write

    def item_queued(self, fact: i.ItemQueued) -> None:
        self.visits[fact.item.id] = Visit(fact.item)

    def item_left(self, fact: i.ItemLeft) -> None:
        self.visits.pop(fact.work_item, None)

    def accepted(self, fact: i.ReservationAccepted) -> None:
        offer = self.offers.pop(fact.reservation)
        visit = self.visits.pop(offer.work_item)
        item, at = visit.item, fact.at or self.now
        self.segments[fact.segment] = Segment(
            id=fact.segment,
            interaction=item.interaction,
            agent=offer.agent,
            channel=item.channel,
            queue=item.queue,
            full_cost=item.cost,
            cost=item.cost,
            started_at=at,
            state_since=at,
            item=item,
            takes_over=item.takes_over,
        )

    def rejected(self, fact: i.ReservationRejected) -> None:
        offer = self.offers.pop(fact.reservation)
        self.refuse(offer, fact.at or self.now)

    def refuse(self, offer: Reservation, at: int) -> None:
        visit = self.visits.get(offer.work_item)
        if visit is not None:
            visit.excluded |= {offer.agent}
            visit.refused_at = at

    def status_changed(self, fact: i.AgentStatusChanged) -> None:
        row = self.agents[fact.agent]
        row.will, row.will_reason = fact.will, fact.reason
        row.after_this, row.after_this_reason = fact.after_this, fact.after_this_reason
        row.after_this_open = None

    def presence_changed(self, fact: i.AgentPresenceChanged) -> None:
        row = self.agents[fact.agent]
        if row.present and not fact.present:
            row.absent_since = fact.at or self.now
        elif fact.present:
            row.absent_since = None
        row.present, row.channels = fact.present, fact.channels

    def agent_configured(self, fact: i.AgentConfigChanged) -> None:
        self.configs[fact.agent.id] = fact.agent
        self.agents.setdefault(fact.agent.id, AgentRow(fact.agent.id))

    def queue_configured(self, fact: i.QueueConfigChanged) -> None:
        self.queues[fact.queue.id] = fact.queue

    def day_started(self, _fact: i.DayStarted) -> None:
        for row in self.agents.values():
            row.calls = row.talk_ms = 0

    def segment_opened(self, fact: i.SegmentOpened) -> None:
        self.segments[fact.segment.id] = replace(fact.segment)

    def set_state(self, segment: Segment, state: SegmentState, at: int | None = None) -> None:
        at = at or self.now
        self.leave_hold(segment, at)
        segment.state, segment.state_since = state, at
        segment.park_reason = segment.parked_until = segment.wrap_deadline = None
        segment.wrap_blocks = False

    def leave_hold(self, segment: Segment, at: int) -> None:
        if segment.state is SegmentState.HELD:
            segment.held_ms += at - segment.state_since

    def segment_changed(self, fact: i.SegmentStateChanged) -> None:
        segment = self.segments[fact.segment]
        self.set_state(segment, fact.state, fact.at)
        if fact.state is SegmentState.ACTIVE:
            segment.talk_ended_at = segment.waiting_since = None

    def segment_parked(self, fact: i.SegmentParked) -> None:
        segment = self.segments[fact.segment]
        self.set_state(segment, SegmentState.PARKED, fact.at)
        segment.park_reason, segment.parked_until = fact.reason, fact.until
        if fact.reason is ParkReason.WAITING_CUSTOMER and segment.waiting_since is None:
            segment.waiting_since = fact.at or self.now

    def customer_wrote(self, fact: i.CustomerWrote) -> None:
        self.segments[fact.segment].waiting_since = None

    def agent_wrote(self, fact: i.AgentWrote) -> None:
        self.segments[fact.segment].waiting_since = fact.at or self.now

    def wrap_started(self, fact: i.WrapStarted) -> None:
        segment = self.segments[fact.segment]
        self.set_state(segment, SegmentState.WRAPPING, fact.at)
        segment.wrap_deadline, segment.wrap_blocks = fact.until, fact.blocks
        segment.talk_ended_at = fact.at or self.now
        segment.waiting_since = None

    def wrap_extended(self, fact: i.WrapExtended) -> None:
        segment = self.segments[fact.segment]
        segment.wrap_deadline, segment.wrap_extended = fact.until, True

    def segment_ended(self, fact: i.SegmentEnded) -> None:
        self.finish(fact.segment, fact.at or self.now)

    def finish(self, name: str, at: int) -> None:
        segment = self.segments.pop(name)
        row = self.agents[segment.agent]
        self.leave_hold(segment, at)
        until = at if segment.talk_ended_at is None else segment.talk_ended_at
        row.calls += 1
        row.talk_ms += max(0, until - segment.started_at - segment.held_ms)

    # What decisions write

    def visit_opened(self, decision: d.VisitOpened) -> None:
        self.visits[decision.item.id] = Visit(decision.item)

    def visit_closed(self, decision: d.VisitClosed) -> None:
        del self.visits[decision.work_item]

    def step_started(self, decision: d.StepStarted) -> None:
        visit = self.visits[decision.work_item]
        visit.step, visit.step_until = decision.step, decision.until

    def band_raised(self, decision: d.BandRaised) -> None:
        visit = self.visits[decision.work_item]
        visit.item = replace(visit.item, band=decision.band)

    def round_started(self, decision: d.RoundStarted) -> None:
        visit = self.visits[decision.work_item]
        visit.round, visit.excluded, visit.refused_at = decision.round, frozenset(), None

    def transfer_returned(self, decision: d.TransferReturned) -> None:
        visit = self.visits[decision.work_item]
        visit.item = replace(visit.item, direct_to=None, return_to=None, return_at=None, front=True)

    def message_offered(self, decision: d.MessageOffered) -> None:
        self.visits[decision.work_item].message_offered = True

    def offer_made(self, decision: d.OfferMade) -> None:
        self.offers[decision.reservation] = Reservation(
            id=decision.reservation,
            work_item=decision.work_item,
            agent=decision.agent,
            round=decision.round,
            channel=decision.channel,
            cost=decision.cost,
            offered_at=decision.offered_at,
            expires_at=decision.expires_at,
        )
        self.visits[decision.work_item].state = VisitState.OFFERED
        self.last_offered[decision.queue] = decision.agent

    def offer_ended(self, decision: d.OfferEnded) -> None:
        offer = self.offers.pop(decision.reservation)
        if decision.state is ReservationState.TIMED_OUT:
            self.refuse(offer, self.now)
        if decision.requeued:
            self.visits[decision.work_item].state = VisitState.QUEUED

    def visit_requeued(self, decision: d.VisitRequeued) -> None:
        self.visits[decision.work_item].state = VisitState.QUEUED

    def item_assigned(self, decision: d.ItemAssigned) -> None:
        del self.visits[decision.work_item]
        self.segments[decision.segment.id] = replace(decision.segment)

    def segment_paused(self, decision: d.SegmentPaused) -> None:
        segment = self.segments[decision.segment]
        self.set_state(segment, SegmentState.PARKED)
        segment.park_reason, segment.parked_until = decision.reason, decision.until
        segment.cost = decision.cost

    def segment_reactivated(self, decision: d.SegmentReactivated) -> None:
        segment = self.segments[decision.segment]
        self.set_state(segment, SegmentState.ACTIVE)
        segment.cost, segment.over_budget = decision.cost, decision.over_budget
        segment.talk_ended_at = None

    def cost_changed(self, decision: d.SegmentCostChanged) -> None:
        self.segments[decision.segment].cost = decision.cost

    def segment_released(self, decision: d.SegmentReleased) -> None:
        self.finish(decision.segment, self.now)

    def wrap_ended(self, decision: d.WrapEnded) -> None:
        self.finish(decision.segment, self.now)

    def units_granted(self, decision: d.UnitsGranted) -> None:
        self.segments[decision.segment.id] = replace(decision.segment)

    def status_set(self, decision: d.AgentStatusSet) -> None:
        row = self.agents[decision.agent]
        row.will, row.will_reason = decision.will, decision.reason
        row.after_this, row.after_this_reason = decision.after_this, decision.after_this_reason
        row.after_this_open = decision.after_this_open

    def agent_updated(self, decision: d.AgentUpdated) -> None:
        row = self.agents[decision.agent]
        row.cooldown_until, row.idle_since = decision.cooldown_until, decision.idle_since


_FACTS: Mapping[type, Callable[[Tables, Any], None]] = {
    i.ItemQueued: Tables.item_queued,
    i.ItemLeft: Tables.item_left,
    i.ReservationAccepted: Tables.accepted,
    i.ReservationRejected: Tables.rejected,
    i.AgentStatusChanged: Tables.status_changed,
    i.AgentPresenceChanged: Tables.presence_changed,
    i.AgentConfigChanged: Tables.agent_configured,
    i.QueueConfigChanged: Tables.queue_configured,
    i.DayStarted: Tables.day_started,
    i.SegmentOpened: Tables.segment_opened,
    i.SegmentStateChanged: Tables.segment_changed,
    i.SegmentParked: Tables.segment_parked,
    i.CustomerWrote: Tables.customer_wrote,
    i.AgentWrote: Tables.agent_wrote,
    i.WrapStarted: Tables.wrap_started,
    i.WrapExtended: Tables.wrap_extended,
    i.SegmentEnded: Tables.segment_ended,
}

_DECISIONS: Mapping[type, Callable[[Tables, Any], None]] = {
    d.VisitOpened: Tables.visit_opened,
    d.VisitClosed: Tables.visit_closed,
    d.StepStarted: Tables.step_started,
    d.BandRaised: Tables.band_raised,
    d.RoundStarted: Tables.round_started,
    d.TransferReturned: Tables.transfer_returned,
    d.MessageOffered: Tables.message_offered,
    d.OfferMade: Tables.offer_made,
    d.OfferEnded: Tables.offer_ended,
    d.VisitRequeued: Tables.visit_requeued,
    d.ItemAssigned: Tables.item_assigned,
    d.SegmentPaused: Tables.segment_paused,
    d.SegmentReactivated: Tables.segment_reactivated,
    d.SegmentCostChanged: Tables.cost_changed,
    d.SegmentReleased: Tables.segment_released,
    d.WrapEnded: Tables.wrap_ended,
    d.UnitsGranted: Tables.units_granted,
    d.AgentStatusSet: Tables.status_set,
    d.AgentUpdated: Tables.agent_updated,
}
