"""Problems as HTTP sends them: application/problem+json (RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from aiohttp import web

from contactcenter.core.errors import (
    Internal,
    Invalid,
    Malformed,
    NotAllowed,
    NotFound,
    Problem,
    TooLarge,
)
from contactcenter.core.work import unavailability

log = structlog.get_logger(__name__)


def problem_response(problem: Problem, request_id: str) -> web.Response:
    """RFC 9457, with the members that the contract adds: request_id, code, ctx, errors."""
    body: dict[str, Any] = {
        "type": f"/api/docs#problem-{problem.status}-{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": request_id,
        "code": problem.code,
    }
    if problem.ctx:
        body["ctx"] = problem.ctx
    if isinstance(problem, Invalid):
        body["errors"] = problem.errors
    return web.Response(
        body=orjson.dumps(body, default=str),
        status=problem.status,
        headers=problem.headers(),
        content_type="application/problem+json",
    )


def problem_of(error: Exception, request_id: str) -> web.Response:
    """The answer to a request whose handling raised it."""
    match error:
        case Problem():
            problem = error
        case web.HTTPRedirection():
            return error
        case web.HTTPMethodNotAllowed():
            problem = NotAllowed(tuple(error.allowed_methods))
        case web.HTTPRequestEntityTooLarge():
            problem = TooLarge()
        case web.HTTPNotFound():
            problem = NotFound()
        case web.HTTPException():
            log.warning("http_exception", status=error.status)
            problem = Malformed()
        case _:
            busy = unavailability(error)
            if busy is None:
                log.error("http_failed", exc_info=error)
            problem = busy or Internal()
    return problem_response(problem, request_id)
