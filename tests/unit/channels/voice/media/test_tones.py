from __future__ import annotations

import numpy as np
import pytest

from channels.voice.media import tones
from channels.voice.media.ulaw import FRAME, RATE
from tests.unit.channels.voice.media.sound import amplitude


@pytest.mark.parametrize("tone", [*tones.CADENCES, "music"])
def test_a_loop_is_whole_frames_and_repeats(tone: str) -> None:
    turn = tones.loop(tone)
    frames = len(turn) // FRAME
    assert len(turn) % FRAME == 0
    assert np.array_equal(tones.frame(tone, frames + 3), tones.frame(tone, 3))
    assert np.abs(turn.astype(int)).max() < 20_000


@pytest.mark.parametrize(("tone", "cadence"), tones.CADENCES.items())
def test_the_cadence_is_kept(tone: str, cadence: tuple[float, ...]) -> None:
    turn, at = tones.loop(tone), 0
    for index, seconds in enumerate(cadence):
        part = turn[at : at + round(seconds * RATE)]
        expected = tones.LOUD if index % 2 == 0 else 0
        assert amplitude(part, 425) == pytest.approx(expected, rel=0.05)
        at += len(part)


def test_music_is_never_silent_for_long_and_low() -> None:
    turn = tones.loop("music").astype(float)
    energy = np.sqrt((turn.reshape(-1, FRAME) ** 2).mean(axis=1))
    loud = np.convolve(energy > 100, np.ones(10), "valid")
    assert loud.min() > 0
    spectrum = np.abs(np.fft.rfft(turn))
    hz = np.fft.rfftfreq(len(turn), 1 / RATE)
    assert (spectrum[hz < 700] ** 2).sum() > 0.99 * (spectrum**2).sum()


@pytest.mark.parametrize("digit", tones.DTMF)
def test_a_digit_is_its_two_frequencies(digit: str) -> None:
    sound = tones.signal("dtmf", digit)[: RATE // 10]
    row, column = tones.DTMF[digit]
    for hz in (697, 770, 852, 941, 1209, 1336, 1477, 1633):
        expected = tones.LOUD / 2 if hz in (row, column) else 0
        assert amplitude(sound, hz) == pytest.approx(expected, abs=400)


def test_the_keypad() -> None:
    assert tones.DTMF["1"] == (697, 1209)
    assert tones.DTMF["9"] == (852, 1477)
    assert tones.DTMF["*"] == (941, 1209)
    assert tones.DTMF["#"] == (941, 1477)


def test_signals() -> None:
    assert amplitude(tones.signal("notice")[: RATE * 4 // 10], tones.NOTICE_HZ) > 6000
    assert len(tones.signal("dtmf", "12")) == 2 * RATE // 5
