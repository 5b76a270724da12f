"""Workflows at the border."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from contactcenter.core.validation import Schema
from crm.schemas import Extra, Label, Page, Present, Shown, Text
from crm.workflows.model import StepType

TriggerType = Literal["manual", "event", "scheduled"]
RunStatus = Literal["running", "waiting", "completed", "failed", "cancelled"]


class StepIn(Schema):
    """crm.workflows.model says what a step's config holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    type: StepType
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None
    condition: str | None = Field(default=None, max_length=500, alias="if")
    config: Extra = Field(default_factory=dict)


Steps = Annotated[list[StepIn], Field(min_length=1, max_length=50)]


class WorkflowEdit(Schema):
    """What PATCH changes: what is given. Runs that have begun keep their version."""

    name: Annotated[Label | None, Present] = None
    description: Text | None = None
    trigger_type: Annotated[TriggerType | None, Present] = None
    trigger_config: Annotated[Extra | None, Present] = None
    """event: {"event": a name of the catalogue, "if": a condition}. scheduled: {"every_minutes"} or
    {"daily_at", "weekdays"}. manual: {}."""
    steps: Annotated[Steps | None, Present] = None
    active: Annotated[bool | None, Present] = None


class WorkflowNew(WorkflowEdit):
    name: Label
    trigger_type: TriggerType
    trigger_config: Extra = Field(default_factory=dict)
    steps: Steps
    active: bool = True


class WorkflowRow(Shown):
    workflow_id: UUID
    name: str
    description: str | None
    trigger_type: TriggerType
    trigger_config: dict[str, Any]
    active: bool
    execution_count: int
    last_executed_at: datetime | None
    next_run_at: datetime | None
    version: int
    created_at: datetime


class WorkflowOut(WorkflowRow):
    steps: list[dict[str, Any]]
    signed: bool
    """It has a secret that its webhooks are signed with."""
    updated_at: datetime


class WorkflowPage(Shown):
    items: list[WorkflowRow]
    next_cursor: str | None


class WorkflowQuery(Page):
    active: bool | None = None
    trigger_type: TriggerType | None = None


class ExecuteIn(Schema):
    """What the run is about."""

    customer_id: UUID | None = None
    policy_id: UUID | None = None
    claim_id: UUID | None = None
    quote_id: UUID | None = None
    interaction_id: UUID | None = None
    data: Extra = Field(default_factory=dict)


class SecretOut(Shown):
    """Shown once; a new one takes the old one's place. Signatures follow Standard Webhooks."""

    secret: str


class ExecutionRow(Shown):
    execution_id: UUID
    workflow_id: UUID
    version: int
    status: RunStatus
    steps_completed: int
    steps_total: int
    error_message: str | None
    wake_at: datetime | None
    started_at: datetime
    completed_at: datetime | None


class StepRun(Shown):
    number: int
    step: int
    type: str
    status: Literal["waiting", "done", "failed", "passed"]
    """passed: its `if` did not hold."""
    result: dict[str, Any] | None
    """Of a condition_check {"went": "then" or "else"}; of others what they have made or changed."""
    error: str | None
    started_at: datetime
    ended_at: datetime | None


class ExecutionOut(ExecutionRow):
    trigger_data: dict[str, Any]
    results: dict[str, Any]
    definition: list[dict[str, Any]]
    """The steps of the version that it runs."""
    steps: list[StepRun]


class ExecutionPage(Shown):
    items: list[ExecutionRow]
    next_cursor: str | None
