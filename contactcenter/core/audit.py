"""Who did what to whose data: notes that a unit of work leaves with its commit.

    work.audit("user.changed", "user", user_id, before=..., after=..., person=user_id)

A change that a signed-in user makes over HTTP or by a socket's command and that leaves no note of
its own is noted by the border, so that each leaves at least one. `Journal` writes them down.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import db
from contactcenter.core.event import Event

SECRET_WORDS: Final = ("password", "secret", "token", "code", "hash", "key")


@dataclass(slots=True)
class Asker:
    """The request or command behind a unit of work: from where it came and what it is about."""

    address: str
    user_agent: str
    user_id: UUID | None = None
    resource_type: str = ""
    resource_id: str = ""
    changes: bool = False  # a signed-in user's request that changes something
    noted: bool = False  # and a note of it is committed


asker: ContextVar[Asker | None] = ContextVar("asker", default=None)
"""Set by the borders."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing done. `person` is whose data `before` and `after` hold, if anybody's."""

    action: str
    resource_type: str
    resource_id: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Notes ready to be written: facts, and the statement that appends these and writes those."""

    events: list[Event]
    statement: str  # eventlog.APPEND with the notes' own INSERT in it
    args: tuple[Any, ...]  # its parameters beyond those of eventlog.APPEND


class Journal(Protocol):
    """Writes notes in the transaction of what they tell."""

    async def prepare(
        self,
        conn: db.Connection,
        notes: Sequence[Note],
        *,
        actor: str,
        request: Asker | None,
        now: datetime,
    ) -> Written:
        """Make them ready: they go with the unit's events in one statement, at its end."""
        ...


def without_secrets(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The same, with the values of secret fields replaced; nested objects too."""
    if values is None:
        return None
    return {name: _shown(name, value) for name, value in values.items()}


@functools.lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)


def _shown(name: str, value: Any) -> Any:
    if value is not None and _is_secret(name):
        return "…"
    return without_secrets(value) if isinstance(value, Mapping) else value
