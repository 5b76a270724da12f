"""Sounds made by code: the Spanish tone plan, music on hold, and short signals.

Cadences: ITU-T E.180 Supplement 2 (Spain). Keypad pairs: ITU-T Q.23. Levels lie near -10 dBm0,
where full scale of µ-law is +3.14 dBm0.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import cycle, islice

import numpy as np

from channels.voice.media import ulaw
from channels.voice.media.ulaw import FRAME, RATE, Samples

LOUD = 7_000
"""Amplitude of a sine at about -10 dBm0."""
SOFT = 2_500
_RAMP = RATE // 200  # 5 ms: no click where a tone begins or ends

# Tone → seconds on and off in turn, from its start.
CADENCES = {
    "ring": (1.5, 3.0),
}
PROGRESS_HZ = 425
NOTICE_HZ = 1400

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
DTMF = {
    digit: (_ROWS[index // 4], _COLUMNS[index % 4])
    for index, digit in enumerate("123A456B789C*0#D")
}
DTMF_SECONDS = 0.1

# Music on hold: broken chords, an eighth note each, of vi IV I V in C; Hz of equal temperament.
_CHORDS = ((220.0, 261.63, 329.63), (174.61, 220.0, 261.63), (196.0, 261.63, 329.63),
           (196.0, 246.94, 293.66))  # fmt: skip
_PATTERN = (0, 1, 2, 1, 0, 2, 1, 2)
_NOTE_SECONDS = 0.3
_RING_OUT_SECONDS = 1.2


def sine(seconds: float, *frequencies: float, amplitude: float = LOUD) -> Samples:
    """Sines of equal strength with soft edges."""
    moments = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * hz * moments) for hz in frequencies) / len(frequencies)
    shape = np.ones(len(moments))
    edge = min(_RAMP, len(shape) // 2)
    shape[:edge] = np.linspace(0, 1, edge, endpoint=False)
    shape[len(shape) - edge :] = shape[:edge][::-1]
    return (amplitude * wave * shape).astype(np.int16)


@cache
def loop(tone: str) -> Samples:
    """One turn of a tone that repeats, in whole frames: music or ring."""
    if tone == "music":
        return _music()
    parts = [
        sine(seconds, PROGRESS_HZ) if sounding else np.zeros(round(seconds * RATE), np.int16)
        for seconds, sounding in zip(CADENCES[tone], cycle((True, False)), strict=False)
    ]
    return _whole_frames(np.concatenate(parts))


def frame(tone: str, number: int) -> Samples:
    """The frame of that number since the tone's start."""
    turn = loop(tone)
    start = number * FRAME % len(turn)
    return turn[start : start + FRAME]


def codes(tone: str, number: int) -> bytes:
    """The same frame in µ-law."""
    turn = _loop_codes(tone)
    start = number * FRAME % len(turn)
    return turn[start : start + FRAME]


@cache
def _loop_codes(tone: str) -> bytes:
    return ulaw.encode(loop(tone)).tobytes()


@lru_cache(maxsize=32)
def signal(sound: str, digits: str = "") -> Samples:
    """A sound that is played once, in whole frames: the notice, or dtmf with its digits."""
    gap = np.zeros(round(DTMF_SECONDS * RATE), np.int16)
    match sound:
        case "notice":
            parts = [sine(0.4, NOTICE_HZ), gap, sine(0.4, NOTICE_HZ)]
        case _:
            parts = [part for digit in digits for part in (_pressed(digit), gap)]
    return _whole_frames(np.concatenate(parts))


@cache
def _pressed(digit: str) -> Samples:
    return sine(DTMF_SECONDS, *DTMF[digit])


def _music() -> Samples:
    note, ring_out = round(_NOTE_SECONDS * RATE), round(_RING_OUT_SECONDS * RATE)
    moments = np.arange(ring_out) / RATE
    decay = np.exp(-moments / 0.35) * np.minimum(1, moments / 0.01)
    pitches = [chord[step] for chord in _CHORDS for step in islice(cycle(_PATTERN), 16)]
    track = np.zeros(len(pitches) * note)
    for index, hz in enumerate(pitches):
        wave = np.sin(2 * np.pi * hz * moments) + 0.15 * np.sin(4 * np.pi * hz * moments)
        where = (index * note + np.arange(ring_out)) % len(track)  # the end rings into the start
        track[where] += wave * decay
    return _whole_frames((SOFT * track).astype(np.int16))


def _whole_frames(samples: Samples) -> Samples:
    return np.pad(samples, (0, -len(samples) % FRAME))
