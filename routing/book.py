"""The queues as they are configured now, parsed once for each version of a row.

A row that cannot be read (the API writes none, SQL may) leaves its queue out: its work waits and
is offered to nobody, and all other queues go on.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import structlog
from prometheus_client import Gauge

from contactcenter.core.errors import NotFound
from db import Connection, Record
from routing import config, queue_store
from routing.config import Queue

log = structlog.get_logger(__name__)

UNREADABLE = Gauge(
    "router_queue_unreadable", "1 for a queue whose configuration cannot be read", ["queue"]
)


class QueueBook:
    """Reads queues from their tables; a row that has not changed is not parsed again."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._known: dict[str, Queue] = {}

    async def queue(self, conn: Connection, key: str) -> Queue:
        """The queue, retired or not. NotFound when there is none."""
        row = await queue_store.queue(conn, key)
        if row is None:
            raise NotFound("There is no such queue.", queue=key)
        return self._read(row)

    async def live_queue(self, conn: Connection, key: str) -> Queue:
        """The queue, if it takes new work."""
        queue = await self.queue(conn, key)
        if queue.retired:
            raise NotFound("This queue takes no new work.", queue=key)
        return queue

    async def at_version(
        self, conn: Connection, key: str, version: tuple[int, int] | None
    ) -> Queue:
        """As `live_queue`, for whoever knows the version of the queue and of its calendar now."""
        known = self._known.get(key)
        if known is None or known.version != version or known.retired:
            return await self.live_queue(conn, key)
        return known

    async def all(self, conn: Connection) -> dict[str, Queue]:
        """Every queue, retired ones too: they may still hold work."""
        return {row["key"]: self._read(row) for row in await queue_store.queues(conn)}

    def _read(self, row: Record) -> Queue:
        version = (row["version"], row["calendar_version"])
        known = self._known.get(row["key"])
        if known is None or known.version != version:
            known = self._known[row["key"]] = self._parse(row, version)
        return known

    def _parse(self, row: Record, version: tuple[int, int]) -> Queue:
        key: str = row["key"]
        fault = None
        try:
            queue = config.read(
                key=key,
                skill=row["skill"],
                strategy=row["strategy"],
                config=row["config"],
                weekly=row["weekly"],
                exceptions=row["exceptions"],
                zone=ZoneInfo(row["timezone"]) if row["timezone"] else self._zone,
                retired=row["retired"],
                version=version,
            )
        except Exception as error:  # written past the API: anything may be in it
            fault = str(error) or type(error).__name__
            log.error("queue_unreadable", queue=key, fault=fault)
            queue = config.left_out(
                key=key,
                skill=row["skill"],
                weekly=row["weekly"],
                exceptions=row["exceptions"],
                zone=self._zone,
                retired=row["retired"],
                version=version,
                fault=fault,
            )
        UNREADABLE.labels(key).set(fault is not None)
        return queue
