from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media import journal
from channels.voice.media.journal import Journal
from channels.voice.media.protocol import MAX_LINE, LegLost, RecordingFinished, Report
from channels.voice.media.server import Outbox

REPORT = LegLost(at=datetime(2027, 3, 16, 9, tzinfo=UTC), leg_id=UUID(int=1))


def seqs(kept: Journal, after: int = 0) -> list[int | None]:
    return [report.seq for report in kept.pending(after)]


def test_what_is_not_acknowledged_is_still_there_after_a_kill(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    for _ in range(5):
        first.append(REPORT)
    first.ack(2)
    assert seqs(first) == [3, 4, 5]
    second = Journal(tmp_path)  # the first one never closed
    assert second.last == 5
    assert seqs(second)[-3:] == [3, 4, 5]
    assert second.append(REPORT).seq == 6


def test_the_acknowledged_goes_and_numbers_go_on(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    for _ in range(2 * journal.SEGMENT + 10):
        kept.append(REPORT)
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    kept.ack(journal.SEGMENT + 5)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    kept.ack(10**9)
    assert seqs(kept) == []
    kept.close()
    again = Journal(tmp_path)
    assert again.append(REPORT).seq == 2 * journal.SEGMENT + 11


def test_all_acknowledged_leaves_one_small_file(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    for _ in range(500):
        kept.append(REPORT)
        kept.ack(kept.last)
    kept.sync()
    files = list(tmp_path.glob("*.jsonl"))
    assert len(files) == 1
    assert files[0].stat().st_size < 40_000
    assert Journal(tmp_path).append(REPORT).seq == 501


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    for _ in range(3):
        kept.append(REPORT)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    again = Journal(tmp_path)
    assert seqs(again) == [1, 2]
    assert again.append(REPORT).seq == 3


def test_what_comes_while_it_is_read_is_read_too(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    kept.append(REPORT)
    found = []
    for report in kept.pending(0):
        found.append(report.seq)
        if len(found) < 5:
            kept.append(REPORT)
    assert found == [1, 2, 3, 4, 5]


@given(steps=st.lists(st.one_of(st.just("append"), st.just("again"), st.integers(0, 60))))
def test_any_order_keeps_what_is_owed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | int]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    kept, given_out, acked = Journal(folder), 0, 0
    for step in steps:
        if step == "append":
            given_out += 1
            assert kept.append(REPORT).seq == given_out
        elif step == "again":
            kept.close()
            kept = Journal(folder)
        else:
            assert isinstance(step, int)
            kept.ack(step)
            acked = max(acked, min(step, given_out))
        found = seqs(kept)
        assert found[len(found) - (given_out - acked) :] == list(range(acked + 1, given_out + 1))
    kept.close()


def test_a_disk_that_fills_up_loses_one_report_and_not_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, write = Journal(tmp_path), os.write
    kept.append(REPORT)
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:7]))
    with pytest.raises(OSError, match="space"):
        kept.append(REPORT)
    monkeypatch.undo()
    assert kept.append(REPORT).seq == 2
    assert seqs(kept) == seqs(Journal(tmp_path)) == [1, 2]


def test_after_a_file_of_half_a_line_numbers_and_reports_go_on(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    kept.append(REPORT)
    (path,) = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    again = Journal(tmp_path)
    again.append(REPORT)
    again.append(REPORT)
    assert seqs(Journal(tmp_path)) == [1, 2]


def test_a_folder_has_one_identity(tmp_path: Path) -> None:
    first = Journal(tmp_path / "one")
    first.append(REPORT)
    assert Journal(tmp_path / "one").id == first.id
    assert Journal(tmp_path / "two").id != first.id
    (tmp_path / "one" / "journal").write_text("cut sho")
    assert Journal(tmp_path / "one").id != first.id


class Connection:
    def __init__(self) -> None:
        self.closing = False
        self.seqs: list[int | None] = []

    def send(self, report: Report) -> None:
        self.seqs.append(report.seq)

    async def drain(self) -> None:
        pass


async def test_the_newest_taker_gets_the_reports_and_the_one_before_it_afterwards(
    tmp_path: Path,
) -> None:
    outbox = Outbox(Journal(tmp_path))
    first, second = Connection(), Connection()
    await outbox.give_to(first)  # type: ignore[arg-type]
    outbox.keep(REPORT)
    await outbox.give_to(second)  # type: ignore[arg-type]
    outbox.keep(REPORT)
    assert (first.seqs, second.seqs) == ([1], [1, 2])
    outbox.journal.ack(1)
    second.closing = True
    await outbox.gone(second)  # type: ignore[arg-type]
    outbox.keep(REPORT)
    assert first.seqs == [1, 2, 3]
    await outbox.gone(first)  # type: ignore[arg-type]
    outbox.keep(REPORT)
    assert first.seqs == [1, 2, 3]


async def test_a_report_that_fits_no_line_stops_nothing(tmp_path: Path) -> None:
    outbox, taker = Outbox(Journal(tmp_path)), Connection()
    await outbox.give_to(taker)  # type: ignore[arg-type]
    outbox.keep(
        RecordingFinished(
            at=REPORT.at, recording_id=UUID(int=1), path="x" * MAX_LINE, seconds=0, bytes=0,
            sha256="",
        )
    )  # fmt: skip
    outbox.keep(REPORT)
    assert taker.seqs == [1]
