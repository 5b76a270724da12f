from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import db
from config.settings import Settings
from db.pool import ARRAYS, BUILT_IN, TRANSACTION_SECONDS, _Session

INSERT = "INSERT INTO centre_settings (key, value, updated_at) VALUES ($1, $2, now())"
INTROSPECT = "_introspect_types"
SELECT = "SELECT value FROM centre_settings WHERE key = $1"


async def test_a_unit_of_work_commits(pool: db.Pool, conn: db.Connection) -> None:
    async with db.transaction(pool, "test.write") as unit:
        await unit.execute(INSERT, "a", {"n": [1, None, "ñ"]})
    assert await conn.fetchval(SELECT, "a") == {"n": [1, None, "ñ"]}


async def test_an_exception_rolls_back_and_is_counted(pool: db.Pool, conn: db.Connection) -> None:
    before = _count("test.fails", "rollback")

    async def fails() -> None:
        async with db.transaction(pool, "test.fails") as unit:
            await unit.execute(INSERT, "a", 1)
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert await conn.fetchval(SELECT, "a") is None
    assert _count("test.fails", "rollback") == before + 1


async def test_a_second_unit_inside_the_first_is_refused(pool: db.Pool) -> None:
    async with db.transaction(pool, "outer"):
        with pytest.raises(RuntimeError, match="'inner' inside 'outer'"):
            async with db.transaction(pool, "inner"):
                pass


async def test_units_of_other_tasks_run_beside_it(pool: db.Pool) -> None:
    async def other() -> int:
        async with db.transaction(pool, "other") as unit:
            return int(await unit.fetchval("SELECT 7"))

    async with db.transaction(pool, "outer"):
        assert await asyncio.create_task(other()) == 7


async def test_json_carries_what_python_holds(conn: db.Connection) -> None:
    value = await conn.fetchval("SELECT $1::jsonb", {"price": Decimal("12.30")})
    assert value == {"price": "12.30"}
    assert await conn.fetchval("SELECT $1::json", [1.5, True]) == [1.5, True]


async def test_the_driver_asks_and_is_answered_as_the_session_expects(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session stands between the driver and a private method of the driver's own."""
    driver: Any = getattr(asyncpg.Connection, INTROSPECT)
    assert inspect.iscoroutinefunction(driver)
    assert [*inspect.signature(driver).parameters] == ["self", "typeoids", "timeout"]
    override: Any = vars(_Session)[INTROSPECT]
    heard: list[tuple[set[int], Any]] = []

    async def listens(self: Any, *args: Any) -> Any:
        typeoids, timeout = args
        assert timeout is None or isinstance(timeout, int | float)
        told = await override(self, typeoids, timeout)
        heard.append((set(typeoids), told))
        return told

    monkeypatch.setattr(_Session, INTROSPECT, listens)
    monkeypatch.setattr("db.pool._told", {})
    plain: Any = await asyncpg.connect(settings.database.url)
    for first in (True, False):
        conn = await db.connect(settings)
        try:
            for oid in ARRAYS:
                kind = await plain.fetchval("SELECT $1::oid::regtype::text", oid)
                row = await conn.fetchrow(f"SELECT NULL::{kind}, '{{}}'::{kind}")
                assert row is not None
                assert tuple(row) == (None, []), kind
            [(asked, (rows, intro))] = heard
            heard.clear()
            assert asked == {ARRAYS[0]}, "of the rest it is told in the same answer"
            truth, plain_intro = await getattr(plain, INTROSPECT)(ARRAYS, None)
            assert sorted(map(repr, map(dict, rows))) == sorted(map(repr, map(dict, truth)))
            assert isinstance(intro.name, type(plain_intro.name)), "all it wants of it"
            if first:
                await conn.execute("CREATE TYPE colour AS ENUM ('red')")
            assert await conn.fetchval("SELECT '{red}'::colour[]") == ["red"]
            [(own, (rows, _))] = heard
            heard.clear()
            assert min(own) >= BUILT_IN
            assert own <= {row["oid"] for row in rows}, "of what is not built in it is asked anew"
        finally:
            await conn.close()
    await plain.close()


async def test_a_process_asks_once_what_arrays_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    ask: Any = getattr(asyncpg.Connection, INTROSPECT)

    async def counted(self: Any, *args: Any) -> Any:
        asked.append(args)
        return await ask(self, *args)

    monkeypatch.setattr(asyncpg.Connection, INTROSPECT, counted)
    monkeypatch.setattr("db.pool._told", {})
    given = ([1, None], [uuid4()], [{"n": [1, None, "ñ"]}], [datetime.now(UTC)], [True], [b"\0"])
    every = "SELECT $1::int[], $2::uuid[], $3::jsonb[], $4::timestamptz[], $5::bool[], $6::bytea[]"
    for _ in range(2):
        conn = await db.connect(settings)
        try:
            assert await conn.fetchval("SELECT $1::bigint[]", [1 << 40]) == [1 << 40]
            assert tuple(await conn.fetchrow(every, *given) or ()) == given
        finally:
            await conn.close()
    assert len(asked) == 1


async def test_what_is_not_built_in_is_asked_of_its_database(settings: Settings) -> None:
    for kinds in (("a", "b"), ("c", "d")):
        conn = await db.connect(settings)
        try:
            async with conn.transaction():
                labels = ", ".join(f"'{kind}'" for kind in kinds)
                await conn.execute(f"CREATE TYPE kind_of_test AS ENUM ({labels})")
                known = await conn.fetchval("SELECT enum_range(NULL::kind_of_test)")
                assert known == list(kinds)
                await conn.execute("DROP TYPE kind_of_test")
        finally:
            await conn.close()


async def test_an_open_transaction_does_not_reach_the_next_user(pool: db.Pool) -> None:
    async with pool.acquire() as first:
        await first.execute("BEGIN")
        with pytest.raises(db.DatabaseError):
            await first.execute("SELECT 1/0")
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncpg reports it
    async with pool.acquire() as second:
        assert await second.fetchval("SELECT 1") == 1


async def test_time_zone_and_name_are_set(pool: db.Pool) -> None:
    async with pool.acquire() as conn:
        assert await conn.fetchval("SHOW timezone") == "UTC"
        assert await conn.fetchval("SHOW application_name") == "test"


async def test_a_transaction_over_its_time_is_ended(settings: Settings) -> None:
    short = settings.model_copy(
        update={"database": settings.database.model_copy(update={"transaction_timeout_ms": 50})}
    )
    pool = await db.create_pool(short)

    async def lingers() -> None:
        async with db.transaction(pool, "test.lingers") as unit:
            await unit.execute("SELECT pg_sleep(5)")

    with pytest.raises(db.ConnectionLost):
        await lingers()
    async with db.transaction(pool, "test.next") as unit:
        assert await unit.fetchval("SELECT 1") == 1
    await pool.close()


@pytest.mark.parametrize("isolation", [None, "repeatable_read", "serializable"])
async def test_isolation_is_the_one_asked_for(pool: db.Pool, isolation: str | None) -> None:
    async with db.transaction(pool, "test.isolation", isolation) as unit:  # type: ignore[arg-type]
        level = await unit.fetchval("SHOW transaction_isolation")
    assert level == (isolation or "read committed").replace("_", " ")


async def test_a_missing_database_is_one_sentence(settings: Settings) -> None:
    assert settings.database.url is not None
    gone = settings.with_database(settings.database.url.replace("@/test_", "@/none_"))
    with pytest.raises(db.DatabaseUnavailableError, match="does not exist: create it"):
        await db.create_pool(gone.model_copy())


async def test_an_unreachable_server_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(db.DatabaseUnavailableError, match="cannot be reached"):
        await db.connect(settings.with_database("postgresql://x@/x?host=/nowhere"))


def _count(name: str, outcome: str) -> float:
    for sample in next(iter(TRANSACTION_SECONDS.collect())).samples:
        if sample.name.endswith("_count") and sample.labels == {"name": name, "outcome": outcome}:
            return sample.value
    return 0
