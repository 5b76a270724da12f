"""SQL of workflows and their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from db import Connection, Record

COLUMNS: Final = (
    "id, name, description, trigger_type, trigger_config, steps, active, webhook_secret,"
    " next_run_at, version, created_at, updated_at"
)
_COUNTED: Final = f"""
SELECT {COLUMNS},
       (SELECT count(*) FROM workflow_executions e WHERE e.workflow_id = w.id) AS execution_count,
       (SELECT e.started_at FROM workflow_executions e WHERE e.workflow_id = w.id
        ORDER BY e.id DESC LIMIT 1) AS last_executed_at
FROM workflows w
"""  # noqa: S608 - constants
INSERT = """
INSERT INTO workflows (id, name, description, trigger_type, trigger_config, steps, active,
                       next_run_at, created_at, updated_at, created_by, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $10)
"""
UPDATE = """
UPDATE workflows
SET name = $2, description = $3, trigger_type = $4, trigger_config = $5, steps = $6, active = $7,
    next_run_at = $8, updated_at = $9, updated_by = $10, version = version + 1
WHERE id = $1
RETURNING version
"""
ADD_VERSION = """
INSERT INTO workflow_versions (workflow_id, version, steps, created_at) VALUES ($1, $2, $3, $4)
"""
FIND = f"SELECT {COLUMNS} FROM workflows WHERE id = $1"  # noqa: S608 - constants
LOCK = f"SELECT {COLUMNS} FROM workflows WHERE id = $1 FOR NO KEY UPDATE"  # noqa: S608
CARD = f"{_COUNTED} WHERE id = $1"
LIST = f"""
{_COUNTED}
WHERE ($1::boolean IS NULL OR active = $1) AND ($2::text IS NULL OR trigger_type = $2)
  AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
ORDER BY created_at DESC, id DESC LIMIT $5
"""
FOR_EVENT = """
SELECT id, version, steps, trigger_config FROM workflows
WHERE active AND trigger_type = 'event' AND trigger_config ->> 'event' = $1 ORDER BY id
"""
SCHEDULED = """
SELECT id, version, steps, trigger_config, next_run_at FROM workflows
WHERE active AND trigger_type = 'scheduled' AND next_run_at <= $1
ORDER BY next_run_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED
"""
SET_NEXT = "UPDATE workflows SET next_run_at = $2 WHERE id = $1"
SIGN_WITH = """
UPDATE workflows SET webhook_secret = $2, updated_at = $3, version = version + 1 WHERE id = $1
RETURNING version
"""
RUN_COLUMNS: Final = (
    "e.id, e.workflow_id, e.version, e.status, e.depth, e.trigger_data, e.step,"
    " e.steps_completed, e.steps_total, e.wake_at, e.error_message, e.results, e.started_at,"
    " e.completed_at"
)
START = f"""
INSERT INTO workflow_executions AS e (id, workflow_id, version, status, cause, depth, trigger_data,
                                      steps_total, started_at)
VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8)
ON CONFLICT (cause) DO NOTHING RETURNING {RUN_COLUMNS}
"""  # noqa: S608 - a constant
# What conditions and texts may look at; nothing else of a row leaves it.
_FACTS: Final = """jsonb_build_object(
    'customer', (SELECT to_jsonb(x) FROM (SELECT id, kind, first_name, last_name, company_name,
                 CASE kind WHEN 'company' THEN company_name ELSE first_name END AS greeting_name,
                 status, segment, locale, tags, lead_source, email IS NOT NULL AS has_email,
                 portfolio_manager_id FROM customers WHERE id = {customer}) x),
    'policy', (SELECT to_jsonb(x) FROM (SELECT id, reference, policy_number, policy_type, carrier,
               status, coverage_end_date, premium_amount::text, auto_renew FROM policies
               WHERE id = {policy}) x),
    'claim', (SELECT to_jsonb(x) FROM (SELECT id, claim_number, claim_type, cause, payer, status,
              injuries, claimed_amount::text, approved_amount::text, adjuster_id,
              coverage ->> 'answer' AS coverage FROM claims WHERE id = {claim}) x),
    'quote', (SELECT to_jsonb(x) FROM (SELECT id, quote_number, quote_type, status,
              total_premium::text FROM quotes WHERE id = {quote}) x),
    'interaction', (SELECT to_jsonb(x) FROM (SELECT i.id, i.channel, i.direction, i.queue,
                    i.outcome, i.state, ARRAY(SELECT i.outcome WHERE i.outcome IS NOT NULL
                        UNION SELECT s.disposition FROM segments s WHERE s.interaction_id = i.id
                        AND s.disposition <> 'none') AS outcomes
                    FROM interactions i WHERE i.id = {interaction}) x))
"""
_KINDS: Final = ("customer", "policy", "claim", "quote", "interaction")
FACTS = "SELECT " + _FACTS.format(**{kind: f"${n}" for n, kind in enumerate(_KINDS, 1)})
UNSEEN: Final = frozenset({"notes"})
"""Fields of records that are in no fact."""
_ID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_OF_RUN: Final = {
    kind: f"CASE WHEN e.trigger_data ->> '{kind}_id' ~ '{_ID}'"
    f" THEN (e.trigger_data ->> '{kind}_id')::uuid END"
    for kind in _KINDS
}
_RUN: Final = """
FROM workflow_executions e
JOIN workflow_versions v ON v.workflow_id = e.workflow_id AND v.version = e.version
JOIN workflows w ON w.id = e.workflow_id
WHERE e.id = $1
"""
RUN = f"SELECT {RUN_COLUMNS}, v.steps, w.webhook_secret{_RUN}"
# With what conditions and texts of the next step look at.
LOCK_RUN = (
    f"SELECT {RUN_COLUMNS}, v.steps, w.webhook_secret, {_FACTS.format(**_OF_RUN)} AS facts{_RUN}"
    " FOR NO KEY UPDATE OF e"
)
RUNS = f"""
SELECT {RUN_COLUMNS} FROM workflow_executions e
WHERE e.workflow_id = $1 AND ($2::uuid IS NULL OR e.id < $2) ORDER BY e.id DESC LIMIT $3
"""  # noqa: S608 - constants
DEPTH = "SELECT depth FROM workflow_executions WHERE id = $1"
# The steps that are noted and the run's new place, in one.
MOVE_RUN = """
WITH noted AS (
    INSERT INTO workflow_steps (execution_id, number, step, type, status, result, error,
                                started_at, ended_at)
    SELECT $1, s.number, s.step, s.type, s.status, s.result, s.error, $8::timestamptz,
           CASE WHEN s.status <> 'waiting' THEN $8::timestamptz END
    FROM jsonb_to_recordset($9::jsonb)
         AS s (number integer, step integer, type text, status text, result jsonb, error text)
)
UPDATE workflow_executions
SET step = $2, steps_completed = $3, status = $4, wake_at = $5, results = results || $6::jsonb,
    error_message = $7,
    completed_at = CASE WHEN $4 IN ('completed', 'failed', 'cancelled') THEN $8::timestamptz END
WHERE id = $1
"""
END_STEP = """
UPDATE workflow_steps SET status = $3, result = $4, error = $5, ended_at = $6
WHERE execution_id = $1 AND number = $2 AND status = 'waiting' RETURNING step
"""
TRY_STEP = """
UPDATE workflow_steps
SET result = jsonb_build_object('attempts', coalesce((result ->> 'attempts')::int, 0) + 1)
WHERE execution_id = $1 AND number = $2 AND status = 'waiting'
RETURNING (result ->> 'attempts')::int
"""
STEPS = """
SELECT number, step, type, status, result, error, started_at, ended_at FROM workflow_steps
WHERE execution_id = $1 ORDER BY number
"""
# Those whose time has come, and those whose job is lost: nothing has moved for five minutes.
DUE = """
(SELECT id FROM workflow_executions
 WHERE status = 'waiting' AND wake_at <= $1 ORDER BY wake_at LIMIT 200)
UNION ALL
(SELECT e.id FROM workflow_executions e
 WHERE e.status = 'running' AND e.started_at < $1::timestamptz - interval '5 minutes'
   AND NOT EXISTS (SELECT FROM workflow_steps s WHERE s.execution_id = e.id
                   AND s.ended_at > $1::timestamptz - interval '5 minutes')
 ORDER BY e.started_at LIMIT 200)
"""
CUSTOMER_BEHIND = """
SELECT coalesce((SELECT customer_id FROM policies WHERE id = $1),
                (SELECT customer_id FROM claims WHERE id = $2),
                (SELECT customer_id FROM quotes WHERE id = $3),
                (SELECT customer_id FROM interactions WHERE id = $4))
"""
# What a run is about: its claim, else its policy, else its quote.
MATTER_OF = f"""
SELECT coalesce(c.customer_id, p.customer_id, q.customer_id) AS customer_id,
       coalesce(cp.policy_type, p.policy_type, q.quote_type) AS line, c.adjuster_id AS handler
FROM workflow_executions e
LEFT JOIN claims c ON c.id = {_OF_RUN["claim"]}
LEFT JOIN policies cp ON cp.id = c.policy_id
LEFT JOIN policies p ON c.id IS NULL AND p.id = {_OF_RUN["policy"]}
LEFT JOIN quotes q ON c.id IS NULL AND p.id IS NULL AND q.id = {_OF_RUN["quote"]}
WHERE e.id = $1 AND coalesce(c.id, p.id, q.id) IS NOT NULL
"""  # noqa: S608 - constants
BEHIND_TASK = """
SELECT policy_id::text, claim_id::text, quote_id::text, interaction_id::text FROM tasks
WHERE id = $1
"""
CLAIM_OF = """
SELECT id AS claim_id, policy_id FROM claims WHERE customer_id = $1 AND interaction_id = $2
ORDER BY id DESC LIMIT 1
"""


async def insert(conn: Connection, *values: Any) -> None:
    await conn.execute(INSERT, *values)


async def update(conn: Connection, *values: Any) -> int:
    version: int = await conn.fetchval(UPDATE, *values)
    return version


async def add_version(
    conn: Connection, workflow_id: UUID, version: int, steps: Sequence[Any], at: datetime
) -> None:
    await conn.execute(ADD_VERSION, workflow_id, version, list(steps), at)


async def find(conn: Connection, workflow_id: UUID, *, lock: bool = False) -> Record | None:
    return await conn.fetchrow(LOCK if lock else FIND, workflow_id)


async def card(conn: Connection, workflow_id: UUID) -> Record | None:
    """With how often it has run, and when last."""
    return await conn.fetchrow(CARD, workflow_id)


async def listed(conn: Connection, *wanted: Any) -> list[Record]:
    return await conn.fetch(LIST, *wanted)


async def for_event(conn: Connection, name: str) -> list[Record]:
    return await conn.fetch(FOR_EVENT, name)


async def scheduled(conn: Connection, now: datetime) -> list[Record]:
    return await conn.fetch(SCHEDULED, now)


async def set_next(conn: Connection, workflow_id: UUID, at: datetime) -> None:
    await conn.execute(SET_NEXT, workflow_id, at)


async def set_secret(conn: Connection, workflow_id: UUID, sealed: bytes, at: datetime) -> int:
    version: int = await conn.fetchval(SIGN_WITH, workflow_id, sealed, at)
    return version


async def start(conn: Connection, *values: Any) -> Record | None:
    """id, workflow, version, cause, depth, data, total, at. None: begun before."""
    return await conn.fetchrow(START, *values)


async def run(conn: Connection, execution_id: UUID, *, lock: bool = False) -> Record | None:
    return await conn.fetchrow(LOCK_RUN if lock else RUN, execution_id)


async def runs(
    conn: Connection, workflow_id: UUID, before: UUID | None, limit: int
) -> list[Record]:
    return await conn.fetch(RUNS, workflow_id, before, limit)


async def depth(conn: Connection, execution_id: UUID) -> int:
    return int(await conn.fetchval(DEPTH, execution_id) or 0)


async def move_run(
    conn: Connection,
    execution_id: UUID,
    *,
    step: int,
    done: int,
    status: str,
    at: datetime,
    wake_at: datetime | None = None,
    results: Mapping[str, Any] | None = None,
    error: str | None = None,
    noted: Sequence[Mapping[str, Any]] = (),
) -> None:
    """`noted`: steps that the run has come to, each with number, step, type, status, result
    and, when it failed, error."""
    await conn.execute(
        MOVE_RUN, execution_id, step, done, status, wake_at, results or {}, error, at, list(noted)
    )


async def end_step(conn: Connection, *values: Any) -> bool:
    """execution, number, status, result, error, at. False: it does not wait any more."""
    return await conn.fetchval(END_STEP, *values) is not None


async def try_step(conn: Connection, execution_id: UUID, number: int) -> int | None:
    """Which attempt this is; None: it does not wait any more."""
    attempt: int | None = await conn.fetchval(TRY_STEP, execution_id, number)
    return attempt


async def steps(conn: Connection, execution_id: UUID) -> list[Record]:
    return await conn.fetch(STEPS, execution_id)


async def due(conn: Connection, now: datetime) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(DUE, now)]


async def facts(conn: Connection, *ids: UUID | None) -> dict[str, Any]:
    """customer, policy, claim, quote, interaction."""
    found: dict[str, Any] = await conn.fetchval(FACTS, *ids)
    return found


async def customer_behind(conn: Connection, *ids: UUID | None) -> UUID | None:
    """Of a policy, claim, quote or interaction."""
    found: UUID | None = await conn.fetchval(CUSTOMER_BEHIND, *ids)
    return found


async def matter_of(conn: Connection, execution_id: UUID) -> Record | None:
    """Whose it is, of which line, and who handles it; None: it is about no such thing."""
    return await conn.fetchrow(MATTER_OF, execution_id)


async def behind_task(conn: Connection, task_id: UUID) -> dict[str, str]:
    """The policy, claim, quote and interaction that it is about, those that there are."""
    row = await conn.fetchrow(BEHIND_TASK, task_id)
    return {name: each for name, each in (row or {}).items() if each is not None}


async def claim_of(
    conn: Connection, customer_id: UUID, interaction_id: UUID
) -> dict[str, UUID] | None:
    """The newest claim of the customer's that was reported in this interaction, and its policy."""
    row = await conn.fetchrow(CLAIM_OF, customer_id, interaction_id)
    return None if row is None else dict(row)
