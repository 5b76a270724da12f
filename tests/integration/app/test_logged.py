"""What the logs hold after a chat, its notes and a customer's file, and after faults in the middle
of them, at the level that tells most: nothing that anybody wrote, and nobody's name or number."""

from __future__ import annotations

import io
import logging
from typing import Any, NoReturn

import pytest

from channels.webchat.service import Agents, Visitors
from contactcenter.core.access import Principal
from contactcenter.core.ids import new_id
from tests.integration.app.conftest import StartCentre
from tests.integration.app.people import Desk, sign_in
from tests.integration.app.test_journey import LUCIA, PABLO
from tests.integration.logs import logged, told

__all__ = ["logged"]

NAME = "Zenobia Quisquilla"
EMAIL = "zenobia.quisquilla@example.com"
PHONE = "+34611222333"
DNI = "12345678Z"
WORDS = {
    "a visitor's message": "Me rompieron la luna del coche en Lavapiés",
    "an agent's message": "Le mando un perito mañana a las nueve",
    "a note": "Parece nerviosa y no quiere hablar de su marido",
    "a transfer's note": "Pide que la atienda un hombre mayor",
    "a note of the wrap-up": "Amenaza con denunciarnos a la DGS",
    "a task": "Llamar por la rodilla operada",
    "what a task says": "Tiene cita con su traumatóloga el jueves",
    "a message that is refused": "Quisquillosa otra vez",
}
SECRETS = {
    "name": "Zenobia", "last name": "Quisquilla", "e-mail": EMAIL, "phone": "611222333",
    "document": DNI, **WORDS,
}  # fmt: skip


def break_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing raises an error that quotes whom it is about, the transcript one that the driver
    makes of what it was given."""

    async def typing(*_: object) -> NoReturn:
        raise LookupError(f"{NAME} {PHONE}") from ValueError(WORDS["a note"])

    async def transcript(self: Visitors, principal: Principal, *_: object) -> NoReturn:
        async with self._work.reading("test.broken") as conn:
            raise AssertionError(await conn.fetchval("SELECT $1::int", NAME))

    monkeypatch.setattr(Agents, "typing", typing)
    monkeypatch.setattr(Visitors, "transcript", transcript)


async def works(desk: Desk, conversation: str, interaction: str) -> None:
    """Everything an agent writes of somebody."""
    await desk.say(conversation, WORDS["an agent's message"])
    await desk.say(conversation, WORDS["a note"], kind="note")
    typing = {"conversation_id": conversation}
    assert await desk.fails("chat.typing", typing) == "unavailable"
    said = {**typing, "body": WORDS["a message that is refused"], "client_id": "1", "kind": EMAIL}
    assert await desk.fails("chat.message", said) == "invalid"
    assert await desk.fails(f"chat.{NAME}", said) == "unsupported"
    note = WORDS["a transfer's note"]
    await desk.do(
        "interaction.transfer", {"interaction_id": interaction, "queue": "CO", "note": note}
    )


async def test_nothing_that_anybody_wrote_is_logged(
    logged: io.StringIO,  # first: what is built after it logs there
    monkeypatch: pytest.MonkeyPatch,
    start: StartCentre,
) -> None:
    break_down(monkeypatch)
    centre = await start()
    desk = await (await centre.desk(LUCIA)).available()
    other = await (await centre.desk(PABLO)).available()
    visitor = await centre.visitor(name=NAME, email=EMAIL, phone=PHONE, queue="SA")
    await visitor.say(WORDS["a visitor's message"])
    card = (await desk.accepts())["interaction"]
    await works(desk, visitor.id, card["interaction_id"])
    taken = (await other.accepts())["interaction"]
    mine = {"interaction_id": taken["interaction_id"]}
    await other.do("interaction.close", mine)
    wrap = {"disposition": "other", "note": WORDS["a note of the wrap-up"]}
    await other.do("interaction.wrap_up", {**mine, **wrap})

    admin = await sign_in(centre.url, "admin@aintech.com")

    async def ask(method: str, path: str, wanted: int, token: str = admin, **body: Any) -> Any:
        status, answer = await centre.http(method, path, token=token, json=body or None)
        assert status == wanted, answer
        return answer

    first, last = NAME.split()
    person = {"first_name": first, "last_name": last, "mobile": PHONE, "dni": DNI, "email": EMAIL}
    await ask("POST", "/customers", 422, **person, birth_date=WORDS["a note"])
    made = await ask("POST", "/customers", 201, **person, confirm=True)
    task = {"title": WORDS["a task"], "description": WORDS["what a task says"]}
    await ask("POST", "/tasks", 201, **task, customer_id=made["customer_id"])
    await ask("GET", f"/customers/search?q={last}", 200)
    await ask("GET", f"/customers/{new_id()}?{EMAIL}", 404)
    path = f"/chat/conversations/{visitor.id}/transcript"
    await ask("GET", path, 500, token=visitor.token)

    found = told(logged)
    for event, error in (("command_failed", "LookupError"), ("http_failed", "DataError")):
        line = next(line for line in found.splitlines() if f'"event": "{event}"' in line)
        assert error in line, "what went wrong is told"
        assert "test_logged.py" in line, "and where"
    for status in (200, 201, 422, 500):
        assert f'"status": {status}' in found, "the requests are logged"
    assert [what for what, secret in SECRETS.items() if secret.lower() in found.lower()] == []

    logging.getLogger("anybody").debug("they wrote %s", WORDS["a note"])
    assert WORDS["a note"] in told(logged), "one line with it would be found"
