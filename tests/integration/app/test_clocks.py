"""The machine's clock is set an hour forward or back while people talk (R9)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.integration.app.conftest import Centre
from tests.integration.app.test_journey import LUCIA, talking

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_talk_goes_on(centre: Centre, by: timedelta) -> None:
    visitor, desk, accepted = await talking(centre)
    centre.clock.jump(by)
    await visitor.say("¿Qué hora es?")
    await desk.hears("chat.message", body="¿Qué hora es?")
    await desk.say(visitor.id, "Ni idea")
    await visitor.hears("chat.message", body="Ni idea")
    mine = {"interaction_id": accepted["interaction"]["interaction_id"]}
    await desk.do("interaction.close", mine)
    await desk.do("interaction.wrap_up", {**mine, "disposition": "other"})
    assert visitor.left == desk.left == [], "nobody was put out"


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_an_offer_in_the_air_ends_once_and_the_next_one_is_right(
    centre: Centre, by: timedelta
) -> None:
    """Taken, or ended by the router and made again: the customer is served once, by one."""
    desk = await (await centre.desk(LUCIA)).available()
    visitor = await centre.visitor(queue="SA", message="Hola")
    first = await desk.hears("reservation.created")
    centre.clock.jump(by)
    if by > timedelta():
        await desk.hears("reservation.timed_out", reservation_id=first["reservation_id"])
        await desk.available()
        centre.clock.jump(timedelta(seconds=11))  # past the pause after a miss
        await desk.accepts()
    else:
        await desk.do("reservation.accept", {"reservation_id": first["reservation_id"]})
    await visitor.hears("chat.agent_joined")
    async with centre.house.deps.work.reading("test.look") as conn:
        ended = await conn.fetch(
            "SELECT subject, type, count(*) FROM event_log WHERE type LIKE 'reservation.%'"
            " GROUP BY data->>'reservation_id', subject, type HAVING count(*) > 1"
        )
        assert ended == [], "no offer begins or ends twice"
        assert await conn.fetchval("SELECT count(*) FROM segments") == 1


async def test_an_offer_made_before_the_clock_was_set_back_does_not_ring_for_an_hour(
    centre: Centre,
) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    await centre.visitor(queue="SA", message="Hola")
    await desk.hears("reservation.created")
    centre.clock.jump(-HOUR)
    await asyncio.sleep(1.5)
    centre.clock.jump(timedelta(seconds=45))  # the time of an offer, and some
    await desk.until(
        lambda: [
            n for n, _ in desk.heard if n in {"reservation.timed_out", "reservation.rescinded"}
        ],
        "the end of the offer",
    )


async def test_sockets_outlive_access_tokens_and_requests_ask_for_new_ones(centre: Centre) -> None:
    desk = await centre.desk(LUCIA)
    centre.clock.jump(HOUR)
    status, _ = await centre.http("GET", "/auth/me", token=desk.token)
    assert status == 401
    await desk.do("agent.set_status", {"status": "available"})
    assert desk.left == []
