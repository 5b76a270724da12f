"""Queues, skills, calendars and dispositions as they are shown and edited."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Label = Annotated[str, Field(min_length=1, max_length=80)]
Strategy = Literal[
    "longest_idle",
    "round_robin",
    "least_occupied",
    "fewest_calls",
    "least_talk",
    "linear",
    "random",
    "ring_all",
    "best_skill",
    "preferred_first",
]


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SkillEdit(_Edit):
    name_es: Label
    name_en: Label


class SkillNew(SkillEdit):
    key: Key


class Skill(_Shown):
    key: str
    name_es: str
    name_en: str


class SkillList(_Shown):
    items: list[Skill]
    next_cursor: None = None


class CalendarEdit(_Edit):
    """`weekly`: mon … sun → [["09:00", "14:00"], …]; `exceptions`: see the opening hours' page."""

    timezone: Annotated[str, Field(max_length=60)] | None = None
    weekly: dict[str, Any]
    exceptions: Annotated[list[dict[str, Any]], Field(max_length=400)] = []


class CalendarNew(CalendarEdit):
    key: Key


class CalendarCard(_Shown):
    key: str
    timezone: str | None
    weekly: dict[str, Any]
    exceptions: list[dict[str, Any]]
    version: int


class CalendarList(_Shown):
    items: list[CalendarCard]
    next_cursor: None = None


class QueueEdit(_Edit):
    """`config` has the form of config/defaults: steps, channels, preferred_s, handle_s."""

    name_es: Label
    name_en: Label
    skill: Key
    calendar: Key
    strategy: Strategy = "longest_idle"
    config: dict[str, Any] = {}
    ordinal: Annotated[int, Field(ge=0, le=10_000)] = 0
    retired: bool = False


class QueueNew(QueueEdit):
    key: Key


class QueueCard(_Shown):
    key: str
    name_es: str
    name_en: str
    skill: str
    calendar: str
    strategy: Strategy
    config: dict[str, Any]
    ordinal: int
    retired: bool
    version: int
    members: list[UUID]
    """Agents with the queue's skill."""


class QueueList(_Shown):
    items: list[QueueCard]
    next_cursor: None = None


class DispositionEdit(_Edit):
    label_es: Label
    label_en: Label
    queue: Key | None = None
    ordinal: Annotated[int, Field(ge=0, le=10_000)] = 0
    retired: bool = False


class DispositionNew(DispositionEdit):
    key: Key


class Disposition(_Shown):
    """What work is closed with. `queue` None: in every queue. Lists go by `ordinal`, and a desk
    offers those of a queue that are not `retired`."""

    key: str
    label_es: str
    label_en: str
    queue: str | None
    ordinal: int
    retired: bool
    version: int


class DispositionList(_Shown):
    items: list[Disposition]
    next_cursor: None = None
