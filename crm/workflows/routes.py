"""HTTP of workflows."""

from __future__ import annotations

from typing import Literal

from contactcenter.core.access import Permission
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.http import Request, Response, Route
from crm.routes import STALE, named
from crm.schemas import Page
from crm.workflows.schemas import (
    ExecuteIn,
    ExecutionOut,
    ExecutionPage,
    SecretOut,
    WorkflowEdit,
    WorkflowNew,
    WorkflowOut,
    WorkflowPage,
    WorkflowQuery,
)
from crm.workflows.service import WorkflowService

BASE = "/api/v1/workflows"
ONE = f"{BASE}/{{id}}"
RUN = "/api/v1/workflow-executions/{id}"
TAGS = ("workflows",)
READ, MANAGE = Permission.WORKFLOWS_READ, Permission.WORKFLOWS_MANAGE


class WorkflowRoutes:
    def __init__(self, service: WorkflowService) -> None:
        self._service = service

    async def listed(self, request: Request) -> WorkflowPage:
        return await self._service.listed(request.query)

    async def get(self, request: Request) -> Response:
        return _card(await self._service.get(request.id("id")))

    async def create(self, request: Request) -> Response:
        return _card(await self._service.create(request.principal, request.body))

    async def edit(self, request: Request) -> Response:
        return _card(
            await self._service.edit(
                request.principal, request.id("id"), request.body, named(request)
            )
        )

    async def new_secret(self, request: Request) -> Response:
        made, version = await self._service.new_secret(
            request.principal, request.id("id"), named(request)
        )
        return Response(made, version=version)

    async def execute(self, request: Request) -> ExecutionOut:
        return await self._service.execute(request.principal, request.id("id"), request.body)

    async def executions(self, request: Request) -> ExecutionPage:
        return await self._service.executions(request.id("id"), request.query)

    async def execution(self, request: Request) -> ExecutionOut:
        return await self._service.execution(request.principal, request.id("id"))

    async def cancel(self, request: Request) -> ExecutionOut:
        return await self._service.cancel(request.principal, request.id("id"))

    def table(self) -> tuple[Route, ...]:
        methods: tuple[Literal["PATCH", "PUT"], ...] = ("PATCH", "PUT")
        return (
            Route(
                "GET",
                BASE,
                self.listed,
                READ,
                "List workflows",
                query=WorkflowQuery,
                response=WorkflowPage,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "GET",
                ONE,
                self.get,
                READ,
                "Show a workflow",
                response=WorkflowOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                BASE,
                self.create,
                MANAGE,
                "Define a workflow",
                body=WorkflowNew,
                response=WorkflowOut,
                status=201,
                tags=TAGS,
                errors=(Invalid,),
                creates=True,
            ),
            *(
                Route(
                    method,
                    ONE,
                    self.edit,
                    MANAGE,
                    "Make a new version of a workflow",
                    body=WorkflowEdit,
                    response=WorkflowOut,
                    tags=TAGS,
                    errors=(NotFound, Invalid, *STALE),
                )
                for method in methods
            ),
            Route(
                "POST",
                f"{ONE}/webhook-secret",
                self.new_secret,
                MANAGE,
                "Make the secret of a workflow's webhooks; it is shown once",
                response=SecretOut,
                tags=TAGS,
                errors=(NotFound, *STALE),
            ),
            Route(
                "POST",
                f"{ONE}/execute",
                self.execute,
                Permission.CUSTOMERS_WRITE,
                "Begin a run by hand",
                body=ExecuteIn,
                response=ExecutionOut,
                status=201,
                tags=TAGS,
                errors=(NotFound, Conflict, Invalid, Forbidden),
                creates=True,
            ),
            Route(
                "GET",
                f"{ONE}/executions",
                self.executions,
                READ,
                "List a workflow's runs, newest first",
                query=Page,
                response=ExecutionPage,
                tags=TAGS,
                errors=(NotFound, Invalid),
            ),
            Route(
                "GET",
                RUN,
                self.execution,
                READ,
                "Show a run, step by step",
                response=ExecutionOut,
                tags=TAGS,
                errors=(NotFound,),
            ),
            Route(
                "POST",
                f"{RUN}/cancel",
                self.cancel,
                MANAGE,
                "Cancel a run",
                response=ExecutionOut,
                tags=TAGS,
                errors=(NotFound, Conflict),
            ),
        )


def _card(card: WorkflowOut) -> Response:
    return Response(card, version=card.version)
