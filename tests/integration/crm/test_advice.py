"""Advice from real rows: what a contact's file says, and what the queue makes of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import db
from contactcenter.core.ids import new_id
from contactcenter.interactions import cards
from contactcenter.interactions import service as hall
from contactcenter.interactions.model import Address
from crm.desk.model import Advice
from crm.desk.service import advise_contact
from routing.book import QueueBook
from routing.core.model import Constants
from routing.service import QueuedVisit, QueueService
from tests.integration.crm.conftest import Office, a_policy, agent_of, policy_body, receipt_body
from tests.integration.crm.test_claims import claim_body, skilled
from tests.integration.crm.test_contacts import PART
from tests.integration.crm.test_identify import came_in

ZONE = ZoneInfo("Europe/Madrid")
NUMBER = "+34600550010"
QUEUES = """
INSERT INTO calendars (key, weekly) VALUES
    ('always', '{"mon": [["00:00", "24:00"]], "tue": [["00:00", "24:00"]]}'),
    ('never', '{}');
INSERT INTO skills (key, name_es, name_en)
SELECT k, k, k FROM unnest(ARRAY['SA', 'SH', 'SV', 'PR', 'CO', 'RE', 'supervisor', 'retention',
                          'health']) k
ON CONFLICT DO NOTHING;
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
SELECT k, k, k, k, 'always', now() FROM unnest(ARRAY['SA', 'SH', 'PR', 'CO', 'RE']) k;
INSERT INTO queues (key, name_es, name_en, skill, calendar, updated_at)
VALUES ('SV', 'SV', 'SV', 'SV', 'never', now());
"""


async def advice(office: Office, conn: db.Connection, number: str = NUMBER, **said: Any) -> Advice:
    contact, interaction = await came_in(office, Address("phone", number))
    return await advise_contact(
        conn, contact, "PR", now=office.clock.now(), zone=ZONE, said=said,
        interaction_id=interaction,
    )  # fmt: skip


async def test_what_a_file_says(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    ana = await office.person(mobile="600550010", postal_code="50001")
    policy = await a_policy(office, customer_id=ana["customer_id"], coverage_end_date="2027-05-03")
    await conn.execute("UPDATE agents SET status = 'available' WHERE name IN ('lucia', 'marcos')")
    renewal = await advice(office, conn)  # 48 days before the end
    assert (renewal.rule, renewal.base, renewal.banner) == ("renewal", 65, "last_safe_day")
    assert (renewal.preferred, renewal.skill) == ((agent_of(office, "lucia"),), "retention")
    await conn.execute("UPDATE policies SET coverage_end_date = '2027-04-05'")
    assert (await advice(office, conn)).banner == "period_passed_ask_insurer"
    path = f"/policies/{policy['policy_id']}/receipts"
    today = {"first": True, "kind": "new", "due_on": "2027-03-16"}
    await office.do("lucia", "POST", path, receipt_body(**today))
    assert (await advice(office, conn)).rule == "renewal_late"  # the due day is the payer's
    office.clock.advance(24 * 3600)
    first = await advice(office, conn)
    assert (first.rule, first.base, first.preferred) == (
        "first_receipt", 70, (agent_of(office, "lucia"),)
    )  # fmt: skip
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    assert (await advice(office, conn)).rule == "claim_motor"
    others = [(await came_in(office, Address("phone", NUMBER)))[1] for _ in range(3)]
    await office.listen("crm.identify")
    assert (await advice(office, conn)).rule == "claim_motor"  # of other matters, or none
    asked = "UPDATE interactions SET queue = 'SA', direction = $2 WHERE id = ANY ($1::uuid[])"
    await conn.execute(asked, others, "outbound")
    assert (await advice(office, conn)).rule == "claim_motor"  # we called
    await conn.execute(asked, others[:2], "inbound")
    repeat = await advice(office, conn)
    assert (repeat.rule, repeat.base, repeat.then) == ("claim_repeat", 75, "supervisor")
    (handler,) = repeat.preferred
    assert str(handler) == claim["adjuster_id"]
    await conn.execute(
        "INSERT INTO handler_deputies (agent_id, deputy_id) VALUES ($1, $2)",
        handler, agent_of(office, "lucia"),
    )  # fmt: skip
    await conn.execute("UPDATE agents SET status = 'away' WHERE id = $1", handler)
    assert (await advice(office, conn)).preferred == (agent_of(office, "lucia"),)
    for kind, more, rule in (
        ("health_authorisation", {}, "authorisation"),
        ("complaint", {"received_on": "2027-03-01"}, "complaint"),
    ):
        body = {"title": "x", "task_type": kind, "customer_id": ana["customer_id"], **more}
        await office.do("lucia", "POST", "/tasks", body)
        assert (await advice(office, conn)).rule == rule
    assert (await advice(office, conn, key="injured")).band == 1


async def test_many_claims_in_one_place_are_a_catastrophe(
    office: Office, conn: db.Connection
) -> None:
    await skilled(office, conn, "SH")
    ana = await office.person(mobile="600550010", postal_code="50001")
    policy = await office.do(
        "lucia", "POST", "/policies",
        policy_body(ana["customer_id"], policy_type="home", vehicle_plate=None,
                    property_address="Calle del Olmo, 1", property_postal_code="50003"),
    )  # fmt: skip
    body = claim_body(
        policy["policy_id"], claim_type="hail", cause="hail", postal_code="50003",
        incident_date="2027-03-15T22:00:00+01:00",
    )  # fmt: skip
    for _ in range(14):
        await office.do("lucia", "POST", "/claims", body)
    assert (await advice(office, conn, key="claim")).rule != "hail"
    await office.do("lucia", "POST", "/claims", body)
    for number in (NUMBER, "+34600559999"):
        hail = await advice(office, conn, number, key="claim")
        assert (hail.rule, hail.queue, hail.base, hail.fifo) == ("hail", "SH", 60, True)
        assert hail.preferred == ()


async def test_a_catastrophe_is_declared(office: Office, conn: db.Connection) -> None:
    await office.person(mobile="600550010", postal_code="50001")
    flood = await office.do(
        "elena", "POST", "/catastrophes", {"peril": "flood", "postal_codes": ["500"]}
    )
    assert (await advice(office, conn, key="claim")).greeting == "consorcio"
    # where a number is that nobody knows, nobody knows either
    assert (await advice(office, conn, "+34600559999", key="claim")).greeting == "consorcio"
    await office.person(mobile="600550011", postal_code="22001")
    assert (await advice(office, conn, "+34600550011", key="claim")).rule == ""
    path = f"/catastrophes/{flood['catastrophe_id']}/end"
    assert (await office.do("elena", "POST", path))["ended_at"] is not None
    assert (await office.ask("elena", "POST", path)).status == 409
    assert (await advice(office, conn, key="claim")).rule == ""
    told = await office.events("catastrophe.declared", "catastrophe.ended")
    assert [(each.event.name, each.event.subject) for each in told] == [
        ("catastrophe.declared", flood["catastrophe_id"]),
        ("catastrophe.ended", flood["catastrophe_id"]),
    ]
    await office.do("elena", "POST", "/catastrophes", {"peril": "hail"})
    for number in (NUMBER, "+34600559999"):  # no claim is needed besides
        hail = await advice(office, conn, number, key="claim")
        assert (hail.queue, hail.base, hail.fifo, hail.banner) == ("SH", 60, True, "hail")
    assert len((await office.do("lucia", "GET", "/catastrophes?on=true"))["items"]) == 1
    assert (await office.ask("lucia", "POST", "/catastrophes", {"peril": "flood"})).status == 403
    assert (await office.ask("elena", "POST", "/catastrophes", {"peril": "rain"})).status == 422


async def test_workshops_and_experts_are_no_customers(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    policy = await a_policy(office)
    claim = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    expert = await conn.execute("UPDATE claims SET perito_phone = '976 55 01 99'")
    assert expert
    called = await advice(office, conn, "+34976550199")
    assert (called.rule, called.base, called.preferred) == (
        "professional", 45, (agent_of(office, "pablo"),)
    )  # fmt: skip
    new = {"phone": "976 55 02 00", "name": "Talleres Bardena", "kind": "workshop"}
    made = await office.do("elena", "POST", "/professionals", new)
    assert (made["phone"], made["version"]) == ("+34976550200", 1)
    assert (await office.ask("elena", "POST", "/professionals", new)).body["ctx"]["field"] == (
        "phone"
    )
    assert (await advice(office, conn, "+34976550200")).preferred == ()
    quoting = await advice(office, conn, "+34976550200", claim_number=claim["claim_number"])
    assert quoting.preferred == (agent_of(office, "pablo"),)
    other = await office.do("elena", "POST", "/professionals", {**new, "phone": "976550201"})
    one = f"/professionals/{made['professional_id']}"
    moved = {**new, "phone": "976 55 02 02", "kind": "perito"}
    assert (await office.ask("lucia", "PUT", one, moved)).status == 403
    changed = await office.do("elena", "PUT", one, moved, **{"If-Match": '"1"'})
    assert (changed["phone"], changed["kind"], changed["version"]) == ("+34976550202", "perito", 2)
    listed = (await office.do("lucia", "GET", "/professionals"))["items"]
    assert {each["phone"]: each["version"] for each in listed} == {
        "+34976550201": 1, "+34976550202": 2,
    }  # fmt: skip
    seen = {"If-Match": '"2"'}
    taken = await office.ask("elena", "PUT", one, {**new, "phone": "976550201"}, **seen)
    assert (taken.status, taken.body["ctx"]["type"]) == (409, "phone_taken")
    await office.do(
        "elena", "DELETE", f"/professionals/{other['professional_id']}", **{"If-Match": '"1"'}
    )
    await office.do("elena", "PUT", one, new, **seen)
    await office.do("elena", "DELETE", one, **{"If-Match": '"3"'})
    assert (await office.ask("elena", "PUT", one, new, **seen)).status == 404
    assert (await advice(office, conn, "+34976550200")).rule == ""
    assert (await office.do("lucia", "GET", "/professionals"))["items"] == []


async def test_whoever_has_proved_it_is_verified(office: Office, conn: db.Connection) -> None:
    await office.person(mobile="600550010", dni="12345678Z", birth_date="1980-05-01")
    contact, interaction = await came_in(office, Address("phone", NUMBER))
    await office.listen("crm.identify")
    await conn.execute(PART, new_id(), interaction, agent_of(office, "pablo"))

    async def leak() -> Advice:
        return await advise_contact(
            conn, contact, "SH", now=office.clock.now(), zone=ZONE,
            said={"key": "leak", "open": False},
        )  # fmt: skip

    assert (await leak()).queue == "assistance_menu"
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("pablo", "POST", f"/interactions/{interaction}/identity", right)
    assert (await leak()).queue == "assistance"


async def test_the_rules_are_a_table(office: Office, conn: db.Connection) -> None:
    listed = await office.do("lucia", "GET", "/contact-rules")
    rules, read = listed["items"], {"If-Match": f'"{listed["version"]}"'}
    assert len(rules) > 20
    mine = {"name": "vip_first", "conditions": {"segment": {"is": "lead"}}, "effects": {"base": 90}}
    assert (await office.ask("lucia", "PUT", "/contact-rules", {"items": [mine]})).status == 403
    assert (await office.ask("elena", "PUT", "/contact-rules", {"items": [mine]})).status == 428
    wanted = {"items": [mine, *rules]}
    after = await office.do("elena", "PUT", "/contact-rules", wanted, **read)
    assert after["version"] == listed["version"] + 1
    stale = await office.ask("elena", "PUT", "/contact-rules", {"items": [mine]}, **read)
    assert stale.status == 412
    await office.person(mobile="600550010")
    assert (await advice(office, conn)).base == 90
    bad = {**mine, "effects": {"base": 900}}
    anew = {"If-Match": "*"}
    refused = await office.ask("elena", "PUT", "/contact-rules", {"items": [bad]}, **anew)
    assert refused.body["errors"][0]["type"] == "bad_rule"
    assert len((await office.do("lucia", "GET", "/contact-rules"))["items"]) == len(rules) + 1


async def test_the_queues_door_asks_for_advice(office: Office, conn: db.Connection) -> None:
    await conn.execute(QUEUES)
    await skilled(office, conn)
    ana = await office.person(mobile="600550010")
    policy = await a_policy(office, customer_id=ana["customer_id"])
    await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    door = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser, unchosen=("CO",))

    async def enter(queue: str, number: str = NUMBER, **more: Any) -> tuple[QueuedVisit, Any, Any]:
        _, interaction = await came_in(office, Address("whatsapp", number))
        async with office.deps.work.begin("test.enqueue", "test") as work:
            visit = await door.enqueue(work, interaction_id=interaction, queue=queue, **more)
        item = await conn.fetchrow("SELECT * FROM work_items WHERE id = $1", visit.work_item_id)
        facts = await conn.fetchval(
            "SELECT routing_facts FROM interactions WHERE id = $1", interaction
        )
        return visit, item, facts

    visit, item, facts = await enter("CO")
    assert (visit.queue, item["queue"], item["base"], item["band"]) == ("SA", "SA", 60, 3)
    assert item["routing"]["preferred"] == [str(agent_of(office, "pablo"))]
    assert item["routing"]["preferred_ms"] == 30_000
    assert (facts["rule"], facts["banner"]) == ("claim_motor", "claim")
    # a queue that was chosen is kept, and what is known of other matters shown all the same
    visit, item, facts = await enter("PR")
    assert (visit.queue, item["base"], facts["banner"]) == ("PR", 50, "claim")
    assert not item["routing"].get("preferred")
    # what speaks of it holds there
    path = f"/policies/{policy['policy_id']}/receipts"
    await office.do("lucia", "POST", path, receipt_body(due_on="2027-03-04"))
    visit, item, facts = await enter("PR")
    assert (visit.queue, item["base"], facts["rule"]) == ("PR", 60, "later_receipt")
    visit, item, facts = await enter("SA")
    assert (visit.queue, item["base"], facts["rule"]) == ("SA", 60, "claim_motor")
    # danger moves whoever it is, into the first band
    visit, item, _ = await enter("PR", said={"key": "injured"})
    assert (visit.queue, item["band"], item["base"]) == ("SA", 1, 100)
    assert item["routing"]["steps"][0]["for_ms"] == 30_000

    async def banner(item: Any) -> Any:
        return (await office.do("elena", "GET", f"/interactions/{item['interaction_id']}/file"))[
            "banner"
        ]

    # the desk knows what was said, of whoever it is
    assert await banner(item) == "injured"
    assert await banner((await enter("PR", "+34600559999", said={"key": "injured"}))[1]) == (
        "injured"
    )
    assert await banner((await enter("PR"))[1]) == "covered_until"
    await office.do("elena", "POST", "/catastrophes", {"peril": "hail"})
    visit, item, _ = await enter("SH", "+34600559998", preferred=(agent_of(office, "pablo"),))
    assert (item["base"], await banner(item)) == (60, "hail")
    assert not item["routing"].get("preferred")  # everybody in their order
    await conn.execute("UPDATE catastrophes SET ended_at = began_at")
    # of nobody that is known, nothing is told
    visit, item, facts = await enter("CO", "+34600559999")
    assert (visit.queue, item["base"], facts) == ("CO", 50, {})
    # who comes back into a queue is not advised anew
    visit, item, _ = await enter("CO", entry="requeue")
    assert (visit.queue, item["base"]) == ("CO", 50)
    # a queue that is closed takes nobody out of one that is open
    await office.do(
        "lucia", "POST", "/tasks",
        {"title": "x", "task_type": "health_authorisation", "customer_id": ana["customer_id"]},
    )  # fmt: skip
    visit, _, facts = await enter("CO")
    assert (visit.queue, facts["advised_queue"], facts["permission"]) == ("CO", "SV", "health")
    # in its own queue nobody is asked who may not see matters of health, the manager neither
    await conn.execute("UPDATE queues SET calendar = 'always' WHERE key = 'SV'")
    await conn.execute("UPDATE agents SET status = 'available'")
    asked = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser)
    may_see: list[Any] = []
    for agent in ("", "lucia"):
        if agent:
            await conn.execute(
                "INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, 'health', 1)",
                agent_of(office, agent),
            )
            may_see = [str(agent_of(office, agent))]
        door = asked
        visit, item, _ = await enter("SV")
        routing = item["routing"]
        assert (visit.queue, item["base"], routing.get("preferred") or []) == ("SV", 75, may_see)
        assert all([need[0] for need in step["require"]] == ["health"] for step in routing["steps"])
        assert routing["steps"][-1]["for_ms"] is None


async def test_a_leak_in_the_night_keeps_its_place_and_makes_a_task(
    office: Office, conn: db.Connection
) -> None:
    """Also where the office has no queue of the insurers' lines; nothing is left of a refusal."""
    await conn.execute(QUEUES)
    ana = await office.person(mobile="600550010")
    door = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser)
    _, interaction = await came_in(office, Address("whatsapp", NUMBER))
    await office.listen("crm.identify")

    async def enter() -> QueuedVisit:
        async with office.deps.work.begin("test.enqueue", "test") as work:
            said = {"key": "leak", "open": False}
            visit = await door.enqueue(work, interaction_id=interaction, queue="SH", said=said)
            tasks = await work.conn.fetch("SELECT customer_id, tags, due_date FROM tasks")
            assert [(str(t["customer_id"]), t["tags"]) for t in tasks] == [
                (ana["customer_id"], ["SH"])
            ]
            if refused:
                raise RuntimeError
        return visit

    refused = True
    with pytest.raises(RuntimeError):
        await enter()
    assert await conn.fetchval("SELECT count(*) FROM tasks") == 0
    refused = False
    visit = await enter()
    item = await conn.fetchrow("SELECT * FROM work_items WHERE id = $1", visit.work_item_id)
    assert item is not None
    assert (visit.queue, item["band"], item["base"]) == ("SH", 1, 90)


async def test_a_chosen_queue_and_a_language_are_said(office: Office, conn: db.Connection) -> None:
    await conn.execute(QUEUES)
    door = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser, unchosen=("PR",))
    numbers = iter(range(600_560_001, 600_560_100))

    async def enter(queue: str, locale: str = "es", number: str | None = None) -> tuple[Any, Any]:
        async with office.deps.work.begin("test.enqueue", "test") as work:
            address = Address("whatsapp", number or f"+34{next(numbers)}")
            contact = await hall.create_contact(work, name="", locale=locale, addresses=(address,))
            thread = await hall.create_conversation(
                work, contact_id=contact.id, channel="whatsapp", queue=queue, locale=locale
            )
            made = await hall.create_interaction(work, conversation=thread)
            visit = await door.enqueue(work, interaction_id=made.id, queue=queue)
        item = await conn.fetchrow("SELECT * FROM work_items WHERE id = $1", visit.work_item_id)
        facts = await conn.fetchval("SELECT routing_facts FROM interactions WHERE id = $1", made.id)
        return item, facts

    item, facts = await enter("CO", "ca")
    assert (item["queue"], item["base"], facts["rule"]) == ("CO", 40, "catalan")
    assert item["routing"]["steps"][0]["require"][0][0] == "ca"
    item, facts = await enter("CO")
    assert (item["base"], facts["rule"]) == (40, "unknown")
    assert (await enter("PR"))[1] == {}  # where everybody comes who has chosen nothing
    flood = {"peril": "flood", "postal_codes": ["50"], "note": "Ebro"}
    await office.do("elena", "POST", "/catastrophes", flood)
    await office.person(mobile="600560999", postal_code="50001")
    item, facts = await enter("SH", number="+34600560999")
    assert (item["queue"], item["base"], facts["greeting"]) == ("SH", 60, "consorcio")


OFFER = """
INSERT INTO reservations (id, work_item_id, interaction_id, agent_id, round, state, cost, epoch,
                          created_at, expires_at)
SELECT $1, w.id, w.interaction_id, $3, 1, 'pending', 0, 0, now(), now() FROM work_items w
WHERE w.interaction_id = $2
"""


async def test_the_offer_and_the_file_count_one_customers_matter(
    office: Office, conn: db.Connection
) -> None:
    """Whatever they came by; what was about something else, or what we began, is no repeat."""
    await conn.execute(QUEUES)
    await skilled(office, conn)
    ana = await office.person(mobile="600550010", email="ana@correo.example")
    policy = await a_policy(office, customer_id=ana["customer_id"])
    await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    door = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser)

    async def enter(queue: str, address: Address) -> UUID:
        _, interaction = await came_in(office, address)
        await office.listen("crm.identify")
        async with office.deps.work.begin("test.enqueue", "test") as work:
            await door.enqueue(work, interaction_id=interaction, queue=queue)
        return interaction

    phone, mail = Address("phone", NUMBER), Address("email", "ana@correo.example")
    for queue, address in (("SA", phone), ("SA", mail), ("CO", phone)):
        await enter(queue, address)
    ours = await enter("SA", phone)
    await conn.execute("UPDATE interactions SET direction = 'outbound' WHERE id = $1", ours)
    third = await enter("SA", phone)
    await conn.execute(OFFER, new_id(), third, agent_of(office, "pablo"))
    (offer,) = (await cards.reservation_cards(conn)).values()
    file = await office.do("elena", "GET", f"/interactions/{third}/file")
    assert (offer.customer.repeat_count + 1, file["contacts_7_days"]) == (3, 3)
    assert file["banner"] == "repeat"
    stranger = Address("phone", "+34600559999")
    for _ in range(2):
        other = await enter("SA", stranger)
    await conn.execute("DELETE FROM reservations")
    await conn.execute(OFFER, new_id(), other, agent_of(office, "pablo"))
    (offer,) = (await cards.reservation_cards(conn)).values()
    assert offer.customer.repeat_count == 0  # another contact: nobody says that they are one


CHECKED = """
INSERT INTO identity_checks (id, interaction_id, customer_id, asked, passed, level, checked_by, at)
VALUES ($1, $2, $3::uuid, '{document,birth_date}', '{document,birth_date}', 2, 'ivr', $4)
"""


async def test_a_shared_number_does_not_give_anothers_place(
    office: Office, conn: db.Connection
) -> None:
    """Who has proved in both to be the same of them gets it; of an unshared one everybody does."""
    await conn.execute(QUEUES)
    await office.person(first_name="Luis", mobile="600550010")
    ana = await office.person(mobile="600550010")
    await office.person(first_name="Eva", mobile="600550011")
    door = QueueService(QueueBook(ZONE), Constants(), adviser=office.crm.adviser)
    contacts: dict[str, UUID] = {}

    async def enter(number: str, *, proved: bool = False) -> bool:
        async with office.deps.work.begin("test.enqueue", "test") as work:
            if number not in contacts:
                address = Address("phone", number)
                made = await hall.create_contact(work, name="", locale="es", addresses=(address,))
                contacts[number] = made.id
            thread = await hall.create_conversation(
                work, contact_id=contacts[number], channel="voice"
            )
            call = (await hall.create_interaction(work, conversation=thread)).id
            if proved:
                now = office.clock.now()
                await work.conn.execute(CHECKED, new_id(), call, ana["customer_id"], now)
            visit = await door.enqueue(work, interaction_id=call, queue="SA")
        office.clock.advance(60)
        async with office.deps.work.begin("test.leave", "test") as work:
            await door.customer_left(work, call)
        return visit.returned

    alone, shared = "+34600550011", NUMBER
    assert [await enter(alone), await enter(alone)] == [False, True]
    assert [await enter(shared), await enter(shared)] == [False, False]
    assert await enter(shared, proved=True) is False  # who left had not said who it was
    assert await enter(shared) is False  # nor has who comes now
    assert [await enter(shared, proved=True), await enter(shared, proved=True)] == [False, True]
