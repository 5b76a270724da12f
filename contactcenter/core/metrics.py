"""The core's own Prometheus metrics, and how all of them are written out.

Rooms define theirs beside the code that counts, in the same default registry.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)

HTTP_SECONDS = Histogram(
    "http_request_seconds",
    "From the request's head to its answer",
    ["method", "route", "status"],
    buckets=_SECONDS,
)
COMMAND_SECONDS = Histogram(
    "socket_command_seconds",
    "From a socket command's turn to its acknowledgement",
    ["namespace", "command", "code"],
    buckets=_SECONDS,
)
RATE_LIMITED = Counter("rate_limited_total", "Requests and commands refused for haste", ["where"])

EVENTS_READ = Counter("eventlog_read_total", "Events the process has read from the log")
EVENTS_UNREADABLE = Counter(
    "eventlog_unreadable_total", "Events of an unknown type or shape that the reader passed over"
)
HORIZON_AGE = Gauge(
    "eventlog_horizon_age_seconds",
    "Age of the oldest committed event that an open writing transaction holds back",
)
SUBSCRIBER_FAILURES = Counter(
    "bus_subscriber_failures_total", "Batches a live subscriber failed on", ["subscriber"]
)
SUBSCRIBER_OVERFLOWS = Counter(
    "bus_subscriber_overflows_total",
    "Times a subscriber fell so far behind that it went back to reading the log",
    ["subscriber"],
)
LISTENER_LAG = Gauge(
    "listener_lag_seconds", "Age of the newest event a durable listener has done", ["listener"]
)
LISTENER_RETRIES = Counter("listener_retries_total", "Failed attempts", ["listener"])
PARKED = Gauge("listener_parked_events", "Events set aside after repeated failures", ["listener"])

LOOP_LAG = Histogram(
    "event_loop_lag_seconds", "How late the event loop wakes a sleeper", buckets=_SECONDS
)


def exposition() -> bytes:
    """Everything in the default registry, in Prometheus' text format 0.0.4."""
    return generate_latest(REGISTRY)


@contextlib.asynccontextmanager
async def loop_lag(interval: float = 0.5) -> AsyncIterator[None]:
    """Measure for as long as the block runs how late the loop wakes its sleepers."""
    loop = asyncio.get_running_loop()

    async def measure() -> None:
        while True:
            due = loop.time() + interval
            await asyncio.sleep(interval)
            LOOP_LAG.observe(max(0.0, loop.time() - due))

    task = asyncio.create_task(measure(), name="loop-lag")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
