"""Advice for whoever queues a contact: read in the enqueuing transaction, stored with the visit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from contactcenter.core.work import Work
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Contact
from crm import sql
from crm.customers import files as customers
from crm.days import working_days_between
from crm.desk import store
from crm.desk.model import PEOPLE, Advice, Known, advise, advise_any
from crm.law import Law
from crm.policies.coverage import Premium, extinct_at, grace_ends
from crm.policies.model import renewal_calendar
from crm.tasks import service as tasks
from db import Connection, Record

PARTS: Final = ("handler", "handler_deputy", "manager", "manager_deputy", "issuer", "complaint")
CLUSTER: Final = 15
"""So many claims of one cause in one postcode within 24 hours are a catastrophe of their own."""
PERILS: Final = frozenset({"hail", "flood", "extraordinary_wind", "earthquake", "volcano"})

MORNING: Final = time(9)
FOLLOW_UP: Final = {
    "es": "Urgencia pasada a asistencia: llamar y abrir el siniestro",
    "en": "Emergency passed to assistance: call and open the claim",
}

KEYS: Final = {"SA": "claim", "SH": "claim", "PR": "receipts", "CO": "new"}
"""What choosing a queue says where there is no menu to press a key in: a page's list, a number."""


class ContactAdviser:
    """Tells routing, in the enqueuing transaction, how a contact is to be routed."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    async def advise(
        self,
        conn: Connection,
        contact_id: UUID,
        interaction_id: UUID,
        queue: str,
        *,
        now: datetime,
        said: Mapping[str, Any],
    ) -> Advice | None:
        """None: nothing is known that a rule speaks of."""
        advice = await advise_contact(
            conn, contact_id, queue, now=now, zone=self._zone, said=said,
            interaction_id=interaction_id,
        )  # fmt: skip
        return advice if advice.rule or advice.banner else None

    async def is_back(
        self, conn: Connection, contact_id: UUID, interaction_id: UUID, left: UUID
    ) -> bool:
        """Where several on file have the contact's address, only whoever proved in both to be the
        same of them is the one who left."""
        contact = await hall.contact(conn, contact_id)
        if contact is None or contact.verified or len(await _having(conn, contact)) < 2:
            return True
        return await store.proved_alike(conn, interaction_id, left)

    async def follow(
        self, work: Work, contact_id: UUID, interaction_id: UUID, advice: Advice
    ) -> None:
        """Make the task that an advice asks for: by nine the next morning, of whoever it names, or
        else of nobody yet, under the queue's name. One for each interaction."""
        if advice.task_for is None:
            return
        contact = await hall.contact(work.conn, contact_id)
        about, said = await store.customer_of(work.conn, interaction_id)
        if about is None and contact is not None and not said:
            about = contact.customer_id
        local = work.now.astimezone(self._zone)
        day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
        language = await tasks.language_of(work.conn, advice.task_agent, FOLLOW_UP)
        mark = advice.rule if advice.task_for in PEOPLE else advice.task_for
        await tasks.create(
            work,
            {
                "title": FOLLOW_UP[language],
                "task_type": "follow_up",
                "priority": "urgent",
                "customer_id": about,
                "interaction_id": interaction_id,
                "assigned_agent": advice.task_agent,
                "due_date": datetime.combine(day, MORNING, self._zone).astimezone(UTC),
                "tags": [mark],
            },
            self._zone,
            cause=f"advice:{interaction_id}",
        )


async def advise_contact(
    conn: Connection,
    contact_id: UUID,
    queue: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    said: Mapping[str, Any] | None = None,
    interaction_id: UUID | None = None,
) -> Advice:
    """How a contact is to be routed. `said`: what they chose or proved (facts of desk.model), for
    example {"key": "claim", "language": "ca"}; `claim_number`: the claim that they quote; `chosen`:
    the queue is the contact's own choice, which tells the key. The language is else the contact's.
    """
    contact = await hall.contact(conn, contact_id)
    about: tuple[UUID | None, bool] = (None, False)
    if interaction_id is not None:
        about = await store.customer_of(conn, interaction_id)
    ids = await whose(conn, contact, *about)
    advice, _ = await advise_customers(
        conn, ids, queue, now=now, zone=zone, said=said, interaction_id=interaction_id,
        contact=contact,
    )  # fmt: skip
    return advice


async def whose(
    conn: Connection, contact: Contact | None, about: UUID | None, said: bool
) -> set[UUID]:
    """Who on file it may be: the customer that the interaction is `about`, else whoever its
    contact may be, unless somebody `said` that it is about nobody."""
    if about is not None:
        return {about}
    if contact is None or said:
        return set()
    if contact.customer_id is not None:
        return {contact.customer_id}
    return await _having(conn, contact)


async def _having(conn: Connection, contact: Contact) -> set[UUID]:
    """Who on file has one of the contact's addresses."""
    found: set[UUID] = set()
    for address in contact.addresses:
        found.update(await customers.identify(conn, address.kind, address.address))
    return found


async def _professional(
    conn: Connection,
    queue: str,
    phones: list[str],
    quoted: Any,
    given: Mapping[str, Any],
    today: date,
) -> Known | None:
    row = await store.professional(conn, phones, None if quoted is None else str(quoted), today)
    if row is None:
        return None
    people = {part: row[part] for part in ("handler", "handler_deputy") if row[part] is not None}
    here = await store.here(conn, list(people.values()))
    return Known(queue, {**given, "identified": False, "professional": True}, people, here)


async def advise_customers(
    conn: Connection,
    customer_ids: Collection[UUID],
    queue: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    said: Mapping[str, Any] | None = None,
    interaction_id: UUID | None = None,
    contact: Contact | None = None,
) -> tuple[Advice, dict[str, Any]]:
    """Advice for whoever is one of these, and what is known of them when it is only one. `said` as
    `advise_contact` has it. `interaction_id`: the contact that it is asked for; it counts among
    those of the last days. `contact`: who came in."""
    given, rules = dict(said or {}), await store.rules(conn)
    quoted, chosen = given.pop("claim_number", None), bool(given.pop("chosen", False))
    if chosen and queue in KEYS:
        given.setdefault("key", KEYS[queue])
    if contact is not None:
        given.setdefault("language", contact.locale)
    today = now.astimezone(zone).date()
    rows: list[Record] = []
    if customer_ids:
        rows = await store.known(
            conn, sorted(customer_ids), today, now, interaction_id,
            None if contact is None else contact.id, queue,
        )  # fmt: skip
    if not rows:
        phones = (
            [each.address for each in contact.addresses if each.kind == "phone"] if contact else []
        )
        known = await _professional(conn, queue, phones, quoted, given, today) if phones else None
        if known is None:
            peril = await store.anywhere(conn, now, PERILS, CLUSTER)
            known = Known(queue, {"peril": peril, **given, "identified": False})
        return advise(replace(known, chosen=chosen), rules), {}
    law = await sql.law(conn)
    people = [row[part] for row in rows for part in PARTS if row[part] is not None]
    here = await store.here(conn, people)
    this = 0 if interaction_id is None else 1
    knowns = [
        Known(
            queue,
            {**_facts(row, now, zone, law, this), **given, "ambiguous": len(rows) > 1},
            {part: row[part] for part in PARTS if row[part] is not None},
            here,
            chosen,
        )
        for row in rows
    ]
    return advise_any(knowns, rules), dict(knowns[0].facts) if len(knowns) == 1 else {}


def _facts(row: Record, now: datetime, zone: ZoneInfo, law: Law, this: int) -> dict[str, Any]:
    today = now.astimezone(zone).date()
    facts: dict[str, Any] = {
        "identified": True,
        "segment": row["segment"],
        "company": True if row["kind"] == "company" else None,
        "claim_line": row["claim_line"],
        "claim_contacts": row["contacts_7_days"] + this,
        "health_authorisation": row["health_authorisation"],
        "verified": row["verified"],
        "claims_near": row["near_claims"] or 0,
        "peril": row["peril"],
    }
    if row["peril"] is None and facts["claims_near"] >= CLUSTER and row["near_cause"] in PERILS:
        facts["peril"] = row["near_cause"]
    if row["term_end"] is not None:
        dates = renewal_calendar(row["term_end"], row["notice_months"], law)
        facts["renewal_days"] = (row["term_end"] - today).days
        facts["renewal_open"] = today <= dates.our_last_day
        facts["last_safe_day"] = dates.our_last_day
    first, later = row["first_due"], row["later_due"] or []
    facts["unpaid_since"] = min([*later, *([] if first is None else [first])], default=None)
    facts["first_receipt"] = None if first is None else True
    if later:
        premiums = [
            Premium(
                due_on,
                first=False,
                paid=() if paid is None else ((paid.lower, paid.upper),),
                claimed_at=claimed_at,
            )
            for due_on, claimed_at, paid in zip(
                later, row["later_claimed"], row["later_paid"], strict=True
            )
        ]
        ends = min(grace_ends(each, zone, law) for each in premiums)
        facts["receipt_days"] = (today - later[0]).days
        facts["suspended"] = ends <= now
        facts["extinct"] = extinct_at(premiums, zone, law) <= now
        facts["covered_until"] = ends.astimezone(zone).date() - timedelta(days=1)
    if row["complaint_since"] is not None:
        facts["complaint_day"] = working_days_between(row["complaint_since"], today, law.holidays)
    return facts
