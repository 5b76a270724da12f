"""SQL of closing a customer's file and of erasing it with all that hangs on it.

What is erased is what names or describes a person: names, documents, addresses, plates, free text.
What the books need stays, about an id alone: numbers, kinds, states, days and amounts. On policies
of others that the person had a part in, the texts stay, without the person's full name, documents,
numbers and addresses; a first name alone is not looked for, it would strike others.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from typing import Final
from uuid import UUID

from db import Connection, Record, affected

# Closing a file: whatever is open keeps it, contracts keep the data for six years after their end.
OPEN_THINGS = """
SELECT (SELECT count(*) FROM policies WHERE customer_id = $1
        AND status IN ('proposal', 'pending', 'active', 'suspended')) AS policies,
       (SELECT count(*) FROM claims WHERE customer_id = $1
        AND status NOT IN ('denied', 'paid')) AS claims,
       (SELECT count(*) FROM receipts r JOIN policies p ON p.id = r.policy_id
        WHERE p.customer_id = $1 AND r.paid_at IS NULL AND r.state <> 'cancelled') AS receipts,
       (SELECT count(*) FROM interactions WHERE customer_id = $1
        AND state <> 'closed') AS interactions
"""
CLOSE = """
UPDATE customers SET status = 'deleted', updated_at = $2, updated_by = $3, version = version + 1
WHERE id = $1
"""
END_TASKS = """
WITH open AS (
    SELECT id, status FROM tasks
    WHERE customer_id = $1 AND status IN ('pending', 'in_progress') FOR NO KEY UPDATE
)
UPDATE tasks t SET status = 'cancelled', updated_at = $2, updated_by = $3, version = t.version + 1
FROM open o WHERE t.id = o.id
RETURNING t.id, t.customer_id, t.assigned_to, t.assigned_agent, t.status, o.status AS before
"""
END_QUOTES = """
WITH open AS (
    SELECT id, status FROM quotes
    WHERE customer_id = $1 AND status IN ('draft', 'sent') FOR NO KEY UPDATE
)
UPDATE quotes q SET status = 'expired', updated_at = $2, updated_by = $3, version = q.version + 1
FROM open o WHERE q.id = o.id
RETURNING q.id, q.status, o.status AS before
"""
RUNS_OF: Final = "trigger_data ->> 'customer_id' = ANY ($1::uuid[]::text[])"
"""Of runs: whichever record began one, its customer is noted with it."""
END_RUNS = f"""
WITH open AS (
    SELECT id, status FROM workflow_executions
    WHERE status IN ('running', 'waiting') AND {RUNS_OF} FOR NO KEY UPDATE
)
UPDATE workflow_executions e SET status = 'cancelled', wake_at = NULL, completed_at = $2
FROM open o WHERE e.id = o.id
RETURNING e.id, e.workflow_id, e.status, o.status AS before
"""  # noqa: S608 - a constant


async def open_things(conn: Connection, customer_id: UUID) -> Record:
    row = await conn.fetchrow(OPEN_THINGS, customer_id)
    assert row is not None
    return row


async def close(conn: Connection, customer_id: UUID, at: datetime, by: UUID | None) -> None:
    await conn.execute(CLOSE, customer_id, at, by)


async def end_tasks(
    conn: Connection, customer_id: UUID, at: datetime, by: UUID | None
) -> list[Record]:
    """Cancel what is still to do for the customer: id, customer_id, assigned_to, assigned_agent,
    status, before."""
    return await conn.fetch(END_TASKS, customer_id, at, by)


async def end_quotes(
    conn: Connection, customer_id: UUID, at: datetime, by: UUID | None
) -> list[Record]:
    """Expire the quotes that nobody decided on: id, status, before."""
    return await conn.fetch(END_QUOTES, customer_id, at, by)


async def end_runs(conn: Connection, customer_id: UUID, at: datetime) -> list[Record]:
    """Cancel the workflows that are under way about the customer: id, workflow_id, status,
    before."""
    return await conn.fetch(END_RUNS, [customer_id], at)


ERASABLE = """
SELECT c.id FROM customers c
WHERE c.status = 'deleted' AND c.erased_at IS NULL
  AND NOT EXISTS (SELECT FROM policies p WHERE p.customer_id = c.id
                  AND p.coverage_end_date > $1::date - interval '6 years')
  AND NOT EXISTS (SELECT FROM claims l WHERE l.customer_id = c.id
                  AND (l.status NOT IN ('denied', 'paid')
                       OR l.resolved_at > $2::timestamptz - interval '6 years'))
  AND NOT EXISTS (SELECT FROM interactions i WHERE i.customer_id = c.id AND i.state <> 'closed')
  AND ($3::uuid IS NULL OR c.id = $3)
"""
HOLD_ERASABLE = f"{ERASABLE} FOR UPDATE SKIP LOCKED"
# Who was merged into them, and into those before.
WITH_MERGED = """
WITH RECURSIVE files AS (
    SELECT $1::uuid AS id
    UNION
    SELECT c.id FROM customers c JOIN files f ON c.merged_into = f.id
)
SELECT id FROM files ORDER BY id = $1 DESC, id
"""
ERASE_CUSTOMERS = """
UPDATE customers
SET first_name = '', last_name = '', company_name = NULL, email = NULL, phone = NULL,
    mobile = NULL, dni = NULL, tax_id = NULL, iban = NULL, birth_date = NULL,
    address_line1 = NULL, address_line2 = NULL, city = NULL, province = NULL, postal_code = NULL,
    notes = NULL, metadata = '{}', tags = '{}', household_id = NULL, user_id = NULL,
    sort_key = '', search_text = '', erased_at = $2, updated_at = $2, version = version + 1
WHERE id = ANY ($1::uuid[])
"""
ERASE_POLICIES = """
UPDATE policies
SET cancellation_reason = NULL, vehicle_plate = NULL, vehicle_vin = NULL, property_address = NULL,
    property_postal_code = NULL, policy_document_url = NULL, certificate_url = NULL,
    metadata = '{}', notes = NULL, search_text = '', updated_at = $2, version = version + 1
WHERE customer_id = ANY ($1::uuid[])
"""
# Versions are only ever added to; an erasure says that it is one.
SAY_ERASING = "SELECT set_config('contactcenter.erasing', 'on', true)"
SAY_ERASED = "SELECT set_config('contactcenter.erasing', '', true)"
ERASE_VERSIONS = """
UPDATE policy_versions
SET changes = coalesce((
        SELECT jsonb_object_agg(key, CASE WHEN key IN ('vehicle_plate', 'vehicle_vin',
                   'property_address', 'property_postal_code', 'parties') THEN 'null'
                   ELSE value END)
        FROM jsonb_each(changes)), '{}'),
    reason = ''
WHERE policy_id IN (SELECT id FROM policies WHERE customer_id = ANY ($1::uuid[]))
"""
ERASE_ROLES = """
UPDATE policy_roles SET name = ''
WHERE name IS NOT NULL
  AND policy_id IN (SELECT id FROM policies WHERE customer_id = ANY ($1::uuid[]))
"""
ERASE_CLAIMS = """
UPDATE claims
SET description = '', location = NULL, postal_code = NULL, perito_name = NULL, perito_phone = NULL,
    denial_reason = CASE WHEN denial_reason IS NOT NULL THEN '' END, decision_document = NULL,
    payment_document = NULL,
    motor = NULL, documents = '[]', metadata = '{}', notes = NULL, search_text = '',
    updated_at = $2, version = version + 1
WHERE customer_id = ANY ($1::uuid[])
"""
ERASE_CLAIM_EVENTS = """
UPDATE claim_events SET note = ''
WHERE claim_id IN (SELECT id FROM claims WHERE customer_id = ANY ($1::uuid[]))
"""
ERASE_QUOTES = """
UPDATE quotes
SET coverage_details = '{}', mediation = '{}', rejection_reason = NULL, metadata = '{}',
    notes = NULL,
    carrier_quotes = (
        SELECT coalesce(jsonb_agg(o - 'link' || '{"coverage": ""}'), '[]')
        FROM jsonb_array_elements(carrier_quotes) AS o),
    discounts = (
        SELECT coalesce(jsonb_agg(d || '{"description": ""}'), '[]')
        FROM jsonb_array_elements(discounts) AS d),
    surcharges = (
        SELECT coalesce(jsonb_agg(s || '{"description": ""}'), '[]')
        FROM jsonb_array_elements(surcharges) AS s),
    updated_at = $2, version = version + 1
WHERE customer_id = ANY ($1::uuid[])
"""
ERASE_TASKS = """
UPDATE tasks
SET title = '—', description = NULL, metadata = '{}', tags = '{}', updated_at = $2,
    version = version + 1
WHERE customer_id = ANY ($1::uuid[])
"""
ERASE_LETTERS = """
UPDATE customer_letters
SET subject = '', body = '', address = NULL,
    state = CASE state WHEN 'sent' THEN 'sent' ELSE 'unaddressed' END
WHERE customer_id = ANY ($1::uuid[])
"""
ERASE_MERGES = """
UPDATE customer_merges SET moved = moved - 'ways' - 'tags'
WHERE winner_id = ANY ($1::uuid[]) OR loser_id = ANY ($1::uuid[])
"""
ERASE_RUNS = f"""
UPDATE workflow_executions
SET trigger_data = coalesce((
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(trigger_data)
        WHERE value #>> '{{}}' ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'), '{{}}'),
    results = '{{}}', error_message = CASE WHEN error_message IS NOT NULL THEN '' END
WHERE {RUNS_OF}
"""  # noqa: S608 - a constant
ERASE_STEPS = f"""
UPDATE workflow_steps
SET result = NULL, error = CASE WHEN error IS NOT NULL THEN '' END
WHERE execution_id IN (SELECT id FROM workflow_executions WHERE {RUNS_OF})
"""  # noqa: S608 - a constant
ERASE_WAYS = "DELETE FROM customer_ways WHERE customer_id = ANY ($1::uuid[])"
ERASE_ADDRESSES = "DELETE FROM customer_addresses WHERE customer_id = ANY ($1::uuid[])"

DATED: Final = (
    ("customers", ERASE_CUSTOMERS),
    ("policies", ERASE_POLICIES),
    ("claims", ERASE_CLAIMS),
    ("quotes", ERASE_QUOTES),
    ("tasks", ERASE_TASKS),
)
UNDATED: Final = (
    ("workflow_steps", ERASE_STEPS),
    ("workflow_executions", ERASE_RUNS),
    ("customer_ways", ERASE_WAYS),
    ("customer_addresses", ERASE_ADDRESSES),
    ("customer_merges", ERASE_MERGES),
    ("policy_roles", ERASE_ROLES),
    ("claim_events", ERASE_CLAIM_EVENTS),
    ("customer_letters", ERASE_LETTERS),
    ("policy_versions", ERASE_VERSIONS),
)

# What names them in the texts of others' policies, and in what hangs on those.
NAMES = """
SELECT first_name || ' ' || last_name, company_name, email, phone, mobile, dni, tax_id, iban
FROM customers WHERE id = ANY ($1::uuid[])
"""
WAYS = "SELECT address FROM customer_ways WHERE customer_id = ANY ($1::uuid[])"
PARTS: Final = """
SELECT r.policy_id FROM policy_roles r JOIN policies p ON p.id = r.policy_id
WHERE r.customer_id = ANY ($1::uuid[]) AND p.customer_id <> ALL ($1)
"""
STRIKE_POLICIES = f"""
UPDATE policies SET notes = regexp_replace(notes, $2, '—', 'gi'), updated_at = $3,
    version = version + 1
WHERE id IN ({PARTS}) AND notes ~* $2
"""  # noqa: S608 - a constant
STRIKE_CLAIMS = f"""
UPDATE claims SET description = regexp_replace(description, $2, '—', 'gi'),
    notes = regexp_replace(notes, $2, '—', 'gi'),
    denial_reason = regexp_replace(denial_reason, $2, '—', 'gi'), updated_at = $3,
    version = version + 1
WHERE policy_id IN ({PARTS}) AND concat_ws(' ', description, notes, denial_reason) ~* $2
"""  # noqa: S608 - a constant
STRIKE_TASKS = f"""
UPDATE tasks SET title = regexp_replace(title, $2, '—', 'gi'),
    description = regexp_replace(description, $2, '—', 'gi'), updated_at = $3,
    version = version + 1
WHERE id IN (SELECT id FROM tasks WHERE policy_id IN ({PARTS})
             UNION
             SELECT k.id FROM tasks k JOIN claims c ON c.id = k.claim_id
             WHERE c.policy_id IN ({PARTS}))
  AND concat_ws(' ', title, description) ~* $2
"""  # noqa: S608 - a constant
STRIKE_CLAIM_EVENTS = f"""
UPDATE claim_events SET note = regexp_replace(note, $2, '—', 'gi')
WHERE claim_id IN (SELECT id FROM claims WHERE policy_id IN ({PARTS})) AND note ~* $2
"""  # noqa: S608 - a constant
STRIKE_VERSIONS = f"""
UPDATE policy_versions SET reason = regexp_replace(reason, $2, '—', 'gi')
WHERE policy_id IN ({PARTS}) AND reason ~* $2
"""  # noqa: S608 - a constant
STRIKE_DATED: Final = (
    ("policies", STRIKE_POLICIES), ("claims", STRIKE_CLAIMS), ("tasks", STRIKE_TASKS),
)  # fmt: skip
STRIKE_UNDATED: Final = (
    ("claim_events", STRIKE_CLAIM_EVENTS), ("policy_versions", STRIKE_VERSIONS),
)  # fmt: skip
SHORTEST: Final = 5  # a shorter word may well be somebody else's


async def erasable(conn: Connection, today: date, now: datetime) -> list[UUID]:
    """Closed files that nothing keeps any more."""
    return [row["id"] for row in await conn.fetch(ERASABLE, today, now, None)]


async def hold_erasable(
    conn: Connection, today: date, now: datetime, customer_id: UUID
) -> UUID | None:
    """The file, held; None when something keeps it, or another has it at hand."""
    held: UUID | None = await conn.fetchval(HOLD_ERASABLE, today, now, customer_id)
    return held


CLOSED_BY = "SELECT updated_by FROM customers WHERE id = $1"


async def closed_by(conn: Connection, customer_id: UUID) -> UUID | None:
    """Who closed a closed file: nobody changes one."""
    found: UUID | None = await conn.fetchval(CLOSED_BY, customer_id)
    return found


async def erase(
    conn: Connection, customer_id: UUID, at: datetime
) -> tuple[list[UUID], Counter[str]]:
    """Erase a file with those that were merged into it; which they are, itself first, and
    table → how many rows, with those of others' that their name was struck from."""
    files = [row["id"] for row in await conn.fetch(WITH_MERGED, customer_id)]
    await conn.execute(SAY_ERASING)
    rows = await _strike(conn, files, at)
    for table, statement in DATED:
        rows[table] += affected(await conn.execute(statement, files, at))
    for table, statement in UNDATED:
        rows[table] += affected(await conn.execute(statement, files))
    await conn.execute(SAY_ERASED)
    return files, rows


async def _strike(conn: Connection, files: list[UUID], at: datetime) -> Counter[str]:
    """Take the person's names out of the texts about others' policies; table → rows."""
    rows: Counter[str] = Counter()
    names = {name for row in await conn.fetch(NAMES, files) for name in row.values() if name}
    names |= {row["address"] for row in await conn.fetch(WAYS, files)}
    names |= {name.removeprefix("+34") for name in names}
    words = sorted((n.strip() for n in names if len(n.strip()) >= SHORTEST), key=len, reverse=True)
    if not words:
        return rows
    pattern = "|".join(map(_whole, words))
    for table, statement in STRIKE_DATED:
        rows[table] += affected(await conn.execute(statement, files, pattern, at))
    for table, statement in STRIKE_UNDATED:
        rows[table] += affected(await conn.execute(statement, files, pattern))
    return rows


def _whole(name: str) -> str:
    """The pattern, of PostgreSQL's, of a name that is not a part of a longer word."""
    before = "(?<![[:alpha:]])" if name[0].isalpha() else ""
    after = "(?![[:alpha:]])" if name[-1].isalpha() else ""
    return f"{before}{re.escape(name)}{after}"
