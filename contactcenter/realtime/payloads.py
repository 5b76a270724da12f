"""What the socket events say: a payload from a fact and what is loaded for its batch.

Each pair is one shape: the first function tells what it needs, the second writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contactcenter.agents.schemas import AgentMe, TeamMember
from contactcenter.events.calls import CallEnded
from contactcenter.interactions.schemas import (
    ConversationState,
    InteractionCard,
    MessageCard,
    QueueItem,
    ReservationCard,
)
from contactcenter.interactions.visitor import first_name, visitor_message

Payload = Mapping[str, Any]
Conversation = UUID | None
Agent = UUID | None


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


def dumped(card: Any) -> dict[str, Any] | None:
    return None if card is None else card.model_dump()


def want_interaction(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    assert agent is not None
    wanted.pairs.add((agent, e.interaction_id))


def interaction(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload:
    assert agent is not None
    return {
        "interaction_id": e.interaction_id,
        "interaction": dumped(have.interactions.get((agent, e.interaction_id))),
    }


def want_accepted(e: Any, conversation: Conversation, agent: Agent, wanted: Wanted) -> None:
    want_interaction(e, conversation, agent, wanted)
    if conversation is not None:
        wanted.states.add(conversation)


def accepted(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    shown = interaction(e, conversation, agent, have)
    theirs = shown["interaction"] is not None and conversation is not None
    state = have.states.get(conversation) if theirs and conversation is not None else None
    return {"reservation_id": e.reservation_id, **shown, "conversation": dumped(state)}


def joined_call(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    shown = interaction(e, conversation, agent, have)
    state = have.states.get(conversation) if conversation is not None else None
    return {**shown, "conversation": dumped(state)}


def want_offer(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.reservations.add(e.reservation_id)


def offer(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    card = have.reservations.get(e.reservation_id)
    if card is None:
        return None  # it has ended; the fact of that follows
    shown = card.model_dump()
    return {**shown, "reservation": shown}


def nothing(_: Any, __: Conversation, ___: Agent, ____: Wanted) -> None:
    pass


def offer_ended(e: Any, _: Conversation, __: Agent, ___: Loaded) -> Payload:
    return {
        "reservation_id": e.reservation_id,
        "interaction_id": e.interaction_id,
        "reason": e.reason,
    }


def want_item(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.waiting.add(e.interaction_id)


def item(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    item = have.waiting.get(e.interaction_id)
    here = item if item is not None and item.queue == e.queue else None
    return {"interaction_id": e.interaction_id, "item": dumped(here)}


def want_member(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.team.add(e.agent_id)


def member(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    member = have.team.get(e.agent_id)
    return None if member is None else {"agent_id": e.agent_id, "agent": member.model_dump()}


def status(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    """With who changed it: a desk tells its agent when it was somebody else."""
    shown = member(e, conversation, agent, have)
    return None if shown is None else {**shown, "cause": e.cause}


def want_me(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.me.add(e.agent_id)


def me(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    me = have.me.get(e.agent_id)
    return None if me is None else {"me": me.model_dump()}


def want_message(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    wanted.messages.add(e.message_id)
    if agent is not None and e.interaction_id is not None:
        wanted.pairs.add((agent, e.interaction_id))


def message(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    message = have.messages.get(e.message_id)
    if message is None:
        return None
    card = None
    if agent is not None and e.interaction_id is not None:
        card = have.interactions.get((agent, e.interaction_id))
    return {**message.model_dump(), "interaction": dumped(card)}


def want_for_visitor(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    if e.kind != "note":
        wanted.messages.add(e.message_id)


def for_visitor(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload | None:
    message = have.messages.get(e.message_id)
    shown = None if message is None else visitor_message(message)
    return None if shown is None else shown.model_dump()


def want_unread(_: Any, conversation: Conversation, __: Agent, wanted: Wanted) -> None:
    if conversation is not None:
        wanted.unread.add(conversation)


def read(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    return {**read_mark(e, None, None, have), "unread": have.unread.get(e.conversation_id, 0)}


def read_mark(e: Any, _: Conversation, __: Agent, ___: Loaded) -> dict[str, Any]:
    return {
        "conversation_id": e.conversation_id,
        "message_id": e.message_id,
        "reader": e.reader,
    }


def chat_closed(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload:
    return {
        **interaction(e, conversation, agent, have),
        "conversation_id": e.conversation_id,
        "by": e.by,
    }


def visitor_closed(e: Any, conversation: Conversation, _: Agent, __: Loaded) -> Payload:
    return {"conversation_id": conversation, "by": getattr(e, "by", "system")}


def joined(e: Any, conversation: Conversation, _: Agent, have: Loaded) -> Payload | None:
    member = have.team.get(e.agent_id)
    if member is None:
        return None
    return {"conversation_id": conversation, "agent": {"name": first_name(member.name)}}


def rejoined(e: Any, conversation: Conversation, agent: Agent, have: Loaded) -> Payload | None:
    """The customer wrote again after the end: the same agent is there again."""
    return joined(e, conversation, agent, have) if e.cause == "customer" else None


def anew(_: Any, __: Conversation, ___: Agent, ____: Loaded) -> Payload:
    return {}


def agent_left(_: Any, conversation: Conversation, __: Agent, ___: Loaded) -> Payload:
    return {"conversation_id": conversation}


def want_call(e: Any, _: Conversation, agent: Agent, wanted: Wanted) -> None:
    assert agent is not None
    wanted.calls.add((agent, e.call_id))


def call(e: Any, _: Conversation, agent: Agent, have: Loaded) -> Payload:
    assert agent is not None
    shown = {"call_id": e.call_id, "call": have.calls.get((agent, e.call_id))}
    return {**shown, "reason": e.reason} if isinstance(e, CallEnded) else shown


def want_caller(_: Any, visitor: Conversation, __: Agent, wanted: Wanted) -> None:
    if visitor is not None:
        wanted.callers.add(visitor)


def caller(e: Any, visitor: Conversation, _: Agent, have: Loaded) -> Payload | None:
    call = None if visitor is None else have.callers.get(visitor)
    if call is None:
        return None
    shown = {"call_id": call["call_id"], "call": call}
    return {**shown, "reason": e.reason} if isinstance(e, CallEnded) else shown


def want_softphone(e: Any, _: Conversation, __: Agent, wanted: Wanted) -> None:
    wanted.softphones.add(e.agent_id)


def softphone(e: Any, _: Conversation, __: Agent, have: Loaded) -> Payload:
    return {"voice": have.softphones.get(e.agent_id)}


def file(e: Any, _: Conversation, __: Agent, ___: Loaded) -> Payload:
    """Whose file changed, and what of it: who shows it reads it again."""
    return {
        "customer_id": getattr(e, "customer_id", None),
        "contact_id": getattr(e, "contact_id", None),
        "about": e.name.partition(".")[0],
    }
