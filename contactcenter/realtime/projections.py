"""Log event → socket events: one table.

A rule says to whom a fact goes, under which name, and with what. Facts hold ids only; a batch's
rules first say what they need, that is loaded in a few queries, and then each writes its payload
from what is loaded. Payloads are whole cards as they are at that moment, so a browser puts them in
place, and a card that is newer than its fact does no harm: the next fact brings the same again.

Rooms that nobody on this node is in cost nothing: nothing is loaded for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from contactcenter.agents import service as agents
from contactcenter.agents.schemas import AgentMe, TeamMember
from contactcenter.core.event import Event
from contactcenter.core.eventlog import Recorded
from contactcenter.events.agents import (
    AgentAutoAnswerChanged,
    AgentPresenceChanged,
    AgentSkillsChanged,
    AgentStatusChanged,
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
    InteractionClosed,
    InteractionConsulted,
    InteractionCostChanged,
    InteractionDequeued,
    InteractionEnded,
    InteractionHeld,
    InteractionJoined,
    InteractionLinked,
    InteractionParked,
    InteractionQueued,
    InteractionResumed,
    InteractionTransferred,
    InteractionWrapExtended,
    InteractionWrappedUp,
    InteractionWrapStarted,
    MessageCreated,
    MessageRead,
)
from contactcenter.events.routing import (
    QueueChanged,
    ReservationAccepted,
    ReservationCancelled,
    ReservationCreated,
    ReservationRejected,
    ReservationRescinded,
    ReservationTimedOut,
)
from contactcenter.interactions import cards
from contactcenter.interactions.schemas import (
    ConversationState,
    InteractionCard,
    MessageCard,
    QueueItem,
    ReservationCard,
)
from contactcenter.interactions.visitor import first_name, visitor_message
from contactcenter.realtime import store
from contactcenter.realtime.ports import Calls
from db import Connection

SNAPSHOT: Final = "snapshot"
"""The name of an emission that stands for a new snapshot to everybody in the room."""

Payload = Mapping[str, Any]
To = Literal["agent", "holders", "others", "team", "queue", "visitor", "parties", "caller"]
"""agent: the one the fact names · holders: every agent with an open segment in its interaction
· others: holders without that agent · team: all desks · queue: the desks of the fact's queue
· visitor: the customer of the conversation · parties: the agents that a call's fact names
· caller: the visitor who is on the call."""


@dataclass(slots=True)
class Wanted:
    """The ids that a batch's rules need."""

    messages: set[UUID] = field(default_factory=set)
    pairs: set[tuple[UUID, UUID]] = field(default_factory=set)  # (agent, interaction)
    states: set[UUID] = field(default_factory=set)  # conversations in full
    unread: set[UUID] = field(default_factory=set)  # conversations
    reservations: set[UUID] = field(default_factory=set)
    waiting: set[UUID] = field(default_factory=set)  # interactions
    team: set[UUID] = field(default_factory=set)
    me: set[UUID] = field(default_factory=set)
    calls: set[tuple[UUID, UUID]] = field(default_factory=set)  # (agent, call)
    callers: set[UUID] = field(default_factory=set)  # conversations whose visitor is on a call
    softphones: set[UUID] = field(default_factory=set)  # agents


@dataclass(slots=True)
class Loaded:
    """What was wanted, as it is now; what is absent is not there any more."""

    messages: Mapping[UUID, MessageCard]
    interactions: Mapping[tuple[UUID, UUID], InteractionCard]
    states: Mapping[UUID, ConversationState]
    unread: Mapping[UUID, int]
    reservations: Mapping[UUID, ReservationCard]
    waiting: Mapping[UUID, QueueItem]
    team: Mapping[UUID, TeamMember]
    me: Mapping[UUID, AgentMe]
    calls: Mapping[tuple[UUID, UUID], Payload]
    callers: Mapping[UUID, Payload]
    softphones: Mapping[UUID, Payload]


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


# What the rules say ------------------------------------------------------------------------------

Conversation = UUID | None
Agent = UUID | None


def _card(card: Any) -> dict[str, Any] | None:
    return None if card is None else card.model_dump()


def _want_interaction(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    assert agent is not None
    wanted.pairs.add((agent, e.interaction_id))


def _interaction(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload:
    assert agent is not None
    return {
        "interaction_id": e.interaction_id,
        "interaction": _card(have.interactions.get((agent, e.interaction_id))),
    }


def _want_accepted(e: Any, conversation: Conversation, agent: Agent, wanted: Wanted) -> None:
    _want_interaction(e, conversation, agent, wanted)
    if conversation is not None:
        wanted.states.add(conversation)


def _accepted(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    shown = _interaction(e, conversation, agent, have)
    theirs = shown["interaction"] is not None and conversation is not None
    state = have.states.get(conversation) if theirs and conversation is not None else None
    return {"reservation_id": e.reservation_id, **shown, "conversation": _card(state)}


def _joined_call(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    shown = _interaction(e, conversation, agent, have)
    state = have.states.get(conversation) if conversation is not None else None
    return {**shown, "conversation": _card(state)}


def _want_offer(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.reservations.add(e.reservation_id)


def _offer(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    card = have.reservations.get(e.reservation_id)
    if card is None:
        return None  # it has ended; the fact of that follows
    shown = card.model_dump()
    return {**shown, "reservation": shown}


def _nothing(_: Any, __: Conversation, ___: Agent, ____: Wanted) -> None:
    pass


def _offer_ended(e: Any, _: Conversation, __: Agent, ___: Loaded) -> Payload:
    return {
        "reservation_id": e.reservation_id,
        "interaction_id": e.interaction_id,
        "reason": e.reason,
    }


def _want_item(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.waiting.add(e.interaction_id)


def _item(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    item = have.waiting.get(e.interaction_id)
    here = item if item is not None and item.queue == e.queue else None
    return {"interaction_id": e.interaction_id, "item": _card(here)}


def _want_member(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.team.add(e.agent_id)


def _member(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    member = have.team.get(e.agent_id)
    return None if member is None else {"agent_id": e.agent_id, "agent": member.model_dump()}


def _status(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    """With who changed it: a desk tells its agent when it was somebody else."""
    shown = _member(e, conversation, agent, have)
    return None if shown is None else {**shown, "cause": e.cause}


def _want_me(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.me.add(e.agent_id)


def _me(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    me = have.me.get(e.agent_id)
    return None if me is None else {"me": me.model_dump()}


def _want_message(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    wanted.messages.add(e.message_id)
    if agent is not None and e.interaction_id is not None:
        wanted.pairs.add((agent, e.interaction_id))


def _message(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    message = have.messages.get(e.message_id)
    if message is None:
        return None
    card = None
    if agent is not None and e.interaction_id is not None:
        card = have.interactions.get((agent, e.interaction_id))
    return {**message.model_dump(), "interaction": _card(card)}


def _want_visitor_message(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    if e.kind != "note":
        wanted.messages.add(e.message_id)


def _visitor_message(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    message = have.messages.get(e.message_id)
    shown = None if message is None else visitor_message(message)
    return None if shown is None else shown.model_dump()


def _want_unread(_: Any, conversation: Conversation, __: Agent, wanted: Wanted) -> None:
    if conversation is not None:
        wanted.unread.add(conversation)


def _read(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    return {**_read_mark(e, None, None, have), "unread": have.unread.get(e.conversation_id, 0)}


def _read_mark(e: Any, _: Conversation, __: Agent, ___: Loaded) -> dict[str, Any]:
    return {
        "conversation_id": e.conversation_id,
        "message_id": e.message_id,
        "reader": e.reader,
    }


def _chat_closed(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    return {
        **_interaction(e, conversation, agent, have),
        "conversation_id": e.conversation_id,
        "by": e.by,
    }


def _visitor_closed(e: Any, conversation: Conversation, _: Agent, __: Loaded) -> Payload:
    return {"conversation_id": conversation, "by": getattr(e, "by", "system")}


def _joined(e: Any, conversation: Conversation, _: Agent, have: Loaded) -> Payload | None:
    member = have.team.get(e.agent_id)
    if member is None:
        return None
    return {"conversation_id": conversation, "agent": {"name": first_name(member.name)}}


def _rejoined(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    """The customer wrote again after the end: the same agent is there again."""
    return _joined(e, conversation, agent, have) if e.cause == "customer" else None


def _anew(_: Any, __: Conversation, ___: Agent, ____: Loaded) -> Payload:
    return {}


def _agent_left(_: Any, conversation: Conversation, __: Agent, ___: Loaded) -> Payload:
    return {"conversation_id": conversation}


def _want_call(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    assert agent is not None
    wanted.calls.add((agent, e.call_id))


def _call(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload:
    assert agent is not None
    shown = {"call_id": e.call_id, "call": have.calls.get((agent, e.call_id))}
    return {**shown, "reason": e.reason} if isinstance(e, CallEnded) else shown


def _want_caller(_: Any, visitor: Conversation, __: Agent, wanted: Wanted) -> None:
    if visitor is not None:
        wanted.callers.add(visitor)


def _caller(e: Any, visitor: Conversation, _: Agent, have: Loaded) -> Payload | None:
    call = None if visitor is None else have.callers.get(visitor)
    if call is None:
        return None
    shown = {"call_id": call["call_id"], "call": call}
    return {**shown, "reason": e.reason} if isinstance(e, CallEnded) else shown


def _want_softphone(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.softphones.add(e.agent_id)


def _softphone(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    return {"voice": have.softphones.get(e.agent_id)}


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

RULES: Final[tuple[Rule, ...]] = (
    # An agent's own desk: offers, and the interactions it has a part in.
    Rule(ReservationCreated, "agent", "reservation.created", _offer, _want_offer),
    Rule(ReservationAccepted, "agent", "reservation.accepted", _accepted, _want_accepted),
    Rule(InteractionJoined, "agent", "interaction.joined", _joined_call, _want_accepted),
    *(Rule(e, "agent", name, _offer_ended, _nothing) for e, name in _OFFER_ENDED.items()),
    *(Rule(e, "agent", name, _interaction, _want_interaction) for e, name in _SEGMENT.items()),
    # What one agent or the router does shows on the card of the others who have a part in it.
    *(
        Rule(e, "others", "interaction.changed", _interaction, _want_interaction)
        for e in (*_SEGMENT, *MOVES_QUEUE)
    ),
    Rule(InteractionLinked, "holders", "interaction.changed", _interaction, _want_interaction),
    Rule(InteractionClosed, "holders", "interaction.closed", _interaction, _want_interaction),
    Rule(InteractionEnded, "holders", "chat.closed", _chat_closed, _want_interaction),
    Rule(MessageCreated, "holders", "chat.message", _message, _want_message),
    Rule(MessageRead, "holders", "chat.read", _read, _want_unread),
    # The lists beside it.
    *(Rule(e, "queue", "queue.item_changed", _item, _want_item) for e in MOVES_QUEUE),
    Rule(AgentStatusChanged, "team", "agent.status_changed", _status, _want_member),
    Rule(AgentPresenceChanged, "team", "agent.presence_changed", _member, _want_member),
    Rule(AgentSkillsChanged, "team", "agent.state_changed", _member, _want_member),
    *(Rule(e, "team", "agent.state_changed", _member, _want_member) for e in _LOADS_AGENT),
    *(
        Rule(e, "agent", "agent.me_changed", _me, _want_me)
        for e in (
            AgentStatusChanged,
            AgentPresenceChanged,
            AgentAutoAnswerChanged,
            *_LOADS_AGENT,
        )
    ),
    # What no single card can say is said by a snapshot.
    Rule(AgentSkillsChanged, "agent", SNAPSHOT, _anew, _nothing),
    Rule(QueueChanged, "team", SNAPSHOT, _anew, _nothing),
    Rule(InteractionQueued, "visitor", SNAPSHOT, _anew, _nothing),
    # Calls: every agent on the line, and the customer.
    *(Rule(e, "parties", name, _call, _want_call) for e, name in _CALL.items()),
    *(
        Rule(e, "caller", name, _caller, _want_caller)
        for e, name in _CALL.items()
        if "visitor" in e.audience
    ),
    Rule(ReservationCreated, "caller", "call.ringing", _caller, _want_caller),
    *(Rule(e, "caller", "call.changed", _caller, _want_caller) for e in _CALL_WAITS),
    Rule(CallLegChanged, "agent", "call.leg_changed", _softphone, _want_softphone),
    Rule(CallTakenOver, "agent", "call.taken_over", _softphone, _want_softphone),
    # The visitor.
    Rule(MessageCreated, "visitor", "chat.message", _visitor_message, _want_visitor_message),
    Rule(MessageRead, "visitor", "chat.read", _read_mark, _nothing),
    Rule(ReservationAccepted, "visitor", "chat.agent_joined", _joined, _want_member),
    Rule(InteractionResumed, "visitor", "chat.agent_joined", _rejoined, _want_member),
    Rule(InteractionTransferred, "visitor", "chat.agent_left", _agent_left, _nothing),
    Rule(InteractionEnded, "visitor", "chat.closed", _visitor_closed, _nothing),
    Rule(InteractionClosed, "visitor", "chat.closed", _visitor_closed, _nothing),
)

BY_EVENT: Final[dict[type[Event], tuple[Rule, ...]]] = {
    event: tuple(rule for rule in RULES if rule.event is event)
    for event in dict.fromkeys(rule.event for rule in RULES)
}

# A tile or a figure of an agent is told once for a batch, with the last fact that touched it.
_ONCE: Final = frozenset({"agent.state_changed", "agent.me_changed"})


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
            key = (draft.rule.name, draft.room, getattr(draft.recorded.event, "agent_id", None))
            kept.pop(key, None)
        kept[key] = draft
    return list(kept.values())


def _drafts(recorded: Recorded, rule: Rule, parties: Mapping[UUID, Parties]) -> Iterator[_Draft]:
    event = recorded.event
    about = getattr(event, "interaction_id", None) or getattr(event, "conversation_id", None)
    known = parties.get(about) if about is not None else None
    conversation = known.conversation_id if known else getattr(event, "conversation_id", None)
    if rule.to == "team":
        yield _Draft(recorded, rule, "/agent", "team", conversation, None)
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
        me={
            agent_id: me
            for agent_id in wanted.me
            if (me := await agents.agent_me(conn, agent_id)) is not None
        },
        calls=await calls.cards(conn, list(wanted.calls)) if wanted.calls else {},
        callers=await calls.of_visitors(conn, list(wanted.callers)) if wanted.callers else {},
        softphones=await calls.softphones(conn, list(wanted.softphones))
        if wanted.softphones
        else {},
    )
