"""SQL of merging two customers, and of taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from db import Connection, Record

# What belongs to a customer, and how it changes hands. Each answers the keys that moved.
MOVE_POLICIES = "UPDATE policies SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_ROLES = "UPDATE policy_roles SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_CLAIMS = "UPDATE claims SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_QUOTES = "UPDATE quotes SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_TASKS = "UPDATE tasks SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_INTERACTIONS = "UPDATE interactions SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_CONTACTS = "UPDATE contacts SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVES: Final = {
    "policies": MOVE_POLICIES,
    "policy_roles": MOVE_ROLES,
    "claims": MOVE_CLAIMS,
    "quotes": MOVE_QUOTES,
    "tasks": MOVE_TASKS,
    "interactions": MOVE_INTERACTIONS,
    "contacts": MOVE_CONTACTS,
}
RETURN_POLICIES = (
    "UPDATE policies SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_ROLES = (
    "UPDATE policy_roles SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_CLAIMS = (
    "UPDATE claims SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_QUOTES = (
    "UPDATE quotes SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_TASKS = "UPDATE tasks SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
RETURN_INTERACTIONS = (
    "UPDATE interactions SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_CONTACTS = (
    "UPDATE contacts SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURNS: Final = {
    "policies": RETURN_POLICIES,
    "policy_roles": RETURN_ROLES,
    "claims": RETURN_CLAIMS,
    "quotes": RETURN_QUOTES,
    "tasks": RETURN_TASKS,
    "interactions": RETURN_INTERACTIONS,
    "contacts": RETURN_CONTACTS,
}
COPY_WAYS = """
INSERT INTO customer_ways (customer_id, kind, address, label, further)
SELECT $2, kind, address, label, true FROM customer_ways WHERE customer_id = $1
ON CONFLICT DO NOTHING
RETURNING kind, address
"""
TAKE_WAYS_BACK = """
DELETE FROM customer_ways WHERE customer_id = $1 AND further
  AND (kind, address) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""
BURY = """
UPDATE customers SET status = 'merged', merged_into = $2, updated_at = $3, version = version + 1
WHERE id = $1
"""
UNBURY = """
UPDATE customers SET status = $2, merged_into = NULL, updated_at = $3, version = version + 1
WHERE id = $1 AND status = 'merged'
RETURNING id
"""
INSERT_MERGE = """
INSERT INTO customer_merges (id, winner_id, loser_id, moved, status, merged_at, merged_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
MERGE = """
SELECT id, winner_id, loser_id, moved, status, undone_at FROM customer_merges
WHERE id = $1 FOR UPDATE
"""
END_MERGE = "UPDATE customer_merges SET undone_at = $2 WHERE id = $1"


async def move_all(conn: Connection, loser: UUID, winner: UUID) -> dict[str, list[Any]]:
    """Everything of one customer becomes the other's: kind → keys of what moved."""
    moved: dict[str, list[Any]] = {}
    for name, sql in MOVES.items():
        moved[name] = [row["id"] for row in await conn.fetch(sql, loser, winner)]
    moved["ways"] = [
        [row["kind"], row["address"]] for row in await conn.fetch(COPY_WAYS, loser, winner)
    ]
    return moved


async def move_back(
    conn: Connection, winner: UUID, loser: UUID, moved: Mapping[str, Sequence[Any]]
) -> None:
    for name, sql in RETURNS.items():
        if moved.get(name):
            await conn.execute(sql, winner, loser, moved[name])
    ways = moved.get("ways", [])
    await conn.execute(TAKE_WAYS_BACK, winner, [w[0] for w in ways], [w[1] for w in ways])


async def bury(conn: Connection, loser: UUID, winner: UUID, at: datetime) -> None:
    await conn.execute(BURY, loser, winner, at)


async def unbury(conn: Connection, loser: UUID, status: str, at: datetime) -> bool:
    return await conn.fetchval(UNBURY, loser, status, at) is not None


async def insert_merge(conn: Connection, *values: Any) -> None:
    await conn.execute(INSERT_MERGE, *values)


async def merge(conn: Connection, merge_id: UUID) -> Record | None:
    return await conn.fetchrow(MERGE, merge_id)


async def end_merge(conn: Connection, merge_id: UUID, at: datetime) -> None:
    await conn.execute(END_MERGE, merge_id, at)
