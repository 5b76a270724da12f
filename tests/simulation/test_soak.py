"""Long seeded runs of a centre in which anything may happen, with every promise checked."""

from __future__ import annotations

import os
from collections import Counter

from routing.core import decisions as d
from routing.core.model import StrategyName
from tests.simulation.play import random_run

NIGHTLY = os.environ.get("NIGHTLY") == "1"
USUAL = [name for name in StrategyName if name is not StrategyName.RING_ALL]


def test_every_promise_holds_through_a_long_run() -> None:
    seen: Counter[str] = Counter()
    for number, strategy in enumerate(USUAL * (40 if NIGHTLY else 1)):
        play = random_run(1_000 + number, 300, strategy=strategy)
        seen.update(type(decision).__name__ for decision in play.log)
    missing = {kind.__name__ for kind in d.Decision.__args__} - {"FactIgnored"} - set(seen)
    assert not missing, "a run that never decides something checks nothing of it"


def test_the_same_seed_gives_the_same_decisions() -> None:
    first, second = (random_run(5, 300, crashes=0).log for _ in range(2))
    assert first == second


def test_a_run_with_many_crashes_decides_as_one_without() -> None:
    assert random_run(6, 400, crashes=0.9).log == random_run(6, 400, crashes=0).log
