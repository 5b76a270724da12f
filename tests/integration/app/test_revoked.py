"""A right that was taken away on one node is gone on the other within a second, even while a
transaction that somebody left open holds the event log back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

import db
from contactcenter.core import eventlog
from tests.integration.app.conftest import Centre, StartCentre
from tests.integration.app.people import Person, sign_in
from tests.integration.app.test_journey import CARMEN, LUCIA

ADMIN = "admin@aintech.com"


@pytest.fixture
async def there(centre: Centre, start: StartCentre) -> Centre:
    """A second node, which serves pages and sockets alone."""
    return await start("web", clock=centre.clock)


@pytest.fixture
async def left_open(centre: Centre, there: Centre) -> AsyncIterator[db.Connection]:
    """A writing transaction older than everything the test does."""
    conn = await db.connect(centre.settings)
    await conn.execute("BEGIN")
    await conn.execute("SELECT pg_current_xact_id()")
    yield conn
    await conn.close()


async def refused(node: Centre, token: str) -> None:
    """Neither a request nor a socket comes in."""
    assert (await node.http("GET", "/auth/me", token=token))[0] == 401
    again = Person(node.url, "/agent")
    with pytest.raises(Exception, match=r".*"):
        await again.connect(token)
    await again.leave()


async def test_logged_out_disabled_and_changed_on_another_node(
    centre: Centre, there: Centre, left_open: db.Connection
) -> None:
    conn = await db.connect(centre.settings)
    users = {row["email"]: row["id"] for row in await conn.fetch("SELECT id, email FROM users")}
    admin = await sign_in(centre.url, ADMIN)
    elena = await there.desk("supervisor1@aintech.com")
    desk, carmen = await there.desk(LUCIA), await there.desk(CARMEN)
    for person in (desk, carmen):  # the other node believes them from now on
        assert (await there.http("GET", "/auth/me", token=person.token))[0] == 200

    assert (await centre.http("POST", "/auth/logout", token=desk.token))[0] == 204
    async with asyncio.timeout(1):
        await desk.until(lambda: desk.left, "the end of the socket")
    await refused(there, desk.token)

    path = f"/users/{users[CARMEN]}"
    assert (await centre.http("PATCH", path, token=admin, json={"role": "supervisor"}))[0] == 200
    async with asyncio.timeout(1):
        await carmen.until(lambda: carmen.left, "the end of the socket")
    back = Person(there.url, "/agent")
    await back.connect(carmen.token)
    await back.until(lambda: back.snapshots, "the snapshot")
    assert (await there.http("GET", "/wallboard", token=carmen.token))[0] == 200  # the new role

    disabled = f"/users/{users['supervisor1@aintech.com']}"
    status, _ = await centre.http("PATCH", disabled, token=admin, json={"status": "disabled"})
    assert status == 200
    async with asyncio.timeout(1):
        await elena.until(lambda: elena.left, "the end of the socket")
    await refused(there, elena.token)

    async with conn.transaction(isolation="repeatable_read"):
        assert await eventlog.ahead(conn), "the log has told nothing of this"
    await left_open.execute("ROLLBACK")
    await back.do("agent.set_status", {"status": "available"})
    await back.hears("agent.status_changed")  # so the log has told everything before it
    assert back.left == [], "who came back under what holds now is not put out a second time"
    await back.leave()
    await conn.close()


async def test_a_node_that_was_deaf_looks_again(
    centre: Centre, there: Centre, left_open: db.Connection
) -> None:
    """What was revoked while its connection was lost bites as soon as it has a new one."""
    conn = await db.connect(centre.settings)
    desk, carmen = await there.desk(LUCIA), await there.desk(CARMEN)
    await conn.execute(
        "UPDATE sessions SET ended_at = now(), end_cause = 'revoked' WHERE user_id = "
        "(SELECT id FROM users WHERE email = $1)",
        LUCIA,
    )  # as if on another node, and its notice lost
    assert (await there.http("GET", "/auth/me", token=desk.token))[0] == 200
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'bus-signals' AND datname = current_database()"
    )
    await desk.until(lambda: desk.left, "the end of the socket")
    await refused(there, desk.token)
    assert carmen.left == []
    await conn.close()
