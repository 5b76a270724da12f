from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.policies.premium import Rate
from crm.quotes.model import DISCOUNT_CAP, Item, apply_discounts, missing, price
from crm.tasks.model import complaint_clock, day_bounds
from tests.unit.crm.laws import LAW

BASE = Decimal("400.00")


def share(text: str) -> Item:
    return Item("x", rate=Decimal(text))


def amount(text: str) -> Item:
    return Item("x", amount=Decimal(text))


@pytest.mark.parametrize(
    ("items", "amounts"),
    [
        ([], []),
        ([share("0.10")], ["40.00"]),
        ([share("0.10"), share("0.10")], ["40.00", "36.00"]),  # of what the first has left
        ([amount("15.00"), share("0.10")], ["40.00", "15.00"]),  # shares come first
        ([share("0.30"), share("0.30")], ["120.00", "40.00"]),  # 40 % of 400.00 is 160.00
        ([share("0.40"), amount("10.00")], ["160.00", "0.00"]),
        ([amount("999.00")], ["160.00"]),
    ],
)
def test_discounts(items: list[Item], amounts: list[str]) -> None:
    made = apply_discounts(BASE, items)
    assert [str(each.amount) for each in made] == amounts


RATES = {
    ("ips", "*"): Rate("ips", "*", date(2021, 1, 1), Decimal("0.08")),
    ("winding_up", "*"): Rate("winding_up", "*", date(2021, 1, 1), Decimal("0.0015")),
}


def test_a_price_to_the_cent() -> None:
    made = price("home", BASE, [share("0.10")], [share("0.05"), amount("3.33")], "annual", RATES)
    # 400.00 − 40.00 + 20.00 + 3.33 = 383.33; tax 30.6664; winding-up 0.574995
    assert [(each.kind, str(each.amount)) for each in made.lines] == [
        ("net", "383.33"), ("ips", "30.67"), ("winding_up", "0.57"),
    ]  # fmt: skip
    assert made.total == Decimal("414.57")


ITEMS = st.lists(
    st.one_of(
        st.decimals("0.0001", 1, places=4).map(lambda r: Item("x", rate=r)),
        st.decimals("0.01", 5000, places=2).map(lambda a: Item("x", amount=a)),
    ),
    max_size=8,
)


@given(st.decimals("0.01", 100000, places=2), ITEMS, ITEMS)
def test_the_price_adds_up_and_discounts_stay_under_their_cap(
    base: Decimal, less: list[Item], more: list[Item]
) -> None:
    made = price("home", base, less, more, "annual", RATES)
    given_away = sum((each.amount for each in made.discounts), Decimal(0))
    assert Decimal(0) <= given_away <= base * DISCOUNT_CAP + Decimal("0.01")
    added = sum((each.amount for each in made.surcharges), Decimal(0))
    net = next(each.amount for each in made.lines if each.kind == "net")
    assert net == base - given_away + added
    assert made.total == sum((each.amount for each in made.lines), Decimal(0))


WHOLE = {"needs": "x", "ipid": "x", "broker_information": "x", "criteria": "x"}


@pytest.mark.parametrize(
    ("line", "mediation", "carriers", "lacking"),
    [
        ("auto", WHOLE, "abc", ()),
        ("auto", WHOLE, "ab", ("offers",)),
        ("auto", WHOLE, "abaa", ("offers",)),  # two insurers
        ("auto", WHOLE, "bcd", ("carrier",)),  # the chosen one, a, was not compared
        ("auto", {**WHOLE, "ipid": " \n"}, "abc", ("ipid",)),
        ("life", {**WHOLE, "ipid": ""}, "abc", ()),
        ("home", {}, "abc", ("needs", "ipid", "broker_information", "criteria")),
    ],
)
def test_what_the_law_wants_before_a_quote_is_sent(
    line: str, mediation: dict[str, Any], carriers: str, lacking: tuple[str, ...]
) -> None:
    assert missing(line, mediation, list(carriers), 3, "a") == lacking


@pytest.mark.parametrize(
    ("received", "due", "regime"),
    [
        (date(2027, 3, 1), date(2027, 3, 22), "customer_service"),
        (date(2027, 12, 1), date(2027, 12, 24), "customer_service"),  # two holidays
    ],
)
def test_complaints_are_due_by_the_stricter_regime(received: date, due: date, regime: str) -> None:
    clock = complaint_clock(received, received, LAW)
    assert (clock.due_on, clock.regime, clock.working_day) == (due, regime, 0)


def test_working_day_eleven_of_fifteen() -> None:
    clock = complaint_clock(date(2027, 3, 1), date(2027, 3, 16), LAW)
    assert (clock.working_day, clock.of) == (11, 15)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 5, 5), 24)]
)
def test_a_day_has_its_hours(day: date, hours: int) -> None:
    start, end = day_bounds(day, ZoneInfo("Europe/Madrid"))
    assert (end - start).total_seconds() == hours * 3600
    assert start.tzinfo is UTC
    assert isinstance(start, datetime)
