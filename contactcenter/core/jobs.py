"""Work for later and work by the clock, on pgqueuer: `enqueue` in the caller's transaction.

A job is what a listener or a service may not do itself: everything outside the database. It runs
at least once, so its handler gives the provider an idempotency key made from the payload.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import db
from config.settings import Settings
from contactcenter.core.clock import Clock

Handler = Callable[[dict[str, Any]], Awaitable[None]]
Tick = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of job. After `attempts` failures (with growing pauses) it is held for an operator."""

    name: str
    handle: Handler
    attempts: int = 5
    concurrency: int = 0  # across all nodes; 0: no limit


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something done by the clock, on one node at a time. `cron` is in UTC, by the minute."""

    name: str
    cron: str
    handle: Tick


class JobQueue:
    """Puts jobs into the queue."""

    async def enqueue(
        self,
        conn: db.Connection,
        name: str,
        payload: Mapping[str, Any],
        *,
        dedupe_key: str | None = None,
        run_at: datetime | None = None,
    ) -> None:
        """Queue a job with the caller's transaction; a rolled-back one never runs.

        With `dedupe_key`, a second job of that key is left out while the first is waiting or
        running. `run_at` is on the centre's clock; default: now.
        """


class JobRunner:
    """Runs jobs and schedules in the role `jobs`."""

    def __init__(
        self, settings: Settings, jobs: Iterable[Job], schedules: Iterable[Schedule], clock: Clock
    ) -> None: ...

    async def run(self) -> None:
        """Run until cancelled; what runs then is given a moment to end."""
