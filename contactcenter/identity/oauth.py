"""Signing in by a provider, and linking one to an account.

Whoever comes back is one of four: known by the provider's id; known by an address that the
provider has verified, and is linked; known by an address that it has not verified, and is turned
away (whoever controls an unverified address there would have the account here); or new, and gets
a customer's account.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson

from contactcenter.core.access import Principal
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, Malformed, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.vault import Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.identity import UserChanged, UserRegistered
from contactcenter.identity import oauth_store as store
from contactcenter.identity import store as accounts
from contactcenter.identity.model import User
from contactcenter.identity.oidc import OidcClient, Person, Provider
from contactcenter.identity.post import Post
from contactcenter.identity.service import SecondStep, Sessions, SignIn, SignInService, end_sessions
from contactcenter.identity.tokens import hashed, opaque

FLOW_TTL: Final = timedelta(minutes=10)
PATH: Final = re.compile(r"(/[A-Za-z0-9_-]+)*/?")
"""Where somebody may be sent on to: a path of our own pages."""


class Refused(Exception):  # noqa: N818 -- an outcome, which becomes a word for the page
    """The person is told why on a page: `denied`, `unverified`, `known_address`, `taken`,
    `disabled`, `no_address`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and the state its cookie holds."""

    url: str
    state: str


@dataclass(frozen=True, slots=True)
class Back:
    """What came of it: a sign-in, its second step, or (None) a link; and where to go on."""

    outcome: SignIn | SecondStep | None
    next: str


class OAuthService:
    def __init__(
        self,
        clients: Iterable[OidcClient],
        work: WorkFactory,
        clock: Clock,
        vault: Vault,
        sign_in: SignInService,
        sessions: Sessions,
        post: Post,
    ) -> None:
        self._clients = {client.provider.name: client for client in clients}
        self._work = work
        self._clock = clock
        self._vault = vault
        self._sign_in = sign_in
        self._sessions = sessions
        self._post = post

    @property
    def providers(self) -> list[Provider]:
        return [client.provider for client in self._clients.values()]

    async def begin(self, provider: str, following: str, linking: Principal | None = None) -> Begun:
        """Send somebody to the provider; with a principal, to link it. Raises Unavailable."""
        state, nonce, verifier = opaque(), opaque(), opaque()
        url = await self._client(provider).authorization_url(state, nonce, verifier)
        goes_on = following if PATH.fullmatch(following) else "/"
        session_id = None if linking is None else str(linking.session_id)
        held = orjson.dumps(
            {"nonce": nonce, "verifier": verifier, "next": goes_on, "session": session_id}
        )
        sealed = self._vault.seal(held, f"oauth_flows/{hashed(state).hex()}")
        async with self._work.begin("identity.oauth_begin", "anonymous") as work:
            user_id = None if linking is None else linking.user_id
            await store.add_flow(
                work.conn, hashed(state), provider, sealed, user_id, work.now + FLOW_TTL
            )
        return Begun(url, state)

    async def back(
        self,
        provider: str,
        given: Mapping[str, str],
        cookie: str | None,
        *,
        address: str,
        user_agent: str,
    ) -> Back:
        """Somebody came back with `code`, `state`, perhaps `error` and `iss`.

        Raises Malformed for a state that this browser did not begin, or that was used; Refused for
        what the person should read; Unauthenticated for a code or token that is not good.
        """
        state = given.get("state", "")
        if not state or not hmac.compare_digest(state.encode(), (cookie or "").encode()):
            raise Malformed("This sign-in did not begin in this browser.")
        async with self._work.begin("identity.oauth_back", "anonymous") as work:
            flow = await store.take_flow(work.conn, hashed(state), provider, work.now)
        if flow is None:
            raise Malformed("This sign-in was used before, or its time is over.")
        client = self._client(provider)
        if given.get("iss", client.provider.issuer) != client.provider.issuer:  # RFC 9207
            raise Malformed("This answer is from another provider.")
        if "error" in given or "code" not in given:
            raise Refused("denied")
        held = orjson.loads(self._vault.open(flow.sealed, f"oauth_flows/{hashed(state).hex()}"))
        person = await client.redeem(
            given["code"], held["nonce"], held["verifier"], self._clock.now()
        )
        if flow.user_id is not None:
            await self._link(client.provider, person, flow.user_id, UUID(held["session"]))
            return Back(None, held["next"])
        async with self._work.begin("identity.login", "anonymous") as work:
            user_id = await self._known_or_new(work, client.provider, person)
            user = await accounts.lock_user(work.conn, user_id)
            if user is None:
                raise Refused("disabled")
            work.actor = f"user:{user_id}"
            outcome = await self._sign_in.admit(
                work, user, address=address, user_agent=user_agent, how=provider
            )
        self._sessions.forget_user(user_id)
        return Back(outcome, held["next"])

    async def _link(
        self, provider: Provider, person: Person, user_id: UUID, session_id: UUID
    ) -> None:
        """Refused when the session that began it is over, by a new password or otherwise."""
        async with self._work.begin("identity.oauth_link", f"user:{user_id}") as work:
            user = await accounts.lock_user(work.conn, user_id)
            if user is None or not await accounts.is_live(work.conn, session_id, user_id, work.now):
                raise Refused("denied")
            owner = await store.find_owner(work.conn, provider.issuer, person.subject)
            if owner is None and await self._add(work, provider, person, user_id, tell=user.email):
                return
            if owner != user_id:
                raise Refused("taken")

    async def _known_or_new(self, work: Work, provider: Provider, person: Person) -> UUID:
        """The user who this is, under the user's lock; made or linked where that is safe."""
        owner = await store.find_owner(work.conn, provider.issuer, person.subject)
        if owner is not None:
            await accounts.lock_user(work.conn, owner)
            if await store.note_use(
                work.conn, owner, provider.issuer, person.subject, work.now, person.email
            ):
                return owner
        if person.email is None:
            raise Refused("no_address")
        known = await accounts.find_by_email(work.conn, person.email)
        if known is None:
            return await self._new(work, provider, person, person.email)
        if not person.email_verified:
            raise Refused("known_address")
        if known.status not in {"active", "invited"}:
            raise Refused("disabled")
        await accounts.disown(work.conn, known.id)
        if await store.take_over(work.conn, known.id, work.now):
            await accounts.void_tokens(
                work.conn, known.id, ("verify", "reset", "invite", "second_step"), work.now
            )
            await end_sessions(work, known.id, "revoked")
            work.emit(UserChanged(user_id=known.id))
        if not await self._add(work, provider, person, known.id, tell=known.email):
            raise Refused("taken")
        return known.id

    async def _new(self, work: Work, provider: Provider, person: Person, email: str) -> UUID:
        user = User(
            new_id(),
            email,
            person.first_name,
            person.last_name,
            "customer",
            person.locale,
            email_verified=person.email_verified,
        )
        if not await accounts.create_user(work.conn, user, work.now, password_hash=None):
            raise Refused("known_address")  # somebody registered with it at this moment
        work.emit(UserRegistered(user_id=user.id, how=provider.name))
        if not person.email_verified:
            await self._post.put(work, "verify", email)
        await self._add(work, provider, person, user.id)
        return user.id

    async def _add(
        self,
        work: Work,
        provider: Provider,
        person: Person,
        user_id: UUID,
        *,
        tell: str | None = None,
    ) -> bool:
        """False when the user has another one at this provider. `tell`: the address of a user
        whose account it now opens too."""
        added = await store.add(
            work.conn,
            new_id(),
            user_id,
            provider=provider.name,
            issuer=provider.issuer,
            subject=person.subject,
            email=person.email,
            now=work.now,
        )
        if added:
            work.audit("auth.linked", "user", user_id, after={"provider": provider.name})
            if tell is not None:
                await self._post.put(work, "linked", tell, provider=provider.label)
        return added

    # In one's own hands

    async def identities(self, principal: Principal) -> list[store.Identity]:
        assert principal.user_id is not None
        async with self._work.reading("identity.identities") as conn:
            return await store.of_user(conn, principal.user_id)

    async def unlink(self, principal: Principal, provider: str) -> None:
        """Raises Conflict for the last way in; the user is told by a letter."""
        assert principal.user_id is not None
        async with self._work.begin("identity.unlink", principal.actor) as work:
            # The lock in a statement of its own: what is counted after it is what holds then.
            user = await accounts.lock_user(work.conn, principal.user_id)
            if user is None:
                raise NotFound
            last = await store.ways_in(work.conn, principal.user_id) <= 1
            if not await store.remove(work.conn, principal.user_id, provider):
                raise NotFound
            if last:
                raise Conflict(
                    "This is your only way to sign in: set a password first.", reason="only_way_in"
                )
            client = self._clients.get(provider)
            label = provider if client is None else client.provider.label
            await self._post.put(work, "unlinked", user.email, provider=label)
            work.audit("auth.unlinked", "user", principal.user_id, before={"provider": provider})

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def _client(self, provider: str) -> OidcClient:
        client = self._clients.get(provider)
        if client is None:
            raise NotFound
        return client
