"""HTTP of imports and exports."""

from __future__ import annotations

from functools import partial
from typing import Final

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.limits import Limit
from crm.imports.schemas import CommitQuery, ExportQuery, Imported, ImportQuery, Preview, What
from crm.imports.service import ImportService
from crm.imports.sheet import MOST_BYTES

CSV: Final = "text/csv"
TAGS: Final = ("imports",)
PACE: Final = Limit(per_second=0.5, burst=20)


class ImportRoutes:
    def __init__(self, service: ImportService) -> None:
        self._service = service

    async def preview(self, what: What, request: Request) -> Preview:
        return await self._service.preview(request.principal, what, request.body, request.query)

    async def commit(self, what: What, request: Request) -> Imported:
        return await self._service.commit(request.principal, what, request.body, request.query)

    async def export(self, what: What, request: Request) -> Response:
        lines = await self._service.export(request.principal, what, request.query.language)
        return Response(
            lines,
            headers={"Content-Disposition": f'attachment; filename="{what}.csv"'},
            content_type=CSV,
        )

    def table(self) -> tuple[Route, ...]:
        return tuple(route for what in ("customers", "policies") for route in self._of(what))

    def _of(self, what: What) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                f"/api/v1/imports/{what}/preview",
                partial(self.preview, what),
                Permission.PORTFOLIOS_ALL,
                f"Say what an import of {what} would do, row by row; nothing is kept",
                query=ImportQuery,
                response=Preview,
                tags=TAGS,
                errors=(Forbidden, Invalid),
                limit=PACE,
                max_body=MOST_BYTES,
                medium=CSV,
            ),
            Route(
                "POST",
                f"/api/v1/imports/{what}",
                partial(self.commit, what),
                Permission.PORTFOLIOS_ALL,
                f"Import {what} from a CSV file: all of it, or nothing",
                query=CommitQuery,
                response=Imported,
                status=201,
                tags=TAGS,
                errors=(Forbidden, Invalid, Conflict),
                creates=True,
                limit=PACE,
                max_body=MOST_BYTES,
                medium=CSV,
            ),
            Route(
                "GET",
                f"/api/v1/exports/{what}",
                partial(self.export, what),
                Permission.PORTFOLIOS_ALL,
                f"Export all {what} as a CSV file that no spreadsheet runs",
                query=ExportQuery,
                tags=TAGS,
                errors=(Forbidden,),
                limit=PACE,
                answers=CSV,
            ),
        )
