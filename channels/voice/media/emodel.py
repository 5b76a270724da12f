"""How good a call sounds, estimated from delay and loss by the E-model (ITU-T G.107).

    R = 93.2 - Idd - Ie,eff                              (G.107: defaults for what is not measured)
    Idd = 25 ((1 + X^6)^(1/6) - 3 (1 + (X/3)^6)^(1/6) + 2),  X = log2(Ta / 100),  0 up to 100 ms
    Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)   (G.107, 7.5)
    MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6        (G.107, Annex B)

G.711 with concealment of lost frames has Ie = 0 and Bpl = 25.1 (G.113, Appendix I). Loss counts as
random: BurstR = 1.
"""

from __future__ import annotations

from math import log2

BEST = 93.2
BPL = 25.1
PACKET_MS = 20.0


def one_way_delay_ms(rtt_ms: float | None, jitter_ms: float) -> float:
    """Mouth to ear in milliseconds: half the round trip, a packet, and a buffer for the jitter."""
    return (rtt_ms or 0.0) / 2 + PACKET_MS + max(PACKET_MS, 2 * jitter_ms)


def rating(loss: float, delay_ms: float) -> float:
    """R, 0..93.2, of random loss (0..1) and one-way delay."""
    percent = 100 * min(max(loss, 0.0), 1.0)
    impairment = 95 * percent / (percent + BPL)
    return max(0.0, BEST - _delay_impairment(delay_ms) - impairment)


def mos(loss: float, delay_ms: float) -> float:
    """Mean opinion score, 1..4.41."""
    r = rating(loss, delay_ms)
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def _delay_impairment(delay_ms: float) -> float:
    if delay_ms <= 100:
        return 0.0
    x = log2(delay_ms / 100)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))
