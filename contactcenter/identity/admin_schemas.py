"""What administering users, roles, teams and the audit log takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contactcenter.core.access import GRANTABLE, Permission
from contactcenter.core.validation import Moment, Schema
from contactcenter.identity.schemas import Email, Locale, Name, Phone

RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
TeamKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
QueueKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
QueueKeys = Annotated[list[QueueKey], Field(max_length=200)]
TeamKeys = Annotated[list[TeamKey], Field(max_length=200)]


def _grantable(permission: Permission) -> Permission:
    if permission not in GRANTABLE:
        raise PydanticCustomError("not_grantable", "No role can hold this permission.")
    return permission


Permissions = Annotated[
    list[Annotated[Permission, AfterValidator(_grantable)]], Field(max_length=len(GRANTABLE))
]


class AdminPage(Schema):
    limit: int = Field(50, ge=1, le=200)
    cursor: UUID | None = None


class UsersQuery(AdminPage):
    role: RoleName | None = None
    status: Literal["active", "invited", "disabled", "erased"] | None = None
    q: Word | None = None


class UserRow(BaseModel):
    id: UUID
    email: str
    first_name: str
    last_name: str
    phone: str | None
    locale: str
    role: str
    status: Literal["active", "invited", "disabled", "erased"]
    email_verified: bool
    two_factor_enabled: bool
    agent_id: UUID | None
    team: str | None
    queues: list[str]
    """What the rights are limited to; empty: not limited."""
    teams: list[str]
    created_at: datetime
    last_login_at: datetime | None
    version: int


class UserList(BaseModel):
    items: list[UserRow]
    next_cursor: str | None


class InviteIn(Schema):
    email: Email
    first_name: Name
    last_name: Name
    role: RoleName
    locale: Locale = "es"
    queues: QueueKeys = Field(default_factory=list)
    teams: TeamKeys = Field(default_factory=list)
    serves: QueueKeys = Field(default_factory=list)
    """Queues whose work comes to the desk, of a role that has one."""
    team: TeamKey | None = None
    """Where the desk belongs."""


class UserIn(Schema):
    """What is left out stays."""

    first_name: Name | None = None
    last_name: Name | None = None
    phone: Phone | None = None
    locale: Locale | None = None
    role: RoleName | None = None
    status: Literal["active", "disabled"] | None = None
    queues: QueueKeys | None = None
    teams: TeamKeys | None = None


class RoleIn(Schema):
    name: RoleName
    permissions: Permissions


class PermissionsIn(Schema):
    permissions: Permissions


class RoleOut(BaseModel):
    name: str
    built_in: bool
    permissions: list[str]
    users: int
    version: int


class RoleList(BaseModel):
    items: list[RoleOut]
    grantable: list[str]
    """What a custom role can be made of."""
    next_cursor: str | None = None


class TeamIn(Schema):
    name: Name
    agents: Annotated[list[UUID], Field(max_length=2000)]


class TeamOut(BaseModel):
    key: str
    name: str
    agents: list[UUID]
    version: int


class TeamList(BaseModel):
    items: list[TeamOut]
    next_cursor: str | None = None


class AuditQuery(AdminPage):
    user_id: UUID | None = None
    action: Word | None = None
    """A whole action, or its first words: `user` finds `user.changed`."""
    resource_type: Word | None = None
    resource_id: Word | None = None
    since: Moment | None = None
    until: Moment | None = None


class AuditRow(BaseModel):
    id: UUID
    seq: int | None
    """Its place in the chain; null for a moment after it was written."""
    at: datetime
    user_id: UUID | None
    user_name: str | None
    actor: str
    action: str
    resource_type: str
    resource_id: str
    address: Annotated[str | None, Field(examples=["203.0.113.7"])]
    user_agent: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    erased: bool
    """Something in it belonged to a person who has been erased."""


class VerifyQuery(Schema):
    head: Annotated[str | None, Field(pattern=r"^\d{1,18}:[0-9a-f]{64}$")] = None
    """One that an earlier look gave: it must still be in the chain."""


class AuditVerdict(BaseModel):
    """What walking the whole chain found. Keep `head` somewhere else, and give it the next time."""

    intact: bool
    rows: int
    undigested: int
    """Those of them that were written before rows had digests: a change before their link cannot be
    told."""
    head: str
    faults: list[str]
    """The first hundred; each begins with a link's number or a row's id."""


class AuditList(BaseModel):
    items: list[AuditRow]
    next_cursor: str | None
