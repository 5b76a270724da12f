"""Administration's screens in both themes, both languages and two widths."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PABLO, World
from tests.e2e.looks import Axe, in_two_looks
from tests.e2e.test_admin import ADMIN, admin, user_id

pytestmark = pytest.mark.browser

Screen = Callable[[Page], None]


def users(page: Page) -> None:
    expect(page.locator("tbody tr").first).to_be_visible()


def inviting(page: Page) -> None:
    page.locator(".tools > .btn").click()
    expect(page.locator("dialog .ticks").first).to_be_visible()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog [aria-invalid=true]")).to_have_count(3)


def one_user(page: Page) -> None:
    page.locator("tbody .link", has_text="Elena").click()
    expect(page.locator("dialog .ticks").first).to_be_visible()


def roles(page: Page) -> None:
    expect(page.locator(".matrix tbody tr").first).to_be_visible()


def audit(page: Page) -> None:
    page.locator(".opener button").first.click()
    expect(page.locator(".detail-box")).to_be_visible()
    page.locator(".date-in .ib").last.click()
    expect(page.locator(".month")).to_be_visible()


def checked(page: Page) -> None:
    page.locator(".chain button").click()
    expect(page.locator(".chain .box-msg.ok")).to_be_visible()


def teams(page: Page) -> None:
    expect(page.locator("tbody tr").first).to_be_visible()


def one_team(page: Page) -> None:
    page.locator("tbody .link").first.click()
    expect(page.locator("dialog .ticks")).to_have_count(2)


def one_rule(page: Page) -> None:
    page.locator("tbody .link").first.click()
    expect(page.locator("dialog .ticks")).to_be_visible()


def recording(page: Page) -> None:
    expect(page.locator("tbody tr").first).to_be_visible()


def asking(page: Page) -> None:
    page.locator(".tools > .btn").click()
    page.locator("dialog select").first.select_option("erase")
    page.locator("dialog input").first.fill("alba")
    expect(page.locator("dialog .found li").first).to_be_visible()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog [aria-invalid=true]")).to_have_count(2)


def certificate(page: Page) -> None:
    page.locator("tbody .link").first.click()
    expect(page.locator("dialog .certificate tbody tr").first).to_be_visible(timeout=15_000)


def one_reply(page: Page) -> None:
    expect(page.locator("tbody .link").first).to_be_visible()
    page.locator(".tools > .btn").click()
    page.locator("dialog textarea").first.fill("Hola, {apellido}")
    expect(page.locator("dialog [aria-invalid=true]")).to_have_count(1)
    expect(page.locator("dialog .error-line").first).to_contain_text(" {apellido}")


def outcomes(page: Page) -> None:
    expect(page.locator("tbody tr").first).to_be_visible()


def one_outcome(page: Page) -> None:
    page.locator("tbody .link").first.click()
    page.locator("dialog input[type=number]").fill("-1")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog [aria-invalid=true]")).to_have_count(1)


PEOPLE: dict[str, tuple[str, Screen]] = {
    "users": ("/admin/users", users),
    "inviting": ("/admin/users", inviting),
    "one-user": ("/admin/users", one_user),
    "roles": ("/admin/roles", roles),
    "audit": ("/admin/audit", audit),
    "checked": ("/admin/audit", checked),
}
CENTRE: dict[str, tuple[str, Screen]] = {
    "teams": ("/admin/teams", teams),
    "one-team": ("/admin/teams", one_team),
    "one-reply": ("/admin/replies", one_reply),
    "outcomes": ("/admin/outcomes", outcomes),
    "one-outcome": ("/admin/outcomes", one_outcome),
    "recording": ("/admin/recording", recording),
    "one-rule": ("/admin/recording", one_rule),
    "privacy": ("/admin/privacy", asking),
    "certificate": ("/admin/privacy", certificate),
}


def looked_at(world: World, axe: Axe, screens: dict[str, tuple[str, Screen]]) -> None:
    page = admin(world, width=390)
    for name, (path, show) in screens.items():
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(world.centre.url + path)
        expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=0.9)
        show(page)
        in_two_looks(page, f"admin-{name}", axe)


def test_the_screens_of_people(world: World, axe: Axe) -> None:
    looked_at(world, axe, PEOPLE)


def test_the_screens_of_the_centre(world: World, axe: Axe) -> None:
    """With a team and a request, to look at."""
    agents = world.centre.ask(ADMIN, "GET", "/agents")["items"]
    body = {"name": "Mañanas de siniestros", "agents": [one["agent_id"] for one in agents[:3]]}
    world.centre.ask(ADMIN, "PUT", "/teams/mornings", body, {"If-Match": None})
    requests = world.centre.ask(ADMIN, "GET", "/privacy/requests")["items"]
    if not any(one["kind"] == "export" for one in requests):
        asked = {"kind": "export", "person_kind": "user", "reason": "Por escrito, el lunes"}
        person = user_id(world, PABLO)
        world.centre.ask(ADMIN, "POST", "/privacy/requests", {**asked, "person": person})
    looked_at(world, axe, CENTRE)
