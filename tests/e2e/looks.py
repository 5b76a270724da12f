"""How a screen is looked at: in both themes, both languages and two widths, without a reload.

Axe is asked once for each theme; what stands on the screen must fit in every look.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.conftest import NIGHTLY

Axe = Callable[[Page], None]
Look = tuple[str, str, int]
"""Theme, language, width in px."""

THEMES, LOCALES, WIDTHS = ("light", "dark"), ("es", "en"), (1280, 390)
MATRIX: tuple[Look, ...] = tuple(itertools.product(THEMES, LOCALES, WIDTHS))

WEAR = """([theme, locale]) => {
  const root = document.documentElement;
  const page = document.querySelector('script[src$="/widget.js"]');
  if (page) {  // a customer's page has buttons for it
    if (root.dataset.theme !== theme) document.querySelector('#theme').click();
    if (root.lang !== locale) document.querySelector('#language').click();
    return;
  }
  for (const [name, value] of [['theme', theme], ['locale', locale]]) {
    localStorage.setItem(`cc.${name}`, JSON.stringify(value));
    dispatchEvent(new StorageEvent('storage', {key: `cc.${name}`}));
  }
}"""
"""Chooses the theme and language, as in another tab of the browser."""

LOST = """() => [...document.querySelectorAll('button, .btn, .chip, label, th, dt, h1, h2, h3')]
  .filter(one => one.checkVisibility() && one.clientWidth > 0)
  .filter(one => one.matches('.main > .hd h2')
    || !one.matches('.cut, .sr') && !one.querySelector('.cut, .sr'))
  .filter(one => one.textContent && one.scrollWidth > one.clientWidth + 1)
  .map(one => `${one.tagName}.${one.className}: ${one.textContent}`)"""
"""What runs over its own box, unless it may end in an ellipsis; a page's heading may not."""


def wear(page: Page, look: Look) -> None:
    theme, locale, width = look
    page.set_viewport_size({"width": width, "height": 844 if width < 720 else 800})
    page.evaluate(WEAR, [theme, locale])
    expect(page.locator(f"html[lang={locale}][data-theme={theme}]")).to_have_count(1)
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)


def fits(page: Page, name: str, look: Look) -> None:
    """Nothing is cut off or scrolls sideways. LOOKS_DIR: a folder for a picture, to look at."""
    if folder := os.environ.get("LOOKS_DIR"):
        page.screenshot(path=Path(folder) / f"{name}-{look[2]}-{look[0]}-{look[1]}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, look)
    lost = page.evaluate(LOST)
    assert not lost, (name, look, lost)


def _go_through(
    page: Page,
    name: str,
    looks: Iterable[Look],
    asked: Iterable[Look],
    axe: Axe,
    show: Callable[[Page], None] | None,
) -> None:
    for look in looks:
        wear(page, look)
        if show is not None:
            show(page)
        fits(page, name, look)
        if NIGHTLY or look in asked:
            axe(page)
    wear(page, ("light", "es", 1280))


def in_two_looks(
    page: Page, name: str, axe: Axe, show: Callable[[Page], None] | None = None
) -> None:
    """Look at what is on the screen in two of the eight looks, opposite ones and others for each
    name; in all of them in the nightly run. `show` brings up what a look does not keep open."""
    first = sum(name.encode()) % len(MATRIX)
    two = (MATRIX[first], MATRIX[len(MATRIX) - 1 - first])
    _go_through(page, name, MATRIX if NIGHTLY else two, two, axe, show)


def in_every_look(
    page: Page, name: str, axe: Axe, show: Callable[[Page], None] | None = None
) -> None:
    """Look at what is on the screen in each language at each width: what a theme changes is its
    colours alone, of which axe judges. In all eight looks in the nightly run."""
    light, dark = (("light", "es"), ("dark", "en"))
    four = [(*theme, width) for width in WIDTHS for theme in (light, dark)]
    asked = ((*light, 1280), (*dark, 390))
    by_width = sorted(MATRIX, key=lambda look: -look[2])
    _go_through(page, name, by_width if NIGHTLY else four, asked, axe, show)
