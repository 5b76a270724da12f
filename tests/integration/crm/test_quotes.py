from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

import db
from contactcenter.core.ids import new_id
from crm.letters.service import SEND
from tests.integration.crm.conftest import Office, a_policy, agent_of
from tests.integration.crm.test_claims import claim_body
from tests.integration.crm.test_contacts import talks

MEDIATION = {"needs": "x", "ipid": "x", "broker_information": "x", "criteria": "x"}
OFFERS = [
    {"carrier": key, "premium": {"amount": premium}}
    for key, premium in (("aldaba", "420.00"), ("brisa", "433.00"), ("cierzo", "451.00"))
]


def quote_body(customer_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "quote_type": "auto",
        "coverage_details": {"vehicle_plate": "1234 BCD", "covers": ["liability", "glass"]},
        "base_premium": {"amount": "400.00"},
        **fields,
    }


async def a_quote(office: Office, **fields: Any) -> dict[str, Any]:
    customer_id = (await office.person())["customer_id"]
    made: dict[str, Any] = await office.do(
        "lucia", "POST", "/quotes", quote_body(customer_id, **fields)
    )
    return made


async def accepted(office: Office) -> str:
    made = await a_quote(office, carrier="aldaba", mediation=MEDIATION, carrier_quotes=OFFERS)
    path = f"/quotes/{made['quote_id']}"
    await office.do("lucia", "POST", f"{path}/send")
    await office.do("lucia", "POST", f"{path}/accept")
    return path


async def test_a_quotes_life(office: Office) -> None:
    made = await a_quote(
        office, compulsory={"amount": "180.00"},
        discounts=[{"type": "loyalty", "rate": "0.10"}],
        surcharges=[{"type": "young_driver", "amount": {"amount": "25.50"}}],
    )  # fmt: skip
    path = f"/quotes/{made['quote_id']}"
    assert made["quote_number"] == "C-2027-000001"
    lines = {line["kind"]: line["amount"]["amount"] for line in made["lines"]}
    assert lines == {  # 400.00 − 40.00 + 25.50
        "net": "385.50", "ips": "30.84", "extraordinary": "2.10", "compulsory_motor": "2.70",
        "winding_up": "0.58",
    }  # fmt: skip
    assert made["total_premium"]["amount"] == "421.72"
    assert made["missing"] == ["needs", "ipid", "broker_information", "criteria", "offers"]
    early = await office.ask("lucia", "POST", f"{path}/send")
    assert (early.status, early.body["ctx"]["missing"]) == (409, made["missing"])
    assert await office.events("quote.sent") == []
    ready = await office.edit(
        "lucia", path,
        {"discounts": [], "mediation": MEDIATION, "carrier_quotes": OFFERS, "carrier": "aldaba"},
    )  # fmt: skip
    assert ready["missing"] == []
    assert {line["kind"]: line["amount"]["amount"] for line in ready["lines"]}["net"] == "425.50"
    assert {line["kind"] for line in ready["lines"]} == set(lines)  # the parts are remembered
    for verb in ("accept", "reject"):
        body = {"reason": "x"} if verb == "reject" else None
        assert (await office.ask("lucia", "POST", f"{path}/{verb}", body)).status == 409
    assert (await office.do("lucia", "POST", f"{path}/send"))["status"] == "sent"
    fixed = await office.ask("lucia", "PATCH", path, {"notes": "x"}, **{"If-Match": "*"})
    assert fixed.status == 409
    done = await office.do("lucia", "POST", f"{path}/accept")
    assert (done["status"], done["converted"]) == ("accepted", False)
    start = {"coverage_start_date": "2027-04-01", "policy_number": "AL-77"}
    first = await office.ask("lucia", "POST", f"{path}/convert", start)
    assert first.status == 201
    policy = first.body["policy"]
    assert (policy["coverage_end_date"], policy["vehicle_plate"], policy["status"]) == (
        "2028-04-01", "1234BCD", "pending",
    )  # fmt: skip
    assert policy["premium_amount"] == ready["total_premium"]
    again = await office.ask(
        "lucia", "POST", "/quotes/convert", {**start, "quote_id": made["quote_id"]}
    )
    assert again.status == 200
    assert again.body["policy"]["policy_id"] == policy["policy_id"]
    names = [each.event.name for each in await office.events() if "quote" in each.event.name]
    assert names == [
        "quote.created", "quote.updated", "quote.sent", "quote.accepted", "quote.converted",
    ]  # fmt: skip


async def test_a_quote_becomes_a_policy_once_however_many_press(office: Office) -> None:
    for _ in range(3):
        path = await accepted(office)
        known = {"If-Match": (await office.ask("lucia", "GET", path)).etag}
        start = {"coverage_start_date": "2027-04-01"}
        answers = await asyncio.gather(
            *(
                office.ask(who, "POST", f"{path}/convert", start, **known)
                for who in ("lucia", "marcos", "elena", "lucia", "marcos")
            )
        )
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
        assert len({answer.body["policy"]["policy_id"] for answer in answers}) == 1
    assert len(await office.events("quote.converted")) == 3
    assert len(await office.events("policy.created")) == 3


async def test_a_policy_number_that_is_taken_converts_nothing(office: Office) -> None:
    path = await accepted(office)
    quote = await office.do("lucia", "GET", path)
    await a_policy(office, carrier="aldaba", policy_number="AL-77")
    start = {"coverage_start_date": "2027-04-01", "policy_number": "AL-77"}
    taken = await office.ask("lucia", "POST", f"{path}/convert", start)
    assert (taken.status, taken.body["ctx"]["field"]) == (409, "policy_number")
    assert await office.do("lucia", "GET", path) == quote
    assert await office.events("quote.converted") == []
    other = await office.do("lucia", "POST", f"{path}/convert", {**start, "policy_number": "AL-78"})
    assert other["policy"]["policy_number"] == "AL-78"
    (told,) = await office.events("quote.converted")
    assert told.event.subject == quote["quote_id"]


async def test_time_runs_out(office: Office) -> None:
    until = (office.clock.now() + timedelta(days=2)).isoformat()
    draft = await a_quote(office, valid_until=until)
    sent = await a_quote(office, valid_until=until, mediation=MEDIATION, carrier_quotes=OFFERS)
    await office.do("lucia", "POST", f"/quotes/{sent['quote_id']}/send")
    office.clock.set(office.clock.now() + timedelta(days=2))
    late = await office.ask("lucia", "POST", f"/quotes/{sent['quote_id']}/accept")
    assert (late.status, late.body["ctx"]["status"]) == (409, "expired")
    await office.crm.quotes.expire_due()
    await office.crm.quotes.expire_due()
    for quote in (draft, sent):
        seen = await office.do("lucia", "GET", f"/quotes/{quote['quote_id']}")
        assert seen["status"] == "expired"
    assert len(await office.events("quote.expired")) == 2


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"base_premium": {"amount": "0"}}, "amount_not_positive"),
        ({"discounts": [{"type": "x"}]}, "item_unclear"),
        ({"discounts": [{"type": "x", "rate": "1.5"}]}, "less_than_equal"),
        ({"carrier": "nobody"}, "unknown_insurer"),
        ({"compulsory": {"amount": "400.01"}, "surcharges": []}, "too_large"),
        ({"rider": {"amount": "10.00"}}, "another_line"),
        ({"compulsory": {"amount": "10.00"}, "quote_type": "home"}, "another_line"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "in_past"),
        ({"customer_id": str(new_id())}, "unknown_customer"),
        ({"surcharges": [{"type": "x", "amount": {"amount": "9999999999.99"}}] * 3}, "too_large"),
    ],
)
async def test_bad_quotes(office: Office, fields: dict[str, Any], kind: str) -> None:
    customer_id = (await office.person())["customer_id"]
    answer = await office.ask("lucia", "POST", "/quotes", quote_body(customer_id) | fields)
    assert (answer.status, answer.body["errors"][0]["type"]) == (422, kind)


async def test_an_insurer_that_is_retired_is_quoted_no_more(
    office: Office, conn: db.Connection
) -> None:
    ana = (await office.person())["customer_id"]
    await conn.execute("UPDATE insurers SET retired = true WHERE key = 'cierzo'")
    for fields in ({"carrier": "cierzo"}, {"carrier_quotes": OFFERS}):
        answer = await office.ask("lucia", "POST", "/quotes", quote_body(ana, **fields))
        assert (answer.status, answer.body["errors"][0]["type"]) == (422, "unknown_insurer")


async def test_who_may_write_a_task(office: Office, conn: db.Connection) -> None:
    """Whoever writes in the file, and of a claim its handler; one's own can always be done."""
    ana = (await office.person(mobile="600550010"))["customer_id"]
    policy = await a_policy(office, customer_id=ana)
    claim = await office.do(
        "lucia", "POST", "/claims",
        claim_body(policy["policy_id"], adjuster_id=str(agent_of(office, "sara"))),
    )  # fmt: skip
    complaint = {"task_type": "complaint", "received_on": "2027-03-15"}
    ahead = {**complaint, "received_on": "2027-03-17"}  # refused before the day is looked at
    for about in ({"customer_id": ana}, {"policy_id": policy["policy_id"]}, complaint, ahead):
        body = {"title": "x", "customer_id": ana, **about}
        answer = await office.ask("pablo", "POST", "/tasks", body)
        assert (answer.status, answer.body["ctx"]["reason"]) == (403, "portfolio"), about
    assert await conn.fetchval("SELECT count(*) FROM tasks") == 0
    await office.do("sara", "POST", "/tasks", {"title": "x", "claim_id": claim["claim_id"]})
    await office.do("marcos", "POST", "/tasks", {"title": "x", "customer_id": ana})
    body = {"title": "x", "customer_id": ana}
    theirs, given, nobody_s, undone = [
        (await office.do("elena", "POST", "/tasks", {**body, "assigned_agent": agent}))["task_id"]
        for agent in [str(agent_of(office, name)) for name in ("lucia", "pablo", "lucia", "lucia")]
    ]
    for task in (nobody_s, undone):
        await conn.execute("UPDATE tasks SET assigned_agent = NULL WHERE id = $1", UUID(task))
    for way in ("complete", "cancel"):
        assert (await office.ask("pablo", "POST", f"/tasks/{theirs}/{way}")).status == 403
    seen = await office.ask("pablo", "GET", f"/tasks/{theirs}")
    headers = {"If-Match": seen.etag or ""}
    answer = await office.ask("pablo", "PATCH", f"/tasks/{theirs}", {"title": "y"}, **headers)
    assert answer.status == 403
    own, hers = str(agent_of(office, "pablo")), str(agent_of(office, "lucia"))
    taken = {"assigned_agent": own, "assigned_to": None, "status": "in_progress"}
    for more in (
        {"title": "y"}, {"description": "y"}, {"due_date": None}, {**taken, "priority": "low"},
        {"assigned_agent": hers}, {**taken, "assigned_to": str(office.people["elena"].user_id)},
    ):  # fmt: skip
        answer = await office.ask("pablo", "PATCH", f"/tasks/{undone}", more, **{"If-Match": "*"})
        assert (answer.status, answer.body["ctx"]["reason"]) == (403, "portfolio"), more
    assert (await office.ask("pablo", "POST", f"/tasks/{undone}/cancel")).status == 403
    await office.edit("pablo", f"/tasks/{nobody_s}", taken)
    for mine in (given, nobody_s, undone):
        await office.do("pablo", "POST", f"/tasks/{mine}/complete")
    await talks(office, conn, "pablo", "+34600550010")
    await office.do("pablo", "POST", "/tasks", {"title": "x", "customer_id": ana})


async def test_tasks(office: Office) -> None:
    customer_id = (await office.person())["customer_id"]
    due = "2027-03-16T09:30:00Z"
    made = await office.do(
        "lucia", "POST", "/tasks",
        {"title": "Llamar", "customer_id": customer_id, "due_date": due, "priority": "high"},
    )  # fmt: skip
    path = f"/tasks/{made['task_id']}"
    assert (made["status"], made["assignee_name"], made["overdue"]) == ("pending", "lucia", False)
    mine = await office.do("lucia", "GET", "/tasks?mine=true&due=today")
    assert [each["task_id"] for each in mine["items"]] == [made["task_id"]]
    assert (await office.do("pablo", "GET", "/tasks?mine=true"))["items"] == []
    assert (await office.do("lucia", "GET", "/tasks?due=overdue"))["items"] == []
    office.clock.set(datetime(2027, 3, 16, 23, 30, tzinfo=UTC))  # 00:30 of the next day in Madrid
    assert (await office.do("lucia", "GET", "/tasks?due=today"))["items"] == []
    late = await office.do("lucia", "GET", "/tasks?due=overdue")
    assert late["items"][0]["overdue"]
    begun = await office.edit("marcos", path, {"status": "in_progress"})
    assert begun["status"] == "in_progress"
    assert (await office.ask("ines", "GET", path)).status == 403
    answers = await asyncio.gather(
        office.ask("lucia", "POST", f"{path}/complete"),
        office.ask("elena", "POST", f"{path}/cancel"),
        office.ask("marcos", "POST", f"{path}/complete"),
    )
    assert sorted(answer.status for answer in answers) == [200, 409, 409]
    over = await office.ask("lucia", "PATCH", path, {"title": "x"}, **{"If-Match": "*"})
    assert over.status == 409
    for bad, kind in (
        ({"title": ""}, "string_too_short"),
        ({"title": "x", "claim_id": str(new_id())}, "unknown_claim"),
        ({"title": "x", "assigned_to": str(new_id())}, "unknown_user"),
        ({"title": "x", "task_type": "complaint"}, "received_on"),
    ):
        answer = await office.ask("lucia", "POST", "/tasks", bad)
        assert (answer.status, answer.body["errors"][0]["type"]) == (422, kind)


@pytest.mark.parametrize("way", ["complete", "cancel"])
async def test_a_task_ends(office: Office, way: str) -> None:
    made = await office.do("lucia", "POST", "/tasks", {"title": "Llamar"})
    assert made["completed_at"] is None
    office.clock.set(datetime(2027, 3, 17, 9, tzinfo=UTC))
    path = f"/tasks/{made['task_id']}"
    ended = await office.do("lucia", "POST", f"{path}/{way}")
    assert (ended["status"], ended["completed_at"]) == (
        ("completed", "2027-03-17T09:00:00Z") if way == "complete" else ("cancelled", None)
    )
    assert len(await office.events(f"task.{ended['status']}")) == 1
    again = await office.ask("lucia", "POST", f"{path}/{way}")
    assert (again.status, again.body["ctx"]["status"]) == (409, ended["status"])


async def test_a_complaint_is_due_by_law(office: Office) -> None:
    made = await office.do(
        "lucia", "POST", "/tasks",
        {"title": "Queja", "task_type": "complaint", "received_on": "2027-03-01"},
    )  # fmt: skip
    assert made["complaint"] == {
        "due_on": "2027-03-22", "regime": "customer_service", "working_day": 11, "of": 15,
    }  # fmt: skip
    assert made["due_date"] == "2027-03-22T22:59:00Z"
    body = {"title": "Queja", "task_type": "complaint", "received_on": "2027-03-01"}
    for given, due in (
        ("2027-05-01T09:00:00Z", "2027-03-22T22:59:00Z"),  # not later than the law's day
        ("2027-03-10T09:00:00Z", "2027-03-10T09:00:00Z"),
    ):
        task = await office.do("lucia", "POST", "/tasks", {**body, "due_date": given})
        assert task["due_date"] == due
        path = f"/tasks/{task['task_id']}"
        assert (await office.edit("lucia", path, {"due_date": given}))["due_date"] == due
    future = await office.ask("lucia", "POST", "/tasks", {**body, "received_on": "2027-03-17"})
    assert (future.status, future.body["errors"][0]["type"]) == (422, "in_future")


async def test_tasks_by_their_day(office: Office) -> None:
    """The most overdue first, those without a day last, over pages of any size."""
    days = ["2027-03-20T09:00:00Z", None, "2027-03-01T09:00:00Z", "2027-03-15T09:00:00Z", None]
    for n, day in enumerate(days):
        await office.do("lucia", "POST", "/tasks", {"title": f"t{n}", "due_date": day})
    assert await page_by_page(office, "sort=due&open=true") == ["t2", "t3", "t0", "t1", "t4"]


async def test_done_tasks_by_when_they_were_done(office: Office) -> None:
    """What was done last first, over pages of any size; what is open or given up is not there."""
    made = [await office.do("lucia", "POST", "/tasks", {"title": f"t{n}"}) for n in range(5)]
    for n, how in ((3, "complete"), (0, "complete"), (1, "cancel"), (4, "complete")):
        office.clock.set(office.clock.now() + timedelta(minutes=1))
        await office.do("lucia", "POST", f"/tasks/{made[n]['task_id']}/{how}")
    assert await page_by_page(office, "sort=completed") == ["t4", "t0", "t3"]


async def page_by_page(office: Office, query: str) -> list[str]:
    seen: list[str] = []
    cursor = ""
    while True:
        page = await office.do("lucia", "GET", f"/tasks?{query}&limit=2{cursor}")
        seen += [each["title"] for each in page["items"]]
        if page["next_cursor"] is None:
            return seen
        cursor = f"&cursor={page['next_cursor']}"


async def test_a_quote_without_an_address_waits_for_one(
    office: Office, conn: db.Connection
) -> None:
    made = await a_quote(office, carrier="aldaba", mediation=MEDIATION, carrier_quotes=OFFERS)
    customer = f"/customers/{made['customer_id']}"

    async def letters() -> list[tuple[str, str]]:
        found = await office.do("lucia", "GET", f"{customer}/letters")
        return [(each["kind"], each["state"]) for each in found["items"]]

    async def queued() -> list[Any]:
        jobs = await conn.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = $1", SEND)
        return [orjson.loads(job["payload"]) for job in jobs]

    await office.listen("crm.letters")
    assert await letters() == [("quote", "draft")]
    await office.do("lucia", "POST", f"/quotes/{made['quote_id']}/send")
    await office.listen("crm.letters")
    assert (await letters(), await queued()) == ([("quote", "unaddressed")], [])
    await office.edit("lucia", customer, {"notes": "Llamar."})
    await office.listen("crm.letters")
    assert await letters() == [("quote", "unaddressed")]

    await office.edit("lucia", customer, {"email": "ana@correo.example"})
    for _ in "ab":
        await office.listen("crm.letters")
    assert await letters() == [("quote", "queued")]
    (job,) = await queued()
    for _ in "ab":
        await office.crm.letters.send(job)
    (letter,) = office.mail.sent
    assert letter.address == "ana@correo.example"
    assert made["quote_number"] in letter.subject
    # Where it went is what is told, whatever the address is since.
    await office.edit("lucia", customer, {"email": "otra@correo.example"})
    (told,) = (await office.do("lucia", "GET", f"{customer}/letters"))["items"]
    assert (told["state"], told["address"]) == ("sent", "ana@correo.example")
    assert await letters() == [("quote", "sent")]

    for who, path in (("ines", customer), ("lucia", f"/customers/{new_id()}")):
        assert (await office.ask(who, "GET", f"{path}/letters")).status == 404


async def test_a_quotes_letter_has_what_the_law_asks_for_in_it(office: Office) -> None:
    ana = await office.person(email="ana@correo.example", locale="es")
    mediation = {
        "needs": "Un coche para ir a trabajar.",
        "ipid": "https://aseguradora.example/ipid.pdf",
        "broker_information": f"document:{new_id()}",
        "criteria": "La franquicia menor.",
    }
    bodies = []
    for frequency in ("annual", "single"):
        body = quote_body(
            ana["customer_id"], carrier="aldaba", mediation=mediation, carrier_quotes=OFFERS,
            frequency=frequency,
        )  # fmt: skip
        made = await office.do("lucia", "POST", "/quotes", body)
        await office.do("lucia", "POST", f"/quotes/{made['quote_id']}/send")
        await office.listen("crm.letters")
        found = await office.do("lucia", "GET", f"/customers/{ana['customer_id']}/letters")
        bodies.append(found["items"][0]["body"])
    for text in ("Un coche para ir", "https://aseguradora.example/ipid.pdf", "si nos lo pide"):
        assert text in bodies[0]
    assert "document:" not in bodies[0]
    assert ["al año" in body for body in bodies] == [True, False]


async def test_a_quote_becomes_the_contract_that_was_agreed(office: Office) -> None:
    """Its end with its hour, whether it renews, with which notice, and who pays first."""
    start = {"coverage_start_date": "2027-04-01", "coverage_start_time": "12:00"}
    agreed = {
        "coverage_end_date": "2027-10-01", "coverage_end_time": "12:00:00", "auto_renew": False,
        "notice_months": 2, "first_premium_agreed": True,
    }  # fmt: skip
    path = await accepted(office)
    for end in ("2027-04-01", "2027-03-31"):
        wish = {**start, "coverage_end_date": end}
        refused = await office.ask("lucia", "POST", f"{path}/convert", wish)
        (fault,) = refused.body["errors"]
        assert (refused.status, fault["loc"]) == (422, ["coverage_end_date"])
        assert fault["type"] == "bad_period"
    done = await office.do("lucia", "POST", f"{path}/convert", {**start, **agreed})
    assert {name: done["policy"][name] for name in agreed} == agreed
    # What is not said is as in any new policy: a life contract has its own notice.
    for line, notice in (("auto", 1), ("life", None)):
        made = await a_quote(
            office, quote_type=line, coverage_details={}, carrier="aldaba", mediation=MEDIATION,
            carrier_quotes=OFFERS,
        )  # fmt: skip
        for verb in ("send", "accept"):
            await office.do("lucia", "POST", f"/quotes/{made['quote_id']}/{verb}")
        by_id = {**start, "quote_id": made["quote_id"]}
        policy = (await office.do("lucia", "POST", "/quotes/convert", by_id))["policy"]
        assert (policy["auto_renew"], policy["notice_months"]) == (True, notice)


async def test_a_quote_is_converted_with_an_insurer_that_offered(office: Office) -> None:
    """At its offer's premium; the quote's own insurer at the quote's."""
    path = await accepted(office)
    start = {"coverage_start_date": "2027-04-01"}
    other = await office.do("alba", "PUT", "/insurers", {
        "key": "duero", "dgs_code": "C0909", "name": "Duero"})  # fmt: skip
    for carrier in (other["key"], "nobody"):
        body = {**start, "carrier": carrier}
        no = await office.ask("lucia", "POST", f"{path}/convert", body)
        assert (no.status, no.body["errors"][0]["type"]) == (422, "not_offered")
        assert no.body["errors"][0]["loc"] == ["carrier"]
    done = await office.do("lucia", "POST", f"{path}/convert", {**start, "carrier": "brisa"})
    policy = done["policy"]
    assert (policy["carrier"], policy["premium_amount"]["amount"]) == ("brisa", "433.00")
    assert policy["premium_net"] is None


@pytest.mark.parametrize("count", [1, 120])
async def test_late_tasks_are_counted_and_not_listed(office: Office, count: int) -> None:
    """However many there are; what is due later today is another figure, what is done is none."""
    days = ["2027-03-15T10:00:00Z"] * count + ["2027-03-16T20:00:00Z", "2027-03-17T10:00:00Z", None]
    for day in days:
        task = await office.do("lucia", "POST", "/tasks", {"title": "Llamar", "due_date": day})
    await office.do("marcos", "POST", "/tasks", {"title": "Suya", "due_date": days[0]})
    office.clock.set(datetime(2027, 3, 16, 9, tzinfo=UTC))
    assert await office.do("lucia", "GET", "/tasks/due") == {"overdue": count, "today": 1}
    late = await office.do("lucia", "GET", "/tasks?mine=true&open=true&due=overdue&limit=1")
    await office.do("lucia", "POST", f"/tasks/{late['items'][0]['task_id']}/complete")
    await office.do("lucia", "POST", f"/tasks/{task['task_id']}/cancel")
    assert await office.do("lucia", "GET", "/tasks/due") == {"overdue": count - 1, "today": 1}
