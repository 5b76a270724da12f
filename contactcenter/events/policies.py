"""Facts about policies and their receipts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "policy_id"

    policy_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCreated(_Policy):
    """A policy, or a proposal of one, is on file."""

    name: ClassVar[str] = "policy.created"

    policy_type: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdated(_Policy):
    """Something about it changed that no endorsement is needed for."""

    name: ClassVar[str] = "policy.updated"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEndorsed(_Policy):
    """Its terms change from `effective_at` on, which may lie in the past."""

    name: ClassVar[str] = "policy.endorsed"

    number: int
    effective_at: datetime
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTermsTurned(_Policy):
    """What was agreed ahead, by an endorsement or a renewal, holds from now on."""

    name: ClassVar[str] = "policy.terms_turned"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatusChanged(_Policy):
    """It was issued, began, was suspended, put back in force, or ended with its term."""

    name: ClassVar[str] = "policy.status_changed"

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRenewed(_Policy):
    """A further term; dates are local and the end is exclusive. `tacit`: by silence."""

    name: ClassVar[str] = "policy.renewed"

    term_start: str
    term_end: str
    tacit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCancelled(_Policy):
    """It ends before its term; `refund_estimate` None: the insurer decides."""

    name: ClassVar[str] = "policy.cancelled"

    reason: str
    effective_at: datetime
    refund_estimate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyExpiringSoon(_Policy):
    """One of the four moments before a term's end has come."""

    name: ClassVar[str] = "policy.expiring_soon"

    term_end: str
    moment: str  # d75, d60, d45, last_days
    last_day: str
    our_last_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNonRenewalChanged(_Policy):
    """Somebody will not renew: received, sent on, or acknowledged, from where it counts."""

    name: ClassVar[str] = "policy.non_renewal_changed"

    state: str
    by: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receipt(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "receipt_id"

    receipt_id: UUID
    policy_id: UUID
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptIssued(_Receipt):
    name: ClassVar[str] = "receipt.issued"

    kind: str
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPresented(_Receipt):
    """At the bank; `again` after a return."""

    name: ClassVar[str] = "receipt.presented"

    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptCollected(_Receipt):
    name: ClassVar[str] = "receipt.collected"

    at_broker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReturned(_Receipt):
    name: ClassVar[str] = "receipt.returned"

    code: str  # ISO 20022: AC04, AM04, MD06 …
    first: bool
    settled_at: datetime | None = None  # it had been passed on to the insurer, and is owed back
    settlement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptCancelled(_Receipt):
    name: ClassVar[str] = "receipt.cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptClaimed(_Receipt):
    """The insurer claimed the unpaid premium: the contract does not become extinct by silence."""

    name: ClassVar[str] = "receipt.claimed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSettled(_Receipt):
    """The broker has passed the money on."""

    name: ClassVar[str] = "receipt.settled"
