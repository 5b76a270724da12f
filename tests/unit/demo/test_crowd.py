"""The demo's customers: the tables of config/defaults/demo.toml as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import mean
from zoneinfo import ZoneInfo

import pytest

from contactcenter.core.moments import to_ms
from contactcenter.demo.crowd import DemoCrowd
from contactcenter.interactions.model import Channel

MADRID = ZoneInfo("Europe/Madrid")
ELEVEN = datetime(2026, 11, 23, 11, 0, tzinfo=MADRID).astimezone(UTC)


def of(crowd: DemoCrowd, channel: str, at: datetime) -> float:
    return sum(
        rate for (_, of_channel), rate in crowd.rates(to_ms(at)).items() if of_channel == channel
    )


@pytest.mark.parametrize(
    ("hour", "minute", "voice"),
    [(9, 0, 16), (9, 29, 16), (9, 30, 24), (11, 0, 36), (13, 30, 18), (15, 0, 14), (18, 30, 10)],
)
def test_calls_per_half_hour(hour: int, minute: int, voice: float) -> None:
    at = datetime(2026, 11, 23, hour, minute, tzinfo=MADRID).astimezone(UTC)
    assert of(DemoCrowd(MADRID), "voice", at) == pytest.approx(voice)


def test_the_mix_is_of_a_hundred() -> None:
    crowd = DemoCrowd(MADRID)
    rates = crowd.rates(to_ms(ELEVEN))
    shares = {queue: rate / 36 for (queue, channel), rate in rates.items() if channel == "voice"}
    assert shares == pytest.approx(
        {"SA": 0.30, "SH": 0.20, "PR": 0.28, "CO": 0.14, "SV": 0.06, "RE": 0.02}
    )


def test_hail_is_trouble_in_claims_only() -> None:
    crowd = DemoCrowd(MADRID)
    calm = dict(crowd.rates(to_ms(ELEVEN)))
    crowd.hail = True
    hail = crowd.rates(to_ms(ELEVEN))
    times = {queue: hail[queue, "voice"] / calm[queue, "voice"] for queue in ("SA", "SH", "PR")}
    assert times == pytest.approx({"SA": 1.7, "SH": 1.7, "PR": 1.0})


def test_the_expected_curve_is_the_tables_without_hail() -> None:
    crowd = DemoCrowd(MADRID)
    crowd.hail = True
    start = datetime(2026, 11, 23, 0, 0, tzinfo=MADRID).astimezone(UTC)
    rows = [
        row for row in crowd.expected(start, start + timedelta(days=1)) if row.channel == "voice"
    ]
    by_half: dict[datetime, float] = {}
    for row in rows:
        by_half[row.start] = by_half.get(row.start, 0) + row.contacts
    morning = [16, 24, 30, 34, 36, 34, 30, 28, 24, 18]
    afternoon = [20, 24, 24, 22, 16, 10]
    assert [by_half[half] for half in sorted(by_half)] == pytest.approx(morning + afternoon)


@pytest.mark.parametrize(
    ("queue", "channel", "seconds"),
    [("SA", "voice", 420), ("PR", "voice", 270), ("CO", "chat", 540), ("PR", "email", 300)],
)
def test_handling_has_its_mean(queue: str, channel: Channel, seconds: int) -> None:
    crowd, dice = DemoCrowd(MADRID), Random(1)
    drawn = mean(crowd.handle_ms(queue, channel, dice) for _ in range(4_000))
    assert drawn == pytest.approx(seconds * 1000, rel=0.05)


def test_messages_wait_for_ever_and_some_callers_do_not_wait_at_all() -> None:
    crowd, dice = DemoCrowd(MADRID), Random(1)
    assert crowd.patience_ms("email", dice) is None
    assert crowd.patience_ms("whatsapp", dice) is None
    drawn = [crowd.patience_ms("voice", dice) or 0 for _ in range(4_000)]
    assert mean(drawn) == pytest.approx(175_000, rel=0.08)
    assert sum(patience < 5_000 for patience in drawn) / 4_000 == pytest.approx(0.057, abs=0.015)
