"""Facts about tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "task_id"

    task_id: UUID
    customer_id: UUID | None
    assigned_to: UUID | None
    assigned_agent: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreated(_Task):
    name: ClassVar[str] = "task.created"

    task_type: str
    priority: str
    due_date: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdated(_Task):
    name: ClassVar[str] = "task.updated"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCompleted(_Task):
    name: ClassVar[str] = "task.completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancelled(_Task):
    name: ClassVar[str] = "task.cancelled"
