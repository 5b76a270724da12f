"""Between the calls in the tables and the media: mixes out, reports in, deadlines looked at.

Whatever changes a call, on whichever node, publishes a fact; every node that is connected to the
media hears it, reads the call and sends its mix. A mix is complete and has the call's version, so
sending it twice or late does no harm, and after a reconnect all of them are sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Histogram

from channels.ports import Hints
from channels.voice import store
from channels.voice.cards import quality
from channels.voice.follow import Followers
from channels.voice.media.client import MediaClient
from channels.voice.media.protocol import HelloData, Quality, Report
from channels.voice.mixes import orders
from channels.voice.schemas import CallQuality
from channels.voice.store import CallRow
from contactcenter.core.bus import Bus
from contactcenter.core.errors import Conflict, Problem, Unavailable
from contactcenter.core.eventlog import Recorded
from contactcenter.core.work import WorkFactory
from contactcenter.events.calls import CallFact

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
ORPHANS_EVERY: Final = 20  # looks
RETRY_SECONDS: Final = (0.05, 0.2, 0.5, 1.0)
ATTEMPTS: Final = 10
"""After so many failures of its own a report is given up."""


MOS = Histogram(
    "call_mos",
    "Estimated quality of each leg of a call, every two seconds (ITU-T G.107)",
    buckets=(1.5, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.5),
)


class Switch:
    """The Listener of the media's client."""

    def __init__(
        self, work: WorkFactory, bus: Bus, media: MediaClient, followers: Followers, hints: Hints
    ) -> None:
        self._work = work
        self._bus = bus
        self._media = media
        self._followers = followers
        self._hints = hints
        self._told: dict[UUID, tuple[tuple[UUID, ...], UUID | None]] = {}
        """Call → (agents, visitor) who are told of its quality."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connected to the media for as long as the block lasts."""
        subscription = await self._bus.subscribe("voice-mixes", self._heard, FACTS)
        look = asyncio.create_task(self._look(), name="voice-deadlines")
        try:
            async with self._media.running(self):
                yield
        finally:
            look.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await look
            await subscription.close()

    # Out

    async def _heard(self, batch: list[Recorded]) -> None:
        changed = dict.fromkeys(getattr(r.event, "call_id", None) for r in batch)
        for attempt in (*RETRY_SECONDS, 0.0):
            try:
                await self._send([call_id for call_id in changed if call_id is not None])
                return
            except Unavailable:
                await asyncio.sleep(attempt)

    async def _send(self, call_ids: list[UUID]) -> None:
        async with self._work.reading("voice.mixes") as conn:
            rows = await store.calls(conn, call_ids)
        for row in rows.values():
            try:
                await self._order(row)
            except Unavailable:
                log.warning("mix_not_sent", call_id=str(row.call.id))  # the next connect brings it
            except Problem as error:
                log.error("mix_refused", call_id=str(row.call.id), error=error.detail)

    async def _order(self, row: CallRow) -> None:
        call = row.call
        if call.ended:
            self._told.pop(call.id, None)
            await self._media.end(call.id)
            for leg in call.legs:
                if leg.kind == "customer":
                    await self._media.close(leg.id)
            return
        agents = tuple(leg.agent_id for leg in call.agents if leg.agent_id is not None)
        self._told[call.id] = (agents, row.visitor_id)
        for leg in call.agents:
            await self._media.end(leg.id)  # an echo test that is still going on
        legs, recording = orders(call)
        await self._media.mix(call.id, row.version, legs, recording, admitted=True)

    # In

    async def resync(self, hello: HelloData | None) -> None:
        """Media is there again, or has been gone for a while: tables and media agree after this."""
        self._told.clear()
        await self._followers.reconcile(hello)
        if hello is None:
            return
        async with self._work.reading("voice.resync") as conn:
            live = await store.live(conn)
        for call in hello.calls:
            if call.call_id not in live:
                await self._media.end(call.call_id)
        await self._send(live)

    async def take(self, report: Report, journal: UUID) -> None:
        """Keep a report; tried again while the database is away, and while somebody else changes
        the same call. One that cannot be taken in is given up, or no other would be any more."""
        failures = 0
        for attempt in itertools.count():
            try:
                await self._followers.reported(report, journal)
                return
            except Unavailable:
                pass
            except Exception as error:
                failures += 1
                if failures == ATTEMPTS:
                    log.exception("report_given_up", report=report.report, seq=report.seq)
                    return
                log.warning("report_not_taken", report=report.report, error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])

    def quality(self, report: Quality) -> None:
        MOS.observe(report.mos)
        told = self._told.get(report.call_id)
        shown = quality(report.model_dump())
        if told is None or shown is None:
            return
        payload = CallQuality(
            call_id=report.call_id, leg_id=report.leg_id, quality=shown, level=report.level
        ).model_dump()
        agents, visitor = told
        for agent_id in agents:
            self._hints.to_agent(agent_id, "call.quality", payload)
        if visitor is not None:
            self._hints.to_visitor(visitor, "call.quality", payload)

    # Deadlines

    async def _look(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._followers.look_at_deadlines()
                if number % ORPHANS_EVERY == 0:
                    await self._followers.free_orphans()
            except (Unavailable, Conflict):
                log.warning("deadlines_not_looked_at")
            except Exception:
                log.exception("deadlines_failed")


FACTS: Final = tuple(CallFact.__subclasses__())
"""Every fact of a call."""
