"""What a visitor chooses or says first reaches the rules by which they are routed."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

import db
from tests.integration.app.conftest import Centre
from tests.integration.app.people import sign_in

WAITS = """
SELECT w.queue, w.band, w.base, i.routing_facts FROM work_items w
JOIN interactions i ON i.id = w.interaction_id JOIN conversations v ON v.id = i.conversation_id
WHERE v.id = $1::uuid ORDER BY w.entered_at, w.id
"""


async def begin(centre: Centre, **given: Any) -> dict[str, Any]:
    status, started = await centre.http("POST", "/chat/conversations", json=given)
    assert status == 201, started
    return dict(started)


async def waits(conn: db.Connection, started: dict[str, Any]) -> list[tuple[Any, ...]]:
    of = started["conversation"]["conversation_id"]
    rows = await conn.fetch(WAITS, of)
    return [
        (row["queue"], row["band"], row["base"], row["routing_facts"].get("greeting"))
        for row in rows
    ]


async def say(centre: Centre, started: dict[str, Any], body: str) -> None:
    path = f"/chat/conversations/{started['conversation']['conversation_id']}/messages"
    text = {"body": body, "client_id": body.replace(" ", "_")}
    status, told = await centre.http("POST", path, token=started["token"], json=text)
    assert status == 201, told


HURT = ("SA", 1, 100, "emergency_112")


async def test_who_is_hurt_comes_first_and_is_told_112(centre: Centre, conn: db.Connection) -> None:
    at_once = await begin(centre, topic="injured", message="Hemos chocado", client_id="1")
    assert await waits(conn, at_once) == [HURT]
    later = await begin(centre, topic="injured")
    assert await waits(conn, later) == []
    await say(centre, later, "hola")
    assert await waits(conn, later) == [HURT]
    # It was chosen for that contact, not for the next one.
    path = f"/chat/conversations/{later['conversation']['conversation_id']}/close"
    await centre.http("POST", path, token=later["token"])
    plain = await begin(centre, message="hola", client_id="1")
    assert (await waits(conn, plain))[0][1] == 2
    elena = await sign_in(centre.url, "supervisor1@aintech.com")
    of = await conn.fetchval(
        "SELECT id FROM interactions WHERE conversation_id = $1::uuid",
        at_once["conversation"]["conversation_id"],
    )
    _, file = await centre.http("GET", f"/interactions/{of}/file", token=elena)
    assert file["banner"] == "injured"


@pytest.mark.parametrize("body", ["HERIDOS", "¡Hay heridos!", "injured"])
async def test_a_first_message_that_is_a_keyword_is_a_choice(
    centre: Centre, conn: db.Connection, body: str
) -> None:
    assert await waits(conn, await begin(centre, message=body, client_id="1")) == [HURT]


async def test_a_leak_outside_hours_is_a_task_for_the_morning(
    centre: Centre, conn: db.Connection
) -> None:
    await conn.execute(
        "UPDATE calendars SET weekly = '{}', exceptions = '[]', version = version + 1"
    )
    closed = await begin(centre, topic="leak", message="Sale agua del techo", client_id="1")
    ((_, band, base, _),) = await waits(conn, closed)
    assert (band, base) == (1, 90)  # the insurers' line is no queue here: the place in line alone
    of = closed["conversation"]["conversation_id"]
    task = await conn.fetchrow(
        "SELECT t.due_date FROM tasks t JOIN interactions i ON i.id = t.interaction_id"
        " WHERE i.conversation_id = $1::uuid AND t.task_type = 'follow_up'",
        of,
    )
    assert task is not None
    assert task["due_date"].astimezone(ZoneInfo("Europe/Madrid")).hour == 9


async def test_a_topic_that_is_none_is_refused(centre: Centre) -> None:
    status, told = await centre.http("POST", "/chat/conversations", json={"topic": "fire"})
    assert (status, told["errors"][0]["loc"][-1]) == (422, "topic")
