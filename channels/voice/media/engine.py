"""Legs, calls and the sound between them: mixes realised, lost legs noticed, calls recorded.

A leg that hears exactly one other and no tone gets that one's payloads undecoded, the moment they
arrive. Whatever else a leg hears is mixed every 20 ms, for all calls in one pass. A leg in a call
that hears nothing is sent silence; one outside any call is sent nothing.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import numpy as np
import structlog
from aiortc import RTCCertificate, RTCIceServer

from channels.voice.media import emodel, mixer, sdp, tones, ulaw
from channels.voice.media.admission import Admission
from channels.voice.media.conceal import Concealer
from channels.voice.media.jitter import JitterBuffer
from channels.voice.media.network import Network
from channels.voice.media.peer import Peer
from channels.voice.media.protocol import (
    CallMix,
    CallOverload,
    CallVersion,
    Code,
    EndReason,
    Hear,
    LegBack,
    LegConnected,
    LegEnded,
    LegLost,
    LegOffer,
    LegState,
    Quality,
    RecordingFinished,
    RecordingOrder,
    RecordingStarted,
    Report,
    StatsData,
)
from channels.voice.media.recording import CUT_SECONDS, Recording, Writer
from channels.voice.media.ulaw import FRAME, FRAME_SECONDS, RATE, SILENCE
from contactcenter.core.clock import Clock

LOST_SECONDS = 3.0
QUALITY_SECONDS = 2.0
MAX_LEGS = 2000

_WATCH_SECONDS = 0.1
_CATCH_UP = 5  # frames: a loop held up for longer leaves them out
_CERTIFICATE_DAYS = 7
_MIXER = object()  # the source of mixed packets

log = structlog.get_logger(__name__)


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """A request that is answered by a code of the protocol; the text is one sentence."""

    code: Code = "invalid"


class NotFoundRefusal(Refusal):
    code: Code = "not_found"


class BusyRefusal(Refusal):
    code: Code = "busy"


class ConflictRefusal(Refusal):
    code: Code = "conflict"


class UnavailableRefusal(Refusal):
    code: Code = "unavailable"


class Reports(Protocol):
    """Where reports go."""

    def keep(self, report: Report) -> None:
        """Must reach web, even after a restart."""

    def tell(self, report: Report) -> None:
        """May be lost."""


@dataclass(slots=True, eq=False)
class Leg:
    """One party's sound. Its transport may be replaced; its place in a call stays."""

    id: UUID
    peer: Peer | None = None
    coming: Peer | None = None  # negotiated, not connected yet
    negotiating: bool = False
    call: Call | None = None
    # In: who gets its payloads at once, and the buffer that the mixer reads.
    listeners: list[Leg] = field(default_factory=list)
    buffer: JitterBuffer | None = None
    concealer: Concealer = field(default_factory=Concealer)
    recording: Recording | None = None
    # Out: the source of its direct packets, or the mixer.
    direct: Leg | None = None
    tone: str | None = None
    tone_from: int = 0  # tick
    sound: ulaw.Samples | None = None  # one that is played once
    sound_at: int = 0
    mixed: int = 0  # packets from the mixer so far
    # Watched.
    heard_at: float = 0.0
    spoke: bool = False  # in this call
    lost: bool = False
    level: float = 0.0
    packets: int = 0
    expected_before: int = 0
    lost_before: int = 0
    loss: float = 0.0  # of what it sent, over the last interval
    mos: float | None = None

    @property
    def ready(self) -> bool:
        return self.peer is not None and self.peer.ready


@dataclass(slots=True, eq=False)
class Call:
    """A call's mix in force."""

    id: UUID
    version: int
    hears: dict[UUID, Hear]
    order: RecordingOrder | None = None
    recording: Recording | None = None
    notice_ends: float | None = None


class Engine:
    """All legs and calls of the process; everything happens in its event loop."""

    def __init__(
        self, network: Network, reports: Reports, writer: Writer, clock: Clock, max_calls: int
    ) -> None:
        self.legs: dict[UUID, Leg] = {}
        self.calls: dict[UUID, Call] = {}
        self.admission = Admission(max_calls)
        self.cpu_percent = 0.0
        self._network, self._reports, self._writer, self._clock = network, reports, writer, clock
        self._certificate: RTCCertificate | None = None
        self._owners: dict[Peer, Leg] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._inputs: list[Leg] = []
        self._outputs: list[Leg] = []
        self._plain: list[Leg] = []  # they hear a tone or nothing: no mixing
        self._plan = mixer.Plan([], 0)
        self._started = time.monotonic()
        self._tick = 0

    async def run(self) -> None:
        """Mix, watch and measure until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._mix())
            tasks.create_task(self._watch())
            tasks.create_task(self._measure())

    async def close(self) -> None:
        """End every recording and leg."""
        for call_id in list(self.calls):
            self.end_call(call_id)
        for leg in list(self.legs.values()):
            for peer in (leg.peer, leg.coming):
                self._drop(leg, peer, "shutdown")
        self.legs.clear()
        await asyncio.gather(*self._closing, return_exceptions=True)

    # Requests ------------------------------------------------------------------------------------

    async def offer(self, request: LegOffer) -> str:
        """Answer a leg's offer. Raises OfferError and Refusal; then nothing has changed."""
        offer = sdp.read_offer(request.sdp)
        known = self.legs.get(request.leg_id)
        if known is None and len(self.legs) >= MAX_LEGS:
            raise BusyRefusal(f"{MAX_LEGS} legs are negotiated already")
        if known is not None and known.negotiating:
            raise ConflictRefusal("an earlier offer of this leg is not answered yet")
        servers = [
            RTCIceServer(list(s.urls), s.username, s.credential) for s in request.ice_servers
        ]
        peer = Peer(self, self._network, self._own_certificate(), self._unix_time, servers)
        leg = self.legs.setdefault(request.leg_id, Leg(request.leg_id))
        before, leg.coming, leg.negotiating = leg.coming, peer, True
        self._owners[peer] = leg
        try:
            answer = await peer.answer(offer)
        except BaseException as error:
            leg.coming = before
            self._forget(leg, peer)
            if known is None and self.legs.get(leg.id) is leg:
                del self.legs[leg.id]
            if isinstance(error, OSError):
                raise UnavailableRefusal(str(error)) from error
            raise
        finally:
            leg.negotiating = False
        if self.legs.get(leg.id) is not leg:
            self._forget(leg, peer)
            raise NotFoundRefusal("the leg was closed meanwhile")
        if before is not None:
            self._drop(leg, before, "replaced")
        self._join(leg)
        return answer

    async def candidate(self, leg_id: UUID, text: str | None) -> None:
        """A candidate of the browser. Raises OfferError and Refusal."""
        leg = self._leg(leg_id)
        found = sdp.read_candidate(text) if text else None
        peer = leg.coming or leg.peer
        if found is not None and peer is not None:
            await peer.add_candidate(found)

    def close_leg(self, leg_id: UUID) -> None:
        leg = self.legs.pop(leg_id, None)
        if leg is None:
            return
        call = leg.call
        self._leave(leg)
        for peer in (leg.peer, leg.coming):
            self._drop(leg, peer, "closed")
        if call is not None:
            self._realise(call)

    def play(self, leg_id: UUID, sound: str, digits: str) -> None:
        leg = self._leg(leg_id)
        if leg.call is None:
            raise ConflictRefusal("the leg is in no call")
        self._play(leg, sound, digits)
        self._realise(leg.call)

    def mix(self, request: CallMix) -> int:
        """Put a mix in force. Returns the version in force. Raises BusyRefusal."""
        call = self.calls.get(request.call_id)
        if call is None:
            if self.admission.overloaded:
                raise BusyRefusal(f"{len(self.calls)} calls are running, as many as go")
            call = self.calls[request.call_id] = Call(request.call_id, -1, {})
            self._tell_overload()
        if request.version < call.version:
            return call.version
        gone = call.hears.keys() - request.legs.keys()
        call.version, call.hears = request.version, request.legs
        for leg_id in gone:
            leg = self.legs.get(leg_id)
            if leg is not None and leg.call is call:
                self._leave(leg)
                self._retire(leg)
        for leg_id in request.legs:
            if leg_id in self.legs:
                self._join(self.legs[leg_id], call)
        self._record(call, request.recording)
        self._realise(call)
        return call.version

    def end_call(self, call_id: UUID) -> None:
        call = self.calls.pop(call_id, None)
        if call is None:
            return
        self._record(call, None)
        for leg in self._members(call):
            self._leave(leg)
            self._retire(leg)
        self._replan()
        self._tell_overload()

    def leg_states(self) -> tuple[LegState, ...]:
        return tuple(
            LegState(
                leg_id=leg.id,
                connected=leg.ready,
                lost=leg.lost,
                call_id=None if leg.call is None else leg.call.id,
            )
            for leg in self.legs.values()
        )

    def call_versions(self) -> tuple[CallVersion, ...]:
        return tuple(CallVersion(call_id=c.id, version=c.version) for c in self.calls.values())

    def stats(self) -> StatsData:
        return StatsData(
            calls=len(self.calls),
            legs=len(self.legs),
            ceiling=self.admission.ceiling,
            cpu_percent=round(self.cpu_percent, 1),
        )

    # Peers tell ----------------------------------------------------------------------------------

    # One that is being closed may have something to tell for a moment yet.

    def connected(self, peer: Peer) -> None:
        leg = self._owners.get(peer)
        if leg is None:
            return
        before, leg.peer, leg.coming = leg.peer, peer, None
        leg.heard_at = time.monotonic()
        leg.expected_before = leg.lost_before = 0
        self._drop(leg, before, "replaced")
        self._reports.keep(LegConnected(at=self._clock.now(), leg_id=leg.id))
        self._recovered(leg)
        if leg.call is not None:
            self._realise(leg.call)

    def received(
        self, peer: Peer, payload: bytes, sequence: int, timestamp: int, now: float
    ) -> None:
        leg = self._owners.get(peer)
        if leg is None or leg.peer is not peer:
            return
        leg.heard_at = now
        leg.spoke = True
        if leg.lost:
            self._recovered(leg)
        leg.packets += 1
        if leg.packets % 8 == 0:
            leg.level = max(leg.level, ulaw.level(payload))
        if leg.recording is not None:
            leg.recording.take(leg.id, timestamp, payload, now)
        for listener in leg.listeners:
            if listener.peer is not None:
                listener.peer.send(peer.reception, payload, sequence, timestamp, now)
        if leg.buffer is not None:
            leg.buffer.push(timestamp, payload, int(now * RATE))

    def ended(self, peer: Peer, reason: EndReason) -> None:
        leg = self._owners.get(peer)
        if leg is None:
            return
        if leg.coming is peer:
            leg.coming = None
        if leg.peer is peer:
            leg.peer = None
        self._drop(leg, peer, reason)
        if leg.call is not None:
            self._realise(leg.call)
        self._retire(leg)

    # Mixes realised ------------------------------------------------------------------------------

    def _join(self, leg: Leg, call: Call | None = None) -> None:
        """Take a leg into the call whose mix names it: this one, or the newest that does."""
        if call is None:
            call = next((c for c in reversed(self.calls.values()) if leg.id in c.hears), None)
        if call is None or leg.call is call:
            return
        former = leg.call
        self._leave(leg)
        leg.call = call
        leg.heard_at = time.monotonic()
        if former is not None:
            self._realise(former)

    def _leave(self, leg: Leg) -> None:
        leg.call = leg.recording = leg.direct = leg.buffer = leg.tone = leg.sound = None
        leg.listeners = []
        leg.lost = leg.spoke = False
        for other in self.legs.values():
            if other.direct is leg:
                other.direct = None
            if leg in other.listeners:
                other.listeners.remove(leg)
        if leg.peer is not None:
            leg.peer.release()

    def _retire(self, leg: Leg) -> None:
        """Forget a leg that has no transport left and no place in a call."""
        if leg.call is None and leg.peer is None and leg.coming is None:
            self.legs.pop(leg.id, None)

    def _members(self, call: Call) -> list[Leg]:
        """The legs that are in the call now."""
        found = (self.legs.get(leg_id) for leg_id in call.hears)
        return [leg for leg in found if leg is not None and leg.call is call]

    def _realise(self, call: Call) -> None:
        """Lay the call's paths anew, from what each leg is to hear."""
        members = {leg.id: leg for leg in self._members(call)}
        for leg in members.values():
            leg.listeners = []
        for leg in members.values():
            hear = call.hears[leg.id]
            if hear.tone != leg.tone:
                leg.tone = hear.tone
                leg.tone_from = 0 if hear.tone == "music" else self._tick
            source = members.get(hear.hears[0]) if len(hear.hears) == 1 else None
            direct = hear.tone is None and leg.sound is None and source is not None
            source = source if direct and source is not None and source.ready else None
            if source is not leg.direct and leg.peer is not None:
                leg.peer.release()
            leg.direct = source
            if source is not None:
                source.listeners.append(leg)
            leg.recording = call.recording
        self._replan()

    def _replan(self) -> None:
        """Which legs the mixer reads and writes, over all calls."""
        rows: dict[Leg, int] = {}
        outputs: list[Leg] = []
        plain: list[Leg] = []
        rooms = []
        for call in self.calls.values():
            members = {leg.id: leg for leg in self._members(call)}
            hears: list[tuple[int, list[int]]] = []
            for leg in members.values():
                if leg.direct is not None:
                    continue
                sources = [members[i] for i in call.hears[leg.id].hears if i in members]
                if not sources and leg.sound is None:
                    plain.append(leg)
                    continue
                hears.append((len(outputs), [rows.setdefault(s, len(rows)) for s in sources]))
                outputs.append(leg)
            rooms.append(mixer.room(hears))
        for leg in self._inputs:
            if leg not in rows:
                leg.buffer = None
        for leg in rows:
            if leg.buffer is None:
                leg.buffer, leg.concealer = JitterBuffer(), Concealer()
        self._inputs, self._outputs, self._plain = list(rows), outputs, plain
        self._plan = mixer.Plan(rooms, len(outputs))

    def _play(self, leg: Leg, sound: str, digits: str = "") -> None:
        leg.sound, leg.sound_at = tones.signal(sound, digits), 0

    # The mixer -----------------------------------------------------------------------------------

    async def _mix(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += FRAME_SECONDS
            behind = loop.time() - due
            if behind > _CATCH_UP * FRAME_SECONDS:
                missed = int(behind / FRAME_SECONDS)
                self._tick += missed
                due += missed * FRAME_SECONDS
            await asyncio.sleep(due - loop.time())
            self._tick += 1
            self._mix_once(time.monotonic())

    def _mix_once(self, now: float) -> None:
        for leg in self._plain:
            self._send(leg, self._tone_codes(leg), now)
        if not self._outputs:
            return
        mixed = self._plan.mix(self._heard(int(now * RATE)))
        finished = []
        for row, leg in enumerate(self._outputs):
            if leg.tone is not None:
                mixed[row] += tones.frame(leg.tone, self._tick - leg.tone_from)
            if leg.sound is not None:
                part = leg.sound[leg.sound_at : leg.sound_at + FRAME]
                mixed[row] = mixed[row] * 0.25 + part
                leg.sound_at += FRAME
                if leg.sound_at >= len(leg.sound):
                    leg.sound = None
                    finished.append(leg)
        codes = ulaw.encode(mixed).tobytes()
        for row, leg in enumerate(self._outputs):
            self._send(leg, codes[row * FRAME : (row + 1) * FRAME], now)
        for leg in finished:
            if leg.call is not None:
                self._realise(leg.call)

    def _heard(self, now: int) -> mixer.Frames:
        """The frame of each input whose turn it is, concealed where it is missing."""
        frames, filled = [], []
        for row, leg in enumerate(self._inputs):
            frame = None if leg.buffer is None else leg.buffer.pull(now)
            played = leg.concealer.play(frame)
            if played is not None:
                filled.append((row, played))
            frames.append(frame or SILENCE)
        heard = ulaw.decode(b"".join(frames)).reshape(-1, FRAME).astype(np.float32)
        for row, played in filled:
            heard[row] = played
        return heard

    def _tone_codes(self, leg: Leg) -> bytes:
        if leg.tone is None:
            return SILENCE
        return tones.codes(leg.tone, self._tick - leg.tone_from)

    def _send(self, leg: Leg, payload: bytes, now: float) -> None:
        if leg.peer is not None:
            leg.mixed += 1
            leg.peer.send(_MIXER, payload, leg.mixed & 0xFFFF, self._tick * FRAME, now)

    # Watching ------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        quality_at = cut_at = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            for leg in self.legs.values():
                if leg.peer is not None:
                    leg.peer.report(now)
                if leg.call is not None and leg.ready and not leg.lost:
                    self._look_for_loss(leg, now)
            for call in self.calls.values():
                self._begin_recording(call, now)
            if now >= cut_at:
                cut_at = now + CUT_SECONDS
                for call in self.calls.values():
                    if call.recording is not None:
                        call.recording.cut(now)
            if now >= quality_at:
                quality_at = now + QUALITY_SECONDS
                for leg in self.legs.values():
                    if leg.call is not None and leg.ready:
                        self._tell_quality(leg, leg.call)

    def _look_for_loss(self, leg: Leg, now: float) -> None:
        """A leg that sent in this call, or that somebody is to hear, is expected to go on."""
        if now - leg.heard_at < LOST_SECONDS or leg.call is None:
            return
        heard = any(leg.id in hear.hears for hear in leg.call.hears.values())
        if heard or leg.spoke:
            leg.lost = True
            self._reports.keep(LegLost(at=self._clock.now(), leg_id=leg.id))

    def _recovered(self, leg: Leg) -> None:
        if leg.lost:
            leg.lost = False
            self._reports.keep(LegBack(at=self._clock.now(), leg_id=leg.id))

    def _tell_quality(self, leg: Leg, call: Call) -> None:
        assert leg.peer is not None
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
        self._reports.tell(
            Quality(
                at=self._clock.now(),
                leg_id=leg.id,
                call_id=call.id,
                loss=round(loss, 4),
                jitter_ms=round(reception.jitter_ms, 2),
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
            self.admission.measured(self.cpu_percent, len(self.calls))
            self._tell_overload()

    def _tell_overload(self) -> None:
        if self.admission.update(len(self.calls)):
            self._reports.tell(
                CallOverload(
                    at=self._clock.now(),
                    reached=self.admission.overloaded,
                    ceiling=self.admission.ceiling,
                    live_calls=len(self.calls),
                )
            )

    # Recordings ----------------------------------------------------------------------------------

    def _record(self, call: Call, order: RecordingOrder | None) -> None:
        """Follow an order: begin, pause, go on, move legs between channels, or end."""
        now = time.monotonic()
        if call.order is not None and (
            order is None or order.recording_id != call.order.recording_id
        ):
            if call.recording is not None:
                call.recording.finish(now, self._recorded)
            call.order = call.recording = call.notice_ends = None
            for leg in self._members(call):
                leg.recording = None
        if order is not None and call.order is None and self._writer.knows(order.recording_id):
            log.warning("recording_is_whole", recording_id=str(order.recording_id))
            order = None
        call.order = order
        if order is not None and call.recording is not None:
            call.recording.arrange(order.left, order.right)
            call.recording.write(order.writing, now)

    def _begin_recording(self, call: Call, now: float) -> None:
        """Once everybody on it is connected: the notice, then the first frame."""
        order = call.order
        if order is None or call.recording is not None:
            return
        members = {leg.id: leg for leg in self._members(call)}
        named = [members.get(leg_id) for leg_id in (*order.left, *order.right)]
        if not named or not all(leg is not None and leg.ready for leg in named):
            return
        if order.notice and call.notice_ends is None:
            for leg in members.values():
                self._play(leg, "notice")
            call.notice_ends = now + len(tones.signal("notice")) / RATE
            self._realise(call)
        if call.notice_ends is not None and now < call.notice_ends:
            return
        call.notice_ends = None
        at = self._clock.now()
        call.recording = Recording(order.recording_id, self._writer, at, now)
        call.recording.arrange(order.left, order.right)
        call.recording.write(order.writing, now)
        for leg in members.values():
            leg.recording = call.recording
        self._reports.keep(RecordingStarted(at=at, recording_id=order.recording_id))

    def _recorded(self, report: RecordingFinished) -> None:
        self._reports.keep(report)
        self._writer.settled(report.recording_id)

    # Transports ----------------------------------------------------------------------------------

    def _leg(self, leg_id: UUID) -> Leg:
        leg = self.legs.get(leg_id)
        if leg is None:
            raise NotFoundRefusal("no such leg")
        return leg

    def _drop(self, leg: Leg, peer: Peer | None, reason: EndReason) -> None:
        """Close a leg's transport, and tell web what it was like."""
        if peer is None or peer not in self._owners:
            return
        stats = peer.stats(leg.mos)
        self._forget(leg, peer)
        self._reports.keep(
            LegEnded(at=self._clock.now(), leg_id=leg.id, reason=reason, stats=stats)
        )

    def _forget(self, leg: Leg, peer: Peer) -> None:
        self._owners.pop(peer, None)
        if leg.peer is peer:
            leg.peer = None
        if leg.coming is peer:
            leg.coming = None
        task = asyncio.create_task(peer.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _own_certificate(self) -> RTCCertificate:
        """One for all legs, made anew in time: a key costs milliseconds that a call would wait."""
        least = self._clock.now() + timedelta(days=_CERTIFICATE_DAYS)
        if self._certificate is None or self._certificate.expires < least:
            self._certificate = RTCCertificate.generateCertificate()
        return self._certificate

    def _unix_time(self) -> float:
        return self._clock.now().timestamp()
