"""SQL of the identity gate."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from db import Connection, Record

CHECKS = """
SELECT asked, passed, level, agent_id, at FROM identity_checks
WHERE interaction_id = $1 AND customer_id = $2 ORDER BY at, id
"""
ADD_CHECK = """
INSERT INTO identity_checks (id, interaction_id, customer_id, asked, passed, level, agent_id,
                             checked_by, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
KNOWN = """
SELECT c.birth_date, array_remove(ARRAY[c.dni, c.tax_id], NULL) AS documents,
       ARRAY(SELECT x.said FROM policies p
             CROSS JOIN unnest(ARRAY[p.policy_number, p.reference, p.vehicle_plate]) x (said)
             WHERE p.customer_id = c.id AND x.said IS NOT NULL) AS policies
FROM customers c WHERE c.id = $1
"""
DISPOSITION_EXISTS = "SELECT EXISTS (SELECT FROM dispositions WHERE key = $1)"


async def checks(conn: Connection, interaction_id: UUID, customer_id: UUID) -> list[Record]:
    return await conn.fetch(CHECKS, interaction_id, customer_id)


async def add_check(
    conn: Connection,
    check_id: UUID,
    interaction_id: UUID,
    customer_id: UUID,
    *,
    asked: Collection[str],
    passed: Collection[str],
    level: int,
    agent_id: UUID | None,
    by: str,
    at: datetime,
) -> None:
    await conn.execute(
        ADD_CHECK, check_id, interaction_id, customer_id, sorted(asked), sorted(passed), level,
        agent_id, by, at,
    )  # fmt: skip


async def known(conn: Connection, customer_id: UUID) -> Record | None:
    return await conn.fetchrow(KNOWN, customer_id)


async def disposition_exists(conn: Connection, key: str) -> bool:
    return bool(await conn.fetchval(DISPOSITION_EXISTS, key))
