from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import db
from config.settings import Settings
from db import backup, migrate
from db.backup import BackupError
from db.embedded import EmbeddedPostgres
from db.migrate import MigrationError
from tests.integration.conftest import FAST, database_named, settings_for

APPEND = """
INSERT INTO event_log (type, version, subject, data, actor, occurred_at)
SELECT 'interaction.created', 1, 'interaction:' || n, '{}', 'system', now()
FROM generate_series(1, $1) AS n RETURNING id
"""
UNREAD = """
SELECT e.id FROM event_log AS e, listener_cursors AS l
WHERE l.listener = $1 AND (e.xid, e.id) > (l.xid, l.id)
  AND e.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.xid, e.id
"""
MARK_READ = """
INSERT INTO listener_cursors (listener, xid, id)
SELECT $1, xid, id FROM event_log WHERE id = $2
"""


@pytest.fixture
def new_cluster() -> Iterator[Settings]:
    """An empty server of its own, whose transaction ids are young."""
    folder = Path(tempfile.mkdtemp(prefix="cc-restore-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder, FAST) as server:
        yield settings_for(server.url, folder)
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_backup_restored_into_a_new_cluster_goes_on(
    conn: db.Connection, settings: Settings, new_cluster: Settings, tmp_path: Path
) -> None:
    for _ in range(1500):  # transaction ids far above those of the new cluster
        await conn.execute("SELECT pg_current_xact_id()")
    # One transaction takes its event id first and commits last: its event is read last.
    other = await db.connect(settings)
    slow = other.transaction()
    await slow.start()
    await conn.execute("SELECT 1")
    await conn.execute(APPEND, 2)
    late = await other.fetchval(APPEND, 1)
    early = await conn.fetch(APPEND, 2)
    await slow.commit()
    await conn.execute(APPEND, 3)
    await other.close()
    everything = [r["id"] for r in await conn.fetch("SELECT id FROM event_log ORDER BY xid, id")]
    await conn.execute(MARK_READ, "halfway", early[-1]["id"])
    await conn.execute(MARK_READ, "drained", everything[-1])
    await conn.execute("INSERT INTO listener_cursors (listener, xid, id) VALUES ('new', '0', 0)")
    await conn.execute("INSERT INTO leases VALUES ('router', 'node', 7, now() + interval '1 hour')")
    unread = {
        name: {r["id"] for r in await conn.fetch(UNREAD, name)}
        for name in ("halfway", "drained", "new")
    }
    assert late not in unread["drained"]

    file = tmp_path / "centre.dump"
    assert settings.database.url is not None
    backup.backup(settings.database.url, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir() if "dump" in p.name] == [file.name]

    assert new_cluster.database.url is not None
    target = await db.connect(new_cluster)
    # Cut off when the rows are in: nobody starts on it, and the same command again finishes it.
    backup._run("pg_restore", new_cluster.database.url, "--single-transaction", str(file))
    with pytest.raises(MigrationError, match="restore of this database was cut off"):
        await migrate.status(target, migrate.read())
    assert await target.fetch(UNREAD, "drained") == []
    await backup.restore(target, new_cluster.database.url, file)
    await migrate.status(target, migrate.read())
    for name, expected in unread.items():
        assert {r["id"] for r in await target.fetch(UNREAD, name)} == expected, name
    assert await target.fetchval("SELECT count(*) FROM leases") == 0
    fresh = await target.fetchval(APPEND, 1)
    assert [r["id"] for r in await target.fetch(UNREAD, "drained")] == [fresh]
    assert fresh > max(everything)
    await target.close()


async def test_restore_wants_an_empty_database(
    conn: db.Connection, settings: Settings, tmp_path: Path
) -> None:
    assert settings.database.url is not None
    file = tmp_path / "a.dump"
    backup.backup(settings.database.url, file)
    with pytest.raises(BackupError, match="not empty: restore into a new one"):
        await backup.restore(conn, settings.database.url, file)


async def test_a_damaged_file_restores_nothing(
    postgres: EmbeddedPostgres, conn: db.Connection, settings: Settings, tmp_path: Path
) -> None:
    assert settings.database.url is not None
    good = tmp_path / "good.dump"
    backup.backup(settings.database.url, good)
    bad = tmp_path / "bad.dump"
    bad.write_bytes(good.read_bytes()[:-2000])
    name = f"damaged_{id(settings)}"
    await conn.execute(f"CREATE DATABASE {name}")
    url = database_named(postgres.url, name)
    target = await db.connect(settings.with_database(url))
    with pytest.raises(BackupError, match="pg_restore failed"):
        await backup.restore(target, url, bad)
    with pytest.raises(BackupError, match="is not a file"):
        await backup.restore(target, url, tmp_path / "none")
    assert await target.fetchval(backup.HAS_TABLES) is False
    await target.close()


def test_an_unwritable_target_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    assert settings.database.url is not None
    with pytest.raises(BackupError, match="cannot be written"):
        backup.backup(settings.database.url, tmp_path / "none" / "a.dump")


def test_a_password_does_not_stand_in_the_arguments() -> None:
    with backup._without_password("postgresql://u:p%40s:s@h:1/d?sslmode=require") as url:
        assert url.startswith("postgresql://u@h:1/d?sslmode=require&passfile=")
        path = Path(url.rpartition("=")[2].replace("%2F", "/"))
        assert path.read_text() == "*:*:*:*:p@s\\:s\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()
