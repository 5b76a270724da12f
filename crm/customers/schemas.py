"""Customers at the border. Documents and accounts are checked here; nothing bad gets further."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Schema
from contactcenter.interactions.model import normalise
from crm.customers.model import Kind, bank_account, company_document, personal_document
from crm.schemas import Day, Extra, Label, Long, Money, Page, Shown, Tags, Text, Written

Status = Literal["lead", "active", "inactive"]
Channel = Literal["voice", "chat", "whatsapp", "sms", "email"]


def _phone(text: str) -> str:
    try:
        return normalise("phone", text)
    except ValueError:
        raise PydanticCustomError("bad_phone", "Not a telephone number.") from None


def _personal(text: str) -> str:
    try:
        return personal_document(text)
    except ValueError:
        raise PydanticCustomError("bad_dni", "Not a valid DNI or NIE.") from None


def _company(text: str) -> str:
    try:
        return company_document(text)
    except ValueError:
        raise PydanticCustomError("bad_tax_id", "Not a valid company NIF (CIF).") from None


def _account(text: str) -> str:
    try:
        return bank_account(text)
    except ValueError:
        raise PydanticCustomError("bad_iban", "Not a valid IBAN.") from None


Phone = Annotated[str, Field(max_length=30), AfterValidator(_phone)]
Email = Annotated[
    str,
    Field(max_length=254, pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}$"),
    AfterValidator(str.lower),
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
PostalCode = Annotated[str, Field(max_length=10)]


class Way(Schema):
    """A further number or mail address."""

    kind: Literal["phone", "email"]
    address: Annotated[str, Field(max_length=254)]
    label: Text = ""

    @model_validator(mode="after")
    def _normal(self) -> Way:
        try:
            normal = normalise(self.kind, self.address)
        except ValueError:
            raise PydanticCustomError(f"bad_{self.kind}", "Not an address of this kind.") from None
        return self if normal == self.address else self.model_copy(update={"address": normal})


class PostalAddress(Schema):
    """A further postal address."""

    label: Label
    address_line1: Label
    address_line2: Text | None = None
    city: Text | None = None
    province: Text | None = None
    postal_code: PostalCode | None = None
    country: Country = "ES"


class CustomerEdit(Written):
    """What PATCH changes: what is given. Lists are replaced as a whole."""

    first_name: Annotated[str, Field(max_length=100)] = ""
    last_name: Annotated[str, Field(max_length=100)] = ""
    company_name: Text | None = None
    email: Email | None = None
    phone: Phone | None = None
    mobile: Phone | None = None
    dni: Annotated[str, Field(max_length=20), AfterValidator(_personal)] | None = None
    tax_id: Annotated[str, Field(max_length=20), AfterValidator(_company)] | None = None
    iban: Annotated[str, Field(max_length=42), AfterValidator(_account)] | None = None
    birth_date: Day | None = None
    address_line1: Text | None = None
    address_line2: Text | None = None
    city: Text | None = None
    province: Text | None = None
    postal_code: PostalCode | None = None
    country: Country = "ES"
    locale: Literal["es", "en", "ca"] = "es"
    status: Status = "active"
    lead_source: Label | None = None
    tags: Tags = Field(default_factory=list)
    notes: Long | None = None
    metadata: Extra = Field(default_factory=dict)
    household_id: UUID | None = None
    portfolio_manager_id: UUID | None = None
    ways: Annotated[list[Way], Field(max_length=20)] = Field(default_factory=list)
    addresses: Annotated[list[PostalAddress], Field(max_length=20)] = Field(default_factory=list)


class CustomerNew(CustomerEdit):
    """A person has first and last name, a company its name. `confirm` says: not one of the
    possible duplicates that a 409 has listed."""

    kind: Kind = "person"
    confirm: bool = False

    @model_validator(mode="after")
    def _named(self) -> CustomerNew:
        if self.kind == "person" and not (self.first_name and self.last_name):
            raise PydanticCustomError("name_missing", "A person needs first and last name.")
        if self.kind == "company" and not self.company_name:
            raise PydanticCustomError("name_missing", "A company needs its name.")
        return self


class CustomerRow(Shown):
    customer_id: UUID
    kind: Kind
    name: str
    email: str | None
    phone: str | None
    mobile: str | None
    city: str | None
    status: str
    segment: str | None
    tags: list[str]
    portfolio_manager_id: UUID | None
    created_at: datetime


class CustomerOut(CustomerRow):
    first_name: str
    last_name: str
    company_name: str | None
    dni: str | None
    tax_id: str | None
    iban: str | None
    birth_date: date | None
    masked: bool
    """Document, account and birth date are shown in part only: the identity gate is closed."""
    address_line1: str | None
    address_line2: str | None
    province: str | None
    postal_code: str | None
    country: str
    locale: str
    lead_source: str | None
    notes: str | None
    metadata: dict[str, Any]
    household_id: UUID | None
    merged_into: UUID | None
    merge_id: UUID | None = None
    """Of the merge that ended this file, while the asker may take it back."""
    ways: list[Way]
    addresses: list[PostalAddress]
    writable: bool
    """Whether the asker may change the file now."""
    signs_in: bool = False
    """Whether the customer has a user of their own."""
    version: int
    updated_at: datetime


class UserLink(Written):
    email: Email | None
    """The verified address with which the customer signs in; None: as nobody any more."""


class CustomerPage(Shown):
    items: list[CustomerRow]
    next_cursor: str | None


class Hit(CustomerRow):
    found_by: Literal["customer", "policy"]


class Hits(Shown):
    items: list[Hit]
    more: bool
    """There are further ones: refine the query."""


class CustomerQuery(Page):
    status: Status | None = None
    segment: Annotated[str, Field(max_length=40)] | None = None
    kind: Kind | None = None
    tag: Annotated[str, Field(max_length=40)] | None = None
    portfolio_manager_id: UUID | None = None
    household_id: UUID | None = None


class SearchQuery(Schema):
    q: Annotated[str, Field(min_length=2, max_length=100)]
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class Likeness(Shown):
    customer: CustomerRow
    score: int
    by: list[str]


class Duplicates(Shown):
    items: list[Likeness]


class MergeIn(Written):
    loser_id: UUID


class MergeOut(Shown):
    merge_id: UUID
    winner_id: UUID
    loser_id: UUID
    moved: dict[str, int]
    """Kind of thing → how many came over."""


class CustomerStats(Shown):
    customer_id: UUID
    segment: str | None
    policies: int
    past_policies: int
    annual_premium: Money
    open_claims: int
    claims: int
    claims_paid: Money
    open_quotes: int
    unpaid_receipts: int
    unpaid_amount: Money
    open_tasks: int | None
    """The office's: None for the customer, as the lifetime value."""
    interactions_90_days: int
    last_interaction_at: datetime | None
    customer_since: date | None
    lifetime_value: Money | None
    """crm.customers.model.lifetime_value gives the formula."""


class TimelineItem(Shown):
    """One thing that happened: an interaction on any channel, or a step of the file."""

    kind: Literal["interaction", "policy", "claim", "quote", "task", "letter", "receipt"]
    id: UUID
    at: datetime
    channel: str | None
    direction: str | None
    status: str | None
    subject: str | None
    outcome: str | None
    agent_id: UUID | None
    agent_name: str | None
    seconds: int | None
    """Of a conversation: from its answer to its end."""
    call_id: UUID | None
    recording_id: UUID | None
    """Of a call that was recorded; playing it takes its own permission."""


class Timeline(Shown):
    items: list[TimelineItem]
    next_cursor: str | None


class TimelineQuery(Page):
    channel: Channel | None = None


class HouseholdNew(Written):
    name: Label
    members: Annotated[list[UUID], Field(min_length=1, max_length=30)]


class HouseholdOut(Shown):
    household_id: UUID
    name: str
    members: list[CustomerRow]


class SegmentRule(Written):
    segment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    conditions: Extra = Field(default_factory=dict)


class SegmentRules(Written):
    """In their order; the first that holds decides."""

    items: Annotated[list[SegmentRule], Field(min_length=1, max_length=50)]


class SegmentRulesOut(SegmentRules):
    version: int
