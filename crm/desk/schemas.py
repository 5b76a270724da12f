"""A customer's file at one glance, at the border."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contactcenter.core.validation import Schema
from crm.claims.schemas import ClaimRow
from crm.customers.schemas import CustomerOut, CustomerRow, Phone
from crm.desk.model import Peril
from crm.policies.schemas import CoverageOut, PolicyRow
from crm.quotes.schemas import QuoteRow
from crm.schemas import Extra, Label, Money, Shown, Text
from crm.tasks.schemas import TaskOut


class DueReceipt(Shown):
    """What is to be paid next, or was not paid."""

    number: str
    due_on: date
    total: Money
    state: str
    return_code: str | None


class FiledPolicy(Shown):
    policy: PolicyRow
    carrier_name: str
    cover: CoverageOut
    """At this moment."""
    receipt: DueReceipt | None


class DeskFile(Shown):
    """Who it is, and what an agent needs to know of them. `customer` only when `state` is
    `identified`; `candidates` are who an ambiguous address may be."""

    state: Literal["identified", "candidates", "unknown"]
    customer: CustomerOut | None
    candidates: list[CustomerRow]
    banner: str
    """What stands out, by the rules of routing's advice (crm.desk.model) and, of an interaction, by
    what was said when it was queued; empty: nothing does."""
    contacts_7_days: int
    """Interactions of the last seven days about the same matter, this one counted."""
    unpaid_since: date | None
    covered_until: date | None
    """The last day of grace for the oldest later premium that is unpaid; it may have passed."""
    last_safe_day: date | None
    """Until when a no to a renewal can still be passed on in time."""
    policies: list[FiledPolicy]
    """In force or to be: those that ended are on the customer's page."""
    more_policies: int
    claims: list[ClaimRow]
    """Open ones."""
    quotes: list[QuoteRow]
    """Drafts and those that wait for an answer, and accepted ones that are no policy yet."""
    tasks: list[TaskOut]
    """Open ones."""


class ContactRule(Schema):
    """A rule of crm.desk.model: what must be known of a contact, and what routing is told then."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    conditions: Extra = Field(default_factory=dict)
    effects: Extra = Field(default_factory=dict)


class ContactRules(Schema):
    """In their order; the first that holds decides."""

    items: Annotated[list[ContactRule], Field(min_length=1, max_length=100)]


class ContactRulesOut(ContactRules):
    version: int


class CatastropheNew(Schema):
    peril: Peril
    postal_codes: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9]{2,5}$")]], Field(max_length=200)
    ] = Field(default_factory=list)
    """How the codes of its places begin; none: it is everywhere."""
    note: Text = ""


class CatastropheOut(Shown):
    catastrophe_id: UUID
    peril: Peril
    postal_codes: list[str]
    note: str
    began_at: datetime
    ended_at: datetime | None
    version: int


class Catastrophes(Shown):
    items: list[CatastropheOut]


class CatastropheQuery(Schema):
    on: bool | None = None


class ProfessionalNew(Schema):
    """A workshop's or expert's number: whoever calls from it is no customer."""

    phone: Phone
    name: Label
    kind: Literal["workshop", "perito"]


class ProfessionalOut(Shown):
    professional_id: UUID
    phone: str
    name: str
    kind: Literal["workshop", "perito"]
    version: int


class Professionals(Shown):
    items: list[ProfessionalOut]
