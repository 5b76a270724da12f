"""Work in an agent's hands: setting aside, going on, sending on, ending."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.events.customers import CustomerErased
from contactcenter.interactions import cards
from routing.listeners import erased
from routing.schemas import Close, HelpWanted, Snooze, Transfer, WrapUp
from tests.integration.routing.scene import Scene


async def test_a_parked_chat_is_free_after_five_minutes_and_comes_back(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.answer(waiting, lucia)
    state = await scene.desk.hold(lucia, waiting.interaction_id)
    assert state.interaction is not None
    assert state.interaction.state == "parked"
    assert await scene.desk.hold(lucia, waiting.interaction_id) == state
    await scene.later(299)
    assert (await scene.segments(waiting))[0]["cost"] == 25
    await scene.later(1)
    assert (await scene.segments(waiting))[0]["cost"] == 0
    [changed] = await scene.events("interaction.cost_changed")
    assert changed.event.cost == 0  # type: ignore[attr-defined]

    await scene.write(waiting, "Sigo aquí")
    await scene.settle()
    segment = (await scene.segments(waiting))[0]
    assert (segment["state"], segment["cost"]) == ("active", 25)
    assert (await scene.interaction(waiting))["state"] == "active"


async def test_a_chat_that_nobody_parked_waits_for_free_too(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.answer(waiting, lucia)
    await scene.settle()
    await scene.later(300)
    segment = (await scene.segments(waiting))[0]
    assert (segment["state"], segment["park_reason"]) == ("parked", "waiting_customer")


async def test_messaging_waits_for_free_at_once(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive(channel="whatsapp")
    await scene.accepted(waiting, lucia)
    await scene.answer(waiting, lucia)
    await scene.settle()
    segment = (await scene.segments(waiting))[0]
    assert (segment["state"], segment["cost"]) == ("parked", 0)


async def test_returning_work_may_exceed_the_budget_and_nothing_new_comes(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    first = await scene.arrive()
    await scene.accepted(first, lucia)
    await scene.answer(first, lucia)
    await scene.desk.hold(lucia, first.interaction_id)
    await scene.settle()
    await scene.later(300)
    others = [await scene.arrive() for _ in range(4)]
    for waiting in others:
        await scene.accepted(waiting, lucia)
    await scene.write(first)
    await scene.settle()
    segment = (await scene.segments(first))[0]
    assert (segment["state"], segment["over_budget"]) == ("active", True)
    late = await scene.arrive()
    await scene.settle()
    assert await scene.offer(late) is None
    for waiting in others[:2]:
        await scene.desk.close(
            lucia, Close(interaction_id=waiting.interaction_id, disposition="solved")
        )
    await scene.settle()
    assert await scene.offer(late) is not None


async def test_snoozed_work_comes_back_at_its_time(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive(channel="email")
    await scene.accepted(waiting, lucia)
    until = scene.clock.now() + timedelta(hours=2)
    await scene.desk.snooze(lucia, Snooze(interaction_id=waiting.interaction_id, until=until))
    await scene.settle()
    assert (await scene.segments(waiting))[0]["parked_until"] == until
    await scene.later(7199)
    assert (await scene.interaction(waiting))["state"] == "parked"
    await scene.later(1)
    assert (await scene.interaction(waiting))["state"] == "active"
    [resumed] = await scene.events("interaction.resumed")
    assert resumed.event.cause == "timer"  # type: ignore[attr-defined]
    with pytest.raises(Invalid):
        await scene.desk.snooze(lucia, Snooze(interaction_id=waiting.interaction_id, until=until))


async def test_resume_by_hand(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.desk.snooze(lucia, Snooze(interaction_id=waiting.interaction_id))
    state = await scene.desk.resume(lucia, waiting.interaction_id)
    assert state.interaction is not None
    assert state.interaction.state == "active"
    assert await scene.desk.resume(lucia, waiting.interaction_id) == state
    await scene.settle()
    assert len(await scene.events("interaction.resumed")) == 1


async def test_transfer_to_a_queue_keeps_the_wait_and_not_the_talk(scene: Scene) -> None:
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SH=5)
    waiting = await scene.arrive()
    scene.clock.advance(10)
    await scene.accepted(waiting, lucia)
    scene.clock.advance(300)
    state = await scene.desk.transfer(
        lucia, Transfer(interaction_id=waiting.interaction_id, queue="SH", note="Es de hogar")
    )
    assert state.interaction is None
    second = (await scene.visits(waiting))[1]
    assert (second["queue"], second["entry"]) == ("SH", "transfer")
    assert second["virtual_start"] == scene.clock.now() - timedelta(seconds=10)
    [sent] = await scene.events("interaction.transferred")
    assert sent.event.talked_ms == 300_000  # type: ignore[attr-defined]
    await scene.accepted(waiting, nerea)
    async with scene.pool.acquire() as conn:
        [note] = await cards.messages(conn, waiting.conversation_id)
        assert (note.kind, note.body) == ("note", "Es de hogar")
        assert await cards.messages(conn, waiting.conversation_id, notes=False) == []
        assert not await cards.cards(conn, lucia.agent())
        assert waiting.interaction_id in await cards.cards(conn, nerea.agent())
    with pytest.raises(Conflict):
        await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    with pytest.raises(Conflict):
        await scene.desk.hold(lucia, waiting.interaction_id)


async def test_a_transfer_after_a_requeue_counts_the_waits_and_no_talk(scene: Scene) -> None:
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SH=5)
    waiting = await scene.arrive()
    scene.clock.advance(10)
    await scene.accepted(waiting, lucia)
    scene.clock.advance(300)
    await scene.signs_out(lucia)
    await scene.settle()
    await scene.later(60)  # it waits again, in its old place
    first, second = await scene.visits(waiting)
    assert second["virtual_start"] == first["virtual_start"]
    scene.clock.advance(5)
    marcos = await scene.agent("Marcos", SA=4)
    await scene.accepted(waiting, marcos)
    scene.clock.advance(100)
    await scene.desk.transfer(marcos, Transfer(interaction_id=waiting.interaction_id, queue="SH"))
    third = (await scene.visits(waiting))[2]
    assert third["virtual_start"] == scene.clock.now() - timedelta(seconds=15)
    await scene.accepted(waiting, nerea)


async def test_the_offer_of_a_transfer_says_from_whom_and_what_they_wrote(scene: Scene) -> None:
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SH=5)
    waiting = await scene.arrive()
    async with scene.pool.acquire() as conn:
        await scene.settle()
        [fresh] = (await cards.reservation_cards(conn, agent_id=lucia.agent())).values()
        assert fresh.handed is None
        scene.clock.advance(5)
        await scene.accepted(waiting, lucia)
        scene.clock.advance(300)
        sent = Transfer(interaction_id=waiting.interaction_id, queue="SH", note="Es de hogar")
        await scene.desk.transfer(lucia, sent)
        since = scene.clock.now()
        scene.clock.advance(2)
        await scene.settle()
        [offer] = (await cards.reservation_cards(conn, agent_id=nerea.agent())).values()
    assert offer.handed is not None
    assert (offer.handed.from_name, offer.handed.note) == ("Lucía", "Es de hogar")
    assert abs(offer.waiting_since - since) < timedelta(milliseconds=1), "the talk was no wait"


async def test_a_blind_transfer_that_nobody_takes_comes_back(scene: Scene) -> None:
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SA=5)
    waiting = await scene.arrive(preferred=(lucia.agent(),))
    await scene.accepted(waiting, lucia)
    await scene.desk.transfer(
        lucia, Transfer(interaction_id=waiting.interaction_id, agent_id=nerea.agent())
    )
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    assert offer["agent_id"] == nerea.agent_id
    await scene.later(20)
    assert (await scene.interaction(waiting))["agent_id"] == lucia.agent_id
    segments = await scene.segments(waiting)
    assert [(s["agent_id"], s["state"]) for s in segments] == [
        (lucia.agent_id, "ended"),
        (lucia.agent_id, "active"),
    ]
    returned = (await scene.events("reservation.accepted"))[-1]
    assert returned.event.how == "return"  # type: ignore[attr-defined]


async def test_wrap_up_runs_out_with_the_draft_kept(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    await scene.settle()
    interaction_id = waiting.interaction_id
    await scene.desk.wrap_up(
        lucia, WrapUp(interaction_id=interaction_id, draft=True, note="a medias")
    )
    state = await scene.desk.wrap_up(lucia, WrapUp(interaction_id=interaction_id, extend=True))
    assert state.interaction is not None
    assert state.interaction.segment is not None
    assert state.interaction.segment.wrap_extended
    with pytest.raises(Conflict):
        await scene.desk.wrap_up(lucia, WrapUp(interaction_id=interaction_id, extend=True))
    await scene.settle()
    await scene.later(119)
    assert (await scene.interaction(waiting))["state"] == "wrapping"
    await scene.later(1)
    closed = await scene.interaction(waiting)
    assert (closed["state"], closed["outcome"]) == ("closed", "none")
    segment = (await scene.segments(waiting))[0]
    assert (segment["disposition"], segment["note"]) == ("none", "a medias")
    [wrapped] = await scene.events("interaction.wrapped_up")
    assert wrapped.event.timed_out  # type: ignore[attr-defined]
    assert wrapped.event.wrap_ms == 120_000  # type: ignore[attr-defined]


async def test_a_customer_who_writes_during_wrap_up_has_the_agent_again(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    assert await scene.leave(waiting)
    await scene.settle()
    assert (await scene.interaction(waiting))["state"] == "wrapping"
    await scene.write(waiting, "Una cosa más")
    with pytest.raises(Conflict):  # the paperwork cannot end what goes on
        await scene.desk.wrap_up(
            lucia, WrapUp(interaction_id=waiting.interaction_id, disposition="solved")
        )
    await scene.settle()
    again = await scene.interaction(waiting)
    assert (again["state"], again["customer_present"], again["ended_at"]) == ("active", True, None)
    assert (await scene.segments(waiting))[0]["state"] == "active"


async def test_a_wrap_up_that_runs_out_as_the_customer_writes_leaves_nobody_behind(
    scene: Scene,
) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.leave(waiting)
    await scene.settle()
    scene.clock.advance(59)
    await scene.write(waiting, "Una cosa más")
    scene.clock.advance(1)
    await scene.router.turn()  # the time-out is due, and the message not heard yet
    await scene.settle()
    assert (await scene.interaction(waiting))["state"] == "active"
    assert (await scene.segments(waiting))[0]["state"] == "active"


async def test_commands_out_of_order_change_nothing(scene: Scene) -> None:
    lucia, marcos = await scene.agent("Lucía", SA=5), await scene.agent("Marcos", SH=4)
    waiting = await scene.arrive()
    interaction_id = waiting.interaction_id
    for stranger in (lucia, marcos):
        with pytest.raises(NotFound):
            await scene.desk.close(stranger, Close(interaction_id=interaction_id))
    await scene.accepted(waiting, lucia)
    with pytest.raises(Conflict):
        await scene.desk.wrap_up(lucia, WrapUp(interaction_id=interaction_id, disposition="solved"))
    with pytest.raises(Invalid):
        await scene.desk.close(lucia, Close(interaction_id=interaction_id, disposition="home"))
    with pytest.raises(Conflict):
        await scene.desk.transfer(
            lucia, Transfer(interaction_id=interaction_id, agent_id=lucia.agent())
        )
    before = await scene.events()
    await scene.desk.help(lucia, HelpWanted(interaction_id=interaction_id))
    assert [e.event.name for e in (await scene.events())[len(before) :]] == ["agent.help_requested"]
    await scene.desk.close(lucia, Close(interaction_id=interaction_id, disposition="solved"))
    await scene.settle()
    closed = await scene.desk.close(
        lucia, Close(interaction_id=interaction_id, disposition="solved")
    )
    assert closed.interaction is None
    for command in (scene.desk.hold, scene.desk.resume):
        with pytest.raises(Conflict):
            await command(lucia, interaction_id)
    scene.clock.advance(1)
    await scene.execute("INSERT INTO dispositions VALUES ('other', 'Otro', 'Other')")
    with pytest.raises(Conflict):
        await scene.desk.wrap_up(lucia, WrapUp(interaction_id=interaction_id, disposition="other"))


async def test_closing_with_a_disposition_leaves_nothing_to_do(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.desk.close(
        lucia, Close(interaction_id=waiting.interaction_id, disposition="solved", note="Listo")
    )
    assert (await scene.interaction(waiting))["outcome"] == "solved"
    names = [e.event.name for e in await scene.events()][-4:]
    assert names == [
        "interaction.ended",
        "interaction.wrap_started",
        "interaction.wrapped_up",
        "interaction.closed",
    ]
    await scene.settle()
    assert await scene.router.turn() == 0


async def test_a_customer_who_is_erased_leaves_no_notes(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting, other = await scene.arrive(), await scene.arrive()
    customer_id = new_id()
    for each in (waiting, other):
        await scene.accepted(each, lucia)
        await scene.desk.close(
            lucia, Close(interaction_id=each.interaction_id, disposition="solved", note="Zenobia")
        )
    await scene.execute(
        "UPDATE interactions SET customer_id = $2 WHERE id = $1",
        waiting.interaction_id,
        customer_id,
    )
    async with scene.work.begin("test.erase", "system") as work:
        work.emit(CustomerErased(customer_id=customer_id))
    [told] = await scene.events("customer.erased")
    for _ in range(2):
        async with scene.work.begin("test.listen", "listener") as work:
            await erased(work, told)
    notes = [(await scene.segments(each))[0]["note"] for each in (waiting, other)]
    assert notes == ["", "Zenobia"]
