"""Who stands in for whom, and when: a handler's, or a portfolio manager's, deputy while away."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from contactcenter.core.access import Permission, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Forbidden, Invalid
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.work import WorkFactory
from crm.office import store
from crm.office.schemas import Deputies, Deputy, DeputyIn
from crm.office.service import Match
from crm.routes import STALE, named
from crm.sql import agent_exists, lock_section, section_version, turn_section

SECTION = "handler_deputies"
PATH = "/api/v1/handler-deputies"
TAGS = ("office rules",)


class DeputyService:
    def __init__(self, work: WorkFactory, clock: Clock, zone: ZoneInfo) -> None:
        self._work, self._clock, self._zone = work, clock, zone

    async def listed(self, principal: Principal) -> tuple[Deputies, int]:
        """Between agents of the teams that the asker's rights reach, and the section's version."""
        today = self._clock.now().astimezone(self._zone).date()
        async with self._work.reading("deputies.list") as conn:
            version = await section_version(conn, SECTION)
            rows = await store.deputies(conn, principal.teams, today)
        return Deputies(items=[Deputy(**row) for row in rows], version=version), version

    async def put(self, principal: Principal, wish: DeputyIn, match: Match) -> None:
        """Name an agent's deputy from a day on, or take it away. Forbidden where either is of
        another team than the asker's rights are limited to."""
        if wish.agent_id == wish.deputy_id:
            raise Invalid.field("deputy_id", "own_deputy", "Nobody stands in for themselves.")
        async with self._work.begin("deputies.put", principal.actor) as work:
            match(await lock_section(work.conn, SECTION))
            for name in ("agent_id", "deputy_id"):
                agent_id = getattr(wish, name)
                if agent_id is None:
                    continue
                if not await agent_exists(work.conn, agent_id):
                    raise Invalid.field(name, "unknown_agent", "There is no such agent.")
                if not principal.sees_team(await store.team_of(work.conn, agent_id)):
                    raise Forbidden("This agent is of another team.")
            since = wish.valid_from
            if wish.deputy_id is not None and since is None:
                since = work.now.astimezone(self._zone).date()
            if wish.deputy_id is not None and since and wish.valid_to and wish.valid_to < since:
                raise Invalid.field("valid_to", "bad_period", "It must end after it begins.")
            before = await store.deputies_of(work.conn, wish.agent_id, since)
            if wish.deputy_id is None:
                await store.drop_deputies(work.conn, wish.agent_id, since)
            else:
                assert since is not None
                await store.put_deputy(
                    work.conn, wish.agent_id, wish.deputy_id, since, wish.valid_to
                )
            after = await store.deputies_of(work.conn, wish.agent_id, since)
            if before == after:
                return
            await turn_section(work.conn, SECTION)
            work.audit(
                "deputy.changed",
                "agent",
                wish.agent_id,
                before={"deputies": [dict(row) for row in before]},
                after={"deputies": [dict(row) for row in after]},
            )


class DeputyRoutes:
    def __init__(self, service: DeputyService) -> None:
        self._service = service

    async def listed(self, request: Request) -> Response:
        shown, version = await self._service.listed(request.principal)
        return Response(shown, version=version)

    async def put(self, request: Request) -> Response:
        await self._service.put(request.principal, request.body, named(request))
        return await self.listed(request)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                PATH,
                self.listed,
                Permission.AGENTS_READ,
                "List who stands in for whom, and when",
                response=Deputies,
                tags=TAGS,
            ),
            Route(
                "PUT",
                PATH,
                self.put,
                Permission.AGENTS_MANAGE,
                "Name an agent's deputy from a day on, or take it away",
                body=DeputyIn,
                response=Deputies,
                tags=TAGS,
                errors=(Invalid, Forbidden, *STALE),
            ),
        )
