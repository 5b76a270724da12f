"""A socket.io server of our transport with nothing behind it, and clients that speak to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from contactcenter.realtime.transport import LiveSocket, Server


@dataclass
class EchoWire:
    """A Wire that lets everybody in but `token: wrong`, and answers what it was sent."""

    sockets: dict[str, LiveSocket] = field(default_factory=dict)
    heard: list[tuple[str, list[Any]]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def admit(
        self, sid: str, namespace: str, origin: str | None, auth: Any, http: web.Request
    ) -> None:
        if isinstance(auth, dict) and auth.get("token") == "wrong":
            raise Refused("Sign in first.", {"code": "unauthenticated"})

    def opened(self, sid: str, namespace: str, socket: LiveSocket) -> None:
        self.sockets[sid] = socket

    def command(
        self, sid: str, name: str, args: list[Any]
    ) -> asyncio.Future[dict[str, Any]] | None:
        self.heard.append((name, args))
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if name == "slow":
            asyncio.get_running_loop().create_task(self._later(future))
        else:
            future.set_result({"ok": True, "data": args})
        return future

    async def _later(self, future: asyncio.Future[dict[str, Any]]) -> None:
        await self.slow.wait()
        future.set_result({"ok": True, "data": "late"})

    def gone(self, sid: str) -> None:
        self.left.append(sid)
        self.sockets.pop(sid, None)


@dataclass
class Echo:
    url: str
    server: Server
    wire: EchoWire


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    server, wire = Server(("/agent", "/chat")), EchoWire()
    server.serve(wire)
    app = web.Application()
    server.attach(app, socketio_path="socket.io")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield Echo(f"http://127.0.0.1:{port}", server, wire)
    await server.stop()
    await runner.cleanup()
