"""Erlang's formulas against published figures."""

from __future__ import annotations

import math

import pytest

from routing.erlang import blocking, mean_wait, occupancy, service_level, staff, waiting

# calls, interval, AHT, target share, within, most occupancy, shrinkage | agents, positions,
# service level, occupancy, share that waits, ASA. The first row is pyworkforce's documented
# answer; the last the Spanish law's 95 % in three minutes.
STAFFING = [
    (100, 1800, 180, 0.80, 20, 0.85, 0.30, 14, 20, 0.88835, 0.71429, 0.17413, 7.836),
    (250, 1800, 240, 0.80, 20, 0.85, 0.30, 40, 58, 0.89056, 0.83333, 0.19074, 6.867),
    (60, 1800, 300, 0.80, 20, 0.85, 0.30, 14, 20, 0.86663, 0.71429, 0.17413, 13.060),
    (30, 1800, 300, 0.95, 180, 0.90, 0.30, 8, 12, 0.97235, 0.62500, 0.16727, 16.727),
]


@pytest.mark.parametrize("row", STAFFING)
def test_staffing(row: tuple[float, ...]) -> None:
    calls, interval, handle, target, within, most, shrinkage, *expected = row
    found = staff(
        calls=calls,
        interval_s=interval,
        handle_s=handle,
        target=target,
        within_s=within,
        max_occupancy=most,
        shrinkage=shrinkage,
    )
    assert [found.agents, found.positions] == expected[:2]
    assert found.service_level == pytest.approx(expected[2], abs=1e-5)
    assert found.occupancy == pytest.approx(expected[3], abs=1e-5)
    assert found.waiting == pytest.approx(expected[4], abs=1e-5)
    assert found.mean_wait_s == pytest.approx(expected[5], abs=1e-3)


def test_published_points() -> None:
    # pyworkforce, 10 erlangs, 15 agents, 0.33 min
    assert waiting(10, 15) == pytest.approx(0.102, abs=5e-4)
    assert service_level(10, 15, 180, 19.8) == pytest.approx(0.941, abs=5e-4)
    # a much-copied test says 0.261 here, which is wrong
    assert waiting(20, 25) == pytest.approx(0.2091028, abs=1e-7)
    # Mandelbaum and Zeltyn: 48 calls a minute of one minute, 50 agents
    assert mean_wait(48, 50, 60) == pytest.approx(20.8, abs=0.05)
    assert occupancy(48, 50) == pytest.approx(0.96)
    # umontreal-simul's M/M/c in the steady state: 4.2 a minute, 2 min, 12 agents, 20 s
    assert waiting(8.4, 12) == pytest.approx(0.18389, abs=1e-5)
    assert service_level(8.4, 12, 120, 20) == pytest.approx(0.89908, abs=1e-5)
    assert mean_wait(8.4, 12, 120) / 60 == pytest.approx(0.10216, abs=1e-5)


@pytest.mark.parametrize("target", [{"target": 0.94, "within_s": 20}])
def test_agents_required_by_math_telephony(target: dict[str, float]) -> None:
    found = staff(calls=27.083, interval_s=150, handle_s=150, **target)
    assert found.agents == 34
    assert mean_wait(27.083, 34, 150) <= 5 < mean_wait(27.083, 33, 150)


def test_erlang_b() -> None:
    assert blocking(1, 1) == 0.5
    assert blocking(1, 2) == pytest.approx(0.2)
    assert next(n for n in range(100) if blocking(10, n) <= 0.02) == 17


def test_too_much_load() -> None:
    assert waiting(10, 10) == 1
    assert service_level(10, 10, 180, 20) == 0
    assert mean_wait(10, 10, 180) == math.inf


@pytest.mark.parametrize(
    "wrong", [{"calls": 0}, {"target": 1.0}, {"shrinkage": 1.0}, {"max_occupancy": 0.0}]
)
def test_what_no_staff_can_do(wrong: dict[str, float]) -> None:
    given = {"calls": 100, "interval_s": 1800, "handle_s": 180, "target": 0.8, "within_s": 20}
    with pytest.raises(ValueError, match=r"load or target"):
        staff(**{**given, **wrong})
