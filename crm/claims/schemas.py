"""Claims at the border."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from contactcenter.core.validation import Moment, Schema
from crm.claims.model import Agreement, Cause, ClockName, ClockState, Payer, Status
from crm.masks import Masked
from crm.policies.schemas import Plate
from crm.schemas import (
    Amount,
    Day,
    Extra,
    Label,
    Long,
    Money,
    Note,
    Page,
    Present,
    Price,
    Shown,
    Text,
    Url,
    Written,
)

Name = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,49}$")]
Phone = Annotated[str, Field(max_length=30)]


class Motor(Schema):
    """Of a collision: what the insurers' agreements ask."""

    statement_signed: bool = False
    """The joint accident statement, by both drivers."""
    own_plate: Plate | None = None
    other_plate: Plate | None = None
    other_insurer: Text | None = None
    vehicles: Annotated[int, Field(ge=1, le=50)] = 2
    other_at_fault: bool = False
    agreement: Agreement | None = None
    """Left out: by the rule of crm.claims.model.agreement_of."""


class ClaimEdit(Written):
    """What PATCH changes: what is given. States and decisions have operations of their own."""

    description: Annotated[Note | None, Present] = None
    location: Text | None = None
    postal_code: Annotated[str, Field(max_length=10)] | None = None
    injuries: bool = False
    payer: Annotated[Payer | None, Present] = None
    insurer_reference: Annotated[str, Field(max_length=100)] | None = None
    claimed_amount: Amount | None = None
    reserve: Amount | None = None
    perito_name: Label | None = None
    perito_phone: Phone | None = None
    perito_visit_at: Moment | None = None
    perito_reported: bool = False
    motor: Motor | None = None
    metadata: Extra = Field(default_factory=dict)
    notes: Long | None = None


class ClaimNew(ClaimEdit):
    policy_id: UUID
    claim_type: Name
    cause: Cause = "other"
    incident_date: Moment
    known_on: Day | None = None
    """When the policyholder knew of it; default: the incident's day."""
    description: Note
    payer: Payer | None = None
    """Left out: by the cause."""
    adjuster_id: UUID | None = None
    """Left out: whoever has the skill and the fewest open claims."""
    interaction_id: UUID | None = None


class ClockOut(Shown):
    name: ClockName
    due_on: date
    state: ClockState


class CoverageAt(Shown):
    answer: str
    why: str | None
    until: datetime | None
    notes: list[str]


class ClaimRow(Shown):
    claim_id: UUID
    claim_number: str
    customer_id: UUID
    customer_name: str
    policy_id: UUID
    policy_type: str
    claim_type: str
    cause: Cause | Masked
    payer: Payer
    status: Status
    incident_date: datetime
    adjuster_id: UUID | None
    adjuster_name: str | None
    claimed_amount: Money | None
    created_at: datetime


class Approval(Shown):
    user_id: UUID
    amount: Money
    at: datetime


class ClaimOut(ClaimRow):
    reported_date: datetime
    known_on: date
    sent_at: datetime | None
    insurer_reference: str | None
    description: str
    location: str | None
    postal_code: str | None
    injuries: bool | None
    approved_amount: Money | None
    paid_amount: Money | None
    reserve: Money | None
    denial_reason: str | None
    decided_by: Literal["insurer", "delegated"] | None
    decided_on: date | None
    decision_document: str | None
    decision_reference: str | None
    """Of the insurer's letter or message."""
    paid_on: date | None
    payment_document: str | None
    payment_reference: str | None
    """Of the payer's transfer."""
    perito_name: str | None
    perito_phone: str | None
    perito_visit_at: datetime | None
    perito_reported: bool
    coverage: CoverageAt
    motor: Motor | None
    fraud_score: float | None
    documents: list[dict[str, Any]]
    metadata: dict[str, Any]
    notes: str | None
    masked: bool
    """A matter of health is hidden: the identity gate is closed."""
    writable: bool
    """Whether the asker may change it."""
    interaction_id: UUID | None
    clocks: list[ClockOut]
    approvals: list[Approval]
    """Of this round, while a second person's is missing."""
    next: list[Status]
    version: int
    updated_at: datetime
    resolved_at: datetime | None


class ClaimPage(Shown):
    items: list[ClaimRow]
    next_cursor: str | None


class ClaimQuery(Page):
    customer_id: UUID | None = None
    policy_id: UUID | None = None
    status: Status | None = None
    adjuster_id: UUID | None = None
    cause: Cause | None = None
    open: bool | None = None
    q: Annotated[str, Field(min_length=2, max_length=100)] | None = None
    """Part of our number, the insurer's reference, or a plate."""


Reference = Annotated[str, Field(min_length=1, max_length=100)]


class Decision(Written):
    """Whose it is, when, and what says so: an insurer's needs its document, or a reference."""

    decided_by: Literal["insurer", "delegated"] = "insurer"
    decided_on: Day | None = None
    decision_document: Url | None = None
    decision_reference: Reference | None = None
    """Of its letter or message."""
    insurer_reference: Reference | None = None
    """The claim's number there, where it comes with the decision and is not known yet."""
    note: Text = ""


class ApproveIn(Decision):
    amount: Price
    reviewed: bool = False
    """Somebody has looked at a claim with a high fraud score."""


class DenyIn(Decision):
    reason: Label


class PayIn(Written):
    amount: Price
    paid_on: Day | None = None
    """Left out: today."""
    document: Url | None = None
    """Needed where the insurer has decided."""
    reference: Reference | None = None
    """Of the transfer."""
    note: Text = ""


class SendIn(Written):
    insurer_reference: Annotated[str, Field(max_length=100)] | None = None
    at: Moment | None = None
    note: Text = ""


class ClaimStatusIn(Written):
    status: Literal["investigating", "reopened"]
    note: Label


class AssignIn(Written):
    adjuster_id: UUID


class NoteIn(Written):
    note: Note


class DocumentIn(Written):
    name: Label
    url: Url
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "other"


class ClaimEvent(Shown):
    kind: str
    before: str | None
    after: str | None
    amount: Money | None
    note: str
    actor: str
    at: datetime


class ClaimHistory(Shown):
    items: list[ClaimEvent]
