"""What a tile shows of an agent, and how availability is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contactcenter.agents.model import (
    Activity,
    ShownState,
    Status,
    StatusSince,
    availability,
    shown_state,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDLE = Activity(
    contact_since=None,
    wrap_since=None,
    ringing_since=None,
    parked=False,
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
        ("available", replace(IDLE, present=False, parked=True), "available", after(0)),
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
        "available",
        [
            StatusSince(after(10), "away"),
            StatusSince(after(25), "on_demand"),
            StatusSince(after(40), "offline"),
        ],
        after(0),
        after(60),
    )
    assert (ready, signed_in) == (timedelta(minutes=25), timedelta(minutes=40))


def test_whoever_never_signed_in_has_no_availability() -> None:
    assert availability("offline", [], after(0), after(60)) == (timedelta(0), timedelta(0))
