"""What only the router may grant, asked over the log: pull, push, status. With a live router."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from contactcenter.agents.schemas import SetStatus
from contactcenter.agents.service import AgentService
from contactcenter.core.access import SYSTEM, Principal
from contactcenter.core.errors import Conflict, NotFound, Unavailable
from contactcenter.core.ids import new_id
from routing import requests as asking
from routing.core.decisions import Decision
from routing.core.engine import Engine
from routing.core.inputs import Input
from routing.schemas import Assign, AssignConversation, SupervisorTransfer, WrapUp
from tests.integration.routing.scene import ZONE, Scene, Waiting


@pytest.fixture
async def live(scene: Scene) -> AsyncIterator[Scene]:
    """The scene with a bus and a router that run by themselves."""
    await scene.lease.close()
    await scene.bus.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(scene.bus.stop)
        await stack.enter_async_context(scene.requests.listening())
        scene.router = scene.another_router()
        await stack.enter_async_context(scene.router.running())
        async with asyncio.timeout(10):
            while not scene.router.leads:
                await asyncio.sleep(0.01)
        yield scene


async def until_offered(scene: Scene, waiting: Waiting) -> None:
    async with asyncio.timeout(10):
        while await scene.offer(waiting) is None:
            await asyncio.sleep(0.01)


async def at_work(scene: Scene, agent: Principal, **arriving: Any) -> Waiting:
    """Something that has arrived, and that the agent has accepted."""
    waiting = await scene.arrive(**arriving)
    await until_offered(scene, waiting)
    offer = await scene.offer(waiting)
    assert offer is not None
    await scene.desk.accept(agent, offer["id"])
    return waiting


def service(scene: Scene) -> AgentService:
    return AgentService(scene.work, scene.clock, ZONE, scene.requests)


async def no_offer(scene: Scene) -> Principal:
    """An agent who is there but gets no offers: away."""
    return await scene.agent("Lucía", status="away", SA=5)


async def test_an_agent_pulls_a_waiting_item(live: Scene) -> None:
    lucia = await no_offer(live)
    marcos = await live.agent("Marcos", status="away", SH=4)
    waiting = await live.arrive()
    accepted = await live.desk.pull(lucia, waiting.interaction_id)
    assert accepted.interaction is not None
    assert accepted.interaction.state == "active"
    again = await live.desk.pull(lucia, waiting.interaction_id)
    assert again == accepted
    with pytest.raises(NotFound):  # neither his queue nor his work
        await live.desk.pull(marcos, waiting.interaction_id)
    [event] = await live.events("reservation.accepted")
    assert event.event.how == "pull"  # type: ignore[attr-defined]


async def test_a_pull_stays_within_the_budget(live: Scene) -> None:
    lucia = await no_offer(live)
    await live.execute("UPDATE agents SET budget = 40")
    live.router.forget()
    first, second = await live.arrive(), await live.arrive()
    await live.desk.pull(lucia, first.interaction_id)
    with pytest.raises(Conflict) as refused:
        await live.desk.pull(lucia, second.interaction_id)
    assert refused.value.ctx["reason"] == "capacity"


async def test_a_supervisor_pushes_and_force_is_recorded(live: Scene) -> None:
    lucia = await no_offer(live)
    waiting = await live.arrive()
    asked = Assign(interaction_id=waiting.interaction_id, agent_id=lucia.agent())
    with pytest.raises(Conflict):
        await live.supervision.assign(live.supervisor, asked)
    given = await live.supervision.assign(live.supervisor, asked.model_copy(update={"force": True}))
    assert given.agent_id == lucia.agent_id
    row = await live.one("SELECT how, state, why FROM reservations")
    assert (row["how"], row["state"], row["why"]["forced"]) == ("push", "accepted", True)
    with pytest.raises(NotFound):
        await live.supervision.assign(live.supervisor, asked)


async def test_a_desk_gets_no_channel_that_it_cannot_handle(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5, channels=("chat",))
    mail = await live.arrive(channel="email")
    asked = Assign(interaction_id=mail.interaction_id, agent_id=lucia.agent())
    refusals = []
    for attempt in (
        live.desk.pull(lucia, mail.interaction_id),
        live.supervision.assign(live.supervisor, asked),
        live.supervision.assign(live.supervisor, asked.model_copy(update={"force": True})),
    ):
        with pytest.raises(Conflict, match="cannot handle this channel") as refused:
            await attempt
        refusals.append(refused.value.ctx)
    assert refusals == [{"reason": "channel", "channel": "email"}] * 3
    assert (await live.interaction(mail))["state"] == "queued"


async def test_a_fault_of_ours_ends_a_leadership_and_not_all_routing(
    live: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.agent("Lucía", SA=5)
    decide, faults = live.router.turn, iter([True])

    async def turn() -> int:
        if next(faults, False):
            raise LookupError("planted")
        return await decide()

    monkeypatch.setattr(live.router, "turn", turn)
    await until_offered(live, await live.arrive())
    assert next(faults, None) is None, "the fault was not met"


async def test_a_waiting_item_moves_to_an_agent_by_transfer(live: Scene) -> None:
    nerea = await live.agent("Nerea", SH=5)
    waiting = await live.arrive()
    await live.supervision.transfer(
        live.supervisor, waiting.interaction_id, SupervisorTransfer(agent=nerea.agent())
    )
    assert (await live.interaction(waiting))["agent_id"] == nerea.agent_id


async def test_status_is_set_by_the_agent_and_by_a_supervisor(live: Scene) -> None:
    lucia = await live.agent("Lucía", status="offline", SA=5)
    agents = service(live)
    me = await agents.set_own_status(lucia, SetStatus(status="available"))
    assert (me.status, me.state) == ("available", "available")
    tile = await agents.set_status(
        live.supervisor, lucia.agent(), SetStatus(status="away", reason="training")
    )
    assert (tile.status, tile.status_reason) == ("away", "training")
    causes = [e.event.cause for e in await live.events("agent.status_changed")]  # type: ignore[attr-defined]
    assert causes == ["agent", "supervisor"]
    row = await live.one("SELECT actor FROM event_log WHERE type = 'routing.requested' LIMIT 1")
    assert row["actor"] == lucia.actor


async def test_the_last_agent_of_a_queue_with_waiters_must_confirm(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    await live.execute("UPDATE agents SET budget = 0")
    live.router.forget()
    await live.arrive()
    agents = service(live)
    with pytest.raises(Conflict) as refused:
        await agents.set_own_status(lucia, SetStatus(status="away"))
    assert refused.value.ctx["waiting"] == {"SA": 1}
    me = await agents.set_own_status(lucia, SetStatus(status="away", confirm=True))
    assert me.status == "away"


async def test_signing_off_with_open_work_wants_a_word_about_it(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    waiting = await at_work(live, lucia)
    agents = service(live)
    with pytest.raises(Conflict) as refused:
        await agents.set_own_status(lucia, SetStatus(status="offline"))
    assert refused.value.ctx["open"] == [str(waiting.interaction_id)]
    me = await agents.set_own_status(lucia, SetStatus(status="offline", open="queue"))
    assert (me.status, me.state) == ("offline", "offline")
    assert (await live.interaction(waiting))["state"] == "queued"


async def test_after_this_takes_effect_without_an_offer_in_between(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    waiting = await at_work(live, lucia)
    agents = service(live)
    me = await agents.set_own_status(
        lucia, SetStatus(status="away", reason="lunch", after_this=True)
    )
    assert (me.status, me.after_this) == ("available", "away")
    await live.arrive()
    await live.leave(waiting)
    await live.execute("UPDATE segments SET wrap_deadline = NULL")
    await live.desk.wrap_up(
        lucia, WrapUp(interaction_id=waiting.interaction_id, disposition="solved")
    )
    async with asyncio.timeout(10):
        while (await agents.profile(SYSTEM, lucia.agent())).status != "away":
            await asyncio.sleep(0.01)
    assert len(await live.events("reservation.created")) == 1


async def test_what_is_said_of_work_set_aside_later_is_kept(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    waiting = await at_work(live, lucia)
    agents = service(live)
    until = live.clock.now() + timedelta(hours=1)
    wish = SetStatus(status="offline", after_this=True, open="snooze", snooze_until=until)
    me = await agents.set_own_status(lucia, wish)
    assert (me.status, me.after_this) == ("available", "offline")
    live.router.forget()
    await live.desk.hold(lucia, waiting.interaction_id)
    async with asyncio.timeout(10):
        while (await agents.profile(SYSTEM, lucia.agent())).status != "offline":
            await asyncio.sleep(0.01)
    part = await live.one("SELECT state, park_reason, parked_until FROM segments")
    assert (part["state"], part["park_reason"], part["parked_until"]) == (
        "parked",
        "snoozed",
        until,
    )
    kept = await live.one("SELECT after_this, after_this_open FROM agents WHERE name = 'Lucía'")
    assert (kept["after_this"], kept["after_this_open"]) == (None, None)


async def test_a_call_at_hand_can_only_be_finished(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    call = await at_work(live, lucia, channel="voice")
    with pytest.raises(Conflict) as refused:
        await service(live).set_own_status(lucia, SetStatus(status="offline", open="queue"))
    assert refused.value.ctx == {"open": [str(call.interaction_id)], "finish": True}


async def test_without_a_router_the_asker_is_told_soon(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ANSWER_SECONDS", 0.1)
    lucia = await no_offer(scene)
    waiting = await scene.arrive()
    with pytest.raises(Unavailable):
        await scene.desk.pull(lucia, waiting.interaction_id)
    assert (await scene.interaction(waiting))["state"] == "queued"


async def test_a_chat_goes_through_by_itself(live: Scene) -> None:
    lucia = await live.agent("Lucía", SA=5)
    waiting = await at_work(live, lucia)
    assert (await live.interaction(waiting))["state"] == "active"


async def test_a_fault_in_a_turn_does_not_end_routing(
    live: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.agent("Lucía", SA=5)
    whole = Engine.step
    faults: list[Sequence[Input]] = []

    def faulty(engine: Engine, inputs: Sequence[Input], now: int) -> list[Decision]:
        if inputs and not faults:
            faults.append(inputs)
            raise ZeroDivisionError
        return whole(engine, inputs, now)

    monkeypatch.setattr(Engine, "step", faulty)
    waiting = await live.arrive()
    await until_offered(live, waiting)
    assert faults


async def test_a_chat_is_given_by_its_conversation(live: Scene) -> None:
    lucia = await no_offer(live)
    waiting, mail = await live.arrive(), await live.arrive(channel="email")
    asked = AssignConversation(agent_id=lucia.agent(), force=True)
    given = await live.supervision.assign_conversation(
        live.supervisor, waiting.conversation_id, asked
    )
    assert (given.interaction_id, given.agent_id) == (waiting.interaction_id, lucia.agent_id)
    for unknown in (mail.conversation_id, new_id()):
        with pytest.raises(NotFound):
            await live.supervision.assign_conversation(live.supervisor, unknown, asked)
    await live.leave(waiting)
    await live.execute("UPDATE interactions SET state = 'closed', closed_at = now()")
    with pytest.raises(Conflict):
        await live.supervision.assign_conversation(live.supervisor, waiting.conversation_id, asked)
