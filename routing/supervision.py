"""What a supervisor does from the chair: look into the queues, move and assign work, ask why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.core.access import Permission, Principal
from contactcenter.core.audit import Note
from contactcenter.core.clock import Clock
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.moments import to_ms
from contactcenter.core.work import Work, WorkFactory
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from contactcenter.interactions.schemas import QueueItem, SegmentRow
from db import Connection
from routing import lifecycle, queue_store, rows, store
from routing.book import QueueBook
from routing.core.items import transferred
from routing.core.model import Band, Channel, Constants, Entry
from routing.desk import DeskService
from routing.requests import Requests
from routing.rows import VisitRow
from routing.schemas import (
    Assign,
    AssignConversation,
    Assigned,
    ChannelEstimate,
    QueueLine,
    QueueLines,
    SupervisorTransfer,
    Why,
    WhyEvent,
    WhyReservation,
    WhyVisit,
)
from routing.service import QueueService
from routing.waits import View, Waits, estimate_of

SHOWN: Final = 200


class SupervisionService:
    def __init__(
        self,
        work: WorkFactory,
        clock: Clock,
        book: QueueBook,
        queues: QueueService,
        desk: DeskService,
        requests: Requests,
        constants: Constants,
    ) -> None:
        self._work = work
        self._clock = clock
        self._book = book
        self._queues = queues
        self._waits = Waits(book)
        self._desk = desk
        self._requests = requests
        self._constants = constants

    async def lines(self, principal: Principal, key: str | None) -> QueueLines:
        """The queues with what waits in them, in order, and the estimates with their inputs.
        An agent sees who waits in the own queues, and how many in the others."""
        now = self._clock.now()
        async with self._work.reading("queue.lines", snapshot=True) as conn:
            shown = None if principal.queues is None else set(principal.queues)
            if not principal.may(Permission.ROUTING_ASSIGN):
                desk = principal.agent_id is not None
                own = await agents.queues_of(conn, [principal] if desk else [])
                shown = set(own.get(principal, ()))
            names = await queue_store.queue_names(conn, key)
            if key is not None and not names:
                raise NotFound
            items = await cards.queue_items(conn, queues=[row["key"] for row in names])
            by_queue: dict[str, list[QueueItem]] = defaultdict(list)
            for item in items.values():
                by_queue[item.queue].append(item)
            view = await self._waits.view(conn, now)
            lines = [
                await self._line(
                    conn, row["key"], row["name_es"], row["name_en"], now, by_queue, view
                )
                for row in names
            ]
        if shown is not None:
            lines = [
                line if line.key in shown else line.model_copy(update={"items": []})
                for line in lines
            ]
        return QueueLines(items=lines)

    async def _line(
        self,
        conn: Connection,
        key: str,
        name_es: str,
        name_en: str,
        now: datetime,
        by_queue: dict[str, list[QueueItem]],
        view: View,
    ) -> QueueLine:
        waiting = by_queue[key]
        places = {place.interaction_id: place.position for place in view.positions(key)}
        policies = (await self._book.queue(conn, key)).core.policies
        waiting.sort(key=lambda item: places.get(item.interaction_id, len(places)))
        return QueueLine(
            key=key,
            name_es=name_es,
            name_en=name_en,
            open=await self._queues.is_open(conn, key, now),
            opens_at=await self._queues.next_opening(conn, key, now),
            closes_at=await self._queues.closes_at(conn, key, now),
            waiting=len(waiting),
            longest_wait_since=min((item.virtual_start for item in waiting), default=None),
            estimates=[
                _estimate(view, key, channel, waiting, policies[Channel(channel)].band)
                for channel in sorted({item.channel for item in waiting})
            ],
            items=waiting[:SHOWN],
        )

    async def assign(self, principal: Principal, asked: Assign) -> Assigned:
        """Give a waiting interaction to an agent, through the router."""
        async with self._work.reading("queue.assign") as conn:
            await hall.require_sight(conn, principal, interaction_id=asked.interaction_id)
            await agents.require_reach(conn, principal, asked.agent_id)
            visit = await store.waiting_visit(conn, asked.interaction_id)
        note = Note(
            "interaction.assigned",
            "interaction",
            str(asked.interaction_id),
            before={"queue": visit and visit.queue},
            after={"agent_id": asked.agent_id, "force": asked.force},
        )
        answer = await self._requests.push(
            principal.actor, asked.agent_id, asked.interaction_id, force=asked.force, note=note
        )
        return Assigned(
            interaction_id=answer.interaction_id,
            agent_id=answer.agent_id,
            segment_id=answer.segment_id,
        )

    async def assign_conversation(
        self, principal: Principal, conversation_id: UUID, asked: AssignConversation
    ) -> Assigned:
        """Give what waits in a chat conversation to an agent. NotFound for a conversation that
        is none of the chat's, Conflict when nothing of it is open."""
        async with self._work.reading("conversation.assign") as conn:
            conversation = await hall.conversation(conn, conversation_id)
            if conversation is None or conversation.channel != "chat":
                raise NotFound
            await hall.require_sight(conn, principal, conversation_id=conversation_id)
            interaction = await hall.open_interaction(conn, conversation_id)
        if interaction is None:
            raise Conflict("The conversation is over.")
        return await self.assign(
            principal,
            Assign(interaction_id=interaction.id, agent_id=asked.agent_id, force=asked.force),
        )

    async def transfer(
        self, principal: Principal, interaction_id: UUID, asked: SupervisorTransfer
    ) -> None:
        """Move an interaction: one that waits changes queue (with its wait) or is pushed to
        the agent; one that an agent has leaves that agent as in a blind transfer."""
        push_to: UUID | None = None
        async with self._work.begin("interaction.move", principal.actor) as work:
            interaction = await hall.interaction(work.conn, interaction_id, lock=True)
            if interaction is None:
                raise NotFound
            await hall.require_sight(work.conn, principal, interaction_id=interaction_id)
            if asked.agent is not None:
                await agents.require_reach(work.conn, principal, asked.agent)
            visit = await store.waiting_visit(work.conn, interaction_id)
            segments = await store.open_segments(work.conn, interaction_id)
            work.audit(
                "interaction.moved",
                "interaction",
                interaction_id,
                before={
                    "queue": visit and visit.queue,
                    "agents": [segment.agent_id for segment in lifecycle.talking(segments)],
                },
                after=asked.model_dump(mode="json", exclude_none=True),
            )
            if visit is not None and asked.agent is not None:
                push_to = asked.agent
            elif visit is not None and asked.queue is not None:
                await self._move(work, visit, asked.queue)
            else:
                await self._take_away(work, segments, interaction.contact_id, asked)
        if push_to is not None:
            await self._requests.push(principal.actor, push_to, interaction_id, force=False)

    async def _move(self, work: Work, visit: VisitRow, queue: str) -> None:
        if queue == visit.queue:
            raise Conflict("It waits in this queue already.")
        target = await self._book.live_queue(work.conn, queue)
        item = transferred(
            rows.item_of_row(visit),
            id=str(new_id()),
            now=to_ms(work.now),
            waited_ms=await store.waited_ms(work.conn, visit.interaction_id, work.now),
            queue=target.core,
            constants=self._constants,
        )
        await lifecycle.end_visit(work, visit, "moved")
        await lifecycle.begin_visit(work, replace(item, entry=Entry.MOVED), visit.contact_id)

    async def _take_away(
        self,
        work: Work,
        segments: Sequence[store.SegmentRow],
        contact_id: UUID,
        asked: SupervisorTransfer,
    ) -> None:
        talking = lifecycle.talking(segments)
        if not talking:
            raise Conflict("Nobody has it, and it does not wait.")
        *others, last = talking
        for segment in others:
            queue = await self._book.queue(work.conn, segment.queue) if segment.queue else None
            await lifecycle.end_talk(work, segment, queue, wanted=False)
        item = await self._desk.onward(work, last, asked.queue, asked.agent)
        await lifecycle.send_on(work, last, item, contact_id, "supervisor")

    async def why(self, principal: Principal, interaction_id: UUID) -> Why:
        """Every visit with every offer's explanation record, the agents' parts and the facts."""
        async with self._work.reading("interaction.why", snapshot=True) as conn:
            await hall.require_sight(conn, principal, interaction_id=interaction_id)
            if await hall.interaction(conn, interaction_id) is None:
                raise NotFound
            offers: dict[UUID, list[WhyReservation]] = defaultdict(list)
            for row in await queue_store.explained(conn, interaction_id):
                offers[row["work_item_id"]].append(WhyReservation(**row))
            visits = [
                WhyVisit(**row, reservations=offers[row["work_item_id"]])
                for row in await queue_store.visits_of(conn, interaction_id)
            ]
            segments = [SegmentRow(**row) for row in await hall.segments_of(conn, interaction_id)]
            events = [WhyEvent(**row) for row in await queue_store.facts_of(conn, interaction_id)]
            records = [offer.record for group in offers.values() for offer in group]
            names = await queue_store.agent_names(conn, _ids_in(records))
        names.update({str(s.agent_id): s.agent_name for s in segments})
        return Why(
            interaction_id=interaction_id,
            visits=visits,
            segments=segments,
            events=events,
            agents=names,
        )


def _estimate(
    view: View, key: str, channel: str, waiting: Sequence[QueueItem], band: Band
) -> ChannelEstimate:
    inputs, ahead, seconds = estimate_of(view, (key, channel), band.value)
    return ChannelEstimate(
        channel=channel,
        waiting=sum(item.channel == channel for item in waiting),
        estimated_wait_seconds=seconds,
        ahead=round(ahead, 2),
        handle_seconds=inputs.handle_ms // 1000,
        samples=inputs.samples,
        slots=inputs.slots,
        free=inputs.free,
    )


def _ids_in(records: list[dict[str, Any]]) -> set[UUID]:
    """The agents that the records name."""
    found: set[str] = set()
    for record in records:
        found.update(record.get("chosen", ()))
        found.update(candidate["agent"] for candidate in record.get("candidates", ()))
        for removed in record.get("removed", ()):
            found.update(removed["agents"])
    return {UUID(agent) for agent in found}
