from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pgqueuer.adapters.persistence.queries import Queries
from prometheus_client.parser import text_string_to_metric_families

import db
from config.settings import Settings
from contactcenter.core import jobs
from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Unavailable
from contactcenter.core.jobs import Job, JobQueue, JobRunner, Schedule
from contactcenter.core.metrics import exposition
from contactcenter.core.work import WorkFactory, trace
from tests.conftest import TEST_ENVIRON

CLOCK = SystemClock(timedelta(hours=7))
QUEUE = JobQueue(CLOCK)


class Desk:
    """Does jobs; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.done: list[Any] = []
        self.traces: list[str | None] = []
        self.failures = failures

    async def handle(self, payload: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise LookupError
        self.traces.append(trace.get())
        self.done.append(payload["n"])

    async def until(self, *numbers: int) -> None:
        async with asyncio.timeout(15):
            while sorted(self.done) != list(numbers):
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(
    settings: Settings, *kinds: Job, schedules: tuple[Schedule, ...] = ()
) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(JobRunner(settings, kinds, schedules).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_RETRY", timedelta(milliseconds=10))
    monkeypatch.setattr(jobs, "RECONNECT_SECONDS", 0.05)


async def test_the_migration_is_what_the_installed_version_wants(conn: Any) -> None:
    await conn.reset_type_codec("jsonb", schema="pg_catalog")
    plan = await Queries.from_asyncpg_connection(conn).plan_upgrade()
    assert plan.statements == ()


async def test_a_job_runs_with_its_payload_and_trace(settings: Settings, work: WorkFactory) -> None:
    desk = Desk()
    async with running(settings, Job("parcel.label", desk.handle)):
        token = trace.set("request-1")
        async with work.begin("test.enqueue", "user:1") as unit:
            await QUEUE.enqueue(unit.conn, "parcel.label", {"n": 1})
        trace.reset(token)
        await desk.until(1)
    assert desk.traces == ["request-1"]


async def test_a_rolled_back_job_never_runs(
    settings: Settings, work: WorkFactory, conn: db.Connection
) -> None:
    desk = Desk()

    async def fails() -> None:
        async with work.begin("test.enqueue", "user:1") as unit:
            await QUEUE.enqueue(unit.conn, "parcel.label", {"n": 1})
            raise LookupError

    async with running(settings, Job("parcel.label", desk.handle)):
        with pytest.raises(LookupError):
            await fails()
        await QUEUE.enqueue(conn, "parcel.label", {"n": 2})
        await desk.until(2)


async def test_a_key_is_queued_once_while_it_waits(settings: Settings, conn: db.Connection) -> None:
    desk = Desk()
    for number in (1, 2):
        await QUEUE.enqueue(conn, "parcel.label", {"n": number}, dedupe_key="k")
    await QUEUE.enqueue(conn, "parcel.label", {"n": 3}, dedupe_key="other")
    async with running(settings, Job("parcel.label", desk.handle)):
        await desk.until(1, 3)
        async with asyncio.timeout(10):
            while await conn.fetchval("SELECT count(*) FROM pgqueuer"):
                await asyncio.sleep(0.02)
        await QUEUE.enqueue(conn, "parcel.label", {"n": 4}, dedupe_key="k")
        await desk.until(1, 3, 4)


async def test_later_is_later_on_the_centre_s_clock(conn: db.Connection) -> None:
    await QUEUE.enqueue(conn, "a", {}, run_at=CLOCK.now() + timedelta(hours=1))
    await QUEUE.enqueue(conn, "b", {}, run_at=CLOCK.now() - timedelta(hours=1))
    waits = await conn.fetch(
        "SELECT round(extract(epoch FROM execute_after - now())) AS s FROM pgqueuer ORDER BY id"
    )
    assert abs(waits[0]["s"] - 3600) < 60
    assert waits[1]["s"] <= 0


async def test_failures_are_tried_again_and_then_held(
    settings: Settings, conn: db.Connection
) -> None:
    shaky, hopeless = Desk(failures=2), Desk(failures=1000)
    await QUEUE.enqueue(conn, "shaky", {"n": 1})
    await QUEUE.enqueue(conn, "hopeless", {"n": 2})
    async with running(
        settings, Job("shaky", shaky.handle), Job("hopeless", hopeless.handle, attempts=3)
    ):
        await shaky.until(1)
        async with asyncio.timeout(15):
            while await conn.fetchval("SELECT status::text FROM pgqueuer") != "failed":
                await asyncio.sleep(0.05)
    assert hopeless.failures == 997


async def test_a_schedule_ticks(settings: Settings, conn: db.Connection) -> None:
    ticked = asyncio.Event()

    async def tick() -> None:
        ticked.set()
        raise LookupError

    schedule = Schedule("test.tick", "* * * * *", tick)
    async with running(settings, schedules=(schedule,)), asyncio.timeout(10):
        while not await conn.fetchval("SELECT count(*) FROM pgqueuer_schedules"):
            await asyncio.sleep(0.05)
    await conn.execute("UPDATE pgqueuer_schedules SET next_run = now()")
    async with running(settings, schedules=(schedule,)), asyncio.timeout(10):
        await ticked.wait()
        while await conn.fetchval("SELECT status::text FROM pgqueuer_schedules") != "queued":
            await asyncio.sleep(0.05)  # it failed, and will be done again all the same


async def test_a_stop_waits_for_what_runs(settings: Settings, conn: db.Connection) -> None:
    begun, gate, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_: dict[str, Any]) -> None:
        begun.set()
        await gate.wait()
        ended.set()

    await QUEUE.enqueue(conn, "slow", {})
    async with running(settings, Job("slow", slow)):
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert ended.is_set()
    assert await conn.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_job_cut_short_is_kept(
    settings: Settings, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GRACE_SECONDS", 0.05)
    begun = asyncio.Event()

    async def endless(_: dict[str, Any]) -> None:
        begun.set()
        await asyncio.sleep(3600)

    await QUEUE.enqueue(conn, "endless", {})
    async with running(settings, Job("endless", endless)):
        await begun.wait()
    assert await conn.fetchval("SELECT status::text FROM pgqueuer") == "picked"


async def test_a_job_whose_process_was_killed_runs_again(
    settings: Settings, conn: db.Connection
) -> None:
    await QUEUE.enqueue(conn, "parcel.label", {"n": 1})
    assert settings.database.url is not None
    environ = {**TEST_ENVIRON, "DATABASE_URL": settings.database.url, "PATH": os.environ["PATH"]}
    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.core.doomed", "parcel.label",
        env=environ, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert doomed.stdout is not None
    async with asyncio.timeout(30):
        assert await doomed.stdout.readline() == b"begun\n"
    doomed.kill()
    await doomed.wait()
    assert await conn.fetchval("SELECT status::text FROM pgqueuer") == "picked"
    await conn.execute("UPDATE pgqueuer SET heartbeat = now() - interval '1 hour'")
    desk = Desk()
    async with running(settings, Job("parcel.label", desk.handle)):
        await desk.until(1)


async def test_how_long_a_job_waited_is_measured(settings: Settings, conn: db.Connection) -> None:
    desk = Desk()
    await QUEUE.enqueue(conn, "measured", {"n": 1})
    await conn.execute("UPDATE pgqueuer SET created = now() - interval '2 minutes',"
                       " execute_after = now() - interval '2 minutes'")  # fmt: skip
    async with running(settings, Job("measured", desk.handle)):
        await desk.until(1)
    families = text_string_to_metric_families(exposition().decode())
    (family,) = (each for each in families if each.name == "job_wait_seconds")
    found = {
        (each.name, each.labels.get("le")): each.value
        for each in family.samples
        if each.labels["job"] == "measured"
    }
    assert (found["job_wait_seconds_bucket", "60.0"], found["job_wait_seconds_count", None]) == (
        0, 1,
    )  # fmt: skip
    assert found["job_wait_seconds_sum", None] >= 120


async def test_a_lost_connection_is_made_anew(settings: Settings, conn: db.Connection) -> None:
    desk = Desk()
    async with running(settings, Job("parcel.label", desk.handle)):
        await QUEUE.enqueue(conn, "parcel.label", {"n": 1})
        await desk.until(1)
        await conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'jobs' AND datname = current_database()"
        )
        await QUEUE.enqueue(conn, "parcel.label", {"n": 2})
        await desk.until(1, 2)


async def test_a_schedule_that_finds_the_database_away_comes_again(
    settings: Settings, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AGAIN_SECONDS", (0.01, 0.01))
    done = asyncio.Event()
    tries = 0

    async def tick() -> None:
        nonlocal tries
        tries += 1
        if tries < 2:
            raise Unavailable("The database is not available just now.")
        done.set()

    schedule = Schedule("test.again", "0 4 * * *", tick)
    async with running(settings, schedules=(schedule,)), asyncio.timeout(10):
        while not await conn.fetchval("SELECT count(*) FROM pgqueuer_schedules"):
            await asyncio.sleep(0.05)
    await conn.execute("UPDATE pgqueuer_schedules SET next_run = now()")
    async with running(settings, schedules=(schedule,)), asyncio.timeout(30):
        await done.wait()
    assert tries == 2
