"""SQL of policies, their versions, receipts and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from crm.policies.model import Span, Version
from crm.policies.premium import Rate
from crm.sql import CUSTOMER_NAME, updating
from db import Connection, Record

TERMS: Final = (
    "premium_amount", "premium_net", "premium_frequency", "coverage_amount", "covers",
    "coverage_end_date", "coverage_end_time", "vehicle_make", "vehicle_model", "vehicle_year",
    "vehicle_plate", "vehicle_vin", "property_address", "property_type", "property_value",
    "property_postal_code",
)  # fmt: skip
"""What versions hold; the row holds what of it is agreed for now."""
OFFICE: Final = (
    "policy_number", "auto_renew", "notice_months", "first_premium_agreed", "distance_sale",
    "cover_on_request", "concluded_on", "policy_document_url", "certificate_url", "issued_by",
    "metadata", "notes",
)  # fmt: skip
STATE: Final = (
    "status", "term_start_date", "cancellation_reason", "cancelled_at", "cancelled_by",
    "refund_estimate", "replaced_by", "turns_at", "search_text",
)  # fmt: skip
_FIXED: Final = (
    "id", "reference", "customer_id", "policy_type", "carrier", "coverage_start_date",
    "coverage_start_time",
)  # fmt: skip
_CHANGEABLE: Final = (*TERMS, *OFFICE, *STATE)
_INSERTED: Final = (*_FIXED, *_CHANGEABLE)

NEXT_REFERENCES = "SELECT nextval('policy_references') AS n FROM generate_series(1, $1)"
INSERT = f"""
INSERT INTO policies ({", ".join(_INSERTED)}, created_at, updated_at, created_by, updated_by)
SELECT {", ".join(f"n.{name}" for name in _INSERTED)}, $2, $2, $3, $3
FROM jsonb_populate_recordset(NULL::policies, $1::jsonb) AS n
"""  # noqa: S608 - constants
UPDATE = updating("policies", _CHANGEABLE)
COLUMNS: Final = (
    ", ".join(f"p.{name}" for name in (*_INSERTED, "version", "created_at", "updated_at"))
    + f", {CUSTOMER_NAME}"
)
FIND = f"""
SELECT {COLUMNS} FROM policies p JOIN customers c ON c.id = p.customer_id
WHERE p.id = $1 AND ($2::uuid IS NULL OR c.user_id = $2)
"""  # noqa: S608 - constants
TYPED = f"""
SELECT {", ".join(TERMS)} FROM jsonb_populate_record(NULL::policies, $1::jsonb)
"""  # noqa: S608 - constants
LOCK = "SELECT id FROM policies WHERE id = $1 FOR NO KEY UPDATE"
LIST = f"""
SELECT {COLUMNS} FROM policies p JOIN customers c ON c.id = p.customer_id
WHERE ($1::uuid IS NULL OR p.customer_id = $1)
  AND ($2::text IS NULL OR p.policy_type = $2)
  AND ($3::text IS NULL OR p.status = $3)
  AND ($4::text IS NULL OR p.carrier = $4)
  AND ($5::uuid IS NULL OR c.user_id = $5)
  AND ($6::text[] IS NULL OR (p.grams @> $6 AND ' ' || p.search_text || ' ' LIKE ALL ($7::text[])))
  AND ($8::timestamptz IS NULL OR (p.created_at, p.id) < ($8, $9::uuid))
ORDER BY p.created_at DESC, p.id DESC
LIMIT $10
"""  # noqa: S608 - constants
EXPIRING = f"""
SELECT {COLUMNS} FROM policies p JOIN customers c ON c.id = p.customer_id
WHERE p.status IN ('active', 'suspended') AND p.cancelled_at IS NULL
  AND p.coverage_end_date BETWEEN $1 AND $2
  AND ($3::text IS NULL OR p.policy_type = $3)
  AND ($4::uuid IS NULL OR c.user_id = $4)
ORDER BY p.coverage_end_date, p.id
LIMIT $5
"""  # noqa: S608 - constants
SIMILAR = """
SELECT id, coverage_start_date, coverage_start_time, coverage_end_date, coverage_end_time,
       replaced_by
FROM policies
WHERE policy_type = $1 AND id <> $2 AND status IN ('pending', 'active', 'suspended')
  AND CASE WHEN $3::text IS NOT NULL THEN vehicle_plate = $3
           ELSE customer_id = $4 AND vehicle_plate IS NULL
                AND property_address IS NOT DISTINCT FROM $5 END
"""


async def next_references(conn: Connection, year: int, count: int) -> list[str]:
    return [f"P-{year}-{row['n']:06d}" for row in await conn.fetch(NEXT_REFERENCES, count)]


async def insert(
    conn: Connection, rows: Sequence[Mapping[str, Any]], at: datetime, by: UUID | None
) -> None:
    await conn.execute(INSERT, list(rows), at, by)


async def update(
    conn: Connection, policy_id: UUID, changes: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(UPDATE, policy_id, changes, at, by)


async def find(conn: Connection, policy_id: UUID, own: UUID | None = None) -> Record | None:
    return await conn.fetchrow(FIND, policy_id, own)


async def typed(conn: Connection, terms: Mapping[str, Any]) -> dict[str, Any]:
    """What a version holds, as its columns hold it."""
    row = await conn.fetchrow(TYPED, {name: terms[name] for name in TERMS if name in terms})
    assert row is not None
    return {name: row[name] for name in TERMS if name in terms}


async def lock(conn: Connection, policy_id: UUID) -> None:
    await conn.fetchval(LOCK, policy_id)


async def listed(conn: Connection, *wanted: Any) -> list[Record]:
    """customer, type, status, carrier, own, grams, words, before (two), limit."""
    return await conn.fetch(LIST, *wanted)


async def expiring(
    conn: Connection, first: date, last: date, line: str | None, own: UUID | None, limit: int
) -> list[Record]:
    return await conn.fetch(EXPIRING, first, last, line, own, limit)


async def similar(conn: Connection, row: Mapping[str, Any] | Record) -> list[Record]:
    """Policies of the same line for the same vehicle, or the same customer and place; of one that
    says neither, as in life and health, those of the customer that say neither."""
    return await conn.fetch(
        SIMILAR,
        row["policy_type"],
        row["id"],
        row["vehicle_plate"],
        row["customer_id"],
        row["property_address"],
    )


# Versions, parties

INSERT_VERSION = """
INSERT INTO policy_versions (id, policy_id, number, kind, effective_at, known_at, changes, reason,
                             created_by)
SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8
FROM policy_versions WHERE policy_id = $2
RETURNING number
"""
INSERT_FIRST_VERSIONS = """
INSERT INTO policy_versions (id, policy_id, number, kind, effective_at, known_at, changes, reason,
                             created_by)
SELECT n.id, n.policy_id, n.number, n.kind, n.effective_at, n.known_at, n.changes, n.reason,
       n.created_by
FROM jsonb_populate_recordset(NULL::policy_versions, $1::jsonb) AS n
"""
VERSIONS = """
SELECT number, kind, effective_at, known_at, changes, reason FROM policy_versions
WHERE policy_id = $1 ORDER BY number
"""
DROP_PARTIES = "DELETE FROM policy_roles WHERE policy_id = $1 AND role <> 'policyholder'"
PUT_PARTY = """
INSERT INTO policy_roles (id, policy_id, role, customer_id, name, share)
VALUES ($1, $2, $3, $4, $5, $6)
"""
PUT_HOLDERS = """
INSERT INTO policy_roles (id, policy_id, role, customer_id)
SELECT n.id, n.policy_id, 'policyholder', n.customer_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS n (id, policy_id, customer_id)
"""
PARTIES = """
SELECT r.role, r.customer_id, r.share,
       coalesce(r.name, CASE c.kind WHEN 'company' THEN coalesce(c.company_name, '')
                        ELSE c.first_name || ' ' || c.last_name END) AS name
FROM policy_roles r LEFT JOIN customers c ON c.id = r.customer_id
WHERE r.policy_id = $1 ORDER BY r.id
"""
NOW_PART_OF = """
WITH RECURSIVE file AS (
    SELECT id AS was, id, merged_into FROM customers WHERE id = ANY ($1::uuid[])
    UNION ALL
    SELECT f.was, c.id, c.merged_into FROM file f JOIN customers c ON c.id = f.merged_into
)
SELECT was, id FROM file WHERE merged_into IS NULL
"""
CUSTOMERS_THERE = """
SELECT count(*) FROM (
    SELECT FROM customers WHERE id = ANY ($1::uuid[]) AND status NOT IN ('merged', 'deleted')
    ORDER BY id FOR SHARE) held
"""


async def add_version(
    conn: Connection,
    version_id: UUID,
    policy_id: UUID,
    *,
    kind: str,
    effective_at: datetime,
    known_at: datetime,
    changes: Mapping[str, Any],
    reason: str,
    by: str,
) -> int:
    number: int = await conn.fetchval(
        INSERT_VERSION, version_id, policy_id, kind, effective_at, known_at, changes, reason, by
    )
    return number


async def add_first_versions(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    await conn.execute(INSERT_FIRST_VERSIONS, list(rows))


async def add_holders(conn: Connection, holders: Sequence[tuple[UUID, UUID, UUID]]) -> None:
    """(id, policy, policyholder)."""
    await conn.execute(PUT_HOLDERS, *map(list, zip(*holders, strict=True)))


async def versions(conn: Connection, policy_id: UUID) -> list[Record]:
    return await conn.fetch(VERSIONS, policy_id)


def version_of(row: Record) -> Version:
    return Version(row["number"], row["effective_at"], row["known_at"], row["changes"], row["kind"])


async def put_parties(
    conn: Connection, policy_id: UUID, parties: Sequence[tuple[UUID, Mapping[str, Any]]]
) -> None:
    await conn.execute(DROP_PARTIES, policy_id)
    for party_id, party in parties:
        await add_party(conn, party_id, policy_id, party)


async def add_party(
    conn: Connection, party_id: UUID, policy_id: UUID, party: Mapping[str, Any]
) -> None:
    await conn.execute(
        PUT_PARTY,
        party_id,
        policy_id,
        party["role"],
        party["customer_id"],
        party.get("name"),
        party.get("share"),
    )


async def parties(conn: Connection, policy_id: UUID) -> list[Record]:
    return await conn.fetch(PARTIES, policy_id)


async def now_part_of(conn: Connection, customer_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The file that each of these is part of by now; itself, when it was not merged."""
    rows = await conn.fetch(NOW_PART_OF, list(customer_ids))
    return {row["was"]: row["id"] for row in rows}


async def all_there(conn: Connection, customer_ids: Sequence[UUID]) -> bool:
    wanted = set(customer_ids)
    return bool(await conn.fetchval(CUSTOMERS_THERE, list(wanted)) == len(wanted))


# By the clock

TOUCH = "UPDATE policies SET updated_at = $2, version = version + 1 WHERE id = $1"
BEGINNING = """
SELECT id, customer_id, status FROM policies p
WHERE status = 'pending'
  AND (coverage_start_date + coverage_start_time) AT TIME ZONE $1 <= $2
  AND ($3::uuid IS NULL OR id = $3)
  AND NOT EXISTS (SELECT FROM policy_turn_failures f
                  WHERE f.policy_id = p.id AND f.step = 'begin' AND f.retry_at > $2)
"""
TURNING = """
SELECT id, customer_id, status FROM policies p
WHERE turns_at <= $1 AND ($2::uuid IS NULL OR id = $2)
  AND NOT EXISTS (SELECT FROM policy_turn_failures f
                  WHERE f.policy_id = p.id AND f.step = 'terms' AND f.retry_at > $1)
"""
HOLD_TURNING = f"{TURNING} FOR NO KEY UPDATE OF p SKIP LOCKED"
HOLD_BEGINNING = f"{BEGINNING} FOR NO KEY UPDATE OF p SKIP LOCKED"
ENDING = """
SELECT p.id, p.customer_id, p.status, p.cancellation_reason, p.replaced_by,
       n.by AS said_no, n.acknowledged_on IS NOT NULL AS counts
FROM policies p
LEFT JOIN policy_non_renewals n ON n.policy_id = p.id AND n.term_end = p.coverage_end_date
WHERE p.status IN ('active', 'suspended', 'pending')
  AND (p.cancelled_at <= $2
       OR (p.coverage_end_date <= ($2::timestamptz AT TIME ZONE $1)::date
           AND (p.coverage_end_date + p.coverage_end_time) AT TIME ZONE $1 <= $2))
  AND ($3::uuid IS NULL OR p.id = $3)
  AND NOT EXISTS (SELECT FROM policy_turn_failures f
                  WHERE f.policy_id = p.id AND f.step = 'end' AND f.retry_at > $2)
"""
HOLD_ENDING = f"{ENDING} FOR NO KEY UPDATE OF p SKIP LOCKED"
SET_STATUS = """
UPDATE policies SET status = $2, updated_at = $3, version = version + 1 WHERE id = $1
"""
NOT_RENEWED = """
UPDATE policies SET status = 'cancelled', cancellation_reason = 'non_renewal', cancelled_by = $4,
    cancelled_at = (coverage_end_date + coverage_end_time) AT TIME ZONE $2, refund_estimate = 0,
    updated_at = $3, version = version + 1
WHERE id = $1
RETURNING cancelled_at
"""
RENEWABLE = """
SELECT p.id, p.customer_id, p.coverage_end_date,
       CASE WHEN p.auto_renew THEN coalesce(p.notice_months, 0) ELSE 0 END AS notice_months,
       ARRAY(SELECT m.moment FROM policy_moments m
             WHERE m.policy_id = p.id AND m.term_end = p.coverage_end_date) AS told
FROM policies p
WHERE p.status IN ('active', 'suspended') AND p.cancelled_at IS NULL
  AND p.coverage_end_date > $1
  AND p.coverage_end_date <= $1::date + $2::int + make_interval(
      months => CASE WHEN p.auto_renew THEN coalesce(p.notice_months, 0) ELSE 0 END)
  AND p.id > $3
  AND NOT EXISTS (SELECT FROM policy_non_renewals n WHERE n.policy_id = p.id
                  AND n.term_end = p.coverage_end_date AND n.acknowledged_on IS NOT NULL)
ORDER BY p.id LIMIT $4
"""
TELL = """
INSERT INTO policy_moments (policy_id, term_end, moment, told_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING true
"""


async def turning(conn: Connection, now: datetime) -> list[UUID]:
    """Policies of which something that was agreed ahead holds by now."""
    return [row["id"] for row in await conn.fetch(TURNING, now, None)]


async def hold_turning(conn: Connection, now: datetime, policy_id: UUID) -> Record | None:
    """As hold_beginning."""
    return await conn.fetchrow(HOLD_TURNING, now, policy_id)


async def beginning(conn: Connection, zone: str, now: datetime) -> list[UUID]:
    """Policies whose first term has begun."""
    return [row["id"] for row in await conn.fetch(BEGINNING, zone, now, None)]


async def hold_beginning(
    conn: Connection, zone: str, now: datetime, policy_id: UUID
) -> Record | None:
    """The policy, held; None when it is not one of those any more, or another has it at hand."""
    return await conn.fetchrow(HOLD_BEGINNING, zone, now, policy_id)


async def ending(conn: Connection, zone: str, now: datetime) -> list[UUID]:
    """Policies whose term or contract has ended."""
    return [row["id"] for row in await conn.fetch(ENDING, zone, now, None)]


async def hold_ending(conn: Connection, zone: str, now: datetime, policy_id: UUID) -> Record | None:
    """As hold_beginning."""
    return await conn.fetchrow(HOLD_ENDING, zone, now, policy_id)


async def touch(conn: Connection, policy_id: UUID, at: datetime) -> None:
    """Something that is kept beside its row has changed."""
    await conn.execute(TOUCH, policy_id, at)


async def set_status(conn: Connection, policy_id: UUID, status: str, at: datetime) -> None:
    await conn.execute(SET_STATUS, policy_id, status, at)


async def not_renewed(
    conn: Connection, policy_id: UUID, zone: str, at: datetime, by: str
) -> datetime:
    ended: datetime = await conn.fetchval(NOT_RENEWED, policy_id, zone, at, by)
    return ended


async def renewable(
    conn: Connection, after: date, days: int, last: UUID, limit: int
) -> list[Record]:
    """Terms that end within so many days and the months of notice. Those that do not renew by
    themselves, or by a rule of their own, have none: they are told of by their end."""
    return await conn.fetch(RENEWABLE, after, days, last, limit)


async def tell(
    conn: Connection, policy_id: UUID, term_end: date, moment: str, at: datetime
) -> bool:
    """False: somebody told of it before."""
    return bool(await conn.fetchval(TELL, policy_id, term_end, moment, at))


# Non-renewal, insurers, rates

PUT_NON_RENEWAL = """
INSERT INTO policy_non_renewals (policy_id, term_end, by, received_on, late)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING true
"""
MOVE_NON_RENEWAL = """
UPDATE policy_non_renewals
SET sent_on = coalesce(sent_on, $3), acknowledged_on = coalesce(acknowledged_on, $4), late = $5
WHERE policy_id = $1 AND term_end = $2
  AND CASE WHEN $4::date IS NULL THEN sent_on IS NULL AND received_on <= $3
           ELSE sent_on IS NOT NULL AND acknowledged_on IS NULL AND sent_on <= $4 END
RETURNING true
"""
NON_RENEWAL = """
SELECT by, term_end, received_on, sent_on, acknowledged_on, late FROM policy_non_renewals
WHERE policy_id = $1 AND term_end = $2
"""
# Said after the term was renewed ahead, and not with the other side yet.
EARLY_NO = """
SELECT by, term_end, received_on, sent_on, acknowledged_on, late FROM policy_non_renewals
WHERE policy_id = $1 AND term_end = $2 AND acknowledged_on IS NULL
  AND received_on >= (SELECT max(v.known_at AT TIME ZONE $3)::date FROM policy_versions v
                      WHERE v.policy_id = $1 AND v.kind = 'renewal')
"""
INSURERS = """
SELECT key, dgs_code, name, claims_phone, assistance_phone, retired, version FROM insurers
ORDER BY name, key
"""
INSURER = """
SELECT key, dgs_code, name, claims_phone, assistance_phone, retired, version FROM insurers
WHERE key = $1
"""
LOCK_INSURER = f"{INSURER} FOR UPDATE"
ADD_INSURER = """
INSERT INTO insurers (key, dgs_code, name, claims_phone, assistance_phone, retired)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING key, dgs_code, name, claims_phone, assistance_phone, retired, version
"""
CHANGE_INSURER = """
UPDATE insurers SET dgs_code = $2, name = $3, claims_phone = $4, assistance_phone = $5,
    retired = $6, version = version + 1
WHERE key = $1
RETURNING key, dgs_code, name, claims_phone, assistance_phone, retired, version
"""
RATES = "SELECT kind, line, valid_from, rate, flat FROM premium_rates"


async def put_non_renewal(conn: Connection, *values: Any) -> bool:
    """policy, term_end, by, received_on, late. False: there is one for this term."""
    return bool(await conn.fetchval(PUT_NON_RENEWAL, *values))


async def move_non_renewal(
    conn: Connection,
    policy_id: UUID,
    term_end: date,
    sent_on: date | None,
    acknowledged_on: date | None,
    late: bool,
) -> bool:
    """False: it is not where this step begins, or the day lies before the step before."""
    return bool(
        await conn.fetchval(MOVE_NON_RENEWAL, policy_id, term_end, sent_on, acknowledged_on, late)
    )


async def non_renewal(conn: Connection, policy_id: UUID, term_end: date) -> Record | None:
    return await conn.fetchrow(NON_RENEWAL, policy_id, term_end)


async def early_no(conn: Connection, policy_id: UUID, term_end: date, zone: str) -> Record | None:
    return await conn.fetchrow(EARLY_NO, policy_id, term_end, zone)


async def insurers(conn: Connection) -> list[Record]:
    return await conn.fetch(INSURERS)


async def insurer(conn: Connection, key: str, *, lock: bool = False) -> Record | None:
    return await conn.fetchrow(LOCK_INSURER if lock else INSURER, key)


async def put_insurer(conn: Connection, *values: Any, known: bool) -> Record:
    """key, DGS code, name, phones for claims and assistance, retired. UniqueViolation: another has
    the key or the code."""
    row = await conn.fetchrow(CHANGE_INSURER if known else ADD_INSURER, *values)
    assert row is not None
    return row


async def rates(conn: Connection) -> list[Rate]:
    return [Rate(**row) for row in await conn.fetch(RATES)]


# Receipts

RECEIPT_COLUMNS: Final = (
    "r.id, r.policy_id, r.number, r.kind, r.first, r.period_start, r.period_end, r.due_on, r.net, "
    "r.total, r.lines, r.collected_by, r.state, r.return_code, r.returned_at, r.paid_at, "
    "r.paid_before, r.claimed_at, r.settled_at, r.settlement, r.commission, r.version"
)
INSERT_RECEIPT = """
INSERT INTO receipts (id, policy_id, number, kind, first, period_start, period_end, due_on, net,
                      total, lines, collected_by, commission, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
ON CONFLICT (policy_id, number) WHERE state <> 'cancelled' DO NOTHING RETURNING id
"""
RECEIPT = f"""
SELECT {RECEIPT_COLUMNS}, p.customer_id FROM receipts r JOIN policies p ON p.id = r.policy_id
WHERE r.id = $1
"""  # noqa: S608 - constants
LOCK_RECEIPT = "SELECT id FROM receipts WHERE id = $1 FOR NO KEY UPDATE"
RECEIPTS = f"""
SELECT {RECEIPT_COLUMNS} FROM receipts r WHERE r.policy_id = $1 ORDER BY r.due_on DESC, r.id DESC
"""  # noqa: S608 - constants
MOVE_RECEIPT = """
UPDATE receipts
SET state = $2, updated_at = $4, version = version + 1,
    paid_at = CASE WHEN $2 IN ('collected', 'paid_at_broker') THEN $3::timestamptz END,
    paid_before = CASE WHEN $2 = 'returned' AND paid_at IS NOT NULL
                       THEN paid_before || tstzrange(paid_at, $3, '[]') ELSE paid_before END,
    returned_at = CASE WHEN $2 = 'returned' THEN $3 ELSE returned_at END,
    return_code = CASE WHEN $2 = 'returned' THEN $5 ELSE return_code END,
    settled_at = CASE WHEN $2 <> 'returned' THEN settled_at END,
    settlement = CASE WHEN $2 <> 'returned' THEN settlement END
WHERE id = $1 AND state = ANY ($6::text[])
RETURNING id
"""
CLAIM_RECEIPT = """
UPDATE receipts SET claimed_at = $2, updated_at = $3, version = version + 1
WHERE id = $1 AND paid_at IS NULL AND claimed_at IS NULL AND state <> 'cancelled'
RETURNING id
"""
SETTLE_RECEIPT = """
UPDATE receipts SET settled_at = $2, settlement = $3, updated_at = $2, version = version + 1
WHERE id = $1 AND settled_at IS NULL
  AND (state = 'paid_at_broker' OR state = 'collected' AND collected_by = 'broker')
RETURNING id
"""
# An extorno takes its sum back as soon as the insurer has issued it.
PAID_IN_TERM = """
SELECT coalesce(sum(total), 0) FROM receipts
WHERE policy_id = $1 AND state <> 'cancelled' AND (paid_at IS NOT NULL OR total < 0)
  AND period_start >= $2 AND ($3::date IS NULL OR period_start < $3)
"""


async def insert_receipt(conn: Connection, *values: Any) -> bool:
    """False: this policy has a receipt of this number."""
    return await conn.fetchval(INSERT_RECEIPT, *values) is not None


async def receipt(conn: Connection, receipt_id: UUID, *, lock: bool = False) -> Record | None:
    if lock:
        await conn.fetchval(LOCK_RECEIPT, receipt_id)
    return await conn.fetchrow(RECEIPT, receipt_id)


def paid_spans(row: Record) -> tuple[Span, ...]:
    """From when until when a receipt was paid, in order; the last may still be open."""
    spans: list[Span] = [(each.lower, each.upper) for each in row["paid_before"]]
    if row["paid_at"] is not None:
        spans.append((row["paid_at"], None))
    return tuple(sorted(spans, key=lambda span: span[0]))


async def receipts(conn: Connection, policy_id: UUID) -> list[Record]:
    return await conn.fetch(RECEIPTS, policy_id)


async def move_receipt(
    conn: Connection,
    receipt_id: UUID,
    state: str,
    at: datetime,
    now: datetime,
    code: str | None,
    sources: Sequence[str],
) -> bool:
    return (
        await conn.fetchval(MOVE_RECEIPT, receipt_id, state, at, now, code, list(sources))
        is not None
    )


async def claim_receipt(conn: Connection, receipt_id: UUID, at: datetime, now: datetime) -> bool:
    return await conn.fetchval(CLAIM_RECEIPT, receipt_id, at, now) is not None


async def settle_receipt(conn: Connection, receipt_id: UUID, at: datetime, reference: str) -> bool:
    return await conn.fetchval(SETTLE_RECEIPT, receipt_id, at, reference) is not None


async def paid_in_term(
    conn: Connection, policy_id: UUID, term_start: date, term_end: date | None = None
) -> Any:
    """Without an end: for all time from the start on."""
    return await conn.fetchval(PAID_IN_TERM, policy_id, term_start, term_end)
