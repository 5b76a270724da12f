"""What is on a recording, sample by sample."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import struct
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

from channels.voice.media import protocol, ulaw
from channels.voice.media.protocol import LegConnected, RecordingFinished, RecordingStarted
from channels.voice.media.ulaw import RATE, Samples
from tests.integration.voice_media.conftest import Call
from tests.integration.voice_media.media import Media, Web, order
from tests.integration.voice_media.party import LOUD, Party
from tests.unit.channels.voice.media.sound import amplitude

CUSTOMER, AGENT, COLLEAGUE = 900.0, 1300.0, 1900.0
NOTICE_SECONDS = 0.9
Mix = dict[UUID, tuple[list[UUID], protocol.Tone | None]]


def read(path: Path) -> tuple[Samples, Samples]:
    """Left and right of a two-channel µ-law WAV; every number in its header is checked."""
    data = path.read_bytes()
    riff, size, wave = struct.unpack_from("<4sI4s", data)
    assert (riff, size, wave) == (b"RIFF", len(data) - 8, b"WAVE")
    chunks, at = {}, 12
    while at < len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        chunks[name] = data[at + 8 : at + 8 + length]
        at += 8 + length
    assert struct.unpack("<HHIIHHH", chunks[b"fmt "]) == (7, 2, 8000, 16000, 2, 8, 0)
    assert struct.unpack("<I", chunks[b"fact"]) == (len(chunks[b"data"]) // 2,)
    both = np.frombuffer(chunks[b"data"], np.uint8).reshape(-1, 2)
    return ulaw.decode(both[:, 0].tobytes()), ulaw.decode(both[:, 1].tobytes())


def runs(samples: Samples, *, loud: bool) -> list[tuple[float, float]]:
    """Seconds from and to of each stretch that is loud, or is not (50 ms at least)."""
    step = RATE // 100
    level = np.abs(samples[: len(samples) // step * step].astype(int)).reshape(-1, step).max(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (level > 1000) == loud, [0])).astype(int)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(a / 100, b / 100) for a, b in pairs if b - a >= 5]


def talking(a: Party, b: Party) -> Mix:
    return {a.leg_id: ([b.leg_id], None), b.leg_id: ([a.leg_id], None)}


async def test_both_sides_are_whole_and_aligned(web: Web, call: Call, media: Media) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    call_id, tape = uuid4(), order([customer.leg_id], [agent.leg_id])
    await web.mix(call_id, 1, talking(customer, agent), tape)
    started = await web.report(RecordingStarted)
    assert started.recording_id == tape.recording_id
    await asyncio.sleep(1.0)
    customer.tone.muted = agent.tone.muted = True  # both fall silent at one moment
    await asyncio.sleep(0.5)
    customer.tone.muted = agent.tone.muted = False
    await asyncio.sleep(0.5)
    await web.end(call_id)
    report = await web.report(RecordingFinished)
    path = media.recordings / report.path
    left, right = read(path)
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.bytes == path.stat().st_size
    assert report.seconds == len(left) / RATE == pytest.approx(2.0, abs=0.3)
    assert not report.recovered
    assert not report.gaps
    middle = slice(RATE // 4, RATE * 3 // 4)
    assert amplitude(left[middle], CUSTOMER) == pytest.approx(LOUD, rel=0.05)
    assert amplitude(right[middle], AGENT) == pytest.approx(LOUD, rel=0.05)
    assert amplitude(left[middle], AGENT) < LOUD / 100
    (quiet_left,), (quiet_right,) = (
        [run for run in runs(side, loud=False) if run[1] - run[0] > 0.3] for side in (left, right)
    )
    assert quiet_left[0] == pytest.approx(quiet_right[0], abs=0.045)
    assert quiet_left[1] == pytest.approx(quiet_right[1], abs=0.045)
    # A steady tone on a steady line: not one sample is missing or twice there.
    assert len(runs(left[: int(0.8 * RATE)], loud=True)) == 1


async def test_the_notice_is_heard_before_the_first_frame(web: Web, call: Call) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    tape = order([customer.leg_id], [agent.leg_id], notice=True)
    await web.mix(uuid4(), 1, talking(customer, agent), tape)
    heard = await asyncio.gather(customer.listen(0.8, 0.1), agent.listen(0.8, 0.1))
    assert all(sound.amplitude(1400) > 500 for sound in heard)
    started = await web.report(RecordingStarted)
    connected = [r for r in web.reports if isinstance(r, LegConnected)]
    assert (started.at - connected[-1].at).total_seconds() >= NOTICE_SECONDS
    after = await customer.listen(0.4)
    assert after.amplitude(1400) < 100
    assert after.has(AGENT)


async def test_a_pause_is_silence_within_200_ms(web: Web, call: Call, media: Media) -> None:
    customer, agent = await asyncio.gather(call(CUSTOMER), call(AGENT))
    call_id, mix = uuid4(), talking(customer, agent)
    tape = order([customer.leg_id], [agent.leg_id])
    await web.mix(call_id, 1, mix, tape)
    started = await web.report(RecordingStarted)
    loop = asyncio.get_running_loop()
    moments = [loop.time()]
    for version, writing in ((2, False), (3, True)):
        await asyncio.sleep(1.0)
        changed = tape.model_copy(update={"writing": writing})
        moments.append(loop.time())
        await web.mix(call_id, version, mix, changed)
    await asyncio.sleep(1.0)
    assert (await customer.listen(0.3, 0)).has(AGENT)  # the pause was not heard
    await web.end(call_id)
    report = await web.report(RecordingFinished)
    (gap,) = report.gaps
    for side in read(media.recordings / report.path):
        ((start, end),) = (run for run in runs(side, loud=False) if run[1] - run[0] > 0.5)
        assert start == pytest.approx((gap.start - started.at).total_seconds(), abs=0.1)
        assert end == pytest.approx((gap.end - started.at).total_seconds(), abs=0.1)
        assert end - start == pytest.approx(moments[2] - moments[1], abs=0.2)
        inside = side[int((start + 0.01) * RATE) : int((end - 0.01) * RATE)]
        assert not inside.any()  # silence to the sample


async def test_hold_and_conference_on_the_tape(web: Web, call: Call, media: Media) -> None:
    """Whoever the order does not name is silent; two on a channel are mixed."""
    c, a, d = await asyncio.gather(call(CUSTOMER), call(AGENT), call(COLLEAGUE))
    call_id = uuid4()
    tape = order([c.leg_id], [a.leg_id])
    await web.mix(call_id, 1, talking(c, a), tape)
    await web.report(RecordingStarted)
    await asyncio.sleep(0.8)
    held = tape.model_copy(update={"left": (), "right": ()})
    await web.mix(call_id, 2, {c.leg_id: ([], "music"), a.leg_id: ([], None)}, held)
    await asyncio.sleep(0.8)
    three = tape.model_copy(update={"right": (a.leg_id, d.leg_id)})
    everyone: Mix = {
        p.leg_id: ([o.leg_id for o in (c, a, d) if o is not p], None) for p in (c, a, d)
    }
    await web.mix(call_id, 3, everyone, three)
    await asyncio.sleep(0.8)
    await web.end(call_id)
    left, right = read(media.recordings / (await web.report(RecordingFinished)).path)
    assert len(runs(left, loud=True)) == len(runs(right, loud=True)) == 2
    start, _ = runs(right, loud=True)[1]
    part = slice(int((start + 0.1) * RATE), int((start + 0.6) * RATE))
    assert amplitude(right[part], AGENT) == pytest.approx(LOUD, rel=0.1)
    assert amplitude(right[part], COLLEAGUE) == pytest.approx(LOUD, rel=0.1)
    assert amplitude(left[part], CUSTOMER) == pytest.approx(LOUD, rel=0.1)
    assert amplitude(left[part], AGENT) < LOUD / 100


async def test_kill_9_leaves_a_recording_that_plays_to_its_last_second() -> None:
    media = Media().start()
    try:
        web = await media.web()
        a, b = Party(web, CUSTOMER), Party(web, AGENT)
        await asyncio.gather(a.call(), b.call())
        tape = order([a.leg_id], [b.leg_id])
        call_id, mix = uuid4(), talking(a, b)
        await web.mix(call_id, 1, mix, tape)
        await web.report(RecordingStarted)
        await asyncio.sleep(1.0)
        await web.mix(call_id, 2, mix, tape.model_copy(update={"writing": False}))
        await asyncio.sleep(0.5)
        await web.mix(call_id, 3, mix, tape)
        await asyncio.sleep(1.5)
        media.kill(signal.SIGKILL)
        (part,) = media.recordings.glob("*.part")
        left, _ = read(part)  # as it lies there: whole, with a header that tells the truth
        assert len(left) / RATE >= 2.0
        await web.close()
        media.start()
        web = await media.web()
        report = await web.report(RecordingFinished)
        assert report.recovered
        assert report.recording_id == tape.recording_id
        assert len(report.gaps) == 1
        path = media.recordings / report.path
        assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        again, right = read(path)
        assert np.array_equal(again[: len(left)], left)
        assert 3.0 - len(right) / RATE < 1.0
        assert amplitude(right[-RATE // 2 :], AGENT) == pytest.approx(LOUD, rel=0.1)
        assert not list(media.recordings.glob("*.part"))
        await web.close()
        for party in (a, b):
            await party.hang_up()
    finally:
        media.end()
