"""Whoever comes second is told, sees what is there by now, and goes on from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import CARMEN, ELENA, World
from tests.e2e.test_crm import ana, at, eventually, insured

pytestmark = pytest.mark.browser


def test_two_people_change_one_file(world: World) -> None:
    customer = ana(world)
    file = f"customer/{customer['customer_id']}?edit=1"
    first, second = world.desk(CARMEN, available=False), world.desk(ELENA, available=False)
    for page in (first, second):
        at(page, file)
        expect(page.get_by_label("Localidad")).to_have_value("Zaragoza")
    second.get_by_label("Provincia").fill("Huesca")
    first.get_by_label("Localidad").fill("Huesca")
    first.keyboard.press("Control+Enter")
    expect(first.locator(".crm .form")).to_have_count(0)
    expect(second.locator(".form-whole")).to_contain_text("Otra persona lo ha cambiado")
    second.get_by_role("button", name="Guardar lo mío encima").click()
    expect(second.locator(".crm .form")).to_have_count(0)
    after = ana(world)
    assert (after["city"], after["province"]) == ("Huesca", "Huesca")


def quicker(page: Page, command: str, change: Callable[[], object]) -> list[str | None]:
    """Before the page's next command of this kind arrives, somebody else has changed what it is
    about. What the command said that it had seen."""
    seen: list[str | None] = []

    def between(route: Route) -> None:
        seen.append(route.request.headers.get("if-match"))
        change()
        route.continue_()

    page.route(command, between, times=1)
    return seen


def test_whoever_comes_second_is_told_and_sees_what_is_there(world: World) -> None:
    customer = insured(world)
    ask, told = world.centre.ask, "Otra persona"
    page = world.desk(CARMEN, available=False)
    policy = ask(ELENA, "GET", f"/policies?customer_id={customer['customer_id']}")["items"][0]
    path = f"/policies/{policy['policy_id']}"
    at(page, f"policy/{policy['policy_id']}")
    expect(page.get_by_role("group", name="Recibos")).to_contain_text("aquí estarán")
    page.get_by_role("button", name="Añadir recibo").click()
    page.get_by_label("Número").fill("R-9")
    page.get_by_label("Neta (€)").fill("300")
    page.get_by_label("Total (€)").fill("360")
    page.keyboard.press("Control+Enter")
    row = page.get_by_role("row", name=re.compile("R-9"))
    expect(row).to_be_visible()
    (receipt,) = ask(ELENA, "GET", f"{path}/receipts")["items"]
    move = f"/receipts/{receipt['receipt_id']}/move"
    sent = quicker(page, f"**{move}", lambda: ask(ELENA, "POST", move, {"state": "collected"}))
    row.get_by_role("button", name="Mover a…").click()
    page.get_by_role("menuitem", name="Presentado").click()
    expect(page.locator(".crm .told")).to_contain_text(told)
    expect(row).to_contain_text("Cobrado")
    assert sent == ['"1"']

    # A form keeps what was typed, and goes on from what is there now.
    at(page, f"policy/{policy['policy_id']}?form=suspend")
    page.get_by_label("Motivo").fill("Lo pide el tomador")
    quicker(
        page, f"**{path}/status",
        lambda: ask(ELENA, "PATCH", path, {"notes": "Llamó ayer"}, {"If-Match": "*"}),
    )  # fmt: skip
    page.keyboard.press("Control+Enter")
    expect(page.locator(".form-whole")).to_contain_text(told)
    expect(page.locator(".crm")).to_contain_text("Llamó ayer")
    page.get_by_role("button", name="Guardar lo mío encima").click()
    eventually(lambda: ask(ELENA, "GET", path)["status"] == "suspended", "it is suspended")

    # A claim's and a quote's: what can still be done is done on what is there now, what cannot be
    # done any more is told beside it.
    opened = {
        "policy_id": policy["policy_id"], "claim_type": "other", "description": "Un golpe",
        "incident_date": (datetime.now(UTC) - timedelta(days=20)).isoformat(),
    }  # fmt: skip
    path = f"/claims/{ask(ELENA, 'POST', '/claims', opened)['claim_id']}"
    at(page, f"claim/{path.rsplit('/', 1)[1]}?form=send")
    page.get_by_label("N.º de la aseguradora").fill("S-1")
    seen = [quicker(page, f"**{path}/send", lambda: ask(ELENA, "PATCH", path, {"notes": "Grúa"}))]
    page.keyboard.press("Control+Enter")
    expect(page.locator(".form-whole")).to_contain_text(told)
    expect(page.locator(".crm")).to_contain_text("Grúa")
    page.get_by_role("button", name="Guardar lo mío encima").click()
    expect(page.locator(".crm .form")).to_have_count(0)
    says = {"insurer_reference": "CARTA-1"}
    yes = {"amount": {"amount": "90.00"}, **says}
    at(page, f"claim/{path.rsplit('/', 1)[1]}?form=deny")
    page.get_by_label("Por qué").fill("No cubierto")
    page.get_by_label("Referencia de la decisión").fill("CARTA-2")
    seen.append(quicker(page, f"**{path}/deny", lambda: ask(ELENA, "POST", f"{path}/approve", yes)))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .box-msg.warn[role=alert]")).to_contain_text("más rápida")
    expect(page.locator(".crm")).to_contain_text("90,00")

    offers = [
        {"carrier": one["key"], "premium": {"amount": "300.00"}}
        for one in ask(ELENA, "GET", "/insurers")["items"][:3]
    ]
    new = {
        "customer_id": customer["customer_id"], "quote_type": "life", "carrier_quotes": offers,
        "carrier": offers[0]["carrier"], "base_premium": {"amount": "300.00"},
        "coverage_details": {}, "mediation": dict.fromkeys(
            ("needs", "ipid", "broker_information", "criteria"), "x"
        ),
    }  # fmt: skip
    path = f"/quotes/{ask(ELENA, 'POST', '/quotes', new)['quote_id']}"
    at(page, f"quote/{path.rsplit('/', 1)[1]}")
    seen.append(
        quicker(page, f"**{path}/send", lambda: ask(ELENA, "PATCH", path, {"notes": "Urge"}))
    )
    page.get_by_role("button", name="Enviar", exact=True).click()
    expect(page.locator(".crm .told")).to_contain_text(told)
    expect(page.locator(".crm")).to_contain_text("Urge")
    page.get_by_role("button", name="Enviar", exact=True).click()
    page.get_by_role("button", name="Rechazado").click()
    page.get_by_label("Por qué no").fill("Caro")
    seen.append(quicker(page, f"**{path}/reject", lambda: ask(ELENA, "POST", f"{path}/accept")))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .box-msg.warn[role=alert]")).to_contain_text("más rápida")
    page.get_by_role("button", name="Hacer póliza").click()
    renews = page.get_by_label("Se renueva sola")
    renews.uncheck()
    page.get_by_label("Hora de vencimiento").fill("12:00")
    page.keyboard.press("Control+Enter")
    eventually(lambda: ask(ELENA, "GET", path)["converted"], "it is a policy")
    made = ask(ELENA, "GET", path)["policy_id"]
    policy = ask(ELENA, "GET", f"/policies/{made}")
    assert (policy["auto_renew"], policy["coverage_end_time"]) == (False, "12:00:00")
    at(page, f"policy/{made}?form=endorse")
    renews.check()
    page.keyboard.press("Control+Enter")
    eventually(lambda: ask(ELENA, "GET", f"/policies/{made}")["auto_renew"], "it renews again")
    assert [len([each for each in one if each]) for one in seen] == [1, 1, 1, 1]

    title = f"Llamar {uuid4().hex[:6]}"
    new = {"title": title, "customer_id": customer["customer_id"]}
    task = ask(CARMEN, "POST", "/tasks", new)["task_id"]
    at(page, f"tasks?task={task}")
    quicker(
        page, f"**/tasks/{task}/complete",
        lambda: ask(
            ELENA, "PATCH", f"/tasks/{task}", {"title": f"{title} otra vez"}, {"If-Match": "*"}
        ),
    )  # fmt: skip
    page.get_by_role("button", name=f"Hecha: {title}").click()
    expect(page.locator(".crm .told")).to_contain_text(told)
    page.get_by_role("button", name=f"Hecha: {title} otra vez").click()
    expect(page.locator(".crm .told")).not_to_contain_text(told)
    world.noise = [line for line in world.noise if "status of 412" not in line]
