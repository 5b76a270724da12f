"""Take the README's pictures of a running demo: `.venv/bin/python tools/screenshots.py`.

Wants `make run` in another terminal, and Chromium ($CHROMIUM, else /usr/bin/chromium).
BASE_URL names another address than http://127.0.0.1:8080. Plays one chat and one call from both
sides; the microphones are Chromium's own tone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

BASE: Final = os.environ.get("BASE_URL", "http://127.0.0.1:8080")
FOLDER: Final = Path(__file__).parents[1] / "docs" / "img"
SIZE: Final[ViewportSize] = {"width": 1280, "height": 800}
SOUND: Final = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[*SOUND, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        )
        wallboard = signed_in(browser, "wallboard", "supervisor1@aintech.com")
        desk = signed_in(browser, "desk", "agent3@aintech.com")
        desk.locator(".status").click()
        desk.locator("[role=menu] [role^=menuitem]").first.click()
        visitor = fresh(browser)
        visitor.goto(f"{BASE}/demo")
        visitor.locator(".bubble").click()
        ask(visitor, "Hola, quiero cambiar la cuenta del recibo del hogar.")
        desk.locator("section.offer:not(.dead)").wait_for(timeout=60_000)
        desk.keyboard.press("F9")
        desk.locator("#composer").fill("Buenos días, soy Pablo. ¿Desde qué mes la cambiamos?")
        desk.keyboard.press("Control+Enter")
        ask(visitor, "Desde diciembre, por favor.")
        desk.get_by_text("Desde diciembre").first.wait_for()
        for page, name in ((desk, "desk"), (wallboard, "wallboard"), (visitor, "widget")):
            page.wait_for_timeout(1500)
            page.screenshot(path=FOLDER / f"{name}.png")
        a_call(browser)
        browser.close()


def a_call(browser: Browser) -> None:
    """A customer calls from the page, and an agent talks with them."""
    desk = signed_in(browser, "desk", "agent2@aintech.com")
    desk.locator(".phone").get_by_text("Teléfono listo").wait_for(timeout=30_000)
    desk.locator(".status").click()
    desk.locator("[role=menu] [role^=menuitem]").first.click()
    caller = fresh(browser)
    caller.goto(f"{BASE}/demo")
    caller.locator(".bubble").click()
    caller.locator(".head .ib").first.click()
    caller.locator(".call .btn.p").click()
    desk.locator("section.offer:not(.dead)").wait_for(timeout=120_000)
    desk.keyboard.press("F9")
    desk.locator(".phone.in-call .net").get_by_text("buena").wait_for(timeout=20_000)
    for page, name in ((desk, "call-desk"), (caller, "call-widget")):
        page.wait_for_timeout(1500)
        page.screenshot(path=FOLDER / f"{name}.png")
    caller.locator(".key.bad").click()


def fresh(browser: Browser) -> Page:
    return browser.new_context(viewport=SIZE, locale="es-ES").new_page()


def signed_in(browser: Browser, where: str, email: str) -> Page:
    page = fresh(browser)
    page.goto(f"{BASE}/{where}")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill("password123")
    page.keyboard.press("Enter")
    page.locator("input[type=password]").wait_for(state="detached")
    return page


def ask(visitor: Page, text: str) -> None:
    visitor.locator(".composer textarea").fill(text)
    visitor.locator(".composer textarea").press("Enter")


if __name__ == "__main__":
    main()
