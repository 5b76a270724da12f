"""SQL of tasks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from crm.sql import CUSTOMER_NAME, task_line, updating
from db import Connection, Record

Sort = Literal["created", "due", "completed"]
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a task without a day is due, in the order of days."""
_EDITABLE: Final = (
    "title", "description", "priority", "assigned_to", "assigned_agent", "due_date", "status",
    "metadata", "tags",
)  # fmt: skip
_INSERTED: Final = (
    "id", *_EDITABLE, "task_type", "received_on", "customer_id", "policy_id", "claim_id",
    "quote_id", "interaction_id", "cause", "created_by",
)  # fmt: skip
INSERT = f"""
INSERT INTO tasks ({", ".join(_INSERTED)}, created_at, updated_at)
SELECT {", ".join(f"n.{name}" for name in _INSERTED)}, $2, $2
FROM jsonb_populate_record(NULL::tasks, $1::jsonb) AS n
ON CONFLICT (cause) DO NOTHING
RETURNING id
"""  # noqa: S608 - constants
UPDATE = updating("tasks", _EDITABLE)
COLUMNS: Final = (
    ", ".join(f"t.{name}" for name in _INSERTED)
    + ", t.completed_at, t.version, t.created_at, t.updated_at,"
    " coalesce(a.name, nullif(trim(u.first_name || ' ' || u.last_name), '')) AS assignee_name,"
    f" {CUSTOMER_NAME}, {task_line('t')} AS line"
)
_FROM: Final = (
    "tasks t LEFT JOIN agents a ON a.id = t.assigned_agent"
    " LEFT JOIN users u ON u.id = t.assigned_to"
    " LEFT JOIN customers c ON c.id = t.customer_id"
)
FIND = f"SELECT {COLUMNS} FROM {_FROM} WHERE t.id = $1"  # noqa: S608 - constants
LOCK = "SELECT id FROM tasks WHERE id = $1 FOR NO KEY UPDATE"
_WANTED: Final = """
WHERE ($1::uuid IS NULL AND $2::uuid IS NULL OR t.assigned_to = $1 OR t.assigned_agent = $2)
  AND ($3::text IS NULL OR t.status = $3)
  AND ($4::boolean IS NULL OR (t.status IN ('pending', 'in_progress')) = $4)
  AND ($5::timestamptz IS NULL OR t.due_date < $5 AND t.status IN ('pending', 'in_progress'))
  AND ($6::timestamptz IS NULL OR t.due_date >= $6)
  AND ($7::uuid IS NULL OR t.customer_id = $7)
  AND ($8::uuid IS NULL OR t.claim_id = $8)
  AND ($9::uuid IS NULL OR t.policy_id = $9)
  AND ($10::text IS NULL OR t.task_type = $10)
"""
_DUE: Final = f"coalesce(t.due_date, '{NEVER.isoformat()}')"
LISTS: Final = {
    "created": f"""
SELECT {COLUMNS} FROM {_FROM} {_WANTED}
  AND ($11::timestamptz IS NULL OR (t.created_at, t.id) < ($11, $12::uuid))
ORDER BY t.created_at DESC, t.id DESC
LIMIT $13
""",  # noqa: S608 - constants
    "due": f"""
SELECT {COLUMNS} FROM {_FROM} {_WANTED}
  AND ($11::timestamptz IS NULL OR ({_DUE}, t.id) > ($11, $12::uuid))
ORDER BY {_DUE}, t.id
LIMIT $13
""",  # noqa: S608 - constants
    "completed": f"""
SELECT {COLUMNS} FROM {_FROM} {_WANTED}
  AND t.status = 'completed'
  AND ($11::timestamptz IS NULL OR (t.completed_at, t.id) < ($11, $12::uuid))
ORDER BY t.completed_at DESC, t.id DESC
LIMIT $13
""",  # noqa: S608 - constants
}
COUNT_DUE = """
SELECT count(*) FILTER (WHERE t.due_date < $3) AS overdue,
       count(*) FILTER (WHERE t.due_date >= $3) AS today
FROM tasks t
WHERE (t.assigned_to = $1::uuid OR t.assigned_agent = $2::uuid)
  AND t.status IN ('pending', 'in_progress') AND t.due_date < $4::timestamptz
"""
END = """
UPDATE tasks
SET status = $2, updated_at = $3, updated_by = $4, version = version + 1,
    completed_at = CASE WHEN $2 = 'completed' THEN $3::timestamptz END
WHERE id = $1 AND status IN ('pending', 'in_progress')
RETURNING id
"""
# Which of the things a task refers to are not there, and whether they are of one customer.
REFERENCES_OF = """
SELECT EXISTS (SELECT FROM customers WHERE id = $1) AS customer_id,
       (SELECT customer_id FROM policies WHERE id = $2) AS policy_id,
       (SELECT customer_id FROM claims WHERE id = $3) AS claim_id,
       (SELECT customer_id FROM quotes WHERE id = $4) AS quote_id,
       EXISTS (SELECT FROM interactions WHERE id = $5) AS interaction_id,
       EXISTS (SELECT FROM users WHERE id = $6) AS assigned_to,
       EXISTS (SELECT FROM agents WHERE id = $7) AS assigned_agent
"""


LANGUAGE_OF = "SELECT u.locale FROM agents a JOIN users u ON u.id = a.user_id WHERE a.id = $1"


async def language_of(conn: Connection, agent_id: UUID) -> str | None:
    """In which an agent reads; None: one without a user."""
    language: str | None = await conn.fetchval(LANGUAGE_OF, agent_id)
    return language


async def insert(conn: Connection, values: Mapping[str, Any], at: datetime) -> bool:
    """False: what causes it has made one before."""
    return await conn.fetchval(INSERT, values, at) is not None


async def update(
    conn: Connection, task_id: UUID, changes: Mapping[str, Any], at: datetime, by: UUID | None
) -> None:
    await conn.execute(UPDATE, task_id, changes, at, by)


async def find(conn: Connection, task_id: UUID, *, lock: bool = False) -> Record | None:
    if lock:
        await conn.fetchval(LOCK, task_id)
    return await conn.fetchrow(FIND, task_id)


async def listed(conn: Connection, sort: Sort, *wanted: Any) -> list[Record]:
    """Newest first, or what is due first: then what has no day is last; or only what is done,
    what was done last first. user, agent, status, open,
    due before, due from, customer, claim, policy, type, from where on (two), limit."""
    return await conn.fetch(LISTS[sort], *wanted)


async def count_due(
    conn: Connection, user: UUID | None, agent: UUID | None, now: datetime, until: datetime
) -> tuple[int, int]:
    """Somebody's open tasks: late, and due from now until then."""
    row = await conn.fetchrow(COUNT_DUE, user, agent, now, until)
    assert row is not None
    return row["overdue"], row["today"]


async def end(conn: Connection, task_id: UUID, status: str, at: datetime, by: UUID | None) -> bool:
    """False: it has ended before."""
    return await conn.fetchval(END, task_id, status, at, by) is not None


HANDLED = "SELECT id FROM claims WHERE id = ANY ($1::uuid[]) AND adjuster_id = $2"


async def handled(
    conn: Connection, claim_ids: Collection[UUID], agent_id: UUID | None
) -> frozenset[UUID]:
    """Of these claims, those that the agent handles."""
    if not claim_ids or agent_id is None:
        return frozenset()
    rows = await conn.fetch(HANDLED, list(claim_ids), agent_id)
    return frozenset(row["id"] for row in rows)


async def references_of(conn: Connection, names: Sequence[UUID | None]) -> Record:
    row = await conn.fetchrow(REFERENCES_OF, *names)
    assert row is not None
    return row
