"""A customer's file at one glance, at the border."""

from __future__ import annotations

from datetime import date
from typing import Literal

from crm.claims.schemas import ClaimRow
from crm.customers.schemas import CustomerOut, CustomerRow
from crm.policies.schemas import CoverageOut, PolicyRow
from crm.quotes.schemas import QuoteRow
from crm.schemas import Money, Shown
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
    """What stands out, by the rules of routing's advice (crm.desk.model); empty: nothing does."""
    contacts_7_days: int
    """Interactions of the last seven days, this one counted."""
    unpaid_since: date | None
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
