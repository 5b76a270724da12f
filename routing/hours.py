"""PURE. Opening hours: when a calendar is open, when it opens next, when it closes.

A calendar is a week of intervals in local wall time and a list of exceptions, of which the
last that names a day decides it:

    {"weekly": {"mon": [["09:00", "14:00"], ["16:00", "19:00"]], ...},
     "exceptions": [
        {"from": "07-01", "to": "08-31", "days": ["mon", ...], "intervals": [["08:00", "15:00"]]},
        {"from": "2026-10-12", "to": "2026-10-12", "intervals": [], "name": "El Pilar"}]}

A date without a year holds every year. An interval whose end is not after its start ends on
the next day; "24:00" is midnight. Around a change of the clocks the wall decides: an interval
that begins in the hour that is skipped begins after it, one that ends in the hour that comes
twice ends with the second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HORIZON_DAYS: Final = 400
"""How far an opening is looked for: beyond a year of exceptions there is none."""

Minutes = tuple[int, int]
"""Minutes after midnight: start, and end, which may lie on the next day (> 1440)."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """Days with hours of their own. `first` and `last` are (year | None, month, day)."""

    first: tuple[int | None, int, int]
    last: tuple[int | None, int, int]
    weekdays: frozenset[int]
    intervals: tuple[Minutes, ...]
    name: str = ""

    def covers(self, day: date) -> bool:
        if day.weekday() not in self.weekdays:
            return False
        if self.first[0] is not None and self.last[0] is not None:
            return self.first <= (day.year, day.month, day.day) <= self.last
        first, last, this = self.first[1:], self.last[1:], (day.month, day.day)
        if first <= last:
            return first <= this <= last
        return this >= first or this <= last  # over the turn of the year


@dataclass(frozen=True, slots=True)
class Calendar:
    zone: ZoneInfo
    weekly: tuple[tuple[Minutes, ...], ...]
    """Seven days, Monday first."""
    exceptions: tuple[Exemption, ...] = ()

    def intervals_of(self, day: date) -> tuple[Minutes, ...]:
        for exception in reversed(self.exceptions):
            if exception.covers(day):
                return exception.intervals
        return self.weekly[day.weekday()]

    def openings(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """(opens, closes) in UTC, in order, beginning with the one that holds `since`."""
        first = since.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(HORIZON_DAYS):
            day = first + timedelta(days=number)
            for start, end in sorted(self.intervals_of(day)):
                opens = self._instant(day, start, fold=0)
                closes = self._instant(day, end, fold=1)
                if closes > max(since, opens):
                    yield opens, closes

    def _instant(self, day: date, minutes: int, fold: int) -> datetime:
        days, minutes = divmod(minutes, 1440)
        wall = datetime.combine(day + timedelta(days=days), time(*divmod(minutes, 60)), self.zone)
        return wall.replace(fold=fold).astimezone(UTC)


def is_open(calendar: Calendar, at: datetime) -> bool:
    for opens, _ in calendar.openings(at):
        return opens <= at
    return False


def next_opening(calendar: Calendar, at: datetime) -> datetime | None:
    """When it opens next; `at` itself while it is open; None: not within 400 days."""
    for opens, _ in calendar.openings(at):
        return max(opens, at)
    return None


def closes_at(calendar: Calendar, at: datetime) -> datetime | None:
    """When the present opening ends, touching intervals taken as one; None while closed."""
    end: datetime | None = None
    for opens, closes in calendar.openings(at):
        if opens > (end or at):
            break
        end = max(closes, end or closes)
    return end


class CalendarError(ValueError):
    """A calendar cannot be read; the text says where and why."""


def parse_calendar(
    weekly: Mapping[str, Any], exceptions: Sequence[Mapping[str, Any]], zone: ZoneInfo
) -> Calendar:
    """Read the stored form. CalendarError with one sentence for anything else."""
    unknown = set(weekly) - set(WEEKDAYS)
    if unknown:
        raise CalendarError(f"weekly: {', '.join(sorted(unknown))} is no day (mon … sun).")
    return Calendar(
        zone,
        tuple(_intervals(weekly.get(day, ()), day) for day in WEEKDAYS),
        tuple(_exemption(entry, f"exception {n}") for n, entry in enumerate(exceptions, 1)),
    )


def _exemption(entry: Mapping[str, Any], where: str) -> Exemption:
    unknown = set(entry) - {"from", "to", "days", "intervals", "name"}
    if unknown or "from" not in entry:
        raise CalendarError(f"{where}: wants from, to, days, intervals and name, nothing else.")
    days = entry.get("days") or WEEKDAYS
    if not set(days) <= set(WEEKDAYS):
        raise CalendarError(f"{where}: days are mon … sun.")
    first = _date(entry["from"], where)
    last = _date(entry.get("to", entry["from"]), where)
    if (first[0] is None) != (last[0] is None):
        raise CalendarError(f"{where}: either both dates have a year, or none.")
    if first[0] is not None and first > last:
        raise CalendarError(f"{where}: it ends before it begins.")
    return Exemption(
        first=first,
        last=last,
        weekdays=frozenset(WEEKDAYS.index(day) for day in days),
        intervals=_intervals(entry.get("intervals", ()), where),
        name=str(entry.get("name", "")),
    )


def _date(text: Any, where: str) -> tuple[int | None, int, int]:
    """2026-10-12 or 10-12."""
    parts = str(text).split("-")
    try:
        if len(parts) == 2:
            day = date(2024, int(parts[0]), int(parts[1]))  # a leap year: 02-29 is a day
            return None, day.month, day.day
        day = date.fromisoformat(str(text))
    except ValueError as error:
        raise CalendarError(f"{where}: a date reads 2026-10-12 or 10-12.") from error
    return day.year, day.month, day.day


def _intervals(given: Any, where: str) -> tuple[Minutes, ...]:
    intervals = []
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise CalendarError(f'{where}: intervals read [["09:00", "14:00"], …].')
    for pair in given:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            raise CalendarError(f'{where}: intervals read [["09:00", "14:00"], …].')
        start, end = (_minutes(text, where) for text in pair)
        intervals.append((start, end if end > start else end + 1440))
    ordered = sorted(intervals)
    for (_, end), (start, _) in itertools.pairwise(ordered):
        if start < end:
            raise CalendarError(f"{where}: two intervals overlap.")
    return tuple(ordered)


def _minutes(text: Any, where: str) -> int:
    hours, colon, minutes = str(text).partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal()):
        raise CalendarError(f"{where}: a time reads 09:00.")
    value = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or value > 1440:
        raise CalendarError(f"{where}: a time lies between 00:00 and 24:00.")
    return value
