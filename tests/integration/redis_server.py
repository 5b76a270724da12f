"""A Redis for tests that need a real one; without redis-server on the machine they are skipped."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator

import pytest


class Server:
    """A redis-server of the test's own, which keeps nothing."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "redis-server",
            *("--bind", "127.0.0.1", "--port", str(self.port)),
            *("--save", "", "--appendonly", "no"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while b"PONG" not in await self._ping():
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Its connections stay open, and nobody is there."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    async def _ping(self) -> bytes:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return b""
        writer.write(b"PING\r\n")
        line = await reader.readline()
        writer.close()
        return line


@contextlib.asynccontextmanager
async def redis_server() -> AsyncIterator[Server]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    server = Server()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
