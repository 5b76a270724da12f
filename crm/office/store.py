"""SQL of the office's rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from db import Connection, Record


@dataclass(frozen=True, slots=True)
class Statements:
    """Of a section: all its rows; one by its key; write one, by its key and then the rest (nothing
    comes back where what it names is not there); drop one by its key."""

    rows: str
    one: str
    put: str
    drop: str


HOLIDAYS = "SELECT day, name, scope FROM holidays ORDER BY day"
HOLIDAY = "SELECT day, name, scope FROM holidays WHERE day = $1"
PUT_HOLIDAY = """
INSERT INTO holidays (day, name, scope) VALUES ($1, $2, $3)
ON CONFLICT (day) DO UPDATE SET name = excluded.name, scope = excluded.scope
RETURNING true
"""
DROP_HOLIDAY = "DELETE FROM holidays WHERE day = $1"

RATES = """
SELECT kind, line, valid_from, rate, flat, source FROM premium_rates
ORDER BY kind, line, valid_from DESC
"""
RATE = """
SELECT kind, line, valid_from, rate, flat, source FROM premium_rates
WHERE kind = $1 AND line = $2 AND valid_from = $3
"""
PUT_RATE = """
INSERT INTO premium_rates (kind, line, valid_from, rate, flat, source)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, line, valid_from) DO UPDATE
SET rate = excluded.rate, flat = excluded.flat, source = excluded.source
RETURNING true
"""
DROP_RATE = "DELETE FROM premium_rates WHERE kind = $1 AND line = $2 AND valid_from = $3"

PERIODS = """
SELECT kind, line, valid_from, amount, source FROM legal_periods
ORDER BY kind, line, valid_from DESC
"""
PERIOD = """
SELECT kind, line, valid_from, amount, source FROM legal_periods
WHERE kind = $1 AND line = $2 AND valid_from = $3
"""
PUT_PERIOD = """
INSERT INTO legal_periods (kind, line, valid_from, amount, source) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, line, valid_from) DO UPDATE
SET amount = excluded.amount, source = excluded.source
RETURNING true
"""
DROP_PERIOD = "DELETE FROM legal_periods WHERE kind = $1 AND line = $2 AND valid_from = $3"

LIMITS = """
SELECT role, valid_from, limit_amount AS limit FROM approval_limits ORDER BY role, valid_from DESC
"""
LIMIT = """
SELECT role, valid_from, limit_amount AS limit FROM approval_limits
WHERE role = $1 AND valid_from = $2
"""
PUT_LIMIT = """
INSERT INTO approval_limits (role, valid_from, limit_amount)
SELECT name, $2, $3 FROM roles WHERE name = $1
ON CONFLICT (role, valid_from) DO UPDATE SET limit_amount = excluded.limit_amount
RETURNING true
"""
DROP_LIMIT = "DELETE FROM approval_limits WHERE role = $1 AND valid_from = $2"

AUTHORITIES = """
SELECT carrier, policy_type, valid_from, max_amount, four_eyes_above FROM delegated_authorities
ORDER BY carrier, policy_type, valid_from DESC
"""
AUTHORITY = """
SELECT carrier, policy_type, valid_from, max_amount, four_eyes_above FROM delegated_authorities
WHERE carrier = $1 AND policy_type = $2 AND valid_from = $3
"""
PUT_AUTHORITY = """
INSERT INTO delegated_authorities (carrier, policy_type, valid_from, max_amount, four_eyes_above)
SELECT key, $2, $3, $4, $5 FROM insurers WHERE key = $1
ON CONFLICT (carrier, policy_type, valid_from) DO UPDATE
SET max_amount = excluded.max_amount, four_eyes_above = excluded.four_eyes_above
RETURNING true
"""
DROP_AUTHORITY = """
DELETE FROM delegated_authorities WHERE carrier = $1 AND policy_type = $2 AND valid_from = $3
"""

OF: Final = {
    "holidays": Statements(HOLIDAYS, HOLIDAY, PUT_HOLIDAY, DROP_HOLIDAY),
    "premium_rates": Statements(RATES, RATE, PUT_RATE, DROP_RATE),
    "legal_periods": Statements(PERIODS, PERIOD, PUT_PERIOD, DROP_PERIOD),
    "approval_limits": Statements(LIMITS, LIMIT, PUT_LIMIT, DROP_LIMIT),
    "delegated_authorities": Statements(AUTHORITIES, AUTHORITY, PUT_AUTHORITY, DROP_AUTHORITY),
}


async def rows(conn: Connection, section: str) -> list[Record]:
    return await conn.fetch(OF[section].rows)


async def one(conn: Connection, section: str, key: Sequence[Any]) -> Record | None:
    return await conn.fetchrow(OF[section].one, *key)


async def put(conn: Connection, section: str, values: Sequence[Any]) -> bool:
    """False: what it names is not there."""
    return await conn.fetchval(OF[section].put, *values) is not None


async def drop(conn: Connection, section: str, key: Sequence[Any]) -> None:
    await conn.execute(OF[section].drop, *key)


# Deputies

DEPUTIES = """
SELECT d.agent_id, a.name AS agent_name, d.deputy_id, b.name AS deputy_name, d.valid_from,
       d.valid_to, d.valid_from <= $2 AND coalesce(d.valid_to >= $2, true) AND NOT EXISTS (
           SELECT FROM handler_deputies later
           WHERE later.agent_id = d.agent_id AND later.valid_from > d.valid_from
             AND later.valid_from <= $2 AND coalesce(later.valid_to >= $2, true)) AS now
FROM handler_deputies d JOIN agents a ON a.id = d.agent_id JOIN agents b ON b.id = d.deputy_id
WHERE $1::text[] IS NULL OR a.team = ANY ($1) AND b.team = ANY ($1)
ORDER BY a.sort_key, a.id, d.valid_from DESC
"""
DEPUTIES_OF = """
SELECT deputy_id, valid_from, valid_to FROM handler_deputies
WHERE agent_id = $1 AND ($2::date IS NULL OR valid_from = $2) ORDER BY valid_from
"""
PUT_DEPUTY = """
INSERT INTO handler_deputies (agent_id, deputy_id, valid_from, valid_to) VALUES ($1, $2, $3, $4)
ON CONFLICT (agent_id, valid_from) DO UPDATE
SET deputy_id = excluded.deputy_id, valid_to = excluded.valid_to
"""
DROP_DEPUTIES = """
DELETE FROM handler_deputies WHERE agent_id = $1 AND ($2::date IS NULL OR valid_from = $2)
"""
TEAM_OF = "SELECT team FROM agents WHERE id = $1"


async def deputies(conn: Connection, teams: Collection[str] | None, today: date) -> list[Record]:
    """Those where both are of these teams; None: all."""
    return await conn.fetch(DEPUTIES, None if teams is None else sorted(teams), today)


async def deputies_of(conn: Connection, agent_id: UUID, since: date | None) -> list[Record]:
    return await conn.fetch(DEPUTIES_OF, agent_id, since)


async def put_deputy(
    conn: Connection, agent_id: UUID, deputy_id: UUID, since: date, until: date | None
) -> None:
    await conn.execute(PUT_DEPUTY, agent_id, deputy_id, since, until)


async def drop_deputies(conn: Connection, agent_id: UUID, since: date | None) -> None:
    """That of one first day, or all of the agent's."""
    await conn.execute(DROP_DEPUTIES, agent_id, since)


async def team_of(conn: Connection, agent_id: UUID) -> str | None:
    team: str | None = await conn.fetchval(TEAM_OF, agent_id)
    return team
