"""A chat from the first word to the wrap-up, through real sockets and a real router."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import db
from tests.integration.app.conftest import Centre
from tests.integration.app.people import Desk, Person, Visitor

LUCIA = "agent1@aintech.com"
CARMEN = "agent2@aintech.com"
PABLO = "agent3@aintech.com"
MANY_MESSAGES = """
INSERT INTO messages (id, conversation_id, sender, body, created_at)
SELECT uuidv7(), $1, 'visitor', 'Mensaje largo ' || n, now() FROM generate_series(1, $2::int) n
"""


async def talking(
    centre: Centre, queue: str = "SA", email: str = LUCIA
) -> tuple[Visitor, Desk, dict[str, Any]]:
    """A visitor and an agent in a chat; what the accept gave."""
    desk = await (await centre.desk(email)).available()
    visitor = await centre.visitor(name="Ana Prueba", queue=queue)
    await visitor.say("Hola")
    accepted = await desk.accepts()
    await visitor.hears("chat.agent_joined")
    visitor.heard.clear()
    desk.heard.clear()
    return visitor, desk, accepted


async def test_from_the_first_word_to_the_wrap_up(centre: Centre) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    assert desk.state["me"]["name"].startswith("Lucía")
    assert "SA" in desk.state["queues"]
    assert desk.state["centre"]["timezone"] == "Europe/Madrid"

    visitor = await centre.visitor(name="Ana Prueba", email="ana@prueba.example", queue="SA")
    assert visitor.conversation["state"] == "new"
    said = await visitor.say("Hola <b>¿hay alguien?</b>")
    assert (said["sender"], said["body"]) == ("visitor", "Hola <b>¿hay alguien?</b>")
    await visitor.until(lambda: visitor.conversation["state"] == "waiting", "waiting")
    assert visitor.conversation["position"] == 1

    offer = await desk.hears("reservation.created")
    assert offer["channel"] == "chat"
    assert offer["queue"] == "SA"
    assert offer["customer"]["name"] == "Ana Prueba"
    assert "ana@prueba.example" not in str(offer), "an offer identifies nobody"
    assert offer["reservation"]["reservation_id"] == offer["reservation_id"]
    item = await desk.hears("queue.item_changed", stream="queue:SA")
    assert item["item"]["customer_name"] == "Ana Prueba"

    accepted = await desk.do("reservation.accept", {"reservation_id": offer["reservation_id"]})
    card = accepted["interaction"]
    assert (card["state"], card["customer"]["email"]) == ("active", "ana@prueba.example")
    assert accepted["conversation"]["messages"][0]["body"] == said["body"]
    joined = await visitor.hears("chat.agent_joined")
    assert joined["agent"] == {"name": "Lucía"}
    event = await desk.hears("reservation.accepted")
    assert event["interaction"]["interaction_id"] == card["interaction_id"]
    assert event["conversation"]["messages"][0]["message_id"] == said["message_id"]
    gone = await desk.hears("queue.item_changed", item=None)
    assert gone["interaction_id"] == card["interaction_id"]

    # Both ways, with typing, read marks and a note that stays inside.
    await visitor.do("chat.typing", {"conversation_id": visitor.id})
    assert (await desk.hears("chat.typing"))["sender"] == "visitor"
    await desk.do("chat.typing", {"conversation_id": visitor.id})
    assert (await visitor.hears("chat.typing"))["sender"] == "agent"
    answer = await desk.say(visitor.id, "Buenos días, soy Lucía")
    shown = await visitor.hears("chat.message", sender="agent")
    assert (shown["message_id"], shown["agent_name"]) == (answer["message_id"], "Lucía")
    assert "agent_id" not in shown
    await visitor.do(
        "chat.read", {"conversation_id": visitor.id, "message_id": shown["message_id"]}
    )
    read = await desk.hears("chat.read", reader="visitor")
    assert read["message_id"] == shown["message_id"]
    await desk.say(visitor.id, "Es cliente desde 2019", kind="note")
    asked = await visitor.say("Quiero dar un parte")
    told = await desk.hears("chat.message", sender="visitor", body="Quiero dar un parte")
    assert told["interaction"]["unread"] >= 1
    await desk.do("chat.read", {"conversation_id": visitor.id, "message_id": asked["message_id"]})
    assert (await desk.hears("chat.read", reader="agent"))["unread"] == 0
    assert (await visitor.hears("chat.read", reader="agent"))["message_id"] == asked["message_id"]

    # The agent ends it and wraps up.
    await desk.do("interaction.close", {"interaction_id": card["interaction_id"]})
    assert (await visitor.hears("chat.closed"))["by"] == "agent"
    wrapping = await desk.hears("interaction.wrap_started")
    assert wrapping["interaction"]["segment"]["state"] == "wrapping"
    disposition = desk.state["dispositions"][0]["key"]
    await desk.do(
        "interaction.wrap_up",
        {"interaction_id": card["interaction_id"], "disposition": disposition, "note": "Hecho"},
    )
    done = await desk.hears("interaction.wrapped_up")
    assert done["interaction"] is None

    assert all("2019" not in str(payload) for _, payload in visitor.heard)
    many = 1_100
    conn = await db.connect(centre.settings)
    await conn.execute(MANY_MESSAGES, UUID(visitor.id), many)
    await conn.close()
    status, text = await centre.http(
        "GET", f"/chat/conversations/{visitor.id}/transcript", token=visitor.token
    )
    assert status == 200
    assert "Lucía: Buenos días, soy Lucía" in text
    assert "2019" not in text
    numbers = [line.split("Mensaje largo ")[1] for line in text.splitlines() if "largo" in line]
    assert numbers == [str(number) for number in range(1, many + 1)]


async def test_a_message_after_the_end_begins_anew_with_the_same_agent(centre: Centre) -> None:
    visitor, desk, accepted = await talking(centre)
    first = accepted["interaction"]["interaction_id"]
    await desk.do("interaction.close", {"interaction_id": first, "disposition": "other"})
    await visitor.hears("chat.closed")
    await visitor.say("Se me olvidaba algo")
    offer = await desk.hears("reservation.created")
    assert offer["interaction_id"] != first
    assert offer["conversation_id"] == visitor.id
    assert offer["why"]["preferred"] is True


async def test_the_customer_writes_again_during_the_wrap_up(centre: Centre) -> None:
    visitor, desk, accepted = await talking(centre)
    mine = accepted["interaction"]["interaction_id"]
    await visitor.do("chat.close", {"conversation_id": visitor.id})
    await desk.hears("chat.closed", by="visitor")
    assert (
        await desk.fails(
            "chat.message", {"conversation_id": visitor.id, "body": "¿Sigue?", "client_id": "x"}
        )
        == "conflict"
    )
    await desk.say(visitor.id, "Colgó", kind="note")
    await visitor.say("Perdón, sigo aquí")
    resumed = await desk.hears("interaction.resumed")
    assert resumed["interaction"]["interaction_id"] == mine
    assert resumed["interaction"]["segment"]["state"] == "active"
    assert (await visitor.hears("chat.agent_joined"))["agent"]["name"] == "Lucía"


async def test_a_transfer_changes_hands_and_the_first_agent_hears_no_more(centre: Centre) -> None:
    visitor, lucia, accepted = await talking(centre)
    pablo = await (await centre.desk(PABLO)).available()
    mine = accepted["interaction"]["interaction_id"]
    await lucia.do("interaction.transfer", {"interaction_id": mine, "queue": "CO"})
    await visitor.hears("chat.agent_left")
    moved = await lucia.hears("interaction.transferred")
    assert moved["interaction"] is None
    taken = await pablo.accepts()
    assert taken["interaction"]["interaction_id"] == mine
    assert (await visitor.hears("chat.agent_joined"))["agent"]["name"] == "Pablo"
    lucia.heard.clear()
    await visitor.say("¿Me oye?")
    await pablo.hears("chat.message", body="¿Me oye?")
    later = await centre.visitor(queue="SA", message="Otra")
    await lucia.until(lambda: later.id in str(lucia.heard), "what came later")
    assert not [p for name, p in lucia.heard if name.startswith("chat.") and visitor.id in str(p)]
    assert (
        await lucia.fails(
            "chat.message", {"conversation_id": visitor.id, "body": "hola", "client_id": "x"}
        )
        == "not_found"
    )


async def test_who_leaves_the_queue_is_gone_from_every_list(centre: Centre) -> None:
    desk = await centre.desk(LUCIA)
    visitor = await centre.visitor(queue="SA", message="Hola")
    await desk.hears("queue.item_changed", stream="queue:SA")
    closed = await visitor.do("chat.close")
    assert closed["state"] == "ended"
    gone = await desk.hears("queue.item_changed", item=None)
    assert gone["stream"] == "queue:SA"
    await visitor.hears("chat.closed", by="visitor")
    assert (await visitor.do("chat.close"))["state"] == "ended"


async def test_places_move_up_and_are_told(centre: Centre) -> None:
    first = await centre.visitor(queue="SA", message="uno")
    second = await centre.visitor(queue="SA", message="dos")
    await second.until(lambda: second.conversation["position"] == 2, "the second place")
    await first.do("chat.close")
    told = await second.hears("queue.position")
    assert told["position"] == 1
    assert told["stream"] == f"conversation:{second.id}"


async def test_a_desk_that_reloads_sees_what_it_saw(centre: Centre) -> None:
    visitor, desk, accepted = await talking(centre)
    await visitor.say("¿Hola?")
    await desk.hears("chat.message", body="¿Hola?")
    again = await centre.desk(LUCIA)
    mine = again.state["interactions"][accepted["interaction"]["interaction_id"]]
    assert mine["last_message"]["body"] == "¿Hola?"
    talk = again.state["conversations"][visitor.id]
    assert [m["body"] for m in talk["messages"]] == ["Hola", "¿Hola?"]
    assert again.state["me"]["status"] == "available"


async def test_who_leaves_the_message_that_was_offered_sees_so(
    centre: Centre, pool: db.Pool
) -> None:
    visitor = await centre.visitor(queue="SA", message="Hola")
    async with pool.acquire() as conn:  # as the router notes it at a queue's limit
        await conn.execute("UPDATE work_items SET message_offered = true")
    await visitor.say("Llámenme mañana")
    await visitor.until(lambda: visitor.conversation["state"] == "message_left", "message left")
    assert visitor.conversation["position"] == 1


async def test_outside_hours_a_message_waits_for_the_opening(centre: Centre) -> None:
    centre.clock.advance(timedelta(hours=13))
    status, config = await centre.http("GET", "/chat/config?queue=SA")
    assert status == 200
    assert config["open"] is False
    assert config["opens_at"] is not None
    visitor = await centre.visitor(queue="SA", name="Noche")
    await visitor.say("Llámenme mañana")
    await visitor.until(lambda: visitor.conversation["state"] == "message_left", "message left")
    token = await centre.supervisor_token()
    status, lines = await centre.http("GET", "/queue?queue=SA", token=token)
    assert status == 200
    assert '"band": 3' in str(lines).replace("'", '"')

    # It is a message in the figures: of those who wait at the other end, none was there.
    gone = await centre.visitor(queue="SA", message="Otro más")
    await gone.do("chat.close")
    now = centre.clock.now()
    span = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat(), "queue": "SA"}
    _, past = await centre.http("GET", "/analytics/intervals", token=token, params=span)
    lines_then = {row["channel"]: row["figures"] for row in past["items"]}
    assert lines_then.keys() == {"message"}
    assert lines_then["message"]["offered"] == 2
    board = Person(centre.url, "/wallboard")
    await board.connect(token)
    async with asyncio.timeout(10):
        while True:
            await board.do("wallboard.subscribe", {"queues": ["SA"]})
            state = board.snapshots[-1]["state"]
            if state["today"].get("SA|message") == lines_then["message"]:
                break
            await asyncio.sleep(0.05)
    assert "SA|chat" not in state["today"]
    assert [item["channel"] for item in state["waiting"].values()] == ["message"]
    query = {"figure": "waiting", "queue": "SA", "channel": "written"}
    _, told = await centre.http("GET", "/analytics/explain", token=token, params=query)
    assert [item["channel"] for item in told["items"]] == ["message"]
    await board.leave()
