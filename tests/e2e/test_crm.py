"""A broker's day at the desk: files, claims, quotes, tasks, mail, and the steps that it takes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import CARMEN, ELENA, LUCIA, PABLO, World, accept, offer
from tests.e2e.sound import AGENT, COLLEAGUE, expect_heard
from tests.e2e.test_calls import answer, call_in, hang_up, phone

pytestmark = pytest.mark.browser

ANA = "ana.beltran@correo.example"  # a customer of the seed, in Carmen's portfolio


class Steps:
    """Counts as domain rule 3 does: a click or a command key is one, typing is free."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._count = 0

    def click(self, target: Locator) -> None:
        self._count += 1
        target.click()

    def press(self, keys: str) -> None:
        self._count += 1
        self._page.keyboard.press(keys)

    def took(self) -> int:
        count, self._count = self._count, 0
        return count


def ana(world: World) -> dict[str, Any]:
    found = world.centre.ask(ELENA, "GET", f"/customers/search?q={ANA}")["items"]
    return world.centre.ask(ELENA, "GET", f"/customers/{found[0]['customer_id']}")


def insured(world: World, *, days_left: int = 335) -> dict[str, Any]:
    """A customer of Carmen's with a car insured for a year, and nothing else."""
    tail = uuid4().hex[:8]
    plain = {"first_name": "Rocío", "last_name": f"Prueba {tail}", "confirm": True}
    reached = {"email": f"rocio.{tail}@correo.example", "mobile": f"+346{int(tail, 16) % 10**8:08}"}
    customer = world.centre.ask(CARMEN, "POST", "/customers", {**plain, **reached})
    today = datetime.now(ZoneInfo("Europe/Madrid")).date()
    world.centre.ask(
        CARMEN,
        "POST",
        "/policies",
        {
            "customer_id": customer["customer_id"],
            "policy_type": "auto",
            "carrier": world.centre.ask(CARMEN, "GET", "/insurers")["items"][0]["key"],
            "policy_number": f"AU-{tail}",
            "coverage_start_date": str(today + timedelta(days=days_left - 365)),
            "coverage_end_date": str(today + timedelta(days=days_left)),
            "premium_amount": {"amount": "300.00", "currency": "EUR"},
            "vehicle_plate": "1234BCD",
        },
    )
    return customer


def at(page: Page, hash_: str) -> None:
    """Go to a page of the desk, as a link does."""
    page.evaluate("hash => { location.hash = hash }", hash_)


def eventually(found: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not found():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def letters(world: World, customer: dict[str, Any]) -> dict[str, str]:
    """Those to a customer: subject → state."""
    path = f"/customers/{customer['customer_id']}/letters"
    return {one["subject"]: one["state"] for one in world.centre.ask(ELENA, "GET", path)["items"]}


def mail_of(world: World, customer: dict[str, Any]) -> list[str]:
    """The subjects of what has left for the customer's address."""
    sent = world.centre.call("GET", "/demo/mailbox")["items"]
    return [one["subject"] for one in sent if one["address"] == customer["email"]]


RECEIVED = "Hemos recibido su parte"
REVISE = "Revisar el parte y enviarlo a la aseguradora"
"""The letter and the task of the seed's workflow for a contact closed as a new claim."""


def opened_claim(world: World, customer: dict[str, Any]) -> dict[str, Any]:
    rows = world.centre.ask(CARMEN, "GET", f"/claims?customer_id={customer['customer_id']}")
    (row,) = rows["items"]
    claim: dict[str, Any] = world.centre.ask(CARMEN, "GET", f"/claims/{row['claim_id']}")
    return claim


def test_from_a_call_to_claim_adjuster_task_and_mail(world: World) -> None:
    """A customer who is known by the number calls; the claim is opened while they talk and a
    colleague goes on with them. What follows is the adjuster's. Each daily task on the way takes
    the steps of domain rule 3."""
    customer = insured(world, days_left=65)
    handler = world.desk(LUCIA)  # handles cars, and is here
    at(handler, "tasks")
    agent = phone(world, CARMEN, AGENT)
    colleague = phone(world, PABLO, COLLEAGUE)
    steps = Steps(agent)
    caller = call_in(world, number=customer["mobile"].removeprefix("+34"))

    # Answer with the caller on screen: 1. The offer has said what is at hand, and what stands out.
    expect(offer(agent).locator(".offer-pop")).to_contain_text(re.compile("Auto.*último día"))
    steps.press("F9")
    panel = agent.locator(".panel")
    expect(panel.locator(".who-name")).to_contain_text(customer["name"])
    expect(panel.locator(".banner")).to_contain_text("último día")
    expect(agent.locator(".phone.in-call")).to_be_visible()
    assert steps.took() == 1
    # A number identifies and proves nothing: what is told waits for the gate.
    expect(panel.locator(".kv")).to_contain_text("Sin verificar")

    # Open the caller's policy: 1. The call goes on behind it.
    steps.click(panel.get_by_role("region", name="Pólizas").get_by_role("link").first)
    expect(agent.locator(".crm .hd")).to_contain_text("Auto")
    assert steps.took() == 1

    # Start a claim: 2; policy, cause and moment are there, cover is told and stops nothing.
    steps.press("Alt+s")
    expect(agent.get_by_label("Qué pasó")).to_be_focused()
    expect(agent.locator(".cover-line .box-msg")).to_be_visible()
    agent.keyboard.type("Golpe por detrás en el semáforo de la calle Olmo")
    steps.press("Control+Enter")
    expect(agent.locator(".crm .way .at")).to_have_text("Comunicado")
    assert steps.took() == 2
    expect(agent.locator(".crm .hd")).to_contain_text("Colisión")
    number = agent.locator(".crm h2").inner_text().split(" · ")[0]
    opened = panel.get_by_role("region", name="Siniestros abiertos")
    expect(opened).to_contain_text(number)
    expect(opened).to_contain_text("Lucía")  # of whom the office has for cars, she is here

    # A quote and a task out of the same call, each of which knows where it comes from.
    agent.keyboard.press("Alt+p")
    expect(agent.locator(".crm .form")).to_contain_text("Prima base")
    agent.get_by_label("Ramo", exact=True).select_option("Hogar")
    agent.get_by_label("Prima base (€)").fill("100")
    agent.get_by_label("Capital asegurado (€)").fill("90000")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".crm .price")).to_contain_text("100,00")
    agent.keyboard.press("Alt+t")
    agent.get_by_label("Qué hay que hacer").fill("Mandarle el parte amistoso")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".crm .form")).to_have_count(0)
    of_call = opened_claim(world, customer)["interaction_id"]
    for what in ("quotes", "tasks"):
        rows = world.centre.ask(CARMEN, "GET", f"/{what}?customer_id={customer['customer_id']}")
        found = [
            world.centre.ask(CARMEN, "GET", f"/{what}/{one[what[:-1] + '_id']}")
            for one in rows["items"]
        ]
        assert of_call in [one["interaction_id"] for one in found], what

    # Hold and consult: 2, a note for the colleague included.
    steps.press("Alt+c")
    agent.keyboard.type("pablo")
    expect(agent.locator(".people button")).to_have_count(1)
    agent.keyboard.press("Tab")
    agent.keyboard.type("Quiere saber qué cubre el cristal")
    steps.click(agent.locator(".people button"))
    expect_heard(caller, music=True)
    answer(colleague)
    expect(colleague.locator(".conv")).to_contain_text("Quiere saber qué cubre el cristal")
    expect(agent.locator("[data-key=complete]")).to_be_enabled()
    expect_heard(caller, music=True)
    assert steps.took() == 2

    # The warm transfer from there: 1. The caller talks on with the colleague.
    steps.press("Alt+l")
    expect_heard(caller, COLLEAGUE)
    assert steps.took() == 1

    # Wrap up: 2, a digit and Enter, wherever one was reading.
    expect(agent.locator(".wrap [role=radio]").first).to_be_focused()
    steps.press("2")
    expect(agent.get_by_role("radio", name="Siniestro nuevo")).to_be_checked()
    steps.press("Enter")
    expect(agent.locator(".wrap")).to_have_count(0)
    assert steps.took() == 2
    hang_up(colleague)
    expect(colleague.locator(".wrap")).to_be_visible()
    colleague.keyboard.press("3")
    colleague.keyboard.press("Enter")
    expect(colleague.locator(".wrap")).to_have_count(0)

    # The contact is over, and a claim came out of it: its adjuster sees the task, without a
    # reload, and moves the claim; whoever else looks at it sees that.
    at(agent, f"customer/{customer['customer_id']}")
    agent.locator(".crm .thing", has_text=number).get_by_role("link").click()
    task = handler.locator(".task", has_text=REVISE).filter(has_text=customer["name"])
    expect(task).to_contain_text("Alta")
    handler.keyboard.press("Control+k")
    handler.keyboard.type(number)
    expect(handler.get_by_role("option", name=re.compile(number))).to_be_visible()
    handler.keyboard.press("Enter")
    handler.get_by_role("button", name="Enviar a quien paga").click()
    handler.get_by_label("N.º de la aseguradora").fill("AL-7781")
    handler.keyboard.press("Control+Enter")
    expect(agent.locator(".crm .way .at")).to_have_text("Investigando")
    handler.get_by_role("button", name="Aceptar", exact=True).click()
    handler.get_by_label("Importe (€)").fill("0")
    handler.keyboard.press("Control+Enter")
    expect(handler.locator(".crm .error-line").first).to_have_text("Tiene que ser más de cero.")
    handler.get_by_label("Importe (€)").fill("1.250,40")
    # The number that the claim has there says nothing of the decision: its letter does.
    expect(handler.get_by_label("Referencia de la decisión")).to_have_value("")
    handler.keyboard.press("Control+Enter")
    expect(handler.locator(".crm .error-line", has_text="o su referencia")).to_be_visible()
    handler.get_by_label("Documento de la decisión").fill("https://aseguradora.example/si")
    handler.keyboard.press("Control+Enter")
    expect(agent.locator(".crm .way .at")).to_have_text("Aceptado")
    expect(agent.locator(".crm .facts").first).to_contain_text("1.250,40")
    paper = agent.get_by_role("link", name="Abrir el documento")
    expect(paper).to_have_attribute("href", "https://aseguradora.example/si")
    handler.get_by_role("button", name="Pagado", exact=True).click()
    handler.get_by_label("Justificante del pago").fill("https://aseguradora.example/pago")
    handler.keyboard.press("Control+Enter")
    expect(agent.locator(".crm .way .at")).to_have_text("Pagado")
    expect(agent.locator(".crm .facts").first).to_contain_text("Justificante del pagoAbrir")

    # The task is done. The workflow's letter is out; a quote's is prepared, and stays: a quote
    # leaves with its papers only. The run can be looked at step by step.
    at(handler, "tasks")
    task.get_by_role("button", name=re.compile("^Hecha: Revisar el parte")).click()
    expect(handler.locator(".told")).to_contain_text(f"Hecha: {REVISE}")
    eventually(lambda: RECEIVED in mail_of(world, customer), "the letter has not left")
    kept = letters(world, customer)
    assert kept.pop(RECEIVED) == "sent"
    assert list(kept.values()) == ["draft"]
    assert mail_of(world, customer) == [RECEIVED]
    flows = world.centre.ask(ELENA, "GET", "/workflows")["items"]
    flow = next(one for one in flows if one["name"] == "Siniestro comunicado")
    at(handler, f"workflow/{flow['workflow_id']}")
    expect(handler.locator(".flow .flow-step")).to_have_count(4)
    handler.get_by_role("group", name="Ejecuciones").get_by_role("link").first.click()
    expect(handler.locator(".flow .is-done")).to_have_count(2)

    # Everything is in the customer's timeline: the call, what came of it, and its recording.
    at(agent, f"customer/{customer['customer_id']}")
    past = agent.locator(".crm .tl > li", has_text="Llamada")
    expect(past).to_contain_text("Pablo")
    expect(past).to_contain_text("Información dada")
    past.get_by_role("button", name="Ver la llamada").click()
    expect(past.locator(".player .wave path").first).to_be_attached(timeout=30_000)
    log = past.locator(".call-log")
    expect(log).to_contain_text("Carmen Tolosa consulta con Pablo")
    expect(agent.locator(".crm .tl > li", has_text=number)).to_be_visible()


def test_an_unknown_writer_is_found_verified_and_found_to_be_another(world: World) -> None:
    known = ana(world)
    agent = world.desk(CARMEN)
    world.visitor("Quiero un cambio", name="Alguien")
    accept(agent)
    panel = agent.locator(".panel")
    expect(panel).to_contain_text("No está en los ficheros")
    agent.keyboard.press("Alt+s")  # a claim of nobody: it says what is missing, and leads there
    expect(panel.get_by_text("hace falta su ficha")).to_be_visible()
    expect(panel.get_by_role("searchbox")).to_be_focused()
    panel.get_by_role("searchbox").fill("beltran")
    panel.locator(".thing", has_text="Ana Beltrán").get_by_role("button").click()
    expect(panel.locator(".who-name")).to_contain_text("Ana Beltrán Sanz")

    # The document shows its end only, until two of three answers agree.
    document = panel.locator(".kv dd").first
    expect(document).not_to_contain_text(known["dni"])
    panel.get_by_role("button", name="Verificar").click()
    gate = agent.locator(".main .gate")
    expect(gate.get_by_label("4 últimos del DNI")).to_be_focused()
    # On a narrow screen it leads there again, though the gate has stayed open meanwhile.
    agent.set_viewport_size({"width": 390, "height": 800})
    agent.locator(".tabbar button").nth(2).click()
    expect(gate).to_be_hidden()
    panel.get_by_role("button", name="Verificar").click()
    expect(gate.get_by_label("4 últimos del DNI")).to_be_focused()
    agent.set_viewport_size({"width": 1280, "height": 800})
    gate.get_by_label("4 últimos del DNI").fill("999Z")
    agent.keyboard.press("Enter")
    expect(gate.locator(".error-line")).to_contain_text("No coincide")
    gate.get_by_label("4 últimos del DNI").fill(known["dni"][-4:])
    gate.get_by_label("Nacimiento").fill(known["birth_date"])
    agent.keyboard.press("Enter")
    expect(agent.locator(".gate-strip")).to_contain_text("Identidad 2 de 3")
    expect(document).to_contain_text("Verificado")
    expect(document).to_contain_text(known["dni"])

    # Policies are found from anywhere: Ctrl K and Enter, 2 for somebody who is not known.
    steps = Steps(agent)
    policies = f"/policies?customer_id={known['customer_id']}"
    policy = world.centre.ask(ELENA, "GET", policies)["items"][0]
    steps.press("Control+k")
    agent.keyboard.type(policy["policy_number"])
    expect(agent.get_by_role("option").first).to_contain_text(policy["policy_number"])
    steps.press("Enter")
    expect(agent.locator(".crm .hd")).to_contain_text(policy["policy_number"])
    assert steps.took() == 2
    agent.keyboard.press("Alt+v")

    # It was somebody else: a new file, checked as it is typed.
    panel.get_by_role("button", name="Más", exact=True).click()
    agent.get_by_role("menuitem", name="No es esta persona").click()
    panel.get_by_role("button", name="Abrir ficha nueva").click()
    form = agent.locator(".crm .form")
    form.get_by_label("Nombre", exact=True).fill("Berta")
    form.get_by_label("DNI / NIE").fill("12345678A")
    expect(form).to_contain_text("La letra no corresponde")
    agent.keyboard.press("Control+Enter")
    expect(form.locator(".form-whole")).to_contain_text("Corrige lo que está marcado.")
    expect(form.get_by_label("Apellidos")).to_be_focused()
    # What was typed is there again after a look at the conversation.
    agent.keyboard.press("Alt+v")
    agent.go_back()
    expect(form.get_by_label("Nombre", exact=True)).to_have_value("Berta")
    form.get_by_label("Apellidos").fill("Nueva Roldán")
    form.get_by_label("DNI / NIE").fill("12345678Z")
    agent.keyboard.press("Control+Enter")
    expect(panel.locator(".who-name")).to_contain_text("Berta Nueva Roldán")
    expect(agent.locator("#composer")).to_be_visible()


def test_a_task_is_changed_and_two_files_are_compared_merged_and_parted(world: World) -> None:
    one, two = insured(world), insured(world)
    born = {"first_name": "Rocío", "last_name": "Gemela", "birth_date": "1980-05-04"}
    for each in (one, two):
        path = f"/customers/{each['customer_id']}"
        version = world.centre.ask(CARMEN, "GET", path)["version"]
        world.centre.ask(CARMEN, "PATCH", path, born, {"If-Match": f'"{version}"'})
    about = {"customer_id": one["customer_id"], "due_date": "2026-11-27T12:00:00Z"}
    world.centre.ask(CARMEN, "POST", "/tasks", {"title": "Llamar a Rocío", **about})
    page = world.desk(CARMEN, available=False)
    at(page, "tasks")
    row = page.locator(".task", has_text="Llamar a Rocío")
    expect(row).to_contain_text("Rocío Gemela")
    row.get_by_role("button", name="Cambiar la tarea").click()
    due = page.get_by_label("Para")
    expect(due).to_have_value("27/11/2026 13:00")  # as the centre's wall shows it
    due.fill("mañana")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".form .error-line", has_text="Escríbela así")).to_be_visible()
    due.fill("30/11/26 9:05")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("30 nov, 09:05")
    expect(page.locator(".crm h2")).to_be_focused()  # the keyboard goes on where one is now
    # A complaint's day is the law's, unless somebody says another.
    at(page, f"new/task?customer={one['customer_id']}")
    page.get_by_label("Qué hay que hacer").fill("Se queja de la demora")
    page.get_by_label("Tipo").select_option("Reclamación")
    expect(page.get_by_label("Para")).to_have_value("")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .form")).to_have_count(0)
    at(page, "tasks")
    expect(page.locator(".task", has_text="Se queja de la demora")).to_contain_text("día hábil")

    at(page, f"customer/{one['customer_id']}")
    twin = page.locator(".thing", has_text="Rocío Gemela").first
    twin.get_by_role("button", name="Comparar").click()
    sides = page.locator(".side-by-side")
    expect(sides.locator("tr", has_text="Nacimiento")).to_contain_text("04/05/1980")
    expect(sides.locator("tr.differs", has_text="Correo")).to_be_visible()
    sides.get_by_role("button", name="Unir aquí").click()
    page.get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("Deshecho: vuelven a ser dos fichas.")).to_be_visible()
    # And later, from the page of the file that became part of the other.
    twin.get_by_role("button", name="Comparar").click()
    sides.get_by_role("button", name="Unir aquí").click()
    expect(page.get_by_role("button", name="Deshacer")).to_be_visible()
    at(page, f"customer/{two['customer_id']}")
    ended = page.locator(".box-msg", has_text="Esta ficha se unió a otra.")
    ended.get_by_role("button", name="Deshacer").click()
    expect(page.get_by_text("Deshecho: vuelven a ser dos fichas.")).to_be_visible()
    expect(ended).to_have_count(0)
    expect(page.locator(".crm").get_by_role("button", name="Siniestro", exact=True)).to_be_visible()


def test_a_closed_file_is_erased_and_its_certificate_is_found(world: World) -> None:
    tail = uuid4().hex[:8]
    person = {"first_name": "Elvira", "last_name": f"Fugaz {tail}", "confirm": True}
    person |= {"email": f"elvira.{tail}@correo.example"}
    of = world.centre.ask(ELENA, "POST", "/customers", person)["customer_id"]
    page = world.desk(ELENA, available=False)
    at(page, f"customer/{of}")
    account = page.get_by_role("group", name="Cuenta de cliente")
    account.get_by_role("button", name="Enlazar", exact=True).click()
    account.locator("[name=email]").fill("elvira@")
    expect(account).to_contain_text("Falta parte del correo")
    account.locator("[name=email]").fill(CARMEN)
    page.keyboard.press("Control+Enter")
    expect(account).to_contain_text("No es la cuenta de un cliente")
    page.keyboard.press("Escape")
    ending = page.get_by_role("group", name="Cerrar la ficha")
    ending.get_by_role("button", name="Cerrar la ficha").click()
    ending.get_by_role("button", name="Cerrarla para siempre").click()
    expect(page.locator(".crm h2")).to_have_text("Ficha borrada")
    erasure = page.get_by_role("group", name=re.compile("^Borrado"))
    erased = "/privacy/customers"
    eventually(
        lambda: of in [one["person"] for one in world.centre.ask(ELENA, "GET", erased)["items"]],
        "no certificate",
    )
    page.reload()
    erasure.get_by_role("button", name="Certificado de borrado").click()
    expect(erasure.locator("tbody tr", has_text="customers").first).to_contain_text("Borrado")
    at(page, "customers")
    page.get_by_role("button", name="Fichas borradas").click()
    page.locator(".crm .form [name=id]").fill(of)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".erased-one")).to_have_count(1)
    page.locator(".erased-one").get_by_role("button").click()
    expect(page.locator(".erased-one tbody tr").first).to_be_visible()
    world.noise = [line for line in world.noise if not re.search("status of 40[49]", line)]


def test_a_customer_has_further_addresses_and_lives_with_somebody(world: World) -> None:
    page = world.desk(ELENA, available=False)
    ask = world.centre.ask
    make = {"kind": "person", "last_name": "Prueba Techado", "confirm": True}
    nora = ask(ELENA, "POST", "/customers", make | {"first_name": "Nora"})
    otto = ask(ELENA, "POST", "/customers", make | {"first_name": "Otto"})

    at(page, f"customer/{nora['customer_id']}")
    page.get_by_role("button", name="Cambiar", exact=True).click()
    page.get_by_role("button", name="Añadir Otros teléfonos y correos").click()
    ways = page.get_by_role("group", name="Otros teléfonos y correos")
    ways.get_by_label("Número").fill("123")
    page.keyboard.press("Control+Enter")
    expect(ways.get_by_label("Número")).to_have_attribute("aria-invalid", "true")
    ways.get_by_label("Número").fill("600 123 457")
    ways.get_by_label("De quién").fill("Su hijo")
    page.get_by_role("button", name="Añadir Otras direcciones").click()
    postal = page.get_by_role("group", name="Otras direcciones")
    postal.get_by_label("Qué dirección es").fill("Verano")
    postal.get_by_label("Dirección", exact=True).fill("Camino Inventado 3")
    portfolio = page.get_by_label("Cartera de")
    carmen = portfolio.locator("option", has_text="Carmen").get_attribute("value")
    portfolio.select_option(carmen)
    page.keyboard.press("Control+Enter")
    data = page.get_by_role("group", name="Datos")
    expect(data).to_contain_text("Camino Inventado 3")
    expect(data).to_contain_text("Su hijo")
    card = ask(ELENA, "GET", f"/customers/{nora['customer_id']}")
    assert [each["address"] for each in card["ways"]] == ["+34600123457"]
    assert card["portfolio_manager_id"] == carmen

    home = page.get_by_role("group", name="Unidad familiar")
    home.get_by_role("button", name="Vive con…").click()
    home.get_by_role("button", name="Unir Otto Prueba Techado").click()
    leave = home.get_by_role("button", name="Ya no vive aquí")
    expect(leave).to_be_visible()
    expect(home.get_by_role("link", name="Otto Prueba Techado")).to_be_visible()
    joined = ask(ELENA, "GET", f"/customers/{otto['customer_id']}")["household_id"]
    assert joined == ask(ELENA, "GET", f"/customers/{nora['customer_id']}")["household_id"]
    leave.click()
    expect(home.get_by_role("button", name="Vive con…")).to_be_visible()


def test_whoever_says_who_they_are_while_they_wait_reaches_their_adjuster(world: World) -> None:
    """They choose nothing and nobody knows them, so they wait where new people do."""
    ask, customer = world.centre.ask, insured(world)
    digits = int(uuid4().hex[:7], 16) % 10**8
    document = f"{digits:08}{'TRWAGMYFPDXBNJZSQVHLCKE'[digits % 23]}"
    path = f"/customers/{customer['customer_id']}"
    ask(CARMEN, "PATCH", path, {"dni": document}, {"If-Match": f'"{customer["version"]}"'})
    (policy,) = ask(ELENA, "GET", f"/policies?customer_id={customer['customer_id']}")["items"]
    then = f"{policy['coverage_start_date']}T10:00:00+01:00"
    told = {"claim_type": "collision", "cause": "collision", "incident_date": then}
    whose = {"policy_id": policy["policy_id"], "description": "Un golpe por detrás."}
    adjuster = ask(LUCIA, "GET", "/auth/me")["agent"]["id"]
    ask(ELENA, "POST", "/claims", {**told, **whose, "adjuster_id": adjuster})

    handler = world.desk(LUCIA)
    visitor = world.visitor("Hola, es por mi siniestro", queue=None)
    visitor.say(f"Mi DNI es {document}")
    accept(handler)
    expect(handler.locator(".panel .who-name")).to_contain_text(customer["name"])
    handler.get_by_role("button", name="¿Por qué yo?").click()
    drawer = handler.get_by_role("dialog", name="Por qué llegó a ti")
    expect(drawer.locator(".why-steps")).to_contain_text("Se sabe quién es mientras espera")
    expect(drawer.locator(".why-steps")).to_contain_text("decide la regla claim")
