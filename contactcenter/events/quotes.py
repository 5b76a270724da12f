"""Facts about quotes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quote(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "quote_id"

    quote_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteCreated(_Quote):
    """A draft; nobody outside has seen it."""

    name: ClassVar[str] = "quote.created"

    quote_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteUpdated(_Quote):
    name: ClassVar[str] = "quote.updated"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSent(_Quote):
    """The customer gets it, with the documents that the law asks for."""

    name: ClassVar[str] = "quote.sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAccepted(_Quote):
    name: ClassVar[str] = "quote.accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteRejected(_Quote):
    name: ClassVar[str] = "quote.rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteExpired(_Quote):
    name: ClassVar[str] = "quote.expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteConverted(_Quote):
    """It has become a policy, once."""

    name: ClassVar[str] = "quote.converted"

    policy_id: UUID
