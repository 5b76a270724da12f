"""Lost frames filled with what came before, after the method of ITU-T G.711 Appendix I.

The last pitch period is repeated, fades by a fifth each 10 ms after the first, and is silent after
60 ms. The first good frame is blended in over 4 ms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from channels.voice.media import ulaw
from channels.voice.media.ulaw import FRAME, SILENCE, Samples

_SHORTEST, _LONGEST = 40, 120  # pitch periods in samples: 200 Hz down to 66 Hz
_TEMPLATE = 160
_HISTORY = 2  # frames before the newest: enough for the template and the longest period
_TEN_MS = 80
_LIMIT = 6 * _TEN_MS
_BLEND = 32
_SILENT: Samples = np.zeros(FRAME, np.int16)


class Concealer:
    """One stream: give it each frame as it is played, None for a lost one."""

    __slots__ = ("_frames", "_lost", "_period")

    def __init__(self) -> None:
        self._frames = [SILENCE] * (_HISTORY + 1)
        self._lost = 0  # samples concealed since the last good frame
        self._period: npt.NDArray[np.float64] = np.zeros(1)

    def play(self, frame: bytes | None) -> Samples | None:
        """What to play instead of `frame`; None: the frame itself."""
        if frame is None:
            if self._lost >= _LIMIT:
                return _SILENT
            if self._lost == 0:
                self._period = _last_period(ulaw.decode(b"".join(self._frames)).astype(float))
            filled = self._continue(FRAME)
            self._lost += FRAME
            return filled.astype(np.int16)
        self._frames = [*self._frames[1:], frame]
        if self._lost == 0:
            return None
        samples = ulaw.decode(frame).astype(float)
        rise = np.linspace(0, 1, _BLEND)
        samples[:_BLEND] = samples[:_BLEND] * rise + self._continue(_BLEND) * (1 - rise)
        self._lost = 0
        return samples.astype(np.int16)

    def _continue(self, count: int) -> npt.NDArray[np.float64]:
        """The next samples of the repeated period, faded by how long it has gone on."""
        where = self._lost + np.arange(count)
        fade = np.clip(1 - 0.2 * np.maximum(0, where - _TEN_MS) / _TEN_MS, 0, 1)
        return self._period[where % len(self._period)] * fade * (where < _LIMIT)


def _last_period(past: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The newest pitch period, where the newest 20 ms look most like what was before them."""
    template = past[-_TEMPLATE:]
    earlier = np.lib.stride_tricks.sliding_window_view(
        past[-_TEMPLATE - _LONGEST : -_SHORTEST], _TEMPLATE
    )
    strength = np.sqrt((earlier**2).sum(axis=1)) + 1.0
    best = int(np.argmax(earlier @ template / strength))
    return past[len(past) - (_LONGEST - best) :]
