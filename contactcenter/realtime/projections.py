"""Log event → socket events: one table.

A rule says to whom a fact goes, under which name, and with what. Facts hold ids only; a batch's
rules first say what they need, that is loaded in a few queries, and then each writes its payload
from what is loaded. Payloads are whole cards as they are at that moment, so a browser puts them in
place, and a card that is newer than its fact does no harm: the next fact brings the same again.

Rooms that nobody on this node is in cost nothing: nothing is loaded for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.events import CATALOGUE
from contactcenter.events.agents import (
    AgentAutoAnswerChanged,
    AgentPresenceChanged,
    AgentSkillsChanged,
    AgentStatusChanged,
    AgentTeamChanged,
)
from contactcenter.events.calls import (
    CallAgentDropped,
    CallAnswered,
    CallConferenced,
    CallConsultEnded,
    CallConsultStarted,
    CallConsultToggled,
    CallEnded,
    CallHeld,
    CallInitiated,
    CallLegBack,
    CallLegChanged,
    CallLegJoined,
    CallLegLeft,
    CallLegLost,
    CallMuted,
    CallRecordingChanged,
    CallResumed,
    CallRinging,
    CallTakenOver,
    CallTransferred,
)
from contactcenter.events.interactions import (
    ContactLinked,
    ContactUnlinked,
    InteractionClosed,
    InteractionConsulted,
    InteractionCostChanged,
    InteractionDequeued,
    InteractionEnded,
    InteractionHeld,
    InteractionJoined,
    InteractionLinked,
    InteractionMessageLeft,
    InteractionParked,
    InteractionQueued,
    InteractionReadvised,
    InteractionResumed,
    InteractionTransferred,
    InteractionUnlinked,
    InteractionVerified,
    InteractionWrapExtended,
    InteractionWrappedUp,
    InteractionWrapStarted,
    MessageCreated,
    MessageRead,
)
from contactcenter.events.routing import (
    DispositionChanged,
    QueueChanged,
    ReservationAccepted,
    ReservationCancelled,
    ReservationCreated,
    ReservationRejected,
    ReservationRescinded,
    ReservationTimedOut,
)
from contactcenter.interactions import cards
from contactcenter.realtime import payloads as say
from contactcenter.realtime import store
from contactcenter.realtime.payloads import Loaded, Payload, Wanted
from contactcenter.realtime.ports import Calls
from db import Connection

SNAPSHOT: Final = "snapshot"
"""The name of an emission that stands for a new snapshot to everybody in the room."""

To = Literal[
    "agent",
    "holders",
    "others",
    "team",
    "desks",
    "limited",
    "queue",
    "visitor",
    "parties",
    "caller",
]
"""agent: the one the fact names · holders: every agent with an open segment in its interaction
· others: holders without that agent · team: the desks that may see the fact's agent · desks: all
· limited: those that see some teams only · queue: the desks of the fact's queue
· visitor: the customer of the conversation · parties: the agents that a call's fact names
· caller: the visitor who is on the call."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Who has to do with an interaction now."""

    conversation_id: UUID
    agents: tuple[UUID, ...]
    visitor_id: UUID | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    `want` is told the fact, the conversation and the agent (None for audiences that are no agent)
    and adds what `show` needs. `show` answers the payload, or None when there is nothing to say.
    """

    event: type[Event]
    to: To
    name: str
    show: Callable[[Any, UUID | None, UUID | None, Loaded], Payload | None]
    want: Callable[[Any, UUID | None, UUID | None, Wanted], None]


@dataclass(frozen=True, slots=True)
class Emission:
    """One socket event, ready to be sent to a room."""

    namespace: str
    room: str
    name: str
    payload: Payload
    cursor: str


# The table ---------------------------------------------------------------------------------------

_SEGMENT: Final[dict[type[Event], str]] = {
    InteractionHeld: "interaction.held",
    InteractionConsulted: "interaction.consulted",
    InteractionParked: "interaction.parked",
    InteractionResumed: "interaction.resumed",
    InteractionCostChanged: "interaction.cost_changed",
    InteractionTransferred: "interaction.transferred",
    InteractionWrapStarted: "interaction.wrap_started",
    InteractionWrapExtended: "interaction.wrap_extended",
    InteractionWrappedUp: "interaction.wrapped_up",
}
_OFFER_ENDED: Final[dict[type[Event], str]] = {
    ReservationRejected: "reservation.rejected",
    ReservationTimedOut: "reservation.timed_out",
    ReservationRescinded: "reservation.rescinded",
    ReservationCancelled: "reservation.cancelled",
}
_CALL_CHANGES: Final[tuple[type[Event], ...]] = (
    CallInitiated,
    CallAgentDropped,
    CallConferenced,
    CallConsultEnded,
    CallConsultStarted,
    CallConsultToggled,
    CallHeld,
    CallLegBack,
    CallLegJoined,
    CallLegLeft,
    CallLegLost,
    CallMuted,
    CallRecordingChanged,
    CallResumed,
    CallTransferred,
)
_CALL: Final[dict[type[Event], str]] = {
    CallRinging: "call.ringing",
    CallAnswered: "call.connected",
    CallEnded: "call.ended",
    **dict.fromkeys(_CALL_CHANGES, "call.changed"),
}
_CALL_WAITS: Final[tuple[type[Event], ...]] = (InteractionQueued, *_OFFER_ENDED)
"""What changes the place of a customer who is on the line and waits."""
MOVES_QUEUE: Final[tuple[type[Event], ...]] = (
    InteractionQueued,
    InteractionReadvised,
    InteractionDequeued,
    ReservationCreated,
    ReservationAccepted,
    *_OFFER_ENDED,
)
_LOADS_AGENT: Final[tuple[type[Event], ...]] = (
    ReservationCreated,
    ReservationAccepted,
    InteractionJoined,
    *_OFFER_ENDED,
    *_SEGMENT,
)

_FILE: Final = frozenset(
    {"customer", "policy", "receipt", "claim", "quote", "task", "workflow"},
)
_FILES: Final[tuple[type[Event], ...]] = (
    ContactLinked,
    ContactUnlinked,
    InteractionVerified,
    *(e for e in CATALOGUE if e.name.partition(".")[0] in _FILE and "team" in e.audience),
)
"""What changes a customer's file or how much of it is shown, or whose file a contact belongs to."""

RULES: Final[tuple[Rule, ...]] = (
    # An agent's own desk: offers, and the interactions it has a part in.
    Rule(ReservationCreated, "agent", "reservation.created", say.offer, say.want_offer),
    Rule(ReservationAccepted, "agent", "reservation.accepted", say.accepted, say.want_accepted),
    Rule(InteractionJoined, "agent", "interaction.joined", say.joined_call, say.want_accepted),
    *(Rule(e, "agent", name, say.offer_ended, say.nothing) for e, name in _OFFER_ENDED.items()),
    *(
        Rule(e, "agent", name, say.interaction, say.want_interaction)
        for e, name in _SEGMENT.items()
    ),
    # What one agent or the router does shows on the card of the others who have a part in it.
    *(
        Rule(e, "others", "interaction.changed", say.interaction, say.want_interaction)
        for e in (*_SEGMENT, *MOVES_QUEUE)
    ),
    *(
        Rule(e, "holders", "interaction.changed", say.interaction, say.want_interaction)
        for e in (InteractionLinked, InteractionUnlinked)
    ),
    Rule(InteractionClosed, "holders", "interaction.closed", say.interaction, say.want_interaction),
    Rule(InteractionEnded, "holders", "chat.closed", say.chat_closed, say.want_interaction),
    Rule(MessageCreated, "holders", "chat.message", say.message, say.want_message),
    Rule(MessageRead, "holders", "chat.read", say.read, say.want_unread),
    # The lists beside it.
    *(Rule(e, "queue", "queue.item_changed", say.item, say.want_item) for e in MOVES_QUEUE),
    Rule(AgentStatusChanged, "team", "agent.status_changed", say.status, say.want_member),
    Rule(AgentPresenceChanged, "team", "agent.presence_changed", say.member, say.want_member),
    Rule(AgentSkillsChanged, "team", "agent.state_changed", say.member, say.want_member),
    *(Rule(e, "team", "agent.state_changed", say.member, say.want_member) for e in _LOADS_AGENT),
    *(
        Rule(e, "agent", "agent.me_changed", say.me, say.want_me)
        for e in (
            AgentStatusChanged,
            AgentPresenceChanged,
            AgentAutoAnswerChanged,
            *_LOADS_AGENT,
        )
    ),
    # Files are read by every desk.
    *(Rule(e, "desks", "file.changed", say.file, say.nothing) for e in _FILES),
    # What no single card can say is said by a snapshot.
    Rule(AgentSkillsChanged, "agent", SNAPSHOT, say.anew, say.nothing),
    Rule(AgentTeamChanged, "limited", SNAPSHOT, say.anew, say.nothing),
    *(
        Rule(e, "desks", SNAPSHOT, say.anew, say.nothing)
        for e in (QueueChanged, DispositionChanged)
    ),
    *(
        Rule(e, "visitor", SNAPSHOT, say.anew, say.nothing)
        for e in (InteractionQueued, InteractionMessageLeft)
    ),
    # Calls: every agent on the line, and the customer.
    *(Rule(e, "parties", name, say.call, say.want_call) for e, name in _CALL.items()),
    *(
        Rule(e, "caller", name, say.caller, say.want_caller)
        for e, name in _CALL.items()
        if "visitor" in e.audience
    ),
    Rule(ReservationCreated, "caller", "call.ringing", say.caller, say.want_caller),
    *(Rule(e, "caller", "call.changed", say.caller, say.want_caller) for e in _CALL_WAITS),
    Rule(CallLegChanged, "agent", "call.leg_changed", say.softphone, say.want_softphone),
    Rule(CallTakenOver, "agent", "call.taken_over", say.softphone, say.want_softphone),
    # The visitor.
    Rule(MessageCreated, "visitor", "chat.message", say.for_visitor, say.want_for_visitor),
    Rule(MessageRead, "visitor", "chat.read", say.read_mark, say.nothing),
    Rule(ReservationAccepted, "visitor", "chat.agent_joined", say.joined, say.want_member),
    Rule(InteractionResumed, "visitor", "chat.agent_joined", say.rejoined, say.want_member),
    Rule(InteractionTransferred, "visitor", "chat.agent_left", say.agent_left, say.nothing),
    Rule(InteractionEnded, "visitor", "chat.closed", say.visitor_closed, say.nothing),
    Rule(InteractionClosed, "visitor", "chat.closed", say.visitor_closed, say.nothing),
)

BY_EVENT: Final[dict[type[Event], tuple[Rule, ...]]] = {
    event: tuple(rule for rule in RULES if rule.event is event)
    for event in dict.fromkeys(rule.event for rule in RULES)
}

# A tile or a figure of an agent, or a file, is told once for a batch, with the last fact that
# touched it.
_ONCE: Final[dict[str, tuple[str, ...]]] = {
    "agent.state_changed": ("agent_id",),
    "agent.me_changed": ("agent_id",),
    "file.changed": ("customer_id", "contact_id"),
}


# Loading and writing -----------------------------------------------------------------------------

Occupied = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class _Draft:
    recorded: Recorded
    rule: Rule
    namespace: str
    room: str
    conversation: UUID | None
    agent: UUID | None


async def project(
    conn: Connection, batch: Sequence[Recorded], occupied: Occupied, calls: Calls
) -> list[Emission]:
    """The socket events of a batch, in the log's order, for the occupied rooms only."""
    parties = await _parties(conn, [r.event for r in batch])
    drafts = _last_of_each(
        draft
        for recorded in batch
        for rule in BY_EVENT.get(type(recorded.event), ())
        for draft in _drafts(recorded, rule, parties)
        if occupied(draft.namespace, draft.room)
    )
    wanted = Wanted()
    for draft in drafts:
        draft.rule.want(draft.recorded.event, draft.conversation, draft.agent, wanted)
    have = await _load(conn, wanted, calls)
    emissions = []
    for draft in drafts:
        payload = draft.rule.show(draft.recorded.event, draft.conversation, draft.agent, have)
        if payload is not None:
            cursor = draft.recorded.position.cursor()
            emissions.append(
                Emission(draft.namespace, draft.room, draft.rule.name, payload, cursor)
            )
    return emissions


def _last_of_each(drafts: Iterable[_Draft]) -> list[_Draft]:
    kept: dict[object, _Draft] = {}
    for number, draft in enumerate(drafts):
        key: object = number
        if draft.rule.name in _ONCE:
            event = draft.recorded.event
            of = tuple(getattr(event, name, None) for name in _ONCE[draft.rule.name])
            kind = event.name.partition(".")[0] if draft.rule.name == "file.changed" else ""
            key = (draft.rule.name, draft.room, kind, *of)
            kept.pop(key, None)
        kept[key] = draft
    return list(kept.values())


def _drafts(recorded: Recorded, rule: Rule, parties: Mapping[UUID, Parties]) -> Iterator[_Draft]:
    event = recorded.event
    about = getattr(event, "interaction_id", None) or getattr(event, "conversation_id", None)
    known = parties.get(about) if about is not None else None
    conversation = known.conversation_id if known else getattr(event, "conversation_id", None)
    if rule.to in _DESKS:
        for room in _DESKS[rule.to]:
            name = room.format(getattr(event, "agent_id", None))
            yield _Draft(recorded, rule, "/agent", name, conversation, None)
    elif rule.to == "queue":
        room = f"queue:{getattr(event, 'queue', '')}"
        yield _Draft(recorded, rule, "/agent", room, conversation, None)
    elif rule.to == "visitor":
        if conversation is not None:
            room = f"conversation:{conversation}"
            yield _Draft(recorded, rule, "/chat", room, conversation, None)
    elif rule.to == "caller":
        visitor = known.visitor_id if known else None
        if visitor is not None:
            yield _Draft(recorded, rule, "/chat", f"conversation:{visitor}", visitor, None)
    else:
        for agent in _agents(rule.to, event, known):
            yield _Draft(recorded, rule, "/agent", f"agent:{agent}", conversation, agent)


_DESKS: Final[Mapping[To, tuple[str, ...]]] = {
    "team": ("team", "member:{}"),
    "desks": ("team", "limited"),
    "limited": ("limited",),
}
"""Rooms of desks: `team` has those that may see every agent; those limited to teams are in
`limited` and in the room of each agent that they may see."""


def _agents(to: To, event: Event, known: Parties | None) -> Iterable[UUID]:
    named: UUID | None = getattr(event, "agent_id", None)
    if to == "parties":
        return getattr(event, "agents", ())
    if to == "agent":
        return () if named is None else (named,)
    holding = known.agents if known else ()
    return holding if to == "holders" else tuple(a for a in holding if a != named)


async def _parties(conn: Connection, events: Sequence[Event]) -> dict[UUID, Parties]:
    """Interaction or conversation → who has to do with it now."""
    interactions: set[UUID] = set()
    conversations: set[UUID] = set()
    for event in events:
        if isinstance(event, MessageRead):
            conversations.add(event.conversation_id)
        elif (about := getattr(event, "interaction_id", None)) is not None:
            interactions.add(about)
    if not interactions and not conversations:
        return {}
    rows = await store.parties(conn, interactions, conversations)
    return {
        row["id"]: Parties(row["conversation_id"], tuple(row["agents"]), row["visitor_id"])
        for row in rows
    }


async def _load(conn: Connection, wanted: Wanted, calls: Calls) -> Loaded:
    return Loaded(
        messages=await cards.messages_by_id(conn, list(wanted.messages)) if wanted.messages else {},
        interactions=await cards.cards_for(conn, wanted.pairs) if wanted.pairs else {},
        states=await cards.conversation_states(conn, list(wanted.states)) if wanted.states else {},
        unread=await cards.unread(conn, list(wanted.unread)) if wanted.unread else {},
        reservations=await cards.reservation_cards(conn, reservation_ids=list(wanted.reservations))
        if wanted.reservations
        else {},
        waiting=await cards.queue_items(conn, interaction_ids=list(wanted.waiting))
        if wanted.waiting
        else {},
        team=await agents.team_members(conn, list(wanted.team)) if wanted.team else {},
        me=await agents.agents_me(conn, list(wanted.me)) if wanted.me else {},
        calls=await calls.cards(conn, list(wanted.calls)) if wanted.calls else {},
        callers=await calls.of_visitors(conn, list(wanted.callers)) if wanted.callers else {},
        softphones=await calls.softphones(conn, list(wanted.softphones))
        if wanted.softphones
        else {},
    )
