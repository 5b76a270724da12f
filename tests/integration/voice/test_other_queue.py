"""A call that is sent on to another queue: whose rule holds, who sees it, what its log says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.app.people import Payload, sign_in
from tests.integration.voice.conftest import CARMEN, ELENA, LUCIA, Caller, Phone, Scene
from tests.integration.voice.test_calls import MUSIC

ADMIN = "admin@aintech.com"


async def rules(scene: Scene, **of_queue: Any) -> None:
    admin = await sign_in(scene.centre.url, ADMIN)
    for queue, rule in of_queue.items():
        path = f"/recording-rules/{queue}"
        status, shown = await scene.centre.http("PUT", path, token=admin, json=rule)
        assert (status, shown) == (200, shown | rule)


async def sent_on(scene: Scene) -> tuple[Caller, Phone]:
    """Lucía had the call in SA; it waits in CO."""
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    card = await lucia.sees(caller.call_id)
    await lucia.do(
        "interaction.transfer", {"interaction_id": card["interaction_id"], "queue": "CO"}
    )
    await scene.hear(caller, {caller.leg: MUSIC})
    await lucia.loses(caller.call_id)
    return caller, lucia


async def kept(scene: Scene, caller: Caller) -> list[tuple[str, str, bool]]:
    async with scene.centre.house.deps.work.reading("test") as conn:
        rows = await conn.fetch(
            "SELECT state, retention, health FROM recordings WHERE call_id = $1 ORDER BY id",
            caller.call,
        )
    return [tuple(row) for row in rows]


async def test_the_new_queue_s_rule_holds_from_its_first_answer_on(scene: Scene) -> None:
    await rules(scene, CO={"mode": "inform", "retention": "claim", "health": True, "aside": True})
    caller, _ = await sent_on(scene)
    before = scene.media.mixes[caller.call].recording
    assert before is not None
    assert not before.writing
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)
    after = scene.media.mixes[caller.call].recording
    assert after is not None
    assert after.recording_id != before.recording_id
    assert (after.left, after.right, after.writing) == ((caller.leg,), (carmen.leg,), True)
    assert await kept(scene, caller) == [
        ("empty", "standard", False),
        ("recording", "claim", True),
    ]
    # Its rule says that hold is recorded too.
    await carmen.do("call.hold", {"call_id": caller.call_id, "on": True})
    await scene.hear(caller, {caller.leg: MUSIC, carmen.leg: (set(), None)})
    assert scene.media.mixes[caller.call].recording == after


@pytest.mark.parametrize("mode", ["off", "opt_in"])
async def test_a_queue_that_may_not_record_ends_it(scene: Scene, mode: str) -> None:
    await rules(scene, CO={"mode": mode})
    caller, _ = await sent_on(scene)
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)
    assert scene.media.mixes[caller.call].recording is None
    card = await carmen.sees(caller.call_id)
    assert card["record"] == {"mode": mode, "state": "off", "may_control": False}


async def test_under_the_same_rule_the_recording_goes_on(scene: Scene) -> None:
    same = {"mode": "inform", "retention": "contract", "health": False, "aside": False}
    await rules(scene, SA=same, CO=same)
    caller, _ = await sent_on(scene)
    before = scene.media.mixes[caller.call].recording
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)
    after = scene.media.mixes[caller.call].recording
    assert before is not None
    assert after is not None
    assert after.recording_id == before.recording_id


async def test_the_new_queue_s_supervisor_sees_it_while_it_waits(scene: Scene) -> None:
    caller, _ = await sent_on(scene)
    admin = await sign_in(scene.centre.url, ADMIN)
    async with scene.centre.house.deps.work.reading("test") as conn:
        user = await conn.fetchval("SELECT id FROM users WHERE email = $1", ELENA)
    for queue, seen in (("CO", [caller.call_id]), ("SA", [])):
        status, _ = await scene.centre.http(
            "PATCH", f"/users/{user}", token=admin, json={"queues": [queue]}
        )
        assert status == 200
        elena = await sign_in(scene.centre.url, ELENA)
        _, page = await scene.centre.http("GET", "/calls", token=elena)
        assert [card["call_id"] for card in page["items"]] == seen
        _, page = await scene.centre.http("GET", f"/calls?queue={queue}", token=admin)
        assert [card["queue"] for card in page["items"]] == [queue for _ in seen]


async def log_of(scene: Scene, caller: Caller) -> tuple[list[Payload], dict[str, str]]:
    token = await scene.centre.supervisor_token()
    _, detail = await scene.centre.http("GET", f"/calls/{caller.call_id}", token=token)
    return detail["events"], detail["names"]


async def test_the_log_says_who_sent_it_where_and_who_was_asked(scene: Scene) -> None:
    caller, lucia = await sent_on(scene)
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)
    await lucia.desk.available()
    ref = {"call_id": caller.call_id}
    await carmen.do("call.consult", {**ref, "agent_id": lucia.agent})
    await carmen.do("call.consult_cancel", ref)
    events, names = await log_of(scene, caller)
    (sent,) = (e["data"] for e in events if e["name"] == "call.transferred")
    assert (names[sent["agent_id"]].split()[0], sent["to_queue"]) == ("Lucía", "CO")
    assert (sent["to_agent_id"], sent["cause"]) == (None, "agent")
    consult = [e for e in events if e["name"].startswith("call.consult_")]
    assert [e["name"] for e in consult] == ["call.consult_started", "call.consult_ended"]
    for event in consult:
        assert names[event["data"]["agent_id"]].split()[0] == "Carmen"
        assert names[event["data"]["with_agent_id"]].split()[0] == "Lucía"


async def test_the_log_says_who_has_the_customer_whom_the_asker_left(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    card = await lucia.sees(caller.call_id)
    await lucia.do("interaction.close", {"interaction_id": card["interaction_id"], "wrap": True})
    await lucia.loses(caller.call_id)
    await carmen.do("call.answer", ref)
    events, names = await log_of(scene, caller)
    (sent,) = (e["data"] for e in events if e["name"] == "call.transferred")
    assert names[sent["agent_id"]].split()[0] == "Lucía"
    assert names[sent["to_agent_id"]].split()[0] == "Carmen"
    assert sent.get("to_queue") is None
