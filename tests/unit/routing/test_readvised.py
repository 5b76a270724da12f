"""A waiting item of whom it is known by now who they are."""

from __future__ import annotations

from typing import Any

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import Band, Channel, RoutingStep
from tests.unit.routing.centre import Centre, agent

WHY = ("interaction.linked", "claim_motor")


def readvised(item: str, **changes: Any) -> i.ItemReadvised:
    values = {"band": Band.LIVE, "base": 60, "steps": None, "preferred": (), "preferred_ms": 0}
    return i.ItemReadvised(item, readvised=WHY, **{**values, **changes})


def test_it_takes_the_place_that_it_would_have_had() -> None:
    centre = Centre(agent("ana"), away=("ana",))
    centre.arrive("first", base=50)
    centre.arrive("second", base=50)
    centre.after(1000, readvised("second", base=75))
    assert centre.engine.line("SA", centre.now) == ["second", "first"]
    centre.available("ana")
    assert centre.offers == [("ana", "second")]
    assert centre.one(d.OfferMade).explanation.readvised == WHY


def test_its_steps_begin_anew_and_its_wait_goes_on() -> None:
    centre = Centre(agent("ana"), agent("eva"))
    for name in ("ana", "eva"):
        centre.serve(f"busy-{name}")
    centre.arrive("call")
    known = readvised("call", preferred=("eva",), preferred_ms=30_000, steps=(RoutingStep(),))
    centre.after(40_000, known)
    step = centre.one(d.StepStarted)
    assert (step.step, step.until) == (0, centre.now + 30_000)
    centre.send(known)
    assert centre.one(d.FactIgnored).detail == "known already"
    (visit,) = centre.engine.snapshot().visits
    assert centre.now - visit.item.virtual_start == 40_000
    centre.after(30_000)
    assert centre.one(d.StepStarted).step == 1


def test_what_is_urgent_stays_so_and_what_is_over_is_let_be() -> None:
    centre = Centre(agent("ana"), away=("ana",))
    centre.arrive("chat", Channel.CHAT, band=Band.DANGER)
    centre.send(readvised("chat", band=Band.LIVE))
    (visit,) = centre.engine.snapshot().visits
    assert (visit.item.band, visit.item.base) == (Band.DANGER, 60)
    centre.send(readvised("gone"))
    assert centre.one(d.FactIgnored).detail == "not open"


def test_an_offer_of_it_rings_on() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("call")
    assert centre.offers == [("ana", "call")]
    centre.send(readvised("call", base=75))
    assert not centre.all(d.OfferEnded)
    centre.reject("call")
    (visit,) = centre.engine.snapshot().visits
    assert visit.item.base == 75
