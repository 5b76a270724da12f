"""The customer's side of a call: use cases of the widget."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from channels.ports import Hours, Parts, Queueing
from channels.voice import call as calls
from channels.voice import line, recording_store, store
from channels.voice.call import Call, Leg, Recording
from channels.voice.cards import CallCards
from channels.voice.line import moves, said
from channels.voice.media.client import MediaClient
from channels.voice.mixes import orders
from channels.voice.offers import Offers
from channels.voice.recorder import begin_recording
from channels.voice.schemas import (
    CallCandidate,
    CallConsent,
    CallOffer,
    IceServers,
    OfferAnswer,
    StartCall,
    StartedCall,
    VisitorCall,
    VisitorDigits,
)
from channels.voice.store import CallRow
from config.settings import Media
from contactcenter.core.access import Principal
from contactcenter.core.errors import Conflict, Invalid, NotFound, RateLimited, Unavailable
from contactcenter.core.ids import new_id
from contactcenter.core.limits import Buckets, Limit
from contactcenter.core.vault import Vault
from contactcenter.core.work import Work, WorkFactory
from contactcenter.events.calls import CallInitiated, CallRecordingChanged
from contactcenter.interactions import facts
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address, Conversation, normalise
from db import Connection

STARTS: Final = Limit(per_second=1 / 10, burst=5)
"""Calls that one visitor may begin."""
FIRST_SOUND: Final = timedelta(seconds=30)
"""Until when a browser has to be connected after `call.start`."""

log = structlog.get_logger(__name__)


class VisitorCalls:
    def __init__(
        self,
        work: WorkFactory,
        cards: CallCards,
        media: MediaClient,
        offers: Offers,
        queueing: Queueing,
        hours: Hours,
        parts: Parts,
        default_queue: str,
        limits: Media,
        vault: Vault,
    ) -> None:
        self._limits = limits
        self._vault = vault
        self._beginning = asyncio.Lock()  # one at a time, with one connection of the pool
        self._work = work
        self._cards = cards
        self._media = media
        self._offers = offers
        self._queueing = queueing
        self._hours = hours
        self._parts = parts
        self._default_queue = default_queue
        self._paces = Buckets(STARTS)

    async def start(self, principal: Principal, asked: StartCall, address: str) -> StartedCall:
        """Begin a call. It waits in line as soon as the browser is connected; until then it holds
        a place for FIRST_SOUND, of which only so many are given, also to one address; nor may one
        address have more than so many calls at once.

        Raises Unavailable (ctx.reason `media_down` or `all_lines_busy`), Conflict (ctx.reason
        `on_a_call` or `closed`), Invalid for a queue that is not there.
        """
        own = principal.conversation()
        if wait := self._paces.take(own):
            raise RateLimited(wait)
        call_id, leg = new_id(), Leg(new_id(), new_id(), "customer", "inviting")
        await self._admit(Call(call_id, "inbound", (leg,)))
        try:
            async with self._beginning, self._work.begin("call.start", principal.actor) as work:
                mac = self._vault.mac("call.address", address.encode())
                await self._check_beginners(work.conn, mac)
                row = await self._begin(work, own, asked, call_id, leg)
                await store.came_from(work.conn, call_id, mac)
                shown = await self._shown(work.conn, call_id)
        except BaseException:
            with contextlib.suppress(Unavailable):
                await self._media.end(call_id)
            raise
        return StartedCall.model_validate(
            {
                "call_id": call_id,
                "ice_servers": self._cards.ice_servers(principal.actor),
                "recording": row.call.recording.mode,
                "call": shown.model_dump(),
            }
        )

    async def _check_beginners(self, conn: Connection, address_mac: bytes) -> None:
        found = await store.begun(conn, address_mac)
        limits = self._limits
        if (
            found["in_all"] >= limits.max_inviting
            or found["of_address"] >= limits.max_inviting_per_address
            or found["live"] >= limits.max_calls_per_address
        ):
            log.warning("too_many_calls_begin", **dict(found))
            raise Unavailable("All lines are busy.", reason="all_lines_busy")

    async def _admit(self, call: Call) -> None:
        """Ask the media for a place before anything is promised."""
        if self._media.full:
            raise Unavailable("All lines are busy.", reason="all_lines_busy")
        legs, recording = orders(call)
        await self._media.mix(call.id, 1, legs, recording)

    async def _begin(
        self, work: Work, own: UUID, asked: StartCall, call_id: UUID, leg: Leg
    ) -> CallRow:
        chat = await hall.conversation(work.conn, own)
        if chat is None or chat.state != "open":
            raise NotFound
        if await self._live(work.conn, own) is not None:
            raise Conflict("You are on a call already.", reason="on_a_call")
        queue = asked.queue or chat.queue or self._default_queue
        await self._check_open(work, queue)
        await _introduce(work, chat, asked)
        conversation = await hall.create_conversation(
            work, contact_id=chat.contact_id, channel="voice", queue=queue, locale=chat.locale
        )
        chosen = await facts.take_topic(work.conn, own)
        topic = asked.topic or chosen
        interaction = await hall.create_interaction(
            work,
            conversation=conversation,
            routing_facts=None if topic is None else {"said": {"key": topic}},
        )
        rule = await recording_store.rule_of(work.conn, queue)
        deadline = work.now + FIRST_SOUND
        row = CallRow(
            call=Call(
                call_id,
                "inbound",
                (Leg(leg.id, leg.stay, "customer", "inviting", deadline=deadline),),
                recording=Recording(rule.mode, aside=rule.aside),
            ),
            version=1,
            interaction_id=interaction.id,
            visitor_id=own,
            queue=queue,
            retention=rule.retention,
            health=rule.health,
            created_at=work.now,
            answered_at=None,
            ended_at=None,
            end_reason=None,
            held_since=None,
        )
        await line.begin(work, row, said(CallInitiated, direction="inbound"))
        return row

    async def _check_open(self, work: Work, queue: str) -> None:
        try:
            is_open = await self._hours.is_open(work.conn, queue, work.now)
        except NotFound as error:
            raise Invalid.field("queue", "unknown_queue", "There is no such queue.") from error
        if not is_open:
            opens = await self._hours.next_opening(work.conn, queue, work.now)
            raise Conflict(
                "Nobody answers calls at this hour.",
                reason="closed",
                opens_at=opens.isoformat() if opens else None,
            )

    async def offer(self, principal: Principal, asked: CallOffer) -> OfferAnswer:
        """Negotiate the call's sound, first or again after a reload."""
        leg = await self._own_leg(principal)
        ice = self._cards.ice_servers(principal.actor)
        sdp = await self._offers.answer(leg.id, asked.sdp, ice)
        return OfferAnswer(sdp=sdp, leg_id=leg.id, peer=new_id())

    async def ice(self, principal: Principal) -> IceServers:
        """The way to the media for a page that takes its live call over; fresh credentials."""
        await self._own(principal)
        return IceServers.model_validate({"ice_servers": self._cards.ice_servers(principal.actor)})

    async def candidate(self, principal: Principal, asked: CallCandidate) -> None:
        leg = await self._own_leg(principal)
        await self._media.candidate(leg.id, asked.candidate)

    async def dtmf(self, principal: Principal, asked: VisitorDigits) -> None:
        """Let whoever is in conversation with the customer hear the digits."""
        row = await self._own(principal)
        others = [leg for leg in calls.talking(row.call) if leg.kind == "agent"]
        if not others:
            raise Conflict("Nobody is there to hear it.")
        for leg in others:
            await self._media.play(leg.id, "dtmf", asked.digits)

    async def consent(self, principal: Principal, asked: CallConsent) -> VisitorCall:
        """Whether the call may be recorded; where the rule only informs, nothing changes."""
        seen = await self._own(principal)
        async with self._work.begin("call.consent", principal.actor) as work:
            row = await line.locked(work, seen.call.id)
            with moves:
                after = calls.consent(row.call, given=asked.recording)
                late = after.recording.mode != "inform" and after.recording.state == "off"
                if asked.recording and late and after.agents:
                    after = await begin_recording(work, row, after)
            state = after.recording.state
            changed = said(CallRecordingChanged, state=state, cause="consent")
            await line.change(work, row, after, changed)
            return await self._shown(work.conn, seen.call.id)

    async def hangup(self, principal: Principal) -> VisitorCall:
        """The customer ends it; nothing happens when it has ended."""
        own = principal.conversation()
        async with self._work.begin("call.hangup", principal.actor) as work:
            newest = (await store.of_visitors(work.conn, [own])).get(own)
            if newest is None:
                raise NotFound
            row = await line.locked(work, newest)
            await end_by_customer(work, row, self._queueing, self._parts, "customer_hung_up")
            return await self._shown(work.conn, newest)

    # Common parts

    async def _own(self, principal: Principal) -> CallRow:
        """The visitor's live call. NotFound for who never called, Conflict when it has ended."""
        own = principal.conversation()
        async with self._work.reading("call.own") as conn:
            newest = (await store.of_visitors(conn, [own])).get(own)
            row = await store.call(conn, newest) if newest else None
        if row is None:
            raise NotFound
        if row.call.ended:
            raise Conflict("The call is over.")
        return row

    async def _own_leg(self, principal: Principal) -> Leg:
        row = await self._own(principal)
        return row.call.customers[0]

    async def _live(self, conn: Connection, own: UUID) -> CallRow | None:
        newest = (await store.of_visitors(conn, [own])).get(own)
        row = await store.call(conn, newest) if newest else None
        return None if row is None or row.call.ended else row

    async def _shown(self, conn: Connection, call_id: UUID) -> VisitorCall:
        return (await self._cards.visitor_cards(conn, [call_id]))[call_id]


async def end_by_customer(
    work: Work, row: CallRow, queueing: Queueing, parts: Parts, reason: str
) -> None:
    """The customer is off the line: a wait is abandoned, agents wrap up, colleagues who were
    only asked in are free."""
    if row.call.ended:
        return
    consult = row.call.consult
    colleague = row.call.leg(consult.leg) if consult else None
    if colleague is not None and colleague.agent_id is not None:
        await parts.let_go(work, row.interaction_id, colleague.agent_id)
    await withdraw_request(work, row, parts)
    answered = row.answered_at is not None
    await queueing.customer_left(work, row.interaction_id)
    await line.change(work, row, calls.end(row.call), reason=reason if answered else "abandoned")


async def withdraw_request(work: Work, row: CallRow, parts: Parts) -> None:
    """Nobody of a queue is asked for any more, if somebody was; the consult is the caller's."""
    consult = row.call.consult
    if consult is not None and consult.request is not None:
        await parts.withdraw(work, consult.request)


async def _introduce(work: Work, chat: Conversation, asked: StartCall) -> None:
    """Keep what the visitor says of themselves beside what is known."""
    addresses: Sequence[Address] = ()
    if asked.phone:
        try:
            addresses = (Address("phone", normalise("phone", asked.phone)),)
        except ValueError as error:
            raise Invalid.field("phone", "phone_invalid", "This cannot be right.") from error
    await hall.introduce(work, chat.contact_id, name=asked.name or "", addresses=addresses)
