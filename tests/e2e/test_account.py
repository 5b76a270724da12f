"""Accounts and administration in a real browser: letters, the second step, a provider."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import World
from tests.e2e.looks import Axe, in_every_look

pytestmark = pytest.mark.browser

ADMIN = "admin@aintech.com"
ELSEWHERE = re.compile(r"^https?://(?!127\.0\.0\.1[:/])")
DEMO = "password123"
STRONG = "Tr4mvía-azul"


def sign_in(page: Page, email: str, password: str = DEMO) -> None:
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.locator("form button[type=submit]").click()


def at_the_provider(world: World) -> Page:
    """Its development pages ask for a font from elsewhere, and do not get it."""
    page = world.page("/account")
    page.context.route(ELSEWHERE, lambda route: route.abort())
    page.get_by_role("link", name="Entrar con Example").click()
    return page


def letter(world: World, address: str, page: str) -> str:
    """The path and fragment that the newest letter to this address leads to."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        items: list[dict[str, Any]] = world.centre.call("GET", "/demo/mailbox")["items"]
        for item in items:
            found = re.search(rf"/account/{page}#\S+", item["body"])
            if item["address"] == address and found:
                return found.group(0)
        time.sleep(0.2)
    raise AssertionError(f"no letter came to {address}")


def test_from_an_invitation_to_the_second_step(world: World) -> None:
    admin = world.page("/admin")
    sign_in(admin, ADMIN)
    admin.get_by_role("button", name="Invitar").click()
    dialog = admin.locator("dialog")
    dialog.get_by_label("Correo", exact=True).fill("nueva@example.com")
    dialog.get_by_label("Nombre").fill("Nora")
    dialog.get_by_label("Apellidos").fill("Nueva")
    dialog.get_by_role("button", name="Enviar la invitación").click()
    expect(dialog).to_have_count(0)
    expect(admin.get_by_role("status").filter(has_text="nueva@example.com")).to_be_visible()

    page = world.page(letter(world, "nueva@example.com", "invite"))
    page.get_by_label("Contraseña", exact=True).fill("corta")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="sin marcar")).to_be_visible()
    expect(page.get_by_label("Contraseña", exact=True)).to_be_focused()
    page.get_by_label("Contraseña", exact=True).fill(STRONG)
    expect(page.locator(".rules .kept")).to_have_count(5)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Entrar").click()
    sign_in(page, "nueva@example.com", STRONG)
    page.wait_for_url("**/desk")  # an agent's work is there
    page.goto(f"{world.centre.url}/account")

    used = set_up_second_step(page)
    expect(page.locator(".codes code")).to_have_count(10)
    expect(page.locator(".codes h3")).to_be_focused()
    recovery = page.locator(".codes code").first.inner_text()
    page.get_by_role("button", name="Los he guardado").click()
    expect(page.locator(".chip", has_text="Activa")).to_be_visible()

    page.route("**/auth/logout", lambda route: route.abort("connectionreset"))
    page.get_by_role("button", name="Salir").click()
    told = page.get_by_role("alert").filter(has_text="sigues dentro")
    expect(told).to_contain_text("El servidor no contesta.")
    expect(page.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    told.get_by_role("button", name="Cerrar").click()
    expect(told).to_have_count(0)
    page.unroute("**/auth/logout")
    world.noise = [line for line in world.noise if "CONNECTION_RESET" not in line]
    page.get_by_role("button", name="Salir").click()
    sign_in(page, "nueva@example.com", STRONG)
    page.get_by_label("Código").fill(used)
    expect(page.get_by_role("alert").filter(has_text="ya se usó")).to_be_visible()
    expect(page.get_by_label("Código")).to_be_focused()
    page.get_by_role("button", name="Usar un código de recuperación").click()
    page.get_by_label("Código de recuperación").fill(recovery)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tu cuenta")).to_be_visible()


def set_up_second_step(page: Page) -> str:
    """Switch it on, as far as the recovery codes; the code that was used for it."""
    page.get_by_role("button", name="Configurar").click()
    picture = page.locator(".set-up img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    totp = pyotp.TOTP(page.locator(".set-up .secret").inner_text().replace(" ", ""))
    expect(page.get_by_label("Código", exact=True)).to_be_focused()
    code = totp.at(datetime.now(UTC))
    page.keyboard.type(code)
    return code


def test_by_a_provider_and_back_to_the_page(world: World) -> None:
    page = at_the_provider(world)
    page.locator("input[name=login]").fill("verified:grace@example.com")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()  # consent
    expect(page.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    assert page.url == f"{world.centre.url}/account"
    expect(page.get_by_text("grace@example.com").first).to_be_visible()
    world.noise.clear()  # of the provider's pages
    page.get_by_role("button", name="Desenlazar Example").click()
    expect(page.get_by_role("status").filter(has_text="única manera de entrar")).to_be_visible()
    expect(page.get_by_text("Enlazado: grace@example.com")).to_be_visible()
    world.noise.clear()  # the refusal


def test_one_s_own_account_from_the_telephone_to_the_provider(world: World, axe: Axe) -> None:
    email = "perfil@example.com"
    registered(world, email)
    page = world.page("/account")
    page.context.route(ELSEWHERE, lambda route: route.abort())
    sign_in(page, email, STRONG)
    phone = page.get_by_label("Teléfono")
    phone.fill("600 55 00 4")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.get_by_text("No parece un teléfono.")).to_be_visible()
    expect(phone).to_be_focused()
    phone.fill("600 550 044")
    phone.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Guardado.")).to_be_visible()
    expect(phone).to_have_value("+34600550044")
    page.get_by_label("Idioma", exact=True).select_option("en")
    page.get_by_role("button", name="Guardar", exact=True).click()
    expect(page.locator("html[lang=en]")).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Telephone")).to_have_value("+34600550044")
    expect(page.get_by_label("Language", exact=True)).to_have_value("en")
    page.get_by_label("Telephone").fill("")
    page.get_by_label("Language", exact=True).select_option("es")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("html[lang=es]")).to_have_count(1)

    set_up_second_step(page)
    recovery = page.locator(".codes code").first.inner_text()
    page.get_by_role("button", name="Los he guardado").click()
    page.get_by_role("button", name="Desactivar").click()
    code = page.get_by_label("Código de la aplicación o de recuperación")
    expect(code).to_be_focused()
    code.fill("000000")
    page.get_by_role("button", name="Desactivar").click()
    expect(page.locator("[aria-invalid=true]")).to_be_focused()
    in_every_look(page, "account-off", axe)
    code.fill(recovery)
    code.press("Enter")
    expect(page.locator(".chip", has_text="Desactivada")).to_be_visible()
    expect(page.get_by_role("button", name="Configurar")).to_be_focused()

    page.get_by_role("button", name="Enlazar Example").click()
    page.locator("input[name=login]").fill(f"verified:{email}")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()
    expect(page.get_by_text(f"Enlazado: {email}")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Example")).to_be_visible()
    page.get_by_role("button", name="Desenlazar Example").scroll_into_view_if_needed()
    in_every_look(page, "account-linked", axe)
    page.get_by_role("button", name="Desenlazar Example").click()
    expect(page.get_by_text("Sin enlazar")).to_be_visible()
    expect(page.get_by_role("button", name="Enlazar Example")).to_be_focused()
    page.reload()
    expect(page.get_by_text("Sin enlazar")).to_be_visible()
    expect(page.get_by_label("Teléfono")).to_have_value("")
    world.noise.clear()  # of what was refused, and of the provider's pages


def test_an_unverified_address_of_a_provider_is_turned_away(world: World) -> None:
    page = at_the_provider(world)
    page.locator("input[name=login]").fill(f"unverified:{ADMIN}")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert").filter(has_text="Ya hay una cuenta")).to_be_visible()
    assert page.url.startswith(f"{world.centre.url}/account/sign-in")
    world.noise.clear()  # of the provider's pages


def registered(world: World, email: str) -> None:
    """A customer whose address is confirmed; the password is STRONG."""
    names = {"first_name": "Rosa", "last_name": "Marín"}
    world.centre.call("POST", "/auth/register", {"email": email, "password": STRONG, **names})
    token = letter(world, email, "verify").partition("#")[2]
    world.centre.call("POST", "/auth/verify-email", {"token": token, "password": STRONG})


def test_a_forgotten_password_and_a_session_ended_from_afar(world: World) -> None:
    email, other = "olvido@example.com", world.page("/account")
    registered(world, email)
    sign_in(other, email, STRONG)
    expect(other.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    page = world.page("/desk")
    page.get_by_role("link", name="La he olvidado").click()
    page.get_by_label("Correo").fill(email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="en camino")).to_be_visible()
    page.goto(world.centre.url + letter(world, email, "reset"))
    page.get_by_label("Contraseña nueva").fill(f"{STRONG}2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="ha cambiado")).to_be_visible()
    assert "#" not in page.url  # the token is spent, and gone from the address
    other.reload()
    expect(other.locator(".signin form")).to_be_visible()

    page.get_by_role("link", name="Entrar").click()
    sign_in(page, email, f"{STRONG}2")
    page.wait_for_url("**/account")
    page.get_by_label("Contraseña actual").fill(f"{STRONG}2")
    page.get_by_label("Contraseña nueva").fill(f"{STRONG}3")
    page.get_by_role("button", name="Cambiar la contraseña").click()
    expect(page.get_by_role("status").filter(has_text="Contraseña cambiada")).to_be_visible()
    sign_in(other, email, f"{STRONG}3")
    expect(other.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Cerrar la sesión de Chrome").click()
    expect(page.get_by_text("No hay ninguna otra.")).to_be_visible()
    other.reload()
    expect(other.locator(".signin form")).to_be_visible()


def test_a_customer_registers_and_confirms(world: World) -> None:
    page = world.page("/account/sign-in")
    page.get_by_role("link", name="créala aquí").click()
    page.get_by_label("Nombre").fill("Rosa")
    page.get_by_label("Apellidos").fill("Marín Gil")
    page.get_by_label("Correo").fill("rosa@example.com")
    page.get_by_label("Contraseña", exact=True).fill(STRONG)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="rosa@example.com")).to_be_visible()
    page.get_by_role("link", name="Entrar").click()
    sign_in(page, "rosa@example.com", STRONG)
    expect(page.get_by_text("Falta confirmar tu correo")).to_be_visible()
    link = world.centre.url + letter(world, "rosa@example.com", "verify")
    elsewhere = world.page("/account/sign-in")  # a browser where nobody is signed in
    elsewhere.goto(link)
    elsewhere.get_by_role("button", name="Confirmar").click()
    expect(elsewhere.get_by_label("Contraseña", exact=True)).to_be_focused()
    elsewhere.get_by_label("Contraseña", exact=True).fill(f"{STRONG}?")
    elsewhere.keyboard.press("Enter")
    expect(elsewhere.locator("[aria-invalid=true]")).to_have_count(1)
    world.noise = [line for line in world.noise if "status of 422" not in line]
    page.goto(link)  # from the account's own session a press is enough, and it takes one
    page.get_by_role("button", name="Confirmar").click()
    expect(page.get_by_text("Tu dirección está confirmada")).to_be_visible()
    page.get_by_role("link", name="Entrar").click()
    expect(page.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    expect(page.get_by_text("Falta confirmar tu correo")).to_have_count(0)


def test_the_demo_shows_its_letters(world: World) -> None:
    world.centre.call("POST", "/auth/forgot-password", {"email": "agent3@aintech.com"})
    letter(world, "agent3@aintech.com", "reset")
    page = world.page("/demo")
    page.get_by_text("Cartas a las cuentas").click()
    row = page.locator("#letters li", has_text="agent3@aintech.com").first
    expect(row.locator("a")).to_have_attribute("href", re.compile("/account/reset#"))
