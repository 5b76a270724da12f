"""HTTP of claims."""

from __future__ import annotations

from functools import partial

from pydantic import BaseModel

from contactcenter.core.errors import PreconditionFailed
from contactcenter.core.http import Handler, Request, Response, Route
from crm.claims.schemas import (
    ApproveIn,
    AssignIn,
    ClaimEdit,
    ClaimHistory,
    ClaimNew,
    ClaimOut,
    ClaimPage,
    ClaimQuery,
    ClaimStatusIn,
    DenyIn,
    DocumentIn,
    NoteIn,
    PayIn,
    SendIn,
)
from crm.claims.service import ClaimService
from crm.routes import STALE, named, reading, writing

BASE = "/api/v1/claims"
ONE = f"{BASE}/{{id}}"
TAGS = ("claims",)
_read = partial(reading, "claims")
_write = partial(writing, "claims")


class ClaimRoutes:
    def __init__(self, service: ClaimService) -> None:
        self._service = service

    async def listed(self, request: Request) -> ClaimPage:
        return await self._service.listed(request.principal, request.query)

    async def get(self, request: Request) -> Response:
        return _card(await self._service.get(request.principal, request.id("id")))

    async def history(self, request: Request) -> ClaimHistory:
        return await self._service.history(request.principal, request.id("id"))

    async def create(self, request: Request) -> Response:
        return _card(await self._service.create(request.principal, request.body))

    async def edit(self, request: Request) -> Response:
        return _card(
            await self._service.edit(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def send(self, request: Request) -> Response:
        return _card(
            await self._service.send(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def set_status(self, request: Request) -> Response:
        return _card(
            await self._service.set_status(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def approve(self, request: Request) -> Response:
        return _card(
            await self._service.approve(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def deny(self, request: Request) -> Response:
        return _card(
            await self._service.deny(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def pay(self, request: Request) -> Response:
        return _card(
            await self._service.pay(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def assign(self, request: Request) -> Response:
        return _card(
            await self._service.assign(
                request.principal, request.id("id"), request.body.adjuster_id, named(request)
            )
        )

    async def note(self, request: Request) -> ClaimHistory:
        return await self._service.note(request.principal, request.id("id"), request.body.note)

    async def add_document(self, request: Request) -> Response:
        return _card(
            await self._service.add_document(
                request.principal, request.id("id"), request.body, request.match
            )
        )

    def table(self) -> tuple[Route, ...]:
        edit = "Change what is given of a claim; states have operations of their own"
        return (
            _read(BASE, self.listed, "List claims, newest first", ClaimPage, ClaimQuery),
            _read(ONE, self.get, "Show a claim", ClaimOut),
            _read(f"{ONE}/events", self.history, "Show a claim's history", ClaimHistory),
            _write("POST", BASE, self.create, "Open a claim", ClaimNew, ClaimOut, 201),
            _write("PATCH", ONE, self.edit, edit, ClaimEdit, ClaimOut, 200, *STALE),
            _write("PUT", ONE, self.edit, edit, ClaimEdit, ClaimOut, 200, *STALE),
            _act("send", self.send, "Note that the payer has it", SendIn),
            _act("status", self.set_status, "Reopen a claim, or take it up again", ClaimStatusIn),
            _act("approve", self.approve, "Record a yes: the insurer's, or delegated", ApproveIn),
            _act("deny", self.deny, "Record a no, with its reason", DenyIn),
            _act("pay", self.pay, "Record the payment", PayIn),
            _act("assign", self.assign, "Give a claim to a handler", AssignIn),
            _write(
                "POST",
                f"{ONE}/documents",
                self.add_document,
                "Note a document of a claim",
                DocumentIn,
                ClaimOut,
                200,
                PreconditionFailed,
            ),
            _write(
                "POST", f"{ONE}/notes", self.note, "Add a note to a claim", NoteIn, ClaimHistory
            ),
        )


def _card(card: ClaimOut) -> Response:
    return Response(card, version=card.version)


def _act(verb: str, handler: Handler, summary: str, body: type[BaseModel]) -> Route:
    return _write("POST", f"{ONE}/{verb}", handler, summary, body, ClaimOut, 200, *STALE)
