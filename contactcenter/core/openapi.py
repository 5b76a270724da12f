"""The OpenAPI 3.1 document, made from the routes that run."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from contactcenter.core.access import PUBLIC
from contactcenter.core.errors import (
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Problem,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedType,
)

if TYPE_CHECKING:
    from contactcenter.core.http import Route

VERSION: Final = "0.1.0"
PARAMETER: Final = re.compile(r"{(\w+)}")
REFERENCE: Final = "#/components/schemas/{model}"

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457, with request_id, the socket contract's code and what screens need.",
    "required": ["type", "title", "status", "detail", "request_id", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "code": {"type": "string"},
        "ctx": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "type", "ctx", "msg"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "type": {"type": "string"},
                    "ctx": {"type": "object"},
                    "msg": {"type": "string"},
                },
            },
        },
    },
}


def add_routes(app: web.Application, routes: Iterable[Route], server: str) -> None:
    """/api/openapi.json, and /api/docs: a page of our own that shows it.

    The document is made when it is first asked for: that takes longer than all the rest of a start.
    """
    table = list(routes)
    made: asyncio.Future[bytes] | None = None

    def make() -> bytes:
        return orjson.dumps(document(table, server))

    async def answer(_: web.Request) -> web.Response:
        nonlocal made
        if made is None:
            made = asyncio.ensure_future(asyncio.to_thread(make))
        return web.Response(body=await asyncio.shield(made), content_type="application/json")

    app.router.add_get("/api/openapi.json", answer)
    page = Path(__file__).parent / "docs_page"
    for path, body, content_type in (
        ("/api/docs", (page / "index.html").read_bytes(), "text/html"),
        ("/api/docs/docs.css", (page / "docs.css").read_bytes(), "text/css"),
        ("/api/docs/docs.js", (page / "docs.js").read_bytes(), "text/javascript"),
    ):
        app.router.add_get(path, _fixed(body, content_type))


def document(routes: Iterable[Route], server: str) -> dict[str, Any]:
    """All routes as OpenAPI 3.1; schemas by pydantic (JSON Schema 2020-12)."""
    table = list(routes)
    names, definitions = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Contact centre",
            "version": VERSION,
            "description": "Lists answer {items, next_cursor}; errors are problem documents.",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Problem": PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "x-problems": [
            {
                "status": problem.status,
                "code": problem.code,
                "title": problem.title,
                "about": inspect.getdoc(problem),
            }
            for problem in sorted(Problem.__subclasses__(), key=lambda problem: problem.status)
        ],
    }


def _fixed(body: bytes, content_type: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    charset = "utf-8" if content_type.startswith("text/") else None

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset=charset)

    return answer


Named = Mapping[tuple[Any, JsonSchemaMode], dict[str, Any]]


def _schemas(routes: list[Route]) -> tuple[Named, dict[str, Any]]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for route in routes:
        if route.body is not None:
            wanted.append((route.body, "validation"))
        if route.query is not None:
            wanted.append((route.query, "validation"))
        if route.response is not None:
            wanted.append((route.response, "serialization"))
    named, together = models_json_schema(list(dict.fromkeys(wanted)), ref_template=REFERENCE)
    return named, together.get("$defs", {})


def _operation(route: Route, names: Named) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "tags": list(route.tags) or [route.path.split("/")[3] if route.path.count("/") > 2 else ""],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(_status(route)): _success(route, names)},
        "x-permission": str(route.permission),
    }
    if route.body is not None:
        schema = names[route.body, "validation"]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if route.medium is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {route.medium: {"schema": {"type": "string"}}},
        }
    if route.may_be_empty:
        operation["responses"]["204"] = {"description": "Nothing to tell."}
    if route.creates:
        operation["parameters"].append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        )
    if route.permission is not PUBLIC:
        operation["security"] = [{"token": []}]
    for status, problems in sorted(_problems(route).items()):
        operation["responses"][str(status)] = {
            "description": " ".join(dict.fromkeys(problem.title for problem in problems)),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
    return operation


def _status(route: Route) -> int:
    empty = route.response is None and route.answers is None
    return 204 if empty and route.status == HTTPStatus.OK else route.status


def _operation_id(route: Route) -> str:
    words = [word for word in re.split(r"[/{}_.-]+", route.path) if word not in {"", "api", "v1"}]
    return "_".join([route.method.lower(), *words])


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"}
            if name == "id" or name.endswith("_id")
            else {"type": "string"},
        }
        for name in PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template=REFERENCE)
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema.get("properties", {}).items()
    ]


def _success(route: Route, names: Named) -> dict[str, Any]:
    if route.answers is not None:
        content = {route.answers: {"schema": {"type": "string"}}}
        return {"description": HTTPStatus(route.status).phrase, "content": content}
    if route.response is None:
        return {"description": "Done."}
    schema = names[route.response, "serialization"]
    return {
        "description": HTTPStatus(route.status).phrase,
        "content": {"application/json": {"schema": schema}},
    }


def _problems(route: Route) -> dict[int, list[type[Problem]]]:
    """Those that the route names and those that its shape makes possible."""
    found: list[type[Problem]] = [*route.errors, RateLimited, Unavailable]
    if route.permission is not PUBLIC:
        found += [Unauthenticated, Forbidden]
    if "_id}" in route.path or "{id}" in route.path:
        found.append(NotFound)
    if route.body is not None or route.medium is not None:
        found += [Malformed, Invalid, TooLarge, UnsupportedType]
    if route.query is not None:
        found.append(Invalid)
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in found:
        by_status.setdefault(problem.status, []).append(problem)
    return by_status
