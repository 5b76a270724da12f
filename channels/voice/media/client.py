"""Web's side of the socket to the media process: asks, and takes its reports in.

One connection, made again whenever it is lost. After each connect `resync` is told what media has,
so that it can be given what it should have; then reports come, one after another, each
acknowledged when it has been kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Gauge
from pydantic import BaseModel

from channels.voice.media.protocol import (
    MAX_LINE,
    Accepted,
    CallEnd,
    CallMix,
    CallOverload,
    Hear,
    Hello,
    HelloData,
    IceCandidate,
    IceServer,
    LegCandidate,
    LegClose,
    LegOffer,
    LegPlay,
    OfferData,
    ProtocolError,
    Quality,
    RecordingOrder,
    Refused,
    Report,
    ReportsAck,
    Sound,
    decode_from_media,
    encode,
)
from contactcenter.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    Problem,
    Unavailable,
    Unsupported,
)

log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = (0.1, 1.0)
GIVEN_UP_SECONDS: Final = 3.0
"""Without a connection for so long, every leg counts as lost."""
REPORT_LIMIT: Final = 10_000
"""Reports in hand; beyond it lossy ones are dropped (media keeps the others)."""

CONNECTED = Gauge("media_connected", "1 while this process is connected to the media process")
FULL = Gauge("media_full", "1 while the media process carries as many calls as it can")

_PROBLEMS: Final[Mapping[str, type[Problem]]] = {
    "invalid": Invalid,
    "not_found": NotFound,
    "unsupported": Unsupported,
    "conflict": Conflict,
}


class Listener(Protocol):
    """Who uses the connection."""

    async def resync(self, hello: HelloData | None) -> None:
        """Media is there (again), and has this; None: it has been gone for a while."""

    async def take(self, report: Report, journal: UUID) -> None:
        """Keep a report of that journal. It comes again if this raises."""

    def quality(self, report: Quality) -> None:
        """Pass on what may be lost."""


class MediaClient:
    """Raises Unavailable from every request while media is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[BaseModel]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self.full = False
        """Media carries as many calls as it can."""

    @property
    def connected(self) -> bool:
        return self._writer is not None

    # What media is asked

    async def offer(self, leg_id: UUID, sdp: str, ice_servers: Sequence[Mapping[str, Any]]) -> str:
        """Negotiate a leg: the SDP to answer with. Raises Invalid or Unsupported for an SDP
        that cannot be used, Conflict while another one of the leg is being answered."""
        servers = tuple(IceServer.model_validate(server) for server in ice_servers)
        answer = await self._ask(
            LegOffer(id=next(self._ids), leg_id=leg_id, sdp=sdp, ice_servers=servers)
        )
        assert isinstance(answer, OfferData)
        return answer.sdp

    async def candidate(self, leg_id: UUID, candidate: IceCandidate | None) -> None:
        await self._ask(LegCandidate(id=next(self._ids), leg_id=leg_id, candidate=candidate))

    async def close(self, leg_id: UUID) -> None:
        await self._ask(LegClose(id=next(self._ids), leg_id=leg_id))

    async def play(self, leg_id: UUID, sound: Sound, digits: str | None = None) -> None:
        """Play a short sound once to a leg."""
        await self._ask(LegPlay(id=next(self._ids), leg_id=leg_id, sound=sound, digits=digits))

    async def mix(
        self,
        call_id: UUID,
        version: int,
        legs: Mapping[UUID, Hear],
        recording: RecordingOrder | None = None,
        *,
        admitted: bool = False,
        seconds: float | None = None,
    ) -> None:
        """Raises Unavailable (ctx.reason all_lines_busy) for a new call above the ceiling, unless
        it was `admitted` before. After `seconds` it ends by itself."""
        await self._ask(
            CallMix(
                id=next(self._ids),
                call_id=call_id,
                version=version,
                legs=dict(legs),
                recording=recording,
                admitted=admitted,
                seconds=seconds,
            )
        )

    async def end(self, call_id: UUID) -> None:
        await self._ask(CallEnd(id=next(self._ids), call_id=call_id))

    async def legs(self) -> set[UUID]:
        """Those that the media has just now, connected or not."""
        hello = await self._ask(Hello(id=next(self._ids), take_reports=False))
        assert isinstance(hello, HelloData)
        return {leg.leg_id for leg in hello.legs}

    async def _ask(self, request: Any) -> BaseModel:
        writer = self._writer
        if writer is None:
            raise Unavailable("The voice service is not available just now.", reason="media_down")
        future: asyncio.Future[BaseModel] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        try:
            writer.write(encode(request))
            async with asyncio.timeout(ANSWER_SECONDS):
                return await future
        except (TimeoutError, ConnectionError) as error:
            raise Unavailable("The voice service does not answer.", reason="media_down") from error
        finally:
            del self._waiting[request.id]

    # The connection

    @contextlib.asynccontextmanager
    async def running(self, listener: Listener) -> AsyncIterator[None]:
        """Stay connected for as long as the block lasts."""
        task = asyncio.create_task(self._run(listener), name="media-client")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, listener: Listener) -> None:
        pause, longest = RECONNECT_SECONDS
        given_up = False
        lost = asyncio.get_running_loop().time()
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_LINE)
            except OSError:
                away = asyncio.get_running_loop().time() - lost
                if not given_up and away > GIVEN_UP_SECONDS:
                    given_up = await self._give_up(listener)
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
                continue
            pause, given_up = RECONNECT_SECONDS[0], False
            try:
                await self._converse(reader, writer, listener)
            except (ConnectionError, ProtocolError, Unavailable, TimeoutError) as error:
                log.warning("media_connection_lost", error=type(error).__name__)
            except Exception:  # a fault of ours must not leave voice without media
                log.exception("media_connection_failed")
            finally:
                self._let_go(writer)
                lost = asyncio.get_running_loop().time()
            await asyncio.sleep(pause)

    async def _give_up(self, listener: Listener) -> bool:
        """Say that media is gone; False: that could not be taken in."""
        log.warning("media_not_there")
        try:
            await listener.resync(None)
        except Problem:
            return False
        except Exception:
            log.exception("media_loss_not_taken_in")
        return True

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener
    ) -> None:
        """Until the connection ends; raises what ended it."""
        self._writer = writer
        CONNECTED.set(1)
        reports: asyncio.Queue[Report] = asyncio.Queue()
        tasks = {
            asyncio.create_task(self._read(reader, reports, listener), name="media-read"),
            asyncio.create_task(self._serve(reports, listener), name="media-serve"),
        }
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reports: asyncio.Queue[Report], listener: Listener) -> None:
        hello = await self._ask(Hello(id=next(self._ids), take_reports=True))
        assert isinstance(hello, HelloData)
        self._fills(hello.live_calls >= hello.ceiling)
        log.info("media_connected", live_calls=hello.live_calls, ceiling=hello.ceiling)
        await listener.resync(hello)
        while True:
            report = await reports.get()
            await listener.take(report, hello.journal)
            if report.seq is not None:
                await self._ask(ReportsAck(id=next(self._ids), seq=report.seq))

    async def _read(
        self, reader: asyncio.StreamReader, reports: asyncio.Queue[Report], listener: Listener
    ) -> None:
        while line := await reader.readline():
            message = decode_from_media(line)
            if isinstance(message, Accepted):
                self._answered(message.id, message.data)
            elif isinstance(message, Refused):
                self._answered(message.id, _problem(message))
            elif isinstance(message, Quality):
                listener.quality(message)
            elif isinstance(message, CallOverload):
                self._fills(message.reached)
            elif reports.qsize() < REPORT_LIMIT:
                reports.put_nowait(message)
            else:
                raise ProtocolError("more reports than can be taken in")
        raise ConnectionResetError("media closed the connection")

    def _fills(self, full: bool) -> None:
        self.full = full
        FULL.set(full)

    def _answered(self, request_id: int | None, result: BaseModel | Problem) -> None:
        future = self._waiting.get(request_id) if request_id is not None else None
        if future is None or future.done():
            return
        if isinstance(result, Problem):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _let_go(self, writer: asyncio.StreamWriter) -> None:
        self._writer = None
        CONNECTED.set(0)
        writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("media is gone"))


def _problem(refused: Refused) -> Problem:
    if refused.code == "busy":
        return Unavailable("All lines are busy.", reason="all_lines_busy")
    kind = _PROBLEMS.get(refused.code, Unavailable)
    return kind(refused.detail)
