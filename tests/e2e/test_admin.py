"""Administration in a real browser: users, roles, the audit log; who may do what."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import CARMEN, ELENA, PABLO, PASSWORD, World, accept

pytestmark = pytest.mark.browser

ADMIN = "admin@aintech.com"


def admin(world: World, path: str = "/admin", email: str = ADMIN, **look: object) -> Page:
    context = world.context(**look)  # type: ignore[arg-type]
    login = context.request.post(
        f"{world.centre.url}/api/v1/auth/login",
        data={"email": email, "password": PASSWORD, "token_transport": "cookie"},
    )
    assert login.ok, login.text()
    page = context.new_page()
    page.goto(world.centre.url + path)
    return page


def user_id(world: World, email: str) -> str:
    users = world.centre.ask(ADMIN, "GET", f"/users?q={email}")["items"]
    return str(next(user["id"] for user in users if user["email"] == email))


def opened(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Abrir {name}").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name=name)).to_be_visible()


def test_a_user_is_found_limited_disabled_and_enabled(world: World) -> None:
    page = admin(world)
    page.get_by_label("Buscar").fill("urri")
    expect(page.locator("tbody tr")).to_have_count(1)
    opened(page, "Pablo Urriés")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Comercial").check()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status").filter(has_text="Guardado")).to_be_visible()
    expect(page.locator("tbody tr td").nth(1)).to_have_text("CO")
    dialog.get_by_label("Comercial").uncheck()
    dialog.get_by_role("button", name="Guardar").click()
    expect(page.locator("tbody tr td").nth(1)).to_have_text("Sin límite")

    dialog.get_by_role("button", name="Desactivar").click()
    dialog.get_by_role("button", name="No", exact=True).click()
    dialog.get_by_role("button", name="Desactivar").click()
    expect(dialog.get_by_role("button", name="Sí, adelante")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("tbody .chip", has_text="Desactivado")).to_be_visible()
    dialog.get_by_role("button", name="Activar").click()
    expect(page.locator("tbody .chip", has_text="Activo")).to_be_visible()
    world.centre.forget(PABLO)


def test_the_last_administrator_stays_and_the_page_says_why(world: World) -> None:
    page = admin(world)
    opened(page, "Alba Serrat")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Desactivar")).to_have_count(0)  # oneself
    dialog.get_by_label("Rol").select_option("agent")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog.get_by_text("última persona que administra")).to_be_visible()
    world.noise = [line for line in world.noise if "status of 409" not in line]


def test_somebody_elses_change_is_not_overwritten(world: World) -> None:
    page = admin(world)
    opened(page, "Pablo Urriés")
    path = f"/users/{user_id(world, PABLO)}"
    world.centre.ask(ADMIN, "PATCH", path, {"phone": "+34600000001"})
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Nombre").fill("Paulo")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog.get_by_text("Ha cambiado desde que lo abriste")).to_be_visible()
    expect(dialog.get_by_label("Nombre")).to_have_value("Paulo")
    assert world.centre.ask(ADMIN, "GET", path)["first_name"] == "Pablo"
    world.noise = [line for line in world.noise if "status of 412" not in line]


def test_a_custom_role_is_made_changed_and_dropped(world: World) -> None:
    page = admin(world, "/admin/roles")
    page.get_by_role("button", name="Nuevo rol").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Nombre").fill("Con Espacio")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert").filter(has_text="minúsculas")).to_be_visible()
    dialog.get_by_label("Nombre").fill("lectura")
    dialog.get_by_label("Empieza").select_option("customer")
    page.keyboard.press("Enter")
    box = page.get_by_label("lectura: Leer la auditoría")
    box.check()
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("status").filter(has_text="Guardado")).to_be_visible()
    page.reload()
    expect(box).to_be_checked()
    page.get_by_role("button", name="Borrar").click()
    page.get_by_role("dialog").get_by_role("button", name="Borrar").click()
    expect(box).to_have_count(0)


def test_what_one_may_not_do_is_not_there(world: World) -> None:
    world.centre.ask(ADMIN, "POST", "/roles", {"name": "gestor", "permissions": ["users.manage"]})
    user = f"/users/{user_id(world, ELENA)}"
    try:
        world.centre.ask(ADMIN, "PATCH", user, {"role": "gestor"})
        page = admin(world, email=ELENA)
        expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(
            ["Usuarios", "Roles", "Equipos"]
        )
        opened(page, "Alba Serrat")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("permisos que tú no tienes")).to_be_visible()
        expect(dialog.get_by_role("textbox")).to_have_count(0)
        page.keyboard.press("Escape")
        page.get_by_role("link", name="Roles").click()
        expect(page.locator(".matrix tbody tr").first).to_be_visible()
        expect(page.locator(".matrix input")).to_have_count(0)
        expect(page.get_by_role("button", name="Nuevo rol")).to_have_count(0)
    finally:
        world.centre.ask(ADMIN, "PATCH", user, {"role": "supervisor"})
        world.centre.ask(ADMIN, "DELETE", "/roles/gestor")


def test_an_agent_is_shown_where_to_go(world: World) -> None:
    page = admin(world, email=PABLO)
    expect(page.get_by_role("alert").filter(has_text="no tiene acceso")).to_be_visible()
    expect(page.get_by_role("link", name="Puesto del agente")).to_have_attribute("href", "/desk")


def test_the_log_is_searched_and_shows_before_and_after(world: World) -> None:
    path = f"/users/{user_id(world, PABLO)}"
    world.centre.ask(ADMIN, "PATCH", path, {"phone": "+34600000002"})
    page = admin(world, "/admin/audit")
    page.get_by_label("Acción").fill("user")
    expect(page.locator("tbody code", has_text="auth.login")).to_have_count(0)
    row = page.locator("tbody tr", has_text="user.changed").first
    expect(row.locator(".chip", has_text="nº")).to_be_visible()
    row.get_by_role("button", name="Ver el detalle").click()
    change = page.locator(".changes tbody tr", has_text="phone")
    expect(change.locator("td").last).to_have_text("+34600000002")
    since = page.get_by_label("Desde")
    since.fill("1/1/31")
    expect(page.get_by_text("No hay nada así.")).to_be_visible()
    since.fill("ayer")
    since.blur()
    expect(page.locator(".error-line", has_text="Escríbela así")).to_be_visible()
    expect(row).to_be_visible()
    until = page.locator(".field", has_text="Hasta")
    until.get_by_role("button", name="Elegir el día").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(until.get_by_role("textbox")).to_have_value(re.compile(r"^\d{2}/\d{2}/\d{4}$"))
    expect(until.get_by_role("textbox")).to_be_focused()


def test_the_chain_is_walked(world: World) -> None:
    page = admin(world, "/admin/audit")
    page.get_by_role("button", name="Comprobar la cadena").click()
    verdict = page.get_by_role("status").filter(has_text="La cadena está entera")
    expect(verdict.locator("code")).to_have_text(re.compile(r"^\d+:[0-9a-f]{64}$"))


def test_a_team_is_made_filled_given_queues_and_dropped(world: World) -> None:
    page = admin(world, "/admin/teams")
    page.get_by_role("button", name="Nuevo equipo").click()
    dialog = page.get_by_role("dialog")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Crear").click()
    expect(dialog.get_by_role("alert").filter(has_text="Falta esto")).to_be_visible()
    dialog.get_by_label("Nombre del equipo").fill("Línea Norte")
    dialog.get_by_label("Pablo Urriés").check()
    before = set(served(world, "Pablo"))
    assert "SH" not in before
    dialog.get_by_label("Siniestros hogar").check()
    dialog.get_by_role("button", name="Crear").click()
    row = page.locator("tbody tr", has_text="Línea Norte")
    try:
        expect(row.locator("code")).to_have_text("linea-norte")
        expect(row).to_contain_text("Pablo Urriés")
        expect(row).to_contain_text("Siniestros hogar")
        assert set(served(world, "Pablo")) == before | {"SH"}
        row.get_by_role("button", name="Abrir Línea Norte").click()
        expect(dialog.get_by_label("Siniestros hogar")).to_be_checked()
        dialog.get_by_label("Siniestros hogar").uncheck()
        dialog.get_by_role("button", name="Guardar").click()
        expect(row).not_to_contain_text("Siniestros hogar")
    finally:
        row.get_by_role("button", name="Borrar Línea Norte").click()
        dialog.get_by_role("button", name="Borrar").click()
        expect(row).to_have_count(0)
    assert set(served(world, "Pablo")) == before


def served(world: World, name: str) -> list[str]:
    """The queues that the agent of this name serves."""
    agents = world.centre.ask(ADMIN, "GET", "/agents")["items"]
    found: list[str] = next(one["queues"] for one in agents if one["name"].startswith(name))
    return found


def test_whoever_is_invited_to_a_desk_has_it(world: World) -> None:
    email = f"mesa-{time.monotonic_ns()}@example.com"
    page = admin(world)
    page.get_by_role("button", name="Invitar", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Nombre").fill("Nerea")
    dialog.get_by_label("Apellidos").fill("Mesa")
    dialog.get_by_label("Correo", exact=True).fill(email)
    served = dialog.get_by_role("group", name="Colas que atiende")
    served.get_by_label("Siniestros auto").check()
    dialog.get_by_label("Rol").select_option("admin")
    expect(served).to_have_count(0)
    dialog.get_by_label("Rol").select_option("agent")
    dialog.get_by_role("button", name="Enviar la invitación").click()
    expect(page.get_by_text(f"Invitación enviada a {email}")).to_be_visible()
    user = world.centre.ask(ADMIN, "GET", f"/users/{user_id(world, email)}")
    desk = world.centre.ask(ADMIN, "GET", f"/agents/{user['agent_id']}")
    assert (desk["name"], desk["queues"]) == ("Nerea Mesa", ["SA"])


def test_somebody_is_exported_and_erased_and_the_certificate_tells(world: World) -> None:
    email = f"olvido-{time.monotonic_ns()}@example.com"
    invite = {"email": email, "first_name": "Olvido", "last_name": "Paz", "role": "customer"}
    made = world.centre.ask(ADMIN, "POST", "/users/invitations", invite)
    page = admin(world, "/admin/privacy")

    def asked(kind: str) -> Locator:
        page.get_by_role("button", name="Nueva solicitud").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Solicitud").select_option(kind)
        dialog.get_by_role("button", name=re.compile("^(Exportar|Borrar)$")).click()
        expect(dialog.get_by_role("alert").filter(has_text="Elige a una persona")).to_be_visible()
        dialog.get_by_label("Nombre, correo").fill(email)
        dialog.get_by_role("button", name=re.compile("Olvido Paz")).click()
        dialog.get_by_label("Motivo").fill("Lo ha pedido por escrito")
        return dialog

    dialog = asked("export")
    dialog.get_by_role("button", name="Exportar").click()
    expect(dialog.get_by_role("row", name=re.compile("^users 1"))).to_be_visible(timeout=15_000)
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="Descargar").click()
    told = json.loads(coming.value.path().read_text())
    assert told["users"][0]["email"] == email
    page.keyboard.press("Escape")

    dialog = asked("erase")
    dialog.get_by_role("button", name="Borrar", exact=True).click()
    dialog.get_by_role("button", name="Sí, borrar para siempre").click()
    expect(
        dialog.get_by_role("row", name=re.compile("^users 1 Borrado .*fila vacía"))
    ).to_be_visible(timeout=15_000)
    expect(dialog.get_by_role("row", name=re.compile("Guardado")).first).to_be_visible()
    assert world.centre.ask(ADMIN, "GET", f"/users/{made['id']}")["status"] == "erased"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Nueva solicitud").click()
    dialog.get_by_label("Solicitud").select_option("erase")
    dialog.get_by_label("De quién").select_option("customer")
    expect(dialog.get_by_text("Los clientes se borran en su ficha")).to_be_visible()


def test_the_centres_saved_replies_are_written_changed_and_deleted(world: World) -> None:
    """By a supervisor, who sees what belongs to queues and no other section."""
    page = admin(world, "/admin", ELENA)
    expect(page.locator(".top nav a")).to_have_text(
        ["Respuestas guardadas", "Resultados", "Grabación"]
    )
    page.get_by_role("button", name="Respuesta nueva").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog).to_contain_text("Escríbela al menos en un idioma.")
    dialog.get_by_label("En español").fill("Hola, {nombre}: el perito va mañana.")
    dialog.get_by_role("button", name="Guardar").click()
    row = page.locator("tbody tr", has_text="el perito va mañana")
    expect(row).to_contain_text("ES")
    row.locator(".link").click()
    dialog.get_by_label("En inglés").fill("Hello {name}, the surveyor comes tomorrow.")
    page.keyboard.press("Tab")
    dialog.get_by_role("button", name="Guardar").click()
    expect(row).to_contain_text("ES · EN")
    row.get_by_role("button", name="Borrar").click()
    page.get_by_role("dialog").get_by_role("button", name="Borrar").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Respuesta borrada.")).to_be_visible()


def test_an_outcome_is_made_changed_and_retired_while_a_desk_wraps_up(world: World) -> None:
    agent = world.desk(CARMEN)
    world.visitor("Solo era eso", name="Irene Sol")
    accept(agent)
    agent.get_by_role("button", name="Cerrar", exact=True).click()
    wrap = agent.locator(".wrap")
    page = admin(world, "/admin/outcomes", ELENA)
    page.get_by_role("button", name="Resultado nuevo").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog.locator("[aria-invalid=true]")).to_have_count(2)
    dialog.get_by_label("En español").fill("Grúa enviada")
    dialog.get_by_label("En inglés").fill("Tow truck sent")
    dialog.get_by_label("Se ofrece en").select_option("Comercial")
    dialog.get_by_role("button", name="Guardar").click()
    row = page.locator("tbody tr", has_text="Grúa enviada")
    expect(row.locator("td")).to_have_text(["Comercial", "nº 10", "En uso"])
    outcome = wrap.get_by_role("radio", name="Grúa enviada")
    outcome.click()
    expect(outcome).to_be_checked()

    row.locator(".link").click()
    dialog.get_by_label("En español").fill("Grúa pedida")
    dialog.get_by_label("Orden").fill("2.5")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog.get_by_text("Un número entero de 0 a 10 000.")).to_be_visible()
    dialog.get_by_label("Orden").fill("0")
    dialog.get_by_role("button", name="Guardar").click()
    renamed = wrap.get_by_role("radio", name="Grúa pedida")
    expect(renamed).to_be_checked()

    page.locator("tbody tr", has_text="Grúa pedida").locator(".link").click()
    dialog.get_by_label("Se ofrece al cerrar").uncheck()
    dialog.get_by_role("button", name="Guardar").click()
    expect(page.locator("tbody tr", has_text="Grúa pedida")).to_contain_text("Retirado")
    expect(renamed).to_have_count(0)
    wrap.get_by_role("button", name="Terminar").click()
    expect(wrap.get_by_role("alert")).not_to_be_empty()


def test_what_is_recorded_in_a_queue_is_changed(world: World) -> None:
    def rule() -> dict[str, Any]:
        items = world.centre.ask(ELENA, "GET", "/recording-rules")["items"]
        return next(one for one in items if one["queue"] == "CO")

    before = rule()
    page = admin(world, "/admin/recording", ELENA)
    opened(page, "Comercial")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Se graba", exact=True).select_option("Solo si el cliente dice que sí")
    dialog.get_by_label("Se guarda como").select_option("Contratación")
    dialog.get_by_label("Grabar también").check()
    dialog.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    row = page.locator("tbody tr", has_text="Comercial")
    expect(row.locator("td")).to_have_text(
        ["Solo si el cliente dice que sí", "Contratación", "Espera y consulta"]
    )
    after = rule()
    kept = {name: after[name] for name in ("mode", "retention", "aside", "health")}
    assert kept == {"mode": "opt_in", "retention": "contract", "aside": True, "health": False}
    given = {name: before[name] for name in kept}
    world.centre.ask(ELENA, "PUT", "/recording-rules/CO", given)
