"""Loading the tables: what goes on as before, and what an outage must not be held against."""

from __future__ import annotations

from dataclasses import replace

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.engine import Engine
from routing.core.model import (
    MINUTE,
    SECOND,
    Channel,
    ReservationState,
    VisitState,
    Will,
)
from tests.unit.routing.centre import Centre, agent


def test_a_pending_offer_keeps_its_time() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    expires = centre.one(d.OfferMade).expires_at
    centre.now += 5 * SECOND
    centre.crash()
    assert centre.engine.next_deadline() == expires
    centre.send()
    assert centre.said == []
    centre.after(10 * SECOND)
    assert centre.one(d.OfferEnded).state is ReservationState.TIMED_OUT


def test_an_offer_that_ran_out_in_an_outage_is_no_miss() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.now += 60 * SECOND
    centre.crash()
    assert centre.engine.next_deadline() == centre.now
    centre.send()
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.reason) == (ReservationState.RESCINDED, "outage")
    assert centre.all(d.AgentStatusSet) == []
    assert centre.offers == [("ana", "w1")]  # the same agent may have it, in the same round


def test_an_offer_whose_visit_is_answered_is_rescinded() -> None:
    """Ring-all: the winner's commit was the last thing the database saw."""
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    snapshot = replace(centre.engine.snapshot(), visits=())
    centre.engine = Engine(centre.config, 1, centre.new_id)
    centre.engine.load(snapshot, centre.now)
    centre.send()
    ended = centre.one(d.OfferEnded)
    assert (ended.state, ended.requeued) == (ReservationState.RESCINDED, False)


def test_a_visit_whose_last_offer_was_refused_waits_again() -> None:
    """The refusal is in the tables, and the router fell before it heard of it."""
    centre = Centre(agent("ana"), agent("ben"))
    centre.arrive("w1")
    snapshot = centre.engine.snapshot()
    (visit,) = snapshot.visits
    visit.excluded, visit.refused_at = frozenset({"ana"}), centre.now
    assert visit.state is VisitState.OFFERED
    centre.engine = Engine(centre.config, 1, centre.new_id)
    centre.engine.load(replace(snapshot, reservations=()), centre.now)
    centre.send(i.ReservationRejected("r1", "busy"))  # the fact arrives after all
    assert centre.one(d.VisitRequeued).work_item == "w1"
    assert centre.one(d.FactIgnored).detail == "not pending"
    assert centre.offers == [("ben", "w1")]


def test_who_left_meanwhile_is_not_offered_anything() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    snapshot = centre.engine.snapshot()
    snapshot.agents[0].will = Will.OFFLINE
    centre.engine = Engine(centre.config, 1, centre.new_id)
    centre.engine.load(snapshot, centre.now)
    centre.send()
    assert centre.one(d.OfferEnded).reason == "left"


def test_clocks_that_ran_out_meanwhile_are_made_up_for() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    assert centre.serve("w1", Channel.CHAT) == "ana"
    assert centre.serve("call") == "ben"
    centre.close("call")
    centre.silent("ana")
    centre.now += 10 * MINUTE
    centre.crash()
    centre.send()
    assert centre.one(d.WrapEnded).segment == "s-call"
    assert centre.one(d.SegmentReleased).segment == "s-w1"
    assert [who for who, _ in centre.offers] == ["ben"]


def test_in_peace_a_rebuild_decides_nothing() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.serve("w1", Channel.WHATSAPP)
    centre.arrive("w2")
    centre.arrive("w3")
    before = centre.engine.snapshot()
    centre.crash()
    centre.send()
    assert centre.said == []
    assert centre.engine.snapshot() == before


def test_rows_of_what_is_not_configured_are_left_alone() -> None:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    centre.arrive("w2", Channel.CHAT)
    snapshot = centre.engine.snapshot()
    empty = Engine(replace(centre.config, queues={}, agents={}), 1, centre.new_id)
    empty.load(snapshot, centre.now)
    assert empty.step([], centre.now + MINUTE) == []
    assert empty.next_deadline() is None


def test_the_order_survives() -> None:
    centre = Centre()
    for number in range(200):
        centre.arrive(f"w{number:03}", base=40 + number % 3 * 10)
        centre.now += 77
    line = centre.engine.line("SA", centre.now)
    centre.crash()
    assert centre.engine.line("SA", centre.now) == line
