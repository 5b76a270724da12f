"""Offers: how long, what ends them, what a miss costs, ring-all, who is left alone."""

from __future__ import annotations

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    SECOND,
    Channel,
    Outcome,
    ReservationState,
    StrategyName,
    Will,
)
from tests.unit.routing.centre import Centre, agent, queue


@pytest.mark.parametrize(
    ("channel", "seconds"),
    [
        (Channel.VOICE, 15),
        (Channel.CHAT, 30),
        (Channel.WHATSAPP, 60),
        (Channel.SMS, 60),
        (Channel.EMAIL, 120),
    ],
)
def test_how_long_it_rings_and_what_a_miss_costs(channel: Channel, seconds: int) -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1", channel)
    offer = centre.one(d.OfferMade)
    assert offer.expires_at - offer.offered_at == seconds * SECOND
    assert centre.engine.next_deadline() == offer.expires_at
    centre.after(seconds * SECOND - 1)
    assert centre.said == []
    centre.after(1)
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.requeued) == (ReservationState.TIMED_OUT, True)
    if channel is Channel.VOICE:  # one missed call sets away, at once
        away = centre.one(d.AgentStatusSet)
        assert (away.will, away.reason, away.cause) == (Will.AWAY, "missed", "missed")
    else:
        assert centre.all(d.AgentStatusSet) == []
        assert centre.one(d.AgentUpdated).cooldown_until == centre.now + 10 * SECOND


def test_a_no_rests_the_agent_and_goes_to_the_next() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.arrive("w1")
    centre.reject("w1")
    assert centre.one(d.VisitRequeued).work_item == "w1"
    assert centre.offers == [("ben", "w1")]
    assert centre.all(d.AgentStatusSet) == []


def test_a_customer_who_leaves_ends_the_offer_without_a_miss() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.send(i.ItemLeft("w1", Outcome.ABANDONED))
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.requeued) == (ReservationState.CANCELLED, False)
    assert centre.all(d.AgentStatusSet) == []
    centre.arrive("w2")
    assert centre.offers == [("ana", "w2")]


def test_an_acceptance_that_arrives_with_the_timeout_wins() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.now += 15 * SECOND
    centre.accept("w1")
    assert centre.all(d.OfferEnded) == []
    assert centre.segment("w1").agent == "ana"


def test_one_offer_at_a_time() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1", Channel.CHAT)
    centre.arrive("w2", Channel.CHAT)
    assert centre.offers == []
    centre.accept("w1")
    assert centre.offers == [("ana", "w2")]


def test_a_call_takes_the_place_of_a_message_that_rings() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1", Channel.EMAIL)
    centre.arrive("w2", Channel.VOICE)
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.reason) == (ReservationState.RESCINDED, "superseded")
    assert ended.requeued
    assert centre.offers == [("ana", "w2")]
    assert centre.engine.line("SA", centre.now) == ["w2", "w1"]


@pytest.mark.parametrize("channel", [Channel.CHAT, Channel.WHATSAPP, Channel.EMAIL])
def test_nothing_else_takes_the_place_of_what_rings(channel: Channel) -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1", Channel.EMAIL)
    centre.arrive("w2", channel)
    assert centre.said == []


@pytest.mark.parametrize(("event", "reason"), [("silent", "desk_silent"), ("away", "left")])
def test_an_agent_who_goes_loses_the_offer_without_a_miss(event: str, reason: str) -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.arrive("w1")
    getattr(centre, event)("ana")
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.reason) == (ReservationState.RESCINDED, reason)
    assert centre.all(d.AgentStatusSet) == []
    assert centre.offers == [("ben", "w1")]


def test_ring_all_has_one_winner() -> None:
    ring = queue(strategy=StrategyName.RING_ALL)
    centre = Centre(ring, agent("ana"), agent("ben"), agent("cid"))
    centre.arrive("w1")
    assert [who for who, _ in centre.offers] == ["ana", "ben", "cid"]
    offers = {o.agent: o.id for o in centre.engine.snapshot().reservations}
    centre.send(i.ReservationAccepted(offers["ben"], "s1"))
    ended = {each.agent: (each.state, each.requeued) for each in centre.all(d.OfferEnded)}
    assert ended == dict.fromkeys(("ana", "cid"), (ReservationState.RESCINDED, False))
    centre.send(i.ReservationAccepted(offers["ana"], "s2"))
    centre.one(d.FactIgnored)


def test_ring_all_waits_again_only_when_all_have_refused() -> None:
    ring = queue(strategy=StrategyName.RING_ALL)
    centre = Centre(ring, agent("ana"), agent("ben"))
    centre.arrive("w1", Channel.CHAT)
    offers = [o.id for o in centre.engine.snapshot().reservations]
    centre.send(i.ReservationRejected(offers[0], "busy"))
    assert centre.all(d.VisitRequeued) == []
    centre.send(i.ReservationRejected(offers[1], "busy"))
    centre.one(d.VisitRequeued)


def test_the_longest_idle_is_asked_first_and_a_break_buys_nothing() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.now += 60 * SECOND
    centre.away("ana")
    centre.now += 1000
    centre.available("ana")  # back from a break: behind ben, who never left
    centre.arrive("w1")
    assert centre.offers == [("ben", "w1")]


def test_a_desk_that_was_silent_is_back_at_the_end_of_the_line() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.silent("ana")
    centre.now += 1000
    centre.send(i.AgentPresenceChanged("ana", True))
    centre.arrive("w1")
    assert centre.offers == [("ben", "w1")]


def test_saying_available_twice_loses_no_place() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.now += 1000
    centre.available("ana")
    centre.arrive("w1")
    assert centre.offers == [("ana", "w1")]


def test_the_end_of_work_goes_to_the_end_of_the_line() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    assert centre.serve("w1", Channel.CHAT) == "ana"
    centre.now += 1000
    centre.end("w1")
    centre.arrive("w2")
    assert centre.offers == [("ben", "w2")]


def test_load_goes_before_idle() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    assert centre.serve("w1", Channel.CHAT) == "ana"
    assert centre.serve("w2", Channel.CHAT) == "ben"
    assert centre.serve("w3", Channel.CHAT) == "ana"
    centre.now += 1000
    centre.end("w1")
    centre.end("w2")  # ben has nothing, ana one chat; ben became idle last
    centre.arrive("w4", Channel.CHAT)
    assert centre.offers == [("ben", "w4")]
