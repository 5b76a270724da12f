from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.cards import quality
from channels.voice.media import emodel

LOSSES = st.floats(0, 1)
DELAYS = st.floats(0, 5000)


def test_the_default_rating() -> None:
    assert emodel.rating(0, 0) == 93.2
    assert emodel.mos(0, 0) == pytest.approx(4.41, abs=0.005)  # G.107, table B.1


@pytest.mark.parametrize(
    ("delay_ms", "impairment"), [(100, 0), (150, 0.16), (200, 3.04), (300, 14.8), (400, 24.1)]
)
def test_delay_costs_what_the_recommendation_says(delay_ms: float, impairment: float) -> None:
    """Idd by hand from the formula of G.107, 7.4."""
    assert 93.2 - emodel.rating(0, delay_ms) == pytest.approx(impairment, abs=0.05)


def test_loss_costs_what_the_recommendation_says() -> None:
    assert 93.2 - emodel.rating(0.05, 0) == pytest.approx(95 * 5 / (5 + 25.1))


@given(LOSSES, LOSSES, DELAYS, DELAYS)
def test_more_loss_or_delay_never_sounds_better(a: float, b: float, c: float, d: float) -> None:
    better = emodel.mos(min(a, b), min(c, d))
    assert 1 <= emodel.mos(max(a, b), max(c, d)) <= better + 1e-9 <= 4.5


def test_delay_from_rtcp() -> None:
    assert emodel.one_way_delay_ms(100, 5) == 90
    assert emodel.one_way_delay_ms(None, 30) == 80


FIGURES = Path(__file__).parents[5] / "web" / "shared" / "test" / "quality.json"


@pytest.mark.parametrize("row", orjson.loads(FIGURES.read_bytes()))
def test_browsers_count_as_the_centre_does(row: tuple[float, float, float, float, str]) -> None:
    """The same figures are asked of the desk's and the widget's code."""
    loss, jitter_ms, rtt_ms, score, word = row
    found = emodel.mos(loss, emodel.one_way_delay_ms(rtt_ms, jitter_ms))
    assert found == pytest.approx(score, abs=1e-3)
    shown = quality({"mos": score, "loss": loss, "jitter_ms": jitter_ms, "rtt_ms": rtt_ms})
    assert shown is not None
    assert shown.word == word
