"""Calls in real browsers, with the sound measured: who hears whom, in every state."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, PABLO, World, offer, set_status
from tests.e2e.sound import AGENT, COLLEAGUE, CUSTOMER, expect_heard
from tests.e2e.test_wallboard import board, tile

pytestmark = pytest.mark.browser

FIVE = (770, 1336)  # the keypad's 5 (ITU-T Q.23)


def call_in(world: World, *, number: str = "", **look: Any) -> Page:
    """A customer's page with a call placed; the customer has said what their number is."""
    page = world.page("/demo", voice=CUSTOMER, **look)
    world.callers.append(page)
    page.locator(".bubble").click()
    if number:
        page.locator("input#phone").fill(number)
    page.locator(".head .ib").first.click()
    page.locator(".call .btn.p").click()
    expect(page.locator(".keys")).to_be_visible()
    return page


def phone(world: World, email: str, voice: int, **look: Any) -> Page:
    """A desk whose telephone is ready."""
    page = world.desk(email, voice=voice, **look)
    ready = "Teléfono listo|Telephone ready|Llamada entrante|Incoming call"  # somebody may wait
    expect(page.locator(".phone")).to_contain_text(re.compile(ready))
    return page


def key(page: Page, name: str) -> None:
    page.locator(f".phone [data-key={name}]").click()


def answer(page: Page) -> None:
    offer(page)
    page.keyboard.press("F9")
    expect(page.locator(".phone.in-call")).to_be_visible()


def talking(world: World) -> tuple[Page, Page]:
    """A customer and Carmen, who hear each other."""
    agent = phone(world, CARMEN, AGENT)
    customer = call_in(world)
    answer(agent)
    expect_heard(customer, AGENT)
    expect_heard(agent, CUSTOMER)
    return agent, customer


def hang_up(page: Page) -> None:
    page.locator(".phone .hang-up").click()


def consult(agent: Page, name: str) -> None:
    key(agent, "consult")
    agent.locator(".people button", has_text=name).click()


def test_a_customer_waits_with_music_talks_and_hangs_up(world: World) -> None:
    customer = call_in(world)
    expect(customer.locator(".call .figure")).to_contain_text("1")
    expect(customer.locator(".head .status")).to_have_text("Llamada en espera")
    expect_heard(customer, music=True)
    agent = phone(world, CARMEN, AGENT)
    card = offer(agent)
    expect(card).to_contain_text("Llamada")
    agent.keyboard.press("F9")
    expect(agent.locator(".phone.in-call")).to_be_visible()
    expect(customer.locator(".call .name")).to_have_text("Carmen")
    expect(customer.locator(".head .status")).to_have_text("En llamada")
    expect_heard(customer, AGENT)
    expect_heard(agent, CUSTOMER)
    expect(customer.locator(".call .word")).to_contain_text("Conexión buena")
    expect(agent.locator(".phone .net")).to_contain_text("buena")

    customer.locator(".key.bad").click()
    expect(customer.locator(".call .name")).to_have_text("La llamada ha terminado")
    panel = agent.locator(".wrap")
    expect(panel).to_be_visible()
    told = agent.locator(".conv .call-log")
    expect(told).to_contain_text("Llama el cliente")
    expect(told).to_contain_text("Atiende Carmen Tolosa")
    expect(told).to_contain_text("Fin de la llamada: cuelga el cliente")
    agent.keyboard.press("3")
    agent.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    expect(agent.locator(".phone")).to_contain_text("Teléfono listo")


def test_mute_hold_and_keypad(world: World) -> None:
    """What the agent does is heard, and the supervisor sees it on the wallboard."""
    agent, customer = talking(world)
    carmen = tile(board(world), "Carmen Tolosa")
    expect(carmen).to_have_attribute("data-state", "on_contact")
    expect(carmen).to_contain_text("Llamada · CO")
    key(agent, "mute")
    expect(agent.locator("[data-key=mute]")).to_have_attribute("aria-pressed", "true")
    expect_heard(customer)
    expect_heard(agent, CUSTOMER)
    agent.keyboard.press("Alt+m")
    expect_heard(customer, AGENT)

    key(agent, "hold")
    expect(agent.locator(".phone-line")).to_contain_text("En espera")
    expect(customer.locator(".call")).to_contain_text("En espera, con música")
    expect(carmen).to_contain_text("Llamada en espera · CO")
    expect_heard(customer, music=True)
    expect_heard(agent)
    key(agent, "hold")
    expect(carmen).to_contain_text("Llamada · CO")
    expect_heard(customer, AGENT)
    expect_heard(agent, CUSTOMER)

    customer.locator(".key").first.click()  # the customer's own mute
    expect_heard(agent)
    customer.locator(".key").first.click()
    expect_heard(agent, CUSTOMER)

    key(agent, "keypad")
    agent.evaluate(
        "window.pressing = setInterval("
        "() => document.querySelector('.pad button:nth-child(5)').click(), 300)"
    )
    expect_heard(customer, AGENT, also=FIVE)
    agent.evaluate("clearInterval(window.pressing)")
    expect(agent.locator(".sent")).to_contain_text("55")


def test_a_consult_is_swapped_joined_and_handed_over(world: World) -> None:
    agent, customer = talking(world)
    colleague = phone(world, PABLO, COLLEAGUE)
    consult(agent, "Pablo")
    expect(agent.locator(".phone-line")).to_contain_text("Llamando a Pablo")
    expect_heard(customer, music=True)
    expect(colleague.locator("section.offer")).to_contain_text("Carmen")
    answer(colleague)
    expect_heard(agent, COLLEAGUE)
    expect_heard(colleague, AGENT)
    expect_heard(customer, music=True)

    key(agent, "toggle")
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)
    key(agent, "toggle")
    expect_heard(agent, COLLEAGUE)

    key(agent, "conference")
    expect_heard(customer, AGENT, COLLEAGUE)
    expect_heard(agent, CUSTOMER, COLLEAGUE)
    expect_heard(colleague, CUSTOMER, AGENT)
    expect(agent.locator(".phone .rec-mark")).to_be_visible()
    expect(agent.locator("[data-key=transfer]")).to_have_count(0)

    key(agent, "complete")
    expect(agent.locator(".wrap")).to_be_visible()
    expect_heard(customer, COLLEAGUE)
    expect_heard(colleague, CUSTOMER)
    expect(customer.locator(".call .name")).to_have_text("Pablo")
    hang_up(colleague)
    expect(colleague.locator(".wrap")).to_be_visible()
    expect(customer.locator(".call .name")).to_have_text("La llamada ha terminado")


def test_a_call_outlives_reloads_and_goes_where_its_desk_is(world: World) -> None:
    agent, customer = talking(world)
    agent.reload()
    expect(agent.locator(".phone.in-call")).to_be_visible()
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)

    customer.reload()
    expect(customer.locator(".keys")).to_be_visible()
    expect_heard(customer, AGENT)
    expect_heard(agent, CUSTOMER)

    # Chat goes on beside it.
    customer.locator(".key").nth(2).click()
    customer.locator(".composer textarea").fill("Le mando el número de póliza")
    customer.locator(".composer textarea").press("Enter")
    expect(customer.locator(".log .bub.me")).to_have_count(1)
    expect(agent.locator(".list .pull")).to_have_count(1)
    expect_heard(customer, AGENT)

    # A second tab takes the telephone, and the first can have it back.
    second = agent.context.new_page()
    second.goto(agent.url)
    expect(second.locator(".phone.in-call")).to_be_visible()
    expect_heard(second, CUSTOMER)
    expect(agent.locator(".phone-line")).to_contain_text("en otra pestaña")
    second.close()
    hang_up(agent)
    expect(customer.locator(".call .name")).to_have_text("La llamada ha terminado")


def test_a_blind_transfer_rings_at_the_colleague_with_music_meanwhile(world: World) -> None:
    agent, customer = talking(world)
    colleague = phone(world, PABLO, COLLEAGUE)
    key(agent, "transfer")
    agent.locator("dialog .option", has_text="Pablo").click()
    agent.locator("dialog textarea").fill("Pregunta por la franquicia")
    agent.locator("dialog .btn.primary").click()
    expect(agent.locator("dialog")).to_have_count(0)
    handed = colleague.locator(".offer-handed")
    expect(handed).to_contain_text(re.compile("De Carmen.*: Pregunta por la franquicia"))
    expect_heard(customer, music=True)
    answer(colleague)
    expect_heard(customer, COLLEAGUE)
    expect_heard(colleague, CUSTOMER)
    expect(agent.locator(".phone.in-call")).to_have_count(0)


def test_a_colleague_is_called_by_the_keypads_letters(world: World) -> None:
    agent = phone(world, CARMEN, AGENT)
    colleague = phone(world, PABLO, COLLEAGUE)
    key(agent, "dial")
    for digit in "72256":  # PABLO
        agent.locator(".pad button", has_text=digit).first.click()
    expect(agent.locator(".people button")).to_have_count(1)
    agent.locator(".people button").click()
    expect(colleague.locator("section.offer")).to_contain_text("Llamada interna")
    answer(colleague)
    expect_heard(agent, COLLEAGUE)
    expect_heard(colleague, AGENT)
    hang_up(agent)
    expect(agent.locator(".phone")).to_contain_text("Teléfono listo")
    expect(colleague.locator(".phone.in-call")).to_have_count(0)


def test_an_echo_test_before_the_shift(world: World) -> None:
    agent = phone(world, CARMEN, AGENT)
    set_status(agent, 2)
    key(agent, "devices")
    agent.get_by_role("button", name="Prueba de eco").click()
    expect_heard(agent, AGENT)
    agent.keyboard.press("Escape")
    expect_heard(agent)


def test_a_killed_server_does_not_cut_the_talk(world: World) -> None:
    agent, customer = talking(world)
    world.centre.kill("serve")
    expect(agent.locator(".link-chip.lost")).to_be_visible()
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)
    world.centre.start("serve")
    world.centre.await_ready()
    expect(agent.locator(".link-chip.lost")).to_have_count(0, timeout=30_000)
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)
    key(agent, "hold")
    expect_heard(customer, music=True)
    hang_up(agent)
    expect(customer.locator(".call .name")).to_have_text("La llamada ha terminado")


REFUSED = (
    "if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia ="
    " () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
)


def test_a_refused_microphone_takes_the_calls_away_and_nothing_else(world: World) -> None:
    context = world.context()
    context.add_init_script(REFUSED)
    agent = world.desk(CARMEN, context=context)
    bar = agent.locator(".phone")
    expect(bar).to_contain_text("Sin permiso para el micrófono")
    expect(bar).to_contain_text("Solo faltan las llamadas")
    expect(bar.get_by_role("button", name="Probar otra vez")).to_be_visible()
    customer = call_in(world)
    expect(customer.locator(".call .figure")).to_contain_text("1")
    world.visitor(name="Rosa Vidal")
    expect(agent.locator("section.offer")).to_contain_text("Rosa Vidal")
    customer.locator(".key.bad").click()
    expect(customer.locator(".call + .body + .keys")).to_be_hidden()


def test_a_customer_who_refuses_the_microphone_is_told_what_to_do(world: World) -> None:
    context = world.context(voice=CUSTOMER)
    context.add_init_script(REFUSED)
    page = context.new_page()
    page.goto(f"{world.centre.url}/demo")
    page.locator("[data-call]").click()
    page.locator(".call .btn.p").click()
    expect(page.locator(".call [role=alert]")).to_contain_text("no tiene permiso")
    page.get_by_role("button", name="Volver", exact=True).click()
    page.locator(".composer textarea").fill("Prefiero escribir")
    page.locator(".composer textarea").press("Enter")
    expect(page.locator(".log .bub.me")).to_have_count(1)


def test_a_call_is_finished_before_its_agent_leaves(world: World) -> None:
    agent, _customer = talking(world)
    agent.locator(".top .me").click()
    agent.get_by_role("menuitem", name="Salir").click()
    agent.get_by_role("dialog").get_by_role("button", name="Salir").click()
    dialog = agent.get_by_role("dialog", name="Tienes trabajo abierto")
    expect(dialog).to_contain_text("no se puede dejar")
    expect(dialog.get_by_role("button", name=re.compile("Irme"))).to_have_count(0)
    expect(dialog.get_by_role("radio")).to_have_count(0)
    dialog.get_by_role("button", name="Quedarme").click()
    expect(agent.get_by_role("dialog")).to_have_count(0)
    # From the status menu it is possible to leave when the call is done.
    agent.locator(".status").click()
    agent.get_by_role("menuitemradio", name="Desconectado").first.click()
    dialog.get_by_role("button", name="Irme al terminar").click()
    expect(agent.get_by_role("dialog")).to_have_count(0)
    expect(agent.locator(".status .after")).to_be_visible()
    hang_up(agent)
    expect(agent.locator(".wrap")).to_be_visible()
    agent.keyboard.press("1")
    agent.keyboard.press("Enter")
    expect(agent.locator(".status")).to_contain_text("Desconectado")
