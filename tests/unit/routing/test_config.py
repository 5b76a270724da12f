"""Stored configuration: what is read, and what is refused with one sentence."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing import config
from routing.config import ConfigError, read_queue
from routing.core.model import (
    DEFAULT_POLICIES,
    Band,
    Channel,
    QueueConfig,
    Requirement,
    SkipIf,
    WrapMode,
    bases_apart,
    boosts_too_low,
)
from routing.simulate import centre


def test_what_is_left_out_takes_the_channels_default() -> None:
    queue = read_queue("SA", "SA", "longest_idle", {})
    assert queue.policies == DEFAULT_POLICIES
    assert queue.require == (Requirement("SA"),)
    assert len(queue.steps) == 1


def test_steps_and_channels_are_read_in_seconds() -> None:
    queue = read_queue(
        "SA",
        "SA",
        "best_skill",
        {
            "steps": [
                {"require": {"SA": 3}, "prefer": {"CA": 2}, "for_s": 30, "skip_if": "none_free"},
                {},
            ],
            "channels": {
                "voice": {
                    "band": 1,
                    "target_s": 10,
                    "max_wait_s": 600,
                    "overflow": "SH",
                    "interrupts": ["email"],
                    "wrap": "timed",
                }
            },
        },
    )
    first = queue.steps[0]
    assert (first.require, first.for_ms) == ((Requirement("SA", 3),), 30_000)
    assert (first.prefer[0].weight, first.skip_if) == (2, SkipIf.NONE_FREE)
    voice = queue.policies[Channel.VOICE]
    assert (voice.band, voice.target_ms, voice.max_wait_ms) == (Band.DANGER, 10_000, 600_000)
    assert (voice.interrupts, voice.wrap) == (frozenset({Channel.EMAIL}), WrapMode.TIMED)


@pytest.mark.parametrize(
    "bad",
    [
        {"step": []},
        {"steps": [{"requires": {}}]},
        {"steps": [{"require": {"SA": "3"}}]},
        {"steps": [{}, {"for_s": 3}]},  # the first never ends
        {"steps": [{"require": {"SA": 3}, "for_s": 0}, {}]},
        {"steps": [{"skip_if": "never ever"}]},
        {"channels": {"fax": {}}},
        {"channels": {"voice": {"speed": 1}}},
        {"channels": {"voice": {"target_s": 1.5}}},
        {"channels": {"voice": {"target_s": 0}}},
        {"channels": {"voice": {"band": 4}}},
        {"channels": {"voice": {"overflow": "SA"}}},
        {"channels": {"voice": {"wrap": "long"}}},
        {"channels": []},
        {"channels": {"chat": {"cost": 10**12}}},
        {"channels": {"chat": {"base": -1}}},
        {"channels": {"voice": {"interrupts": 5}}},
        {"steps": None},
        {"steps": {}},
        {"steps": [{"agents": 5}]},
        {"handle_s": 300},
        {"handle_s": {"fax": 1}},
        {"handle_s": {"chat": 10**15}},
        {"preferred_s": 1e300},
        {"preferred_s": -1},
        {"preferred_s": None},
    ],
)
def test_what_makes_no_sense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        read_queue("SA", "SA", "longest_idle", bad)
    with pytest.raises(ConfigError):
        read_queue("SA", "SA", "by lot", {})


def test_a_last_step_without_time_would_bar_the_whole_queue() -> None:
    steps = [{"require": {"SA": 3}, "for_s": 30}, {"require": {"SA": 2}, "for_s": 0}]
    with pytest.raises(ConfigError, match=r"Step 2: its time must be above zero\."):
        read_queue("SA", "SA", "longest_idle", {"steps": steps})
    steps[1]["for_s"] = None
    assert read_queue("SA", "SA", "longest_idle", {"steps": steps}).steps[1].for_ms is None


def test_a_boost_bridges_the_bases_of_its_band() -> None:
    def queue(key: str, **voice: int) -> QueueConfig:
        return read_queue(key, key, "longest_idle", {"channels": {"voice": voice}})

    low, high = queue("SA", base=30), queue("SH", base=71)
    apart = bases_apart([low, high])
    assert apart == {Band.LIVE: 41, Band.DEFERRED: 0}
    assert boosts_too_low(low, apart) == [Channel.VOICE, Channel.CHAT]
    assert boosts_too_low(low, bases_apart([low, queue("SH", base=70)])) == []


def test_the_boosts_of_a_new_centre_bridge_its_bases() -> None:
    queues = centre(skills=True).queues.values()
    apart = bases_apart(queues)
    assert apart[Band.LIVE] > 0
    assert [queue.id for queue in queues if boosts_too_low(queue, apart)] == []


def test_a_queue_with_its_calendar() -> None:
    def read(**values: Any) -> config.Queue:
        return config.read(
            key="SA",
            skill="SA",
            strategy="linear",
            weekly={"mon": [["09:00", "14:00"]]},
            exceptions=[],
            zone=ZoneInfo("Europe/Madrid"),
            retired=False,
            version=(1, 1),
            config=values,
        )

    queue = read(preferred_s=20, handle_s={"voice": 420})
    assert queue.preferred_ms == 20_000
    assert queue.handle_ms[Channel.VOICE] == 420_000
    assert read().preferred_ms == config.PREFERRED_MS
    with pytest.raises(ConfigError):
        read(handle_s={"fax": 1})
