"""Deadlines, tokens and the days on which clocks change, on a clock that the test sets (R9)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.app.conftest import Centre, ShiftedClock, StartCentre
from tests.integration.app.people import PASSWORD, Desk
from tests.integration.app.test_journey import LUCIA, talking

HOUR = timedelta(hours=1)
OFFER = timedelta(seconds=30)  # of a chat
WRAP_UP = timedelta(seconds=60)

SPRING = datetime(2027, 3, 28, 0, 59, 50, tzinfo=UTC)  # 01:59:50 in Madrid; 03:00 comes next
FIVE_TO_TWO = datetime(2027, 3, 16, 12, 55, tzinfo=UTC)  # in Madrid; the office closes at two
AUTUMN = datetime(2027, 10, 31, 0, 59, 50, tzinfo=UTC)  # 02:59:50; 02:00 comes next

ENDED_TWICE = """
SELECT data->>'reservation_id' FROM event_log
WHERE type ~ '^reservation[.](accepted|rejected|timed_out|rescinded|cancelled)$'
GROUP BY 1 HAVING count(*) > 1
"""
ENDS = """
SELECT count(*) FROM event_log
WHERE type ~ '^reservation[.](timed_out|rescinded)$' AND data->>'reservation_id' = $1
"""
WRAPPED_UP = """
SELECT data->>'disposition' FROM event_log
WHERE type = 'interaction.wrapped_up' AND data->>'interaction_id' = $1
"""
WAITING = """
SELECT i.conversation_id::text AS id, w.id AS item, w.band, w.base, w.virtual_start, w.entered_at
FROM work_items w JOIN interactions i ON i.id = w.interaction_id WHERE w.queue = 'SA'
"""
RESUMED = """
SELECT count(*) FROM event_log
WHERE type = 'interaction.resumed' AND data->>'interaction_id' = $1
"""


async def ask(centre: Centre, query: str, *arguments: Any) -> list[Any]:
    """The first column."""
    async with centre.house.deps.work.reading("test.look") as conn:
        return [row[0] for row in await conn.fetch(query, *arguments)]


async def nudge(centre: Centre, by: timedelta) -> None:
    """Let so much time pass, a few seconds at a time."""
    while by > timedelta():
        step = min(by, timedelta(seconds=4))
        centre.clock.advance(step)
        by -= step
        await asyncio.sleep(0.05)


async def wrapping(centre: Centre) -> tuple[Desk, str]:
    """An agent in a wrap-up of sixty seconds; the interaction."""
    _, desk, accepted = await talking(centre)
    interaction_id = accepted["interaction"]["interaction_id"]
    await desk.do("interaction.close", {"interaction_id": interaction_id})
    await desk.hears("interaction.wrap_started")
    return desk, interaction_id


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_wrap_up_ends_once_and_in_its_time(centre: Centre, by: timedelta) -> None:
    desk, interaction_id = await wrapping(centre)
    centre.clock.jump(by)
    await centre.router_looks()
    assert await ask(centre, WRAPPED_UP, interaction_id) == [], "it keeps the time it had"
    await nudge(centre, WRAP_UP)
    await desk.hears("interaction.wrapped_up", interaction_id=interaction_id)
    centre.clock.jump(-by)  # set right again: what has ended stays so
    await centre.router_looks()
    assert await ask(centre, WRAPPED_UP, interaction_id) == ["none"]


async def test_a_snooze_ends_once_at_its_time(centre: Centre) -> None:
    _, desk, accepted = await talking(centre)
    interaction_id = accepted["interaction"]["interaction_id"]
    until = centre.clock.now() + 2 * HOUR
    await desk.do(
        "interaction.snooze", {"interaction_id": interaction_id, "until": until.isoformat()}
    )
    await desk.hears("interaction.parked")
    centre.clock.jump(HOUR)
    await centre.router_looks()
    assert await ask(centre, RESUMED, interaction_id) == [0]
    centre.clock.jump(HOUR)
    await desk.hears("interaction.resumed", interaction_id=interaction_id)
    for by in (-HOUR, HOUR):
        centre.clock.jump(by)
        await centre.router_looks()
    assert await ask(centre, RESUMED, interaction_id) == [1]


@pytest.mark.parametrize("night", [SPRING, AUTUMN], ids=["spring", "autumn"])
async def test_the_hour_that_is_missing_or_double_changes_no_deadline(
    start: StartCentre, night: datetime
) -> None:
    centre = await start(clock=ShiftedClock(night))
    desk = await (await centre.desk(LUCIA)).available()
    visitor = await centre.visitor(queue="SA", message="Hola")
    # The queue is closed at night; whoever is at the desk all the same is offered what waits.
    assert visitor.conversation["state"] == "message_left"
    offer = await desk.hears("reservation.created")
    reservation_id = offer["reservation_id"]
    await nudge(centre, OFFER - timedelta(seconds=8))  # over the change
    assert centre.clock.now() > night + timedelta(seconds=10)
    assert await ask(centre, ENDS, reservation_id) == [0]
    await nudge(centre, timedelta(seconds=8))
    await desk.hears("reservation.timed_out", reservation_id=reservation_id)
    for _ in range(3):
        centre.clock.jump(HOUR)
        await centre.router_looks()
    assert await ask(centre, ENDS, reservation_id) == [1]
    assert await ask(centre, ENDED_TWICE) == []


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_session_outlives_a_set_clock(centre: Centre, by: timedelta) -> None:
    login = {"email": LUCIA, "password": PASSWORD}
    _, tokens = await centre.http("POST", "/auth/login", json=login)
    centre.clock.jump(by)
    refresh = {"refresh_token": tokens["refresh_token"]}
    status, renewed = await centre.http("POST", "/auth/refresh", json=refresh)
    assert status == 200
    status, me = await centre.http("GET", "/auth/me", token=renewed["access_token"])
    assert (status, me["user"]["email"]) == (200, LUCIA)
    desk = Desk(centre.url)
    await desk.connect(renewed["access_token"])
    await desk.until(lambda: desk.snapshots, "the snapshot")
    await desk.leave()
    centre.clock.advance(timedelta(seconds=11))
    status, _ = await centre.http("POST", "/auth/refresh", json=refresh)
    assert status == 401, "a token that was used ends its family"
    status, _ = await centre.http("GET", "/auth/me", token=renewed["access_token"])
    assert status == 401


async def waiting(centre: Centre) -> dict[str, Any]:
    """Conversation → its place in SA."""
    async with centre.house.deps.work.reading("test.look") as conn:
        return {row["id"]: tuple(row)[1:] for row in await conn.fetch(WAITING)}


async def test_who_waits_at_closing_time_is_still_served(start: StartCentre) -> None:
    centre = await start(clock=ShiftedClock(FIVE_TO_TWO))
    first = await centre.visitor(queue="SA", message="Hola")
    second = await centre.visitor(queue="SA", message="Buenos días")
    places = await waiting(centre)
    centre.clock.advance(timedelta(minutes=10))
    await centre.router_looks()
    await first.say("Sigo aquí")
    late = await centre.visitor(queue="SA", message="Llego tarde")
    assert late.conversation["state"] == "message_left", "the control: it is closed now"
    then = await waiting(centre)
    assert then.pop(late.id) not in places.values()
    assert then == places, "the same item, band, place and clock"
    desk = await (await centre.desk(LUCIA)).available()
    for visitor in (first, second, late):
        accepted = await desk.accepts()
        assert accepted["conversation"]["conversation_id"] == visitor.id
