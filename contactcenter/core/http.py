"""HTTP: a table of routes over pydantic, and everything that holds for all of them.

    Route("POST", "/api/v1/agents/{id}/status", set_status, Permission.AGENTS_MANAGE,
          "Set an agent's status", body=StatusChange, response=AgentOut, errors=(Conflict,))

    async def set_status(request: Request) -> AgentOut:
        change: StatusChange = request.body
        return await service.set_status(request.id("id"), change, request.principal)

A handler gets what was declared, checked and typed; it answers a model, a `Response`, or None for
204. Every failure is a core.errors.Problem and leaves as application/problem+json.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel

from contactcenter.core.access import Permission, Principal
from contactcenter.core.errors import (
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
)
from contactcenter.core.limits import Limit

BODY_LIMIT: Final = 64 * 1024

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(slots=True)
class Request:
    """What a handler gets."""

    http: web.Request
    principal: Principal
    request_id: str
    params: Mapping[str, str | UUID]
    body: Any = None  # an instance of the route's body model
    query: Any = None  # an instance of the route's query model

    def id(self, name: str) -> UUID:
        """A path parameter that is an id."""
        value = self.params[name]
        assert isinstance(value, UUID)
        return value

    def text(self, name: str) -> str:
        """A path parameter that is a key."""
        return str(self.params[name])

    @property
    def address(self) -> str:
        """Where the request came from; personal data, never for the log."""
        return self.http.remote or ""

    @property
    def user_agent(self) -> str:
        return self.http.headers.get("User-Agent", "")[:400]

    def match(self, version: int, *, required: bool = False) -> None:
        """Compare `If-Match` with the stored version.

        Raises PreconditionFailed (412) for another one, and PreconditionRequired (428) without the
        header if it is required.
        """
        given = self.http.headers.get("If-Match")
        if given is None:
            if required:
                raise PreconditionRequired
        elif given != "*" and etag(version) not in {tag.strip() for tag in given.split(",")}:
            raise PreconditionFailed(version=version)


@dataclass(slots=True)
class Response:
    """An answer that is more than its model."""

    body: BaseModel | bytes | str | None = None
    status: int | None = None  # default: the route's
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    version: int | None = None  # sent as ETag; a GET with it in If-None-Match gets 304
    cookies: tuple[Cookie, ...] = ()


@dataclass(frozen=True, slots=True)
class Cookie:
    """An HttpOnly, SameSite=Strict cookie; an empty value deletes it."""

    name: str
    value: str
    path: str
    max_age: int


Handler = Callable[[Request], Awaitable[BaseModel | Response | None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    `{id}` and `{..._id}` in the path are UUIDs (anything else is 404), other parameters are keys.
    `creates` makes a POST honour Idempotency-Key. `limit` replaces the general rate limit, counted
    by principal, or by address where nobody is signed in.
    """

    method: Method
    path: str
    handler: Handler
    permission: Permission
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    tags: tuple[str, ...] = ()
    errors: tuple[type[Problem], ...] = ()
    creates: bool = False
    limit: Limit | None = None
    max_body: int = BODY_LIMIT


def etag(version: int) -> str:
    """The entity tag of a stored version."""
    return f'"{version}"'


Check = Callable[[], Awaitable[Literal["ok", "degraded", "down"]]]
"""One dependency's state for /readyz; raising counts as down."""

__all__ = ["Check", "Cookie", "NotFound", "Request", "Response", "Route", "etag"]
