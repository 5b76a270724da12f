"""The screens of calls: nothing that axe refuses, nothing cut off, one height of the bar."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, PABLO, World
from tests.e2e.looks import Axe, in_two_looks
from tests.e2e.sound import AGENT, COLLEAGUE
from tests.e2e.test_calls import REFUSED, answer, call_in, hang_up, key, phone
from tests.e2e.test_calls_limits import PLACES, calls_without_sound, hangs_up, with_each

pytestmark = pytest.mark.browser


def looked_at(page: Page, name: str, axe: Axe, show: Callable[[Page], None] | None = None) -> None:
    def check(page: Page) -> None:
        axe(page)
        shown = page.locator(".phone")
        bar = shown.bounding_box() if shown.is_visible() else None
        assert bar is None or bar["height"] == 64, "the softphone is as high in every state"

    in_two_looks(page, f"call-{name}", check, show)


def on_call(world: World) -> Page:
    page = phone(world, CARMEN, AGENT)
    call_in(world)
    answer(page)
    expect(page.locator(".phone .net b")).not_to_have_text("–")
    return page


def people(page: Page) -> None:
    """The people to call: above the bar, or a page of its own on a telephone."""
    tab = page.locator(".tabbar button").nth(3)
    if tab.is_visible():
        tab.click()
    elif not page.locator(".people:visible").count():
        key(page, "dial")
    expect(page.locator(".people:visible")).to_have_count(1)


def test_the_telephone_without_a_call(world: World, axe: Axe) -> None:
    page = phone(world, CARMEN, AGENT)
    looked_at(page, "ready", axe)
    looked_at(page, "telephone", axe, people)


def test_a_refused_microphone(world: World, axe: Axe) -> None:
    context = world.context()
    context.add_init_script(REFUSED)
    page = world.desk(CARMEN, context=context)
    expect(page.locator(".phone .c-warn, .tabbar .alert").first).to_be_attached()
    looked_at(page, "refused", axe)


def test_an_agents_call(world: World, axe: Axe) -> None:
    page = on_call(world)
    looked_at(page, "on-call", axe)
    key(page, "hold")
    expect(page.locator("[data-key=hold]")).to_have_attribute("aria-pressed", "true")
    looked_at(page, "held", axe)
    key(page, "hold")
    expect(page.locator("[data-key=hold]")).to_have_attribute("aria-pressed", "false")
    page.locator(".phone-devices").click()
    expect(page.locator(".phone-panel select").first).to_be_visible()
    looked_at(page, "devices", axe)
    page.keyboard.press("Escape")
    key(page, "keypad")
    page.locator(".pad button").nth(4).click()
    expect(page.locator(".sent")).to_have_text("5")
    looked_at(page, "keypad", axe)
    page.keyboard.press("Escape")
    key(page, "consult")
    expect(page.locator(".people")).to_be_visible()
    looked_at(page, "consulting", axe)
    page.keyboard.press("Escape")
    hang_up(page)
    expect(page.locator(".wrap")).to_be_visible()
    looked_at(page, "wrapping", axe)


def test_the_keys_that_a_narrow_screen_keeps_in_a_menu(world: World) -> None:
    page = on_call(world)
    page.set_viewport_size({"width": 390, "height": 844})
    for name, opened in (("keypad", ".pad"), ("consult", ".people")):
        label = page.locator(f"[data-key={name}]").get_attribute("title") or ""
        page.locator(".pk-more button").first.click()
        page.get_by_role("menuitem", name=label.split(" (")[0]).click()
        expect(page.locator(opened)).to_be_visible()
        page.keyboard.press("Escape")
    page.locator(".pk-more button").first.click()
    page.locator("[role=menuitem]").last.click()
    expect(page.locator(".phone-panel select").first).to_be_visible()


def test_a_customers_call(world: World, axe: Axe) -> None:
    notice = {"es": "Se graba para su seguridad", "en": "Recorded for your safety"}

    def keypad(page: Page) -> None:
        language = page.locator("html").get_attribute("lang") or ""
        expect(page.locator(".call .recn")).to_contain_text(notice[language])
        if not page.locator(".pad").is_visible():
            page.locator(".key").nth(1).click()
        expect(page.locator(".pad")).to_be_visible()

    asking = world.page("/demo")
    asking.evaluate("ContactCenter.call()")
    expect(asking.locator(".call .btn.p")).to_be_focused()
    looked_at(asking, "asked", axe)
    page = call_in(world)
    expect(page.locator(".call .figure")).to_be_visible()
    looked_at(page, "waiting", axe)
    answer(phone(world, CARMEN, AGENT))
    expect(page.locator(".call .word span")).to_be_visible()
    looked_at(page, "talking", axe, keypad)
    page.locator(".key.bad").click()
    expect(page.locator(".call .acts")).to_be_visible()
    looked_at(page, "over", axe)


def incoming(world: World) -> Page:
    page = world.desk(CARMEN, voice=AGENT)
    other = phone(world, PABLO, COLLEAGUE)
    key(other, "dial")
    other.locator(".people button", has_text="Carmen").click()
    expect(page.locator("section.offer .btn").last).to_be_visible()
    return page


def consult_waiting(world: World) -> Page:
    page = on_call(world)
    key(page, "consult")
    page.locator(".people button", has_text="iniestros").first.click()
    expect(page.locator("[data-key=cancel]")).to_be_attached()
    return page


def consult_talking(world: World) -> Page:
    page = on_call(world)
    colleague = phone(world, PABLO, COLLEAGUE)
    key(page, "consult")
    page.locator(".people button", has_text="Pablo").click()
    answer(colleague)
    expect(page.locator("[data-key=complete]")).to_be_enabled()
    return page


def conference(world: World) -> Page:
    page = consult_talking(world)
    key(page, "conference")
    expect(page.locator("[data-key=hold]")).to_be_attached()
    return page


def paused(world: World) -> Page:
    page = on_call(world)
    key(page, "record")
    expect(page.locator(".phone-line")).to_contain_text(re.compile("pausa"))
    return page


def vanished(world: World) -> Page:
    page = world.desk(CARMEN, voice=AGENT)
    customer = call_in(world)
    answer(page)
    world.callers.remove(customer)
    customer.close()
    expect(page.locator(".phone-line [role=alert]")).to_be_visible()
    return page


def second_tab(world: World) -> Page:
    page = on_call(world)
    page.context.new_page().goto(page.url)
    expect(page.locator(".phone-line [role=alert]")).to_be_visible()
    return page


def widget_busy(world: World) -> Page:
    others = [world.visitor(name="Otra Persona") for _ in range(PLACES)]
    with_each(others, calls_without_sound)
    page = world.page("/demo")
    page.evaluate("ContactCenter.call()")
    page.locator(".call .btn.p").click()
    expect(page.locator(".call [role=alert]")).to_be_visible()
    with_each(others, hangs_up)
    return page


def widget_held(world: World) -> Page:
    agent = phone(world, CARMEN, AGENT)
    page = call_in(world)
    answer(agent)
    expect(page.locator(".call .word span")).to_be_visible()
    key(agent, "hold")
    expect(agent.locator("[data-key=hold]")).to_have_attribute("aria-pressed", "true")
    return page


RARE: tuple[Callable[[World], Page], ...] = (
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


@pytest.mark.nightly
@pytest.mark.parametrize("screen", RARE)
def test_a_rare_screen_of_calls(world: World, axe: Axe, screen: Callable[[World], Page]) -> None:
    looked_at(screen(world), screen.__name__, axe)
