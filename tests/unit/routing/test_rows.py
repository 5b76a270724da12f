"""A visit keeps everything on its way through a row and through an event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest

from contactcenter.core.eventlog import decoder
from contactcenter.events.interactions import InteractionQueued
from routing import rows
from routing.core.model import (
    Band,
    Channel,
    Entry,
    Requirement,
    RoutingStep,
    SkipIf,
    WorkItem,
)
from routing.snapshot import Seen

CONTACT = uuid4()
PLAIN = WorkItem(
    id=str(uuid4()),
    interaction=str(uuid4()),
    queue="SA",
    channel=Channel.CHAT,
    band=Band.LIVE,
    base=60,
    boost=40,
    target_ms=60_000,
    cost=25,
    virtual_start=1_763_891_400_123,
    entered_at=1_763_891_430_456,
)
RICH = replace(
    PLAIN,
    entry=Entry.TRANSFER,
    steps=(
        RoutingStep((Requirement("SA", 3),), (Requirement("CA", 2, 4),), ("x",), 30_000),
        RoutingStep(skip_if=SkipIf.NONE_AVAILABLE),
    ),
    preferred=("a", "b"),
    preferred_ms=30_000,
    direct_to="c",
    return_to="d",
    return_at=1_763_891_450_000,
    front=True,
    takes_over="e",
    due_at=1_763_895_000_000,
    overflowed=("SH", "PR"),
)


@pytest.mark.parametrize("item", [PLAIN, RICH])
def test_through_a_row(item: WorkItem) -> None:
    row = rows.row_of(item, CONTACT)
    stored = replace(row, routing=orjson.loads(orjson.dumps(row.routing)))
    assert rows.item_of_row(stored) == item
    assert (row.contact_id, row.id) == (CONTACT, UUID(item.id))


@pytest.mark.parametrize("item", [PLAIN, RICH])
def test_through_an_event(item: WorkItem) -> None:
    event = rows.event_of(item, CONTACT)
    back = decoder(InteractionQueued)(orjson.loads(orjson.dumps(event)))
    assert isinstance(back, InteractionQueued)
    assert rows.item_of_event(back) == item
    assert back.entered_at == datetime(2025, 11, 23, 9, 50, 30, 456000, tzinfo=UTC)


def test_an_ordinary_visit_is_a_narrow_row() -> None:
    assert rows.extras(PLAIN) == {}


def test_which_transactions_a_snapshot_contains() -> None:
    seen = Seen.parse("100:110:103,105")
    assert 99 in seen
    assert 100 in seen
    assert 103 not in seen
    assert 104 in seen
    assert 110 not in seen
    assert 7 in Seen.parse("8:8:")
