"""Tasks at the border."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Moment
from crm.schemas import Day, Extra, Label, Long, Page, Present, Shown, Tags, Written
from crm.tasks.model import Priority, Status


class TaskEdit(Written):
    """What PATCH changes: what is given."""

    title: Annotated[Label | None, Present] = None
    description: Long | None = None
    priority: Priority = "medium"
    assigned_to: UUID | None = None
    """A user."""
    assigned_agent: UUID | None = None
    due_date: Moment | None = None
    status: Annotated[Literal["pending", "in_progress"] | None, Present] = None
    metadata: Extra = Field(default_factory=dict)
    tags: Tags = Field(default_factory=list)


class TaskNew(TaskEdit):
    title: Label
    task_type: Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,49}$")] = "general"
    received_on: Day | None = None
    """Of a complaint: from here the law counts."""
    customer_id: UUID | None = None
    policy_id: UUID | None = None
    claim_id: UUID | None = None
    quote_id: UUID | None = None
    interaction_id: UUID | None = None

    @model_validator(mode="after")
    def _complaint_is_dated(self) -> TaskNew:
        if (self.task_type == "complaint") != (self.received_on is not None):
            raise PydanticCustomError("received_on", "A complaint has a day of receipt.")
        return self


class ComplaintOut(Shown):
    due_on: date
    regime: Literal["sector", "customer_service"]
    working_day: int
    of: int


May = Literal["edit", "take", "complete", "cancel"]


class TaskOut(Shown):
    task_id: UUID
    may: list[May]
    """What the asker may do with it as it is."""
    title: str
    description: str | None
    task_type: str
    priority: Priority
    status: Status
    assigned_to: UUID | None
    assigned_agent: UUID | None
    assignee_name: str | None
    customer_id: UUID | None
    customer_name: str | None
    policy_id: UUID | None
    claim_id: UUID | None
    quote_id: UUID | None
    interaction_id: UUID | None
    due_date: datetime | None
    overdue: bool
    received_on: date | None
    complaint: ComplaintOut | None
    completed_at: datetime | None
    metadata: dict[str, Any]
    tags: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class TaskPage(Shown):
    items: list[TaskOut]
    next_cursor: str | None


class DueTasks(Shown):
    """One's own that are open: how many are late, and how many are due in what is left of today."""

    overdue: int
    today: int


class TaskQuery(Page):
    """`due`: overdue, or due on the centre's today. `mine`: of the asker. `sort`: newest first,
    what is due first, or only what is done, what was done last first."""

    mine: bool = False
    status: Status | None = None
    open: bool | None = None
    due: Literal["overdue", "today"] | None = None
    sort: Literal["created", "due", "completed"] = "created"
    assigned_to: UUID | None = None
    assigned_agent: UUID | None = None
    customer_id: UUID | None = None
    claim_id: UUID | None = None
    policy_id: UUID | None = None
    task_type: Annotated[str, Field(max_length=50)] | None = None
