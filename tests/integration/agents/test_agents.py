"""The team as it is seen, skills, and an agent's figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contactcenter.agents import service as agents
from contactcenter.agents.schemas import AgentEdit, SetStatus, SkillsEdit
from contactcenter.agents.service import AgentService, Match, day_start
from contactcenter.core.access import SYSTEM
from contactcenter.core.audit import Note
from contactcenter.core.errors import Invalid, NotFound, PreconditionFailed
from contactcenter.core.ids import new_id
from contactcenter.events.agents import (
    AgentAutoAnswerChanged,
    AgentPresenceChanged,
    AgentStatusChanged,
)
from routing.schemas import Close, RejectReservation, WrapUp
from tests.integration.routing.scene import START, ZONE, Scene


class Refusing:
    """A router that grants nothing; statuses are not what these tests are about."""

    async def change_status(
        self, actor: str, agent_id: object, wish: SetStatus, cause: str, note: Note | None = None
    ) -> None:
        raise AssertionError("not asked here")


def knowing(version: int) -> Match:
    """Whoever knows this version."""

    def match(stored: int) -> None:
        if stored != version:
            raise PreconditionFailed

    return match


def whatever(_: int) -> None:
    """It is of no matter which version is known."""


def service(scene: Scene) -> AgentService:
    return AgentService(scene.work, scene.clock, ZONE, Refusing())


async def test_a_tile_follows_the_work(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5, SH=3)

    async def state() -> str:
        async with scene.pool.acquire() as conn:
            return (await agents.team_members(conn))[lucia.agent()].state

    assert await state() == "available"
    waiting = await scene.arrive()
    await scene.settle()
    assert await state() == "ringing"
    await scene.accepted(waiting, lucia)
    assert await state() == "on_contact"
    await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    assert await state() == "wrap_up"
    await scene.settle()
    await scene.later(60)
    assert await state() == "available"
    await scene.signs_out(lucia)
    assert await state() == "offline"
    async with scene.pool.acquire() as conn:
        known = await agents.agents_me(conn, [lucia.agent(), new_id()])
        me = known.pop(lucia.agent())
        assert me is not None
        assert (me.queues, me.skills, me.load) == (["SA", "SH"], {"SA": 5, "SH": 3}, 0)
        assert known == {}
        assert await agents.queues_of(conn, [lucia]) == {lucia: ["SA", "SH"]}


async def test_who_is_available(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    await scene.agent("Marcos", status="away", SA=4)
    await scene.agent("Nerea", present=False, SA=4)
    await scene.agent("Olga", SH=4)
    listed = await service(scene).available(SYSTEM, "SA", None)
    assert [member.agent_id for member in listed] == [lucia.agent_id]
    assert len(await service(scene).available(SYSTEM, None, None)) == 2
    assert await service(scene).available(SYSTEM, None, "CA") == []
    assert [member.name for member in await service(scene).team(SYSTEM)] == [
        "Lucía",
        "Marcos",
        "Nerea",
        "Olga",
    ]


async def test_new_skills_change_what_is_offered(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SH=5)
    waiting = await scene.arrive("SA")
    await scene.settle()
    assert await scene.offer(waiting) is None
    team, chief = service(scene), scene.supervisor
    profile = await team.profile(SYSTEM, lucia.agent())
    edit = SkillsEdit(skills={"SA": 2, "SH": 5}, budget=50, maxima={"chat": 2})
    changed = await team.set_skills(chief, lucia.agent(), edit, knowing(profile.version))
    assert (changed.skills, changed.budget, changed.maxima) == (
        {"SA": 2, "SH": 5},
        50,
        {"chat": 2},
    )
    await scene.settle()
    assert await scene.offer(waiting) is not None
    with pytest.raises(PreconditionFailed):
        await team.set_skills(chief, lucia.agent(), edit, knowing(profile.version))
    with pytest.raises(Invalid):
        await team.set_skills(chief, lucia.agent(), SkillsEdit(skills={"NO": 1}), whatever)
    with pytest.raises(NotFound):
        await team.set_skills(chief, new_id(), edit, whatever)
    with pytest.raises(NotFound):
        await team.profile(SYSTEM, new_id())


async def test_figures_of_a_day(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", present=False, SA=5)
    midnight = day_start(START, ZONE)
    async with scene.work.begin("test", "test") as work:
        for minutes, status, present in (
            (240, None, True),
            (240, "available", None),
            (120, "away", None),
            (90, "available", None),
            (30, None, False),
            (20, None, True),
        ):
            at = START - timedelta(minutes=minutes)
            work.emit(
                AgentPresenceChanged(agent_id=lucia.agent(), present=bool(present), at=at)
                if status is None
                else AgentStatusChanged(agent_id=lucia.agent(), status=status),
                occurred_at=at,
            )
    await scene.presence.connected(lucia.agent(), ("chat",))
    scene.router.forget()
    missed = await scene.arrive()
    await scene.settle()
    await scene.later(30)
    await scene.later(10)
    offer = await scene.offer(missed)
    assert offer is not None
    await scene.desk.reject(lucia, RejectReservation(reservation_id=offer["id"]))
    await scene.later(10)
    await scene.accepted(missed, lucia)
    scene.clock.advance(90)
    await scene.desk.close(lucia, Close(interaction_id=missed.interaction_id, disposition="solved"))
    await scene.settle()
    scene.clock.advance(1)
    figures = await service(scene).stats(
        SYSTEM, lucia.agent(), START - timedelta(minutes=180), None
    )
    assert (figures.total, figures.average_duration_seconds) == (1, 90)
    assert (figures.offers, figures.missed, figures.rejected) == (3, 1, 1)
    signed_in = (scene.clock.now() - START + timedelta(minutes=180 - 10)).total_seconds()
    assert figures.availability_percent == round(100 * (signed_in - 1800) / signed_in, 1)
    today = await service(scene).stats(SYSTEM, lucia.agent(), None, None)
    assert today.since == midnight
    with pytest.raises(Invalid):
        await service(scene).stats(SYSTEM, lucia.agent(), START + timedelta(days=2), None)
    with pytest.raises(NotFound):
        await service(scene).stats(SYSTEM, new_id(), None, None)


async def test_a_wrap_up_that_runs_out_is_counted(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    lapsed, finished = await scene.arrive(), await scene.arrive()
    for waiting in (lapsed, finished):
        await scene.accepted(waiting, lucia)
        await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    done = WrapUp(interaction_id=finished.interaction_id, disposition="solved")
    await scene.desk.wrap_up(lucia, done)
    await scene.settle()
    await scene.later(60)
    scene.clock.advance(1)
    figures = await service(scene).stats(SYSTEM, lucia.agent(), None, None)
    assert (figures.total, figures.wrap_lapsed) == (2, 1)


async def test_a_supervisor_makes_a_desk_answer_by_itself(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    before = await service(scene).profile(SYSTEM, lucia.agent())
    assert not before.auto_answer
    edit = AgentEdit(auto_answer=True)
    after = await service(scene).edit(
        scene.supervisor, lucia.agent(), edit, knowing(before.version)
    )
    assert after.auto_answer
    with pytest.raises(PreconditionFailed):
        await service(scene).edit(scene.supervisor, lucia.agent(), edit, knowing(before.version))
    await service(scene).edit(scene.supervisor, lucia.agent(), edit, whatever)
    told = [r.event for r in await scene.events() if isinstance(r.event, AgentAutoAnswerChanged)]
    assert [event.on for event in told] == [True], "the same again is no news"
    with pytest.raises(NotFound):
        await service(scene).edit(scene.supervisor, new_id(), edit, whatever)
