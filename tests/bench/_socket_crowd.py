"""N bare WebSocket clients in a process of their own: `_socket_crowd.py PORT N`.

They enter the namespace and count what they are sent. On standard input: `frames` (how many
frames have come to all of them since the last time it was asked).
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import uvloop

HELLO = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
ENTER = b"40/agent,"
ENTER_FRAME = bytes([0x81, 0x80 | len(ENTER), 0, 0, 0, 0]) + ENTER


class Client(asyncio.Protocol):
    """Counts frames; after the first two (the connection's and the namespace's) it is in."""

    def __init__(self) -> None:
        self.inside: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = 0
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport.write(HELLO)

    def data_received(self, data: bytes) -> None:
        self._buffer = data if not self._buffer else self._buffer + data
        if not self._open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert b" 101 " in head, head
            self._open, self._buffer = True, rest
            self._transport.write(ENTER_FRAME)
        self._count()

    def _count(self) -> None:
        at, size = 0, len(self._buffer)
        while size - at >= 2:
            length, head = self._buffer[at + 1], 2
            if length == 126:
                if size - at < 4:
                    break
                length, head = int.from_bytes(self._buffer[at + 2 : at + 4], "big"), 4
            if size - at < head + length:
                break
            at += head + length
            self.frames += 1
        self._buffer = self._buffer[at:]
        if self.frames >= 2 and not self.inside.done():
            self.inside.set_result(None)


async def main(port: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for start in range(0, count, 100):
        made = [
            loop.create_connection(Client, "127.0.0.1", port)
            for _ in range(min(100, count - start))
        ]
        batch = [client for _, client in await asyncio.gather(*made)]
        await asyncio.gather(*(client.inside for client in batch))
        clients += batch
    for client in clients:
        client.frames = 0
    print(json.dumps({"inside": len(clients)}), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"frames": sum(client.frames for client in clients)}), flush=True)
        for client in clients:
            client.frames = 0


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
