"""Quotes at the border."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Moment, Schema
from crm.policies.schemas import Frequency, Key, Months, Number, PolicyOut
from crm.quotes.model import Missing, Status
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


class ItemIn(Written):
    """A discount or surcharge: either a share of the base premium or a sum."""

    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    rate: Annotated[Decimal, Field(gt=0, le=1, decimal_places=4)] | None = None
    amount: Price | None = None
    description: Text = ""

    @model_validator(mode="after")
    def _one(self) -> ItemIn:
        if (self.rate is None) == (self.amount is None):
            raise PydanticCustomError("item_unclear", "Either a share or a sum.")
        return self


class Offer(Schema):
    """An insurer's price for the same need."""

    carrier: Key
    premium: Price
    coverage: Text = ""
    link: Url | None = None


class Mediation(Schema):
    """What RDL 3/2020 asks for: where each document is, or its text."""

    needs: Long = ""
    ipid: Long = ""
    broker_information: Long = ""
    criteria: Long = ""


class MediationIn(Written, Mediation):
    """The same as it comes in: without masks."""


Items = Annotated[list[ItemIn], Field(max_length=20)]
Offers = Annotated[list[Offer], Field(max_length=30)]


class QuoteEdit(Written):
    """What PATCH changes of a draft: what is given; the price is computed anew."""

    coverage_details: Annotated[Extra | None, Present] = None
    base_premium: Annotated[Price | None, Present] = None
    frequency: Frequency = "annual"
    discounts: Items = Field(default_factory=list)
    surcharges: Items = Field(default_factory=list)
    capital: Amount | None = None
    compulsory: Amount | None = None
    rider: Amount | None = None
    carrier: Key | None = None
    carrier_quotes: Offers = Field(default_factory=list)
    mediation: MediationIn = MediationIn()
    valid_until: Annotated[Moment | None, Present] = None
    metadata: Extra = Field(default_factory=dict)
    notes: Long | None = None


class QuoteNew(QuoteEdit):
    customer_id: UUID
    quote_type: Line
    coverage_details: Extra
    base_premium: Price
    valid_until: Moment | None = None
    """Default: 30 days from now."""
    interaction_id: UUID | None = None


class PricedItem(Shown):
    type: str
    rate: Decimal | None
    amount: Money
    description: str
    capped: bool = False


class PremiumLineShown(Shown):
    kind: str
    amount: Money


class QuoteRow(Shown):
    quote_id: UUID
    quote_number: str
    customer_id: UUID
    customer_name: str
    quote_type: Line
    carrier: str | None
    status: Status
    total_premium: Money
    valid_until: datetime
    converted: bool
    policy_id: UUID | None
    created_at: datetime


class QuoteOut(QuoteRow):
    coverage_details: dict[str, Any]
    base_premium: Money
    frequency: Frequency
    discounts: list[PricedItem]
    surcharges: list[PricedItem]
    lines: list[PremiumLineShown]
    capital: Money | None
    compulsory: Money | None
    rider: Money | None
    carrier_quotes: list[Offer]
    mediation: Mediation
    masked: bool = False
    """A matter of health is hidden: the identity gate is closed."""
    writable: bool
    """Whether the asker may change it."""
    missing: list[Missing]
    """What it needs before it can be sent."""
    sent_at: datetime | None
    decided_at: datetime | None
    rejection_reason: str | None
    converted_at: datetime | None
    interaction_id: UUID | None
    metadata: dict[str, Any]
    notes: str | None
    version: int
    updated_at: datetime


class QuotePage(Shown):
    items: list[QuoteRow]
    next_cursor: str | None


class QuoteQuery(Page):
    customer_id: UUID | None = None
    status: Status | None = None
    quote_type: Line | None = None
    number: Annotated[str, Field(max_length=40)] | None = None
    converted: bool | None = None


class RejectIn(Written):
    reason: Label


class ConvertIn(Written):
    """What the policy has that the quote has not."""

    carrier: Key | None = None
    """The quote's, which is the default, or of an offer in it: at that offer's premium."""
    policy_number: Number | None = None
    """Left out: a proposal, until the insurer has issued it."""
    coverage_start_date: Day
    coverage_start_time: time = time(0)
    coverage_end_date: Day | None = None
    """Default: a year later."""
    coverage_end_time: time = time(0)
    auto_renew: bool = True
    notice_months: Months | None = None
    """Of the policyholder's no. Left out: the law's month, of a life contract its own rule; null:
    the contract has its own rule."""
    first_premium_agreed: bool = False
    distance_sale: bool = False
    cover_on_request: bool = False
    concluded_on: Day | None = None


class ConvertByIdIn(ConvertIn):
    quote_id: UUID


class Converted(Shown):
    quote: QuoteOut
    policy: PolicyOut
    created: bool
    """False: it had become this policy before."""


class QuoteRule(Written):
    line: Line
    min_offers: Annotated[int, Field(ge=1, le=20)]


class QuoteRules(Shown):
    """One of each line; a line that nobody has set compares one."""

    items: list[QuoteRule]
    version: int
