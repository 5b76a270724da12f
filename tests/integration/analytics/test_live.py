"""The wallboard while it runs: snapshots, deltas, narrower views, explanations."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from contactcenter.analytics.live import PACE_S
from contactcenter.analytics.schemas import ExplainQuery, IntervalQuery, WallboardState
from contactcenter.core.access import SYSTEM
from contactcenter.core.errors import Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.events.agents import AgentHelpRequested, AgentStatusChanged
from tests.integration.analytics.conftest import Watched
from tests.unit.analytics.test_board import merged

SECTIONS = ("queues", "today", "halves", "waiting", "sparks", "agents", "time", "trouble")


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.02)


def sent(watched: Watched, to: str, name: str) -> list[Mapping[str, Any]]:
    return [
        payload for where, called, payload in watched.screens.sent if where == to and called == name
    ]


async def test_the_snapshot_answers_a_subscription(played: Watched) -> None:
    queues = await played.analytics.subscribe(SYSTEM, "sid", None)
    assert queues == ["SA", "SH", "PR", "CO", "SV", "RE"]
    (snapshot,) = sent(played, "sid", "snapshot")
    assert snapshot["streams"] == {"wallboard": 0}
    state = WallboardState.model_validate(snapshot["state"])
    assert state.centre.timezone == "Europe/Madrid"
    assert len(state.agents) == 14
    assert sum(figures.answered for figures in state.today.values()) > 100
    assert all(len(values) == 20 for values in state.sparks.values())


async def test_deltas_add_up_to_a_new_snapshot(watched: Watched) -> None:
    await watched.analytics.subscribe(SYSTEM, "sid", None)
    await watched.play()
    (snapshot,) = sent(watched, "sid", "snapshot")
    await until(lambda: len(watched.wallboard.board.shown["today"]) > 5)
    await asyncio.sleep(2 * PACE_S)
    screen = {section: dict(snapshot["state"][section]) for section in SECTIONS}
    deltas = sent(watched, "wallboard", "wallboard.delta")
    for delta in deltas:
        screen = merged(screen, delta["changes"])
    fresh = watched.analytics.resync("sid")["state"]
    assert {name: screen[name] for name in SECTIONS} == {name: fresh[name] for name in SECTIONS}
    items = sent(watched, "wallboard", "queue.item_changed")
    told = {item["interaction_id"] for item in items if item["item"] is not None}
    assert set(screen["waiting"]) <= told


async def test_at_most_two_deltas_a_second(watched: Watched) -> None:
    await watched.analytics.subscribe(SYSTEM, "sid", None)
    loop = asyncio.get_running_loop()
    moments: list[float] = []
    emit = watched.screens.emit

    def timed(room: str, name: str, payload: Mapping[str, Any], cursor: str) -> None:
        if name == "wallboard.delta":
            moments.append(loop.time())
        emit(room, name, payload, cursor)

    watched.screens.emit = timed  # type: ignore[method-assign]
    await watched.play()
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert len(gaps) >= 2
    assert min(gaps) >= PACE_S * 0.99


async def test_a_narrower_view_holds_its_queues_only(played: Watched) -> None:
    await played.analytics.subscribe(SYSTEM, "sid", ["SA", "PR"])
    (snapshot,) = sent(played, "sid", "snapshot")
    state = WallboardState.model_validate(snapshot["state"])
    assert set(state.queues) == {"SA", "PR"}
    assert {key.split("|")[0] for key in state.today} == {"SA", "PR"}
    assert {item.queue for item in state.waiting.values()} <= {"SA", "PR"}
    assert len(state.agents) == 14
    assert snapshot["streams"] == {"wallboard:PR,SA": 0}
    assert set(played.analytics.resync("sid")["state"]["queues"]) == {"SA", "PR"}
    await played.analytics.subscribe(SYSTEM, "sid", None)
    assert set(sent(played, "sid", "snapshot")[-1]["state"]["queues"]) > {"SA", "PR"}


async def test_an_unknown_queue_is_refused_and_nothing_moves(watched: Watched) -> None:
    with pytest.raises(Invalid):
        await watched.analytics.subscribe(SYSTEM, "sid", ["XX"])
    with pytest.raises(NotFound):
        watched.analytics.resync("sid")


async def test_a_status_is_told_with_the_agents_card(watched: Watched) -> None:
    await watched.analytics.subscribe(SYSTEM, "sid", None)
    agent = next(iter(watched.wallboard.board.agents.values()))
    async with watched.deps.work.begin("test", "system") as work:
        work.emit(AgentStatusChanged(agent_id=agent.agent_id, status="away", reason="break"))
    await until(lambda: bool(sent(watched, "wallboard", "agent.status_changed")))
    told = sent(watched, "wallboard", "agent.status_changed")[0]["agent"]
    assert (told["name"], told["status"], told["reason"]) == (agent.name, "away", "break")


async def test_midnight_begins_a_new_day(played: Watched) -> None:
    await played.analytics.subscribe(SYSTEM, "sid", None)
    before = played.wallboard.day
    played.clock.at = before[1] + timedelta(minutes=1)
    await until(lambda: played.wallboard.day[0] == before[1])
    await until(lambda: not played.wallboard.board.shown["today"])


@pytest.mark.parametrize("figure", ["service_level", "abandonment", "asa", "aht", "waiting"])
async def test_an_explanation_adds_up_and_names_its_items(played: Watched, figure: str) -> None:
    query = ExplainQuery.model_validate({"figure": figure, "channel": "voice"})
    told = await played.analytics.explain(SYSTEM, query)
    assert told.numerator.value == sum(part.sign * part.value for part in told.numerator.parts)
    assert told.total == len(told.items)
    assert told.numerator.value == sum(item.numerator for item in told.items)
    if told.denominator is not None:
        assert told.denominator.value == sum(item.denominator for item in told.items)
    assert {item.channel for item in told.items} <= {"voice"}
    assert all(item.agent_name for item in told.items if item.outcome.startswith("answered"))
    assert any(item.customer_name.startswith("•••") for item in told.items) or figure == "waiting"


async def test_occupancy_of_a_queue_is_of_its_members(played: Watched) -> None:
    query = ExplainQuery.model_validate({"figure": "occupancy", "queue": "RE"})
    told = await played.analytics.explain(SYSTEM, query)
    assert [agent.name for agent in told.agents] == ["Teresa Bielsa"]
    assert told.denominator is not None
    assert 0 < told.numerator.value <= told.denominator.value


async def test_explain_refuses_what_it_does_not_know(watched: Watched) -> None:
    query = ExplainQuery.model_validate({"figure": "asa", "queue": str(new_id())})
    with pytest.raises(Invalid):
        await watched.analytics.explain(SYSTEM, query)


async def test_a_stretch_is_bounded(watched: Watched) -> None:
    start, end = watched.wallboard.day
    for bad in ({"from": end, "to": start}, {"from": start, "to": start + timedelta(days=8)}):
        with pytest.raises(Invalid):
            await watched.analytics.intervals(SYSTEM, IntervalQuery.model_validate(bad))


async def test_a_raised_hand_is_in_the_rebuilt_day_too(watched: Watched) -> None:
    agent = next(iter(watched.wallboard.board.agents))
    async with watched.deps.work.begin("test", "system") as work:
        work.emit(AgentHelpRequested(agent_id=agent, interaction_id=None))
    await watched.caught_up()
    again, _ = await watched.analytics.rebuild(*watched.wallboard.day)
    live = watched.wallboard.board.ledger
    assert again.agents[agent].hand == live.agents[agent].hand is not None
