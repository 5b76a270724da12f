"""Every figure's definition with the worked example of docs/metrics.md."""

from __future__ import annotations

import pytest

from contactcenter.analytics import metrics
from contactcenter.analytics.ledger import Ledger, Reader
from contactcenter.analytics.metrics import (
    FIGURES,
    SERVICE_LEVEL,
    Spent,
    Tally,
    Thresholds,
    formula,
    half_hour,
)
from contactcenter.events.agents import AgentPresenceChanged
from tests.unit.analytics.day import BASE_MS, Day, agent_id

HALF = metrics.HALF_HOUR_MS


def metrics_reader(ledger: Ledger) -> Reader:
    return Reader(ledger, {})


def ten_calls() -> Day:
    """Ten calls: six answered in 20 s, one in 44 s, one short and one long abandon, one waiting.

    A callback of the same morning leaves the queue after 12 s.
    """
    day = Day()
    for start, wait in ((0, 0), (10, 5), (20, 8), (30, 12), (40, 20), (50, 15)):
        day.answer(day.enter(start), "Lucía", start + wait)
    day.answer(day.enter(60), "Lucía", 104)
    day.leave(day.enter(70), 73)
    day.leave(day.enter(80), 150)
    day.enter(200)
    day.leave(day.enter(210), 222, outcome="callback")
    return day


def test_counts_are_of_visits() -> None:
    n = ten_calls().tally(until_s=226)
    assert (n.offered, n.answered, n.abandoned, n.short, n.waiting) == (11, 7, 2, 1, 1)
    assert (n.answered_in, n.abandoned_in, n.callback_in, n.waiting_late) == (6, 1, 1, 1)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("centre", (6, 7 + 2 - 1 + 1)),  # the caller waiting 26 s is a miss at once
        ("connect", (6 + 1 + 1, 11)),  # the short abandon and the callback count as served
        ("asterisk", (6, 7)),
        ("asterisk_sl2", (6 + 1, 7 + 2)),
    ],
)
def test_service_level_by_four_names(name: str, ratio: tuple[int, int]) -> None:
    assert SERVICE_LEVEL[name].read(ten_calls().tally(until_s=226)) == ratio


def test_the_default_comes_first_and_there_are_four() -> None:
    assert list(SERVICE_LEVEL) == ["centre", "connect", "asterisk", "asterisk_sl2"]
    assert next(iter(SERVICE_LEVEL)) == metrics.DEFAULT_FORMULA


def test_whoever_waits_within_the_target_is_no_miss_yet() -> None:
    day = ten_calls()
    assert day.tally(until_s=220).waiting_late == 0
    assert day.tally(until_s=220.001).waiting_late == 1


def test_a_message_left_in_the_chat_is_no_chat() -> None:
    """Left at night, taken after six hours and worked on for a minute; beside it one chat."""
    day = Day()
    day.sign_in("Lucía", 20_000)
    left = day.enter(0, channel="chat", band=3)
    day.enter(1, channel="chat", band=3)
    chat = day.enter(21_000, channel="chat")
    day.answer(chat, "Lucía", 21_030)
    day.answer(left, "Lucía", 21_600)
    day.wrap(left, 25_200)
    day.done(left, 25_210)
    ledger = day.ledger()
    reader = Reader(ledger, {})
    now = BASE_MS + 26_000_000

    def line(name: str) -> Tally:
        return sum((reader.tally(k, now) for k in ledger.cells if k[2] == name), Tally())

    chats, messages = line("chat"), line("message")
    assert (chats.offered, chats.answered, chats.waiting, chats.waiting_late) == (1, 1, 0, 0)
    assert formula("service_level").read(chats) == (1, 1)
    assert formula("asa").read(chats) == (30_000, 1)
    assert (messages.offered, messages.answered_in, messages.waiting) == (2, 1, 1)
    assert messages.waiting_late == 0, "the target of a mail"
    assert messages.handle_ms == 120_000 + 10_000, "as of written work: cut after the last input"
    assert messages.talk_ms == 3_600_000


def test_limits_are_applied_when_read() -> None:
    day = ten_calls()
    strict = Thresholds({"voice": 10_000}, short_ms=80_000)
    n = day.tally(until_s=226, limits=strict)
    assert (n.answered_in, n.short, n.abandoned) == (3, 2, 2)
    assert SERVICE_LEVEL["centre"].read(n) == (3, 7 + 2 - 2 + 1)


def test_short_is_under_the_limit_not_at_it() -> None:
    day = Day()
    day.leave(day.enter(0), 4.999)
    day.leave(day.enter(10), 15)
    assert day.tally(until_s=60).short == 1


def test_abandonment_leaves_short_ones_out_of_both() -> None:
    assert FIGURES["abandonment"].read(ten_calls().tally(226)) == (2 - 1, 11 - 1)


def test_speed_of_answer_and_abandon_time() -> None:
    n = ten_calls().tally(226)
    assert FIGURES["asa"].read(n) == ((0 + 5 + 8 + 12 + 20 + 15 + 44) * 1000, 7)
    assert FIGURES["abandon_time"].read(n) == ((3 + 70) * 1000, 2)


def test_a_moved_visit_is_neither_answered_nor_abandoned() -> None:
    day = Day()
    item = day.enter(0)
    day.leave(item, 90, outcome="moved")
    again = day.enter(90, queue="PR", entry="overflow", item=item)
    day.answer(again, "Carmen", 95)
    n = day.tally(100)
    assert (n.offered, n.moved, n.moved_in, n.answered) == (2, 1, 1, 1)
    assert SERVICE_LEVEL["centre"].read(n) == (1, 1)
    assert FIGURES["asa"].read(n) == (5_000, 1)  # per visit: the first wait is not carried over


def test_an_estimate_is_held_against_the_wait_from_then_on() -> None:
    day = Day()
    for wait_s, told_s in ((41, 35), (31, 60), (121, 50)):  # off by 5 s, 30 s, 70 s
        item = day.enter(0)
        day.estimate(item, 1, told_s)
        day.estimate(item, 2, 999)  # the first one counts
        day.answer(item, "Lucía", wait_s)
    gone = day.enter(0)
    day.estimate(gone, 1, 20)
    day.leave(gone, 90)  # how long it would have been nobody knows
    day.answer(day.enter(0), "Lucía", 1)  # told nothing
    n = day.tally(200)
    assert FIGURES["estimate_error"].read(n) == (105_000, 3)
    assert metrics.off_counts(n) == [1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_visit_belongs_to_the_half_hour_it_entered() -> None:
    day = Day()
    day.answer(day.enter(1799), "Lucía", 1810)
    ledger = day.ledger()
    assert list(ledger.cells) == [(BASE_MS, "SA", "voice")]


def test_handling_of_a_call_is_talk_hold_and_wrap_up() -> None:
    day = Day()
    item = day.enter(0)
    day.answer(item, "Lucía", 10)
    day.hold(item, 100)
    day.resume(item, 130)
    day.wrap(item, 310)
    assert day.tally(400).handled == 0  # the wrap-up still runs
    day.done(item, 370)
    n = day.tally(400)
    assert (n.talk_ms, n.hold_ms, n.wrap_ms) == (270_000, 30_000, 60_000)
    assert FIGURES["aht"].read(n) == (360_000, 1)


def test_handling_of_a_chat_is_wall_time_and_wrap_up() -> None:
    day = Day()
    item = day.enter(0, channel="chat")
    day.answer(item, "Olga", 5)
    day.park(item, 305)  # five minutes without the customer
    day.resume(item, 505)
    day.wrap(item, 605)
    day.done(item, 620)
    assert FIGURES["aht"].read(day.tally(700)) == (615_000, 1)


def test_handling_of_deferred_work_stops_120_s_after_the_last_input() -> None:
    day = Day()
    item = day.enter(0, channel="email")
    day.answer(item, "Hugo", 100)
    day.write(item, 160)  # 60 s
    day.write(item, 460)  # 300 s without input: 120 s
    day.park(item, 490)  # 30 s, and parked work does not count
    day.resume(item, 4_090)
    day.wrap(item, 4_130)  # 40 s
    day.done(item, 4_140)  # 10 s
    assert FIGURES["aht"].read(day.tally(4_200)) == (260_000, 1)


SIDE_BY_SIDE = {
    "written in turn, and nothing counts twice": (
        "0 A answer, 0 B answer, 60 A write, 120 B write, 180 A wrap, 190 A done, 200 B close",
        {"A": 60 + 10, "B": 60 + 60},
    ),
    "each stretch is cut after 120 s all the same": (
        "0 A answer, 300 B answer, 500 A write, 520 A wrap, 530 A done, 540 B close",
        {"A": 120 + 20 + 10, "B": 120},
    ),
    "a call takes the agent away from a message": (
        "0 A answer, 30 call answer, 90 call wrap, 95 call done, 100 A write, 130 A close",
        {"A": 30 + 30, "call": 65},
    ),
    "whose customer writes waits until the agent turns to it": (
        "0 A answer, 10 A park, 20 B answer, 40 A customer, 50 B write, 80 A write, 90 A close",
        {"A": 10 + 10, "B": 30 + 30},
    ),
    "whose customer writes is read at once by an agent who is at nothing else": (
        "0 A answer, 10 A park, 20 B answer, 200 A customer, 230 A write, 240 A close, 240 B close",
        {"A": 10 + 30 + 10, "B": 120},
    ),
    "one that ends by itself takes nobody from another": (
        "0 A answer, 10 B answer, 30 A close, 50 B close",
        {"A": 10, "B": 40},
    ),
    "a colleague's input is the colleague's": (
        "0 A answer, 20 hers answer, 40 hers write, 60 A close, 70 hers close",
        {"A": 60, "hers": 50},
    ),
}


@pytest.mark.parametrize("case", SIDE_BY_SIDE)
def test_deferred_work_lasts_until_the_next_input_in_another_conversation(case: str) -> None:
    acts, expected = SIDE_BY_SIDE[case]
    day = Day()
    items = {
        name: day.enter(0, channel="voice" if name == "call" else "chat", band=3)
        for name in expected
    }
    for act in acts.split(", "):
        seconds, name, what = act.split()
        if what == "answer":
            day.answer(items[name], "Nerea" if name == "hers" else "Olga", int(seconds))
        elif what == "customer":
            day.resume(items[name], int(seconds), cause="customer")
        else:
            getattr(day, what)(items[name], int(seconds))
    parts = day.ledger().handlings
    handled = {name: parts[item.segment_id].handle_ms for name, item in items.items()}
    assert handled == {name: 1000 * seconds for name, seconds in expected.items()}


def test_a_close_without_wrap_up_ends_the_handling() -> None:
    day = Day()
    item = day.enter(0, channel="chat")
    day.answer(item, "Olga", 5)
    day.close(item, 65)
    ledger = day.ledger()
    assert FIGURES["aht"].read(day.tally(70)) == (60_000, 1)
    assert ledger.agents[agent_id("Olga")].open == {}


def test_a_customer_who_writes_during_wrap_up_makes_it_talk_again() -> None:
    day = Day()
    item = day.enter(0, channel="chat")
    day.answer(item, "Olga", 0)
    day.wrap(item, 60)
    day.resume(item, 70)
    day.wrap(item, 100)
    day.done(item, 105)
    n = day.tally(200)
    assert (n.talk_ms, n.wrap_ms, n.handled) == (90_000, 15_000, 1)


def test_a_transfer_ends_one_part_and_the_next_visit_has_its_own() -> None:
    day = Day()
    item = day.enter(0)
    day.answer(item, "Lucía", 10)
    day.transfer(item, 70, to="PR")
    again = day.enter(70, queue="PR", entry="transfer", item=item)
    day.answer(again, "Carmen", 80)
    day.wrap(again, 180)
    day.done(again, 200)
    n = day.tally(300)
    assert (n.offered, n.moved_in, n.answered, n.handled) == (2, 1, 2, 2)
    assert FIGURES["aht"].read(n) == (60_000 + 120_000, 2)


def test_a_wrap_up_that_ran_out_is_counted() -> None:
    day = Day()
    for begin, timed_out in ((0, True), (200, False)):
        call = day.enter(begin)
        day.answer(call, "Lucía", begin)
        day.wrap(call, begin + 60)
        day.done(call, begin + 120, timed_out=timed_out)
    n = day.tally(400)
    assert (n.handled, n.wrap_lapsed, n.wrap_ms) == (2, 1, 120_000)
    assert FIGURES["wrap_lapsed"].read(n) == (1, 2)


def test_non_response_is_offers_timed_out_of_offers_made() -> None:
    day = Day()
    item = day.enter(0)
    day.ring(item, "Lucía", 0)
    day.miss(item, 15)
    day.ring(item, "Marcos", 15)
    day.answer(item, "Marcos", 18)
    assert FIGURES["non_response"].read(day.tally(20)) == (1, 2)


def test_occupancy_is_contact_and_wrap_up_of_that_and_idle_ringing_left_out() -> None:
    day = Day()
    day.sign_in("Lucía", 0)
    item = day.enter(600)
    day.ring(item, "Lucía", 600)
    day.answer(item, "Lucía", 610)
    day.wrap(item, 1_010)
    day.done(item, 1_070)
    ledger = day.ledger()
    spent = ledger.agents[agent_id("Lucía")].during(BASE_MS, BASE_MS + HALF, BASE_MS + HALF)
    assert spent == Spent(
        on_contact=400_000,
        wrap_up=60_000,
        ringing=10_000,
        available=1_330_000,
        units_used=470_000 * 100,
        units_offered=1_800_000 * 100,
    )
    assert metrics.occupancy(spent) == (460_000, 460_000 + 1_330_000)
    assert metrics.utilisation(spent) == (47_000_000, 180_000_000)


def test_one_chat_or_four_is_occupied_once_but_uses_more_units() -> None:
    day = Day()
    day.sign_in("Olga", 0)
    for _ in range(4):
        day.answer(day.enter(0, channel="chat"), "Olga", 0)
    spent = day.ledger().agents[agent_id("Olga")].during(BASE_MS, BASE_MS + HALF, BASE_MS + 60_000)
    assert metrics.occupancy(spent) == (60_000, 60_000)
    assert metrics.utilisation(spent) == (60_000 * 100, 60_000 * 100)


def test_parked_work_is_not_occupied() -> None:
    day = Day()
    day.sign_in("Hugo", 0)
    item = day.enter(0, channel="whatsapp")
    day.answer(item, "Hugo", 0)
    day.park(item, 100)
    agent = day.ledger().agents[agent_id("Hugo")]
    spent = agent.during(BASE_MS, BASE_MS + HALF, BASE_MS + 400_000)
    assert agent.state == "available"
    assert metrics.occupancy(spent) == (100_000, 400_000)


def test_whoever_closed_the_desk_is_offline_whatever_is_parked() -> None:
    day = Day()
    day.sign_in("Hugo", 0)
    item = day.enter(0, channel="chat")
    day.answer(item, "Hugo", 0)
    day.park(item, 100)
    hugo = agent_id("Hugo")
    day.add(400, AgentPresenceChanged(agent_id=hugo, present=False, at=day.at(400)))
    agent = day.ledger().agents[hugo]
    spent = agent.during(BASE_MS, BASE_MS + 2 * HALF, BASE_MS + 2 * HALF)
    assert agent.state == "offline"
    assert (spent.on_contact, spent.available) == (100_000, 300_000)
    assert spent.units_offered == 400_000 * 100


def test_time_is_booked_in_the_half_hour_it_passed() -> None:
    day = Day()
    day.sign_in("Lucía", 1_500)
    item = day.enter(1_700)
    day.answer(item, "Lucía", 1_700)
    day.wrap(item, 1_900)
    day.done(item, 2_000)
    agent = day.ledger().agents[agent_id("Lucía")]
    now = BASE_MS + 3_000_000
    first, second = (
        agent.during(BASE_MS + n * HALF, BASE_MS + (n + 1) * HALF, now) for n in (0, 1)
    )
    assert (first.available, first.on_contact, first.wrap_up) == (200_000, 100_000, 0)
    assert (second.available, second.on_contact, second.wrap_up) == (1_000_000, 100_000, 100_000)
    assert agent.during(BASE_MS, BASE_MS + 2 * HALF, now) == first + second


def test_state_of_an_agent_follows_work_before_will() -> None:
    day = Day()
    who = agent_id("Lucía")
    day.sign_in("Lucía", 0)
    item = day.enter(10)
    day.ring(item, "Lucía", 10)
    day.answer(item, "Lucía", 14)
    day.wrap(item, 20)
    day.status("Lucía", "away", 22)
    day.done(item, 30)
    seen: list[tuple[str, int]] = []
    ledger = Ledger()
    for at_ms, event in day.facts:
        ledger.apply(event, at_ms)
        agent = ledger.agents.get(who)
        if agent is not None and (not seen or seen[-1][0] != agent.state):
            seen.append((agent.state, (agent.state_since_ms - BASE_MS) // 1000))
    assert seen == [
        ("offline", 0),
        ("available", 0),
        ("ringing", 10),
        ("on_contact", 14),
        ("wrap_up", 20),
        ("away", 30),
    ]


def test_half_hours_start_on_the_half_hour() -> None:
    assert half_hour(BASE_MS + 29 * 60_000) == BASE_MS
    assert half_hour(BASE_MS + 30 * 60_000) == BASE_MS + HALF


def callers() -> Day:
    """The law's example of docs/metrics.md, read at 12:00."""
    day = Day()
    for start, wait in ((0, 20), (0, 179.9), (0, 180)):
        day.answer(day.arrive(start), "Lucía", start + wait)
    first = day.arrive(60)
    day.leave(first, 160, outcome="moved")
    day.answer(day.enter(160, queue="PR", entry="overflow", item=first), "Carmen", 250)
    day.leave(day.arrive(100), 103)
    day.leave(day.arrive(100), 220, outcome="callback")
    day.arrive(520)
    day.arrive(660)
    return day


def test_the_laws_clock_is_of_the_whole_call_and_whoever_abandons_counts() -> None:
    n = callers().tally(720)
    assert (n.person_in, n.person, n.no_person, n.person_late, n.person_awaited) == (2, 4, 2, 1, 1)
    assert FIGURES["statutory"].read(n) == (2, 4 + 2 + 1)
    assert n.short == 1  # which the other figures leave out


def test_the_laws_clock_begins_when_the_call_is_there_and_a_person_is_asked_for() -> None:
    day = Day()
    day.answer(day.arrive(0, asks=60), "Lucía", 239)  # a minute before it asks
    day.answer(day.arrive(100, asks=40), "Lucía", 279)  # asked for in advance
    day.answer(day.arrive(100, asks=40), "Lucía", 280)
    assert FIGURES["statutory"].read(day.tally(300)) == (2, 3)


def test_a_call_belongs_to_the_queue_in_which_a_person_was_asked_for() -> None:
    day = Day()
    first = day.arrive(1700)
    day.leave(first, 1810, outcome="moved")
    again = day.enter(1810, queue="PR", entry="overflow", item=first)
    ledger = day.ledger()
    reader = metrics_reader(ledger)
    here, there = (BASE_MS, "SA", "voice"), (BASE_MS + HALF, "PR", "voice")
    assert FIGURES["statutory"].read(reader.tally(here, BASE_MS + 1_879_999)) == (0, 0)
    assert FIGURES["statutory"].read(reader.tally(here, BASE_MS + 1_880_000)) == (0, 1)
    day.answer(again, "Carmen", 1900)
    assert FIGURES["statutory"].read(metrics_reader(day.ledger()).tally(here, HALF)) == (0, 1)
    assert FIGURES["statutory"].read(metrics_reader(day.ledger()).tally(there, HALF)) == (0, 0)


def test_what_is_no_call_from_outside_has_no_law() -> None:
    day = Day()
    for direction in ("outbound", "internal"):
        day.answer(day.arrive(0, direction=direction), "Lucía", 10)
    day.answer(day.arrive(0, channel="chat"), "Lucía", 10)
    day.close(day.arrive(0, asks=None), 5, reason="left_in_ivr")  # never asked for a person
    assert FIGURES["statutory"].read(day.tally(60)) == (0, 0)


def test_a_call_that_is_closed_unanswered_or_waits_again_is_told_by_how_it_ends() -> None:
    day = Day()
    day.close(day.arrive(0), 30, reason="cancelled")
    back = day.arrive(0)
    day.leave(back, 40, outcome="cancelled")
    day.answer(day.enter(50, entry="requeue", item=back), "Lucía", 90)
    transferred = day.arrive(0)
    day.answer(transferred, "Lucía", 20)
    day.transfer(transferred, 300, "PR")
    day.leave(day.enter(300, "PR", entry="transfer", item=transferred), 400)
    n = day.tally(500)
    assert (n.person_in, n.person, n.no_person) == (2, 2, 1)


def test_the_laws_clock_keeps_what_it_had_taken_when_the_centres_clock_is_set() -> None:
    day = Day()
    item = day.arrive(0)
    day.leave(item, 100, outcome="moved")
    again = day.enter(100, queue="PR", entry="overflow", item=item)
    day.set_clock(110, by_s=3600)
    day.answer(again, "Carmen", 3780 - 10)
    assert FIGURES["statutory"].read(day.tally(4000)) == (1, 1)
