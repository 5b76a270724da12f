"""HTTP of administration: users, roles, teams, the audit log."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

from contactcenter.core.access import GRANTABLE, Permission, permissions_of
from contactcenter.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)
from contactcenter.core.http import Request, Response, Route
from contactcenter.core.limits import Limit
from contactcenter.identity.admin_schemas import (
    AuditList,
    AuditQuery,
    AuditRow,
    AuditVerdict,
    InviteIn,
    PermissionsIn,
    RoleIn,
    RoleList,
    RoleOut,
    TeamIn,
    TeamList,
    TeamOut,
    UserIn,
    UserList,
    UserRow,
    UsersQuery,
    VerifyQuery,
)
from contactcenter.identity.audit import AuditReader, Entry
from contactcenter.identity.people import PeopleService
from contactcenter.identity.people_store import Role
from db import Record

TAGS: Final = ("admin",)
V1: Final = "/api/v1"
USERS: Final = Permission.USERS_MANAGE
ROLES: Final = Permission.ROLES_MANAGE
VERIFY_LIMIT: Final = Limit(per_second=1 / 20, burst=5)
"""It walks the whole log."""
FAULTS_SHOWN: Final = 100
TEAM_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class AdminRoutes:
    def __init__(self, people: PeopleService, audit: AuditReader) -> None:
        self._people = people
        self._audit = audit

    async def users(self, request: Request) -> UserList:
        query: UsersQuery = request.query
        rows = await self._people.users(
            request.principal,
            before=query.cursor,
            role=query.role,
            status=query.status,
            q=query.q,
            limit=query.limit + 1,
        )
        return UserList(
            items=[_user(row) for row in rows[: query.limit]],
            next_cursor=str(rows[query.limit - 1]["id"]) if len(rows) > query.limit else None,
        )

    async def user(self, request: Request) -> Response:
        return _versioned(_user(await self._people.user(request.principal, request.id("id"))))

    async def invite(self, request: Request) -> Response:
        given: InviteIn = request.body
        row = await self._people.invite(
            request.principal,
            email=given.email,
            names={"first_name": given.first_name, "last_name": given.last_name},
            role=given.role,
            locale=given.locale,
            queues=given.queues,
            teams=given.teams,
            serves=given.serves,
            team=given.team,
        )
        return _versioned(_user(row), location=f"{V1}/users/{row['id']}")

    async def invite_again(self, request: Request) -> None:
        await self._people.invite_again(request.principal, request.id("id"))

    async def change(self, request: Request) -> Response:
        given: UserIn = request.body
        values = given.model_dump(exclude_unset=True)
        for name, value in values.items():
            if value is None and name != "phone":
                raise Invalid.field(name, "missing", "This cannot be empty.")
        match = partial(request.match, required=True)
        row = await self._people.change(request.principal, request.id("id"), values, match)
        return _versioned(_user(row))

    async def end_sessions(self, request: Request) -> None:
        await self._people.end_sessions(request.principal, request.id("id"))

    async def remove_second_step(self, request: Request) -> None:
        await self._people.remove_second_step(request.principal, request.id("id"))

    async def roles(self, request: Request) -> RoleList:  # noqa: ARG002 -- a handler
        return RoleList(
            items=[_role(role) for role in await self._people.roles()],
            grantable=sorted(GRANTABLE),
        )

    async def add_role(self, request: Request) -> Response:
        given: RoleIn = request.body
        role = await self._people.add_role(request.principal, given.name, given.permissions)
        return Response(
            _role(role),
            status=201,
            version=role.version,
            headers={"Location": f"{V1}/roles/{role.name}"},
        )

    async def change_role(self, request: Request) -> Response:
        given: PermissionsIn = request.body
        match = partial(request.match, required=True)
        role = await self._people.change_role(
            request.principal, request.text("name"), given.permissions, match
        )
        return Response(_role(role), version=role.version)

    async def drop_role(self, request: Request) -> None:
        await self._people.drop_role(request.principal, request.text("name"))

    async def teams(self, request: Request) -> TeamList:
        rows = await self._people.teams(request.principal)
        return TeamList(items=[TeamOut(**row) for row in rows])

    async def put_team(self, request: Request) -> Response:
        given: TeamIn = request.body
        key = request.text("key")
        if not TEAM_KEY.fullmatch(key):
            raise NotFound
        match = partial(request.match, required=True)
        team = TeamOut(
            **await self._people.put_team(request.principal, key, given.name, given.agents, match)
        )
        return Response(team, version=team.version)

    async def drop_team(self, request: Request) -> None:
        await self._people.drop_team(request.principal, request.text("key"))

    async def audit(self, request: Request) -> AuditList:
        _refuse_limited(request)
        query: AuditQuery = request.query
        entries = await self._audit.search(
            query.cursor,
            query.user_id,
            query.action,
            query.resource_type,
            query.resource_id,
            query.since,
            query.until,
            query.limit + 1,
        )
        more = len(entries) > query.limit
        return AuditList(
            items=[_audit(entry) for entry in entries[: query.limit]],
            next_cursor=str(entries[query.limit - 1].row.id) if more else None,
        )

    async def verify(self, request: Request) -> AuditVerdict:
        _refuse_limited(request)
        query: VerifyQuery = request.query
        verdict = await self._audit.verify(query.head)
        return AuditVerdict(
            intact=not verdict.faults,
            rows=verdict.links,
            undigested=verdict.undigested,
            head=verdict.head,
            faults=verdict.faults[:FAULTS_SHOWN],
        )

    def table(self) -> tuple[Route, ...]:
        return (
            Route(
                "GET",
                f"{V1}/users",
                self.users,
                USERS,
                "List users, the newest first",
                query=UsersQuery,
                response=UserList,
                tags=TAGS,
            ),
            Route(
                "GET",
                f"{V1}/users/{{id}}",
                self.user,
                USERS,
                "Show a user",
                response=UserRow,
                tags=TAGS,
            ),
            Route(
                "POST",
                f"{V1}/users/invitations",
                self.invite,
                USERS,
                "Invite somebody to the staff",
                body=InviteIn,
                response=UserRow,
                status=201,
                tags=TAGS,
                errors=(Conflict, Forbidden, Invalid),
                creates=True,
            ),
            Route(
                "POST",
                f"{V1}/users/{{id}}/invitation",
                self.invite_again,
                USERS,
                "Send the invitation again",
                status=204,
                tags=TAGS,
                errors=(Conflict, Forbidden),
            ),
            Route(
                "PATCH",
                f"{V1}/users/{{id}}",
                self.change,
                USERS,
                "Change a user's role, status, scopes, names",
                body=UserIn,
                response=UserRow,
                tags=TAGS,
                errors=(Conflict, Forbidden, Invalid, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "DELETE",
                f"{V1}/users/{{id}}/sessions",
                self.end_sessions,
                USERS,
                "Sign a user out everywhere",
                status=204,
                tags=TAGS,
                errors=(Forbidden,),
            ),
            Route(
                "DELETE",
                f"{V1}/users/{{id}}/2fa",
                self.remove_second_step,
                USERS,
                "Switch a user's two-step verification off",
                status=204,
                tags=TAGS,
                errors=(Forbidden,),
            ),
            Route(
                "GET", f"{V1}/roles", self.roles, USERS, "List roles", response=RoleList, tags=TAGS
            ),
            Route(
                "POST",
                f"{V1}/roles",
                self.add_role,
                ROLES,
                "Make a role from permissions",
                body=RoleIn,
                response=RoleOut,
                status=201,
                tags=TAGS,
                errors=(Conflict, Forbidden),
                creates=True,
            ),
            Route(
                "PUT",
                f"{V1}/roles/{{name}}",
                self.change_role,
                ROLES,
                "Replace a custom role's permissions",
                body=PermissionsIn,
                response=RoleOut,
                tags=TAGS,
                errors=(Conflict, Forbidden, NotFound, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "DELETE",
                f"{V1}/roles/{{name}}",
                self.drop_role,
                ROLES,
                "Drop a custom role that nobody has",
                status=204,
                tags=TAGS,
                errors=(Conflict, Forbidden, NotFound),
            ),
            Route(
                "GET",
                f"{V1}/teams",
                self.teams,
                Permission.AGENTS_READ,
                "List teams with their agents",
                response=TeamList,
                tags=TAGS,
            ),
            Route(
                "PUT",
                f"{V1}/teams/{{key}}",
                self.put_team,
                USERS,
                "Write a team and who is in it; for one there is, with its version",
                body=TeamIn,
                response=TeamOut,
                tags=TAGS,
                errors=(Invalid, NotFound, PreconditionFailed, PreconditionRequired),
            ),
            Route(
                "DELETE",
                f"{V1}/teams/{{key}}",
                self.drop_team,
                USERS,
                "Drop a team",
                status=204,
                tags=TAGS,
                errors=(Conflict, NotFound),
            ),
            Route(
                "GET",
                f"{V1}/audit",
                self.audit,
                Permission.AUDIT_READ,
                "Search the audit log, the newest first",
                query=AuditQuery,
                response=AuditList,
                tags=TAGS,
                errors=(Forbidden,),
            ),
            Route(
                "GET",
                f"{V1}/audit/verify",
                self.verify,
                Permission.AUDIT_READ,
                "Tell whether any row of the audit log was changed, taken out, put in or moved",
                query=VerifyQuery,
                response=AuditVerdict,
                tags=TAGS,
                errors=(Forbidden,),
                limit=VERIFY_LIMIT,
            ),
        )


def _refuse_limited(request: Request) -> None:
    """The audit log tells of everybody."""
    if request.principal.is_limited:
        raise Forbidden("Your own rights are limited to some queues or teams.")


def _versioned(user: UserRow, *, location: str | None = None) -> Response:
    if location is None:
        return Response(user, version=user.version)
    return Response(user, status=201, version=user.version, headers={"Location": location})


def _user(row: Record) -> UserRow:
    return UserRow.model_validate(dict(row))


def _role(role: Role) -> RoleOut:
    return RoleOut(
        name=role.name,
        built_in=role.permissions is None,
        permissions=sorted(permissions_of(role.name, role.permissions)),
        users=role.users,
        version=role.version,
    )


def _audit(entry: Entry) -> AuditRow:
    row = entry.row
    shown: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("id", "user_id", "actor", "action", "resource_type", "resource_id")
    }
    return AuditRow(
        **shown,
        seq=entry.seq,
        at=row.created_at,
        user_name=entry.user_name,
        address=entry.address,
        user_agent=entry.user_agent,
        before=entry.before,
        after=entry.after,
        erased=entry.erased,
    )
