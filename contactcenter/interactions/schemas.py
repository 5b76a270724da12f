"""What screens are told of interactions: the cards of the desk, and the HTTP bodies.

A card is a whole thing as it is now (docs/decisions/0002): an upsert for whoever
shows it. Times are RFC 3339 UTC, ids are UUIDs as text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contactcenter.interactions.model import (
    AddressKind,
    Channel,
    CloseReason,
    MessageKind,
    Sender,
    State,
)

ParkReason = Literal["waiting_customer", "snoozed", "interrupted"]
SegmentState = Literal["active", "held", "consulting", "parked", "wrapping", "ended"]
Name = Annotated[str, Field(max_length=200)]


class Card(BaseModel):
    """Base of everything that leaves towards a screen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MessageCard(Card):
    message_id: UUID
    conversation_id: UUID
    interaction_id: UUID | None
    sender: Sender
    kind: MessageKind
    agent_id: UUID | None
    agent_name: str | None
    body: str
    client_id: str | None
    created_at: datetime


class CustomerCard(Card):
    """The customer as the agent who has the interaction sees them."""

    contact_id: UUID
    customer_id: UUID | None
    name: str
    email: str | None
    phone: str | None
    verified: bool


class SegmentCard(Card):
    """One agent's part. Deadlines are instants; a screen counts down against server_now."""

    segment_id: UUID
    state: SegmentState
    park_reason: ParkReason | None
    parked_until: datetime | None
    started_at: datetime
    state_since: datetime
    wrap_deadline: datetime | None
    wrap_extended: bool
    cost: int
    over_budget: bool
    disposition: str | None
    note: str


class InteractionCard(Card):
    interaction_id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel: Channel
    queue: str | None
    state: State
    customer: CustomerCard
    created_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    customer_present: bool
    segment: SegmentCard | None
    """The asking agent's own open segment; None for a supervisor who looks on."""
    last_message: MessageCard | None
    unread: int
    """Messages of the customer that our side has not read."""


class ConversationState(Card):
    conversation_id: UUID
    messages: list[MessageCard]
    """The newest 100 at most, oldest first."""
    has_more: bool
    visitor_read: UUID | None
    agent_read: UUID | None


class QueueItem(Card):
    interaction_id: UUID
    channel: Channel
    queue: str
    contact_id: UUID
    customer_name: str
    entered_at: datetime
    virtual_start: datetime
    band: int
    state: Literal["queued", "offered"]
    offered_to: UUID | None


class OfferedCustomer(Card):
    """The customer before the agent has accepted: nothing that identifies, but a name."""

    contact_id: UUID
    name: str
    masked: str
    repeat_count: int
    """Earlier contacts of this customer about the same matter in the last 7 days."""


class MatchedSkill(Card):
    skill: str
    level: int
    required: int


class OfferWhy(Card):
    """The explanation record's summary: enough for the line under the offer."""

    step: int
    skills: list[MatchedSkill]
    preferred: bool
    candidates: int


class OfferHanded(Card):
    """Who had it before it was sent on, and what they wrote for whoever goes on."""

    from_name: str
    note: str | None


class ReservationCard(Card):
    reservation_id: UUID
    interaction_id: UUID
    conversation_id: UUID
    channel: Channel
    queue: str
    customer: OfferedCustomer
    created_at: datetime
    expires_at: datetime
    waiting_since: datetime
    """Since when nobody has been with the customer; a transfer begins it anew."""
    consult: bool
    """A colleague asks about the customer, who is on the line with them."""
    handed: OfferHanded | None
    """None: it was not transferred."""
    why: OfferWhy


class TimelineRecording(Card):
    """A recording on the timeline; GET /recordings/{id} says whether one may play it."""

    recording_id: UUID
    state: Literal["recording", "finished", "stored", "failed"]
    seconds: float | None
    started_at: datetime | None


class TimelineCall(Card):
    call_id: UUID
    state: str
    answered_at: datetime | None
    ended_at: datetime | None
    recordings: list[TimelineRecording]


class TimelineEntry(Card):
    """One interaction in a contact's history, newest first, over all channels."""

    interaction_id: UUID
    conversation_id: UUID
    channel: Channel
    direction: str
    state: State
    close_reason: CloseReason | None
    queue: str | None
    agent_id: UUID | None
    agent_name: str | None
    outcome: str | None
    created_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    messages: int
    excerpt: str
    """The first 120 characters the customer wrote in it."""
    call: TimelineCall | None
    """Of a voice interaction with a call of ours."""


class AddressCard(Card):
    kind: AddressKind
    address: str


class ContactCard(Card):
    contact_id: UUID
    customer_id: UUID | None
    name: str
    locale: str
    verified: bool
    addresses: list[AddressCard]
    created_at: datetime
    version: int


class ConversationCard(Card):
    conversation_id: UUID
    contact_id: UUID
    channel: Channel
    subject: str | None
    state: Literal["open", "closed"]
    queue: str | None
    created_at: datetime
    closed_at: datetime | None


class InteractionRow(Card):
    """One line of a list of interactions."""

    interaction_id: UUID
    conversation_id: UUID
    contact_id: UUID
    channel: Channel
    direction: str
    state: State
    close_reason: CloseReason | None
    queue: str | None
    agent_id: UUID | None
    agent_name: str | None
    customer_name: str
    outcome: str | None
    created_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    closed_at: datetime | None


class InteractionDetail(InteractionRow):
    customer: CustomerCard
    customer_present: bool
    ended_at: datetime | None
    metadata: dict[str, Any]
    segments: list[SegmentRow]
    """Every agent's part so far, in order."""


class SegmentRow(Card):
    segment_id: UUID
    agent_id: UUID
    agent_name: str
    queue: str | None
    state: SegmentState
    started_at: datetime
    ended_at: datetime | None
    held_ms: int
    disposition: str | None
    note: str


class InteractionPage(Card):
    items: list[InteractionRow]
    next_cursor: str | None


class MessagePage(Card):
    items: list[MessageCard]
    """Oldest first; `next_cursor` leads to older ones."""
    next_cursor: str | None


class TimelinePage(Card):
    items: list[TimelineEntry]
    next_cursor: str | None


class ContactEdit(BaseModel):
    """What PATCH /contacts/{id} may change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    locale: Literal["es", "en", "ca"] | None = None
    verified: bool | None = None


class InteractionQuery(BaseModel):
    """Filters of GET /interactions; all of them must hold."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    queue: Annotated[str, Field(max_length=40)] | None = None
    agent_id: UUID | None = None
    channel: Channel | None = None
    customer_id: UUID | None = None
    q: Annotated[str, Field(min_length=2, max_length=80)] | None = None
    """Part of the customer's name, or an address as it is stored."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


InteractionDetail.model_rebuild()
