"""The office's rules at the border. Each row is known by the fields of its `…Key`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Schema
from crm.law import Kind as PeriodKind
from crm.policies.premium import RateKind
from crm.schemas import Amount, Day, Label, Line, Shown

Scope = Literal["national", "regional", "local"]
Lines = Literal["*", "auto", "home", "life", "health", "business"]
"""A policy type, or all."""
Carrier = Annotated[str, Field(max_length=40)]
Source = Annotated[str, Field(min_length=1, max_length=200)]
"""The law, resolution or agreement that it comes from."""


def _cents(amount: Decimal) -> Decimal:
    if amount != round(amount, 2):
        raise PydanticCustomError("bad_amount", "At most two decimals.")
    return amount


class HolidayKey(Schema):
    day: Day


class HolidayIn(HolidayKey):
    name: Label
    scope: Scope


class Holiday(Shown):
    day: date
    name: str
    scope: Scope
    by_law: str | None = None
    """Which of the national ones that are counted by themselves, as a word; they are no rows."""


class Holidays(Shown):
    items: list[Holiday]
    version: int


class HolidayQuery(Schema):
    year: Annotated[int, Field(ge=1900, le=2200)] | None = None
    """None: the rows of all years, without the national ones."""


class RateKey(Schema):
    kind: RateKind
    line: Lines = "*"
    valid_from: Day


class RateIn(RateKey):
    """Either a share or a sum in euros."""

    rate: Annotated[Decimal, Field(ge=0, le=1, decimal_places=8)] | None = None
    flat: Annotated[Decimal, Field(ge=0, max_digits=12), AfterValidator(_cents)] | None = None
    source: Source

    @model_validator(mode="after")
    def _one(self) -> RateIn:
        if (self.rate is None) == (self.flat is None):
            raise PydanticCustomError("item_unclear", "Either a share or a sum.")
        return self


class Rates(Shown):
    items: list[RateIn]
    version: int


class PeriodKey(Schema):
    kind: PeriodKind
    line: Lines = "*"
    valid_from: Day


class PeriodIn(PeriodKey):
    amount: Annotated[int, Field(ge=1, le=3650)]
    """In what its kind ends with: days, working days of a service, or months."""
    source: Source


class Periods(Shown):
    items: list[PeriodIn]
    version: int


class LimitKey(Schema):
    role: Annotated[str, Field(max_length=60)]
    valid_from: Day


class LimitIn(LimitKey):
    """What a role may approve alone under an insurer's authority, from a day on."""

    limit: Amount


class ApprovalLimits(Shown):
    items: list[LimitIn]
    version: int


class AuthorityKey(Schema):
    carrier: Carrier
    policy_type: Line
    valid_from: Day


class Authority(AuthorityKey):
    """What an insurer lets us decide, from a day on; a maximum of 0 takes it back."""

    max_amount: Amount
    four_eyes_above: Amount


class Authorities(Shown):
    items: list[Authority]
    version: int


class DeputyIn(Schema):
    agent_id: UUID
    deputy_id: UUID | None
    """None: nobody any more."""
    valid_from: Day | None = None
    """None: today; with nobody, every row of the agent goes."""
    valid_to: Day | None = None
    """The last day; None: until further notice."""


class Deputy(Shown):
    agent_id: UUID
    agent_name: str
    deputy_id: UUID
    deputy_name: str
    valid_from: date
    valid_to: date | None
    now: bool
    """It is by this row that somebody stands in today."""


class Deputies(Shown):
    items: list[Deputy]
    version: int
