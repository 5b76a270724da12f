"""Waiting items that are alike for the matcher, and the pools of agents that they may go to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from routing.core.agent_state import Agent
from routing.core.model import Requirement, StrategyName, Visit
from routing.core.roster import BitRoster
from routing.core.strategies import STRATEGIES, Draw

_BAND = 1 << 26  # above any score in per mille; a rank still fits one digit of a Python int


@dataclass(frozen=True, slots=True, eq=False)
class Ring:
    """The pool of one routing step. `require` holds the queue's requirements too, unless
    `agents` names the people; `scored` is what the best-skill strategy measures.

    Rings are compared by identity: equal pools should be one object, so that their items
    share a `Need`."""

    require: tuple[Requirement, ...] = ()
    prefer: tuple[Requirement, ...] = ()
    agents: tuple[str, ...] | None = None
    scored: tuple[Requirement, ...] = ()

    def admits(self, agent: Agent) -> bool:
        if self.agents is not None and agent.id not in self.agents:
            return False
        skills = agent.config.skills
        return all(skills.get(need.skill, 0) >= need.min for need in self.require)


class Pick(NamedTuple):
    """One match of a walk: the agents (several when all are rung) and what the choice saw.

    `start` is where the turns of a circular strategy began. `Matcher.options` tells who else
    could have had the item, less those whom earlier picks of the same walk took.
    """

    visit: Visit
    agents: tuple[Agent, ...]
    need: Need
    start: int | None


class Option(NamedTuple):
    """Agents who could have an item: the ring that admits them, whether they meet the ring's
    wishes, and a layer of equals but for their position."""

    ring: int
    preferred: bool
    layer: int


Lane = list["Head"]
"""The heads of the needs of one queue, or of one named agent, in one order group; sorted.
A head whose item a big walk took away stays until it is met, or until a sweep."""


class Need:
    """Waiting items that are alike for the matcher."""

    __slots__ = (
        "boost",
        "dead",
        "draw",
        "excluded",
        "head",
        "in_order",
        "key",
        "kind",
        "lanes",
        "layers",
        "others",
        "plan",
        "plugin",
        "prefix",
        "queue",
        "rings",
        "room",
        "roster",
        "strategy",
        "superseding",
        "target_ms",
        "tick",
        "waiting",
        "walk",
        "yielding",
    )

    def __init__(
        self,
        key: NeedKey,
        visit: Visit,
        kind: int,
        rings: tuple[Ring, ...],
        strategy: StrategyName,
        roster: BitRoster,
        seed: int,
    ) -> None:
        item = visit.item
        self.key = key
        self.kind = kind
        self.rings = rings
        self.excluded = visit.excluded
        self.strategy = strategy
        self.plugin = STRATEGIES[strategy]
        self.in_order = self.plugin.in_order and strategy is not StrategyName.RING_ALL
        self.queue = item.queue
        self.others: list[BitRoster] = []
        """The rosters in other orders, which must hear of whom was taken."""
        self.roster = roster
        self.draw = Draw(item, visit.round, len(visit.excluded), seed=seed)
        self.waiting: list[tuple[int, str, Visit]] = []
        self.lanes: list[Lane] = []
        self.head: Head | None = None
        self.tick = 0
        self.walk = 0
        """The walk that `room` belongs to."""
        self.room = 0
        self.layers: Sequence[int] = ()
        """All agents in layers, if the strategy needs no more than these."""
        self.plan: tuple[tuple[Ring, tuple[int, ...] | None], ...] = ()
        """The rings with their requirements' places in `skill_bits`; None: it names agents."""
        self.superseding = False
        """It may ring where something else rings already, which is taken back then."""
        self.yielding = False
        """What rings of it may be taken back for something else."""
        self.dead = 0
        """The walk in which nobody was left for it."""
        self.prefix = (item.band * 2 + (not item.front)) * _BAND - item.base * 1000
        self.boost = item.boost * 1000
        self.target_ms = item.target_ms

    def rank(self, now: int, virtual_start: int) -> int:
        """Band, front of line and score in one number; the lowest is served first."""
        waited = now - virtual_start
        if waited >= self.target_ms:
            return self.prefix - self.boost
        return self.prefix - (self.boost * waited // self.target_ms if waited > 0 else 0)


Head = tuple[int, str, int, Need, Visit]  # virtual start, id, tick, need, visit
NeedKey = tuple[object, ...]
