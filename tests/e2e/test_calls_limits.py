"""What a caller meets at the limits: all lines busy; and a recording as it sounds afterwards."""

from __future__ import annotations

import asyncio
import io
import math
import urllib.request
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import socketio
from playwright.sync_api import expect

from channels.voice.media import ulaw
from channels.voice.waveform import RATE, sound_of
from tests.e2e.conftest import CARMEN, Centre, Visitor, World
from tests.e2e.sound import AGENT, CUSTOMER, expect_heard
from tests.e2e.test_calls import hang_up, key, talking

pytestmark = pytest.mark.browser

PLACES = 3
"""Calls of one address that may be on their way at once (MEDIA_MAX_INVITING_PER_ADDRESS)."""
BUSY_HZ = 425
OWN_EAR = """
(() => {
  const connect = AudioNode.prototype.connect;
  window.loudest = { hertz: 0, db: -200 };
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) {
      const analyser = this.context.createAnalyser();
      analyser.fftSize = 16384;
      connect.call(this, analyser);
      const bins = new Float32Array(analyser.frequencyBinCount);
      setInterval(() => {
        analyser.getFloatFrequencyData(bins);
        const at = bins.reduce((best, db, bin) => (db > bins[best] ? bin : best), 0);
        const hertz = (at * this.context.sampleRate) / analyser.fftSize;
        if (bins[at] > window.loudest.db) window.loudest = { hertz, db: bins[at] };
      }, 30);
    }
    return connect.call(this, to, ...rest);
  };
})();
"""


def with_each(visitors: list[Visitor], do: Callable[[Any], Awaitable[Any]]) -> None:
    """Connect each of them and do it. Playwright's loop holds this thread."""

    async def one(visitor: Visitor) -> None:
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(
            visitor.centre.url,
            namespaces=["/chat"],
            transports=["websocket"],
            auth={"token": visitor.token},
        )
        await do(client)
        await client.disconnect()

    async def everybody() -> None:
        await asyncio.gather(*(one(visitor) for visitor in visitors))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, everybody()).result(30)


async def calls_without_sound(client: Any) -> None:
    answer = await client.call("call.start", {}, "/chat")
    assert answer["ok"], answer


async def hangs_up(client: Any) -> None:
    await client.call("call.hangup", None, "/chat")


def test_all_lines_busy_is_a_tone_a_sentence_and_a_message(world: World) -> None:
    """Then a line is free, and the same page calls."""
    others = [world.visitor(name="Otra Persona") for _ in range(PLACES)]
    with_each(others, calls_without_sound)
    context = world.context(voice=CUSTOMER)
    context.add_init_script(OWN_EAR)
    page = context.new_page()
    world.callers.append(page)
    page.goto(f"{world.centre.url}/demo")
    page.locator(".bubble").click()
    page.locator(".head .ib").first.click()
    page.locator(".call .btn.p").click()
    expect(page.locator(".call [role=alert]")).to_contain_text("Todas las líneas están ocupadas")
    page.wait_for_function(f"Math.abs(window.loudest.hertz - {BUSY_HZ}) < 6")
    page.locator(".call .btn", has_text="mensaje").click()
    page.locator(".composer textarea").fill("Llámenme mañana, por favor")
    page.locator(".composer textarea").press("Enter")
    expect(page.locator(".log .bub.me")).to_have_count(1)

    with_each(others, hangs_up)
    page.locator(".head .ib").first.click()
    page.locator(".call .btn.p").click()
    expect(page.locator(".keys")).to_be_visible()
    expect_heard(page, music=True)


@pytest.mark.nightly
def test_a_consult_of_a_queue_waits_with_music_and_is_cancelled(world: World) -> None:
    agent, customer = talking(world)
    key(agent, "consult")
    agent.locator(".people input, .phone-panel input").first.fill("Sini")
    agent.locator(".people button").first.click()
    expect(agent.locator(".phone-line")).to_contain_text("En cola de")
    expect(agent.locator("[data-key=complete]")).to_be_disabled()
    expect_heard(customer, music=True)
    key(agent, "toggle")
    expect(agent.locator(".phone-line")).to_contain_text("en cola de")
    expect_heard(customer, AGENT)
    expect_heard(agent, CUSTOMER)
    key(agent, "cancel")
    expect(agent.locator("[data-key=consult]")).to_be_visible()
    expect_heard(customer, AGENT)


def test_a_recording_is_paused_resumed_and_played(world: World) -> None:
    """They hear each other all the time; each is on a channel of their own, but for the pause."""
    agent, customer = talking(world)
    notice = customer.locator(".call .recn")
    expect(agent.locator(".phone-line")).to_contain_text("Grabando")
    expect(notice).to_contain_text("Se graba para su seguridad y la nuestra.")
    expect_heard(agent, CUSTOMER)
    key(agent, "record")
    expect(agent.locator(".phone-line")).to_contain_text("Grabación en pausa")
    expect(notice).to_contain_text("La grabación está en pausa.")
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)
    key(agent, "record")
    expect(agent.locator(".phone-line")).to_contain_text("Grabando")
    expect(notice).to_contain_text("Se graba")
    expect_heard(agent, CUSTOMER)
    expect_heard(customer, AGENT)
    hang_up(agent)
    player = agent.locator(".conv .player")
    expect(player.locator(".wave path").first).to_be_attached(timeout=20_000)
    assert player.locator(".wave > svg .gap").count() == 1
    card = newest_recording(world.centre)
    (gap,) = card["gaps"]
    left, right = channels(world.centre, card["recording_id"])
    for samples, own, other in ((left, CUSTOMER, AGENT), (right, AGENT, CUSTOMER)):
        spoken = np.concatenate(
            [
                part(samples, 0.3, gap["from"] - 0.3),
                part(samples, gap["to"] + 0.3, card["seconds"] - 0.3),
            ]
        )
        assert level(spoken, own) > 0.05
        assert level(spoken, other) < level(spoken, own) / 30
        assert np.abs(part(samples, gap["from"] + 0.2, gap["to"] - 0.05)).max() == 0
    slider = player.locator("input")
    slider.fill(str(int(slider.get_attribute("max") or "0") - 2))
    player.get_by_role("button", name="Reproducir").click()
    expect(player.get_by_role("button", name="Pausa")).to_be_visible()
    expect(player.get_by_role("button", name="Reproducir")).to_be_visible(timeout=10_000)


def newest_recording(centre: Centre) -> dict[str, Any]:
    call_id = centre.ask(CARMEN, "GET", "/calls?limit=1")["items"][0]["call_id"]
    (card,) = centre.ask(CARMEN, "GET", f"/calls/{call_id}/recordings")["items"]
    assert card["state"] == "stored"
    return dict(card)


def channels(centre: Centre, recording_id: str) -> tuple[Any, Any]:
    request = urllib.request.Request(
        f"{centre.url}/api/v1/recordings/{recording_id}/audio",
        headers={"Authorization": f"Bearer {centre.token(CARMEN)}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content = io.BytesIO(answer.read()).getbuffer()
    both = ulaw.decode(bytes(sound_of(content))).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def part(samples: npt.NDArray[Any], start: float, end: float) -> npt.NDArray[Any]:
    return samples[round(start * RATE) : round(end * RATE)]


def level(samples: npt.NDArray[Any], hertz: float) -> float:
    """The usual amplitude of a sine in it, by tenths of a second; 1 is full scale."""
    size = RATE // 10
    window = np.hanning(size) * np.exp(-2j * math.pi * hertz / RATE * np.arange(size))
    parts = samples[: len(samples) // size * size].reshape(-1, size)
    return float(np.median(4 * abs(parts @ window) / size / 32768))
