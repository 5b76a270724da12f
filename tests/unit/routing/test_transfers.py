"""Blind transfers that nobody answers, desks that fall silent, legs that drop, limits."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.items import transferred
from routing.core.model import (
    HOUR,
    MINUTE,
    SECOND,
    Band,
    Channel,
    Constants,
    Entry,
    Outcome,
    SegmentState,
)
from tests.unit.routing.centre import Centre, agent, queue

VOICE, CHAT, WHATSAPP, SMS, EMAIL = Channel


def transfer(centre: Centre, name: str, **to: Any) -> None:
    """ana sends it on; her wrap-up begins where the queue wants one."""
    segment = centre.segment(name)
    assert segment.item is not None
    item = transferred(
        segment.item,
        id=f"{name}-on",
        now=centre.now,
        waited_ms=segment.started_at - segment.item.virtual_start,
        queue=centre.config.queues[to.pop("queue", "SA")],
        constants=Constants(),
        from_agent=segment.agent,
        **to,
    )
    centre.close(name)
    centre.send(i.ItemQueued(item))


def test_a_transfer_to_an_agent_is_offered_to_that_agent_only() -> None:
    centre = Centre(agent("ana"), agent("ben"), agent("cid", {"PR": 1}))
    centre.serve("w1")
    transfer(centre, "w1", to_agent="cid")
    assert centre.offers == [("cid", "w1-on")]
    assert centre.one(d.OfferMade).expires_at == centre.now + 15 * SECOND


def test_an_offer_of_a_transfer_ends_with_its_twenty_seconds() -> None:
    centre = Centre(agent("ana"), agent("cid", {"PR": 1}))
    centre.serve("w1", CHAT)
    transfer(centre, "w1", to_agent="cid")
    assert centre.one(d.OfferMade).expires_at == centre.now + 20 * SECOND  # not 30


@pytest.mark.parametrize("how", ["missed", "refused", "absent"])
def test_unanswered_it_comes_back_to_a_free_transferor(how: str) -> None:
    """Free, though still wrapping up this very interaction: that wrap-up is over then."""
    centre = Centre(agent("ana"), agent("ben"), agent("cid", {"PR": 1}))
    assert centre.serve("w1") == "ana"
    if how == "absent":
        centre.silent("cid")
    transfer(centre, "w1", to_agent="cid")
    if how == "missed":
        centre.after(15 * SECOND)
    elif how == "refused":
        centre.reject("w1-on")
    else:
        centre.after(20 * SECOND)
    assert centre.one(d.TransferReturned).to_agent == "ana"
    assert centre.one(d.WrapEnded).reason == "returned"
    given = centre.one(d.ItemAssigned)
    assert (given.how, given.segment.agent) == ("return", "ana")
    assert not given.segment.over_budget


@pytest.mark.parametrize("how", ["away", "silent", "busy"])
def test_otherwise_it_goes_to_the_front_of_its_queue(how: str) -> None:
    centre = Centre(agent("ana"), agent("cid", {"PR": 1}), queue(), queue("PR"))
    centre.serve("w1")
    transfer(centre, "w1", to_agent="cid")
    centre.arrive("w2", base=1000)
    if how == "busy":
        centre.end("w1")
        centre.accept("w2")
        centre.arrive("w3", base=1000)
    else:
        getattr(centre, how)("ana")
    centre.reject("w1-on")
    assert centre.one(d.TransferReturned).to_agent is None
    assert centre.engine.line("SA", centre.now)[0] == "w1-on"


def test_a_transfer_to_a_queue_simply_waits_there() -> None:
    centre = Centre(queue(), queue("PR"), agent("ana"), agent("cid", {"PR": 1}), away=["cid"])
    centre.serve("w1")
    transfer(centre, "w1", queue="PR")
    centre.after(5 * MINUTE)
    assert centre.all(d.TransferReturned) == []
    centre.available("cid")
    assert centre.offers == [("cid", "w1-on")]


# Desks that fall silent


@pytest.mark.parametrize(
    ("channel", "taken_back"),
    [(CHAT, True), (WHATSAPP, False), (SMS, False), (EMAIL, False), (VOICE, False)],
)
def test_live_chats_leave_a_silent_desk_after_a_minute(channel: Channel, taken_back: bool) -> None:
    centre = Centre(agent("ana"), agent("ben"))
    start = centre.now
    assert centre.serve("w1", channel) == "ana"
    centre.after(10 * SECOND)
    centre.silent("ana")
    centre.after(MINUTE - 1)
    assert centre.all(d.SegmentReleased) == []
    centre.after(1)
    assert len(centre.all(d.SegmentReleased)) == taken_back
    if taken_back:
        again = centre.one(d.VisitOpened).item
        assert (again.entry, again.virtual_start) == (Entry.REQUEUE, start)
        assert centre.offers == [("ben", again.id)]


def test_a_desk_that_is_back_in_time_keeps_its_chats() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", CHAT)
    centre.silent("ana")
    centre.after(59 * SECOND, i.AgentPresenceChanged("ana", True))
    centre.after(10 * MINUTE)
    assert centre.segment("w1").state is SegmentState.ACTIVE


def test_a_desk_that_is_back_with_the_deadline_keeps_its_chats() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", CHAT)
    centre.silent("ana")
    centre.after(MINUTE, i.AgentPresenceChanged("ana", True))
    assert centre.all(d.SegmentReleased) == []


def test_a_parked_chat_goes_to_the_queue_when_its_customer_writes() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.serve("w1", CHAT)
    centre.send(i.AgentWrote("s-w1"))
    centre.after(5 * MINUTE)
    centre.silent("ana")
    centre.after(2 * MINUTE)
    assert centre.all(d.SegmentReleased) == []
    centre.send(i.CustomerWrote("s-w1"))
    assert centre.one(d.SegmentReleased).reason == "agent_gone"
    assert [who for who, _ in centre.offers] == ["ben"]


# Legs that drop


def test_the_customer_joins_the_colleague_who_was_asked() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.serve("w1")
    centre.send(i.SegmentStateChanged("s-w1", SegmentState.CONSULTING))
    item = centre.segment("w1").item
    assert item is not None
    other = centre.segment("w1")
    other.id, other.agent = "s-other", "ben"
    centre.send(i.SegmentOpened(other))
    centre.send(i.AgentDropped("s-w1"))
    assert centre.one(d.SegmentReleased).segment == "s-w1"
    back = centre.one(d.SegmentReactivated)
    assert (back.segment, back.cause) == ("s-other", "consult")
    assert centre.all(d.VisitOpened) == []


def test_alone_the_customer_takes_the_old_place_in_the_queue() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    start = centre.now
    centre.serve("w1")
    centre.now += MINUTE
    centre.send(i.AgentDropped("s-w1"))
    again = centre.one(d.VisitOpened).item
    assert (again.virtual_start, again.interaction) == (start, "i-w1")
    assert centre.offers == [("ben", again.id)]


def test_a_call_that_the_agent_dialled_has_no_queue_to_go_to() -> None:
    centre = Centre(agent("ana"))
    centre.send(i.UnitsRequested("q", "ana", "i9", VOICE, 100))
    centre.send(i.AgentDropped(centre.one(d.UnitsGranted).segment.id))
    assert centre.one(d.SegmentReleased).reason == "dropped"
    assert centre.all(d.VisitOpened) == []


# Limits


def test_a_full_queue_overflows_into_another() -> None:
    centre = Centre(
        queue(voice={"max_waiting": 1, "overflow": "PR"}), queue("PR"), agent("cid", {"PR": 1})
    )
    centre.arrive("w1")
    assert centre.all(d.VisitClosed) == []
    centre.arrive("w2")
    closed, opened = centre.one(d.VisitClosed), centre.one(d.VisitOpened)
    assert (closed.work_item, closed.outcome, closed.reason) == ("w2", Outcome.MOVED, "length")
    assert closed.next_work_item == opened.item.id
    assert (opened.item.queue, opened.item.entry) == ("PR", Entry.OVERFLOW)
    assert centre.offers == [("cid", opened.item.id)]


def test_other_channels_do_not_fill_it() -> None:
    centre = Centre(queue(voice={"max_waiting": 1, "overflow": "PR"}), queue("PR"))
    centre.arrive("w1", EMAIL)
    centre.arrive("w2")
    assert centre.all(d.VisitClosed) == []


@pytest.mark.parametrize("overflow", [None, "PR"])
def test_a_long_wait_moves_or_offers_a_message(overflow: str | None) -> None:
    centre = Centre(queue(voice={"max_wait_ms": MINUTE, "overflow": overflow}), queue("PR"))
    centre.arrive("w1", virtual_start=centre.now - 30 * SECOND)
    start = centre.now - 30 * SECOND
    centre.after(MINUTE)
    if overflow:
        assert centre.one(d.VisitClosed).reason == "wait"
        assert centre.one(d.VisitOpened).item.virtual_start == start  # the wait so far counts
    else:
        assert centre.one(d.MessageOffered).reason == "wait"
        assert centre.engine.line("SA", centre.now) == ["w1"]  # it keeps its place
        centre.after(10 * MINUTE)
        assert centre.said == []  # offered once


def test_a_message_left_in_the_chat_has_no_limit_and_fills_nothing() -> None:
    centre = Centre(queue(chat={"max_waiting": 1, "max_wait_ms": MINUTE}), queue("PR"))
    for name in ("m1", "m2"):
        centre.arrive(name, CHAT, band=Band.DEFERRED)
    centre.after(HOUR)
    assert centre.all(d.MessageOffered) == []
    centre.arrive("c1", CHAT)
    assert centre.all(d.MessageOffered) == []
    centre.arrive("c2", CHAT)
    assert centre.one(d.MessageOffered).work_item == "c2"
    centre.after(MINUTE)
    assert centre.one(d.MessageOffered).work_item == "c1"


def test_overflow_never_goes_in_circles() -> None:
    centre = Centre(
        queue(voice={"max_wait_ms": MINUTE, "overflow": "PR"}),
        queue("PR", voice={"max_wait_ms": MINUTE, "overflow": "SA"}),
    )
    centre.arrive("w1")
    centre.after(MINUTE)
    moved = centre.one(d.VisitOpened).item
    centre.after(MINUTE)
    assert centre.one(d.MessageOffered).work_item == moved.id
    assert centre.all(d.VisitClosed) == []


def test_a_full_overflow_queue_takes_nobody() -> None:
    centre = Centre(
        queue(voice={"max_waiting": 0, "overflow": "PR"}),
        queue("PR", voice={"max_waiting": 0}),
    )
    centre.arrive("w1")
    assert centre.one(d.MessageOffered).reason == "length"


def test_a_limit_that_passes_while_it_rings_waits_for_the_answer() -> None:
    centre = Centre(queue(voice={"max_wait_ms": 10 * SECOND}), agent("ana"))
    centre.arrive("w1")
    centre.after(10 * SECOND)
    assert centre.said == []
    centre.after(5 * SECOND)
    assert centre.one(d.MessageOffered).reason == "wait"
