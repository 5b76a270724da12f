"""The safety sweep: are tables and memory of one mind, and is every open interaction somewhere?

A fact on its way between the two makes them differ for a moment, so only what differs in the
same way in two sweeps running is a fault. In normal life there is none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

from contactcenter.core.ids import new_id
from contactcenter.core.moments import to_ms
from contactcenter.core.work import Work
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change
from db import Connection
from routing import lifecycle, rows, store
from routing.core.engine import Engine
from routing.core.model import Entry

VISITS = """
SELECT id::text, state FROM work_items WHERE answered_at IS NULL AND ended_at IS NULL
"""

OFFERS = "SELECT id::text, agent_id::text FROM reservations WHERE state = 'pending'"

SEGMENTS = "SELECT id::text, state || ' ' || cost FROM segments WHERE state <> 'ended'"

AGENTS = """
SELECT a.id::text, a.status || ' ' || coalesce(p.present, false)
FROM agents a LEFT JOIN agent_states p ON p.agent_id = a.id
"""

# Open interactions that neither wait nor are with an agent.
LOST = """
SELECT i.id::text, i.state FROM interactions i
WHERE i.closed_at IS NULL AND i.state NOT IN ('new', 'ivr')
  AND NOT EXISTS (SELECT FROM work_items w WHERE w.interaction_id = i.id
                    AND w.answered_at IS NULL AND w.ended_at IS NULL)
  AND NOT EXISTS (SELECT FROM segments s WHERE s.interaction_id = i.id AND s.state <> 'ended')
"""

# Visits that wait, of interactions that do not.
APART = """
SELECT w.id::text, i.state FROM work_items w JOIN interactions i ON i.id = w.interaction_id
WHERE w.answered_at IS NULL AND w.ended_at IS NULL AND i.state NOT IN ('queued', 'offered')
"""

LAST_VISIT = """
SELECT id FROM work_items WHERE interaction_id = $1 ORDER BY entered_at DESC, id DESC LIMIT 1
"""

Difference = tuple[str, str, str | None, str | None]
"""(what, id, as the tables have it, as memory has it)"""


class Sweep:
    """Remembers one sweep's differences until the next."""

    def __init__(self) -> None:
        self._before: set[Difference] = set()
        self._lost: list[UUID] = []
        self._apart: list[UUID] = []

    async def differences(self, conn: Connection, engine: Engine) -> dict[str, int]:
        """What → how many things have differed in this and the last sweep alike."""
        visits, offers, segments, agents = engine.holding()
        found: set[Difference] = set()
        for what, sql, memory in (
            ("visits", VISITS, {v.item.id: v.state.value for v in visits.values()}),
            ("offers", OFFERS, {o.id: o.agent for o in offers.values()}),
            ("segments", SEGMENTS, {s.id: f"{s.state} {s.cost}" for s in segments.values()}),
            ("agents", AGENTS, {a.id: f"{a.will} {_sql(a.present)}" for a in agents}),
        ):
            tables = {row[0]: row[1] for row in await conn.fetch(sql)}
            found |= _compare(what, tables, memory)
        found |= {("lost", row[0], row[1], None) for row in await conn.fetch(LOST)}
        found |= {("apart", row[0], row[1], None) for row in await conn.fetch(APART)}
        lasting, self._before = found & self._before, found
        self._lost = [UUID(thing) for what, thing, _, _ in lasting if what == "lost"]
        self._apart = [UUID(thing) for what, thing, _, _ in lasting if what == "apart"]
        return dict(Counter(what for what, _, _, _ in lasting))

    async def mend(self, work: Work) -> None:
        """Put what was lost back into its queue, in its old place, and bring a visit and its
        interaction together. The rest is mended by reading the tables again."""
        for interaction_id in self._lost:
            await _put_back(work, interaction_id)
        for visit_id in self._apart:
            await _bring_together(work, visit_id)


def _compare(what: str, tables: dict[str, str], memory: dict[str, str]) -> set[Difference]:
    if tables == memory:
        return set()
    return {
        (what, thing, tables.get(thing), memory.get(thing))
        for thing in tables.keys() | memory.keys()
        if tables.get(thing) != memory.get(thing)
    }


def _sql(value: bool) -> str:
    return "true" if value else "false"


async def _put_back(work: Work, interaction_id: UUID) -> None:
    interaction = await hall.interaction(work.conn, interaction_id, lock=True)
    if interaction is None or interaction.state == "closed":
        return
    if await store.open_segments(work.conn, interaction_id):
        return
    last = await work.conn.fetchval(LAST_VISIT, interaction_id)
    visit = await store.visit(work.conn, last) if last else None
    if visit is None or not interaction.customer_present:
        await lifecycle.settle(work, interaction)
        return
    item = replace(
        rows.item_of_row(visit),
        id=str(new_id()),
        entered_at=to_ms(work.now),
        entry=Entry.REQUEUE,
        direct_to=None,
        return_to=None,
        return_at=None,
    )
    await lifecycle.begin_visit(work, item, interaction.contact_id)


async def _bring_together(work: Work, visit_id: UUID) -> None:
    """The interaction waits as its visit does, unless it is over or with an agent."""
    visit = await store.visit(work.conn, visit_id)
    if visit is None:
        return
    interaction = await hall.interaction(work.conn, visit.interaction_id, lock=True)
    visit = await store.waiting_visit(work.conn, visit.interaction_id)
    if interaction is None or visit is None or interaction.state in {"queued", "offered"}:
        return
    talked = await store.open_segments(work.conn, interaction.id)
    if talked or interaction.state == "closed" or not interaction.customer_present:
        await lifecycle.end_visit(work, visit, "cancelled")
        return
    await hall.set_state(
        work.conn,
        Change(
            interaction.id,
            "offered" if visit.state == "offered" else "queued",
            work.now,
            expect=(interaction.state,),
        ),
    )
