"""Calls whose parts end outside the softphone, places held for nothing, clocks that are set, and
what several webs and a new media journal must not confuse."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from channels.voice import store
from channels.voice.call import Leg
from channels.voice.follow import Followers
from channels.voice.media import protocol as p
from channels.voice.service import ECHO_SECONDS, AgentCalls
from channels.voice.switch import Switch
from contactcenter.core.errors import NotFound
from contactcenter.core.work import Work
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.voice.conftest import CARMEN, LUCIA, Caller, Phone, Scene
from tests.integration.voice.test_calls import MUSIC
from tests.integration.voice.test_vanishing import both
from tests.media_double import SDP, MediaDouble


async def consulting(scene: Scene, *, answered: bool) -> tuple[Caller, Phone, Phone]:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    await lucia.do("call.consult", {"call_id": caller.call_id, "agent_id": carmen.agent})
    if answered:
        await carmen.do("call.answer", {"call_id": caller.call_id})
    return caller, lucia, carmen


async def closes(caller: Caller, phone: Phone) -> None:
    card = await phone.sees(caller.call_id)
    await phone.do("interaction.close", {"interaction_id": card["interaction_id"], "wrap": True})
    await phone.loses(caller.call_id)


def part(phone: Phone) -> str | None:
    """The state of the agent's newest part, as its desk was told."""
    for _, payload in reversed(phone.desk.log):
        card = payload.get("interaction")
        if card and card["channel"] == "voice" and card.get("segment"):
            return str(card["segment"]["state"])
    return None


async def test_closing_in_a_consult_leaves_the_customer_to_the_colleague(scene: Scene) -> None:
    caller, lucia, carmen = await consulting(scene, answered=True)
    await closes(caller, lucia)
    await both(scene, caller, carmen)
    await carmen.sees(caller.call_id, state="active", consult=None)
    await carmen.desk.until(lambda: part(carmen) == "active", "the colleague's part is active")
    await carmen.do("call.hangup", {"call_id": caller.call_id})
    await caller.sees(state="ended")


async def test_a_colleague_who_closes_gives_the_asker_back_to_the_customer(scene: Scene) -> None:
    caller, lucia, carmen = await consulting(scene, answered=True)
    await closes(caller, carmen)
    await both(scene, caller, lucia)
    await lucia.sees(caller.call_id, state="active", consult=None)
    await lucia.desk.until(lambda: part(lucia) == "active", "the asker's part is active")


async def test_closing_while_the_colleague_rings_leaves_the_call_to_ring(scene: Scene) -> None:
    caller, lucia, carmen = await consulting(scene, answered=False)
    await closes(caller, lucia)
    await scene.hear(caller, {caller.leg: MUSIC})
    await carmen.do("call.answer", {"call_id": caller.call_id})
    await both(scene, caller, carmen)
    await carmen.desk.until(lambda: part(carmen) == "active", "the colleague's part is active")


@pytest.mark.parametrize("answered", [True, False])
async def test_closing_an_internal_call_ends_it_for_both(scene: Scene, answered: bool) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    card = await lucia.do("call.dial", {"agent_id": carmen.agent})
    ref = {"call_id": card["call_id"]}
    await carmen.desk.hears("call.ringing")
    if answered:
        await carmen.do("call.answer", ref)
        await lucia.sees(card["call_id"], state="active")
    await lucia.do("interaction.close", {"interaction_id": card["interaction_id"]})
    await carmen.loses(card["call_id"])
    await lucia.loses(card["call_id"])
    async with scene.centre.house.deps.work.reading("test") as conn:
        assert await store.live(conn) == []


async def dials_from(centre: Centre, address: str) -> Caller | str:
    """The call, or why there is none."""
    visitor = await centre.visitor(name="Ana Prueba", queue="SA")
    await visitor.leave()
    await visitor.connect(visitor.token, **{"X-Forwarded-For": address})
    ack = await visitor.ask("call.start", {})
    if not ack["ok"]:
        return str(ack["error"]["ctx"]["reason"])
    answer = await visitor.do("call.offer", {"sdp": SDP})
    return Caller(visitor, ack["data"]["call_id"], UUID(answer["leg_id"]))


async def test_one_address_has_only_so_many_calls(start: StartCentre, media: MediaDouble) -> None:
    """Whichever node they reach; what is known of the address goes with the call."""
    limits = {
        "MEDIA_SOCKET": str(media.path),
        "MEDIA_MAX_CALLS_PER_ADDRESS": "2",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    centre = await start(**limits)
    other = await start("web", clock=centre.clock, **limits)
    callers = []
    for node in (centre, other):
        caller = await dials_from(node, "192.0.2.1")
        assert isinstance(caller, Caller)
        media.connect(caller.leg)
        await caller.sees(connection="connected")
        callers.append(caller)
    for node in (centre, other):
        assert await dials_from(node, "192.0.2.1") == "all_lines_busy"
    assert isinstance(await dials_from(other, "192.0.2.2"), Caller)
    await callers[0].visitor.do("call.hangup")
    async with centre.house.deps.work.reading("test") as conn:
        known = "SELECT id FROM calls WHERE address_mac IS NOT NULL ORDER BY id"
        assert callers[0].call not in [row["id"] for row in await conn.fetch(known)]
        assert callers[1].call in [row["id"] for row in await conn.fetch(known)]
    assert isinstance(await dials_from(other, "192.0.2.1"), Caller)


async def test_calls_that_never_connect_hold_only_so_many_places(
    start: StartCentre, media: MediaDouble
) -> None:
    """One address has two, in all there are three; one is free again once the sound is there."""
    centre = await start(
        MEDIA_SOCKET=str(media.path),
        MEDIA_MAX_INVITING="3",
        MEDIA_MAX_INVITING_PER_ADDRESS="2",
        TRUSTED_PROXIES="127.0.0.1",
    )

    async def begins(address: str) -> Caller | str:
        return await dials_from(centre, address)

    first = await begins("192.0.2.1")
    assert isinstance(first, Caller)
    together = await asyncio.gather(*(begins("192.0.2.1") for _ in range(3)))
    assert sorted(isinstance(one, Caller) for one in together) == [False, False, True]
    assert "all_lines_busy" in together
    assert isinstance(await begins("192.0.2.2"), Caller)
    assert await begins("192.0.2.3") == "all_lines_busy"
    assert len(media.mixes) == 3
    media.connect(first.leg)
    await first.sees(connection="connected")
    again = await begins("192.0.2.1")
    assert isinstance(again, Caller)
    await again.visitor.do("call.hangup")
    assert isinstance(await begins("192.0.2.1"), Caller)


async def test_a_customer_s_sound_is_expected_from_the_beginning(scene: Scene) -> None:
    """Whoever waits in line and sends nothing is given up as well: the media watches for it."""
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    ears = scene.media.mixes[caller.call].legs
    assert {leg: ear.sends for leg, ear in ears.items()} == {caller.leg: True, lucia.leg: False}
    waiting = await scene.dials_in()
    await waiting.sees(connection="connected")
    scene.media.lose(waiting.leg)
    await waiting.sees(connection="lost")
    scene.centre.clock.advance(timedelta(seconds=21))
    await waiting.sees(state="ended")


@pytest.mark.parametrize("error", [NotFound(), ValueError("a fault of ours")])
async def test_a_call_that_cannot_be_given_up_keeps_no_other_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    callers = [await scene.dials_in() for _ in range(2)]
    first, second = sorted(callers, key=lambda c: c.call)
    followers = followers_of(scene)
    gives_up = followers._given_up

    async def given_up(work: Work, row: store.CallRow, leg: Leg) -> None:
        if row.call.id == first.call:
            raise error
        await gives_up(work, row, leg)

    monkeypatch.setattr(followers, "_given_up", given_up)
    for caller in callers:
        await caller.sees(connection="connected")
        scene.media.lose(caller.leg)
        await caller.sees(connection="lost")
    scene.centre.clock.advance(timedelta(seconds=21))
    await second.sees(state="ended")


async def test_a_dial_that_fails_leaves_nothing_behind(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is heard before the call is written, and its place is free again."""
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    asked: list[p.CallMix] = []
    answer = scene.media._answer

    def noted(request: Any, writer: Any) -> Any:
        if isinstance(request, p.CallMix):
            asked.append(request)
        return answer(request, writer)

    async def fails(*_: object) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(scene.media, "_answer", noted)
    dial = {"agent_id": carmen.agent}
    with monkeypatch.context() as broken:
        broken.setattr(AgentCalls, "_begin_internal", fails)
        assert await lucia.desk.fails("call.dial", dial) == "unavailable"
    assert [(mix.version, mix.legs) for mix in asked] == [(0, {})]
    assert scene.media.mixes == {}
    with monkeypatch.context() as broken:
        broken.setattr(AgentCalls, "_take_units", fails)
        assert await lucia.desk.fails("call.dial", dial) == "unavailable"
    assert scene.media.mixes == {}
    card = await lucia.do("call.dial", dial)
    assert card["state"] == "ringing"


async def test_an_echo_test_ends_by_itself(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    await lucia.do("call.echo_test", {"on": True})
    assert scene.media.mixes[lucia.leg].seconds == ECHO_SECONDS


async def test_a_clock_that_is_set_moves_the_deadlines(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    scene.media.lose(lucia.leg)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    before = (await told_deadline(lucia, caller)) - scene.centre.clock.now()
    scene.centre.clock.jump(timedelta(hours=1))

    async def left() -> timedelta:
        async with scene.centre.house.deps.work.reading("test") as conn:
            row = await store.call(conn, caller.call)
        assert row is not None
        leg = row.call.leg(lucia.leg)
        assert leg is not None
        assert leg.deadline is not None, "it was given up"
        return leg.deadline - scene.centre.clock.now()

    async with asyncio.timeout(10):
        while (await left()) < timedelta():
            await asyncio.sleep(0.05)
    assert before - timedelta(seconds=15) < await left() <= before
    scene.centre.clock.advance(timedelta(seconds=21))
    await lucia.loses(caller.call_id)
    await caller.sees(state="waiting")


async def told_deadline(phone: Phone, caller: Caller) -> datetime:
    def told() -> str | None:
        return (phone.card(caller.call_id) or {}).get("vanish_deadline")

    return datetime.fromisoformat(await phone.desk.until(told, "a deadline"))


async def test_a_new_journal_on_a_clock_that_went_back_is_heard(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    await scene.media.until(lambda: not scene.media.journal, "every report taken in")
    await scene.media.lose_its_folder()
    scene.media.clock_off = -timedelta(days=1)
    await lucia.desk.until(
        lambda: [n for n, told in lucia.desk.log if told.get("voice", {}).get("state") == "lost"],
        "the end of the softphone",
    )
    await lucia.do("call.offer", {"sdp": SDP})
    scene.media.connect(lucia.leg)
    await scene.media.until(lambda: not scene.media.journal, "every report taken in")
    async with scene.centre.house.deps.work.reading("test") as conn:
        (softphone,) = (await store.softphones(conn, leg_ids=[lucia.leg])).values()
    assert softphone.state == "connected"


async def test_what_another_web_has_negotiated_meanwhile_is_not_lost(scene: Scene) -> None:
    """The media said what it has; then a leg was negotiated, and its report taken in elsewhere."""
    old = p.HelloData(
        node=uuid4(), journal=uuid4(), started_at=datetime.now(UTC), legs=(), calls=(),
        ceiling=50, live_calls=0,
    )  # fmt: skip
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    followers = followers_of(scene)
    await followers.reconcile(old)
    async with scene.centre.house.deps.work.reading("test") as conn:
        row = await store.call(conn, caller.call)
        (softphone,) = (await store.softphones(conn, leg_ids=[lucia.leg])).values()
    assert row is not None
    assert {leg.state for leg in row.call.open_legs} == {"connected"}
    assert softphone.state == "connected"
    scene.media.legs.pop(lucia.leg)
    await followers.reconcile(old)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: MUSIC})
    scene.media.legs[lucia.leg] = p.LegState(leg_id=lucia.leg, connected=True, lost=False)
    await followers.reconcile(old.model_copy(update={"legs": tuple(scene.media.legs.values())}))
    await both(scene, caller, lucia)


def followers_of(scene: Scene) -> Followers:
    lifespans = [span for module in scene.centre.house.modules for span in module.lifespans]
    switches = [getattr(span.run, "__self__", None) for span in lifespans]
    (found,) = [one for one in switches if isinstance(one, Switch)]
    return found._followers
