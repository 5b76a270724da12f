"""HTTP of tasks."""

from __future__ import annotations

from typing import Literal

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.http import Request, Response, Route
from crm.routes import STALE, named
from crm.tasks.schemas import DueTasks, TaskEdit, TaskNew, TaskOut, TaskPage, TaskQuery
from crm.tasks.service import TaskService

BASE = "/api/v1/tasks"
ONE = f"{BASE}/{{id}}"
TAGS = ("tasks",)
USE = Permission.TASKS_USE


class TaskRoutes:
    def __init__(self, service: TaskService) -> None:
        self._service = service

    async def listed(self, request: Request) -> TaskPage:
        return await self._service.listed(request.principal, request.query)

    async def count_due(self, request: Request) -> DueTasks:
        return await self._service.count_due(request.principal)

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

    async def complete(self, request: Request) -> Response:
        return _card(
            await self._service.end(
                request.principal, request.id("id"), "completed", named(request)
            )
        )

    async def cancel(self, request: Request) -> Response:
        return _card(
            await self._service.end(
                request.principal, request.id("id"), "cancelled", named(request)
            )
        )

    def table(self) -> tuple[Route, ...]:
        methods: tuple[Literal["PATCH", "PUT"], ...] = ("PATCH", "PUT")
        return (
            Route(
                "GET",
                BASE,
                self.listed,
                USE,
                "List tasks: one's own, overdue, due today, of a customer",
                query=TaskQuery,
                response=TaskPage,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "GET",
                f"{BASE}/due",
                self.count_due,
                USE,
                "Count one's own tasks that are late, and that are due today",
                response=DueTasks,
                tags=TAGS,
            ),
            Route(
                "GET",
                ONE,
                self.get,
                USE,
                "Show a task",
                response=TaskOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                BASE,
                self.create,
                USE,
                "Create a task",
                body=TaskNew,
                response=TaskOut,
                status=201,
                tags=TAGS,
                errors=(Conflict, Forbidden, Invalid),
                creates=True,
            ),
            *(
                Route(
                    method,
                    ONE,
                    self.edit,
                    USE,
                    "Change what is given of a task",
                    body=TaskEdit,
                    response=TaskOut,
                    tags=TAGS,
                    errors=(
                        NotFound,
                        Conflict,
                        Forbidden,
                        Invalid,
                        *STALE,
                    ),
                )
                for method in methods
            ),
            *(
                Route(
                    "POST",
                    f"{ONE}/{verb}",
                    handler,
                    USE,
                    summary,
                    response=TaskOut,
                    tags=TAGS,
                    errors=(NotFound, Conflict, Forbidden, *STALE),
                    creates=True,
                )
                for verb, handler, summary in (
                    ("complete", self.complete, "Complete a task"),
                    ("cancel", self.cancel, "Cancel a task"),
                )
            ),
        )


def _card(card: TaskOut) -> Response:
    return Response(card, version=card.version)
