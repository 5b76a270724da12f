"""Starting a socket server and its crowd, and talking to them.

One of the crowd is the unmodified socket.io JavaScript client: it sees that every broadcast comes,
once and in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.reliability.centre import many_sockets

Kind = Literal["ours", "stock"]
PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
WITNESS = """
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
const socket = io(`http://127.0.0.1:${process.argv[1]}/agent`, { transports: ["websocket"] });
const tell = (what) => console.log(JSON.stringify(what));
let came = 0, wrong = 0;
socket.on("connect", () => tell({ inside: 1 }));
socket.on("disconnect", (reason) => tell({ lost: reason }));
socket.on("queue_update", ({ n }) => { if (n !== came) wrong += 1; came += 1; });
createInterface({ input: process.stdin }).on("line", (line) => {
  tell({ came, wrong });
  if (line === "anew") came = wrong = 0;
});
"""


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
    """A module of this folder as a process."""
    with _process([sys.executable, "-m", f"tests.bench.{module}", *arguments], ROOT) as found:
        yield found


@contextlib.contextmanager
def witness(port: int) -> Iterator[Peer]:
    """The JavaScript client; `seen` and `anew` tell what came, and `anew` begins at 0 again."""
    node = ["node", "--input-type=module", "-e", WITNESS, str(port)]
    with _process(node, ROOT / "web") as found:
        found.hear()
        yield found


@contextlib.contextmanager
def _process(command: list[str], folder: Path) -> Iterator[Peer]:
    many_sockets()
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},  # Node may be the one in .venv
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.communicate()


@dataclass
class Room:
    """A server, and everybody in its room."""

    server: Peer
    crowd: Peer
    witness: Peer
    size: int

    def deliveries_per_cpu_second(self, broadcasts: int, payload_bytes: int) -> float:
        """Broadcast, wait until everybody has everything, and divide by the server's CPU."""
        self.witness.ask("anew")
        cpu = self.server.ask(f"run {broadcasts} {payload_bytes}")["cpu"]
        wanted, came = broadcasts * (self.size - 1), 0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while came < wanted or self.witness.ask("seen")["came"] < broadcasts:
            came += self.crowd.ask("frames")["frames"]
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {came} of {wanted} came")
        seen = self.witness.ask("anew")
        if came != wanted or seen != {"came": broadcasts, "wrong": 0}:
            raise RuntimeError(f"{came} of {wanted} came, {seen} to the JavaScript client")
        return float(broadcasts * self.size / cpu)


@contextlib.contextmanager
def room(kind: Kind, size: int) -> Iterator[Room]:
    with peer("_socket_server", kind) as server:
        port = server.hear()["port"]
        with peer("_socket_crowd", str(port), str(size - 1)) as crowd, witness(port) as javascript:
            crowd.hear()
            yield Room(server, crowd, javascript, size)
