from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

import db
from contactcenter.core.ids import new_id
from contactcenter.events.customers import CustomerErased
from contactcenter.identity.audit import AuditJournal, customer_keys
from contactcenter.interactions import erasing as hall_erasing
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address
from tests.integration.crm.conftest import Office, a_policy, policy_body
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_identify import came_in
from tests.integration.crm.test_quotes import quote_body
from tests.integration.crm.test_workflows import a_workflow, begun, drive, seen

MARKS = ("Zenobia", "Quisquilla", "zen@correo.example", "12345678Z", "+34600550010", "1234BCD")


async def marked(conn: db.Connection) -> dict[str, set[str]]:
    """Table → the marks that any of its rows shows."""
    found = {}
    for (table,) in await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows = await conn.fetch(f'SELECT t::text FROM "{table}" t')
        text = "\n".join(row[0] for row in rows).casefold()
        if hits := {mark for mark in MARKS if mark.casefold() in text}:
            found[table] = hits
    return found


async def test_a_closed_file_is_erased_everywhere_after_six_years(
    office: Office, conn: db.Connection
) -> None:
    office.deps.work.keep_journal(AuditJournal(office.deps.vault))
    zen = {"first_name": "Zenobia", "last_name": "Quisquilla"}
    ana = (
        await office.person(
            "elena", **zen, email="zen@correo.example", dni="12345678Z",
            addresses=[{"label": "Zenobia", "address_line1": "Calle Mar 1"}],
        )
    )["customer_id"]  # fmt: skip
    twin = (await office.person("elena", **zen, mobile="600550010", notes="Zenobia"))["customer_id"]
    merge = await office.do("elena", "POST", f"/customers/{ana}/merge", {"loser_id": twin})
    policy = await office.do(
        "elena", "POST", "/policies",
        policy_body(
            ana, notes="Zenobia", parties=[{"role": "driver", "name": "Zenobia"}],
            coverage_start_date="2027-01-01",
        ),
    )  # fmt: skip
    claim = await office.do(
        "elena", "POST", "/claims", claim_body(policy["policy_id"], description="Zenobia chocó")
    )
    path = f"/claims/{claim['claim_id']}"
    await office.edit("elena", path, {"notes": "Zenobia"})
    offer = {"carrier": "aldaba", "premium": {"amount": "1.00"}, "coverage": "para Zenobia",
             "link": "https://x.example/zenobia"}  # fmt: skip
    quote = await office.do(
        "elena", "POST", "/quotes",
        quote_body(ana, notes="Zenobia pide", carrier_quotes=[offer],
                   discounts=[{"type": "x", "rate": "0.1", "description": "Zenobia"}]),
    )  # fmt: skip
    _, call = await came_in(office, Address("phone", "+34600550010"))
    async with office.deps.work.begin("test.said", "test") as work:
        thread = await work.conn.fetchval(
            "UPDATE interactions SET routing_facts = '{\"said\": \"Zenobia\"}' WHERE id = $1"
            " RETURNING conversation_id", call,
        )  # fmt: skip
        await hall.add_message(
            work, conversation_id=thread, interaction_id=call, sender="visitor", body="Zenobia",
        )  # fmt: skip
    noted = {"customer_id": ana, "subject": "Zenobia vino", "note": "Zenobia"}
    await office.do("elena", "POST", "/interactions", noted)
    await office.listen("crm.letters", "crm.identify")
    wait = [{"type": "wait_duration", "config": {"seconds": 3600}}]
    flow = await a_workflow(office, wait)
    run = await begun(
        office, flow, who="elena", policy_id=policy["policy_id"], data={"who": "Zenobia"}
    )
    await drive(office, run)
    # What another has written of her, where she had a part.
    other = (await office.person("elena", first_name="Luis"))["customer_id"]
    lent = await office.do(
        "elena", "POST", "/policies",
        policy_body(other, vehicle_plate="4321XYZ", notes="Conduce zenobia QUISQUILLA (600550010).",
                    parties=[{"role": "driver", "customer_id": ana}]),
    )  # fmt: skip
    await office.edit(
        "elena",
        f"/policies/{lent['policy_id']}",
        {"premium_amount": {"amount": "410.00"}, "reason": "Zenobia Quisquilla conduce"},
    )
    driven = claim_body(lent["policy_id"], description="Conducía Zenobia Quisquilla, 12345678Z.")
    lents = await office.do("elena", "POST", "/claims", driven)
    await office.do(
        "elena",
        "POST",
        f"/claims/{lents['claim_id']}/notes",
        {"note": "Avisar a zen@correo.example"},
    )
    await office.do(
        "elena", "POST", "/tasks",
        {"title": "Llamar a Zenobia Quisquilla", "claim_id": lents["claim_id"]},
    )  # fmt: skip
    task = await office.do(
        "elena", "POST", "/tasks", {"title": "Llamar a Zenobia", "customer_id": ana}
    )
    before = await marked(conn)
    assert before.keys() >= {
        "customers", "customer_ways", "customer_addresses", "customer_merges", "policies",
        "policy_versions", "policy_roles", "claims", "quotes", "tasks", "customer_letters",
        "claim_events", "contacts", "contact_addresses", "conversations", "interactions",
        "messages", "workflow_executions",
    }  # fmt: skip
    delete = ("elena", "DELETE", f"/customers/{ana}")
    refused = await office.ask(*delete, **{"If-Match": "*"})
    assert (refused.status, refused.body["ctx"]["open"]) == (
        409, {"policies": 1, "claims": 1, "interactions": 1},
    )  # fmt: skip

    # What is open ends; the contract still keeps the data.
    await conn.execute(
        "UPDATE claims SET status = 'denied', denial_reason = 'Zenobia', resolved_at = $1"
        " WHERE customer_id = $2",
        office.clock.now(), UUID(ana),
    )  # fmt: skip
    await conn.execute("UPDATE policies SET status = 'expired'")
    await conn.execute(
        "UPDATE interactions SET state = 'closed', close_reason = 'completed', closed_at = $1",
        office.clock.now(),
    )
    assert (await office.ask(*delete, **{"If-Match": "*"})).status == 204
    kept = await office.do("elena", "GET", f"/customers/{ana}")
    assert (kept["status"], kept["first_name"]) == ("deleted", "Zenobia")
    assert await office.events("customer.erased") == []
    ended = await office.events("task.cancelled", "quote.expired", "workflow.cancelled")
    assert {each.event.name for each in ended} == {
        "task.cancelled", "quote.expired", "workflow.cancelled",
    }  # fmt: skip
    assert (await drive(office, run))["status"] == "cancelled"
    assert (await office.do("elena", "GET", f"/tasks/{task['task_id']}"))["status"] == "cancelled"
    assert (await office.do("elena", "GET", f"/quotes/{quote['quote_id']}"))["status"] == "expired"
    await office.crm.customers.erase_due()
    assert await office.events("customer.erased") == []

    office.clock.set(datetime(2034, 1, 2, tzinfo=UTC))
    for _ in "ab":
        await office.crm.customers.erase_due()
    erased = await office.events("customer.erased")
    gone = [each.event.customer_id for each in erased if isinstance(each.event, CustomerErased)]
    assert sorted(map(str, gone)) == sorted([ana, twin])
    assert await marked(conn) == {}
    shown = await office.do("elena", "GET", f"/policies/{lent['policy_id']}")
    assert shown["notes"] == "Conduce — (—)."
    assert (await office.do("elena", "GET", f"/claims/{lents['claim_id']}"))["description"] == (
        "Conducía —, —."
    )
    assert (await seen(office, run))["trigger_data"] == {
        "policy_id": policy["policy_id"], "customer_id": ana,
    }  # fmt: skip
    offers = (await office.do("elena", "GET", f"/quotes/{quote['quote_id']}"))["carrier_quotes"]
    assert offers == [{**offer, "premium": {"amount": "1.00", "currency": "EUR"}, "coverage": "",
                       "link": None}]  # fmt: skip
    undo = await office.ask("elena", "POST", f"/customer-merges/{merge['merge_id']}/undo", {})
    assert undo.status == 409

    # Without its key nobody reads what the audit log holds of them.
    keys = "SELECT count(*) FROM person_keys WHERE person = ANY ($1::uuid[])"
    assert await conn.fetchval(keys, gone) == 2
    listener = customer_keys()
    for each in erased * 2:
        async with office.deps.work.begin("test.listen", "listener") as work:
            await listener.handle(work, each)
    assert await conn.fetchval(keys, gone) == 0
    told = await office.events("person.erased")
    assert {each.event.subject for each in told} == set(map(str, gone))
    assert len(told) == 2
    # Nor what it holds of a contact who is them.
    contact = new_id()
    await conn.execute(
        "INSERT INTO contacts (id, customer_id, created_at) VALUES ($1, $2, now())",
        contact,
        gone[0],
    )
    await conn.execute(
        "INSERT INTO person_keys (person, sealed, created_at) VALUES ($1, 'x', now())", contact
    )
    async with office.deps.work.begin("test.listen", "listener") as work:
        await listener.handle(work, erased[0])
    assert await conn.fetchval(keys, [contact]) == 0
    with pytest.raises(db.DatabaseError, match="only ever added to"):
        await conn.execute("UPDATE policy_versions SET reason = ''")


async def test_only_a_whole_name_is_struck(office: Office, conn: db.Connection) -> None:
    firm = await office.person("elena", kind="company", company_name="Hogar", mobile="600550010")
    lent = await a_policy(
        office,
        "elena",
        notes="Hogar, no Hogares ni SuperHogar; ¿y «HOGAR»? Tel. 34600550010, 600550010.",
        parties=[{"role": "driver", "customer_id": firm["customer_id"]}],
    )
    await conn.execute(
        "UPDATE customers SET status = 'deleted' WHERE id = $1", UUID(firm["customer_id"])
    )
    await office.crm.customers.erase_due()
    shown = await office.do("elena", "GET", f"/policies/{lent['policy_id']}")
    assert shown["notes"] == "—, no Hogares ni SuperHogar; ¿y «—»? Tel. 34—, —."


async def test_a_file_that_cannot_be_erased_holds_up_no_other(
    office: Office, conn: db.Connection
) -> None:
    names = ("Ana", "Bea", "Clara")
    files = [(await office.person("elena", first_name=name))["customer_id"] for name in names]
    await conn.execute("UPDATE customers SET status = 'deleted'")
    await conn.execute(
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        "CREATE TRIGGER fails BEFORE UPDATE ON customers FOR EACH ROW"
        " WHEN (OLD.first_name = 'Ana') EXECUTE FUNCTION fails()"
    )
    with pytest.raises(ExceptionGroup, match="Not everything"):
        await office.crm.customers.erase_due()
    left = "SELECT id::text FROM customers WHERE erased_at IS NULL"
    assert await conn.fetchval(left) == files[0]
    await conn.execute("DROP TRIGGER fails ON customers; DROP FUNCTION fails")
    await office.crm.customers.erase_due()
    assert await conn.fetchval(left) is None


@pytest.mark.parametrize(
    "statement",
    [
        hall_erasing.ERASE_MESSAGES,
        hall_erasing.ERASE_SUBJECTS,
        hall_erasing.ERASE_INTERACTIONS,
        hall_erasing.ERASE_ADDRESSES,
        hall_erasing.ERASE_CONTACTS,
    ],
)
async def test_what_a_customer_said_is_found_by_an_index(
    statement: str, conn: db.Connection
) -> None:
    async with conn.transaction():
        await conn.execute("SET LOCAL enable_seqscan = off")
        plan = await conn.fetch(f"EXPLAIN {statement}", [new_id()])
    lines = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in lines
    assert "Disabled" not in lines
