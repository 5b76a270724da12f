"""What analytics asks of other rooms; `contactcenter.app` ties each to who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from contactcenter.analytics.model import Expected, QueueInfo
from db import Connection


class Queues(Protocol):
    """Routing's queues, in the order in which screens list them, retired ones left out."""

    async def queue_infos(self, conn: Connection) -> Sequence[QueueInfo]: ...


class Forecast(Protocol):
    """What a day is expected to bring; empty where nobody foresees anything."""

    def expected(self, day_start: datetime, day_end: datetime) -> Sequence[Expected]: ...


class Broadcast(Protocol):
    """Realtime's door to the sockets of the wallboard namespace, on this node.

    Nothing here waits, so what is done in one go stays together: a socket put in a room and
    given the room's number misses nothing and gets nothing twice.
    """

    @property
    def node(self) -> str:
        """What this node calls itself in envelopes."""

    def emit(self, room: str, name: str, payload: Mapping[str, Any], cursor: str) -> None:
        """Tell every socket in the room, in order, with the room's next sequence number.

        `cursor` is the log position that the payload reflects.
        """

    def occupied(self, room: str) -> bool:
        """Whether any socket is in the room."""

    def sequence(self, room: str) -> int:
        """The number that the room's last event carried."""

    def move(self, sid: str, room: str) -> None:
        """Put one socket in this room and out of any other."""

    def room_of(self, sid: str) -> str | None:
        """Where the socket is; None when it is nowhere."""

    def send(self, sid: str, name: str, payload: Mapping[str, Any]) -> None:
        """Tell one socket; no number."""
