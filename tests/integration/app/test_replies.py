"""Saved replies: one's own, the centre's, and who may change which."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.app.conftest import Centre
from tests.integration.app.people import sign_in

LUCIA, CARMEN = "agent1@aintech.com", "agent2@aintech.com"


async def texts(centre: Centre, token: str) -> list[str]:
    status, listed = await centre.http("GET", "/replies", token=token)
    assert status == 200
    return [item["body_es"] for item in listed["items"] if not item["shared"]]


async def test_ones_own_replies_are_nobody_elses(centre: Centre) -> None:
    lucia, carmen = [await sign_in(centre.url, email) for email in (LUCIA, CARMEN)]
    new = {"body_es": "Le llamo en {agente} minutos".replace("{agente}", "cinco")}
    status, made = await centre.http("POST", "/replies", token=lucia, json=new)
    assert (status, made["shared"], made["version"]) == (201, False, 1)
    assert await texts(centre, lucia) == ["Le llamo en cinco minutos"]
    assert await texts(centre, carmen) == []

    path = f"/replies/{made['reply_id']}"
    edit = {"body_es": "Le llamo, {nombre}", "body_en": "I call you, {name}"}
    assert (await centre.http("PUT", path, token=carmen, json=edit))[0] == 404
    assert (await centre.http("DELETE", path, token=carmen))[0] == 404
    fresh = {"If-Match": '"1"'}
    assert (await centre.http("PUT", path, token=lucia, json=edit, headers=fresh))[0] == 200
    fresh = {"If-Match": '"1"'}
    assert (await centre.http("PUT", path, token=lucia, json=edit, headers=fresh))[0] == 412
    assert (await centre.http("DELETE", path, token=lucia))[0] == 204
    assert await texts(centre, lucia) == []
    assert (await centre.http("DELETE", path, token=lucia))[0] == 404


async def test_the_centres_replies_are_everybodys_and_a_supervisor_keeps_them(
    centre: Centre,
) -> None:
    lucia, chief = await sign_in(centre.url, LUCIA), await centre.supervisor_token()
    new = {"body_en": "Ask {agent}", "shared": True}
    assert (await centre.http("POST", "/replies", token=lucia, json=new))[0] == 403
    status, made = await centre.http("POST", "/replies", token=chief, json=new)
    assert (status, made["shared"]) == (201, True)
    _, listed = await centre.http("GET", "/replies", token=lucia)
    assert made in listed["items"]
    assert len([item for item in listed["items"] if item["shared"]]) > 1, "and the seeded ones"
    path = f"/replies/{made['reply_id']}"
    edit = {"body_en": "Ask {centre}"}
    assert (await centre.http("PUT", path, token=lucia, json=edit))[0] == 403
    assert (await centre.http("DELETE", path, token=lucia))[0] == 403
    assert (await centre.http("PUT", path, token=chief, json=edit))[0] in {200, 428}
    assert (await centre.http("DELETE", path, token=chief))[0] == 204


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, []),
        ({"body_es": "   "}, []),
        ({"body_es": "Hola {apellido}"}, ["body_es"]),
        ({"body_en": "x" * 4001}, ["body_en"]),
        ({"body_es": "Hola\x07"}, ["body_es"]),
        ({"body_es": "Hola", "agent_id": "x"}, []),
    ],
)
async def test_what_cannot_be_kept(centre: Centre, body: dict[str, Any], loc: list[str]) -> None:
    token = await sign_in(centre.url, LUCIA)
    status, problem = await centre.http("POST", "/replies", token=token, json=body)
    assert (status, problem["errors"][0]["loc"]) == (422, loc)
    customer = await sign_in(centre.url, "customer1@aintech.com")
    assert (await centre.http("GET", "/replies", token=customer))[0] == 403
