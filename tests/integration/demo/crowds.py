"""A crowd for tests: the demo's shape, small and without a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from contactcenter.interactions.model import Channel

MIX = {"SA": 0.30, "SH": 0.20, "PR": 0.28, "CO": 0.14, "SV": 0.06, "RE": 0.02}
PER_HALF_HOUR: dict[Channel, float] = {
    "voice": 30,
    "chat": 6,
    "whatsapp": 8,
    "sms": 2,
    "email": 7,
}


@dataclass(frozen=True)
class TestCrowd:
    __test__ = False

    times: float = 1.0

    def rates(self, at_ms: int) -> Mapping[tuple[str, Channel], float]:
        return {
            (queue, channel): rate * share * self.times
            for channel, rate in PER_HALF_HOUR.items()
            for queue, share in MIX.items()
        }

    def front(self, dice: Random) -> Iterable[tuple[int, str]]:
        return [(number * 1_500, dice.choice(("SA", "SH"))) for number in range(24)]

    def patience_ms(self, channel: Channel, dice: Random) -> int | None:
        if channel == "voice":
            return 3_000 if dice.random() < 0.03 else int(dice.expovariate(1 / 180_000))
        return int(dice.expovariate(1 / 240_000)) if channel == "chat" else None

    def handle_ms(self, queue: str, channel: Channel, dice: Random) -> int:
        mean = {"voice": 350, "chat": 540, "whatsapp": 210, "sms": 90, "email": 300}[channel]
        return int(dice.gammavariate(2, mean / 2) * 1000)

    def wrap_ms(self, channel: Channel, dice: Random) -> int:
        return int(dice.uniform(30, 55) * 1000) if channel == "voice" else 10_000
