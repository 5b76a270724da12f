"""A consult of a queue: a request stands in its line like any call, whoever takes it comes in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.integration.voice.conftest import CARMEN, LUCIA, Caller, Phone, Scene
from tests.integration.voice.test_calls import MUSIC
from tests.integration.voice.test_care import part
from tests.integration.voice.test_vanishing import both

RING: tuple[set[UUID], str | None] = (set(), "ring")
OPEN = "SELECT count(*) FROM interactions WHERE state <> 'closed' AND direction = 'internal'"
UNITS = "SELECT coalesce(sum(cost), 0) FROM segments WHERE agent_id = $1 AND state <> 'ended'"


async def asking(scene: Scene) -> tuple[Caller, Phone]:
    """Lucía has the customer and asks for somebody of CO, where nobody is."""
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    card = await lucia.do("call.consult", {"call_id": caller.call_id, "queue": "CO"})
    assert card["state"] == "consulting"
    assert (card["consult"]["state"], card["consult"]["queue"]) == ("waiting", "CO")
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: RING})
    return caller, lucia


async def nothing_is_left(scene: Scene) -> None:
    """No request is open."""
    async with scene.centre.house.deps.work.reading("test") as conn:
        assert await conn.fetchval(OPEN) == 0


async def test_it_waits_for_as_long_as_it_takes_and_whoever_comes_is_asked_in(
    scene: Scene,
) -> None:
    caller, lucia = await asking(scene)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult_toggle", ref)  # back to the customer while it waits
    await both(scene, caller, lucia)
    await lucia.do("call.consult_toggle", ref)
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: RING})
    assert await lucia.desk.fails("call.consult_complete", ref) == "conflict"
    assert await lucia.desk.fails("call.conference", ref) == "conflict"

    carmen = await scene.phone(CARMEN)
    await carmen.desk.accepts(channel="voice")
    await scene.hear(
        caller,
        {caller.leg: MUSIC, lucia.leg: ({carmen.leg}, None), carmen.leg: ({lucia.leg}, None)},
    )

    def asked_in() -> bool:
        consult = (lucia.card(caller.call_id) or {}).get("consult") or {}
        return (consult.get("state"), consult.get("agent_id")) == ("talking", carmen.agent)

    await lucia.desk.until(asked_in, "the colleague in the consult")
    await nothing_is_left(scene)
    async with scene.centre.house.deps.work.reading("test") as conn:
        assert await conn.fetchval(UNITS, UUID(carmen.agent)) == 100

    await lucia.do("call.consult_complete", ref)
    await both(scene, caller, carmen)
    await lucia.loses(caller.call_id)
    await carmen.desk.until(lambda: part(carmen) == "active", "the colleague's part is active")
    await carmen.do("call.hangup", ref)
    await caller.sees(state="ended")
    wrap = await carmen.desk.hears("interaction.wrap_started")
    done = {"interaction_id": wrap["interaction_id"], "disposition": "other"}
    await carmen.do("interaction.wrap_up", done)
    async with scene.centre.house.deps.work.reading("test") as conn:
        assert await conn.fetchval(UNITS, UUID(carmen.agent)) == 0


async def test_it_is_cancelled_also_while_it_rings(scene: Scene) -> None:
    caller, lucia = await asking(scene)
    ref = {"call_id": caller.call_id}
    card = await lucia.do("call.consult_cancel", ref)
    assert (card["state"], card["consult"]) == ("active", None)
    await both(scene, caller, lucia)
    await nothing_is_left(scene)

    await lucia.do("call.consult", {**ref, "queue": "CO"})
    carmen = await scene.phone(CARMEN)
    offer = await carmen.desk.hears("reservation.created")
    await lucia.do("call.consult_cancel", ref)
    await carmen.desk.hears("reservation.cancelled", reservation_id=offer["reservation_id"])
    await both(scene, caller, lucia)
    await nothing_is_left(scene)


async def test_the_customer_who_hangs_up_leaves_nobody_asking(scene: Scene) -> None:
    caller, lucia = await asking(scene)
    await caller.visitor.do("call.hangup")
    await lucia.loses(caller.call_id)
    await nothing_is_left(scene)


async def test_who_asks_a_queue_and_hangs_up_cuts_nobody(scene: Scene) -> None:
    caller, lucia = await asking(scene)
    await lucia.do("call.hangup", {"call_id": caller.call_id})
    await lucia.loses(caller.call_id)
    await scene.hear(caller, {caller.leg: MUSIC})
    await caller.sees(agent=None)  # it waits, or rings at an agent already
    await nothing_is_left(scene)


async def test_who_asks_a_queue_and_vanishes_cuts_nobody(scene: Scene) -> None:
    caller, lucia = await asking(scene)
    scene.media.lose(lucia.leg)
    await lucia.desk.until(lambda: (lucia.card(caller.call_id) or {}).get("vanish_deadline"))
    scene.centre.clock.advance(timedelta(seconds=21))
    await lucia.loses(caller.call_id)
    await caller.sees(state="waiting")
    await nothing_is_left(scene)


async def test_who_asks_a_queue_and_closes_ends_both(scene: Scene) -> None:
    caller, lucia = await asking(scene)
    card = await lucia.sees(caller.call_id)
    await lucia.do("interaction.close", {"interaction_id": card["interaction_id"]})
    await caller.sees(state="ended")
    await nothing_is_left(scene)
