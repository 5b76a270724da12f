"""The first start's history: the demo's Monday from opening until now, played on a virtual clock.

The rows and events are real: simulated people act through the services, the router's own core
decides, and its decisions are written as the leader writes them. Only time is invented: units of
work share a transaction (ended before it is half a second old, for the log's horizon waits for
it) and take their `now` from a clock that jumps from act to act. Each transaction notes how far
the morning has come, so one that was cut off is gone on with and none is played twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

import db
from contactcenter.agents.service import day_start
from contactcenter.core.bus import Bus
from contactcenter.core.event import Event, Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.module import Deps
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import Work, WorkFactory
from contactcenter.demo import store
from contactcenter.demo.play import Crowd, Play
from contactcenter.demo.stage import Stage
from routing import persist, snapshot
from routing.book import QueueBook
from routing.core.engine import Engine
from routing.core.inputs import Input
from routing.core.model import Constants
from routing.group import Group
from routing.snapshot import Memory
from routing.translate import HEARD, ROUTER, translate

log = structlog.get_logger(__name__)

SETTING: Final = "demo_morning"
CHUNK_SECONDS: Final = 0.5
MAIL_FROM: Final = time(7, 30)
OPENING: Final = time(9, 0)
MAILS_AT_OPENING: Final = 38


class VirtualClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Told(Work):
    """A unit of work that remembers what it published."""

    __slots__ = ("told",)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.told: list[tuple[Event, datetime]] = []

    def emit(self, event: Event, *, occurred_at: datetime | None = None) -> None:
        self.told.append((event, occurred_at or self.now))
        super().emit(event, occurred_at=occurred_at)


class Rehearsal(WorkFactory):
    """Units of work inside one open transaction, each a savepoint; what they publish is heard."""

    def __init__(self, pool: db.Pool, clock: VirtualClock) -> None:
        super().__init__(pool, clock)
        self._pool_ = pool
        self.clock = clock
        self.heard: list[Recorded] = []
        self._conn: db.Connection | None = None

    @contextlib.asynccontextmanager
    async def chunk(self) -> AsyncIterator[db.Connection]:
        """The transaction that everything in the block happens in."""
        async with db.transaction(self._pool_, "demo.morning") as conn:
            self._conn = conn
            try:
                yield conn
            finally:
                self._conn = None

    @contextlib.asynccontextmanager
    async def begin(
        self,
        name: str,
        actor: str,
        *,
        isolation: db.Isolation | None = None,  # noqa: ARG002 - the chunk has its own
        origin: str | None = None,
    ) -> AsyncIterator[Work]:
        assert self._conn is not None
        async with self._conn.transaction():
            work = Told(self._conn, name, actor, self.clock.now(), None, origin or "demo")
            yield work
            await work.flush()
        self.heard += [
            Recorded(Position(0, 0), event, actor, at, recorded_at=at, origin="demo")
            for event, at in work.told
        ]

    @contextlib.asynccontextmanager
    async def reading(
        self,
        name: str,  # noqa: ARG002 - as in WorkFactory
        *,
        snapshot: bool = False,  # noqa: ARG002 - the chunk sees its own changes
    ) -> AsyncIterator[db.Connection]:
        assert self._conn is not None
        yield self._conn


class Theatre:
    """A play on a virtual clock, with the router's core and writing, in transactions of its own."""

    def __init__(self, pool: db.Pool, bus: Bus, zone: ZoneInfo, at: datetime) -> None:
        self.work = Rehearsal(pool, VirtualClock(at))
        self.stage = Stage(self.work, bus, zone)
        self._zone = zone
        self._engine: Engine
        self._memory: Memory
        self._unanswered: list[Input] = []

    async def open(self, play: Play, at: datetime) -> None:
        """Router and players take up what the tables hold."""
        self.work.clock.at = at
        self.work.heard.clear()
        await self._take_up(to_ms(at))
        await play.adopt(to_ms(at))

    async def _take_up(self, now: int) -> None:
        at = from_ms(now)
        async with self.work.reading("demo.take_up") as conn:
            loaded = await snapshot.load(
                conn,
                QueueBook(self._zone),
                Constants(),
                now=at,
                day_start=day_start(at, self._zone),
            )
        self._engine = Engine(loaded.config, 1, lambda: str(new_id()))
        self._engine.load(loaded.state, now)
        self._memory = loaded.memory
        self._unanswered = loaded.unanswered

    async def perform(
        self, play: Play, at: datetime, end: datetime, seconds: float
    ) -> tuple[datetime, int]:
        """Act and route from `at` until `end`, or until so many real seconds have passed.

        Answers where it stopped, and how many facts were published.
        """
        loop = asyncio.get_running_loop()
        begun = loop.time()
        now, told = to_ms(at), 0
        while loop.time() - begun < seconds:
            told += await self._route(play, now)
            dues = [due for due in (play.next_due(), self._engine.next_deadline()) if due]
            now = max(now, min([*dues, to_ms(end)]))
            self.work.clock.at = from_ms(now)
            if now >= to_ms(end):
                return end, told
            await play.act(now)
        return from_ms(now), told + await self._route(play, now)

    async def _route(self, play: Play, now: int) -> int:
        """Let the router's core take what was done, and write what it decides."""
        heard, self.work.heard = self.work.heard, []
        inputs, self._unanswered = self._unanswered, []
        for recorded in heard:
            play.hear(recorded.event, now)
            if isinstance(recorded.event, HEARD):
                inputs += translate(recorded, self._memory)
        due = self._engine.next_deadline()
        if inputs or (due is not None and due <= now):
            group = Group(self._memory, from_ms(now))
            group.take_all(self._engine.step(inputs, now))
            try:
                if not group.empty:
                    async with self.work.begin("router.decide", ROUTER) as work:
                        await persist.write(work, group, 0)
                group.written()
            except persist.Stale:  # somebody acted in the same instant: as the leader, read again
                await self._take_up(now)
        decided, self.work.heard = self.work.heard, []
        for recorded in decided:
            play.hear(recorded.event, now)
        return len(heard) + len(decided)


class Morning:
    """Plays from where the database stands until the first start's now."""

    def __init__(self, deps: Deps, crowd: Crowd, phones: Sequence[str]) -> None:
        self._pool = deps.pool
        self._zone: ZoneInfo = deps.settings.app.zone
        self._clock = deps.clock
        self._theatre = Theatre(deps.pool, deps.bus, self._zone, deps.clock.now())
        self._crowd = crowd
        self._phones = phones

    async def play(self) -> int:
        """Write what is missing of the morning; how many facts were published."""
        bounds = await self._bounds()
        if bounds is None:
            return 0
        at, end = bounds
        published = 0
        if at < self._local(OPENING, end):
            published += await self._mails(end)
            at = self._local(OPENING, end)
        play = Play(
            self._theatre.stage, self._crowd, self._phones, Random(to_ms(at)), web_chat=True
        )
        begun = False
        while at < end:
            async with self._theatre.work.chunk() as conn:
                if not begun:
                    begun = True
                    await self._theatre.open(play, at)
                at, told = await self._theatre.perform(play, at, end, CHUNK_SECONDS)
                published += told
                await self._note(conn, at, end)
        return published

    async def _bounds(self) -> tuple[datetime, datetime] | None:
        """(where to go on from, where to stop); None when there is nothing to play."""
        async with self._pool.acquire() as conn:
            kept = (await store.settings(conn, [SETTING])).get(SETTING)
            if kept is not None:
                until, end = (datetime.fromisoformat(kept[key]) for key in ("until", "end"))
                return (until, end) if until < end else None
            if await store.has_history(conn):
                return None
            end = self._clock.now()
        start = self._local(MAIL_FROM, end)
        return (start, end) if self._local(OPENING, end) < end else None

    def _local(self, at: time, day: datetime) -> datetime:
        """That local time of the day that `day` lies in."""
        local = day.astimezone(self._zone)
        return local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0).astimezone(
            day.tzinfo
        )

    async def _note(self, conn: db.Connection, at: datetime, end: datetime) -> None:
        kept = {"until": at.isoformat(), "end": end.isoformat()}
        await store.put_setting(conn, SETTING, kept, at)

    async def _mails(self, end: datetime) -> int:
        """What lies in the mailboxes when the doors open."""
        dice = Random(MAILS_AT_OPENING)
        first, last = self._local(MAIL_FROM, end), self._local(OPENING, end)
        play = Play(self._theatre.stage, self._crowd, self._phones, dice)
        rates = self._crowd.rates(to_ms(last))
        mail = {queue: rate for (queue, channel), rate in rates.items() if channel == "email"}
        if not mail:
            return 0
        moments = sorted(
            dice.uniform(0, (last - first).total_seconds()) for _ in range(MAILS_AT_OPENING)
        )
        async with self._theatre.work.chunk() as conn:
            for seconds in moments:
                self._theatre.work.clock.at = first + timedelta(seconds=seconds)
                (queue,) = dice.choices(list(mail), list(mail.values()))
                await play.arrive(queue, "email")
            await self._note(conn, last, end)
        published = len(self._theatre.work.heard)
        self._theatre.work.heard.clear()  # the engine reads the tables afterwards
        return published
