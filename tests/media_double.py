"""A media process without sound, for tests: it speaks the real protocol over a Unix socket.

It keeps legs, mixes and unacknowledged reports as the real one does, and a test reads what web
told it. What a browser's sound would bring about, the test says (`connect`, `lose`, ...).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import BaseModel

from channels.voice.media import protocol as p

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
NO_PCMU = SDP.replace("PCMU", "opus")


class MediaDouble:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.node = uuid4()
        self.journal_id = uuid4()
        self.ceiling = 50
        self.slow = asyncio.Event()  # set: offers are answered at once
        self.slow.set()
        self.held: list[UUID] = []  # the legs whose offers wait for that
        self.legs: dict[UUID, p.LegState] = {}
        self.mixes: dict[UUID, p.CallMix] = {}
        self.ended: list[UUID] = []
        self.played: list[p.LegPlay] = []
        self.candidates: list[p.LegCandidate] = []
        self.journal: list[BaseModel] = []
        self.acked = 0
        self.clock_off = timedelta()
        self._seq = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._reporter: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._news = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=p.MAX_LINE)

    async def stop(self) -> None:
        """Die: connections are gone, what is journaled stays."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()
        self._reporter = None
        await self._server.wait_closed()

    async def restart(self) -> None:
        """A new process: no legs, no mixes."""
        await self.stop()
        self.node, self.legs, self.mixes = uuid4(), {}, {}
        await self.start()

    async def lose_its_folder(self) -> None:
        """A new process with a new journal, whose numbers begin anew."""
        await self.restart()
        self.journal_id, self.journal, self._seq = uuid4(), [], 0

    # What a test says

    def connect(self, leg_id: UUID) -> None:
        self.legs[leg_id] = p.LegState(leg_id=leg_id, connected=True, lost=False)
        self.report(p.LegConnected, leg_id=leg_id)

    def lose(self, leg_id: UUID) -> None:
        self.report(p.LegLost, leg_id=leg_id)

    def back(self, leg_id: UUID) -> None:
        self.report(p.LegBack, leg_id=leg_id)

    def close_leg(self, leg_id: UUID, reason: p.EndReason = "dtls_closed") -> None:
        self.legs.pop(leg_id, None)
        stats = p.LegStats(packets_in=1000, packets_out=1000, lost=10, jitter_ms=3.0, mos=4.2)
        self.report(p.LegEnded, leg_id=leg_id, reason=reason, stats=stats)

    def measure(self, call_id: UUID, leg_id: UUID, **stats: Any) -> None:
        self.report(p.LegMeasured, leg_id=leg_id, call_id=call_id, stats=p.LegStats(**stats))

    def report(self, kind: Callable[..., BaseModel], **fields: Any) -> None:
        self._seq += 1
        made = kind(seq=self._seq, at=datetime.now(UTC) + self.clock_off, **fields)
        self.journal.append(made)
        if self._reporter is not None:
            self._reporter.write(p.encode(made))

    def hint(self, report: BaseModel) -> None:
        assert self._reporter is not None
        self._reporter.write(p.encode(report))

    async def until(self, true: Callable[[], Any], what: str = "it") -> Any:
        """Wait until what web told makes it true."""
        try:
            async with asyncio.timeout(10):
                while not (found := true()):
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.1):
                            await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{what} did not come; mixes {self.mixes}") from None
        return found

    def heard(self, call_id: UUID) -> dict[UUID, tuple[set[UUID], str | None]]:
        """Leg → (whom it hears, the tone), in the call's newest mix."""
        mix = self.mixes.get(call_id)
        return {} if mix is None else {k: (set(v.hears), v.tone) for k, v in mix.legs.items()}

    # The server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                request = p.decode_request(line)
                if isinstance(request, p.LegOffer) and not self.slow.is_set():
                    self.held.append(request.leg_id)
                    self._news.set()
                    await self.slow.wait()
                answer = self._answer(request, writer)
                writer.write(p.encode(answer))
                if isinstance(request, p.Hello) and request.take_reports:
                    self._reporter = writer
                    for report in self.journal:
                        writer.write(p.encode(report))
                self._news.set()

    def _answer(self, request: Any, writer: asyncio.StreamWriter) -> BaseModel:
        match request:
            case p.Hello():
                data: Any = p.HelloData(
                    node=self.node,
                    journal=self.journal_id,
                    started_at=datetime.now(UTC),
                    legs=tuple(self.legs.values()),
                    calls=tuple(
                        p.CallVersion(call_id=m.call_id, version=m.version)
                        for m in self.mixes.values()
                    ),
                    ceiling=self.ceiling,
                    live_calls=len(self.mixes),
                )
            case p.LegOffer():
                if "PCMU" not in request.sdp:
                    return p.Refused(id=request.id, code="unsupported", detail="No PCMU in it.")
                data = p.OfferData(sdp=SDP)
            case p.CallMix():
                known = self.mixes.get(request.call_id)
                if known is None and len(self.mixes) >= self.ceiling and not request.admitted:
                    return p.Refused(id=request.id, code="busy", detail="No room.")
                if known is None or known.version <= request.version:
                    self.mixes[request.call_id] = request
                data = p.MixData(version=self.mixes[request.call_id].version)
            case p.CallEnd():
                self.mixes.pop(request.call_id, None)
                self.ended.append(request.call_id)
                data = p.Nothing()
            case p.ReportsAck():
                self.acked = request.seq
                self.journal = [
                    r for r in self.journal if (getattr(r, "seq", 0) or 0) > request.seq
                ]
                data = p.Nothing()
            case _:
                if isinstance(request, p.LegPlay):
                    self.played.append(request)
                elif isinstance(request, p.LegCandidate):
                    self.candidates.append(request)
                elif isinstance(request, p.LegClose):
                    self.legs.pop(request.leg_id, None)
                data = p.Nothing()
        return p.Accepted.model_construct(id=request.id, ok=True, data=data)


@contextlib.asynccontextmanager
async def media_double(path: Path) -> AsyncIterator[MediaDouble]:
    double = MediaDouble(path)
    await double.start()
    try:
        yield double
    finally:
        double.slow.set()
        with contextlib.suppress(Exception):
            await double.stop()
