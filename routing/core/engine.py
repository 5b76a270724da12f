"""The router: facts and requests in, decisions out, the same for the same.

Theory. A customer's stay in a queue is a *visit*. The engine *offers* a waiting visit to one
agent (to several when all are rung), for a time. An offer ends exactly once: accepted or
rejected by the agent (a fact, decided in the tables), timed out, rescinded or cancelled (the
engine's decision). An accepted offer is the agent's *segment*, which takes units of the
agent's budget until it ends. Everything here follows from these rules:

1.  A visit is offered in one round to one agent at a time (ring_all: to all at once), and
    is given away once. Whoever missed or refused it is left out until the round ends; a new
    round begins 10 s after the last miss or no, when nobody else could take it.
2.  The next visit is the one with the lowest `WorkItem.order_key`: strict band, front of
    line, base + boost · min(1, wait/target), virtual start, id.
3.  The pool of an offer is that of the active routing step and of all before it, inner pools
    first; in a pool those whom the step prefers first; among equals the queue's strategy.
4.  An agent is routable if willing, present, not cooling down, not in a blocking wrap-up, not
    about to leave, within the budget, and not being offered anything (`agent_state`); and has
    room for an item if units and channel maxima allow, after what yields to it (`capacity`).
5.  No offer, pull or unforced push takes an agent above the budget. Only returning work may
    (the customer wrote, a snooze ended, an interruption is over), flagged, and then nothing
    new comes until below.
6.  A missed offer rests the agent for 10 s; one missed call sets the agent away. An offer
    that the customer ends, that another agent wins, or whose desk fell silent, is no miss.
7.  Matching happens when a visit enters, an agent becomes routable or a timer fires, and at
    no other time: between two steps no waiting visit has an agent who could take it.
8.  Who falls silent loses the pending offer at once and live chats after 60 s; messages and
    mail stay. Who signs off says what becomes of the open work.

A step: the inputs in their order (facts were committed before anything is decided here), the
deadlines that have run out, matching, then the deadlines that only matter if nobody was found
(limits, new rounds). So an offer whose answer is among the inputs does
not time out.

Nothing reads a clock, throws dice or iterates over a set. `now` should not go back; if it
does nothing breaks, deadlines only come later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from routing.core import offers, segments, signoff, staff, visits
from routing.core.agent_state import Agent
from routing.core.capacity import handles
from routing.core.decisions import Decision
from routing.core.explaining import Explainer
from routing.core.facts import TAKE
from routing.core.inputs import Input
from routing.core.model import (
    AgentRow,
    CentreConfig,
    Reservation,
    ReservationState,
    RouterSnapshot,
    Segment,
    Visit,
    VisitState,
)
from routing.core.world import Timer, World


class Engine:
    """See the module's rules. Not safe for threads; one per centre."""

    def __init__(self, config: CentreConfig, seed: int, new_id: Callable[[], str]) -> None:
        self._world = World(config, seed, new_id)
        self._orphans: list[Reservation] = []
        self._unoffered: list[Visit] = []
        for agent in config.agents.values():
            staff.known(self._world, agent, AgentRow(agent.id))
        self._refresh_all()

    # In and out

    def step(self, inputs: Sequence[Input], now: int) -> list[Decision]:
        """Take the inputs at `now`; the decisions belong in one transaction, in this order."""
        world = self._world
        world.begin(now)
        self._reconcile()
        for each in inputs:
            TAKE[type(each)](world, each)
        self._fire()
        self._match()
        while self._fire(late=True):
            self._match()
        world.report()
        return world.out

    def next_deadline(self) -> int | None:
        """When to step again without an input; None: when there is one."""
        if self._orphans or self._unoffered:
            return self._world.now
        return self._world.next_deadline()

    def load(self, snapshot: RouterSnapshot, now: int) -> None:
        """Take the tables' rows as they are. The engine must be new.

        A pending offer that ran out while nobody was looking, or whose visit is answered, is
        rescinded by the next step: it counts as no miss. Rows of agents and queues that are
        not configured are left alone.
        """
        world = self._world
        world.now = now
        world.matcher.last_offered.update(snapshot.last_offered)
        for row in snapshot.agents:
            if row.id in world.agents:
                world.agents[row.id].row = replace(row)
        for segment in snapshot.segments:
            if segment.agent in world.agents:
                segments.hold(world, replace(segment))
        for visit in snapshot.visits:
            if visit.item.queue in world.queues:
                world.add_visit(replace(visit))
        for offer in snapshot.reservations:
            if offer.agent in world.agents:
                offers.hold(world, offer)
        self._refresh_all()
        for visit in world.visits.values():
            visits.arm(world, visit)
            if visit.state is VisitState.QUEUED:
                visits.wait(world, visit)
        self._orphans = [
            offer
            for offer in world.offers.values()
            if offer.expires_at <= now or offer.work_item not in world.visits
        ]
        self._unoffered = [
            visit
            for visit in world.visits.values()
            if visit.state is VisitState.OFFERED and visit.item.id not in world.ringing
        ]

    def snapshot(self) -> RouterSnapshot:
        """What `load` would need to go on from here. For tests and for the sweep."""
        world = self._world
        return RouterSnapshot(
            visits=tuple(replace(visit) for _, visit in sorted(world.visits.items())),
            reservations=tuple(offer for _, offer in sorted(world.offers.items())),
            segments=tuple(replace(segment) for _, segment in sorted(world.segments.items())),
            agents=tuple(replace(agent.row) for _, agent in sorted(world.agents.items())),
            last_offered=dict(sorted(world.matcher.last_offered.items())),
        )

    def holding(
        self,
    ) -> tuple[
        Mapping[str, Visit], Mapping[str, Reservation], Mapping[str, Segment], list[AgentRow]
    ]:
        """What is held now, uncopied and to be left alone: visits, offers, segments, agents."""
        world = self._world
        rows = [agent.row for agent in world.agents.values()]
        return world.visits, world.offers, world.segments, rows

    def line(self, queue: str, now: int) -> list[str]:
        """The open visits of a queue, offered ones too, in the order they are served."""
        mine = [v.item for v in self._world.visits.values() if v.item.queue == queue]
        return [item.id for item in sorted(mine, key=lambda item: item.order_key(now))]

    # A step's parts

    def _refresh_all(self) -> None:
        """See all agents as they are, without anything to report."""
        world = self._world
        world.touched.update(world.agents)
        world.refresh_touched()
        world.take_as_reported()

    def _reconcile(self) -> None:
        """After a load: end what ran out meanwhile, and put back what nobody is offered."""
        orphans, self._orphans = self._orphans, []
        for offer in orphans:
            if offer.id in self._world.offers:
                offers.end(self._world, offer, ReservationState.RESCINDED, "outage")
        unoffered, self._unoffered = self._unoffered, []
        for visit in unoffered:
            visits.requeue_as_known(self._world, visit)

    def _fire(self, *, late: bool = False) -> bool:
        """Let the timers that have run out do their work; True if there was one."""
        fired = False
        while (due := self._world.pop_due(late=late)) is not None:
            _FIRE[due[0]](self._world, due[1])
            fired = True
        return fired

    def _match(self) -> None:
        world = self._world
        for _ in range(10 + 2 * (len(world.visits) + len(world.agents))):
            self._settle()
            picks = world.matcher.walk(world.now)
            if not picks:
                return
            explainer = Explainer(world, len(picks))
            explained = [(pick, explainer.offer(pick)) for pick in picks]
            for pick, explanation in explained:
                for agent in pick.agents:
                    offers.make(world, pick.visit, agent, explanation)
        raise AssertionError("the router does not come to rest")

    def _settle(self) -> None:
        """Draw the consequences for agents of whom something changed, by id."""
        world = self._world
        while world.touched:
            touched, world.touched = world.touched, {}
            for _, agent in sorted(touched.items()):
                self._settle_agent(agent)
                world.refresh(agent)

    def _settle_agent(self, agent: Agent) -> None:
        world, row = self._world, agent.row
        if agent.offers and not agent.counts_as_staff:
            reason = "left" if row.present else "desk_silent"
            for offer in list(agent.offers.values()):
                offers.end(world, offer, ReservationState.RESCINDED, reason)
        for offer in list(agent.offers.values()):
            visit = world.visits.get(offer.work_item)
            if visit is not None and not handles(agent, world.kind(visit.item)):
                offers.end(world, offer, ReservationState.RESCINDED, "desk_changed")
        if agent.segments:
            segments.resume_interrupted(world, agent)
        if row.after_this is not None and not agent.working():
            signoff.after_this(world, agent)


_FIRE: Mapping[Timer, Callable[[World, str], None]] = {
    Timer.WRAP: segments.wrap_timed_out,
    Timer.OFFER: offers.expired,
    Timer.ABSENT: segments.absent_too_long,
    Timer.PARK_FREE: segments.waits_for_free,
    Timer.SNOOZE: segments.snooze_over,
    Timer.COOLDOWN: staff.rested,
    Timer.STEP: visits.next_step,
    Timer.RETURN: offers.come_back,
    Timer.DUE: visits.due_soon,
    Timer.LIMIT: visits.waited_too_long,
    Timer.ROUND: visits.new_round,
}
