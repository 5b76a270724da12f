"""Every edge of every machine, allowed and refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    RESERVATION_EDGES,
    SEGMENT_EDGES,
    VISIT_EDGES,
    WILL_EDGES,
    Channel,
    Outcome,
    ParkReason,
    ReservationState,
    SegmentState,
    VisitState,
    Will,
)
from tests.unit.routing.centre import Centre, agent

# The edges as the rules name them, written out here a second time on purpose.
SEGMENT = {
    "active": "held consulting parked wrapping ended",
    "held": "active consulting wrapping ended",
    "consulting": "active held wrapping ended",
    "parked": "active parked wrapping ended",
    "wrapping": "active ended",
    "ended": "",
}
VISIT = {
    "queued": "offered assigned ended",
    "offered": "queued assigned ended",
    "assigned": "",
    "ended": "",
}
RESERVATION = {
    "pending": "accepted rejected timed_out rescinded cancelled",
    "accepted": "",
    "rejected": "",
    "timed_out": "",
    "rescinded": "",
    "cancelled": "",
}
WILL = {
    "available": "on_demand away offline",
    "on_demand": "available away offline",
    "away": "available on_demand away offline",
    "offline": "available on_demand away",
}


@pytest.mark.parametrize(
    ("states", "edges", "written"),
    [
        (SegmentState, SEGMENT_EDGES, SEGMENT),
        (VisitState, VISIT_EDGES, VISIT),
        (ReservationState, RESERVATION_EDGES, RESERVATION),
        (Will, WILL_EDGES, WILL),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_edges(
    states: type[StrEnum],
    edges: Mapping[Any, frozenset[Any]],
    written: Mapping[str, str],
) -> None:
    for start, end in product(states, states):
        assert (end in edges[start]) == (end.value in written[start.value].split()), (start, end)


def a_segment_that_is(state: SegmentState) -> Centre:
    centre = Centre(agent("ana"))
    centre.serve("w1", Channel.CHAT)
    name = centre.segment("w1").id
    match state:
        case SegmentState.PARKED:
            centre.send(i.SegmentParked(name, ParkReason.WAITING_CUSTOMER))
        case SegmentState.WRAPPING:
            centre.close("w1", wanted=True)
        case SegmentState.ENDED:
            centre.end("w1")
        case SegmentState.ACTIVE:
            pass
        case _:
            centre.send(i.SegmentStateChanged(name, state))
    return centre


def fact_that_leads_to(state: SegmentState) -> i.Input:
    match state:
        case SegmentState.PARKED:
            return i.SegmentParked("s-w1", ParkReason.WAITING_CUSTOMER)
        case SegmentState.WRAPPING:
            return i.WrapStarted("s-w1", None, blocks=False)
        case SegmentState.ENDED:
            return i.SegmentEnded("s-w1")
        case _:
            return i.SegmentStateChanged("s-w1", state)


@pytest.mark.parametrize(("start", "end"), list(product(SegmentState, SegmentState)))
def test_the_engine_keeps_a_segments_edges(start: SegmentState, end: SegmentState) -> None:
    centre = a_segment_that_is(start)
    centre.send(fact_that_leads_to(end))
    ignored = bool(centre.all(d.FactIgnored))
    assert ignored == (end.value not in SEGMENT[start.value].split())
    still = [s.state for s in centre.engine.snapshot().segments]
    expected = start if ignored else end
    assert still == ([] if expected is SegmentState.ENDED else [expected])


@pytest.mark.parametrize(
    "fact",
    [
        i.ItemLeft("nothing", Outcome.ABANDONED),
        i.ReservationAccepted("nothing", "s"),
        i.ReservationRejected("nothing", "busy"),
        i.AgentStatusChanged("nobody", Will.AVAILABLE),
        i.AgentPresenceChanged("nobody", True),
        i.SegmentStateChanged("nothing", SegmentState.HELD),
        i.SegmentParked("nothing", ParkReason.SNOOZED),
        i.CustomerWrote("nothing"),
        i.AgentWrote("nothing"),
        i.AgentDropped("nothing"),
        i.WrapStarted("nothing", None, blocks=False),
        i.WrapExtended("nothing", 1),
        i.SegmentEnded("nothing"),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_fact_about_nothing_changes_nothing(fact: i.Input) -> None:
    centre = Centre(agent("ana"))
    before = centre.engine.snapshot()
    centre.send(fact)
    assert [type(each) for each in centre.said] == [d.FactIgnored]
    assert centre.engine.snapshot() == before


def test_an_offer_is_answered_once() -> None:
    centre = Centre(agent("ana"), agent("ben"))
    centre.arrive("w1")
    offer = centre.pending("w1")
    centre.accept("w1")
    for again in (i.ReservationAccepted(offer, "s2"), i.ReservationRejected(offer, "late")):
        centre.send(again)
        assert centre.one(d.FactIgnored).detail == "not pending"


def test_a_visit_is_queued_once() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    centre.arrive("w1")
    assert centre.one(d.FactIgnored).detail == "known already"


def test_a_visit_to_no_queue_is_ignored() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1", queue="nowhere")
    assert centre.one(d.FactIgnored).detail == "no such queue"
