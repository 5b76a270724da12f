"""Two files of one customer: everything of one comes over, is found there, and goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import db
from contactcenter.core.ids import new_id
from crm.customers.files import identify
from tests.integration.crm.conftest import Office, a_policy
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_quotes import quote_body
from tests.integration.crm.test_workflows import a_workflow, begun, drive, seen

TABLES: Final = (
    "policies", "policy_roles", "claims", "quotes", "tasks", "interactions", "contacts",
    "customer_letters", "identity_checks",
)  # fmt: skip
WAITS: Final[list[dict[str, Any]]] = [
    {"type": "wait_duration", "config": {"seconds": 3600}},
    {"type": "update_record", "config": {"field": "add_tag", "value": "renewed"}},
]
INSERT_INTERACTION = """
WITH c AS (INSERT INTO contacts (id, customer_id, created_at) VALUES ($1, $4, now())),
     t AS (INSERT INTO conversations (id, contact_id, channel, created_at)
           VALUES ($2, $1, 'chat', now()))
INSERT INTO interactions (id, conversation_id, contact_id, customer_id, channel, state, created_at)
VALUES ($3, $2, $1, $4, 'chat', 'active', now())
"""
INSERT_LETTER = """
INSERT INTO customer_letters (id, customer_id, kind, subject, body, state, cause, created_at)
VALUES ($1, $2, 'quote', 'Hola', 'Hola', 'draft', 'test', now())
"""
INSERT_CHECK = """
INSERT INTO identity_checks (id, interaction_id, customer_id, asked, passed, level, checked_by, at)
SELECT $1, i.id, i.customer_id, '{document,birth_date}', '{document,birth_date}', 2, 'test', now()
FROM interactions i WHERE i.customer_id = $2
"""
LOSER: Final[dict[str, Any]] = {
    "first_name": "Anita", "dni": "12345678Z", "mobile": "600550077",
    "email": "anita@correo.example",
    "addresses": [{"label": "beach", "address_line1": "Calle Mar 1", "postal_code": "43840"}],
}  # fmt: skip


async def with_everything(office: Office, conn: db.Connection) -> tuple[str, str, str]:
    """The customer, its waiting run and its policy."""
    loser = (await office.person(**LOSER))["customer_id"]
    policy = (await a_policy(office, customer_id=loser))["policy_id"]
    await office.do("lucia", "POST", "/claims", claim_body(policy))
    await office.do("lucia", "POST", "/quotes", quote_body(loser))
    await office.do("lucia", "POST", "/tasks", {"title": "Llamar", "customer_id": loser})
    await conn.execute(INSERT_INTERACTION, new_id(), new_id(), new_id(), UUID(loser))
    await conn.execute(INSERT_LETTER, new_id(), UUID(loser))
    await conn.execute(INSERT_CHECK, new_id(), UUID(loser))
    await conn.execute(
        "UPDATE customers SET user_id = $2 WHERE id = $1",
        UUID(loser), office.people["ines"].user_id,
    )  # fmt: skip
    run = await begun(office, await a_workflow(office, WAITS), customer_id=loser)
    assert (await drive(office, run))["status"] == "waiting"
    return loser, run, policy


async def owned(conn: db.Connection, customer_id: str) -> dict[str, int]:
    """How many rows of each table are a customer's."""
    counts = {
        table: await conn.fetchval(
            f"SELECT count(*) FROM {table} WHERE customer_id = $1",
            UUID(customer_id),
        )
        for table in TABLES
    }
    return {table: count for table, count in counts.items() if count}


async def found(office: Office, query: str) -> list[str]:
    answer = await office.do("lucia", "GET", f"/customers/search?q={query}")
    return [each["customer_id"] for each in answer["items"]]


async def test_everything_comes_over_and_goes_back(office: Office, conn: db.Connection) -> None:
    winner = (await office.person(mobile="600550010"))["customer_id"]
    loser, run, _ = await with_everything(office, conn)
    everything = dict.fromkeys(TABLES, 1)
    assert await owned(conn, loser) == everything

    done = await office.do("lucia", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    assert done["moved"] == {
        "policies": 1, "policy_roles": 1, "claims": 1, "quotes": 1, "tasks": 1, "interactions": 1,
        "contacts": 1, "letters": 1, "identity_checks": 1, "workflow_runs": 1, "ways": 2,
        "addresses": 1, "user": 1, "fields": 2,
    }  # fmt: skip
    assert await owned(conn, winner) == everything
    assert await owned(conn, loser) == {}
    assert (await seen(office, run))["trigger_data"]["customer_id"] == winner
    card = await office.do("lucia", "GET", f"/customers/{winner}")
    assert [each["label"] for each in card["addresses"]] == ["beach"]
    assert (await office.do("ines", "GET", f"/customers/{winner}"))["customer_id"] == winner

    # Found by what the other was known by, and still after an edit.
    for _ in "ab":
        for query in ("600550077", "12345678Z", "anita@correo.example", "600550010"):
            assert await found(office, query) == [winner], query
        assert await identify(conn, "document", "12345678Z") == [UUID(winner)]
        await office.edit("lucia", f"/customers/{winner}", {"last_name": "Beltrán Sáez"})

    later = (await a_policy(office, customer_id=winner))["policy_id"]
    await office.do("lucia", "POST", f"/customer-merges/{done['merge_id']}/undo", {})
    assert await owned(conn, loser) == everything
    assert await owned(conn, winner) == {"policies": 1, "policy_roles": 1}
    stayed = await conn.fetchval("SELECT customer_id FROM policies WHERE id = $1", UUID(later))
    assert str(stayed) == winner
    assert (await seen(office, run))["trigger_data"]["customer_id"] == loser
    assert (await office.do("lucia", "GET", f"/customers/{winner}"))["addresses"] == []
    card = await office.do("ines", "GET", f"/customers/{loser}")
    assert [each["label"] for each in card["addresses"]] == ["beach"]
    for query in ("600550077", "12345678Z"):
        assert await found(office, query) == [loser]
    assert await found(office, "600550010") == [winner]
    assert await identify(conn, "document", "12345678Z") == [UUID(loser)]


async def test_one_person_is_insured_once(office: Office) -> None:
    """Also by the terms that hold after an endorsement; a share of its own stays beside."""
    winner, loser = [(await office.person(mobile=f"60055001{n}"))["customer_id"] for n in "01"]
    parts: list[dict[str, Any]] = [
        {"role": "insured", "customer_id": loser}, {"role": "insured", "customer_id": winner},
        {"role": "driver", "customer_id": loser},
        {"role": "beneficiary", "customer_id": winner, "share": "60"},
        {"role": "beneficiary", "customer_id": loser, "share": "40"},
    ]  # fmt: skip
    policy = (await a_policy(office, parties=parts))["policy_id"]

    async def who() -> list[tuple[str, str]]:
        card = await office.do("lucia", "GET", f"/policies/{policy}")
        return [(each["role"], each["customer_id"]) for each in card["parties"][1:]]

    before = await who()
    assert before == [(each["role"], each["customer_id"]) for each in parts]
    merge = await office.do("elena", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    assert (merge["moved"]["policy_roles"], merge["moved"]["dropped_roles"]) == (2, 1)
    once = [(role, winner) for role in ("insured", "driver", "beneficiary", "beneficiary")]
    assert await who() == once
    plate = {"vehicle_plate": "5678 FGH", "effective_date": "2027-03-01", "reason": "Suplemento"}
    await office.edit("lucia", f"/policies/{policy}", plate)
    assert await who() == once
    await office.do("elena", "POST", f"/customer-merges/{merge['merge_id']}/undo", {})
    assert await who() == before


async def test_a_waiting_run_goes_on_for_the_winner(office: Office, conn: db.Connection) -> None:
    winner = (await office.person(mobile="600550010"))["customer_id"]
    loser, run, _ = await with_everything(office, conn)
    await office.do("lucia", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    office.clock.set(office.clock.now() + timedelta(hours=2))
    done = await drive(office, run)
    assert (done["status"], done["error_message"]) == ("completed", None)
    assert (await office.do("lucia", "GET", f"/customers/{winner}"))["tags"] == ["renewed"]


async def test_a_document_leads_through_a_chain_of_merges(
    office: Office, conn: db.Connection
) -> None:
    first = (await office.person(dni="12345678Z"))["customer_id"]
    second = (await office.person(dni="00000000T"))["customer_id"]
    third = (await office.person())["customer_id"]
    await office.do("lucia", "POST", f"/customers/{second}/merge", {"loser_id": first})
    await office.do("lucia", "POST", f"/customers/{third}/merge", {"loser_id": second})
    for document in ("12345678Z", "00000000T"):
        assert await identify(conn, "document", document) == [UUID(third)]
        assert await found(office, document) == [third]


async def test_what_the_winners_file_does_not_say_is_taken_over(office: Office) -> None:
    winner = (await office.person(birth_date="1980-01-02"))["customer_id"]
    held = {"dni": "12345678Z", "iban": "ES9121000418450200051332", "birth_date": "1990-05-06"}
    loser = (await office.person(**held))["customer_id"]
    merge = await office.do("elena", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    assert merge["moved"]["fields"] == 2
    whole = await office.do("elena", "GET", f"/customers/{winner}")
    assert {name: whole[name] for name in held} == held | {"birth_date": "1980-01-02"}
    other = "ES7921000813610123456789"
    await office.edit("elena", f"/customers/{winner}", {"iban": other})
    await office.do("elena", "POST", f"/customer-merges/{merge['merge_id']}/undo", {})
    back = await office.do("elena", "GET", f"/customers/{winner}")
    assert (back["dni"], back["iban"]) == (None, other)  # what was changed since stays
    again = await office.do("elena", "GET", f"/customers/{loser}")
    assert {name: again[name] for name in held} == held


async def test_the_rest_of_the_file_comes_over_too(office: Office, conn: db.Connection) -> None:
    """Main addresses, tags, notes, household, portfolio; and goes back."""
    sea = {"address_line1": "Calle Mar 1", "postal_code": "43840", "city": "Salou"}
    one, two, three = [
        (await office.person(**fields))["customer_id"]
        for fields in (
            {"notes": "Suya", "tags": ["vip"], "mobile": "600550010"},
            {
                "notes": "Otra", "tags": ["vip", "fleet"], "mobile": "600550077",
                "phone": "976123456", "email": "anita@correo.example", **sea,
            },
            {"address_line1": "Plaza Mayor 2", "postal_code": "50001"},
        )
    ]  # fmt: skip
    home = await office.do("lucia", "POST", "/households", {"name": "Sanz", "members": [two]})
    await conn.execute("UPDATE customers SET portfolio_manager_id = NULL WHERE id = $1", UUID(one))
    kept = (
        "notes", "tags", "mobile", "phone", "email", *sea, "household_id", "portfolio_manager_id",
        "ways", "addresses",
    )  # fmt: skip

    async def card(customer: str) -> dict[str, Any]:
        whole = await office.do("elena", "GET", f"/customers/{customer}")
        return {name: whole[name] for name in kept}

    before = [await card(each) for each in (one, two, three)]
    first = await office.do("elena", "POST", f"/customers/{one}/merge", {"loser_id": two})
    assert await card(one) == {
        **before[1], "notes": "Suya\n\nOtra", "mobile": "+34600550010",
        "household_id": home["household_id"],
        "ways": [{"kind": "phone", "address": "+34600550077", "label": "mobile"}],
    }  # fmt: skip
    second = await office.do("elena", "POST", f"/customers/{three}/merge", {"loser_id": one})
    merged = await card(three)
    assert (merged["address_line1"], merged["notes"]) == ("Plaza Mayor 2", "Suya\n\nOtra")
    assert [each["address_line1"] for each in merged["addresses"]] == ["Calle Mar 1"]
    # Each is undone from the file that it ended, the last one first.
    ended = [await office.do("elena", "GET", f"/customers/{each}") for each in (two, one)]
    assert [each["merge_id"] for each in ended] == [None, second["merge_id"]]
    for merge in (second, first):
        await office.do("elena", "POST", f"/customer-merges/{merge['merge_id']}/undo", {})
    assert [await card(each) for each in (one, two, three)] == before
