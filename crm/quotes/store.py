"""SQL of quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from crm.policies.premium import Rate
from crm.sql import CUSTOMER_NAME, updating
from db import Connection, Record

_FIXED: Final = ("id", "quote_number", "customer_id", "quote_type", "interaction_id")
EDITABLE: Final = (
    "coverage_details", "base_premium", "frequency", "discounts", "surcharges", "lines",
    "total_premium", "carrier", "carrier_quotes", "mediation", "valid_until", "metadata", "notes",
)  # fmt: skip
_INSERTED: Final = (*_FIXED, *EDITABLE)

NEXT_NUMBER = "SELECT nextval('quote_numbers')"
INSERT = f"""
INSERT INTO quotes ({", ".join(_INSERTED)}, created_at, updated_at, created_by, updated_by)
SELECT {", ".join(f"n.{name}" for name in _INSERTED)}, $2, $2, $3, $3
FROM jsonb_populate_record(NULL::quotes, $1::jsonb) AS n
"""  # noqa: S608 - constants
UPDATE = updating("quotes", EDITABLE)
COLUMNS: Final = (
    ", ".join(f"q.{name}" for name in _INSERTED)
    + ", q.status, q.sent_at, q.decided_at, q.rejection_reason, q.converted, q.policy_id,"
    " q.converted_at, q.version, q.created_at, q.updated_at"
    f", {CUSTOMER_NAME}"
    ", coalesce(r.min_offers, 1) AS min_offers"
)
FIND = f"""
SELECT {COLUMNS} FROM quotes q JOIN customers c ON c.id = q.customer_id
LEFT JOIN quote_rules r ON r.line = q.quote_type
WHERE q.id = $1 AND ($2::uuid IS NULL OR c.user_id = $2 AND q.status <> 'draft')
"""  # noqa: S608 - constants
LOCK = "SELECT id FROM quotes WHERE id = $1 FOR NO KEY UPDATE"
LIST = f"""
SELECT {COLUMNS} FROM quotes q JOIN customers c ON c.id = q.customer_id
LEFT JOIN quote_rules r ON r.line = q.quote_type
WHERE ($1::uuid IS NULL OR q.customer_id = $1)
  AND ($2::text IS NULL OR q.status = $2)
  AND ($3::text IS NULL OR q.quote_type = $3)
  AND ($4::text IS NULL OR starts_with(q.quote_number, $4))
  AND ($5::boolean IS NULL OR q.converted = $5)
  AND ($6::uuid IS NULL OR c.user_id = $6 AND q.status <> 'draft')
  AND ($7::timestamptz IS NULL OR (q.created_at, q.id) < ($7, $8::uuid))
ORDER BY q.created_at DESC, q.id DESC
LIMIT $9
"""  # noqa: S608 - constants
MOVE = """
UPDATE quotes
SET status = $2, updated_at = $3, updated_by = $4, version = version + 1,
    sent_at = CASE WHEN $2 = 'sent' THEN $3 ELSE sent_at END,
    decided_at = CASE WHEN $2 IN ('accepted', 'rejected') THEN $3 ELSE decided_at END,
    rejection_reason = $5
WHERE id = $1 AND status = ANY ($6::text[])
RETURNING id
"""
CONVERT = """
UPDATE quotes
SET converted = true, policy_id = $2, converted_at = $3, updated_at = $3, updated_by = $4,
    version = version + 1
WHERE id = $1 AND NOT converted AND status = 'accepted'
RETURNING id
"""
EXPIRE = """
UPDATE quotes q SET status = 'expired', updated_at = $1, version = version + 1
FROM (SELECT id, status FROM quotes WHERE status IN ('draft', 'sent') AND valid_until <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED) due
WHERE q.id = due.id
RETURNING q.id, q.customer_id, due.status AS before
"""
RATES = "SELECT kind, line, valid_from, rate, flat FROM premium_rates"
CARRIERS = "SELECT count(*) FROM insurers WHERE key = ANY ($1::text[]) AND NOT retired"
RULES = "SELECT line, min_offers FROM quote_rules"
PUT_RULE = """
INSERT INTO quote_rules (line, min_offers) VALUES ($1, $2)
ON CONFLICT (line) DO UPDATE SET min_offers = excluded.min_offers
"""


async def next_number(conn: Connection, year: int) -> str:
    return f"C-{year}-{await conn.fetchval(NEXT_NUMBER):06d}"


async def insert(
    conn: Connection, values: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(INSERT, values, at, by)


async def update(
    conn: Connection, quote_id: UUID, changes: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(UPDATE, quote_id, changes, at, by)


async def find(conn: Connection, quote_id: UUID, own: UUID | None = None) -> Record | None:
    """`own`: only this user's, and no drafts."""
    return await conn.fetchrow(FIND, quote_id, own)


async def lock(conn: Connection, quote_id: UUID) -> None:
    await conn.fetchval(LOCK, quote_id)


async def listed(conn: Connection, *wanted: Any) -> list[Record]:
    """customer, status, type, number, converted, own, before (two), limit."""
    return await conn.fetch(LIST, *wanted)


async def move(
    conn: Connection,
    quote_id: UUID,
    status: str,
    at: datetime,
    by: UUID | None,
    reason: str | None,
    sources: Sequence[str],
) -> bool:
    return await conn.fetchval(MOVE, quote_id, status, at, by, reason, list(sources)) is not None


async def convert(
    conn: Connection, quote_id: UUID, policy_id: UUID, at: datetime, by: UUID | None
) -> None:
    converted = await conn.fetchval(CONVERT, quote_id, policy_id, at, by)
    assert converted is not None, "the quote is locked"


async def expire(conn: Connection, now: datetime, limit: int) -> list[Record]:
    return await conn.fetch(EXPIRE, now, limit)


async def rates(conn: Connection) -> list[Rate]:
    return [Rate(**row) for row in await conn.fetch(RATES)]


async def all_insurers(conn: Connection, keys: Sequence[str]) -> bool:
    wanted = set(keys)
    return bool(await conn.fetchval(CARRIERS, list(wanted)) == len(wanted))


async def rules(conn: Connection) -> dict[str, int]:
    """Line → how many offers; a line that nobody has set is not there."""
    return {row["line"]: row["min_offers"] for row in await conn.fetch(RULES)}


async def put_rule(conn: Connection, line: str, min_offers: int) -> None:
    await conn.execute(PUT_RULE, line, min_offers)
