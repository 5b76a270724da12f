"""The fold's own properties: order, repetition, sparklines, reading with a memory."""

from __future__ import annotations

from contactcenter.analytics.ledger import SPARK_SLOT_MS, SPARK_SLOTS, Ledger, Peaks, Reader
from contactcenter.analytics.metrics import tally
from tests.unit.analytics.day import BASE_MS, Day, agent_id


def busy_day() -> Day:
    day = Day()
    for who in ("Lucía", "Marcos"):
        day.sign_in(who)
    for n in range(30):
        item = day.enter(n * 97, queue=("SA", "SH", "PR")[n % 3])
        if n % 7 == 3:
            day.leave(item, n * 97 + 2 + n)
            continue
        who = ("Lucía", "Marcos")[n % 2]
        day.ring(item, who, n * 97 + 1)
        day.answer(item, who, n * 97 + 1 + n % 9)
        day.wrap(item, n * 97 + 60)
        day.done(item, n * 97 + 80)
    return day


def test_a_repeated_fact_changes_nothing() -> None:
    day = busy_day()
    once = day.tally(4_000)
    twice = Ledger()
    for at_ms, event in sorted(day.facts, key=lambda fact: fact[0]):
        twice.apply(event, at_ms)
        if type(event).__name__ in {
            "InteractionQueued",
            "ReservationAccepted",
            "InteractionDequeued",
        }:
            twice.apply(event, at_ms)
    reader = Reader(twice, {})
    assert sum((reader.tally(k, BASE_MS + 4_000_000) for k in twice.cells), type(once)()) == once


def test_an_outcome_that_is_none_any_more_is_a_move() -> None:
    day = Day()
    day.leave(day.enter(0), 5, outcome="left_message")
    read = day.tally(4_000)
    assert (read.offered, read.moved, read.abandoned) == (1, 1, 0)


def test_facts_of_unknown_things_are_ignored() -> None:
    day = Day()
    item = day.enter(0)
    day.answer(item, "Lucía", 5)
    day.wrap(item, 10)
    tail = Ledger()
    for at_ms, event in day.facts[1:]:
        tail.apply(event, at_ms)
    assert tail.visits == {}
    assert tail.handlings == {}


def test_the_reader_remembers_only_what_cannot_change_by_itself() -> None:
    day = Day()
    day.answer(day.enter(0), "Lucía", 5)
    day.enter(1_900)
    ledger = day.ledger()
    reader = Reader(ledger, {})
    for now_s in (1_901, 1_930):
        for key, visits in ledger.cells.items():
            now = BASE_MS + now_s * 1000
            assert reader.tally(key, now) == tally(visits.values(), reader.limits(key[1]), now)
    late = [reader.tally(k, BASE_MS + 1_930_000).waiting_late for k in sorted(ledger.cells)]
    assert late == [0, 1]


def test_a_touched_cell_is_counted_again() -> None:
    day = Day()
    item = day.enter(0)
    day.answer(item, "Lucía", 5)
    ledger = day.ledger()
    reader = Reader(ledger, {})
    key = next(iter(ledger.cells))
    assert reader.tally(key, BASE_MS + 60_000).handled == 0
    ledger.touched.clear()
    later = Day()
    later.wrap(item, 50)
    later.done(item, 60)
    for at_ms, event in later.facts:
        ledger.apply(event, at_ms)
    assert ledger.touched == {key}
    reader.forget(ledger.touched)
    assert reader.tally(key, BASE_MS + 60_000).handled == 1


def test_a_sparkline_keeps_the_peak_of_each_slot_of_the_last_hour() -> None:
    peaks = Peaks()
    peaks.step(+1, BASE_MS)
    peaks.step(+1, BASE_MS + 1_000)
    peaks.step(-1, BASE_MS + 2_000)
    peaks.roll(BASE_MS + 2 * SPARK_SLOT_MS)
    assert peaks.values[-3:] == [2, 1, 1]
    peaks.step(-1, BASE_MS + 2 * SPARK_SLOT_MS)
    peaks.roll(BASE_MS + 30 * SPARK_SLOT_MS)
    assert peaks.values == [0] * SPARK_SLOTS


def test_an_offer_that_ends_leaves_nobody_ringing() -> None:
    day = Day()
    day.sign_in("Lucía")
    item = day.enter(10)
    day.ring(item, "Lucía", 10)
    day.miss(item, 25)
    ledger = day.ledger()
    assert ledger.agents[agent_id("Lucía")].state == "available"
    assert ledger.visits[item.work_item_id].ringing == {}
