"""Backup into one file and restore from it, with PostgreSQL's own programs."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from db import migrate
from db.embedded import client_program
from db.pool import Connection

FIRST_NORMAL_XID = 3

HAS_TABLES = """
SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')
"""
SELECT_CURSORS = """
SELECT xid::text AS xid, id FROM listener_cursors AS l GROUP BY l.xid, l.id ORDER BY l.xid, l.id
"""
REBASE_EVENTS = """
UPDATE event_log AS e
SET xid = ($3 + (
    SELECT count(*)
    FROM unnest($1::text[], $2::bigint[]) AS c (xid, id)
    WHERE (c.xid::xid8, c.id) < (e.xid, e.id)
))::text::xid8
"""
REBASE_CURSORS = """
UPDATE listener_cursors AS l
SET xid = moved.xid,
    id = (SELECT coalesce(max(e.id), 0) FROM event_log AS e WHERE e.xid = moved.xid)
FROM (
    SELECT c.xid::xid8 AS old_xid, c.id AS old_id, ($3 + c.number - 1)::text::xid8 AS xid
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS c (xid, id, number)
) AS moved
WHERE l.xid = moved.old_xid AND l.id = moved.old_id
"""
DELETE_LEASES = "DELETE FROM leases"


class BackupError(Exception):
    """Backup or restore did not happen; the text is one sentence."""


def backup(url: str, target: Path) -> None:
    """Write the whole database to `target` (pg_dump's custom format, readable by its owner)."""
    try:
        draft = tempfile.NamedTemporaryFile(  # noqa: SIM115 (kept when all went well)
            dir=target.absolute().parent, prefix=f".{target.name}.", delete=False
        )
    except OSError as error:
        raise BackupError(f"{target} cannot be written ({error.strerror}).") from error
    draft.close()
    try:
        _run("pg_dump", url, "--format=custom", f"--file={draft.name}")
        Path(draft.name).replace(target)
    finally:
        Path(draft.name).unlink(missing_ok=True)


async def restore(conn: Connection, url: str, source: Path) -> None:
    """Fill the empty database behind `conn` and `url` from `source`, all or nothing.

    The rows come in one transaction and the log is rebased in a second. Between the two nobody
    can start on the database (`migrate.log_ahead`), and the same call again does what is left.
    """
    if not source.is_file():
        raise BackupError(f"{source} is not a file.")
    if await conn.fetchval(HAS_TABLES) and not await migrate.log_ahead(conn):
        raise BackupError(
            "The database is not empty: restore into a new one, by another DATA_DIR or "
            "DATABASE_URL."
        )
    if not await conn.fetchval(HAS_TABLES):
        _run("pg_restore", url, "--single-transaction", "--exit-on-error", str(source))
    async with conn.transaction():
        await rebase(conn)
        await conn.execute(DELETE_LEASES)


async def rebase(conn: Connection) -> None:
    """Move the event log under the transaction horizon of a new cluster, which counts from 3.

    Readers order by (xid, id). What each listener has read is a prefix of that order, so the
    cursors cut the log into stretches; each stretch gets one small xid, in order. A listener has
    then read exactly what it had read before.
    """
    cursors = await conn.fetch(SELECT_CURSORS)
    xids, ids = [c["xid"] for c in cursors], [c["id"] for c in cursors]
    await conn.execute(REBASE_EVENTS, xids, ids, FIRST_NORMAL_XID)
    await conn.execute(REBASE_CURSORS, xids, ids, FIRST_NORMAL_XID)


def _run(program: str, url: str, *arguments: str) -> None:
    with _without_password(url) as target:
        done = subprocess.run(
            [
                client_program(program),
                f"--dbname={target}",
                "--no-owner",
                "--no-privileges",
                *arguments,
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        said = re.sub(r"\s+", " ", done.stderr.strip()) or f"exit code {done.returncode}"
        raise BackupError(f"{program} failed: {said[:500]}")


@contextlib.contextmanager
def _without_password(url: str) -> Iterator[str]:
    """The same URL with its password in a private file: other users can list our arguments."""
    parts = urlsplit(url)
    if parts.password is None:
        yield url
        return
    password = unquote(parts.password).replace("\\", "\\\\").replace(":", "\\:")
    user, _, host = parts.netloc.rpartition("@")
    with tempfile.NamedTemporaryFile("w", prefix="pgpass-") as file:  # mode 0600
        file.write(f"*:*:*:*:{password}\n")
        file.flush()
        query = f"{parts.query}&" if parts.query else ""
        yield urlunsplit(
            parts._replace(
                netloc=f"{user.partition(':')[0]}@{host}",
                query=f"{query}passfile={quote(file.name, safe='')}",
            )
        )
