"""The wire: what python-socketio and the unmodified JavaScript client see of our transport."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from contactcenter.realtime import transport
from contactcenter.realtime.transport import encode, text_frame
from tests.integration.realtime.conftest import Echo

WEB = Path(__file__).parents[3] / "web"


async def until(true: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def tell(echo: Echo, namespace: str, name: str, payload: Any) -> None:
    """A broadcast as the hub makes it."""
    body = f"42{namespace},".encode() + encode([name, payload])
    frame = text_frame(body)
    for socket in echo.wire.sockets.values():
        socket.deliver(frame, body)


@pytest.fixture
async def client() -> Any:
    made = socketio.AsyncClient(reconnection=False)
    yield made
    await made.disconnect()


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_commands_events_and_order(
    echo: Echo, client: socketio.AsyncClient, transports: list[str]
) -> None:
    got: list[Any] = []
    client.on("told", lambda payload: got.append(payload["n"]), namespace="/agent")
    await client.connect(echo.url, namespaces=["/agent"], transports=transports)
    await until(lambda: len(echo.wire.sockets) == 1)
    assert await client.call("one", {"x": "ñ"}, namespace="/agent") == {
        "ok": True,
        "data": [{"x": "ñ"}],
    }
    assert (await client.call("none", namespace="/agent"))["data"] == []
    assert (await client.call("two", (1, 2), namespace="/agent"))["data"] == [1, 2]
    for n in range(150):
        tell(echo, "/agent", "told", {"n": n, "text": "x" * n})
    await until(lambda: len(got) == 150)
    assert got == list(range(150))


async def test_acks_and_broadcasts_keep_their_order(echo: Echo) -> None:
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await _enter(ws)
        tell(echo, "/agent", "told", 1)
        await ws.send_str('42/agent,7["cmd"]')
        await until(lambda: len(echo.wire.heard) == 1)
        tell(echo, "/agent", "told", 2)
        lines = [await ws.receive_str() for _ in range(3)]
    assert lines == [
        '42/agent,["told",1]',
        '43/agent,7[{"ok":true,"data":[]}]',
        '42/agent,["told",2]',
    ]


async def test_a_slow_command_holds_up_neither_pongs_nor_the_next_ones(
    echo: Echo, client: socketio.AsyncClient
) -> None:
    await client.connect(echo.url, namespaces=["/agent"], transports=["websocket"])
    slow = asyncio.create_task(client.call("slow", namespace="/agent"))
    assert (await client.call("quick", namespace="/agent"))["ok"]
    assert not slow.done()
    echo.wire.slow.set()
    assert (await slow)["data"] == "late"


async def test_a_refusal_says_why(echo: Echo, client: socketio.AsyncClient) -> None:
    errors: list[Any] = []
    client.on("connect_error", errors.append, namespace="/agent")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(
            echo.url, namespaces=["/agent"], transports=["websocket"], auth={"token": "wrong"}
        )
    assert errors == [{"message": "Sign in first.", "data": {"code": "unauthenticated"}}]
    assert echo.wire.sockets == {}


async def test_a_namespace_that_is_not_there(echo: Echo) -> None:
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await ws.receive_str()
        await ws.send_str("40/admin,")
        assert (await ws.receive_str()).startswith("44/admin,")


async def test_dropping_tells_the_client(echo: Echo, client: socketio.AsyncClient) -> None:
    reasons: list[str] = []
    client.on("disconnect", reasons.append, namespace="/agent")
    await client.connect(echo.url, namespaces=["/agent"], transports=["websocket"])
    await until(lambda: len(echo.wire.sockets) == 1)
    (sid,) = echo.wire.sockets
    await echo.server.drop(sid, "/agent")
    await until(lambda: reasons == ["server disconnect"])
    assert echo.wire.left == [sid]


async def test_a_closed_connection_is_noticed(echo: Echo) -> None:
    async with aiohttp.ClientSession() as session:
        async with _raw(session, echo) as ws:
            await _enter(ws)
            assert len(echo.wire.sockets) == 1
        await until(lambda: echo.wire.sockets == {})
    assert echo.server.eio.sockets == {}
    assert echo.server.environ == {}


@pytest.mark.parametrize(
    "text",
    ['{"not": "a list"}', "[oops", "[1]", "[]", "[" * 5000],
)
async def test_what_cannot_be_read_is_answered(echo: Echo, text: str) -> None:
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await _enter(ws)
        await ws.send_str(f"42/agent,5{text}")
        ack = await ws.receive_str()
        assert ack.startswith("43/agent,5")
        assert json.loads(ack[10:])[0]["error"]["code"] == "invalid"
        await ws.send_str('42/agent,6["fine"]')  # and the connection goes on
        assert (await ws.receive_str()).startswith("43/agent,6")


@pytest.mark.parametrize("text", ["4", "49", "x", "42oops", "451-/agent,5[1]", "7", "40", b"\x00"])
async def test_nonsense_harms_nobody_else(echo: Echo, text: str | bytes) -> None:
    async with aiohttp.ClientSession() as session, _raw(session, echo) as other:
        await _enter(other)
        async with _raw(session, echo) as ws:
            await _enter(ws)
            await (ws.send_bytes(text) if isinstance(text, bytes) else ws.send_str(text))
            with contextlib.suppress(TypeError, TimeoutError):  # it ends, or nothing comes
                assert (await ws.receive_str(timeout=0.5)).startswith("44")
        await other.send_str('42/agent,6["fine"]')
        assert (await other.receive_str()).startswith("43/agent,6")


async def test_a_message_over_the_limit_ends_the_connection(echo: Echo) -> None:
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await _enter(ws)
        await ws.send_str('42/agent,5["big","' + "x" * transport.MESSAGE_LIMIT + '"]')
        assert (await ws.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert echo.wire.heard == []


async def test_a_socket_that_stops_reading_is_cut_and_no_other_notices(
    echo: Echo, client: socketio.AsyncClient
) -> None:
    """The deaf one is a bare connection whose receive buffer fills up."""
    got: list[int] = []
    client.on("told", lambda payload: got.append(payload["n"]), namespace="/agent")
    await client.connect(echo.url, namespaces=["/agent"], transports=["websocket"])
    reader, writer = await _deaf(echo)
    await until(lambda: len(echo.wire.sockets) == 2)
    deaf = next(iter(set(echo.wire.sockets) - {client.get_sid("/agent")}))
    text = "x" * 10_000
    sent = 0
    while deaf in echo.wire.sockets:
        assert sent < 2000, "20 MB were kept for a socket that reads nothing"
        for _ in range(20):
            tell(echo, "/agent", "told", {"n": sent, "text": text})
            sent += 1
        await asyncio.sleep(0.01)
    await until(lambda: len(got) == sent)
    assert got == list(range(sent))
    writer.close()
    del reader


async def test_a_polling_client_that_stays_away_is_cut(
    echo: Echo, client: socketio.AsyncClient
) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{echo.url}/socket.io/?EIO=4&transport=polling"
        async with session.get(url) as opened:
            sid = json.loads((await opened.text())[1:])["sid"]
        async with session.post(f"{url}&sid={sid}", data="40/agent,") as sent:
            assert sent.status == 200
        await until(lambda: len(echo.wire.sockets) == 1)
        for _ in range(120):
            tell(echo, "/agent", "told", "x" * 10_000)
        await until(lambda: echo.wire.sockets == {})
        async with session.get(f"{url}&sid={sid}") as refused:
            assert refused.status == 400


async def test_a_connection_without_a_namespace_is_ended(
    echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.1)
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await ws.receive_str()
        assert (await ws.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert echo.server.eio.sockets == {}


async def test_a_silent_peer_is_given_up(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    echo.server.eio.ping_interval = echo.server.eio.ping_timeout = 0.1
    async with aiohttp.ClientSession() as session, _raw(session, echo) as ws:
        await _enter(ws)
        assert await ws.receive_str() == "2"
        assert (await ws.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    await until(lambda: echo.wire.sockets == {})


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_the_unmodified_javascript_client(
    echo: Echo, node: dict[str, str], transports: str
) -> None:
    client = WEB / "node_modules/socket.io-client"
    assert client.exists(), "the front end's packages are not installed: run `make web`"
    script = """
      import { io } from "socket.io-client";
      const [url, transports] = process.argv.slice(1);
      const seen = [];
      const options = { transports: transports.split(","), auth: { token: "ñ" } };
      const socket = io(url + "/agent", options);
      socket.on("told", (p) => { seen.push(p.n); if (seen.length === 200) done(); });
      async function done() {
        const ack = await socket.timeout(5000).emitWithAck("echo", { a: [1, "ñ", null] });
        console.log(JSON.stringify({ seen, ack, transport: socket.io.engine.transport.name }));
        socket.close();
      }
      socket.on("connect_error", (e) => { console.error(e.message); process.exit(1); });
      socket.on("connect", () => socket.emit("ready"));
    """
    process = await asyncio.create_subprocess_exec(
        "node", "--input-type=module", "-e", script, echo.url, transports,
        cwd=WEB, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=node,
    )  # fmt: skip
    try:
        await until(lambda: ("ready", []) in echo.wire.heard, 20)
        for n in range(200):
            tell(echo, "/agent", "told", {"n": n, "text": "é" * (n * 10)})
            if n % 50 == 0:
                await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    assert told["seen"] == list(range(200))
    assert told["ack"] == {"ok": True, "data": [{"a": [1, "ñ", None]}]}
    assert told["transport"] == ("polling" if transports == "polling" else "websocket")


def _raw(session: aiohttp.ClientSession, echo: Echo) -> Any:
    return session.ws_connect(f"{echo.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)


async def _enter(ws: aiohttp.ClientWebSocketResponse) -> None:
    assert (await ws.receive_str()).startswith("0{")
    await ws.send_str("40/agent,")
    assert (await ws.receive_str()).startswith("40/agent,{")


async def _deaf(echo: Echo) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, enter /agent, and read nothing from then on."""
    host, port = echo.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=2**12)
    writer.write(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    enter = b"40/agent,"
    writer.write(bytes([0x81, 0x80 | len(enter), 0, 0, 0, 0]) + enter)
    await writer.drain()
    return reader, writer
