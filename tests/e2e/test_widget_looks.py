"""The chat's screens in both themes, both languages and two widths: nothing that axe refuses."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, World, accept, say
from tests.e2e.looks import Axe, in_two_looks
from tests.e2e.test_widget import open_chat, write

pytestmark = pytest.mark.browser

SMALL = """() => [...document.querySelector("[data-contactcenter]").shadowRoot
  .querySelectorAll(".head button, .composer button, .card button, .menu button")]
  .map((e) => e.getBoundingClientRect())
  .filter((box) => box.height > 0 && (box.height < 44 || box.width < 44)).length"""


def menu(page: Page) -> None:
    shown = page.locator(".menu")
    if not shown.is_visible():
        page.locator(".head [aria-controls=menu]").click()
    expect(shown).to_be_visible()


def test_the_screens_of_the_widget(world: World, axe: Axe) -> None:
    page = world.page("/demo")

    def check(page: Page) -> None:
        axe(page)
        assert page.evaluate(SMALL) == 0, "targets are at least 44 px"

    expect(page.locator(".bubble")).to_be_visible()
    in_two_looks(page, "widget minimised", check)
    open_chat(page)
    expect(page.locator(".intro")).to_be_visible()
    in_two_looks(page, "widget begun", check)
    write(page, "Hola")
    expect(page.locator(".card .place")).to_be_visible()
    in_two_looks(page, "widget waiting", check)
    in_two_looks(page, "widget offering", check, menu)
    agent = world.desk(CARMEN)
    accept(agent)
    say(agent, "Mire https://ejemplo.es y me dice")
    expect(page.locator(".log .bub.in a")).to_be_visible()
    write(page, "Gracias")
    in_two_looks(page, "widget talking", check)
    page.context.set_offline(True)
    expect(page.locator(".status.lost")).to_be_visible()
    write(page, "sin red")
    in_two_looks(page, "widget cut_off", check)
    page.context.set_offline(False)
    expect(page.locator(".status.lost")).to_have_count(0)
    menu(page)
    page.locator(".menu button").last.click()
    expect(page.locator(".card .acts")).to_be_visible()
    page.locator(".card .btn.p").click()
    expect(page.locator(".composer")).to_be_hidden()
    in_two_looks(page, "widget over", check)
