"""Units of work: one connection, one named transaction, its events written just before commit.

    async with self._work.begin("interactions.hold", principal.actor) as work:
        await store.hold(work.conn, interaction_id, now=work.now)
        work.emit(InteractionHeld(...))

When the block is left without an exception, everything is committed, and only then may anyone be
told. An exception out of it, also at its very end, means that nothing was acknowledged.
"""

from __future__ import annotations

import contextlib
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import structlog

import db
from contactcenter.core import eventlog
from contactcenter.core.audit import Asker, Journal, Note, Written, asker
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Unavailable
from contactcenter.core.event import Event
from contactcenter.core.vault import Unopenable

log = structlog.get_logger(__name__)

T = TypeVar("T")

ACQUIRE_SECONDS: Final = 0.8
"""How long a caller waits for a connection before hearing that the database is busy."""

MOST_FAILED: Final = 20
"""Of units of work that are done one after the other: more is not theirs, but the database's."""

TRANSIENT: Final = (db.SerializationFailure, db.DeadlockDetected, db.LockNotAvailable)


class Claim(Protocol):
    """Something that must be taken in the request's own transaction: an idempotency key."""

    done: bool  # set once it is committed

    async def take(self, conn: db.Connection) -> None: ...

    async def keep(self, conn: db.Connection, result: Any) -> None: ...


pending_claim: ContextVar[Claim | None] = ContextVar("pending_claim", default=None)
"""Set by the HTTP border; taken by the first unit of work that the request commits."""

trace: ContextVar[str | None] = ContextVar("trace", default=None)
"""The id of the request or command that this task works for; the borders set it."""


class Work:
    """One unit of work, open as long as its block."""

    __slots__ = (
        "_entries",
        "_notes",
        "_origin",
        "_refused",
        "_trace",
        "_written",
        "_xid",
        "actor",
        "conn",
        "name",
        "now",
        "result",
    )

    def __init__(
        self,
        conn: db.Connection,
        name: str,
        actor: str,
        now: datetime,
        trace_id: str | None = None,
        origin: str | None = None,
    ) -> None:
        self.conn = conn
        self.name = name
        self.actor = actor
        self.now = now  # the centre's time at its beginning; the same for all it does
        self.result: Any = None
        self._trace = trace_id
        self._origin = origin
        self._xid: int | None = None  # of this transaction, once something is appended
        self._entries: list[eventlog.Entry] = []
        self._notes: list[Note] = []
        self._refused: type[Exception] | None = None
        self._written: Written | None = None

    def answer(self, result: T) -> T:
        """State what the request will be answered; the handler returns the same object.

        Under an idempotency key it is kept in this transaction, so whoever did not hear it gets
        it by asking again, whatever happened after the commit.
        """
        self.result = result
        return result

    def emit(self, event: Event, *, occurred_at: datetime | None = None) -> None:
        """Publish a fact with this unit's commit. `occurred_at` defaults to `now`."""
        self._entries.append(eventlog.Entry(event, occurred_at or self.now, self._trace))

    async def emit_with(self, event: Event, statement: str, args: tuple[Any, ...]) -> bool:
        """Make a change and publish its fact in one round trip, and before it what was emitted so
        far. `statement` is `eventlog.APPEND` with the change in it, on which the append depends;
        `args` are the values of its parameters from $9 on. False: the change found nothing to
        change, and the fact is not published."""
        self.emit(event)
        if await self._append(statement, args) is not None:
            return True
        self._entries.pop()
        return False

    def audit(
        self,
        action: str,
        resource_type: str,
        resource_id: object,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        person: UUID | None = None,
    ) -> None:
        """Leave a note of what was done with this unit's commit (core.audit)."""
        self.keep(Note(action, resource_type, str(resource_id), before, after, person))

    def keep(self, note: Note) -> None:
        """The same with a note that somebody else made."""
        self._notes.append(note)

    async def prepare_notes(self, journal: Journal | None, request: Asker | None) -> bool:
        """Have the notes, or the one that the request is owed, written by `flush`; whether there
        was any."""
        owed = request is not None and request.changes and not request.noted
        if owed and not self._notes:
            assert request is not None
            self.audit(self.name, request.resource_type, request.resource_id)
        notes, self._notes = self._notes, []
        if not notes or journal is None:
            return False
        self._written = await journal.prepare(
            self.conn, notes, actor=self.actor, request=request, now=self.now
        )
        for event in self._written.events:
            self.emit(event)
        return True

    def follow(self, trace_id: str | None) -> None:
        """Give what is emitted from here on the trace of what caused it."""
        self._trace = trace_id

    async def guard(
        self, append: str, check: str, args: tuple[Any, ...], refused: type[Exception]
    ) -> None:
        """The commit holds only if `check` finds a row: a statement that runs with the append of
        the facts, as `append` has both, or alone when there is none. Raises `refused` if not."""
        if self._entries:
            self._written = Written([], append, args)
            self._refused = refused
        elif await self.conn.fetchval(check, *args) is None:
            raise refused

    async def flush(self) -> int | None:
        """Append what was emitted; answers the transaction's id if anything was."""
        if self._entries:
            written, self._written = self._written, None
            if written is None:
                await self._append(eventlog.APPEND, ())
            elif await self._append(written.statement, written.args) is None and self._refused:
                raise self._refused
        return self._xid

    async def _append(self, statement: str, args: tuple[Any, ...]) -> int | None:
        xid = await eventlog.append(
            self.conn,
            self._entries,
            actor=self.actor,
            origin=self._origin,
            statement=statement,
            more=args,
        )
        if xid is not None:
            urgent = [entry.event for entry in self._entries if entry.event.urgent]
            if urgent:
                await eventlog.notify(self.conn, xid, urgent)
            self._entries = []
            self._xid = xid
        return xid


class WorkFactory:
    """Begins units of work. One per process."""

    def __init__(self, pool: db.Pool, clock: Clock, *, origin: str | None = None) -> None:
        self._pool = pool
        self._clock = clock
        self._origin = origin
        self._committed: Callable[[int], None] = lambda _: None
        self._journal: Journal | None = None

    def on_commit(self, told: Callable[[int], None]) -> None:
        """Who hears the transaction id of every commit that published something: the bus."""
        self._committed = told

    def keep_journal(self, journal: Journal) -> None:
        """Who writes the notes of audited work."""
        self._journal = journal

    @property
    def audited(self) -> bool:
        """Whether notes are written anywhere."""
        return self._journal is not None

    @contextlib.asynccontextmanager
    async def begin(
        self,
        name: str,
        actor: str,
        *,
        isolation: db.Isolation | None = None,
        origin: str | None = None,
    ) -> AsyncIterator[Work]:
        """A unit of work called `area.use_case`, done by `actor` (see Principal.actor). `origin`
        is told with its events where they come from elsewhere than life: an import.

        Raises Unavailable within a second when no connection can be had, and when the database
        goes away or ends the transaction for its length or for a deadlock.
        """
        xid: int | None = None
        claim, request, noted = pending_claim.get(), asker.get(), False

        def committed() -> None:
            if xid is not None:
                self._committed(xid)

        with unavailable():
            async with db.transaction(
                self._pool, name, isolation, acquire_timeout=ACQUIRE_SECONDS, committed=committed
            ) as conn:
                if claim is not None and not claim.done:
                    await claim.take(conn)
                now = self._clock.now()
                work = Work(conn, name, actor, now, trace.get(), origin or self._origin)
                yield work
                if claim is not None and not claim.done and work.result is not None:
                    await claim.keep(conn, work.result)
                noted = await work.prepare_notes(self._journal, request)
                xid = await work.flush()
        if claim is not None:
            claim.done = True
        if noted and request is not None:
            request.noted = True

    async def at_once(
        self,
        name: str,
        actor: str,
        events: Sequence[Event],
        *,
        occurred_at: datetime,
        statement: str,
        args: tuple[Any, ...],
    ) -> None:
        """A unit of work that is a single statement, which begins and ends its transaction by
        itself: `statement` is `eventlog.APPEND` with every change of the unit in it, `args` are
        the values of its parameters from $9 on. It is for what a node does by itself: no
        idempotency key is claimed and no note is kept, as a request needs.

        Raises db.Refused when the statement calls `refuse(reason)`, Unavailable as `begin` does.
        """
        entries = [eventlog.Entry(event, occurred_at, trace.get()) for event in events]
        with unavailable():
            async with db.statement(self._pool, name, acquire_timeout=ACQUIRE_SECONDS) as conn:
                xid = await eventlog.append(
                    conn,
                    entries,
                    actor=actor,
                    origin=self._origin,
                    statement=statement,
                    more=args,
                )
                if xid is not None:
                    self._committed(xid)

    @contextlib.asynccontextmanager
    async def reading(self, name: str, *, snapshot: bool = False) -> AsyncIterator[db.Connection]:
        """A connection to read with; raises Unavailable as `begin` does.

        With `snapshot`, everything read in the block is of one moment (REPEATABLE READ), and
        `eventlog.tip` read in it says where to go on.
        """
        with unavailable():
            if snapshot:
                async with db.transaction(
                    self._pool, name, "repeatable_read", acquire_timeout=ACQUIRE_SECONDS
                ) as conn:
                    yield conn
            else:
                async with db.acquire(self._pool, ACQUIRE_SECONDS) as conn:
                    yield conn


async def each_alone(items: Iterable[T], do: Callable[[T], Awaitable[object]]) -> None:
    """Do what is a unit of work of its own for each of the items. One that fails does not hold up
    those after it: what failed is raised together, at the end or once there is MOST_FAILED of it.
    """
    failed: list[Exception] = []
    for item in items:
        try:
            await do(item)
        except Exception as error:
            failed.append(error)
            if len(failed) == MOST_FAILED:
                break
    if failed:
        raise ExceptionGroup("Not everything could be done.", failed)


@contextlib.contextmanager
def unavailable() -> Iterator[None]:
    """Turn what a database in trouble raises into Unavailable; everything else passes."""
    try:
        yield
    except Exception as error:
        if (busy := unavailability(error)) is not None:
            raise busy from error
        raise


def unavailability(error: Exception) -> Unavailable | None:
    """What to tell whoever asked; None for an error that says nothing of the database's state, nor
    of the keys to what it holds."""
    if isinstance(error, TRANSIENT):
        return Unavailable("Another change got in the way. Try again.")
    if isinstance(error, Unopenable):
        log.error("value_does_not_open", exc_info=error)
        return Unavailable("Something stored cannot be opened: its key is missing.")
    if not database_trouble(error):
        return None
    if isinstance(error, db.DatabaseUnavailableError):  # a full pool, for each request
        log.warning("database_trouble", error=str(error))
    else:
        log.warning("database_trouble", error=type(error).__name__, exc_info=error)
    return Unavailable("The database is not available just now.")


def database_trouble(error: BaseException) -> bool:
    """Whether it says something about the database's state rather than about the statement."""
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError)
    return isinstance(
        error, (db.DatabaseUnavailableError, db.QueryCanceled, *TRANSIENT, *db.ConnectionLost)
    )
