"""What web chat takes in and gives out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from channels.model import Topic, plain_text
from contactcenter.core.validation import Schema
from contactcenter.interactions.visitor import VisitorConversation, VisitorMessage


def _plain(text: str) -> str:
    try:
        return plain_text(text)
    except ValueError as error:
        raise PydanticCustomError(
            "control_characters", "Control characters are not part of a text."
        ) from error


def _one_line(text: str) -> str:
    if "\n" in (plain := _plain(text)) or "\t" in plain:
        raise PydanticCustomError("one_line", "This is one line of text.")
    return plain


Body = Annotated[str, Field(min_length=1), AfterValidator(_plain)]
"""Of a message; longer than channels.model.MESSAGE_LIMIT is `too_large`."""
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
ClientId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
QueueKey = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,40}$")]
Locale = Literal["es", "en", "ca"]


class NewConversation(Schema):
    """A visitor begins. With `message`, it is queued at once; else with the first message."""

    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    queue: QueueKey | None = None
    message: Body | None = None
    client_id: ClientId | None = None
    """Of `message`."""
    locale: Locale = "es"
    topic: Topic | None = None
    """What the visitor has chosen that it is about; told with what they write or call first."""


class StartedConversation(BaseModel):
    """`token` opens the namespace /chat and these routes, for this one conversation."""

    model_config = ConfigDict(frozen=True)

    conversation: VisitorConversation
    token: str


class VisitorText(Schema):
    """A message over HTTP."""

    body: Body
    client_id: ClientId


class VisitorMessages(BaseModel):
    items: list[VisitorMessage]
    """Oldest first; `next_cursor` leads to older ones."""
    next_cursor: str | None


class MessagesQuery(Schema):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: UUID | None = None


class TranscriptQuery(Schema):
    locale: Literal["es", "en"] | None = None
    """Default: the conversation's language."""


class ConfigQuery(Schema):
    queue: QueueKey | None = None


class ChatConfig(BaseModel):
    """What a widget shows before anything is written."""

    name: str
    timezone: str
    queue: str
    open: bool
    closes_at: datetime | None
    opens_at: datetime | None
    server_now: datetime
    """By the centre's clock."""
    message_limit: int


class VisitorSays(VisitorText):
    """`chat.message` on /chat."""

    conversation_id: UUID


class AgentSays(VisitorSays):
    """`chat.message` on /agent; a note is never shown to the customer."""

    kind: Literal["text", "note"] = "text"


class ReadUpTo(Schema):
    """`chat.read`."""

    conversation_id: UUID
    message_id: UUID


class OfConversation(Schema):
    """`chat.typing` and `chat.close` on /chat."""

    conversation_id: UUID | None = None


class Typing(Schema):
    """`chat.typing` on /agent."""

    conversation_id: UUID
