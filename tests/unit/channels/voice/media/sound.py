"""How much of a frequency is in a sound."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from channels.voice.media.ulaw import RATE


def amplitude(samples: npt.ArrayLike, hz: float) -> float:
    """Of the sine at `hz` (Goertzel's sum, over a Hann window)."""
    x = np.asarray(samples, float)
    window = np.hanning(len(x))
    wave = np.exp(-2j * np.pi * hz * np.arange(len(x)) / RATE)
    return float(2 * abs((x * window * wave).sum()) / window.sum())
