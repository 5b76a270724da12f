"""The event log: from the beginning of a unit of work to its event in a durable listener.

One process on a PostgreSQL that waits for its disk: 400 units of work a second at fixed times, each
with one event; a durable listener writes a row for each. The time of the unit's own commit is
measured in the same run; the rest is the way to the listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import db
from config.settings import Settings, load_settings
from contactcenter.core.bus import Bus
from contactcenter.core.clock import SystemClock
from contactcenter.core.durable import Listener
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events import CATALOGUE
from contactcenter.events.identity import UserChanged
from db import migrate
from db.embedded import EmbeddedPostgres
from tests.bench._report import Baseline, percentile, report, run
from tests.conftest import TEST_ENVIRON

AREA = "eventlog"
PER_SECOND = 400
SECONDS = 5.0
RUNS = 5
PATIENCE_SECONDS = 30.0
INSERT = "INSERT INTO bench_effects (subject) VALUES ($1)"


def main() -> None:
    run(measure())


async def measure() -> None:
    async with centre() as (settings, pool):
        work = WorkFactory(pool, SystemClock())
        bus = Bus(settings, pool, CATALOGUE, work)
        await bus.start()
        try:
            log = Log(work)
            bus.durable(Listener("bench", (UserChanged,), log.handle))
            await log.run(1.0)
            runs = [await log.run(SECONDS) for _ in range(RUNS)]
        finally:
            await bus.stop()
    for percent in (50, 99):
        report(
            f"eventlog.listener_p{percent}_ms",
            [percentile(heard, percent) for _, heard in runs],
            "ms",
            "lower",
            Baseline(
                f"commit_p{percent}_ms", [percentile(committed, percent) for committed, _ in runs]
            ),
        )


class Log:
    """Sends events and hears them, and keeps the milliseconds of both."""

    def __init__(self, work: WorkFactory) -> None:
        self._work = work
        self._sent: dict[str, float] = {}
        self._committed: list[float] = []
        self._heard: list[float] = []

    async def handle(self, work: Work, recorded: Recorded) -> None:
        await work.conn.execute(INSERT, recorded.event.subject)
        sent = self._sent.pop(recorded.event.subject)
        self._heard.append((time.perf_counter() - sent) * 1000)

    async def run(self, seconds: float) -> tuple[list[float], list[float]]:
        """Milliseconds to the commit and to the listener, for each event of a run."""
        self._committed, self._heard = [], []
        begun = time.perf_counter()
        count = int(seconds * PER_SECOND)
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(begun + number / PER_SECOND - time.perf_counter())
                group.create_task(self._send())
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self._heard) < count:
                await asyncio.sleep(0.01)
        return self._committed, self._heard

    async def _send(self) -> None:
        event = UserChanged(user_id=new_id())
        begun = self._sent[event.subject] = time.perf_counter()
        async with self._work.begin("bench.send", "system") as work:
            work.emit(event)
        self._committed.append((time.perf_counter() - begun) * 1000)


@contextlib.asynccontextmanager
async def centre() -> AsyncIterator[tuple[Settings, db.Pool]]:
    """A migrated database on a server of its own, with the durability of a running centre."""
    folder = Path(tempfile.mkdtemp(prefix="cc-bench-"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder) as server:
            environ = {"DATABASE_URL": server.url, "DATA_DIR": str(folder), "DB_POOL_MIN": "8"}
            settings = load_settings({**TEST_ENVIRON, **environ})
            conn = await db.connect(settings)
            await migrate.up(conn, migrate.read())
            await conn.execute("CREATE TABLE bench_effects (subject text NOT NULL)")
            await conn.close()
            pool = await db.create_pool(settings, "bench")
            yield settings, pool
            await pool.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
