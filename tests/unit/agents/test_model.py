"""What a tile shows of an agent, and how availability is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contactcenter.agents.model import (
    Activity,
    Change,
    ShownState,
    Status,
    availability,
    shown_state,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDLE = Activity(
    contact_since=None,
    wrap_since=None,
    ringing_since=None,
    last_ended_at=None,
    present=True,
    absent_since=None,
)


def after(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("status", "activity", "state", "since"),
    [
        ("available", IDLE, "available", after(0)),
        ("on_demand", IDLE, "available", after(0)),
        ("away", IDLE, "away", after(0)),
        ("offline", IDLE, "offline", after(0)),
        ("available", replace(IDLE, last_ended_at=after(3)), "available", after(3)),
        ("available", replace(IDLE, ringing_since=after(1)), "ringing", after(1)),
        (
            "available",
            replace(IDLE, ringing_since=after(2), wrap_since=after(1)),
            "wrap_up",
            after(1),
        ),
        (
            "away",
            replace(IDLE, wrap_since=after(2), contact_since=after(1)),
            "on_contact",
            after(1),
        ),
        ("available", replace(IDLE, present=False, absent_since=after(4)), "offline", after(4)),
        (
            "available",
            replace(IDLE, present=False, absent_since=after(4), contact_since=after(1)),
            "on_contact",
            after(1),
        ),
    ],
)
def test_the_first_state_that_holds_is_shown(
    status: Status, activity: Activity, state: ShownState, since: datetime
) -> None:
    assert shown_state(status, NOON, activity) == (state, since)


def test_availability_counts_ready_and_signed_in_time_within_the_period() -> None:
    ready, signed_in = availability(
        [
            Change(after(-30), status="available"),
            Change(after(-20), present=True),
            Change(after(10), status="away"),
            Change(after(25), status="on_demand"),
            Change(after(40), status="offline"),
        ],
        after(0),
        after(60),
    )
    assert (ready, signed_in) == (timedelta(minutes=25), timedelta(minutes=40))


def test_whoever_closed_the_desk_is_not_available() -> None:
    changes = [
        Change(after(-30), status="available"),
        Change(after(-30), present=True),
        Change(after(10), present=False),
        Change(after(40), present=True),
    ]
    ready, signed_in = availability(changes, after(0), after(60))
    assert ready == signed_in == timedelta(minutes=30)
    assert availability(changes[:3], after(20), after(60)) == (timedelta(0), timedelta(0))


def test_whoever_never_signed_in_has_no_availability() -> None:
    assert availability([], after(0), after(60)) == (timedelta(0), timedelta(0))
    status = [Change(after(0), status="available")]
    assert availability(status, after(0), after(60)) == (timedelta(0), timedelta(0))
