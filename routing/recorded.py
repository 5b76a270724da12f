"""A day as it was, in what the router needs to have it again: who came and what became of them,
who worked when, and how the queues are set.

It is read from the tables and the event log, and kept as JSON lines: one of the day, then one of
each queue, agent and contact. Times are milliseconds after the centre's midnight. Nothing in it
says who a customer is; agents go by their ids.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TextIO
from zoneinfo import ZoneInfo

from contactcenter.core.moments import to_ms
from contactcenter.interactions.model import is_message
from db import Connection, Record
from routing import queue_store
from routing.config import HANDLE_MS, read_queue
from routing.core.model import AgentConfig, CentreConfig, Channel
from routing.snapshot import SKILLS, agent_config

BEGINS: Final = frozenset({"new", "return", "transfer"})
"""Entries that a customer or an agent caused; the others are the router's own doing."""
LAID_ASIDE: Final = frozenset({Channel.WHATSAPP, Channel.SMS, Channel.EMAIL})
"""Work in which an agent waits for the customer: no longer than is usual is taken for work."""
WORKS: Final = frozenset({"available", "on_demand"})

VISITS = """
SELECT w.interaction_id, w.queue, w.channel, w.entry, w.band, w.entered_at, w.outcome,
       w.answered_at, coalesce(w.answered_at, w.ended_at) AS left_at,
       p.agent_id::text AS agent_id, p.talk_ms, p.wrap_ms
FROM work_items w
LEFT JOIN LATERAL (
    SELECT (array_agg(s.agent_id ORDER BY s.started_at))[1] AS agent_id,
           sum(extract(epoch FROM coalesce(s.talk_ended_at, s.ended_at) - s.started_at)
               * 1000)::bigint AS talk_ms,
           sum(extract(epoch FROM s.ended_at - coalesce(s.talk_ended_at, s.ended_at))
               * 1000)::bigint AS wrap_ms
    FROM segments s
    WHERE s.interaction_id = w.interaction_id AND s.work_item_id = w.id AND s.state = 'ended'
) p ON true
WHERE w.entered_at >= $1 AND w.entered_at < $2
ORDER BY w.interaction_id, w.entered_at, w.id
"""
STAFF = "SELECT id::text, name, budget, maxima, ordinal FROM agents ORDER BY ordinal, sort_key, id"
ATTENDANCE = """
SELECT type, subject, data, occurred_at FROM (
    SELECT known.* FROM agents a CROSS JOIN unnest($1::text[]) AS k (type)
    CROSS JOIN LATERAL (
        SELECT type, subject, data, occurred_at, xid, id FROM event_log
        WHERE subject = a.id::text AND type = k.type AND occurred_at < $2
        ORDER BY id DESC
        LIMIT 1
    ) known
    UNION ALL
    SELECT type, subject, data, occurred_at, xid, id FROM event_log
    WHERE type = ANY ($1) AND occurred_at >= $2 AND occurred_at < $3
) facts
ORDER BY xid, id
"""
ATTENDS: Final = ("agent.presence_changed", "agent.status_changed")


@dataclass(frozen=True, slots=True)
class RecordedQueue:
    """`config` is in the stored form (see config.py)."""

    key: str
    skill: str
    strategy: str
    config: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedAgent:
    """`shifts`: (from, to) of each time in which they were there and took work."""

    id: str
    skills: dict[str, int]
    budget: int
    maxima: dict[str, int]
    position: int
    shifts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class RecordedContact:
    """One contact, from the moment it entered until an agent had it or it was gone.

    `outcome`: answered, abandoned, waiting (at the end of the record), or other: it left by a
    callback, a message or somebody's hand. `message`: left in the chat, to be answered later.
    """

    at: int
    channel: str
    queue: str
    outcome: str
    wait_ms: int
    handle_ms: int
    wrap_ms: int
    agent: str | None = None
    message: bool = False


class RecordError(ValueError):
    """A file is no recorded day; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class RecordedDay:
    day: str
    queues: tuple[RecordedQueue, ...]
    agents: tuple[RecordedAgent, ...]
    contacts: tuple[RecordedContact, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    """Agent → name, where the tables were at hand; not kept."""

    def config(self) -> CentreConfig:
        """The centre as it was set. ConfigError when a queue cannot be read."""
        return CentreConfig(
            {q.key: read_queue(q.key, q.skill, q.strategy, q.config) for q in self.queues},
            {a.id: self._agent(a) for a in self.agents},
        )

    @staticmethod
    def _agent(a: RecordedAgent) -> AgentConfig:
        return agent_config(a.id, a.skills, a.budget, a.maxima, a.position)

    def write(self, file: TextIO) -> None:
        for kind, rows in self._lines():
            for row in rows:
                file.write(json.dumps({"kind": kind, **row}, ensure_ascii=False) + "\n")

    def _lines(self) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
        yield "day", [{"day": self.day, "version": 1}]
        yield "queue", map(asdict, self.queues)
        yield "agent", map(asdict, self.agents)
        yield "contact", map(asdict, self.contacts)


def parse(lines: Iterable[str]) -> RecordedDay:
    """What `write` wrote. RecordError names the first line that is none of it."""
    rows: dict[str, list[Any]] = defaultdict(list)
    makes: dict[str, Callable[..., Any]] = {
        "queue": RecordedQueue,
        "agent": _agent_of,
        "contact": RecordedContact,
    }
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            kind = row.pop("kind")
            if kind == "day":
                if row["version"] != 1:
                    raise ValueError(kind)
                rows[kind].append(date.fromisoformat(row["day"]).isoformat())
            else:
                rows[kind].append(makes[kind](**row))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordError(f"Line {number} is not of a recorded day.") from error
    if len(rows["day"]) != 1:
        raise RecordError("A recorded day begins with its date.")
    known = {queue.key for queue in rows["queue"]}
    for contact in rows["contact"]:
        if contact.queue not in known or contact.channel not in set(Channel):
            raise RecordError(f"A contact came to {contact.queue}, which is not among the queues.")
    (day,) = rows["day"]
    return RecordedDay(day, tuple(rows["queue"]), tuple(rows["agent"]), tuple(rows["contact"]))


def _agent_of(shifts: list[list[int]], **row: Any) -> RecordedAgent:
    return RecordedAgent(shifts=tuple((begin, end) for begin, end in shifts), **row)


async def read(conn: Connection, day: date, zone: ZoneInfo, now: datetime) -> RecordedDay:
    """The day from the tables and the log; of one that is not over, what there is of it."""
    begin = datetime.combine(day, time(), zone)
    end = min(datetime.combine(day + timedelta(days=1), time(), zone), now)
    midnight = to_ms(begin)
    queues = [
        RecordedQueue(row["key"], row["skill"], row["strategy"], row["config"])
        for row in await queue_store.queues(conn)
    ]
    skills: dict[str, dict[str, int]] = defaultdict(dict)
    for agent_id, skill, level in await conn.fetch(SKILLS):
        skills[agent_id][skill] = level
    shifts = shifts_of(
        await conn.fetch(ATTENDANCE, list(ATTENDS), begin, end), midnight, to_ms(end) - midnight
    )
    staff = await conn.fetch(STAFF)
    agents = [
        RecordedAgent(
            row["id"], skills[row["id"]], row["budget"], row["maxima"], row["ordinal"],
            shifts.get(row["id"], ()),
        )
        for row in staff
        if shifts.get(row["id"])
    ]  # fmt: skip
    visits = await conn.fetch(VISITS, begin, end)
    contacts = sorted(contacts_of(visits, midnight, to_ms(end)), key=lambda c: (c.at, c.queue))
    names = {row["id"]: row["name"] for row in staff}
    return RecordedDay(day.isoformat(), tuple(queues), tuple(agents), tuple(contacts), names)


def shifts_of(
    facts: Iterable[Record | Mapping[str, Any]], midnight: int, length: int
) -> dict[str, tuple[tuple[int, int], ...]]:
    """Agent → when they were there and took work, from facts in the log's order."""
    will: dict[str, str] = {}
    there: dict[str, bool] = {}
    since: dict[str, int] = {}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for fact in facts:
        agent, at = fact["subject"], min(max(0, to_ms(fact["occurred_at"]) - midnight), length)
        if fact["type"] == "agent.status_changed":
            will[agent] = fact["data"]["status"]
        else:
            there[agent] = fact["data"]["present"]
        works = there.get(agent, False) and will.get(agent) in WORKS
        if works and agent not in since:
            since[agent] = at
        elif not works and agent in since:
            found[agent].append((since.pop(agent), at))
    for agent, begun in since.items():
        found[agent].append((begun, length))
    return {a: tuple(s for s in shifts if s[0] < s[1]) for a, shifts in found.items()}


def contacts_of(
    visits: Iterable[Record | Mapping[str, Any]], midnight: int, until: int
) -> Iterator[RecordedContact]:
    """Visits, by interaction and in order, as contacts: what flowed over, was moved or had to be
    queued again before an agent had it is one contact with where it came from."""
    chain: list[Record | Mapping[str, Any]] = []
    for _, group in itertools.groupby(visits, lambda row: row["interaction_id"]):
        for visit in group:
            had = chain and chain[-1]["answered_at"] is not None
            if had or (chain and visit["entry"] in BEGINS):
                yield _contact(chain, midnight, until)
                chain = []
            chain.append(visit)
        yield _contact(chain, midnight, until)
        chain = []


def _contact(chain: list[Record | Mapping[str, Any]], midnight: int, until: int) -> RecordedContact:
    first, last = chain[0], chain[-1]
    channel = Channel(first["channel"])
    entered = to_ms(first["entered_at"])
    left = until if last["left_at"] is None else to_ms(last["left_at"])
    outcome = "answered" if last["answered_at"] is not None else last["outcome"] or "waiting"
    talked = sum(visit["talk_ms"] or 0 for visit in chain) or HANDLE_MS[channel]
    if channel in LAID_ASIDE:
        talked = min(talked, HANDLE_MS[channel])
    return RecordedContact(
        at=entered - midnight,
        channel=channel.value,
        queue=first["queue"],
        outcome=outcome if outcome in {"answered", "abandoned", "waiting"} else "other",
        wait_ms=max(0, left - entered),
        handle_ms=int(talked),
        wrap_ms=int(sum(visit["wrap_ms"] or 0 for visit in chain)),
        agent=last["agent_id"],
        message=is_message(channel, first["band"]),
    )
