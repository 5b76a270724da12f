"""Calls as screens see them, and what realtime asks of voice (realtime.ports.Calls)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from channels.ports import Place, Queueing
from channels.voice import store
from channels.voice.call import Leg, may_record
from channels.voice.schemas import (
    CallAgent,
    CallCard,
    CallConsulted,
    CallParty,
    CallRecording,
    IceServer,
    LegQuality,
    VisitorCall,
    VisitorRecording,
    VoiceDesk,
)
from channels.voice.store import CallRow, Softphone
from config.settings import Media
from contactcenter.core.clock import Clock, SystemClock
from contactcenter.core.work import WorkFactory
from contactcenter.interactions.visitor import first_name
from db import Connection, Record

GOOD_MOS: Final = 4.0
FAIR_MOS: Final = 3.6
"""ITU-T G.107 annex B: satisfied from 4.03, some dissatisfied from 3.6."""


class CallCards:
    """Loads cards: many calls in a few queries."""

    def __init__(
        self, settings: Media, work: WorkFactory, clock: Clock, queueing: Queueing
    ) -> None:
        self._settings = settings
        self._work = work
        self._clock = clock
        self._queueing = queueing

    async def cards(
        self, conn: Connection, pairs: Sequence[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], dict[str, Any]]:
        """(agent, call) → the card; absent: the agent is not on the line."""
        found = {}
        shown = await load(conn, {call_id for _, call_id in pairs})
        for agent_id, call_id in pairs:
            one = shown.get(call_id)
            if one is not None and one.row.call.leg_of(agent_id) is not None:
                found[agent_id, call_id] = card(one, agent_id).model_dump()
        return found

    async def of_agents(
        self, conn: Connection, agent_ids: Sequence[UUID]
    ) -> dict[tuple[UUID, UUID], dict[str, Any]]:
        return await self.cards(conn, await store.of_agents(conn, agent_ids))

    async def of_visitors(
        self, conn: Connection, conversation_ids: Sequence[UUID]
    ) -> dict[UUID, dict[str, Any]]:
        calls = await store.of_visitors(conn, conversation_ids)
        cards = await self.visitor_cards(conn, calls.values())
        return {visitor: cards[call_id].model_dump() for visitor, call_id in calls.items()}

    async def visitor_cards(
        self, conn: Connection, call_ids: Collection[UUID]
    ) -> dict[UUID, VisitorCall]:
        """Each call as its customer sees it."""
        shown = await load(conn, set(call_ids))
        waiting = [one.row.interaction_id for one in shown.values() if _waits(one)]
        places = await self._queueing.places(conn, waiting, self._clock.now())
        return {
            call_id: self._visitor_card(one, places.get(one.row.interaction_id))
            for call_id, one in shown.items()
        }

    def _visitor_card(self, one: Shown, place: Place | None) -> VisitorCall:
        row, call = one.row, one.row.call
        agents = [one.people[leg.stay]["name"] for leg in call.agents]
        customer = next((leg for leg in call.legs if leg.kind == "customer"), None)
        return VisitorCall(
            call_id=call.id,
            state=_visitor_state(one),
            connection=_connection(customer),
            position=place.position if place else None,
            estimated_wait_seconds=place.estimated_wait_seconds if place else None,
            agent=CallAgent(name=first_name(agents[0]) or "") if agents else None,
            record=VisitorRecording(
                mode=call.recording.mode,
                state=call.recording.state,
                consent=call.recording.consent,
            ),
            started_at=row.created_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
        )

    def now(self) -> datetime:
        return self._clock.now()

    async def waiting(
        self, conn: Connection, conversation_ids: Sequence[UUID]
    ) -> dict[UUID, tuple[UUID, UUID]]:
        rows = await store.waiting(conn, conversation_ids)
        return {row["conversation_id"]: (row["visitor_id"], row["id"]) for row in rows}

    async def softphones(
        self, conn: Connection, agent_ids: Sequence[UUID]
    ) -> dict[UUID, dict[str, Any]]:
        known = await store.softphones(conn, agent_ids)
        return {agent_id: desk(known.get(agent_id)).model_dump() for agent_id in agent_ids}

    async def channels(self, agent_id: UUID, *, silent: bool) -> Sequence[str]:
        """A desk chats; it takes calls while its softphone is connected, unless it is `silent`."""
        if silent:
            return desk_channels(False)
        async with self._work.reading("voice.channels") as conn:
            known = await store.softphones(conn, [agent_id])
        softphone = known.get(agent_id)
        return desk_channels(softphone is not None and softphone.state == "connected")

    def ice_servers(self, who: str) -> list[dict[str, Any]]:
        """Where a browser finds its way to the media."""
        return [server.model_dump() for server in ice_servers(self._settings, who)]


def desk_channels(talks: bool) -> tuple[str, ...]:
    return ("chat", "voice") if talks else ("chat",)


class Shown:
    """A call with what its cards show beside it."""

    __slots__ = ("beside", "people", "row")

    def __init__(self, row: CallRow, beside: Record, people: Mapping[UUID, Record]) -> None:
        self.row = row
        self.beside = beside
        self.people = people


async def load(conn: Connection, call_ids: set[UUID]) -> dict[UUID, Shown]:
    if not call_ids:
        return {}
    ids = list(call_ids)
    rows = await store.calls(conn, ids)
    beside = await store.shown(conn, ids)
    people = await store.names(conn, ids)
    return {call_id: Shown(row, beside[call_id], people) for call_id, row in rows.items()}


def _waits(one: Shown) -> bool:
    """Whether the customer is on the line with nobody yet."""
    return not one.row.call.ended and not one.row.call.agents


def card(one: Shown, agent_id: UUID | None) -> CallCard:
    """The call for one of its agents; without: for who only looks on."""
    row, call = one.row, one.row.call
    mine = call.leg_of(agent_id) if agent_id is not None else None
    running = call.recording.state in {"notice", "recording", "paused"}
    lost = [leg.deadline for leg in call.open_legs if leg.state == "lost" and leg.deadline]
    return CallCard(
        call_id=call.id,
        interaction_id=row.interaction_id,
        conversation_id=one.beside["conversation_id"],
        direction=call.direction,
        state=call.state,
        queue=one.beside["queue"],
        started_at=row.created_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        held_since=row.held_since,
        muted=mine.muted if mine else False,
        record=CallRecording(
            mode=call.recording.mode,
            state=call.recording.state,
            may_control=mine is not None
            and mine.on_the_line
            and (running or may_record(call.recording)),
        ),
        parties=[_party(one, leg) for leg in call.open_legs],
        mine=mine.id if mine else None,
        consult=_consulted(one),
        vanish_deadline=min(lost, default=None),
    )


def parties(one: Shown) -> list[CallParty]:
    """Everybody who was on the line, with what their lines were like in this call."""
    return [_party(one, leg) for leg in one.row.call.legs]


def worst(of: Sequence[CallParty]) -> LegQuality | None:
    """A call is as good as its worst line."""
    known = [party.quality for party in of if party.quality is not None]
    return min(known, key=lambda quality: quality.mos, default=None)


def _party(one: Shown, leg: Leg) -> CallParty:
    known = one.people[leg.stay]
    held = leg.kind == "customer" and one.row.call.held and leg.state == "connected"
    return CallParty(
        leg_id=leg.id,
        kind=leg.kind,
        agent_id=leg.agent_id,
        name=known["name"] if leg.kind == "agent" else one.beside["customer"],
        state="held" if held else leg.state,
        muted=leg.muted,
        quality=quality(known["stats"]) if known["stats"] else None,
    )


def _consulted(one: Shown) -> CallConsulted | None:
    call = one.row.call
    consult = call.consult
    asker = call.leg(consult.by) if consult else None
    if consult is None or asker is None:
        return None
    assert asker.agent_id is not None
    colleague = call.leg(consult.leg)
    if colleague is None:
        return CallConsulted(
            leg_id=None,
            agent_id=None,
            name="",
            queue=one.beside["consult_queue"],
            by_agent_id=asker.agent_id,
            state="waiting",
            talks_to=consult.side,
        )
    return CallConsulted(
        leg_id=colleague.id,
        agent_id=colleague.agent_id,
        name=one.people[colleague.stay]["name"],
        queue=None,
        by_agent_id=asker.agent_id,
        state="talking" if colleague.on_the_line else "ringing",
        talks_to=consult.side,
    )


def quality(stats: Mapping[str, Any]) -> LegQuality | None:
    """What the media measured, and the word for it; None: too little came for an estimate."""
    mos = stats.get("mos")
    if mos is None:
        return None
    sent = stats["packets_in"] + stats["lost"] if "packets_in" in stats else 0
    loss = stats["lost"] / sent if sent else stats.get("loss", 0.0)
    return LegQuality(
        loss=loss,
        jitter_ms=stats["jitter_ms"],
        rtt_ms=stats["rtt_ms"],
        mos=mos,
        word="good" if mos >= GOOD_MOS else "fair" if mos >= FAIR_MOS else "poor",
    )


def _visitor_state(one: Shown) -> Any:
    call = one.row.call
    if call.ended:
        return "ended"
    if not call.agents:
        return "ringing" if one.beside["interaction_state"] == "offered" else "waiting"
    aside = call.held or (call.consult is not None and call.consult.side == "colleague")
    return "held" if aside else "active"


def _connection(customer: Leg | None) -> Any:
    if customer is None or customer.state == "inviting":
        return "new"
    return "connected" if customer.state == "connected" else "lost"


def desk(softphone: Softphone | None) -> VoiceDesk:
    if softphone is None:
        return VoiceDesk(leg_id=None, peer=None, state="none")
    return VoiceDesk.model_validate(
        {"leg_id": softphone.leg_id, "peer": softphone.peer, "state": softphone.state}
    )


def ice_servers(settings: Media, who: str) -> list[IceServer]:
    """The TURN server as configured. Credentials are coturn's time-limited ones
    (`use-auth-secret`): the user name is "expiry:who" by the machine's own clock, the password
    its HMAC-SHA1 in base64. `who` is hashed: the TURN server logs it."""
    stun = [url for url in settings.turn_urls if url.startswith("stun:")]
    turn = [url for url in settings.turn_urls if url not in stun]
    plain = [IceServer(urls=stun)] if stun else []  # STUN asks for no credentials
    if not turn or settings.turn_secret is None:
        return plain
    until = int(SystemClock().now().timestamp()) + settings.turn_ttl_seconds
    username = f"{until}:{hashlib.sha256(who.encode()).hexdigest()[:16]}"
    secret = settings.turn_secret.get_secret_value().encode()
    digest = hmac.new(secret, username.encode(), hashlib.sha1).digest()
    return [
        *plain,
        IceServer(
            urls=turn,
            username=username,
            credential=base64.b64encode(digest).decode(),
        ),
    ]
