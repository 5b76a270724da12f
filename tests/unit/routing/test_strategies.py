"""Ten strategies: who is chosen, and the key that says why."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import Channel, Requirement, RoutingStep, StrategyName, Will
from routing.core.strategies import STRATEGIES, nth
from tests.unit.routing.centre import Centre, agent, queue

TEAM: dict[str, dict[str, Any]] = {
    "ana": {"skills": {"SA": 5, "ca": 1}, "position": 3},
    "ben": {"skills": {"SA": 2, "ca": 4}, "position": 1},
    "cid": {"skills": {"SA": 4}, "position": 2},
}


def centre(strategy: StrategyName, **step: Any) -> Centre:
    """Three agents, idle since ana, ben, cid in this order."""
    agents = [agent(name, **settings) for name, settings in TEAM.items()]
    return Centre(queue(steps=[RoutingStep(**step)], strategy=strategy), *agents)


def chosen(at: Centre, name: str, **changes: Any) -> str:
    at.arrive(name, Channel.CHAT, **changes)
    ((who, _),) = at.offers
    why = at.one(d.OfferMade).explanation
    assert why.winners() == (who,)
    at.accept(name)
    return who


@pytest.mark.parametrize(
    ("strategy", "first", "key"),
    [
        (StrategyName.LONGEST_IDLE, "ana", {"load", "idle_since", "agent"}),
        (StrategyName.ROUND_ROBIN, "ben", {"turn", "agent"}),
        (StrategyName.LEAST_OCCUPIED, "ana", {"open_items", "idle_since", "agent"}),
        (StrategyName.FEWEST_CALLS, "ben", {"calls_today", "position", "agent"}),
        (StrategyName.LEAST_TALK, "ben", {"talk_seconds_today", "position", "agent"}),
        (StrategyName.LINEAR, "ben", {"position", "agent"}),
        (StrategyName.BEST_SKILL, "ana", {"skill", "load", "idle_since", "agent"}),
        (StrategyName.PREFERRED_FIRST, "ana", {"not_preferred", "load", "idle_since", "agent"}),
    ],
)
def test_the_first_choice_and_its_key(strategy: StrategyName, first: str, key: set[str]) -> None:
    at = centre(strategy)
    assert chosen(at, "w1") == first
    at.arrive("w2", Channel.CHAT)
    candidates = at.one(d.OfferMade).explanation.candidates
    assert candidates[0].key.keys() == key
    assert [c.order() for c in candidates] == sorted(c.order() for c in candidates)


def test_every_strategy_is_there() -> None:
    assert set(STRATEGIES) == set(StrategyName)


def test_round_robin_goes_round_and_remembers() -> None:
    at = centre(StrategyName.ROUND_ROBIN)
    assert [chosen(at, f"w{n}") for n in range(4)] == ["ben", "cid", "ana", "ben"]
    at.crash()
    assert [chosen(at, f"v{n}") for n in range(2)] == ["cid", "ana"]


def test_round_robin_passes_over_who_cannot() -> None:
    at = centre(StrategyName.ROUND_ROBIN)
    at.away("cid")
    assert [chosen(at, f"w{n}") for n in range(3)] == ["ben", "ana", "ben"]


def test_least_occupied_counts_items_not_units() -> None:
    at = centre(StrategyName.LEAST_OCCUPIED)
    at.away("cid")
    at.serve("m1", Channel.EMAIL)  # ana: one item of 10 units
    assert chosen(at, "w1") == "ben"  # one chat of 25
    at.serve("m2", Channel.EMAIL)  # ana again: one item each, and idle longer
    assert chosen(at, "w2") == "ben"


def test_fewest_calls_and_least_talk_count_today() -> None:
    for strategy in (StrategyName.FEWEST_CALLS, StrategyName.LEAST_TALK):
        at = centre(strategy)
        assert chosen(at, "w1") == "ben"
        at.now += 5_000
        at.end("w1")
        assert chosen(at, "w2") == "cid"
        at.now += 9_000
        at.end("w2")
        assert chosen(at, "w3") == "ana"
        at.send(i.DayStarted())
        at.end("w3")
        assert chosen(at, "w4") == "ben"


def test_least_talk_counts_the_talk_and_not_the_wrap_up() -> None:
    at = Centre(queue(strategy=StrategyName.LEAST_TALK), agent("ana"), agent("ben"))
    for name, talk, wrap in (("w1", 10_000, 50_000), ("w2", 20_000, 0)):
        at.serve(name)
        at.now += talk
        at.close(name)
        at.now += wrap
        at.end(name)
    assert chosen(at, "w3") == "ana"


def test_best_skill_weighs_what_is_above_the_requirement() -> None:
    at = centre(StrategyName.BEST_SKILL, prefer=(Requirement("ca", 1, weight=3),))
    # ana: (5-1)·1 + (1-1)·3 = 4, ben: 1 + 9 = 10, cid has no Catalan and is not preferred
    assert chosen(at, "w1") == "ben"


def test_the_preferred_go_first_without_waiting_for_them() -> None:
    at = centre(StrategyName.PREFERRED_FIRST)
    assert chosen(at, "w1", preferred=("cid",)) == "cid"
    at.away("cid")
    assert chosen(at, "w2", preferred=("cid",)) == "ana"


def test_random_chooses_by_seed_item_and_round_alone() -> None:
    at, again = (centre(StrategyName.RANDOM) for _ in range(2))
    first = [chosen(at, f"w{n}") for n in range(12)]
    again.crash()
    assert [chosen(again, f"w{n}") for n in range(12)] == first
    assert set(first) == set(TEAM)


@pytest.mark.parametrize("bits", [0b1, 0b1000, 0b1011, 0b1010_1100, 1 << 500 | 1])
def test_the_nth_bit(bits: int) -> None:
    positions = [p for p in range(bits.bit_length()) if bits >> p & 1]
    assert [nth(bits, n) for n in range(len(positions))] == positions


def test_ring_all_rings_every_candidate() -> None:
    at = centre(StrategyName.RING_ALL)
    at.away("ben", Will.OFFLINE)
    at.arrive("w1", Channel.CHAT)
    assert [who for who, _ in at.offers] == ["ana", "cid"]
    for made in at.all(d.OfferMade):
        assert made.explanation.winners() == ("ana", "cid")
