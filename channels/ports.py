"""What channels ask of other rooms; `contactcenter.app` ties each to who answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.work import Work
from db import Connection


class Place(Protocol):
    """Where an interaction stands in line."""

    @property
    def position(self) -> int:
        """1 is next."""

    @property
    def estimated_wait_seconds(self) -> int | None: ...


class Queueing(Protocol):
    """Routing: the queues' doors. Each locks the interaction until the transaction ends."""

    async def enqueue(
        self,
        work: Work,
        *,
        interaction_id: UUID,
        queue: str,
        preferred: Sequence[UUID] = (),
        band: int | None = None,
        takes_over: UUID | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> object:
        """Begin a queue visit; a customer who left it a moment ago gets the old place back.
        `said`: what the customer chose on the way, as the office's rules know it (`key`).
        `takes_over`: the chat segment that a call began in."""

    async def customer_wrote(self, work: Work, interaction_id: UUID) -> None:
        """The customer wrote in an open interaction: parked or wrapping work goes on."""

    async def customer_left(
        self,
        work: Work,
        interaction_id: UUID,
        *,
        reason: Literal["abandoned", "cancelled"] = "abandoned",
    ) -> bool:
        """The customer ended it: who waited leaves the line, an agent's part turns to wrap-up.

        False: the customer's part was over before.
        """

    async def agent_wrote(
        self, work: Work, interaction_id: UUID, agent_id: UUID, *, note: bool = False
    ) -> None:
        """An agent is about to write. NotFound for whoever has no open part in it, Conflict when
        the customer's part is over (a note is still possible)."""

    async def places(
        self, conn: Connection, interaction_ids: Collection[UUID], now: datetime
    ) -> Mapping[UUID, Place]:
        """Where each of these interactions stands; absent: it does not wait."""


class Parts(Protocol):
    """Routing: agents' parts in calls. Those that take a unit of work lock the interaction."""

    async def units(
        self,
        actor: str,
        agent_id: UUID,
        interaction_id: UUID,
        *,
        contact_id: UUID,
        queue: str | None,
    ) -> UUID:
        """Ask the router for an agent's units: the segment that holds them. Conflict: no room."""

    async def come_in(
        self, work: Work, request_id: UUID, interaction_id: UUID, agent_id: UUID
    ) -> UUID:
        """Who took a request is asked into the interaction: the segment there; the request is
        over."""

    async def withdraw(self, work: Work, request_id: UUID) -> None:
        """Nobody is asked for any more: the request leaves its line, or whoever just took it is
        free again."""

    async def has_part(self, conn: Connection, interaction_id: UUID, agent_id: UUID) -> bool:
        """Whether the agent is with the customer in it."""

    async def turn(
        self,
        work: Work,
        interaction_id: UUID,
        agent_id: UUID,
        state: Literal["active", "held", "consulting"],
        *,
        cause: str = "agent",
    ) -> None:
        """The agent's part is held, consulting, or active again."""

    async def hand_over(
        self, work: Work, interaction_id: UUID, from_agent: UUID, to_agent: UUID
    ) -> None:
        """A warm transfer: one agent wraps up while the other has the customer."""

    async def take_over(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """The customer is with this agent now, who was only asked in; whoever asked has left."""

    async def leave(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """The agent hangs up: wrap-up follows; the last agent ends the customer's part."""

    async def let_go(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """A colleague who was asked in leaves again, without paperwork."""

    async def send_on(
        self, principal: Principal, interaction_id: UUID, queue: str | None, agent_id: UUID | None
    ) -> None:
        """A blind transfer by this agent, in a unit of work of its own."""

    async def close(self, work: Work, interaction_id: UUID) -> None:
        """An internal call is over: every part in it ends, and the interaction with them."""


class Desks(Protocol):
    """Routing: what desks can handle."""

    async def can_handle(self, work: Work, agent_id: UUID, channels: Sequence[str]) -> None:
        """The agent's desk, if it is there, can handle these channels from now on."""


class Hours(Protocol):
    """Routing: when a queue is served. NotFound for a queue that is not there."""

    async def queues(self, conn: Connection) -> Sequence[str]:
        """Those that take work, in their order."""

    async def is_open(self, conn: Connection, queue: str, at: datetime) -> bool: ...

    async def closes_at(self, conn: Connection, queue: str, at: datetime) -> datetime | None:
        """End of the opening that holds `at`; None when it is closed, or never closes."""

    async def next_opening(self, conn: Connection, queue: str, at: datetime) -> datetime | None:
        """Start of the next opening; None when none is in sight."""


class Hints(Protocol):
    """Realtime: what may be lost on its way to a screen."""

    def to_visitor(self, conversation_id: UUID, name: str, payload: Mapping[str, Any]) -> None: ...

    def to_agent(self, agent_id: UUID, name: str, payload: Mapping[str, Any]) -> None: ...
