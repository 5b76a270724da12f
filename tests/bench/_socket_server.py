"""A server of the socket benches, in a process of its own: `stock` or `ours`.

On standard input it takes `run N BYTES` (N broadcasts of about BYTES to the room that everybody
is in) and `memory`; each is answered by one JSON line on standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import socketio
import uvloop
from aiohttp import web

from contactcenter.core.access import ANONYMOUS
from contactcenter.core.sockets import Dispatcher, SocketQueue
from contactcenter.realtime.hub import Connection, Hub
from contactcenter.realtime.transport import LiveSocket, Server

ROOM = "everybody"
NAMESPACE = "/agent"


class OpenDoor:
    """A Wire that puts everybody in one room."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._dispatcher = Dispatcher(())

    async def admit(
        self, sid: str, namespace: str, origin: str | None, auth: Any, http: web.Request
    ) -> None:
        pass

    def opened(self, sid: str, namespace: str, socket: LiveSocket) -> None:
        queue = SocketQueue(self._dispatcher, ANONYMOUS, namespace, sid)
        connection = Connection(sid, namespace, ANONYMOUS, queue, socket)
        self.hub.add(connection)
        self.hub.join(connection, ROOM)

    def command(
        self, sid: str, name: str, args: list[Any]
    ) -> asyncio.Future[dict[str, Any]] | None:
        connection = self.hub.get(sid)
        return None if connection is None else connection.queue.submit(name, args)

    def gone(self, sid: str) -> None:
        self.hub.remove(sid)


def ours(app: web.Application) -> Callable[[dict[str, Any]], Awaitable[None]]:
    server, hub = Server((NAMESPACE,)), Hub()
    server.eio.ping_interval = 300.0
    server.serve(OpenDoor(hub))
    server.attach(app, socketio_path="socket.io")

    async def tell(payload: dict[str, Any]) -> None:
        hub.emit(NAMESPACE, ROOM, "queue_update", payload, "0.0")
        await asyncio.sleep(0)

    return tell


def stock(app: web.Application) -> Callable[[dict[str, Any]], Awaitable[None]]:
    server = socketio.AsyncServer(
        async_mode="aiohttp", cors_allowed_origins=[], ping_interval=300, namespaces=[NAMESPACE]
    )
    server.attach(app)

    async def connect(sid: str, _environ: Any, _auth: Any = None) -> None:
        await server.enter_room(sid, ROOM, namespace=NAMESPACE)

    server.on("connect", connect, namespace=NAMESPACE)

    async def tell(payload: dict[str, Any]) -> None:
        await server.emit("queue_update", payload, room=ROOM, namespace=NAMESPACE)

    return tell


def resident_kb() -> int:
    """VmRSS of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("no VmRSS")


def answer(**values: float) -> None:
    print(json.dumps(values), flush=True)


async def main(kind: str) -> None:
    app = web.Application()
    transports: set[asyncio.Transport] = set()

    @web.middleware
    async def remember(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        assert request.transport is not None
        transports.add(request.transport)
        return await handler(request)

    app.middlewares.append(remember)
    tell = {"ours": ours, "stock": stock}[kind](app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    answer(port=runner.addresses[0][1])

    async def drained() -> None:
        while True:
            for _ in range(5):
                await asyncio.sleep(0.002)
            if not any(t.get_write_buffer_size() for t in transports if not t.is_closing()):
                return

    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command, *numbers = line.split()
        if command == "memory":
            answer(kb=resident_kb())
            continue
        count, size = map(int, numbers)
        payload = {"queue": "SA", "text": "x" * size}
        begun = time.process_time()
        for number in range(count):
            await tell({**payload, "n": number})
            if number % 10 == 9:
                await drained()
        await drained()
        answer(cpu=time.process_time() - begun)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(sys.argv[1]))
