"""Two-channel recordings: WAV of µ-law (format 7), customers left, agents right.

Payloads are laid on a time line as they arrive, so both channels stay aligned whatever path the
sound takes. Twice a second the loop cuts off what is complete and a thread writes it; the header is
put right after each write, so a file is playable to its last write whenever the process is killed.
Silence fills what was not said, not to be stored, or lost.

On disk: `<id>.part` while it is written, with `<id>.json` (when it began, its pauses) beside it;
`<id>.wav` once it is whole. The note goes when the report of the whole file is in the journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import queue
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import structlog
from pydantic import BaseModel, ValidationError

from channels.voice.media import ulaw
from channels.voice.media.protocol import Gap, RecordingFinished
from channels.voice.media.ulaw import RATE

CUT_SECONDS = 0.5
"""Between two writes of a recording."""
LATENESS = RATE * 3 // 10
"""How long a packet may take and still find its place, in samples."""
MOST_GAPS = 400
"""A report is one line of the protocol: later pauses are told as one."""
MAX_WAITING = 512
"""Writes that may wait for the disk, of all recordings together."""

_RESYNC = LATENESS  # a packet this far from its arrival has a new clock
_AHEAD = 2 * RATE
_MUTE = b"\xff"
_HEADER = struct.Struct("<4sI4s 4sIHHIIHHH 4sII 4sI")
_CHANNELS, _MULAW = 2, 7

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Track:
    """One leg on one channel: bytes from the last cut on, and where its timestamps lie."""

    bytes: bytearray = field(default_factory=bytearray)
    shift: int | None = None  # timestamp + shift = position on the time line
    since: int = 0  # where the first packet lies that has this shift


class Recording:
    """The loop's side of one recording. Times are seconds of a local clock that never steps."""

    def __init__(self, recording_id: UUID, writer: Writer, began: datetime, now: float) -> None:
        self.id = recording_id
        self._writer = writer
        self._origin = now
        self._began = began
        self._cut = 0  # samples handed to the writer
        self._resumed = 0  # where the last pause ends: nothing said before it belongs here
        self._tracks: dict[tuple[int, UUID], _Track] = {}
        self._sides: dict[UUID, int] = {}
        self._writing = True
        self._gaps: list[Gap] = []
        self._file = _File(recording_id, began)
        writer.begin(self._file)

    def arrange(self, left: Iterable[UUID], right: Iterable[UUID]) -> None:
        """From now on these legs go onto these channels, and no others."""
        sides = dict.fromkeys(left, 0) | dict.fromkeys(right, 1)
        for leg, side in sides.items():
            if self._sides.get(leg) != side:
                self._tracks.setdefault((side, leg), _Track()).shift = None
        self._sides = sides

    def write(self, writing: bool, now: float) -> None:
        """Store what comes, or let it pass as silence: exactly between the two moments, whatever
        was on its way at either."""
        if writing == self._writing:
            return
        self._writing = writing
        at = round((now - self._origin) * RATE)
        if writing:
            self._resumed = at
            self._gaps[-1] = self._gaps[-1].model_copy(update={"end": self._moment(now)})
        else:
            for track in self._tracks.values():
                del track.bytes[max(0, at - self._cut) :]
            self._gaps.append(Gap(start=self._moment(now)))
        self._writer.note(self._file, tuple(self._gaps))

    def take(self, leg: UUID, timestamp: int, payload: bytes, now: float) -> None:
        """A packet of a leg, with its RTP timestamp."""
        side = self._sides.get(leg)
        if side is None or not self._writing:
            return
        track = self._tracks[side, leg]
        arrived = round((now - self._origin) * RATE)
        soonest = arrived - len(payload) - timestamp  # the shift of a packet that was not late
        if track.shift is None or abs(timestamp + track.shift - arrived) > _RESYNC:
            track.shift, track.since = soonest, arrived - len(payload)
        elif soonest < track.shift:
            self._bring_forward(track, track.shift - soonest)
        position = timestamp + track.shift
        first = max(self._cut, self._resumed)
        if position < first:  # before the recording or said in a pause, or it came too late
            payload, position = payload[first - position :], first
        start = position - self._cut
        if payload and start < _AHEAD:
            line = track.bytes
            if len(line) < start:
                line += _MUTE * (start - len(line))
            line[start : start + len(payload)] = payload

    def _bring_forward(self, track: _Track, by: int) -> None:
        """A packet came sooner than those before it: they were late by so much, and lie too late.
        What is written already stays, and then what follows on it does."""
        first = max(self._cut, self._resumed)
        if track.shift is None or track.since < first:
            return
        to = max(track.since - by, first)
        del track.bytes[to - self._cut : to - self._cut + by]
        track.shift, track.since = track.shift - by, to

    def cut(self, now: float, *, everything: bool = False) -> None:
        """Hand over what is complete."""
        size = round((now - self._origin) * RATE) - self._cut - (0 if everything else LATENESS)
        if size <= 0:
            return
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for (side, leg), track in list(self._tracks.items()):
            if track.bytes:
                sides[side].append(bytes(track.bytes[:size]))
                del track.bytes[:size]
            elif self._sides.get(leg) != side:
                del self._tracks[side, leg]
        self._writer.append(self._file, Block(self._cut, size, *sides))
        self._cut += size

    def finish(self, now: float, done: Callable[[RecordingFinished], None]) -> None:
        """Write the rest; `done` is called in the loop with the report, without its number."""
        self.cut(now, everything=True)
        self._writer.finish(self._file, tuple(self._gaps), self._moment(now), done)

    def _moment(self, now: float) -> datetime:
        return self._began + timedelta(seconds=now - self._origin)


@dataclass(frozen=True, slots=True)
class Block:
    """Samples from `start` on: what each leg of the left and of the right channel said."""

    start: int
    size: int
    left: list[bytes]
    right: list[bytes]

    def interleaved(self) -> bytes:
        both = np.empty((self.size, _CHANNELS), np.uint8)
        both[:, 0] = _one_channel(self.left, self.size)
        both[:, 1] = _one_channel(self.right, self.size)
        return both.tobytes()


def _one_channel(lines: list[bytes], size: int) -> ulaw.Codes:
    padded = [line.ljust(size, _MUTE) for line in lines] or [_MUTE * size]
    if len(padded) == 1:
        return np.frombuffer(padded[0], np.uint8)
    return ulaw.encode(np.stack([ulaw.decode(line) for line in padded]).sum(axis=0))


class Note(BaseModel):
    """What stands beside a recording while it is written."""

    recording_id: UUID
    began: datetime
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class _File:
    """The writer's side of one recording."""

    recording_id: UUID
    began: datetime
    descriptor: int | None = None
    samples: int = 0


class Writer:
    """The thread that writes all recordings. What does not fit its queue is left silent."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(MAX_WAITING)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def knows(self, recording_id: UUID) -> bool:
        """Whether that recording is whole already."""
        return (self.folder / f"{recording_id}.wav").exists()

    def begin(self, file: _File) -> None:
        self._do(lambda: self._begin(file), wait=True)

    def note(self, file: _File, gaps: tuple[Gap, ...]) -> None:
        self._do(lambda: self._note(file, gaps), wait=True)

    def append(self, file: _File, block: Block) -> None:
        self._do(lambda: self._append(file, block))

    def finish(
        self, file: _File, gaps: tuple[Gap, ...], at: datetime,
        done: Callable[[RecordingFinished], None],
    ) -> None:  # fmt: skip
        def work() -> None:
            try:
                report = self._finish(file, gaps, at)
            except OSError as error:  # what is there of it is made whole when media starts again
                log.error("recording_failed", error=str(error))
                report = _nothing(file.recording_id, gaps, at)
            self._loop.call_soon_threadsafe(done, report)

        self._do(work, wait=True)

    def settled(self, recording_id: UUID) -> None:
        """The report of a recording is kept: its note can go. Beside a part that the disk did not
        let be made whole the note stays, for the next start."""

        def work() -> None:
            note = self.folder / f"{recording_id}.json"
            if not note.with_suffix(".part").exists():
                note.unlink(missing_ok=True)

        self._do(work, wait=True)

    async def close(self) -> None:
        """Wait until everything is written."""
        await self._loop.run_in_executor(None, self._waiting.put, None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _do(self, work: Callable[[], None], *, wait: bool = False) -> None:
        """Queue it. `wait`: it must not be lost, so a full queue is waited for."""
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            if wait:
                self._loop.run_in_executor(None, self._waiting.put, work)
            else:
                log.warning("recording_behind", waiting=MAX_WAITING)

    def _run(self) -> None:
        while (work := self._waiting.get()) is not None:
            try:
                work()
            except OSError as error:
                log.error("recording_failed", error=str(error))
            except Exception:  # a fault of ours in one recording ends no other
                log.exception("recording_failed")

    # In the thread -------------------------------------------------------------------------------

    def _begin(self, file: _File) -> None:
        self._note(file, ())
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        file.descriptor = os.open(self.folder / f"{file.recording_id}.part", flags, 0o600)
        os.pwrite(file.descriptor, header(0), 0)

    def _note(self, file: _File, gaps: tuple[Gap, ...]) -> None:
        note = Note(recording_id=file.recording_id, began=file.began, gaps=gaps)
        path = self.folder / f"{file.recording_id}.json"
        draft = path.with_suffix(".draft")
        draft.write_text(note.model_dump_json(by_alias=True), encoding="utf-8")
        draft.rename(path)

    def _append(self, file: _File, block: Block) -> None:
        if file.descriptor is None:
            return
        missed = _MUTE * (_CHANNELS * (block.start - file.samples))  # a block that did not fit
        place = _HEADER.size + _CHANNELS * file.samples
        _write(file.descriptor, missed + block.interleaved(), place)
        file.samples = block.start + block.size
        os.pwrite(file.descriptor, header(file.samples), 0)

    def _finish(self, file: _File, gaps: tuple[Gap, ...], at: datetime) -> RecordingFinished:
        whole = self.folder / f"{file.recording_id}.wav"
        if file.descriptor is None:  # it never began: web finds no file, and says that it failed
            return _nothing(file.recording_id, gaps, at)
        with contextlib.suppress(OSError):  # a full disk: the report tells the pauses too
            self._note(file, gaps)
        descriptor, file.descriptor = file.descriptor, None
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        whole.with_suffix(".part").rename(whole)
        return _finished(whole, file.recording_id, gaps, at)


def _nothing(recording_id: UUID, gaps: tuple[Gap, ...], at: datetime) -> RecordingFinished:
    """The report of a recording that the disk did not take."""
    return RecordingFinished(
        at=at, recording_id=recording_id, path=f"{recording_id}.wav", bytes=0, sha256="",
        gaps=_told(gaps), seconds=0,
    )  # fmt: skip


def _write(descriptor: int, content: bytes, place: int) -> None:
    """All of it, or OSError: a disk that fills up takes a part without a word."""
    view = memoryview(content)
    while view:
        written = os.pwrite(descriptor, view, place)
        view, place = view[written:], place + written


def header(samples: int) -> bytes:
    """A WAV header for that many samples of each channel (RIFF, WAVE_FORMAT_MULAW)."""
    size = samples * _CHANNELS
    return _HEADER.pack(
        b"RIFF", _HEADER.size - 8 + size, b"WAVE",
        b"fmt ", 18, _MULAW, _CHANNELS, RATE, RATE * _CHANNELS, _CHANNELS, 8, 0,
        b"fact", 4, samples,
        b"data", size,
    )  # fmt: skip


def recover(folder: Path, at: datetime) -> Iterator[RecordingFinished]:
    """Make whole what a killed process left, and report each; also what it did not report.

    A note that cannot be read, or has no recording, is left to the operator's eyes.
    """
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            note = Note.model_validate_json(path.read_text(encoding="utf-8"))
            whole, part = path.with_suffix(".wav"), path.with_suffix(".part")
            if part.exists():
                _repair(part)
                part.rename(whole)
            yield _finished(whole, note.recording_id, note.gaps, at).model_copy(
                update={"recovered": True}
            )
        except (OSError, ValidationError) as error:
            log.error("recording_not_recovered", recording_id=path.stem, error=str(error))


def _repair(part: Path) -> None:
    with part.open("r+b") as file:
        samples = max(0, part.stat().st_size - _HEADER.size) // _CHANNELS
        file.truncate(_HEADER.size + samples * _CHANNELS)
        file.write(header(samples))
        file.flush()
        os.fsync(file.fileno())


def _told(gaps: tuple[Gap, ...]) -> tuple[Gap, ...]:
    if len(gaps) <= MOST_GAPS:
        return gaps
    first = gaps[: MOST_GAPS - 1]
    return (*first, gaps[len(first)].model_copy(update={"end": gaps[-1].end}))


def _finished(
    whole: Path, recording_id: UUID, gaps: tuple[Gap, ...], at: datetime
) -> RecordingFinished:
    size = whole.stat().st_size
    with whole.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return RecordingFinished(
        at=at, recording_id=recording_id, path=whole.name, bytes=size, sha256=digest,
        gaps=_told(gaps), seconds=(size - _HEADER.size) / _CHANNELS / RATE,
    )  # fmt: skip
