"""What a supervisor sets for the whole office: its rules, workflows, and files in and out."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import ELENA, World
from tests.e2e.test_crm import at

pytestmark = pytest.mark.browser


def test_the_office_s_rules_are_changed_and_put_back(world: World) -> None:
    page = world.desk(ELENA, available=False)
    page.get_by_role("link", name="Reglas de la oficina").click()
    table = page.get_by_role("group", name="Festivos").locator("tbody tr")
    expect(table.filter(has_text="Viernes Santo").get_by_role("button")).to_have_count(0)
    page.get_by_role("button", name="Añadir", exact=True).click()
    form = page.locator(".crm .form")
    year = datetime.now(ZoneInfo("Europe/Madrid")).year
    form.get_by_label("Día", exact=True).fill(f"12/10/{year}")
    form.get_by_label("Qué se celebra").fill("Fiesta del barrio")
    page.keyboard.press("Control+Enter")
    expect(form.locator(".field").first).to_contain_text("Ya es festivo nacional")
    form.get_by_label("Día", exact=True).fill(f"24/08/{year}")
    page.keyboard.press("Control+Enter")
    row = table.filter(has_text="Fiesta del barrio")
    expect(row).to_contain_text("Local")
    row.get_by_role("button", name=re.compile("^Cambiar")).click()
    form.get_by_label("De dónde").select_option("regional")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("Autonómico")
    row.get_by_role("button", name=re.compile("^Quitar")).click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Deshacer").click()
    expect(row).to_contain_text("Autonómico")
    row.get_by_role("button", name=re.compile("^Quitar")).click()
    page.get_by_role("button", name="Tarifas").click()
    # What the law gives is followed by its next rule, and never left without one.
    page.get_by_role("button", name="Plazos legales").click()
    grace = page.locator("tbody tr").filter(has_text="recibo impagado")
    grace.get_by_role("button", name=re.compile("^Quitar")).click()
    expect(page.locator(".told")).to_contain_text("añade la regla siguiente")
    # A limit is not a supervisor's own to raise.
    page.get_by_role("button", name="Límites").click()
    expect(page.locator("tbody tr").first).to_contain_text("Rige")
    expect(page.get_by_role("button", name="Añadir", exact=True)).to_have_count(0)
    world.noise = [line for line in world.noise if not re.search("status of 4(09|22)", line)]


def section(page: Page, name: str) -> Locator:
    """One kind of the office's rules: its rows."""
    page.get_by_role("button", name=name, exact=True).click()
    rows = page.get_by_role("group", name=name, exact=True).locator("tbody tr")
    expect(rows.first).to_be_visible()
    return rows


def added(page: Page, **fields: str) -> Locator:
    """The form of a new row, filled by its fields' names."""
    page.locator(".crm .row.wrap-row").get_by_role("button", name="Añadir", exact=True).click()
    form = page.locator(".crm .form")
    for name, value in fields.items():
        field = form.locator(f"[name='{name}']")
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    return form


def press(row: Locator, word: str) -> None:
    row.get_by_role("button", name=re.compile(f"^{word}")).click()


def test_what_the_centre_works_with_is_added_changed_and_ended(world: World) -> None:
    tail = uuid4().hex[:6]
    page = world.desk(ELENA, available=False)
    at(page, "office?section=insurers")
    form = page.locator(".crm .form")
    rows = section(page, "Aseguradoras")
    code = f"M{int(tail, 16) % 9000 + 1000}"
    added(page, key="Mal nombre", name=f"Mutua {tail}", dgs_code="1234")
    expect(form).to_contain_text("Minúsculas, cifras y guiones")  # as one types
    expect(form).to_contain_text("y cuatro cifras")
    form.locator("[name=key]").fill(f"mutua-{tail}")
    form.locator("[name=dgs_code]").fill(code)
    page.keyboard.press("Control+Enter")
    row = rows.filter(has_text=f"Mutua {tail}")
    expect(row).to_contain_text(code)
    press(row, "Cambiar")
    form.locator("[name=assistance_phone]").fill("900 100 200")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("900 100 200")
    press(row, "Retirar")
    expect(row).to_contain_text("Retirada")
    page.get_by_role("button", name="Deshacer").click()
    expect(row).not_to_contain_text("Retirada")
    press(row, "Retirar")
    expect(row).to_contain_text("Retirada")

    rows = section(page, "Ofertas")
    expect(rows).to_have_count(5)
    row = rows.filter(has_text="Vida")
    press(row, "Cambiar")
    form.locator("[name=min_offers]").fill("30")
    expect(form.locator(".error-line").first).to_be_visible()
    form.locator("[name=min_offers]").fill("2")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("2")
    expect(form).to_have_count(0)

    page.get_by_role("button", name="Talleres y peritos", exact=True).click()
    number = f"976{int(tail, 16) % 10**6:06}"
    added(page, name=f"Talleres {tail}", kind="workshop", phone="12")
    expect(form).to_contain_text("No parece un teléfono")
    form.locator("[name=phone]").fill(number)
    page.keyboard.press("Control+Enter")
    row = page.locator(".crm tbody tr").filter(has_text=f"Talleres {tail}")
    expect(row).to_contain_text("Taller")
    press(row, "Cambiar")
    form.locator("[name=kind]").select_option("perito")
    page.keyboard.press("Control+Enter")
    expect(row).to_contain_text("Perito")
    press(row, "Quitar")
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Deshacer").click()
    expect(row).to_contain_text("Perito")
    press(row, "Quitar")
    expect(row).to_have_count(0)

    page.get_by_role("button", name="Catástrofes", exact=True).click()
    added(page, peril="volcano", postal_codes="38, 3900x", note=f"Ceniza {tail}")
    expect(form).to_contain_text("de dos a cinco")
    form.locator("[name=postal_codes]").fill("38, 39001")
    page.keyboard.press("Control+Enter")
    row = page.locator(".crm tbody tr").filter(has_text=f"Ceniza {tail}")
    expect(row).to_contain_text("En curso")
    expect(row).to_contain_text("38, 39001")
    press(row, "Dar por terminada")
    expect(row).not_to_contain_text("En curso")
    expect(row.get_by_role("button")).to_have_count(0)

    rows = section(page, "Reparto")
    added(page, **{"name": "otra regla", "if.0.fact": "renewal_days", "base": "900"})
    expect(form).to_contain_text("guiones bajos")
    form.locator("[name=name]").fill(f"casa_{tail}")
    form.locator("[name='if.0.min']").fill("1")
    form.locator("[name='if.0.max']").fill("3")
    form.locator("[name=base]").fill("77")
    form.locator("[name=after]").select_option("vip")
    form.locator("[name=preferred]").select_option("manager")
    form.locator("[name=preferred_s]").fill("20")
    page.keyboard.press("Control+Enter")
    row = rows.filter(has_text=f"casa {tail}")
    expect(row).to_contain_text("Días hasta la renovación ≥ 1 ≤ 3")
    expect(row).to_contain_text("Base: 77")
    names = [one["name"] for one in world.centre.ask(ELENA, "GET", "/contact-rules")["items"]]
    assert names.index(f"casa_{tail}") == names.index("vip") + 1
    press(row, "Cambiar")
    form.locator("[name=base]").fill("78")
    form.locator("[name=after]").select_option("")
    page.keyboard.press("Control+Enter")
    expect(rows.first).to_contain_text("Base: 78")
    press(row, "Quitar")
    expect(row).to_have_count(0)
    kept = world.centre.ask(ELENA, "GET", "/contact-rules")["items"]
    assert [one["name"] for one in kept] == [one for one in names if one != f"casa_{tail}"]


def test_a_limit_is_offered_for_every_role_that_there_is(world: World) -> None:
    ramon = "supervisor2@aintech.com"
    admin = "admin@aintech.com"
    roles = world.centre.ask(admin, "GET", "/roles")["items"]
    rights = next(one["permissions"] for one in roles if one["name"] == "supervisor")
    role = {"name": "gerencia", "permissions": [*rights, "roles.manage", "users.manage"]}
    world.centre.ask(admin, "POST", "/roles", role)
    user = world.centre.ask(admin, "GET", f"/users?q={ramon}")["items"][0]
    path = f"/users/{user['user_id' if 'user_id' in user else 'id']}"
    try:
        world.centre.ask(admin, "PATCH", path, {"role": "gerencia"})
        page = world.desk(ramon, available=False)
        at(page, "office?section=limits")
        form = added(page, role="gerencia", valid_from="01/01/2030", limit="1000")
        expect(form.locator("[name=role] option[value=customer]")).to_have_count(0)
        page.keyboard.press("Control+Enter")
        row = page.locator(".crm tbody tr").filter(has_text="gerencia")
        expect(row).to_contain_text("1.000,00")
        press(row, "Quitar")
        expect(row).to_have_count(0)
    finally:
        world.centre.ask(admin, "PATCH", path, {"role": "supervisor"})
        world.centre.ask(admin, "DELETE", "/roles/gerencia")


def test_a_workflow_is_defined_mended_changed_and_switched_off(world: World) -> None:
    page = world.desk(ELENA, available=False)
    at(page, "workflows")
    page.get_by_role("button", name="Flujo", exact=True).click()
    page.get_by_label("Nombre").fill("Llamar al nuevo")
    page.get_by_label("Empieza").select_option("Cuando pasa algo")
    page.get_by_label("Cuándo").select_option("se abre una ficha")
    page.get_by_label("Solo si").fill('customer.segment == "nadie"')
    steps = page.get_by_label("Pasos, en orden")
    steps.fill("[{")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".error-line", has_text="Una lista de pasos en JSON")).to_be_visible()
    steps.fill('[{"type": "create_task", "config": {"titulo": "Llamar"}}]')
    page.get_by_role("button", name="Esperar").click()
    page.keyboard.press("Control+Enter")
    told = page.locator(".steps-in [role=alert] li")
    expect(told).to_contain_text("Paso 1: lleva solo title, description")
    world.noise = [line for line in world.noise if "status of 422" not in line]
    steps.fill(steps.input_value().replace("titulo", "title"))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".flow .flow-step")).to_have_count(2)
    expect(page.locator(".crm .hd")).to_contain_text("cuando se abre una ficha · versión 1")

    page.get_by_role("button", name="Cambiar").click()
    page.get_by_label("Empieza").select_option("Por el reloj")
    page.get_by_label("Hora").fill("9:15")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .hd")).to_contain_text("cada día a las 09:15 · versión 2")
    page.get_by_role("button", name="Apagar").click()
    expect(page.locator(".crm .hd .chip")).to_have_text("Apagado")


def test_files_come_in_all_or_nothing_and_go_out(world: World) -> None:
    page = world.desk(ELENA, available=False)
    at(page, "import")
    head = "Nombre;Apellidos;DNI/NIF;Correo electrónico\n"
    bad = (
        f"{head}Marta;Ruiz Lahoz;00000001A;marta@correo.example\nPedro;Gil;;pedro@correo.example\n"
    )
    chooser = page.locator("input[type=file]")
    chooser.set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": bad.encode()})
    expect(page.locator(".crm .row-note")).to_contain_text("DNI")
    expect(page.get_by_role("button", name=re.compile("^Importar \\d"))).to_be_disabled()
    good = bad.replace("00000001A", "00000001R")
    chooser.set_input_files({"name": "b.csv", "mimeType": "text/csv", "buffer": good.encode()})
    page.get_by_role("button", name="Importar 2 filas").click()
    expect(page.locator(".crm .box-msg.ok")).to_contain_text("Importadas 2 filas.")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Exportar: Clientes").click()
    assert "Ruiz Lahoz" in saved.value.path().read_text("utf-8-sig")
