"""How a bench tells a figure: one JSON line, in the shape that `make bench` promises.

A bench module has `AREA = "routing"` and `def main() -> None`, which measures several times in
one run, calls `report` for each figure and prints nothing else on standard output.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import uvloop

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a figure is measured against: the runs of something else, made in between."""

    name: str
    runs: Sequence[float]


def figure(
    name: str, runs: Sequence[float], unit: str, better: Better, baseline: Baseline | None = None
) -> dict[str, Any]:
    """The figure as an object: the median of its runs, with the least and the greatest."""
    value = statistics.median(runs)
    beside = None if baseline is None else statistics.median(baseline.runs)
    return {
        "name": name,
        "value": rounded(value),
        "unit": unit,
        "better": better,
        "baseline": None
        if baseline is None or beside is None
        else {"name": baseline.name, "value": rounded(beside)},
        "ratio": rounded(value / beside) if beside else None,
        "runs": len(runs),
        "min": rounded(min(runs)),
        "max": rounded(max(runs)),
    }


def report(
    name: str, runs: Sequence[float], unit: str, better: Better, baseline: Baseline | None = None
) -> None:
    """Print a figure; `name` is `area.figure`."""
    print(json.dumps(figure(name, runs, unit, better, baseline)), flush=True)


def run(measuring: Coroutine[Any, Any, None]) -> None:
    """To its end, in the event loop that the centre itself runs in."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measuring)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` of them do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


def rounded(value: float) -> float:
    """Four significant digits, so that lines can be read."""
    return float(f"{value:.4g}")
