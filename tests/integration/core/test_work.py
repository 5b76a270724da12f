from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import db
from config.settings import Settings
from contactcenter.core import eventlog
from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Conflict, Unavailable
from contactcenter.core.work import WorkFactory
from tests.integration.core.parcels import ParcelSent

INSERT = "INSERT INTO centre_settings (key, value, updated_at) VALUES ($1, '1', now())"
COUNT = "SELECT count(*) FROM centre_settings"


async def test_rows_and_events_are_one(work: WorkFactory, conn: db.Connection) -> None:
    told: list[int] = []
    work.on_commit(told.append)
    async with work.begin("test.both", "user:1") as unit:
        await unit.conn.execute(INSERT, "a")
        unit.emit(ParcelSent(parcel="a"))
        unit.emit(ParcelSent(parcel="b"), occurred_at=unit.now - timedelta(hours=1))
        assert await conn.fetchval("SELECT count(*) FROM event_log") == 0
        assert told == []
    rows = await conn.fetch("SELECT xid, subject, actor, occurred_at FROM event_log ORDER BY id")
    assert [(row["subject"], row["actor"]) for row in rows] == [("a", "user:1"), ("b", "user:1")]
    assert rows[0]["occurred_at"] - rows[1]["occurred_at"] == timedelta(hours=1)
    assert told == [rows[0]["xid"]] == [rows[1]["xid"]]


async def test_nothing_published_wakes_nobody(work: WorkFactory) -> None:
    told: list[int] = []
    work.on_commit(told.append)
    async with work.begin("test.quiet", "user:1") as unit:
        await unit.conn.execute(INSERT, "a")
    assert told == []


async def test_a_failure_at_the_very_end_is_a_failure(
    work: WorkFactory, conn: db.Connection
) -> None:
    """Deferred constraints are checked by COMMIT itself."""
    await conn.execute("CREATE TABLE parents (id int PRIMARY KEY)")
    await conn.execute(
        "CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
    )
    told: list[int] = []
    work.on_commit(told.append)
    left = False

    async def orphan() -> None:
        nonlocal left
        async with work.begin("test.orphan", "user:1") as unit:
            await unit.conn.execute("INSERT INTO children VALUES (1)")
            unit.emit(ParcelSent(parcel="a"))
            left = True

    with pytest.raises(db.ForeignKeyViolation):
        await orphan()
    assert left
    assert told == []
    assert await conn.fetchval("SELECT count(*) FROM event_log") == 0


async def test_problems_pass_as_they_are(work: WorkFactory, conn: db.Connection) -> None:
    async def conflict() -> None:
        async with work.begin("test.conflict", "user:1") as unit:
            await unit.conn.execute(INSERT, "a")
            raise Conflict("no", n=1)

    with pytest.raises(Conflict):
        await conflict()
    assert await conn.fetchval(COUNT) == 0


async def test_mistakes_of_ours_are_not_called_unavailable(work: WorkFactory) -> None:
    async def wrong(error: Exception | None) -> None:
        async with work.begin("test.wrong", "user:1") as unit:
            if error is not None:
                raise error
            await unit.conn.execute("SELECT nothing FROM nowhere")

    with pytest.raises(db.DatabaseError):
        await wrong(None)
    for error in (FileNotFoundError(), TimeoutError(), ZeroDivisionError()):
        with pytest.raises(type(error)):
            await wrong(error)


async def test_a_lost_connection_is_unavailable_and_the_next_unit_is_well(
    work: WorkFactory, conn: db.Connection
) -> None:
    async def cut() -> None:
        async with work.begin("test.cut", "user:1") as unit:
            await unit.conn.execute(INSERT, "a")
            pid = await unit.conn.fetchval("SELECT pg_backend_pid()")
            await conn.execute("SELECT pg_terminate_backend($1)", pid)
            await unit.conn.execute(INSERT, "b")

    with pytest.raises(Unavailable) as caught:
        await cut()
    assert caught.value.retry_after == 1
    assert await conn.fetchval(COUNT) == 0
    async with work.begin("test.next", "user:1") as unit:
        await unit.conn.execute(INSERT, "c")
    assert await conn.fetchval(COUNT) == 1


async def test_a_unit_over_its_time_is_unavailable(settings: Settings) -> None:
    short = settings.database.model_copy(update={"transaction_timeout_ms": 50})
    pool = await db.create_pool(settings.model_copy(update={"database": short}))
    work = WorkFactory(pool, SystemClock())

    async def lingers() -> None:
        async with work.begin("test.lingers", "user:1") as unit:
            await unit.conn.execute(INSERT, "a")
            await asyncio.sleep(0.2)

    with pytest.raises(Unavailable):
        await lingers()
    async with work.reading("test.count") as conn:
        assert await conn.fetchval(COUNT) == 0
    await pool.close()


async def test_a_deadlock_ends_for_one_and_succeeds_for_the_other(
    work: WorkFactory, conn: db.Connection
) -> None:
    await conn.execute(INSERT, "a")
    await conn.execute(INSERT, "b")
    both = asyncio.Barrier(2)

    async def lock(first: str, second: str) -> str:
        update = "UPDATE centre_settings SET value = '2' WHERE key = $1"
        try:
            async with work.begin("test.lock", "user:1") as unit:
                await unit.conn.execute(update, first)
                await both.wait()
                await unit.conn.execute(update, second)
        except Unavailable as problem:
            return problem.detail
        return "done"

    outcomes = await asyncio.gather(lock("a", "b"), lock("b", "a"))
    assert sorted(outcomes) == ["Another change got in the way. Try again.", "done"]


async def test_a_snapshot_is_of_one_moment(work: WorkFactory, conn: db.Connection) -> None:
    async with work.reading("test.snapshot", snapshot=True) as reader:
        tip = await eventlog.tip(reader)
        await conn.execute(INSERT, "a")
        async with asyncio.TaskGroup() as group:
            group.create_task(_send(work))
        assert await reader.fetchval(COUNT) == 0
        assert await eventlog.tip(reader) == tip
    async with work.reading("test.plain") as reader:
        assert await reader.fetchval(COUNT) == 1
        assert await eventlog.tip(reader) > tip


async def _send(work: WorkFactory) -> None:
    async with work.begin("test.send", "user:1") as unit:
        unit.emit(ParcelSent(parcel="a"))
