"""Accounts and administration in a real browser: letters, the second step, a provider, looks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import World, looks

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
    dialog.get_by_label("Correo").fill("nueva@example.com")
    dialog.get_by_label("Nombre").fill("Nora")
    dialog.get_by_label("Apellidos").fill("Nueva")
    dialog.get_by_role("button", name="Invitar").click()
    expect(dialog).to_have_count(0)
    expect(admin.get_by_text("nueva@example.com")).to_be_visible()

    page = world.page(letter(world, "nueva@example.com", "invite"))
    page.get_by_label("Contraseña nueva").fill("corta")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_role("alert").filter(has_text="8 caracteres")).to_be_visible()
    page.get_by_label("Contraseña nueva").fill(STRONG)
    page.get_by_role("button", name="Guardar").click()
    page.get_by_role("link", name="Ir a tu cuenta").click()
    sign_in(page, "nueva@example.com", STRONG)

    page.get_by_role("button", name="Activar").click()
    expect(page.locator("img.qr")).to_be_visible()
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    totp = pyotp.TOTP(page.locator("section:has(img.qr) code").inner_text())
    now = datetime.now(UTC)
    page.get_by_label("Código").fill(totp.at(now))
    page.get_by_role("button", name="Confirmar").click()
    expect(page.locator(".recovery code")).to_have_count(10)
    recovery = page.locator(".recovery code").first.inner_text()

    page.get_by_role("button", name="Salir").click()
    sign_in(page, "nueva@example.com", STRONG)
    page.get_by_label("Código").fill(totp.at(now))
    page.get_by_role("button", name="Confirmar").click()
    expect(page.get_by_role("alert").filter(has_text="ya se ha usado")).to_be_visible()
    page.get_by_label("Código").fill(recovery)
    page.get_by_role("button", name="Confirmar").click()
    expect(page.get_by_role("heading", name="Tu cuenta")).to_be_visible()
    assert all("status of 422" in line for line in world.noise), world.noise
    world.noise.clear()  # a weak password was tried on purpose


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


def test_an_unverified_address_of_a_provider_is_turned_away(world: World) -> None:
    page = at_the_provider(world)
    page.locator("input[name=login]").fill(f"unverified:{ADMIN}")
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.locator("button[type=submit]").click()
    expect(page.get_by_role("alert").filter(has_text="ya tiene una cuenta")).to_be_visible()
    assert page.url.startswith(f"{world.centre.url}/account/sign-in")
    world.noise.clear()  # of the provider's pages


def account(page: Page, word: str) -> None:
    expect(page.locator("section.panel")).to_have_count(5)


def users(page: Page, word: str) -> None:
    expect(page.locator("tbody tr").first).to_be_visible()


def roles(page: Page, word: str) -> None:
    page.locator(".view").nth(1).click()
    expect(page.locator("tbody input[type=checkbox]").first).to_be_visible()


def audit(page: Page, word: str) -> None:
    page.locator(".view").nth(2).click()
    expect(page.locator("tbody tr").first).to_be_visible()


def forgot(page: Page, word: str) -> None:
    expect(page.locator("input[type=email]")).to_be_visible()


SCREENS: dict[str, tuple[str, Callable[[Page, str], None]]] = {
    "account": ("/account", account),
    "users": ("/admin", users),
    "roles": ("/admin", roles),
    "audit": ("/admin", audit),
    "forgot": ("/account/forgot", forgot),
}


@pytest.mark.parametrize(
    ("screen", "theme", "locale", "width"),
    [(screen, *look) for screen in SCREENS for look in looks(f"admin-{screen}")],
)
def test_axe_finds_nothing(
    world: World,
    axe: Callable[[Page], None],
    screen: str,
    theme: str,
    locale: str,
    width: int,
) -> None:
    path, show = SCREENS[screen]
    page = world.page(path, theme=theme, locale=locale, width=width)
    if screen != "forgot":
        sign_in(page, ADMIN)
    show(page, locale)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scroll"
    axe(page)
