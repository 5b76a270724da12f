"""The order of waiting items: band, front, score, virtual start, id; and whose place is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.items import inherit_place, new_item, transferred
from routing.core.model import (
    HOUR,
    MINUTE,
    SECOND,
    Band,
    Channel,
    Constants,
    Entry,
    Outcome,
    config_faults,
)
from tests.unit.routing.centre import START, Centre, agent, queue


@pytest.mark.parametrize(
    ("changes", "waited", "score"),
    [
        ({}, 0, 50_000),
        ({}, SECOND, 52_000),  # 40 points over 20 s: 2 a second
        ({}, 10 * SECOND, 70_000),
        ({}, 20 * SECOND, 90_000),
        ({}, 10 * MINUTE, 90_000),  # saturated
        ({"base": 60, "boost": 20}, SECOND, 61_000),
        ({"target_ms": 8 * HOUR}, 4 * HOUR, 70_000),
        ({}, -5 * SECOND, 50_000),  # a clock that went back
    ],
)
def test_score(changes: dict[str, Any], waited: int, score: int) -> None:
    item = new_item(queue(), Channel.VOICE, id="w", interaction="i", now=START)
    assert replace(item, **changes).score(START + waited) == score


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # what is served first, what second; both wait for one agent
        ({"band": Band.DANGER, "base": 0}, {"base": 1000}),
        ({"channel": Channel.VOICE}, {"channel": Channel.EMAIL, "base": 1000, "age": 48 * HOUR}),
        ({"front": True, "base": 0}, {"base": 1000}),
        ({"base": 60}, {"base": 50}),
        ({"base": 50, "age": 10 * SECOND}, {"base": 60}),
        ({"age": 2 * MINUTE}, {"age": MINUTE}),  # both saturated: who came first
        ({"age": MINUTE}, {"age": MINUTE}),  # the same instant: the lower id
    ],
)
def test_who_is_next(first: dict[str, Any], second: dict[str, Any]) -> None:
    for swapped in (False, True):
        centre = Centre(agent("ana"), away=["ana"])
        for name, given in [("w1", first), ("w2", second)][:: -1 if swapped else 1]:
            settings = dict(given)
            age = settings.pop("age", 0)
            channel = settings.pop("channel", Channel.VOICE)
            centre.arrive(name, channel, virtual_start=centre.now - age, **settings)
        assert centre.engine.line("SA", centre.now) == ["w1", "w2"]
        centre.available("ana")
        assert centre.offers == [("ana", "w1")]


def test_mail_that_is_due_soon_is_served_among_the_live_ones_and_no_other_is() -> None:
    centre = Centre(agent("ana"), away=["ana"])
    due = centre.now + HOUR
    centre.arrive("due", Channel.EMAIL, due_at=due, virtual_start=centre.now - MINUTE)
    centre.arrive("old", Channel.EMAIL, virtual_start=centre.now - 48 * HOUR)
    centre.arrive("call", base=0, boost=0)
    assert centre.engine.line("SA", centre.now) == ["call", "old", "due"]
    centre.after(HOUR - 30 * MINUTE - 1)
    assert centre.all(d.BandRaised) == []
    assert centre.engine.next_deadline() == due - 30 * MINUTE
    centre.after(1)
    assert centre.one(d.BandRaised) == d.BandRaised("due", Band.LIVE)
    assert centre.engine.line("SA", centre.now) == ["due", "call", "old"]
    centre.crash()
    centre.after(HOUR)
    assert centre.all(d.BandRaised) == []
    centre.available("ana")
    assert centre.offers[0] == ("ana", "due")


def test_mail_that_comes_when_it_is_due_already_is_live_at_once() -> None:
    centre = Centre(agent("ana"), away=["ana"])
    centre.arrive("due", Channel.EMAIL, due_at=centre.now - HOUR)
    assert centre.one(d.BandRaised).band is Band.LIVE


def test_nothing_but_mail_changes_its_band() -> None:
    centre = Centre(queue(chat={"max_waiting": 1}), agent("ana"), away=["ana"])
    for channel in (Channel.CHAT, Channel.SMS):
        due = centre.now + 31 * MINUTE
        centre.arrive(channel.value, channel, band=Band.DEFERRED, due_at=due)
    centre.after(2 * MINUTE)
    assert centre.all(d.BandRaised) == []
    centre.arrive("fits", Channel.CHAT)
    assert centre.all(d.MessageOffered) == [], "a message left takes up no place"
    centre.send(i.ItemLeft("chat", Outcome.CANCELLED), i.ItemLeft("fits", Outcome.CANCELLED))
    assert centre.engine.line("SA", centre.now) == ["sms"]


def test_one_caller_never_starves_behind_better_ones() -> None:
    """The boost reaches the spread of bases: a base of 40 overtakes newcomers with 80."""
    centre = Centre(agent("ana"), away=["ana"])
    centre.arrive("old", base=40)
    centre.after(21 * SECOND)
    centre.arrive("new", base=79)
    centre.available("ana")
    assert centre.offers == [("ana", "old")]


def test_a_virtual_start_lies_never_in_the_future() -> None:
    item = new_item(
        queue(), Channel.VOICE, id="w", interaction="i", now=START, virtual_start=START + 1
    )
    assert item.virtual_start == START


def test_after_a_transfer_the_wait_counts_and_the_talk_does_not() -> None:
    first = new_item(queue(), Channel.VOICE, id="w1", interaction="i", now=START)
    # waited 30 s, talked 5 min, then on to another queue
    moved = transferred(
        first,
        id="w2",
        now=START + 330 * SECOND,
        waited_ms=30 * SECOND,
        queue=queue("SH"),
        constants=Constants(),
    )
    assert moved.virtual_start == START + 300 * SECOND
    assert (moved.queue, moved.entry, moved.band) == ("SH", Entry.TRANSFER, Band.LIVE)


def test_a_missed_offer_keeps_the_place() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.after(5 * SECOND)
    centre.arrive("w2")
    centre.after(10 * SECOND)  # ana misses it and is away
    assert centre.one(d.OfferEnded).requeued
    assert centre.engine.line("SA", centre.now) == ["w1", "w2"]


@pytest.mark.parametrize(
    ("gap", "same_queue", "kept"),
    [
        (MINUTE, True, True),
        (10 * MINUTE, True, True),
        (10 * MINUTE + 1, True, False),
        (MINUTE, False, False),
    ],
)
def test_a_returning_customer_gets_the_old_place_back(
    gap: int, same_queue: bool, kept: bool
) -> None:
    """Hung up after 4:00, writes on WhatsApp a minute later: before those who came at 4:30."""
    called = new_item(queue(), Channel.VOICE, id="w1", interaction="i", now=START, base=60)
    left_at = START + 4 * MINUTE
    other = queue() if same_queue else queue("SH")
    now = left_at + gap
    wrote = new_item(other, Channel.WHATSAPP, id="w2", interaction="j", now=now)
    back = inherit_place(wrote, called, left_at, Constants().return_window_ms)
    if kept:
        assert (back.band, back.base, back.target_ms) == (Band.LIVE, 60, 20 * SECOND)
        assert (back.virtual_start, back.entry) == (START, Entry.RETURN)
        between = new_item(
            queue(), Channel.VOICE, id="w3", interaction="k", now=START + 270 * SECOND, base=60
        )
        assert back.order_key(now) < between.order_key(now)
    else:
        assert back == wrote


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ({}, None),
        ({"target_ms": 0}, "above zero"),
        ({"base": -1}, "negative"),
        ({"overflow": "SA"}, "itself"),
    ],
)
def test_faults_of_a_configuration(policy: dict[str, Any], fault: str | None) -> None:
    faults = config_faults(queue(voice=policy))
    assert (fault is None) == (not faults)
    assert fault is None or fault in faults[0]
