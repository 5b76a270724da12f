"""Whose an interaction is, at the border."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Moment, Schema
from crm.contacts.model import Check, Level, Topic
from crm.schemas import Day, Note, Shown, Text


class RelinkIn(Schema):
    """Whose it is: a customer, whoever has a document, or (customer_id null) nobody on file."""

    customer_id: UUID | None = None
    document: Annotated[str, Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def _one(self) -> RelinkIn:
        given = self.model_fields_set & {"customer_id", "document"}
        if len(given) != 1 or ("document" in given and self.document is None):
            raise PydanticCustomError("customer_unclear", "Either a customer or a document.")
        return self


class LinkInteraction(RelinkIn):
    """Which interaction, and whose it is."""

    interaction_id: UUID


class GateIn(Schema):
    """What the caller says; at least one of the three."""

    document: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{4}$")] | None = None
    """The last four characters."""
    birth_date: Day | None = None
    policy: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """A policy's number, our reference, or the plate."""

    @model_validator(mode="after")
    def _something(self) -> GateIn:
        if self.document is None and self.birth_date is None and self.policy is None:
            raise PydanticCustomError("nothing_asked", "At least one of the three answers.")
        return self


class GateCheck(Shown):
    asked: list[Check]
    passed: list[Check]
    agent_id: UUID | None
    at: datetime


class GateOut(Shown):
    """How far somebody has proved who they are, in this interaction."""

    interaction_id: UUID
    customer_id: UUID | None
    level: Level
    passed: list[Check]
    wrong: int
    locked: bool
    """Too many wrong answers: a supervisor goes on."""
    verified_at: datetime | None
    verified_by: UUID | None
    """The agent."""
    may_tell: list[Topic]
    """What may be spoken of with them."""
    checks: list[GateCheck]


class InteractionNew(Schema):
    """A contact that no channel of ours carried."""

    customer_id: UUID
    channel: Literal["voice", "chat", "whatsapp", "sms", "email"] = "voice"
    medium: Literal["visit", "letter", "phone", "other"] = "phone"
    direction: Literal["inbound", "outbound"] = "inbound"
    occurred_at: Moment | None = None
    """Default: now."""
    seconds: Annotated[int, Field(ge=0, le=86400)] = 0
    subject: Text | None = None
    disposition: Annotated[str, Field(max_length=60)] | None = None
    note: Note | None = None


class InteractionNoted(Shown):
    interaction_id: UUID
    conversation_id: UUID
    contact_id: UUID
    customer_id: UUID
    channel: str
    direction: str
    state: Literal["closed"]
    agent_id: UUID | None
    subject: str | None
    outcome: str | None
    created_at: datetime
