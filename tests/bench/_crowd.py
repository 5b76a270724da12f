"""A centre full of waiting customers and free agents, written with a few statements."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import db
from config.settings import Settings, load_settings
from contactcenter.core import eventlog
from contactcenter.core.eventlog import Entry
from contactcenter.core.ids import new_id
from contactcenter.core.moments import from_ms
from db import migrate
from db.embedded import EmbeddedPostgres
from routing import rows
from routing.core.items import new_item
from routing.core.model import Channel, QueueConfig, Requirement
from tests.conftest import TEST_ENVIRON

SETUP = """
INSERT INTO calendars (key, weekly) VALUES ('always', '{}');
INSERT INTO skills (key, name_es, name_en) VALUES ('SA', 'SA', 'SA');
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
VALUES ('SA', 'SA', 'SA', 'SA', 'always', now());
"""

# As `replica`, since the CRM's history is only ever added to.
EMPTY = """
SET session_replication_role = replica;
TRUNCATE event_log, segments, reservations, work_items, messages, interactions, conversations,
         contacts, agent_states, agent_skills, agents CASCADE;
RESET session_replication_role
"""

AGENTS = """
WITH made AS (
    INSERT INTO agents (id, name, sort_key, status, status_since, created_at)
    SELECT id, 'Agente', 'agente', 'available', $2, $2 FROM unnest($1::uuid[]) AS given (id)
    RETURNING id
), there AS (
    INSERT INTO agent_states (agent_id, present, present_until, channels, idle_since)
    SELECT id, true, now() + interval '1 hour', '{voice,chat,whatsapp,sms,email}', $2
    FROM unnest($1::uuid[]) AS given (id)
)
INSERT INTO agent_skills (agent_id, skill, level)
SELECT id, 'SA', 1 + (random() * 4)::int FROM made
"""

CUSTOMERS = """
WITH people AS (
    INSERT INTO contacts (id, created_at) SELECT id, $5 FROM unnest($1::uuid[]) AS given (id)
), threads AS (
    INSERT INTO conversations (id, contact_id, channel, created_at)
    SELECT id, contact, 'chat', $5 FROM unnest($2::uuid[], $1::uuid[]) AS given (id, contact)
), waits AS (
    INSERT INTO interactions (id, conversation_id, contact_id, channel, state, queue, created_at,
                              queued_at, virtual_start)
    SELECT id, conversation, contact, 'chat', 'queued', 'SA', $5, $5, $5
    FROM unnest($3::uuid[], $2::uuid[], $1::uuid[]) AS given (id, conversation, contact)
)
INSERT INTO work_items (id, interaction_id, contact_id, queue, channel, entry, state, band, base,
                        boost, target_ms, cost, virtual_start, entered_at)
SELECT id, interaction, contact, 'SA', 'chat', 'new', 'queued', 2, 50, 40, 60000, 25, at, at
FROM unnest($4::uuid[], $3::uuid[], $1::uuid[], $6::timestamptz[])
     AS given (id, interaction, contact, at)
"""


@contextlib.asynccontextmanager
async def database(**environ: str) -> AsyncIterator[tuple[Settings, db.Pool]]:
    """A migrated database on a server of its own, with the durability of a running centre."""
    folder = Path(tempfile.mkdtemp(prefix="cc-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder) as server:
            settings = load_settings(
                {
                    **TEST_ENVIRON,
                    "DATABASE_URL": server.url,
                    "DATA_DIR": str(folder),
                    "DB_POOL_MIN": "8",
                    **environ,
                }
            )
            conn = await db.connect(settings)
            await migrate.up(conn, migrate.read())
            await conn.execute(SETUP)
            await conn.close()
            pool = await db.create_pool(settings, "bench")
            yield settings, pool
            await pool.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def staff(conn: db.Connection, agents: int, now_ms: int) -> None:
    """Empty the centre, then let so many agents be there and free."""
    await conn.execute(EMPTY)
    await more_staff(conn, agents, now_ms)


async def more_staff(conn: db.Connection, agents: int, now_ms: int) -> None:
    """So many agents more."""
    await conn.execute(AGENTS, [new_id() for _ in range(agents)], from_ms(now_ms))
    await conn.execute("VACUUM ANALYZE")


async def queue_up(conn: db.Connection, waiting: int, now_ms: int) -> None:
    """So many customers enter the queue; the log says so too."""
    now = from_ms(now_ms)
    contacts, conversations, interactions, visits = (
        [new_id() for _ in range(waiting)] for _ in range(4)
    )
    entered = [now_ms - waiting + place for place in range(waiting)]
    await conn.execute(
        CUSTOMERS,
        contacts,
        conversations,
        interactions,
        visits,
        now,
        [from_ms(at) for at in entered],
    )
    queue = QueueConfig("SA", (Requirement("SA"),))
    events = [
        rows.event_of(
            new_item(queue, Channel.CHAT, id=str(visit), interaction=str(interaction), now=at),
            contact,
        )
        for visit, interaction, contact, at in zip(
            visits, interactions, contacts, entered, strict=True
        )
    ]
    async with conn.transaction():
        await eventlog.append(conn, [Entry(event, now) for event in events], actor="bench")
    await conn.execute("VACUUM ANALYZE")


def cpu_seconds(of: list[int]) -> float:
    """User and system time of these processes so far."""
    ticks = 0
    for pid in of:
        with contextlib.suppress(FileNotFoundError):
            fields = (
                Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
            )
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def server_pids(conn: db.Connection) -> list[int]:
    """Every process of the database server."""
    backend = await conn.fetchval("SELECT pg_backend_pid()")
    parent = _parent(backend)
    return [parent, *(pid for pid in _all_pids() if _parent(pid) == parent)]


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except FileNotFoundError:
        return 0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
