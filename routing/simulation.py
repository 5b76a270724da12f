"""The router on a virtual clock: invented customers and agents, the real decisions.

Time jumps from one thing that happens to the next, so a day takes a second. Nothing here
routes: customers arrive and lose patience, agents answer after a moment, talk and wrap up;
who gets whom is `routing.core`'s affair alone. The same seed gives the same day.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from random import Random

from routing.config import HANDLE_MS
from routing.core import decisions as d
from routing.core import inputs as i
from routing.core.engine import Engine
from routing.core.items import new_item
from routing.core.model import (
    HOUR,
    SECOND,
    AgentRow,
    CentreConfig,
    Channel,
    Outcome,
    VisitState,
    Will,
    WorkItem,
    WrapMode,
)
from routing.outlook import HANDLING_SAMPLES, Desk, Handling, Line, Outlook, Waiting
from routing.traffic import HALF_HOUR, Arrival

SHORT_MS = 5 * SECOND


@dataclass(slots=True)
class Contact:
    """What became of one arrival. Times are milliseconds after midnight."""

    arrival: Arrival
    answered: int | None = None
    left: int | None = None
    agent: str | None = None
    """Who answered."""
    told: tuple[int, int] | None = None
    """The wait it was told, and when; None: an agent was asked at once, or nobody was there."""


@dataclass(slots=True)
class Figures:
    """Counts of the contacts that entered in some time, by the definitions of the metrics."""

    offered: int = 0
    answered: int = 0
    in_time: int = 0
    abandoned: int = 0
    short: int = 0
    waited_ms: int = 0
    busy_ms: int = 0
    free_ms: int = 0

    @property
    def service_level(self) -> float:
        """answered ≤ X / (answered + abandoned − short)"""
        counted = self.answered + self.abandoned - self.short
        return self.in_time / counted if counted else 1.0

    @property
    def level_of_answered(self) -> float:
        """answered ≤ X / answered"""
        return self.in_time / self.answered if self.answered else 1.0

    @property
    def abandonment(self) -> float:
        """(abandoned − short) / (offered − short)"""
        counted = self.offered - self.short
        return (self.abandoned - self.short) / counted if counted else 0.0

    @property
    def asa_s(self) -> float:
        return self.waited_ms / self.answered / 1000 if self.answered else 0.0

    @property
    def occupancy(self) -> float:
        """(on contacts + wrapping) / (that + available and idle), by the wall clock."""
        total = self.busy_ms + self.free_ms
        return self.busy_ms / total if total else 0.0

    def add(self, other: Figures) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Manners:
    """How simulated people behave."""

    answer_s: tuple[float, float] = (2.0, 5.0)
    """An agent takes between so many seconds to accept."""
    patient: bool = False
    """Customers never leave."""
    told: bool = True
    """Whether each is told a wait, which takes most of a simulated day's time."""
    shifts: Mapping[str, Sequence[tuple[int, int]]] | None = None
    """Agent → (from, to) of each time that they take work; None: all of them, all day."""


@dataclass(slots=True)
class Day:
    """A day's outcome: contacts, and how busy the agents were in each half hour."""

    begin: int
    end: int
    contacts: list[Contact] = field(default_factory=list)
    busy: dict[int, int] = field(default_factory=dict)
    free: dict[int, int] = field(default_factory=dict)
    decisions: int = 0

    def told(self, channel: Channel) -> list[tuple[int, int]]:
        """(the wait that was told, the wait that came true) of those answered, in ms."""
        return [
            (contact.told[0], contact.answered - contact.told[1])
            for contact in self.contacts
            if contact.arrival.channel is channel
            and contact.told is not None
            and contact.answered is not None
        ]

    def figures(
        self, channel: Channel, target_ms: int, begin: int | None = None, end: int | None = None
    ) -> Figures:
        """Of the contacts that entered between two times, the whole day by default."""
        begin = self.begin if begin is None else begin
        end = self.end if end is None else end
        found = Figures()
        for contact in self.contacts:
            arrival = contact.arrival
            if arrival.channel is not channel or not begin <= arrival.at < end:
                continue
            found.offered += 1
            if contact.answered is not None:
                waited = contact.answered - arrival.at
                found.answered += 1
                found.in_time += waited <= target_ms
                found.waited_ms += waited
            elif contact.left is not None:
                found.abandoned += 1
                found.short += contact.left - arrival.at < SHORT_MS
        for half in range(begin - begin % HALF_HOUR, end, HALF_HOUR):
            found.busy_ms += self.busy.get(half, 0)
            found.free_ms += self.free.get(half, 0)
        return found


class Simulation:
    """One day. `run` once."""

    def __init__(
        self,
        config: CentreConfig,
        arrivals: Iterable[Arrival],
        *,
        begin: int,
        end: int,
        seed: int = 0,
        manners: Manners | None = None,
    ) -> None:
        self.day = Day(begin, end)
        self._config = config
        self._arrivals: Iterator[Arrival] = iter(arrivals)
        self._manners = manners or Manners()
        self._dice = Random(seed)
        numbers = count(1)
        self._engine = Engine(config, seed, lambda: f"r{next(numbers)}")
        self._contacts: dict[str, Contact] = {}
        self._handled: dict[Line, deque[tuple[int, int]]] = defaultdict(deque)
        """(end, how long it took) of what has ended in the last hour."""
        self._ends: dict[str, tuple[Line, int]] = {}
        self._items: dict[str, str] = {}
        """Reservation → contact."""
        self._asked: dict[str, str] = {}
        """Reservation → the agent."""
        self._moved: dict[str, str] = {}
        """Contact → its present visit, where it flowed over; and such a visit → its contact."""
        self._agenda: list[tuple[int, int, i.Input]] = []
        self._ticks = count()
        self._since = dict.fromkeys(config.agents, begin)
        at_work = self._manners.shifts is None
        self._busy: dict[str, bool | None] = dict.fromkeys(
            config.agents, False if at_work else None
        )

    def run(self) -> Day:
        """Until the last contact that entered before `end` is over."""
        day = self.day
        opening: list[i.Input] = []
        shifts = self._manners.shifts
        for agent in self._config.agents:
            if shifts is None:
                opening.append(i.AgentStatusChanged(agent, Will.AVAILABLE, at=day.begin))
            opening.append(i.AgentPresenceChanged(agent, True, at=day.begin))
            for begins, ends in () if shifts is None else shifts.get(agent, ()):
                self._plan(begins, i.AgentStatusChanged(agent, Will.AVAILABLE, at=begins))
                self._plan(ends, i.AgentStatusChanged(agent, Will.AWAY, at=ends))
        self._step(opening, day.begin)
        self._next_arrival()
        while True:
            at = self._next_time()
            if at is None:
                break
            self._step(self._due(at), at)
        for agent in self._config.agents:
            self._count(agent, day.end)
        return day

    def _next_time(self) -> int | None:
        times = [self._agenda[0][0]] if self._agenda else []
        deadline = self._engine.next_deadline()
        if deadline is not None:
            times.append(deadline)
        return min(times, default=None)

    def _due(self, at: int) -> list[i.Input]:
        inputs: list[i.Input] = []
        while self._agenda and self._agenda[0][0] <= at:
            _, _, planned = heappop(self._agenda)
            if isinstance(planned, i.ItemQueued):
                self._next_arrival()
            happens = self._still(planned)
            if happens is not None and happens not in inputs:
                inputs.append(happens)
        return inputs

    def _still(self, planned: i.Input) -> i.Input | None:
        """What was planned, if it can still happen, of the visit that there is now."""
        if isinstance(planned, i.ItemLeft):
            contact = self._contacts[planned.work_item]
            if contact.answered is not None:
                return None
            contact.left = contact.arrival.at + (contact.arrival.patience_ms or 0)
            visit = self._moved.get(planned.work_item, planned.work_item)
            return replace(planned, work_item=visit)
        if isinstance(planned, i.ReservationAccepted):
            item = self._items.get(planned.reservation)
            if item is None or self._contacts[item].left is not None:
                return None
            contact = self._contacts[item]
            if contact.answered is not None:
                return None
            contact.answered = planned.at
            contact.agent = self._asked[planned.reservation]
        return planned

    def _plan(self, at: int, planned: i.Input) -> None:
        heappush(self._agenda, (at, next(self._ticks), planned))

    def _next_arrival(self) -> None:
        arrival = next(self._arrivals, None)
        if arrival is None:
            return
        name = f"w{len(self._contacts) + 1:06}"
        contact = self._contacts[name] = Contact(arrival)
        self.day.contacts.append(contact)
        item = new_item(
            self._config.queues[arrival.queue],
            arrival.channel,
            id=name,
            interaction=f"i{name}",
            now=arrival.at,
            band=arrival.band,
        )
        self._plan(arrival.at, i.ItemQueued(item))
        if arrival.patience_ms is not None and not self._manners.patient:
            self._plan(arrival.at + arrival.patience_ms, i.ItemLeft(name, Outcome.ABANDONED))

    def _step(self, inputs: list[i.Input], now: int) -> None:
        for each in inputs:
            if isinstance(each, i.ReservationAccepted):
                self._talk(self._items.pop(each.reservation), each.segment, now)
            elif isinstance(each, i.SegmentEnded):
                line, took = self._ends.pop(each.segment)
                self._handled[line].append((now, took))
        came = [each.item for each in inputs if isinstance(each, i.ItemQueued)]
        for decision in self._engine.step(inputs, now):
            self.day.decisions += 1
            if isinstance(decision, d.OfferMade):
                visit = decision.work_item
                self._items[decision.reservation] = self._moved.get(visit, visit)
                self._asked[decision.reservation] = decision.agent
                after = now + int(self._dice.uniform(*self._manners.answer_s) * 1000)
                self._plan(
                    after,
                    i.ReservationAccepted(
                        decision.reservation, f"s{decision.reservation}", at=after
                    ),
                )
            elif isinstance(decision, d.VisitOpened):
                contact = decision.item.interaction.removeprefix("i")
                self._moved[contact] = decision.item.id
                self._moved[decision.item.id] = contact
            elif isinstance(decision, d.OfferEnded):
                self._items.pop(decision.reservation, None)
            elif isinstance(decision, d.AgentUpdated):
                self._note(decision, now)
        for item in came if self._manners.told else ():
            self._tell(item, now)

    def _tell(self, item: WorkItem, now: int) -> None:
        """What the centre would tell a new customer (routing.waits): the same outlook."""
        visits, offers, segments, rows = self._engine.holding()
        visit = visits.get(item.id)
        if visit is None or visit.state is VisitState.OFFERED:
            return
        load: dict[str, int] = defaultdict(int)
        for offer in offers.values():
            load[offer.agent] += offer.cost
        for segment in segments.values():
            load[segment.agent] += segment.cost
        outlook = Outlook(
            (
                Waiting(
                    each.item.id,
                    (each.item.queue, each.item.channel),
                    each.item.cost,
                    each.item.order_key(now),
                    each.state is VisitState.OFFERED,
                )
                for each in visits.values()
            ),
            [self._desk(row, load[row.id]) for row in rows if row.will is Will.AVAILABLE],
            lambda line: self._handling(line, now),
        )
        for place in outlook.places([item.queue])[item.queue]:
            if place.id == item.id and place.wait_ms is not None:
                self._contacts[item.id].told = (place.wait_ms, now)

    def _desk(self, row: AgentRow, load: int) -> Desk:
        agent = self._config.agents[row.id]
        queues = (
            key
            for key, queue in self._config.queues.items()
            if all(agent.skills.get(need.skill, 0) >= need.min for need in queue.require)
        )
        maxima = {channel.value: most for channel, most in agent.maxima.items()}
        return Desk(frozenset(queues), frozenset(row.channels), agent.budget, load, maxima)

    def _handling(self, line: Line, now: int) -> Handling:
        """As in the last hour; as long as too little has ended, as is usual."""
        queue, channel = line
        ended = self._handled[line]
        while ended and ended[0][0] < now - HOUR:
            ended.popleft()
        known = len(ended) >= HANDLING_SAMPLES
        mean = sum(took for _, took in ended) / len(ended) if known else HANDLE_MS[Channel(channel)]
        cost = self._config.queues[queue].policies[Channel(channel)].cost
        return Handling(round(mean), len(ended), cost)

    def _talk(self, item: str, segment: str, now: int) -> None:
        """Plan the end of the talk and of the paperwork."""
        arrival = self._contacts[item].arrival
        policy = self._config.queues[arrival.queue].policies[arrival.channel]
        talked = now + arrival.handle_ms
        begun = now
        if policy.wrap is WrapMode.TIMED and arrival.wrap_ms:
            self._plan(talked, i.WrapStarted(segment, None, policy.wrap_blocks, at=talked))
            talked += arrival.wrap_ms
        self._plan(talked, i.SegmentEnded(segment, at=talked))
        self._ends[segment] = ((arrival.queue, arrival.channel), talked - begun)

    def _note(self, update: d.AgentUpdated, now: int) -> None:
        """Being rung and nothing else is neither busy nor free."""
        self._count(update.agent, now)
        rings_only = update.status == "offered" and update.open_items == 1
        gone = update.status in {"away", "offline"} and update.open_items == 0
        self._busy[update.agent] = None if rings_only or gone else update.open_items > 0

    def _count(self, agent: str, until: int) -> None:
        """Add the agent's time since the last change to the half hours it fell in."""
        since = self._since[agent]
        until = min(until, self.day.end)
        busy = self._busy[agent]
        kind = self.day.busy if busy else self.day.free
        while since < until and busy is not None:
            half = since - since % HALF_HOUR
            part = min(until, half + HALF_HOUR)
            kind[half] = kind.get(half, 0) + part - since
            since = part
        self._since[agent] = max(self._since[agent], until)
