"""A TCP proxy on loopback that cuts connections, or lets them fall silent first."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Self


@dataclass(eq=False)
class _Line:
    """One client's connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    silent: bool = False

    def abort(self) -> None:
        for writer in (self.client, self.server):
            transport = writer.transport
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()


@dataclass
class Port:
    """One client's way through: while it is shut, nothing comes in and what is open hangs."""

    lines: set[_Line] = field(default_factory=set)
    shut: bool = False

    def fall_silent(self) -> None:
        """Nothing goes through any more, in either direction, and nobody is told."""
        self.shut = True
        for line in self.lines:
            line.silent = True

    def break_off(self) -> None:
        """What is open is reset, in the middle of whatever was on its way."""
        for line in tuple(self.lines):
            line.abort()

    def open(self) -> None:
        self.shut = False


class Proxy:
    """Forwards to `target`; each client has a Port of its own, told apart by the listening port."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._servers: list[asyncio.Server] = []
        self._ports: list[Port] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for port in self._ports:
            port.break_off()
        for task in tuple(self._tasks):
            task.cancel()
        for task in tuple(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def listen(self) -> tuple[str, Port]:
        """A new way through: its URL and its Port."""
        port = Port()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connect(port, reader, writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._servers.append(server)
        self._ports.append(port)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", port

    async def _connect(
        self, port: Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if port.shut:
            writer.transport.abort()
            return
        try:
            from_server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, to_server)
        port.lines.add(line)
        pumps = [
            asyncio.create_task(self._pump(line, reader, to_server)),
            asyncio.create_task(self._pump(line, from_server, writer)),
        ]
        self._tasks.update(pumps)
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            line.abort()
            port.lines.discard(line)
            for pump in pumps:
                pump.cancel()
                self._tasks.discard(pump)

    async def _pump(
        self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not line.silent:
                    writer.write(data)
                    await writer.drain()
