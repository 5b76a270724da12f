from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID
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
    assert (unpaid.queue, unpaid.base, unpaid.banner) == ("PR", 60, "suspended")
    crash = await advice(office, conn, "+34600550010", key="claim")
    assert (crash.queue, crash.banner) == ("SA", "suspended_promise_nothing")
    await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    claim = await advice(office, conn, "+34600550010")
    assert (claim.queue, claim.preferred) == ("SA", (agent_of(office, "pablo"),))
    await office.person(first_name="Luis", mobile="600550010")
    shared = await advice(office, conn, "+34600550010")
    assert (shared.queue, shared.preferred, shared.banner) == ("PR", (), "ambiguous")


async def test_unpaid_receipts_are_told_one_by_one(office: Office, conn: db.Connection) -> None:
    """A first one hides no later one, and the other way round; a month after its due day cover is
    suspended, after six that nobody claimed it the contract is over."""
    ana = await office.person(mobile="600550010")
    path = f"/customers/{ana['customer_id']}/file"
    for due_on, first in (("2027-03-10", True), ("2027-03-04", False)):
        policy = await a_policy(office, customer_id=ana["customer_id"])
        body = receipt_body(due_on=due_on, first=first, kind="new" if first else "renewal")
        await office.do("lucia", "POST", f"/policies/{policy['policy_id']}/receipts", body)
    assert (await office.do("lucia", "GET", path))["banner"] == "insurer_may_be_free"
    later = "UPDATE receipts SET due_on = $1 WHERE NOT first"
    await conn.execute(later, date(2027, 1, 30))  # 45 days
    crash = await advice(office, conn, "+34600550010", key="claim")
    assert (crash.queue, crash.banner) == ("SA", "suspended_promise_nothing")
    await conn.execute("UPDATE receipts SET paid_at = now(), state = 'collected' WHERE first")
    for since, banner, until in (
        (date(2027, 3, 4), "covered_until", "2027-04-04"),
        (date(2027, 1, 30), "suspended", "2027-02-28"),
        (date(2026, 8, 28), "extinct_ask_insurer", "2026-09-28"),
    ):
        await conn.execute(later, since)
        file = await office.do("lucia", "GET", path)
        assert (file["banner"], file["covered_until"]) == (banner, until)
        assert file["unpaid_since"] == since.isoformat()


async def test_a_no_that_the_insurer_has_ends_the_renewal(
    office: Office, conn: db.Connection
) -> None:
    ana = await office.person(mobile="600550010")
    policy = await a_policy(office, customer_id=ana["customer_id"], coverage_end_date="2027-05-03")
    assert (await advice(office, conn, "+34600550010")).rule == "renewal"
    await conn.execute(
        "INSERT INTO policy_non_renewals (policy_id, term_end, by, late, received_on, sent_on,"
        " acknowledged_on) VALUES ($1, '2027-05-03', 'policyholder', false, '2027-03-01',"
        " '2027-03-02', '2027-03-05')",
        UUID(policy["policy_id"]),
    )
    assert (await advice(office, conn, "+34600550010")).rule == ""


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
