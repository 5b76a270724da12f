"""Wrap-up per segment, its one extension, and "status after this"."""

from __future__ import annotations

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.items import Wrap, wrap_after
from routing.core.model import DEFAULT_POLICIES, MINUTE, Channel, SegmentState, Will, WrapMode
from tests.unit.routing.centre import START, Centre, agent, queue


@pytest.mark.parametrize(
    ("channel", "wanted", "wrap"),
    [
        (Channel.VOICE, False, Wrap(START + MINUTE, True)),
        (Channel.VOICE, True, Wrap(START + MINUTE, True)),
        (Channel.CHAT, False, None),
        (Channel.CHAT, True, Wrap(START + MINUTE, False)),
        (Channel.EMAIL, False, None),
    ],
)
def test_which_wrap_up_follows(channel: Channel, wanted: bool, wrap: Wrap | None) -> None:
    assert wrap_after(DEFAULT_POLICIES[channel], START, wanted=wanted) == wrap


def test_no_wrap_up_where_the_queue_wants_none() -> None:
    policy = queue(voice={"wrap": WrapMode.NONE}).policies[Channel.VOICE]
    assert wrap_after(policy, START, wanted=True) is None


def test_a_calls_wrap_up_bars_everything_until_it_is_done() -> None:
    centre = Centre(agent("ana", budget=200))
    centre.serve("call")
    centre.close("call")
    assert centre.one(d.AgentUpdated).status == "wrapping"
    centre.arrive("w1", Channel.EMAIL)
    assert centre.offers == []
    centre.end("call")
    assert centre.offers == [("ana", "w1")]


def test_a_messages_wrap_up_holds_its_own_units_only() -> None:
    centre = Centre(agent("ana", budget=50))
    centre.serve("w1", Channel.CHAT)
    centre.close("w1", wanted=True)
    assert centre.load("ana") == 25
    centre.arrive("w2", Channel.CHAT)
    assert centre.offers == [("ana", "w2")]


def test_it_runs_out() -> None:
    centre = Centre(agent("ana"))
    centre.serve("call")
    centre.close("call")
    centre.after(MINUTE - 1)
    assert centre.said == []
    centre.after(1)
    ended = centre.one(d.WrapEnded)
    assert (ended.segment, ended.reason) == ("s-call", "timed_out")
    assert centre.one(d.AgentUpdated).idle_since == centre.now


def test_one_extension() -> None:
    centre = Centre(agent("ana"))
    centre.serve("call")
    centre.close("call")
    centre.after(30_000, i.WrapExtended("s-call", centre.now + 2 * MINUTE))
    centre.send(i.WrapExtended("s-call", centre.now + 9 * MINUTE))
    assert centre.one(d.FactIgnored).detail == "cannot be extended"
    centre.after(MINUTE)
    assert centre.said == []
    centre.after(30_000)
    centre.one(d.WrapEnded)


def test_a_wrap_up_belongs_to_its_segment() -> None:
    """Another segment's wrap-up ends for itself: asterisk's wrap-up ended early here."""
    centre = Centre(agent("ana", budget=100))
    centre.serve("w1", Channel.CHAT)
    centre.serve("w2", Channel.CHAT)
    centre.close("w1", wanted=True)
    centre.after(30_000)
    centre.close("w2", wanted=True)
    centre.after(30_000)
    assert centre.one(d.WrapEnded).segment == "s-w1"
    centre.after(30_000)
    assert centre.one(d.WrapEnded).segment == "s-w2"


def test_the_customer_writes_again() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    centre.close("w1", wanted=True)
    centre.send(i.CustomerWrote("s-w1"))
    assert centre.one(d.SegmentReactivated).cause == "customer"
    assert centre.segment("w1").state is SegmentState.ACTIVE
    centre.after(MINUTE)
    assert centre.said == []


# Status after this


def test_it_comes_at_the_end_of_the_wrap_up_with_no_offer_in_between() -> None:
    centre = Centre(agent("ana"))
    centre.serve("call")
    centre.arrive("w2", Channel.CHAT)
    centre.send(i.StatusRequested("q", "ana", Will.AWAY, "break", after_this=True, confirm=True))
    noted = centre.one(d.AgentStatusSet)
    assert (noted.will, noted.after_this, noted.request_id) == (Will.AVAILABLE, Will.AWAY, "q")
    centre.close("call")
    assert centre.all(d.AgentStatusSet) == []
    centre.after(MINUTE)
    away = centre.one(d.AgentStatusSet)
    assert (away.will, away.reason, away.cause) == (Will.AWAY, "break", "after_this")
    assert centre.offers == []


def test_it_bars_offers_from_the_moment_it_is_asked() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    centre.send(i.StatusRequested("q", "ana", Will.AWAY, after_this=True))
    centre.arrive("w2", Channel.CHAT)
    assert centre.offers == []


def test_without_work_it_comes_at_once() -> None:
    centre = Centre(agent("ana"))
    centre.send(i.StatusRequested("q", "ana", Will.AWAY, "break", after_this=True))
    assert centre.one(d.AgentStatusSet).will is Will.AWAY


def test_what_waits_for_the_customer_holds_nobody_back() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.WHATSAPP)
    centre.send(i.AgentWrote("s-w1"))
    centre.send(i.StatusRequested("q", "ana", Will.AWAY, "break", after_this=True))
    assert centre.one(d.AgentStatusSet).will is Will.AWAY


def test_noted_in_the_tables_it_is_the_same() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    centre.send(i.AgentStatusChanged("ana", Will.AVAILABLE, None, Will.AWAY, "break"))
    centre.end("w1")
    assert centre.one(d.AgentStatusSet).will is Will.AWAY


def test_another_status_makes_it_void() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    centre.send(i.StatusRequested("q1", "ana", Will.AWAY, after_this=True))
    centre.send(i.StatusRequested("q2", "ana", Will.AVAILABLE))
    centre.end("w1")
    assert centre.all(d.AgentStatusSet) == []


# On demand: one item


def test_on_demand_is_one_item_and_then_away() -> None:
    centre = Centre(agent("ana"))
    centre.send(i.AgentStatusChanged("ana", Will.ON_DEMAND))
    centre.serve("w1", Channel.CHAT)
    centre.arrive("w2", Channel.CHAT)
    assert centre.offers == []
    centre.end("w1")
    away = centre.one(d.AgentStatusSet)
    assert (away.will, away.reason, away.cause) == (Will.AWAY, "on_demand", "on_demand")
    assert centre.offers == []
