"""From an empty database to a sold policy, in one go and as a person does it: the commands that
make and fill the database, the server on top of it, the CRM over HTTP, and a clean end."""

from __future__ import annotations

import asyncio
import shutil
import signal
from typing import Any, Final

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

import db
import db.__main__ as commands
from config.settings import load_settings
from contactcenter.core.ids import new_id
from db.embedded import EmbeddedPostgres
from tests.conftest import TEST_ENVIRON, quick_folder
from tests.integration.app.people import sign_in
from tests.reliability.centre import POSTGRES, Centre, free_port

COUNTS: Final = """
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM customers) AS customers,
       (SELECT count(*) FROM policies) AS policies, (SELECT count(*) FROM claims) AS claims,
       (SELECT count(*) FROM quotes) AS quotes
"""
FOREIGN: Final = """
INSERT INTO customers (id, first_name, last_name, sort_key, search_text, created_at, updated_at)
VALUES ($1, 'Left', 'Foreign', '', '', now(), now())
"""
ROUTERS: Final = (
    "customers", "policies", "claims", "quotes", "interactions", "tasks", "workflows", "auth",
)  # fmt: skip


async def test_from_nothing_to_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = quick_folder("cc-smoke-")
    try:
        with EmbeddedPostgres(folder, POSTGRES) as server:
            environ = {
                **TEST_ENVIRON, "DATABASE_URL": server.url, "DATA_DIR": str(folder),
                "PORT": str(free_port()), "DB_POOL_MIN": "2",
            }  # fmt: skip
            for name, value in environ.items():
                monkeypatch.setenv(name, value)
            centre = Centre(folder, load_settings(environ), environ)
            try:
                await smoke(centre)
            finally:
                centre.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def smoke(centre: Centre) -> None:
    await command("up")
    await command("seed")
    conn = await centre.connect()
    counted = await conn.fetchrow(COUNTS)
    assert counted is not None
    assert tuple(counted.values())[1:] == (50, 100, 30, 40)
    await conn.execute("DELETE FROM tasks")
    await conn.execute("CREATE TABLE left_over (n int)")
    await conn.execute(FOREIGN, new_id())
    await command("reset", "--yes")
    assert await conn.fetchrow(COUNTS) == counted
    assert await conn.fetchval("SELECT count(*) FROM tasks")
    assert await conn.fetchval("SELECT to_regclass('left_over')") is None
    assert not await conn.fetchval("SELECT count(*) FROM customers WHERE last_name = 'Foreign'")
    centre.start()
    async with aiohttp.ClientSession() as session:
        await centre.ready(session)
        await over_http(centre, session, conn)
    assert centre.server is not None
    await asyncio.to_thread(centre.server.end, (signal.SIGTERM, 20.0))
    assert centre.server.exit_code() == 0
    assert centre.complaints() == []
    await conn.close()


async def over_http(centre: Centre, session: aiohttp.ClientSession, conn: db.Connection) -> None:
    headers = {"Authorization": f"Bearer {await sign_in(centre.url, 'supervisor1@aintech.com')}"}

    async def ask(
        method: str, path: str, body: Any = None, status: int = 200, version: int = 0
    ) -> Any:
        url = f"{centre.url}{path}"
        more = {"If-Match": f'"{version}"' if version else "*"}
        async with session.request(method, url, json=body, headers=headers | more) as answer:
            assert answer.status == status, (path, answer.status, await answer.text())
            return await answer.json() if "json" in answer.content_type else await answer.text()

    await ask("GET", "/healthz")
    families = {f.name for f in text_string_to_metric_families(await ask("GET", "/metrics"))}
    assert {"http_request_seconds", "db_transaction_seconds"} <= families
    paths = (await ask("GET", "/api/openapi.json"))["paths"]
    for router in ROUTERS:
        assert any(path.startswith(f"/api/v1/{router}") for path in paths), router
    base = "/api/v1"
    listed = await ask("GET", f"{base}/customers")
    assert len(listed["items"]) == 50
    made = await ask(
        "POST", f"{base}/customers",
        {"first_name": "Ana", "last_name": "Nueva", "confirm": True}, 201,
    )  # fmt: skip
    path = f"{base}/customers/{made['customer_id']}"
    changed = await ask("PATCH", path, {"city": "Huesca"}, version=1)
    assert (changed["city"], changed["version"]) == ("Huesca", 2)
    insured = await ask(
        "POST", f"{base}/policies",
        {"customer_id": made["customer_id"], "policy_type": "auto", "policy_number": "SMOKE-1",
         "carrier": (await ask("GET", f"{base}/insurers"))["items"][0]["key"],
         "coverage_start_date": "2026-01-01", "coverage_end_date": "2036-01-01",
         "premium_amount": {"amount": "300.00"}, "vehicle_plate": "1234BCD"}, 201,
    )  # fmt: skip
    assert insured["status"] == "active"
    policies = await ask("GET", f"{base}/policies")
    policy = await ask("GET", f"{base}/policies/{policies['items'][0]['policy_id']}")
    claim = await ask(
        "POST", f"{base}/claims",
        {"policy_id": policy["policy_id"], "claim_type": "other", "description": "x",
         "incident_date": "2026-01-01T10:00:00+01:00"}, 201,
    )  # fmt: skip
    quote = await conn.fetchval("SELECT id FROM quotes WHERE status = 'accepted' AND NOT converted")
    assert quote is not None, "the seeds hold one that waits to be converted"
    start = {"quote_id": str(quote), "coverage_start_date": "2030-01-01"}
    converted = await ask("POST", f"{base}/quotes/convert", start, 201)
    told = await conn.fetch("SELECT type FROM event_log WHERE subject = ANY ($1)", [
        made["customer_id"], claim["claim_id"], str(quote), converted["policy"]["policy_id"],
    ])  # fmt: skip
    assert {row["type"] for row in told} >= {
        "customer.created", "customer.updated", "claim.created", "quote.converted",
        "policy.created",
    }  # fmt: skip
    welcome = f"{base}/tasks?customer_id={made['customer_id']}&task_type=welcome"
    async with asyncio.timeout(30):  # a listener heard of the customer, and a task is its answer
        while not (await ask("GET", welcome))["items"]:
            await asyncio.sleep(0.05)


async def command(*words: str) -> None:
    """`python -m db …`, which must succeed."""
    assert await asyncio.to_thread(commands.main, words) == 0
