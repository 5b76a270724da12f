"""R5 at its size: ten thousand wait for two thousand agents when the router is killed.

Only the router runs, on a database that a few statements have filled. Nobody takes what is offered,
so that each agent is offered one. Half of the agents come while nothing runs: the router that is
killed has offered to the first half, and the one after it has somebody to offer to.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

import db
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.moments import to_ms
from db.owned import OwnedProcess
from tests.bench._crowd import database, more_staff, queue_up, staff
from tests.reliability.test_kill import CLOCKS, FIRST_OFFERS

WAITING: Final = 10_000
AGENTS: Final = 2_000
OFFERING_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 60.0
ROOT: Final = Path(__file__).parents[2]
OFFERED: Final = "SELECT count(DISTINCT work_item_id) FROM reservations"


@contextmanager
def router(settings: Settings) -> Iterator[None]:
    """The router's process within the block, at whose end it is killed."""
    environ = {
        **os.environ,
        "APP_ENV": "development",
        "DATABASE_URL": str(settings.database.url),
        "DATA_DIR": str(settings.app.data_dir),
        "LOG_LEVEL": "WARNING",
        "PYTHONDONTWRITEBYTECODE": "",  # a centre that ran before has its bytecode
    }
    command = [sys.executable, "-m", "contactcenter", "serve", "--roles", "router"]
    with (settings.app.data_dir / "router.log").open("ab") as log:
        process = OwnedProcess(
            command, signal.SIGKILL, cwd=ROOT, env=environ, stdout=log, stderr=log
        )
    try:
        yield
        assert process.exit_code() is None, "the router ended by itself"
    finally:
        process.end((signal.SIGKILL, 10))


async def offered(conn: db.Connection, count: int) -> None:
    """Wait until so many items have been offered."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await conn.fetchval(OFFERED) < count:
            await asyncio.sleep(0.005)


@pytest.mark.nightly
async def test_ten_thousand_keep_their_order_and_their_clocks(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with database(DB_TRANSACTION_TIMEOUT_MS="2000") as (settings, _):
        conn = await db.connect(settings, "reliability")
        now_ms = to_ms(SystemClock().now())
        await staff(conn, AGENTS // 2, now_ms)
        await queue_up(conn, WAITING, now_ms)
        clocks = await conn.fetch(CLOCKS)
        assert len(clocks) == WAITING
        with router(settings):
            await offered(conn, 1)
        before = await conn.fetchval(OFFERED)
        assert await conn.fetch(CLOCKS) == clocks

        await more_staff(conn, AGENTS // 2, to_ms(SystemClock().now()))
        begun = time.perf_counter()
        with router(settings):
            await offered(conn, before + 1)
            took = time.perf_counter() - begun
            await offered(conn, AGENTS)
        assert await conn.fetch(CLOCKS) == clocks
        order = [row["work_item_id"] for row in await conn.fetch(FIRST_OFFERS)]
        assert order == [row["id"] for row in clocks][: len(order)]
        await conn.close()
    record_property("offering_again_seconds", round(took, 2))
    with capsys.disabled():
        print(f"\n{before} offered before the kill, and again {took:.2f} s after it")
    assert took < OFFERING_SECONDS
