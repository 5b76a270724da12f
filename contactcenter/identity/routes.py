"""HTTP of signing in and of one's own account: /api/v1/auth."""

from __future__ import annotations

from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from contactcenter.core.access import PUBLIC, Permission, Principal
from contactcenter.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    Unauthenticated,
)
from contactcenter.core.http import Cookie, Request, Response, Route, etag, text_of
from contactcenter.core.limits import Limit
from contactcenter.identity.accounts import AccountService
from contactcenter.identity.model import ACCESS_TTL, DEMO_PASSWORD, REFRESH_TTL, User
from contactcenter.identity.post import Mailbox
from contactcenter.identity.schemas import (
    AcceptIn,
    AgentOut,
    ChangePasswordIn,
    CodeIn,
    DemoUser,
    DemoUsersOut,
    DigitsIn,
    EmailIn,
    LoginIn,
    LoginOut,
    MailboxLetter,
    MailboxOut,
    MeOut,
    NewPasswordIn,
    ProfileIn,
    RecoveryOut,
    RefreshIn,
    RegisterIn,
    Said,
    SecondStepIn,
    SessionOut,
    SessionsOut,
    SetUpOut,
    SignedInOut,
    TokensOut,
    UserOut,
    VerifyIn,
)
from contactcenter.identity.service import Known, SecondStep, Sessions, SignIn, SignInService
from contactcenter.identity.store import Holder
from contactcenter.identity.two_factor import TwoFactor

AUTH: Final = "/api/v1/auth"
TAGS: Final = ("auth",)
COOKIE: Final = "refresh_token"
DEVICE_COOKIE: Final = "device"
DEVICE_SECONDS: Final = 180 * 24 * 3600
EXPIRES_IN: Final = int(ACCESS_TTL.total_seconds())
SIGN_IN_LIMIT: Final = Limit(per_second=2, burst=60)
LETTER_LIMIT: Final = Limit(per_second=0.2, burst=20)

USE: Final = Permission.SESSION_USE


class SignInRoutes:
    def __init__(self, service: SignInService, sessions: Sessions, *, production: bool) -> None:
        self._service = service
        self._sessions = sessions
        self._production = production
        self._told: WeakKeyDictionary[Known, bytes] = WeakKeyDictionary()  # what `me` answers

    async def login(self, request: Request) -> Response:
        given: LoginIn = request.body
        answer = await self._service.login(
            given.email,
            given.password,
            address=request.address,
            user_agent=request.user_agent,
            device=request.cookie(DEVICE_COOKIE),
        )
        if isinstance(answer, SecondStep):
            return Response(LoginOut(requires_2fa=True, temp_token=answer.token))
        assert answer.user is not None
        by_cookie = given.transport == "cookie"
        body = LoginOut(
            user=user_out(answer.user),
            access_token=answer.access_token,
            refresh_token=None if by_cookie else answer.refresh_token,
            expires_in=EXPIRES_IN,
        )
        return Response(body, cookies=cookies_of(answer, by_cookie=by_cookie))

    async def second_step(self, request: Request) -> Response:
        given: SecondStepIn = request.body
        signed_in = await self._service.second_step(
            given.temp_token,
            given.code,
            address=request.address,
            user_agent=request.user_agent,
            device=request.cookie(DEVICE_COOKIE),
        )
        assert signed_in.user is not None
        by_cookie = given.transport == "cookie"
        body = SignedInOut(
            user=user_out(signed_in.user),
            access_token=signed_in.access_token,
            refresh_token=None if by_cookie else signed_in.refresh_token,
            expires_in=EXPIRES_IN,
        )
        return Response(body, cookies=cookies_of(signed_in, by_cookie=by_cookie))

    async def refresh(self, request: Request) -> Response:
        given: RefreshIn = request.body
        token = given.refresh_token or request.cookie(COOKIE)
        if not token:
            if given.transport == "cookie":  # a browser asks whether anybody is signed in here
                return Response(status=204)
            raise Unauthenticated
        # What came in the cookie goes back in it: no script reads it by asking for the body.
        by_cookie = given.transport == "cookie" or not given.refresh_token
        signed_in = await self._service.refresh(token)
        body = TokensOut(
            access_token=signed_in.access_token,
            refresh_token=None if by_cookie else signed_in.refresh_token,
            expires_in=EXPIRES_IN,
        )
        return Response(body, cookies=cookies_of(signed_in, by_cookie=by_cookie))

    async def logout(self, request: Request) -> Response:
        await self._service.logout(_bearer(request), request.cookie(COOKIE))
        return Response(status=204, cookies=(Cookie(COOKIE, "", AUTH, 0),))

    async def me(self, request: Request) -> Response:
        session_id = request.principal.session_id
        assert session_id is not None
        known = await self._sessions.known(session_id)
        told = self._told.get(known)
        if told is None:
            told = self._told[known] = _me(known.holder, known.principal)
        # No version to the answer as a whole: rights change without the user.
        return Response(told, headers={"ETag": etag(known.holder.user.version)})

    async def sessions(self, request: Request) -> SessionsOut:
        return SessionsOut(
            items=[
                SessionOut(
                    id=row.id,
                    address=row.ip_address,
                    user_agent=row.user_agent,
                    created_at=row.created_at,
                    last_activity_at=row.last_activity_at,
                    expires_at=row.expires_at,
                    current=row.id == request.principal.session_id,
                )
                for row in await self._service.sessions(request.principal)
            ]
        )

    async def end_session(self, request: Request) -> None:
        await self._service.end_session(request.principal, request.id("id"))

    async def end_other_sessions(self, request: Request) -> None:
        await self._service.end_other_sessions(request.principal)

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
                f"{AUTH}/login",
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
                f"{AUTH}/2fa/login",
                self.second_step,
                PUBLIC,
                "Complete a sign-in with a code",
                body=SecondStepIn,
                response=SignedInOut,
                tags=TAGS,
                errors=(Unauthenticated,),
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/refresh",
                self.refresh,
                PUBLIC,
                "Exchange a refresh token for a new pair; 204 for a browser that has none",
                body=RefreshIn,
                response=TokensOut,
                tags=TAGS,
                errors=(Unauthenticated,),
                may_be_empty=True,
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/logout",
                self.logout,
                PUBLIC,
                "Sign out: end the access token's session, or else the refresh cookie's",
                status=204,
                tags=TAGS,
                errors=(Unauthenticated,),
            ),
            Route("GET", f"{AUTH}/me", self.me, USE, "Who is signed in", response=MeOut, tags=TAGS),
            Route(
                "GET",
                f"{AUTH}/sessions",
                self.sessions,
                USE,
                "List the own sessions",
                response=SessionsOut,
                tags=TAGS,
            ),
            Route(
                "DELETE",
                f"{AUTH}/sessions",
                self.end_other_sessions,
                USE,
                "End the own sessions but this one",
                status=204,
                tags=TAGS,
            ),
            Route(
                "DELETE",
                f"{AUTH}/sessions/{{id}}",
                self.end_session,
                USE,
                "End one of the own sessions",
                status=204,
                tags=TAGS,
                errors=(NotFound,),
            ),
        )
        if self._production:
            return routes
        return (
            *routes,
            Route(
                "GET",
                f"{AUTH}/demo-users",
                self.demo_users,
                PUBLIC,
                "The demo's sign-ins",
                response=DemoUsersOut,
                tags=TAGS,
            ),
        )


class AccountRoutes:
    """Registration, links from letters, passwords, the profile, the second factor."""

    def __init__(self, accounts: AccountService, two_factor: TwoFactor) -> None:
        self._accounts = accounts
        self._two_factor = two_factor

    async def register(self, request: Request) -> Said:
        given: RegisterIn = request.body
        await self._accounts.register(
            email=given.email,
            password=given.password,
            first_name=given.first_name,
            last_name=given.last_name,
            phone=given.phone,
            locale=given.locale,
        )
        return Said(detail="A letter is on its way to this address.")

    async def verify(self, request: Request) -> None:
        given: VerifyIn = request.body
        await self._accounts.verify(given.token, given.password, _bearer(request))

    async def verify_again(self, request: Request) -> Said:
        await self._accounts.verify_again(request.principal)
        return Said(detail="A letter is on its way to this address.")

    async def forgot(self, request: Request) -> Said:
        await self._accounts.forgot(request.body.email)
        return Said(detail="If this address has an account, a letter is on its way.")

    async def reset(self, request: Request) -> None:
        given: NewPasswordIn = request.body
        await self._accounts.reset(given.token, given.password)

    async def accept(self, request: Request) -> None:
        given: AcceptIn = request.body
        names = given.model_dump(include={"first_name", "last_name"}, exclude_none=True)
        await self._accounts.accept_invitation(given.token, given.password, names)

    async def change_password(self, request: Request) -> None:
        given: ChangePasswordIn = request.body
        await self._accounts.change_password(
            request.principal, given.current_password, given.new_password
        )

    async def set_profile(self, request: Request) -> Response:
        given: ProfileIn = request.body
        values = given.model_dump(exclude_unset=True)
        match = partial(request.match, required=True)
        user = await self._accounts.set_profile(request.principal, values, match)
        return Response(user_out(user), version=user.version)

    async def set_up(self, request: Request) -> SetUpOut:
        made = await self._two_factor.set_up(request.principal)
        return SetUpOut(secret=made.secret, otpauth_url=made.uri, qr_svg=made.qr_svg)

    async def confirm(self, request: Request) -> RecoveryOut:
        codes = await self._two_factor.confirm(request.principal, request.body.code)
        return RecoveryOut(recovery_codes=codes)

    async def disable(self, request: Request) -> None:
        await self._two_factor.disable(request.principal, request.body.code)

    async def recovery_codes(self, request: Request) -> RecoveryOut:
        codes = await self._two_factor.new_recovery_codes(request.principal, request.body.code)
        return RecoveryOut(recovery_codes=codes)

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "POST",
                f"{AUTH}/register",
                self.register,
                PUBLIC,
                "Make a customer's account",
                body=RegisterIn,
                response=Said,
                status=202,
                tags=TAGS,
                limit=LETTER_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/verify-email",
                self.verify,
                PUBLIC,
                "Verify an address by its letter's token and the account's password or session",
                body=VerifyIn,
                status=204,
                tags=TAGS,
                errors=(Unauthenticated,),
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/verify-email/resend",
                self.verify_again,
                USE,
                "Send the letter that verifies the own address again",
                response=Said,
                status=202,
                tags=TAGS,
                limit=LETTER_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/forgot-password",
                self.forgot,
                PUBLIC,
                "Ask for a letter with a link for a new password",
                body=EmailIn,
                response=Said,
                tags=TAGS,
                limit=LETTER_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/reset-password",
                self.reset,
                PUBLIC,
                "Set a new password by a letter's token; ends all sessions",
                body=NewPasswordIn,
                status=204,
                tags=TAGS,
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/invitations/accept",
                self.accept,
                PUBLIC,
                "Choose the password of an invited account",
                body=AcceptIn,
                status=204,
                tags=TAGS,
                limit=SIGN_IN_LIMIT,
            ),
            Route(
                "POST",
                f"{AUTH}/change-password",
                self.change_password,
                USE,
                "Change the own password; ends the other sessions",
                body=ChangePasswordIn,
                status=204,
                tags=TAGS,
                errors=(Conflict, RateLimited),
            ),
            Route(
                "PATCH",
                f"{AUTH}/me",
                self.set_profile,
                USE,
                "Change the own names, number and language",
                body=ProfileIn,
                response=UserOut,
                tags=TAGS,
                errors=(Invalid, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "POST",
                f"{AUTH}/2fa/enable",
                self.set_up,
                USE,
                "Set two-step verification up: a secret, shown once",
                response=SetUpOut,
                tags=TAGS,
                errors=(Conflict,),
            ),
            Route(
                "POST",
                f"{AUTH}/2fa/verify",
                self.confirm,
                USE,
                "Switch two-step verification on by a first code",
                body=DigitsIn,
                response=RecoveryOut,
                tags=TAGS,
                errors=(Conflict, Invalid),
            ),
            Route(
                "POST",
                f"{AUTH}/2fa/disable",
                self.disable,
                USE,
                "Switch two-step verification off",
                body=CodeIn,
                status=204,
                tags=TAGS,
                errors=(Invalid,),
            ),
            Route(
                "POST",
                f"{AUTH}/2fa/recovery-codes",
                self.recovery_codes,
                USE,
                "Make ten new recovery codes",
                body=CodeIn,
                response=RecoveryOut,
                tags=TAGS,
                errors=(Invalid,),
            ),
        )


class MailboxRoutes:
    """The letters of a development system; there is no such route in production."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def newest(self, request: Request) -> MailboxOut:  # noqa: ARG002 -- a handler
        return MailboxOut(items=[MailboxLetter(**row) for row in await self._mailbox.newest()])

    def table(self, *, production: bool) -> tuple[Route, ...]:
        if production:
            return ()
        return (
            Route(
                "GET",
                "/api/v1/demo/mailbox",
                self.newest,
                PUBLIC,
                "The letters that this development system has written",
                response=MailboxOut,
                tags=("demo",),
            ),
        )


def _me(holder: Holder, principal: Principal) -> bytes:
    """MeOut as it is sent."""
    agent = None
    if holder.agent_id is not None and holder.agent_name is not None:
        agent = AgentOut(id=holder.agent_id, name=holder.agent_name)
    told = MeOut(
        user=user_out(holder.user),
        agent=agent,
        permissions=sorted(principal.permissions),
        queues=None if principal.queues is None else sorted(principal.queues),
        teams=None if principal.teams is None else sorted(principal.teams),
    )
    return told.model_dump_json().encode()


def user_out(user: User) -> UserOut:
    return UserOut(
        id=user.id,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        role=user.role,
        locale=user.locale,
        phone=user.phone,
        email_verified=user.email_verified,
        two_factor_enabled=user.two_factor,
        version=user.version,
    )


def cookies_of(signed_in: SignIn, *, by_cookie: bool) -> tuple[Cookie, ...]:
    """The refresh token where it was asked for so, and the browser's proof for the next time."""
    made = []
    if by_cookie:
        age = int(REFRESH_TTL.total_seconds())
        made.append(Cookie(COOKIE, signed_in.refresh_token, AUTH, age))
    if signed_in.device:
        made.append(Cookie(DEVICE_COOKIE, signed_in.device, AUTH, DEVICE_SECONDS))
    return tuple(made)


def _bearer(request: Request) -> str | None:
    """The access token that came along, on a route that is open without one."""
    scheme, _, token = request.http.headers.get("Authorization", "").partition(" ")
    return text_of(token.strip()) if scheme.lower() == "bearer" else None
