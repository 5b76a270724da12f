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

    user_id: UUID
    session_id: UUID
    cause: str  # logout, reuse, revoked, disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    """A user's role or status changed; cached permissions are dropped."""

    name: ClassVar[str] = "user.changed"
    subject_field: ClassVar[str] = "user_id"

    user_id: UUID
