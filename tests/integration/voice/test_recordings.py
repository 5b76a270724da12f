"""Recordings: when one may be made, where it goes, who may play it, how long it is kept."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.voice.media import protocol as p
from channels.voice.recordings import RecordingService
from contactcenter.core.objects import PART, Objects
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.app.people import Payload, sign_in
from tests.integration.voice.conftest import LUCIA, Caller, Phone, Scene
from tests.media_double import MediaDouble

LOUD, SILENT = 0x80, 0xFF
CALL_RECORDED = """
SELECT data->>'recording_id' AS recording_id FROM event_log
WHERE type = 'call.recorded' AND data->>'call_id' = $1
"""


def wav(seconds: float) -> bytes:
    """µ-law in two channels: the customer is loud in the first half, the agent in the second."""
    half = int(seconds * 8000 / 2)
    sound = bytes((LOUD, SILENT)) * half + bytes((SILENT, LOUD)) * half
    body = struct.pack("<HHIIHHH", 7, 2, 8000, 16000, 2, 8, 0)
    head = b"fmt " + struct.pack("<I", len(body)) + body
    data = b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", 4 + len(head) + len(data)) + b"WAVE" + head + data


async def recorded(
    scene: Scene,
    caller: Caller,
    content: bytes,
    *,
    said: bytes | None = None,
    order: p.RecordingOrder | None = None,
    recovered: bool = False,
) -> UUID:
    """The media has recorded the call and closed the file; the recording's id. `said`: what the
    media believes is in it."""
    order = order or scene.media.mixes[caller.call].recording
    assert order is not None
    folder = scene.centre.settings.app.data_dir / "media" / "recordings"
    await asyncio.to_thread(_write, folder, f"{order.recording_id}.wav", content)
    scene.media.report(p.RecordingStarted, recording_id=order.recording_id)
    scene.media.report(
        p.RecordingFinished,
        recording_id=order.recording_id,
        path=f"{order.recording_id}.wav",
        seconds=1.0,
        bytes=len(content),
        sha256=hashlib.sha256(content if said is None else said).hexdigest(),
        recovered=recovered,
    )
    return order.recording_id


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


async def stored(scene: Scene, recording_id: UUID, token: str, state: str = "stored") -> Payload:
    async with asyncio.timeout(20):
        while True:
            status, card = await scene.centre.http(
                "GET", f"/recordings/{recording_id}", token=token
            )
            if status == 200 and card["state"] == state:  # 404: its first frame is not told yet
                return card  # type: ignore[no-any-return]
            await asyncio.sleep(0.1)


async def rule(scene: Scene, mode: str, **fields: Any) -> None:
    token = await scene.centre.supervisor_token()
    status, _ = await scene.centre.http(
        "PUT", "/recording-rules/SA", token=token, json={"mode": mode, **fields}
    )
    assert status == 200


async def talking(scene: Scene) -> tuple[Caller, Phone]:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    return caller, lucia


async def test_a_recording_is_stored_played_and_kept_under_hold(scene: Scene) -> None:
    caller, lucia = await talking(scene)
    order = scene.media.mixes[caller.call].recording
    assert order is not None
    assert (order.left, order.right) == ((caller.leg,), (lucia.leg,))
    assert order.writing
    assert order.notice
    card = await lucia.sees(caller.call_id)
    assert card["record"]["state"] == "notice"
    await recorded_until_now(scene, caller, lucia)
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    content = wav(1.0)
    recording_id = await recorded(scene, caller, content, order=order)

    token = lucia.desk.token
    card = await stored(scene, recording_id, token)
    async with scene.centre.house.deps.work.reading("test") as conn:
        facts = await conn.fetch(CALL_RECORDED, caller.call_id)
    assert [row["recording_id"] for row in facts] == [str(recording_id)]
    peaks = card["peaks"]
    assert (peaks["left"][0], peaks["right"][0]) == (100, 0)
    assert (peaks["left"][-1], peaks["right"][-1]) == (0, 100)
    path = f"/recordings/{recording_id}/audio"
    status, part = await play(scene.centre, path, token, "bytes=44-47")
    assert (status, part) == (206, content[44:48])
    status, whole = await play(scene.centre, path, token, None)
    assert (status, whole) == (200, content)
    status, _ = await play(scene.centre, path, token, f"bytes={len(content)}-")
    assert status == 416
    customer = await sign_in(scene.centre.url, "customer1@aintech.com")
    assert (await play(scene.centre, path, customer, None))[0] == 403

    supervisor = await scene.centre.supervisor_token()
    hold = {"on": True, "reason": "Reclamación"}
    status, held = await scene.centre.http(
        "POST", f"/recordings/{recording_id}/legal-hold", token=supervisor, json=hold
    )
    assert (status, held["legal_hold"]) == (200, True)
    status, _ = await scene.centre.http("DELETE", f"/recordings/{recording_id}", token=supervisor)
    assert status == 409
    status, _ = await scene.centre.http(
        "POST", f"/recordings/{recording_id}/legal-hold", token=supervisor, json={"on": False}
    )
    assert status == 200
    status, _ = await scene.centre.http("DELETE", f"/recordings/{recording_id}", token=supervisor)
    assert status == 204
    assert (await play(scene.centre, path, token, None))[0] == 409

    timeline = await contact_timeline(scene, lucia, caller)
    assert timeline["call"]["call_id"] == caller.call_id
    assert timeline["call"]["recordings"] == []


async def contact_timeline(scene: Scene, lucia: Phone, caller: Caller) -> Payload:
    status, detail = await scene.centre.http(
        "GET", f"/calls/{caller.call_id}", token=lucia.desk.token
    )
    assert status == 200
    interaction = detail["call"]["interaction_id"]
    _, shown = await scene.centre.http(
        "GET", f"/interactions/{interaction}", token=lucia.desk.token
    )
    _, page = await scene.centre.http(
        "GET", f"/contacts/{shown['contact_id']}/timeline", token=lucia.desk.token
    )
    return next(entry for entry in page["items"] if entry["interaction_id"] == interaction)


async def play(centre: Centre, path: str, token: str, part: str | None) -> tuple[int, bytes]:
    import aiohttp

    headers = {"Authorization": f"Bearer {token}"} | ({"Range": part} if part else {})
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{centre.url}/api/v1{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.read()


async def test_without_consent_nothing_is_recorded(scene: Scene) -> None:
    await rule(scene, "opt_in")
    caller, lucia = await talking(scene)
    assert scene.media.mixes[caller.call].recording is None
    ref = {"call_id": caller.call_id}
    assert await lucia.desk.fails("call.record", {**ref, "state": "start"}) == "conflict"
    shown = await caller.visitor.do("call.consent", {"recording": True})
    assert shown["record"]["state"] == "notice"
    await scene.media.until(lambda: scene.media.mixes[caller.call].recording)
    shown = await caller.visitor.do("call.consent", {"recording": False})
    assert shown["record"] == {"mode": "opt_in", "state": "refused", "consent": False}
    await scene.media.until(lambda: scene.media.mixes[caller.call].recording is None)
    assert await lucia.desk.fails("call.record", {**ref, "state": "start"}) == "conflict"


async def test_the_agent_pauses_and_stops(scene: Scene) -> None:
    caller, lucia = await talking(scene)
    ref = {"call_id": caller.call_id}

    def writing() -> bool | None:
        order = scene.media.mixes[caller.call].recording
        return order.writing if order else None

    def told(state: str) -> dict[str, str | None]:
        return {"mode": "inform", "state": state, "consent": None}

    await lucia.do("call.record", {**ref, "state": "pause"})
    await caller.sees(record=told("paused"))
    await scene.media.until(lambda: writing() is False)
    assert await lucia.desk.fails("call.record", {**ref, "state": "start"}) == "conflict"
    await lucia.do("call.record", {**ref, "state": "resume"})
    await scene.media.until(lambda: writing() is True)
    await lucia.do("call.hold", {**ref, "on": True})
    await scene.media.until(lambda: writing() is False)
    await lucia.do("call.hold", {**ref, "on": False})
    await lucia.do("call.record", {**ref, "state": "stop"})
    await caller.sees(record=told("off"))
    await scene.media.until(lambda: writing() is None)


async def states(scene: Scene, caller: Caller) -> list[str]:
    """Of the call's recordings, in order."""
    async with scene.centre.house.deps.work.reading("test") as conn:
        found = "SELECT state FROM recordings WHERE call_id = $1 ORDER BY id"
        return [row["state"] for row in await conn.fetch(found, caller.call)]


@pytest.mark.parametrize("paused", [False, True])
async def test_after_a_restart_of_the_media_the_call_is_recorded_on(
    scene: Scene, paused: bool
) -> None:
    caller, lucia = await talking(scene)
    first = scene.media.mixes[caller.call].recording
    assert first is not None
    await recorded_until_now(scene, caller, lucia)
    if paused:
        await lucia.do("call.record", {"call_id": caller.call_id, "state": "pause"})
    await scene.media.restart()
    scene.media.report(
        p.RecordingFinished,
        recording_id=first.recording_id,
        path=f"{first.recording_id}.wav",
        seconds=1.0,
        bytes=0,
        sha256="",
        recovered=True,
    )

    def another() -> bool:
        order = scene.media.mixes[caller.call].recording
        return order is not None and order.recording_id != first.recording_id

    await scene.media.until(lambda: caller.call in scene.media.mixes and another())
    for phone in (caller, lucia):
        scene.media.connect(phone.leg)
    await scene.media.until(
        lambda: bool((o := scene.media.mixes[caller.call].recording) and o.writing) is not paused
    )
    await record_is(lucia, caller, "paused" if paused else "notice")
    assert (await states(scene, caller))[1:] == ["recording"]


async def recorded_until_now(scene: Scene, caller: Caller, phone: Phone) -> None:
    order = scene.media.mixes[caller.call].recording
    assert order is not None
    scene.media.report(p.RecordingStarted, recording_id=order.recording_id)
    await record_is(phone, caller, "recording")


async def record_is(phone: Phone, caller: Caller, state: str) -> Payload:
    """What the desk is told of the recording, as soon as it is in this state."""

    def told() -> Payload | None:
        record: Payload = (phone.card(caller.call_id) or {}).get("record", {})
        return record if record.get("state") == state else None

    found: Payload = await phone.desk.until(told, f"a recording that is {state}")
    return found


async def test_a_recording_that_fails_is_not_said_to_go_on(scene: Scene) -> None:
    caller, lucia = await talking(scene)
    order = scene.media.mixes[caller.call].recording
    assert order is not None
    await recorded_until_now(scene, caller, lucia)
    scene.media.report(
        p.RecordingFinished, recording_id=order.recording_id, path="", seconds=0, bytes=0, sha256=""
    )
    await scene.media.until(lambda: scene.media.mixes[caller.call].recording is None)
    assert (await record_is(lucia, caller, "off"))["may_control"]


async def test_a_call_that_ends_before_its_first_frame_leaves_no_recording_open(
    scene: Scene,
) -> None:
    caller, lucia = await talking(scene)
    order = scene.media.mixes[caller.call].recording
    assert order is not None
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    assert await states(scene, caller) == ["empty"]
    path = f"/calls/{caller.call_id}/recordings"
    _, found = await scene.centre.http("GET", path, token=lucia.desk.token)
    assert found["items"] == []
    path = f"/recordings/{order.recording_id}"
    assert (await scene.centre.http("GET", path, token=lucia.desk.token))[0] == 404
    # What the media had begun meanwhile is taken in all the same.
    await recorded(scene, caller, wav(0.2), order=order)
    await scene.media.until(lambda: not scene.media.journal, "every report taken in")
    await stored(scene, order.recording_id, lucia.desk.token)


async def test_an_objection_before_the_first_frame_leaves_no_recording_open(scene: Scene) -> None:
    await rule(scene, "opt_out")
    caller, _ = await talking(scene)
    await caller.visitor.do("call.consent", {"recording": False})
    assert await states(scene, caller) == ["empty"]


async def test_recordings_of_health_take_a_permission(scene: Scene) -> None:
    await rule(scene, "inform", retention="health", health=True)
    caller, lucia = await talking(scene)
    recording_id = await recorded(scene, caller, wav(0.2))
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    card = await stored(scene, recording_id, lucia.desk.token)
    assert (card["may_play"], card["peaks"]) == (False, None)
    path = f"/recordings/{recording_id}/audio"
    assert (await play(scene.centre, path, lucia.desk.token, None))[0] == 403
    admin = await sign_in(scene.centre.url, "admin@aintech.com")
    assert (await play(scene.centre, path, admin, None))[0] == 200


async def kept(scene: Scene, lucia: Phone) -> UUID:
    """A call is talked, wrapped up, and its recording stored; the recording's id."""
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    recording_id = await recorded(scene, caller, wav(0.2))
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    wrap = await lucia.desk.hears("interaction.wrap_started")
    done = {"interaction_id": wrap["interaction_id"], "disposition": "other"}
    await lucia.do("interaction.wrap_up", done)
    await stored(scene, recording_id, lucia.desk.token)
    return recording_id


async def test_what_is_past_its_time_goes(scene: Scene) -> None:
    """Except what is under legal hold: that goes when the hold is lifted."""
    lucia = await scene.phone(LUCIA)
    plain, held = await kept(scene, lucia), await kept(scene, lucia)
    schedules = {s.name: s for m in scene.centre.house.modules for s in m.schedules}
    expire = schedules["recordings.expire"].handle

    async def hold(**asked: Any) -> None:
        token = await scene.centre.supervisor_token()
        path = f"/recordings/{held}/legal-hold"
        status, card = await scene.centre.http("POST", path, token=token, json=asked)
        assert (status, card["legal_hold"]) == (200, asked["on"])

    async def left() -> tuple[str, str]:
        """The states of both."""
        token = await sign_in(scene.centre.url, LUCIA)
        one, other = [
            (await scene.centre.http("GET", f"/recordings/{each}", token=token))[1]["state"]
            for each in (plain, held)
        ]
        return one, other

    await hold(on=True, reason="Reclamación")
    await expire()
    assert await left() == ("stored", "stored")
    scene.centre.clock.jump(timedelta(days=181))
    await expire()
    assert await left() == ("deleted", "stored")
    token = await sign_in(scene.centre.url, LUCIA)
    assert await play(scene.centre, f"/recordings/{held}/audio", token, None) == (200, wav(0.2))
    await hold(on=False)
    await expire()
    assert await left() == ("deleted", "deleted")
    assert (await play(scene.centre, f"/recordings/{held}/audio", token, None))[0] == 409


async def test_listening_from_the_middle_is_noted_too(scene: Scene) -> None:
    caller, lucia = await talking(scene)
    recording_id = await recorded(scene, caller, wav(0.2))
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    await stored(scene, recording_id, lucia.desk.token)
    path = f"/recordings/{recording_id}/audio"
    for part in ("bytes=1-", "bytes=44-99", "bytes=100-"):
        assert (await play(scene.centre, path, lucia.desk.token, part))[0] == 206
    async with scene.centre.house.deps.work.reading("test") as conn:
        plays = "SELECT count(*) FROM recording_plays WHERE recording_id = $1"
        assert await conn.fetchval(plays, recording_id) == 1


async def test_a_damaged_file_is_set_aside_and_goes_in_time(scene: Scene) -> None:
    caller, lucia = await talking(scene)
    recording_id = await recorded(scene, caller, wav(0.2), said=wav(0.4))
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    card = await stored(scene, recording_id, lucia.desk.token, "failed")
    assert (card["fault"], card["may_play"]) == ("damaged", False)
    data = scene.centre.settings.app.data_dir
    await gone(data / "media" / "recordings" / f"{recording_id}.wav")
    (aside,) = (data / "objects" / "quarantine").rglob("*.wav")
    assert aside.read_bytes() == wav(0.2)
    path = f"/recordings/{recording_id}/audio"
    assert (await play(scene.centre, path, lucia.desk.token, None))[0] == 409
    async with scene.centre.house.deps.work.reading("test") as conn:
        noted = "SELECT count(*) FROM audit_logs WHERE action = 'recording.failed'"
        assert await conn.fetchval(noted) == 1

    scene.centre.clock.jump(timedelta(days=181))
    schedules = {s.name: s for m in scene.centre.house.modules for s in m.schedules}
    await schedules["recordings.expire"].handle()
    await gone(aside)


async def test_a_file_that_is_missing_may_be_recovered_yet(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the job that did not find it is not over."""
    over, plain = asyncio.Event(), RecordingService._set_aside

    async def slow(self: RecordingService, *about: Any) -> bool:
        done = await plain(self, *about)
        await over.wait()
        return done

    monkeypatch.setattr(RecordingService, "_set_aside", slow)
    caller, lucia = await talking(scene)
    order = scene.media.mixes[caller.call].recording
    assert order is not None
    scene.media.report(
        p.RecordingFinished,
        recording_id=order.recording_id,
        path=f"{order.recording_id}.wav",
        seconds=0,
        bytes=0,
        sha256="",
    )
    card = await stored(scene, order.recording_id, lucia.desk.token, "failed")
    assert (card["fault"], card["expires_at"]) == ("missing", None)
    for content in (wav(0.2), wav(0.4)):  # told twice: the first is it
        await recorded(scene, caller, content, order=order, recovered=True)
        await scene.media.until(lambda: not scene.media.journal, "every report taken in")
        card = await stored(scene, order.recording_id, lucia.desk.token)
        assert (card["fault"], card["recovered"], card["bytes"]) == (None, True, len(wav(0.2)))
    over.set()
    path = f"/recordings/{order.recording_id}/audio"
    assert await play(scene.centre, path, lucia.desk.token, None) == (200, wav(0.2))


async def gone(path: Path) -> None:
    async with asyncio.timeout(20):
        while path.exists():
            await asyncio.sleep(0.05)


async def test_a_long_recording_is_played_in_parts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is asked for, no more than a part of it is in memory at once."""
    read: list[int] = []
    plain = Objects.read

    async def counted(self: Objects, key: str, start: int, end: int) -> bytes:
        read.append(end - start)
        return await plain(self, key, start, end)

    monkeypatch.setattr(Objects, "read", counted)
    caller, lucia = await talking(scene)
    content = wav(60.0)
    recording_id = await recorded(scene, caller, content)
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    token = lucia.desk.token
    await stored(scene, recording_id, token)
    path = f"/recordings/{recording_id}/audio"
    for part in (None, "bytes=0-"):
        read.clear()
        assert (await play(scene.centre, path, token, part))[1] == content
        assert max(read) <= PART < len(content) == sum(read)


async def test_each_class_is_kept_as_long_as_the_settings_say(
    start: StartCentre,
    media: MediaDouble,
) -> None:
    centre = await start(MEDIA_SOCKET=str(media.path), RECORDINGS_CLAIM_DAYS="7")
    scene = Scene(centre, media)
    await rule(scene, "inform", retention="claim")
    caller, lucia = await talking(scene)
    recording_id = await recorded(scene, caller, wav(0.2))
    card = await stored(scene, recording_id, lucia.desk.token)
    left = datetime.fromisoformat(card["expires_at"]) - centre.clock.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
