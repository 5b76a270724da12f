"""Routes of what lies in a customer's file: who may read it, who may write in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from pydantic import BaseModel

from contactcenter.core.access import Permission
from contactcenter.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
)
from contactcenter.core.http import Handler, Method, Request, Route

STALE: Final = (PreconditionFailed, PreconditionRequired)
"""What whoever changes a row is told, unless they name the version that they have read."""


def named(request: Request) -> Callable[[int | None], None]:
    """Compares `If-Match`, which has to be there, with the stored version."""
    return partial(request.match, required=True)


def reading(
    tag: str,
    path: str,
    handler: Handler,
    summary: str,
    response: type[BaseModel],
    query: type[BaseModel] | None = None,
) -> Route:
    return Route(
        "GET",
        path,
        handler,
        Permission.CUSTOMERS_READ,
        summary,
        query=query,
        response=response,
        tags=(tag,),
        errors=(NotFound, *((Invalid,) if query else ())),
    )


def writing(
    tag: str,
    method: Method,
    path: str,
    handler: Handler,
    summary: str,
    body: type[BaseModel] | None,
    response: type[BaseModel],
    status: int = 200,
    *more: type[Problem],
) -> Route:
    return Route(
        method,
        path,
        handler,
        Permission.CUSTOMERS_WRITE,
        summary,
        body=body,
        response=response,
        status=status,
        tags=(tag,),
        errors=(NotFound, Conflict, Invalid, Forbidden, *more),
        creates=method == "POST",
    )
