"""HTTP of quotes."""

from __future__ import annotations

from functools import partial

from contactcenter.core.access import Permission
from contactcenter.core.errors import Invalid
from contactcenter.core.http import Request, Response, Route
from crm.quotes.schemas import (
    ConvertByIdIn,
    Converted,
    ConvertIn,
    QuoteEdit,
    QuoteNew,
    QuoteOut,
    QuotePage,
    QuoteQuery,
    QuoteRule,
    QuoteRules,
    RejectIn,
)
from crm.quotes.service import QuoteService
from crm.routes import STALE, named, reading, writing

BASE = "/api/v1/quotes"
ONE = f"{BASE}/{{id}}"
TAGS = ("quotes",)
_read = partial(reading, "quotes")
_write = partial(writing, "quotes")


class QuoteRoutes:
    def __init__(self, service: QuoteService) -> None:
        self._service = service

    async def listed(self, request: Request) -> QuotePage:
        return await self._service.listed(request.principal, request.query)

    async def get(self, request: Request) -> Response:
        return _card(await self._service.get(request.principal, request.id("id")))

    async def create(self, request: Request) -> Response:
        return _card(await self._service.create(request.principal, request.body))

    async def edit(self, request: Request) -> Response:
        return _card(
            await self._service.edit(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def send(self, request: Request) -> Response:
        return _card(await self._service.send(request.principal, request.id("id"), named(request)))

    async def accept(self, request: Request) -> Response:
        return _card(
            await self._service.accept(request.principal, request.id("id"), named(request))
        )

    async def reject(self, request: Request) -> Response:
        return _card(
            await self._service.reject(
                request.principal, request.id("id"), request.body.reason, named(request)
            )
        )

    async def convert(self, request: Request) -> Response:
        return _converted(
            await self._service.convert(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def convert_by_id(self, request: Request) -> Response:
        """POST /quotes/convert, where the body names the quote."""
        wish = ConvertIn(**request.body.model_dump(exclude={"quote_id"}, exclude_unset=True))
        return _converted(
            await self._service.convert(
                request.principal, request.body.quote_id, wish, named(request)
            )
        )

    async def rules(self, request: Request) -> Response:  # noqa: ARG002 - a handler's signature
        shown = await self._service.rules()
        return Response(shown, version=shown.version)

    async def set_rule(self, request: Request) -> Response:
        rule, version = await self._service.set_rule(
            request.principal, request.body, named(request)
        )
        return Response(rule, version=version)

    def table(self) -> tuple[Route, ...]:
        edit = "Change what is given of a draft; the price is computed anew"
        return (
            _read(BASE, self.listed, "List quotes, newest first", QuotePage, QuoteQuery),
            _write(
                "POST",
                f"{BASE}/convert",
                self.convert_by_id,
                "Make the accepted quote that the body names a policy, once",
                ConvertByIdIn,
                Converted,
                200,
                *STALE,
            ),
            _read(ONE, self.get, "Show a quote", QuoteOut),
            _write("POST", BASE, self.create, "Draft a priced quote", QuoteNew, QuoteOut, 201),
            _write("PATCH", ONE, self.edit, edit, QuoteEdit, QuoteOut, 200, *STALE),
            _write("PUT", ONE, self.edit, edit, QuoteEdit, QuoteOut, 200, *STALE),
            _write(
                "POST",
                f"{ONE}/send",
                self.send,
                "Send a quote",
                None,
                QuoteOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/accept",
                self.accept,
                "Note a yes",
                None,
                QuoteOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/reject",
                self.reject,
                "Note a no",
                RejectIn,
                QuoteOut,
                200,
                *STALE,
            ),
            _write(
                "POST",
                f"{ONE}/convert",
                self.convert,
                "Make an accepted quote a policy, once",
                ConvertIn,
                Converted,
                200,
                *STALE,
            ),
            Route(
                "GET",
                "/api/v1/quote-rules",
                self.rules,
                Permission.CUSTOMERS_ALL,
                "Show how many offers each line's quotes compare",
                response=QuoteRules,
                tags=TAGS,
            ),
            Route(
                "PUT",
                "/api/v1/quote-rules",
                self.set_rule,
                Permission.PORTFOLIOS_ALL,
                "Set how many offers a line's quotes compare",
                body=QuoteRule,
                response=QuoteRule,
                tags=TAGS,
                errors=(Invalid, *STALE),
            ),
        )


def _card(card: QuoteOut) -> Response:
    return Response(card, version=card.version)


def _converted(done: Converted) -> Response:
    return Response(done, status=201 if done.created else 200, version=done.quote.version)
