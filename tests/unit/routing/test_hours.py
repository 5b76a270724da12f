"""Opening hours: split shifts, exceptions, nights and the two days the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.core.model import Constants
from routing.hours import (
    Calendar,
    CalendarError,
    closes_at,
    is_open,
    next_opening,
    parse_calendar,
)
from routing.service import QueueService

MADRID = ZoneInfo("Europe/Madrid")
SPLIT = [["09:00", "14:00"], ["16:00", "19:00"]]
WEEK = {"mon": SPLIT, "tue": SPLIT, "wed": SPLIT, "thu": SPLIT, "fri": [["09:00", "15:00"]]}
SUMMER = {
    "from": "07-01",
    "to": "08-31",
    "days": ["mon", "tue", "wed", "thu", "fri"],
    "intervals": [["08:00", "15:00"]],
    "name": "verano",
}
PILAR = {"from": "2026-10-12", "to": "2026-10-12", "intervals": [], "name": "El Pilar"}


def office(*exceptions: dict[str, Any]) -> Calendar:
    return parse_calendar(WEEK, exceptions, MADRID)


def at(text: str) -> datetime:
    """Local wall time in Madrid, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=MADRID).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-23T08:59", False),
        ("2026-11-23T09:00", True),
        ("2026-11-23T13:59", True),
        ("2026-11-23T14:00", False),
        ("2026-11-23T15:30", False),
        ("2026-11-23T16:00", True),
        ("2026-11-27T16:00", False),  # Friday afternoon
        ("2026-11-28T10:00", False),  # Saturday
        ("2026-07-06T08:30", True),  # summer hours
        ("2026-07-06T16:30", False),
        ("2026-07-04T10:00", False),  # a Saturday in summer
        ("2026-10-12T10:00", False),  # a holiday
    ],
)
def test_split_shift_summer_and_holiday(moment: str, expected: bool) -> None:
    assert is_open(office(SUMMER, PILAR), at(moment)) is expected


def test_the_last_exception_that_names_a_day_decides_it() -> None:
    fiesta = {"from": "2026-07-06", "intervals": [["10:00", "11:00"]]}
    calendar = office(SUMMER, fiesta)
    assert not is_open(calendar, at("2026-07-06T09:00"))
    assert is_open(calendar, at("2026-07-06T10:30"))
    assert is_open(office(fiesta, SUMMER), at("2026-07-06T09:00"))


def test_next_opening_skips_the_pause_the_night_and_the_weekend() -> None:
    calendar = office(PILAR)
    assert next_opening(calendar, at("2026-11-23T10:50")) == at("2026-11-23T10:50")
    assert next_opening(calendar, at("2026-11-23T14:30")) == at("2026-11-23T16:00")
    assert next_opening(calendar, at("2026-11-23T19:00")) == at("2026-11-24T09:00")
    assert next_opening(calendar, at("2026-10-09T15:00")) == at("2026-10-13T09:00")


def test_a_calendar_that_never_opens_says_so() -> None:
    closed = parse_calendar({}, [], MADRID)
    assert next_opening(closed, at("2026-11-23T10:00")) is None
    assert not is_open(closed, at("2026-11-23T10:00"))
    assert closes_at(closed, at("2026-11-23T10:00")) is None


def test_closing_time_takes_touching_intervals_as_one() -> None:
    calendar = parse_calendar({"mon": [["09:00", "14:00"], ["14:00", "18:00"]]}, [], MADRID)
    assert closes_at(calendar, at("2026-11-23T10:00")) == at("2026-11-23T18:00")
    assert closes_at(office(), at("2026-11-23T10:00")) == at("2026-11-23T14:00")


def test_a_night_shift_belongs_to_the_day_it_begins() -> None:
    night = parse_calendar({"fri": [["22:00", "06:00"]]}, [], MADRID)
    assert is_open(night, at("2026-11-28T05:59"))
    assert not is_open(night, at("2026-11-28T06:00"))
    assert not is_open(night, at("2026-11-27T05:00"))
    whole = parse_calendar({"mon": [["00:00", "24:00"]]}, [], MADRID)
    assert closes_at(whole, at("2026-11-23T12:00")) == at("2026-11-24T00:00")


def test_the_night_when_an_hour_is_skipped() -> None:
    """29 March 2026: 02:00 becomes 03:00 in Madrid."""
    calendar = parse_calendar({"sun": [["02:30", "05:00"]]}, [], MADRID)
    assert not is_open(calendar, datetime(2026, 3, 29, 1, 15, tzinfo=UTC))  # 03:15 on the wall
    assert is_open(calendar, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))  # 03:30
    assert closes_at(calendar, datetime(2026, 3, 29, 2, tzinfo=UTC)) == datetime(
        2026, 3, 29, 3, tzinfo=UTC
    )


def test_the_night_when_an_hour_comes_twice() -> None:
    """25 October 2026: 03:00 becomes 02:00 in Madrid."""
    calendar = parse_calendar({"sun": [["01:00", "02:30"]]}, [], MADRID)
    opens = datetime(2026, 10, 24, 23, tzinfo=UTC)
    assert is_open(calendar, opens)
    assert closes_at(calendar, opens) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_yearly_exception_may_span_the_turn_of_the_year() -> None:
    quiet = {"from": "12-24", "to": "01-06", "intervals": [["10:00", "12:00"]]}
    calendar = office(quiet)
    assert not is_open(calendar, at("2026-12-28T09:30"))
    assert is_open(calendar, at("2027-01-05T11:00"))
    assert is_open(calendar, at("2027-01-07T09:30"))


@pytest.mark.parametrize(
    ("weekly", "exceptions"),
    [
        ({"monday": []}, []),
        ({"mon": [["9", "14:00"]]}, []),
        ({"mon": [["09:00", "25:00"]]}, []),
        ({"mon": [["09:00", "12:00"], ["11:00", "14:00"]]}, []),
        ({"mon": ["09:00-12:00"]}, []),
        ({"mon": "09:00"}, []),
        ({}, [{"to": "2026-01-01"}]),
        ({}, [{"from": "2026-02-30"}]),
        ({}, [{"from": "2026-01-02", "to": "01-03"}]),
        ({}, [{"from": "2026-01-02", "to": "2026-01-01"}]),
        ({}, [{"from": "01-02", "days": ["lunes"]}]),
        ({}, [{"from": "01-02", "open": True}]),
    ],
)
def test_what_is_no_calendar_is_refused(
    weekly: dict[str, Any], exceptions: list[dict[str, Any]]
) -> None:
    with pytest.raises(CalendarError):
        parse_calendar(weekly, exceptions, MADRID)


async def test_a_queue_that_never_closes_has_no_closing_time() -> None:
    """Whatever its calendar says: it takes people at this hour and at every other."""

    class Book:
        async def queue(self, _: Any, __: str) -> Any:
            return SimpleNamespace(calendar=office())

    book: Any = Book()
    no_conn: Any = None
    queues = QueueService(book, Constants(), always_open={"SA"})
    morning, night = at("2026-11-23T10:50"), at("2026-11-23T23:00")
    assert await queues.closes_at(no_conn, "PR", morning) == at("2026-11-23T14:00")
    for moment in (morning, night):
        assert await queues.is_open(no_conn, "SA", moment)
        assert await queues.closes_at(no_conn, "SA", moment) is None
        assert await queues.next_opening(no_conn, "SA", moment) == moment
