"""The bus: one reader of the event log per process, live subscribers, durable listeners.

Live subscribers (realtime, the router, the wallboard's fold) see every event once from a position
on, as long as the process lives. Durable listeners (core.durable) keep their position in the
database and move it in the transaction of their effect. Neither can hold the others up: each has a
feed with a bounded buffer, and one that falls behind reads the log by itself until it has caught
up.

An urgent event comes at its commit too, to whoever asked with `hear`: what must not wait for the
transactions that hold the log back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final

import structlog

import db
from config.settings import Settings
from contactcenter.core import eventlog, metrics
from contactcenter.core.durable import Listener, ListenerRun, parked_counts, retries_asked
from contactcenter.core.errors import Unavailable
from contactcenter.core.event import Catalogue, Event, Position
from contactcenter.core.eventlog import Notice, Recorded, Unreadable
from contactcenter.core.feed import BATCH, Feed
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory, unavailable

log = structlog.get_logger(__name__)

Handler = Callable[[list[Recorded]], Awaitable[None]]
Hearer = Callable[[Notice | None], Awaitable[None]]

CHANNEL: Final = "event_log"
NOTIFY: Final = "SELECT pg_notify($1, $2)"
QUICK_COMMITS: Final = "SET synchronous_commit = off"  # a signal lost in a crash costs one poll
TRY_LOCK: Final = "SELECT pg_try_advisory_lock($1, hashtext($2))"
UNLOCK: Final = "SELECT pg_advisory_unlock($1, hashtext($2))"
LOCK_CLASS: Final = 0x6C73  # keeps the listeners' locks apart from other advisory locks

POLL_SECONDS: Final = 0.25
HELD_BACK_SECONDS: Final = (0.001, 0.02)  # looking again for what the horizon holds back: from, to
NOTIFY_SECONDS: Final = 0.02
MAINTENANCE_SECONDS: Final = 1.0
RECONNECT_SECONDS: Final = (0.1, 2.0)


class Subscription:
    """A live subscriber; `close()` ends it."""

    def __init__(self, bus: Bus, feed: Feed, task: asyncio.Task[None]) -> None:
        self._bus, self._feed, self._task = bus, feed, task

    async def close(self) -> None:
        self._bus.detach(self._feed)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Bus:
    """See the module. `position` is the last position this process has read."""

    def __init__(
        self, settings: Settings, pool: db.Pool, catalogue: Catalogue, work: WorkFactory
    ) -> None:
        self.position = eventlog.START
        self._settings = settings
        self._pool = pool
        self._catalogue = catalogue
        self._work = work
        self._node = new_id().hex
        self._feeds: list[Feed] = []
        self._runs: dict[str, ListenerRun] = {}
        self._hearers: list[Hearer] = []
        self._notices: asyncio.Queue[str | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._woken = asyncio.Event()
        self._owed = 0  # the newest transaction known to have published something
        self._untold = asyncio.Event()
        self._signals: db.Connection | None = None
        self._signals_turn = asyncio.Lock()
        self._held: set[str] = set()
        self._started = False
        work.on_commit(self.wake)

    async def start(self) -> None:
        """Begin reading at the log's tip."""
        async with self._work.reading("bus.start") as conn:
            self.position = await eventlog.tip(conn)
        self._started = True
        self._spawn("bus-read", self._connected("bus-reader", self._read))
        self._spawn("bus-signal", self._connected("bus-signals", self._signal))
        self._spawn("bus-notices", self._hear())
        self._spawn("bus-maintain", self._maintain())

    async def stop(self) -> None:
        """End reader, subscribers and listeners; what runs in a transaction is rolled back."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._started = False

    def wake(self, xid: int | None = None) -> None:
        """Something was committed (by transaction `xid`): read now, and tell the other nodes."""
        if xid is not None:
            self._owed = max(self._owed, xid)
        self._woken.set()
        self._untold.set()

    async def subscribe(
        self,
        name: str,
        handler: Handler,
        types: Sequence[type[Event]] | None = None,
        *,
        since: Position | None = None,
    ) -> Subscription:
        """Hand every event after `since` (default: from now on) to `handler`, in order, in batches.

        A handler that raises loses that batch: it is logged and counted, and the next one comes.
        """
        assert self._started, "the bus is started before anyone subscribes"
        feed = Feed(name, self._catalogue, self._work, types)
        if since is None:
            feed.follow()
        self._feeds.append(feed)
        task = self._spawn(f"bus-{name}", self._serve(feed, handler, since or self.position))
        return Subscription(self, feed, task)

    def hear(self, hearer: Hearer) -> None:
        """Hand every urgent event to `hearer` at its commit, without order, in the time between
        two connections not at all: None says that some may have been missed. The log tells all of
        them again."""
        self._hearers.append(hearer)

    def durable(self, listener: Listener) -> None:
        """Run a durable listener while the bus runs, on one node at a time."""
        assert self._started, "the bus is started before its listeners"
        assert listener.name not in self._runs, f"two listeners are called {listener.name}"
        feed = Feed(listener.name, self._catalogue, self._work, listener.types)
        run = ListenerRun(listener, feed, self._work, self._catalogue, self)
        self._feeds.append(feed)
        self._runs[listener.name] = run
        self._spawn(f"listener-{listener.name}", run.run())

    def detach(self, feed: Feed) -> None:
        self._feeds.remove(feed)

    async def try_hold(self, name: str) -> bool:
        """Become the one holder of a listener among all nodes; holding ends with the session."""
        if not await self._ask(TRY_LOCK, name):
            return False
        self._held.add(name)
        return True

    def holds(self, name: str) -> bool:
        """Whether the hold is still there, as far as this node can know."""
        return name in self._held

    async def let_go(self, name: str) -> None:
        if name in self._held:
            self._held.discard(name)
            await self._ask(UNLOCK, name)

    async def _ask(self, query: str, name: str) -> bool:
        async with self._signals_turn:
            if self._signals is None:
                return False
            with unavailable():
                return bool(await self._signals.fetchval(query, LOCK_CLASS, name))

    def _spawn(self, name: str, body: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(body, name=name)
        self._tasks.append(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("bus_task_died", task=task.get_name(), exc_info=error)

    async def _serve(self, feed: Feed, handler: Handler, position: Position) -> None:
        while True:
            try:
                batch = await feed.next(position)
            except Unavailable:
                await asyncio.sleep(POLL_SECONDS)
                continue
            if not batch:
                continue
            try:
                await handler(batch)
            except Exception:
                metrics.SUBSCRIBER_FAILURES.labels(feed.name).inc()
                log.exception("subscriber_failed", subscriber=feed.name, events=len(batch))
            position = batch[-1].position

    async def _read(self, conn: db.Connection) -> None:
        """Read what is new whenever woken, and every POLL_SECONDS."""
        pause = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            self._woken.clear()
            while len(batch := await self._read_batch(conn)) == BATCH:
                pass
            if self._owed <= self.position.xid:
                pause = POLL_SECONDS
            elif batch or pause == POLL_SECONDS:
                pause = HELD_BACK_SECONDS[0]
            else:
                pause = min(max(pause, HELD_BACK_SECONDS[0]) * 2, HELD_BACK_SECONDS[1])

    async def _read_batch(self, conn: db.Connection) -> list[Recorded]:
        batch = await eventlog.read(conn, self._catalogue, self.position, limit=BATCH)
        if not batch:
            return batch
        metrics.EVENTS_READ.inc(len(batch))
        for feed in self._feeds:
            wanted = feed.types
            for record in batch:
                kind = type(record.event)
                if kind is not Unreadable and (wanted is None or kind in wanted):
                    feed.offer(record)
        self.position = batch[-1].position
        return batch

    async def _signal(self, conn: db.Connection) -> None:
        """Hear other nodes' commits, and tell them of ours in groups."""
        await conn.execute(QUICK_COMMITS)
        await conn.add_listener(CHANNEL, self._heard)
        await conn.add_listener(eventlog.URGENT, self._noticed)
        self._notices.put_nowait(None)
        self._signals = conn
        try:
            while not conn.is_closed():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(MAINTENANCE_SECONDS):
                        await self._untold.wait()
                if self._untold.is_set():
                    self._untold.clear()
                    async with self._signals_turn:
                        await conn.execute(NOTIFY, CHANNEL, f"{self._node}:{self._owed}")
                    await asyncio.sleep(NOTIFY_SECONDS)
        finally:
            self._signals = None
            self._held.clear()  # the locks went with the session

    def _heard(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        node, _, xid = str(payload).partition(":")
        if node != self._node and xid.isdecimal():
            self._owed = max(self._owed, int(xid))
            self._woken.set()

    def _noticed(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        self._notices.put_nowait(str(payload))

    def _notice(self, text: str) -> Notice | None:
        """None for one of a newer node, whose shape is not known here: it is missed."""
        try:
            notice = eventlog.notice(self._catalogue, text)
        except ValueError:
            log.warning("notice_unreadable")
            return None
        return None if isinstance(notice.event, Unreadable) else notice

    async def _hear(self) -> None:
        while True:
            text = await self._notices.get()
            told = None if text is None else self._notice(text)
            for hearer in self._hearers:
                try:
                    await hearer(told)
                except Unavailable:  # the log tells it again
                    log.warning("notice_waits_for_the_database")
                except Exception:
                    log.exception("notice_failed")

    async def _maintain(self) -> None:
        """Keep the gauges, and pass on what an operator asked to have retried."""
        while True:
            with contextlib.suppress(Unavailable):
                async with self._work.reading("bus.maintain") as conn:
                    metrics.HORIZON_AGE.set(await eventlog.horizon_age(conn))
                    if self._runs:
                        counts = await parked_counts(conn)
                        for name in self._runs:
                            metrics.PARKED.labels(name).set(counts.get(name, 0))
                        for name in await retries_asked(conn):
                            if name in self._runs:
                                self._runs[name].retry_soon()
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def _connected(
        self, application: str, body: Callable[[db.Connection], Awaitable[None]]
    ) -> None:
        """Run `body` on a connection of its own; when that is lost, on a new one."""
        pause = RECONNECT_SECONDS[0]
        while True:
            try:
                conn = await db.connect(self._settings, application)
                try:
                    pause = RECONNECT_SECONDS[0]
                    await body(conn)
                finally:
                    conn.terminate()
            except (db.DatabaseError, db.DatabaseUnavailableError, *db.ConnectionLost) as error:
                log.warning(
                    "bus_connection_lost", connection=application, error=type(error).__name__
                )
            except Exception:  # a node that hears nothing must not seem to live
                log.exception("bus_failed", connection=application)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RECONNECT_SECONDS[1])
