from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from channels.voice.media import ulaw

# ITU-T G.711, table 2a: decision and output values scaled to 16 bits.
KNOWN = {0xFF: 0, 0x80: 32124, 0x00: -32124, 0xFE: 8, 0x7E: -8, 0xF0: 120, 0x8F: 16764}


def test_known_codes() -> None:
    assert {code: int(ulaw.decode(bytes([code]))[0]) for code in KNOWN} == KNOWN


def test_every_code_comes_back() -> None:
    codes = bytes(range(256))
    back = ulaw.encode(ulaw.decode(codes)).tobytes()
    assert back == codes.replace(b"\x7f", b"\xff")  # minus nought is nought


@given(st.integers(-32768, 32767))
def test_the_error_is_within_half_a_step(sample: int) -> None:
    clipped = max(-32635, min(32635, sample))
    back = int(ulaw.decode(ulaw.encode(np.array([sample])).tobytes())[0])
    assert abs(back - clipped) <= max(4, (abs(clipped) + 132) / 32 + 1)


def test_too_loud_is_clipped() -> None:
    assert ulaw.encode(np.array([90_000.0, -90_000.0])).tobytes() == b"\x80\x00"


def test_level() -> None:
    assert ulaw.level(ulaw.SILENCE) == 0
    assert ulaw.level(b"\xff\x80") == 1
    assert ulaw.level(b"") == 0
