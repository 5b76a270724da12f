"""Routing: dispatches per CPU second beside a SKIP LOCKED queue, and the way to an offer.

A dispatch takes one waiting item off its queue for one agent, durably. The router reads the
facts from the log, matches, and writes offers with their explanations in groups. Beside it, on
the same server in the same run, stand `FOR UPDATE SKIP LOCKED` queues with four workers, one
item a transaction and `synchronous_commit` on:

- `same_rules` takes the item that the rules put first (band, base with its ageing boost, virtual
  start, id) and the least loaded, longest idle agent with the skill and room; it writes the same
  rows (offer, visit, interaction, event), without an explanation;
- `same_rows` writes them too, but is spared ageing, skills and room: both are found by an index;
- `bare` only marks a row of a table of its own as taken.

Counted is the CPU time of this process and of every process of the database server.

Before that 200 interactions a second are queued at fixed times, each in a transaction of its own,
and the time runs from the beginning of that transaction until a subscriber hears of the offer. The
first second is not counted: connections are opened and statements prepared in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.event import Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.moments import to_ms
from contactcenter.core.work import WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.events.routing import ReservationCreated
from contactcenter.interactions import service as hall
from routing.book import QueueBook
from routing.core.model import Constants
from routing.leader import COLLECT, Router
from routing.service import PresenceService, QueueService
from routing.translate import HEARD
from tests.bench._crowd import cpu_seconds, database, queue_up, server_pids, staff
from tests.bench._report import Baseline, percentile, report, run

AREA = "routing"
ITEMS = 2_000
RUNS = 5
WORKERS = 4
PER_SECOND = 200
WARM_SECONDS = 1.0
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
FREE = """
CREATE TABLE bench_free (
    agent_id   uuid PRIMARY KEY,
    idle_since timestamptz NOT NULL,
    load       integer     NOT NULL DEFAULT 0
);
CREATE INDEX bench_free_idle ON bench_free (load, idle_since, agent_id);
CREATE INDEX bench_line ON work_items (band, virtual_start, id)
    WHERE answered_at IS NULL AND ended_at IS NULL;
INSERT INTO bench_free SELECT agent_id, idle_since FROM agent_states;
"""
UNFREE = "DROP TABLE bench_free; DROP INDEX bench_line"
NEXT_BY_RULES = """
SELECT id, interaction_id FROM work_items
WHERE answered_at IS NULL AND ended_at IS NULL AND state = 'queued'
ORDER BY band,
         base * 1000 + boost * 1000
             * least(greatest(extract(epoch FROM now() - virtual_start) * 1000, 0), target_ms)
             / target_ms DESC,
         virtual_start, id
LIMIT 1 FOR UPDATE SKIP LOCKED
"""
AGENT_BY_RULES = """
UPDATE bench_free SET load = load + 25 WHERE agent_id = (
    SELECT f.agent_id FROM bench_free f
    JOIN agent_skills k ON k.agent_id = f.agent_id AND k.skill = 'SA' AND k.level >= 1
    WHERE f.load <= 75
    ORDER BY f.load, f.idle_since, f.agent_id LIMIT 1 FOR UPDATE OF f SKIP LOCKED)
RETURNING agent_id
"""
NEXT_ITEM = """
SELECT id, interaction_id FROM work_items
WHERE answered_at IS NULL AND ended_at IS NULL AND state = 'queued'
ORDER BY band, virtual_start, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
NEXT_AGENT = """
DELETE FROM bench_free WHERE agent_id = (
    SELECT agent_id FROM bench_free ORDER BY load, idle_since, agent_id LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING agent_id
"""
VISIT = "UPDATE work_items SET state = 'offered' WHERE id = $1"
INTERACTION = """
UPDATE interactions SET state = 'offered', version = version + 1, first_offered_at = $2
WHERE id = $1
"""
OFFER = """
INSERT INTO reservations (id, work_item_id, interaction_id, agent_id, round, state, cost, epoch,
                          created_at, expires_at)
VALUES ($1, $2, $3, $4, 1, 'pending', 25, 0, $5, $6)
"""
EVENT = """
INSERT INTO event_log (type, version, subject, data, actor, occurred_at)
VALUES ($1, $2, $3, $4, 'bench', $5)
"""
TAKE = """
SELECT id FROM bench_jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
TAKEN = "UPDATE bench_jobs SET state = 'taken', worker = $2, taken_at = now() WHERE id = $1"
COMMIT = "INSERT INTO bench_commits (id) VALUES ($1)"


def main() -> None:
    run(measure())


async def measure() -> None:
    gc.set_threshold(*COLLECT)  # as a running router does; for the others too
    async with database(DB_POOL_MAX="40") as (settings, pool):
        async with pool.acquire() as conn:
            await conn.execute(JOBS)
        await offers(settings, pool)  # before the queues beside ours have littered the tables
        runs = [
            (
                await dispatched(settings, pool),
                await handed_out(settings, pool, NEXT_BY_RULES, AGENT_BY_RULES),
                await handed_out(settings, pool, NEXT_ITEM, NEXT_AGENT),
                await taken(settings, pool),
            )
            for _ in range(RUNS + 1)
        ][1:]  # the first warms up
        ours, rules, rows, bare = zip(*runs, strict=True)
        for name, beside in (
            ("routing.dispatch_per_cpu_second", Baseline("skip_locked_same_rules", rules)),
            ("routing.dispatch_beside_same_rows", Baseline("skip_locked_same_rows", rows)),
            ("routing.dispatch_beside_bare_queue", Baseline("skip_locked_bare", bare)),
        ):
            report(name, ours, "dispatches/s", "higher", beside)


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
        await staff(conn, ITEMS + 1, to_ms(clock.now()))
    async with leading(settings, pool, clock) as router:
        await router.turn()
        async with pool.acquire() as conn:
            await queue_up(conn, 1, to_ms(clock.now()))
        after = await told(pool, router, 1, eventlog.START)  # it has sorted the agents then
        async with pool.acquire() as conn:
            await queue_up(conn, ITEMS, to_ms(clock.now()))

        async def work() -> int:
            await told(pool, router, ITEMS, after)
            async with pool.acquire() as conn:
                made: int = await conn.fetchval("SELECT count(*) FROM reservations")
            assert made == ITEMS + 1, made
            return ITEMS

        return await per_cpu_second(pool, work)


async def told(pool: db.Pool, router: Router, items: int, after: Position) -> Position:
    """Let the router hear of these items from the log, and deal with them."""
    async with pool.acquire() as conn:
        batch = await eventlog.read(
            conn, CATALOGUE, after, limit=items, types=[cls.name for cls in HEARD]
        )
    await router.hear(batch)
    while await router.turn():
        pass
    return batch[-1].position


async def handed_out(settings: Settings, pool: db.Pool, next_item: str, next_agent: str) -> float:
    """A queue that does the same with SKIP LOCKED, each item and agent found by these."""
    clock = SystemClock()
    async with pool.acquire() as conn:
        await staff(conn, ITEMS, to_ms(clock.now()))
        await queue_up(conn, ITEMS, to_ms(clock.now()))
        await conn.execute(FREE)
        await conn.execute("VACUUM ANALYZE bench_free, work_items, agent_skills")

    async def dispatch(conn: db.Connection) -> bool:
        async with conn.transaction():
            item = await conn.fetchrow(next_item)
            if item is None:
                return False
            work_item, interaction = item
            agent = await conn.fetchval(next_agent)
            now, offer = clock.now(), new_id()
            expires = now + timedelta(seconds=30)
            await conn.execute(VISIT, work_item)
            await conn.execute(INTERACTION, interaction, now)
            await conn.execute(OFFER, offer, work_item, interaction, agent, now, expires)
            event = ReservationCreated(
                reservation_id=offer,
                work_item_id=work_item,
                interaction_id=interaction,
                agent_id=agent,
                queue="SA",
                channel="chat",
                round=1,
                expires_at=expires,
            )
            await conn.execute(EVENT, event.name, event.version, event.subject, event, now)
        return True

    try:
        return await by_workers(settings, pool, dispatch)
    finally:
        async with pool.acquire() as conn:
            await conn.execute(UNFREE)


async def taken(settings: Settings, pool: db.Pool) -> float:
    """The bare queue."""
    async with pool.acquire() as conn:
        await conn.execute("TRUNCATE bench_jobs")
        await conn.execute("INSERT INTO bench_jobs SELECT FROM generate_series(1, $1)", ITEMS)
        await conn.execute("VACUUM ANALYZE bench_jobs")

    async def take(conn: db.Connection) -> bool:
        async with conn.transaction():
            job = await conn.fetchval(TAKE)
            if job is not None:
                await conn.execute(TAKEN, job, 1)
        return job is not None

    return await by_workers(settings, pool, take)


async def by_workers(
    settings: Settings, pool: db.Pool, dispatch: Callable[[db.Connection], Awaitable[bool]]
) -> float:
    """Items per CPU second of workers that dispatch one after the other until nothing is left."""
    conns = [await db.connect(settings, "bench") for _ in range(WORKERS)]

    async def worker(conn: db.Connection) -> int:
        done = 0
        while await dispatch(conn):
            done += 1
        return done

    async def work() -> int:
        done = sum(await asyncio.gather(*map(worker, conns)))
        assert done == ITEMS
        return done

    try:
        return await per_cpu_second(pool, work)
    finally:
        for own in conns:
            await own.close()


async def offers(settings: Settings, pool: db.Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("TRUNCATE bench_commits")
    waits, committed = zip(
        *[await offered(settings, pool) for _ in range(RUNS + 1)][1:], strict=True
    )
    beside = Baseline("commit_p50_ms", [statistics.median(run) for run in committed])
    for name, share in (("routing.offer_p50_ms", 50), ("routing.offer_p99_ms", 99)):
        report(name, [percentile(run, share) for run in waits], "ms", "lower", beside)


async def offered(settings: Settings, pool: db.Pool) -> tuple[list[float], list[float]]:
    """Milliseconds to each offer of one run, and of small commits meanwhile. Every run has
    agents of its own: who was not answered in 30 s would be offered to a second one."""
    clock = SystemClock()
    warm = int(PER_SECOND * WARM_SECONDS)
    count = warm + int(PER_SECOND * SECONDS)
    async with pool.acquire() as conn:
        await staff(conn, count, to_ms(clock.now()))
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
    arrived = [await arrive(work) for _ in range(count)]
    sent: dict[UUID, float] = {}
    stop = asyncio.Event()
    async with router.running():
        commits = asyncio.create_task(commit_times(pool, stop))
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for place, interaction_id in enumerate(arrived):
                await asyncio.sleep(begun + place / PER_SECOND - time.perf_counter())
                group.create_task(enqueue(work, queues, interaction_id, sent))
        async with asyncio.timeout(60):
            while not sent.keys() <= heard.keys():
                await asyncio.sleep(0.01)
        stop.set()
        committed = await commits
    await bus.stop()
    counted = arrived[warm:]
    return [(heard[key] - sent[key]) * 1000 for key in counted], committed


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
