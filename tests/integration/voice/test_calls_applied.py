"""Calls as the reducers of a desk and of the widget keep them are those that a new snapshot
shows."""

from __future__ import annotations

from functools import partial

from tests.integration.app.test_apply import (
    OF_A_CALLER,
    OF_CALLS,
    Reducer,
    Watched,
    reducer,
    step_of,
    visitors,
)
from tests.integration.voice.conftest import CARMEN, LUCIA, Scene
from tests.media_double import SDP

__all__ = ["reducer", "visitors"]


async def test_calls_applied_are_the_calls_stored(
    scene: Scene,
    reducer: Reducer,
) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    watched = [Watched(phone.desk, reducer) for phone in (lucia, carmen)]

    step = partial(step_of, watched)
    caller = await step("somebody calls", scene.dials_in())
    await step("answered", scene.talk(caller, lucia))
    ref = {"call_id": caller.call_id}
    await step("muted", lucia.do("call.mute", {**ref, "on": True}))
    await step("held", lucia.do("call.hold", {**ref, "on": True}))
    await step("resumed", lucia.do("call.hold", {**ref, "on": False}))
    await step("paused", lucia.do("call.record", {**ref, "state": "pause"}))
    await step("resumed", lucia.do("call.record", {**ref, "state": "resume"}))
    await step("consult", lucia.do("call.consult", {**ref, "agent_id": carmen.agent}))
    await step("answer", carmen.do("call.answer", ref))
    await step("toggle", lucia.do("call.consult_toggle", ref))
    await step("cancel", lucia.do("call.consult_cancel", ref))
    await step("another consult", lucia.do("call.consult", {**ref, "agent_id": carmen.agent}))
    await step("answer again", carmen.do("call.answer", ref))
    scene.media.lose(caller.leg)
    await step("lost", _nothing())
    scene.media.back(caller.leg)
    await step("back", _nothing())
    await step("complete", lucia.do("call.consult_complete", ref))
    await step("the customer hangs up", caller.visitor.do("call.hangup"))
    await step("a newer tab", carmen.do("call.offer", {"sdp": SDP}))
    scene.media.close_leg(carmen.leg)
    await step("the softphone is gone", carmen.desk.hears("call.leg_changed"))
    covered = set.union(*(one.covered for one in watched))
    assert covered & OF_CALLS == OF_CALLS


async def test_a_call_applied_in_the_widget_is_the_call_stored(
    scene: Scene,
    visitors: Reducer,
) -> None:
    first = await scene.dials_in()
    caller = await scene.dials_in(connects=False)
    watched = Watched(caller.visitor, visitors)
    begun = watched.state
    assert begun["call"] is None

    step = partial(step_of, [watched])
    scene.media.connect(caller.leg)
    await step("connected, and second in line", caller.sees(position=2))
    await first.visitor.do("call.hangup")
    await step("the place is told", caller.visitor.hears("call.position", position=1))
    lucia = await step("somebody is there", scene.phone(LUCIA))
    await step("it rings there", caller.visitor.hears("call.ringing"))
    await step("answered", scene.talk(caller, lucia))
    ref = {"call_id": caller.call_id}
    await step("held", lucia.do("call.hold", {**ref, "on": True}))
    await step("resumed", lucia.do("call.hold", {**ref, "on": False}))
    await step("paused", lucia.do("call.record", {**ref, "state": "pause"}))
    scene.media.lose(caller.leg)
    await step("lost", _nothing())
    scene.media.back(caller.leg)
    await step("back", _nothing())
    await step("the end", lucia.do("call.hangup", ref))
    await step("and it is told", caller.visitor.hears("call.ended"))

    assert watched.covered & OF_A_CALLER == OF_A_CALLER
    for name in sorted(OF_A_CALLER):
        assert await watched.needs(name, begun), f"nobody would miss {name}"


async def _nothing() -> None:
    pass
