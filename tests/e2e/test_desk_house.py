"""What a desk has of the centre: saved replies, auto-answer, marks, a quiet start."""

from __future__ import annotations

import re

from playwright.sync_api import ConsoleMessage, expect

from tests.e2e.conftest import CARMEN, ELENA, World


def test_a_first_visit_logs_no_error(world: World) -> None:
    page = world.context().new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    page.on("console", hear)
    page.goto(f"{world.centre.url}/desk")
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert said == []


def test_two_without_a_name_are_told_apart_in_line(world: World) -> None:
    page = world.desk(CARMEN, available=False)
    for message in ("Hola", "Buenas"):
        world.visitor(message, name="")
    names = page.locator("li.pull .q .cut:first-of-type").filter(has_text="Visitante")
    expect(names).to_have_count(2)
    told = names.all_inner_texts()
    assert all(re.fullmatch(r"Visitante [0-9A-F]{4}", name) for name in told)
    assert len(set(told)) == 2


def test_a_saved_reply_is_the_centres_and_ones_own_outlive_the_browser(world: World) -> None:
    page = world.desk(CARMEN)
    world.visitor("¿Me ayudan?", name="Ana Beltrán")
    page.locator("section.offer:not(.dead)").wait_for()
    page.keyboard.press("F9")
    composer = page.locator("#composer")
    composer.fill("Le llamo luego")
    page.get_by_role("button", name="Guardar respuesta").click()
    composer.fill("/buenos")
    expect(page.locator("#replies li")).to_have_count(1)
    expect(page.locator("#replies li")).to_contain_text("Buenos días, Ana. Soy Carmen")
    composer.press("Enter")
    expect(composer).to_have_value(re.compile("^Buenos días, Ana. Soy Carmen, de .+ ayudarle[?]$"))
    composer.fill("")

    page.evaluate("localStorage.removeItem('cc.replies')")
    page.reload()
    composer.fill("/llamo")
    expect(page.locator("#replies li")).to_contain_text("Le llamo luego")
    page.get_by_role("button", name="Olvidar esta respuesta").click()
    expect(page.locator("#replies li")).to_have_count(0)
    composer.fill("")


def test_a_desk_that_answers_by_itself_says_so_and_does(world: World) -> None:
    me = world.centre.ask(CARMEN, "GET", "/auth/me")["agent"]["id"]
    page = world.desk(CARMEN)
    expect(page.locator(".auto-answer")).to_have_count(0)
    world.centre.ask(ELENA, "PATCH", f"/agents/{me}", {"auto_answer": True})
    try:
        expect(page.locator(".auto-answer")).to_contain_text("se aceptan solas")
        world.visitor("Hola", name="Rosa Vidal")
        expect(page.locator(".hd")).to_contain_text("Rosa Vidal")
        expect(page.locator("section.offer")).to_have_count(0)
    finally:
        world.centre.ask(ELENA, "PATCH", f"/agents/{me}", {"auto_answer": False})
    expect(page.locator(".auto-answer")).to_have_count(0)
