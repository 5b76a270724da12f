"""Pydantic's findings in the shape of the contract, without what the caller sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _within_reach(moment: datetime) -> datetime:
    if not EARLIEST <= moment <= LATEST:
        raise PydanticCustomError("time_out_of_range", "A time between the years 1970 and 2200.")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
"""A time that somebody sends: with its offset, and far enough from the calendar's ends that
days can be counted from it."""


class Schema(BaseModel):
    """The base of what comes in: unknown fields are refused, text is stripped at its ends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


def error_items(error: ValidationError, where: str | None = None) -> list[dict[str, Any]]:
    """[{"loc", "type", "ctx", "msg"}], `loc` beginning with `where` (query, path) if given.

    Nothing of the input comes back: pydantic's own texts and contexts name limits and expected
    values, and what it takes from the input (an unknown key, a tag) is left out.
    """
    return [
        {
            "loc": [*([where] if where else []), *_loc(item)],
            "type": item["type"],
            "ctx": _ctx(item),
            "msg": _msg(item),
        }
        for item in error.errors(include_url=False, include_input=False)
    ]


def holds_nul(value: Any) -> bool:
    """Whether any text in a JSON value holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(holds_nul(key) or holds_nul(item) for key, item in value.items())
    return isinstance(value, list | tuple) and any(map(holds_nul, value))


_OWN_WORDS = {  # where pydantic's would quote the input
    "extra_forbidden": "There is a field here that is not known.",
    "union_tag_invalid": "This kind is not known.",
    "uuid_parsing": "Input should be a UUID.",
}


def _loc(item: Any) -> list[str | int]:
    loc = list(item["loc"])
    return loc[:-1] if item["type"] == "extra_forbidden" else loc


def _ctx(item: Any) -> dict[str, Any]:
    if item["type"] in _OWN_WORDS:
        return {}
    kept = {}
    for name, value in item.get("ctx", {}).items():
        if isinstance(value, bool | int | float | str):
            kept[name] = value
        elif isinstance(value, Decimal | date | datetime):
            kept[name] = str(value)
    return kept


def _msg(item: Any) -> str:
    return _OWN_WORDS.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
