"""Facts that begin workflows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from contactcenter.core.durable import Listener
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import Work
from crm.workflows.runner import WorkflowRunner

PREFIXES = ("customer.", "policy.", "receipt.", "claim.", "quote.", "task.", "interaction.")
"""Areas whose facts can begin a workflow; a run's own facts cannot."""


def triggers(catalogue: Iterable[type[Event]]) -> tuple[type[Event], ...]:
    return tuple(cls for cls in catalogue if cls.name.startswith(PREFIXES))


def listeners(workflows: WorkflowRunner, catalogue: Iterable[type[Event]]) -> tuple[Listener, ...]:
    async def begin(work: Work, recorded: Recorded) -> None:
        if recorded.origin == "import":
            return
        event = recorded.event
        data = {
            field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)
        }
        await workflows.heard(work, event.name, recorded.position.id, data, recorded.actor)

    return (Listener("crm.workflows", triggers(catalogue), begin),)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
