"""Who stands in for whom: a handler's, or a portfolio manager's, deputy while they are away."""

from __future__ import annotations

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import Forbidden, Invalid
from contactcenter.core.http import Request, Route
from contactcenter.core.work import WorkFactory
from crm.claims import store
from crm.claims.schemas import Deputies, Deputy, DeputyIn
from crm.sql import agent_exists
from db import Connection

PATH = "/api/v1/handler-deputies"
TAGS = ("claims",)


class DeputyService:
    def __init__(self, work: WorkFactory) -> None:
        self._work = work

    async def listed(self, principal: Principal) -> Deputies:
        """Between agents of the teams that the asker's rights reach."""
        async with self._work.reading("deputies.list") as conn:
            return await _seen(conn, principal)

    async def put(self, principal: Principal, wish: DeputyIn) -> Deputies:
        """Name an agent's deputy, or take it away. Forbidden where either is of another team than
        the asker's rights are limited to."""
        if wish.agent_id == wish.deputy_id:
            raise Invalid.field("deputy_id", "own_deputy", "Nobody stands in for themselves.")
        async with self._work.begin("deputies.put", principal.actor) as work:
            for name in ("agent_id", "deputy_id"):
                agent_id = getattr(wish, name)
                if agent_id is None:
                    continue
                if not await agent_exists(work.conn, agent_id):
                    raise Invalid.field(name, "unknown_agent", "There is no such agent.")
                if not principal.sees_team(await store.team_of(work.conn, agent_id)):
                    raise Forbidden("This agent is of another team.")
            before = await store.put_deputy(work.conn, wish.agent_id, wish.deputy_id)
            work.audit(
                "deputy.changed",
                "agent",
                wish.agent_id,
                before={"deputy_id": before},
                after={"deputy_id": wish.deputy_id},
            )
            return work.answer(await _seen(work.conn, principal))


async def _seen(conn: Connection, principal: Principal) -> Deputies:
    rows = await store.deputies(conn, principal.teams)
    return Deputies(items=[Deputy(**row) for row in rows])


class DeputyRoutes:
    def __init__(self, service: DeputyService) -> None:
        self._service = service

    async def listed(self, request: Request) -> Deputies:
        return await self._service.listed(request.principal)

    async def put(self, request: Request) -> Deputies:
        return await self._service.put(request.principal, request.body)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                PATH,
                self.listed,
                Permission.AGENTS_READ,
                "List who stands in for whom",
                response=Deputies,
                tags=TAGS,
            ),
            Route(
                "PUT",
                PATH,
                self.put,
                Permission.AGENTS_MANAGE,
                "Name an agent's deputy, or take it away",
                body=DeputyIn,
                response=Deputies,
                tags=TAGS,
                errors=(Invalid, Forbidden),
            ),
        )
