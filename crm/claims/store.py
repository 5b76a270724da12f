"""SQL of claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from crm.claims.model import Handler
from crm.sql import CUSTOMER_NAME, updating
from db import Connection, Record

_FIXED: Final = (
    "id", "claim_number", "customer_id", "policy_id", "claim_type", "cause", "incident_date",
    "known_on", "reported_date", "coverage", "interaction_id",
)  # fmt: skip
EDITABLE: Final = (
    "description", "location", "postal_code", "injuries", "payer", "insurer_reference",
    "claimed_amount", "reserve", "perito_name", "perito_phone", "perito_visit_at",
    "perito_reported", "motor", "metadata", "notes",
)  # fmt: skip
_CHANGEABLE: Final = (
    *EDITABLE, "adjuster_id", "status", "sent_at", "approved_amount", "paid_amount",
    "denial_reason", "decided_by", "decided_on", "decision_document", "decision_reference",
    "paid_on", "payment_document", "payment_reference", "documents", "fraud_score",
    "resolved_at", "search_text",
)  # fmt: skip
_INSERTED: Final = (*_FIXED, *EDITABLE, "adjuster_id", "search_text")

NEXT_NUMBER = "SELECT nextval('claim_numbers')"
INSERT = f"""
INSERT INTO claims ({", ".join(_INSERTED)}, created_at, updated_at, created_by, updated_by)
SELECT {", ".join(f"n.{name}" for name in _INSERTED)}, $2, $2, $3, $3
FROM jsonb_populate_record(NULL::claims, $1::jsonb) AS n
"""  # noqa: S608 - constants
UPDATE = updating("claims", _CHANGEABLE)
COLUMNS: Final = (
    ", ".join(f"l.{name}" for name in (*_FIXED, *_CHANGEABLE))
    + ", l.version, l.created_at, l.updated_at, p.policy_type, p.carrier, a.name AS adjuster_name"
    f", {CUSTOMER_NAME}"
)
_FROM: Final = (
    "claims l JOIN customers c ON c.id = l.customer_id JOIN policies p ON p.id = l.policy_id"
    " LEFT JOIN agents a ON a.id = l.adjuster_id"
)
FIND = f"""
SELECT {COLUMNS} FROM {_FROM}
WHERE l.id = $1 AND ($2::uuid IS NULL OR c.user_id = $2)
"""  # noqa: S608 - constants
LOCK = "SELECT id FROM claims WHERE id = $1 FOR NO KEY UPDATE"
LIST = f"""
SELECT {COLUMNS} FROM {_FROM}
WHERE ($1::uuid IS NULL OR l.customer_id = $1)
  AND ($2::uuid IS NULL OR l.policy_id = $2)
  AND ($3::text IS NULL OR l.status = $3)
  AND ($4::uuid IS NULL OR l.adjuster_id = $4)
  AND ($5::text IS NULL OR l.cause = $5)
  AND ($6::boolean IS NULL OR (l.status NOT IN ('denied', 'paid')) = $6)
  AND ($7::text[] IS NULL OR ' ' || l.search_text || ' ' LIKE ALL ($7))
  AND ($8::uuid IS NULL OR c.user_id = $8)
  AND ($9::timestamptz IS NULL OR (l.created_at, l.id) < ($9, $10::uuid))
ORDER BY l.created_at DESC, l.id DESC
LIMIT $11
"""  # noqa: S608 - constants
ADD_EVENT = """
INSERT INTO claim_events (id, claim_id, kind, before, after, amount, note, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
EVENTS = """
SELECT kind, before, after, amount, note, actor, at FROM claim_events
WHERE claim_id = $1 ORDER BY id
"""
HANDLERS = """
SELECT a.id AS agent_id, k.level, a.status IN ('available', 'on_demand') AS here,
       deputy_of(a.id, $2) AS deputy_id,
       (SELECT count(*) FROM claims l WHERE l.adjuster_id = a.id
        AND l.status NOT IN ('denied', 'paid')) AS load
FROM agents a JOIN agent_skills k ON k.agent_id = a.id AND k.skill = $1
WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id AND u.status <> 'active')
"""
ROUND = "SELECT count(*) FROM claim_events WHERE claim_id = $1 AND after = 'reopened'"
APPROVALS = """
SELECT user_id, amount, at FROM claim_approvals WHERE claim_id = $1 AND round = $2 ORDER BY at
"""
ADD_APPROVAL = """
INSERT INTO claim_approvals (claim_id, round, user_id, amount, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (claim_id, round, user_id) DO UPDATE SET amount = excluded.amount, at = excluded.at
"""
AUTHORITY = """
SELECT max_amount, four_eyes_above FROM delegated_authorities
WHERE carrier = $1 AND policy_type = $2 AND valid_from <= $3
ORDER BY valid_from DESC LIMIT 1
"""
LIMIT = """
SELECT limit_amount FROM approval_limits WHERE role = $1 AND valid_from <= $2
ORDER BY valid_from DESC LIMIT 1
"""


async def next_number(conn: Connection, year: int) -> str:
    return f"S-{year}-{await conn.fetchval(NEXT_NUMBER):06d}"


async def insert(
    conn: Connection, values: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(INSERT, values, at, by)


async def update(
    conn: Connection, claim_id: UUID, changes: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(UPDATE, claim_id, changes, at, by)


async def find(conn: Connection, claim_id: UUID, own: UUID | None = None) -> Record | None:
    return await conn.fetchrow(FIND, claim_id, own)


async def lock(conn: Connection, claim_id: UUID) -> None:
    await conn.fetchval(LOCK, claim_id)


async def listed(conn: Connection, *wanted: Any) -> list[Record]:
    """customer, policy, status, adjuster, cause, open, words, own, before (two), limit."""
    return await conn.fetch(LIST, *wanted)


async def add_event(conn: Connection, *values: Any) -> None:
    """id, claim, kind, before, after, amount, note, actor, at."""
    await conn.execute(ADD_EVENT, *values)


async def events(conn: Connection, claim_id: UUID) -> list[Record]:
    return await conn.fetch(EVENTS, claim_id)


async def handlers(conn: Connection, skill: str, day: date) -> Sequence[Handler]:
    """Who has a skill, and who stands in for them on a day."""
    return [Handler(**row) for row in await conn.fetch(HANDLERS, skill, day)]


async def round_of(conn: Connection, claim_id: UUID) -> int:
    return int(await conn.fetchval(ROUND, claim_id))


async def approvals(conn: Connection, claim_id: UUID, number: int) -> list[Record]:
    return await conn.fetch(APPROVALS, claim_id, number)


async def add_approval(conn: Connection, *values: Any) -> None:
    """claim, round, user, amount, at. It takes the place of the same user's earlier one."""
    await conn.execute(ADD_APPROVAL, *values)


async def authority(
    conn: Connection, carrier: str, line: str, day: date
) -> tuple[Decimal, Decimal] | None:
    row = await conn.fetchrow(AUTHORITY, carrier, line, day)
    return None if row is None else (row["max_amount"], row["four_eyes_above"])


async def limit(conn: Connection, role: str | None, day: date) -> Decimal | None:
    """What the role may approve alone on a day."""
    amount: Decimal | None = await conn.fetchval(LIMIT, role, day)
    return amount
