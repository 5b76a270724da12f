"""HTTP of signing in: /api/v1/auth."""

from __future__ import annotations

from typing import Final

from contactcenter.core.access import PUBLIC, Permission
from contactcenter.core.errors import Unauthenticated
from contactcenter.core.http import Cookie, Request, Response, Route
from contactcenter.core.limits import Limit
from contactcenter.identity.model import ACCESS_TTL, DEMO_PASSWORD, REFRESH_TTL, User
from contactcenter.identity.schemas import (
    AgentOut,
    DemoUser,
    DemoUsersOut,
    LoginIn,
    LoginOut,
    MeOut,
    RefreshIn,
    TokensOut,
    UserOut,
)
from contactcenter.identity.service import IdentityService, SignIn

TAGS: Final = ("auth",)
COOKIE: Final = "refresh_token"
COOKIE_PATH: Final = "/api/v1/auth"
EXPIRES_IN: Final = int(ACCESS_TTL.total_seconds())
SIGN_IN_LIMIT: Final = Limit(per_second=2, burst=60)


class IdentityRoutes:
    def __init__(self, service: IdentityService, *, production: bool) -> None:
        self._service = service
        self._production = production

    async def login(self, request: Request) -> Response:
        given: LoginIn = request.body
        signed_in = await self._service.login(
            given.email,
            given.password,
            address=request.address,
            user_agent=request.user_agent,
        )
        assert signed_in.user is not None
        by_cookie = given.transport == "cookie"
        body = LoginOut(
            user=_user(signed_in.user),
            access_token=signed_in.access_token,
            refresh_token=None if by_cookie else signed_in.refresh_token,
            expires_in=EXPIRES_IN,
        )
        return Response(body, cookies=_cookies(signed_in) if by_cookie else ())

    async def refresh(self, request: Request) -> Response:
        given: RefreshIn = request.body
        token = given.refresh_token or request.cookie(COOKIE)
        if not token:
            raise Unauthenticated
        signed_in = await self._service.refresh(token)
        by_cookie = given.transport == "cookie"
        body = TokensOut(
            access_token=signed_in.access_token,
            refresh_token=None if by_cookie else signed_in.refresh_token,
            expires_in=EXPIRES_IN,
        )
        return Response(body, cookies=_cookies(signed_in) if by_cookie else ())

    async def logout(self, request: Request) -> Response:
        await self._service.logout(request.principal)
        return Response(status=204, cookies=(Cookie(COOKIE, "", COOKIE_PATH, 0),))

    async def me(self, request: Request) -> MeOut:
        user, agent = await self._service.me(request.principal)
        return MeOut(
            user=_user(user),
            agent=None if agent is None else AgentOut(id=agent[0], name=agent[1]),
            permissions=sorted(request.principal.permissions),
        )

    async def demo_users(self, request: Request) -> DemoUsersOut:  # noqa: ARG002 -- a handler
        return DemoUsersOut(
            items=[
                DemoUser(
                    email=user.email,
                    password=DEMO_PASSWORD,
                    name=f"{user.first_name} {user.last_name}".strip(),
                    role=user.role,
                )
                for user in await self._service.demo_users()
            ]
        )

    def table(self) -> tuple[Route, ...]:
        routes = (
            Route(
                "POST",
                "/api/v1/auth/login",
                self.login,
                PUBLIC,
                "Sign in",
                body=LoginIn,
                response=LoginOut,
                tags=TAGS,
                errors=(Unauthenticated,),
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                "/api/v1/auth/refresh",
                self.refresh,
                PUBLIC,
                "Exchange a refresh token for a new pair",
                body=RefreshIn,
                response=TokensOut,
                tags=TAGS,
                errors=(Unauthenticated,),
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                "/api/v1/auth/logout",
                self.logout,
                Permission.SESSION_USE,
                "Sign out",
                status=204,
                tags=TAGS,
            ),
            Route(
                "GET",
                "/api/v1/auth/me",
                self.me,
                Permission.SESSION_USE,
                "Who is signed in",
                response=MeOut,
                tags=TAGS,
            ),
        )
        if self._production:
            return routes
        return (
            *routes,
            Route(
                "GET",
                "/api/v1/auth/demo-users",
                self.demo_users,
                PUBLIC,
                "The demo's sign-ins",
                response=DemoUsersOut,
                tags=TAGS,
            ),
        )


def _user(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        role=user.role,
        locale=user.locale,
    )


def _cookies(signed_in: SignIn) -> tuple[Cookie, ...]:
    age = int(REFRESH_TTL.total_seconds())
    return (Cookie(COOKIE, signed_in.refresh_token, COOKIE_PATH, age),)
