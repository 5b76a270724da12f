"""The record that an assignment leaves: who could have had the item, and why this one did.

Whoever doubts an assignment needs nothing else: `winners()` derives the choice again from
the record alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

Part = tuple[str, int | str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who could take it. `key` holds the score's parts by name, most significant
    first; the lowest key wins."""

    agent: str
    key: dict[str, int | str]

    def order(self) -> tuple[int | str, ...]:
        return tuple(self.key.values())


@dataclass(frozen=True, slots=True)
class Removed:
    """Agents that one filter took out. Filters run in the order given; each agent is counted
    once, `agents` names at most the configured number."""

    reason: str
    count: int
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """The agents that a routing step admits, busy and absent ones included."""

    step: int
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands: strict band, then the score, then the virtual start, then the id."""

    work_item: str
    band: int
    front: bool
    base: int
    boost: int
    """Per mille of one base point, as earned so far."""
    score: int
    virtual_start: int
    waited_ms: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """`how` is offer, pull, push or return; `ring_all` offers go to every candidate."""

    how: str
    strategy: str
    queue: str
    round: int
    step: int
    steps: int
    pools: tuple[Pool, ...]
    chosen: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    """Best first; all of them, or the first `named` of `candidate_count`."""
    candidate_count: int
    removed: tuple[Removed, ...]
    place: Place
    rivals: tuple[Place, ...]
    """The next items that the chosen agent could have had."""
    readvised: tuple[str, str] | None = None
    """As WorkItem has it."""

    def winners(self) -> tuple[str, ...]:
        """The choice, derived from the candidates' keys."""
        if self.how != "offer":
            return self.chosen
        ordered = sorted(self.candidates, key=Candidate.order)
        if self.strategy == "ring_all":
            return tuple(candidate.agent for candidate in ordered)
        return tuple(candidate.agent for candidate in ordered[:1])

    def to_json(self) -> dict[str, object]:
        """Plain lists, strings and numbers."""
        return asdict(self)
