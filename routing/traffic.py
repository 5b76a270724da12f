"""PURE but for its dice, which are given: who comes to a centre, what they need, how long they
wait.

The tables are those of config/defaults/demo.toml: contacts per half hour of each channel, the
queues' shares, means. Arrivals are a Poisson process whose rate changes every half hour,
handling is gamma distributed (k = 2), patience exponential with a share of hasty callers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from routing.core.model import MINUTE, Band, Channel

DEFAULTS = Path(__file__).parents[1] / "config" / "defaults"
HALF_HOUR = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Arrival:
    """One contact. `at` is milliseconds after midnight; `patience_ms` None: it waits."""

    at: int
    channel: Channel
    queue: str
    patience_ms: int | None
    handle_ms: int
    wrap_ms: int
    band: Band | None = None
    """None: the channel's."""


class Traffic:
    """The tables as distributions. `hail` multiplies the queues that the tables name."""

    def __init__(self, tables: Mapping[str, Any], *, hail: bool = False) -> None:
        self._mix = {
            channel: tables.get("mix_of", {}).get(channel, tables["mix"]) for channel in Channel
        }
        self._hail: Mapping[str, float] = tables["hail"] if hail else {}
        self._handle: Mapping[str, Any] = tables["handle_s"]
        self._wrap: Mapping[str, list[float]] = tables["wrap_s"]
        self._patience: Mapping[str, float] = tables["patience_s"]
        self._hasty: Mapping[str, float] = tables["hasty"]
        self._rates = {
            (channel, _minutes(begin) * MINUTE + number * HALF_HOUR): float(contacts)
            for channel, rows in tables["arrivals"].items()
            for begin, contacts_of in rows.items()
            if begin != "quiet"
            for number, contacts in enumerate(contacts_of)
        }

    @classmethod
    def demo(cls, *, hail: bool = False) -> Traffic:
        """The demo centre's."""
        text = (DEFAULTS / "demo.toml").read_text(encoding="utf-8")
        return cls(tomllib.loads(text), hail=hail)

    def rates(self, at: int) -> dict[tuple[Channel, str], float]:
        """Contacts per half hour at this time of the day, by channel and queue."""
        begin = at - at % HALF_HOUR
        return {
            (channel, queue): total * share / 100 * self._hail.get(queue, 1.0)
            for channel in Channel
            if (total := self._rates.get((channel, begin), 0.0))
            for queue, share in self._mix[channel].items()
        }

    def arrivals(
        self, dice: Random, begin: int, end: int, channels: Collection[Channel] = tuple(Channel)
    ) -> Iterator[Arrival]:
        """The contacts between two times of one day, in order."""
        at = begin
        while at < end:
            until = min(end, at - at % HALF_HOUR + HALF_HOUR)
            rates = {key: rate for key, rate in self.rates(at).items() if key[0] in channels}
            total = sum(rates.values())
            moment = float(at)
            while total:
                moment += dice.expovariate(total / HALF_HOUR)
                if moment >= until:
                    break
                ((channel, queue),) = dice.choices(list(rates), list(rates.values()))
                yield self.contact(dice, int(moment), channel, queue)
            at = until

    def contact(self, dice: Random, at: int, channel: Channel, queue: str) -> Arrival:
        """One contact's needs."""
        mean = self._handle[channel]
        seconds = mean[queue] if isinstance(mean, Mapping) else mean
        low, high = self._wrap["voice" if channel is Channel.VOICE else "written"]
        return Arrival(
            at=at,
            channel=channel,
            queue=queue,
            patience_ms=self._patience_ms(dice, channel),
            handle_ms=int(dice.gammavariate(2, seconds / 2) * 1000),
            wrap_ms=int(dice.uniform(low, high) * 1000),
        )

    def _patience_ms(self, dice: Random, channel: Channel) -> int | None:
        if channel not in self._patience:
            return None
        if channel is Channel.VOICE and dice.random() < self._hasty["share"]:
            return int(dice.uniform(0, self._hasty["under_s"]) * 1000)
        return int(dice.expovariate(1 / self._patience[channel]) * 1000)


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
