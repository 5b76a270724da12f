"""A page of the desk offers what the server takes from whoever looks at it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import CARMEN, LUCIA, World
from tests.e2e.test_crm import at, insured

pytestmark = pytest.mark.browser


def test_in_another_s_file_no_button_stands_that_would_be_refused(world: World) -> None:
    """Of Carmen's customer Lucía reads all, changes nothing, and takes what is nobody's."""
    ask, customer = world.centre.ask, insured(world)
    whose = {"customer_id": customer["customer_id"]}
    policy = ask(CARMEN, "GET", f"/policies?customer_id={whose['customer_id']}")["items"][0]
    about = {"policy_id": policy["policy_id"]}
    claim = ask(
        CARMEN, "POST", "/claims",
        {
            **about, "claim_type": "glass", "cause": "glass", "description": "Una piedra.",
            "incident_date": f"{policy['coverage_start_date']}T10:00:00+01:00",
        },
    )  # fmt: skip
    quote = ask(
        CARMEN, "POST", "/quotes",
        {
            **whose, "quote_type": "home", "base_premium": {"amount": "100"},
            "coverage_details": {},
        },
    )  # fmt: skip
    ask(CARMEN, "POST", "/tasks", {"title": "De Carmen", **about})
    free = ask(CARMEN, "POST", "/tasks", {"title": "De nadie", **about})
    nobody = {"assigned_agent": None, "assigned_to": None}
    ask(CARMEN, "PATCH", f"/tasks/{free['task_id']}", nobody, {"If-Match": "*"})

    page, owner = world.desk(LUCIA, available=False), world.desk(CARMEN, available=False)
    places = {
        f"policy/{policy['policy_id']}": "Suplemento|Renovar|Añadir recibo|Más",
        f"claim/{claim['claim_id']}": "Tramitador|Cambiar|Añadir documento|Añadir nota",
        f"quote/{quote['quote_id']}": "Cambiar|Enviar",
    }
    for place, words in places.items():
        named = re.compile(f"^({words})")
        at(owner, place)
        expect(owner.locator(".crm").get_by_role("button", name=named).first).to_be_visible()
        at(page, place)
        expect(page.locator(".crm .box-msg", has_text="Solo lectura")).to_be_visible()
        expect(page.locator(".crm").get_by_role("button", name=named)).to_have_count(0)
        expect(page.locator(".panel .who-name")).to_be_visible()
        expect(page.locator(".panel .panel-foot")).to_have_count(0)

    at(page, f"tasks?customer={whose['customer_id']}")
    theirs = page.locator(".task", has_text="De Carmen")
    expect(theirs).to_be_visible()
    expect(theirs.get_by_role("button")).to_have_count(0)
    expect(page.locator(".crm").get_by_role("button", name="Tarea", exact=True)).to_have_count(0)
    nobodys = page.locator(".task", has_text="De nadie")
    expect(nobodys.get_by_role("button", name="Cambiar la tarea")).to_have_count(0)
    nobodys.get_by_role("button", name="Quedármela").click()
    expect(page.locator(".crm .told")).to_contain_text("Es tuya: De nadie")
    expect(nobodys.get_by_role("button", name="Cambiar la tarea")).to_be_visible()
    nobodys.get_by_role("button", name="Hecha: De nadie").click()
    expect(nobodys).to_have_count(0)
