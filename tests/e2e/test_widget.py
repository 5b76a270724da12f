"""The chat on a customer's page, in a real browser against the real centre."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import (
    CARMEN,
    ELENA,
    LUCIA,
    QUEUE,
    SHOP,
    Centre,
    Visitor,
    World,
    accept,
    say,
)

pytestmark = pytest.mark.browser

CLOSED = "CLOSED"
"""A queue of these tests that opens tomorrow, by the centre's clock."""


@pytest.fixture(scope="module")
def shop(centre: Centre) -> Iterator[str]:
    """A page of another origin that allows itself next to nothing, in an old encoding.

    `?` attributes of the script tag.
    """
    socket = "ws" + centre.url.removeprefix("http")
    policy = (
        f"default-src 'none'; script-src {centre.url}; connect-src {centre.url} {socket}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            attributes = urlsplit(self.path).query.replace("&", " ")
            body = (
                "<!doctype html><html lang=es><title>Ferretería</title><body><main><h1>Ferretería"
                f"</h1></main><script async src='{centre.url}/widget.js' {attributes}></script>"
            )
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=iso-8859-1")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body.encode("iso-8859-1"))

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", urlsplit(SHOP).port or 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SHOP
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def closed(centre: Centre) -> Iterator[str]:
    """The key of a queue outside its opening hours."""
    weekly = {"tue": [["09:00", "14:00"]]}
    centre.ask(ELENA, "POST", "/calendars", {"key": CLOSED, "weekly": weekly})
    queue = {"name_es": "Cerrada", "name_en": "Closed", "skill": QUEUE, "calendar": CLOSED}
    centre.ask(ELENA, "POST", "/queues", {"key": CLOSED, **queue})
    yield CLOSED
    version = centre.ask(ELENA, "GET", f"/queues/{CLOSED}")["version"]
    retired = {**queue, "retired": True}
    centre.ask(ELENA, "PUT", f"/queues/{CLOSED}", retired, {"If-Match": f'"{version}"'})


@pytest.fixture(autouse=True)
def visitors_leave(world: World) -> Iterator[None]:
    """Whoever wrote in a page leaves as the test's other visitors do."""
    yield
    for page in (page for context in world.contexts for page in context.pages):
        session = page.evaluate(
            """() => Object.entries(location.protocol === "http:" ? localStorage : {})
                .filter(([key]) => /^contactcenter:.*:session$/.test(key))
                .map(([, value]) => JSON.parse(value))[0] ?? null"""
        )
        if session is not None:
            visitor = Visitor(world.centre, session["token"], session["conversation_id"])
            world.visitors.append(visitor)


def open_chat(page: Page) -> Page:
    page.locator(".bubble").click()
    expect(page.locator(".panel")).to_be_visible()
    return page


def write(page: Page, text: str) -> None:
    page.locator(".composer textarea").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".log .bub.me", has_text=text)).to_have_count(1)


def mine(page: Page) -> list[str]:
    """What the visitor wrote, as it stands in the chat."""
    return page.locator(".log .bub.me .words").all_inner_texts()


def told(page: Page) -> list[str]:
    """What the agent's desk shows of the visitor's words, without time and marks."""
    return [text.split("\n")[0] for text in page.locator(".conv .bub.in").all_inner_texts()]


def menu(page: Page, item: str) -> None:
    page.get_by_role("button", name="Opciones").click()
    page.locator(".menu").get_by_role("button", name=item).click()


def end_chat(page: Page) -> None:
    menu(page, "Terminar la conversación")
    page.get_by_role("button", name="Terminar", exact=True).click()
    expect(page.get_by_role("button", name="Empezar de nuevo")).to_be_visible()


def test_it_works_on_a_strict_page_of_another_origin(world: World, shop: str) -> None:
    page = world.context(theme="dark").new_page()
    page.goto(f"{shop}/?data-position=left&data-title=Ayuda&data-accent=%23fc0")
    assert page.evaluate("document.characterSet") == "windows-1252"
    open_chat(page)
    expect(page.locator(".head h2")).to_have_text("Ayuda")
    expect(page.locator(".intro")).to_contain_text("¿En qué podemos ayudarle?")
    box = page.locator(".panel").bounding_box()
    assert box is not None
    assert box["x"] == 16
    write(page, "¿Abren mañana?")
    expect(page.locator(".log .bub.me")).to_contain_text("Enviado")
    agent = world.desk(CARMEN)
    accept(agent)
    say(agent, "Sí, a las nueve")
    expect(page.locator(".log .bub.in")).to_contain_text("Sí, a las nueve")


def test_a_page_that_is_not_allowed_hears_so(world: World, centre: Centre) -> None:
    """Origins that WIDGET_ORIGINS does not name get neither an answer nor a socket."""
    page = world.context().new_page()
    page.goto(f"{centre.url.replace('127.0.0.1', 'localhost')}/demo")
    outcome = page.evaluate(
        """(url) => fetch(url + "/api/v1/chat/conversations", {
            method: "POST", headers: {"Content-Type": "application/json"}, body: "{}",
        }).then((answer) => answer.status, () => "refused")""",
        centre.url,
    )
    world.noise.clear()
    assert outcome == "refused"


def test_the_queue_is_told_in_figures_and_words(world: World) -> None:
    world.visitor("Llegué antes")
    page = open_chat(world.page("/demo"))
    expect(page.locator(".status")).to_contain_text("Abierto")
    page.get_by_label("Nombre").fill("Ana Beltrán")
    page.get_by_label("Correo").fill("ana@")
    page.locator(".composer textarea").fill("Quería preguntar algo")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Correo")).to_be_focused()
    expect(page.get_by_label("Correo")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Correo").fill("ana@ejemplo.es")
    page.locator(".send").click()
    expect(page.locator(".figure b")).to_have_text("2")
    expect(page.locator(".card")).to_contain_text("Hay una persona delante.")
    expect(page.locator(".card")).to_contain_text("guardamos su turno 10 min")
    page.reload()
    expect(page.locator(".figure b")).to_have_text("2")
    assert mine(page) == ["Quería preguntar algo"]
    agent = world.desk(CARMEN)
    accept(agent)
    expect(page.locator(".figure b")).to_have_text("1")
    accept(agent)
    expect(page.locator(".status")).to_contain_text("Carmen · responde ahora")
    expect(agent.locator(".hd")).to_contain_text("Ana Beltrán")


def test_whoever_is_hurt_is_told_112_and_comes_first(world: World) -> None:
    page = open_chat(world.page("/demo"))
    page.get_by_label("Asunto").select_option("Accidente con heridos")
    expect(page.locator(".fields")).to_contain_text("llame antes al 112")
    desk = world.desk(LUCIA)
    write(page, "Hemos chocado y hay un herido")
    accept(desk)
    expect(desk.locator(".panel .banner")).to_contain_text("112")


def test_reloads_lose_and_double_nothing(world: World) -> None:
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    write(page, "v0")
    accept(agent)
    for number in range(1, 4):
        page.locator(".composer textarea").fill(f"v{number}")
        page.keyboard.press("Enter")
        page.reload(wait_until="commit")  # whether or not it has gone
        say(agent, f"a{number}")
        expect(page.locator(".log .bub.in")).to_have_count(number)
        expect(page.locator(".log .bub.me")).to_have_count(number + 1)
    assert mine(page) == ["v0", "v1", "v2", "v3"]
    assert page.locator(".log .bub.in .words").all_inner_texts() == ["a1", "a2", "a3"]
    expect(agent.locator(".conv .bub.in")).to_have_count(4)
    assert told(agent) == ["v0", "v1", "v2", "v3"]


def test_a_long_talk_is_read_back_to_its_beginning(world: World) -> None:
    """The centre shows the newest 100 by itself; the rest comes as it is scrolled to, and stays."""
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    write(page, "el principio")
    accept(agent)
    expect(page.locator(".status")).to_contain_text("Carmen")
    session = "Object.entries(localStorage).find(([key]) => key.endsWith(':session'))[1]"
    talk = page.evaluate(f"JSON.parse({session}).conversation_id")
    page.goto("about:blank")
    world.say_many(CARMEN, talk, range(1, 150))
    page.goto(f"{world.centre.url}/demo")
    words = page.locator(".log .bub .words")
    expect(words).to_have_count(100)
    expect(words.last).to_be_in_viewport()
    expect(words.first).to_have_text("n50")
    page.locator(".panel .body").evaluate("(body) => { body.scrollTop = 0; }")
    expect(words).to_have_count(150)
    expect(page.get_by_role("button", name="Mensajes anteriores")).to_be_hidden()
    assert words.all_inner_texts() == ["el principio", *(f"n{n}" for n in range(1, 150))]
    expect(words.nth(50)).to_be_in_viewport()  # what was being read has kept its place
    expect(words.nth(20)).not_to_be_in_viewport()
    page.context.set_offline(True)
    expect(page.locator(".status")).to_contain_text("Sin conexión")
    world.say_many(CARMEN, talk, range(150, 155))
    page.context.set_offline(False)
    expect(words).to_have_count(155)
    assert words.all_inner_texts() == ["el principio", *(f"n{n}" for n in range(1, 155))]


def test_what_is_written_without_a_network_goes_once_and_in_order(world: World) -> None:
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    write(page, "con red")
    accept(agent)
    expect(page.locator(".status")).to_contain_text("Carmen")
    page.context.set_offline(True)
    expect(page.locator(".status")).to_contain_text("Sin conexión")
    for text in ("uno", "dos", "tres"):
        write(page, text)
    expect(page.locator(".log .bub.me").last).to_contain_text("Sale al volver la conexión")
    say(agent, "mientras tanto")
    page.context.set_offline(False)
    expect(page.locator(".log .bub.in")).to_contain_text("mientras tanto")
    expect(page.locator(".log .bub.me", has_text="Sale al volver")).to_have_count(0)
    expect(agent.locator(".conv .bub.in")).to_have_count(4)
    assert told(agent) == ["con red", "uno", "dos", "tres"]
    assert sorted(mine(page)) == sorted(["con red", "uno", "dos", "tres"])


def test_a_second_tab_is_the_same_conversation(world: World) -> None:
    first = open_chat(world.page("/demo"))
    second = first.context.new_page()
    second.goto(first.url)
    write(first, "desde la primera")
    open_chat(second)
    expect(second.locator(".log .bub.me")).to_have_count(1)
    write(second, "desde la segunda")
    expect(first.locator(".log .bub.me")).to_have_count(2)
    assert mine(first) == mine(second) == ["desde la primera", "desde la segunda"]
    first.bring_to_front()  # a page behind another draws too seldom to be clicked
    end_chat(first)
    expect(second.locator(".card")).to_contain_text("La conversación ha terminado")


def test_a_flood_arrives_in_order(world: World) -> None:
    """More at once than a visitor may write: what is over the pace waits and then goes."""
    page = open_chat(world.page("/demo"))
    texts = [f"mensaje {number:02}" for number in range(30)]
    for text in texts:
        page.locator(".composer textarea").fill(text)
        page.keyboard.press("Enter")
    expect(page.locator(".log .bub.me", has_text="Enviado")).to_have_count(30, timeout=30_000)
    assert mine(page) == texts


def test_too_long_is_said_before_sending(world: World) -> None:
    page = open_chat(world.page("/demo"))
    field = page.locator(".composer textarea")
    field.fill("x" * 3990)
    expect(page.locator(".note")).to_have_text("Quedan 10 caracteres")
    field.fill("x" * 4002)
    expect(page.locator(".note")).to_contain_text("Sobran 2 caracteres")
    page.keyboard.press("Enter")
    expect(page.locator(".log .bub")).to_have_count(0)
    expect(field).to_have_value("x" * 4002)


def test_the_agents_markup_is_text_and_addresses_are_links(world: World) -> None:
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    write(page, "<b onclick=alert(1)>hola</b>")
    accept(agent)
    say(agent, '<img src=x onerror="window.hacked=1"> https://ejemplo.es/x?a=1 javascript:alert(1)')
    bubble = page.locator(".log .bub.in")
    expect(bubble).to_contain_text('<img src=x onerror="window.hacked=1">')
    expect(bubble.locator("a")).to_have_count(1)
    link = bubble.get_by_role("link", name="https://ejemplo.es/x?a=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert page.evaluate("window.hacked") is None
    assert page.locator(".log img, .log b").count() == 0


def test_the_end_the_transcript_and_going_on(world: World) -> None:
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    write(page, "Solo una cosa")
    accept(agent)
    say(agent, "Dígame")
    expect(page.locator(".log .bub.in")).to_have_count(1)
    end_chat(page)
    expect(page.locator(".card")).to_contain_text("La conversación ha terminado")
    expect(page.locator(".composer")).to_be_hidden()
    with page.expect_download() as download:
        page.get_by_role("button", name="Descargar la conversación").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert "Solo una cosa" in text
    assert "Carmen: Dígame" in text
    assert "Tolosa" not in text
    page.get_by_role("button", name="Empezar de nuevo").click()
    write(page, "Otra cosa")
    expect(page.locator(".log .bub.me").last).to_contain_text("Enviado")
    assert mine(page) == ["Solo una cosa", "Otra cosa"]
    expect(page.locator(".status")).to_contain_text("Carmen")  # she had not finished yet
    end_chat(page)
    menu(page, "Borrar de este dispositivo")
    page.get_by_role("button", name="Borrar", exact=True).click()
    expect(page.locator(".intro")).to_be_visible()
    kept = page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('contactcenter:'))")
    assert kept == []


def test_outside_hours_a_message_waits_in_the_queue(world: World, shop: str, closed: str) -> None:
    page = world.context().new_page()
    page.clock.set_system_time(datetime.now(UTC) + timedelta(days=3))  # the centre's day counts
    page.goto(f"{shop}/?data-queue={closed}")
    open_chat(page)
    expect(page.locator(".status")).to_contain_text("Cerrado · abrimos mañana a las 09:00")
    expect(page.locator(".intro")).to_contain_text("Deje su mensaje")
    write(page, "Para cuando abran")
    expect(page.locator(".card")).to_contain_text("Hemos recibido su mensaje")
    page.reload()
    expect(page.locator(".card")).to_contain_text("mañana a las 09:00")
    assert mine(page) == ["Para cuando abran"]
    waiting = world.centre.ask(ELENA, "GET", f"/interactions?queue={closed}&state=queued")["items"]
    assert [item["channel"] for item in waiting] == ["chat"]


def test_keyboard_alone_and_nothing_is_lost_by_closing(world: World) -> None:
    page = world.page("/demo")
    bubble = page.locator(".bubble")
    bubble.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".composer textarea")).to_be_focused()
    page.keyboard.type("a medias")
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    expect(bubble).to_be_focused()
    page.reload()
    page.locator(".bubble").click()
    expect(page.locator(".composer textarea")).to_have_value("a medias")
    menu_button = page.get_by_role("button", name="Opciones")
    menu_button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".menu button").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu_button).to_be_focused()
    expect(page.locator(".panel")).to_be_visible()


def test_a_word_from_the_agent_shows_on_the_closed_bubble(world: World) -> None:
    agent = world.desk(CARMEN)
    page = open_chat(world.page("/demo"))
    page.evaluate("void ContactCenter.on('message', (said) => { window.said = said.body; })")
    write(page, "Hola")
    accept(agent)
    page.get_by_role("button", name="Minimizar el chat").click()
    say(agent, "¿Sigue ahí?")
    expect(page.locator(".badge")).to_have_text("1")
    expect(page.locator(".bubble")).to_have_accessible_name("¿Le ayudamos? , 1 mensaje nuevo")
    assert page.evaluate("window.said") == "¿Sigue ahí?"
    page.evaluate("ContactCenter.open()")
    expect(agent.locator(".conv .bub.me").last).to_contain_text("Leído")
    page.evaluate("ContactCenter.close()")
    expect(page.locator(".badge")).to_be_hidden()
    open_chat(page)


def test_language_and_theme_follow_the_page(world: World) -> None:
    page = open_chat(world.page("/demo"))
    page.get_by_label("Nombre").fill("Ana")
    page.locator(".composer textarea").fill("Hola")
    page.locator("#theme").dispatch_event("click")  # the panel lies over it
    expect(page.locator(".cc")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Opciones").click()
    page.locator(".menu").get_by_role("button", name="Read in English").click()
    expect(page.locator(".intro")).to_contain_text("How can we help?")
    expect(page.get_by_label("Name")).to_have_value("Ana")
    expect(page.locator(".composer textarea")).to_have_value("Hola")
