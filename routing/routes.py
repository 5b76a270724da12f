"""HTTP of routing: the queues as they stand, and what a supervisor does with them."""

from __future__ import annotations

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Invalid, NotFound, Unavailable
from contactcenter.core.http import Request, Route
from routing.schemas import (
    Assign,
    AssignConversation,
    Assigned,
    QueueLines,
    QueueQuery,
    SupervisorTransfer,
    Why,
)
from routing.supervision import SupervisionService

TAGS = ("routing",)


class RoutingRoutes:
    def __init__(self, service: SupervisionService) -> None:
        self._service = service

    async def lines(self, request: Request) -> QueueLines:
        query: QueueQuery = request.query
        return await self._service.lines(request.principal, query.queue)

    async def assign(self, request: Request) -> Assigned:
        return await self._service.assign(request.principal, request.body)

    async def assign_conversation(self, request: Request) -> Assigned:
        return await self._service.assign_conversation(
            request.principal, request.id("id"), request.body
        )

    async def transfer(self, request: Request) -> None:
        await self._service.transfer(request.principal, request.id("id"), request.body)

    async def why(self, request: Request) -> Why:
        return await self._service.why(request.principal, request.id("id"))

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/api/v1/queue",
                self.lines,
                Permission.QUEUES_READ,
                "Show the queues and what waits in them",
                query=QueueQuery,
                response=QueueLines,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                "/api/v1/queue/assign",
                self.assign,
                Permission.ROUTING_ASSIGN,
                "Give a waiting interaction to an agent",
                body=Assign,
                response=Assigned,
                tags=TAGS,
                errors=(Conflict, Invalid, NotFound, Unavailable),
            ),
            Route(
                "POST",
                "/api/v1/chat/conversations/{id}/assign",
                self.assign_conversation,
                Permission.ROUTING_ASSIGN,
                "Give a chat that waits to an agent",
                body=AssignConversation,
                response=Assigned,
                tags=TAGS,
                errors=(Conflict, Invalid, NotFound, Unavailable),
            ),
            Route(
                "POST",
                "/api/v1/interactions/{id}/transfer",
                self.transfer,
                Permission.ROUTING_ASSIGN,
                "Move an interaction to a queue or an agent",
                body=SupervisorTransfer,
                status=204,
                tags=TAGS,
                errors=(Conflict, Invalid, NotFound, Unavailable),
            ),
            Route(
                "GET",
                "/api/v1/interactions/{id}/why",
                self.why,
                Permission.INTERACTIONS_READ,
                "Explain where an interaction went",
                response=Why,
                tags=TAGS,
                errors=(NotFound,),
            ),
        )
