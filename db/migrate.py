"""Apply and roll back the numbered SQL files in db/migrations.

One file is one migration and holds both directions, in dbmate's format:

    -- migrate:up
    CREATE TABLE claims (...);

    -- migrate:down
    DROP TABLE claims;

Each direction runs in one transaction, unless its marker says `transaction:false` (for CREATE
INDEX CONCURRENTLY; such a file holds one statement a direction). A session lock keeps two
starters apart. The text's digest is kept, so a file edited after it was applied is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from db.pool import Connection, DatabaseError

FOLDER = Path(__file__).parent / "migrations"
FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql", re.ASCII)
MARKER = re.compile(r"^-- migrate:(up|down)(?: transaction:(true|false))?[ \t]*$", re.MULTILINE)
LOCK = 0x6D696772  # the same fixed number on every node
LOCK_POLL_SECONDS = 0.1

TEMPLATE = """\
-- migrate:up


-- migrate:down

"""

CREATE_JOURNAL = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    digest      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
)
"""
JOURNAL_EXISTS = "SELECT to_regclass('schema_migrations') IS NOT NULL"
SELECT_JOURNAL = "SELECT version, name, digest, applied_at FROM schema_migrations ORDER BY version"
LOG_EXISTS = "SELECT to_regclass('event_log') IS NOT NULL"
LOG_AHEAD = """
SELECT EXISTS (SELECT FROM event_log WHERE xid >= pg_snapshot_xmax(pg_current_snapshot()))
"""
NOTE_UP = "INSERT INTO schema_migrations (version, name, digest) VALUES ($1, $2, $3)"
NOTE_DOWN = "DELETE FROM schema_migrations WHERE version = $1"
TRY_LOCK = "SELECT pg_try_advisory_lock($1)"
UNLOCK = "SELECT pg_advisory_unlock($1)"


class MigrationError(Exception):
    """Files and journal disagree, or a file cannot be applied; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Direction:
    sql: str
    in_transaction: bool


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    digest: str
    up: Direction
    down: Direction

    @property
    def label(self) -> str:
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class State:
    """One migration and when it was applied; None: not yet."""

    migration: Migration
    applied_at: datetime | None


def parse(path: Path) -> Migration:
    named = FILE_NAME.fullmatch(path.name)
    if named is None:
        raise MigrationError(f"{path.name}: the name must read NNNN_lower_case_words.sql.")
    text = path.read_text(encoding="utf-8")
    # With two groups, split() gives: header, word, option, body, word, option, body.
    pieces = MARKER.split(text)[1:]
    if pieces[::3] != ["up", "down"]:
        raise MigrationError(f"{path.name}: wants one '-- migrate:up', then one '-- migrate:down'.")
    up, down = (
        Direction(body.strip(), in_transaction=option != "false")
        for option, body in zip(pieces[1::3], pieces[2::3], strict=True)
    )
    if not up.sql or not down.sql:
        raise MigrationError(f"{path.name}: both directions must say something.")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Migration(int(named["version"]), named["name"], digest, up, down)


def read(folder: Path = FOLDER) -> list[Migration]:
    """All migrations in order. No version stands twice."""
    migrations = sorted(map(parse, folder.glob("*.sql")), key=lambda m: m.label)
    for first, second in itertools.pairwise(migrations):
        if first.version == second.version:
            raise MigrationError(f"{first.label} and {second.label} have the same version.")
    return migrations


def new(name: str, folder: Path = FOLDER) -> Path:
    """Write the next, empty file. Returns its path."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not words:
        raise MigrationError("A migration needs a name of letters or digits.")
    newest = max((m.version for m in read(folder)), default=0)
    path = folder / f"{newest + 1:04}_{words}.sql"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


async def up(conn: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing. `conn` is the caller's own, outside a transaction."""
    async with _locked(conn):
        await conn.execute(CREATE_JOURNAL)
        todo = [s.migration for s in await _states(conn, migrations) if s.applied_at is None]
        for m in todo:
            await _run(conn, m, m.up, NOTE_UP, m.version, m.name, m.digest)
        return todo


async def down(conn: Connection, migrations: Sequence[Migration], to: int) -> list[Migration]:
    """Roll back everything newer than version `to`, newest first; 0 rolls back everything."""
    async with _locked(conn):
        await conn.execute(CREATE_JOURNAL)
        applied = [s.migration for s in await _states(conn, migrations) if s.applied_at]
        todo = [m for m in reversed(applied) if m.version > to]
        for m in todo:
            await _run(conn, m, m.down, NOTE_DOWN, m.version)
        return todo


async def status(conn: Connection, migrations: Sequence[Migration]) -> list[State]:
    """Every migration with its time, read only. Raises MigrationError if files disagree."""
    if not await conn.fetchval(JOURNAL_EXISTS):
        return [State(m, None) for m in migrations]
    return await _states(conn, migrations)


async def log_ahead(conn: Connection) -> bool:
    """Whether events lie ahead of the cluster's own transactions: no listener would read them.
    A restore that was cut off before its second half leaves a database so."""
    return bool(await conn.fetchval(LOG_EXISTS)) and bool(await conn.fetchval(LOG_AHEAD))


async def _states(conn: Connection, migrations: Sequence[Migration]) -> list[State]:
    if await log_ahead(conn):
        raise MigrationError(
            "The restore of this database was cut off: run the same `python -m db restore FILE` "
            "again, which finishes it."
        )
    rows = await conn.fetch(SELECT_JOURNAL)
    for row, m in zip(rows, migrations, strict=False):
        if (row["version"], row["name"]) != (m.version, m.name):
            raise MigrationError(
                f"{m.label} stands where the database has {row['version']:04}_{row['name']}: an "
                "applied file is never renamed or put in between."
            )
        if row["digest"] != m.digest:
            raise MigrationError(
                f"{m.label} was changed after it was applied: bring the file back and write the "
                "change as a new migration."
            )
    if len(rows) > len(migrations):
        raise MigrationError(
            f"The database is at version {rows[-1]['version']:04}, newer than this code: use the "
            "newer code, or its `db down`."
        )
    applied = [row["applied_at"] for row in rows] + [None] * (len(migrations) - len(rows))
    return [State(m, at) for m, at in zip(migrations, applied, strict=True)]


async def _run(
    conn: Connection, m: Migration, direction: Direction, note: str, *args: object
) -> None:
    try:
        if direction.in_transaction:
            async with conn.transaction():
                await conn.execute(direction.sql)
                await conn.execute(note, *args)
        else:
            await conn.execute(direction.sql)
            await conn.execute(note, *args)
    except DatabaseError as error:
        raise MigrationError(f"{m.label} failed: {error}") from error


@contextlib.asynccontextmanager
async def _locked(conn: Connection) -> AsyncIterator[None]:
    # Asking again instead of waiting inside the database: a waiting session holds a snapshot, and
    # another starter's CREATE INDEX CONCURRENTLY waits for snapshots.
    while not await conn.fetchval(TRY_LOCK, LOCK):  # noqa: ASYNC110
        await asyncio.sleep(LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        if not conn.is_closed():
            await conn.execute(UNLOCK, LOCK)
