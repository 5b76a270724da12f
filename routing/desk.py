"""What an agent does with offers and with work: each command is one unit of work.

Commands repeat: a second accept, hold or close finds things as the first one left them and
answers the same. Whoever has no part in an interaction does not learn that it exists; whoever
had one is told that it is not theirs any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Expired, Invalid, NotFound
from contactcenter.core.ids import new_id
from contactcenter.core.moments import to_ms
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.agents import AgentHelpRequested
from contactcenter.events.interactions import (
    InteractionParked,
    InteractionResumed,
    InteractionWrapExtended,
)
from contactcenter.events.routing import ReservationAccepted, ReservationRejected
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Change, Interaction, State
from db import Connection
from routing import lifecycle, rows, store
from routing.book import QueueBook
from routing.config import Queue
from routing.core.items import transferred
from routing.core.model import Channel, Constants, WorkItem
from routing.requests import Requests
from routing.schemas import (
    Accepted,
    Close,
    HelpWanted,
    InteractionState,
    RejectReservation,
    Snooze,
    Transfer,
    WrapUp,
)
from routing.store import ReservationRow, SegmentRow

LONGEST_SNOOZE: Final = timedelta(days=60)
OFFER_GRACE: Final = timedelta(seconds=2)
"""An offer ends when the leader's tick comes to it, which is a moment after its time; whoever took
it in that moment pressed in time. Later it is refused even while no leader is there to end it: the
customer has been told of another wait, and the agent of a miss."""


@dataclass(frozen=True, slots=True)
class Held:
    """An interaction that is locked, and the asking agent's part in it."""

    interaction: Interaction
    segment: SegmentRow


class DeskService:
    def __init__(
        self, work: WorkFactory, book: QueueBook, requests: Requests, constants: Constants
    ) -> None:
        self._work = work
        self._book = book
        self._requests = requests
        self._constants = constants

    # Offers

    async def accept(self, principal: Principal, reservation_id: UUID) -> Accepted:
        """Take an offer. Again by the same agent: the same answer. Raises Conflict for another
        agent's offer or one that was taken back, Expired for one that ran out."""
        agent_id = principal.agent()
        async with self._work.begin("reservation.accept", principal.actor) as work:
            offer = await self._offer(work.conn, agent_id, reservation_id)
            if offer.state == "pending":
                if work.now > offer.expires_at + OFFER_GRACE:
                    raise Expired("The offer ran out.")
                await self._take(work, offer)
            elif offer.state != "accepted":
                raise _gone(offer)
        return await self._accepted(agent_id, offer)

    async def _offer(
        self, conn: Connection, agent_id: UUID, reservation_id: UUID
    ) -> ReservationRow:
        """The offer as it stands once its interaction is locked."""
        seen = await store.reservation(conn, reservation_id)
        if seen is None:
            raise NotFound
        if seen.agent_id != agent_id:
            raise Conflict("This is another agent's offer.")
        await hall.interaction(conn, seen.interaction_id, lock=True)
        offer = await store.reservation(conn, reservation_id)
        assert offer is not None
        return offer

    async def _take(self, work: Work, offer: ReservationRow) -> None:
        visit = await store.visit(work.conn, offer.work_item_id)
        assert visit is not None
        if not await store.answer_visit(work.conn, visit.id, work.now):
            raise Conflict("Another agent has taken it.", state=visit.state)
        if not await store.end_reservation(work.conn, offer.id, "accepted", work.now):
            raise Conflict("The offer has just been taken back.")
        segment_id = new_id()
        await store.begin_segment(work.conn, segment_id, offer, visit, work.now)
        await hall.set_state(
            work.conn,
            Change(
                offer.interaction_id,
                "active",
                work.now,
                queue=visit.queue,
                agent_id=offer.agent_id,
            ),
        )
        work.emit(
            ReservationAccepted(
                reservation_id=offer.id,
                work_item_id=visit.id,
                interaction_id=offer.interaction_id,
                segment_id=segment_id,
                agent_id=offer.agent_id,
                queue=visit.queue,
                channel=visit.channel,
                cost=offer.cost,
                waited_ms=lifecycle.ms_between(visit.entered_at, work.now),
                how=offer.how,
            )
        )

    async def _accepted(self, agent_id: UUID, offer: ReservationRow) -> Accepted:
        async with self._work.reading("reservation.accepted", snapshot=True) as conn:
            found = await cards.cards(conn, agent_id, [offer.interaction_id])
            card = found.get(offer.interaction_id)
            talks = await cards.conversation_states(conn, [card.conversation_id]) if card else {}
        return Accepted(
            reservation_id=offer.id,
            interaction_id=offer.interaction_id,
            interaction=card,
            conversation=talks.get(card.conversation_id) if card else None,
        )

    async def reject(self, principal: Principal, asked: RejectReservation) -> None:
        """Decline an offer, with a reason; the visit waits again if nobody else is asked."""
        agent_id = principal.agent()
        async with self._work.begin("reservation.reject", principal.actor) as work:
            offer = await self._offer(work.conn, agent_id, asked.reservation_id)
            if offer.state == "rejected":
                return
            if offer.state != "pending":
                raise _gone(offer)
            await store.end_reservation(work.conn, offer.id, "rejected", work.now, asked.reason)
            visit = await store.visit(work.conn, offer.work_item_id)
            assert visit is not None
            if await store.requeue_visit(work.conn, visit.id):
                await hall.set_state(work.conn, Change(offer.interaction_id, "queued", work.now))
            rest = timedelta(milliseconds=self._constants.cooldown_ms)
            await store.rest(work.conn, agent_id, work.now + rest)
            work.emit(
                ReservationRejected(
                    reservation_id=offer.id,
                    work_item_id=visit.id,
                    interaction_id=offer.interaction_id,
                    agent_id=agent_id,
                    queue=visit.queue,
                    channel=visit.channel,
                    reason=asked.reason,
                )
            )

    async def pull(self, principal: Principal, interaction_id: UUID) -> Accepted:
        """Take a waiting interaction by hand: the router says whether there is room."""
        agent_id = principal.agent()
        async with self._work.reading("interaction.pull") as conn:
            await hall.require_sight(conn, principal, interaction_id=interaction_id)
            mine = await cards.cards(conn, agent_id, [interaction_id])
        if interaction_id not in mine:
            answer = await self._requests.pull(principal.actor, agent_id, interaction_id)
            reservation_id = answer.reservation_id
        else:
            async with self._work.reading("interaction.pulled") as conn:
                segment = await store.last_segment(conn, interaction_id, agent_id)
            reservation_id = (segment and segment.reservation_id) or interaction_id
        async with self._work.reading("interaction.pulled") as conn:
            offer = await store.reservation(conn, reservation_id)
        if offer is None:
            raise NotFound
        return await self._accepted(agent_id, offer)

    # Work in hand

    async def hold(self, principal: Principal, interaction_id: UUID) -> InteractionState:
        """Set aside: a call is held, written work waits for the customer's answer."""
        async with self._work.begin("interaction.hold", principal.actor) as work:
            held = await self._own(work, principal, interaction_id)
            if held.interaction.direction == "internal":
                raise Conflict("There is no customer to hold.")
            if held.segment.channel == "voice":
                await lifecycle.turn(work, held.interaction, held.segment, "held")
            elif held.segment.state != "parked":
                await self._park(work, held, Snooze(interaction_id=interaction_id))
        return await self._state(principal, interaction_id)

    async def snooze(self, principal: Principal, asked: Snooze) -> InteractionState:
        """Set written work aside until a time, or until the customer answers."""
        async with self._work.begin("interaction.snooze", principal.actor) as work:
            held = await self._own(work, principal, asked.interaction_id)
            if held.segment.channel == "voice":
                raise Conflict("A call cannot be set aside, only held.")
            if asked.until is not None and not (
                work.now < asked.until <= work.now + LONGEST_SNOOZE
            ):
                raise Invalid.field("until", "bad_time", "A time within the next 60 days.")
            await self._park(work, held, asked)
        return await self._state(principal, asked.interaction_id)

    async def _park(self, work: Work, held: Held, asked: Snooze) -> None:
        segment = held.segment
        why = "waiting_customer" if asked.until is None else "snoozed"
        cost = 0
        if asked.until is None:
            queue = await self._queue(work.conn, segment)
            policy = queue.core.policies[Channel(segment.channel)] if queue else None
            if policy is not None and policy.park_free_ms != 0:
                cost = segment.full_cost
        await self._change(
            work,
            held,
            "parked",
            "parked",
            cost=cost,
            expect=("active", "parked"),
            park_reason=why,
            parked_until=asked.until,
        )
        work.emit(
            InteractionParked(
                interaction_id=segment.interaction_id,
                segment_id=segment.id,
                agent_id=segment.agent_id,
                channel=segment.channel,
                why=why,
                until=asked.until,
                cost=cost,
            )
        )

    async def resume(self, principal: Principal, interaction_id: UUID) -> InteractionState:
        """Go on with held or parked work, above the budget if need be."""
        async with self._work.begin("interaction.resume", principal.actor) as work:
            held = await self._own(work, principal, interaction_id)
            segment = held.segment
            if segment.state != "active":
                over = await store.over_budget(
                    work.conn, segment.agent_id, segment.id, segment.full_cost
                )
                await self._change(
                    work,
                    held,
                    "active",
                    "active",
                    cost=segment.full_cost,
                    expect=("held", "parked"),
                    over_budget=over and segment.cost < segment.full_cost,
                )
                work.emit(
                    InteractionResumed(
                        interaction_id=segment.interaction_id,
                        segment_id=segment.id,
                        agent_id=segment.agent_id,
                        channel=segment.channel,
                        cause="agent",
                        cost=segment.full_cost,
                    )
                )
        return await self._state(principal, interaction_id)

    async def transfer(self, principal: Principal, asked: Transfer) -> InteractionState:
        """Send it on, to a queue or blind to an agent: this agent's part ends."""
        async with self._work.begin("interaction.transfer", principal.actor) as work:
            held = await self._own(work, principal, asked.interaction_id)
            if held.segment.state == "wrapping" or not held.interaction.customer_present:
                raise Conflict("The customer's part is over.")
            open_parts = await store.open_segments(work.conn, held.interaction.id)
            if len(lifecycle.talking(open_parts)) > 1:
                raise Conflict("A colleague is on the line too: end that, or hand over to them.")
            if asked.note:
                await hall.add_message(
                    work,
                    conversation_id=held.interaction.conversation_id,
                    interaction_id=held.interaction.id,
                    sender="agent",
                    kind="note",
                    body=asked.note,
                    agent_id=held.segment.agent_id,
                )
            item = await self.onward(work, held.segment, asked.queue, asked.agent_id)
            await lifecycle.send_on(work, held.segment, item, held.interaction.contact_id, "agent")
        return await self._state(principal, asked.interaction_id)

    async def onward(
        self, work: Work, segment: SegmentRow, queue: str | None, agent_id: UUID | None
    ) -> WorkItem:
        """The visit that follows on a segment: in a queue, or for one agent alone."""
        if agent_id is not None:
            if agent_id == segment.agent_id:
                raise Conflict("It is this agent's already.")
            colleague = (await agents.team_members(work.conn, [agent_id])).get(agent_id)
            if colleague is None:
                raise NotFound("There is no such agent.")
            if segment.channel not in colleague.channels:
                raise Conflict("This agent's desk cannot take it now.", agent=str(agent_id))
        row = await store.last_visit(work.conn, segment.interaction_id)
        if row is None:
            raise Conflict("It did not come from a queue.")
        target = await self._book.live_queue(work.conn, queue or row.queue)
        return transferred(
            rows.item_of_row(row),
            id=str(new_id()),
            now=to_ms(work.now),
            waited_ms=await store.waited_ms(work.conn, segment.interaction_id, work.now),
            queue=target.core,
            constants=self._constants,
            to_agent=str(agent_id) if agent_id else None,
            from_agent=str(segment.agent_id) if agent_id else None,
        )

    async def close(self, principal: Principal, asked: Close) -> InteractionState:
        """The agent ends the customer's part; wrap-up follows if the queue has one."""
        async with self._work.begin("interaction.close", principal.actor) as work:
            held = await self._own(work, principal, asked.interaction_id, ended_is_fine=True)
            segment = held.segment
            await self._check_disposition(work.conn, asked.disposition, segment)
            if segment.state == "ended":
                if segment.disposition is None:  # it was sent on, not closed
                    raise Conflict("It is not this agent's any more.")
            elif segment.state == "wrapping":
                if asked.disposition:
                    await self._finish(work, held, asked.disposition, asked.note)
            else:
                await self._end(work, held, asked)
        return await self._state(principal, asked.interaction_id)

    async def _end(self, work: Work, held: Held, asked: Close) -> None:
        await lifecycle.leave(
            work,
            held.interaction,
            held.segment,
            await self._queue(work.conn, held.segment),
            wanted=asked.wrap,
            disposition=asked.disposition,
            note=asked.note,
        )

    async def wrap_up(self, principal: Principal, asked: WrapUp) -> InteractionState:
        """Finish the paperwork with a disposition; or take the one extension; or keep a draft."""
        async with self._work.begin("interaction.wrap_up", principal.actor) as work:
            held = await self._own(work, principal, asked.interaction_id, ended_is_fine=True)
            segment = held.segment
            await self._check_disposition(work.conn, asked.disposition, segment)
            if asked.draft:
                if not await store.save_draft(work.conn, segment.id, asked.note, asked.disposition):
                    raise Conflict("The wrap-up is over.")
            elif asked.extend:
                await self._extend(work, segment)
            elif segment.state == "ended":
                if segment.disposition != asked.disposition:
                    raise Conflict("The wrap-up is over.", disposition=segment.disposition)
            elif segment.state != "wrapping":
                raise Conflict("The customer is still there: close it first.")
            else:
                assert asked.disposition is not None
                await self._finish(work, held, asked.disposition, asked.note)
        return await self._state(principal, asked.interaction_id)

    async def _extend(self, work: Work, segment: SegmentRow) -> None:
        by = timedelta(milliseconds=self._constants.wrap_extension_ms)
        deadline = await store.extend_wrap(work.conn, segment.id, by)
        if deadline is None:
            if segment.wrap_extended:
                raise Conflict("It has been extended once.")
            raise Conflict("There is no wrap-up to extend.")
        work.emit(
            InteractionWrapExtended(
                interaction_id=segment.interaction_id,
                segment_id=segment.id,
                agent_id=segment.agent_id,
                channel=segment.channel,
                wrap_deadline=deadline,
            )
        )

    async def _finish(self, work: Work, held: Held, disposition: str, note: str | None) -> None:
        others = [
            other
            for other in await store.open_segments(work.conn, held.interaction.id)
            if other.id != held.segment.id
        ]
        if held.interaction.customer_present and not others:
            raise Conflict("The customer has written again.")
        await lifecycle.end_wrap(work, held.segment, disposition, note)
        if not held.interaction.customer_present:
            await lifecycle.settle(work, held.interaction, outcome=disposition)

    async def help(self, principal: Principal, asked: HelpWanted) -> None:
        """Call the supervisors, with an interaction or in general."""
        agent_id = principal.agent()
        async with self._work.begin("agent.help", principal.actor) as work:
            if asked.interaction_id is not None:
                await self._own(work, principal, asked.interaction_id)
            work.emit(AgentHelpRequested(agent_id=agent_id, interaction_id=asked.interaction_id))

    # Common parts

    async def _own(
        self,
        work: Work,
        principal: Principal,
        interaction_id: UUID,
        *,
        ended_is_fine: bool = False,
    ) -> Held:
        """Lock the interaction and find the agent's part: the open one, or the last one if
        `ended_is_fine`. NotFound for whoever never had a part, Conflict when it has ended."""
        agent_id = principal.agent()
        interaction = await hall.interaction(work.conn, interaction_id, lock=True)
        segment = await store.last_segment(work.conn, interaction_id, agent_id)
        if interaction is None or segment is None:
            raise NotFound
        if segment.state == "ended" and not ended_is_fine:
            raise Conflict("It is not this agent's any more.")
        return Held(interaction, segment)

    async def _change(
        self,
        work: Work,
        held: Held,
        state: str,
        interaction_state: State,
        *,
        cost: int,
        expect: tuple[str, ...],
        park_reason: str | None = None,
        parked_until: datetime | None = None,
        over_budget: bool = False,
    ) -> None:
        """Take the segment to `state`, and the interaction with it unless another agent
        talks in it too."""
        segment = held.segment
        if segment.state not in expect:
            raise Conflict(f"It cannot become {state} while it is {segment.state}.")
        changed = await store.change_segment(
            work.conn,
            segment,
            state,
            work.now,
            cost=cost,
            park_reason=park_reason,
            parked_until=parked_until,
            over_budget=over_budget,
        )
        if changed is None:
            raise Conflict("Somebody else has just changed this.")
        talking = lifecycle.talking(await store.open_segments(work.conn, held.interaction.id))
        if len(talking) == 1 and held.interaction.state != interaction_state:
            await hall.set_state(
                work.conn, Change(held.interaction.id, interaction_state, work.now)
            )

    async def _queue(self, conn: Connection, segment: SegmentRow) -> Queue | None:
        return await self._book.queue(conn, segment.queue) if segment.queue else None

    async def _check_disposition(
        self, conn: Connection, disposition: str | None, segment: SegmentRow
    ) -> None:
        if disposition is not None and not await store.disposition_exists(
            conn, disposition, segment.queue
        ):
            raise Invalid.field("disposition", "unknown_disposition", "No such disposition here.")

    async def _state(self, principal: Principal, interaction_id: UUID) -> InteractionState:
        async with self._work.reading("interaction.state") as conn:
            found = await cards.cards(conn, principal.agent(), [interaction_id])
        return InteractionState(
            interaction_id=interaction_id, interaction=found.get(interaction_id)
        )


def _gone(offer: ReservationRow) -> Expired | Conflict:
    """Why an ended offer cannot be taken."""
    if offer.state == "timed_out":
        return Expired("The offer ran out.")
    return Conflict("The offer is over.", state=offer.state)
