from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.claims.model import (
    EDGES,
    Handler,
    Verdict,
    agreement_of,
    approval,
    choose_handler,
    legal_clocks,
    payer_of,
    sources,
)
from tests.unit.crm.laws import LAW

A, B, C = (UUID(int=n) for n in (1, 2, 3))


def test_the_edges_are_those_of_the_office() -> None:
    assert {state: set(to) for state, to in EDGES.items()} == {
        "reported": {"investigating"},
        "investigating": {"approved", "denied"},
        "approved": {"paid"},
        "denied": {"reopened"},
        "paid": {"reopened"},
        "reopened": {"investigating"},
    }
    assert sources("investigating") == ("reported", "reopened")


@pytest.mark.parametrize(
    ("cause", "fault", "payer"),
    [
        ("flood", False, "consorcio"),
        ("extraordinary_wind", True, "consorcio"),
        ("hail", False, "insurer"),
        ("collision", True, "third_party_insurer"),
        ("collision", False, "insurer"),
    ],
)
def test_who_pays(cause: str, fault: bool, payer: str) -> None:
    assert payer_of(cause, third_party_at_fault=fault) == payer


@pytest.mark.parametrize(
    ("vehicles", "signed", "injuries", "agreement"),
    [
        (2, True, False, "cide"),
        (2, False, False, "ascide"),
        (2, True, True, "none"),
        (3, True, False, "none"),
        (1, False, False, "none"),
    ],
)
def test_agreements(vehicles: int, signed: bool, injuries: bool, agreement: str) -> None:
    found = agreement_of(vehicles=vehicles, statement_signed=signed, injuries=injuries)
    assert found == agreement


@pytest.mark.parametrize(
    ("handlers", "chosen"),
    [
        ([], None),
        ([Handler(A, 5, 3, True), Handler(B, 3, 1, True)], (B, "chosen")),
        ([Handler(A, 3, 1, True), Handler(B, 5, 1, True)], (B, "chosen")),
        ([Handler(B, 5, 1, True), Handler(A, 5, 1, True)], (A, "chosen")),
        ([Handler(A, 5, 0, False, B), Handler(B, 3, 9, True)], (B, "deputy")),
        ([Handler(A, 5, 0, False, C), Handler(B, 3, 9, True)], (B, "chosen")),
        ([Handler(A, 5, 0, False), Handler(B, 3, 9, False)], (A, "chosen")),
    ],
)
def test_who_handles_it(handlers: list[Handler], chosen: tuple[UUID, str] | None) -> None:
    assert choose_handler(handlers) == chosen
    assert choose_handler(handlers[::-1]) == chosen


AUTHORITY = (Decimal(5000), Decimal(1000))


@pytest.mark.parametrize(
    ("amount", "limit", "authority", "earlier", "score", "reviewed", "verdict"),
    [
        ("500", "3000", None, {}, None, False, "no_authority"),
        ("500", "3000", (Decimal(0), Decimal(0)), {}, None, False, "no_authority"),
        ("5000.01", "9000", AUTHORITY, {}, None, False, "over_authority"),
        ("3000.01", "3000", AUTHORITY, {}, None, False, "over_limit"),
        ("500", None, AUTHORITY, {}, None, False, "over_limit"),
        ("1000", "3000", AUTHORITY, {}, None, False, "approved"),
        ("1000.01", "3000", AUTHORITY, {}, None, False, "second_needed"),
        ("2000", "3000", AUTHORITY, {A: Decimal(2000)}, None, False, "same_person"),
        ("1900", "3000", AUTHORITY, {A: Decimal(2000)}, None, False, "second_needed"),
        ("900", "3000", AUTHORITY, {A: Decimal(2000)}, None, False, "approved"),
        ("2000", "3000", AUTHORITY, {B: Decimal(2000)}, None, False, "approved"),
        ("2000", "3000", AUTHORITY, {B: Decimal(1999)}, None, False, "amount_differs"),
        ("500", "3000", AUTHORITY, {}, Decimal("0.7"), False, "review_needed"),
        ("500", "3000", AUTHORITY, {}, Decimal("0.7"), True, "approved"),
        ("500", "3000", AUTHORITY, {}, Decimal("0.69"), False, "approved"),
    ],
)
def test_authority(
    amount: str,
    limit: str | None,
    authority: tuple[Decimal, Decimal] | None,
    earlier: dict[UUID, Decimal],
    score: Decimal | None,
    reviewed: bool,
    verdict: Verdict,
) -> None:
    found = approval(
        Decimal(amount),
        user=A,
        limit=None if limit is None else Decimal(limit),
        authority=authority,
        earlier=earlier,
        fraud_score=score,
        reviewed=reviewed,
    )
    assert found == verdict


@given(st.decimals(1, 9999, places=2), st.decimals(0, 9999, places=2))
def test_nobody_alone_approves_above_the_sum(amount: Decimal, limit: Decimal) -> None:
    verdict = approval(amount, user=A, limit=limit, authority=AUTHORITY, earlier={})
    if verdict == "approved":
        assert amount <= min(limit, AUTHORITY[1])


def test_clocks() -> None:
    def states(**days: date | None) -> dict[str, tuple[date, str]]:
        known = {"sent_on": None, "decided_on": None, "paid_on": None, **days}
        clocks = legal_clocks(
            incident_on=date(2027, 1, 31),
            known_on=date(2027, 2, 2),
            today=date(2027, 2, 10),
            law=LAW,
            **known,
        )
        return {clock.name: (clock.due_on, clock.state) for clock in clocks}

    assert states() == {
        "report": (date(2027, 2, 9), "late"),
        "default_interest": (date(2027, 4, 30), "running"),
    }
    assert states(sent_on=date(2027, 2, 9)) == {
        "report": (date(2027, 2, 9), "met"),
        "minimum_payment": (date(2027, 3, 21), "running"),
        "default_interest": (date(2027, 4, 30), "running"),
    }
    paid = states(sent_on=date(2027, 2, 9), paid_on=date(2027, 4, 1))
    assert paid["minimum_payment"][1] == "late"
    assert paid["default_interest"][1] == "met"
