"""SQL of imports and exports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from db import Connection, Record

AGENTS = "SELECT id, name FROM agents"
INSURERS = "SELECT key, dgs_code, name FROM insurers WHERE NOT retired"
# Of either kind of document, also of a file that was merged into another since.
CUSTOMERS_BY_DOCUMENT = """
WITH RECURSIVE owners AS (
    (SELECT d.document, c.id, c.status, c.merged_into
     FROM unnest($1::text[]) AS d (document) JOIN customers c ON c.dni = d.document
     WHERE c.status <> 'deleted'
     UNION
     SELECT d.document, c.id, c.status, c.merged_into
     FROM unnest($1::text[]) AS d (document) JOIN customers c ON c.tax_id = d.document
     WHERE c.status <> 'deleted')
    UNION
    SELECT o.document, c.id, c.status, c.merged_into
    FROM owners o JOIN customers c ON c.id = o.merged_into
)
SELECT o.document, c.id, c.kind, c.first_name, c.last_name, c.company_name
FROM owners o JOIN customers c ON c.id = o.id WHERE o.status NOT IN ('merged', 'deleted')
ORDER BY o.document, c.id DESC
"""
POLICIES_BY_NUMBER = """
SELECT id, carrier, policy_number, reference FROM policies
WHERE (carrier, policy_number) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
PAGE: Final = 500
# Oldest first, so that what comes in meanwhile is at the end.
CUSTOMERS_PAGE = """
SELECT c.id, c.created_at, c.kind, c.first_name, c.last_name, c.company_name,
       coalesce(c.dni, c.tax_id) AS document, c.birth_date, c.mobile, c.phone, c.email,
       c.address_line1, c.address_line2, c.postal_code, c.city, c.province, c.country, c.iban,
       c.locale, c.status, c.lead_source, c.tags, c.notes, a.name AS manager
FROM customers c LEFT JOIN agents a ON a.id = c.portfolio_manager_id
WHERE c.status NOT IN ('merged', 'deleted')
  AND ($1::timestamptz IS NULL OR (c.created_at, c.id) > ($1, $2::uuid))
ORDER BY c.created_at, c.id LIMIT $3
"""
POLICIES_PAGE = """
SELECT p.id, p.created_at, coalesce(c.dni, c.tax_id) AS document, p.policy_number, p.policy_type,
       i.name AS carrier, p.coverage_start_date, p.coverage_start_time, p.coverage_end_date,
       p.coverage_end_time, p.premium_amount, p.premium_net, p.premium_frequency,
       p.coverage_amount, p.covers, p.auto_renew, p.notice_months, p.first_premium_agreed,
       p.distance_sale, p.cover_on_request, p.concluded_on,
       p.vehicle_plate, p.vehicle_make, p.vehicle_model, p.vehicle_year, p.vehicle_vin,
       p.property_address, p.property_postal_code, p.property_type, p.property_value, p.notes
FROM policies p JOIN customers c ON c.id = p.customer_id JOIN insurers i ON i.key = p.carrier
WHERE c.status NOT IN ('merged', 'deleted')
  AND ($1::timestamptz IS NULL OR (p.created_at, p.id) > ($1, $2::uuid))
ORDER BY p.created_at, p.id LIMIT $3
"""


async def agents(conn: Connection) -> list[Record]:
    return await conn.fetch(AGENTS)


async def insurers(conn: Connection) -> list[Record]:
    return await conn.fetch(INSURERS)


async def customers_by_document(conn: Connection, documents: Sequence[str]) -> dict[str, Record]:
    rows = await conn.fetch(CUSTOMERS_BY_DOCUMENT, list(documents))
    return {row["document"]: row for row in rows}


async def policies_by_number(
    conn: Connection, numbers: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Record]:
    """(insurer, number) → the policy on file."""
    rows = await conn.fetch(
        POLICIES_BY_NUMBER, [carrier for carrier, _ in numbers], [number for _, number in numbers]
    )
    return {(row["carrier"], row["policy_number"]): row for row in rows}


async def customers_page(conn: Connection, after: tuple[datetime, UUID] | None) -> list[Record]:
    return await conn.fetch(CUSTOMERS_PAGE, *(after or (None, None)), PAGE)


async def policies_page(conn: Connection, after: tuple[datetime, UUID] | None) -> list[Record]:
    return await conn.fetch(POLICIES_PAGE, *(after or (None, None)), PAGE)
