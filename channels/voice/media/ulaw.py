"""G.711 µ-law as two tables, and frames of 20 ms at 8 kHz (ITU-T G.711, RFC 3551 4.5.14)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]

RATE = 8000
"""Samples a second, and bytes a second of one channel."""
FRAME = 160
"""Samples of a 20 ms frame."""
FRAME_SECONDS = FRAME / RATE
SILENCE = b"\xff" * FRAME

_BIAS = 132
_CLIP = 32635


def _decode_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 7)) - _BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> Codes:
    sample = np.arange(-32768, 32768)
    biased = np.minimum(np.abs(sample), _CLIP) + _BIAS
    exponent = np.floor(np.log2(biased)).astype(int) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    sign = (sample < 0).astype(int) << 7
    codes: Codes = (~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8)
    return codes


_DECODE = _decode_table()
_ENCODE = _encode_table()
_PEAKS: bytes = (np.abs(_DECODE.astype(int)) >> 7).astype(np.uint8).tobytes()  # 0..250
_LOUDEST = max(_PEAKS)


def decode(codes: bytes) -> Samples:
    """16-bit linear samples of µ-law bytes."""
    return _DECODE[np.frombuffer(codes, np.uint8)]


def encode(samples: npt.NDArray[Any]) -> Codes:
    """µ-law of linear samples of any shape; what is louder than 16 bits is clipped."""
    index = np.clip(samples, -32768, 32767).astype(np.int32) + 32768
    codes: Codes = _ENCODE[index]
    return codes


def level(codes: bytes) -> float:
    """The loudest sample, 0..1 of full scale."""
    loudest: int = max(codes.translate(_PEAKS), default=0)
    return loudest / _LOUDEST
