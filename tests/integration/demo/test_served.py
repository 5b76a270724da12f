"""The demo and the wallboard in a served centre: HTTP and sockets, and who may use them."""

from __future__ import annotations

import asyncio

import pytest

from contactcenter.analytics.schemas import ExplainedFigure, Intervals, WallboardState
from tests.integration.app.conftest import OPEN_HOURS, Centre, ShiftedClock, StartCentre, start
from tests.integration.app.people import Person, sign_in

__all__ = ["start"]

LIVING = ("web", "router", "listeners", "jobs", "demo")


@pytest.fixture
async def demo(start: StartCentre) -> Centre:
    """A demo with its people and without new customers, begun before opening: no morning."""
    early = ShiftedClock(OPEN_HOURS.replace(hour=6))
    return await start(*LIVING, clock=early, DEMO="true", DEMO_TRAFFIC="0")


async def test_the_levers_are_the_supervisors(demo: Centre) -> None:
    boss = await demo.supervisor_token()
    assert await demo.http("GET", "/demo", token=boss) == (200, {"traffic": 0.0, "hail": False})
    status, levers = await demo.http("POST", "/demo/hail", token=boss, json={"on": True})
    assert (status, levers) == (200, {"traffic": 0.0, "hail": True})
    status, levers = await demo.http("PUT", "/demo/traffic", token=boss, json={"level": 2.5})
    assert (status, levers) == (200, {"traffic": 2.5, "hail": True})
    for level in (-1, 21, "much"):
        status, _ = await demo.http("PUT", "/demo/traffic", token=boss, json={"level": level})
        assert status == 422
    agent = await sign_in(demo.url, "agent1@aintech.com")
    assert (await demo.http("POST", "/demo/hail", token=agent, json={"on": True}))[0] == 403
    assert (await demo.http("GET", "/demo"))[0] == 401


async def test_without_a_demo_there_are_no_levers(start: StartCentre) -> None:
    centre = await start()
    boss = await centre.supervisor_token()
    assert (await centre.http("GET", "/demo", token=boss))[0] == 404


async def test_the_simulated_team_is_there_and_a_person_takes_a_seat(demo: Centre) -> None:
    boss = await demo.supervisor_token()

    async def states() -> dict[str, str]:
        _, state = await demo.http("GET", "/wallboard", token=boss)
        return {agent["name"]: agent["state"] for agent in state["agents"].values()}

    async with asyncio.timeout(15):
        while sum(state != "offline" for state in (await states()).values()) < 12:
            await asyncio.sleep(0.1)
    desk = await demo.desk("agent1@aintech.com")
    async with asyncio.timeout(15):
        await desk.until(
            lambda: desk.snapshots[-1]["state"]["me"]["status"] in {"available", "away", "offline"}
        )
        _, agents = await demo.http("GET", "/agents", token=boss)
        assert next(a for a in agents["items"] if a["name"] == "Lucía Abós")["present"]


async def test_the_wallboard_over_http(demo: Centre) -> None:
    boss = await demo.supervisor_token()
    agent = await sign_in(demo.url, "agent1@aintech.com")
    status, state = await demo.http("GET", "/wallboard", token=boss)
    assert status == 200
    assert WallboardState.model_validate(state).centre.name == "Brezo y Salinas"
    assert (await demo.http("GET", "/wallboard", token=agent))[0] == 403
    day = state["centre"]["day_start"]
    now = demo.clock.now().isoformat()
    query = {"from": day, "to": now}
    status, told = await demo.http("GET", "/analytics/intervals", token=boss, params=query)
    assert status == 200
    Intervals.model_validate(told)
    status, told = await demo.http(
        "GET", "/analytics/explain", token=boss, params={"figure": "service_level", "queue": "SA"}
    )
    assert status == 200
    ExplainedFigure.model_validate(told)
    for bad in ({"figure": "mood"}, {"figure": "asa", "queue": "XX"}, {}):
        status, problem = await demo.http("GET", "/analytics/explain", token=boss, params=bad)
        assert (status, problem["status"]) == (422, 422)


async def test_the_wallboard_over_a_socket(demo: Centre) -> None:
    boss = await demo.supervisor_token()
    screen = Person(demo.url, "/wallboard")
    await screen.connect(boss)
    try:
        answer = await screen.sio.call("wallboard.subscribe", {"queues": ["SA"]}, "/wallboard")
        assert answer == {"ok": True, "data": {"queues": ["SA"]}}
        await screen.until(lambda: screen.snapshots)
        assert set(screen.snapshots[0]["state"]["queues"]) == {"SA"}
        assert screen.snapshots[0]["streams"] == {"wallboard:SA": 0}
        refused: list[dict[str, object]] = [{"queues": ["XX"]}, {"queues": []}, {"colour": 1}]
        for bad in refused:
            answer = await screen.sio.call("wallboard.subscribe", bad, "/wallboard")
            assert answer["error"]["code"] == "invalid"
        await demo.http("POST", "/demo/hail", token=boss, json={"on": True})
        await screen.until(
            lambda: [p for n, p in screen.log if p.get("changes", {}).get("trouble")]
        )
        seqs = [payload["seq"] for _, payload in screen.log]
        assert seqs == list(range(1, len(seqs) + 1))
        answer = await screen.sio.call("sync", {"cursor": ""}, "/wallboard")
        assert answer["data"]["snapshot"]["state"]["trouble"] == {"hail": True}
    finally:
        await screen.leave()
