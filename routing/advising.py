"""Advice for a visit: asked for when it begins, and again when it is known who waits in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from contactcenter.core.errors import NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.moments import from_ms, to_ms
from contactcenter.core.work import Work
from contactcenter.interactions import facts
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Interaction
from db import Connection
from routing import advising_store, lifecycle, queue_store, rows, store
from routing.advised import TOLD, Advised, advised, first_of, placed, told
from routing.book import QueueBook
from routing.config import Queue
from routing.core.items import steps_of, transferred
from routing.core.model import Band, Constants, Entry, WorkItem
from routing.ports import Adviser
from routing.rows import VisitRow

QUEUE_BASED: Final = frozenset({Entry.NEW, Entry.MOVED})
"""Entries whose base is the queue's own where no rule says another."""


MAY_MOVE: Final = frozenset({"new", "return", "moved"})
"""Where an agent has sent it, it stays."""


class Doors(Protocol):
    """Which queues are served."""

    async def is_open(self, conn: Connection, queue: str, at: datetime) -> bool: ...


class Advising:
    """What the adviser says, as it holds for a queue."""

    def __init__(
        self, book: QueueBook, adviser: Adviser, doors: Doors, unchosen: Collection[str]
    ) -> None:
        self._book = book
        self._adviser = adviser
        self._doors = doors
        self._unchosen = frozenset(unchosen)

    async def ask(
        self, work: Work, interaction: Interaction, asked: Queue, said: Mapping[str, Any]
    ) -> tuple[Queue, Advised, dict[str, Any]]:
        """Ask for advice about whoever reached the queue `asked` and `said` that much: the queue
        that it is for, what of the advice holds there, and what is kept of it."""
        conn, now = work.conn, work.now
        is_open = await self._doors.is_open(conn, asked.key, now)
        told_of = {"open": is_open, "chosen": asked.key not in self._unchosen, **said}
        heard = {"asked": asked.key, "said": told_of}
        advice = await self._adviser.advise(
            conn,
            interaction.contact_id,
            interaction.id,
            asked.key,
            now=now,
            said=told_of,
        )
        if advice is None:
            return asked, Advised(), heard if said else {}
        target = asked
        moves = asked.key in self._unchosen or advice.band == Band.DANGER.value
        if moves and advice.queue != asked.key:
            target = await self._other(conn, advice.queue, asked, is_open, now)
        await self._adviser.follow(work, interaction.contact_id, interaction.id, advice)
        kept = {**told(advice), **heard}
        if target.key != advice.queue:
            return target, placed(advice) if moves else Advised(), kept
        others = await queue_store.with_skills(conn, advice.overflow) if advice.overflow else []
        allowed = None
        if advice.permission is not None:
            allowed = await queue_store.with_skills(conn, [{advice.permission: 1}])
        return target, advised(advice, target, others, allowed), kept

    async def is_back(self, conn: Connection, interaction: Interaction, left: UUID) -> bool:
        """As the port has it."""
        return await self._adviser.is_back(conn, interaction.contact_id, interaction.id, left)

    async def _other(
        self, conn: Connection, key: str, asked: Queue, is_open: bool, now: datetime
    ) -> Queue:
        """The advised queue, if it takes new work and is not closed while the other is open."""
        try:
            queue = await self._book.live_queue(conn, key)
            if is_open and not await self._doors.is_open(conn, key, now):
                return asked
        except NotFound:
            return asked
        return queue


class Readvising:
    """Advice for those who wait already: until somebody is asked to take them."""

    def __init__(self, book: QueueBook, advising: Advising, constants: Constants) -> None:
        self._book = book
        self._advising = advising
        self._constants = constants

    async def contact(self, work: Work, contact_id: UUID, cause: str) -> None:
        """`cause`, a fact, told who the contact is: whatever of it waits is advised anew."""
        for interaction_id in await advising_store.waiting_of(work.conn, contact_id):
            await self.interaction(work, interaction_id, cause)

    async def interaction(self, work: Work, interaction_id: UUID, cause: str) -> None:
        """`cause`, a fact, told who waits in the interaction: its visit goes on as the rules have
        it for them, in another queue if the present one was not chosen. The wait counts on.

        Nothing happens to one that rings or is answered, that was sent to one agent, or that is as
        the rules have it already.
        """
        if not await _may_change(work.conn, interaction_id):
            return
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        visit = await _may_change(work.conn, interaction_id)
        if interaction is None or visit is None:
            return
        known = interaction.routing_facts
        asked, said = known.get("asked") or visit.queue, dict(known.get("said") or {})
        if visit.queue not in {asked, known.get("advised_queue")}:  # it was sent on since
            asked = visit.queue
            said = {name: value for name, value in said.items() if name not in {"open", "chosen"}}
        queue = await self._book.queue(work.conn, asked)
        target, extra, kept = await self._advising.ask(work, interaction, queue, said)
        kept = {**dict.fromkeys(TOLD), **kept}
        moves = visit.entry in MAY_MOVE and target.key == kept["advised_queue"] != visit.queue
        if not moves and target.key != visit.queue:
            target, extra = await self._book.queue(work.conn, visit.queue), _place_alone(extra)
        met = [UUID(agent) for agent in known.get("met") or ()]
        item = rows.item_of_row(visit)
        fresh = _changed(item, target, extra, met)
        if item.entry is Entry.RETURN:
            kept["greeting"] = known.get("greeting")
        if moves or fresh != item:
            fresh = replace(fresh, readvised=(cause, kept["rule"] or ""))
            await (self._move if moves else self._change)(work, visit, fresh, target)
        if any(known.get(name) != value for name, value in kept.items()):
            await facts.keep(work.conn, interaction_id, kept)

    async def _change(self, work: Work, visit: VisitRow, item: WorkItem, queue: Queue) -> None:
        """The visit goes on as `item` has it."""
        begins = None
        if steps_of(rows.item_of_row(visit), queue.core) != (steps := steps_of(item, queue.core)):
            lasts = steps[0].for_ms
            begins = (None if lasts is None else from_ms(to_ms(work.now) + lasts),)
        routing = rows.extras(item)
        if await advising_store.readvise(
            work.conn, visit.id, item.band, item.base, routing, begins
        ):
            work.emit(rows.readvised_of(visit, item))

    async def _move(self, work: Work, visit: VisitRow, item: WorkItem, queue: Queue) -> None:
        """The visit ends, and goes on in the queue that is for them."""
        moved = transferred(
            item,
            id=str(new_id()),
            now=to_ms(work.now),
            waited_ms=await store.waited_ms(work.conn, visit.interaction_id, work.now),
            queue=queue.core,
            constants=self._constants,
        )
        moved = replace(
            moved,
            entry=Entry.MOVED,
            steps=item.steps,
            preferred=item.preferred,
            preferred_ms=item.preferred_ms,
            readvised=item.readvised,
        )
        await lifecycle.end_visit(work, visit, "moved")
        await lifecycle.begin_visit(work, moved, visit.contact_id)


async def _may_change(conn: Connection, interaction_id: UUID) -> VisitRow | None:
    """The visit, while nobody has been asked to take it and it is nobody's."""
    visit = await store.waiting_visit(conn, interaction_id)
    if visit is None or visit.state != "queued" or "direct_to" in visit.routing:
        return None
    return visit


def _place_alone(extra: Advised) -> Advised:
    return Advised(base=extra.base, band=extra.band)


def _changed(item: WorkItem, queue: Queue, extra: Advised, met: list[UUID]) -> WorkItem:
    """What is urgent stays so; who has come back keeps the old place, but for danger."""
    danger = extra.band is Band.DANGER
    base = item.base
    if extra.base is not None and (danger or item.entry is not Entry.RETURN):
        base = extra.base
    elif extra.base is None and item.entry in QUEUE_BASED:
        base = queue.core.policies[item.channel].base
    preferred, preferred_ms = first_of(extra, met, queue)
    return replace(
        item,
        band=item.band if extra.band is None else min(item.band, extra.band),
        base=base,
        steps=extra.steps,
        preferred=preferred,
        preferred_ms=preferred_ms,
    )
