"""Reports kept on disk until web has them.

An append-only file of JSON lines for each run of sequence numbers, named by its first. A file goes
when web has acknowledged all of it; the newest stays, so numbers never repeat. A line is written at
once, so a kill of this process loses none; it is synced to the disk within a second, so a machine
that loses power may lose that second, as it loses the calls.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from channels.voice.media import protocol
from channels.voice.media.protocol import ProtocolError, Report
from contactcenter.core.ids import new_id

SEGMENT = 1000
"""Most reports in a file."""
_WORTH_DROPPING = 200  # reports in the newest file, all acknowledged
_SUFFIX = ".jsonl"
_IDENTITY = "journal"


class Journal:
    """One process writes it. Raises OSError where the disk does."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.id = _identity(folder / _IDENTITY)
        """Of this folder: in another one numbers begin anew."""
        files = self._files()
        last = max((report.seq or 0 for path in files[-1:] for report in _read(path)), default=0)
        self.last = last or (int(files[-1].stem) - 1 if files else 0)
        """The newest sequence number given."""
        self.acked = int(files[0].stem) - 1 if files else 0
        """What web is known to have; after a restart, no more than the files that are gone."""
        self._file: int | None = None
        self._full: list[int] = []  # files that only wait to be synced
        self._unsynced = False

    def append(self, report: Report) -> Report:
        """Keep it. Returns it with its sequence number."""
        kept = report.model_copy(update={"seq": self.last + 1})
        if self._file is None or (self.last % SEGMENT == 0 and self.last):
            self._open(self.last + 1)
        assert self._file is not None
        line = protocol.encode(kept)
        written = os.write(self._file, line)
        if written < len(line):  # the disk is full: no half a line for the next one to follow
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.last += 1
        self._unsynced = True
        return kept

    def ack(self, seq: int) -> None:
        """Web has every report up to `seq`."""
        self.acked = max(self.acked, min(seq, self.last))
        files = self._files()
        if not files:
            return
        if self.acked == self.last and self.last - int(files[-1].stem) >= _WORTH_DROPPING:
            self._open(self.last + 1)
            files = self._files()
        for path, following in pairwise(files):
            if int(following.stem) - 1 <= self.acked:
                path.unlink(missing_ok=True)

    def pending(self, after: int) -> Iterator[Report]:
        """Reports above both `after` and what web has, in order; also those appended meanwhile."""
        seen = max(after, self.acked)
        for path in self._files():
            for report in _read(path):
                if report.seq is not None and report.seq > seen:
                    seen = report.seq
                    yield report

    def sync(self) -> None:
        """Make what was appended survive the loss of power. Blocks: call it off the loop."""
        while self._full:
            descriptor = self._full.pop()
            os.fdatasync(descriptor)
            os.close(descriptor)
        if self._unsynced and self._file is not None:
            self._unsynced = False
            os.fdatasync(self._file)

    def close(self) -> None:
        if self._file is not None:
            self._full.append(self._file)
            self._file = None
        self.sync()

    def _open(self, first: int) -> None:
        if self._file is not None:
            self._full.append(self._file)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._folder / f"{first:015}{_SUFFIX}", flags, 0o600)
        if os.fstat(self._file).st_size:  # all that it has is a line that was cut short
            os.write(self._file, b"\n")

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))


def _identity(path: Path) -> UUID:
    with contextlib.suppress(FileNotFoundError, ValueError):
        return UUID(path.read_text(encoding="ascii"))
    fresh = new_id()
    draft = path.with_suffix(".draft")
    draft.write_text(str(fresh), encoding="ascii")
    draft.rename(path)
    return fresh


def _read(path: Path) -> Iterator[Report]:
    """Whole reports of a file; the last line may be cut short by the loss of power."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(ProtocolError):
                yield protocol.decode_report(line)
