"""Facts about customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Customer(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "customer_id"

    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCreated(_Customer):
    """A new file."""

    name: ClassVar[str] = "customer.created"

    kind: str  # person, company


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUpdated(_Customer):
    """Something in the file changed; `fields` says what, never to what."""

    name: ClassVar[str] = "customer.updated"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDeleted(_Customer):
    """The file is closed; its personal data goes when the law allows it."""

    name: ClassVar[str] = "customer.deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerErased(_Customer):
    """The closed file's personal data is gone. `rows`: table → how many of its rows were emptied
    or deleted; of a file that was merged, `into` has them. `closed_by`: who closed the file."""

    name: ClassVar[str] = "customer.erased"

    rows: dict[str, int] = field(default_factory=dict)
    into: UUID | None = None
    closed_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMerged(_Customer):
    """`loser_id` was the same customer; everything of theirs is in this file now."""

    name: ClassVar[str] = "customer.merged"

    loser_id: UUID
    merge_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUnmerged(_Customer):
    """They were two after all; what had come over went back."""

    name: ClassVar[str] = "customer.unmerged"

    loser_id: UUID
    merge_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSegmented(_Customer):
    """The rules put the customer into another segment."""

    name: ClassVar[str] = "customer.segmented"

    segment: str | None
    before: str | None
