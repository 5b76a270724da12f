"""PURE. What figures ask of a queue and of a forecast; `ports` says who hands them over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class QueueInfo(Protocol):
    """A queue as figures see it: names, the skill of its members, limits and goals."""

    @property
    def key(self) -> str: ...
    @property
    def name_es(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def skill(self) -> str: ...
    @property
    def target_ms(self) -> Mapping[str, int]:
        """Channel → longest wait that is in time."""

    @property
    def short_ms(self) -> int:
        """Abandoned sooner than this is short."""

    @property
    def goal_percent(self) -> int:
        """Service level to reach."""

    @property
    def abandon_percent(self) -> int:
        """Abandonment not to exceed."""

    @property
    def unreadable(self) -> bool:
        """Nothing of it is offered: its configuration cannot be read."""


class Expected(Protocol):
    """Contacts foreseen for one half hour of one queue and channel."""

    @property
    def start(self) -> datetime: ...
    @property
    def queue(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def contacts(self) -> float: ...
