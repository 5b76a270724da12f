"""A group of the router's decisions, folded into rows.

What happens to one row within a group becomes one change: from the state the row had before
the group to the one it has after it. `persist.write` applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from prometheus_client import Counter

from contactcenter.core.event import Event
from contactcenter.core.moments import from_ms
from contactcenter.events.agents import AgentStatusChanged
from contactcenter.events.interactions import (
    InteractionCostChanged,
    InteractionDequeued,
    InteractionJoined,
    InteractionParked,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrappedUp,
)
from contactcenter.events.routing import (
    ReservationAccepted,
    ReservationCancelled,
    ReservationCreated,
    ReservationRescinded,
    ReservationTimedOut,
    RoutingRefused,
)
from contactcenter.interactions.model import Change, State
from db import Uuid
from routing import rows
from routing.core import decisions as d
from routing.core.model import ReservationState, StrategyName, WorkItem
from routing.explained import why
from routing.group_store import OfferRow, SegmentPatch, SegmentStart, VisitPatch
from routing.lifecycle import NO_DISPOSITION
from routing.snapshot import Memory, Part, Place

FACTS_IGNORED = Counter(
    "router_facts_ignored_total", "Facts about things that were not open any more", ["fact"]
)

WAITING: Final = ("queued", "offered")
WORKED: Final = ("active", "held", "consulting", "parked")

_RELEASED: Final = {"agent_absent": "presence_lost", "agent_gone": "presence_lost"}

_OFFER_ENDED: Final[dict[ReservationState, Any]] = {
    ReservationState.TIMED_OUT: ReservationTimedOut,
    ReservationState.RESCINDED: ReservationRescinded,
    ReservationState.CANCELLED: ReservationCancelled,
}


@dataclass(frozen=True, slots=True)
class Late:
    """An event that says what its segment's row holds after the change."""

    segment: str
    build: Callable[[datetime, int, datetime], Event]  # (started_at, held_ms, talk_ended_at)


@dataclass(slots=True)
class Group:
    """Decisions of one step, or of several, as rows."""

    memory: Memory
    now: datetime
    moves: dict[UUID, Change] = field(default_factory=dict)
    soft_moves: dict[UUID, Change] = field(default_factory=dict)
    """Moves that follow a segment: another segment may keep the interaction where it is."""
    ending: set[UUID] = field(default_factory=set)
    """Interactions in which a segment ended: the last one closes them."""
    visits: dict[str, VisitPatch] = field(default_factory=dict)
    new_visits: list[tuple[WorkItem, UUID]] = field(default_factory=list)
    offers: dict[str, OfferRow] = field(default_factory=dict)
    ended_offers: list[tuple[str, str, str | None]] = field(default_factory=list)
    segments: dict[str, SegmentPatch] = field(default_factory=dict)
    new_segments: dict[str, SegmentStart] = field(default_factory=dict)
    wills: dict[str, d.AgentStatusSet] = field(default_factory=dict)
    desks: dict[str, d.AgentUpdated] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    """Agents one of whose segments ended."""
    turns: dict[str, str] = field(default_factory=dict)
    messages: list[UUID] = field(default_factory=list)
    """Interactions whose customer is offered to leave a message."""
    facts: list[Event | Late] = field(default_factory=list)
    sent_on: dict[str, WorkItem] = field(default_factory=dict)
    """Segment → the visit that its work went on in."""
    joined: dict[UUID, UUID] = field(default_factory=dict)
    """Interaction → the agent whom its customer has joined."""
    moved_from: dict[str, str] = field(default_factory=dict)
    """Visit → the visit that it follows on."""

    def take_all(self, decisions: Sequence[d.Decision]) -> None:
        """Fold the decisions in, in their order."""
        for decision in decisions:
            if isinstance(decision, d.VisitOpened) and decision.from_segment:
                self.sent_on[decision.from_segment] = decision.item
            elif isinstance(decision, d.SegmentReactivated):
                part = self.memory.parts[decision.segment]
                self.joined[part.interaction] = part.agent
            elif isinstance(decision, d.VisitClosed) and decision.next_work_item:
                self.moved_from[decision.next_work_item] = decision.work_item
        for decision in decisions:
            self._TAKE[type(decision)](self, decision)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.facts
            or self.visits
            or self.new_visits
            or self.moves
            or self.messages
            or self.turns
            or self.changed_desks()
        )

    def changed_desks(self) -> list[tuple[str, datetime | None, datetime | None, datetime | None]]:
        """Rows of agent_states that say something new."""
        found: list[tuple[str, datetime | None, datetime | None, datetime | None]] = []
        for agent in {*self.desks, *self.left}:
            update = self.desks.get(agent)
            stored = self.memory.idle.get(agent, (0, 0))
            ended = self.now if agent in self.left else None
            if update is not None and (update.cooldown_until, update.idle_since) != stored:
                found.append(
                    (agent, from_ms(update.cooldown_until), from_ms(update.idle_since), ended)
                )
            elif ended is not None:
                found.append((agent, None, None, ended))
        return found

    def written(self) -> None:
        """The group is committed: memory may let go of what is over."""
        for agent, update in self.desks.items():
            self.memory.idle[agent] = (update.cooldown_until, update.idle_since)
        self.memory.forget()

    # Visits

    def _visit_opened(self, decision: d.VisitOpened) -> None:
        item = decision.item
        if decision.from_segment:
            contact = self.memory.parts[decision.from_segment].contact
        else:
            contact = self.memory.places[self.moved_from[item.id]].contact
        interaction = Uuid(item.interaction)
        self._move(
            interaction,
            "queued",
            ("active", "held", "parked", "queued", "offered"),
            queue=item.queue,
            virtual_start=from_ms(item.virtual_start),
        )
        self.memory.add_place(
            item.id,
            Place(
                interaction,
                contact,
                item.queue,
                item.channel.value,
                item.entered_at,
                item.preferred,
            ),
        )
        self.new_visits.append((item, contact))
        self.facts.append(rows.event_of(item, contact))

    def _visit_closed(self, decision: d.VisitClosed) -> None:
        place = self.memory.places[decision.work_item]
        patch = self._visit(decision.work_item, WAITING)
        ringing = patch.state == "offered"
        patch.state, patch.outcome = "ended", decision.outcome.value
        self.memory.is_over(decision.work_item)
        self.facts.append(
            InteractionDequeued(
                interaction_id=place.interaction,
                work_item_id=Uuid(decision.work_item),
                queue=place.queue,
                channel=place.channel,
                outcome=decision.outcome.value,
                waited_ms=self._since(place.entered_at),
                ringing=ringing,
            )
        )

    def _step_started(self, decision: d.StepStarted) -> None:
        patch = self._visit(decision.work_item, WAITING)
        patch.step = decision.step
        patch.step_until = None if decision.until is None else from_ms(decision.until)

    def _band_raised(self, decision: d.BandRaised) -> None:
        self._visit(decision.work_item, WAITING).band = decision.band.value

    def _round_started(self, decision: d.RoundStarted) -> None:
        self._visit(decision.work_item, WAITING).round = decision.round

    def _transfer_returned(self, decision: d.TransferReturned) -> None:
        self._visit(decision.work_item, WAITING).lift = True

    def _message_offered(self, decision: d.MessageOffered) -> None:
        self._visit(decision.work_item, WAITING).message_offered = True
        self.messages.append(self.memory.places[decision.work_item].interaction)

    def _visit_requeued(self, decision: d.VisitRequeued) -> None:
        self._wait_again(decision.work_item)

    def _wait_again(self, work_item: str) -> None:
        place = self.memory.places[work_item]
        self._visit(work_item, WAITING).state = "queued"
        self._move(place.interaction, "queued", WAITING)

    # Offers

    def _offer_made(self, decision: d.OfferMade) -> None:
        place = self.memory.places[decision.work_item]
        offer = OfferRow(
            id=Uuid(decision.reservation),
            visit=decision.work_item,
            work_item=Uuid(decision.work_item),
            interaction=place.interaction,
            agent=Uuid(decision.agent),
            round=decision.round,
            how="offer",
            state="pending",
            cost=decision.cost,
            why=why(self.memory, decision.explanation, decision.agent, place),
            created_at=self.now,
            expires_at=from_ms(decision.expires_at),
        )
        self.offers[decision.reservation] = offer
        self._visit(decision.work_item, WAITING).state = "offered"
        self._move(place.interaction, "offered", WAITING)
        if self.memory.queues[decision.queue].strategy is StrategyName.ROUND_ROBIN:
            self.turns[decision.queue] = decision.agent
        self.facts.append(
            ReservationCreated(
                reservation_id=offer.id,
                work_item_id=offer.work_item,
                interaction_id=place.interaction,
                agent_id=offer.agent,
                queue=decision.queue,
                channel=place.channel,
                round=decision.round,
                expires_at=offer.expires_at,
            )
        )

    def _offer_ended(self, decision: d.OfferEnded) -> None:
        place = self.memory.places[decision.work_item]
        new = self.offers.get(decision.reservation)
        if new is not None:
            new.state, new.reason, new.ended_at = decision.state.value, decision.reason, self.now
        else:
            self.ended_offers.append((decision.reservation, decision.state.value, decision.reason))
        if decision.requeued:
            self._wait_again(decision.work_item)
        self.facts.append(
            _OFFER_ENDED[decision.state](
                reservation_id=Uuid(decision.reservation),
                work_item_id=Uuid(decision.work_item),
                interaction_id=place.interaction,
                agent_id=Uuid(decision.agent),
                queue=place.queue,
                channel=place.channel,
                reason=decision.reason,
            )
        )

    def _item_assigned(self, decision: d.ItemAssigned) -> None:
        place, segment = self.memory.places[decision.work_item], decision.segment
        patch = self._visit(decision.work_item, WAITING)
        patch.state, patch.outcome = "assigned", "answered"
        agent = Uuid(segment.agent)
        self._move(place.interaction, "active", WAITING, queue=place.queue, agent_id=agent)
        self.offers[decision.reservation] = OfferRow(
            id=Uuid(decision.reservation),
            visit=decision.work_item,
            work_item=Uuid(decision.work_item),
            interaction=place.interaction,
            agent=agent,
            round=decision.round,
            how=decision.how,
            state="accepted",
            cost=segment.full_cost,
            why={
                **why(self.memory, decision.explanation, segment.agent, place),
                "forced": decision.forced,
            },
            created_at=self.now,
            expires_at=self.now,
            ended_at=self.now,
        )
        self.new_segments[segment.id] = SegmentStart(
            id=segment.id,
            interaction=place.interaction,
            work_item=decision.work_item,
            reservation=decision.reservation,
            agent=segment.agent,
            queue=place.queue,
            channel=place.channel,
            cost=segment.cost,
            full_cost=segment.full_cost,
            over_budget=segment.over_budget,
            started_at=self.now,
        )
        self.memory.add_part(
            segment.id, Part(place.interaction, place.contact, agent, place.channel, place.queue)
        )
        self.memory.is_over(decision.work_item)
        self.facts.append(
            ReservationAccepted(
                reservation_id=Uuid(decision.reservation),
                work_item_id=Uuid(decision.work_item),
                interaction_id=place.interaction,
                segment_id=Uuid(segment.id),
                agent_id=agent,
                queue=place.queue,
                channel=place.channel,
                cost=segment.cost,
                waited_ms=self._since(place.entered_at),
                how=decision.how,
                request_id=Uuid(decision.request_id) if decision.request_id else None,
            )
        )

    # Segments

    def _segment_paused(self, decision: d.SegmentPaused) -> None:
        part = self.memory.parts[decision.segment]
        until = None if decision.until is None else from_ms(decision.until)
        patch = self._segment(decision.segment, WORKED)
        patch.state, patch.cost = "parked", decision.cost
        patch.park_reason, patch.parked_until = decision.reason.value, until
        self._move(part.interaction, "parked", ("active", "held"), soft=True)
        self.facts.append(
            InteractionParked(
                **self._about(decision.segment),
                why=decision.reason.value,
                until=until,
                cost=decision.cost,
            )
        )

    def _segment_reactivated(self, decision: d.SegmentReactivated) -> None:
        part = self.memory.parts[decision.segment]
        patch = self._segment(decision.segment, (*WORKED, "wrapping"))
        patch.state, patch.cost = "active", decision.cost
        patch.park_reason = patch.parked_until = None
        patch.over_budget = decision.over_budget
        self._move(part.interaction, "active", ("parked", "held"), soft=True)
        self.facts.append(
            InteractionResumed(
                **self._about(decision.segment), cause=decision.cause, cost=decision.cost
            )
        )

    def _cost_changed(self, decision: d.SegmentCostChanged) -> None:
        self._segment(decision.segment, (*WORKED, "wrapping")).cost = decision.cost
        self.facts.append(
            InteractionCostChanged(**self._about(decision.segment), cost=decision.cost)
        )

    def _segment_released(self, decision: d.SegmentReleased) -> None:
        part = self.memory.parts[decision.segment]
        item = self.sent_on.get(decision.segment)
        heir = None if item else self.joined.get(part.interaction)
        about = self._about(decision.segment)
        patch = self._segment(decision.segment, (*WORKED, "wrapping"))
        patch.state, patch.cost = "ended", 0
        patch.park_reason = patch.parked_until = None
        self.left.add(decision.agent)
        self.memory.is_over(decision.segment)

        def build(started_at: datetime, held_ms: int, talk_ended_at: datetime) -> Event:
            return InteractionTransferred(
                **about,
                to_queue=item.queue if item else part.queue or "",
                to_agent_id=UUID(item.direct_to) if item and item.direct_to else heir,
                talked_ms=_ms(started_at, talk_ended_at) - held_ms,
                held_ms=held_ms,
                cause=_RELEASED.get(decision.reason, decision.reason),
            )

        self.facts.append(Late(decision.segment, build))

    def _wrap_ended(self, decision: d.WrapEnded) -> None:
        part, about = self.memory.parts[decision.segment], self._about(decision.segment)
        patch = self._segment(decision.segment, ("wrapping",))
        patch.state, patch.cost, patch.wrapped = "ended", 0, True
        self.left.add(decision.agent)
        self.memory.is_over(decision.segment)
        self.ending.add(part.interaction)

        def build(started_at: datetime, held_ms: int, talk_ended_at: datetime) -> Event:  # noqa: ARG001
            return InteractionWrappedUp(
                **about,
                disposition=NO_DISPOSITION,
                wrap_ms=_ms(talk_ended_at, self.now),
                timed_out=decision.reason == "timed_out",
            )

        self.facts.append(Late(decision.segment, build))

    def _units_granted(self, decision: d.UnitsGranted) -> None:
        segment = decision.segment
        interaction, agent = Uuid(segment.interaction), Uuid(segment.agent)
        part = Part(
            interaction,
            self.memory.contacts.pop(interaction),
            agent,
            segment.channel.value,
            segment.queue,
        )
        self.memory.add_part(segment.id, part)
        self.new_segments[segment.id] = SegmentStart(
            id=segment.id,
            interaction=interaction,
            work_item=None,
            reservation=None,
            agent=segment.agent,
            queue=segment.queue,
            channel=segment.channel.value,
            cost=segment.cost,
            full_cost=segment.full_cost,
            over_budget=segment.over_budget,
            started_at=self.now,
        )
        self.facts.append(
            InteractionJoined(
                interaction_id=interaction,
                segment_id=Uuid(segment.id),
                agent_id=agent,
                channel=segment.channel.value,
                cost=segment.cost,
                queue=segment.queue,
                request_id=Uuid(decision.request_id),
            )
        )

    # Agents and answers

    def _status_set(self, decision: d.AgentStatusSet) -> None:
        self.wills[decision.agent] = decision
        cause = decision.cause
        if decision.request_id is not None:
            cause = self.memory.asked.pop(decision.request_id, cause)
        self.facts.append(
            AgentStatusChanged(
                agent_id=Uuid(decision.agent),
                status=decision.will.value,
                reason=decision.reason,
                after_this=decision.after_this.value if decision.after_this else None,
                after_this_reason=decision.after_this_reason,
                cause=cause,
                request_id=Uuid(decision.request_id) if decision.request_id else None,
            )
        )

    def _agent_updated(self, decision: d.AgentUpdated) -> None:
        self.desks[decision.agent] = decision

    def _refused(self, decision: d.RequestRefused) -> None:
        self.memory.asked.pop(decision.request_id, None)
        ctx = dict(decision.ctx)
        if isinstance(segments := ctx.pop("open_work", None), list):
            ctx["open"] = [str(self.memory.parts[segment].interaction) for segment in segments]
        self.facts.append(
            RoutingRefused(
                request_id=Uuid(decision.request_id),
                code=decision.code.value,
                detail=decision.detail,
                ctx=ctx,
            )
        )

    def _ignored(self, decision: d.FactIgnored) -> None:
        FACTS_IGNORED.labels(decision.fact).inc()

    # Folding

    def _move(
        self,
        interaction: UUID,
        to: State,
        expect: tuple[State, ...],
        *,
        soft: bool = False,
        queue: str | None = None,
        agent_id: UUID | None = None,
        virtual_start: datetime | None = None,
    ) -> None:
        moves = self.moves if not soft or interaction in self.moves else self.soft_moves
        earlier = moves.get(interaction) or self.soft_moves.pop(interaction, None)
        if earlier is None:
            moves[interaction] = Change(
                interaction,
                to,
                self.now,
                expect=expect,
                queue=queue,
                agent_id=agent_id,
                virtual_start=virtual_start,
            )
        else:
            moves[interaction] = replace(
                earlier,
                to=to,
                queue=queue or earlier.queue,
                agent_id=agent_id or earlier.agent_id,
                virtual_start=virtual_start or earlier.virtual_start,
            )

    def _visit(self, work_item: str, expect: tuple[str, ...]) -> VisitPatch:
        patch = self.visits.get(work_item)
        if patch is None:
            patch = self.visits[work_item] = VisitPatch(work_item, expect)
        return patch

    def _segment(self, segment: str, expect: tuple[str, ...]) -> SegmentPatch:
        patch = self.segments.get(segment)
        if patch is None:
            patch = self.segments[segment] = SegmentPatch(segment, expect)
        return patch

    def _about(self, segment: str) -> dict[str, Any]:
        part = self.memory.parts[segment]
        return {
            "interaction_id": part.interaction,
            "segment_id": Uuid(segment),
            "agent_id": part.agent,
            "channel": part.channel,
        }

    def _since(self, at_ms: int) -> int:
        return max(0, _ms(from_ms(at_ms), self.now))

    _TAKE: ClassVar[dict[type, Callable[[Any, Any], None]]] = {
        d.VisitOpened: _visit_opened,
        d.VisitClosed: _visit_closed,
        d.StepStarted: _step_started,
        d.BandRaised: _band_raised,
        d.RoundStarted: _round_started,
        d.TransferReturned: _transfer_returned,
        d.MessageOffered: _message_offered,
        d.VisitRequeued: _visit_requeued,
        d.OfferMade: _offer_made,
        d.OfferEnded: _offer_ended,
        d.ItemAssigned: _item_assigned,
        d.SegmentPaused: _segment_paused,
        d.SegmentReactivated: _segment_reactivated,
        d.SegmentCostChanged: _cost_changed,
        d.SegmentReleased: _segment_released,
        d.WrapEnded: _wrap_ended,
        d.UnitsGranted: _units_granted,
        d.AgentStatusSet: _status_set,
        d.AgentUpdated: _agent_updated,
        d.RequestRefused: _refused,
        d.FactIgnored: _ignored,
    }


def _ms(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds() * 1000)
