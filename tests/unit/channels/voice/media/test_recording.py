from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from channels.voice.media import recording as module
from channels.voice.media import ulaw
from channels.voice.media.protocol import RecordingFinished, encode
from channels.voice.media.recording import Block, Recording, Writer, header, recover
from channels.voice.media.ulaw import FRAME, FRAME_SECONDS, RATE, SILENCE

LEFT, RIGHT, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2027, 3, 16, 9, tzinfo=UTC)
LOUD = b"\x90" * FRAME


def channels(path: Path) -> tuple[bytes, bytes]:
    data = path.read_bytes()[58:]
    return data[::2], data[1::2]


async def whole(tape: Recording, now: float) -> RecordingFinished:
    done: asyncio.Future[RecordingFinished] = asyncio.get_running_loop().create_future()
    tape.finish(now, done.set_result)
    return await asyncio.wait_for(done, 5)


def talk(tape: Recording, leg: UUID, start: int, end: int, shift: int = 0) -> None:
    """Frames `start` to `end` of a leg, each arriving when it is over."""
    for number in range(start, end):
        stamp = (shift + number * FRAME) & 0xFFFF_FFFF
        tape.take(leg, stamp, LOUD, 100 + (number + 1) * FRAME_SECONDS)


async def test_the_channels_share_one_time_line(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [RIGHT])
    talk(tape, LEFT, 0, 50, shift=0xFFFF_FF00)  # its timestamps wrap
    talk(tape, RIGHT, 10, 30, shift=777)
    tape.cut(100.7)
    report = await whole(tape, 101.0)
    left, right = channels(tmp_path / report.path)
    assert left == LOUD * 50
    assert right == SILENCE * 10 + LOUD * 20 + SILENCE * 20
    assert report.seconds == 1.0
    await writer.close()


async def test_lost_and_late_packets_do_not_shift_the_rest(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    talk(tape, LEFT, 0, 10)
    talk(tape, LEFT, 12, 20)
    tape.take(LEFT, 10 * FRAME, LOUD, 100 + 20 * FRAME_SECONDS)  # late, but in time
    report = await whole(tape, 100.4)
    left, _ = channels(tmp_path / report.path)
    assert left == LOUD * 11 + SILENCE + LOUD * 8
    await writer.close()


async def test_a_new_clock_is_laid_where_it_arrives(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    talk(tape, LEFT, 0, 10)
    talk(tape, LEFT, 10, 20, shift=123_456_789)
    report = await whole(tape, 100.4)
    assert channels(tmp_path / report.path)[0] == LOUD * 20
    await writer.close()


async def test_two_legs_of_a_channel_are_added(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [RIGHT, THIRD])
    for leg in (LEFT, RIGHT, THIRD):
        talk(tape, leg, 0, 10)
    report = await whole(tape, 100.2)
    left, right = channels(tmp_path / report.path)
    assert ulaw.decode(right)[5] == pytest.approx(2 * int(ulaw.decode(left)[5]), rel=0.05)
    await writer.close()


async def test_a_disk_that_is_behind_costs_silence_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    await asyncio.sleep(0.2)
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    writer._do(lambda: asyncio.run_coroutine_threadsafe(held.wait(), loop).result() and None)
    await asyncio.sleep(0.1)
    for second in range(5):  # two fit the queue
        talk(tape, LEFT, second * 50, second * 50 + 50)
        tape.cut(100 + second + 1 + module.LATENESS / RATE)
    held.set()
    await asyncio.sleep(0.3)
    talk(tape, LEFT, 250, 300)
    report = await whole(tape, 106.0)
    left, _ = channels(tmp_path / report.path)
    assert report.seconds == 6.0
    assert left == LOUD * 100 + SILENCE * 150 + LOUD * 50
    await writer.close()


async def test_pauses_are_told(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.write(False, 101.0)
    tape.write(False, 101.5)
    tape.write(True, 102.0)
    tape.write(False, 103.0)
    report = await whole(tape, 104.0)
    starts = [(gap.start - AT).total_seconds() for gap in report.gaps]
    ends = [gap.end and (gap.end - AT).total_seconds() for gap in report.gaps]
    assert (starts, ends) == ([1, 3], [2, None])
    await writer.close()


async def test_a_pause_is_silent_to_the_sample_whatever_was_on_its_way(tmp_path: Path) -> None:
    """Packets come in bursts, as on a machine that is busy: late by up to a quarter of a second.
    What was said in the pause is stored nowhere; what was said before and after it is, in place."""
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    late = 12 * FRAME_SECONDS
    for burst in range(0, 60, 12):
        for number in range(burst, burst + 12):
            now = 100 + (burst + 12) * FRAME_SECONDS + (late if burst == 0 else 0)
            if burst == 24:
                tape.write(False, 100 + 24 * FRAME_SECONDS)
            if burst == 36:  # they were said in the pause, and come after it
                tape.write(True, 100 + 40 * FRAME_SECONDS)
            tape.take(LEFT, number * FRAME, LOUD, now)
        tape.cut(100 + (burst + 12) * FRAME_SECONDS)
    report = await whole(tape, 101.2)
    left, _ = channels(tmp_path / report.path)
    assert left == LOUD * 24 + SILENCE * 16 + LOUD * 20
    await writer.close()


def leave(folder: Path, *, samples: int, odd: bool = False) -> UUID:
    """What a killed process leaves: a part with an old header, and its note."""
    recording_id = uuid4()
    data = b"\x90\xff" * samples + (b"\x90" if odd else b"")
    (folder / f"{recording_id}.part").write_bytes(header(0) + data)
    note = module.Note(recording_id=recording_id, began=AT)
    (folder / f"{recording_id}.json").write_text(note.model_dump_json())
    return recording_id


@pytest.mark.parametrize("odd", [False, True])
def test_a_part_is_made_whole(tmp_path: Path, odd: bool) -> None:
    recording_id = leave(tmp_path, samples=RATE, odd=odd)
    (report,) = recover(tmp_path, AT)
    assert report.recovered
    assert (report.recording_id, report.seconds) == (recording_id, 1.0)
    assert (tmp_path / report.path).read_bytes()[:58] == header(RATE)
    assert not list(tmp_path.glob("*.part"))


def test_a_whole_one_that_was_not_reported_is_reported(tmp_path: Path) -> None:
    recording_id = leave(tmp_path, samples=RATE)
    (tmp_path / f"{recording_id}.part").rename(tmp_path / f"{recording_id}.wav")
    assert [r.recording_id for r in recover(tmp_path, AT)] == [recording_id]


def test_what_cannot_be_recovered_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "damaged.json").write_text("{")
    (tmp_path / f"{uuid4()}.json").write_text(
        module.Note(recording_id=uuid4(), began=AT).model_dump_json()
    )
    kept = leave(tmp_path, samples=10)
    assert [r.recording_id for r in recover(tmp_path, AT)] == [kept]
    assert list(recover(tmp_path / "absent", AT)) == []


def test_a_block_of_nobody_is_silence() -> None:
    assert Block(0, 5, [], []).interleaved() == b"\xff" * 10
    assert Block(0, 2, [b"\x01\x02"], [b"\x03"]).interleaved() == b"\x01\x03\x02\xff"


async def test_a_recording_that_cannot_begin_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    writer = Writer(tmp_path)
    monkeypatch.setattr(os, "open", full)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    talk(tape, LEFT, 0, 10)
    report = await whole(tape, 100.4)
    monkeypatch.undo()
    assert (report.recording_id, report.bytes) == (tape.id, 0)
    assert not (tmp_path / report.path).exists()
    await writer.close()


async def test_a_disk_that_takes_a_part_gets_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda f, data, at: write(f, data[:100], at))
    writer = Writer(tmp_path)
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    talk(tape, LEFT, 0, 20)
    report = await whole(tape, 100.4)
    assert channels(tmp_path / report.path)[0] == LOUD * 20
    await writer.close()


def test_pauses_without_end_still_make_a_line(tmp_path: Path) -> None:
    """Of a recording that a killed process left, too."""
    moments = [AT + timedelta(seconds=n) for n in range(4001)]
    pauses = [{"from": a.isoformat(), "to": b.isoformat()} for a, b in pairwise(moments)]
    note = {"recording_id": str(uuid4()), "began": AT.isoformat(), "gaps": pauses}
    path = tmp_path / f"{note['recording_id']}.json"
    path.write_text(json.dumps(note))
    path.with_suffix(".wav").write_bytes(header(0))
    (report,) = recover(tmp_path, AT)
    encode(report)
    assert len(report.gaps) == module.MOST_GAPS
    assert (report.gaps[0].start, report.gaps[-1].end) == (moments[0], moments[-1])


async def test_a_fault_in_one_recording_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in the thread, it goes on; what the disk refuses at the end is told."""
    writer = Writer(tmp_path)
    broken = Recording(uuid4(), writer, AT, 100.0)
    broken.arrange([LEFT], [])

    def fails(*_: object) -> bytes:
        raise ValueError("a fault of ours")

    with monkeypatch.context() as faulty:
        faulty.setattr(Block, "interleaved", fails)
        talk(broken, LEFT, 0, 50)
        broken.cut(101.0)
        report = await whole(broken, 101.2)
    assert report.seconds == 0
    tape = Recording(uuid4(), writer, AT, 100.0)
    tape.arrange([LEFT], [])
    talk(tape, LEFT, 0, 10)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        report = await whole(tape, 100.4)
    assert (report.bytes, report.sha256, report.seconds) == (0, "", 0)
    for one in (broken, tape):
        writer.settled(one.id)
    await writer.close()
    (recovered,) = recover(tmp_path, AT)  # at the next start
    assert (recovered.recording_id, recovered.recovered) == (tape.id, True)
    assert recovered.seconds > 0
