"""What lists are narrowed by, and a customer's whole history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

import db
from contactcenter.interactions.model import Address
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import SAYS, claim_body
from tests.integration.crm.test_identify import came_in
from tests.integration.crm.test_quotes import quote_body

STEPS = [{"type": "create_task", "config": {"title": "x"}}]


async def an_office_with_everything(office: Office, conn: db.Connection) -> dict[str, Any]:
    """Two customers, two policies, two claims, two quotes, two tasks and two workflows."""
    ana = (await office.person("lucia", tags=["vip"]))["customer_id"]
    firm = await office.person(
        "elena", kind="company", company_name="Ebro SL", first_name="", last_name="",
        portfolio_manager_id=str(agent_of(office, "pablo")),
    )  # fmt: skip
    car = await a_policy(office, customer_id=ana)
    home = await a_policy(
        office, "elena", customer_id=firm["customer_id"], policy_type="home", carrier="brisa",
        vehicle_plate=None, property_address="Calle Mar 1",
    )  # fmt: skip
    claims = [
        await office.do("elena", "POST", "/claims", claim_body(policy["policy_id"], **fields))
        for policy, fields in (
            (car, {"adjuster_id": str(agent_of(office, "marcos"))}),
            (home, {"claim_type": "theft", "cause": "theft"}),
        )
    ]
    path = f"/claims/{claims[0]['claim_id']}"
    await office.do("elena", "POST", f"{path}/send", {"insurer_reference": "ALD-900"})
    await office.do("elena", "POST", f"{path}/deny", {"reason": "no cubierto", **SAYS})
    for customer, line in ((ana, "auto"), (firm["customer_id"], "life")):
        await office.do("elena", "POST", "/quotes", quote_body(customer, quote_type=line))
    await office.do(
        "lucia", "POST", "/tasks",
        {"title": "a", "policy_id": car["policy_id"], "task_type": "call",
         "claim_id": claims[0]["claim_id"], "assigned_to": str(office.people["sara"].user_id)},
    )  # fmt: skip
    ended = await office.do(
        "elena", "POST", "/tasks", {"title": "b", "assigned_agent": str(agent_of(office, "pablo"))}
    )
    await office.do("elena", "POST", f"/tasks/{ended['task_id']}/complete")
    for name, trigger in (
        ("by hand", {"trigger_type": "manual"}),
        ("by event", {"trigger_type": "event", "trigger_config": {"event": "customer.created"}}),
    ):
        flow = await office.do(
            "elena", "POST", "/workflows", {"name": name, "steps": STEPS, **trigger}
        )
    await office.edit("elena", f"/workflows/{flow['workflow_id']}", {"active": False})
    house = await office.do("elena", "POST", "/households", {"name": "Mar 1", "members": [ana]})
    await conn.execute("UPDATE customers SET segment = 'vip' WHERE id = $1", UUID(ana))
    return {
        "ana": ana, "car": car["policy_id"], "claim": claims[0]["claim_id"],
        "pablo": agent_of(office, "pablo"), "marcos": agent_of(office, "marcos"),
        "sara": office.people["sara"].user_id, "house": house["household_id"],
    }  # fmt: skip


FILTERS = {
    "customers": ("kind=company", "tag=vip", "portfolio_manager_id={pablo}", "segment=vip",
                  "household_id={house}"),
    "policies": ("policy_type=home", "carrier=brisa", "customer_id={ana}"),
    "claims": ("customer_id={ana}", "policy_id={car}", "cause=theft", "status=reported",
               "adjuster_id={marcos}", "open=true", "open=false", "q=1234bcd", "q=ald-900"),
    "quotes": ("customer_id={ana}", "quote_type=life", "number=C-2027-000001"),
    "tasks": ("customer_id={ana}", "policy_id={car}", "task_type=call", "status=completed",
              "open=true", "open=false", "claim_id={claim}", "assigned_to={sara}",
              "assigned_agent={pablo}"),
    "workflows": ("trigger_type=event", "trigger_type=manual", "active=true", "active=false"),
}  # fmt: skip
NOBODY = {
    "customers": "status=inactive", "policies": "status=cancelled", "claims": "status=paid",
    "quotes": "converted=true", "tasks": "status=in_progress",
    "workflows": "trigger_type=scheduled",
}  # fmt: skip


UNKNOWN = {
    "customers": ("status=x", "kind=x", "portfolio_manager_id=x", "household_id=x", "limit=0"),
    "customers/search": ("q=a",),
    "policies": ("policy_type=boat", "status=x", "carrier=!!", "customer_id=x"),
    "policies/search": ("q=a",),
    "policies/expiring": ("days=x", "policy_type=boat"),
    "claims": ("customer_id=x", "policy_id=x", "status=x", "adjuster_id=x", "cause=x", "open=x",
               "q=a"),
    "quotes": ("customer_id=x", "status=x", "quote_type=boat", "converted=x"),
    "tasks": ("mine=x", "status=x", "open=x", "due=x", "assigned_to=x", "assigned_agent=x",
              "customer_id=x", "claim_id=x", "policy_id=x"),
    "workflows": ("active=x", "trigger_type=x"),
}  # fmt: skip


async def test_a_filter_that_nobody_knows_is_named(office: Office) -> None:
    for name, filters in UNKNOWN.items():
        for each in filters:
            answer = await office.ask("elena", "GET", f"/{name}?{each}")
            where = [error["loc"] for error in answer.body["errors"]]
            assert (answer.status, where) == (422, [["query", each.split("=")[0]]]), (name, each)


async def test_each_filter_of_each_list(office: Office, conn: db.Connection) -> None:
    made = await an_office_with_everything(office, conn)

    async def found(path: str) -> list[Any]:
        items: list[Any] = (await office.do("elena", "GET", path))["items"]
        return items

    for name, filters in FILTERS.items():
        everything = await found(f"/{name}")
        assert len(everything) == 2, name
        for each in filters:
            chosen = await found(f"/{name}?{each.format(**made)}")
            assert len(chosen) == 1, (name, each)
            assert chosen[0] in everything
        assert await found(f"/{name}?{NOBODY[name]}") == []


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_timeline_over_two_channels(office: Office, limit: int) -> None:
    ana = await office.person(mobile="600550010", email="ana@correo.example")
    customer_id = ana["customer_id"]

    def later() -> None:
        office.clock.set(office.clock.now() + timedelta(minutes=1))

    policy = await a_policy(office, customer_id=customer_id)
    later()
    _, first = await came_in(office, Address("whatsapp", "+34600550010"))
    later()
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    later()
    async with office.deps.work.begin("test.came", "test") as work:
        await work.conn.execute("UPDATE interactions SET channel = 'email' WHERE id = $1", first)
    _, second = await came_in(office, Address("whatsapp", "+34600550010"))
    later()
    quote = await office.do("lucia", "POST", "/quotes", quote_body(customer_id))
    later()
    task = await office.do("lucia", "POST", "/tasks", {"title": "x", "customer_id": customer_id})
    await office.listen("crm.identify")

    path = f"/customers/{customer_id}/timeline"
    everything = (await office.do("lucia", "GET", path))["items"]
    assert [(each["kind"], each["channel"], each["id"]) for each in everything] == [
        ("task", None, task["task_id"]),
        ("quote", None, quote["quote_id"]),
        ("interaction", "whatsapp", str(second)),
        ("claim", None, claim["claim_id"]),
        ("interaction", "email", str(first)),
        ("policy", None, policy["policy_id"]),
    ]
    seen: list[Any] = []
    url = f"{path}?limit={limit}"
    while True:
        page = await office.do("lucia", "GET", url)
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        assert len(page["items"]) == limit
        url = f"{path}?limit={limit}&cursor={page['next_cursor']}"
    assert seen == everything
    for channel, interaction in (("whatsapp", second), ("email", first)):
        only = (await office.do("lucia", "GET", f"{path}?channel={channel}"))["items"]
        assert [each["id"] for each in only] == [str(interaction)]

    stats = await office.do("lucia", "GET", f"/customers/{customer_id}/stats")
    worth = stats.pop("lifetime_value")
    assert float(worth["amount"]) > 0
    euros = {"currency": "EUR"}
    assert stats == {
        "customer_id": customer_id, "segment": "standard", "policies": 1, "past_policies": 0,
        "annual_premium": {"amount": "400.00", **euros}, "open_claims": 1, "claims": 1,
        "claims_paid": {"amount": "0.00", **euros}, "open_quotes": 1, "unpaid_receipts": 0,
        "unpaid_amount": {"amount": "0.00", **euros}, "open_tasks": 1, "interactions_90_days": 2,
        "last_interaction_at": everything[2]["at"], "customer_since": "2027-01-01",
    }  # fmt: skip
