"""Janus under the callers of the media bench: its video call bridges, its audio bridge mixes.

Janus is started from a folder of its own, on an address of this machine that is not loopback
(its ICE library leaves loopback out).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import aioice.ice

from tests.bench._media_load import Leg

_BINARY = shutil.which("janus")
_CONFIG = """
general: {{ configs_folder = "{folder}" debug_level = 2 session_timeout = 0 }}
nat: {{ nice_debug = false ice_lite = false full_trickle = false }}
media: {{ ipv6 = false }}
plugins: {{ disable = "{others}" }}
transports: {{ disable = "{transports}" }}
"""
_SOCKETS = """
general: {{ ws = true ws_port = {port} ws_ip = "127.0.0.1" wss = false }}
admin: {{ admin_ws = false admin_wss = false }}
"""
_PLUGINS = ("duktape", "echotest", "lua", "nosip", "recordplay", "sip", "streaming", "textroom",
            "videoroom", "voicemail")  # fmt: skip
_TRANSPORTS = ("http", "mqtt", "nanomsg", "pfunix", "rabbitmq")


_ADDRESSES = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)


def available() -> bool:
    return _BINARY is not None and bool(_ADDRESSES)


class Janus:
    """A session on its WebSocket interface."""

    def __init__(self, pid: int, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self.pid = pid
        self._socket = socket_
        self._numbers = itertools.count(1)
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._session = 0
        self._address: str = _ADDRESSES[0]

    async def begin(self) -> None:
        self._session = (await self._ask({"janus": "create"}))["data"]["id"]

    async def read(self) -> None:
        async for message in self._socket:
            found = message.json()
            if found["janus"] in {"success", "error", "ack"}:
                waiting = self._answers.pop(found.get("transaction", ""), None)
                if waiting is not None:
                    waiting.set_result(found)
            elif found["janus"] == "event":
                self._events.setdefault(found["sender"], asyncio.Queue()).put_nowait(found)

    async def pair(self, plugin: str) -> tuple[Leg, Leg]:
        """Two legs that hear each other."""
        if plugin == "videocall":
            return await self._video_call()
        return await self._audio_bridge()

    async def _video_call(self) -> tuple[Leg, Leg]:
        number = next(self._numbers)
        a, b = Leg(), Leg()
        handles = [await self._attach("videocall") for _ in range(2)]
        for handle, name in zip(handles, ("a", "b"), strict=True):
            await self._tell(handle, {"request": "register", "username": f"{name}{number}"})
            await self._event(handle)
        offer = await a.offer(self._address)
        call = {"request": "call", "username": f"b{number}"}
        await self._tell(handles[0], call, ("offer", offer))
        rung = await self._event(handles[1], lambda event: "jsep" in event)
        answer = await b.answer(rung["jsep"]["sdp"], self._address)
        await self._tell(handles[1], {"request": "accept"}, ("answer", answer))
        accepted = await self._event(handles[0], lambda event: "jsep" in event)
        await asyncio.gather(a.answered(accepted["jsep"]["sdp"]), b.answered())
        return a, b

    async def _audio_bridge(self) -> tuple[Leg, Leg]:
        room, legs = next(self._numbers), (Leg(), Leg())
        for number, leg in enumerate(legs):
            handle = await self._attach("audiobridge")
            if number == 0:
                create = {"request": "create", "room": room, "sampling_rate": 8000}
                await self._ask({"janus": "message", "handle_id": handle, "body": create})
            await self._tell(handle, {"request": "join", "room": room, "codec": "pcmu"})
            await self._event(handle)
            offer = await leg.offer(self._address)
            await self._tell(handle, {"request": "configure", "muted": False}, ("offer", offer))
            answer = await self._event(handle, lambda event: "jsep" in event)
            await leg.answered(answer["jsep"]["sdp"])
        return legs

    async def _attach(self, plugin: str) -> int:
        answer = await self._ask({"janus": "attach", "plugin": f"janus.plugin.{plugin}"})
        handle: int = answer["data"]["id"]
        return handle

    async def _tell(
        self, handle: int, body: dict[str, Any], sdp: tuple[str, str] | None = None
    ) -> None:
        message: dict[str, Any] = {"janus": "message", "handle_id": handle, "body": body}
        if sdp is not None:
            message["jsep"] = {"type": sdp[0], "sdp": sdp[1]}
        await self._ask(message)

    async def _event(
        self, handle: int, wanted: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        queue = self._events.setdefault(handle, asyncio.Queue())
        while True:
            event = await asyncio.wait_for(queue.get(), 15)
            data = event.get("plugindata", {}).get("data", {})
            if "error" in data:
                raise RuntimeError(f"Janus: {data['error']}")
            if wanted(event):
                return event

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        transaction = str(next(self._numbers))
        future = self._answers[transaction] = asyncio.get_running_loop().create_future()
        session = {"session_id": self._session} if self._session else {}
        await self._socket.send_json({**message, **session, "transaction": transaction})
        answer: dict[str, Any] = await asyncio.wait_for(future, 15)
        if answer["janus"] == "error":
            raise RuntimeError(f"Janus: {answer['error']}")
        return answer


@contextlib.asynccontextmanager
async def running(core: int) -> AsyncIterator[Janus]:
    """Janus on that core, and a session with it."""
    folder = Path(tempfile.mkdtemp(prefix="cc-janus-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    others = ",".join(f"libjanus_{name}.so" for name in _PLUGINS)
    transports = ",".join(f"libjanus_{name}.so" for name in _TRANSPORTS)
    config = _CONFIG.format(folder=folder, others=others, transports=transports)
    (folder / "janus.jcfg").write_text(config)
    (folder / "janus.transport.websockets.jcfg").write_text(_SOCKETS.format(port=port))
    process = subprocess.Popen(  # noqa: ASYNC220
        [_BINARY or "janus", "-F", str(folder), "-C", str(folder / "janus.jcfg")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, [core]),
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as http:
            async with asyncio.timeout(15):
                while True:
                    try:
                        connected = await http.ws_connect(
                            f"ws://127.0.0.1:{port}", protocols=["janus-protocol"], heartbeat=10
                        )
                        break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.1)
            janus = Janus(process.pid, connected)
            reading = asyncio.create_task(janus.read())
            await janus.begin()
            yield janus
            reading.cancel()
            await connected.close()
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
