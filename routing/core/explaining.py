"""Writes the explanation record of an assignment from what the matcher saw."""

from __future__ import annotations

from collections.abc import Iterator

from routing.core.agent_state import Agent, Status
from routing.core.capacity import no_room
from routing.core.explanation import Candidate, Explanation, Part, Place, Pool, Removed
from routing.core.matching import Need, Pick, Ring
from routing.core.model import StrategyName, Visit, WorkItem
from routing.core.roster import BitRoster
from routing.core.strategies import Draw
from routing.core.world import World


class Explainer:
    """Explains the picks of one walk, in their order: each took its agents from the next."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._taken: dict[BitRoster, int] = {}

    def offer(self, pick: Pick) -> Explanation:
        world, visit, need = self._world, pick.visit, pick.need
        taken = self._taken.get(need.roster, 0)
        draw = Draw(
            visit.item,
            visit.round,
            len(visit.excluded),
            seed=world.seed,
            start=pick.start,
        )
        candidates, count, could = self._candidates(pick, taken, draw)
        chosen = tuple(agent.id for agent in pick.agents)
        for roster in (need.roster, *need.others):
            self._taken[roster] = self._taken.get(roster, 0) | roster.of(chosen)
        return Explanation(
            how="offer",
            strategy=need.strategy.value,
            queue=visit.item.queue,
            round=visit.round,
            step=visit.step,
            steps=len(world.steps(visit.item)),
            pools=tuple(
                Pool(number, self._pool(need, ring).bit_count())
                for number, ring in enumerate(need.rings)
            ),
            chosen=chosen,
            candidates=candidates,
            candidate_count=count,
            removed=tuple(self._removed(need, visit, could, taken)),
            place=place_of(visit.item, world.now),
            rivals=tuple(
                place_of(rival.item, world.now)
                for rival in world.matcher.rivals(pick.agents[0], world.now, world.constants.rivals)
            ),
        )

    def _candidates(
        self, pick: Pick, taken: int, draw: Draw
    ) -> tuple[tuple[Candidate, ...], int, int]:
        """The best of those who could have had it, how many there were, and all of them."""
        need, roster = pick.need, pick.need.roster
        everybody = need.strategy is StrategyName.RING_ALL
        most = roster.width if everybody else self._world.constants.named
        found: list[Candidate] = []
        could = 0
        for option in self._world.matcher.options(need, roster.room(need.kind)):
            layer = option.layer & ~taken & ~could
            could |= layer
            ring = need.rings[option.ring]
            draw.require = ring.scored
            lead: tuple[Part, ...] = ()
            if len(need.rings) > 1:
                lead += (("ring", option.ring),)
            if ring.prefer:
                lead += (("not_preferred_skill", int(not option.preferred)),)
            while layer and len(found) < most:
                position = need.plugin.first(layer, roster, draw)
                layer ^= 1 << position
                agent = roster.agents[position]
                found.append(Candidate(agent.id, lead + need.plugin.key(agent, roster, draw)))
        return tuple(found), could.bit_count(), could

    def _pool(self, need: Need, ring: Ring) -> int:
        """The agents whom the step admits, busy and absent ones included."""
        return self._world.matcher.pool(need.roster, ring)

    def _removed(self, need: Need, visit: Visit, could: int, taken: int) -> Iterator[Removed]:
        """What took each of the other agents out, one filter after the other."""
        world, roster = self._world, need.roster
        members = world.matcher.pool(roster, Ring(require=world.queue(visit).require))
        pool = 0
        for ring in need.rings:
            pool |= self._pool(need, ring)
        rest = roster.everyone & ~could
        excluded = roster.of(visit.excluded)
        later = 0
        steps = world.steps(visit.item)
        for ring in world.rings(visit.item, steps[visit.step + 1 :]):
            later |= self._pool(need, ring)
        filters = [
            ("not_member", roster.everyone & ~members & ~pool & ~later),
            ("later_step", later & ~pool),
            ("skill", ~pool),
            ("excluded", excluded),
            *((status.label, roster.in_status(status)) for status in Status if status < 8),
            ("taken", taken),
            (Status.OFFERED.label, roster.in_status(Status.OFFERED)),
        ]
        for reason, bits in filters:
            gone = rest & bits
            if gone:
                rest ^= gone
                yield Removed(reason, gone.bit_count(), self._names(roster, gone))
        yield from self._without_room(need, visit.item, rest)

    def _without_room(self, need: Need, item: WorkItem, rest: int) -> Iterator[Removed]:
        """Free agents whom the item does not fit: each reason for a few, one count for many."""
        world, roster = self._world, need.roster
        if rest.bit_count() > world.constants.named:
            yield Removed("no_room", rest.bit_count(), self._names(roster, rest))
            return
        reasons: dict[str, list[str]] = {}
        for name in self._names(roster, rest):
            why = no_room(world.agents[name], world.kind(item), item.takes_over)
            reasons.setdefault(why.value if why else "no_room", []).append(name)
        for reason, names in sorted(reasons.items()):
            yield Removed(reason, len(names), tuple(names))

    def _names(self, roster: BitRoster, bits: int) -> tuple[str, ...]:
        names: list[str] = []
        while bits and len(names) < self._world.constants.named:
            position = bits.bit_length() - 1
            bits ^= 1 << position
            names.append(roster.agents[position].id)
        return tuple(names)


def assignment(world: World, visit: Visit, agent: Agent, how: str) -> Explanation:
    """The record of an assignment that nobody chose by a strategy: pull, push, return."""
    item = visit.item
    return Explanation(
        how=how,
        strategy=world.queue(visit).strategy.value,
        queue=item.queue,
        round=visit.round,
        step=visit.step,
        steps=len(world.steps(item)),
        pools=(),
        chosen=(agent.id,),
        candidates=(Candidate(agent.id, (("load", agent.load), ("agent", agent.id))),),
        candidate_count=1,
        removed=(),
        place=place_of(item, world.now),
        rivals=(),
    )


def place_of(item: WorkItem, now: int) -> Place:
    score = item.score(now)
    return Place(
        work_item=item.id,
        band=int(item.band),
        front=item.front,
        base=item.base,
        boost=score - item.base * 1000,
        score=score,
        virtual_start=item.virtual_start,
        waited_ms=max(0, now - item.virtual_start),
    )
