"""HTTP of saved replies."""

from __future__ import annotations

from functools import partial

from channels.replies.schemas import ReplyEdit, ReplyList, ReplyNew, SavedReply
from channels.replies.service import Replies
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

TAGS = ("replies",)


class ReplyRoutes:
    def __init__(self, service: Replies) -> None:
        self._service = service

    async def listed(self, request: Request) -> ReplyList:
        return ReplyList(items=await self._service.listed(request.principal))

    async def create(self, request: Request) -> Response:
        made = await self._service.create(request.principal, request.body)
        return Response(made, status=201, version=made.version)

    async def edit(self, request: Request) -> Response:
        made = await self._service.edit(
            request.principal, request.id("id"), request.body, partial(request.match, required=True)
        )
        return Response(made, version=made.version)

    async def forget(self, request: Request) -> None:
        await self._service.forget(request.principal, request.id("id"))

    def table(self) -> tuple[Route, ...]:
        base, use = "/api/v1/replies", Permission.DESK_USE
        return (
            Route(
                "GET",
                base,
                self.listed,
                use,
                "List the saved replies: one's own, and the centre's",
                response=ReplyList,
                tags=TAGS,
            ),
            Route(
                "POST",
                base,
                self.create,
                use,
                "Save a reply; a shared one needs queues.manage",
                body=ReplyNew,
                response=SavedReply,
                status=201,
                creates=True,
                tags=TAGS,
                errors=(Conflict, Forbidden, Invalid),
            ),
            Route(
                "PUT",
                f"{base}/{{id}}",
                self.edit,
                use,
                "Replace a saved reply's texts",
                body=ReplyEdit,
                response=SavedReply,
                tags=TAGS,
                errors=(Forbidden, Invalid, NotFound, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "DELETE",
                f"{base}/{{id}}",
                self.forget,
                use,
                "Forget a saved reply",
                status=204,
                tags=TAGS,
                errors=(Forbidden, NotFound),
            ),
        )
