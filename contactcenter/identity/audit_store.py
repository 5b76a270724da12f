"""SQL of the audit log, its chain and the keys of persons."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.core.eventlog import appending
from db import Connection, Record

PAGE: Final = 1000


Written = tuple[
    UUID, UUID | None, str, str, str, str, UUID | None, bytes | None, bytes | None, datetime
]
"""What a row tells, in the order of COLUMNS."""
Values = tuple[*Written, bytes]
"""With the digest."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log as it stands."""

    id: UUID
    user_id: UUID | None
    actor: str
    action: str
    resource_type: str
    resource_id: str
    person: UUID | None
    origin: bytes | None
    changes: bytes | None
    created_at: datetime
    digest: bytes | None  # of what was written; None: older than digests

    def written(self) -> Written:
        return (
            self.id,
            self.user_id,
            self.actor,
            self.action,
            self.resource_type,
            self.resource_id,
            self.person,
            self.origin,
            self.changes,
            self.created_at,
        )


FIND_KEYS = "SELECT person, sealed FROM person_keys WHERE person = ANY ($1::uuid[])"
KEYS_OF = """
WITH had AS (SELECT person, sealed FROM person_keys WHERE person = ANY ($1::uuid[])),
made AS (
    INSERT INTO person_keys (person, sealed, created_at)
    SELECT g.person, g.sealed, $3 FROM unnest($1::uuid[], $2::bytea[]) AS g (person, sealed)
    WHERE g.person NOT IN (SELECT person FROM had)
    ORDER BY g.person
    ON CONFLICT DO NOTHING
    RETURNING person, sealed
)
SELECT person, sealed, false AS made FROM had UNION ALL SELECT person, sealed, true FROM made
"""


DROP_KEYS = """
DELETE FROM person_keys
WHERE person = $1 OR person IN (SELECT id FROM contacts WHERE customer_id = $1)
RETURNING person
"""


async def drop_keys(conn: Connection, customer_id: UUID) -> list[UUID]:
    """The customer's key, and those of the contacts who are this customer; whose were dropped."""
    return [row["person"] for row in await conn.fetch(DROP_KEYS, customer_id)]


async def find_keys(conn: Connection, persons: Sequence[UUID]) -> dict[UUID, bytes]:
    """Person → sealed key, of those who have one."""
    return {row["person"]: row["sealed"] for row in await conn.fetch(FIND_KEYS, list(persons))}


async def keys_of(
    conn: Connection, fresh: Mapping[UUID, bytes], now: datetime
) -> list[tuple[UUID, bytes, bool]]:
    """Person, sealed key and whether it is the fresh one, which who has none gets now. Not there
    is whose key another transaction made meanwhile: `find_keys` has it."""
    return [
        (row["person"], row["sealed"], row["made"])
        for row in await conn.fetch(KEYS_OF, list(fresh), list(fresh.values()), now)
    ]


COLUMNS = """(id, user_id, actor, action, resource_type, resource_id, person, origin, changes,
              created_at, digest)"""
INSERT_ONE = f"""
INSERT INTO audit_logs {COLUMNS}
VALUES ($9::uuid, $10::uuid, $11::text, $12::text, $13::text, $14::text, $15::uuid, $16::bytea,
        $17::bytea, $18::timestamptz, $19::bytea)
"""  # noqa: S608 - a constant
INSERT = f"""
INSERT INTO audit_logs {COLUMNS}
SELECT * FROM unnest($9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::text[], $14::text[],
                     $15::uuid[], $16::bytea[], $17::bytea[], $18::timestamptz[], $19::bytea[])
"""  # noqa: S608 - a constant
_APPENDED = f"{appending()} SELECT xid FROM appended LIMIT 1"  # noqa: S608 - a constant
APPEND_WITH_ROW = f"WITH audited AS ({INSERT_ONE}), {_APPENDED}"
APPEND_WITH_ROWS = f"WITH audited AS ({INSERT}), {_APPENDED}"


def append(rows: Sequence[Values]) -> tuple[str, tuple[Any, ...]]:
    """What core.eventlog.append runs, and its parameters from $9 on. A single row goes as plain
    values, which cost a third of eleven arrays."""
    if len(rows) == 1:
        return APPEND_WITH_ROW, rows[0]
    return APPEND_WITH_ROWS, tuple(map(list, zip(*rows, strict=True)))


UNLINKED = """
SELECT id, user_id, actor, action, resource_type, resource_id, person, origin, changes, created_at,
       digest
FROM audit_logs a
WHERE id = ANY ($1::uuid[]) AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
"""


async def unlinked(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Those of the rows that are there and not in the chain yet."""
    return {row["id"]: Row(**row) for row in await conn.fetch(UNLINKED, list(ids))}


SEARCH = """
SELECT a.id, a.user_id, a.actor, a.action, a.resource_type, a.resource_id, a.person, a.origin,
       a.changes, a.created_at, a.digest, u.email, u.first_name, u.last_name, c.seq
FROM audit_logs a LEFT JOIN users u ON u.id = a.user_id LEFT JOIN audit_chain c ON c.audit_id = a.id
WHERE ($1::uuid IS NULL OR a.id < $1)
  AND ($2::uuid IS NULL OR a.user_id = $2)
  AND ($3::text IS NULL OR a.action = $3 OR starts_with(a.action, $3 || '.'))
  AND ($4::text IS NULL OR a.resource_type = $4)
  AND ($5::text IS NULL OR a.resource_id = $5)
  AND ($6::timestamptz IS NULL OR a.created_at >= $6)
  AND ($7::timestamptz IS NULL OR a.created_at < $7)
ORDER BY a.id DESC
LIMIT $8
"""


async def search(conn: Connection, *given: Any) -> list[Record]:
    """Newest first: before this id, user, action or its first words, resource type and id, from,
    until; at most so many."""
    return await conn.fetch(SEARCH, *given)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain."""

    seq: int
    audit_id: UUID
    key_name: str
    hash: bytes


LAST_LINK = "SELECT seq, audit_id, key_name, hash FROM audit_chain ORDER BY seq DESC LIMIT 1"
ADD_LINKS = """
INSERT INTO audit_chain (seq, audit_id, key_name, hash)
SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[])
"""


async def last_link(conn: Connection) -> Link | None:
    row = await conn.fetchrow(LAST_LINK)
    return None if row is None else Link(**row)


async def add_links(conn: Connection, links: Sequence[Link]) -> None:
    columns = ("seq", "audit_id", "key_name", "hash")
    await conn.execute(ADD_LINKS, *([getattr(link, name) for link in links] for name in columns))


LINKS = """
SELECT c.seq, c.audit_id, c.key_name, c.hash, a.id, a.user_id, a.actor, a.action, a.resource_type,
       a.resource_id, a.person, a.origin, a.changes, a.created_at, a.digest
FROM audit_chain c LEFT JOIN audit_logs a ON a.id = c.audit_id
WHERE c.seq > $1 ORDER BY c.seq LIMIT $2
"""


async def links(conn: Connection) -> AsyncIterator[tuple[Link, Row | None]]:
    """The whole chain in its order, each link with its row if that is there."""
    after = 0
    while rows := await conn.fetch(LINKS, after, PAGE):
        for row in rows:
            given = dict(row)
            link = Link(*(given.pop(name) for name in ("seq", "audit_id", "key_name", "hash")))
            yield link, None if given["id"] is None else Row(**given)
        after = rows[-1]["seq"]


# A row is bare until the listener has come to its event; an event whose row is not in the chain
# although the listener is past it was taken out of both. One of a transaction that is yet to begin
# was put in by hand, for the listener never to come to it.
UNCHAINED = """
WITH done AS (SELECT xid, id FROM listener_cursors WHERE listener = $1)
SELECT e.data->>'audit_id' AS audit_id
FROM event_log e, done
WHERE e.type = 'audit.recorded' AND (e.xid, e.id) <= (done.xid, done.id)
  AND NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = (e.data->>'audit_id')::uuid)
UNION
SELECT data->>'audit_id' FROM event_log
WHERE type = 'audit.recorded' AND xid >= pg_snapshot_xmax(pg_current_snapshot())
UNION
SELECT a.id::text FROM audit_logs a
WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id)
  AND NOT EXISTS (SELECT FROM event_log e WHERE e.type = 'audit.recorded'
                  AND e.subject = a.id::text)
ORDER BY 1
"""


async def unchained(conn: Connection, listener: str) -> list[str]:
    """Ids that should be in the chain and are not."""
    return [row["audit_id"] for row in await conn.fetch(UNCHAINED, listener)]
