from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db
from contactcenter.core.ids import new_id
from crm.claims.model import EDGES, choose_handler
from crm.claims.store import handlers
from tests.integration.crm.conftest import Office, a_policy, agent_of, receipt_body

SAYS: dict[str, Any] = {"insurer_reference": "CARTA-1"}  # what records an insurer's decision
PROOF: dict[str, Any] = {"document": "https://x.example/pago"}


def claim_body(policy_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "policy_id": policy_id,
        "claim_type": "collision",
        "cause": "collision",
        "incident_date": "2027-03-10T08:30:00+01:00",
        "description": "Golpe por detrás en un semáforo.",
        **fields,
    }


async def a_claim(office: Office, who: str = "lucia", **fields: Any) -> dict[str, Any]:
    policy = await a_policy(office, who)
    made: dict[str, Any] = await office.do(
        who, "POST", "/claims", claim_body(policy["policy_id"], **fields)
    )
    return made


async def skilled(office: Office, conn: db.Connection, skill: str = "SA") -> None:
    """Marcos and Pablo handle cars; only Pablo is here."""
    await conn.execute(
        "INSERT INTO skills (key, name_es, name_en) VALUES ($1, $1, $1) ON CONFLICT DO NOTHING",
        skill,
    )
    for name in ("marcos", "pablo"):
        await conn.execute(
            "INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, $2, 4)",
            agent_of(office, name), skill,
        )  # fmt: skip
    await conn.execute(
        "UPDATE agents SET status = 'available' WHERE id = $1", agent_of(office, "pablo")
    )


async def test_a_claims_life(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    made = await a_claim(office, motor={"statement_signed": True, "other_plate": "9876 zzz"})
    path = f"/claims/{made['claim_id']}"
    assert made["claim_number"] == "S-2027-000001"
    assert (made["status"], made["payer"], made["next"]) == (
        "reported",
        "insurer",
        ["investigating"],
    )
    assert made["motor"]["agreement"] == "cide"
    assert made["coverage"]["answer"] == "covered"
    assert made["adjuster_id"] == str(agent_of(office, "pablo"))
    assert [(c["name"], c["due_on"]) for c in made["clocks"]] == [
        ("report", "2027-03-17"), ("default_interest", "2027-06-10"),
    ]  # fmt: skip
    # its handler writes in it although the customer is of another team
    sent = await office.do("pablo", "POST", f"{path}/send", {"insurer_reference": "X-1"})
    assert (sent["status"], sent["insurer_reference"]) == ("investigating", "X-1")
    visited = await office.edit(
        "pablo", path, {"perito_name": "Perito Sanz", "reserve": {"amount": "900.00"}}
    )
    assert (visited["perito_name"], visited["reserve"]["amount"]) == ("Perito Sanz", "900.00")
    assert (await office.ask("pablo", "POST", f"{path}/deny", {})).status == 422
    yes = await office.do(
        "pablo", "POST", f"{path}/approve",
        {"amount": {"amount": "850.00"}, "decided_on": "2027-03-16", "note": "carta", **SAYS},
    )  # fmt: skip
    assert (yes["status"], yes["decided_by"]) == ("approved", "insurer")
    more = await office.ask(
        "pablo", "POST", f"{path}/pay", {"amount": {"amount": "850.01"}, **PROOF}
    )
    assert more.status == 422
    paid = await office.do(
        "pablo", "POST", f"{path}/pay", {"amount": {"amount": "850.00"}, **PROOF}
    )
    assert (paid["status"], paid["next"]) == ("paid", ["reopened"])
    again = await office.do(
        "pablo", "POST", f"{path}/status", {"status": "reopened", "note": "más daños"}
    )
    assert (again["status"], again["decided_by"]) == ("reopened", None)
    taken = await office.do(
        "pablo", "POST", f"{path}/status", {"status": "investigating", "note": "ampliación"}
    )
    assert taken["status"] == "investigating"
    no = await office.do("pablo", "POST", f"{path}/deny", {"reason": "no cubierto", **SAYS})
    assert (no["status"], no["denial_reason"]) == ("denied", "no cubierto")
    await office.do("pablo", "POST", f"{path}/notes", {"note": "Avisado el cliente."})
    await office.do(
        "pablo", "POST", f"{path}/documents", {"name": "Parte", "url": "https://x.example/1"}
    )
    history = await office.do("lucia", "GET", f"{path}/events")
    assert [each["after"] for each in history["items"] if each["kind"] == "moved"] == [
        "reported", "investigating", "approved", "paid", "reopened", "investigating", "denied",
    ]  # fmt: skip
    names = [e.event.name for e in await office.events() if e.event.name.startswith("claim.")]
    assert names == [
        "claim.created", "claim.assigned", "claim.sent", "claim.updated", "claim.approved",
        "claim.paid", "claim.reopened", "claim.resumed", "claim.denied", "claim.updated",
        "claim.updated",
    ]  # fmt: skip
    found = await office.do("elena", "GET", "/claims?q=9876&open=false")
    assert [each["claim_id"] for each in found["items"]] == [made["claim_id"]]


async def test_the_handler_with_the_fewest_open_claims_is_chosen(
    office: Office, conn: db.Connection
) -> None:
    """The database counts: what is denied or paid weighs nothing."""
    await skilled(office, conn)
    marcos, pablo = (agent_of(office, name) for name in ("marcos", "pablo"))
    await conn.execute("UPDATE agents SET status = 'available' WHERE id = $1", marcos)
    await conn.execute("UPDATE agent_skills SET level = 5 WHERE agent_id = $1", marcos)
    policy = (await a_policy(office))["policy_id"]

    async def opened() -> dict[str, Any]:
        made: dict[str, Any] = await office.do("elena", "POST", "/claims", claim_body(policy))
        return made

    claims = [await opened() for _ in range(4)]
    assert [each["adjuster_id"] for each in claims] == [
        str(each) for each in (marcos, pablo, marcos, pablo)  # equal loads: the higher level
    ]  # fmt: skip
    for each in (claims[1], claims[3]):
        path = f"/claims/{each['claim_id']}"
        await office.do("elena", "POST", f"{path}/send", {})
        no = {"reason": "no cubierto", "insurer_reference": "X-1"}
        await office.do("elena", "POST", f"{path}/deny", no)
    assert [(await opened())["adjuster_id"] for _ in range(2)] == [str(pablo)] * 2
    assert (await opened())["adjuster_id"] == str(marcos)


MOVES: dict[str, tuple[str, dict[str, Any]]] = {
    "investigating": ("send", {"insurer_reference": "X-1"}),
    "approved": ("approve", {"amount": {"amount": "1.00"}, **SAYS}),
    "denied": ("deny", {"reason": "x", **SAYS}),
    "paid": ("pay", {"amount": {"amount": "1.00"}, **PROOF}),
    "reopened": ("status", {"status": "reopened", "note": "x"}),
}


async def test_every_other_move_is_refused(office: Office) -> None:
    """A machine: from each state each move, and the answer that the edges say."""
    claim = await a_claim(office)
    path, state = f"/claims/{claim['claim_id']}", "reported"
    for to in (
        "investigating",
        "approved",
        "paid",
        "reopened",
        "investigating",
        "denied",
        "reopened",
    ):
        for other, (verb, body) in MOVES.items():
            if other in EDGES[state]:  # type: ignore[index]
                continue
            refused = await office.ask("lucia", "POST", f"{path}/{verb}", body)
            assert refused.status == 409, (state, other, refused.body)
            assert refused.body["ctx"]["status"] == state
        verb, body = MOVES[to]
        moved = await office.do("lucia", "POST", f"{path}/{verb}", body)
        assert moved["status"] == to
        state = to


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(sorted(MOVES)), min_size=3, max_size=10))
async def test_whatever_is_tried_the_edges_hold(office: Office, moves: list[str]) -> None:
    claim = await a_claim(office)
    path, state = f"/claims/{claim['claim_id']}", "reported"
    for to in moves:
        verb, body = MOVES[to]
        answer = await office.ask("lucia", "POST", f"{path}/{verb}", body)
        if to in EDGES[state]:  # type: ignore[index]
            assert (answer.status, answer.body["status"]) == (200, to)
            state = to
        else:
            assert answer.status == 409
    assert (await office.do("lucia", "GET", path))["status"] == state


async def test_what_is_not_covered_is_reported_all_the_same(office: Office) -> None:
    policy = await a_policy(office)
    await office.do("lucia", "POST", f"/policies/{policy['policy_id']}/receipts", receipt_body())
    suspended = await office.do("lucia", "POST", "/claims", claim_body(policy["policy_id"]))
    assert (suspended["coverage"]["answer"], suspended["coverage"]["why"]) == (
        "suspended", "premium_unpaid",
    )  # fmt: skip
    before = await office.do(
        "lucia", "POST", "/claims",
        claim_body(policy["policy_id"], incident_date="2026-12-31T10:00:00Z", cause="flood"),
    )  # fmt: skip
    assert (before["coverage"]["why"], before["payer"]) == ("before_effect", "consorcio")
    assert before["clocks"][0] == {"name": "report", "due_on": "2027-01-07", "state": "late"}


@pytest.mark.parametrize(
    ("fields", "where", "kind"),
    [
        ({"incident_date": "2027-03-17T00:00:00Z"}, "incident_date", "in_future"),
        ({"known_on": "2027-03-09"}, "known_on", "bad_day"),
        ({"known_on": "2027-03-17"}, "known_on", "bad_day"),
        ({"policy_id": str(new_id())}, "policy_id", "unknown_policy"),
        ({"adjuster_id": str(new_id())}, "adjuster_id", "unknown_agent"),
        ({"interaction_id": str(new_id())}, "interaction_id", "unknown_interaction"),
        ({"description": ""}, "description", "string_too_short"),
        ({"cause": "aliens"}, "cause", "literal_error"),
        ({"reserve": {"amount": "-1"}}, "reserve", "negative_amount"),
        ({"incident_date": "2027-03-10T08:00:00"}, "incident_date", "timezone_aware"),
    ],
)
async def test_bad_claims(office: Office, fields: dict[str, Any], where: str, kind: str) -> None:
    policy = await a_policy(office)
    body = claim_body(policy["policy_id"]) | fields
    answer = await office.ask("lucia", "POST", "/claims", body)
    assert answer.status == 422, answer.body
    error = answer.body["errors"][0]
    assert (error["loc"][0], error["type"]) == (where, kind)


async def test_nothing_can_be_emptied_that_is_needed(office: Office) -> None:
    claim = await a_claim(office)
    for field in ("description", "payer"):
        answer = await office.ask(
            "lucia", "PATCH", f"/claims/{claim['claim_id']}", {field: None}, **{"If-Match": "*"}
        )
        assert answer.status == 422


async def test_whoever_was_disabled_is_given_no_claim(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    await conn.execute(
        "UPDATE users SET status = 'disabled' WHERE id = $1", office.people["pablo"].user_id
    )
    assert (await a_claim(office))["adjuster_id"] == str(agent_of(office, "marcos"))


async def test_a_deputy_is_named_and_stands_in(office: Office, conn: db.Connection) -> None:
    await skilled(office, conn)
    await conn.execute("UPDATE agents SET status = 'available' WHERE name = 'lucia'")
    await conn.execute("UPDATE agents SET status = 'away' WHERE name = 'pablo'")
    lucia, marcos = (str(agent_of(office, name)) for name in ("lucia", "marcos"))
    wish, whatever = {"agent_id": marcos, "deputy_id": lucia}, {"If-Match": "*"}
    assert (await office.ask("lucia", "PUT", "/handler-deputies", wish)).status == 403
    for bad in ({"deputy_id": marcos}, {"deputy_id": str(new_id())}, {"agent_id": str(new_id())}):
        answer = await office.ask("elena", "PUT", "/handler-deputies", {**wish, **bad}, **whatever)
        assert answer.status == 422
    await conn.execute("UPDATE agents SET team = 'north' WHERE name = 'lucia'")
    await office.do("elena", "PUT", "/handler-deputies", wish, **whatever)
    (row,) = (await office.do("lucia", "GET", "/handler-deputies"))["items"]
    assert (row["agent_name"], row["deputy_name"]) == ("marcos", "lucia")
    away = choose_handler(await handlers(conn, "SA", date(2027, 3, 16)))
    assert away == (agent_of(office, "marcos"), "chosen"), "the deputy has not the skill"
    # Whoever is limited to a team neither reads nor names an agent of another.
    for team, seen in (("north", 1), ("south", 0)):
        office.people["nora"] = replace(office.people["elena"], teams=frozenset({team}))
        assert len((await office.do("nora", "GET", "/handler-deputies"))["items"]) == seen
    pablo = str(agent_of(office, "pablo"))
    for mixed in ({"agent_id": pablo, "deputy_id": lucia}, {"agent_id": lucia, "deputy_id": pablo}):
        answer = await office.ask("nora", "PUT", "/handler-deputies", mixed, **whatever)
        assert answer.status == 403
    await conn.execute(
        "INSERT INTO agent_skills (agent_id, skill, level) VALUES ($1, 'SA', 1)", UUID(lucia)
    )
    await a_claim(office)
    nobody = {**wish, "deputy_id": None}
    none = await office.do("elena", "PUT", "/handler-deputies", nobody, **whatever)
    assert none["items"] == []


async def test_a_decision_and_a_payment_have_references_of_their_own(office: Office) -> None:
    """Beside the claim's number at the insurer, until the claim is opened again."""
    claim = await a_claim(office)
    path = f"/claims/{claim['claim_id']}"
    await office.do("lucia", "POST", f"{path}/send", {"insurer_reference": "ALD-77"})
    yes = {"amount": {"amount": "10"}, "decision_reference": "CARTA-9", "note": "por correo"}
    done = await office.do("lucia", "POST", f"{path}/approve", yes)
    assert (done["decision_reference"], done["insurer_reference"]) == ("CARTA-9", "ALD-77")
    paid = {"amount": {"amount": "10"}, "reference": "TRANSF-3", **PROOF}
    done = await office.do("lucia", "POST", f"{path}/pay", paid)
    assert (done["payment_reference"], done["decision_reference"]) == ("TRANSF-3", "CARTA-9")
    told = [e["note"] for e in (await office.do("lucia", "GET", f"{path}/events"))["items"]]
    assert {"CARTA-9 · por correo", "TRANSF-3"} <= set(told)
    again = await office.do(
        "lucia", "POST", f"{path}/status", {"status": "reopened", "note": "más daños"}
    )
    assert (again["decision_reference"], again["payment_reference"]) == (None, None)
    assert again["insurer_reference"] == "ALD-77"
    await office.do("lucia", "POST", f"{path}/send", {})
    for empty in ("", "x" * 101):
        no = {"reason": "x", "decision_reference": empty}
        assert (await office.ask("lucia", "POST", f"{path}/deny", no)).status == 422


async def test_the_law_s_clocks_run_to_the_day_of_the_payment(office: Office) -> None:
    """It is noted late, and was on the last of the forty days; a denial's day is its own."""
    claim = await a_claim(office)
    path = f"/claims/{claim['claim_id']}"
    await office.do("lucia", "POST", f"{path}/send", {"insurer_reference": "X-1"})
    await office.do("lucia", "POST", f"{path}/approve", {"amount": {"amount": "10"}, **SAYS})
    office.clock.advance(60 * 86_400)
    body = {"amount": {"amount": "10"}, "document": "https://x.example/pago"}
    for day in ("2027-03-09", "2027-05-16"):
        answer = await office.ask("lucia", "POST", f"{path}/pay", {**body, "paid_on": day})
        assert answer.status == 422
    paid = await office.do("lucia", "POST", f"{path}/pay", {**body, "paid_on": "2027-04-25"})
    assert (paid["paid_on"], paid["payment_document"]) == ("2027-04-25", body["document"])
    clocks = {each["name"]: (each["due_on"], each["state"]) for each in paid["clocks"]}
    assert clocks["minimum_payment"] == ("2027-04-25", "met")
    again = await office.do(
        "lucia", "POST", f"{path}/status", {"status": "reopened", "note": "más daños"}
    )
    assert (again["paid_on"], again["payment_document"]) == (None, None)
    await office.do("lucia", "POST", f"{path}/send", {"insurer_reference": "X-1"})
    no = await office.do(
        "lucia",
        "POST",
        f"{path}/deny",
        {"reason": "no cubierto", "decided_on": "2027-04-20", **SAYS},
    )
    states = {each["name"]: each["state"] for each in no["clocks"]}
    assert states["minimum_payment"] == "met"


async def delegated(office: Office) -> str:
    """A claim that is being investigated, of an insurer that lets us decide up to 5,000."""
    await office.do(
        "elena", "PUT", "/delegated-authorities",
        {"carrier": "aldaba", "policy_type": "auto", "valid_from": "2027-01-01",
         "max_amount": {"amount": "5000"}, "four_eyes_above": {"amount": "1000"}},
        **{"If-Match": "*"},
    )  # fmt: skip
    claim = await a_claim(office)
    await office.do("lucia", "POST", f"/claims/{claim['claim_id']}/send", {})
    return f"/claims/{claim['claim_id']}"


def yes(amount: str) -> dict[str, Any]:
    return {"amount": {"amount": amount}, "decided_by": "delegated"}


async def test_limits_and_four_eyes(office: Office) -> None:
    path = await delegated(office)
    for who, amount, status, verdict in (
        ("lucia", "100", 403, "over_limit"),
        ("elena", "5000.01", 409, "over_authority"),
    ):
        refused = await office.ask(who, "POST", f"{path}/approve", yes(amount))
        assert (refused.status, refused.body["ctx"]["verdict"]) == (status, verdict)
    first = await office.do("elena", "POST", f"{path}/approve", yes("2000"))
    assert first["status"] == "investigating"
    assert [each["amount"]["amount"] for each in first["approvals"]] == ["2000.00"]
    same = await office.ask("elena", "POST", f"{path}/approve", yes("2000"))
    assert (same.status, same.body["ctx"]["verdict"]) == (409, "same_person")
    other = await office.ask("alba", "POST", f"{path}/approve", yes("2001"))
    assert other.body["ctx"]["verdict"] == "amount_differs"
    second = await office.do("alba", "POST", f"{path}/approve", yes("2000"))
    assert (second["status"], second["decided_by"]) == ("approved", "delegated")


async def test_another_sum_takes_the_place_of_one_s_own(office: Office) -> None:
    path = await delegated(office)
    for amount in ("2000", "1900"):
        first = await office.do("elena", "POST", f"{path}/approve", yes(amount))
        assert first["status"] == "investigating"
        assert [each["amount"]["amount"] for each in first["approvals"]] == [f"{amount}.00"]
    old = await office.ask("alba", "POST", f"{path}/approve", yes("2000"))
    assert old.body["ctx"]["verdict"] == "amount_differs"
    small = await office.do("elena", "POST", f"{path}/approve", yes("900"))
    assert (small["status"], small["approved_amount"]["amount"]) == ("approved", "900.00")


async def test_two_approvals_at_once_approve_once(office: Office) -> None:
    path = await delegated(office)
    answers = await asyncio.gather(
        *(office.ask(who, "POST", f"{path}/approve", yes("2000")) for who in ("elena", "alba")),
        *(office.ask("elena", "POST", f"{path}/approve", yes("2000")) for _ in range(2)),
    )
    assert {answer.status for answer in answers} <= {200, 409}
    assert (await office.do("elena", "GET", path))["status"] == "approved"
    assert len(await office.events("claim.approved")) == 1


async def test_customers_see_their_own_claims(office: Office, conn: db.Connection) -> None:
    claim = await a_claim(office)
    path = f"/claims/{claim['claim_id']}"
    assert (await office.ask("ines", "GET", path)).status == 404
    await conn.execute(
        "UPDATE customers SET user_id = $2 WHERE id = $1",
        claim["customer_id"], office.people["ines"].user_id,
    )  # fmt: skip
    assert (await office.do("ines", "GET", path))["claim_id"] == claim["claim_id"]
    assert (await office.ask("sara", "POST", f"{path}/send", {})).status == 403


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "paid"},
        {"approved_amount": {"amount": "1"}},
        {"adjuster_id": "00000000-0000-7000-8000-000000000000"},
    ],
)
async def test_what_only_a_move_changes(office: Office, fields: dict[str, Any]) -> None:
    path = f"/claims/{(await a_claim(office))['claim_id']}"
    answer = await office.ask("lucia", "PATCH", path, fields, **{"If-Match": "*"})
    assert (answer.status, answer.body["errors"][0]["type"]) == (422, "extra_forbidden")
    assert (await office.ask("lucia", "PATCH", path, {"notes": "x"})).status == 428


@pytest.mark.parametrize(("who", "over", "limit"), [
    ("sara", "3000.01", "3000"), ("elena", "15000.01", "15000"), ("alba", "15000.01", "15000"),
])  # fmt: skip
async def test_each_role_has_its_limit(office: Office, who: str, over: str, limit: str) -> None:
    await office.do(
        "elena", "PUT", "/delegated-authorities",
        {"carrier": "aldaba", "policy_type": "auto", "valid_from": "2027-01-01",
         "max_amount": {"amount": "20000"}, "four_eyes_above": {"amount": "20000"}},
        **{"If-Match": "*"},
    )  # fmt: skip
    path = f"/claims/{(await a_claim(office))['claim_id']}"
    await office.do("lucia", "POST", f"{path}/send", {})
    sara = {"adjuster_id": str(agent_of(office, "sara"))}
    await office.do("elena", "POST", f"{path}/assign", sara)
    refused = await office.ask(who, "POST", f"{path}/approve", yes(over))
    assert (refused.status, refused.body["ctx"]["verdict"]) == (403, "over_limit")
    assert (await office.do(who, "POST", f"{path}/approve", yes(limit)))["status"] == "approved"


async def test_a_delegated_no(office: Office) -> None:
    path = f"/claims/{(await a_claim(office))['claim_id']}"
    await office.do("lucia", "POST", f"{path}/send", {})
    no = {"reason": "No está cubierto", "decided_by": "delegated"}
    for who, status, verdict in (("lucia", 403, "over_limit"), ("elena", 409, "no_authority")):
        refused = await office.ask(who, "POST", f"{path}/deny", no)
        assert (refused.status, refused.body["ctx"]["verdict"]) == (status, verdict)
    await office.do(
        "elena", "PUT", "/delegated-authorities",
        {"carrier": "aldaba", "policy_type": "auto", "valid_from": "2027-01-01",
         "max_amount": {"amount": "5000"}, "four_eyes_above": {"amount": "1000"}},
        **{"If-Match": "*"},
    )  # fmt: skip
    denied = await office.do("elena", "POST", f"{path}/deny", no)
    assert (denied["status"], denied["decided_by"]) == ("denied", "delegated")


async def test_the_agreement_follows_what_it_depends_on(office: Office) -> None:
    made = await a_claim(office, motor={"statement_signed": True, "other_plate": "9876 ZZZ"})
    path = f"/claims/{made['claim_id']}"
    assert made["motor"]["agreement"] == "cide"
    hurt = await office.edit("lucia", path, {"injuries": True})
    assert hurt["motor"]["agreement"] == "none"
    fine = await office.edit("lucia", path, {"injuries": False, "motor": hurt["motor"]})
    assert fine["motor"]["agreement"] == "cide"  # given back as it was shown
    more = await office.edit("lucia", path, {"motor": {**fine["motor"], "vehicles": 3}})
    assert more["motor"]["agreement"] == "none"
    by_hand = await office.edit("lucia", path, {"motor": {**more["motor"], "agreement": "ascide"}})
    assert by_hand["motor"]["agreement"] == "ascide"
    kept = await office.edit("lucia", path, {"injuries": True})
    assert kept["motor"]["agreement"] == "ascide"


@pytest.mark.parametrize("verb", ["approve", "deny"])
async def test_the_insurers_decision_has_something_that_says_so(office: Office, verb: str) -> None:
    said = {"reason": "No está cubierto"} if verb == "deny" else {"amount": {"amount": "100.00"}}
    paths = []
    for _ in range(3):
        paths.append(f"/claims/{(await a_claim(office))['claim_id']}")
        await office.do("lucia", "POST", f"{paths[-1]}/send", {})
    refused = await office.ask("lucia", "POST", f"{paths[0]}/{verb}", said)
    (error,) = refused.body["errors"]
    assert (refused.status, error["type"]) == (422, "no_evidence")
    assert error["loc"][-1] == "decision_document"
    for path, field, value in (
        (paths[0], "decision_document", "https://aseguradora.example/carta.pdf"),
        (paths[1], "insurer_reference", "ALD-77"),
    ):
        done = await office.do("lucia", "POST", f"{path}/{verb}", said | {field: value})
        assert (done["decided_by"], done[field]) == ("insurer", value)
    # What the claim is known by there says nothing of the decision, and stays.
    await office.edit("lucia", paths[2], {"insurer_reference": "ALD-78"})
    refused = await office.ask("lucia", "POST", f"{paths[2]}/{verb}", said)
    assert (refused.status, refused.body["errors"][0]["type"]) == (422, "no_evidence")
    letter = said | {"insurer_reference": "CARTA-5"}
    done = await office.do("lucia", "POST", f"{paths[2]}/{verb}", letter)
    assert done["insurer_reference"] == "ALD-78"
    history = await office.do("lucia", "GET", f"{paths[2]}/events")
    moved = next(each for each in history["items"] if each["after"] == done["status"])
    assert moved["note"] == "CARTA-5" + (" · No está cubierto" if verb == "deny" else "")
    if verb == "approve":
        refused = await office.ask("lucia", "POST", f"{paths[2]}/pay", said)
        (error,) = refused.body["errors"]
        assert (refused.status, error["type"], error["loc"][-1]) == (422, "no_document", "document")
        paid = await office.do("lucia", "POST", f"{paths[2]}/pay", said | PROOF)
        assert paid["payment_document"] == PROOF["document"]


async def test_a_claims_days_follow_each_other(office: Office) -> None:
    """Incident, sent, decided, paid; a stale If-Match moves nothing."""
    made = await a_claim(office)
    path = f"/claims/{made['claim_id']}"
    office.clock.advance(10 * 86_400)
    for verb, body in (
        ("send", {"insurer_reference": "X-1"}),
        ("assign", {"adjuster_id": str(agent_of(office, "pablo"))}),
        ("documents", {"name": "Parte", "url": "https://x.example/1"}),
        ("approve", {"amount": {"amount": "10"}, "decided_on": "2027-03-26", **SAYS}),
        ("pay", {"amount": {"amount": "10"}, "paid_on": "2027-03-26", **PROOF}),
    ):
        stale = await office.ask("lucia", "POST", f"{path}/{verb}", body, **{"If-Match": '"99"'})
        assert stale.status == 412, verb
        day = {"approve": "decided_on", "pay": "paid_on"}.get(verb)
        if day is not None:
            early = await office.ask("lucia", "POST", f"{path}/{verb}", {**body, day: "2027-03-25"})
            assert (early.status, early.body["errors"][0]["loc"]) == (422, [day])
        seen = await office.ask("lucia", "GET", path)
        assert seen.etag
        await office.do("lucia", "POST", f"{path}/{verb}", body, **{"If-Match": seen.etag})
    wish = {"status": "reopened", "note": "x"}
    stale = await office.ask("lucia", "POST", f"{path}/status", wish, **{"If-Match": '"1"'})
    assert stale.status == 412
    await office.do("lucia", "POST", f"{path}/status", wish)
    wish["status"] = "investigating"
    stale = await office.ask("lucia", "POST", f"{path}/status", wish, **{"If-Match": '"1"'})
    assert stale.status == 412
    await office.do("lucia", "POST", f"{path}/status", wish)
    wish = {"reason": "x", "insurer_reference": "X-1"}
    stale = await office.ask("lucia", "POST", f"{path}/deny", wish, **{"If-Match": '"1"'})
    assert stale.status == 412
