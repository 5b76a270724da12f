"""PURE. How long the law's times are, each from a day on, and the holidays they are counted by.

The table legal_periods holds them; a change of the law is another row with its first day. A time
is counted by the rule of the day that it is about: a notice by the term's end, a premium's by its
due day, a claim's by the day that its clock starts, a complaint's by its receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

Kind = Literal[
    "insurer_notice_months",  # the insurer's no, and any change of terms: LCS art. 22.2, 22.3
    "tacit_term_months",  # what silence makes, at most: LCS art. 22.1
    "grace_months",  # covered though a later premium is unpaid: LCS art. 15.2
    "premium_claim_months",  # in which the insurer claims it, or the contract is extinct: 15.2
    "withdrawal_days",  # from a contract made at a distance: Ley 22/2007 art. 10.1
    "claim_report_days",  # LCS art. 16
    "minimum_payment_days",  # LCS art. 18
    "default_interest_months",  # LCS art. 20.3
    "complaint_sector_months",  # RDL 3/2020; Orden ECO/734/2004
    "complaint_service_days",  # working days: Ley 10/2025
]


@dataclass(frozen=True, slots=True)
class Period:
    """From `valid_from` on a time of this kind is so long."""

    kind: str
    line: str  # a policy type, or *
    valid_from: date
    amount: int


@dataclass(frozen=True, slots=True)
class Law:
    """The rules, the oldest first, and the regional and local holidays."""

    periods: tuple[Period, ...]
    holidays: frozenset[date]

    @classmethod
    def of(cls, periods: Iterable[Period], holidays: Iterable[date] = ()) -> Self:
        ordered = sorted(periods, key=lambda each: each.valid_from)
        return cls(tuple(ordered), frozenset(holidays))

    def length(self, kind: Kind, day: date, line: str = "*") -> int:
        """How long it is by the rule that holds on a day; before the first rule it is the first's.
        A line's own rule goes before that of all lines. KeyError for a kind without a rule."""
        own = [each for each in self.periods if (each.kind, each.line) == (kind, line)]
        rules = own or [each for each in self.periods if (each.kind, each.line) == (kind, "*")]
        if not rules:
            raise KeyError(kind)
        held = [each for each in rules if each.valid_from <= day]
        return (held[-1] if held else rules[0]).amount
