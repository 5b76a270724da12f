"""One person at many windows: together they have what one window has, and nobody else notices."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from socketio.exceptions import ConnectionError as Refused

from contactcenter.core import sockets
from contactcenter.core.limits import Limit
from contactcenter.core.sockets import Shares
from contactcenter.realtime import server
from tests.integration.app.conftest import Centre
from tests.integration.app.people import Person
from tests.integration.app.test_journey import CARMEN, LUCIA

BURST = 30
NOWHERE = {"reservation_id": str(uuid4())}


async def window(centre: Centre, namespace: str, token: str) -> Person:
    page = Person(centre.url, namespace)
    await page.connect(token)
    return page


async def flood(*pages: Person) -> list[dict[str, Any]]:
    """What all of them are answered, each sending as much as one may."""
    return await asyncio.gather(
        *(page.ask("reservation.accept", NOWHERE) for page in pages for _ in range(BURST))
    )


def codes(acks: list[dict[str, Any]]) -> list[str]:
    return [ack["error"]["code"] for ack in acks]


@pytest.fixture
def scant(centre: Centre) -> None:
    """So much at once, and no more while the test lasts."""
    dispatcher = centre.house.realtime.gateway._dispatcher
    assert dispatcher is not None
    dispatcher.shares = Shares(Limit(per_second=1e-3, burst=BURST))


async def test_many_windows_of_one_user_may_send_what_one_may(centre: Centre, scant: None) -> None:
    desk, other = await centre.desk(LUCIA), await centre.desk(CARMEN)
    tabs = [await window(centre, "/agent", desk.token) for _ in range(2)]
    acks = await flood(desk, *tabs)
    came = 3  # each window that opened
    assert codes(acks).count("not_found") == BURST - came
    refused = [ack["error"] for ack in acks if ack["error"]["code"] != "not_found"]
    assert {error["code"] for error in refused} == {"rate_limited"}
    assert all(error["ctx"]["retry_after"] >= 1 for error in refused)
    for _ in range(5):
        await other.do("sync", {"cursor": ""})
    with pytest.raises(Refused):  # nor does a new window bring more
        await window(centre, "/agent", desk.token)
    for tab in tabs:
        await tab.leave()


async def test_a_share_for_each_socket_would_be_seen(
    centre: Centre, scant: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above."""
    for module in (sockets, server):
        monkeypatch.setattr(module, "party_of", lambda _, sid: sid)
    desk = await centre.desk(LUCIA)
    tab = await window(centre, "/agent", desk.token)
    acks = await flood(desk, tab)
    assert codes(acks).count("not_found") == 2 * (BURST - 1)
    await tab.leave()


async def test_a_user_has_so_many_sockets(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "USER_SOCKETS", 2)
    token = await centre.supervisor_token()
    pages = [await window(centre, "/wallboard", token) for _ in range(2)]
    third = Person(centre.url, "/wallboard")
    refusals: list[Any] = []
    third.sio.on("connect_error", refusals.append, namespace="/wallboard")
    with pytest.raises(Refused):
        await third.connect(token)
    assert refusals[0]["message"] == "This account is open in too many windows."
    assert refusals[0]["data"]["code"] == "rate_limited"
    assert refusals[0]["data"]["ctx"]["retry_after"] >= 1
    assert all(page.left == [] for page in pages)
    await centre.desk(LUCIA)  # another user is let in

    await pages.pop().leave()
    async with asyncio.timeout(10):  # the server hears of it a little later
        while centre.house.realtime.gateway._open.total() > 2:
            await asyncio.sleep(0.02)
    pages.append(await window(centre, "/wallboard", token))
    for page in pages:
        await page.leave()
