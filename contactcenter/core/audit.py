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

SECRETS: Final = frozenset({"password", "secret", "token", "hash", "totp", "code", "api_key"})
SECRET_ENDS: Final = (
    *("_password", "_secret", "_token", "_hash", "_totp"),
    *("recovery_code", "recovery_codes", "_api_key", "private_key", "encryption_key"),
)
"""Names of fields that hold a secret, and ends of such names. A `code` is one that proves who
somebody is; that of a place, of a bank or of an insurer is none, nor is a thing's `key`."""


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
    """The same, with the values of secret fields replaced; in nested objects and lists too."""
    if values is None:
        return None
    return {name: "…" if _hidden(name, value) else _shown(value) for name, value in values.items()}


@functools.lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    name = name.lower()
    return name in SECRETS or name.endswith(SECRET_ENDS)


def _hidden(name: str, value: Any) -> bool:
    return value is not None and _is_secret(name)


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_secrets(value)
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value
