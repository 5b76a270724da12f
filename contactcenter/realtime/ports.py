"""What realtime asks of the rooms; `contactcenter.app` ties each to who answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.event import Event
from db import Connection


class Sessions(Protocol):
    """Identity: what this node believes of those who came in by a session."""

    def forget(self, event: Event | None) -> None:
        """Believe nothing of whom the event is about; None: of nobody."""

    async def still(self, principal: Principal) -> bool:
        """Whether they have the session yet, with the same rights."""


class Presence(Protocol):
    """Routing: which agents are at a desk. Silence of 20 s counts as absence."""

    async def connected(
        self, agent_id: UUID, channels: Sequence[str], session_id: UUID | None
    ) -> None:
        """A desk of this agent has connected and can handle these channels. Unauthenticated if the
        session that it came in by is over."""

    async def heartbeat(self, desks: Mapping[UUID, Collection[UUID]]) -> None:
        """These agents' desks are still connected: agent → the sessions they came in by. A session
        that is over brings nobody back."""


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
        """{key, label_es, label_en, queue, retired} of all, in the order of screens: those that
        are retired name what was closed with them."""

    async def positions(
        self, conn: Connection, queues: Sequence[str], now: datetime
    ) -> Mapping[str, Sequence[Place]]:
        """Everybody who waits in each of these queues, first comes next."""


class Calls(Protocol):
    """Voice: calls as their agents and their customers see them, each as plain data."""

    async def cards(
        self, conn: Connection, pairs: Sequence[tuple[UUID, UUID]]
    ) -> Mapping[tuple[UUID, UUID], Mapping[str, Any]]:
        """(agent, call) → the card; absent: the agent is not on the line."""

    async def of_agents(
        self, conn: Connection, agent_ids: Sequence[UUID]
    ) -> Mapping[tuple[UUID, UUID], Mapping[str, Any]]:
        """(agent, call) → the card, for every call that one of these agents is on."""

    async def of_visitors(
        self, conn: Connection, conversation_ids: Sequence[UUID]
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """Conversation → its visitor's newest call, for those who have called."""

    async def waiting(
        self, conn: Connection, conversation_ids: Sequence[UUID]
    ) -> Mapping[UUID, tuple[UUID, UUID]]:
        """A call's own conversation → (the conversation of the visitor on it, call)."""

    async def softphones(
        self, conn: Connection, agent_ids: Sequence[UUID]
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """Agent → the softphone's own leg."""

    async def channels(self, agent_id: UUID, *, silent: bool) -> Sequence[str]:
        """What the agent's desk can handle now, voice included or not; not by a `silent` one."""

    def ice_servers(self, who: str) -> Sequence[Mapping[str, Any]]:
        """Where a browser finds its way to the media: RTCIceServer objects."""


class Visitors(Protocol):
    """Web chat: the visitor's side of a conversation."""

    async def states(
        self, conn: Connection, conversation_ids: Collection[UUID]
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """Each conversation as its visitor sees it; absent: there is none."""

    async def seen(self, last_seen: Mapping[UUID, datetime]) -> None:
        """When each of these conversations' visitors was last connected."""
