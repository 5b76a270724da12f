"""Follows the log and tells the sockets of this node."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final
from uuid import UUID

import structlog

from contactcenter.core import eventlog
from contactcenter.core.bus import Bus
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Unavailable
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Notice, Recorded
from contactcenter.core.work import WorkFactory
from contactcenter.events.identity import SessionEnded, UserChanged
from contactcenter.realtime.hub import Hub
from contactcenter.realtime.ports import Calls, Place, Queues, Sessions
from contactcenter.realtime.projections import BY_EVENT, MOVES_QUEUE, SNAPSHOT, project
from contactcenter.realtime.server import Gateway

log = structlog.get_logger(__name__)

PLACES_SECONDS: Final = 1.0
"""Visitors are told of their place at most this often."""
RETRY_SECONDS: Final = (0.05, 0.2, 0.5, 1.0)

PUT_OUT_KEPT: Final = 1000
"""How many events that were carried out are known again when they are told a second time."""

TYPES: Final[tuple[type[Event], ...]] = (*BY_EVENT, SessionEnded, UserChanged)


class Projector:
    """Handles one batch after the other; what it sends is in the log's order."""

    def __init__(
        self,
        work: WorkFactory,
        bus: Bus,
        clock: Clock,
        hub: Hub,
        gateway: Gateway,
        sessions: Sessions,
        queues: Queues,
        calls: Calls,
    ) -> None:
        self._work = work
        self._clock = clock
        self._bus = bus
        self._hub = hub
        self._gateway = gateway
        self._sessions = sessions
        self._put_out_by: OrderedDict[tuple[int, Event], None] = OrderedDict()
        self._queues = queues
        self._calls = calls
        self._places = Places()
        gateway.on_visitor_snapshot = self._places.doubt
        self._turn = asyncio.Lock()  # batches and places: one sender at a time

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._bus.hear(self.hear)
        subscription = await self._bus.subscribe("realtime", self.handle, TYPES)
        places = asyncio.create_task(self._follow_places(), name="realtime-places")
        try:
            yield
        finally:
            places.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await places
            await subscription.close()

    async def handle(self, batch: list[Recorded]) -> None:
        """Tell a batch, once the database answers: a batch left out would be a gap that no client
        can see. One that cannot be told at all makes every client ask for a new snapshot."""
        for recorded in batch:
            await self._put_out(recorded.position.xid, recorded.event)
        async with self._turn:
            attempt = 0
            while True:
                try:
                    await self._tell(batch)
                    break
                except Unavailable:
                    log.warning("projection_waits_for_the_database", attempt=attempt)
                    await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                    attempt += 1
                except Exception:
                    log.exception("projection_failed", events=len(batch))
                    await self._gateway.let_go()
                    break

    async def _tell(self, batch: Sequence[Recorded]) -> None:
        self._places.touch(
            getattr(r.event, "queue", "") for r in batch if isinstance(r.event, MOVES_QUEUE)
        )
        if not self._hub.connections():
            return
        async with self._work.reading("realtime.project") as conn:
            emissions = await project(conn, batch, self._hub.occupied, self._calls)
        for e in emissions:
            if e.name != SNAPSHOT:
                self._hub.emit(e.namespace, e.room, e.name, e.payload, e.cursor)
                continue
            for connection in self._hub.members(e.namespace, e.room):
                await self._gateway.begin_anew(connection)

    async def hear(self, notice: Notice | None) -> None:
        """Put out at the commit whom the log, which may be held back, will put out too."""
        if notice is not None:
            await self._put_out(notice.xid, notice.event)
        else:
            self._sessions.forget(None)
            await self._gateway.end_others(self._sessions.still)

    async def _put_out(self, xid: int, event: Event) -> None:
        """End the sockets of a session or a user. It is told twice, and done by what comes first:
        whoever is back meanwhile came in under what holds now. The session is forgotten before,
        or a quick client came in by what this node still believed."""
        if not isinstance(event, SessionEnded | UserChanged):
            return
        if (xid, event) in self._put_out_by:
            del self._put_out_by[xid, event]
            return
        self._put_out_by[xid, event] = None  # before it waits: the second may come meanwhile
        if len(self._put_out_by) > PUT_OUT_KEPT:
            self._put_out_by.popitem(last=False)
        try:
            self._sessions.forget(event)
            if isinstance(event, SessionEnded):
                await self._gateway.end_session(event.session_id)
            else:
                await self._gateway.end_user(event.user_id)
        except BaseException:
            self._put_out_by.pop((xid, event), None)
            raise

    # Places in line

    async def _follow_places(self) -> None:
        while True:
            await asyncio.sleep(PLACES_SECONDS)
            try:
                await self.tell_places()
            except Unavailable:
                log.warning("places_not_read")
            except Exception:
                log.exception("places_failed")

    async def tell_places(self) -> None:
        """Tell waiting visitors of their place where it has changed.

        Places are read with the log's position at that moment: what the log has told so far may
        be older, and a client whose snapshot lies in between would take them for known. While an
        older transaction holds the log back, that position stands still: a client whose snapshot
        has the same one passes the news over. So it is told again until the log has caught up.
        """
        touched = self._places.take_touched()
        if not self._hub.rooms("/chat", "conversation:"):
            return
        if not touched:
            return
        try:
            async with self._turn:
                await self._tell_places_in(touched)
        except BaseException:
            self._places.touch(touched)
            raise

    async def _tell_places_in(self, queues: Sequence[str]) -> None:
        async with self._work.reading("realtime.places", snapshot=True) as conn:
            cursor = (await eventlog.tip(conn)).cursor()
            ahead = await eventlog.ahead(conn)
            places = await self._queues.positions(conn, queues, self._clock.now())
            callers = await self._calls.waiting(
                conn, [p.conversation_id for line in places.values() for p in line]
            )
        for queue, line in places.items():
            for conversation_id, payload in self._places.news(queue, line, sure=not ahead):
                name = "queue.position"
                if conversation_id in callers:  # told in the chat that they called from
                    conversation_id, call_id = callers[conversation_id]
                    name, payload = "call.position", {**payload, "call_id": str(call_id)}
                self._hub.emit("/chat", f"conversation:{conversation_id}", name, payload, cursor)


class Places:
    """What each queue's waiting visitors have been told; PURE but for its memory.

    A rising estimate is not announced (domain 1.11): the lowest one told so far stands while the
    visitor waits. What may have been passed over is told again: `_unsure`.
    """

    def __init__(self) -> None:
        self._touched: dict[str, None] = {}
        self._told: dict[str, dict[UUID, tuple[int, int | None]]] = {}
        self._unsure: set[UUID] = set()

    def touch(self, queues: Iterable[str]) -> None:
        """Something moved in these queues."""
        self._touched.update(dict.fromkeys(queues))

    def take_touched(self) -> list[str]:
        """The queues to look at, each once."""
        touched, self._touched = list(self._touched), {}
        return touched

    def doubt(self, conversation_id: UUID) -> None:
        """A new snapshot told this visitor a place that may not be the last one told here."""
        for queue, told in self._told.items():
            if conversation_id in told:
                self._unsure.add(conversation_id)
                self.touch([queue])

    def news(
        self, queue: str, places: Iterable[Place], *, sure: bool = True
    ) -> list[tuple[UUID, dict[str, str | int | None]]]:
        """(conversation, payload) for everybody whose place or estimate changed, or who may not
        have taken in what they were told. Not `sure`: they may not take this in either."""
        before = self._told.get(queue, {})
        now: dict[UUID, tuple[int, int | None]] = {}
        changed: list[tuple[UUID, dict[str, str | int | None]]] = []
        for place in places:
            told = before.get(place.conversation_id)
            estimate = _not_rising(told[1] if told else None, place.estimated_wait_seconds)
            now[place.conversation_id] = (place.position, estimate)
            unsure = place.conversation_id in self._unsure
            if now[place.conversation_id] != told or unsure:
                changed.append(
                    (
                        place.conversation_id,
                        {
                            "conversation_id": str(place.conversation_id),
                            "position": place.position,
                            "estimated_wait_seconds": estimate,
                        },
                    )
                )
        self._told[queue] = now
        self._unsure -= before.keys() | now.keys()
        if changed and not sure:
            self._unsure.update(conversation_id for conversation_id, _ in changed)
            self.touch([queue])
        return changed


def _not_rising(told: int | None, estimate: int | None) -> int | None:
    return estimate if told is None or estimate is None else min(told, estimate)
