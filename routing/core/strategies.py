"""How one agent is chosen among those who could take the item: ten plug-ins, one protocol.

The candidates come as a bitmap over a `Roster`, whose positions are in the order that the
strategy asks for, the best at the highest position: `IDLE` (longest idle first, ties by id)
or `FIXED` (configured position, then id). `best` and `first` find the winner in a few
operations on whole bitmaps, never by visiting candidates. `key` says the same of one agent in
words: the candidate with the lowest key is the winner. The tests hold the two together, and
the explanation record shows the keys.

    strategy          key (lower wins)
    longest_idle      load, idle since, id
    round_robin       turns after the agent offered last in this queue
    least_occupied    open items, idle since, id
    fewest_calls      items ended today, then position and id
    least_talk        talk seconds today, then position and id
    linear            position, id
    random            turns after a candidate drawn from (seed, item, round, refusals)
    ring_all          everybody at once; key as longest_idle
    best_skill        −Σ weight · (level − required), load, idle since, id
    preferred_first   not preferred, load, idle since, id
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

from routing.core.agent_state import Agent
from routing.core.explanation import Part
from routing.core.model import Requirement, StrategyName, WorkItem

Key = tuple[Part, ...]


class Order(StrEnum):
    IDLE = "idle"
    FIXED = "fixed"


class Roster(Protocol):
    """The agents in one order, as bitmaps. Bit p of a bitmap stands for the agent at p; whoever
    comes first in the order stands at the highest position."""

    def layer(self, name: str) -> Sequence[int]:
        """All agents by their value of one of the `LAYERS`, lowest value first."""

    def levels(self, skill: str) -> Sequence[int]:
        """The levels of a skill that agents have, descending."""

    def meeting(self, skill: str, level: int) -> int:
        """The agents with at least this level of a skill."""

    def of(self, agents: Sequence[str]) -> int:
        """These agents, as far as they are known."""

    @property
    def positions(self) -> Mapping[str, int]:
        """Each agent's position."""

    @property
    def width(self) -> int:
        """All positions lie below this."""


@dataclass(slots=True)
class Draw:
    """What a choice depends on beside the agents."""

    item: WorkItem
    round: int
    refusals: int
    require: Sequence[Requirement] = ()
    last_offered: str | None = None
    seed: int = 0
    start: int | None = None
    """Where the turns begin; the first choice fixes it, so that a second one goes on."""


class Strategy(Protocol):
    """One way to choose. `layers` names the agents' numbers that it reads from the roster."""

    @property
    def order(self) -> Order: ...
    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def lowest(self) -> str | None:
        """The layer whose lowest value alone makes `best`; None if there is more to it."""

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:
        """Those of the candidates that nothing but the order of positions tells apart, and
        that come before all others. Neither is 0."""

    @property
    def in_order(self) -> bool:
        """Whether the highest position of a layer wins; if so `first` is not asked."""

    def first(self, layer: int, roster: Roster, draw: Draw) -> int:
        """The winner's position within a layer. The layer is not 0."""

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:
        """The agent's score, named part by part; lower wins."""


LAYERS: Mapping[str, Callable[[Agent], int]] = {
    "load": lambda agent: agent.load,
    "open": lambda agent: agent.open_items,
    "calls": lambda agent: agent.row.calls,
    "talk": lambda agent: agent.row.talk_ms // 1000,
}
"""The numbers of an agent that bitmaps are kept of, by name."""


def nth(bitmap: int, n: int) -> int:
    """The position of the n-th bit that is set, counted from 0, by halving."""
    base, width = 0, bitmap.bit_length()
    while width > 1:
        half = width >> 1
        low = bitmap & ((1 << half) - 1)
        below = low.bit_count()
        if n < below:
            bitmap, width = low, half
        else:
            bitmap, base, n, width = bitmap >> half, base + half, n - below, width - half
    return base


def lowest_of(candidates: int, roster: Roster, layer: str) -> int:
    """Those of the candidates with the lowest value in the layer."""
    for bits in roster.layer(layer):
        found = candidates & bits
        if found:
            return found
    raise AssertionError("an agent without a value in a layer")


def _idle_key(agent: Agent) -> Key:
    return (("load", agent.load), ("idle_since", agent.row.idle_since), ("agent", agent.id))


class _InOrder:
    in_order = True
    lowest: str | None = None

    def first(self, layer: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return layer.bit_length() - 1


class LongestIdle(_InOrder):
    order = Order.IDLE
    layers: tuple[str, ...] = ("load",)
    lowest: str | None = "load"

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return lowest_of(candidates, roster, "load")

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        return _idle_key(agent)


class RingAll(LongestIdle):
    """The matcher offers to every candidate; the order only leads the record."""


class PreferredFirst(LongestIdle):
    lowest = None

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:
        preferred = candidates & roster.of(draw.item.preferred)
        return super().best(preferred or candidates, roster, draw)

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        return (("not_preferred", int(agent.id not in draw.item.preferred)), *_idle_key(agent))


class BestSkill(LongestIdle):
    lowest = None

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:
        scores = {0: candidates}
        for need in draw.require:
            scores = self._add(scores, need, roster)
        return super().best(scores[max(scores)], roster, draw)

    @staticmethod
    def _add(scores: Mapping[int, int], need: Requirement, roster: Roster) -> dict[int, int]:
        """Each score's agents, split by what this skill adds to it."""
        split: dict[int, int] = {}
        for score, rest in scores.items():
            for level in roster.levels(need.skill):
                if level <= need.min:
                    break
                having = rest & roster.meeting(need.skill, level)
                if having:
                    higher = score + need.weight * (level - need.min)
                    split[higher] = split.get(higher, 0) | having
                    rest ^= having
            if rest:
                split[score] = split.get(score, 0) | rest
        return split

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        skills = agent.config.skills
        score = sum(
            need.weight * max(0, skills.get(need.skill, 0) - need.min) for need in draw.require
        )
        return (("skill", -score), *_idle_key(agent))


class LeastOccupied(_InOrder):
    order = Order.IDLE
    layers = ("open",)
    lowest = "open"

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return lowest_of(candidates, roster, "open")

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        return (
            ("open_items", agent.open_items),
            ("idle_since", agent.row.idle_since),
            ("agent", agent.id),
        )


class Fewest(_InOrder):
    """The lowest of one of today's numbers wins."""

    order = Order.FIXED

    def __init__(self, layer: str, name: str) -> None:
        self.layers: tuple[str, ...] = (layer,)
        self.lowest = layer
        self._layer = layer
        self._name = name

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return lowest_of(candidates, roster, self._layer)

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        return (
            (self._name, LAYERS[self._layer](agent)),
            ("position", agent.config.position),
            ("agent", agent.id),
        )


class Linear(_InOrder):
    order = Order.FIXED
    layers: tuple[str, ...] = ()

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return candidates

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:  # noqa: ARG002
        return (("position", agent.config.position), ("agent", agent.id))


class RoundRobin:
    """The first candidate after the last one, round the circle."""

    in_order = False
    lowest: str | None = None
    order = Order.FIXED
    layers: tuple[str, ...] = ()

    def best(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        return candidates

    def first(self, layer: int, roster: Roster, draw: Draw) -> int:
        if draw.start is None:
            draw.start = self._start(layer, roster, draw)
        after = layer & ((1 << draw.start) - 1)
        return (after or layer).bit_length() - 1

    def _start(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        """The position before which the turns begin: that of the agent offered last."""
        last = None if draw.last_offered is None else roster.positions.get(draw.last_offered)
        return roster.width if last is None else last

    def key(self, agent: Agent, roster: Roster, draw: Draw) -> Key:
        start = roster.width if draw.start is None else draw.start
        turn = (start - 1 - roster.positions[agent.id]) % roster.width
        return (("turn", turn), ("agent", agent.id))


class Random(RoundRobin):
    """Uniform over the candidates, and the same on a replay."""

    def _start(self, candidates: int, roster: Roster, draw: Draw) -> int:  # noqa: ARG002
        text = f"{draw.seed}/{draw.item.id}/{draw.round}/{draw.refusals}"
        digest = blake2b(text.encode(), digest_size=8).digest()
        return nth(candidates, int.from_bytes(digest, "big") % candidates.bit_count()) + 1


STRATEGIES: Mapping[StrategyName, Strategy] = {
    StrategyName.LONGEST_IDLE: LongestIdle(),
    StrategyName.ROUND_ROBIN: RoundRobin(),
    StrategyName.LEAST_OCCUPIED: LeastOccupied(),
    StrategyName.FEWEST_CALLS: Fewest("calls", "calls_today"),
    StrategyName.LEAST_TALK: Fewest("talk", "talk_seconds_today"),
    StrategyName.LINEAR: Linear(),
    StrategyName.RANDOM: Random(),
    StrategyName.RING_ALL: RingAll(),
    StrategyName.BEST_SKILL: BestSkill(),
    StrategyName.PREFERRED_FIRST: PreferredFirst(),
}
