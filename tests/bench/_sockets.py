"""Starting a socket server and its crowd, and talking to them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["ours", "stock"]
PATIENCE_SECONDS = 60.0


@dataclass
class Peer:
    """A process that takes lines and answers each with one line of JSON."""

    process: subprocess.Popen[str]

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.hear()


@contextlib.contextmanager
def peer(module: str, *arguments: str) -> Iterator[Peer]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.wait()


@dataclass
class Room:
    """A server, and everybody in its room."""

    server: Peer
    crowd: Peer
    size: int

    def deliveries_per_cpu_second(self, broadcasts: int, payload_bytes: int) -> float:
        """Broadcast, wait until everybody has everything, and divide by the server's CPU."""
        cpu = self.server.ask(f"run {broadcasts} {payload_bytes}")["cpu"]
        wanted, came = broadcasts * self.size, 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while came < wanted:
            came += self.crowd.ask("frames")["frames"]
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {came} of {wanted} came")
        return float(wanted / cpu)


@contextlib.contextmanager
def room(kind: Kind, size: int) -> Iterator[Room]:
    with peer("_socket_server", kind) as server:
        port = server.hear()["port"]
        with peer("_socket_crowd", str(port), str(size)) as crowd:
            crowd.hear()
            yield Room(server, crowd, size)
