"""Explanations: the items add up to the operands, and say what became of them."""

from __future__ import annotations

import pytest

from contactcenter.analytics.explain import explain, explain_agents
from contactcenter.analytics.ledger import Reader
from contactcenter.analytics.metrics import COUNTS, FIGURES, HALF_HOUR_MS, SERVICE_LEVEL, Tally
from tests.unit.analytics.day import BASE_MS, Day
from tests.unit.analytics.test_ledger import busy_day
from tests.unit.analytics.test_metrics import ten_calls

NOW = BASE_MS + 4_000_000


@pytest.mark.parametrize("figure", [*FIGURES, *COUNTS])
def test_items_add_up_to_both_operands(figure: str) -> None:
    ledger = busy_day().ledger()
    reader = Reader(ledger, {})
    told = explain(figure, ledger.visits.values(), reader, NOW)
    whole = sum((reader.tally(key, NOW) for key in ledger.cells), Tally())
    if figure in COUNTS:
        assert told.numerator.value == getattr(whole, figure)
    else:
        assert told.denominator is not None
        assert (told.numerator.value, told.denominator.value) == FIGURES[figure].read(whole)
        assert told.denominator.value == sum(item.denominator for item in told.items)
    assert told.numerator.value == sum(item.numerator for item in told.items)


@pytest.mark.parametrize("name", SERVICE_LEVEL)
def test_service_level_by_every_name(name: str) -> None:
    ledger = ten_calls().ledger()
    reader = Reader(ledger, {})
    now = BASE_MS + 226_000
    told = explain("service_level", ledger.visits.values(), reader, now, name)
    whole = sum((reader.tally(key, now) for key in ledger.cells), Tally())
    assert told.denominator is not None
    assert told.formula == name
    assert (told.numerator.value, told.denominator.value) == SERVICE_LEVEL[name].read(whole)


def test_outcomes_are_named_as_people_say_them() -> None:
    ledger = ten_calls().ledger()
    told = explain("offered", ledger.visits.values(), Reader(ledger, {}), BASE_MS + 226_000)
    assert sorted(item.outcome for item in told.items) == sorted(
        ["answered"] * 6
        + ["answered_late", "short_abandon", "abandoned", "waiting_late", "callback"]
    )


def test_a_short_abandon_is_in_neither_operand_of_the_default() -> None:
    ledger = ten_calls().ledger()
    told = explain("service_level", ledger.visits.values(), Reader(ledger, {}), BASE_MS + 226_000)
    outcomes = [item.outcome for item in told.items]
    assert "short_abandon" not in outcomes
    lowering = [item.outcome for item in told.items if item.denominator > item.numerator]
    assert sorted(lowering) == ["abandoned", "answered_late", "waiting_late"]


def test_the_longest_wait_lists_who_waits_in_order() -> None:
    day = Day()
    day.enter(20)
    day.enter(0)
    ledger = day.ledger()
    told = explain("longest_wait", ledger.visits.values(), Reader(ledger, {}), BASE_MS + 60_000)
    assert told.numerator.value == 60_000
    assert [item.waited_ms for item in told.items] == [60_000, 40_000]


@pytest.mark.parametrize("figure", ["occupancy", "utilisation"])
def test_agents_add_up(figure: str) -> None:
    ledger = busy_day().ledger()
    told = explain_agents(
        figure,
        ledger.agents.values(),
        lambda agent: agent.during(BASE_MS, BASE_MS + 3 * HALF_HOUR_MS, NOW),
    )
    assert told.denominator is not None
    assert len(told.shares) == 2
    assert told.numerator.value == sum(share.numerator for share in told.shares)
    assert told.denominator.value == sum(share.denominator for share in told.shares)


def test_an_unknown_figure_is_refused() -> None:
    with pytest.raises(KeyError):
        explain("happiness", [], Reader(Day().ledger(), {}), NOW)


def test_the_laws_figure_tells_of_the_whole_call() -> None:
    day = Day()
    first = day.arrive(0)
    day.leave(first, 100, outcome="moved")
    day.answer(day.enter(100, queue="PR", entry="overflow", item=first), "Carmen", 190)
    day.leave(day.arrive(10), 13)
    day.answer(day.arrive(20), "Lucía", 40)
    day.arrive(300)
    day.arrive(390)
    ledger = day.ledger()
    told = explain("statutory", ledger.visits.values(), Reader(ledger, {}), BASE_MS + 480_000)
    assert (told.kind, told.numerator.value) == ("percent", 1)
    assert told.denominator is not None
    assert told.denominator.value == 4
    assert [(item.outcome, item.waited_ms) for item in told.items] == [
        ("waiting_late", 180_000),
        ("answered", 20_000),
        ("abandoned", 3_000),
        ("answered_late", 190_000),
    ]
