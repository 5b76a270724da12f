"""A centre in a process of its own, to be killed: the real `serve`, or a broken one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from db import seeds
from tests.conftest import TEST_ENVIRON
from tests.integration.app.conftest import OPEN_HOURS, free_port

ROOT = Path(__file__).parents[3]
SERVE = ("-m", "contactcenter", "serve", "--roles", "web,router")
BROKEN = ("-m", "tests.integration.reliability.acknowledges_first")
READY_SECONDS = 60.0

BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Served:
    """The process, its address, and a connection to its database from outside."""

    def __init__(self, settings: Settings, command: tuple[str, ...] = SERVE) -> None:
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = command
        self.recoveries: list[float] = []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        assert self.settings.database.url is not None
        begun = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self.command,
            cwd=ROOT,
            env={
                **os.environ,
                **TEST_ENVIRON,
                "DATABASE_URL": self.settings.database.url,
                "DATA_DIR": str(self.settings.app.data_dir),
                "PORT": str(self.port),
                "CHAT_STARTS_PER_MINUTE": "100000",
                "DB_TRANSACTION_TIMEOUT_MS": "2000",
                "LOG_LEVEL": "ERROR",
            },
        )
        await self.ready()
        self.recoveries.append(time.monotonic() - begun)

    async def ready(self) -> None:
        """Wait until /readyz says so."""
        assert self._process is not None
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.url}/readyz") as answer:
                        if answer.status == 200:
                            return
                assert self._process.returncode is None, "the server ended"
                assert time.monotonic() < deadline, "the server did not become ready"
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL, without a warning."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    async def kill_in_a_stall(
        self, conn: db.Connection, table: str = "messages", seconds: float = 0.15
    ) -> None:
        """Lock a table for a moment, kill the server inside it, and let go."""
        transaction = conn.transaction()
        await transaction.start()
        await conn.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(seconds)
        await self.kill()
        await conn.execute(BACKENDS)  # what the dead server had begun ends as a crash ends it
        await transaction.rollback()


async def prepared(settings: Settings) -> None:
    """The demo's people and queues, on a Tuesday morning."""
    conn = await db.connect(settings)
    try:
        await seeds.run(conn, environment="test")
        await conn.execute(
            "INSERT INTO centre_settings (key, value, updated_at) VALUES ('demo_offset', $1, now())"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            {"seconds": int((OPEN_HOURS - SystemClock().now()).total_seconds())},
        )
    finally:
        await conn.close()


@contextlib.asynccontextmanager
async def serving(settings: Settings, command: tuple[str, ...] = SERVE) -> AsyncIterator[Served]:
    await prepared(settings)
    served = Served(settings, command)
    try:
        await served.start()
        yield served
    finally:
        await served.end()
