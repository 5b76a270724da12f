"""What screens may ask of routing, and what they are told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from contactcenter.interactions.schemas import (
    Card,
    ConversationState,
    InteractionCard,
    QueueItem,
    SegmentRow,
)

Key = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Note = Annotated[str, Field(max_length=4000)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReservationRef(_Asked):
    reservation_id: UUID


class RejectReservation(ReservationRef):
    reason: Key = "busy"


class InteractionRef(_Asked):
    interaction_id: UUID


class Snooze(InteractionRef):
    """Set aside until a time; without one, until the customer answers."""

    until: AwareDatetime | None = None


class Transfer(InteractionRef):
    """To a queue, or blind to an agent (who has 20 s to take it)."""

    queue: Key | None = None
    agent_id: UUID | None = None
    note: Note | None = None

    @model_validator(mode="after")
    def _one_target(self) -> Transfer:
        if (self.queue is None) == (self.agent_id is None):
            raise ValueError("either a queue or an agent")
        return self


class Close(InteractionRef):
    """The agent ends the customer's part. With a disposition nothing is left to do; without,
    a wrap-up begins unless the queue has none or `wrap` is false."""

    disposition: Key | None = None
    note: Note | None = None
    wrap: bool = True


class WrapUp(InteractionRef):
    """Finish the wrap-up with a disposition; or extend it once; or keep a draft."""

    disposition: Key | None = None
    note: Note | None = None
    extend: bool = False
    draft: bool = False

    @model_validator(mode="after")
    def _something(self) -> WrapUp:
        if not (self.extend or self.draft or self.disposition):
            raise ValueError("a disposition is needed to finish")
        return self


class HelpWanted(_Asked):
    interaction_id: UUID | None = None


class InteractionState(Card):
    """The interaction as the asking agent has it after the command; null: not theirs (now)."""

    interaction_id: UUID
    interaction: InteractionCard | None


class Accepted(InteractionState):
    """What an agent needs to begin at once."""

    reservation_id: UUID
    conversation: ConversationState | None


class SupervisorTransfer(_Asked):
    """Move an interaction, waiting or not: to a queue, or to an agent."""

    queue: Key | None = None
    agent: UUID | None = None

    @model_validator(mode="after")
    def _one_target(self) -> SupervisorTransfer:
        if (self.queue is None) == (self.agent is None):
            raise ValueError("either a queue or an agent")
        return self


class Assign(_Asked):
    """Give a waiting interaction to an agent. `force` goes above the budget and past an away
    status, and is recorded; a desk that is not connected, or cannot handle the channel, is never
    given anything."""

    interaction_id: UUID
    agent_id: UUID
    force: bool = False


class AssignConversation(_Asked):
    """Give a chat that waits to an agent; `force` as in Assign."""

    agent_id: UUID
    force: bool = False


class Assigned(Card):
    interaction_id: UUID
    agent_id: UUID
    segment_id: UUID


class QueueQuery(_Asked):
    queue: Key | None = None


class ChannelEstimate(Card):
    """The estimated wait of the next item of this channel, and what it is computed from
    (docs/estimated-wait.md)."""

    channel: str
    waiting: int
    estimated_wait_seconds: int | None
    ahead: float
    """Who comes before it in any queue, each by the share of their agents who serve this one."""
    handle_seconds: int
    samples: int
    slots: int
    free: int


class QueueLine(Card):
    key: str
    name_es: str
    name_en: str
    open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    waiting: int
    longest_wait_since: datetime | None
    estimates: list[ChannelEstimate]
    items: list[QueueItem]
    """In the queue's order, the first 200."""


class QueueLines(Card):
    items: list[QueueLine]
    next_cursor: None = None


class WhyReservation(Card):
    """One offer or assignment with its explanation record."""

    reservation_id: UUID
    work_item_id: UUID
    agent_id: UUID
    agent_name: str
    round: int
    how: str
    state: str
    reason: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    record: dict[str, Any]
    """candidates, what removed the others, the active step, the parts of the score."""


class WhyVisit(Card):
    work_item_id: UUID
    queue: str
    channel: str
    entry: str
    state: str
    outcome: str | None
    band: int
    base: int
    virtual_start: datetime
    entered_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    round: int
    step: int
    reservations: list[WhyReservation]


class WhyEvent(Card):
    at: datetime
    name: str
    actor: str
    data: dict[str, Any]


class Why(Card):
    """Why an interaction went where it went: visits, offers with their explanation, facts."""

    interaction_id: UUID
    visits: list[WhyVisit]
    segments: list[SegmentRow]
    events: list[WhyEvent]
    agents: dict[str, str]
    """Agent id → name, for every id in the records."""
