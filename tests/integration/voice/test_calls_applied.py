"""Calls as a desk's reducer keeps them are the calls that a new snapshot shows."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from tests.integration.app.test_apply import OF_CALLS, Reducer, Watched, reducer
from tests.integration.voice.conftest import CARMEN, LUCIA, Scene
from tests.media_double import SDP

__all__ = ["reducer"]


async def test_calls_applied_are_the_calls_stored(
    scene: Scene,
    reducer: Reducer,
) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    watched = [Watched(phone.desk, reducer) for phone in (lucia, carmen)]

    async def step(what: str, done: Awaitable[Any]) -> Any:
        result = await done
        for one in watched:
            try:
                await one.agrees()
            except AssertionError as error:
                raise AssertionError(f"after “{what}”: {error}") from None
        return result

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


async def _nothing() -> None:
    pass
