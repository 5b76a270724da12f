"""Asks one path as fast as it is answered, over plain sockets, in a process of its own.

    python -m tests.bench._asker PORT PATH SECONDS CONNECTIONS < tokens

It does nothing with an answer but to find its end, so that the server is what limits it. Prints
answers a second; anything but 200 ends it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

LENGTH = b"content-length: "


class Connection(asyncio.Protocol):
    """One request after the other."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.answered = 0
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._until = until
        self._kept = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._kept += data
        end = self._kept.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._kept[:end].lower()
        at = head.index(LENGTH) + len(LENGTH)
        line = head.find(b"\r\n", at)
        length = int(head[at:] if line < 0 else head[at:line])
        if len(self._kept) < end + 4 + length:
            return
        if not self._kept.startswith(b"HTTP/1.1 200 "):
            self.done.set_exception(RuntimeError(self._kept[:200].decode(errors="replace")))
            self._transport.close()
            return
        self._kept = b""
        self.answered += 1
        if time.perf_counter() < self._until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(self.answered)


async def main(port: int, path: str, seconds: float, connections: int, tokens: list[str]) -> float:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer "
    requests = itertools.cycle(f"{head}{token}\r\n\r\n".encode() for token in tokens)
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: Connection(requests, begun + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    counts = await asyncio.gather(*(protocol.done for _, protocol in made))
    return sum(counts) / (time.perf_counter() - begun)


if __name__ == "__main__":
    given = sys.argv[1:]
    told = sys.stdin.read().split()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(main(int(given[0]), given[1], float(given[2]), int(given[3]), told)))
