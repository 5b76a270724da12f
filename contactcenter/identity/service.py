"""Signing in and out, and who holds a token."""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from config.settings import Settings
from contactcenter.core.access import UNVERIFIED, Principal, permissions_of
from contactcenter.core.clock import Clock
from contactcenter.core.errors import NotFound, RateLimited, Unauthenticated
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Notice, Recorded
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Limits, party_of
from contactcenter.core.pace import Pace
from contactcenter.core.together import Together
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.identity import (
    SessionEnded,
    SessionStarted,
    UserChanged,
    UserProfileChanged,
)
from contactcenter.identity import store
from contactcenter.identity.model import (
    ACCOUNT_PACE,
    ADDRESS_PACE,
    CODE_PACE,
    DEMO_EMAILS,
    REFRESH_TTL,
    ROTATION_GRACE,
    SECOND_STEP_TTL,
    SESSION_TTL,
    User,
)
from contactcenter.identity.passwords import Passwords
from contactcenter.identity.tokens import (
    AccessTokens,
    Claims,
    DeviceCookies,
    RefreshTokens,
    hashed,
    opaque,
)
from contactcenter.identity.two_factor import TwoFactor
from db import Connection

WRONG: Final = "The e-mail address or the password is wrong."
WRONG_CODE: Final = "The code is wrong or was used before."
STEP_OVER: Final = "This sign-in took too long. Begin again with the password."
REFUSED: Final = "This refresh token is not valid. Sign in again."
SESSIONS_KEPT: Final = timedelta(days=90)
SWEPT_AT_ONCE: Final = 500
CACHE_SIZE: Final = 10_000
CACHE_SECONDS: Final = 30.0
"""How long a node that hears no events goes on believing what it knows of a session."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Tokens, and for whom."""

    access_token: str
    refresh_token: str
    user: User | None = None
    device: str = ""  # proof for the next sign-in from the same browser


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right; `token` is what the code comes with, within five minutes."""

    token: str


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Known:
    """What a node knows of a session, until it asks again."""

    holder: store.Holder
    principal: Principal
    at: float  # monotonic seconds


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
        self._holders = Together(self._look)
        self._cache: OrderedDict[UUID, Known] = OrderedDict()
        self._forgotten = 0  # grows with every change, so that no reader caches what is outdated

    async def principal_of(self, token: str) -> Principal | None:
        """The holder of an access token; None for a text that is no token of this form."""
        if token.count(".") != 2:
            return None
        claims = self._tokens.read(token, self._clock.now())
        principal = self._admitted(claims, await self.known(claims.session_id))
        if principal is None:
            raise Unauthenticated
        return principal

    def remembered(self, token: str) -> Principal | None:
        """The holder of an access token that is known to be good; None: `principal_of` says."""
        claims = self._tokens.remembered(token, self._clock.now())
        known = None if claims is None else self._fresh(claims.session_id)
        return None if claims is None or known is None else self._admitted(claims, known)

    def _admitted(self, claims: Claims, known: Known) -> Principal | None:
        """Who comes in with these claims; None: the session is over, or somebody else's."""
        if known.holder.user_id != claims.user_id or known.holder.expires_at <= self._clock.now():
            return None
        return known.principal

    def _fresh(self, session_id: UUID) -> Known | None:
        """What was heard of a session within the last seconds."""
        known = self._cache.get(session_id)
        return None if known is None or self._monotonic() - known.at > CACHE_SECONDS else known

    async def known(self, session_id: UUID) -> Known:
        """Who holds a session, as it was within the last seconds. Raises Unauthenticated where
        there is none."""
        known = self._fresh(session_id)
        if known is not None:
            return known
        forgotten = self._forgotten
        holder = await self._holders.ask(session_id)
        if holder is None:
            self._cache.pop(session_id, None)
            raise Unauthenticated
        known = Known(holder, _principal(holder), self._monotonic())
        if forgotten == self._forgotten:
            self._cache[session_id] = known
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return known

    async def _look(self, session_ids: Sequence[UUID]) -> Mapping[UUID, store.Holder]:
        async with self._work.reading("identity.session") as conn:
            return await store.find_holders(conn, session_ids)

    async def still(self, principal: Principal) -> bool:
        """Whether whoever came in by a session has it yet, with the same rights."""
        assert principal.session_id is not None
        try:
            known = await self.known(principal.session_id)
        except Unauthenticated:
            return False
        return known.principal == principal

    async def follow(self, batch: list[Recorded]) -> None:
        """Drop what the log says has changed (a live subscriber of the bus)."""
        for recorded in batch:
            self.forget(recorded.event)

    async def hear(self, notice: Notice | None) -> None:
        """The same by a notice; everything where some may have been missed."""
        self.forget(None if notice is None else notice.event)

    def forget(self, event: Event | None) -> None:
        """Believe nothing of whom the event is about; None: of nobody."""
        if event is None:
            self.forget_all()
        elif isinstance(event, SessionEnded):
            self.forget_session(event.session_id)
        elif isinstance(event, UserChanged | UserProfileChanged):
            self.forget_user(event.user_id)

    def forget_user(self, user_id: UUID) -> None:
        self._forgotten += 1
        for session_id in [
            k for k, known in self._cache.items() if known.holder.user_id == user_id
        ]:
            del self._cache[session_id]

    def forget_all(self) -> None:
        self._forgotten += 1
        self._cache.clear()

    def forget_session(self, session_id: UUID) -> None:
        self._forgotten += 1
        self._cache.pop(session_id, None)


def _principal(holder: store.Holder) -> Principal:
    permissions = permissions_of(holder.user.role, holder.permissions)
    return Principal(
        kind="user",
        permissions=permissions if holder.user.email_verified else permissions & UNVERIFIED,
        user_id=holder.user_id,
        session_id=holder.session_id,
        agent_id=holder.agent_id,
        role=holder.user.role,
        queues=None if holder.queues is None else frozenset(holder.queues),
        teams=None if holder.teams is None else frozenset(holder.teams),
    )


class Guesses:
    """How often somebody may try a password or a code.

    Tries are counted per account and per address. A browser that has signed in to the account
    before shows a device cookie and is counted by that alone: whoever guesses at the account from
    elsewhere does not lock its owner out. Nodes that share a Redis share the counts.
    """

    def __init__(self, limits: Limits, name: str, pace: Pace) -> None:
        self._accounts = limits.pauses(f"{name}.account", pace)
        self._devices = limits.pauses(f"{name}.device", pace)
        self._addresses = limits.pauses(f"{name}.address", ADDRESS_PACE)

    async def begin(self, account: str, address: str, device: str | None) -> None:
        """Count a try; raises RateLimited while a pause lasts, and then counts nothing."""
        if device is not None:
            wait = await self._devices.begin(device)
        else:
            party = party_of(address)
            wait = await self._addresses.wait(party) or await self._accounts.begin(account)
            if not wait and (wait := await self._addresses.begin(party)):
                await self._accounts.take_back(account)  # others at this address were quicker
        if wait:
            raise RateLimited(wait, "Too many attempts to sign in.")

    async def good(self, account: str, address: str, device: str | None) -> None:
        """The try that was counted last was right."""
        if device is not None:
            await self._devices.forgive(device)
        else:
            await self._accounts.forgive(account)
            await self._addresses.take_back(party_of(address))


class SignInService:
    """Signing in and out: the use cases."""

    def __init__(
        self,
        settings: Settings,
        work: WorkFactory,
        clock: Clock,
        sessions: Sessions,
        access: AccessTokens,
        passwords: Passwords,
        two_factor: TwoFactor,
        limits: Limits,
    ) -> None:
        secret = settings.auth.jwt_refresh_secret.get_secret_value()
        self._work = work
        self._clock = clock
        self._sessions = sessions
        self._access = access
        self._refresh = RefreshTokens(secret)
        self._devices = DeviceCookies(secret)
        self._passwords = passwords
        self._two_factor = two_factor
        self._production = settings.app.is_production
        self._guesses = Guesses(limits, "login", ACCOUNT_PACE)
        self._codes = Guesses(limits, "code", CODE_PACE)

    async def login(
        self, email: str, password: str, *, address: str, user_agent: str, device: str | None = None
    ) -> SignIn | SecondStep:
        """Begin a session, or the second step where the user has one.

        `device` is the device cookie, if the browser has one. Raises Unauthenticated, the same
        for an unknown user and a wrong password and after the same work, and RateLimited after
        repeated failures, whether the account exists or not.
        """
        known = self._devices.name_of(device, email)
        await self._guesses.begin(email, address, known)
        async with self._work.reading("identity.find_login") as conn:
            found = await store.find_login(conn, email)
        user, password_hash = found or (None, None)
        right = await self._passwords.check(password, password_hash)
        if not right or user is None or (self._production and email in DEMO_EMAILS):
            await self._note_refusal(user)
            raise Unauthenticated(WRONG)
        await self._guesses.good(email, address, known)
        assert password_hash is not None  # nobody's is never right
        renewed = await self._passwords.renewed(password, password_hash)
        hashes = [password_hash] if renewed is None else [password_hash, renewed]
        async with self._work.begin("identity.login", f"user:{user.id}") as work:
            locked = await store.lock_user(work.conn, user.id, hashes)
            if locked is None:  # the password was changed while it was checked
                raise Unauthenticated(WRONG)
            if renewed is not None:
                await store.renew_hash(work.conn, user.id, renewed)
            return await self.admit(work, locked, address=address, user_agent=user_agent)

    async def admit(
        self, work: Work, user: User, *, address: str, user_agent: str, how: str = "password"
    ) -> SignIn | SecondStep:
        """Whoever has proved to be this user, in the unit that holds the user's lock: tokens, or
        the second step."""
        if not user.two_factor:
            return await self._create(work, user, address, user_agent, how)
        token = opaque()
        expires_at = work.now + SECOND_STEP_TTL
        await store.create_token(
            work.conn, hashed(token), "second_step", user.id, work.now, expires_at
        )
        return SecondStep(token)

    async def second_step(
        self, token: str, code: str, *, address: str, user_agent: str, device: str | None = None
    ) -> SignIn:
        """Complete a sign-in by a code of the authenticator, or by a recovery code.

        Raises Unauthenticated for a token or a code that is worth nothing, and RateLimited after
        repeated wrong codes.
        """
        async with self._work.reading("identity.find_second_step") as conn:
            now = self._clock.now()
            user_id = await store.token_user(conn, hashed(token), "second_step", now)
            user = None if user_id is None else await store.find_user(conn, user_id)
        if user is None or user.status != "active":
            raise Unauthenticated(STEP_OVER, reason="step_over")
        account, known = str(user.id), self._devices.name_of(device, user.email)
        await self._codes.begin(account, address, known)
        async with self._work.begin("identity.login", f"user:{user.id}") as work:
            # Whoever sets a new password has this lock first, and then takes the token away.
            await store.lock_user(work.conn, user.id)
            right = await self._two_factor.accept(work, user.id, code)
            if right and await store.use_token(work.conn, hashed(token), "second_step", work.now):
                signed_in = await self._create(work, user, address, user_agent, "second_step")
            else:
                signed_in = None
                work.audit("auth.code_refused", "user", user.id)
        if signed_in is None:
            raise Unauthenticated(WRONG_CODE, reason="wrong_code")
        await self._codes.good(account, address, known)
        return signed_in

    async def _create(
        self, work: Work, user: User, address: str, user_agent: str, how: str
    ) -> SignIn:
        session_id, token = new_id(), opaque()
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
        work.audit("auth.login", "user", user.id, after={"how": how}, person=user.id)
        access_token = self._access.issue(user.id, session_id, work.now)
        return SignIn(access_token, token, user, self._devices.issue(user.email))

    async def _note_refusal(self, user: User | None) -> None:
        async with self._work.begin("identity.refused", "anonymous") as work:
            work.audit("auth.refused", "user", "unknown" if user is None else user.id)

    async def refresh(self, token: str) -> SignIn:
        """A new access token and the refresh token's successor.

        A token that was rotated within the last ten seconds gives the same successor again. Later
        use of it means that two hold it: the session ends. Raises Unauthenticated.
        """
        successor = self._refresh.successor(token)
        async with self._work.begin("identity.refresh", "anonymous") as work:
            known = await store.lock_refresh(work.conn, hashed(token))
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

    async def logout(self, access: str | None, refresh: str | None) -> None:
        """End the session of an access token or, where that is over or missing, of a browser's
        refresh token; its sockets are dropped by the event. Raises Unauthenticated when neither
        belongs to a session that goes on."""
        principal = None
        if access:
            with contextlib.suppress(Unauthenticated):
                principal = await self._sessions.principal_of(access)
        if principal is None and not refresh:
            raise Unauthenticated
        async with self._work.begin("identity.logout", "anonymous") as work:
            if principal is not None:
                user_id, session_id = principal.user_id, principal.session_id
                assert user_id is not None
                assert session_id is not None
            else:
                assert refresh
                known = await store.lock_refresh(work.conn, hashed(refresh))
                if known is None or known.session_ended_at is not None:
                    raise Unauthenticated(REFUSED)
                user_id, session_id = known.user_id, known.session_id
            work.actor = f"user:{user_id}"
            await self._end(work, session_id, user_id, "logout")
            work.audit("identity.logout", "session", session_id, person=user_id)
        self._sessions.forget_session(session_id)

    async def sessions(self, principal: Principal) -> list[store.SessionRow]:
        """The caller's sessions that are not over."""
        assert principal.user_id is not None
        async with self._work.reading("identity.sessions") as conn:
            return await store.sessions(conn, principal.user_id, self._clock.now())

    async def end_session(self, principal: Principal, session_id: UUID) -> None:
        """End one of the caller's sessions; NotFound for anybody else's."""
        assert principal.user_id is not None
        async with self._work.begin("identity.end_session", principal.actor) as work:
            if not await end_sessions(work, principal.user_id, "revoked", only=session_id):
                raise NotFound
        self._sessions.forget_session(session_id)

    async def end_other_sessions(self, principal: Principal) -> None:
        """End the caller's sessions but for this one."""
        assert principal.user_id is not None
        async with self._work.begin("identity.end_other_sessions", principal.actor) as work:
            await end_sessions(work, principal.user_id, "revoked", but=principal.session_id)
        self._sessions.forget_user(principal.user_id)

    async def demo_users(self) -> list[User]:
        """The demo's users that exist; none in production."""
        if self._production:
            return []
        async with self._work.reading("identity.demo_users") as conn:
            return await store.find_active(conn, DEMO_EMAILS)

    async def sweep(self) -> None:
        """Forget what ended long ago, some at a time."""
        more = True
        while more:
            async with self._work.begin("identity.sweep", "system") as work:
                more = await store.sweep(
                    work.conn, work.now, keep=SESSIONS_KEPT, most=SWEPT_AT_ONCE
                )

    async def _create_refresh(self, work: Work, session_id: UUID, token: str) -> None:
        await store.create_refresh(
            work.conn,
            new_id(),
            session_id,
            hashed(token),
            work.now,
            work.now + REFRESH_TTL,
        )

    async def _end(self, work: Work, session_id: UUID, user_id: UUID, cause: str) -> None:
        if await store.end_session(work.conn, session_id, work.now, cause):
            work.emit(SessionEnded(user_id=user_id, session_id=session_id, cause=cause))


async def is_signed_in(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """Whether the user has a session that is not over."""
    return bool(await store.sessions(conn, user_id, now))


async def live_sessions(
    conn: Connection, session_ids: Collection[UUID], now: datetime, *, wait: bool = True
) -> set[UUID]:
    """Those of the sessions that are not over, and do not end before this transaction does.
    Without `wait`, one that somebody is just changing is left out."""
    return await store.live(conn, session_ids, now, wait=wait)


async def end_sessions(
    work: Work, user_id: UUID, cause: str, *, only: UUID | None = None, but: UUID | None = None
) -> list[UUID]:
    """End a user's sessions (or one, or all but one); their sockets are dropped by the events."""
    ended = await store.end_sessions(work.conn, user_id, work.now, cause, only=only, but=but)
    for session_id in ended:
        work.emit(SessionEnded(user_id=user_id, session_id=session_id, cause=cause))
    return ended
