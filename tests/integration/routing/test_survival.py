"""Crashes, lost races, two leaders, silent desks, and the sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict
from contactcenter.interactions.model import Channel
from routing import leader
from routing.core.inputs import ItemQueued
from routing.core.model import Segment, Visit
from routing.leader import Fenced
from routing.schemas import Close, RejectReservation, Snooze, Transfer, WrapUp
from tests.integration.routing.scene import Scene, Waiting

OUTCOME = """
SELECT i.state AS interaction, i.close_reason, i.customer_present, i.outcome, a.name AS agent,
       (SELECT jsonb_agg(jsonb_build_array(w.queue, w.entry, w.state, w.outcome, w.round)
                         ORDER BY w.entered_at, w.id)
        FROM work_items w WHERE w.interaction_id = i.id) AS visits,
       (SELECT jsonb_agg(jsonb_build_array(o.name, r.state, r.how) ORDER BY r.created_at, o.name)
        FROM reservations r JOIN agents o ON o.id = r.agent_id
        WHERE r.interaction_id = i.id) AS offers,
       (SELECT jsonb_agg(jsonb_build_array(o.name, s.state, s.park_reason, s.cost, s.over_budget)
                         ORDER BY s.started_at, s.id)
        FROM segments s JOIN agents o ON o.id = s.agent_id
        WHERE s.interaction_id = i.id) AS segments
FROM interactions i LEFT JOIN agents a ON a.id = i.agent_id
ORDER BY i.created_at, i.id
"""

WILLS = "SELECT name, status, status_reason FROM agents ORDER BY name"

Step = int | Callable[[], Awaitable[Any]]


class Story:
    """A morning with two agents: every kind of fact that the router hears, in one order."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.agents: dict[str, Principal] = {}
        self.people: dict[str, Waiting] = {}

    async def _holder(self, who: str) -> Principal:
        row = await self.scene.one(
            "SELECT agent_id FROM reservations WHERE interaction_id = $1 AND state = 'pending'",
            self.people[who].interaction_id,
        )
        return self._agent(row["agent_id"])

    def _agent(self, agent_id: UUID) -> Principal:
        return next(a for a in self.agents.values() if a.agent_id == agent_id)

    async def _sign_in(self, name: str, **skills: int) -> None:
        self.agents[name] = await self.scene.agent(name, **skills)  # type: ignore[arg-type]

    async def _arrive(self, who: str, queue: str = "SA", channel: Channel = "chat") -> None:
        self.people[who] = await self.scene.arrive(queue, channel)

    async def _accept(self, who: str) -> None:
        agent = await self._holder(who)
        offer = await self.scene.offer(self.people[who])
        assert offer is not None
        await self.scene.desk.accept(agent, offer["id"])

    async def _reject(self, who: str) -> None:
        agent = await self._holder(who)
        offer = await self.scene.offer(self.people[who])
        assert offer is not None
        await self.scene.desk.reject(
            agent, RejectReservation(reservation_id=offer["id"], reason="busy")
        )

    async def _with_holder(
        self, who: str, act: Callable[[Principal, UUID], Awaitable[Any]]
    ) -> None:
        interaction_id = self.people[who].interaction_id
        row = await self.scene.one(
            "SELECT agent_id FROM segments WHERE interaction_id = $1 AND state <> 'ended'",
            interaction_id,
        )
        await act(self._agent(row["agent_id"]), interaction_id)

    async def _answer(self, who: str) -> None:
        await self._with_holder(who, lambda a, _: self.scene.answer(self.people[who], a))

    async def _park(self, who: str) -> None:
        await self._with_holder(
            who, lambda a, i: self.scene.desk.snooze(a, Snooze(interaction_id=i))
        )

    async def _transfer(self, who: str, queue: str) -> None:
        await self._with_holder(
            who, lambda a, i: self.scene.desk.transfer(a, Transfer(interaction_id=i, queue=queue))
        )

    async def _close(self, who: str) -> None:
        await self._with_holder(who, lambda a, i: self.scene.desk.close(a, Close(interaction_id=i)))

    async def _wrap_up(self, who: str) -> None:
        await self._with_holder(
            who,
            lambda a, i: self.scene.desk.wrap_up(a, WrapUp(interaction_id=i, disposition="solved")),
        )

    async def _silent(self, name: str) -> None:
        await self.scene.signs_out(self.agents[name])

    async def _back(self, name: str) -> None:
        await self.scene.presence.connected(self.agents[name].agent(), ("chat", "voice"))

    async def do(self, step: Step) -> None:
        if isinstance(step, int):
            self.scene.clock.advance(step)
        else:
            await step()

    def steps(self) -> list[Step]:
        """What happens between two looks of the router; a number is a time that passes."""
        return [
            lambda: self._arrive("ana"),
            lambda: self._sign_in("Lucía", SA=5),
            lambda: self._accept("ana"),
            lambda: self._sign_in("Marcos", SA=4, SH=4),
            lambda: self._arrive("berta"),
            lambda: self._reject("berta"),
            lambda: self._answer("ana"),
            5,
            lambda: self._park("ana"),
            lambda: self._accept("berta"),
            300,
            lambda: self.scene.write(self.people["ana"]),
            lambda: self._transfer("berta", "SH"),
            31,
            11,
            lambda: self._accept("berta"),
            lambda: self._arrive("carla"),
            lambda: self._accept("carla"),
            lambda: self._close("carla"),
            10,
            lambda: self._wrap_up("carla"),
            lambda: self._silent("Lucía"),
            lambda: self._arrive("dora", "SH"),
            61,
            lambda: self._back("Lucía"),
            lambda: self.scene.leave(self.people["dora"]),
            15,
            lambda: self._arrive("elsa", "SA", "email"),
            lambda: self._accept("elsa"),
            lambda: self.scene.leave(self.people["berta"]),
            61,
        ]

    async def play(self, crash_after: int | None = None, *, deaf: bool = False) -> Any:
        """Play it all; the router dies after one step, `deaf`: before it has heard of it."""
        for number, step in enumerate(self.steps()):
            await self.do(step)
            if number == crash_after and deaf:
                await self.scene.restart()
            await self.scene.settle()
            if number == crash_after and not deaf:
                await self.scene.restart()
                await self.scene.settle()
        await self.scene.settle()
        return await self.scene.rows(OUTCOME), await self.scene.rows(WILLS)


async def fresh(scene: Scene) -> None:
    """An empty centre again, at the same hour. As `replica`, since the CRM's history is only ever
    added to."""
    await scene.execute(
        "SET session_replication_role = replica;"
        "TRUNCATE event_log, segments, reservations, work_items, messages, interactions,"
        " conversations, contacts, queue_turns, agent_states, agents CASCADE;"
        "RESET session_replication_role"
    )


async def crash_everywhere(scene: Scene, chosen: Callable[[int], tuple[bool, ...]]) -> None:
    """Play the story with a crash after each step (`chosen`: deaf to it or not), and compare."""
    begun = scene.clock.now()
    expected = await Story(scene).play()
    assert [row["interaction"] for row in expected[0]].count("closed") >= 3
    for number, step in enumerate(Story(scene).steps()):
        # An offer that runs out while nobody routes is no miss (below): that is a difference.
        for deaf in (False,) if isinstance(step, int) else chosen(number):
            await fresh(scene)
            scene.clock.set(begun)
            await scene.restart()
            for found, wanted in zip(
                await Story(scene).play(number, deaf=deaf), expected, strict=True
            ):
                for one, other in zip(found, wanted, strict=True):
                    assert one == other, (number, deaf)


@pytest.mark.proof
async def test_a_crash_between_two_steps_changes_nothing(scene: Scene) -> None:
    await crash_everywhere(scene, lambda number: (number % 2 == 0,))


@pytest.mark.nightly
async def test_a_crash_between_any_two_steps_changes_nothing(scene: Scene) -> None:
    await crash_everywhere(scene, lambda _: (False, True))


async def test_an_offer_that_ran_out_while_nobody_routed_is_no_miss(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive(channel="voice")
    await scene.settle()
    assert await scene.offer(waiting) is not None
    await scene.restart()
    scene.clock.advance(60)
    await scene.settle()
    [ended] = await scene.events("reservation.rescinded")
    assert ended.event.reason == "outage"  # type: ignore[attr-defined]
    assert (await scene.one("SELECT status FROM agents"))["status"] == "available"
    again = await scene.offer(waiting)
    assert again is not None
    assert again["agent_id"] == lucia.agent_id


@pytest.mark.proof
async def test_a_lost_race_is_given_up_and_read_again(scene: Scene) -> None:
    await scene.agent("Lucía", SA=5)
    await scene.settle()
    waiting = await scene.arrive()
    other = await scene.arrive()
    async with scene.pool.acquire() as conn:  # the customer leaves before the router knows
        await conn.execute(
            "UPDATE work_items SET state = 'ended', outcome = 'abandoned', ended_at = now()"
            " WHERE id = $1",
            waiting.work_item_id,
        )
        await conn.execute(
            "UPDATE interactions SET state = 'closed', closed_at = now(),"
            " customer_present = false WHERE id = $1",
            waiting.interaction_id,
        )
    await scene.settle()
    assert (
        await scene.rows(
            "SELECT * FROM reservations WHERE interaction_id = $1", waiting.interaction_id
        )
        == []
    )
    assert await scene.offer(other) is not None


@pytest.mark.proof
async def test_a_leader_that_was_overtaken_changes_nothing(scene: Scene) -> None:
    await scene.agent("Lucía", SA=5)
    await scene.settle()
    old = scene.router
    waiting = await scene.arrive()
    await scene.restart()
    async with scene.pool.acquire() as conn:
        batch = await scene.unheard(conn)
    await old.hear(batch)
    with pytest.raises(Fenced):
        await old.turn()
    assert await scene.rows("SELECT * FROM reservations") == []
    await scene.settle()
    row = await scene.one("SELECT epoch FROM reservations")
    assert row["epoch"] == 2
    assert (await scene.interaction(waiting))["state"] == "offered"


@pytest.mark.proof
async def test_only_one_of_two_nodes_leads(scene: Scene) -> None:
    second = scene.another_router()
    conn = await db.connect(scene.settings, "second")
    try:
        assert not await second.take_lease(conn)
        await scene.execute("UPDATE leases SET expires_at = now() - interval '1 second'")
        assert await second.take_lease(conn)  # the first one hangs
        await scene.agent("Lucía", SA=5)
        await scene.arrive()
        with pytest.raises(Fenced):
            await scene.settle()
    finally:
        await conn.close()


async def test_a_silent_desk_loses_its_offer_and_after_a_minute_its_chats(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    chat, mail = await scene.arrive(), await scene.arrive(channel="email")
    scene.clock.advance(7)
    await scene.accepted(chat, lucia)
    await scene.accepted(mail, lucia)
    ringing = await scene.arrive()
    await scene.settle()
    assert await scene.offer(ringing) is not None

    await scene.presence.heartbeat({lucia.agent(): ()})
    assert await scene.presence.lapse() == 0
    await scene.execute("UPDATE agent_states SET present_until = now() - interval '1 second'")
    assert await scene.presence.lapse() == 1
    await scene.settle()
    assert await scene.offer(ringing) is None
    assert [e.event.name for e in await scene.events("reservation.timed_out")] == []
    assert (await scene.interaction(chat))["state"] == "active"
    await scene.later(60)
    assert (await scene.interaction(chat))["state"] == "queued"
    assert (await scene.interaction(mail))["state"] == "active"  # mail stays assigned
    first, second = await scene.visits(chat)
    assert second["virtual_start"] == first["virtual_start"]
    [sent] = await scene.events("interaction.transferred")
    assert sent.event.cause == "presence_lost"  # type: ignore[attr-defined]

    await scene.presence.heartbeat({lucia.agent(): ()})  # it was only the network
    await scene.settle()
    assert await scene.offer(chat) is not None


def timeless(segment: Segment) -> Segment:
    """Who wrote last is told by the time, and here it stands still."""
    return replace(segment, waiting_since=None)


async def test_memory_is_what_the_tables_say_of_the_day(scene: Scene) -> None:
    """The counts of fewest calls and least talk too: with hold left out, and with what was
    taken from an agent."""
    await scene.execute("""UPDATE queues SET strategy = 'least_talk'""")
    story = Story(scene)

    async def hold(who: str) -> None:
        await story._with_holder(who, lambda a, i: scene.desk.hold(a, i))

    steps = [
        *story.steps(),
        lambda: story._sign_in("Nerea", SA=5),
        lambda: story._arrive("flora", "SA", "voice"),
        lambda: story._accept("flora"),
        20,
        lambda: hold("flora"),
        30,
        lambda: story._with_holder("flora", lambda a, i: scene.desk.resume(a, i)),
        7,
        lambda: hold("flora"),
        11,
        lambda: story._close("flora"),
        13,
        lambda: story._wrap_up("flora"),
    ]
    for number, step in enumerate(steps):
        await story.do(step)
        await scene.settle()
        memory = scene.router._engine.snapshot()
        loaded = await scene.router._load(scene.clock.now())
        tables = loaded.state
        unseen = [Visit(each.item) for each in loaded.unanswered if isinstance(each, ItemQueued)]
        for held, kept in (
            (memory.visits, (*tables.visits, *unseen)),
            (memory.reservations, tables.reservations),
            ([timeless(s) for s in memory.segments], [timeless(s) for s in tables.segments]),
            (memory.agents, tables.agents),
        ):
            assert sorted(held, key=str) == sorted(kept, key=str), number
    assert (1, 27_000) in {(a.calls, a.talk_ms) for a in tables.agents}


def fixed() -> dict[str, float]:
    """What sweeps have mended since this process began, by what it was."""
    [metric] = leader.SWEEP_FIXED.collect()
    return {s.labels["what"]: s.value for s in metric.samples if s.name.endswith("_total")}


async def test_the_sweep_finds_nothing_in_normal_life(scene: Scene) -> None:
    before = fixed()
    story = Story(scene)
    for step in story.steps():
        await story.do(step)
        await scene.settle()
        assert await scene.router.sweep() == 0
    assert fixed() == before


async def test_the_sweep_mends_what_was_planted(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.execute("UPDATE segments SET state = 'ended', ended_at = now(), cost = 0")
    assert await scene.router.sweep() == 0  # it could be on its way
    assert await scene.router.sweep() == 2  # a segment that memory has, a lost interaction
    await scene.settle()
    assert (await scene.visits(waiting))[-1]["entry"] == "requeue"
    assert await scene.offer(waiting) is not None
    assert await scene.router.sweep() == 0
    assert await scene.router.sweep() == 0


async def test_who_leads_sweeps_every_few_seconds_and_counts_what_it_mends(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "RENEW_SECONDS", 0.02)
    monkeypatch.setattr(leader, "SWEEP_SECONDS", 0.02)
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    before = fixed()
    await scene.bus.start()
    leading = asyncio.create_task(scene.router._lead(scene.lease))
    try:
        await scene.execute("UPDATE segments SET state = 'ended', ended_at = now(), cost = 0")
        async with asyncio.timeout(10):
            while await scene.offer(waiting) is None:
                assert not leading.done()
                await asyncio.sleep(0.02)
    finally:
        leading.cancel()
        await asyncio.gather(leading, return_exceptions=True)
        await scene.bus.stop()
    assert (await scene.visits(waiting))[-1]["entry"] == "requeue"
    mended = {what for what, times in fixed().items() if times > before.get(what, 0)}
    assert {"segments", "lost"} <= mended


async def test_a_visit_apart_from_its_interaction_holds_up_nobody(scene: Scene) -> None:
    for name in ("Ana", "Eva"):
        await scene.agent(name, SA=5)
    await scene.settle()
    apart, other = await scene.arrive(), await scene.arrive()
    await scene.execute(
        "UPDATE interactions SET state = 'active' WHERE id = $1", apart.interaction_id
    )
    scene.router.forget()
    await scene.settle()
    assert await scene.offer(other) is not None
    assert await scene.offer(apart) is None
    assert await scene.router.sweep() == 0
    assert await scene.router.sweep() > 0
    await scene.settle()
    assert await scene.offer(apart) is not None
    assert await scene.router.sweep() == 0
    assert await scene.router.sweep() == 0


@pytest.mark.proof
async def test_a_visit_begins_once(scene: Scene) -> None:
    waiting = await scene.arrive()
    with pytest.raises(Conflict):
        async with scene.work.begin("test.again", "visitor:test") as work:
            await scene.queues.enqueue(work, interaction_id=waiting.interaction_id, queue="SA")
    assert len(await scene.visits(waiting)) == 1


async def test_a_leader_that_waits_for_a_row_keeps_its_lease(scene: Scene) -> None:
    await scene.agent("Lucía", SA=5)
    await scene.settle()
    waiting = await scene.arrive()
    async with scene.pool.acquire() as conn:
        batch = await scene.unheard(conn)
    async with scene.pool.acquire() as other, other.transaction():
        await other.execute(
            "SELECT FROM interactions WHERE id = $1 FOR UPDATE", waiting.interaction_id
        )
        await scene.router.hear(batch)
        turn = asyncio.create_task(scene.router.turn())
        while not await scene.rows(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
            "current_database()"
        ):
            await asyncio.sleep(0.01)
        await scene.execute("SELECT FROM leases FOR UPDATE NOWAIT")
    await turn
    assert await scene.offer(waiting) is not None
