"""The centre's clock. Nothing else in the product asks the machine what time it is.

One clock decides, the database's: every process asks it each second and sets its own by it, so
that processes on machines whose clocks differ agree on offers, waits and sessions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

SKEW: Final = timedelta(milliseconds=250)
"""Clocks that differ by less are let be: a step would be worth no more than the question's way."""

CLOCK_SLACK: Final = timedelta(seconds=5)
"""A clock that is slewed, or a loop that was busy, is no clock that was set."""

CLOCK_NOTICED: Final = timedelta(seconds=2)
"""How long it may take whoever watches to see that the clock was set, at most."""


class Clock(Protocol):
    """Tells the time; the system's in a running centre, a chosen one in tests."""

    def now(self) -> datetime:
        """The centre's time, aware and in UTC."""
        ...


class SystemClock:
    """Runs evenly from the machine's time at its start, whatever is done to the machine's clock
    afterwards; `follow` sets it. Shifted by `offset` (a demo that plays another hour of the day).
    """

    def __init__(
        self,
        offset: timedelta = timedelta(0),
        *,
        machine: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._offset = offset
        self._monotonic = monotonic
        self._base = machine() - timedelta(seconds=monotonic())

    def now(self) -> datetime:
        return self._true() + self._offset

    def follow(self, moment: datetime, asked_at: float, answered_at: float) -> timedelta | None:
        """The database's clock showed `moment` between two readings of `monotonic`: go by it.

        By how much this clock was set; None: it was right, as far as the question's way allows.
        """
        between = (asked_at + answered_at) / 2
        wrong = moment - (self._base + timedelta(seconds=between))
        if abs(wrong) <= SKEW + timedelta(seconds=(answered_at - asked_at) / 2):
            return None
        self._base += wrong
        return wrong

    def _true(self) -> datetime:
        return self._base + timedelta(seconds=self._monotonic())


@dataclass(frozen=True, slots=True)
class ClockMove:
    """The clock was set by `by`; what was written within (after, until] knew it."""

    by: timedelta
    after: datetime
    until: datetime


class ClockWatch:
    """Compares the centre's clock with time as it passes."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._before = (clock.now(), monotonic())

    def moved(self) -> ClockMove | None:
        """How the clock was set since the last time it was taken for right; None: it was not.

        Stays until `settled`, so that a move that could not be written is seen again.
        """
        then, at = self._before
        now, passed = self._clock.now(), self._monotonic()
        by = (now - then) - timedelta(seconds=passed - at)
        if abs(by) <= CLOCK_SLACK:
            self._before = (now, passed)
            return None
        after = now - by if by > timedelta() else now - CLOCK_NOTICED
        return ClockMove(by, after, now)

    def settled(self) -> None:
        """What moved with the clock is written: it is right from now on."""
        self._before = (self._clock.now(), self._monotonic())
