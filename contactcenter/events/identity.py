"""Facts about users and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A user signed in."""

    name: ClassVar[str] = "session.started"
    subject_field: ClassVar[str] = "user_id"

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session ended: its sockets are dropped and its tokens are worth nothing."""

    name: ClassVar[str] = "session.ended"
    subject_field: ClassVar[str] = "user_id"
    urgent: ClassVar[bool] = True

    user_id: UUID
    session_id: UUID
    cause: str  # logout, reuse, revoked, disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """A user's role or status changed; cached permissions are dropped."""

    name: ClassVar[str] = "user.changed"
    subject_field: ClassVar[str] = "user_id"
    urgent: ClassVar[bool] = True

    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserProfileChanged(Event):
    """What a user is called and how they sign in changed, not what they may do."""

    name: ClassVar[str] = "user.profile_changed"
    subject_field: ClassVar[str] = "user_id"

    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered(Event):
    """Somebody made an account, or accepted an invitation."""

    name: ClassVar[str] = "user.registered"
    subject_field: ClassVar[str] = "user_id"

    user_id: UUID
    how: str  # form, invitation, or the provider's name


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleChanged(Event):
    """A role's permissions changed, or a custom role came or went."""

    name: ClassVar[str] = "role.changed"
    subject_field: ClassVar[str] = "role"

    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecorded(Event):
    """A row of the audit log was written; it is linked in this order."""

    name: ClassVar[str] = "audit.recorded"
    subject_field: ClassVar[str] = "audit_id"

    audit_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Event):
    """A user's, a contact's or a customer's personal data was erased."""

    name: ClassVar[str] = "person.erased"
    subject_field: ClassVar[str] = "person"

    person: UUID
