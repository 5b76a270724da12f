"""SQL and reads that the room's stores share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from crm.law import Law, Period
from db import Connection

CUSTOMER_NAME: Final = (
    "CASE c.kind WHEN 'company' THEN coalesce(c.company_name, '')"
    " ELSE c.first_name || ' ' || c.last_name END AS customer_name"
)
"""Of a row `c` of customers; empty once it is erased."""
UNPAID: Final = "(r.paid_at IS NULL AND r.state <> 'cancelled' AND r.total > 0 AND r.due_on <= {})"
"""Of a row `r` of receipts: unpaid, and due on an SQL date (days.last_overdue) or before. What the
insurer gives back is no debt."""
_UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
AGENT_EXISTS = "SELECT EXISTS (SELECT FROM agents WHERE id = $1)"
SECTION = "SELECT version FROM office_sections WHERE section = $1"
LOCK_SECTION = f"{SECTION} FOR UPDATE"
TURN_SECTION = """
UPDATE office_sections SET version = version + 1 WHERE section = $1 RETURNING version
"""
LAW = """
SELECT array_agg(kind) AS kinds, array_agg(line) AS lines, array_agg(valid_from) AS since,
       array_agg(amount) AS amounts, ARRAY(SELECT day FROM holidays) AS holidays
FROM legal_periods
"""


def letter_line(letter: str) -> str:
    """The line of what a row of customer_letters is about, an SQL expression: that of its quote, or
    of what the workflow that wrote it is about. NULL: of none."""
    return f"""
CASE WHEN {letter}.quote_id IS NOT NULL
     THEN (SELECT x.quote_type FROM quotes x WHERE x.id = {letter}.quote_id)
     WHEN {letter}.kind = 'workflow'
     THEN (SELECT {run_line("e")} FROM workflow_executions e
           WHERE e.id = split_part({letter}.cause, ':', 2)::uuid)
END"""  # noqa: S608 - the name is a constant


def run_line(run: str) -> str:
    """The line of what a run of a workflow is about, an SQL expression over its row of
    workflow_executions. NULL: of none."""

    def about(kind: str) -> str:
        said = f"{run}.trigger_data ->> '{kind}_id'"
        return f"CASE WHEN {said} ~ '{_UUID}' THEN ({said})::uuid END"

    return f"""coalesce(
    (SELECT p.policy_type FROM claims x JOIN policies p ON p.id = x.policy_id
     WHERE x.id = {about("claim")}),
    (SELECT x.policy_type FROM policies x WHERE x.id = {about("policy")}),
    (SELECT x.quote_type FROM quotes x WHERE x.id = {about("quote")}))"""  # noqa: S608 - constants


def task_line(task: str) -> str:
    """The line of what a row of tasks says itself that it is about, an SQL expression: that of its
    policy, claim or quote, that of its type, or of what the workflow that made it is about. NULL:
    of none."""
    return f"""coalesce(
    (SELECT policy_type FROM policies WHERE id = {task}.policy_id),
    (SELECT p.policy_type FROM claims l JOIN policies p ON p.id = l.policy_id
     WHERE l.id = {task}.claim_id),
    (SELECT quote_type FROM quotes WHERE id = {task}.quote_id),
    CASE WHEN {task}.task_type = 'health_authorisation' THEN 'health' END,
    CASE WHEN {task}.cause LIKE 'workflow:%'
         THEN (SELECT {run_line("e")} FROM workflow_executions e
               WHERE e.id = split_part({task}.cause, ':', 2)::uuid) END)"""  # noqa: S608 - constants


def contact_of_health(contact: str) -> str:
    """Whether a row of interactions is about somebody's health, an SQL condition: it came in by a
    queue whose recordings are, or a claim, quote or task of such a line was made in it."""
    lines = "('health', 'life')"
    return f"""(EXISTS (SELECT FROM recording_rules x WHERE x.queue = {contact}.queue AND x.health)
    OR EXISTS (SELECT FROM claims x JOIN policies p ON p.id = x.policy_id
               WHERE x.interaction_id = {contact}.id AND p.policy_type IN {lines})
    OR EXISTS (SELECT FROM quotes x
               WHERE x.interaction_id = {contact}.id AND x.quote_type IN {lines})
    OR EXISTS (SELECT FROM tasks x
               WHERE x.interaction_id = {contact}.id AND {task_line("x")} IN {lines}))"""  # noqa: S608 - constants


def updating(table: str, columns: Sequence[str]) -> str:
    """The statement that sets those of `columns` that $2, an object, has, in the row $1; $3 is when
    and $4 who. The version goes up."""
    return f"""
UPDATE {table} o
SET ({", ".join(columns)}) = (
        SELECT {", ".join(f"n.{name}" for name in columns)}
        FROM jsonb_populate_record(o, $2::jsonb) AS n),
    updated_at = $3, updated_by = $4, version = version + 1
WHERE id = $1
"""  # noqa: S608 - the names are constants


async def agent_exists(conn: Connection, agent_id: UUID) -> bool:
    return bool(await conn.fetchval(AGENT_EXISTS, agent_id))


async def law(conn: Connection) -> Law:
    """The law's times and the holidays, as they are on file."""
    row = await conn.fetchrow(LAW)
    assert row is not None
    columns = (row[name] for name in ("kinds", "lines", "since", "amounts"))
    return Law.of(map(Period, *columns), row["holidays"])


async def section_version(conn: Connection, section: str) -> int:
    """Of a list of the office's own, whose rows have one version together."""
    number: int = await conn.fetchval(SECTION, section)
    return number


async def lock_section(conn: Connection, section: str) -> int:
    """Hold all of it; its version."""
    number: int = await conn.fetchval(LOCK_SECTION, section)
    return number


async def turn_section(conn: Connection, section: str) -> int:
    """Its version after a change."""
    number: int = await conn.fetchval(TURN_SECTION, section)
    return number
