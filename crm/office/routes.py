"""HTTP of the office's rules: each section is read as a whole and changed row by row."""

from __future__ import annotations

from functools import partial

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.http import Request, Response, Route
from crm.office.schemas import HolidayQuery
from crm.office.service import SECTIONS, OfficeService, Section
from crm.routes import STALE, named

TAGS = ("office rules",)


class OfficeRoutes:
    def __init__(self, service: OfficeService) -> None:
        self._service = service

    async def listed(self, section: Section, request: Request) -> Response:
        year = getattr(request.query, "year", None)
        shown, version = await self._service.listed(section, year)
        return Response(shown, version=version)

    async def put(self, section: Section, request: Request) -> Response:
        await self._service.put(request.principal, section, request.body, named(request))
        shown, version = await self._service.listed(section)
        return Response(shown, version=version)

    async def drop(self, section: Section, request: Request) -> Response:
        await self._service.drop(request.principal, section, request.query, named(request))
        shown, version = await self._service.listed(section)
        return Response(shown, version=version)

    def table(self) -> tuple[Route, ...]:
        return tuple(route for section in SECTIONS for route in self._routes(section))

    def _routes(self, section: Section) -> tuple[Route, ...]:
        path = f"/api/v1/{section.path}"
        return (
            Route(
                "GET",
                path,
                partial(self.listed, section),
                Permission.CUSTOMERS_ALL,
                f"List the office's rules: {section.name.replace('_', ' ')}",
                query=HolidayQuery if section.name == "holidays" else None,
                response=section.listed,
                tags=TAGS,
                errors=(Invalid,) if section.name == "holidays" else (),
            ),
            Route(
                "PUT",
                path,
                partial(self.put, section),
                section.changes,
                f"Write {section.title}, in the place of the one with its key",
                body=section.row,
                response=section.listed,
                tags=TAGS,
                errors=(Invalid, *STALE),
            ),
            Route(
                "DELETE",
                path,
                partial(self.drop, section),
                section.changes,
                f"Take away {section.title}",
                query=section.key,
                response=section.listed,
                tags=TAGS,
                errors=(Invalid, NotFound, Conflict, *STALE),
            ),
        )
