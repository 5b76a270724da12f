"""The base of every published fact, and the catalogue that names them all.

An event is a small frozen dataclass. It holds ids, states and numbers, never a
name, an address or a text somebody wrote: those are loaded by whoever shows
them, so erasing a person never rewrites the log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

# Who may be told of an event while it happens. The projector turns an audience
# into rooms: `agent` the agents the event is about, `team` everybody signed in
# at a desk, `queue` the members of the event's queue, `visitor` the customer's
# own conversation, `wallboard` supervisors. An empty set stays on the server.
Audience = Literal["agent", "team", "queue", "visitor", "wallboard"]

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class Position(NamedTuple):
    """A place in the log: commits are ordered by transaction, then by row."""

    xid: int
    id: int

    def cursor(self) -> str:
        """Fixed-width text whose alphabetical order is the log's order."""
        return f"{self.xid:016x}.{self.id:016x}"

    @classmethod
    def parse(cls, cursor: str) -> Position:
        """Read `cursor()` back. ValueError when the text is not one."""
        xid, dot, row = cursor.partition(".")
        if not dot:
            raise ValueError("not a log cursor")
        return cls(int(xid, 16), int(row, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A published fact. Subclasses name it, version it and say who may see it."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    audience: ClassVar[frozenset[Audience]] = frozenset()
    subject_field: ClassVar[str]
    urgent: ClassVar[bool] = False  # every node is told at the commit, besides the log

    @property
    def subject(self) -> str:
        """The id of the thing the event is about; events of one subject stay in order."""
        return str(getattr(self, self.subject_field))


class Catalogue:
    """Every event class by its name."""

    def __init__(self, classes: Iterable[type[Event]]) -> None:
        self._by_name: dict[str, type[Event]] = {}
        for cls in classes:
            if cls.name in self._by_name:
                raise ValueError(f"two events are called {cls.name}")
            self._by_name[cls.name] = cls

    def __getitem__(self, name: str) -> type[Event]:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._by_name.values())

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._by_name)


def spoken(class_name: str) -> str:
    """The event name that a class name stands for: ClaimCreated → claim.created."""
    first, *rest = _WORD.split(class_name)
    return f"{first.lower()}.{'_'.join(word.lower() for word in rest)}"
