from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from contactcenter.core.jobs import JobRunner
from crm.workflows.webhooks import Failed, Refused, Webhooks, signature
from tests.integration.crm.conftest import Office
from tests.integration.crm.test_workflows import THREE, a_workflow, begun, drive, seen


class Receiver:
    """A web server that a webhook calls; `answers` says how it answers, one after the other."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    heard = Receiver()
    app = web.Application()
    app.router.add_post("/hook", heard.hear)
    async with TestServer(app) as server:
        yield heard, str(server.make_url("/hook"))


async def test_a_webhook_is_signed_and_tried_again(
    office: Office, receiver: tuple[Receiver, str]
) -> None:
    heard, url = receiver
    office.crm.runner._webhooks = Webhooks(lambda address: address.is_loopback)
    steps = [
        {"type": "call_webhook", "name": "hook",
         "config": {"url": url, "body": {
             "who": "{{ customer.first_name }}", "n": 1,
             "about": {"names": ["{{ customer.first_name }}", "{{ customer.last_name }}"]}}}},
        THREE[1],
    ]  # fmt: skip
    workflow_id = await a_workflow(office, steps)
    secret = (await office.do("elena", "POST", f"/workflows/{workflow_id}/webhook-secret"))[
        "secret"
    ]
    customer = await office.person()
    run = await begun(office, workflow_id, customer_id=customer["customer_id"])
    assert (await drive(office, run))["status"] == "waiting"
    heard.answers = [503]
    runner = JobRunner(office.deps.settings, office.crm.module.jobs, ())
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(30):
            while (await seen(office, run))["status"] != "completed":
                await asyncio.sleep(0.1)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert len(heard.heard) == 2
    ids = {headers["webhook-id"] for headers, _ in heard.heard}
    assert ids == {f"{run}.0"}
    headers, body = heard.heard[1]
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature(secret, f"{run}.0", stamp, body)
    assert orjson.loads(body)["data"] == {
        "who": "Ana", "n": 1, "about": {"names": ["Ana", "Beltrán Sanz"]},
    }  # fmt: skip
    assert (await seen(office, run))["results"]["hook"] == {"status": 200}


async def test_a_webhook_that_is_refused_fails_the_run(
    office: Office, receiver: tuple[Receiver, str]
) -> None:
    heard, url = receiver
    step = {"type": "call_webhook", "config": {"url": url}}
    run = await begun(office, await a_workflow(office, [step]))
    await drive(office, run)
    await office.crm.runner.call_webhook({"execution_id": run, "number": 0})
    done = await seen(office, run)
    assert (done["status"], heard.heard) == ("failed", [])
    assert done["steps"][0]["error"] == "address_not_public"
    assert done["steps"][0]["result"] == {"code": "address_not_public"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "2130706433", "0", "127.1", "0x7f.1", "0177.0.0.1",
        "127.0.0.1.", "[::ffff:7f00:1]", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
        "２１３０７０６４３３",
    ],
)  # fmt: skip
async def test_nothing_inside_is_reached(receiver: tuple[Receiver, str], host: str) -> None:
    heard, url = receiver
    inside = url.replace("127.0.0.1", host)
    with pytest.raises((Refused, Failed)):
        await Webhooks().call(inside, {}, message_id="m", timestamp=1, secret="whsec_AAAA")
    assert heard.heard == []


async def test_a_redirect_is_not_followed(receiver: tuple[Receiver, str]) -> None:
    heard, url = receiver
    heard.answers = [302]
    loopback = Webhooks(lambda address: isinstance(address, ipaddress.IPv4Address))
    with pytest.raises(Refused, match="status_302"):
        await loopback.call(url, {}, message_id="m", timestamp=1, secret="whsec_AAAA")
    assert len(heard.heard) == 1
