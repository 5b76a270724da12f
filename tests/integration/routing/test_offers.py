"""From the queue to an agent and to the end: offer, accept, close, wrap-up; misses and races."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from contactcenter.core.errors import Conflict, Expired, NotFound
from contactcenter.core.ids import new_id
from routing.schemas import Close, RejectReservation, WrapUp
from tests.integration.routing.scene import Scene


async def test_a_customer_is_offered_accepted_closed_and_wrapped_up(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    assert (await scene.interaction(waiting))["state"] == "queued"

    await scene.settle()
    waits = REGISTRY.get_sample_value("queue_wait_seconds_sum", {"channel": "chat"}) or 0.0
    offer = await scene.offer(waiting)
    assert offer is not None
    assert offer["agent_id"] == lucia.agent_id
    assert offer["why"]["skills"] == [{"skill": "SA", "level": 5, "required": 1}]
    assert (await scene.interaction(waiting))["state"] == "offered"

    scene.clock.advance(5)
    accepted = await scene.desk.accept(lucia, offer["id"])
    assert accepted.interaction is not None
    assert accepted.interaction.state == "active"
    assert accepted.conversation is not None
    visit = (await scene.visits(waiting))[0]
    assert (visit["state"], visit["outcome"]) == ("assigned", "answered")
    [event] = await scene.events("reservation.accepted")
    assert event.event.waited_ms == 5000  # type: ignore[attr-defined]

    await scene.settle()
    assert REGISTRY.get_sample_value("queue_wait_seconds_sum", {"channel": "chat"}) == waits + 5
    state = await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    assert state.interaction is not None
    assert state.interaction.state == "wrapping"
    assert state.interaction.segment is not None
    assert state.interaction.segment.wrap_deadline is not None

    scene.clock.advance(20)
    state = await scene.desk.wrap_up(
        lucia,
        WrapUp(interaction_id=waiting.interaction_id, disposition="solved", note="Parte abierto"),
    )
    assert state.interaction is None
    closed = await scene.interaction(waiting)
    assert (closed["state"], closed["close_reason"], closed["outcome"]) == (
        "closed",
        "completed",
        "solved",
    )
    await scene.settle()
    names = [r.event.name for r in await scene.events()]
    assert names == [
        "agent.presence_changed",
        "interaction.created",
        "interaction.queued",
        "reservation.created",
        "reservation.accepted",
        "interaction.ended",
        "interaction.wrap_started",
        "interaction.wrapped_up",
        "interaction.closed",
    ]


async def test_accepting_again_answers_the_same_and_another_agent_is_told_no(
    scene: Scene,
) -> None:
    lucia, marcos = await scene.agent("Lucía", SA=5), await scene.agent("Marcos", SA=4)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    mine, other = (lucia, marcos) if offer["agent_id"] == lucia.agent_id else (marcos, lucia)
    first = await scene.desk.accept(mine, offer["id"])
    assert await scene.desk.accept(mine, offer["id"]) == first
    with pytest.raises(Conflict):
        await scene.desk.accept(other, offer["id"])
    with pytest.raises(NotFound):
        await scene.desk.accept(mine, new_id())
    assert len(await scene.segments(waiting)) == 1


@pytest.mark.proof
async def test_fifty_accepts_of_two_tabs_make_one_segment(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    answers = await asyncio.gather(*(scene.desk.accept(lucia, offer["id"]) for _ in range(50)))
    assert all(answer == answers[0] for answer in answers)
    assert len(await scene.segments(waiting)) == 1
    assert len(await scene.events("reservation.accepted")) == 1


@pytest.mark.proof
async def test_of_fifty_agents_rung_together_one_wins(scene: Scene) -> None:
    await scene.execute("UPDATE queues SET strategy = 'ring_all' WHERE key = 'SA'")
    agents = {a.agent(): a for a in [await scene.agent(f"A{n}", SA=3) for n in range(50)]}
    waiting = await scene.arrive()
    await scene.settle()
    offers = await scene.rows("SELECT id, agent_id FROM reservations WHERE state = 'pending'")
    assert len(offers) == 50
    outcomes = await asyncio.gather(
        *(scene.desk.accept(agents[o["agent_id"]], o["id"]) for o in offers),
        return_exceptions=True,
    )
    lost = [o for o in outcomes if isinstance(o, Exception)]
    assert len(lost) == 49
    assert all(isinstance(o, Conflict) for o in lost)
    await scene.settle()
    states = await scene.rows("SELECT state, count(*) FROM reservations GROUP BY state")
    assert {r["state"]: r["count"] for r in states} == {"accepted": 1, "rescinded": 49}
    assert (await scene.interaction(waiting))["state"] == "active"


async def test_an_offer_runs_out_and_goes_to_the_next(scene: Scene) -> None:
    agents = [await scene.agent("Lucía", SA=5), await scene.agent("Marcos", SA=4)]
    waiting = await scene.arrive()
    await scene.settle()
    first = await scene.offer(waiting)
    assert first is not None
    await scene.later(29)
    assert await scene.offer(waiting) == first
    await scene.later(1)
    second = await scene.offer(waiting)
    assert second is not None
    assert {first["agent_id"], second["agent_id"]} == {a.agent_id for a in agents}
    late = next(a for a in agents if a.agent_id == first["agent_id"])
    with pytest.raises(Expired):
        await scene.desk.accept(late, first["id"])
    visit = (await scene.visits(waiting))[0]
    assert visit["state"] == "offered"
    assert visit["virtual_start"] == visit["entered_at"]  # a miss costs no place
    assert len(await scene.visits(waiting)) == 1


async def test_an_offer_that_ran_out_is_not_taken_while_no_router_runs(scene: Scene) -> None:
    agents = [await scene.agent(name, SA=5) for name in ("Lucía", "Marcos")]
    first, second = await scene.arrive(), await scene.arrive()
    await scene.settle()
    in_time, too_late = await scene.offer(first), await scene.offer(second)
    assert in_time is not None
    assert too_late is not None
    asked = {agent.agent_id: agent for agent in agents}
    punctual, late = asked[in_time["agent_id"]], asked[too_late["agent_id"]]
    scene.clock.advance(32)  # a chat rings for 30 s, and the leader's tick may be late
    await scene.desk.accept(punctual, in_time["id"])
    scene.clock.advance(0.001)
    with pytest.raises(Expired):
        await scene.desk.accept(late, too_late["id"])
    assert (await scene.interaction(second))["state"] == "offered"
    assert (await scene.visits(second))[0]["outcome"] is None
    row = await scene.one("SELECT state FROM reservations WHERE id = $1", too_late["id"])
    assert row["state"] == "pending"
    await scene.settle()
    assert len(await scene.events("reservation.timed_out")) == 1
    with pytest.raises(Expired):
        await scene.desk.accept(late, too_late["id"])


async def test_a_missed_call_sets_the_agent_away(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive(channel="voice")
    await scene.settle()
    assert await scene.offer(waiting) is not None
    await scene.later(15)
    row = await scene.one("SELECT status, status_reason FROM agents WHERE id = $1", lucia.agent_id)
    assert row == {"status": "away", "status_reason": "missed"}
    [changed] = await scene.events("agent.status_changed")
    assert changed.event.cause == "missed"  # type: ignore[attr-defined]
    assert (await scene.interaction(waiting))["state"] == "queued"


async def test_a_no_rests_the_agent_and_the_visit_waits_again(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    asked = RejectReservation(reservation_id=offer["id"], reason="busy")
    await scene.desk.reject(lucia, asked)
    await scene.desk.reject(lucia, asked)
    assert (await scene.interaction(waiting))["state"] == "queued"
    await scene.settle()
    assert await scene.offer(waiting) is None
    with pytest.raises(Conflict):
        await scene.desk.accept(lucia, offer["id"])
    await scene.later(10)  # a new round begins when all have refused
    assert (await scene.visits(waiting))[0]["round"] == 2
    again = await scene.offer(waiting)
    assert again is not None
    assert again["agent_id"] == lucia.agent_id


async def test_a_customer_who_leaves_while_ringing_costs_no_miss(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    scene.clock.advance(3)
    assert await scene.leave(waiting)
    assert not await scene.leave(waiting)
    closed = await scene.interaction(waiting)
    assert (closed["state"], closed["close_reason"]) == ("closed", "abandoned")
    with pytest.raises(Conflict):
        await scene.desk.accept(lucia, offer["id"])
    await scene.settle()
    row = await scene.one("SELECT state FROM reservations")
    assert row["state"] == "cancelled"
    [left] = await scene.events("interaction.dequeued")
    assert left.event.ringing  # type: ignore[attr-defined]
    assert left.event.waited_ms == 3000  # type: ignore[attr-defined]
    # The agent is free at once.
    await scene.accepted(await scene.arrive(), lucia)


async def test_items_are_served_in_order(scene: Scene) -> None:
    first = await scene.arrive()
    scene.clock.advance(1)
    second = await scene.arrive()
    scene.clock.advance(1)
    third = await scene.arrive()
    await scene.settle()
    lucia = await scene.agent("Lucía", SA=5)
    for waiting in (first, second, third):
        await scene.accepted(waiting, lucia)


async def test_the_budget_holds(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    chats = [await scene.arrive() for _ in range(5)]
    for waiting in chats[:4]:
        await scene.accepted(waiting, lucia)
    assert await scene.offer(chats[4]) is None  # four chats of 25 are 100 units
    await scene.desk.close(
        lucia, Close(interaction_id=chats[0].interaction_id, disposition="solved")
    )
    await scene.accepted(chats[4], lucia)
