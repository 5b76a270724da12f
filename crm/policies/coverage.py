"""PURE. Whether a policy covers an instant: five answers, never a bare yes or no.

LCS art. 15. Unpaid is not "no cover":
- the first or single premium unpaid by the policyholder's fault frees the insurer when the loss
  happens, unless something else was agreed: whether both hold is for the insurer to say;
- a later premium unpaid: cover goes on for one month after its due day, then it is suspended; when
  the insurer does not claim the premium within six months of that day, the contract is extinct;
  What was collected by then had been claimed, though a bank returns it later;
- the due day itself is still the payer's (crm.days.last_overdue);
- a contract that is neither ended nor extinct covers again 24 hours after payment. (The article
  speaks of the 24th hour of the day of payment; the later of the two promises nothing too early.)

A term's end is the contract's only where it does not renew by itself (LCS art. 22). Beyond it, as
long as no further term is on file and no acknowledged no, the insurer has to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from crm.days import add_months, last_overdue
from crm.law import Law
from crm.policies.model import Span, instant

Answer = Literal["covered", "grace_until", "suspended", "ask_insurer", "not_in_force"]
Why = Literal[
    "before_effect",
    "ended",
    "extinct",
    "first_premium_unpaid",
    "premium_unpaid",
    "not_issued",
    "suspended_by_agreement",
    "endorsed_since",
    "peril_not_named",
    "renewal_unconfirmed",
]
BACK_AFTER: Final = timedelta(hours=24)
MIDNIGHT: Final = time(0)


@dataclass(frozen=True, slots=True)
class Premium:
    """A receipt as far as cover depends on it."""

    due_on: date
    first: bool  # the first or single premium
    paid: tuple[Span, ...] = ()  # from when until when, in order; a bank may return what was paid
    claimed_at: datetime | None = None  # the insurer claimed it


@dataclass(frozen=True, slots=True)
class Contract:
    """What cover depends on."""

    starts_at: datetime
    ends_at: datetime  # of the present term, exclusive
    status: str
    ended_at: datetime | None = None  # cancelled or replaced, from then on
    ended: tuple[Span, ...] = ()  # cancelled, and put back in force
    paused: tuple[Span, ...] = ()  # suspended by agreement
    renews: bool = False  # by silence, and no no counts against it
    first_premium_agreed: bool = False
    covers: tuple[str, ...] = ()  # named perils; none: not listed here
    premiums: tuple[Premium, ...] = ()
    endorsed_since: bool = False  # what is known now of the instant was not known then


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer. `until`: of grace, or of suspension when what ends it is known."""

    answer: Answer
    why: Why | None = None
    until: datetime | None = None
    notes: tuple[Why, ...] = ()


def check_coverage(
    contract: Contract, at: datetime, zone: ZoneInfo, law: Law, peril: str | None = None
) -> Coverage:
    """What holds at an instant, by what is known now."""
    notes = _notes(contract, peril)
    if at < contract.starts_at:
        return Coverage("not_in_force", "before_effect", notes=notes)
    over = contract.ended_at is not None and at >= contract.ended_at
    if over or _within(contract.ended, at) or (at >= contract.ends_at and not contract.renews):
        return Coverage("not_in_force", "ended", notes=notes)
    if contract.status == "proposal":
        return Coverage("ask_insurer", "not_issued", notes=notes)
    later = [p for p in contract.premiums if not p.first]
    if extinct_at(later, zone, law) <= at:
        return Coverage("not_in_force", "extinct", notes=notes)
    if at >= contract.ends_at:
        return Coverage("ask_insurer", "renewal_unconfirmed", notes=notes)
    first = [p for p in contract.premiums if p.first and _unpaid(p, at, zone)]
    if first and not contract.first_premium_agreed:
        return Coverage("ask_insurer", "first_premium_unpaid", notes=notes)
    suspended = [(p, ends) for p in later if (ends := _suspended(p, at, zone, law)) is not False]
    if suspended:
        known = [ends for _, ends in suspended]
        until = max((e for e in known if e is not None), default=None)
        return Coverage(
            "suspended", "premium_unpaid", None if None in known else until, notes=notes
        )
    if paused := _within(contract.paused, at):
        return Coverage("suspended", "suspended_by_agreement", paused[1], notes=notes)
    grace = [grace_ends(p, zone, law) for p in later if _unpaid(p, at, zone)]
    if grace:
        return Coverage("grace_until", "premium_unpaid", min(grace), notes=notes)
    if "peril_not_named" in notes:
        return Coverage("ask_insurer", "peril_not_named", notes=notes)
    return Coverage("covered", notes=notes)


def _within(spans: Sequence[Span], at: datetime) -> Span | None:
    return next((s for s in spans if s[0] <= at and (s[1] is None or at < s[1])), None)


def grace_ends(premium: Premium, zone: ZoneInfo, law: Law) -> datetime:
    """One month after the due day, from date to date; that day itself is still covered."""
    last = add_months(premium.due_on, law.length("grace_months", premium.due_on))
    return instant(last + timedelta(days=1), MIDNIGHT, zone)


def extinct_at(premiums: Sequence[Premium], zone: ZoneInfo, law: Law) -> datetime:
    """When the contract came to its end for a premium neither paid nor claimed within six months;
    the end of time for one that did not."""
    return min((_extinct(p, zone, law) for p in premiums), default=_NEVER(zone))


def _extinct(premium: Premium, zone: ZoneInfo, law: Law) -> datetime:
    last = add_months(premium.due_on, law.length("premium_claim_months", premium.due_on))
    end = instant(last + timedelta(days=1), MIDNIGHT, zone)
    done = [since for since, _ in premium.paid]
    if premium.claimed_at is not None:
        done.append(premium.claimed_at)
    return _NEVER(zone) if any(moment < end for moment in done) else end


def _NEVER(zone: ZoneInfo) -> datetime:  # noqa: N802 - a constant that needs a zone
    return datetime(9999, 1, 1, tzinfo=zone)


def _unpaid(premium: Premium, at: datetime, zone: ZoneInfo) -> bool:
    """Its due day is over, and it was not paid then."""
    due = premium.due_on <= last_overdue(at.astimezone(zone).date())
    return due and _within(premium.paid, at) is None


def _suspended(
    premium: Premium, at: datetime, zone: ZoneInfo, law: Law
) -> datetime | Literal[False] | None:
    """False: not by this premium. Otherwise until when, None while that is not known."""
    begins = grace_ends(premium, zone, law)
    if at < begins:
        return False
    for since, until in premium.paid:
        covers = since if since < begins else since + BACK_AFTER
        if until is not None and until <= covers:
            continue  # returned before it brought anything back
        if at < covers:
            return covers
        if until is None or at < until:
            return False
    return None


def _notes(contract: Contract, peril: str | None) -> tuple[Why, ...]:
    notes: list[Why] = []
    if contract.endorsed_since:
        notes.append("endorsed_since")
    if peril is not None and contract.covers and peril not in contract.covers:
        notes.append("peril_not_named")
    return tuple(notes)
