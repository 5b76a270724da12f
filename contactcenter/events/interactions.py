"""Facts about interactions and the messages in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event

_ALL: frozenset[Audience] = frozenset({"agent", "team", "queue", "visitor", "wallboard"})
_DESK: frozenset[Audience] = frozenset({"agent", "team", "wallboard"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionCreated(Event):
    """A customer reached us, or we them, on one channel."""

    name: ClassVar[str] = "interaction.created"
    audience: ClassVar[frozenset[Audience]] = frozenset({"wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionQueued(Event):
    """A queue visit began. Carries every number the router needs."""

    name: ClassVar[str] = "interaction.queued"
    audience: ClassVar[frozenset[Audience]] = frozenset({"queue", "visitor", "wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    work_item_id: UUID
    queue: str
    channel: str
    entry: str  # new, transfer, requeue, overflow, return, moved
    band: int
    base: int
    virtual_start: datetime
    entered_at: datetime
    cost: int
    contact_id: UUID
    # What else the router reads: preferred agents, steps that replace the queue's,
    # a blind transfer's target, facts resolved from the CRM when it was queued.
    routing: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionReadvised(Event):
    """It is known by now who waits in a queue visit: it goes on as the rules have it for them."""

    name: ClassVar[str] = "interaction.readvised"
    audience: ClassVar[frozenset[Audience]] = frozenset({"queue", "wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    work_item_id: UUID
    queue: str
    channel: str
    cause: str  # the fact that told who it is
    rule: str  # which holds by now; "": none
    band: int
    base: int
    routing: dict[str, Any] = field(default_factory=dict)  # as interaction.queued has it


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionWaitEstimated(Event):
    """How long a visit was first thought to wait, from this moment on (docs/estimated-wait.md)."""

    name: ClassVar[str] = "interaction.wait_estimated"
    audience: ClassVar[frozenset[Audience]] = frozenset({"wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    work_item_id: UUID
    queue: str
    channel: str
    position: int
    estimated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionDequeued(Event):
    """A queue visit ended otherwise than by an agent's answer."""

    name: ClassVar[str] = "interaction.dequeued"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "queue", "visitor", "wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    work_item_id: UUID
    queue: str
    channel: str
    outcome: str  # abandoned, moved, callback, cancelled
    waited_ms: int
    ringing: bool = False  # true when it left while being offered


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionMessageLeft(Event):
    """A customer to whom a message was offered has written one, and need not stay. The visit goes
    on with its place."""

    name: ClassVar[str] = "interaction.message_left"
    audience: ClassVar[frozenset[Audience]] = frozenset({"visitor"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    work_item_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment(Event):
    audience: ClassVar[frozenset[Audience]] = _DESK
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    segment_id: UUID
    agent_id: UUID
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionHeld(_Segment):
    """A live conversation was put on hold."""

    name: ClassVar[str] = "interaction.held"


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionJoined(_Segment):
    """An agent's part began without an offer: a call that was dialled, or a consult."""

    name: ClassVar[str] = "interaction.joined"

    cost: int
    queue: str | None = None
    request_id: UUID | None = None  # of the units that this grants


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionConsulted(_Segment):
    """The agent is with a colleague about it while the customer waits."""

    name: ClassVar[str] = "interaction.consulted"


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionParked(_Segment):
    """Written work was set aside: for the customer's answer, for a time, or interrupted."""

    name: ClassVar[str] = "interaction.parked"

    why: str  # waiting_customer, snoozed, interrupted
    until: datetime | None = None
    cost: int  # capacity units it still takes


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionResumed(_Segment):
    """Held or parked work is active again."""

    name: ClassVar[str] = "interaction.resumed"
    audience: ClassVar[frozenset[Audience]] = _DESK | {"visitor"}

    cause: str  # agent, customer, timer, router, consult
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionCostChanged(_Segment):
    """What parked work takes of its agent's budget changed."""

    name: ClassVar[str] = "interaction.cost_changed"

    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionTransferred(_Segment):
    """An agent or a supervisor sent it on; the agent's segment ended there."""

    name: ClassVar[str] = "interaction.transferred"
    audience: ClassVar[frozenset[Audience]] = _DESK | {"visitor"}

    to_queue: str
    to_agent_id: UUID | None = None
    talked_ms: int
    held_ms: int
    cause: str  # agent, supervisor, presence_lost, sign_off, dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionWrapStarted(_Segment):
    """The customer's part is over; the agent is finishing the paperwork."""

    name: ClassVar[str] = "interaction.wrap_started"

    wrap_deadline: datetime | None  # None: no time limit
    blocks: bool  # whether offers to the agent wait for it
    cost: int
    talked_ms: int
    held_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionWrapExtended(_Segment):
    """The one extension of 60 s was taken."""

    name: ClassVar[str] = "interaction.wrap_extended"

    wrap_deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionWrappedUp(_Segment):
    """The agent's segment ended, with a disposition or with `none` at time-out."""

    name: ClassVar[str] = "interaction.wrapped_up"

    disposition: str
    wrap_ms: int
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEnded(Event):
    """The customer's part is over: one side closed the chat or hung up. Wrap-up may follow."""

    name: ClassVar[str] = "interaction.ended"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "visitor", "wallboard"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    conversation_id: UUID
    channel: str
    by: str  # visitor, agent, system


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionClosed(Event):
    """Nothing is left open: no customer, no agent's segment. It never reopens."""

    name: ClassVar[str] = "interaction.closed"
    audience: ClassVar[frozenset[Audience]] = _ALL
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    conversation_id: UUID
    channel: str
    reason: str  # completed, abandoned, self_served, left_in_ivr, cancelled, callback


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLinked(Event):
    """The CRM says which customer a contact is; their interactions are the customer's."""

    name: ClassVar[str] = "contact.linked"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "contact_id"

    contact_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUnlinked(Event):
    """The contact's address belongs to several customers by now, or to this one no more."""

    name: ClassVar[str] = "contact.unlinked"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "contact_id"

    contact_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionLinked(Event):
    """One interaction is about another customer than its contact."""

    name: ClassVar[str] = "interaction.linked"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "team"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionUnlinked(Event):
    """A person says that one interaction is about nobody on file, whoever its contact is."""

    name: ClassVar[str] = "interaction.unlinked"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "team"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    customer_id: UUID | None  # whom it was taken for


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionVerified(Event):
    """Whoever it is with has proved to be this customer."""

    name: ClassVar[str] = "interaction.verified"
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "interaction_id"

    interaction_id: UUID
    customer_id: UUID
    checks: tuple[str, ...]  # document, birth_date, policy


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCreated(Event):
    """Somebody wrote in a conversation."""

    name: ClassVar[str] = "message.created"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "visitor"})
    subject_field: ClassVar[str] = "conversation_id"

    message_id: UUID
    conversation_id: UUID
    interaction_id: UUID | None
    sender: str  # visitor, agent, bot, system
    kind: str  # text, note (never shown to the customer), event
    agent_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRead(Event):
    """One side has read up to this message."""

    name: ClassVar[str] = "message.read"
    audience: ClassVar[frozenset[Audience]] = frozenset({"agent", "visitor"})
    subject_field: ClassVar[str] = "conversation_id"

    conversation_id: UUID
    message_id: UUID
    reader: str  # visitor, agent
