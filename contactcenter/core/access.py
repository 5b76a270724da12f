"""Who is asking, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, Protocol
from uuid import UUID

from contactcenter.core.errors import Forbidden


class Permission(StrEnum):
    """One right each; every route and every socket command names exactly one."""

    PUBLIC = "public"  # anybody, signed in or not
    SESSION_USE = "session.use"  # whoever is signed in: me, logout
    CHAT_USE = "chat.use"  # a visitor in the one conversation of the token
    DESK_USE = "desk.use"  # work at a desk: own status, offers, own conversations
    INTERACTIONS_READ = "interactions.read"
    CONTACTS_READ = "contacts.read"
    CONTACTS_WRITE = "contacts.write"
    AGENTS_READ = "agents.read"
    AGENTS_MANAGE = "agents.manage"  # status and skills of others
    QUEUES_READ = "queues.read"
    QUEUES_MANAGE = "queues.manage"  # queues, skills, calendars, dispositions
    ROUTING_ASSIGN = "routing.assign"  # push, move and transfer any interaction
    WALLBOARD_READ = "wallboard.read"
    CALLS_READ = "calls.read"
    RECORDINGS_PLAY = "recordings.play"
    RECORDINGS_HEALTH = "recordings.health"  # play those of health matters too
    RECORDINGS_MANAGE = "recordings.manage"  # legal hold, deletion
    DEMO_CONTROL = "demo.control"
    USERS_MANAGE = "users.manage"  # invite, change and disable users; teams
    ROLES_MANAGE = "roles.manage"
    AUDIT_READ = "audit.read"
    PRIVACY_MANAGE = "privacy.manage"  # export and erase a person's data
    CUSTOMERS_READ = "customers.read"  # one's own file; with customers.all everybody's
    CUSTOMERS_ALL = "customers.all"
    CUSTOMERS_WRITE = "customers.write"  # files of one's team's portfolio, or of who one talks to
    PORTFOLIOS_ALL = "portfolios.all"  # every portfolio; merge and delete
    CLAIMS_DECIDE = "claims.decide"  # under an insurer's delegated authority, up to a limit
    TASKS_USE = "tasks.use"
    WORKFLOWS_READ = "workflows.read"
    WORKFLOWS_MANAGE = "workflows.manage"


PUBLIC: Final = Permission.PUBLIC

_CUSTOMER = frozenset({Permission.SESSION_USE, Permission.CUSTOMERS_READ})
_OFFICE = _CUSTOMER | {
    Permission.INTERACTIONS_READ,
    Permission.CONTACTS_READ,
    Permission.AGENTS_READ,
    Permission.QUEUES_READ,
    Permission.CUSTOMERS_ALL,
    Permission.CUSTOMERS_WRITE,
    Permission.TASKS_USE,
    Permission.WORKFLOWS_READ,
}
_ADJUSTER = _OFFICE | {Permission.CLAIMS_DECIDE}
_AGENT = _OFFICE | {
    Permission.DESK_USE,
    Permission.CONTACTS_WRITE,
    Permission.CALLS_READ,
    Permission.RECORDINGS_PLAY,
}
_SUPERVISOR = _AGENT | {
    Permission.PORTFOLIOS_ALL,
    Permission.CLAIMS_DECIDE,
    Permission.WORKFLOWS_MANAGE,
    Permission.AGENTS_MANAGE,
    Permission.QUEUES_MANAGE,
    Permission.ROUTING_ASSIGN,
    Permission.WALLBOARD_READ,
    Permission.RECORDINGS_MANAGE,
    Permission.DEMO_CONTROL,
}
_ADMIN = _SUPERVISOR | {
    Permission.USERS_MANAGE,
    Permission.ROLES_MANAGE,
    Permission.AUDIT_READ,
    Permission.PRIVACY_MANAGE,
    Permission.RECORDINGS_HEALTH,
}

ROLE_PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = MappingProxyType(
    {
        "customer": _CUSTOMER,
        "adjuster": _ADJUSTER,
        "agent": _AGENT,
        "supervisor": _SUPERVISOR,
        "admin": _ADMIN,
    }
)
"""Built-in role → permissions."""

UNVERIFIED: Final = frozenset({Permission.SESSION_USE})
"""All that a user may do whose address is not verified yet."""

GRANTABLE: Final = frozenset(Permission) - {Permission.PUBLIC, Permission.CHAT_USE}
"""What a custom role can be made of."""


def permissions_of(role: str, custom: Iterable[str] | None) -> frozenset[Permission]:
    """A role's permissions: of a built-in one by its name, else those that are stored. A stored
    name that is not known (any more) grants nothing."""
    if custom is None:
        return ROLE_PERMISSIONS.get(role, frozenset())
    known = {str(permission) for permission in GRANTABLE}
    return frozenset(Permission(name) for name in custom if name in known) | UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever acts: a signed-in user, a visitor bound to one conversation, or the system."""

    kind: Literal["user", "visitor", "system", "anonymous"]
    permissions: frozenset[Permission] = frozenset()
    user_id: UUID | None = None
    session_id: UUID | None = None
    agent_id: UUID | None = None  # the user's agent row, if there is one
    role: str | None = None
    conversation_id: UUID | None = None  # of a visitor
    queues: frozenset[str] | None = None  # what its rights are limited to; None: not limited
    teams: frozenset[str] | None = None

    actor: str = field(init=False, compare=False)
    """How logs and the event log name it: `agent:<id>`, `user:<id>`, `visitor:<id>`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "actor", self._name())

    def _name(self) -> str:
        if self.agent_id is not None:
            return f"agent:{self.agent_id}"
        if self.user_id is not None:
            return f"user:{self.user_id}"
        if self.conversation_id is not None:
            return f"visitor:{self.conversation_id}"
        return self.kind

    def may(self, permission: Permission) -> bool:
        return permission is PUBLIC or permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless it may."""
        if not self.may(permission):
            raise Forbidden

    @property
    def is_limited(self) -> bool:
        """Whether its rights end at some queues or teams."""
        return self.queues is not None or self.teams is not None

    def sees_queue(self, key: str | None) -> bool:
        """Whether its rights reach the queue; what is in no queue is everybody's."""
        return self.queues is None or key is None or key in self.queues

    def sees_team(self, key: str | None) -> bool:
        """Whether its rights reach the team; who is in no team is out of reach of a limited one."""
        return self.teams is None or key in self.teams

    def agent(self) -> UUID:
        """The id of its agent row; Forbidden for whoever has none."""
        if self.agent_id is None:
            raise Forbidden("Only an agent can do this.")
        return self.agent_id

    def conversation(self) -> UUID:
        """The one conversation of a visitor; Forbidden for anybody else."""
        if self.conversation_id is None:
            raise Forbidden("Only the visitor of a conversation can do this.")
        return self.conversation_id


ANONYMOUS: Final = Principal(kind="anonymous")
SYSTEM: Final = Principal(kind="system", permissions=frozenset(Permission))


class Authenticator(Protocol):
    """Tells one kind of token from the others and says who holds it."""

    def remembered(self, token: str) -> Principal | None:
        """The holder of a token that is known to be good, without a question; None where that is
        not known: `principal_of` says."""
        ...

    async def principal_of(self, token: str) -> Principal | None:
        """The token's holder; None when the token is of another kind.

        Raises Unauthenticated for a token of this kind that is worth nothing.
        """
        ...


class Authenticators:
    """Several kinds of token behind one door: the first that knows the token decides."""

    def __init__(self, *known: Authenticator) -> None:
        self._known = known

    def remembered(self, token: str) -> Principal | None:
        for authenticator in self._known:
            principal = authenticator.remembered(token)
            if principal is not None:
                return principal
        return None

    async def principal_of(self, token: str) -> Principal | None:
        for authenticator in self._known:
            principal = await authenticator.principal_of(token)
            if principal is not None:
                return principal
        return None
