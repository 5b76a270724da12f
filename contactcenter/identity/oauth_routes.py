"""HTTP of signing in by a provider. A provider that is not configured has no routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from contactcenter.core.access import PUBLIC, Permission
from contactcenter.core.errors import Conflict, Malformed, NotFound, Unauthenticated, Unavailable
from contactcenter.core.http import Cookie, Request, Response, Route
from contactcenter.identity.oauth import OAuthService, Refused
from contactcenter.identity.routes import AUTH, SIGN_IN_LIMIT, TAGS, cookies_of
from contactcenter.identity.schemas import (
    BackQuery,
    BeginQuery,
    IdentitiesOut,
    IdentityOut,
    LinkIn,
    LinkOut,
    ProviderOut,
    ProvidersOut,
)
from contactcenter.identity.service import SecondStep

STATE_COOKIE: Final = "oauth_state"
STATE_SECONDS: Final = 600
SIGN_IN_PAGE: Final = "/account/sign-in"
CODE_PAGE: Final = "/account/code"


class OAuthRoutes:
    def __init__(self, service: OAuthService) -> None:
        self._service = service

    async def providers(self, request: Request) -> ProvidersOut:  # noqa: ARG002 -- a handler
        return ProvidersOut(
            items=[ProviderOut(name=p.name, label=p.label) for p in self._service.providers]
        )

    def begin(self, provider: str) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                begun = await self._service.begin(provider, request.query.next)
            except Unavailable:
                return _moved(f"{SIGN_IN_PAGE}#error=unavailable")
            return _moved(begun.url, Cookie(STATE_COOKIE, begun.state, AUTH, STATE_SECONDS, True))

        return handle

    def back(self, provider: str) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            query: BackQuery = request.query
            gone = Cookie(STATE_COOKIE, "", AUTH, 0, True)
            try:
                back = await self._service.back(
                    provider,
                    query.model_dump(exclude_none=True),
                    request.cookie(STATE_COOKIE),
                    address=request.address,
                    user_agent=request.user_agent,
                )
            except Refused as refused:
                return _moved(f"{SIGN_IN_PAGE}#error={refused.why}", gone)
            except Unauthenticated:
                return _moved(f"{SIGN_IN_PAGE}#error=failed", gone)
            except Unavailable:
                return _moved(f"{SIGN_IN_PAGE}#error=unavailable", gone)
            if back.outcome is None:
                return _moved(f"{back.next}#linked={provider}", gone)
            if isinstance(back.outcome, SecondStep):
                return _moved(f"{CODE_PAGE}#{back.outcome.token}", gone)
            return _moved(back.next, gone, *cookies_of(back.outcome, by_cookie=True))

        return handle

    async def link(self, request: Request) -> Response:
        begun = await self._service.begin(
            request.text("provider"), request.body.next, request.principal
        )
        cookie = Cookie(STATE_COOKIE, begun.state, AUTH, STATE_SECONDS, True)
        return Response(LinkOut(authorization_url=begun.url), cookies=(cookie,))

    async def identities(self, request: Request) -> IdentitiesOut:
        return IdentitiesOut(
            items=[
                IdentityOut(
                    provider=row.provider,
                    email=row.email,
                    created_at=row.created_at,
                    last_used_at=row.last_used_at,
                )
                for row in await self._service.identities(request.principal)
            ]
        )

    async def unlink(self, request: Request) -> None:
        await self._service.unlink(request.principal, request.text("provider"))

    def table(self) -> tuple[Route, ...]:
        use = Permission.SESSION_USE
        routes = [
            Route(
                "GET",
                f"{AUTH}/providers",
                self.providers,
                PUBLIC,
                "The providers that one can sign in by",
                response=ProvidersOut,
                tags=TAGS,
            ),
            Route(
                "GET",
                f"{AUTH}/identities",
                self.identities,
                use,
                "The providers that are linked to the own account",
                response=IdentitiesOut,
                tags=TAGS,
            ),
            Route(
                "POST",
                f"{AUTH}/identities/{{provider}}",
                self.link,
                use,
                "Link a provider: where to send the browser",
                body=LinkIn,
                response=LinkOut,
                tags=TAGS,
                errors=(NotFound, Unavailable),
            ),
            Route(
                "DELETE",
                f"{AUTH}/identities/{{provider}}",
                self.unlink,
                use,
                "Unlink a provider, unless it is the only way in",
                status=204,
                tags=TAGS,
                errors=(Conflict, NotFound),
            ),
        ]
        for provider in self._service.providers:
            path = f"{AUTH}/{provider.name}"
            routes += [
                Route(
                    "GET",
                    path,
                    self.begin(provider.name),
                    PUBLIC,
                    f"Sign in by {provider.label}",
                    query=BeginQuery,
                    status=302,
                    tags=TAGS,
                    limit=SIGN_IN_LIMIT,
                ),
                Route(
                    "GET",
                    f"{path}/callback",
                    self.back(provider.name),
                    PUBLIC,
                    f"Where {provider.label} sends people back",
                    query=BackQuery,
                    status=302,
                    tags=TAGS,
                    errors=(Malformed,),
                    limit=SIGN_IN_LIMIT,
                ),
            ]
        return tuple(routes)


def _moved(location: str, *cookies: Cookie) -> Response:
    return Response(status=302, headers={"Location": location}, cookies=cookies)
