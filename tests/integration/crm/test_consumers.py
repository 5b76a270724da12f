"""The listeners: each has its effect once, however often it hears the same."""

from __future__ import annotations

from typing import Any

import db
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import a_claim, skilled
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, a_quote


async def test_a_renewal_task_for_each_policy_and_term(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-20", coverage_end_date="2027-05-20")
    await office.crm.by_clock.tell_expiring()
    for _ in range(2):
        await office.listen("crm.renewal_tasks")
    found = await office.do("lucia", "GET", f"/tasks?policy_id={made['policy_id']}")
    assert [(t["task_type"], t["priority"]) for t in found["items"]] == [("renewal", "high")]
    assert found["items"][0]["assigned_agent"] == str(agent_of(office, "lucia"))


async def test_a_renewal_s_task_goes_to_whom_its_customer_was_merged_into(office: Office) -> None:
    made = await a_policy(office, coverage_start_date="2026-05-20", coverage_end_date="2027-05-20")
    await office.crm.by_clock.tell_expiring()
    winner = (await office.person(mobile="600550011"))["customer_id"]
    merge = {"loser_id": made["customer_id"]}
    await office.do("elena", "POST", f"/customers/{winner}/merge", merge)
    for _ in range(2):
        await office.listen("crm.renewal_tasks")
    found = await office.do("lucia", "GET", f"/tasks?policy_id={made['policy_id']}")
    assert [(t["task_type"], t["customer_id"]) for t in found["items"]] == [("renewal", winner)]


async def test_a_welcome_for_each_customer(office: Office) -> None:
    customer = await office.person()
    for _ in range(2):
        await office.listen("crm.welcome_tasks")
    found = await office.do("lucia", "GET", f"/tasks?customer_id={customer['customer_id']}")
    assert [t["task_type"] for t in found["items"]] == ["welcome"]


async def test_a_claim_without_handler_gets_one(office: Office, conn: db.Connection) -> None:
    claim = await a_claim(office)
    assert claim["adjuster_id"] is None
    await skilled(office, conn)
    for _ in range(2):
        await office.listen("crm.claim_handlers")
    seen = await office.do("lucia", "GET", f"/claims/{claim['claim_id']}")
    assert seen["adjuster_id"] == str(agent_of(office, "pablo"))
    assert len(await office.events("claim.assigned")) == 1


async def test_a_quotes_letter_waits_for_sending_and_goes_once(
    office: Office, conn: db.Connection
) -> None:
    quote = await a_quote(office, mediation=MEDIATION, carrier_quotes=OFFERS)
    await office.edit(
        "lucia", f"/customers/{quote['customer_id']}", {"email": "ana@correo.example"}
    )

    async def letters() -> list[tuple[Any, ...]]:
        rows = await conn.fetch("SELECT state, subject FROM customer_letters")
        return [tuple(row) for row in rows]

    for _ in range(2):
        await office.listen("crm.letters")
    assert await letters() == [("draft", f"Su presupuesto {quote['quote_number']}")]
    await office.do("lucia", "POST", f"/quotes/{quote['quote_id']}/send")
    for _ in range(2):
        await office.listen("crm.letters")
    assert [state for state, _ in await letters()] == ["queued"]
    letter_id = await conn.fetchval("SELECT id FROM customer_letters")
    for _ in range(2):
        await office.crm.letters.send({"letter_id": str(letter_id)})
    await office.listen("crm.letters")
    assert [state for state, _ in await letters()] == ["sent"]
    assert [each.address for each in office.mail.sent] == ["ana@correo.example"]
    assert "€" in office.mail.sent[0].text


async def test_a_task_that_a_fact_makes_is_in_its_owners_language(
    office: Office, conn: db.Connection
) -> None:
    await conn.execute(
        "UPDATE users SET locale = 'en' WHERE id = $1", office.people["marcos"].user_id
    )
    titles: dict[str, set[str]] = {}
    for who in ("lucia", "marcos"):
        made = await a_policy(
            office, who, vehicle_plate=None, coverage_start_date="2026-05-30",
            coverage_end_date="2027-05-30",
        )  # fmt: skip
        await office.crm.by_clock.tell_expiring()
        await office.listen("crm.renewal_tasks", "crm.welcome_tasks")
        found = await office.do(who, "GET", f"/tasks?customer_id={made['customer_id']}")
        titles[who] = {each["title"] for each in found["items"]}
    assert titles == {
        "lucia": {
            "Dar la bienvenida y revisar sus seguros",
            "Preparar la renovación (último día nuestro: 23 de abril de 2027)",
        },
        "marcos": {
            "Welcome them and review their insurance",
            "Prepare the renewal (our last day: April 23, 2027)",
        },
    }
