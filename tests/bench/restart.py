"""Routing: from the start of the process to its first offer, with 10,000 waiting and 2,000 agents.

The database is warm; the router's process is started anew with what `Procfile` starts it with,
and the time ends when its first offer is committed, as another connection sees it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.moments import to_ms
from tests.bench._crowd import database, queue_up, staff
from tests.bench._report import report, run

AREA = "routing"
WAITING = 10_000
AGENTS = 2_000
RUNS = 5
LOOK_SECONDS = 0.005
PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]

OFFERED = "SELECT EXISTS (SELECT FROM reservations)"


def main() -> None:
    run(measure())


async def measure() -> None:
    async with database(DB_TRANSACTION_TIMEOUT_MS="2000") as (settings, _):
        conn = await db.connect(settings, "bench")
        runs = [await started(settings, conn) for _ in range(RUNS + 1)]
        await conn.close()
    report("routing.restart_seconds", runs[1:], "s", "lower")


async def started(settings: Settings, conn: db.Connection) -> float:
    """Seconds from exec to the first committed offer."""
    now_ms = to_ms(SystemClock().now())
    await staff(conn, AGENTS, now_ms)
    await queue_up(conn, WAITING, now_ms)
    environ = {
        **os.environ,
        "APP_ENV": "development",
        "DATABASE_URL": str(settings.database.url),
        "DATA_DIR": str(settings.app.data_dir),
        "LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "",  # a centre that ran before has its bytecode
    }
    command = [sys.executable, "-m", "contactcenter", "serve", "--roles", "router"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=sys.stderr)  # noqa: ASYNC220
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await conn.fetchval(OFFERED):
                assert process.poll() is None, "the router ended"
                await asyncio.sleep(LOOK_SECONDS)
        return time.perf_counter() - begun
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
