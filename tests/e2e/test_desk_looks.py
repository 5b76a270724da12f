"""The desk's screens in both themes, both languages and two widths: nothing that axe refuses."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, PABLO, World, accept, offer, say, set_status
from tests.e2e.looks import Axe, in_every_look, in_two_looks

pytestmark = pytest.mark.browser


def test_the_screens_of_a_chat(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN)

    def look(name: str) -> None:
        in_two_looks(page, name, axe)

    expect(page.locator(".list")).to_be_visible()
    look("nothing-open")
    page.locator(".status").click()
    expect(page.locator("[role=menu]")).to_be_visible()
    look("status")
    page.keyboard.press("Escape")
    page.locator("body").press("?")
    expect(page.locator("dialog .keys")).to_be_visible()
    look("keys")
    page.keyboard.press("Escape")
    world.visitor(name="Javier Ruiz Lahoz")
    offer(page)
    look("offered")


def test_the_screens_of_a_conversation(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN)
    visitor = world.visitor("Buenos días, ¿me pueden ayudar?", name="Ana Beltrán Sanz")
    accept(page)
    say(page, "Claro que sí")
    visitor.say("Gracias")
    expect(page.locator(".conv .bub")).to_have_count(3)
    in_two_looks(page, "talking", axe)
    page.locator(".hd-actions .btn").first.click()
    expect(page.locator(".why tr.on").first).to_be_visible()
    in_two_looks(page, "explained", axe)
    page.keyboard.press("Escape")
    page.locator(".hd-actions .btn").nth(1).click()
    expect(page.locator("dialog .targets")).to_be_visible()
    in_two_looks(page, "handing_over", axe)
    page.keyboard.press("Escape")
    in_two_looks(page, "customer", axe, customer)
    page.context.set_offline(True)
    expect(page.locator(".link-chip.lost")).to_be_attached()
    in_two_looks(page, "cut_off", axe, conversation)
    page.context.set_offline(False)
    expect(page.locator(".link-chip.lost")).to_have_count(0)
    visitor.leave()
    expect(page.locator(".wrap")).to_be_visible()
    in_two_looks(page, "wrapping", axe)


def conversation(page: Page) -> None:
    tab = page.locator(".tabbar button").nth(1)
    if tab.is_visible():
        tab.click()
    expect(page.locator(".conv .bub")).to_have_count(3)


def customer(page: Page) -> None:
    tab = page.locator(".tabbar button").nth(2)
    if tab.is_visible():
        tab.click()
    expect(page.locator(".panel .tl li").first).to_be_visible()


def test_what_stands_in_the_way_of_leaving(world: World, axe: Axe) -> None:
    page = world.desk(CARMEN)
    set_status(world.desk(PABLO, available=False), 2)
    visitor = world.visitor(name="Ana Beltrán Sanz")
    accept(page)
    dialog = page.locator("dialog[open]")

    def look(name: str) -> None:
        in_every_look(page, name, axe)

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


def test_the_sign_in_page(world: World, axe: Axe) -> None:
    page = world.page("/desk")
    expect(page.locator(".signin form")).to_be_visible()
    in_two_looks(page, "sign-in", axe)
    page.locator(".signin input").first.fill(CARMEN)
    page.locator(".signin input").last.fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".summary.bad")).to_be_visible()
    in_two_looks(page, "sign-in-refused", axe)
