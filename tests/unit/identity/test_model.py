from __future__ import annotations

from contactcenter.core.pace import Pace, Throttle
from contactcenter.identity.model import ACCOUNT_PACE


def guesses(seconds: float, pace: Pace = ACCOUNT_PACE) -> int:
    """How many tries somebody gets who tries as soon as it is possible."""
    throttle, now, count = Throttle(pace), 0.0, 0
    while now < seconds:
        throttle.begin("a", now)
        count += 1
        now += throttle.wait("a", now)
        if throttle.wait("a", now) == 0 and count > 1000:
            break
    return count


def test_an_account_is_guessed_at_ten_times_in_a_quarter_of_an_hour() -> None:
    assert guesses(900) == 10
    assert guesses(24 * 3600) < 120


def test_pauses_double_up_to_a_longest() -> None:
    throttle = Throttle(Pace(free=2, first_pause=10, longest_pause=35, forget_after=1000))
    waits = []
    now = 0.0
    for _ in range(6):
        throttle.begin("a", now)
        waits.append(throttle.wait("a", now))
        now += waits[-1]
    assert waits == [0, 10, 20, 35, 35, 35]


def test_keys_are_apart_and_success_forgives() -> None:
    throttle = Throttle(Pace(free=1, first_pause=10, longest_pause=10, forget_after=100))
    throttle.begin("a", 0)
    assert throttle.wait("a", 4) == 6
    assert throttle.wait("b", 4) == 0
    throttle.forgive("a")
    assert throttle.wait("a", 4) == 0


def test_a_good_try_among_bad_ones_is_taken_back_alone() -> None:
    throttle = Throttle(Pace(free=2, first_pause=10, longest_pause=10, forget_after=100))
    for _ in range(2):
        throttle.begin("a", 0)
    assert throttle.wait("a", 0) == 10
    throttle.take_back("a")
    assert throttle.wait("a", 0) == 0
    throttle.begin("a", 0)
    assert throttle.wait("a", 0) == 10


def test_old_failures_are_forgotten() -> None:
    throttle = Throttle(Pace(free=1, first_pause=10, longest_pause=10, forget_after=100))
    throttle.begin("a", 0)
    throttle.begin("a", 101)
    assert throttle.wait("a", 101) == 10
    assert throttle.wait("a", 202) == 0


def test_memory_is_bounded() -> None:
    throttle = Throttle(ACCOUNT_PACE, capacity=10)
    for number in range(100):
        throttle.begin(str(number), 0)
    assert len(throttle._failures) == 10
