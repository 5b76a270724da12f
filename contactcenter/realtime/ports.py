"""What realtime asks of the rooms; `contactcenter.app` ties each to who answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from db import Connection


class Presence(Protocol):
    """Routing: which agents are at a desk. Silence of 20 s counts as absence."""

    async def connected(self, agent_id: UUID, channels: Sequence[str]) -> None:
        """A desk of this agent has connected and can handle these channels."""

    async def heartbeat(self, agent_ids: Sequence[UUID]) -> None:
        """These agents' desks are still connected."""


class Place(Protocol):
    """Where one conversation stands in a queue."""

    @property
    def conversation_id(self) -> UUID: ...
    @property
    def position(self) -> int: ...
    @property
    def estimated_wait_seconds(self) -> int | None: ...


class Queues(Protocol):
    """Routing: what desks and visitors are told of queues."""

    async def names(self, conn: Connection) -> Sequence[Mapping[str, Any]]:
        """{key, name_es, name_en} of every live queue, in the order of screens."""

    async def dispositions(self, conn: Connection) -> Sequence[Mapping[str, Any]]:
        """{key, label_es, label_en, queue} of those in use, in the order of screens."""

    async def positions(self, conn: Connection, queue: str, now: datetime) -> Sequence[Place]:
        """Everybody who waits in the queue, first comes next."""


class Visitors(Protocol):
    """Web chat: the visitor's side of a conversation."""

    async def state(self, conn: Connection, conversation_id: UUID) -> Mapping[str, Any] | None:
        """The conversation as its visitor sees it; None when there is none."""

    async def seen(self, last_seen: Mapping[UUID, datetime]) -> None:
        """When each of these conversations' visitors was last connected."""
