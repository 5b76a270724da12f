from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import db
import db.__main__ as commands
from config.settings import Settings
from db import migrate
from db.embedded import EmbeddedPostgres
from db.migrate import MigrationError
from tests.conftest import TEST_ENVIRON
from tests.integration.conftest import database_named, settings_for

SCHEMA = """
SELECT 'column' AS kind, table_name || '.' || column_name AS name,
       concat_ws(' ', data_type, is_nullable, column_default, is_identity) AS text
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'type', typname, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                         FROM pg_enum WHERE enumtypid = t.oid)
FROM pg_type AS t WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
UNION ALL
SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'sequence', sequencename, data_type::text FROM pg_sequences WHERE schemaname = 'public'
ORDER BY 1, 2
"""


@pytest.fixture
async def empty(postgres: EmbeddedPostgres, settings: Settings) -> AsyncIterator[Settings]:
    """Settings of a database without any table."""
    name = f"empty_{id(settings)}"
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    await admin.execute(f"CREATE DATABASE {name}")
    yield settings.with_database(database_named(postgres.url, name))
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


def files(folder: Path, *bodies: tuple[str, str]) -> list[migrate.Migration]:
    folder.mkdir(exist_ok=True)
    for number, (up, down) in enumerate(bodies, start=1):
        (folder / f"{number:04}_m{number}.sql").write_text(
            f"-- migrate:up\n{up}\n-- migrate:down\n{down}\n"
        )
    return migrate.read(folder)


A = ("CREATE TABLE a (n int);", "DROP TABLE a;")
B = ("CREATE TABLE b (n int); INSERT INTO b VALUES (1);", "DROP TABLE b;")


async def test_up_down_up_gives_the_same_schema(conn: db.Connection) -> None:
    migrations = migrate.read()
    first = await conn.fetch(SCHEMA)
    assert len(first) > 10
    undone = await migrate.down(conn, migrations, 0)
    assert undone == migrations[::-1]
    left = {r["name"] for r in await conn.fetch(SCHEMA) if "schema_migrations" not in r["name"]}
    assert left == set()
    assert await migrate.up(conn, migrations) == migrations
    assert await conn.fetch(SCHEMA) == first


async def test_the_commands_tell_what_they_do(
    conn: db.Connection,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", str(settings.database.url))
    for name, value in {**TEST_ENVIRON, "DATA_DIR": str(settings.app.data_dir)}.items():
        if name != "DATABASE_URL":
            monkeypatch.setenv(name, value)
    labels = [migration.label for migration in migrate.read()]

    async def told(*words: str) -> list[str]:
        assert await asyncio.to_thread(commands.main, words) == 0
        return capsys.readouterr().out.splitlines()

    def states(lines: list[str]) -> list[tuple[str, bool]]:
        return [(line.split()[0], line.split()[1] != "-") for line in lines]

    assert states(await told("status")) == [(label, True) for label in labels]
    undone = await told("down", "0")
    assert [label for label in labels if label in "\n".join(undone)] == labels
    assert states(await told("status")) == [(label, False) for label in labels]
    assert await conn.fetchval("SELECT to_regclass('customers')") is None
    await told("up")
    assert states(await told("status")) == [(label, True) for label in labels]
    assert await conn.fetchval("SELECT to_regclass('customers')") is not None


async def test_a_second_up_does_nothing(conn: db.Connection) -> None:
    assert await migrate.up(conn, migrate.read()) == []


async def test_two_starters_apply_each_file_once(empty: Settings, tmp_path: Path) -> None:
    migrations = files(tmp_path / "m", A, ("SELECT pg_sleep(0.2); " + B[0], B[1]))
    one, two = [await db.connect(empty) for _ in range(2)]
    done = await asyncio.gather(migrate.up(one, migrations), migrate.up(two, migrations))
    assert sorted(len(each) for each in done) == [0, 2]
    assert await one.fetchval("SELECT count(*) FROM b") == 1
    await one.close()
    await two.close()


async def test_a_waiting_starter_does_not_stop_a_concurrent_index(
    empty: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    files(folder, A)
    (folder / "0002_index.sql").write_text(
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY a_n ON a (n);\n"
        "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY a_n;\n"
    )
    migrations = migrate.read(folder)
    one, two = [await db.connect(empty) for _ in range(2)]
    async with asyncio.timeout(30):
        await asyncio.gather(migrate.up(one, migrations), migrate.up(two, migrations))
        assert [m.version for m in await migrate.down(one, migrations, 1)] == [2]
    await one.close()
    await two.close()


async def test_a_failing_file_leaves_nothing_and_the_earlier_ones_stay(
    empty: Settings, tmp_path: Path
) -> None:
    conn = await db.connect(empty)
    broken = files(tmp_path / "m", A, ("CREATE TABLE c (); SELECT nonsense;", "DROP TABLE c;"))
    with pytest.raises(MigrationError, match='0002_m2 failed: column "nonsense"'):
        await migrate.up(conn, broken)
    assert await conn.fetchval("SELECT to_regclass('c')") is None
    states = await migrate.status(conn, broken)
    assert [state.applied_at is not None for state in states] == [True, False]
    fixed = files(tmp_path / "m", A, B)
    assert [m.version for m in await migrate.up(conn, fixed)] == [2]
    await conn.close()


async def test_files_that_disagree_with_the_journal_are_refused(
    empty: Settings, tmp_path: Path
) -> None:
    conn = await db.connect(empty)
    await migrate.up(conn, files(tmp_path / "m", A, B))
    with pytest.raises(MigrationError, match="0001_m1 was changed after it was applied"):
        await migrate.up(conn, files(tmp_path / "edited", (A[0] + "--", A[1]), B))
    with pytest.raises(MigrationError, match="at version 0002, newer than this code"):
        await migrate.up(conn, files(tmp_path / "older", A))
    renamed = files(tmp_path / "renamed", A, B)
    (tmp_path / "renamed" / "0002_m2.sql").rename(tmp_path / "renamed" / "0002_other.sql")
    renamed = migrate.read(tmp_path / "renamed")
    with pytest.raises(MigrationError, match="0002_other stands where the database has 0002_m2"):
        await migrate.status(conn, renamed)
    await conn.close()


async def test_down_goes_back_to_a_version(empty: Settings, tmp_path: Path) -> None:
    conn = await db.connect(empty)
    migrations = files(tmp_path / "m", A, B)
    await migrate.up(conn, migrations)
    assert [m.version for m in await migrate.down(conn, migrations, 1)] == [2]
    assert [m.version for m in await migrate.down(conn, migrations, 0)] == [1]
    assert await migrate.down(conn, migrations, 1) == []
    await conn.close()


async def test_status_of_an_empty_database_writes_nothing(empty: Settings) -> None:
    conn = await db.connect(empty)
    states = await migrate.status(conn, migrate.read())
    assert all(state.applied_at is None for state in states)
    assert await conn.fetchval("SELECT to_regclass('schema_migrations')") is None
    await conn.close()


QUEUE = """
INSERT INTO skills (key, name_es, name_en) VALUES ('left', 'x', 'x');
INSERT INTO calendars (key, weekly) VALUES ('left', '{}');
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
VALUES ('left', 'x', 'x', 'left', 'left', now());
"""
LEFT_A_MESSAGE = """
WITH c AS (
    INSERT INTO contacts (id, name, created_at) VALUES (gen_random_uuid(), 'Ana', now())
    RETURNING id
), t AS (
    INSERT INTO conversations (id, contact_id, channel, created_at)
    SELECT gen_random_uuid(), id, 'chat', now() FROM c RETURNING id, contact_id
), i AS (
    INSERT INTO interactions (id, conversation_id, contact_id, channel, state, close_reason,
                              created_at, closed_at)
    SELECT gen_random_uuid(), id, contact_id, 'chat', 'closed', 'left_message', now(), now()
    FROM t RETURNING id, contact_id
)
INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, outcome, band,
                        base, boost, target_ms, cost, virtual_start, entered_at, ended_at)
SELECT gen_random_uuid(), i.id, contact_id, 'left', 'chat', 'new', 'ended', 'left_message', 2,
       50, 20, 20000, 25, now(), now(), now()
FROM i
"""
ENDED = """
SELECT i.close_reason, w.outcome FROM work_items w JOIN interactions i ON i.id = w.interaction_id
"""


async def test_visits_that_ended_by_a_message_were_moved(conn: db.Connection) -> None:
    migrations = migrate.read()
    number = next(each.version for each in migrations if each.name == "no_message_outcome")
    await migrate.down(conn, migrations, number - 1)
    await conn.execute(QUEUE)
    await conn.execute(LEFT_A_MESSAGE)
    await migrate.up(conn, migrations)
    assert [tuple(row) for row in await conn.fetch(ENDED)] == [("completed", "moved")]
