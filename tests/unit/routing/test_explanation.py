"""The record of an assignment: what removed each agent, and why this item."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.engine import Engine
from routing.core.explanation import Explanation
from routing.core.model import (
    MINUTE,
    SECOND,
    CentreConfig,
    Channel,
    Constants,
    Outcome,
    Requirement,
    RoutingStep,
    Will,
)
from tests.unit.routing.centre import START, Centre, agent, queue

EXPERTS = RoutingStep((Requirement("SA", 3),), for_ms=30 * SECOND)


def removed(why: Explanation) -> dict[str, tuple[str, ...]]:
    return {each.reason: each.agents for each in why.removed}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("nothing", None),
        ("other skill", "not_member"),
        ("low skill", "later_step"),
        ("offline", "offline"),
        ("away", "away"),
        ("silent", "absent"),
        ("resting", "cooldown"),
        ("call", "capacity"),
        ("wrapping", "wrapping"),
        ("leaving", "leaving"),
        ("ringing", "offered"),
        ("no microphone", "channel"),
        ("no calls", "maximum"),
        ("chat", "barred"),
        ("on demand", "one_done"),
        ("refused", "excluded"),
        ("above", "over_budget"),
    ],
)
def test_what_removed_an_agent(what: str, reason: str | None) -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), agent("ana"), agent("zoe"))
    centre.away("zoe")
    PREPARE[what](centre)
    if what == "refused":
        centre.available("zoe")
    else:
        centre.available("zoe")
        centre.arrive("w1")
    why = centre.one(d.OfferMade).explanation
    assert why.winners() == why.chosen
    if reason is None:
        assert why.chosen == ("ana",)
        assert removed(why) == {}
        assert [each.agent for each in why.candidates] == ["ana", "zoe"]
    else:
        assert why.chosen == ("zoe",)
        assert removed(why) == {reason: ("ana",)}


def serve(centre: Centre, channel: Channel, *, close: bool = False) -> None:
    centre.serve("w0", channel)
    if close:
        centre.close("w0")


def refuse(centre: Centre, item: str, channel: Channel, *, leave: bool = False) -> None:
    centre.arrive(item, channel)
    centre.reject(item)
    if leave:
        centre.send(i.ItemLeft(item, Outcome.ABANDONED))


def follow(first: i.Input, channel: Channel, *then: i.Input) -> Callable[[Centre], object]:
    """A fact, an item served, and more facts."""

    def happen(centre: Centre) -> None:
        centre.send(first)
        serve(centre, channel)
        centre.send(*then)

    return happen


def configured(**changes: Any) -> i.Input:
    return i.AgentConfigChanged(agent("ana", **changes))


PREPARE: dict[str, Callable[[Centre], object]] = {
    "nothing": lambda _: None,
    "other skill": lambda c: c.send(configured(skills={"PR": 5})),
    "low skill": lambda c: c.send(configured(skills={"SA": 2})),
    "offline": lambda c: c.away("ana", Will.OFFLINE),
    "away": lambda c: c.away("ana"),
    "silent": lambda c: c.silent("ana"),
    "resting": lambda c: refuse(c, "w0", Channel.CHAT, leave=True),
    "call": lambda c: serve(c, Channel.VOICE),
    "wrapping": lambda c: serve(c, Channel.VOICE, close=True),
    "leaving": follow(
        configured(),
        Channel.EMAIL,
        i.AgentStatusChanged("ana", Will.AVAILABLE, None, Will.AWAY),
    ),
    "ringing": lambda c: c.arrive("w0", Channel.CHAT),
    "no microphone": lambda c: c.send(
        i.AgentPresenceChanged("ana", True, frozenset({Channel.CHAT}))
    ),
    "no calls": lambda c: c.send(configured(maxima={Channel.VOICE: 0})),
    "chat": lambda c: serve(c, Channel.CHAT),
    "on demand": follow(i.AgentStatusChanged("ana", Will.ON_DEMAND), Channel.EMAIL),
    "refused": lambda c: refuse(c, "w1", Channel.VOICE),
    "above": follow(configured(), Channel.WHATSAPP, configured(budget=10)),
}


def test_the_active_step_and_its_pools() -> None:
    centre = Centre(
        queue(steps=[EXPERTS, RoutingStep()]),
        agent("ana"),
        agent("ben", {"SA": 1}),
        agent("cid", {"SA": 1}),
        away=["ana"],
    )
    centre.arrive("w1", Channel.CHAT)
    centre.after(30 * SECOND)
    why = centre.one(d.OfferMade).explanation
    assert (why.step, why.steps) == (1, 2)
    assert [(pool.step, pool.size) for pool in why.pools] == [(0, 1), (1, 3)]
    assert why.candidates[0].key["ring"] == 1


def test_why_this_item_and_not_another() -> None:
    centre = Centre(agent("ana"), away=["ana"])
    centre.arrive("mail", Channel.EMAIL, virtual_start=START - 48 * 60 * MINUTE)
    centre.arrive("call", base=60)
    centre.now += SECOND
    centre.arrive("later")
    centre.available("ana")
    why = centre.one(d.OfferMade).explanation
    assert (why.place.work_item, why.place.band, why.place.score) == ("call", 2, 62_000)
    assert [(rival.work_item, rival.band) for rival in why.rivals] == [("later", 2), ("mail", 3)]


def test_thousands_are_counted_and_few_are_named() -> None:
    agents = {f"a{n:04}": agent(f"a{n:04}") for n in range(200)}
    config = CentreConfig({"SA": queue()}, agents, Constants(named=5))
    numbers = iter(range(1000))
    engine = Engine(config, 1, lambda: f"r{next(numbers)}")
    wills = [
        each
        for n, name in enumerate(agents)
        for each in (
            i.AgentStatusChanged(name, Will.AVAILABLE if n % 2 else Will.AWAY),
            i.AgentPresenceChanged(name, True),
        )
    ]
    engine.step(wills, START)
    centre = Centre(queue())
    centre.engine = engine
    centre.arrive("w1")
    why = centre.one(d.OfferMade).explanation
    assert (why.candidate_count, len(why.candidates)) == (100, 5)
    (away,) = why.removed
    assert (away.reason, away.count, len(away.agents)) == ("away", 100, 5)
    assert why.winners() == why.chosen == ("a0001",)
    assert len(json.dumps(why.to_json())) < 2000


def test_agents_taken_by_the_same_step_are_named_as_such() -> None:
    centre = Centre(agent("ana"), agent("ben"), away=["ana", "ben"])
    centre.arrive("w1")
    centre.arrive("w2")
    centre.send(
        *(i.AgentStatusChanged(name, Will.AVAILABLE) for name in ("ana", "ben")),
        *(i.AgentPresenceChanged(name, True) for name in ("ana", "ben")),
    )
    first, second = centre.all(d.OfferMade)
    assert [c.agent for c in first.explanation.candidates] == ["ana", "ben"]
    assert removed(second.explanation) == {"taken": ("ana",)}


def test_it_is_plain_json() -> None:
    centre = Centre(agent("ana"))
    centre.arrive("w1")
    record = centre.one(d.OfferMade).explanation.to_json()
    assert json.loads(json.dumps(record))["candidates"][0]["key"]["load"] == 0
