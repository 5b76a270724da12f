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

import functools
import hashlib
import itertools
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Literal, get_origin
from uuid import UUID

import orjson
import structlog
from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from prometheus_client import Histogram
from pydantic import BaseModel, ValidationError

from config.settings import Settings
from contactcenter.core import health, metrics, openapi
from contactcenter.core.access import ANONYMOUS, PUBLIC, Authenticator, Permission, Principal
from contactcenter.core.audit import Asker, asker
from contactcenter.core.door import Door
from contactcenter.core.errors import (
    Invalid,
    Malformed,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Problem,
    RateLimited,
    TooLarge,
    Unauthenticated,
    UnsupportedType,
)
from contactcenter.core.idempotency import Answer, Idempotency
from contactcenter.core.limits import Limit, Limits, party_of
from contactcenter.core.origins import Origins, Proxies
from contactcenter.core.problems import problem_of
from contactcenter.core.validation import error_items, refuse_unfit
from contactcenter.core.work import WorkFactory, trace

log = structlog.get_logger(__name__)

SERVER: Final = "contactcenter"
ROUTED: Final = web.ResponseKey("routed", bool)
"""Of a route's answer, which has every header from the start."""
BODY_LIMIT: Final = 64 * 1024
COMPRESS_FROM: Final = 1024
COMPRESSED: Final = frozenset(
    {
        "application/json",
        "application/problem+json",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)
SIGNED_IN_LIMIT: Final = Limit(per_second=50, burst=200)
PUBLIC_LIMIT: Final = Limit(per_second=20, burst=100)

GOOD_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

NO_PARAMS: Final[Mapping[str, str | UUID]] = MappingProxyType({})

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(slots=True)
class Request:
    """What a handler gets."""

    http: web.Request
    principal: Principal
    request_id: str
    address: str  # where it came from; personal data, never for the log
    params: Mapping[str, str | UUID]
    body: Any = None  # an instance of the route's body model; bytes where it has a medium
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
    def user_agent(self) -> str:
        return text_of(self.http.headers.get("User-Agent", ""))[:400]

    def cookie(self, name: str) -> str | None:
        value = self.http.cookies.get(name)
        return None if value is None else text_of(value)

    def match(self, version: int | None, *, required: bool = False) -> None:
        """Compare `If-Match` with the stored version; None: there is none, which whoever names a
        version, or any (`*`), does not know (RFC 9110, section 13.1.1).

        Raises PreconditionFailed (412) for another one, and PreconditionRequired (428) without the
        header if it is required of a change to what is there.
        """
        if "If-Match" not in self.http.headers:
            if required and version is not None:
                raise PreconditionRequired
        elif not _matches(self.http, "If-Match", version):
            raise PreconditionFailed() if version is None else PreconditionFailed(version=version)


@dataclass(slots=True)
class Response:
    """An answer that is more than its model. A body of parts is sent as they come; `length` says
    how many bytes they are together."""

    body: BaseModel | bytes | str | AsyncIterator[bytes] | None = None
    status: int | None = None  # default: the route's
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    version: int | None = None  # sent as ETag; a GET with it in If-None-Match gets 304
    cookies: tuple[Cookie, ...] = ()
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """An HttpOnly cookie; an empty value deletes it. `lax`: it also comes along when another
    site sends the browser here."""

    name: str
    value: str
    path: str
    max_age: int
    lax: bool = False


Handler = Callable[[Request], Awaitable[BaseModel | Response | None]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    `{id}` and `{..._id}` in the path are UUIDs (anything else is 404), other parameters are keys.
    `creates` makes a POST honour Idempotency-Key. `may_be_empty`: it also answers 204, where there
    is nothing to tell. `medium`: the body is of this media type and reaches the handler as bytes.
    `answers`: the media type of what is not JSON. `limit` replaces the general rate limit, counted
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
    may_be_empty: bool = False
    limit: Limit | None = None
    max_body: int = BODY_LIMIT
    medium: str | None = None
    answers: str | None = None

    @property
    def audit_name(self) -> str:
        """What a use of it is called where its unit of work does not say: `post.queue.assign`."""
        words = [word for word in self.path.split("/")[3:] if not word.startswith("{")]
        return ".".join([self.method.lower(), *words])


def text_of(header: str) -> str:
    """A header's value as text that can be encoded: bytes that are no UTF-8 become U+FFFD."""
    if header.isascii():
        return header
    return header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def etag(version: int) -> str:
    """The entity tag of a stored version."""
    return f'"{version}"'


def build_app(
    routes: Iterable[Route],
    *,
    settings: Settings,
    work: WorkFactory,
    authenticator: Authenticator,
    checks: Mapping[str, health.Check],
    limits: Limits | None = None,
) -> web.Application:
    """The aiohttp application: these routes, /healthz, /readyz, /metrics, the document, its page.

    Pages and sockets are added to it by whoever serves them. `limits` end with the application.
    """
    border = _Border(settings, work, authenticator, limits or Limits(settings.redis.url))
    app = web.Application(middlewares=[border.middleware])
    app.on_cleanup.append(border.close)
    table = list(routes)
    for route in table:
        endpoint = border.endpoint(route)
        if route.method == "GET":
            app.router.add_get(route.path, endpoint, allow_head=True)
        else:
            app.router.add_route(route.method, route.path, endpoint)
    openapi.add_routes(app, table, settings.app.public_url)
    health.add_routes(app, checks)
    return app


class _Border:
    """What holds for every request: ids, limits, access, problems, headers, metrics."""

    def __init__(
        self,
        settings: Settings,
        work: WorkFactory,
        authenticator: Authenticator,
        limits: Limits,
    ) -> None:
        self._born = secrets.token_hex(8)
        self._count = itertools.count()
        self._remembered = authenticator.remembered
        self._log = log.bind()  # once: each request writes a line
        self._door = Door(authenticator)
        self._origins = Origins(settings)
        self._proxies = Proxies(settings)
        self._work = work
        self._idempotency = Idempotency(work, settings.auth.jwt_refresh_secret.get_secret_value())
        self._limits = limits
        self._signed_in = self._limits.budget("signed_in", SIGNED_IN_LIMIT)
        self._public = self._limits.budget("public", PUBLIC_LIMIT)
        self._headers = CIMultiDict(self._origins.headers)
        self._headers.update({"Cache-Control": "no-store", "Server": SERVER})
        self._secure_cookies = settings.app.public_url.startswith("https:")

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        http = request
        begun = time.perf_counter()
        given = http.headers.get("X-Request-Id")
        good = given is not None and GOOD_REQUEST_ID.fullmatch(given)
        request_id = given if given is not None and good else f"{self._born}-{next(self._count):x}"
        # Each request has a task of its own, with which both are gone.
        trace.set(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response: web.StreamResponse | None
        try:
            response = None
            if http.method != "GET":
                response = self._origins.preflight(http)
                self._origins.refuse_foreign(http)
            if response is None:
                response = await handler(http)
        except Exception as error:
            response = problem_of(error, request_id)
        if not response.prepared:  # a socket's is, and says nothing to a page
            _compress(http, response)
            self._finish(http, response, request_id)
        if response.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self._note(http, response.status, time.perf_counter() - begun)
        return response

    def _finish(self, http: web.Request, response: web.StreamResponse, request_id: str) -> None:
        """Headers of every response, also of a page's."""
        headers = response.headers
        if ROUTED in response:
            self._origins.admit(http, headers)
            return
        self._origins.set_headers(http, response)
        headers.setdefault("X-Request-Id", request_id)
        if http.path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        headers["Server"] = SERVER

    def _note(self, http: web.Request, status: int, seconds: float) -> None:
        """The access log's line and the metric: no address, no query, no path but the route's."""
        resource = http.match_info.route.resource
        route = "unknown" if resource is None else resource.canonical
        method = http.method if http.method in METHODS else "other"
        _seconds_of(method, route, status).observe(seconds)
        self._log.info(
            "http_request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )

    async def close(self, _: web.Application) -> None:
        await self._limits.close()

    def endpoint(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The aiohttp handler of a route."""
        budget = self._signed_in if route.permission is not PUBLIC else self._public
        if route.limit is not None:
            budget = self._limits.budget(f"{route.method} {route.path}", route.limit)
        lists = _list_fields(route.query)
        bare = route.body is None and route.medium is None
        about = next((part for part in route.path.split("/")[3:] if part[:1] != "{"), "")
        one = about == "interactions" and "{id}" in route.path

        async def answer(http: web.Request) -> web.StreamResponse:
            address = self._proxies.client(http)
            if route.permission is PUBLIC:
                principal, caller = ANONYMOUS, party_of(address)
            else:
                principal = await self._principal(http, address)
                caller = principal.actor
            wait = await budget.take(caller)
            if wait:
                metrics.RATE_LIMITED.labels("http").inc()
                raise RateLimited(wait)
            if route.permission is not PUBLIC:
                principal.require(route.permission)
            request = Request(
                http=http,
                principal=principal,
                request_id=trace.get() or "",
                address=address,
                params=_params(http) if http.match_info else NO_PARAMS,
                query=None if route.query is None else _query(http, route.query, lists),
            )
            if one:  # the request's task, and what is bound in it, ends with it
                structlog.contextvars.bind_contextvars(interaction_id=str(request.params["id"]))
            raw = b"" if bare and not http.body_exists else await _read(request, route)
            if route.method == "GET":
                asker.set(_asker(request, about))
                return self._response(http, route, await route.handler(request))
            key = http.headers.get("Idempotency-Key") if route.creates else None
            key = None if key is None else text_of(key)

            if not route.creates or key is None:
                return self._response(http, route, await self._handled(route, request, about))

            async def handle() -> BaseModel | Response | None:
                return await self._handled(route, request, about)

            def render(result: BaseModel | Response | None) -> Answer:
                response = self._response(http, route, result)
                body = response.body
                assert isinstance(body, bytes | None), "what is created is answered in JSON"
                headers = response.headers
                kept = {name: headers[name] for name in ("ETag", "Location") if name in headers}
                return Answer(response.status, body or b"", kept)

            scope = f"{caller} {route.method} {http.path}"
            done = await self._idempotency.once(
                scope, key, hashlib.sha256(raw).digest(), handle, render
            )
            return web.Response(
                body=done.body,
                status=done.status,
                headers=done.headers,
                content_type="application/json",
            )

        return answer

    async def _handled(
        self, route: Route, request: Request, about: str
    ) -> BaseModel | Response | None:
        """The handler's answer, once what it changed is noted."""
        behind = _asker(request, about)
        behind.changes = request.principal.kind == "user"
        token = asker.set(behind)
        try:
            result = await route.handler(request)
            if behind.changes and not behind.noted and self._work.audited:
                name = route.audit_name  # another task made the change, in no unit of this request
                async with self._work.begin(name, request.principal.actor) as work:
                    work.audit(name, behind.resource_type, behind.resource_id)
            return result
        finally:
            behind.changes = False  # also for tasks that the handler left behind
            asker.reset(token)

    async def _principal(self, http: web.Request, address: str) -> Principal:
        scheme, _, token = http.headers.get("Authorization", "").partition(" ")
        if not token or scheme.lower() != "bearer":
            raise Unauthenticated
        token = text_of(token.strip())
        return self._remembered(token) or await self._door.principal_of(token, address)

    def _response(
        self, http: web.Request, route: Route, result: BaseModel | Response | None
    ) -> web.Response:
        if not isinstance(result, Response):
            result = Response(result)
        body, unchanged = result.body, False
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes) and isinstance(body, BaseModel):
            body = body.model_dump_json().encode()
        if result.version is not None and http.method in {"GET", "HEAD"}:
            unchanged = _matches(http, "If-None-Match", result.version)
        if unchanged:
            response = web.Response(status=304, headers=self._headers)
        else:
            status = result.status or (204 if body is None else route.status)
            response = web.Response(body=body, status=status, headers=self._headers)
        response[ROUTED] = True
        headers = response.headers
        headers["X-Request-Id"] = trace.get() or ""
        if body is not None and not unchanged:
            text = body and result.content_type.startswith("text/")
            told = result.content_type + "; charset=utf-8" if text else result.content_type
            headers["Content-Type"] = told
        if result.headers:
            headers.update(result.headers)
        if result.version is not None:
            headers["ETag"] = etag(result.version)
        if unchanged:
            return response
        if result.length is not None:
            headers["Content-Length"] = str(result.length)
        for cookie in result.cookies:
            response.set_cookie(
                cookie.name,
                cookie.value,
                path=cookie.path,
                max_age=cookie.max_age if cookie.value else 0,
                httponly=True,
                samesite="Lax" if cookie.lax else "Strict",
                secure=self._secure_cookies,
            )
        return response


def _asker(request: Request, about: str) -> Asker:
    return Asker(
        address=request.address,
        user_agent=request.user_agent,
        user_id=request.principal.user_id,
        resource_type=about,
        resource_id=str(next(iter(request.params.values()))) if request.params else "",
    )


@functools.cache  # as many as the metric itself keeps
def _seconds_of(method: str, route: str, status: int) -> Histogram:
    return metrics.HTTP_SECONDS.labels(method, route, status)


def _compress(http: web.Request, response: web.StreamResponse) -> None:
    body = getattr(response, "body", None)
    if (
        isinstance(body, bytes)
        and len(body) > COMPRESS_FROM
        and "Content-Encoding" not in response.headers
        and response.content_type in COMPRESSED
    ):
        response.headers["Vary"] = "Accept-Encoding, Origin"
        if "gzip" in http.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)


def _params(http: web.Request) -> dict[str, str | UUID]:
    params: dict[str, str | UUID] = {}
    for name, value in http.match_info.items():
        if "\0" in value:
            raise NotFound
        if name == "id" or name.endswith("_id"):
            try:
                params[name] = UUID(value)
            except ValueError:
                raise NotFound from None
        else:
            params[name] = value
    return params


def _list_fields(model: type[BaseModel] | None) -> frozenset[str]:
    if model is None:
        return frozenset()
    return frozenset(
        name
        for name, info in model.model_fields.items()
        if get_origin(info.annotation) in {list, tuple, set, frozenset}
    )


def _query(http: web.Request, model: type[BaseModel], lists: frozenset[str]) -> BaseModel:
    given: dict[str, Any] = {}
    for name in http.query:
        values = http.query.getall(name)
        given[name] = values if name in lists or len(values) > 1 else values[0]
    refuse_unfit(given, "query")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(errors=error_items(error, "query")) from None


async def _read(request: Request, route: Route) -> bytes:
    """The request's body as it came, once it is what the route takes."""
    raw = await _raw_body(request.http, route)
    if route.medium is not None:
        request.body = raw
    elif route.body is not None:
        request.body = _body(raw, route.body)
    return raw


async def _raw_body(http: web.Request, route: Route) -> bytes:
    """The body, never more than the route's limit of it."""
    if (http.content_length or 0) > route.max_body:
        raise TooLarge(limit=route.max_body)
    if http.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedType("Send the body uncompressed.")
    parts, size = [], 0
    try:
        async for part in http.content.iter_any():
            size += len(part)
            if size > route.max_body:
                raise TooLarge(limit=route.max_body)
            parts.append(part)
    except (ClientError, ConnectionError, HttpProcessingError) as error:
        raise Malformed("The body ended before its end.") from error
    kind = http.content_type
    if route.medium is not None and kind != route.medium:
        raise UnsupportedType(f"Send {route.medium}.")
    if size and route.body is not None and kind != "application/json" and kind[-5:] != "+json":
        raise UnsupportedType("Send application/json.")
    return b"".join(parts)


def _body(raw: bytes, model: type[BaseModel]) -> BaseModel:
    try:
        given = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    refuse_unfit(given)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(errors=error_items(error)) from None


def _matches(http: web.Request, header: str, version: int | None) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in http.headers.get(header, "").split(",")}
    return version is not None and ("*" in tags or etag(version) in tags)
