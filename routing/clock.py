"""When the machine's clock is set back, what is in the air would stay there for so much longer.

Offers, wrap-ups and pauses have deadlines on the centre's clock. A clock that is set forward ends
them at once, which is what time passing does; one that is set back would let an offer ring for an
hour. They are moved with the clock, so that each keeps the time it had left.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from contactcenter.core.clock import Clock
from db import Connection

SLACK: Final = timedelta(seconds=5)
"""A clock that is slewed, or a loop that was busy, is no clock that was set."""

MOVE_OFFERS = """
UPDATE reservations
SET created_at = created_at - $1::interval, expires_at = expires_at - $1::interval
WHERE state = 'pending'
"""
MOVE_WRAP_UPS = """
UPDATE segments SET wrap_deadline = wrap_deadline - $1::interval WHERE state = 'wrapping'
"""
MOVE_PAUSES = """
UPDATE agent_states SET cooldown_until = cooldown_until - $1::interval
WHERE cooldown_until IS NOT NULL
"""


class ClockWatch:
    """Compares the centre's clock with time as it passes."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._before = (clock.now(), monotonic())

    def set_back_by(self) -> timedelta | None:
        """By how much the clock was set back since the last look; None: it was not."""
        then, at = self._before
        self._before = now, passed = self._clock.now(), self._monotonic()
        back = timedelta(seconds=passed - at) - (now - then)
        return back if back > SLACK else None


async def move_back(conn: Connection, by: timedelta) -> None:
    """Give every deadline in the air the time back that it had left."""
    for statement in (MOVE_OFFERS, MOVE_WRAP_UPS, MOVE_PAUSES):
        await conn.execute(statement, by)
