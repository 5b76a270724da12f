"""The picture: a delta holds what changed and nothing else, and deltas rebuild the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contactcenter.analytics.board import AgentInfo, Board, Customer, Picture
from contactcenter.analytics.ledger import Ledger
from contactcenter.analytics.metrics import DEFAULT_TARGET_MS
from contactcenter.events.agents import AgentHelpRequested
from contactcenter.events.routing import ReservationAccepted
from tests.unit.analytics.day import BASE_MS, Day, agent_id
from tests.unit.analytics.test_ledger import busy_day


@dataclass(frozen=True)
class Queue:
    key: str
    target_ms: Mapping[str, int]
    short_ms: int = 5_000
    goal_percent: int = 80
    abandon_percent: int = 8
    unreadable: bool = False

    @property
    def name_es(self) -> str:
        return self.key

    name_en = skill = name_es


QUEUES = [Queue(key, DEFAULT_TARGET_MS) for key in ("SA", "SH", "PR")]
PEOPLE = [AgentInfo(agent_id(name), name, {"SA": 5}) for name in ("Lucía", "Marcos", "Nerea")]


def board_on(ledger: Ledger, names: dict[UUID, Customer] | None = None) -> Board:
    return Board(ledger, BASE_MS, QUEUES, PEOPLE, names or {})


def merged(picture: Picture, changes: Picture) -> Picture:
    """What a screen does with a delta."""
    after: dict[str, dict[str, Any]] = {section: dict(rows) for section, rows in picture.items()}
    for section, rows in changes.items():
        for key, value in rows.items():
            if value is None:
                after[section].pop(key)
            else:
                after.setdefault(section, {})[key] = value
    return after


def test_snapshot_and_deltas_give_the_picture_at_every_step() -> None:
    day = busy_day()
    ledger = Ledger()
    board = board_on(ledger)
    screen: Picture = board.delta(BASE_MS)
    for at_ms, event in sorted(day.facts, key=lambda fact: fact[0]):
        ledger.apply(event, at_ms)
        screen = merged(screen, board.delta(at_ms))
        assert {s: rows for s, rows in screen.items() if rows} == {
            s: rows for s, rows in board.shown.items() if rows
        }


def test_a_board_fed_live_equals_one_built_at_once() -> None:
    day = busy_day()
    live = Ledger()
    board = board_on(live)
    for at_ms, event in sorted(day.facts, key=lambda fact: fact[0]):
        live.apply(event, at_ms)
        board.delta(at_ms)
    now = BASE_MS + 4_000_000
    board.delta(now)
    rebuilt = board_on(day.ledger())
    rebuilt.delta(now)
    assert board.shown == rebuilt.shown


def test_nothing_changed_is_an_empty_delta() -> None:
    board = board_on(busy_day().ledger())
    now = BASE_MS + 4_000_000
    board.delta(now)
    assert board.delta(now + 1) == {}


def test_the_clock_alone_makes_a_wait_a_miss() -> None:
    day = Day()
    day.enter(0)
    board = board_on(day.ledger())
    board.delta(BASE_MS + 20_000)
    changes = board.delta(BASE_MS + 20_001)
    assert changes["today"]["SA|voice"]["service_level"]["centre"] == (0, 1)


def test_an_answered_item_leaves_the_waiting_section() -> None:
    day = Day()
    item = day.enter(0)
    ledger = day.ledger()
    board = board_on(ledger, {item.interaction_id: Customer("Rubén Castán")})
    shown = board.delta(BASE_MS + 1_000)["waiting"][str(item.interaction_id)]
    assert (shown["customer_name"], shown["state"], shown["offered_to"]) == (
        "Rubén Castán",
        "queued",
        None,
    )
    later = Day()
    later.ring(item, "Lucía", 2)
    later.answer(item, "Lucía", 4)
    for at_ms, event in later.facts:
        ledger.apply(event, at_ms)
    changes = board.delta(BASE_MS + 5_000)
    assert changes["waiting"] == {str(item.interaction_id): None}
    assert changes["agents"][str(agent_id("Lucía"))]["state"] == "on_contact"


def test_edited_limits_change_today_at_once() -> None:
    day = Day()
    day.answer(day.enter(0), "Lucía", 15)
    board = board_on(day.ledger())
    before = board.delta(BASE_MS + 30_000)["today"]["SA|voice"]["service_level"]["centre"]
    board.configure([Queue("SA", {"voice": 10_000})])
    after = board.delta(BASE_MS + 30_000)["today"]["SA|voice"]["service_level"]["centre"]
    assert (before, after) == ((1, 1), (0, 1))


def test_work_of_an_earlier_day_waits_but_is_not_counted_today() -> None:
    day = Day()
    item = day.enter(-3_600, channel="email")
    board = board_on(day.ledger())
    picture = board.delta(BASE_MS + 1_000)
    assert str(item.interaction_id) in picture["waiting"]
    assert "today" not in picture


def test_a_raised_hand_is_seen_until_the_agents_part_ends() -> None:
    day = busy_day()
    ledger = Ledger()
    board = board_on(ledger)
    facts = sorted(day.facts, key=lambda fact: fact[0])
    started = next(event for _, event in facts if isinstance(event, ReservationAccepted))
    asked = AgentHelpRequested(agent_id=started.agent_id, interaction_id=started.interaction_id)
    seen: list[object] = []
    for at_ms, event in facts:
        ledger.apply(event, at_ms)
        if event is started:
            ledger.apply(asked, at_ms + 1)
        board.delta(at_ms + 1)
        hand = board.shown["agents"][str(started.agent_id)]["help"]
        if not seen or seen[-1] != (hand and hand["interaction_id"]):
            seen.append(hand and hand["interaction_id"])
    assert seen == [None, str(started.interaction_id), None]
