"""Nobody's change undoes another's unseen: what has a version is changed by whoever names it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from tests.integration.app.conftest import Centre
from tests.integration.app.people import sign_in

ADMIN = "admin@aintech.com"


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
        return (await centre.http("PUT", f"/teams/{key}", token=token, json=body))[0]

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


async def test_of_two_who_make_one_team_one_does(centre: Centre) -> None:
    token = await sign_in(centre.url, ADMIN)
    body = {"name": "twice", "agents": []}
    asked = [centre.http("PUT", "/teams/twice", token=token, json=body) for _ in range(4)]
    statuses = sorted([status for status, _ in await asyncio.gather(*asked)])
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 428}, "made meanwhile, or before it was asked"
    _, found = await centre.http("GET", "/teams", token=token)
    assert [team["version"] for team in found["items"] if team["key"] == "twice"] == [1]
