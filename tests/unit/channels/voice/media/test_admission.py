from __future__ import annotations

import pytest

from channels.voice.media.admission import FIRST_GUESS, TARGET, Admission


def overloaded(admission: Admission, calls: int) -> bool:
    admission.update(calls)
    return admission.overloaded


def test_a_fixed_ceiling() -> None:
    admission = Admission(10)
    admission.measured(99, 9)
    assert admission.ceiling == 10
    assert not overloaded(admission, 9)
    assert overloaded(admission, 10)


def test_it_does_not_flicker() -> None:
    admission = Admission(10)
    assert [overloaded(admission, n) for n in (10, 9, 8, 9)] == [True, True, False, False]


def test_the_ceiling_follows_what_calls_cost() -> None:
    admission = Admission(0)
    assert admission.ceiling == int(TARGET / FIRST_GUESS)
    for _ in range(100):
        admission.measured(41, 50)
    assert admission.ceiling == pytest.approx(TARGET / 0.8, abs=1)


def test_too_few_calls_measure_nothing() -> None:
    admission = Admission(0)
    for _ in range(100):
        admission.measured(90, 4)
    assert admission.ceiling == int(TARGET / FIRST_GUESS)


def test_a_change_is_told_once() -> None:
    admission = Admission(2)
    assert [admission.update(calls) for calls in (1, 2, 2, 1, 1)] == [
        False,
        True,
        False,
        True,
        False,
    ]
