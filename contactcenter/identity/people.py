"""Administering users, roles and teams.

Nobody gives away more than they have: whom one may change, and what one may make them, both lie
within one's own permissions, and within the queues and teams that those are limited to. The last
administrator stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from contactcenter.agents.service import equip
from contactcenter.core.access import GRANTABLE, Permission, Principal, permissions_of
from contactcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.agents import AgentTeamChanged
from contactcenter.events.identity import RoleChanged, UserChanged
from contactcenter.identity import people_store as store
from contactcenter.identity import store as accounts
from contactcenter.identity.model import LIFETIMES, Match, User
from contactcenter.identity.post import Post
from contactcenter.identity.service import Sessions, end_sessions
from contactcenter.identity.tokens import hashed, opaque
from contactcenter.identity.two_factor import TwoFactor
from db import Connection, Record

NOBODY: Final = UUID(int=0)
FIELDS: Final = ("first_name", "last_name", "phone", "locale", "role", "status")


class PeopleService:
    def __init__(
        self, work: WorkFactory, sessions: Sessions, two_factor: TwoFactor, post: Post
    ) -> None:
        self._work = work
        self._sessions = sessions
        self._two_factor = two_factor
        self._post = post

    async def users(self, principal: Principal, **wanted: Any) -> list[Record]:
        """Those whom the caller's limits reach."""
        async with self._work.reading("people.users") as conn:
            return await store.users(conn, seen_by=principal, **wanted)

    async def user(self, principal: Principal, user_id: UUID) -> Record:
        found = await self.users(principal, user_id=user_id)
        if not found:
            raise NotFound
        return found[0]

    async def invite(
        self,
        principal: Principal,
        *,
        email: str,
        names: Mapping[str, str],
        role: str,
        locale: str,
        queues: Sequence[str],
        teams: Sequence[str],
        serves: Sequence[str] = (),
        team: str | None = None,
    ) -> Record:
        """Prepare an account of staff and its desk, and send the link that chooses its password.

        Raises Conflict for an address that has an account.
        """
        user = User(
            new_id(),
            email,
            names["first_name"],
            names["last_name"],
            role,
            locale,
            status="invited",
            email_verified=False,
        )
        async with self._work.begin("people.invite", principal.actor) as work:
            permissions = await self._may_grant(work.conn, principal, role)
            _within_limits(principal, queues, teams)
            _may_equip(principal, serves, team)
            await self._known_teams(work.conn, teams)
            await self._known_queues(work.conn, queues)
            if team is not None and not await store.touch_teams(work.conn, [team]):
                raise Invalid.field("team", "unknown_team", "There is no such team.", keys=[team])
            if not await accounts.create_user(work.conn, user, work.now, password_hash=None):
                raise Conflict("Somebody has this address already.", reason="address_taken")
            await store.set_scopes(work.conn, user.id, "queue", queues)
            await store.set_scopes(work.conn, user.id, "team", teams)
            if serves or team or has_desk(role, permissions):
                name = f"{user.first_name} {user.last_name}".strip()
                await equip(work, user.id, name, queues=serves, team=team)
            await self._post.put(work, "invite", email)
            work.audit(
                "user.invited",
                "user",
                user.id,
                after={
                    "email": email,
                    "role": role,
                    "queues": queues,
                    "teams": teams,
                    "serves": serves,
                    "team": team,
                },
                person=user.id,
            )
            return (await store.users(work.conn, user_id=user.id))[0]

    async def invite_again(self, principal: Principal, user_id: UUID) -> None:
        """Send the link again; the earlier ones are worth nothing then."""
        async with self._work.begin("people.invite_again", principal.actor) as work:
            user = await self._changeable(work.conn, principal, user_id)
            if user["status"] != "invited":
                raise Conflict("The invitation was accepted already.", reason="accepted")
            await accounts.void_tokens(work.conn, user_id, ("invite",), work.now)
            await self._post.put(work, "invite", user["email"])
            work.audit("user.invited_again", "user", user_id)

    async def change(
        self, principal: Principal, user_id: UUID, given: Mapping[str, Any], match: Match
    ) -> Record:
        """Change names, number, language, role, status, queues and teams: what is given.

        It holds at once: cached permissions are dropped, sockets come back under what holds now,
        and a disabled user's sessions end. Raises Conflict for the last administrator.
        """
        async with self._work.begin("people.change", principal.actor) as work:
            user = await self._changeable(work.conn, principal, user_id)
            match(user["version"])
            before = {name: user[name] for name in FIELDS}
            after = {**before, **{name: given[name] for name in FIELDS if name in given}}
            _check_status(before["status"], after["status"])
            if after["role"] != before["role"]:
                permissions = await self._may_grant(work.conn, principal, after["role"])
                if has_desk(after["role"], permissions):
                    await equip(
                        work, user_id, f"{after['first_name']} {after['last_name']}".strip()
                    )
            _within_limits(principal, given.get("queues"), given.get("teams"))
            leaves = before["role"] == "admin" and before["status"] == "active"
            stays = after["role"] == "admin" and after["status"] == "active"
            if leaves and not stays and not await store.another_admin(work.conn, user_id):
                raise Conflict("This is the last administrator.", reason="last_admin")
            await store.update_user(work.conn, user_id, after, work.now)
            before |= await self._change_scopes(work.conn, user_id, given)
            after |= {name: given[name] for name in ("queues", "teams") if name in given}
            if after["status"] == "disabled":
                await end_sessions(work, user_id, "disabled")
            work.emit(UserChanged(user_id=user_id))
            changed = [name for name in after if after[name] != before[name]]
            work.audit(
                "user.changed",
                "user",
                user_id,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
                person=user_id,
            )
            row = (await store.users(work.conn, user_id=user_id))[0]
        self._sessions.forget_user(user_id)
        return row

    async def _change_scopes(
        self, conn: Connection, user_id: UUID, given: Mapping[str, Any]
    ) -> dict[str, list[str]]:
        """What it was before, of the kinds that are given."""
        before = {}
        if "queues" in given:
            await self._known_queues(conn, given["queues"])
            before["queues"] = await store.scopes(conn, user_id, "queue")
            await store.set_scopes(conn, user_id, "queue", given["queues"])
        if "teams" in given:
            await self._known_teams(conn, given["teams"])
            before["teams"] = await store.scopes(conn, user_id, "team")
            await store.set_scopes(conn, user_id, "team", given["teams"])
        return before

    async def end_sessions(self, principal: Principal, user_id: UUID) -> None:
        """Sign somebody out everywhere."""
        async with self._work.begin("people.end_sessions", principal.actor) as work:
            await self._changeable(work.conn, principal, user_id)
            await end_sessions(work, user_id, "revoked")
            work.audit("user.signed_out", "user", user_id)
        self._sessions.forget_user(user_id)

    async def remove_second_step(self, principal: Principal, user_id: UUID) -> None:
        """For somebody who lost the authenticator and the recovery codes; they are told by a
        letter, and signed out."""
        async with self._work.begin("people.remove_second_step", principal.actor) as work:
            await self._changeable(work.conn, principal, user_id)
            await self._two_factor.remove(work, user_id)
            await end_sessions(work, user_id, "revoked")
        self._sessions.forget_user(user_id)

    # Roles

    async def roles(self) -> list[store.Role]:
        async with self._work.reading("people.roles") as conn:
            return await store.roles(conn)

    async def add_role(
        self, principal: Principal, name: str, permissions: Sequence[Permission]
    ) -> store.Role:
        """Raises Conflict when there is one of this name."""
        _within(principal, permissions)
        async with self._work.begin("people.add_role", principal.actor) as work:
            if not await store.add_role(work.conn, name, sorted(permissions), work.now):
                raise Conflict("There is a role of this name.", reason="role_exists")
            work.emit(RoleChanged(role=name))
            work.audit("role.added", "role", name, after={"permissions": sorted(permissions)})
            return (await store.roles(work.conn, name))[0]

    async def change_role(
        self,
        principal: Principal,
        name: str,
        permissions: Sequence[Permission],
        match: Match,
    ) -> store.Role:
        """Replace a custom role's permissions; they hold at once for whoever has the role."""
        _within(principal, permissions)
        async with self._work.begin("people.change_role", principal.actor) as work:
            before = await self._custom_role(work.conn, principal, name)
            match(before["version"])
            await store.set_role(work.conn, name, sorted(permissions), work.now)
            work.emit(RoleChanged(role=name))
            for user_id in await store.holders(work.conn, name):
                work.emit(UserChanged(user_id=user_id))
            work.audit(
                "role.changed",
                "role",
                name,
                before={"permissions": before["permissions"]},
                after={"permissions": sorted(permissions)},
            )
            role = (await store.roles(work.conn, name))[0]
        self._sessions.forget_all()
        return role

    async def drop_role(self, principal: Principal, name: str) -> None:
        """Raises Conflict while somebody has it."""
        async with self._work.begin("people.drop_role", principal.actor) as work:
            before = await self._custom_role(work.conn, principal, name)
            if await store.holders(work.conn, name):
                raise Conflict("Somebody has this role.", reason="role_held")
            await store.drop_role(work.conn, name)
            work.emit(RoleChanged(role=name))
            work.audit("role.dropped", "role", name, before={"permissions": before["permissions"]})

    async def _custom_role(self, conn: Connection, principal: Principal, name: str) -> Record:
        role = await store.lock_role(conn, name)
        if role is None:
            raise NotFound
        if role["permissions"] is None:
            raise Conflict("A built-in role stays as it is.", reason="built_in")
        _within(principal, permissions_of(name, role["permissions"]))
        return role

    # Teams

    async def teams(self, principal: Principal) -> list[Record]:
        """Those within the caller's limits."""
        async with self._work.reading("people.teams") as conn:
            return [row for row in await store.teams(conn) if principal.sees_team(row["key"])]

    async def put_team(
        self, principal: Principal, key: str, name: str, agents: Sequence[UUID], match: Match
    ) -> Record:
        """Write a team, a new one or one that the asker knows as it is, and who is in it. An agent
        is in one team at most, and the version of the one that they leave rises too. Teams are
        written one after the other: of two who make the same one, the second finds the first's.
        Forbidden for whoever's rights are limited to teams: it would move people into their
        reach."""
        _no_limit_of_teams(principal)
        async with self._work.begin("people.put_team", principal.actor) as work:
            version = (await store.lock_teams(work.conn)).get(key)
            match(version)
            if not await store.known_agents(work.conn, agents):
                raise Invalid.field("agents", "unknown_agent", "There is no such agent.")
            before = await store.teams(work.conn, key) if version is not None else []
            if version is not None:
                await store.name_team(work.conn, key, name)
            else:
                await store.add_team(work.conn, key, name, work.now)
            for agent_id, team in await store.set_members(work.conn, key, agents):
                work.emit(AgentTeamChanged(agent_id=agent_id, team=team))
            work.audit(
                "team.changed",
                "team",
                key,
                before=dict(before[0]) if before else None,
                after={"name": name, "agents": list(agents)},
            )
            return (await store.teams(work.conn, key))[0]

    async def drop_team(self, principal: Principal, key: str) -> None:
        """Raises Conflict while somebody's rights are limited to it: dropping it would widen
        them."""
        _no_limit_of_teams(principal)
        async with self._work.begin("people.drop_team", principal.actor) as work:
            await store.lock_teams(work.conn)
            if await store.limited_to_team(work.conn, key):
                raise Conflict("Somebody's rights are limited to this team.", reason="team_held")
            before = await store.teams(work.conn, key)
            left = await store.drop_team(work.conn, key)
            if left is None:
                raise NotFound
            for agent_id in left:
                work.emit(AgentTeamChanged(agent_id=agent_id, team=None))
            work.audit("team.dropped", "team", key, before=dict(before[0]))

    # Rules

    async def _changeable(self, conn: Connection, principal: Principal, user_id: UUID) -> Record:
        """The user's locked row; NotFound beyond the caller's limits, Forbidden for somebody with
        more rights than the caller, or with rights that reach further."""
        user = await changeable(conn, principal, user_id)
        if user is None:
            raise NotFound
        return user

    async def _may_grant(
        self, conn: Connection, principal: Principal, role: str
    ) -> frozenset[Permission]:
        """The role's permissions."""
        found = await store.lock_role(conn, role)
        if found is None:
            raise Invalid.field("role", "unknown_role", "There is no such role.")
        permissions = permissions_of(role, found["permissions"])
        _within(principal, permissions)
        return permissions

    async def _known_queues(self, conn: Connection, keys: Sequence[str]) -> None:
        if unknown := await store.unknown_queues(conn, keys):
            raise Invalid.field("queues", "unknown_queue", "There is no such queue.", keys=unknown)

    async def _known_teams(self, conn: Connection, keys: Sequence[str]) -> None:
        if unknown := await store.unknown_teams(conn, keys):
            raise Invalid.field("teams", "unknown_team", "There is no such team.", keys=unknown)


async def changeable(conn: Connection, principal: Principal, user_id: UUID) -> Record | None:
    """The locked row of a user who is not erased; None where the caller's limits do not reach.

    Forbidden for somebody with more rights than the caller, or with rights that reach further.
    """
    user = await store.lock_user(conn, user_id)
    if user is None or user["status"] == "erased":
        return None
    if not await store.users(conn, user_id=user_id, seen_by=principal):
        return None
    _within(principal, permissions_of(user["role"], user["permissions"]))
    if principal.is_limited:
        queues = await store.scopes(conn, user_id, "queue")
        _within_limits(principal, queues, await store.scopes(conn, user_id, "team"))
    return user


def _within(principal: Principal, permissions: Iterable[Permission]) -> None:
    if not set(permissions) <= principal.permissions | (frozenset(Permission) - GRANTABLE):
        raise Forbidden("That takes permissions that you do not have yourself.", reason="beyond")


def _within_limits(
    principal: Principal, queues: Sequence[str] | None, teams: Sequence[str] | None
) -> None:
    """Forbidden for limits that are wider than the caller's own; none at all are the widest.
    None: they stay as they are."""
    for own, given in ((principal.queues, queues), (principal.teams, teams)):
        if own is not None and given is not None and not (given and own >= set(given)):
            raise Forbidden("That reaches queues or teams that your own rights do not reach.")


async def first_admin(work: Work, email: str, locale: str) -> str:
    """Prepare the account of a new centre's first administrator; answers the token that chooses
    its password. Asked again, it answers another, and the earlier ones are worth nothing.

    Raises Conflict where somebody administers already, and for an address with another account.
    """
    if await store.another_admin(work.conn, NOBODY):
        raise Conflict("There is an administrator already: invitations are made on /admin.")
    user = await accounts.find_by_email(work.conn, email)
    if user is None:
        user = User(
            new_id(), email, "", "", "admin", locale, status="invited", email_verified=False
        )
        await accounts.create_user(work.conn, user, work.now, password_hash=None)
    elif (user.role, user.status) != ("admin", "invited"):
        raise Conflict("Somebody has this address already.", reason="address_taken")
    await accounts.void_tokens(work.conn, user.id, ("invite",), work.now)
    token, until = opaque(), work.now + LIFETIMES["invite"]
    await accounts.create_token(work.conn, hashed(token), "invite", user.id, work.now, until)
    after = {"email": email, "role": "admin"}
    work.audit("user.invited", "user", user.id, after=after, person=user.id)
    return token


def has_desk(role: str, permissions: Iterable[Permission]) -> bool:
    """Whether whoever has this role works at a desk, or is given claims and tasks to do. An
    administrator gets a desk where queues are chosen for it."""
    return role != "admin" and not {Permission.DESK_USE, Permission.TASKS_USE}.isdisjoint(
        permissions
    )


def _may_equip(principal: Principal, serves: Sequence[str], team: str | None) -> None:
    """Forbidden for queues and teams that whoever invites may not hand out."""
    if serves:
        principal.require(Permission.AGENTS_MANAGE)
    if not all(map(principal.sees_queue, serves)) or (team and not principal.sees_team(team)):
        raise Forbidden("That reaches queues or teams that your own rights do not reach.")


def _no_limit_of_teams(principal: Principal) -> None:
    if principal.teams is not None:
        raise Forbidden("Your own rights are limited to some teams.")


def _check_status(before: str, after: str) -> None:
    """An invited user becomes active by the letter's link alone."""
    if before == "invited" and after == "active":
        raise Conflict("An invited user becomes active by accepting.", reason="invited")
