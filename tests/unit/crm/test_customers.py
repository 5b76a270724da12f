from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.customers.model import (
    Standing,
    Traits,
    bank_account,
    check_rule,
    company_document,
    fold,
    lifetime_value,
    likeness,
    needle,
    personal_document,
    search_text,
    segment_of,
)
from crm.days import add_months, easter, is_working, working_days, working_days_between


@pytest.mark.parametrize("good", ["12345678Z", "12345678-z", "X1234567L", "y1234567x", "Z1234567R"])
def test_documents_of_persons(good: str) -> None:
    assert personal_document(good).isalnum()


@pytest.mark.parametrize(
    "bad", ["", "12345678A", "1234567Z", "X1234567A", "A58818501", "12345678ZZ", "ÁÉÍ", "0"]
)
def test_what_is_no_document_of_a_person(bad: str) -> None:
    with pytest.raises(ValueError, match="not a DNI"):
        personal_document(bad)


def test_documents_of_companies_and_accounts() -> None:
    assert company_document("a-58818501") == "A58818501"
    assert bank_account("es91 2100 0418 4502 0005 1332") == "ES9121000418450200051332"
    for check, bad in (
        (company_document, "A58818502"),
        (company_document, "12345678Z"),
        (bank_account, "ES9121000418450200051333"),
        (bank_account, "ES91"),
    ):
        with pytest.raises(ValueError, match="not a"):
            check(bad)


@given(st.text(max_size=40))
def test_what_is_folded_stays_folded(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(codec="utf-8", categories=("L", "N")), max_size=30))
def test_a_row_is_found_by_every_part_of_it(text: str) -> None:
    stored = f" {search_text([text])} "
    for word in fold(text).split():
        for start in range(max(1, len(word) - 3)):
            wanted = needle(word[start:])
            if wanted is None or len(word[start:]) == 2:
                continue
            assert all(pattern.strip("%") in stored for pattern in wanted.words)
            assert all(gram in stored for gram in wanted.grams)


@pytest.mark.parametrize(
    ("query", "stored"),
    [
        ("beltran", "Ana Beltrán Sanz"),
        ("ELTR", "Ana Beltrán Sanz"),
        ("sanz ana", "Ana Beltrán Sanz"),
        ("nunez", "Íñigo Núñez"),
        ("600 55 00", "+34600550010"),
        ("0034600550010", "+34600550010"),
        ("1234-bcd", "1234BCD"),
        ("1234 BCD", "1234BCD"),
        ("12.345.678", "12345678Z"),
    ],
)
def test_ways_to_write_a_query(query: str, stored: str) -> None:
    wanted = needle(query)
    assert wanted is not None
    text = f" {search_text([stored])} "
    assert all(pattern.strip("%") in text for pattern in wanted.words), (wanted, text)


def test_the_rarest_pieces_of_a_search_are_asked_for() -> None:
    shares = {"dam": 0.05, "ami": 0.1, "mia": 0.05, "ian": 0.04, "gil": 0.2}
    one, two = needle("Damián"), needle("Damián Gil")
    assert one is not None
    assert two is not None
    assert one.rarest(shares) == ["ian", "dam", "mia", "ami"]
    assert two.rarest(shares) == ["ian", "dam", "gil"]  # something of each word
    assert one.rarest({}) == ["dam", "ami", "mia", "ian"]


def test_what_cannot_be_searched() -> None:
    assert needle("") is None
    assert needle("a b c") is None
    assert needle("%%__") is None


ANA = Traits(
    "ana beltran sanz", frozenset(), date(1980, 5, 1), frozenset({"+34600550010"}), "50001"
)


@pytest.mark.parametrize(
    ("change", "score"),
    [
        ({}, 99),
        ({"name": "beltran sanz ana"}, 99),
        ({"birth_date": None, "ways": frozenset()}, 55),
        ({"birth_date": date(1981, 5, 1)}, 0),
        ({"name": "luis beltran sanz", "birth_date": None}, 50),
        ({"name": "luis beltran sanz", "birth_date": None, "postal_code": None}, 35),
    ],
)
def test_likeness(change: dict[str, object], score: int) -> None:
    other = Traits(**{**{n: getattr(ANA, n) for n in ANA.__dataclass_fields__}, **change})
    assert likeness(ANA, other)[0] == score
    assert likeness(other, ANA)[0] == score


def test_documents_decide_alone() -> None:
    one = Traits("a", frozenset({"12345678Z"}), None, frozenset({"x"}), None)
    assert likeness(one, Traits("b", one.documents, None, frozenset(), None))[0] == 100
    assert likeness(one, Traits("a", frozenset({"X1234567L"}), None, one.ways, None))[0] == 0


RULES: list[tuple[str, dict[str, dict[str, Any]]]] = [
    ("fleet", {"kind": {"is": "company"}, "vehicles": {"min": 3}}),
    ("business", {"kind": {"is": "company"}}),
    ("vip", {"annual_premium": {"min": "3000"}}),
    ("standard", {"policies": {"min": 1, "max": 5}}),
]


@pytest.mark.parametrize(
    ("standing", "segment"),
    [
        (Standing("company", vehicles=3), "fleet"),
        (Standing("company", vehicles=2, annual_premium=Decimal(9000)), "business"),
        (Standing("person", annual_premium=Decimal("3000.00")), "vip"),
        (Standing("person", policies=1, annual_premium=Decimal("2999.99")), "standard"),
        (Standing("person", policies=6), None),
        (Standing("person"), None),
    ],
)
def test_segments(standing: Standing, segment: str | None) -> None:
    assert segment_of(standing, RULES) == segment


def test_a_stored_condition_that_cannot_be_read_does_not_hold() -> None:
    odd: tuple[object, ...] = (True, "many", [], None)
    for told in odd:
        standing = Standing("person", policies=1)
        assert segment_of(standing, [("odd", {"policies": {"is": told}})]) is None
    assert (
        segment_of(Standing("person", policies=3), [("three", {"policies": {"is": 3}})]) == "three"
    )


def test_rules_that_cannot_be_read() -> None:
    for bad in ({"shoe_size": {"min": 1}}, {"policies": 3}, {"policies": {"above": 3}}):
        with pytest.raises(ValueError, match="fact|condition"):
            check_rule(bad)


def test_lifetime_value_as_its_docstring_works_it_out() -> None:
    assert lifetime_value(Decimal(200), []) == Decimal("200.00")
    value = lifetime_value(Decimal(200), [(Decimal(500), Decimal("0.12"), Decimal("0.84"))])
    assert value == Decimal("414.23")


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2027, 3, 31), -1, date(2027, 2, 28)),
        (date(2028, 3, 31), -1, date(2028, 2, 29)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2027, 12, 15), 1, date(2028, 1, 15)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2027, 5, 1), -2, date(2027, 3, 1)),
    ],
)
def test_months_from_date_to_date(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then


def test_easter_and_holidays() -> None:
    assert [easter(year) for year in (2024, 2025, 2026, 2027)] == [
        date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28),
    ]  # fmt: skip
    assert not is_working(date(2027, 3, 26))  # Good Friday
    assert not is_working(date(2027, 3, 27))  # a Saturday
    assert is_working(date(2027, 4, 23))
    assert not is_working(date(2027, 4, 23), {date(2027, 4, 23)})  # San Jorge, in Aragón


def test_working_days() -> None:
    assert working_days(date(2027, 3, 24), 2) == date(2027, 3, 29)  # over Good Friday
    assert working_days(date(2027, 3, 29), -2) == date(2027, 3, 24)
    assert working_days_between(date(2027, 3, 24), date(2027, 3, 29)) == 2
    assert working_days_between(date(2027, 3, 29), date(2027, 3, 24)) == 0


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_counting_there_is_counting_back(day: date, count: int) -> None:
    assert working_days_between(day, working_days(day, count)) == count
