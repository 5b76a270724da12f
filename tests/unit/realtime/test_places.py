from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from contactcenter.realtime.projector import Places


@dataclass
class At:
    conversation_id: UUID
    position: int
    estimated_wait_seconds: int | None


def test_only_what_changed_is_told() -> None:
    places, a, b = Places(), uuid4(), uuid4()
    first = dict(places.news("SA", [At(a, 1, 30), At(b, 2, 60)]))
    assert first[b] == {
        "conversation_id": str(b),
        "position": 2,
        "estimated_wait_seconds": 60,
    }
    assert places.news("SA", [At(a, 1, 30), At(b, 2, 60)]) == []
    assert [c for c, _ in places.news("SA", [At(b, 1, 30)])] == [b]


def test_a_rising_estimate_is_not_announced() -> None:
    places, a = Places(), uuid4()
    places.news("SA", [At(a, 3, 90)])
    assert places.news("SA", [At(a, 3, 200)]) == []
    ((_, told),) = places.news("SA", [At(a, 4, 200)])
    assert (told["position"], told["estimated_wait_seconds"]) == (4, 90)
    ((_, told),) = places.news("SA", [At(a, 2, 40)])
    assert told["estimated_wait_seconds"] == 40
    ((_, told),) = places.news("SA", [At(a, 2, None)])
    assert told["estimated_wait_seconds"] is None


def test_whoever_left_begins_anew() -> None:
    places, a = Places(), uuid4()
    places.news("SA", [At(a, 1, 10)])
    places.news("SA", [])
    ((_, told),) = places.news("SA", [At(a, 5, 300)])
    assert told["estimated_wait_seconds"] == 300


def test_each_queue_is_looked_at_once() -> None:
    places = Places()
    places.touch(["SA", "SH", "SA"])
    assert places.take_touched() == ["SA", "SH"]
    assert places.take_touched() == []


def test_what_may_be_passed_over_is_told_again_until_the_log_has_caught_up() -> None:
    places, a, b = Places(), uuid4(), uuid4()
    places.news("SA", [At(a, 1, 30), At(b, 2, 60)])
    assert [c for c, _ in places.news("SA", [At(b, 1, 30)], sure=False)] == [b]
    for sure in (False, True):
        assert places.take_touched() == ["SA"]
        assert [c for c, _ in places.news("SA", [At(b, 1, 30)], sure=sure)] == [b]
    assert places.take_touched() == []
    assert places.news("SA", [At(b, 1, 30)]) == []


def test_a_new_snapshot_puts_in_doubt_what_was_told() -> None:
    places, a, stranger = Places(), uuid4(), uuid4()
    places.news("SA", [At(a, 1, 30)])
    places.doubt(stranger)
    assert places.take_touched() == []
    places.doubt(a)
    assert places.take_touched() == ["SA"]
    assert [c for c, _ in places.news("SA", [At(a, 1, 30)])] == [a]
    assert places.news("SA", [At(a, 1, 30)]) == []
