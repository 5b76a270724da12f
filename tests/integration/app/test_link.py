"""An agent says at the desk's socket which customer an interaction is about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

import db
from tests.integration.app.conftest import Centre
from tests.integration.app.people import Desk, sign_in
from tests.integration.app.test_journey import CARMEN, LUCIA, PABLO, talking

ADMIN = "admin@aintech.com"
OF = "SELECT customer_id FROM interactions WHERE id = $1::uuid"
LINKS = """
SELECT actor FROM audit_logs WHERE action = 'interaction.linked' AND resource_id = $1
"""
ON_FILE = "SELECT id, dni FROM customers WHERE dni IS NOT NULL ORDER BY id LIMIT 1"


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


async def refused(desk: Desk, payload: dict[str, Any]) -> dict[str, Any]:
    ack = await desk.ask("interaction.link", payload)
    assert not ack["ok"], ack
    error: dict[str, Any] = ack["error"]
    return error


async def test_an_interaction_is_linked_to_whom_it_is_about(
    centre: Centre, conn: db.Connection
) -> None:
    _, desk, accepted = await talking(centre)
    mine = {"interaction_id": accepted["interaction_id"]}
    ana = await conn.fetchrow(ON_FILE)
    assert ana is not None

    linked = await desk.do("interaction.link", {**mine, "customer_id": str(ana["id"])})
    assert (linked["interaction_id"], linked["customer_id"], linked["level"]) == (
        accepted["interaction_id"], str(ana["id"]), "identified"
    )  # fmt: skip
    assert await conn.fetchval(OF, accepted["interaction_id"]) == ana["id"]
    noted = await conn.fetch(LINKS, accepted["interaction_id"])
    assert [row["actor"] for row in noted] == [f"agent:{desk.state['me']['agent_id']}"]
    path = f"/interactions/{accepted['interaction_id']}/identity"
    assert await centre.http("GET", path, token=desk.token) == (200, linked)

    nobody = await desk.do("interaction.link", {**mine, "customer_id": None})
    assert (nobody["customer_id"], nobody["level"]) == (None, "unknown")
    found = await desk.do("interaction.link", {**mine, "document": ana["dni"]})
    assert found["customer_id"] == str(ana["id"])

    wishes: list[tuple[dict[str, Any], list[str], str]] = [
        ({}, [], "customer_unclear"),
        ({"document": None}, [], "customer_unclear"),
        ({"document": ana["dni"], "customer_id": None}, [], "customer_unclear"),
        ({"customer_id": str(uuid4())}, ["customer_id"], "unknown_customer"),
        ({"document": "99999999R"}, ["document"], "unknown_customer"),
    ]
    for wish, loc, why in wishes:
        error = await refused(desk, {**mine, **wish})
        (item,) = error["ctx"]["errors"]
        assert (error["code"], item["loc"], item["type"]) == ("invalid", loc, why)
    assert await conn.fetchval(OF, accepted["interaction_id"]) == ana["id"], "nothing was lost"


async def test_an_interaction_of_another_desk_is_not_there(
    centre: Centre, conn: db.Connection
) -> None:
    _, _, accepted = await talking(centre, "CO", PABLO)
    lucia = await centre.desk(LUCIA)
    ana = await conn.fetchrow(ON_FILE)
    assert ana is not None
    for interaction in (accepted["interaction_id"], str(uuid4())):
        payload = {"interaction_id": interaction, "customer_id": str(ana["id"])}
        assert (await refused(lucia, payload))["code"] == "not_found"
    assert await conn.fetchval(OF, accepted["interaction_id"]) is None


async def test_who_may_not_write_in_files_links_nothing(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    greeter = {"name": "greeter", "permissions": ["desk.use", "interactions.read"]}
    assert (await centre.http("POST", "/roles", token=admin, json=greeter))[0] == 201
    user = await conn.fetchval("SELECT id FROM users WHERE email = $1", CARMEN)
    body = {"role": "greeter"}
    assert (await centre.http("PATCH", f"/users/{user}", token=admin, json=body))[0] == 200
    _, carmen, accepted = await talking(centre, "CO", CARMEN)
    ana = await conn.fetchrow(ON_FILE)
    assert ana is not None
    payload = {"interaction_id": accepted["interaction_id"], "customer_id": str(ana["id"])}
    assert (await refused(carmen, payload))["code"] == "forbidden"
    assert await conn.fetchval(OF, accepted["interaction_id"]) is None
