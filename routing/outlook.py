"""How long those who wait will wait, from what waits and who is there. PURE.

Published in docs/estimated-wait.md:

    estimate = max(0, ahead + 1 − free) × handle time / slots

`ahead` is who comes first, in any queue: each counts by the share of the slots that could take
them which could take this item too, and by their units in units of this item. `slots` are the
items of this channel that the agents of the queue could carry, `free` those not taken now,
`handle time` the mean from accept to the end of wrap-up. Without slots there is no estimate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.core.model import Channel

Line = tuple[str, str]
"""(queue, channel)"""

TOLD_CHANNELS: Final = (Channel.VOICE, Channel.CHAT)
"""Where somebody waits at the other end and is told how long."""

HANDLING_SAMPLES: Final = 5
"""With fewer parts ended, the handle time that is configured counts."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits. `order`: the router's order over all queues, lowest first."""

    id: Any
    line: Line
    cost: int
    order: tuple[Any, ...]
    ringing: bool = False
    """An agent is being asked: the slot is counted as taken already, and there is no estimate."""
    told_ms: int | None = None
    """The first estimate: no later one is above it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """An agent who is available and there."""

    queues: frozenset[str]
    channels: frozenset[str]
    budget: int
    load: int
    maxima: Mapping[str, int]

    def room(self, line: Line, units: int, cost: int) -> int:
        """How many items of a line fit in so many units."""
        queue, channel = line
        if queue not in self.queues or channel not in self.channels:
            return 0
        return min(units // cost, self.maxima.get(channel, units))


@dataclass(frozen=True, slots=True)
class Handling:
    """What an item of a line takes: a mean of so many parts (0: as configured), and units."""

    handle_ms: int
    samples: int
    cost: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one who waits stands. `wait_ms` None: nobody of the queue is there, or it rings."""

    id: Any
    position: int
    """From 1, within the queue."""
    wait_ms: int | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The inputs of a line's estimates; shown beside them."""

    handle_ms: int
    samples: int
    slots: int
    free: int

    def wait_ms(self, ahead: float) -> int | None:
        """Of an item that so many come before."""
        if self.slots <= 0:
            return None
        return round(max(0.0, ahead + 1 - self.free) * self.handle_ms / self.slots)


class Outlook:
    """The centre at one moment."""

    def __init__(
        self,
        waiting: Iterable[Waiting],
        desks: Sequence[Desk],
        handling: Callable[[Line], Handling],
    ) -> None:
        self._waiting = sorted(waiting, key=lambda item: item.order)
        self._desks = desks
        self._handling = handling
        self._estimates: dict[Line, Estimate] = {}
        self._shares: dict[tuple[Line, Line], float] = {}

    def estimate(self, line: Line) -> Estimate:
        """The line's inputs."""
        known = self._estimates.get(line)
        if known is None:
            takes = self._handling(line)
            cost = max(takes.cost, 1)
            known = self._estimates[line] = Estimate(
                takes.handle_ms,
                takes.samples,
                sum(desk.room(line, desk.budget, cost) for desk in self._desks),
                sum(desk.room(line, max(desk.budget - desk.load, 0), cost) for desk in self._desks),
            )
        return known

    def places(self, queues: Iterable[str]) -> dict[str, list[Place]]:
        """Everybody who waits in these queues, in their order."""
        found: dict[str, list[Place]] = {queue: [] for queue in queues}
        units: dict[Line, int] = defaultdict(int)
        for item in self._waiting:
            line = found.get(item.line[0])
            if line is not None:
                line.append(Place(item.id, len(line) + 1, self._wait(item, units)))
            if not item.ringing:
                units[item.line] += item.cost
        return found

    def _wait(self, item: Waiting, units: Mapping[Line, int]) -> int | None:
        if item.ringing:
            return None
        ahead = self._ahead(units, item.line, item.cost)
        wait = self.estimate(item.line).wait_ms(ahead)
        return wait if wait is None or item.told_ms is None else min(wait, item.told_ms)

    def last(self, line: Line, band: int) -> float:
        """How many come before an item that enters the line now, in this band: `order` begins
        with the band."""
        units: dict[Line, int] = defaultdict(int)
        for item in self._waiting:
            if item.order[0] <= band and not item.ringing:
                units[item.line] += item.cost
        return self._ahead(units, line, self._handling(line).cost)

    def _ahead(self, units: Mapping[Line, int], line: Line, cost: int) -> float:
        taken = sum(sum_ * self._share(other, line) for other, sum_ in units.items())
        return taken / max(cost, 1)

    def _share(self, other: Line, line: Line) -> float:
        """Of the slots that could take an item of `other`, those at desks of `line`."""
        known = self._shares.get((other, line))
        if known is None:
            cost = max(self._handling(other).cost, 1)
            rooms = [(desk, desk.room(other, desk.budget, cost)) for desk in self._desks]
            every = sum(room for _, room in rooms)
            own = max(self._handling(line).cost, 1)
            common = sum(room for desk, room in rooms if desk.room(line, desk.budget, own))
            known = self._shares[other, line] = common / every if every else 0.0
        return known
