"""The agents' side of calls: the softphone's use cases.

Each command is one unit of work on the call; what takes an agent's units asks the router before
it. A command about a call that the agent is not on is answered as if there were no such call.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from channels.ports import Parts, Queueing
from channels.voice import call as calls
from channels.voice import line, recording_store, store
from channels.voice.call import Call, Leg
from channels.voice.cards import CallCards
from channels.voice.consults import RINGS, VANISHED, Consults
from channels.voice.line import Said, moves, said
from channels.voice.media.client import MediaClient
from channels.voice.media.protocol import Hear
from channels.voice.offers import Offers
from channels.voice.recorder import begin_recording
from channels.voice.schemas import (
    CallCandidate,
    CallCard,
    CallDial,
    CallDigits,
    CallOffer,
    CallRecord,
    CallSwitch,
    CallTransfer,
    EchoTest,
    OfferAnswer,
)
from channels.voice.store import CallRow
from contactcenter.agents import service as agents
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, NotFound, Unavailable
from contactcenter.core.ids import new_id
from contactcenter.core.moments import to_ms
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.calls import (
    CallAgentDropped,
    CallAnswered,
    CallConsultEnded,
    CallHeld,
    CallInitiated,
    CallLegChanged,
    CallLegLeft,
    CallMuted,
    CallRecordingChanged,
    CallResumed,
    CallRinging,
    CallTakenOver,
    CallTransferred,
)
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Change, Interaction
from db import Connection

ECHO_SECONDS: Final = 300.0
"""An echo test that nobody ends takes a call's place for no longer."""


class AgentCalls(Consults):
    def __init__(
        self,
        work: WorkFactory,
        cards: CallCards,
        media: MediaClient,
        offers: Offers,
        parts: Parts,
        queueing: Queueing,
    ) -> None:
        super().__init__(work, parts, queueing)
        self._cards = cards
        self._media = media
        self._offers = offers

    # The softphone

    async def offer(self, principal: Principal, asked: CallOffer) -> OfferAnswer:
        """Negotiate the agent's one leg; a newer tab takes it over from an older one."""
        agent_id = principal.agent()
        async with self._work.reading("call.softphone") as conn:
            known = (await store.softphones(conn, [agent_id])).get(agent_id)
        leg_id = known.leg_id if known else new_id()
        ice = self._cards.ice_servers(principal.actor)
        sdp = await self._offers.answer(leg_id, asked.sdp, ice)
        peer = new_id()
        async with self._work.begin("call.offer", principal.actor) as work:
            kept = await store.negotiate(work.conn, agent_id, leg_id, peer, work.now)
            if kept != leg_id:
                raise Conflict("Another tab was quicker.", reason="offer_pending")
            if known is not None and known.state in {"connecting", "connected"}:
                work.emit(CallTakenOver(agent_id=agent_id))
            else:
                work.emit(CallLegChanged(agent_id=agent_id, state="connecting"))
        return OfferAnswer(sdp=sdp, leg_id=leg_id, peer=peer)

    async def candidate(self, principal: Principal, asked: CallCandidate) -> None:
        softphone = await self._softphone(principal.agent())
        await self._media.candidate(softphone.leg_id, asked.candidate)

    async def echo_test(self, principal: Principal, asked: EchoTest) -> None:
        """The agent hears the own microphone, for ECHO_SECONDS at most; not during a call."""
        softphone = await self._softphone(principal.agent())
        if not asked.on:
            await self._media.end(softphone.leg_id)
            return
        async with self._work.reading("call.echo_test") as conn:
            if await store.of_agents(conn, [softphone.agent_id]):
                raise Conflict("Not during a call.")
        version = to_ms(self._cards.now())
        ears = {softphone.leg_id: Hear(hears=(softphone.leg_id,))}
        await self._media.mix(softphone.leg_id, version, ears, seconds=ECHO_SECONDS)

    # On the line

    async def mute(self, principal: Principal, asked: CallSwitch) -> CallCard:
        """Nobody hears the agent, or everybody does again."""

        async def step(_: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.mute(row.call, mine.id, on=asked.on)
            return after, [said(CallMuted, agent_id=mine.agent_id, on=asked.on)]

        return await self._step(principal, asked.call_id, "call.mute", step)

    async def hold(self, principal: Principal, asked: CallSwitch) -> CallCard:
        """The customer hears music, or the agents again."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.hold(row.call, mine.id, on=asked.on)
            if after != row.call:
                await self._turn(work, row, mine, "held" if asked.on else "active")
            return after, [said(CallHeld if asked.on else CallResumed, agent_id=mine.agent_id)]

        return await self._step(principal, asked.call_id, "call.hold", step)

    async def dtmf(self, principal: Principal, asked: CallDigits) -> CallCard:
        """Let whoever is in conversation with the agent hear the digits. The history keeps how
        many there were, not which."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            room = calls.talking(row.call)
            if mine not in room:
                raise Conflict("Nobody is there to hear it.")
            about = {"agent_id": mine.agent_id, "digits": len(asked.digits)}
            await store.add_events(work.conn, row.call.id, work.now, work.actor, [("dtmf", about)])
            others.extend(leg.id for leg in room if leg.id != mine.id)
            return row.call, []

        others: list[UUID] = []
        shown = await self._step(principal, asked.call_id, "call.dtmf", step)
        for leg_id in others:
            await self._media.play(leg_id, "dtmf", asked.digits)
        return shown

    async def record(self, principal: Principal, asked: CallRecord) -> CallCard:
        """Start, pause, resume or stop, as far as the rule and the customer allow it."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            if not mine.on_the_line:
                raise Conflict("This leg is not on the line.")
            after = (
                await begin_recording(work, row, row.call)
                if asked.state == "start"
                else {"pause": calls.pause, "resume": calls.resume, "stop": calls.stop}[
                    asked.state
                ](row.call)
            )
            state = after.recording.state
            return after, [said(CallRecordingChanged, state=state, cause="agent")]

        return await self._step(principal, asked.call_id, "call.record", step)

    # Colleagues

    async def dial(self, principal: Principal, asked: CallDial) -> CallCard:
        """Call a colleague: the units of both are taken before it rings."""
        agent_id = principal.agent()
        if asked.agent_id == agent_id:
            raise Conflict("That is you.")
        async with self._work.reading("call.dial") as conn:
            # Before the media moves the leg off that call.
            if await store.of_agents(conn, [agent_id]):
                raise Conflict("You are on a call already.", reason="on_a_call")
        mine, theirs = await self._ready(agent_id), await self._ready(asked.agent_id)
        legs = (
            Leg(mine.leg_id, new_id(), "agent", "connected", agent_id=agent_id),
            Leg(theirs.leg_id, new_id(), "agent", "ringing", agent_id=asked.agent_id),
        )
        call = Call(new_id(), "internal", legs)
        await self._media.mix(call.id, 0, {})  # a place, before anything is promised: no sound yet
        interaction = None
        try:
            interaction = await self._begin_internal(principal, agent_id)
            await self._take_units(principal, interaction, (agent_id, asked.agent_id))
            async with self._work.begin("call.dial", principal.actor) as work:
                segments = await self._segments(work.conn, interaction.id)
                row = _internal(call, interaction, segments, work)
                await line.begin(
                    work,
                    row,
                    said(CallInitiated, direction="internal", agent_id=agent_id),
                    said(CallRinging, agent_id=asked.agent_id),
                )
                return await self._shown(work.conn, call.id, agent_id)
        except BaseException:
            with contextlib.suppress(Unavailable):
                await self._media.end(call.id)
            if interaction is not None:
                async with self._work.begin("call.dial_failed", principal.actor) as work:
                    await self._parts.close(work, interaction.id)
            raise

    async def _begin_internal(self, principal: Principal, agent_id: UUID) -> Interaction:
        """The interaction of an internal call; its contact stands for the agent who calls."""
        async with self._work.begin("call.internal", principal.actor) as work:
            name = (await agents.team_members(work.conn, [agent_id]))[agent_id].name
            own = Address("web", f"agent:{agent_id}")
            contact = await hall.contact_for(work, name=name, locale="es", addresses=(own,))
            conversation = await hall.create_conversation(
                work, contact_id=contact.id, channel="voice", channel_address="internal"
            )
            interaction = await hall.create_interaction(
                work, conversation=conversation, direction="internal"
            )
            change = Change(interaction.id, "active", work.now, agent_id=agent_id)
            await hall.set_state(work.conn, change)
            return interaction

    async def _take_units(
        self, principal: Principal, interaction: Interaction, who: tuple[UUID, ...]
    ) -> None:
        for agent_id in who:
            await self._parts.units(
                principal.actor,
                agent_id,
                interaction.id,
                contact_id=interaction.contact_id,
                queue=None,
            )

    async def _segments(self, conn: Connection, interaction_id: UUID) -> dict[UUID, UUID]:
        rows = await hall.segments_of(conn, interaction_id)
        return {row["agent_id"]: row["segment_id"] for row in rows}

    async def answer(self, principal: Principal, call_id: UUID) -> CallCard:
        """Take a call that a colleague makes to this agent."""
        softphone = await self._ready(principal.agent())

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            sounds = softphone.state == "connected"
            deadline = work.now + VANISHED
            after = calls.answer(row.call, mine.id, sounds=sounds, deadline=deadline)
            facts = [said(CallAnswered, agent_id=mine.agent_id)]
            if row.call.direction != "internal" and after.consult is None:
                assert mine.agent_id is not None
                assert mine.asked_by is not None  # and has left
                await self._parts.take_over(work, row.interaction_id, mine.agent_id)
                agents = {"agent_id": mine.asked_by, "to_agent_id": mine.agent_id}
                facts.append(said(CallTransferred, **agents))
            return after, facts

        return await self._step(principal, call_id, "call.answer", step)

    async def reject(self, principal: Principal, call_id: UUID) -> None:
        """Decline a call that a colleague makes to this agent."""
        agent_id = principal.agent()
        async with self._work.begin("call.reject", principal.actor) as work:
            row, mine = await self._own(work, agent_id, call_id)
            if mine.state != "ringing":
                raise Conflict("It does not ring here any more.")
            await self.stop_ringing(work, row, mine, "declined")

    async def stop_ringing(self, work: Work, row: CallRow, leg: Leg, reason: str) -> None:
        """A colleague's softphone stops ringing: an internal call ends, a consult is over."""
        assert leg.agent_id is not None
        if row.call.direction == "internal":
            await self._parts.close(work, row.interaction_id)
            await line.change(work, row, calls.end(row.call), reason=reason)
            return
        consult = row.call.consult
        asker = row.call.leg(consult.by) if consult else None
        await self._parts.let_go(work, row.interaction_id, leg.agent_id)
        facts = [said(CallLegLeft, leg_id=leg.id, agent_id=leg.agent_id)]
        if asker is None and row.queue is not None:  # who asked has left: the customer waits again
            await self._queueing.enqueue(work, interaction_id=row.interaction_id, queue=row.queue)
        elif asker is not None:
            await self._turn(work, row, asker, "active")
            facts.append(
                said(
                    CallConsultEnded,
                    agent_id=asker.agent_id,
                    with_agent_id=leg.agent_id,
                    reason=reason,
                )
            )
        await line.change(work, row, calls.leave(row.call, leg.id), *facts)

    # The end

    async def hangup(self, principal: Principal, call_id: UUID) -> None:
        """The agent leaves the call. Whoever is left goes on; with nobody left to talk to the
        customer, the call is over, but a consult never cuts the customer off."""
        agent_id = principal.agent()
        async with self._work.begin("call.hangup", principal.actor) as work:
            row, mine = await self._own(work, agent_id, call_id)
            with moves:
                await self.leave(work, row, mine)

    async def transfer(self, principal: Principal, call_id: UUID, asked: CallTransfer) -> None:
        """A blind transfer: the customer waits again, this agent is free."""
        async with self._work.reading("call.transfer") as conn:
            row = await store.call(conn, call_id)
        if row is None or row.call.leg_of(principal.agent()) is None:
            raise NotFound
        await self._parts.send_on(principal, row.interaction_id, asked.queue, asked.agent_id)

    async def leave(self, work: Work, row: CallRow, mine: Leg) -> None:
        """An agent's leg is off the line, with what follows for everybody else."""
        assert mine.agent_id is not None
        call, consult = row.call, row.call.consult
        if mine.state == "ringing":
            await self.stop_ringing(work, row, mine, "declined")
        elif call.direction == "internal":
            await self._parts.close(work, row.interaction_id)
            await line.change(work, row, calls.end(call), reason="agent_hung_up")
        elif consult is not None and consult.leg == mine.id:
            facts = await self._end_consult(work, row, "left")
            await line.change(work, row, calls.leave(call, mine.id), *facts)
        elif consult is not None:
            await self._leave_consult(work, row, mine)
        elif len(call.agents) > 1:
            await self._parts.leave(work, row.interaction_id, mine.agent_id)
            gone = said(CallLegLeft, leg_id=mine.id, agent_id=mine.agent_id)
            await line.change(work, row, calls.leave(call, mine.id), gone)
        else:
            await self._parts.leave(work, row.interaction_id, mine.agent_id)
            await line.change(work, row, calls.end(call), reason="agent_hung_up")

    async def _leave_consult(self, work: Work, row: CallRow, mine: Leg) -> None:
        """Whoever asked hangs up: the customer is the colleague's if one has answered, and back
        in line if none has."""
        consult = row.call.consult
        colleague = row.call.leg(consult.leg) if consult else None
        if colleague is not None and colleague.on_the_line:
            after, facts = await self._hand_over(work, row, mine)
            await line.change(work, row, after, *facts)
            return
        row = await self.end_consult(work, row, "cancelled")
        await self.drop(work, row, mine)

    async def drop(self, work: Work, row: CallRow, leg: Leg) -> None:
        """The router gives the agent's customer back to the line; said again until it has."""
        again = work.now + timedelta(seconds=5)
        after = calls.drop(row.call, leg.id, again)
        fact = said(CallAgentDropped, agent_id=leg.agent_id, segment_id=leg.segment_id)
        await line.change(work, row, after, fact)


def _internal(
    call: Call, interaction: Interaction, segments: dict[UUID, UUID], work: Work
) -> CallRow:
    deadline = work.now + RINGS
    legs = tuple(
        replace(
            leg,
            segment_id=segments[leg.agent_id] if leg.agent_id else None,
            deadline=deadline if leg.state == "ringing" else None,
        )
        for leg in call.legs
    )
    return CallRow(
        call=replace(call, legs=legs),
        version=1,
        interaction_id=interaction.id,
        visitor_id=None,
        queue=None,
        retention=recording_store.STANDARD,
        health=False,
        created_at=work.now,
        answered_at=None,
        ended_at=None,
        end_reason=None,
        held_since=None,
    )
