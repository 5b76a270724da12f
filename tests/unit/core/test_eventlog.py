from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactcenter.core.event import Event, Position
from contactcenter.core.eventlog import decoder
from contactcenter.events import CATALOGUE


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingSaid(Event):
    name: ClassVar[str] = "everything.said"
    subject_field: ClassVar[str] = "id"

    id: UUID
    at: datetime
    until: datetime | None
    words: tuple[str, ...]
    ids: tuple[UUID, ...] = ()
    levels: dict[str, int] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)
    price: Decimal = Decimal(0)
    choice: Literal["a", "b"] = "a"
    sure: bool = True
    ratio: float = 0.5


UTC_TIMES = st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 2)).map(  # noqa: DTZ001
    lambda moment: moment.astimezone(UTC)
)
EVENTS = st.builds(
    EverythingSaid,
    id=st.uuids(),
    at=UTC_TIMES,
    until=st.none() | UTC_TIMES,
    words=st.lists(st.text(st.characters(exclude_categories=["Cs"]))).map(tuple),
    ids=st.lists(st.uuids()).map(tuple),
    levels=st.dictionaries(st.text("abc"), st.integers(0, 9)),
    times=st.dictionaries(st.text("abc"), UTC_TIMES),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    choice=st.sampled_from(["a", "b"]),
    sure=st.booleans(),
)


def stored(event: Event) -> dict[str, Any]:
    """What comes back from the jsonb column."""
    value: dict[str, Any] = orjson.loads(orjson.dumps(event, default=str))
    return value


@settings(max_examples=40)
@given(EVENTS)
def test_an_event_comes_back_as_it_went(event: EverythingSaid) -> None:
    assert decoder(EverythingSaid)(stored(event)) == event


def test_an_older_row_takes_defaults_and_a_newer_one_loses_what_we_do_not_know() -> None:
    row = {
        "id": "01890000-0000-7000-8000-000000000000",
        "at": "2026-03-01T12:00:00+00:00",
        "until": None,
        "words": ["a"],
        "colour": "red",
    }
    event = decoder(EverythingSaid)(row)
    assert isinstance(event, EverythingSaid)
    assert (event.words, event.levels, event.sure) == (("a",), {}, True)


def test_a_row_without_what_is_needed_is_refused() -> None:
    with pytest.raises(TypeError):
        decoder(EverythingSaid)({"words": []})


@pytest.mark.parametrize(
    "kind", [complex, frozenset[str], int | str, dict[int, str], tuple[int, str]]
)
def test_a_field_that_json_cannot_give_back_is_refused_when_the_class_is_read(kind: Any) -> None:
    drawn = make_dataclass("PointDrawn", [("point", kind)], bases=(Event,), frozen=True)
    with pytest.raises(TypeError, match="cannot hold"):
        decoder(drawn)


@pytest.mark.parametrize("cls", list(CATALOGUE), ids=lambda cls: cls.name)
def test_every_published_event_can_be_read(cls: type[Event]) -> None:
    decoder(cls)


@given(
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1)),
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1)),
)
def test_cursors_sort_as_positions(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = Position(*one), Position(*other)
    assert (first < second) == (first.cursor() < second.cursor())
    assert Position.parse(first.cursor()) == first


@pytest.mark.parametrize("text", ["", "1", "x.y", "1.z"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Position.parse(text)
