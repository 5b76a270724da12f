"""Legs that vanish, tabs that reload, a web that restarts and a media that dies."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

import routing.module
from channels.voice import follow, switch
from contactcenter.interactions import service as hall
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.voice.conftest import CARMEN, LUCIA, Caller, Phone, Scene
from tests.integration.voice.test_calls import MUSIC
from tests.media_double import SDP, MediaDouble


async def both(scene: Scene, caller: Caller, phone: Phone) -> None:
    await scene.hear(caller, {caller.leg: ({phone.leg}, None), phone.leg: ({caller.leg}, None)})


async def test_an_agent_who_reloads_keeps_the_call(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    scene.media.close_leg(lucia.leg)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    await lucia.desk.until(lambda: (lucia.card(caller.call_id) or {}).get("vanish_deadline"))
    await lucia.desk.leave()

    again = await scene.centre.desk(LUCIA)
    assert again.state["calls"][caller.call_id]["parties"][1]["state"] == "lost"
    assert again.state["voice"]["state"] == "lost"
    answer = await again.do("call.offer", {"sdp": SDP})
    assert answer["leg_id"] == str(lucia.leg)
    scene.media.connect(lucia.leg)
    await both(scene, caller, lucia)


async def test_a_vanished_agent_gives_the_customer_back(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    scene.media.lose(lucia.leg)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    scene.centre.clock.advance(timedelta(seconds=21))
    await lucia.loses(caller.call_id)
    await scene.hear(caller, {caller.leg: MUSIC})
    await caller.sees(state="waiting")


async def test_the_customer_joins_the_colleague_whose_asker_vanished(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    await carmen.do("call.answer", ref)
    scene.media.lose(lucia.leg)
    await lucia.sees(caller.call_id, state="consulting")
    await scene.media.until(lambda: scene.media.heard(caller.call).get(carmen.leg) == MUSIC)
    scene.centre.clock.advance(timedelta(seconds=21))
    await both(scene, caller, carmen)
    await carmen.sees(caller.call_id, state="active", consult=None)


async def test_who_asks_a_ringing_colleague_and_hangs_up_cuts_nobody(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    await lucia.do("call.hangup", ref)
    await carmen.loses(caller.call_id)
    await lucia.loses(caller.call_id)
    await scene.hear(caller, {caller.leg: MUSIC})


async def test_a_vanished_customer_ends_the_call(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    scene.media.lose(caller.leg)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    scene.media.back(caller.leg)
    await both(scene, caller, lucia)
    scene.media.lose(caller.leg)
    await lucia.sees(caller.call_id)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    scene.centre.clock.advance(timedelta(seconds=21))
    await lucia.loses(caller.call_id)
    ended = await lucia.desk.hears("call.ended")
    assert ended["reason"] == "customer_lost"


async def test_a_consult_that_nobody_answers_ends(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    scene.centre.clock.advance(timedelta(seconds=21))
    await carmen.loses(caller.call_id)
    await both(scene, caller, lucia)


async def test_a_browser_that_never_connects_is_not_waited_for(scene: Scene) -> None:
    caller = await scene.dials_in(connects=False)
    scene.centre.clock.advance(timedelta(seconds=31))
    await caller.sees(state="ended")


async def test_a_new_web_takes_up_what_the_media_has(
    start: StartCentre,
    media: MediaDouble,
    tmp_path: Path,
) -> None:
    """The first web is gone while they talk; reports made meanwhile are taken in, once."""
    first: Centre = await start(MEDIA_SOCKET=str(media.path))
    scene = Scene(first, media)
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    media.mixes.clear()  # what a new web sends is what is heard from here on
    await start("web", "router", "listeners", "jobs", MEDIA_SOCKET=str(media.path))
    await both(scene, caller, lucia)
    await media.until(lambda: not media.journal, "every report acknowledged")


async def test_a_media_that_died_loses_the_legs_and_they_come_back(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    await scene.media.restart()
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    await caller.sees(connection="lost")
    await caller.visitor.do("call.offer", {"sdp": SDP})
    await lucia.do("call.offer", {"sdp": SDP})
    scene.media.connect(caller.leg)
    scene.media.connect(lucia.leg)
    await both(scene, caller, lucia)


async def test_a_media_that_died_gets_every_call_back(scene: Scene) -> None:
    """However few it believes it can carry when it has measured nothing yet."""
    callers = [await scene.dials_in() for _ in range(3)]
    scene.media.ceiling = 1
    await scene.media.restart()
    await scene.media.until(lambda: {c.call for c in callers} <= scene.media.mixes.keys())
    visitor = await scene.centre.visitor(name="Ana Prueba", queue="SA")
    ack = await visitor.ask("call.start", {})
    assert ack["error"]["ctx"]["reason"] == "all_lines_busy"


async def test_reports_while_nobody_listens_are_not_lost(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    await scene.media.stop()
    scene.media.lose(lucia.leg)
    await scene.media.start()
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    await scene.media.until(lambda: not scene.media.journal)


async def test_units_without_a_leg_are_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked a colleague's units was killed before the leg was written."""
    monkeypatch.setattr(follow, "ORPHANED", timedelta(seconds=1))
    monkeypatch.setattr(switch, "ORPHANS_EVERY", 1)
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    row = (await lucia.sees(caller.call_id))["interaction_id"]
    router = routing.module.build(scene.centre.house.deps)
    async with router_answers(router):
        async with scene.centre.house.deps.work.reading("test") as conn:
            interaction = await hall.interaction(conn, UUID(row))
        assert interaction is not None
        await router.calls.units(
            "test", UUID(carmen.agent), interaction.id,
            contact_id=interaction.contact_id, queue="SA",
        )  # fmt: skip
    await carmen.desk.hears("interaction.joined")
    await carmen.desk.hears("interaction.wrapped_up")


def router_answers(router: routing.module.Routing) -> AbstractAsyncContextManager[None]:
    """Hear what the router of the house answers."""
    return router.duty.listening()
