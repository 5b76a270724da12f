"""Facts about runs of workflows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "execution_id"

    execution_id: UUID
    workflow_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStarted(_Run):
    name: ClassVar[str] = "workflow.started"

    trigger: str  # manual, event, scheduled


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCompleted(_Run):
    name: ClassVar[str] = "workflow.completed"

    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFailed(_Run):
    name: ClassVar[str] = "workflow.failed"

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCancelled(_Run):
    name: ClassVar[str] = "workflow.cancelled"
