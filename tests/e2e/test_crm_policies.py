"""Policies at the desk: from a quote, with their own notice, suspended and in force again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import CARMEN, World
from tests.e2e.test_crm import ANA, ana, at, insured

pytestmark = pytest.mark.browser


def test_a_quote_becomes_a_policy(world: World) -> None:
    customer = ana(world)
    page = world.desk(CARMEN, available=False)
    at(page, f"new/quote?customer={customer['customer_id']}")
    page.get_by_label("Prima base (€)").fill("400")
    page.get_by_label("De ella, la parte obligatoria (€)").fill("200")
    page.get_by_label("Aseguradora").first.select_option(index=1)
    page.get_by_role("button", name="Añadir Descuentos").click()
    page.get_by_label("Concepto").fill("Sin siniestros")
    page.get_by_label("%", exact=True).fill("10")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .price")).to_contain_text("360,00")
    expect(page.locator(".crm")).to_contain_text("Falta para poder enviarlo")
    expect(page.get_by_role("button", name="Enviar", exact=True)).to_be_disabled()

    page.get_by_role("button", name="Cambiar").click()
    for label in ("Exigencias", "Documento del producto", "Quiénes somos", "Por qué esta"):
        page.get_by_label(re.compile(label)).fill("Como pide la ley")
    for n in range(3):
        page.get_by_role("button", name="Añadir Ofertas comparadas").click()
        page.get_by_label("Aseguradora").nth(n + 1).select_option(index=n + 1)
        page.get_by_label("Prima (€)").nth(n).fill(str(400 + n))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm")).to_contain_text("Listo para enviar.")
    page.get_by_role("button", name="Enviar", exact=True).click()
    page.get_by_role("button", name="Aceptado").click()
    page.get_by_role("button", name="Hacer póliza").click()
    page.locator(".crm .form").get_by_label("N.º de póliza").fill("AU-E2E-1")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .hd")).to_contain_text("Auto AU-E2E-1")

    # The insurer will not renew: told yesterday, passed on today, and confirmed.
    renewal = page.get_by_role("group", name="Renovación")
    renewal.get_by_role("button", name="Anotar que no renueva").click()
    renewal.get_by_label("Quién no renueva").select_option("La aseguradora")
    shown = renewal.get_by_label("Qué día").input_value()  # today, as the centre's clock has it
    today = datetime.strptime(shown, "%d/%m/%Y").replace(tzinfo=ZoneInfo("Europe/Madrid"))
    renewal.get_by_label("Qué día").fill((today - timedelta(days=1)).strftime("%d/%m/%Y"))
    page.keyboard.press("Control+Enter")
    expect(renewal).to_contain_text("lo dice la aseguradora · recibido")
    renewal.get_by_role("button", name="Avisado el tomador").click()
    renewal.get_by_label("Qué día").fill((today - timedelta(days=2)).strftime("%d/%m/%Y"))
    page.keyboard.press("Control+Enter")
    expect(renewal.locator(".error-line")).to_have_text("No antes del paso anterior.")
    renewal.get_by_label("Qué día").fill(shown)
    page.keyboard.press("Control+Enter")
    expect(renewal).to_contain_text("· enviado")

    # A receipt along both axes, and a further driver.
    page.get_by_role("button", name="Añadir recibo").click()
    page.get_by_label("Número").fill("R-1")
    page.get_by_label("Neta (€)").fill("300")
    page.get_by_label("Total (€)").fill("360")
    page.get_by_label("Lo cobra").select_option("Nosotros")
    page.keyboard.press("Control+Enter")
    receipt = page.get_by_role("row", name=re.compile("R-1"))
    receipt.get_by_role("button", name="Mover a…").click()
    page.get_by_role("menuitem", name="Cobrado").click()
    expect(page.get_by_label("Cuándo fue")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(receipt).to_contain_text("por liquidar")
    receipt.get_by_role("button", name="Mover a…").click()
    page.get_by_role("menuitem", name="Liquidado con la aseguradora").click()
    page.get_by_label("N.º de liquidación").fill("LQ-11")
    page.keyboard.press("Control+Enter")
    expect(receipt).to_contain_text("LQ-11")
    page.get_by_role("button", name="Suplemento").click()
    page.get_by_role("button", name="Añadir Figuras").click()
    page.get_by_label("Persona").fill("Teo Prueba Lahoz")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("group", name="Figuras")).to_contain_text("Teo Prueba Lahoz")

    at(page, f"customer/{customer['customer_id']}")
    letters = page.get_by_role("group", name="Correos")
    expect(letters).to_contain_text(f"Se envían a {ANA}")
    letters.get_by_role("button", name="Su presupuesto").first.click()
    expect(letters.locator(".letter").first).to_contain_text("Hola, Ana:")


def test_a_life_policy_has_its_own_notice_and_may_cover_unpaid(world: World) -> None:
    customer = insured(world)
    page = world.desk(CARMEN, available=False)
    at(page, f"new/policy?customer={customer['customer_id']}")
    form = page.locator(".crm .form")
    notice = form.get_by_label("Preaviso (meses)")
    expect(form.get_by_label("Matrícula")).to_be_visible()
    expect(notice).to_have_count(0)  # all but life have the law's
    form.get_by_label("Ramo").select_option("Vida")
    form.get_by_label("Aseguradora").select_option(index=1)
    form.get_by_label("Prima anual total (€)").fill("240")
    notice.fill("13")
    expect(form.locator(".error-line", has_text="de 0 a 12")).to_be_visible()
    notice.fill("2")
    form.get_by_label("Cubre aunque no se pague la primera prima").check()
    page.keyboard.press("Control+Enter")
    renewal = page.get_by_role("group", name="Renovación")
    expect(renewal).to_contain_text("Preaviso (meses)2")
    expect(renewal).to_contain_text("Nuestro último día")
    expect(page.locator(".crm")).to_contain_text("Cubre aunque esté impagada")

    page.get_by_role("button", name="Suplemento").click()
    expect(notice).to_have_value("2")
    notice.fill("")
    form.get_by_label("Cubre aunque no se pague la primera prima").uncheck()
    page.keyboard.press("Control+Enter")
    expect(renewal).to_contain_text("El del contrato")
    expect(renewal).not_to_contain_text("Nuestro último día")
    expect(page.locator(".crm")).not_to_contain_text("Cubre aunque esté impagada")
    listed = f"/policies?customer_id={customer['customer_id']}&policy_type=life"
    policy = world.centre.ask(CARMEN, "GET", listed)["items"][0]
    path = f"/policies/{policy['policy_id']}"
    assert len(world.centre.ask(CARMEN, "GET", f"{path}/versions")["versions"]) == 1


def test_cover_is_suspended_and_comes_back_from_a_moment_on(world: World) -> None:
    customer = insured(world)
    mine = f"/policies?customer_id={customer['customer_id']}"
    policy = world.centre.ask(CARMEN, "GET", mine)["items"][0]
    path = f"/policies/{policy['policy_id']}"
    page = world.desk(CARMEN, available=False)
    at(page, f"policy/{policy['policy_id']}")
    page.locator(".crm-actions").get_by_role("button", name="Más").click()
    page.get_by_role("menuitem", name="Suspender").click()
    form = page.locator(".crm .form")
    since = form.get_by_label("Con efecto desde")
    expect(since).to_be_focused()
    today = datetime.now(ZoneInfo("Europe/Madrid")).date()
    first, second = (today - timedelta(days=n) for n in (14, 16))  # the demo has a day of its own
    since.fill(f"{today + timedelta(days=9):%d/%m/%Y} 10:00")
    form.get_by_label("Motivo").fill("Vende el coche")
    page.keyboard.press("Control+Enter")
    expect(form.locator(".error-line", has_text="Ese momento no ha llegado.")).to_be_visible()
    expect(since).to_be_focused()
    since.fill(f"{first:%d/%m/%Y} 10:00")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".crm .hd .chip")).to_have_text("En suspenso")
    # Not before what it lifts: only the server knows, and it is told at the field.
    at(page, f"policy/{policy['policy_id']}?form=resume")
    since.fill(f"{second:%d/%m/%Y} 10:00")
    page.keyboard.press("Control+Enter")
    expect(form.locator(".error-line", has_text="Ni antes de lo que termina")).to_be_visible()
    expect(since).to_be_focused()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    world.noise = [one for one in world.noise if "status of 422" not in one]  # asked for
    told = world.centre.ask(CARMEN, "GET", f"{path}/versions")["versions"][-1]
    at_ten = datetime.fromisoformat(told["effective_at"]).astimezone(ZoneInfo("Europe/Madrid"))
    assert (told["reason"], at_ten.date(), at_ten.hour) == ("Vende el coche", first, 10)
