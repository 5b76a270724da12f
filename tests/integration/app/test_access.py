"""Who may do what: every route and command × every role, limits to teams and queues, and how fast
a change of it bites."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

import db
from contactcenter.core import ids
from contactcenter.core.access import GRANTABLE
from contactcenter.core.http import Request, Response, build_app
from contactcenter.core.limits import Limit
from contactcenter.core.sockets import CommandContext, Dispatcher
from tests.integration.app.conftest import ANEW, Centre
from tests.integration.app.people import Person, sign_in
from tests.integration.app.rights import ASKED, HELD, NEEDS
from tests.integration.app.test_journey import CARMEN, LUCIA
from tools.reference import tables

ADMIN, ELENA = "admin@aintech.com", "supervisor1@aintech.com"
ROLES = ("nobody", "visitor", "unverified", "custom", *HELD)
EVIL = "https://evil.example"
CUSTOM = frozenset({"queues.read", "audit.read"})
NOBODYS = "00000000-0000-7000-8000-000000000000"


def may(role: str, what: str) -> bool:
    """Whether the role may ask for a route or give a command, as `rights` has it written down: not
    taken from the code under test. KeyError for what stands there in no line."""
    held: dict[str, frozenset[str]] = {
        **HELD,
        "nobody": frozenset(),
        "visitor": frozenset({"chat.use"}),
        "unverified": frozenset({"session.use"}),
        "custom": CUSTOM | {"session.use"},
    }
    return NEEDS[what] == "public" or NEEDS[what] in held[role]


def test_what_is_written_down_is_of_all_there_is() -> None:
    routes, commands = tables()
    there = {f"{route.method} {route.path.removeprefix('/api/v1')}" for route in routes}
    there |= {f"{command.namespace} {command.name}" for command in commands}
    assert there == NEEDS.keys()
    assert len(NEEDS) == sum(len(lines.split("\n")) - 2 for lines in ASKED.values()), "none twice"
    grantable = {str(permission) for permission in GRANTABLE}
    assert frozenset().union(*HELD.values()) == grantable, "each right is somebody's"


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


@pytest.fixture
async def tokens(centre: Centre, conn: db.Connection) -> dict[str, str]:
    """A token of each role, given out by the centre itself."""
    await conn.execute(
        "INSERT INTO roles (name, permissions) VALUES ('custom', $1)", sorted(CUSTOM)
    )
    emails = {}
    for role in ("unverified", "custom", *HELD):
        emails[role] = f"{role}@example.com"
        await conn.execute(
            "INSERT INTO users (id, email, password_hash, role, email_verified, created_at, "
            "updated_at) SELECT $1, $2, password_hash, $3, $4, now(), now() FROM users "
            "WHERE email = $5",
            ids.new_id(),
            emails[role],
            "admin" if role == "unverified" else role,
            role != "unverified",
            ADMIN,
        )
    found = {role: await sign_in(centre.url, email) for role, email in emails.items()}
    _, started = await centre.http("POST", "/chat/conversations", json={"queue": "SA"})
    return {**found, "visitor": started["token"]}


async def test_every_route_for_every_role(
    centre: Centre, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []

    async def reach(request: Request) -> Response:
        reached.append(request.http.path)
        return Response(status=204)

    table = [
        dataclasses.replace(
            route,
            handler=reach,
            body=None,
            query=None,
            response=None,
            creates=False,
            limit=None,
            medium=None,
        )
        for module in centre.house.modules
        for route in module.routes
    ]
    endless = Limit(1e9, 10**9)
    monkeypatch.setattr("contactcenter.core.http.SIGNED_IN_LIMIT", endless)
    monkeypatch.setattr("contactcenter.core.http.PUBLIC_LIMIT", endless)
    monkeypatch.setattr("contactcenter.core.door.TOKEN_LIMIT", endless)
    app = build_app(
        table,
        settings=centre.settings,
        work=centre.house.deps.work,
        authenticator=centre.house.authenticators,
        checks={},
    )
    wrong, asked, foreign = [], 0, 0
    async with TestClient(TestServer(app)) as client:
        for route in table:
            path = route.path
            for name in ("{id}", "{key}", "{name}", "{provider}", "{half}"):
                path = path.replace(name, NOBODYS)
            assert "{" not in path, path
            for role in ROLES:
                headers = {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {}
                before = len(reached)
                answer = await client.request(route.method, path, headers=headers)
                asked += 1
                allowed = may(role, f"{route.method} {route.path.removeprefix('/api/v1')}")
                expected = 204 if allowed else (401 if role == "nobody" else 403)
                if answer.status != expected or (len(reached) > before) is not allowed:
                    wrong.append((route.method, route.path, role, answer.status))
            if route.method != "GET":  # somebody else's page, with all the rights there are
                headers = {"Authorization": f"Bearer {tokens['admin']}", "Origin": EVIL}
                before = len(reached)
                answer = await client.request(route.method, path, headers=headers)
                foreign += 1
                if answer.status != 403 or len(reached) > before:
                    wrong.append((route.method, route.path, EVIL, answer.status))
        before = len(reached)
        for origin, expected in ((EVIL, 403), ("null", 403), (None, 204)):
            headers = {"Cookie": "refresh_token=x"} | ({"Origin": origin} if origin else {})
            answer = await client.post("/api/v1/auth/refresh", headers=headers)
            assert answer.status == expected, origin
            assert len(reached) - before == (expected == 204), origin
    assert wrong == []
    assert asked == len(table) * len(ROLES) > 500
    assert foreign == sum(route.method != "GET" for route in table) > 100


async def test_every_command_for_every_role(centre: Centre, tokens: dict[str, str]) -> None:
    async def reach(_: CommandContext) -> dict[str, Any]:
        return {"reached": True}

    table = [
        dataclasses.replace(command, handler=reach, payload=None)
        for module in centre.house.modules
        for command in module.commands
    ]
    dispatcher = Dispatcher(table)
    wrong = []
    for role, token in tokens.items():
        principal = await centre.house.authenticators.principal_of(token)
        assert principal is not None
        for command in table:
            ack = await dispatcher.handle(principal, command.namespace, command.name, ())
            allowed = may(role, f"{command.namespace} {command.name}")
            told = "ok" if ack["ok"] else ack["error"]["code"]
            if told != ("ok" if allowed else "forbidden"):
                wrong.append((command.namespace, command.name, role, told))
    assert wrong == []


# Limits ----------------------------------------------------------------------------------------


@pytest.fixture
async def limited(centre: Centre, conn: db.Connection) -> str:
    """A supervisor's token, limited to Lucía's team and to her queue."""
    _, agents = await centre.http("GET", "/agents", token=await sign_in(centre.url, ADMIN))
    by_name = {agent["name"].split()[0]: agent["agent_id"] for agent in agents["items"]}
    admin = await sign_in(centre.url, ADMIN)
    for key, name in (("north", "Lucía"), ("south", "Carmen")):
        body = {"name": key, "agents": [by_name[name]]}
        status, _ = await centre.http("PUT", f"/teams/{key}", token=admin, json=body, headers=ANEW)
        assert status == 200
    user = await conn.fetchval("SELECT id FROM users WHERE email = $1", ELENA)
    body = {"teams": ["north"], "queues": ["SA"]}
    status, row = await centre.http("PATCH", f"/users/{user}", token=admin, json=body)
    assert (status, row["teams"], row["queues"]) == (200, ["north"], ["SA"])
    return await sign_in(centre.url, ELENA)


async def test_what_lies_outside_one_s_teams_and_queues_does_not_exist(
    centre: Centre, limited: str, conn: db.Connection
) -> None:
    own = await conn.fetchval("SELECT id FROM agents WHERE team = 'north'")
    other = await conn.fetchval("SELECT id FROM agents WHERE team = 'south'")
    visits = {queue: await centre.visitor(queue=queue, message="Hola") for queue in ("SA", "CO")}
    rows = {
        queue: await conn.fetchrow(
            "SELECT id, contact_id FROM interactions WHERE conversation_id = $1::uuid", visitor.id
        )
        for queue, visitor in visits.items()
    }
    near, far = rows["SA"], rows["CO"]
    assert near is not None
    assert far is not None
    _, queue = await centre.http("GET", "/queues/SA", token=limited)
    settable = {k: v for k, v in queue.items() if k not in {"key", "version", "members"}}
    window = {"from": "2027-03-16T08:00:00Z", "to": "2027-03-16T10:00:00Z"}
    cases: list[tuple[str, str, str, Any, Any]] = [
        ("GET", "/agents/{}", "agent", None, None),
        ("GET", "/agents/{}/stats", "agent", None, None),
        ("POST", "/agents/{}/status", "agent", {"status": "away", "reason": "training"}, None),
        ("PATCH", "/agents/{}/skills", "agent", {"skills": {"SA": 3}}, None),
        ("GET", "/interactions/{}", "interaction", None, None),
        ("GET", "/interactions/{}/why", "interaction", None, None),
        ("GET", "/conversations/{}/messages", "conversation", None, None),
        ("GET", "/contacts/{}", "contact", None, None),
        ("GET", "/contacts/{}/timeline", "contact", None, None),
        ("PATCH", "/contacts/{}", "contact", {"locale": "en"}, None),
        ("PUT", "/queues/{}", "queue", settable, None),
        ("POST", "/interactions/{}/transfer", "interaction", {"queue": "PR"}, None),
        ("GET", "/analytics/intervals", "figures", None, window),
        ("GET", "/analytics/explain", "figures", None, {"figure": "waiting"}),
    ]
    things = {
        "agent": (own, other),
        "interaction": (near["id"], far["id"]),
        "conversation": (visits["SA"].id, visits["CO"].id),
        "contact": (near["contact_id"], far["contact_id"]),
        "queue": ("SA", "CO"),
        "figures": ("SA", "CO"),
    }
    wrong = []
    for method, path, kind, body, params in cases:
        for thing, outside in zip(things[kind], (False, True), strict=True):
            given = {} if body is None else {"json": body}
            if params is not None:
                given["params"] = {**params, "queue": thing}
            if kind == "queue":
                _, present = await centre.http("GET", f"/queues/{thing}", token=limited)
                given["headers"] = {"If-Match": f'"{present["version"]}"'}
            status, answer = await centre.http(method, path.format(thing), token=limited, **given)
            missing = status == (422 if kind == "figures" else 404)
            if not outside and status not in {200, 204, 409}:
                wrong.append((method, path, "own", status, answer))
            if missing is not outside or status >= 500:
                wrong.append((method, path, "other" if outside else "own", status, answer))
    assert wrong == []

    _, team = await centre.http("GET", "/agents", token=limited)
    assert [agent["agent_id"] for agent in team["items"]] == [str(own)]
    _, listed = await centre.http("GET", "/interactions", token=limited)
    assert str(far["id"]) not in str(listed)
    _, lines = await centre.http("GET", "/queue", token=limited)
    assert {line["key"] for line in lines["items"] if line["items"]} <= {"SA"}
    push = {"interaction_id": str(far["id"]), "agent_id": str(own), "force": False}
    assert (await centre.http("POST", "/queue/assign", token=limited, json=push))[0] == 404
    board = Person(centre.url, "/wallboard")
    await board.connect(limited)
    assert (await board.do("wallboard.subscribe", {"queues": None}))["queues"] == ["SA"]
    assert await board.fails("wallboard.subscribe", {"queues": ["CO"]}) == "invalid"
    await board.leave()


# How fast --------------------------------------------------------------------------------------


async def test_a_changed_role_bites_on_open_sockets_within_a_second(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    desk, other = await centre.desk(LUCIA), await centre.desk(CARMEN)
    user = await conn.fetchval("SELECT id FROM users WHERE email = $1", LUCIA)
    status, _ = await centre.http("PATCH", f"/users/{user}", token=admin, json={"role": "adjuster"})
    assert status == 200
    async with asyncio.timeout(1):
        await desk.until(lambda: desk.left, "the end of the socket")
    again = Person(centre.url, "/agent")
    with pytest.raises(Exception, match=r".*"):
        await again.connect(desk.token)
    await again.leave()
    assert (await centre.http("POST", "/agents/status", token=desk.token, json={}))[0] == 403
    assert other.left == []


async def test_a_custom_role_s_permissions_bite_within_a_second(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    body = {"name": "watcher", "permissions": ["wallboard.read", "agents.read"]}
    assert (await centre.http("POST", "/roles", token=admin, json=body))[0] == 201
    user = await conn.fetchval("SELECT id FROM users WHERE email = 'customer1@aintech.com'")
    await centre.http("PATCH", f"/users/{user}", token=admin, json={"role": "watcher"})
    watcher = Person(centre.url, "/wallboard")
    token = await sign_in(centre.url, "customer1@aintech.com")
    await watcher.connect(token)
    assert (await centre.http("GET", "/agents", token=token))[0] == 200
    status, _ = await centre.http(
        "PUT", "/roles/watcher", token=admin, json={"permissions": ["agents.read"]}
    )
    assert status == 200
    async with asyncio.timeout(1):
        await watcher.until(lambda: watcher.left, "the end of the socket")
    assert (await centre.http("GET", "/wallboard", token=token))[0] == 403
    assert (await centre.http("GET", "/agents", token=token))[0] == 200
    assert (await centre.http("DELETE", "/roles/watcher", token=admin))[0] == 409
    await watcher.leave()


async def test_disabling_a_user_ends_everything_within_a_second(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    desk = await centre.desk(LUCIA)
    user = await conn.fetchval("SELECT id FROM users WHERE email = $1", LUCIA)
    status, _ = await centre.http(
        "PATCH", f"/users/{user}", token=admin, json={"status": "disabled"}
    )
    assert status == 200
    async with asyncio.timeout(1):
        await desk.until(lambda: desk.left, "the end of the socket")
    assert (await centre.http("GET", "/auth/me", token=desk.token))[0] == 401


async def test_nobody_gives_away_more_than_they_have(centre: Centre, conn: db.Connection) -> None:
    admin = await sign_in(centre.url, ADMIN)
    body = {"name": "clerk", "permissions": ["users.manage", "roles.manage", "customers.read"]}
    assert (await centre.http("POST", "/roles", token=admin, json=body))[0] == 201
    user = await conn.fetchval("SELECT id FROM users WHERE email = 'customer1@aintech.com'")
    boss = await conn.fetchval("SELECT id FROM users WHERE email = $1", ADMIN)
    await centre.http("PATCH", f"/users/{user}", token=admin, json={"role": "clerk"})
    clerk = await sign_in(centre.url, "customer1@aintech.com")

    async def tried(method: str, path: str, body: Any = None) -> int:
        return (await centre.http(method, path, token=clerk, json=body))[0]

    assert await tried("PATCH", f"/users/{user}", {"role": "admin"}) == 403
    assert await tried("PATCH", f"/users/{boss}", {"status": "disabled"}) == 403
    assert await tried("DELETE", f"/users/{boss}/2fa") == 403
    assert await tried("DELETE", f"/users/{boss}/sessions") == 403
    more = {"permissions": ["users.manage", "audit.read"]}
    assert await tried("PUT", "/roles/clerk", more) == 403
    assert await tried("POST", "/roles", {"name": "spy", **more}) == 403
    assert await tried("PUT", "/roles/admin", {"permissions": []}) == 409
    invite = {"email": "x@example.com", "first_name": "X", "last_name": "Y", "role": "admin"}
    assert await tried("POST", "/users/invitations", invite) == 403
    assert await tried("POST", "/users/invitations", {**invite, "role": "customer"}) == 201
    assert (await centre.http("PATCH", f"/users/{boss}", token=admin, json={"role": "agent"}))[
        0
    ] == 409, "the last administrator"


async def test_nobody_reaches_further_than_their_limits(
    centre: Centre, conn: db.Connection, limited: str
) -> None:
    """A clerk whose rights end at Lucía's team and her queue cannot widen them."""
    admin = await sign_in(centre.url, ADMIN)
    body = {"name": "clerk", "permissions": ["users.manage", "customers.read"]}
    assert (await centre.http("POST", "/roles", token=admin, json=body))[0] == 201
    user = await conn.fetchval("SELECT id FROM users WHERE email = 'customer1@aintech.com'")
    limits = {"role": "clerk", "teams": ["north"], "queues": ["SA"]}
    status, _ = await centre.http("PATCH", f"/users/{user}", token=admin, json=limits)
    assert status == 200
    clerk = await sign_in(centre.url, "customer1@aintech.com")
    south = await conn.fetchval("SELECT id FROM agents WHERE team = 'south'")
    invite = {"email": "x@example.com", "first_name": "X", "last_name": "Y", "role": "customer"}
    own = {"queues": ["SA"], "teams": ["north"]}

    async def tried(method: str, path: str, body: Any = None) -> int:
        return (await centre.http(method, path, token=clerk, json=body))[0]

    reaches: list[dict[str, list[str]]] = [
        {"queues": []},
        {"teams": []},
        {"queues": ["SA", "CO"]},
        {"teams": ["south"]},
    ]
    for wider in reaches:
        assert await tried("PATCH", f"/users/{user}", wider) == 403, wider
        assert await tried("POST", "/users/invitations", {**invite, **own, **wider}) == 403, wider
    _, users = await centre.http("GET", "/users", token=clerk)
    assert {row["email"] for row in users["items"]} == {
        "customer1@aintech.com",  # the clerk
        LUCIA,  # an agent of the team
        ELENA,  # limited as the clerk is
    }
    carmen = await conn.fetchval("SELECT id FROM users WHERE email = $1", CARMEN)
    lucia = await conn.fetchval("SELECT id FROM users WHERE email = $1", LUCIA)
    assert await tried("GET", f"/users/{carmen}") == 404
    assert await tried("GET", f"/users/{lucia}") == 200
    assert await tried("PATCH", f"/users/{carmen}", {"first_name": "X"}) == 404
    assert await tried("PATCH", f"/users/{lucia}", {"first_name": "X"}) == 403, "she is not limited"
    team = {"name": "north", "agents": [str(south)]}
    assert await tried("PUT", "/teams/north", team) == 403
    assert await tried("DELETE", "/teams/south") == 403
    assert await tried("PATCH", f"/users/{user}", {"first_name": "Ana", **own}) == 200
    assert await tried("POST", "/users/invitations", {**invite, **own}) == 201
    other = {**invite, "email": "z@example.com"}
    _, everywhere = await centre.http("POST", "/users/invitations", token=admin, json=other)
    assert await tried("PATCH", f"/users/{everywhere['id']}", {"status": "disabled"}) == 404


# Invited staff ---------------------------------------------------------------------------------


async def test_whoever_is_invited_finds_a_desk_and_work_for_it(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    team = {"name": "North", "agents": []}
    await centre.http("PUT", "/teams/north", token=admin, json=team, headers=ANEW)
    invite = {"first_name": "Nerea", "last_name": "Ibáñez", "role": "agent"}

    async def invited(email: str, **more: Any) -> tuple[int, Any]:
        body = {**invite, "email": email, **more}
        return await centre.http("POST", "/users/invitations", token=admin, json=body)

    status, row = await invited("nerea@example.com", serves=["SA"], team="north")
    assert (status, row["team"]) == (201, "north")
    await conn.execute(
        "UPDATE users SET status = 'active', email_verified = true, password_hash = "
        "(SELECT password_hash FROM users WHERE email = $2) WHERE email = $1",
        "nerea@example.com",
        ADMIN,
    )
    desk = await (await centre.desk("nerea@example.com")).available()
    assert desk.state["me"]["agent_id"] == row["agent_id"]
    assert desk.state["me"]["queues"] == ["SA"]
    visitor = await centre.visitor(queue="SA", message="Hola")
    taken = await desk.accepts()
    assert taken["interaction_id"]
    await desk.say(visitor.id, "Buenos días")

    for role, has in (("adjuster", True), ("supervisor", True), ("admin", False)):
        status, row = await invited(f"{role}@example.com", role=role)
        assert (status, row["agent_id"] is not None) == (201, has), role
    assert (await invited("x@example.com", role="customer"))[1]["agent_id"] is None
    assert (await invited("y@example.com", serves=["NO"]))[0] == 422
    assert (await invited("y@example.com", team="none"))[0] == 422
    assert (await invited("y@example.com"))[0] == 201, "what was refused left nothing behind"

    customer = await conn.fetchval("SELECT id FROM users WHERE email = 'customer1@aintech.com'")
    path = f"/users/{customer}"
    _, row = await centre.http("PATCH", path, token=admin, json={"role": "agent"})
    assert row["agent_id"] is not None
    _, again = await centre.http("PATCH", path, token=admin, json={"role": "adjuster"})
    assert again["agent_id"] == row["agent_id"], "one desk, whatever the role"
