"""Durable listeners: the effect of an event and the listener's position in one transaction.

An event has its effect exactly once, whatever is killed when. One node holds a listener at a time;
the lock spares the others the work, and the position's row, read under a lock at the beginning of
each transaction, keeps a node that lost its hold from doing anything twice.

A handler that fails is tried again with growing pauses. After ATTEMPTS failures the event is
parked, and so are later ones of its subject, which would otherwise overtake it; the rest go on.
`retry` makes the holder try the parked events of that subject again, oldest first.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import structlog

import db
from contactcenter.core import eventlog, metrics
from contactcenter.core.errors import NotFound, Unavailable
from contactcenter.core.event import Catalogue, Event, Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.feed import Feed
from contactcenter.core.work import Work, WorkFactory, database_trouble

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 5
BACK_OFF_SECONDS: Final = (0.1, 5.0)
HOLD_POLL_SECONDS: Final = 1.0
BATCH: Final = 200
BATCH_SECONDS: Final = 0.5  # a transaction holds the log's horizon back for everybody
IDLE_SECONDS: Final = 10.0  # how often a listener that has nothing to do moves its position on

BEHIND: Final = "behind a parked event of the same subject"

ENROL = """
INSERT INTO listener_cursors (listener, xid, id) VALUES ($1, $2::xid8, $3)
ON CONFLICT DO NOTHING
"""
CURSOR = "SELECT xid, id FROM listener_cursors WHERE listener = $1"
LOCK_CURSOR = "SELECT xid, id FROM listener_cursors WHERE listener = $1 FOR UPDATE"
MOVE = """
UPDATE listener_cursors SET xid = $2::xid8, id = $3, updated_at = now() WHERE listener = $1
"""
PARKED_SUBJECTS = """
SELECT DISTINCT subject FROM parked_events WHERE listener = $1 AND subject = ANY ($2::text[])
"""
ANY_PARKED = "SELECT EXISTS (SELECT FROM parked_events WHERE listener = $1)"
PARK = """
INSERT INTO parked_events (listener, event_id, subject, failures, error)
VALUES ($1, $2, $3, $4, $5)
"""
ASKED_SUBJECTS = "SELECT DISTINCT subject FROM parked_events WHERE listener = $1 AND retry"
OLDEST_PARKED = """
SELECT p.event_id FROM parked_events p JOIN event_log e ON e.id = p.event_id
WHERE p.listener = $1 AND p.subject = $2
ORDER BY e.xid, e.id
LIMIT 1
"""
RELEASE = "DELETE FROM parked_events WHERE listener = $1 AND event_id = $2"
FAILED_AGAIN = """
UPDATE parked_events SET failures = failures + (event_id = $3)::int,
    error = CASE WHEN event_id = $3 THEN $4 ELSE error END, retry = false
WHERE listener = $1 AND subject = $2
"""
PARKED_COUNTS = "SELECT listener, count(*) AS parked FROM parked_events GROUP BY listener"
RETRIES_ASKED = "SELECT DISTINCT listener FROM parked_events WHERE retry"
PARKED = """
SELECT p.listener, p.event_id, e.type, p.subject, p.failures, p.error, p.parked_at, p.retry
FROM parked_events p JOIN event_log e ON e.id = p.event_id
ORDER BY p.listener, e.xid, e.id
"""
ASK_RETRY = "UPDATE parked_events SET retry = true WHERE event_id = $1"


@dataclass(frozen=True, slots=True)
class Listener:
    """A durable listener. `handle` makes its effect with `work`, which also commits its position.

    It touches nothing outside the database: for that it enqueues a job. A new listener begins at
    the log's beginning. `together` does for several in a row what `handle` does for each of them.
    """

    name: str
    types: tuple[type[Event], ...]
    handle: Callable[[Work, Recorded], Awaitable[None]]
    together: Callable[[Work, Sequence[Recorded]], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that a listener failed on, or one of the same subject behind it."""

    listener: str
    event_id: int
    type: str
    subject: str
    failures: int
    error: str  # the exception's class, without its text
    parked_at: datetime
    retry: bool


class Holder(Protocol):
    """Decides among the nodes who runs a listener; the bus."""

    position: Position  # the last one that this process has read

    async def try_hold(self, name: str) -> bool: ...

    def holds(self, name: str) -> bool: ...

    async def let_go(self, name: str) -> None: ...


async def parked(conn: db.Connection) -> list[ParkedEvent]:
    """Everything that is parked, by listener and then in the log's order."""
    return [ParkedEvent(**row) for row in await conn.fetch(PARKED)]


async def retry(conn: db.Connection, event_id: int) -> None:
    """Have an event's listeners try it again, and then what waits behind it.

    The node that holds the listener does so within about a second. Raises NotFound for an event
    that is not parked.
    """
    if await conn.execute(ASK_RETRY, event_id) == "UPDATE 0":
        raise NotFound("No parked event has this id.")


async def parked_counts(conn: db.Connection) -> dict[str, int]:
    """Listener → number of its parked events."""
    return {row["listener"]: row["parked"] for row in await conn.fetch(PARKED_COUNTS)}


async def retries_asked(conn: db.Connection) -> list[str]:
    """The listeners that have something to try again."""
    return [row["listener"] for row in await conn.fetch(RETRIES_ASKED)]


class _HandlerFailed(Exception):  # noqa: N818 -- never leaves this module
    """The handler raised `cause` on the event at `index` of the batch."""

    def __init__(self, cause: BaseException, index: int) -> None:
        super().__init__(index)
        self.cause, self.index = cause, index


class _TransactionLost(Exception):  # noqa: N818 -- never leaves this module
    """The database ended the transaction: too long, a deadlock, or the database is gone."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause


class _Overtaken(Exception):  # noqa: N818 -- never leaves this module
    """Another node has moved the position."""


class ListenerRun:
    """One listener on this node: waiting for the hold, or holding it and working."""

    def __init__(
        self,
        listener: Listener,
        feed: Feed,
        work: WorkFactory,
        catalogue: Catalogue,
        holder: Holder,
    ) -> None:
        self._listener = listener
        self._name = listener.name
        self._feed = feed
        self._work = work
        self._catalogue = catalogue
        self._holder = holder
        self._cursor = eventlog.START
        self._limit = BATCH
        self._failures = 0  # of the event right after the cursor
        self._any_parked = False
        self._retry_asked = False

    def retry_soon(self) -> None:
        """Somebody asked for a parked event to be tried again."""
        self._retry_asked = True
        self._feed.stir()

    async def run(self) -> None:
        """Until cancelled: get hold of the listener, work, and start over when the hold is lost."""
        while True:
            try:
                if await self._holder.try_hold(self._name):
                    try:
                        await self._load()
                        while self._holder.holds(self._name):
                            await self._turn()
                    finally:
                        with contextlib.suppress(Unavailable):
                            await self._holder.let_go(self._name)
            except (_Overtaken, _TransactionLost, Unavailable) as error:
                log.info("listener_interrupted", listener=self._name, error=type(error).__name__)
            except Exception:
                log.exception("listener_stumbled", listener=self._name)
            await asyncio.sleep(HOLD_POLL_SECONDS)

    async def _load(self) -> None:
        async with self._work.begin("listener.load", f"listener:{self._name}") as work:
            await work.conn.execute(ENROL, self._name, *eventlog.START)
            row = await work.conn.fetchrow(CURSOR, self._name)
            assert row is not None
            self._any_parked = await work.conn.fetchval(ANY_PARKED, self._name)
        self._cursor = Position(row["xid"], row["id"])
        self._failures = 0
        self._retry_asked = self._any_parked
        self._feed.rewind()

    async def _turn(self) -> None:
        if self._retry_asked:
            await self._retry_parked()
        read_so_far = self._holder.position
        batch = await self._feed.next(self._cursor, self._limit, timeout=IDLE_SECONDS)
        if batch:
            await self._attempt(batch)
        elif self._feed.current and read_so_far > self._cursor:
            async with self._unit() as work:
                await work.conn.execute(MOVE, self._name, *read_so_far)
            self._cursor = read_so_far
            metrics.LISTENER_LAG.labels(self._name).set(0)

    async def _attempt(self, batch: list[Recorded]) -> None:
        """Apply a batch; after a failure, what came before it, and then it alone."""
        try:
            last = await self._apply(batch)
        except _HandlerFailed as failure:
            if failure.index == 0:
                await self._failed(batch[0], failure.cause)
            else:
                self._limit = failure.index
        except _TransactionLost as lost:
            if len(batch) == 1:
                await self._failed(batch[0], lost.cause)
            else:
                self._limit = len(batch) // 2
        else:
            self._cursor = last.position
            self._failures, self._limit = 0, BATCH
            metrics.LISTENER_LAG.labels(self._name).set(
                max(0.0, time.time() - last.recorded_at.timestamp())
            )

    async def _apply(self, batch: list[Recorded]) -> Recorded:
        """Handle events and move the position in one transaction; answers the last one handled."""
        begun = time.monotonic()
        async with self._unit() as work:
            blocked = await self._blocked(work.conn, batch)
            if self._listener.together is not None and not blocked and len(batch) > 1:
                await self._handle_together(work, batch)
                await work.conn.execute(MOVE, self._name, *batch[-1].position)
                return batch[-1]
            last = batch[0]
            for index, record in enumerate(batch):
                if record.event.subject in blocked:
                    await self._park(work.conn, record, 0, BEHIND)
                else:
                    await self._handle(work, record, index)
                last = record
                if time.monotonic() - begun > BATCH_SECONDS:
                    break
            await work.conn.execute(MOVE, self._name, *last.position)
        return last

    async def _handle(self, work: Work, record: Recorded, index: int = 0) -> None:
        work.follow(record.trace)
        try:
            await self._listener.handle(work, record)
        except Exception as error:
            if database_trouble(error):
                raise
            raise _HandlerFailed(error, index) from error

    async def _handle_together(self, work: Work, batch: list[Recorded]) -> None:
        assert self._listener.together is not None
        try:
            await self._listener.together(work, batch)
        except Exception as error:
            if database_trouble(error):
                raise
            raise _HandlerFailed(error, len(batch) // 2) from error  # which one, halves will tell

    @contextlib.asynccontextmanager
    async def _unit(self) -> AsyncIterator[Work]:
        """A transaction that nobody shares who also believes to hold this listener.

        Raises _Overtaken when the position is not where this node left it, and _TransactionLost
        when the database ended the transaction.
        """
        begun = False
        try:
            async with self._work.begin(f"listener.{self._name}", f"listener:{self._name}") as work:
                row = await work.conn.fetchrow(LOCK_CURSOR, self._name)
                if row is None or Position(row["xid"], row["id"]) != self._cursor:
                    raise _Overtaken
                begun = True
                yield work
        except Unavailable as error:
            if begun:
                raise _TransactionLost(error.__cause__ or error) from error
            raise

    async def _blocked(self, conn: db.Connection, batch: list[Recorded]) -> set[str]:
        if not self._any_parked:
            return set()
        subjects = list({record.event.subject for record in batch})
        rows = await conn.fetch(PARKED_SUBJECTS, self._name, subjects)
        return {row["subject"] for row in rows}

    async def _failed(self, record: Recorded, error: BaseException) -> None:
        self._failures += 1
        metrics.LISTENER_RETRIES.labels(self._name).inc()
        log.warning(
            "listener_failed",
            listener=self._name,
            event_id=record.position.id,
            type=record.event.name,
            failures=self._failures,
            exc_info=error,
        )
        if self._failures < ATTEMPTS:
            shortest, longest = BACK_OFF_SECONDS
            await asyncio.sleep(min(shortest * 2 ** (self._failures - 1), longest))
            return
        async with self._unit() as work:
            await self._park(work.conn, record, self._failures, type(error).__name__)
            await work.conn.execute(MOVE, self._name, *record.position)
        log.error("event_parked", listener=self._name, event_id=record.position.id)
        self._cursor = record.position
        self._failures, self._any_parked = 0, True

    async def _park(self, conn: db.Connection, record: Recorded, failures: int, why: str) -> None:
        await conn.execute(
            PARK, self._name, record.position.id, record.event.subject, failures, why
        )

    async def _retry_parked(self) -> None:
        self._retry_asked = False
        async with self._work.reading("listener.retries") as conn:
            subjects = [row["subject"] for row in await conn.fetch(ASKED_SUBJECTS, self._name)]
        for subject in subjects:
            while await self._retry_oldest(subject):
                pass
        async with self._work.reading("listener.retries") as conn:
            self._any_parked = await conn.fetchval(ANY_PARKED, self._name)

    async def _retry_oldest(self, subject: str) -> bool:
        """Try the subject's oldest parked event again; whether another may follow."""
        event_id: int | None = None
        try:
            async with self._unit() as work:
                event_id = await work.conn.fetchval(OLDEST_PARKED, self._name, subject)
                if event_id is None:
                    return False
                record = await eventlog.read_one(work.conn, self._catalogue, event_id)
                assert record is not None, "the log keeps what is parked"
                await self._handle(work, record)
                await work.conn.execute(RELEASE, self._name, event_id)
        except (_HandlerFailed, _TransactionLost) as failure:
            log.warning(
                "retry_failed", listener=self._name, event_id=event_id, exc_info=failure.cause
            )
            async with self._unit() as work:
                why = type(failure.cause).__name__
                await work.conn.execute(FAILED_AGAIN, self._name, subject, event_id, why)
            return False
        return True
