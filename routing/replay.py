"""`python -m contactcenter replay`: a day that was, once more through the router, and with changes.

The same router decides as in the running centre, on a virtual clock. Customers come when they
came, are talked to as long as they were, and those who left leave when they did. Of one who was
answered only that they waited so long is known: how much longer they would have waited is drawn,
with a mean fitted from the day (Patience). Agents work in the shifts that they worked, and answer
after a moment. So what is printed beside "as it was" tells how far the replay itself can be
believed, and what a change does is read from two replays.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import db
from config.settings import Settings, SettingsError, load_settings
from contactcenter.core.clock import SystemClock
from db import embedded
from routing import recorded
from routing.config import ConfigError, read_queue
from routing.core.model import DEFAULT_POLICIES, HOUR, Band, CentreConfig, Channel
from routing.recorded import RecordedAgent, RecordedContact, RecordedDay, RecordError
from routing.simulation import SHORT_MS, Contact, Figures, Manners, Simulation
from routing.traffic import Arrival

LIVE: Final = frozenset({"voice", "chat"})
NEW_LEVEL: Final = 3
"""Of the skills of agents who are added without any named: the middle of 1 to 5."""
DAY_END: Final = 48 * HOUR


class Patience:
    """How long customers would have waited, by channel. PURE but for its dice.

    Whoever left says so; whoever was answered says only that it was longer. With exponential
    patience the likeliest mean is all the waiting there was, divided by how many left (maximum
    likelihood under right censoring), and what is left of it after any wait has the same mean.
    """

    def __init__(self, contacts: Iterable[RecordedContact]) -> None:
        waited: Counter[str] = Counter()
        gone: Counter[str] = Counter()
        for contact in contacts:
            if contact.channel in LIVE and not contact.message:
                waited[contact.channel] += contact.wait_ms
                gone[contact.channel] += contact.outcome == "abandoned"
        self.mean_ms = {
            channel: waited[channel] / left for channel, left in sorted(gone.items()) if left
        }

    def of(self, contact: RecordedContact, dice: Random) -> int | None:
        """Milliseconds from its entry; None: it waits until somebody answers."""
        beyond = dice.expovariate(1.0)  # drawn for each, so that one contact moves no other's
        if contact.outcome in {"abandoned", "other"}:
            return contact.wait_ms
        mean = self.mean_ms.get(contact.channel)
        if mean is None or contact.message:
            return None
        return contact.wait_ms + int(beyond * mean)


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of each line (a channel, or the messages left), contacts of each agent, and what
    names exactly who got whom, and when."""

    lines: Mapping[str, Figures]
    agents: Mapping[str, int]
    digest: str


def line_of(contact: RecordedContact) -> str:
    return "message" if contact.message else contact.channel


def replayed(day: RecordedDay, config: CentreConfig, seed: int = 1) -> Result:
    """The day under this configuration. The same day, configuration and seed give the same."""
    dice, patience = Random(seed), Patience(day.contacts)
    arrivals = [
        Arrival(
            contact.at,
            Channel(contact.channel),
            contact.queue,
            patience.of(contact, dice),
            contact.handle_ms,
            contact.wrap_ms,
            Band.DEFERRED if contact.message else None,
        )
        for contact in day.contacts
    ]
    shifts = {agent.id: agent.shifts for agent in day.agents}
    manners = Manners(told=False, shifts=shifts)
    simulation = Simulation(config, arrivals, begin=0, end=DAY_END, seed=seed, manners=manners)
    collects = gc.isenabled()
    gc.disable()  # all that is made is kept until the end
    try:
        contacts = simulation.run().contacts
    finally:
        if collects:
            gc.enable()
    return _measured(day, contacts)


def as_it_was(day: RecordedDay) -> Result:
    """The same figures of what happened."""
    return _measured(day, map(_happened, day.contacts))


def _happened(contact: RecordedContact) -> Contact:
    arrival = Arrival(contact.at, Channel(contact.channel), contact.queue, None, 0, 0)
    end = contact.at + contact.wait_ms
    return Contact(
        arrival,
        answered=end if contact.outcome == "answered" else None,
        left=end if contact.outcome in {"abandoned", "other"} else None,
        agent=contact.agent,
    )


def _measured(day: RecordedDay, contacts: Iterable[Contact]) -> Result:
    """By the definitions of docs/metrics.md, under the limits that the day is recorded with,
    whatever is changed. Nobody is counted as gone who left by another door then and now."""
    queues = day.config().queues
    lines: dict[str, Figures] = {}
    agents: Counter[str] = Counter()
    digest = hashlib.sha256()
    for was, contact in zip(day.contacts, contacts, strict=True):
        figures = lines.setdefault(line_of(was), Figures())
        target = queues[was.queue].policies[Channel.EMAIL if was.message else Channel(was.channel)]
        figures.offered += 1
        if contact.answered is not None:
            waited = contact.answered - contact.arrival.at
            figures.answered += 1
            figures.in_time += waited <= target.target_ms
            figures.waited_ms += waited
            agents[contact.agent or ""] += 1
        elif contact.left is not None and was.outcome != "other":
            figures.abandoned += 1
            figures.short += contact.left - contact.arrival.at < SHORT_MS
        digest.update(f"{contact.agent}|{contact.answered}|{contact.left}\n".encode())
    return Result(lines, dict(agents), digest.hexdigest()[:16])


# What is changed


def changed(
    day: RecordedDay, policy: Path | None, more: int, skills: Mapping[str, int]
) -> RecordedDay:
    """The day with other settings of queues, or with so many agents more, who work whenever
    anybody did. Raises OSError, tomllib.TOMLDecodeError, ConfigError or KeyError."""
    queues = {queue.key: queue for queue in day.queues}
    if policy is not None:
        for entry in tomllib.loads(policy.read_text(encoding="utf-8"))["queues"]:
            key, skill = entry["key"], entry["skill"]
            strategy, config = entry.get("strategy", "longest_idle"), entry.get("config", {})
            read_queue(key, skill, strategy, config)
            queues[key] = recorded.RecordedQueue(key, skill, strategy, config)
    known = {queue.skill for queue in queues.values()}
    if unknown := sorted(skills.keys() - known - {s for a in day.agents for s in a.skills}):
        raise ConfigError(f"Nobody and no queue has the skill {', '.join(unknown)}.")
    given = dict(skills) or dict.fromkeys(sorted(known), NEW_LEVEL)
    times = [time for agent in day.agents for shift in agent.shifts for time in shift]
    shift = ((min(times), max(times)),) if times else ((0, DAY_END),)
    added = (
        RecordedAgent(f"new-{number}", given, 100, {}, 1_000 + number, shift)
        for number in range(1, more + 1)
    )
    return replace(day, queues=tuple(queues.values()), agents=(*day.agents, *added))


# The command


def main(argv: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(argv)
    try:
        day = _given_day(given)
        if given.save is not None:
            with given.save.open("w", encoding="utf-8") as file:
                day.write(file)
        other = None
        if given.policy is not None or given.more:
            other = changed(day, given.policy, given.more, given.skills)
        results = [as_it_was(day), replayed(day, day.config(), given.seed)]
        if other is not None:
            results.append(replayed(other, other.config(), given.seed))
    except (SettingsError, db.DatabaseUnavailableError, embedded.EmbeddedError) as error:
        print(error, file=sys.stderr)
        return 1
    except (OSError, tomllib.TOMLDecodeError, ConfigError, RecordError, KeyError) as error:
        print(f"This cannot be replayed: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(told(day, results)))
    else:
        print("\n".join(_table(day, results)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m contactcenter replay",
        description="Route a recorded day once more, and with changes.",
    )
    parser.add_argument(
        "day", nargs="?", metavar="DAY|FILE", help="2027-03-16, or what --save wrote; yesterday"
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the day as JSON lines")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="queues in the form of config/defaults"
    )
    parser.add_argument("--more", type=_count, default=0, metavar="N", help="N agents more")
    parser.add_argument(
        "--skills",
        type=_skills,
        default={},
        metavar="SA=4,SH=3",
        help="what those have; without it, every queue's skill at 3",
    )
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 1_000:
        raise argparse.ArgumentTypeError("wants 0 to 1000")
    return value


def _skills(text: str) -> dict[str, int]:
    try:
        found = {key: int(level) for key, _, level in (p.partition("=") for p in text.split(","))}
    except ValueError as error:
        raise argparse.ArgumentTypeError("reads SA=4,SH=3") from error
    if not all(key and 1 <= level <= 5 for key, level in found.items()):
        raise argparse.ArgumentTypeError("levels are 1 to 5")
    return found


def _given_day(given: argparse.Namespace) -> RecordedDay:
    try:
        wanted = None if given.day is None else date.fromisoformat(given.day)
    except ValueError:
        with Path(given.day).open(encoding="utf-8") as file:
            return recorded.parse(file)
    settings = load_settings()
    with embedded.running(settings) as running:
        return asyncio.run(_read(running, wanted))


async def _read(settings: Settings, wanted: date | None) -> RecordedDay:
    now = SystemClock().now()
    zone = settings.app.zone
    day = wanted or now.astimezone(zone).date() - timedelta(days=1)
    conn = await db.connect(settings, "contactcenter replay")
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            return await recorded.read(conn, day, zone, now)
    finally:
        await conn.close()


# What is printed

HEADS: Final = ("as it was", "replayed", "changed")


def told(day: RecordedDay, results: Sequence[Result]) -> dict[str, Any]:
    """The results as one JSON object; ratios as fractions, times in seconds."""
    return {
        "day": day.day,
        "contacts": len(day.contacts),
        "patience_s": {c: round(ms / 1000, 1) for c, ms in Patience(day.contacts).mean_ms.items()},
        **{
            head.replace(" ", "_"): {
                "lines": {
                    line: {
                        "offered": found.offered,
                        "answered": found.answered,
                        "abandoned": found.abandoned,
                        "service_level": round(found.service_level, 4),
                        "abandonment": round(found.abandonment, 4),
                        "asa_s": round(found.asa_s, 1),
                    }
                    for line, found in result.lines.items()
                },
                "agents": dict(sorted(result.agents.items())),
                "assignments": result.digest,
            }
            for head, result in zip(HEADS, results, strict=False)
        },
    }


def _table(day: RecordedDay, results: Sequence[Result]) -> list[str]:
    lines = [
        f"{day.day}: {len(day.contacts)} contacts, {len(day.agents)} agents",
        f"{'':21}contacts  answered  in target  abandoned     ASA",
    ]
    order = [*(channel.value for channel in DEFAULT_POLICIES), "message"]
    for line in sorted(results[0].lines, key=order.index):
        for head, result in zip(HEADS, results, strict=False):
            lines.append(_row(line if head == HEADS[0] else "", head, result.lines[line]))
        if len(results) > 2:
            lines.append(_difference(results[1].lines[line], results[2].lines[line]))
    lines.append("contacts of each agent: " + ", ".join(HEADS[: len(results)]))
    everybody = sorted({agent for result in results for agent in result.agents})
    for agent in everybody:
        shares = "".join(f"{result.agents.get(agent, 0):8}" for result in results)
        lines.append(f"  {day.names.get(agent, agent) or 'nobody known':38}{shares}")
    lines.append("assignments: " + ", ".join(result.digest for result in results[1:]))
    return lines


def _row(line: str, head: str, found: Figures) -> str:
    return (
        f"{line:9} {head:10} {found.offered:8}  {found.answered:8}  {found.service_level:9.1%}  "
        f"{found.abandonment:9.1%} {found.asa_s:5.0f} s"
    )


def _difference(before: Figures, after: Figures) -> str:
    level = (after.service_level - before.service_level) * 100
    left = (after.abandonment - before.abandonment) * 100
    return (
        f"{'':9} {'difference':10} {'':8}  {after.answered - before.answered:+8}  "
        f"{level:+7.1f} pt  {left:+7.1f} pt {after.asa_s - before.asa_s:+5.0f} s"
    )
