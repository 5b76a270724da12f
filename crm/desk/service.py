"""Advice for whoever queues a contact: read in the enqueuing transaction, stored with the visit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.interactions import service as hall
from crm.customers import files as customers
from crm.days import add_months, working_days_between
from crm.desk import store
from crm.desk.model import Advice, Known, advise, advise_any
from crm.policies.model import renewal_calendar
from db import Connection, Record

PEOPLE: Final = ("handler", "handler_deputy", "manager", "manager_deputy", "issuer", "complaint")
GRACE: Final = 1


async def advise_contact(
    conn: Connection,
    contact_id: UUID,
    queue: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    said: Mapping[str, Any] | None = None,
) -> Advice:
    """How a contact is to be routed. `said`: what they chose or proved (facts of desk.model), for
    example {"key": "claim", "language": "ca"}."""
    contact = await hall.contact(conn, contact_id)
    ids: set[UUID] = set()
    if contact is not None and contact.customer_id is not None:
        ids = {contact.customer_id}
    elif contact is not None:
        for address in contact.addresses:
            ids.update(await customers.identify(conn, address.kind, address.address))
    return (await advise_customers(conn, ids, queue, now=now, zone=zone, said=said))[0]


async def advise_customers(
    conn: Connection,
    customer_ids: Collection[UUID],
    queue: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    said: Mapping[str, Any] | None = None,
) -> tuple[Advice, dict[str, Any]]:
    """Advice for whoever is one of these, and what is known of them when it is only one."""
    given = dict(said or {})
    if not customer_ids:
        return advise(Known(queue, {**given, "identified": False})), {}
    today = now.astimezone(zone).date()
    rows = await store.known(conn, sorted(customer_ids), today, now)
    if not rows:
        return advise(Known(queue, {**given, "identified": False})), {}
    local = await store.holidays(conn)
    people = [row[part] for row in rows for part in PEOPLE if row[part] is not None]
    here = await store.here(conn, people)
    knowns = [
        Known(
            queue,
            {**_facts(row, today, local), **given, "ambiguous": len(rows) > 1},
            {part: row[part] for part in PEOPLE if row[part] is not None},
            here,
        )
        for row in rows
    ]
    return advise_any(knowns), dict(knowns[0].facts) if len(knowns) == 1 else {}


def _facts(row: Record, today: date, local: frozenset[date]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "identified": True,
        "segment": row["segment"],
        "company": True if row["kind"] == "company" else None,
        "claim_line": row["claim_line"],
        "claim_contacts": row["contacts_7_days"],
    }
    if row["term_end"] is not None:
        dates = renewal_calendar(row["term_end"], row["notice_months"], local)
        facts["renewal_days"] = (row["term_end"] - today).days
        facts["renewal_open"] = today <= dates.our_last_day
        facts["last_safe_day"] = dates.our_last_day
    facts["unpaid_since"] = row["due_on"]
    if row["due_on"] is not None and row["unpaid_first"]:
        facts["first_receipt"] = True
    elif row["due_on"] is not None:
        facts["receipt_days"] = (today - row["due_on"]).days
        grace = add_months(row["due_on"], GRACE) + timedelta(days=1)
        facts["suspended"] = today >= grace
    if row["complaint_since"] is not None:
        facts["complaint_day"] = working_days_between(row["complaint_since"], today, local)
    return facts
