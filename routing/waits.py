"""Where those who wait stand and how long it will be (outlook), and what came true of it.

The first estimate of a visit is kept with it, and said as a fact: analytics holds it against the
wait. Whoever rings at an agent before a second has passed was told nothing, and has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contactcenter.core.moments import to_ms
from contactcenter.core.work import WorkFactory
from contactcenter.events.interactions import InteractionWaitEstimated
from db import Connection, Record
from routing import queue_store
from routing.book import QueueBook
from routing.core.model import Channel
from routing.outlook import (
    HANDLING_SAMPLES,
    TOLD_CHANNELS,
    Desk,
    Estimate,
    Handling,
    Line,
    Outlook,
    Waiting,
)

HANDLING_WINDOW: Final = timedelta(hours=1)
HANDLING_HOLDS: Final = timedelta(seconds=10)
"""Means of the last hour are read again after so long."""

FIRST_WITHIN: Final = timedelta(seconds=15)
"""An estimate made later is not the one that was told first: the router was away."""


@dataclass(frozen=True, slots=True)
class QueuePosition:
    interaction_id: UUID
    conversation_id: UUID
    position: int
    """From 1, within its queue."""
    estimated_wait_seconds: int | None
    """None: nobody of the queue is there, or an agent is being asked already."""


@dataclass(frozen=True, slots=True)
class View:
    """The outlook at one moment, and the visits it is of."""

    outlook: Outlook
    visits: dict[UUID, Record]

    def positions(self, queue: str) -> list[QueuePosition]:
        return [
            QueuePosition(
                interaction_id=self.visits[place.id]["interaction_id"],
                conversation_id=self.visits[place.id]["conversation_id"],
                position=place.position,
                estimated_wait_seconds=seconds(place.wait_ms),
            )
            for place in self.outlook.places([queue])[queue]
        ]


class Waits:
    """Reads the outlook, and keeps first estimates."""

    def __init__(self, book: QueueBook) -> None:
        self._book = book
        self._means: tuple[datetime, dict[Line, tuple[float, int]]] | None = None

    async def view(self, conn: Connection, now: datetime) -> View:
        """What waits, who is there, and how long things have taken."""
        at = to_ms(now)
        visits = {row["id"]: row for row in await queue_store.waiting(conn)}
        desks = [
            Desk(
                queues=frozenset(row["queues"]),
                channels=frozenset(row["channels"]),
                budget=row["budget"],
                load=row["load"],
                maxima=row["maxima"],
            )
            for row in (await queue_store.staff(conn) if visits else ())
        ]
        queues = await self._book.all(conn)
        means = await self._handling(conn, now)

        def handling(line: Line) -> Handling:
            queue, channel = queues[line[0]], Channel(line[1])
            mean, samples = means.get(line, (0.0, 0))
            known = round(mean) if samples >= HANDLING_SAMPLES else queue.handle_ms[channel]
            return Handling(known, samples, queue.core.policies[channel].cost)

        waiting = (_waiting(row, at) for row in visits.values())
        return View(Outlook(waiting, desks, handling), visits)

    async def _handling(self, conn: Connection, now: datetime) -> dict[Line, tuple[float, int]]:
        if self._means is None or abs(now - self._means[0]) >= HANDLING_HOLDS:
            self._means = (now, await queue_store.handling(conn, now - HANDLING_WINDOW))
        return self._means[1]

    async def positions(
        self, conn: Connection, queues: Iterable[str], now: datetime
    ) -> dict[str, list[QueuePosition]]:
        """Everybody who waits in these queues, in order, with an estimate each."""
        view = await self.view(conn, now)
        return {queue: view.positions(queue) for queue in queues}

    async def places(
        self, conn: Connection, interaction_ids: Collection[UUID], now: datetime
    ) -> dict[UUID, QueuePosition]:
        """Where each of these interactions stands; absent: it does not wait."""
        if not interaction_ids:
            return {}
        view, wanted = await self.view(conn, now), set(interaction_ids)
        queues = {v["queue"] for v in view.visits.values() if v["interaction_id"] in wanted}
        return {
            place.interaction_id: place
            for queue in queues
            for place in view.positions(queue)
            if place.interaction_id in wanted
        }

    async def keep(self, work: WorkFactory, now: datetime) -> int:
        """Keep and tell the first estimates of those who came a moment ago; how many."""
        since = now - FIRST_WITHIN
        async with work.reading("waits.read", snapshot=True) as conn:
            if not await queue_store.unestimated(conn, TOLD_CHANNELS, since):
                return 0
            view = await self.view(conn, now)
        fresh = {
            key: visit
            for key, visit in view.visits.items()
            if visit["estimated_ms"] is None
            and visit["channel"] in TOLD_CHANNELS
            and visit["entered_at"] >= since
        }
        places = view.outlook.places({visit["queue"] for visit in fresh.values()})
        estimates = {
            place.id: place
            for line in places.values()
            for place in line
            if place.id in fresh and place.wait_ms is not None
        }
        if not estimates:
            return 0
        async with work.begin("waits.keep", "router") as unit:
            first = {key: place.wait_ms or 0 for key, place in estimates.items()}
            kept = await queue_store.keep_estimates(unit.conn, first)
            for key in sorted(kept):
                visit = fresh[key]
                unit.emit(
                    InteractionWaitEstimated(
                        interaction_id=visit["interaction_id"],
                        work_item_id=key,
                        queue=visit["queue"],
                        channel=visit["channel"],
                        position=estimates[key].position,
                        estimated_ms=first[key],
                    )
                )
        return len(kept)


def estimate_of(view: View, line: Line, band: int) -> tuple[Estimate, float, int | None]:
    """(inputs, who comes before an item that enters now, its estimate in seconds)."""
    inputs = view.outlook.estimate(line)
    ahead = view.outlook.last(line, band)
    return inputs, ahead, seconds(inputs.wait_ms(ahead))


def seconds(wait_ms: int | None) -> int | None:
    """Milliseconds as whole seconds, rounded up."""
    return None if wait_ms is None else -(-wait_ms // 1000)


def _waiting(row: Record, now_ms: int) -> Waiting:
    return Waiting(
        id=row["id"],
        line=(row["queue"], row["channel"]),
        cost=row["cost"],
        order=_order(row, now_ms),
        ringing=row["ringing"],
        told_ms=row["estimated_ms"],
    )


def _order(row: Record, now_ms: int) -> tuple[int, bool, int, int, str]:
    """The router's order of items, as `WorkItem.order_key` has it."""
    start = to_ms(row["virtual_start"])
    waited = min(max(now_ms - start, 0), row["target_ms"])
    score = row["base"] * 1000 + row["boost"] * 1000 * waited // row["target_ms"]
    return (row["band"], not row["front"], -score, start, str(row["id"]))
