"""Routing steps: expiry, cumulative pools, skip_if, preferred agents, rounds."""

from __future__ import annotations

import pytest

from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.model import (
    MINUTE,
    SECOND,
    Channel,
    Entry,
    Requirement,
    RoutingStep,
    SkipIf,
    Will,
    config_faults,
)
from tests.unit.routing.centre import Centre, agent, queue

EXPERTS = RoutingStep((Requirement("SA", 4),), for_ms=30 * SECOND)
TEAM = [agent("ana", {"SA": 5}), agent("ben", {"SA": 2}), agent("cid", {"PR": 5})]


def test_only_the_active_step_is_offered_then_the_pool_widens() -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), *TEAM, away=["ana"])
    centre.arrive("w1", Channel.CHAT)
    assert centre.offers == []
    assert centre.one(d.StepStarted).until == centre.now + 30 * SECOND
    centre.after(30 * SECOND)
    assert centre.one(d.StepStarted).step == 1
    assert centre.offers == [("ben", "w1")]


def test_after_the_last_steps_time_the_whole_queue_is_asked() -> None:
    centre = Centre(queue(steps=[EXPERTS]), *TEAM, away=["ana"])
    centre.arrive("w1")
    centre.after(30 * SECOND)
    assert centre.offers == [("ben", "w1")]


def test_an_inner_pool_wins_over_an_outer_one_that_is_idle_longer() -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), TEAM[1], TEAM[0], away=["ben", "ana"])
    centre.arrive("w1", Channel.CHAT)
    centre.after(31 * SECOND)
    centre.send(
        i.AgentPresenceChanged("ana", True),
        i.AgentPresenceChanged("ben", True),
        i.AgentStatusChanged("ben", Will.AVAILABLE, at=centre.now - 9_000),
        i.AgentStatusChanged("ana", Will.AVAILABLE),
    )
    assert centre.offers == [("ana", "w1")]


def test_an_agent_of_an_inner_pool_who_frees_up_is_still_asked() -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), *TEAM, away=["ana", "ben"])
    centre.arrive("w1")
    centre.after(31 * SECOND)
    centre.available("ana")
    assert centre.offers == [("ana", "w1")]


@pytest.mark.parametrize(
    ("skip", "ana", "skipped"),
    [
        (SkipIf.NEVER, "offline", False),
        (SkipIf.NONE_SIGNED_IN, "offline", True),
        (SkipIf.NONE_SIGNED_IN, "away", False),
        (SkipIf.NONE_AVAILABLE, "away", True),
        (SkipIf.NONE_AVAILABLE, "silent", True),
        (SkipIf.NONE_AVAILABLE, "busy", False),
        (SkipIf.NONE_FREE, "busy", True),
        (SkipIf.NONE_FREE, "free", False),
    ],
)
def test_a_step_is_skipped_when_nobody_is_there(skip: SkipIf, ana: str, skipped: bool) -> None:
    first = RoutingStep((Requirement("SA", 4),), for_ms=30 * SECOND, skip_if=skip)
    centre = Centre(queue(steps=[first, RoutingStep()]), *TEAM)
    match ana:
        case "offline":
            centre.away("ana", Will.OFFLINE)
        case "away":
            centre.away("ana")
        case "silent":
            centre.silent("ana")
        case "busy":
            assert centre.serve("w0") == "ana"
    centre.arrive("w1")
    taker = "ben" if skipped else ("ana" if ana == "free" else None)
    assert centre.offers == ([] if taker is None else [(taker, "w1")])
    assert centre.one(d.StepStarted).step == int(skipped)


def test_a_preferred_agent_is_waited_for_and_then_no_longer() -> None:
    centre = Centre(*TEAM[:2])
    assert centre.serve("w0") == "ana"
    centre.arrive("w1", preferred=("ana",), preferred_ms=20 * SECOND)
    assert centre.offers == []
    centre.after(20 * SECOND)
    assert centre.offers == [("ben", "w1")]


def test_a_preferred_agent_who_frees_up_in_time_gets_it() -> None:
    centre = Centre(*TEAM[:2])
    centre.serve("w0")
    centre.arrive("w1", preferred=("ana",), preferred_ms=20 * SECOND)
    centre.now += 10 * SECOND
    centre.end("w0")
    assert centre.offers == [("ana", "w1")]


def test_a_preferred_agent_who_is_away_is_not_waited_for() -> None:
    centre = Centre(*TEAM[:2], away=["ana"])
    centre.arrive("w1", preferred=("ana",), preferred_ms=20 * SECOND)
    assert centre.offers == [("ben", "w1")]


def test_named_agents_need_not_be_members() -> None:
    centre = Centre(*TEAM)
    centre.arrive("w1", preferred=("cid",), preferred_ms=20 * SECOND)
    assert centre.offers == [("cid", "w1")]


def test_a_wish_orders_the_pool_and_excludes_nobody() -> None:
    wish = RoutingStep(prefer=(Requirement("ca", 3),))
    centre = Centre(queue(steps=[wish]), agent("ana", {"SA": 5}), agent("ben", {"SA": 1, "ca": 3}))
    centre.arrive("w1")
    centre.arrive("w2")
    assert [o.agent for o in centre.engine.snapshot().reservations] == ["ben", "ana"]


def test_a_returning_customers_steps_count_from_the_old_place() -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), *TEAM, away=["ana"])
    centre.arrive("w1", virtual_start=centre.now - 31 * SECOND, entry=Entry.RETURN)
    assert centre.one(d.StepStarted).step == 1
    assert centre.offers == [("ben", "w1")]


# Rounds


def test_who_missed_is_left_out_until_the_round_ends() -> None:
    centre = Centre(*TEAM[:1])
    centre.arrive("w1", Channel.CHAT)
    centre.after(30 * SECOND)  # missed; the agent rests 10 s, and the round ends 10 s later
    assert centre.one(d.OfferEnded).state == "timed_out"
    centre.after(10 * SECOND - 1)
    assert centre.said == []
    centre.after(1)
    assert centre.one(d.RoundStarted).round == 2
    assert centre.offers == [("ana", "w1")]


def test_the_round_goes_on_while_somebody_has_not_refused() -> None:
    centre = Centre(*TEAM[:2])
    centre.arrive("w1", Channel.CHAT)
    centre.reject("w1")
    assert centre.offers == [("ben", "w1")]
    centre.after(10 * SECOND)
    assert centre.all(d.RoundStarted) == []
    centre.reject("w1")
    assert centre.offers == []
    centre.after(10 * SECOND)
    assert centre.one(d.RoundStarted).round == 2
    assert centre.offers == [("ana", "w1")]


def test_a_refusal_excludes_from_that_item_only() -> None:
    centre = Centre(*TEAM[:1])
    centre.arrive("w1", Channel.CHAT)
    centre.arrive("w2", Channel.EMAIL)
    centre.reject("w1")
    centre.after(9 * SECOND)
    assert centre.offers == []  # resting
    centre.after(SECOND)
    assert centre.offers == [("ana", "w2")]


def test_new_steps_hold_for_those_who_wait_already() -> None:
    centre = Centre(queue(steps=[EXPERTS, RoutingStep()]), *TEAM, away=["ana"])
    centre.arrive("w1")
    assert centre.offers == []
    centre.send(i.QueueConfigChanged(queue()))
    assert centre.offers == [("ben", "w1")]


def test_a_step_that_never_ends_hides_those_behind_it() -> None:
    assert config_faults(queue(steps=[RoutingStep(), EXPERTS]))
    assert config_faults(queue(steps=[RoutingStep(for_ms=0), RoutingStep()]))
    assert not config_faults(queue(steps=[EXPERTS, RoutingStep()]))


def test_a_new_skill_brings_what_waits() -> None:
    centre = Centre(queue(), agent("cid", {"PR": 5}))
    centre.arrive("w1")
    centre.after(MINUTE, i.AgentConfigChanged(agent("cid", {"PR": 5, "SA": 1})))
    assert centre.offers == [("cid", "w1")]
