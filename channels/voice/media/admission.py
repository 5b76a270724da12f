"""How many calls this machine carries, measured while it carries them.

    cost    = (CPU of the process in percent of a core - idle share) / live calls, smoothed
    ceiling = TARGET / cost

The ceiling is reached at that many live calls, and left again at nine tenths of it, so it does not
flicker. Until enough calls run to measure, a call counts as FIRST_GUESS percent.
"""

from __future__ import annotations

TARGET = 75.0
"""Percent of a core that calls may use; the rest keeps their sound on time."""
FIRST_GUESS = 1.5
_CHEAPEST, _DEAREST = 0.3, 15.0
_IDLE = 1.0
_ENOUGH = 5  # calls that a measurement needs
_SMOOTHING = 0.1
_LEAVE = 0.9


class Admission:
    """While `overloaded`, no new call may begin. `update` it whenever a call began or ended."""

    def __init__(self, fixed: int) -> None:
        self._fixed = fixed
        self._cost = FIRST_GUESS
        self.overloaded = False

    @property
    def ceiling(self) -> int:
        return self._fixed or max(1, int(TARGET / self._cost))

    def measured(self, cpu_percent: float, calls: int) -> None:
        if calls >= _ENOUGH:
            cost = min(max((cpu_percent - _IDLE) / calls, _CHEAPEST), _DEAREST)
            self._cost += _SMOOTHING * (cost - self._cost)

    def update(self, calls: int) -> bool:
        """Look at the live calls; True if the overload began or ended."""
        before = self.overloaded
        limit = self.ceiling * _LEAVE if self.overloaded else self.ceiling
        self.overloaded = calls >= limit
        return self.overloaded != before
