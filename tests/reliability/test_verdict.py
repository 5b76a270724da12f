"""The judge itself: each kind of broken promise, planted, is found, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.reliability.load import Ledger, Said
from tests.reliability.verdict import out_of_order, over_budget, overtaken

NOON = datetime(2027, 3, 16, 12, tzinfo=UTC)
TALK = UUID(int=1)
AGENT = UUID(int=2)


def queued(item: str, start: int, seconds: float, **routing: Any) -> dict[str, Any]:
    data = {"work_item_id": item, "virtual_start": f"2027-03-16T11:00:{start:02}Z"}
    return row("interaction.queued", seconds, {**data, "routing": routing})


def offered(item: str, seconds: float, agent: str = "x") -> dict[str, Any]:
    return row("reservation.created", seconds, {"work_item_id": item, "agent_id": agent})


def row(kind: str, seconds: float, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "data": data, "created_at": NOON + timedelta(seconds=seconds)}


def test_who_is_served_before_an_earlier_one_is_found() -> None:
    log = [queued("a", 1, 0), queued("b", 2, 0), offered("b", 5), offered("a", 6)]
    assert overtaken(log) == [("b", "a")]


def test_the_right_order_is_right() -> None:
    log = [queued("a", 1, 0), queued("b", 2, 0), offered("a", 5), offered("b", 6)]
    assert overtaken(log) == []


def test_an_offer_that_ended_waits_on_in_its_place() -> None:
    ended = row("reservation.rejected", 6, {"work_item_id": "a", "agent_id": "x"})
    log = [queued("a", 1, 0), queued("b", 2, 0), offered("a", 5), ended]
    assert overtaken([*log, offered("b", 9, "y")]) == [("b", "a")]
    assert overtaken([*log, offered("b", 9, "x")]) == [], "who let it pass is not asked again"


def test_who_was_heard_of_later_or_waits_for_somebody_is_not_overtaken() -> None:
    assert overtaken([queued("b", 2, 0), queued("a", 1, 0), offered("b", 5)]) == []
    log = [queued("a", 1, 0, preferred=["x"]), queued("b", 2, 0), offered("b", 5)]
    assert overtaken(log) == []


def test_messages_in_another_order_than_acknowledged_are_found() -> None:
    ledger = Ledger([Said(TALK, "visitor", "one"), Said(TALK, "visitor", "two")])
    stored = [
        {"conversation_id": TALK, "sender": "visitor", "body": body} for body in ("one", "two")
    ]
    assert out_of_order(stored, ledger) == 0
    assert out_of_order(stored[::-1], ledger) == 1
    assert out_of_order(stored[1:], ledger) == 0, "that one is lost, which is counted apart"


def test_more_than_the_budget_at_once_is_found() -> None:
    def part(begin: int, end: int | None) -> dict[str, Any]:
        return {
            "agent_id": AGENT,
            "full_cost": 60,
            "started_at": NOON + timedelta(seconds=begin),
            "ended_at": None if end is None else NOON + timedelta(seconds=end),
        }

    assert over_budget([part(0, 10), part(10, None)], {AGENT: 100}) == 0
    assert over_budget([part(0, 11), part(10, None)], {AGENT: 100}) == 1
