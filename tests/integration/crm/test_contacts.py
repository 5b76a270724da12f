"""The identity gate, whose an interaction is, and those noted by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import db
from contactcenter.core.ids import new_id
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address
from contactcenter.interactions.reading import InteractionService
from contactcenter.interactions.schemas import InteractionQuery
from crm.access import Veil
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_identify import came_in, customer_of

PART = (
    "INSERT INTO segments (id, interaction_id, agent_id, channel, queue, state, cost,"
    " full_cost, started_at, state_since)"
    " VALUES ($1, $2, $3, 'whatsapp', 'CO', 'active', 30, 30, now(), now())"
)


async def talks(office: Office, conn: db.Connection, who: str, number: str) -> UUID:
    """An interaction with this number that an agent has."""
    _, interaction = await came_in(office, Address("phone", number))
    await office.listen("crm.identify")
    await conn.execute(PART, new_id(), interaction, agent_of(office, who))
    return interaction


async def test_two_of_three_open_the_gate(office: Office, conn: db.Connection) -> None:
    ana = await office.person(
        mobile="600550010",
        dni="12345678Z",
        birth_date="1980-05-01",
        iban="ES9121000418450200051332",
    )
    await a_policy(office, customer_id=ana["customer_id"])
    interaction = await talks(office, conn, "pablo", "+34600550010")
    path, file = f"/interactions/{interaction}/identity", f"/customers/{ana['customer_id']}"
    before = await office.do("pablo", "GET", path)
    assert (before["level"], before["may_tell"]) == (
        "identified", ["general", "take_report", "emergency"]
    )  # fmt: skip
    card = await office.do("pablo", "GET", file)
    assert (card["masked"], card["writable"], card["birth_date"]) == (True, True, None)
    assert card["iban"].startswith("•••")

    one = await office.do("pablo", "POST", path, {"document": "678z"})
    assert (one["level"], one["passed"], one["wrong"]) == ("identified", ["document"], 0)
    wrong = await office.do("pablo", "POST", path, {"birth_date": "1981-05-01"})
    assert (wrong["level"], wrong["wrong"]) == ("identified", 1)
    two = await office.do("pablo", "POST", path, {"policy": "1234 bcd"})
    assert (two["level"], two["passed"]) == ("verified", ["document", "policy"])
    assert two["verified_by"] == str(agent_of(office, "pablo"))
    assert two["verified_at"] is not None
    assert "claims" in two["may_tell"]
    assert (await office.do("pablo", "GET", file))["dni"] == "12345678Z"
    await office.do("pablo", "POST", path, {"birth_date": "1980-05-01"})
    (told,) = await office.events("interaction.verified")
    assert told.event.checks == ("document", "policy")  # type: ignore[attr-defined]
    for body in ({}, {"document": "12345678Z"}, {"document": "67"}):
        assert (await office.ask("pablo", "POST", path, body)).status == 422
    # whoever looks on from elsewhere sees no more than before
    assert (await office.do("marcos", "GET", file))["masked"] is False
    assert (await office.do("sara", "GET", file))["masked"] is True


async def test_the_gate_is_closed_to_the_portfolio_too_while_somebody_is_there(
    office: Office, conn: db.Connection
) -> None:
    ana = await office.person(mobile="600550010", dni="12345678Z")
    file = f"/customers/{ana['customer_id']}"
    assert (await office.do("lucia", "GET", file))["masked"] is False
    await talks(office, conn, "lucia", "+34600550010")
    assert (await office.do("lucia", "GET", file))["masked"] is True
    assert (await office.do("elena", "GET", file))["masked"] is False
    await conn.execute("UPDATE segments SET state = 'ended', ended_at = now()")
    assert (await office.do("lucia", "GET", file))["masked"] is False


async def test_too_many_wrong_answers_lock_it(office: Office, conn: db.Connection) -> None:
    await office.person(mobile="600550010", dni="12345678Z", birth_date="1980-05-01")
    interaction = await talks(office, conn, "pablo", "+34600550010")
    path = f"/interactions/{interaction}/identity"
    for last in ("111A", "222B", "333C", "444D"):
        assert (await office.do("pablo", "POST", path, {"document": last}))["locked"] is False
    assert (await office.do("pablo", "POST", path, {"document": "555E"}))["locked"] is True
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    refused = await office.ask("pablo", "POST", path, right)
    assert (refused.status, refused.body["ctx"]["reason"]) == (409, "locked")
    assert (await office.do("elena", "POST", path, right))["level"] == "verified"


async def test_another_person_has_proved_nothing(office: Office, conn: db.Connection) -> None:
    ana = await office.person(mobile="600550010", dni="12345678Z", birth_date="1980-05-01")
    luis = await office.person(first_name="Luis", dni="87654321X")
    interaction = await talks(office, conn, "pablo", "+34600550010")
    path = f"/interactions/{interaction}/identity"
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("pablo", "POST", path, right)
    link = f"/interactions/{interaction}/customer"
    other = await office.do("pablo", "PUT", link, {"document": "87654321-x"})
    assert (other["customer_id"], other["level"]) == (luis["customer_id"], "identified")
    nobody = await office.do("pablo", "PUT", link, {"customer_id": None})
    assert (nobody["customer_id"], nobody["level"]) == (None, "unknown")
    assert (await office.ask("pablo", "POST", path, right)).status == 409
    back = await office.do("pablo", "PUT", link, {"customer_id": ana["customer_id"]})
    assert back["level"] == "verified"
    for body in ({}, {"document": "99999999R"}, {"document": None}, {"document": "x"}):
        assert (await office.ask("pablo", "PUT", link, body)).status == 422
    assert (await office.ask("sara", "GET", path)).status == 404


async def test_health_is_hidden_behind_the_gate(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    ana = await office.person(mobile="600550010", dni="12345678Z", birth_date="1980-05-01")
    policy = await a_policy(
        office, customer_id=ana["customer_id"], policy_type="health", notes="Diabetes",
        vehicle_plate=None,
    )  # fmt: skip
    claim = await office.do(
        "lucia", "POST", "/claims",
        claim_body(policy["policy_id"], claim_type="treatment", cause="other", description="Una op")
    )  # fmt: skip
    interaction = await talks(office, conn, "pablo", "+34600550010")

    async def seen(who: str) -> tuple[Any, ...]:
        one = await office.do(who, "GET", f"/claims/{claim['claim_id']}")
        other = await office.do(who, "GET", f"/policies/{policy['policy_id']}")
        return one["description"], one["masked"], other["notes"], other["masked"]

    assert await seen("pablo") == ("•••", True, "•••", True)
    assert await seen("lucia") == ("Una op", False, "Diabetes", False)
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("pablo", "POST", f"/interactions/{interaction}/identity", right)
    assert await seen("pablo") == ("Una op", False, "Diabetes", False)


async def test_a_writer_is_known_by_their_document(office: Office, conn: db.Connection) -> None:
    ana = await office.person(dni="12345678Z")
    contact, interaction = await came_in(office, Address("whatsapp", "+34600550099"))
    async with office.deps.work.begin("test.wrote", "test") as work:
        row = await hall.interaction(work.conn, interaction)
        assert row is not None
        for body in ("Buenos días", "soy la del 12.345.678-Z"):
            await hall.add_message(
                work, conversation_id=row.conversation_id, interaction_id=interaction,
                sender="visitor", body=body,
            )  # fmt: skip
    for _ in range(2):
        await office.listen("crm.identify_written")
    assert await customer_of(conn, interaction) == ana["customer_id"]
    linked = await conn.fetchval("SELECT customer_id FROM contacts WHERE id = $1", contact)
    assert linked is None, "a document that is stated proves nothing of the number"
    assert len(await office.events("interaction.linked")) == 1


async def test_an_address_that_becomes_anothers(office: Office, conn: db.Connection) -> None:
    """It tells nobody apart while two have it, and whoever gave it up is not taken for its owner;
    what somebody linked or proved, and what is over, stays."""
    ana = await office.person(
        mobile="600550010", email="ana@correo.example", dni="12345678Z", birth_date="1980-05-01"
    )
    await office.do("lucia", "POST", "/interactions", {"customer_id": ana["customer_id"]})
    number = Address("whatsapp", "+34600550010")
    contact, open_one = await came_in(office, number)
    _, proved = await came_in(office, Address("phone", "+34600550010"))
    _, closed = await came_in(office, number)
    _, by_mail = await came_in(office, Address("email", "ana@correo.example"))
    await office.listen("crm.identify")
    await conn.execute(
        "UPDATE interactions SET state = 'closed', closed_at = now() WHERE id = $1", closed
    )
    await conn.execute(PART, new_id(), proved, agent_of(office, "pablo"))
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("pablo", "POST", f"/interactions/{proved}/identity", right)

    luis = await office.person(first_name="Luis", mobile="600550010")
    for _ in range(2):
        await office.listen("crm.learn")
    assert await customer_of(conn, open_one) is None
    for each in (proved, closed, by_mail):
        assert await customer_of(conn, each) == ana["customer_id"]
    whose = await conn.fetch("SELECT id, customer_id, customer_set FROM contacts")
    assert {row["id"]: row["customer_id"] for row in whose}[contact] is None
    assert [str(row["customer_id"]) for row in whose if row["customer_set"]] == [ana["customer_id"]]
    assert len(await office.events("contact.unlinked")) == 3

    await office.edit("lucia", f"/customers/{ana['customer_id']}", {"mobile": "600550011"})
    for _ in range(2):
        await office.listen("crm.learn")
    assert await customer_of(conn, open_one) == luis["customer_id"]
    assert await customer_of(conn, by_mail) == ana["customer_id"]
    await office.edit("lucia", f"/customers/{luis['customer_id']}", {"mobile": "600550012"})
    await office.listen("crm.learn")
    assert await customer_of(conn, open_one) is None


async def test_a_visit_is_noted(office: Office, conn: db.Connection) -> None:
    ana = await office.person(mobile="600550010")
    await conn.execute(
        "INSERT INTO dispositions (key, label_es, label_en, ordinal) VALUES ('other', 'x', 'y', 1)"
    )
    body = {
        "customer_id": ana["customer_id"], "medium": "visit", "seconds": 600, "subject": "Parte",
        "occurred_at": "2027-03-15T09:00:00Z", "disposition": "other", "note": "Trajo el parte.",
    }  # fmt: skip
    made = await office.ask("lucia", "POST", "/interactions", body, **{"Idempotency-Key": "once"})
    again = await office.ask("lucia", "POST", "/interactions", body, **{"Idempotency-Key": "once"})
    assert (made.status, made.body) == (201, again.body)
    timeline = await office.do("marcos", "GET", f"/customers/{ana['customer_id']}/timeline")
    (item,) = timeline["items"]
    assert (item["id"], item["outcome"], item["seconds"]) == (
        made.body["interaction_id"], "other", 600
    )  # fmt: skip
    assert (item["subject"], item["status"], item["recording_id"]) == ("Parte", "closed", None)
    second = await office.do("lucia", "POST", "/interactions", {"customer_id": ana["customer_id"]})
    assert second["contact_id"] == made.body["contact_id"]
    names = [each.event.name for each in await office.events()]
    assert names.count("interaction.created") == names.count("interaction.closed") == 2
    for who, more, status in (
        ("pablo", {}, 403),
        ("lucia", {"occurred_at": "2030-01-01T00:00:00Z"}, 422),
        ("lucia", {"disposition": "unheard_of"}, 422),
        ("lucia", {"customer_id": str(new_id())}, 422),
        ("ines", {}, 403),
    ):
        assert (await office.ask(who, "POST", "/interactions", {**body, **more})).status == status


async def test_a_call_stands_in_the_timeline_with_its_recording(
    office: Office, conn: db.Connection
) -> None:
    ana = await office.person(mobile="600550010")
    made = await office.do("lucia", "POST", "/interactions", {"customer_id": ana["customer_id"]})
    call, recording = new_id(), new_id()
    await conn.execute(
        "INSERT INTO calls (id, interaction_id, direction, state, record_mode, retention,"
        " created_at) VALUES ($1, $2, 'inbound', 'waiting', 'inform', 'standard', now())",
        call, UUID(made["interaction_id"]),
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO recordings (id, call_id, state, created_at, retention)"
        " VALUES ($1, $2, 'finished', now(), 'standard')", recording, call,
    )  # fmt: skip
    timeline = await office.do("lucia", "GET", f"/customers/{ana['customer_id']}/timeline")
    item = timeline["items"][0]
    assert (item["call_id"], item["recording_id"]) == (str(call), str(recording))


async def test_interactions_of_a_customer(office: Office) -> None:
    ana, luis = await office.person(), await office.person(first_name="Luis")
    for who in (ana, luis, ana):
        await office.do("lucia", "POST", "/interactions", {"customer_id": who["customer_id"]})
    listing = InteractionService(office.deps.work, Veil())
    query = InteractionQuery(customer_id=UUID(ana["customer_id"]))
    assert len((await listing.listed(office.people["elena"], query)).items) == 2
