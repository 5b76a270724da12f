"""PURE. A visit as the core holds it, as a row keeps it, and as its event tells it.

What most visits do not have (preferred agents, a transfer's target, own steps) goes into one
json object, `work_items.routing`, so that an ordinary row is narrow and quick to read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.moments import from_ms, to_ms
from contactcenter.events.interactions import InteractionQueued, InteractionReadvised
from routing.core.model import (
    Band,
    Channel,
    Disposal,
    Entry,
    OpenWork,
    Requirement,
    RoutingStep,
    SkipIf,
    WorkItem,
)

_EXTRAS: Final = (
    "preferred",
    "preferred_ms",
    "direct_to",
    "return_to",
    "return_at",
    "front",
    "takes_over",
    "shuns",
    "due_at",
    "overflowed",
    "readvised",
)


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A row of `work_items`."""

    id: UUID
    interaction_id: UUID
    contact_id: UUID
    queue: str
    channel: str
    entry: str
    state: str
    outcome: str | None
    band: int
    base: int
    boost: int
    target_ms: int
    cost: int
    virtual_start: datetime
    entered_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    round: int
    step: int | None
    step_until: datetime | None
    message_offered: bool
    routing: dict[str, Any]


def disposal_row(how: Disposal | None) -> dict[str, object] | None:
    """What becomes of open work, as `agents.after_this_open` keeps it."""
    if how is None:
        return None
    return {
        "open": how.open_work.value,
        "snooze_until": how.snooze_until,
        "hand_over_to": how.hand_over_to,
    }


def disposal(row: Mapping[str, Any] | None) -> Disposal | None:
    """Read `disposal_row` back."""
    if row is None:
        return None
    return Disposal(OpenWork(row["open"]), row["snooze_until"], row["hand_over_to"])


def extras(item: WorkItem) -> dict[str, Any]:
    """What the row's columns do not hold; {} for an ordinary visit."""
    found = {name: value for name in _EXTRAS if (value := getattr(item, name))}
    if item.steps is not None:
        found["steps"] = [
            {
                "require": [[r.skill, r.min, r.weight] for r in step.require],
                "prefer": [[r.skill, r.min, r.weight] for r in step.prefer],
                "agents": step.agents,
                "for_ms": step.for_ms,
                "skip_if": step.skip_if.value,
            }
            for step in item.steps
        ]
    return found


def from_extras(found: Mapping[str, Any]) -> dict[str, Any]:
    """Read `extras` back: keyword arguments of a WorkItem."""
    values = {name: found[name] for name in _EXTRAS if name in found}
    for name in ("preferred", "shuns", "overflowed", "readvised"):
        if name in values:
            values[name] = tuple(values[name])
    if "steps" in found:
        values["steps"] = tuple(
            RoutingStep(
                require=tuple(Requirement(*r) for r in step["require"]),
                prefer=tuple(Requirement(*r) for r in step["prefer"]),
                agents=None if step["agents"] is None else tuple(step["agents"]),
                for_ms=step["for_ms"],
                skip_if=SkipIf(step["skip_if"]),
            )
            for step in found["steps"]
        )
    return values


def row_of(item: WorkItem, contact_id: UUID) -> VisitRow:
    """The row that begins the visit."""
    return VisitRow(
        id=UUID(item.id),
        interaction_id=UUID(item.interaction),
        contact_id=contact_id,
        queue=item.queue,
        channel=item.channel.value,
        entry=item.entry.value,
        state="queued",
        outcome=None,
        band=item.band.value,
        base=item.base,
        boost=item.boost,
        target_ms=item.target_ms,
        cost=item.cost,
        virtual_start=from_ms(item.virtual_start),
        entered_at=from_ms(item.entered_at),
        answered_at=None,
        ended_at=None,
        round=1,
        step=None,
        step_until=None,
        message_offered=False,
        routing=extras(item),
    )


def item_of_row(row: VisitRow) -> WorkItem:
    return WorkItem(
        id=str(row.id),
        interaction=str(row.interaction_id),
        queue=row.queue,
        channel=Channel(row.channel),
        band=Band(row.band),
        base=row.base,
        boost=row.boost,
        target_ms=row.target_ms,
        cost=row.cost,
        virtual_start=to_ms(row.virtual_start),
        entered_at=to_ms(row.entered_at),
        entry=Entry(row.entry),
        **from_extras(row.routing),
    )


def event_of(item: WorkItem, contact_id: UUID) -> InteractionQueued:
    """The fact that the visit began: all the router needs to take it up."""
    return InteractionQueued(
        interaction_id=UUID(item.interaction),
        work_item_id=UUID(item.id),
        queue=item.queue,
        channel=item.channel.value,
        entry=item.entry.value,
        band=item.band.value,
        base=item.base,
        virtual_start=from_ms(item.virtual_start),
        entered_at=from_ms(item.entered_at),
        cost=item.cost,
        contact_id=contact_id,
        routing={"boost": item.boost, "target_ms": item.target_ms, **extras(item)},
    )


def readvised_of(visit: VisitRow, item: WorkItem) -> InteractionReadvised:
    """The fact that the visit is as `item` has it by now, which says why."""
    assert item.readvised is not None
    cause, rule = item.readvised
    return InteractionReadvised(
        interaction_id=visit.interaction_id,
        work_item_id=visit.id,
        queue=item.queue,
        channel=item.channel.value,
        cause=cause,
        rule=rule,
        band=item.band.value,
        base=item.base,
        routing=extras(item),
    )


def item_of_event(event: InteractionQueued) -> WorkItem:
    return WorkItem(
        id=str(event.work_item_id),
        interaction=str(event.interaction_id),
        queue=event.queue,
        channel=Channel(event.channel),
        band=Band(event.band),
        base=event.base,
        boost=event.routing["boost"],
        target_ms=event.routing["target_ms"],
        cost=event.cost,
        virtual_start=to_ms(event.virtual_start),
        entered_at=to_ms(event.entered_at),
        entry=Entry(event.entry),
        **from_extras(event.routing),
    )
