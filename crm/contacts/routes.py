"""HTTP of whose an interaction is."""

from __future__ import annotations

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.http import Request, Route
from crm.contacts.schemas import (
    GateIn,
    GateOut,
    InteractionNew,
    InteractionNoted,
    RelinkIn,
)
from crm.contacts.service import ContactService

BASE = "/api/v1/interactions"
TAGS = ("interactions",)


class ContactRoutes:
    def __init__(self, service: ContactService) -> None:
        self._service = service

    async def identity(self, request: Request) -> GateOut:
        return await self._service.identity(request.principal, request.id("id"))

    async def check(self, request: Request) -> GateOut:
        return await self._service.check(request.principal, request.id("id"), request.body)

    async def relink(self, request: Request) -> GateOut:
        return await self._service.relink(request.principal, request.id("id"), request.body)

    async def note(self, request: Request) -> InteractionNoted:
        return await self._service.note(request.principal, request.body)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                f"{BASE}/{{id}}/identity",
                self.identity,
                Permission.CUSTOMERS_ALL,
                "Show how far somebody has proved who they are, and what they may be told",
                response=GateOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                f"{BASE}/{{id}}/identity",
                self.check,
                Permission.CUSTOMERS_WRITE,
                "Compare what somebody says of themselves with the file; two of three verify",
                body=GateIn,
                response=GateOut,
                tags=TAGS,
                errors=(NotFound, Conflict, Invalid),
                creates=True,
            ),
            Route(
                "PUT",
                f"{BASE}/{{id}}/customer",
                self.relink,
                Permission.CUSTOMERS_WRITE,
                "Say which customer an interaction is about",
                body=RelinkIn,
                response=GateOut,
                tags=TAGS,
                errors=(NotFound, Conflict, Invalid),
            ),
            Route(
                "POST",
                BASE,
                self.note,
                Permission.CUSTOMERS_WRITE,
                "Note a contact that no channel of ours carried: a visit, a letter",
                body=InteractionNew,
                response=InteractionNoted,
                status=201,
                tags=TAGS,
                errors=(Conflict, Invalid, Forbidden),
                creates=True,
            ),
        )
