"""HTTP of privacy requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, NotFound
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.validation import Moment, Schema
from contactcenter.identity import privacy
from contactcenter.identity.admin_schemas import AdminPage
from contactcenter.identity.privacy import PrivacyService

PATH: Final = "/api/v1/privacy/requests"
TAGS: Final = ("privacy",)


class PrivacyAsk(Schema):
    kind: Literal["export", "erase"]
    person_kind: Literal["user", "contact", "customer"]
    person: UUID
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    """Why, without personal data: it stays with the certificate."""


class CertificateLine(BaseModel):
    table: str
    rows: int
    action: Literal["erase", "keep"] | None = None
    reason: str | None = None
    """What goes and what stays, and by which duty, in English."""
    reason_es: str | None = None
    """The same in Spanish; absent in a certificate of before."""
    holds: int = 0
    """Of the rows that are kept: those that somebody has put on legal hold."""


class PrivacyRequest(BaseModel):
    id: UUID
    kind: Literal["export", "erase"]
    person_kind: Literal["user", "contact", "customer"]
    person: UUID
    reason: str
    requested_by: UUID | None
    """Of an erased customer: who closed the file."""
    requested_at: datetime
    done_at: datetime | None
    state: Literal["under_way", "done", "failed"]
    detail: str | None
    """A sentence about a request that failed."""
    certificate: list[CertificateLine] | None


class PrivacyRequests(BaseModel):
    items: list[PrivacyRequest]
    next_cursor: str | None


class ErasedQuery(AdminPage):
    until: Moment | None = None
    """Only those of before."""


class PrivacyRoutes:
    def __init__(self, service: PrivacyService) -> None:
        self._service = service

    async def ask(self, request: Request) -> PrivacyRequest:
        given: PrivacyAsk = request.body
        return _out(
            await self._service.ask(
                request.principal, given.kind, given.person_kind, given.person, given.reason
            )
        )

    async def listed(self, request: Request) -> PrivacyRequests:
        query: AdminPage = request.query
        rows = await self._service.requests(request.principal, query.cursor, query.limit + 1)
        return _page(rows, query.limit)

    async def erased(self, request: Request) -> PrivacyRequests:
        query: ErasedQuery = request.query
        rows = await self._service.erased(
            request.principal, query.until, query.cursor, query.limit + 1
        )
        return _page(rows, query.limit)

    async def one(self, request: Request) -> PrivacyRequest:
        return _out(await self._service.request(request.principal, request.id("id")))

    async def certificate(self, request: Request) -> PrivacyRequest:
        return _out(await self._service.certificate(request.principal, request.id("id")))

    async def export(self, request: Request) -> Response:
        data = await self._service.export(request.principal, request.id("id"))
        headers = {"Content-Disposition": 'attachment; filename="export.json"'}
        return Response(data, headers=headers)

    def table(self) -> tuple[Route, ...]:
        manage = Permission.PRIVACY_MANAGE
        return (
            Route(
                "POST",
                PATH,
                self.ask,
                manage,
                "Export or erase a person",
                body=PrivacyAsk,
                response=PrivacyRequest,
                status=202,
                tags=TAGS,
                errors=(Conflict, Forbidden, NotFound),
            ),
            Route(
                "GET",
                PATH,
                self.listed,
                manage,
                "List privacy requests, the newest first",
                query=AdminPage,
                response=PrivacyRequests,
                tags=TAGS,
            ),
            Route(
                "GET",
                f"{PATH}/{{id}}",
                self.one,
                manage,
                "Show a privacy request with its certificate",
                response=PrivacyRequest,
                tags=TAGS,
            ),
            Route(
                "GET",
                f"{PATH}/{{id}}/export",
                self.export,
                manage,
                "The exported data, for a week",
                tags=TAGS,
            ),
            Route(
                "GET",
                "/api/v1/privacy/customers",
                self.erased,
                Permission.PORTFOLIOS_ALL,
                "List the certificates of erased customers, the newest first",
                query=ErasedQuery,
                response=PrivacyRequests,
                tags=TAGS,
            ),
            Route(
                "GET",
                "/api/v1/privacy/customers/{id}/certificate",
                self.certificate,
                Permission.PORTFOLIOS_ALL,
                "The certificate of an erased customer",
                response=PrivacyRequest,
                tags=TAGS,
                errors=(NotFound,),
            ),
        )


def _out(request: privacy.Request) -> PrivacyRequest:
    return PrivacyRequest(
        **{
            name: getattr(request, name)
            for name in PrivacyRequest.model_fields
            if name != "certificate"
        },
        certificate=None
        if request.certificate is None
        else [CertificateLine(**line) for line in request.certificate],
    )


def _page(rows: list[privacy.Request], limit: int) -> PrivacyRequests:
    return PrivacyRequests(
        items=[_out(row) for row in rows[:limit]],
        next_cursor=str(rows[limit - 1].id) if len(rows) > limit else None,
    )
