"""Searching customers.

A search looks in up to five places, in each only while the page has room:

    named    whose name begins with it               in the order of names, ends at a page
    whole    who have all its words                  by an index of words
    begun    whose name begins so, within a word     in the order of names, ends at a page
    parts    who have it as parts of words, or of whom a policy has: by indexes of three-letter
             pieces, of which the rarest are asked for
    hidden   those within `parts` whose words begin so, where there are too many parts to see all

What ends at a page costs the same however many customers there are. The other indexes gather all
that match before the first is seen: they cost as much as there are bearers of the rarest word, or
of the rarest pieces. Which pieces are rare PostgreSQL knows from the statistics that it keeps of
the columns; where they are old or missing, other pieces are asked for and the same is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contactcenter.core.clock import Clock
from crm.customers.model import Needles
from crm.customers.store import COLUMNS
from db import Connection, Record

MANY: Final = 200
"""Of so many the first page is chosen; of a common name there are tens of thousands."""
AFTER_SPACE: Final = "!"
"""A name and this come after the name with further words, and before all that is longer."""
SHARES_LAST: Final = timedelta(minutes=10)
LAST: Final = "\U0010ffff"
"""After every character of a name."""

_LIVING: Final = "c.status NOT IN ('merged', 'deleted')"
_TEXT: Final = "' ' || c.search_text || ' '"
_POLICY_TEXT: Final = "' ' || p.search_text || ' '"
SHARES = """
SELECT s.tablename, s.most_common_elems::text::text[] AS grams, s.most_common_elem_freqs AS shares
FROM pg_stats s
WHERE s.schemaname = current_schema AND s.tablename IN ('customers', 'policies')
  AND s.attname = 'grams'
"""
NAMED = f"""
SELECT c.id, c.sort_key FROM customers c
WHERE c.sort_key ~>=~ $1 AND c.sort_key ~<~ $2 AND {_LIVING} AND c.id <> ALL ($3::uuid[])
ORDER BY c.sort_key USING ~<~, c.id
LIMIT $4
"""  # noqa: S608 - constants
WHOLE = f"""
SELECT c.id, c.sort_key FROM customers c
WHERE string_to_array(c.search_text, ' ') @> $1::text[] AND {_LIVING}
LIMIT {MANY}
"""  # noqa: S608 - constants
PARTS = f"""
(SELECT c.id, c.sort_key, false AS by_policy, {_TEXT} LIKE ALL ($3::text[]) AS begun
 FROM customers c
 WHERE c.grams @> $1::text[] AND {_TEXT} LIKE ALL ($2::text[]) AND {_LIVING}
 LIMIT {MANY})
UNION ALL
(SELECT c.id, c.sort_key, true, false FROM policies p JOIN customers c ON c.id = p.customer_id
 WHERE p.grams @> $4::text[] AND {_POLICY_TEXT} LIKE ALL ($2) AND {_LIVING}
 LIMIT {MANY})
"""  # noqa: S608 - constants
HIDDEN = f"""
SELECT c.id, c.sort_key FROM customers c
WHERE c.grams @> $1::text[] AND {_TEXT} LIKE ALL ($2::text[]) AND {_LIVING}
LIMIT {MANY}
"""  # noqa: S608 - constants
PAGE = f"""
SELECT {COLUMNS}, page.by_policy
FROM unnest($1::uuid[], $2::boolean[]) WITH ORDINALITY AS page (id, by_policy, place)
JOIN customers c ON c.id = page.id
ORDER BY page.place
"""  # noqa: S608 - constants
OWN = f"""
SELECT {COLUMNS}, NOT {_TEXT} LIKE ALL ($2::text[]) AS by_policy FROM customers c
WHERE c.user_id = $1 AND {_LIVING} AND ({_TEXT} LIKE ALL ($2) OR EXISTS (
    SELECT FROM policies p WHERE p.customer_id = c.id AND {_POLICY_TEXT} LIKE ALL ($2)))
"""  # noqa: S608 - constants


class _Found:
    """Who is found so far, each with the surest way, by which they are sorted, and then by name."""

    def __init__(self) -> None:
        self._places: dict[UUID, tuple[int, str, UUID, bool]] = {}

    def add(self, rank: int, row: Record, by_policy: bool = False) -> None:
        place = (rank, row["sort_key"], row["id"], by_policy)
        self._places[row["id"]] = min(place, self._places.get(row["id"], place))

    def ids(self) -> list[UUID]:
        return list(self._places)

    def up_to(self, rank: int) -> int:
        return sum(place[0] <= rank for place in self._places.values())

    def page(self, limit: int) -> tuple[list[UUID], list[bool]]:
        first = sorted(self._places.values())[:limit]
        return [place[2] for place in first], [place[3] for place in first]


class Searching:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shares: dict[str, dict[str, float]] = {}  # table → piece → the share that has it
        self._read_at: datetime | None = None

    async def search(
        self, conn: Connection, wanted: Needles, own: UUID | None, limit: int
    ) -> list[Record]:
        """Rows of customers with `by_policy`: whole words before beginnings of words, these before
        parts; in each those first whose name begins so, and by name. `own`: only when this user is
        the customer."""
        if own is not None:
            return await conn.fetch(OWN, own, list(wanted.parts.words))
        found = _Found()
        if wanted.name is not None:
            await self._by_name(conn, wanted.name, wanted.words, limit, found)
        if len(found.ids()) < limit:
            await self._by_parts(conn, wanted, limit, found)
        return await conn.fetch(PAGE, *found.page(limit))

    async def _by_name(
        self, conn: Connection, name: str, words: Sequence[str], limit: int, found: _Found
    ) -> None:
        for row in await conn.fetch(NAMED, name, name + AFTER_SPACE, [], limit):
            found.add(0, row)
        if len(found.ids()) < limit:
            for row in await conn.fetch(WHOLE, list(words)):
                found.add(1, row)
        if len(found.ids()) < limit:
            for row in await conn.fetch(NAMED, name, name + LAST, found.ids(), limit):
                found.add(2, row)

    async def _by_parts(self, conn: Connection, wanted: Needles, limit: int, found: _Found) -> None:
        await self._read_shares(conn)
        of_customers, of_policies = (
            self._shares.get(table, {}) for table in ("customers", "policies")
        )
        parts, begun = wanted.parts, wanted.begun
        rows = await conn.fetch(
            PARTS,
            parts.rarest(of_customers),
            list(parts.words),
            list(begun.words),
            parts.rarest(of_policies),
        )
        for row in rows:
            found.add(3 if row["begun"] else 4, row, row["by_policy"])
        if sum(not row["by_policy"] for row in rows) == MANY and found.up_to(3) < limit:
            for row in await conn.fetch(HIDDEN, begun.rarest(of_customers), list(begun.words)):
                found.add(3, row)

    async def _read_shares(self, conn: Connection) -> None:
        now = self._clock.now()
        if self._read_at is None or not timedelta(0) <= now - self._read_at < SHARES_LAST:
            self._read_at = now
            self._shares = {
                row["tablename"]: dict(zip(row["grams"], row["shares"], strict=False))
                for row in await conn.fetch(SHARES)
            }
