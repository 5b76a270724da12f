"""The centre's clock is set while offers ring, people wait and work is wrapped up (R9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contactcenter.core.clock import ClockWatch
from routing.schemas import Close
from routing.service import PRESENT_FOR, PresenceService
from tests.integration.routing.scene import Scene

HOUR = timedelta(hours=1)
BOTH_WAYS = pytest.mark.parametrize("by", [HOUR, -HOUR, HOUR / 240], ids=["on", "back", "a bit"])


@BOTH_WAYS
async def test_an_offer_rings_for_as_long_as_it_had_left(scene: Scene, by: timedelta) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    rings = (offer["expires_at"] - offer["created_at"]).total_seconds()

    await scene.later(rings - 3)
    scene.clock.jump(by)
    await scene.later(2)
    still = await scene.offer(waiting)
    assert still is not None
    assert still["id"] == offer["id"]
    assert await scene.events("reservation.timed_out") == []

    await scene.later(1.5)
    assert await scene.offer(waiting) is None
    [missed] = await scene.events("reservation.timed_out")
    assert missed.event.agent_id == lucia.agent_id  # type: ignore[attr-defined]


async def test_without_the_watch_an_offer_is_missed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what the watch is there for."""
    monkeypatch.setattr(ClockWatch, "moved", lambda _: None)
    await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    scene.clock.jump(HOUR)
    await scene.settle()
    assert await scene.offer(waiting) is None
    assert len(await scene.events("reservation.timed_out")) == 1


@BOTH_WAYS
async def test_a_missed_call_sends_nobody_away_who_had_time_left(
    scene: Scene, by: timedelta
) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    await scene.arrive(channel="voice")
    await scene.settle()
    scene.clock.jump(by)
    await scene.later(1)
    row = await scene.one("SELECT status FROM agents WHERE id = $1", lucia.agent_id)
    assert row["status"] == "available"


@BOTH_WAYS
async def test_a_wait_is_as_long_as_it_was(scene: Scene, by: timedelta) -> None:
    """The service level counts on it, and so does the order in line."""
    first = await scene.arrive()
    await scene.later(30)
    scene.clock.jump(by)
    await scene.settle()
    await scene.later(5)
    second = await scene.arrive()
    await scene.later(5)
    lucia = await scene.agent("Lucía", SA=5)
    await scene.accepted(first, lucia)
    await scene.accepted(second, lucia)
    waits = [r.event.waited_ms for r in await scene.events("reservation.accepted")]  # type: ignore[attr-defined]
    assert waits == [40_000, 5_000]


@BOTH_WAYS
async def test_a_wrap_up_ends_once_and_on_time(scene: Scene, by: timedelta) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.accepted(waiting, lucia)
    await scene.desk.close(lucia, Close(interaction_id=waiting.interaction_id))
    await scene.settle()
    segment = await scene.one("SELECT state_since, wrap_deadline FROM segments")
    left = (segment["wrap_deadline"] - segment["state_since"]).total_seconds()

    await scene.later(left - 3)
    scene.clock.jump(by)
    await scene.later(2)
    assert (await scene.one("SELECT state FROM segments"))["state"] == "wrapping"
    await scene.later(1.5)
    assert (await scene.one("SELECT state FROM segments"))["state"] == "ended"
    scene.clock.jump(-by)
    await scene.later(left)
    assert len(await scene.events("interaction.wrapped_up")) == 1


@BOTH_WAYS
async def test_a_pause_after_a_miss_is_not_cut_nor_stretched(scene: Scene, by: timedelta) -> None:
    await scene.agent("Lucía", SA=5)
    waiting = await scene.arrive()
    await scene.settle()
    offer = await scene.offer(waiting)
    assert offer is not None
    await scene.later((offer["expires_at"] - offer["created_at"]).total_seconds())
    [before] = await scene.rows("SELECT cooldown_until FROM agent_states")
    left = before["cooldown_until"] - scene.clock.now()
    scene.clock.jump(by)
    await scene.settle()
    [after] = await scene.rows("SELECT cooldown_until FROM agent_states")
    assert after["cooldown_until"] - scene.clock.now() == left


async def test_what_is_written_after_the_clock_was_set_is_not_moved(scene: Scene) -> None:
    """Somebody comes in the moment between the setting and the leader's next look."""
    old = await scene.arrive()
    await scene.later(60)
    scene.clock.jump(HOUR)
    scene.clock.advance(0.5)
    new = await scene.arrive()
    entered = scene.clock.now()
    scene.clock.advance(0.4)
    await scene.settle()
    assert (await scene.visits(new))[0]["entered_at"] == entered
    assert (await scene.visits(old))[0]["entered_at"] == entered - timedelta(seconds=60.5)


class PassingTime:
    """A monotonic clock beside a database whose own clock is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def set_database_clock(scene: Scene, passing: PassingTime, by: timedelta) -> None:
    """As the rows and the watch would see it: everything stored is `by` further off."""
    await scene.execute("UPDATE agent_states SET present_until = present_until - $1::interval", by)
    passing.seconds -= by.total_seconds()


async def test_nobody_is_absent_because_the_databases_clock_was_set_forward(scene: Scene) -> None:
    lucia = await scene.agent("Lucía", SA=5)
    passing = PassingTime()
    presence = PresenceService(scene.work, passing)
    assert await presence.lapse() == 0
    await set_database_clock(scene, passing, HOUR)
    assert await presence.lapse() == 0
    await scene.execute("UPDATE agent_states SET present_until = clock_timestamp()")
    assert await presence.lapse() == 1, "who is silent lapses all the same"
    await presence.heartbeat({lucia.agent(): ()})
    assert (await scene.one("SELECT present FROM agent_states"))["present"]


async def test_without_the_watch_everybody_is_absent(scene: Scene) -> None:
    """The negative control: a service that has not looked before cannot know."""
    await scene.agent("Lucía", SA=5)
    passing = PassingTime()
    await set_database_clock(scene, passing, HOUR)
    assert await PresenceService(scene.work, passing).lapse() == 1


async def test_a_silent_desk_lapses_though_the_databases_clock_was_set_back(scene: Scene) -> None:
    await scene.agent("Lucía", SA=5)
    passing = PassingTime()
    presence = PresenceService(scene.work, passing)
    await presence.lapse()
    await set_database_clock(scene, passing, -HOUR)
    assert await presence.lapse() == 0
    [row] = await scene.rows("SELECT present_until - clock_timestamp() AS left FROM agent_states")
    assert row["left"] <= PRESENT_FOR
