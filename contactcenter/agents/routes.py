"""HTTP of agents."""

from __future__ import annotations

from functools import partial

from contactcenter.agents.schemas import (
    AgentEdit,
    AgentList,
    AgentMe,
    AgentProfile,
    AgentStats,
    AvailableQuery,
    SetStatus,
    SkillsEdit,
    StatsQuery,
)
from contactcenter.agents.service import AgentService
from contactcenter.core.access import Permission
from contactcenter.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from contactcenter.core.http import Request, Response, Route

TAGS = ("agents",)


class AgentRoutes:
    def __init__(self, service: AgentService) -> None:
        self._service = service

    async def team(self, request: Request) -> AgentList:
        return AgentList(items=await self._service.team(request.principal))

    async def available(self, request: Request) -> AgentList:
        query: AvailableQuery = request.query
        return AgentList(
            items=await self._service.available(request.principal, query.queue, query.skill)
        )

    async def profile(self, request: Request) -> Response:
        profile = await self._service.profile(request.principal, request.id("id"))
        return Response(profile, version=profile.version)

    async def stats(self, request: Request) -> AgentStats:
        query: StatsQuery = request.query
        agent_id = request.id("id")
        if agent_id != request.principal.agent_id:
            request.principal.require(Permission.AGENTS_MANAGE)
        return await self._service.stats(request.principal, agent_id, query.since, query.until)

    async def set_own_status(self, request: Request) -> AgentMe:
        return await self._service.set_own_status(request.principal, request.body)

    async def set_status(self, request: Request) -> AgentMe:
        return await self._service.set_status(request.principal, request.id("id"), request.body)

    async def set_skills(self, request: Request) -> Response:
        profile = await self._service.set_skills(
            request.principal, request.id("id"), request.body, partial(request.match, required=True)
        )
        return Response(profile, version=profile.version)

    async def edit(self, request: Request) -> Response:
        profile = await self._service.edit(
            request.principal, request.id("id"), request.body, partial(request.match, required=True)
        )
        return Response(profile, version=profile.version)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/api/v1/agents",
                self.team,
                Permission.AGENTS_READ,
                "List the team",
                response=AgentList,
                tags=TAGS,
            ),
            Route(
                "GET",
                "/api/v1/agents/available",
                self.available,
                Permission.AGENTS_READ,
                "List who is available, busy or not",
                query=AvailableQuery,
                response=AgentList,
                tags=TAGS,
            ),
            Route(
                "POST",
                "/api/v1/agents/status",
                self.set_own_status,
                Permission.DESK_USE,
                "Set one's own status",
                body=SetStatus,
                response=AgentMe,
                tags=TAGS,
                errors=(Conflict, Forbidden, Invalid),
            ),
            Route(
                "GET",
                "/api/v1/agents/{id}",
                self.profile,
                Permission.AGENTS_READ,
                "Show an agent",
                response=AgentProfile,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "PATCH",
                "/api/v1/agents/{id}",
                self.edit,
                Permission.AGENTS_MANAGE,
                "Set whether an agent's desk accepts offers by itself, after a beep",
                body=AgentEdit,
                response=AgentProfile,
                tags=TAGS,
                errors=(NotFound, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "GET",
                "/api/v1/agents/{id}/stats",
                self.stats,
                Permission.AGENTS_READ,
                "Count an agent's work in a period (one's own, or a supervisor)",
                query=StatsQuery,
                response=AgentStats,
                tags=TAGS,
                errors=(Forbidden, Invalid, NotFound),
            ),
            Route(
                "POST",
                "/api/v1/agents/{id}/status",
                self.set_status,
                Permission.AGENTS_MANAGE,
                "Set an agent's status",
                body=SetStatus,
                response=AgentMe,
                tags=TAGS,
                errors=(Conflict, Invalid, NotFound),
            ),
            Route(
                "PATCH",
                "/api/v1/agents/{id}/skills",
                self.set_skills,
                Permission.AGENTS_MANAGE,
                "Replace an agent's skills",
                body=SkillsEdit,
                response=AgentProfile,
                tags=TAGS,
                errors=(Invalid, NotFound, PreconditionFailed, PreconditionRequired),
            ),
        )
