"""Accounts in their owners' hands: making one, proving the address, passwords, the profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from contactcenter.agents.service import rename
from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, Invalid, NotFound, RateLimited
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Limit, Limits
from contactcenter.core.work import WorkFactory
from contactcenter.events.identity import UserChanged, UserProfileChanged, UserRegistered
from contactcenter.identity import store
from contactcenter.identity.model import ACCOUNT_PACE, Match, User
from contactcenter.identity.passwords import Passwords
from contactcenter.identity.post import Post
from contactcenter.identity.service import Sessions, end_sessions
from contactcenter.identity.tokens import hashed

LETTERS: Final = Limit(per_second=1 / 300, burst=3)
"""Letters that anybody can have sent to one address."""

BAD_LINK: Final = "This link was used before, or its time is over. Ask for a new one."


class AccountService:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        sessions: Sessions,
        passwords: Passwords,
        post: Post,
        limits: Limits,
    ) -> None:
        self._work = work
        self._clock = clock
        self._sessions = sessions
        self._passwords = passwords
        self._post = post
        self._letters = limits.budget("letters", LETTERS)
        self._tries = limits.pauses("own_password", ACCOUNT_PACE)

    async def register(
        self,
        *,
        email: str,
        password: str,
        first_name: str,
        last_name: str,
        phone: str | None,
        locale: str,
    ) -> None:
        """Make a customer's account and send the link that verifies its address.

        A known address gets a letter that says so. Both take the same work, and the caller is
        told nothing.
        """
        password_hash = await self._passwords.hash(password)
        user = User(
            new_id(),
            email,
            first_name,
            last_name,
            "customer",
            locale,
            phone=phone,
            email_verified=False,
        )
        may_write = not await self._letters.take(email)
        async with self._work.begin("identity.register", "anonymous") as work:
            new = await store.create_user(work.conn, user, work.now, password_hash=password_hash)
            if new:
                work.emit(UserRegistered(user_id=user.id, how="form"))
                work.audit("user.registered", "user", user.id)
            else:
                work.audit("user.registered_again", "user", "known")
            if may_write:
                await self._post.put(work, "verify" if new else "known", email)

    async def verify(self, token: str, password: str | None, access: str | None) -> None:
        """Verify an address by its letter's token, and by what shows that whoever reads its letters
        is who made the account: its password, or else the access token of a session of it. Or a
        stranger's account under another's address would be verified by that one's click.

        The account's other sessions end. Invalid when the token is worth nothing, and for a
        password that is wrong or missing; RateLimited after repeated wrong ones; Unauthenticated
        for an access token that is worth nothing.
        """
        async with self._work.reading("identity.find_verify") as conn:
            now = self._clock.now()
            owner = await store.token_user(conn, hashed(token), "verify", now)
            present = None if owner is None else await store.find_hash(conn, owner)
        if owner is None:
            raise _bad_link()
        holder = None
        if password is None and access is not None:
            holder = await self._sessions.principal_of(access)
        own = holder is not None and holder.user_id == owner
        if not own:
            await self._prove(owner, password, present)
        async with self._work.begin("identity.verify", f"user:{owner}") as work:
            hashes = None if own or present is None else [present]
            if await store.lock_user(work.conn, owner, hashes) is None:
                raise Conflict("The password was changed in the meantime.", reason="changed")
            if await store.use_token(work.conn, hashed(token), "verify", work.now) is None:
                raise _bad_link()
            if await store.mark_verified(work.conn, owner, work.now):
                work.emit(UserChanged(user_id=owner))
                kept = holder.session_id if holder is not None and own else None
                await end_sessions(work, owner, "verified", but=kept)
            work.audit("user.verified", "user", owner)
        self._sessions.forget_user(owner)

    async def _prove(self, user_id: UUID, password: str | None, present: str | None) -> None:
        """Invalid unless it is the user's password."""
        if password is None:
            raise Invalid.field("password", "missing", "The account's password is needed.")
        if wait := await self._tries.begin(str(user_id)):
            raise RateLimited(wait, "Too many wrong passwords.")
        if not await self._passwords.check(password, present):
            raise Invalid.field("password", "wrong_password", "The password is wrong.")
        await self._tries.forgive(str(user_id))

    async def verify_again(self, principal: Principal) -> None:
        """Send the link again. RateLimited after a few."""
        user = await self._own(principal)
        if wait := await self._letters.take(user.email.lower()):
            raise RateLimited(wait, "Several letters were sent already.")
        async with self._work.begin("identity.verify_again", principal.actor) as work:
            await self._post.put(work, "verify", user.email)

    async def forgot(self, email: str) -> None:
        """Send a link for a new password; nothing tells whether the address has an account."""
        may_write = not await self._letters.take(email)
        async with self._work.begin("identity.forgot", "anonymous") as work:
            work.audit("auth.forgot", "user", "unknown")
            if may_write:
                await self._post.put(work, "reset", email)

    async def reset(self, token: str, password: str) -> None:
        """Set a new password by a letter's token, and end all sessions.

        The token works once. The second factor stays: the next sign-in asks for it. Invalid when
        the token is worth nothing.
        """
        await self._set_by_link("reset", token, password, {})

    async def accept_invitation(self, token: str, password: str, names: Mapping[str, Any]) -> None:
        """Choose the password of an account that an administrator has prepared."""
        await self._set_by_link("invite", token, password, names)

    async def _set_by_link(
        self,
        purpose: Literal["reset", "invite"],
        token: str,
        password: str,
        names: Mapping[str, Any],
    ) -> None:
        async with self._work.reading("identity.find_link") as conn:
            now = self._clock.now()
            if await store.token_user(conn, hashed(token), purpose, now) is None:
                raise _bad_link()  # before a hash is paid for
        password_hash = await self._passwords.hash(password)
        async with self._work.begin(f"identity.{purpose}", "anonymous") as work:
            user_id = await store.use_token(work.conn, hashed(token), purpose, work.now)
            if user_id is None:
                raise _bad_link()
            work.actor = f"user:{user_id}"
            await store.disown(work.conn, user_id)
            if not await store.set_password(work.conn, user_id, password_hash, work.now):
                raise _bad_link()
            await store.void_tokens(
                work.conn, user_id, ("reset", "invite", "second_step"), work.now
            )
            await store.drop_flows(work.conn, user_id)
            if names:
                await store.set_profile(work.conn, user_id, names, work.now)
                user = await store.find_user(work.conn, user_id)
                assert user is not None
                await rename(work.conn, user_id, f"{user.first_name} {user.last_name}".strip())
            await end_sessions(work, user_id, "password")
            if purpose == "invite":
                work.emit(UserRegistered(user_id=user_id, how="invitation"))
            else:
                user = await store.find_user(work.conn, user_id)
                assert user is not None
                await self._post.put(work, "password_changed", user.email)
            work.emit(UserChanged(user_id=user_id))
            work.audit(f"auth.{purpose}", "user", user_id)
        self._sessions.forget_user(user_id)

    async def change_password(self, principal: Principal, current: str, new: str) -> None:
        """Change it, knowing the present one (none where the user never had one, and came by a
        provider); ends the other sessions. Invalid for a wrong one."""
        user = await self._own(principal)
        if wait := await self._tries.begin(str(user.id)):
            raise RateLimited(wait, "Too many wrong passwords.")
        async with self._work.reading("identity.find_hash") as conn:
            present = await store.find_hash(conn, user.id)
        if present is None:
            raise Invalid.field(
                "current_password", "no_password", "There is none yet: ask for a link to set one."
            )
        if not await self._passwords.check(current, present):
            raise Invalid.field("current_password", "wrong_password", "The password is wrong.")
        await self._tries.forgive(str(user.id))
        password_hash = await self._passwords.hash(new)
        async with self._work.begin("identity.change_password", principal.actor) as work:
            if await store.lock_user(work.conn, user.id, [present]) is None:
                raise Conflict("The password was changed in the meantime.", reason="changed")
            await store.change_password(work.conn, user.id, password_hash, work.now)
            await store.void_tokens(work.conn, user.id, ("reset", "second_step"), work.now)
            await store.drop_flows(work.conn, user.id)
            await end_sessions(work, user.id, "password", but=principal.session_id)
            await self._post.put(work, "password_changed", user.email)
            work.emit(UserProfileChanged(user_id=user.id))  # it has another version
            work.audit("auth.password_changed", "user", user.id)
        self._sessions.forget_user(user.id)

    async def set_profile(
        self, principal: Principal, given: Mapping[str, Any], match: Match
    ) -> User:
        """Change the own names, telephone number and language."""
        assert principal.user_id is not None
        async with self._work.begin("identity.profile", principal.actor) as work:
            before = await store.lock_user(work.conn, principal.user_id)
            if before is None:
                raise NotFound
            match(before.version)
            await store.set_profile(work.conn, before.id, given, work.now)
            work.emit(UserProfileChanged(user_id=before.id))
            work.audit(
                "user.profile",
                "user",
                before.id,
                before={name: getattr(before, name) for name in given},
                after=given,
                person=before.id,
            )
        self._sessions.forget_user(before.id)
        return await self._own(principal)

    async def _own(self, principal: Principal) -> User:
        assert principal.user_id is not None
        async with self._work.reading("identity.own") as conn:
            user = await store.find_user(conn, principal.user_id)
        if user is None:
            raise NotFound
        return user


def _bad_link() -> Invalid:
    return Invalid.field("token", "bad_link", BAD_LINK)
