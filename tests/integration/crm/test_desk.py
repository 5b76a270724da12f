from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import db
from contactcenter.interactions.model import Address
from crm.desk.model import Advice
from crm.desk.service import advise_contact
from tests.integration.crm.conftest import Office, a_policy, agent_of, receipt_body
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_identify import came_in


async def advice(office: Office, conn: db.Connection, number: str, **said: Any) -> Advice:
    contact, _ = await came_in(office, Address("phone", number))
    return await advise_contact(
        conn, contact, "PR", now=office.clock.now(), zone=ZoneInfo("Europe/Madrid"), said=said
    )


async def test_advice_from_the_tables(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    nobody = await advice(office, conn, "+34600559999")
    assert (nobody.queue, nobody.base) == ("PR", None)
    ana = await office.person(mobile="600550010")
    plain = await advice(office, conn, "+34600550010")
    assert (plain.queue, plain.base, plain.preferred) == ("PR", None, ())
    policy = await a_policy(office, customer_id=ana["customer_id"])
    receipt = await office.do(
        "lucia", "POST", f"/policies/{policy['policy_id']}/receipts", receipt_body()
    )
    for state, more in (("presented", {}), ("returned", {"return_code": "AM04"})):
        await office.do(
            "lucia", "POST", f"/receipts/{receipt['receipt_id']}/move", {"state": state, **more}
        )
    unpaid = await advice(office, conn, "+34600550010")
    assert (unpaid.queue, unpaid.base, unpaid.banner) == ("PR", 60, "covered_until")
    crash = await advice(office, conn, "+34600550010", key="claim")
    assert (crash.queue, crash.banner) == ("SA", "suspended_promise_nothing")
    await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    claim = await advice(office, conn, "+34600550010")
    assert (claim.queue, claim.preferred) == ("SA", (agent_of(office, "pablo"),))
    await office.person(first_name="Luis", mobile="600550010")
    shared = await advice(office, conn, "+34600550010")
    assert (shared.queue, shared.preferred, shared.banner) == ("PR", (), "ambiguous")


async def test_a_file_at_one_glance(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    _, interaction = await came_in(office, Address("phone", "+34600550020"))
    path = f"/interactions/{interaction}/file"
    unknown = await office.do("elena", "GET", path)
    assert (unknown["state"], unknown["candidates"]) == ("unknown", [])
    assert (await office.ask("ines", "GET", path)).status == 403
    ana = await office.person(mobile="600550020")
    policy = await a_policy(office, customer_id=ana["customer_id"])
    receipts = f"/policies/{policy['policy_id']}/receipts"
    receipt = await office.do("lucia", "POST", receipts, receipt_body())
    await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    await office.do("lucia", "POST", "/tasks", {"title": "Call", "customer_id": ana["customer_id"]})
    known = await office.do("elena", "GET", path)
    assert (known["state"], known["banner"]) == ("identified", "claim")
    assert known["customer"]["customer_id"] == ana["customer_id"]
    filed = known["policies"][0]
    assert filed["receipt"]["number"] == receipt["number"]
    assert filed["carrier_name"] == "Aldaba"
    assert filed["cover"]["answer"] in {"covered", "grace_until", "suspended", "ask_insurer"}
    assert [len(known[part]) for part in ("claims", "quotes", "tasks")] == [1, 0, 1]
    await office.person(first_name="Luis", mobile="600550020")
    shared = await office.do("elena", "GET", path)
    assert (shared["state"], shared["banner"]) == ("candidates", "ambiguous")
    assert {each["name"].split()[0] for each in shared["candidates"]} == {"Ana", "Luis"}
    luis = next(c for c in shared["candidates"] if c["name"].startswith("Luis"))
    whose = {"customer_id": luis["customer_id"]}
    await office.do("elena", "PUT", f"/interactions/{interaction}/customer", whose)
    chosen = await office.do("elena", "GET", path)
    assert (chosen["state"], chosen["customer"]["first_name"]) == ("identified", "Luis")
