"""The centre's clock. Nothing else in the product asks the machine what time it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Tells the time; the system's in a running centre, a chosen one in tests."""

    def now(self) -> datetime:
        """The centre's time, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock, shifted by `offset` (a demo that plays another hour of the day)."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self._offset = offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00Z, rounded down: what pure cores count in."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC moment that `to_ms` came from."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
