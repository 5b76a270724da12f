"""What update_record changes, each checked as the border would check it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from contactcenter.core.errors import Conflict, Invalid
from contactcenter.core.validation import error_items
from contactcenter.core.work import Work
from crm.claims import files as claims
from crm.claims.schemas import ClaimEdit
from crm.customers import files as customers
from crm.customers.schemas import CustomerEdit
from crm.policies import files as policies
from crm.policies.schemas import PolicyEdit
from crm.quotes import service as quotes
from crm.quotes.schemas import QuoteEdit
from crm.tasks import service as tasks
from crm.tasks.schemas import TaskEdit
from db import Record

MOST_TAGS: Final = 30
LONGEST_NOTES: Final = 8000
_SHAPES: Final[Mapping[str, type[BaseModel]]] = {
    "customer": CustomerEdit,
    "policy": PolicyEdit,
    "claim": ClaimEdit,
    "quote": QuoteEdit,
    "task": TaskEdit,
}


async def change(work: Work, record: str, record_id: UUID, field: str, value: str) -> None:
    """Set one field of a record. Invalid for a value that its form would refuse, Conflict for a
    record that does not change any more, or whose customer's file is merged or closed (a claim and
    its tasks go on in a closed one). Files are held before what is in them."""
    match record:
        case "customer":
            row = await customers.the_customer(work.conn, record_id, lock=True)
            await customers.update(work, row, _given(record, field, value, row))
        case "policy":
            row = await customers.hold_owner(
                work.conn, lambda: policies.the_policy(work.conn, record_id)
            )
            await customers.the_customer(work.conn, row["customer_id"])
            row = await policies.the_policy(work.conn, record_id, lock=True)
            await policies.set_office(work, row, _given(record, field, value, row))
        case "claim":
            row = await customers.hold_owner(
                work.conn, lambda: claims.the_claim(work.conn, record_id)
            )
            await customers.the_customer(work.conn, row["customer_id"], closed=True)
            row = await claims.the_claim(work.conn, record_id, lock=True)
            await claims.change(work, row, _given(record, field, value, row), by=None)
        case "quote":
            row = await customers.hold_owner(
                work.conn, lambda: quotes.the_quote(work.conn, record_id)
            )
            await customers.the_customer(work.conn, row["customer_id"])
            row = await quotes.the_quote(work.conn, record_id, lock=True)
            await quotes.annotate(work, row, _given(record, field, value, row))
        case _:
            row = await tasks.the_task(work.conn, record_id)
            if row["customer_id"] is not None:
                row = await customers.hold_owner(
                    work.conn, lambda: tasks.the_task(work.conn, record_id)
                )
                late = row["claim_id"] is not None
                await customers.the_customer(work.conn, row["customer_id"], closed=late)
            row = await tasks.the_task(work.conn, record_id, lock=True)
            await tasks.change(work, row, _given(record, field, value, row), by=None)


def _given(record: str, field: str, value: str, row: Record) -> dict[str, Any]:
    given: dict[str, Any]
    if field == "add_tag":
        tag = value.strip()[:40]
        tags: list[str] = row["tags"]
        given = {"tags": tags if not tag or tag in tags or len(tags) >= MOST_TAGS else [*tags, tag]}
    elif field == "notes":
        given = {"notes": "\n".join(filter(None, [row["notes"], value]))[-LONGEST_NOTES:]}
    else:
        given = {field: value or None}
    try:
        checked = _SHAPES[record].model_validate(given)
    except ValidationError as error:
        raise Invalid(f"{field} cannot be that.", errors=error_items(error)) from error
    return checked.model_dump(exclude_unset=True)


def needs(record: str, record_id: UUID | None) -> UUID:
    """Conflict when the run is about no such record."""
    if record_id is None:
        raise Conflict(f"This run is about no {record}.")
    return record_id
