"""A TCP proxy that cuts connections: what a bad network does to a browser."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

CHUNK = 65536


class Proxy:
    """Forwards to a port of this machine, each client through a port of its own."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._servers: list[asyncio.Server] = []
        self._links: dict[int, set[asyncio.Task[None]]] = {}
        self._down: set[int] = set()

    async def __aenter__(self) -> Proxy:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.close()
        for port in self._links:
            self.cut(port)

    async def open(self) -> int:
        """A port for one client."""
        own: list[int] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            (port,) = own
            task = asyncio.current_task()
            assert task is not None
            self._links[port].add(task)
            try:
                if port not in self._down:
                    await self._forward(reader, writer)
            except asyncio.CancelledError:
                pass  # cut
            finally:
                self._links[port].discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        own.append(port)
        self._links[port] = set()
        self._servers.append(server)
        return port

    def cut(self, port: int) -> None:
        """Break this client's connections, with whatever was on its way."""
        for task in list(self._links[port]):
            task.cancel()

    def down(self, port: int, *, is_down: bool) -> None:
        """Refuse this client for a while."""
        (self._down.add if is_down else self._down.discard)(port)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pump(reader, up_writer))
                    both.create_task(_pump(up_reader, writer))
            except* OSError:
                pass
            finally:
                up_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError
