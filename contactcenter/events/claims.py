"""Facts about claims."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from contactcenter.core.event import Audience, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim(Event):
    audience: ClassVar[frozenset[Audience]] = frozenset({"team"})
    subject_field: ClassVar[str] = "claim_id"

    claim_id: UUID
    customer_id: UUID
    policy_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catastrophe(Event):
    subject_field: ClassVar[str] = "catastrophe_id"

    catastrophe_id: UUID
    peril: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatastropheDeclared(_Catastrophe):
    """From now on whoever comes in from its places is routed by its rules."""

    name: ClassVar[str] = "catastrophe.declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatastropheEnded(_Catastrophe):
    """Its rules hold for nobody any more."""

    name: ClassVar[str] = "catastrophe.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCreated(_Claim):
    """We have opened it; the payer does not know of it yet."""

    name: ClassVar[str] = "claim.created"

    cause: str
    payer: str
    adjuster_id: UUID | None
    coverage: str  # the answer at the incident's instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimUpdated(_Claim):
    name: ClassVar[str] = "claim.updated"

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAssigned(_Claim):
    """It has a handler of ours, or another one."""

    name: ClassVar[str] = "claim.assigned"

    adjuster_id: UUID
    cause: str  # chosen, deputy, hand


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSent(_Claim):
    """The payer has it: it is being investigated."""

    name: ClassVar[str] = "claim.sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimApprovalAsked(_Claim):
    """One of the two who must approve under delegated authority has."""

    name: ClassVar[str] = "claim.approval_asked"

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimApproved(_Claim):
    name: ClassVar[str] = "claim.approved"

    amount: Decimal
    decided_by: str  # insurer, delegated


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDenied(_Claim):
    name: ClassVar[str] = "claim.denied"

    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPaid(_Claim):
    name: ClassVar[str] = "claim.paid"

    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimReopened(_Claim):
    name: ClassVar[str] = "claim.reopened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResumed(_Claim):
    """A reopened one is being investigated again."""

    name: ClassVar[str] = "claim.resumed"
