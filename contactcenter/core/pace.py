"""Pauses after failures, longer each time. Pure: whoever asks says what time it is."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`free` failures cost nothing; each further one doubles the pause before the next try.
    Times in seconds."""

    free: int
    first_pause: float
    longest_pause: float
    forget_after: float


class Throttle:
    """Failures per key, in memory; times are seconds of a monotonic clock."""

    def __init__(self, pace: Pace, capacity: int = 100_000) -> None:
        self._pace = pace
        self._capacity = capacity
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until this key may try again; 0: at once."""
        count, last = self._recent(key, now)
        if count < self._pace.free:
            return 0.0
        doublings = min(count - self._pace.free, 16)
        pause = min(self._pace.first_pause * 2.0**doublings, self._pace.longest_pause)
        return max(0.0, last + pause - now)

    def begin(self, key: str, now: float) -> float:
        """Count a try and answer 0, or count nothing and answer as `wait`. Counted before its
        outcome is known, so that many at once gain nothing."""
        if wait := self.wait(key, now):
            return wait
        count, _ = self._recent(key, now)
        self._failures[key] = (count + 1, now)
        self._failures.move_to_end(key)
        if len(self._failures) > self._capacity:
            self._failures.popitem(last=False)
        return 0.0

    def forgive(self, key: str) -> None:
        """The try was good: what came before it is forgotten."""
        self._failures.pop(key, None)

    def take_back(self, key: str) -> None:
        """The try was good, but says nothing about the others with this key."""
        count, last = self._failures.get(key, (0, 0.0))
        if count > 1:
            self._failures[key] = (count - 1, last)
        else:
            self._failures.pop(key, None)

    def _recent(self, key: str, now: float) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, now))
        return (0, now) if now - last > self._pace.forget_after else (count, last)
