"""The wallboard in both themes, both languages and several widths: nothing that axe refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import World, looks
from tests.e2e.test_wallboard import board, drill, figure, tile

pytestmark = pytest.mark.browser

Screen = Callable[[Page], None]


def plain(page: Page) -> None:
    expect(page.locator("tbody tr")).to_have_count(6)


def explained(page: Page) -> None:
    figure(page, "service_level").click()
    expect(drill(page).locator("[data-operand=numerator]")).to_be_visible()


def waiting(page: Page) -> None:
    figure(page, "waiting").click()
    drill(page).locator("button.behind-item").first.click()
    drill(page).locator(".drill-foot .btn").click()
    expect(drill(page).locator("select[name=to]")).to_be_visible()


def agent(page: Page) -> None:
    tile(page, "Sara Monreal").click()
    expect(drill(page).locator("select[name=SA]")).to_be_visible()


def people(page: Page) -> None:
    figure(page, "free").click()
    expect(drill(page).locator(".behind-item").first).to_be_visible()


def menu(page: Page) -> None:
    page.locator(".top-left .btn").first.click()
    expect(page.locator("[role=menu]")).to_be_visible()


SCREENS: tuple[Screen, ...] = (plain, explained, waiting, agent, people, menu)


@pytest.mark.parametrize(
    ("screen", "theme", "locale", "width"),
    [(screen, *look) for screen in SCREENS for look in looks(f"wallboard-{screen.__name__}")],
)
def test_axe_finds_nothing(
    world: World,
    axe: Callable[[Page], None],
    screen: Screen,
    theme: str,
    locale: str,
    width: int,
) -> None:
    world.visitor("Hola", name="Ana Beltrán")
    page = board(world, theme=theme, locale=locale, width=width)
    expect(figure(page, "waiting")).to_have_text("1")
    screen(page)
    axe(page)


def test_axe_finds_nothing_on_the_television(world: World, axe: Callable[[Page], None]) -> None:
    page = board(world, "/wallboard?tv=1", theme="dark", width=1920, height=1080)
    axe(page)
