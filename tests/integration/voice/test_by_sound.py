"""The journey by sound: the centre, the real media process, and browsers' peers that say a tone.

In every state each party hears exactly the tones it should and none that it should not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from contactcenter import app
from tests.integration.app.conftest import Centre, ShiftedClock, served
from tests.integration.app.people import Desk, Payload, Person, Visitor
from tests.integration.voice.conftest import CARMEN, LUCIA
from tests.integration.voice.test_recordings import play
from tests.integration.voice_media.media import Media
from tests.integration.voice_media.party import Party

CUSTOMER, AGENT, COLLEAGUE = 900.0, 1300.0, 1900.0
TONES = (CUSTOMER, AGENT, COLLEAGUE)


class Line:
    """`call.offer` of a person, in place of the media's own socket."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.answer: Payload = {}

    async def offer(self, _: UUID, sdp: str) -> str:
        self.answer = await self.person.do("call.offer", {"sdp": sdp})
        return str(self.answer["sdp"])


class Talker:
    """Somebody with a browser: a socket, and a peer that says a tone."""

    def __init__(self, person: Person, hz: float) -> None:
        self.person, self.hz = person, hz
        self.party: Party | None = None

    async def connects(self) -> None:
        self.party = Party(Line(self.person), self.hz, uuid4())  # type: ignore[arg-type]
        await self.party.call()

    async def reloads(self, person: Person) -> None:
        """The page is gone, and there again with a peer of its own."""
        assert self.party is not None
        await self.party.hang_up()
        self.person = person
        await self.connects()

    async def hears(self, *tones: float, music: bool = False) -> None:
        """Exactly these of the others' tones; or music, or nothing."""
        assert self.party is not None
        sound = await self.party.listen(settle=0.4)
        found = {hz for hz in TONES if sound.has(hz)}
        assert found == set(tones), f"{self.hz} heard {found}, not {tones}"
        assert all(sound.lacks(hz) for hz in TONES if hz not in tones)
        assert sound.music is music if music or not tones else True, f"{self.hz}: music"


@pytest.fixture
def media() -> Iterator[Media]:
    process = Media()
    try:
        yield process.start()
    finally:
        process.end()


class Centres:
    """A centre that can be ended and started anew on the same database and media."""

    def __init__(self, settings: Any, media: Media) -> None:
        self.settings = served(settings, DATA_DIR=str(media.folder))
        self.clock = ShiftedClock()
        self._stack = contextlib.AsyncExitStack()
        self.centre: Centre | None = None

    async def start(self) -> Centre:
        house = await self._stack.enter_async_context(
            app.running(self.settings, ("web", "router", "listeners", "jobs"), self.clock)
        )
        self.centre = Centre(self.settings.app.public_url, self.settings, self.clock, house)
        return self.centre

    async def end(self) -> None:
        if self.centre is not None:
            await self.centre.everybody_leaves()
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()


@pytest.fixture
async def centres(settings: Any, media: Media) -> AsyncIterator[Centres]:
    centres = Centres(settings, media)
    yield centres
    await centres.end()


async def test_the_journey_by_sound(centres: Centres) -> None:
    centre = await centres.start()
    visitor = await centre.visitor(name="Ana Prueba", queue="SA")
    ana = Talker(visitor, CUSTOMER)
    started = await visitor.do("call.start", {})
    await ana.connects()
    await ana.hears(music=True)

    desk = await centre.desk(LUCIA)
    lucia = Talker(desk, AGENT)
    await lucia.connects()
    await desk.do("call.echo_test", {"on": True})
    await lucia.hears(AGENT)
    await desk.do("call.echo_test", {"on": False})
    await desk.available()
    await desk.accepts(channel="voice")
    await desk.until(lambda: recording(desk, started["call_id"]), "the end of the notice")
    await ana.hears(AGENT)
    await lucia.hears(CUSTOMER)

    ref = {"call_id": started["call_id"]}
    await desk.do("call.mute", {**ref, "on": True})
    await asyncio.gather(ana.hears(), lucia.hears(CUSTOMER))
    await desk.do("call.mute", {**ref, "on": False})
    await desk.do("call.hold", {**ref, "on": True})
    await asyncio.gather(ana.hears(music=True), lucia.hears())
    await desk.do("call.hold", {**ref, "on": False})
    await asyncio.gather(ana.hears(AGENT), lucia.hears(CUSTOMER))

    other = await centre.desk(CARMEN)
    carmen = Talker(other, COLLEAGUE)
    await carmen.connects()
    await other.hears("call.leg_changed")
    await other.available()
    await desk.do("call.consult", {**ref, "agent_id": other.state["me"]["agent_id"]})
    await ana.hears(music=True)
    await other.do("call.answer", ref)
    await asyncio.gather(ana.hears(music=True), lucia.hears(COLLEAGUE), carmen.hears(AGENT))
    await desk.do("call.consult_toggle", ref)
    await asyncio.gather(ana.hears(AGENT), lucia.hears(CUSTOMER), carmen.hears(music=True))
    await desk.do("call.conference", ref)
    await asyncio.gather(
        ana.hears(AGENT, COLLEAGUE),
        lucia.hears(CUSTOMER, COLLEAGUE),
        carmen.hears(CUSTOMER, AGENT),
    )
    await desk.do("call.hangup", ref)
    await asyncio.gather(ana.hears(COLLEAGUE), carmen.hears(CUSTOMER), lucia.hears())

    # A reload: music for the customer, and the same call afterwards.
    assert carmen.party is not None
    await carmen.party.hang_up()
    await ana.hears(music=True)
    await other.leave()
    again = await centre.desk(CARMEN)
    carmen.person = again
    await carmen.connects()
    await asyncio.gather(ana.hears(COLLEAGUE), carmen.hears(CUSTOMER))

    # Web is gone: they talk on; and when it is there again, everything goes on.
    await centres.end()
    await asyncio.gather(ana.hears(COLLEAGUE), carmen.hears(CUSTOMER))
    centre = await centres.start()
    back = await centre.desk(CARMEN)
    assert started["call_id"] in back.state["calls"]
    await back.do("call.hold", {**ref, "on": True})
    await asyncio.gather(ana.hears(music=True), carmen.hears())
    await back.do("call.hold", {**ref, "on": False})
    await asyncio.gather(ana.hears(COLLEAGUE), carmen.hears(CUSTOMER))
    await back.do("call.hangup", ref)
    await carmen.hears()

    recordings = await _stored(centre, back.token, started["call_id"])
    assert recordings[0]["seconds"] > 5
    path = f"/recordings/{recordings[0]['recording_id']}/audio"
    status, sound = await play(centre, path, back.token, None)
    assert status == 200
    assert len(sound) == recordings[0]["bytes"]
    for talker in (ana, lucia, carmen):
        assert talker.party is not None
        await talker.party.hang_up()


def recording(desk: Desk, call_id: str) -> bool:
    """Whether the desk knows that frames are stored."""
    told = [
        payload["call"]
        for name, payload in desk.log
        if name.startswith("call.") and payload.get("call_id") == call_id and payload.get("call")
    ]
    return bool(told) and told[-1]["record"]["state"] == "recording"


async def _stored(centre: Centre, token: str, call_id: str) -> list[Payload]:
    async with asyncio.timeout(20):
        while True:
            _, page = await centre.http("GET", f"/calls/{call_id}/recordings", token=token)
            if page["items"] and all(one["state"] == "stored" for one in page["items"]):
                return page["items"]  # type: ignore[no-any-return]
            await asyncio.sleep(0.2)


async def test_from_accept_to_the_first_word(centres: Centres) -> None:
    """Accept, and the agent hears the customer at once."""
    centre = await centres.start()
    desk: Desk = await centre.desk(LUCIA)
    lucia = Talker(desk, AGENT)
    await lucia.connects()
    await desk.hears("call.leg_changed")
    await desk.available()
    for _ in range(5):
        visitor: Visitor = await centre.visitor(name="Ana", queue="SA")
        ana = Talker(visitor, CUSTOMER)
        await visitor.do("call.start", {})
        await ana.connects()
        offer = await desk.hears("reservation.created")
        assert lucia.party is not None
        lucia.party.heard.clear()
        await desk.do("reservation.accept", {"reservation_id": offer["reservation_id"]})
        async with asyncio.timeout(5):
            while not any(abs(frame).max() > 2000 for frame in lucia.party.heard):
                await asyncio.sleep(0.005)
        await visitor.do("call.hangup")
        wrap = await desk.hears("interaction.wrap_started")
        done = {"interaction_id": wrap["interaction_id"], "disposition": "other"}
        await desk.do("interaction.wrap_up", done)
        assert ana.party is not None
        await ana.party.hang_up()
    assert lucia.party is not None
    await lucia.party.hang_up()
