"""A small language for writing a stretch of a centre's day as facts, for the figures' examples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from contactcenter.analytics.ledger import Ledger, Reader
from contactcenter.analytics.metrics import Tally, Thresholds
from contactcenter.core.event import Event
from contactcenter.events import agents as a
from contactcenter.events import interactions as i
from contactcenter.events import routing as r

NINE = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # nine o'clock in Madrid
BASE_MS = int(NINE.timestamp() * 1000)
_ids = count(1)


def new_id() -> UUID:
    return UUID(int=next(_ids))


def agent_id(name: str) -> UUID:
    return UUID(int=int.from_bytes(name.encode(), "big") << 32)


@dataclass
class Item:
    queue: str
    channel: str
    cost: int
    interaction_id: UUID = field(default_factory=new_id)
    conversation_id: UUID = field(default_factory=new_id)
    work_item_id: UUID = field(default_factory=new_id)
    segment_id: UUID = field(default_factory=new_id)
    reservation_id: UUID = field(default_factory=new_id)
    agent: UUID = field(default_factory=new_id)
    entered_s: float = 0
    round: int = 0


COST = {"voice": 100, "chat": 25, "whatsapp": 20, "sms": 10, "email": 10}


class Day:
    """Facts with times in seconds after nine."""

    def __init__(self) -> None:
        self.facts: list[tuple[int, Event]] = []

    def at(self, seconds: float) -> datetime:
        return NINE + timedelta(seconds=seconds)

    def add(self, seconds: float, event: Event) -> None:
        self.facts.append((BASE_MS + round(seconds * 1000), event))

    def sign_in(self, who: str, seconds: float = 0, status: str = "available") -> UUID:
        agent = agent_id(who)
        self.add(
            seconds,
            a.AgentPresenceChanged(agent_id=agent, present=True, at=self.at(seconds)),
        )
        self.status(who, status, seconds)
        return agent

    def status(self, who: str, status: str, seconds: float) -> None:
        self.add(seconds, a.AgentStatusChanged(agent_id=agent_id(who), status=status))

    def enter(
        self,
        seconds: float,
        queue: str = "SA",
        channel: str = "voice",
        entry: str = "new",
        item: Item | None = None,
        band: int = 2,
    ) -> Item:
        if item is None:
            item = Item(queue, channel, COST[channel])
        else:
            item = Item(
                queue,
                item.channel,
                item.cost,
                interaction_id=item.interaction_id,
                conversation_id=item.conversation_id,
            )
        item.entered_s = seconds
        self.add(
            seconds,
            i.InteractionQueued(
                interaction_id=item.interaction_id,
                work_item_id=item.work_item_id,
                queue=item.queue,
                channel=item.channel,
                entry=entry,
                band=band,
                base=50,
                virtual_start=self.at(seconds),
                entered_at=self.at(seconds),
                cost=item.cost,
                contact_id=new_id(),
            ),
        )
        return item

    def arrive(
        self,
        seconds: float,
        channel: str = "voice",
        direction: str = "inbound",
        asks: float | None = -1,
    ) -> Item:
        """Somebody comes in and enters a queue: at once, at another moment, or (None) never."""
        item = Item("SA", channel, COST[channel])
        self.add(
            seconds,
            i.InteractionCreated(
                interaction_id=item.interaction_id,
                conversation_id=item.conversation_id,
                contact_id=new_id(),
                channel=channel,
                direction=direction,
            ),
        )
        if asks is None:
            return item
        entered = seconds if asks == -1 else asks
        queued = self.enter(entered, item=item)
        if entered < seconds:  # the fact is told when the call is there
            told = self.facts.pop()
            self.add(seconds, told[1])
        return queued

    def set_clock(self, seconds: float, by_s: float) -> None:
        """From now on the clock shows so much more; nothing was written on it yet."""
        self.add(
            seconds,
            r.RoutingClockSet(
                node="node",
                by_ms=round(by_s * 1000),
                known_after=self.at(seconds + by_s),
                known_until=self.at(seconds + by_s),
            ),
        )

    def estimate(self, item: Item, seconds: float, wait_s: float) -> None:
        self.add(
            seconds,
            i.InteractionWaitEstimated(
                interaction_id=item.interaction_id,
                work_item_id=item.work_item_id,
                queue=item.queue,
                channel=item.channel,
                position=1,
                estimated_ms=round(wait_s * 1000),
            ),
        )

    def ring(self, item: Item, who: str, seconds: float) -> None:
        item.agent = agent_id(who)
        item.reservation_id = new_id()
        item.round += 1
        self.add(
            seconds,
            r.ReservationCreated(
                **self._offer(item), round=item.round, expires_at=self.at(seconds + 15)
            ),
        )

    def miss(self, item: Item, seconds: float) -> None:
        self.add(seconds, r.ReservationTimedOut(**self._offer(item)))

    def answer(self, item: Item, who: str, seconds: float) -> None:
        item.agent = agent_id(who)
        self.add(
            seconds,
            r.ReservationAccepted(
                **self._offer(item),
                segment_id=item.segment_id,
                cost=item.cost,
                waited_ms=round((seconds - item.entered_s) * 1000),
                how="offer",
            ),
        )

    def leave(self, item: Item, seconds: float, outcome: str = "abandoned") -> None:
        self.add(
            seconds,
            i.InteractionDequeued(
                interaction_id=item.interaction_id,
                work_item_id=item.work_item_id,
                queue=item.queue,
                channel=item.channel,
                outcome=outcome,
                waited_ms=round((seconds - item.entered_s) * 1000),
            ),
        )

    def hold(self, item: Item, seconds: float) -> None:
        self.add(seconds, i.InteractionHeld(**self._part(item)))

    def resume(
        self, item: Item, seconds: float, cost: int | None = None, cause: str = "agent"
    ) -> None:
        cost = item.cost if cost is None else cost
        self.add(seconds, i.InteractionResumed(**self._part(item), cause=cause, cost=cost))

    def park(self, item: Item, seconds: float) -> None:
        self.add(seconds, i.InteractionParked(**self._part(item), why="waiting_customer", cost=0))

    def write(self, item: Item, seconds: float) -> None:
        self.add(
            seconds,
            i.MessageCreated(
                message_id=new_id(),
                conversation_id=item.conversation_id,
                interaction_id=item.interaction_id,
                sender="agent",
                kind="text",
                agent_id=item.agent,
            ),
        )

    def wrap(self, item: Item, seconds: float) -> None:
        self.add(
            seconds,
            i.InteractionWrapStarted(
                **self._part(item),
                wrap_deadline=None,
                blocks=item.channel == "voice",
                cost=item.cost,
                talked_ms=0,
                held_ms=0,
            ),
        )

    def done(self, item: Item, seconds: float, *, timed_out: bool = False) -> None:
        about = {**self._part(item), "wrap_ms": 0, "timed_out": timed_out}
        disposition = "none" if timed_out else "resolved"
        self.add(seconds, i.InteractionWrappedUp(**about, disposition=disposition))

    def transfer(self, item: Item, seconds: float, to: str) -> None:
        part = self._part(item)
        self.add(
            seconds,
            i.InteractionTransferred(**part, to_queue=to, talked_ms=0, held_ms=0, cause="agent"),
        )

    def close(self, item: Item, seconds: float, reason: str = "completed") -> None:
        self.add(
            seconds,
            i.InteractionClosed(
                interaction_id=item.interaction_id,
                conversation_id=item.conversation_id,
                channel=item.channel,
                reason=reason,
            ),
        )

    def call(self, who: str, enter: float, answer: float, wrap: float, done: float) -> Item:
        item = self.enter(enter)
        self.ring(item, who, enter)
        self.answer(item, who, answer)
        self.wrap(item, wrap)
        self.done(item, done)
        return item

    def _offer(self, item: Item) -> dict[str, Any]:
        return {
            "reservation_id": item.reservation_id,
            "work_item_id": item.work_item_id,
            "interaction_id": item.interaction_id,
            "agent_id": item.agent,
            "queue": item.queue,
            "channel": item.channel,
        }

    def _part(self, item: Item) -> dict[str, Any]:
        return {
            "interaction_id": item.interaction_id,
            "segment_id": item.segment_id,
            "agent_id": item.agent,
            "channel": item.channel,
        }

    def ledger(self) -> Ledger:
        ledger = Ledger()
        for at_ms, event in sorted(self.facts, key=lambda fact: fact[0]):
            ledger.apply(event, at_ms)
        return ledger

    def tally(self, until_s: float, limits: Thresholds | None = None) -> Tally:
        """Everything, read at a moment."""
        ledger = self.ledger()
        queues = {visit.queue for visit in ledger.visits.values()}
        reader = Reader(ledger, {} if limits is None else dict.fromkeys(queues, limits))
        return total(
            reader.tally(key, BASE_MS + round(until_s * 1000)) for key in sorted(ledger.cells)
        )


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
