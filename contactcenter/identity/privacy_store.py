"""SQL of privacy requests. The statements of the tables' rules are theirs (core.privacy)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from db import Connection, Record, affected

FIND_USER = "SELECT role FROM users WHERE id = $1 AND status <> 'erased'"
FIND_CONTACT = "SELECT 'contact' FROM contacts WHERE id = $1"
FIND_CUSTOMER = "SELECT 'customer' FROM customers WHERE id = $1"
JOB_KEY = "identity.privacy:"
"""Before a request's id: the key of its job, which is kept as failed when it is given up."""
FINDERS = {"user": FIND_USER, "contact": FIND_CONTACT, "customer": FIND_CUSTOMER}


async def find_person(conn: Connection, kind: str, person: UUID) -> str | None:
    """A user's role, or the kind; None for nobody."""
    found: str | None = await conn.fetchval(FINDERS[kind], person)
    return found


ADD = """
INSERT INTO privacy_requests
    (id, kind, person_kind, person, reason, requested_by, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
REQUESTS = """
SELECT id, kind, person_kind, person, reason, requested_by, requested_at, done_at, certificate,
       EXISTS (
           SELECT FROM pgqueuer j
           WHERE j.status = 'failed' AND j.dedupe_key = 'identity.privacy:' || p.id
       ) AS given_up
FROM privacy_requests p
WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR id < $2)
  AND ($4::uuid IS NULL OR requested_by = $4)
ORDER BY id DESC LIMIT $3
"""
CERTIFICATES = """
SELECT id, kind, person_kind, person, reason, requested_by, requested_at, done_at, certificate
FROM privacy_requests
WHERE person_kind = 'customer' AND kind = 'erase' AND done_at IS NOT NULL
  AND ($1::timestamptz IS NULL OR done_at < $1) AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""
LOCK = "SELECT id FROM privacy_requests WHERE id = $1 FOR UPDATE"
ERASURES = """
SELECT count(*)::int FROM privacy_requests
WHERE person = $1 AND kind = 'erase' AND done_at IS NOT NULL
"""
FINISH = """
UPDATE privacy_requests SET done_at = $4, certificate = $2, export = $3 WHERE id = $1
"""
EXPORT_OF = "SELECT export FROM privacy_requests WHERE id = $1"
FORGET_EXPORTS = (
    "UPDATE privacy_requests SET export = NULL WHERE done_at < $1 AND export IS NOT NULL"
)


# Whoever is a customer, in a contact too: their exports go with the file.
FORGET_CUSTOMER = """
UPDATE privacy_requests SET export = NULL
WHERE person = $1 OR person IN (SELECT id FROM contacts WHERE customer_id = $1)
RETURNING person
"""
CERTIFY = """
INSERT INTO privacy_requests
    (id, kind, person_kind, person, reason, requested_by, requested_at, done_at, certificate)
SELECT $1, 'erase', $2, $3, $4, $5, $6, $6, $7
WHERE NOT EXISTS (
    SELECT FROM privacy_requests
    WHERE person = $3 AND person_kind = $2 AND kind = 'erase' AND done_at IS NOT NULL
)
"""
CERTIFICATE_OF = """
SELECT id FROM privacy_requests
WHERE person = $1 AND person_kind = 'customer' AND kind = 'erase' AND done_at IS NOT NULL
"""


async def forget_customer(conn: Connection, customer_id: UUID) -> list[UUID]:
    """Drop what was exported of the customer; whose exports those were, one for each request."""
    return [row["person"] for row in await conn.fetch(FORGET_CUSTOMER, customer_id)]


async def certify(conn: Connection, *values: Any) -> None:
    """id, person_kind, person, reason, requested_by, now, certificate; once for each person."""
    await conn.execute(CERTIFY, *values)


async def certificate_of(conn: Connection, customer_id: UUID) -> UUID | None:
    found: UUID | None = await conn.fetchval(CERTIFICATE_OF, customer_id)
    return found


async def add(conn: Connection, *values: Any) -> None:
    """id, kind, person_kind, person, reason, requested_by, now."""
    await conn.execute(ADD, *values)


async def requests(
    conn: Connection,
    request_id: UUID | None,
    before: UUID | None,
    limit: int,
    requested_by: UUID | None = None,
) -> list[Record]:
    """Newest first."""
    return await conn.fetch(REQUESTS, request_id, before, limit, requested_by)


async def certificates(
    conn: Connection, until: datetime | None, before: UUID | None, limit: int
) -> list[Record]:
    """Of erased customers, the newest first."""
    return await conn.fetch(CERTIFICATES, until, before, limit)


async def lock(conn: Connection, request_id: UUID) -> None:
    await conn.execute(LOCK, request_id)


async def erasures(conn: Connection, person: UUID) -> int:
    """How often the person was erased. One that is under way has locked all their requests before
    it ends: whoever has locked one reads what holds."""
    number: int = await conn.fetchval(ERASURES, person)
    return number


async def finish(
    conn: Connection,
    request_id: UUID,
    certificate: list[dict[str, Any]],
    sealed: bytes | None,
    now: datetime,
) -> None:
    await conn.execute(FINISH, request_id, certificate, sealed, now)


async def export_of(conn: Connection, request_id: UUID) -> bytes | None:
    sealed: bytes | None = await conn.fetchval(EXPORT_OF, request_id)
    return sealed


async def forget_exports(conn: Connection, before: datetime) -> None:
    await conn.execute(FORGET_EXPORTS, before)


async def run_export(conn: Connection, statement: str, person: UUID) -> list[dict[str, Any]]:
    """The rows of a rule's exporting statement."""
    return [dict(row) for row in await conn.fetch(statement, person)]


async def run_erase(conn: Connection, statement: str, person: UUID) -> int:
    """How many rows a rule's erasing statement affected."""
    return affected(await conn.execute(statement, person))
