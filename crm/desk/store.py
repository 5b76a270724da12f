"""SQL of what the CRM knows of somebody who comes in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from contactcenter.interactions.repeats import contacts_before
from crm.days import last_overdue
from crm.desk.model import Rule
from crm.sql import UNPAID
from db import Connection, Record

REPEATS = contacts_before(
    customer="c.id", contact="$5::uuid", this="$4::uuid", at="$3::timestamptz",
    matter="""coalesce(claim.skill, $6, (
                 SELECT x.queue FROM interactions x
                 WHERE x.customer_id = c.id AND x.direction = 'inbound' AND x.queue IS NOT NULL
                 ORDER BY x.created_at DESC LIMIT 1))""",
)  # fmt: skip
KNOWN = f"""
SELECT c.id, c.kind, c.segment, c.portfolio_manager_id AS manager,
       claim.skill AS claim_line, claim.adjuster_id AS handler,
       deputy_of(claim.adjuster_id, $2::date) AS handler_deputy,
       deputy_of(c.portfolio_manager_id, $2::date) AS manager_deputy,
       {REPEATS} AS contacts_7_days,
       EXISTS (SELECT FROM tasks t WHERE t.customer_id = c.id
               AND t.task_type = 'health_authorisation' AND t.status IN ('pending', 'in_progress'))
           AS health_authorisation,
       EXISTS (SELECT FROM identity_checks k JOIN interactions i ON i.id = k.interaction_id
               WHERE k.customer_id = c.id AND k.level >= 2 AND i.contact_id = $5::uuid
                 AND k.at > $3::timestamptz - interval '10 minutes') AS verified,
       near.cause AS near_cause, near.claims AS near_claims,
       (SELECT x.peril FROM catastrophes x
        WHERE x.ended_at IS NULL AND x.began_at <= $3
          AND (x.postal_codes = '{{}}' OR places.codes = '{{}}' OR EXISTS (
               SELECT FROM unnest(x.postal_codes) begins, unnest(places.codes) code
               WHERE starts_with(code, begins)))
        ORDER BY x.began_at DESC LIMIT 1) AS peril,
       renewal.coverage_end_date AS term_end, renewal.notice_months,
       unpaid.issuer, unpaid.first_due, unpaid.later_due, unpaid.later_claimed,
       unpaid.later_paid,
       complaint.received_on AS complaint_since, complaint.assigned_agent AS complaint
FROM customers c
CROSS JOIN LATERAL (
    SELECT array_remove(array_agg(p.property_postal_code) || c.postal_code, NULL) AS codes
    FROM policies p WHERE p.customer_id = c.id AND p.status IN ('active', 'suspended')
) places
LEFT JOIN LATERAL (
    SELECT l.cause, count(*) AS claims FROM claims l
    WHERE l.postal_code = ANY (places.codes)
      AND l.reported_date > $3::timestamptz - interval '24 hours'
    GROUP BY l.postal_code, l.cause ORDER BY count(*) DESC LIMIT 1
) near ON true
LEFT JOIN LATERAL (
    SELECT l.adjuster_id, l.interaction_id,
           CASE p.policy_type WHEN 'auto' THEN 'SA' WHEN 'home' THEN 'SH'
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
      AND NOT EXISTS (SELECT FROM policy_non_renewals n WHERE n.policy_id = p.id
                      AND n.term_end = p.coverage_end_date AND n.acknowledged_on IS NOT NULL)
    ORDER BY p.coverage_end_date LIMIT 1
) renewal ON true
LEFT JOIN LATERAL (
    SELECT (array_agg(p.issued_by ORDER BY r.first DESC, r.due_on))[1] AS issuer,
           min(r.due_on) FILTER (WHERE r.first) AS first_due,
           array_agg(r.due_on ORDER BY r.due_on, r.id) FILTER (WHERE NOT r.first) AS later_due,
           array_agg(r.claimed_at ORDER BY r.due_on, r.id) FILTER (WHERE NOT r.first)
               AS later_claimed,
           array_agg(r.paid_before[1] ORDER BY r.due_on, r.id) FILTER (WHERE NOT r.first)
               AS later_paid
    FROM receipts r JOIN policies p ON p.id = r.policy_id
    WHERE p.customer_id = c.id AND {UNPAID.format("$7::date")}
      AND p.status IN ('active', 'suspended')
) unpaid ON true
LEFT JOIN LATERAL (
    SELECT t.received_on, t.assigned_agent FROM tasks t
    WHERE t.customer_id = c.id AND t.task_type = 'complaint'
      AND t.status IN ('pending', 'in_progress')
    ORDER BY t.received_on LIMIT 1
) complaint ON true
WHERE c.id = ANY ($1::uuid[])
ORDER BY c.id
"""  # noqa: S608 - constants
HERE = """
SELECT id FROM agents WHERE id = ANY ($1::uuid[]) AND status IN ('available', 'on_demand')
"""
DUE_RECEIPTS = """
SELECT DISTINCT ON (policy_id) policy_id, number, due_on, total, state, return_code FROM receipts
WHERE policy_id = ANY ($1::uuid[]) AND total > 0
  AND state IN ('issued', 'presented', 'returned', 're_presented')
ORDER BY policy_id, state = 'returned' DESC, due_on
"""
INSURERS = "SELECT key, name FROM insurers"
PROVED_ALIKE = """
SELECT EXISTS (
    SELECT FROM identity_checks one JOIN identity_checks other USING (customer_id)
    WHERE one.interaction_id = $1 AND other.interaction_id = $2
      AND one.level >= 2 AND other.level >= 2)
"""
# Whether the agent $2 has an interaction in hand, or it waits for a skill of theirs.
WAITED_FOR = """
SELECT EXISTS (SELECT FROM segments
               WHERE interaction_id = $1 AND agent_id = $2 AND state <> 'ended')
    OR EXISTS (SELECT FROM work_items w JOIN queues q ON q.key = w.queue
               JOIN agent_skills k ON k.agent_id = $2 AND k.skill = q.skill
               WHERE w.interaction_id = $1 AND w.answered_at IS NULL AND w.ended_at IS NULL)
"""
CUSTOMER_OF = "SELECT customer_id, customer_set FROM interactions WHERE id = $1"
WHOSE = """
SELECT i.customer_id, i.customer_set, i.contact_id, i.queue, i.direction, i.routing_facts
FROM interactions i WHERE i.id = $1
"""


async def known(
    conn: Connection,
    customer_ids: Sequence[UUID],
    today: date,
    now: datetime,
    interaction_id: UUID | None,
    contact_id: UUID | None,
    queue: str,
) -> list[Record]:
    """`contacts_7_days` are those that came in about the same matter: the open claim, in which it
    was reported or by its line's queue; without one, what `queue` is for, or the last one's."""
    return await conn.fetch(
        KNOWN,
        list(customer_ids),
        today,
        now,
        interaction_id,
        contact_id,
        queue or None,
        last_overdue(today),
    )


# Where somebody is that nobody knows is anywhere: what was declared last, else the cause of so many
# claims in one place.
ANYWHERE = """
SELECT coalesce(
    (SELECT peril FROM catastrophes WHERE ended_at IS NULL AND began_at <= $1
     ORDER BY began_at DESC LIMIT 1),
    (SELECT cause FROM claims
     WHERE reported_date > $1::timestamptz - interval '24 hours' AND cause = ANY ($2::text[])
       AND postal_code IS NOT NULL
     GROUP BY postal_code, cause HAVING count(*) >= $3 ORDER BY count(*) DESC LIMIT 1))
"""
# A workshop's or expert's number, and whose claim it is about: the one that they quote, else the
# newest open one that names the number.
PROFESSIONAL = """
SELECT p.kind, claim.adjuster_id AS handler, claim.deputy AS handler_deputy
FROM (SELECT 1) one
LEFT JOIN professionals p ON p.phone = ANY ($1::text[])
LEFT JOIN LATERAL (
    SELECT l.adjuster_id, deputy_of(l.adjuster_id, $3) AS deputy FROM claims l
    WHERE l.status NOT IN ('denied', 'paid')
      AND (l.claim_number = $2 OR l.perito_phone IS NOT NULL
           AND right(regexp_replace(l.perito_phone, '\\D', '', 'g'), 9) = ANY (
               SELECT right(a, 9) FROM unnest($1::text[]) a))
    ORDER BY (l.claim_number = $2) DESC NULLS LAST, l.created_at DESC LIMIT 1
) claim ON true
WHERE p.id IS NOT NULL OR claim.adjuster_id IS NOT NULL AND $2::text IS NULL
"""
RULES = "SELECT name, conditions, effects FROM contact_rules ORDER BY ordinal"
DROP_RULES = "DELETE FROM contact_rules"
PUT_RULES = """
INSERT INTO contact_rules (name, ordinal, conditions, effects)
SELECT name, 10 * ordinality, conditions, effects
FROM unnest($1::text[], $2::jsonb[], $3::jsonb[]) WITH ORDINALITY
     AS r (name, conditions, effects)
"""
CATASTROPHES = """
SELECT id, peril, postal_codes, note, began_at, ended_at, version FROM catastrophes
WHERE $1::boolean IS NULL OR (ended_at IS NULL) = $1 ORDER BY began_at DESC, id DESC LIMIT 200
"""
DECLARE = """
INSERT INTO catastrophes (id, peril, postal_codes, note, began_at, declared_by)
VALUES ($1, $2, $3, $4, $5, $6)
"""
END_CATASTROPHE = """
UPDATE catastrophes SET ended_at = $2, version = version + 1 WHERE id = $1
RETURNING id, peril, postal_codes, note, began_at, ended_at, version
"""
CATASTROPHE = """
SELECT id, peril, postal_codes, note, began_at, ended_at, version FROM catastrophes WHERE id = $1
"""
LOCK_CATASTROPHE = f"{CATASTROPHE} FOR UPDATE"
PROFESSIONALS = """
SELECT id, phone, name, kind, version FROM professionals ORDER BY name, id LIMIT 1000
"""
ADD_PROFESSIONAL = """
INSERT INTO professionals (id, phone, name, kind, created_at) VALUES ($1, $2, $3, $4, $5)
RETURNING id, phone, name, kind, version
"""
PROFESSIONAL_OF = """
SELECT id, phone, name, kind, version FROM professionals WHERE id = $1 FOR UPDATE
"""
CHANGE_PROFESSIONAL = """
UPDATE professionals SET phone = $2, name = $3, kind = $4, version = version + 1
WHERE id = $1
RETURNING id, phone, name, kind, version
"""
DROP_PROFESSIONAL = "DELETE FROM professionals WHERE id = $1"


async def anywhere(
    conn: Connection, now: datetime, perils: Collection[str], cluster: int
) -> str | None:
    """The peril of a catastrophe that is on somewhere; `cluster`: how many claims are one."""
    peril: str | None = await conn.fetchval(ANYWHERE, now, list(perils), cluster)
    return peril


async def professional(
    conn: Connection, phones: Sequence[str], claim_number: str | None, today: date
) -> Record | None:
    return await conn.fetchrow(PROFESSIONAL, list(phones), claim_number, today)


async def rules(conn: Connection) -> list[Rule]:
    return [(row["name"], row["conditions"], row["effects"]) for row in await conn.fetch(RULES)]


async def put_rules(conn: Connection, rules: Sequence[Rule]) -> None:
    await conn.execute(DROP_RULES)
    await conn.execute(PUT_RULES, *(list(column) for column in zip(*rules, strict=True)))


async def catastrophes(conn: Connection, on: bool | None) -> list[Record]:
    return await conn.fetch(CATASTROPHES, on)


async def declare(conn: Connection, *values: Any) -> None:
    """id, peril, postal codes, note, began, by."""
    await conn.execute(DECLARE, *values)


async def end_catastrophe(conn: Connection, catastrophe_id: UUID, at: datetime) -> Record:
    """As it is then; it is there."""
    row = await conn.fetchrow(END_CATASTROPHE, catastrophe_id, at)
    assert row is not None
    return row


async def catastrophe(
    conn: Connection, catastrophe_id: UUID, *, lock: bool = False
) -> Record | None:
    return await conn.fetchrow(LOCK_CATASTROPHE if lock else CATASTROPHE, catastrophe_id)


async def professionals(conn: Connection) -> list[Record]:
    return await conn.fetch(PROFESSIONALS)


async def add_professional(conn: Connection, *values: Any) -> Record:
    """id, phone, name, kind, at. UniqueViolation: another has the number."""
    return await _professional(conn, ADD_PROFESSIONAL, *values)


async def professional_of(conn: Connection, professional_id: UUID) -> Record | None:
    """As it is, and held."""
    return await conn.fetchrow(PROFESSIONAL_OF, professional_id)


async def change_professional(conn: Connection, *values: Any) -> Record:
    """id, phone, name, kind. UniqueViolation: another has the number."""
    return await _professional(conn, CHANGE_PROFESSIONAL, *values)


async def _professional(conn: Connection, statement: str, *values: Any) -> Record:
    row = await conn.fetchrow(statement, *values)
    assert row is not None, "it is inserted, or held"
    return row


async def drop_professional(conn: Connection, professional_id: UUID) -> Record | None:
    """What it was: phone, name, kind."""
    return await conn.fetchrow(DROP_PROFESSIONAL, professional_id)


async def here(conn: Connection, agent_ids: Sequence[UUID]) -> frozenset[UUID]:
    return frozenset(row["id"] for row in await conn.fetch(HERE, list(agent_ids)))


async def due_receipts(conn: Connection, policy_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Policy → what is unpaid of it: what came back first, else what is due first."""
    rows = await conn.fetch(DUE_RECEIPTS, list(policy_ids))
    return {row["policy_id"]: row for row in rows}


async def insurer_names(conn: Connection) -> dict[str, str]:
    return {row["key"]: row["name"] for row in await conn.fetch(INSURERS)}


async def proved_alike(conn: Connection, one: UUID, other: UUID) -> bool:
    """Whether somebody proved to be the same customer in both interactions."""
    return bool(await conn.fetchval(PROVED_ALIKE, one, other))


async def customer_of(conn: Connection, interaction_id: UUID) -> tuple[UUID | None, bool]:
    """(the customer that an interaction is known to be about, whether somebody said so)."""
    row = await conn.fetchrow(CUSTOMER_OF, interaction_id)
    return (None, False) if row is None else (row["customer_id"], row["customer_set"])


async def waited_for(conn: Connection, interaction_id: UUID, agent_id: UUID | None) -> bool:
    """Whether an interaction is in this agent's hands, or is waiting for them."""
    return bool(await conn.fetchval(WAITED_FOR, interaction_id, agent_id))


async def whose(conn: Connection, interaction_id: UUID) -> Record | None:
    """The customer that an interaction is known to be about, its contact, its queue, and what was
    known when it was queued."""
    return await conn.fetchrow(WHOSE, interaction_id)
