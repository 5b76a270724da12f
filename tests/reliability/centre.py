"""A centre of its own for one test: PostgreSQL, a queue that is always open, agents, the server.

The server is the real one, `python -m contactcenter serve`, as a process that can be killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import aiohttp

import db
from config.settings import Settings, load_settings
from contactcenter.core.ids import new_id
from contactcenter.identity.tokens import AccessTokens
from db import migrate
from db.embedded import EmbeddedPostgres
from db.owned import OwnedProcess
from tests.conftest import TEST_ENVIRON, quick_folder

ROOT: Final = Path(__file__).parents[2]
SERVE: Final = ("-m", "contactcenter", "serve")
QUEUE: Final = "T"
ERROR: Final = '"level":"error"'
READY_SECONDS: Final = 60.0

# Only processes are killed here, never PostgreSQL: what it has committed need not reach the disk.
POSTGRES: Final = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
ALWAYS: Final = {
    day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
}


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the queue, signed in."""

    agent_id: UUID
    user_id: UUID
    session_id: UUID
    tokens: AccessTokens

    @property
    def token(self) -> str:
        """What opens /agent for the next quarter of an hour."""
        return self.tokens.issue(self.user_id, self.session_id, datetime.now(UTC))


@dataclass
class Centre:
    """The database, and the server process while it runs."""

    folder: Path
    settings: Settings
    environ: Mapping[str, str]
    agents: list[Agent] = field(default_factory=list)
    server: OwnedProcess | None = None
    command: Sequence[str] = SERVE

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return self.settings.app.port

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self, command: Sequence[str] = SERVE) -> None:
        """Start the server; `ready` tells when it serves."""
        self.command = command
        with self.log.open("ab") as log:
            self.server = OwnedProcess(
                [sys.executable, *command],
                signal.SIGKILL,
                cwd=ROOT,
                env={**_inherited(), **self.environ},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End the server as a power cut would: no signal handler, no goodbye."""
        if self.server is not None:
            self.server.end((signal.SIGKILL, 10))
            self.server = None

    async def ready(self, session: aiohttp.ClientSession) -> float:
        """Wait until the server is ready; the seconds that took."""
        begun = time.perf_counter()
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with session.get(f"{self.url}/readyz") as answer:
                    if answer.status == 200:
                        return time.perf_counter() - begun
            ended = self.server is None or self.server.exit_code() is not None
            if ended or time.perf_counter() - begun > READY_SECONDS:
                raise AssertionError(f"the server is not up:\n{self.tail()}")
            await asyncio.sleep(0.02)

    def tail(self) -> str:
        """The end of what the server wrote."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def complaints(self) -> list[str]:
        """What the server called an error (the safety sweep's findings too), or did not log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [
            line[:300] + " ... " + line[-700:] if len(line) > 1000 else line
            for line in lines
            if not line.startswith("{") or ERROR in line
        ]

    async def connect(self) -> db.Connection:
        """A connection beside the server's."""
        return await db.connect(self.settings, "reliability")


@contextlib.asynccontextmanager
async def centre(
    agents: int,
    *,
    postgres: Mapping[str, str] = POSTGRES,
    config: Mapping[str, object] | None = None,
    **environ: str,
) -> AsyncIterator[Centre]:
    """A centre with so many agents of one queue, all available; nothing serves it yet.

    `config` is the queue's; `environ` adds to the server's environment.
    """
    # Whoever wants commits to reach a disk has one.
    folder = quick_folder("cc-rel-", lasting=postgres is not POSTGRES)
    try:
        with EmbeddedPostgres(folder, postgres) as server:
            whole = {
                **TEST_ENVIRON,
                "DATABASE_URL": server.url,
                "DATA_DIR": str(folder),
                "PORT": str(free_port()),
                "DB_POOL_MIN": "2",
                "DB_POOL_MAX": "20",
                "DB_TRANSACTION_TIMEOUT_MS": "5000",
                "CHAT_DEFAULT_QUEUE": QUEUE,
                "CHAT_STARTS_PER_MINUTE": "100000",
                **environ,
            }
            centre = Centre(folder, load_settings(whole), whole)
            conn = await centre.connect()
            try:
                await migrate.up(conn, migrate.read())
                async with conn.transaction():
                    centre.agents = await furnish(conn, centre.settings, agents, config or {})
            finally:
                await conn.close()
            try:
                yield centre
            finally:
                centre.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def furnish(
    conn: db.Connection, settings: Settings, agents: int, config: Mapping[str, object]
) -> list[Agent]:
    """One queue that never closes, and its agents with a session each."""
    now = datetime.now(UTC)
    await conn.execute("INSERT INTO skills VALUES ($1, $1, $1)", QUEUE)
    await conn.execute("INSERT INTO calendars (key, weekly) VALUES ('always', $1)", ALWAYS)
    await conn.execute(
        "INSERT INTO queues (key, name_es, name_en, skill, calendar, config, updated_at) "
        "VALUES ($1, $1, $1, $1, 'always', $2, $3)",
        QUEUE,
        dict(config),
        now,
    )
    tokens = AccessTokens(settings.auth.jwt_secret.get_secret_value())
    made = []
    for number in range(agents):
        name, agent = f"Agent {number:03}", new_id()
        user, session = await signed_in(conn, f"agent{number:03}@example.org", name, "agent", now)
        await conn.execute(
            "INSERT INTO agents (id, user_id, name, sort_key, status, status_since, ordinal, "
            "created_at) VALUES ($1, $2, $3, $3, 'available', $4, $5, $4)",
            agent,
            user,
            name,
            now,
            number,
        )
        await conn.execute("INSERT INTO agent_skills VALUES ($1, $2, 5)", agent, QUEUE)
        made.append(Agent(agent, user, session, tokens))
    return made


async def signed_in(
    conn: db.Connection, email: str, name: str, role: str, now: datetime
) -> tuple[UUID, UUID]:
    """A user and a session of theirs that lasts a day."""
    user, session = new_id(), new_id()
    await conn.execute(
        "INSERT INTO users (id, email, email_verified, first_name, role, created_at, updated_at) "
        "VALUES ($1, $2, true, $3, $4, $5, $5)",
        user,
        email,
        name,
        role,
        now,
    )
    await conn.execute(
        "INSERT INTO sessions (id, user_id, created_at, expires_at, last_activity_at) "
        "VALUES ($1, $2, $3, $4, $3)",
        session,
        user,
        now,
        now + timedelta(days=1),
    )
    return user, session


def many_sockets() -> None:
    """Let this process and its children open as many files as they are allowed to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _inherited() -> dict[str, str]:
    """What a process needs of this one's environment; settings come from the test alone."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
