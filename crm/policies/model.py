"""PURE. A policy's life: its states, its terms over two times, its renewal and its end.

Law cited here is Ley 50/1980, de Contrato de Seguro (LCS). A policy begins and ends at a local date
and hour; the end is exclusive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from crm.days import add_months, working_days
from crm.law import Law

Line = Literal["auto", "home", "life", "health", "business"]
Status = Literal["proposal", "pending", "active", "suspended", "expired", "cancelled", "replaced"]
CENT: Final = Decimal("0.01")

EDGES: Final[Mapping[Status, frozenset[Status]]] = {
    # pending: issued, its start has not come
    "proposal": frozenset({"pending", "active", "expired", "cancelled"}),
    "pending": frozenset({"active", "cancelled", "replaced"}),
    "active": frozenset({"suspended", "expired", "cancelled", "replaced"}),
    "suspended": frozenset({"active", "expired", "cancelled", "replaced"}),
    "expired": frozenset({"active"}),  # renewed late, with the insurer's consent
    "cancelled": frozenset({"active"}),  # put back in force by the insurer
    "replaced": frozenset(),
}
IN_FORCE: Final = frozenset({"active", "suspended"})


def may(before: Status, after: Status) -> bool:
    return after in EDGES[before]


def instant(day: date, hour: time, zone: ZoneInfo) -> datetime:
    """A local date and hour as an instant. In the hour that comes twice it is the first; one in the
    hour that is skipped counts as if the clock had not changed."""
    return datetime.combine(day, hour, zone)


# Terms over two times ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Version:
    """One endorsement: from `effective_at` on these fields have these values, as we know since
    `known_at`."""

    number: int
    effective_at: datetime
    known_at: datetime
    changes: Mapping[str, Any]
    kind: str = "endorsement"


def terms_at(versions: Iterable[Version], effective: datetime, known: datetime) -> dict[str, Any]:
    """What was agreed for an instant, as far as it was known at another.

    Endorsements apply in the order of their effect, those of the same effect in the order in which
    they became known. So a retroactive one takes its place behind those before it and leaves later
    ones standing.
    """
    terms: dict[str, Any] = {}
    ordered = sorted(
        (v for v in versions if v.effective_at <= effective and v.known_at <= known),
        key=lambda v: (v.effective_at, v.known_at, v.number),
    )
    for version in ordered:
        terms.update(version.changes)
    return terms


PERIOD: Final = ("coverage_end_date", "coverage_end_time")


def agreed_until(versions: Iterable[Version]) -> dict[str, Any]:
    """The end that was said last: how far a contract is agreed, though that term lies ahead."""
    until: dict[str, Any] = {}
    for version in sorted(versions, key=lambda v: v.number):
        until |= {name: version.changes[name] for name in PERIOD if name in version.changes}
    return until


def row_moment(now: datetime, start: datetime, over: datetime) -> datetime:
    """The instant whose terms a policy's row holds: now, but its start before that has come, and
    the last moment before its end once that has."""
    return max(start, min(now, over - timedelta(microseconds=1)))


def next_turn(versions: Iterable[Version], after: datetime, over: datetime) -> datetime | None:
    """When terms that were agreed ahead hold next. None: nothing is ahead, or the contract ends
    before."""
    return min(
        (
            version.effective_at
            for version in versions
            if after < version.effective_at < over and not version.changes.keys() <= set(PERIOD)
        ),
        default=None,
    )


Span = tuple[datetime, datetime | None]
"""From one moment until another, exclusive; None: still."""


def breaks(versions: Iterable[Version]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """When a contract had ended, and when it was suspended by agreement.

    It has ended from a cancellation's effect until that of the reinstatement that takes it back,
    and is suspended from a suspension's until that of its lifting, or of a reinstatement. They
    follow each other as they became known.
    """
    ended: list[Span] = []
    paused: list[Span] = []
    for version in sorted(versions, key=lambda v: v.number):
        match version.kind:
            case "cancellation":
                ended.append((version.effective_at, None))
            case "suspension":
                paused.append((version.effective_at, None))
            case "reinstatement":
                came = not ended or version.known_at >= ended[-1][0]
                _lift(ended, version.effective_at)
                if came:  # one that was ahead had stopped nothing
                    _lift(paused, version.effective_at)
            case "resumption":
                _lift(paused, version.effective_at)
    return tuple(ended), tuple(paused)


def _lift(spans: list[Span], at: datetime) -> None:
    if spans and spans[-1][1] is None:
        since = spans[-1][0]
        spans[-1] = (since, max(since, at))


# Renewal -----------------------------------------------------------------------------------------

Moment = Literal["d75", "d60", "d45", "last_days"]
OUR_MARGIN: Final = 5  # working days before the law's last day
LAST_CALL: Final = 3  # working days before ours


@dataclass(frozen=True, slots=True)
class RenewalCalendar:
    """When what must have happened before a term's end."""

    last_day: date  # the insurer must have the policyholder's no by then
    our_last_day: date  # we must have passed it on by then
    insurer_last_day: date  # the insurer's own no, and any change of terms
    moments: tuple[tuple[Moment, date], ...]  # of policy.expiring_soon, in order


def renewal_calendar(term_end: date, notice_months: int, law: Law) -> RenewalCalendar:
    """LCS art. 22.2: the policyholder says no at least one month before the end, the insurer two,
    counted from date to date; 22.3: a change of terms is announced as early as the insurer's no.
    Ours is five working days earlier, and three before that is the last call."""
    last = add_months(term_end, -notice_months)
    ours = working_days(last, -OUR_MARGIN, law.holidays)
    moments: list[tuple[Moment, date]] = [
        ("d75", term_end - timedelta(days=75)),
        ("d60", term_end - timedelta(days=60)),
        ("d45", term_end - timedelta(days=45)),
        ("last_days", working_days(ours, -LAST_CALL, law.holidays)),
    ]
    return RenewalCalendar(
        last,
        ours,
        insurer_last_day(term_end, law),
        tuple(sorted(moments, key=lambda each: each[1])),
    )


def insurer_last_day(term_end: date, law: Law) -> date:
    """By when the insurer tells of a no or of other terms."""
    return add_months(term_end, -law.length("insurer_notice_months", term_end))


def moment_due(
    calendar: RenewalCalendar, told: Collection[str], today: date, term_end: date
) -> Moment | None:
    """The moment to tell of now: the latest that has come, unless it was told. Earlier ones that
    were missed (a policy that came late, a system that stood still) say nothing new."""
    if today >= term_end:
        return None
    come = [moment for moment, day in calendar.moments if day <= today]
    return come[-1] if come and come[-1] not in told else None


def next_term(start: date, end: date) -> date:
    """The next term's end: as long as the present one in months where it is whole months, to the
    day; otherwise a year."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return add_months(end, months if months > 0 and add_months(start, months) == end else 12)


def tacit_term(start: date, end: date, law: Law) -> date:
    """The end of the term that silence makes: as long as the present one, and at most what the law
    allows (a year, LCS art. 22.1)."""
    return min(next_term(start, end), add_months(end, law.length("tacit_term_months", end)))


def open_terms(terms: Sequence[tuple[date, date]], today: date) -> tuple[tuple[date, date], ...]:
    """Those, of a policy's terms in order, that are not over: the present one, and one that was
    agreed ahead. Of a policy that has ended it is the last."""
    return tuple(term for term in terms if term[1] > today) or tuple(terms[-1:])


def term_of(terms: Sequence[tuple[date, date]], day: date) -> tuple[date, date] | None:
    """The term that a day lies in; a day that ends one begins the next. None: in none of them."""
    return next((t for t in reversed(terms) if t[0] <= day <= t[1]), None)


NonRenewalState = Literal["received", "sent", "acknowledged"]


def notice_late(
    by: Literal["policyholder", "insurer"],
    calendar: RenewalCalendar,
    received: date,
    sent: date | None = None,
    acknowledged: date | None = None,
) -> bool:
    """Whether the side that is told has it too late, by what is known: the insurer has the
    policyholder's no when it acknowledges it, and not before we send it on; the policyholder has
    the insurer's when we pass it on."""
    if by == "policyholder":
        return (acknowledged or sent or received) > calendar.last_day
    return (sent or received) > calendar.insurer_last_day


def non_renewal_state(sent: date | None, acknowledged: date | None) -> NonRenewalState:
    """It counts only once the other side has it."""
    return "acknowledged" if acknowledged else "sent" if sent else "received"


# Cancellation ------------------------------------------------------------------------------------

Reason = Literal[
    "non_renewal",
    "total_loss",
    "policyholder_wish",
    "distance_withdrawal",
    "insurer_terminates",
    "sale_of_risk",
    "death",
    "non_payment",
    "duplicate_insurance",
    "error",
]
RefundRule = Literal["none", "full", "full_less_days", "unearned_days", "insurer_decides"]

REFUND_RULES: Final[Mapping[Reason, RefundRule]] = {
    "non_renewal": "none",  # nothing was paid beyond the end
    "total_loss": "none",  # the premium is indivisible
    "policyholder_wish": "none",
    "distance_withdrawal": "full",  # Ley 22/2007, art. 10 and 11
    "insurer_terminates": "unearned_days",
    "sale_of_risk": "insurer_decides",  # LCS art. 35
    "death": "insurer_decides",
    "non_payment": "insurer_decides",
    "duplicate_insurance": "insurer_decides",
    "error": "insurer_decides",
}


@dataclass(frozen=True, slots=True)
class Refund:
    """Our estimate; the insurer's extorno is the truth. `amount` None: the insurer decides."""

    rule: RefundRule
    amount: Decimal | None
    days: int | None = None  # that it is computed from
    of_days: int | None = None


def term_premium(premium: Decimal, frequency: str, start: date, end: date) -> Decimal:
    """What a whole term costs. A policy's premium is that of a year; a single one, and one of a
    term of less than a year, is that of the term."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if frequency == "single" or months <= 12:
        return premium
    return (premium * months / 12).quantize(CENT, ROUND_HALF_UP)


def refund(
    reason: Reason,
    paid: Decimal,
    premium: Decimal,
    term_start: date,
    term_end: date,
    effect: date,
    *,
    cover_on_request: bool = False,
) -> Refund:
    """What could come back of what was `paid` of a term's `premium`.

    The premium is in principle indivisible. unearned_days, and full_less_days: what was paid beyond
    the days that were covered, max(0, paid − premium · days used / days of the term), rounded half
    up to the cent. The term's days are 365, or 366 with a 29 February, when it is a year.
    """
    rule = REFUND_RULES[reason]
    if reason == "distance_withdrawal" and cover_on_request:
        rule = "full_less_days"
    total = (term_end - term_start).days
    used = min(max((effect - term_start).days, 0), total)
    earned = premium * used / total if total else premium
    beyond = max((paid - earned).quantize(CENT, ROUND_HALF_UP), Decimal("0.00"))
    match rule:
        case "none":
            return Refund(rule, Decimal("0.00"))
        case "full":
            return Refund(rule, max(paid, Decimal(0)).quantize(CENT, ROUND_HALF_UP))
        case "full_less_days":
            return Refund(rule, beyond, used, total)
        case "unearned_days":
            return Refund(rule, beyond, total - used, total)
        case _:
            return Refund(rule, None)


def withdrawal_ends(concluded: date, line: str, law: Law) -> date:
    """The last day of withdrawing from a contract made at a distance: 14 days, life 30 (Ley
    22/2007, art. 10.1), not counting the day it was made."""
    return concluded + timedelta(days=law.length("withdrawal_days", concluded, line))


# Receipts ----------------------------------------------------------------------------------------

ReceiptState = Literal[
    "issued", "presented", "collected", "returned", "re_presented", "paid_at_broker", "cancelled"
]
RECEIPT_EDGES: Final[Mapping[ReceiptState, frozenset[ReceiptState]]] = {
    "issued": frozenset({"presented", "collected", "paid_at_broker", "cancelled"}),
    "presented": frozenset({"collected", "returned", "cancelled"}),
    "collected": frozenset({"returned"}),  # a SEPA refund, up to 8 weeks or 13 months later
    "returned": frozenset({"collected", "re_presented", "paid_at_broker", "cancelled"}),
    "re_presented": frozenset({"collected", "returned", "paid_at_broker", "cancelled"}),
    "paid_at_broker": frozenset(),
    "cancelled": frozenset(),
}


def receipt_sources(after: ReceiptState) -> tuple[ReceiptState, ...]:
    return tuple(state for state, to in RECEIPT_EDGES.items() if after in to)


def overlaps(
    start: datetime, end: datetime, others: Sequence[tuple[datetime, datetime]]
) -> tuple[tuple[datetime, datetime], ...]:
    """Which of the others share an instant with [start, end)."""
    return tuple(other for other in others if other[0] < end and start < other[1])
