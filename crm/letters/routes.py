"""HTTP of letters to customers."""

from __future__ import annotations

from contactcenter.core.access import Permission
from contactcenter.core.errors import NotFound
from contactcenter.core.http import Request, Route
from crm.letters.schemas import Letters
from crm.letters.service import LetterService


class LetterRoutes:
    def __init__(self, service: LetterService) -> None:
        self._service = service

    async def listed(self, request: Request) -> Letters:
        return await self._service.listed(request.principal, request.id("id"))

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                "/api/v1/customers/{id}/letters",
                self.listed,
                Permission.CUSTOMERS_READ,
                "List the last 200 letters to a customer, newest first",
                response=Letters,
                tags=("customers",),
                errors=(NotFound,),
            ),
        )
