"""What one's teams and queues reach: each route and command that names a thing of them, for each
role that may use it, is asked for one's own and for another's."""

from __future__ import annotations

import types
import typing
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

import db
from contactcenter.core import ids
from contactcenter.core.access import ROLE_PERMISSIONS, Permission
from contactcenter.core.http import Route
from tests.integration.app.conftest import ANEW, Centre
from tests.integration.app.people import sign_in
from tests.integration.app.test_journey import LUCIA
from tools.reach import LIMITED, reach_of

ADMIN = "admin@aintech.com"
NEAR, FAR = "SA", "CO"

Things = dict[str, tuple[object, object]]

BODIES: dict[str, Any] = {
    "POST /api/v1/agents/{id}/status": {"status": "away", "reason": "training"},
    "PATCH /api/v1/agents/{id}/skills": {"skills": {"SA": 3}},
    "PATCH /api/v1/agents/{id}": {"auto_answer": False},
    "PATCH /api/v1/contacts/{id}": {"locale": "en"},
    "POST /api/v1/interactions/{id}/transfer": {"queue": NEAR},
    "POST /api/v1/interactions/{id}/identity": {"document": "123A"},
    "PUT /api/v1/interactions/{id}/customer": {"customer_id": None},
    "POST /api/v1/calls/{id}/transfer": {"queue": "PR"},
    "POST /api/v1/calls/{id}/hold": {"on": True},
    "POST /api/v1/calls/{id}/mute": {"on": True},
    "POST /api/v1/calls/{id}/record": {"state": "start"},
    "PUT /api/v1/teams/{key}": {"name": "x", "agents": []},
    "POST /api/v1/recordings/{id}/legal-hold": {"on": True, "reason": "x"},
}


NAMES_ANOTHER = {
    "PUT /api/v1/interactions/{id}/customer",
    "POST /api/v1/chat/conversations/{id}/assign",
}
"""Their bodies name something else besides, which is not there in this test."""


SEEN_WITHIN = {"GET /api/v1/users/{id}", "PUT /api/v1/queues/{key}"}
"""What somebody with limits may do with a queue, a team or a user within them."""


def routes(centre: Centre) -> list[Route]:
    return [route for module in centre.house.modules for route in module.routes]


async def test_every_route_says_what_it_reaches(centre: Centre) -> None:
    silent = [
        f"{route.method} {route.path}"
        for route in routes(centre)
        if "{" in route.path and not reach_of(route.method, route.path)
    ]
    assert silent == [], "add it to tools/reach.py"


@pytest.fixture
async def conn(centre: Centre) -> typing.AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


@pytest.fixture
async def things(centre: Centre, conn: db.Connection) -> Things:
    """Of each kind one within the team north and the queue SA, and one outside of both."""
    admin = await sign_in(centre.url, ADMIN)
    _, agents = await centre.http("GET", "/agents", token=admin)
    by_name = {one["name"].split()[0]: one["agent_id"] for one in agents["items"]}
    for key, name in (("north", "Lucía"), ("south", "Carmen")):
        body = {"name": key, "agents": [by_name[name]]}
        made = await centre.http("PUT", f"/teams/{key}", token=admin, json=body, headers=ANEW)
        assert made[0] == 200
    found: dict[str, list[object]] = {"agent": [by_name["Lucía"], by_name["Carmen"]]}
    for queue in (NEAR, FAR):
        visitor = await centre.visitor(queue=queue, message="Hola")
        row = await conn.fetchrow(
            "SELECT id, contact_id FROM interactions WHERE conversation_id = $1::uuid", visitor.id
        )
        assert row is not None
        call, recording = ids.new_id(), ids.new_id()
        await conn.execute(
            "INSERT INTO calls (id, interaction_id, direction, queue, state, record_mode, "
            "retention, created_at) VALUES ($1, $2, 'inbound', $3, 'waiting', 'inform', "
            "'standard', now())",
            call,
            row["id"],
            queue,
        )
        await conn.execute(
            "INSERT INTO recordings (id, call_id, state, created_at, retention) "
            "VALUES ($1, $2, 'finished', now(), 'standard')",
            recording,
            call,
        )
        for kind, thing in (
            ("interaction", row["id"]),
            ("conversation", visitor.id),
            ("contact", row["contact_id"]),
            ("call", call),
            ("recording", recording),
        ):
            found.setdefault(kind, []).append(thing)
    return {kind: (near, far) for kind, (near, far) in found.items()}


async def limited(centre: Centre, conn: db.Connection, role: str) -> str:
    """The token of somebody of this role, limited to north and SA."""
    user, email = ids.new_id(), f"limited-{role}@example.com"
    await conn.execute(
        "INSERT INTO users (id, email, password_hash, role, email_verified, created_at, "
        "updated_at) SELECT $1, $2, password_hash, $3, true, now(), now() FROM users "
        "WHERE email = $4",
        user,
        email,
        role,
        ADMIN,
    )
    await conn.executemany(
        "INSERT INTO user_scopes (user_id, kind, key) VALUES ($1, $2, $3)",
        [(user, "team", "north"), (user, "queue", NEAR)],
    )
    return await sign_in(centre.url, email)


async def test_every_thing_of_another_team_or_queue_is_hidden_from_every_role(
    centre: Centre, conn: db.Connection, things: Things
) -> None:
    table = [
        (route, kind)
        for route in routes(centre)
        if (kind := reach_of(route.method, route.path)) in LIMITED and kind in things
    ]
    assert len(table) > 25
    wrong, asked = [], 0
    for role, permissions in ROLE_PERMISSIONS.items():
        may = [(route, kind) for route, kind in table if route.permission in permissions]
        if not may:
            continue
        token = await limited(centre, conn, role)
        # What changes comes last, and another's before one's own.
        for route, kind in sorted(may, key=lambda one: one[0].method != "GET"):
            name = f"{route.method} {route.path}"
            for place in (1, 0):
                given = {}
                if route.body is not None:
                    given["json"] = BODIES.get(name) or least(route.body, things[kind][place])
                path = route.path.removeprefix("/api/v1").replace("{id}", str(things[kind][place]))
                status, _ = await centre.http(route.method, path, token=token, **given)
                asked += 1
                hidden = status in {403, 404}
                # One's own: an agent's and an adjuster's sight ends further on than their limits.
                if (place == 1 and not hidden) or status >= 500:
                    wrong.append((role, name, "other" if place else "own", status))
                sees = role in {"supervisor", "admin"} and name not in NAMES_ANOTHER
                if place == 0 and hidden and sees:
                    if route.path.startswith("/api/v1/calls/") and route.method == "POST":
                        continue  # a part in the call is what counts
                    if "/recordings/" in route.path:
                        continue  # none is stored
                    wrong.append((role, name, "own", status))
    assert wrong == [], "\n".join(map(str, wrong))
    assert asked > 100


async def test_what_is_managed_beyond_one_s_limits_is_refused_to_every_role(
    centre: Centre, conn: db.Connection, things: Things
) -> None:
    """Queues are read by everybody and written within one's own. Whoever is limited sees the users
    within the limits, and manages no user and no team: their rights could reach further."""
    users = [
        await conn.fetchval("SELECT user_id FROM agents WHERE id = $1::uuid", agent)
        for agent in things["agent"]
    ]
    named = {"queue": (NEAR, FAR), "team": ("north", "south"), "user": tuple(users)}
    table = [
        (route, kind)
        for route in routes(centre)
        if (kind := reach_of(route.method, route.path)) in named
        and route.path.count("{") == 1
        and not (kind == "queue" and route.method == "GET")
    ]
    wrong, asked = [], 0
    for role, permissions in ROLE_PERMISSIONS.items():
        may = [(route, kind) for route, kind in table if route.permission in permissions]
        token = await limited(centre, conn, role) if may else ""
        for route, kind in sorted(may, key=lambda one: one[0].method == "DELETE"):
            for place in (1, 0):
                given = {}
                name = f"{route.method} {route.path}"
                if route.body is not None:
                    given["json"] = BODIES.get(name) or least(route.body, uuid4())
                parts = route.path.removeprefix("/api/v1").split("/")
                path = "/".join(str(named[kind][place]) if "{" in part else part for part in parts)
                status, _ = await centre.http(route.method, path, token=token, **given)
                asked += 1
                hidden = status in {403, 404}
                seen = place == 0 and name in SEEN_WITHIN
                if status >= 500 or hidden == seen:
                    wrong.append((role, route.method, path, "other" if place else "own", status))
    assert wrong == [], "\n".join(map(str, wrong))
    assert asked > 10


def least(model: type[BaseModel], thing: object) -> dict[str, Any]:
    """The least payload of this shape, with the thing wherever an id goes."""
    return {
        name: value(field.annotation, thing)
        for name, field in model.model_fields.items()
        if field.is_required() or name.endswith("_id")
    }


def value(annotation: Any, thing: object) -> Any:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return value(typing.get_args(annotation)[0], thing)
    if origin is typing.Literal:
        return typing.get_args(annotation)[0]
    if origin in {typing.Union, types.UnionType}:
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return value(kinds[0], thing)
    if annotation is UUID:
        return str(thing)
    if annotation is bool:
        return True
    if annotation is date:
        return "2027-03-16"
    if annotation is int:
        return 1
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return least(annotation, thing)
    return "1"


async def test_every_command_about_somebody_else_s_thing_is_refused(
    centre: Centre, conn: db.Connection, things: Things
) -> None:
    """A desk's commands are about what lies on it: no other interaction, offer or call."""
    desk = await (await centre.desk(LUCIA)).available()
    before = await state_of(conn)
    wrong, asked = [], 0
    for module in centre.house.modules:
        for command in module.commands:
            if command.namespace != "/agent" or command.payload is None:
                continue
            named = [name for name in command.payload.model_fields if name.endswith("_id")]
            if not named or command.name == "call.dial":
                continue
            kind = named[0].removesuffix("_id")
            thing = things.get(kind, (None, uuid4()))[1]
            payload = least(command.payload, thing)
            if "disposition" in command.payload.model_fields:
                payload["disposition"] = "information_given"
            if "queue" in command.payload.model_fields and "agent_id" in payload:
                del payload["agent_id"]
                payload["queue"] = "PR"
            ack = await desk.ask(command.name, payload)
            asked += 1
            if ack["ok"] or ack["error"]["code"] not in {"not_found", "forbidden", "conflict"}:
                wrong.append((command.name, payload, ack))
    assert wrong == [], "\n".join(map(str, wrong))
    assert asked > 15
    assert await state_of(conn) == before


async def state_of(conn: db.Connection) -> list[tuple[Any, ...]]:
    """Who has what, and what was said."""
    rows = await conn.fetch(
        "SELECT id, state, agent_id FROM interactions UNION ALL "
        "SELECT id, state, NULL FROM calls UNION ALL "
        "SELECT id, sender, conversation_id FROM messages ORDER BY 1"
    )
    return [tuple(row) for row in rows]


def test_nobody_but_the_administrators_has_the_administration() -> None:
    for permission in (Permission.USERS_MANAGE, Permission.AUDIT_READ, Permission.PRIVACY_MANAGE):
        having = {role for role, held in ROLE_PERMISSIONS.items() if permission in held}
        assert having == {"admin"}
