"""One consumer's view of the event log."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

import structlog

from contactcenter.core import eventlog, metrics
from contactcenter.core.event import Catalogue, Event, Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import WorkFactory

log = structlog.get_logger(__name__)

BATCH: Final = 500
BUFFER: Final = 10_000


class Feed:
    """One consumer's view of the log: in order, from a position, through a bounded buffer."""

    def __init__(
        self,
        name: str,
        catalogue: Catalogue,
        work: WorkFactory,
        types: Sequence[type[Event]] | None,
    ) -> None:
        self.name = name
        self.types = None if types is None else frozenset(types)
        self._names = None if types is None else [cls.name for cls in types]
        self._catalogue = catalogue
        self._work = work
        self._buffer: deque[Recorded] = deque()
        self._attached = False  # whether the bus' reader fills the buffer
        self._reading = True  # whether there may be events between the consumer and the buffer
        self._newest = eventlog.START  # what has been in the buffer or handed out, at most
        self._stirred = asyncio.Event()

    def follow(self) -> None:
        """The consumer stands where the reader stands: the buffer is all it needs."""
        self._attached, self._reading = True, False

    def rewind(self) -> None:
        """The consumer goes on from another position: read the log from there first."""
        self._buffer.clear()
        self._attached, self._reading = False, True
        self._newest = eventlog.START

    def offer(self, record: Recorded) -> None:
        if not self._attached or record.position <= self._newest:
            return  # reading the log by itself, a feed can be ahead of the bus' reader
        self._newest = record.position
        if len(self._buffer) >= BUFFER:
            self.rewind()
            metrics.SUBSCRIBER_OVERFLOWS.labels(self.name).inc()
            log.warning("subscriber_behind", subscriber=self.name)
        else:
            self._buffer.append(record)
        self._stirred.set()

    def stir(self) -> None:
        """Make a waiting `next` return."""
        self._stirred.set()

    @property
    def current(self) -> bool:
        """Whether nothing that the reader has read is still to come."""
        return self._attached and not self._reading and not self._buffer

    async def next(
        self, after: Position, limit: int = BATCH, timeout: float | None = None
    ) -> list[Recorded]:
        """Events after a position; empty when stirred or after `timeout` seconds of quiet.

        They stay in the feed until `next` is asked for what comes after them. Raises Unavailable.
        """
        self._newest = max(self._newest, after)
        if self._reading:
            self._attached = True  # before reading, so that nothing falls between the two
            async with self._work.reading("bus.catch_up") as conn:
                records = await eventlog.read(
                    conn, self._catalogue, after, limit=limit, types=self._names
                )
            if not self._attached or len(records) == limit:
                return records  # there is more between these and the buffer
            self._reading = False
            while self._buffer and records and self._buffer[0].position <= records[-1].position:
                self._buffer.popleft()
            self._buffer.extendleft(reversed(records))
            if records:
                self._newest = max(self._newest, records[-1].position)
        while self._buffer and self._buffer[0].position <= after:
            self._buffer.popleft()
        if not self._buffer and self._attached:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._stirred.wait()
        self._stirred.clear()
        return list(islice(self._buffer, limit))
