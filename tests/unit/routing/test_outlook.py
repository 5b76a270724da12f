"""The estimated wait: the example of docs/estimated-wait.md, and what else it promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from routing.outlook import Desk, Handling, Line, Outlook, Waiting

MOTOR, HOME, CALL = ("SA", "chat"), ("SH", "chat"), ("SA", "voice")
LUCIA = Desk(frozenset({"SA", "SH"}), frozenset({"chat", "voice"}), 100, 100, {})
MARCOS = Desk(frozenset({"SH"}), frozenset({"chat"}), 100, 100, {})


def handling(line: Line) -> Handling:
    return Handling(540_000, 0, 100 if line[1] == "voice" else 25)


def waits(name: str, line: Line, at: int, **more: Any) -> Waiting:
    return Waiting(name, line, handling(line).cost, (2, True, -50_000, at, name), **more)


LINE = (waits("a", MOTOR, 1), waits("b", MOTOR, 2), waits("c", MOTOR, 3))


def told(*waiting: Waiting, desks: tuple[Desk, ...] = (LUCIA,)) -> dict[str, int | None]:
    """Who waits in motor → the estimate in seconds."""
    places = Outlook(waiting, desks, handling).places(["SA"])["SA"]
    assert [place.position for place in places] == list(range(1, len(places) + 1))
    return {p.id: None if p.wait_ms is None else p.wait_ms // 1000 for p in places}


def test_the_line_moves_up_each_time_a_slot_comes_free() -> None:
    assert told(*LINE) == {"a": 135, "b": 270, "c": 405}
    assert told(*reversed(LINE)) == {"a": 135, "b": 270, "c": 405}  # the order is the router's


def test_who_comes_first_in_another_queue_counts_by_the_share_of_common_slots() -> None:
    before = waits("h", HOME, 0)
    assert told(before, *LINE)["a"] == 270  # only Lucía could take it
    assert told(before, *LINE, desks=(LUCIA, MARCOS))["a"] == 135 + 135 // 2
    after = waits("h", HOME, 9)
    assert told(after, *LINE) == told(*LINE)


def test_who_comes_first_counts_by_units() -> None:
    assert told(waits("v", CALL, 0), LINE[0])["a"] == 5 * 135  # a call takes four chats' room


def test_free_slots_are_taken_first() -> None:
    half = replace(LUCIA, load=50)
    assert told(*LINE, desks=(half,)) == {"a": 0, "b": 0, "c": 135}


def test_whom_an_agent_is_asked_for_needs_no_slot_and_is_told_nothing() -> None:
    rings = replace(LINE[0], ringing=True)
    assert told(rings, *LINE[1:]) == {"a": None, "b": 135, "c": 270}


def test_nobody_there_is_no_estimate() -> None:
    assert told(*LINE, desks=()) == {"a": None, "b": None, "c": None}
    assert told(*LINE, desks=(MARCOS,))["a"] is None
    assert told(*LINE, desks=(replace(LUCIA, maxima={"chat": 0}),))["a"] is None
    assert told(*LINE, desks=(replace(LUCIA, channels=frozenset({"voice"})),))["a"] is None


def test_a_maximum_makes_fewer_slots() -> None:
    assert told(*LINE, desks=(replace(LUCIA, maxima={"chat": 2}),))["a"] == 270


def test_no_estimate_is_above_the_first() -> None:
    first = replace(LINE[2], told_ms=200_000)
    assert told(*LINE[:2], first)["c"] == 200
    assert told(LINE[0], first)["c"] == 200
    assert told(first)["c"] == 135


def test_whoever_comes_now_is_behind_all_of_the_band() -> None:
    mail = Waiting("m", ("SA", "email"), 10, (3, True, -50_000, 0, "m"))
    outlook = Outlook((*LINE, mail), (LUCIA,), handling)
    assert outlook.last(MOTOR, 2) == 3
    assert outlook.estimate(MOTOR).wait_ms(3) == 540_000
