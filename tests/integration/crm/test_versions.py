"""Nobody's change in the CRM undoes another's unseen: whoever changes a row names the version that
they have read, and whatever they changed is in the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import db
from contactcenter.core.errors import PreconditionFailed, PreconditionRequired
from contactcenter.core.http import Route
from tests.integration.crm.conftest import Office, a_policy, agent_of, policy_body, receipt_body
from tests.integration.crm.test_audit import Seen
from tests.integration.crm.test_claims import PROOF, SAYS, claim_body
from tests.integration.crm.test_office import AUTHORITY, HOLIDAY, LIMIT, PERIOD, RATE
from tests.integration.crm.test_quotes import MEDIATION, OFFERS, quote_body

BESIDE = "what it adds stands beside what is there, and undoes none of it"
NOTHING = "nothing is kept"
WITHOUT: Final = {
    "POST /claims/{id}/notes": BESIDE,
    "POST /claims/{id}/documents": BESIDE,
    "POST /policies/{id}/receipts": BESIDE,
    "POST /workflows/{id}/execute": BESIDE,
    "POST /interactions/{id}/identity": BESIDE,
    "POST /premium-lines": NOTHING,
    "POST /imports/customers/preview": NOTHING,
    "POST /imports/policies/preview": NOTHING,
    "POST /customers/{id}/segment": "it is computed from what is there; nobody says a value",
    "POST /customer-merges/{id}/undo": "a merge is taken back once, and what came later stays",
    "POST /workflow-executions/{id}/cancel": "a run goes on by itself, and is stopped wherever",
    "PUT /interactions/{id}/customer": "a live contact has no version: it is whose its agent says",
}
"""Changing routes that ask for no version, and why."""


def name_of(route: Route) -> str:
    return f"{route.method} {route.path.removeprefix('/api/v1')}"


def demands(route: Route) -> bool:
    return {PreconditionFailed, PreconditionRequired} <= set(route.errors)


def changing(routes: Iterable[Route]) -> list[Route]:
    """All but those that read, and those that only make a row."""
    return [
        route for route in routes
        if route.method != "GET"
        and not (route.method == "POST" and route.status == 201 and "{" not in route.path)
    ]  # fmt: skip


def astray(routes: Iterable[Route], without: Mapping[str, str] = WITHOUT) -> set[str]:
    """Changing routes that demand no version and have no reason, and reasons of no such route."""
    lax = {name_of(route) for route in changing(routes) if not demands(route)}
    return lax ^ without.keys()


async def test_whoever_changes_a_row_names_its_version(office: Office) -> None:
    routes = office.crm.module.routes
    assert astray(routes) == set()
    (held,) = [each for each in routes if name_of(each) == "PATCH /customers/{id}"]
    lax = replace(held, errors=tuple(each for each in held.errors if each != PreconditionRequired))
    planted = {
        "PATCH /customers/{id}": [lax if each is held else each for each in routes],
        "PUT /things": [*routes, replace(lax, method="PUT", path="/api/v1/things")],
        "POST /things/{id}/end": [
            *routes,
            replace(lax, method="POST", path="/api/v1/things/{id}/end", status=201),
        ],
        "POST /claims/{id}/notes": [
            each for each in routes if name_of(each) != "POST /claims/{id}/notes"
        ],
    }
    for name, table in planted.items():
        assert astray(table) == {name}


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a row: its route, where, with what; and where its version is read, there under
    these keys of a list's items."""

    route: str
    path: str
    body: Any = None
    seen: str = ""
    item: tuple[str, str] | None = None


async def steps(office: Office) -> list[Step]:
    """Each route that demands a version, on rows in a state that it can change, in that order."""

    async def made(path: str, body: Any, key: str) -> str:
        return str((await office.do("alba", "POST", path, body))[key])

    customer, other, closed = [
        (await office.person(first_name=name))["customer_id"] for name in ("Ana", "Eva", "Luz")
    ]
    policy = await made("/policies", policy_body(customer), "policy_id")
    of_broker = receipt_body(collected_by="broker")
    receipt = await made(f"/policies/{policy}/receipts", of_broker, "receipt_id")
    late = (await a_policy(office))["policy_id"]
    unpaid = await made(f"/policies/{late}/receipts", receipt_body(), "receipt_id")
    claim = await made("/claims", claim_body(policy), "claim_id")
    ready = {"carrier": "aldaba", "mediation": MEDIATION, "carrier_quotes": OFFERS}
    quote, second, third = [
        await made("/quotes", quote_body(customer, **ready), "quote_id") for _ in range(3)
    ]
    for one in (second, third):
        await office.do("lucia", "POST", f"/quotes/{one}/send")
    await office.do("lucia", "POST", f"/quotes/{third}/accept")
    task, dropped = [await made("/tasks", {"title": "x"}, "task_id") for _ in range(2)]
    act = {"type": "create_task", "config": {"title": "x"}}
    flow = {"name": "w", "trigger_type": "manual", "steps": [act]}
    workflow = await made("/workflows", flow, "workflow_id")
    trade = {"phone": "+34976111333", "name": "X", "kind": "workshop"}
    workshop = await made("/professionals", trade, "professional_id")
    storm = await made("/catastrophes", {"peril": "hail"}, "catastrophe_id")

    start, day = {"coverage_start_date": "2027-04-01"}, {"on": "2027-03-16"}
    asker = {"requested_by_customer_id": customer}
    sum_ = {"amount": {"amount": "10.00"}}
    both = ("PATCH", "PUT")
    of_claim = [
        ("assign", {"adjuster_id": str(agent_of(office, "sara"))}), ("send", {"note": "x"}),
        ("approve", {**sum_, **SAYS}), ("pay", {**sum_, **PROOF}),
        ("status", {"status": "reopened", "note": "x"}),
        ("status", {"status": "investigating", "note": "x"}), ("deny", {"reason": "x", **SAYS}),
    ]  # fmt: skip
    of_policy = [
        ("renew", {}), ("non-renewal", {"received_on": "2027-03-16", **asker}),
        ("non-renewal/sent", day), ("non-renewal/acknowledged", day),
        ("status", {"status": "suspended"}),
        ("cancel", {"reason": "total_loss", "effective_date": "2027-03-17", **asker}),
    ]  # fmt: skip
    of_receipt = [
        ("move", {"state": "presented"}), ("move", {"state": "collected"}),
        ("settle", {"reference": "L-1"}),
    ]  # fmt: skip
    deputy = {name: str(agent_of(office, who)) for name, who in (
        ("agent_id", "lucia"), ("deputy_id", "marcos"))}  # fmt: skip
    rules = [{"name": "anybody", "conditions": {}, "effects": {}}]
    insurer = {"key": "aldaba", "dgs_code": "C0901", "name": "Aldaba Seguros"}
    sections = [
        ("holidays", HOLIDAY, ("day",)), ("premium-rates", RATE, ("kind", "line", "valid_from")),
        ("legal-periods", PERIOD, ("kind", "line", "valid_from")),
        ("approval-limits", LIMIT, ("role", "valid_from")),
        ("delegated-authorities", AUTHORITY, ("carrier", "policy_type", "valid_from")),
    ]  # fmt: skip
    found = [
        *(Step(f"{how} /customers/{{id}}", f"/customers/{customer}", {"notes": how})
          for how in both),
        Step("PUT /customers/{id}/user", f"/customers/{customer}/user",
             {"email": "ines@example.com"}, f"/customers/{customer}"),
        Step("POST /customers/{id}/merge", f"/customers/{customer}/merge", {"loser_id": other},
             f"/customers/{customer}"),
        Step("DELETE /customers/{id}", f"/customers/{closed}"),
        *(Step(f"{how} /policies/{{id}}", f"/policies/{policy}", {"notes": how}) for how in both),
        *(Step(f"POST /receipts/{{id}}/{verb}", f"/receipts/{receipt}/{verb}", body,
               f"/policies/{policy}/receipts", ("receipt_id", receipt))
          for verb, body in of_receipt),
        Step("POST /receipts/{id}/claimed", f"/receipts/{unpaid}/claimed", None,
             f"/policies/{late}/receipts", ("receipt_id", unpaid)),
        *(Step(f"{how} /claims/{{id}}", f"/claims/{claim}", {"notes": how}) for how in both),
        *(Step(f"POST /claims/{{id}}/{verb}", f"/claims/{claim}/{verb}", body, f"/claims/{claim}")
          for verb, body in of_claim),
        *(Step(f"POST /policies/{{id}}/{verb}", f"/policies/{policy}/{verb}", body,
               f"/policies/{policy}") for verb, body in of_policy),
        *(Step(f"{how} /quotes/{{id}}", f"/quotes/{quote}", {"notes": how}) for how in both),
        *(Step(f"POST /quotes/{{id}}/{verb}", f"/quotes/{quote}/{verb}", body, f"/quotes/{quote}")
          for verb, body in (("send", None), ("accept", None), ("convert", start))),
        Step("POST /quotes/{id}/reject", f"/quotes/{second}/reject", {"reason": "x"},
             f"/quotes/{second}"),
        Step("POST /quotes/convert", "/quotes/convert", {**start, "quote_id": third},
             f"/quotes/{third}"),
        *(Step(f"{how} /tasks/{{id}}", f"/tasks/{task}", {"title": how}) for how in both),
        Step("POST /tasks/{id}/complete", f"/tasks/{task}/complete", None, f"/tasks/{task}"),
        Step("POST /tasks/{id}/cancel", f"/tasks/{dropped}/cancel", None, f"/tasks/{dropped}"),
        *(Step(f"{how} /workflows/{{id}}", f"/workflows/{workflow}", {"description": how})
          for how in both),
        Step("POST /workflows/{id}/webhook-secret", f"/workflows/{workflow}/webhook-secret", None,
             f"/workflows/{workflow}"),
        Step("PUT /professionals/{id}", f"/professionals/{workshop}", {**trade, "name": "Y"},
             "/professionals", ("professional_id", workshop)),
        Step("DELETE /professionals/{id}", f"/professionals/{workshop}", None, "/professionals",
             ("professional_id", workshop)),
        Step("POST /catastrophes/{id}/end", f"/catastrophes/{storm}/end", None, "/catastrophes",
             ("catastrophe_id", storm)),
        Step("PUT /insurers", "/insurers", insurer, "/insurers", ("key", "aldaba")),
        Step("PUT /quote-rules", "/quote-rules", {"line": "life", "min_offers": 4}),
        Step("PUT /segment-rules", "/segment-rules", {"items": [{"segment": "all"}]}),
        Step("PUT /contact-rules", "/contact-rules", {"items": rules}),
        Step("PUT /handler-deputies", "/handler-deputies", deputy),
    ]  # fmt: skip
    for path, row, key in sections:
        where = "&".join(f"{name}={row[name]}" for name in key)
        found.append(Step(f"PUT /{path}", f"/{path}", row))
        found.append(Step(f"DELETE /{path}", f"/{path}?{where}", None, f"/{path}"))
    return found


async def version(office: Office, step: Step) -> str:
    """As whoever looks at it reads it: the ETag, or of a row in a list what is written there."""
    answer = await office.ask("alba", "GET", step.seen or step.path)
    assert answer.status == 200, (step, answer.body)
    if step.item is None:
        assert answer.etag == f'"{answer.body["version"]}"', step
        return answer.etag
    name, value = step.item
    (row,) = [each for each in answer.body["items"] if each[name] == value]
    return f'"{row["version"]}"'


async def test_without_it_or_with_another_nothing_is_changed(
    office: Office, conn: db.Connection
) -> None:
    """428 without a version and 412 with another; with the one that is read it is done, noted, and
    then another version holds."""
    await conn.execute("UPDATE users SET email_verified = true")
    await conn.execute("UPDATE agents SET status = 'available'")
    table = await steps(office)
    wanted = {name_of(route) for route in changing(office.crm.module.routes) if demands(route)}
    assert {step.route for step in table} == wanted
    seen = Seen(office.deps.vault)
    office.deps.work.keep_journal(seen)
    wrong: list[Any] = []
    for step in table:
        method = step.route.split()[0]
        read = await version(office, step)
        for given, status in ((None, 428), ('"99"', 412)):
            answer = await office.ask("alba", method, step.path, step.body, **{"If-Match": given})
            if answer.status != status:
                wrong.append((step.route, given, answer.status, answer.body))
        if seen.notes:
            wrong.append((step.route, "noted though refused", seen.notes))
        done = await office.ask("alba", method, step.path, step.body, **{"If-Match": read})
        if done.status >= 300:
            wrong.append((step.route, read, done.status, done.body))
        elif not seen.notes:
            wrong.append((step.route, "not noted"))
        elif method != "DELETE" and await version(office, step) == read:
            wrong.append((step.route, "the same version", read))
        seen.notes.clear()
    assert not wrong, "\n".join(map(str, wrong))


async def test_of_two_who_add_one_insurer_the_second_changes_it(office: Office) -> None:
    """Nobody has read a new one: it is added without a version, and changed with it."""
    new = {"key": "duero", "dgs_code": "C0909", "name": "Duero"}
    for known in ('"1"', "*"):
        stale = await office.ask("elena", "PUT", "/insurers", new, **{"If-Match": known})
        assert stale.status == 412, "nothing is there that anybody could know"
    made = await office.ask("elena", "PUT", "/insurers", new)
    assert (made.status, made.etag, made.body["version"]) == (200, '"1"', 1)
    assert (await office.ask("alba", "PUT", "/insurers", new)).status == 428
