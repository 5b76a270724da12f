"""Agents' parts in calls: the port `Parts` of channels, beside the queues' doors.

Functions that take a unit of work lock the interaction first, like every change of its parts.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.interactions import InteractionJoined
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change, Interaction
from db import Connection
from routing import lifecycle, store
from routing.book import QueueBook
from routing.config import Queue
from routing.core.model import DEFAULT_POLICIES, Channel
from routing.desk import DeskService
from routing.requests import Requests
from routing.schemas import Transfer
from routing.store import SegmentRow


class CallParts:
    def __init__(
        self, work: WorkFactory, book: QueueBook, requests: Requests, desk: DeskService
    ) -> None:
        self._desk = desk
        self._work = work
        self._book = book
        self._requests = requests

    async def units(
        self,
        actor: str,
        agent_id: UUID,
        interaction_id: UUID,
        *,
        contact_id: UUID,
        queue: str | None,
    ) -> UUID:
        """Ask the router for an agent's units: the id of the segment that holds them.

        A call that is dialled, and a colleague who is asked in, take them before the first ring.
        Raises Conflict (ctx.reason) when there is no room, Unavailable when nobody routes.
        """
        policies = DEFAULT_POLICIES
        if queue is not None:
            async with self._work.reading("calls.units") as conn:
                policies = (await self._book.queue(conn, queue)).core.policies
        joined = await self._requests.units(
            actor,
            agent_id,
            interaction_id,
            contact_id=contact_id,
            queue=queue,
            cost=policies[Channel.VOICE].cost,
        )
        return joined.segment_id

    async def come_in(
        self, work: Work, request_id: UUID, interaction_id: UUID, agent_id: UUID
    ) -> UUID:
        """Who took a request is asked into the interaction: the segment there, which holds the
        same units; the request is over."""
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        if interaction is None:
            raise NotFound
        _, taken = await self._own(work, request_id, agent_id)
        segment_id = new_id()
        await store.join_segment(work.conn, segment_id, interaction_id, taken, work.now)
        work.emit(
            InteractionJoined(
                interaction_id=interaction_id,
                segment_id=segment_id,
                agent_id=agent_id,
                channel=taken.channel,
                cost=taken.full_cost,
                queue=taken.queue,
            )
        )
        await self.turn(work, interaction_id, agent_id, "consulting")
        await self.withdraw(work, request_id)
        return segment_id

    async def withdraw(self, work: Work, request_id: UUID) -> None:
        """Nobody is asked for any more: the request leaves its line, or whoever just took it is
        free again."""
        request = await hall.interaction(work.conn, request_id, lock=True)
        if request is None or request.state == "closed":
            return
        visit = await store.waiting_visit(work.conn, request_id)
        if visit is not None:
            await lifecycle.end_visit(work, visit, "cancelled")
        await self.close(work, request_id)
        await hall.close_conversation(work, request.conversation_id)

    async def turn(
        self,
        work: Work,
        interaction_id: UUID,
        agent_id: UUID,
        state: Literal["active", "held", "consulting"],
        *,
        cause: str = "agent",
    ) -> None:
        """The agent's part is held, consulting, or active again."""
        interaction, segment = await self._own(work, interaction_id, agent_id)
        await lifecycle.turn(work, interaction, segment, state, cause=cause)

    async def hand_over(
        self, work: Work, interaction_id: UUID, from_agent: UUID, to_agent: UUID
    ) -> None:
        """A warm transfer: one agent's wrap-up begins while the other has the customer."""
        _, leaving = await self._own(work, interaction_id, from_agent)
        await lifecycle.end_talk(work, leaving, await self._queue(work.conn, leaving), wanted=True)
        await self.take_over(work, interaction_id, to_agent)

    async def take_over(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """The customer is with this agent now, who was only asked in; whoever asked has left."""
        interaction, staying = await self._own(work, interaction_id, agent_id)
        await lifecycle.turn(work, interaction, staying, "active", cause="consult")
        change = Change(
            interaction_id, "active", work.now, expect=("active", "held"), agent_id=agent_id
        )
        await hall.set_states(work.conn, (change,))

    async def leave(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """The agent hangs up: wrap-up follows; the last agent ends the customer's part."""
        interaction, segment = await self._own(work, interaction_id, agent_id)
        queue = await self._queue(work.conn, segment)
        await lifecycle.leave(work, interaction, segment, queue, wanted=True)

    async def send_on(
        self, principal: Principal, interaction_id: UUID, queue: str | None, agent_id: UUID | None
    ) -> None:
        """A blind transfer by this agent."""
        wanted = Transfer(interaction_id=interaction_id, queue=queue, agent_id=agent_id)
        await self._desk.transfer(principal, wanted)

    async def let_go(self, work: Work, interaction_id: UUID, agent_id: UUID) -> None:
        """A colleague who was asked in leaves again, without paperwork."""
        _, segment = await self._own(work, interaction_id, agent_id)
        await lifecycle.let_go(work, segment)

    async def close(self, work: Work, interaction_id: UUID) -> None:
        """An internal call is over: every part in it ends, and the interaction with them."""
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        if interaction is None:
            raise NotFound
        await hall.end_customer_part(work, interaction_id, by="system")
        for segment in await store.open_segments(work.conn, interaction_id):
            await lifecycle.let_go(work, segment)
        if interaction.state != "closed":
            await lifecycle.settle(work, interaction)

    async def has_part(self, conn: Connection, interaction_id: UUID, agent_id: UUID) -> bool:
        """Whether the agent is with the customer in it."""
        parts = lifecycle.talking(await store.open_segments(conn, interaction_id))
        return any(part.agent_id == agent_id for part in parts)

    async def _own(
        self, work: Work, interaction_id: UUID, agent_id: UUID
    ) -> tuple[Interaction, SegmentRow]:
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        if interaction is None:
            raise NotFound
        parts = lifecycle.talking(await store.open_segments(work.conn, interaction_id))
        for part in parts:
            if part.agent_id == agent_id:
                return interaction, part
        raise Conflict("It is not this agent's any more.")

    async def _queue(self, conn: Connection, segment: SegmentRow) -> Queue | None:
        return await self._book.queue(conn, segment.queue) if segment.queue else None
