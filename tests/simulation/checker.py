"""What must hold whatever happens. Sees only inputs, decisions and the tables; never the engine.

Each broken promise raises `Broken` with its name, so that a planted bug can be told from an
accident.
"""

from __future__ import annotations

from collections.abc import Sequence

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.explanation import Explanation
from routing.core.model import (
    DEFAULT_POLICIES,
    Band,
    Channel,
    ChannelPolicy,
    Outcome,
    ParkReason,
    Requirement,
    Reservation,
    ReservationState,
    RoutingStep,
    Segment,
    SegmentState,
    Visit,
    VisitState,
    Will,
    WorkItem,
)
from tests.simulation.tables import Tables

LIVE = (SegmentState.ACTIVE, SegmentState.HELD, SegmentState.CONSULTING)
WORKING = (Will.AVAILABLE, Will.ON_DEMAND)


class Broken(AssertionError):
    def __init__(self, promise: str, detail: object) -> None:
        super().__init__(f"{promise}: {detail}")
        self.promise = promise


def _request_id(decision: object) -> str | None:
    return getattr(decision, "request_id", None)


class Checker:
    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.ended: dict[str, str] = {}
        """Offers that have ended, and how."""
        self.outcomes: dict[str, str] = {}
        """Visits that are over, and how."""
        self.rounds: set[tuple[str, int]] = set()
        """Rounds that had a winner."""
        self.refused: dict[tuple[str, int], set[str]] = {}
        self.used: set[str] = set()
        """Agents on demand who have had their one item."""
        self.assignments = 0
        self.calls: set[str] = set()
        """Offers whose miss sets the agent away."""
        self.resting: dict[str, int] = {}
        """Agents who missed or refused something, and until when nothing is to be offered."""
        self.superseded: dict[str, list[Reservation]] = {}
        self.ringing_before: list[Reservation] = []

    # One step of the router

    def step(self, inputs: Sequence[i.Input], decisions: Sequence[d.Decision], now: int) -> None:
        """Call with the tables as before the step; they are moved on."""
        tables = self.tables
        for fact in inputs:
            self._before_fact(fact)
            tables.fact(fact, now)
        missed_calls = []
        for decision in decisions:
            self._before(decision, now)
            tables.decision(decision, now)
            self._after(decision, now)
            if isinstance(decision, d.OfferEnded):
                missed_calls += self._missed_call(decision)
        self._answers(inputs, decisions)
        for agent in missed_calls:
            self._say(tables.agents[agent].will not in WORKING, "one missed call sets away", agent)
        self._at_rest(now)

    def _say(self, holds: bool, promise: str, detail: object) -> None:
        if not holds:
            raise Broken(promise, detail)

    def _missed_call(self, decision: d.OfferEnded) -> list[str]:
        missed = decision.state is ReservationState.TIMED_OUT
        return [decision.agent] if missed and decision.reservation in self.calls else []

    # Facts

    def _before_fact(self, fact: i.Input) -> None:
        tables = self.tables
        if isinstance(fact, i.ReservationAccepted | i.ReservationRejected):
            offer = tables.offers[fact.reservation]
            word = "accepted" if isinstance(fact, i.ReservationAccepted) else "rejected"
            self._end(fact.reservation, word)
            if isinstance(fact, i.ReservationAccepted):
                self._win(offer.work_item, offer.round)
                self._over(offer.work_item, Outcome.ANSWERED)
            else:
                self._refused(offer, fact.at or self.tables.now)
        elif isinstance(fact, i.ItemLeft):
            self._over(fact.work_item, fact.outcome)
        elif isinstance(fact, i.AgentStatusChanged):
            self.used.discard(fact.agent)

    def _refused(self, offer: Reservation, at: int) -> None:
        self.refused.setdefault((offer.work_item, offer.round), set()).add(offer.agent)
        if offer.id not in self.calls:
            self.resting[offer.agent] = at + self.tables.config.constants.cooldown_ms

    def _end(self, offer: str, how: str) -> None:
        self._say(offer not in self.ended, "an offer ends once", (offer, how))
        self.ended[offer] = how

    def _over(self, work_item: str, how: str) -> None:
        self._say(work_item not in self.outcomes, "a visit has one outcome", (work_item, how))
        self.outcomes[work_item] = how

    def _win(self, work_item: str, round_: int) -> None:
        self._say(
            (work_item, round_) not in self.rounds, "one winner per round", (work_item, round_)
        )
        self.rounds.add((work_item, round_))

    # Decisions

    def _before(self, decision: d.Decision, now: int) -> None:
        tables = self.tables
        match decision:
            case d.OfferMade():
                self._offer(decision, now)
            case d.OfferEnded():
                offer = tables.offers.get(decision.reservation)
                self._say(offer is not None, "an offer ends once", decision)
                assert offer is not None
                self._end(decision.reservation, decision.state)
                if decision.reason == "superseded":
                    self.superseded.setdefault(offer.agent, []).append(offer)
                if decision.state is ReservationState.TIMED_OUT:
                    self._say(offer.expires_at <= now, "no offer ends before its time", decision)
                    self._refused(offer, now)
            case d.ItemAssigned():
                visit = tables.visits.get(decision.work_item)
                self._say(visit is not None, "only an open visit is assigned", decision)
                self._win(decision.work_item, decision.round)
                self._over(decision.work_item, Outcome.ANSWERED)
                self.assignments += 1
                self._explained(decision.explanation, decision.segment.agent)
            case d.VisitClosed():
                self._say(decision.work_item in tables.visits, "a visit has one outcome", decision)
                self._over(decision.work_item, decision.outcome)
            case d.SegmentReactivated(cause="router"):
                lasts = self._still_interrupted(tables.segments[decision.segment])
                self._say(not lasts, "an interruption lasts", decision)
            case d.SegmentReleased():
                self._say(decision.segment in tables.segments, "segments end once", decision)
            case d.WrapEnded():
                segment = tables.segments.get(decision.segment)
                self._say(segment is not None, "segments end once", decision)
                assert segment is not None
                if decision.reason == "timed_out":
                    deadline = segment.wrap_deadline
                    self._say(
                        deadline is not None and deadline <= now, "wrap-up keeps its time", segment
                    )
            case _:
                pass

    def _after(self, decision: d.Decision, now: int) -> None:
        tables = self.tables
        match decision:
            case d.OfferMade(agent=agent):
                self._within_budget(agent, decision)
            case d.ItemAssigned(segment=segment, how=how, forced=forced):
                if not forced and how != "return":
                    self._within_budget(segment.agent, decision)
            case d.SegmentReactivated(agent=agent, over_budget=flag):
                over = self.load(agent) > tables.configs[agent].budget
                self._say(flag == over, "work above the budget is flagged", decision)
            case d.AgentUpdated(agent=agent, load=load):
                self._say(load == self.load(agent), "the load is the sum of the costs", decision)
            case _:
                pass

    def load(self, agent: str) -> int:
        tables = self.tables
        return sum(o.cost for o in tables.offers.values() if o.agent == agent) + sum(
            s.cost for s in tables.segments.values() if s.agent == agent
        )

    def _within_budget(self, agent: str, why: object) -> None:
        load, budget = self.load(agent), self.tables.configs[agent].budget
        self._say(load <= budget, "no offer above the budget", (load, budget, why))

    # An offer

    def _offer(self, offer: d.OfferMade, now: int) -> None:
        tables = self.tables
        visit = tables.visits.get(offer.work_item)
        self._say(visit is not None, "only an open visit is offered", offer)
        assert visit is not None
        if self.policy(visit.item).missed_sets_away:
            self.calls.add(offer.reservation)
        self.assignments += 1
        others = [o for o in tables.offers.values() if o.work_item == offer.work_item]
        ring_all = offer.explanation.strategy == "ring_all"
        self._say(ring_all or not others, "one offer at a time", offer)
        self._say(
            offer.agent not in {o.agent for o in tables.offers.values()},
            "an agent is offered one thing at a time",
            offer,
        )
        gone = self.refused.get((offer.work_item, visit.round), set())
        self._say(offer.agent not in gone, "who refused is left out of the round", offer)
        rests = self.resting.get(offer.agent, 0)
        self._say(now >= rests, "a miss or a no rests the agent", (offer, rests))
        self._say(offer.expires_at > now, "an offer has time", offer)
        self._say(
            offer.expires_at - now <= self.policy(visit.item).offer_ms, "an offer ends", offer
        )
        why_not = self.unfit(offer.agent, visit, now)
        self._say(why_not is None, f"nobody who is {why_not} is offered anything", offer)
        self._first_in_line(offer.agent, visit, now)
        self._explained(offer.explanation, offer.agent)
        self._complete(offer, visit, now)

    def _first_in_line(self, agent: str, visit: Visit, now: int) -> None:
        """Nobody who waits before it could have been given this agent. Who had to interrupt
        something that rang there passes only those who may not."""
        mine = visit.item.order_key(now)
        self.ringing_before = self.superseded.pop(agent, [])
        for other in self.tables.visits.values():
            if other is visit or other.state is not VisitState.QUEUED:
                continue
            if other.item.order_key(now) < mine and self.unfit(agent, other, now) is None:
                raise Broken("the first in line is served first", (other.item.id, visit.item.id))
        self.ringing_before = []

    def _explained(self, why: Explanation, agent: str) -> None:
        self._say(agent in why.chosen, "the record names the agent", why)
        self._say(set(why.winners()) == set(why.chosen), "the record leads to the same winner", why)

    def _complete(self, offer: d.OfferMade, visit: Visit, now: int) -> None:
        """The record counts every agent once, and its candidates are those who could."""
        why = offer.explanation
        counted = why.candidate_count + sum(removed.count for removed in why.removed)
        self._say(counted == len(self.tables.configs), "the record counts everybody", why)
        for candidate in why.candidates:
            if candidate.agent not in why.chosen:
                reason = self.unfit(candidate.agent, visit, now)
                self._say(reason is None, "the record's candidates could", (candidate, reason))

    # Who could have it

    def policy(self, item: WorkItem) -> ChannelPolicy:
        return self.tables.queues[item.queue].policies[item.channel]

    def unfit(self, agent: str, visit: Visit, now: int) -> str | None:
        """What keeps the agent from being offered the visit now; None: nothing."""
        row = self.tables.agents[agent]
        if row.will not in WORKING or not row.present:
            return "gone"
        if row.after_this is not None:
            return "leaving"
        if now < row.cooldown_until:
            return "cooling down"
        if visit.item.channel not in row.channels:
            return "without the channel"
        if agent in visit.excluded:
            return "excluded"
        if not self.in_pool(agent, visit):
            return "not in the pool"
        return self._no_room(agent, visit)

    def in_pool(self, agent: str, visit: Visit) -> bool:
        item = visit.item
        queue = self.tables.queues[item.queue]
        for step in self.steps(item)[: visit.step + 1]:
            need = step.require if step.agents is not None else (*queue.require, *step.require)
            named = step.agents is None or agent in step.agents
            if named and self._meets(agent, need):
                return True
        return False

    def steps(self, item: WorkItem) -> list[RoutingStep]:
        if item.direct_to is not None:
            return [RoutingStep(agents=(item.direct_to,))]
        steps = list(self.tables.queues[item.queue].steps if item.steps is None else item.steps)
        if item.preferred and item.preferred_ms:
            steps.insert(0, RoutingStep(agents=item.preferred, for_ms=item.preferred_ms))
        if not steps or steps[-1].for_ms is not None:
            steps.append(RoutingStep())
        return steps

    def _meets(self, agent: str, need: Sequence[Requirement]) -> bool:
        skills = self.tables.configs[agent].skills
        return all(skills.get(each.skill, 0) >= each.min for each in need)

    def _no_room(self, agent: str, visit: Visit) -> str | None:
        tables, item = self.tables, visit.item
        policy, config = self.policy(item), tables.configs[agent]
        mine = [s for s in tables.segments.values() if s.agent == agent]
        ringing = [o for o in tables.offers.values() if o.agent == agent]
        ringing += self.ringing_before
        if any(o.channel not in policy.interrupts for o in ringing):
            return "being offered something"
        if tables.agents[agent].will is Will.ON_DEMAND and (ringing or self._at_work(mine)):
            return "done with the one item"
        if self.load(agent) > config.budget:
            return "above the budget"
        if any(s.wrap_blocks and s.state is SegmentState.WRAPPING for s in mine):
            return "wrapping up"
        beside = [s for s in mine if s.id != item.takes_over]
        if any(s.channel in policy.barred_by and s.state in LIVE for s in beside):
            return "barred"
        same = [s for s in beside if s.channel is item.channel and s.state != SegmentState.PARKED]
        if len(same) >= config.maxima.get(item.channel, 99):
            return "at the channel's maximum"
        kept = sum(s.cost for s in beside if not self._yields(s, policy))
        return None if kept + item.cost <= config.budget else "without room"

    def _yields(self, segment: Segment, policy: ChannelPolicy) -> bool:
        if segment.state is SegmentState.PARKED:
            return bool(policy.interrupts)
        return segment.state in LIVE and segment.channel in policy.interrupts

    def _at_work(self, segments: Sequence[Segment]) -> bool:
        return any(
            s.state is not SegmentState.PARKED or s.park_reason is ParkReason.INTERRUPTED
            for s in segments
        )

    # Between steps

    def _answers(self, inputs: Sequence[i.Input], decisions: Sequence[d.Decision]) -> None:
        """Each request has exactly one answer."""
        asked = [each.request_id for each in inputs if isinstance(each, i.Request)]
        answered = [name for name in map(_request_id, decisions) if name is not None]
        self._say(sorted(asked) == sorted(answered), "one answer each", answered)

    def _at_rest(self, now: int) -> None:
        tables = self.tables
        for offer in tables.offers.values():
            self._say(offer.expires_at > now, "no offer outlives its time", offer)
            visit = tables.visits.get(offer.work_item)
            self._say(visit is not None, "no offer outlives its visit", offer)
            row = tables.agents[offer.agent]
            self._say(
                row.present and row.will in WORKING, "no offer to somebody who is gone", offer
            )
        for segment in tables.segments.values():
            self._segment_at_rest(segment, now)
        for name, row in tables.agents.items():
            if row.after_this is not None:
                mine = [s for s in tables.segments.values() if s.agent == name]
                ringing = any(o.agent == name for o in tables.offers.values())
                self._say(
                    ringing or self._at_work(mine), "after this comes after this", (name, row)
                )
        for visit in tables.visits.values():
            self._visit_at_rest(visit, now)

    def _segment_at_rest(self, segment: Segment, now: int) -> None:
        if segment.state is SegmentState.WRAPPING and segment.wrap_deadline is not None:
            self._say(segment.wrap_deadline > now, "wrap-up keeps its time", segment)
        if segment.park_reason is ParkReason.SNOOZED:
            self._say(
                segment.parked_until is None or segment.parked_until > now,
                "a snooze ends",
                segment,
            )
            self._say(segment.cost == 0, "what is snoozed costs nothing", segment)
        queue = self.tables.queues.get(segment.queue or "")
        if queue is None:
            return
        policy = queue.policies[segment.channel]
        row = self.tables.agents[segment.agent]
        if (
            policy.requeue_absent_ms is not None
            and segment.state in (SegmentState.ACTIVE, SegmentState.HELD)
            and row.absent_since is not None
        ):
            self._say(
                row.absent_since + policy.requeue_absent_ms > now,
                "live chats leave an absent agent",
                segment,
            )
        if (
            segment.waiting_since is not None
            and policy.park_free_ms is not None
            and segment.waiting_since + policy.park_free_ms <= now
            and segment.state in (SegmentState.ACTIVE, SegmentState.PARKED)
        ):
            self._say(segment.cost == 0, "what waits for the customer costs nothing", segment)
        if segment.park_reason is ParkReason.INTERRUPTED:
            self._say(segment.cost == 0, "what is interrupted costs nothing", segment)
            self._say(self._still_interrupted(segment), "an interruption ends", segment)

    def _still_interrupted(self, segment: Segment) -> bool:
        tables = self.tables
        busy: list[tuple[str | None, Channel]] = [
            (tables.visits[o.work_item].item.queue, o.channel)
            for o in tables.offers.values()
            if o.agent == segment.agent
        ]
        busy += [
            (s.queue, s.channel)
            for s in tables.segments.values()
            if s.agent == segment.agent and s.state is not SegmentState.PARKED
        ]
        return any(
            segment.channel
            in (tables.queues[queue].policies if queue in tables.queues else DEFAULT_POLICIES)[
                channel
            ].interrupts
            for queue, channel in busy
        )

    def _visit_at_rest(self, visit: Visit, now: int) -> None:
        tables, item = self.tables, visit.item
        ringing = any(o.work_item == item.id for o in tables.offers.values())
        self._say(ringing == (visit.state is VisitState.OFFERED), "offered means ringing", visit)
        if visit.step_until is not None:
            self._say(visit.step_until > now, "steps end", visit)
        if item.return_at is not None:
            self._say(item.return_at > now, "unanswered transfers return", visit)
        mail = item.channel is Channel.EMAIL
        if mail and item.due_at is not None and item.band is Band.DEFERRED:
            soon = item.due_at - tables.config.constants.due_soon_ms
            self._say(soon > now, "what is due soon is a live item", visit)
        if visit.state is not VisitState.QUEUED:
            return
        limit = self.policy(item).max_wait_ms
        left = item.channel is Channel.CHAT and item.band is Band.DEFERRED  # a message: no limit
        if limit is not None and not visit.message_offered and not left:
            self._say(item.entered_at + limit > now, "long waits are told", visit)
        if visit.refused_at is not None:
            constants = tables.config.constants
            self._say(visit.refused_at + constants.new_round_ms > now, "a new round begins", visit)
        for agent in tables.configs:
            if self.unfit(agent, visit, now) is None:
                raise Broken("who waits is served when somebody can", (item.id, agent))
