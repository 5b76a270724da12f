"""What every figure of the centre means. PURE.

Three kinds of record are kept of the log: queue visits, agents' segments and agents' time. A
figure is two whole numbers read from them, so figures of several queues, channels or half hours
add up by adding both numbers. Times are integer milliseconds of the centre's clock.

Thresholds (target, short abandon) are applied when a figure is read and never stored, so
changing one changes the past as well. Each definition with an example: docs/metrics.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal
from uuid import UUID

from contactcenter.interactions.model import LIVE_CHANNELS, is_message

HALF_HOUR_MS = 1_800_000
INPUT_CUT_MS = 120_000  # deferred work counts this long after the agent's last input in it

MESSAGE = "message"
"""A line of its own in the figures: what was left in the chat outside hours, for somebody to answer
later. Its author waits at no other end, and cannot abandon."""
DEFERRED_CHANNELS = frozenset({MESSAGE, "whatsapp", "sms", "email"})
OUTCOMES: Final = frozenset({"answered", "abandoned", "moved", "callback", "cancelled"})
"""How a visit ends."""
MOVED_IN = frozenset({"transfer", "overflow", "moved", "requeue"})

AgentState = Literal["offline", "away", "available", "ringing", "on_contact", "wrap_up"]
CellKey = tuple[int, str, str]  # start of the half hour, queue, channel


def half_hour(at_ms: int) -> int:
    """The start of the half hour that `at_ms` lies in."""
    return at_ms - at_ms % HALF_HOUR_MS


def line_of(channel: str, band: int) -> str:
    """The line that a visit counts in: its channel, or the messages."""
    return MESSAGE if is_message(channel, band) else channel


# --- thresholds ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A queue's limits as they stand now: target wait per channel and what is a short abandon."""

    target_ms: Mapping[str, int]
    short_ms: int = 5_000

    def target(self, channel: str) -> int:
        """Longest wait that counts as in time, in ms; a message left has as long as a mail."""
        channel = "email" if channel == MESSAGE else channel
        return self.target_ms.get(channel, DEFAULT_TARGET_MS[channel])


DEFAULT_TARGET_MS: Mapping[str, int] = {
    "voice": 20_000,
    "chat": 60_000,
    "whatsapp": 900_000,
    "sms": 900_000,
    "email": 28_800_000,
}
DEFAULT_THRESHOLDS = Thresholds(DEFAULT_TARGET_MS)

STATUTORY_MS = 180_000
"""A caller has a person in less than this, by Ley 10/2025, in 95 of 100 calls."""


# --- records ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Caller:
    """Somebody who calls us and wants a person: the law's clock, over all queues of the call.

    It begins when the call has arrived and a person is asked for, whichever is later, and ends
    when an agent is connected. A call asks for a person by entering a queue.
    """

    arrived_ms: int
    asked_ms: int | None = None
    connected_ms: int | None = None
    gone_ms: int | None = None  # left, or was sent away, without a person

    @property
    def since_ms(self) -> int:
        return max(self.arrived_ms, self.asked_ms or 0)

    @property
    def outcome(self) -> str | None:
        """`answered`, `abandoned`, or None while it waits."""
        if self.connected_ms is not None:
            return "answered"
        return None if self.gone_ms is None else "abandoned"

    def wait(self, now_ms: int) -> int:
        """How long it took, or has taken so far."""
        ends = (self.connected_ms, self.gone_ms, now_ms)
        return max(0, next(at for at in ends if at is not None) - self.since_ms)

    def in_time(self, now_ms: int) -> bool:
        return self.wait(now_ms) < STATUTORY_MS


@dataclass(slots=True)
class Visit:
    """One stay in one queue. It belongs to the half hour it entered, whenever it ends."""

    work_item_id: UUID
    interaction_id: UUID
    queue: str
    channel: str
    entry: str
    entered_ms: int
    cost: int
    outcome: str | None = None  # answered, abandoned, moved, callback, left_message, cancelled
    waited_ms: int = 0  # queue entry to connected or gone, ringing included
    ended_ms: int | None = None
    agent_id: UUID | None = None  # who answered
    offers: int = 0
    missed: int = 0
    ringing: dict[UUID, UUID] = field(default_factory=dict)  # pending reservation → agent
    estimated: tuple[int, int] | None = None  # the wait first told, and when it was told
    handlings: list[Handling] = field(default_factory=list)
    caller: Caller | None = None  # of the visit in which a person was first asked for

    @property
    def cell(self) -> CellKey:
        return (half_hour(self.entered_ms), self.queue, self.channel)

    @property
    def waiting(self) -> bool:
        return self.outcome is None

    def wait(self, now_ms: int) -> int:
        """How long it waited, or has waited so far."""
        return max(0, now_ms - self.entered_ms) if self.outcome is None else self.waited_ms

    @property
    def off_ms(self) -> int | None:
        """How far from the truth the estimate was, either way; None: not answered, or none told."""
        if self.outcome != "answered" or self.estimated is None or self.ended_ms is None:
            return None
        told_ms, at_ms = self.estimated
        return abs(max(0, self.ended_ms - at_ms) - told_ms)

    def is_short(self, limits: Thresholds) -> bool:
        return self.outcome == "abandoned" and self.waited_ms < limits.short_ms

    def in_time(self, limits: Thresholds, now_ms: int) -> bool:
        return self.wait(now_ms) <= limits.target(self.channel)


_WORKING = frozenset({"active", "held", "consulting", "wrapping"})


@dataclass(slots=True)
class Handling:
    """One agent's part in a visit's interaction, with the time it took by kind."""

    segment_id: UUID
    interaction_id: UUID
    agent_id: UUID
    queue: str
    channel: str
    cost: int
    started_ms: int
    since_ms: int
    input_ms: int | None = None  # the agent's last input, while it is the last of all their inputs
    state: str = "active"  # active, held, consulting, parked, wrapping, ended
    talk_ms: int = 0
    hold_ms: int = 0
    park_ms: int = 0
    wrap_ms: int = 0
    wrap_lapsed: bool = False  # its wrap-up ran out: saved with disposition "none"
    worked_ms: int = 0  # deferred channels: active time in focus, cut 120 s after the last input

    def touch(self, at_ms: int) -> None:
        """The agent did something in it: the time since the last input was work, up to the cut."""
        last_ms = at_ms if self.input_ms is None else self.input_ms
        self.rest(at_ms)
        self.input_ms = max(last_ms, at_ms)

    def rest(self, at_ms: int) -> None:
        """The agent turned to something else: no more work until the next input in it."""
        if self.input_ms is not None and self.state in _WORKING:
            self.worked_ms += min(max(0, at_ms - self.input_ms), INPUT_CUT_MS)
        self.input_ms = None

    def in_focus(self, at_ms: int) -> bool:
        """Whether the agent is at it: a written conversation until the cut, a call to its end."""
        if self.input_ms is None or self.state not in _WORKING:
            return False
        return self.channel == "voice" or at_ms - self.input_ms < INPUT_CUT_MS

    def move(self, state: str, at_ms: int) -> None:
        """Enter a state; the time in the old one goes to its kind."""
        spent = max(0, at_ms - self.since_ms)
        if self.state == "active":
            self.talk_ms += spent
        elif self.state in {"held", "consulting"}:  # the customer is on music in both
            self.hold_ms += spent
        elif self.state == "parked":
            self.park_ms += spent
        elif self.state == "wrapping":
            self.wrap_ms += spent
        if self.input_ms is not None:
            self.touch(at_ms)
        self.state = state
        self.since_ms = max(self.since_ms, at_ms)

    @property
    def handle_ms(self) -> int:
        """Handling time: wall clock for live channels, worked time for deferred ones."""
        if self.channel in LIVE_CHANNELS:
            return self.talk_ms + self.hold_ms + self.park_ms + self.wrap_ms
        return self.worked_ms


@dataclass(slots=True)
class Spent:
    """An agent's half hour: milliseconds by state, and capacity in unit-milliseconds."""

    on_contact: int = 0
    wrap_up: int = 0
    ringing: int = 0
    available: int = 0
    away: int = 0
    units_used: int = 0
    units_offered: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Spent)))

    @property
    def occupied(self) -> int:
        return self.on_contact + self.wrap_up


@dataclass(slots=True)
class AgentTime:
    """An agent as the log tells it: will, presence, load, and how the time went."""

    agent_id: UUID
    status: str = "offline"
    reason: str | None = None
    after_this: str | None = None
    present: bool = False
    budget: int = 100
    ringing: dict[UUID, Visit] = field(default_factory=dict)
    open: dict[UUID, Handling] = field(default_factory=dict)
    state: AgentState = "offline"
    state_since_ms: int = 0
    settled_ms: int = 0
    used: int = 0  # capacity units taken since settled_ms
    spent: dict[int, Spent] = field(default_factory=dict)  # half hour → how it went
    hand: tuple[UUID | None, int] | None = None  # help asked for: with which interaction, when
    focus: Handling | None = None  # where the agent's last input was, while that goes on

    def derived_state(self) -> AgentState:
        """Working outranks wrapping, wrapping outranks ringing, ringing outranks the will."""
        states = {handling.state for handling in self.open.values()}
        if states & {"active", "held", "consulting"}:
            return "on_contact"
        if "wrapping" in states:
            return "wrap_up"
        if self.ringing:
            return "ringing"
        if not self.present:
            return "offline"
        if self.status in {"available", "on_demand"}:
            return "available"
        return "away" if self.status == "away" else "offline"

    def turn_to(self, handling: Handling, at_ms: int) -> None:
        """An input in this conversation ends the stretch of work in whichever was before."""
        if self.focus is not None and self.focus is not handling:
            self.focus.rest(at_ms)
        handling.touch(at_ms)
        self.focus = handling

    def settle(self, at_ms: int) -> None:
        """Book the time since the last fact, split at half hours."""
        start = self.settled_ms
        if at_ms <= start:
            return
        self.settled_ms = at_ms
        if self.state == "offline":
            return
        for begin, end in _halves(start, at_ms):
            row = self.spent.setdefault(half_hour(begin), Spent())
            setattr(row, self.state, getattr(row, self.state) + end - begin)
            if self.state != "away":
                row.units_used += self.used * (end - begin)
                row.units_offered += self.budget * (end - begin)

    def change(self, at_ms: int) -> None:
        """After a fact: see what the state has become."""
        state = self.derived_state()
        if state != self.state:
            self.state, self.state_since_ms = state, at_ms
        self.used = sum(h.cost for h in self.open.values()) + sum(
            v.cost for v in self.ringing.values()
        )

    def during(self, start_ms: int, end_ms: int, now_ms: int) -> Spent:
        """Time within [start, end), both whole half hours, the running state up to now."""
        total = Spent()
        for begin, row in self.spent.items():
            if start_ms <= begin < end_ms:
                total += row
        running = AgentTime(
            self.agent_id,
            budget=self.budget,
            state=self.state,
            settled_ms=max(self.settled_ms, start_ms),
            used=self.used,
        )
        running.settle(min(now_ms, end_ms))
        for row in running.spent.values():
            total += row
        return total


def _halves(start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    while start_ms < end_ms:
        stop = min(end_ms, half_hour(start_ms) + HALF_HOUR_MS)
        yield start_ms, stop
        start_ms = stop


# --- figures ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tally:
    """Whole numbers over a set of visits; tallies add up."""

    offered: int = 0
    moved_in: int = 0
    answered: int = 0
    answered_in: int = 0  # within the target
    abandoned: int = 0
    abandoned_in: int = 0
    short: int = 0
    moved: int = 0
    callback: int = 0
    callback_in: int = 0
    left_message: int = 0
    cancelled: int = 0
    waiting: int = 0
    waiting_late: int = 0  # past the target while it waits: a miss already
    answered_wait_ms: int = 0
    abandoned_wait_ms: int = 0
    handled: int = 0  # agents' parts that have ended
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_ms: int = 0
    wrap_lapsed: int = 0  # of these, whose wrap-up ran out
    handle_ms: int = 0
    offers: int = 0
    missed: int = 0
    estimated: int = 0  # answered, and told an estimate before
    estimate_off_ms: int = 0
    person: int = 0  # callers who got one, in whatever queue
    person_in: int = 0  # in less than the law's time
    no_person: int = 0  # callers who got none, however early they left
    person_late: int = 0  # callers who wait for one past the law's time: a miss already
    person_awaited: int = 0  # callers who wait and are not late yet
    offs: tuple[int, ...] = ()  # of each of these, how far the estimate was off, in ms

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)))


def tally(visits: Iterable[Visit], limits: Thresholds, now_ms: int) -> Tally:
    """Count visits of one queue under that queue's limits as they are now."""
    n = dict.fromkeys((f.name for f in fields(Tally) if f.name != "offs"), 0)
    offs: list[int] = []
    for visit in visits:
        n["offered"] += 1
        n["moved_in"] += visit.entry in MOVED_IN
        n["offers"] += visit.offers
        n["missed"] += visit.missed
        in_time = visit.in_time(limits, now_ms)
        if visit.outcome is None:
            n["waiting"] += 1
            n["waiting_late"] += not in_time
        else:
            n[visit.outcome] += 1
        if visit.outcome == "answered":
            n["answered_in"] += in_time
            n["answered_wait_ms"] += visit.waited_ms
            if (off_ms := visit.off_ms) is not None:
                n["estimated"] += 1
                n["estimate_off_ms"] += off_ms
                offs.append(off_ms)
        elif visit.outcome == "abandoned":
            n["abandoned_in"] += in_time
            n["short"] += visit.is_short(limits)
            n["abandoned_wait_ms"] += visit.waited_ms
        elif visit.outcome == "callback":
            n["callback_in"] += in_time
        if visit.caller is not None:
            _count_caller(n, visit.caller, now_ms)
        for handling in visit.handlings:
            if handling.state == "ended":
                n["handled"] += 1
                n["talk_ms"] += handling.talk_ms + handling.park_ms
                n["hold_ms"] += handling.hold_ms
                n["wrap_ms"] += handling.wrap_ms
                n["wrap_lapsed"] += handling.wrap_lapsed
                n["handle_ms"] += handling.handle_ms
    return Tally(**n, offs=tuple(offs))


def _count_caller(n: dict[str, int], caller: Caller, now_ms: int) -> None:
    in_time = caller.in_time(now_ms)
    if caller.outcome == "answered":
        n["person"] += 1
        n["person_in"] += in_time
    elif caller.outcome == "abandoned":
        n["no_person"] += 1
    else:
        n["person_awaited" if in_time else "person_late"] += 1


OFF_BOUNDS_MS = tuple(
    1_000 * seconds for seconds in (10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900)
)
"""Estimates are told apart by how far they were off: less than 10 s, less than 20 s, ... more."""


def off_counts(counted: Tally) -> list[int]:
    """How many estimates were off by less than each bound, and not by less than the one before;
    the last number is of the rest. Such lists add up, as medians do not."""
    counts = [0] * (len(OFF_BOUNDS_MS) + 1)
    for off_ms in counted.offs:
        counts[bisect_right(OFF_BOUNDS_MS, off_ms)] += 1
    return counts


Ratio = tuple[int, int]
Parts = tuple[tuple[int, str], ...]  # sign and field of Tally, summed


@dataclass(frozen=True, slots=True)
class Formula:
    """A figure as numerator ÷ denominator, each a signed sum of tally fields."""

    numerator: Parts
    denominator: Parts
    kind: Literal["percent", "seconds"]

    def read(self, counted: Tally) -> Ratio:
        return (_total(self.numerator, counted), _total(self.denominator, counted))


def _total(parts: Parts, counted: Tally) -> int:
    return sum(sign * int(getattr(counted, name)) for sign, name in parts)


def _plus(*names: str) -> Parts:
    return tuple((-1 if name.startswith("-") else 1, name.lstrip("-")) for name in names)


DEFAULT_FORMULA = "centre"

SERVICE_LEVEL: Mapping[str, Formula] = {
    # Answered in time, of all that ended well or badly or are already late.
    # Genesys' formula with its option "without short abandons"; waiting past the target is a miss.
    "centre": Formula(
        _plus("answered_in"), _plus("answered", "abandoned", "-short", "waiting_late"), "percent"
    ),
    # Amazon Connect: removed from the queue in time, by whatever door, of all that entered.
    "connect": Formula(
        _plus("answered_in", "abandoned_in", "callback_in"), _plus("offered"), "percent"
    ),
    # Asterisk's ServiceLevelPerf: of the answered only.
    "asterisk": Formula(_plus("answered_in"), _plus("answered"), "percent"),
    # Asterisk's ServiceLevelPerf2: one who leaves in time is no failure.
    "asterisk_sl2": Formula(
        _plus("answered_in", "abandoned_in"), _plus("answered", "abandoned"), "percent"
    ),
}

FIGURES: Mapping[str, Formula] = {
    "abandonment": Formula(_plus("abandoned", "-short"), _plus("offered", "-short"), "percent"),
    "asa": Formula(_plus("answered_wait_ms"), _plus("answered"), "seconds"),
    "abandon_time": Formula(_plus("abandoned_wait_ms"), _plus("abandoned"), "seconds"),
    "aht": Formula(_plus("handle_ms"), _plus("handled"), "seconds"),
    "wrap_lapsed": Formula(_plus("wrap_lapsed"), _plus("handled"), "percent"),
    "non_response": Formula(_plus("missed"), _plus("offers"), "percent"),
    "estimate_error": Formula(_plus("estimate_off_ms"), _plus("estimated"), "seconds"),
    # Ley 10/2025: whoever abandons counts, however short the wait; a call counts once.
    "statutory": Formula(
        _plus("person_in"), _plus("person", "no_person", "person_late"), "percent"
    ),
}

COUNTS = ("waiting", "offered", "answered", "abandoned", "short", "moved_in", "moved")

AGENT_FIGURES = ("occupancy", "utilisation")


def formula(figure: str, service_level: str = DEFAULT_FORMULA) -> Formula:
    """The formula of a figure; service level comes in four. KeyError when there is none."""
    return SERVICE_LEVEL[service_level] if figure == "service_level" else FIGURES[figure]


def occupancy(spent: Spent) -> Ratio:
    """Wall clock on contact and in wrap-up, of that plus idle; ringing is neither."""
    return (spent.occupied, spent.occupied + spent.available)


def utilisation(spent: Spent) -> Ratio:
    """Capacity unit-milliseconds taken, of those offered while signed in and not away."""
    return (spent.units_used, spent.units_offered)
