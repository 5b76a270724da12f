"""SQL of merging two customers, and of taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.ids import new_id
from crm.customers import store
from db import Connection, Record

ADDRESS: Final = ("address_line1", "address_line2", "city", "province", "postal_code")
TAKEN_OVER: Final = (
    "dni", "tax_id", "iban", "birth_date", "email", "phone", "mobile", "lead_source",
    "household_id", "portfolio_manager_id", *ADDRESS,
)  # fmt: skip
"""What the winner takes over of the loser's where its own file says nothing."""


def _again(column: str, empty: str = "NULL") -> str:
    """Empty again if it was taken over and still is that."""
    return (
        f"CASE WHEN '{column}' = ANY ($3::text[]) AND w.{column} IS NOT DISTINCT FROM l.{column}"
        f" THEN {empty} ELSE w.{column} END"
    )


# What belongs to a customer, and how it changes hands. Each answers the keys that moved.
MOVE_POLICIES = "UPDATE policies SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_ROLES = "UPDATE policy_roles SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_CLAIMS = "UPDATE claims SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_QUOTES = "UPDATE quotes SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_TASKS = "UPDATE tasks SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_INTERACTIONS = "UPDATE interactions SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_CONTACTS = "UPDATE contacts SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_LETTERS = "UPDATE customer_letters SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_CHECKS = "UPDATE identity_checks SET customer_id = $2 WHERE customer_id = $1 RETURNING id"
MOVE_RUNS = """
UPDATE workflow_executions
SET trigger_data = jsonb_set(trigger_data, '{customer_id}', to_jsonb($2::uuid::text))
WHERE trigger_data ->> 'customer_id' = $1::uuid::text AND status IN ('running', 'waiting')
RETURNING id
"""
MOVES: Final = {
    "policies": MOVE_POLICIES,
    "policy_roles": MOVE_ROLES,
    "claims": MOVE_CLAIMS,
    "quotes": MOVE_QUOTES,
    "tasks": MOVE_TASKS,
    "interactions": MOVE_INTERACTIONS,
    "contacts": MOVE_CONTACTS,
    "letters": MOVE_LETTERS,
    "identity_checks": MOVE_CHECKS,
    "workflow_runs": MOVE_RUNS,
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
RETURN_LETTERS = (
    "UPDATE customer_letters SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_CHECKS = (
    "UPDATE identity_checks SET customer_id = $2 WHERE customer_id = $1 AND id = ANY ($3::uuid[])"
)
RETURN_RUNS = """
UPDATE workflow_executions
SET trigger_data = jsonb_set(trigger_data, '{customer_id}', to_jsonb($2::uuid::text))
WHERE trigger_data ->> 'customer_id' = $1::uuid::text AND id = ANY ($3::uuid[])
"""
RETURNS: Final = {
    "policies": RETURN_POLICIES,
    "policy_roles": RETURN_ROLES,
    "claims": RETURN_CLAIMS,
    "quotes": RETURN_QUOTES,
    "tasks": RETURN_TASKS,
    "interactions": RETURN_INTERACTIONS,
    "contacts": RETURN_CONTACTS,
    "letters": RETURN_LETTERS,
    "identity_checks": RETURN_CHECKS,
    "workflow_runs": RETURN_RUNS,
}
# A run holds its own row before a customer's: whoever needs both takes them in this order.
HOLD_RUNS = """
SELECT id FROM workflow_executions
WHERE trigger_data ->> 'customer_id' = $1::uuid::text AND status IN ('running', 'waiting')
ORDER BY id FOR NO KEY UPDATE
"""
HOLD_THESE_RUNS = """
SELECT id FROM workflow_executions WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
# One person has one part of a kind in a policy: the loser's goes where the winner has it too, and
# comes back while the winner still has it. A part with a share of its own stays beside.
DROP_ROLES = """
DELETE FROM policy_roles l USING policy_roles w
WHERE l.customer_id = $1 AND l.share IS NULL
  AND w.customer_id = $2 AND w.policy_id = l.policy_id AND w.role = l.role
RETURNING l.id, l.policy_id, l.role
"""
RESTORE_ROLES = """
INSERT INTO policy_roles (id, policy_id, role, customer_id)
SELECT d.id, d.policy_id, d.role, $2
FROM jsonb_to_recordset($3::jsonb) AS d (id uuid, policy_id uuid, role text)
WHERE EXISTS (SELECT FROM policy_roles w
              WHERE w.customer_id = $1 AND w.policy_id = d.policy_id AND w.role = d.role)
"""
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
# Those that the winner has already stay out; the loser keeps its own. $3: the main one too.
FURTHER_ADDRESSES = """
SELECT a.label, a.address_line1, a.address_line2, a.city, a.province, a.postal_code, a.country
FROM (SELECT id, label, address_line1, address_line2, city, province, postal_code, country
      FROM customer_addresses WHERE customer_id = $1
      UNION ALL
      SELECT NULL, left(coalesce(nullif(city, ''), address_line1), 100), address_line1,
             address_line2, city, province, postal_code, country
      FROM customers WHERE id = $1 AND address_line1 <> '' AND $3::boolean) a
WHERE NOT EXISTS (
    SELECT FROM (SELECT address_line1, postal_code FROM customer_addresses WHERE customer_id = $2
                 UNION ALL
                 SELECT address_line1, postal_code FROM customers WHERE id = $2) w
    WHERE w.address_line1 = a.address_line1 AND w.postal_code IS NOT DISTINCT FROM a.postal_code)
ORDER BY a.id NULLS FIRST
"""
TAKE_ADDRESSES_BACK = """
DELETE FROM customer_addresses WHERE customer_id = $1 AND id = ANY ($2::uuid[])
"""
# A user is one customer only: given up by one before the other has it.
SIGNS_IN = """
SELECT l.user_id FROM customers l JOIN customers w ON w.id = $2
WHERE l.id = $1 AND w.user_id IS NULL AND l.user_id IS NOT NULL
"""
GIVE_UP_USER = "UPDATE customers SET user_id = NULL WHERE id = $1 AND user_id = $2 RETURNING id"
TAKE_USER = "UPDATE customers SET user_id = $2 WHERE id = $1 AND user_id IS NULL"
# What the winner got of the loser's, and still is that.
EMPTY_AGAIN = f"""
UPDATE customers w
SET ({", ".join(TAKEN_OVER)}, country) = (
    SELECT {", ".join(map(_again, TAKEN_OVER))}, {_again("country", "'ES'")}
    FROM customers l WHERE l.id = $2)
WHERE w.id = $1
"""  # noqa: S608 - constants
SET_DERIVED = """
UPDATE customers
SET sort_key = $2, search_text = $3, updated_at = $4, version = version + 1 WHERE id = $1
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
STANDING_MERGE = """
SELECT m.id, m.winner_id FROM customer_merges m JOIN customers w ON w.id = m.winner_id
WHERE m.loser_id = $1 AND m.undone_at IS NULL AND w.status NOT IN ('merged', 'deleted')
"""
END_MERGE = "UPDATE customer_merges SET undone_at = $2 WHERE id = $1"


async def hold_runs(conn: Connection, loser: UUID) -> None:
    """Hold the workflow runs that are about a customer and not over, in the order of their ids."""
    await conn.fetch(HOLD_RUNS, loser)


async def hold_these_runs(conn: Connection, execution_ids: Sequence[Any]) -> None:
    await conn.fetch(HOLD_THESE_RUNS, list(execution_ids))


async def move_all(
    conn: Connection, loser: UUID, winner: UUID, *, address: bool
) -> dict[str, list[Any]]:
    """Everything of one customer becomes the other's: kind → keys of what moved. `address`: the
    main one is a further one of the winner's."""
    moved: dict[str, list[Any]] = {
        "dropped_roles": [dict(row) for row in await conn.fetch(DROP_ROLES, loser, winner)]
    }
    for name, sql in MOVES.items():
        moved[name] = [row["id"] for row in await conn.fetch(sql, loser, winner)]
    moved["ways"] = [
        [row["kind"], row["address"]] for row in await conn.fetch(COPY_WAYS, loser, winner)
    ]
    further = [
        {**dict(row), "id": new_id(), "customer_id": winner}
        for row in await conn.fetch(FURTHER_ADDRESSES, loser, winner, address)
    ]
    await store.add_addresses(conn, further)
    moved["addresses"] = [address["id"] for address in further]
    user_id = await conn.fetchval(SIGNS_IN, loser, winner)
    if user_id is not None:
        await _hand_over(conn, loser, winner, user_id)
    moved["user"] = [] if user_id is None else [user_id]
    return moved


async def move_back(
    conn: Connection, winner: UUID, loser: UUID, moved: Mapping[str, Sequence[Any]]
) -> None:
    await conn.execute(RESTORE_ROLES, winner, loser, moved.get("dropped_roles", []))
    for name, sql in RETURNS.items():
        if moved.get(name):
            await conn.execute(sql, winner, loser, moved[name])
    ways = moved.get("ways", [])
    await conn.execute(TAKE_WAYS_BACK, winner, [w[0] for w in ways], [w[1] for w in ways])
    await conn.execute(TAKE_ADDRESSES_BACK, winner, moved.get("addresses", []))
    for user_id in moved.get("user", []):
        await _hand_over(conn, winner, loser, user_id)


async def _hand_over(conn: Connection, giver: UUID, taker: UUID, user_id: Any) -> None:
    if await conn.fetchval(GIVE_UP_USER, giver, user_id) is not None:
        await conn.execute(TAKE_USER, taker, user_id)


async def empty_again(conn: Connection, winner: UUID, loser: UUID, fields: Sequence[str]) -> None:
    """The winner gives back what it took over; what was changed since stays."""
    if fields:
        await conn.execute(EMPTY_AGAIN, winner, loser, list(fields))


async def set_derived(
    conn: Connection, customer_id: UUID, derived: Mapping[str, str], at: datetime
) -> None:
    await conn.execute(SET_DERIVED, customer_id, derived["sort_key"], derived["search_text"], at)


async def bury(conn: Connection, loser: UUID, winner: UUID, at: datetime) -> None:
    await conn.execute(BURY, loser, winner, at)


async def unbury(conn: Connection, loser: UUID, status: str, at: datetime) -> bool:
    return await conn.fetchval(UNBURY, loser, status, at) is not None


async def insert_merge(conn: Connection, *values: Any) -> None:
    await conn.execute(INSERT_MERGE, *values)


async def merge(conn: Connection, merge_id: UUID) -> Record | None:
    return await conn.fetchrow(MERGE, merge_id)


async def standing_merge(conn: Connection, loser: UUID) -> Record | None:
    """The merge that ended this file, while the other one lives: only then it can be undone."""
    return await conn.fetchrow(STANDING_MERGE, loser)


async def end_merge(conn: Connection, merge_id: UUID, at: datetime) -> None:
    await conn.execute(END_MERGE, merge_id, at)
