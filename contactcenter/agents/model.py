"""PURE. What an agent wants (status), and what a screen calls it together with the load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID

Status = Literal["available", "on_demand", "away", "offline"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

# What a tile shows: the first that holds, in this order.
ShownState = Literal["on_contact", "wrap_up", "ringing", "available", "away", "offline"]


@dataclass(frozen=True, slots=True)
class Agent:
    """A row of `agents`."""

    id: UUID
    user_id: UUID | None
    name: str
    status: Status
    status_reason: str | None
    status_since: datetime
    after_this: Status | None
    after_this_reason: str | None
    budget: int
    maxima: dict[str, int]
    auto_answer: bool
    ordinal: int
    version: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What is open for an agent now: since when each kind, None where there is none."""

    contact_since: datetime | None  # a segment neither wrapping nor parked
    wrap_since: datetime | None
    ringing_since: datetime | None
    last_ended_at: datetime | None
    present: bool
    absent_since: datetime | None


def shown_state(
    status: Status, status_since: datetime, activity: Activity
) -> tuple[ShownState, datetime]:
    """The state on a tile, and since when."""
    if activity.contact_since is not None:
        return "on_contact", activity.contact_since
    if activity.wrap_since is not None:
        return "wrap_up", activity.wrap_since
    if activity.ringing_since is not None:
        return "ringing", activity.ringing_since
    if status == "offline":
        return "offline", status_since
    if not activity.present:
        return "offline", max(activity.absent_since or status_since, status_since)
    since = max(activity.last_ended_at or status_since, status_since)
    return ("away" if status == "away" else "available"), since


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of an agent's history: what it wants, or whether its desk is there, from now on."""

    at: datetime
    status: str | None = None
    present: bool | None = None


def availability(
    changes: Iterable[Change], start: datetime, end: datetime
) -> tuple[timedelta, timedelta]:
    """(time available or on demand, time signed in) between start and end.

    `changes` are in order and begin with what held before `start`, as far as it is known; an agent
    of whom nothing is known is offline. Signed in is any status but offline while the desk is
    there, whatever is parked meanwhile.
    """
    ready = signed_in = timedelta(0)
    status, present, at = "offline", False, start
    for change in [*changes, Change(end)]:
        until = min(max(change.at, at), end)
        if present and status != "offline":
            signed_in += until - at
            if status != "away":
                ready += until - at
        at = until
        status = status if change.status is None else change.status
        present = present if change.present is None else change.present
    return ready, signed_in
