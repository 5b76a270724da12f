"""The Unix socket: requests of web answered, reports sent and kept (protocol.py).

Requests of one connection take effect in the order they came; negotiating an offer goes on beside
the others. The newest connection that asked for reports gets them, and when it is gone the one
before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from pydantic import BaseModel

from channels.voice.media import protocol
from channels.voice.media.engine import Engine
from channels.voice.media.journal import Journal
from channels.voice.media.legs import Refusal
from channels.voice.media.protocol import (
    MAX_LINE,
    Accepted,
    CallEnd,
    CallMix,
    Hello,
    HelloData,
    LegCandidate,
    LegClose,
    LegOffer,
    LegPlay,
    MixData,
    Nothing,
    OfferData,
    ProtocolError,
    Refused,
    Report,
    ReportsAck,
    Request,
    StatsRequest,
)
from channels.voice.media.sdp import OfferError, UnsupportedOfferError

MAX_PENDING_OFFERS = 128
_MAX_UNREAD = 4 * 1024 * 1024  # bytes that web may leave unread
_LONGEST_PATH = 100  # bytes; the system allows 108

log = structlog.get_logger(__name__)


class SocketError(RuntimeError):
    """The socket cannot be used; the text is one sentence with the way out."""


class Outbox:
    """Reports: kept in the journal, and sent to the newest connection that takes them."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._takers: list[_Connection] = []  # in the order in which they asked
        self._taker: _Connection | None = None  # the last of them, once it has what was waiting

    def keep(self, report: Report) -> None:
        try:
            report = self.journal.append(report)
        except ProtocolError as error:  # no line can hold it
            log.error("report_not_kept", report=report.report, error=str(error))
            return
        except OSError as error:  # a full disk: better told once than not at all
            log.error("report_not_kept", report=report.report, error=str(error))
        self.tell(report)

    def tell(self, report: Report) -> None:
        if self._taker is not None:
            self._taker.send(report)

    async def give_to(self, connection: _Connection) -> None:
        """Send what is waiting, then what comes."""
        if connection not in self._takers:
            self._takers.append(connection)
        self._taker = None
        seen, fresh = self.journal.acked, True
        while fresh and not connection.closing:
            fresh = False
            for report in self.journal.pending(seen):
                connection.send(report)
                seen, fresh = report.seq or seen, True
                if seen % 100 == 0:
                    await connection.drain()
        if not connection.closing and self._takers[-1:] == [connection]:
            self._taker = connection

    async def gone(self, connection: _Connection) -> None:
        """The connection is closed: whoever asked before it takes the reports again."""
        if connection not in self._takers:
            return
        newest = self._takers[-1] is connection
        self._takers.remove(connection)
        if newest:
            self._taker = None
            if self._takers:
                await self.give_to(self._takers[-1])


class Server:
    """Serves the engine on a path."""

    def __init__(self, engine: Engine, outbox: Outbox, node: UUID, started_at: datetime) -> None:
        self.engine, self.outbox = engine, outbox
        self.node, self.started_at = node, started_at
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def start(self, path: Path) -> None:
        """Raises SocketError."""
        if len(os.fsencode(path.absolute())) > _LONGEST_PATH:
            raise SocketError(f"MEDIA_SOCKET {path} is too long a path: choose a shorter one.")
        _remove_stale(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            before = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(self._serve, path, limit=MAX_LINE)
            finally:
                os.umask(before)
            self._path = path
        except OSError as error:
            raise SocketError(f"MEDIA_SOCKET {path} cannot be used: {error.strerror}.") from error

    async def close(self) -> None:
        if self._server is not None and self._path is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        for connection in list(self._connections):
            connection.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, writer)
        self._connections.add(connection)
        try:
            await connection.read(reader)
        finally:
            self._connections.discard(connection)
            connection.close()
            await self.outbox.gone(connection)


class _Connection:
    """One web process."""

    def __init__(self, server: Server, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._writer = writer
        self._offers: set[asyncio.Task[None]] = set()

    @property
    def closing(self) -> bool:
        return self._writer.is_closing()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Until the other side ends, or sends what is no line of the protocol's length."""
        with contextlib.suppress(ConnectionError):
            while True:
                try:
                    line = await reader.readuntil(b"\n")
                except asyncio.IncompleteReadError:
                    return
                except asyncio.LimitOverrunError:
                    self.send(Refused(id=None, code="invalid", detail="the line is too long"))
                    await self.drain()
                    return
                await self._take(line)

    async def _take(self, line: bytes) -> None:
        try:
            request = protocol.decode_request(line)
        except ProtocolError as error:
            self.send(Refused(id=protocol.request_id(line), code="invalid", detail=str(error)))
            return
        if isinstance(request, LegOffer):
            if len(self._offers) >= MAX_PENDING_OFFERS:
                self.send(Refused(id=request.id, code="unavailable", detail="too many offers"))
                return
            task = asyncio.create_task(self._answer(request))
            self._offers.add(task)
            task.add_done_callback(self._offers.discard)
            await asyncio.sleep(0)  # its leg exists before the next request is read
            return
        await self._answer(request)
        if isinstance(request, Hello) and request.take_reports:
            await self._server.outbox.give_to(self)

    async def _answer(self, request: Request) -> None:
        try:
            data = await self._do(request)
        except UnsupportedOfferError as error:
            self.send(Refused(id=request.id, code="unsupported", detail=str(error)))
        except OfferError as error:
            self.send(Refused(id=request.id, code="invalid", detail=str(error)))
        except Refusal as refusal:
            self.send(Refused(id=request.id, code=refusal.code, detail=str(refusal)))
        except Exception:
            log.exception("request_failed", do=request.do)
            self.send(Refused(id=request.id, code="unavailable", detail="the request failed"))
        else:
            self.send(Accepted(id=request.id, data=data))

    async def _do(
        self, request: Request
    ) -> HelloData | OfferData | MixData | Nothing | protocol.StatsData:
        engine = self._server.engine
        match request:
            case Hello():
                return self._hello()
            case LegOffer():
                return OfferData(sdp=await engine.offer(request))
            case CallMix():
                return MixData(version=engine.mix(request))
            case StatsRequest():
                return engine.stats()
            case LegCandidate():
                candidate = request.candidate
                text = None if candidate is None else candidate.candidate
                await engine.candidate(request.leg_id, text)
            case LegClose():
                engine.close_leg(request.leg_id)
            case LegPlay():
                engine.play(request.leg_id, request.sound, request.digits or "")
            case CallEnd():
                engine.end_call(request.call_id)
            case ReportsAck():
                self._server.outbox.journal.ack(request.seq)
        return Nothing()

    def _hello(self) -> HelloData:
        server = self._server
        return HelloData(
            node=server.node,
            journal=server.outbox.journal.id,
            started_at=server.started_at,
            legs=server.engine.leg_states(),
            calls=server.engine.call_versions(),
            ceiling=server.engine.admission.ceiling,
            live_calls=len(server.engine.calls),
        )

    def send(self, message: BaseModel) -> None:
        """A web process that does not read is cut off; it finds its reports in the journal."""
        if self.closing:
            return
        if self._writer.transport.get_write_buffer_size() > _MAX_UNREAD:
            log.warning("web_does_not_read")
            self._writer.transport.abort()
            return
        self._writer.write(protocol.encode(message))

    async def drain(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


def _remove_stale(path: Path) -> None:
    """Remove the socket of a process that is gone. Raises SocketError if one still listens."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise SocketError(f"MEDIA_SOCKET {path} is a file already: choose another path.")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise SocketError(f"a media process already runs on {path}: stop that one first.")
