"""Signing in and out, and who holds a token."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from config.settings import Settings
from contactcenter.core.access import ROLE_PERMISSIONS, Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import RateLimited, Unauthenticated
from contactcenter.core.eventlog import Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.identity import SessionEnded, SessionStarted, UserChanged
from contactcenter.identity import store
from contactcenter.identity.model import (
    ACCOUNT_PACE,
    ADDRESS_PACE,
    DEMO_EMAILS,
    REFRESH_TTL,
    ROTATION_GRACE,
    SESSION_TTL,
    Throttle,
    User,
)
from contactcenter.identity.passwords import Passwords
from contactcenter.identity.tokens import AccessTokens, RefreshTokens

WRONG: Final = "The e-mail address or the password is wrong."
REFUSED: Final = "This refresh token is not valid. Sign in again."
SESSIONS_KEPT: Final = timedelta(days=90)
CACHE_SIZE: Final = 10_000
CACHE_SECONDS: Final = 30.0
"""How long a node that hears no events goes on believing what it knows of a session."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Tokens, and for whom."""

    access_token: str
    refresh_token: str
    user: User | None = None


class Sessions:
    """Knows access tokens (core.access.Authenticator)."""

    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        tokens: AccessTokens,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._clock = clock
        self._tokens = tokens
        self._monotonic = monotonic
        self._cache: OrderedDict[UUID, tuple[store.Holder, float]] = OrderedDict()
        self._forgotten = 0  # grows with every change, so that no reader caches what is outdated

    async def principal_of(self, token: str) -> Principal | None:
        """The holder of an access token; None for a text that is no token of this form."""
        if token.count(".") != 2:
            return None
        claims = self._tokens.read(token, self._clock.now())
        principal = await self.principal_of_session(claims.session_id)
        if principal.user_id != claims.user_id:
            raise Unauthenticated
        return principal

    async def principal_of_session(self, session_id: UUID) -> Principal:
        """The holder of a session, for sockets, which outlive their access token.

        Raises Unauthenticated when the session is over.
        """
        found = self._cache.get(session_id)
        if found is None or self._monotonic() - found[1] > CACHE_SECONDS:
            forgotten = self._forgotten
            async with self._work.reading("identity.session") as conn:
                holder = await store.find_holder(conn, session_id)
            if holder is None:
                self._cache.pop(session_id, None)
                raise Unauthenticated
            if forgotten == self._forgotten:
                self._cache[session_id] = (holder, self._monotonic())
            if len(self._cache) > CACHE_SIZE:
                self._cache.popitem(last=False)
        else:
            holder = found[0]
        if holder.expires_at <= self._clock.now():
            raise Unauthenticated
        return Principal(
            kind="user",
            permissions=ROLE_PERMISSIONS.get(holder.role, frozenset()),
            user_id=holder.user_id,
            session_id=holder.session_id,
            agent_id=holder.agent_id,
            role=holder.role,
        )

    async def forget(self, batch: list[Recorded]) -> None:
        """Drop what the log says has changed (a live subscriber of the bus)."""
        for recorded in batch:
            event = recorded.event
            if isinstance(event, SessionEnded):
                self.forget_session(event.session_id)
            elif isinstance(event, UserChanged):
                self.forget_user(event.user_id)

    def forget_user(self, user_id: UUID) -> None:
        for session_id in [
            k for k, (holder, _) in self._cache.items() if holder.user_id == user_id
        ]:
            del self._cache[session_id]

    def forget_session(self, session_id: UUID) -> None:
        self._forgotten += 1
        self._cache.pop(session_id, None)


class IdentityService:
    """The use cases."""

    def __init__(
        self,
        settings: Settings,
        work: WorkFactory,
        clock: Clock,
        sessions: Sessions,
        access: AccessTokens,
        passwords: Passwords,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._clock = clock
        self._sessions = sessions
        self._access = access
        self._refresh = RefreshTokens(settings.auth.jwt_refresh_secret.get_secret_value())
        self._passwords = passwords
        self._production = settings.app.is_production
        self._monotonic = monotonic
        self._accounts = Throttle(ACCOUNT_PACE)
        self._addresses = Throttle(ADDRESS_PACE)

    async def login(self, email: str, password: str, *, address: str, user_agent: str) -> SignIn:
        """Begin a session.

        Raises Unauthenticated, the same for an unknown user and a wrong password and after the
        same work, and RateLimited after repeated failures, whether the account exists or not.
        """
        now = self._monotonic()
        wait = max(self._accounts.wait(email, now), self._addresses.wait(address, now))
        if wait:
            raise RateLimited(wait, "Too many attempts to sign in.")
        self._accounts.begin(email, now)
        self._addresses.begin(address, now)
        async with self._work.reading("identity.find_login") as conn:
            found = await store.find_login(conn, email)
        user, hashed = found or (None, None)
        right = await self._passwords.check(password, hashed)
        if not right or user is None or (self._production and email in DEMO_EMAILS):
            raise Unauthenticated(WRONG)
        self._accounts.forgive(email)
        self._addresses.take_back(address)
        return await self._begin(user, address, user_agent)

    async def _begin(self, user: User, address: str, user_agent: str) -> SignIn:
        session_id, token = new_id(), self._refresh.first()
        async with self._work.begin("identity.login", f"user:{user.id}") as work:
            if not await store.note_login(work.conn, user.id, work.now):
                raise Unauthenticated(WRONG)
            await store.create_session(
                work.conn,
                session_id,
                user.id,
                address=address,
                user_agent=user_agent,
                now=work.now,
                expires_at=work.now + SESSION_TTL,
            )
            await self._create_refresh(work, session_id, token)
            work.emit(SessionStarted(user_id=user.id, session_id=session_id))
        return SignIn(self._access.issue(user.id, session_id, work.now), token, user)

    async def refresh(self, token: str) -> SignIn:
        """A new access token and the refresh token's successor.

        A token that was rotated within the last ten seconds gives the same successor again. Later
        use of it means that two hold it: the session ends. Raises Unauthenticated.
        """
        successor = self._refresh.successor(token)
        async with self._work.begin("identity.refresh", "anonymous") as work:
            known = await store.lock_refresh(work.conn, self._refresh.hashed(token))
            if known is None:
                raise Unauthenticated(REFUSED)
            work.actor = f"user:{known.user_id}"
            over = known.session_ended_at is not None or not known.active
            if over or min(known.expires_at, known.session_expires_at) <= work.now:
                raise Unauthenticated(REFUSED)
            reused = known.rotated_at is not None and work.now - known.rotated_at > ROTATION_GRACE
            if reused:
                await self._end(work, known.session_id, known.user_id, "reuse")
            elif known.rotated_at is None:
                await store.rotate(work.conn, known, work.now)
                await self._create_refresh(work, known.session_id, successor)
        if reused:
            self._sessions.forget_session(known.session_id)
            raise Unauthenticated(REFUSED)
        return SignIn(self._access.issue(known.user_id, known.session_id, work.now), successor)

    async def logout(self, principal: Principal) -> None:
        """End the caller's session; its sockets are dropped by the event."""
        assert principal.session_id is not None
        assert principal.user_id is not None
        async with self._work.begin("identity.logout", principal.actor) as work:
            await self._end(work, principal.session_id, principal.user_id, "logout")
        self._sessions.forget_session(principal.session_id)

    async def me(self, principal: Principal) -> tuple[User, tuple[UUID, str] | None]:
        """The caller, and the id and name of the caller's agent row."""
        assert principal.user_id is not None
        async with self._work.reading("identity.me") as conn:
            found = await store.find_me(conn, principal.user_id)
        if found is None:
            raise Unauthenticated
        return found

    async def demo_users(self) -> list[User]:
        """The demo's users that exist; none in production."""
        if self._production:
            return []
        async with self._work.reading("identity.demo_users") as conn:
            return await store.find_active(conn, DEMO_EMAILS)

    async def sweep(self) -> None:
        """Forget what ended long ago."""
        async with self._work.begin("identity.sweep", "system") as work:
            await store.sweep(work.conn, work.now, keep=SESSIONS_KEPT)

    async def _create_refresh(self, work: Work, session_id: UUID, token: str) -> None:
        await store.create_refresh(
            work.conn,
            new_id(),
            session_id,
            self._refresh.hashed(token),
            work.now,
            work.now + REFRESH_TTL,
        )

    async def _end(self, work: Work, session_id: UUID, user_id: UUID, cause: str) -> None:
        if await store.end_session(work.conn, session_id, work.now, cause):
            work.emit(SessionEnded(user_id=user_id, session_id=session_id, cause=cause))
