"""SQL of letters to customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from crm.sql import letter_line
from db import Connection, Record

INSERT = """
INSERT INTO customer_letters (id, customer_id, quote_id, kind, subject, body, state, cause,
                              created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (cause) DO NOTHING RETURNING id
"""
QUEUE_DRAFT = """
UPDATE customer_letters SET state = 'queued', subject = $2, body = $3
WHERE cause = $1 AND state IN ('draft', 'unaddressed')
RETURNING id
"""
LACK_ADDRESS = """
UPDATE customer_letters SET state = 'unaddressed' WHERE cause = $1 AND state = 'draft'
"""
# A quote that was decided on or is over meanwhile is not told any more.
QUEUE_WAITING = """
UPDATE customer_letters l SET state = 'queued'
WHERE l.customer_id = $1 AND l.state = 'unaddressed'
  AND (l.quote_id IS NULL OR EXISTS (SELECT FROM quotes q WHERE q.id = l.quote_id
                                     AND q.status = 'sent' AND q.valid_until > $2))
RETURNING l.id
"""
# The customer's row is held, so that no address comes between the look and what follows from it.
TO_SEND = """
SELECT l.subject, l.body, c.email FROM customer_letters l JOIN customers c ON c.id = l.customer_id
WHERE l.id = $1 AND l.state = 'queued'
FOR SHARE OF c
"""
SET_STATE = """
UPDATE customer_letters
SET state = $2, sent_at = CASE WHEN $2 = 'sent' THEN $3::timestamptz END, address = $4
WHERE id = $1 AND state = 'queued'
"""
LETTERS = f"""
SELECT l.id AS letter_id, l.kind, l.subject, l.body, l.state, l.quote_id, l.created_at, l.sent_at,
       l.address,
       {letter_line("l")} AS line
FROM customer_letters l JOIN customers c ON c.id = l.customer_id
WHERE l.customer_id = $1
  AND ($2::uuid IS NULL OR (c.user_id = $2 AND l.state IN ('queued', 'sent')))
ORDER BY l.id DESC LIMIT 200
"""  # noqa: S608 - a constant
QUOTE_FACTS = """
SELECT q.quote_number, q.quote_type, q.total_premium, q.frequency, q.mediation,
       q.valid_until, q.customer_id, c.locale,
       CASE c.kind WHEN 'company' THEN c.company_name ELSE c.first_name END AS name
FROM quotes q JOIN customers c ON c.id = q.customer_id WHERE q.id = $1
"""
EMAIL_OF = """
SELECT email FROM customers WHERE id = $1 AND status NOT IN ('merged', 'deleted') FOR SHARE
"""
SEEN = "SELECT FROM customers WHERE id = $1 AND ($2::uuid IS NULL OR user_id = $2)"


async def insert(conn: Connection, *values: Any) -> bool:
    """False: the same cause has made one before."""
    return await conn.fetchval(INSERT, *values) is not None


async def queue_draft(conn: Connection, cause: str, subject: str, body: str) -> UUID | None:
    letter_id: UUID | None = await conn.fetchval(QUEUE_DRAFT, cause, subject, body)
    return letter_id


async def lack_address(conn: Connection, cause: str) -> None:
    """A draft that should go and cannot."""
    await conn.execute(LACK_ADDRESS, cause)


async def queue_waiting(conn: Connection, customer_id: UUID, now: datetime) -> list[UUID]:
    """Those that waited for the customer's address."""
    return [row["id"] for row in await conn.fetch(QUEUE_WAITING, customer_id, now)]


async def to_send(conn: Connection, letter_id: UUID) -> Record | None:
    return await conn.fetchrow(TO_SEND, letter_id)


async def set_state(
    conn: Connection, letter_id: UUID, state: str, at: datetime, address: str | None = None
) -> None:
    """`address`: where it went."""
    await conn.execute(SET_STATE, letter_id, state, at, address)


async def letters(conn: Connection, customer_id: UUID, own: UUID | None) -> list[Record] | None:
    """None: there is no such customer. `own`: only what this user was written."""
    if await conn.fetchrow(SEEN, customer_id, own) is None:
        return None
    return await conn.fetch(LETTERS, customer_id, own)


async def quote_facts(conn: Connection, quote_id: UUID) -> Record | None:
    return await conn.fetchrow(QUOTE_FACTS, quote_id)


async def email_of(conn: Connection, customer_id: UUID) -> str | None:
    """The customer's row stays held, so that an address cannot come unseen."""
    email: str | None = await conn.fetchval(EMAIL_OF, customer_id)
    return email
