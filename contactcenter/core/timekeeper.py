"""Keeps a process's clock with the database's, which is the one clock of a centre."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

import structlog

from contactcenter.core.clock import SystemClock
from contactcenter.core.errors import Unavailable
from contactcenter.core.work import WorkFactory

log = structlog.get_logger(__name__)

ASK_SECONDS: Final = 1.0
DATABASE_NOW: Final = "SELECT clock_timestamp()"


async def keep_time(clock: SystemClock, work: WorkFactory) -> None:
    """Ask for the database's time every second, for as long as the process lives."""
    while True:
        with contextlib.suppress(Unavailable):  # the clock runs on by itself
            await ask_once(clock, work)
        await asyncio.sleep(ASK_SECONDS)


async def ask_once(clock: SystemClock, work: WorkFactory) -> None:
    """Ask for the database's time, and set the clock by it if it differs."""
    async with work.reading("clock.ask") as conn:
        asked_at = time.monotonic()
        moment = await conn.fetchval(DATABASE_NOW)
        answered_at = time.monotonic()
    wrong = clock.follow(moment, asked_at, answered_at)
    if wrong is not None:
        log.warning("clock_set", seconds=round(wrong.total_seconds(), 3))
