from __future__ import annotations

import numpy as np
import pytest

from channels.voice.media import tones, ulaw
from channels.voice.media.conceal import Concealer
from channels.voice.media.ulaw import FRAME, RATE, SILENCE
from tests.unit.channels.voice.media.sound import amplitude


def frames(hz: float, count: int) -> list[bytes]:
    codes = ulaw.encode(tones.sine((count + 1) * FRAME / RATE, hz)).tobytes()
    return [codes[i * FRAME : (i + 1) * FRAME] for i in range(count)]


def play(concealer: Concealer, frame: bytes | None) -> ulaw.Samples:
    played = concealer.play(frame)
    return ulaw.decode(frame) if frame is not None and played is None else np.asarray(played)


def test_a_stream_without_loss_is_left_alone() -> None:
    concealer = Concealer()
    assert [concealer.play(frame) for frame in frames(440, 5)] == [None] * 5


@pytest.mark.parametrize("hz", [150, 440, 1000])
def test_a_lost_frame_goes_on_like_the_sound_before(hz: float) -> None:
    concealer = Concealer()
    for frame in frames(hz, 10):
        play(concealer, frame)
    assert amplitude(play(concealer, None), hz) > 0.7 * tones.LOUD


def test_a_long_loss_fades_to_silence_after_60_ms() -> None:
    concealer = Concealer()
    for frame in frames(440, 10):
        play(concealer, frame)
    loud = [float(np.abs(play(concealer, None).astype(int)).max()) for _ in range(5)]
    assert loud[0] > loud[1] > loud[2] > 0
    assert loud[3:] == [0, 0]


def test_the_first_good_frame_is_blended_in_without_a_click() -> None:
    concealer = Concealer()
    given = frames(440, 12)
    for frame in given[:6]:
        play(concealer, frame)
    lost = play(concealer, None)
    good = play(concealer, given[7])
    step = np.abs(np.diff(np.concatenate((lost, good)).astype(int))).max()
    assert step < 1.5 * np.abs(np.diff(ulaw.decode(given[5]).astype(int))).max()
    assert np.array_equal(good[32:], ulaw.decode(given[7])[32:])


def test_silence_stays_silence() -> None:
    concealer = Concealer()
    play(concealer, SILENCE)
    assert not play(concealer, None).any()
