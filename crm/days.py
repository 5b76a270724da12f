"""PURE. Days as Spanish law counts them: working days, and months from date to date.

Months and years run from date to date; where the last month has no such day, they end with that
month (Código Civil, art. 5.1). Working days leave out Saturdays, Sundays and holidays (Ley 39/2015,
art. 30.2); the national ones are computed here, regional and local ones are given.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import date, timedelta
from functools import cache
from typing import Final

_DAY: Final = timedelta(days=1)
_FIXED: Final = {
    (1, 1): ("new_year", "Año Nuevo"),
    (1, 6): ("epiphany", "Epifanía del Señor"),
    (5, 1): ("labour_day", "Fiesta del Trabajo"),
    (8, 15): ("assumption", "Asunción de la Virgen"),
    (10, 12): ("national_day", "Fiesta Nacional de España"),
    (11, 1): ("all_saints", "Todos los Santos"),
    (12, 6): ("constitution_day", "Día de la Constitución"),
    (12, 8): ("immaculate", "Inmaculada Concepción"),
    (12, 25): ("christmas", "Natividad del Señor"),
}
_GOOD_FRIDAY: Final = ("good_friday", "Viernes Santo")


def add_months(day: date, months: int) -> date:
    """The same day of another month, or its last one: 31 March + 1 month is 30 April."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def easter(year: int) -> date:
    """Easter Sunday (Meeus/Jones/Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114, 31)
    return date(year, month, day + 1)


@cache
def national_holidays(year: int) -> frozenset[date]:
    """Those of the whole country; one that falls on a Sunday is moved by regions, if at all."""
    return frozenset({*(date(year, m, d) for m, d in _FIXED), easter(year) - 2 * _DAY})


def national_name(day: date) -> tuple[str, str]:
    """A word for a national holiday, and what the law calls it (RD 2001/1983, art. 45)."""
    return _FIXED.get((day.month, day.day), _GOOD_FRIDAY)


def last_overdue(day: date) -> date:
    """The youngest due day that is over on a day: the due day itself is still the payer's."""
    return day - _DAY


def is_working(day: date, local: Collection[date] = ()) -> bool:
    return day.weekday() < 5 and day not in national_holidays(day.year) and day not in local


def working_days(day: date, count: int, local: Collection[date] = ()) -> date:
    """The day that is `count` working days after `day` (before it, for a negative count).

    The day itself is not counted.
    """
    step = _DAY if count > 0 else -_DAY
    for _ in range(abs(count)):
        day += step
        while not is_working(day, local):
            day += step
    return day


def working_days_between(first: date, last: date, local: Collection[date] = ()) -> int:
    """Working days after `first` up to and with `last`; 0 when it is not later."""
    days = (first + n * _DAY for n in range(1, (last - first).days + 1))
    return sum(is_working(day, local) for day in days)
