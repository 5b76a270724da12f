"""Token buckets: how often somebody may do something."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` at once, refilled at `per_second`."""

    per_second: float
    burst: int


class Buckets:
    """One bucket per key, in memory; the longest unused are forgotten beyond `capacity`.

    A forgotten bucket starts full again, which `capacity` makes too slow to be worth trying.
    """

    def __init__(
        self,
        limit: Limit,
        *,
        capacity: int = 50_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._capacity = capacity
        self._monotonic = monotonic
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, tokens: float = 1) -> float:
        """0 when there were enough tokens (and they are gone now), else the seconds until then."""
        now = self._monotonic()
        level, since = self._levels.pop(key, (float(self._limit.burst), now))
        level = min(float(self._limit.burst), level + (now - since) * self._limit.per_second)
        missing = tokens - level
        self._levels[key] = (level if missing > 0 else level - tokens, now)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
        return max(0.0, missing / self._limit.per_second)
