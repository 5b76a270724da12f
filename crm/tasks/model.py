"""PURE. Tasks, and the clocks of a complaint.

pending ⇄ in_progress ──► completed
    └──────────┴────────► cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from crm.days import add_months, working_days, working_days_between
from crm.law import Law

Status = Literal["pending", "in_progress", "completed", "cancelled"]
Priority = Literal["low", "medium", "high", "urgent"]
OPEN: Final = ("pending", "in_progress")
EDGES: Final[Mapping[Status, frozenset[Status]]] = {
    "pending": frozenset({"in_progress", "completed", "cancelled"}),
    "in_progress": frozenset({"pending", "completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
COMPLAINT: Final = "complaint"


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A local day as instants: it has 23 or 25 hours when the clocks change."""
    start = datetime.combine(day, time(0), zone).astimezone(UTC)
    return start, datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ComplaintClock:
    """When an answer is owed. `working_day` of `of`: how far the general regime has run."""

    due_on: date
    regime: Literal["sector", "customer_service"]
    working_day: int
    of: int


def complaint_clock(received_on: date, today: date, law: Law) -> ComplaintClock:
    """The stricter of two regimes, both from receipt in any channel, neither ever paused.

    sector: one month for consumers (RDL 3/2020 and Orden ECO/734/2004 give up to two).
    customer_service: 15 working days (Ley 10/2025).
    """
    of = law.length("complaint_service_days", received_on)
    sector = add_months(received_on, law.length("complaint_sector_months", received_on))
    service = working_days(received_on, of, law.holidays)
    regime: Literal["sector", "customer_service"] = (
        "sector" if sector < service else "customer_service"
    )
    return ComplaintClock(
        min(sector, service),
        regime,
        working_days_between(received_on, today, law.holidays),
        of,
    )
