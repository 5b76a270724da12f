"""The wallboard in both themes, both languages and several widths: nothing that axe refuses."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import World
from tests.e2e.looks import Axe, in_two_looks
from tests.e2e.test_wallboard import board, drill, figure, tile

pytestmark = pytest.mark.browser


def test_axe_finds_nothing(world: World, axe: Axe) -> None:
    world.visitor("Hola", name="Ana Beltrán")
    page = board(world)
    expect(figure(page, "waiting")).to_have_text("1")
    expect(page.locator("tbody tr")).to_have_count(6)
    in_two_looks(page, "wallboard-plain", axe)
    figure(page, "service_level").click()
    expect(drill(page).locator("[data-operand=numerator]")).to_be_visible()
    in_two_looks(page, "wallboard-explained", axe)
    figure(page, "waiting").click()
    drill(page).locator("button.behind-item").first.click()
    drill(page).locator(".drill-foot .btn").click()
    expect(drill(page).locator("select[name=to]")).to_be_visible()
    in_two_looks(page, "wallboard-waiting", axe)
    tile(page, "Sara Monreal").click()
    expect(drill(page).locator("select[name=SA]")).to_be_visible()
    in_two_looks(page, "wallboard-agent", axe)
    figure(page, "free").click()
    expect(drill(page).locator(".behind-item").first).to_be_visible()
    in_two_looks(page, "wallboard-people", axe)
    page.keyboard.press("Escape")
    page.locator(".top-left .btn").first.click()
    expect(page.locator("[role=menu]")).to_be_visible()
    in_two_looks(page, "wallboard-menu", axe)


def test_axe_finds_nothing_on_the_television(world: World, axe: Axe) -> None:
    page = board(world, "/wallboard?tv=1", theme="dark", width=1920, height=1080)
    axe(page)
