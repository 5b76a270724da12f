"""PURE. What a player draws of a recording: how loud each side is, over time.

A recording is a WAV file of format 7 (G.711 µ-law), 8 kHz, two channels interleaved byte by byte:
left the customer, right the agents.
"""

from __future__ import annotations

from typing import Final

RATE: Final = 8000
"""Samples a second, one byte each and channel."""
BARS: Final = 400
"""Most bars of a waveform."""


class BadRecordingError(ValueError):
    """Not such a file; the text says why."""


def _magnitude(byte: int) -> int:
    """0..100 of a µ-law byte: its exponent and mantissa on a logarithmic scale, as ears have it."""
    inverted = ~byte & 0x7F  # without the sign; 0 is silence, 127 the loudest
    return round(inverted * 100 / 127)


_LOUD: Final = bytes(_magnitude(byte) for byte in range(256))


def sound_of(wav: memoryview) -> memoryview:
    """The interleaved samples of a WAV file. BadRecordingError for another kind of file."""
    if bytes(wav[:4]) != b"RIFF" or bytes(wav[8:12]) != b"WAVE":
        raise BadRecordingError("no WAV file")
    at, known = 12, False
    while at + 8 <= len(wav):
        name, size = bytes(wav[at : at + 4]), int.from_bytes(wav[at + 4 : at + 8], "little")
        body = at + 8
        if name == b"fmt ":
            kind = int.from_bytes(wav[body : body + 2], "little")
            channels = int.from_bytes(wav[body + 2 : body + 4], "little")
            rate = int.from_bytes(wav[body + 4 : body + 8], "little")
            if (kind, channels, rate) != (7, 2, RATE):
                raise BadRecordingError("not µ-law in two channels")
            known = True
        elif name == b"data" and known:
            return wav[body : body + size]
        at = body + size + (size & 1)
    raise BadRecordingError("no sound in it")


def peaks(sound: memoryview, bars: int = BARS) -> dict[str, list[int]]:
    """{"left": [...], "right": [...]}: the loudest moment of each bar, 0 to 100."""
    samples = len(sound) // 2
    if samples == 0:
        return {"left": [], "right": []}
    bars = min(bars, samples)
    edges = [samples * number // bars for number in range(bars + 1)]
    return {
        side: [
            max(bytes(sound[2 * edges[n] + offset : 2 * edges[n + 1] : 2]).translate(_LOUD))
            for n in range(bars)
        ]
        for side, offset in (("left", 0), ("right", 1))
    }
