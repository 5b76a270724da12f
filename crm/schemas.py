"""What the bodies of the whole room share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from contactcenter.core.validation import Schema
from crm.masks import MASK, MASKED
from db import Record

Line = Literal["auto", "home", "life", "health", "business"]


class Shown(BaseModel):
    """Base of what goes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Written(Schema):
    """Base of what is written into a file. What a closed gate shows in the place of a value
    (masks.MASK) is no value: sent back, it is refused where it stands."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_mask(cls, value: Any) -> Any:
        if isinstance(value, str | list) and _has_mask(value):
            raise PydanticCustomError("masked_value", MASKED)
        return value


class Money(Schema):
    amount: Annotated[Decimal, Field(max_digits=12, decimal_places=2)]
    currency: Literal["EUR"] = "EUR"


def _has_mask(value: Any) -> bool:
    if isinstance(value, str):
        return MASK in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_mask, parts))


def _not_negative(money: Money) -> Money:
    if money.amount < 0:
        raise PydanticCustomError("negative_amount", "An amount of zero or more.")
    return money


def _positive(money: Money) -> Money:
    if money.amount <= 0:
        raise PydanticCustomError("amount_not_positive", "An amount of more than zero.")
    return money


def _day(day: date) -> date:
    if not 1900 <= day.year <= 2200:
        raise PydanticCustomError("date_out_of_range", "A date between the years 1900 and 2200.")
    return day


def _present(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("missing", "This can be left out, but not emptied.")
    return value


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    if _has_mask(values):
        raise PydanticCustomError("masked_value", MASKED)
    if len(repr(values)) > 8000:
        raise PydanticCustomError("too_large", "At most 8,000 characters of further data.")
    return values


Amount = Annotated[Money, AfterValidator(_not_negative)]
Price = Annotated[Money, AfterValidator(_positive)]
Day = Annotated[date, AfterValidator(_day)]
Text = Annotated[str, Field(max_length=200)]
Label = Annotated[str, Field(min_length=1, max_length=100)]
Long = Annotated[str, Field(max_length=8000)]
Note = Annotated[str, Field(min_length=1, max_length=8000)]
Present = AfterValidator(_present)
"""For a field that may be left out (None), never set to null."""
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=30)]
Extra = Annotated[dict[str, Any], AfterValidator(_flat)]
Url = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$|^document:[0-9a-f-]{36}$")]


class Page(Schema):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] | None = None


def picked(
    model: type[BaseModel], row: Mapping[str, Any] | Record, money: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of a body that a row has, amounts as money."""
    return {
        name: euros(row[name]) if name in money else row[name]
        for name in model.model_fields.keys() & set(row.keys())
    }


def euros(amount: Decimal | None) -> Money | None:
    return None if amount is None else Money(amount=amount)
