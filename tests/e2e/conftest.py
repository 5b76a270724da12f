"""A real centre, a real browser: one of each for the whole run.

The centre is what `serve` runs, on an embedded PostgreSQL of its own with the demo's queues and
people and without simulated traffic, so whatever happens is what a test did. After each test its
visitors leave and its agents sign off, so the next one finds empty queues.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import socketio
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from tests.conftest import quick_folder
from tests.e2e.looks import Axe
from tests.e2e.sound import AGENT, EAR, tone_file
from tests.oidc import provider as oidc

ROOT = Path(__file__).resolve().parents[2]
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "password123"
READY_WITHIN_SECONDS = 90
LUCIA, CARMEN, PABLO = (f"agent{n}@aintech.com" for n in (1, 2, 3))
ELENA = "supervisor1@aintech.com"
QUEUE = "CO"  # Carmen and Pablo serve it

# A page that is cut off on purpose says so in its console; so does one that is signed out.
EXPECTED_NOISE = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "status of 401", "WebSocket")

expect.set_options(timeout=15_000)


@dataclass(slots=True)
class Centre:
    """The running centre, and what tests ask of it over HTTP."""

    url: str
    folder: Path
    environ: dict[str, str]
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    def start(self, command: str) -> None:
        """Run `python -m contactcenter COMMAND`, beside whatever runs already."""
        with (self.folder / f"{command}.log").open("ab") as log:
            self._processes[command] = subprocess.Popen(
                [sys.executable, "-m", "contactcenter", command],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, command: str) -> None:
        """End it as a crash would."""
        process = self._processes.pop(command)
        process.kill()
        process.wait(5)

    def await_ready(self) -> None:
        end = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < end and self._processes["serve"].poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        log = (self.folder / "serve.log").read_text(errors="replace")
        raise RuntimeError(f"the centre did not start:\n{log[-4000:]}")

    def stop(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGINT)
        for process in self._processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """JSON in, JSON out; raises HTTPError for a refusal. A change is of whatever version is
        there, unless `If-Match` is given, or None where nothing is."""
        data = None if body is None else json.dumps(body).encode()
        of = {"If-Match": "*"} if method in {"POST", "PUT", "PATCH"} else {}
        given = {"Content-Type": "application/json", **of, **(headers or {})}
        sent = {name: value for name, value in given.items() if value is not None}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        url = f"{self.url}/api/v1{path}"
        request = urllib.request.Request(url, data=data, headers=sent, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def token(self, email: str) -> str:
        """An access token of the user's own, apart from any browser's session."""
        if email not in self._tokens:
            answer = self.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
            self._tokens[email] = answer["access_token"]
        return self._tokens[email]

    def forget(self, email: str) -> None:
        """The user's sessions were ended: the token is worth nothing now."""
        self._tokens.pop(email, None)

    def ask(
        self,
        email: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        return self.call(method, path, body, self.token(email), headers)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


SHOP = f"http://127.0.0.1:{_free_port()}"
"""The origin of somebody else's page that may have the chat on it."""


PORT = _free_port()


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """A real provider of OpenID Connect, which knows the centre."""
    with oidc.running([f"http://127.0.0.1:{PORT}/api/v1/auth/oidc/callback"]) as issuer:
        yield issuer


@pytest.fixture(scope="session")
def centre(issuer: str) -> Iterator[Centre]:
    folder = quick_folder("cc-e2e-")
    port = PORT
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "APP_ENV": "development",
        "DEMO": "true",
        "DEMO_TRAFFIC": "0",
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "BCRYPT_ROUNDS": "4",
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "json",
        "CHAT_STARTS_PER_MINUTE": "600",
        "CHAT_DEFAULT_QUEUE": QUEUE,
        "WIDGET_ORIGINS": SHOP,
        "OIDC_NAME": "Example",
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": "centre",
        "OIDC_CLIENT_SECRET": oidc.CLIENT_SECRET,
    }
    for command in ("up", "seed"):
        subprocess.run(
            [sys.executable, "-m", "db", command],
            cwd=ROOT,
            env=environ,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    centre = Centre(f"http://127.0.0.1:{port}", folder, environ)
    centre.start("media")
    centre.start("serve")
    try:
        centre.await_ready()
        yield centre
    finally:
        centre.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@dataclass(slots=True)
class Voices:
    """Browsers that differ in what their microphone hears: one tone each."""

    playwright: Playwright
    folder: Path
    _browsers: dict[int, Browser] = field(default_factory=dict)

    def __getitem__(self, hertz: int) -> Browser:
        if hertz not in self._browsers:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            if path is None:
                pytest.fail("Chromium is missing: tools/chromium says how to get it.")
            self._browsers[hertz] = self.playwright.chromium.launch(
                executable_path=path,
                args=[
                    "--no-sandbox",
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    "--disable-software-rasterizer",
                    "--autoplay-policy=no-user-gesture-required",
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={tone_file(self.folder, hertz)}",
                    "--allow-loopback-in-peer-connection",
                    "--disable-features=WebRtcHideLocalIpsWithMdns",
                ],
            )
        return self._browsers[hertz]

    def close(self) -> None:
        for browser in self._browsers.values():
            browser.close()


@pytest.fixture(scope="session")
def voices(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voices]:
    voices = Voices(playwright, tmp_path_factory.mktemp("tones"))
    yield voices
    voices.close()


@dataclass(slots=True)
class Visitor:
    """A customer who writes in web chat, by HTTP only."""

    centre: Centre
    token: str
    conversation_id: str
    said: int = 1

    def say(self, body: str) -> None:
        self.said += 1
        self.centre.call(
            "POST",
            f"/chat/conversations/{self.conversation_id}/messages",
            {"body": body, "client_id": f"say-{self.said}"},
            self.token,
        )

    def leave(self) -> None:
        try:
            self.centre.call(
                "POST", f"/chat/conversations/{self.conversation_id}/close", {}, self.token
            )
        except urllib.error.HTTPError as error:
            if error.code not in (401, 404, 409):
                raise


@dataclass(slots=True)
class World:
    """What a test has to do with: desks, visitors, and their end."""

    centre: Centre
    voices: Voices
    contexts: list[BrowserContext] = field(default_factory=list)
    callers: list[Page] = field(default_factory=list)
    visitors: list[Visitor] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    noise: list[str] = field(default_factory=list)

    def context(
        self,
        *,
        theme: str = "light",
        locale: str = "es",
        width: int = 1280,
        height: int = 800,
        voice: int = AGENT,
    ) -> BrowserContext:
        """A browser of its own: storage, cookies, preferences, and a voice."""
        context = self.voices[voice].new_context(
            viewport={"width": width, "height": height},
            locale="es-ES" if locale == "es" else "en-GB",
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            has_touch=width < 720,
        )
        context.add_init_script(
            "if (location.protocol === 'http:' && !localStorage.getItem('cc.theme')) {"
            f" localStorage.setItem('cc.theme', '\"{theme}\"');"
            f" localStorage.setItem('cc.locale', '\"{locale}\"'); }}"
        )
        context.add_init_script(EAR)
        context.on("console", lambda message: self._heard(message))
        context.on("weberror", lambda error: self.noise.append(f"uncaught: {error.error}"))
        self.contexts.append(context)
        return context

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            text = message.text
            if not any(expected in text for expected in EXPECTED_NOISE):
                self.noise.append(f"{message.type}: {text}")

    def desk(
        self,
        email: str,
        *,
        available: bool = True,
        context: BrowserContext | None = None,
        **look: Any,
    ) -> Page:
        """A desk with this agent signed in, connected and (by default) available."""
        context = context or self.context(**look)
        login = context.request.post(
            f"{self.centre.url}/api/v1/auth/login",
            data={"email": email, "password": PASSWORD, "token_transport": "cookie"},
        )
        assert login.ok, login.text()
        self.agents.add(email)
        page = context.new_page()
        page.goto(f"{self.centre.url}/desk")
        expect(page.locator(".status")).to_be_visible()
        if available:
            set_status(page, 0)
        return page

    def visitor(
        self,
        message: str = "Hola",
        *,
        name: str = "Ana Visitante",
        queue: str | None = QUEUE,
        email: str | None = None,
    ) -> Visitor:
        asked = {"name": name, "queue": queue, "message": message, "email": email}
        answer = self.centre.call(
            "POST", "/chat/conversations", {k: v for k, v in asked.items() if v is not None}
        )
        visitor = Visitor(self.centre, answer["token"], answer["conversation"]["conversation_id"])
        self.visitors.append(visitor)
        return visitor

    def page(self, path: str, **look: Any) -> Page:
        page = self.context(**look).new_page()
        page.goto(self.centre.url + path)
        return page

    def say_many(self, email: str, conversation_id: str, numbers: range) -> None:
        """The agent, at another desk, writes n and each number."""
        with ThreadPoolExecutor(1) as thread:
            run = _say_many(self.centre, email, conversation_id, numbers)
            thread.submit(asyncio.run, run).result(60)

    def _visitors_of(self, page: Page) -> list[Visitor]:
        """Who writes in the chat of this page."""
        if not page.url.startswith("http"):
            return []
        kept = page.evaluate(
            "Object.entries(localStorage).filter(([key]) => key.endsWith(':session'))"
            ".map(([, value]) => JSON.parse(value))"
        )
        return [Visitor(self.centre, one["token"], one["conversation_id"]) for one in kept]

    def end(self) -> None:
        """Customers hang up, browsers are shut, visitors leave, agents finish and go offline."""
        for caller in self.callers:
            keys = caller.locator(".call + .body + .keys")
            if keys.is_visible():
                with contextlib.suppress(PlaywrightError):  # it has just ended by itself
                    keys.locator(".bad").click(timeout=3_000)
                expect(keys).to_be_hidden()
        for context in self.contexts:
            for page in context.pages:
                self.visitors += self._visitors_of(page)
            context.close()
        for visitor in self.visitors:
            visitor.leave()
        # Playwright's loop holds this thread.
        with ThreadPoolExecutor(1) as thread:
            for email in sorted(self.agents):
                thread.submit(asyncio.run, _clear_desk(self.centre, email)).result(30)


async def _asked(client: socketio.AsyncClient, name: str, payload: object) -> dict[str, Any]:
    """A command's answer; whoever has sent too much waits as long as the centre asks."""
    while True:
        answer: dict[str, Any] = await client.call(name, payload, "/agent")
        if answer["ok"] or answer["error"]["code"] != "rate_limited":
            return answer
        await asyncio.sleep(answer["error"]["ctx"]["retry_after"])


async def _say_many(centre: Centre, email: str, conversation_id: str, numbers: range) -> None:
    client = socketio.AsyncClient(reconnection=False)
    auth = {"token": centre.token(email)}
    await client.connect(centre.url, namespaces=["/agent"], transports=["websocket"], auth=auth)
    try:
        for number in numbers:
            said = {"conversation_id": conversation_id, "body": f"n{number}"}
            said["client_id"] = f"many-{number}"
            answer = await _asked(client, "chat.message", said)
            assert answer["ok"], answer
    finally:
        await client.disconnect()


async def _clear_desk(centre: Centre, email: str) -> None:
    client = socketio.AsyncClient(reconnection=False)
    first: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

    async def snapshot(payload: dict[str, Any]) -> None:
        if not first.done():
            first.set_result(payload["state"])

    client.on("snapshot", snapshot, namespace="/agent")
    await client.connect(
        centre.url,
        namespaces=["/agent"],
        transports=["websocket"],
        auth={"token": centre.token(email)},
    )
    try:
        state = await asyncio.wait_for(first, 10)
        await _asked(client, "agent.set_status", {"status": "away", "confirm": True})
        for reservation in state["reservations"]:
            await _asked(client, "reservation.reject", {"reservation_id": reservation})
        outcome = next(one["key"] for one in state["dispositions"] if one["queue"] is None)
        for interaction, card in state["interactions"].items():
            wrapping = card["segment"]["state"] == "wrapping"
            name = "interaction.wrap_up" if wrapping else "interaction.close"
            await _asked(client, name, {"interaction_id": interaction, "disposition": outcome})
        gone = await _asked(client, "agent.set_status", {"status": "offline", "confirm": True})
        assert gone["ok"], gone
    finally:
        await client.disconnect()


@pytest.fixture
def world(centre: Centre, voices: Voices) -> Iterator[World]:
    world = World(centre, voices)
    yield world
    world.end()
    assert not world.noise, "the browser's console: " + "; ".join(world.noise)


def set_status(page: Page, index: int) -> None:
    """Choose the status menu's entry number `index`; 0 is available."""
    page.locator(".status").click()
    page.locator("[role=menu] [role^=menuitem]").nth(index).click()
    expect(page.locator("[role=menu]")).to_have_count(0)


def offer(page: Page) -> Locator:
    """The offer on a desk, once it can be answered."""
    card = page.locator("section.offer")
    expect(card).to_be_visible()
    expect(card).not_to_have_class("offer dead")
    return card


def accept(page: Page) -> None:
    """Wait for an offer and take it with F9."""
    offer(page)
    page.keyboard.press("F9")
    expect(page.locator("#composer")).to_be_visible()


def say(page: Page, text: str) -> None:
    """Send a reply from the desk."""
    page.locator("#composer").fill(text)
    page.keyboard.press("Control+Enter")


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Fails when axe-core finds anything against WCAG 2.2 A and AA on the page."""
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page) -> None:
        if not page.evaluate("typeof window.axe !== 'undefined'"):
            session = page.context.new_cdp_session(page)
            session.send("Runtime.evaluate", {"expression": source})
            session.detach()
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", AXE_RULES)
        found = [
            f"{one['id']}: {one['help']} {[node['html'][:120] for node in one['nodes']]}"
            for one in result["violations"]
        ]
        assert not found, "\n".join(found)

    return check
