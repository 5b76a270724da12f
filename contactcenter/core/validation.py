"""Pydantic's findings in the shape of the contract, without what the caller sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from contactcenter.core.errors import Invalid

_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

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


def refuse_unfit(value: Any, where: str | None = None) -> None:
    """Invalid, naming the field, when a text of a JSON value holds what no text needs: control
    characters but tab and line ends, lone surrogates, marks that override the direction of
    writing (a name that reads backwards on every screen)."""
    loc = unfit_at(value)
    if loc is not None:
        raise Invalid(
            errors=[
                {
                    "loc": [*([where] if where else []), *loc],
                    "type": "control_characters",
                    "ctx": {},
                    "msg": "Control characters and direction marks are not part of a text.",
                }
            ]
        )


def unfit_at(value: Any) -> list[str | int] | None:
    """Where in a JSON value the first unfit text is; None: nowhere. An unfit key is not told."""
    if isinstance(value, str):
        return [] if _UNFIT.search(value) else None
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        if any(isinstance(key, str) and _UNFIT.search(key) for key in value):
            return []
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for name, item in items:
        if (loc := unfit_at(item)) is not None:
            return [name, *loc]
    return None


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
