"""A policy's file: finding it, writing it, and what is covered. For the whole room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import db
from contactcenter.core.access import SYSTEM, Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.policies import (
    PolicyCreated,
    PolicyRenewed,
    PolicyStatusChanged,
    PolicyTermsTurned,
    PolicyUpdated,
)
from crm import masks, sql
from crm.access import eyes, only_own
from crm.customers import files as customers
from crm.customers.model import search_text
from crm.law import Law
from crm.policies import store
from crm.policies.coverage import Contract, Coverage, Premium, check_coverage
from crm.policies.model import (
    IN_FORCE,
    breaks,
    instant,
    non_renewal_state,
    overlaps,
    renewal_calendar,
    terms_at,
)
from crm.policies.present import (
    FAR,
    SEARCHED,
    Parties,
    ends_at,
    found_by,
    noted,
    numbered,
    present,
    starts_at,
    versions_of,
)
from crm.policies.schemas import (
    NonRenewalOut,
    PartyOut,
    PolicyNew,
    PolicyOut,
    PolicyRow,
    RenewalDates,
    Warning_,
)
from crm.schemas import picked
from crm.sql import agent_exists
from db import Connection, Record

MONEY: Final = frozenset(
    {"premium_amount", "premium_net", "coverage_amount", "property_value", "refund_estimate"}
)


async def the_policy(
    conn: Connection, policy_id: UUID, *, own: UUID | None = None, lock: bool = False
) -> Record:
    if lock:
        await store.lock(conn, policy_id)
    row = await store.find(conn, policy_id, own)
    if row is None:
        raise NotFound
    return row


async def coverage_at(
    conn: Connection,
    policy_id: UUID,
    at: datetime,
    now: datetime,
    zone: ZoneInfo,
    peril: str | None = None,
    *,
    law: Law | None = None,
) -> Coverage:
    """Whether the policy covers an instant, by its terms, receipts and end as known now. `law`:
    where it has been read."""
    row = await the_policy(conn, policy_id)
    versions = await versions_of(conn, policy_id)
    receipts = await store.receipts(conn, policy_id)
    no = await store.non_renewal(conn, policy_id, row["coverage_end_date"])
    then = terms_at(versions, at, now)
    since = (v for v in versions[1:] if v.effective_at <= at < v.known_at and v.changes)
    begins = starts_at(row, zone)
    ended, paused = breaks(versions)
    if row["status"] == "suspended" and (not paused or paused[-1][1] is not None):
        paused = (*paused, (begins, None))  # since when is not on file
    contract = Contract(
        starts_at=begins,
        ends_at=ends_at(row, zone),
        status=row["status"],
        ended_at=row["cancelled_at"],
        ended=ended,
        paused=paused,
        renews=row["auto_renew"] and (no is None or no["acknowledged_on"] is None),
        first_premium_agreed=row["first_premium_agreed"],
        covers=tuple(then.get("covers") or ()),
        premiums=tuple(
            Premium(r["due_on"], r["first"], store.paid_spans(r), r["claimed_at"])
            for r in receipts
            if r["state"] != "cancelled" and r["total"] > 0
        ),
        endorsed_since=any(since),
    )
    return check_coverage(contract, at, zone, law or await sql.law(conn), peril)


async def create(
    work: Work, new: PolicyNew, zone: ZoneInfo, *, by: UUID | None, agent_id: UUID | None
) -> UUID:
    """Put a policy on file; the caller has checked that the customer's file may be written."""
    await check(work.conn, new.model_dump())
    (values,) = await create_many(work, [new], zone, by=by, agent_id=agent_id)
    await store.put_parties(work.conn, values["id"], numbered(new.parties))
    work.audit("policy.created", "policy", values["id"], after=values, person=new.customer_id)
    await customers.resegment(work, new.customer_id, zone)
    policy_id: UUID = values["id"]
    return policy_id


async def create_many(
    work: Work,
    new: Sequence[PolicyNew],
    zone: ZoneInfo,
    *,
    by: UUID | None,
    agent_id: UUID | None,
) -> list[dict[str, Any]]:
    """Write checked policies with their first version and policyholder, in few statements; the
    rows. The caller writes further parties and leaves the notes."""
    year = work.now.astimezone(zone).year
    references = await store.next_references(work.conn, year, len(new))
    rows, versions, holders = [], [], []
    for each, reference in zip(new, references, strict=True):
        values = plain(each.model_dump(exclude={"parties"}))
        starts = instant(each.coverage_start_date, each.coverage_start_time, zone)
        ends = instant(each.coverage_end_date, each.coverage_end_time, zone)
        status = "proposal" if each.policy_number is None else by_time(starts, ends, work.now)
        values |= {
            "id": new_id(),
            "reference": reference,
            "term_start_date": each.coverage_start_date,
            "issued_by": each.issued_by or agent_id,
            "status": status,
        }
        values["search_text"] = search_text([values.get(name) for name in SEARCHED])
        rows.append(values)
        versions.append(
            {
                "id": new_id(),
                "policy_id": values["id"],
                "number": 1,
                "kind": "issue",
                "effective_at": starts,
                "known_at": work.now,
                "changes": {name: values[name] for name in store.TERMS}
                | {"parties": noted(each.parties)},
                "reason": "",
                "created_by": work.actor,
            }
        )
        holders.append((new_id(), values["id"], each.customer_id))
        work.emit(
            PolicyCreated(
                policy_id=values["id"],
                customer_id=each.customer_id,
                policy_type=each.policy_type,
                status=status,
            )
        )
    try:
        await store.insert(work.conn, rows, work.now, by)
    except db.UniqueViolation as error:
        raise number_taken() from error
    await store.add_first_versions(work.conn, versions)
    await store.add_holders(work.conn, holders)
    return rows


async def card(
    conn: Connection, principal: Principal, policy_id: UUID, zone: ZoneInfo, *more: Warning_
) -> PolicyOut:
    """A policy as the asker is shown it; the caller has checked that the asker may see it."""
    row = await the_policy(conn, policy_id)
    law = await sql.law(conn)
    no = await store.non_renewal(conn, policy_id, row["coverage_end_date"])
    if no is None and row["term_start_date"] > row["coverage_start_date"]:
        no = await store.early_no(conn, policy_id, row["term_start_date"], zone.key)
    near = await store.similar(conn, row)
    both = [
        other["id"]
        for other in near
        if overlaps(*_span(row), [_span(other)])
        and row["id"] != other["replaced_by"]
        and row["replaced_by"] != other["id"]
    ]
    warnings = [*more]
    if both and row["status"] in {"proposal", "pending", *IN_FORCE}:
        warnings.append(Warning_(type="overlap", policy_ids=both))
    if no is not None and no["late"]:
        warnings.append(Warning_(type="notice_late"))
    values = picked(PolicyOut, row, MONEY) | {
        "policy_id": policy_id,
        "renewal": renewal_dates(row, law),
        "non_renewal": None
        if no is None
        else NonRenewalOut(**no, state=non_renewal_state(no["sent_on"], no["acknowledged_on"])),
        "parties": [PartyOut(**party) for party in await store.parties(conn, policy_id)],
        "masked": False,
        "writable": await customers.open_to(conn, principal, row["customer_id"]),
        "warnings": warnings,
    }
    seen_by = await eyes(conn, principal, row["customer_id"], row["policy_type"])
    return PolicyOut(**masks.shown(values, seen_by))


def _span(row: Record) -> tuple[datetime, datetime]:
    """From when to when, by the clock on the wall."""
    return (
        datetime.combine(row["coverage_start_date"], row["coverage_start_time"]),
        datetime.combine(row["coverage_end_date"], row["coverage_end_time"]),
    )


async def locked(work: Work, principal: Principal, policy_id: UUID) -> Record:
    """The policy, held, if the asker may write in its customer's living file."""
    conn, own = work.conn, only_own(principal)
    row = await customers.hold_owner(conn, lambda: the_policy(conn, policy_id, own=own))
    await customers.writable_customer(conn, principal, row["customer_id"])
    return await the_policy(conn, policy_id, lock=True)


async def update(
    work: Work,
    principal: Principal,
    row: Record,
    changes: Mapping[str, Any],
    *,
    parties: Parties | None = None,
) -> None:
    """Set columns of a locked policy, and who has a part in it."""
    text = await found_by(work.conn, {**dict(row), **changes})
    try:
        await store.update(
            work.conn, row["id"], {**changes, "search_text": text}, work.now, principal.user_id
        )
    except db.UniqueViolation as error:
        raise number_taken() from error
    before, after = {name: row[name] for name in changes}, dict(changes)
    if parties is not None:
        await store.put_parties(work.conn, row["id"], numbered(parties[1]))
        before["parties"], after["parties"] = map(noted, parties)
    work.audit(
        work.name,
        "policy",
        row["id"],
        before=before,
        after=after,
        person=row["customer_id"],
    )


async def update_terms(
    work: Work, principal: Principal, row: Record, zone: ZoneInfo, changes: Mapping[str, Any]
) -> None:
    """Set columns of a locked policy whose versions or end have changed, and with them what of its
    terms holds now."""
    now = await present(work.conn, {**dict(row), **changes}, work.now, zone)
    await update(work, principal, row, {**changes, **now.changes}, parties=now.parties)


async def turn(work: Work, row: Record, zone: ZoneInfo) -> None:
    """What was agreed ahead for a locked policy holds from now on."""
    now = await present(work.conn, row, work.now, zone)
    if not (now.changes or now.parties):
        return
    await update(work, SYSTEM, row, now.changes, parties=now.parties)
    fields = {*now.changes, *(["parties"] if now.parties else [])} - {"turns_at"}
    if fields:
        work.emit(
            PolicyTermsTurned(
                policy_id=row["id"], customer_id=row["customer_id"], fields=tuple(sorted(fields))
            )
        )


async def set_office(work: Work, row: Record, given: Mapping[str, Any]) -> None:
    """Set what is ours to change without an endorsement, of a locked policy."""
    changes = {name: value for name, value in given.items() if row[name] != value}
    if not changes:
        return
    if row["status"] == "replaced":
        raise Conflict("A replaced policy does not change any more.", status=row["status"])
    await update(work, SYSTEM, row, changes)
    work.emit(
        PolicyUpdated(
            policy_id=row["id"], customer_id=row["customer_id"], fields=tuple(sorted(changes))
        )
    )


async def add_version(
    work: Work,
    policy_id: UUID,
    kind: str,
    effective: datetime,
    changes: Mapping[str, Any],
    reason: str,
) -> int:
    return await store.add_version(
        work.conn,
        new_id(),
        policy_id,
        kind=kind,
        effective_at=effective,
        known_at=work.now,
        changes=changes,
        reason=reason,
        by=work.actor,
    )


async def renew(
    work: Work,
    principal: Principal,
    row: Record,
    zone: ZoneInfo,
    terms: Mapping[str, Any],
    *,
    note: str = "",
    tacit: bool = False,
) -> None:
    """A further term of a locked policy, from the end of its present one; `terms` has its end. One
    that had expired is in force again: a suspension of the old term ends with it."""
    start: date = row["coverage_end_date"]
    effective = instant(start, row["coverage_end_time"], zone)
    await add_version(work, row["id"], "renewal", effective, terms, note)
    changes: dict[str, Any] = {"term_start_date": start}
    if row["status"] == "expired":
        _, paused = breaks(await versions_of(work.conn, row["id"]))
        if paused and paused[-1][1] is None:
            await add_version(work, row["id"], "resumption", effective, {}, note)
        changes["status"] = "active"
        tell_status(work, row, "active")
    await update_terms(work, principal, row, zone, changes)
    work.emit(
        PolicyRenewed(
            policy_id=row["id"],
            customer_id=row["customer_id"],
            term_start=start.isoformat(),
            term_end=terms["coverage_end_date"].isoformat(),
            tacit=tacit,
        )
    )


async def terms_of(conn: Connection, row: Record, zone: ZoneInfo) -> tuple[tuple[date, date], ...]:
    """A policy's terms, (first day, end), in order; each ends where the next one begins."""
    renewed = (
        version["effective_at"].astimezone(zone).date()
        for version in await store.versions(conn, row["id"])
        if version["kind"] == "renewal"
    )
    last = row["coverage_end_date"]  # a renewal beyond it was taken back
    starts = sorted({row["coverage_start_date"], *(day for day in renewed if day < last)})
    return tuple(zip(starts, [*starts[1:], last], strict=True))


async def premium_at(conn: Connection, row: Record, at: datetime) -> tuple[Decimal, str]:
    """The premium and its frequency as they were agreed for an instant."""
    versions = await versions_of(conn, row["id"])
    agreed = terms_at(versions, at, FAR)
    amount = agreed.get("premium_amount", row["premium_amount"])
    return Decimal(str(amount)), agreed.get("premium_frequency", row["premium_frequency"])


async def take_back(
    work: Work, principal: Principal, row: Record, term: tuple[date, date], zone: ZoneInfo
) -> None:
    """The renewal ahead of a term's end does not hold: the policy ends with that term."""
    start, end = term
    effective = instant(end, row["coverage_end_time"], zone)
    versions = await versions_of(work.conn, row["id"])
    before = terms_at(versions, effective - timedelta(microseconds=1), FAR)
    changed = {n for v in versions if v.effective_at >= effective for n in v.changes}
    back = {name: before.get(name) for name in changed} | {"coverage_end_date": end}
    await add_version(work, row["id"], "endorsement", effective, back, "non_renewal")
    await update_terms(work, principal, row, zone, {"term_start_date": start})
    work.emit(
        PolicyUpdated(
            policy_id=row["id"], customer_id=row["customer_id"], fields=tuple(sorted(back))
        )
    )


async def check(conn: Connection, values: Mapping[str, Any]) -> None:
    carrier = values.get("carrier")
    if carrier is not None:
        found = await store.insurer(conn, carrier)
        if found is None or found["retired"]:
            raise Invalid.field("carrier", "unknown_insurer", "There is no such insurer.")
    if values.get("issued_by") and not await agent_exists(conn, values["issued_by"]):
        raise Invalid.field("issued_by", "unknown_agent", "There is no such agent.")
    people = [party["customer_id"] for party in values.get("parties") or ()]
    people = [each for each in people if each is not None]
    if people and not await store.all_there(conn, people):
        raise Invalid.field("parties", "unknown_customer", "There is no such customer.")


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Money as the column has it."""
    return {
        name: value["amount"] if name in MONEY and value is not None else value
        for name, value in values.items()
    }


def by_time(starts: datetime, ends: datetime, now: datetime) -> str:
    return "pending" if now < starts else "active" if now < ends else "expired"


def number_taken() -> Conflict:
    return Conflict(
        "This insurer's policy of that number is on file.",
        field="policy_number",
        type="policy_number_taken",
    )


def tell_status(work: Work, row: Record, after: str) -> None:
    work.emit(
        PolicyStatusChanged(
            policy_id=row["id"],
            customer_id=row["customer_id"],
            before=row["status"],
            after=after,
        )
    )


def shown(row: Record) -> dict[str, Any]:
    """The fields of PolicyRow."""
    return picked(PolicyRow, row, MONEY) | {"policy_id": row["id"]}


def renewal_dates(row: Record, law: Law) -> RenewalDates | None:
    if row["notice_months"] is None or not row["auto_renew"]:
        return None
    dates = renewal_calendar(row["coverage_end_date"], row["notice_months"], law)
    return RenewalDates(
        last_day=dates.last_day,
        our_last_day=dates.our_last_day,
        insurer_last_day=dates.insurer_last_day,
    )
