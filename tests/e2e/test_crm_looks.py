"""The CRM's screens in both themes, both languages and two widths: nothing that axe refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, ELENA, World, accept
from tests.e2e.looks import Axe, in_every_look
from tests.e2e.sound import AGENT
from tests.e2e.test_calls import answer, call_in, phone
from tests.e2e.test_crm import ANA, at, eventually, insured

pytestmark = pytest.mark.browser

# What lies half under the foot that stays in view is reached by scrolling: axe does not know that.
TO_THE_END = """() => {
  for (let box = document.querySelector('.form-foot'); box; box = box.parentElement)
    box.scrollTop = box.scrollHeight;
}"""


def looked_at(page: Page, axe: Axe, name: str) -> None:
    def check(page: Page) -> None:
        page.evaluate(TO_THE_END)
        axe(page)

    in_every_look(page, name, check)


def of(world: World, path: str) -> dict[str, Any]:
    """The first of a list."""
    found: dict[str, Any] = world.centre.ask(ELENA, "GET", path)["items"][0]
    return found


@pytest.fixture
def flow(world: World) -> Iterator[dict[str, Any]]:
    """A workflow with a fork, a wait and a step that cannot be done, that nothing begins by itself.
    Two runs of it: one that waits, and one that went the other way and has failed."""
    steps = [
        {
            "type": "condition_check",
            "config": {"if": "trigger.urgent == 1", "then": "call", "else": "next"},
        },
        {"type": "create_task", "config": {"title": "Escribir a {{customer.greeting_name}}"}},
        {"type": "wait_duration", "config": {"seconds": 3600}},
        {"type": "create_task", "name": "call", "config": {"title": "Llamar"}},
        {"type": "send_email", "if": "false", "config": {"subject": "Hola", "body": "Hola"}},
        {
            "type": "update_record",
            "config": {"record": "claim", "field": "notes", "value": "llamado"},
        },
        {"type": "create_task", "config": {"title": "Cerrar"}},
    ]
    made = world.centre.ask(
        ELENA, "POST", "/workflows", {"name": "Recibir", "trigger_type": "manual", "steps": steps}
    )
    path = f"/workflows/{made['workflow_id']}"
    customer = of(world, "/customers")
    about = {"customer_id": customer["customer_id"]}
    run = world.centre.ask(ELENA, "POST", f"{path}/execute", about)
    failed = world.centre.ask(ELENA, "POST", f"{path}/execute", about | {"data": {"urgent": 1}})
    yield {**made, "run": run["execution_id"], "failed": failed["execution_id"]}
    world.centre.ask(ELENA, "POST", f"/workflow-executions/{run['execution_id']}/cancel")
    world.centre.ask(ELENA, "PATCH", path, {"active": False}, {"If-Match": '"1"'})


def shown(page: Page, hash_: str) -> None:
    at(page, hash_)
    expect(page.locator(".crm")).to_be_visible()
    expect(page.locator('.crm[aria-busy="true"], .crm [aria-busy="true"]')).to_have_count(0)


def test_files(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN, available=False)
    claim, policy = of(world, "/claims?open=true"), of(world, "/policies?status=active")
    quote = of(world, "/quotes?status=draft")
    asked = {"quote_type": "home", "base_premium": {"amount": "100"}, "coverage_details": {}}
    customer = {"customer_id": claim["customer_id"]}
    world.centre.ask(CARMEN, "POST", "/quotes", customer | asked)
    letters = f"/customers/{claim['customer_id']}/letters"
    eventually(lambda: world.centre.ask(CARMEN, "GET", letters)["items"], "no draft of a letter")
    for hash_ in (
        f"customer/{claim['customer_id']}",
        f"policy/{policy['policy_id']}",
        f"claim/{claim['claim_id']}",
        f"quote/{quote['quote_id']}",
        "customers",
    ):
        shown(page, hash_)
        if hash_.startswith("customer/"):
            page.locator(".thing .entry").first.click()
            expect(page.locator(".letter")).to_be_visible()
            looked_at(page, axe, "letter")
            page.locator(".page").evaluate("box => box.scrollTo(0, 0)")
        looked_at(page, axe, hash_.partition("/")[0])


def test_forms(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN, available=False)
    claim = of(world, "/claims?open=true")
    policy = of(world, "/policies?status=active&policy_type=life")
    customer = claim["customer_id"]
    for name, hash_ in {
        "new-claim": f"new/claim?customer={customer}",
        "new-quote": f"new/quote?customer={customer}",
        "new-policy": f"new/policy?customer={customer}",
        "endorse": f"policy/{policy['policy_id']}?form=endorse",
        "cancel": f"policy/{policy['policy_id']}?form=cancel",
        "suspend": f"policy/{policy['policy_id']}?form=suspend",
        "edit-claim": f"claim/{claim['claim_id']}?form=edit",
        "contact": f"customer/{customer}?form=contact",
        "new-task": "new/task",
        "new-customer": "new/customer",
    }.items():
        shown(page, hash_)
        looked_at(page, axe, name)
    page.keyboard.press("Control+Enter")  # nothing is filled in
    expect(page.locator(".form-whole")).not_to_be_empty()
    looked_at(page, axe, "refused")


def test_work(world: World, axe: Axe, flow: dict[str, Any]) -> None:
    page = world.desk(ELENA, available=False)
    flow_id, run = flow["workflow_id"], flow["run"]
    for name, hash_ in {
        "tasks": "tasks?whose=team",
        "workflows": "workflows",
        "workflow": f"workflow/{flow_id}",
        "definition": f"workflow/{flow_id}?form=edit",
        "run": f"run/{run}",
        "run-failed": f"run/{flow['failed']}",
        "office": "office",
        "office-rates": "office?section=rates",
        "office-deputies": "office?section=deputies",
        "office-insurers": "office?section=insurers",
        "office-catastrophes": "office?section=catastrophes",
        "office-contacts": "office?section=contacts",
        "erased": "erased",
        "import": "import",
    }.items():
        shown(page, hash_)
        if name.startswith("run"):
            at_last, way = ("failed", "sí") if name == "run-failed" else ("waiting", "no")
            expect(page.locator(f".flow .is-{at_last}")).to_be_visible()
            expect(page.locator(".flow .ways .taken")).to_have_text(re.compile(rf"^{way}: .*aquí"))
        if name == "run-failed":
            expect(page.locator(".flow .is-skipped")).to_have_count(2)
            expect(page.locator(".flow .is-passed")).to_have_count(1)
            expect(page.locator(".flow .is-unreached")).to_have_count(1)
            expect(page.locator(".flow .is-failed .c-bad")).to_have_text(re.compile("^[A-ZÁÉÍÓÚÑ]"))
            expect(page.locator(".crm .box-msg.bad")).not_to_contain_text("cannot")
        if name == "office-contacts":
            page.get_by_role("button", name="Añadir", exact=True).click()
            page.locator(".form [name='if.0.is']").select_option("leak")
        looked_at(page, axe, name)
    rows = b"Nombre;Apellidos;DNI\nRosa;Gil Sanz;00000001A\n"
    page.locator("input[type=file]").set_input_files(
        {"name": "a.csv", "mimeType": "text/csv", "buffer": rows}
    )
    expect(page.locator(".row-note")).to_be_visible()
    looked_at(page, axe, "import-preview")


def test_the_panel_and_the_search(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN)
    world.visitor(name="Ana Beltrán Sanz")
    accept(page)
    looked_at(page, axe, "stranger")
    expect(page.locator(".panel .finder")).to_be_visible()
    page.locator(".panel .finder input").fill(ANA)
    page.locator(".panel .finder .thing .btn").first.click()
    expect(page.locator(".panel .panel-foot")).to_be_visible()
    page.locator(".panel .kv .link").click()
    expect(page.locator(".main .gate")).to_be_visible()
    looked_at(page, axe, "gate")
    page.locator("#search").focus()
    page.keyboard.type("beltran")
    expect(page.get_by_role("option").first).to_be_visible()
    looked_at(page, axe, "search")


def test_a_claim_while_they_talk(world: World, axe: Axe) -> None:
    """The form, the file beside it and the telephone below, and what a colleague is asked."""
    customer = insured(world, days_left=65)
    page = phone(world, CARMEN, AGENT)
    call_in(world, number=customer["mobile"])
    answer(page)
    expect(page.locator(".panel .panel-foot")).to_be_visible()
    looked_at(page, axe, "call-panel")
    page.keyboard.press("Alt+s")
    expect(page.get_by_label("Qué pasó")).to_be_focused()
    expect(page.locator(".cover-line .box-msg")).to_be_visible()
    looked_at(page, axe, "call-claim")
    page.keyboard.press("Alt+c")
    expect(page.locator(".phone-panel textarea")).to_be_visible()
    looked_at(page, axe, "call-consult")
