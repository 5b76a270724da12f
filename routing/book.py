"""The queues as they are configured now, parsed once for each version of a row."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from contactcenter.core.errors import NotFound
from db import Connection, Record
from routing import config, queue_store
from routing.config import Queue


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

    async def all(self, conn: Connection) -> dict[str, Queue]:
        """Every queue, retired ones too: they may still hold work."""
        return {row["key"]: self._read(row) for row in await queue_store.queues(conn)}

    def _read(self, row: Record) -> Queue:
        version = (row["version"], row["calendar_version"])
        known = self._known.get(row["key"])
        if known is None or known.version != version:
            known = self._known[row["key"]] = config.read(
                key=row["key"],
                skill=row["skill"],
                strategy=row["strategy"],
                config=row["config"],
                weekly=row["weekly"],
                exceptions=row["exceptions"],
                zone=ZoneInfo(row["timezone"]) if row["timezone"] else self._zone,
                retired=row["retired"],
                version=version,
            )
        return known
