from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media.mixer import Plan, room
from channels.voice.media.ulaw import FRAME


def inputs(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.repeat(np.array([10.0**i for i in range(count)], np.float32)[:, None], FRAME, axis=1)


def test_a_conference_hears_everyone_else() -> None:
    plan = Plan([room([(0, [1, 2]), (1, [0, 2]), (2, [0, 1])])], 3)
    assert plan.mix(inputs(3))[:, 0].tolist() == [110, 101, 11]


def test_rooms_do_not_leak_into_each_other() -> None:
    plan = Plan([room([(0, [1]), (1, [0])]), room([(2, [3]), (3, [2])]), room([(4, [4])])], 6)
    assert plan.mix(inputs(5))[:, 0].tolist() == [10, 1, 1000, 100, 10000, 0]


@given(st.lists(st.lists(st.sets(st.integers(0, 3)), min_size=1, max_size=4), max_size=6))
def test_each_output_is_the_sum_of_what_it_hears(rooms: list[list[set[int]]]) -> None:
    frames, made, expected, rows = inputs(5), [], [], 0
    for hears in rooms:
        made.append(room([(rows + i, sorted(heard)) for i, heard in enumerate(hears)]))
        expected += [sum(10.0**row for row in heard) for heard in hears]
        rows += len(hears)
    assert Plan(made, rows).mix(frames)[:, 0].tolist() == expected
