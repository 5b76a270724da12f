"""The queue's door: old places, limits, estimates; and what configures it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contactcenter.core.errors import Conflict, Invalid, NotFound, PreconditionFailed
from contactcenter.core.ids import new_id
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from routing.queues.schemas import (
    CalendarEdit,
    CalendarNew,
    DispositionEdit,
    DispositionNew,
    QueueEdit,
    QueueNew,
    SkillEdit,
    SkillNew,
)
from routing.queues.service import SetupService
from routing.schemas import Close, SupervisorTransfer
from routing.waits import FIRST_WITHIN, Waits
from tests.integration.routing.scene import ZONE, Scene


async def configure(scene: Scene, queue: str = "SA", **config: Any) -> None:
    await scene.execute(
        "UPDATE queues SET config = $2, version = version + 1 WHERE key = $1", queue, config
    )
    scene.router.forget()


async def test_who_comes_back_in_time_gets_the_old_place_on_any_channel(scene: Scene) -> None:
    first = await scene.arrive(channel="voice")
    scene.clock.advance(60)
    await scene.arrive()
    scene.clock.advance(180)
    await scene.leave(first)
    scene.clock.advance(60)
    again = await scene.arrive(channel="whatsapp", contact_id=first.contact_id)
    old, new = (await scene.visits(first))[0], (await scene.visits(again))[0]
    assert (new["entry"], new["band"], new["virtual_start"]) == (
        "return",
        2,
        old["virtual_start"],
    )
    async with scene.pool.acquire() as conn:
        [head, _] = (await scene.queues.positions(conn, ["SA"], scene.clock.now()))["SA"]
    assert head.interaction_id == again.interaction_id
    # The place is taken once.
    twice = await scene.arrive(channel="sms", contact_id=first.contact_id)
    assert (await scene.visits(twice))[0]["entry"] == "new"


async def test_a_customers_place_is_taken_once_by_whichever_contact(scene: Scene) -> None:
    first = await scene.arrive(channel="voice")
    web, app = await scene.arrive("SH"), await scene.arrive("SH")
    await scene.execute("UPDATE contacts SET customer_id = $1, verified = true", new_id())
    await scene.leave(first)
    scene.clock.advance(60)
    again = await scene.arrive(channel="email", contact_id=web.contact_id)
    assert (await scene.visits(again))[0]["entry"] == "return"
    for contact_id in (app.contact_id, web.contact_id, first.contact_id):
        twice = await scene.arrive(channel="email", contact_id=contact_id)
        assert (await scene.visits(twice))[0]["entry"] == "new"


async def test_what_changes_while_somebody_stands_at_the_door_counts(scene: Scene) -> None:
    first = await scene.arrive()
    scene.clock.advance(60)
    async with scene.work.begin("test.arrive", "visitor:test") as work:
        again = await hall.create_conversation(work, contact_id=first.contact_id, channel="sms")
        row = await hall.create_interaction(work, conversation=again)

    async def enqueue() -> bool:
        async with scene.work.begin("test.again", "visitor:test") as work:
            visit = await scene.queues.enqueue(work, interaction_id=row.id, queue="SA")
        return visit.returned

    async with scene.work.begin("test.leave", "visitor:test") as work:
        await scene.queues.customer_left(work, first.interaction_id)
        changed = "UPDATE interactions SET version = version + 1 WHERE id = $1"
        await work.conn.execute(changed, row.id)
        both = [asyncio.create_task(enqueue()) for _ in range(2)]
        waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
        while len(await scene.rows(waiting + "current_database()")) < 2:
            await asyncio.sleep(0.01)
    first_of_both, second = sorted(await asyncio.gather(*both, return_exceptions=True), key=str)
    assert first_of_both is True
    assert isinstance(second, Conflict)


async def test_who_comes_back_late_or_to_another_queue_stands_behind(scene: Scene) -> None:
    first = await scene.arrive()
    scene.clock.advance(60)
    await scene.leave(first)
    other = await scene.arrive("SH", "voice", contact_id=first.contact_id)
    assert (await scene.visits(other))[0]["entry"] == "new"
    await scene.leave(other)
    scene.clock.advance(601)
    late = await scene.arrive("SA", "voice", contact_id=first.contact_id)
    assert (await scene.visits(late))[0]["entry"] == "new"


async def test_a_full_queue_flows_over_with_the_wait(scene: Scene) -> None:
    await configure(scene, channels={"chat": {"max_waiting": 1, "overflow": "SH"}})
    nerea = await scene.agent("Nerea", status="away", SH=5)
    first = await scene.arrive()
    scene.clock.advance(5)
    second = await scene.arrive()
    await scene.settle()
    assert (await scene.interaction(first))["queue"] == "SA"
    moved, now = await scene.visits(second)
    assert (moved["state"], moved["outcome"]) == ("ended", "moved")
    assert (now["queue"], now["entry"], now["state"]) == ("SH", "overflow", "queued")
    assert now["virtual_start"] == moved["virtual_start"]
    assert (await scene.interaction(second))["queue"] == "SH"
    del nerea


async def test_who_writes_after_the_offer_leaves_a_message_and_keeps_the_place(
    scene: Scene,
) -> None:
    await configure(scene, channels={"chat": {"max_wait_s": 120}})
    waiting = await scene.arrive()
    await scene.settle()
    await scene.later(120)
    [before] = await scene.visits(waiting)
    await scene.write(waiting, "Sigo aquí")
    await scene.write(waiting, "¿Hay alguien?")
    await scene.settle()
    await scene.later(600)
    [visit] = await scene.visits(waiting)
    assert visit == before, "band, base, virtual start, and no other visit"
    assert (await scene.interaction(waiting))["metadata"] == {"left_message": True}
    assert len(await scene.events("interaction.message_left")) == 1
    async with scene.pool.acquire() as conn:
        said = await cards.messages(conn, waiting.conversation_id)
    assert [each.sender for each in said] == ["system", "visitor", "visitor"], "it is offered once"
    later = await scene.arrive()
    call = await scene.arrive(channel="voice")
    await scene.restart()
    lucia = await scene.agent("Lucía", SA=5)
    await scene.accepted(waiting, lucia)
    assert await scene.offer(call) is None
    offered = [e.event.interaction_id for e in await scene.events("reservation.created")]  # type: ignore[attr-defined]
    assert offered == [waiting.interaction_id, later.interaction_id]


async def test_a_wait_too_long_offers_to_leave_a_message_and_keeps_the_place(
    scene: Scene,
) -> None:
    await configure(scene, channels={"chat": {"max_wait_s": 120}})
    waiting = await scene.arrive()
    await scene.settle()
    await scene.later(120)
    async with scene.pool.acquire() as conn:
        [told] = await cards.messages(conn, waiting.conversation_id)
    assert (told.sender, told.kind) == ("system", "event")
    assert (await scene.visits(waiting))[0]["message_offered"]
    assert (await scene.interaction(waiting))["state"] == "queued"
    await scene.restart()
    await scene.later(600)
    async with scene.pool.acquire() as conn:
        assert len(await cards.messages(conn, waiting.conversation_id)) == 1


async def test_mail_is_live_half_an_hour_before_it_is_due(scene: Scene) -> None:
    mail = await scene.arrive("SA", "email", due_at=scene.clock.now() + timedelta(minutes=31))
    await scene.settle()
    await scene.later(59)
    assert (await scene.visits(mail))[0]["band"] == 3
    await scene.restart()
    await scene.later(1)
    assert (await scene.visits(mail))[0]["band"] == 2
    chat = await scene.arrive()
    lucia = await scene.agent("Lucía", SA=5)
    await scene.settle()
    offer = await scene.offer(mail)
    assert offer is not None
    assert offer["agent_id"] == lucia.agent_id, "it came before the chat"
    del chat


async def test_steps_widen_the_pool_and_survive_a_restart(scene: Scene) -> None:
    await configure(scene, steps=[{"require": {"SA": 5}, "for_s": 30}, {}])
    marcos = await scene.agent("Marcos", SA=4)
    waiting = await scene.arrive()
    await scene.settle()
    assert await scene.offer(waiting) is None
    await scene.later(15)
    await scene.restart()
    await scene.settle()
    await scene.later(14)
    assert await scene.offer(waiting) is None
    await scene.later(1)
    offer = await scene.offer(waiting)
    assert offer is not None
    assert (offer["agent_id"], offer["why"]["step"]) == (marcos.agent_id, 1)


async def test_preferred_agents_come_first(scene: Scene) -> None:
    await scene.agent("Lucía", SA=5)
    marcos = await scene.agent("Marcos", SA=1)
    waiting = await scene.arrive(preferred=(marcos.agent(),))
    await scene.settle()
    async with scene.pool.acquire() as conn:
        [card] = (await cards.reservation_cards(conn, agent_id=marcos.agent())).values()
    assert card.interaction_id == waiting.interaction_id
    assert card.why.preferred


async def test_the_estimate_is_its_formula_and_is_kept(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5, SH=5)  # four chats
    for waiting in [await scene.arrive() for _ in range(4)]:
        await scene.accepted(waiting, lucia)
    line = [await scene.arrive() for _ in range(3)]
    waits = Waits(scene.book)

    async def told() -> list[int | None]:
        async with scene.pool.acquire() as conn:
            places = (await waits.positions(conn, ["SA"], scene.clock.now()))["SA"]
        assert [p.interaction_id for p in places] == [w.interaction_id for w in line]
        return [p.estimated_wait_seconds for p in places]

    assert await told() == [135, 270, 405]  # (ahead + 1 - 0 free) x 540 s / 4 slots
    lines = await scene.supervision.lines(scene.supervisor, "SA")
    [shown] = lines.items[0].estimates
    assert (shown.ahead, shown.slots, shown.free, shown.handle_seconds) == (3, 4, 0, 540)
    assert shown.estimated_wait_seconds == 540
    assert await waits.keep(scene.work, scene.clock.now()) == 3
    assert await waits.keep(scene.work, scene.clock.now()) == 0  # the first one only
    kept = await scene.rows(
        "SELECT data->>'interaction_id' AS interaction, (data->>'estimated_ms')::int AS ms"
        " FROM event_log WHERE type = 'interaction.wait_estimated' ORDER BY 2"
    )
    assert kept == [
        {"interaction": str(each.interaction_id), "ms": ms}
        for each, ms in zip(line, (135_000, 270_000, 405_000), strict=True)
    ]
    await scene.execute("UPDATE queues SET config = $1", {"handle_s": {"chat": 5400}})
    await scene.execute("UPDATE queues SET version = version + 1")
    assert await told() == [135, 270, 405]  # ten times as long: a rising wait is not told
    await scene.execute("UPDATE agents SET status = 'away'")
    assert await told() == [None, None, None]
    async with scene.pool.acquire() as conn:
        second = line[1].interaction_id
        place = (await waits.places(conn, [second, new_id()], scene.clock.now()))[second]
    assert place is not None
    assert (place.position, place.estimated_wait_seconds) == (2, None)


async def test_no_estimate_is_kept_of_mail_nor_late_nor_of_what_rings(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    for waiting in [await scene.arrive() for _ in range(3)]:
        await scene.accepted(waiting, lucia)
    rings, late = await scene.arrive(), await scene.arrive()
    await scene.settle()
    assert await scene.offer(rings)
    scene.clock.advance(FIRST_WITHIN.total_seconds() + 1)
    await scene.arrive(channel="email")
    waits = Waits(scene.book)
    assert await waits.keep(scene.work, scene.clock.now()) == 0
    new = await scene.arrive()
    assert await waits.keep(scene.work, scene.clock.now()) == 1
    kept = await scene.rows("SELECT id FROM work_items WHERE estimated_ms IS NOT NULL")
    assert kept == [{"id": new.work_item_id}]
    assert late.work_item_id != new.work_item_id


async def test_a_supervisor_moves_what_waits_and_what_is_in_hand(scene: Scene) -> None:
    lucia, nerea = await scene.agent("Lucía", SA=5), await scene.agent("Nerea", SH=5)
    waiting = await scene.arrive()
    await scene.settle()
    scene.clock.advance(8)
    target = SupervisorTransfer(queue="SH")
    await scene.supervision.transfer(scene.supervisor, waiting.interaction_id, target)
    with pytest.raises(Conflict):
        await scene.supervision.transfer(scene.supervisor, waiting.interaction_id, target)
    await scene.settle()
    moved, now = await scene.visits(waiting)
    assert (moved["outcome"], now["entry"], now["virtual_start"]) == (
        "moved",
        "moved",
        moved["virtual_start"],
    )
    await scene.accepted(waiting, nerea)
    await scene.supervision.transfer(
        scene.supervisor, waiting.interaction_id, SupervisorTransfer(queue="SA")
    )
    await scene.accepted(waiting, lucia)
    why = await scene.supervision.why(scene.supervisor, waiting.interaction_id)
    assert [visit.queue for visit in why.visits] == ["SA", "SH", "SA"]
    offers = [offer for visit in why.visits for offer in visit.reservations]
    assert [o.state for o in offers] == ["cancelled", "accepted", "accepted"]
    assert offers[1].record["chosen"] == [str(nerea.agent_id)]
    assert why.agents[str(nerea.agent_id)] == "Nerea"
    stranger = await scene.agent("Olga", CA=1)
    with pytest.raises(NotFound):
        await scene.supervision.why(stranger, waiting.interaction_id)


async def test_the_queues_as_a_supervisor_and_as_an_agent_see_them(scene: Scene) -> None:
    marcos = await scene.agent("Marcos", status="away", SH=4)
    await scene.arrive()
    scene.clock.advance(30)
    await scene.arrive("SH")
    lines = await scene.supervision.lines(scene.supervisor, None)
    assert [(line.key, line.waiting, len(line.items), line.open) for line in lines.items] == [
        ("SA", 1, 1, True),
        ("SH", 1, 1, True),
    ]
    his = await scene.supervision.lines(marcos, None)
    assert [(line.key, line.waiting, len(line.items)) for line in his.items] == [
        ("SA", 1, 0),
        ("SH", 1, 1),
    ]
    with pytest.raises(NotFound):
        await scene.supervision.lines(scene.supervisor, "XX")


async def test_unknown_and_retired_queues_take_nothing(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await scene.arrive("XX")
    await scene.execute("UPDATE queues SET retired = true WHERE key = 'SH'")
    with pytest.raises(NotFound):
        await scene.arrive("SH")
    assert await scene.rows("SELECT * FROM interactions") == []


async def test_editing_what_configures_routing(scene: Scene) -> None:
    setup, chief = SetupService(scene.work, ZONE), scene.supervisor
    await setup.create_skill(chief, SkillNew(key="VIP", name_es="VIP", name_en="VIP"))
    with pytest.raises(Conflict):
        await setup.create_skill(chief, SkillNew(key="VIP", name_es="VIP", name_en="VIP"))
    await setup.edit_skill(chief, "VIP", SkillEdit(name_es="Preferente", name_en="VIP"))
    week = {"mon": [["09:00", "14:00"]]}
    await setup.create_calendar(chief, CalendarNew(key="mornings", weekly=week))
    new = QueueNew(
        key="VIP", name_es="Preferentes", name_en="VIP", skill="VIP", calendar="mornings"
    )
    with pytest.raises(Invalid):
        await setup.create_queue(chief, new.model_copy(update={"config": {"steps": [{"x": 1}]}}))
    with pytest.raises(Invalid):
        await setup.create_queue(
            chief, new.model_copy(update={"config": {"steps": [{"require": {"NO": 1}}]}})
        )
    with pytest.raises(Invalid):
        await setup.create_queue(
            chief, new.model_copy(update={"config": {"channels": {"chat": {"overflow": "NO"}}}})
        )
    card = await setup.create_queue(chief, new)
    assert card.version == 1

    def stale(version: int) -> None:
        raise PreconditionFailed(version=version)

    edit = QueueEdit(**new.model_dump(exclude={"key"}))
    with pytest.raises(PreconditionFailed):
        await setup.edit_queue(chief, "VIP", edit, stale)
    edited = await setup.edit_queue(chief, "VIP", edit, lambda _: None)
    assert edited.version == 2
    with pytest.raises(Conflict):
        await setup.delete_skill(chief, "VIP")
    await scene.arrive("VIP")
    retired = edit.model_copy(update={"retired": True})
    with pytest.raises(Conflict) as refused:
        await setup.edit_queue(chief, "VIP", retired, lambda _: None)
    assert refused.value.ctx == {"waiting": 1}
    with pytest.raises(Invalid):
        await setup.edit_calendar(
            chief, "mornings", CalendarEdit(weekly={"lunes": []}), lambda _: None
        )
    await setup.edit_calendar(chief, "mornings", CalendarEdit(weekly={}), lambda _: None)
    changed = [e.event.queue for e in await scene.events("queue.changed")]  # type: ignore[attr-defined]
    assert changed == ["VIP", "VIP", "VIP"]
    async with scene.pool.acquire() as conn:
        assert not await scene.queues.is_open(conn, "VIP", scene.clock.now())
    disposition = DispositionNew(key="sold", label_es="Vendido", label_en="Sold", queue="VIP")
    made = await setup.create_disposition(chief, disposition)
    with pytest.raises(Conflict):
        await setup.create_disposition(chief, disposition)
    retired_too = DispositionEdit(label_es="Vendido", label_en="Sold", retired=True)
    with pytest.raises(PreconditionFailed):
        await setup.edit_disposition(chief, "sold", retired_too, stale)
    gone = await setup.edit_disposition(chief, "sold", retired_too, lambda _: None)
    assert (made.version, gone.version) == (1, 2)
    assert gone in await setup.dispositions()
    told = [e.event.disposition for e in await scene.events("disposition.changed")]  # type: ignore[attr-defined]
    assert told == ["sold", "sold"]
    with pytest.raises(NotFound):
        await setup.edit_disposition(chief, "unsold", retired_too, lambda _: None)
    with pytest.raises(NotFound):
        await setup.queue("NO")


async def test_a_boost_less_than_the_bases_are_apart_is_refused(scene: Scene) -> None:
    setup, chief = SetupService(scene.work, ZONE), scene.supervisor

    async def save(key: str, *, retired: bool = False, **voice: int) -> None:
        card = await setup.queue(key)
        kept = card.model_dump(exclude={"key", "version", "members"})
        config = {"channels": {"voice": voice}}
        edit = QueueEdit(**{**kept, "config": config, "retired": retired})
        await setup.edit_queue(chief, key, edit, lambda _: None)

    async def refused(key: str, **voice: int) -> list[str]:
        with pytest.raises(Invalid) as caught:
            await save(key, retired=False, **voice)
        [error] = caught.value.errors
        assert (error["loc"], error["type"]) == (["config"], "boost_too_low")
        keys: list[str] = error["ctx"]["keys"]
        return keys

    await save("SH", base=80)
    assert await refused("SA", base=39) == ["SA.voice", "SA.chat", "SH.voice", "SH.chat"]
    assert await refused("SA", boost=29) == ["SA.voice"]
    assert "SH.chat" in await refused("SA", base=91, boost=41), "it is SH that would be too low"
    await save("SA", base=40)
    await save("SA", base=0, retired=True)
    await save("SH", base=10)


async def test_a_changed_queue_is_taken_up_by_the_router(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=4)
    await scene.settle()
    setup = SetupService(scene.work, ZONE)
    card = await setup.queue("SA")
    edit = QueueEdit(
        **{
            **card.model_dump(exclude={"key", "version", "members"}),
            "config": {"channels": {"chat": {"offer_s": 7}}},
        }
    )
    await setup.edit_queue(scene.supervisor, "SA", edit, lambda _: None)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    assert offer["expires_at"] - offer["created_at"] == timedelta(seconds=7)
    await scene.accepted(waiting, lucia)
    await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id, wrap=False))
    assert (await scene.interaction(waiting))["state"] == "closed"
    async with scene.pool.acquire() as conn:
        assert await hall.last_agents(conn, waiting.conversation_id, scene.clock.now()) == (
            lucia.agent_id,
        )
