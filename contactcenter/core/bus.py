"""The bus: one reader of the event log per process, live subscribers, durable listeners.

Live subscribers (realtime, the router, the wallboard's fold) see every event once from a position
on, as long as the process lives. Durable listeners keep their position in the database and move it
in the transaction of their effect, so an event has its effect exactly once. Neither can hold the
others up: each has a bounded buffer, and one that falls behind reads the log by itself until it
has caught up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

import db
from config.settings import Settings
from contactcenter.core.event import Catalogue, Event, Position
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work, WorkFactory

log = structlog.get_logger(__name__)

Handler = Callable[[list[Recorded]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Listener:
    """A durable listener. `handle` makes its effect with `work`, which also commits its position.

    It must not call anything outside the database: it enqueues a job instead.
    """

    name: str
    types: tuple[type[Event], ...]
    handle: Callable[[Work, Recorded], Awaitable[None]]


class Subscription:
    """A live subscriber; `close()` ends it."""

    async def close(self) -> None: ...


class Bus:
    """See the module. `position` is the last position the process has read."""

    position: Position

    def __init__(
        self, settings: Settings, pool: db.Pool, catalogue: Catalogue, work: WorkFactory
    ) -> None: ...

    async def start(self) -> None:
        """Begin reading at the log's tip."""

    async def stop(self) -> None:
        """End reader, subscribers and listeners; what runs in a transaction is rolled back."""

    def wake(self, xid: int | None = None) -> None:
        """Something was committed (by transaction `xid`): read now, and tell the other nodes."""

    async def subscribe(
        self,
        name: str,
        handler: Handler,
        types: Sequence[type[Event]] | None = None,
        *,
        since: Position | None = None,
    ) -> Subscription:
        """Hand every event after `since` (default: from now on) to `handler`, in order, in batches.

        A handler that raises loses that batch: it is logged and counted, and the next one comes.
        """

    def durable(self, listener: Listener) -> None:
        """Run a durable listener while the bus runs, on one node at a time."""
