"""Routing: dispatches per CPU second beside a SKIP LOCKED queue, and the way to an offer.

A dispatch takes one waiting item off its queue for one worker, durably. The router reads the
facts from the log, matches, and writes offers with their explanations in groups; the queue
beside it has four workers, one item a transaction, on the same server in the same run. Counted
is the CPU time of this process and of every process of the database server.

Then 200 interactions a second are queued at fixed times, each in a transaction of its own, and
the time runs from the beginning of that transaction until a subscriber hears of the offer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID
from zoneinfo import ZoneInfo

import uvloop

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock, to_ms
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.events.routing import ReservationCreated
from contactcenter.interactions import service as hall
from routing.book import QueueBook
from routing.core.model import Constants
from routing.leader import Router
from routing.service import PresenceService, QueueService
from routing.translate import HEARD
from tests.bench._crowd import cpu_seconds, database, queue_up, server_pids, staff
from tests.bench._report import Baseline, percentile, report

AREA = "routing"
ITEMS = 2_000
RUNS = 5
WORKERS = 4
PER_SECOND = 200
SECONDS = 5.0
COMMIT_EVERY_SECONDS = 0.05

JOBS = """
CREATE TABLE bench_jobs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state      text NOT NULL DEFAULT 'queued',
    worker     integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    taken_at   timestamptz
);
CREATE INDEX bench_jobs_queued ON bench_jobs (id) WHERE state = 'queued';
CREATE TABLE bench_commits (id bigint NOT NULL);
"""
TAKE = """
SELECT id FROM bench_jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
TAKEN = "UPDATE bench_jobs SET state = 'taken', worker = $2, taken_at = now() WHERE id = $1"
COMMIT = "INSERT INTO bench_commits (id) VALUES ($1)"


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure())


async def measure() -> None:
    async with database(DB_POOL_MAX="40") as (settings, pool):
        async with pool.acquire() as conn:
            await conn.execute(JOBS)
        ours, theirs = [], []
        for number in range(RUNS + 1):  # the first warms up
            mine = await dispatched(settings, pool)
            other = await taken(settings, pool)
            if number:
                ours.append(mine)
                theirs.append(other)
        report(
            "routing.dispatch_per_cpu_second",
            ours,
            "dispatches/s",
            "higher",
            Baseline("skip_locked_per_cpu_second", theirs),
        )
        await offers(settings, pool)


async def per_cpu_second(pool: db.Pool, work: Callable[[], Awaitable[int]]) -> float:
    """How many of what `work` counts are done in a second of CPU time."""
    async with pool.acquire() as conn:
        pids = [os.getpid(), *await server_pids(conn)]
    begun = cpu_seconds(pids)
    done = await work()
    return done / (cpu_seconds(pids) - begun)


async def dispatched(settings: Settings, pool: db.Pool) -> float:
    clock = SystemClock()
    async with pool.acquire() as conn:
        await staff(conn, ITEMS, to_ms(clock.now()))
    async with leading(settings, pool, clock) as router:
        await router.turn()
        async with pool.acquire() as conn:
            await queue_up(conn, ITEMS, to_ms(clock.now()))

        async def work() -> int:
            async with pool.acquire() as conn:
                batch = await eventlog.read(
                    conn,
                    CATALOGUE,
                    eventlog.START,
                    limit=ITEMS,
                    types=[cls.name for cls in HEARD],
                )
            await router.hear(batch)
            while await router.turn():
                pass
            async with pool.acquire() as conn:
                made: int = await conn.fetchval("SELECT count(*) FROM reservations")
            assert made == ITEMS, made
            return made

        return await per_cpu_second(pool, work)


async def taken(settings: Settings, pool: db.Pool) -> float:
    async with pool.acquire() as conn:
        await conn.execute("TRUNCATE bench_jobs")
        await conn.execute("INSERT INTO bench_jobs SELECT FROM generate_series(1, $1)", ITEMS)
        await conn.execute("VACUUM ANALYZE bench_jobs")
    conns = [await db.connect(settings, "bench") for _ in range(WORKERS)]

    async def worker(number: int, conn: db.Connection) -> int:
        done = 0
        while True:
            async with conn.transaction():
                job = await conn.fetchval(TAKE)
                if job is None:
                    return done
                await conn.execute(TAKEN, job, number)
            done += 1

    async def work() -> int:
        counts = await asyncio.gather(*(worker(n, conn) for n, conn in enumerate(conns)))
        assert sum(counts) == ITEMS
        return sum(counts)

    try:
        return await per_cpu_second(pool, work)
    finally:
        for own in conns:
            await own.close()


async def offers(settings: Settings, pool: db.Pool) -> None:
    clock = SystemClock()
    count = int(PER_SECOND * SECONDS)
    async with pool.acquire() as conn:
        await staff(conn, (RUNS + 1) * count, to_ms(clock.now()))
    work = WorkFactory(pool, clock)
    bus = Bus(settings, pool, CATALOGUE, work)
    await bus.start()
    queues = QueueService(QueueBook(ZONE), Constants())
    router = routed(settings, work, bus, clock)
    heard: dict[UUID, float] = {}

    async def hear(batch: list[Recorded]) -> None:
        now = time.perf_counter()
        for recorded in batch:
            assert isinstance(recorded.event, ReservationCreated)
            heard[recorded.event.interaction_id] = now

    await bus.subscribe("bench", hear, [ReservationCreated])
    medians, tops, commits = [], [], []
    async with router.running():
        for number in range(RUNS + 1):
            arrived = [await arrive(work) for _ in range(count)]
            sent: dict[UUID, float] = {}
            stop = asyncio.Event()
            commit = asyncio.create_task(commit_times(pool, stop))
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for place, interaction_id in enumerate(arrived):
                    await asyncio.sleep(begun + place / PER_SECOND - time.perf_counter())
                    group.create_task(enqueue(work, queues, interaction_id, sent))
            async with asyncio.timeout(60):
                while not sent.keys() <= heard.keys():
                    await asyncio.sleep(0.01)
            stop.set()
            committed = await commit
            if number:
                waits = [(heard[key] - at) * 1000 for key, at in sent.items()]
                medians.append(percentile(waits, 50))
                tops.append(percentile(waits, 99))
                commits.append(statistics.median(committed))
    await bus.stop()
    beside = Baseline("commit_p50_ms", commits)
    report("routing.offer_p50_ms", medians, "ms", "lower", beside)
    report("routing.offer_p99_ms", tops, "ms", "lower", beside)


async def arrive(work: WorkFactory) -> UUID:
    """A customer with an interaction that is not queued yet."""
    async with work.begin("bench.arrive", "visitor:bench") as unit:
        contact = await hall.create_contact(unit, name="", locale="es")
        thread = await hall.create_conversation(unit, contact_id=contact.id, channel="chat")
        return (await hall.create_interaction(unit, conversation=thread)).id


async def enqueue(
    work: WorkFactory, queues: QueueService, interaction_id: UUID, sent: dict[UUID, float]
) -> None:
    begun = time.perf_counter()
    async with work.begin("bench.enqueue", "visitor:bench") as unit:
        await queues.enqueue(unit, interaction_id=interaction_id, queue="SA")
    sent[interaction_id] = begun


async def commit_times(pool: db.Pool, stop: asyncio.Event) -> list[float]:
    """Milliseconds of one small transaction, again and again until told to stop."""
    times = []
    async with pool.acquire() as conn:
        while not stop.is_set():
            begun = time.perf_counter()
            await conn.execute(COMMIT, 1)
            times.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(COMMIT_EVERY_SECONDS)
    return times


ZONE = ZoneInfo("Europe/Madrid")


@contextlib.asynccontextmanager
async def leading(settings: Settings, pool: db.Pool, clock: SystemClock) -> AsyncIterator[Router]:
    """A router that holds the lease and turns when told."""
    work = WorkFactory(pool, clock)
    router = routed(settings, work, Bus(settings, pool, CATALOGUE, work), clock)
    conn = await db.connect(settings, "bench-lease")
    try:
        assert await router.take_lease(conn)
        yield router
    finally:
        await conn.close()


def routed(settings: Settings, work: WorkFactory, bus: Bus, clock: SystemClock) -> Router:
    return Router(
        work=work,
        bus=bus,
        clock=clock,
        book=QueueBook(ZONE),
        presence=PresenceService(work),
        zone=ZONE,
        constants=Constants(),
        settings=settings,
    )


if __name__ == "__main__":
    main()
