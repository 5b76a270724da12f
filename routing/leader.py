"""The one node that routes: it hears the log, lets the core decide, and writes it down.

A turn drains the facts that have come in, steps the core once, writes all its decisions in one
transaction (group commit), and only then is anyone told, by the log. While a turn writes, the
next facts gather; so the busier the centre, the larger the groups.

Leadership is a lease with an epoch. Every group renews it first and is refused under an older
epoch, so a leader that was paused or cut off changes nothing once another has taken over. A
session lock of PostgreSQL says at once when a leader's process has died; the lease's expiry
says when it hangs.

Memory is expendable: after a lost race, a lost database or a change of configuration it is
read again from the tables. Facts whose transactions the tables already contain are passed
over, so none counts twice and none is missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections import Counter as Counts
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Counter, Gauge, Histogram

import db
from config.settings import Settings
from contactcenter.agents.service import day_start
from contactcenter.core.bus import Bus
from contactcenter.core.clock import Clock, ClockMove, ClockWatch
from contactcenter.core.errors import Unavailable
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import WorkFactory
from contactcenter.events.routing import (
    QueueChanged,
    ReservationAccepted,
    RoutingClockSet,
    RoutingRequested,
)
from routing import group_store, persist, snapshot
from routing.book import QueueBook
from routing.clock import move_all
from routing.core.engine import Engine
from routing.core.inputs import DayStarted, Input
from routing.core.model import Constants
from routing.group import Group
from routing.service import PRESENT_FOR, PresenceService
from routing.snapshot import Loaded, Memory, Seen
from routing.sweep import Sweep
from routing.translate import HEARD, ROUTER, Reload, translate
from routing.waits import Waits

log = structlog.get_logger(__name__)

COLLECT: Final = (20_000, 20, 100)
"""When Python looks for cycles, in this process. A group of decisions makes many objects that
live on; looking after every 700 of them costs as much as deciding."""

LEASE: Final = "router"
LEASE_LASTS: Final = timedelta(seconds=3)
LEASE_LOCK: Final = 0x726F7574  # the same fixed number on every node
RENEW_SECONDS: Final = 1.0
STAND_SECONDS: Final = 0.25
SWEEP_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 0.2
FAILED_SECONDS: Final = 1.0
RACES: Final = 3
MOST_INPUTS: Final = 1000
FIRST_INPUTS: Final = 200

LEADING = Gauge("router_leading", "1 on the node that routes")
REBUILDS = Counter("router_rebuilds_total", "Times memory was read from the tables", ["why"])
TURN_SECONDS = Histogram(
    "router_turn_seconds",
    "From waking to the end of the commit",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
WAIT_SECONDS = Histogram(
    "queue_wait_seconds",
    "From entering a queue to connected, of those who were answered",
    ["channel"],
    buckets=(5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400),
)
DECISIONS = Counter("router_decisions_total", "Decisions written", ["kind"])
SWEEP_FIXED = Counter(
    "router_sweep_fixed_total", "Inconsistencies that the safety sweep had to end", ["what"]
)


class Fenced(Exception):  # noqa: N818 - it says what this node is
    """Another node leads."""


class Router:
    """Routes as long as it holds the lease. `turn` is one step; `run` is a life of them."""

    def __init__(
        self,
        *,
        work: WorkFactory,
        bus: Bus,
        clock: Clock,
        book: QueueBook,
        presence: PresenceService,
        zone: ZoneInfo,
        constants: Constants,
        settings: Settings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`monotonic`: time as it passes, in seconds, beside a clock that may be set."""
        self._work = work
        self._bus = bus
        self._clock = clock
        self._book = book
        self._presence = presence
        self._waits = Waits(book)
        self._estimate_after = 0.0
        self._zone = zone
        self._constants = constants
        self._settings = settings
        self._holder = new_id().hex
        self._epoch = 0
        self._leads = False
        self._heard: deque[Recorded] = deque()
        self._unanswered: deque[Input] = deque()
        self._asked: list[Recorded] = []  # requests of this turn: a lost race does not lose them
        self._woken = asyncio.Event()
        self._stale: str | None = "start"
        self._races = 0  # lost one after the other
        self._unreadable: frozenset[str] = frozenset()
        self._sweep = Sweep()
        self._watch = ClockWatch(clock, monotonic)
        # Set by `_rebuild`, before anything reads them.
        self._engine: Engine
        self._memory: Memory
        self._seen: Seen
        self._tomorrow: datetime

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Stand for the lease, and route while holding it, for as long as the block lasts."""
        gc.set_threshold(*COLLECT)
        task = asyncio.create_task(self._run(), name="router")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            try:
                conn = await db.connect(self._settings, "contactcenter-router")
            except db.DatabaseUnavailableError:
                await asyncio.sleep(STAND_SECONDS)
                continue
            try:
                while True:
                    if await self.take_lease(conn):
                        await self._lead(conn)
                    await asyncio.sleep(STAND_SECONDS)
            except Fenced:
                log.warning("router_fenced", epoch=self._epoch)
            except (Unavailable, *db.ConnectionLost) as error:
                log.warning("router_lost_database", error=type(error).__name__)
                await asyncio.sleep(STAND_SECONDS)
            except Exception:  # a fault of ours ends this leadership, not all routing
                log.exception("router_failed", epoch=self._epoch)
                await asyncio.sleep(FAILED_SECONDS)
            finally:
                LEADING.set(0)
                with contextlib.suppress(*db.ConnectionLost, TimeoutError):
                    await conn.close(timeout=1)

    # Leadership

    async def take_lease(self, conn: db.Connection) -> bool:
        """Take the lease if nobody lives who holds it; `conn` is a session of our own."""
        gone = await group_store.try_lock(conn, LEASE_LOCK)
        epoch = await group_store.take(conn, LEASE, self._holder, LEASE_LASTS, gone=gone)
        if epoch is None:
            return False
        self._epoch = epoch
        self._stale = "start"
        self._watch.settled()
        log.info("router_leads", epoch=epoch)
        return True

    async def _lead(self, conn: db.Connection) -> None:
        self._heard.clear()
        subscription = await self._bus.subscribe("router", self.hear, HEARD)
        self._leads = True
        LEADING.set(1)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._route(), name="router-turns")
                tasks.create_task(self._keep_lease(conn), name="router-lease")
                tasks.create_task(self._keep_watch(), name="router-watch")
        except* Fenced as group:
            raise group.exceptions[0] from None
        except* (Unavailable, *db.ConnectionLost) as group:
            raise group.exceptions[0] from None
        finally:
            self._leads = False
            await subscription.close()
            with contextlib.suppress(*db.ConnectionLost):
                await group_store.release(conn, LEASE, self._holder, self._epoch)

    async def _keep_lease(self, conn: db.Connection) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not await group_store.renew(conn, LEASE, self._holder, self._epoch, LEASE_LASTS):
                raise Fenced

    @property
    def leads(self) -> bool:
        """Whether this node routes, and hears what is asked of it."""
        return self._leads

    def forget(self) -> None:
        """Read the tables again before the next turn."""
        self._stale = "asked"
        self._woken.set()

    # Turns

    async def hear(self, batch: list[Recorded]) -> None:
        """Take facts in; the next turn deals with them."""
        for recorded in batch:
            if isinstance(fact := recorded.event, ReservationAccepted):
                WAIT_SECONDS.labels(fact.channel).observe(fact.waited_ms / 1000)
        self._heard.extend(batch)
        self._woken.set()

    async def _route(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.turn()
                if self._races >= RACES:
                    await asyncio.sleep(AGAIN_SECONDS)
            except Unavailable:
                self._stale = "database"
                log.warning("router_turn_failed")
                await asyncio.sleep(AGAIN_SECONDS)
            except Fenced:
                raise
            except Exception:  # a fault of ours must not end routing: the tables are right
                self._stale = "fault"
                log.exception("router_fault")
                await asyncio.sleep(AGAIN_SECONDS)

    def _pause(self) -> float:
        """Seconds until something is due without any fact, a second at most: the clock may be
        set meanwhile."""
        if self._heard or self._stale or self._unanswered:
            return 0
        due = self._engine.next_deadline()
        midnight = to_ms(self._tomorrow)
        due = midnight if due is None else min(due, midnight)
        return min(max(0.0, (due - to_ms(self._clock.now())) / 1000), RENEW_SECONDS)

    async def turn(self) -> int:
        """One step: take what was heard and what is due, decide, write. How many decisions."""
        with TURN_SECONDS.time():
            if (move := self._watch.moved()) is not None:
                await self._move(move)
            fresh = self._stale is not None
            while self._stale is not None:  # once more if it was asked for meanwhile
                await self._rebuild()
            try:
                inputs = self._drain(fresh=fresh)
            except Reload:
                fresh = True
                self._stale = "configuration"
                await self._rebuild()
                inputs = self._drain(fresh=True)
            return await self._decide(inputs, fresh=fresh)

    def _drain(self, *, fresh: bool) -> list[Input]:
        """What the tables showed at the last rebuild first, few at a time right after it, so
        that the first offers do not wait for all; then the facts heard since."""
        inputs: list[Input] = []
        now = self._clock.now()
        if now >= self._tomorrow:
            self._tomorrow = _midnight_after(now, self._zone)
            inputs.append(DayStarted())
        most = FIRST_INPUTS if fresh else MOST_INPUTS
        while self._unanswered and len(inputs) < most:
            inputs.append(self._unanswered.popleft())
        if self._unanswered:
            return inputs
        asked, self._asked = self._asked, []
        for recorded in asked:
            inputs += self._take(recorded)
        while self._heard and len(inputs) < most:
            recorded = self._heard.popleft()
            if recorded.actor == ROUTER:
                continue
            # A request is in no table: only its answer is, and it has none yet.
            if isinstance(recorded.event, RoutingRequested) or (
                recorded.position.xid not in self._seen
            ):
                inputs += self._take(recorded)
        return inputs

    def _take(self, recorded: Recorded) -> list[Input]:
        if isinstance(recorded.event, RoutingRequested):
            self._asked.append(recorded)
        return translate(recorded, self._memory)

    async def _decide(self, inputs: Sequence[Input], *, fresh: bool) -> int:
        now = to_ms(self._clock.now())
        due = self._engine.next_deadline()
        if not inputs and not fresh and (due is None or due > now):
            return 0
        decisions = self._engine.step(inputs, now)
        group = Group(self._memory, from_ms(now))
        group.take_all(decisions)
        if not group.empty:
            lease = (LEASE, self._holder, self._epoch, LEASE_LASTS)
            try:
                if persist.only_offers(group):
                    await persist.offer_at_once(self._work, group, "router.offer", ROUTER, lease)
                else:
                    async with self._work.begin("router.decide", ROUTER) as work:
                        await persist.write(work, group, self._epoch)
                        await work.guard(
                            group_store.APPEND_FENCED, group_store.RENEW, lease, Fenced
                        )
            except (persist.Stale, db.UniqueViolation, db.ForeignKeyViolation) as reason:
                return self._raced(str(reason))
            except db.Refused as refused:
                if refused.reason == "fenced":
                    self._asked.clear()  # the next leader does not hear of them either
                    raise Fenced from None
                return self._raced(refused.reason)
            except BaseException:
                self._stale = "database"  # whether it was committed is not known
                self._asked.clear()
                raise
        self._asked.clear()
        self._races = 0
        group.written()
        for kind, count in Counts(map(type, decisions)).items():
            DECISIONS.labels(kind.__name__).inc(count)
        return len(decisions)

    def _raced(self, reason: str) -> int:
        """Somebody was quicker: read the tables again before the next turn."""
        log.warning("router_stale", reason=reason)
        self._stale = "race"
        self._races += 1
        return 0

    async def _fence(self, conn: db.Connection) -> None:
        if not await group_store.renew(conn, LEASE, self._holder, self._epoch, LEASE_LASTS):
            raise Fenced

    async def _rebuild(self) -> None:
        """Read the tables, and in them the facts that no decision has answered yet."""
        now = self._clock.now()
        why, self._stale = self._stale, None  # whoever asks again meanwhile is heard
        try:
            loaded = await self._load(now)
        except BaseException:
            self._stale = why
            raise
        await self._say_unreadable(loaded.unreadable)
        engine = Engine(loaded.config, self._epoch, _text_id)
        engine.load(loaded.state, to_ms(now))
        self._engine = engine
        self._memory = loaded.memory
        self._seen = loaded.seen
        self._unanswered = deque(loaded.unanswered)
        self._tomorrow = _midnight_after(now, self._zone)
        self._sweep = Sweep()
        REBUILDS.labels(why).inc()
        log.info(
            "router_rebuilt",
            why=why,
            visits=len(loaded.state.visits),
            agents=len(loaded.state.agents),
        )

    async def _say_unreadable(self, queues: frozenset[str]) -> None:
        """Screens hear of queues that are left out, or no longer."""
        if changed := self._unreadable ^ queues:
            async with self._work.begin("router.unreadable", ROUTER) as work:
                for key in sorted(changed):
                    work.emit(QueueChanged(queue=key))
            self._unreadable = queues

    async def _load(self, now: datetime) -> Loaded:
        async with self._work.reading("router.rebuild", snapshot=True) as conn:
            return await snapshot.load(
                conn,
                self._book,
                self._constants,
                now=now,
                day_start=day_start(now, self._zone),
            )

    # Watching

    async def _keep_watch(self) -> None:
        """Every second the desks and new estimates, every five the tables against the memory."""
        loop = asyncio.get_running_loop()
        begun = swept = loop.time()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                # Desks could not be heard while this centre was down.
                if loop.time() - begun >= PRESENT_FOR.total_seconds():
                    await self._presence.lapse()
                await self._estimate()
                if loop.time() - swept >= SWEEP_SECONDS:
                    swept = loop.time()
                    await self.sweep()
            except Unavailable:
                continue

    async def _estimate(self) -> None:
        """Keep what new visits were told. It costs a tenth of the time at most, and a fault of it
        keeps nobody from being served."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._estimate_after:
            return
        begun = loop.time()
        try:
            await self._waits.keep(self._work, self._clock.now())
        except Unavailable:
            raise
        except Exception:
            log.exception("estimates_failed")
        self._estimate_after = loop.time() + 9 * (loop.time() - begun)

    async def _move(self, move: ClockMove) -> None:
        """The clock was set: move what is in the air with it, and read it again."""
        log.warning("router_clock_set", seconds=round(move.by.total_seconds()))
        pause = timedelta(milliseconds=self._constants.cooldown_ms)
        async with self._work.begin("router.clock_set", ROUTER) as work:
            await self._fence(work.conn)
            await move_all(work.conn, move, pause)
            work.emit(
                RoutingClockSet(
                    node=self._holder,
                    by_ms=move.by // timedelta(milliseconds=1),
                    known_after=move.after,
                    known_until=move.until,
                )
            )
        self._watch.settled()
        self._stale = "clock"

    async def sweep(self) -> int:
        """Compare the tables with memory; what differs twice in a row is mended by reading
        the tables again. How many differences were mended."""
        if self._stale is not None or self._unanswered:
            return 0
        async with self._work.reading("router.sweep", snapshot=True) as conn:
            found = await self._sweep.differences(conn, self._engine)
        if not found:
            return 0
        for what in found:
            SWEEP_FIXED.labels(what).inc(found[what])
        log.error("router_sweep", **found)
        async with self._work.begin("router.mend", ROUTER) as work:
            await self._fence(work.conn)
            await self._sweep.mend(work)
        self._stale = "sweep"
        self._woken.set()
        return sum(found.values())


def _text_id() -> str:
    return str(new_id())


def _midnight_after(now: datetime, zone: ZoneInfo) -> datetime:
    return day_start(day_start(now, zone) + timedelta(hours=30), zone)
