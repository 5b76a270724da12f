"""Who sees what of a file: a customer nothing that is the office's own."""

from __future__ import annotations

from typing import Any

import pytest

import db
from tests.integration.crm.conftest import Office, a_policy, agent_of, receipt_body
from tests.integration.crm.test_claims import SAYS, claim_body
from tests.integration.crm.test_contacts import talks
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, quote_body
from tests.integration.crm.test_workflows import a_workflow, begun, drive

OURS = "SECRETO"
"""Every text and sum below that is for the office alone holds it, or is 77.77 or 0.777."""
SUM = {"amount": "77.77"}


@pytest.fixture
async def paths(office: Office, conn: db.Connection) -> list[str]:
    """Of Ana, whose user is Ines: every route by which a customer reads."""
    ana = (
        await office.person(
            notes=OURS, metadata={"x": OURS}, tags=[OURS], lead_source="campaign_secreto"
        )
    )["customer_id"]
    policy = (await a_policy(office, customer_id=ana, notes=OURS, metadata={"x": OURS}))[
        "policy_id"
    ]
    await office.edit("lucia", f"/policies/{policy}", {"vehicle_make": "Seat", "reason": OURS})
    receipt = await office.do(
        "lucia",
        "POST",
        f"/policies/{policy}/receipts",
        receipt_body(commission=SUM, collected_by="broker"),
    )
    receipt = f"/receipts/{receipt['receipt_id']}"
    await office.do("lucia", "POST", f"{receipt}/move", {"state": "collected"})
    await office.do("lucia", "POST", f"{receipt}/settle", {"reference": OURS})
    claim = await office.do(
        "lucia", "POST", "/claims",
        claim_body(policy, reserve=SUM, notes=OURS, metadata={"x": OURS}),
    )  # fmt: skip
    claim = f"/claims/{claim['claim_id']}"
    await office.do("lucia", "POST", f"{claim}/notes", {"note": OURS})
    await office.do("lucia", "POST", f"{claim}/send", {"note": OURS})
    await office.do(
        "lucia", "POST", f"{claim}/documents", {"name": "Parte", "url": "https://x.example/1"}
    )
    await conn.execute("UPDATE claims SET fraud_score = 0.777")
    await office.do("lucia", "POST", "/tasks", {"title": OURS, "customer_id": ana})
    await office.do("lucia", "POST", "/quotes", quote_body(ana, notes=OURS, metadata={"x": OURS}))
    sent = await office.do(
        "lucia", "POST", "/quotes",
        quote_body(ana, notes=OURS, carrier="aldaba", mediation=MEDIATION, carrier_quotes=OFFERS),
    )  # fmt: skip
    await office.do("lucia", "POST", f"/quotes/{sent['quote_id']}/send")
    await office.listen()
    home = await office.do("lucia", "POST", "/households", {"name": "Sanz", "members": [ana]})
    await conn.execute(
        "UPDATE customers SET user_id = $1, segment = 'vip_secreto'", office.people["ines"].user_id
    )
    await conn.execute(
        "UPDATE customer_letters SET body = $1 WHERE state NOT IN ('queued', 'sent')", OURS
    )
    file = f"/customers/{ana}"
    return [
        file, "/customers", "/customers/search?q=beltran", f"{file}/stats", f"{file}/timeline",
        f"{file}/letters", f"/households/{home['household_id']}",
        "/policies", f"/policies/{policy}", f"/policies/{policy}/versions",
        f"/policies/{policy}/receipts", "/claims", claim, f"{claim}/events",
        "/quotes", f"/quotes/{sent['quote_id']}",
    ]  # fmt: skip


async def test_a_customer_sees_nothing_that_is_the_office_s(
    office: Office, paths: list[str]
) -> None:
    seen: dict[str, Any] = {path: await office.do("ines", "GET", path) for path in paths}
    told = {path: str(body) for path, body in seen.items()}
    wrong = [
        path
        for path, text in told.items()
        if any(word in text.lower() for word in ("secreto", "77.77", "0.777"))
    ]
    assert wrong == []
    own = list(seen.values())
    office_s = [await office.do("lucia", "GET", path) for path in paths]
    file, _, _, stats, timeline, letters = range(6)
    assert (own[stats]["lifetime_value"], own[stats]["open_tasks"]) == (None, None)
    assert own[stats]["open_quotes"] == 1 < office_s[stats]["open_quotes"]
    kinds = [each["kind"] for each in own[timeline]["items"]]
    assert sorted(kinds) == ["claim", "policy", "quote", "receipt"]
    assert {"task"} < {each["kind"] for each in office_s[timeline]["items"]}
    assert len(office_s[letters]["items"]) > len(own[letters]["items"])
    assert [each["kind"] for each in seen[paths[13]]["items"]] == ["moved", "moved", "document"]
    assert seen[paths[12]]["documents"][0]["name"] == "Parte"
    assert (office_s[file]["notes"], own[file]["first_name"]) == (OURS, "Ana")


async def test_while_the_gate_is_closed_no_answer_speaks_of_health(
    office: Office, conn: db.Connection
) -> None:
    """Whatever is read or written, and whoever handles it; open, all of it is there again."""
    ana = await office.person(mobile="600550010", dni="12345678Z", birth_date="1980-05-01")
    made = await a_policy(
        office, customer_id=ana["customer_id"], policy_type="health", notes=OURS,
        covers=[OURS], metadata={"x": OURS}, vehicle_plate=None,
    )  # fmt: skip
    policy = f"/policies/{made['policy_id']}"
    made = await office.do(
        "lucia", "POST", "/claims",
        claim_body(
            made["policy_id"], cause="other", description=OURS, notes=OURS, metadata={"x": OURS},
            adjuster_id=str(agent_of(office, "sara")),
        ),
    )  # fmt: skip
    claim = f"/claims/{made['claim_id']}"
    made = await office.do(
        "lucia", "POST", "/quotes",
        quote_body(
            ana["customer_id"], quote_type="life", coverage_details={"x": OURS}, notes=OURS,
            mediation={**MEDIATION, "needs": OURS},
        ),
    )  # fmt: skip
    quote = f"/quotes/{made['quote_id']}"
    told = {"type": "send_email", "config": {"subject": OURS, "body": OURS}}
    run = await begun(office, await a_workflow(office, [told]), claim_id=claim.split("/")[-1])
    await drive(office, run)
    await office.listen("crm.letters")
    await conn.execute("UPDATE customer_letters SET state = 'sent', sent_at = now()")
    file = f"/customers/{ana['customer_id']}"
    await office.do("lucia", "POST", f"{claim}/notes", {"note": OURS})
    await office.do("lucia", "POST", f"{claim}/send", {"note": OURS, "insurer_reference": "X-1"})
    await office.do("lucia", "POST", f"{claim}/deny", {"reason": OURS, "note": OURS, **SAYS})

    async def speaks(who: str) -> set[str]:
        answers = {p: await office.do(who, "GET", p) for p in (policy, claim, quote)}
        for path in (
            f"{policy}/versions", f"{claim}/events", f"{file}/letters", f"{file}/timeline",
        ):  # fmt: skip
            answers[path] = await office.do(who, "GET", path)
        if who != "sara":  # who handles the claim and has no part in the portfolio
            for path in (policy, claim, quote):
                answers[f"{path} PATCH"] = await office.do(
                    who, "PATCH", path, {}, **{"If-Match": "*"}
                )
        return {path for path, body in answers.items() if OURS in str(body)}

    everything = await speaks("lucia")
    assert everything == {
        policy, claim, quote, f"{policy}/versions", f"{claim}/events", f"{file}/letters",
        f"{file}/timeline", f"{policy} PATCH", f"{claim} PATCH", f"{quote} PATCH",
    }  # fmt: skip
    assert await speaks("sara") == {claim, f"{claim}/events"}
    interaction = await talks(office, conn, "pablo", "+34600550010")
    assert await speaks("pablo") == set()
    await talks(office, conn, "sara", "+34600550010")
    assert await speaks("sara") == set(), "she has the customer on the line, not yet known"
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("pablo", "POST", f"/interactions/{interaction}/identity", right)
    assert await speaks("pablo") == everything
    await conn.execute(
        "UPDATE segments SET state = 'ended', ended_at = now() WHERE agent_id = $1",
        agent_of(office, "sara"),
    )
    assert claim in await speaks("sara")


async def test_while_the_gate_is_closed_no_list_says_what_a_claim_of_health_is(
    office: Office, conn: db.Connection
) -> None:
    """Of the same customer's car, everybody may read it."""
    known = {"mobile": "600550010", "dni": "12345678Z", "birth_date": "1980-05-01"}
    ana = (await office.person(**known))["customer_id"]
    health = await a_policy(office, customer_id=ana, policy_type="health", vehicle_plate=None)
    car = await a_policy(office, customer_id=ana)
    for policy, cause, hurt in ((health, "illness", False), (car, "glass", True)):
        body = claim_body(policy["policy_id"], claim_type=cause, cause=cause, injuries=hurt)
        await office.do("lucia", "POST", "/claims", body)

        about = {"title": cause, "description": cause, "policy_id": policy["policy_id"]}
        await office.do("lucia", "POST", "/tasks", about)

    async def told(who: str) -> set[tuple[Any, ...]]:
        rows = (await office.do(who, "GET", f"/claims?customer_id={ana}"))["items"]
        said: set[tuple[Any, ...]] = {(row["cause"], row["claim_type"]) for row in rows}
        for row in rows:
            card = await office.do(who, "GET", f"/claims/{row['claim_id']}")
            said.add((card["cause"], card["injuries"]))
        timeline = (await office.do(who, "GET", f"/customers/{ana}/timeline"))["items"]
        glance = await office.do(who, "GET", f"/customers/{ana}/file")
        said |= {(each["outcome"],) for each in timeline if each["kind"] == "claim"}
        said |= {(each["cause"], each["claim_type"]) for each in glance["claims"]}
        for row in (await office.do(who, "GET", f"/tasks?customer_id={ana}"))["items"]:
            card = await office.do(who, "GET", f"/tasks/{row['task_id']}")
            said |= {("task", row["title"]), ("task", card["description"])}
        said |= {("task", each["title"]) for each in glance["tasks"]}
        asked = await office.do(who, "GET", f"/claims?customer_id={ana}&cause=illness")
        return said | {("asked", row["cause"]) for row in asked["items"]}

    of_car: set[tuple[Any, ...]] = {
        ("glass", "glass"), ("glass", True), ("glass",), ("task", "glass"),
    }  # fmt: skip
    of_health: set[tuple[Any, ...]] = {
        ("illness", "illness"), ("illness", False), ("illness",), ("asked", "illness"),
        ("task", "illness"),
    }  # fmt: skip
    hidden: set[tuple[Any, ...]] = {("•••", "•••"), ("•••", None), (None,), ("task", "•••")}
    assert await told("lucia") == await told("elena") == of_car | of_health
    assert await told("pablo") == of_car | hidden
    interaction = await talks(office, conn, "lucia", "+34600550010")
    assert await told("lucia") == of_car | hidden, "she has the customer on the line, not yet known"
    task = await conn.fetchval("SELECT id FROM tasks WHERE title = 'illness'")
    edits: list[dict[str, Any]] = [
        {"title": "flu"}, {"description": "x"}, {"tags": []}, {"metadata": {"a": "b"}},
    ]  # fmt: skip
    for edit in edits:
        answer = await office.ask("lucia", "PATCH", f"/tasks/{task}", edit, **{"If-Match": "*"})
        assert (answer.status, answer.body["errors"][0]["type"]) == (422, "hidden"), edit
    await office.edit("lucia", f"/tasks/{task}", {"priority": "high"})
    right = {"document": "678Z", "birth_date": "1980-05-01"}
    await office.do("lucia", "POST", f"/interactions/{interaction}/identity", right)
    assert (await office.edit("lucia", f"/tasks/{task}", edits[0]))["title"] == "flu"


async def test_a_verified_user_is_linked_to_one_file(office: Office, conn: db.Connection) -> None:
    ana, eva = [(await office.person(first_name=name))["customer_id"] for name in ("Ana", "Eva")]
    path, mail = f"/customers/{ana}", {"email": "INES@example.com"}
    assert (await office.ask("ines", "GET", path)).status == 404
    assert (await office.ask("lucia", "PUT", f"{path}/user", mail)).status == 403

    async def linked(file: str, body: dict[str, Any]) -> tuple[int, str | None]:
        answer = await office.ask("elena", "PUT", f"{file}/user", body, **{"If-Match": "*"})
        return answer.status, answer.body.get("ctx", {}).get("reason")

    assert await linked(path, mail) == (409, "unfit")
    assert await linked(path, {"email": "nobody@example.com"}) == (422, None)
    await conn.execute("UPDATE users SET email_verified = true")
    assert await linked(path, {"email": "lucia@example.com"}) == (409, "unfit")
    assert await linked(path, mail) == (200, None)
    assert await linked(f"/customers/{eva}", mail) == (409, "linked")
    assert (await office.do("ines", "GET", path))["signs_in"] is True
    assert (await office.do("lucia", "GET", path))["signs_in"] is True
    assert await linked(path, {"email": None}) == (200, None)
    assert (await office.ask("ines", "GET", path)).status == 404


async def test_a_mask_that_comes_back_is_never_stored(office: Office, conn: db.Connection) -> None:
    ana = await office.person(
        mobile="600550010",
        dni="12345678Z",
        birth_date="1980-05-01",
        iban="ES9121000418450200051332",
    )
    file = f"/customers/{ana['customer_id']}"
    made = await a_policy(
        office, customer_id=ana["customer_id"], policy_type="health", notes=OURS, covers=[OURS],
        metadata={"x": OURS}, vehicle_plate=None,
    )  # fmt: skip
    policy = f"/policies/{made['policy_id']}"
    made = await office.do(
        "lucia", "POST", "/claims", claim_body(made["policy_id"], cause="other", injuries=True)
    )
    claim = f"/claims/{made['claim_id']}"
    made = await office.do(
        "lucia", "POST", "/quotes",
        quote_body(ana["customer_id"], quote_type="life", coverage_details={"x": OURS}),
    )  # fmt: skip
    quote = f"/quotes/{made['quote_id']}"
    await talks(office, conn, "pablo", "+34600550010")

    async def refused(method: str, path: str, body: dict[str, Any]) -> None:
        answer = await office.ask("pablo", method, path, body, **{"If-Match": "*"})
        (fault, *_) = answer.body["errors"]
        assert (answer.status, fault["type"]) == (422, "masked_value"), (path, body, answer.body)
        assert fault["loc"][0] == next(iter(body))

    shown = await office.do("pablo", "GET", file)
    assert shown["masked"]
    assert shown["dni"].startswith("•••")
    for name in ("dni", "iban", "birth_date"):
        await refused("PATCH", file, {name: shown[name]})
    for path, names in (
        (file, ("tax_id", "notes", "address_line1")),
        (policy, ("notes", "vehicle_plate", "property_address", "reason")),
        (claim, ("notes", "description", "location", "denial_reason")),
        (quote, ("notes",)),
    ):
        for name in names:
            answer = await office.ask("pablo", "PATCH", path, {name: "•••"}, **{"If-Match": "*"})
            assert answer.status == 422, (path, name)
            if name != "denial_reason":  # which no edit changes
                assert answer.body["errors"][0]["type"] == "masked_value", (path, name)
    await refused("PATCH", file, {"tags": ["•••"]})
    await refused("PATCH", file, {"metadata": {"x": {"y": "•••"}}})
    # What the gate shows empty is not emptied by whoever cannot see it.
    for path, body in (
        (policy, {"covers": []}), (policy, {"metadata": {}}), (claim, {"injuries": None}),
        (quote, {"coverage_details": {}}),
    ):  # fmt: skip
        assert (await office.ask("pablo", "PATCH", path, body, **{"If-Match": "*"})).status == 422
    for name in ("number", "settlement"):
        body = receipt_body() | {name: "•••"}
        answer = await office.ask("pablo", "POST", f"{policy}/receipts", body)
        assert answer.status == 422
    await refused("POST", f"{claim}/notes", {"note": "•••"})
    # With the gate open it is the one who sees it that empties it.
    emptied = await office.edit("elena", file, {"birth_date": None})
    assert emptied["birth_date"] is None
    assert (await office.do("elena", "GET", policy))["covers"] == [OURS]
