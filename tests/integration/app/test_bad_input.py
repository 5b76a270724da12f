"""What a client may do wrong: the answer the contract names, no effect, and nobody else notices."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
import socketio
from yarl import URL

import db
from tests.integration.app.conftest import Centre
from tests.integration.app.people import Desk, Person, Visitor, sign_in
from tests.integration.app.test_journey import CARMEN, LUCIA, PABLO, talking

NOWHERE = str(uuid4())


async def refused(url: str, namespace: str, token: Any, **headers: str) -> str:
    """The code with which a namespace keeps somebody out."""
    client = socketio.AsyncClient(reconnection=False)
    errors: list[Any] = []
    client.on("connect_error", errors.append, namespace=namespace)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            url,
            headers=headers,
            auth={"token": token},
            namespaces=[namespace],
            transports=["websocket"],
        )
    await client.disconnect()
    code: str = errors[0]["data"]["code"]
    return code


async def test_who_gets_into_which_namespace(centre: Centre) -> None:
    visitor = Visitor(centre.url)
    await visitor.begin(queue="SA")
    agent = await sign_in(centre.url, LUCIA)
    admin = await sign_in(centre.url, "admin@aintech.com")
    customer = await sign_in(centre.url, "customer1@aintech.com")
    url = centre.url
    for token in (None, "", "nonsense", "visitor_nonsense", "a.b.c", 7, "x" * 5000):
        assert await refused(url, "/agent", token) == "unauthenticated"
        assert await refused(url, "/chat", token) == "unauthenticated"
    assert await refused(url, "/agent", visitor.token) == "forbidden"
    assert await refused(url, "/wallboard", visitor.token) == "forbidden"
    assert await refused(url, "/chat", agent) == "forbidden"
    assert await refused(url, "/wallboard", agent) == "forbidden"
    assert await refused(url, "/agent", admin) == "forbidden", "an admin without an agent's row"
    assert await refused(url, "/agent", customer) == "forbidden"


async def test_pages_of_others_may_not_connect(centre: Centre) -> None:
    visitor = Visitor(centre.url)
    await visitor.begin(queue="SA")
    agent = await sign_in(centre.url, LUCIA)
    evil = {"Origin": "https://evil.example"}
    assert await refused(centre.url, "/chat", visitor.token, **evil) == "forbidden"
    assert await refused(centre.url, "/agent", agent, **evil) == "forbidden"
    await visitor.connect(visitor.token, Origin=centre.url)
    await visitor.leave()


async def test_the_widget_of_a_named_site_may(start: Any) -> None:
    centre = await start(WIDGET_ORIGINS="https://shop.example")
    visitor = Visitor(centre.url)
    await visitor.begin(queue="SA")
    await visitor.connect(visitor.token, Origin="https://shop.example")
    await visitor.leave()
    # Where a network lets no WebSocket through, the page polls.
    door = f"{centre.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession(headers={"Origin": "https://shop.example"}) as page:
        hello = await (await page.get(door)).text()
        door += f"&sid={orjson.loads(hello[1:])['sid']}"
        token = orjson.dumps({"token": visitor.token}).decode()
        assert (await page.post(door, data=f"40/chat,{token}")).status == 200
        assert (await (await page.get(door)).text()).startswith("40/chat,")
    agent = await sign_in(centre.url, LUCIA)
    assert await refused(centre.url, "/agent", agent, Origin="https://shop.example") == "forbidden"


async def test_a_sign_out_ends_the_sockets_within_a_second(centre: Centre) -> None:
    desk = await centre.desk(LUCIA)
    other = await centre.desk(CARMEN)
    status, _ = await centre.http("POST", "/auth/logout", token=desk.token, json={})
    assert status in {200, 204}
    async with asyncio.timeout(1):
        await desk.until(lambda: desk.left, "the end of the socket")
    assert await refused(centre.url, "/agent", desk.token) == "unauthenticated"
    assert other.left == []


async def test_a_change_of_role_ends_the_sockets_within_a_second(
    centre: Centre, conn: db.Connection
) -> None:
    from contactcenter.events.identity import UserChanged

    desk = await centre.desk(LUCIA)
    async with centre.house.deps.work.begin("test.role", "system") as work:
        user_id = await work.conn.fetchval(
            "UPDATE users SET role = 'customer' WHERE email = $1 RETURNING id", LUCIA
        )
        work.emit(UserChanged(user_id=user_id))
    async with asyncio.timeout(1):
        await desk.until(lambda: desk.left, "the end of the socket")
    assert await refused(centre.url, "/agent", desk.token) == "forbidden"


async def test_commands_that_make_no_sense(centre: Centre) -> None:
    visitor, desk, accepted = await talking(centre)
    mine = accepted["interaction"]["interaction_id"]
    says = {"conversation_id": visitor.id, "body": "hola", "client_id": "c"}
    cases: list[tuple[Person, str, Any, str]] = [
        (visitor, "chat.shout", says, "unsupported"),
        (visitor, "reservation.accept", {"reservation_id": NOWHERE}, "unsupported"),
        (desk, "chat.close", {"conversation_id": visitor.id}, "unsupported"),
        (visitor, "chat.message", "hola", "invalid"),
        (visitor, "chat.message", None, "invalid"),
        (visitor, "chat.message", {**says, "more": 1}, "invalid"),
        (visitor, "chat.message", {**says, "body": ""}, "invalid"),
        (visitor, "chat.message", {**says, "body": "a\0b"}, "invalid"),
        (visitor, "chat.message", {**says, "body": "a\x1b[1mb"}, "invalid"),
        (visitor, "chat.message", {**says, "body": ["hola"]}, "invalid"),
        (visitor, "chat.message", {**says, "client_id": "x" * 65}, "invalid"),
        (visitor, "chat.message", {**says, "conversation_id": "nowhere"}, "invalid"),
        (visitor, "chat.message", {**says, "conversation_id": NOWHERE}, "not_found"),
        (visitor, "chat.message", {**says, "body": "x" * 4001}, "too_large"),
        (visitor, "chat.message", {**says, "body": "x" * 70_000}, "too_large"),
        (visitor, "chat.read", {"conversation_id": visitor.id, "message_id": NOWHERE}, "not_found"),
        (visitor, "chat.close", {"conversation_id": NOWHERE}, "not_found"),
        (visitor, "sync", {"cursor": "x" * 65}, "invalid"),
        (desk, "chat.message", {**says, "conversation_id": NOWHERE}, "not_found"),
        (desk, "chat.message", {**says, "body": "x" * 4001}, "too_large"),
        (desk, "chat.message", {**says, "kind": "event"}, "invalid"),
        (desk, "chat.read", {"conversation_id": visitor.id, "message_id": NOWHERE}, "not_found"),
        (desk, "chat.typing", {"conversation_id": NOWHERE}, "not_found"),
        (desk, "reservation.accept", {"reservation_id": NOWHERE}, "not_found"),
        (desk, "reservation.reject", {"reservation_id": NOWHERE}, "not_found"),
        (desk, "interaction.close", {"interaction_id": NOWHERE}, "not_found"),
        (desk, "interaction.pull", {"interaction_id": NOWHERE}, "not_found"),
        (desk, "interaction.transfer", {"interaction_id": mine, "queue": "NONE"}, "not_found"),
        (desk, "interaction.transfer", {"interaction_id": mine}, "invalid"),
        (desk, "agent.set_status", {"status": "asleep"}, "invalid"),
        (desk, "agent.set_status", {"status": "away", "reason": "Voy al médico"}, "invalid"),
        (
            desk,
            "reservation.reject",
            {"reservation_id": NOWHERE, "reason": "Es mi jefe"},
            "invalid",
        ),
    ]
    for person, command, payload, code in cases:
        assert await person.fails(command, payload) == code, (command, str(payload)[:80])
    assert await visitor.sio.call("chat.message", (says, says), namespace="/chat") == {
        "ok": False,
        "error": {"code": "invalid", "detail": "A command takes one object.", "ctx": {}},
    }
    assert not [1 for p in (desk, visitor) for name, _ in p.heard if name.startswith("chat.")]
    await visitor.say("y ahora sí")
    await desk.hears("chat.message", body="y ahora sí")


async def test_commands_in_the_wrong_order(centre: Centre) -> None:
    visitor, desk, accepted = await talking(centre)
    mine = {"interaction_id": accepted["interaction"]["interaction_id"]}
    assert await desk.fails("interaction.wrap_up", {**mine, "disposition": "other"}) == "conflict"
    await desk.do("interaction.close", mine)
    await desk.do("interaction.close", mine)  # again: the same answer, nothing more
    assert await desk.fails("interaction.transfer", {**mine, "queue": "CO"}) in {
        "conflict",
        "not_found",
    }
    await desk.do("interaction.wrap_up", {**mine, "disposition": "other"})
    await desk.do("interaction.wrap_up", {**mine, "disposition": "other"})
    says = {"conversation_id": visitor.id, "body": "tarde", "client_id": "late"}
    assert await desk.fails("chat.message", says) == "not_found"


async def test_another_visitor_and_another_agent_see_and_change_nothing(centre: Centre) -> None:
    visitor, _, accepted = await talking(centre)
    stranger = await centre.visitor(queue="RE")
    pablo = await centre.desk(PABLO)
    mine = {"interaction_id": accepted["interaction"]["interaction_id"]}
    says = {"conversation_id": visitor.id, "body": "soy yo", "client_id": "c"}
    assert await stranger.fails("chat.message", says) == "not_found"
    assert await stranger.fails("chat.close", {"conversation_id": visitor.id}) == "not_found"
    assert await pablo.fails("chat.message", says) == "not_found"
    assert await pablo.fails("interaction.close", mine) == "not_found"
    for path in ("", "/messages", "/transcript"):
        status, _ = await centre.http(
            "GET", f"/chat/conversations/{visitor.id}{path}", token=stranger.token
        )
        assert status == 404
    for token in (visitor.token, pablo.token):
        status, _ = await centre.http("GET", f"/conversations/{visitor.id}/messages", token=token)
        assert status in {403, 404}
    await visitor.say("sigo")
    pablo.heard.clear()
    await centre.visitor(queue="CO", message="Otra")
    await pablo.hears("queue.item_changed", stream="queue:CO")
    await stranger.say("y yo")
    await stranger.hears("chat.message", body="y yo")
    assert not [1 for person in (stranger, pablo) for _, p in person.log if "sigo" in str(p)]


@pytest.mark.proof
async def test_two_tabs_accept_at_once_and_two_agents_race(centre: Centre) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    tab = await centre.desk(LUCIA)
    carmen = await centre.desk(CARMEN)
    visitor = await centre.visitor(queue="SA", message="Hola")
    offer = await desk.hears("reservation.created")
    await tab.hears("reservation.created", reservation_id=offer["reservation_id"])
    taking = {"reservation_id": offer["reservation_id"]}
    one, two, other = await asyncio.gather(
        desk.ask("reservation.accept", taking),
        tab.ask("reservation.accept", taking),
        carmen.ask("reservation.accept", taking),
    )
    assert one["ok"]
    assert two["ok"]
    assert one["data"]["interaction"]["segment"] == two["data"]["interaction"]["segment"]
    assert other["error"]["code"] in {"conflict", "not_found"}
    again = await desk.do("reservation.accept", taking)
    assert again["interaction"]["interaction_id"] == one["data"]["interaction"]["interaction_id"]
    await visitor.hears("chat.agent_joined")
    async with db_of(centre) as conn:
        assert await conn.fetchval("SELECT count(*) FROM segments") == 1
    await tab.hears("reservation.accepted")


async def test_an_offer_that_ran_out(centre: Centre) -> None:
    desk = await (await centre.desk(LUCIA)).available()
    await centre.visitor(queue="SA", message="Hola")
    offer = await desk.hears("reservation.created")
    centre.clock.advance(timedelta(seconds=40))
    taking = {"reservation_id": offer["reservation_id"]}
    ended = await desk.hears("reservation.timed_out")
    assert ended["reservation_id"] == offer["reservation_id"]
    assert await desk.fails("reservation.accept", taking) == "expired"


async def test_a_flood_is_slowed_and_the_others_go_on(centre: Centre) -> None:
    visitor, desk, _ = await talking(centre)
    other = await centre.visitor(queue="RE", message="Hola")
    acks = await asyncio.gather(
        *(
            visitor.ask(
                "chat.message",
                {"conversation_id": visitor.id, "body": f"n{n}", "client_id": f"f{n}"},
            )
            for n in range(100)
        )
    )
    codes = {ack["error"]["code"] for ack in acks if not ack["ok"]}
    assert codes == {"rate_limited"}
    assert all(a["error"]["ctx"]["retry_after"] >= 1 for a in acks if not a["ok"])
    taken = [n for n, ack in enumerate(acks) if ack["ok"]]
    assert 10 <= len(taken) <= 40
    await other.say("¿Siguen ahí?")
    bodies = [f"n{n}" for n in taken]

    def came() -> bool:
        return [p["body"] for name, p in desk.heard if name == "chat.message"] == bodies

    await desk.until(came, "all that was acknowledged, in order, once")


async def test_http_says_what_is_wrong(centre: Centre) -> None:
    visitor = Visitor(centre.url)
    await visitor.begin(queue="SA")
    mine = f"/chat/conversations/{visitor.id}"
    token = visitor.token
    status, problem = await centre.http(
        "POST", "/chat/conversations", data="{oops", headers={"Content-Type": "application/json"}
    )
    assert (status, problem["code"]) == (400, "invalid")
    status, _ = await centre.http("POST", "/chat/conversations", data="a=b")
    assert status in {400, 415}
    status, problem = await centre.http("POST", "/chat/conversations", json={"name": "x" * 70_000})
    assert status == 413
    for body, loc in (
        ({"queue": "NONE"}, "queue"),
        ({"email": "nobody"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"name": "a\0b"}, None),
        ({"nmae": "a"}, None),
        ({"locale": "xx"}, "locale"),
        ({"message": ""}, "message"),
    ):
        status, problem = await centre.http("POST", "/chat/conversations", json=body)
        assert status == 422, body
        assert loc is None or problem["errors"][0]["loc"][0] == loc
    says = {"body": "hola", "client_id": "c1"}
    assert (await centre.http("POST", f"{mine}/messages", json=says))[0] == 401
    assert (await centre.http("POST", f"{mine}/messages", json=says, token="visitor_x"))[0] == 401
    status, problem = await centre.http(
        "POST", f"{mine}/messages", json={**says, "body": "x" * 4001}, token=token
    )
    assert (status, problem["code"], problem["ctx"]) == (413, "too_large", {"limit": 4000})
    status, first = await centre.http("POST", f"{mine}/messages", json=says, token=token)
    assert status == 201
    status, second = await centre.http("POST", f"{mine}/messages", json=says, token=token)
    assert (status, second["message_id"]) == (201, first["message_id"])
    for _ in range(30):
        status, problem = await centre.http("POST", f"{mine}/messages", json=says, token=token)
    assert (status, problem["code"]) == (429, "rate_limited")
    assert (await centre.http("GET", f"/chat/conversations/{NOWHERE}", token=token))[0] == 404
    assert (await centre.http("GET", "/chat/conversations/nonsense", token=token))[0] == 404


async def test_what_no_database_and_no_file_system_takes(centre: Centre) -> None:
    """Bytes that are no text, names that are no path, times that no calendar counts from."""
    supervisor = await centre.supervisor_token()
    for token in ("visitor_\udcff", "\udcff.\udcff.\udcff"):
        async with aiohttp.ClientSession() as session:
            header = {"Authorization": f"Bearer {token}"}
            answer = await session.get(f"{centre.url}/api/v1/auth/me", headers=header)
            assert answer.status == 401
    async with aiohttp.ClientSession() as session:
        for path in ("%00", "a" * 300, "..%00/app.py", "%2e%2e/app.py", "%2fetc/passwd"):
            url = URL(f"{centre.url}/static/{path}", encoded=True)
            assert (await session.get(url)).status == 404, path
    _, team = await centre.http("GET", "/agents", token=supervisor)
    agent = team["items"][0]["agent_id"]
    ends = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    for path, names in (
        ("/analytics/intervals", ("from", "to")),
        ("/analytics/explain", ("half",)),
        (f"/agents/{agent}/stats", ("since", "until")),
    ):
        for moment in (*ends, "2027-03-16T09:00:00"):
            query = {"figure": "asa"} if "explain" in path else {}
            query |= dict.fromkeys(names, moment)
            status, problem = await centre.http("GET", path, params=query, token=supervisor)
            assert status == 422, (path, moment)
            assert problem["errors"][0]["loc"] == ["query", names[0]]
    for moment in ends:
        leaving = {"status": "offline", "open": "snooze", "snooze_until": moment}
        status, _ = await centre.http(
            "POST", f"/agents/{agent}/status", json=leaving, token=supervisor
        )
        assert status == 422


async def counts(centre: Centre, *tables: str) -> list[int]:
    async with db_of(centre) as conn:
        return [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.proof
async def test_a_beginning_that_is_repeated_begins_once(centre: Centre) -> None:
    before = await counts(centre, "conversations", "messages")
    headers = {"Idempotency-Key": "key-of-the-widget"}
    body = {"queue": "SA", "message": "Hola", "client_id": "c1"}
    answers = await asyncio.gather(
        *(
            centre.http("POST", "/chat/conversations", json=body, headers=dict(headers))
            for _ in range(5)
        )
    )
    assert {status for status, _ in answers} == {201}
    assert len({started["token"] for _, started in answers}) == 1
    assert await counts(centre, "conversations", "messages") == [n + 1 for n in before]


@pytest.mark.proof
async def test_first_messages_at_once_make_one_interaction(centre: Centre) -> None:
    tables = ("interactions", "work_items", "messages")
    before = await counts(centre, *tables)
    visitor = Visitor(centre.url)
    await visitor.begin(queue="SA")
    answers = await asyncio.gather(
        *(
            centre.http(
                "POST",
                f"/chat/conversations/{visitor.id}/messages",
                json={"body": f"n{n}", "client_id": f"c{n}"},
                token=visitor.token,
            )
            for n in range(10)
        )
    )
    assert {status for status, _ in answers} == {201}
    after = await counts(centre, *tables)
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 10]


async def test_a_desk_that_reads_nothing_is_cut_and_the_others_are_told(centre: Centre) -> None:
    """The deaf one is a bare socket on /agent; everybody's `team` events go to it too."""
    deaf_token = await sign_in(centre.url, CARMEN)
    async with aiohttp.ClientSession() as session:
        ws = await session.ws_connect(f"{centre.url}/socket.io/?EIO=4&transport=websocket")
        await ws.receive_str()
        await ws.send_str(f'40/agent,{{"token":"{deaf_token}"}}')
        desk = await centre.desk(LUCIA)
        hub = centre.house.realtime.hub
        deaf = next(
            c
            for c in hub.connections("/agent")
            if c.principal.agent_id not in {desk.snapshots[0]["state"]["me"]["agent_id"]}
        )
        # Stop reading at the operating system's level: what arrives piles up on the server.
        transport: Any = ws._response.connection.transport  # type: ignore[union-attr]
        transport.pause_reading()
        sent = 0
        while hub.get(deaf.sid) is not None:
            assert sent < 2000
            for _ in range(20):
                hub.emit("/agent", "team", "test.noise", {"n": sent, "text": "x" * 20_000}, "c")
                sent += 1
            await asyncio.sleep(0.01)
        await desk.until(
            lambda: len([1 for name, _ in desk.heard if name == "test.noise"]) == sent, "the noise"
        )
        numbers = [p["n"] for name, p in desk.heard if name == "test.noise"]
        assert numbers == list(range(sent))
        transport.abort()


def db_of(centre: Centre) -> Any:
    return centre.house.deps.work.reading("test.look")


__all__ = ["Desk"]
