"""The desk in a real browser, against the real centre."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import (
    CARMEN,
    ELENA,
    PABLO,
    PASSWORD,
    Centre,
    World,
    accept,
    offer,
    say,
    set_status,
)

pytestmark = pytest.mark.browser


def open_chat(world: World, text: str, **look: object) -> Page:
    """A customer's page with the widget open and its first message sent."""
    page = world.page("/demo", **look)
    page.locator(".bubble").click()
    write(page, text)
    return page


def write(page: Page, text: str) -> None:
    page.locator(".composer textarea").fill(text)
    page.locator(".composer textarea").press("Enter")
    expect(page.locator(".log .bub.me", has_text=text)).to_have_count(1)


def test_sign_in_says_what_is_wrong_and_lets_in(world: World) -> None:
    page = world.page("/desk")
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    page.get_by_label("Correo").fill(CARMEN)
    page.get_by_label("Contraseña", exact=True).fill("wrong")
    before = page.get_by_label("Correo").bounding_box()
    page.keyboard.press("Enter")
    expect(page.locator(".summary.bad")).to_contain_text("No has entrado")
    assert page.get_by_label("Correo").bounding_box() == before
    page.get_by_label("Contraseña", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".status")).to_be_visible()
    expect(page.locator(".link-chip")).to_contain_text("Conectado")
    page.reload()
    expect(page.locator(".status")).to_be_visible()
    world.agents.add(CARMEN)


def test_the_demo_sign_ins_are_listed_and_signing_out_ends_the_session(world: World) -> None:
    page = world.page("/desk")
    page.get_by_role("button", name=re.compile("agent2@aintech.com")).click()
    expect(page.locator(".status")).to_be_visible()
    page.locator(".top .me").click()
    page.get_by_role("menuitem", name="Salir").click()
    page.get_by_role("dialog").get_by_role("button", name="Salir").click()
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()


def test_an_offer_arrives_without_taking_the_focus_is_dead_at_first_and_f9_accepts(
    world: World,
) -> None:
    page = world.desk(CARMEN)
    page.locator("#search").focus()
    # Press F9 in the same moment as the card enters the page: it must not count.
    page.evaluate(
        """() => new MutationObserver((_, watch) => {
            const card = document.querySelector("section.offer");
            if (!card) return;
            watch.disconnect();
            window.wasDead = card.classList.contains("dead");
            window.dispatchEvent(new KeyboardEvent("keydown", {key: "F9", code: "F9"}));
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    world.visitor("¿Qué cubre mi seguro?", name="Ana Beltrán")
    card = offer(page)
    assert page.evaluate("window.wasDead") is True
    expect(page.locator(".offer-foot")).to_have_text("Demasiado pronto: pulsa otra vez.")
    expect(page.locator("#composer")).to_have_count(0)
    expect(card).to_contain_text("Ana Beltrán")
    expect(card).to_contain_text("Comercial")
    expect(page.locator("#search")).to_be_focused()
    assert page.title().startswith("● Oferta")
    page.keyboard.press("F9")
    expect(page.locator(".hd")).to_contain_text("Ana Beltrán")
    expect(page.locator(".conv .bub.in")).to_contain_text("¿Qué cubre mi seguro?")
    expect(card).to_have_count(0)
    expect(page.locator(".panel .tl")).to_contain_text("esta conversación")


def test_f8_and_a_digit_reject_and_the_next_agent_gets_it(world: World) -> None:
    pablo = world.desk(PABLO)
    world.visitor(name="Rosa Vidal")
    offer(pablo)
    carmen = world.desk(CARMEN)
    pablo.keyboard.press("F8")
    expect(pablo.locator(".offer-reasons")).to_have_class(re.compile("on"))
    pablo.keyboard.press("2")
    expect(pablo.locator("section.offer")).to_have_count(0)
    expect(carmen.locator("section.offer")).to_contain_text("Rosa Vidal")


def test_both_sides_write_with_typing_and_read_marks_markup_is_text_and_a_note_stays_inside(
    world: World,
) -> None:
    agent = world.desk(CARMEN)
    customer = open_chat(world, "Hola, tengo una duda")
    accept(agent)
    customer.bring_to_front()
    expect(customer.locator(".head")).to_contain_text("Carmen")
    customer.locator(".composer textarea").press_sequentially("Es sobre", delay=30)
    expect(agent.locator(".typing")).to_contain_text("está escribiendo")
    write(customer, "Es sobre mi póliza")
    expect(agent.locator(".conv .bub.in")).to_have_count(2)
    expect(agent.locator(".typing")).to_be_empty()

    agent.bring_to_front()
    agent.locator("#composer").press_sequentially("Dígame", delay=30)
    expect(customer.locator(".body .typing")).to_be_visible()
    say(agent, "Dígame, le escucho")
    expect(customer.locator(".log .bub.in")).to_contain_text("Dígame, le escucho")
    expect(customer.locator(".log .bub.me").last).to_contain_text("Leído")
    customer.bring_to_front()
    expect(agent.locator(".conv .bub.me").last).to_contain_text("Leído")

    # Markup is text.
    markup = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    write(customer, markup)
    expect(agent.locator(".conv .bub.in").last).to_contain_text(markup)
    assert agent.evaluate("window.hacked") is None

    # A note stays inside.
    read = customer.locator(".log .bub.in").count()
    agent.get_by_role("tab", name="Nota interna").click()
    say(agent, "Parece un cliente de Hogar")
    expect(agent.locator(".conv .note")).to_contain_text("Parece un cliente de Hogar")
    agent.get_by_role("tab", name="Responder").click()
    say(agent, "Buenos días")
    expect(customer.locator(".log .bub.in")).to_have_count(read + 1)
    assert "Parece un cliente" not in customer.locator(".log").inner_text()


def test_reload_on_both_sides_keeps_everything(world: World) -> None:
    agent = world.desk(CARMEN)
    customer = open_chat(world, "Primero")
    accept(agent)
    say(agent, "Segundo")
    expect(customer.locator(".log .bub.in")).to_contain_text("Segundo")
    agent.locator("#composer").fill("a medio escribir")
    expect(agent.locator(".chars")).to_contain_text("16")
    agent.reload()
    customer.reload()
    expect(agent.locator(".conv .bub")).to_have_count(2)
    expect(agent.locator("#composer")).to_have_value("a medio escribir")
    expect(customer.locator(".log .bub")).to_have_count(2)
    write(customer, "Tercero")
    expect(agent.locator(".conv .bub.in").last).to_contain_text("Tercero")


def test_transfer_between_two_agents_with_a_note(world: World) -> None:
    carmen = world.desk(CARMEN)
    visitor = world.visitor("Quiero un presupuesto", name="Marta Gil")
    accept(carmen)
    pablo = world.desk(PABLO)
    carmen.get_by_role("button", name="Transferir").click()
    dialog = carmen.get_by_role("dialog")
    dialog.get_by_label("Buscar cola o compañero").fill("pablo")
    dialog.get_by_role("radio", name=re.compile("Pablo")).check()
    dialog.get_by_label(re.compile("Nota para quien siga")).fill("Ya tiene la oferta de Hogar")
    dialog.get_by_role("button", name="Transferir").click()
    expect(carmen.locator(".it:not(.q)", has_text="Marta Gil")).to_have_count(0)
    accept(pablo)
    expect(pablo.locator(".conv .note")).to_contain_text("Ya tiene la oferta de Hogar")
    visitor.say("¿Sigue ahí?")
    expect(pablo.locator(".conv .bub.in").last).to_contain_text("¿Sigue ahí?")
    expect(carmen.locator(".conv .bub")).to_have_count(0)


def test_why_me_a_name_mended_a_snooze_and_a_transfer_to_a_queue(world: World) -> None:
    agent = world.desk(CARMEN)
    visitor = world.visitor("Luego le mando los papeles", name="Eva")
    accept(agent)
    agent.get_by_role("button", name="¿Por qué yo?").click()
    drawer = agent.get_by_role("dialog", name="Por qué llegó a ti")
    expect(drawer).to_contain_text("Carmen")
    expect(drawer.locator("tr.on").first).to_contain_text("Elegida")
    agent.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(agent.get_by_role("button", name="¿Por qué yo?")).to_be_focused()

    agent.get_by_role("button", name="Cambiar el nombre").click()
    agent.get_by_label("Nombre").fill("Eva María Ruiz")
    agent.keyboard.press("Enter")
    expect(agent.locator(".who-name")).to_contain_text("Eva María Ruiz")

    agent.get_by_role("button", name="Posponer").click()
    agent.get_by_role("menuitem", name=re.compile("1 hora")).click()
    expect(agent.locator(".strip")).to_contain_text("Hasta")
    snoozed = agent.get_by_role("button", name=re.compile("Pospuestas"))
    expect(snoozed).to_contain_text("1")
    visitor.say("Aquí los tiene")  # the customer brings it back
    expect(snoozed).to_contain_text("0")
    expect(agent.locator(".conv .bub.in").last).to_contain_text("Aquí los tiene")
    expect(agent.locator(".strip")).to_contain_text("El cliente está")

    agent.get_by_role("button", name="Transferir").click()
    dialog = agent.get_by_role("dialog")
    dialog.get_by_role("radio", name=re.compile("Reclamaciones")).check()
    dialog.get_by_role("button", name="Transferir").click()
    expect(agent.get_by_role("dialog")).to_have_count(0)
    expect(agent.locator(".it", has_text="Eva María Ruiz")).to_have_count(0)


def test_wrap_up_by_keyboard_wants_an_outcome_and_f7_gives_a_minute_more_once(
    world: World,
) -> None:
    agent = world.desk(CARMEN)
    world.visitor("Solo era eso", name="Irene Sol")
    accept(agent)
    agent.get_by_role("button", name="Cerrar", exact=True).click()
    panel = agent.locator(".wrap")
    expect(panel).to_be_visible()
    expect(panel.get_by_role("radio").first).to_be_focused()
    more = panel.get_by_role("button", name=re.compile("60 s"))
    expect(more).to_be_enabled()
    agent.keyboard.press("F7")
    expect(more).to_be_disabled()
    expect(more).to_contain_text("usado")
    agent.keyboard.press("Enter")
    expect(panel).to_contain_text("Elige un resultado.")
    agent.keyboard.press("3")
    expect(panel.get_by_role("radio").nth(2)).to_be_checked()
    agent.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    expect(agent.locator(".it", has_text="Irene Sol")).to_have_count(0)


def test_a_supervisor_moves_work_and_changes_a_status_and_the_agent_is_told(
    world: World, centre: Centre
) -> None:
    agent = world.desk(CARMEN)
    world.visitor(name="Inés Roca")
    accept(agent)
    found = centre.ask(ELENA, "GET", "/interactions?state=active&q=roca")["items"]
    centre.ask(
        ELENA, "POST", f"/interactions/{found[0]['interaction_id']}/transfer", {"queue": "RE"}
    )
    expect(agent.locator(".forced")).to_contain_text("Inés Roca")
    expect(agent.locator("#composer")).to_have_count(0)
    agent.locator(".forced").get_by_role("button", name="Entendido").click()
    expect(agent.locator(".forced")).to_have_count(0)

    expect(agent.locator(".status")).to_contain_text("Disponible")
    me = centre.ask(CARMEN, "GET", "/auth/me")["agent"]["id"]
    centre.ask(ELENA, "POST", f"/agents/{me}/status", {"status": "away", "reason": "meeting"})
    expect(agent.locator(".forced")).to_contain_text("supervisión")
    expect(agent.locator(".status")).to_contain_text("Reunión")
    agent.locator(".forced").get_by_role("button", name="Estoy disponible").click()
    expect(agent.locator(".status")).to_contain_text("Disponible")


def test_wrap_up_note_is_kept_and_alt_digit_works_inside_it(world: World) -> None:
    agent = world.desk(CARMEN)
    visitor = world.visitor("Adiós", name="Noa Paz")
    accept(agent)
    agent.locator("#composer").fill("estaba escribien")
    agent.locator("#composer").focus()
    visitor.leave()
    panel = agent.locator(".wrap")
    expect(panel).to_be_visible()
    note = panel.get_by_label("Nota")
    expect(note).to_be_focused()
    agent.keyboard.type("Llamar el 2 de mayo")
    expect(note).to_have_value("Llamar el 2 de mayo")
    agent.keyboard.press("Alt+1")
    expect(panel.get_by_role("radio").first).to_be_checked()
    expect(note).to_be_focused()
    expect(panel.locator(".lab [role=status]")).to_contain_text("borrador guardado")
    agent.reload()
    expect(panel.get_by_label("Nota")).to_have_value("Llamar el 2 de mayo")
    expect(panel.get_by_role("radio").first).to_be_checked()
    panel.get_by_role("button", name="Terminar").click()
    expect(panel).to_have_count(0)


def test_two_agents_race_for_one_item(world: World) -> None:
    carmen = world.desk(CARMEN, available=False)
    pablo = world.desk(PABLO, available=False)
    for page in (carmen, pablo):
        set_status(page, 2)  # away: no offers, but the queue may be pulled from
    world.visitor("¿Hay alguien?", name="Gema Ríos")
    rows = [page.locator(".list .pull", has_text="Gema Ríos") for page in (carmen, pablo)]
    for row in rows:
        expect(row).to_be_visible()
    soon = carmen.evaluate("Date.now() + 1000")
    for page in (carmen, pablo):
        page.evaluate(
            """(at) => void setTimeout(() => [...document.querySelectorAll(".pull")]
                .find((row) => row.textContent.includes("Gema"))?.querySelector(".take").click(),
                at - Date.now())""",
            soon,
        )
    expect(rows[0]).to_have_count(0)
    expect(rows[1]).to_have_count(0)
    mine = [page.locator(".it:not(.q)", has_text="Gema Ríos") for page in (carmen, pablo)]
    # Both have been answered: one has it, the other is told that it is gone.
    for page in (carmen, pablo):
        expect(page.locator(".take:disabled")).to_have_count(0)
    assert sorted(row.count() for row in mine) == [0, 1]


def test_writing_goes_on_offline_and_is_sent_once_when_back(world: World) -> None:
    agent = world.desk(CARMEN)
    customer = open_chat(world, "Hola")
    accept(agent)
    agent.context.set_offline(True)
    expect(agent.locator(".link-chip")).to_contain_text("Sin conexión")
    expect(agent.locator(".status")).to_contain_text("Sin línea")
    say(agent, "uno")
    say(agent, "dos")
    expect(agent.locator(".conv .bub.me")).to_have_count(2)
    expect(agent.locator(".conv .bub.me").last).to_contain_text("sale al volver")
    expect(agent.get_by_role("button", name="Transferir")).to_be_disabled()
    write(customer, "mientras tanto")
    agent.context.set_offline(False)
    expect(agent.locator(".link-chip")).to_contain_text("Conectado")
    expect(customer.locator(".log .bub.in")).to_have_count(2)
    assert [text.split("\n")[0] for text in customer.locator(".log .bub.in").all_inner_texts()] == [
        "uno",
        "dos",
    ]
    expect(agent.locator(".conv .bub.in").last).to_contain_text("mientras tanto")
    expect(agent.locator(".conv .bub.me")).to_have_count(2)


def test_a_second_tab_shows_the_same_and_a_double_accept_is_one(world: World) -> None:
    first = world.desk(CARMEN)
    second = first.context.new_page()
    second.goto(f"{world.centre.url}/desk")
    expect(second.locator(".status")).to_be_visible()
    world.visitor("Hola", name="Teo Sanz")
    offer(first)
    offer(second)
    first.keyboard.press("F9")
    second.keyboard.press("F9")
    for page in (first, second):
        expect(page.locator(".it", has_text="Teo Sanz")).to_have_count(1)
        expect(page.locator("section.offer")).to_have_count(0)


def test_leaving_with_open_work_asks_what_becomes_of_it(world: World) -> None:
    agent = world.desk(CARMEN)
    pablo = world.desk(PABLO, available=False)
    world.visitor("Hola", name="Leo Marín")
    accept(agent)
    agent.locator(".top .me").click()
    agent.get_by_role("menuitem", name="Salir").click()
    agent.get_by_role("dialog").get_by_role("button", name="Salir").click()
    dialog = agent.get_by_role("dialog", name="Tienes trabajo abierto")
    expect(dialog).to_contain_text("Leo Marín")
    dialog.get_by_role("radio", name="Devolverlas a su cola").check()
    dialog.get_by_role("button", name="Irme").click()
    expect(agent.get_by_role("heading", name="Entrar")).to_be_visible()
    expect(pablo.locator(".list .pull", has_text="Leo Marín")).to_be_visible()


def test_what_is_set_aside_goes_where_was_said_when_i_leave_after_this(world: World) -> None:
    agent = world.desk(CARMEN)
    pablo = world.desk(PABLO, available=False)
    set_status(pablo, 2)
    world.visitor("Hola", name="Leo Marín")
    accept(agent)
    agent.locator(".status").click()
    agent.get_by_role("menuitemradio", name="Desconectado").last.click()
    dialog = agent.get_by_role("dialog", name="Irme al terminar")
    expect(dialog).to_contain_text("Leo Marín")
    dialog.get_by_role("radio", name="Dárselas a un compañero").check()
    dialog.get_by_role("combobox").select_option(label="Pablo Urriés · Ausente")
    dialog.get_by_role("button", name="Irme al terminar").click()
    expect(dialog).to_have_count(0)
    set_status(pablo, 0)
    agent.get_by_role("button", name="Posponer").click()
    agent.get_by_role("menuitem", name="Hasta que escriba el cliente").click()
    accept(pablo)
    expect(pablo.locator(".hd")).to_contain_text("Leo Marín")
    expect(agent.locator(".status")).to_contain_text("Desconectado")


def test_the_last_agent_of_a_queue_with_waiters_must_confirm(world: World, centre: Centre) -> None:
    agent = world.desk(PABLO)
    # As many as fit, and one that waits.
    for number in range(5):
        world.visitor(name=f"Visita {number}")
    expect(agent.locator(".list .pull").first).to_be_visible()
    set_status(agent, 2)
    dialog = agent.get_by_role("dialog", name="Eres la última persona de la cola")
    expect(dialog).to_contain_text("Comercial")
    dialog.get_by_role("button", name="Quedarme").click()
    expect(agent.locator(".status")).not_to_contain_text("Ausente")


def test_search_finds_by_name_and_opens(world: World) -> None:
    agent = world.desk(CARMEN)
    world.visitor(name="Zulema Bravo")
    accept(agent)
    agent.goto(f"{world.centre.url}/desk#")
    agent.reload()
    expect(agent.locator(".status")).to_be_visible()
    agent.keyboard.press("Control+k")
    agent.keyboard.type("zulema")
    expect(agent.get_by_role("option").first).to_contain_text("Zulema Bravo")
    agent.keyboard.press("Enter")
    expect(agent.locator(".hd")).to_contain_text("Zulema Bravo")
    expect(agent.locator("#composer")).to_be_visible()


def test_language_and_theme_change_without_a_reload(world: World) -> None:
    page = world.desk(CARMEN, available=False)
    page.evaluate("window.same = true")
    page.get_by_role("button", name=re.compile("Idioma")).click()
    page.get_by_role("menuitemradio", name="English").click()
    expect(page.locator(".link-chip")).to_contain_text("Connected")
    page.get_by_role("button", name="Dark theme").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.evaluate("window.same") is True
