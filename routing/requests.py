"""Asking the router: a fact in the log, answered by another.

The request is committed, the leader (on whichever node) reads it, and its answer carries
the request's id. A request is not work in itself: if no router answers in time, the asker
gets `unavailable` and nothing is known to have happened.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from contactcenter.agents.schemas import SetStatus
from contactcenter.core.audit import Note
from contactcenter.core.bus import Bus
from contactcenter.core.errors import (
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    Unavailable,
)
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.work import WorkFactory
from contactcenter.events.agents import AgentStatusChanged
from contactcenter.events.interactions import InteractionJoined
from contactcenter.events.routing import ReservationAccepted, RoutingRefused, RoutingRequested

ANSWERS: Final[tuple[type[Event], ...]] = (
    ReservationAccepted,
    RoutingRefused,
    AgentStatusChanged,
    InteractionJoined,
)
ANSWER_SECONDS: Final = 5.0

_PROBLEMS: Final[dict[str, type[Problem]]] = {
    "not_found": NotFound,
    "forbidden": Forbidden,
    "expired": Expired,
    "invalid": Invalid,
}


class Requests:
    """Sends requests to the router and waits for what becomes of them."""

    def __init__(self, work: WorkFactory, bus: Bus) -> None:
        self._work = work
        self._bus = bus
        self._waiting: dict[UUID, asyncio.Future[Event]] = {}

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear answers for as long as the block lasts."""
        subscription = await self._bus.subscribe(
            "routing-answers",
            self._heard,
            ANSWERS,
        )
        try:
            yield
        finally:
            await subscription.close()

    async def _heard(self, batch: list[Recorded]) -> None:
        for recorded in batch:
            request_id: UUID | None = getattr(recorded.event, "request_id", None)
            future = self._waiting.get(request_id) if request_id else None
            if future is not None and not future.done():
                future.set_result(recorded.event)

    async def pull(self, actor: str, agent_id: UUID, interaction_id: UUID) -> ReservationAccepted:
        """An agent takes a waiting interaction, within the budget."""
        return await self._assigned(
            actor,
            RoutingRequested(
                request_id=new_id(), kind="pull", agent_id=agent_id, interaction_id=interaction_id
            ),
        )

    async def push(
        self,
        actor: str,
        agent_id: UUID,
        interaction_id: UUID,
        *,
        force: bool,
        note: Note | None = None,
    ) -> ReservationAccepted:
        """A supervisor gives a waiting interaction to an agent. `note` is kept with the request,
        whatever is answered to it."""
        return await self._assigned(
            actor,
            RoutingRequested(
                request_id=new_id(),
                kind="push",
                agent_id=agent_id,
                interaction_id=interaction_id,
                force=force,
            ),
            note,
        )

    async def units(
        self,
        actor: str,
        agent_id: UUID,
        interaction_id: UUID,
        *,
        contact_id: UUID,
        queue: str | None,
        cost: int,
    ) -> InteractionJoined:
        """An agent takes part in a call without an offer, within the budget."""
        answer = await self._ask(
            actor,
            RoutingRequested(
                request_id=new_id(),
                kind="units",
                agent_id=agent_id,
                interaction_id=interaction_id,
                wish={"contact_id": str(contact_id), "queue": queue, "cost": cost},
            ),
        )
        assert isinstance(answer, InteractionJoined)
        return answer

    async def change_status(
        self, actor: str, agent_id: UUID, wish: SetStatus, cause: str, note: Note | None = None
    ) -> None:
        """The port `Duty` of agents."""
        await self._ask(
            actor,
            status_request(agent_id, wish, cause),
            note,
        )

    async def _assigned(
        self, actor: str, request: RoutingRequested, note: Note | None = None
    ) -> ReservationAccepted:
        answer = await self._ask(actor, request, note)
        assert isinstance(answer, ReservationAccepted)
        return answer

    async def _ask(self, actor: str, request: RoutingRequested, note: Note | None = None) -> Event:
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[request.request_id] = future
        try:
            async with self._work.begin("routing.request", actor) as work:
                work.emit(request)
                if note is not None:
                    work.keep(note)
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await future
        except TimeoutError as error:
            raise Unavailable("The router does not answer just now.") from error
        finally:
            del self._waiting[request.request_id]
        if isinstance(answer, RoutingRefused):
            raise refusal(answer.code, answer.detail, answer.ctx)
        return answer


def status_request(agent_id: UUID, wish: SetStatus, cause: str) -> RoutingRequested:
    """A wish for another status as the router hears it, whether somebody waits for the answer or
    not; `cause`: agent, supervisor, system."""
    return RoutingRequested(
        request_id=new_id(),
        kind="status",
        agent_id=agent_id,
        wish={**wish.model_dump(mode="json", exclude_none=True), "cause": cause},
    )


def refusal(code: str, detail: str, ctx: dict[str, Any]) -> Problem:
    """The router's no as the caller hears it; `capacity` is a conflict with its reason."""
    if code == "capacity":
        return Conflict(detail, **{"reason": "capacity", **ctx})
    return _PROBLEMS.get(code, Conflict)(detail, **ctx)
