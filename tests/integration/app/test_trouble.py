"""Two nodes on one database, a database that goes away for a moment, and a centre that stops."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import aiohttp
import pytest

import db
from contactcenter.core.errors import Unavailable
from contactcenter.core.sockets import Ack
from contactcenter.realtime.snapshot import Snapshots
from db.embedded import EmbeddedPostgres
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.app.people import Mirror, Visitor
from tests.integration.app.test_journey import LUCIA, talking
from tests.integration.conftest import settings_for

BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_a_visitor_on_one_node_and_an_agent_on_the_other(start: StartCentre) -> None:
    first = await start("web", "router")
    second = await start("web", clock=first.clock)
    desk = await (await second.desk(LUCIA)).available()
    visitor = await first.visitor(queue="SA", message="Hola")
    accepted = await desk.accepts()
    assert (await visitor.hears("chat.agent_joined"))["node"] == first.house.realtime.hub.node
    await visitor.say("¿Me lee?")
    told = await desk.hears("chat.message", body="¿Me lee?")
    assert told["node"] == second.house.realtime.hub.node
    await desk.say(visitor.id, "Sí")
    await visitor.hears("chat.message", body="Sí")
    mine = {"interaction_id": accepted["interaction"]["interaction_id"]}
    await desk.do("interaction.close", {**mine, "disposition": "other"})
    await visitor.hears("chat.closed")


async def test_a_database_that_goes_away_costs_no_event(
    centre: Centre, conn: db.Connection
) -> None:
    visitor, desk, _ = await talking(centre)
    mirror = Mirror(desk)
    mirror.after(desk.log)
    said = []
    for number in range(12):
        if number % 4 == 1:
            await conn.execute(BACKENDS)
        said.append(await said_at_last(visitor, f"línea {number}", f"k{number}"))

    def came() -> bool:
        told = [p["body"] for name, p in desk.log if name == "chat.message"]
        return told[-12:] == [f"línea {number}" for number in range(12)]

    await desk.until(came, "every line, once, in order")
    mirror.after(desk.log)
    assert not mirror.missed
    assert len({message["message_id"] for message in said}) == 12
    assert desk.left == visitor.left == []


async def said_at_last(visitor: Visitor, body: str, client_id: str) -> Ack:
    """Say it until it is acknowledged, as a browser does."""
    while True:
        ack = await visitor.ask(
            "chat.message", {"conversation_id": visitor.id, "body": body, "client_id": client_id}
        )
        if ack["ok"]:
            message: Ack = ack["data"]
            return message
        assert ack["error"]["code"] == "unavailable", ack
        await asyncio.sleep(0.1)


async def test_a_snapshot_that_fails_tells_nothing_twice(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message and the wait that begins with it are told in one batch."""
    visitor = await centre.visitor(queue="SA")
    other = await centre.visitor(queue="SA", message="Hola")
    await other.say("Y otra cosa")
    await other.hears("chat.message", body="Y otra cosa")  # what came before it is told too

    async def none_just_now(*_: object) -> NoReturn:
        raise Unavailable("The database is not available just now.")

    with monkeypatch.context() as patch:
        patch.setattr(Snapshots, "visitor", none_just_now)
        await visitor.say("Buenos días")
        await visitor.until(lambda: bool(visitor.left), "it is let go")
    told = [p["body"] for name, p in visitor.log if name == "chat.message"]
    assert told == ["Buenos días"]
    assert other.left == []
    await other.say("Otra cosa")
    await other.hears("chat.message", body="Otra cosa")


async def test_a_stall_of_the_database_is_answered_and_passes(
    centre: Centre, conn: db.Connection
) -> None:
    visitor, desk, _ = await talking(centre)
    transaction = conn.transaction()
    await transaction.start()
    await conn.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
    says = {"conversation_id": visitor.id, "body": "¿Hola?", "client_id": "stalled"}
    ack = await visitor.ask("chat.message", says)
    assert ack["error"]["code"] == "unavailable"
    assert ack["error"]["ctx"]["retry_after"] >= 1
    await transaction.rollback()
    message = await said_at_last(visitor, "¿Hola?", "stalled")
    assert (await desk.hears("chat.message", body="¿Hola?"))["message_id"] == message["message_id"]


async def test_a_centre_that_stops_lets_everybody_come_back(start: StartCentre) -> None:
    """`transport close` and not `io server disconnect`: browsers reconnect by themselves."""
    centre = await start()
    desk = await centre.desk(LUCIA)
    await centre.house.realtime.gateway.let_go()
    await desk.until(lambda: desk.left, "the end of the connection")
    assert desk.left == ["transport close"] or desk.left == ["server disconnect"]
    again = await centre.desk(LUCIA)
    assert again.state["me"]["agent_id"] == desk.state["me"]["agent_id"]


async def test_pages_and_what_they_load(centre: Centre) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{centre.url}/", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/demo")
        for path in (
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static//etc/passwd",
            "/static/desk",
            "/static/a%00b",
        ):
            async with session.get(centre.url + path) as answer:
                assert answer.status in {400, 404}, path
        for path in ("/desk", "/wallboard", "/demo", "/widget.js"):
            async with session.get(centre.url + path) as answer:
                assert answer.status in {200, 404}, "404 while the front end is not built"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
                if answer.status == 200 and path == "/widget.js":
                    assert answer.headers["Access-Control-Allow-Origin"] == "*"
                    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        async with session.get(f"{centre.url}/readyz") as answer:
            ready = await answer.json()
            assert (answer.status, ready["checks"]["router"]) == (200, "ok")


async def test_a_database_that_is_down_is_told_and_comes_back(
    centre: Centre, conn: db.Connection, postgres: EmbeddedPostgres
) -> None:
    name = await conn.fetchval("SELECT current_database()")
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))

    async def asked(path: str) -> tuple[int, Any]:
        async with session.get(f"{centre.url}{path}") as answer:
            return answer.status, await answer.json()

    async def ready_is(status: int, state: str) -> None:
        async with asyncio.timeout(30):
            while True:
                got, told = await asked("/readyz")
                if (got, told["checks"]["database"]) == (status, state):
                    return
                await asyncio.sleep(0.05)

    async with aiohttp.ClientSession() as session:
        await ready_is(200, "ok")
        # Nobody new gets in and whoever is in is put out: as good as down for this centre.
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            await conn.execute(BACKENDS)
            await ready_is(503, "down")
            assert (await asked("/healthz"))[0] == 200
        finally:
            await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            await admin.close()
        await ready_is(200, "ok")


async def test_without_a_router_it_is_not_ready(start: StartCentre) -> None:
    centre = await start("web")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{centre.url}/readyz") as answer,
    ):
        assert answer.status == 503
        assert "Retry-After" in answer.headers
    desk = await centre.desk(LUCIA)
    assert await desk.fails("agent.set_status", {"status": "available"}) == "unavailable"
