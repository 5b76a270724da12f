"""What cannot be is refused with the contract's error, and nothing changes."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from channels.voice.media import protocol as p
from contactcenter.core.ids import new_id
from tests.integration.app.conftest import StartCentre
from tests.integration.voice.conftest import CARMEN, LUCIA, PABLO, Phone, Scene
from tests.media_double import NO_PCMU, SDP


async def test_a_second_offer_while_one_is_pending(scene: Scene) -> None:
    visitor = await scene.centre.visitor(name="Ana", queue="SA")
    await visitor.do("call.start", {})
    scene.media.slow.clear()
    first = asyncio.create_task(visitor.ask("call.offer", {"sdp": SDP}))
    await scene.media.until(lambda: scene.media.held, "the first offer")
    other = type(visitor)(scene.centre.url)
    other.id, other.token = visitor.id, visitor.token
    await other.connect(visitor.token)
    ack = await other.ask("call.offer", {"sdp": SDP})
    assert (ack["error"]["code"], ack["error"]["ctx"]["reason"]) == ("conflict", "offer_pending")
    scene.media.slow.set()
    assert (await first)["ok"]
    await other.leave()


async def test_a_browser_without_pcmu(scene: Scene) -> None:
    desk = await scene.centre.desk(LUCIA)
    assert await desk.fails("call.offer", {"sdp": NO_PCMU}) == "unsupported"
    assert desk.state["voice"]["state"] == "none"
    fresh = (await desk.do("sync", {"cursor": ""}))["snapshot"]
    assert fresh["state"]["voice"]["state"] == "none"


async def test_candidates_for_a_call_that_is_over(scene: Scene) -> None:
    caller = await scene.dials_in()
    await caller.visitor.do("call.candidate", {"candidate": {"candidate": "candidate:1"}})
    assert await caller.visitor.do("call.ice_servers") == {"ice_servers": []}
    await caller.visitor.do("call.hangup")
    late = {"candidate": {"candidate": "candidate:2"}}
    assert await caller.visitor.fails("call.candidate", late) == "conflict"
    assert await caller.visitor.fails("call.offer", {"sdp": SDP}) == "conflict"
    assert await caller.visitor.fails("call.ice_servers") == "conflict"
    assert len(scene.media.candidates) == 1


async def test_commands_for_a_foreign_call(scene: Scene) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    before = await lucia.sees(caller.call_id)
    ref = {"call_id": caller.call_id}
    for command, payload in FOREIGN:
        assert await carmen.desk.fails(command, {**ref, **payload}) == "not_found", command
    assert await lucia.sees(caller.call_id) == before

    await lucia.do("call.mute", {**ref, "on": True})
    carmen.desk.heard.clear()
    await carmen.do("agent.set_status", {"status": "away"})
    await carmen.desk.hears("agent.me_changed")  # after all that was told of the call
    about = [name for name, told in carmen.desk.log if told.get("call_id") == caller.call_id]
    assert about == [], "whoever is not on a call is told nothing of it"


FOREIGN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("call.mute", {"on": True}),
    ("call.hold", {"on": True}),
    ("call.dtmf", {"digits": "1"}),
    ("call.record", {"state": "pause"}),
    ("call.hangup", {}),
    ("call.answer", {}),
    ("call.reject", {}),
    ("call.conference", {}),
    ("call.consult_toggle", {}),
    ("call.consult_complete", {}),
    ("call.consult_cancel", {}),
    ("call.consult", {"queue": "SA"}),
)


@pytest.mark.parametrize("digits", ["", "12a", "1" * 33, "1 2", "１"])
async def test_dtmf_that_is_none(scene: Scene, digits: str) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    wrong = {"call_id": caller.call_id, "digits": digits}
    assert await lucia.desk.fails("call.dtmf", wrong) == "invalid"
    assert await caller.visitor.fails("call.dtmf", {"digits": digits}) == "invalid"
    assert scene.media.played == []


async def test_what_does_not_fit_the_call(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    assert await caller.visitor.fails("call.dtmf", {"digits": "1"}) == "conflict"
    assert await caller.visitor.fails("call.start", {}) == "conflict"
    await scene.talk(caller, lucia)
    ref = {"call_id": caller.call_id}
    for command in ("consult_toggle", "consult_complete", "consult_cancel", "conference"):
        assert await lucia.desk.fails(f"call.{command}", ref) == "conflict"
    assert await lucia.desk.fails("call.answer", ref) == "conflict"
    assert await lucia.desk.fails("call.consult", {**ref, "queue": "nowhere"}) == "not_found"
    assert await lucia.desk.fails("call.echo_test", {"on": True}) == "conflict"
    both = {**ref, "queue": "SA", "agent_id": lucia.agent}
    assert await lucia.desk.fails("call.consult", both) == "invalid"
    away = {"agent_id": "01900000-0000-7000-8000-000000000000"}
    assert await lucia.desk.fails("call.dial", away) == "conflict"
    assert await lucia.desk.fails("call.dial", {"agent_id": lucia.agent}) == "conflict"


async def test_a_queue_that_is_not_there(scene: Scene) -> None:
    visitor = await scene.centre.visitor(name="Ana", queue="SA")
    ack = await visitor.ask("call.start", {"queue": "nowhere"})
    assert ack["error"]["code"] == "invalid"
    assert not scene.media.mixes
    assert await visitor.fails("call.start", {"phone": "call me"}) == "invalid"


async def test_all_lines_are_busy(scene: Scene) -> None:
    scene.media.ceiling = 1
    caller = await scene.dials_in()
    visitor = await scene.centre.visitor(name="Eva", queue="SA")
    ack = await visitor.ask("call.start", {})
    assert ack["error"]["code"] == "unavailable"
    assert ack["error"]["ctx"]["reason"] == "all_lines_busy"
    await caller.visitor.do("call.hangup")
    await scene.media.until(lambda: not scene.media.mixes)
    await visitor.do("call.start", {})


async def test_without_media_nothing_is_promised(start: StartCentre) -> None:
    centre = await start()
    visitor = await centre.visitor(name="Ana", queue="SA")
    ack = await visitor.ask("call.start", {})
    assert ack["error"]["code"] == "unavailable"
    assert ack["error"]["ctx"]["reason"] == "media_down"
    desk = await centre.desk(LUCIA)
    assert await desk.fails("call.offer", {"sdp": SDP}) == "unavailable"
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(f"{centre.url}/readyz") as answer:
        ready = await answer.json()
        assert answer.status == 200
    assert (ready["status"], ready["checks"]["media"]) == ("degraded", "degraded")


async def test_quality_reaches_both_sides(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    scene.media.hint(
        p.Quality(
            at="2027-03-16T10:00:00Z",  # type: ignore[arg-type]
            leg_id=caller.leg,
            call_id=caller.call,
            loss=0.01,
            jitter_ms=4.0,
            rtt_ms=20.0,
            mos=4.2,
            level=0.3,
        )
    )
    heard = await lucia.desk.hears("call.quality")
    assert (heard["quality"]["word"], heard["leg_id"]) == ("good", str(caller.leg))
    await caller.visitor.hears("call.quality")


async def test_the_newest_tab_takes_over(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    tab = await scene.centre.desk(LUCIA)
    answer = await tab.do("call.offer", {"sdp": SDP})
    told = await lucia.desk.hears("call.taken_over")
    assert told["voice"]["peer"] == answer["peer"]
    assert answer["leg_id"] == str(lucia.leg)


async def test_presence_says_what_the_desk_can_handle(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)

    def channels() -> list[str] | None:
        for name, payload in reversed(lucia.desk.log):
            if name == "agent.me_changed":
                return list(payload["me"]["channels"])
        return None

    await lucia.desk.until(lambda: channels() == ["chat", "voice"], "voice")
    scene.media.close_leg(lucia.leg)
    await lucia.desk.until(lambda: channels() == ["chat"], "no voice")
    caller = await scene.dials_in()
    await caller.visitor.hears("call.position")
    assert not any(name == "reservation.created" for name, _ in lucia.desk.log)


async def test_an_echo_test(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    await lucia.do("call.echo_test", {"on": True})
    assert scene.media.heard(lucia.leg) == {lucia.leg: ({lucia.leg}, None)}
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    assert lucia.leg not in scene.media.mixes


async def test_the_endpoints(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    token, call = lucia.desk.token, f"/calls/{caller.call_id}"
    http = scene.centre.http
    status, page = await http("GET", "/calls", token=token)
    assert [one["call_id"] for one in page["items"]] == [caller.call_id]
    interaction = page["items"][0]["interaction_id"]
    status, page = await http("GET", f"/calls?interaction_id={interaction}", token=token)
    assert [one["call_id"] for one in page["items"]] == [caller.call_id]
    assert (await http("GET", f"/calls?interaction_id={new_id()}", token=token))[0] == 404
    for path, body in (("mute", {"on": True}), ("hold", {"on": True}), ("hold", {"on": False})):
        status, card = await http("POST", f"{call}/{path}", token=token, json=body)
        assert status == 200, card
    assert card["muted"]
    status, card = await http("POST", f"{call}/record", token=token, json={"state": "pause"})
    assert (status, card["record"]["state"]) == (200, "paused")
    status, detail = await http("GET", call, token=token)
    names = [event["name"] for event in detail["events"]]
    assert names[0] == "call.initiated"
    assert names.count("call.answered") == 1
    assert len(detail["recordings"]) == 1
    assert (await http("GET", call))[0] == 401
    assert (await http("POST", f"{call}/accept", token=token))[0] == 409
    status, _ = await http("POST", f"{call}/transfer", token=token, json={"queue": "CO"})
    assert status == 204
    assert (await http("POST", f"{call}/end", token=token))[0] in {404, 409}
    status, ice = await http("GET", "/webrtc/ice-servers", token=token)
    assert (status, ice) == (200, {"ice_servers": []})
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)
    assert (await http("POST", f"{call}/end", token=carmen.desk.token))[0] == 204
    await caller.sees(state="ended")


async def test_a_colleague_is_called_and_answers_by_http(scene: Scene) -> None:
    lucia, carmen, pablo = [await scene.phone(who) for who in (LUCIA, CARMEN, PABLO)]
    http, wanted = scene.centre.http, {"agent_id": carmen.agent}

    async def initiates(key: str) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key}
        token = lucia.desk.token
        return await http("POST", "/calls/initiate", token=token, json=wanted, headers=headers)

    async def accepts(phone: Phone) -> tuple[int, Any]:
        path = f"/calls/{card['call_id']}/accept"
        return await http("POST", path, token=phone.desk.token)

    status, card = await initiates("one")
    assert (status, card["direction"], card["state"]) == (201, "internal", "ringing")
    assert await initiates("one") == (201, card), "the same request is the same call"
    assert list(scene.media.mixes) == [UUID(card["call_id"])]
    assert (await accepts(pablo))[0] == 404
    status, answered = await accepts(carmen)
    assert (status, answered["call_id"], answered["state"]) == (200, card["call_id"], "active")
    await lucia.sees(card["call_id"], state="active")
    assert (await accepts(pablo))[0] == 404
    assert (await accepts(carmen))[0] == 409
    status, problem = await initiates("two")
    assert (status, problem["code"], problem["ctx"]["reason"]) == (409, "conflict", "on_a_call")
    assert list(scene.media.mixes) == [UUID(card["call_id"])]


async def test_who_is_on_a_call_dials_nobody(scene: Scene) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    ack = await lucia.desk.ask("call.dial", {"agent_id": carmen.agent})
    assert (ack["error"]["code"], ack["error"]["ctx"]["reason"]) == ("conflict", "on_a_call")
    assert scene.media.ended == [lucia.leg], "nothing but the echo test was ended"
    assert list(scene.media.mixes) == [caller.call]


async def test_an_internal_call_is_not_held(scene: Scene) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    card = await lucia.do("call.dial", {"agent_id": carmen.agent})
    await carmen.sees(card["call_id"])
    await carmen.do("call.answer", {"call_id": card["call_id"]})
    wanted = {"interaction_id": card["interaction_id"]}
    assert await lucia.desk.fails("interaction.hold", wanted) == "conflict"
    await lucia.do("call.hangup", {"call_id": card["call_id"]})
    await carmen.loses(card["call_id"])
