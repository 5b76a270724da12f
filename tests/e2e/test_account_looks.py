"""The account's screens in both themes, both languages and two widths: nothing that axe refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import World
from tests.e2e.looks import Axe, in_two_looks
from tests.e2e.test_account import ADMIN, sign_in

pytestmark = pytest.mark.browser


def asked(page: Page) -> None:
    page.locator("input[type=email]").fill("nobody@example.com")
    page.keyboard.press("Enter")
    expect(page.locator(".summary.ok")).to_be_visible()


def lacking(page: Page) -> None:
    page.locator("form button[type=submit]").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_focused()


def told(page: Page) -> None:
    expect(page.locator(".summary.bad")).to_be_visible()


def half_typed(page: Page) -> None:
    page.get_by_label("Código", exact=True).fill("407")
    expect(page.locator(".digits span.on")).to_have_count(1)


SCREENS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "forgot": ("/account/forgot", asked),
    "register": ("/account/register", lacking),
    "reset": ("/account/reset#x", lacking),
    "invite": ("/account/invite#x", lacking),
    "verify": ("/account/verify", told),
    "refused": ("/account/sign-in#error=known_address", told),
    "code": ("/account/code#x", half_typed),
}


def test_the_screens_without_a_session(world: World, axe: Axe) -> None:
    page = world.page("/account")
    for name, (path, show) in SCREENS.items():
        page.goto(world.centre.url + path)
        show(page)
        in_two_looks(page, f"account-{name}", axe)
    page.locator(".under .link").first.click()
    expect(page.locator("input.mono")).to_be_focused()
    in_two_looks(page, "account-recovery", axe)


def test_the_screens_of_an_account(world: World, axe: Axe) -> None:
    page = world.page("/account")
    sign_in(page, ADMIN)
    expect(page.locator("section.card")).to_have_count(5)
    in_two_looks(page, "account", axe)
    page.locator("section.card .btn.primary:has(svg)").click()
    expect(page.locator(".set-up img")).to_be_visible()
    in_two_looks(page, "account-setting-up", axe)
