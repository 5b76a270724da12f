"""Files that are merged or closed while somebody writes in them, and files that are closed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.core.errors import Conflict
from contactcenter.core.ids import new_id
from crm.workflows import records
from tests.integration.crm.conftest import Office, a_policy, policy_body, receipt_body
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_identify import came_in
from tests.integration.crm.test_quotes import quote_body
from tests.integration.crm.test_workflows import a_workflow

LEFT_BEHIND = """
SELECT (SELECT count(*) FROM policies WHERE customer_id = $1)
     + (SELECT count(*) FROM claims WHERE customer_id = $1)
     + (SELECT count(*) FROM quotes WHERE customer_id = $1)
     + (SELECT count(*) FROM tasks WHERE customer_id = $1)
     + (SELECT count(*) FROM policy_roles WHERE customer_id = $1)
     + (SELECT count(*) FROM interactions WHERE customer_id = $1)
     + (SELECT count(*) FROM workflow_executions
        WHERE trigger_data ->> 'customer_id' = $1::uuid::text)
"""
ENDED = """
UPDATE policies SET status = 'expired', coverage_start_date = '2025-01-01',
    term_start_date = '2025-01-01', coverage_end_date = '2026-01-01' WHERE id = $1
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND cardinality(
    pg_blocking_pids(pid)) > 0
"""


# The merge copies addresses after it has moved what points at a customer.
HOLD_UP = """
INSERT INTO customer_ways (customer_id, kind, address, label, further)
VALUES ($1, 'phone', '+34600550010', '', true)
"""


async def waits(conn: db.Connection, task: asyncio.Task[Any]) -> None:
    """Until the task waits for a lock, or is done."""
    while not task.done() and not await conn.fetchval(WAITING):
        await asyncio.sleep(0.01)


async def things(office: Office, customer: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What can be begun in a customer's file: name → path, body."""
    policy = (await a_policy(office, customer_id=customer))["policy_id"]
    workflow = await a_workflow(office, [{"type": "wait_duration", "config": {"seconds": 60}}])
    noted = {"customer_id": customer, "channel": "voice", "direction": "inbound", "note": "n"}
    return {
        "policy": ("/policies", policy_body(customer)),
        "claim": ("/claims", claim_body(policy)),
        "quote": ("/quotes", quote_body(customer)),
        "task": ("/tasks", {"title": "t", "customer_id": customer}),
        "task of a policy": ("/tasks", {"title": "t", "policy_id": policy}),
        "run": (f"/workflows/{workflow}/execute", {"customer_id": customer}),
        "note": ("/interactions", noted),
    }


THINGS = ("policy", "claim", "quote", "task", "task of a policy", "run", "note")


@pytest.mark.parametrize("thing", THINGS)
async def test_what_is_begun_during_a_merge_is_not_left_behind(
    office: Office, conn: db.Connection, thing: str
) -> None:
    """The merge has moved everything and not committed when the other one asks."""
    winner = (await office.person())["customer_id"]
    loser = (await office.person(mobile="600550010"))["customer_id"]
    path, body = (await things(office, loser))[thing]
    async with conn.transaction():
        await conn.execute(HOLD_UP, UUID(winner))
        merging = asyncio.create_task(
            office.ask("lucia", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
        )
        async with office.deps.pool.acquire() as other:
            await waits(other, merging)
            asking = asyncio.create_task(office.ask("lucia", "POST", path, body))
            while not asking.done() and await other.fetchval(WAITING) < 2:
                await asyncio.sleep(0.01)
    assert (await merging).status == 200
    answer = await asking
    assert answer.status in {201, 409}, answer.body
    if answer.status == 409:
        assert answer.body["ctx"]["merged_into"] == winner
    assert await conn.fetchval(LEFT_BEHIND, UUID(loser)) == 0


async def closed(office: Office, conn: db.Connection, customer: str, policy: str) -> None:
    await conn.execute(ENDED, UUID(policy))
    await office.do("elena", "DELETE", f"/customers/{customer}", **{"If-Match": "*"})


async def test_nothing_is_begun_in_a_closed_file(office: Office, conn: db.Connection) -> None:
    """But a late claim with what is to be done about it, until the file is erased."""
    customer = (await office.person(mobile="600550010"))["customer_id"]
    begun = await things(office, customer)
    policy = begun["claim"][1]["policy_id"]
    await closed(office, conn, customer, policy)
    path = f"/policies/{policy}"
    renewal = {"end_date": "2027-01-01", "insurer_consents": True}
    asked = [begun[each] for each in THINGS if each != "claim"] + [
        (f"{path}/renew", renewal), (f"{path}/receipts", receipt_body()),
        (f"{path}/non-renewal", {"by": "policyholder", "received_on": "2027-03-01"}),
    ]  # fmt: skip
    for where, body in asked:
        answer = await office.ask("elena", "POST", where, body, **{"If-Match": "*"})
        assert (answer.status, answer.body["ctx"].get("status")) == (409, "deleted"), where
    edit = await office.ask("elena", "PATCH", path, {"vehicle_make": "Seat"}, **{"If-Match": "*"})
    assert (edit.status, edit.body["ctx"]["status"]) == (409, "deleted")

    for query in ("1234BCD", "600550010"):
        found = await office.do("lucia", "GET", f"/customers/search?q={query}")
        assert found["items"] == [], query
    export = await office.client.get(
        "/api/v1/exports/policies", headers={"Authorization": "Bearer elena"}
    )
    assert "1234BCD" not in await export.text()

    late = await office.do("lucia", "POST", "/claims", claim_body(policy))
    about = {"title": "t", "claim_id": late["claim_id"]}
    assert (await office.do("lucia", "POST", "/tasks", about))["customer_id"] == customer
    await office.crm.customers.erase_due()
    erased_at = "SELECT erased_at FROM customers WHERE id = $1"
    assert await conn.fetchval(erased_at, UUID(customer)) is None, "a claim is open"
    await conn.execute("UPDATE customers SET erased_at = now() WHERE id = $1", UUID(customer))
    for where, body in (("/claims", claim_body(policy)), ("/tasks", about)):
        assert (await office.ask("elena", "POST", where, body)).status == 409
    note = await office.ask("elena", "POST", f"/claims/{late['claim_id']}/notes", {"note": "n"})
    assert note.status == 409


@pytest.mark.parametrize("thing", ["claim", "quote", "task", "task of a policy"])
async def test_a_contact_of_somebody_else_is_refused(
    office: Office, conn: db.Connection, thing: str
) -> None:
    """Nobody's yet may be anybody's, and one's own is one's own."""
    ana, eva = [(await office.person(first_name=each))["customer_id"] for each in ("Ana", "Eva")]
    path, body = (await things(office, ana))[thing]
    _, contact = await came_in(office)
    for whose, status in ((eva, 422), (None, 201), (ana, 201)):
        await conn.execute(
            "UPDATE interactions SET customer_id = $2 WHERE id = $1",
            contact, whose and UUID(whose),
        )  # fmt: skip
        answer = await office.ask("lucia", "POST", path, {**body, "interaction_id": str(contact)})
        assert answer.status == status, answer.body
        if status == 422:
            (error,) = answer.body["errors"]
            assert (error["loc"], error["type"]) == (["interaction_id"], "another_customer")
    unknown = await office.ask("lucia", "POST", path, {**body, "interaction_id": str(new_id())})
    assert unknown.body["errors"][0]["type"] == "unknown_interaction"


@pytest.mark.parametrize("status", ["active", "deleted", "merged"])
@pytest.mark.parametrize("of", ["policy_id", "claim_id", None])
async def test_a_task_of_a_closed_or_merged_file_is_changed_by_no_workflow(
    office: Office, conn: db.Connection, status: str, of: str | None
) -> None:
    policy = await a_policy(office)
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    about = {} if of is None else {of: (claim if of == "claim_id" else policy)[of]}
    task = await office.do("lucia", "POST", "/tasks", {"title": "Llamar", **about})
    other = await office.person(first_name="Eva", last_name="Lanuza Gil")
    await conn.execute(
        "UPDATE customers SET status = $1, merged_into = $2 WHERE id = $3",
        status, UUID(other["customer_id"]) if status == "merged" else None,
        UUID(policy["customer_id"]),
    )  # fmt: skip
    allowed = status == "active" or of is None or (status == "deleted" and of == "claim_id")
    async with office.deps.work.begin("test.change", "workflow") as work:
        change = records.change(work, "task", UUID(task["task_id"]), "description", "x")
        with contextlib.nullcontext() if allowed else pytest.raises(Conflict):
            await change
    now = await office.do("lucia", "GET", f"/tasks/{task['task_id']}")
    assert now["description"] == ("x" if allowed else None)
