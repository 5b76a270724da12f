"""A claim's file: finding it, giving it a handler, writing it. For the whole room."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.errors import NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.claims import ClaimAssigned, ClaimUpdated
from crm.claims import store
from crm.claims.model import CLOSED, HANDLER_SKILLS, choose_handler
from crm.customers.model import search_text
from crm.policies import files as policies
from db import Connection, Record


async def the_claim(
    conn: Connection, claim_id: UUID, *, own: UUID | None = None, lock: bool = False
) -> Record:
    if lock:
        await store.lock(conn, claim_id)
    row = await store.find(conn, claim_id, own)
    if row is None:
        raise NotFound
    return row


async def assign(work: Work, claim_id: UUID, zone: ZoneInfo) -> UUID | None:
    """Give a claim without a handler one; nothing happens to one that has."""
    row = await the_claim(work.conn, claim_id, lock=True)
    if row["adjuster_id"] is not None or row["status"] in CLOSED:
        return row["adjuster_id"]  # type: ignore[no-any-return]
    skill, today = HANDLER_SKILLS[row["policy_type"]], work.now.astimezone(zone).date()
    chosen = choose_handler(await store.handlers(work.conn, skill, today))
    if chosen is None:
        return None
    await store.update(work.conn, claim_id, {"adjuster_id": chosen[0]}, work.now, None)
    await add_event(work, claim_id, "assigned", after=str(chosen[0]))
    work.emit(ClaimAssigned(**ids(row), adjuster_id=chosen[0], cause=chosen[1]))
    work.audit(
        "claim.assigned",
        "claim",
        claim_id,
        before={"adjuster_id": None},
        after={"adjuster_id": chosen[0]},
        person=row["customer_id"],
    )
    return chosen[0]


async def change(work: Work, row: Record, given: Mapping[str, Any], *, by: UUID | None) -> None:
    """Set what is given, and checked, of a locked claim; nothing happens when nothing changes."""
    changes = {name: value for name, value in given.items() if row[name] != value}
    if not changes:
        return
    if "reserve" in changes:
        before = None if row["reserve"] is None else str(row["reserve"])
        await add_event(work, row["id"], "reserve", before=before, amount=changes["reserve"])
    await update(work, row, changes, by=by)
    work.emit(ClaimUpdated(**ids(row), fields=tuple(sorted(changes))))


async def update(work: Work, row: Record, changes: Mapping[str, Any], *, by: UUID | None) -> None:
    policy = await policies.the_policy(work.conn, row["policy_id"])
    text = searched({**dict(row), **changes}, policy["vehicle_plate"])
    await store.update(work.conn, row["id"], {**changes, "search_text": text}, work.now, by)
    work.audit(
        work.name,
        "claim",
        row["id"],
        before={name: row[name] for name in changes},
        after=dict(changes),
        person=row["customer_id"],
    )


async def add_event(
    work: Work,
    claim_id: UUID,
    kind: str,
    *,
    before: str | None = None,
    after: str | None = None,
    amount: Decimal | None = None,
    note: str = "",
) -> None:
    await store.add_event(
        work.conn, new_id(), claim_id, kind, before, after, amount, note, work.actor, work.now
    )


def searched(values: Mapping[str, Any], plate: str | None) -> str:
    motor = values.get("motor") or {}
    return search_text(
        [values["claim_number"], values.get("insurer_reference"), plate, motor.get("other_plate")]
    )


def ids(row: Record) -> dict[str, UUID]:
    return {
        "claim_id": row["id"],
        "customer_id": row["customer_id"],
        "policy_id": row["policy_id"],
    }
