"""`python -m contactcenter simulate`: a morning of the demo centre on a virtual clock.

The same router decides as in the running centre; only customers and agents are invented. The
default is the case that `Expected` is known for: voice alone, any agent for any call, the
longest idle first, the mean of twenty mornings. `--skills` brings back the queues' own
members and steps, `--channels all` the written channels.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

from routing.config import ConfigError, read_queue
from routing.core.model import (
    HOUR,
    MINUTE,
    SECOND,
    AgentConfig,
    CentreConfig,
    Channel,
    QueueConfig,
    RoutingStep,
)
from routing.erlang import service_level
from routing.outlook import TOLD_CHANNELS
from routing.simulation import Day, Figures, Manners, Simulation
from routing.traffic import DEFAULTS, HALF_HOUR, Traffic

OPENS = 9 * HOUR
LEVEL_WITHIN = 20 * SECOND
EXPECTED_MORNING = "86 % in 20 s, 5 to 7 % abandoned"
EXPECTED_ELEVEN = "79 % and 10 %"
EXPECTED_HAIL = "55 % and 22 %"
"""For voice only, any skill, longest idle, ten agents: of the morning, of 11:00, with hail."""


def main(argv: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(argv)
    try:
        config = centre(given.policy, skills=given.skills, channels=given.channels)
    except (OSError, tomllib.TOMLDecodeError, ConfigError, KeyError) as error:
        print(f"{given.policy or 'config/defaults'} cannot be used: {error}", file=sys.stderr)
        return 2
    days = [
        simulate(config, seed, given.minutes, given.channels, hail=given.hail)
        for seed in range(given.seed, given.seed + given.days)
    ]
    print(_heading(given, config))
    for line in _table(days, config):
        print(line)
    if not given.skills and given.policy is None:
        print(_expected(given))
    for channel in given.channels:
        if channel is not Channel.VOICE:
            print(_other(days, channel, config))
    for channel in given.channels:
        if channel in TOLD_CHANNELS:
            print(_told(days, channel))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m contactcenter simulate", description="Route invented traffic."
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first day")
    parser.add_argument("--days", type=_positive, default=20, help="days to take the mean of")
    parser.add_argument("--minutes", type=_positive, default=300, help="from 9:00 on")
    parser.add_argument("--hail", action="store_true", help="× 1.7 on the claims queues")
    parser.add_argument("--skills", action="store_true", help="skills and steps as configured")
    parser.add_argument(
        "--channels",
        type=_channels,
        default=(Channel.VOICE,),
        metavar="voice|all",
        help="calls only, or every channel",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="queues in the form of config/defaults"
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("wants 1 or more")
    return value


def _channels(text: str) -> tuple[Channel, ...]:
    if text == "all":
        return tuple(Channel)
    try:
        return tuple(Channel(word) for word in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("voice, all, or channels with commas") from error


def centre(
    policy: Path | None = None,
    *,
    skills: bool,
    channels: Sequence[Channel] = (Channel.VOICE,),
) -> CentreConfig:
    """The demo centre, or its agents with another file's queues. Without `skills` every
    queue is everybody's and has no steps. Supervisors take no part, and with calls alone
    those who only write do not either."""
    queues = _queues(_read(policy or DEFAULTS / "queues.toml"))
    team = _read(DEFAULTS / "agents.toml")["agents"]
    agents = {}
    for position, entry in enumerate(team):
        maxima = {Channel(name): most for name, most in entry.get("maxima", {}).items()}
        idle = all(maxima.get(channel, 1) == 0 for channel in channels)
        if "supervisor" not in entry["skills"] and not idle:
            agents[entry["name"]] = AgentConfig(
                entry["name"], entry["skills"], maxima=maxima, position=position
            )
    if not skills:
        queues = {
            key: replace(queue, require=(), steps=(RoutingStep(),)) for key, queue in queues.items()
        }
    return CentreConfig(queues, agents)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _queues(tables: Mapping[str, Any]) -> dict[str, QueueConfig]:
    return {
        entry["key"]: read_queue(
            entry["key"],
            entry["skill"],
            entry.get("strategy", "longest_idle"),
            entry.get("config", {}),
        )
        for entry in tables["queues"]
    }


def simulate(
    config: CentreConfig,
    seed: int,
    minutes: int = 300,
    channels: Sequence[Channel] = (Channel.VOICE,),
    *,
    hail: bool = False,
) -> Day:
    """One morning from 9:00 on."""
    end = OPENS + minutes * MINUTE
    traffic = Traffic.demo(hail=hail)
    arrivals = traffic.arrivals(Random(seed), OPENS, end, channels)
    return Simulation(config, arrivals, begin=OPENS, end=end, seed=seed, manners=Manners()).run()


# What is printed


def _heading(given: argparse.Namespace, config: CentreConfig) -> str:
    how = "own skills and steps" if given.skills else "any skill, longest idle"
    hail = ", hail" if given.hail else ""
    channels = ", ".join(given.channels)
    return (
        f"{len(config.agents)} agents, {channels}, {how}{hail}; "
        f"mean of {given.days} days from seed {given.seed}"
    )


def _table(days: Sequence[Day], config: CentreConfig) -> list[str]:
    """Calls, by half hour and in all. "In 20 s" is of all but short abandons, as the metrics
    define it; "of answered" leaves out who left. Erlang C knows no impatience: where the load
    is too much for it, it says 0."""
    lines = ["          calls  in 20 s  of answered  abandoned   ASA  occupancy  Erlang C"]
    begin, end = days[0].begin, days[0].end
    for half in range(begin, end, HALF_HOUR):
        found = total(days, half, min(half + HALF_HOUR, end))
        lines.append(
            _row(f"{half // HOUR:2}:{half % HOUR // MINUTE:02}", found, len(days))
            + f"  {_erlang(found, days, config):8.0%}"
        )
    lines.append(_row("total", total(days, begin, end), len(days)))
    return lines


def _row(name: str, found: Figures, days: int) -> str:
    return (
        f"{name:>8} {found.offered / days:6.1f} {found.service_level:8.1%}  "
        f"{found.level_of_answered:11.1%}  {found.abandonment:9.1%} {found.asa_s:3.0f} s  "
        f"{found.occupancy:9.1%}"
    )


def total(
    days: Sequence[Day],
    begin: int,
    end: int,
    channel: Channel = Channel.VOICE,
    within: int = LEVEL_WITHIN,
) -> Figures:
    """The days' figures between two times of the day, added up."""
    found = Figures()
    for day in days:
        found.add(day.figures(channel, within, begin, end))
    return found


def _erlang(found: Figures, days: Sequence[Day], config: CentreConfig) -> float:
    """What Erlang C says of the half hour: the same calls, handled as long as the mean."""
    handled = [
        contact.arrival.handle_ms + contact.arrival.wrap_ms
        for day in days
        for contact in day.contacts
        if contact.arrival.channel is Channel.VOICE
    ]
    if not handled:
        return 1.0
    seconds = sum(handled) / len(handled) / 1000
    traffic = found.offered / len(days) * seconds / (HALF_HOUR / 1000)
    return service_level(traffic, len(config.agents), seconds, LEVEL_WITHIN / 1000)


def _expected(given: argparse.Namespace) -> str:
    if given.channels != (Channel.VOICE,):
        return "The expected figures hold for voice alone."
    eleven = f"; 11:00 with hail about {EXPECTED_HAIL}" if given.hail else ""
    usual = f"expected: morning about {EXPECTED_MORNING}, 11:00 about {EXPECTED_ELEVEN}"
    return f"{usual}{eleven}"


def _told(days: Sequence[Day], channel: Channel) -> str:
    """How the estimated wait did, of those who were told one and were answered."""
    told = [pair for day in days for pair in day.told(channel)]
    if not told:
        return f"{channel.value:>8} nobody was told a wait"
    off = sorted(abs(said - came) for said, came in told)
    said_s = _s(fmean(said for said, _ in told))
    came_s = _s(fmean(came for _, came in told))
    by_then = sum(came <= said for said, came in told) / len(told)
    return (
        f"{channel.value:>8} wait told {said_s} s, came {came_s} s ({len(told)} answered); "
        f"off by {_s(median(off))} s in the median, nine in ten by less than "
        f"{_s(off[len(off) * 9 // 10])} s; {by_then:.0%} answered by then"
    )


def _s(ms: float) -> int:
    return round(ms / SECOND)


def _other(days: Sequence[Day], channel: Channel, config: CentreConfig) -> str:
    target = max(queue.policies[channel].target_ms for queue in config.queues.values())
    found = total(days, days[0].begin, days[0].end, channel, target)
    return (
        f"{channel.value:>8} {found.offered / len(days):6.1f}  {found.service_level:7.1%} in "
        f"{target // SECOND} s, {found.abandonment:.1%} abandoned, ASA {found.asa_s:.0f} s"
    )
