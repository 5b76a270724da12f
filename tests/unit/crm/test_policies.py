from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.law import Law, Period
from crm.policies.coverage import Contract, Premium, check_coverage
from crm.policies.model import (
    REFUND_RULES,
    Reason,
    Version,
    agreed_until,
    breaks,
    moment_due,
    next_term,
    next_turn,
    refund,
    renewal_calendar,
    row_moment,
    tacit_term,
    term_premium,
    terms_at,
    withdrawal_ends,
)
from crm.policies.premium import Rate, premium_lines, rates_on, total
from tests.unit.crm.laws import LAW, PERIODS

MADRID = ZoneInfo("Europe/Madrid")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MADRID)


LATER = Premium(due_on=date(2027, 3, 1), first=False)
FIRST = Premium(due_on=date(2027, 1, 1), first=True)


def contract(*premiums: Premium, **fields: Any) -> Contract:
    return Contract(
        starts_at=at("2027-01-01 12:00"),
        ends_at=at("2028-01-01 12:00"),
        status=fields.pop("status", "active"),
        premiums=premiums,
        **fields,
    )


def paid(premium: Premium, when: str) -> Premium:
    return Premium(premium.due_on, premium.first, ((at(when), None),), premium.claimed_at)


def returned(premium: Premium, *spans: tuple[str, str | None]) -> Premium:
    """Paid from, until the bank took it back."""
    between = tuple((at(since), None if until is None else at(until)) for since, until in spans)
    return Premium(premium.due_on, premium.first, between)


@pytest.mark.parametrize(
    ("of", "when", "answer", "why", "until"),
    [
        # the hours of the day it begins and ends
        (contract(), "2027-01-01 11:59", "not_in_force", "before_effect", None),
        (contract(), "2027-01-01 12:00", "covered", None, None),
        (contract(), "2028-01-01 11:59", "covered", None, None),
        (contract(), "2028-01-01 12:00", "not_in_force", "ended", None),
        (contract(ended_at=at("2027-06-01")), "2027-05-31 23:59", "covered", None, None),
        (contract(ended_at=at("2027-06-01")), "2027-06-01 00:00", "not_in_force", "ended", None),
        (contract(status="proposal"), "2027-05-01", "ask_insurer", "not_issued", None),
        # beyond a term that renews by itself
        (contract(renews=True), "2028-01-01 11:59", "covered", None, None),
        (contract(renews=True), "2028-01-01 12:00", "ask_insurer", "renewal_unconfirmed", None),
        (contract(renews=True, ended_at=at("2027-06-01")), "2028-02-01", "not_in_force", "ended",
         None),
        (contract(LATER, renews=True), "2028-02-01", "not_in_force", "extinct", None),
        (contract(paused=((at("2027-05-01"), None),)), "2027-04-30 23:59", "covered", None, None),
        (contract(paused=((at("2027-05-01"), None),)), "2027-05-01", "suspended",
         "suspended_by_agreement", None),
        (contract(paused=((at("2027-05-01"), at("2027-06-01")),)), "2027-05-31 23:59", "suspended",
         "suspended_by_agreement", "2027-06-01"),
        (contract(paused=((at("2027-05-01"), at("2027-06-01")),)), "2027-06-01", "covered", None,
         None),
        # cancelled, and put back in force
        (contract(ended=((at("2027-05-01"), at("2027-06-01")),)), "2027-05-31 23:59",
         "not_in_force", "ended", None),
        (contract(ended=((at("2027-05-01"), at("2027-06-01")),)), "2027-06-01", "covered", None,
         None),
        # the first premium
        (contract(FIRST), "2027-01-01 23:59", "covered", None, None),
        (contract(FIRST), "2027-01-02 00:00", "ask_insurer", "first_premium_unpaid", None),
        (contract(FIRST, first_premium_agreed=True), "2027-02-01", "covered", None, None),
        (contract(paid(FIRST, "2027-01-10")), "2027-01-05", "ask_insurer",
         "first_premium_unpaid", None),
        (contract(paid(FIRST, "2027-01-10")), "2027-01-11", "covered", None, None),
        # a later one: a month, then nothing until 24 hours after payment
        (contract(LATER), "2027-03-01 23:59", "covered", None, None),  # its due day is the payer's
        (contract(LATER), "2027-03-02 00:00", "grace_until", "premium_unpaid", "2027-04-02"),
        (contract(LATER), "2027-04-01 23:59", "grace_until", "premium_unpaid", "2027-04-02"),
        (contract(LATER), "2027-04-02 00:00", "suspended", "premium_unpaid", None),
        (contract(paid(LATER, "2027-03-20 10:00")), "2027-04-02", "covered", None, None),
        (contract(paid(LATER, "2027-03-20 10:00")), "2027-03-10", "grace_until",
         "premium_unpaid", "2027-04-02"),
        (contract(paid(LATER, "2027-04-10 10:00")), "2027-04-09", "suspended", "premium_unpaid",
         "2027-04-11 10:00"),
        (contract(paid(LATER, "2027-04-10 10:00")), "2027-04-11 09:59", "suspended",
         "premium_unpaid", "2027-04-11 10:00"),
        (contract(paid(LATER, "2027-04-10 10:00")), "2027-04-11 10:00", "covered", None, None),
        # six months in which the insurer claims nothing
        (contract(LATER), "2027-09-01 23:59", "suspended", "premium_unpaid", None),
        (contract(LATER), "2027-09-02 00:00", "not_in_force", "extinct", None),
        (contract(Premium(LATER.due_on, False, (), at("2027-05-01"))), "2027-10-01", "suspended",
         "premium_unpaid", None),
        (contract(paid(LATER, "2027-10-01")), "2027-10-05", "not_in_force", "extinct", None),
        # collected in time, and taken back seven months later
        *(
            (contract(returned(LATER, ("2027-03-05", "2027-10-05"))), *case)
            for case in (
                ("2027-03-03", "grace_until", "premium_unpaid", "2027-04-02"),
                ("2027-06-01", "covered", None, None),
                ("2027-10-04 23:59", "covered", None, None),
                ("2027-10-05", "suspended", "premium_unpaid", None),
                ("2027-12-31", "suspended", "premium_unpaid", None),
            )
        ),
        (contract(returned(FIRST, ("2027-01-02", "2027-02-01"))), "2027-01-31", "covered", None,
         None),
        (contract(returned(FIRST, ("2027-01-02", "2027-02-01"))), "2027-02-01", "ask_insurer",
         "first_premium_unpaid", None),
        # paid for less than the 24 hours that bring cover back, then for good
        *(
            (contract(returned(
                LATER, ("2027-05-01 10:00", "2027-05-02 09:00"), ("2027-06-01 10:00", None)
            )), *case)
            for case in (
                ("2027-05-01 12:00", "suspended", "premium_unpaid", "2027-06-02 10:00"),
                ("2027-06-02 10:00", "covered", None, None),
            )
        ),
        # two premiums: the one that promises less
        (contract(LATER, Premium(date(2027, 3, 20), False)), "2027-03-25", "grace_until",
         "premium_unpaid", "2027-04-02"),
    ],
)  # fmt: skip
def test_coverage(of: Contract, when: str, answer: str, why: str | None, until: str | None) -> None:
    given_ = check_coverage(of, at(when), MADRID, LAW)
    assert (given_.answer, given_.why) == (answer, why)
    assert given_.until == (None if until is None else at(until))


def test_what_coverage_notes() -> None:
    of = contract(covers=("fire", "water"), endorsed_since=True)
    assert check_coverage(of, at("2027-02-01"), MADRID, LAW, "theft").answer == "ask_insurer"
    fine = check_coverage(of, at("2027-02-01"), MADRID, LAW, "water")
    assert (fine.answer, fine.notes) == ("covered", ("endorsed_since",))


def test_a_month_after_the_31st_ends_with_the_month() -> None:
    premium = Premium(date(2027, 1, 31), False)
    assert (
        check_coverage(contract(premium), at("2027-02-28 12:00"), MADRID, LAW).answer
        == "grace_until"
    )
    assert (
        check_coverage(contract(premium), at("2027-03-01 00:00"), MADRID, LAW).answer == "suspended"
    )


def version(number: int, effect: str, known: str, **changes: Any) -> Version:
    return Version(number, at(effect), at(known), changes)


def test_terms_over_two_times() -> None:
    versions = [
        version(1, "2027-01-01", "2026-12-20", plate="1111AAA", premium=400),
        version(2, "2027-03-15", "2027-03-15", premium=450),
        version(3, "2027-03-10", "2027-03-20", plate="2222BBB", premium=430),
    ]
    as_known = terms_at(versions, at("2027-03-12"), at("2027-03-12"))
    assert as_known == {"plate": "1111AAA", "premium": 400}
    assert terms_at(versions, at("2027-03-12"), at("2027-04-01"))["plate"] == "2222BBB"
    # the later effect stands, whatever became known after it
    now = terms_at(versions, at("2027-04-01"), at("2027-04-01"))
    assert now == {"plate": "2222BBB", "premium": 450}
    assert terms_at(versions, at("2026-01-01"), at("2028-01-01")) == {}


@given(st.permutations(range(6)), st.integers(0, 10), st.integers(0, 10))
def test_terms_do_not_depend_on_the_order_of_rows(
    order: list[int], effect: int, known: int
) -> None:
    day = datetime(2027, 1, 1, tzinfo=MADRID)
    versions = [
        Version(n, day + timedelta(days=n * 7 % 5), day + timedelta(days=n), {"a": n, f"b{n}": n})
        for n in range(6)
    ]
    then, by = day + timedelta(days=effect), day + timedelta(days=known)
    assert terms_at([versions[n] for n in order], then, by) == terms_at(versions, then, by)


NEXT = {
    "active": ("suspension", "cancellation"),
    "suspended": ("resumption", "cancellation"),
    "cancelled": ("reinstatement",),
}
AFTER = {
    "suspension": "suspended",
    "cancellation": "cancelled",
    "resumption": "active",
    "reinstatement": "active",
}
ANSWERS = {"active": "covered", "suspended": "suspended", "cancelled": "not_in_force"}


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(0, 1)), max_size=8), st.integers(0, 200))
def test_cover_at_an_instant_is_that_of_the_state_then(
    steps: list[tuple[int, int]], asked: int
) -> None:
    """Whatever comes later, and whatever holds today."""
    state, day, versions = "active", at("2027-01-01 12:00"), []
    states = [(day, state)]
    for number, (days, pick) in enumerate(steps, 1):
        kind = NEXT[state][pick % len(NEXT[state])]
        state, day = AFTER[kind], day + timedelta(days=days)
        versions.append(Version(number, day, day, {}, kind))
        states.append((day, state))
    instant_ = at("2027-01-01 12:00") + timedelta(days=asked)
    then = [each for since, each in states if since <= instant_][-1]
    ended, paused = breaks(versions)
    answer = check_coverage(contract(ended=ended, paused=paused), instant_, MADRID, LAW)
    assert answer.answer == ANSWERS[then]
    before = breaks([each for each in versions if each.effective_at <= instant_])
    as_then = check_coverage(contract(ended=before[0], paused=before[1]), instant_, MADRID, LAW)
    assert as_then.answer == answer.answer


@pytest.mark.parametrize(
    ("end", "months", "last", "ours", "insurer"),
    [
        (date(2027, 7, 15), 1, date(2027, 6, 15), date(2027, 6, 8), date(2027, 5, 15)),
        (date(2027, 3, 31), 1, date(2027, 2, 28), date(2027, 2, 22), date(2027, 1, 31)),
        (date(2027, 5, 1), 1, date(2027, 4, 1), date(2027, 3, 24), date(2027, 3, 1)),  # Easter
        (date(2028, 3, 31), 1, date(2028, 2, 29), date(2028, 2, 22), date(2028, 1, 31)),
        (date(2027, 7, 15), 2, date(2027, 5, 15), date(2027, 5, 10), date(2027, 5, 15)),
    ],
)
def test_renewal_days(end: date, months: int, last: date, ours: date, insurer: date) -> None:
    dates = renewal_calendar(end, months, LAW)
    assert (dates.last_day, dates.our_last_day, dates.insurer_last_day) == (last, ours, insurer)


def test_a_time_of_the_law_holds_from_its_day_on() -> None:
    changed = Law.of([Period("insurer_notice_months", "*", date(2028, 1, 1), 3), *PERIODS])
    days = {
        end: renewal_calendar(end, 1, changed).insurer_last_day
        for end in (date(2027, 12, 31), date(2028, 1, 1), date(1970, 3, 1))
    }
    assert list(days.values()) == [date(2027, 10, 31), date(2027, 10, 1), date(1970, 1, 1)]
    assert changed.length("withdrawal_days", date(2028, 1, 1), "life") == 30
    with pytest.raises(KeyError):
        Law.of([]).length("grace_months", date(2028, 1, 1))


def test_the_four_moments_each_once() -> None:
    end = date(2027, 7, 15)
    dates = renewal_calendar(end, 1, LAW)
    assert dict(dates.moments) == {
        "d75": date(2027, 5, 1),
        "d60": date(2027, 5, 16),
        "d45": date(2027, 5, 31),
        "last_days": date(2027, 6, 3),
    }
    told: list[str] = []
    heard = []
    for number in range(200):
        today = date(2027, 4, 1) + timedelta(days=number)
        moment = moment_due(dates, told, today, end)
        if moment is not None:
            told.append(moment)
            heard.append((moment, today))
    assert heard == list(dates.moments)
    # one that comes late hears only of the latest
    assert moment_due(dates, [], date(2027, 6, 1), end) == "d45"
    assert moment_due(dates, ["d45"], date(2027, 6, 1), end) is None
    assert moment_due(dates, [], end, end) is None


@pytest.mark.parametrize(
    ("start", "end", "then"),
    [
        (date(2027, 1, 1), date(2028, 1, 1), date(2029, 1, 1)),
        (date(2027, 1, 31), date(2027, 7, 31), date(2028, 1, 31)),
        (date(2027, 1, 10), date(2027, 3, 3), date(2028, 3, 3)),  # an odd first term, then years
    ],
)
def test_the_next_term(start: date, end: date, then: date) -> None:
    assert next_term(start, end) == then
    assert tacit_term(start, end, LAW) == then


def test_silence_makes_no_more_than_a_year() -> None:
    two_years = (date(2027, 1, 1), date(2029, 1, 1))
    assert next_term(*two_years) == date(2031, 1, 1)
    assert tacit_term(*two_years, LAW) == date(2030, 1, 1)


YEAR = (date(2027, 1, 1), date(2028, 1, 1))
LEAP = (date(2028, 1, 1), date(2029, 1, 1))


@pytest.mark.parametrize(
    ("reason", "term", "effect", "on_request", "rule", "amount"),
    [
        ("non_renewal", YEAR, date(2028, 1, 1), False, "none", "0.00"),
        ("total_loss", YEAR, date(2027, 2, 1), False, "none", "0.00"),
        ("policyholder_wish", YEAR, date(2027, 2, 1), False, "none", "0.00"),
        ("distance_withdrawal", YEAR, date(2027, 1, 11), False, "full", "365.00"),
        ("distance_withdrawal", YEAR, date(2027, 1, 11), True, "full_less_days", "355.00"),
        ("insurer_terminates", YEAR, date(2027, 1, 1), False, "unearned_days", "365.00"),
        ("insurer_terminates", YEAR, date(2027, 12, 31), False, "unearned_days", "1.00"),
        ("insurer_terminates", YEAR, date(2028, 1, 1), False, "unearned_days", "0.00"),
        ("insurer_terminates", LEAP, date(2028, 7, 1), False, "unearned_days", "183.50"),
        ("sale_of_risk", YEAR, date(2027, 2, 1), False, "insurer_decides", None),
        ("death", YEAR, date(2027, 2, 1), False, "insurer_decides", None),
        ("non_payment", YEAR, date(2027, 2, 1), False, "insurer_decides", None),
    ],
)
def test_refunds(
    reason: Reason,
    term: tuple[date, date],
    effect: date,
    on_request: bool,
    rule: str,
    amount: str | None,
) -> None:
    paid = Decimal(365)
    estimate = refund(reason, paid, paid, *term, effect, cover_on_request=on_request)
    assert estimate.rule == rule
    assert estimate.amount == (None if amount is None else Decimal(amount))


@given(
    st.sampled_from(sorted(REFUND_RULES)),
    st.decimals(0, 10**6, places=2),
    st.decimals(0, 10**6, places=2),
    st.integers(-10, 400),
    st.booleans(),
)
def test_a_refund_is_never_more_than_was_paid(
    reason: Reason, sum_paid: Decimal, premium: Decimal, day: int, on_request: bool
) -> None:
    estimate = refund(
        reason, sum_paid, premium, *YEAR, YEAR[0] + timedelta(days=day), cover_on_request=on_request
    )
    assert estimate.amount is None or 0 <= estimate.amount <= sum_paid


@pytest.mark.parametrize(
    ("premium", "frequency", "paid", "end", "days", "amount"),
    [
        ("1200", "monthly", "100", date(2028, 1, 1), 30, "1.37"),  # 100 − 1200 · 30 / 365
        ("1200", "monthly", "100", date(2028, 1, 1), 31, "0.00"),  # more used than paid
        ("900", "single", "900", date(2030, 1, 1), 365, "600.27"),  # of 1096 days
        ("300", "annual", "300", date(2030, 1, 1), 100, "217.88"),  # a year of three
        ("90", "single", "90", date(2027, 4, 1), 30, "60.00"),  # of 90 days
        ("90", "annual", "90", date(2027, 4, 1), 30, "60.00"),
    ],
)
def test_what_was_paid_beyond_the_days_that_were_covered(
    premium: str, frequency: str, paid: str, end: date, days: int, amount: str
) -> None:
    start = date(2027, 1, 1)
    whole = term_premium(Decimal(premium), frequency, start, end)
    effect = start + timedelta(days=days)
    estimate = refund("insurer_terminates", Decimal(paid), whole, start, end, effect)
    assert estimate.amount == Decimal(amount)


def test_withdrawal() -> None:
    assert withdrawal_ends(date(2027, 3, 1), "home", LAW) == date(2027, 3, 15)
    assert withdrawal_ends(date(2027, 3, 1), "life", LAW) == date(2027, 3, 31)


RATES = [
    Rate("ips", "*", date(2000, 1, 1), Decimal("0.06")),
    Rate("ips", "*", date(2021, 1, 1), Decimal("0.08")),
    Rate("ips", "life", date(2021, 1, 1), Decimal(0)),
    Rate("ips", "health", date(2021, 1, 1), Decimal(0)),
    Rate("ips_rider", "life", date(2021, 1, 1), Decimal("0.08")),
    Rate("extraordinary", "home", date(2018, 7, 1), Decimal("0.00007")),
    Rate("extraordinary", "auto", date(2018, 7, 1), flat=Decimal("2.10")),
    Rate("compulsory_motor", "auto", date(2016, 1, 1), Decimal("0.015")),
    Rate("winding_up", "*", date(2004, 1, 1), Decimal("0.0015")),
    Rate("winding_up", "life", date(2004, 1, 1), Decimal(0)),
    Rate("instalment_monthly", "*", date(2000, 1, 1), Decimal("0.05")),
]


@pytest.mark.parametrize(
    ("line", "net", "frequency", "parts", "lines"),
    [
        ("home", "200", "annual", {"capital": "150000"},
         {"net": "200.00", "ips": "16.00", "extraordinary": "10.50", "winding_up": "0.30"}),
        ("home", "200", "monthly", {"capital": "150000"},
         {"net": "200.00", "instalment": "10.00", "ips": "16.80", "extraordinary": "10.50",
          "winding_up": "0.30"}),
        ("auto", "400", "annual", {"compulsory": "180"},
         {"net": "400.00", "ips": "32.00", "extraordinary": "2.10", "compulsory_motor": "2.70",
          "winding_up": "0.60"}),
        ("life", "300", "annual", {}, {"net": "300.00"}),
        ("life", "300", "annual", {"rider": "50"}, {"net": "300.00", "ips": "4.00"}),
        ("health", "600", "annual", {}, {"net": "600.00", "winding_up": "0.90"}),
    ],
)  # fmt: skip
def test_premium_lines(
    line: str, net: str, frequency: str, parts: dict[str, str], lines: dict[str, str]
) -> None:
    made = premium_lines(
        line, Decimal(net), frequency, rates_on(RATES, date(2027, 1, 1)),
        **{name: Decimal(value) for name, value in parts.items()},
    )  # fmt: skip
    assert {each.kind: str(each.amount) for each in made} == lines
    assert total(made) == sum(map(Decimal, lines.values()))


def test_rates_hold_from_their_day_on() -> None:
    before = premium_lines("home", Decimal(100), "annual", rates_on(RATES, date(2020, 12, 31)))
    after = premium_lines("home", Decimal(100), "annual", rates_on(RATES, date(2021, 1, 1)))
    assert [next(e.amount for e in lines if e.kind == "ips") for lines in (before, after)] == [6, 8]


def test_midnight_in_the_hour_that_comes_twice() -> None:
    from crm.policies.model import instant

    assert instant(date(2027, 10, 31), time(2, 30), MADRID).utcoffset() == timedelta(hours=2)


def kept(number: int, since: str, kind: str = "endorsement", **changes: Any) -> Version:
    return Version(number, at(since), at("2026-12-20"), changes, kind)


AHEAD = [
    kept(1, "2027-01-01 12:00", "issue", plate="A", coverage_end_date="2028-01-01"),
    kept(2, "2027-05-01", plate="B"),
    kept(3, "2028-01-01 12:00", "renewal", coverage_end_date="2029-01-01"),
    kept(4, "2027-04-01", plate="C"),
]


@pytest.mark.parametrize(
    ("now", "ended", "plate", "turns"),
    [
        ("2026-12-25", None, "A", "2027-04-01"),  # before it begins: as at its start
        ("2027-03-31 23:59", None, "A", "2027-04-01"),
        ("2027-04-01", None, "C", "2027-05-01"),
        ("2027-05-01", None, "B", None),  # a renewal of the end alone turns nothing
        ("2027-04-10", "2027-05-01", "C", None),  # what ends before is never turned
        ("2027-06-01", "2027-05-01", "C", None),
        ("2027-06-01", "2027-05-02", "B", None),
        ("2027-06-01", "2027-01-01 12:00", "A", None),  # never began
    ],
)
def test_a_row_holds_what_is_agreed_for_now(
    now: str, ended: str | None, plate: str, turns: str | None
) -> None:
    over = at(ended or "2029-01-01 12:00")
    moment = row_moment(at(now), at("2027-01-01 12:00"), over)
    assert terms_at(AHEAD, moment, at("2099-01-01"))["plate"] == plate
    found = next_turn(AHEAD, moment, over)
    assert found == (None if turns is None else at(turns))


def test_a_contract_is_agreed_until_the_end_that_was_said_last() -> None:
    assert agreed_until(AHEAD) == {"coverage_end_date": "2029-01-01"}
    back = kept(5, "2028-01-01 12:00", coverage_end_date="2028-01-01")
    further = kept(4, "2029-01-01 12:00", "renewal", coverage_end_date="2030-01-01")
    assert agreed_until([*AHEAD[:3], further]) == {"coverage_end_date": "2030-01-01"}
    assert agreed_until([*AHEAD[:3], further, back]) == {"coverage_end_date": "2028-01-01"}
