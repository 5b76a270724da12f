"""A person's data is found by the rules, exported, and gone after erasing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

import db
from contactcenter.core import ids
from contactcenter.identity import audit
from crm.privacy_rules import HELD, HELD_ES, THEN, THEN_ES
from tests.integration.app.conftest import ANEW, Centre
from tests.integration.app.people import sign_in
from tests.integration.app.test_journey import PABLO, talking

ADMIN = "admin@aintech.com"
MARKS = ("Zenobia", "zenobia", "Quisquilla", "34611222333", "marca-secreta")


@pytest.fixture
async def conn(centre: Centre) -> AsyncIterator[db.Connection]:
    conn = await db.connect(centre.settings)
    yield conn
    await conn.close()


async def dump(conn: db.Connection) -> dict[str, str]:
    """Table → its rows as text, columns of bytes too."""
    tables = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {}
    for (table,) in tables:
        rows = await conn.fetch(f'SELECT t::text FROM "{table}" t')
        found[table] = "\n".join(row[0] for row in rows)
    return found


def hits(found: dict[str, str]) -> set[str]:
    return {
        table
        for table, text in found.items()
        if any(mark in text or mark.encode().hex() in text for mark in MARKS)
    }


async def done(centre: Centre, token: str, **asked: Any) -> dict[str, Any]:
    status, request = await centre.http("POST", "/privacy/requests", token=token, json=asked)
    assert status == 202, request
    async with asyncio.timeout(20):
        while True:
            _, found = await centre.http("GET", f"/privacy/requests/{request['id']}", token=token)
            if found["done_at"]:
                answer: dict[str, Any] = found
                return answer
            await asyncio.sleep(0.1)


async def test_a_contact_is_exported_and_erased(centre: Centre, conn: db.Connection) -> None:
    visitor, desk, _ = await talking(centre, "CO", PABLO)
    await visitor.say("Soy Zenobia Quisquilla y mi clave es marca-secreta")
    await desk.say(visitor.id, "Gracias, Zenobia")
    contact = await conn.fetchval(
        "SELECT contact_id FROM conversations WHERE id = $1::uuid", visitor.id
    )
    admin = await sign_in(centre.url, ADMIN)
    body = {"name": "Zenobia Quisquilla"}
    assert (await centre.http("PATCH", f"/contacts/{contact}", token=desk.token, json=body))[
        0
    ] == 200
    await conn.execute(
        "INSERT INTO contact_addresses VALUES ($1, 'phone', '+34611222333')", contact
    )
    await conn.execute("UPDATE segments SET note = 'Zenobia llamó'")
    await conn.execute(
        "UPDATE interactions SET subject = 'De Zenobia', metadata = $1 WHERE contact_id = $2",
        {"of": "Zenobia"},
        contact,
    )
    assert hits(await dump(conn)) >= {"contacts", "contact_addresses", "messages", "segments"}

    export = await done(
        centre, admin, kind="export", person_kind="contact", person=str(contact), reason="asked"
    )
    assert not hits({"privacy_requests": (await dump(conn))["privacy_requests"]}), "sealed"
    _, told = await centre.http("GET", f"/privacy/requests/{export['id']}/export", token=admin)
    assert told["contacts"][0]["name"] == "Zenobia Quisquilla"
    assert {row["body"] for row in told["messages"]} >= {"Gracias, Zenobia"}
    assert told["contact_addresses"] == [{"kind": "phone", "address": "+34611222333"}]

    erased = await done(
        centre, admin, kind="erase", person_kind="contact", person=str(contact), reason="asked"
    )
    assert hits(await dump(conn)) == set(), "0 hits after erasing"
    lines = {line["table"]: line for line in erased["certificate"]}
    assert lines["messages"]["rows"] >= 2
    held = {table for table, line in lines.items() if line["action"] == "keep"}
    assert {"audit_logs", "recordings"} <= held
    assert all(line["reason"] and line["reason_es"] for line in lines.values())
    assert lines["messages"]["reason_es"] == "Lo que se escribió, por ambas partes."
    status, _ = await centre.http("GET", f"/privacy/requests/{export['id']}/export", token=admin)
    assert status == 404


async def test_an_export_tells_what_the_law_keeps(centre: Centre, conn: db.Connection) -> None:
    admin = await sign_in(centre.url, ADMIN)
    person = {"first_name": "Olvido", "last_name": "Paz", "confirm": True}
    status, customer = await centre.http("POST", "/customers", token=admin, json=person)
    assert status == 201, customer
    export = await done(
        centre,
        admin,
        kind="export",
        person_kind="customer",
        person=customer["customer_id"],
        reason="asked",
    )
    lines = {line["table"]: line for line in export["certificate"]}
    assert lines["policies"] == {
        "table": "policies", "rows": 0, "action": "keep", "reason": HELD + THEN["policies"],
        "reason_es": HELD_ES + THEN_ES["policies"], "holds": 0,
    }  # fmt: skip
    assert lines["customers"]["rows"] == 1
    assert lines.keys() >= {
        "workflow_executions", "workflow_steps", "interactions", "messages", "recordings",
    }  # fmt: skip


async def test_a_customer_who_is_erased_leaves_a_certificate_and_no_export(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    person = {
        "first_name": "Zenobia", "last_name": "Quisquilla", "mobile": "611222333", "confirm": True
    }  # fmt: skip
    status, customer = await centre.http("POST", "/customers", token=admin, json=person)
    assert status == 201, customer
    of = customer["customer_id"]
    contact = await conn.fetchval(
        "INSERT INTO contacts (id, customer_id, name, sort_key, created_at)"
        " VALUES ($1, $2::uuid, 'Zenobia', '', now()) RETURNING id",
        ids.new_id(), of,
    )  # fmt: skip
    exports = [
        (await done(centre, admin, kind="export", person_kind=kind, person=str(who), reason="r"))[
            "id"
        ]
        for kind, who in (("customer", of), ("contact", contact))
    ]
    paths = [f"/privacy/requests/{each}/export" for each in exports]
    for path in paths:
        _, told = await centre.http("GET", path, token=admin)
        assert "Zenobia" in str(told), path

    elena = await sign_in(centre.url, "supervisor1@aintech.com")
    certificate = f"/privacy/customers/{of}/certificate"
    assert (await centre.http("GET", certificate, token=elena))[0] == 404, "not erased yet"
    closing = {"If-Match": "*"}
    status, _ = await centre.http("DELETE", f"/customers/{of}", token=elena, headers=closing)
    assert status == 204
    async with asyncio.timeout(20):
        while (found := await centre.http("GET", certificate, token=elena))[0] != 200:
            await asyncio.sleep(0.05)
    for path in paths:
        assert (await centre.http("GET", path, token=admin))[0] == 404, path
    assert hits(await dump(conn)) == set()
    told = found[1]
    closer = await conn.fetchval("SELECT id FROM users WHERE email = 'supervisor1@aintech.com'")
    assert (told["person"], told["state"], told["requested_by"]) == (of, "done", str(closer))
    lines = {line["table"]: line for line in told["certificate"]}
    rows = {table: lines[table]["rows"] for table in ("customers", "contacts", "policies")}
    assert rows == {"customers": 1, "contacts": 1, "policies": 0}
    assert lines["customer_ways"]["rows"] >= 1
    assert lines["recordings"]["action"] == "keep"
    assert all(line["reason"] and line["reason_es"] for line in lines.values())
    agent = await sign_in(centre.url, "agent1@aintech.com")
    assert (await centre.http("GET", certificate, token=agent))[0] == 403
    assert (await centre.http("GET", "/privacy/customers", token=agent))[0] == 403
    _, erased = await centre.http("GET", "/privacy/customers", token=elena)
    assert [item["id"] for item in erased["items"]] == [told["id"]]
    before = {"until": told["done_at"]}
    _, erased = await centre.http("GET", "/privacy/customers", token=elena, params=before)
    assert erased["items"] == []
    _, listed = await centre.http("GET", "/privacy/requests", token=admin)
    assert told["id"] in {item["id"] for item in listed["items"]}


async def test_a_merged_file_has_a_certificate_that_names_the_file_it_went_with(
    centre: Centre,
) -> None:
    elena = await sign_in(centre.url, "supervisor1@aintech.com")
    ids_: list[str] = []
    for mobile in ("611222331", "611222332"):
        person = {"first_name": "Zenobia", "last_name": "Doble", "mobile": mobile, "confirm": True}
        _, made = await centre.http("POST", "/customers", token=elena, json=person)
        ids_.append(made["customer_id"])
    winner, loser = ids_
    path, body = f"/customers/{winner}/merge", {"loser_id": loser}
    assert (await centre.http("POST", path, token=elena, json=body))[0] == 200
    closing = {"If-Match": "*"}
    path = f"/customers/{winner}"
    assert (await centre.http("DELETE", path, token=elena, headers=closing))[0] == 204
    async with asyncio.timeout(20):
        while True:
            _, listed = await centre.http("GET", "/privacy/customers", token=elena)
            found = {item["person"]: item for item in listed["items"]}
            if {winner, loser} <= found.keys():
                break
            await asyncio.sleep(0.05)
    path = f"/privacy/customers/{loser}/certificate"
    assert (await centre.http("GET", path, token=elena))[1] == found[loser]
    (line,) = (one for one in found[loser]["certificate"] if one["table"] == "customers")
    assert line["reason"] == f"Erased with file {winner}, of which it was a part."
    assert line["reason_es"] == f"Se borró con la ficha {winner}, de la que formaba parte."
    for each, status in ((winner, "deleted"), (loser, "merged")):
        _, card = await centre.http("GET", f"/customers/{each}", token=elena)
        assert (card["status"], card["name"], card["mobile"]) == (status, "", None)


async def test_a_legal_hold_is_in_the_certificate_and_outlives_erasing(
    centre: Centre, conn: db.Connection
) -> None:
    visitor = await centre.visitor(queue="SA", message="Hola")
    interaction, contact = await conn.fetchrow(
        "SELECT id, contact_id FROM interactions WHERE conversation_id = $1::uuid", visitor.id
    )  # type: ignore[misc]
    call, held, free = ids.new_id(), ids.new_id(), ids.new_id()
    await conn.execute(
        "INSERT INTO calls (id, interaction_id, direction, queue, state, record_mode, retention, "
        "created_at) VALUES ($1, $2, 'inbound', 'SA', 'waiting', 'inform', 'standard', now())",
        call,
        interaction,
    )
    for recording in (held, free):
        await conn.execute(
            "INSERT INTO recordings (id, call_id, state, created_at, retention, legal_hold) "
            "VALUES ($1, $2, 'finished', now(), 'standard', $3)",
            recording,
            call,
            recording == held,
        )
    admin = await sign_in(centre.url, ADMIN)
    for kind in ("export", "erase"):
        told = await done(
            centre, admin, kind=kind, person_kind="contact", person=str(contact), reason="asked"
        )
        lines = {line["table"]: line for line in told["certificate"]}
        line = lines["recordings"]
        assert (line["action"], line["rows"], line["holds"]) == ("keep", 2, 1), kind
        assert line["reason"], kind
        assert lines["messages"]["holds"] == 0, kind
    assert await conn.fetchval("SELECT legal_hold FROM recordings WHERE id = $1", held) is True


async def test_a_user_is_erased_and_the_audit_log_holds(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    user = await conn.fetchval("SELECT id FROM users WHERE email = 'customer1@aintech.com'")
    names = {"first_name": "Zenobia", "last_name": "Quisquilla", "phone": "+34611222333"}
    assert (await centre.http("PATCH", f"/users/{user}", token=admin, json=names))[0] == 200
    token = await sign_in(centre.url, "customer1@aintech.com")
    _, found = await centre.http("GET", f"/audit?resource_id={user}", token=admin)
    assert "Zenobia" in str(found)
    await done(centre, admin, kind="erase", person_kind="user", person=str(user), reason="asked")
    assert hits(await dump(conn)) == set()
    assert "customer1@aintech.com" not in str(await dump(conn))
    assert (await centre.http("GET", "/auth/me", token=token))[0] == 401
    _, found = await centre.http("GET", f"/audit?resource_id={user}", token=admin)
    assert "Zenobia" not in str(found)
    assert any(item["erased"] for item in found["items"])
    async with asyncio.timeout(20):
        while await conn.fetchval(
            "SELECT count(*) FROM audit_logs WHERE id NOT IN (SELECT audit_id FROM audit_chain)"
        ):
            await asyncio.sleep(0.1)
    assert (await audit.verify(conn, centre.house.deps.vault)).faults == []


async def test_what_is_refused(centre: Centre, conn: db.Connection) -> None:
    admin = await sign_in(centre.url, ADMIN)
    boss = await conn.fetchval("SELECT id FROM users WHERE email = $1", ADMIN)

    async def tried(kind: str, person_kind: str, person: object, **more: Any) -> int:
        body = {
            "kind": kind, "person_kind": person_kind, "person": str(person), "reason": "x", **more
        }  # fmt: skip
        return (await centre.http("POST", "/privacy/requests", token=admin, json=body))[0]

    assert await tried("erase", "user", boss) == 409
    assert await tried("export", "user", uuid4()) == 404
    assert await tried("erase", "customer", uuid4()) == 403
    assert await tried("export", "user", boss, reason="") == 422
    elena = await sign_in(centre.url, "supervisor1@aintech.com")
    assert (await centre.http("GET", "/privacy/requests", token=elena))[0] == 403


async def test_nobody_erases_whose_rights_go_beyond_their_own(
    centre: Centre, conn: db.Connection
) -> None:
    admin = await sign_in(centre.url, ADMIN)
    body = {"name": "officer", "permissions": ["privacy.manage", "customers.read", "audit.read"]}
    assert (await centre.http("POST", "/roles", token=admin, json=body))[0] == 201
    ids = {row["email"]: row["id"] for row in await conn.fetch("SELECT email, id FROM users")}
    me = "customer1@aintech.com"
    await centre.http("PATCH", f"/users/{ids[me]}", token=admin, json={"role": "officer"})
    token = await sign_in(centre.url, me)
    contact = await conn.fetchval("SELECT id FROM contacts LIMIT 1")
    if contact is None:
        visitor = await centre.visitor(queue="SA", message="Hola")
        contact = await conn.fetchval(
            "SELECT contact_id FROM interactions WHERE conversation_id = $1::uuid", visitor.id
        )

    async def tried(kind: str, person_kind: str, person: object) -> int:
        body = {"kind": kind, "person_kind": person_kind, "person": str(person), "reason": "x"}
        return (await centre.http("POST", "/privacy/requests", token=token, json=body))[0]

    assert await tried("erase", "user", ids["supervisor1@aintech.com"]) == 403
    assert await tried("erase", "user", ids["agent1@aintech.com"]) == 403
    assert await tried("export", "user", ids["agent1@aintech.com"]) == 202
    assert await tried("export", "contact", contact) == 202

    team = {"name": "north", "agents": []}
    await centre.http("PUT", "/teams/north", token=admin, json=team, headers=ANEW)
    limits = {"teams": ["north"]}
    assert (await centre.http("PATCH", f"/users/{ids[me]}", token=admin, json=limits))[0] == 200
    asked = {"kind": "export", "person_kind": "user", "person": str(ids[ADMIN]), "reason": "x"}
    _, others = await centre.http("POST", "/privacy/requests", token=admin, json=asked)
    assert await tried("export", "user", ids["agent1@aintech.com"]) == 404
    assert await tried("erase", "user", ids["agent1@aintech.com"]) == 404
    assert await tried("export", "contact", contact) == 403
    assert await tried("export", "user", ids[me]) == 202
    _, listed = await centre.http("GET", "/privacy/requests", token=token)
    assert {item["requested_by"] for item in listed["items"]} == {str(ids[me])}
    path = f"/privacy/requests/{others['id']}"
    assert (await centre.http("GET", path, token=token))[0] == 404
    assert (await centre.http("GET", f"{path}/export", token=token))[0] == 404
    assert (await centre.http("GET", "/audit", token=token))[0] == 403
    assert (await centre.http("GET", "/privacy/customers", token=token))[0] == 403
