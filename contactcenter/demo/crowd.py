"""Who comes to the demo centre and what they need: config/defaults/demo.toml as distributions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from contactcenter.core.moments import from_ms
from contactcenter.interactions.model import CHANNELS, Channel

TABLES: Final = Path(__file__).parents[2] / "config" / "defaults" / "demo.toml"
HALF_HOUR: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """What one half hour of a queue and channel is expected to bring (analytics.ports.Expected)."""

    start: datetime
    queue: str
    channel: str
    contacts: float


class DemoCrowd:
    """The tables, read once. `hail` multiplies the claims queues while it is on."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.hail = False
        self._zone = zone
        tables = tomllib.loads(TABLES.read_text(encoding="utf-8"))
        self._mix = {
            channel: {
                queue: share / 100
                for queue, share in tables["mix_of"].get(channel, tables["mix"]).items()
            }
            for channel in CHANNELS
        }
        self._hail: dict[str, float] = tables["hail"]
        self._front: dict[str, int] = tables["hail_front"]
        self._handle: dict[str, Any] = tables["handle_s"]
        self._wrap: dict[str, list[float]] = tables["wrap_s"]
        self._patience: dict[str, float] = tables["patience_s"]
        self._hasty: dict[str, float] = tables["hasty"]
        self._quiet: dict[str, float] = {}
        self._halves: dict[str, dict[int, float]] = {}
        for channel, rows in tables["arrivals"].items():
            self._quiet[channel] = rows["quiet"]
            self._halves[channel] = {
                minute + 30 * n: contacts
                for begin, values in rows.items()
                if begin != "quiet"
                for minute in (_minutes(begin),)
                for n, contacts in enumerate(values)
            }

    def rates(self, at_ms: int) -> Mapping[tuple[str, Channel], float]:
        """(queue, channel) → contacts per half hour at this moment."""
        local = from_ms(at_ms).astimezone(self._zone)
        minute = local.hour * 60 + local.minute // 30 * 30
        return {
            (queue, channel): self._halves[channel].get(minute, self._quiet[channel])
            * share
            * (self._hail.get(queue, 1.0) if self.hail else 1.0)
            for channel in CHANNELS
            for queue, share in self._mix[channel].items()
        }

    def front(self, dice: Random) -> Iterator[tuple[int, str]]:
        """The first calls of a hail: (milliseconds after it began, queue)."""
        shares = [self._mix["voice"][queue] for queue in self._hail]
        for queue in dice.choices(list(self._hail), shares, k=self._front["calls"]):
            yield int(dice.uniform(0, self._front["seconds"] * 1000)), queue

    def patience_ms(self, channel: Channel, dice: Random) -> int | None:
        """How long this customer waits; None: until somebody answers."""
        if channel not in self._patience:
            return None
        if channel == "voice" and dice.random() < self._hasty["share"]:
            return int(dice.uniform(1, self._hasty["under_s"]) * 1000)
        return int(dice.expovariate(1 / self._patience[channel]) * 1000)

    def handle_ms(self, queue: str, channel: Channel, dice: Random) -> int:
        """How long the talk or the work takes, wrap-up not included."""
        mean = self._handle[channel]
        if isinstance(mean, dict):
            mean = mean[queue]
        return int(dice.gammavariate(2, mean / 2) * 1000)

    def wrap_ms(self, channel: Channel, dice: Random) -> int:
        """How long the paperwork takes."""
        low, high = self._wrap["voice" if channel == "voice" else "written"]
        return int(dice.uniform(low, high) * 1000)

    def expected(self, day_start: datetime, day_end: datetime) -> Sequence[ExpectedRow]:
        """The day's curve, without hail; nothing is expected outside the tables' hours."""
        rows = []
        start = day_start
        while start < day_end:
            local = start.astimezone(self._zone)
            minute = local.hour * 60 + local.minute
            rows += [
                ExpectedRow(start, queue, channel, self._halves[channel][minute] * share)
                for channel in CHANNELS
                if minute in self._halves[channel]
                for queue, share in self._mix[channel].items()
            ]
            start += HALF_HOUR
        return rows


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
