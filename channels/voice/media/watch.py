"""What is looked at from time to time: legs that fell silent, quality, cuts of recordings, load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from channels.voice.media import emodel
from channels.voice.media.admission import Admission
from channels.voice.media.legs import Call, Leg, Measured, Reports
from channels.voice.media.protocol import CallOverload, LegBack, LegLost, LegMeasured, Quality
from channels.voice.media.recording import CUT_SECONDS
from contactcenter.core.clock import Clock

LOST_SECONDS = 3.0
QUALITY_SECONDS = 2.0
_WATCH_SECONDS = 0.1


class Watch:
    """Looks at the engine's legs and calls, and tells of what it sees."""

    def __init__(
        self,
        legs: Mapping[UUID, Leg],
        calls: Mapping[UUID, Call],
        admission: Admission,
        reports: Reports,
        clock: Clock,
        look_at: Callable[[Call, float], None],
    ) -> None:
        self._legs, self._calls, self._admission = legs, calls, admission
        self._reports, self._clock = reports, clock
        self._look_at = look_at
        self.cpu_percent = 0.0
        """Of a core, used by this process over the last seconds."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._measure())

    async def _watch(self) -> None:
        quality_at = cut_at = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            for leg in self._legs.values():
                if leg.peer is not None:
                    leg.peer.report(now)
                if leg.call is not None and leg.ready and not leg.lost:
                    self._look_for_loss(leg, now)
            for call in list(self._calls.values()):
                self._look_at(call, now)
            if now >= cut_at:
                cut_at = now + CUT_SECONDS
                for call in self._calls.values():
                    if call.recording is not None:
                        call.recording.cut(now)
            if now >= quality_at:
                quality_at = now + QUALITY_SECONDS
                for leg in self._legs.values():
                    if leg.call is not None and leg.ready:
                        self._tell_quality(leg, leg.call)

    def _look_for_loss(self, leg: Leg, now: float) -> None:
        """A leg that sent in this call, or that somebody is to hear, is expected to go on; some
        are expected to begin."""
        if now - leg.heard_at < LOST_SECONDS or leg.call is None:
            return
        hears = leg.call.hears
        heard = any(leg.id in hear.hears for hear in hears.values())
        if heard or leg.spoke or hears[leg.id].sends:
            leg.lost = True
            self._reports.keep(LegLost(at=self._clock.now(), leg_id=leg.id))

    def recovered(self, leg: Leg) -> None:
        if leg.lost:
            leg.lost = False
            self._reports.keep(LegBack(at=self._clock.now(), leg_id=leg.id))

    def joined(self, leg: Leg) -> None:
        """What the leg's line does from now on is of this call."""
        leg.measured = Measured()
        if leg.peer is not None:
            reception = leg.peer.reception
            leg.expected_before, leg.lost_before = reception.expected, reception.lost
            leg.sent_before = leg.peer.sent

    def left(self, leg: Leg, call: Call) -> None:
        """Tell what the leg's line was like in the call."""
        self.measure(leg)
        stats = leg.measured.stats()
        if stats is not None:
            self._reports.keep(
                LegMeasured(at=self._clock.now(), leg_id=leg.id, call_id=call.id, stats=stats)
            )

    def measure(self, leg: Leg) -> tuple[float, float | None]:
        """Look at what has come since the last time: the loss, 0 to 1, and the round trip in
        milliseconds, if known."""
        if leg.peer is None:
            return 0.0, None
        reception = leg.peer.reception
        expected, lost = reception.expected, reception.lost
        if expected < leg.expected_before:  # another stream of the same browser
            leg.expected_before = leg.lost_before = 0
        came, missing = expected - leg.expected_before, lost - leg.lost_before
        leg.expected_before, leg.lost_before = expected, lost
        leg.loss = min(missing / came, 1.0) if came > 0 and missing > 0 else 0.0
        passed_on = 0.0 if leg.direct is None else leg.direct.loss  # no fault of this one's line
        loss = max(leg.loss, leg.peer.fraction_lost_out - passed_on)
        rtt_ms = None if leg.peer.rtt is None else leg.peer.rtt * 1000
        delay = emodel.one_way_delay_ms(rtt_ms, reception.jitter_ms)
        leg.mos = round(emodel.mos(loss, delay), 2)
        jitter_ms = reception.jitter_ms
        leg.measured.add(came, missing, jitter_ms=jitter_ms, rtt_ms=rtt_ms, mos=leg.mos)
        leg.measured.sent += leg.peer.sent - leg.sent_before
        leg.sent_before = leg.peer.sent
        return loss, rtt_ms

    def _tell_quality(self, leg: Leg, call: Call) -> None:
        assert leg.peer is not None
        loss, rtt_ms = self.measure(leg)
        assert leg.mos is not None
        self._reports.tell(
            Quality(
                at=self._clock.now(),
                leg_id=leg.id,
                call_id=call.id,
                loss=round(loss, 4),
                jitter_ms=round(leg.peer.reception.jitter_ms, 2),
                rtt_ms=None if rtt_ms is None else round(rtt_ms, 2),
                mos=leg.mos,
                level=round(leg.level, 3),
            )
        )
        leg.level = 0.0

    async def _measure(self) -> None:
        used, at = time.process_time(), time.monotonic()
        while True:
            await asyncio.sleep(QUALITY_SECONDS)
            now_used, now = time.process_time(), time.monotonic()
            self.cpu_percent = 100 * (now_used - used) / (now - at)
            used, at = now_used, now
            self._admission.measured(self.cpu_percent, len(self._calls))
            self.tell_overload()

    def tell_overload(self) -> None:
        if self._admission.update(len(self._calls)):
            self._reports.tell(
                CallOverload(
                    at=self._clock.now(),
                    reached=self._admission.overloaded,
                    ceiling=self._admission.ceiling,
                    live_calls=len(self._calls),
                )
            )
