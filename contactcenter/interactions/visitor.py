"""What a customer may see of a conversation: no notes, no ids of ours, agents by first name."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from contactcenter.interactions.model import Sender
from contactcenter.interactions.schemas import Card, MessageCard

VisitorStage = Literal["new", "waiting", "active", "ended", "message_left"]


class VisitorMessage(Card):
    message_id: UUID
    conversation_id: UUID
    sender: Sender
    kind: Literal["text", "event"]
    agent_name: str | None
    """First name."""
    body: str
    created_at: datetime
    client_id: str | None


class VisitorAgent(Card):
    name: str
    """First name."""


class VisitorConversation(Card):
    """A conversation as its visitor sees it."""

    conversation_id: UUID
    state: VisitorStage
    """new: nothing written yet; message_left: written outside hours and
    answered at opening, or written after a message was offered and answered in its turn."""
    agent: VisitorAgent | None
    queue: str | None
    messages: list[VisitorMessage]
    """The newest 100 at most, oldest first."""
    visitor_read: UUID | None
    agent_read: UUID | None
    position: int | None
    """1 is next; None when it does not wait."""
    estimated_wait_seconds: int | None
    can_write: bool


def first_name(name: str | None) -> str | None:
    return name.split(" ", 1)[0] if name else None


def visitor_message(message: MessageCard) -> VisitorMessage | None:
    """The message for its customer; None for a note, which stays with us."""
    if message.kind == "note":
        return None
    return VisitorMessage(
        message_id=message.message_id,
        conversation_id=message.conversation_id,
        sender=message.sender,
        kind=message.kind,
        agent_name=first_name(message.agent_name),
        body=message.body,
        created_at=message.created_at,
        client_id=message.client_id,
    )
