"""Writes the explanation record of an assignment from what the matcher saw.

A walk with many picks, as after a flood, explains them briefly: fewer names to a list, no
rivals, and what the picks of one need have in common is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from routing.core.agent_state import Agent, Status
from routing.core.capacity import NoRoom, no_room
from routing.core.explanation import Candidate, Explanation, Part, Place, Pool, Removed
from routing.core.model import StrategyName, Visit, WorkItem
from routing.core.need import Need, Option, Pick, Ring
from routing.core.roster import BitRoster
from routing.core.strategies import Draw
from routing.core.world import World

MANY_PICKS = 20
BRIEF_NAMES = 5


class Explainer:
    """Explains the picks of one walk, in their order: each took its agents from the next."""

    def __init__(self, world: World, picks: int = 1) -> None:
        self._world = world
        self._many = picks > MANY_PICKS
        named = world.constants.named
        self._named = min(named, BRIEF_NAMES) if self._many else named
        self._taken: dict[BitRoster, int] = {}
        self._shared: dict[Need, _Shared] = {}

    def offer(self, pick: Pick) -> Explanation:
        world, visit, need = self._world, pick.visit, pick.need
        taken = self._taken.get(need.roster, 0)
        chosen = tuple(agent.id for agent in pick.agents)
        for roster in (need.roster, *need.others):
            self._taken[roster] = self._taken.get(roster, 0) | roster.of(chosen)
        alike = need.plugin.in_order and need.strategy is not StrategyName.RING_ALL
        if self._many and alike and visit.item.steps is None:
            return self._brief(pick, chosen, taken)
        draw = Draw(
            visit.item,
            visit.round,
            len(visit.excluded),
            seed=world.seed,
            start=pick.start,
        )
        candidates, count, could = self._candidates(pick, taken, draw)
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
            readvised=visit.item.readvised,
        )

    def _brief(self, pick: Pick, chosen: tuple[str, ...], taken: int) -> Explanation:
        """As `offer`, with what its need has in common. Nothing but the picks changes in a
        walk, so the candidates of the next one are those of this one without the chosen."""
        visit, need = pick.visit, pick.need
        shared = self._shared.get(need)
        if shared is None:
            shared = self._shared[need] = self._look(pick, taken)
        return Explanation(
            how="offer",
            strategy=need.strategy.value,
            queue=visit.item.queue,
            round=visit.round,
            step=visit.step,
            steps=shared.steps,
            pools=shared.pools,
            chosen=chosen,
            candidates=shared.best(taken, self._named),
            candidate_count=(shared.could & ~taken).bit_count(),
            removed=shared.removed(self._names(need.roster, shared.could & taken), taken),
            place=place_of(visit.item, self._world.now),
            rivals=(),
            readvised=visit.item.readvised,
        )

    def _look(self, pick: Pick, taken: int) -> _Shared:
        need, visit = pick.need, pick.visit
        draw = Draw(visit.item, visit.round, len(visit.excluded), seed=self._world.seed)
        could = 0
        layers = []
        for option in self._world.matcher.options(need, need.roster.room(need.kind)):
            layer = option.layer & ~taken & ~could
            could |= layer
            layers.append((layer, option))
        return _Shared(
            could=could,
            order=self._in_order(need, layers, draw),
            steps=len(self._world.steps(visit.item)),
            pools=tuple(
                Pool(number, self._pool(need, ring).bit_count())
                for number, ring in enumerate(need.rings)
            ),
            others=tuple(self._removed(need, visit, could, taken)),
        )

    def _in_order(
        self, need: Need, layers: list[tuple[int, Option]], draw: Draw
    ) -> Iterator[tuple[int, Candidate]]:
        """The candidates, best first, each with its bit in the roster."""
        roster = need.roster
        for bits, option in layers:
            lead = self._lead(need, option)
            draw.require = need.rings[option.ring].scored
            layer = bits
            while layer:
                bit = 1 << layer.bit_length() - 1
                layer ^= bit
                agent = roster.agents[bit.bit_length() - 1]
                yield bit, Candidate(agent.id, dict(lead + need.plugin.key(agent, roster, draw)))

    def _lead(self, need: Need, option: Option) -> tuple[Part, ...]:
        """The parts of the key that come before the strategy's: ring and wishes."""
        lead: tuple[Part, ...] = ()
        if len(need.rings) > 1:
            lead += (("ring", option.ring),)
        if need.rings[option.ring].prefer:
            lead += (("not_preferred_skill", int(not option.preferred)),)
        return lead

    def _candidates(
        self, pick: Pick, taken: int, draw: Draw
    ) -> tuple[tuple[Candidate, ...], int, int]:
        """The best of those who could have had it, how many there were, and all of them."""
        need, roster = pick.need, pick.need.roster
        everybody = need.strategy is StrategyName.RING_ALL
        most = roster.width if everybody else self._named
        found: list[Candidate] = []
        could = 0
        for option in self._world.matcher.options(need, roster.room(need.kind)):
            layer = option.layer & ~taken & ~could
            could |= layer
            draw.require = need.rings[option.ring].scored
            lead = self._lead(need, option)
            while layer and len(found) < most:
                position = need.plugin.first(layer, roster, draw)
                layer ^= 1 << position
                agent = roster.agents[position]
                found.append(Candidate(agent.id, dict(lead + need.plugin.key(agent, roster, draw))))
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
        if rest.bit_count() > self._named:
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
        while bits and len(names) < self._named:
            position = bits.bit_length() - 1
            bits ^= 1 << position
            names.append(roster.agents[position].id)
        return tuple(names)


class _Shared:
    """What the picks of one need in one walk have in common."""

    __slots__ = ("_best", "_order", "_others", "_place", "could", "pools", "steps")

    def __init__(
        self,
        could: int,
        order: Iterator[tuple[int, Candidate]],
        steps: int,
        pools: tuple[Pool, ...],
        others: tuple[Removed, ...],
    ) -> None:
        self.could = could
        """Who could have had the first of them."""
        self.steps = steps
        self.pools = pools
        self._order = order
        self._others = others
        self._best: list[tuple[int, Candidate]] = []
        after = {Status.OFFERED.label, *(why.value for why in NoRoom), "no_room"}
        self._place = sum(entry.reason not in after for entry in others)

    def best(self, taken: int, most: int) -> tuple[Candidate, ...]:
        """The best candidates who are not taken yet."""
        best = self._best = [each for each in self._best if not each[0] & taken]
        while len(best) < most:
            following = next(self._order, None)
            if following is None:
                break
            if not following[0] & taken:
                best.append(following)
        return tuple(candidate for _, candidate in best)

    def removed(self, names: tuple[str, ...], taken: int) -> tuple[Removed, ...]:
        """Who was taken out before the first of them, and who has been taken since."""
        count = (self.could & taken).bit_count()
        if not count:
            return self._others
        before, after = self._others[: self._place], self._others[self._place :]
        if before and before[-1].reason == "taken":
            earlier = before[-1]
            count += earlier.count
            names = (*names, *earlier.agents)[: max(len(names), len(earlier.agents))]
            before = before[:-1]
        return (*before, Removed("taken", count, names), *after)


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
        candidates=(Candidate(agent.id, {"load": agent.load, "agent": agent.id}),),
        candidate_count=1,
        removed=(),
        place=place_of(item, world.now),
        rivals=(),
        readvised=item.readvised,
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
