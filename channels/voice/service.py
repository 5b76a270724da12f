"""The agents' side of calls: the softphone's use cases.

Each command is one unit of work on the call; what takes an agent's units asks the router before
it. A command about a call that the agent is not on is answered as if there were no such call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from channels.ports import Parts, Queueing
from channels.voice import call as calls
from channels.voice import line, recording_store, store
from channels.voice.call import Call, Leg
from channels.voice.cards import CallCards, card, load
from channels.voice.line import Said, moves, said
from channels.voice.media.client import MediaClient
from channels.voice.media.protocol import Hear
from channels.voice.mixes import orders
from channels.voice.offers import Offers
from channels.voice.recorder import begin_recording
from channels.voice.schemas import (
    CallCandidate,
    CallCard,
    CallConsult,
    CallDial,
    CallDigits,
    CallOffer,
    CallRecord,
    CallSwitch,
    CallTransfer,
    EchoTest,
    OfferAnswer,
)
from channels.voice.store import CallRow, Softphone
from contactcenter.agents import service as agents
from contactcenter.core.access import Principal
from contactcenter.core.clock import to_ms
from contactcenter.core.errors import Conflict, NotFound, Problem
from contactcenter.core.ids import new_id
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.calls import (
    CallAgentDropped,
    CallAnswered,
    CallConferenced,
    CallConsultEnded,
    CallConsultStarted,
    CallConsultToggled,
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

RINGS: Final = timedelta(seconds=20)
"""How long a colleague's softphone rings."""
VANISHED: Final = timedelta(seconds=20)
"""How long a lost leg is waited for (domain: a vanished agent's customer goes back in line)."""
ASKED_IN_TURN: Final = 3
"""Free colleagues of a queue who are tried, until one has room."""


class AgentCalls:
    def __init__(
        self,
        work: WorkFactory,
        cards: CallCards,
        media: MediaClient,
        offers: Offers,
        parts: Parts,
        queueing: Queueing,
    ) -> None:
        self._work = work
        self._cards = cards
        self._media = media
        self._offers = offers
        self._parts = parts
        self._queueing = queueing

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
        found = asked.candidate
        await self._media.candidate(softphone.leg_id, None if found is None else found.model_dump())

    async def echo_test(self, principal: Principal, asked: EchoTest) -> None:
        """The agent hears the own microphone; not during a call."""
        softphone = await self._softphone(principal.agent())
        if not asked.on:
            await self._media.end(softphone.leg_id)
            return
        async with self._work.reading("call.echo_test") as conn:
            if await store.of_agent(conn, softphone.agent_id):
                raise Conflict("Not during a call.")
        version = to_ms(self._cards.now())
        ears = {softphone.leg_id: Hear(hears=(softphone.leg_id,))}
        await self._media.mix(softphone.leg_id, version, ears)

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
            if await store.of_agent(conn, agent_id):  # before the media moves the leg off that call
                raise Conflict("You are on a call already.", reason="on_a_call")
        mine, theirs = await self._ready(agent_id), await self._ready(asked.agent_id)
        legs = (
            Leg(mine.leg_id, new_id(), "agent", "connected", agent_id=agent_id),
            Leg(theirs.leg_id, new_id(), "agent", "ringing", agent_id=asked.agent_id),
        )
        call = Call(new_id(), "internal", legs)
        ears, _ = orders(call)
        await self._media.mix(call.id, 1, ears)  # asks for a place before anything is promised
        interaction = await self._begin_internal(principal, agent_id)
        try:
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
        except Problem:
            await self._media.end(call.id)
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
            if row.call.direction != "internal" and after.consult is None:
                assert mine.agent_id is not None  # whoever asked has left
                await self._parts.take_over(work, row.interaction_id, mine.agent_id)
            return after, [said(CallAnswered, agent_id=mine.agent_id)]

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

    async def consult(self, principal: Principal, asked: CallConsult) -> CallCard:
        """Ask a colleague in, or whoever of a queue is free; the customer hears music."""
        agent_id = principal.agent()
        async with self._work.reading("call.consult") as conn:
            row = await store.call(conn, asked.call_id)
            mine = row.call.leg_of(agent_id) if row else None
            if row is None or mine is None:
                raise NotFound
            interaction = await hall.interaction(conn, row.interaction_id)
            assert interaction is not None
            if asked.queue is not None:
                wanted = list(await self._parts.free_colleagues(conn, asked.queue))
            else:
                assert asked.agent_id is not None
                wanted = [asked.agent_id]
            on_call = {leg.agent_id for leg in row.call.open_legs}
        with moves:  # what is refused anyway is refused before anybody's units are taken
            calls.begin_consult(row.call, mine.id, Leg(new_id(), new_id(), "agent", "ringing"))
        if asked.agent_id in on_call:
            raise Conflict("This colleague is on the line already.")
        colleague = await self._somebody(
            principal, interaction, row, [one for one in wanted if one not in on_call]
        )
        try:
            return await self._ask_in(principal, asked.call_id, colleague)
        except Problem:
            assert colleague.agent_id is not None
            async with self._work.begin("call.consult_failed", principal.actor) as work:
                await self._parts.let_go(work, row.interaction_id, colleague.agent_id)
            raise

    async def _somebody(
        self, principal: Principal, interaction: Interaction, row: CallRow, wanted: list[UUID]
    ) -> Leg:
        """The first of them who can come, with the units taken. Conflict: nobody."""
        refused: Problem = Conflict("Nobody of them is free.", reason="nobody_free")
        for agent_id in wanted[:ASKED_IN_TURN]:
            try:
                softphone = await self._ready(agent_id)
                segment_id = await self._parts.units(
                    principal.actor,
                    agent_id,
                    interaction.id,
                    contact_id=interaction.contact_id,
                    queue=interaction.queue or row.queue,
                )
            except Conflict as error:
                refused = error
                continue
            return Leg(
                softphone.leg_id,
                new_id(),
                "agent",
                "ringing",
                agent_id=agent_id,
                segment_id=segment_id,
            )
        raise refused

    async def _ask_in(self, principal: Principal, call_id: UUID, colleague: Leg) -> CallCard:
        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            invited = replace(colleague, deadline=work.now + RINGS)
            after = calls.begin_consult(row.call, mine.id, invited)
            assert colleague.agent_id is not None
            await self._parts.turn(work, row.interaction_id, colleague.agent_id, "consulting")
            await self._turn(work, row, mine, "consulting")
            return after, [
                said(
                    CallConsultStarted,
                    agent_id=mine.agent_id,
                    with_agent_id=colleague.agent_id,
                ),
                said(CallRinging, agent_id=colleague.agent_id),
            ]

        return await self._step(principal, call_id, "call.consult", step)

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
        """A warm transfer: the colleague has the customer, this agent wraps up."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            return await self._hand_over(work, row, mine)

        return await self._step(principal, call_id, "call.consult_complete", step)

    async def _hand_over(self, work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
        after = calls.complete(row.call, mine.id)
        consult = row.call.consult
        colleague = row.call.leg(consult.leg) if consult else None
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

    async def _end_consult(self, work: Work, row: CallRow, reason: str) -> list[Said]:
        """The colleague's part ends, the asker's goes on: the facts of it."""
        consult = row.call.consult
        assert consult is not None
        colleague, asker = row.call.leg(consult.leg), row.call.leg(consult.by)
        assert colleague is not None
        assert colleague.agent_id is not None
        assert asker is not None
        await self._parts.let_go(work, row.interaction_id, colleague.agent_id)
        await self._turn(work, row, asker, "active")
        return [
            said(CallLegLeft, leg_id=colleague.id, agent_id=colleague.agent_id),
            said(
                CallConsultEnded,
                agent_id=asker.agent_id,
                with_agent_id=colleague.agent_id,
                reason=reason,
            ),
        ]

    async def conference(self, principal: Principal, call_id: UUID) -> CallCard:
        """Everybody hears everybody else."""

        async def step(work: Work, row: CallRow, mine: Leg) -> tuple[Call, list[Said]]:
            after = calls.merge(row.call, mine.id)
            for leg in after.agents:
                await self._turn(work, row, leg, "active")
            return after, [said(CallConferenced, agent_id=mine.agent_id)]

        return await self._step(principal, call_id, "call.conference", step)

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
        facts = await self._end_consult(work, row, "cancelled")
        row = await line.change(work, row, calls.cancel(row.call, mine.id), *facts)
        await self.drop(work, row, mine)

    async def drop(self, work: Work, row: CallRow, leg: Leg) -> None:
        """The router gives the agent's customer back to the line; said again until it has."""
        again = work.now + timedelta(seconds=5)
        after = calls.drop(row.call, leg.id, again)
        fact = said(CallAgentDropped, agent_id=leg.agent_id, segment_id=leg.segment_id)
        await line.change(work, row, after, fact)

    # Common parts

    async def _step(
        self,
        principal: Principal,
        call_id: UUID,
        name: str,
        step: Callable[[Work, CallRow, Leg], Any],
    ) -> CallCard:
        """One unit of work on a call that the agent is on: (what becomes of it, its facts)."""
        agent_id = principal.agent()
        async with self._work.begin(name, principal.actor) as work:
            row, mine = await self._own(work, agent_id, call_id)
            with moves:
                after, facts = await step(work, row, mine)
            await line.change(work, row, after, *facts)
            return await self._shown(work.conn, call_id, agent_id)

    async def _own(self, work: Work, agent_id: UUID, call_id: UUID) -> tuple[CallRow, Leg]:
        """The call, locked, and the agent's leg on it. NotFound for whoever never was on it,
        Conflict for who is not any more."""
        row = await line.locked(work, call_id)
        mine = row.call.leg_of(agent_id)
        if mine is not None:
            return row, mine
        if any(leg.agent_id == agent_id for leg in row.call.legs):
            raise Conflict("You are not on this call any more.")
        raise NotFound

    async def _turn(self, work: Work, row: CallRow, leg: Leg, state: Any) -> None:
        assert leg.agent_id is not None
        await self._parts.turn(work, row.interaction_id, leg.agent_id, state)

    async def _softphone(self, agent_id: UUID) -> Softphone:
        async with self._work.reading("call.softphone") as conn:
            found = (await store.softphones(conn, [agent_id])).get(agent_id)
        if found is None:
            raise Conflict("The softphone is not connected.", reason="no_softphone")
        return found

    async def _ready(self, agent_id: UUID) -> Softphone:
        """A softphone that can be called now. Conflict (ctx.reason `no_softphone`) if not."""
        found = await self._softphone(agent_id)
        if found.state != "connected":
            raise Conflict("The softphone is not connected.", reason="no_softphone")
        return found

    async def _shown(self, conn: Connection, call_id: UUID, agent_id: UUID) -> CallCard:
        return card((await load(conn, {call_id}))[call_id], agent_id)


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
