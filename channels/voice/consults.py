"""Colleagues asked into a call: one by name, or whoever of a queue comes.

A colleague is rung at once, for RINGS. A queue is asked by a request that waits there like any
call, for as long as it takes: the customer is on music, and the agent may turn to the customer
meanwhile, or cancel.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from channels.voice import call as calls
from channels.voice import line, store
from channels.voice.call import Call, Leg
from channels.voice.line import Said, moves, said
from channels.voice.schemas import CallCard, CallConsult
from channels.voice.steps import CallSteps
from channels.voice.store import CallRow
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, NotFound, Problem
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work
from contactcenter.events.calls import (
    CallAnswered,
    CallConferenced,
    CallConsultEnded,
    CallConsultStarted,
    CallConsultToggled,
    CallLegLeft,
    CallRinging,
    CallTransferred,
)
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Interaction

RINGS: Final = timedelta(seconds=20)
"""How long a colleague's softphone rings."""
VANISHED: Final = timedelta(seconds=20)
"""How long a lost leg is waited for (domain: a vanished agent's customer goes back in line)."""


class Consults(CallSteps):
    async def consult(self, principal: Principal, asked: CallConsult) -> CallCard:
        """Ask a colleague in, or wait for whoever of a queue comes; the customer hears music."""
        agent_id = principal.agent()
        async with self._work.reading("call.consult") as conn:
            row = await store.call(conn, asked.call_id)
            mine = row.call.leg_of(agent_id) if row else None
            if row is None or mine is None:
                raise NotFound
            interaction = await hall.interaction(conn, row.interaction_id)
            assert interaction is not None
            on_call = {leg.agent_id for leg in row.call.open_legs}
        if asked.queue is not None:
            return await self._ask_queue(principal, asked, asked.queue)
        assert asked.agent_id is not None
        with moves:  # what is refused anyway is refused before anybody's units are taken
            calls.begin_consult(row.call, mine.id, Leg(new_id(), new_id(), "agent", "ringing"))
        if asked.agent_id in on_call:
            raise Conflict("This colleague is on the line already.")
        colleague = await self._colleague(principal, interaction, row, asked.agent_id)
        try:
            return await self._ask_in(principal, asked, colleague)
        except Problem:
            async with self._work.begin("call.consult_failed", principal.actor) as work:
                await self._parts.let_go(work, row.interaction_id, asked.agent_id)
            raise

    async def _colleague(
        self, principal: Principal, interaction: Interaction, row: CallRow, agent_id: UUID
    ) -> Leg:
        """The colleague's leg, with the units taken. Conflict: there is no room."""
        softphone = await self._ready(agent_id)
        segment_id = await self._parts.units(
            principal.actor,
            agent_id,
            interaction.id,
            contact_id=interaction.contact_id,
            queue=interaction.queue or row.queue,
        )
        return Leg(
            softphone.leg_id,
            new_id(),
            "agent",
            "ringing",
            agent_id=agent_id,
            segment_id=segment_id,
        )

    async def _ask_queue(self, principal: Principal, asked: CallConsult, queue: str) -> CallCard:
        """A request of its own stands in the queue's line like any call; whoever takes it comes
        into this call (`come_in`)."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            about = await hall.interaction(work.conn, row.interaction_id)
            assert about is not None
            conversation = await hall.create_conversation(
                work,
                contact_id=about.contact_id,
                channel="voice",
                channel_address="consult",
                queue=queue,
            )
            request = await hall.create_interaction(
                work, conversation=conversation, direction="internal"
            )
            after = calls.ask_queue(row.call, mine.id, request.id)
            await self._queueing.enqueue(work, interaction_id=request.id, queue=queue)
            await _note(work, about, mine, asked.note)
            await self._turn(work, row, mine, "consulting")
            whom = {"agent_id": mine.agent_id, "with_agent_id": None, "queue": queue}
            return after, [said(CallConsultStarted, **whom)]

        return await self._step(principal, asked.call_id, "call.consult", step)

    async def come_in(self, work: Work, row: CallRow, request: UUID, agent_id: UUID) -> None:
        """An agent has taken the request: with whoever asked from now on. Too late, or from who
        is on the call already: the request is over, and the agent is free."""
        consult = row.call.consult
        if consult is None or consult.request != request:
            await self._parts.withdraw(work, request)
            return
        if row.call.leg_of(agent_id) is not None:
            await self.end_consult(work, row, "cancelled")
            return
        segment_id = await self._parts.come_in(work, request, row.interaction_id, agent_id)
        softphone = (await store.softphones(work.conn, [agent_id])).get(agent_id)
        sounds = softphone is not None and softphone.state == "connected"
        leg = Leg(
            softphone.leg_id if softphone else new_id(),
            new_id(),
            "agent",
            "connected" if sounds else "lost",
            agent_id=agent_id,
            segment_id=segment_id,
            deadline=None if sounds else work.now + VANISHED,
        )
        after = calls.come_in(row.call, request, leg)
        await line.change(work, row, after, said(CallAnswered, agent_id=agent_id))

    async def _ask_in(self, principal: Principal, asked: CallConsult, colleague: Leg) -> CallCard:
        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            invited = replace(colleague, deadline=work.now + RINGS)
            after = calls.begin_consult(row.call, mine.id, invited)
            assert colleague.agent_id is not None
            await self._parts.turn(work, row.interaction_id, colleague.agent_id, "consulting")
            about = await hall.interaction(work.conn, row.interaction_id)
            assert about is not None
            await _note(work, about, mine, asked.note)
            await self._turn(work, row, mine, "consulting")
            return after, [
                said(
                    CallConsultStarted,
                    agent_id=mine.agent_id,
                    with_agent_id=colleague.agent_id,
                ),
                said(CallRinging, agent_id=colleague.agent_id),
            ]

        return await self._step(principal, asked.call_id, "call.consult", step)

    async def toggle(self, principal: Principal, call_id: UUID) -> CallCard:
        """Turn from the colleague to the customer, or back."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.toggle(row.call, mine.id)
            assert after.consult is not None
            side = after.consult.side
            await self._turn(work, row, mine, "active" if side == "customer" else "consulting")
            return after, [said(CallConsultToggled, agent_id=mine.agent_id, talks_to=side)]

        return await self._step(principal, call_id, "call.consult_toggle", step)

    async def complete(self, principal: Principal, call_id: UUID) -> CallCard:
        """A warm transfer, out of a consult or a conference: the colleague has the customer, this
        agent wraps up."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            return await self._hand_over(work, row, mine)

        return await self._step(principal, call_id, "call.consult_complete", step)

    async def _hand_over(self, work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
        after = calls.complete(row.call, mine.id)
        colleague = calls.heir(row.call, mine.id)
        assert colleague is not None
        assert colleague.agent_id is not None
        assert mine.agent_id is not None
        await self._parts.hand_over(work, row.interaction_id, mine.agent_id, colleague.agent_id)
        return after, [
            said(CallTransferred, agent_id=mine.agent_id, to_agent_id=colleague.agent_id),
            said(CallLegLeft, leg_id=mine.id, agent_id=mine.agent_id),
        ]

    async def cancel(self, principal: Principal, call_id: UUID) -> CallCard:
        """The consult is over; the agent is with the customer again."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.cancel(row.call, mine.id)
            return after, await self._end_consult(work, row, "cancelled")

        return await self._step(principal, call_id, "call.consult_cancel", step)

    async def end_consult(self, work: Work, row: CallRow, reason: str) -> CallRow:
        """Nobody is asked in any more, and who asked is with the customer; the call after it."""
        consult = row.call.consult
        if consult is None:
            return row
        facts = await self._end_consult(work, row, reason)
        return await line.change(work, row, calls.cancel(row.call, consult.by), *facts)

    async def _end_consult(self, work: Work, row: CallRow, reason: str) -> list[Said]:
        """The colleague's part, or the request for one, ends; the asker's goes on: the facts."""
        consult = row.call.consult
        assert consult is not None
        colleague, asker = row.call.leg(consult.leg), row.call.leg(consult.by)
        assert asker is not None
        facts = []
        if colleague is not None:
            assert colleague.agent_id is not None
            await self._parts.let_go(work, row.interaction_id, colleague.agent_id)
            facts = [said(CallLegLeft, leg_id=colleague.id, agent_id=colleague.agent_id)]
        elif consult.request is not None:
            await self._parts.withdraw(work, consult.request)
        await self._turn(work, row, asker, "active")
        about = {"agent_id": asker.agent_id, "reason": reason}
        about["with_agent_id"] = colleague.agent_id if colleague else None
        return [*facts, said(CallConsultEnded, **about)]

    async def conference(self, principal: Principal, call_id: UUID) -> CallCard:
        """Everybody hears everybody else."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.merge(row.call, mine.id)
            for leg in after.agents:
                await self._turn(work, row, leg, "active")
            return after, [said(CallConferenced, agent_id=mine.agent_id)]

        return await self._step(principal, call_id, "call.conference", step)


async def _note(work: Work, about: Interaction, mine: Leg, note: str | None) -> None:
    """What the agent writes to whom they ask, where both read it."""
    if note and note.strip():
        await hall.add_message(
            work,
            conversation_id=about.conversation_id,
            interaction_id=about.id,
            sender="agent",
            kind="note",
            body=note.strip(),
            agent_id=mine.agent_id,
        )
