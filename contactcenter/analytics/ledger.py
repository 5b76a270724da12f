"""The fold: facts of the event log in, records that figures are read from out. PURE.

Live and historical figures come from this one class: live it is fed by the bus, for the past by
a range of the log. Applying the same facts in the same order gives the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from contactcenter.analytics.metrics import (
    DEFAULT_THRESHOLDS,
    OUTCOMES,
    AgentTime,
    Caller,
    CellKey,
    Handling,
    Tally,
    Thresholds,
    Visit,
    line_of,
    tally,
)
from contactcenter.core.event import Event
from contactcenter.core.moments import to_ms
from contactcenter.events import agents, interactions, routing

SPARK_SLOT_MS = 180_000  # a sparkline is twenty slots of three minutes: the last hour
SPARK_SLOTS = 20


@dataclass(slots=True)
class Peaks:
    """Most items waiting at once in each three-minute slot of the last hour."""

    waiting: int = 0
    slot: int = 0
    values: list[int] = field(default_factory=lambda: [0] * SPARK_SLOTS)

    def roll(self, at_ms: int) -> None:
        slot = at_ms // SPARK_SLOT_MS
        steps = slot - self.slot
        if steps > 0:
            fresh = [self.waiting] * min(steps, SPARK_SLOTS)
            self.values = (self.values + fresh)[-SPARK_SLOTS:]
            self.slot = slot

    def step(self, by: int, at_ms: int) -> None:
        self.roll(at_ms)
        self.waiting += by
        self.values[-1] = max(self.values[-1], self.waiting)


class Ledger:
    """Everything the figures need, built by applying facts in the log's order."""

    def __init__(self) -> None:
        self.visits: dict[UUID, Visit] = {}
        self.waiting: dict[UUID, Visit] = {}
        self.handlings: dict[UUID, Handling] = {}
        self.agents: dict[UUID, AgentTime] = {}
        self.cells: dict[CellKey, dict[UUID, Visit]] = {}
        self.peaks: dict[tuple[str, str], Peaks] = {}
        self.seeking: dict[UUID, Visit] = {}  # interaction → where its caller asked for a person
        self.touched: set[CellKey] = set()  # cells changed since somebody cleared the set
        self._open: dict[UUID, dict[UUID, Handling]] = {}  # interaction → its open handlings
        self._visit_of: dict[UUID, Visit] = {}  # segment → the visit it answered
        self._arrived: dict[UUID, int] = {}  # call from outside → when; until it asks for a person
        self._apply: dict[type[Event], Callable[..., None]] = {
            interactions.InteractionCreated: self._created,
            interactions.InteractionQueued: self._queued,
            interactions.InteractionWaitEstimated: self._estimated,
            interactions.InteractionDequeued: self._dequeued,
            interactions.InteractionHeld: self._held,
            interactions.InteractionConsulted: self._consulted,
            interactions.InteractionJoined: self._joined,
            interactions.InteractionParked: self._parked,
            interactions.InteractionResumed: self._resumed,
            interactions.InteractionCostChanged: self._cost_changed,
            interactions.InteractionTransferred: self._transferred,
            interactions.InteractionWrapStarted: self._wrap_started,
            interactions.InteractionWrapExtended: self._worked_on,
            interactions.InteractionWrappedUp: self._wrapped_up,
            interactions.InteractionClosed: self._closed,
            interactions.MessageCreated: self._message,
            routing.ReservationCreated: self._offered,
            routing.ReservationAccepted: self._accepted,
            routing.ReservationRejected: self._offer_ended,
            routing.ReservationTimedOut: self._timed_out,
            routing.ReservationRescinded: self._offer_ended,
            routing.ReservationCancelled: self._offer_ended,
            routing.RoutingClockSet: self._clock_set,
            agents.AgentStatusChanged: self._status,
            agents.AgentPresenceChanged: self._presence,
            agents.AgentSkillsChanged: self._skills,
            agents.AgentHelpRequested: self._help,
        }

    @property
    def event_names(self) -> frozenset[str]:
        """The facts that move a figure; others may be left out of the stream."""
        return frozenset(cls.name for cls in self._apply)

    def apply(self, event: Event, at_ms: int) -> None:
        """Take one fact that happened at `at_ms`. Facts of no concern are ignored."""
        handler = self._apply.get(type(event))
        if handler is not None:
            handler(event, at_ms)

    # visits

    def _created(self, e: interactions.InteractionCreated, at_ms: int) -> None:
        if e.channel == "voice" and e.direction == "inbound":
            self._arrived.setdefault(e.interaction_id, at_ms)

    def _queued(self, e: interactions.InteractionQueued, at_ms: int) -> None:
        if e.work_item_id in self.visits:
            return
        visit = Visit(
            e.work_item_id,
            e.interaction_id,
            e.queue,
            line_of(e.channel, e.band),
            e.entry,
            to_ms(e.entered_at),
            e.cost,
        )
        arrived = self._arrived.pop(visit.interaction_id, None)
        if arrived is not None:
            visit.caller = Caller(arrived, visit.entered_ms)
            self.seeking[visit.interaction_id] = visit
        self.visits[visit.work_item_id] = self.waiting[visit.work_item_id] = visit
        self.cells.setdefault(visit.cell, {})[visit.work_item_id] = visit
        self.touched.add(visit.cell)
        self._peaks(visit).step(+1, at_ms)

    def _estimated(self, e: interactions.InteractionWaitEstimated, at_ms: int) -> None:
        visit = self.visits.get(e.work_item_id)
        if visit is not None and visit.estimated is None:
            visit.estimated = (e.estimated_ms, at_ms)
            self.touched.add(visit.cell)

    def _dequeued(self, e: interactions.InteractionDequeued, at_ms: int) -> None:
        visit = self.waiting.get(e.work_item_id)
        if visit is not None:
            # The log may hold an outcome that is no longer one: the contact went on elsewhere.
            outcome = e.outcome if e.outcome in OUTCOMES else "moved"
            self._end_visit(visit, outcome, e.waited_ms, at_ms)
            if outcome != "moved":
                self._got_nobody(e.interaction_id, at_ms)

    def _end_visit(self, visit: Visit, outcome: str, waited_ms: int, at_ms: int) -> None:
        visit.outcome, visit.waited_ms, visit.ended_ms = outcome, waited_ms, at_ms
        del self.waiting[visit.work_item_id]
        self.touched.add(visit.cell)
        self._peaks(visit).step(-1, at_ms)

    def _got_nobody(self, interaction_id: UUID, at_ms: int) -> None:
        sought = self.seeking.get(interaction_id)
        if sought is not None and sought.caller is not None and sought.caller.gone_ms is None:
            sought.caller.gone_ms = at_ms
            self.touched.add(sought.cell)

    def _got_a_person(self, interaction_id: UUID, at_ms: int) -> None:
        sought = self.seeking.pop(interaction_id, None)
        if sought is not None and sought.caller is not None:
            sought.caller.connected_ms = at_ms
            self.touched.add(sought.cell)

    def _peaks(self, visit: Visit) -> Peaks:
        return self.peaks.setdefault((visit.queue, visit.channel), Peaks())

    # offers

    def _offered(self, e: routing.ReservationCreated, at_ms: int) -> None:
        visit = self.visits.get(e.work_item_id)
        if visit is None:
            return
        visit.offers += 1
        visit.ringing[e.reservation_id] = e.agent_id
        self.touched.add(visit.cell)
        agent = self._settled(e.agent_id, at_ms)
        agent.ringing[e.reservation_id] = visit
        agent.change(at_ms)

    def _offer_ended(self, e: routing._ReservationEnded, at_ms: int) -> None:
        visit = self.visits.get(e.work_item_id)
        if visit is not None:
            visit.ringing.pop(e.reservation_id, None)
        self._stop_ringing(e.agent_id, e.reservation_id, at_ms)

    def _timed_out(self, e: routing.ReservationTimedOut, at_ms: int) -> None:
        visit = self.visits.get(e.work_item_id)
        if visit is not None:
            visit.missed += 1
            self.touched.add(visit.cell)
        self._offer_ended(e, at_ms)

    def _stop_ringing(self, agent_id: UUID, reservation_id: UUID, at_ms: int) -> None:
        agent = self._settled(agent_id, at_ms)
        agent.ringing.pop(reservation_id, None)
        agent.change(at_ms)

    def _accepted(self, e: routing.ReservationAccepted, at_ms: int) -> None:
        visit = self.visits.get(e.work_item_id)
        if visit is None or e.segment_id in self.handlings:
            return
        visit.ringing.pop(e.reservation_id, None)
        if visit.waiting:
            visit.agent_id = e.agent_id
            self._end_visit(visit, "answered", e.waited_ms, at_ms)
        self._got_a_person(e.interaction_id, at_ms)
        handling = self._begin(e, visit.channel, at_ms)
        self._visit_of[e.segment_id] = visit
        visit.handlings.append(handling)
        self._stop_ringing(e.agent_id, e.reservation_id, at_ms)

    def _joined(self, e: interactions.InteractionJoined, at_ms: int) -> None:
        """A part of no visit: it fills the agent's time and counts in no queue's figures."""
        if e.segment_id not in self.handlings:
            self._begin(e, e.channel, at_ms)

    def _begin(
        self,
        e: routing.ReservationAccepted | interactions.InteractionJoined,
        channel: str,
        at_ms: int,
    ) -> Handling:
        handling = Handling(
            e.segment_id,
            e.interaction_id,
            e.agent_id,
            e.queue or "",
            channel,
            e.cost,
            started_ms=at_ms,
            since_ms=at_ms,
        )
        self.handlings[e.segment_id] = handling
        self._open.setdefault(e.interaction_id, {})[e.segment_id] = handling
        agent = self._settled(e.agent_id, at_ms)
        agent.open[e.segment_id] = handling
        agent.turn_to(handling, at_ms)
        agent.change(at_ms)
        return handling

    # segments

    def _move(
        self,
        segment_id: UUID,
        state: str,
        at_ms: int,
        cost: int | None = None,
        *,
        takes_focus: bool = False,
    ) -> None:
        handling = self.handlings.get(segment_id)
        if handling is None:
            return
        agent = self._settled(handling.agent_id, at_ms)
        handling.move(state, at_ms)
        if takes_focus:
            agent.turn_to(handling, at_ms)
        if cost is not None:
            handling.cost = cost
        if state == "ended":
            agent.open.pop(segment_id, None)
            if agent.focus is handling:
                agent.focus = None
            if agent.hand is not None and agent.hand[0] == handling.interaction_id:
                agent.hand = None
            self._open.get(handling.interaction_id, {}).pop(segment_id, None)
        else:
            agent.open[segment_id] = handling
            self._open.setdefault(handling.interaction_id, {})[segment_id] = handling
        if (visit := self._visit_of.get(segment_id)) is not None:
            self.touched.add(visit.cell)
        agent.change(at_ms)

    def _held(self, e: interactions.InteractionHeld, at_ms: int) -> None:
        self._move(e.segment_id, "held", at_ms, takes_focus=True)

    def _consulted(self, e: interactions.InteractionConsulted, at_ms: int) -> None:
        self._move(e.segment_id, "consulting", at_ms, takes_focus=True)

    def _parked(self, e: interactions.InteractionParked, at_ms: int) -> None:
        self._move(e.segment_id, "parked", at_ms, e.cost)

    def _resumed(self, e: interactions.InteractionResumed, at_ms: int) -> None:
        """The agent goes on with it; if by somebody else's doing, then unless at another one."""
        handling = self.handlings.get(e.segment_id)
        if handling is not None:
            at = self._settled(handling.agent_id, at_ms).focus
            busy = at is not None and at is not handling and at.in_focus(at_ms)
            takes_focus = e.cause == "agent" or not busy
            self._move(e.segment_id, "active", at_ms, e.cost, takes_focus=takes_focus)

    def _cost_changed(self, e: interactions.InteractionCostChanged, at_ms: int) -> None:
        handling = self.handlings.get(e.segment_id)
        if handling is not None:
            agent = self._settled(handling.agent_id, at_ms)
            handling.cost = e.cost
            agent.change(at_ms)

    def _transferred(self, e: interactions.InteractionTransferred, at_ms: int) -> None:
        self._move(e.segment_id, "ended", at_ms)

    def _wrap_started(self, e: interactions.InteractionWrapStarted, at_ms: int) -> None:
        self._move(e.segment_id, "wrapping", at_ms, e.cost, takes_focus=True)

    def _wrapped_up(self, e: interactions.InteractionWrappedUp, at_ms: int) -> None:
        handling = self.handlings.get(e.segment_id)
        if handling is not None:
            handling.wrap_lapsed = e.timed_out
        self._move(e.segment_id, "ended", at_ms)

    def _worked_on(self, e: interactions.InteractionWrapExtended, at_ms: int) -> None:
        handling = self.handlings.get(e.segment_id)
        if handling is not None:
            self._settled(handling.agent_id, at_ms).turn_to(handling, at_ms)

    def _closed(self, e: interactions.InteractionClosed, at_ms: int) -> None:
        self._arrived.pop(e.interaction_id, None)
        self._got_nobody(e.interaction_id, at_ms)
        self.seeking.pop(e.interaction_id, None)
        for segment_id in list(self._open.pop(e.interaction_id, {})):
            self._move(segment_id, "ended", at_ms)

    def _message(self, e: interactions.MessageCreated, at_ms: int) -> None:
        if e.agent_id is None or e.interaction_id is None:
            return
        for handling in self._open.get(e.interaction_id, {}).values():
            if handling.agent_id == e.agent_id:
                self._settled(handling.agent_id, at_ms).turn_to(handling, at_ms)

    # the clock

    def _clock_set(self, e: routing.RoutingClockSet, _: int) -> None:
        """What goes on keeps the time that it had taken, as its rows in the tables do."""
        after, until = to_ms(e.known_after), to_ms(e.known_until)

        def moved(moment_ms: int) -> int:
            return moment_ms if after < moment_ms <= until else moment_ms + e.by_ms

        for visit in self.waiting.values():
            self.touched.add(visit.cell)
            del self.cells[visit.cell][visit.work_item_id]
            visit.entered_ms = moved(visit.entered_ms)
            if visit.estimated is not None:
                visit.estimated = (visit.estimated[0], moved(visit.estimated[1]))
            self.cells.setdefault(visit.cell, {})[visit.work_item_id] = visit
            self.touched.add(visit.cell)
        self._arrived = {one: moved(at_ms) for one, at_ms in self._arrived.items()}
        for visit in self.seeking.values():
            if (caller := visit.caller) is not None and caller.outcome is None:
                caller.arrived_ms = moved(caller.arrived_ms)
                caller.asked_ms = caller.asked_ms and moved(caller.asked_ms)
                self.touched.add(visit.cell)
        for open_handlings in self._open.values():
            for handling in open_handlings.values():
                handling.started_ms = moved(handling.started_ms)
                handling.since_ms = moved(handling.since_ms)
                if handling.input_ms is not None:
                    handling.input_ms = moved(handling.input_ms)
        for agent in self.agents.values():
            agent.settled_ms = moved(agent.settled_ms)
            agent.state_since_ms = moved(agent.state_since_ms)

    # agents

    def _settled(self, agent_id: UUID, at_ms: int) -> AgentTime:
        agent = self.agents.get(agent_id)
        if agent is None:
            agent = AgentTime(agent_id, state_since_ms=at_ms, settled_ms=at_ms)
            self.agents[agent_id] = agent
        agent.settle(at_ms)
        return agent

    def _status(self, e: agents.AgentStatusChanged, at_ms: int) -> None:
        agent = self._settled(e.agent_id, at_ms)
        agent.status, agent.reason, agent.after_this = e.status, e.reason, e.after_this
        if agent.hand is not None and agent.hand[0] is None:
            agent.hand = None
        agent.change(at_ms)

    def _presence(self, e: agents.AgentPresenceChanged, at_ms: int) -> None:
        moment = min(at_ms, to_ms(e.at))
        agent = self._settled(e.agent_id, moment)
        agent.present = e.present
        agent.change(moment)

    def _skills(self, e: agents.AgentSkillsChanged, at_ms: int) -> None:
        agent = self._settled(e.agent_id, at_ms)
        agent.budget = e.budget
        agent.change(at_ms)

    def _help(self, e: agents.AgentHelpRequested, at_ms: int) -> None:
        """Raised until the agent's part in it ends; without one, until the next status."""
        self._settled(e.agent_id, at_ms).hand = (e.interaction_id, at_ms)


class Reader:
    """Figures of one ledger, each half hour counted once until a fact touches it."""

    def __init__(self, ledger: Ledger, limits: Mapping[str, Thresholds]) -> None:
        self._ledger = ledger
        self._limits = limits
        self._settled: dict[CellKey, Tally] = {}

    def limits(self, queue: str) -> Thresholds:
        return self._limits.get(queue, DEFAULT_THRESHOLDS)

    def forget(self, cells: Iterable[CellKey]) -> None:
        """These cells changed: count them again when asked."""
        for key in cells:
            self._settled.pop(key, None)

    def tally(self, key: CellKey, now_ms: int) -> Tally:
        """One half hour × queue × channel. A cell with nobody waiting does not change by itself;
        a caller may wait for a person in another queue than they first asked in."""
        known = self._settled.get(key)
        if known is None:
            visits = self._ledger.cells.get(key, {})
            known = tally(visits.values(), self.limits(key[1]), now_ms)
            if known.waiting == 0 and known.person_awaited == 0:
                self._settled[key] = known
        return known
