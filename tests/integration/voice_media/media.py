"""A media process of the test's own, and the web side of its socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from channels.voice.media import protocol
from channels.voice.media.protocol import (
    Accepted,
    CallEnd,
    CallMix,
    Hear,
    Hello,
    HelloData,
    IceServer,
    LegOffer,
    MixData,
    OfferData,
    RecordingOrder,
    Refused,
    Report,
    ReportsAck,
)
from tests.conftest import TEST_ENVIRON

ROOT = Path(__file__).parents[3]
LOOPBACK = ("-c", """
import aioice.ice, sys
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: []
from contactcenter.__main__ import main
sys.exit(main(["media"]))
""")  # fmt: skip


class RefusedError(Exception):
    """Media refused a request."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code}: {refused.detail}")
        self.code = refused.code


class Web:
    """A connection to the socket: requests, and the reports that came."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._changed = asyncio.Event()
        self.reports: list[Report] = []

    async def connect(self, *, take_reports: bool = True) -> HelloData:
        self.reader, self.writer = await asyncio.open_unix_connection(self._path)
        self._task = asyncio.create_task(self._read())
        answer: HelloData = await self.ask(Hello(id=self._id(), take_reports=take_reports))
        return answer

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def forget(self) -> None:
        """Acknowledge and drop every report up to now."""
        await asyncio.sleep(0.1)
        last = max((report.seq or 0 for report in self.reports), default=0)
        await self.ask(ReportsAck(id=0, seq=last))
        self.reports.clear()

    async def _read(self) -> None:
        while line := await self.reader.readline():
            found = protocol.decode_from_media(line)
            if isinstance(found, Accepted | Refused):
                if found.id in self._waiting:
                    self._waiting.pop(found.id).set_result(found)
            else:
                self.reports.append(found)
                self._changed.set()

    def _id(self) -> int:
        self._next += 1
        return self._next

    async def ask(self, request: Any) -> Any:
        request = request.model_copy(update={"id": self._id()})
        future = self._waiting[request.id] = asyncio.get_running_loop().create_future()
        self.writer.write(protocol.encode(request))
        answer = await asyncio.wait_for(future, 15)
        if isinstance(answer, Refused):
            raise RefusedError(answer)
        return answer.data

    async def offer(self, leg_id: UUID, sdp: str, *servers: IceServer) -> str:
        request = LegOffer(id=0, leg_id=leg_id, sdp=sdp, ice_servers=servers)
        answer: OfferData = await self.ask(request)
        return answer.sdp

    async def mix(
        self,
        call_id: UUID,
        version: int,
        legs: Mapping[UUID, tuple[list[UUID], protocol.Tone | None]],
        recording: RecordingOrder | None = None,
    ) -> int:
        hears = {leg: Hear(hears=tuple(heard), tone=tone) for leg, (heard, tone) in legs.items()}
        request = CallMix(id=0, call_id=call_id, version=version, legs=hears, recording=recording)
        answer: MixData = await self.ask(request)
        return answer.version

    async def end(self, call_id: UUID) -> None:
        await self.ask(CallEnd(id=0, call_id=call_id))

    async def report(
        self, kind: type[Any], matches: Callable[[Any], bool] = lambda _: True, within: float = 10
    ) -> Any:
        """The first report of a kind that matches; waits for it."""
        async with asyncio.timeout(within):
            while True:
                for found in self.reports:
                    if isinstance(found, kind) and matches(found):
                        return found
                self._changed.clear()
                await self._changed.wait()


class Media:
    """The process. `environ` adds settings."""

    def __init__(self, **environ: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cc-media-"))
        self.socket = self.folder / "media.sock"
        self.environ = environ
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Media:
        self.process = subprocess.Popen([sys.executable, *LOOPBACK], cwd=ROOT, env=self._environ())
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(self.socket))
                return self
            assert self.process.poll() is None, "media ended"
            time.sleep(0.05)
        raise AssertionError("media does not answer")

    def fails(self) -> tuple[int, str]:
        """Start it where it cannot: its exit code, and what it says."""
        try:
            done = subprocess.run(
                [sys.executable, *LOOPBACK], cwd=ROOT, env=self._environ(), check=False, timeout=40,
                capture_output=True, text=True,
            )  # fmt: skip
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return done.returncode, done.stderr

    def _environ(self) -> dict[str, str]:
        return {**os.environ, **TEST_ENVIRON, "DATA_DIR": str(self.folder), **self.environ}

    async def web(self) -> Web:
        web = Web(self.socket)
        await web.connect()
        return web

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def recordings(self) -> Path:
        return self.folder / "media" / "recordings"

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        self.process.send_signal(sign)
        self.process.wait(15)

    def end(self) -> None:
        try:
            self.kill(signal.SIGTERM)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def order(
    left: list[UUID], right: list[UUID], *, recording_id: UUID | None = None,
    writing: bool = True, notice: bool = False,
) -> RecordingOrder:  # fmt: skip
    return RecordingOrder(
        recording_id=recording_id or uuid4(), left=tuple(left), right=tuple(right),
        writing=writing, notice=notice,
    )  # fmt: skip
