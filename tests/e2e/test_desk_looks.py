"""The desk's screens in both themes, both languages and two widths: nothing that axe refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import (
    CARMEN,
    PABLO,
    World,
    accept,
    in_every_look,
    looks,
    offer,
    set_status,
)

pytestmark = pytest.mark.browser

Screen = Callable[[World, Page], None]


def talking(world: World, page: Page) -> None:
    visitor = world.visitor("Buenos días, ¿me pueden ayudar?", name="Ana Beltrán Sanz")
    accept(page)
    page.locator("#composer").fill("Claro que sí")
    page.keyboard.press("Control+Enter")
    visitor.say("Gracias")
    expect(page.locator(".conv .bub")).to_have_count(3)


def offered(world: World, page: Page) -> None:
    world.visitor(name="Javier Ruiz Lahoz")
    offer(page)


def wrapping(world: World, page: Page) -> None:
    visitor = world.visitor("Adiós", name="Ana Beltrán Sanz")
    accept(page)
    visitor.leave()
    expect(page.locator(".wrap")).to_be_visible()


def explained(world: World, page: Page) -> None:
    talking(world, page)
    page.locator(".hd-actions .btn").first.click()
    expect(page.locator(".why tr.on").first).to_be_visible()


def handing_over(world: World, page: Page) -> None:
    talking(world, page)
    page.locator(".hd-actions .btn").nth(1).click()
    expect(page.locator("dialog .targets")).to_be_visible()


def customer(world: World, page: Page) -> None:
    talking(world, page)
    tab = page.locator(".tabbar button").nth(2)
    if tab.is_visible():
        tab.click()
    expect(page.locator(".panel .tl li").first).to_be_visible()


def cut_off(world: World, page: Page) -> None:
    talking(world, page)
    page.context.set_offline(True)
    expect(page.locator(".link-chip.lost")).to_be_attached()


def nothing_open(_: World, page: Page) -> None:
    expect(page.locator(".list")).to_be_visible()


def keys(_: World, page: Page) -> None:
    page.locator("body").press("?")
    expect(page.locator("dialog .keys")).to_be_visible()


def status(_: World, page: Page) -> None:
    page.locator(".status").click()
    expect(page.locator("[role=menu]")).to_be_visible()


SCREENS: tuple[Screen, ...] = (
    talking,
    offered,
    wrapping,
    explained,
    handing_over,
    customer,
    cut_off,
    nothing_open,
    keys,
    status,
)
CASES = [
    pytest.param(screen, look, id=f"{screen.__name__}-{look[0]}-{look[1]}-{look[2]}")
    for screen in SCREENS
    for look in looks(screen.__name__)
]


@pytest.mark.parametrize(("screen", "look"), CASES)
def test_a_screen_of_the_desk(
    world: World, axe: Callable[[Page], None], screen: Screen, look: tuple[str, str, int]
) -> None:
    theme, locale, width = look
    page = world.desk(CARMEN, theme=theme, locale=locale, width=width)
    screen(world, page)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_stands_in_the_way_of_leaving(world: World, axe: Callable[..., None]) -> None:
    page = world.desk(CARMEN)
    set_status(world.desk(PABLO, available=False), 2)
    visitor = world.visitor(name="Ana Beltrán Sanz")
    accept(page)
    dialog = page.locator("dialog[open]")

    def look(name: str) -> None:
        in_every_look(page, name, lambda what: axe(page, what))

    page.locator(".top .me").click()
    page.locator("[role=menuitem]").last.click()
    expect(dialog).to_have_accessible_name("Terminar el turno")
    look("sign-off")
    dialog.get_by_role("button", name="Salir").click()
    expect(dialog).to_have_accessible_name("Tienes trabajo abierto")
    look("open-work")
    page.keyboard.press("Escape")
    page.locator(".status").click()
    page.get_by_role("menuitemradio", name="Desconectado").last.click()
    expect(dialog).to_have_accessible_name("Irme al terminar")
    dialog.get_by_role("radio", name="Dárselas a un compañero").check()
    dialog.get_by_role("button", name="Irme al terminar").click()
    expect(dialog).to_contain_text("Elige a quién")
    look("offline-after-this")
    page.keyboard.press("Escape")
    visitor.leave()
    expect(page.locator(".wrap [role=radio]").first).to_be_visible()
    look("wrap-up")
    page.locator(".status").click()
    page.get_by_role("menuitemradio", name="Desconectado").first.click()
    expect(dialog).to_contain_text("termínalo antes de irte")
    look("finish-first")


@pytest.mark.parametrize("look", looks("sign-in"), ids=str)
def test_the_sign_in_page(
    world: World, axe: Callable[[Page], None], look: tuple[str, str, int]
) -> None:
    theme, locale, width = look
    page = world.page("/desk", theme=theme, locale=locale, width=width)
    expect(page.locator(".signin form")).to_be_visible()
    axe(page)
    page.locator(".signin input").first.fill(CARMEN)
    page.locator(".signin input").last.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".summary.bad")).to_be_visible()
    axe(page)
