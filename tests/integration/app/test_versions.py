"""Nobody's change undoes another's unseen: what has a version is changed by whoever names it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

import db
from contactcenter.identity import people_store
from routing.queues import store as queue_store
from tests.integration.app.conftest import ANEW, Centre
from tests.integration.app.people import SECONDS, sign_in

ADMIN = "admin@aintech.com"


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


async def test_a_change_names_the_version_that_it_is_made_of(centre: Centre) -> None:
    token = await sign_in(centre.url, ADMIN)
    invite = {"email": "v@example.com", "first_name": "V", "last_name": "V", "role": "agent"}
    _, user = await centre.http("POST", "/users/invitations", token=token, json=invite)
    role = {"name": "versioned", "permissions": ["agents.read"]}
    assert (await centre.http("POST", "/roles", token=token, json=role))[0] == 201
    shared = {"body_es": "Hola", "shared": True}
    _, reply = await centre.http("POST", "/replies", token=token, json=shared)
    trade = {"phone": "+34976550300", "name": "Talleres Bardena", "kind": "workshop"}
    _, workshop = await centre.http("POST", "/professionals", token=token, json=trade)
    agent = f"/agents/{user['agent_id']}"
    visitor = await centre.visitor(queue="SA", message="Hola")
    _, talk = await centre.http("GET", f"/conversations/{visitor.id}", token=token)
    contact = f"/contacts/{talk['contact_id']}"
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", f"/users/{user['id']}", {"first_name": "W"}),
        ("PUT", "/roles/versioned", {"permissions": ["queues.read"]}),
        ("PUT", "/teams/versioned", {"name": "A", "agents": []}),
        ("PATCH", "/auth/me", {"locale": "en"}),
        ("PATCH", agent, {"auto_answer": True}),
        ("PATCH", f"{agent}/skills", {"skills": {"SA": 2}}),
        ("PATCH", contact, {"name": "Ana"}),
        ("PUT", f"/replies/{reply['reply_id']}", {"body_es": "Adiós"}),
        ("PUT", "/recording-rules/SA", {"mode": "opt_in"}),
        ("PUT", "/dispositions/other", {"label_es": "Otro", "label_en": "Other", "ordinal": 9}),
        ("PUT", f"/professionals/{workshop['professional_id']}", {**trade, "kind": "perito"}),
    ]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:

        async def change(case: tuple[str, str, dict[str, Any]], version: str | None) -> Any:
            method, path, body = case
            headers = {} if version is None else {"If-Match": version}
            url = f"{centre.url}/api/v1{path}"
            async with session.request(method, url, json=body, headers=headers) as answer:
                return answer.status, answer.headers.get("ETag")

        assert await change(cases[2], None) == (200, '"1"'), "a new one: there is nothing to undo"
        wrong = []
        for case in cases:
            found = [await change(case, version) for version in (None, '"99"', "*")]
            (_, _), (_, _), (_, etag) = found
            if [status for status, _ in found] != [428, 412, 200] or etag is None:
                wrong.append((case[1], found))
                continue
            again = [await change(case, etag), await change(case, etag)]
            if [status for status, _ in again] != [200, 412]:
                wrong.append((case[1], again))
        assert wrong == []

        async with session.get(f"{centre.url}/api/v1{contact}") as answer:
            assert answer.headers["ETag"] == f'"{(await answer.json())["version"]}"'
        async with session.get(f"{centre.url}/api/v1/auth/me") as answer:
            me = await answer.json()
            assert answer.headers["ETag"] == f'"{me["user"]["version"]}"'
            unchanged = {"If-None-Match": answer.headers["ETag"]}
        async with session.get(f"{centre.url}/api/v1/auth/me", headers=unchanged) as answer:
            assert answer.status == 200, "rights change without the user"


async def test_a_team_has_a_new_version_when_somebody_enters_or_leaves(centre: Centre) -> None:
    token = await sign_in(centre.url, ADMIN)
    _, agents = await centre.http("GET", "/agents", token=token)
    agent = agents["items"][0]["agent_id"]

    async def put(key: str) -> int:
        body = {"name": key, "agents": [agent]}
        return (await centre.http("PUT", f"/teams/{key}", token=token, json=body, headers=ANEW))[0]

    async def versions() -> dict[str, int]:
        _, found = await centre.http("GET", "/teams", token=token)
        return {t["key"]: t["version"] for t in found["items"] if t["key"] in {"left", "entered"}}

    assert (await put("left"), await put("entered")) == (200, 200)
    assert await versions() == {"left": 2, "entered": 1}
    invite = {"email": "t@example.com", "first_name": "T", "last_name": "T", "role": "agent"}
    wrong = await centre.http(
        "POST", "/users/invitations", token=token, json={**invite, "team": "none"}
    )
    assert wrong[0] == 422
    made = await centre.http(
        "POST", "/users/invitations", token=token, json={**invite, "team": "left"}
    )
    assert made[0] == 201
    assert await versions() == {"left": 3, "entered": 1}


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def waited_for(conn: db.Connection, count: int) -> None:
    """Until so many transactions wait for what `conn` has locked in its own."""
    async with asyncio.timeout(SECONDS):
        while await conn.fetchval(WAITING) < count:
            await asyncio.sleep(0.01)
            await conn.execute("SELECT pg_stat_clear_snapshot()")


async def test_of_two_who_make_one_team_one_does(centre: Centre, conn: db.Connection) -> None:
    token = await sign_in(centre.url, ADMIN)
    body = {"name": "twice", "agents": []}

    async def put(version: str | None) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        headers |= {} if version is None else {"If-Match": version}
        url = f"{centre.url}/api/v1/teams/twice"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.put(url, json=body) as answer,
        ):
            return answer.status

    async with asyncio.TaskGroup() as asking, conn.transaction():
        assert "twice" not in await people_store.lock_teams(conn)
        await people_store.add_team(conn, "twice", "twice", centre.clock.now())
        asked = [asking.create_task(put(version)) for version in (None, None, '"7"')]
        await waited_for(conn, len(asked))
    assert [each.result() for each in asked] == [428, 428, 412]
    _, found = await centre.http("GET", "/teams", token=token)
    assert [team["version"] for team in found["items"] if team["key"] == "twice"] == [1]

    assert (await centre.http("DELETE", "/teams/twice", token=token))[0] == 204
    for known in ('"1"', "*"):
        assert await put(known) == 412, "who knew it does not make it anew"
    assert await put(None) == 200


async def test_a_team_that_is_left_while_it_is_made_has_its_next_version(
    centre: Centre, conn: db.Connection
) -> None:
    token = await sign_in(centre.url, ADMIN)
    _, agents = await centre.http("GET", "/agents", token=token)
    agent = agents["items"][0]["agent_id"]
    body = {"name": "second", "agents": [agent]}
    async with asyncio.TaskGroup() as asking, conn.transaction():
        assert await people_store.lock_teams(conn) == {}, "no row to wait at"
        await people_store.add_team(conn, "first", "first", centre.clock.now())
        await people_store.set_members(conn, "first", [agent])
        put = centre.http("PUT", "/teams/second", token=token, json=body, headers=ANEW)
        asked = asking.create_task(put)
        await waited_for(conn, 1)
    assert asked.result()[0] == 200
    _, found = await centre.http("GET", "/teams", token=token)
    assert {team["key"]: (team["version"], team["agents"]) for team in found["items"]} == {
        "first": (2, []),
        "second": (1, [agent]),
    }


async def test_a_skill_that_is_dropped_meanwhile_is_not_made_anew(
    centre: Centre, conn: db.Connection
) -> None:
    token = await sign_in(centre.url, ADMIN)
    names = {"name_es": "Breve", "name_en": "Brief"}
    made = await centre.http("POST", "/skills", token=token, json={"key": "brief", **names})
    assert made[0] == 201
    async with asyncio.TaskGroup() as asking, conn.transaction():
        assert await queue_store.delete_skill(conn, "brief")
        edit = centre.http("PUT", "/skills/brief", token=token, json=names)
        asked = asking.create_task(edit)
        await waited_for(conn, 1)
    assert asked.result()[0] == 404
    _, found = await centre.http("GET", "/skills", token=token)
    assert "brief" not in {skill["key"] for skill in found["items"]}
