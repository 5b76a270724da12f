"""The screens of calls: nothing that axe refuses, nothing cut off, one height of the bar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import NIGHTLY
from tests.e2e.conftest import CARMEN, PABLO, World, looks
from tests.e2e.sound import AGENT, COLLEAGUE
from tests.e2e.test_calls import REFUSED, answer, call_in, key, phone
from tests.e2e.test_calls_limits import PLACES, calls_without_sound, hangs_up, with_each

pytestmark = pytest.mark.browser

Screen = Callable[..., Page]


def on_call(world: World, **look: Any) -> Page:
    page = world.desk(CARMEN, voice=AGENT, **look)
    call_in(world)
    answer(page)
    expect(page.locator(".phone .net b")).not_to_have_text("–")
    return page


def pressed(page: Page, name: str) -> None:
    """A key of the bar, or its entry in the menu of a narrow screen."""
    if page.locator(f"[data-key={name}]").is_visible():
        return key(page, name)
    page.locator(".pk-more button").first.click()
    label = page.locator(f"[data-key={name}]").get_attribute("title") or ""
    page.get_by_role("menuitem", name=label.split(" (")[0]).click()
    return None


def ready(world: World, **look: Any) -> Page:
    return world.desk(CARMEN, **look)


def telephone(world: World, **look: Any) -> Page:
    """The people to call: above the bar, or a page of its own on a telephone."""
    page = world.desk(CARMEN, **look)
    tab = page.locator(".tabbar button").nth(3)
    if tab.is_visible():
        tab.click()
    else:
        key(page, "dial")
    expect(page.locator(".people")).to_be_visible()
    return page


def devices(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    if page.locator(".phone-devices").is_visible():
        page.locator(".phone-devices").click()
    else:
        page.locator(".pk-more button").first.click()
        page.locator("[role=menuitem]").last.click()
    expect(page.locator(".phone-panel select").first).to_be_visible()
    return page


def held(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    key(page, "hold")
    expect(page.locator("[data-key=hold]")).to_have_attribute("aria-pressed", "true")
    return page


def keypad(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    pressed(page, "keypad")
    page.locator(".pad button").nth(4).click()
    expect(page.locator(".sent")).to_have_text("5")
    return page


def consulting(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    pressed(page, "consult")
    expect(page.locator(".people")).to_be_visible()
    return page


def refused(world: World, **look: Any) -> Page:
    context = world.context(**look)
    context.add_init_script(REFUSED)
    page = world.desk(CARMEN, context=context)
    expect(page.locator(".phone .c-warn, .tabbar .alert").first).to_be_attached()
    return page


def wrapping(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    page.locator(".phone .hang-up").click()
    expect(page.locator(".wrap")).to_be_visible()
    return page


def widget_asked(world: World, **look: Any) -> Page:
    page = world.page("/demo", **look)
    page.evaluate("ContactCenter.call()")
    expect(page.locator(".call .btn.p")).to_be_focused()
    return page


def widget_waiting(world: World, **look: Any) -> Page:
    page = call_in(world, **look)
    expect(page.locator(".call .figure")).to_be_visible()
    return page


def widget_talking(world: World, **look: Any) -> Page:
    agent = phone(world, CARMEN, AGENT)
    page = call_in(world, **look)
    answer(agent)
    expect(page.locator(".call .word span")).to_be_visible()
    notice = {"es": "Se graba para su seguridad", "en": "Recorded for your safety"}
    expect(page.locator(".call .recn")).to_contain_text(notice[look["locale"]])
    page.locator(".key").nth(1).click()
    expect(page.locator(".pad")).to_be_visible()
    return page


def widget_over(world: World, **look: Any) -> Page:
    page = widget_waiting(world, **look)
    page.locator(".key.bad").click()
    expect(page.locator(".call .acts")).to_be_visible()
    return page


def incoming(world: World, **look: Any) -> Page:
    page = world.desk(CARMEN, voice=AGENT, **look)
    other = phone(world, PABLO, COLLEAGUE)
    key(other, "dial")
    other.locator(".people button", has_text="Carmen").click()
    expect(page.locator("section.offer .btn").last).to_be_visible()
    return page


def consult_waiting(world: World, **look: Any) -> Page:
    page = consulting(world, **look)
    claims = "iniestros" if look["locale"] == "es" else "laims"
    page.locator(".people button", has_text=claims).first.click()
    expect(page.locator("[data-key=cancel]")).to_be_attached()
    return page


def consult_talking(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    colleague = phone(world, PABLO, COLLEAGUE)
    pressed(page, "consult")
    page.locator(".people button", has_text="Pablo").click()
    answer(colleague)
    expect(page.locator("[data-key=complete]")).to_be_enabled()
    return page


def conference(world: World, **look: Any) -> Page:
    page = consult_talking(world, **look)
    pressed(page, "conference")
    expect(page.locator("[data-key=hold]")).to_be_attached()
    return page


def paused(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    pressed(page, "record")
    expect(page.locator(".phone-line")).to_contain_text(re.compile("pausa|paused"))
    return page


def vanished(world: World, **look: Any) -> Page:
    page = world.desk(CARMEN, voice=AGENT, **look)
    customer = call_in(world)
    answer(page)
    world.callers.remove(customer)
    customer.close()
    expect(page.locator(".phone-line [role=alert]")).to_be_visible()
    return page


def second_tab(world: World, **look: Any) -> Page:
    page = on_call(world, **look)
    page.context.new_page().goto(page.url)
    expect(page.locator(".phone-line [role=alert]")).to_be_visible()
    return page


def widget_busy(world: World, **look: Any) -> Page:
    others = [world.visitor(name="Otra Persona") for _ in range(PLACES)]
    with_each(others, calls_without_sound)
    page = widget_asked(world, **look)
    page.locator(".call .btn.p").click()
    expect(page.locator(".call [role=alert]")).to_be_visible()
    with_each(others, hangs_up)
    return page


def widget_held(world: World, **look: Any) -> Page:
    agent = phone(world, CARMEN, AGENT)
    page = call_in(world, **look)
    answer(agent)
    expect(page.locator(".call .word span")).to_be_visible()
    key(agent, "hold")
    expect(agent.locator("[data-key=hold]")).to_have_attribute("aria-pressed", "true")
    return page


RARE: tuple[Screen, ...] = (
    incoming,
    consult_waiting,
    consult_talking,
    conference,
    paused,
    vanished,
    second_tab,
    widget_busy,
    widget_held,
)
"""Looked at in the nightly run only."""
SCREENS: tuple[Screen, ...] = (
    ready,
    telephone,
    on_call,
    devices,
    held,
    keypad,
    consulting,
    refused,
    wrapping,
    widget_asked,
    widget_waiting,
    widget_talking,
    widget_over,
)
CASES = [
    pytest.param(screen, look, id=f"{screen.__name__}-{look[0]}-{look[1]}-{look[2]}")
    for screen in (*SCREENS, *(RARE if NIGHTLY else ()))
    for look in looks(f"call {screen.__name__}")
]


@pytest.mark.parametrize(("screen", "look"), CASES)
def test_a_screen_of_calls(
    world: World, axe: Callable[[Page], None], screen: Screen, look: tuple[str, str, int]
) -> None:
    theme, locale, width = look
    page = screen(world, theme=theme, locale=locale, width=width)
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    bar = page.locator(".phone").bounding_box() if page.locator(".phone").is_visible() else None
    assert bar is None or bar["height"] == 64, "the softphone is as high in every state"
