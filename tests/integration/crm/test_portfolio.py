"""How far a portfolio reaches: each route behind which a customer's file lies, asked by its own
team, by another team without and with the customer on the line, and by a customer of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.http import Route
from contactcenter.core.ids import new_id
from tests.integration.app.test_reach import least
from tests.integration.crm.conftest import Answer, Office, a_policy, agent_of, receipt_body
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_merge import INSERT_INTERACTION
from tests.integration.crm.test_quotes import quote_body
from tools.reach import reach_of

OPEN_WITH = """
INSERT INTO segments (id, interaction_id, agent_id, channel, queue, state, cost, full_cost,
                      started_at, state_since)
VALUES ($1, $2, $3, 'chat', 'CO', 'active', 30, 30, now(), now())
"""
QUERIES = {"GET /api/v1/policies/{id}/coverage": "?at=2027-03-01T12:00:00Z"}
BODIES: dict[str, Any] = {
    "PATCH /api/v1/customers/{id}": {"notes": "x"},
    "PUT /api/v1/customers/{id}": {"notes": "x"},
    "POST /api/v1/claims/{id}/documents": {"name": "x", "url": "https://x.example/1"},
    "POST /api/v1/policies/{id}/receipts": receipt_body(),
    "PUT /api/v1/customers/{id}/user": {"email": "ines@example.com"},
}
SUPERVISORS = {"DELETE /api/v1/customers/{id}", "PUT /api/v1/customers/{id}/user"}
"""An agent has no permission for it, whosever portfolio it is."""

Files = dict[str, str]


def table(office: Office, *, supervises: bool = False) -> list[Route]:
    """What is read first, what takes away last."""
    found = [
        route
        for route in office.crm.module.routes
        if reach_of(route.method, route.path) == "portfolio"
        and (supervises or f"{route.method} {route.path}" not in SUPERVISORS)
    ]
    assert len(found) > 35
    return sorted(found, key=lambda route: (route.method != "GET", route.path.endswith("merge")))


@pytest.fixture
async def files(office: Office) -> Files:
    """One of each kind in Lucía's portfolio, of team north; kind in the path → its id."""
    ana, eva, eva_again = [
        (await office.person(first_name=name))["customer_id"] for name in ("Ana", "Eva", "Evita")
    ]
    policy = (await a_policy(office, customer_id=ana))["policy_id"]
    made = {
        "claims": ("claim_id", "/claims", claim_body(policy)),
        "quotes": ("quote_id", "/quotes", quote_body(ana)),
        "receipts": ("receipt_id", f"/policies/{policy}/receipts", receipt_body()),
        "households": ("household_id", "/households", {"name": "Beltrán", "members": [ana]}),
        "tasks": ("task_id", "/tasks", {"title": "x", "customer_id": ana}),
        "customer-merges": ("merge_id", f"/customers/{eva}/merge", {"loser_id": eva_again}),
    }
    found = {"customers": ana, "policies": policy, "owner": ana, "merged": eva}
    for kind, (key, path, body) in made.items():
        found[kind] = (await office.do("lucia", "POST", path, body))[key]
    return found


async def asked(office: Office, who: str, route: Route, files: Files) -> Answer:
    """With the least body of the right shape, and the version as it is."""
    parts = route.path.removeprefix("/api/v1/").split("/")
    thing = files[parts[0]]
    path = "/" + "/".join(thing if part == "{id}" else part for part in parts)
    name = f"{route.method} {route.path}"
    path += QUERIES.get(name, "")
    headers, body = {}, None
    if route.body is not None:
        body = BODIES.get(name) or least(route.body, files["merged"])
    if route.method in {"PUT", "PATCH"} and name not in SUPERVISORS:
        seen = await office.ask("elena", "GET", path)
        assert seen.etag
        headers["If-Match"] = seen.etag
    return await office.ask(who, route.method, path, body, **headers)


async def everything(conn: db.Connection) -> list[tuple[Any, ...]]:
    """What is written in files, and how often."""
    rows = await conn.fetch(
        "SELECT id, version::text FROM customers UNION ALL SELECT id, version::text FROM policies "
        "UNION ALL SELECT id, version::text FROM claims UNION ALL "
        "SELECT id, version::text FROM quotes UNION ALL SELECT id, state FROM receipts UNION ALL "
        "SELECT id, version::text FROM tasks UNION ALL "
        "SELECT id, undone_at::text FROM customer_merges ORDER BY 1"
    )
    return [tuple(row) for row in rows]


def limited(office: Office, *teams: str) -> None:
    """Nora supervises these teams only."""
    office.people["nora"] = replace(office.people["elena"], teams=frozenset(teams))


@pytest.mark.parametrize("who", ["pablo", "nora"])
async def test_another_team_reads_and_writes_nothing(
    office: Office, conn: db.Connection, files: Files, who: str
) -> None:
    limited(office, "south")
    before, wrong = await everything(conn), []
    for route in table(office, supervises=who == "nora"):
        answer = await asked(office, who, route, files)
        reads = route.method == "GET"
        right = answer.status == (200 if reads else 403)
        if not right or (not reads and answer.body["ctx"].get("reason") != "portfolio"):
            wrong.append((route.method, route.path, answer.status, answer.body))
    assert wrong == [], "\n".join(map(str, wrong))
    assert await everything(conn) == before


@pytest.mark.parametrize("who", ["marcos", "pablo", "nora"])
async def test_one_s_own_team_and_whoever_has_the_customer_on_the_line_writes(
    office: Office, conn: db.Connection, files: Files, who: str
) -> None:
    """The least body may not do; what counts is that nobody is sent away."""
    limited(office, "north")
    if who == "pablo":
        for customer in (files["owner"], files["merged"]):
            contact, thread, interaction = new_id(), new_id(), new_id()
            await conn.execute(INSERT_INTERACTION, contact, thread, interaction, UUID(customer))
            await conn.execute(OPEN_WITH, new_id(), interaction, agent_of(office, "pablo"))
    wrong, done = [], 0
    for route in table(office):
        answer = await asked(office, who, route, files)
        done += answer.status < 300
        if answer.status in {403, 404} or answer.status >= 500:
            wrong.append((route.method, route.path, answer.status, answer.body))
    assert wrong == [], "\n".join(map(str, wrong))
    assert done > 20


async def test_a_customer_has_no_file_but_their_own(
    office: Office, conn: db.Connection, files: Files
) -> None:
    wrong = []
    for route in table(office):
        answer = await asked(office, "ines", route, files)
        may = route.permission in office.people["ines"].permissions
        if answer.status != (404 if may else 403):
            wrong.append((route.method, route.path, answer.status, answer.body))
    assert wrong == [], "\n".join(map(str, wrong))
    await conn.execute(
        "UPDATE customers SET user_id = $2 WHERE id = $1",
        files["owner"],
        office.people["ines"].user_id,
    )
    assert (await office.ask("ines", "GET", f"/customers/{files['owner']}")).status == 200


async def test_a_supervisor_of_some_teams_sees_what_is_hidden_of_no_others(
    office: Office, files: Files
) -> None:
    for team, masked in (("north", False), ("south", True)):
        limited(office, team)
        seen = await office.do("nora", "GET", f"/customers/{files['owner']}")
        assert (seen["masked"], seen["writable"]) == (masked, not masked)
        manager = {"portfolio_manager_id": str(agent_of(office, "pablo"))}
        headers = {"If-Match": f'"{seen["version"]}"'}
        path = f"/customers/{files['owner']}"
        assert (await office.ask("nora", "PATCH", path, manager, **headers)).status == 403


async def test_a_new_file_goes_in_a_portfolio_of_one_s_own_team(office: Office) -> None:
    named = {"first_name": "Ana", "last_name": "Beltrán", "confirm": True}
    for who, manager, status in (
        ("lucia", "lucia", 201), ("lucia", "marcos", 201), ("lucia", "pablo", 403),
        ("elena", "pablo", 201),
    ):  # fmt: skip
        body = {**named, "portfolio_manager_id": str(agent_of(office, manager))}
        answer = await office.ask(who, "POST", "/customers", body)
        assert answer.status == status, (who, manager, answer.body)
