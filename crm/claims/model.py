"""PURE. A claim as a broker sees it.

    reported ──► investigating ──► approved ──► paid
                     ▲   └───────► denied        │
                     └── reopened ◄──┴───────────┘

reported: opened by us. investigating: sent to the payer and acknowledged. approved, denied, paid:
the payer's decision, recorded with its date, amount and document. Only where an insurer has
delegated its authority does somebody here decide, within limits and above a sum with four eyes.
Every edge that is not drawn is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from crm.days import add_months
from crm.law import Law

Status = Literal["reported", "investigating", "approved", "denied", "paid", "reopened"]
Payer = Literal["insurer", "consorcio", "third_party_insurer"]
Cause = Literal[
    "collision", "theft", "fire", "water", "glass", "liability", "illness", "accident", "death",
    "flood", "earthquake", "extraordinary_wind", "volcano", "terrorism", "hail", "other",
]  # fmt: skip
Agreement = Literal["cide", "ascide", "none"]

EDGES: Final[Mapping[Status, frozenset[Status]]] = {
    "reported": frozenset({"investigating"}),
    "investigating": frozenset({"approved", "denied"}),
    "approved": frozenset({"paid"}),
    "denied": frozenset({"reopened"}),
    "paid": frozenset({"reopened"}),
    "reopened": frozenset({"investigating"}),
}
CLOSED: Final = frozenset({"denied", "paid"})

EXTRAORDINARY: Final = frozenset(
    {"flood", "earthquake", "extraordinary_wind", "volcano", "terrorism"}
)
"""What the Consorcio pays (RDLeg 7/2004, art. 6). Hail is not among it."""

HANDLER_SKILLS: Final[Mapping[str, str]] = {
    "auto": "SA",
    "home": "SH",
    "business": "SH",
    "life": "SV",
    "health": "SV",
}
"""Policy type → the skill of who handles its claims."""


def sources(after: Status) -> tuple[Status, ...]:
    return tuple(state for state, to in EDGES.items() if after in to)


def payer_of(cause: str, *, third_party_at_fault: bool = False) -> Payer:
    """Who pays, by the cause; what is recorded may differ from it."""
    if cause in EXTRAORDINARY:
        return "consorcio"
    return "third_party_insurer" if third_party_at_fault else "insurer"


def agreement_of(*, vehicles: int, statement_signed: bool, injuries: bool) -> Agreement:
    """The insurers' agreement that a collision is settled under: CIDE for two cars and a statement
    signed by both drivers, ASCIDE for two cars without one, none with people hurt or with more."""
    if vehicles != 2 or injuries:
        return "none"
    return "cide" if statement_signed else "ascide"


# Who handles it ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handler:
    agent_id: UUID
    level: int  # in the skill that the claim needs
    load: int  # open claims
    here: bool
    deputy_id: UUID | None = None


def choose_handler(handlers: Sequence[Handler]) -> tuple[UUID, Literal["chosen", "deputy"]] | None:
    """The handler with the fewest open claims, then the higher level, then the earlier id. Somebody
    who is not here is taken only with a deputy who is, and then it is the deputy's; when nobody is
    here (at night), absence does not count. None: nobody has the skill."""
    order = sorted(handlers, key=lambda h: (h.load, -h.level, h.agent_id))
    here = {h.agent_id for h in order if h.here}
    for handler in order:
        if handler.here:
            return handler.agent_id, "chosen"
        if handler.deputy_id in here:
            return handler.deputy_id, "deputy"
    return (order[0].agent_id, "chosen") if order else None


# Authority ---------------------------------------------------------------------------------------

Verdict = Literal["approved", "second_needed", "no_authority", "over_authority", "over_limit",
                  "same_person", "amount_differs", "review_needed"]  # fmt: skip
FRAUD_REVIEW: Final = Decimal("0.7")


def approval(
    amount: Decimal,
    *,
    user: UUID,
    limit: Decimal | None,
    authority: tuple[Decimal, Decimal] | None,
    earlier: Mapping[UUID, Decimal],
    fraud_score: Decimal | None = None,
    reviewed: bool = False,
) -> Verdict:
    """What an approval under delegated authority comes to.

    `limit`: what this person's role approves. `authority`: (the insurer's maximum, above which sum
    two must approve). `earlier`: who has approved what in this round; another sum takes the place
    of one's own. A high fraud score needs a person's explicit review: no score decides anything
    (GDPR, art. 22).
    """
    if authority is None or authority[0] == 0:
        return "no_authority"
    maximum, four_eyes_above = authority
    if amount > maximum:
        return "over_authority"
    if limit is None or amount > limit:
        return "over_limit"
    if fraud_score is not None and fraud_score >= FRAUD_REVIEW and not reviewed:
        return "review_needed"
    if amount <= four_eyes_above:
        return "approved"
    others = [given for who, given in earlier.items() if who != user]
    if others:
        return "approved" if amount in others else "amount_differs"
    return "same_person" if earlier.get(user) == amount else "second_needed"


# Clocks ------------------------------------------------------------------------------------------

ClockName = Literal["report", "minimum_payment", "default_interest"]
ClockState = Literal["running", "met", "late"]


@dataclass(frozen=True, slots=True)
class LegalClock:
    name: ClockName
    due_on: date
    state: ClockState


def legal_clocks(
    *,
    incident_on: date,
    known_on: date,
    sent_on: date | None,
    decided_on: date | None,
    paid_on: date | None,
    today: date,
    law: Law,
) -> tuple[LegalClock, ...]:
    """What the law gives time for (LCS, calendar days; the day it begins is not counted).

    report: the insurer is told within 7 days of knowing (art. 16); late never blocks.
    minimum_payment: what can be owed at least, within 40 days of the declaration (art. 18).
    default_interest: three months after the loss interest of default begins (art. 20.3). A denial
    stops the last two.
    """
    days = law.length("claim_report_days", known_on)
    made = [_clock("report", known_on + timedelta(days=days), sent_on, today)]
    settled = paid_on or decided_on
    if sent_on is not None:
        due = sent_on + timedelta(days=law.length("minimum_payment_days", sent_on))
        made.append(_clock("minimum_payment", due, settled, today))
    months = law.length("default_interest_months", incident_on)
    made.append(_clock("default_interest", add_months(incident_on, months), settled, today))
    return tuple(made)


def _clock(name: ClockName, due: date, done: date | None, today: date) -> LegalClock:
    if done is not None:
        return LegalClock(name, due, "met" if done <= due else "late")
    return LegalClock(name, due, "running" if today <= due else "late")
