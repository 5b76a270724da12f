"""HTTP of what configures routing."""

from __future__ import annotations

from functools import partial

from pydantic import BaseModel

from contactcenter.core.access import Permission
from contactcenter.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
)
from contactcenter.core.http import Handler, Method, Request, Response, Route
from routing.queues.schemas import (
    CalendarCard,
    CalendarEdit,
    CalendarList,
    CalendarNew,
    Disposition,
    DispositionEdit,
    DispositionList,
    DispositionNew,
    QueueCard,
    QueueEdit,
    QueueList,
    QueueNew,
    Skill,
    SkillEdit,
    SkillList,
    SkillNew,
)
from routing.queues.service import SetupService

_STALE = (PreconditionFailed, PreconditionRequired)


class SetupRoutes:
    def __init__(self, service: SetupService) -> None:
        self._service = service

    async def queues(self, request: Request) -> QueueList:  # noqa: ARG002 - a handler's signature
        return QueueList(items=await self._service.queues())

    async def queue(self, request: Request) -> Response:
        card = await self._service.queue(request.text("key"))
        return Response(card, version=card.version)

    async def create_queue(self, request: Request) -> Response:
        card = await self._service.create_queue(request.principal, request.body)
        return Response(card, version=card.version)

    async def edit_queue(self, request: Request) -> Response:
        card = await self._service.edit_queue(
            request.principal,
            request.text("key"),
            request.body,
            partial(request.match, required=True),
        )
        return Response(card, version=card.version)

    async def skills(self, request: Request) -> SkillList:  # noqa: ARG002 - a handler's signature
        return SkillList(items=await self._service.skills())

    async def create_skill(self, request: Request) -> Skill:
        return await self._service.create_skill(request.principal, request.body)

    async def edit_skill(self, request: Request) -> Skill:
        return await self._service.edit_skill(request.principal, request.text("key"), request.body)

    async def delete_skill(self, request: Request) -> None:
        await self._service.delete_skill(request.principal, request.text("key"))

    async def calendars(self, request: Request) -> CalendarList:  # noqa: ARG002
        return CalendarList(items=await self._service.calendars())

    async def calendar(self, request: Request) -> Response:
        card = await self._service.calendar(request.text("key"))
        return Response(card, version=card.version)

    async def create_calendar(self, request: Request) -> Response:
        card = await self._service.create_calendar(request.principal, request.body)
        return Response(card, version=card.version)

    async def edit_calendar(self, request: Request) -> Response:
        card = await self._service.edit_calendar(
            request.principal,
            request.text("key"),
            request.body,
            partial(request.match, required=True),
        )
        return Response(card, version=card.version)

    async def dispositions(self, request: Request) -> DispositionList:  # noqa: ARG002
        return DispositionList(items=await self._service.dispositions())

    async def create_disposition(self, request: Request) -> Response:
        shown = await self._service.create_disposition(request.principal, request.body)
        return Response(shown, version=shown.version)

    async def edit_disposition(self, request: Request) -> Response:
        shown = await self._service.edit_disposition(
            request.principal,
            request.text("key"),
            request.body,
            partial(request.match, required=True),
        )
        return Response(shown, version=shown.version)

    def table(self) -> tuple[Route, ...]:
        base = "/api/v1"
        return (
            _read(f"{base}/queues", self.queues, "List queues", QueueList),
            _read(f"{base}/queues/{{key}}", self.queue, "Show a queue", QueueCard, NotFound),
            _create(f"{base}/queues", self.create_queue, "Create a queue", QueueNew, QueueCard),
            _edit(
                f"{base}/queues/{{key}}",
                self.edit_queue,
                "Replace a queue's configuration",
                QueueEdit,
                QueueCard,
                *_STALE,
            ),
            _read(f"{base}/skills", self.skills, "List skills", SkillList),
            _create(f"{base}/skills", self.create_skill, "Create a skill", SkillNew, Skill),
            _edit(f"{base}/skills/{{key}}", self.edit_skill, "Rename a skill", SkillEdit, Skill),
            _manage(
                "DELETE",
                f"{base}/skills/{{key}}",
                self.delete_skill,
                "Delete a skill that nothing uses",
                None,
                None,
                204,
                NotFound,
                Conflict,
            ),
            _read(f"{base}/calendars", self.calendars, "List calendars", CalendarList),
            _read(
                f"{base}/calendars/{{key}}",
                self.calendar,
                "Show a calendar",
                CalendarCard,
                NotFound,
            ),
            _create(
                f"{base}/calendars",
                self.create_calendar,
                "Create a calendar",
                CalendarNew,
                CalendarCard,
            ),
            _edit(
                f"{base}/calendars/{{key}}",
                self.edit_calendar,
                "Replace a calendar",
                CalendarEdit,
                CalendarCard,
                *_STALE,
            ),
            _read(f"{base}/dispositions", self.dispositions, "List dispositions", DispositionList),
            _create(
                f"{base}/dispositions",
                self.create_disposition,
                "Create a disposition",
                DispositionNew,
                Disposition,
            ),
            _edit(
                f"{base}/dispositions/{{key}}",
                self.edit_disposition,
                "Change a disposition",
                DispositionEdit,
                Disposition,
                *_STALE,
            ),
        )


def _read(
    path: str,
    handler: Handler,
    summary: str,
    response: type[BaseModel],
    *errors: type[Problem],
) -> Route:
    return Route(
        "GET",
        path,
        handler,
        Permission.QUEUES_READ,
        summary,
        response=response,
        tags=("queues",),
        errors=errors,
    )


def _create(
    path: str,
    handler: Handler,
    summary: str,
    body: type[BaseModel],
    response: type[BaseModel],
) -> Route:
    return Route(
        "POST",
        path,
        handler,
        Permission.QUEUES_MANAGE,
        summary,
        body=body,
        response=response,
        status=201,
        tags=("queues",),
        errors=(Conflict, Invalid),
        creates=True,
    )


def _edit(
    path: str,
    handler: Handler,
    summary: str,
    body: type[BaseModel],
    response: type[BaseModel],
    *errors: type[Problem],
) -> Route:
    return _manage(
        "PUT", path, handler, summary, body, response, 200, NotFound, Conflict, Invalid, *errors
    )


def _manage(
    method: Method,
    path: str,
    handler: Handler,
    summary: str,
    body: type[BaseModel] | None,
    response: type[BaseModel] | None,
    status: int,
    *errors: type[Problem],
) -> Route:
    return Route(
        method,
        path,
        handler,
        Permission.QUEUES_MANAGE,
        summary,
        body=body,
        response=response,
        status=status,
        tags=("queues",),
        errors=errors,
    )
