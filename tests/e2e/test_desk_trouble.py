"""The desk when the server dies under it, and what calls an agent who looks elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import CARMEN, World, accept, offer, say
from tests.e2e.test_desk import open_chat, write

pytestmark = pytest.mark.browser

RECORDS = """
window.asked = { tones: [], notifications: [] };
window.AudioContext = class extends AudioContext {
  createOscillator() {
    const made = super.createOscillator();
    const start = made.start.bind(made);
    made.start = (at) => {
      asked.tones.push(made.frequency.value);
      document.documentElement.dataset.heard = "yes";
      start(at);
    };
    return made;
  }
};
window.Notification = class {
  static permission = "granted";
  constructor(title, options) {
    asked.notifications.push({ title, ...options });
    document.documentElement.dataset.notified = options.body;
  }
  close() {}
};
"""
LOOKS_ELSEWHERE = "document.hasFocus = () => false"
OFFER_TONES = [659, 880]


def each_once(page: Page, texts: list[str]) -> None:
    """Of each of these messages one bubble, in this order for each side."""
    for text in texts:
        expect(page.locator(".bub", has_text=text)).to_have_count(1)


def test_a_killed_server_loses_and_doubles_no_message(world: World) -> None:
    agent = world.desk(CARMEN)
    customer = open_chat(world, "c-uno")
    accept(agent)
    say(agent, "a-uno")
    expect(customer.locator(".log .bub.in")).to_have_count(1)

    write(customer, "c-dos")  # whether their acks come is left to chance
    say(agent, "a-dos")
    world.centre.kill("serve")
    expect(agent.locator(".link-chip.lost")).to_be_visible()
    write(customer, "c-tres")
    say(agent, "a-tres")
    expect(agent.locator(".conv .bub.me", has_text="a-tres")).to_contain_text("sale al volver")
    world.centre.start("serve")
    world.centre.await_ready()

    expect(agent.locator(".link-chip.lost")).to_have_count(0, timeout=30_000)
    sent = ["c-uno", "a-uno", "c-dos", "a-dos", "c-tres", "a-tres"]
    for page in (agent, customer):
        each_once(page, sent)
    expect(agent.locator(".conv .bub.me", has_text="sale al volver")).to_have_count(0)
    expect(customer.locator(".log .bub.me", has_text="Sale al volver")).to_have_count(0)
    write(customer, "c-cuatro")
    expect(agent.locator(".conv .bub.in").last).to_contain_text("c-cuatro")
    say(agent, "a-cuatro")
    expect(customer.locator(".log .bub.in").last).to_contain_text("a-cuatro")
    customer.reload()  # what is stored, and not what the page has kept
    for page in (agent, customer):
        each_once(page, [*sent, "c-cuatro", "a-cuatro"])


def test_an_offer_is_heard_and_notified_until_it_is_muted(world: World) -> None:
    context = world.context()
    context.add_init_script(RECORDS)
    agent = world.desk(CARMEN, context=context)

    world.visitor("Hola", name="Rosa Vidal")
    expect(agent.locator("html")).to_have_attribute("data-heard", "yes")
    accept(agent)
    assert agent.evaluate("asked.tones.slice(0, 2)") == OFFER_TONES
    assert agent.evaluate("asked.notifications") == [], "the page is in front and shows it"

    agent.evaluate(LOOKS_ELSEWHERE)
    world.visitor("Hola", name="Teo Sanz")
    expect(agent.locator("html")).to_have_attribute("data-notified", "Teo Sanz")
    told = agent.evaluate("asked.notifications.find((one) => one.body === 'Teo Sanz')")
    assert told["title"].startswith("Oferta · ")
    assert told["tag"], "one offer is one notification"
    heard = agent.evaluate("asked.tones")
    assert heard[-2:] == OFFER_TONES
    accept(agent)

    agent.get_by_role("button", name="Sonido de las ofertas").click()
    agent.locator("[role=menu] [role^=menuitem]", has_text="Silencio").click()
    before = agent.evaluate("asked.tones.length")
    world.visitor("Hola", name="Pía Luna")
    expect(agent.locator("html")).to_have_attribute("data-notified", "Pía Luna")
    offer(agent)
    assert agent.evaluate("asked.tones.length") == before
