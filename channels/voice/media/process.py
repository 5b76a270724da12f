"""The media process: `python -m contactcenter media`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import structlog
import uvloop

from channels.voice.media.engine import Engine
from channels.voice.media.journal import Journal
from channels.voice.media.network import Network, SeamError, check_seams
from channels.voice.media.recording import Writer, recover
from channels.voice.media.server import Outbox, Server, SocketError
from config.settings import Settings
from contactcenter.core.clock import SystemClock
from contactcenter.core.ids import new_id

RECORDINGS = "recordings"
JOURNAL = "journal"
_SYNC_SECONDS = 1.0

log = structlog.get_logger(__name__)


def main(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    try:
        uvloop.run(run(settings))
    except (SeamError, SocketError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def run(settings: Settings) -> None:
    """The whole process, until a signal ends it. Raises SeamError and SocketError."""
    check_seams()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    clock = SystemClock()
    started_at = clock.now()
    outbox = Outbox(Journal(settings.media_dir / JOURNAL))
    folder = settings.media_dir / RECORDINGS
    writer = Writer(folder)
    for report in recover(folder, started_at):
        outbox.keep(report)
        writer.settled(report.recording_id)
    media = settings.media
    network = Network(media.public_ip, media.udp_ports, loopback=not settings.app.is_production)
    engine = Engine(network, outbox, writer, clock, media.max_calls)
    server = Server(engine, outbox, new_id(), started_at)
    try:
        await server.start(settings.media_socket)
        log.info("media_ready", socket=str(settings.media_socket))
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(engine.run()),
                tasks.create_task(_sync(outbox.journal)),
            ]
            await stop.wait()
            for task in work:
                task.cancel()
    finally:
        await engine.close()
        await writer.close()
        await asyncio.sleep(0)  # what the writer finished last is kept
        await server.close()
        outbox.journal.close()


async def _sync(journal: Journal) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SYNC_SECONDS)
        with contextlib.suppress(OSError):
            await loop.run_in_executor(None, journal.sync)
