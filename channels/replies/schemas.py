"""What saved replies take in and give out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from channels.model import MESSAGE_LIMIT
from channels.replies.model import VARIABLES, unknown_variables
from contactcenter.core.validation import Schema


def _known(body: str) -> str:
    if unknown_variables(body):
        known = ", ".join(f"{{{word}}}" for word in VARIABLES)
        raise PydanticCustomError("unknown_variable", "Known are {known}.", {"known": known})
    return body


Body = Annotated[str, Field(max_length=MESSAGE_LIMIT), AfterValidator(_known)]


class ReplyEdit(Schema):
    """A reply in Spanish, in English, or both; a desk falls back on the one that is there."""

    body_es: Body = ""
    body_en: Body = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.body_es and not self.body_en:
            raise PydanticCustomError("empty", "Write the reply in one language at least.")
        return self


class ReplyNew(ReplyEdit):
    """`shared`: the centre's, for every agent (needs queues.manage); else one's own."""

    shared: bool = False


class SavedReply(BaseModel):
    model_config = ConfigDict(frozen=True)

    reply_id: UUID
    shared: bool
    body_es: str
    body_en: str
    version: int
    updated_at: datetime


class ReplyList(BaseModel):
    """One's own first, each kind newest first."""

    items: list[SavedReply]
    next_cursor: None = None
