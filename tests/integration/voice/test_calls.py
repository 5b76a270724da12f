"""Calls from the widget to the desk, with a media process that only writes down what it is told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.integration.voice.conftest import CARMEN, LUCIA, Scene
from tests.media_double import SDP

Ear = tuple[set[UUID], str | None]
MUSIC: Ear = (set(), "music")
NOTHING: Ear = (set(), None)
TOLD = """
SELECT type, data, occurred_at FROM event_log
WHERE data->>'call_id' = $1 AND type IN ('call.initiated', 'call.answered', 'call.ended')
ORDER BY id
"""


async def test_a_call_waits_is_answered_and_wrapped_up(scene: Scene) -> None:
    caller = await scene.dials_in()
    await scene.hear(caller, {caller.leg: MUSIC})
    await caller.visitor.hears("call.position", position=1)
    lucia = await scene.phone(LUCIA)
    await caller.sees(state="ringing")
    clock = scene.centre.clock
    rang = clock.now()
    await scene.talk(caller, lucia)
    talks = clock.now()
    shown = await caller.sees(state="active")
    assert shown["agent"] == {"name": "Lucía"}
    ref = {"call_id": caller.call_id}

    await lucia.do("call.mute", {**ref, "on": True})
    await scene.hear(caller, {caller.leg: NOTHING, lucia.leg: ({caller.leg}, None)})
    await lucia.do("call.mute", {**ref, "on": False})
    card = await lucia.do("call.hold", {**ref, "on": True})
    assert card["state"] == "held"
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: NOTHING})
    await caller.sees(state="held")
    await lucia.do("call.hold", {**ref, "on": False})
    await scene.hear(caller, {caller.leg: ({lucia.leg}, None), lucia.leg: ({caller.leg}, None)})

    await lucia.do("call.dtmf", {**ref, "digits": "12#"})
    await scene.media.until(lambda: scene.media.played)
    assert [(p.leg_id, p.digits) for p in scene.media.played] == [(caller.leg, "12#")]

    clock.advance(timedelta(seconds=90))
    still_talks = clock.now()
    await lucia.do("call.hangup", ref)
    hung_up = clock.now()
    await lucia.loses(caller.call_id)
    await caller.sees(state="ended")
    assert await lucia.desk.fails("call.hangup", ref) == "conflict"
    assert (await caller.visitor.do("call.hangup"))["state"] == "ended"
    await scene.media.until(lambda: caller.call in scene.media.ended)
    card = lucia.desk.log[-1]
    wrap = await lucia.desk.hears("interaction.wrap_started")
    assert wrap["interaction"]["segment"]["state"] == "wrapping"
    done = {"interaction_id": wrap["interaction_id"], "disposition": "other"}
    await lucia.do("interaction.wrap_up", done)

    async with scene.centre.house.deps.work.reading("test") as conn:
        told = await conn.fetch(TOLD, caller.call_id)
    assert [row["type"] for row in told] == ["call.initiated", "call.answered", "call.ended"]
    _, answered, ended = told
    talked = ended["occurred_at"] - answered["occurred_at"]
    assert ended["data"]["talked_ms"] == talked // timedelta(milliseconds=1)
    assert still_talks - talks <= talked <= hung_up - rang


ASKED = """
SELECT w.queue, w.band, w.base, i.routing_facts -> 'said' ->> 'key' AS key
FROM work_items w JOIN interactions i ON i.id = w.interaction_id
JOIN calls c ON c.interaction_id = i.id WHERE c.id = $1
"""


async def test_what_a_caller_has_chosen_reaches_the_rules(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    visitor = await scene.centre.visitor(name="Ana Prueba", queue="PR")
    started = await visitor.do("call.start", {"topic": "injured"})
    answer = await visitor.do("call.offer", {"sdp": SDP})
    scene.media.connect(UUID(answer["leg_id"]))
    await lucia.desk.accepts(channel="voice")  # who takes claims, not receipts
    async with scene.centre.house.deps.work.reading("test") as conn:
        (row,) = await conn.fetch(ASKED, UUID(started["call_id"]))
    assert tuple(row) == ("SA", 1, 100, "injured")
    assert await visitor.fails("call.start", {"topic": "fire"}) == "invalid"


async def test_the_customer_hangs_up(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    shown = await caller.visitor.do("call.hangup")
    assert shown["state"] == "ended"
    await lucia.loses(caller.call_id)
    ended = await lucia.desk.hears("call.ended")
    assert ended["reason"] == "customer_hung_up"


async def test_a_warm_transfer(scene: Scene) -> None:
    """The colleague is asked in with a note, both agents turn to and fro, and the customer is
    handed over: the first agent wraps up while the second talks."""
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}

    card = await lucia.do("call.consult", {**ref, "agent_id": carmen.agent, "note": " Es VIP "})
    assert card["state"] == "consulting"
    assert card["consult"]["state"] == "ringing"
    await scene.hear(caller, {caller.leg: MUSIC, lucia.leg: (set(), "ring")})
    await carmen.desk.hears("call.ringing")
    await carmen.do("call.answer", ref)
    path = f"/conversations/{card['conversation_id']}/messages"
    _, read = await scene.centre.http("GET", path, token=carmen.desk.token)
    assert [(one["kind"], one["body"]) for one in read["items"]] == [("note", "Es VIP")]
    await scene.hear(
        caller,
        {
            caller.leg: MUSIC,
            lucia.leg: ({carmen.leg}, None),
            carmen.leg: ({lucia.leg}, None),
        },
    )
    await lucia.do("call.consult_toggle", ref)
    await scene.hear(
        caller,
        {
            caller.leg: ({lucia.leg}, None),
            lucia.leg: ({caller.leg}, None),
            carmen.leg: MUSIC,
        },
    )
    await lucia.do("call.consult_complete", ref)
    await scene.hear(caller, {caller.leg: ({carmen.leg}, None), carmen.leg: ({caller.leg}, None)})
    await lucia.loses(caller.call_id)
    await lucia.desk.hears("interaction.wrap_started")
    await carmen.sees(caller.call_id, state="active", consult=None)
    await caller.visitor.do("call.hangup")
    wrap = await carmen.desk.hears("interaction.wrap_started")
    assert wrap["interaction"]["segment"]["state"] == "wrapping"


@pytest.mark.parametrize("end", ["call.hangup", "call.consult_complete"])
async def test_a_conference_goes_on_without_who_called_it(scene: Scene, end: str) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    await carmen.desk.hears("call.ringing")
    await carmen.do("call.answer", ref)
    card = await lucia.do("call.conference", ref)
    assert card["state"] == "conference"
    everybody = {caller.leg, lucia.leg, carmen.leg}
    await scene.hear(caller, {leg: (everybody - {leg}, None) for leg in everybody})
    await lucia.do(end, ref)
    await scene.hear(caller, {caller.leg: ({carmen.leg}, None), carmen.leg: ({caller.leg}, None)})
    await lucia.desk.hears("interaction.wrap_started")
    await carmen.sees(caller.call_id, state="active", consult=None)


async def test_a_colleague_declines(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    carmen = await scene.phone(CARMEN)
    ref = {"call_id": caller.call_id}
    await lucia.do("call.consult", {**ref, "agent_id": carmen.agent})
    await carmen.do("call.reject", ref)
    await carmen.loses(caller.call_id)
    await lucia.sees(caller.call_id, state="active", consult=None)
    await scene.hear(caller, {caller.leg: ({lucia.leg}, None), lucia.leg: ({caller.leg}, None)})


async def test_an_internal_call(scene: Scene) -> None:
    lucia, carmen = await scene.phone(LUCIA), await scene.phone(CARMEN)
    card = await lucia.do("call.dial", {"agent_id": carmen.agent})
    assert (card["direction"], card["state"]) == ("internal", "ringing")
    ref = {"call_id": card["call_id"]}
    await carmen.desk.hears("call.ringing")
    await carmen.do("call.answer", ref)
    await lucia.sees(card["call_id"], state="active")
    await carmen.do("call.hangup", ref)
    await lucia.loses(card["call_id"])


async def test_a_blind_transfer_puts_the_customer_on_music(scene: Scene) -> None:
    lucia = await scene.phone(LUCIA)
    caller = await scene.dials_in()
    await scene.talk(caller, lucia)
    card = await lucia.sees(caller.call_id)
    await lucia.do(
        "interaction.transfer", {"interaction_id": card["interaction_id"], "queue": "CO"}
    )
    await scene.hear(caller, {caller.leg: MUSIC})
    await lucia.loses(caller.call_id)
    carmen = await scene.phone(CARMEN)
    await scene.talk(caller, carmen)


async def test_what_a_line_was_like_is_kept_for_each_call(scene: Scene) -> None:
    """The agent's leg goes on; each of its calls keeps its own figures, and the call its worst."""
    lucia = await scene.phone(LUCIA)
    shown = []
    for loss, mos in ((50, 3.1), (0, 4.4)):
        caller = await scene.dials_in()
        await scene.talk(caller, lucia)
        card = await lucia.sees(caller.call_id)
        await lucia.do("call.hangup", {"call_id": caller.call_id})
        packets = {"packets_in": 1000 - loss, "lost": loss}
        scene.media.measure(caller.call, lucia.leg, **packets, jitter_ms=9.0, mos=mos)
        scene.media.measure(caller.call, caller.leg, packets_in=9, rtt_ms=40.0, mos=4.3)
        wrap = {"interaction_id": card["interaction_id"], "disposition": "other"}
        await lucia.do("interaction.wrap_up", wrap)
        shown.append(caller)
    scene.media.close_leg(lucia.leg)  # with figures of its own: of the connection, not of a call
    await scene.media.until(lambda: not scene.media.journal, "every report taken in")
    token = await scene.centre.supervisor_token()
    for caller, share, mos, word in ((shown[0], 0.05, 3.1, "poor"), (shown[1], 0.0, 4.3, "good")):
        _, detail = await scene.centre.http("GET", f"/calls/{caller.call_id}", token=token)
        customer, agent = (leg["quality"] for leg in detail["legs"])
        assert (customer["rtt_ms"], customer["mos"]) == (40.0, 4.3)
        assert (agent["loss"], agent["jitter_ms"]) == (share, 9.0)
        assert (detail["quality"]["mos"], detail["quality"]["word"]) == (mos, word)
