"""The wallboard's picture: a ledger turned into what screens show, and what changed since. PURE.

A picture is sections of keyed entries; a delta is the entries that differ, null for one that
went. Figures travel as their two operands, so a screen adds up queues, channels and half hours
and divides once. Durations travel as the instant they began, and the screen counts.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from contactcenter.analytics.ledger import SPARK_SLOT_MS, Ledger, Reader
from contactcenter.analytics.metrics import (
    COUNTS,
    FIGURES,
    HALF_HOUR_MS,
    SERVICE_LEVEL,
    AgentTime,
    CellKey,
    Spent,
    Tally,
    Thresholds,
    Visit,
    half_hour,
    occupancy,
    off_counts,
    utilisation,
)
from contactcenter.analytics.model import Expected, QueueInfo
from contactcenter.core.access import Principal
from contactcenter.core.moments import from_ms

TIME_STEP_MS = 10_000  # occupancy and utilisation move all the time: they are told this often

Picture = dict[str, dict[str, Any]]

ROOM = "wallboard"


@dataclass(frozen=True, slots=True)
class View:
    """How much of the picture somebody is shown. None: all of it."""

    queues: frozenset[str] | None = None
    """What was chosen, within the limits."""
    limits: frozenset[str] | None = None
    """The queues that the rights end at: no agent's work in others is told."""
    teams: frozenset[str] | None = None
    """The teams whose agents there are."""

    @classmethod
    def of(cls, principal: Principal, chosen: Iterable[str] | None = None) -> View:
        """What somebody may see, or a choice of queues of it."""
        queues = principal.queues if chosen is None else frozenset(chosen)
        return cls(queues, principal.queues, principal.teams)

    @property
    def room(self) -> str:
        """One name for everybody who is shown the same."""
        name = ROOM if self.queues is None else f"{ROOM}:{','.join(sorted(self.queues))}"
        if self.limits is None and self.teams is None:
            return name
        ends = (
            "*" if keys is None else ",".join(sorted(keys)) for keys in (self.limits, self.teams)
        )
        return "|".join((name, *ends))

    def has(self, agent: AgentInfo) -> bool:
        """Whether the agent is in it; who is in no team is in no limited view."""
        return self.teams is None or agent.team in self.teams


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """Who an agent is, beside what the log tells."""

    agent_id: UUID
    name: str
    skills: Mapping[str, int]
    team: str | None = None


def instant(at_ms: int) -> str:
    """RFC 3339 UTC with milliseconds."""
    return written(from_ms(at_ms))


def written(moment: datetime) -> str:
    """RFC 3339 UTC with milliseconds, of an aware moment."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def limits_of(queues: Iterable[QueueInfo]) -> dict[str, Thresholds]:
    """What each queue's figures are read under."""
    return {queue.key: Thresholds(queue.target_ms, queue.short_ms) for queue in queues}


def figures(counted: Tally) -> dict[str, Any]:
    """A tally as screens get it: counts, and each ratio as [numerator, denominator]."""
    return {
        **{name: getattr(counted, name) for name in COUNTS},
        "service_level": {name: formula.read(counted) for name, formula in SERVICE_LEVEL.items()},
        **{name: formula.read(counted) for name, formula in FIGURES.items()},
        "estimate_offs": off_counts(counted),
    }


class Customer(NamedTuple):
    """How an interaction's customer is called: the name, else a masked address, else nothing,
    and screens make a mark of the contact's id."""

    name: str = ""
    contact_id: UUID | None = None


class Board:
    """The picture of one day, kept up to date from a ledger.

    Sections: `queues`, `today` (queue|channel), `halves` (start|queue|channel), `waiting`
    (interaction), `sparks` (queue|channel), `agents`, `time` (agent), `trouble` (kind).
    """

    def __init__(
        self,
        ledger: Ledger,
        day_start_ms: int,
        queues: Sequence[QueueInfo],
        agents: Iterable[AgentInfo],
        names: dict[UUID, Customer],
    ) -> None:
        self.ledger = ledger
        self.day_start_ms = day_start_ms
        self.names = names
        """Interaction → how its customer is called on screen."""
        self.trouble: dict[str, bool] = {}
        """What the demo has switched on."""
        self.queues = {queue.key: queue for queue in queues}
        self.agents = {agent.agent_id: agent for agent in agents}
        self.reader = Reader(ledger, limits_of(queues))
        self._halves: dict[CellKey, dict[str, Any]] = {}
        self._today: dict[str, dict[str, Any]] = {}
        self._time: dict[str, Any] = {}
        self._time_until_ms = 0
        ledger.touched.update(ledger.cells)
        self.shown: Picture = {}

    def configure(self, queues: Sequence[QueueInfo]) -> None:
        """Queues were edited: today's figures are read again under the new limits."""
        self.queues = {queue.key: queue for queue in queues}
        self.reader = Reader(self.ledger, limits_of(queues))
        self.ledger.touched.update(self.ledger.cells)

    def delta(self, now_ms: int) -> Picture:
        """What differs from the picture last shown; afterwards that is what is shown."""
        picture = self._draw(now_ms)
        changes: Picture = {}
        for section, entries in picture.items():
            before = self.shown.get(section, {})
            differing = {k: v for k, v in entries.items() if k not in before or before[k] != v}
            differing.update(dict.fromkeys(before.keys() - entries.keys()))
            if differing:
                changes[section] = differing
        self.shown = picture
        return changes

    def _draw(self, now_ms: int) -> Picture:
        self._count(now_ms)
        if now_ms >= self._time_until_ms:
            self._time_until_ms = now_ms + TIME_STEP_MS
            self._time = {str(a): self._worked(time, now_ms) for a, time in self._known_agents()}
        return {
            "queues": {queue.key: _queue(queue) for queue in self.queues.values()},
            "today": dict(self._today),
            "halves": {_cell(key): entry for key, entry in self._halves.items()},
            "waiting": {
                str(visit.interaction_id): self._waiting(visit)
                for visit in self.ledger.waiting.values()
            },
            "sparks": self._sparks(now_ms),
            "agents": {str(a): self._agent(time) for a, time in self._known_agents()},
            "time": self._time,
            "trouble": dict(self.trouble),
        }

    def _count(self, now_ms: int) -> None:
        """Count again the half hours that a fact or the clock has changed, and their days."""
        stale = {key for key in self.ledger.touched if key[0] >= self.day_start_ms}
        self.reader.forget(self.ledger.touched)
        self.ledger.touched.clear()
        by_clock = (*self.ledger.waiting.values(), *self.ledger.seeking.values())
        stale.update(v.cell for v in by_clock if v.cell[0] >= self.day_start_ms)
        for key in stale:
            self._halves[key] = figures(self.reader.tally(key, now_ms))
        for queue, channel in {key[1:] for key in stale}:
            day = (
                self.reader.tally(key, now_ms)
                for key in self.ledger.cells
                if key[1:] == (queue, channel) and key[0] >= self.day_start_ms
            )
            self._today[f"{queue}|{channel}"] = figures(sum(day, Tally()))

    def _waiting(self, visit: Visit) -> dict[str, Any]:
        return {
            "interaction_id": str(visit.interaction_id),
            "queue": visit.queue,
            "channel": visit.channel,
            **self._customer(visit.interaction_id),
            "entered_at": instant(visit.entered_ms),
            "state": "offered" if visit.ringing else "queued",
            "offered_to": next((str(agent) for agent in visit.ringing.values()), None),
        }

    def _customer(self, interaction_id: UUID) -> dict[str, Any]:
        customer = self.names.get(interaction_id, Customer())
        return {
            "contact_id": customer.contact_id and str(customer.contact_id),
            "customer_name": customer.name,
        }

    def _sparks(self, now_ms: int) -> dict[str, list[int]]:
        # A slot's last look is at its own end, so the picture moves once in three minutes.
        for peaks in self.ledger.peaks.values():
            peaks.roll(now_ms - now_ms % SPARK_SLOT_MS)
        return {
            f"{queue}|{channel}": list(peaks.values)
            for (queue, channel), peaks in self.ledger.peaks.items()
        }

    def _known_agents(self) -> Iterable[tuple[UUID, AgentTime]]:
        for agent_id in self.agents:
            yield agent_id, self.ledger.agents.get(agent_id) or AgentTime(agent_id)

    def _agent(self, time: AgentTime) -> dict[str, Any]:
        info = self.agents[time.agent_id]
        return {
            "agent_id": str(time.agent_id),
            "name": info.name,
            "skills": dict(info.skills),
            "status": time.status,
            "reason": time.reason,
            "after_this": time.after_this,
            "present": time.present,
            "state": time.state,
            "state_since": instant(time.state_since_ms) if time.state_since_ms else None,
            "load": time.used,
            "budget": time.budget,
            "help": _help(time.hand),
            "items": [
                {
                    "interaction_id": str(part.interaction_id),
                    "queue": part.queue,
                    "channel": part.channel,
                    **self._customer(part.interaction_id),
                    "state": part.state,
                    "since": instant(part.started_ms),
                }
                for part in time.open.values()
            ]
            + [
                {
                    "interaction_id": str(visit.interaction_id),
                    "queue": visit.queue,
                    "channel": visit.channel,
                    **self._customer(visit.interaction_id),
                    "state": "ringing",
                    "since": instant(visit.entered_ms),
                }
                for visit in time.ringing.values()
            ],
        }

    def spent_today(self, time: AgentTime, now_ms: int) -> Spent:
        """An agent's time since the day began."""
        end = half_hour(now_ms) + HALF_HOUR_MS
        return time.during(half_hour(self.day_start_ms), end, now_ms)

    def _worked(self, time: AgentTime, now_ms: int) -> dict[str, Any]:
        spent = self.spent_today(time, now_ms)
        return {"occupancy": occupancy(spent), "utilisation": utilisation(spent)}


def _help(hand: tuple[UUID | None, int] | None) -> dict[str, Any] | None:
    if hand is None:
        return None
    interaction_id, at_ms = hand
    return {
        "interaction_id": None if interaction_id is None else str(interaction_id),
        "since": instant(at_ms),
    }


def _cell(key: CellKey) -> str:
    return f"{instant(key[0])}|{key[1]}|{key[2]}"


def _queue(queue: QueueInfo) -> dict[str, Any]:
    return {
        "key": queue.key,
        "name_es": queue.name_es,
        "name_en": queue.name_en,
        "skill": queue.skill,
        "target_ms": dict(queue.target_ms),
        "short_ms": queue.short_ms,
        "goal_percent": queue.goal_percent,
        "abandon_percent": queue.abandon_percent,
        "unreadable": queue.unreadable,
    }


def expected_rows(expected: Iterable[Expected]) -> list[dict[str, Any]]:
    """A forecast as screens get it."""
    return [
        {
            "start": written(row.start),
            "queue": row.queue,
            "channel": row.channel,
            "contacts": round(row.contacts, 2),
        }
        for row in expected
    ]


def narrowed(state: Mapping[str, Any], view: View, agents: Container[str]) -> dict[str, Any]:
    """The part of a state or delta that a view shows; `agents`: the ids of those in it.

    An entry that went is kept whatever its queue or team was: its key may not say.
    """
    kept: dict[str, Any] = {}
    for section, entries in state.items():
        part = dict(entries)
        if section in {"agents", "time"}:
            part = {k: v for k, v in entries.items() if v is None or k in agents}
            if section == "agents" and view.limits is not None:
                part = {k: _working(v, view.limits) for k, v in part.items()}
        elif section == "waiting":
            part = {k: _offered(v, agents) for k, v in entries.items() if _queued(v, view.queues)}
        elif section == "centre" and view.limits is not None:
            expected = [row for row in entries["expected"] if row["queue"] in view.limits]
            part["expected"] = expected
        elif view.queues is not None and section in _QUEUE_OF:
            place = _QUEUE_OF[section]
            part = {k: v for k, v in entries.items() if k.split("|")[place] in view.queues}
        if part or "centre" in state:
            kept[section] = part
    return kept


_QUEUE_OF = {"queues": 0, "today": 0, "sparks": 0, "halves": 1}
"""Section → where its keys have the queue."""


def _queued(item: Mapping[str, Any] | None, queues: frozenset[str] | None) -> bool:
    return item is None or queues is None or item["queue"] in queues


def _offered(item: dict[str, Any] | None, agents: Container[str]) -> dict[str, Any] | None:
    """A waiting item without an agent who is not in the view."""
    if item is None or item["offered_to"] is None or item["offered_to"] in agents:
        return item
    return {**item, "offered_to": None}


def _working(agent: dict[str, Any] | None, queues: frozenset[str]) -> dict[str, Any] | None:
    """An agent without what they do in other queues."""
    if agent is None:
        return None
    items = [item for item in agent["items"] if item["queue"] in queues]
    asks = agent["help"]
    if asks and asks["interaction_id"] not in {item["interaction_id"] for item in items}:
        asks = {**asks, "interaction_id": None}
    return {**agent, "items": items, "help": asks}
