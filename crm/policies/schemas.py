"""Policies and receipts at the border."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Moment, Schema
from crm.policies.coverage import Answer, Why
from crm.policies.model import Reason, ReceiptState, RefundRule, Status
from crm.schemas import (
    Amount,
    Day,
    Extra,
    Label,
    Line,
    Long,
    Money,
    Page,
    Present,
    Price,
    Shown,
    Text,
    Url,
    Written,
)

Frequency = Literal["single", "annual", "semiannual", "quarterly", "monthly"]
Role = Literal["policyholder", "insured", "driver", "owner", "beneficiary", "mortgagee"]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Number = Annotated[str, Field(min_length=1, max_length=100)]
Months = Annotated[int, Field(ge=0, le=12)]


def _plate(text: str) -> str:
    kept = "".join(c for c in text.upper() if c.isalnum())
    if not kept:
        raise PydanticCustomError("bad_plate", "A plate has letters or digits.")
    return kept


Plate = Annotated[str, Field(max_length=20), AfterValidator(_plate)]


class Terms(Written):
    """What is agreed, and what an endorsement changes."""

    premium_amount: Price
    """A year's total, as the insurer asks for it."""
    premium_net: Amount | None = None
    premium_frequency: Frequency = "annual"
    coverage_amount: Amount | None = None
    covers: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=60)] = Field(
        default_factory=list
    )
    vehicle_make: Text | None = None
    vehicle_model: Text | None = None
    vehicle_year: Annotated[int, Field(ge=1885, le=2200)] | None = None
    vehicle_plate: Plate | None = None
    vehicle_vin: Annotated[str, Field(max_length=50)] | None = None
    property_address: Text | None = None
    property_type: Annotated[str, Field(max_length=50)] | None = None
    property_value: Amount | None = None
    property_postal_code: Annotated[str, Field(max_length=10)] | None = None


class Party(Written):
    """Somebody's part in a policy: a customer, or a name without a file."""

    role: Role
    customer_id: UUID | None = None
    name: Label | None = None
    share: Annotated[Decimal, Field(gt=0, le=100, decimal_places=2)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Party:
        if (self.customer_id is None) == (self.name is None):
            raise PydanticCustomError("party_unclear", "Either a customer or a name.")
        if self.role == "policyholder":
            raise PydanticCustomError("party_unclear", "The policyholder is the customer itself.")
        return self


class Office(Written):
    """What is ours to change without an endorsement."""

    policy_number: Number | None = None
    auto_renew: bool = True
    notice_months: Months | None = 1
    """Of the policyholder's no before a term's end; null: the contract has its own rule (life)."""
    first_premium_agreed: bool = False
    """The insurer has agreed to cover although the first premium is unpaid."""
    distance_sale: bool = False
    cover_on_request: bool = False
    concluded_on: Day | None = None
    policy_document_url: Url | None = None
    certificate_url: Url | None = None
    issued_by: UUID | None = None
    metadata: Extra = Field(default_factory=dict)
    notes: Long | None = None


class PolicyNew(Terms, Office):
    customer_id: UUID
    policy_type: Line
    carrier: Key
    coverage_start_date: Day
    coverage_start_time: time = time(0)
    coverage_end_date: Day
    coverage_end_time: time = time(0)
    parties: Annotated[list[Party], Field(max_length=30)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _ends_after_start(self) -> PolicyNew:
        if (self.coverage_start_date, self.coverage_start_time) >= (
            self.coverage_end_date,
            self.coverage_end_time,
        ):
            raise PydanticCustomError("bad_period", "It must end after it begins.")
        if self.policy_type == "life" and "notice_months" not in self.model_fields_set:
            return self.model_copy(update={"notice_months": None})
        return self


class PolicyEdit(Terms, Office):
    """What is given changes. `effective_date` and `effective_time` (local; default: now) say from
    when the terms do."""

    premium_amount: Annotated[Price | None, Present] = None  # type: ignore[assignment]
    effective_date: Day | None = None
    effective_time: time = time(0)
    reason: Text = ""
    parties: Annotated[list[Party], Field(max_length=30)] | None = None


class PolicyRow(Shown):
    policy_id: UUID
    reference: str
    customer_id: UUID
    customer_name: str
    policy_number: str | None
    policy_type: Line
    carrier: str
    status: Status
    coverage_start_date: date
    coverage_end_date: date
    premium_amount: Money
    vehicle_plate: str | None
    property_address: str | None
    created_at: datetime


class PartyOut(Shown):
    role: Role
    customer_id: UUID | None
    name: str
    share: Decimal | None


class Warning_(Shown):  # noqa: N801 - Warning is Python's own
    """Something to know about; nothing was refused for it."""

    type: Literal["overlap", "notice_late", "terms_changed_late", "premium_unpaid"]
    policy_ids: list[UUID] = Field(default_factory=list)


class NonRenewalOut(Shown):
    by: Literal["policyholder", "insurer"]
    state: Literal["received", "sent", "acknowledged"]
    term_end: date
    received_on: date
    sent_on: date | None
    acknowledged_on: date | None
    late: bool


class RenewalDates(Shown):
    """For the present term; all days are local."""

    last_day: date
    our_last_day: date
    insurer_last_day: date


class PolicyOut(PolicyRow):
    coverage_start_time: time
    coverage_end_time: time
    term_start_date: date
    premium_net: Money | None
    premium_frequency: Frequency
    coverage_amount: Money | None
    covers: list[str]
    auto_renew: bool
    notice_months: int | None
    renewal: RenewalDates | None
    non_renewal: NonRenewalOut | None
    first_premium_agreed: bool
    distance_sale: bool
    cover_on_request: bool
    concluded_on: date | None
    cancellation_reason: str | None
    cancelled_at: datetime | None
    cancelled_by: str | None
    refund_estimate: Money | None
    replaced_by: UUID | None
    turns_at: datetime | None
    """When terms that are on file ahead hold next; all others are those of now."""
    vehicle_make: str | None
    vehicle_model: str | None
    vehicle_year: int | None
    vehicle_vin: str | None
    property_type: str | None
    property_value: Money | None
    property_postal_code: str | None
    policy_document_url: str | None
    certificate_url: str | None
    issued_by: UUID | None
    metadata: dict[str, Any]
    notes: str | None
    parties: list[PartyOut]
    masked: bool = False
    """A matter of health is hidden: the identity gate is closed."""
    writable: bool
    """Whether the asker may change it, and what belongs to it."""
    warnings: list[Warning_]
    version: int
    updated_at: datetime


class PolicyPage(Shown):
    items: list[PolicyRow]
    next_cursor: str | None


class PolicyQuery(Page):
    customer_id: UUID | None = None
    policy_type: Line | None = None
    status: Status | None = None
    carrier: Key | None = None


class PolicySearch(PolicyQuery):
    q: Annotated[str, Field(min_length=2, max_length=100)]
    """Part of the insurer's number, our reference, a plate or an insured address."""


class ExpiringQuery(Schema):
    days: Annotated[int, Field(ge=0, le=400)] = 30
    policy_type: Line | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class ExpiringRow(PolicyRow):
    renewal: RenewalDates | None


class Expiring(Shown):
    items: list[ExpiringRow]


class CancelIn(Written):
    reason: Reason
    effective_date: Day
    effective_time: time = time(0)
    requested_by: Literal["policyholder", "insurer", "both"] = "policyholder"
    requested_by_customer_id: UUID | None = None
    """Who asked, unless it was the insurer alone: only the policyholder can."""
    note: Text = ""


class RefundOut(Shown):
    """Our estimate; what the insurer's own receipt (extorno) says is the truth."""

    rule: RefundRule
    estimate: Money | None
    days: int | None
    of_days: int | None


class Cancelled(Shown):
    policy: PolicyOut
    refund: RefundOut


class RenewIn(Written):
    end_date: Day | None = None
    """Default: a term as long as the present one."""
    premium_amount: Price | None = None
    premium_net: Amount | None = None
    insurer_notified_on: Day | None = None
    """When the insurer told of changed terms: two months before the end at the latest."""
    insurer_consents: bool = False
    """The insurer agrees although the term is over, or somebody had said no."""
    note: Text = ""


class NonRenewalIn(Written):
    by: Literal["policyholder", "insurer"] = "policyholder"
    received_on: Day
    requested_by_customer_id: UUID | None = None
    """Who said it, of a policyholder's: only the policyholder can."""
    term_end: Day | None = None
    """Which term is the last; default: the present one. The one before it, when the no reached us
    after silence had renewed it."""


class NonRenewalStep(Written):
    on: Day
    term_end: Day | None = None
    """As of the no."""


class PolicyStatusIn(Written):
    status: Literal["active", "suspended", "replaced"]
    effective_at: Moment | None = None
    """Of a suspension, its lifting, or what takes a cancellation back; left out: now."""
    replaced_by: UUID | None = None
    note: Text = ""


class CoverageQuery(Schema):
    at: Moment
    peril: Annotated[str, Field(max_length=60)] | None = None


class CoverageOut(Shown):
    """Never a bare yes or no: see crm.policies.coverage."""

    answer: Answer
    why: Why | None
    until: datetime | None
    notes: list[Why]
    at: datetime


class TermsQuery(Schema):
    at: Moment | None = None
    known: Moment | None = None


class VersionOut(Shown):
    number: int
    kind: str
    effective_at: datetime
    known_at: datetime
    changes: dict[str, Any]
    reason: str


class History(Shown):
    terms: dict[str, Any]
    """As agreed for `at`, as far as known at `known`."""
    versions: list[VersionOut]


class ReceiptLine(Schema):
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    amount: Money


class ReceiptNew(Written):
    """As the insurer issued it; nothing is recomputed."""

    number: Number
    kind: Literal["new", "renewal", "endorsement", "extorno"]
    first: bool = False
    """The first or single premium, which LCS art. 15 treats apart."""
    period_start: Day
    period_end: Day
    due_on: Day
    net: Money
    total: Money
    lines: Annotated[list[ReceiptLine], Field(max_length=20)] = Field(default_factory=list)
    collected_by: Literal["insurer", "broker"] = "insurer"
    commission: Money | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> ReceiptNew:
        if self.period_end <= self.period_start:
            raise PydanticCustomError("bad_period", "It must end after it begins.")
        if (self.kind == "extorno") != (self.total.amount < 0):
            raise PydanticCustomError("bad_sign", "An extorno is negative, nothing else is.")
        if self.lines and sum(line.amount.amount for line in self.lines) != self.total.amount:
            raise PydanticCustomError("lines_differ", "The lines do not add up to the total.")
        return self


class ReceiptMove(Written):
    """Along an edge of its states; another move is refused with 409."""

    state: ReceiptState
    at: Moment | None = None
    return_code: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2}$")] | None = None

    @model_validator(mode="after")
    def _has_a_code(self) -> ReceiptMove:
        if (self.state == "returned") != (self.return_code is not None):
            raise PydanticCustomError("return_code", "A return has a SEPA code, nothing else has.")
        return self


class Settlement(Written):
    reference: Number


class ReceiptOut(Shown):
    receipt_id: UUID
    policy_id: UUID
    number: str
    kind: str
    first: bool
    period_start: date
    period_end: date
    due_on: date
    net: Money
    total: Money
    lines: list[ReceiptLine]
    collected_by: str
    state: ReceiptState
    return_code: str | None
    returned_at: datetime | None
    paid_at: datetime | None
    claimed_at: datetime | None
    settled_at: datetime | None
    settlement: str | None
    commission: Money | None
    version: int


class Receipts(Shown):
    items: list[ReceiptOut]


class InsurerIn(Schema):
    key: Key
    dgs_code: Annotated[str, Field(pattern=r"^[CLEM][0-9]{4}$")]
    name: Label
    claims_phone: Annotated[str, Field(max_length=20)] | None = None
    assistance_phone: Annotated[str, Field(max_length=20)] | None = None
    retired: bool = False


class InsurerOut(InsurerIn):
    version: int


class Insurers(Shown):
    items: list[InsurerOut]


class PremiumIn(Written):
    """What the lines of a year's premium would be on a day."""

    policy_type: Line
    net: Price
    frequency: Frequency = "annual"
    on: Day
    capital: Amount | None = None
    compulsory: Amount | None = None
    rider: Amount | None = None


class PremiumLineOut(Shown):
    kind: str
    amount: Money


class PremiumOut(Shown):
    lines: list[PremiumLineOut]
    total: Money
