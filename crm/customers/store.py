"""SQL of customers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from crm.days import last_overdue
from crm.sql import UNPAID, letter_line, task_line
from db import Connection, Record

FIELDS: Final = (
    "first_name, last_name, company_name, email, phone, mobile, dni, tax_id, iban, birth_date, "
    "address_line1, address_line2, city, province, postal_code, country, locale, status, "
    "lead_source, tags, notes, metadata, household_id, portfolio_manager_id, sort_key, search_text"
)
_NEW_FIELDS: Final = ", ".join(f"n.{name.strip()}" for name in FIELDS.split(","))

INSERT = f"""
INSERT INTO customers (id, kind, segment, {FIELDS}, created_at, updated_at, created_by, updated_by)
SELECT n.id, n.kind, n.segment, {_NEW_FIELDS}, $2, $2, $3, $3
FROM jsonb_populate_recordset(NULL::customers, $1::jsonb) AS n
"""  # noqa: S608 - constants
UPDATE = f"""
UPDATE customers c
SET ({FIELDS}) = (SELECT {_NEW_FIELDS} FROM jsonb_populate_record(c, $2::jsonb) AS n),
    updated_at = $3, updated_by = $4, version = version + 1
WHERE id = $1
RETURNING version
"""  # noqa: S608 - constants
DROP_WAYS = "DELETE FROM customer_ways WHERE customer_id = $1"
PUT_WAYS = """
INSERT INTO customer_ways (customer_id, kind, address, label, further)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[])
ON CONFLICT DO NOTHING
"""
DROP_ADDRESSES = "DELETE FROM customer_addresses WHERE customer_id = $1"
PUT_ADDRESSES = """
INSERT INTO customer_addresses (id, customer_id, label, address_line1, address_line2, city,
                                province, postal_code, country)
SELECT n.id, n.customer_id, n.label, n.address_line1, n.address_line2, n.city, n.province,
       n.postal_code, n.country
FROM jsonb_populate_recordset(NULL::customer_addresses, $1::jsonb) AS n
"""


async def insert(
    conn: Connection, rows: Sequence[Mapping[str, Any]], at: datetime, by: UUID | None
) -> None:
    """Each row has its id and kind beside the fields, and its segment where that is known."""
    await conn.execute(INSERT, list(rows), at, by)


async def update(
    conn: Connection, customer_id: UUID, changes: Mapping[str, Any], at: datetime, by: UUID | None
) -> int:
    """The new version."""
    version: int = await conn.fetchval(UPDATE, customer_id, changes, at, by)
    return version


async def add_ways(conn: Connection, ways: Sequence[tuple[UUID, str, str, str, bool]]) -> None:
    """(customer, kind, address, label, further)."""
    if ways:
        await conn.execute(PUT_WAYS, *map(list, zip(*ways, strict=True)))


async def put_ways(
    conn: Connection, customer_id: UUID, ways: Sequence[tuple[UUID, str, str, str, bool]]
) -> None:
    """Replace all of a customer."""
    await conn.execute(DROP_WAYS, customer_id)
    await add_ways(conn, ways)


async def add_addresses(conn: Connection, addresses: Sequence[Mapping[str, Any]]) -> None:
    if addresses:
        await conn.execute(PUT_ADDRESSES, list(addresses))


async def put_addresses(
    conn: Connection, customer_id: UUID, addresses: Sequence[Mapping[str, Any]]
) -> None:
    """Replace all of a customer."""
    await conn.execute(DROP_ADDRESSES, customer_id)
    await add_addresses(conn, addresses)


COLUMNS: Final = (
    "c.id, c.kind, c.first_name, c.last_name, c.company_name, c.email, c.phone, c.mobile, c.dni, "
    "c.tax_id, c.iban, c.birth_date, c.address_line1, c.address_line2, c.city, c.province, "
    "c.postal_code, c.country, c.locale, c.status, c.segment, c.lead_source, c.tags, c.notes, "
    "c.metadata, c.household_id, c.portfolio_manager_id, c.user_id, c.merged_into, c.sort_key, "
    "c.version, c.created_at, c.updated_at, c.erased_at"
)
FIND = f"""
SELECT {COLUMNS},
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', w.kind, 'address', w.address,
                                                     'label', w.label)
                                  ORDER BY w.kind, w.address)
                 FROM customer_ways w WHERE w.customer_id = c.id AND w.further), '[]') AS ways,
       coalesce((SELECT jsonb_agg(to_jsonb(a) - 'id' - 'customer_id' ORDER BY a.id)
                 FROM customer_addresses a WHERE a.customer_id = c.id), '[]') AS addresses
FROM customers c
WHERE c.id = $1 AND ($2::uuid IS NULL OR c.user_id = $2)
"""  # noqa: S608 - constants
LOCK = "SELECT id FROM customers WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"


async def find(conn: Connection, customer_id: UUID, own: UUID | None = None) -> Record | None:
    """`own`: only when this user is the customer."""
    return await conn.fetchrow(FIND, customer_id, own)


async def lock(conn: Connection, *customer_ids: UUID) -> int:
    """Hold the rows, in the order of their ids; how many there are."""
    return len(await conn.fetch(LOCK, list(customer_ids)))


HOLD = """
SELECT status, merged_into, erased_at FROM customers WHERE id = $1 FOR NO KEY UPDATE
"""


async def hold(conn: Connection, customer_id: UUID) -> Record | None:
    """Hold the row; what tells whether the file lives."""
    return await conn.fetchrow(HOLD, customer_id)


LIVING_AMONG = """
SELECT count(*) FROM customers WHERE id = ANY ($1::uuid[]) AND status NOT IN ('merged', 'deleted')
"""
MERGED_INTO = """
SELECT CASE WHEN status = 'merged' THEN merged_into END FROM customers WHERE id = $1 FOR SHARE
"""
INTERACTION = "SELECT customer_id FROM interactions WHERE id = $1"


async def living_among(conn: Connection, customer_ids: Collection[UUID]) -> int:
    return int(await conn.fetchval(LIVING_AMONG, list(customer_ids)))


async def hold_merged_into(conn: Connection, customer_id: UUID) -> UUID | None:
    merged_into: UUID | None = await conn.fetchval(MERGED_INTO, customer_id)
    return merged_into


async def interaction(conn: Connection, interaction_id: UUID) -> Record | None:
    """Whose it is."""
    return await conn.fetchrow(INTERACTION, interaction_id)


LIST = f"""
SELECT {COLUMNS} FROM customers c
WHERE c.status = coalesce($1, c.status) AND ($1::text IS NOT NULL
                                             OR c.status NOT IN ('merged', 'deleted'))
  AND ($2::text IS NULL OR c.segment = $2)
  AND ($3::text IS NULL OR c.kind = $3)
  AND ($4::text IS NULL OR c.tags @> ARRAY[$4])
  AND ($5::uuid IS NULL OR c.portfolio_manager_id = $5)
  AND ($6::uuid IS NULL OR c.household_id = $6)
  AND ($7::uuid IS NULL OR c.user_id = $7)
  AND ($8::timestamptz IS NULL OR (c.created_at, c.id) < ($8, $9::uuid))
ORDER BY c.created_at DESC, c.id DESC
LIMIT $10
"""  # noqa: S608 - constants
BY_WAY = """
SELECT DISTINCT w.customer_id FROM customer_ways w JOIN customers c ON c.id = w.customer_id
WHERE w.kind = $1 AND w.address = $2 AND c.status NOT IN ('merged', 'deleted')
LIMIT 20
"""
# A file that was merged leads to the one that it became part of.
BY_DOCUMENT = """
WITH RECURSIVE owners AS (
    (SELECT id, status, merged_into FROM customers
     WHERE dni = $1 AND status NOT IN ('merged', 'deleted')
     UNION ALL
     SELECT id, status, merged_into FROM customers
     WHERE tax_id = $1 AND status NOT IN ('merged', 'deleted')
     UNION ALL
     SELECT id, status, merged_into FROM customers
     WHERE status = 'merged' AND (dni = $1 OR tax_id = $1))
    UNION
    SELECT c.id, c.status, c.merged_into FROM owners o JOIN customers c ON c.id = o.merged_into
)
SELECT id FROM owners WHERE status NOT IN ('merged', 'deleted')
"""
MERGED_DOCUMENTS = """
WITH RECURSIVE parts AS (
    SELECT loser_id FROM customer_merges WHERE winner_id = $1 AND undone_at IS NULL
    UNION
    SELECT m.loser_id FROM parts p JOIN customer_merges m ON m.winner_id = p.loser_id
    WHERE m.undone_at IS NULL
)
SELECT d.document FROM parts p JOIN customers c ON c.id = p.loser_id,
     LATERAL (VALUES (c.dni), (c.tax_id)) AS d (document)
WHERE d.document IS NOT NULL ORDER BY 1
"""


async def listed(conn: Connection, *wanted: Any) -> list[Record]:
    """status, segment, kind, tag, manager, household, own, before (two), limit."""
    return await conn.fetch(LIST, *wanted)


async def by_way(conn: Connection, kind: str, address: str) -> list[UUID]:
    return [row["customer_id"] for row in await conn.fetch(BY_WAY, kind, address)]


async def by_document(conn: Connection, document: str) -> list[UUID]:
    return [row["id"] for row in await conn.fetch(BY_DOCUMENT, document)]


async def merged_documents(conn: Connection, customer_id: UUID) -> list[str]:
    """The documents of the files that became part of this one, at whatever remove."""
    return [row["document"] for row in await conn.fetch(MERGED_DOCUMENTS, customer_id)]


WAYS_OF = "SELECT kind, address FROM customer_ways WHERE customer_id = $1"


async def ways_of(conn: Connection, customer_id: UUID) -> list[tuple[str, str]]:
    return [(row["kind"], row["address"]) for row in await conn.fetch(WAYS_OF, customer_id)]


NO_WORD: Final = ""
"""Of nobody, while everybody has all of no words."""
# The likeliest of many: of the same birth date, none of another, of the same postal code.
_LIKELIEST: Final = """
     ORDER BY (c.birth_date = $6::date) IS TRUE DESC, (c.birth_date <> $6::date) IS TRUE,
              (c.postal_code = $7::text) IS TRUE DESC, c.id
     LIMIT 50"""
# Who could be the same: one shares a document, an address, or the whole name.
CANDIDATES = f"""
WITH near AS (
    (SELECT c.id FROM customers c
     WHERE c.id IN (SELECT w.customer_id FROM customer_ways w
                    WHERE (w.kind, w.address) IN (SELECT * FROM unnest($1::text[], $2::text[])))
       AND c.status NOT IN ('merged', 'deleted'){_LIKELIEST})
    UNION
    (SELECT c.id FROM customers c WHERE c.dni = ANY ($3::text[]) OR c.tax_id = ANY ($3))
    UNION
    (SELECT c.id FROM customers c
     WHERE string_to_array(c.search_text, ' ') @> $4::text[]
       AND c.status NOT IN ('merged', 'deleted'){_LIKELIEST})
)
SELECT {COLUMNS},
       ARRAY(SELECT w.address FROM customer_ways w WHERE w.customer_id = c.id) AS known_ways
FROM near n JOIN customers c ON c.id = n.id
WHERE c.status NOT IN ('merged', 'deleted') AND c.id IS DISTINCT FROM $5
"""  # noqa: S608 - constants


async def candidates(
    conn: Connection,
    ways: Sequence[tuple[str, str]],
    documents: Sequence[str],
    words: Sequence[str],
    besides: UUID | None,
    birth_date: date | None,
    postal_code: str | None,
) -> list[Record]:
    return await conn.fetch(
        CANDIDATES,
        [kind for kind, _ in ways],
        [address for _, address in ways],
        list(documents),
        list(words) or [NO_WORD],
        besides,
        birth_date,
        postal_code,
    )


# As CANDIDATES, for many at once; a name counts when the whole of it is the same.
CANDIDATES_OF_MANY = f"""
WITH near AS (
    SELECT w.customer_id AS id FROM customer_ways w
    WHERE (w.kind, w.address) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    UNION
    SELECT c.id FROM customers c WHERE c.dni = ANY ($3::text[]) OR c.tax_id = ANY ($3)
    UNION
    SELECT c.id FROM customers c WHERE c.sort_key = ANY ($4::text[])
)
SELECT {COLUMNS},
       ARRAY(SELECT w.address FROM customer_ways w WHERE w.customer_id = c.id) AS known_ways
FROM near n JOIN customers c ON c.id = n.id
WHERE c.status NOT IN ('merged', 'deleted')
LIMIT 20000
"""  # noqa: S608 - constants


async def candidates_of_many(
    conn: Connection,
    ways: Sequence[tuple[str, str]],
    documents: Sequence[str],
    sort_keys: Sequence[str],
) -> list[Record]:
    return await conn.fetch(
        CANDIDATES_OF_MANY,
        [kind for kind, _ in ways],
        [address for _, address in ways],
        list(documents),
        list(sort_keys),
    )


STATS = f"""
SELECT count(*) FILTER (WHERE p.live) AS policies,
       count(*) FILTER (WHERE NOT p.live AND p.status IN ('expired', 'cancelled', 'replaced'))
           AS past_policies,
       count(*) FILTER (WHERE p.live AND p.vehicle_plate IS NOT NULL) AS vehicles,
       coalesce(sum(p.premium_amount) FILTER (WHERE p.live), 0) AS annual_premium,
       min(p.coverage_start_date) FILTER (WHERE p.status NOT IN ('proposal', 'pending'))
           AS customer_since,
       coalesce(jsonb_agg(jsonb_build_array(p.policy_type, coalesce(p.premium_net,
                p.premium_amount)::text)) FILTER (WHERE p.live), '[]') AS lines,
       (SELECT count(*) FROM claims l WHERE l.customer_id = $1
        AND l.status NOT IN ('denied', 'paid')) AS open_claims,
       (SELECT count(*) FROM claims l WHERE l.customer_id = $1) AS claims,
       (SELECT coalesce(sum(l.paid_amount), 0) FROM claims l WHERE l.customer_id = $1)
           AS claims_paid,
       (SELECT count(*) FROM quotes q WHERE q.customer_id = $1
        AND (q.status = 'sent' OR q.status = 'draft' AND NOT $3::boolean)) AS open_quotes,
       (SELECT count(*) FROM tasks t WHERE t.customer_id = $1
        AND t.status IN ('pending', 'in_progress')) AS open_tasks,
       (SELECT count(*) FROM interactions i WHERE i.customer_id = $1
        AND i.created_at > $2::timestamptz - interval '90 days') AS interactions_90_days,
       (SELECT max(i.created_at) FROM interactions i WHERE i.customer_id = $1)
           AS last_interaction_at,
       r.unpaid_receipts, r.unpaid_amount, r.earned
FROM (SELECT sum(1) FILTER (WHERE u.unpaid) AS unpaid_receipts,
             sum(u.total) FILTER (WHERE u.unpaid) AS unpaid_amount,
             sum(u.commission) FILTER (WHERE u.paid) AS earned
      FROM (SELECT r.total, r.commission, r.paid_at IS NOT NULL AS paid,
                   {UNPAID.format("$4::date")} AS unpaid
            FROM receipts r JOIN policies p ON p.id = r.policy_id
            WHERE p.customer_id = $1 AND r.state <> 'cancelled') u) r
LEFT JOIN (SELECT *, status IN ('active', 'suspended') AS live FROM policies
           WHERE customer_id = $1) p ON true
GROUP BY r.unpaid_receipts, r.unpaid_amount, r.earned
"""  # noqa: S608 - constants
# Signs in as a customer, by an address that they have shown to be theirs.
USER_OF = """
SELECT u.id, c.id AS customer_id,
       u.role = 'customer' AND u.email_verified AND u.status = 'active' AS fit
FROM users u LEFT JOIN customers c ON c.user_id = u.id WHERE lower(u.email) = lower($1)
"""
SET_USER = """
UPDATE customers SET user_id = $2, updated_at = $3, updated_by = $4, version = version + 1
WHERE id = $1
"""
RULES = "SELECT segment, conditions FROM segment_rules ORDER BY ordinal"
DROP_RULES = "DELETE FROM segment_rules"
PUT_RULES = """
INSERT INTO segment_rules (segment, ordinal, conditions)
SELECT segment, ordinality, conditions
FROM unnest($1::text[], $2::jsonb[]) WITH ORDINALITY AS r (segment, conditions)
"""
LIVING_AFTER = """
SELECT id FROM customers
WHERE ($1::uuid IS NULL OR id > $1) AND status NOT IN ('merged', 'deleted')
ORDER BY id LIMIT $2
"""
SET_SEGMENT = """
WITH before AS (SELECT id, segment FROM customers WHERE id = $1)
UPDATE customers c SET segment = $2 FROM before b
WHERE c.id = b.id AND c.segment IS DISTINCT FROM $2
RETURNING b.segment
"""
RATES = """
SELECT DISTINCT ON (kind, line) kind, line, rate FROM premium_rates
WHERE kind IN ('commission', 'retention') AND valid_from <= $1
ORDER BY kind, line, valid_from DESC
"""


async def stats(
    conn: Connection, customer_id: UUID, now: datetime, today: date, own: bool = False
) -> Record:
    """`own`: for the customer, without drafts. `today`: the centre's."""
    row = await conn.fetchrow(STATS, customer_id, now, own, last_overdue(today))
    assert row is not None
    return row


async def user_of(conn: Connection, email: str) -> Record | None:
    return await conn.fetchrow(USER_OF, email)


async def set_user(
    conn: Connection, customer_id: UUID, user_id: UUID | None, at: datetime, by: UUID | None
) -> None:
    await conn.execute(SET_USER, customer_id, user_id, at, by)


async def rules(conn: Connection) -> list[tuple[str, dict[str, Any]]]:
    return [(row["segment"], row["conditions"]) for row in await conn.fetch(RULES)]


async def put_rules(conn: Connection, rules: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    await conn.execute(DROP_RULES)
    await conn.execute(PUT_RULES, [s for s, _ in rules], [c for _, c in rules])


async def living_after(conn: Connection, last: UUID | None, limit: int) -> list[UUID]:
    """Customers in the order of their ids."""
    return [row["id"] for row in await conn.fetch(LIVING_AFTER, last, limit)]


async def set_segment(conn: Connection, customer_id: UUID, segment: str | None) -> Record | None:
    """The segment before; None when it is the same."""
    return await conn.fetchrow(SET_SEGMENT, customer_id, segment)


async def rates(conn: Connection, day: date) -> dict[tuple[str, str], Any]:
    return {(row["kind"], row["line"]): row["rate"] for row in await conn.fetch(RATES, day)}


# Each branch reads at most a page by its own index; the merge is of a few pages, whatever lies
# before.
TIMELINE = f"""
SELECT t.* FROM (
    (SELECT 'interaction' AS kind, i.id, i.created_at AS at, i.channel, i.direction,
            i.state AS status, i.subject, i.outcome, i.agent_id, a.name AS agent_name,
            extract(epoch FROM i.ended_at - i.answered_at)::int AS seconds,
            k.id AS call_id, (SELECT r.id FROM recordings r
                              WHERE r.call_id = k.id AND r.state IN ('finished', 'stored')
                              ORDER BY r.created_at DESC LIMIT 1) AS recording_id,
            NULL::text AS line, NULL::uuid AS handler, i.id AS contact
     FROM interactions i LEFT JOIN agents a ON a.id = i.agent_id
          LEFT JOIN calls k ON k.interaction_id = i.id
     WHERE i.customer_id = $1 AND ($2::timestamptz IS NULL OR (i.created_at, i.id) < ($2, $3::uuid))
       AND ($5::text IS NULL OR i.channel = $5)
     ORDER BY i.created_at DESC, i.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'policy', p.id, p.created_at, NULL, NULL, p.status,
            coalesce(p.policy_number, p.reference), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            NULL
     FROM policies p
     WHERE p.customer_id = $1 AND $5 IS NULL
       AND ($2::timestamptz IS NULL OR (p.created_at, p.id) < ($2, $3::uuid))
     ORDER BY p.created_at DESC, p.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'claim', l.id, l.created_at, NULL, NULL, l.status, l.claim_number, l.cause,
            l.adjuster_id, a.name, NULL, NULL, NULL, p.policy_type, l.adjuster_id, NULL
     FROM claims l JOIN policies p ON p.id = l.policy_id
          LEFT JOIN agents a ON a.id = l.adjuster_id
     WHERE l.customer_id = $1 AND $5 IS NULL
       AND ($2::timestamptz IS NULL OR (l.created_at, l.id) < ($2, $3::uuid))
     ORDER BY l.created_at DESC, l.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'quote', q.id, q.created_at, NULL, NULL, q.status, q.quote_number, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL
     FROM quotes q
     WHERE q.customer_id = $1 AND $5 IS NULL AND NOT ($6::boolean AND q.status = 'draft')
       AND ($2::timestamptz IS NULL OR (q.created_at, q.id) < ($2, $3::uuid))
     ORDER BY q.created_at DESC, q.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'task', k.id, k.created_at, NULL, NULL, k.status, k.title, k.task_type,
            k.assigned_agent, a.name, NULL, NULL, NULL, {task_line("k")}, k.assigned_agent,
            k.interaction_id
     FROM tasks k LEFT JOIN agents a ON a.id = k.assigned_agent
     WHERE k.customer_id = $1 AND $5 IS NULL AND NOT $6::boolean
       AND ($2::timestamptz IS NULL OR (k.created_at, k.id) < ($2, $3::uuid))
     ORDER BY k.created_at DESC, k.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'letter', m.id, m.sent_at, 'email', 'outbound', m.state, m.subject, NULL, NULL, NULL,
            NULL, NULL, NULL, {letter_line("m")}, NULL, NULL
     FROM customer_letters m
     WHERE m.customer_id = $1 AND m.state = 'sent' AND ($5 IS NULL OR $5 = 'email')
       AND ($2::timestamptz IS NULL OR (m.sent_at, m.id) < ($2, $3::uuid))
     ORDER BY m.sent_at DESC, m.id DESC LIMIT $4)
    UNION ALL
    (SELECT 'receipt', r.id, r.created_at, NULL, NULL, r.state, r.number, NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL
     FROM receipts r JOIN policies p ON p.id = r.policy_id
     WHERE p.customer_id = $1 AND $5 IS NULL
       AND ($2::timestamptz IS NULL OR (r.created_at, r.id) < ($2, $3::uuid))
     ORDER BY r.created_at DESC, r.id DESC LIMIT $4)
) t
ORDER BY t.at DESC, t.id DESC
LIMIT $4
"""  # noqa: S608 - a constant


async def timeline(
    conn: Connection,
    customer_id: UUID,
    before: tuple[datetime, UUID] | None,
    channel: str | None,
    limit: int,
    own: bool,
) -> list[Record]:
    """Each with its `line`, where health may be read in it, who handles it, and in which `contact`
    it was said. `own`: as the customer sees it, without drafts and the office's tasks."""
    at, row_id = before or (None, None)
    return await conn.fetch(TIMELINE, customer_id, at, row_id, limit, channel, own)


INSERT_HOUSEHOLD = "INSERT INTO households (id, name, created_at) VALUES ($1, $2, $3)"
JOIN_HOUSEHOLD = """
UPDATE customers SET household_id = $1, updated_at = $3, version = version + 1
WHERE id = ANY ($2::uuid[]) AND status NOT IN ('merged', 'deleted')
RETURNING id
"""
HOUSEHOLD = "SELECT id, name FROM households WHERE id = $1"


async def insert_household(conn: Connection, household_id: UUID, name: str, at: datetime) -> None:
    await conn.execute(INSERT_HOUSEHOLD, household_id, name, at)


async def join_household(
    conn: Connection, household_id: UUID, members: Sequence[UUID], at: datetime
) -> set[UUID]:
    rows = await conn.fetch(JOIN_HOUSEHOLD, household_id, list(members), at)
    return {row["id"] for row in rows}


async def household(conn: Connection, household_id: UUID) -> Record | None:
    return await conn.fetchrow(HOUSEHOLD, household_id)
