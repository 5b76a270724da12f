"""Work for later and work by the clock, on pgqueuer: `enqueue` in the caller's transaction.

A job is what a listener or a service may not do itself: everything outside the database. It runs
at least once, so its handler gives the provider an idempotency key made from the payload.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from prometheus_client import Histogram

import db
from config.logging import bound_about, bound_ids
from config.settings import Settings
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Unavailable
from contactcenter.core.work import trace

if TYPE_CHECKING:
    from pgqueuer import PgQueuer

log = structlog.get_logger(__name__)

WAIT_SECONDS = Histogram(
    "job_wait_seconds",
    "From when a job was due to when it was begun, both by the database's clock",
    ["job"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)

GRACE_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = (1.0, 5.0, 15.0, 60.0, 60.0, 60.0)
"""A schedule that finds the database away comes again; the next tick may be a day off."""
FIRST_RETRY: Final = timedelta(seconds=1)
LONGEST_RETRY: Final = timedelta(minutes=5)

# As pgqueuer.Queries.enqueue, on a connection whose jsonb columns carry Python values.
ENQUEUE = """
WITH job AS (
    INSERT INTO pgqueuer
        (priority, entrypoint, payload, execute_after, dedupe_key, headers, status)
    VALUES (0, $1, $2, now() + $3::interval, $4, $5, 'queued')
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL
    DO NOTHING
    RETURNING id, entrypoint, priority
)
INSERT INTO pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, priority FROM job
"""

Handler = Callable[[dict[str, Any]], Awaitable[None]]
Tick = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of job. After `attempts` failures (with growing pauses) it is held for an operator."""

    name: str
    handle: Handler
    attempts: int = 5
    concurrency: int = 0  # across all nodes; 0: no limit


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something done by the clock, on one node at a time. `cron` is in UTC, by the minute."""

    name: str
    cron: str
    handle: Tick


class JobQueue:
    """Puts jobs into the queue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def enqueue(
        self,
        conn: db.Connection,
        name: str,
        payload: Mapping[str, Any],
        *,
        dedupe_key: str | None = None,
        run_at: datetime | None = None,
    ) -> None:
        """Queue a job with the caller's transaction; a rolled-back one never runs.

        With `dedupe_key`, a second job of that key is left out while the first is waiting or
        running. `run_at` is on the centre's clock; default: now.
        """
        delay = timedelta(0) if run_at is None else max(timedelta(0), run_at - self._clock.now())
        headers = {"trace": trace.get()}
        await conn.execute(ENQUEUE, name, orjson.dumps(payload), delay, dedupe_key, headers)


class JobRunner:
    """Runs jobs and schedules in the role `jobs`."""

    def __init__(
        self, settings: Settings, jobs: Iterable[Job], schedules: Iterable[Schedule]
    ) -> None:
        self._settings = settings
        self._jobs = tuple(jobs)
        self._schedules = tuple(schedules)

    async def run(self) -> None:
        """Run until cancelled; what runs then is given a moment to end.

        A job that does not end in time, like one whose process is killed, runs again elsewhere
        once its heartbeat is stale.
        """
        await asyncio.to_thread(importlib.import_module, "pgqueuer")  # half a second of imports
        while True:
            try:
                await self._run_on_a_connection()
            except (db.DatabaseError, db.DatabaseUnavailableError, *db.ConnectionLost) as error:
                log.warning("jobs_interrupted", error=type(error).__name__)
            except Exception:
                log.exception("jobs_failed")
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _run_on_a_connection(self) -> None:
        conn = await db.connect(self._settings, "jobs")
        task: asyncio.Task[None] | None = None
        try:
            await conn.reset_type_codec("jsonb", schema="pg_catalog")  # pgqueuer writes it as text
            runner = self._assembled(conn)
            task = asyncio.create_task(runner.run(), name="pgqueuer")
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                runner.shutdown.set()
                await asyncio.wait({task}, timeout=GRACE_SECONDS)
                raise
        finally:
            conn.terminate()  # first, so that a job cut short is not written down as cancelled
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _assembled(self, conn: Any) -> PgQueuer:
        from pgqueuer import PgQueuer
        from pgqueuer.executors import DatabaseRetryEntrypointExecutor

        runner = PgQueuer.from_asyncpg_connection(conn)
        for job in self._jobs:
            executor = functools.partial(
                DatabaseRetryEntrypointExecutor,
                max_attempts=job.attempts - 1,
                initial_delay=FIRST_RETRY,
                max_delay=LONGEST_RETRY,
            )
            runner.entrypoint(
                job.name,
                concurrency_limit=job.concurrency,
                on_failure="hold",
                executor_factory=executor,
            )(_handler(job))
        for schedule in self._schedules:
            runner.schedule(schedule.name, schedule.cron)(_tick(schedule))
        return runner


def _handler(job: Job) -> Callable[[Any], Awaitable[None]]:
    async def handle(row: Any) -> None:
        token = trace.set((row.headers or {}).get("trace"))
        due = max(row.created, row.execute_after)
        WAIT_SECONDS.labels(job.name).observe(max(0.0, (row.updated - due).total_seconds()))
        payload = orjson.loads(row.payload)
        about = payload.get("interaction_id")
        with bound_ids(job=job.name, request_id=trace.get()), bound_about(about):
            try:
                await job.handle(payload)
            except Exception as error:
                log.warning("job_failed", attempt=row.attempts + 1, exc_info=error)
                raise
            finally:
                trace.reset(token)

    return handle


def _tick(schedule: Schedule) -> Callable[[Any], Awaitable[None]]:
    async def handle(_: Any) -> None:
        for pause in AGAIN_SECONDS:
            try:
                await schedule.handle()
                return
            except Unavailable:
                log.warning("schedule_waits_for_the_database", schedule=schedule.name)
            except Exception:
                log.exception("schedule_failed", schedule=schedule.name)
                return
            await asyncio.sleep(pause)
        log.error("schedule_given_up", schedule=schedule.name)

    return handle
