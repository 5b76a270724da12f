"""SQL of what the CRM knows of somebody who comes in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from db import Connection, Record

KNOWN = """
SELECT c.id, c.kind, c.segment, c.portfolio_manager_id AS manager,
       claim.skill AS claim_line, claim.adjuster_id AS handler,
       (SELECT d.deputy_id FROM handler_deputies d WHERE d.agent_id = claim.adjuster_id)
           AS handler_deputy,
       (SELECT d.deputy_id FROM handler_deputies d WHERE d.agent_id = c.portfolio_manager_id)
           AS manager_deputy,
       (SELECT count(*) FROM interactions i WHERE i.customer_id = c.id
        AND i.created_at > $3::timestamptz - interval '7 days') AS contacts_7_days,
       renewal.coverage_end_date AS term_end, renewal.notice_months,
       unpaid.first AS unpaid_first, unpaid.due_on, unpaid.issued_by AS issuer,
       complaint.received_on AS complaint_since, complaint.assigned_agent AS complaint
FROM customers c
LEFT JOIN LATERAL (
    SELECT l.adjuster_id, CASE p.policy_type WHEN 'auto' THEN 'SA' WHEN 'home' THEN 'SH'
                          WHEN 'business' THEN 'SH' ELSE 'SV' END AS skill
    FROM claims l JOIN policies p ON p.id = l.policy_id
    WHERE l.customer_id = c.id AND l.status NOT IN ('denied', 'paid')
    ORDER BY l.created_at DESC LIMIT 1
) claim ON true
LEFT JOIN LATERAL (
    SELECT p.coverage_end_date, p.notice_months FROM policies p
    WHERE p.customer_id = c.id AND p.status IN ('active', 'suspended') AND p.auto_renew
      AND p.notice_months IS NOT NULL AND p.cancelled_at IS NULL
      AND p.coverage_end_date BETWEEN $2::date AND $2::date + 75
    ORDER BY p.coverage_end_date LIMIT 1
) renewal ON true
LEFT JOIN LATERAL (
    SELECT r.first, r.due_on, p.issued_by FROM receipts r JOIN policies p ON p.id = r.policy_id
    WHERE p.customer_id = c.id AND r.state = 'returned' AND r.total > 0 AND r.due_on <= $2
      AND p.status IN ('active', 'suspended')
    ORDER BY r.first DESC, r.due_on LIMIT 1
) unpaid ON true
LEFT JOIN LATERAL (
    SELECT t.received_on, t.assigned_agent FROM tasks t
    WHERE t.customer_id = c.id AND t.task_type = 'complaint'
      AND t.status IN ('pending', 'in_progress')
    ORDER BY t.received_on LIMIT 1
) complaint ON true
WHERE c.id = ANY ($1::uuid[])
ORDER BY c.id
"""
HERE = """
SELECT id FROM agents WHERE id = ANY ($1::uuid[]) AND status IN ('available', 'on_demand')
"""
HOLIDAYS = "SELECT day FROM holidays"
DUE_RECEIPTS = """
SELECT DISTINCT ON (policy_id) policy_id, number, due_on, total, state, return_code FROM receipts
WHERE policy_id = ANY ($1::uuid[]) AND total > 0
  AND state IN ('issued', 'presented', 'returned', 're_presented')
ORDER BY policy_id, state = 'returned' DESC, due_on
"""
INSURERS = "SELECT key, name FROM insurers"
WHOSE = """
SELECT i.customer_id, i.contact_id FROM interactions i WHERE i.id = $1
"""


async def known(
    conn: Connection, customer_ids: Sequence[UUID], today: date, now: datetime
) -> list[Record]:
    return await conn.fetch(KNOWN, list(customer_ids), today, now)


async def here(conn: Connection, agent_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(row["id"] for row in await conn.fetch(HERE, list(agent_ids)))


async def holidays(conn: Connection) -> frozenset[date]:
    return frozenset(row["day"] for row in await conn.fetch(HOLIDAYS))


async def due_receipts(conn: Connection, policy_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Policy → what is unpaid of it: what came back first, else what is due first."""
    rows = await conn.fetch(DUE_RECEIPTS, list(policy_ids))
    return {row["policy_id"]: row for row in rows}


async def insurer_names(conn: Connection) -> dict[str, str]:
    return {row["key"]: row["name"] for row in await conn.fetch(INSURERS)}


async def whose(conn: Connection, interaction_id: UUID) -> Record | None:
    """The customer that an interaction is known to be about, and its contact."""
    return await conn.fetchrow(WHOSE, interaction_id)
