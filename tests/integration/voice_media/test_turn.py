"""Through a real coturn, with credentials that expire (its REST scheme), on either side."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

from channels.voice.media.protocol import IceServer
from tests.integration.voice_media.conftest import Call
from tests.integration.voice_media.media import Web
from tests.integration.voice_media.party import Party

TURNSERVER = shutil.which("turnserver")
SECRET = "a-secret-of-this-test"
CUSTOMER, AGENT = 900.0, 1300.0

pytestmark = pytest.mark.skipif(TURNSERVER is None, reason="coturn (turnserver) is not installed")


def credentials(lives: int = 600) -> tuple[str, str]:
    """User name and password: the time they end, signed with the shared secret."""
    user = f"{int(time.time()) + lives}:test"
    signed = hmac.new(SECRET.encode(), user.encode(), hashlib.sha1).digest()
    return user, base64.b64encode(signed).decode()


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a coturn on loopback."""
    assert TURNSERVER is not None
    folder: Path = tmp_path_factory.mktemp("turn")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            TURNSERVER, "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
            f"--listening-port={port}", "--use-auth-secret", f"--static-auth-secret={SECRET}",
            "--realm=test", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers",
            f"--pidfile={folder}/pid", f"--userdb={folder}/db", "--log-file=stdout",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"turn:127.0.0.1:{port}?transport=udp"
    finally:
        process.terminate()
        process.wait(10)


def only(kind: str, sdp: str) -> str:
    """Without the candidates of other types."""
    lines = sdp.splitlines()
    kept = [line for line in lines if "a=candidate" not in line or f"typ {kind}" in line]
    assert any(f"typ {kind}" in line for line in kept), f"no {kind} candidate"
    return "\r\n".join(kept) + "\r\n"


async def connected(party: Party) -> None:
    async with asyncio.timeout(15):
        while party.pc.connectionState != "connected":
            await asyncio.sleep(0.02)


async def both_hear(web: Web, a: Party, b: Party) -> None:
    await web.mix(uuid4(), 1, {a.leg_id: ([b.leg_id], None), b.leg_id: ([a.leg_id], None)})
    heard, back = await asyncio.gather(a.listen(), b.listen())
    assert heard.has(b.hz)
    assert back.has(a.hz)


async def test_media_behind_a_relay(web: Web, call: Call, turn: str) -> None:
    user, password = credentials()
    customer, agent = Party(web, CUSTOMER), await call(AGENT)
    server = IceServer(urls=(turn,), username=user, credential=password)
    answer = await web.offer(customer.leg_id, await customer.offer(), server)
    await customer.answered(only("relay", answer))
    await connected(customer)
    await both_hear(web, customer, agent)
    await customer.hang_up()


async def test_a_browser_behind_a_relay(web: Web, call: Call, turn: str) -> None:
    user, password = credentials()
    customer, agent = Party(web, CUSTOMER), await call(AGENT)
    await customer.pc.close()
    servers = [RTCIceServer([turn], user, password)]
    customer.pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
    offer = only("relay", await customer.offer())
    await customer.answered(await web.offer(customer.leg_id, offer))
    await connected(customer)
    await both_hear(web, customer, agent)
    await customer.hang_up()


async def test_expired_credentials_give_no_relay(web: Web, turn: str) -> None:
    """The negative control: the relay is coturn's to give."""
    user, password = credentials(lives=-60)
    party = Party(web, CUSTOMER)
    server = IceServer(urls=(turn,), username=user, credential=password)
    answer = await web.offer(party.leg_id, await party.offer(), server)
    assert "typ relay" not in answer
    assert "typ host" in answer
    await party.hang_up()
