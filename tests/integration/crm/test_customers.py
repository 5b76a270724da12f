from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

import db
from contactcenter.core.ids import new_id
from crm.customers import service as customers_service
from crm.customers import store
from crm.sql import lock_section
from tests.integration.crm.conftest import Office, a_policy, agent_of, receipt_body
from tests.integration.crm.test_terms_ahead import WAITING

TAKE_JOBS = "DELETE FROM pgqueuer WHERE entrypoint = 'customers.resegment' RETURNING payload"


async def test_a_customers_life(office: Office) -> None:
    made = await office.ask(
        "lucia",
        "POST",
        "/customers",
        {
            "first_name": "Ana",
            "last_name": "Beltrán Sanz",
            "dni": "12345678-z",
            "mobile": "600 550 010",
            "email": "Ana@Correo.example",
            "iban": "ES91 2100 0418 4502 0005 1332",
            "ways": [{"kind": "phone", "address": "976 12 34 56", "label": "work"}],
            "addresses": [{"label": "beach", "address_line1": "Calle Mar 1"}],
            "tags": ["vip"],
        },
    )
    assert made.status == 201, made.body
    card, path = made.body, f"/customers/{made.body['customer_id']}"
    assert made.etag == '"1"'
    assert (card["dni"], card["mobile"], card["iban"]) == (
        "12345678Z", "+34600550010", "ES9121000418450200051332",
    )  # fmt: skip
    assert card["ways"] == [{"kind": "phone", "address": "+34976123456", "label": "work"}]
    assert card["addresses"][0]["address_line1"] == "Calle Mar 1"
    assert card["portfolio_manager_id"] == str(agent_of(office, "lucia"))
    assert (card["segment"], card["masked"], card["writable"]) == ("lead", False, True)

    again = await office.ask("lucia", "GET", path, **{"If-None-Match": '"1"'})
    assert again.status == 304
    changed = await office.edit("marcos", path, {"notes": "Llamar por la tarde.", "phone": None})
    assert changed["version"] == 2
    assert (await office.ask("lucia", "PATCH", path, {"notes": "x"})).status == 428
    stale = await office.ask("lucia", "PATCH", path, {"notes": "x"}, **{"If-Match": '"1"'})
    assert stale.status == 412
    nothing = await office.ask("lucia", "PUT", path, {"tags": ["vip"]}, **{"If-Match": '"2"'})
    assert (nothing.status, nothing.etag) == (200, '"2"')

    assert (await office.ask("lucia", "DELETE", path, **{"If-Match": '"2"'})).status == 403
    assert (await office.ask("elena", "DELETE", path, **{"If-Match": '"2"'})).status == 204
    gone = await office.do("elena", "GET", path)
    assert (gone["status"], gone["name"], gone["dni"], gone["ways"]) == ("deleted", "", None, [])
    names = [each.event.name for each in await office.events()]
    assert names == [
        "customer.created", "customer.segmented", "customer.updated", "customer.deleted",
        "customer.erased",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "where", "kind"),
    [
        ({"dni": "12345678A"}, "dni", "bad_dni"),
        ({"iban": "ES00"}, "iban", "bad_iban"),
        ({"tax_id": "B1"}, "tax_id", "bad_tax_id"),
        ({"phone": "hola"}, "phone", "bad_phone"),
        ({"email": "a@b"}, "email", "string_pattern_mismatch"),
        ({"last_name": ""}, None, "name_missing"),
        ({"kind": "company"}, None, "name_missing"),
        ({"birth_date": "0001-01-01"}, "birth_date", "date_out_of_range"),
        ({"portfolio_manager_id": str(new_id())}, "portfolio_manager_id", "unknown_agent"),
        ({"household_id": str(new_id())}, "household_id", "unknown_household"),
        ({"notes": "a\x1b[1m"}, "notes", "control_characters"),
        ({"colour": "red"}, "body", "extra_forbidden"),
        ({"ways": [{"kind": "email", "address": "x"}]}, "ways", "bad_email"),
    ],
)
async def test_bad_input_says_what_and_where(
    office: Office, fields: dict[str, Any], where: str | None, kind: str
) -> None:
    body = {"first_name": "Ana", "last_name": "Beltrán", **fields}
    answer = await office.ask("lucia", "POST", "/customers", body)
    assert answer.status == 422, answer.body
    error = answer.body["errors"][0]
    assert error["type"] == kind
    if where not in {None, "body"}:
        assert error["loc"][0] == where
    assert await office.events() == []


async def test_duplicates_are_offered_and_documents_refused(office: Office) -> None:
    first = await office.person(dni="12345678Z", mobile="600550010", email="a@b.example")
    same = {"first_name": "ANA", "last_name": "Beltran Sanz", "mobile": "+34 600 55 00 10"}
    answer = await office.ask("pablo", "POST", "/customers", same)
    assert answer.status == 409
    assert answer.body["ctx"]["duplicates"] == [
        {"customer_id": first["customer_id"], "score": 75, "by": ["name", "contact"]}
    ]
    second = await office.do("pablo", "POST", "/customers", {**same, "confirm": True})
    offered = await office.do("elena", "GET", f"/customers/{second['customer_id']}/duplicates")
    assert [each["customer"]["customer_id"] for each in offered["items"]] == [first["customer_id"]]
    for field, value in (("dni", "12345678Z"), ("email", "A@B.example")):
        taken = await office.ask(
            "pablo", "POST", "/customers",
            {"first_name": "Otro", "last_name": "Otro", field: value, "confirm": True},
        )  # fmt: skip
        assert (taken.status, taken.body["ctx"]["field"]) == (409, field)


@pytest.mark.parametrize(
    "query", ["beltr", "ANA SANZ", "sanz beltrán", "12345678", "600 55 00", "ana@", "be"]
)
async def test_search(office: Office, query: str) -> None:
    ana = await office.person(dni="12345678Z", mobile="600550010", email="ana@correo.example")
    await office.person(first_name="Óscar", last_name="Lafuente", mobile="600660011")
    found = await office.do("pablo", "GET", f"/customers/search?q={query}")
    assert [each["customer_id"] for each in found["items"]] == [ana["customer_id"]]


async def many(conn: db.Connection, name: str, family: str, count: int) -> None:
    """So many more of one name, of whom nothing else is known."""
    await conn.execute(
        """
        INSERT INTO customers (id, first_name, last_name, sort_key, search_text, created_at,
                               updated_at)
        SELECT gen_random_uuid(), $1, $2, lower($2 || ' ' || $1), lower($1 || ' ' || $2), now(),
               now() FROM generate_series(1, $3::int)
        """,
        name, family, count,
    )  # fmt: skip


async def test_whole_words_are_found_before_parts(office: Office, conn: db.Connection) -> None:
    await many(conn, "Mariana", "Gilabert", 230)
    await many(conn, "Anabel", "Gilart", 1)
    ana = await office.person(first_name="Ana", last_name="Gil")
    found = await office.do("pablo", "GET", "/customers/search?q=ana+gil")
    assert [each["name"] for each in found["items"][:3]] == [
        "Ana Gil", "Anabel Gilart", "Mariana Gilabert",
    ]  # fmt: skip
    assert (found["items"][0]["customer_id"], found["more"]) == (ana["customer_id"], True)


async def test_names_that_begin_so_are_found_first(office: Office) -> None:
    for first, family in (
        ("Ana", "Regil"), ("Aurora", "Abad Gilart"), ("Eva", "Gilart"), ("Zoe", "Abad Gil"),
        ("Íñigo", "Gil"), ("Ana", "Gil Peña"),
    ):  # fmt: skip
        await office.person(first_name=first, last_name=family)

    async def names(query: str) -> list[str]:
        found = await office.do("pablo", "GET", f"/customers/search?q={query}&limit=50")
        assert not found["more"]
        return [each["name"] for each in found["items"]]

    wanted = ["Íñigo Gil", "Ana Gil Peña", "Zoe Abad Gil", "Eva Gilart", "Aurora Abad Gilart",
              "Ana Regil"]  # fmt: skip
    assert await names("gil") == wanted
    found = await office.do("pablo", "GET", "/customers/search?q=GIL&limit=4")
    assert ([each["name"] for each in found["items"]], found["more"]) == (wanted[:4], True)
    assert await names("gil peña") == await names("pena gil") == ["Ana Gil Peña"]
    assert await names("gil pe") == await names("GIL PEÑ") == ["Ana Gil Peña"]


async def test_customers_find_themselves_among_many_of_their_name(
    office: Office, conn: db.Connection
) -> None:
    await many(conn, "Ana", "Gil", 230)
    ana = await office.person(first_name="Ana", last_name="Gil")
    await conn.execute(
        "UPDATE customers SET user_id = $2 WHERE id = $1",
        ana["customer_id"], office.people["ines"].user_id,
    )  # fmt: skip
    for query, wanted in (("gil", [ana["customer_id"]]), ("sanz", [])):
        found = await office.do("ines", "GET", f"/customers/search?q={query}")
        assert ([each["customer_id"] for each in found["items"]], found["more"]) == (wanted, False)


async def test_a_likely_one_is_found_among_many_of_a_name(
    office: Office, conn: db.Connection
) -> None:
    await many(conn, "Ana", "Gil", 120)
    born = await office.person(first_name="Ana", last_name="Gil", birth_date="1980-02-03")
    near = await office.person(first_name="Ana", last_name="Gil", postal_code="50001")
    await many(conn, "Ana", "Gil", 120)
    await office.do("pablo", "POST", "/customers", {"first_name": "A", "last_name": "B"})
    new = {"first_name": "Ana", "last_name": "Gil", "birth_date": "1980-02-03"}
    answer = await office.ask("pablo", "POST", "/customers", {**new, "postal_code": "50001"})
    assert [(each["customer_id"], each["score"]) for each in answer.body["ctx"]["duplicates"]] == [
        (born["customer_id"], 70),
        (near["customer_id"], 55),
    ]


async def test_the_list_is_paged_and_filtered(office: Office) -> None:
    made = [
        (await office.person(last_name=f"Número {n}", tags=["x"] if n % 2 else []))["customer_id"]
        for n in range(5)
    ]
    seen: list[str] = []
    path = "/customers?limit=2"
    while True:
        page = await office.do("lucia", "GET", path)
        seen += [each["customer_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/customers?limit=2&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    tagged = await office.do("lucia", "GET", "/customers?tag=x")
    assert len(tagged["items"]) == 2
    assert (await office.ask("lucia", "GET", "/customers?cursor=zz")).status == 422


async def test_who_may_write_and_who_sees(office: Office, conn: db.Connection) -> None:
    path = f"/customers/{(await office.person(dni='12345678Z'))['customer_id']}"
    customer_id = path.rpartition("/")[2]
    assert (await office.do("marcos", "GET", path))["writable"]
    seen = await office.do("pablo", "GET", path)
    assert (seen["writable"], seen["masked"], seen["dni"]) == (False, True, "•••78Z")
    refused = await office.ask("pablo", "PATCH", path, {"notes": "x"}, **{"If-Match": '"1"'})
    assert (refused.status, refused.body["ctx"]["reason"]) == (403, "portfolio")
    assert (await office.ask("ines", "GET", path)).status == 404
    assert (await office.do("ines", "GET", "/customers"))["items"] == []
    assert (await office.do("ines", "GET", "/customers/search?q=beltran"))["items"] == []
    assert (await office.ask("ines", "POST", "/customers", {})).status == 403
    await conn.execute(
        "UPDATE customers SET user_id = $2 WHERE id = $1",
        customer_id, office.people["ines"].user_id,
    )  # fmt: skip
    own = await office.do("ines", "GET", path)
    assert (own["dni"], own["writable"]) == ("12345678Z", False)
    # While a conversation with the customer is open with him, Pablo writes too.
    contact, thread, interaction = new_id(), new_id(), new_id()
    await conn.execute("INSERT INTO contacts (id, created_at) VALUES ($1, now())", contact)
    await conn.execute(
        "INSERT INTO conversations (id, contact_id, channel, created_at)"
        " VALUES ($1, $2, 'chat', now())", thread, contact,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO interactions (id, conversation_id, contact_id, customer_id, channel, state,"
        " created_at) VALUES ($1, $2, $3, $4, 'chat', 'active', now())",
        interaction, thread, contact, customer_id,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO segments (id, interaction_id, agent_id, channel, queue, state, cost,"
        " full_cost, started_at, state_since)"
        " VALUES ($1, $2, $3, 'chat', 'CO', 'active', 30, 30, now(), now())",
        new_id(), interaction, agent_of(office, "pablo"),
    )  # fmt: skip
    assert (await office.edit("pablo", path, {"notes": "x"}))["notes"] == "x"
    timeline = await office.do("lucia", "GET", f"{path}/timeline")
    assert [(each["kind"], each["channel"]) for each in timeline["items"]] == [
        ("interaction", "chat")
    ]
    moved = await office.ask(
        "pablo", "PATCH", path, {"portfolio_manager_id": str(agent_of(office, "pablo"))},
        **{"If-Match": '"2"'},
    )  # fmt: skip
    assert moved.status == 403


async def test_a_merge_and_back(office: Office, conn: db.Connection) -> None:
    winner = (await office.person(mobile="600550010"))["customer_id"]
    loser = (await office.person(first_name="Anita", email="ana@correo.example"))["customer_id"]
    contact = new_id()
    await conn.execute(
        "INSERT INTO contacts (id, customer_id, created_at) VALUES ($1, $2, now())", contact, loser
    )
    done = await office.do("lucia", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    assert done["moved"] == {"contacts": 1, "ways": 1, "fields": 1}
    tomb = await office.do("lucia", "GET", f"/customers/{loser}")
    assert (tomb["status"], tomb["merged_into"]) == ("merged", winner)
    assert tomb["merge_id"] == done["merge_id"]
    assert (await office.do("pablo", "GET", f"/customers/{loser}"))["merge_id"] is None
    found = await office.do("lucia", "GET", "/customers/search?q=anita")
    assert found["items"] == []
    update = await office.ask(
        "lucia", "PATCH", f"/customers/{loser}", {"notes": "x"}, **{"If-Match": '"2"'}
    )
    assert (update.status, update.body["ctx"]["merged_into"]) == (409, winner)
    again = await office.ask("lucia", "POST", f"/customers/{winner}/merge", {"loser_id": loser})
    assert again.status == 409
    undo = f"/customer-merges/{done['merge_id']}/undo"
    await office.do("lucia", "POST", undo, {})
    back = await office.do("lucia", "GET", f"/customers/{loser}")
    assert (back["status"], back["email"]) == ("active", "ana@correo.example")
    assert back["merge_id"] is None
    assert (
        str(await conn.fetchval("SELECT customer_id FROM contacts WHERE id = $1", contact)) == loser
    )
    ways = await conn.fetch("SELECT address FROM customer_ways WHERE customer_id = $1", winner)
    assert [row["address"] for row in ways] == ["+34600550010"]
    assert (await office.ask("lucia", "POST", undo, {})).status == 409
    told = await office.events("customer.merged", "customer.unmerged")
    assert [each.event.name for each in told] == ["customer.merged", "customer.unmerged"]


async def test_merges_and_updates_at_once_lose_nothing(office: Office, conn: db.Connection) -> None:
    for _ in range(5):
        one = (await office.person())["customer_id"]
        two = (await office.person())["customer_id"]
        answers = await asyncio.gather(
            office.ask("lucia", "POST", f"/customers/{one}/merge", {"loser_id": two}),
            office.ask("lucia", "POST", f"/customers/{two}/merge", {"loser_id": one}),
            office.ask("lucia", "PATCH", f"/customers/{two}", {"notes": "n"}, **{"If-Match": "*"}),
        )
        assert sorted(answer.status for answer in answers[:2]) == [200, 409]
        assert answers[2].status in {200, 409}
        merged = await conn.fetchval(
            "SELECT count(*) FROM customers WHERE status = 'merged' AND id = ANY ($1::uuid[])",
            [one, two],
        )
        assert merged == 1


async def test_a_creation_sent_twice_is_one(office: Office) -> None:
    body = {"first_name": "Ana", "last_name": "Beltrán"}
    key = {"Idempotency-Key": "one"}
    first, second = [await office.do("lucia", "POST", "/customers", body, **key) for _ in "ab"]
    assert first == second
    assert len(await office.events("customer.created")) == 1


async def test_households_and_rules(office: Office) -> None:
    ana, luis = [(await office.person(first_name=n))["customer_id"] for n in ("Ana", "Luis")]
    made = await office.do(
        "lucia", "POST", "/households", {"name": "Beltrán", "members": [ana, luis]}
    )
    assert {each["customer_id"] for each in made["members"]} == {ana, luis}
    rules = await office.do("pablo", "GET", "/segment-rules")
    assert rules["items"][0]["segment"] == "fleet"
    same = {"items": rules["items"]}
    assert (await office.ask("pablo", "PUT", "/segment-rules", same)).status == 403
    bad = {"items": [{"segment": "odd", "conditions": {"shoe": {"min": 1}}}]}
    assert (await office.ask("elena", "PUT", "/segment-rules", bad)).status == 422
    one = {"items": [{"segment": "all", "conditions": {}}]}
    read = {"If-Match": f'"{rules["version"]}"'}
    assert (await office.do("elena", "PUT", "/segment-rules", one, **read))["items"] == one["items"]
    assert (await office.ask("elena", "PUT", "/segment-rules", one, **read)).status == 412
    assert (await office.do("lucia", "POST", f"/customers/{ana}/segment"))["segment"] == "all"


async def test_figures_of_somebody_new(office: Office) -> None:
    customer_id = (await office.person())["customer_id"]
    stats = await office.do("lucia", "GET", f"/customers/{customer_id}/stats")
    assert (stats["policies"], stats["lifetime_value"]["amount"]) == (0, "0.00")
    office.clock.set(office.clock.now() + timedelta(days=1))
    assert (await office.ask("lucia", "GET", f"/customers/{new_id()}/stats")).status == 404


async def test_segments_follow_new_rules_and_the_days(
    office: Office, conn: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers_service, "SEGMENT_BATCH", 2)
    people = [(await office.person())["customer_id"] for _ in range(5)]
    policy = await a_policy(office, customer_id=people[4])
    later = receipt_body(due_on="2027-03-20")
    await office.do("lucia", "POST", f"/policies/{policy['policy_id']}/receipts", later)

    async def run() -> int:
        """What was queued, to its end; how many jobs it took."""
        count = 0
        while rows := await conn.fetch(TAKE_JOBS):
            for row in rows:
                await office.crm.customers.resegment_some(orjson.loads(row["payload"]))
                count += 1
        return count

    async def segments() -> list[str]:
        return [(await office.do("elena", "GET", f"/customers/{p}"))["segment"] for p in people]

    rules = [
        {"segment": "debtor", "conditions": {"unpaid_receipts": {"min": 1}}},
        {"segment": "anybody", "conditions": {}},
    ]
    await office.do("elena", "PUT", "/segment-rules", {"items": rules}, **{"If-Match": "*"})
    assert await run() == 3  # five in twos
    assert await segments() == ["anybody"] * 5
    office.clock.set(datetime(2027, 3, 21, 3, 17, tzinfo=UTC))
    (nightly,) = [s for s in office.crm.module.schedules if s.name == "customers.resegment"]
    await nightly.handle()
    assert await run() == 3
    assert await segments() == ["anybody"] * 4 + ["debtor"]


async def test_letters_and_receipts_are_in_the_timeline(
    office: Office, conn: db.Connection
) -> None:
    policy = await a_policy(office)
    ana = policy["customer_id"]
    receipt = await office.do(
        "lucia", "POST", f"/policies/{policy['policy_id']}/receipts", receipt_body()
    )
    for state, sent in (("sent", office.clock.now()), ("draft", None)):
        await conn.execute(
            "INSERT INTO customer_letters"
            " (id, customer_id, kind, subject, body, state, cause, created_at, sent_at)"
            " VALUES ($1, $2, 'quote', $3, 'x', $3, $3, now(), $4)",
            new_id(), UUID(ana), state, sent,
        )  # fmt: skip
    path = f"/customers/{ana}/timeline"
    items = (await office.do("lucia", "GET", path))["items"]
    shown = {each["kind"]: (each["subject"], each["status"]) for each in items}
    assert shown["letter"] == ("sent", "sent")
    assert shown["receipt"] == (receipt["number"], "issued")
    mails = (await office.do("lucia", "GET", f"{path}?channel=email"))["items"]
    assert [each["kind"] for each in mails] == ["letter"]


async def test_segment_rules_that_are_replaced_at_once_are_replaced_one_after_the_other(
    office: Office, conn: db.Connection
) -> None:
    mine = {"items": [{"segment": "vip", "conditions": {"annual_premium": {"min": "5000"}}}]}
    async with asyncio.TaskGroup() as asking, conn.transaction():
        await lock_section(conn, "segment_rules")
        await store.put_rules(conn, [("vip", {"annual_premium": {"min": "4000"}})])
        put = office.ask("elena", "PUT", "/segment-rules", mine, **{"If-Match": "*"})
        asked = asking.create_task(put)
        async with asyncio.timeout(10):
            while not await conn.fetchval(WAITING):
                await asyncio.sleep(0.005)
                await conn.execute("SELECT pg_stat_clear_snapshot()")
    assert asked.result().status == 200
    assert (await office.do("pablo", "GET", "/segment-rules"))["items"] == mine["items"]
