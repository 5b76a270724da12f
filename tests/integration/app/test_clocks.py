"""The machine's clock is set an hour forward or back while people talk (R9)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from contactcenter.core.clock import SystemClock
from tests.integration.app.conftest import OPEN_HOURS, Centre, StartCentre
from tests.integration.app.test_journey import LUCIA, talking

HOUR = timedelta(hours=1)
OFFSET = OPEN_HOURS - datetime.now(UTC)  # one, as all nodes of a demo have


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
async def test_an_offer_in_the_air_goes_on_ringing_and_is_taken(
    centre: Centre, by: timedelta
) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    visitor = await centre.visitor(queue="SA", message="Hola")
    first = await desk.hears("reservation.created")
    centre.clock.jump(by)
    await centre.router_looks()
    await desk.do("reservation.accept", {"reservation_id": first["reservation_id"]})
    await visitor.hears("chat.agent_joined")
    async with centre.house.deps.work.reading("test.look") as conn:
        ended = await conn.fetch(
            "SELECT subject, type, count(*) FROM event_log WHERE type LIKE 'reservation.%'"
            " GROUP BY data->>'reservation_id', subject, type HAVING count(*) > 1"
        )
        assert ended == [], "no offer begins or ends twice"
        assert await conn.fetchval("SELECT count(*) FROM segments") == 1
        waited = "SELECT (data->>'waited_ms')::int FROM event_log WHERE type = $1"
        assert 0 <= await conn.fetchval(waited, "reservation.accepted") < 10_000


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
async def test_an_offer_that_nobody_takes_ends_on_time(centre: Centre, by: timedelta) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    await centre.visitor(queue="SA", message="Hola")
    await desk.hears("reservation.created")
    centre.clock.jump(by)
    await centre.router_looks()
    assert not any(name == "reservation.timed_out" for name, _ in desk.log)
    centre.clock.advance(timedelta(seconds=45))  # the time of an offer, and some
    await desk.until(
        lambda: [
            n for n, _ in desk.heard if n in {"reservation.timed_out", "reservation.rescinded"}
        ],
        "the end of the offer",
    )


class OtherMachine:
    """A clock of a machine that is `wrong`; it does not ask anybody."""

    def __init__(self, wrong: timedelta) -> None:
        self._right = SystemClock(OFFSET)
        self._wrong = wrong

    def now(self) -> datetime:
        return self._right.now() + self._wrong


def of_a_wrong_machine(wrong: timedelta) -> SystemClock:
    """The centre's own clock on a machine whose clock is wrong."""
    return SystemClock(OFFSET, machine=lambda: datetime.now(UTC) + wrong)


@pytest.mark.parametrize("wrong", [10, -10])
@pytest.mark.parametrize("asks", [True, False], ids=["asks the database", "does not"])
async def test_two_nodes_whose_machines_differ_by_ten_seconds(
    start: StartCentre, wrong: int, asks: bool
) -> None:
    """Order, waits and offers are right across them; and wrong for one that goes by its own."""
    skew = timedelta(seconds=wrong)
    right = await start(clock=of_a_wrong_machine(timedelta()))
    other = await start(
        "web", "listeners", clock=of_a_wrong_machine(skew) if asks else OtherMachine(skew)
    )
    early, late = (other, right) if wrong > 0 else (right, other)
    before = time.monotonic()
    first = await early.visitor(queue="SA", message="Primera")
    came = time.monotonic()
    await asyncio.sleep(1)
    second = await late.visitor(queue="SA", message="Segunda")
    desk = await (await other.desk(LUCIA)).available()
    offer = await desk.hears("reservation.created")
    rings = datetime.fromisoformat(offer["expires_at"]) - other.house.deps.clock.now()
    assert offer["conversation_id"] in {first.id, second.id}
    taken = time.monotonic()
    await desk.do("reservation.accept", {"reservation_id": offer["reservation_id"]})
    most = time.monotonic() - before
    async with right.house.deps.work.reading("test.look") as conn:
        waited = await conn.fetchval(
            "SELECT (data->>'waited_ms')::int FROM event_log WHERE type = 'reservation.accepted'"
        )
    facts = (
        offer["conversation_id"] == first.id,
        taken - came - 1 <= waited / 1000 <= most + 1,
        timedelta() < rings <= timedelta(seconds=31),
    )
    assert all(facts) is asks, (facts, rings)


async def test_sockets_outlive_access_tokens_and_requests_ask_for_new_ones(centre: Centre) -> None:
    desk = await centre.desk(LUCIA)
    centre.clock.jump(HOUR)
    status, _ = await centre.http("GET", "/auth/me", token=desk.token)
    assert status == 401
    await desk.do("agent.set_status", {"status": "available"})
    assert desk.left == []
