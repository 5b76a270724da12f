from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media.continuity import Continuity
from channels.voice.media.ulaw import FRAME

PIECES = st.lists(
    st.tuples(
        st.integers(0, 0xFFFF),  # where the source's sequence numbers
        st.integers(0, 0xFFFF_FFFF),  # and timestamps begin
        st.lists(st.booleans(), min_size=1, max_size=30),  # which of its packets arrive
    ),
    min_size=1,
    max_size=8,
)


@given(st.integers(0, 0x7FFF), st.integers(0, 0xFFFF_FFFF), PIECES)
def test_switching_sources_never_jumps(
    sequence: int, timestamp: int, pieces: list[tuple[int, int, list[bool]]]
) -> None:
    stream, now, sent = Continuity(sequence, timestamp), 10_000, []
    for source, (first, stamp, arrive) in enumerate(pieces):
        for index, here in enumerate([True, *arrive]):
            now += FRAME
            if here:
                place = stream.next(
                    source, (first + index) & 0xFFFF, (stamp + index * FRAME) & 0xFFFF_FFFF, now
                )
                assert place is not None
                sent.append((*place, now, index == 0))
    for (seq, ts, _, at, _), (next_seq, next_ts, marker, next_at, fresh) in pairwise(sent):
        frames = (next_at - at) // FRAME
        assert marker == fresh
        assert (next_ts - ts) & 0xFFFF_FFFF == frames * FRAME
        assert (next_seq - seq) & 0xFFFF == (1 if fresh else frames)  # losses stay visible


def test_late_packets_keep_their_place_and_earlier_ones_are_dropped() -> None:
    stream = Continuity(100, 0)
    assert stream.next("a", 10, 1600, 8000) == (101, FRAME, True)
    assert stream.next("a", 12, 1920, 8320) == (103, 3 * FRAME, False)
    assert stream.next("a", 11, 1760, 8321) == (102, 2 * FRAME, False)
    assert stream.next("a", 9, 1440, 8322) is None  # would take a number already used
    assert stream.next("b", 500, 0, 8480) == (104, 4 * FRAME, True)


def test_a_released_source_is_a_new_one() -> None:
    stream = Continuity(0, 0)
    stream.next("a", 1, 0, 8000)
    stream.release()
    assert stream.next("a", 900, 99_999, 8000 + 10 * FRAME) == (2, 11 * FRAME, True)


def test_a_long_stream_goes_on_over_every_wrap() -> None:
    stream, last = Continuity(0, 0), None
    for number in range(150_000):
        place = stream.next("a", number & 0xFFFF, number * FRAME & 0xFFFF_FFFF, number * FRAME)
        assert place is not None
        assert last is None or (place[0] - last) & 0xFFFF == 1
        last = place[0]
